/* Reading the result of _PyArg_UnpackKeywords.
 *
 * Without keywords that function may return the caller's own array, which ends after the positional arguments; with them
 * it returns the array that was lent to it, but does not touch the items after the last argument that was given: fill it
 * with NULL before the call.
 */
#ifndef KR_OBJECT_ARGUMENTS_H
#define KR_OBJECT_ARGUMENTS_H

#include <Python.h>

/* Returns parameter `index`, borrowed, or NULL if it was not given. */
static inline PyObject *kr_optional_argument(PyObject *const *args, Py_ssize_t count, PyObject *kwnames,
                                             Py_ssize_t index) {
    int only_positional = kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0;
    return only_positional && index >= count ? NULL : args[index];
}

/* Converts an argument to Py_ssize_t as the format code "n" does. Returns 0, or -1 with an exception. */
static inline int kr_ssize_argument(PyObject *object, Py_ssize_t *value) {
    PyObject *index = PyNumber_Index(object);
    if (index == NULL) return -1;
    *value = PyLong_AsSsize_t(index);
    Py_DECREF(index);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

#endif
