/* fcntl: operations on file descriptors: fcntl(), ioctl() and locks. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>

#include "modules/constants.h"

enum { BUFFER_SIZE = 1024 /* bytes: the most that an argument passed by copy may have */ };

static int int_argument(PyObject *object, int *value) {
    *value = _PyLong_AsInt(object);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

/* After a failed call: true if it is to be repeated; else an exception is set. */
static int is_interrupted(void) {
    if (errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
        return 0;
    }
    return PyErr_CheckSignals() == 0;
}

PyDoc_STRVAR(fcntl_doc, "fcntl($module, fd, cmd, arg=0, /)\n--\n\n"
                        "Perform a command on a descriptor.\n\n"
                        "With an int argument the result is that of the call; with a str or bytes-like one (at most 1024\n"
                        "bytes) it is the bytes that the call left in a copy of it. Raises OSError.");
static PyObject *fcntl_fcntl(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int descriptor, command, result;
    if (!_PyArg_CheckPositional("fcntl", count, 2, 3)) return NULL;
    if ((descriptor = PyObject_AsFileDescriptor(args[0])) < 0 || int_argument(args[1], &command) < 0) return NULL;
    PyObject *argument = count > 2 ? args[2] : NULL;
    if (PySys_Audit("fcntl.fcntl", "iiO", descriptor, command, argument != NULL ? argument : Py_None) < 0) return NULL;
    unsigned number = 0;
    if (argument != NULL) {
        char *text, buffer[BUFFER_SIZE + 1] = "";
        Py_ssize_t size;
        if (PyArg_Parse(argument, "s#", &text, &size)) {
            if (size > BUFFER_SIZE) {
                PyErr_SetString(PyExc_ValueError, "fcntl string arg too long");
                return NULL;
            }
            memcpy(buffer, text, (size_t)size);
            do {
                Py_BEGIN_ALLOW_THREADS
                result = fcntl(descriptor, command, buffer);
                Py_END_ALLOW_THREADS
            } while (result < 0 && is_interrupted());
            return result < 0 ? NULL : PyBytes_FromStringAndSize(buffer, size);
        }
        PyErr_Clear();
        if (!PyArg_Parse(argument, "I;fcntl requires a file or file descriptor, an integer and optionally a third integer "
                                   "or a string", &number))
            return NULL;
    }
    do {
        Py_BEGIN_ALLOW_THREADS
        result = fcntl(descriptor, command, (int)number);
        Py_END_ALLOW_THREADS
    } while (result < 0 && is_interrupted());
    return result < 0 ? NULL : PyLong_FromLong(result);
}

/* ioctl() on a copy of the buffer; `*size` bytes, at most BUFFER_SIZE. The copy is followed by a null byte. */
static int ioctl_copy(int descriptor, unsigned request, char *buffer, const void *data, Py_ssize_t size) {
    int result;
    memcpy(buffer, data, (size_t)size);
    buffer[size] = 0;
    Py_BEGIN_ALLOW_THREADS
    result = ioctl(descriptor, request, buffer);
    Py_END_ALLOW_THREADS
    return result;
}

static PyObject *ioctl_result(int result) {
    return result < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(result);
}

/* ioctl() with a writable buffer, which the call changes itself if `mutate` is true. Releases the view. */
static PyObject *ioctl_writable(int descriptor, unsigned request, Py_buffer *view, int mutate) {
    char buffer[BUFFER_SIZE + 1];
    PyObject *object = NULL;
    if (view->len <= BUFFER_SIZE) {
        int result = ioctl_copy(descriptor, request, buffer, view->buf, view->len), saved = errno;
        if (mutate) memcpy(view->buf, buffer, (size_t)view->len);
        errno = saved;
        if (mutate || result < 0)
            object = ioctl_result(result);
        else
            object = PyBytes_FromStringAndSize(buffer, view->len);
    } else if (mutate) {
        int result;
        Py_BEGIN_ALLOW_THREADS
        result = ioctl(descriptor, request, view->buf);
        Py_END_ALLOW_THREADS
        object = ioctl_result(result);
    } else {
        PyErr_SetString(PyExc_ValueError, "ioctl string arg too long");
    }
    PyBuffer_Release(view);
    return object;
}

PyDoc_STRVAR(ioctl_doc, "ioctl($module, fd, request, arg=0, mutate_flag=True, /)\n--\n\n"
                        "Perform a device's request on a descriptor.\n\n"
                        "The argument is an int; a writable buffer, which the call changes unless mutate_flag is false; or\n"
                        "a str or bytes-like object of at most 1024 bytes, of which a changed copy is returned.");
static PyObject *fcntl_ioctl(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int descriptor, number = 0, mutate = 1;
    Py_buffer view;
    if (!_PyArg_CheckPositional("ioctl", count, 2, 4) || (descriptor = PyObject_AsFileDescriptor(args[0])) < 0) return NULL;
    unsigned request = (unsigned)PyLong_AsUnsignedLongMask(args[1]);
    if (request == (unsigned)-1 && PyErr_Occurred()) return NULL;
    if (count > 3 && (mutate = PyObject_IsTrue(args[3])) < 0) return NULL;
    PyObject *argument = count > 2 ? args[2] : NULL;
    if (PySys_Audit("fcntl.ioctl", "iIO", descriptor, request, argument != NULL ? argument : Py_None) < 0) return NULL;
    if (argument != NULL) {
        if (PyArg_Parse(argument, "w*:ioctl", &view)) return ioctl_writable(descriptor, request, &view, mutate);
        PyErr_Clear();
        if (PyArg_Parse(argument, "s*:ioctl", &view)) return ioctl_writable(descriptor, request, &view, 0);
        PyErr_Clear();
        if (!PyArg_Parse(argument, "i;ioctl requires a file or file descriptor, an integer and optionally an integer or "
                                   "buffer argument", &number))
            return NULL;
    }
    int result;
    Py_BEGIN_ALLOW_THREADS
    result = ioctl(descriptor, request, number);
    Py_END_ALLOW_THREADS
    return ioctl_result(result);
}

PyDoc_STRVAR(flock_doc, "flock($module, fd, operation, /)\n--\n\nLock or unlock the file of a descriptor by flock().");
static PyObject *fcntl_flock(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int descriptor, operation, result;
    if (!_PyArg_CheckPositional("flock", count, 2, 2) || (descriptor = PyObject_AsFileDescriptor(args[0])) < 0 ||
        int_argument(args[1], &operation) < 0 || PySys_Audit("fcntl.flock", "ii", descriptor, operation) < 0)
        return NULL;
    do {
        Py_BEGIN_ALLOW_THREADS
        result = flock(descriptor, operation);
        Py_END_ALLOW_THREADS
    } while (result < 0 && is_interrupted());
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(lockf_doc, "lockf($module, fd, cmd, len=0, start=0, whence=0, /)\n--\n\n"
                        "Lock or unlock part of a file by fcntl().\n\n"
                        "cmd is LOCK_UN, LOCK_SH or LOCK_EX, the latter perhaps with LOCK_NB: then OSError if another process\n"
                        "holds a lock. len is the number of bytes, 0 meaning up to the end; start and whence are as in seek().");
static PyObject *fcntl_lockf(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int descriptor, command, whence = 0, result;
    if (!_PyArg_CheckPositional("lockf", count, 2, 5) || (descriptor = PyObject_AsFileDescriptor(args[0])) < 0 ||
        int_argument(args[1], &command) < 0 || (count > 4 && int_argument(args[4], &whence) < 0))
        return NULL;
    PyObject *length = count > 2 ? args[2] : NULL, *start = count > 3 ? args[3] : NULL;
    if (PySys_Audit("fcntl.lockf", "iiOOi", descriptor, command, length != NULL ? length : Py_None,
                    start != NULL ? start : Py_None, whence) < 0)
        return NULL;
    struct flock lock = {.l_whence = (short)whence};
    if (command == LOCK_UN) {
        lock.l_type = F_UNLCK;
    } else if (command & LOCK_SH) {
        lock.l_type = F_RDLCK;
    } else if (command & LOCK_EX) {
        lock.l_type = F_WRLCK;
    } else {
        PyErr_SetString(PyExc_ValueError, "unrecognized lockf argument");
        return NULL;
    }
    if (start != NULL) {
        lock.l_start = PyLong_AsLong(start);
        if (lock.l_start == -1 && PyErr_Occurred()) return NULL;
    }
    if (length != NULL) {
        lock.l_len = PyLong_AsLong(length);
        if (lock.l_len == -1 && PyErr_Occurred()) return NULL;
    }
    do {
        Py_BEGIN_ALLOW_THREADS
        result = fcntl(descriptor, command & LOCK_NB ? F_SETLK : F_SETLKW, &lock);
        Py_END_ALLOW_THREADS
    } while (result < 0 && is_interrupted());
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL

static PyMethodDef methods[] = {
    {"fcntl", FASTCALL(fcntl_fcntl), fcntl_doc},
    {"ioctl", FASTCALL(fcntl_ioctl), ioctl_doc},
    {"flock", FASTCALL(fcntl_flock), flock_doc},
    {"lockf", FASTCALL(fcntl_lockf), lockf_doc},
    {NULL},
};

static int execute(PyObject *module) {
    static const KrConstant constants[] = {
#define CONSTANT(name) {#name, name}
        CONSTANT(LOCK_SH),      CONSTANT(LOCK_EX),      CONSTANT(LOCK_NB),       CONSTANT(LOCK_UN),
        CONSTANT(LOCK_MAND),    CONSTANT(LOCK_READ),    CONSTANT(LOCK_WRITE),    CONSTANT(LOCK_RW),
        CONSTANT(F_DUPFD),      CONSTANT(F_DUPFD_CLOEXEC), CONSTANT(F_GETFD),    CONSTANT(F_SETFD),
        CONSTANT(F_GETFL),      CONSTANT(F_SETFL),      CONSTANT(F_GETLK),       CONSTANT(F_SETLK),
        CONSTANT(F_SETLKW),     CONSTANT(F_OFD_GETLK),  CONSTANT(F_OFD_SETLK),   CONSTANT(F_OFD_SETLKW),
        CONSTANT(F_GETOWN),     CONSTANT(F_SETOWN),     CONSTANT(F_GETSIG),      CONSTANT(F_SETSIG),
        CONSTANT(F_RDLCK),      CONSTANT(F_WRLCK),      CONSTANT(F_UNLCK),       CONSTANT(F_EXLCK),
        CONSTANT(F_SHLCK),      CONSTANT(F_SETPIPE_SZ), CONSTANT(F_GETPIPE_SZ),  CONSTANT(FASYNC),
        CONSTANT(F_SETLEASE),   CONSTANT(F_GETLEASE),   CONSTANT(F_NOTIFY),      CONSTANT(FD_CLOEXEC),
        CONSTANT(DN_ACCESS),    CONSTANT(DN_MODIFY),    CONSTANT(DN_CREATE),     CONSTANT(DN_DELETE),
        CONSTANT(DN_RENAME),    CONSTANT(DN_ATTRIB),    {"DN_MULTISHOT", 0x80000000L}, CONSTANT(F_ADD_SEALS),
        CONSTANT(F_GET_SEALS),  CONSTANT(F_SEAL_SEAL),  CONSTANT(F_SEAL_SHRINK), CONSTANT(F_SEAL_GROW),
        CONSTANT(F_SEAL_WRITE),
#undef CONSTANT
        /* the kernel's names of what the C library uses anyway */
        {"F_GETLK64", F_GETLK}, {"F_SETLK64", F_SETLK}, {"F_SETLKW64", F_SETLKW},
    };
    return KR_ADD_CONSTANTS(module, constants);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "fcntl",
    .m_doc = "Operations on file descriptors: control, device requests, locks.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_fcntl(void) { return PyModuleDef_Init(&definition); }
