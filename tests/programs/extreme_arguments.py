"""Numbers at the edge of what an argument may be, and arguments of the wrong kind, for methods of sequences."""
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque

EDGES = (2**63 - 1, -2**63, -2**63 - 1, 2**64, -1, 1.5)
TEXT_METHODS = ("center", "ljust", "rjust", "zfill", "expandtabs", "split", "rsplit", "__mul__", "__getitem__", "find", "index",
                "count", "startswith", "splitlines")
ITEM_METHODS = ("pop", "insert", "rotate", "__getitem__", "__delitem__", "index", "append", "remove", "tobytes", "hex", "cast")


def show(function):
    try:
        print(str(function())[:80])
    except Exception as error:
        print(type(error).__name__, error, error.args)


for edge in EDGES:
    for value in (b"ab", bytearray(b"ab"), "ab"):
        for name in TEXT_METHODS:
            for arguments in ((edge,), (b"a", edge), ("a", edge), (None, edge), ("b", edge, edge)):
                if arguments[0] == 2**63 - 1 and name in ("__mul__", "center", "ljust", "rjust", "zfill", "expandtabs"):
                    continue  # would need memory
                print(type(value).__name__, name, arguments, end=" ")
                show(lambda: getattr(value, name)(*arguments))
    for value in ([1, 2], deque([1, 2]), bytearray(b"ab"), (1, 2), range(3), memoryview(b"ab")):
        for name in ITEM_METHODS:
            if hasattr(value, name):
                for arguments in ((edge,), (edge, 1), (1, edge), (1, edge, edge)):
                    print(type(value).__name__, name, arguments, end=" ")
                    show(lambda: getattr(value.copy() if isinstance(value, deque) else value[:], name)(*arguments))
    for function in (chr, "%c".__mod__, b"%c".__mod__, abs):
        print(function.__name__, edge, end=" ")
        show(lambda: function(edge))
for key in (None, (1, 2), ()):
    for mapping in (OrderedDict(), {}, Counter(), defaultdict(), ChainMap({}), UserDict(), set()):
        for name in ("pop", "__delitem__", "__getitem__", "move_to_end", "remove"):
            if hasattr(mapping, name):
                print(type(mapping).__name__, name, key, end=" ")
                show(lambda: getattr(mapping, name)(key))
for letter in "diuxXocbseEfFgGar%q":
    for value in ("", b"", None, 1.5, 1j, [], 300, -1, float("nan")):
        print(letter, repr(value), end=" ")
        show(lambda: (b"%" + letter.encode()) % (value,))
        show(lambda: ("%" + letter) % (value,))
print(range(3).__reduce__(5))
