/* range: arithmetic progressions of ints, and the iterators over them. */
#include <Python.h>

#include "collector/collector.h"
#include "object/names.h"
#include "object/runtime.h"
#include "types/range.h"
#include "types/sequence.h"

#include <structmember.h>

#define ZERO kr_small_int(0)
#define ONE kr_small_int(1)

/* Reads an exact int that fits a C long. Returns 0 if it does not. */
static inline int as_long(PyObject *object, long *value) {
    int overflow;
    *value = PyLong_AsLongAndOverflow(object, &overflow);
    return overflow == 0;
}

/* Returns the number of items from `start` up or down to, not including, `stop`. */
static unsigned long long_length(long start, long stop, long step) {
    if (step > 0) return start < stop ? 1 + ((unsigned long)stop - 1 - (unsigned long)start) / (unsigned long)step : 0;
    return start > stop ? 1 + ((unsigned long)start - 1 - (unsigned long)stop) / (0 - (unsigned long)step) : 0;
}

/* The same as a new int, for any bounds. */
static PyObject *compute_length(PyObject *start, PyObject *stop, PyObject *step) {
    long first, last, stride;
    if (as_long(start, &first) && as_long(stop, &last) && as_long(step, &stride))
        return PyLong_FromUnsignedLong(long_length(first, last, stride));

    int up = _PyLong_Sign(step) > 0;
    PyObject *low = up ? start : stop, *high = up ? stop : start;
    int some = PyObject_RichCompareBool(low, high, Py_LT);
    if (some <= 0) return some < 0 ? NULL : PyLong_FromLong(0);
    PyObject *stride_size = PyNumber_Absolute(step), *result = NULL;
    PyObject *span = PyNumber_Subtract(high, low);
    if (span != NULL) Py_SETREF(span, PyNumber_Subtract(span, ONE));
    if (span != NULL && stride_size != NULL) result = PyNumber_FloorDivide(span, stride_size);
    if (result != NULL) Py_SETREF(result, PyNumber_Add(result, ONE));
    Py_XDECREF(stride_size);
    Py_XDECREF(span);
    return result;
}

/* Returns a new range, taking the caller's references to the bounds (released on error). */
static PyObject *range_make(PyObject *start, PyObject *stop, PyObject *step) {
    KrRange *self = NULL;
    PyObject *length = compute_length(start, stop, step);
    if (length != NULL) self = PyObject_New(KrRange, &PyRange_Type);
    if (self == NULL) {
        Py_XDECREF(length);
        Py_DECREF(start);
        Py_DECREF(stop);
        Py_DECREF(step);
        return NULL;
    }
    self->start = start;
    self->stop = stop;
    self->step = step;
    self->length = length;
    return (PyObject *)self;
}

static PyObject *range_from_array(PyTypeObject *type, PyObject *const *args, Py_ssize_t count) {
    if (count < 1 || count > 3) {
        PyErr_Format(PyExc_TypeError, "range expected at %s %d argument%s, got %zd", count < 1 ? "least" : "most",
                     count < 1 ? 1 : 3, count < 1 ? "" : "s", count);
        return NULL;
    }
    PyObject *start = NULL, *stop = NULL, *step = NULL;
    if (count == 1) {
        start = Py_NewRef(ZERO);
        stop = PyNumber_Index(args[0]);
        if (stop == NULL) goto error;
        step = Py_NewRef(ONE);
    } else {
        start = PyNumber_Index(args[0]);
        if (start == NULL) goto error;
        stop = PyNumber_Index(args[1]);
        if (stop == NULL) goto error;
        step = count < 3 ? Py_NewRef(ONE) : PyNumber_Index(args[2]);
        if (step == NULL) goto error;
        if (_PyLong_Sign(step) == 0) {
            PyErr_SetString(PyExc_ValueError, "range() arg 3 must not be zero");
            goto error;
        }
    }
    return range_make(start, stop, step);

error:
    Py_XDECREF(start);
    Py_XDECREF(stop);
    Py_XDECREF(step);
    return NULL;
}

static PyObject *range_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (!_PyArg_NoKeywords("range", kwargs)) return NULL;
    return range_from_array(type, &PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args));
}

static PyObject *range_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (!_PyArg_NoKwnames("range", kwnames)) return NULL;
    return range_from_array((PyTypeObject *)type, args, PyVectorcall_NARGS(nargsf));
}

static void range_dealloc(KrRange *self) {
    Py_DECREF(self->start);
    Py_DECREF(self->stop);
    Py_DECREF(self->step);
    Py_DECREF(self->length);
    PyObject_Free(self);
}

static PyObject *range_repr(KrRange *self) {
    if (self->step == ONE) return PyUnicode_FromFormat("range(%R, %R)", self->start, self->stop);
    return PyUnicode_FromFormat("range(%R, %R, %R)", self->start, self->stop, self->step);
}

static Py_ssize_t range_length(KrRange *self) { return PyLong_AsSsize_t(self->length); }

static int range_bool(KrRange *self) { return _PyLong_Sign(self->length) != 0; }

/* Returns the item at an index that need not be below the length, nor positive. */
static PyObject *item_at(KrRange *self, PyObject *index) {
    long start, step, i, product, sum;
    if (as_long(self->start, &start) && as_long(self->step, &step) && as_long(index, &i) &&
        !__builtin_mul_overflow(step, i, &product) && !__builtin_add_overflow(start, product, &sum))
        return PyLong_FromLong(sum);
    PyObject *offset = PyNumber_Multiply(index, self->step);
    if (offset == NULL) return NULL;
    PyObject *item = PyNumber_Add(self->start, offset);
    Py_DECREF(offset);
    return item;
}

static PyObject *index_error(void) {
    PyErr_SetString(PyExc_IndexError, "range object index out of range");
    return NULL;
}

/* Returns the item at an int index, which counts from the end if it is negative. */
static PyObject *checked_item(KrRange *self, PyObject *index) {
    PyObject *place = _PyLong_Sign(index) < 0 ? PyNumber_Add(self->length, index) : Py_NewRef(index);
    if (place == NULL) return NULL;
    PyObject *item = NULL;
    int outside = _PyLong_Sign(place) < 0 ? 1 : PyObject_RichCompareBool(place, self->length, Py_GE);
    if (outside > 0)
        index_error();
    else if (outside == 0)
        item = item_at(self, place);
    Py_DECREF(place);
    return item;
}

static PyObject *range_item(KrRange *self, Py_ssize_t i) {
    PyObject *index = PyLong_FromSsize_t(i), *item;
    if (index == NULL) return NULL;
    int outside = i < 0 ? 1 : PyObject_RichCompareBool(index, self->length, Py_GE);
    item = outside == 0 ? item_at(self, index) : outside > 0 ? index_error() : NULL;
    Py_DECREF(index);
    return item;
}

static PyObject *range_slice(KrRange *self, PyObject *slice) {
    PyObject *start, *stop, *step;
    if (_PySlice_GetLongIndices((PySliceObject *)slice, self->length, &start, &stop, &step) < 0) return NULL;
    Py_SETREF(step, PyNumber_Multiply(step, self->step));
    Py_SETREF(start, item_at(self, start));
    Py_SETREF(stop, item_at(self, stop));
    if (start != NULL && stop != NULL && step != NULL) return range_make(start, stop, step);
    Py_XDECREF(start);
    Py_XDECREF(stop);
    Py_XDECREF(step);
    return NULL;
}

static PyObject *range_subscript(KrRange *self, PyObject *key) {
    if (kr_is_index(key)) {
        PyObject *index = PyNumber_Index(key);
        if (index == NULL) return NULL;
        PyObject *item = checked_item(self, index);
        Py_DECREF(index);
        return item;
    }
    if (PySlice_Check(key)) return range_slice(self, key);
    PyErr_Format(PyExc_TypeError, "range indices must be integers or slices, not %.200s", Py_TYPE(key)->tp_name);
    return NULL;
}

static inline int is_int(PyObject *object) { return PyLong_CheckExact(object) || PyBool_Check(object); }

/* Returns 1 if an int is among the items, 0 if not, -1 on error. */
static int contains_int(KrRange *self, PyObject *value) {
    long start, stop, step, number;
    if (as_long(self->start, &start) && as_long(self->stop, &stop) && as_long(self->step, &step)) {
        if (!as_long(value, &number)) return 0;
        if (step > 0 ? number < start || number >= stop : number > start || number <= stop) return 0;
        return step > 0 ? ((unsigned long)number - (unsigned long)start) % (unsigned long)step == 0
                        : ((unsigned long)start - (unsigned long)number) % (0 - (unsigned long)step) == 0;
    }
    int up = _PyLong_Sign(self->step) > 0;
    int result = PyObject_RichCompareBool(value, self->start, up ? Py_GE : Py_LE);
    if (result > 0) result = PyObject_RichCompareBool(value, self->stop, up ? Py_LT : Py_GT);
    if (result <= 0) return result;
    PyObject *distance = PyNumber_Subtract(value, self->start);
    if (distance != NULL) Py_SETREF(distance, PyNumber_Remainder(distance, self->step));
    if (distance == NULL) return -1;
    result = _PyLong_Sign(distance) == 0;
    Py_DECREF(distance);
    return result;
}

static int range_contains(KrRange *self, PyObject *value) {
    if (is_int(value)) return contains_int(self, value);
    return (int)_PySequence_IterSearch((PyObject *)self, value, PY_ITERSEARCH_CONTAINS);
}

static PyObject *range_count(KrRange *self, PyObject *value) {
    if (is_int(value)) {
        int found = contains_int(self, value);
        return found < 0 ? NULL : PyLong_FromLong(found);
    }
    Py_ssize_t count = _PySequence_IterSearch((PyObject *)self, value, PY_ITERSEARCH_COUNT);
    return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static PyObject *range_index(KrRange *self, PyObject *value) {
    if (!is_int(value)) {
        Py_ssize_t index = _PySequence_IterSearch((PyObject *)self, value, PY_ITERSEARCH_INDEX);
        return index < 0 ? NULL : PyLong_FromSsize_t(index);
    }
    int found = contains_int(self, value);
    if (found < 0) return NULL;
    if (!found) {
        PyErr_Format(PyExc_ValueError, "%R is not in range", value);
        return NULL;
    }
    PyObject *distance = PyNumber_Subtract(value, self->start);
    if (distance == NULL) return NULL;
    PyObject *index = PyNumber_FloorDivide(distance, self->step);
    Py_DECREF(distance);
    return index;
}

/* Ranges are equal if they have the same items: bounds that no item shows do not count. */
static int ranges_equal(KrRange *a, KrRange *b) {
    if (a == b) return 1;
    int equal = PyObject_RichCompareBool(a->length, b->length, Py_EQ);
    if (equal <= 0 || _PyLong_Sign(a->length) == 0) return equal;
    equal = PyObject_RichCompareBool(a->start, b->start, Py_EQ);
    if (equal <= 0) return equal;
    int single = PyObject_RichCompareBool(a->length, ONE, Py_EQ);
    if (single != 0) return single;
    return PyObject_RichCompareBool(a->step, b->step, Py_EQ);
}

static PyObject *range_richcompare(PyObject *a, PyObject *b, int op) {
    if (!PyRange_Check(b) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
    int equal = ranges_equal((KrRange *)a, (KrRange *)b);
    return equal < 0 ? NULL : PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t range_hash(KrRange *self) {
    int single = PyObject_RichCompareBool(self->length, ONE, Py_EQ);
    if (single < 0) return -1;
    int empty = _PyLong_Sign(self->length) == 0;
    PyObject *shown = PyTuple_Pack(3, self->length, empty ? Py_None : self->start, empty || single ? Py_None : self->step);
    if (shown == NULL) return -1;
    Py_hash_t hash = PyObject_Hash(shown);
    Py_DECREF(shown);
    return hash;
}

static PyObject *range_reduce(KrRange *self, PyObject *unused) {
    return Py_BuildValue("O(OOO)", Py_TYPE(self), self->start, self->stop, self->step);
}

/* The iterator over C longs. */

static PyObject *small_iterator(long start, long step, unsigned long length) {
    KrRangeIterator *self = kr_heap_alloc(sizeof(KrRangeIterator));
    if (self == NULL) return PyErr_NoMemory();
    kr_header_init((PyObject *)self, &PyRangeIter_Type);
    self->next = start;
    self->step = step;
    self->remaining = self->length = (long)length;
    return (PyObject *)self;
}

static void small_dealloc(PyObject *self) { kr_heap_free(self); }

static PyObject *small_next(KrRangeIterator *self) {
    if (self->remaining <= 0) return NULL;
    long item = self->next;
    self->next = (long)((unsigned long)item + (unsigned long)self->step);
    self->remaining--;
    return PyLong_FromLong(item);
}

static PyObject *small_length_hint(KrRangeIterator *self, PyObject *unused) { return PyLong_FromLong(self->remaining); }

static PyObject *small_reduce(KrRangeIterator *self, PyObject *unused) {
    long index = self->length - self->remaining;
    unsigned long first = (unsigned long)self->next - (unsigned long)index * (unsigned long)self->step;
    unsigned long end = first + (unsigned long)self->length * (unsigned long)self->step;
    PyObject *start = PyLong_FromLong((long)first), *stop = PyLong_FromLong((long)end);
    PyObject *step = PyLong_FromLong(self->step);
    if (start == NULL || stop == NULL || step == NULL) {
        Py_XDECREF(start);
        Py_XDECREF(stop);
        Py_XDECREF(step);
        return NULL;
    }
    PyObject *range = range_make(start, stop, step);
    if (range == NULL) return NULL;
    return Py_BuildValue("N(N)l", _PyEval_GetBuiltin(KR_NAME(iter)), range, index);
}

static PyObject *small_setstate(KrRangeIterator *self, PyObject *state) {
    long index = PyLong_AsLong(state);
    if (index == -1 && PyErr_Occurred()) return NULL;
    if (index < 0) index = 0;
    if (index > self->length) index = self->length;
    unsigned long moved = (unsigned long)index - (unsigned long)(self->length - self->remaining);
    self->next = (long)((unsigned long)self->next + moved * (unsigned long)self->step);
    self->remaining = self->length - index;
    Py_RETURN_NONE;
}

static PyMethodDef small_methods[] = {
    {"__length_hint__", (PyCFunction)small_length_hint, METH_NOARGS, "Number of items that are left."},
    {"__reduce__", (PyCFunction)small_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)small_setstate, METH_O, "Restore the position from pickling."},
    {NULL},
};

PyTypeObject PyRangeIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "range_iterator",
    .tp_basicsize = sizeof(KrRangeIterator),
    .tp_dealloc = small_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)small_next,
    .tp_methods = small_methods,
};

/* The iterator over ints of any size. */

typedef struct {
    PyObject_HEAD
    PyObject *index;
    PyObject *start;
    PyObject *step;
    PyObject *length;
} BigIterator;

/* Takes the caller's references to start and step (released on error). */
static PyObject *big_iterator(PyObject *start, PyObject *step, PyObject *length) {
    BigIterator *self = start == NULL || step == NULL ? NULL : PyObject_New(BigIterator, &PyLongRangeIter_Type);
    if (self == NULL) {
        Py_XDECREF(start);
        Py_XDECREF(step);
        return NULL;
    }
    self->index = Py_NewRef(ZERO);
    self->start = start;
    self->step = step;
    self->length = Py_NewRef(length);
    return (PyObject *)self;
}

static void big_dealloc(BigIterator *self) {
    Py_DECREF(self->index);
    Py_DECREF(self->start);
    Py_DECREF(self->step);
    Py_DECREF(self->length);
    PyObject_Free(self);
}

static PyObject *big_next(BigIterator *self) {
    if (PyObject_RichCompareBool(self->index, self->length, Py_LT) != 1) return NULL;
    PyObject *following = PyNumber_Add(self->index, ONE), *item = NULL;
    if (following == NULL) return NULL;
    PyObject *offset = PyNumber_Multiply(self->index, self->step);
    if (offset != NULL) item = PyNumber_Add(self->start, offset);
    Py_XDECREF(offset);
    if (item == NULL)
        Py_DECREF(following);
    else
        Py_SETREF(self->index, following);
    return item;
}

static PyObject *big_length_hint(BigIterator *self, PyObject *unused) {
    return PyNumber_Subtract(self->length, self->index);
}

static PyObject *big_reduce(BigIterator *self, PyObject *unused) {
    PyObject *span = PyNumber_Multiply(self->length, self->step), *stop = NULL, *range;
    if (span != NULL) stop = PyNumber_Add(self->start, span);
    Py_XDECREF(span);
    if (stop == NULL) return NULL;
    range = range_make(Py_NewRef(self->start), stop, Py_NewRef(self->step));
    if (range == NULL) return NULL;
    return Py_BuildValue("N(N)O", _PyEval_GetBuiltin(KR_NAME(iter)), range, self->index);
}

static PyObject *big_setstate(BigIterator *self, PyObject *index) {
    int before = PyObject_RichCompareBool(index, ZERO, Py_LT);
    int beyond = before < 0 ? -1 : PyObject_RichCompareBool(index, self->length, Py_GT);
    if (beyond < 0) return NULL;
    Py_SETREF(self->index, Py_NewRef(before ? ZERO : beyond ? self->length : index));
    Py_RETURN_NONE;
}

static PyMethodDef big_methods[] = {
    {"__length_hint__", (PyCFunction)big_length_hint, METH_NOARGS, "Number of items that are left."},
    {"__reduce__", (PyCFunction)big_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)big_setstate, METH_O, "Restore the position from pickling."},
    {NULL},
};

PyTypeObject PyLongRangeIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "longrange_iterator",
    .tp_basicsize = sizeof(BigIterator),
    .tp_dealloc = (destructor)big_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)big_next,
    .tp_methods = big_methods,
};

/* True if all items of start..stop, and the bounds themselves, can be handled as C longs. */
static int fits(long start, long step, unsigned long length) {
    long span, end;
    return length <= LONG_MAX && !__builtin_mul_overflow((long)length, step, &span) &&
           !__builtin_add_overflow(start, span, &end);
}

static PyObject *range_iter(KrRange *self) {
    long start, stop, step;
    if (as_long(self->start, &start) && as_long(self->stop, &stop) && as_long(self->step, &step)) {
        unsigned long length = long_length(start, stop, step);
        if (fits(start, step, length)) return small_iterator(start, step, length);
    }
    return big_iterator(Py_NewRef(self->start), Py_NewRef(self->step), self->length);
}

static PyObject *range_reversed(KrRange *self, PyObject *unused) {
    long start, stop, step;
    if (as_long(self->start, &start) && as_long(self->stop, &stop) && as_long(self->step, &step) && step != LONG_MIN) {
        unsigned long length = long_length(start, stop, step);
        /* With the last item's place at the start, one step beyond the first must fit, too. */
        long end;
        if (fits(start, step, length) && !__builtin_sub_overflow(start, step, &end))
            return small_iterator((long)((unsigned long)start + (length - 1) * (unsigned long)step), -step, length);
    }
    PyObject *last = PyNumber_Subtract(self->length, ONE);
    if (last == NULL) return NULL;
    Py_SETREF(last, item_at(self, last));
    return big_iterator(last, PyNumber_Negative(self->step), self->length);
}

/* The type. */

static PySequenceMethods range_as_sequence = {
    .sq_length = (lenfunc)range_length,
    .sq_item = (ssizeargfunc)range_item,
    .sq_contains = (objobjproc)range_contains,
};

static PyMappingMethods range_as_mapping = {
    .mp_length = (lenfunc)range_length,
    .mp_subscript = (binaryfunc)range_subscript,
};

static PyNumberMethods range_as_number = {
    .nb_bool = (inquiry)range_bool,
};

static PyMethodDef range_methods[] = {
    {"__reversed__", (PyCFunction)range_reversed, METH_NOARGS, "Iterator over the items from the last to the first."},
    {"__reduce__", (PyCFunction)range_reduce, METH_VARARGS, NULL},
    {"count", (PyCFunction)range_count, METH_O, "rangeobject.count(value) -> integer\n\nNumber of items equal to value."},
    {"index", (PyCFunction)range_index, METH_O,
     "rangeobject.index(value) -> integer\n\nPosition of value.\n\nRaises ValueError if it is not in the range."},
    {NULL},
};

static PyMemberDef range_members[] = {
    {"start", T_OBJECT_EX, offsetof(KrRange, start), READONLY},
    {"stop", T_OBJECT_EX, offsetof(KrRange, stop), READONLY},
    {"step", T_OBJECT_EX, offsetof(KrRange, step), READONLY},
    {NULL},
};

PyTypeObject PyRange_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "range",
    .tp_basicsize = sizeof(KrRange),
    .tp_dealloc = (destructor)range_dealloc,
    .tp_repr = (reprfunc)range_repr,
    .tp_as_number = &range_as_number,
    .tp_as_sequence = &range_as_sequence,
    .tp_as_mapping = &range_as_mapping,
    .tp_hash = (hashfunc)range_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_SEQUENCE,
    .tp_doc = "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\n"
              "The integers from start (0 by default) up to, not including, stop, step (1 by default) apart.\n"
              "With a negative step they go down.",
    .tp_richcompare = range_richcompare,
    .tp_iter = (getiterfunc)range_iter,
    .tp_methods = range_methods,
    .tp_members = range_members,
    .tp_new = range_new,
    .tp_vectorcall = range_vectorcall,
};
