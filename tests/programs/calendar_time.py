"""Calendar time as tuples and text: usual and long formats, plain and odd tuples, arguments that do not fit."""
import os
import time

TUPLE = (2020, 1, 2, 3, 4, 5, 3, 2, 0)


def show(function, *arguments):
    try:
        print(function.__name__, repr(function(*arguments)))
    except Exception as error:
        print(function.__name__, repr(error))


for zone in "UTC", "CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3":
    os.environ["TZ"] = zone
    time.tzset()
    for format in "", "%Y", "%%", "a\0b", "x" * 100, "%Y" * 40, "é %d", "%A %B %j %Z %z":
        show(time.strftime, format, TUPLE)
        show(time.strftime, format, time.localtime(1e9))
    for values in (2020, 13) + TUPLE[2:], (True,) + TUPLE[1:], [1], TUPLE[1:], (2**40,) * 9, (2020, 0, 0, 0, 0, 0, 0, 0, -5), None:
        show(time.strftime, "%Y-%m-%d", values)
        show(time.asctime, values)
        show(time.mktime, values)
    for seconds in 0, 1e9, -1, "x", 2**70, float("nan"):
        show(time.gmtime, seconds)
        show(time.localtime, seconds)
        show(time.ctime, seconds)
show(time.strftime)
show(time.strftime, 1)
show(time.strftime, "%Y", TUPLE, 3)
show(time.gmtime, 1, 2)
