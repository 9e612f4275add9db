# Subprocesses: pipelines, redirection, environments, exit codes, signals, timeouts, large data both ways.
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from subprocess import DEVNULL, PIPE, STDOUT

PYTHON = sys.executable


def python(code, *arguments, **keywords):
    return subprocess.run([PYTHON, "-c", textwrap.dedent(code), *arguments], **{"capture_output": True, "text": True, **keywords})


def show(title, process):
    print(f"{title}: {process.returncode} {process.stdout!r} {process.stderr!r}")


def pipeline(*commands, data=None):
    processes, source = [], PIPE
    for command in commands:
        process = subprocess.Popen(command, stdin=source, stdout=PIPE)
        if processes:
            processes[-1].stdout.close()
        source = process.stdout
        processes.append(process)
    processes[0].stdin.write(data)
    processes[0].stdin.close()
    output = processes[-1].stdout.read()
    processes[-1].stdout.close()
    return output, [process.wait() for process in processes]


text = "\n".join(f"{n % 7} line {n}" for n in range(2000)).encode() + b"\n"
print(pipeline(["grep", "^[35]"], ["sort", "-k3", "-n", "-r"], ["head", "-3"], data=text)[0])
upper = [PYTHON, "-c", "import sys\nfor line in sys.stdin: sys.stdout.write(line.upper())"]
count = [PYTHON, "-c", "import sys, collections as c\nprint(sorted(c.Counter(l[0] for l in sys.stdin).items()))"]
print(pipeline(upper, ["tail", "-n", "+100"], count, data=text))
print(subprocess.run("echo one two; echo three >&2; exit 3", shell=True, capture_output=True))
show("argv", python("import sys; print(sys.argv)", "a b", "", "*", "ü\udcff"))
show("stdin", python("print(input('? '), end='')", input="line one\nline two\n"))
show("merged", python("import sys; print('out', flush=True); print('err', file=sys.stderr)", capture_output=False, stdout=PIPE, stderr=STDOUT))
show("environment", python("import os; print(sorted(k for k in os.environ if k != 'LC_CTYPE'), os.environ['SNAKE'])", env={"SNAKE": "krait 🐍", "PYTHONUTF8": "1"}))
show("folder", python("import os; print(os.getcwd())", cwd="/usr/share"))
show("universal", python(r"import sys; sys.stdout.write('a\r\nb\rc\n')"))
show("bytes", python("import sys; sys.stdout.buffer.write(bytes(range(256))[120:140])", text=False))
show("latin", python("import sys; sys.stdout.buffer.write(b'caf\\xe9')", text=None, encoding="latin-1"))
for code in ("0", "7", "256 + 9", "-1", "None", "'message'", "[1, 2]", "True", "2.5", "()"):
    show(f"exit({code})", python(f"import sys; sys.exit({code})"))
show("signal", python("import os, signal; os.kill(os.getpid(), signal.SIGTERM)"))
show("abort", python("import os; os._exit(5)"))
for call, arguments in ((subprocess.check_output, (["false"],)), (subprocess.run, (["/no/such/program"],)), (subprocess.run, (["/etc"],)),
                        (subprocess.run, ([],)), (subprocess.run, (["a\0b"],)), (subprocess.run, ("ls -l",)), (subprocess.check_call, ("exit 4",))):
    try:
        print(call(*arguments, shell=call is subprocess.check_call))
    except Exception as error:
        print(type(error).__name__, error)
try:
    subprocess.run([PYTHON, "-c", "import sys, time; print('early', flush=True); time.sleep(60)"], capture_output=True, timeout=1)
except subprocess.TimeoutExpired as error:
    print("timeout", error.stdout, error.timeout)
process = subprocess.Popen(["sleep", "60"])
print(process.poll(), process.args)
process.send_signal(signal.SIGINT)
print(process.wait(), repr(process))
process = subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE, text=True, bufsize=1)
with process:
    for word in ("first", "second"):
        process.stdin.write(word + "\n")
        print(repr(process.stdout.readline()))
    print(process.communicate("rest"))
print(process.returncode)
big = os.urandom(1) * 3_000_000
process = subprocess.Popen(["cat"], stdin=PIPE, stdout=PIPE, stderr=PIPE)
output, errors = process.communicate(big)
print(output == big, len(output), errors)
script = "import sys\nwhile data := sys.stdin.buffer.read(1 << 16):\n    sys.stdout.buffer.write(data[::-1]); sys.stderr.write('.')"
process = subprocess.run([PYTHON, "-c", script], input=bytes(1 << 20), capture_output=True)
print(len(process.stdout), process.stderr)
with open("out.txt", "w+") as stream:
    subprocess.run(["printf", "%s-", "x", "y"], stdout=stream)
    stream.seek(0)
    print(stream.read(), subprocess.getstatusoutput("exit 12"), subprocess.getoutput("echo ' spaced '"))
read, write = os.pipe()
process = subprocess.Popen([PYTHON, "-c", f"import os; os.write({write}, b'through')"], pass_fds=[write])
os.close(write)
print(os.read(read, 100), process.wait(), os.read(read, 100))
os.close(read)
print(shlex.split("a 'b c' \"d\\\"e\" f\\ g # h", comments=True), shlex.join(["a b", "c'd", ""]), shlex.quote("$x"))
print(list(shlex.shlex("x=1; y>2 && 'z'", punctuation_chars=True)))
child = os.fork()
if child == 0:
    os._exit(42)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.stdout.flush()
child = os.fork()
if child == 0:
    print("in the child")
    sys.exit(3)
print("child ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(subprocess.CompletedProcess("x", 1, b"o", None), DEVNULL)
