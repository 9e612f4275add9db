/* The iterators that iter() and anext() make: over sequences, over calls, and the awaitable with a default. */
#include <Python.h>

#include "collector/collector.h"
#include "object/names.h"
#include "types/iter.h"

/* Pickling. */

PyObject *kr_iterator_reduce(PyObject *const *sequence, const Py_ssize_t *index, PyObject *empty) {
    PyObject *iter = empty == NULL ? NULL : _PyEval_GetBuiltin(KR_NAME(iter)), *result = NULL;
    if (iter != NULL && *sequence != NULL)
        result = Py_BuildValue("O(O)n", iter, *sequence, *index);
    else if (iter != NULL)
        result = Py_BuildValue("O(O)", iter, empty);
    Py_XDECREF(iter);
    Py_XDECREF(empty);
    return result;
}

PyObject *kr_iterator_reduce_rest(PyObject *rest) {
    PyObject *iter = rest == NULL ? NULL : _PyEval_GetBuiltin(KR_NAME(iter)), *result = NULL;
    if (iter != NULL) result = Py_BuildValue("O(O)", iter, rest);
    Py_XDECREF(iter);
    Py_XDECREF(rest);
    return result;
}

PyObject *kr_iterator_set_index(Py_ssize_t *index, PyObject *state, Py_ssize_t low, Py_ssize_t high) {
    Py_ssize_t value = PyLong_AsSsize_t(state);
    if (value == -1 && PyErr_Occurred()) return NULL;
    *index = value < low ? low : value > high ? high : value;
    Py_RETURN_NONE;
}

/* iter(sequence): items by index until IndexError. */

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    PyObject *sequence; /* NULL when exhausted */
} SequenceIterator;

PyObject *PySeqIter_New(PyObject *sequence) {
    if (!PySequence_Check(sequence)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    SequenceIterator *self = PyObject_GC_New(SequenceIterator, &PySeqIter_Type);
    if (self == NULL) return NULL;
    self->index = 0;
    self->sequence = Py_NewRef(sequence);
    kr_gc_track(self);
    return (PyObject *)self;
}

static void sequence_dealloc(SequenceIterator *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->sequence);
    kr_gc_free(self);
}

static int sequence_traverse(SequenceIterator *self, visitproc visit, void *arg) {
    Py_VISIT(self->sequence);
    return 0;
}

static PyObject *sequence_next(SequenceIterator *self) {
    PyObject *sequence = self->sequence;
    if (sequence == NULL) return NULL;
    if (self->index == PY_SSIZE_T_MAX) {
        PyErr_SetString(PyExc_OverflowError, "iter index too large");
        return NULL;
    }
    PyObject *item = PySequence_GetItem(sequence, self->index);
    if (item != NULL) {
        self->index++;
        return item;
    }
    if (PyErr_ExceptionMatches(PyExc_IndexError) || PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Clear();
        Py_CLEAR(self->sequence);
    }
    return NULL;
}

static PyObject *sequence_length_hint(SequenceIterator *self, PyObject *unused) {
    if (self->sequence == NULL) return PyLong_FromLong(0);
    if (!_PyObject_HasLen(self->sequence)) Py_RETURN_NOTIMPLEMENTED;
    Py_ssize_t size = PySequence_Size(self->sequence);
    if (size == -1) return NULL;
    return PyLong_FromSsize_t(size > self->index ? size - self->index : 0);
}

static PyObject *sequence_reduce(SequenceIterator *self, PyObject *unused) {
    return kr_iterator_reduce(&self->sequence, &self->index, PyTuple_New(0));
}

static PyObject *sequence_setstate(SequenceIterator *self, PyObject *state) {
    return kr_iterator_set_index(&self->index, state, 0, PY_SSIZE_T_MAX);
}

static PyMethodDef sequence_methods[] = {
    {"__length_hint__", (PyCFunction)sequence_length_hint, METH_NOARGS, "Number of items that are left."},
    {"__reduce__", (PyCFunction)sequence_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)sequence_setstate, METH_O, "Restore the position from pickling."},
    {NULL},
};

PyTypeObject PySeqIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "iterator",
    .tp_basicsize = sizeof(SequenceIterator),
    .tp_dealloc = (destructor)sequence_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)sequence_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)sequence_next,
    .tp_methods = sequence_methods,
};

/* iter(callable, sentinel): results of calls until one equals the sentinel. */

typedef struct {
    PyObject_HEAD
    PyObject *callable; /* both NULL when exhausted */
    PyObject *sentinel;
} CallIterator;

PyObject *PyCallIter_New(PyObject *callable, PyObject *sentinel) {
    CallIterator *self = PyObject_GC_New(CallIterator, &PyCallIter_Type);
    if (self == NULL) return NULL;
    self->callable = Py_NewRef(callable);
    self->sentinel = Py_NewRef(sentinel);
    kr_gc_track(self);
    return (PyObject *)self;
}

static void call_dealloc(CallIterator *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->callable);
    Py_XDECREF(self->sentinel);
    kr_gc_free(self);
}

static int call_traverse(CallIterator *self, visitproc visit, void *arg) {
    Py_VISIT(self->callable);
    Py_VISIT(self->sentinel);
    return 0;
}

static PyObject *call_next(CallIterator *self) {
    if (self->callable == NULL) return NULL;
    PyObject *callable = Py_NewRef(self->callable);
    PyObject *result = PyObject_CallNoArgs(callable);
    Py_DECREF(callable);
    if (result != NULL && self->sentinel != NULL) { /* the call itself may have exhausted the iterator */
        PyObject *sentinel = Py_NewRef(self->sentinel);
        int equal = PyObject_RichCompareBool(sentinel, result, Py_EQ);
        Py_DECREF(sentinel);
        if (equal == 0) return result;
        if (equal > 0) {
            Py_CLEAR(self->callable);
            Py_CLEAR(self->sentinel);
        }
    } else if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Clear();
        Py_CLEAR(self->callable);
        Py_CLEAR(self->sentinel);
    }
    Py_XDECREF(result);
    return NULL;
}

static PyObject *call_reduce(CallIterator *self, PyObject *unused) {
    PyObject *iter = _PyEval_GetBuiltin(KR_NAME(iter));
    if (iter == NULL) return NULL;
    if (self->callable != NULL && self->sentinel != NULL)
        return Py_BuildValue("N(OO)", iter, self->callable, self->sentinel);
    return Py_BuildValue("N(())", iter);
}

static PyMethodDef call_methods[] = {
    {"__reduce__", (PyCFunction)call_reduce, METH_NOARGS, "State for pickling."},
    {NULL},
};

PyTypeObject PyCallIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "callable_iterator",
    .tp_basicsize = sizeof(CallIterator),
    .tp_dealloc = (destructor)call_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)call_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)call_next,
    .tp_methods = call_methods,
};

/* anext(iterator, default). */

typedef struct {
    PyObject_HEAD
    PyObject *wrapped;
    PyObject *default_value;
} AnextAwaitable;

PyObject *PyAnextAwaitable_New(PyObject *awaitable, PyObject *default_value) {
    AnextAwaitable *self = PyObject_GC_New(AnextAwaitable, &_PyAnextAwaitable_Type);
    if (self == NULL) return NULL;
    self->wrapped = Py_NewRef(awaitable);
    self->default_value = Py_NewRef(default_value);
    kr_gc_track(self);
    return (PyObject *)self;
}

static void anext_dealloc(AnextAwaitable *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->wrapped);
    Py_XDECREF(self->default_value);
    kr_gc_free(self);
}

static int anext_traverse(AnextAwaitable *self, visitproc visit, void *arg) {
    Py_VISIT(self->wrapped);
    Py_VISIT(self->default_value);
    return 0;
}

/* Returns the iterator behind the wrapped awaitable, a new reference. */
static PyObject *anext_iterator(AnextAwaitable *self) {
    PyObject *iterator = kr_coroutine_get_awaitable(self->wrapped);
    if (iterator == NULL || Py_TYPE(iterator)->tp_iternext != NULL) return iterator;
    /* Of what can come back, only coroutines do not iterate themselves. */
    Py_SETREF(iterator, Py_TYPE(iterator)->tp_as_async->am_await(iterator));
    if (iterator != NULL && !PyIter_Check(iterator)) {
        PyErr_SetString(PyExc_TypeError, "__await__ must return an iterable");
        Py_CLEAR(iterator);
    }
    return iterator;
}

/* Turns StopAsyncIteration into the end of the await with the default as its value. */
static PyObject *anext_finish(AnextAwaitable *self, PyObject *result) {
    if (result == NULL && PyErr_ExceptionMatches(PyExc_StopAsyncIteration)) {
        PyErr_Clear();
        _PyGen_SetStopIterationValue(self->default_value);
    }
    return result;
}

static PyObject *anext_next(AnextAwaitable *self) {
    PyObject *iterator = anext_iterator(self);
    if (iterator == NULL) return NULL;
    PyObject *result = Py_TYPE(iterator)->tp_iternext(iterator);
    Py_DECREF(iterator);
    return anext_finish(self, result);
}

/* Passes a method call on. */
static PyObject *anext_pass(AnextAwaitable *self, PyObject *name, PyObject *args) {
    PyObject *iterator = anext_iterator(self);
    if (iterator == NULL) return NULL;
    PyObject *method = PyObject_GetAttr(iterator, name);
    Py_DECREF(iterator);
    if (method == NULL) return NULL;
    PyObject *result = args != NULL ? PyObject_CallObject(method, args) : PyObject_CallNoArgs(method);
    Py_DECREF(method);
    return anext_finish(self, result);
}

static PyObject *anext_send(AnextAwaitable *self, PyObject *value) {
    PyObject *args = PyTuple_Pack(1, value);
    if (args == NULL) return NULL;
    PyObject *result = anext_pass(self, KR_NAME(send), args);
    Py_DECREF(args);
    return result;
}

static PyObject *anext_throw(AnextAwaitable *self, PyObject *args) { return anext_pass(self, KR_NAME(throw), args); }

static PyObject *anext_close(AnextAwaitable *self, PyObject *unused) { return anext_pass(self, KR_NAME(close), NULL); }

static PyMethodDef anext_methods[] = {
    {"send", (PyCFunction)anext_send, METH_O, "send(arg) -> send 'arg' into the wrapped iterator."},
    {"throw", (PyCFunction)anext_throw, METH_VARARGS,
     "throw(value)\nthrow(typ[,val[,tb]])\n\nRaise an exception in the wrapped iterator."},
    {"close", (PyCFunction)anext_close, METH_NOARGS, "close() -> raise GeneratorExit in the wrapped iterator."},
    {NULL},
};

static PyAsyncMethods anext_as_async = {.am_await = PyObject_SelfIter};

PyTypeObject _PyAnextAwaitable_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "anext_awaitable",
    .tp_basicsize = sizeof(AnextAwaitable),
    .tp_dealloc = (destructor)anext_dealloc,
    .tp_as_async = &anext_as_async,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)anext_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)anext_next,
    .tp_methods = anext_methods,
};
