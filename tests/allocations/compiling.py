"""Compiling, code objects, importing."""

#: compile
source = '''
"""doc"""
from __future__ import annotations
import os.path as p, sys
from collections import *
def f(a: int, b=1, /, *c, d: str = "x", **e) -> None:
    """doc"""
    nonlocal_ = 1
    def g():
        nonlocal nonlocal_
        global h
        nonlocal_ += 1
        h = lambda x=2: (yield x) + a
        return [i async for i in e] if 0 else {**e, 'k': {j for j in c}}
    try:
        with open(a) as z, b: pass
    except* (ValueError, TypeError) as err: raise
    finally: del b
    while x := a < b <= 3 != 4: continue
    else: return f"{a!r:>{b}} text {b=}" "more"
    return g
class C(object, metaclass=type):
    x: int = 5
    @property
    async def m(self):
        await self
        async with self as s:
            async for i in s: yield i
        match self:
            case [1, *r] | {"k": r} if r: pass
            case C(x=1, y=None) as q: return
    def s(self): return super().s(__class__)
assert f, "no"
a[1:2, ::3] = -1 ** 2 if not b else ~c @ d
print(*a, **b, end='', sep=1_000.5e10j)
for i, (j, *k) in {}: break
''' .replace("    except* (ValueError, TypeError) as err: raise\n", "    except (ValueError, TypeError) as err: raise\n")
source = source.replace("[i async for i in e]", "[i for i in e]").replace("\n            case C(x=1, y=None) as q: return", "\n            case C(x=1, y=None) as q: pass")
code = compile(source, "file.py", "exec")
result = code.co_names, len(code.co_code), compile("1 + x", "<s>", "eval").co_consts, compile("x = 1", "<s>", "single", optimize=2).co_flags

#: syntax-errors
messages = []
for text in ("x = = 1", "def f(:", "if x\n  y", "(1, 2", "'abc", "f'{x'", "return 1", "nonlocal x", "break", "a b", "x = 1 +", "\tx\n  y", "class", "for x in", "print 1", "1 = x", "f(a=1, 2)",
             "import", "from x import", "async def f(): [x async for y in z", "lambda: (yield) = 1", "del f()", "0777", "1__0", "'\\N{nope}'", "b'é'", "while True: pass\nelse", "match x:\n case 1, 1 | y: pass",
             "def f(a, a): pass", "global x; x = 1\ndef f():\n x = 1\n global x", "try: pass", "with x as 1: pass", "{**a for b in c}", "x ++", "é = $", "if True:\nx = 1", "\x00"):
    try:
        compile(text, "<string>", "exec")
    except (SyntaxError, ValueError) as error:
        messages.append((type(error).__name__, str(error)))
result = repr(messages)

#: ast
import ast
tree = ast.parse("def f(x: int) -> str:\n    '''d'''\n    return [a.b for a in x if a][1:2] + {1: 2}[3] @ (lambda: 1)()\nclass A(B): y = f'{z!r:>5}'; w: int\nwith a as b: pass")
class Rename(ast.NodeTransformer):
    def visit_Name(self, node): return ast.copy_location(ast.Name("renamed", node.ctx), node)
tree = ast.fix_missing_locations(Rename().visit(tree))
result = ast.dump(tree), ast.unparse(tree), compile(tree, "<ast>", "exec").co_names, ast.literal_eval("[1, {'a': (2, -3.5, None)}, b'x', {4}]"), ast.get_docstring(tree.body[0])

#: symtable
import symtable
table = symtable.symtable("def f(a):\n    global g\n    def h(): return a\n    return [b for b in g]\nclass C:\n    x = 1", "<s>", "exec")
result = [(t.get_name(), t.get_type(), sorted((s.get_name(), s.is_free(), s.is_global(), s.is_local()) for s in t.get_symbols())) for t in table.get_children()]

#: code-objects
import marshal, dis, io, types
def sample(a, b=1, *args, c=2, **kwargs):
    def inner():
        return a + b
    try:
        for i in range(a):
            yield inner() + i
    except ValueError as error:
        raise TypeError from error
code = sample.__code__
copy = marshal.loads(marshal.dumps(code))
out = io.StringIO()
dis.dis(sample, file=out)
data = marshal.dumps([1, -10**30, 1.5, 2j, "text", "ü", b"b", (None, True, ...), {1: {2}}, frozenset("x"), "text", code], 4)
result = (copy == code, len(out.getvalue()) > 500, [x if not isinstance(x, types.CodeType) else 0 for x in marshal.loads(data)], code.replace(co_name="other").co_name, len(list(code.co_positions())) > 10,
          list(code.co_lines())[:2], code.co_varnames, code.co_cellvars, hash(code) != 0, repr(code)[:12], list(types.FunctionType(code, globals(), "n", (5,), (code.co_freevars or None))(2) if 0 else []),
          [i.opname for i in dis.Bytecode(sample)][:3], dis.code_info(code)[:4])
for bad in (b"", b"x", b"[\xff\xff\xff\x7f", data[:50], b"c" + b"\0" * 20):
    try:
        marshal.loads(bad)
    except (EOFError, ValueError, TypeError):
        pass

#: import-source
import sys, os, importlib
folder = os.environ["TMPDIR"] + "/source"
if True:
    os.makedirs(folder + "/fail_package", exist_ok=True)
    for name, text in (("fail_module.py", "x = [1, 'two']\ndef f(): return x\n"), ("fail_package/__init__.py", "from . import part\nfrom .part import y\n"), ("fail_package/part.py", "y = 5\n"),
                       ("fail_broken.py", "x = (\n")):
        with open(folder + "/" + name, "w") as stream:
            stream.write(text)
    sys.path.insert(0, folder)
    log = []
    try:
        importlib.invalidate_caches()
        import fail_module, fail_package.part as part
        from fail_package import y
        log += [fail_module.f(), part.y, y, fail_module.__spec__.name, importlib.reload(fail_module).x]
        try:
            import fail_broken
        except SyntaxError as error:
            log.append(error.msg)
        try:
            from fail_module import nothing
        except ImportError as error:
            log.append(error.name)
        result = repr(log)
    finally:
        sys.path.remove(folder)
        for name in ("fail_module", "fail_package", "fail_package.part", "fail_broken"):
            sys.modules.pop(name, None)
        for name in list(sys.path_importer_cache):
            if name.startswith(folder):
                del sys.path_importer_cache[name]

#: import-bytecode
import sys, os, importlib, _imp
folder = os.environ["TMPDIR"] + "/bytecode"
os.makedirs(folder, exist_ok=True)
if not os.path.exists(folder + "/fail_pyc.pyc"):
    import py_compile
    with open(folder + "/source.py", "w") as stream:
        stream.write("import json\nclass C:\n    def m(self): return {1: 'x', 2: (3, 4)}\nx = C().m()\n")
    py_compile.compile(folder + "/source.py", cfile=folder + "/fail_pyc.pyc")
sys.path.insert(0, folder)
try:
    import fail_pyc
    result = fail_pyc.x
finally:
    sys.path.remove(folder)
    sys.modules.pop("fail_pyc", None)
    sys.path_importer_cache.pop(folder, None)

#: import-native
import sys, importlib
names = "_heapq", "_bisect", "_struct", "array", "zlib", "_json", "_csv", "_random", "unicodedata", "_queue", "_contextvars", "_statistics", "_opcode"
saved = {name: sys.modules.pop(name, None) for name in names}
try:
    loaded = [importlib.import_module(name).__name__ for name in names]
finally:
    for name in names:
        sys.modules.pop(name, None)
        if saved[name] is not None:
            sys.modules[name] = saved[name]
result = loaded
