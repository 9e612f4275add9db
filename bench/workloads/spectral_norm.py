"""Largest singular value of an infinite matrix: calls and generator expressions."""


def element(i, j):
    return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1)


def times(u):
    size = len(u)
    return [sum(element(i, j) * u[j] for j in range(size)) for i in range(size)]


def times_transposed(u):
    size = len(u)
    return [sum(element(j, i) * u[j] for j in range(size)) for i in range(size)]


def main(size=130):
    u = [1.0] * size
    for _ in range(10):
        v = times_transposed(times(u))
        u = times_transposed(times(v))
    vbv = vv = 0.0
    for a, b in zip(u, v):
        vbv += a * b
        vv += b * b
    return round((vbv / vv) ** 0.5, 9)
