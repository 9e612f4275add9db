"""Pancake flips over all permutations: list indexing and slicing."""


def main(n=8):
    count = list(range(1, n + 1))
    most = 0
    checksum = 0
    r = n
    permutation1 = list(range(n))
    number = 0
    while True:
        while r != 1:
            count[r - 1] = r
            r -= 1
        if permutation1[0] != 0:
            permutation = permutation1[:]
            flips = 0
            k = permutation[0]
            while k:
                permutation[:k + 1] = permutation[k::-1]
                flips += 1
                k = permutation[0]
            most = max(most, flips)
            checksum += flips if number % 2 == 0 else -flips
        while True:
            if r == n:
                return checksum, most
            first = permutation1[0]
            for i in range(r):
                permutation1[i] = permutation1[i + 1]
            permutation1[r] = first
            count[r] -= 1
            if count[r] > 0:
                break
            r += 1
        number += 1
