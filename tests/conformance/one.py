"""Run one module of CPython's test suite and write each test's outcome to a file as it becomes known.

Usage: PYTHON one.py MODULE RESULTS [TEST-TO-SKIP ...]

A line of RESULTS is an outcome (started, passed, failed, skipped), a tab, and the test's id. The last line about a test
counts; `started` without another line means that the test ended the process.
"""
import importlib.util
import os
import sys
import unittest


class Recorder(unittest.TestResult):
    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.outcome = None

    def write(self, outcome, test):
        self.stream.write(f"{outcome}\t{type(test).id(test)}\n")
        self.stream.flush()

    def startTest(self, test):
        super().startTest(test)
        self.outcome = "passed"
        self.write("started", test)

    def stopTest(self, test):
        super().stopTest(test)
        self.write(self.outcome, test)

    def report(self, test, error):
        self.outcome = "failed"
        print(f"FAIL {type(test).id(test)}", file=sys.__stderr__)
        print(self._exc_info_to_string(error, test)[-3000:], file=sys.__stderr__, flush=True)

    def addError(self, test, error):
        self.report(test, error)
        if not isinstance(test, unittest.TestCase):  # setUpClass, setUpModule, a doctest or a module that does not load
            self.write("failed", test)

    def addFailure(self, test, error):
        self.report(test, error)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.report(test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if self.outcome != "failed":
            self.outcome = "skipped"
        if not isinstance(test, unittest.TestCase):
            self.write("skipped", test)

    def addUnexpectedSuccess(self, test):
        self.outcome = "failed"


def leave_cache_folder():
    """Let the tests see an interpreter without a folder for .pyc files, in which alone they were loaded."""
    prefix, sys.pycache_prefix = sys.pycache_prefix, None
    os.environ.pop("PYTHONPYCACHEPREFIX", None)
    for module in list(sys.modules.values()):
        spec = getattr(module, "__spec__", None)
        cached = getattr(spec, "cached", None)
        if prefix and cached and cached.startswith(prefix):
            spec.cached = module.__cached__ = importlib.util.cache_from_source(spec.origin)


def mark_skipped(suite, names):
    """Mark the tests with these ids in a suite as skipped."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            mark_skipped(test, names)
        elif test.id() in names:
            method = test._testMethodName
            setattr(test, method, unittest.skip("cannot work here")(getattr(test, method)))


def main(name, path, skipped):
    from test import support
    support.use_resources = []
    support.verbose = 0
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as stream:
        result = Recorder(stream)
        loader = unittest.TestLoader()
        try:
            module = importlib.import_module("test." + name)
        except unittest.SkipTest as skip:
            stream.write(f"skipped\ttest.{name}\n")
            return
        leave_cache_folder()
        if hasattr(module, "test_main"):  # a module that arranges its own run, as the suite's driver lets it
            support._run_suite = lambda suite: (mark_skipped(suite, skipped), suite.run(result))
            module.test_main()
            return
        suite = loader.loadTestsFromModule(module)
        for error in loader.errors:
            print(error, file=sys.stderr)
        mark_skipped(suite, skipped)
        suite.run(result)


def main_below(depth):
    """Run the module as deep in the stack as the suite's own driver does: some tests count frames."""
    if depth > 0:
        main_below(depth - 1)
    else:
        main(sys.argv[1], sys.argv[2], sys.argv[3:])


if __name__ == "__main__":  # a process that multiprocessing spawns imports this file too
    main_below(20)
