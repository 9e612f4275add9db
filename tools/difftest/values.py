"""Random values, as source text."""
import struct

INTS = [0, 1, -1, 2, 3, 5, 7, 10, 16, 31, 32, 36, 37, 63, 64, 100, 127, 128, 255, 256, -2, -3, -128, -255, 2**30 - 1, 2**30,
        2**31 - 1, 2**31, -2**31, 2**32, 2**60, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64, 10**18, 10**20, -10**25]
FLOATS = ["0.0", "-0.0", "1.0", "-1.0", "0.5", "1.5", "2.5", "0.1", "1e16", "1e22", "1e-5", "123456789.123", "1e308", "5e-324",
          "2.2250738585072014e-308", "float('inf')", "-float('inf')", "float('nan')", "3.14159", "1e100", "9007199254740993.0"]
LETTERS = ("abcdefgxyzABCXYZ0123456789" * 2 + " \t\n\r\x0b\x0c\x1c\x85\xa0_-+.,:;%{}[]()<>#!?'\"\\/" + "\x00\x7f\x80\xb5\xdf\xe9\xff\u0130"
           "\u0131\u0149\u017f\u01c5\u0345\u03a3\u03c2\u03b1\u0390\u0660\u0967\u1e9e\u2028\u2029\u2003\u20ac\u212a\u2160\u3007"
           "\ud800\udfff\ufb01\ufb03\uff11\uffff\U0001d7ce\U00010400\U0001f600\U0010ffff")
WORDS = ["", "a", "abc", "Hello World", "  spaced  ", "12", "-7", "+3.5e2", "0x1f", "1_000", "nan", "inf", "a,b,,c", "line\nnext\r\nend",
         "\u03a3\u03b1\u03c2", "stra\xdfe", "\ufb01ne", "{}", "{0!r:>10}", "%s %d", "%(a)s", "a\tb", "title case's", "aaaaa", "utf-8", "x=1",
         "\u0661\u0662", "1e5", "0b101", " 42 ", "True", "ab" * 20, "\u0130stanbul", "e\u0301", "\x00"]


class Values:
    def __init__(self, random):
        self.random = random
        self.scalars = [self.int, self.int, self.float, self.text, self.text, self.bytes, self.bool, self.complex, lambda: "None"]
        self.containers = [self.list, self.tuple, self.dict, self.set, self.frozenset, self.bytearray, self.range, self.slice,
                           self.deque, self.view]

    def int(self):
        chance = self.random.random()
        if chance < 0.45:
            return str(self.random.randint(-6, 12))
        if chance < 0.8:
            return str(self.random.choice(INTS))
        return str(self.random.randint(-2**self.random.randint(1, 200), 2**self.random.randint(1, 200)))

    def small(self):
        return str(self.random.randint(-4, 8))

    def bool(self):
        return self.random.choice(["True", "False"])

    def float(self):
        chance = self.random.random()
        if chance < 0.5:
            return self.random.choice(FLOATS)
        if chance < 0.75:
            return repr(self.random.randint(-10**6, 10**6) / 10**self.random.randint(0, 6))
        number = struct.unpack("d", self.random.randbytes(8))[0]
        return f"float.fromhex({number.hex()!r})"

    def complex(self):
        return f"complex({self.float()}, {self.float()})"

    def text(self):
        if self.random.random() < 0.5:
            return ascii(self.random.choice(WORDS))
        alphabet = LETTERS if self.random.random() < 0.6 else "ab "
        return ascii("".join(self.random.choice(alphabet) for _ in range(self.random.choice([0, 1, 2, 3, 5, 8, 20]))))

    def character(self):
        return ascii(self.random.choice(LETTERS))

    def bytes(self):
        if self.random.random() < 0.5:
            return repr(self.random.choice(WORDS).encode("utf-8", "surrogatepass"))
        if self.random.random() < 0.5:
            return repr(bytes(self.random.choice(b"ab \n") for _ in range(self.random.randint(0, 8))))
        return repr(self.random.randbytes(self.random.choice([0, 1, 2, 4, 8])))

    def bytearray(self):
        return f"bytearray({self.bytes()})"

    def view(self):
        return f"memoryview({self.bytes()})"

    def items(self, make, most=5):
        return [make() for _ in range(self.random.choice([0, 1, 2, 2, 3, most]))]

    def homogeneous(self):
        return self.random.choice([self.small, self.int, self.text, self.float, self.bytes, self.any])

    def list(self):
        return "[" + ", ".join(self.items(self.homogeneous())) + "]"

    def tuple(self):
        items = self.items(self.homogeneous())
        return "(" + "".join(item + ", " for item in items) + ")"

    def hashable(self):
        return self.random.choice([self.small, self.int, self.text, self.float, self.bytes, self.bool, lambda: "None",
                                   lambda: f"({self.small()}, {self.text()})"])()

    def dict(self):
        key = self.random.choice([self.hashable, self.small, self.text])
        return "{" + ", ".join(f"{key()}: {self.any()}" for _ in range(self.random.choice([0, 1, 2, 3, 5]))) + "}"

    def set(self):
        items = self.items(self.random.choice([self.small, self.text, self.hashable]))
        items = [item for item in items if "None" not in item]  # its hash is an address, and so decides the order
        return "{" + ", ".join(items) + "}" if items else "set()"

    def frozenset(self):
        return f"frozenset({self.set()})"

    def range(self):
        return f"range({self.small()}, {self.random.randint(-30, 30)}, {self.random.choice(['1', '2', '-1', '-3', '7', '1', '1'])})"

    def slice(self):
        part = lambda: self.random.choice(["None", self.small(), self.small(), self.int()])  # noqa: E731
        return f"slice({part()}, {part()}, {part()})"

    def deque(self):
        maximum = self.random.choice(["", "", ", 3"])
        return f"deque({self.list()}{maximum})"

    def any(self):
        if self.random.random() < 0.75:
            return self.random.choice(self.scalars)()
        return self.random.choice(self.containers)()

    def iterable(self):
        return self.random.choice([self.list, self.tuple, self.text, self.bytes, self.dict, self.deque,
                                   lambda: f"iter({self.list()})", lambda: f"range({self.small()}, {self.small()})"])()

    def of(self, kind):
        return getattr(self, {"str": "text", "memoryview": "view"}.get(kind, kind))()
