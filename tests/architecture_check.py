"""The rule of the folders: a file of src/ includes only its own folder and those above it in the list.

A few includes reach downward on purpose; each is listed here with its reason.
"""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(os.path.dirname(HERE), "src")
ORDER = ["base", "heap", "object", "collector", "types", "syntax", "compile", "vm", "import", "runtime", "modules", "abi",
         "cli"]
DECLARED = {}


def load_declared():
    path = os.path.join(HERE, "include_exceptions.txt")
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            if line.strip() and not line.startswith("#"):
                pair, _, reason = line.rstrip("\n").partition("\t")
                DECLARED[tuple(pair.split())] = reason


def violations():
    load_declared()
    found, used = [], set()
    for folder, _, names in os.walk(SOURCE):
        for name in sorted(names):
            if not name.endswith((".c", ".h", ".cc", ".inc")):
                continue
            path = os.path.relpath(os.path.join(folder, name), SOURCE)
            own = path.split(os.sep)[0]
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                for target in re.findall(r'^#include "([^"]+)"', stream.read(), re.M):
                    other = target.split("/")[0]
                    if "/" not in target or other not in ORDER or ORDER.index(other) <= ORDER.index(own):
                        continue
                    if (path, target) in DECLARED:
                        used.add((path, target))
                    else:
                        found.append(f"  {path} includes {target}")
    found += [f"  {path} no longer includes {target}: take it off the list" for path, target in DECLARED if
              (path, target) not in used]
    return "\n".join(found) or None


def tests(krait):
    yield "architecture/includes", violations
