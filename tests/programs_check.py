"""Programs that Krait and python3.11 must agree on: standard output, standard error and exit code.

A program is tests/programs/NAME.py. Comment lines at its top direct the run:

    # args: ARGUMENT ...          command line (shell words); {library} stands for the standard library's folder
    # options: OPTION ...         the interpreter's own options
    # stdin: TEXT                 standard input, with \\n for newlines
    # timeout: SECONDS            60 by default

Both runs happen in an empty folder of their own, with a clean environment and PYTHONHASHSEED=0.
"""
import glob
import os
import shlex
import subprocess
import sys
import tempfile

import sanitizer
from reference import REFERENCE

HERE = os.path.dirname(os.path.abspath(__file__))


def directives(path):
    found = {}
    with open(path, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            if not line.startswith("#"):
                break
            name, colon, value = line[1:].partition(":")
            if colon and name.strip() in ("args", "options", "stdin", "timeout"):
                found[name.strip()] = value.strip()
    return found


def run(interpreter, path, found):
    with tempfile.TemporaryDirectory(prefix="krait-test-") as folder:
        work = os.path.join(folder, "work")
        os.mkdir(work)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": folder,
            "TMPDIR": folder,
            "LANG": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "PYTHONPYCACHEPREFIX": os.path.join(folder, "cache"),
        }
        if interpreter != REFERENCE:
            environment.update(sanitizer.environment(folder, leaks=True))
        command = [interpreter, *shlex.split(found.get("options", "")), path, *shlex.split(found.get("args", ""))]
        process = subprocess.run(
            command, cwd=work, env=environment, capture_output=True,
            timeout=sanitizer.time_limit(float(found.get("timeout", 60))), input=found.get("stdin", "").encode().decode("unicode_escape").encode())
        outputs = [text.decode("utf-8", "backslashreplace").replace(folder, "<folder>").replace(interpreter, "<python>")
                   for text in (process.stdout, process.stderr)]
        return process.returncode, outputs[0], outputs[1], sanitizer.reports(folder)


def difference(name, expected, actual):
    if expected == actual:
        return ""
    expected_lines, actual_lines = expected.splitlines(), actual.splitlines()
    for number, (left, right) in enumerate(zip(expected_lines, actual_lines), 1):
        if left != right:
            return f"  {name} line {number}\n    python3.11: {left[:300]}\n    krait:      {right[:300]}\n"
    return (f"  {name}: python3.11 wrote {len(expected_lines)} lines, krait {len(actual_lines)}\n"
            f"    {(expected_lines + actual_lines)[min(len(expected_lines), len(actual_lines)):][:3]}\n")


def check(krait, path):
    found = directives(path)
    expected = run(REFERENCE, path, found)
    try:
        actual = run(krait, path, found)
    except subprocess.TimeoutExpired:
        return "  krait did not end in time"
    if expected == actual:
        return None
    text = "" if expected[0] == actual[0] else f"  exit code: python3.11 {expected[0]}, krait {actual[0]}\n"
    return text + difference("stdout", expected[1], actual[1]) + difference("stderr", expected[2], actual[2]) + actual[3]


def known_failures():
    """{program: reason} of tests/programs/known_failures.txt. The list may only shrink."""
    found = {}
    with open(os.path.join(HERE, "programs", "known_failures.txt"), encoding="utf-8") as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.rstrip("\n").partition("\t")
                found[name] = reason
    return found


def check_known(krait, path):
    if check(krait, path) is None:
        return "  both interpreters agree, but the program is on the list of known failures"
    return None


def tests(krait):
    known = known_failures()
    for path in sorted(glob.glob(os.path.join(HERE, "programs", "*.py"))):
        name = os.path.basename(path)[:-3]
        function = check_known if name in known else check
        yield "programs/" + name, lambda path=path, function=function: function(krait, path)
