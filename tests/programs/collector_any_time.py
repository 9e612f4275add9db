"""Containers of every type are changed at random while nearly every allocation starts a collection.

A model tells after each round which nodes must be alive and what every container holds. Nothing here calls gc.collect in
between: a collection happens inside the very operation that allocates.
"""
import array
import collections
import contextvars
import functools
import gc
import itertools
import random
import types
import weakref


class Node:
    def __init__(self, number):
        self.number = number
        self.me = self  # only the collector frees it
        born.add(number)

    def __eq__(self, other):
        [[], {}]  # a collection in the middle of a look-up
        return isinstance(other, Node) and self.number == other.number

    def __hash__(self):
        [{}, []]
        return self.number % 7

    def __lt__(self, other):
        [[], []]
        return self.number < other.number


class Returning(Node):
    """Its finalizer brings it back, once."""

    def __del__(self):
        returned.append(self)


class Tree:
    __slots__ = ("left", "right", "__weakref__")


born, told, returned, watching = set(), collections.Counter(), [], {}


def make(number):
    node = (Returning if number % 5 == 0 else Node)(number)
    watching[number] = weakref.ref(node, functools.partial(tell, number))
    return node


def tell(number, reference):
    assert reference() is None
    told[number] += 1
    [[number], {number: []}]


def numbers(things):
    return [thing.number for thing in things]


def lists(chance, nodes):
    """Slices, sorting and growth; the model is a list of numbers."""
    target, model = [], []
    for _ in range(30):
        some = chance.sample(nodes, chance.randrange(4))
        at, end = sorted(chance.choices(range(len(target) + 1), k=2))
        action = chance.randrange(6)
        if action == 0:
            target[at:end] = (thing for thing in some)
            model[at:end] = numbers(some)
        elif action == 1:
            target.extend(map(lambda thing: thing, some))
            model.extend(numbers(some))
        elif action == 2:
            target.sort(key=lambda thing: (thing.number % 3, thing))
            model.sort(key=lambda number: (number % 3, number))
        elif action == 3:
            target = target[::-1] * 1 + [*some]
            model = model[::-1] + numbers(some)
        elif action == 4 and target:
            del target[at:end:2]
            del model[at:end:2]
        else:
            target.insert(at, nodes[0])
            model.insert(at, nodes[0].number)
        assert numbers(target) == model
    target.append(target)
    return target


def dicts(chance, nodes):
    target, model = chance.choice((dict, collections.OrderedDict, lambda: collections.defaultdict(list)))(), {}
    for _ in range(30):
        node = chance.choice(nodes)
        action = chance.randrange(5)
        if action < 2:
            target[node] = [target, node]
            model[node.number] = node.number
        elif action == 2:
            target.pop(node, None)
            model.pop(node.number, None)
        elif action == 3:
            target.update({key: [target, key] for key in nodes[:3]})
            model.update({key.number: key.number for key in nodes[:3]})
        elif model:
            key, value = target.popitem()
            assert model.popitem() == (key.number, value[1].number)
        assert {key.number: value[1].number for key, value in target.items()} == model
    return target


def sets(chance, nodes):
    target, model = set(), set()
    for _ in range(15):
        some = chance.sample(nodes, chance.randrange(5))
        plain = set(numbers(some))
        action = chance.randrange(5)
        if action == 0:
            target |= {*some}
            model |= plain
        elif action == 1:
            target.symmetric_difference_update(iter(some))
            model ^= plain
        elif action == 2:
            target = target - frozenset(some)
            model = model - plain
        elif action == 3:
            target.update(iter(some), some)
            model |= plain
        else:
            target.intersection_update(nodes[:6], (thing for thing in nodes))
            model &= set(numbers(nodes[:6]))
        assert set(numbers(target)) == model
    return [target, frozenset(target)]


def deques(chance, nodes):
    target, model = collections.deque(maxlen=9), collections.deque(maxlen=9)
    for _ in range(25):
        some = chance.sample(nodes, chance.randrange(4))
        action = chance.randrange(4)
        if action == 0:
            target.extendleft(thing for thing in some)
            model.extendleft(numbers(some))
        elif action == 1:
            target += some
            model += numbers(some)
        elif action == 2 and model:
            target.rotate(3)
            model.rotate(3)
            target.popleft()
            model.popleft()
        else:
            target.append(nodes[1])
            model.append(nodes[1].number)
        assert numbers(target) == list(model)
    target.append(target)
    return target


def lazy(chance, nodes):
    """Suspended generators, coroutines and iterators of all kinds, each begun."""
    def generate(things):
        back = None
        try:
            for thing in things:
                back = yield [thing, back] if thing is things[0] else [thing]
        finally:
            [[], {}]
    back = []
    generator = generate(nodes)
    back.append(generator)
    assert next(generator)[0] is nodes[0]
    assert generator.send(back)[0] is nodes[1]

    async def wait():
        held = [nodes[2], coroutine]
        await pause()

    @types.coroutine
    def pause():
        yield nodes[3]

    coroutine = wait()
    assert coroutine.send(None) is nodes[3]
    made = [
        generator, coroutine, zip(nodes, map(lambda thing: [thing], nodes)), enumerate(nodes), reversed(nodes),
        filter(None, nodes), itertools.chain([nodes[4]], iter(nodes)), itertools.product(nodes[:2], repeat=2),
        itertools.combinations(nodes, 2), itertools.permutations(nodes[:4], 2), itertools.islice(nodes, 3),
        itertools.accumulate([[nodes[0]], [nodes[1]]]), itertools.groupby(nodes, lambda thing: [thing]),
        itertools.zip_longest(nodes, nodes[:1]), *itertools.tee(nodes), itertools.cycle(nodes), itertools.count(2 ** 70),
    ]
    for thing in made[2:]:
        next(thing)
    first, second = made[15 - 1], made[16 - 1]
    assert [thing.number for thing in first] == [thing.number for thing in second]
    return made


def values(chance, nodes):
    """Tuples, functions, classes, methods, cells, exceptions and more."""
    def inner(*arguments, keyword=nodes[0]):
        return inner, nodes, arguments, keyword
    try:
        raise ExceptionGroup("", [ValueError(nodes[1]), TypeError(nodes[2])])
    except* (ValueError, TypeError) as error:
        caught = error
    tree = Tree()
    tree.left, tree.right = tree, [nodes[3]]
    variable = contextvars.ContextVar("variable", default=None)
    context = contextvars.copy_context()
    context.run(variable.set, nodes[4])
    assert context[variable] is nodes[4]
    made = [
        (*nodes, inner), tuple(thing for thing in nodes), inner, functools.partial(inner, *nodes, keyword=nodes),
        type("Class", (Node, Tree), {"nodes": nodes, "inner": inner}), inner.__get__(nodes[1]), property(inner),
        classmethod(inner), caught, tree, context, types.SimpleNamespace(nodes=nodes), types.MappingProxyType({1: nodes}),
        types.ModuleType("module"), list[Node] | dict[str, list], slice(nodes[0], inner), memoryview(array.array("i", [1])),
        functools.lru_cache(lambda thing: [thing]), collections.namedtuple("Pair", "a b")(nodes[0], nodes[1]),
        super(Returning, nodes[0]) if isinstance(nodes[0], Returning) else None, weakref.WeakSet(nodes),
        weakref.WeakValueDictionary(enumerate(nodes)), inner(*nodes, **{"keyword": nodes[5]}),
    ]
    made[13].__dict__.update({f"name{thing.number}": made for thing in nodes})
    assert made[0][:-1] == made[1] and numbers(made[3]()[2]) == numbers(nodes)
    assert len(made[20]) == len(nodes) == len(made[21])
    made.append(made)
    return made


def run(seed, rounds):
    chance = random.Random(seed)
    number, kept, living = 0, {}, set()
    for turn in range(rounds):
        nodes = [make(number + i) for i in range(8)]
        mine = set(range(number, number + 8))
        number += 8
        holder = chance.choice((lists, dicts, sets, deques, lazy, values))(chance, nodes)
        kept[turn] = (holder, nodes, mine)
        holder = nodes = None
        if chance.random() < 0.2:
            gc.freeze()
            [[] for _ in range(5)]
            gc.unfreeze()
        while len(kept) > 3:
            kept.pop(chance.choice(list(kept)))
        living = set().union(*(entry[2] for entry in kept.values()))
        for each in living:  # a lost node would show here
            assert watching[each]().number == each and not told[each]
    gc.set_threshold(700, 10, 10)
    gc.collect()
    back = numbers(returned)
    assert len(back) == len(set(back)) and not living.intersection(back)
    assert set(back) == {each for each in born - living if each % 5 == 0}
    returned.clear()
    kept.clear()
    gc.collect()
    assert {each for each in living if each % 5 == 0} == set(numbers(returned))
    returned.clear()
    gc.collect()
    assert all(reference() is None for reference in watching.values())
    assert all(told[each] == 1 for each in born), told
    assert not gc.garbage
    print("seed", seed, "made", len(born), "told", sum(told.values()))


for seed in range(3):
    for container in (born, told, returned, watching):
        container.clear()
    gc.collect()
    gc.set_threshold(1, 1, 1)
    run(seed, 25)
