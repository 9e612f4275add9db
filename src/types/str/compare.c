/* Hash, equality and order of strings. */
#include <Python.h>

#include "types/str/str.h"

#include <wchar.h>

Py_hash_t kr_str_hash(PyObject *self) {
    PyASCIIObject *header = kr_str_header(self);
    if (header->hash != -1) return header->hash;
    if (PyUnicode_READY(self) < 0) return -1;
    header->hash = _Py_HashBytes(PyUnicode_DATA(self), header->length * PyUnicode_KIND(self));
    return header->hash;
}

/* Ready strings are equal if kind and bytes are, because each is in its narrowest form. */
static inline int equal(PyObject *left, PyObject *right) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(left);
    int kind = PyUnicode_KIND(left);
    if (length != PyUnicode_GET_LENGTH(right) || kind != (int)PyUnicode_KIND(right)) return 0;
    return memcmp(PyUnicode_DATA(left), PyUnicode_DATA(right), (size_t)length * kind) == 0;
}

int _PyUnicode_EQ(PyObject *left, PyObject *right) { return equal(left, right); }

int _PyUnicode_Equal(PyObject *left, PyObject *right) {
    if (left == right) return 1;
    if (PyUnicode_READY(left) < 0 || PyUnicode_READY(right) < 0) return -1;
    return equal(left, right);
}

/* Returns -1, 0 or 1 by the first differing code point. */
static int compare(PyObject *left, PyObject *right) {
    int left_kind = PyUnicode_KIND(left), right_kind = PyUnicode_KIND(right);
    const void *left_text = PyUnicode_DATA(left), *right_text = PyUnicode_DATA(right);
    Py_ssize_t left_length = PyUnicode_GET_LENGTH(left), right_length = PyUnicode_GET_LENGTH(right);
    Py_ssize_t common = Py_MIN(left_length, right_length);
    if (left_kind == PyUnicode_1BYTE_KIND && right_kind == PyUnicode_1BYTE_KIND) {
        int order = memcmp(left_text, right_text, (size_t)common);
        if (order != 0) return order < 0 ? -1 : 1;
    } else {
        for (Py_ssize_t i = 0; i < common; i++) {
            Py_UCS4 a = PyUnicode_READ(left_kind, left_text, i), b = PyUnicode_READ(right_kind, right_text, i);
            if (a != b) return a < b ? -1 : 1;
        }
    }
    return (left_length > right_length) - (left_length < right_length);
}

int PyUnicode_Compare(PyObject *left, PyObject *right) {
    if (!PyUnicode_Check(left) || !PyUnicode_Check(right)) {
        PyErr_Format(PyExc_TypeError, "Can't compare %.100s and %.100s", Py_TYPE(left)->tp_name,
                     Py_TYPE(right)->tp_name);
        return -1;
    }
    if (PyUnicode_READY(left) < 0 || PyUnicode_READY(right) < 0) return -1;
    return left == right ? 0 : compare(left, right);
}

PyObject *PyUnicode_RichCompare(PyObject *left, PyObject *right, int op) {
    if (!PyUnicode_Check(left) || !PyUnicode_Check(right)) Py_RETURN_NOTIMPLEMENTED;
    if (PyUnicode_READY(left) < 0 || PyUnicode_READY(right) < 0) return NULL;
    if (left == right) {
        return PyBool_FromLong(op == Py_EQ || op == Py_LE || op == Py_GE);
    }
    if (op == Py_EQ) return PyBool_FromLong(equal(left, right));
    if (op == Py_NE) return PyBool_FromLong(!equal(left, right));
    Py_RETURN_RICHCOMPARE(compare(left, right), 0, op);
}

int PyUnicode_CompareWithASCIIString(PyObject *self, const char *text) {
    const unsigned char *other = (const unsigned char *)text;
    if (!PyUnicode_IS_READY(self)) {
        const wchar_t *wide = kr_str_header(self)->wstr;
        Py_ssize_t length = kr_str_compact(self)->wstr_length, i = 0;
        for (; i < length && other[i]; i++)
            if ((Py_UCS4)wide[i] != other[i]) return (Py_UCS4)wide[i] < other[i] ? -1 : 1;
        return i < length ? 1 : other[i] ? -1 : 0;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    int kind = PyUnicode_KIND(self);
    const void *data = PyUnicode_DATA(self);
    if (kind == PyUnicode_1BYTE_KIND) {
        size_t other_length = strlen(text);
        int order = memcmp(data, text, Py_MIN((size_t)length, other_length));
        if (order != 0) return order < 0 ? -1 : 1;
        return ((size_t)length > other_length) - ((size_t)length < other_length);
    }
    Py_ssize_t i = 0;
    for (; i < length && other[i]; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, data, i);
        if (ch != other[i]) return ch < other[i] ? -1 : 1;
    }
    return i < length ? 1 : other[i] ? -1 : 0;
}

int _PyUnicode_EqualToASCIIString(PyObject *self, const char *text) {
    if (!PyUnicode_IS_READY(self)) return PyUnicode_CompareWithASCIIString(self, text) == 0;
    if (!PyUnicode_IS_ASCII(self)) return 0;
    size_t length = (size_t)PyUnicode_GET_LENGTH(self);
    return strlen(text) == length && memcmp(PyUnicode_1BYTE_DATA(self), text, length) == 0;
}

int _PyUnicode_EqualToASCIIId(PyObject *self, _Py_Identifier *id) {
    PyObject *name = _PyUnicode_FromId(id);
    if (name == NULL) {
        PyErr_Clear();
        return _PyUnicode_EqualToASCIIString(self, id->string);
    }
    if (self == name) return 1;
    if (PyUnicode_READY(self) < 0) {
        PyErr_Clear();
        return 0;
    }
    return equal(self, name);
}
