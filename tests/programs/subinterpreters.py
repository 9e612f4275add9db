"""Interpreters inside the process: own modules, own sys and builtins, plain data passed by channels."""
import sys

import _xxsubinterpreters as interpreters

main = interpreters.get_main()
first, second = interpreters.create(), interpreters.create()
print(main, [int(i) for i in interpreters.list_all()])

interpreters.run_string(first, "import sys, builtins\nsys.marker = 1\nbuiltins.marker = 2\nprint(__name__, len(sys.argv))")
interpreters.run_string(second, "import sys, builtins\nprint(hasattr(sys, 'marker'), hasattr(builtins, 'marker'))")
print(hasattr(sys, "marker"))

channel = interpreters.channel_create()
for value in (None, 7, -7, b"bytes", "text", "\u20ac\U0001f600"):
    interpreters.channel_send(channel, value)
interpreters.run_string(first, """if 1:
    import _xxsubinterpreters as interpreters
    for _ in range(6):
        print(ascii(interpreters.channel_recv(channel)))
    """, {"channel": channel})
for bad in ([], 10**30, 1.5):
    try:
        interpreters.channel_send(channel, bad)
    except Exception as error:
        print(type(error).__name__, error)

try:
    interpreters.run_string(second, "import json\njson.loads('{')")
except interpreters.RunFailedError as error:
    print("failed:", error)

for code in ("import os; os.fork()", "import threading; threading.Thread(target=int).start()",
             "import signal; signal.signal(2, signal.SIG_DFL)"):
    try:
        interpreters.run_string(second, code)
    except interpreters.RunFailedError as error:
        print("refused:", error)

interpreters.destroy(first)
interpreters.destroy(second)
print([int(i) for i in interpreters.list_all()])
try:
    interpreters.run_string(first, "1")
except RuntimeError as error:
    print(error)
