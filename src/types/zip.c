/* zip: tuples of the items that several iterables have at the same place. */
#include <Python.h>

#include "collector/collector.h"
#include "types/tuple.h"

typedef struct {
    PyObject_HEAD
    PyObject *iterators; /* a tuple */
    PyObject *result;    /* a tuple that is handed out again if nobody kept it */
    int strict;
} Zip;

static PyObject *zip_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    int strict = 0;
    if (kwargs != NULL) {
        static char *keywords[] = {"strict", NULL};
        PyObject *none = PyTuple_New(0);
        if (none == NULL) return NULL;
        int parsed = PyArg_ParseTupleAndKeywords(none, kwargs, "|$p:zip", keywords, &strict);
        Py_DECREF(none);
        if (!parsed) return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *iterators = PyTuple_New(count), *result = PyTuple_New(count);
    Zip *self = NULL;
    if (iterators == NULL || result == NULL) goto error;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *iterator = PyObject_GetIter(PyTuple_GET_ITEM(args, i));
        if (iterator == NULL) goto error;
        PyTuple_SET_ITEM(iterators, i, iterator);
        PyTuple_SET_ITEM(result, i, Py_NewRef(Py_None));
    }
    self = (Zip *)type->tp_alloc(type, 0);
    if (self == NULL) goto error;
    self->iterators = iterators;
    self->result = result;
    self->strict = strict;
    return (PyObject *)self;

error:
    Py_XDECREF(iterators);
    Py_XDECREF(result);
    return NULL;
}

static void zip_dealloc(Zip *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->iterators);
    Py_XDECREF(self->result);
    Py_TYPE(self)->tp_free(self);
}

static int zip_traverse(Zip *self, visitproc visit, void *arg) {
    Py_VISIT(self->iterators);
    Py_VISIT(self->result);
    return 0;
}

static inline PyObject *next_item(Zip *self, Py_ssize_t i) {
    PyObject *iterator = PyTuple_GET_ITEM(self->iterators, i);
    return Py_TYPE(iterator)->tp_iternext(iterator);
}

static PyObject *length_error(Py_ssize_t i, const char *relation) {
    PyErr_Format(PyExc_ValueError, "zip() argument %zd is %s than argument%s%zd", i + 1, relation, i == 1 ? " " : "s 1-", i);
    return NULL;
}

/* Iterator `i` is exhausted. If all must be as long, the others must be exhausted now, too. Returns NULL, with an exception
 * if something is wrong. */
static PyObject *finish(Zip *self, Py_ssize_t i) {
    if (!self->strict) return NULL;
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return NULL;
        PyErr_Clear();
    }
    if (i > 0) return length_error(i, "shorter");
    for (i = 1; i < PyTuple_GET_SIZE(self->iterators); i++) {
        PyObject *item = next_item(self, i);
        if (item != NULL) {
            Py_DECREF(item);
            return length_error(i, "longer");
        }
        if (PyErr_Occurred()) {
            if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return NULL;
            PyErr_Clear();
        }
    }
    return NULL;
}

static PyObject *zip_next(Zip *self) {
    Py_ssize_t count = PyTuple_GET_SIZE(self->iterators);
    if (count == 0) return NULL;
    PyObject *result = self->result;
    if (Py_REFCNT(result) == 1) {
        Py_INCREF(result);
        for (Py_ssize_t i = 0; i < count; i++) {
            PyObject *item = next_item(self, i);
            if (item == NULL) {
                Py_DECREF(result);
                return finish(self, i);
            }
            PyObject *old = PyTuple_GET_ITEM(result, i);
            PyTuple_SET_ITEM(result, i, item);
            Py_DECREF(old);
        }
        kr_gc_track(result); /* a collection may have untracked it for its former items */
        return result;
    }
    result = PyTuple_New(count);
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = next_item(self, i);
        if (item == NULL) {
            Py_DECREF(result);
            return finish(self, i);
        }
        PyTuple_SET_ITEM(result, i, item);
    }
    return result;
}

static PyObject *zip_reduce(Zip *self, PyObject *unused) {
    if (self->strict) return PyTuple_Pack(3, Py_TYPE(self), self->iterators, Py_True);
    return PyTuple_Pack(2, Py_TYPE(self), self->iterators);
}

static PyObject *zip_setstate(Zip *self, PyObject *state) {
    int strict = PyObject_IsTrue(state);
    if (strict < 0) return NULL;
    self->strict = strict;
    Py_RETURN_NONE;
}

static PyMethodDef zip_methods[] = {
    {"__reduce__", (PyCFunction)zip_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)zip_setstate, METH_O, "Restore strictness from pickling."},
    {NULL},
};

PyTypeObject PyZip_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "zip",
    .tp_basicsize = sizeof(Zip),
    .tp_dealloc = (destructor)zip_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "zip(*iterables, strict=False) --> Tuples of the items that the iterables have at the same place.\n\n"
              "Ends with the shortest iterable. If strict is true, iterables of different lengths raise ValueError.\n\n"
              ">>> list(zip(range(3), 'abc'))\n[(0, 'a'), (1, 'b'), (2, 'c')]",
    .tp_traverse = (traverseproc)zip_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)zip_next,
    .tp_methods = zip_methods,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = zip_new,
    .tp_free = PyObject_GC_Del,
};
