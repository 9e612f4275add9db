/* slice: the bounds between the brackets. */
#include <Python.h>

#include "collector/collector.h"
#include "object/names.h"
#include "types/sequence.h"
#include "types/tuple.h"

#include <structmember.h>

/* Returns a new slice, taking the caller's references (released on error). */
static PyObject *slice_new_steal(PyObject *start, PyObject *stop, PyObject *step) {
    PySliceObject *self = kr_gc_alloc(sizeof(PySliceObject));
    if (self == NULL) {
        Py_DECREF(start);
        Py_DECREF(stop);
        Py_DECREF(step);
        return PyErr_NoMemory();
    }
    kr_header_init((PyObject *)self, &PySlice_Type);
    self->start = start;
    self->stop = stop;
    self->step = step;
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *PySlice_New(PyObject *start, PyObject *stop, PyObject *step) {
    return slice_new_steal(Py_NewRef(start != NULL ? start : Py_None), Py_NewRef(stop != NULL ? stop : Py_None),
                           Py_NewRef(step != NULL ? step : Py_None));
}

PyObject *_PySlice_FromIndices(Py_ssize_t start, Py_ssize_t stop) {
    PyObject *first = PyLong_FromSsize_t(start), *last = PyLong_FromSsize_t(stop);
    if (first == NULL || last == NULL) {
        Py_XDECREF(first);
        Py_XDECREF(last);
        return NULL;
    }
    return slice_new_steal(first, last, Py_NewRef(Py_None));
}

/* Reads the bounds, as far as they fit Py_ssize_t; omitted ones become the ends in the direction of the step. */
int PySlice_Unpack(PyObject *object, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t *step) {
    PySliceObject *self = (PySliceObject *)object;
    *step = 1;
    if (self->step != Py_None) {
        if (!_PyEval_SliceIndex(self->step, step)) return -1;
        if (*step == 0) {
            PyErr_SetString(PyExc_ValueError, "slice step cannot be zero");
            return -1;
        }
        if (*step < -PY_SSIZE_T_MAX) *step = -PY_SSIZE_T_MAX; /* so that -step is valid */
    }
    *start = *step < 0 ? PY_SSIZE_T_MAX : 0;
    if (self->start != Py_None && !_PyEval_SliceIndex(self->start, start)) return -1;
    *stop = *step < 0 ? PY_SSIZE_T_MIN : PY_SSIZE_T_MAX;
    if (self->stop != Py_None && !_PyEval_SliceIndex(self->stop, stop)) return -1;
    return 0;
}

/* Clips the bounds to a sequence's length; returns the number of items between them. */
Py_ssize_t PySlice_AdjustIndices(Py_ssize_t length, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t step) {
    Py_ssize_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? length - 1 : length;
    Py_ssize_t *bounds[2] = {start, stop};
    for (int i = 0; i < 2; i++) {
        if (*bounds[i] < 0) {
            *bounds[i] += length;
            if (*bounds[i] < 0) *bounds[i] = lowest;
        } else if (*bounds[i] >= length) {
            *bounds[i] = highest;
        }
    }
    if (step < 0) return *stop < *start ? (*start - *stop - 1) / -step + 1 : 0;
    return *start < *stop ? (*stop - *start - 1) / step + 1 : 0;
}

int PySlice_GetIndices(PyObject *object, Py_ssize_t length, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t *step) {
    PySliceObject *self = (PySliceObject *)object;
    *step = 1;
    if (self->step != Py_None) {
        if (!PyLong_Check(self->step)) return -1;
        *step = PyLong_AsSsize_t(self->step);
    }
    *start = *step < 0 ? length - 1 : 0;
    if (self->start != Py_None) {
        if (!PyLong_Check(self->start)) return -1;
        *start = PyLong_AsSsize_t(self->start);
        if (*start < 0) *start += length;
    }
    *stop = *step < 0 ? -1 : length;
    if (self->stop != Py_None) {
        if (!PyLong_Check(self->stop)) return -1;
        *stop = PyLong_AsSsize_t(self->stop);
        if (*stop < 0) *stop += length;
    }
    return *stop > length || *start >= length || *step == 0 ? -1 : 0;
}

#undef PySlice_GetIndicesEx
int PySlice_GetIndicesEx(PyObject *object, Py_ssize_t length, Py_ssize_t *start, Py_ssize_t *stop, Py_ssize_t *step,
                         Py_ssize_t *slicelength) {
    *slicelength = 0;
    if (PySlice_Unpack(object, start, stop, step) < 0) return -1;
    *slicelength = PySlice_AdjustIndices(length, start, stop, *step);
    return 0;
}

static PyObject *bound_value(PyObject *bound) {
    if (kr_is_index(bound)) return PyNumber_Index(bound);
    PyErr_SetString(PyExc_TypeError, "slice indices must be integers or None or have an __index__ method");
    return NULL;
}

/* Returns a bound as an int between `lowest` and `highest`, counted from the end if it is negative. */
static PyObject *bound_clipped(PyObject *bound, PyObject *length, PyObject *lowest, PyObject *highest) {
    PyObject *value = bound_value(bound);
    if (value == NULL) return NULL;
    if (_PyLong_Sign(value) < 0) {
        Py_SETREF(value, PyNumber_Add(value, length));
        if (value == NULL) return NULL;
        int less = PyObject_RichCompareBool(value, lowest, Py_LT);
        if (less < 0) Py_CLEAR(value);
        if (less > 0) Py_SETREF(value, Py_NewRef(lowest));
    } else {
        int greater = PyObject_RichCompareBool(value, highest, Py_GT);
        if (greater < 0) Py_CLEAR(value);
        if (greater > 0) Py_SETREF(value, Py_NewRef(highest));
    }
    return value;
}

/* Computes the bounds, of any size, for a sequence of `length` (an int that is not negative). Returns 0 and three new
 * references, or -1. */
int _PySlice_GetLongIndices(PySliceObject *self, PyObject *length, PyObject **start, PyObject **stop, PyObject **step) {
    PyObject *lowest = NULL, *highest = NULL;
    *start = *stop = NULL;
    *step = self->step == Py_None ? PyLong_FromLong(1) : bound_value(self->step);
    if (*step == NULL) goto error;
    int sign = _PyLong_Sign(*step);
    if (sign == 0) {
        PyErr_SetString(PyExc_ValueError, "slice step cannot be zero");
        goto error;
    }
    lowest = PyLong_FromLong(sign < 0 ? -1 : 0);
    if (lowest == NULL) goto error;
    highest = sign < 0 ? PyNumber_Add(length, lowest) : Py_NewRef(length);
    if (highest == NULL) goto error;
    *start = self->start == Py_None ? Py_NewRef(sign < 0 ? highest : lowest)
                                    : bound_clipped(self->start, length, lowest, highest);
    if (*start == NULL) goto error;
    *stop = self->stop == Py_None ? Py_NewRef(sign < 0 ? lowest : highest)
                                  : bound_clipped(self->stop, length, lowest, highest);
    if (*stop == NULL) goto error;
    Py_DECREF(lowest);
    Py_DECREF(highest);
    return 0;

error:
    Py_XDECREF(lowest);
    Py_XDECREF(highest);
    Py_CLEAR(*start);
    Py_CLEAR(*stop);
    Py_CLEAR(*step);
    return -1;
}

static PyObject *slice_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *start = NULL, *stop = NULL, *step = NULL;
    if (!_PyArg_NoKeywords("slice", kwargs)) return NULL;
    if (!PyArg_UnpackTuple(args, "slice", 1, 3, &start, &stop, &step)) return NULL;
    return PyTuple_GET_SIZE(args) == 1 ? PySlice_New(NULL, start, NULL) : PySlice_New(start, stop, step);
}

static void slice_dealloc(PySliceObject *self) {
    kr_gc_untrack(self);
    Py_DECREF(self->step);
    Py_DECREF(self->start);
    Py_DECREF(self->stop);
    kr_gc_free(self);
}

static int slice_traverse(PySliceObject *self, visitproc visit, void *arg) {
    Py_VISIT(self->start);
    Py_VISIT(self->stop);
    Py_VISIT(self->step);
    return 0;
}

static PyObject *slice_repr(PySliceObject *self) {
    return PyUnicode_FromFormat("slice(%R, %R, %R)", self->start, self->stop, self->step);
}

/* Slices compare as the tuples of their bounds. */
static PyObject *slice_richcompare(PyObject *a, PyObject *b, int op) {
    if (!PySlice_Check(a) || !PySlice_Check(b)) Py_RETURN_NOTIMPLEMENTED;
    if (a == b) return PyBool_FromLong(op == Py_EQ || op == Py_LE || op == Py_GE);
    PySliceObject *left = (PySliceObject *)a, *right = (PySliceObject *)b;
    PyObject *x = PyTuple_Pack(3, left->start, left->stop, left->step), *result = NULL;
    PyObject *y = PyTuple_Pack(3, right->start, right->stop, right->step);
    if (x != NULL && y != NULL) result = PyObject_RichCompare(x, y, op);
    Py_XDECREF(x);
    Py_XDECREF(y);
    return result;
}

static PyObject *slice_indices(PySliceObject *self, PyObject *length) {
    length = PyNumber_Index(length);
    if (length == NULL) return NULL;
    if (_PyLong_Sign(length) < 0) {
        PyErr_SetString(PyExc_ValueError, "length should not be negative");
        Py_DECREF(length);
        return NULL;
    }
    PyObject *bounds[3];
    int result = _PySlice_GetLongIndices(self, length, &bounds[0], &bounds[1], &bounds[2]);
    Py_DECREF(length);
    return result < 0 ? NULL : kr_tuple_from_array_steal(bounds, 3);
}

static PyObject *slice_reduce(PySliceObject *self, PyObject *unused) {
    return Py_BuildValue("O(OOO)", Py_TYPE(self), self->start, self->stop, self->step);
}

static PyMethodDef slice_methods[] = {
    {"indices", (PyCFunction)slice_indices, METH_O,
     "S.indices(len) -> (start, stop, stride)\n\n"
     "Bounds that this slice has for a sequence of length len, clipped to the sequence."},
    {"__reduce__", (PyCFunction)slice_reduce, METH_NOARGS, "State for pickling."},
    {NULL},
};

static PyMemberDef slice_members[] = {
    {"start", T_OBJECT, offsetof(PySliceObject, start), READONLY},
    {"stop", T_OBJECT, offsetof(PySliceObject, stop), READONLY},
    {"step", T_OBJECT, offsetof(PySliceObject, step), READONLY},
    {NULL},
};

PyTypeObject PySlice_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "slice",
    .tp_basicsize = sizeof(PySliceObject),
    .tp_dealloc = (destructor)slice_dealloc,
    .tp_repr = (reprfunc)slice_repr,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "slice(stop)\nslice(start, stop[, step])\n\nBounds for taking items out of a sequence, as in a[0:10:2].",
    .tp_traverse = (traverseproc)slice_traverse,
    .tp_richcompare = slice_richcompare,
    .tp_methods = slice_methods,
    .tp_members = slice_members,
    .tp_new = slice_new,
};
