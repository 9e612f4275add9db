"""Time the cycle collector beside python3.11.

Usage: python3.11 bench/collector.py --krait PATH [--rounds N]

Prints, best of the rounds with the interpreters taking turns: nanoseconds an object for a full collection over a million
live slotted nodes; milliseconds for one over other shapes (such nodes linked at random, plain instances in a dict, tuples
with lists, small dicts, a library with its syntax trees); seconds to make and drop a million cycles of two lists; the
longest collection of the youngest generation meanwhile, in microseconds. The ratio is Krait / python3.11 (smaller is
better).
"""
import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests"))

from reference import REFERENCE  # noqa: E402

WORK = r'''
import ast, gc, random, sys, time

class Node:
    __slots__ = ("left", "right", "value")

class Plain:
    pass

def tree(count):
    nodes = [Node() for _ in range(count)]
    for index, node in enumerate(nodes):
        node.left, node.right = nodes[(2 * index + 1) % count], nodes[(2 * index + 2) % count]
        node.value = float(index)
    return nodes

def scattered(count):
    nodes, order = [Node() for _ in range(count)], list(range(count))
    random.Random(1).shuffle(order)
    for index, node in enumerate(nodes):
        node.left, node.right, node.value = nodes[order[index]], nodes[order[-index]], index
    return nodes

def instances(count):
    table, previous = {}, None
    for number in range(count):
        plain = Plain()
        plain.name, plain.number, plain.previous = str(number), number, previous
        table[plain.name] = previous = plain
    return table

def tuples(count):
    return [(number, [number]) for number in range(count)]

def dicts(count):
    return [{"number": number, "list": [number]} for number in range(count)]

def library(count):
    import argparse, asyncio, email.message, http.client, inspect, logging.config, typing, unittest, xml.dom.minidom
    trees = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None) or ""
        if file.endswith(".py") and len(trees) < count:
            with open(file, encoding="utf-8") as source:
                trees.append(ast.parse(source.read()))
    return trees

def full_collection(shape, count):
    things = shape(count)
    gc.collect()
    best = 1e9
    for _ in range(3):
        start = time.perf_counter()
        gc.collect()
        best = min(best, time.perf_counter() - start)
    return best

gc.disable()
count = 1_000_000
full = full_collection(tree, count) / count * 1e9
shapes = [full_collection(*shape) * 1e3 for shape in
          ((scattered, count), (instances, count), (tuples, count // 2), (dicts, count // 2), (library, 100))]

longest = began = 0.0
def watch(phase, info):
    global longest, began
    if phase == "start":
        began = time.perf_counter()
    elif info["generation"] == 0:
        longest = max(longest, time.perf_counter() - began)

def churn(times):
    for _ in range(times):
        a, b = [], []
        a.append(b)
        b.append(a)

gc.collect()
gc.enable()
churn(10_000)
start = time.perf_counter()
churn(1_000_000)
churned = time.perf_counter() - start
gc.callbacks.append(watch)
pauses = []
for _ in range(20):  # the longest pause of a round that nothing else disturbed
    longest = 0.0
    churn(50_000)
    pauses.append(longest)
print(full, *shapes, churned, min(pauses) * 1e6)
'''

TITLES = ("full collection, ns/object", "  linked at random, ms", "  instances in a dict, ms", "  tuples with lists, ms",
          "  small dicts, ms", "  library and trees, ms", "two-list cycles, s/million", "longest young pause, us")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    best = {}
    for _ in range(options.rounds):
        for name, interpreter in (("krait", os.path.abspath(options.krait)), ("python3.11", REFERENCE)):
            output = subprocess.run([interpreter, "-I", "-c", WORK], check=True, stdout=subprocess.PIPE, text=True).stdout
            numbers = list(map(float, output.split()))
            best[name] = list(map(min, numbers, best.get(name, numbers)))
    for index, title in enumerate(TITLES):
        ours, theirs = best["krait"][index], best["python3.11"][index]
        print(f"{title:28} krait {ours:9.2f}   python3.11 {theirs:9.2f}   ratio {ours / theirs:5.2f}")


main()
