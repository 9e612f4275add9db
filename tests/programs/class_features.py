# Classes: metaclasses, descriptors, properties, slots, super, MRO, operators, attribute hooks, copying, pickling, collection, weak references.
import abc
import copy
import gc
import inspect
import sys
import types
import weakref


def attempt(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Registry(type):
    classes = {}

    @classmethod
    def __prepare__(metaclass, name, bases, **keywords):
        print("prepare", name, [base.__name__ for base in bases], keywords)
        return {"prepared": True}

    def __new__(metaclass, name, bases, namespace, **keywords):
        cls = super().__new__(metaclass, name, bases, namespace)
        metaclass.classes[name] = keywords
        return cls

    def __init__(cls, name, bases, namespace, **keywords):
        super().__init__(name, bases, namespace)
        print("init", name, sorted(key for key in namespace if not key.startswith("__")))

    def __call__(cls, *arguments, **keywords):
        instance = super().__call__(*arguments, **keywords)
        instance.made_by = cls.__name__
        return instance

    def __len__(cls):
        return len(cls.__mro__)

    def __contains__(cls, item):
        return hasattr(cls, item)

    def __instancecheck__(cls, instance):
        return hasattr(instance, "made_by")


class Typed:
    def __init__(self, kind, default=None):
        self.kind, self.default = kind, default

    def __set_name__(self, owner, name):
        print("set_name", owner.__name__, name)
        self.name = "_" + name

    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name, self.default)

    def __set__(self, instance, value):
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name[1:]} must be {self.kind.__name__}, not {type(value).__name__}")
        setattr(instance, self.name, value)

    def __delete__(self, instance):
        delattr(instance, self.name)


class Base(metaclass=Registry, option=1):
    size = Typed(int, 0)
    label = Typed(str)

    def __init_subclass__(cls, /, tag="none", **keywords):
        super().__init_subclass__(**keywords)
        cls.tag = tag

    def __init__(self, size=1):
        self.size = size


class Derived(Base, tag="derived"):
    extra = Typed(float)


print(Registry.classes, Derived.tag, len(Derived), "size" in Derived, isinstance(Derived(3), Base), isinstance(3, Base), Derived(4).made_by, Derived.size.default)
thing = Derived(7)
thing.label = "text"
print(thing.size, thing.label, thing.extra, attempt(setattr, thing, "size", "x"), attempt(delattr, thing, "extra"), vars(thing), attempt(type("Bad", (), {}).__init_subclass__, 1))


class A:
    def who(self):
        return ["A"]


class B(A):
    def who(self):
        return ["B"] + super().who()


class C(A):
    def who(self):
        return ["C"] + super().who()


class D(B, C):
    def who(self):
        return ["D"] + super(D, self).who()

    @classmethod
    def make(cls):
        return cls, super().__thisclass__.__name__

    @staticmethod
    def plain():
        return __class__.__name__


print(D().who(), [cls.__name__ for cls in D.__mro__], D.make(), D.plain(), attempt(type, "X", (A, B), {}), attempt(type, "X", (int, str), {}), attempt(super, int, "x"), super(B, D()).who())


class Vector:
    __slots__ = ("x", "y", "__weakref__")
    __match_args__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __repr__(self):
        return f"Vector({self.x}, {self.y})"

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y) if isinstance(other, Vector) else NotImplemented

    def __hash__(self):
        return hash((self.x, self.y))

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y) if isinstance(other, Vector) else NotImplemented

    def __radd__(self, other):
        return self if other == 0 else NotImplemented

    def __iadd__(self, other):
        self.x += other.x
        return self

    def __mul__(self, other):
        return Vector(self.x * other, self.y * other)

    __rmul__ = __mul__

    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __abs__(self):
        return (self.x ** 2 + self.y ** 2) ** .5

    def __bool__(self):
        return bool(self.x or self.y)

    def __iter__(self):
        return iter((self.x, self.y))

    def __getitem__(self, index):
        return (self.x, self.y)[index]

    def __lt__(self, other):
        return abs(self) < abs(other)

    def __format__(self, spec):
        return "<" + ", ".join(format(value, spec) for value in self) + ">"

    def __divmod__(self, other):
        return self.x // other, self.y % other

    def __pow__(self, power, modulus=None):
        return pow(self.x, power, modulus)

    def __index__(self):
        return self.x

    def __round__(self, digits=None):
        return Vector(round(self.x, digits), round(self.y, digits))

    def __contains__(self, value):
        return value in (self.x, self.y)

    def __call__(self, *arguments, **keywords):
        return arguments, keywords

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        return kind is ValueError


v = Vector(3, 4)
print(v + v, sum([v, v]), 2 * v, v @ v, -v, abs(v), bool(Vector(0, 0)), list(v), v[-1], v[0:1], sorted([Vector(5, 0), v, Vector(1, 1)]), f"{v:.2f}", divmod(v, 2), pow(v, 2, 5), [10, 20, 30, 40][v], round(Vector(1.26, 2.5), 1), 4 in v, v(1, a=2))
print(attempt(lambda: v + 1), attempt(lambda: 1 + v), attempt(lambda: v - v), attempt(lambda: v > 1), attempt(lambda: v["a"]), attempt(setattr, v, "z", 1), attempt(lambda: len(v)), attempt(lambda: v.__dict__), v == (3, 4), v != v, hash(v) == hash((3, 4)), max(v, Vector(9, 9)))
with Vector(1, 2) as entered:
    v += entered
    raise ValueError("swallowed")
print(v, copy.copy(v), copy.deepcopy([v, v]), attempt(lambda: weakref.ref(v)() is v))


class Hooks:
    def __init__(self):
        object.__setattr__(self, "log", [])

    def __getattr__(self, name):
        self.log.append(f"get {name}")
        if name.startswith("no"):
            raise AttributeError(f"refused {name}")
        return name.upper()

    def __setattr__(self, name, value):
        self.log.append(f"set {name}={value}")

    def __delattr__(self, name):
        self.log.append(f"del {name}")

    def __dir__(self):
        return ["z", "a"]


hooks = Hooks()
hooks.attribute = 5
del hooks.attribute
print(hooks.missing, hasattr(hooks, "nothing"), getattr(hooks, "none", "default"), dir(hooks), hooks.log, attempt(lambda: hooks.nope))


class Temperature:
    def __init__(self, celsius):
        self._celsius = celsius

    @property
    def celsius(self):
        """Degrees."""
        return self._celsius

    @celsius.setter
    def celsius(self, value):
        if value < -273.15:
            raise ValueError("too cold")
        self._celsius = value

    @property
    def fahrenheit(self):
        return self.celsius * 9 / 5 + 32


t = Temperature(20)
t.celsius += 5
print(t.fahrenheit, attempt(setattr, t, "fahrenheit", 1), attempt(setattr, t, "celsius", -300), attempt(delattr, t, "celsius"), Temperature.celsius.__doc__, Temperature.celsius.fset.__name__)
print(inspect.signature(Vector), inspect.getmro(D)[1].__name__, types.new_class("Made", (A,), {}, lambda ns: ns.update(x=1)).x, type("T", (), {"__doc__": "d", "f": lambda self: 1})().f(), Vector.x, Derived.__qualname__, A.who.__qualname__, A().who.__func__ is A.who)


class Node:
    def __init__(self, name):
        self.name, self.others = name, []

    def __del__(self):
        deleted.append(self.name)


deleted, gc_was = [], gc.isenabled()
gc.disable()
a = Node("plain")
del a
b, c = Node("cycle 1"), Node("cycle 2")
b.others.append(c)
c.others.append(b)
watch = weakref.ref(b, lambda reference: deleted.append("callback"))
values = weakref.WeakValueDictionary(b=b)
keys = weakref.WeakKeyDictionary({c: "c"})
final = weakref.finalize(b, deleted.append, "finalizer")
proxy = weakref.proxy(b)
print(proxy.name, len(values), len(keys), final.alive, weakref.getweakrefcount(b) >= 3, watch() is b)
del b, c
print(list(deleted), gc.collect() > 0, sorted(deleted), watch(), len(values), len(keys), final.alive, attempt(lambda: proxy.name))
gc.enable()
saved = []


class Phoenix:
    def __del__(self):
        saved.append(self)


Phoenix()
print(len(saved), gc.is_tracked([]), gc.is_tracked(1), gc.is_tracked({"a": 1}), gc.is_finalized(saved[0]), gc.get_threshold()[0] > 0, len(gc.get_stats()), attempt(weakref.ref, 5), sys.getrefcount(saved) > 1)
saved.clear()
method = weakref.WeakMethod(t.__class__(5).__init__)
print(method(), sys.getsizeof([]) > 0, [type(referrer).__name__ for referrer in gc.get_referrers(deleted) if referrer is globals()])
shared = [1]
original = {"a": shared, "b": [shared, (shared,)], "self": None}
original["self"] = original
clone = copy.deepcopy(original)
print(clone["a"] is clone["b"][0] is clone["b"][1][0], clone["self"] is clone, clone["a"] is shared, copy.copy(original)["a"] is shared)


class Plugin(abc.ABC):
    @abc.abstractmethod
    def run(self): ...

    @classmethod
    def __class_getitem__(cls, item):
        return f"{cls.__name__}[{item}]"


print(attempt(Plugin), Plugin[5], type("Ok", (Plugin,), {"run": lambda self: 1})().run(), [cls.__name__ for cls in A.__subclasses__()], D.__base__.__name__, type(D), Registry.__mro__[1].__name__, object.__subclasshook__(1) is NotImplemented)
D.__bases__ = (C, B)
print(D().who(), attempt(setattr, D, "__bases__", (int,)), attempt(setattr, A(), "__class__", int), attempt(setattr, D, "__name__", 5), attempt(setattr, int, "x", 1))
