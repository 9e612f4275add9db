/* The errors that the abstract protocols have in common (abstract.c, sequence.c, number.c, call.c). */
#ifndef KR_OBJECT_ABSTRACT_H
#define KR_OBJECT_ABSTRACT_H

#include <Python.h>

/* A caller passed on the NULL of a function that failed: keeps its exception, or sets SystemError if it set none. */
static inline void *null_error(void) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "null argument to internal routine");
    return NULL;
}

static inline int null_status(void) {
    null_error();
    return -1;
}

/* Sets a TypeError about an object's type; the format has one %s. Returns NULL. */
static inline void *type_error(const char *format, PyObject *o) {
    PyErr_Format(PyExc_TypeError, format, Py_TYPE(o)->tp_name);
    return NULL;
}

#endif
