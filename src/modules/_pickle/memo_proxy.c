/* The types PicklerMemoProxy and UnpicklerMemoProxy: what the attribute memo of a Pickler or an Unpickler is. */
#include <Python.h>

#include "modules/_pickle/pickle.h"

typedef struct {
    PyObject_HEAD
    PyObject *owner; /* the Pickler or Unpickler */
} MemoProxy;

static int proxy_traverse(MemoProxy *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->owner);
    return 0;
}

static int proxy_clear(MemoProxy *self) {
    Py_CLEAR(self->owner);
    return 0;
}

static void proxy_dealloc(MemoProxy *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    proxy_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *proxy_new(PyTypeObject *type, PyObject *owner) {
    MemoProxy *self = PyObject_GC_New(MemoProxy, type);
    if (self == NULL) return NULL;
    self->owner = Py_NewRef(owner);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* (dict, (copy,)): takes the reference to the copy, which may be NULL. */
static PyObject *reduce_as_dict(PyObject *copy) {
    return copy != NULL ? Py_BuildValue("O(N)", &PyDict_Type, copy) : NULL;
}

PyDoc_STRVAR(clear_doc, "clear($self, /)\n--\n\nForget all objects.");
PyDoc_STRVAR(copy_doc, "copy($self, /)\n--\n\nReturn the memo as a dict.");
PyDoc_STRVAR(reduce_doc, "__reduce__($self, /)\n--\n\nReturn how to make a copy as a dict.");

/* --- Of a Pickler. */

static PyObject *pickler_memo_clear(MemoProxy *self, PyObject *unused) {
    Pickler *pickler = (Pickler *)self->owner;
    if (pickler->memo != NULL) kr_pickle_memo_clear(pickler->memo);
    Py_RETURN_NONE;
}

static PyObject *pickler_memo_copy(MemoProxy *self, PyObject *unused) {
    const Memo *memo = ((Pickler *)self->owner)->memo;
    PyObject *copy = PyDict_New();
    if (copy == NULL || memo == NULL) return copy;
    for (Py_ssize_t i = 0; i < memo->size; i++) {
        if (memo->entries[i].object == NULL) continue;
        PyObject *key = PyLong_FromVoidPtr(memo->entries[i].object);
        PyObject *value = Py_BuildValue("nO", memo->entries[i].index, memo->entries[i].object);
        int failed = key == NULL || value == NULL || PyDict_SetItem(copy, key, value) < 0;
        Py_XDECREF(key);
        Py_XDECREF(value);
        if (failed) {
            Py_DECREF(copy);
            return NULL;
        }
    }
    return copy;
}

static PyObject *pickler_memo_reduce(MemoProxy *self, PyObject *unused) {
    return reduce_as_dict(pickler_memo_copy(self, NULL));
}

PyObject *kr_pickle_pickler_memo_proxy(Pickler *self) {
    return proxy_new(self->state->pickler_memo_type, (PyObject *)self);
}

static Memo *memo_copy(const Memo *other) {
    Memo *memo = kr_pickle_memo_new();
    if (memo == NULL || other == NULL) return memo;
    for (Py_ssize_t i = 0; i < other->size; i++) {
        if (other->entries[i].object != NULL &&
            kr_pickle_memo_set(memo, other->entries[i].object, other->entries[i].index) < 0) {
            kr_pickle_memo_free(memo);
            return NULL;
        }
    }
    return memo;
}

/* From a dict of ids to pairs of number and object. */
static Memo *memo_from_dict(PyObject *dict) {
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    Memo *memo = kr_pickle_memo_new();
    if (memo == NULL) return NULL;
    while (PyDict_Next(dict, &pos, &key, &value)) {
        if (!PyTuple_Check(value) || PyTuple_GET_SIZE(value) != 2) {
            PyErr_SetString(PyExc_TypeError, "'memo' values must be 2-item tuples");
            goto error;
        }
        Py_ssize_t index = PyLong_AsSsize_t(PyTuple_GET_ITEM(value, 0));
        if (index == -1 && PyErr_Occurred()) goto error;
        if (kr_pickle_memo_set(memo, PyTuple_GET_ITEM(value, 1), index) < 0) goto error;
    }
    return memo;
error:
    kr_pickle_memo_free(memo);
    return NULL;
}

int kr_pickle_set_pickler_memo(Pickler *self, PyObject *value) {
    Memo *memo;
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "attribute deletion is not supported");
        return -1;
    }
    if (Py_IS_TYPE(value, self->state->pickler_memo_type)) {
        memo = memo_copy(((Pickler *)((MemoProxy *)value)->owner)->memo);
    } else if (PyDict_Check(value)) {
        memo = memo_from_dict(value);
    } else {
        PyErr_Format(PyExc_TypeError, "'memo' attribute must be a PicklerMemoProxy object or dict, not %.200s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    if (memo == NULL) return -1;
    Memo *old = self->memo;
    self->memo = memo;
    kr_pickle_memo_free(old);
    return 0;
}

static PyMethodDef pickler_memo_methods[] = {
    {"clear", (PyCFunction)pickler_memo_clear, METH_NOARGS, clear_doc},
    {"copy", (PyCFunction)pickler_memo_copy, METH_NOARGS, copy_doc},
    {"__reduce__", (PyCFunction)pickler_memo_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

static PyType_Slot pickler_memo_slots[] = {
    {Py_tp_dealloc, proxy_dealloc}, {Py_tp_traverse, proxy_traverse},       {Py_tp_clear, proxy_clear},
    {Py_tp_hash, PyObject_HashNotImplemented}, {Py_tp_methods, pickler_memo_methods}, {0, NULL},
};

PyType_Spec kr_pickle_pickler_memo_spec = {
    .name = "_pickle.PicklerMemoProxy",
    .basicsize = sizeof(MemoProxy),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = pickler_memo_slots,
};

/* --- Of an Unpickler. */

static PyObject *unpickler_memo_clear(MemoProxy *self, PyObject *unused) {
    kr_pickle_unpickler_memo_clear((Unpickler *)self->owner);
    Py_RETURN_NONE;
}

static PyObject *unpickler_memo_copy(MemoProxy *self, PyObject *unused) {
    Unpickler *unpickler = (Unpickler *)self->owner;
    PyObject *sparse = unpickler->stack != NULL ? unpickler->stack->sparse_memo : NULL;
    PyObject *copy = sparse != NULL ? PyDict_Copy(sparse) : PyDict_New();
    if (copy == NULL) return NULL;
    for (Py_ssize_t i = 0; i < unpickler->memo_size; i++) {
        if (unpickler->memo[i] == NULL) continue;
        PyObject *key = PyLong_FromSsize_t(i);
        int failed = key == NULL || PyDict_SetItem(copy, key, unpickler->memo[i]) < 0;
        Py_XDECREF(key);
        if (failed) {
            Py_DECREF(copy);
            return NULL;
        }
    }
    return copy;
}

static PyObject *unpickler_memo_reduce(MemoProxy *self, PyObject *unused) {
    return reduce_as_dict(unpickler_memo_copy(self, NULL));
}

PyObject *kr_pickle_unpickler_memo_proxy(Unpickler *self) {
    return proxy_new(self->stack->state->unpickler_memo_type, (PyObject *)self);
}

/* Adds the items of a dict of numbers to objects. */
static int memo_add_dict(Unpickler *self, PyObject *dict) {
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    while (PyDict_Next(dict, &pos, &key, &value)) {
        if (!PyLong_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "memo key must be integers");
            return -1;
        }
        Py_ssize_t index = PyLong_AsSsize_t(key);
        if (index == -1 && PyErr_Occurred()) return -1;
        if (index < 0) {
            PyErr_SetString(PyExc_ValueError, "memo key must be positive integers.");
            return -1;
        }
        if (kr_pickle_unpickler_memo_set(self, (size_t)index, value) < 0) return -1;
    }
    return 0;
}

int kr_pickle_set_unpickler_memo(Unpickler *self, PyObject *value) {
    PyObject *dict;
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "attribute deletion is not supported");
        return -1;
    }
    if (Py_IS_TYPE(value, self->stack->state->unpickler_memo_type)) {
        dict = unpickler_memo_copy((MemoProxy *)value, NULL);
    } else if (PyDict_Check(value)) {
        dict = Py_NewRef(value);
    } else {
        PyErr_Format(PyExc_TypeError, "'memo' attribute must be an UnpicklerMemoProxy object or dict, not %.200s",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    if (dict == NULL) return -1;
    kr_pickle_unpickler_memo_clear(self);
    int result = memo_add_dict(self, dict);
    Py_DECREF(dict);
    return result;
}

static PyMethodDef unpickler_memo_methods[] = {
    {"clear", (PyCFunction)unpickler_memo_clear, METH_NOARGS, clear_doc},
    {"copy", (PyCFunction)unpickler_memo_copy, METH_NOARGS, copy_doc},
    {"__reduce__", (PyCFunction)unpickler_memo_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

static PyType_Slot unpickler_memo_slots[] = {
    {Py_tp_dealloc, proxy_dealloc}, {Py_tp_traverse, proxy_traverse},         {Py_tp_clear, proxy_clear},
    {Py_tp_hash, PyObject_HashNotImplemented}, {Py_tp_methods, unpickler_memo_methods}, {0, NULL},
};

PyType_Spec kr_pickle_unpickler_memo_spec = {
    .name = "_pickle.UnpicklerMemoProxy",
    .basicsize = sizeof(MemoProxy),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = unpickler_memo_slots,
};
