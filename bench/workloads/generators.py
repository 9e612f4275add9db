"""Pipelines of generators."""


def numbers(limit):
    for i in range(limit):
        yield i


def only_even(source):
    for value in source:
        if value % 2 == 0:
            yield value


def squares(source):
    for value in source:
        yield value * value


def flatten(source):
    for value in source:
        yield from (value, -1)


def main(limit=500000):
    return sum(flatten(squares(only_even(numbers(limit)))))
