# A SyntaxError in a string given to exec, uncaught, after a number of caught ones with their details.
SOURCES = [
    "x = ", "def f(:\n  pass", "if x = 1: pass", "for in y: pass", "print 'x'", "a b", "x = 'abc", "f(a b)", "return 1", "yield 2", "break", "class A: def", "1 = x",
    "f() = 3", "x += 1 = 2", "import a.b as", "from . import *", "async def f(): await", "def f(a, a): pass", "f(a=1, a=2)", "f(**k, *a)", "lambda: (yield)", "x: int: str",
    "global x; x = 1\nglobal x", "nonlocal x", "def f():\n  x = 1\n  global x", "{**a, b}", "[*a for a in b]", "f'{a b}'", "f'{'", "f'{a!z}'", "'\\N{no such}'", "b'é'",
    "0777", "1__0", "0x", "1e", "5 if 3", "not", "with open(x) as 5: pass", "try: pass", "except: pass", "match x:\n  case a: pass\n  case b: pass", "match x:\n  case {a: 1}: pass",
    "del f()", "x = yield = 1", "assert (1, 'x'), ", "a := 1", "(a.b := 1)", "[x := 1 for x in y]", "def f(a=1, b): pass", "def f(*): pass", "def f(a, /, b, /): pass", "@", "\tx\n  y", "  x",
    "raise x from", "else: pass", "while 1 print(x)", "elif x: pass", "x ? y", "$", "a\u00a0b", "\u201cx\u201d", "None = 1", "f(True=1)", "def None(): pass", "x.None", "*a", "print(*a for a in b)",
    "from __future__ import nope", "x = 1\nfrom __future__ import annotations", "async with a: pass", "(yield) = 1", "a, b += 1", "{1:2, 3}", "{1, 2:3}", "((a, b) for", "'''", "if 1:\n", "(]",
]
for source in SOURCES:
    try:
        exec(compile(source, "<source>", "exec"), {"__name__": "inner"})
        print(f"{source!r}: fine")
    except SyntaxError as error:
        print(f"{source!r}: {type(error).__name__} {error.msg} {error.lineno, error.offset, error.end_lineno, error.end_offset} {error.text!r}")
    except (NameError, ImportError, TypeError) as error:
        print(f"{source!r}: {error}")

PROGRAM = '''
def good():
    return [1,
            2 3,
            4]
'''


def load(text):
    exec(text)


try:
    load("def broken(:\n    pass")
except SyntaxError:
    load(PROGRAM)
