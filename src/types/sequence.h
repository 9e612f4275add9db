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

/* Fills `to` with new references to `count` of the items at `from`, `step` apart. */
static inline void kr_copy_references(PyObject **to, PyObject *const *from, Py_ssize_t count, Py_ssize_t step) {
    for (PyObject **end = to + count; to != end; from += step) *to++ = Py_NewRef(*from);
}

/* Fills `to` with `times` copies of the `count` items at `from`, and a new reference for each. Both are at least 1. */
static inline void kr_repeat_references(PyObject **to, PyObject *const *from, Py_ssize_t count, Py_ssize_t times) {
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = from[i];
        Py_SET_REFCNT(item, Py_REFCNT(item) + times);
        to[i] = item;
    }
    Py_ssize_t all = count * times, done = count;
    if (count == 1) /* calls would cost more than they copy */
        while (done < all && done < 32) to[done++] = to[0];
    while (done < all) {
        Py_ssize_t more = done < all - done ? done : all - done;
        memcpy(to + done, to, (size_t)more * sizeof(PyObject *));
        done += more;
    }
}

#endif
