"""Threads, processes, sockets and what the operating system offers."""

#: locks
import threading, queue
lock, rlock, condition, event, local = threading.Lock(), threading.RLock(), threading.Condition(), threading.Event(), threading.local()
class Own(threading.local):
    def __init__(self): self.n = 5
with lock, rlock, rlock, condition:
    local.value = Own().n
    condition.notify_all()
q = queue.Queue(); q.put(1); s = queue.SimpleQueue(); s.put(2)
event.set()
result = q.get(), s.get(), event.wait(1), lock.acquire(timeout=0.01), threading.current_thread().name, repr(lock)[:9], vars(local)

#: low-level-threads
import _thread
done = _thread.allocate_lock()
done.acquire()
def run():
    try:
        [1] * 1000
    finally:
        done.release()
_thread.start_new_thread(run, ())
done.acquire(timeout=0.2)
for call in (lambda: _thread.start_new_thread(5, ()), lambda: done.release() or done.release(), lambda: _thread.RLock().release()):
    try: call()
    except (TypeError, RuntimeError): pass
result = _thread._count() >= 0

#: sockets
import socket, select, selectors
a, b = socket.socketpair()
try:
    a.sendall(b"data"); got = b.recv(10); b.send(b"back"); buffer = bytearray(10); n = a.recv_into(buffer)
    ready = select.select([a], [b], [], 0)
    poll = select.poll(); poll.register(a, select.POLLOUT); events = poll.poll(0)
    epoll = select.epoll(); epoll.register(b); epoll.poll(0); epoll.close()
    with selectors.DefaultSelector() as selector:
        selector.register(a, selectors.EVENT_WRITE, "x"); chosen = [k.data for k, m in selector.select(0)]
    sent = a.sendmsg([b"x", b"y"]); message = b.recvmsg(10)[0]
    a.settimeout(0.001)
    try: a.recv(1)
    except TimeoutError as error: late = str(error)
    with a.makefile("rw") as stream: stream.write("x"); stream.flush()
    result = got, n, ready[0], len(ready[1]), len(events), chosen, sent, message, late, socket.inet_aton("1.2.3.4"), socket.inet_ntop(socket.AF_INET6, bytes(16)), socket.htons(1), repr(a)[:15], a.family.name
finally:
    a.close(); b.close()

#: posix
import os, errno, signal, time
r, w = os.pipe()
os.write(w, b"x"); got = os.read(r, 1); os.close(r); os.close(w)
log = [got, os.getcwd() != "", os.fspath("x"), os.path.join("a", "b"), os.path.abspath("."), os.path.splitext("a.b"), os.environ.get("PATH"), os.getenv("nothing"), os.cpu_count() > 0, os.uname().sysname, os.strerror(2), os.WEXITSTATUS(256), os.sysconf("SC_PAGE_SIZE"),
       os.urandom(3) != b"", os.getpid() > 0, os.times().user >= 0, os.get_terminal_size if False else 0, os.fsencode("ü"), os.fsdecode(b"\xff"), os.path.expanduser("~root"), os.statvfs("/").f_bsize > 0, os.sched_getaffinity(0) != set(), sorted(os.get_exec_path())[0]]
log = repr(log)
os.environ["FAILING"] = "1"; os.putenv("FAILING2", "2"); del os.environ["FAILING"]
folder = os.environ["TMPDIR"]
for call in (lambda: os.stat("/nonexistent"), lambda: os.mkdir("/proc/x"), lambda: os.open("x\0y", 0), lambda: os.listdir(5.5), lambda: os.kill(-5, 99999), lambda: os.readlink("/")):
    try: call()
    except (OSError, ValueError, TypeError) as error: log += type(error).__name__ + str(error)
try: os.symlink("a", folder + "/link")
except FileExistsError: pass
log += os.readlink(folder + "/link"); os.unlink(folder + "/link")
old = signal.signal(signal.SIGUSR1, eval("lambda *a: None", {}))  # it must not hold this module and so an older handler
try:
    os.kill(os.getpid(), signal.SIGUSR1); time.sleep(0)
finally:
    signal.signal(signal.SIGUSR1, old or signal.SIG_DFL)
log += repr([list(os.walk(folder + "/none")), signal.Signals(2), signal.getsignal(2) is not None, signal.strsignal(9)])
result = log

#: subprocess
import subprocess, os
try:
    process = subprocess.run(["/bin/echo", "a", "b"], capture_output=True, env={"A": "b"}, cwd="/", text=True)
    result = [process.stdout, process.returncode]
finally:
    pass
try: subprocess.Popen(["/nonexistent/program"])
except OSError as error: result.append(type(error).__name__)

#: system-module
import sys, gc, platform, locale
frame = sys._getframe()
log = [sys.getsizeof([]), sys.getrefcount([]), sys.intern("in" + "terned"), sys.getrecursionlimit(), sys.exc_info(), frame.f_code.co_name, sorted(frame.f_locals)[0], frame.f_lineno > 0, sys.version_info[:2], sys.implementation.name, sys.getfilesystemencoding(), sys.get_int_max_str_digits(), sys.hash_info.width,
       sys.int_info.bits_per_digit, sys.float_info.dig, len(sys.modules) > 5, sys.is_finalizing(), sys.getswitchinterval(), len(sys._current_frames()), gc.get_threshold(), gc.get_stats()[0].keys(), gc.is_tracked([]), locale.localeconv()["decimal_point"], locale.getlocale()]
def trace(frame, event, argument): events.append(event); return trace
events = []
def traced(x):
    y = x + 1
    return y
sys.settrace(trace)
try: traced(1)
finally: sys.settrace(None)
sys.setprofile(lambda *a: events.append(a[1]))
try: len([])
finally: sys.setprofile(None)
del frame
result = repr(log[3:]), events

#: contextvars
import contextvars
v = contextvars.ContextVar("v", default=5)
many = [contextvars.ContextVar(str(i)) for i in range(40)]
def fill():
    for i, var in enumerate(many): var.set(i)
    return sum(var.get() for var in many)
def inside():
    token = v.set(1)
    context = contextvars.copy_context()
    log = [v.get(), context.run(lambda: v.set(7) and v.get()), context[v], len(context), repr(token)[:6]]
    v.reset(token)
    return log
result = contextvars.Context().run(inside), contextvars.Context().run(fill), v.get()
