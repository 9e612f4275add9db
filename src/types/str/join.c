/* Joining strings. */
#include <Python.h>

#include "types/str/str.h"

/* Checks item `i`; returns 0 or -1. */
static int check_item(PyObject *item, Py_ssize_t i) {
    if (!PyUnicode_Check(item)) {
        PyErr_Format(PyExc_TypeError, "sequence item %zd: expected str instance, %.80s found", i,
                     Py_TYPE(item)->tp_name);
        return -1;
    }
    return PyUnicode_READY(item);
}

static int add_length(Py_ssize_t *total, Py_ssize_t length) {
    if (length > PY_SSIZE_T_MAX - *total) {
        PyErr_SetString(PyExc_OverflowError, "join() result is too long for a Python string");
        return -1;
    }
    *total += length;
    return 0;
}

/* Copies items and separators into a 1-byte result: all are 1-byte strings. */
static void fill_bytes(Py_UCS1 *to, PyObject *separator, Py_ssize_t separator_length, PyObject *const *items,
                       Py_ssize_t count) {
    const Py_UCS1 *between = separator_length ? PyUnicode_1BYTE_DATA(separator) : NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i > 0 && separator_length > 0) {
            if (separator_length == 1) {
                *to++ = *between;
            } else {
                memcpy(to, between, (size_t)separator_length);
                to += separator_length;
            }
        }
        Py_ssize_t length = PyUnicode_GET_LENGTH(items[i]);
        memcpy(to, PyUnicode_1BYTE_DATA(items[i]), (size_t)length);
        to += length;
    }
}

static void fill_any(PyObject *result, PyObject *separator, Py_ssize_t separator_length, PyObject *const *items,
                     Py_ssize_t count) {
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i > 0 && separator_length > 0) {
            _PyUnicode_FastCopyCharacters(result, at, separator, 0, separator_length);
            at += separator_length;
        }
        Py_ssize_t length = PyUnicode_GET_LENGTH(items[i]);
        _PyUnicode_FastCopyCharacters(result, at, items[i], 0, length);
        at += length;
    }
}

PyObject *_PyUnicode_JoinArray(PyObject *separator, PyObject *const *items, Py_ssize_t count) {
    if (count == 0) return Py_NewRef(kr_str_empty());
    if (count == 1 && PyUnicode_CheckExact(items[0])) {
        if (PyUnicode_READY(items[0]) < 0) return NULL;
        return Py_NewRef(items[0]);
    }
    Py_ssize_t separator_length = 1;
    Py_UCS4 maxchar = 127;
    if (separator == NULL) {
        separator = kr_str_latin1(' ');
    } else {
        if (!PyUnicode_Check(separator)) {
            PyErr_Format(PyExc_TypeError, "separator: expected str instance, %.80s found",
                         Py_TYPE(separator)->tp_name);
            return NULL;
        }
        if (PyUnicode_READY(separator) < 0) return NULL;
        separator_length = PyUnicode_GET_LENGTH(separator);
        if (count > 1 && separator_length > 0) maxchar = PyUnicode_MAX_CHAR_VALUE(separator);
    }
    Py_ssize_t total = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = items[i];
        if (check_item(item, i) < 0 || add_length(&total, PyUnicode_GET_LENGTH(item)) < 0 ||
            (i > 0 && add_length(&total, separator_length) < 0))
            return NULL;
        Py_UCS4 item_max = PyUnicode_MAX_CHAR_VALUE(item);
        maxchar = Py_MAX(maxchar, item_max);
    }
    PyObject *result = PyUnicode_New(total, maxchar);
    if (result == NULL || total == 0) return result;
    if (maxchar < 256) fill_bytes(PyUnicode_1BYTE_DATA(result), separator, separator_length, items, count);
    else fill_any(result, separator, separator_length, items, count);
    if (total == 1 && maxchar < 256) Py_SETREF(result, Py_NewRef(kr_str_latin1(PyUnicode_READ_CHAR(result, 0))));
    return result;
}

PyObject *PyUnicode_Join(PyObject *separator, PyObject *iterable) {
    PyObject *sequence = PySequence_Fast(iterable, "can only join an iterable");
    if (sequence == NULL) return NULL;
    PyObject *result =
        _PyUnicode_JoinArray(separator, PySequence_Fast_ITEMS(sequence), PySequence_Fast_GET_SIZE(sequence));
    Py_DECREF(sequence);
    return result;
}
