"""The body of a .pyc, to the byte: with the marks of shared objects too."""
import hashlib
import marshal
import os

SOURCES = [
    "x = '.'\ny = ('.', '-', 'a', '')\nprint(f'{x}.')\n",
    "def f(a, b=('x', 1.5, b'.')):\n    'Text.'\n    return {'x': a, '.': b, '\\n': 2**70}\n",
    "class C:\n    a: int = 1\n    def m(self):\n        return super().m() in {'one', 'two', '-'}\n",
    "import a.b.c as d\nfrom . import *\n",
]
for source in SOURCES:
    print(marshal.dumps(compile(source, 'source.py', 'exec')).hex())
folder = os.path.dirname(os.__file__)
for name in ('argparse', 'ast', 'csv', 'dataclasses', 'gettext', 'inspect', 'json/decoder', 'opcode', 'os', 'typing'):
    with open(f'{folder}/{name}.py', encoding='utf-8') as stream:
        code = compile(stream.read(), 'source.py', 'exec')
    print(name, hashlib.sha256(marshal.dumps(code)).hexdigest())
