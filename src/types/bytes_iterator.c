/* The iterators of bytes and bytearray, which differ in name only. */
#include <Python.h>

#include "types/bytes_internal.h"
#include "types/iter.h"

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    PyObject *sequence; /* NULL when exhausted */
} BytesIterator;

PyObject *kr_bytes_iterator_new(PyTypeObject *type, PyObject *sequence) {
    BytesIterator *self = PyObject_GC_New(BytesIterator, type);
    if (self == NULL) return NULL;
    self->index = 0;
    self->sequence = Py_NewRef(sequence);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static void iterator_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((BytesIterator *)self)->sequence);
    PyObject_GC_Del(self);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((BytesIterator *)self)->sequence);
    return 0;
}

static PyObject *iterator_next(PyObject *object) {
    BytesIterator *self = (BytesIterator *)object;
    if (self->sequence == NULL) return NULL;
    KrBytesView view = kr_bytes_view(self->sequence);
    if (self->index < view.size) return PyLong_FromLong((unsigned char)view.data[self->index++]);
    Py_CLEAR(self->sequence);
    return NULL;
}

static PyObject *iterator_length_hint(PyObject *object, PyObject *unused) {
    BytesIterator *self = (BytesIterator *)object;
    if (self->sequence == NULL || self->index >= Py_SIZE(self->sequence)) return PyLong_FromLong(0);
    return PyLong_FromSsize_t(Py_SIZE(self->sequence) - self->index);
}

static PyObject *iterator_reduce(PyObject *object, PyObject *unused) {
    BytesIterator *self = (BytesIterator *)object;
    return kr_iterator_reduce(&self->sequence, &self->index, PyTuple_New(0));
}

static PyObject *iterator_setstate(PyObject *object, PyObject *state) {
    BytesIterator *self = (BytesIterator *)object;
    return kr_iterator_set_index(&self->index, state, 0, self->sequence == NULL ? 0 : Py_SIZE(self->sequence));
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, "The number of bytes left."},
    {"__reduce__", iterator_reduce, METH_NOARGS, "For pickling."},
    {"__setstate__", iterator_setstate, METH_O, "Go to an index."},
    {NULL},
};

#define ITERATOR_TYPE(name)                                                                                            \
    {                                                                                                                  \
        PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = name, .tp_basicsize = sizeof(BytesIterator),                  \
        .tp_dealloc = iterator_dealloc, .tp_getattro = PyObject_GenericGetAttr,                                        \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, .tp_traverse = iterator_traverse,                         \
        .tp_iter = PyObject_SelfIter, .tp_iternext = iterator_next, .tp_methods = iterator_methods,                    \
    }

PyTypeObject PyBytesIter_Type = ITERATOR_TYPE("bytes_iterator");
PyTypeObject PyByteArrayIter_Type = ITERATOR_TYPE("bytearray_iterator");
