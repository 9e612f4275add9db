"""Time compiling the standard library from source, and loading it from .pyc, in one process of each interpreter.

Usage: python3.11 bench/compile.py --krait PATH [--rounds N]

Prints seconds and the ratio Krait / python3.11 (smaller is better), best of the rounds, the interpreters taking turns.
"""
import argparse
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "tests"))

from reference import REFERENCE  # noqa: E402

WORK = r'''
import glob, gc, marshal, sys, time, warnings
warnings.simplefilter("ignore")
sources = []
for path in sorted(glob.glob("/usr/lib/python3.11/**/*.py", recursive=True)):
    if "/test/" not in path and "/tests/" not in path and "/lib2to3/" not in path:
        with open(path, "rb") as stream:
            sources.append((stream.read(), path))
start = time.perf_counter()
codes = [compile(source, path, "exec", dont_inherit=True) for source, path in sources]
middle = time.perf_counter()
data = [marshal.dumps(code) for code in codes]
del codes
before = time.perf_counter()
for _ in range(3):
    codes = [marshal.loads(text) for text in data]
    del codes
after = time.perf_counter()
print(middle - start, (after - before) / 3)
'''


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    best = {}
    for _ in range(options.rounds):
        for name, interpreter in (("krait", os.path.abspath(options.krait)), ("python3.11", REFERENCE)):
            output = subprocess.run([interpreter, "-I", "-c", WORK], check=True, stdout=subprocess.PIPE, text=True).stdout
            times = list(map(float, output.split()))
            best[name] = list(map(min, times, best.get(name, times)))
    for index, title in enumerate(("compile from source", "load from .pyc")):
        ours, theirs = best["krait"][index], best["python3.11"][index]
        print(f"{title:22} krait {ours:7.3f} s   python3.11 {theirs:7.3f} s   ratio {ours / theirs:5.2f}")


main()
