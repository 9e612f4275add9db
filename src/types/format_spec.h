/* The format mini-language: what stands behind the ':' in f"{x:>10}".
 *
 * Each function formats a value of one built-in type (or a subclass, whose value is read directly). `spec` is a str. They
 * return a new str, or NULL with ValueError for a specification that does not suit the type.
 */
#ifndef KR_TYPES_FORMAT_SPEC_H
#define KR_TYPES_FORMAT_SPEC_H

#include <Python.h>

PyObject *kr_format_spec_str(PyObject *value, PyObject *spec);
PyObject *kr_format_spec_int(PyObject *value, PyObject *spec);
PyObject *kr_format_spec_float(PyObject *value, PyObject *spec);
PyObject *kr_format_spec_complex(PyObject *value, PyObject *spec);

/* The same, appended to a writer, with the specification in a part of a str. Return 0 or -1. */
PyAPI_FUNC(int) _PyLong_FormatAdvancedWriter(_PyUnicodeWriter *writer, PyObject *obj, PyObject *format_spec,
                                             Py_ssize_t start, Py_ssize_t end);
PyAPI_FUNC(int) _PyFloat_FormatAdvancedWriter(_PyUnicodeWriter *writer, PyObject *obj, PyObject *format_spec,
                                              Py_ssize_t start, Py_ssize_t end);
PyAPI_FUNC(int) _PyComplex_FormatAdvancedWriter(_PyUnicodeWriter *writer, PyObject *obj, PyObject *format_spec,
                                                Py_ssize_t start, Py_ssize_t end);

/* The text of an int for a conversion `type` of printf-style formatting (d i u o x X): digits with at least `precision`
 * of them, a prefix 0o, 0x or 0X if `alternate`, a '-' if negative; width and other flags are left to the caller. */
PyObject *kr_int_percent_format(PyObject *value, int alternate, int precision, int type);

#endif
