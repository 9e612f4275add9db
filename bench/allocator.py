"""Compare Krait's allocator with the C library's malloc and with mimalloc.

Usage: python3.11 bench/allocator.py --krait PATH [--processes N] [--rounds N] [--only PATTERN]

Records the allocations of the object and mem domains while Krait runs the programs of bench/allocator/programs.py, then
replays each trace with bench/allocator/replay.c, in processes of its own for each allocator, which take turns. Prints
nanoseconds of processor time an operation, the cost of the replaying loop included, best of the processes, each of which
replays the trace several times over; and the peak of resident memory in the first of these rounds. The ratios are Krait / other (smaller is better); the last line has
their geometric means. Traces and programs stay in build/allocator.

Every allocator is asked for the bare objects. Krait's flags for the collector are part of its peak; the 16 bytes before
each collected object, in which CPython keeps the same, are not part of the others'.
"""
import argparse
import fnmatch
import math
import os
import subprocess
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "allocator")
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "allocator")
COMPILER = ["gcc", "-std=gnu17", "-O3", "-fno-strict-aliasing", "-fwrapv", "-isystem", "/usr/include/python3.11", "-I" + HERE,
            "-I" + os.path.join(ROOT, "src")]
FIXED = ["-fno-pie", "-no-pie", os.path.join(HERE, "replay.c")]  # as the interpreter is linked
HEAP = [os.path.join(ROOT, "src", "heap", name) for name in ("pool.c", "domains.c", "debug.c", "ledger.c")]
ALLOCATORS = {"krait": ["-DREPLAY_KRAIT", *HEAP], "glibc": [], "mimalloc": ["-DREPLAY_MIMALLOC", "-lmimalloc"]}


def build():
    if not os.path.exists("/usr/include/mimalloc.h"):
        sys.exit("bench/allocator.py compares with mimalloc, which is missing. Install it with:\n"
                 "    apt-get install libmimalloc-dev")
    os.makedirs(BUILD, exist_ok=True)
    subprocess.run([*COMPILER, "-shared", "-fPIC", os.path.join(HERE, "recorder.c"), "-o",
                    os.path.join(BUILD, "recorder.so")], check=True)
    for name, options in ALLOCATORS.items():
        subprocess.run([*COMPILER, *FIXED, *options, "-o", os.path.join(BUILD, "replay-" + name)], check=True)


def record(krait, name):
    trace = os.path.join(BUILD, name + ".trace")
    environment = {variable: value for variable, value in os.environ.items() if not variable.startswith("PYTHON")}
    environment.update(PYTHONPATH=BUILD, PYTHONHASHSEED="0")
    subprocess.run([krait, os.path.join(HERE, "programs.py"), name, trace], check=True, env=environment)
    return trace


def program_names():
    code = f"import sys; sys.path.insert(0, {HERE!r}); import programs; print(*programs.PROGRAMS)"
    return subprocess.run([sys.executable, "-B", "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def replay(allocator, trace, rounds):
    command = [os.path.join(BUILD, "replay-" + allocator), trace, str(rounds)]
    time, peak, operations = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return float(time), int(peak), int(operations)


def geometric_mean(numbers):
    return math.exp(sum(map(math.log, numbers)) / len(numbers))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--processes", type=int, default=5, help="of each allocator, for each trace")
    parser.add_argument("--rounds", type=int, default=5, help="replays in one process")
    parser.add_argument("--only", default="*", help="pattern of the programs' names")
    options = parser.parse_args()
    build()
    ratios = []
    others = list(ALLOCATORS)[1:]
    print(f"{'':20}{'million':>11}   nanoseconds an operation             peak of resident memory, MiB")
    columns = "".join(f"{name:>9}" for name in ALLOCATORS) + "".join(f"{'/ ' + name:>11}" for name in others)
    print(f"{'program':20}{'operations':>11}{columns}  {columns}")
    for name in program_names():
        if not fnmatch.fnmatch(name, options.only):
            continue
        trace = record(options.krait, name)
        best = {}
        for _ in range(options.processes):
            for allocator in ALLOCATORS:
                time, peak, operations = replay(allocator, trace, options.rounds)
                earlier = best.get(allocator, (math.inf, math.inf))
                best[allocator] = min(time, earlier[0]), min(peak, earlier[1])
        line = f"{name:20}{operations / 1e6:11.2f}"
        ratios.append([])
        for measure, unit in ((0, 1), (1, 1 << 20)):
            values = {allocator: best[allocator][measure] / unit for allocator in ALLOCATORS}
            row = [values["krait"] / values[other] for other in others]
            ratios[-1] += row
            line += "".join(f"{value:9.2f}" for value in values.values()) + "".join(f"{ratio:11.2f}" for ratio in row) + "  "
        print(line, flush=True)
    if ratios:
        means = [f"{geometric_mean(column):11.2f}" for column in zip(*ratios)]
        gap = " " * 9 * len(ALLOCATORS)
        print(f"{'geometric mean':31}{gap}{''.join(means[:2])}  {gap}{''.join(means[2:])}")


main()
