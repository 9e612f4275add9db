# Nested exception groups, uncaught, with notes, causes, more exceptions than are shown, and a syntax error inside.
def make(kind, *arguments):
    try:
        raise kind(*arguments)
    except Exception as error:
        return error


def syntax(text):
    try:
        compile(text, "<inside>", "exec")
    except SyntaxError as error:
        return error


def collect():
    inner = ExceptionGroup("inner", [make(KeyError, "k"), make(OSError, 2, "No such thing", "file.txt"), syntax("x = (1,\n  2 3)")])
    inner.add_note("note on the inner group")
    many = ExceptionGroup("many", [ValueError(n) for n in range(20)])
    deep = ValueError("deepest")
    for level in range(14):
        deep = ExceptionGroup(f"level {level}", [deep, TypeError(level)])
    return inner, many, deep


def run():
    inner, many, deep = collect()
    try:
        raise BaseExceptionGroup("stopped", [make(UnicodeDecodeError, "ascii", b"\xff", 0, 1, "bad"), KeyboardInterrupt(), inner, many])
    except* KeyError as part:
        print("keys", repr(part), part.derive([ValueError()]), part.exceptions[0].exceptions)
    except* UnicodeError as part:
        print("unicode", part.exceptions)
        raise LookupError("raised while handling a part")
    except* OSError as part:
        raise
    finally:
        print("finally")
        print(repr(deep)[:60], deep.subgroup(ValueError).message, deep.split(lambda e: False)[0])


try:
    raise collect()[2] from ExceptionGroup("cause", [StopIteration(5)])
except ExceptionGroup as group:
    print(len(group.exceptions), group)
    run()
