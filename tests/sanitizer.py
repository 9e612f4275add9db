"""Running the tests with an interpreter that AddressSanitizer and UndefinedBehaviorSanitizer watch.

Such an interpreter is several times slower and its C frames are several times larger, so that time limits and the stack
grow. A report of a sanitizer fails the test during which it was written, whatever the test itself says about it: reports
go to files, because a program under test may hide its child's output.

tests/sanitizer_skips.txt holds what cannot work under the sanitizers, a line each: a program (`programs/NAME`), a suite
module (`suite/NAME`) or the id of one of its tests, a tab, and the reason.
"""
import glob
import os
import resource

HERE = os.path.dirname(os.path.abspath(__file__))
STACK_SIZE = 512 << 20  # bytes
TIME_SCALE = 10

enabled = False


def enable():
    """Prepare this process and its children for an interpreter of the sanitizer build."""
    global enabled
    enabled = True
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    soft = STACK_SIZE if hard == resource.RLIM_INFINITY else min(STACK_SIZE, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))


def time_limit(seconds):
    return seconds * TIME_SCALE if enabled else seconds


def environment(folder, leaks=False):
    """Variables that send the sanitizers' reports to files in `folder`. With `leaks`, LeakSanitizer looks at what is left when
    the process ends."""
    if not enabled:
        return {}
    found = {name: f"{os.environ[name]}:{option}" if os.environ.get(name) else option
             for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") for option in [f"log_path={folder}/sanitizer-report"]}
    if leaks:
        found["ASAN_OPTIONS"] += ":detect_leaks=1"
    return found


def reports(folder):
    """Return the beginning of every report in `folder` as one text, empty if there is none."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "sanitizer-report*"))):
        with open(path, encoding="utf-8", errors="replace") as stream:
            text = stream.read(20000)
        if "ERROR: " in text or "runtime error: " in text:  # there are warnings, about refused allocations, too
            found.append(text)
    return "\n".join(found)


def skips():
    """Return {what: reason} of tests/sanitizer_skips.txt; nothing unless enabled."""
    found = {}
    if enabled:
        with open(os.path.join(HERE, "sanitizer_skips.txt"), encoding="utf-8") as stream:
            for line in stream:
                if line.strip() and not line.startswith("#"):
                    what, _, reason = line.rstrip("\n").partition("\t")
                    found[what] = reason
    return found
