/* itertools: count, cycle, repeat. */
#include <Python.h>

#include "modules/itertools/itertools.h"

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the iterator.");
PyDoc_STRVAR(setstate_doc, "Take over a state that __reduce__ gave.");

/* count */

/* While `value` is NULL the next value is `small` and the step is 1. */
typedef struct {
    PyObject_HEAD
    PyObject *value;
    PyObject *step;
    Py_ssize_t small;
} Count;

ITERTOOL_LIFE(count, 2, )

PyDoc_STRVAR(count_doc, "count(start=0, step=1)\n--\n\nGive start, start + step, start + 2 * step and so on without end.");

static PyObject *count_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"start", "step", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "count"};
    PyObject *given[2];
    if (itertool_unpack(args, kwargs, &parser, 0, 2, given, 2) < 0) return NULL;
    if ((given[0] != NULL && !PyNumber_Check(given[0])) || (given[1] != NULL && !PyNumber_Check(given[1]))) {
        PyErr_SetString(PyExc_TypeError, "a number is required");
        return NULL;
    }
    PyObject *start = given[0] != NULL ? Py_NewRef(given[0]) : PyLong_FromLong(0);
    PyObject *step = given[1] != NULL ? Py_NewRef(given[1]) : PyLong_FromLong(1);
    Py_ssize_t small = 0;
    int overflow = 0, fast = 0;
    if (start == NULL || step == NULL) goto failed;
    if (PyLong_Check(start) && PyLong_Check(step)) {
        fast = PyLong_AsLongAndOverflow(step, &overflow) == 1 && !overflow;
        small = PyLong_AsSsize_t(start);
        if (small == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            fast = 0;
        }
    }
    Count *self = (Count *)type->tp_alloc(type, 0);
    if (self == NULL) goto failed;
    self->small = small;
    self->step = step;
    self->value = start;
    if (fast && small != PY_SSIZE_T_MAX) Py_CLEAR(self->value);
    return (PyObject *)self;
failed:
    Py_XDECREF(start);
    Py_XDECREF(step);
    return NULL;
}

static PyObject *count_next(PyObject *op) {
    Count *self = (Count *)op;
    if (self->value == NULL) {
        if (self->small != PY_SSIZE_T_MAX) return PyLong_FromSsize_t(self->small++);
        self->value = PyLong_FromSsize_t(PY_SSIZE_T_MAX);
        if (self->value == NULL) return NULL;
    }
    PyObject *next = PyNumber_Add(self->value, self->step);
    if (next == NULL) return NULL;
    PyObject *value = self->value;
    self->value = next;
    return value;
}

static PyObject *count_repr(PyObject *op) {
    Count *self = (Count *)op;
    const char *name = _PyType_Name(Py_TYPE(op));
    if (self->value == NULL) return PyUnicode_FromFormat("%s(%zd)", name, self->small);
    if (PyLong_Check(self->step)) {
        int overflow;
        if (PyLong_AsLongAndOverflow(self->step, &overflow) == 1) return PyUnicode_FromFormat("%s(%R)", name, self->value);
    }
    return PyUnicode_FromFormat("%s(%R, %R)", name, self->value, self->step);
}

static PyObject *count_reduce(PyObject *op, PyObject *unused) {
    Count *self = (Count *)op;
    if (self->value == NULL) return Py_BuildValue("O(n)", Py_TYPE(op), self->small);
    return Py_BuildValue("O(OO)", Py_TYPE(op), self->value, self->step);
}

static PyMethodDef count_methods[] = {{"__reduce__", count_reduce, METH_NOARGS, reduce_doc}, {NULL}};

PyTypeObject kr_count_type = {
    ITERTOOL_SLOTS(count, Count),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_repr = count_repr,
    .tp_methods = count_methods,
};

/* cycle */

typedef struct {
    PyObject_HEAD
    PyObject *iterator; /* NULL once the elements come from `saved` */
    PyObject *saved;
    Py_ssize_t index;   /* of the next element in `saved` */
    int all_saved;      /* restored by __setstate__: `saved` has the elements that `iterator` still gives */
} Cycle;

ITERTOOL_LIFE(cycle, 2, )

PyDoc_STRVAR(cycle_doc, "cycle(iterable, /)\n--\n\nGive the elements of an iterable over and over again.");

static PyObject *cycle_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (itertool_refuses_keywords(type, &kr_cycle_type, "cycle", kwargs) ||
        !_PyArg_CheckPositional("cycle", PyTuple_GET_SIZE(args), 1, 1))
        return NULL;
    PyObject *iterator = PyObject_GetIter(PyTuple_GET_ITEM(args, 0));
    if (iterator == NULL) return NULL;
    PyObject *saved = PyList_New(0);
    if (saved == NULL) {
        Py_DECREF(iterator);
        return NULL;
    }
    return itertool_make(type, (PyObject *[]){iterator, saved}, 2);
}

static PyObject *cycle_next(PyObject *op) {
    Cycle *self = (Cycle *)op;
    if (self->iterator != NULL) {
        PyObject *element = itertool_next(self->iterator);
        if (element != NULL) {
            if (!self->all_saved && PyList_Append(self->saved, element) < 0) Py_CLEAR(element);
            return element;
        }
        if (itertool_failed()) return NULL;
        self->index = 0;
        Py_CLEAR(self->iterator);
    }
    if (self->saved == NULL || PyList_GET_SIZE(self->saved) == 0) return NULL;
    PyObject *element = Py_NewRef(PyList_GET_ITEM(self->saved, self->index));
    if (++self->index >= PyList_GET_SIZE(self->saved)) self->index = 0;
    return element;
}

static PyObject *cycle_reduce(PyObject *op, PyObject *unused) {
    Cycle *self = (Cycle *)op;
    if (self->iterator != NULL)
        return Py_BuildValue("O(O)(OO)", Py_TYPE(op), self->iterator, self->saved,
                             self->all_saved ? Py_True : Py_False);
    PyObject *iterator = PyObject_GetIter(self->saved);
    if (iterator == NULL) return NULL;
    if (self->index != 0) {
        PyObject *none = PyObject_CallMethod(iterator, "__setstate__", "n", self->index);
        if (none == NULL) {
            Py_DECREF(iterator);
            return NULL;
        }
        Py_DECREF(none);
    }
    return Py_BuildValue("O(N)(OO)", Py_TYPE(op), iterator, self->saved, Py_True);
}

static PyObject *cycle_setstate(PyObject *op, PyObject *state) {
    Cycle *self = (Cycle *)op;
    PyObject *saved;
    int all_saved;
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "state is not a tuple");
        return NULL;
    }
    if (!PyArg_ParseTuple(state, "O!i", &PyList_Type, &saved, &all_saved)) return NULL;
    Py_XSETREF(self->saved, Py_NewRef(saved));
    self->all_saved = all_saved != 0;
    self->index = 0;
    Py_RETURN_NONE;
}

static PyMethodDef cycle_methods[] = {
    {"__reduce__", cycle_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", cycle_setstate, METH_O, setstate_doc},
    {NULL},
};

PyTypeObject kr_cycle_type = {
    ITERTOOL_SLOTS(cycle, Cycle),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = cycle_methods,
};

/* repeat */

typedef struct {
    PyObject_HEAD
    PyObject *element;
    Py_ssize_t left; /* -1: without end */
} Repeat;

ITERTOOL_LIFE(repeat, 1, )

PyDoc_STRVAR(repeat_doc, "repeat(object [,times]) -> give the object without end, or so many times");

static PyObject *repeat_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"object", "times", NULL};
    PyObject *element;
    Py_ssize_t times = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n:repeat", keywords, &element, &times)) return NULL;
    int bounded = PyTuple_GET_SIZE(args) + (kwargs != NULL ? PyDict_GET_SIZE(kwargs) : 0) == 2;
    if (bounded && times < 0) times = 0;
    PyObject *self = itertool_make(type, (PyObject *[]){Py_NewRef(element)}, 1);
    if (self != NULL) ((Repeat *)self)->left = times;
    return self;
}

static PyObject *repeat_next(PyObject *op) {
    Repeat *self = (Repeat *)op;
    if (self->left == 0) return NULL;
    if (self->left > 0) self->left--;
    return Py_NewRef(self->element);
}

static PyObject *repeat_repr(PyObject *op) {
    Repeat *self = (Repeat *)op;
    const char *name = _PyType_Name(Py_TYPE(op));
    if (self->left == -1) return PyUnicode_FromFormat("%s(%R)", name, self->element);
    return PyUnicode_FromFormat("%s(%R, %zd)", name, self->element, self->left);
}

PyDoc_STRVAR(length_hint_doc, "Return how many elements are left.");

static PyObject *repeat_length_hint(PyObject *op, PyObject *unused) {
    Repeat *self = (Repeat *)op;
    if (self->left == -1) {
        PyErr_SetString(PyExc_TypeError, "len() of unsized object");
        return NULL;
    }
    return PyLong_FromSsize_t(self->left);
}

static PyObject *repeat_reduce(PyObject *op, PyObject *unused) {
    Repeat *self = (Repeat *)op;
    if (self->left >= 0) return Py_BuildValue("O(On)", Py_TYPE(op), self->element, self->left);
    return Py_BuildValue("O(O)", Py_TYPE(op), self->element);
}

static PyMethodDef repeat_methods[] = {
    {"__length_hint__", repeat_length_hint, METH_NOARGS, length_hint_doc},
    {"__reduce__", repeat_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

PyTypeObject kr_repeat_type = {
    ITERTOOL_SLOTS(repeat, Repeat),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_repr = repeat_repr,
    .tp_methods = repeat_methods,
};
