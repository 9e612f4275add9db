/* Conversion of the arguments that the module's functions share. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <limits.h>

PyObject *kr_posix_error(void) {
    if (!PyErr_Occurred()) PyErr_SetFromErrno(PyExc_OSError);
    return NULL;
}

/* ---- Numbers ---- */

int kr_read_int(PyObject *object, int *value) {
    if (object == NULL) return 0;
    *value = _PyLong_AsInt(object);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

int kr_read_long(PyObject *object, long *value) {
    if (object == NULL) return 0;
    *value = PyLong_AsLong(object);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

int kr_read_unsigned(PyObject *object, unsigned *value) {
    return object == NULL || _PyLong_UnsignedInt_Converter(object, value) ? 0 : -1;
}

int kr_read_size(PyObject *object, Py_ssize_t *value) {
    if (object == NULL) return 0;
    PyObject *index = PyNumber_Index(object);
    if (index == NULL) return -1;
    *value = PyLong_AsSsize_t(index);
    Py_DECREF(index);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

int kr_read_offset(PyObject *object, off_t *value) {
    _Static_assert(sizeof(off_t) == sizeof(long), "offsets are read as long");
    return kr_read_long(object, value);
}

int kr_read_device(PyObject *object, dev_t *value) {
    if (object == NULL) return 0;
    *value = PyLong_AsUnsignedLongLong(object);
    return *value == (dev_t)-1 && PyErr_Occurred() ? -1 : 0;
}

int kr_read_bool(PyObject *object, int *value) {
    if (object == NULL) return 0;
    *value = PyObject_IsTrue(object);
    return *value < 0 ? -1 : 0;
}

int kr_read_pid(PyObject *object, pid_t *value) {
    long number = PyLong_AsLong(object);
    if (number == -1 && PyErr_Occurred()) return -1;
    if (number != (pid_t)number) {
        PyErr_Format(PyExc_OverflowError, "signed integer is %s",
                     number > 0 ? "greater than maximum" : "less than minimum");
        return -1;
    }
    *value = (pid_t)number;
    return 0;
}

int kr_read_fd(PyObject *object, int *value) {
    PyObject *index = PyNumber_Index(object);
    if (index == NULL) return -1;
    int overflow;
    long number = PyLong_AsLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    if (number == -1 && PyErr_Occurred()) return -1;
    if (overflow > 0 || number > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "fd is greater than maximum");
        return -1;
    }
    if (overflow < 0 || number < INT_MIN) {
        PyErr_SetString(PyExc_OverflowError, "fd is less than minimum");
        return -1;
    }
    *value = (int)number;
    return 0;
}

int kr_read_folder(PyObject *object, int *value) {
    *value = AT_FDCWD;
    if (object == NULL || object == Py_None) return 0;
    if (PyIndex_Check(object)) return kr_read_fd(object, value);
    PyErr_Format(PyExc_TypeError, "argument should be integer or None, not %.200s", Py_TYPE(object)->tp_name);
    return -1;
}

/* ---- Users and groups ---- */

_Static_assert(sizeof(uid_t) == sizeof(unsigned) && sizeof(gid_t) == sizeof(unsigned), "ids are read as unsigned");

/* An id: 0 to 2**32 - 1, or -1 for "no change". */
static int read_id(PyObject *object, const char *kind, unsigned *value) {
    PyObject *index = PyNumber_Index(object);
    if (index == NULL) {
        PyErr_Format(PyExc_TypeError, "%s should be integer, not %.200s", kind, Py_TYPE(object)->tp_name);
        return -1;
    }
    int overflow;
    long number = PyLong_AsLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    if (number == -1 && overflow == 0 && PyErr_Occurred()) return -1;
    if (overflow != 0 || number < -1 || number > (long)UINT_MAX) {
        PyErr_Format(PyExc_OverflowError, "%s is %s", kind,
                     overflow > 0 ? "greater than maximum" : "less than minimum");
        return -1;
    }
    *value = (unsigned)number;
    return 0;
}

int kr_read_uid(PyObject *object, uid_t *value) { return read_id(object, "uid", value); }
int kr_read_gid(PyObject *object, gid_t *value) { return read_id(object, "gid", value); }

int _Py_Uid_Converter(PyObject *object, uid_t *value) { return kr_read_uid(object, value) == 0; }
int _Py_Gid_Converter(PyObject *object, gid_t *value) { return kr_read_gid(object, value) == 0; }

PyObject *_PyLong_FromUid(uid_t uid) { return uid == (uid_t)-1 ? PyLong_FromLong(-1) : PyLong_FromUnsignedLong(uid); }

PyObject *_PyLong_FromGid(gid_t gid) { return gid == (gid_t)-1 ? PyLong_FromLong(-1) : PyLong_FromUnsignedLong(gid); }

/* ---- Arrays of strings ---- */

void kr_strings_clear(KrStrings *strings) {
    PyMem_Free(strings->items);
    Py_CLEAR(strings->owner);
    strings->items = NULL;
}

static int strings_start(KrStrings *strings, Py_ssize_t count) {
    strings->owner = PyList_New(0);
    if (strings->owner == NULL) return -1;
    strings->items = PyMem_Calloc((size_t)count + 1, sizeof(char *));
    if (strings->items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Takes the reference to `bytes`. */
static int strings_append(KrStrings *strings, PyObject *bytes) {
    if (bytes == NULL) return -1;
    Py_ssize_t position = PyList_GET_SIZE(strings->owner);
    int failed = PyList_Append(strings->owner, bytes);
    if (failed == 0) strings->items[position] = PyBytes_AS_STRING(bytes);
    Py_DECREF(bytes);
    return failed;
}

static PyObject *encode(PyObject *object) {
    PyObject *bytes;
    return PyUnicode_FSConverter(object, &bytes) ? bytes : NULL;
}

int kr_strings_from_arguments(KrStrings *strings, PyObject *arguments) {
    /* A tuple of its own, because encoding runs code that may change a list. */
    PyObject *items = PySequence_Tuple(arguments);
    if (items == NULL) return -1;
    Py_ssize_t count = PyTuple_GET_SIZE(items);
    int failed = strings_start(strings, count);
    for (Py_ssize_t i = 0; i < count && failed == 0; i++)
        failed = strings_append(strings, encode(PyTuple_GET_ITEM(items, i)));
    Py_DECREF(items);
    return failed;
}

static PyObject *encode_variable(PyObject *name, PyObject *value) {
    PyObject *name_bytes = encode(name), *value_bytes = NULL, *pair = NULL;
    if (name_bytes == NULL || (value_bytes = encode(value)) == NULL) goto finish;
    const char *text = PyBytes_AS_STRING(name_bytes);
    /* A "=" in front is part of the name. */
    if (*text == '\0' || strchr(text + 1, '=') != NULL) {
        PyErr_SetString(PyExc_ValueError, "illegal environment variable name");
    } else {
        pair = PyBytes_FromFormat("%s=%s", text, PyBytes_AS_STRING(value_bytes));
    }

finish:
    Py_XDECREF(name_bytes);
    Py_XDECREF(value_bytes);
    return pair;
}

int kr_strings_from_environment(KrStrings *strings, PyObject *environment) {
    PyObject *names = PyMapping_Keys(environment), *values = NULL;
    int failed = -1;
    if (names == NULL || (values = PyMapping_Values(environment)) == NULL) goto finish;
    if (!PyList_Check(names) || !PyList_Check(values)) {
        PyErr_SetString(PyExc_TypeError, "env.keys() or env.values() is not a list");
        goto finish;
    }
    Py_ssize_t count = Py_MIN(PyList_GET_SIZE(names), PyList_GET_SIZE(values));
    failed = strings_start(strings, count);
    for (Py_ssize_t i = 0; i < count && failed == 0; i++)
        failed = strings_append(strings, encode_variable(PyList_GET_ITEM(names, i), PyList_GET_ITEM(values, i)));

finish:
    Py_XDECREF(names);
    Py_XDECREF(values);
    return failed;
}
