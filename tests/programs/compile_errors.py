# What the compiler refuses or warns about: message and place.
import warnings

SOURCES = r"""
def f(a):\n  global a
def f(a):\n  nonlocal a
def f():\n  x = 1\n  global x
def f():\n  print(x)\n  global x
def f():\n  x: int\n  global x
def f():\n  global x\n  x: int = 1
def f():\n  nonlocal x\n  x: int = 1
nonlocal x
def f():\n  nonlocal y
def f():\n  global x\n  nonlocal x
def f():\n  from os import *
class A:\n  from os import *
def f(a, a): pass
lambda a, *a: 0
[(yield) for x in y]
{(yield) for x in y}
{(yield): 1 for x in y}
((yield) for x in y)
[x for x in (y := 1)]
[x for x in [z for z in (y := 1)]]
[x := 1 for x in y]
[(y := 1) for x in z for y in x]
class A:\n  [(y := 1) for x in z]
return 1
class A:\n  return
yield 1
class A:\n  yield 1
await x
def f():\n  await x
[x async for x in y]
def f():\n  return [x async for x in y]
async def f():\n  yield 1\n  return 2
async def f():\n  yield from x
def f():\n  async with x: pass
async with x: pass
def f():\n  async for x in y: pass
break
continue
if 1:\n  break
with x:\n  continue
def f():\n  for x in y: pass\n  continue
for x in y:\n  def f(): break
for x in y:\n  class A: continue
try: pass\nexcept: pass\nexcept A: pass
try: pass\nexcept* A: return
while 1:\n  try: pass\n  except* A: break
while 1:\n  try: pass\n  except* A: continue
def f():\n  try: pass\n  except* A: return
*a = 1
*a, *b = c
a, *b, *c = d
for *x in y: pass
*a
f(*a)[*b]
x = *a
print(*a for a in b)
f(a=1, a=2)
f(__debug__=1)
class A(a=1, a=2): pass
def f(__debug__): pass
def f(*, __debug__=1): pass
lambda __debug__: 0
x.__debug__ = 1
import a as __debug__
with a as __debug__: pass
from __future__ import nothing
from __future__ import braces
from __future__ import annotations, nothing
x = 1\nfrom __future__ import annotations
x = 1; from __future__ import annotations
"a"; "b"; from __future__ import annotations
def f():\n  from __future__ import annotations
match x:\n  case y: pass\n  case z: pass
match x:\n  case _: pass\n  case 1: pass
match x:\n  case y | 1: pass
match x:\n  case (1 as y) | (2 as z): pass
match x:\n  case [y, y]: pass
match x:\n  case [*a, *b]: pass
match x:\n  case {1: a, 1: b}: pass
match x:\n  case {1: a, **a}: pass
match x:\n  case A(b=1, b=2): pass
match x:\n  case A(__debug__=1): pass
match x:\n  case __debug__: pass
x is 1
x is not 'a'
x is ()
1 is x is None
x is None
assert (x, 'message')
assert (1, 'a')
assert ()
(1)(2)
[1](2)
"a"(b)
(1, 2)(3)
{1: 2}(3)
f"a{b}"(c)
(lambda: 0)(1)
None[1]
1[2]
1.5[2]
...[0]
{1, 2}[0]
(x for x in y)[0]
(lambda: 0)[0]
[1, 2]['a']
[1, 2][1.5]
[1, 2][None]
(1, 2)[a, b]
"abc"[1, 2]
"abc"['a']
b'abc'[()]
[1][f'a']
[1][1:2]
[1][True]
f"{x}"[1.5]
x: (yield)
x: (await y)
x: (z := 1)
def f(a: (yield)): pass
def f() -> (await x): pass
def f():\n  x: (yield) = 1
@(yield)\ndef f(): pass
class A((yield)): pass
class A:\n  x = __class__\n  def f(self):\n    nonlocal __class__
def f():\n  class A:\n    nonlocal x
def f():\n  x = 1\n  class A:\n    nonlocal x\n    x = 2
def f():\n  def g():\n    nonlocal x\n  x = 1\n  global x
del f()
del __debug__
del x.__debug__
a.b: int
a[1:2, ::3]: int
(a): int
""".strip().splitlines()

deep = "\n".join("  " * level + "while 1:" for level in range(25)) + "\n" + "  " * 25 + "pass"
sources = [line.replace("\\n", "\n") for line in SOURCES] + [deep]

for source in sources:
    for mode, flags in (("exec", 0), ("single", 0), ("exec", 0x2000), ("exec", 0x1000000)):
        for action in ("always", "error"):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter(action)
                try:
                    compile(source, "<test>", mode, flags, True)
                    result = "ok"
                except SyntaxError as error:
                    result = (error.msg, error.filename, error.lineno, error.offset, error.text, error.end_lineno,
                              error.end_offset)
                except Exception as error:
                    result = repr(error)
            shown = [(str(item.message), item.category.__name__, item.lineno) for item in caught]
            if action == "always" or shown != [] or "SyntaxWarning" in str(result):
                print(repr(source)[:60], mode, hex(flags), action, result, shown)
