# types.CodeType: construction, replacement, locations, comparison, errors.
import re
import types

Code = types.CodeType


def show(function):
    try:
        print(re.sub("0x[0-9a-f]+", "0x...", repr(function())))
    except BaseException as error:
        print(type(error).__name__, error)


def sample(a, /, b=1, *c, d=2, **e):
    x = [a for q in b]
    try:
        x.y \
            .z(1)
    except ValueError as error:
        raise
    return lambda: (a, x)


code = sample.__code__
for name in sorted(name for name in dir(code) if name.startswith("co_") and name not in ("co_lines", "co_positions")):
    show(lambda: getattr(code, name))
show(lambda: list(code.co_lines()))
show(lambda: list(code.co_positions()))
show(lambda: code.co_lines())
show(lambda: code.co_positions())
show(lambda: code)
show(lambda: [code._varname_from_oparg(i) for i in range(7)])
show(lambda: code._varname_from_oparg(99))
show(lambda: code._varname_from_oparg("x"))
show(lambda: code.__sizeof__() - len(code.co_code) > 100)
show(lambda: code == code.replace() and hash(code) == hash(code.replace()))
for field, value in dict(co_argcount=1, co_posonlyargcount=0, co_kwonlyargcount=0, co_nlocals=7, co_stacksize=77,
                         co_flags=3, co_firstlineno=99, co_code=b"\x97\0S\0", co_consts=(None, 1), co_names=("x",),
                         co_varnames=tuple("abcdefg"), co_freevars=("p", "q"), co_cellvars=("a",), co_filename="f",
                         co_name="n", co_qualname="q", co_linetable=b"", co_exceptiontable=b"").items():
    show(lambda: (field, code.replace(**{field: value}) == code, getattr(code.replace(**{field: value}), field)))
for arguments in (dict(co_argcount=-2), dict(co_nlocals=8), dict(co_code="x"), dict(co_code=b"x"), dict(co_names=(1,)),
                  dict(co_names=[1]), dict(foo=1), dict(co_argcount="x"), dict(co_argcount=1 << 40),
                  dict(co_argcount=70), dict(co_name=b"x"), dict(co_consts=None), dict(co_filename=None)):
    show(lambda: code.replace(**arguments))
show(lambda: code.replace(1))
show(lambda: Code())
show(lambda: Code(x=1))
valid = [0, 0, 0, 0, 0, 0, b"", (), (), (), "f", "n", "q", 1, b"", b""]
for i in range(16):
    for value in (1.5, None):
        arguments = list(valid)
        arguments[i] = value
        show(lambda: Code(*arguments))
for i in range(4):
    arguments = list(valid)
    arguments[i] = -1
    show(lambda: Code(*arguments))
show(lambda: Code(*valid))
show(lambda: Code(*valid, (1,)))
show(lambda: Code(*valid, ("x",), ("y",)).co_freevars)
show(lambda: Code(*valid, 1))
show(lambda: Code(*valid, (), (), ()))


class Text(str):
    pass


show(lambda: type(Code(*valid[:8], (Text("n"),), *valid[9:]).co_names[0]))
show(lambda: code < code)
show(lambda: code == 1)
show(lambda: setattr(code, "co_code", b""))
show(lambda: setattr(code, "co_name", ""))
show(lambda: Code.replace.__text_signature__)


# Constants are merged by type and value.
def constants():
    return 1, 1.0, True, 0.0, -0.0, 1j, (1, 1.0), (True, 1), "a", b"a", ..., 2, 2, "a", (1, 1.0), -0.0


show(lambda: constants.__code__.co_consts)
show(lambda: (lambda: (0.0, -0.0, 0, False, 0j, -0j)).__code__.co_consts)
show(lambda: [type(c).__name__ for c in (lambda: [lambda: 1, lambda: 1]).__code__.co_consts])
show(lambda: (lambda x: x in {1, 2}).__code__.co_consts)
show(lambda: (lambda x: x in [1, "a"]).__code__.co_consts)
show(lambda: compile("x = 'abc'; y = 'abc'; z = ('abc',)", "f", "exec").co_consts)


def swapped(x, y, z):
    a, a = x, y
    b, c, b = x, y, z
    return a, b, c


print(swapped(1, 2, 3)[2])

# Bytecode that somebody made up can be looked at, whatever its first instruction.
for opcode in (254, 255, 253, 3):
    made_up = (lambda: None).__code__.replace(co_code=bytes([opcode, 0]) * 20)
    print(opcode, made_up.co_consts, len(made_up.co_code), made_up == made_up.replace(), made_up.co_names)
