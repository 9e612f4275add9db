"""Look for reference leaks with a debug build: run modules of CPython's suite several times and compare.

Usage: python3.11 tests/leak_check.py --krait build/debug/krait [MODULE ...]

Without modules, those that are about the built-in types and the core are run. Every module is run six times; a leak is
what the sum of all reference counts, or the number of blocks in use, grows by in each of the last three. Tests that are
known to fail are left out. The last line is `N passed, N failed`.
"""
import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = """
    test_array test_bool test_bytes test_call test_class test_codecs test_collections test_complex test_contextlib
    test_coroutines test_deque test_descr test_dict test_enumerate test_exceptions test_float test_frame test_funcattrs
    test_functools test_gc test_generators test_int test_io test_iter test_itertools test_list test_memoryview
    test_operator test_pickle test_property test_raise test_range test_re test_scope test_set test_slice test_struct
    test_super test_syntax test_tuple test_types test_unicode test_weakref test_with test_ast test_compile test_asyncgen
""".split()


def known_failures(module):
    with open(os.path.join(HERE, "conformance", "known_failures.txt"), encoding="utf-8") as stream:
        ids = [line.partition("\t")[0] for line in stream if not line.startswith("#")]
    return [test for test in ids if test.startswith(f"test.{module}.")]


def check(krait, module):
    """The text of what is wrong, or None."""
    command = [krait, "-m", "test", "-R", "3:3", module]
    for test in known_failures(module):
        command += ["-i", test]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory(prefix="krait-leaks-") as folder:
        process = subprocess.run(command, cwd=folder, env=environment | {"TMPDIR": folder}, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=1800)
    leaks = [line for line in process.stdout.splitlines() if " leaked [" in line]
    if leaks:
        return "\n".join("  " + line for line in leaks)
    if process.returncode != 0:
        lines = [line for line in process.stdout.splitlines() if "failed" in line or "Error" in line]
        return f"  exit code {process.returncode}\n" + "\n".join("  " + line[:200] for line in lines[:8])
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", required=True)
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    options = parser.parse_args()
    passed = failed = 0
    for module in options.modules or MODULES:
        problem = check(os.path.abspath(options.krait), module)
        print(f"FAIL  {module}\n{problem}" if problem else f"ok    {module}", flush=True)
        passed += problem is None
        failed += problem is not None
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
