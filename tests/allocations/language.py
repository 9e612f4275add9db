"""Statements, functions and classes."""

#: statements
def loops(n):
    total = 0
    for i in range(n):
        if i % 2:
            continue
        elif i > 10**6:
            break
        total += i
    else:
        total = -total
    while n:
        n -= 1
        total ^= n
    return total
try:
    assert loops(20), "message"
except AssertionError:
    pass
a, (b, *c), d = 1, (2, 3, 4), [5]
c[0:1] = [7, 8]
del c[0]
x = y = {"k": [1.5, 2j, b"bytes", "text" * 3]}
x["k"][0] += 1
del a
lambda_ = lambda p, /, q=1, *r, s=2, **t: (p, q, r, s, t)
result = repr((b, c, d, x, lambda_(1, 2, 3, s=4, u=5), f"{b!r:>5}{d=}", loops(30)))

#: functions
def outer(first, *, second=10**20, **rest):
    "Documentation."
    counter = first
    def inner(step: int = 1, *args: "text", key=None, **more) -> float:
        nonlocal counter
        counter += step
        return counter, args, key, sorted(more.items()), second
    return inner
def decorate(argument):
    def decorator(function):
        def wrapper(*args, **kwargs):
            return argument, function(*args, **kwargs)
        wrapper.__wrapped__ = function
        return wrapper
    return decorator
@decorate("outer")
@decorate("inner")
def decorated(a, b=2, *args, c, d=4, **kwargs):
    global shared
    shared = locals()
    return a, b, args, c, d, kwargs
inner = outer(1, other=2)
errors = []
for call in (lambda: decorated(), lambda: decorated(1, c=2, a=3), lambda: inner(*5), lambda: inner(**{1: 2})):
    try:
        call()
    except TypeError as error:
        errors.append(str(error))
result = repr((inner(), inner(2, 3, key=4, more=5), decorated(*(1, 2, 3), **{"c": 4, "e": 5}), errors,
               inner.__annotations__, outer.__doc__, outer.__kwdefaults__, len(shared)))

#: classes
class Descriptor:
    def __set_name__(self, owner, name):
        self.name = name
    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__.get(self.name, 0)
    def __set__(self, instance, value):
        instance.__dict__[self.name] = value
    def __delete__(self, instance):
        del instance.__dict__[self.name]
class Meta(type):
    @classmethod
    def __prepare__(meta, name, bases, **options):
        return dict(options)
    def __new__(meta, name, bases, namespace, **options):
        namespace.pop("x", None)
        cls = super().__new__(meta, name, bases, namespace)
        cls.names = [*namespace]
        return cls
    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)
    def __call__(cls, *args):
        return super().__call__(*args)
class Base(metaclass=Meta, option=1):
    number = Descriptor()
    registry = []
    def __init_subclass__(cls, tag=None):
        cls.registry.append(tag)
    def __init__(self, value=0):
        self.value, self.number = value, value * 2
    @property
    def twice(self):
        return self.value * 2
    @twice.setter
    def twice(self, value):
        self.value = value / 2
    @classmethod
    def make(cls, *args):
        return cls(*args)
    @staticmethod
    def plain(x):
        return x
    def __repr__(self):
        return f"{type(self).__qualname__}({self.value})"
    def __eq__(self, other):
        return self.value == other.value
    def __hash__(self):
        return hash(self.value)
    def __getattr__(self, name):
        raise AttributeError(name)
class Left(Base, tag="left"):
    __slots__ = ("a",)
    def method(self):
        return "left", super().make(1).value
class Right(Base, tag="right"):
    def method(self):
        return "right", self.plain(2)
class Both(Left, Right):
    def method(self):
        return super().method(), __class__.__name__
both = Both(3)
both.twice = 10
both.a = "slot"
both.extra = [both.number]
del both.number
caught = []
for action in (lambda: both.missing, lambda: type("X", (Left, Base, Both), {}), lambda: setattr(Base.make(1), "twice", "x")):
    try:
        action()
    except (AttributeError, TypeError) as error:
        caught.append(str(error))
result = repr((both, both.method(), both.extra, both.twice, Both.__mro__, Base.registry, Base.names, caught,
               {both: 1}[both], type("Made", (Right,), {"y": 1})(4).y, isinstance(both, Right), vars(both)))

#: slots
class Slots:
    __slots__ = ("first", "second", "__weakref__")
    def __init__(self):
        self.first = [self]
class Derived(Slots):
    __slots__ = {"third": "documented"}
thing = Derived()
thing.third = thing.first, 10**30
del thing.first
try:
    thing.first
except AttributeError as error:
    message = error.args
try:
    thing.other = 1
except AttributeError as error:
    message += error.args
result = repr((message, [name for name in dir(thing) if not name.startswith("_")], Derived.third))

#: special-methods
class Vector:
    def __init__(self, *items): self.items = items
    def __add__(self, other): return Vector(*(a + b for a, b in zip(self.items, other.items)))
    def __radd__(self, other): return Vector(*(other + a for a in self.items))
    def __matmul__(self, other): return sum(a * b for a, b in zip(self.items, other.items))
    def __neg__(self): return Vector(*(-a for a in self.items))
    def __getitem__(self, at): return self.items[at]
    def __len__(self): return len(self.items)
    def __contains__(self, item): return item in self.items
    def __iter__(self): return iter(self.items)
    def __call__(self, *args, **kwargs): return args, kwargs
    def __lt__(self, other): return self.items < other.items
    def __bool__(self): return any(self.items)
    def __int__(self): return self.items[0]
    def __index__(self): return int(self)
    def __format__(self, spec): return f"<{spec}>"
    def __enter__(self): return self
    def __exit__(self, *exc): return True
    def __bytes__(self): return bytes(self.items)
    def __iadd__(self, other): self.items += (other,); return self
    def __missing__(self, key): return key
    def __del__(self): self.items = None
v, w = Vector(1, 2, 3), Vector(4, 5, 6)
v += 7
with v as u:
    raise ValueError(u)
result = repr(((v + w).items, (5 + v).items, v @ w, (-v).items, v[1:], len(v), 2 in v, [*v], v(1, a=2), v < w, bool(v),
               [10, 20, 30][v], f"{v:spec}", bytes(w), sorted([w, v])[0].items, hex(v), divmod(17, int(w))))

#: generators
def inner(n):
    try:
        received = []
        for i in range(n):
            try:
                received.append((yield i))
            except KeyError as error:
                received.append(repr(error))
        return received
    finally:
        log.append(n)
def outer(n):
    result = yield from inner(n)
    yield result
    yield from [1, 2]
log = []
g = outer(4)
seen = [next(g), g.send("x"), g.throw(KeyError("k")), *g]
h = outer(3)
next(h)
h.close()
k = inner(2)
next(k)
try:
    k.throw(ValueError, "thrown")
except ValueError:
    log.append(k.gi_frame)
del k
result = repr((seen, log, sum(x * y for x in range(5) for y in (1, 2) if x), {n: str(n) for n in inner(10)}, {n for n in inner(3)},
               [(a, b) for a, *b in ["abc", "def"]]))

#: coroutines
class Await:
    def __init__(self, value): self.value = value
    def __await__(self):
        got = yield self.value
        return got
class Manager:
    async def __aenter__(self): return await Await("enter")
    async def __aexit__(self, *exc): return await Await("exit") is None
class Counter:
    def __init__(self): self.n = 0
    def __aiter__(self): return self
    async def __anext__(self):
        self.n += 1
        if self.n > 3: raise StopAsyncIteration
        return await Await(self.n)
async def numbers(n):
    try:
        for i in range(n):
            got = yield await Await(i)
    finally:
        await Await("closing")
async def main():
    log = []
    async with Manager() as m:
        log.append(m)
        async for x in Counter():
            log.append(x)
        else:
            log.append("else")
        raise_it = [x async for x in numbers(3) if await Await(x) is not None]
        log += raise_it
        agen = numbers(5)
        log.append(await anext(agen))
        log.append(await agen.asend(5))
        await agen.aclose()
        log.append({x: 1 async for x in numbers(2)})
    return log
def drive(coroutine):
    value, log = None, []
    while True:
        try:
            value = coroutine.send(value)
            log.append(value)
        except StopIteration as stop:
            return stop.value, log
result = repr(drive(main()))

#: asyncio-like
import types
@types.coroutine
def switch():
    yield "switch"
async def worker(n):
    for i in range(n):
        await switch()
    return n
def loop(*coroutines):
    ready, done = list(coroutines), []
    while ready:
        task = ready.pop(0)
        try:
            task.send(None)
            ready.append(task)
        except StopIteration as stop:
            done.append(stop.value)
    return done
result = loop(worker(1), worker(4), worker(2))

#: exceptions
import sys
class Custom(Exception):
    def __init__(self, code, *args):
        super().__init__(code, *args)
        self.code = code
def fail(depth):
    if depth == 0:
        raise Custom(7, "deep")
    try:
        fail(depth - 1)
    except Custom as error:
        error.add_note(f"note {depth}")
        raise KeyError(depth) from error
    except KeyError:
        [][depth]
log = []
try:
    fail(5)
except LookupError as error:
    chain = error
    while chain is not None:
        log.append((repr(chain), getattr(chain, "__notes__", None)))
        chain = chain.__cause__ or chain.__context__
    log.append(error.__traceback__.tb_next.tb_frame.f_code.co_name)
    log.append(sys.exc_info()[0])
for action in (lambda: 1 / 0, lambda: {}["k"], lambda: undefined, lambda: "x" + 1, lambda: int("x"), lambda: None.attr,
               lambda: [1, 2].index(3), lambda: open("/nonexistent/file"), lambda: "\udc80".encode(), lambda: b"\xff".decode(),
               lambda: next(iter([])), lambda: (_ for _ in ()).throw(Custom(1)), lambda: exec("1 +"), lambda: __import__("no_such")):
    try:
        action()
    except Exception as error:
        log.append((type(error).__name__, str(error)[:60]))
    finally:
        log.append(0)
result = repr(log)

#: exception-groups
def raise_group():
    errors = []
    for kind in (ValueError, TypeError, KeyError):
        try:
            raise kind("inner")
        except Exception as error:
            errors.append(error)
    raise ExceptionGroup("group", [*errors, ExceptionGroup("nested", [OSError(2, "x"), ValueError(3)])])
log = []
try:
    try:
        raise_group()
    except* ValueError as group:
        log.append(repr(group))
    except* (TypeError, OSError) as group:
        log.append(len(group.exceptions))
        raise RuntimeError("new")
except BaseException as error:
    log.append(repr(error))
    log.append(str(error))
    if isinstance(error, BaseExceptionGroup):
        log.append(repr(error.split(RuntimeError)))
        log.append(repr(error.derive([ValueError(1)])))
result = repr(log)

#: with
class Manager:
    def __init__(self, suppress): self.suppress = suppress
    def __enter__(self): return self
    def __exit__(self, kind, value, traceback):
        log.append((kind, str(value)))
        return self.suppress
log = []
with Manager(True) as a, Manager(False) as b:
    log.append(a.suppress)
    raise ValueError("inside")
def leave():
    with Manager(False):
        return "returned"
for i in range(2):
    with Manager(False):
        if i == 0:
            continue
        break
try:
    with Manager(False), Manager(False):
        raise KeyError("out")
except KeyError as error:
    log.append(error.args)
try:
    with 5:
        pass
except TypeError as error:
    log.append(str(error))
log.append(leave())
result = repr(log)

#: match
class Point:
    __match_args__ = ("x", "y")
    def __init__(self, x, y): self.x, self.y = x, y
def classify(thing):
    match thing:
        case 0 | 1.5 | "text" | None: return "constant"
        case Point(0, y=y): return "axis", y
        case Point(x, y) if x == y: return "diagonal", x
        case [a, *rest, b]: return "sequence", a, rest, b
        case {"key": value, **others}: return "mapping", value, others
        case str() | bytes() as text: return "text", text
        case int(n): return "int", n
        case _: return "other"
result = repr([classify(thing) for thing in (0, 1.5, "text", Point(0, 5), Point(3, 3), [1, 2, 3, 4], {"key": 1, "b": 2},
                                             b"z", 10**25, {1}, (1,), Point(1, 2), {})])

#: recursion
import sys
def deeper(n):
    return deeper(n + 1)
class Self:
    def __repr__(self): return repr(self)
    def __eq__(self, other): return [other] == [self]
log = []
limit = sys.getrecursionlimit()
depth, frame = 0, sys._getframe()
while frame is not None:
    depth, frame = depth + 1, frame.f_back
sys.setrecursionlimit(depth + 60)
try:
    for action in (lambda: deeper(0), lambda: repr(Self()), lambda: Self() == Self()):
        try:
            action()
        except RecursionError as error:
            log.append(type(error).__name__)
finally:
    sys.setrecursionlimit(limit)
nested = []
for i in range(300):
    nested = [nested, {}]
del nested
result = repr(log)

#: attributes
class A:
    pass
things = [A() for _ in range(5)]
for i, thing in enumerate(things):
    for name in "abcdefghijkl"[:3 + i * 2]:
        setattr(thing, name, i)
    thing.__dict__["extra"] = 1
    vars(thing).update(more=2)
    del thing.a
thing.__class__ = type("B", (A,), {})
log = []
try:
    thing.__class__ = int
except TypeError as error:
    log.append(str(error))
A.later = property(lambda self: self.b)
log.append([thing.later for thing in things])
A.__getattribute__ = lambda self, name: object.__getattribute__(self, name)
log.append(getattr(things[0], "missing", "default"))
log.append(hasattr(thing, "b"))
thing.__dict__ = {"new": 1}
result = repr((log, [sorted(vars(thing)) for thing in things], dir(thing)[-2:]))

#: tracebacks
def fail(depth):
    if depth:
        fail(depth - 1)
    [1, 2].index(3)
try:
    fail(5)
except ValueError as error:
    entries = []
    traceback = error.__traceback__
    while traceback is not None:
        entries.append((traceback.tb_lineno, traceback.tb_frame.f_code.co_name))
        traceback = traceback.tb_next
result = repr(entries)
