# pickle in every protocol, copyreg, copy, struct, array, memoryview, zlib/gzip/bz2/lzma, hashlib, base64, binascii, shelve, sqlite3.
import array
import base64
import binascii
import bz2
import collections
import copy
import copyreg
import datetime
import enum
import fractions
import functools
import gzip
import hashlib
import hmac
import io
import lzma
import pickle
import pickletools
import shelve
import sqlite3
import struct
import zlib


class Plain:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return type(self) is type(other) and self.__dict__ == other.__dict__


class State(Plain):
    def __getstate__(self):
        return {"x": self.x * 2}

    def __setstate__(self, state):
        self.x = state["x"] // 2


class Slots:
    __slots__ = ("a", "b")

    def __eq__(self, other):
        return (self.a, self.b) == (other.a, other.b)


class Reduced:
    def __init__(self, *arguments):
        self.arguments = arguments

    def __reduce__(self):
        return Reduced, self.arguments, {"extra": 1}

    def __eq__(self, other):
        return self.arguments == other.arguments


class NewArguments(tuple):
    def __new__(cls, a, *, b):
        return super().__new__(cls, (a, b))

    def __getnewargs_ex__(self):
        return (self[0],), {"b": self[1]}


class Colour(enum.Enum):
    RED = 1


Point = collections.namedtuple("Point", "x y")


class Persistent(pickle.Pickler):
    def persistent_id(self, value):
        return ("file", value.name) if isinstance(value, io.StringIO) else None

    def reducer_override(self, value):
        return (int, ("42",)) if value is Ellipsis else NotImplemented


class Loader(pickle.Unpickler):
    def persistent_load(self, key):
        return f"loaded {key}"

    def find_class(self, module, name):
        if module != "builtins":
            raise pickle.UnpicklingError(f"{module}.{name} is forbidden")
        return super().find_class(module, name)


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


slots = Slots()
slots.a, slots.b = 1, [2]
VALUES = [None, True, 0, -1, 255, 2 ** 31, -2 ** 63, 10 ** 40, 1.5, float("inf"), 1j, "", "ünï\ud800", b"bytes\0", bytearray(b"ab"), (), (1,), (1, 2, 3, 4), [], [1, [2]], {}, {"a": {1: 2}}, set(), {1, 2}, frozenset("a"), range(5), slice(1, 2), ..., NotImplemented,
          int, len, Plain, Plain(5), State(7), slots, Reduced(1, "x"), NewArguments(1, b=2), Colour.RED, Point(1, 2), collections.OrderedDict(b=1, a=2), collections.Counter("aab"), collections.deque([1, 2], 5), collections.defaultdict(list, a=[1]),
          fractions.Fraction(1, 3), datetime.date(2026, 1, 2), functools.partial(int, base=2), ValueError("message"), type(None), array.array("i", [1, 2])]
for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
    for value in VALUES:
        if value is slots and protocol < 2:
            print(attempt(pickle.dumps, value, protocol))
            continue
        data = pickle.dumps(value, protocol)
        back = pickle.loads(data)
        same = back == value or repr(back) == repr(value)
        print(protocol, repr(value).split(" at 0x")[0][:40], len(data), hashlib.md5(data).hexdigest()[:8], same)
shared = ["shared"]
loop = {"list": shared, "again": shared}
loop["self"] = loop
back = pickle.loads(pickle.dumps(loop))
print(back["list"] is back["again"], back["self"] is back, pickle.loads(pickle.dumps([shared] * 3))[2])
output = io.StringIO()
pickletools.dis(pickle.dumps([1, ("a", {"k": 2.5}), Plain(1)], 2), output)
print(output.getvalue())
print(pickletools.optimize(pickle.dumps(("a", "a", ["b"]), 4)), pickle.dumps({"a": 1}, 0))
stream = io.BytesIO()
named = io.StringIO()
named.name = "n.txt"
Persistent(stream).dump([named, ..., 1])
print(Loader(io.BytesIO(stream.getvalue())).load(), attempt(Loader(io.BytesIO(pickle.dumps(Plain(1)))).load))
for bad in (lambda: 1, (n for n in ()), open("/dev/null"), type("Local", (), {})(), copyreg):
    print(attempt(pickle.dumps, bad).split(" at 0x")[0])
for data in (b"", b"\x80", b"garbage", b"\x80\x09.", pickle.dumps([1, 2, 3])[:-3], b"cnothere\nname\n.", b"cbuiltins\nnothing\n.", b"(.", b"0.", b"I1x\n.", b"S'a\n.", b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00."):
    print(data[:20], attempt(pickle.loads, data))
buffers = []
data = pickle.dumps(pickle.PickleBuffer(b"out of band"), 5, buffer_callback=buffers.append)
print(len(buffers), bytes(buffers[0]), bytes(pickle.loads(data, buffers=buffers)))
for value in (Plain([1]), State(3), slots, Reduced([1]), Point([1], 2), [shared, shared], {1: shared}, (shared,), Colour.RED, len):
    shallow, deep = copy.copy(value), copy.deepcopy(value)
    print(type(value).__name__, shallow == value, deep == value, shallow is value, deep is value)
for format, values in (("<bBhHiIqQ", (-1, 255, -2, 65535, -3, 7, -4, 2 ** 64 - 1)), (">efd", (1.5, 2.5, 3.25)), ("=5s3p?cx", (b"ab", b"xyz", True, b"q")), ("@bhilq", (1, 2, 3, 4, 5)), ("!2h0i3x", (1, 2)), ("nNP", (1, 2, 3)), ("<10s", (b"long text here",)), ("", ())):
    packed = struct.pack(format, *values)
    print(format, struct.calcsize(format), packed.hex(), struct.unpack(format, packed))
for format, values in (("b", (200,)), ("z", ()), ("<n", (1,)), ("i", ("x",)), ("ii", (1,)), ("f", (1e50,)), ("c", (b"ab",)), ("B", (-1,)), ("q", (2 ** 63,)), ("99999999999999999999i", ()), ("e", (70000,))):
    print(format, attempt(struct.pack, format, *values))
print(list(struct.iter_unpack("<h", b"\1\0\2\0")), attempt(struct.unpack, "i", b"abc"), attempt(struct.unpack_from, "i", b"abcd", 2), struct.Struct("<hi").size, attempt(struct.iter_unpack, "i", b"abc"))
numbers = array.array("h", range(5))
numbers.byteswap()
numbers.extend([7])
view = memoryview(bytearray(range(12))).cast("B", (3, 4))
print(numbers, numbers.tobytes(), view[1, 2], view.tolist(), view.shape, view.strides, memoryview(b"abcdef")[::2].tobytes(), attempt(lambda: array.array("h", [70000])), memoryview(numbers)[1:3].tolist(), view.nbytes)
text = b"the quick brown snake " * 200
for module in (zlib, gzip, bz2, lzma):
    packed = module.compress(text)
    print(module.__name__, len(packed) < 400, module.decompress(packed) == text, attempt(module.decompress, packed[:20]), attempt(module.decompress, b"not compressed at all"))
compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
raw = compressor.compress(text) + compressor.flush()
decompressor = zlib.decompressobj(-15)
print(zlib.crc32(text), zlib.adler32(text), len(decompressor.decompress(raw, 100)), len(decompressor.unconsumed_tail) > 0, decompressor.eof, raw.hex()[:40], attempt(zlib.compress, "text"), attempt(zlib.compress, b"", 99))
print({name: hashlib.new(name, text).hexdigest()[:16] for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")}, hmac.new(b"key", text, "sha256").hexdigest()[:20], hashlib.shake_128(b"x").hexdigest(5), hashlib.pbkdf2_hmac("sha1", b"p", b"s", 5).hex()[:12])
for name in ("b16", "b32", "b64", "urlsafe_b64", "a85", "b85", "b32hex"):
    encoded = getattr(base64, name + "encode")(bytes(range(0, 250, 17)))
    print(name, encoded, getattr(base64, name + "decode")(encoded) == bytes(range(0, 250, 17)), attempt(getattr(base64, name + "decode"), b"!\xff"))
print(binascii.hexlify(b"ab", "-"), attempt(binascii.unhexlify, b"abc"), binascii.crc_hqx(b"x", 0), attempt(base64.b64decode, b"abc"), binascii.b2a_uu(b"uu"), base64.b64decode(b"YW!Jj"), attempt(base64.b64decode, b"YW!Jj", None, True))
with shelve.open("shelf") as shelf:
    shelf["a"] = Plain([1, 2])
    shelf["b"] = {"k": None}
with shelve.open("shelf", writeback=True) as shelf:
    shelf["b"]["new"] = 1
    print(sorted(shelf), shelf["a"].x, shelf["b"], "zz" in shelf, attempt(lambda: shelf["zz"]))
with sqlite3.connect(":memory:") as db:
    db.execute("create table t (id integer primary key, name text, size real, data blob)")
    db.executemany("insert into t (name, size, data) values (?, ?, ?)", [("krait", 1.5, b"\0"), ("ü☃", None, None), ("boa", 3, b"x")])
    db.row_factory = sqlite3.Row
    db.create_function("double", 1, lambda value: value and value * 2)
    print([tuple(row) for row in db.execute("select name, double(size) s, data from t where id > :low order by name", {"low": 0})], db.execute("select count(*) n from t").fetchone()["n"], db.total_changes)
    for statement in ("select * from nothing", "insert into t (id) values (1)", "select ?", "bad sql"):
        print(attempt(db.execute, statement))
db.close()
