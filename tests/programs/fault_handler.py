# A fault ends the process by its signal, after the fault handler has shown where.
import subprocess
import sys

for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT"):
    code = f"import os, signal\ndef fault():\n    os.kill(os.getpid(), signal.{name})\nfault()"
    process = subprocess.run([sys.executable, "-X", "faulthandler", "-c", code], capture_output=True, text=True, timeout=50)
    print(name, process.returncode)
    for line in process.stderr.splitlines():
        print("   ", "Current thread:" if line.startswith("Current thread") else line)
