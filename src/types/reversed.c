/* reversed: the items of a sequence from the last to the first. */
#include <Python.h>

#include "collector/collector.h"
#include "object/names.h"
#include "object/type.h"

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;   /* of the next item */
    PyObject *sequence; /* NULL when exhausted */
} Reversed;

static PyObject *make(PyTypeObject *type, PyObject *sequence) {
    PyObject *method = kr_special_lookup(sequence, KR_NAME(__reversed__));
    if (method == NULL && PyErr_Occurred()) return NULL;
    if (method == Py_None || (method == NULL && !PySequence_Check(sequence))) {
        Py_XDECREF(method);
        PyErr_Format(PyExc_TypeError, "'%.200s' object is not reversible", Py_TYPE(sequence)->tp_name);
        return NULL;
    }
    if (method != NULL) {
        PyObject *result = PyObject_CallNoArgs(method);
        Py_DECREF(method);
        return result;
    }
    Py_ssize_t size = PySequence_Size(sequence);
    if (size == -1) return NULL;
    Reversed *self = (Reversed *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->index = size - 1;
    self->sequence = Py_NewRef(sequence);
    return (PyObject *)self;
}

static PyObject *reversed_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *sequence;
    if ((type == &PyReversed_Type || type->tp_init == PyReversed_Type.tp_init) && !_PyArg_NoKeywords("reversed", kwargs))
        return NULL;
    return PyArg_UnpackTuple(args, "reversed", 1, 1, &sequence) ? make(type, sequence) : NULL;
}

static PyObject *reversed_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (!_PyArg_NoKwnames("reversed", kwnames)) return NULL;
    if (!_PyArg_CheckPositional("reversed", PyVectorcall_NARGS(nargsf), 1, 1)) return NULL;
    return make((PyTypeObject *)type, args[0]);
}

static void reversed_dealloc(Reversed *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->sequence);
    Py_TYPE(self)->tp_free(self);
}

static int reversed_traverse(Reversed *self, visitproc visit, void *arg) {
    Py_VISIT(self->sequence);
    return 0;
}

static PyObject *reversed_next(Reversed *self) {
    if (self->index >= 0) {
        PyObject *item = PySequence_GetItem(self->sequence, self->index);
        if (item != NULL) {
            self->index--;
            return item;
        }
        if (PyErr_ExceptionMatches(PyExc_IndexError) || PyErr_ExceptionMatches(PyExc_StopIteration)) PyErr_Clear();
    }
    self->index = -1;
    Py_CLEAR(self->sequence);
    return NULL;
}

static PyObject *reversed_length_hint(Reversed *self, PyObject *unused) {
    if (self->sequence == NULL) return PyLong_FromLong(0);
    Py_ssize_t size = PySequence_Size(self->sequence), left = self->index + 1;
    if (size == -1) return NULL;
    return PyLong_FromSsize_t(size < left ? 0 : left);
}

static PyObject *reversed_reduce(Reversed *self, PyObject *unused) {
    if (self->sequence != NULL) return Py_BuildValue("O(O)n", Py_TYPE(self), self->sequence, self->index);
    return Py_BuildValue("O(())", Py_TYPE(self));
}

static PyObject *reversed_setstate(Reversed *self, PyObject *state) {
    Py_ssize_t index = PyLong_AsSsize_t(state);
    if (index == -1 && PyErr_Occurred()) return NULL;
    if (self->sequence != NULL) {
        Py_ssize_t size = PySequence_Size(self->sequence);
        if (size < 0) return NULL;
        if (index < -1) index = -1;
        if (index > size - 1) index = size - 1;
        self->index = index;
    }
    Py_RETURN_NONE;
}

static PyMethodDef reversed_methods[] = {
    {"__length_hint__", (PyCFunction)reversed_length_hint, METH_NOARGS, "Number of items that are left."},
    {"__reduce__", (PyCFunction)reversed_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)reversed_setstate, METH_O, "Restore the position from pickling."},
    {NULL},
};

PyTypeObject PyReversed_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "reversed",
    .tp_basicsize = sizeof(Reversed),
    .tp_dealloc = (destructor)reversed_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "reversed(sequence, /)\n--\n\nIterator over the items of a sequence from the last to the first.",
    .tp_traverse = (traverseproc)reversed_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)reversed_next,
    .tp_methods = reversed_methods,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = reversed_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = reversed_vectorcall,
};
