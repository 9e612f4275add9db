/* Attributes of files: permissions, owners, times, and extended attributes. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <linux/limits.h>
#include <sys/xattr.h>

/* ---- Permissions and owners ---- */

KR_FUNCTION_KEYWORDS(chmod, 2, 2, "path", "mode", "dir_fd", "follow_symlinks") {
    int mode, folder, follow = 1, result;
    KR_PATH_OR_FD(path, argument[0], "chmod");
    if (kr_read_int(argument[1], &mode) < 0 || kr_read_folder(argument[2], &folder) < 0 ||
        kr_read_bool(argument[3], &follow) < 0 ||
        PySys_Audit("os.chmod", "Oii", path.object, mode, kr_audit_folder(folder)) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    if (path.text == NULL) {
        result = fchmod(path.fd, (mode_t)mode);
    } else {
        result = fchmodat(folder, path.text, (mode_t)mode, follow ? 0 : AT_SYMLINK_NOFOLLOW);
    }
    Py_END_ALLOW_THREADS
    if (result == 0) Py_RETURN_NONE;
    if (follow || path.text == NULL || (errno != ENOTSUP && errno != EOPNOTSUPP)) return kr_path_error(&path);
    /* The system cannot change a link's own permissions. */
    if (folder != AT_FDCWD) {
        PyErr_SetString(PyExc_ValueError, "chmod: cannot use dir_fd and follow_symlinks together");
    } else {
        PyErr_SetString(PyExc_NotImplementedError, "chmod: follow_symlinks unavailable on this platform");
    }
    return NULL;
}

KR_FUNCTION_KEYWORDS(fchmod, 2, 2, "fd", "mode") {
    int fd, mode, result;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_int(argument[1], &mode) < 0 ||
        PySys_Audit("os.chmod", "iii", fd, mode, -1) < 0)
        return NULL;
    KR_RESTARTED(result, fchmod(fd, (mode_t)mode));
    return kr_posix_none(result);
}

KR_FUNCTION_KEYWORDS(chown, 3, 3, "path", "uid", "gid", "dir_fd", "follow_symlinks") {
    int folder, follow = 1, result;
    uid_t uid;
    gid_t gid;
    KR_PATH_OR_FD(path, argument[0], "chown");
    if (kr_read_uid(argument[1], &uid) < 0 || kr_read_gid(argument[2], &gid) < 0 ||
        kr_read_folder(argument[3], &folder) < 0 || kr_read_bool(argument[4], &follow) < 0 ||
        kr_path_check_descriptor("chown", folder, path.fd) < 0 || kr_path_check_follow("chown", path.fd, follow) < 0 ||
        PySys_Audit("os.chown", "OIIi", path.object, uid, gid, kr_audit_folder(folder)) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    if (path.text == NULL) {
        result = fchown(path.fd, uid, gid);
    } else {
        result = fchownat(folder, path.text, uid, gid, follow ? 0 : AT_SYMLINK_NOFOLLOW);
    }
    Py_END_ALLOW_THREADS
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(fchown, 3, 3, "fd", "uid", "gid") {
    int fd, result;
    uid_t uid;
    gid_t gid;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_uid(argument[1], &uid) < 0 || kr_read_gid(argument[2], &gid) < 0 ||
        PySys_Audit("os.chown", "iIIi", fd, uid, gid, -1) < 0)
        return NULL;
    KR_RESTARTED(result, fchown(fd, uid, gid));
    return kr_posix_none(result);
}

KR_FUNCTION_KEYWORDS(lchown, 3, 3, "path", "uid", "gid") {
    int result;
    uid_t uid;
    gid_t gid;
    KR_PATH(path, argument[0], "lchown");
    if (kr_read_uid(argument[1], &uid) < 0 || kr_read_gid(argument[2], &gid) < 0 ||
        PySys_Audit("os.chown", "OIIi", path.object, uid, gid, -1) < 0)
        return NULL;
    KR_UNLOCKED(result = lchown(path.text, uid, gid));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

KR_FUNCTION_ONE(umask) {
    int mask;
    if (kr_read_int(argument, &mask) < 0) return NULL;
    return PyLong_FromLong((long)umask((mode_t)mask));
}

/* ---- Times ---- */

/* Reads seconds, an int or a float. Returns 0 or -1. */
static int read_seconds(PyObject *object, struct timespec *time) {
    return _PyTime_ObjectToTimespec(object, &time->tv_sec, &time->tv_nsec, _PyTime_ROUND_FLOOR);
}

/* Splits nanoseconds. Returns 0 or -1. */
static int read_nanoseconds(PyObject *object, struct timespec *time) {
    int result = -1;
    PyObject *parts = NULL, *billion = PyLong_FromLong(1000 * 1000 * 1000);
    if (billion == NULL || (parts = PyNumber_Divmod(object, billion)) == NULL) goto finish;
    if (!PyTuple_Check(parts) || PyTuple_GET_SIZE(parts) != 2) {
        PyErr_Format(PyExc_TypeError, "%.200s.__divmod__() must return a 2-tuple, not %.200s", Py_TYPE(object)->tp_name,
                     Py_TYPE(parts)->tp_name);
        goto finish;
    }
    time->tv_sec = _PyLong_AsTime_t(PyTuple_GET_ITEM(parts, 0));
    if (time->tv_sec == -1 && PyErr_Occurred()) goto finish;
    time->tv_nsec = PyLong_AsLong(PyTuple_GET_ITEM(parts, 1));
    if (time->tv_nsec == -1 && PyErr_Occurred()) goto finish;
    result = 0;

finish:
    Py_XDECREF(billion);
    Py_XDECREF(parts);
    return result;
}

static int is_pair(PyObject *object) { return PyTuple_CheckExact(object) && PyTuple_GET_SIZE(object) == 2; }

/* Reads access and modification time. Returns 1, 0 if neither argument says them, -1 with an exception. */
static int read_times(PyObject *times, PyObject *ns, struct timespec *result) {
    if (times != NULL && times != Py_None && ns != NULL) {
        PyErr_SetString(PyExc_ValueError, "utime: you may specify either 'times' or 'ns' but not both");
        return -1;
    }
    if (times != NULL && times != Py_None) {
        if (!is_pair(times)) {
            PyErr_SetString(PyExc_TypeError, "utime: 'times' must be either a tuple of two ints or None");
            return -1;
        }
        for (int i = 0; i < 2; i++)
            if (read_seconds(PyTuple_GET_ITEM(times, i), &result[i]) < 0) return -1;
        return 1;
    }
    if (ns == NULL) return 0;
    if (!is_pair(ns)) {
        PyErr_SetString(PyExc_TypeError, "utime: 'ns' must be a tuple of two ints");
        return -1;
    }
    for (int i = 0; i < 2; i++)
        if (read_nanoseconds(PyTuple_GET_ITEM(ns, i), &result[i]) < 0) return -1;
    return 1;
}

KR_FUNCTION_KEYWORDS(utime, 1, 2, "path", "times", "ns", "dir_fd", "follow_symlinks") {
    PyObject *given_times = argument[1] == NULL ? Py_None : argument[1];
    PyObject *given_ns = argument[2] == NULL ? Py_None : argument[2];
    int folder, follow = 1, result;
    struct timespec times[2];
    KR_PATH_OR_FD(path, argument[0], "utime");
    if (kr_read_folder(argument[3], &folder) < 0 || kr_read_bool(argument[4], &follow) < 0) return NULL;
    int has_times = read_times(argument[1], argument[2], times);
    if (has_times < 0 || kr_path_check_folder(&path, folder) < 0 ||
        kr_path_check_descriptor("utime", folder, path.fd) < 0 || kr_path_check_follow("utime", path.fd, follow) < 0 ||
        PySys_Audit("os.utime", "OOOi", path.object, given_times, given_ns, kr_audit_folder(folder)) < 0)
        return NULL;
    const struct timespec *wanted = has_times ? times : NULL;
    Py_BEGIN_ALLOW_THREADS
    if (path.text == NULL) {
        result = futimens(path.fd, wanted);
    } else {
        result = utimensat(folder, path.text, wanted, follow ? 0 : AT_SYMLINK_NOFOLLOW);
    }
    Py_END_ALLOW_THREADS
    return kr_posix_none(result);
}

/* ---- Extended attributes ---- */

enum { FIRST_VALUE_SIZE = 128, FIRST_LIST_SIZE = 256 };

/* One of the three ways to name a file. */
#define BY_KIND(path, follow, function, ...)                   \
    ((path).text == NULL ? f##function((path).fd, __VA_ARGS__) \
     : (follow)          ? function((path).text, __VA_ARGS__)  \
                         : l##function((path).text, __VA_ARGS__))
#define BY_KIND_LIST(path, follow, buffer, size)                \
    ((path).text == NULL ? flistxattr((path).fd, buffer, size)  \
     : (follow)          ? listxattr((path).text, buffer, size) \
                         : llistxattr((path).text, buffer, size))

KR_FUNCTION_KEYWORDS(getxattr, 2, 2, "path", "attribute", "follow_symlinks") {
    int follow = 1;
    KR_PATH_OR_FD(path, argument[0], "getxattr");
    KR_PATH(attribute, argument[1], "getxattr");
    if (kr_read_bool(argument[2], &follow) < 0 || kr_path_check_follow("getxattr", path.fd, follow) < 0 ||
        PySys_Audit("os.getxattr", "OO", path.object, attribute.object) < 0)
        return NULL;
    for (size_t room = FIRST_VALUE_SIZE;; room = XATTR_SIZE_MAX) {
        PyObject *value = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
        if (value == NULL) return NULL;
        ssize_t size;
        KR_UNLOCKED(size = BY_KIND(path, follow, getxattr, attribute.text, PyBytes_AS_STRING(value), room));
        if (size >= 0) {
            _PyBytes_Resize(&value, size);
            return value;
        }
        Py_DECREF(value);
        if (errno != ERANGE || room == XATTR_SIZE_MAX) return kr_path_error(&path);
    }
}

KR_FUNCTION_KEYWORDS(setxattr, 3, 4, "path", "attribute", "value", "flags", "follow_symlinks") {
    int flags = 0, follow = 1, result;
    Py_buffer value;
    KR_PATH_OR_FD(path, argument[0], "setxattr");
    KR_PATH(attribute, argument[1], "setxattr");
    if (PyObject_GetBuffer(argument[2], &value, PyBUF_SIMPLE) < 0) return NULL;
    if (kr_read_int(argument[3], &flags) < 0 || kr_read_bool(argument[4], &follow) < 0 ||
        kr_path_check_follow("setxattr", path.fd, follow) < 0 ||
        PySys_Audit("os.setxattr", "OOy#i", path.object, attribute.object, value.buf, value.len, flags) < 0) {
        PyBuffer_Release(&value);
        return NULL;
    }
    KR_UNLOCKED(result = BY_KIND(path, follow, setxattr, attribute.text, value.buf, (size_t)value.len, flags));
    int saved = errno;
    PyBuffer_Release(&value);
    errno = saved;
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(removexattr, 2, 2, "path", "attribute", "follow_symlinks") {
    int follow = 1, result;
    KR_PATH_OR_FD(path, argument[0], "removexattr");
    KR_PATH(attribute, argument[1], "removexattr");
    if (kr_read_bool(argument[2], &follow) < 0 || kr_path_check_follow("removexattr", path.fd, follow) < 0 ||
        PySys_Audit("os.removexattr", "OO", path.object, attribute.object) < 0)
        return NULL;
    KR_UNLOCKED(result = BY_KIND(path, follow, removexattr, attribute.text));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

/* Splits names that each end with a null character. Returns a new list or NULL. */
static PyObject *split_names(const char *text, const char *end) {
    PyObject *list = PyList_New(0);
    while (list != NULL && text < end) {
        size_t size = strlen(text);
        PyObject *name = PyUnicode_DecodeFSDefaultAndSize(text, (Py_ssize_t)size);
        if (name == NULL || PyList_Append(list, name) < 0) Py_CLEAR(list);
        Py_XDECREF(name);
        text += size + 1;
    }
    return list;
}

KR_FUNCTION_KEYWORDS(listxattr, 0, 1, "path", "follow_symlinks") {
    int follow = 1;
    KR_PATH_KIND(path, argument[0], "listxattr", "path", 1, 1);
    if (kr_read_bool(argument[1], &follow) < 0 || kr_path_check_follow("listxattr", path.fd, follow) < 0 ||
        PySys_Audit("os.listxattr", "(O)", path.object) < 0)
        return NULL;
    for (size_t room = FIRST_LIST_SIZE;; room = XATTR_LIST_MAX) {
        char *buffer = PyMem_Malloc(room);
        if (buffer == NULL) return PyErr_NoMemory();
        ssize_t size;
        KR_UNLOCKED(size = BY_KIND_LIST(path, follow, buffer, room));
        PyObject *names = size < 0 ? NULL : split_names(buffer, buffer + size);
        int saved = errno;
        PyMem_Free(buffer);
        if (size >= 0) return names;
        errno = saved;
        if (errno != ERANGE || room == XATTR_LIST_MAX) return kr_path_error(&path);
    }
}

#define RELATIVE "A relative path starts at the folder dir_fd, if given. "
#define NO_FOLLOW "With follow_symlinks false a symbolic link itself\nis meant."

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(chmod, "($module, /, path, mode, *, dir_fd=None, follow_symlinks=True)",
                      "Set the permissions of a path or open descriptor.\n\n" RELATIVE NO_FOLLOW),
    KR_ENTRY_KEYWORDS(fchmod, "($module, /, fd, mode)", "Set the permissions of an open file."),
    KR_ENTRY_KEYWORDS(
        chown, "($module, /, path, uid, gid, *, dir_fd=None, follow_symlinks=True)",
        "Set user and group of a path or open descriptor; -1 leaves one as it is.\n\n" RELATIVE NO_FOLLOW),
    KR_ENTRY_KEYWORDS(fchown, "($module, /, fd, uid, gid)", "Set user and group of an open file."),
    KR_ENTRY_KEYWORDS(lchown, "($module, /, path, uid, gid)", "Set user and group without following a symbolic link."),
    KR_ENTRY_ONE(umask, "($module, mask, /)", "Set the permissions that new files are denied; return the former mask."),
    KR_ENTRY_KEYWORDS(
        utime, "($module, /, path, times=None, *, ns=<unrepresentable>,\n      dir_fd=None, follow_symlinks=True)",
        "Set access and modification time: times is a pair in seconds, ns one in nanoseconds;\n"
        "with neither, the time is now.\n\n" RELATIVE NO_FOLLOW),
    KR_ENTRY_KEYWORDS(getxattr, "($module, /, path, attribute, *, follow_symlinks=True)",
                      "Return the value of an extended attribute of a path or open descriptor, as bytes."),
    KR_ENTRY_KEYWORDS(setxattr, "($module, /, path, attribute, value, flags=0, *,\n         follow_symlinks=True)",
                      "Set an extended attribute of a path or open descriptor.\n\n"
                      "flags may be XATTR_CREATE or XATTR_REPLACE."),
    KR_ENTRY_KEYWORDS(removexattr, "($module, /, path, attribute, *, follow_symlinks=True)",
                      "Remove an extended attribute of a path or open descriptor."),
    KR_ENTRY_KEYWORDS(listxattr, "($module, /, path=None, *, follow_symlinks=True)",
                      "Return the names of the extended attributes of a path or open descriptor."),
    {NULL},
};

int kr_posix_add_attributes(PyObject *module) { return PyModule_AddFunctions(module, functions); }
