/* Accumulating many strings (_PyAccu_*), as the compiled JSON encoder does: a list of pieces, joined now and then. */
#include <Python.h>

typedef struct {
    PyObject *large; /* list of joined strings, or NULL */
    PyObject *small; /* list of pieces */
} Accumulator;

enum { JOIN_AT = 100000 /* pieces */ };

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int _PyAccu_Init(Accumulator *self) {
    self->large = NULL;
    self->small = PyList_New(0);
    return self->small == NULL ? -1 : 0;
}

EXPORTED void _PyAccu_Destroy(Accumulator *self) {
    Py_CLEAR(self->large);
    Py_CLEAR(self->small);
}

/* Joins the pieces into one large string. */
static int flush(Accumulator *self) {
    Py_ssize_t count = PyList_GET_SIZE(self->small);
    if (count == 0) return 0;
    if (self->large == NULL && (self->large = PyList_New(0)) == NULL) return -1;
    PyObject *empty = PyUnicode_New(0, 0), *joined = empty == NULL ? NULL : PyUnicode_Join(empty, self->small);
    Py_XDECREF(empty);
    if (joined == NULL) return -1;
    int failed = PyList_SetSlice(self->small, 0, count, NULL) < 0 || PyList_Append(self->large, joined) < 0;
    Py_DECREF(joined);
    return failed ? -1 : 0;
}

EXPORTED int _PyAccu_Accumulate(Accumulator *self, PyObject *text) {
    if (PyList_Append(self->small, text) < 0) return -1;
    return PyList_GET_SIZE(self->small) < JOIN_AT ? 0 : flush(self);
}

EXPORTED PyObject *_PyAccu_FinishAsList(Accumulator *self) {
    if (flush(self) < 0) {
        _PyAccu_Destroy(self);
        return NULL;
    }
    Py_CLEAR(self->small);
    PyObject *list = self->large;
    self->large = NULL;
    return list != NULL ? list : PyList_New(0);
}
