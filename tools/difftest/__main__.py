"""Compare Krait and python3.11 on random operations and programs.

Usage: python3.11 tools/difftest [--krait PATH] [--cases N] [--seed N] [--jobs N] [--only operations|programs]

Cases are made from the seed: the same seed gives the same cases. Both interpreters run them in batches (execute.py);
where the outputs differ the case is made smaller as long as they do, and printed with both outputs. Cases that differ in
the same way are told once. The exit code is 1 if there was a difference.

A difference that is understood belongs on the list UNDERSTOOD below, with its reason.
"""
import argparse
import ast
import concurrent.futures
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, os.pardir, "tests")]

from operations import Operations  # noqa: E402
from programs import Programs  # noqa: E402
from reference import REFERENCE  # noqa: E402
from values import Values  # noqa: E402

BATCH = 400  # cases for one process
TIME_LIMIT = 60  # seconds without an end for one process
TIMEOUT, CRASH = "did not end", "ended the process"
# Patterns of (output of python3.11, output of Krait) that may differ, with the reason.
UNDERSTOOD = [
    # How much memory an operation needs on its way is not part of the language.
    (r"MemoryError", r""),
    (r"", r"MemoryError"),
    # An internal error of the reference: struct's 0p, which has no room for its length.
    (r"SystemError", r""),
]


def run(interpreter, sources):
    """Run a batch; return the output of each case."""
    outputs = [None] * len(sources)
    with tempfile.TemporaryDirectory(prefix="krait-difftest-") as folder:
        batch, printed = os.path.join(folder, "batch"), os.path.join(folder, "printed")
        with open(batch, "w", encoding="ascii") as stream:
            json.dump(sources, stream)
        first = 0
        while first < len(sources):
            environment = {"PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin", "HOME": folder, "LANG": "C.UTF-8",
                           "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}
            with open(printed, "wb") as stream:
                try:
                    code = subprocess.run([interpreter, os.path.join(HERE, "execute.py"), batch, str(first)], stdout=stream,
                                          stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=folder, env=environment,
                                          timeout=TIME_LIMIT).returncode
                except subprocess.TimeoutExpired:
                    code = TIMEOUT
            with open(printed, encoding="utf-8", errors="backslashreplace", newline="") as stream:
                pieces = stream.read().split("\x01")[1:]
            last = first
            for piece in pieces:
                number, newline, output = piece.partition("\n")
                if number.isdigit() and int(number) < len(sources):
                    last = int(number)
                    outputs[last] = re.sub(r" at 0x[0-9a-f]+", "", output)
            if code == -signal.SIGVTALRM:
                code = TIMEOUT
            if code == 0 or not pieces:
                break
            outputs[last] = code if code == TIMEOUT else f"{CRASH}: {code}"
            first = last + 1
    return outputs


def differs(expected, actual):
    if expected == actual or TIMEOUT in (expected, actual) and CRASH not in str((expected, actual)):
        return False
    return not any(re.search(theirs, str(expected)) and re.search(ours, str(actual)) for theirs, ours in UNDERSTOOD if theirs or ours)


def compare(krait, sources):
    """Return (source, expected, actual) of those that differ."""
    expected, actual = run(REFERENCE, sources), run(krait, sources)
    return [triple for triple in zip(sources, expected, actual) if differs(*triple[1:])]


class Smaller(ast.NodeTransformer):
    """Makes the change with a given number, of all the changes that make a tree smaller."""

    def __init__(self, number):
        self.number, self.count = number, 0

    def take(self):
        self.count += 1
        return self.count - 1 == self.number

    def visit(self, node):
        for name, value in list(ast.iter_fields(node)):
            if isinstance(value, list) and value and all(isinstance(item, (ast.stmt, ast.expr, ast.excepthandler)) for item in value):
                for index in range(len(value)):
                    if self.take():
                        rest = value[:index] + value[index + 1:]
                        if isinstance(node, ast.Dict):
                            del node.keys[index]
                            del node.values[index]
                        else:
                            setattr(node, name, rest or ([ast.Pass()] if isinstance(value[index], ast.stmt) else rest))
                        return node
        if isinstance(node, (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.TryStar)):
            if self.take():
                return node.body
        if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
            children = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
            for child in children:
                if self.take():
                    return child
            if isinstance(node, ast.Constant):
                value = node.value
                smaller = []
                if isinstance(value, (str, bytes)) and value:
                    smaller = [value[:len(value) // 2], value[len(value) // 2:], value[1:], value[:-1]]
                elif type(value) is int and value:
                    smaller = [0, 1, value // 2]
                elif type(value) is float and value not in (0.0, 1.0):
                    smaller = [0.0, 1.0]
                for choice in smaller:
                    if choice != value and self.take():
                        return ast.copy_location(ast.Constant(choice), node)
            elif self.take():
                return ast.copy_location(ast.Constant(0), node)
        return self.generic_visit(node)


def smaller_versions(source):
    number = 0
    while number < 300:
        change = Smaller(number)
        try:
            result = ast.unparse(ast.fix_missing_locations(change.visit(ast.parse(source))))
            compile(result, "<case>", "exec")
        except Exception:  # the change made no valid program
            result = None
        if change.count <= number:
            return
        if result is not None and len(result) < len(source):
            yield result
        number += 1


def minimise(krait, source, expected, actual):
    for _ in range(60):
        candidates = sorted(set(smaller_versions(source)), key=len)
        found = None
        for start in range(0, len(candidates), 60):
            different = compare(krait, candidates[start:start + 60])
            if different:
                found = min(different, key=lambda triple: len(triple[0]))
                break
        if found is None:
            break
        source, expected, actual = found
    return source, expected, actual


def likeness(source, expected, actual):
    """What two reports of the same fault have in common."""
    pattern = re.compile(r"'[^']*'|\"[^\"]*\"|-?\d[\w.]*")
    first = next((pair for pair in zip(str(expected).splitlines() + [""], str(actual).splitlines() + [""]) if pair[0] != pair[1]), ("", ""))
    names = re.findall(r"\.(\w+)\(|show\((\w+)\(", source)
    return pattern.sub("#", first[0])[:60], pattern.sub("#", first[1])[:60], tuple(sorted(set(names)))[:2]


def make_cases(seed, count, only):
    source = random.Random(seed)
    values = Values(source)
    makers = [Operations(source, values)] * 3 + [Programs(source, values)]
    if only:
        makers = makers[:1] if only == "operations" else makers[-1:]
    return [source.choice(makers).choose() for _ in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", default=os.path.join(HERE, os.pardir, os.pardir, "build", "release", "krait"))
    parser.add_argument("--cases", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--reports", type=int, default=40, help="differences that are told at most")
    parser.add_argument("--only", choices=("operations", "programs"))
    options = parser.parse_args()
    krait = os.path.abspath(options.krait)
    warnings.simplefilter("ignore")  # about the cases
    batches = (options.cases + BATCH - 1) // BATCH
    found, done = {}, 0

    def work(number):
        cases = make_cases(f"{options.seed}/{number}", min(BATCH, options.cases - number * BATCH), options.only)
        return len(cases), compare(krait, cases)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for count, different in pool.map(work, range(batches)):
            done += count
            for triple in different:
                found.setdefault(likeness(*triple), []).append(triple)
            if sys.stderr.isatty():
                print(f"\r{done} cases, {len(found)} kinds of difference", end="", file=sys.stderr)
        if sys.stderr.isatty():
            print(file=sys.stderr)
        kinds = sorted(found.values(), key=len, reverse=True)[:options.reports]
        told = set()
        for triples, small in zip(kinds, pool.map(lambda triples: minimise(krait, *min(triples, key=lambda t: len(t[0]))), kinds)):
            if small[0] in told:
                continue
            told.add(small[0])
            print(f"---- {len(triples)} cases\n{small[0]}\n-- python3.11\n{str(small[1]).rstrip()}\n-- krait\n{str(small[2]).rstrip()}", flush=True)
    print(f"{done} cases, {sum(len(triples) for triples in found.values())} differ, in {len(found)} ways")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
