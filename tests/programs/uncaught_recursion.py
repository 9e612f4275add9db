# Endless recursion through several functions: the repeated lines are counted, not shown.
import sys


def even(number):
    return odd(number + 1)


def odd(number):
    return even(
        number + 1
    )


class Node:
    def __init__(self, parent):
        self.parent = parent

    @property
    def root(self):
        return self.root

    def __eq__(self, other):
        return self == other

    def __repr__(self):
        return f"<{self.parent!r}>"


for attempt in (lambda: even(0), lambda: Node(None).root, lambda: Node(1) == Node(2), lambda: repr((lambda n: setattr(n, "parent", n) or n)(Node(1)))):
    try:
        attempt()
    except RecursionError as error:
        depth, frame = 0, error.__traceback__
        while frame:
            depth, frame = depth + 1, frame.tb_next
        print(error, depth > 300)
sys.setrecursionlimit(200)


def countdown(number):
    if number == 0:
        raise ValueError("bottom")
    countdown(number - 1)


try:
    countdown(50)
except ValueError as error:
    print(error)


def straight(number):
    straight(number + 1)


straight(0)
