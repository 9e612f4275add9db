"""Compare Krait with python3.11: ten workloads, and start-up. Prints ratios and their geometric mean.

Usage: python3.11 bench/run.py --krait PATH [--rounds N] [WORKLOAD ...]

Both interpreters take turns within each round, so that the machine's other work hits both alike; the best of the rounds
counts. A ratio above 1 means that Krait is faster.
"""
import argparse
import glob
import math
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests"))

from reference import REFERENCE  # noqa: E402

PROGRAM = """
import importlib, sys, time
sys.path.insert(0, {folder!r})
module = importlib.import_module({name!r})
start = time.perf_counter()
result = module.main()
print(time.perf_counter() - start)
print(result)
"""


def seconds(interpreter, name):
    program = PROGRAM.format(folder=os.path.join(HERE, "workloads"), name=name)
    output = subprocess.run([interpreter, "-c", program], capture_output=True, text=True, check=True).stdout
    first, _, result = output.partition("\n")
    return float(first), result


def start_up(interpreter):
    start = time.perf_counter()
    for _ in range(10):
        subprocess.run([interpreter, "-c", "pass"], check=True)
    return (time.perf_counter() - start) / 10


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("workloads", nargs="*")
    options = parser.parse_args()
    names = options.workloads or sorted(os.path.basename(path)[:-3]
                                        for path in glob.glob(os.path.join(HERE, "workloads", "*.py")))
    print(f"{'workload':<16}{'python3.11':>12}{'krait':>12}{'ratio':>8}")
    logarithms = []
    for name in names:
        best = {}
        results = set()
        for _ in range(options.rounds):
            for interpreter in (REFERENCE, options.krait):
                elapsed, result = seconds(interpreter, name)
                best[interpreter] = min(elapsed, best.get(interpreter, math.inf))
                results.add(result)
        if len(results) != 1:
            sys.exit(f"{name}: the interpreters disagree")
        ratio = best[REFERENCE] / best[options.krait]
        logarithms.append(math.log(ratio))
        print(f"{name:<16}{best[REFERENCE]:>10.3f} s{best[options.krait]:>10.3f} s{ratio:>8.2f}", flush=True)
    print(f"{'geometric mean':<40}{math.exp(sum(logarithms) / len(logarithms)):>8.2f}")
    best = {}
    for _ in range(options.rounds):
        for interpreter in (REFERENCE, options.krait):
            best[interpreter] = min(start_up(interpreter), best.get(interpreter, math.inf))
    print(f"{'start-up (-c pass)':<16}{best[REFERENCE] * 1000:>8.1f} ms{best[options.krait] * 1000:>9.1f} ms"
          f"{best[REFERENCE] / best[options.krait]:>8.2f}")


main()
