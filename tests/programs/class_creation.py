"""What happens, and in which order, while a class is made."""


class Early(type):
    def mro(cls):
        print("class cell filled:", cls.__dict__["method"]() is cls)
        return super().mro()


class A(metaclass=Early):
    def method():
        return __class__


class Cell:
    __slots__ = ["__classcell__"]

    def __init__(self):
        super().__init__()


print(type(Cell.__dict__["__classcell__"]))


class Elsewhere(type):
    def mro(cls):
        return (A,) if cls.__name__ == "Lost" else super().mro()


try:
    class Lost(metaclass=Elsewhere):
        pass
except TypeError as error:
    print(error)


class OtherNew(list):
    __new__ = object.__new__


print(OtherNew([1, 2]))


class Fails:
    @property
    def __eq__(self):
        raise AttributeError("booh")


print(Fails() == Fails(), Fails() != Fails())


class Late:
    pass


class Holder:
    attribute = Late()
    constant = Late()

    def __init__(self):
        self.attribute = 1


def read(holder):
    return holder.attribute


def read_class():
    return Holder.constant


holder = Holder()
for _ in range(100):
    read(holder), read_class()
Late.__get__ = lambda self, instance, owner: "bound"
print(read(holder), read_class())
Late.__set__ = lambda self, instance, value: print("set", value)
print(read(holder))
holder.attribute = 5
for call in (lambda: min(1, foo=2), lambda: max(foo=1), lambda: min(0, default=1, key=2, foo=3)):
    try:
        call()
    except TypeError as error:
        print(error)
