# Generators as pipelines; itertools, functools, collections, heapq, bisect, operator; closures and decorators.
import bisect
import collections
import contextlib
import functools
import heapq
import inspect
import itertools as it
import operator as op


def coroutine(function):
    @functools.wraps(function)
    def start(*arguments):
        generator = function(*arguments)
        next(generator)
        return generator
    return start


def lines(text):
    for number, line in enumerate(text.splitlines(), 1):
        yield number, line


def without_comments(source):
    for number, line in source:
        if (code := line.partition("#")[0].strip()):
            yield number, code


def fields(source):
    for number, line in source:
        try:
            name, value = line.split("=")
            yield name.strip(), int(value)
        except ValueError as error:
            print(f"line {number}: {error}")


def running_total(source):
    total = 0
    for name, value in source:
        total += value
        yield name, value, total
    return total


@coroutine
def averager(log):
    count = total = 0
    average = None
    while True:
        try:
            value = yield average
        except ZeroDivisionError:
            log.append("reset")
            count = total = 0
            average = None
            continue
        except GeneratorExit:
            log.append("closed")
            raise
        count += 1
        total += value
        average = total / count


def tree(node):
    if isinstance(node, list):
        for child in node:
            yield from tree(child)
    else:
        result = yield node
        if result:
            yield f"sent {result}"


def delegating(log):
    try:
        result = yield from running_total([("a", 1), ("b", 2)])
        log.append(result)
        yield "after"
    finally:
        log.append("finally")


def memoise(limit):
    def decorate(function):
        cache, calls = collections.OrderedDict(), collections.Counter()

        @functools.wraps(function)
        def wrapper(*arguments):
            if arguments in cache:
                calls["hit"] += 1
                cache.move_to_end(arguments)
                return cache[arguments]
            calls["miss"] += 1
            value = cache[arguments] = function(*arguments)
            if len(cache) > limit:
                cache.popitem(last=False)
            return value

        wrapper.calls, wrapper.cache = calls, cache
        return wrapper
    return decorate


@memoise(3)
def square(n: int) -> int:
    """The square."""
    return n * n


TEXT = "a = 5 # first\n\nb = 7\nc = x\nd 4\ne = 1 = 2\nf=10\n"
print(list(running_total(fields(without_comments(lines(TEXT))))))
log = []
average = averager(log)
print([average.send(n) for n in (10, 20, 60)], average.throw(ZeroDivisionError), average.send(1), inspect.getgeneratorstate(average), average.close(), inspect.getgeneratorstate(average), log)
nested = tree([1, [2, [3, []], 4], [[5]]])
print(next(nested), nested.send("x"), list(nested), nested.gi_frame, next(nested, "end"))
steps = delegating(log)
print(next(steps), steps.gi_yieldfrom is not None, list(steps), log)
for call in (lambda: next(iter([])), lambda: next(averager.__wrapped__([])) or averager.__wrapped__([]).send(1), lambda: steps.throw(KeyError, "late"), lambda: list(x for x in 5), lambda: next(delegating([]), 1, 2)):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error)


def bad():
    yield 1
    raise StopIteration(2)


def ignoring():
    while True:
        try:
            yield
        except GeneratorExit:
            if (yield "ignored") is None:
                return


for generator in (bad(), ignoring()):
    try:
        next(generator), next(generator)
        generator.close()
    except RuntimeError as error:
        print(error, repr(error.__cause__))
print([square(n) for n in (1, 2, 1, 3, 4, 2, 1)], square.calls, list(square.cache), square.__name__, square.__doc__, square.__wrapped__(9), inspect.signature(square))
print(list(it.accumulate([3, 1, 4, 1, 5], max)), list(it.batched([1], 1)) if hasattr(it, "batched") else "", list(it.chain.from_iterable(["ab", "c"])), list(it.combinations("abcd", 2))[:4], list(it.combinations_with_replacement("ab", 2)),
      list(it.compress("abcd", [1, 0, 1])), list(it.islice(it.count(5, 2.5), 3)), list(it.islice(it.cycle("ab"), 5)), list(it.dropwhile(str.isdigit, "12a3")), list(it.filterfalse(None, [0, 1, ""])),
      [(k, "".join(g)) for k, g in it.groupby("aabbca")], list(it.pairwise("abc")), list(map("".join, it.permutations("abc", 2))), list(it.product("ab", repeat=2))[1], list(it.repeat(7, 2)), list(it.starmap(pow, [(2, 3), (3, 2)])),
      list(it.takewhile(lambda n: n < 3, it.count())), [list(t) for t in it.tee("ab")], list(it.zip_longest("abc", "x", fillvalue="-")), it.count(3), it.repeat("x", 3))
print(functools.reduce(op.mul, range(1, 8)), functools.partial(int, base=2)("101"), functools.partial(pow, 2), sorted("bca", key=functools.cmp_to_key(lambda a, b: (a < b) - (a > b))), functools.partial(functools.partial(max, 3), 5).args)
cached = functools.lru_cache(maxsize=2, typed=True)(lambda n: n)
print([cached(n) for n in (1, 1.0, 1, 2, 3, 1)], cached.cache_info(), cached.cache_parameters(), cached.cache_clear(), cached.cache_info())
heap = []
for item in [(5, "e"), (1, "a"), (3, "c"), (1, "b")]:
    heapq.heappush(heap, item)
print([heapq.heappop(heap) for _ in range(4)], heapq.nlargest(2, [4, 9, 1]), heapq.nsmallest(2, "hello", key=ord), list(heapq.merge([1, 4], [2, 3], reverse=False)), heapq.heapreplace([1, 2], 5), heapq.heappushpop([2, 3], 1))
values = [1, 3, 3, 7]
bisect.insort(values, 4)
print(values, bisect.bisect_left(values, 3), bisect.bisect(values, 3), bisect.bisect_left(values, 30, 1, 3), bisect.bisect([("a", 1), ("b", 5)], 3, key=op.itemgetter(1)))
counter = collections.Counter("mississippi")
counter.subtract("miss")
print(counter.most_common(2), +counter, counter & collections.Counter("pppss"), counter | collections.Counter(z=2), counter["none"], counter.total(), list(collections.Counter(a=2, b=-1).elements()))
queue = collections.deque(range(5), 4)
queue.rotate(1)
queue.extendleft("xy")
print(queue, queue.maxlen, queue.index(1) if 1 in queue else None, queue.count("x"), list(reversed(queue)), queue.popleft(), queue == collections.deque(["x", 4, 1]), queue.copy() * 2)
Point = collections.namedtuple("Point", "x y class", rename=True, defaults=[0])
print(Point(1, 2), Point._fields, Point(1, 2)._asdict(), Point._make("abc"), Point(3, 4) < Point(3, 5), Point.__doc__, Point.x.__doc__)
chain = collections.ChainMap({"a": 1}, {"a": 2, "b": 3})
chain["c"] = 4
tree_of = lambda: collections.defaultdict(tree_of)
root = tree_of()
root["a"]["b"]["c"] = 1
print(chain, chain["b"], chain.new_child({"b": 0})["b"], chain.parents, list(chain), {k: list(v) for k, v in root.items()}, collections.OrderedDict(a=1, b=2) == collections.OrderedDict(b=2, a=1))
print(op.attrgetter("real", "imag")(3 + 4j), op.methodcaller("split", "-", 1)("a-b-c"), op.itemgetter(slice(1, 3), -1)("abcd"), op.concat("a", "b"), op.index(True), op.length_hint(iter([1, 2])), op.contains([1], 1))
adders = [lambda x, n=n: x + n for n in range(3)], [lambda x: x + n for n in range(3)]
print([[f(10) for f in group] for group in adders], adders[1][0].__closure__[0].cell_contents, adders[0][1].__defaults__, adders[1][0].__code__.co_freevars)
with contextlib.suppress(UnboundLocalError), contextlib.ExitStack() as stack:
    stack.callback(print, "callback")

    def unbound():
        return later
        later = 1
    unbound()


class Countdown:
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        return self

    def __next__(self):
        if self.start <= 0:
            raise StopIteration
        self.start -= 1
        return self.start

    def __length_hint__(self):
        return 10 ** 6


class Sequence:
    def __getitem__(self, index):
        if index > 3:
            raise IndexError
        return index * 10


a, *b, c = Countdown(5)
(d, (e, *f)), g = [1, Sequence()], "g"
print(a, b, c, d, e, f, g, 20 in Sequence(), list(reversed([*Sequence()])), dict(zip("ab", Sequence())), max(Countdown(3)), list(iter(lambda n=iter([1, 2, 0, 3]): next(n), 0)), {**dict(a=1), "b": 2}, [*range(2), *"xy"])
