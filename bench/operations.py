"""Compare Krait with python3.11 in some hundred single operations. Prints ratios, the slowest first.

Usage: python3.11 bench/operations.py --krait PATH [--rounds N] [--only PATTERN] [--train SECONDS]

`operations.txt` lists the operations by group: lines of set-up code, indented, which all following operations of the group
share, and operations, each after a `>`. An operation runs as the body of a loop in a function, set-up and operation in the
same scope. Two processes, one of each interpreter, take turns of a few milliseconds with the same number of loops, and the
best of the rounds counts. A ratio above 1 means that Krait is faster; `<` marks the operations where it is slower.
PATTERN is a regular expression that is searched in `group: operation`.
"""
import argparse
import math
import os
import re
import subprocess
import sys
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "tests"))

from reference import REFERENCE  # noqa: E402

SHORTEST_TURN = 0.002  # seconds
COPIES = 4  # of the operation in the body of the loop, so that the loop itself counts less
MARKED = 0.95  # ratios below are differences that the noise of one run does not make

WORKER = """
import gc, sys, time
function = None
channel = sys.stdin
answers = sys.stdout
sys.stdout = sys.stderr = open("/dev/null", "w")
while line := channel.readline():
    if line[0] == "P":
        function = None
        namespace = {"__name__": "operation"}
        exec(eval(line[1:]), namespace)
        function = namespace["measure"]
        gc.collect()
        print("ready", file=answers, flush=True)
    else:
        print(function(int(line), time.perf_counter), file=answers, flush=True)
"""

PROGRAM = """
def measure(loops, clock):
{setup}
    start = clock()
    for _ in range(loops):
{body}
    return clock() - start
"""


def operations():
    group, setup = None, []
    with open(os.path.join(HERE, "operations.txt"), encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("["):
                group, setup = line[1:-1], []
            elif line.startswith(">"):
                yield group, "\n".join(setup), line[1:].strip()
            elif line.strip():
                setup.append(line)


class Interpreter:
    def __init__(self, path):
        self.process = subprocess.Popen([path, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, PYTHONHASHSEED="0"))

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def prepare(self, setup, operation):
        # The set-up is indented as in the file: four columns, as in PROGRAM.
        body = textwrap.indent("\n".join([operation] * COPIES), " " * 8)
        if self.ask("P" + repr(PROGRAM.format(setup=setup, body=body))) != "ready\n":
            sys.exit(f"{operation}: does not work")

    def seconds(self, loops):
        answer = self.ask(str(loops))
        return float(answer) if answer else None

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def measure(setup, operation, rounds, paths):
    interpreters = [Interpreter(path) for path in paths]
    try:
        for interpreter in interpreters:
            interpreter.prepare(setup, operation)
        loops = 1
        while (elapsed := interpreters[0].seconds(loops)) and elapsed < SHORTEST_TURN:
            loops *= max(2, min(10, int(SHORTEST_TURN / elapsed)))
        best = [math.inf, math.inf]
        for _ in range(rounds):
            for index, interpreter in enumerate(interpreters):
                elapsed = interpreter.seconds(loops)
                if elapsed is None:
                    sys.exit(f"{operation}: {paths[index]} fails")
                best[index] = min(best[index], elapsed)
        return [elapsed / (loops * COPIES) for elapsed in best]
    finally:
        for interpreter in interpreters:
            interpreter.close()


def train(krait, chosen, duration):
    """Run each operation for a while, in one process: the profile of the `pgo` build should know them all."""
    interpreter = Interpreter(krait)
    for group, setup, operation in chosen:
        interpreter.prepare(setup, operation)
        loops = 1
        while interpreter.seconds(loops) < duration / 2:
            loops *= 2
    interpreter.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", metavar="PATTERN")
    parser.add_argument("--train", type=float, metavar="SECONDS", help="only run each operation for so long")
    options = parser.parse_args()
    chosen = [entry for entry in operations() if re.search(options.only, f"{entry[0]}: {entry[2]}")]
    if options.train is not None:
        return train(options.krait, chosen, options.train)
    results = []
    for number, (group, setup, operation) in enumerate(chosen, 1):
        reference, krait = measure(setup, operation, options.rounds, (REFERENCE, options.krait))
        results.append((reference / krait, reference, krait, f"{group}: {operation}"))
        if sys.stderr.isatty():
            print(f"\r{number}/{len(chosen)}", end="\r", file=sys.stderr, flush=True)
    print(f"  {'ratio':>5}{'python3.11':>14}{'krait':>14}  operation")
    for ratio, reference, krait, title in sorted(results):
        print(f"{'<' if ratio < MARKED else ' '} {ratio:>5.2f}{reference * 1e9:>11.1f} ns{krait * 1e9:>11.1f} ns  {title}")
    if results:
        mean = math.exp(sum(math.log(result[0]) for result in results) / len(results))
        slower = sum(result[0] < MARKED for result in results)
        print(f"{len(results)} operations, geometric mean {mean:.2f}, {slower} below {MARKED}, "
              f"{sum(result[0] < 1 for result in results)} below 1.0, worst {min(results)[0]:.2f}")


main()
