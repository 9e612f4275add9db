/* Questions about all characters of a string: isalpha() and its kin, identifiers. */
#include <Python.h>

#include "base/unicode_tables.h"
#include "types/str/str.h"

/* ---- classes ---- */

/* True if the string is not empty and every character has one of the flags. */
static PyObject *all_have(PyObject *self, int flags) {
    if (PyUnicode_READY(self) < 0) return NULL;
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    for (Py_ssize_t i = 0; i < length; i++)
        if (!(kr_unicode_type(PyUnicode_READ(kind, text, i))->flags & flags)) Py_RETURN_FALSE;
    return PyBool_FromLong(length > 0);
}

PyObject *kr_str_isalpha(PyObject *self, PyObject *unused) { return all_have(self, KR_UNICODE_ALPHA); }
PyObject *kr_str_isspace(PyObject *self, PyObject *unused) { return all_have(self, KR_UNICODE_SPACE); }
PyObject *kr_str_isnumeric(PyObject *self, PyObject *unused) { return all_have(self, KR_UNICODE_NUMERIC); }

PyObject *kr_str_isprintable(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyUnicode_GET_LENGTH(self) == 0) Py_RETURN_TRUE;
    return all_have(self, KR_UNICODE_PRINTABLE);
}

PyObject *kr_str_isascii(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    return PyBool_FromLong(PyUnicode_IS_ASCII(self));
}

/* True if the string is not empty and `test` holds for every character. */
static PyObject *all_pass(PyObject *self, int (*test)(Py_UCS4)) {
    if (PyUnicode_READY(self) < 0) return NULL;
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    for (Py_ssize_t i = 0; i < length; i++)
        if (!test(PyUnicode_READ(kind, text, i))) Py_RETURN_FALSE;
    return PyBool_FromLong(length > 0);
}

static int is_alphanumeric(Py_UCS4 ch) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    return (type->flags & (KR_UNICODE_ALPHA | KR_UNICODE_NUMERIC)) || type->decimal != KR_UNICODE_NO_DIGIT ||
           type->digit != KR_UNICODE_NO_DIGIT;
}

PyObject *kr_str_isalnum(PyObject *self, PyObject *unused) { return all_pass(self, is_alphanumeric); }
PyObject *kr_str_isdecimal(PyObject *self, PyObject *unused) { return all_pass(self, _PyUnicode_IsDecimalDigit); }
PyObject *kr_str_isdigit(PyObject *self, PyObject *unused) { return all_pass(self, _PyUnicode_IsDigit); }

/* ---- case ---- */

/* True if some character has the wanted case and none has another. */
static PyObject *is_case(PyObject *self, int wanted, int others) {
    if (PyUnicode_READY(self) < 0) return NULL;
    int kind = PyUnicode_KIND(self), cased = 0;
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    for (Py_ssize_t i = 0; i < length; i++) {
        int flags = kr_unicode_type(PyUnicode_READ(kind, text, i))->flags;
        if (flags & others) Py_RETURN_FALSE;
        cased |= flags & wanted;
    }
    return PyBool_FromLong(cased != 0);
}

PyObject *kr_str_islower(PyObject *self, PyObject *unused) {
    return is_case(self, KR_UNICODE_LOWER, KR_UNICODE_UPPER | KR_UNICODE_TITLE);
}

PyObject *kr_str_isupper(PyObject *self, PyObject *unused) {
    return is_case(self, KR_UNICODE_UPPER, KR_UNICODE_LOWER | KR_UNICODE_TITLE);
}

PyObject *kr_str_istitle(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    int kind = PyUnicode_KIND(self), cased = 0, in_word = 0;
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    for (Py_ssize_t i = 0; i < length; i++) {
        int flags = kr_unicode_type(PyUnicode_READ(kind, text, i))->flags;
        int starts = (flags & (KR_UNICODE_UPPER | KR_UNICODE_TITLE)) != 0;
        int goes_on = !starts && (flags & KR_UNICODE_LOWER);
        if ((starts && in_word) || (goes_on && !in_word)) Py_RETURN_FALSE;
        in_word = starts || goes_on;
        cased |= in_word;
    }
    return PyBool_FromLong(cased);
}

/* ---- identifiers ---- */

Py_ssize_t _PyUnicode_ScanIdentifier(PyObject *self) {
    if (PyUnicode_READY(self) < 0) return -1;
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (length == 0) return 0;
    Py_UCS4 first = PyUnicode_READ(kind, text, 0);
    if (first != '_' && !_PyUnicode_IsXidStart(first)) return 0;
    Py_ssize_t i = 1;
    while (i < length && _PyUnicode_IsXidContinue(PyUnicode_READ(kind, text, i))) i++;
    return i;
}

int PyUnicode_IsIdentifier(PyObject *self) {
    Py_ssize_t scanned = _PyUnicode_ScanIdentifier(self);
    if (scanned < 0) return -1;
    return scanned > 0 && scanned == PyUnicode_GET_LENGTH(self);
}

PyObject *kr_str_isidentifier(PyObject *self, PyObject *unused) {
    int result = PyUnicode_IsIdentifier(self);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

/* ---- numbers in other scripts ---- */

/* Decimal digits of any script and white space become ASCII; from the first other non-ASCII character on all is '?'. */
PyObject *_PyUnicode_TransformDecimalAndSpaceToASCII(PyObject *self) {
    if (!PyUnicode_Check(self)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyUnicode_IS_ASCII(self)) return Py_NewRef(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    PyObject *result = PyUnicode_New(length, 127);
    if (result == NULL) return NULL;
    Py_UCS1 *to = PyUnicode_1BYTE_DATA(result);
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, text, i);
        int digit = ch < 127 ? -1 : _PyUnicode_ToDecimalDigit(ch);
        if (ch < 127) {
            to[i] = (Py_UCS1)ch;
        } else if (digit >= 0) {
            to[i] = (Py_UCS1)('0' + digit);
        } else if (_PyUnicode_IsWhitespace(ch)) {
            to[i] = ' ';
        } else {
            memset(to + i, '?', (size_t)(length - i));
            break;
        }
    }
    return result;
}
