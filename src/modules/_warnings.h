/* Warnings, beyond warnings.h. */
#ifndef KR_MODULES_WARNINGS_H
#define KR_MODULES_WARNINGS_H

#include <Python.h>

/* PyErr_WarnFormat about an object, for which the module warnings shows where it was allocated. */
PyAPI_FUNC(int) _PyErr_WarnFormat(PyObject *source, PyObject *category, Py_ssize_t level, const char *format, ...);
/* Shows a source line on a stream, indented (runtime/display.c). */
int _Py_DisplaySourceLine(PyObject *file, PyObject *filename, int line, int indent, int *truncation, PyObject **text);

void kr_warnings_finalize(void);

#endif
