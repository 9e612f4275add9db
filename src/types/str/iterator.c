/* str_iterator and str_ascii_iterator: the characters of a string, one by one. */
#include <Python.h>

#include "types/iter.h"
#include "types/str/str.h"

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    PyObject *text; /* NULL when exhausted */
} StrIterator;

static void iterator_dealloc(PyObject *object) {
    PyObject_GC_UnTrack(object);
    Py_XDECREF(((StrIterator *)object)->text);
    PyObject_GC_Del(object);
}

static int iterator_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(((StrIterator *)object)->text);
    return 0;
}

static PyObject *iterator_next(PyObject *object) {
    StrIterator *self = (StrIterator *)object;
    PyObject *text = self->text;
    if (text == NULL) return NULL;
    if (self->index < PyUnicode_GET_LENGTH(text)) return kr_str_char(PyUnicode_READ_CHAR(text, self->index++));
    Py_CLEAR(self->text);
    return NULL;
}

static PyObject *iterator_length_hint(PyObject *object, PyObject *unused) {
    StrIterator *self = (StrIterator *)object;
    return PyLong_FromSsize_t(self->text == NULL ? 0 : PyUnicode_GET_LENGTH(self->text) - self->index);
}

static PyObject *iterator_reduce(PyObject *object, PyObject *unused) {
    StrIterator *self = (StrIterator *)object;
    return kr_iterator_reduce(&self->text, &self->index, PyUnicode_New(0, 0));
}

static PyObject *iterator_setstate(PyObject *object, PyObject *value) {
    StrIterator *self = (StrIterator *)object;
    return kr_iterator_set_index(&self->index, value, 0, self->text == NULL ? 0 : PyUnicode_GET_LENGTH(self->text));
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, "Number of characters still to come."},
    {"__reduce__", iterator_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", iterator_setstate, METH_O, "Sets the position, from unpickling."},
    {NULL},
};

PyTypeObject PyUnicodeIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "str_iterator",
    .tp_basicsize = sizeof(StrIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_methods = iterator_methods,
};

/* The type of iterators over ASCII text, which the reference tells apart. */
PyTypeObject kr_str_ascii_iter_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "str_ascii_iterator",
    .tp_basicsize = sizeof(StrIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_methods = iterator_methods,
};

PyObject *kr_str_iter(PyObject *text) {
    if (PyUnicode_READY(text) < 0) return NULL;
    StrIterator *self = PyObject_GC_New(StrIterator, PyUnicode_IS_ASCII(text) ? &kr_str_ascii_iter_type : &PyUnicodeIter_Type);
    if (self == NULL) return NULL;
    self->index = 0;
    self->text = Py_NewRef(text);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}
