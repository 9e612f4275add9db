/* itertools: groupby and the iterators over its groups. */
#include <Python.h>

#include "modules/itertools/itertools.h"
#include "types/iter.h"

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the iterator.");
PyDoc_STRVAR(setstate_doc, "Take over a state that __reduce__ gave.");

typedef struct {
    PyObject_HEAD
    PyObject *iterator;
    PyObject *function;      /* makes the key of an element; None: the element itself */
    PyObject *group_key;     /* key of the group that was given out last */
    PyObject *current_key;   /* key of the element that was read last */
    PyObject *current_value; /* that element, NULL once it was given out */
    const void *group;       /* the group that was given out last; only it may go on. Not owned. */
} GroupBy;

typedef struct {
    PyObject_HEAD
    PyObject *parent;
    PyObject *key;
} Grouper;

/* Reads the next element and its key. Returns 0, or -1 at the end or with an exception. */
static int read_next(GroupBy *self) {
    PyObject *value = itertool_next(self->iterator);
    if (value == NULL) return -1;
    PyObject *key = self->function == Py_None ? Py_NewRef(value) : PyObject_CallOneArg(self->function, value);
    if (key == NULL) {
        Py_DECREF(value);
        return -1;
    }
    PyObject *old_value = self->current_value;
    self->current_value = value;
    Py_XSETREF(self->current_key, key);
    Py_XDECREF(old_value);
    return 0;
}

/* Compares two keys, which the comparison might release. Returns 1, 0 or -1. */
static int same_key(PyObject *left, PyObject *right) {
    Py_INCREF(left);
    Py_INCREF(right);
    int equal = PyObject_RichCompareBool(left, right, Py_EQ);
    Py_DECREF(left);
    Py_DECREF(right);
    return equal;
}

ITERTOOL_LIFE(groupby, 5, )

PyDoc_STRVAR(groupby_doc, "groupby(iterable, key=None)\n--\n\n"
                          "Give pairs of a key and an iterator over the successive elements that have it.\n\n"
                          "key computes an element's key; if it is None, the element is its own key.");

static PyObject *groupby_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"iterable", "key", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "groupby"};
    PyObject *given[2];
    if (itertool_unpack(args, kwargs, &parser, 1, 2, given, 2) < 0) return NULL;
    PyObject *iterator = PyObject_GetIter(given[0]);
    if (iterator == NULL) return NULL;
    return itertool_make(type, (PyObject *[]){iterator, Py_NewRef(given[1] != NULL ? given[1] : Py_None)}, 2);
}

static PyObject *make_grouper(PyTypeObject *type, GroupBy *parent, PyObject *key) {
    PyObject *self = itertool_make(type, (PyObject *[]){Py_NewRef(parent), Py_NewRef(key)}, 2);
    parent->group = self;
    return self;
}

static PyObject *groupby_next(PyObject *op) {
    GroupBy *self = (GroupBy *)op;
    self->group = NULL;
    /* Skip what is left of the last group. */
    for (;;) {
        if (self->current_key != NULL) {
            if (self->group_key == NULL) break;
            int equal = same_key(self->group_key, self->current_key);
            if (equal < 0) return NULL;
            if (equal == 0) break;
        }
        if (read_next(self) < 0) return NULL;
    }
    Py_XSETREF(self->group_key, Py_NewRef(self->current_key));
    PyObject *grouper = make_grouper(&kr_grouper_type, self, self->group_key);
    if (grouper == NULL) return NULL;
    PyObject *pair = PyTuple_Pack(2, self->current_key, grouper);
    Py_DECREF(grouper);
    return pair;
}

static PyObject *groupby_reduce(PyObject *op, PyObject *unused) {
    GroupBy *self = (GroupBy *)op;
    if (self->group_key == NULL || self->current_key == NULL || self->current_value == NULL)
        return Py_BuildValue("O(OO)", Py_TYPE(op), self->iterator, self->function);
    return Py_BuildValue("O(OO)(OOO)", Py_TYPE(op), self->iterator, self->function, self->current_value,
                         self->group_key, self->current_key);
}

static PyObject *groupby_setstate(PyObject *op, PyObject *state) {
    GroupBy *self = (GroupBy *)op;
    PyObject *value, *group_key, *key;
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "state is not a tuple");
        return NULL;
    }
    if (!PyArg_ParseTuple(state, "OOO", &value, &group_key, &key)) return NULL;
    Py_XSETREF(self->current_value, Py_NewRef(value));
    Py_XSETREF(self->group_key, Py_NewRef(group_key));
    Py_XSETREF(self->current_key, Py_NewRef(key));
    Py_RETURN_NONE;
}

static PyMethodDef groupby_methods[] = {
    {"__reduce__", groupby_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", groupby_setstate, METH_O, setstate_doc},
    {NULL},
};

PyTypeObject kr_groupby_type = {
    ITERTOOL_SLOTS(groupby, GroupBy),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = groupby_methods,
};

/* The iterator over one group */

ITERTOOL_LIFE(_grouper, 2, )

#define _grouper_doc NULL

static PyObject *_grouper_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *parent, *key;
    if (!_PyArg_NoKeywords("_grouper", kwargs) || !_PyArg_CheckPositional("_grouper", PyTuple_GET_SIZE(args), 2, 2))
        return NULL;
    parent = PyTuple_GET_ITEM(args, 0);
    key = PyTuple_GET_ITEM(args, 1);
    if (!PyObject_TypeCheck(parent, &kr_groupby_type)) {
        _PyArg_BadArgument("_grouper", "argument 1", kr_groupby_type.tp_name, parent);
        return NULL;
    }
    return make_grouper(type, (GroupBy *)parent, key);
}

static PyObject *_grouper_next(PyObject *op) {
    Grouper *self = (Grouper *)op;
    GroupBy *parent = (GroupBy *)self->parent;
    if (parent->group != self) return NULL;
    if (parent->current_value == NULL && read_next(parent) < 0) return NULL;
    if (same_key(self->key, parent->current_key) <= 0) return NULL;
    PyObject *value = parent->current_value;
    parent->current_value = NULL;
    Py_CLEAR(parent->current_key);
    return value;
}

static PyObject *_grouper_reduce(PyObject *op, PyObject *unused) {
    Grouper *self = (Grouper *)op;
    if (((GroupBy *)self->parent)->group != self) {
        return kr_iterator_reduce_rest(PyTuple_New(0));
    }
    return Py_BuildValue("O(OO)", Py_TYPE(op), self->parent, self->key);
}

static PyMethodDef grouper_methods[] = {{"__reduce__", _grouper_reduce, METH_NOARGS, reduce_doc}, {NULL}};

PyTypeObject kr_grouper_type = {
    ITERTOOL_SLOTS(_grouper, Grouper),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_methods = grouper_methods,
};
