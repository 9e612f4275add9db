/* A read-only view of a mapping, as a class's `__dict__` is. */
#include <Python.h>

#include "object/descr.h"
#include "object/names.h"
#include "object/object.h"

static inline PyObject *mapping_of(PyObject *self) { return ((KrMappingProxy *)self)->mapping; }

static int is_proxy(PyObject *object) { return Py_IS_TYPE(object, &PyDictProxy_Type); }

static int check_mapping(PyObject *mapping) {
    if (PyMapping_Check(mapping) && !PyList_Check(mapping) && !PyTuple_Check(mapping)) return 0;
    PyErr_Format(PyExc_TypeError, "mappingproxy() argument must be a mapping, not %s", Py_TYPE(mapping)->tp_name);
    return -1;
}

PyObject *PyDictProxy_New(PyObject *mapping) {
    if (check_mapping(mapping) < 0) return NULL;
    KrMappingProxy *self = PyObject_GC_New(KrMappingProxy, &PyDictProxy_Type);
    if (self == NULL) return NULL;
    self->mapping = Py_NewRef(mapping);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static PyObject *proxy_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"mapping", NULL};
    PyObject *mapping;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:mappingproxy", keywords, &mapping)) return NULL;
    return PyDictProxy_New(mapping);
}

static void proxy_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_DECREF(mapping_of(self));
    PyObject_GC_Del(self);
}

static int proxy_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(mapping_of(self));
    return 0;
}

/* -- Reading ---------------------------------------------------------------------------------------------------------------- */

static Py_ssize_t proxy_length(PyObject *self) { return PyObject_Size(mapping_of(self)); }

static PyObject *proxy_getitem(PyObject *self, PyObject *key) { return PyObject_GetItem(mapping_of(self), key); }

static int proxy_contains(PyObject *self, PyObject *key) {
    PyObject *mapping = mapping_of(self);
    return PyDict_CheckExact(mapping) ? PyDict_Contains(mapping, key) : PySequence_Contains(mapping, key);
}

static PyObject *proxy_iter(PyObject *self) { return PyObject_GetIter(mapping_of(self)); }

static PyObject *proxy_str(PyObject *self) { return PyObject_Str(mapping_of(self)); }

static PyObject *proxy_repr(PyObject *self) { return PyUnicode_FromFormat("mappingproxy(%R)", mapping_of(self)); }

static PyObject *proxy_richcompare(PyObject *self, PyObject *other, int op) {
    return PyObject_RichCompare(mapping_of(self), other, op);
}

static PyObject *proxy_or(PyObject *left, PyObject *right) {
    if (is_proxy(left)) left = mapping_of(left);
    if (is_proxy(right)) right = mapping_of(right);
    return PyNumber_Or(left, right);
}

static PyObject *proxy_inplace_or(PyObject *self, PyObject *other) {
    return PyErr_Format(PyExc_TypeError, "'|=' is not supported by %s; use '|' instead", Py_TYPE(self)->tp_name);
}

static PyObject *proxy_get(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("get", count, 1, 2)) return NULL;
    PyObject *call[] = {mapping_of(self), args[0], count == 2 ? args[1] : Py_None};
    return PyObject_VectorcallMethod(KR_NAME(get), call, 3, NULL);
}

#define FORWARD(name)                                                                                                  \
    static PyObject *proxy_##name(PyObject *self, PyObject *unused) {                                                  \
        return PyObject_CallMethodNoArgs(mapping_of(self), KR_NAME(name));                                             \
    }

FORWARD(keys)
FORWARD(values)
FORWARD(items)
FORWARD(copy)
FORWARD(__reversed__)

static PyMethodDef proxy_methods[] = {
    {"get", _PyCFunction_CAST(proxy_get), METH_FASTCALL,
     "get(key[, default]) -> the value for the key, or the default (None)"},
    {"keys", proxy_keys, METH_NOARGS, "keys() -> a view of the keys"},
    {"values", proxy_values, METH_NOARGS, "values() -> a view of the values"},
    {"items", proxy_items, METH_NOARGS, "items() -> a view of the (key, value) pairs"},
    {"copy", proxy_copy, METH_NOARGS, "copy() -> a shallow copy of the mapping"},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "Make a generic alias, such as mappingproxy[str, int]."},
    {"__reversed__", proxy___reversed__, METH_NOARGS, "reversed(mapping) -> an iterator over the keys, last one first"},
    {NULL},
};

static PyMappingMethods proxy_as_mapping = {.mp_length = proxy_length, .mp_subscript = proxy_getitem};
static PySequenceMethods proxy_as_sequence = {.sq_contains = proxy_contains};
static PyNumberMethods proxy_as_number = {.nb_or = proxy_or, .nb_inplace_or = proxy_inplace_or};

PyTypeObject PyDictProxy_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "mappingproxy",
    .tp_basicsize = sizeof(KrMappingProxy),
    .tp_dealloc = proxy_dealloc,
    .tp_repr = proxy_repr,
    .tp_as_number = &proxy_as_number,
    .tp_as_sequence = &proxy_as_sequence,
    .tp_as_mapping = &proxy_as_mapping,
    .tp_str = proxy_str,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MAPPING,
    .tp_traverse = proxy_traverse,
    .tp_richcompare = proxy_richcompare,
    .tp_iter = proxy_iter,
    .tp_methods = proxy_methods,
    .tp_new = proxy_new,
};
