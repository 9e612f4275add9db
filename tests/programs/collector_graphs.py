"""Random object graphs, changed, dropped and collected, beside a model that knows which objects must be alive.

Nodes of several classes hold each other through containers, closures, generators, exceptions and bound methods; some have
finalizers, some of which bring their object back. Usage: collector_graphs.py [SEED [STEPS]]
"""
import functools
import gc
import random
import sys
import weakref


class Model:
    """Which node (a number) holds which, by the numbers of the edges, and which nodes the program holds."""

    def __init__(self):
        self.edges = {}  # node -> {edge: node}
        self.owner = {}  # edge -> node
        self.roots = {}  # node -> object
        self.finalized = {}
        self.told = {}  # node -> calls of the callback of its weak reference
        self.references = {}

    def add(self, edge, source, target):
        self.edges[source][edge] = target
        self.owner[edge] = source

    def remove(self, edge):
        source = self.owner.pop(edge, None)
        if source is not None:
            self.edges[source].pop(edge, None)

    def reachable(self):
        seen, pending = set(self.roots), list(self.roots)
        while pending:
            for node in self.edges[pending.pop()].values():
                if node not in seen:
                    seen.add(node)
                    pending.append(node)
        return seen


model = Model()


class Plain:
    def __init__(self, number):
        self.number = number

    def put(self, edge, holder):
        setattr(self, f"edge{edge}", holder)

    def drop(self, edge):
        if hasattr(self, f"edge{edge}"):
            delattr(self, f"edge{edge}")

    def method(self):
        return self.number


class Slotted:
    __slots__ = ("number", "first", "second", "more", "__weakref__")

    def __init__(self, number):
        self.number = number
        self.first = self.second = None
        self.more = {}

    def put(self, edge, holder):
        if self.first is None:
            self.first = (edge, holder)
        elif self.second is None:
            self.second = [edge, holder]
        else:
            self.more[edge] = holder

    def drop(self, edge):
        if self.first is not None and self.first[0] == edge:
            self.first = None
        if self.second is not None and self.second[0] == edge:
            self.second = None
        self.more.pop(edge, None)

    def method(self):
        return self.number


class Listed(list):
    def __init__(self, number):
        self.number = number

    def put(self, edge, holder):
        self.append((edge, holder))

    def drop(self, edge):
        self[:] = [pair for pair in self if pair[0] != edge]

    def method(self):
        return self.number


class Mapped(dict):
    __slots__ = ("number", "__weakref__")

    def __init__(self, number):
        self.number = number

    def put(self, edge, holder):
        self[edge] = holder

    def drop(self, edge):
        self.pop(edge, None)

    def method(self):
        return self.number


class Finalized(Plain):
    def __del__(self):
        model.finalized[self.number] = model.finalized.get(self.number, 0) + 1


class Phoenix(Slotted):
    __slots__ = ()

    def __del__(self):
        model.finalized[self.number] = model.finalized.get(self.number, 0) + 1
        model.roots[self.number] = self


KINDS = (Plain, Plain, Slotted, Slotted, Listed, Mapped, Finalized, Phoenix)


def in_closure(edge, target):
    def inner():
        return target
    return inner


def in_generator(edge, target):
    def generate():
        held = target
        try:
            yield held
        finally:  # the collector ends it before what it holds, and it stays ended if its owner is brought back
            model.remove(edge)
    generator = generate()
    next(generator)
    target = None
    return generator


def in_exception(edge, target):
    try:
        raise ValueError(target)
    except ValueError as error:
        return error


def in_knot(edge, target):
    knot = [target]
    knot.append((knot, {"knot": knot}))
    return knot


HOLDERS = (
    lambda edge, target: target,
    lambda edge, target: target,
    lambda edge, target: [target],
    lambda edge, target: (target,),
    lambda edge, target: (target,) * 80,
    lambda edge, target: [(target, [])] * 200,
    lambda edge, target: {"target": target},
    lambda edge, target: {(edge, target.number): {edge: target} for _ in range(1)},
    lambda edge, target: {id(target): target, **{number: number for number in range(50)}},
    lambda edge, target: frozenset([functools.partial(print, target)]),
    lambda edge, target: target.method,
    lambda edge, target: iter([target, None]),
    lambda edge, target: map(id, (target,)),
    lambda edge, target: type("Class", (), {"target": target}),
    in_closure, in_generator, in_exception, in_knot,
)


def make(number):
    node = KINDS[number % len(KINDS)](number)
    model.edges[number] = {}
    model.roots[number] = node

    def died(reference):
        assert reference() is None
        model.told[number] = model.told.get(number, 0) + 1

    model.references[number] = weakref.ref(node, died)


def link(edge, source, target):
    if edge % 5 == 0:  # keeps nothing alive; its callback runs when it outlives the target
        source.put(edge, weakref.ref(target, lambda reference: model.edges and None))
        return
    holder = HOLDERS[edge % len(HOLDERS)](edge, target)
    model.add(edge, source.number, target.number)
    source.put(edge, holder)


def alive():
    return {thing.number for thing in gc.get_objects() if type(thing) in KINDS}


def check():
    for _ in range(4):  # what is brought back may take others along, which die later
        gc.collect()
    reachable, living = model.reachable(), alive()
    assert living == reachable, (sorted(living - reachable), sorted(reachable - living))
    for number in list(model.edges):
        kind, calls = KINDS[number % len(KINDS)], model.finalized.get(number, 0)
        assert calls <= 1
        if number in living:
            if not model.told.get(number):
                assert model.references[number]() is not None
        else:
            assert model.references[number]() is None
            assert model.told[number] == 1, (number, model.told)
            assert calls == 1 or kind not in (Finalized, Phoenix)
            for edge in list(model.edges.pop(number)):
                model.owner.pop(edge, None)
            del model.references[number]
    return len(living)


def run(seed, steps):
    chance = random.Random(seed)
    number = edge = 0
    for step in range(steps):
        action = chance.random()
        if action < 0.3 or not model.roots:
            make(number)
            number += 1
        elif action < 0.75:
            source, target = chance.choice(list(model.roots)), chance.choice(list(model.roots))
            link(edge, model.roots[source], model.roots[target])
            edge += 1
        elif action < 0.8:
            source = chance.choice(list(model.roots))
            if model.edges[source]:
                dropped = chance.choice(list(model.edges[source]))
                node = model.roots[source]
                model.remove(dropped)
                node.drop(dropped)
                node = None
        elif action < 0.97:
            for _ in range(chance.choice((1, 1, 1, 20))):
                if model.roots:
                    node = model.roots.pop(chance.choice(list(model.roots)))
                    node = None
        elif action < 0.985:
            gc.collect(chance.randrange(2))
            assert alive() >= model.reachable()
        elif action < 0.99:
            gc.freeze()
            gc.unfreeze()
        else:
            check()
    check()
    while model.roots:
        model.roots.clear()
        check()
    assert not model.edges
    assert not gc.garbage


seeds = [int(sys.argv[1])] if len(sys.argv) > 1 else range(4)
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 600
for seed in seeds:
    if seed % 2:
        gc.disable()
    else:
        gc.enable()
        gc.set_threshold(*((700, 10, 10), (50, 2, 2))[seed // 2 % 2])
    model.__init__()
    run(seed, steps)
    print("seed", seed, "ok")
