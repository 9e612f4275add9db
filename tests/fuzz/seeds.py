"""Write the first inputs of the fuzzers, taken from the library, and the dictionary of tokens.

Usage: python3.11 tests/fuzz/seeds.py FOLDER
"""
import ast
import collections
import glob
import keyword
import marshal
import os
import pickle
import random
import sys
import token

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from reference import LIBRARY  # noqa: E402

COUNT = 1500
LARGEST = 1500  # bytes


def pieces():
    """Small statements of the library and of the tests of syntax, as bytes."""
    for path in sorted(glob.glob(LIBRARY + "/*.py") + glob.glob(LIBRARY + "/test/test_*.py")):
        with open(path, "rb") as stream:
            source = stream.read()
        try:
            lines, body = source.splitlines(keepends=True), ast.parse(source).body
        except (SyntaxError, ValueError):
            continue
        for node in body:
            for inner in getattr(node, "body", [node]):
                first = min([inner.lineno] + [decorator.lineno for decorator in getattr(inner, "decorator_list", ())])
                text = b"".join(lines[first - 1:inner.end_lineno])
                if len(text) < LARGEST:
                    yield text


def write(folder, number, data):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"seed-{number:04}"), "wb") as stream:
        stream.write(data)


class Plain:
    def __init__(self):
        self.a, self.b = 1, [self]


class Slots:
    __slots__ = "a", "b"


class Items(list):
    pass


class Pairs(dict):
    pass


def picklable():
    """Values whose pickles hold each instruction."""
    loop = []
    loop.append((loop, {"k": loop}))
    slots = Slots()
    slots.a = 1
    items = Items([1, 2])
    items.note = "n"
    for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64, 2100):
        yield from (1 << bits, -1 << bits)
    yield from (None, True, 1.5, 2j, "", "text", "x" * 300, "\u1234\ud800", b"ab", b"z" * 300, bytearray(b"ab"), (), (1,), (1, 2), (1, 2, 3),
                (1, 2, 3, 4), [], [1, [2]], {}, {"a": {1: 2}}, set(), {1, 2}, frozenset("ab"), slice(1, 2), int, Plain, Plain(), slots,
                items, Pairs(a=1), loop, collections.OrderedDict(a=1), collections.deque([1, 2], 5), collections.defaultdict(list, a=[1]))


def main():
    folder = sys.argv[1]
    choose = random.Random(1)
    for number, text in enumerate(choose.sample(list(pieces()), COUNT)):
        write(folder + "/source", number, text)
        write(folder + "/text", number, bytes([choose.randrange(24)]) + text)
        try:
            code = compile(b"if 1:\n" + text if text.startswith(b" ") else text, "seed.py", "exec")
        except (SyntaxError, ValueError):
            continue
        write(folder + "/marshal", number, marshal.dumps(code))
    for number, value in enumerate((None, ..., -1, 2**70, 1.5, 2j, "é", b"x" * 300, (1, (2,)), [1], {1: 2}, {1}, frozenset({2}))):
        for version in range(5):
            write(folder + "/marshal", 10_000 + 10 * number + version, marshal.dumps(value, version))
    for number, value in enumerate(picklable()):
        for protocol in range(6):
            try:
                data = pickle.dumps(value, protocol)
            except TypeError:  # slots need protocol 2
                continue
            write(folder + "/pickle", 10 * number + protocol, bytes([choose.randrange(48)]) + data)
    words = keyword.kwlist + keyword.softkwlist + list(token.EXACT_TOKEN_TYPES) + ["f'", 'rb"', "'''", "# coding: utf-16", "# type: int", "{x!r:>{y}}"]
    with open(folder + "/tokens", "w", encoding="ascii") as stream:
        stream.writelines('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"\n' for word in words)


main()
