/* FileIO. */
#include "modules/io/fileio.h"

#include <structmember.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileutils.h"
#include "object/names.h"

enum {
    FIRST_READ = 8192,        /* bytes that readall() makes room for when the size is not known */
    GROWTH_STEP = 512 * 1024, /* bytes; up to here the room doubles */
};

static void raise_closed(void) { PyErr_SetString(PyExc_ValueError, "I/O operation on closed file"); }

static int check_open(KrFileIO *self) {
    if (self->fd >= 0) return 0;
    raise_closed();
    return -1;
}

static int check_readable(KrFileIO *self) {
    if (check_open(self) < 0) return -1;
    if (self->readable) return 0;
    kr_io_unsupported("File not open for reading");
    return -1;
}

static int check_writable(KrFileIO *self) {
    if (check_open(self) < 0) return -1;
    if (self->writable) return 0;
    kr_io_unsupported("File not open for writing");
    return -1;
}

/* ---- opening and closing ---- */

/* Closes the descriptor. Returns 0, or -1 with OSError. */
static int close_descriptor(KrFileIO *self) {
    if (self->fd < 0) return 0;
    int fd = self->fd, status;
    self->fd = -1;
    Py_BEGIN_ALLOW_THREADS
    status = close(fd);
    Py_END_ALLOW_THREADS
    if (status == 0) return 0;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

/* Sets the mode members and returns the flags of open(), or -1 with ValueError. */
static int parse_mode(KrFileIO *self, const char *mode) {
    int kinds = 0, plus = 0, flags = 0;
    for (const char *at = mode; *at != '\0'; at++) {
        switch (*at) {
        case 'x':
            kinds++;
            self->created = self->writable = 1;
            flags |= O_EXCL | O_CREAT;
            break;
        case 'r':
            kinds++;
            self->readable = 1;
            break;
        case 'w':
            kinds++;
            self->writable = 1;
            flags |= O_CREAT | O_TRUNC;
            break;
        case 'a':
            kinds++;
            self->writable = self->appending = 1;
            flags |= O_APPEND | O_CREAT;
            break;
        case '+':
            plus++;
            self->readable = self->writable = 1;
            break;
        case 'b':
            break;
        default:
            PyErr_Format(PyExc_ValueError, "invalid mode: %.200s", mode);
            return -1;
        }
        if (kinds > 1 || plus > 1) break;
    }
    if (kinds != 1 || plus > 1) {
        PyErr_SetString(PyExc_ValueError,
                        "Must have exactly one of create/read/write/append mode and at most one plus");
        return -1;
    }
    flags |= self->readable ? (self->writable ? O_RDWR : O_RDONLY) : O_WRONLY;
    return flags | O_CLOEXEC;
}

/* Calls the opener. Returns a descriptor, or -1 with an exception. */
static int call_opener(PyObject *opener, PyObject *file, int flags) {
    PyObject *result = PyObject_CallFunction(opener, "Oi", file, flags);
    if (result == NULL) return -1;
    if (!PyLong_Check(result)) {
        Py_DECREF(result);
        PyErr_SetString(PyExc_TypeError, "expected integer from opener");
        return -1;
    }
    int fd = _PyLong_AsInt(result);
    Py_DECREF(result);
    if (fd < 0) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "opener returned %d", fd);
        return -1;
    }
    if (_Py_set_inheritable(fd, 0, NULL) < 0) {
        /* The descriptor is the opener's gift: it goes away with this object. */
        close(fd);
        return -1;
    }
    return fd;
}

/* Opens a path. Returns a descriptor, or -1 with an exception. */
static int open_path(PyObject *file, PyObject *path, int flags) {
    const char *name = PyBytes_AS_STRING(path);
    for (;;) {
        int fd;
        Py_BEGIN_ALLOW_THREADS
        fd = open(name, flags, 0666);
        Py_END_ALLOW_THREADS
        if (fd >= 0) return fd;
        if (errno != EINTR) {
            PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, file);
            return -1;
        }
        if (PyErr_CheckSignals() < 0) return -1;
    }
}

/* Finds out what the descriptor is. Returns 0, or -1 with OSError for a folder or a descriptor that is not open. */
static int examine(KrFileIO *self, PyObject *file) {
    struct stat status;
    int result;
    Py_BEGIN_ALLOW_THREADS
    result = fstat(self->fd, &status);
    Py_END_ALLOW_THREADS
    if (result < 0) {
        if (errno != EBADF) return 0; /* some file systems cannot tell; the file may work all the same */
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, file);
        return -1;
    }
    if (S_ISREG(status.st_mode)) self->kind = KR_FILE_REGULAR;
    if (S_ISCHR(status.st_mode)) self->kind = KR_FILE_CHARACTER;
    if (status.st_blksize > 1) self->blksize = (unsigned)status.st_blksize;
    return 0;
}

static int initialize(KrFileIO *self, PyObject *file, const char *mode, int closefd, PyObject *opener) {
    PyObject *path = NULL;
    int status = -1, ours = 0;
    if (self->fd >= 0) {
        if (self->closefd) {
            if (close_descriptor(self) < 0) return -1;
        } else {
            self->fd = -1;
        }
    }
    self->created = self->readable = self->writable = self->appending = self->opened = 0;
    self->seekable = -1;
    self->kind = KR_FILE_OTHER;
    self->closefd = closefd;
    self->blksize = KR_IO_BUFFER_SIZE;

    int fd = -1;
    if (!PyUnicode_CheckExact(file)) {
        fd = _PyLong_AsInt(file);
        if (fd < 0) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_ValueError, "negative file descriptor");
                return -1;
            }
            PyErr_Clear();
        }
    }
    if (fd < 0 && !PyUnicode_FSConverter(file, &path)) return -1;

    int flags = parse_mode(self, mode);
    if (flags < 0 || PySys_Audit("open", "Osi", file, mode, flags) < 0) goto done;
    if (fd >= 0) {
        self->fd = fd;
    } else {
        if (!closefd) {
            PyErr_SetString(PyExc_ValueError, "Cannot use closefd=False with file name");
            goto done;
        }
        int opened = opener == Py_None ? open_path(file, path, flags) : call_opener(opener, file, flags);
        if (opened < 0) goto done;
        self->fd = opened;
        self->opened = opener == Py_None;
        ours = 1;
    }
    if (examine(self, file) < 0) goto done;
    if (PyObject_SetAttr((PyObject *)self, KR_NAME(name), file) < 0) goto done;
    /* So that tell() is right before the first write. A pipe has no position. */
    if (self->appending && kr_fileio_seek(self, 0, SEEK_END) < 0) {
        if (self->kind == KR_FILE_REGULAR || !PyErr_ExceptionMatches(PyExc_OSError)) goto done;
        PyErr_Clear();
    }
    if (self->opened && self->kind == KR_FILE_REGULAR) self->seekable = 1;
    status = 0;
done:
    if (status < 0) {
        if (!ours) {
            self->fd = -1;
        } else if (self->fd >= 0) {
            PyObject *type, *value, *traceback;
            PyErr_Fetch(&type, &value, &traceback);
            if (close_descriptor(self) < 0)
                _PyErr_ChainExceptions(type, value, traceback);
            else
                PyErr_Restore(type, value, traceback);
        }
    }
    Py_XDECREF(path);
    return status;
}

static KrFileIO *allocate(PyTypeObject *type) {
    KrFileIO *self = (KrFileIO *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->fd = -1;
    self->seekable = -1;
    self->closefd = 1;
    return self;
}

static PyObject *fileio_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return (PyObject *)allocate(type);
}

PyObject *kr_fileio_new(PyObject *file, const char *mode, int closefd, PyObject *opener) {
    KrFileIO *self = allocate(&kr_fileio_type);
    if (self == NULL) return NULL;
    if (initialize(self, file, mode, closefd, opener) == 0) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static int fileio_init(KrFileIO *self, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"file", "mode", "closefd", "opener", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "FileIO"};
    PyObject *given[4];
    if (kr_io_unpack(args, kwargs, &parser, 1, 4, given) < 0) return -1;
    const char *mode = "r";
    if (given[1] != NULL && (mode = kr_io_text_argument("FileIO", "argument 'mode'", given[1], 0)) == NULL) return -1;
    int closefd = kr_io_bool_argument(given[2], 1);
    if (closefd < 0) return -1;
    return initialize(self, given[0], mode, closefd, given[3] == NULL ? Py_None : given[3]);
}

/* Warns that nobody closed the file, in the name of the outermost object. */
static void warn_unclosed(KrFileIO *self, PyObject *source) {
    if (self->fd < 0 || !self->closefd) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_ResourceWarning(source, 1, "unclosed file %R", source) < 0 &&
        PyErr_ExceptionMatches(PyExc_Warning))
        PyErr_WriteUnraisable((PyObject *)self);
    PyErr_Restore(type, value, traceback);
}

static PyObject *fileio_dealloc_warn(KrFileIO *self, PyObject *source) {
    warn_unclosed(self, source);
    Py_RETURN_NONE;
}

static PyObject *fileio_close(KrFileIO *self, PyObject *unused) {
    PyObject *result = PyObject_CallMethodOneArg((PyObject *)&kr_raw_base_type, KR_NAME(close), (PyObject *)self);
    if (!self->closefd) {
        self->fd = -1;
        return result;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (self->finalizing) warn_unclosed(self, (PyObject *)self);
    int status = close_descriptor(self);
    if (type != NULL) _PyErr_ChainExceptions(type, value, traceback);
    if (status < 0) Py_CLEAR(result);
    return result;
}

static int fileio_traverse(KrFileIO *self, visitproc visit, void *arg) {
    Py_VISIT(self->dict);
    return 0;
}

static int fileio_clear(KrFileIO *self) {
    Py_CLEAR(self->dict);
    return 0;
}

static void fileio_dealloc(KrFileIO *self) {
    self->finalizing = 1;
    if (kr_io_finalize_object((PyObject *)self) < 0) return;
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    Py_CLEAR(self->dict);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* ---- what the file is ---- */

static PyObject *fileio_fileno(KrFileIO *self, PyObject *unused) {
    return check_open(self) < 0 ? NULL : PyLong_FromLong(self->fd);
}

static PyObject *fileio_readable(KrFileIO *self, PyObject *unused) {
    return check_open(self) < 0 ? NULL : PyBool_FromLong(self->readable);
}

static PyObject *fileio_writable(KrFileIO *self, PyObject *unused) {
    return check_open(self) < 0 ? NULL : PyBool_FromLong(self->writable);
}

int kr_fileio_seekable(KrFileIO *self) {
    if (check_open(self) < 0) return -1;
    if (self->seekable < 0) {
        off_t offset;
        Py_BEGIN_ALLOW_THREADS
        offset = lseek(self->fd, 0, SEEK_CUR);
        Py_END_ALLOW_THREADS
        self->seekable = offset >= 0;
    }
    return self->seekable;
}

static PyObject *fileio_seekable(KrFileIO *self, PyObject *unused) {
    int seekable = kr_fileio_seekable(self);
    return seekable < 0 ? NULL : PyBool_FromLong(seekable);
}

int kr_fileio_isatty(KrFileIO *self) {
    if (check_open(self) < 0) return -1;
    int terminal;
    Py_BEGIN_ALLOW_THREADS
    terminal = isatty(self->fd);
    Py_END_ALLOW_THREADS
    return terminal != 0;
}

static PyObject *fileio_isatty(KrFileIO *self, PyObject *unused) {
    int terminal = kr_fileio_isatty(self);
    return terminal < 0 ? NULL : PyBool_FromLong(terminal);
}

static const char *mode_name(KrFileIO *self) {
    if (self->created) return self->readable ? "xb+" : "xb";
    if (self->appending) return self->readable ? "ab+" : "ab";
    if (self->readable) return self->writable ? "rb+" : "rb";
    return "wb";
}

static PyObject *fileio_repr(KrFileIO *self) {
    if (self->fd < 0) return PyUnicode_FromString("<_io.FileIO [closed]>");
    const char *closefd = self->closefd ? "True" : "False";
    PyObject *name, *result = NULL;
    int found = _PyObject_LookupAttr((PyObject *)self, KR_NAME(name), &name);
    if (found < 0) return NULL;
    if (!found)
        return PyUnicode_FromFormat("<_io.FileIO fd=%d mode='%s' closefd=%s>", self->fd, mode_name(self), closefd);
    int status = Py_ReprEnter((PyObject *)self);
    if (status == 0) {
        result = PyUnicode_FromFormat("<_io.FileIO name=%R mode='%s' closefd=%s>", name, mode_name(self), closefd);
        Py_ReprLeave((PyObject *)self);
    } else if (status > 0) {
        PyErr_Format(PyExc_RuntimeError, "reentrant call inside %s.__repr__", Py_TYPE(self)->tp_name);
    }
    Py_DECREF(name);
    return result;
}

static PyObject *fileio_get_closed(KrFileIO *self, void *closure) { return PyBool_FromLong(self->fd < 0); }
static PyObject *fileio_get_closefd(KrFileIO *self, void *closure) { return PyBool_FromLong(self->closefd); }
static PyObject *fileio_get_mode(KrFileIO *self, void *closure) { return PyUnicode_FromString(mode_name(self)); }

/* ---- reading ---- */

Py_ssize_t kr_fileio_read(KrFileIO *self, void *buffer, Py_ssize_t size) {
    if (check_readable(self) < 0) return -1;
    Py_ssize_t got = _Py_read(self->fd, buffer, (size_t)size);
    if (got >= 0) return got;
    if (errno != EAGAIN || !PyErr_ExceptionMatches(PyExc_OSError)) return -1;
    PyErr_Clear();
    return -2;
}

static PyObject *count_or_none(Py_ssize_t count) {
    if (count == -2) Py_RETURN_NONE;
    return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static PyObject *fileio_readinto(KrFileIO *self, PyObject *target) {
    Py_buffer view;
    if (kr_io_writable_buffer("readinto", target, &view) < 0) return NULL;
    Py_ssize_t got = kr_fileio_read(self, view.buf, view.len);
    PyBuffer_Release(&view);
    return count_or_none(got);
}

Py_ssize_t kr_fileio_rest(KrFileIO *self) {
    struct stat status;
    off_t offset = -1;
    int result;
    if (self->fd < 0) return -1;
    Py_BEGIN_ALLOW_THREADS
    result = fstat(self->fd, &status);
    if (result == 0 && status.st_size > 0) offset = lseek(self->fd, 0, SEEK_CUR);
    Py_END_ALLOW_THREADS
    if (offset < 0 || offset > status.st_size || status.st_size - offset >= PY_SSIZE_T_MAX) return -1;
    return status.st_size - offset;
}

PyObject *kr_fileio_readall(KrFileIO *self) {
    if (check_open(self) < 0) return NULL;
    /* One byte more than is left, so that the read that finds the end needs no more room. */
    Py_ssize_t rest = kr_fileio_rest(self);
    size_t room = rest < 0 ? FIRST_READ : (size_t)rest + 1, size = 0;
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)room);
    if (result == NULL) return NULL;
    for (;;) {
        if (size == room) {
            size_t more = room < GROWTH_STEP ? room + 256 : room / 8;
            if (room > (size_t)PY_SSIZE_T_MAX - more) {
                PyErr_SetString(PyExc_OverflowError, "unbounded read returned more bytes than a Python bytes object can hold");
                Py_DECREF(result);
                return NULL;
            }
            room += more;
            if (_PyBytes_Resize(&result, (Py_ssize_t)room) < 0) return NULL;
        }
        Py_ssize_t got = _Py_read(self->fd, PyBytes_AS_STRING(result) + size, room - size);
        if (got == 0) break;
        if (got < 0) {
            if (errno == EAGAIN && PyErr_ExceptionMatches(PyExc_OSError)) {
                PyErr_Clear();
                if (size > 0) break;
                Py_DECREF(result);
                Py_RETURN_NONE;
            }
            Py_DECREF(result);
            return NULL;
        }
        size += (size_t)got;
    }
    if (size < room && _PyBytes_Resize(&result, (Py_ssize_t)size) < 0) return NULL;
    return result;
}

static PyObject *fileio_readall(KrFileIO *self, PyObject *unused) { return kr_fileio_readall(self); }

static PyObject *fileio_read(KrFileIO *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size;
    if (kr_io_size_argument("read", args, count, -1, &size) < 0 || check_readable(self) < 0) return NULL;
    if (size < 0) return kr_fileio_readall(self);
    PyObject *result = PyBytes_FromStringAndSize(NULL, size);
    if (result == NULL) return NULL;
    Py_ssize_t got = kr_fileio_read(self, PyBytes_AS_STRING(result), size);
    if (got < 0) {
        Py_DECREF(result);
        return count_or_none(got);
    }
    if (got < size) _PyBytes_Resize(&result, got);
    return result;
}

/* ---- writing ---- */

Py_ssize_t kr_fileio_write(KrFileIO *self, const void *data, Py_ssize_t size) {
    if (check_writable(self) < 0) return -1;
    Py_ssize_t done = _Py_write(self->fd, data, (size_t)size);
    if (done >= 0) return done;
    if (errno != EAGAIN || !PyErr_ExceptionMatches(PyExc_OSError)) return -1;
    PyErr_Clear();
    return -2;
}

static PyObject *fileio_write(KrFileIO *self, PyObject *data) {
    if (PyBytes_CheckExact(data))
        return count_or_none(kr_fileio_write(self, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)));
    Py_buffer view;
    if (kr_io_readable_buffer("write", data, &view) < 0) return NULL;
    Py_ssize_t done = kr_fileio_write(self, view.buf, view.len);
    PyBuffer_Release(&view);
    return count_or_none(done);
}

/* ---- position ---- */

off_t kr_fileio_seek(KrFileIO *self, off_t offset, int whence) {
    if (check_open(self) < 0) return -1;
    off_t result;
    Py_BEGIN_ALLOW_THREADS
    result = lseek(self->fd, offset, whence);
    Py_END_ALLOW_THREADS
    if (self->seekable < 0) self->seekable = result >= 0;
    if (result < 0) PyErr_SetFromErrno(PyExc_OSError);
    return result;
}

static PyObject *offset_or_error(off_t offset) { return offset < 0 ? NULL : PyLong_FromLongLong(offset); }

static PyObject *fileio_seek(KrFileIO *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("seek", count, 1, 2)) return NULL;
    int whence = SEEK_SET;
    if (count == 2 && (whence = _PyLong_AsInt(args[1])) == -1 && PyErr_Occurred()) return NULL;
    if (check_open(self) < 0) return NULL;
    off_t offset = PyLong_AsLong(args[0]);
    if (offset == -1 && PyErr_Occurred()) return NULL;
    return offset_or_error(kr_fileio_seek(self, offset, whence));
}

static PyObject *fileio_tell(KrFileIO *self, PyObject *unused) { return offset_or_error(kr_fileio_seek(self, 0, SEEK_CUR)); }

static PyObject *fileio_truncate(KrFileIO *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("truncate", count, 0, 1) || check_writable(self) < 0) return NULL;
    off_t size;
    if (count == 0 || args[0] == Py_None) {
        if ((size = kr_fileio_seek(self, 0, SEEK_CUR)) < 0) return NULL;
    } else {
        size = PyLong_AsLong(args[0]);
        if (size == -1 && PyErr_Occurred()) return NULL;
    }
    for (;;) {
        int status;
        Py_BEGIN_ALLOW_THREADS
        status = ftruncate(self->fd, size);
        Py_END_ALLOW_THREADS
        if (status == 0) break;
        if (errno != EINTR) return PyErr_SetFromErrno(PyExc_OSError);
        if (PyErr_CheckSignals() < 0) return NULL;
    }
    return count == 0 || args[0] == Py_None ? PyLong_FromLongLong(size) : Py_NewRef(args[0]);
}

/* ---- the type ---- */

#define FAST(function) (PyCFunction)(void *)function, METH_FASTCALL

static PyMethodDef fileio_methods[] = {
    {"read", FAST(fileio_read),
     PyDoc_STR("read($self, size=-1, /)\n--\n\nRead at most size bytes with one system call; all if size is negative.\n\n"
               "None if the descriptor is non-blocking and has no data yet, the empty bytes object at the end.")},
    {"readall", (PyCFunction)fileio_readall, METH_NOARGS,
     PyDoc_STR("readall($self, /)\n--\n\nRead to the end.\n\n"
               "On a non-blocking descriptor, what is there now; None if nothing is.")},
    {"readinto", (PyCFunction)fileio_readinto, METH_O,
     PyDoc_STR("readinto($self, buffer, /)\n--\n\nRead into a buffer with one system call. Returns how many bytes.")},
    {"write", (PyCFunction)fileio_write, METH_O,
     PyDoc_STR("write($self, b, /)\n--\n\nWrite bytes with one system call.\n\n"
               "Returns how many were written, None if a non-blocking descriptor took none.")},
    {"seek", FAST(fileio_seek),
     PyDoc_STR("seek($self, pos, whence=0, /)\n--\n\nMove by pos from the start (0), from here (1) or from the end (2).\n\n"
               "Returns the new position.")},
    {"tell", (PyCFunction)fileio_tell, METH_NOARGS,
     PyDoc_STR("tell($self, /)\n--\n\nThe current position.\n\nRaises OSError if the file is not seekable.")},
    {"truncate", FAST(fileio_truncate),
     PyDoc_STR("truncate($self, size=None, /)\n--\n\nSet the size of the file, by default to the current position.\n\n"
               "The position stays. Returns the new size.")},
    {"close", (PyCFunction)fileio_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\nClose the file, and its descriptor unless closefd was false.")},
    {"seekable", (PyCFunction)fileio_seekable, METH_NOARGS,
     PyDoc_STR("seekable($self, /)\n--\n\nWhether the file has a position that can be changed.")},
    {"readable", (PyCFunction)fileio_readable, METH_NOARGS,
     PyDoc_STR("readable($self, /)\n--\n\nWhether the file was opened for reading.")},
    {"writable", (PyCFunction)fileio_writable, METH_NOARGS,
     PyDoc_STR("writable($self, /)\n--\n\nWhether the file was opened for writing.")},
    {"fileno", (PyCFunction)fileio_fileno, METH_NOARGS, PyDoc_STR("fileno($self, /)\n--\n\nThe file descriptor.")},
    {"isatty", (PyCFunction)fileio_isatty, METH_NOARGS,
     PyDoc_STR("isatty($self, /)\n--\n\nWhether the descriptor belongs to a terminal.")},
    {"_dealloc_warn", (PyCFunction)fileio_dealloc_warn, METH_O, NULL},
    {NULL},
};

static PyGetSetDef fileio_getset[] = {
    {"closed", (getter)fileio_get_closed, NULL, PyDoc_STR("True if the file is closed")},
    {"closefd", (getter)fileio_get_closefd, NULL, PyDoc_STR("Whether close() closes the descriptor.")},
    {"mode", (getter)fileio_get_mode, NULL, PyDoc_STR("The mode, with \"b\" in it.")},
    {NULL},
};

static PyMemberDef fileio_members[] = {
    {"_blksize", T_UINT, offsetof(KrFileIO, blksize), 0},
    {"_finalizing", T_BOOL, offsetof(KrFileIO, finalizing), 0},
    {NULL},
};

PyTypeObject kr_fileio_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io.FileIO",
    .tp_basicsize = sizeof(KrFileIO),
    .tp_dealloc = (destructor)fileio_dealloc,
    .tp_repr = (reprfunc)fileio_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("FileIO(file, mode='r', closefd=True, opener=None)\n--\n\n"
                        "A file as a raw stream: bytes, and a system call for every operation.\n\n"
                        "file is a path or an open descriptor; mode is one of r, w, x and a, with + for both directions.\n"
                        "opener(file, flags), if given, opens the file and returns a descriptor."),
    .tp_traverse = (traverseproc)fileio_traverse,
    .tp_clear = (inquiry)fileio_clear,
    .tp_weaklistoffset = offsetof(KrFileIO, weakrefs),
    .tp_methods = fileio_methods,
    .tp_members = fileio_members,
    .tp_getset = fileio_getset,
    .tp_base = &kr_raw_base_type,
    .tp_dictoffset = offsetof(KrFileIO, dict),
    .tp_init = (initproc)fileio_init,
    .tp_new = fileio_new,
};
