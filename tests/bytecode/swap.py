"""Run CPython's tests on the other interpreter's .pyc files: python3.11 on Krait's, and Krait on python3.11's.

Usage: python3.11 tests/bytecode/swap.py --krait PATH [--jobs N] [MODULE ...]

Exits with 1 if a test that passes from an interpreter's own files fails from the other's, or a file was compiled anew.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import suite_check  # noqa: E402
from reference import LIBRARY, REFERENCE  # noqa: E402

MODULES = ("test_grammar test_generators test_coroutines test_asyncgen test_patma test_fstring test_exceptions test_except_star "
           "test_with test_scope test_funcattrs test_decorators test_descr test_dict test_list test_set test_tuple test_string "
           "test_bytes test_int test_float test_complex test_range test_slice test_iter test_itertools test_functools "
           "test_collections test_dataclasses test_enum test_typing test_json test_re test_textwrap test_argparse test_configparser "
           "test_statistics test_heapq test_bisect test_contextlib test_abc test_shlex").split()


def stamps(folder):
    return {path: os.stat(path).st_mtime_ns for root, _, names in os.walk(folder) for path in (os.path.join(root, name) for name in names)}


def compile_library(interpreter, cache):
    subprocess.run([interpreter, "-m", "compileall", "-q", LIBRARY], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=dict(os.environ, PYTHONPYCACHEPREFIX=cache))


def check_direction(writer, reader, modules, jobs):
    """Run `modules` with `reader` on the files of `writer`; return the problems."""
    problems = []
    with tempfile.TemporaryDirectory() as cache, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        compile_library(writer, cache)
        before = stamps(cache)
        others = pool.map(lambda module: suite_check.run_module(reader, module, cache=cache), modules)
        own = pool.map(lambda module: suite_check.run_module(reader, module), modules)
        for module, (other, problem), (mine, own_problem) in zip(modules, others, own):
            failed = [test for test, outcome in other.items() if outcome != mine.get(test)]
            if failed or not other or (problem and not own_problem):
                problems.append(f"{module}: {', '.join(failed) or problem or 'no test'}")
        after = stamps(cache)
        problems += [f"{path} was compiled anew" for path in before if after.get(path) != before[path]]
        print(f"{os.path.basename(reader)} on the {len(before)} files of {os.path.basename(writer)}: "
              f"{len(modules)} modules, {len(problems)} problems", flush=True)
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("modules", nargs="*", default=MODULES)
    options = parser.parse_args()
    krait = os.path.abspath(options.krait)
    problems = check_direction(krait, REFERENCE, options.modules, options.jobs)
    problems += check_direction(REFERENCE, krait, options.modules, options.jobs)
    for problem in problems:
        print("  " + problem)
    sys.exit(bool(problems))


main()
