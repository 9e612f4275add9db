/* A string as a sequence: repetition, indexing and slicing. */
#include <Python.h>

#include "types/str/str.h"

PyObject *kr_str_repeat(PyObject *self, Py_ssize_t count) {
    if (PyUnicode_READY(self) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (count < 1 || length == 0) return Py_NewRef(kr_str_empty());
    if (count == 1) return kr_str_unchanged(self);
    if (length > PY_SSIZE_T_MAX / count) {
        PyErr_SetString(PyExc_OverflowError, "repeated string is too long");
        return NULL;
    }
    PyObject *result = PyUnicode_New(length * count, PyUnicode_MAX_CHAR_VALUE(self));
    if (result == NULL) return NULL;
    int kind = PyUnicode_KIND(self);
    char *to = PyUnicode_DATA(result);
    if (length == 1) {
        kr_str_fill(kind, to, 0, count, PyUnicode_READ_CHAR(self, 0));
        return result;
    }
    size_t total = (size_t)(length * count) * kind, done = (size_t)length * kind;
    memcpy(to, PyUnicode_DATA(self), done);
    while (done < total) {
        size_t more = Py_MIN(done, total - done);
        memcpy(to + done, to, more);
        done += more;
    }
    return result;
}

PyObject *kr_str_item(PyObject *self, Py_ssize_t index) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if ((size_t)index >= (size_t)PyUnicode_GET_LENGTH(self)) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return NULL;
    }
    return kr_str_char(PyUnicode_READ_CHAR(self, index));
}

/* Every step-th of the characters; a wider result is narrowed at the end. */
static PyObject *extended_slice(PyObject *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t length) {
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    PyObject *result = PyUnicode_New(length, PyUnicode_MAX_CHAR_VALUE(self));
    if (result == NULL) return NULL;
    void *to = PyUnicode_DATA(result);
    for (Py_ssize_t i = 0, from = start; i < length; i++, from += step)
        PyUnicode_WRITE(kind, to, i, PyUnicode_READ(kind, text, from));
    if (PyUnicode_IS_ASCII(result) && length > 1) return result;
    PyObject *narrow = PyUnicode_FromKindAndData(kind, to, length);
    Py_DECREF(result);
    return narrow;
}

PyObject *kr_str_subscript(PyObject *self, PyObject *key) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return NULL;
        if (index < 0) index += PyUnicode_GET_LENGTH(self);
        return kr_str_item(self, index);
    }
    if (!PySlice_Check(key)) {
        PyErr_Format(PyExc_TypeError, "string indices must be integers, not '%.200s'", Py_TYPE(key)->tp_name);
        return NULL;
    }
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(key, &start, &stop, &step) < 0) return NULL;
    Py_ssize_t length = PySlice_AdjustIndices(PyUnicode_GET_LENGTH(self), &start, &stop, step);
    if (length <= 0) return Py_NewRef(kr_str_empty());
    if (step == 1) return PyUnicode_Substring(self, start, start + length);
    return extended_slice(self, start, step, length);
}
