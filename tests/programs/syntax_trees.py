# The trees of the standard library's modules, and of sources that show every kind of node, with all positions.
import ast
import glob
import hashlib
import os

SOURCES = [
    "a = b, *c = (d, [e.f, g[h]]) = i\n", "a: int\n(a): int = 1\na.b: c = yield\n", "a += b; c @= d; e **= f;\n",
    "async def f(a, /, b: c = 1, *d: *e, g, h=i, **j) -> k:\n    async for l in m: await n\n    async with o as p, q: return *r, s\n",
    "@a.b(c)\n@d\nclass E(f, *g, h=i, **j):\n    pass\n", "lambda a, /, b=1, *c, d=2, **e: (yield)\n",
    "if a: b\nelif c: d\nelif e: f\nelse: g\n", "while a: break\nelse: continue\n",
    "with (a as b, c as (d, e),): pass\nwith (a, b) as c, d: pass\nwith (yield): pass\n",
    "try: a\nexcept b as c: d\nexcept: e\nelse: f\nfinally: g\n", "try: a\nexcept* b: c\nexcept* (d, e) as f: g\n",
    "match a, *b:\n    case [1, -2.5, 3 + 4j, *_] | {'a': b, **c} | D.e(f, g=None) as h if i: pass\n    case (a), [], (), {}: pass\n    case _: pass\n",
    "match = case = _ = 1\nmatch(match, case)\nmatch[case]\n", "from .a import (b as c, d,)\nfrom ... import *\nimport e.f as g, h\n",
    "[a for b in c if d if e for f, in g]\n{a: b async for c in d}\n{*a, b}\n{**a, b: c}\n(a for b in c)\nf(a for b in c)\n",
    "a[b:c:d, ::, *e]\na[(b := c)]\na[b, ]\n", "not a or b and c if d else e\n", "a < b <= c != d is not e not in f\n",
    "-a ** -b ** ~c\na // b % c @ d << e >> f & g ^ h | i\n", "'a' \"b\" u'c'\nu'a' 'b'\nb'a' rb'\\b'\n'\\x41\\u0042\\N{DIGIT ONE}\\\n'\n",
    "f'a{b}c{d!r:>{e}}{f=}{{}}' 'g' rf'\\{h}'\nf'''\n  {a:{b}\n  {c}}{\nd}'''\n",
    "0xff_ff + 0o17 + 0b1 + 1_000 + 1.5e10 + .5 + 1e400 + 10j + 000\n", "é = ﬁ = 1\n", "global a, b\nnonlocal c\ndel d, (e, [f]), g.h\n",
    "raise\nraise a from b\nassert c, d\nreturn\n", "x = 1 \\\n  + 2 # comment\n\n\n\n  # comment\ny = (1,\n     2)\n",
]

for source in SOURCES:
    print(ast.dump(ast.parse(source), include_attributes=True))

for source in "x = 1 # type: int\n# type: ignore[a]\n", "def f(a, # type: b\n      c): # type: (...) -> d\n    pass\n":
    print(ast.dump(ast.parse(source, type_comments=True), include_attributes=True))

print(ast.dump(ast.parse("(a, *b, **c) -> d", mode="func_type")))
print(ast.dump(ast.parse("a, b", mode="eval")))
print(ast.dump(ast.parse("a; b\n", mode="single")))

for path in sorted(glob.glob(os.path.join(os.path.dirname(ast.__file__), "*.py"))):
    with open(path, "rb") as stream:
        tree = ast.dump(ast.parse(stream.read()), include_attributes=True)
    print(os.path.basename(path), hashlib.sha1(tree.encode("utf-8", "surrogatepass")).hexdigest())
