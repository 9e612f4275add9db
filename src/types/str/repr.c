/* repr() of a string. */
#include <Python.h>

#include "types/str/str.h"

/* Number of characters that show `ch` between quotes `quote`. */
static inline int escaped_length(Py_UCS4 ch, Py_UCS4 quote) {
    if (ch == quote || ch == '\\' || ch == '\t' || ch == '\n' || ch == '\r') return 2;
    if (ch < ' ' || ch == 0x7f) return 4;
    if (ch < 0x7f || _PyUnicode_IsPrintable(ch)) return 1;
    return ch < 0x100 ? 4 : ch < 0x10000 ? 6 : 10;
}

/* Writes an escape of `length` characters. */
static void write_escape(int kind, void *to, Py_ssize_t at, Py_UCS4 ch, int length) {
    PyUnicode_WRITE(kind, to, at, '\\');
    if (length == 2) {
        PyUnicode_WRITE(kind, to, at + 1, ch == '\t' ? 't' : ch == '\n' ? 'n' : ch == '\r' ? 'r' : ch);
        return;
    }
    PyUnicode_WRITE(kind, to, at + 1, length == 4 ? 'x' : length == 6 ? 'u' : 'U');
    for (int i = length - 1; i > 1; i--, ch >>= 4) PyUnicode_WRITE(kind, to, at + i, Py_hexdigits[ch & 15]);
}

/* True if ASCII text needs no more than single quotes around it. */
static inline int is_plain(const Py_UCS1 *text, Py_ssize_t length) {
    Py_UCS1 special = 0;
    for (Py_ssize_t i = 0; i < length; i++)
        special |= (Py_UCS1)(text[i] < ' ') | (Py_UCS1)(text[i] == 0x7f) | (Py_UCS1)(text[i] == '\\') |
                   (Py_UCS1)(text[i] == '\'');
    return !special;
}

typedef struct {
    Py_ssize_t total; /* characters of the repr; -1 if they are too many */
    Py_UCS4 quote, maxchar;
} Shape;

static inline __attribute__((always_inline)) Shape measure(int kind, const void *text, Py_ssize_t length) {
    int single = 0, twice = 0;
    for (Py_ssize_t i = 0; i < length && !(single && twice); i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, text, i);
        single |= ch == '\'';
        twice |= ch == '"';
    }
    Shape shape = {.total = 2, .quote = single && !twice ? '"' : '\'', .maxchar = 127};
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, text, i);
        int size = escaped_length(ch, shape.quote);
        if (size == 1 && ch > shape.maxchar) shape.maxchar = ch;
        if (shape.total > PY_SSIZE_T_MAX - size) {
            shape.total = -1;
            break;
        }
        shape.total += size;
    }
    return shape;
}

static PyObject *plain_repr(PyObject *self, Py_ssize_t length) {
    if (length > PY_SSIZE_T_MAX - 2) return PyErr_NoMemory();
    PyObject *result = kr_str_new_ascii(length + 2);
    if (result == NULL) return NULL;
    Py_UCS1 *to = PyUnicode_1BYTE_DATA(result);
    to[0] = to[length + 1] = '\'';
    memcpy(to + 1, PyUnicode_1BYTE_DATA(self), (size_t)length);
    return result;
}

PyObject *kr_str_repr(PyObject *self) {
    if (PyUnicode_READY(self) < 0) return NULL;
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (PyUnicode_IS_ASCII(self) && is_plain(text, length)) return plain_repr(self, length);
    Shape shape;
    switch (kind) { /* the loops once for each kind */
    case PyUnicode_1BYTE_KIND: shape = measure(PyUnicode_1BYTE_KIND, text, length); break;
    case PyUnicode_2BYTE_KIND: shape = measure(PyUnicode_2BYTE_KIND, text, length); break;
    default: shape = measure(PyUnicode_4BYTE_KIND, text, length);
    }
    Py_ssize_t total = shape.total;
    Py_UCS4 quote = shape.quote, maxchar = shape.maxchar;
    if (total < 0) {
        PyErr_SetString(PyExc_OverflowError, "string is too long to generate repr");
        return NULL;
    }
    PyObject *result = PyUnicode_New(total, maxchar);
    if (result == NULL) return NULL;
    int to_kind = PyUnicode_KIND(result);
    void *to = PyUnicode_DATA(result);
    PyUnicode_WRITE(to_kind, to, 0, quote);
    PyUnicode_WRITE(to_kind, to, total - 1, quote);
    if (total == length + 2) {
        kr_str_convert(to_kind, (char *)to + to_kind, kind, text, length);
        return result;
    }
    for (Py_ssize_t i = 0, at = 1; i < length; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, text, i);
        int size = escaped_length(ch, quote);
        if (size == 1) PyUnicode_WRITE(to_kind, to, at, ch);
        else write_escape(to_kind, to, at, ch, size);
        at += size;
    }
    return result;
}
