# timeout: 120
# Parse every third file of the library: nodes by kind, depth, round trips through unparse and compile.
import ast
import collections
import glob
import hashlib
import os
import sys

LIBRARY = os.path.dirname(os.__file__)


def depth(tree):
    """The greatest depth, without recursion."""
    greatest, stack = 0, [(tree, 1)]
    while stack:
        node, level = stack.pop()
        greatest = max(greatest, level)
        stack.extend((child, level + 1) for child in ast.iter_child_nodes(node))
    return greatest


def names(tree):
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


totals = collections.Counter()
for path in sorted(glob.glob(LIBRARY + "/*.py"))[::3]:
    with open(path, encoding="utf-8") as stream:
        source = stream.read()
    tree = ast.parse(source, path)
    kinds = collections.Counter(type(node).__name__ for node in ast.walk(tree))
    totals += kinds
    text = ast.unparse(tree)
    again = ast.unparse(ast.parse(text))
    code = compile(tree, "x.py", "exec", dont_inherit=True)
    print(f"{os.path.basename(path):<22} {len(source):>7} {sum(kinds.values()):>6} {depth(tree):>3} {len(set(names(tree))):>4} {digest(ast.dump(tree, include_attributes=True))} "
          f"{digest(text)} {text == again} {len(code.co_code):>5} {digest(repr(code.co_names))} {ast.get_docstring(tree) is not None}")
for kind, count in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
    print(f"{count:>7} {kind}")
SOURCES = ["x = 1 if y else 2", "a[1:2, ::3] = b.c(*d, e=f, **g)", "[x async for x in y if z]", "lambda a, /, b=1, *c, d, e=2, **f: (yield)", "def f() -> int: 'doc'; return not -1 ** ~2",
           "match x:\n    case {'a': [1, *_], **rest} | A(b=None) as q if r: pass", "with (a as b, c): pass", "try: pass\nexcept* (A, B) as e: raise C from e\nelse: 0\nfinally: 1",
           "f'a{b!r:>{c}}{{}}{d=}'", "@dec\nclass A(B, metaclass=C): x: int = 3", "for (a, *b), c in d: continue\nelse: break", "global q; other = b'\\x00\\'' b'\"'[0]", "(a := b, {**c, 1: 2}, {3, *d})",
           "x = 1_000 + 0xff + 1e400 - 1j", "del a, b[c], (d.e)", "assert a, b", "from .. import a as b, c", "a < b <= c is not d not in e", "async def f():\n  async with a: await b\n  return", "print((1,), (), [], {})"]
for source in SOURCES:
    tree = ast.parse(source)
    print(source, "=>", ast.unparse(tree), "=>", ast.dump(tree), sep="\n")
print(ast.dump(ast.parse("a + 1", mode="eval"), indent=2, include_attributes=True))
for text in ("[1, -2.5, 'x', b'y', None, True, {1: (2,)}, {3}, 1+2j, ...]", "f()", "a", "1 + 1", "{**a}", "'x' 'y'", "-'x'", " 1"):
    try:
        print(text, ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError) as error:
        print(text, type(error).__name__, str(error).split(" at 0x")[0].split(" <ast")[0])


class Fold(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant):
            return ast.copy_location(ast.Constant(eval(compile(ast.fix_missing_locations(ast.Expression(node)), "", "eval"))), node)
        return node


print(ast.unparse(Fold().visit(ast.parse("x = 1 + 2 * 3 - y * (4 + 5)"))))
for bad in (ast.Expression(5), ast.Module([ast.Pass()], []), ast.Module([ast.Expr(ast.Name("x", ast.Store(), lineno=1, col_offset=0), lineno=1, col_offset=0)], []),
            ast.Expression(ast.Constant(object, lineno=1, col_offset=0)), 3):
    try:
        compile(bad, "bad", "eval" if isinstance(bad, ast.Expression) else "exec")
    except Exception as error:
        print(type(error).__name__, error)
print(ast.Name("a", lineno=3)._fields, ast.Name._attributes, ast.get_source_segment("x = (1 +\n 2)", ast.parse("x = (1 +\n 2)").body[0].value), sys.version_info[:2])
