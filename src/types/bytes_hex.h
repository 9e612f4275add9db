/* Bytes as hexadecimal digits, with or without separators between groups. */
#ifndef KR_TYPES_BYTES_HEX_H
#define KR_TYPES_BYTES_HEX_H

#include <Python.h>

/* Return a new str or bytes object with two lower-case digits a byte; NULL with an exception on error. The separator `sep`
 * is NULL or a str or bytes object with one ASCII character; it stands after every `group` bytes, counted from the right
 * if `group` is positive, from the left if negative, never if 0. */
PyAPI_FUNC(PyObject *) _Py_strhex(const char *data, const Py_ssize_t length);
PyAPI_FUNC(PyObject *) _Py_strhex_bytes(const char *data, const Py_ssize_t length);
PyAPI_FUNC(PyObject *) _Py_strhex_with_sep(const char *data, const Py_ssize_t length, PyObject *sep, const int group);
PyAPI_FUNC(PyObject *) _Py_strhex_bytes_with_sep(const char *data, const Py_ssize_t length, PyObject *sep,
                                                 const int group);

/* The value of a hexadecimal digit, 16 or more for every other character. */
extern const unsigned char kr_hex_digit_value[256];

#endif
