/* map: the results of a function called with the items of iterables. */
#include <Python.h>

#include "collector/collector.h"

enum { FEW = 5 }; /* arguments that are passed without allocating memory */

typedef struct {
    PyObject_HEAD
    PyObject *iterators; /* a tuple */
    PyObject *function;
} Map;

static PyObject *make(PyTypeObject *type, PyObject *const *args, Py_ssize_t count) {
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "map() must have at least two arguments.");
        return NULL;
    }
    PyObject *iterators = PyTuple_New(count - 1);
    if (iterators == NULL) return NULL;
    for (Py_ssize_t i = 1; i < count; i++) {
        PyObject *iterator = PyObject_GetIter(args[i]);
        if (iterator == NULL) {
            Py_DECREF(iterators);
            return NULL;
        }
        PyTuple_SET_ITEM(iterators, i - 1, iterator);
    }
    Map *self = (Map *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(iterators);
        return NULL;
    }
    self->iterators = iterators;
    self->function = Py_NewRef(args[0]);
    return (PyObject *)self;
}

static PyObject *map_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if ((type == &PyMap_Type || type->tp_init == PyMap_Type.tp_init) && !_PyArg_NoKeywords("map", kwargs)) return NULL;
    return make(type, &PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args));
}

static PyObject *map_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (!_PyArg_NoKwnames("map", kwnames)) return NULL;
    return make((PyTypeObject *)type, args, PyVectorcall_NARGS(nargsf));
}

static void map_dealloc(Map *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->iterators);
    Py_XDECREF(self->function);
    Py_TYPE(self)->tp_free(self);
}

static int map_traverse(Map *self, visitproc visit, void *arg) {
    Py_VISIT(self->iterators);
    Py_VISIT(self->function);
    return 0;
}

static PyObject *map_next(Map *self) {
    Py_ssize_t count = PyTuple_GET_SIZE(self->iterators), taken = 0;
    PyObject *few[1 + FEW], **items = few, *result = NULL; /* the first word is the callee's to use */
    if (count > FEW && (items = PyMem_New(PyObject *, (size_t)count + 1)) == NULL) return PyErr_NoMemory();
    items[0] = NULL;
    for (; taken < count; taken++) {
        PyObject *iterator = PyTuple_GET_ITEM(self->iterators, taken);
        items[1 + taken] = Py_TYPE(iterator)->tp_iternext(iterator);
        if (items[1 + taken] == NULL) break;
    }
    if (taken == count)
        result = PyObject_Vectorcall(self->function, items + 1, (size_t)count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    for (Py_ssize_t i = 0; i < taken; i++) Py_DECREF(items[1 + i]);
    if (items != few) PyMem_Free(items);
    return result;
}

static PyObject *map_reduce(Map *self, PyObject *unused) {
    Py_ssize_t count = PyTuple_GET_SIZE(self->iterators);
    PyObject *args = PyTuple_New(count + 1);
    if (args == NULL) return NULL;
    PyTuple_SET_ITEM(args, 0, Py_NewRef(self->function));
    for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(args, i + 1, Py_NewRef(PyTuple_GET_ITEM(self->iterators, i)));
    return Py_BuildValue("ON", Py_TYPE(self), args);
}

static PyMethodDef map_methods[] = {
    {"__reduce__", (PyCFunction)map_reduce, METH_NOARGS, "State for pickling."},
    {NULL},
};

PyTypeObject PyMap_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "map",
    .tp_basicsize = sizeof(Map),
    .tp_dealloc = (destructor)map_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "map(func, *iterables) --> map object\n\n"
              "Results of calling func with the items that the iterables have at the same place.\n"
              "Ends with the shortest iterable.",
    .tp_traverse = (traverseproc)map_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)map_next,
    .tp_methods = map_methods,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = map_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = map_vectorcall,
};
