"""Programs in C that embed the interpreter: each prints the same with libkrait as with libpython3.11.

They are examples/embed.c and those of tests/embedding/, built with the flags of the build's krait-embed.pc.
"""
import os
import re
import subprocess
import tempfile

import sanitizer

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(os.path.dirname(HERE), "examples", "embed.c")
REFERENCE_FLAGS = ["-I/usr/include/python3.11", "-lpython3.11"]
# program: its arguments, a run for each
PROGRAMS = {
    EXAMPLE: [[], ["argument"]],
    os.path.join(HERE, "embedding", "paths.c"): [["n"], ["nh"], ["nH"], ["np"], ["ns"], ["nhp"], ["nhc"], ["npc"]],
    os.path.join(HERE, "embedding", "again.c"): [[]],
    os.path.join(HERE, "embedding", "threads.c"): [[]],
    os.path.join(HERE, "embedding", "command.c"): [
        ["m", "-c", "print(1)"], ["m", "-c", "import sys; sys.exit('out')"], ["m", "-c", "1/0"], ["m", "-m", "nothing"], ["m", "-x"],
        ["m", "-I", "-c", "import sys; print(sys.path, sys.argv[1:], sys.flags)", "a", "b"],
        ["p", "-c", "import sys; print(sys.argv, sys.executable, sys.path, sys.orig_argv[1:])", "x"], ["p", "--bad"],
        ["p", "-X", "dev", "-c", "import sys; print(sys.flags)"], ["i"]],
}


def package_flags(path):
    """The flags that pkg-config would tell of a .pc file, Cflags and Libs."""
    variables, fields = {"pcfiledir": os.path.dirname(path)}, {}
    expand = lambda text: re.sub(r"\$\{(\w+)\}", lambda match: variables[match[1]], text)
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            if match := re.match(r"(\w+)=(.*)", line):
                variables[match[1]] = expand(match[2])
            elif match := re.match(r"(\w+): *(.*)", line):
                fields[match[1]] = expand(match[2])
    return f"{fields['Cflags']} {fields['Libs']}".split()


def build(source, flags, target):
    subprocess.run(["gcc", "-O1", source, *flags, "-o", target], check=True, capture_output=True, text=True)


def run(program, arguments):
    process = subprocess.run([program, *arguments], capture_output=True, text=True, errors="replace",
                             timeout=sanitizer.time_limit(120), env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"})
    return process.returncode, process.stdout.replace(program, "PROGRAM"), process.stderr.replace(program, "PROGRAM")


def check(package, source):
    with tempfile.TemporaryDirectory(prefix="krait-embedding-") as folder:
        ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
        try:
            build(source, package_flags(package), ours)
            build(source, REFERENCE_FLAGS, theirs)
        except subprocess.CalledProcessError as error:
            return error.stderr[-2000:]
        for arguments in PROGRAMS[source]:
            actual, expected = run(ours, arguments), run(theirs, arguments)
            if actual != expected:
                return f"{arguments}:\n  libpython3.11: {expected}\n  libkrait:      {actual}"
    return None


def check_symbols(package):
    """Extension modules find the C API in the program, but not the libraries linked in, which may differ from the system's."""
    with tempfile.TemporaryDirectory(prefix="krait-embedding-") as folder:
        program = os.path.join(folder, "program")
        try:
            build(EXAMPLE, package_flags(package), program)
        except subprocess.CalledProcessError as error:
            return error.stderr[-2000:]
        listed = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", program], check=True, capture_output=True, text=True)
        names = {line.split()[0] for line in listed.stdout.splitlines()}
        missing = {"PyObject_Call", "PyLong_Type", "_Py_NoneStruct"} - names
        shown = {name for name in names if re.match(r"XML_|inflate|deflate|crc32|__gmp|_Z", name)}
        return f"missing: {sorted(missing)}, shown: {sorted(shown)[:9]}" if missing or shown else None


def tests(krait):
    package = os.path.join(os.path.dirname(krait), "pkgconfig", "krait-embed.pc")
    if not os.path.exists(os.path.join(os.path.dirname(krait), "libkrait.a")):
        return
    yield "embedding/symbols", lambda: check_symbols(package)
    for source in PROGRAMS:
        yield "embedding/" + os.path.basename(source)[:-2], lambda source=source: check(package, source)
