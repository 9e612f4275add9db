/* enumerate: pairs of a counter and an item. */
#include <Python.h>

#include "collector/collector.h"
#include "object/runtime.h"
#include "types/tuple.h"

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;    /* the next number, as long as big_index is NULL */
    PyObject *iterator;
    PyObject *result;    /* a pair that is handed out again if nobody kept it */
    PyObject *big_index; /* the next number once it no longer fits Py_ssize_t */
} Enumerate;

static PyObject *make(PyTypeObject *type, PyObject *iterable, PyObject *start) {
    Enumerate *self = (Enumerate *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    if (start != NULL) {
        PyObject *number = PyNumber_Index(start);
        if (number == NULL) goto error;
        self->index = PyLong_AsSsize_t(number);
        if (self->index == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            self->index = PY_SSIZE_T_MAX;
            self->big_index = number;
        } else {
            Py_DECREF(number);
        }
    }
    self->iterator = PyObject_GetIter(iterable);
    if (self->iterator == NULL) goto error;
    self->result = kr_tuple_pack2(Py_None, Py_None);
    if (self->result == NULL) goto error;
    return (PyObject *)self;

error:
    Py_DECREF(self);
    return NULL;
}

static PyObject *enumerate_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"iterable", "start", NULL};
    static _PyArg_Parser parser = {NULL, keywords, "enumerate", 0};
    PyObject *values[2] = {NULL, NULL};
    PyObject *const *parsed = _PyArg_UnpackKeywords(&PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args), kwargs, NULL,
                                                    &parser, 1, 2, 0, values);
    if (parsed == NULL) return NULL;
    /* Only as many as were given are valid. */
    Py_ssize_t given = PyTuple_GET_SIZE(args) + (kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs));
    return make(type, parsed[0], given > 1 ? parsed[1] : NULL);
}

static int named(PyObject *kwnames, Py_ssize_t i, const char *name) {
    return _PyUnicode_EqualToASCIIString(PyTuple_GET_ITEM(kwnames, i), name);
}

static PyObject *bad_keyword(PyObject *kwnames, Py_ssize_t i) {
    PyErr_Format(PyExc_TypeError, "'%.200U' is an invalid keyword argument for enumerate()", PyTuple_GET_ITEM(kwnames, i));
    return NULL;
}

static PyObject *enumerate_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    PyTypeObject *type = (PyTypeObject *)callable;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf), named_count = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    if (count == 0 && (named_count == 1 || named_count == 2)) {
        int first = named_count == 2 && named(kwnames, 0, "start"); /* which of the two the first keyword is */
        for (Py_ssize_t i = 0; i < named_count; i++)
            if (!named(kwnames, i, i == first ? "iterable" : "start")) return bad_keyword(kwnames, i);
        return make(type, args[first], named_count == 2 ? args[1 - first] : NULL);
    }
    if (count == 0) {
        PyErr_SetString(PyExc_TypeError, "enumerate() missing required argument 'iterable'");
        return NULL;
    }
    if (count + named_count > 2) {
        PyErr_Format(PyExc_TypeError, "enumerate() takes at most %d arguments (%zd given)", 2, count + named_count);
        return NULL;
    }
    if (named_count == 1 && !named(kwnames, 0, "start")) return bad_keyword(kwnames, 0);
    return make(type, args[0], count + named_count == 2 ? args[1] : NULL);
}

static void enumerate_dealloc(Enumerate *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->iterator);
    Py_XDECREF(self->result);
    Py_XDECREF(self->big_index);
    Py_TYPE(self)->tp_free(self);
}

static int enumerate_traverse(Enumerate *self, visitproc visit, void *arg) {
    Py_VISIT(self->iterator);
    Py_VISIT(self->result);
    Py_VISIT(self->big_index);
    return 0;
}

/* Returns the next number, a new reference, and counts on. */
static PyObject *next_number(Enumerate *self) {
    if (self->index != PY_SSIZE_T_MAX) return PyLong_FromSsize_t(self->index++);
    PyObject *number = self->big_index != NULL ? Py_NewRef(self->big_index) : PyLong_FromSsize_t(PY_SSIZE_T_MAX);
    PyObject *following = number == NULL ? NULL : PyNumber_Add(number, kr_small_int(1));
    if (following == NULL) {
        Py_XDECREF(number);
        return NULL;
    }
    Py_XSETREF(self->big_index, following);
    return number;
}

static PyObject *enumerate_next(Enumerate *self) {
    PyObject *item = Py_TYPE(self->iterator)->tp_iternext(self->iterator);
    if (item == NULL) return NULL;
    PyObject *number = next_number(self);
    if (number == NULL) {
        Py_DECREF(item);
        return NULL;
    }
    PyObject *result = self->result;
    if (Py_REFCNT(result) == 1) {
        PyObject *old_number = PyTuple_GET_ITEM(result, 0), *old_item = PyTuple_GET_ITEM(result, 1);
        Py_INCREF(result);
        PyTuple_SET_ITEM(result, 0, number);
        PyTuple_SET_ITEM(result, 1, item);
        Py_DECREF(old_number);
        Py_DECREF(old_item);
        kr_gc_track(result); /* a collection may have untracked it for its former items */
        return result;
    }
    return kr_tuple_pair_steal(number, item);
}

static PyObject *enumerate_reduce(Enumerate *self, PyObject *unused) {
    if (self->big_index != NULL) return Py_BuildValue("O(OO)", Py_TYPE(self), self->iterator, self->big_index);
    return Py_BuildValue("O(On)", Py_TYPE(self), self->iterator, self->index);
}

static PyMethodDef enumerate_methods[] = {
    {"__reduce__", (PyCFunction)enumerate_reduce, METH_NOARGS, "State for pickling."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "enumerate[...] as a type hint."},
    {NULL},
};

PyTypeObject PyEnum_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "enumerate",
    .tp_basicsize = sizeof(Enumerate),
    .tp_dealloc = (destructor)enumerate_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "enumerate(iterable, start=0)\n--\n\n"
              "Pairs of a number, counted up from start, and an item of the iterable.",
    .tp_traverse = (traverseproc)enumerate_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)enumerate_next,
    .tp_methods = enumerate_methods,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = enumerate_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = enumerate_vectorcall,
};
