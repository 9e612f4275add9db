"""Describe what the running interpreter makes of source files: one JSON line a file, with digests of every stage.

Usage: INTERPRETER describe.py OUTPUT LIST [STAGE ...]      LIST names a file with one path a line.

Stages: code (each code object, field by field), marshal (the body of the .pyc without marks
of sharing), pyc (with them), ast, symtable, tokens; default all.
A file that does not compile is described by the error instead.
"""
import ast
import hashlib
import json
import marshal
import sys
import symtable
import tokenize
import types
import warnings

STAGES = ("code", "marshal", "pyc", "ast", "symtable", "tokens")
TABLES = ("co_code", "co_linetable", "co_exceptiontable")
VALUES = ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_flags", "co_stacksize", "co_firstlineno", "co_name",
          "co_qualname", "co_names", "co_varnames", "co_cellvars", "co_freevars")


def digest(text):
    return hashlib.md5(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def constant(value):
    """A text that tells constants apart that compare equal, such as 0.0 and -0.0; sets print in order."""
    if isinstance(value, types.CodeType):
        return "code"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(constant, value)) + ")"
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(constant, value))) + "}"
    return f"{type(value).__name__} {value!r}"


def code_objects(code):
    yield code
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            yield from code_objects(value)


def describe_code(code):
    fields = {name: digest(getattr(code, name)) for name in TABLES}
    fields |= {name: getattr(code, name) for name in VALUES}
    fields["co_consts"] = digest(constant(code.co_consts))
    return fields


def describe_table(table):
    text = [table.get_type(), table.get_name(), table.get_lineno(), table.is_optimized(), table.is_nested()]
    for symbol in sorted(table.get_symbols(), key=lambda symbol: symbol.get_name()):
        text.append([symbol.get_name()] + [getattr(symbol, name)() for name in (
            "is_referenced", "is_parameter", "is_global", "is_nonlocal", "is_declared_global", "is_local", "is_annotated",
            "is_free", "is_imported", "is_assigned", "is_namespace")])
    return [text, [describe_table(child) for child in table.get_children()]]


def describe_tokens(path):
    with open(path, "rb") as stream:
        return "\n".join(map(repr, tokenize.tokenize(stream.readline)))


def describe_error(error):
    result = {"error": type(error).__name__, "text": str(error)}
    if isinstance(error, SyntaxError):
        result |= {name: getattr(error, name) for name in ("msg", "lineno", "offset", "end_lineno", "end_offset", "text")}
    return result


def attempt(function):
    try:
        return function()
    except (SyntaxError, ValueError, RecursionError, MemoryError, UnicodeError, tokenize.TokenError) as error:
        return describe_error(error)


def describe(path, source, stages):
    code = attempt(lambda: compile(source, "source.py", "exec", dont_inherit=True))
    result = {}
    if "code" in stages:
        result["code"] = code if isinstance(code, dict) else list(map(describe_code, code_objects(code)))
    if "marshal" in stages and not isinstance(code, dict):
        # Version 2 of the format marks no shared objects: the marks depend on who else holds a reference.
        result["marshal"] = digest(marshal.dumps(code, 2))
    if "pyc" in stages and not isinstance(code, dict):
        result["pyc"] = digest(marshal.dumps(code))
    if "ast" in stages:
        result["ast"] = attempt(lambda: digest(ast.dump(ast.parse(source), include_attributes=True)))
    if "symtable" in stages:
        result["symtable"] = attempt(lambda: digest(json.dumps(describe_table(symtable.symtable(source, "source.py", "exec")))))
    if "tokens" in stages:
        result["tokens"] = attempt(lambda: digest(describe_tokens(path)))
    return result


def main():
    output, paths, *stages = sys.argv[1:]
    warnings.simplefilter("ignore")
    with open(paths, encoding="utf-8") as stream:
        paths = stream.read().splitlines()
    with open(output, "w", encoding="utf-8") as stream:
        for path in paths:
            with open(path, "rb") as source:
                line = {"path": path} | describe(path, source.read(), stages or STAGES)
            stream.write(json.dumps(line, default=repr) + "\n")


main()
