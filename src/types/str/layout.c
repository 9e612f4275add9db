/* Layout of text in a line: strip, justify, zfill, expandtabs. */
#include <Python.h>

#include "types/str/search.h"
#include "types/str/str.h"

enum { LEFT = 0, RIGHT = 1, BOTH = 2 };

/* ---- strip ---- */

/* A set of characters to strip: a bitmap of the low ones and the string for the others. */
typedef struct {
    uint64_t low[4]; /* characters below 256 */
    int kind;
    const void *text;
    Py_ssize_t length;
} CharSet;

static void set_fill(CharSet *set, PyObject *chars) {
    memset(set->low, 0, sizeof set->low);
    set->kind = PyUnicode_KIND(chars);
    set->text = PyUnicode_DATA(chars);
    set->length = PyUnicode_GET_LENGTH(chars);
    for (Py_ssize_t i = 0; i < set->length; i++) {
        Py_UCS4 ch = PyUnicode_READ(set->kind, set->text, i);
        if (ch < 256) set->low[ch >> 6] |= (uint64_t)1 << (ch & 63);
    }
}

static inline int set_has(const CharSet *set, Py_UCS4 ch) {
    if (ch < 256) return (set->low[ch >> 6] >> (ch & 63)) & 1;
    return set->kind != PyUnicode_1BYTE_KIND && kr_text_find_char(set->kind, set->text, set->length, ch) >= 0;
}

/* Removes members of `set` (white space if NULL) from the ends. */
static PyObject *strip(PyObject *self, int side, const CharSet *set) {
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t start = 0, end = PyUnicode_GET_LENGTH(self);
#define IN_SET(i)                                                                                                      \
    (set == NULL ? Py_UNICODE_ISSPACE(PyUnicode_READ(kind, text, i)) : set_has(set, PyUnicode_READ(kind, text, i)))
    if (side != RIGHT)
        while (start < end && IN_SET(start)) start++;
    if (side != LEFT)
        while (end > start && IN_SET(end - 1)) end--;
#undef IN_SET
    return PyUnicode_Substring(self, start, end);
}

PyObject *_PyUnicode_XStrip(PyObject *self, int side, PyObject *chars) {
    if (PyUnicode_READY(self) < 0 || PyUnicode_READY(chars) < 0) return NULL;
    CharSet set;
    set_fill(&set, chars);
    return strip(self, side, &set);
}

static PyObject *strip_method(PyObject *self, PyObject *const *args, Py_ssize_t nargs, const char *name, int side) {
    if (!_PyArg_CheckPositional(name, nargs, 0, 1)) return NULL;
    if (PyUnicode_READY(self) < 0) return NULL;
    if (nargs == 0 || args[0] == Py_None) return strip(self, side, NULL);
    if (PyUnicode_Check(args[0])) return _PyUnicode_XStrip(self, side, args[0]);
    PyErr_Format(PyExc_TypeError, "%s arg must be None or str", name);
    return NULL;
}

PyObject *kr_str_strip(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    return strip_method(self, args, nargs, "strip", BOTH);
}

PyObject *kr_str_lstrip(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    return strip_method(self, args, nargs, "lstrip", LEFT);
}

PyObject *kr_str_rstrip(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    return strip_method(self, args, nargs, "rstrip", RIGHT);
}

/* ---- justify ---- */

/* The ready string with `left` and `right` fill characters around it. */
static PyObject *pad(PyObject *self, Py_ssize_t left, Py_ssize_t right, Py_UCS4 fill) {
    left = Py_MAX(left, 0);
    right = Py_MAX(right, 0);
    if (left == 0 && right == 0) return kr_str_unchanged(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (left > PY_SSIZE_T_MAX - length || right > PY_SSIZE_T_MAX - (left + length)) {
        PyErr_SetString(PyExc_OverflowError, "padded string is too long");
        return NULL;
    }
    Py_UCS4 maxchar = PyUnicode_MAX_CHAR_VALUE(self);
    PyObject *result = PyUnicode_New(left + length + right, Py_MAX(maxchar, fill));
    if (result == NULL) return NULL;
    _PyUnicode_FastFill(result, 0, left, fill);
    _PyUnicode_FastCopyCharacters(result, left, self, 0, length);
    _PyUnicode_FastFill(result, left + length, right, fill);
    return result;
}

static int index_argument(PyObject *argument, Py_ssize_t *value) {
    PyObject *index = PyNumber_Index(argument);
    if (index == NULL) return -1;
    *value = PyLong_AsSsize_t(index);
    Py_DECREF(index);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Parses (width[, fillchar]) and gives the number of characters to fill, or -1 on error. */
static Py_ssize_t parse_justify(PyObject *self, const char *name, PyObject *const *args, Py_ssize_t nargs,
                                Py_UCS4 *fill) {
    Py_ssize_t width;
    if (!_PyArg_CheckPositional(name, nargs, 1, 2) || index_argument(args[0], &width) < 0) return -1;
    *fill = ' ';
    if (nargs > 1) {
        PyObject *argument = args[1];
        if (!PyUnicode_Check(argument)) {
            PyErr_Format(PyExc_TypeError, "The fill character must be a unicode character, not %.100s",
                         Py_TYPE(argument)->tp_name);
            return -1;
        }
        if (PyUnicode_READY(argument) < 0) return -1;
        if (PyUnicode_GET_LENGTH(argument) != 1) {
            PyErr_SetString(PyExc_TypeError, "The fill character must be exactly one character long");
            return -1;
        }
        *fill = PyUnicode_READ_CHAR(argument, 0);
    }
    if (PyUnicode_READY(self) < 0) return -1;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    return width > length ? width - length : 0;
}

PyObject *kr_str_center(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_UCS4 fill;
    Py_ssize_t missing = parse_justify(self, "center", args, nargs, &fill);
    if (missing < 0) return NULL;
    /* An odd character goes left when the width is odd. */
    Py_ssize_t width = PyUnicode_GET_LENGTH(self) + missing;
    Py_ssize_t left = missing / 2 + (missing & width & 1);
    return pad(self, left, missing - left, fill);
}

PyObject *kr_str_ljust(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_UCS4 fill;
    Py_ssize_t missing = parse_justify(self, "ljust", args, nargs, &fill);
    return missing < 0 ? NULL : pad(self, 0, missing, fill);
}

PyObject *kr_str_rjust(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_UCS4 fill;
    Py_ssize_t missing = parse_justify(self, "rjust", args, nargs, &fill);
    return missing < 0 ? NULL : pad(self, missing, 0, fill);
}

PyObject *kr_str_zfill(PyObject *self, PyObject *argument) {
    Py_ssize_t width;
    if (index_argument(argument, &width) < 0 || PyUnicode_READY(self) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (length >= width) return kr_str_unchanged(self);
    Py_ssize_t fill = width - length;
    PyObject *result = pad(self, fill, 0, '0');
    if (result == NULL || length == 0) return result;
    int kind = PyUnicode_KIND(result);
    void *text = PyUnicode_DATA(result);
    Py_UCS4 sign = PyUnicode_READ(kind, text, fill);
    if (sign == '+' || sign == '-') {
        PyUnicode_WRITE(kind, text, 0, sign);
        PyUnicode_WRITE(kind, text, fill, '0');
    }
    return result;
}

/* ---- tabs ---- */

/* Walks over the text with its tabs expanded; writes it if `to` is not NULL. Returns its length, or -1 if that is too
 * much. */
static Py_ssize_t expand(int kind, const void *text, Py_ssize_t length, Py_ssize_t tab_size, void *to) {
    Py_ssize_t column = 0, out = 0;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 ch = PyUnicode_READ(kind, text, i);
        if (ch == '\t') {
            Py_ssize_t spaces = tab_size > 0 ? tab_size - column % tab_size : 0;
            if (spaces > PY_SSIZE_T_MAX - out) return -1;
            if (to != NULL) kr_str_fill(kind, to, out, spaces, ' ');
            out += spaces;
            column += spaces;
            continue;
        }
        if (out == PY_SSIZE_T_MAX) return -1;
        if (to != NULL) PyUnicode_WRITE(kind, to, out, ch);
        out++;
        column = ch == '\n' || ch == '\r' ? 0 : column + 1;
    }
    return out;
}

PyObject *kr_str_expandtabs(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"tabsize", NULL};
    static _PyArg_Parser parser = {NULL, keywords, "expandtabs", 0};
    PyObject *buffer[1] = {NULL};
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 1, 0, buffer);
    if (args == NULL) return NULL;
    int tab_size = 8;
    PyObject *option = kr_str_option(args, nargs, buffer, 0);
    if (option != NULL) {
        tab_size = _PyLong_AsInt(option);
        if (tab_size == -1 && PyErr_Occurred()) return NULL;
    }
    if (PyUnicode_READY(self) < 0) return NULL;
    int kind = PyUnicode_KIND(self);
    const void *text = PyUnicode_DATA(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (kr_text_find_char(kind, text, length, '\t') < 0) return kr_str_unchanged(self);
    Py_ssize_t expanded = expand(kind, text, length, tab_size, NULL);
    if (expanded < 0) {
        PyErr_SetString(PyExc_OverflowError, "new string is too long");
        return NULL;
    }
    PyObject *result = PyUnicode_New(expanded, PyUnicode_MAX_CHAR_VALUE(self));
    if (result != NULL && expanded > 0) expand(kind, text, length, tab_size, PyUnicode_DATA(result));
    return result;
}
