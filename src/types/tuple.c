/* tuple: the immutable sequence. */
#include <Python.h>

#include "collector/collector.h"
#include "collector/trashcan.h"
#include "types/iter.h"
#include "types/sequence.h"
#include "types/str/str.h"
#include "types/tuple.h"

#include <stddef.h>
#include <string.h>

static struct {
    PyObject *empty;
} state;

enum { ITEMS_OFFSET = offsetof(PyTupleObject, ob_item) };

static const Py_ssize_t size_limit = (PY_SSIZE_T_MAX - ITEMS_OFFSET) / (Py_ssize_t)sizeof(PyObject *);

/* Returns an untracked exact tuple with room for size > 0 items, which are not set. */
static inline PyTupleObject *tuple_alloc(Py_ssize_t size) {
    PyTupleObject *self = NULL;
    if (size <= size_limit) self = kr_gc_alloc(ITEMS_OFFSET + (size_t)size * sizeof(PyObject *));
    if (__builtin_expect(self == NULL, 0)) return (PyTupleObject *)PyErr_NoMemory();
    Py_SET_SIZE(self, size);
    ((PyObject *)self)->ob_refcnt = 1;
    ((PyObject *)self)->ob_type = &PyTuple_Type;
    return self;
}

static PyObject *tuple_empty(void) {
    if (state.empty == NULL) {
        PyTupleObject *self = kr_gc_alloc(sizeof(PyTupleObject));
        if (self == NULL) return PyErr_NoMemory();
        Py_SET_SIZE(self, 0);
        kr_header_init((PyObject *)self, &PyTuple_Type);
        self->ob_item[0] = NULL;
        state.empty = (PyObject *)self;
    }
    return Py_NewRef(state.empty);
}

PyObject *PyTuple_New(Py_ssize_t size) {
    if (size <= 0) {
        if (size == 0) return tuple_empty();
        PyErr_BadInternalCall();
        return NULL;
    }
    PyTupleObject *self = tuple_alloc(size);
    if (self == NULL) return NULL;
    for (Py_ssize_t i = 0; i < size; i++) self->ob_item[i] = NULL;
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *kr_tuple_from_array(PyObject *const *items, Py_ssize_t count) {
    if (count == 0) return tuple_empty();
    PyTupleObject *self = tuple_alloc(count);
    if (self == NULL) return NULL;
    kr_copy_references(self->ob_item, items, count, 1);
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *kr_tuple_from_array_steal(PyObject *const *items, Py_ssize_t count) {
    if (count == 0) return tuple_empty();
    PyTupleObject *self = tuple_alloc(count);
    if (self == NULL) {
        for (Py_ssize_t i = 0; i < count; i++) Py_DECREF(items[i]);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) self->ob_item[i] = items[i];
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *kr_tuple_pack1(PyObject *item) { return kr_tuple_from_array(&item, 1); }

PyObject *kr_tuple_pack2(PyObject *first, PyObject *second) {
    PyTupleObject *self = tuple_alloc(2);
    if (self == NULL) return NULL;
    self->ob_item[0] = Py_NewRef(first);
    self->ob_item[1] = Py_NewRef(second);
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *kr_tuple_pair_steal(PyObject *first, PyObject *second) {
    PyTupleObject *self = tuple_alloc(2);
    if (self == NULL) {
        Py_DECREF(first);
        Py_DECREF(second);
        return NULL;
    }
    self->ob_item[0] = first;
    self->ob_item[1] = second;
    if (PyType_IS_GC(Py_TYPE(first)) || PyType_IS_GC(Py_TYPE(second))) kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *PyTuple_Pack(Py_ssize_t count, ...) {
    if (count == 0) return tuple_empty();
    PyTupleObject *self = tuple_alloc(count);
    if (self == NULL) return NULL;
    va_list arguments;
    va_start(arguments, count);
    for (Py_ssize_t i = 0; i < count; i++) self->ob_item[i] = Py_NewRef(va_arg(arguments, PyObject *));
    va_end(arguments);
    kr_gc_track(self);
    return (PyObject *)self;
}

Py_ssize_t PyTuple_Size(PyObject *op) {
    if (!PyTuple_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return Py_SIZE(op);
}

PyObject *PyTuple_GetItem(PyObject *op, Py_ssize_t i) {
    if (!PyTuple_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if ((size_t)i >= (size_t)Py_SIZE(op)) {
        PyErr_SetString(PyExc_IndexError, "tuple index out of range");
        return NULL;
    }
    return PyTuple_GET_ITEM(op, i);
}

int PyTuple_SetItem(PyObject *op, Py_ssize_t i, PyObject *item) {
    if (!PyTuple_Check(op) || Py_REFCNT(op) != 1) {
        Py_XDECREF(item);
        PyErr_BadInternalCall();
        return -1;
    }
    if ((size_t)i >= (size_t)Py_SIZE(op)) {
        Py_XDECREF(item);
        PyErr_SetString(PyExc_IndexError, "tuple assignment index out of range");
        return -1;
    }
    Py_XSETREF(((PyTupleObject *)op)->ob_item[i], item);
    return 0;
}

/* Called by the collector: a tuple of atoms need not be looked at again. */
void _PyTuple_MaybeUntrack(PyObject *op) {
    if (!PyTuple_CheckExact(op) || !kr_gc_is_tracked(op)) return;
    PyTupleObject *self = (PyTupleObject *)op;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++)
        if (self->ob_item[i] == NULL || kr_gc_may_be_tracked(self->ob_item[i])) return;
    kr_gc_untrack(op);
}

static void tuple_dealloc(PyTupleObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    int outermost = type->tp_dealloc == (destructor)tuple_dealloc;
    PyThreadState *thread = kr_tstate();
    kr_gc_untrack(self);
    if (outermost && !kr_trash_enter(thread, self)) return;
    enum { AHEAD = 3 }; /* items lie all over the memory */
    Py_ssize_t i = Py_SIZE(self) - 1;
    for (; i >= AHEAD; i--) {
        __builtin_prefetch(self->ob_item[i - AHEAD], 1);
        Py_XDECREF(self->ob_item[i]);
    }
    for (; i >= 0; i--) Py_XDECREF(self->ob_item[i]);
    if (type == &PyTuple_Type)
        kr_gc_free(self);
    else
        type->tp_free(self);
    if (outermost) kr_trash_leave(thread);
}

static int tuple_traverse(PyTupleObject *self, visitproc visit, void *arg) {
    for (Py_ssize_t i = Py_SIZE(self); --i >= 0;) Py_VISIT(self->ob_item[i]);
    return 0;
}

static PyObject *tuple_repr(PyTupleObject *self) {
    Py_ssize_t size = Py_SIZE(self);
    if (size == 0) return PyUnicode_FromString("()");
    int running = Py_ReprEnter((PyObject *)self);
    if (running != 0) return running > 0 ? PyUnicode_FromString("(...)") : NULL;

    _PyUnicodeWriter writer;
    KrWriterRoom room;
    kr_writer_start(&writer, &room);
    writer.min_length = size > 1 ? 1 + 1 + (2 + 1) * (size - 1) + 1 : 4; /* "(x, y)" or "(x,)" with one-letter items */
    if (_PyUnicodeWriter_WriteChar(&writer, '(') < 0) goto error;
    for (Py_ssize_t i = 0; i < size; i++) {
        if (i > 0 && _PyUnicodeWriter_WriteASCIIString(&writer, ", ", 2) < 0) goto error;
        PyObject *text = PyObject_Repr(self->ob_item[i]);
        if (text == NULL) goto error;
        int failed = _PyUnicodeWriter_WriteStr(&writer, text);
        Py_DECREF(text);
        if (failed < 0) goto error;
    }
    writer.overallocate = 0;
    if ((size > 1 ? _PyUnicodeWriter_WriteChar(&writer, ')') : _PyUnicodeWriter_WriteASCIIString(&writer, ",)", 2)) < 0)
        goto error;
    Py_ReprLeave((PyObject *)self);
    return _PyUnicodeWriter_Finish(&writer);

error:
    _PyUnicodeWriter_Dealloc(&writer);
    Py_ReprLeave((PyObject *)self);
    return NULL;
}

/* The hash mixes those of the items as one round of 64-bit xxHash for each does; programs may rely on its values. */
static Py_hash_t tuple_hash(PyTupleObject *self) {
    static const Py_uhash_t prime1 = 11400714785074694791u, prime2 = 14029467366897019727u, prime5 = 2870177450012600261u;
    Py_ssize_t size = Py_SIZE(self);
    Py_uhash_t sum = prime5;
    if (__builtin_expect(kr_c_stack_is_low(), 0)) {
        PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded while hashing a tuple");
        return -1;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_hash_t lane = PyObject_Hash(self->ob_item[i]);
        if (lane == -1) return -1;
        sum += (Py_uhash_t)lane * prime2;
        sum = (sum << 31) | (sum >> 33);
        sum *= prime1;
    }
    sum += (Py_uhash_t)size ^ (prime5 ^ 3527539u);
    return sum == (Py_uhash_t)-1 ? 1546275796 : (Py_hash_t)sum;
}

static Py_ssize_t tuple_length(PyTupleObject *self) { return Py_SIZE(self); }

static int tuple_contains(PyTupleObject *self, PyObject *value) {
    int found = 0;
    for (Py_ssize_t i = 0; found == 0 && i < Py_SIZE(self); i++)
        found = PyObject_RichCompareBool(self->ob_item[i], value, Py_EQ);
    return found;
}

static PyObject *tuple_item(PyTupleObject *self, Py_ssize_t i) {
    if ((size_t)i >= (size_t)Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "tuple index out of range");
        return NULL;
    }
    return Py_NewRef(self->ob_item[i]);
}

PyObject *PyTuple_GetSlice(PyObject *op, Py_ssize_t low, Py_ssize_t high) {
    if (op == NULL || !PyTuple_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyTupleObject *self = (PyTupleObject *)op;
    if (low < 0) low = 0;
    if (high > Py_SIZE(self)) high = Py_SIZE(self);
    if (high < low) high = low;
    if (low == 0 && high == Py_SIZE(self) && PyTuple_CheckExact(self)) return Py_NewRef(self);
    return kr_tuple_from_array(self->ob_item + low, high - low);
}

static PyObject *tuple_concat(PyTupleObject *self, PyObject *other) {
    if (Py_SIZE(self) == 0 && PyTuple_CheckExact(other)) return Py_NewRef(other);
    if (!PyTuple_Check(other)) {
        PyErr_Format(PyExc_TypeError, "can only concatenate tuple (not \"%.200s\") to tuple", Py_TYPE(other)->tp_name);
        return NULL;
    }
    if (Py_SIZE(other) == 0 && PyTuple_CheckExact(self)) return Py_NewRef(self);
    PyTupleObject *right = (PyTupleObject *)other;
    if (Py_SIZE(self) > PY_SSIZE_T_MAX - Py_SIZE(right)) return PyErr_NoMemory();
    Py_ssize_t size = Py_SIZE(self) + Py_SIZE(right);
    if (size == 0) return tuple_empty();
    PyTupleObject *sum = tuple_alloc(size);
    if (sum == NULL) return NULL;
    kr_copy_references(sum->ob_item, self->ob_item, Py_SIZE(self), 1);
    kr_copy_references(sum->ob_item + Py_SIZE(self), right->ob_item, Py_SIZE(right), 1);
    kr_gc_track(sum);
    return (PyObject *)sum;
}

static PyObject *tuple_repeat(PyTupleObject *self, Py_ssize_t times) {
    Py_ssize_t size = Py_SIZE(self);
    if ((size == 0 || times == 1) && PyTuple_CheckExact(self)) return Py_NewRef(self);
    if (size == 0 || times <= 0) return tuple_empty();
    if (times > PY_SSIZE_T_MAX / size) return PyErr_NoMemory();
    PyTupleObject *product = tuple_alloc(size * times);
    if (product == NULL) return NULL;
    kr_repeat_references(product->ob_item, self->ob_item, size, times);
    kr_gc_track(product);
    return (PyObject *)product;
}

static PyObject *tuple_subscript(PyTupleObject *self, PyObject *key) {
    if (kr_is_index(key)) {
        Py_ssize_t i;
        if (kr_index_value(key, &i) < 0) return NULL;
        if (i < 0) i += Py_SIZE(self);
        return tuple_item(self, i);
    }
    if (PySlice_Check(key)) {
        Py_ssize_t start, stop, step;
        if (PySlice_Unpack(key, &start, &stop, &step) < 0) return NULL;
        Py_ssize_t count = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
        if (count <= 0) return tuple_empty();
        if (step == 1) return PyTuple_GetSlice((PyObject *)self, start, start + count);
        PyTupleObject *slice = tuple_alloc(count);
        if (slice == NULL) return NULL;
        kr_copy_references(slice->ob_item, self->ob_item + start, count, step);
        kr_gc_track(slice);
        return (PyObject *)slice;
    }
    PyErr_Format(PyExc_TypeError, "tuple indices must be integers or slices, not %.200s", Py_TYPE(key)->tp_name);
    return NULL;
}

static PyObject *tuple_richcompare(PyObject *a, PyObject *b, int op) {
    if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
    PyTupleObject *left = (PyTupleObject *)a, *right = (PyTupleObject *)b;
    Py_ssize_t left_size = Py_SIZE(left), right_size = Py_SIZE(right), i;
    /* Tuples of different sizes cannot be equal, but looking at the items first is observable: keep it. */
    for (i = 0; i < left_size && i < right_size; i++) {
        int equal = PyObject_RichCompareBool(left->ob_item[i], right->ob_item[i], Py_EQ);
        if (equal < 0) return NULL;
        if (!equal) break;
    }
    if (i >= left_size || i >= right_size) Py_RETURN_RICHCOMPARE(left_size, right_size, op);
    if (op == Py_EQ) Py_RETURN_FALSE;
    if (op == Py_NE) Py_RETURN_TRUE;
    return PyObject_RichCompare(left->ob_item[i], right->ob_item[i], op);
}

/* Returns tuple(iterable) of the exact type; iterable may be NULL. */
static PyObject *tuple_from_iterable(PyObject *iterable) {
    return iterable == NULL ? tuple_empty() : PySequence_Tuple(iterable);
}

static PyObject *tuple_subtype_new(PyTypeObject *type, PyObject *iterable) {
    PyObject *items = tuple_from_iterable(iterable);
    if (items == NULL) return NULL;
    Py_ssize_t size = PyTuple_GET_SIZE(items);
    PyObject *self = type->tp_alloc(type, size);
    if (self != NULL) {
        for (Py_ssize_t i = 0; i < size; i++) PyTuple_SET_ITEM(self, i, Py_NewRef(PyTuple_GET_ITEM(items, i)));
        if (!kr_gc_is_tracked(self)) kr_gc_track(self);
    }
    Py_DECREF(items);
    return self;
}

static PyObject *tuple_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *iterable = NULL;
    if ((type == &PyTuple_Type || type->tp_init == PyTuple_Type.tp_init) && !_PyArg_NoKeywords("tuple", kwargs)) return NULL;
    if (!PyArg_UnpackTuple(args, "tuple", 0, 1, &iterable)) return NULL;
    return type == &PyTuple_Type ? tuple_from_iterable(iterable) : tuple_subtype_new(type, iterable);
}

static PyObject *tuple_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (!_PyArg_NoKwnames("tuple", kwnames)) return NULL;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_CheckPositional("tuple", count, 0, 1)) return NULL;
    PyObject *iterable = count > 0 ? args[0] : NULL;
    if (type == (PyObject *)&PyTuple_Type) return tuple_from_iterable(iterable);
    return tuple_subtype_new((PyTypeObject *)type, iterable);
}

static PyObject *tuple_index(PyTupleObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t start = 0, stop = PY_SSIZE_T_MAX;
    if (!_PyArg_CheckPositional("index", count, 1, 3)) return NULL;
    if (count > 1 && !_PyEval_SliceIndexNotNone(args[1], &start)) return NULL;
    if (count > 2 && !_PyEval_SliceIndexNotNone(args[2], &stop)) return NULL;
    if (start < 0) {
        start += Py_SIZE(self);
        if (start < 0) start = 0;
    }
    if (stop < 0) stop += Py_SIZE(self);
    else if (stop > Py_SIZE(self)) stop = Py_SIZE(self);
    for (Py_ssize_t i = start; i < stop; i++) {
        int equal = PyObject_RichCompareBool(self->ob_item[i], args[0], Py_EQ);
        if (equal > 0) return PyLong_FromSsize_t(i);
        if (equal < 0) return NULL;
    }
    PyErr_SetString(PyExc_ValueError, "tuple.index(x): x not in tuple");
    return NULL;
}

static PyObject *tuple_count(PyTupleObject *self, PyObject *value) {
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        int equal = PyObject_RichCompareBool(self->ob_item[i], value, Py_EQ);
        if (equal < 0) return NULL;
        count += equal;
    }
    return PyLong_FromSsize_t(count);
}

static PyObject *tuple_getnewargs(PyTupleObject *self, PyObject *unused) {
    PyObject *copy = kr_tuple_from_array(self->ob_item, Py_SIZE(self));
    if (copy == NULL) return NULL;
    PyObject *result = kr_tuple_pack1(copy);
    Py_DECREF(copy);
    return result;
}

int _PyTuple_Resize(PyObject **pointer, Py_ssize_t size) {
    PyTupleObject *self = (PyTupleObject *)*pointer;
    if (self == NULL || !PyTuple_CheckExact(self) || size < 0 || (Py_SIZE(self) != 0 && Py_REFCNT(self) != 1)) {
        *pointer = NULL;
        Py_XDECREF(self);
        PyErr_BadInternalCall();
        return -1;
    }
    Py_ssize_t old = Py_SIZE(self);
    if (size == old) return 0;
    if (old == 0 || size == 0) {
        *pointer = PyTuple_New(size);
        Py_DECREF(self);
        return *pointer == NULL ? -1 : 0;
    }
    kr_gc_untrack(self);
    for (Py_ssize_t i = size; i < old; i++) Py_CLEAR(self->ob_item[i]);
    PyTupleObject *moved = size > size_limit ? NULL : PyObject_GC_Resize(PyTupleObject, self, size);
    if (moved == NULL) {
        *pointer = NULL;
        Py_DECREF(self);
        if (!PyErr_Occurred()) PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = old; i < size; i++) moved->ob_item[i] = NULL;
    *pointer = (PyObject *)moved;
    kr_gc_track(moved);
    return 0;
}

/* The iterator. */

static PyObject *tuple_iter(PyObject *sequence) {
    KrTupleIterator *self = kr_gc_alloc(sizeof(KrTupleIterator));
    if (self == NULL) return PyErr_NoMemory();
    kr_header_init((PyObject *)self, &PyTupleIter_Type);
    self->index = 0;
    self->sequence = (PyTupleObject *)Py_NewRef(sequence);
    kr_gc_track(self);
    return (PyObject *)self;
}

static void iterator_dealloc(KrTupleIterator *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->sequence);
    kr_gc_free(self);
}

static int iterator_traverse(KrTupleIterator *self, visitproc visit, void *arg) {
    Py_VISIT(self->sequence);
    return 0;
}

static PyObject *iterator_next(KrTupleIterator *self) {
    PyTupleObject *sequence = self->sequence;
    if (sequence == NULL) return NULL;
    if (self->index < Py_SIZE(sequence)) return Py_NewRef(sequence->ob_item[self->index++]);
    self->sequence = NULL;
    Py_DECREF(sequence);
    return NULL;
}

static PyObject *iterator_length_hint(KrTupleIterator *self, PyObject *unused) {
    return PyLong_FromSsize_t(self->sequence == NULL ? 0 : Py_SIZE(self->sequence) - self->index);
}

static PyObject *iterator_reduce(KrTupleIterator *self, PyObject *unused) {
    return kr_iterator_reduce((PyObject **)&self->sequence, &self->index, PyTuple_New(0));
}

static PyObject *iterator_setstate(KrTupleIterator *self, PyObject *index_object) {
    return kr_iterator_set_index(&self->index, index_object, 0, self->sequence == NULL ? 0 : Py_SIZE(self->sequence));
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", (PyCFunction)iterator_length_hint, METH_NOARGS, "Number of items that are left."},
    {"__reduce__", (PyCFunction)iterator_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)iterator_setstate, METH_O, "Restore the position from pickling."},
    {NULL},
};

PyTypeObject PyTupleIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "tuple_iterator",
    .tp_basicsize = sizeof(KrTupleIterator),
    .tp_dealloc = (destructor)iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)iterator_next,
    .tp_methods = iterator_methods,
};

/* The type. */

static PySequenceMethods tuple_as_sequence = {
    .sq_length = (lenfunc)tuple_length,
    .sq_concat = (binaryfunc)tuple_concat,
    .sq_repeat = (ssizeargfunc)tuple_repeat,
    .sq_item = (ssizeargfunc)tuple_item,
    .sq_contains = (objobjproc)tuple_contains,
};

static PyMappingMethods tuple_as_mapping = {
    .mp_length = (lenfunc)tuple_length,
    .mp_subscript = (binaryfunc)tuple_subscript,
};

static PyMethodDef tuple_methods[] = {
    {"__getnewargs__", (PyCFunction)tuple_getnewargs, METH_NOARGS, "__getnewargs__($self, /)\n--\n\n"},
    {"index", (PyCFunction)(void (*)(void))tuple_index, METH_FASTCALL,
     "index($self, value, start=0, stop=sys.maxsize, /)\n--\n\n"
     "Position of the first item equal to value.\n\nRaises ValueError if there is none."},
    {"count", (PyCFunction)tuple_count, METH_O,
     "count($self, value, /)\n--\n\nNumber of items equal to value."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "tuple[...] as a type hint."},
    {NULL},
};

PyTypeObject PyTuple_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "tuple",
    .tp_basicsize = ITEMS_OFFSET,
    .tp_itemsize = sizeof(PyObject *),
    .tp_dealloc = (destructor)tuple_dealloc,
    .tp_repr = (reprfunc)tuple_repr,
    .tp_as_sequence = &tuple_as_sequence,
    .tp_as_mapping = &tuple_as_mapping,
    .tp_hash = (hashfunc)tuple_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_TUPLE_SUBCLASS |
                _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_SEQUENCE,
    .tp_doc = "tuple(iterable=(), /)\n--\n\n"
              "Immutable sequence of the items of an iterable.\n\n"
              "A tuple is returned as it is.",
    .tp_traverse = (traverseproc)tuple_traverse,
    .tp_richcompare = tuple_richcompare,
    .tp_iter = tuple_iter,
    .tp_methods = tuple_methods,
    .tp_new = tuple_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = tuple_vectorcall,
};

void _PyTuple_DebugMallocStats(FILE *out) {}

void kr_tuple_finalize(void) { Py_CLEAR(state.empty); }
