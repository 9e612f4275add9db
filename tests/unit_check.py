"""C unit tests: the executables that the build made of tests/unit/."""
import glob
import os
import subprocess

import sanitizer


def check(path):
    process = subprocess.run([path], capture_output=True, text=True, errors="replace", timeout=sanitizer.time_limit(300))
    return None if process.returncode == 0 else process.stdout[-2000:] + process.stderr[-2000:]


def tests(krait):
    for path in sorted(glob.glob(os.path.join(os.path.dirname(krait), "unit-*"))):
        if os.access(path, os.X_OK) and os.path.isfile(path):
            yield "unit/" + os.path.basename(path)[5:], lambda path=path: check(path)
