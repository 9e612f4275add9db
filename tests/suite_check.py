"""CPython's test suite, module by module, compared with the lists in tests/conformance/.

tests/conformance/modules.txt names the modules that the tests run, one a line. tests/conformance/known_failures.txt
holds, a line each, a test's id, a tab, and the reason why it fails. A test that fails and is not on the list is a
failure, and so is one on the list that passes.
"""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile

import sanitizer
from reference import REFERENCE

HERE = os.path.dirname(os.path.abspath(__file__))
CONFORMANCE = os.path.join(HERE, "conformance")
TIME_LIMIT = 600  # seconds for one module


def read_list(name):
    path = os.path.join(CONFORMANCE, name)
    with open(path, encoding="utf-8") as stream:
        return [line.rstrip("\n") for line in stream if line.strip() and not line.startswith("#")]


def run_module(interpreter, module, time_limit=TIME_LIMIT, cache=None, skips=()):
    """Run one module; return ({test id: outcome}, problem). Outcomes: passed, failed, skipped.

    `cache` is the folder of .pyc files to use instead of the usual ones. The tests named in `skips` do not run.
    """
    time_limit = sanitizer.time_limit(time_limit)
    with tempfile.TemporaryDirectory(prefix="krait-suite-") as folder:
        results = os.path.join(folder, "results")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"TMPDIR": folder, "HOME": folder, "PYTHONREGRTEST_UNICODE_GUARD": "\u0153"} | ({"PYTHONPYCACHEPREFIX": cache} if cache else {})
        environment |= sanitizer.environment(folder)
        work = os.path.join(folder, "work")
        os.mkdir(work)
        problem = None
        with open(os.path.join(folder, "output"), "w+b") as output:
            try:
                process = subprocess.Popen(
                    [interpreter, os.path.join(CONFORMANCE, "one.py"), module, results, *skips], cwd=work, env=environment,
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
                if process.wait(time_limit) != 0:
                    problem = f"exit code {process.returncode}"
            except subprocess.TimeoutExpired:
                problem = f"no end after {time_limit} seconds"
            finally:  # nothing that the module started goes on
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if problem:
                output.seek(0, os.SEEK_END)
                output.seek(max(0, output.tell() - 1500))
                problem += "\n" + output.read().decode("utf-8", "replace")
        report = sanitizer.reports(folder)
        if report:
            problem = f"{problem or 'a sanitizer reports'}\n{report}"
        outcomes = {}
        if os.path.exists(results):
            with open(results, encoding="utf-8", errors="replace") as stream:
                for line in stream:
                    outcome, tab, test = line.rstrip("\n").partition("\t")
                    if tab:
                        outcomes[test] = outcome
        return outcomes, problem


def find_problems(krait, module, known):
    """Run the module once; return {test id, or "" for the module as a whole: what is wrong}."""
    skips = [test for test in sanitizer.skips() if test.startswith(f"test.{module}.")]
    outcomes, problem = run_module(krait, module, skips=skips)
    found = {}
    running = [test for test, outcome in outcomes.items() if outcome == "started"]
    if problem and f"{module}:crash" not in known:
        found[""] = f"  {problem}" + (f"\n  while running {running[-1]}" if running else "")
    for test, outcome in outcomes.items():
        if outcome == "failed" and test not in known:
            found[test] = f"  {test} fails"
        elif outcome == "passed" and test in known:
            found[test] = f"  {test} passes, but is on the list of known failures"
    if not outcomes and not problem:
        found[""] = "  ran no test"
    return found


def check(krait, module, known):
    """Return what is wrong with the module, or None.

    What goes wrong under python3.11 as well is the machine's doing: it has no network, or lacks a package. Many tests
    measure time, so that those which fail have a second chance. What a sanitizer reports stands.
    """
    found = find_problems(krait, module, known)
    stands = {"": found.pop("")} if sanitizer.enabled and "" in found else {}
    if found:
        reference, problem = run_module(REFERENCE, module)
        alike = {test for test, outcome in reference.items() if outcome == "failed"} | ({""} if problem else set())
        found = {test: text for test, text in found.items() if test not in alike}
        if found:
            again = find_problems(krait, module, known)
            found = {test: text for test, text in found.items() if test in again}
    found |= stands
    return "\n".join(found.values()) or None


def tests(krait):
    known = {line.partition("\t")[0] for line in read_list("known_failures.txt")}
    for module in read_list("modules.txt"):
        yield "suite/" + module, lambda module=module: check(krait, module, known)
