"""All solutions for queens on a board, by permutations: generators and sets."""


def permutations(items):
    items = list(items)
    size = len(items)
    indices = list(range(size))
    cycles = list(range(size, 0, -1))
    yield tuple(items)
    while size:
        for i in reversed(range(size)):
            cycles[i] -= 1
            if cycles[i] == 0:
                indices[i:] = indices[i + 1:] + indices[i:i + 1]
                cycles[i] = size - i
            else:
                j = cycles[i]
                indices[i], indices[-j] = indices[-j], indices[i]
                yield tuple(items[k] for k in indices[:size])
                break
        else:
            return


def main(size=8):
    columns = range(size)
    found = 0
    for places in permutations(columns):
        if size == len({places[i] + i for i in columns}) == len({places[i] - i for i in columns}):
            found += 1
    return found
