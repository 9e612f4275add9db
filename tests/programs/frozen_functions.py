"""Functions of frozen modules, which have not run yet, look and behave as all others."""
import abc
import codecs
import inspect
import marshal
import os
import posixpath
import sys

# What is seen before the first call.
print(os.walk.__doc__.split("\n")[0], os.fwalk.__code__.co_varnames[:4], os.fwalk.__kwdefaults__)
print(posixpath.commonpath.__code__.co_names[:4], posixpath.relpath.__code__.co_consts[1:3])
print(inspect.signature(codecs.open), inspect.signature(os.makedirs))
print([line for *_, line in posixpath.expandvars.__code__.co_lines()][:4], posixpath.expandvars.__code__.co_stacksize)
print(len(list(codecs.iterencode.__code__.co_positions())) > 10, codecs.iterdecode.__code__.co_flags)
print(marshal.loads(marshal.dumps(codecs.getwriter.__code__)) == codecs.getwriter.__code__)
print(hash(os.removedirs.__code__) == hash(os.removedirs.__code__.replace()), os.renames.__code__ == os.removedirs.__code__)
print(posixpath.ismount.__code__.co_exceptiontable == b"", len(posixpath.ismount.__code__.co_linetable) > 50)

# Calls that fail before the body is reached.
for arguments, keywords in (((), {}), ((1, 2, 3, 4, 5, 6), {}), (("x",), {"nothing": 1}), (("x",), {"name": 2})):
    try:
        os.makedirs(*arguments, **keywords)
    except TypeError as error:
        print(error)

# The first call under a tracer.
events = []


def tracer(frame, event, argument):
    events.append((frame.f_code.co_name, event, frame.f_lineno - frame.f_code.co_firstlineno))
    return tracer


sys.settrace(tracer)
posixpath.splitdrive("/a/b")
sys.settrace(None)
print(events)

# Other bodies for a function, and other texts.
def other(p): return "other", p


saved = posixpath.dirname.__doc__ is not None
posixpath.lexists.__code__ = other.__code__
print(posixpath.lexists("x"), posixpath.lexists.__doc__)
os.get_exec_path.__doc__ = "new"
print(os.get_exec_path.__doc__, saved)
del os.get_exec_path.__doc__
print(os.get_exec_path.__doc__)


class Base(abc.ABC):
    @abc.abstractmethod
    def f(self): ...


print(abc.ABCMeta._dump_registry.__doc__, sorted(Base.__abstractmethods__))


# A generator and an exception out of a first call.
print(next(iter(codecs.iterencode(["a", "b"], "utf-8"))))
try:
    codecs.lookup_error("no such handler"), codecs.IncrementalDecoder().decode(b"")
except LookupError as error:
    print(error)
try:
    codecs.IncrementalDecoder().decode(b"")
except NotImplementedError as error:
    print(type(error).__name__, [entry.f_code.co_name for entry in (error.__traceback__.tb_next.tb_frame,)])
