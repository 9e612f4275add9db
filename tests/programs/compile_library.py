# timeout: 600
# Every module of the standard library compiles to the same code objects, at every level of optimisation.
import hashlib
import os
import sys
import types
import warnings

warnings.simplefilter("ignore")
FIELDS = ("co_code", "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_flags", "co_stacksize", "co_name",
          "co_exceptiontable", "co_linetable", "co_firstlineno", "co_qualname", "co_argcount", "co_posonlyargcount",
          "co_kwonlyargcount", "co_nlocals")


def describe(constant):
    if isinstance(constant, types.CodeType):
        return [[getattr(constant, name) for name in FIELDS], [describe(item) for item in constant.co_consts]]
    if isinstance(constant, tuple):
        return [describe(item) for item in constant]
    if isinstance(constant, frozenset):
        return sorted(repr(describe(item)) for item in constant)
    return type(constant).__name__, repr(constant)


library = os.path.dirname(os.__file__)
for folder, folders, files in os.walk(library):
    folders[:] = sorted(name for name in folders if name not in ("__pycache__", "dist-packages"))
    for name in sorted(files):
        if not name.endswith(".py"):
            continue
        path = os.path.join(folder, name)
        short = os.path.relpath(path, library)
        with open(path, "rb") as stream:
            source = stream.read()
        for optimize in (0, 2) if folder == library else (0,):
            try:
                result = describe(compile(source, short, "exec", 0, True, optimize))
            except (SyntaxError, ValueError) as error:
                result = repr(error)
            print(short, optimize, hashlib.sha1(repr(result).encode("utf-8", "surrogatepass")).hexdigest())
