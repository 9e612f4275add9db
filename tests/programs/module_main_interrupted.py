"""A program run by -m that Ctrl-C ends dies of the signal, as its parent sees it."""
import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "interrupted.py"), "w") as stream:
        stream.write("raise KeyboardInterrupt\n")
    done = subprocess.run([sys.executable, "-m", "interrupted"], cwd=folder, stderr=subprocess.PIPE, text=True)
    print(done.returncode, done.stderr.splitlines()[-1])
