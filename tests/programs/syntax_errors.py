# Wrong sources and what is said about them: message, place and text.
import warnings

warnings.simplefilter("ignore")

SOURCES = r'''
f(a b)
(a, b c)
[a for a in b, c]
[a, b for a in b]
[*a for a in b]
{**a for a in b}
f(a for a in b, c)
f(a, b for b in c)
f(a=1, b)
f(**a, b)
f(**a, *b)
f(a.b=1)
f(True=1)
f(a=b for b in c)
{1: 2, 3}
{1: *a}
{1:}
{1: 2, **a b}
a = b = 1 + c = 2
a + 1 = 2
f() = 1
(a, f()) = 1
[a, 1] += 2
a, b: int
(a, b): int
1: int
yield = 1
x = (yield) = 1
None = 1
(True := 1)
(a.b := 1)
if a = 1: pass
while a
for 1 in a: pass
for a() in b: pass
for a in b
with a as 1: pass
with (a as f()): pass
with a
del f()
del (a, *b)
del a + 1
print a
exec "a"
print(a) b
a if b
(a if b)
lambda *: 1
lambda a=1, b: 1
lambda (a, b): 1
def f(a=1, b): pass
def f(*): pass
def f(**a, b): pass
def f(*a, *b): pass
def f(/, a): pass
def f(a, /, b, /): pass
def f(*a, /): pass
def f(a, (b, c)): pass
def f(a=): pass
def f(*a=1): pass
def f a: pass
def f() -> int
class A
class A(x for x in y): pass
from a import b,
from a import (b c)
import a.b as c.d
try: pass
raise a from
assert
return 1 2
global a.b
a = 'abc
a = """abc
a = (1, 2
a = [1, 2)
a)
a $ b
a ? b
1abc
0777
0b12
0o8
0xg
1__0
1_
1e+
5 if a else
async x
await
a \ b
'a' b'c'
b'é'
'\xg'
'\N{nothing at all}'
'\U00110000'
f'{a b}'
f'{a'
f'}'
f'{}'
f'{!r}'
f'{a!x}'
f'{a\n}'
f'{#}'
f'{a:{b:{c}}}'
f'{a)}'
f'{(a}'
f'{lambda x: 1}'
f'{*a}'
é€ = 1
a b
'''.strip("\n").split("\n")

SOURCES += [
    "if a:\nb", "if a:\n    b\n  c\n", "if a:\n\tb\n        c\n", "  a", "a\n  b\n", "def f():\n", "class A:\nb",
    "try:\n    a\nb", "try:\n    a\nexcept b, c:\n    d", "try:\n    a\nexcept:\nb", "try:\n    a\nexcept* b:\n    c\nexcept d:\n    e",
    "try:\n    a\nfinally\n    b", "match a:\n    case b as _: pass", "match a:\n    case A(b=1, c): pass",
    "match a:\n    case 1 + 1: pass", "match a:\ncase 1: pass", "match a:\n    case 1\n        pass", "with a:\nb", "for a in b:\nc",
    "while a:\nb", "else: pass", "(\na\nb", "(\n]", "f(\na=1\nb)", "a = {\n1: 2\n3: 4}", "'''\nabc", "\\", "a = \\\n", "a \\ \nb", "",
    "x = 1 +", "x = (1 +", "f'''\n{a b}'''", "f'''{\na b}'''", "@", "@a\nb", "a\x01b", "a\u00a0b", "(" * 201, "-" * 100000 + "1",
    b"# coding: nothing\n", b"\xef\xbb\xbf# coding: latin-1\n", b"'\xff'", b"\xff", b"# coding: latin-1\n'\xe9' $", b"'\xc3\xa9' $",
    "9" * 5000,
]

for source in SOURCES:
    for mode in "exec", "eval", "single":
        try:
            compile(source, "<source>", mode)
        except SyntaxError as error:
            text = error.text if error.text is None else error.text[:80]
            print(type(error).__name__, error.msg, error.lineno, error.offset, error.end_lineno, error.end_offset, repr(text))
        except (MemoryError, ValueError) as error:
            print(type(error).__name__, error)
        else:
            print("right", mode, repr(source)[:60])
