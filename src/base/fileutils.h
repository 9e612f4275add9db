/* System calls on files as Python code expects them.
 *
 * These functions have the names and prototypes that compiled modules of the library use. Unless its name ends in
 * "noraise" or its description says otherwise, each one needs the interpreter lock, releases it around the system call,
 * raises OSError on failure, and after EINTR runs the signal handlers and repeats the call. Descriptors that they create
 * are not inherited by child processes.
 */
#ifndef KR_BASE_FILEUTILS_H
#define KR_BASE_FILEUTILS_H

#include <Python.h>

#include <stdio.h>
#include <sys/stat.h>

/* The most bytes that one read or write asks for. */
#define KR_IO_MAX ((size_t)PY_SSIZE_T_MAX)

PyAPI_FUNC(int) _Py_open(const char *path, int flags);
PyAPI_FUNC(int) _Py_open_noraise(const char *path, int flags);
/* Return how many bytes; -1 with OSError, errno being set. A write to a pipe or terminal whose reader lags returns early. */
PyAPI_FUNC(Py_ssize_t) _Py_read(int fd, void *buffer, size_t count);
PyAPI_FUNC(Py_ssize_t) _Py_write(int fd, const void *buffer, size_t count);
/* For use without the interpreter lock. */
PyAPI_FUNC(Py_ssize_t) _Py_write_noraise(int fd, const void *buffer, size_t count);

PyAPI_FUNC(int) _Py_fstat(int fd, struct stat *status);
PyAPI_FUNC(int) _Py_fstat_noraise(int fd, struct stat *status);
/* Returns 0; -1 if the file has no status (errno says why); -2 with an exception if the path cannot be encoded. */
PyAPI_FUNC(int) _Py_stat(PyObject *path, struct stat *status);
PyAPI_FUNC(int) _Py_wstat(const wchar_t *path, struct stat *status);

PyAPI_FUNC(int) _Py_dup(int fd);
/* `*atomic_works`, if given, is -1 at first and remembers whether the flag of the call that made the descriptor did its
 * work already: whoever passes it has asked for that flag. */
PyAPI_FUNC(int) _Py_set_inheritable(int fd, int inheritable, int *atomic_works);
/* Without the interpreter lock, between fork and exec. */
PyAPI_FUNC(int) _Py_set_inheritable_async_safe(int fd, int inheritable, int *atomic_works);
PyAPI_FUNC(int) _Py_get_inheritable(int fd);
PyAPI_FUNC(int) _Py_get_blocking(int fd);
PyAPI_FUNC(int) _Py_set_blocking(int fd, int blocking);
/* Closes all descriptors from `first` to `last`, both included; any thread, no error. */
PyAPI_FUNC(void) _Py_closerange(int first, int last);

/* fopen() of a wide path; NULL with errno. */
PyAPI_FUNC(FILE *) _Py_wfopen(const wchar_t *path, const wchar_t *mode);

/* Paths as wide strings. They write at most `size` characters, the end included, and return -1 or NULL with errno. */
PyAPI_FUNC(int) _Py_wreadlink(const wchar_t *path, wchar_t *target, size_t size);
PyAPI_FUNC(wchar_t *) _Py_wrealpath(const wchar_t *path, wchar_t *resolved, size_t size);
PyAPI_FUNC(wchar_t *) _Py_wgetcwd(wchar_t *path, size_t size);
PyAPI_FUNC(int) _Py_isabs(const wchar_t *path);
/* Stores an absolute path in memory of PyMem_RawMalloc; NULL if the current folder is unknown. Returns 0, or -1 out of
 * memory. */
PyAPI_FUNC(int) _Py_abspath(const wchar_t *path, wchar_t **absolute);
/* Joins in memory of PyMem_RawMalloc; NULL out of memory. */
PyAPI_FUNC(wchar_t *) _Py_join_relfile(const wchar_t *folder, const wchar_t *relative);
/* Appends in place; returns -1 if it does not fit. */
PyAPI_FUNC(int) _Py_add_relfile(wchar_t *folder, const wchar_t *relative, size_t size);
PyAPI_FUNC(size_t) _Py_find_basename(const wchar_t *path);
/* Removes ".", "x/.." and doubled slashes in place; `size` is the length, or -1 if the path ends with a null character. */
PyAPI_FUNC(wchar_t *) _Py_normpath(wchar_t *path, Py_ssize_t size);
PyAPI_FUNC(wchar_t *) _Py_normpath_and_size(wchar_t *path, Py_ssize_t size, Py_ssize_t *normal_size);

/* The name of the locale's encoding, "utf-8" if it has none. */
PyAPI_FUNC(PyObject *) _Py_GetLocaleEncodingObject(void);
PyAPI_FUNC(wchar_t *) _Py_GetLocaleEncoding(void);
/* The encoding of a terminal, None if the descriptor is none. */
PyAPI_FUNC(PyObject *) _Py_device_encoding(int fd);

#endif
