"""Run all tests: programs, bad input, and the finished groups of CPython's suite.

Usage: python3.11 tests/run.py --krait PATH [--only PATTERN] [--jobs N] [--sanitizers]

The last line is `N passed, N failed`.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import architecture_check  # noqa: E402
import bytecode_check  # noqa: E402
import embedding_check  # noqa: E402
import failing_allocations  # noqa: E402
import memory_check  # noqa: E402
import programs_check  # noqa: E402
import sanitizer  # noqa: E402
import suite_check  # noqa: E402
import unit_check  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--only", default="*", help="pattern of the tests' names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sanitizers", action="store_true", help="the interpreter is of the sanitizer build")
    options = parser.parse_args()
    if options.sanitizers:
        sanitizer.enable()
    krait = os.path.abspath(options.krait)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and so would the tests

    tests = []  # (name, function returning None or a text that says what failed)
    tests += architecture_check.tests(krait)
    tests += unit_check.tests(krait)
    tests += embedding_check.tests(krait)
    tests += memory_check.tests(krait)
    tests += failing_allocations.tests(krait)
    tests += programs_check.tests(krait)
    tests += bytecode_check.tests(krait)
    tests += suite_check.tests(krait)
    skips = sanitizer.skips()
    tests = [test for test in tests if test[0] not in skips]
    tests = [test for test in tests if fnmatch.fnmatch(test[0], options.only)]

    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(function): name for name, function in tests}
        for future in concurrent.futures.as_completed(futures):
            name = futures[future]
            try:
                problem = future.result()
            except Exception as error:  # a broken check is a failed test
                problem = f"{type(error).__name__}: {error}"
            if problem is None:
                passed += 1
                print(f"ok    {name}", flush=True)
            else:
                failed += 1
                print(f"FAIL  {name}\n{problem.rstrip()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
