/* What the sequence types share. */
#ifndef KR_TYPES_SEQUENCE_H
#define KR_TYPES_SEQUENCE_H

#include <Python.h>

/* PyIndex_Check without the call. */
static inline int kr_is_index(PyObject *object) {
    PyNumberMethods *number = Py_TYPE(object)->tp_as_number;
    return number != NULL && number->nb_index != NULL;
}

/* Sets *index from an int or an object with __index__, an IndexError if it does not fit. Returns 0 or -1. */
static inline int kr_index_value(PyObject *object, Py_ssize_t *index) {
    if (PyLong_CheckExact(object)) {
        Py_ssize_t digits = Py_SIZE(object);
        if ((size_t)(digits + 1) <= 2) {
            *index = digits * (Py_ssize_t)((PyLongObject *)object)->ob_digit[0];
            return 0;
        }
    }
    *index = PyNumber_AsSsize_t(object, PyExc_IndexError);
    return *index == -1 && PyErr_Occurred() ? -1 : 0;
}

#endif
