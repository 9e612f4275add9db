"""The built-in types and functions."""

#: int
a, b = 3**200, 7**90
values = [a + b, a - b, a * b, a // b, a % b, divmod(-a, b), -a, ~a, a << 70, a >> 70, a & b, a | -b, a ^ b, pow(a, b, 10**20 + 7),
          pow(3, -1, 7), a**2, abs(-a), int("1" * 400), int("7f" * 40, 16), int(b"12_3"), str(a), hex(a), bin(b), oct(b), a.bit_length(),
          a.to_bytes(50, "little"), int.from_bytes(b"\x80" * 40, "big", signed=True), float(b), a / b, round(b, -5), int(1e300),
          (a * b).__sizeof__() > 0, hash(a), a == b, a < b, f"{a:,}", f"{b:_x}", f"{10**20:>40}", a.bit_count(), int("٣"),
          a.as_integer_ratio(), (10**2000) // 3**1500, str(10**600), math_isqrt if (math_isqrt := None) else 0]
try:
    int("x" * 100)
except ValueError as error:
    values.append(str(error))
result = hash(repr(values))

#: float-complex
values = [1.5 + 2, 2.5 * 3, 1e300 * 10, 7.5 // 2, 7.5 % 2, divmod(7.5, 2), 2.0**0.5, (1 + 2j) * 3, abs(3 + 4j), (1 + 2j)**2, float("1e10"),
          float("  nan "), complex("1+2j"), repr(1e22), str(0.1), f"{1.5:10.3f}{2.5e10:g}{1/3:%}{3j:.2f}{1e6:n}", (2.5).hex(),
          float.fromhex("0x1.8p1"), (0.1).as_integer_ratio(), round(2.675, 2), float.__getformat__("double"), hash(2.5), 1.0 < 2, -2.5,
          (1 - 2j).conjugate(), "%.3f|%e|%g" % (1.5, 2.5, 3.5), (0.5).is_integer(), int(2.5), bool(0.0), 1.5.__round__(), 5.0.__trunc__()]
result = repr(values)

#: str
s = "The quick bröwn fox\n" * 3
values = [s.upper(), s.lower(), s.title(), s.swapcase(), s.casefold(), s.capitalize(), s.split(), s.rsplit(None, 2), s.splitlines(True),
          s.partition("quick"), s.rpartition("fox"), s.replace("o", "00"), s.replace("fox", "", 1), s.translate({ord("o"): "[o]", 113: None}),
          str.maketrans("abc", "xyz", "d"), s.center(100, "*"), s.ljust(70), s.rjust(70), s.zfill(80), s.expandtabs(2), s.encode("utf-16"),
          s.encode("latin-1"), s.encode("ascii", "xmlcharrefreplace"), s.encode("ascii", "backslashreplace"), s.find("fox"), s.count("o"),
          s.strip(), s.lstrip("T"), s.rstrip(), "".join(["a", "ü", "€", "𐍈"] * 5), "-".join(str(i) for i in range(5)), s[::2], s[5], s * 2,
          s + "x", "a" < s, s.isalpha(), s.startswith(("The", "x")), s.endswith("fox"), repr(s), ascii(s), "%s %r %5d %x %c %%" % (s, s, 5, 255, 0x20ac),
          "%(a)s %(b)r" % {"a": 1, "b": "x"}, "{} {0!r:>20} {a[0]} {b.real}".replace("{} {0", "{0} {0").format(s, a=[1], b=2), "{:{}}".format("x", 10),
          s.format_map({}) if False else "", f"{s!a:.10}", s.removeprefix("The"), s.removesuffix("x"), "ǆ".title(), "ß".upper(), "𐍈" * 3, list("añ€𐍈"),
          hash(s), s.isidentifier(), "\N{GREEK SMALL LETTER ALPHA}", str(b"abc", "ascii"), "a,b,,c".split(","), "  ".split(), eval(repr(s)) == s]
for call in (lambda: "x".index("y"), lambda: "%d" % "x", lambda: "{}".format(), lambda: "ä".encode("ascii"), lambda: "a" + 1, lambda: "{a}".format()):
    try:
        call()
    except (ValueError, TypeError, IndexError, KeyError) as error:
        values.append(str(error))
result = hash(repr(values))

#: bytes
b = b"The quick \xff brown fox " * 3
m = bytearray(b)
values = [b.upper(), b.split(), b.rsplit(b" ", 2), b.splitlines(), b.partition(b"q"), b.replace(b"o", b"00"), b.translate(bytes(range(256)), b"T"),
          bytes.maketrans(b"ab", b"xy"), b.center(100), b.hex(), b.hex(":", 2), bytes.fromhex("00 ff"), b"".join([b"a", bytearray(b"b"), memoryview(b"c")]),
          b"%s %d %r %a" % (b"x", 5, b, "ä"), repr(b), b[::2], b * 2, b + m, b.decode("latin-1"), b.decode("utf-8", "replace"), b.decode("ascii", "surrogateescape"),
          bytes([1, 2, 3]), bytes(range(50)), b.find(b"f"), b.title(), b.expandtabs(), b.zfill(90), hash(b), b < m, b.strip(b"T "), b.removeprefix(b"The")]
m += b"more"
m.extend([1, 2, 3])
m.append(4)
m.insert(0, 5)
m[2:5] = b"replacement"
del m[::3]
m.reverse()
m.remove(m[0])
values += [m.copy(), m.pop(), bytes(m), m.decode("latin-1"), repr(m), m.upper(), m.split(b"o"), m * 2]
m.clear()
for call in (lambda: bytes([256]), lambda: b"\xff".decode(), lambda: bytes.fromhex("zz"), lambda: bytearray().pop()):
    try:
        call()
    except (ValueError, IndexError) as error:
        values.append(str(error))
result = hash(repr(values))

#: memoryview
import array
data = bytearray(range(48))
view = memoryview(data)
values = [view[3], bytes(view[2:9:3]), view.tolist(), view.cast("I").tolist(), view.cast("B", [4, 12]).tolist(), view.cast("d")[1], view.hex(),
          view.tobytes("C"), view == data, view[1:5].obj is data, repr(view.shape), view.cast("h")[::-2].tolist(), view.readonly, hash(memoryview(b"abc"))]
view[4:8] = b"\xff" * 4
view[0] = 200
with memoryview(array.array("i", [1, 2, 3])) as other:
    values.append([other.tolist(), other.format, other.strides, other.suboffsets, other.c_contiguous, list(other)])
try:
    data.append(1)
except BufferError as error:
    values.append(str(error))
view.release()
try:
    view[0]
except ValueError as error:
    values.append(str(error))
result = repr(values)

#: list
import random
values = [i * 7919 % 101 for i in range(60)]
log = [sorted(values), sorted(values, key=lambda x: -x), sorted(map(str, values), reverse=True), sorted([(x % 5, x) for x in values]), sorted(map(float, values)),
       sorted(values, key=str), values[5:20:3], values * 2, values + [1], values.index(5), values.count(3), 5 in values, values == values[:], repr(values), values < [1]]
values.sort(key=lambda x: (x % 7, x))
values.reverse()
values.append(1)
values.extend(range(10))
values.extend(x for x in range(3))
values.insert(2, "x")
values.remove("x")
values[3:6] = [7] * 8
values[::2] = range(len(values[::2]))
del values[1:4], values[::5]
log += [values.pop(), values.pop(0), values.copy(), list(reversed(values)), [*values, *values], list(zip(values, values)), list(enumerate(values))]
class Odd:
    def __init__(self, v): self.v = v
    def __lt__(self, other): return self.v < other.v
log.append([o.v for o in sorted(map(Odd, range(20, 0, -1)))])
for call in (lambda: sorted([1, "x"]), lambda: [].pop(), lambda: [1].remove(2), lambda: values.sort(key=len)):
    try:
        call()
    except (TypeError, ValueError, IndexError) as error:
        log.append(str(error))
values.clear()
result = hash(repr(log))

#: dict
d = {i: str(i) for i in range(40)}
d.update({"a": 1}, b=2)
d.update([("c", 3), ("d", 4)])
e = dict(d, f=5)
e |= {"g": 6}
log = [d.pop(3), d.pop("none", None), d.popitem(), d.setdefault("z", []), d.setdefault("a"), d.get(7), list(d), list(d.values()), list(d.items()), d | e, d == e,
       d.keys() & e.keys(), d.keys() - {1, 2}, d.items() & {(1, "1")}, d.keys() | [1], d.keys().isdisjoint([1]), repr(d), dict.fromkeys("abc", 1), list(reversed(d)),
       {**d, **e}, d.copy(), "a" in d, len(e), dict(zip("abc", range(3))), d.keys().mapping["a"], repr(d.items())]
for key in list(d)[::2]:
    del d[key]
for i in range(100, 200):
    d[i] = i
for i in range(100, 190):
    del d[i]
class Key:
    def __init__(self, k): self.k = k
    def __hash__(self): return self.k % 5
    def __eq__(self, other): return self.k == other.k
keys = {Key(i): i for i in range(20)}
log += [keys[Key(7)], Key(30) in keys, sorted(keys.values()), {(1, 2): 3, 1.5: 4, None: 5, frozenset([1]): 6}]
class Default(dict):
    def __missing__(self, key): return key * 2
log += [Default(a=1)["b"], Default(a=1).copy()]
for call in (lambda: d["missing"], lambda: {[]: 1}, lambda: [d.pop(x) for x in d], lambda: dict([1]), lambda: dict([(1, 2, 3)]), lambda: {}.popitem()):
    try:
        call()
    except (KeyError, TypeError, RuntimeError, ValueError) as error:
        log.append(repr(error))
d.clear()
result = repr(log)[:20], len(repr(log))

#: set
s, t = set(range(40)), {i * 3 for i in range(20)}
log = [sorted(x) for x in (s | t, s & t, s - t, s ^ t, s.union(range(50, 60), [1]), s.intersection([1, 2, 3]), s.difference(t, [5]), s.symmetric_difference(range(5)))]
s.update([100, 101], t)
s.intersection_update(range(90))
s.difference_update([1, 2])
s.symmetric_difference_update({500, 3})
s |= {1}; s &= set(range(600)); s -= {2}; s ^= {1, 2}
s.add((1, 2)); s.discard((1, 2)); s.discard(99999); s.add(frozenset([1])); s.remove(frozenset([1]))
f = frozenset(t)
log += [sorted(s), s < t, f <= t, f.isdisjoint([-1]), hash(f), f == t, len(f | s), repr(frozenset([1])), repr({1}), {f: 1}[f], sorted(s.copy()), s.pop() is not None]
for call in (lambda: s.remove("x"), lambda: {[]}, lambda: set().pop(), lambda: [s.add(x + 1000) for x in s]):
    try:
        call()
    except (KeyError, TypeError, RuntimeError) as error:
        log.append(repr(error))
s.clear()
result = repr(log)

#: tuple-range-slice
t = tuple(range(30))
r = range(0, 10**20, 10**19)
log = [t[3:20:2], t + (1,), t * 3, t.index(5), t.count(5), hash(t), t < (5,), repr(t), list(r), r[3], r[2:5], r.index(3 * 10**19), repr(r), len(r), hash(r), r == range(5),
       list(reversed(r)), slice(1, 10**20).indices(50), repr(slice(1, None, "x")), slice(1, 2) == slice(1, 2), tuple(x for x in range(20)), tuple("text"),
       list(range(10, 0, -3)), 10**19 in r, r.count(5), list(iter(range(2**62, 2**62 + 3)))]
import sys
log.append(repr(sys.flags)[:10] + repr(type(sys.version_info)(range(5)) if False else sys.version_info[:2]))
result = repr(log)

#: functions
log = [list(map(lambda x, y: x + y, [1, 2], [3, 4])), list(filter(None, [0, 1, 2])), sum([[1], [2]], []), sum([0.5, 1.5]), max([3, 1], key=lambda x: -x), min(5, 3), any([0, 1]), all([1]),
       list(zip("ab", [1, 2], strict=True)), list(enumerate("ab", 10**20)), sorted("hello"), list(reversed("abc")), chr(0x10348), ord("𐍈"), repr(callable(len)), isinstance(1, (str, int)),
       issubclass(bool, int | str), getattr(1, "real"), hasattr(1, "x"), vars(type("C", (), {"a": 1}))["a"], dir([])[-1], format(1.5, ">10"), round(1.55, 1), pow(2, 100), divmod(10**20, 7),
       eval("1 + 2 * x", {"x": 10**20}), next(iter([]), "default"), list(iter([1, 2, 3].pop, 1)), abs(-10**20), hex(10**20), ascii("ä"), type(1)(5), bytes(3), slice(1), int | None, list[int],
       dict[str, list[int]][()] if False else dict[str, int], id(1) > 0, hash("x") != 0, globals()["__name__"], list(locals())[:1], __import__("sys").__name__, object() is None, super.__name__]
namespace = {}
exec(compile("def f(x):\n    return [y for y in range(x)]\nvalue = f(3)", "<string>", "exec"), namespace)
log.append(namespace["value"])
result = repr(log)

#: object-model
import sys
class Meta(type):
    def __instancecheck__(cls, thing): return thing == 5
    def __subclasscheck__(cls, other): return other is int
    def __or__(cls, other): return "or"
class C(metaclass=Meta):
    def __init_subclass__(cls): cls.seen = True
    def __class_getitem__(cls, item): return f"C[{item}]"
    def __reduce_ex__(self, protocol): return (C, ())
    def __dir__(self): return ["b", "a"]
    def __sizeof__(self): return 100
    def __set_name__(self, owner, name): self.owner = name
class D(C):
    attribute = C()
log = [isinstance(5, C), issubclass(int, C), C | 1, C[5], dir(D()), D.seen, D.attribute.owner, sys.getsizeof(C()) >= 100, object().__reduce_ex__(2)[0].__name__, C.__subclasses__()[-1].__name__,
       [t.__name__ for t in D.__mro__], D.__bases__, type.mro(D)[-1], repr(D.__dict__.keys())[:9], object.__init_subclass__(), C.__doc__, C.__module__, type(D).__call__(D) is None]
D.__bases__ = (type("Other", (), {"x": 7}),)
D.__name__ = "Renamed"
log += [D.x, D.__name__, D.__qualname__]
del D
result = repr(log)

#: weak-references
import weakref, gc
log = []
class Node:
    def __init__(self, name): self.name, self.other = name, None
    def __del__(self): log.append("del " + self.name)
def pair():
    a, b = Node("a"), Node("b")
    a.other, b.other = b, a
    return weakref.ref(a, lambda r: log.append("dead")), weakref.proxy(b)
reference, proxy = pair()
log.append(reference().name + proxy.name)
gc.collect()
log.append(reference())
try:
    proxy.name
except ReferenceError as error:
    log.append(str(error))
values, keys, members = weakref.WeakValueDictionary(), weakref.WeakKeyDictionary(), weakref.WeakSet()
kept = [Node(str(i)) for i in range(4)]
for node in kept:
    values[node.name] = node
    keys[node] = 1
    members.add(node)
del kept[1:], node
log.append((len(values), len(keys), len(members), values["0"].name))
finalizer = weakref.finalize(kept[0], log.append, "finalized")
method = weakref.WeakMethod(kept[0].__del__)
finalizer.detach()
kept.clear()
weakref.ref(Node)
gc.get_referrers(values), gc.get_referents(values), gc.get_count()
log.sort(key=str)
result = repr(log)
