/* What the files of bytes and bytearray share among themselves. */
#ifndef KR_TYPES_BYTES_INTERNAL_H
#define KR_TYPES_BYTES_INTERNAL_H

#include <Python.h>

#include "types/bytes_methods.h"

/* Creates an uninitialised object of the type self has or derives from and stores where its contents go. */
PyObject *kr_bytes_allocate(PyObject *self, Py_ssize_t size, char **data);
/* Returns self[start:start + size]; an exact bytes object itself if that is all of it. */
PyObject *kr_bytes_part(PyObject *self, Py_ssize_t start, Py_ssize_t size);

/* How repr() shows contents. */
typedef struct {
    const char *prefix, *suffix; /* text before the opening and after the closing quote */
    int smart_quotes;            /* use double quotes where that avoids escapes */
    int escape_single;           /* escape single quotes even between double ones */
} KrBytesReprStyle;
PyObject *kr_bytes_repr(KrBytesView view, KrBytesReprStyle style);

/* Creates an iterator of one of the two types over a bytes or bytearray object. */
PyObject *kr_bytes_iterator_new(PyTypeObject *type, PyObject *sequence);

/* The arguments of bytes.hex(), borrowed. */
typedef struct {
    PyObject *sep;
    int group;
} KrHexArguments;
int kr_bytes_parse_hex(PyObject *const *args, Py_ssize_t count, PyObject *kwnames, KrHexArguments *parsed);

/* Issues the DeprecationWarning about an escape: an unknown character, or above 255 the value of an octal one. Returns 0,
 * or -1 if the warning became an exception. */
int kr_warn_invalid_escape(int character);

/* How many bytes at the start are below 128. */
Py_ssize_t kr_ascii_prefix(const char *data, Py_ssize_t size);

/* Turns an order (negative, zero, positive) into the truth of a comparison. */
static inline int kr_compare_result(int order, int operation) {
    switch (operation) {
        case Py_EQ: return order == 0;
        case Py_NE: return order != 0;
        case Py_LT: return order < 0;
        case Py_LE: return order <= 0;
        case Py_GT: return order > 0;
        default: return order >= 0;
    }
}

#endif
