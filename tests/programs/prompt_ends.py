"""What the prompt writes when its input ends: in a new line, after a line without newline, inside a statement."""
import subprocess
import sys

INPUTS = ["", "5", "5\n", "if 1:\n  5\n", "if 1:\n  5", "if 1:\n", "(1,\n2", "'''abc\n", "x", "input()\n", "exit()",
          "raise SystemExit\n", "import sys; sys.ps1 = '@'; sys.ps2 = '%'\nif 1:\n  5", "import sys; sys.stderr = None\n",
          "import io, sys; sys.stderr = saved = io.StringIO()\nif 1:\n  sys.stdout.write(repr(saved.getvalue()))"]

for text in INPUTS:
    process = subprocess.run([sys.executable, "-q", "-i", "-c", "x = 1"], input=text, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    print([text, process.returncode, process.stdout])
