# Files and folders: pathlib, shutil, tempfile, os.walk, glob, fnmatch, stat, filecmp, zipfile, tarfile, gzip.
import errno
import filecmp
import fnmatch
import glob
import gzip
import hashlib
import io
import os
import pathlib
import shutil
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath


def attempt(function, *arguments, **keywords):
    try:
        return function(*arguments, **keywords)
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def build(root):
    for name, text in {"a.txt": "alpha\n", "b/c.txt": "gamma\n" * 1000, "b/d/e.py": "print('e')\n", "b/d/f.TXT": "", "z/ä ö.txt": "umlaut ü\n",
                       "b/.hidden": "h", "z/deep/er/file.bin": "\0\1\2"}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "link").symlink_to("b/c.txt")
    (root / "loop").symlink_to("loop")
    (root / "z/folder link").symlink_to("../b", target_is_directory=True)
    os.link(root / "a.txt", root / "hard.txt")
    (root / "b/d/e.py").chmod(0o750)


def listing(root):
    for folder, folders, files in os.walk(root):
        folders.sort()
        files.sort()
        shown = os.path.relpath(folder, root)
        print(f"{shown}/ {folders}")
        for name in files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            digest = "-" if stat.S_ISLNK(info.st_mode) else hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
            print(f"  {stat.filemode(info.st_mode)} {info.st_nlink} {info.st_size:>5} {digest:<12} {name!r}")


def pure():
    for path in (PurePosixPath("/usr/lib/../x.tar.gz"), PurePosixPath("a//b/./c"), PurePosixPath(), PureWindowsPath("C:\\Users/x\\y.txt"),
                 PureWindowsPath("\\\\host\\share\\f")):
        print(repr(path), path.parts, path.name, path.stem, path.suffixes, path.parent, path.anchor, path.is_absolute(), path.as_posix())
    path = PurePosixPath("/srv/data/file.csv")
    print(path.with_suffix(".json"), path.with_name("x"), path.with_stem("y"), path.relative_to("/srv"), path.match("*.csv"), path / "../up" / "/root")
    print([str(parent) for parent in path.parents], path.is_relative_to("/srv"), path.as_uri(), path < PurePosixPath("/t"), len({path, PurePosixPath(str(path))}))
    print(attempt(path.relative_to, "/usr"), attempt(path.with_name, "a/b"), attempt(path.with_suffix, "x"), attempt(PurePosixPath("").with_name, "x"))
    print(os.path.commonpath(["/a/b/c", "/a/b/d"]), os.path.normpath("a/../../b//c/."), os.path.splitext("x.tar.gz"), os.path.splitext(".rc"),
          os.path.expanduser("~/x") == os.environ["HOME"] + "/x", os.path.expandvars("$LANG-${LANG}-$NOPE"))


def main():
    pure()
    root = Path(tempfile.mkdtemp(prefix="tree", dir="."))
    print(root.name.startswith("tree"), stat.filemode(root.stat().st_mode))
    build(root)
    listing(root)
    print([str(path.relative_to(root)) for path in sorted(root.rglob("*.txt"))], sorted(path.name for path in root.glob("*/*/*")))
    print(sorted(os.path.relpath(name, root) for name in glob.glob(f"{root}/**/*.[tT]*", recursive=True)), glob.glob("*", root_dir=root / "b"))
    print(fnmatch.filter(["a.py", "b.pyc", "[c].py"], "*.py"), fnmatch.fnmatchcase("A", "a"), fnmatch.translate("?[!a-c]*"))
    print((root / "link").resolve().relative_to(root.resolve()), (root / "link").readlink(), (root / "a.txt").samefile(root / "hard.txt"))
    for name in ("a.txt", "b", "link", "loop", "missing"):
        path = root / name
        print(name, path.exists(), path.is_file(), path.is_dir(), path.is_symlink(), os.path.lexists(path), os.access(path, os.R_OK))
    here = os.getcwd()
    os.chdir(root)
    for call in (lambda: open("missing"), lambda: os.mkdir("b"), lambda: os.rmdir("b"), lambda: os.remove("b"), lambda: open("b"), lambda: os.listdir("a.txt"),
                 lambda: Path("loop").stat(), lambda: os.rename("missing", "x"), lambda: open("a.txt", "x"), lambda: os.readlink("a.txt"),
                 lambda: open("a\0b"), lambda: open("a.txt", "rz"), lambda: open("a.txt/x"), lambda: os.scandir("missing"), lambda: shutil.copy("a.txt", "a.txt"),
                 lambda: shutil.copytree("b", "z"), lambda: shutil.move("missing", "there"), lambda: shutil.rmtree("a.txt"), lambda: os.chdir(""),
                 lambda: os.stat(99), lambda: Path("missing/x").touch(), lambda: os.truncate("missing", 1)):
        print(attempt(call))
    os.chdir(here)
    copy = root.parent / "copy"
    print(Path(shutil.copytree(root / "b", copy, ignore=shutil.ignore_patterns("*.py", ".h*"))).name)
    shutil.copy2(root / "a.txt", copy)
    (copy / "c.txt").write_text("other\n")
    comparison = filecmp.dircmp(root / "b", copy)
    print(comparison.left_only, comparison.right_only, comparison.common_dirs, comparison.diff_files, comparison.same_files)
    for kind in ("zip", "gztar", "xztar"):
        archive = shutil.make_archive(f"archive-{kind}", kind, root, "b")
        shutil.unpack_archive(archive, f"out-{kind}")
        print(os.path.basename(archive), sorted(str(p.relative_to(f"out-{kind}")) for p in Path(f"out-{kind}").rglob("*")))
    with zipfile.ZipFile("made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("ü/ß.txt", (2026, 1, 2, 3, 4, 6)), "text " * 500)
        archive.writestr("two.bin", bytes(1000), compress_type=zipfile.ZIP_STORED)
    with zipfile.ZipFile("made.zip") as archive:
        print(archive.namelist(), [(i.file_size, i.compress_size > 0, f"{i.CRC:08x}") for i in archive.infolist()], archive.testzip(), archive.read("ü/ß.txt")[:9])
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("t/name.txt")
        info.size, info.mtime, info.mode = 5, 86400, 0o640
        archive.addfile(info, io.BytesIO(b"12345"))
    buffer.seek(0)
    with tarfile.open(fileobj=buffer) as archive:
        print([(m.name, m.size, oct(m.mode), m.isfile()) for m in archive], archive.extractfile("t/name.txt").read())
    print(attempt(zipfile.ZipFile, root / "a.txt") if zipfile.is_zipfile(root / "a.txt") else "no zip", gzip.decompress(gzip.compress(b"x" * 50, mtime=0)))
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w+", dir=folder, suffix=".tmp") as stream:
        stream.write("some text")
        stream.flush()
        print(os.path.getsize(stream.name), [name.endswith(".tmp") for name in os.listdir(folder)])
    print(os.path.exists(folder), os.path.exists(stream.name))
    with tempfile.SpooledTemporaryFile(max_size=10) as spool:
        spool.write(b"123")
        first = spool._rolled
        spool.write(b"4567890abc")
        print(first, spool._rolled, spool.tell())
    moved = shutil.move(copy, root / "z")
    print(Path(moved).parts[-2:], shutil.which("sh") is not None, shutil.which("no such program"))
    os.utime(root / "a.txt", (1_000_000_000, 1_000_000_000.5))
    print(os.stat(root / "hard.txt").st_mtime, os.stat(root / "hard.txt").st_mtime_ns)
    with os.scandir(root) as entries:
        print(sorted((e.name, e.is_dir(follow_symlinks=False), e.is_symlink(), e.is_file(follow_symlinks=False)) for e in entries))
    descriptor = os.open(root / "raw", os.O_RDWR | os.O_CREAT, 0o600)
    print(os.write(descriptor, b"hello world"), os.lseek(descriptor, -5, os.SEEK_END), os.read(descriptor, 99), os.fstat(descriptor).st_size)
    os.ftruncate(descriptor, 4)
    print(os.pread(descriptor, 10, 1), os.close(descriptor))
    shutil.rmtree(root)
    print(root.exists(), attempt(os.close, descriptor), errno.errorcode[2], os.strerror(13))
    print(sorted(name for name in os.listdir() if not name.startswith("tree")))


main()
