/* Showing exceptions. */
#ifndef KR_RUNTIME_DISPLAY_H
#define KR_RUNTIME_DISPLAY_H

#include <Python.h>

/* The name that a NameError's or AttributeError's author may have meant; a new reference, or NULL (suggestions.c). */
PyObject *kr_suggestion(PyObject *exception);

/* PyErr_Display on a given stream. */
void _PyErr_Display(PyObject *file, PyObject *type, PyObject *value, PyObject *traceback);

#endif
