# The marshal format: bytes written, values read, and what bad data raises.
import io
import marshal


def show(function):
    try:
        print(repr(function())[:300])
    except BaseException as error:
        print(type(error).__name__, error)


recursive = []
recursive.append(recursive)
deep = []
for _ in range(3000):
    deep = [deep]

values = [None, True, False, ..., StopIteration, 0, -1, 1 << 31, -1 << 31, (1 << 31) - 1, (1 << 15) - 1, 1 << 30, 1 << 45,
          1 << 100, -1 << 100, 1.5, -0.0, 1e300, float("inf"), 1j, "abc", "\xe9", "\ud800", "a" * 300, "\U0001f600",
          b"x", bytearray(b"xy"), memoryview(b"q"), (), (1, 2), tuple(range(300)), [1, [2]], {}, {"a": {2: 3}}, set(),
          {1, 2, "a", (3, 4)}, frozenset(), frozenset([frozenset([1]), 2]), object(), [object()], range(3), deep]
for value in values:
    for version in range(-1, 6):
        show(lambda: marshal.dumps(value, version))
    try:
        data = marshal.dumps(value)
    except ValueError:
        continue
    show(lambda: marshal.loads(data))
    show(lambda: marshal.load(io.BytesIO(data)))
show(lambda: marshal.dumps(recursive))
show(lambda: marshal.loads(marshal.dumps(recursive)))

shared = ["some text", 1 << 40]
show(lambda: marshal.dumps([shared, shared, shared[0]]))
copy = marshal.loads(marshal.dumps([shared, shared]))
print(copy[0] is copy[1])

for data in (b"", b"i", b"?", b"0", b"(", b"(\2\0\0\0N", b"(\xff\xff\xff\xffN", b"r\2\0\0\0N", b"[", b"[\1\0\0\0" b"0",
             b"(\1\0\0\0" b"0", b"<\1\0\0\0" b"0", b"<\1\0\0\0[\0\0\0\0", b"s\xff\xff\xff\xff", b"u\xff\xff\xff\xff",
             b"u\2\0\0\0\xff\xfe", b"l\1\0\0\0", b"l\1\0\0\0\0\0", b"l\1\0\0\0\xff\xff", b"l\0\0\0\x80",
             b"l\xfe\xff\xff\xff\1\0\1\0", b"f\3abc", b"f\0031.5", b"x\0011\0012", b"g123", b"c", b"R\0\0\0\0", b"{N",
             b"{0", b"{NN0", b"I\1\2\3\4\5\6\7\xff", b"[" + b"\1\0\0\0[" * 3000, b">\0\0\0\0", b"\xa9\2NN", b"z\3ab",
             b"Z", b"\xdb\1\0\0\0r\0\0\0\0", b")\1\xa9\1r\0\0\0\0", b"t\3\0\0\0abc", "x", 1):
    show(lambda: marshal.loads(data))
    if isinstance(data, bytes):
        show(lambda: marshal.load(io.BytesIO(data)))


class File:
    def __init__(self, data, extra):
        self.data, self.extra, self.position = data, extra, 0

    def read(self, size):
        return b""

    def readinto(self, buffer):
        part = self.data[self.position:self.position + len(buffer)]
        buffer[:len(part)] = part
        self.position += len(part)
        return len(part) + (self.extra if self.position > 1 else 0)


for extra in (0, 1, -1):
    show(lambda: marshal.load(File(b"i\1\2\3\4", extra)))
show(lambda: marshal.load(io.StringIO("N")))
show(lambda: marshal.load(3))
show(lambda: marshal.dump(1, 3))
show(lambda: marshal.dumps())
show(lambda: marshal.dumps(1, 2, 3))
show(lambda: marshal.dumps(1, "x"))
show(lambda: marshal.dumps(1, version=2))
show(lambda: marshal.version)
stream = io.BytesIO()
marshal.dump(shared, stream)
marshal.dump(2, stream, 1)
print(stream.getvalue())
stream.seek(0)
print(marshal.load(stream), marshal.load(stream))

source = "def f(a, b=1, *, c: int = 2):\n  def g(): return a\n  return [g(x) for x in {1, 2} if 'a' < b]\n"
code = compile(source, "f", "exec")
data = marshal.dumps(code)
print(data)
print(marshal.loads(data) == code, marshal.dumps(marshal.loads(data)) == data)
