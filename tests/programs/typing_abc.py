# Generic classes, protocols, typed dictionaries, named tuples, overloads, abstract classes.
import abc
import collections.abc
import functools
import inspect
import typing
from typing import (Annotated, Any, Callable, ClassVar, Final, Generic, Iterable, Literal, NamedTuple, NewType, Optional,
                    ParamSpec, Protocol, Self, TypedDict, TypeVar, TypeVarTuple, Union, Unpack, overload, runtime_checkable)

T = TypeVar("T")
K = TypeVar("K", bound="Comparable", covariant=True)
N = TypeVar("N", int, float)
P = ParamSpec("P")
Ts = TypeVarTuple("Ts")


class Stack(Generic[T]):
    limit: ClassVar[int] = 10

    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> Self:
        self.items.append(item)
        return self

    def pop(self) -> T:
        return self.items.pop()


class Pair(Generic[T, N]):
    first: T
    second: N


@runtime_checkable
class Sized(Protocol):
    def size(self) -> int: ...


class Box:
    def size(self) -> int:
        return 3


class Film(TypedDict, total=False):
    title: typing.Required[str]
    year: int


class Employee(NamedTuple):
    name: str
    id: int = 3
    tags: tuple[str, ...] = ()

    def label(self):
        return f"{self.name}#{self.id}"


class Shape(abc.ABC):
    @property
    @abc.abstractmethod
    def area(self) -> float: ...

    @abc.abstractmethod
    def scale(self, by: float) -> "Shape":
        """Return a larger one."""

    @staticmethod
    @abc.abstractmethod
    def kind() -> str: ...


class Square(Shape):
    def __init__(self, side):
        self.side = side

    @property
    def area(self):
        return self.side ** 2

    def scale(self, by):
        return type(self)(self.side * by)

    @staticmethod
    def kind():
        return "square"


class Half(Shape):
    def scale(self, by):
        return super().scale(by)


class Ring(collections.abc.MutableSequence):
    def __init__(self, items=()):
        self._items = list(items)

    def __getitem__(self, index):
        return self._items[index]

    def __setitem__(self, index, value):
        self._items[index] = value

    def __delitem__(self, index):
        del self._items[index]

    def __len__(self):
        return len(self._items)

    def insert(self, index, value):
        self._items.insert(index, value)


class Even(metaclass=abc.ABCMeta):
    @classmethod
    def __subclasshook__(cls, other):
        return hasattr(other, "half") or NotImplemented


class Halved:
    def half(self): ...


UserId = NewType("UserId", int)


@overload
def double(value: int) -> int: ...
@overload
def double(value: str) -> str: ...
def double(value):
    return value * 2


def annotated(a: Annotated[int, "metres"], b: Optional[str] = None, *c: Union[int, str, None], d: "Stack[int]",
              **e: Callable[P, T]) -> Iterable[Literal["x", 1]]: ...


def attempt(function, *arguments):
    try:
        print("ok", function(*arguments))
    except Exception as error:
        print(type(error).__name__, str(error))


for value in (T, K, N, P, Ts, Stack[int], Pair[str, int], Stack[T][bytes], list[T][int], dict[str, Stack[T]][int],
              Callable[[int, str], bool], Callable[..., Any], Callable[P, T], Union[int, str, int], Optional[T], int | None,
              Literal["a", 1, True], Annotated[int, 5, "x"], Final[int], ClassVar[str], tuple[int, ...], tuple[()], type[int],
              typing.List[int], typing.Dict, typing.Tuple[int, ...], Unpack[Ts], tuple[*Ts], Union[int, "Later"], Any, Self,
              typing.NoReturn, typing.Type[T], collections.abc.Callable[[int], str], typing.Pattern[str], UserId):
    print(repr(value), end="; ")
print()
print(Stack[int]().push(4).push(5).pop(), Stack.__parameters__, Pair[T, int].__parameters__, Stack[int].__origin__.__name__)
print(typing.get_origin(Union[int, str]), typing.get_args(Callable[[int], str]), typing.get_args(Literal[1, 2]))
print(typing.get_type_hints(annotated))
print(typing.get_type_hints(annotated, include_extras=True)["a"], annotated.__annotations__["d"])
print(inspect.signature(annotated))
print(isinstance(Box(), Sized), isinstance(3, Sized), issubclass(Box, Sized))
print(Film(title="t"), Film.__required_keys__, sorted(Film.__optional_keys__), Film.__total__, typing.is_typeddict(Film))
ada = Employee("ada", tags=("x",))
print(ada, ada.label(), ada._asdict(), ada._replace(id=9), Employee._fields, Employee._field_defaults, ada < Employee("bob"))
print(UserId(5), UserId.__supertype__, double(3), double("ab"), len(typing.get_overloads(double)))
for function, arguments in ((Shape, ()), (Half, ()), (Stack.__class_getitem__, ((int, str),)), (Employee, ()),
                            (lambda: isinstance([], list[int]), ()), (lambda: Literal[1](), ()), (lambda: Optional[int, str], ()),
                            (lambda: Union[()], ()), (lambda: issubclass(3, Shape), ()), (lambda: Generic[int], ()), (Any, ()),
                            (lambda: TypeVar("A", int), ()), (lambda: Callable[int], ()), (lambda: Film.x, ()), (Sized, ())):
    attempt(function, *arguments)
print(Square(3).scale(2).area, Square.kind(), sorted(Shape.__abstractmethods__), sorted(Half.__abstractmethods__), inspect.isabstract(Half))
ring = Ring("abc")
ring.append("d")
ring += ["e"]
ring.reverse()
print(list(ring), ring.pop(), ring.index("c"), ring.count("x"), "d" in ring, list(reversed(ring)), isinstance(ring, collections.abc.Sequence))
ring.remove("d")
ring.extend(ring)
ring.clear()
print(len(ring), issubclass(Halved, Even), issubclass(int, Even))
Shape.register(int)
print(isinstance(5, Shape), issubclass(bool, Shape), Shape in int.__mro__)
for name in ("Hashable", "Iterable", "Sized", "Container", "Callable", "Sequence", "Mapping", "Set", "Reversible", "Buffer", "Generator"):
    abstract = getattr(collections.abc, name, None)
    if abstract:
        print(name, [isinstance(value, abstract) for value in (1, "a", [], {}, set(), print, (i for i in ()), b"", range(3), {}.keys())])


@functools.singledispatch
def describe(value):
    return f"something {value}"


@describe.register
def _(value: int | float):
    return f"number {value}"


@describe.register(collections.abc.Sequence)
def _(value):
    return f"sequence of {len(value)}"


print(describe(3), describe(2.5), describe("abc"), describe([1]), describe(None), describe(True), describe.dispatch(bool).__name__)
typing.assert_type(3, int)
attempt(typing.assert_never, 3)
print(typing.cast("int", "x"), typing.ForwardRef("Stack[int]"), typing.Protocol, typing.TYPE_CHECKING)
