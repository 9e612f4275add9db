# match statements with every kind of pattern, guards, captures, and what they do with unusual subjects.
import collections
import dataclasses
import enum
import types


class Suit(enum.Enum):
    HEARTS = "h"
    SPADES = "s"


@dataclasses.dataclass
class Card:
    rank: int
    suit: Suit = Suit.HEARTS


class Strange:
    __match_args__ = ("first", "second")

    def __init__(self, log):
        self.log = log

    def __getattr__(self, name):
        self.log.append(name)
        if name == "missing":
            raise AttributeError(name)
        return name * 2


class Pairs(collections.UserDict):
    pass


LIMITS = types.SimpleNamespace(low=1, high=10)


def literal(subject):
    match subject:
        case 0:
            return "zero"
        case -1 | -2.5:
            return "negative"
        case 3 + 4j:
            return "complex"
        case "text" | b"bytes":
            return "string"
        case None | True | False:
            return f"constant {subject!r}"
        case LIMITS.low:
            return "low"
        case Suit.SPADES:
            return "spades"
        case "implicit" " concatenation":
            return "joined"
    return "other"


def sequence(subject):
    match subject:
        case []:
            return "empty"
        case [x]:
            return f"one {x}"
        case [int(x), int() | float() as y]:
            return f"numbers {x} {y}"
        case ["go", ("north" | "south") as way, *_]:
            return f"go {way}"
        case (first, *middle, last) if first == last:
            return f"same ends around {middle}"
        case [[a, b], [c, d]]:
            return f"square {a}{b}{c}{d}"
        case [_, _, *rest]:
            return f"rest {rest}"
        case _:
            return "no sequence"


def mapping(subject):
    match subject:
        case {"kind": "circle", "radius": float(r) | int(r)}:
            return f"circle {r}"
        case {"kind": "polygon", "points": [(x, y), *more]}:
            return f"polygon from {x},{y} with {len(more)} more"
        case {1: _, LIMITS.high: value, **rest}:
            return f"keys {value} {sorted(rest)}"
        case {**nothing} if not nothing:
            return "empty mapping"
        case {}:
            return "some mapping"
    return "no mapping"


def classes(subject):
    match subject:
        case Card(rank=1 | 11 | 12 | 13 as rank, suit=Suit.SPADES):
            return f"high spade {rank}"
        case Card(10, Suit() as suit):
            return f"ten of {suit.name}"
        case Card(rank) if rank < 0:
            return "negative card"
        case Card():
            return "card"
        case bool(flag):
            return f"bool {flag}"
        case int(n) | float(n):
            return f"number {n}"
        case str(text) as whole if text is whole:
            return f"text {text}"
        case list([1, *_]) | tuple((1, *_)):
            return "starts with one"
        case dict(pairs):
            return f"dict {len(pairs)}"
        case Exception(args=[message]):
            return f"exception {message}"
        case type(__name__=name):
            return f"class {name}"
        case object(real=_, imag=imaginary):
            return f"imaginary {imaginary}"
    return "something else"


def evaluate(tree):
    match tree:
        case ("+" | "-" | "*" as op, left, right):
            a, b = evaluate(left), evaluate(right)
            return a + b if op == "+" else a - b if op == "-" else a * b
        case ("neg", inner):
            return -evaluate(inner)
        case ("let", str(name), value, body):
            return evaluate(substitute(body, name, evaluate(value)))
        case int() | float():
            return tree
        case _:
            raise ValueError(f"cannot evaluate {tree!r}")


def substitute(tree, name, value):
    match tree:
        case ("var", n) if n == name:
            return value
        case (op, *parts):
            return (op, *(substitute(part, name, value) for part in parts))
        case _:
            return tree


for subject in (0, 0.0, False, -1, -2.5, 3 + 4j, "text", b"bytes", None, True, 1, 1.0, Suit.SPADES, Suit.HEARTS, "implicit concatenation", [], 10):
    print("literal", repr(subject), literal(subject))
for subject in ([], (), [1], (1, 2.5), [1, "x"], ["go", "north", "fast", "now"], ["go", "up"], (1, 2, 3, 1), [[1, 2], (3, 4)], "ab", b"ab", range(3), {1, 2}, collections.deque([7]), iter([1]), memoryview(b"xy"), bytearray(b"q"), {"a": 1}):
    print("sequence", sequence(subject))
for subject in ({}, {"kind": "circle", "radius": 2, "x": 1}, {"kind": "circle"}, {"kind": "polygon", "points": [(0, 1), (2, 3)]}, {1: 2, 10: 3, "z": 4}, collections.defaultdict(int), Pairs(kind="circle", radius=1.5), types.MappingProxyType({"q": 1}), [], "kind"):
    print("mapping", mapping(subject), len(subject) if isinstance(subject, collections.defaultdict) else "")
for subject in (Card(1, Suit.SPADES), Card(10), Card(-1), Card(5), True, 7, 2.5, "s", [1, 2], (1,), [2], {"a": 1}, ValueError("message"), ValueError(1, 2), int, 2j, None, print):
    print("class", classes(subject))
print(evaluate(("let", "x", ("+", 3, 4), ("*", ("var", "x"), ("neg", ("var", "x"))))))
for call in (lambda: evaluate(("/", 1, 2)), lambda: evaluate(("let", 5, 1, 2))):
    try:
        call()
    except ValueError as error:
        print(error)
log = []
match Strange(log):
    case Strange(one, second="nope"):
        print("not this")
    case Strange(missing=_):
        print("nor this")
    case Strange(one, two, three=third):
        print(one, two, third, log)
for code in ("match 5:\n  case Card(1, 2, 3): pass", "match Card(1):\n  case Card(1, 2, 3): pass", "match Card(1):\n  case Card(1, rank=1): pass", "match 5:\n  case int(1, 2): pass", "match 1:\n  case print(): pass",
             "match 1:\n  case x: pass\n  case y: pass", "match 1:\n  case [a, a]: pass", "match 1:\n  case a | b: pass", "match 1:\n  case {'a': 1, 'a': 2}: pass", "match {}:\n  case {LIMITS.low: 1, 1: 2}: print('no')\n  case _: print('fine')",
             "match = case = _ = 3\nprint(match, case, _)\nmatch[0] if 0 else print('soft')", "match 1, 2:\n  case a, b: print(a, b)", "match (yield_ := 5):\n  case x if (y := x): print(y, yield_)", "match 1:\n  case -x: pass", "match 1:\n  case {**_}: pass",
             "match 1:\n  case [*a, *b]: pass", "match x:\n  case 1: pass", "match *[1, 2], 3:\n  case [*all]: print(all)", "match 1:\n  case f'x': pass", "match 1:\n  case 1 + 1: pass"):
    try:
        exec(code, {"Card": Card, "LIMITS": LIMITS})
    except Exception as error:
        print(repr(code), type(error).__name__, error)
