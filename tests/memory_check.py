"""Memory: the choice of allocators, the limit of the heap and the end of the C stack.

That nothing is left at exit shows in the programs (programs_check.py) when they are run by a debug build, which reports
what is left on stderr.
"""
import subprocess

# Fills the heap in several ways, three times each; MemoryError must leave the interpreter in working order.
LIMIT = """
class Node:
    def __init__(self, next):
        self.next = next
def strings():
    kept = []
    while True: kept.append("x" * 100 + str(len(kept)))
def chain():
    node = None
    while True: node = Node(node)
def table():
    kept = {}
    while True: kept[len(kept)] = [len(kept)]
def large():
    kept = []
    while True: kept.append(bytearray(3_000_000))
def once():
    return bytes(10 ** 12)
def frames():
    def deeper(n): return [deeper(n + 1), "x" * 1_000_000]
    import sys
    sys.setrecursionlimit(100_000)
    kept = []
    def generator(): yield
    while True:
        kept.append(generator())
        next(kept[-1])
for fill in (strings, chain, table, large, once, frames) * 3:
    try:
        fill()
    except MemoryError:
        pass
    else:
        raise AssertionError(fill)
import json, re
print(json.dumps({"sum": sum(range(100_000))}), re.findall("[a-c]+", "abcxcab"), len([object()] * 100_000))
"""

ALLOCATORS = """
import _testcapi, asyncio, decimal, json
class A: pass
kept = [A() for i in range(1000)]
for a in kept: a.all = kept
print(_testcapi.pymem_getallocatorsname(), asyncio.run(asyncio.sleep(0, decimal.Decimal(1) / 7)))
"""

# Tuples on which python3.11 crashes: a very deep one, and those of hostile data that contain themselves.
STACK = r"""
import marshal
deep = ()
for i in range(1_000_000): deep = (deep,)
cyclic = b"\xa9\x01r\0\0\0\0"
code = b"c" + bytes(20) + b"s\4\0\0\0\x97\0S\0" + cyclic + b")\0)\0s\0\0\0\0z\1fz\1nz\1q" + bytes(4) + b"s\0\0\0\0" * 2
for attempt in lambda: hash(deep), lambda: marshal.loads(b"{" + cyclic + b"N0"), lambda: marshal.loads(code):
    try:
        attempt()
    except RecursionError as error:
        print(error)
"""


def run(krait, code, options=(), before=(), **environment):
    process = subprocess.run([*before, krait, *options, "-c", code], capture_output=True, text=True, timeout=120,
                             env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0", **environment})
    return process.returncode, process.stdout, process.stderr


def expect(actual, expected):
    return None if actual == expected else f"  expected {expected}\n  got      {tuple(str(part)[:300] for part in actual)}"


def limit(krait):
    result = (0, '{"sum": 4999950000} [\'abc\', \'cab\'] 100000\n', "")
    return (expect(run(krait, LIMIT, ["-X", "maxheap=40M"]), result) or
            expect(run(krait, LIMIT, KRAITMAXHEAP="40960K"), result))


def stack(krait):
    usual_stack = ["/bin/sh", "-c", 'ulimit -s 8192; exec "$0" "$@"']  # the sanitizers' tests run with a larger one
    return expect(run(krait, STACK, before=usual_stack), (0, "maximum recursion depth exceeded while hashing a tuple\n" * 2 +
                                    "maximum recursion depth exceeded in the constants of a code object\n", ""))


def limit_refused(krait):
    return expect(run(krait, "pass", ["-X", "maxheap=much"])[0], 1) or expect(run(krait, "pass", ["-X", "maxheap=1K"])[0], 1)


def allocators(krait):
    for options, environment, name in (
            ((), {}, "pymalloc"), ((), {"PYTHONMALLOC": "debug"}, "pymalloc_debug"),
            ((), {"PYTHONMALLOC": "malloc"}, "malloc"), ((), {"PYTHONMALLOC": "malloc_debug"}, "malloc_debug"),
            (["-X", "dev"], {}, "pymalloc_debug"), (["-bXdev"], {"PYTHONMALLOC": "malloc"}, "malloc"),
            (["-I", "-Xdev"], {"PYTHONMALLOC": "malloc"}, "pymalloc_debug"), (["-E"], {"PYTHONMALLOC": "wrong"}, "pymalloc")):
        problem = expect(run(krait, ALLOCATORS, options, **environment),
                         (0, f"{name} 0.1428571428571428571428571429\n", ""))
        if problem is not None:
            return problem
    return expect(run(krait, "pass", PYTHONMALLOC="wrong"),
                  (1, "", "Fatal Python error: preconfig_init_allocator: PYTHONMALLOC: unknown allocator\n"
                          "Python runtime state: preinitializing\n\n"))


def tests(krait):
    yield "memory/limit", lambda: limit(krait)
    yield "memory/limit_refused", lambda: limit_refused(krait)
    yield "memory/stack", lambda: stack(krait)
    yield "memory/allocators", lambda: allocators(krait)
