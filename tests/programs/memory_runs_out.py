"""Every allocation of small programs fails in turn, alone or with all that follow: MemoryError, and never a crash."""
import os
import signal

import _testcapi


def attributes():
    class Point:
        def __init__(self, x):
            self.x = x

        @property
        def double(self):
            return self.x * 2

    class Named(Point):
        __slots__ = ("name",)

    point = Named(10**20)
    point.name = "n" * 100
    return point.double, repr(point), vars(point)


def exceptions():
    def fail(depth):
        if depth == 0:
            raise ValueError("deep")
        try:
            fail(depth - 1)
        except ValueError as error:
            raise KeyError(depth) from error

    try:
        fail(4)
    except Exception as error:
        return repr(error), error.__cause__, error.__traceback__.tb_frame.f_locals


def generators():
    def inner(n):
        try:
            yield from range(n)
        finally:
            pass

    def outer(n):
        yield from inner(n)

    return list(outer(5)), sum(x for x in inner(4)), {n: str(n) for n in inner(20)}


def survives(function, start, stop):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        code = 0
        try:
            _testcapi.set_nomemory(start, stop)
            try:
                function()
            finally:
                _testcapi.remove_mem_hooks()
        except MemoryError:
            code = 1
        except BaseException:
            code = 2
        os._exit(code)
    return os.waitpid(child, 0)[1]


for function in attributes, exceptions, generators:
    for stop_after in (1, 0):
        quiet, number, failures, crashes = 0, 1, 0, []
        while quiet < 10:
            status = survives(function, number, number + 1 if stop_after else 0)
            quiet = quiet + 1 if status == 0 else 0
            failures += os.WIFEXITED(status) and os.WEXITSTATUS(status) != 0
            if os.WIFSIGNALED(status):
                crashes.append((number, os.WTERMSIG(status)))
            number += 1
        print(function.__name__, "with all that follow" if not stop_after else "alone", failures > 0, crashes)
