"""Run the test suites of Debian's Python packages under Krait and under python3.11, and show what only Krait fails.

Usage: python3.11 tests/packages.py --krait PATH [--only PATTERN] [--time-limit SECONDS] [--list]

Extension modules are where binary compatibility shows. Each line of SUITES names a suite, the Debian package it comes in and
the arguments for pytest (python3-pytest). Suites of packages that are not installed are left out; --list prints the command
that installs them all. A test counts as Krait's failure if it fails under Krait and does not under python3.11; the
latter runs if there are failures at all.
"""
import argparse
import fnmatch
import os
import re
import subprocess
import sys
import tempfile

from reference import REFERENCE

SUITES = {
    "numpy": ("python3-numpy", ["numpy.core", "numpy.random", "numpy.linalg", "numpy.ma", "numpy.polynomial", "numpy.fft", "-m",
                                "not slow"]),
    "pandas": ("python3-pandas", ["pandas.tests.frame", "pandas.tests.series", "pandas.tests.indexing", "-m", "not slow"]),
    "scipy": ("python3-scipy", ["scipy.linalg", "scipy.sparse.tests", "scipy.optimize"]),
    "sklearn": ("python3-sklearn", ["sklearn.tests", "sklearn.tree"]),
    "networkx": ("python3-networkx", ["networkx.algorithms.tests", "networkx.classes"]),
    "sympy": ("python3-sympy", ["sympy.core.tests", "sympy.matrices.tests"]),
    "psutil": ("python3-psutil", ["psutil.tests"]),
    "regex": ("python3-regex", ["regex.test_regex"]),
    "tornado": ("python3-tornado", ["tornado.test"]),
    "tables": ("python3-tables", ["tables.tests"]),
    "numba": ("python3-numba", ["numba.tests.test_array_methods", "numba.tests.test_dispatcher", "numba.tests.test_typeof"]),
    "matplotlib": ("python3-matplotlib", ["matplotlib.tests.test_axes"]),
}
FAILED = re.compile(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", re.MULTILINE)
COUNTS = re.compile(r"(\d+) (passed|failed|errors?)")


def run(interpreter, arguments, folder, time_limit):
    """Return ({outcome: number}, names of the tests that failed); no outcomes if the run did not end by itself."""
    command = [interpreter, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--tb=no", "-rfE", "--pyargs",
               *arguments]
    try:
        process = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                 timeout=time_limit)
    except subprocess.TimeoutExpired:
        return {}, set()
    if process.returncode not in (0, 1):
        return {}, set()
    lines = process.stdout.splitlines()
    summary = next((line for line in reversed(lines) if COUNTS.search(line)), "")
    return {outcome.rstrip("s"): int(number) for number, outcome in COUNTS.findall(summary)}, set(FAILED.findall(process.stdout))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--only", default="*", help="pattern of the suites' names")
    parser.add_argument("--time-limit", type=int, default=1800, help="seconds, for each suite and interpreter")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("apt-get install python3-pytest python3-hypothesis", *sorted({package for package, _ in SUITES.values()}))
        return 0
    krait = os.path.abspath(options.krait)
    bad = 0
    for name, (package, arguments) in SUITES.items():
        if not fnmatch.fnmatch(name, options.only):
            continue
        installed = subprocess.run([REFERENCE, "-c", f"import {name}"], capture_output=True).returncode == 0
        if not installed:
            print(f"{name}: {package} is not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="krait-packages-") as folder:
            counts, failed = run(krait, arguments, folder, options.time_limit)
            ours = failed - run(REFERENCE, arguments, folder, options.time_limit)[1] if failed else failed
        if not counts:
            print(f"{name}: did not end", flush=True)
            bad += 1
            continue
        print(f"{name}: {counts.get('passed', 0)} passed, {len(failed)} failed, of these under Krait only {len(ours)}", flush=True)
        for test in sorted(ours):
            print(f"    {test}")
        bad += bool(ours)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
