"""Modules of the library, those in C above all."""

#: itertools
from itertools import *
result = [list(islice(count(5, 2), 3)), list(islice(cycle("ab"), 5)), list(repeat(1, 3)), list(accumulate(range(9), lambda a, b: a * b)), list(chain([1], "a", chain.from_iterable([[2], [3]]))),
          list(compress("abcd", [1, 0, 1])), list(dropwhile(bool, [1, 0, 1])), list(takewhile(bool, [1, 0])), list(filterfalse(None, [0, 1])), [(k, list(g)) for k, g in groupby("aabbc", str.upper)],
          list(pairwise("abcd")), list(starmap(pow, [(2, 3), (3, 2)])), [list(t) for t in tee(iter("abc"), 3)], list(zip_longest("ab", "c", fillvalue="-")), list(product("ab", [1, 2], repeat=2))[:5],
          list(permutations("abc", 2)), list(combinations("abcd", 2)), list(combinations_with_replacement("ab", 2)), list(islice(iter([1, 2, 3, 4]), 1, None, 2)), repr(count(10**20)), list(count(10**20).__reduce__()[1])]
result = repr(result)

#: functools
import functools
@functools.lru_cache(maxsize=3)
def cached(a, *, b=1): return a, b
@functools.cache
def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
@functools.singledispatch
def single(x): return "object"
@single.register
def _(x: int): return "int"
@functools.total_ordering
class T:
    def __init__(self, v): self.v = v
    def __lt__(self, o): return self.v < o.v
    def __eq__(self, o): return self.v == o.v
    @functools.cached_property
    def later(self): return [self.v]
    method = functools.partialmethod(lambda self, a, b: (a, b), 1)
for i in range(6): cached(i % 4, b=i)
p = functools.partial(dict, a=1, **{"b": 2})
@functools.wraps(fib)
def wrapped(): pass
result = [cached.cache_info(), fib(20), single(1), single(""), T(1) >= T(2), T(3).later, T(1).method(5), functools.reduce(lambda a, b: a + b, range(10)), p(c=3), repr(p)[:20], p.func is dict,
          sorted([3, 1, 2], key=functools.cmp_to_key(lambda a, b: b - a)), wrapped.__name__, functools.partial(p, d=4)()]
cached.cache_clear()
result = repr(result)

#: collections
import collections, heapq, bisect, operator, random, statistics
d = collections.deque(range(200), maxlen=150)
d.extendleft([1, 2]); d.rotate(20); d.append(5); d.appendleft(6); d.pop(); d.popleft(); d.insert(3, 1) if len(d) < 150 else 0; d.remove(5) if 5 in d else 0; d.reverse()
P = collections.namedtuple("P", "x y", defaults=[2])
c = collections.Counter("abracadabra")
o = collections.OrderedDict(a=1, b=2, c=3)
o.move_to_end("a"); o.popitem(last=False); o["z"] = 1; del o["c"]
dd = collections.defaultdict(list, {1: [2]})
dd["x"].append(1)
m = collections.ChainMap({1: 2}, {3: 4})
h = [5, 2, 8, 1] * 3
heapq.heapify(h); heapq.heappush(h, 0); heapq.heapreplace(h, 9)
b = sorted(range(0, 100, 7)); bisect.insort(b, 50)
rng = random.Random(5)
result = repr([d[7], len(d), d.index(100), d.count(3), list(d.copy())[:2], d == collections.deque([1]), repr(collections.deque([1], 2)), P(1), P(1)._replace(x=3)._asdict(), c.most_common(2), c + c, o, list(reversed(o)), o == {"a": 1},
    dd, m[3], heapq.heappop(h), heapq.nlargest(2, h), heapq.nsmallest(2, h, key=lambda x: -x), list(heapq.merge([1, 4], [2, 3])), bisect.bisect(b, 30, key=lambda x: x), operator.itemgetter(1, 2)("abc"), operator.attrgetter("real.imag")(1),
    operator.methodcaller("upper")("x"), rng.random(), rng.randrange(10**20), rng.sample(range(50), 3), rng.getstate()[0], collections.UserDict(a=1), statistics.mean([1, 2])])

#: re
import re
pattern = re.compile(r"(?P<year>\d{4})-(?P<m>\d\d)(?:-(\d+))?|(?i:x+?)(?=y)|[^\W\d_]{2,}|(?<!a)b*+", re.X)
re.purge()
text = "on 2020-12-24 and 1999-01 xxxy héllo wörld"
match = pattern.search(text)
result = repr([match.groups(), match.groupdict(), match.span("m"), match.expand(r"\g<year>/\2"), pattern.findall(text), pattern.sub(lambda m: f"<{m[0]}>", text), pattern.subn("", text, 2), re.split(r"(\s)", text), re.escape(text),
    [m.start() for m in pattern.finditer(text)], re.fullmatch("(a|b)*c", "abac").regs, repr(match), re.match(b"(.)\\1", b"aab").group(), pattern.scanner(text).match(), re.compile("a{2,3}?").pattern, re.sub("(a)|b", r"[\1]", "ab")])
for bad in ("(", "[a", "*", "(?P<a>", "a{3,1}", "(?<=a+)b", "\\", "(?z)"):
    try:
        re.compile(bad)
    except re.error as error:
        result += str(error)

#: struct-array
import struct, array
s = struct.Struct("<ibHq10sf?d")
data = s.pack(1, -2, 3, 4, b"text", 1.5, True, 2.5)
a = array.array("i", range(50))
a.extend([1, 2]); a.append(3); a.insert(0, 9); a.byteswap(); a.byteswap(); a[3:6] = array.array("i", [7] * 5); del a[::4]; a.frombytes(b"\1\0\0\0"); a.fromlist([4, 5]); a.reverse()
u = array.array("u", "text€"); f = array.array("d", [1.5, 2.5])
buffer = bytearray(60)
s.pack_into(buffer, 5, 1, 2, 3, 4, b"x", 0.5, False, 1.0)
result = repr([s.unpack(data), s.unpack_from(buffer, 5), list(struct.iter_unpack(">H", bytes(10))), struct.calcsize("ixd"), s.format, a.tolist(), a.tobytes()[:5], a.index(7), a.count(7), a.pop(), a * 2 == a + a, repr(f), u.tounicode(), a.buffer_info()[1], memoryview(f).tolist(), array.array("b", b"abc"), a.typecode])
for call in (lambda: struct.pack("b", 300), lambda: struct.unpack("i", b""), lambda: array.array("b", [300]), lambda: struct.pack("z", 1)):
    try: call()
    except (struct.error, OverflowError) as error: result += str(error)

#: json
import json
data = {"a": [1, 2.5, None, True, "ü\n\"", {"x": []}], "b": 10**30, "c": -1e100, "": "€𐍈"}
text = json.dumps(data)
result = repr([text, json.loads(text) == data, json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False), json.loads(text, object_pairs_hook=list, parse_float=str), json.dumps({1: 2, None: 3, 1.5: 4, True: 5}), json.dumps(object, default=str)])
for bad in ("[1,", "{", "nul", '"\\u12"', "[1}", '{"a" 1}', "1 2"):
    try: json.loads(bad)
    except ValueError as error: result += str(error)
loop = []; loop.append(loop)
try: json.dumps(loop)
except ValueError as error: result += str(error)

#: csv
import csv, io
out = io.StringIO()
writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
writer.writerows([["a", 1, 'q"x', None, 1.5], ["b\n", "c,d"]])
class D(csv.excel): delimiter = ";"
csv.register_dialect("failing", D)
result = repr([list(csv.reader(io.StringIO(out.getvalue()))), list(csv.DictReader(io.StringIO("a;b\n1;2"), dialect="failing")), csv.list_dialects(), csv.Sniffer().sniff("a,b\n1,2\n").delimiter, csv.field_size_limit()])
csv.unregister_dialect("failing")

#: pickle
import pickle, io, copy, collections, datetime
class Point:
    def __init__(self): self.x, self.y = [1], {"z": self}
class Slotted:
    __slots__ = ("a",)
class Reduced:
    def __reduce__(self): return (complex, (1, 2))
import sys
module = type(sys)("failing_program")
module.Point, module.Slotted, module.Reduced = Point, Slotted, Reduced
Point.__module__ = Slotted.__module__ = Reduced.__module__ = "failing_program"
sys.modules["failing_program"] = module
try:
    s = Slotted(); s.a = 5
    data = [1, -10**30, 1.5, "text", "ü", b"bytes", bytearray(b"x"), (1, 2, 3, 4), {1, 2}, frozenset("a"), Point(), s, Reduced(), collections.OrderedDict(a=1), datetime.date(2020, 1, 1), len, Point, range(5), None, True, "text", [[]] * 2]
    result = []
    for protocol in (2, 3, 5):
        text = pickle.dumps(data, protocol)
        again = pickle.loads(text)
        result.append((len(text), again[10].y["z"] is again[10], again[:8], again[11].a, again[12]))
    result.append(pickle.Unpickler(io.BytesIO(pickle.dumps(data[:5]))).load())
    deep = copy.deepcopy(data); shallow = copy.copy(data[10])
    result.append((deep[10].x, shallow.x is data[10].x))
    buffers = []
    pickle.loads(pickle.dumps(pickle.PickleBuffer(b"abc"), 5, buffer_callback=buffers.append), buffers=buffers)
    for bad in (b"", b"garbage.", b"\x80\x04]", b"cno_module\nx\n."):
        try: pickle.loads(bad)
        except (pickle.UnpicklingError, EOFError, ImportError, IndexError, ValueError) as error: result.append(type(error).__name__)
finally:
    del sys.modules["failing_program"]
result = repr(result)

#: datetime
import datetime as d
utc = d.timezone(d.timedelta(hours=5, minutes=30), "X")
now = d.datetime(2020, 2, 29, 12, 30, 45, 123456, tzinfo=utc)
class Zone(d.tzinfo):
    def utcoffset(self, when): return d.timedelta(hours=1)
    def dst(self, when): return d.timedelta(0)
    def tzname(self, when): return "Z"
    def __repr__(self): return "zone"
result = repr([now, str(now), now.isoformat(), now.strftime("%Y-%m-%d %H:%M:%S.%f %z %Z %A"), now.astimezone(Zone()), now + d.timedelta(days=400), now - d.datetime(1990, 1, 1, tzinfo=utc), now.date(), now.timetz(), now.timestamp(), now.utctimetuple(),
    now.replace(year=2024), d.date.fromisoformat("2020-01-02"), d.datetime.fromisoformat("2020-01-02T03:04:05+01:00"), d.time(1, 2, 3, tzinfo=Zone()).isoformat(), d.timedelta(1.5) * 2.5 / 3 // 2, divmod(d.timedelta(5), d.timedelta(2)),
    str(-d.timedelta(5, 6)), hash(now), now.isocalendar(), d.datetime.fromtimestamp(1e9, utc), d.datetime.strptime("2020-01", "%Y-%m"), d.date(2020, 1, 1).ctime(), now == now.astimezone(Zone()), now.__reduce_ex__(4)[1][0], d.datetime.combine(now, now.time()), f"{now:%d/%m}"])
for call in (lambda: d.date(2020, 13, 1), lambda: d.datetime.fromisoformat("x"), lambda: d.timedelta(10**10), lambda: now < d.datetime(2020, 1, 1)):
    try: call()
    except (ValueError, OverflowError, TypeError) as error: result += str(error)

#: io-memory
import io
b = io.BytesIO(b"line one\nline two\r\nthird")
t = io.StringIO("text\nmore\r\n", newline=None)
log = [b.readline(), b.readlines(), b.seek(3), b.read(4), b.tell(), b.getvalue(), b.getbuffer()[2], b.write(b"x" * 100), b.truncate(20), t.read(3), t.readline(), list(t), t.write("ü" * 50), t.getvalue(), t.seek(0)]
w = io.TextIOWrapper(io.BufferedRandom(io.BytesIO()) if False else io.BytesIO(), "utf-16", newline="\r\n", write_through=False)
w.write("héllo\nworld\n" * 5); w.flush(); w.seek(0)
log += [w.readline(), w.tell(), w.read(3), w.readlines(), w.encoding, w.errors, repr(w)[:20], w.buffer.getvalue()[:10]]
w.reconfigure(line_buffering=True)
w.detach()
class Raw(io.RawIOBase):
    def __init__(self): self.data = bytearray(b"raw data\n" * 20); self.at = 0
    def readable(self): return True
    def writable(self): return True
    def seekable(self): return True
    def seek(self, at, whence=0): self.at = at + (len(self.data) if whence == 2 else self.at if whence == 1 else 0); return self.at
    def readinto(self, buffer):
        part = self.data[self.at:self.at + len(buffer)]; buffer[:len(part)] = part; self.at += len(part); return len(part)
    def write(self, data): self.data[self.at:self.at + len(data)] = data; self.at += len(data); return len(data)
r = io.BufferedReader(Raw(), 16)
log += [r.peek(2)[:2], r.read(3), r.readline(), r.read1(5), r.readinto(bytearray(5)), r.seek(10), r.tell(), r.read(40), r.readlines()[:2], r.raw.readall()]
x = io.BufferedRandom(Raw(), 16)
log += [x.read(5), x.write(b"changed" * 5), x.seek(0), x.read(20), x.truncate() if False else 0]
p = io.BufferedRWPair(Raw(), Raw(), 16)
log += [p.read(3), p.write(b"x" * 40), p.flush()]
log.append(io.TextIOWrapper(io.BufferedReader(Raw()), "latin-1").readlines()[:3])
d = io.IncrementalNewlineDecoder(None, True)
log.append([d.decode("a\r"), d.decode("\nb\rc"), d.newlines])
result = repr(log)

#: io-files
import io, os
path = os.environ["TMPDIR"] + "/file"
log = []
with open(path, "w", encoding="utf-8") as stream:
    stream.write("first\nzweite ü\n" * 10)
    print("printed", 1, file=stream, flush=True)
    stream.writelines(["a\n", "b\n"])
with open(path, encoding="utf-8") as stream:
    log += [stream.readline(), stream.tell(), stream.read(5), len(stream.readlines()), stream.name == path, stream.mode]
    stream.seek(0); next(stream)
with open(path, "rb+") as stream:
    log += [stream.read(4), stream.write(b"XX"), stream.seek(0), stream.readline(), stream.readinto(bytearray(10)), stream.fileno() > 2, stream.truncate(50), stream.isatty()]
with open(path, "rb", buffering=0) as stream:
    log += [stream.read(), stream.seek(1), stream.readall(), stream.closefd]
stream = open(path)
stream.close()
for action in (lambda: print("x", file=stream), stream.read, lambda: open(path, "q"), lambda: open("/nonexistent/x"), lambda: open(path, "rb").read("x"), lambda: open(path).write("x")):
    try: action()
    except (ValueError, OSError, TypeError) as error: log.append(type(error).__name__)
log += [os.stat(path).st_size, [e.name for e in os.scandir(os.path.dirname(path)) if e.name == "file"], "file" in os.listdir(os.path.dirname(path)), os.path.exists(path), os.access(path, os.R_OK)]
fd = os.open(path, os.O_RDWR | os.O_APPEND)
log += [os.write(fd, b"abc"), os.pread(fd, 5, 0), os.lseek(fd, 0, 0), os.read(fd, 3), os.fstat(fd).st_mode, os.isatty(fd), os.dup(fd) > 0 and 0]
os.close(fd)
os.replace(path, path + "2"); os.remove(path + "2")
result = repr(log)

#: codecs
import codecs, io
log = []
for name in ("utf-8", "utf-16", "utf-32", "latin-1", "cp1252", "utf-7", "ascii", "unicode_escape", "raw_unicode_escape", "idna", "utf-8-sig", "cp437", "shift_jis", "gb18030", "rot13", "hex", "base64", "zlib", "punycode"):
    try:
        if name in ("rot13",): data = codecs.encode("text", name); log.append(codecs.decode(data, name))
        elif name in ("hex", "base64", "zlib"): data = codecs.encode(b"text" * 5, name); log.append(codecs.decode(data, name))
        else: data = "text" .encode(name); log.append(data.decode(name))
    except (UnicodeError, LookupError) as error: log.append(str(error))
for handler in ("strict", "ignore", "replace", "backslashreplace", "xmlcharrefreplace", "namereplace", "surrogateescape", "surrogatepass"):
    for name in ("ascii", "utf-8", "utf-16", "cp1252"):
        try: log.append("a\udc80€ü".encode(name, handler))
        except UnicodeError as error: log.append(str(error))
        try: log.append(b"a\xff\xfe\x81".decode(name, handler))
        except (UnicodeError, TypeError) as error: log.append(str(error))
def handler(error): return "?", error.end
codecs.register_error("failing", handler)
log.append("aüb".encode("ascii", "failing"))
decoder = codecs.getincrementaldecoder("utf-8")()
log += [decoder.decode(b"\xc3"), decoder.decode(b"\xbc", True), list(codecs.iterdecode([b"a", b"b"], "ascii")), codecs.getreader("utf-8")(io.BytesIO(b"abc")).read(), codecs.lookup("utf8").name]
result = repr(log)

#: inspect
import inspect, typing, enum, dataclasses, abc, types
for clear in typing._cleanups: clear()
class Color(enum.Enum):
    RED = 1
    GREEN = "g"
class Flag(enum.Flag):
    A = 1; B = 2
@dataclasses.dataclass(order=True, frozen=True)
class Data:
    x: int
    y: typing.List[int] = dataclasses.field(default_factory=list)
class Abstract(abc.ABC):
    @abc.abstractmethod
    def m(self): ...
T = typing.TypeVar("T")
class Generic(typing.Generic[T]):
    x: "typing.Optional[int]"
def f(a, /, b: int = 1, *args, c, d=2, **kw) -> str: "doc"
log = [str(inspect.signature(f)), str(inspect.signature(len)), inspect.getdoc(f), inspect.signature(f).bind(1, c=2).arguments, Color("g"), list(Color), Flag.A | Flag.B, Data(1), Data(1) < Data(2), dataclasses.asdict(Data(1, [2])),
       Generic[int], Generic.__annotations__, typing.Union[int, str, None], typing.Callable[[int], str], list[T][int], isinstance([], typing.Sequence), Abstract.__abstractmethods__, inspect.isabstract(Abstract), types.SimpleNamespace(a=1), types.MappingProxyType({1: 2})]
try: Abstract()
except TypeError as error: log.append(str(error))
result = repr(log)

#: traceback-warnings
import traceback, warnings, io, sys
def deep(n):
    if n: deep(n - 1)
    raise ValueError("text\nmore")
try:
    try: deep(3)
    except ValueError as e: raise KeyError("x") from e
except KeyError as error:
    error.add_note("note")
    text = traceback.format_exc()
    summary = traceback.TracebackException.from_exception(error, capture_locals=True).stack[0].name
    saved, sys.stderr = sys.stderr, io.StringIO()
    try:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.__excepthook__(type(error), error, error.__traceback__)
        shown = sys.stderr.getvalue()
    finally:
        sys.stderr = saved
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.warn("first", DeprecationWarning)
    warnings.warn_explicit("second", UserWarning, "file.py", 5)
    compile("1 is 1", "x", "eval")
with warnings.catch_warnings():
    warnings.simplefilter("error")
    try: warnings.warn("raised")
    except UserWarning as w: raised = str(w)
result = repr((len(text) > 100, summary, len(shown) > 100, [str(w.message) for w in caught], raised))

#: compression-hashes
import zlib, binascii, hashlib, hmac, base64
data = b"some data " * 200
c = zlib.compressobj(9); packed = c.compress(data) + c.flush(); d = zlib.decompressobj()
copied = zlib.compressobj(); start = copied.compress(data); other = copied.copy()
result = repr([zlib.decompress(packed) == data, d.decompress(packed, 50)[:3], d.unconsumed_tail[:5], len(d.flush()), zlib.crc32(data), zlib.adler32(data), zlib.decompress(start + other.flush())[:4], binascii.hexlify(data[:5], "-"), binascii.a2b_base64(binascii.b2a_base64(data)) == data,
    binascii.b2a_qp(b"a=\xff"), binascii.b2a_uu(b"abc"), binascii.crc_hqx(b"x", 0), [hashlib.new(n, data).hexdigest() for n in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")], hashlib.sha256(data).copy().digest(), hashlib.shake_128(b"x").hexdigest(5),
    hmac.new(b"k", data, "sha256").hexdigest(), base64.b85encode(b"abc"), hashlib.pbkdf2_hmac("sha1", b"p", b"s", 2), hashlib.blake2b(b"x", key=b"k", digest_size=10, salt=b"s").hexdigest()])
import _md5, _sha1, _sha256, _sha512, _sha3, _blake2
result += repr([_md5.md5(data).hexdigest(), _sha1.sha1(data).copy().digest(), _sha256.sha224(data).hexdigest(), _sha512.sha384(data).hexdigest(), _sha3.shake_256(data).hexdigest(20), _blake2.blake2s(data).hexdigest()])
try: zlib.decompress(b"garbage")
except zlib.error as error: result += str(error)

#: xml
import xml.etree.ElementTree as E, pyexpat
tree = E.fromstring("<a x='1'>text<b y='2'/><c>more</c>tail<!-- c --><d>&lt;&#233;</d></a>")
tree.append(E.Element("new", {"k": "v"}, z="1")); E.SubElement(tree, "sub").text = "s"; tree.insert(0, E.Comment("c")); tree.remove(tree.find("b"))
result = repr([E.tostring(tree), [e.tag for e in tree.iter() if isinstance(e.tag, str)], tree.findall(".//c"), tree.findtext("c"), list(tree.itertext()), tree.attrib, tree[1:3], E.tostring(tree, "unicode", method="text"), len(tree)])
result = E.tostring(tree).decode()
log = []
parser = pyexpat.ParserCreate(namespace_separator=" ")
parser.StartElementHandler = lambda name, attributes: log.append((name, attributes))
parser.CharacterDataHandler = log.append
parser.buffer_text = True
parser.Parse("<!DOCTYPE a [<!ENTITY e 'x'>]><a xmlns='u' b='1'>&e;text<?pi x?></a>", True)
for bad in ("<a>", "<a></b>", "&x;", ""):
    try: E.fromstring(bad)
    except E.ParseError as error: log.append(str(error))
events = E.XMLPullParser(["start", "end"]); events.feed("<a><b/></a>"); log.append([(k, e.tag) for k, e in events.read_events()])
result += repr(log)

#: unicodedata-time
import unicodedata as u, time, math, cmath, decimal, fractions, string, textwrap
result = repr([u.name("ä"), u.lookup("GREEK SMALL LETTER ALPHA"), u.normalize("NFKD", "ﬁä한"), u.normalize("NFC", "a\u0308"), u.category("a"), u.decomposition("ä"), u.numeric("½"), u.is_normalized("NFC", "ä"), u.east_asian_width("a"), time.strftime("%Y", time.gmtime(0)), time.gmtime(1e9)[:3],
    time.mktime(time.localtime(0)), time.asctime(time.gmtime(0)), time.strptime("2020", "%Y")[0], math.factorial(100), math.comb(50, 20), math.perm(10), math.gcd(10**30, 5**20), math.isqrt(10**40), math.fsum([.1] * 10), math.prod(range(1, 20)), math.hypot(3, 4), math.log(10**400), math.dist([1, 2], [3, 4]),
    math.floor(1e30), cmath.sqrt(-1), decimal.Decimal("1.1") / 3, fractions.Fraction(3, 7) + 1, string.Template("$a").substitute(a=1), textwrap.fill("some words " * 20)])
