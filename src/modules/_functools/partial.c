/* functools.partial: a callable with some arguments filled in. */
#include <Python.h>
#include <structmember.h>

#include "base/bytes_copy.h"
#include "modules/_functools/functools.h"

#include <stddef.h>
#include <string.h>

typedef struct {
    PyObject_HEAD
    PyObject *function;
    PyObject *args;     /* tuple */
    PyObject *keywords; /* dict */
    PyObject *attributes;
    PyObject *weak_references;
    vectorcallfunc vectorcall;
} Partial;

enum { SMALL_STACK = 8 };

/* Calls the function with the filled-in positional arguments before the given ones. */
static PyObject *call_with(Partial *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    Py_ssize_t own = PyTuple_GET_SIZE(self->args);
    Py_ssize_t named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0, total = own + nargs + named;
    PyObject *small[SMALL_STACK + 1], **stack = small;
    if (total > SMALL_STACK) {
        stack = PyMem_New(PyObject *, total + 1);
        if (stack == NULL) return PyErr_NoMemory();
    }
    /* One place before the arguments is left for the callee to use. */
    PyObject **first = stack + 1;
    memcpy(first, &PyTuple_GET_ITEM(self->args, 0), (size_t)own * sizeof(PyObject *));
    kr_copy_bytes(first + own, args, (size_t)(nargs + named) * sizeof(PyObject *));
    size_t count = (size_t)(own + nargs) | PY_VECTORCALL_ARGUMENTS_OFFSET;
    PyObject *result = kwnames != NULL || PyDict_GET_SIZE(self->keywords) == 0
                           ? PyObject_Vectorcall(self->function, first, count, kwnames)
                           : PyObject_VectorcallDict(self->function, first, count, self->keywords);
    if (stack != small) PyMem_Free(stack);
    return result;
}

/* Calls the function with the filled-in keyword arguments and the given ones, which win. */
static PyObject *call_with_merged_keywords(Partial *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    PyObject *result = NULL, *merged = PyDict_Copy(self->keywords);
    if (merged == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
        if (PyDict_SetItem(merged, PyTuple_GET_ITEM(kwnames, i), args[nargs + i]) < 0) goto done;
    }
    Py_ssize_t own = PyTuple_GET_SIZE(self->args);
    PyObject *all = PyTuple_New(own + nargs);
    if (all == NULL) goto done;
    for (Py_ssize_t i = 0; i < own + nargs; i++)
        PyTuple_SET_ITEM(all, i, Py_NewRef(i < own ? PyTuple_GET_ITEM(self->args, i) : args[i - own]));
    result = PyObject_Call(self->function, all, merged);
    Py_DECREF(all);
done:
    Py_DECREF(merged);
    return result;
}

static PyObject *partial_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Partial *self = (Partial *)op;
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (kwnames != NULL && PyTuple_GET_SIZE(kwnames) == 0) kwnames = NULL;
    if (Py_EnterRecursiveCall(" while calling a Python object")) return NULL;
    Py_INCREF(self); /* the call might replace the state of the last reference to it */
    PyObject *result = kwnames != NULL && PyDict_GET_SIZE(self->keywords) > 0
                           ? call_with_merged_keywords(self, args, nargs, kwnames)
                           : call_with(self, args, nargs, kwnames);
    Py_DECREF(self);
    Py_LeaveRecursiveCall();
    return result;
}

static PyObject *partial_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) < 1) {
        PyErr_SetString(PyExc_TypeError, "type 'partial' takes at least one argument");
        return NULL;
    }
    PyObject *function = PyTuple_GET_ITEM(args, 0), *own_args = NULL, *own_keywords = NULL;
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "the first argument must be callable");
        return NULL;
    }
    /* A partial without attributes of its own is taken apart rather than called through. */
    if (PyObject_TypeCheck(function, &kr_partial_type) && Py_TYPE(function)->tp_call == kr_partial_type.tp_call) {
        Partial *inner = (Partial *)function;
        if (inner->attributes == NULL) {
            function = inner->function;
            own_args = inner->args;
            own_keywords = inner->keywords;
        }
    }
    Partial *self = (Partial *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->vectorcall = partial_vectorcall;
    self->function = Py_NewRef(function);
    PyObject *rest = PyTuple_GetSlice(args, 1, PY_SSIZE_T_MAX);
    if (rest == NULL) goto failed;
    if (own_args == NULL || PyTuple_GET_SIZE(own_args) == 0) {
        self->args = rest;
    } else {
        self->args = PySequence_Concat(own_args, rest);
        Py_DECREF(rest);
        if (self->args == NULL) goto failed;
    }
    self->keywords = own_keywords != NULL ? PyDict_Copy(own_keywords) : PyDict_New();
    if (self->keywords == NULL || (kwargs != NULL && PyDict_Merge(self->keywords, kwargs, 1) < 0)) goto failed;
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static int partial_clear(PyObject *op) {
    Partial *self = (Partial *)op;
    Py_CLEAR(self->function);
    Py_CLEAR(self->args);
    Py_CLEAR(self->keywords);
    Py_CLEAR(self->attributes);
    return 0;
}

static int partial_traverse(PyObject *op, visitproc visit, void *arg) {
    Partial *self = (Partial *)op;
    Py_VISIT(self->function);
    Py_VISIT(self->args);
    Py_VISIT(self->keywords);
    Py_VISIT(self->attributes);
    return 0;
}

static void partial_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, partial_dealloc)
    if (((Partial *)op)->weak_references != NULL) PyObject_ClearWeakRefs(op);
    partial_clear(op);
    Py_TYPE(op)->tp_free(op);
    Py_TRASHCAN_END
}

static PyObject *partial_repr(PyObject *op) {
    Partial *self = (Partial *)op;
    int nested = Py_ReprEnter(op);
    if (nested != 0) return nested > 0 ? PyUnicode_FromString("...") : NULL;
    PyObject *arguments = PyUnicode_FromString(""), *result = NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(self->args), position = 0;
    for (Py_ssize_t i = 0; arguments != NULL && i < count; i++)
        Py_SETREF(arguments, PyUnicode_FromFormat("%U, %R", arguments, PyTuple_GET_ITEM(self->args, i)));
    PyObject *key, *value;
    while (arguments != NULL && PyDict_Next(self->keywords, &position, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        Py_SETREF(arguments, PyUnicode_FromFormat("%U, %S=%R", arguments, key, value));
        Py_DECREF(key);
        Py_DECREF(value);
    }
    if (arguments != NULL) {
        result = PyUnicode_FromFormat("%s(%R%U)", Py_TYPE(op)->tp_name, self->function, arguments);
        Py_DECREF(arguments);
    }
    Py_ReprLeave(op);
    return result;
}

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the object.");

static PyObject *partial_reduce(PyObject *op, PyObject *unused) {
    Partial *self = (Partial *)op;
    return Py_BuildValue("O(O)(OOOO)", Py_TYPE(op), self->function, self->function, self->args, self->keywords,
                         self->attributes != NULL ? self->attributes : Py_None);
}

PyDoc_STRVAR(setstate_doc, "Take over a state that __reduce__ gave.");

static PyObject *partial_setstate(PyObject *op, PyObject *state) {
    Partial *self = (Partial *)op;
    PyObject *function, *args, *keywords, *attributes;
    if (!PyTuple_Check(state) || !PyArg_ParseTuple(state, "OOOO", &function, &args, &keywords, &attributes) ||
        !PyCallable_Check(function) || !PyTuple_Check(args) || (keywords != Py_None && !PyDict_Check(keywords))) {
        PyErr_SetString(PyExc_TypeError, "invalid partial state");
        return NULL;
    }
    args = PyTuple_CheckExact(args) ? Py_NewRef(args) : PySequence_Tuple(args);
    if (args == NULL) return NULL;
    keywords = keywords == Py_None ? PyDict_New() : PyDict_CheckExact(keywords) ? Py_NewRef(keywords) : PyDict_Copy(keywords);
    if (keywords == NULL) {
        Py_DECREF(args);
        return NULL;
    }
    Py_XSETREF(self->function, Py_NewRef(function));
    Py_XSETREF(self->args, args);
    Py_XSETREF(self->keywords, keywords);
    Py_XSETREF(self->attributes, attributes == Py_None ? NULL : Py_NewRef(attributes));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(class_getitem_doc, "Return a generic alias; see PEP 585.");

static PyMethodDef partial_methods[] = {
    {"__reduce__", partial_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", partial_setstate, METH_O, setstate_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PyMemberDef partial_members[] = {
    {"func", T_OBJECT, offsetof(Partial, function), READONLY, "The function that calls go to."},
    {"args", T_OBJECT, offsetof(Partial, args), READONLY, "The positional arguments that come before those of a call."},
    {"keywords", T_OBJECT, offsetof(Partial, keywords), READONLY, "The keyword arguments that a call may replace."},
    {NULL},
};

static PyGetSetDef partial_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {NULL},
};

PyDoc_STRVAR(partial_doc, "partial(func, *args, **keywords) - call func with these arguments filled in.");

PyTypeObject kr_partial_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "functools.partial",
    .tp_basicsize = sizeof(Partial),
    .tp_dealloc = partial_dealloc,
    .tp_vectorcall_offset = offsetof(Partial, vectorcall),
    .tp_repr = partial_repr,
    .tp_call = PyVectorcall_Call,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = partial_doc,
    .tp_traverse = partial_traverse,
    .tp_clear = partial_clear,
    .tp_weaklistoffset = offsetof(Partial, weak_references),
    .tp_methods = partial_methods,
    .tp_members = partial_members,
    .tp_getset = partial_getset,
    .tp_dictoffset = offsetof(Partial, attributes),
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = partial_new,
    .tp_free = PyObject_GC_Del,
};
