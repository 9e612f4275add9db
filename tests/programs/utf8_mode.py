"""When UTF-8 mode is on, and the encodings that follow from it."""
import os
import subprocess
import sys

CODE = ("import io, sys; print(sys.flags.utf8_mode, io.text_encoding(None), sys.stdout.encoding, sys.stdout.errors, "
        "open('/dev/null').encoding, sys.getfilesystemencoding())")


def run(options, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    process = subprocess.run([sys.executable, *options, "-c", CODE], env=environment | variables, capture_output=True, text=True)
    print(options, variables, process.returncode, process.stdout.strip(), process.stderr.strip())


for options in (["-X", "utf8"], ["-Xutf8=1"], ["-X", "utf8=0"], ["-X", "utf8=0", "-X", "utf8"], ["-X", "utf8", "-X", "utf8=0"],
                ["-X", "utf8=2"], ["-X", "utf8="]):
    run(options, LC_ALL="C.UTF-8")
for mode in ("0", "1", "yes"):
    for options in ([], ["-E"], ["-I"], ["-X", "utf8=0"]):
        run(options, LC_ALL="C.UTF-8", PYTHONUTF8=mode)
for locale in ("C", "POSIX", "C.UTF-8"):
    run([], LC_ALL=locale)
    run([], LANG=locale)
    run([], LC_CTYPE=locale, PYTHONCOERCECLOCALE="0", PYTHONUTF8="1")
run(["-X", "int_max_str_digits=700", "-X", "int_max_str_digits=2"], LANG="C.UTF-8")
for encoding in ("latin1", "UTF8", "ascii:replace", ":ignore"):
    run([], LC_ALL="C.UTF-8", PYTHONIOENCODING=encoding)
