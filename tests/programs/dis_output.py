# Disassembly of functions of every kind: instructions, lines, exception tables, flags, closures.
import dis
import inspect
import io
import re
import types


def arithmetic(a, b=2, *c, d=4, **e):
    x = a + b * c[0] // d ** 2 - ~a
    x += 1
    x @= x
    return -x if not x else (x << 3) % 7


def branches(n):
    while n > 0:
        if n % 15 == 0 and n is not None or n in (1, 2, 3):
            n -= 1
            continue
        elif 1 < n <= 5:
            break
        n //= 2
    else:
        return None
    return n, [n], {n}, {n: n}, n[1:2], f"{n!r:>10}{n}"


def handlers(path):
    try:
        with open(path) as stream, stream as other:
            return other.read()
    except (OSError, ValueError) as error:
        raise RuntimeError("bad") from error
    except Exception:
        pass
    finally:
        print("done")


def groups():
    try:
        pass
    except* ValueError as e:
        print(e)
    except* TypeError:
        raise


def closures(a):
    b = a

    def inner(c):
        nonlocal b
        b += c
        return lambda: (a, b, c)
    return inner, [x * a for x in range(b) if x], {x: y for x, y in zip(a, b)}, (z async for z in a)


def generator(items):
    received = yield 1
    yield from items
    for i, (j, *k) in enumerate(items):
        yield i, j, k
    return received


async def coroutine(a):
    async with a as b:
        await b
    async for c in a:
        yield c
    d = [e async for e in a if await e]
    return


def matching(subject):
    match subject:
        case 0 | "zero" | None:
            return 1
        case [1, x, *rest] if x:
            return rest
        case {"k": v, **others}:
            return v, others
        case str(s) | int(real=s):
            return s
        case _:
            return subject


class Class:
    """A docstring."""
    attribute: int = 3
    __slots__ = ("a",)

    def method(self, *, key: str = "x") -> None:
        super().method(key=key, *[1], **{"z": 2})
        self.a.b = self.a[key]
        del self.a, key
        global something
        something = __class__
        assert self, "message"


def calls(f):
    f(1, *[2], a=3)
    f.m(1, b=2).n()
    print(f[1, 2], f[..., None], end="")
    import os.path as p, sys
    from os import path, sep as s
    f.x, (f.y, *f.z) = p, sys
    return (lambda a, /, b=1, *c: a)(*f), not f, f"{f=}", 1 if f else 2, f < 1 < 2, f is None, f not in f


MODULE = '''"""Docstring."""
from __future__ import annotations
import a.b.c
x: int = 1
y = z = x, 2
for i in range(3):
    if i: del y
try: raise E
except: pass
class K(metaclass=M): pass
@d
def f(): pass
print(*x, **{})
x[0:1] += 2
'''


def show(title, thing):
    print(f"==== {title}")
    stream = io.StringIO()
    dis.dis(thing, file=stream)
    text = stream.getvalue()
    import re
    print(re.sub(r"0x[0-9a-f]{6,}", "0x", text))


for thing in (arithmetic, branches, handlers, groups, closures, generator, coroutine, matching, Class, calls):
    show(thing.__name__, thing)
show("module", compile(MODULE, "<module>", "exec"))
show("optimised", compile("assert x; __debug__; 'unused'; 5", "<o>", "exec", optimize=2))
show("expression", "a.b[c](d) or e")
show("folded", "x = 2 * 3 + 4, 'a' * 5, (1, 2)[0], -1, not 0, 'a' in ('b', 'c'), [1, 2, 3], {1, 2}")
for function in (arithmetic, closures, coroutine, generator):
    print(re.sub(r"0x[0-9a-f]{6,}", "0x", dis.code_info(function)))
    code = function.__code__
    print(code.co_exceptiontable.hex(), list(code.co_lines())[:4], code.co_flags, code.co_qualname, code.co_linetable.hex())
for instruction in list(dis.get_instructions(handlers))[:12]:
    print(instruction._replace(positions=tuple(instruction.positions)))
print([hex(value) for value in handlers.__code__.co_code[:20]], list(handlers.__code__.co_positions())[:6])
print(dis.stack_effect(dis.opmap["BUILD_LIST"], 5), dis.stack_effect(dis.opmap["FOR_ITER"], 2, jump=True), dis.findlinestarts(arithmetic.__code__) is not None)
print(sorted(dis.opmap.items(), key=lambda item: item[1]), dis.hasjrel, dis.hasname, dis.hasfree)
replaced = types.FunctionType(arithmetic.__code__.replace(co_name="renamed", co_consts=(None, 1, 3, 7, 2)), {})
print(replaced.__code__.co_name, inspect.getsource(groups).count("\n"))
try:
    replaced("x")
except Exception as error:
    stream = io.StringIO()
    dis.distb(error.__traceback__, file=stream)
    print([line for line in stream.getvalue().splitlines() if "-->" in line])
dis.show_code(lambda x: x)
