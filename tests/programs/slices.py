"""Slices of the built-in sequences with bounds of all kinds, often enough that the instructions specialise."""
import zlib

BOUNDS = (None, 0, 1, -1, 5, -5, 10, 20, -20, True, 2**40, -2**70)


class Text(str):
    def __getitem__(self, key):
        return key


class Index:
    def __index__(self):
        return 2


def parts():
    found = []
    for _ in range(12):
        items, text, data, wide = list(range(10)), "abcdefghij", b"abcdefghij", "äöü日本語😀x"
        pair = tuple(items)
        for start in BOUNDS:
            for stop in BOUNDS:
                found.append((items[start:stop], pair[start:stop], text[start:stop], data[start:stop], wide[start:stop],
                              bytearray(data)[start:stop]))
    print(len(found), found[37], zlib.crc32(repr(found).encode()))
    print(pair[:] is pair, text[:] is text, data[:] is data, items[:] is items)


def others():
    for container in (Text("x"), [1, 2, 3], (1, 2), "abc", b"abc", range(9), {}, 5, None):
        for start in (0, Index(), "x", 1.0):
            try:
                part = container[start:2]
                print(type(container).__name__, part if not isinstance(part, slice) else (part.stop, part.step))
            except Exception as error:
                print(type(container).__name__, type(error).__name__, str(error).partition(":")[0])


parts()
others()
