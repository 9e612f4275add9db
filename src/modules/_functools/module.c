/* The module _functools: partial, lru_cache's wrapper, reduce and cmp_to_key. */
#include <Python.h>
#include <structmember.h>

#include "collector/collector.h"
#include "modules/_functools/functools.h"

#include <stddef.h>

/* reduce */

PyDoc_STRVAR(reduce_doc, "reduce(function, iterable[, initial]) -> value\n\n"
                         "Combine the elements from left to right: function(function(first, second), third) and so on.\n"
                         "initial, if given, comes before the first element.");

static PyObject *functools_reduce(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("reduce", nargs, 2, 3)) return NULL;
    PyObject *function = args[0], *total = nargs == 3 ? Py_NewRef(args[2]) : NULL, *element;
    PyObject *iterator = PyObject_GetIter(args[1]);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_SetString(PyExc_TypeError, "reduce() arg 2 must support iteration");
        Py_XDECREF(total);
        return NULL;
    }
    while ((element = PyIter_Next(iterator)) != NULL) {
        if (total == NULL) {
            total = element;
            continue;
        }
        PyObject *stack[3] = {NULL, total, element};
        PyObject *next = PyObject_Vectorcall(function, stack + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
        Py_DECREF(element);
        Py_SETREF(total, next);
        if (total == NULL) break;
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) {
        Py_XDECREF(total);
        return NULL;
    }
    if (total == NULL) PyErr_SetString(PyExc_TypeError, "reduce() of empty iterable with no initial value");
    return total;
}

/* cmp_to_key */

typedef struct {
    PyObject_HEAD
    PyObject *compare;
    PyObject *object; /* NULL in what cmp_to_key returns; calling that makes wrappers with an object */
} KeyWrapper;

static PyTypeObject key_wrapper_type;

static PyObject *make_wrapper(PyObject *compare, PyObject *object) {
    KeyWrapper *self = PyObject_GC_New(KeyWrapper, &key_wrapper_type);
    if (self == NULL) return NULL;
    self->compare = Py_NewRef(compare);
    self->object = Py_XNewRef(object);
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static PyObject *wrapper_call(PyObject *op, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"obj", NULL};
    PyObject *object;
    if (kwargs == NULL && PyTuple_GET_SIZE(args) == 1)
        object = PyTuple_GET_ITEM(args, 0);
    else if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:K", keywords, &object))
        return NULL;
    return make_wrapper(((KeyWrapper *)op)->compare, object);
}

static PyObject *wrapper_compare(PyObject *op, PyObject *other_op, int operator) {
    if (!Py_IS_TYPE(other_op, &key_wrapper_type)) {
        PyErr_SetString(PyExc_TypeError, "other argument must be K instance");
        return NULL;
    }
    KeyWrapper *self = (KeyWrapper *)op, *other = (KeyWrapper *)other_op;
    if (self->object == NULL || other->object == NULL) {
        PyErr_SetString(PyExc_AttributeError, "object");
        return NULL;
    }
    PyObject *stack[3] = {NULL, self->object, other->object};
    PyObject *order = PyObject_Vectorcall(self->compare, stack + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (order == NULL) return NULL;
    PyObject *zero = PyLong_FromLong(0);
    PyObject *result = zero != NULL ? PyObject_RichCompare(order, zero, operator) : NULL;
    Py_XDECREF(zero);
    Py_DECREF(order);
    return result;
}

static int wrapper_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((KeyWrapper *)op)->compare);
    Py_VISIT(((KeyWrapper *)op)->object);
    return 0;
}

static int wrapper_clear(PyObject *op) {
    Py_CLEAR(((KeyWrapper *)op)->compare);
    Py_CLEAR(((KeyWrapper *)op)->object);
    return 0;
}

static void wrapper_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    wrapper_clear(op);
    PyObject_GC_Del(op);
}

static PyMemberDef wrapper_members[] = {
    {"obj", T_OBJECT, offsetof(KeyWrapper, object), 0, "The object that this key stands for."},
    {NULL},
};

static PyTypeObject key_wrapper_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "functools.KeyWrapper",
    .tp_basicsize = sizeof(KeyWrapper),
    .tp_dealloc = wrapper_dealloc,
    .tp_call = wrapper_call,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = wrapper_traverse,
    .tp_clear = wrapper_clear,
    .tp_richcompare = wrapper_compare,
    .tp_members = wrapper_members,
};

PyDoc_STRVAR(cmp_to_key_doc, "Convert a comparison function into a key function.\n\n"
                             "mycmp(a, b) returns a negative number, zero or a positive one.");

static PyObject *functools_cmp_to_key(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"mycmp", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "cmp_to_key"};
    PyObject *slots[1];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 1, 0, slots);
    return args != NULL ? make_wrapper(args[0], NULL) : NULL;
}

/* The module */

static int functools_exec(PyObject *module) {
    if (PyType_Ready(&kr_lru_link_type) < 0 || PyType_Ready(&key_wrapper_type) < 0) return -1;
    if (PyModule_AddType(module, &kr_partial_type) < 0) return -1;
    return PyModule_AddType(module, &kr_lru_cache_type);
}

static PyMethodDef functools_functions[] = {
    {"reduce", (PyCFunction)(void (*)(void))functools_reduce, METH_FASTCALL, reduce_doc},
    {"cmp_to_key", (PyCFunction)(void (*)(void))functools_cmp_to_key, METH_FASTCALL | METH_KEYWORDS, cmp_to_key_doc},
    {NULL},
};

static PyModuleDef_Slot functools_slots[] = {{Py_mod_exec, functools_exec}, {0, NULL}};

PyDoc_STRVAR(functools_doc, "Functions on functions, the part of functools in C.");

static struct PyModuleDef functools_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_functools",
    .m_doc = functools_doc,
    .m_methods = functools_functions,
    .m_slots = functools_slots,
};

PyMODINIT_FUNC PyInit__functools(void) { return PyModuleDef_Init(&functools_module); }
