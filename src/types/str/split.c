/* Taking strings apart: split, rsplit, splitlines, partition. */
#include <Python.h>

#include "types/str/search.h"
#include "types/str/str.h"

/* ---- pieces ---- */

enum { INLINE_PIECES = 32 };

/* The pieces of one string, owned, until they become a list. */
typedef struct {
    PyObject *source;
    int kind;
    const char *text;
    Py_ssize_t count;
    Py_ssize_t capacity;
    PyObject **items;
    PyObject *first[INLINE_PIECES];
} Pieces;

static void pieces_start(Pieces *pieces, PyObject *source) {
    pieces->source = source;
    pieces->kind = PyUnicode_KIND(source);
    pieces->text = PyUnicode_DATA(source);
    pieces->count = 0;
    pieces->capacity = INLINE_PIECES;
    pieces->items = pieces->first;
}

static int pieces_grow(Pieces *pieces) {
    if (pieces->capacity > PY_SSIZE_T_MAX / 2 / (Py_ssize_t)sizeof(PyObject *)) goto no_memory;
    Py_ssize_t capacity = pieces->capacity * 2;
    PyObject **moved = PyMem_Realloc(pieces->items == pieces->first ? NULL : pieces->items,
                                     (size_t)capacity * sizeof(PyObject *));
    if (moved == NULL) goto no_memory;
    if (pieces->items == pieces->first) memcpy(moved, pieces->first, sizeof pieces->first);
    pieces->items = moved;
    pieces->capacity = capacity;
    return 0;
no_memory:
    PyErr_NoMemory();
    return -1;
}

/* Takes the reference; NULL is an error passed on. */
static inline int pieces_push(Pieces *pieces, PyObject *piece) {
    if (piece == NULL) return -1;
    if (pieces->count == pieces->capacity && pieces_grow(pieces) < 0) {
        Py_DECREF(piece);
        return -1;
    }
    pieces->items[pieces->count++] = piece;
    return 0;
}

static inline int pieces_add(Pieces *pieces, Py_ssize_t start, Py_ssize_t end) {
    const char *text = pieces->text + start * pieces->kind;
    Py_ssize_t length = end - start;
    return pieces_push(pieces, PyUnicode_IS_ASCII(pieces->source)
                                   ? _PyUnicode_FromASCII(text, length)
                                   : PyUnicode_FromKindAndData(pieces->kind, text, length));
}

/* The list of the pieces, or NULL if `failed`; releases the record. */
static PyObject *pieces_finish(Pieces *pieces, int failed, int reversed) {
    PyObject *list = failed ? NULL : PyList_New(pieces->count);
    for (Py_ssize_t i = 0; i < pieces->count; i++) {
        if (list == NULL) Py_DECREF(pieces->items[i]);
        else PyList_SET_ITEM(list, reversed ? pieces->count - 1 - i : i, pieces->items[i]);
    }
    if (pieces->items != pieces->first) PyMem_Free(pieces->items);
    return list;
}

/* ---- split ---- */

static inline int space_at(const Pieces *pieces, Py_ssize_t i) {
    if (pieces->kind == PyUnicode_1BYTE_KIND) {
        Py_UCS1 ch = ((const Py_UCS1 *)pieces->text)[i];
        return ch < 128 ? _Py_ascii_whitespace[ch] : ch == 0x85 || ch == 0xa0;
    }
    return Py_UNICODE_ISSPACE(PyUnicode_READ(pieces->kind, pieces->text, i));
}

/* The whole string as the only piece. */
static int add_whole(Pieces *pieces) { return pieces_push(pieces, kr_str_unchanged(pieces->source)); }

static PyObject *split_spaces(PyObject *self, Py_ssize_t limit) {
    Pieces pieces;
    pieces_start(&pieces, self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), i = 0;
    int failed = 0;
    while (!failed) {
        while (i < length && space_at(&pieces, i)) i++;
        if (i == length) break;
        Py_ssize_t start = i;
        if (limit-- <= 0) {
            failed = (start == 0 ? add_whole(&pieces) : pieces_add(&pieces, start, length)) < 0;
            break;
        }
        while (i < length && !space_at(&pieces, i)) i++;
        if (start == 0 && i == length) failed = add_whole(&pieces) < 0;
        else failed = pieces_add(&pieces, start, i) < 0;
    }
    return pieces_finish(&pieces, failed, 0);
}

static PyObject *rsplit_spaces(PyObject *self, Py_ssize_t limit) {
    Pieces pieces;
    pieces_start(&pieces, self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), i = length;
    int failed = 0;
    while (!failed) {
        while (i > 0 && space_at(&pieces, i - 1)) i--;
        if (i == 0) break;
        Py_ssize_t end = i;
        if (limit-- <= 0) {
            failed = (end == length ? add_whole(&pieces) : pieces_add(&pieces, 0, end)) < 0;
            break;
        }
        while (i > 0 && !space_at(&pieces, i - 1)) i--;
        if (i == 0 && end == length) failed = add_whole(&pieces) < 0;
        else failed = pieces_add(&pieces, i, end) < 0;
    }
    return pieces_finish(&pieces, failed, 1);
}

/* Splits 1-byte text at a character. */
static PyObject *split_byte(PyObject *self, Py_UCS1 separator, Py_ssize_t limit) {
    Pieces pieces;
    pieces_start(&pieces, self);
    const Py_UCS1 *text = (const Py_UCS1 *)pieces.text;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), start = 0;
    int failed = 0;
    for (Py_ssize_t i = 0; i < length && limit > 0 && !failed; i++) {
        if (text[i] != separator) continue;
        failed = pieces_add(&pieces, start, i) < 0;
        start = i + 1;
        limit--;
    }
    if (!failed) failed = (start == 0 ? add_whole(&pieces) : pieces_add(&pieces, start, length)) < 0;
    return pieces_finish(&pieces, failed, 0);
}

/* Splits at a separator that has the text's width; `limit` >= 0. */
static PyObject *split_text(PyObject *self, const void *separator, Py_ssize_t separator_length, Py_ssize_t limit) {
    Pieces pieces;
    pieces_start(&pieces, self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), start = 0;
    KrNeedle needle;
    kr_needle_prepare(&needle, pieces.kind, separator, separator_length);
    int failed = 0;
    while (!failed && limit-- > 0) {
        Py_ssize_t at = kr_needle_find(&needle, pieces.text + start * pieces.kind, length - start);
        if (at < 0) break;
        failed = pieces_add(&pieces, start, start + at) < 0;
        start += at + separator_length;
    }
    if (!failed) failed = (start == 0 ? add_whole(&pieces) : pieces_add(&pieces, start, length)) < 0;
    return pieces_finish(&pieces, failed, 0);
}

static PyObject *rsplit_text(PyObject *self, const void *separator, Py_ssize_t separator_length, Py_ssize_t limit) {
    Pieces pieces;
    pieces_start(&pieces, self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), end = length;
    int failed = 0;
    while (!failed && limit-- > 0) {
        Py_ssize_t at = kr_text_rfind(pieces.kind, pieces.text, end, separator, separator_length);
        if (at < 0) break;
        failed = pieces_add(&pieces, at + separator_length, end) < 0;
        end = at;
    }
    if (!failed) failed = (end == length ? add_whole(&pieces) : pieces_add(&pieces, 0, end)) < 0;
    return pieces_finish(&pieces, failed, 1);
}

/* Dispatches on the separator; both strings are ready, a NULL separator means runs of white space. */
static PyObject *split(PyObject *self, PyObject *separator, Py_ssize_t limit, int from_right) {
    if (limit < 0) limit = PY_SSIZE_T_MAX;
    if (separator == NULL) return from_right ? rsplit_spaces(self, limit) : split_spaces(self, limit);
    Py_ssize_t length = PyUnicode_GET_LENGTH(separator);
    if (length == 0) {
        PyErr_SetString(PyExc_ValueError, "empty separator");
        return NULL;
    }
    int kind = PyUnicode_KIND(self), separator_kind = PyUnicode_KIND(separator);
    const void *text = PyUnicode_DATA(separator);
    if (separator_kind > kind || length > PyUnicode_GET_LENGTH(self)) {
        Pieces pieces;
        pieces_start(&pieces, self);
        int failed = add_whole(&pieces) < 0;
        return pieces_finish(&pieces, failed, 0);
    }
    if (kind == PyUnicode_1BYTE_KIND && length == 1 && !from_right)
        return split_byte(self, *(const Py_UCS1 *)text, limit);
    void *widened = kr_str_widened(kind, separator_kind, text, length);
    if (widened == NULL) return NULL;
    PyObject *list = from_right ? rsplit_text(self, widened, length, limit) : split_text(self, widened, length, limit);
    kr_str_widened_free(widened, text);
    return list;
}

PyObject *PyUnicode_Split(PyObject *self, PyObject *separator, Py_ssize_t limit) {
    if (kr_str_require(self) < 0 || (separator != NULL && kr_str_require(separator) < 0)) return NULL;
    return split(self, separator, limit, 0);
}

PyObject *PyUnicode_RSplit(PyObject *self, PyObject *separator, Py_ssize_t limit) {
    if (kr_str_require(self) < 0 || (separator != NULL && kr_str_require(separator) < 0)) return NULL;
    return split(self, separator, limit, 1);
}

/* ---- lines ---- */

/* Index of the first line break from `i` on, or the length. */
static Py_ssize_t find_line_break(int kind, const void *text, Py_ssize_t i, Py_ssize_t length) {
    if (kind == PyUnicode_1BYTE_KIND) {
        const Py_UCS1 *p = text;
        while (i < length && ((p[i] > 0x1e && p[i] != 0x85) || !Py_UNICODE_ISLINEBREAK(p[i]))) i++;
        return i;
    }
    while (i < length && !Py_UNICODE_ISLINEBREAK(PyUnicode_READ(kind, text, i))) i++;
    return i;
}

PyObject *PyUnicode_Splitlines(PyObject *self, int keep_ends) {
    if (kr_str_require(self) < 0) return NULL;
    Pieces pieces;
    pieces_start(&pieces, self);
    int kind = pieces.kind, failed = 0;
    const void *text = pieces.text;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), i = 0;
    while (i < length && !failed) {
        Py_ssize_t start = i;
        i = find_line_break(kind, text, i, length);
        Py_ssize_t end = i;
        if (i < length) {
            i += PyUnicode_READ(kind, text, i) == '\r' && i + 1 < length && PyUnicode_READ(kind, text, i + 1) == '\n'
                     ? 2
                     : 1;
            if (keep_ends) end = i;
        }
        failed = (start == 0 && end == length ? add_whole(&pieces) : pieces_add(&pieces, start, end)) < 0;
    }
    return pieces_finish(&pieces, failed, 0);
}

/* ---- partition ---- */

static PyObject *triple(PyObject *a, PyObject *b, PyObject *c) {
    PyObject *tuple = a == NULL || b == NULL || c == NULL ? NULL : PyTuple_New(3);
    if (tuple == NULL) {
        Py_XDECREF(a);
        Py_XDECREF(b);
        Py_XDECREF(c);
        return NULL;
    }
    PyTuple_SET_ITEM(tuple, 0, a);
    PyTuple_SET_ITEM(tuple, 1, b);
    PyTuple_SET_ITEM(tuple, 2, c);
    return tuple;
}

static PyObject *partition(PyObject *self, PyObject *separator, int direction) {
    if (kr_str_require(self) < 0 || kr_str_require(separator) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), separator_length = PyUnicode_GET_LENGTH(separator);
    if (separator_length == 0) {
        PyErr_SetString(PyExc_ValueError, "empty separator");
        return NULL;
    }
    Py_ssize_t at = PyUnicode_Find(self, separator, 0, length, direction);
    if (at == -2) return NULL;
    if (at >= 0)
        return triple(PyUnicode_Substring(self, 0, at), Py_NewRef(separator),
                      PyUnicode_Substring(self, at + separator_length, length));
    PyObject *whole = kr_str_unchanged(self), *empty = kr_str_empty();
    return direction > 0 ? triple(whole, Py_NewRef(empty), Py_NewRef(empty))
                         : triple(Py_NewRef(empty), Py_NewRef(empty), whole);
}

PyObject *PyUnicode_Partition(PyObject *self, PyObject *separator) { return partition(self, separator, 1); }
PyObject *PyUnicode_RPartition(PyObject *self, PyObject *separator) { return partition(self, separator, -1); }

/* ---- the methods ---- */

static PyObject *split_method(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                              _PyArg_Parser *parser, int from_right) {
    PyObject *buffer[2] = {NULL};
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 0, 2, 0, buffer);
    if (args == NULL) return NULL;
    PyObject *separator = kr_str_option(args, nargs, buffer, 0), *number = kr_str_option(args, nargs, buffer, 1);
    Py_ssize_t limit = -1;
    if (number != NULL) {
        PyObject *index = PyNumber_Index(number);
        if (index == NULL) return NULL;
        limit = PyLong_AsSsize_t(index);
        Py_DECREF(index);
        if (limit == -1 && PyErr_Occurred()) return NULL;
    }
    if (PyUnicode_READY(self) < 0) return NULL;
    if (separator == NULL || separator == Py_None) return split(self, NULL, limit, from_right);
    if (!PyUnicode_Check(separator)) {
        PyErr_Format(PyExc_TypeError, "must be str or None, not %.100s", Py_TYPE(separator)->tp_name);
        return NULL;
    }
    if (PyUnicode_READY(separator) < 0) return NULL;
    return split(self, separator, limit, from_right);
}

static const char *const split_keywords[] = {"sep", "maxsplit", NULL};

PyObject *kr_str_split(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {NULL, split_keywords, "split", 0};
    return split_method(self, args, nargs, kwnames, &parser, 0);
}

PyObject *kr_str_rsplit(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {NULL, split_keywords, "rsplit", 0};
    return split_method(self, args, nargs, kwnames, &parser, 1);
}

PyObject *kr_str_splitlines(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"keepends", NULL};
    static _PyArg_Parser parser = {NULL, keywords, "splitlines", 0};
    PyObject *buffer[1] = {NULL};
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 1, 0, buffer);
    if (args == NULL) return NULL;
    int keep_ends = 0;
    PyObject *option = kr_str_option(args, nargs, buffer, 0);
    if (option != NULL) {
        keep_ends = _PyLong_AsInt(option);
        if (keep_ends == -1 && PyErr_Occurred()) return NULL;
    }
    return PyUnicode_Splitlines(self, keep_ends);
}
