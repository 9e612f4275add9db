# Context managers, exception groups and notes, warnings, traceback and sys.exc_info.
import contextlib
import io
import os
import sys
import traceback
import warnings


@contextlib.contextmanager
def tracked(name, swallow=()):
    print("enter", name)
    try:
        yield name.upper()
    except swallow as error:
        print("swallowed", repr(error), "in", name)
    finally:
        print("leave", name)


class Resource:
    def __init__(self, name, fail=None):
        self.name, self.fail = name, fail

    def __enter__(self):
        if self.fail == "enter":
            raise RuntimeError(f"{self.name} does not open")
        return self

    def __exit__(self, kind, error, trace):
        print("exit", self.name, kind and kind.__name__, error)
        if self.fail == "exit":
            raise RuntimeError(f"{self.name} does not close")
        return self.fail == "swallow"


def contexts():
    with tracked("a") as a, tracked("b", (KeyError,)) as b:
        print(a, b)
        raise KeyError("k")
    for plan in ((None, None), ("exit", None), (None, "exit"), ("enter", None), (None, "enter"), ("swallow", "exit")):
        try:
            with Resource("outer", plan[0]), Resource("inner", plan[1]):
                if plan[0] != "enter":
                    raise ValueError("body")
            print("went on")
        except Exception as error:
            print("caught", repr(error), "context", repr(error.__context__), "cause", repr(error.__cause__))
    with contextlib.ExitStack() as stack:
        for n in range(3):
            stack.enter_context(Resource(n))
        stack.callback(print, "callback", end="!\n")
        stack.push(lambda kind, error, trace: kind is not None)
        kept = stack.pop_all()
        print("nothing closed yet")
    kept.close()
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
        print("hidden")
        print("error", file=sys.stderr)
    print(repr(output.getvalue()))
    with contextlib.suppress(ZeroDivisionError), contextlib.closing(io.StringIO()) as stream, contextlib.nullcontext(5) as five:
        print(five)
        1 / 0
    print(stream.closed)

    @tracked("decorator")
    def decorated(x):
        return x * 2

    print(decorated(4), decorated(5))
    for call in (lambda: tracked("x").__exit__(None, None, None), lambda: exec("with 5: pass"), lambda: exec("with Resource: pass", globals()), lambda: contextlib.ExitStack().enter_context(3)):
        try:
            call()
        except Exception as error:
            print(type(error).__name__, error)
    with contextlib.chdir("/"):
        print(os.getcwd())


def groups():
    def raise_all(*errors):
        caught = []
        for error in errors:
            try:
                raise error
            except Exception as e:
                caught.append(e)
        raise ExceptionGroup("several", caught)

    for errors in ((ValueError(1),), (ValueError(1), KeyError("k")), (OSError(2, "x"), ExceptionGroup("in", [ValueError(2), TypeError(3)])), (IndexError(5),)):
        try:
            try:
                raise_all(*errors)
            except* (ValueError, KeyError) as group:
                print("first", group.exceptions, group.message)
            except* TypeError as group:
                print("second", repr(group))
                raise
            except* OSError:
                raise NameError("new") from None
            else:
                print("not reached")
            finally:
                print("finally")
        except BaseException as error:
            print("left", repr(error), [repr(e) for e in getattr(error, "exceptions", ())])
    try:
        raise ValueError("plain")
    except* ValueError as group:
        print(repr(group), group.exceptions[0].__traceback__ is not None)
    group = ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", [KeyError(2), ValueError(3)])])
    group.add_note("noted")
    print(group.subgroup(KeyError), group.split(ValueError), group.derive([TypeError()]), group.subgroup(lambda e: e.args == (3,)).__notes__, group.split(OSError)[0])
    for arguments in (("m",), ("m", []), ("m", [1]), (1, [ValueError()]), ("m", [KeyboardInterrupt()]), ("m", 5)):
        try:
            print(ExceptionGroup(*arguments))
        except Exception as error:
            print(type(error).__name__, error)
    print(repr(BaseExceptionGroup("b", [ValueError()])), type(BaseExceptionGroup("b", [SystemExit()])).__name__, BaseExceptionGroup.__mro__[1].__name__, ExceptionGroup.__bases__[1].__name__)


def warned():
    def old():
        warnings.warn("old() is old", DeprecationWarning, stacklevel=2)

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        old()
        old()
        warnings.warn_explicit("explicit", UserWarning, "file.py", 12, source=[])
        warnings.warn(RuntimeWarning("instance"))
        print([(str(w.message), w.category.__name__, os.path.basename(w.filename), w.lineno > 0) for w in seen])
    for action in ("error", "ignore", "once", "default", "module"):
        with warnings.catch_warnings(record=True) as seen:
            warnings.resetwarnings()
            warnings.filterwarnings(action, message="o.d", category=DeprecationWarning)
            try:
                for _ in range(3):
                    old()
            except DeprecationWarning as error:
                print("raised", error)
            print(action, len(seen))
    print(warnings.formatwarning("text", UserWarning, "f.py", 3, "code line"), end="")
    for arguments in (("x", int), (5, UserWarning, "x"), ()):
        try:
            warnings.warn(*arguments)
        except TypeError as error:
            print(error)
    warnings.warn("to standard error")
    warnings.showwarning("shown", UserWarning, "f.py", 1, sys.stdout)


def traces():
    def inner(depth):
        if depth:
            return inner(depth - 1)
        value = [1, 2]
        return value[5] + undefined

    try:
        try:
            inner(2)
        except IndexError as error:
            error.add_note("a note")
            raise LookupError("outer") from error
    except LookupError as error:
        print(traceback.format_exc())
        summary = traceback.TracebackException.from_exception(error, capture_locals=True)
        print("".join(summary.format()).count("\n"), [frame.name for frame in summary.__cause__.stack], summary.__cause__.stack[-1].locals["value"])
        print(traceback.extract_tb(error.__traceback__)[0].line, traceback.format_exception_only(error), sys.exc_info()[0].__name__, sys.exception() is error)
        print("".join(traceback.format_list(traceback.extract_stack(limit=1))))
        traceback.print_exception(error, limit=1, chain=False, file=sys.stdout)
    print(sys.exc_info(), sys.exception())
    try:
        inner.nothing
    except AttributeError as error:
        print(error.name, error.obj is inner, traceback.format_exception_only(error))
    try:
        prnt(1)
    except NameError as error:
        print("".join(traceback.TracebackException.from_exception(error).format_exception_only()), error.name)


for part in (contexts, groups, warned, traces):
    print("--", part.__name__)
    part()
