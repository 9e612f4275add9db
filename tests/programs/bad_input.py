# Input that no program should survive unharmed: each case ends with a message and an exit code, never with a crash.
import os
import re
import shutil
import subprocess
import sys
import time

PYTHON = sys.executable


def write(name, data):
    if folder := os.path.dirname(name):
        os.makedirs(folder, exist_ok=True)
    with open(name, "wb") as stream:
        stream.write(data.encode() if isinstance(data, str) else data)
    return name


def shorten(text):
    text = re.sub(r"\b0x[0-9a-f]{6,}", "0x", text.replace(PYTHON, "<python>"))
    lines = [line if len(line) <= 160 else f"{line[:100]}...{len(line)}" for line in text.splitlines()]
    return lines if len(lines) <= 14 else lines[:6] + [f"... {len(lines)} lines"] + lines[-5:]


def run(title, *arguments, data=None, text=None, **keywords):
    process = subprocess.run([PYTHON, *arguments], input=data, capture_output=True, timeout=50, **keywords)
    report(title, process.returncode, process.stdout, process.stderr)


def report(title, code, output, errors):
    print(f"== {title}: {code}")
    for name, data in (("out", output), ("err", errors)):
        for line in shorten(data.decode("utf-8", "backslashreplace")):
            print(f"  {name}: {line}")
    sys.stdout.flush()


def files():
    run("missing script", "missing.py")
    os.mkdir("folder")
    run("folder without __main__", "folder")
    write("folder/__main__.py", "print('main of', __name__, __package__)\n")
    run("folder", "folder")
    shutil.make_archive("archive", "zip", "folder")
    run("archive", "archive.zip")
    run("no archive", write("broken.zip", b"PK\3\4 not really"))
    run("undecodable", write("undecodable.py", b"x = 'caf\xe9'\n"))
    run("latin", write("latin.py", b"# coding: latin-1\nprint(ascii('caf\xe9'))\n"))
    run("unknown coding", write("unknown.py", b"# coding: klingon\n"))
    run("wrong mark", write("mark.py", b"\xef\xbb\xbf# coding: latin-1\n"))
    run("mark", write("mark2.py", b"\xef\xbb\xbfprint('marked')\n"))
    run("NUL", write("nul.py", b"x = 1\0\n"))
    run("unterminated string", write("string.py", "def f():\n    return 'abc\n"))
    run("unterminated triple", write("triple.py", "x = 1\ny = '''abc\n\n"))
    run("unclosed bracket", write("bracket.py", "print([1, (2, {3: 4}\n\nx = 1\n"))
    run("wrong bracket", write("closer.py", "f(a[1})\n"))
    run("indentation", write("indent.py", "if 1:\nx = 2\n"))
    run("dedent", write("dedent.py", "if 1:\n        x\n    y\n"))
    run("tabs", write("tabs.py", "if 1:\n        x\n\ty\n"))
    run("old print", write("old.py", "print 'hello'\n"))
    run("no newline", write("end.py", "print('no newline at the end')"))
    run("carriage returns", write("mac.py", "x = 1\rprint(x)\r"))
    run("empty", write("empty.py", ""))
    run("control", write("control.py", b"\x01\x02\n"))
    run("non-UTF-8 name", os.fsencode("caf\udce9.py"))
    run("module", "-m", "no.such.module")
    run("package", "-m", "json")
    run("module with error", "-m", "string_module", cwd=os.path.dirname(write("mods/string_module.py", "1 +\n")))


def deep():
    for depth in (90, 10_000):
        run(f"{depth} brackets", write("deep.py", "(" * depth + "1" + ")" * depth + "\n"))
        run(f"{depth} lists", write("deep.py", "x = " + "[" * depth + "]" * depth + "\n"))
    run("blocks", write("blocks.py", "".join("    " * n + "if 1:\n" for n in range(99)) + "    " * 99 + "pass\n"))
    run("more blocks", write("blocks.py", "".join(" " * n + "if 1:\n" for n in range(120)) + " " * 120 + "pass\n"))
    run("loops", write("loops.py", "".join(" " * n + "for x in y:\n" for n in range(25)) + " " * 25 + "pass\n"))
    run("long line", write("long.py", "x = '" + "a" * 10_000_000 + "'\nprint(len(x))\n"))
    run("long broken line", write("long.py", "x = 1 + " + "a" * 700 + " +\n"))
    run("many lines", write("lines.py", "x = 1\n" * 100_000 + "print(x)\n1/0\n"))
    run("recursion", write("recursion.py", "def f(n):\n    return f(n + 1)\nf(0)\n"))
    run("mutual", write("mutual.py", "class A:\n    def __getattr__(self, n): return self.missing\nA().b\n"))
    run("repr", write("repr.py", "x = []\nfor _ in range(100000): x = [x]\ntry: repr(x)\nexcept RecursionError as e: print(str(e)[:50])\ndel x\nprint('freed')\n"))
    run("compare", write("compare.py", "a, b = [], []\na.append(b); b.append(a)\na == b\n"))
    run("sort", write("sort.py", "l = [3, 1, 2]\nl.sort(key=lambda x: l.append(x))\n"))
    run("big integers", write("big.py", "import sys\nsys.set_int_max_str_digits(640)\nint('1' * 641)\n"))
    run("big shift", write("shift.py", "try: 1 << (1 << 70)\nexcept Exception as e: print(type(e).__name__, e)\ntry: 'a' * (1 << 62)\n"
                           "except MemoryError: print('memory')\n[0] * (1 << 62)\n"))
    run("source nesting", write("strings.py", "print(len(" + " ".join("'a'" for _ in range(3000)) + "))\nprint(eval('+'.join(['1'] * 500)), eval('-' * 60 + '1'))\n"))
    run("many arguments", write("many.py", "def f(*a, **k): return len(a), len(k)\nprint(eval('f(' + ', '.join(map(str, range(2000))) + ', ' + "
                                 "', '.join(f'k{n}={n}' for n in range(2000)) + ')'))\n"))


def streams():
    process = subprocess.Popen([PYTHON, "-c", "import os\nprint('text')"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    report("closed stdout", process.wait(), *process.communicate())
    process = subprocess.Popen([PYTHON, "-c", "import sys; print(sys.stdin, sys.stderr)\nprint(input())"], stdout=subprocess.PIPE,
                               preexec_fn=lambda: (os.close(0), os.close(2)))
    output, _ = process.communicate()
    report("closed stdin and stderr", process.returncode, output, b"")
    for code in ("for n in range(100000): print(n)", "print('x')", "import sys; sys.stdout.write('y' * 100000); sys.stdout.flush()"):
        process = subprocess.Popen([PYTHON, "-c", "import sys; sys.stdin.read(1)\n" + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        _, errors = process.communicate(b"g")
        report("broken pipe", process.returncode, b"", errors)
    with open("/dev/full", "wb") as full:
        process = subprocess.run([PYTHON, "-c", "print('x' * 10)"], stdout=full, stderr=subprocess.PIPE)
        report("full", process.returncode, b"", process.stderr)
    run("no encoding", "-c", "print('caf\\xe9 \\u2603')", env={"PYTHONIOENCODING": "ascii"})
    run("surrogate", "-c", "print('\\udc80')")
    run("program from stdin", data=b"print('first')\nimport sys; print(sys.argv, __name__)\n1/0\n")
    run("dash", "-", "a", "b", data=b"import sys; print(sys.argv)")
    run("broken stdin program", data=b"print('x'\n")
    run("undecodable stdin", "-c", "print(ascii(input()))\ninput()", data=b"\xff\n", env={"PYTHONUTF8": "1"})
    run("input at end", "-c", "input('? ')", data=b"")


def signals():
    run("Ctrl-C in a loop", "-c", "import os, signal, threading\nthreading.Timer(.2, os.kill, (os.getpid(), signal.SIGINT)).start()\nwhile True: pass")
    run("Ctrl-C in sleep", write("sleep.py", "import os, signal, threading, time\nthreading.Timer(.2, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
                                 "def doze():\n    time.sleep(30)\ndoze()\n"))
    run("Ctrl-C caught", "-c", "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    while 1: pass\nexcept KeyboardInterrupt as e: print('caught', repr(e))")
    process = subprocess.Popen([PYTHON, "-c", "import time\nprint('ready', flush=True)\ntry: time.sleep(30)\nfinally: print('finally')"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.readline()
    time.sleep(0.05)
    process.send_signal(2)
    report("SIGINT from outside", *((o := process.communicate()) and (process.returncode, *o)))
    run("handler", "-c", "import os, signal\nsignal.signal(signal.SIGUSR1, lambda number, frame: print('signal', number, frame.f_lineno))\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\nsignal.signal(signal.SIGALRM, lambda *a: 1/0)\nsignal.setitimer(signal.ITIMER_REAL, .05)\nsignal.pause()")
    run("abort", "-c", "import os; os.abort()")


def caches():
    write("mod.py", "VALUE = 'first'\n")
    write("use.py", "import mod, os\nprint(mod.VALUE, os.path.basename(mod.__cached__ or '-')[:15])\n")
    environment = {"PYTHONPATH": ".", "SOURCE_DATE_EPOCH": ""}
    cached = "__pycache__/mod.cpython-311.pyc"
    run("written", "use.py", env=environment)
    good = open(cached, "rb").read()
    for size in (0, 4, 15, 16, 20, len(good) - 3):
        write(cached, good[:size])
        run(f"truncated to {size}", "use.py", env=environment)
    write(cached, b"\0" * 4 + good[4:])
    run("other magic", "use.py", env=environment)
    write(cached, good[:16] + b"\xff" * 30)
    run("garbage", "use.py", env=environment)
    write(cached, good[:16] + b"i\1\0\0\0")
    run("no code", "use.py", env=environment)
    write(cached, good[:4] + b"\7\0\0\0" + good[8:])
    run("bad flags", "use.py", env=environment)
    write(cached, good)
    write("mod.py", "VALUE = 'second and longer'\n")
    run("stale", "use.py", env=environment)
    shutil.copy(cached, "alone.pyc")
    run("pyc as script", "alone.pyc")
    run("pyc import", "-c", "import alone; print(alone.VALUE, alone.__cached__)")
    run("truncated pyc as script", write("short.pyc", good[:30]))
    run("wrong pyc as script", write("wrong.pyc", b"1234" + good[4:]))


def destructors():
    run("failing __del__", write("dels.py", "import gc; gc.collect()\nclass A:\n    def __del__(self):\n        raise ValueError('in del')\na = A()\ndel a\n"
                                 "c = A(); c.self = c; del c\nprint(gc.collect())\nprint('end')\n"))
    run("failing hook", write("hook.py", "import sys\ndef hook(*a): 1/0\nsys.excepthook = hook\nraise KeyError('original')\n"))
    run("unraisable hook", "-c", "import sys\nsys.unraisablehook = lambda u: print(u.exc_type, u.err_msg, u.object.__name__)\n"
        "class A:\n    def __del__(self): 1/0\nA()\n")
    run("atexit", "-c", "import atexit\natexit.register(print, 'bye')\natexit.register(lambda: 1/0)\nraise SystemExit(3)")
    run("exit in thread", "-c", "import threading, sys\nt = threading.Thread(target=lambda: sys.exit(5)); t.start(); t.join(); print('main ends')")
    run("bad repr", "-c", "class A(Exception):\n    def __str__(self): raise ValueError\nraise A")
    run("flush at exit", "-c", "import sys\nclass S:\n    def write(self, t): pass\n    def flush(self): raise OSError('no flush')\nsys.stdout = S()")


def options():
    for arguments in (["-Z"], ["--nonsense"], ["-c"], ["-m"], ["-W"], ["-X"], ["-W", "nonsense", "-c", "1"], ["-x"], ["-c", "1 +"], ["-c", "  indented"],
                      ["-Werror", "-c", "import warnings; warnings.warn('w')"], ["-O", "-c", "assert 0; print(__debug__)"], ["-OO", "-c", "def f(): 'doc'\nprint(f.__doc__)"],
                      ["-bb", "-c", "b'a' == 'a'"], ["-I", "-S", "-c", "import sys; print(sys.flags.isolated, 'site' in sys.modules)"],
                      ["-E", "-s", "-c", "import sys; print(sys.flags)"], ["-i", "-c", "print('inspect')"], ["-u", "-B", "-c", "import sys; print(sys.dont_write_bytecode)"],
                      ["-X", "int_max_str_digits=5", "-c", ""], ["--check-hash-based-pycs", "sometimes", "-c", ""], ["-q", "-v", "--help-nothing"]):
        run(" ".join(arguments), *arguments, data=b"")


for part in (files, deep, streams, signals, caches, destructors, options):
    print(f"==== {part.__name__}")
    os.mkdir(part.__name__)
    os.chdir(part.__name__)
    os.environ.pop("PYTHONPYCACHEPREFIX", None)
    part()
    os.chdir("..")
