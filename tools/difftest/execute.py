"""Run the cases of a batch and print what each one does. Both interpreters run this file.

Usage: PYTHON execute.py BATCH [FIRST]

BATCH is a JSON list of sources. Before a case its number is printed after a control character, so that the parent can
tell the outputs apart and knows which case ended the process. A case prints by itself; `show(value)` prints a value with
its type, sets in a fixed order, long texts shortened.
"""
import json
import resource
import signal
import sys

MEMORY = 1 << 28  # bytes of address space beyond what the interpreter has now
SECONDS = 1.5  # of processor time for a case; then the process ends by a signal
LONGEST = 400  # characters shown of a text

sys.setrecursionlimit(400)


def render(value, depth=0):
    kind = type(value)
    if depth > 6:
        return "..."
    if kind in (set, frozenset):
        return f"{kind.__name__}({{{', '.join(sorted(render(item, depth + 1) for item in value))}}})"
    if kind is list:
        return "[" + ", ".join(render(item, depth + 1) for item in value[:50]) + f"]{len(value)}"
    if kind is tuple:
        return "(" + ", ".join(render(item, depth + 1) for item in value[:50]) + ",)"
    if kind is dict:
        items = list(value.items())[:50]
        return "{" + ", ".join(f"{render(k, depth + 1)}: {render(v, depth + 1)}" for k, v in items) + "}"
    if kind is memoryview:
        return f"memoryview {value.format} {value.shape} {value.tolist()!r}"
    text = f"{kind.__name__} {value!r}"
    if " at 0x" in text:
        text = text[:text.index(" at 0x")]
    return text if len(text) <= LONGEST else f"{text[:LONGEST // 2]}...{text[-LONGEST // 2:]} ({len(text)})"


def show(*values):
    print(*[render(value) for value in values])


def main(path, first):
    with open(path, encoding="ascii") as stream:
        cases = json.load(stream)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    with open("/proc/self/statm", encoding="ascii") as stream:
        used = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for number in range(first, len(cases)):
        print(f"\x01{number}", flush=True)
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        names = {"__name__": "case", "show": show}
        try:
            exec(compile(cases[number], "<case>", "exec"), names)
        except BaseException as error:
            chain, seen = error, 0
            while chain is not None and seen < 3:
                try:
                    text = str(chain)
                except Exception as wrong:
                    text = f"<{type(wrong).__name__}>"
                if " at 0x" in text:
                    text = text[:text.index(" at 0x")]
                print(f"{type(chain).__name__}: {text[:LONGEST]}")
                chain, seen = chain.__cause__ or chain.__context__, seen + 1


main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
