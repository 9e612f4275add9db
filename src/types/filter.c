/* filter: the items of an iterable that pass a test. */
#include <Python.h>

#include "collector/collector.h"

typedef struct {
    PyObject_HEAD
    PyObject *function; /* None and bool stand for the truth of the item itself */
    PyObject *iterator;
} Filter;

static PyObject *make(PyTypeObject *type, PyObject *function, PyObject *iterable) {
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) return NULL;
    Filter *self = (Filter *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(iterator);
        return NULL;
    }
    self->function = Py_NewRef(function);
    self->iterator = iterator;
    return (PyObject *)self;
}

static PyObject *filter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *function, *iterable;
    if ((type == &PyFilter_Type || type->tp_init == PyFilter_Type.tp_init) && !_PyArg_NoKeywords("filter", kwargs))
        return NULL;
    return PyArg_UnpackTuple(args, "filter", 2, 2, &function, &iterable) ? make(type, function, iterable) : NULL;
}

static PyObject *filter_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (!_PyArg_NoKwnames("filter", kwnames)) return NULL;
    if (!_PyArg_CheckPositional("filter", PyVectorcall_NARGS(nargsf), 2, 2)) return NULL;
    return make((PyTypeObject *)type, args[0], args[1]);
}

static void filter_dealloc(Filter *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->function);
    Py_XDECREF(self->iterator);
    Py_TYPE(self)->tp_free(self);
}

static int filter_traverse(Filter *self, visitproc visit, void *arg) {
    Py_VISIT(self->iterator);
    Py_VISIT(self->function);
    return 0;
}

static PyObject *filter_next(Filter *self) {
    iternextfunc next = Py_TYPE(self->iterator)->tp_iternext;
    int itself = self->function == Py_None || self->function == (PyObject *)&PyBool_Type;
    for (;;) {
        PyObject *item = next(self->iterator);
        if (item == NULL) return NULL;
        int passes;
        if (itself) {
            passes = PyObject_IsTrue(item);
        } else {
            PyObject *verdict = PyObject_CallOneArg(self->function, item);
            passes = verdict == NULL ? -1 : PyObject_IsTrue(verdict);
            Py_XDECREF(verdict);
        }
        if (passes > 0) return item;
        Py_DECREF(item);
        if (passes < 0) return NULL;
    }
}

static PyObject *filter_reduce(Filter *self, PyObject *unused) {
    return Py_BuildValue("O(OO)", Py_TYPE(self), self->function, self->iterator);
}

static PyMethodDef filter_methods[] = {
    {"__reduce__", (PyCFunction)filter_reduce, METH_NOARGS, "State for pickling."},
    {NULL},
};

PyTypeObject PyFilter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "filter",
    .tp_basicsize = sizeof(Filter),
    .tp_dealloc = (destructor)filter_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "filter(function or None, iterable) --> filter object\n\n"
              "The items for which the function returns true; without a function, those that are true.",
    .tp_traverse = (traverseproc)filter_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)filter_next,
    .tp_methods = filter_methods,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = filter_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = filter_vectorcall,
};
