# args: unused --option
# Many command lines for one argparse tool, good and bad, with their exit codes.
import contextlib
import io
import sys

from support.taskbook import build_parser, main

LINES = [
    "list", "add buy mice -t food --tag snake --due 2026-02-28 --set price=3 where=shop", "new -d 2026-13-01 nothing", "add x --set broken",
    "list --sort due --reverse --width 10", "list --tag food home", "list --tag food --untagged", "done 2", "done 9", "done", "list --no-reverse",
    "-vv list --so title", "-v done --secret s 1", "frobnicate", "", "add", "list --width wide", "list extra", "add -t", "add -h", "done --help",
    "add -- --title starting with dashes", "list @arguments.txt", "list @missing.txt", "list --ver",
]
with open("arguments.txt", "w") as stream:
    stream.write("--width\n5\n--reverse\n")
print(sys.argv[1:])
for line in LINES:
    print("$ taskbook", line)
    errors = io.StringIO()
    code = 0
    with contextlib.redirect_stderr(errors):
        try:
            main(line.split())
        except SystemExit as stop:
            code = stop.code
    print(errors.getvalue(), end="")
    print("->", code)
parser = build_parser()
print(parser.parse_known_args(["list", "--unknown", "5"])[1], repr(parser)[:60])
print(parser.format_usage(), parser.get_default("verbose"))
