"""How unpickling gives an instance its state: attributes, slots, dicts of its own, and what stands in the way."""
import collections
import pickle
import threading


class Plain:
    pass


class WithProperty:
    @property
    def x(self):
        return "property"

    @x.setter
    def x(self, value):
        raise AssertionError("not called by unpickling")


class OwnDict:
    __slots__ = ("store",)

    @property
    def __dict__(self):
        if not hasattr(self, "store"):
            self.store = {}
        return self.store


class Early:
    def __new__(cls):
        self = super().__new__(cls)
        self.__dict__["early"] = True
        return self


class Loud:
    def __setattr__(self, name, value):
        raise AssertionError("not called by unpickling")


class LoudDict(dict):
    def __setitem__(self, key, value):
        print("set", key, value)
        super().__setitem__(key, value)


class WithLoudDict:
    def __new__(cls):
        self = super().__new__(cls)
        self.__dict__ = LoudDict()
        return self


class Mixed:
    __slots__ = ("a", "__dict__")


class Failing(Exception):
    pass


class Hidden:
    def __getattribute__(self, name):
        if name == "__dict__":
            print("asked for __dict__")
        return super().__getattribute__(name)


def fill(value, attributes):
    for name, content in attributes.items():
        object.__setattr__(value, name, content)
    return value


def describe(value):
    own = value.__dict__
    return type(value).__name__, type(own).__name__, list(own.items())[:5], len(own)


VALUES = [fill(Plain(), {"a": 1, "b": [2]}), fill(Plain(), {"name%d" % i: i for i in range(100)}), Plain(), fill(Early(), {"b": 2}),
          fill(Loud(), {"c": 3}), fill(Mixed(), {"a": 1, "other": 2}), fill(Failing("x"), {"note": 4}), fill(Hidden(), {"d": 5})]
odd = Plain()
odd.__dict__[1] = 2
odd.__dict__["z"] = 3
VALUES.append(odd)
shadow = WithProperty()
shadow.__dict__["x"] = "own"
VALUES.append(shadow)
owner = OwnDict()
owner.__dict__["k"] = "v"
for value in VALUES:
    for protocol in range(6):
        try:
            back = pickle.loads(pickle.dumps(value, protocol))
        except Exception as error:
            print(protocol, type(error).__name__, error)
        else:
            print(protocol, describe(back), getattr(back, "a", None), vars(back) is back.__dict__)

# States that no class wrote.
HEAD = b"\x80\x02c__main__\n%s\n)\x81"
for name in (b"Plain", b"OwnDict", b"WithLoudDict", b"WithProperty", b"Early", b"Loud"):
    for state in (b"}U\x01xK\x01s", b"}(U\x01xK\x01U\x01yK\x02u", b"}K\x01K\x02s", b"N", b"]", b"}U\x01xK\x01s}U\x01yK\x02s\x86",
                  b"N}U\x01yK\x02s\x86"):
        try:
            print(name, state, describe(pickle.loads(HEAD % name + state + b"b.")))
        except Exception as error:
            print(name, state, type(error).__name__, error)

first = pickle.loads(pickle.dumps(VALUES[0]))
second = pickle.loads(pickle.dumps(VALUES[0]))
first.__dict__["c"] = 1
del second.a
print(first.__dict__, second.__dict__, [a is b for a, b in zip(first.__dict__, second.__dict__)])
print(pickle.loads(pickle.dumps((1, "a", (2.5, b"b"), [3], ((), (None,))))))


def work(results):
    for i in range(200):
        data = pickle.dumps([fill(Plain(), {"i": i, "text": "t%d" % i})] * 3 + [collections.Counter("aab")])
        back = pickle.loads(data)
        results.append((back[0].i, back[1] is back[0], back[3]["a"]))


results = [[] for _ in range(4)]
threads = [threading.Thread(target=work, args=(result,)) for result in results]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print([len(set(result)) for result in results], results[0] == results[3])
