"""Run CPython's test suite under Krait and under python3.11, and compare test case by test case.

Usage: python3.11 tests/conformance/run.py --krait PATH [--group GROUP] [--jobs N] [--write] [MODULE ...]

Modules are chosen by name, by group (language, library, implementation, or all; see baseline.tsv), or else those that
`make test` runs. What python3.11 passes is found once and kept in build/conformance/ until its version or the runner
changes; --fresh finds it again. A table goes to standard output; --write puts it into docs/conformance.md and its sums
into README.md, where the rows of modules that did not run stay as they were. --failures FILE gets the ids of the tests
that only python3.11 passes and, below each module, what the module printed if it ended badly.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))

import suite_check  # noqa: E402
from reference import REFERENCE  # noqa: E402

GROUPS = ("language", "library", "implementation")
TIME_LIMIT = 300  # seconds for one module under one interpreter
REPORT = os.path.join(ROOT, "docs", "conformance.md")
README = os.path.join(ROOT, "README.md")
ROW = re.compile(r"\| (\w+) \| (\d+) \| (\d+) \| [\d.]+ % \|$")


def read_groups():
    """Return {module: group} for the modules that python3.11 can run."""
    with open(os.path.join(HERE, "baseline.tsv"), encoding="utf-8") as stream:
        rows = [line.split("\t") for line in stream.read().splitlines()[1:]]
    return {row[0]: row[1] for row in rows if row[1] in GROUPS and int(row[3]) > 0}


class Reference:
    """What python3.11 passes, kept on disk."""

    def __init__(self, fresh, time_limit):
        self.folder = os.path.join(ROOT, "build", "conformance")
        self.fresh, self.time_limit = fresh, time_limit
        digest = hashlib.sha256(sys.version.encode())
        for name in ("one.py", os.path.join(os.pardir, "suite_check.py")):
            with open(os.path.join(HERE, name), "rb") as stream:
                digest.update(stream.read())
        self.key = digest.hexdigest()[:16]
        os.makedirs(self.folder, exist_ok=True)

    def passes(self, module):
        path = os.path.join(self.folder, module + ".json")
        if not self.fresh and os.path.exists(path):
            with open(path, encoding="utf-8") as stream:
                stored = json.load(stream)
            if stored["key"] == self.key:
                return set(stored["passed"])
        outcomes, _ = suite_check.run_module(REFERENCE, module, self.time_limit)
        passed = sorted(test for test, outcome in outcomes.items() if outcome == "passed")
        with open(path, "w", encoding="utf-8") as stream:
            json.dump({"key": self.key, "passed": passed}, stream)
        return set(passed)


class Progress:
    """One line on a terminal that tells what runs; elsewhere a line for each module that ended."""

    def __init__(self, total):
        self.total, self.done, self.wanted, self.got = total, 0, 0, 0
        self.running, self.lock, self.live = {}, threading.Lock(), sys.stderr.isatty()

    def show(self):
        if not self.live:
            return
        now = time.monotonic()
        names = ", ".join(f"{name} {now - since:.0f}s" for name, since in list(self.running.items())[:4])
        line = f"[{self.done}/{self.total}] {self.got} of {self.wanted} test cases; running {names}"
        sys.stderr.write("\r\033[K" + line[:os.get_terminal_size(2).columns - 1])
        sys.stderr.flush()

    def start(self, module):
        with self.lock:
            self.running[module] = time.monotonic()
            self.show()

    def end(self, module, wanted, got, note):
        with self.lock:
            self.running.pop(module, None)
            self.done += 1
            self.wanted += wanted
            self.got += got
            if self.live:
                sys.stderr.write("\r\033[K")
            if not self.live or got < wanted or note:
                print(f"[{self.done}/{self.total}] {module}: {got} of {wanted}{note}", file=sys.stderr, flush=True)
            self.show()

    def tick(self):
        with self.lock:
            self.show()


def share(got, wanted):
    return f"{100 * got / wanted:.1f} %" if wanted else "100.0 %"


def table(rows):
    """Return the lines of a Markdown table of {module: (wanted, got)}, the sum last."""
    lines = ["| module | python3.11 passes | Krait passes | share |", "|---|---:|---:|---:|"]
    lines += [f"| {module} | {wanted} | {got} | {share(got, wanted)} |" for module, (wanted, got) in sorted(rows.items())]
    wanted, got = sum(row[0] for row in rows.values()), sum(row[1] for row in rows.values())
    return lines + [f"| **{len(rows)} modules** | {wanted} | {got} | {share(got, wanted)} |"]


def write_report(results, groups):
    """Merge the results into docs/conformance.md and write the sums into README.md."""
    rows = {}
    if os.path.exists(REPORT):
        with open(REPORT, encoding="utf-8") as stream:
            rows = {m[1]: (int(m[2]), int(m[3])) for m in map(ROW.match, stream.read().splitlines()) if m}
    rows.update(results)
    sums = ["| group | modules | python3.11 passes | Krait passes | share |", "|---|---:|---:|---:|---:|"]
    sections = []
    for group in GROUPS:
        mine = {module: row for module, row in rows.items() if groups.get(module) == group}
        if not mine:
            continue
        wanted, got = sum(row[0] for row in mine.values()), sum(row[1] for row in mine.values())
        sums.append(f"| {group} | {len(mine)} | {wanted} | {got} | {share(got, wanted)} |")
        sections += ["", f"## {group.capitalize()}", ""] + table(mine)
    with open(REPORT, "w", encoding="utf-8") as stream:
        stream.write("""# Conformance

CPython 3.11's own test suite (`libpython3.11-testsuite`), run under Krait and under Debian's `python3.11` on the same
machine by the same runner, and compared test case by test case. A test case that `python3.11` fails or skips here (no
network, no display, no large files) does not count. `make conformance GROUP=language` (or `library`, `implementation`,
`all`; or `MODULES="test_list test_dict"`) measures again and rewrites the rows of the modules that ran.

The tests that are known to fail, with the reasons, are in `tests/conformance/known_failures.txt`; `make test` runs the
modules of `tests/conformance/modules.txt` and fails if any other test of theirs does.

""" + "\n".join(sums + sections) + "\n")
    with open(README, encoding="utf-8") as stream:
        text = stream.read()
    begin, end = "<!-- conformance -->\n", "<!-- end -->"
    if begin in text:
        head, rest = text.split(begin, 1)
        with open(README, "w", encoding="utf-8") as stream:
            stream.write(head + begin + "\n".join(sums) + "\n" + end + rest.split(end, 1)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--group", choices=GROUPS + ("all", ""), default="")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--time-limit", type=int, default=TIME_LIMIT, help="seconds for one module")
    parser.add_argument("--fresh", action="store_true", help="find anew what python3.11 passes")
    parser.add_argument("--write", action="store_true", help="write docs/conformance.md and README.md")
    parser.add_argument("--failures", help="file for the ids of failing tests")
    parser.add_argument("modules", nargs="*")
    options = parser.parse_args()
    krait, groups = os.path.abspath(options.krait), read_groups()
    modules = list(options.modules)
    if options.group:
        modules += [module for module, group in groups.items() if options.group in (group, "all")]
    modules = modules or suite_check.read_list("modules.txt")
    reference, progress = Reference(options.fresh, options.time_limit), Progress(len(modules))
    results, failures, finished = {}, [], threading.Event()

    def compare(module):
        progress.start(module)
        wanted = reference.passes(module)
        actual, problem = suite_check.run_module(krait, module, options.time_limit)
        failing = sorted(test for test in wanted if actual.get(test) != "passed")
        results[module] = (len(wanted), len(wanted) - len(failing))
        failures.append((module, failing, problem))
        progress.end(module, *results[module], "  " + problem.splitlines()[0] if problem else "")

    def tick():
        while not finished.wait(1):
            progress.tick()

    threading.Thread(target=tick, daemon=True).start()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for future in [pool.submit(compare, module) for module in modules]:
            future.result()
    finished.set()
    print("\n".join(table(results)))
    if options.failures:
        with open(options.failures, "w", encoding="utf-8") as stream:
            for module, failing, problem in sorted(failures, key=lambda entry: entry[0]):
                stream.writelines(f"{test}\n" for test in failing)
                if problem:
                    stream.write(f"# {module}: " + problem.replace("\n", "\n#     ") + "\n")
    if options.write:
        write_report(results, groups)


if __name__ == "__main__":
    main()
