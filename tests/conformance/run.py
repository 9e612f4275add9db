"""Run CPython's test suite under Krait and under python3.11, and compare test case by test case.

Usage: python3.11 tests/conformance/run.py --krait PATH [--jobs N] [--table FILE] [MODULE ...]

Without modules it runs those of tests/conformance/modules.txt. For each it prints how many test cases python3.11 passes
and how many of these Krait passes; then the sum. --table writes the same as a Markdown table, --failures FILE the ids of
the tests that only python3.11 passes.
"""
import argparse
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import suite_check  # noqa: E402


def compare(krait, module):
    expected, _ = suite_check.run_module("/usr/bin/python3.11", module)
    actual, problem = suite_check.run_module(krait, module)
    wanted = {test for test, outcome in expected.items() if outcome == "passed"}
    got = {test for test in wanted if actual.get(test) == "passed"}
    return wanted, got, problem


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--table")
    parser.add_argument("--failures")
    parser.add_argument("modules", nargs="*")
    options = parser.parse_args()
    krait = os.path.abspath(options.krait)
    modules = options.modules or suite_check.read_list("modules.txt")
    rows, failures = [], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(compare, krait, module): module for module in modules}
        for number, future in enumerate(concurrent.futures.as_completed(futures), 1):
            module = futures[future]
            wanted, got, problem = future.result()
            rows.append((module, len(wanted), len(got)))
            failures += sorted(wanted - got)
            note = "  " + problem.splitlines()[0] if problem else ""
            print(f"[{number}/{len(modules)}] {module}: {len(got)} of {len(wanted)}{note}", flush=True)
    rows.sort()
    wanted, got = sum(row[1] for row in rows), sum(row[2] for row in rows)
    print(f"{got} of {wanted} test cases that python3.11 passes ({100 * got / max(wanted, 1):.1f} %)")
    if options.failures:
        with open(options.failures, "w", encoding="utf-8") as stream:
            stream.writelines(test + "\n" for test in failures)
    if options.table:
        with open(options.table, "w", encoding="utf-8") as stream:
            stream.write("| module | python3.11 passes | Krait passes | share |\n|---|---:|---:|---:|\n")
            for module, all_, ours in rows:
                stream.write(f"| {module} | {all_} | {ours} | {100 * ours / max(all_, 1):.1f} % |\n")
            stream.write(f"| **all** | {wanted} | {got} | {100 * got / max(wanted, 1):.1f} % |\n")


if __name__ == "__main__":
    main()
