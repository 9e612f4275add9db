/* OSError and the subclasses that stand for one errno each. */
#include <Python.h>
#include <errno.h>
#include <structmember.h>

#include "object/names.h"
#include "types/exceptions.h"

static const struct {
    int number;
    PyTypeObject *type;
} errno_types[] = {
    {EAGAIN, &kr_exc_BlockingIOError},
    {EALREADY, &kr_exc_BlockingIOError},
    {EINPROGRESS, &kr_exc_BlockingIOError},
    {EWOULDBLOCK, &kr_exc_BlockingIOError},
    {EPIPE, &kr_exc_BrokenPipeError},
    {ESHUTDOWN, &kr_exc_BrokenPipeError},
    {ECHILD, &kr_exc_ChildProcessError},
    {ECONNABORTED, &kr_exc_ConnectionAbortedError},
    {ECONNREFUSED, &kr_exc_ConnectionRefusedError},
    {ECONNRESET, &kr_exc_ConnectionResetError},
    {EEXIST, &kr_exc_FileExistsError},
    {ENOENT, &kr_exc_FileNotFoundError},
    {EISDIR, &kr_exc_IsADirectoryError},
    {ENOTDIR, &kr_exc_NotADirectoryError},
    {EINTR, &kr_exc_InterruptedError},
    {EACCES, &kr_exc_PermissionError},
    {EPERM, &kr_exc_PermissionError},
    {ESRCH, &kr_exc_ProcessLookupError},
    {ETIMEDOUT, &kr_exc_TimeoutError},
};

static struct {
    PyObject *type_of_errno; /* dict from int to the subclass of OSError */
} state;

int kr_exceptions_initialize_os(void) {
    state.type_of_errno = PyDict_New();
    if (state.type_of_errno == NULL) return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(errno_types); i++) {
        PyObject *number = PyLong_FromLong(errno_types[i].number);
        if (number == NULL) return -1;
        int failed = PyDict_SetItem(state.type_of_errno, number, (PyObject *)errno_types[i].type);
        Py_DECREF(number);
        if (failed) return -1;
    }
    return 0;
}

void kr_exceptions_finalize_os(void) { Py_CLEAR(state.type_of_errno); }

KR_EXCEPTION_COLLECTOR(os, offsetof(PyOSErrorObject, myerrno), offsetof(PyOSErrorObject, strerror),
                       offsetof(PyOSErrorObject, filename), offsetof(PyOSErrorObject, filename2))

static int os_init(PyObject *self, PyObject *args, PyObject *kwds);
static PyObject *os_new(PyTypeObject *type, PyObject *args, PyObject *kwds);

/* The fields are filled by __new__, which also chooses the type. A subclass that overrides __init__ but not __new__ may
 * change the arguments on their way, so that there __init__ has to fill them. */
static int fields_belong_to_init(PyTypeObject *type) { return type->tp_init != os_init && type->tp_new == os_new; }

/* What the positional arguments mean, all borrowed; a single argument has no meaning of its own. */
typedef struct {
    PyObject *number, *message, *filename, *winerror, *filename2;
} OSArguments;

static int parse_arguments(PyObject *args, OSArguments *parsed) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    *parsed = (OSArguments){NULL};
    if (count < 2 || count > 5) return 0;
    return PyArg_UnpackTuple(args, "OSError", 2, 5, &parsed->number, &parsed->message, &parsed->filename,
                             &parsed->winerror, &parsed->filename2)
               ? 0
               : -1;
}

/* Sets the fields and the args of a new error. */
static int fill_fields(PyOSErrorObject *error, PyObject *args, const OSArguments *parsed) {
    PyObject *filename = parsed->filename;
    PyObject *kept = Py_NewRef(args);
    if (filename != NULL && filename != Py_None) {
        if (Py_IS_TYPE(error, &kr_exc_BlockingIOError) && PyNumber_Check(filename)) {
            /* BlockingIOError's third argument can be the number of characters written. */
            error->written = PyNumber_AsSsize_t(filename, PyExc_ValueError);
            if (error->written == -1 && PyErr_Occurred()) {
                Py_DECREF(kept);
                return -1;
            }
        } else {
            Py_XSETREF(error->filename, Py_NewRef(filename));
            if (parsed->filename2 != NULL && parsed->filename2 != Py_None)
                Py_XSETREF(error->filename2, Py_NewRef(parsed->filename2));
            /* Programs unpack args into errno and message. */
            Py_SETREF(kept, PyTuple_GetSlice(args, 0, 2));
            if (kept == NULL) return -1;
        }
    }
    Py_XSETREF(error->myerrno, Py_XNewRef(parsed->number));
    Py_XSETREF(error->strerror, Py_XNewRef(parsed->message));
    Py_XSETREF(error->args, kept);
    return 0;
}

static PyObject *os_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    OSArguments parsed = {NULL};
    int fill_now = !fields_belong_to_init(type);
    if (fill_now) {
        if (!_PyArg_NoKeywords(type->tp_name, kwds)) return NULL;
        if (parse_arguments(args, &parsed) < 0) return NULL;
        if (type == &kr_exc_OSError && parsed.number != NULL && PyLong_Check(parsed.number)) {
            PyObject *special = PyDict_GetItemWithError(state.type_of_errno, parsed.number);
            if (special == NULL && PyErr_Occurred()) return NULL;
            if (special != NULL) type = (PyTypeObject *)special;
        }
    }
    PyOSErrorObject *error = (PyOSErrorObject *)type->tp_alloc(type, 0);
    if (error == NULL) return NULL;
    error->written = -1;
    if (fill_now) {
        if (fill_fields(error, args, &parsed) == 0) return (PyObject *)error;
    } else {
        error->args = PyTuple_New(0);
        if (error->args != NULL) return (PyObject *)error;
    }
    Py_DECREF(error);
    return NULL;
}

static int os_init(PyObject *self, PyObject *args, PyObject *kwds) {
    PyTypeObject *type = Py_TYPE(self);
    OSArguments parsed;
    if (!fields_belong_to_init(type)) return 0;
    if (!_PyArg_NoKeywords(type->tp_name, kwds)) return -1;
    if (parse_arguments(args, &parsed) < 0) return -1;
    return fill_fields((PyOSErrorObject *)self, args, &parsed);
}

static PyObject *os_str(PyObject *self) {
    PyOSErrorObject *error = (PyOSErrorObject *)self;
    PyObject *number = error->myerrno != NULL ? error->myerrno : Py_None;
    PyObject *message = error->strerror != NULL ? error->strerror : Py_None;
    if (error->filename != NULL && error->filename2 != NULL)
        return PyUnicode_FromFormat("[Errno %S] %S: %R -> %R", number, message, error->filename, error->filename2);
    if (error->filename != NULL) return PyUnicode_FromFormat("[Errno %S] %S: %R", number, message, error->filename);
    if (error->myerrno != NULL && error->strerror != NULL)
        return PyUnicode_FromFormat("[Errno %S] %S", number, message);
    return kr_exception_str(self);
}

/* Returns the arguments that create the same error again: args with the file names that were cut off. */
static PyObject *complete_args(PyOSErrorObject *error) {
    PyObject *args = error->args;
    if (PyTuple_GET_SIZE(args) != 2 || error->filename == NULL) return Py_NewRef(args);
    PyObject *number = PyTuple_GET_ITEM(args, 0), *message = PyTuple_GET_ITEM(args, 1);
    if (error->filename2 == NULL) return PyTuple_Pack(3, number, message, error->filename);
    return PyTuple_Pack(5, number, message, error->filename, Py_None, error->filename2);
}

static PyObject *os_reduce(PyObject *self, PyObject *unused) {
    PyOSErrorObject *error = (PyOSErrorObject *)self;
    PyObject *args = complete_args(error);
    if (args == NULL) return NULL;
    PyObject *result = error->dict != NULL ? PyTuple_Pack(3, Py_TYPE(self), args, error->dict)
                                           : PyTuple_Pack(2, Py_TYPE(self), args);
    Py_DECREF(args);
    return result;
}

static PyObject *get_characters_written(PyObject *self, void *unused) {
    PyOSErrorObject *error = (PyOSErrorObject *)self;
    if (error->written != -1) return PyLong_FromSsize_t(error->written);
    PyErr_SetObject(PyExc_AttributeError, KR_NAME(characters_written));
    return NULL;
}

static int set_characters_written(PyObject *self, PyObject *value, void *unused) {
    PyOSErrorObject *error = (PyOSErrorObject *)self;
    if (value == NULL) {
        if (error->written == -1) {
            PyErr_SetObject(PyExc_AttributeError, KR_NAME(characters_written));
            return -1;
        }
        error->written = -1;
        return 0;
    }
    Py_ssize_t written = PyNumber_AsSsize_t(value, PyExc_ValueError);
    if (written == -1 && PyErr_Occurred()) return -1;
    error->written = written;
    return 0;
}

static PyMethodDef os_methods[] = {
    {"__reduce__", os_reduce, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef os_members[] = {
    {"errno", T_OBJECT, offsetof(PyOSErrorObject, myerrno), 0, "number of the error"},
    {"strerror", T_OBJECT, offsetof(PyOSErrorObject, strerror), 0, "message of the system"},
    {"filename", T_OBJECT, offsetof(PyOSErrorObject, filename), 0, "name of the file, if one is concerned"},
    {"filename2", T_OBJECT, offsetof(PyOSErrorObject, filename2), 0, "name of the second file, if one is concerned"},
    {NULL},
};

static PyGetSetDef os_getset[] = {
    {"characters_written", get_characters_written, set_characters_written, NULL},
    {NULL},
};

PyTypeObject kr_exc_OSError = {
    KR_EXCEPTION_SLOTS("OSError", &kr_exc_Exception, PyOSErrorObject, os),
    .tp_doc = "An operation of the system failed.",
    .tp_methods = os_methods,
    .tp_members = os_members,
    .tp_getset = os_getset,
    .tp_str = os_str,
    .tp_init = os_init,
    .tp_new = os_new,
};

#define KR_EXCEPTION_own(name, base, documentation)
#define KR_EXCEPTION_plain(name, base, documentation)
#define KR_EXCEPTION_import(name, base, documentation)
#define KR_EXCEPTION_name(name, base, documentation)
#define KR_EXCEPTION_syntax(name, base, documentation)
#define KR_EXCEPTION_os(name, base, documentation)                                                                     \
    PyTypeObject kr_exc_##name = {                                                                                     \
        KR_EXCEPTION_SLOTS(#name, &kr_exc_##base, PyOSErrorObject, os),                                                \
        .tp_doc = documentation,                                                                                       \
        .tp_init = os_init,                                                                                            \
        .tp_new = os_new,                                                                                              \
    };
#define KR_EXCEPTION(kind, name, base, documentation) KR_EXCEPTION_##kind(name, base, documentation)
#include "types/exceptions.def"
#undef KR_EXCEPTION
