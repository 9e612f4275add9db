# The collector runs while generators run: their operand stacks change under it, their locals stay.
import gc


class Node:
    def __init__(self, *children):
        self.children = children
        self.parents = [self]


def walk(node, depth):
    for child in node.children:
        yield from walk(child, depth + 1)
        yield [depth, child], Node(child)
    gc.collect(0)
    yield Node(node), {depth: node}


def stop_early(count):
    tree = Node(*(Node(*(Node(Node(), Node()) for _ in range(4))) for _ in range(4)))
    seen = 0
    for item in walk(tree, 0):
        seen += 1
        if seen == count:
            break
    return seen


def fail(node):
    try:
        for item in walk(node, 0):
            yield [item, Node(item)], {}[item[0] if isinstance(item[0], int) else gc.collect(0)]
    finally:
        gc.collect(1)
        yield Node()


gc.set_threshold(3, 2, 2)
print([stop_early(count) for count in (1, 2, 3, 5, 8, 13, 21, 34, 55)])
for _ in range(30):
    iterator = fail(Node(Node(Node()), Node()))
    next(iterator)
    try:
        next(iterator)
    except KeyError as error:
        print(error.args, end=" ")
print()


async def chain(depth):
    if depth == 0:
        return [Node()]
    return [Node(*await chain(depth - 1)), *(await chain(depth - 1))]


coroutine = chain(7)
try:
    coroutine.send(None)
except StopIteration as stop:
    print(len(stop.value))
unfinished = [walk(Node(Node(), Node()), 0) for _ in range(50)]
for iterator in unfinished:
    next(iterator)
del unfinished, iterator
print(gc.collect() >= 0)
