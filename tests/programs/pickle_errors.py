"""What _pickle says about objects, arguments and pickles that it cannot use; the places where it calls write()."""
import _pickle
import copyreg
import enum
import hashlib
import inspect
import io
import re
import sys


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"


def show(*values):
    print(*(re.sub("0x[0-9a-f]+", "0x", str(value))[:300] for value in values))


class Chunks:
    def __init__(self):
        self.chunks = []

    def write(self, data):
        self.chunks.append((type(data).__name__, len(data), hashlib.md5(data).hexdigest()[:6]))


class Plain:
    def __init__(self, number):
        self.number = number


large = {
    "texts": ["x%d" % i * 10 for i in range(9000)],
    "blocks": [b"q" * 70000, "w" * 70000, bytearray(70000), b"x" * 65535, b"y" * 65536, "\u00e9" * 40000],
    "dict": {i: str(i) for i in range(2500)},
    "set": set(range(2500)),
    "frozenset": frozenset(range(1500)),
    "tuple": tuple(range(2500)),
    "instances": [Plain(i) for i in range(300)],
    "ints": [sign * 2 ** bits + difference for bits in range(130) for difference in (-1, 0, 1) for sign in (1, -1)],
    "floats": [1e300, -0.0, 1 / 3, float("inf"), 1e22, 123456789.125],
    "text": ["\n\r\\\0\x1a", "\ud800", "\U0001F600", "a" * 255, "a" * 256, "\u00e9" * 127, "\u00e9" * 128],
}
for name, value in large.items():
    for protocol in range(6):
        file = Chunks()
        pickler = _pickle.Pickler(file, protocol)
        show(name, protocol, attempt(pickler.dump, value), len(file.chunks), file.chunks[:6])
        file = Chunks()
        pickler = _pickle.Pickler(file, protocol)
        pickler.fast = 1
        show(" fast", attempt(pickler.dump, value), len(file.chunks), file.chunks[:3])


def make_local():
    class Local:
        pass

    def function():
        pass

    return Local, function, lambda: 0


class Reduced:
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return self.value


class Raises:
    def __reduce_ex__(self, protocol):
        raise KeyError(protocol)


class Irreducible:
    __reduce_ex__ = None


Local, function, anonymous = make_local()
new, new_ex = copyreg.__newobj__, copyreg.__newobj_ex__
VALUES = [
    Local, Local(), function, anonymous, sys, Reduced(1), Reduced(()), Reduced((1,)), Reduced((1, 2)), Reduced((int, 2)),
    Reduced((int, (), 1, 2)), Reduced((int, (), 1, None, 3)), Reduced((int, (), None, None, None, 3)),
    Reduced((int, ()) + (None,) * 5), Reduced((int, (), None, iter([1]))), Reduced((list, (), None, iter([1, 2]), None)),
    Reduced((dict, (), None, None, iter([1]))), Reduced((dict, (), None, None, iter([(1, 2)]))), Reduced("nope"),
    Reduced("len"), Raises(), Irreducible(), (x for x in ()), memoryview(b""), iter([1]), open("/dev/null"),
    Reduced((new, ())), Reduced((new, (1,))), Reduced((new, (int,))), Reduced((new_ex, (1, 2))), Reduced((new_ex, (1, 2, 3))),
    Reduced((new_ex, (int, 2, 3))), Reduced((new_ex, (int, (), 3))), Reduced((new_ex, (Reduced, (1,), {"a": 1}))),
    _pickle.PickleBuffer(b"a"), _pickle.PickleBuffer(bytearray(b"a")), _pickle.PickleBuffer(memoryview(b"abcdef")[::2]),
    type("Q", (), {}), type("Q", (), {"__module__": "nomod"}), type("Q", (), {"__module__": "sys"}),
    type("Q", (), {"__qualname__": "a.<locals>.Q"}), NotImplemented, print, object(), type, super, property(),
    staticmethod(function), inspect, enum.Enum,
]
for value in VALUES:
    for protocol in range(6):
        show(type(value).__name__, protocol, attempt(_pickle.dumps, value, protocol))

for args, kwargs in [
        ((1, 6), {}), ((1, -1), {}), ((1, "a"), {}), ((), {}), ((1, 2, 3), {}), ((1,), {"fix_imports": 0, "protocol": 2}),
        ((1,), {"buffer_callback": print}), ((1,), {"buffer_callback": print, "protocol": 5}), ((1,), {"x": 1}),
        ((1, None), {}), ((1, 2.0), {})]:
    for call in (_pickle.dumps, _pickle.dump, _pickle.Pickler):
        show(attempt(call, *args, **kwargs))
for args, kwargs in [
        ((1,), {}), ((), {}), ((b"",), {}), ((b"N.", 1), {}), ((b"N.",), {"encoding": 1}), ((b"N.",), {"encoding": None}),
        ((b"N.",), {"errors": None}), ((b"N.",), {"encoding": "a\0b"}), ((b"N.",), {"buffers": 1}), ((b"N.",), {"bad": 1}),
        (("N.",), {}), ((bytearray(b"N."),), {}), ((memoryview(b"N.x"),), {}), ((io.BytesIO(b"N."),), {"encoding": 1})]:
    for call in (_pickle.loads, _pickle.load, _pickle.Unpickler):
        show(attempt(call, *args, **kwargs))


class Unseekable:
    def __init__(self, data):
        file = io.BytesIO(data)
        self.read, self.readline = file.read, file.readline


PICKLES = [
    b'', b'.', b'N', b'(.', b'(N.', b'N0.', b'0.', b'2.', b'a.', b'Na.', b']Na.', b'](Ne.', b'e.', b'(e.', b']e.',
    b'(d.', b'(Nd.', b'}Ns.', b'}NNs.', b'}(Nu.', b'}(NNu.', b'u.', b't.', b'\x85.', b'\x86.', b'N\x86.', b'\x87.',
    b'I1\n.', b'I01\n.', b'I00\n.', b'Iabc\n.', b'I\n.', b'I99999999999999999999\n.', b'L1L\n.', b'L1\n.', b'Lx\n.',
    b'F1\n.', b'Fx\n.', b'F\n.', b"S'a'\n.", b"S'a\n.", b'Sa\n.', b'S\n.', b"S'\\x4'\n.", b"S'\\xe9'\n.",
    b'Va\\u0041\n.', b'V\\u00\n.', b'X\x01\x00\x00\x00\xff.', b'X\x05\x00\x00\x00a.', b'\x8c\x02a.',
    b'\x8d\xff\xff\xff\xff\xff\xff\xff\xff.', b'B\xff\xff\xff\xff.', b'\x8e\xff\xff\xff\xff\xff\xff\xff\xff',
    b'\x96\xff\xff\xff\xff\xff\xff\xff\xff', b'\x96\x01\x00\x00\x00\x00\x00\x00\x00', b'T\xff\xff\xff\xff.',
    b'U\x01', b'\x8a\x00.', b'\x8a\x01\xff.', b'\x8b\xff\xff\xff\xff.', b'\x8b\x00\x00\x00\x00.', b'g0\n.',
    b'gx\n.', b'g-1\n.', b'h\x00.', b'j\x00\x00\x00\x00.', b'Np-1\n.', b'Npx\n.', b'p0\n.', b'q\x00.',
    b'r\x00\x00\x00\x00.', b'\x94.', b'cos\n', b'cnomod\nx\n.', b'csys\nnoattr\n.', b'cbuiltins\nint\n.', b'c\n\n.',
    b'\x93.', b'NN\x93.', b'\x8c\x03sys\x8c\x04nope\x93.', b'\x80\x04\x8c\x03sys\x8c\x04nope\x93.',
    b'\x80\x04\x8c\x03sys\x8c\x06path.q\x93.', b'\x80\x04\x8c\x03sys\x8c\na.<locals>\x93.', b'\x80\x06.', b'\x80',
    b'\x82\x00.', b'\x82\x01.', b'\x83\x00\x00.', b'\x84\x00\x00\x00\x00.', b'\x84\xff\xff\xff\xff.',
    b'\x84\x05\x00\x00\x00.', b'NR.', b'NNR.', b'cbuiltins\nint\nNR.', b'cbuiltins\nint\n)R.', b'N)\x81.',
    b'cbuiltins\nint\nN\x81.', b'cbuiltins\nint\n)\x81.', b'N)}\x92.', b'cbuiltins\nint\nN}\x92.',
    b'cbuiltins\nint\n)N\x92.', b'Nb.', b'NNb.', b'N}b.', b'N}Nab.', b'(i.', b'(ibuiltins\nint\n.',
    b'(Nibuiltins\nint\n.', b'(o.', b'(No.', b'(cbuiltins\nint\no.', b'P1\n.', b'NQ.', b'Q.',
    b'\x95\x00\x00\x00\x00\x00\x00\x00\x00N.', b'\x95\x10\x00\x00\x00\x00\x00\x00\x00N.',
    b'\x95\xff\xff\xff\xff\xff\xff\xff\xff.', b'\x97.', b'\x98.', b'N\x98.', b'(\x90.', b'\x8f(N\x90.',
    b'\x8f(]\x90.', b'](N\x90.', b'\x90.', b'\x91.', b'(N\x91.', b'(]\x91.', b'G\x00.',
    b'G\x00\x00\x00\x00\x00\x00\x00\x00.', b'J\x00.', b'K.', b'M\x00.', b'\xff', b'z', b"'", b'\\', b' ', b'\x00',
    b'\x7f', b'((N1.', b'(1N.', b'1.', b'(0N.', b'N(0.', b'(0.', b'}]Ns.', b'}(]Nu.', b'cbuiltins\nlist\n)\x81(Ne.',
    b'cbuiltins\nobject\n)\x81}X\x01\x00\x00\x00aNsb.', b'cbuiltins\nobject\n)\x81N}X\x01\x00\x00\x00aNs\x86b.',
    b'cbuiltins\nobject\n)\x81NN\x86b.', b'cbuiltins\nobject\n)\x81N]\x86b.', b'NNN(a.', b'N(a.', b'](a.', b'](Na.',
    b'](NNNs.',
]
for data in PICKLES:
    show(data, repr(attempt(_pickle.loads, data)))
    show("  ", repr(attempt(lambda: _pickle.Unpickler(Unseekable(data)).load())))
    show("  ", repr(attempt(lambda: _pickle.Unpickler(io.BytesIO(data), encoding="bytes").load())))

for owner in (_pickle.Pickler(io.BytesIO()), _pickle.Unpickler(io.BytesIO())):
    for name in ("memo", "persistent_id", "persistent_load", "dispatch_table", "bin", "fast", "x"):
        show(name, attempt(getattr, owner, name))
        for value in (1, {}, {1: 2}, {1: (1, 2)}, {"a": 1}, {-1: 1}, {5: "q"}, print, None):
            show(" set", value, attempt(setattr, owner, name, value))
        show(" delete", attempt(delattr, owner, name))
pickler = _pickle.Pickler.__new__(_pickle.Pickler)
show(attempt(pickler.dump, 1), attempt(pickler.clear_memo))
show(attempt(_pickle.Unpickler.__new__(_pickle.Unpickler).load))
show(attempt(_pickle.Unpickler, Unseekable), attempt(_pickle.Pickler, 1))
for call in (_pickle.dumps, _pickle.dump, _pickle.load, _pickle.loads, _pickle.Pickler.dump, _pickle.Pickler, _pickle.Unpickler,
             _pickle.Unpickler.load, _pickle.Unpickler.find_class, _pickle.PickleBuffer.raw, _pickle.PickleBuffer.release):
    show(call.__name__, attempt(inspect.signature, call))

deep = []
for _ in range(100000):
    deep = [deep]
show(attempt(_pickle.dumps, deep))
deep = _pickle.loads(b"\x80\x02" + b"]" * 100000 + b"a" * 99999 + b".")
show(attempt(_pickle.loads, b"(" * 100000 + b"."))
