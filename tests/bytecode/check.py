"""Compile the standard library and its test suite with both interpreters and compare every stage.

Usage: python3.11 tests/bytecode/check.py --krait PATH [--jobs N] [--stages code,marshal,pyc,ast,symtable,tokens] [FOLDER ...]

Prints the share of files and of code objects on which both agree, and each difference; exits with 1 unless every file
compiles (or fails) alike, all syntax trees, symbol tables and token streams are equal, and 99 % of the code objects are.
"""
import argparse
import collections
import concurrent.futures
import glob
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from reference import LIBRARY, REFERENCE  # noqa: E402

SHARE = 0.99


def describe(interpreter, paths, stages, folder, name):
    """Run describe.py over `paths`; return {path: description}."""
    listed, output = (os.path.join(folder, f"{name}.{kind}") for kind in ("paths", "json"))
    with open(listed, "w", encoding="utf-8") as stream:
        stream.write("\n".join(paths))
    subprocess.run([interpreter, "-I", os.path.join(HERE, "describe.py"), output, listed, *stages], check=True)
    with open(output, encoding="utf-8") as stream:
        return {line["path"]: line for line in map(json.loads, stream)}


def describe_all(interpreters, paths, stages, jobs):
    """Describe all files with each interpreter, several processes at a time; return a list of {path: description}."""
    results = [{} for _ in interpreters]
    chunks = [paths[start::8 * jobs] for start in range(8 * jobs)]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(describe, interpreter, chunk, stages, folder, f"{number}-{index}"): number
                   for index, chunk in enumerate(chunks) if chunk for number, interpreter in enumerate(interpreters)}
        for future in concurrent.futures.as_completed(futures):
            results[futures[future]] |= future.result()
    return results


def compare_code(path, ours, theirs, report):
    """Count equal code objects of one file; `report` gets a line for each that differs."""
    equal = 0
    for mine, other in zip(ours, theirs):
        fields = [name for name in other if mine[name] != other[name]]
        if fields:
            report(f"{path}: {other['co_qualname']} (line {other['co_firstlineno']}): {', '.join(fields)}")
        else:
            equal += 1
    if len(ours) != len(theirs):
        report(f"{path}: {len(ours)} code objects instead of {len(theirs)}")
    return equal


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--stages", default="code,marshal,pyc,ast,symtable,tokens")
    parser.add_argument("folders", nargs="*", default=[LIBRARY])
    options = parser.parse_args()
    paths = sorted(path for folder in options.folders for path in glob.glob(folder + "/**/*.py", recursive=True))
    stages = options.stages.split(",")
    ours, theirs = describe_all([os.path.abspath(options.krait), REFERENCE], paths, stages, options.jobs)

    differences = collections.defaultdict(list)
    total = equal = 0
    for path in paths:
        for stage in stages:
            mine, other = ours[path].get(stage), theirs[path].get(stage)
            if stage == "code" and isinstance(mine, list) and isinstance(other, list):
                total += len(other)
                equal += compare_code(path, mine, other, differences["code"].append)
            elif mine != other:
                kind = "outcome" if stage == "code" else stage
                differences[kind].append(f"{path}: {mine} instead of {other}")
    for kind, lines in differences.items():
        print(f"{kind}: {len(lines)} differ")
        for line in lines[:40]:
            print("  " + line[:600])
    if "code" in stages:
        print(f"code objects equal: {equal} of {total} ({100 * equal / total:.3f} %)")
    for stage in stages:
        if stage != "code":
            print(f"{stage} equal: {len(paths) - len(differences[stage])} of {len(paths)} files")
    must_agree = [kind for kind in differences if kind not in ("code", "pyc") and differences[kind]]
    sys.exit(bool(must_agree) or ("code" in stages and equal < SHARE * total))


if __name__ == "__main__":
    main()
