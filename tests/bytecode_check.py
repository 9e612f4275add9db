"""Bytecode, syntax trees, symbol tables, tokens and syntax errors equal the reference's: a part of `make check-bytecode`."""
import os
import subprocess
import sys

from reference import LIBRARY

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bytecode")
CHECKS = {
    "library": ["check.py", "--jobs", "1", *(f"{LIBRARY}/{name}" for name in ("asyncio", "collections", "email", "importlib", "json"))],
    "wrong_programs": ["wrong_programs.py"],
    "swap": ["swap.py", "--jobs", "1", "test_grammar", "test_generators", "test_patma", "test_descr"],
}


def check(krait, arguments):
    process = subprocess.run([sys.executable, os.path.join(FOLDER, arguments[0]), "--krait", krait, *arguments[1:]],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    return process.stdout[-3000:] if process.returncode else None


def tests(krait):
    for name, arguments in CHECKS.items():
        yield "bytecode/" + name, lambda arguments=arguments: check(krait, arguments)
