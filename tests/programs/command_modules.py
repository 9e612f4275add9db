# timeout: 120
# Modules run with -m: compileall, json.tool, calendar, tokenize, timeit, this, py_compile, and more.
import os
import re
import shutil
import subprocess
import sys

LIBRARY = os.path.dirname(os.__file__)


def run(*arguments, data=None, limit=60, replace=(), environment=None):
    process = subprocess.run([sys.executable, *arguments], input=data, capture_output=True, text=True, timeout=100,
                             env={**os.environ, **(environment or {})})
    print(f"$ python {' '.join(arguments)}: {process.returncode}")
    for name, text in (("", process.stdout), ("err: ", process.stderr)):
        for pattern, replacement in ((re.escape(sys.executable), "<python>"), (re.escape(LIBRARY), "<library>"), (r"0x[0-9a-f]{6,}", "0x"), *replace):
            text = re.sub(pattern, replacement, text)
        lines = text.splitlines()
        for line in lines[:limit]:
            print(name + line)
        if len(lines) > limit:
            print(f"{name}... {len(lines)} lines")
    sys.stdout.flush()


os.environ.pop("PYTHONPYCACHEPREFIX", None)
shutil.copytree(LIBRARY + "/json", "copied/json", ignore=shutil.ignore_patterns("__pycache__"))
for name in ("textwrap.py", "heapq.py", "abc.py", "colorsys.py"):
    shutil.copy(f"{LIBRARY}/{name}", "copied")
with open("copied/broken.py", "w") as stream:
    stream.write("def f(:\n    pass\n")
run("-m", "compileall", "copied")
print(sorted(os.path.join(folder, name) for folder, _, names in os.walk("copied") for name in names if name.endswith(".pyc")))
os.remove("copied/broken.py")
run("-m", "compileall", "copied", "-q", "-f")
run("-m", "compileall", "-b", "-o", "1", "-o", "2", "copied/json/decoder.py", "--invalidation-mode", "checked-hash")
run("-m", "compileall", "copied/heapq.py", "missing.py")
run("-m", "py_compile", "copied/abc.py")
with open("bad.py", "w") as stream:
    stream.write("x = = 1\n")
run("-m", "py_compile", "bad.py")
run("-m", "py_compile", "-", data="copied/textwrap.py\nnothing.py\n")
document = '{"b": [1, 2.50, {"c": null}], "a": "\\u00fc \\ud83d\\udc0d", "empty": {}, "none": []}'
for options in ([], ["--sort-keys", "--indent", "1"], ["--compact"], ["--tab", "--no-ensure-ascii"], ["--no-indent"]):
    run("-m", "json.tool", *options, data=document)
run("-m", "json.tool", "--json-lines", data='{"a": 1}\n[2]\n')
run("-m", "json.tool", data='{"a": 1,}')
run("-m", "json.tool", "missing.json")
run("-m", "calendar", "2026")
run("-m", "calendar", "2026", "2", "-w", "3")
run("-m", "calendar", "--type", "html", "2026", limit=8)
run("-m", "calendar", "2026", "13", limit=3)
source = "def f(x):\n    # comment\n    return f'{x}' + \"é\" if x >= 0x1F else (1.5e3j,\n        [])\n"
with open("source.py", "w") as stream:
    stream.write(source)
run("-m", "tokenize", "source.py")
run("-m", "tokenize", "-e", "bad.py")
run("-m", "tokenize", data="x = (1,\n")
run("-m", "tokenize", data="if 1:\n        a\n    b\n")
numbers = [(r"(?s):0: UserWarning: The test.*", ""), (r"[\d.]+ [mun]?sec", "<time>"), (r"best of \d+: <time>", "best")]
run("-m", "timeit", "-n", "1", "-r", "1", "pass", replace=numbers)
run("-m", "timeit", "-n", "2", "-r", "3", "-v", "-s", "x = 2", "x ** 2", replace=[*numbers, (r"raw times:.*", "raw times")])
run("-m", "timeit", "-n", "1", "-r", "1", "1/0", replace=numbers)
run("-m", "this")
run("-m", "ast", "source.py")
run("-m", "ast", "-m", "eval", "-a", data="1 + x\n")
run("-m", "dis", "source.py")
run("-m", "base64", "-t")
run("-m", "textwrap")
run("-m", "quopri", data="caf\u00e9 = \t\n")
run("-m", "zipfile", "-c", "z.zip", "source.py")
run("-m", "zipfile", "-t", "z.zip")
run("-m", "tarfile", "-c", "t.tar", "source.py", "bad.py")
run("-m", "tarfile", "-l", "t.tar")
run("-m", "tabnanny", "-v", "source.py")
run("-m", "trace", "--count", "--summary", "-C", ".", "source.py", limit=4)
run("-m", "symtable", data="x = 1\n", limit=3)
run("-m", "gzip", "-h", limit=3)
run("-m", "uuid", "-h", limit=1)
run("-m", "encodings.rot_13", data="Uryyb\n")
run("-m", "pickletools", "-h", limit=4)
run("-m", "inspect", "json.decoder:JSONDecoder.raw_decode")
run("-m", "doctest", "-h", limit=3)
run("-m", "unittest", "missing_test", replace=[(r"in [\d.]+s", "in <time>")])
run("-m", "__hello__")
run("-m", "antigravity_missing")
run("-c", "import this as t; print(len(t.s), t.d['z'])", limit=2)
