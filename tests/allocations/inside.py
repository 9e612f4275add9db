"""Make every allocation of the programs beside this file fail in turn. Runs under the interpreter that is examined.

Usage: krait -B inside.py [--every K] [--only PATTERN] [--from N] [--to N] [--mode alone|following]

A file NAME.py holds programs, each headed by a line `#: TITLE`, which run as modules of their own. A program may set
`result`. For every number N the program runs while allocation N fails, and again while N and all that follow fail until an
exception leaves the program. The run must end in MemoryError, or as it ends without failures. Afterwards the program must
work, and repeating the failure must not leave more blocks or references each time.

The runs happen in child processes, each of which takes up where the one before it crashed or grew too old. A debug build
counts allocations itself (sys._fail_allocations); others need _testcapi, whose hooks count too but do not tell.
"""
import array
import fnmatch
import gc
import glob
import io
import mmap
import os
import shutil
import signal
import struct
import sys
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TIME_LIMIT = 10      # seconds, of one run and its repetitions
RUNS_OF_A_CHILD = 400
REPETITIONS = 5
SHOWN = 40           # problems of one program

if hasattr(sys, "_fail_allocations"):
    def count_allocations(function):
        sys._fail_allocations(sys.maxsize, 0)
        function()
        return sys._fail_allocations(0, 0)

    def attempt(function, start, stop):
        """Run with failures; return the exception that came out, or None."""
        caught = None
        arm = sys._fail_allocations
        try:
            arm(start, stop)
            try:
                function()
            finally:
                arm(0, 0)
        except BaseException as error:
            caught = error
        return caught
else:
    import _testcapi

    def attempt(function, start, stop):
        caught = None
        arm, disarm = _testcapi.set_nomemory, _testcapi.remove_mem_hooks
        try:
            arm(start, stop)
            try:
                function()
            finally:
                disarm()
        except BaseException as error:
            caught = error
        return caught

    def count_allocations(function):
        """The largest number whose failure, with all that follow, shows."""
        low, high = 1, 2
        while attempt(function, high, 0) is not None:
            low, high = high, high * 2
        while low < high:
            middle = (low + high) // 2
            if attempt(function, middle, 0) is None:
                high = middle
            else:
                low = middle + 1
        return low


def read_programs():
    """Yield (name, source) of all programs."""
    for path in sorted(glob.glob(os.path.join(HERE, "*.py"))):
        with open(path, encoding="utf-8") as stream:
            parts = stream.read().split("\n#: ")
        for part in parts[1:]:
            title, _, source = part.partition("\n")
            yield f"{os.path.basename(path)[:-3]}/{title}", source


def memory_error(error):
    """True for a MemoryError, for what was raised from one, and for a group of exceptions with one."""
    if isinstance(error, BaseExceptionGroup):
        return any(map(memory_error, error.exceptions))
    return isinstance(error, MemoryError) or error.__cause__ is not None and memory_error(error.__cause__)


def mentions_memory(result):
    """True for the result of a program that has met a MemoryError itself."""
    return isinstance(result, str) and "MemoryError" in result


def describe(error):
    try:
        return "".join(traceback.format_exception(error))[-1500:]
    except BaseException:
        return type(error).__name__


class Examination:
    """One program, whose allocations fail."""

    def __init__(self, name, source):
        self.name = name
        self.code = compile(source, os.path.join(HERE, name), "exec", dont_inherit=True)
        self.strange = []  # exceptions that could not be raised and are no MemoryErrors
        self.expected = None
        for _ in range(3):
            self.expected = self.run()
        sys.unraisablehook = threading.excepthook = self.note
        self.total = count_allocations(self.run)

    def run(self):
        names = {"__name__": "program", "__builtins__": __builtins__}
        exec(self.code, names)
        return names.get("result")

    def note(self, unraisable):
        if unraisable.exc_type and issubclass(unraisable.exc_type, (MemoryError, SystemExit)):
            self.reported = True
        else:
            self.strange.append(unraisable.exc_type)

    def once(self, number, following):
        """Run with a failure; return what was wrong, or None."""
        self.actual = None
        self.reported = False  # a MemoryError that could not be raised: what the program noted may differ
        self.strange.clear()

        def program():
            self.actual = self.run()

        error = attempt(program, number, 0 if following else number + 1)
        actual, self.actual = self.actual, None
        if self.strange:
            return f"reports {self.strange}"
        if error is None and actual != self.expected and not self.reported and not mentions_memory(actual):
            return f"result is {str(actual)[:300]}, not {str(self.expected)[:300]}"
        if error is not None and not memory_error(error):
            return "raises " + describe(error)
        return None

    def level(self):
        """Blocks and references in use."""
        sys._clear_type_cache()
        for _ in range(3):
            gc.collect()
        return array.array("q", [sys.getallocatedblocks(), sum(map(sys.getrefcount, self.watched))])

    def watch(self):
        """Choose the objects whose references are counted: those that exist when no program runs."""
        found = {}
        for thing in self.frozen:
            found[id(thing)] = thing
            for other in gc.get_referents(thing):
                found[id(other)] = other
        for thing in (found, self, self.__dict__, sys._getframe(), self.strange):
            found.pop(id(thing), None)
        self.watched = list(found.values())
        del self.frozen

    def check(self, number, following):
        """What is wrong if an allocation fails, or None."""
        problem = self.once(number, following)
        if problem is not None:
            return problem
        try:
            if self.run() != self.expected:
                return "does not work afterwards"
        except BaseException as error:
            return "afterwards raises " + describe(error)
        self.levels[:2] = self.level()
        if self.levels[0] <= self.settled[0] and self.levels[1] <= self.settled[1]:
            return None
        for i in range(REPETITIONS):
            problem = self.once(number, following)
            if problem is not None:
                return problem + " (when repeated)"
            self.levels[2 * i + 2:2 * i + 4] = self.level()
        self.settled[:] = self.levels[-2:]
        for i, what in enumerate(("blocks", "references")):
            steps = [after - before for before, after in zip(self.levels[i::2], self.levels[i + 2::2])]
            if all(step > 0 for step in steps[-3:]):
                return f"leaks {steps} {what}"
        return None

    def child(self, first, last, every, following, shared, output):
        gc.disable()
        gc.collect()
        self.frozen = gc.get_objects()
        gc.freeze()
        self.watch()
        self.once(sys.maxsize, following)
        self.settled = self.level()
        self.levels = array.array("q", bytes(8 * 2 * (REPETITIONS + 1)))
        for number in range(first, min(last + 1, first + RUNS_OF_A_CHILD * every), every):
            struct.pack_into("q", shared, 0, number)
            signal.alarm(TIME_LIMIT)
            problem = self.check(number, following)
            if problem is not None:
                os.write(output, f"  {self.name} {number}{'-' if following else ''}: {problem}\n".encode(errors="replace"))
                struct.pack_into("q", shared, 8, struct.unpack_from("q", shared, 8)[0] + 1)
        signal.alarm(0)

    def examine(self, every, first, last, modes):
        """Let the allocations fail; return how many failures ended badly."""
        shared = mmap.mmap(-1, 4096)
        last = min(last or self.total, self.total)
        crashes = 0
        for following in modes:
            number = first
            while number <= last and crashes + struct.unpack_from("q", shared, 8)[0] < SHOWN:
                sys.stdout.flush()
                struct.pack_into("q", shared, 0, number)
                process = os.fork()
                if process == 0:
                    code = 1
                    try:
                        self.child(number, last, every, following, shared, 1)
                        code = 0
                    except BaseException as error:
                        os.write(1, ("  the examination itself fails: " + describe(error)).encode(errors="replace"))
                    finally:
                        os._exit(code)
                _, status = os.waitpid(process, 0)
                number = struct.unpack_from("q", shared, 0)[0]
                if status != 0:
                    crashes += 1
                    what = (f"ends by signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else
                            f"ends with code {os.WEXITSTATUS(status)}")
                    print(f"  {self.name} {number}{'-' if following else ''}: {what}", flush=True)
                number += every
        return crashes + struct.unpack_from("q", shared, 8)[0]


def main(arguments):
    options = {"--every": "1", "--only": "*", "--from": "1", "--to": "0", "--mode": "both"}
    options.update(zip(arguments[::2], arguments[1::2], strict=True))
    modes = {"alone": [False], "following": [True], "both": [False, True]}[options["--mode"]]
    if sys.stdout is not sys.__stdout__:
        raise RuntimeError("the standard output is needed")
    failed = 0
    folder = os.environ["TMPDIR"] = f"/tmp/krait-failing-{os.getpid()}"
    os.mkdir(folder)
    try:
        failed = examine_programs(options, modes)
    finally:
        shutil.rmtree(folder)
    return failed > 0


def examine_programs(options, modes):
    failed = 0
    for name, source in read_programs():
        if not fnmatch.fnmatch(name, options["--only"]):
            continue
        process = os.fork()  # so that what a program leaves behind does not change the next
        if process == 0:
            code = 3
            try:
                examination = Examination(name, source)
                problems = examination.examine(int(options["--every"]), int(options["--from"]), int(options["--to"]), modes)
                sys.stdout.write(f"FAIL  {name}: {problems} failures end badly\n" if problems else
                                 f"ok    {name} ({examination.total} allocations)\n")
                code = problems > 0
            except BaseException as error:
                sys.stdout.write(f"FAIL  {name}: {describe(error)}\n")
            finally:
                sys.stdout.flush()
                os._exit(code)
        failed += os.waitpid(process, 0)[1] != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
