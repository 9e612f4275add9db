# sys.exit with every kind of value, and the other ways out, each in a process of its own.
import re
import subprocess
import sys

VALUES = ["", "None", "0", "1", "2", "255", "256", "257", "-1", "-128", "2**31", "2**63", "-2**64", "True", "False", "'text'", "''", "'ünïcode'", "b'bytes'", "2.5", "()", "(1,)",
          "(1, 2)", "[3]", "{'a': 1}", "object", "ValueError('inside')", "'two\\nlines'", "type('I', (int,), {})(9)", "type('S', (), {'__str__': lambda self: 'own text'})()",
          "type('B', (), {'__str__': lambda self: 1})()", "type('X', (), {'__index__': lambda self: 4})()"]
STATEMENTS = [
    "raise SystemExit", "raise SystemExit(4)", "raise SystemExit('a', 'b')", "raise SystemExit()", "exit(6)", "quit('q')", "import os; os._exit(7)",
    "raise KeyboardInterrupt", "raise BaseException('base')", "raise GeneratorExit", "raise StopIteration(1)", "1/0",
    "try: sys.exit(3)\nfinally: print('finally')", "try: sys.exit(3)\nfinally: sys.exit(4)", "try: sys.exit(3)\nexcept SystemExit as e: print('caught', e.code, e.args); raise",
    "try: sys.exit(3)\nexcept Exception: print('not caught')", "class E(SystemExit): pass\nraise E(8)", "e = SystemExit(1); e.code = 'changed'; raise e",
    "def f():\n  try: return 1\n  finally: sys.exit(11)\nf()", "with open('/dev/null'): sys.exit(12)", "import atexit; atexit.register(sys.exit, 13)",
    "import threading; threading.Thread(target=sys.exit, args=(14,)).start()", "print('unflushed', end=''); sys.exit(15)", "sys.stdout.write('x'); import os; os._exit(16)",
    "exec('sys.exit(17)')", "eval('sys.exit(18)')", "import site; print(type(exit).__name__, exit)", "[sys.exit(n) for n in (19, 20)]", "sys.exit(1, 2)", "sys.exit(code=3)",
    "sys.stderr = None; sys.exit('nowhere')", "sys.stderr.close(); sys.exit('closed')", "del sys.stderr; 1/0", "raise 5", "raise None", "raise SystemExit from ValueError()",
    "sys.excepthook = lambda *a: print('hook', a[0].__name__); raise SystemExit(21)", "sys.excepthook = lambda *a: print('hook', a[0].__name__); raise ValueError",
    "sys.excepthook = None; raise ValueError('no hook')", "del sys.excepthook; raise ValueError('no hook')", "assert False", "assert 1 == 2, ('tuple', 1)",
    "import builtins; del builtins.print; print(1)", "raise ExceptionGroup('g', [SystemExit(1)])", "raise BaseExceptionGroup('g', [SystemExit(1), ValueError(2)])",
]


def run(code):
    process = subprocess.run([sys.executable, "-c", "import sys\n" + code], capture_output=True, text=True, encoding="utf-8")
    print(f"{code!r}: {process.returncode} {process.stdout!r}")
    for line in process.stderr.splitlines():
        print("   ", re.sub("0x[0-9a-f]{6,}", "0x", line))


for value in VALUES:
    run(f"sys.exit({value})")
for statement in STATEMENTS:
    run(statement)
sys.stdout.flush()
sys.exit(["the", "end"])
