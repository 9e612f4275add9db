/* itertools.tee: several iterators over the elements of one.
 *
 * The elements that were read lie in a linked list of blocks. Each tee iterator has a place in that list and keeps the
 * blocks from there on alive; whoever comes to the end first reads from the common input.
 */
#include <Python.h>

#include "modules/itertools/itertools.h"
#include "object/names.h"

#include <stddef.h>

enum { BLOCK_ELEMENTS = 57 };

typedef struct TeeData {
    PyObject_HEAD
    PyObject *iterator;
    struct TeeData *next; /* NULL if no later element was read */
    int count;            /* elements read into this block */
    int reading;          /* the input is running */
    PyObject *elements[BLOCK_ELEMENTS];
} TeeData;

typedef struct {
    PyObject_HEAD
    PyObject *data; /* the block */
    int index;      /* of the next element in it */
    PyObject *weak_references;
} Tee;

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the iterator.");
PyDoc_STRVAR(setstate_doc, "Take over a state that __reduce__ gave.");

/* Blocks */

/* Makes an empty block that reads from an iterator; takes a reference of its own. */
static TeeData *make_data(PyObject *iterator) {
    TeeData *self = (TeeData *)PyType_GenericAlloc(&kr_tee_data_type, 0);
    if (self != NULL) self->iterator = Py_NewRef(iterator);
    return self;
}

/* The element at an index, read now if it is the next one. Returns a new reference, or NULL. */
static PyObject *data_element(TeeData *self, int index) {
    if (index < self->count) return Py_NewRef(self->elements[index]);
    if (self->reading) {
        PyErr_SetString(PyExc_RuntimeError, "cannot re-enter the tee iterator");
        return NULL;
    }
    self->reading = 1;
    PyObject *element = itertool_next(self->iterator);
    self->reading = 0;
    if (element == NULL) return NULL;
    self->elements[self->count++] = element;
    return Py_NewRef(element);
}

/* The block after this one. Returns a new reference, or NULL with an exception. */
static TeeData *data_next(TeeData *self) {
    if (self->next == NULL) self->next = make_data(self->iterator);
    return (TeeData *)Py_XNewRef(self->next);
}

static int data_traverse(PyObject *op, visitproc visit, void *arg) {
    TeeData *self = (TeeData *)op;
    Py_VISIT(self->iterator);
    for (int i = 0; i < self->count; i++) Py_VISIT(self->elements[i]);
    Py_VISIT(self->next);
    return 0;
}

static int data_clear(PyObject *op) {
    TeeData *self = (TeeData *)op;
    Py_CLEAR(self->iterator);
    int count = self->count;
    self->count = 0;
    for (int i = 0; i < count; i++) Py_CLEAR(self->elements[i]);
    /* A long list of blocks is released one by one, not by recursion. */
    TeeData *next = self->next;
    self->next = NULL;
    while (next != NULL && Py_REFCNT(next) == 1) {
        TeeData *after = next->next;
        next->next = NULL;
        Py_SETREF(next, after);
    }
    Py_XDECREF(next);
    return 0;
}

static void data_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    data_clear(op);
    PyObject_GC_Del(op);
}

static PyObject *data_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (!_PyArg_NoKeywords("teedataobject", kwargs) ||
        !_PyArg_CheckPositional("teedataobject", PyTuple_GET_SIZE(args), 3, 3))
        return NULL;
    PyObject *iterator = PyTuple_GET_ITEM(args, 0), *elements = PyTuple_GET_ITEM(args, 1),
             *next = PyTuple_GET_ITEM(args, 2);
    if (!PyList_Check(elements)) {
        _PyArg_BadArgument("teedataobject", "argument 2", "list", elements);
        return NULL;
    }
    TeeData *self = make_data(iterator);
    if (self == NULL) return NULL;
    Py_ssize_t count = PyList_GET_SIZE(elements);
    if (count > BLOCK_ELEMENTS) goto invalid;
    for (; self->count < count; self->count++)
        self->elements[self->count] = Py_NewRef(PyList_GET_ITEM(elements, self->count));
    if (count == BLOCK_ELEMENTS) {
        if (next != Py_None && !Py_IS_TYPE(next, &kr_tee_data_type)) goto invalid;
        if (next != Py_None) self->next = (TeeData *)Py_NewRef(next);
    } else if (next != Py_None) {
        goto invalid;
    }
    return (PyObject *)self;
invalid:
    Py_DECREF(self);
    PyErr_SetString(PyExc_ValueError, "Invalid arguments");
    return NULL;
}

static PyObject *data_reduce(PyObject *op, PyObject *unused) {
    TeeData *self = (TeeData *)op;
    PyObject *elements = PyList_New(self->count);
    if (elements == NULL) return NULL;
    for (int i = 0; i < self->count; i++) PyList_SET_ITEM(elements, i, Py_NewRef(self->elements[i]));
    return Py_BuildValue("O(ONO)", Py_TYPE(op), self->iterator, elements, self->next != NULL ? (PyObject *)self->next : Py_None);
}

static PyMethodDef data_methods[] = {{"__reduce__", data_reduce, METH_NOARGS, reduce_doc}, {NULL}};

PyDoc_STRVAR(data_doc, "teedataobject(iterable, values, next, /)\n--\n\nA block of elements that tee iterators share.");

PyTypeObject kr_tee_data_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "itertools._tee_dataobject",
    .tp_basicsize = sizeof(TeeData),
    .tp_dealloc = data_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = data_doc,
    .tp_traverse = data_traverse,
    .tp_clear = data_clear,
    .tp_methods = data_methods,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = data_new,
    .tp_free = PyObject_GC_Del,
};

/* Iterators */

static PyObject *make_tee(TeeData *data, int index) {
    Tee *self = (Tee *)PyType_GenericAlloc(&kr_tee_type, 0);
    if (self == NULL) {
        Py_DECREF(data);
        return NULL;
    }
    self->data = (PyObject *)data;
    self->index = index;
    return (PyObject *)self;
}

ITERTOOL_LIFE(_tee, 1, if (((Tee *)op)->weak_references != NULL) PyObject_ClearWeakRefs(op))

static PyObject *_tee_next(PyObject *op) {
    Tee *self = (Tee *)op;
    if (self->index >= BLOCK_ELEMENTS) {
        TeeData *next = data_next((TeeData *)self->data);
        if (next == NULL) return NULL;
        Py_SETREF(self->data, (PyObject *)next);
        self->index = 0;
    }
    PyObject *element = data_element((TeeData *)self->data, self->index);
    if (element != NULL) self->index++;
    return element;
}

PyDoc_STRVAR(copy_doc, "Return an independent iterator at the same place.");

static PyObject *tee_copy(PyObject *op, PyObject *unused) {
    Tee *self = (Tee *)op;
    return make_tee((TeeData *)Py_NewRef(self->data), self->index);
}

static PyObject *tee_from_iterable(PyObject *iterable) {
    PyObject *iterator = PyObject_GetIter(iterable), *tee = NULL;
    if (iterator == NULL) return NULL;
    if (PyObject_TypeCheck(iterator, &kr_tee_type)) {
        tee = tee_copy(iterator, NULL);
    } else {
        TeeData *data = make_data(iterator);
        if (data != NULL) tee = make_tee(data, 0);
    }
    Py_DECREF(iterator);
    return tee;
}

static PyObject *_tee_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (!_PyArg_NoKeywords("_tee", kwargs) || !_PyArg_CheckPositional("_tee", PyTuple_GET_SIZE(args), 1, 1)) return NULL;
    return tee_from_iterable(PyTuple_GET_ITEM(args, 0));
}

static PyObject *tee_reduce(PyObject *op, PyObject *unused) {
    Tee *self = (Tee *)op;
    return Py_BuildValue("O(())(Oi)", Py_TYPE(op), self->data, self->index);
}

static PyObject *tee_setstate(PyObject *op, PyObject *state) {
    Tee *self = (Tee *)op;
    PyObject *data;
    int index;
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "state is not a tuple");
        return NULL;
    }
    if (!PyArg_ParseTuple(state, "O!i", &kr_tee_data_type, &data, &index)) return NULL;
    if (index < 0 || index > BLOCK_ELEMENTS) {
        PyErr_SetString(PyExc_ValueError, "Index out of range");
        return NULL;
    }
    /* Places up to the index must have been read, or the next one could not be. */
    if (index > ((TeeData *)data)->count) index = ((TeeData *)data)->count;
    Py_XSETREF(self->data, Py_NewRef(data));
    self->index = index;
    Py_RETURN_NONE;
}

static PyMethodDef tee_methods[] = {
    {"__copy__", tee_copy, METH_NOARGS, copy_doc},
    {"__reduce__", tee_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", tee_setstate, METH_O, setstate_doc},
    {NULL},
};

PyDoc_STRVAR(_tee_doc, "_tee(iterable, /)\n--\n\nAn iterator that can be copied at its place.");

PyTypeObject kr_tee_type = {
    ITERTOOL_SLOTS(_tee, Tee),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_weaklistoffset = offsetof(Tee, weak_references),
    .tp_methods = tee_methods,
};

/* The function */

PyDoc_STRVAR(tee_doc, "tee($module, iterable, n=2, /)\n--\n\nReturn a tuple of n independent iterators over one iterable.");

static PyObject *tee(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t count = 2;
    if (!_PyArg_CheckPositional("tee", nargs, 1, 2)) return NULL;
    if (nargs == 2 && kr_ssize_argument(args[1], &count) < 0) return NULL;
    if (count < 0) {
        PyErr_SetString(PyExc_ValueError, "n must be >= 0");
        return NULL;
    }
    PyObject *result = PyTuple_New(count);
    if (result == NULL || count == 0) return result;
    /* An iterator that can be copied is used as it is. */
    PyObject *iterator = PyObject_GetIter(args[0]), *copy = NULL;
    if (iterator == NULL || _PyObject_LookupAttr(iterator, KR_NAME(__copy__), &copy) < 0) goto failed;
    if (copy == NULL) {
        Py_SETREF(iterator, tee_from_iterable(iterator));
        if (iterator == NULL) goto failed;
        copy = PyObject_GetAttr(iterator, KR_NAME(__copy__));
        if (copy == NULL) goto failed;
    }
    PyTuple_SET_ITEM(result, 0, iterator);
    for (Py_ssize_t i = 1; i < count; i++) {
        PyObject *other = PyObject_CallNoArgs(copy);
        if (other == NULL) {
            Py_DECREF(copy);
            Py_DECREF(result);
            return NULL;
        }
        PyTuple_SET_ITEM(result, i, other);
    }
    Py_DECREF(copy);
    return result;
failed:
    Py_XDECREF(iterator);
    Py_DECREF(result);
    return NULL;
}

PyMethodDef kr_tee_function = {"tee", FASTCALL(tee), METH_FASTCALL, tee_doc};
