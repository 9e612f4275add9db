"""Compile the modules that every start imports and write them as a C table.

Usage: krait-bootstrap freeze.py OUTPUT.c

The sources are those of the installed standard library; the executable that runs this script compiles them, so the
table always fits the bytecode of the build at hand.
"""
import marshal
import opcode
import sys
import types

LIBRARY = sys._stdlib_dir

# (name in the table, file below the library, is it a package)
MODULES = [
    ("_frozen_importlib", "importlib/_bootstrap.py", False),
    ("_frozen_importlib_external", "importlib/_bootstrap_external.py", False),
    ("zipimport", "zipimport.py", False),
    ("abc", "abc.py", False),
    ("codecs", "codecs.py", False),
    ("io", "io.py", False),
    ("_collections_abc", "_collections_abc.py", False),
    ("_sitebuiltins", "_sitebuiltins.py", False),
    ("genericpath", "genericpath.py", False),
    ("ntpath", "ntpath.py", False),
    ("posixpath", "posixpath.py", False),
    ("os", "os.py", False),
    ("site", "site.py", False),
    ("stat", "stat.py", False),
    ("importlib.util", "importlib/util.py", False),
    ("importlib.machinery", "importlib/machinery.py", False),
    ("runpy", "runpy.py", False),
    ("encodings", "encodings/__init__.py", True),
    ("encodings.aliases", "encodings/aliases.py", False),
    ("encodings.utf_8", "encodings/utf_8.py", False),
    # What importlib's tests import; the library has no source for some of them.
    ("__hello__", "__hello__.py", False),
    ("__hello_alias__", "__hello__.py", False),
    ("__phello_alias__", "__hello__.py", True),
    ("__phello_alias__.spam", "__hello__.py", False),
    ("__phello__", "__phello__/__init__.py", True),
    ("__phello__.__init__", "__phello__/__init__.py", False),
    ("__phello__.ham", None, True),
    ("__phello__.ham.__init__", None, False),
    ("__phello__.ham.eggs", None, False),
    ("__phello__.spam", "__phello__/spam.py", False),
    ("__hello_only__", "__hello__.py", False),
]

# Names by which importlib knows the bootstrap modules in tracebacks.
SHOWN = {"_frozen_importlib": "importlib._bootstrap", "_frozen_importlib_external": "importlib._bootstrap_external"}


# The types of marshal, and of code whose body is read when it is needed (src/types/code_deferred.c).
TUPLE, CODE, REFERENCE, DEFERRED = b"(", b"c", b"r", b"D"
REFERRED = 0x80  # with a type: the object gets the next number
LEAST_DEFERRED = 24  # bytes of bytecode
CO_OPTIMIZED = 1  # the flag of functions


def numbers(*values):
    return b"".join(int(value).to_bytes(4, "little", signed=True) for value in values)


def write(value, known):
    """Return a constant in the marshal format, the functions in it deferred. `known` numbers the strings written so far."""
    if isinstance(value, str):
        if value in known:
            return REFERENCE + numbers(known[value])
        known[value] = len(known)
        data = marshal.dumps(value)
        return bytes([data[0] | REFERRED]) + data[1:]
    if isinstance(value, types.CodeType):
        is_function = value.co_flags & CO_OPTIMIZED
        return (write_deferred if is_function and len(value.co_code) >= LEAST_DEFERRED else write_code)(value, known)
    if isinstance(value, tuple):
        return TUPLE + numbers(len(value)) + b"".join(write(item, known) for item in value)
    return marshal.dumps(value, 2)  # the last version without references


def variables(code):
    """Return the names of all variables of a frame, and the byte that tells the kind of each."""
    kinds = {name: 0x20 for name in code.co_varnames}
    for name in code.co_cellvars:
        kinds[name] = kinds.get(name, 0) | 0x40
    return (*kinds, *code.co_freevars), bytes(kinds.values()) + b"\x80" * len(code.co_freevars)


def write_code(code, known):
    names, kinds = variables(code)
    objects = (code.co_code, code.co_consts, code.co_names, names, kinds, code.co_filename, code.co_name, code.co_qualname)
    return (CODE + numbers(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_stacksize, code.co_flags)
            + b"".join(write(part, known) for part in objects) + numbers(code.co_firstlineno)
            + write(code.co_linetable, known) + write(code.co_exceptiontable, known))


def write_deferred(code, known):
    names, kinds = variables(code)
    cells = sum(kind & 0x40 != 0 for kind in kinds)
    plain_cells = sum(kind & 0x60 == 0x40 for kind in kinds)
    resume = code.co_code[::2].index(opcode.opmap["RESUME"])
    has_doc = bool(code.co_consts) and isinstance(code.co_consts[0], str)
    body = marshal.dumps(code)
    return (DEFERRED
            + numbers(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_stacksize, code.co_flags,
                      code.co_firstlineno, len(code.co_code) // 2, len(names), code.co_nlocals, plain_cells, cells,
                      len(code.co_freevars), resume, has_doc)
            + b"".join(write(name, known) for name in (code.co_filename, code.co_name, code.co_qualname))
            + numbers(len(body)) + body)


def main(output):
    lines = [
        "/* Frozen modules: made by tools/freeze.py from the installed standard library. */",
        "#include <Python.h>",
        "",
        '#include "import/import.h"',
        "",
    ]
    entries = []
    for name, path, is_package in MODULES:
        try:
            source = b""
            if path is not None:
                with open(f"{LIBRARY}/{path}", "rb") as stream:
                    source = stream.read()
        except FileNotFoundError as error:
            raise SystemExit(f"{error.filename} is missing: install the packages libpython3.11-minimal and "
                             "libpython3.11-stdlib")
        code = compile(source, f"<frozen {SHOWN.get(name, name)}>", "exec", dont_inherit=True, optimize=0)
        data = marshal.dumps(code) if name.startswith("__") else write(code, {})
        identifier = "frozen_" + name.replace(".", "_")
        lines.append(f"static const unsigned char {identifier}[] = {{")
        lines.extend("    " + ",".join(map(str, data[i:i + 32])) + "," for i in range(0, len(data), 32))
        lines.append("};")
        lines.append("")
        entries.append(f'    {{"{name}", {identifier}, sizeof {identifier}, {int(is_package)}, NULL}},')
    lines.append("const struct _frozen kr_frozen_modules[] = {")
    lines.extend(entries)
    lines += ["    {0},", "};", ""]
    with open(output, "w") as stream:
        stream.write("\n".join(lines))


main(sys.argv[1])
