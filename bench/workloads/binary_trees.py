"""Build and walk binary trees: allocation and destruction of many small objects."""


class Tree:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left = left
        self.right = right


def build(depth):
    if depth == 0:
        return Tree(None, None)
    return Tree(build(depth - 1), build(depth - 1))


def count(tree):
    if tree.left is None:
        return 1
    return 1 + count(tree.left) + count(tree.right)


def main(depth=13):
    total = 0
    long_lived = build(depth)
    for level in range(4, depth + 1, 3):
        for _ in range(1 << (depth - level + 2)):
            total += count(build(level))
    return total + count(long_lived)
