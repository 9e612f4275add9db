# N queens four ways: generators, bit masks, permutations and repair by least conflicts.
import itertools
import random


def by_generator(n, placed=()):
    if len(placed) == n:
        yield placed
        return
    for column in range(n):
        if all(column != other and abs(column - other) != len(placed) - row for row, other in enumerate(placed)):
            yield from by_generator(n, placed + (column,))


def by_masks(n):
    everything = (1 << n) - 1

    def count(columns, left, right):
        if columns == everything:
            return 1
        total, free = 0, everything & ~(columns | left | right)
        while free:
            bit = free & -free
            free -= bit
            total += count(columns | bit, (left | bit) << 1, (right | bit) >> 1)
        return total

    return count(0, 0, 0)


def by_permutations(n):
    rows = range(n)
    return sum(len({p[r] + r for r in rows}) == n == len({p[r] - r for r in rows}) for p in itertools.permutations(rows))


def symmetries(solution):
    n = len(solution)
    points = list(enumerate(solution))
    for _ in range(4):
        points = [(column, n - 1 - row) for row, column in points]
        yield tuple(column for _, column in sorted(points))
        yield tuple(n - 1 - column for _, column in sorted(points))


def fundamental(n):
    seen, kept = set(), []
    for solution in by_generator(n):
        if solution not in seen:
            kept.append(solution)
            seen.update(symmetries(solution))
    return kept


def conflicts(columns, row, column):
    return sum(other == column or abs(other - column) == abs(index - row)
               for index, other in enumerate(columns) if index != row)


def repair(n, source):
    columns = [source.randrange(n) for _ in range(n)]
    for step in range(10_000):
        threatened = [row for row in range(n) if conflicts(columns, row, columns[row])]
        if not threatened:
            return step, columns
        row = source.choice(threatened)
        scores = [conflicts(columns, row, column) for column in range(n)]
        least = min(scores)
        columns[row] = source.choice([column for column, score in enumerate(scores) if score == least])
    return None, columns


def board(columns):
    return "\n".join(" ".join("Q" if column == at else "." for column in range(len(columns))) for at in columns)


for n in range(1, 9):
    solutions = list(by_generator(n))
    counts = len(solutions), by_masks(n), by_permutations(n) if n < 8 else "-"
    print(n, *counts, "fundamental", len(fundamental(n)))
print("9:", by_masks(9), "10:", by_masks(10))
print(board(next(by_generator(8))))
for solution in fundamental(8):
    print("".join(map(str, solution)), sorted(set(symmetries(solution)))[0] <= solution)
source = random.Random(42)
for n in (8, 12, 20):
    steps, columns = repair(n, source)
    print(n, "repaired in", steps, columns)
print(board(columns))
