/* What the system knows of a file: the stat and statvfs families, access(). */
#include <Python.h>

#include "base/fileutils.h"
#include "modules/posix/posix.h"

#include <sys/statvfs.h>

enum { NANOSECONDS = 1000 * 1000 * 1000 };

/* ---- stat_result ---- */

/* The three times occur thrice: as unnamed whole seconds of the tuple, as floats, and in nanoseconds. */
enum { FIRST_SECONDS = 7, FIRST_FLOAT = 10, FIRST_NANOSECONDS = 13, AFTER_TIMES = 16, TIMES = 3 };

static PyStructSequence_Field stat_fields[] = {
    {"st_mode", "protection bits"},
    {"st_ino", "inode"},
    {"st_dev", "device"},
    {"st_nlink", "number of hard links"},
    {"st_uid", "user ID of owner"},
    {"st_gid", "group ID of owner"},
    {"st_size", "total size, in bytes"},
    {NULL, "last access, in seconds"},
    {NULL, "last modification, in seconds"},
    {NULL, "last change of the status, in seconds"},
    {"st_atime", "time of last access"},
    {"st_mtime", "time of last modification"},
    {"st_ctime", "time of last change"},
    {"st_atime_ns", "time of last access in nanoseconds"},
    {"st_mtime_ns", "time of last modification in nanoseconds"},
    {"st_ctime_ns", "time of last change in nanoseconds"},
    {"st_blksize", "blocksize for filesystem I/O"},
    {"st_blocks", "number of blocks allocated"},
    {"st_rdev", "device type (if inode device)"},
    {NULL},
};

static PyStructSequence_Desc stat_description = {
    "os.stat_result",
    "What stat(), lstat() and fstat() return: a file's status.\n\n"
    "As a tuple it is (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime), with\n"
    "times in whole seconds; the attributes have more, and times as float.",
    stat_fields,
    10,
};

static newfunc structseq_new;

/* Float times that were not given are the integer ones. */
static PyObject *stat_result_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *self = structseq_new(type, args, kwargs);
    if (self == NULL) return NULL;
    for (int i = 0; i < TIMES; i++) {
        if (PyStructSequence_GET_ITEM(self, FIRST_FLOAT + i) != Py_None) continue;
        Py_DECREF(Py_None);
        PyStructSequence_SET_ITEM(self, FIRST_FLOAT + i, Py_NewRef(PyStructSequence_GET_ITEM(self, FIRST_SECONDS + i)));
    }
    return self;
}

/* A time's nanoseconds since the epoch, which 64 bits may not hold. */
static PyObject *time_nanoseconds(const struct timespec *time) {
    long long scaled;
    if (!__builtin_mul_overflow((long long)time->tv_sec, NANOSECONDS, &scaled) &&
        !__builtin_add_overflow(scaled, time->tv_nsec, &scaled))
        return PyLong_FromLongLong(scaled);
    __int128 wide = (__int128)time->tv_sec * NANOSECONDS + time->tv_nsec;
    return _PyLong_FromByteArray((const unsigned char *)&wide, sizeof wide, 1, 1);
}

PyObject *kr_stat_result(PyObject *module, const struct stat *status) {
    PyObject *self = PyStructSequence_New(kr_posix_state(module)->stat_result);
    if (self == NULL) return NULL;
    PyObject *const first[] = {
        PyLong_FromLong((long)status->st_mode),
        PyLong_FromUnsignedLongLong(status->st_ino),
        PyLong_FromLongLong((long long)status->st_dev),
        PyLong_FromUnsignedLong(status->st_nlink),
        _PyLong_FromUid(status->st_uid),
        _PyLong_FromGid(status->st_gid),
        PyLong_FromLongLong(status->st_size),
    };
    for (int i = 0; i < FIRST_SECONDS; i++) PyStructSequence_SET_ITEM(self, i, first[i]);
    const struct timespec *const times[TIMES] = {&status->st_atim, &status->st_mtim, &status->st_ctim};
    for (int i = 0; i < TIMES; i++) {
        double seconds = (double)times[i]->tv_sec + 1e-9 * (double)times[i]->tv_nsec;
        PyStructSequence_SET_ITEM(self, FIRST_SECONDS + i, PyLong_FromLongLong(times[i]->tv_sec));
        PyStructSequence_SET_ITEM(self, FIRST_FLOAT + i, PyFloat_FromDouble(seconds));
        PyStructSequence_SET_ITEM(self, FIRST_NANOSECONDS + i, time_nanoseconds(times[i]));
    }
    PyStructSequence_SET_ITEM(self, AFTER_TIMES, PyLong_FromLong(status->st_blksize));
    PyStructSequence_SET_ITEM(self, AFTER_TIMES + 1, PyLong_FromLong(status->st_blocks));
    PyStructSequence_SET_ITEM(self, AFTER_TIMES + 2, PyLong_FromLongLong((long long)status->st_rdev));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

/* ---- stat ---- */

static PyObject *stat_path(PyObject *module, const KrPath *path, int folder, int follow) {
    if (kr_path_check_folder(path, folder) < 0 || kr_path_check_descriptor(path->function, folder, path->fd) < 0 ||
        kr_path_check_follow(path->function, path->fd, follow) < 0)
        return NULL;
    struct stat status;
    int result;
    Py_BEGIN_ALLOW_THREADS
    if (path->fd != -1) {
        result = fstat(path->fd, &status);
    } else if (path->text == NULL) {
        errno = EFAULT; /* the descriptor -1 */
        result = -1;
    } else {
        result = fstatat(folder, path->text, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW);
    }
    Py_END_ALLOW_THREADS
    return result < 0 ? kr_path_error(path) : kr_stat_result(module, &status);
}

KR_FUNCTION_KEYWORDS(stat, 1, 1, "path", "dir_fd", "follow_symlinks") {
    int folder, follow = 1;
    KR_PATH_OR_FD(path, argument[0], "stat");
    if (kr_read_folder(argument[1], &folder) < 0 || kr_read_bool(argument[2], &follow) < 0) return NULL;
    return stat_path(module, &path, folder, follow);
}

KR_FUNCTION_KEYWORDS(lstat, 1, 1, "path", "dir_fd") {
    int folder;
    KR_PATH(path, argument[0], "lstat");
    if (kr_read_folder(argument[1], &folder) < 0) return NULL;
    return stat_path(module, &path, folder, 0);
}

KR_FUNCTION_KEYWORDS(fstat, 1, 1, "fd") {
    int fd, result;
    struct stat status;
    if (kr_read_int(argument[0], &fd) < 0) return NULL;
    KR_RESTARTED(result, fstat(fd, &status));
    return result < 0 ? kr_posix_error() : kr_stat_result(module, &status);
}

KR_FUNCTION_KEYWORDS(access, 2, 2, "path", "mode", "dir_fd", "effective_ids", "follow_symlinks") {
    int mode, folder, effective = 0, follow = 1, result;
    KR_PATH(path, argument[0], "access");
    if (kr_read_int(argument[1], &mode) < 0 || kr_read_folder(argument[2], &folder) < 0 ||
        kr_read_bool(argument[3], &effective) < 0 || kr_read_bool(argument[4], &follow) < 0)
        return NULL;
    int flags = (follow ? 0 : AT_SYMLINK_NOFOLLOW) | (effective ? AT_EACCESS : 0);
    KR_UNLOCKED(result = faccessat(folder, path.text, mode, flags));
    return PyBool_FromLong(result == 0);
}

/* ---- statvfs ---- */

static PyStructSequence_Field statvfs_fields[] = {
    {"f_bsize", "block size in bytes"},
    {"f_frsize", "fragment size, the unit of the block counts"},
    {"f_blocks", "all blocks"},
    {"f_bfree", "free blocks"},
    {"f_bavail", "blocks free for unprivileged users"},
    {"f_files", "all inodes"},
    {"f_ffree", "free inodes"},
    {"f_favail", "inodes free for unprivileged users"},
    {"f_flag", "mount flags, ST_*"},
    {"f_namemax", "longest file name"},
    {"f_fsid", "ID of the file system"},
    {NULL},
};

static PyStructSequence_Desc statvfs_description = {
    "os.statvfs_result",
    "What statvfs() and fstatvfs() return: sizes of a file system.",
    statvfs_fields,
    10,
};

static PyObject *statvfs_result(PyObject *module, const struct statvfs *status) {
    PyObject *self = PyStructSequence_New(kr_posix_state(module)->statvfs_result);
    if (self == NULL) return NULL;
    const unsigned long values[] = {
        status->f_bsize, status->f_frsize, status->f_blocks, status->f_bfree,   status->f_bavail, status->f_files,
        status->f_ffree, status->f_favail, status->f_flag,   status->f_namemax, status->f_fsid,
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(values); i++)
        PyStructSequence_SET_ITEM(self, i, PyLong_FromUnsignedLong(values[i]));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

KR_FUNCTION_ONE(fstatvfs) {
    int fd, result;
    struct statvfs status;
    if (kr_read_int(argument, &fd) < 0) return NULL;
    KR_RESTARTED(result, fstatvfs(fd, &status));
    return result < 0 ? kr_posix_error() : statvfs_result(module, &status);
}

KR_FUNCTION_KEYWORDS(statvfs, 1, 1, "path") {
    int result;
    struct statvfs status;
    KR_PATH_OR_FD(path, argument[0], "statvfs");
    KR_UNLOCKED(result = path.text == NULL ? fstatvfs(path.fd, &status) : statvfs(path.text, &status));
    return result < 0 ? kr_path_error(&path) : statvfs_result(module, &status);
}

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(stat, "($module, /, path, *, dir_fd=None, follow_symlinks=True)",
                      "Return the status of a path or open descriptor as an os.stat_result.\n\n"
                      "A relative path starts at the folder dir_fd, if given. With follow_symlinks false a\n"
                      "symbolic link itself is examined."),
    KR_ENTRY_KEYWORDS(access,
                      "($module, /, path, mode, *, dir_fd=None, effective_ids=False,\n       follow_symlinks=True)",
                      "Tell whether the real user may access the path in the way of mode, F_OK or bits of R_OK,\n"
                      "W_OK and X_OK.\n\n"
                      "effective_ids asks for the effective user instead."),
    KR_ENTRY_KEYWORDS(lstat, "($module, /, path, *, dir_fd=None)",
                      "Return the status of a path without following a symbolic link at its end."),
    KR_ENTRY_KEYWORDS(fstat, "($module, /, fd)", "Return the status of an open file as an os.stat_result."),
    KR_ENTRY_ONE(fstatvfs, "($module, fd, /)", "Return an os.statvfs_result for the file system of an open file."),
    KR_ENTRY_KEYWORDS(statvfs, "($module, /, path)",
                      "Return an os.statvfs_result for the file system of a path or open descriptor."),
    {NULL},
};

int kr_posix_add_status(PyObject *module) {
    KrPosixState *state = kr_posix_state(module);
    for (int i = 0; i < TIMES; i++) stat_fields[FIRST_SECONDS + i].name = PyStructSequence_UnnamedField;
    state->stat_result = kr_posix_add_structseq(module, "stat_result", &stat_description);
    if (state->stat_result == NULL) return -1;
    structseq_new = state->stat_result->tp_new;
    state->stat_result->tp_new = stat_result_new;
    state->statvfs_result = kr_posix_add_structseq(module, "statvfs_result", &statvfs_description);
    return state->statvfs_result == NULL ? -1 : PyModule_AddFunctions(module, functions);
}
