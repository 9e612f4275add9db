/* Python's file objects as C code uses them: opening, writing, reading lines, descriptors; and the plain printer that stands
 * in for sys.stderr until the module io works. */
#include <Python.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fileutils.h"
#include "object/names.h"
#include "runtime/file.h"

int Py_UTF8Mode = 0;

static struct {
    KrTextWriter text;
    Py_OpenCodeHookFunction open_code_hook;
    void *open_code_data;
} state;

/* ---- opening ---- */

PyObject *PyFile_FromFd(int fd, const char *name, const char *mode, int buffering, const char *encoding,
                        const char *errors, const char *newline, int closefd) {
    PyObject *io = PyImport_ImportModule("io");
    if (io == NULL) return NULL;
    /* The name of a descriptor is its number; the parameter exists for old callers. */
    PyObject *file = PyObject_CallMethod(io, "open", "isisssO", fd, mode, buffering, encoding, errors, newline,
                                         closefd ? Py_True : Py_False);
    Py_DECREF(io);
    return file;
}

int PyFile_SetOpenCodeHook(Py_OpenCodeHookFunction hook, void *data) {
    if (Py_IsInitialized() && PySys_Audit("setopencodehook", NULL) < 0) return -1;
    if (state.open_code_hook != NULL) {
        if (Py_IsInitialized())
            PyErr_SetString(PyExc_SystemError, "failed to change existing open_code hook");
        return -1;
    }
    state.open_code_hook = hook;
    state.open_code_data = data;
    return 0;
}

PyObject *PyFile_OpenCodeObject(PyObject *path) {
    if (!PyUnicode_Check(path)) {
        PyErr_Format(PyExc_TypeError, "'path' must be 'str', not '%.200s'", Py_TYPE(path)->tp_name);
        return NULL;
    }
    if (state.open_code_hook != NULL) return state.open_code_hook(path, state.open_code_data);
    PyObject *io = PyImport_ImportModule("_io");
    if (io == NULL) return NULL;
    PyObject *file = PyObject_CallMethod(io, "open", "Os", path, "rb");
    Py_DECREF(io);
    return file;
}

PyObject *PyFile_OpenCode(const char *path) {
    PyObject *text = PyUnicode_FromString(path);
    if (text == NULL) return NULL;
    PyObject *file = PyFile_OpenCodeObject(text);
    Py_DECREF(text);
    return file;
}

/* ---- writing ---- */

void kr_file_set_text_writer(const KrTextWriter *writer) { state.text = *writer; }

/* Calls file.write(text). */
static int write_text(PyObject *file, PyObject *text) {
    if (Py_IS_TYPE(file, state.text.type) && PyUnicode_CheckExact(text)) {
        int status = state.text.write(file, text);
        if (status <= 0) return status;
    }
    PyObject *result = PyObject_CallMethodOneArg(file, KR_NAME(write), text);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int PyFile_WriteObject(PyObject *object, PyObject *file, int flags) {
    if (file == NULL) {
        PyErr_SetString(PyExc_TypeError, "writeobject with NULL file");
        return -1;
    }
    if ((flags & Py_PRINT_RAW) && PyUnicode_CheckExact(object)) {
        Py_INCREF(object);
        int status = write_text(file, object);
        Py_DECREF(object);
        return status;
    }
    /* A file that cannot be written to is noticed before the object is asked for its text. */
    PyObject *write = NULL;
    if (!Py_IS_TYPE(file, state.text.type) && (write = PyObject_GetAttr(file, KR_NAME(write))) == NULL) return -1;
    PyObject *text = (flags & Py_PRINT_RAW) ? PyObject_Str(object) : PyObject_Repr(object);
    int status = -1;
    if (text != NULL && write == NULL) {
        status = write_text(file, text);
    } else if (text != NULL) {
        PyObject *result = PyObject_CallOneArg(write, text);
        status = result == NULL ? -1 : 0;
        Py_XDECREF(result);
    }
    Py_XDECREF(text);
    Py_XDECREF(write);
    return status;
}

int PyFile_WriteString(const char *string, PyObject *file) {
    if (file == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "null file for PyFile_WriteString");
        return -1;
    }
    if (PyErr_Occurred()) return -1;
    if (Py_IS_TYPE(file, state.text.type)) {
        const char *end = string;
        while (*end > 0) end++;
        int status = *end == '\0' ? state.text.write_ascii(file, string, end - string) : 1;
        if (status <= 0) return status;
    }
    PyObject *text = PyUnicode_FromString(string);
    if (text == NULL) return -1;
    int status = write_text(file, text);
    Py_DECREF(text);
    return status;
}

/* ---- reading ---- */

/* Returns text or bytes without a newline at the end; takes the reference. */
static PyObject *strip_newline(PyObject *line) {
    PyObject *shorter = line;
    if (PyBytes_Check(line)) {
        Py_ssize_t size = PyBytes_GET_SIZE(line);
        const char *data = PyBytes_AS_STRING(line);
        if (size == 0) {
            PyErr_SetString(PyExc_EOFError, "EOF when reading a line");
            shorter = NULL;
        } else if (data[size - 1] == '\n') {
            shorter = PyBytes_FromStringAndSize(data, size - 1);
        }
    } else {
        Py_ssize_t size = PyUnicode_GET_LENGTH(line);
        if (size == 0) {
            PyErr_SetString(PyExc_EOFError, "EOF when reading a line");
            shorter = NULL;
        } else if (PyUnicode_READ_CHAR(line, size - 1) == '\n') {
            shorter = PyUnicode_Substring(line, 0, size - 1);
        }
    }
    if (shorter != line) Py_DECREF(line);
    return shorter;
}

PyObject *PyFile_GetLine(PyObject *file, int limit) {
    if (file == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyObject *line = limit <= 0 ? PyObject_CallMethodNoArgs(file, KR_NAME(readline))
                                : PyObject_CallMethod(file, "readline", "i", limit);
    if (line == NULL) return NULL;
    if (!PyBytes_Check(line) && !PyUnicode_Check(line)) {
        Py_DECREF(line);
        PyErr_SetString(PyExc_TypeError, "object.readline() returned non-string");
        return NULL;
    }
    return limit < 0 ? strip_newline(line) : line;
}

char *Py_UniversalNewlineFgets(char *buffer, int size, FILE *stream, PyObject *file) {
    if (file != NULL) {
        errno = ENXIO; /* file objects are not accepted any more */
        return NULL;
    }
    char *to = buffer, *last = buffer + size - 1;
    int character = 0, after_return = 0;
    flockfile(stream);
    while (to < last && (character = getc_unlocked(stream)) != EOF) {
        if (after_return) {
            after_return = 0;
            /* The second half of "\r\n": the newline is in the buffer already. */
            if (character == '\n' && (character = getc_unlocked(stream)) == EOF) break;
        }
        if (character == '\r') {
            after_return = 1;
            character = '\n';
        }
        *to++ = (char)character;
        if (character == '\n') break;
    }
    if (after_return) {
        int next = getc_unlocked(stream);
        if (next != '\n' && next != EOF) ungetc(next, stream);
    }
    funlockfile(stream);
    *to = '\0';
    return to == buffer ? NULL : buffer;
}

/* ---- descriptors ---- */

int PyObject_AsFileDescriptor(PyObject *object) {
    int fd;
    if (PyLong_Check(object)) {
        fd = _PyLong_AsInt(object);
    } else {
        PyObject *method;
        if (_PyObject_LookupAttr(object, KR_NAME(fileno), &method) < 0) return -1;
        if (method == NULL) {
            PyErr_SetString(PyExc_TypeError, "argument must be an int, or have a fileno() method.");
            return -1;
        }
        PyObject *number = PyObject_CallNoArgs(method);
        Py_DECREF(method);
        if (number == NULL) return -1;
        if (!PyLong_Check(number)) {
            PyErr_SetString(PyExc_TypeError, "fileno() returned a non-integer");
            Py_DECREF(number);
            return -1;
        }
        fd = _PyLong_AsInt(number);
        Py_DECREF(number);
    }
    if (fd == -1 && PyErr_Occurred()) return -1;
    if (fd < 0) {
        PyErr_Format(PyExc_ValueError, "file descriptor cannot be a negative integer (%i)", fd);
        return -1;
    }
    return fd;
}

int _PyLong_FileDescriptor_Converter(PyObject *object, void *fd) {
    int number = PyObject_AsFileDescriptor(object);
    if (number == -1) return 0;
    *(int *)fd = number;
    return 1;
}

/* ---- the plain printer ---- */

typedef struct {
    PyObject_HEAD
    int fd;
} Printer;

PyObject *PyFile_NewStdPrinter(int fd) {
    if (fd != fileno(stdout) && fd != fileno(stderr)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    Printer *self = PyObject_New(Printer, &PyStdPrinter_Type);
    if (self != NULL) self->fd = fd;
    return (PyObject *)self;
}

static PyObject *printer_write(Printer *self, PyObject *text) {
    if (self->fd < 0) Py_RETURN_NONE; /* nowhere to write to: no error */
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "write() argument must be str, not %.200s", Py_TYPE(text)->tp_name);
        return NULL;
    }
    PyObject *bytes = _PyUnicode_AsUTF8String(text, "backslashreplace");
    if (bytes == NULL) return NULL;
    Py_ssize_t done = _Py_write(self->fd, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    int code = errno;
    Py_DECREF(bytes);
    if (done >= 0) return PyLong_FromSsize_t(done);
    if (code != EAGAIN) return NULL;
    PyErr_Clear();
    Py_RETURN_NONE;
}

static PyObject *printer_fileno(Printer *self, PyObject *unused) { return PyLong_FromLong(self->fd); }

static PyObject *printer_isatty(Printer *self, PyObject *unused) {
    if (self->fd < 0) Py_RETURN_FALSE;
    int terminal;
    Py_BEGIN_ALLOW_THREADS
    terminal = isatty(self->fd);
    Py_END_ALLOW_THREADS
    return PyBool_FromLong(terminal);
}

static PyObject *printer_none(Printer *self, PyObject *unused) { Py_RETURN_NONE; }

static PyObject *printer_repr(Printer *self) {
    return PyUnicode_FromFormat("<stdprinter(fd=%d) object at %p>", self->fd, self);
}

static PyObject *printer_get_encoding(Printer *self, void *closure) { Py_RETURN_NONE; }
static PyObject *printer_get_closed(Printer *self, void *closure) { Py_RETURN_FALSE; }
static PyObject *printer_get_mode(Printer *self, void *closure) { return PyUnicode_FromString("w"); }

static PyMethodDef printer_methods[] = {
    {"close", (PyCFunction)printer_none, METH_NOARGS, NULL},
    {"flush", (PyCFunction)printer_none, METH_NOARGS, NULL},
    {"fileno", (PyCFunction)printer_fileno, METH_NOARGS, NULL},
    {"isatty", (PyCFunction)printer_isatty, METH_NOARGS, NULL},
    {"write", (PyCFunction)printer_write, METH_O, NULL},
    {NULL},
};

static PyGetSetDef printer_getset[] = {
    {"encoding", (getter)printer_get_encoding},
    {"closed", (getter)printer_get_closed},
    {"mode", (getter)printer_get_mode},
    {NULL},
};

PyTypeObject PyStdPrinter_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "stderrprinter",
    .tp_basicsize = sizeof(Printer),
    .tp_repr = (reprfunc)printer_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = printer_methods,
    .tp_getset = printer_getset,
};
