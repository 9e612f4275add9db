# Data classes and enumerations in all their forms.
import dataclasses
import enum
import functools
import pickle
from dataclasses import InitVar, KW_ONLY, dataclass, field
from typing import ClassVar


@dataclass
class Point:
    x: float
    y: float = 0.0


@dataclass(order=True, frozen=True)
class Version:
    major: int
    minor: int = 0
    label: str = field(default="", compare=False, repr=False)

    def bump(self):
        return dataclasses.replace(self, minor=self.minor + 1)


@dataclass(slots=True, kw_only=True)
class Slotted:
    name: str
    tags: list[str] = field(default_factory=list)
    count: ClassVar[int] = 0


@dataclass(eq=False)
class Account:
    owner: str
    _: KW_ONLY
    start: InitVar[int] = 0
    history: list = field(default_factory=list, repr=False)
    balance: int = field(init=False)

    def __post_init__(self, start):
        self.balance = start
        self.history.append(("open", start))


@dataclass
class Child(Point):
    z: float = 3.0
    name: str = field(default="child", metadata={"unit": "none"})


@dataclass(unsafe_hash=True, match_args=False)
class Hashed:
    key: str
    cache: dict = field(default_factory=dict, hash=False)


class Colour(enum.Enum):
    RED = 1
    GREEN = "two"
    BLUE = (3, 3)
    CRIMSON = 1

    @property
    def title(self):
        return self.name.title()

    @classmethod
    def _missing_(cls, value):
        return cls.RED if value == "rot" else None


class Level(enum.IntEnum):
    LOW = enum.auto()
    MIDDLE = enum.auto()
    HIGH = 10


class Permission(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    RUN = enum.auto()
    ALL = READ | WRITE | RUN


class Mode(enum.StrEnum):
    FAST = enum.auto()
    SLOW = "S"


class Bits(enum.IntFlag, boundary=enum.KEEP):
    A = 1
    B = 4


class Planet(enum.Enum):
    EARTH = (5.97e24, 6.37e6)
    MARS = (6.42e23, 3.39e6)

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius

    @functools.cached_property
    def gravity(self):
        return round(6.67e-11 * self.mass / self.radius ** 2, 2)


def attempt(function):
    try:
        print("ok", function())
    except Exception as error:
        print(type(error).__name__, error)


def setter(target, name, value):
    return lambda: setattr(target, name, value)


print(Point(1), Point(1, 2) == Point(1.0, 2.0), Point(1) != Point(2), Point.__match_args__, dataclasses.astuple(Point(1)))
one = Version(1, 2, "beta")
print(one, one.bump(), one < Version(1, 10), max(Version(0, 9), one, Version(1)), hash(one) == hash(Version(1, 2)), one.label)
attempt(setter(one, "major", 5))
attempt(lambda: delattr(one, "major"))
attempt(lambda: Version())
attempt(lambda: Version(1, 2, 3, 4))
attempt(lambda: one < Point(1))
slotted = Slotted(name="s")
attempt(lambda: Slotted("positional"))
attempt(setter(slotted, "other", 1))
print(slotted, Slotted.__slots__, slotted.tags is not Slotted(name="t").tags)
account = Account("ada", start=70)
print(account, account.history, account == Account("ada", start=70), [f.name for f in dataclasses.fields(account)])
print(Child(1), Child(*range(3), "n"), dataclasses.asdict(Child(0)), dataclasses.fields(Child)[3].metadata["unit"])
print(hash(Hashed("k")) == hash(Hashed("k", {1: 2})), hasattr(Hashed, "__match_args__"))
attempt(lambda: hash(Point(1)))
attempt(lambda: dataclass(type("Bad", (), {"__annotations__": {"x": list}, "x": []})))
attempt(lambda: dataclass(type("Bad", (), {"__annotations__": {"x": int, "y": int}, "x": 1})))
attempt(lambda: dataclasses.replace(account, balance=3))
attempt(lambda: dataclasses.asdict(3))
made = dataclasses.make_dataclass("Made", ["a", ("b", int), ("c", int, field(default=5))], namespace={"sum": lambda s: s.b + s.c})
print(made(1, 2), made(1, 2).sum(), dataclasses.is_dataclass(made), made.__doc__)
print(Point.__doc__, Version.__doc__, repr(dataclasses.fields(Version)[2])[:60])

print(list(Colour), Colour.CRIMSON is Colour.RED, Colour("two"), Colour("rot"), Colour["BLUE"], Colour.BLUE.title)
print(Colour.__members__, repr(Colour.RED), str(Colour.RED), f"{Colour.RED!s:>12}|", Colour.RED.name, Colour.RED.value)
attempt(lambda: Colour(99))
attempt(lambda: Colour["PINK"])
attempt(setter(Colour, "RED", 5))
attempt(lambda: type("More", (Colour,), {}))
attempt(lambda: Colour.RED < Colour.GREEN)
print(list(Level), Level.HIGH > Level.LOW, Level.LOW + 1, f"{Level.HIGH}", f"{Level.HIGH:04d}", sorted([Level.HIGH, Level.LOW]))
print(Permission.READ | Permission.RUN, Permission.ALL, ~Permission.READ, Permission(0), Permission.WRITE in Permission.ALL)
print(repr(Permission.READ ^ Permission.ALL), list(Permission.ALL), len(Permission.ALL), bool(Permission(0)))
attempt(lambda: Permission(64))
print(repr(Bits(7)), Bits.A | 8, Bits.A & 5, ~Bits.A, Bits(5))
print(Mode.FAST, repr(Mode.SLOW), Mode("S") == "S", Mode.FAST.upper(), "-".join(Mode))
print([(planet.name, planet.gravity) for planet in Planet])
attempt(lambda: enum.unique(enum.Enum("Twice", {"A": 1, "B": 1})))
functional = enum.Enum("Animal", "CAT DOG", start=5)
print(list(functional), functional.DOG.value, functional(5))
print(pickle.loads(pickle.dumps([Colour.BLUE, Level.HIGH, Permission.READ | Permission.RUN, one, slotted])))
match Level.HIGH:
    case Level.LOW:
        print("low")
    case Level.HIGH:
        print("high")
match Child(1, 2, 9):
    case Point(x, y, ) if x > y:
        print("greater")
    case Child(1, b, z=c):
        print("child", b, c)
print(Colour.__doc__, enum.Enum.__name__, type(Colour).__name__, dir(Colour.RED)[-3:])
