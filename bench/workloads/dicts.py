"""Dictionary churn: insertion, lookup, deletion, iteration."""


def main(rounds=12):
    total = 0
    for _ in range(rounds):
        table = {}
        for i in range(60000):
            table[i] = i * 3
        for i in range(0, 60000, 3):
            del table[i]
        for i in range(60000):
            if i in table:
                total += table[i]
        names = {f"name{i}": i for i in range(8000)}
        for name, value in names.items():
            total += len(name) + value
        for name in list(names):
            total += names.pop(name)
    return total
