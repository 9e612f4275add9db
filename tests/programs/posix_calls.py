"""Files, folders, descriptors and processes through posix: what the calls do when they succeed."""
import os
import pickle
import posix
import signal
import sys
import warnings


def show(*values):
    print(*values, flush=True)


def folders():
    posix.mkdir("tree")
    posix.mkdir(b"tree/inner", 0o700)
    for name in ("a", "b", "ä", ".hidden"):
        posix.close(posix.open("tree/" + name, os.O_WRONLY | os.O_CREAT, 0o640))
    posix.symlink("a", "tree/link")
    posix.symlink("nowhere", "tree/broken")
    show(sorted(posix.listdir("tree")), sorted(posix.listdir(b"tree")))
    with posix.scandir("tree") as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            show(entry, entry.path, entry.is_dir(), entry.is_file(), entry.is_symlink(),
                 entry.is_dir(follow_symlinks=False), entry.is_file(follow_symlinks=False),
                 entry.inode() == entry.stat(follow_symlinks=False).st_ino, os.fspath(entry))
    show([entry.path for entry in posix.scandir(b"tree/") if entry.is_dir()])
    folder = posix.open("tree", os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(2):
        show(sorted(posix.listdir(folder)), sorted(entry.path for entry in posix.scandir(folder)))
    show(sorted((entry.name, entry.stat(follow_symlinks=False).st_size) for entry in posix.scandir(folder)
                if not entry.is_dir()))
    posix.mkdir("deep", dir_fd=folder)
    posix.rename("a", "deep/a", src_dir_fd=folder, dst_dir_fd=folder)
    posix.link("b", "deep/b", src_dir_fd=folder, dst_dir_fd=folder)
    show(posix.stat("b", dir_fd=folder).st_nlink, posix.readlink("link", dir_fd=folder), posix.readlink(b"tree/link"))
    posix.unlink("deep/b", dir_fd=folder)
    posix.remove("deep/a", dir_fd=folder)
    posix.rmdir("deep", dir_fd=folder)
    before = posix.getcwd()
    posix.fchdir(folder)
    show(os.path.basename(posix.getcwd()), os.path.basename(posix.getcwdb()), posix.access("b", os.R_OK))
    posix.chdir(before)
    posix.close(folder)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        try:
            pickle.dumps(next(posix.scandir("tree")), protocol)
        except TypeError as error:
            show(error)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        iterator = posix.scandir("tree")
        next(iterator)
        del iterator
    show([(warning.category.__name__, str(warning.message)[:25]) for warning in caught])


def attributes():
    posix.close(posix.open("file", os.O_WRONLY | os.O_CREAT))
    posix.utime("file", ns=(1_234_567_890_123_456_789, -1_500_000_001))
    status = posix.stat("file")
    show(status.st_atime_ns, status.st_mtime_ns, status.st_atime, status.st_mtime, status[7:10][:2])
    posix.utime("file", (1.5, 2))
    status = posix.stat("file")
    show(status.st_atime, status.st_mtime, status == pickle.loads(pickle.dumps(status)))
    posix.chmod("file", 0o604)
    show(oct(posix.stat("file").st_mode))
    posix.truncate("file", 1000)
    show(posix.stat("file").st_size, os.path.getsize("file"))
    try:
        posix.chmod("tree/link", 0o600, follow_symlinks=False)
    except NotImplementedError as error:
        show(error)


def descriptors():
    fd = posix.open("data", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    show(posix.get_inheritable(fd), posix.get_blocking(fd))
    show(posix.write(fd, b"hello "), posix.writev(fd, [b"wo", bytearray(b"rld"), memoryview(b"!")]))
    show(posix.pwrite(fd, b"J", 0), posix.pread(fd, 5, 0), posix.lseek(fd, 0, os.SEEK_SET))
    first, second = bytearray(3), bytearray(100)
    show(posix.readv(fd, [first, second]), first, bytes(second[:9]), posix.read(fd, 10))
    show(posix.preadv(fd, [first], 6), first, posix.pwritev(fd, [b"x", b"y"], 1), posix.pread(fd, 100, 0))
    posix.ftruncate(fd, 4)
    other = posix.dup(fd)
    show(posix.fstat(other).st_size, posix.get_inheritable(other))
    show(posix.dup2(fd, other, False) == other, posix.get_inheritable(other))
    posix.set_inheritable(other, True)
    show(posix.get_inheritable(other))
    target = posix.open("copy", os.O_RDWR | os.O_CREAT)
    show(posix.sendfile(target, fd, 1, 3), posix.pread(target, 10, 0))
    for descriptor in (fd, other, target):
        posix.close(descriptor)
    reader, writer = posix.pipe()
    posix.set_blocking(reader, False)
    try:
        posix.read(reader, 1)
    except BlockingIOError as error:
        show(error)
    posix.write(writer, b"through a pipe")
    show(posix.read(reader, 100), posix.isatty(reader))
    posix.closerange(reader, writer + 1)
    counter = posix.eventfd(3)
    posix.eventfd_write(counter, 4)
    show(posix.eventfd_read(counter))
    posix.close(counter)


def processes():
    calls = []
    posix.register_at_fork(before=lambda: calls.append("before 1"), after_in_parent=lambda: calls.append("parent 1"))
    posix.register_at_fork(before=lambda: calls.append("before 2"), after_in_parent=lambda: calls.append("parent 2"),
                           after_in_child=lambda: calls.append("child"))
    child = posix.fork()
    if child == 0:
        show(calls)
        posix._exit(7)
    pid, status = posix.waitpid(child, 0)
    show(calls, pid == child, posix.waitstatus_to_exitcode(status), posix.WIFEXITED(status), posix.WEXITSTATUS(status))
    child = posix.posix_spawn("/bin/sh", ["sh", "-c", "echo $WORD; exit 3"], {"WORD": "spawned"},
                              file_actions=[(os.POSIX_SPAWN_OPEN, 1, "out", os.O_WRONLY | os.O_CREAT, 0o600),
                                            (os.POSIX_SPAWN_DUP2, 1, 2), (os.POSIX_SPAWN_CLOSE, 0)],
                              setsigmask=[signal.SIGUSR1], setsigdef=[signal.SIGPIPE], setsid=True)
    information = posix.waitid(posix.P_PID, child, posix.WEXITED)
    with open("out") as stream:
        show(information.si_status, information.si_code == posix.CLD_EXITED, stream.read())
    child = posix.posix_spawnp("sh", ["sh", "-c", "kill -TERM $$"], os.environ)
    show(posix.waitstatus_to_exitcode(posix.waitpid(child, 0)[1]))
    child = posix.fork()
    if child == 0:
        posix.execve("/bin/sh", ["sh", "-c", "echo from $NAME"], {"NAME": "exec"})
    posix.wait()
    show(posix.system("exit 5") >> 8)
    signal.signal(signal.SIGUSR1, lambda number, frame: show("signal", number))
    posix.kill(posix.getpid(), signal.SIGUSR1)
    show("after the signal")


def environment():
    posix.putenv("KRAIT_NAME", "wörd")
    posix.system("echo $KRAIT_NAME")
    posix.unsetenv("KRAIT_NAME")
    posix.system("echo -$KRAIT_NAME-")
    os.environ["KRAIT_NAME"] = "once more"
    posix.system("echo $KRAIT_NAME")
    show(b"PATH" in posix.environ, b"KRAIT_NAME" in posix.environ)


def paths():
    for path in ("", ".", "/", "//", "///", "a/b", "a//b/", "./a", "a/./b/../c", "../..", "/..", "a/..", "ä//b", "x\0//y"):
        show(repr(posix._path_normpath(path)))
    show(len(posix.urandom(10)), len(posix.getrandom(10)), posix.strerror(2), posix.minor(posix.makedev(7, 11)))


warnings.simplefilter("ignore")
posix.umask(0o022)
folders()
attributes()
descriptors()
processes()
environment()
paths()
sys.exit(0)
