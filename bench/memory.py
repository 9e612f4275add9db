"""Compare memory with python3.11.

Usage: python3.11 bench/memory.py --krait PATH [--only PATTERN]

Each line is measured in processes of its own, from the resident size that the kernel reports. The first table is about
bytes for a live object, the place in the list that holds it included; its last line is the geometric mean of the ratios.
The second is about the process: memory at start, what stays after a large structure is freed, and what a mixed workload
takes for each byte that it has alive. The ratio is Krait / python3.11 (smaller is better).
"""
import argparse
import fnmatch
import math
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests"))

from reference import REFERENCE  # noqa: E402

PREPARE = r'''
import gc, os
page = os.sysconf("SC_PAGE_SIZE")
statm = os.open("/proc/self/statm", os.O_RDONLY)
def resident():
    return int(os.pread(statm, 200, 0).split()[1]) * page
'''

OBJECTS = {  # name: (definitions, expression that makes object number i)
    "tuple, 2 items": ("", "(i, None)"),
    "list, empty": ("", "[]"),
    "list, 1 item": ("", "[None]"),
    "list, 4 items": ("", "[None, None, None, None]"),
    "dict, empty": ("", "{}"),
    "dict, 1 key": ("", "{'a': None}"),
    "dict, 5 keys": ("", "{'a': None, 'b': None, 'c': None, 'd': None, 'e': None}"),
    "set, 1 item": ("", "{None}"),
    "instance, 3 attributes": ("""
class Point:
    def __init__(self, x, y, z): self.x = x; self.y = y; self.z = z
""", "Point(None, None, None)"),
    "instance, 3 slots": ("""
class Point:
    __slots__ = ("x", "y", "z")
    def __init__(self, x, y, z): self.x = x; self.y = y; self.z = z
""", "Point(None, None, None)"),
    "float": ("", "i + 0.5"),
    "int, 31 bits": ("", "i + (1 << 30)"),
    "int, 100 bits": ("", "i + (1 << 100)"),
    "str, 8 characters": ("", "str(i + 10_000_000)"),
    "bytes, 8 bytes": ("", "b'%08d' % i"),
    "closure": ("""
def make(x):
    def closure(): return x
    return closure
""", "make(None)"),
    "bound method": ("""
class A:
    def f(self): pass
a = A()
""", "a.f"),
    "generator, suspended": ("""
def twice(n):
    yield n
    yield n
def started(n):
    generator = twice(n)
    next(generator)
    return generator
""", "started(None)"),
}

# Built inside a function, in a list that has its room already.
MAKE = r'''
{definitions}
def make_all(kept, count):
    for i in range(count): kept[i] = {expression}
count = {count}
kept = [None] * count
make_all([None] * 1000, 1000)
gc.collect()
before = resident()
make_all(kept, count)
print((resident() - before) / count + 8)
'''

# The counters behind statm are a little behind the truth, which matters here: the kernel adds up each mapping instead.
START = r'''
import os
text = os.read(os.open("/proc/self/smaps_rollup", os.O_RDONLY), 4000)
print(int(text[text.index(b"Rss:") + 4:].split()[0]) * 1024)
'''

FREED = PREPARE + r'''
def build(): return [{"id": i, "name": str(i), "tags": [i, float(i)]} for i in range(300_000)]
before = resident()
kept = build()
full = resident()
del kept
gc.collect()
print(resident() - before)
'''

# Objects of many sizes come and go; every tenth of each generation stays. At the end about 60 MB of text is alive.
MIXED = PREPARE + r'''
import random
random.seed(5)
kept, alive = [], 0
before = resident()
for generation in range(20):
    young = [bytes(random.randrange(16, 3000)) for _ in range(20_000)]
    random.shuffle(young)
    for block in young[:2000]:
        kept.append(block)
        alive += len(block) + 33
    del young, block
print((resident() - before) / alive)
'''

PROCESS = {"resident at start": (START, 1024, "KiB"), "left after freeing 150 MB": (FREED, 1024, "KiB"),
           "mixed sizes: resident / alive": (MIXED, 1, "")}


def measure(interpreter, code):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONHASHSEED"] = "0"
    values = []
    for _ in range(3):
        process = subprocess.run([interpreter, "-I", "-c", code], capture_output=True, text=True, env=environment)
        if process.returncode:
            raise SystemExit(f"{interpreter} failed:\n{process.stderr}")
        values.append(float(process.stdout))
    return sorted(values)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--only", default="*", help="pattern of the lines' names")
    options = parser.parse_args()
    ratios = []
    print(f"{'bytes for a live object':32}{'krait':>10}{'python3.11':>12}{'ratio':>8}")
    for name, (definitions, expression) in OBJECTS.items():
        if not fnmatch.fnmatch(name, options.only):
            continue
        code = PREPARE + MAKE.format(definitions=definitions, expression=expression, count=200_000)
        krait, reference = measure(options.krait, code), measure(REFERENCE, code)
        ratios.append(krait / reference)
        print(f"{name:32}{krait:10.1f}{reference:12.1f}{krait / reference:8.2f}", flush=True)
    if ratios:
        print(f"{'geometric mean':54}{math.exp(sum(map(math.log, ratios)) / len(ratios)):8.2f}")
    print()
    for name, (code, unit, label) in PROCESS.items():
        if not fnmatch.fnmatch(name, options.only):
            continue
        krait, reference = measure(options.krait, code) / unit, measure(REFERENCE, code) / unit
        print(f"{name + (', ' + label if label else ''):32}{krait:10.2f}{reference:12.2f}{krait / reference:8.2f}", flush=True)


if __name__ == "__main__":
    main()
