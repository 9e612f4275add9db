"""Make every allocation fail in turn, at start-up and in small programs, and see that each failure ends well.

Usage: python3.11 tests/failing_allocations.py --krait build/debug/krait [--start] [--programs] [--every K]
       [--only PATTERN] [--jobs N] [--mode alone|following] [--from N] [--to N]

The debug build numbers the allocations of a process: KRAITFAILALLOCATION=N makes number N fail, KRAITFAILALLOCATION=N-
that one and all after it. A start of the interpreter with such a failure must end in success, in a MemoryError or in a
message about memory, with exit code 1: never by a signal, not later than others, with no other output, and if it ends in
good order, with nothing left in the report of the debug build.

The programs are those of tests/allocations/. They run inside one process, which allocations/inside.py describes.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import os
import re
import subprocess
import sys
import tempfile

import sanitizer

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = os.path.join(HERE, "allocations", "inside.py")
TIME_LIMIT = 20  # seconds, of one start

# Ways to start; {folder} has the files that write_files makes.
STARTS = {
    "command": ["-c", "print('done')"],
    "isolated": ["-I", "-S", "-B", "-c", "print('done')"],
    "options": ["-X", "utf8=0", "-X", "importtime", "-W", "error", "-W", "ignore::DeprecationWarning", "-X", "a=b", "-u", "-b", "-c",
                "import sys; print('done')", "argument", "\N{GREEK SMALL LETTER ALPHA}"],
    "file": ["-S", "{folder}/program.py", "argument"],
    "module": ["-S", "-m", "program"],
    "folder": ["-S", "{folder}/package"],
    "prompt": ["-S", "-i", "-q"],
    "standard-input": ["-S"],
    "raises": ["-S", "-c", "def f():\n    raise ValueError('done')\nf()"],
}
PROMPT_INPUT = "x = 'done'\nprint(x)\n1 +\nundefined\nfor i in 1, 2:\n    i\n\n"


def environment(folder):
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": folder, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1"}


def write_files(folder):
    os.mkdir(os.path.join(folder, "package"))
    for name in ("program.py", "package/__main__.py"):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
            stream.write("# coding: latin-1\nimport sys\nprint('done', len(sys.argv))\n")


def start(krait, name, folder, failure):
    """The exit code (None: it had to be stopped), standard output and standard error of one start."""
    arguments = [argument.replace("{folder}", folder) for argument in STARTS[name]]
    text = PROMPT_INPUT if name in ("prompt", "standard-input") else ""
    try:
        process = subprocess.run([krait, *arguments], input=text.encode(), capture_output=True, timeout=TIME_LIMIT, cwd=folder,
                                 env=environment(folder) | ({"KRAITFAILALLOCATION": failure} if failure else {}))
    except subprocess.TimeoutExpired:
        return None, "", ""
    return process.returncode, process.stdout.decode(errors="replace"), process.stderr.decode(errors="replace")


# What standard error may say once memory has run out. The last is the end of the plain description of an exception for
# whose traceback there was no memory.
ABOUT_MEMORY = re.compile("MemoryError|memory|lost sys.stderr", re.IGNORECASE)
# What may be added when the memory for closing a file was missing and the program, which options make strict, went on.
UNCLOSED = re.compile(r"Exception ignored in: .*\n(?:Traceback .*\n(?:  .*\n)*)?ResourceWarning: .*\n")
SHOWN = 60  # problems of one way to start


def judge(expected, actual, following):
    """What is wrong with the end of a start, or None. Without any memory the collector cannot free cycles at the end."""
    code, out, err = actual
    if code is None:
        return "does not end"
    if code < 0:
        return f"ends by signal {-code}"
    if "still in use at exit" in err:
        if not following:
            return "leaks"
        actual = code, out, err = code, out, err[:err.rindex("krait: ", 0, err.index("still in use at exit"))]
    if "SystemError" in err:
        return "raises SystemError"
    if (code, out, UNCLOSED.sub("", err)) == expected:
        return None
    if code not in (0, 1, 120, expected[0]):
        return f"ends with code {code}"
    if not ABOUT_MEMORY.search(err):
        return f"ends with code {code} and says nothing about memory"
    return None


def count_allocations(krait, name, folder):
    _, _, err = start(krait, name, folder, "count")
    return int(re.search(r"krait: (\d+) allocations", err)[1])


def has_failures_at_start(krait):
    """Whether it is a debug build."""
    return subprocess.run([krait, "-I", "-c", "import sys; sys._fail_allocations"], capture_output=True).returncode == 0


def check_start(krait, name, every=1, first=1, last=0, modes=("", "-"), show=print, jobs=1):
    """Let allocations of one start fail; returns [(failure, what is wrong, end of standard error)]."""
    problems = []

    def check(failure):
        if len(problems) >= SHOWN:
            return
        actual = start(krait, name, folder, failure)
        problem = judge(expected, actual, failure.endswith("-"))
        if problem is not None:
            problems.append((failure, problem, actual[2][-600:]))
            show(f"  {name} {failure}: {problem}\n" + "".join(f"      {line[:200]}\n" for line in actual[2].splitlines()[-12:]))

    with tempfile.TemporaryDirectory(prefix="krait-memory-") as folder:
        write_files(folder)
        expected = start(krait, name, folder, None)
        total = min(last or sys.maxsize, count_allocations(krait, name, folder))
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            list(pool.map(check, [f"{number}{mode}" for mode in modes for number in range(first, total + 1, every)]))
    return problems


def check_programs(krait, arguments, time_limit=None):
    """Run allocations/inside.py; returns (exit code, its output)."""
    process = subprocess.run([krait, "-B", INSIDE, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, errors="replace", timeout=time_limit, env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONHASHSEED": "0"})
    return process.returncode, process.stdout


SAMPLE = 31          # of so many allocations one fails in the tests of every day
SAMPLE_START = 1009  # the same for the starts


def sampled_programs(krait, group):
    code, output = check_programs(krait, ["--every", str(SAMPLE), "--only", group + "/*"], sanitizer.time_limit(300))
    return None if code == 0 else output[-6000:]


def sampled_start(krait, name):
    texts = []
    check_start(krait, name, every=SAMPLE_START, show=texts.append)
    return "".join(texts) or None


def tests(krait):
    for path in sorted(glob.glob(os.path.join(HERE, "allocations", "*.py"))):
        group = os.path.basename(path)[:-3]
        if group != "inside":
            yield f"memory/failing/{group}", lambda group=group: sampled_programs(krait, group)
    if not has_failures_at_start(krait):
        return
    for name in STARTS:
        yield f"memory/failing/start/{name}", lambda name=name: sampled_start(krait, name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--krait", required=True)
    parser.add_argument("--start", action="store_true", help="only the starts of the interpreter")
    parser.add_argument("--programs", action="store_true", help="only the programs")
    parser.add_argument("--every", type=int, default=1, help="let only every K-th allocation fail")
    parser.add_argument("--only", default="*", help="pattern of the names of starts and programs")
    parser.add_argument("--jobs", type=int, default=1, help="starts at the same time")
    parser.add_argument("--mode", choices=("alone", "following"), help="only the allocation itself, or only with all that follow")
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--to", type=int, default=0, dest="last")
    options = parser.parse_args()
    krait = os.path.abspath(options.krait)
    passed = failed = 0
    if not options.programs:
        modes = {None: ("", "-"), "alone": ("",), "following": ("-",)}[options.mode]
        for name in STARTS:
            if not fnmatch.fnmatch(name, options.only):
                continue
            problems = check_start(krait, name, options.every, options.first, options.last, modes,
                                   show=lambda text: print(text, end="", flush=True), jobs=options.jobs)
            print(f"FAIL  start/{name}: {len(problems)} failures end badly" if problems else f"ok    start/{name}", flush=True)
            failed += bool(problems)
            passed += not problems
    if not options.start:
        arguments = ["--every", str(options.every), "--only", options.only, "--from", str(options.first), "--to", str(options.last)]
        process = subprocess.Popen([krait, "-B", INSIDE, *arguments, *(["--mode", options.mode] if options.mode else [])],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")
        for line in process.stdout:
            print(line, end="", flush=True)
            failed += line.startswith("FAIL")
            passed += line.startswith("ok")
        failed += process.wait() < 0
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
