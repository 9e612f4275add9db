/* System calls on files as Python code expects them, and paths as wide strings. */
#include <Python.h>

#include "base/fileutils.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wchar.h>

/* Runs a system call without the interpreter lock, again after EINTR. Afterwards `result` is what it returned and errno is
 * set; `interrupted` is true if a signal handler raised an exception. */
#define CALL(result, interrupted, call)                                                                                \
    do {                                                                                                               \
        int code_;                                                                                                     \
        Py_BEGIN_ALLOW_THREADS                                                                                         \
        errno = 0;                                                                                                     \
        (result) = (call);                                                                                             \
        code_ = errno;                                                                                                 \
        Py_END_ALLOW_THREADS                                                                                           \
        errno = code_;                                                                                                 \
        if ((result) >= 0 || code_ != EINTR) break;                                                                    \
        (interrupted) = PyErr_CheckSignals() < 0;                                                                      \
        errno = code_;                                                                                                 \
    } while (!(interrupted))

/* ---- descriptors ---- */

int _Py_get_inheritable(int fd) {
    int flags = fcntl(fd, F_GETFD, 0);
    if (flags >= 0) return !(flags & FD_CLOEXEC);
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

/* Changes the close-on-exec flag. Returns 0, or -1 with errno. */
static int change_inheritable(int fd, int inheritable) {
    /* One system call where the kernel has one for it. A descriptor opened with O_PATH does not support it. */
    if (ioctl(fd, inheritable ? FIONCLEX : FIOCLEX, NULL) == 0) return 0;
    if (errno != ENOTTY && errno != EACCES && errno != EBADF && errno != ENOSYS) return -1;
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0) return -1;
    int wanted = inheritable ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC;
    return wanted == flags ? 0 : fcntl(fd, F_SETFD, wanted) < 0 ? -1 : 0;
}

/* Finds out whether the flag of the call that made `fd` worked, once. Returns 1 if nothing is to be done. */
static int is_done(int fd, int inheritable, int *atomic_works) {
    if (atomic_works == NULL || inheritable) return 0;
    if (*atomic_works == -1) {
        int flags = fcntl(fd, F_GETFD, 0);
        if (flags < 0) return 0;
        *atomic_works = (flags & FD_CLOEXEC) != 0;
    }
    return *atomic_works;
}

int _Py_set_inheritable_async_safe(int fd, int inheritable, int *atomic_works) {
    return is_done(fd, inheritable, atomic_works) ? 0 : change_inheritable(fd, inheritable);
}

int _Py_set_inheritable(int fd, int inheritable, int *atomic_works) {
    if (_Py_set_inheritable_async_safe(fd, inheritable, atomic_works) == 0) return 0;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

int _Py_get_blocking(int fd) {
    int flags;
    Py_BEGIN_ALLOW_THREADS
    flags = fcntl(fd, F_GETFL, 0);
    Py_END_ALLOW_THREADS
    if (flags >= 0) return !(flags & O_NONBLOCK);
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

int _Py_set_blocking(int fd, int blocking) {
    int result;
    Py_BEGIN_ALLOW_THREADS
    result = fcntl(fd, F_GETFL, 0);
    if (result >= 0) result = fcntl(fd, F_SETFL, blocking ? result & ~O_NONBLOCK : result | O_NONBLOCK);
    Py_END_ALLOW_THREADS
    if (result >= 0) return 0;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

int _Py_dup(int fd) {
    int copy;
    Py_BEGIN_ALLOW_THREADS
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    Py_END_ALLOW_THREADS
    if (copy < 0) PyErr_SetFromErrno(PyExc_OSError);
    return copy;
}

void _Py_closerange(int first, int last) {
    if (first < 0) first = 0;
    if (first > last) return;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) == 0) return;
#endif
    for (int fd = first;; fd++) {
        close(fd);
        if (fd == last) break;
    }
}

/* ---- opening ---- */

int _Py_open_noraise(const char *path, int flags) { return open(path, flags | O_CLOEXEC); }

int _Py_open(const char *path, int flags) {
    if (PySys_Audit("open", "sOi", path, Py_None, flags) < 0) return -1;
    int fd, interrupted = 0;
    CALL(fd, interrupted, open(path, flags | O_CLOEXEC));
    if (fd < 0 && !interrupted) PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
    return fd;
}

/* Makes the descriptor of a stream private. Returns the stream, or NULL after having closed it. */
static FILE *make_private(FILE *stream) {
    if (stream == NULL || change_inheritable(fileno(stream), 0) == 0) return stream;
    int code = errno;
    fclose(stream);
    errno = code;
    return NULL;
}

FILE *_Py_fopen_obj(PyObject *path, const char *mode) {
    PyObject *bytes;
    if (PySys_Audit("open", "Osi", path, mode, 0) < 0) return NULL;
    if (!PyUnicode_FSConverter(path, &bytes)) return NULL;
    FILE *stream;
    int interrupted = 0, code;
    do {
        Py_BEGIN_ALLOW_THREADS
        stream = fopen(PyBytes_AS_STRING(bytes), mode);
        code = errno;
        Py_END_ALLOW_THREADS
        if (stream != NULL || code != EINTR) break;
        interrupted = PyErr_CheckSignals() < 0;
    } while (!interrupted);
    Py_DECREF(bytes);
    if (interrupted) return NULL;
    if (stream == NULL) {
        errno = code;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        return NULL;
    }
    if ((stream = make_private(stream)) == NULL) PyErr_SetFromErrno(PyExc_OSError);
    return stream;
}

FILE *_Py_wfopen(const wchar_t *path, const wchar_t *mode) {
    char short_mode[10];
    size_t size = wcstombs(short_mode, mode, sizeof short_mode);
    if (size == (size_t)-1 || size >= sizeof short_mode) {
        errno = EINVAL;
        return NULL;
    }
    char *name = Py_EncodeLocale(path, NULL);
    if (name == NULL) return NULL;
    FILE *stream = fopen(name, short_mode);
    PyMem_Free(name);
    return make_private(stream);
}

/* ---- reading and writing ---- */

Py_ssize_t _Py_read(int fd, void *buffer, size_t count) {
    if (count > KR_IO_MAX) count = KR_IO_MAX;
    Py_ssize_t got;
    int interrupted = 0;
    CALL(got, interrupted, read(fd, buffer, count));
    if (got >= 0 || interrupted) return got;
    int code = errno;
    PyErr_SetFromErrno(PyExc_OSError);
    errno = code;
    return -1;
}

Py_ssize_t _Py_write(int fd, const void *buffer, size_t count) {
    if (count > KR_IO_MAX) count = KR_IO_MAX;
    Py_ssize_t done;
    int interrupted = 0;
    CALL(done, interrupted, write(fd, buffer, count));
    if (done >= 0 || interrupted) return done;
    int code = errno;
    PyErr_SetFromErrno(PyExc_OSError);
    errno = code;
    return -1;
}

Py_ssize_t _Py_write_noraise(int fd, const void *buffer, size_t count) {
    if (count > KR_IO_MAX) count = KR_IO_MAX;
    Py_ssize_t done;
    do {
        errno = 0;
        done = write(fd, buffer, count);
    } while (done < 0 && errno == EINTR);
    return done;
}

/* ---- status ---- */

int _Py_fstat_noraise(int fd, struct stat *status) { return fstat(fd, status); }

int _Py_fstat(int fd, struct stat *status) {
    int result;
    Py_BEGIN_ALLOW_THREADS
    result = fstat(fd, status);
    Py_END_ALLOW_THREADS
    if (result == 0) return 0;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

int _Py_stat(PyObject *path, struct stat *status) {
    PyObject *bytes = PyUnicode_EncodeFSDefault(path);
    if (bytes == NULL) return -2;
    char *name;
    if (PyBytes_AsStringAndSize(bytes, &name, NULL) < 0) {
        Py_DECREF(bytes);
        return -2;
    }
    int result = stat(name, status);
    Py_DECREF(bytes);
    return result;
}

int _Py_wstat(const wchar_t *path, struct stat *status) {
    char *name = Py_EncodeLocale(path, NULL);
    if (name == NULL) {
        errno = EINVAL;
        return -1;
    }
    int result = stat(name, status);
    PyMem_Free(name);
    return result;
}

/* ---- paths as wide strings ---- */

/* Decodes a path into the caller's memory. Returns the length, or -1 with errno. */
static int decode_path(const char *from, wchar_t *to, size_t size) {
    size_t length;
    wchar_t *text = Py_DecodeLocale(from, &length);
    if (text == NULL || length + 1 > size) {
        PyMem_RawFree(text);
        errno = EINVAL;
        return -1;
    }
    wcscpy(to, text);
    PyMem_RawFree(text);
    return (int)length;
}

int _Py_wreadlink(const wchar_t *path, wchar_t *target, size_t size) {
    char *name = Py_EncodeLocale(path, NULL), bytes[PATH_MAX];
    if (name == NULL) {
        errno = EINVAL;
        return -1;
    }
    ssize_t length = readlink(name, bytes, sizeof bytes);
    PyMem_Free(name);
    if (length < 0) return -1;
    if (length == (ssize_t)sizeof bytes) {
        errno = EINVAL;
        return -1;
    }
    bytes[length] = '\0';
    return decode_path(bytes, target, size);
}

wchar_t *_Py_wrealpath(const wchar_t *path, wchar_t *resolved, size_t size) {
    char *name = Py_EncodeLocale(path, NULL), bytes[PATH_MAX];
    if (name == NULL) {
        errno = EINVAL;
        return NULL;
    }
    char *result = realpath(name, bytes);
    PyMem_Free(name);
    return result == NULL || decode_path(bytes, resolved, size) < 0 ? NULL : resolved;
}

wchar_t *_Py_wgetcwd(wchar_t *path, size_t size) {
    char bytes[PATH_MAX];
    return getcwd(bytes, sizeof bytes) == NULL || decode_path(bytes, path, size) < 0 ? NULL : path;
}

int _Py_isabs(const wchar_t *path) { return path[0] == L'/'; }

wchar_t *_Py_join_relfile(const wchar_t *folder, const wchar_t *relative) {
    size_t length = wcslen(folder), more = wcslen(relative);
    if (length + more > (size_t)PY_SSIZE_T_MAX / sizeof(wchar_t) - 2) return NULL;
    wchar_t *path = PyMem_RawMalloc((length + more + 2) * sizeof *path);
    if (path == NULL) return NULL;
    wcscpy(path, folder);
    if (_Py_add_relfile(path, relative, length + more + 2) == 0) return path;
    PyMem_RawFree(path);
    return NULL;
}

int _Py_add_relfile(wchar_t *folder, const wchar_t *relative, size_t size) {
    size_t length = wcslen(folder), more = wcslen(relative);
    if (_Py_isabs(relative)) {
        if (more + 1 > size) return -1;
        wmemmove(folder, relative, more + 1);
        return 0;
    }
    int slash = length > 0 && more > 0 && folder[length - 1] != L'/';
    if (length + (size_t)slash + more + 1 > size) return -1;
    if (slash) folder[length++] = L'/';
    wmemcpy(folder + length, relative, more + 1);
    return 0;
}

int _Py_abspath(const wchar_t *path, wchar_t **absolute) {
    if (path[0] == L'\0' || !_Py_isabs(path)) {
        wchar_t folder[PATH_MAX];
        if (_Py_wgetcwd(folder, PATH_MAX) == NULL) {
            *absolute = NULL;
            return 0;
        }
        if (path[0] == L'.' && path[1] == L'/') path += 2;
        *absolute = _Py_join_relfile(folder, path);
    } else {
        *absolute = PyMem_RawMalloc((wcslen(path) + 1) * sizeof *path);
        if (*absolute != NULL) wcscpy(*absolute, path);
    }
    return *absolute == NULL ? -1 : 0;
}

size_t _Py_find_basename(const wchar_t *path) {
    const wchar_t *slash = wcsrchr(path, L'/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

wchar_t *_Py_normpath_and_size(wchar_t *path, Py_ssize_t size, Py_ssize_t *normal_size) {
    wchar_t *end = path + (size < 0 ? (Py_ssize_t)wcslen(path) : size), *from = path, *to = path;
    *normal_size = end - path;
    if (end - path == 1 && *path == L'.') return path;
    /* One leading slash stays, or two; three and more are one. */
    if (from < end && *from == L'/') {
        to++;
        if (end - from >= 2 && from[1] == L'/' && !(end - from >= 3 && from[2] == L'/')) to++;
    }
    wchar_t *root = to, *base = to; /* what lies before `base` cannot be removed by ".." */
    while (from < end) {
        while (from < end && *from == L'/') from++;
        wchar_t *name = from;
        while (from < end && *from != L'/') from++;
        Py_ssize_t length = from - name;
        if (length == 0 || (length == 1 && name[0] == L'.')) continue;
        int up = length == 2 && name[0] == L'.' && name[1] == L'.';
        if (up && to > base) {
            while (to > base && *--to != L'/') {}
            continue;
        }
        if (up && root > path) continue; /* above the root is the root */
        if (to > root) *to++ = L'/';
        wmemmove(to, name, (size_t)length);
        to += length;
        if (up) base = to;
    }
    /* When nothing was removed there may be no room for an end; then there is one already. */
    if (to < end) *to = L'\0';
    *normal_size = to - path;
    return path;
}

wchar_t *_Py_normpath(wchar_t *path, Py_ssize_t size) {
    Py_ssize_t normal_size;
    return _Py_normpath_and_size(path, size, &normal_size);
}

/* ---- encodings ---- */

PyObject *_Py_GetLocaleEncodingObject(void) {
    const char *name = nl_langinfo(CODESET);
    return PyUnicode_FromString(name == NULL || *name == '\0' ? "utf-8" : name);
}

wchar_t *_Py_GetLocaleEncoding(void) {
    const char *name = nl_langinfo(CODESET);
    return Py_DecodeLocale(name == NULL || *name == '\0' ? "utf-8" : name, NULL);
}

PyObject *_Py_device_encoding(int fd) {
    int terminal;
    Py_BEGIN_ALLOW_THREADS
    terminal = isatty(fd);
    Py_END_ALLOW_THREADS
    if (!terminal) Py_RETURN_NONE;
    return Py_UTF8Mode ? PyUnicode_FromString("utf-8") : _Py_GetLocaleEncodingObject();
}
