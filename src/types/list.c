/* list: the mutable sequence. */
#include <Python.h>

#include "collector/collector.h"
#include "collector/trashcan.h"
#include "object/names.h"
#include "types/iter.h"
#include "types/list.h"
#include "types/sequence.h"
#include "types/str/str.h"
#include "types/tuple.h"

#include <string.h>

static const Py_ssize_t size_limit = PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(PyObject *);

int kr_list_resize(PyListObject *self, Py_ssize_t size) {
    Py_ssize_t allocated = self->allocated;
    if (allocated >= size && size >= allocated >> 1) {
        Py_SET_SIZE(self, size);
        return 0;
    }
    /* An eighth more than asked for makes appending linear in total; a large step at once gets little extra. */
    size_t room = ((size_t)size + ((size_t)size >> 3) + 6) & ~(size_t)3;
    if (size - Py_SIZE(self) > (Py_ssize_t)(room - (size_t)size)) room = ((size_t)size + 3) & ~(size_t)3;
    if (size == 0) room = 0;
    PyObject **items = NULL;
    if (room == 0)
        PyMem_Free(self->ob_item);
    else if (room > (size_t)size_limit || (items = PyMem_Realloc(self->ob_item, room * sizeof(PyObject *))) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->ob_item = items;
    self->allocated = (Py_ssize_t)room;
    Py_SET_SIZE(self, size);
    return 0;
}

/* Gives an empty list without items room for `size`, rounded up to what the allocator hands out anyway. */
static int preallocate(PyListObject *self, Py_ssize_t size) {
    if (size >= size_limit) {
        PyErr_NoMemory();
        return -1;
    }
    size_t room = ((size_t)size + 1) & ~(size_t)1;
    PyObject **items = PyMem_Malloc(room * sizeof(PyObject *));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->ob_item = items;
    self->allocated = (Py_ssize_t)room;
    return 0;
}

/* Returns an untracked empty exact list whose item array has room for `size`; items and ob_size are the caller's to set. */
static PyListObject *list_alloc(Py_ssize_t size) {
    PyListObject *self = kr_gc_alloc(sizeof(PyListObject));
    if (self == NULL) return (PyListObject *)PyErr_NoMemory();
    kr_header_init((PyObject *)self, &PyList_Type);
    Py_SET_SIZE(self, 0);
    self->ob_item = NULL;
    self->allocated = 0;
    if (size == 0) return self;
    if (size <= size_limit) self->ob_item = PyMem_Malloc((size_t)size * sizeof(PyObject *));
    if (self->ob_item == NULL) {
        kr_gc_free(self);
        return (PyListObject *)PyErr_NoMemory();
    }
    self->allocated = size;
    return self;
}

PyObject *PyList_New(Py_ssize_t size) {
    if (size < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyListObject *self = list_alloc(size);
    if (self == NULL) return NULL;
    if (size != 0) memset(self->ob_item, 0, (size_t)size * sizeof(PyObject *));
    Py_SET_SIZE(self, size);
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *kr_list_from_array(PyObject *const *items, Py_ssize_t count) {
    PyListObject *self = list_alloc(count);
    if (self == NULL) return NULL;
    kr_copy_references(self->ob_item, items, count, 1);
    Py_SET_SIZE(self, count);
    kr_gc_track(self);
    return (PyObject *)self;
}

Py_ssize_t PyList_Size(PyObject *op) {
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return Py_SIZE(op);
}

static PyObject *index_error(const char *message) {
    PyErr_SetString(PyExc_IndexError, message);
    return NULL;
}

PyObject *PyList_GetItem(PyObject *op, Py_ssize_t i) {
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if ((size_t)i >= (size_t)Py_SIZE(op)) return index_error("list index out of range");
    return PyList_GET_ITEM(op, i);
}

int PyList_SetItem(PyObject *op, Py_ssize_t i, PyObject *item) {
    if (!PyList_Check(op)) {
        Py_XDECREF(item);
        PyErr_BadInternalCall();
        return -1;
    }
    if ((size_t)i >= (size_t)Py_SIZE(op)) {
        Py_XDECREF(item);
        index_error("list assignment index out of range");
        return -1;
    }
    Py_XSETREF(((PyListObject *)op)->ob_item[i], item);
    return 0;
}

/* Brings an index that counts from the end, or lies outside, into 0..size. */
static Py_ssize_t clamp(Py_ssize_t i, Py_ssize_t size) {
    if (i < 0) {
        i += size;
        if (i < 0) return 0;
    }
    return i > size ? size : i;
}

static int insert_at(PyListObject *self, Py_ssize_t i, PyObject *item) {
    Py_ssize_t size = Py_SIZE(self);
    if (item == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (kr_list_resize(self, size + 1) < 0) return -1;
    i = clamp(i, size);
    PyObject **items = self->ob_item;
    memmove(items + i + 1, items + i, (size_t)(size - i) * sizeof(PyObject *));
    items[i] = Py_NewRef(item);
    return 0;
}

int PyList_Insert(PyObject *op, Py_ssize_t i, PyObject *item) {
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return insert_at((PyListObject *)op, i, item);
}

int PyList_Append(PyObject *op, PyObject *item) {
    if (!PyList_Check(op) || item == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    return kr_list_append_steal((PyListObject *)op, Py_NewRef(item));
}

/* Removes all items. What the items' deallocators do to the list meanwhile stays. */
static void list_clear_items(PyListObject *self) {
    PyObject **items = self->ob_item;
    if (items == NULL) return;
    Py_ssize_t size = Py_SIZE(self);
    Py_SET_SIZE(self, 0);
    self->ob_item = NULL;
    self->allocated = 0;
    while (--size >= 0) Py_XDECREF(items[size]);
    PyMem_Free(items);
}

static int list_tp_clear(PyListObject *self) {
    list_clear_items(self);
    return 0;
}

static void list_dealloc(PyListObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    int outermost = type->tp_dealloc == (destructor)list_dealloc;
    PyThreadState *thread = kr_tstate();
    kr_gc_untrack(self);
    if (outermost && !kr_trash_enter(thread, self)) return;
    PyObject **items = self->ob_item;
    if (items != NULL) {
        for (Py_ssize_t i = Py_SIZE(self); --i >= 0;) Py_XDECREF(items[i]);
        PyMem_Free(items);
    }
    if (type == &PyList_Type)
        kr_gc_free(self);
    else
        type->tp_free(self);
    if (outermost) kr_trash_leave(thread);
}

static int list_traverse(PyListObject *self, visitproc visit, void *arg) {
    for (Py_ssize_t i = Py_SIZE(self); --i >= 0;) Py_VISIT(self->ob_item[i]);
    return 0;
}

static PyObject *list_repr(PyListObject *self) {
    if (Py_SIZE(self) == 0) return PyUnicode_FromString("[]");
    int running = Py_ReprEnter((PyObject *)self);
    if (running != 0) return running > 0 ? PyUnicode_FromString("[...]") : NULL;

    _PyUnicodeWriter writer;
    KrWriterRoom room;
    kr_writer_start(&writer, &room);
    writer.min_length = 1 + 1 + (2 + 1) * (Py_SIZE(self) - 1) + 1; /* "[x, y]" with one-letter items */
    if (_PyUnicodeWriter_WriteChar(&writer, '[') < 0) goto error;
    /* An item's repr may change the list. */
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        if (i > 0 && _PyUnicodeWriter_WriteASCIIString(&writer, ", ", 2) < 0) goto error;
        PyObject *item = Py_NewRef(self->ob_item[i]);
        PyObject *text = PyObject_Repr(item);
        Py_DECREF(item);
        if (text == NULL) goto error;
        int failed = _PyUnicodeWriter_WriteStr(&writer, text);
        Py_DECREF(text);
        if (failed < 0) goto error;
    }
    writer.overallocate = 0;
    if (_PyUnicodeWriter_WriteChar(&writer, ']') < 0) goto error;
    Py_ReprLeave((PyObject *)self);
    return _PyUnicodeWriter_Finish(&writer);

error:
    _PyUnicodeWriter_Dealloc(&writer);
    Py_ReprLeave((PyObject *)self);
    return NULL;
}

static Py_ssize_t list_length(PyListObject *self) { return Py_SIZE(self); }

/* Compares an item, which other code may remove meanwhile, with a value. */
static inline int item_equals(PyListObject *self, Py_ssize_t i, PyObject *value) {
    PyObject *item = self->ob_item[i];
    if (item == value) return 1;
    Py_INCREF(item);
    int equal = PyObject_RichCompareBool(item, value, Py_EQ);
    Py_DECREF(item);
    return equal;
}

static int list_contains(PyListObject *self, PyObject *value) {
    int found = 0;
    for (Py_ssize_t i = 0; found == 0 && i < Py_SIZE(self); i++) found = item_equals(self, i, value);
    return found;
}

static PyObject *list_item(PyListObject *self, Py_ssize_t i) {
    if ((size_t)i >= (size_t)Py_SIZE(self)) return index_error("list index out of range");
    return Py_NewRef(self->ob_item[i]);
}

PyObject *PyList_GetSlice(PyObject *op, Py_ssize_t low, Py_ssize_t high) {
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    Py_ssize_t size = Py_SIZE(op);
    if (low < 0) low = 0;
    if (low > size) low = size;
    if (high < low) high = low;
    if (high > size) high = size;
    return kr_list_from_array(((PyListObject *)op)->ob_item + low, high - low);
}

static PyObject *list_concat(PyListObject *self, PyObject *other) {
    if (!PyList_Check(other)) {
        PyErr_Format(PyExc_TypeError, "can only concatenate list (not \"%.200s\") to list", Py_TYPE(other)->tp_name);
        return NULL;
    }
    PyListObject *right = (PyListObject *)other;
    /* Two sizes never overflow: each list holds at most PY_SSIZE_T_MAX / 8 items. */
    PyListObject *sum = list_alloc(Py_SIZE(self) + Py_SIZE(right));
    if (sum == NULL) return NULL;
    kr_copy_references(sum->ob_item, self->ob_item, Py_SIZE(self), 1);
    kr_copy_references(sum->ob_item + Py_SIZE(self), right->ob_item, Py_SIZE(right), 1);
    Py_SET_SIZE(sum, Py_SIZE(self) + Py_SIZE(right));
    kr_gc_track(sum);
    return (PyObject *)sum;
}

static PyObject *list_repeat(PyListObject *self, Py_ssize_t times) {
    Py_ssize_t size = Py_SIZE(self);
    if (times <= 0 || size == 0) return PyList_New(0);
    if (times > size_limit / size) return PyErr_NoMemory();
    PyListObject *product = list_alloc(size * times);
    if (product == NULL) return NULL;
    kr_repeat_references(product->ob_item, self->ob_item, size, times);
    Py_SET_SIZE(product, size * times);
    kr_gc_track(product);
    return (PyObject *)product;
}

static PyObject *list_inplace_repeat(PyListObject *self, Py_ssize_t times) {
    Py_ssize_t size = Py_SIZE(self);
    if (size == 0 || times == 1) return Py_NewRef(self);
    if (times < 1) {
        list_clear_items(self);
        return Py_NewRef(self);
    }
    if (times > size_limit / size) return PyErr_NoMemory();
    if (kr_list_resize(self, size * times) < 0) return NULL;
    kr_repeat_references(self->ob_item + size, self->ob_item, size, times - 1);
    return Py_NewRef(self);
}

/* Replaces items low..high by those of an iterable, or removes them if it is NULL. Returns 0 or -1. */
static int replace_slice(PyListObject *self, Py_ssize_t low, Py_ssize_t high, PyObject *values) {
    PyObject *fast = NULL, **new_items = NULL;
    Py_ssize_t count = 0;
    if (values != NULL) {
        fast = values == (PyObject *)self ? PyList_GetSlice(values, 0, Py_SIZE(values))
                                          : PySequence_Fast(values, "can only assign an iterable");
        if (fast == NULL) return -1;
        new_items = PySequence_Fast_ITEMS(fast);
        count = PySequence_Fast_GET_SIZE(fast);
    }
    /* The iterable may have changed the list. */
    Py_ssize_t size = Py_SIZE(self);
    if (low < 0) low = 0;
    if (low > size) low = size;
    if (high < low) high = low;
    if (high > size) high = size;

    Py_ssize_t removed_count = high - low, growth = count - removed_count;
    if (size + growth == 0) {
        Py_XDECREF(fast);
        list_clear_items(self);
        return 0;
    }
    PyObject *few[8], **removed = few;
    if (removed_count > (Py_ssize_t)(sizeof(few) / sizeof(few[0]))) {
        removed = PyMem_Malloc((size_t)removed_count * sizeof(PyObject *));
        if (removed == NULL) {
            Py_XDECREF(fast);
            PyErr_NoMemory();
            return -1;
        }
    }
    int result = 0;
    if (growth > 0 && kr_list_resize(self, size + growth) < 0) {
        removed_count = 0;
        result = -1;
    } else {
        PyObject **items = self->ob_item;
        if (removed_count != 0) memcpy(removed, items + low, (size_t)removed_count * sizeof(PyObject *));
        if (growth != 0) memmove(items + high + growth, items + high, (size_t)(size - high) * sizeof(PyObject *));
        for (Py_ssize_t i = 0; i < count; i++) items[low + i] = Py_XNewRef(new_items[i]);
        /* Shrinking cannot fail in a way that matters: the array just stays larger. */
        if (growth < 0 && kr_list_resize(self, size + growth) < 0) {
            PyErr_Clear();
            Py_SET_SIZE(self, size + growth);
        }
    }
    while (--removed_count >= 0) Py_XDECREF(removed[removed_count]);
    if (removed != few) PyMem_Free(removed);
    Py_XDECREF(fast);
    return result;
}

int PyList_SetSlice(PyObject *op, Py_ssize_t low, Py_ssize_t high, PyObject *values) {
    if (!PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return replace_slice((PyListObject *)op, low, high, values);
}

static int list_ass_item(PyListObject *self, Py_ssize_t i, PyObject *value) {
    if ((size_t)i >= (size_t)Py_SIZE(self)) {
        index_error("list assignment index out of range");
        return -1;
    }
    if (value == NULL) return replace_slice(self, i, i + 1, NULL);
    Py_SETREF(self->ob_item[i], Py_NewRef(value));
    return 0;
}

static PyObject *list_subscript(PyListObject *self, PyObject *key) {
    if (kr_is_index(key)) {
        Py_ssize_t i;
        if (kr_index_value(key, &i) < 0) return NULL;
        if (i < 0) i += Py_SIZE(self);
        return list_item(self, i);
    }
    if (PySlice_Check(key)) {
        Py_ssize_t start, stop, step;
        if (PySlice_Unpack(key, &start, &stop, &step) < 0) return NULL;
        Py_ssize_t count = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
        if (count <= 0) return PyList_New(0);
        if (step == 1) return kr_list_from_array(self->ob_item + start, count);
        PyListObject *slice = list_alloc(count);
        if (slice == NULL) return NULL;
        kr_copy_references(slice->ob_item, self->ob_item + start, count, step);
        Py_SET_SIZE(slice, count);
        kr_gc_track(slice);
        return (PyObject *)slice;
    }
    PyErr_Format(PyExc_TypeError, "list indices must be integers or slices, not %.200s", Py_TYPE(key)->tp_name);
    return NULL;
}

/* Removes `count` items, `step` apart. */
static int delete_extended(PyListObject *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count) {
    if (count <= 0) return 0;
    if (step < 0) {
        start += step * (count - 1);
        step = -step;
    }
    PyObject **removed = PyMem_Malloc((size_t)count * sizeof(PyObject *));
    if (removed == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyObject **items = self->ob_item;
    Py_ssize_t size = Py_SIZE(self), to = start;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t at = start + i * step;
        Py_ssize_t keep = (i + 1 < count ? at + step : size) - (at + 1);
        removed[i] = items[at];
        memmove(items + to, items + at + 1, (size_t)keep * sizeof(PyObject *));
        to += keep;
    }
    Py_SET_SIZE(self, size - count);
    if (kr_list_resize(self, size - count) < 0) PyErr_Clear();
    for (Py_ssize_t i = 0; i < count; i++) Py_DECREF(removed[i]);
    PyMem_Free(removed);
    return 0;
}

static int assign_extended(PyListObject *self, Py_ssize_t start, Py_ssize_t stop, Py_ssize_t step, PyObject *values) {
    PyObject *fast = values == (PyObject *)self ? PyList_GetSlice(values, 0, Py_SIZE(values))
                                                : PySequence_Fast(values, "must assign iterable to extended slice");
    if (fast == NULL) return -1;
    /* Only now, since the iterable may have changed the list. */
    Py_ssize_t count = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
    if (PySequence_Fast_GET_SIZE(fast) != count) {
        PyErr_Format(PyExc_ValueError, "attempt to assign sequence of size %zd to extended slice of size %zd",
                     PySequence_Fast_GET_SIZE(fast), count);
        Py_DECREF(fast);
        return -1;
    }
    if (count == 0) {
        Py_DECREF(fast);
        return 0;
    }
    PyObject **replaced = PyMem_Malloc((size_t)count * sizeof(PyObject *));
    if (replaced == NULL) {
        Py_DECREF(fast);
        PyErr_NoMemory();
        return -1;
    }
    PyObject **new_items = PySequence_Fast_ITEMS(fast);
    for (Py_ssize_t i = 0, at = start; i < count; i++, at += step) {
        replaced[i] = self->ob_item[at];
        self->ob_item[at] = Py_NewRef(new_items[i]);
    }
    for (Py_ssize_t i = 0; i < count; i++) Py_DECREF(replaced[i]);
    PyMem_Free(replaced);
    Py_DECREF(fast);
    return 0;
}

static int list_ass_subscript(PyListObject *self, PyObject *key, PyObject *value) {
    if (kr_is_index(key)) {
        Py_ssize_t i;
        if (kr_index_value(key, &i) < 0) return -1;
        if (i < 0) i += Py_SIZE(self);
        return list_ass_item(self, i, value);
    }
    if (PySlice_Check(key)) {
        Py_ssize_t start, stop, step;
        if (PySlice_Unpack(key, &start, &stop, &step) < 0) return -1;
        if (step != 1 && value != NULL) return assign_extended(self, start, stop, step, value);
        Py_ssize_t count = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
        /* An empty slice that runs the wrong way is still a place between two items. */
        return step == 1 ? replace_slice(self, start, stop, value) : delete_extended(self, start, step, count);
    }
    PyErr_Format(PyExc_TypeError, "list indices must be integers or slices, not %.200s", Py_TYPE(key)->tp_name);
    return -1;
}

/* Appends the items of a list or tuple. */
static int extend_from_fast(PyListObject *self, PyObject *fast) {
    Py_ssize_t count = PySequence_Fast_GET_SIZE(fast), size = Py_SIZE(self);
    if (count == 0) return 0;
    if (self->ob_item == NULL) {
        if (preallocate(self, count) < 0) return -1;
        Py_SET_SIZE(self, count);
    } else if (kr_list_resize(self, size + count) < 0) {
        return -1;
    }
    kr_copy_references(self->ob_item + size, PySequence_Fast_ITEMS(fast), count, 1);
    return 0;
}

/* Appends the items of any iterable. Returns 0 or -1; items appended before an error stay. */
static int list_extend_with(PyListObject *self, PyObject *iterable) {
    if (PyList_CheckExact(iterable) || PyTuple_CheckExact(iterable) || iterable == (PyObject *)self)
        return extend_from_fast(self, iterable);
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) return -1;
    iternextfunc next = Py_TYPE(iterator)->tp_iternext;
    Py_ssize_t hint = PyObject_LengthHint(iterable, 8);
    if (hint < 0) goto error;
    Py_ssize_t size = Py_SIZE(self);
    if (hint <= PY_SSIZE_T_MAX - size) {
        if (self->ob_item == NULL) {
            if (hint > 0 && preallocate(self, hint) < 0) goto error;
        } else {
            if (kr_list_resize(self, size + hint) < 0) goto error;
            Py_SET_SIZE(self, size);
        }
    }
    for (;;) {
        PyObject *item = next(iterator);
        if (item == NULL) break;
        if (kr_list_append_steal(self, item) < 0) goto error;
    }
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_StopIteration)) goto error;
        PyErr_Clear();
    }
    if (Py_SIZE(self) < self->allocated && kr_list_resize(self, Py_SIZE(self)) < 0) goto error;
    Py_DECREF(iterator);
    return 0;

error:
    Py_DECREF(iterator);
    return -1;
}

PyObject *_PyList_Extend(PyListObject *self, PyObject *iterable) {
    if (list_extend_with(self, iterable) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *list_inplace_concat(PyListObject *self, PyObject *other) {
    return list_extend_with(self, other) < 0 ? NULL : Py_NewRef(self);
}

static PyObject *list_richcompare(PyObject *a, PyObject *b, int op) {
    if (!PyList_Check(a) || !PyList_Check(b)) Py_RETURN_NOTIMPLEMENTED;
    PyListObject *left = (PyListObject *)a, *right = (PyListObject *)b;
    if (Py_SIZE(left) != Py_SIZE(right) && (op == Py_EQ || op == Py_NE)) return PyBool_FromLong(op == Py_NE);
    Py_ssize_t i;
    for (i = 0; i < Py_SIZE(left) && i < Py_SIZE(right); i++) {
        PyObject *x = left->ob_item[i], *y = right->ob_item[i];
        if (x == y) continue;
        Py_INCREF(x);
        Py_INCREF(y);
        int equal = PyObject_RichCompareBool(x, y, Py_EQ);
        Py_DECREF(x);
        Py_DECREF(y);
        if (equal < 0) return NULL;
        if (!equal) break;
    }
    if (i >= Py_SIZE(left) || i >= Py_SIZE(right)) Py_RETURN_RICHCOMPARE(Py_SIZE(left), Py_SIZE(right), op);
    if (op == Py_EQ) Py_RETURN_FALSE;
    if (op == Py_NE) Py_RETURN_TRUE;
    PyObject *x = Py_NewRef(left->ob_item[i]), *y = Py_NewRef(right->ob_item[i]);
    PyObject *result = PyObject_RichCompare(x, y, op);
    Py_DECREF(x);
    Py_DECREF(y);
    return result;
}

static int init_from(PyListObject *self, PyObject *iterable) {
    if (self->ob_item != NULL) list_clear_items(self);
    return iterable == NULL ? 0 : list_extend_with(self, iterable);
}

static int list_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *iterable = NULL;
    if ((PyList_CheckExact(self) || Py_TYPE(self)->tp_new == PyList_Type.tp_new) && !_PyArg_NoKeywords("list", kwargs))
        return -1;
    if (!PyArg_UnpackTuple(args, "list", 0, 1, &iterable)) return -1;
    return init_from((PyListObject *)self, iterable);
}

static PyObject *list_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (!_PyArg_NoKwnames("list", kwnames)) return NULL;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_CheckPositional("list", count, 0, 1)) return NULL;
    PyObject *self = type == (PyObject *)&PyList_Type ? PyList_New(0) : PyType_GenericAlloc((PyTypeObject *)type, 0);
    if (self != NULL && count > 0 && init_from((PyListObject *)self, args[0]) < 0) Py_CLEAR(self);
    return self;
}

PyObject *PyList_AsTuple(PyObject *op) {
    if (op == NULL || !PyList_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return kr_tuple_from_array(((PyListObject *)op)->ob_item, Py_SIZE(op));
}

int PyList_Reverse(PyObject *op) {
    if (op == NULL || !PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (Py_SIZE(op) < 2) return 0;
    PyObject **low = ((PyListObject *)op)->ob_item, **high = low + Py_SIZE(op) - 1;
    while (low < high) {
        PyObject *item = *low;
        *low++ = *high;
        *high-- = item;
    }
    return 0;
}

int PyList_Sort(PyObject *op) {
    if (op == NULL || !PyList_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return kr_list_sort((PyListObject *)op, NULL, 0);
}

/* Methods. */

static PyObject *list_append(PyListObject *self, PyObject *item) {
    if (kr_list_append_steal(self, Py_NewRef(item)) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *list_insert(PyListObject *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("insert", count, 2, 2)) return NULL;
    PyObject *index_object = _PyNumber_Index(args[0]);
    if (index_object == NULL) return NULL;
    Py_ssize_t index = PyLong_AsSsize_t(index_object);
    Py_DECREF(index_object);
    if (index == -1 && PyErr_Occurred()) return NULL;
    if (insert_at(self, index, args[1]) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *list_clear(PyListObject *self, PyObject *unused) {
    list_clear_items(self);
    Py_RETURN_NONE;
}

static PyObject *list_copy(PyListObject *self, PyObject *unused) {
    return kr_list_from_array(self->ob_item, Py_SIZE(self));
}

static PyObject *list_pop(PyListObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t index = -1;
    if (!_PyArg_CheckPositional("pop", count, 0, 1)) return NULL;
    if (count > 0) {
        PyObject *index_object = _PyNumber_Index(args[0]);
        if (index_object == NULL) return NULL;
        index = PyLong_AsSsize_t(index_object);
        Py_DECREF(index_object);
        if (index == -1 && PyErr_Occurred()) return NULL;
    }
    Py_ssize_t size = Py_SIZE(self);
    if (size == 0) return index_error("pop from empty list");
    if (index < 0) index += size;
    if ((size_t)index >= (size_t)size) return index_error("pop index out of range");
    PyObject *item = self->ob_item[index];
    memmove(self->ob_item + index, self->ob_item + index + 1, (size_t)(size - index - 1) * sizeof(PyObject *));
    if (kr_list_resize(self, size - 1) < 0) {
        PyErr_Clear();
        Py_SET_SIZE(self, size - 1);
    }
    return item;
}

static PyObject *list_remove(PyListObject *self, PyObject *value) {
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        int equal = item_equals(self, i, value);
        if (equal < 0) return NULL;
        if (equal) {
            if (replace_slice(self, i, i + 1, NULL) < 0) return NULL;
            Py_RETURN_NONE;
        }
    }
    PyErr_SetString(PyExc_ValueError, "list.remove(x): x not in list");
    return NULL;
}

static PyObject *list_index(PyListObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t start = 0, stop = PY_SSIZE_T_MAX;
    if (!_PyArg_CheckPositional("index", count, 1, 3)) return NULL;
    if (count > 1 && !_PyEval_SliceIndexNotNone(args[1], &start)) return NULL;
    if (count > 2 && !_PyEval_SliceIndexNotNone(args[2], &stop)) return NULL;
    if (start < 0) {
        start += Py_SIZE(self);
        if (start < 0) start = 0;
    }
    if (stop < 0) {
        stop += Py_SIZE(self);
        if (stop < 0) stop = 0;
    }
    for (Py_ssize_t i = start; i < stop && i < Py_SIZE(self); i++) {
        int equal = item_equals(self, i, args[0]);
        if (equal > 0) return PyLong_FromSsize_t(i);
        if (equal < 0) return NULL;
    }
    PyErr_Format(PyExc_ValueError, "%R is not in list", args[0]);
    return NULL;
}

static PyObject *list_count(PyListObject *self, PyObject *value) {
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        int equal = item_equals(self, i, value);
        if (equal < 0) return NULL;
        count += equal;
    }
    return PyLong_FromSsize_t(count);
}

static PyObject *list_reverse(PyListObject *self, PyObject *unused) {
    PyList_Reverse((PyObject *)self);
    Py_RETURN_NONE;
}

static PyObject *list_sort(PyListObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"key", "reverse", NULL};
    static _PyArg_Parser parser = {NULL, keywords, "sort", 0};
    PyObject *values[2] = {NULL, NULL}, *key = NULL;
    int reverse = 0;
    if (count != 0 || kwnames != NULL) {
        args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 0, 0, values);
        if (args == NULL) return NULL;
        if (args[0] != NULL && args[0] != Py_None) key = args[0];
        if (args[1] != NULL) {
            reverse = _PyLong_AsInt(args[1]);
            if (reverse == -1 && PyErr_Occurred()) return NULL;
        }
    }
    if (kr_list_sort(self, key, reverse) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *list_sizeof(PyListObject *self, PyObject *unused) {
    return PyLong_FromSsize_t(Py_TYPE(self)->tp_basicsize + self->allocated * (Py_ssize_t)sizeof(PyObject *));
}

/* The iterators. */

static PyObject *iterator_new(PyTypeObject *type, PyObject *sequence, Py_ssize_t index) {
    KrListIterator *self = kr_gc_alloc(sizeof(KrListIterator));
    if (self == NULL) return PyErr_NoMemory();
    kr_header_init((PyObject *)self, type);
    self->index = index;
    self->list = (PyListObject *)Py_NewRef(sequence);
    kr_gc_track(self);
    return (PyObject *)self;
}

static PyObject *list_iter(PyObject *self) { return iterator_new(&PyListIter_Type, self, 0); }

static PyObject *list_reversed(PyObject *self, PyObject *unused) {
    return iterator_new(&PyListRevIter_Type, self, Py_SIZE(self) - 1);
}

static void iterator_dealloc(KrListIterator *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->list);
    kr_gc_free(self);
}

static int iterator_traverse(KrListIterator *self, visitproc visit, void *arg) {
    Py_VISIT(self->list);
    return 0;
}

static PyObject *iterator_next(KrListIterator *self) {
    PyListObject *list = self->list;
    if (list == NULL) return NULL;
    if (self->index < Py_SIZE(list)) return Py_NewRef(list->ob_item[self->index++]);
    self->list = NULL;
    Py_DECREF(list);
    return NULL;
}

static PyObject *iterator_length_hint(KrListIterator *self, PyObject *unused) {
    Py_ssize_t left = self->list == NULL ? 0 : Py_SIZE(self->list) - self->index;
    return PyLong_FromSsize_t(left < 0 ? 0 : left);
}

/* The name of the function is looked up first, since that may run code which exhausts the iterator. */
static PyObject *reduce(KrListIterator *self, PyObject *function) {
    if (function == NULL) return NULL;
    if (self->list != NULL) return Py_BuildValue("N(O)n", function, self->list, self->index);
    Py_DECREF(function);
    PyObject *iter = _PyEval_GetBuiltin(KR_NAME(iter));
    return iter == NULL ? NULL : Py_BuildValue("N([])", iter);
}

static PyObject *iterator_reduce(KrListIterator *self, PyObject *unused) {
    return reduce(self, _PyEval_GetBuiltin(KR_NAME(iter)));
}

static PyObject *iterator_setstate(KrListIterator *self, PyObject *index_object) {
    return kr_iterator_set_index(&self->index, index_object, 0, self->list == NULL ? 0 : Py_SIZE(self->list));
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", (PyCFunction)iterator_length_hint, METH_NOARGS, "Number of items that are left."},
    {"__reduce__", (PyCFunction)iterator_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)iterator_setstate, METH_O, "Restore the position from pickling."},
    {NULL},
};

PyTypeObject PyListIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "list_iterator",
    .tp_basicsize = sizeof(KrListIterator),
    .tp_dealloc = (destructor)iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)iterator_next,
    .tp_methods = iterator_methods,
};

static PyObject *reverse_next(KrListIterator *self) {
    PyListObject *list = self->list;
    if (list == NULL) return NULL;
    if (self->index >= 0 && self->index < Py_SIZE(list)) return Py_NewRef(list->ob_item[self->index--]);
    self->index = -1;
    self->list = NULL;
    Py_DECREF(list);
    return NULL;
}

static PyObject *reverse_length_hint(KrListIterator *self, PyObject *unused) {
    Py_ssize_t left = self->index + 1;
    if (self->list == NULL || Py_SIZE(self->list) < left) left = 0;
    return PyLong_FromSsize_t(left);
}

static PyObject *reverse_reduce(KrListIterator *self, PyObject *unused) {
    return reduce(self, _PyEval_GetBuiltin(KR_NAME(reversed)));
}

static PyObject *reverse_setstate(KrListIterator *self, PyObject *index_object) {
    return kr_iterator_set_index(&self->index, index_object, -1, self->list == NULL ? -1 : Py_SIZE(self->list) - 1);
}

static PyMethodDef reverse_methods[] = {
    {"__length_hint__", (PyCFunction)reverse_length_hint, METH_NOARGS, "Number of items that are left."},
    {"__reduce__", (PyCFunction)reverse_reduce, METH_NOARGS, "State for pickling."},
    {"__setstate__", (PyCFunction)reverse_setstate, METH_O, "Restore the position from pickling."},
    {NULL},
};

PyTypeObject PyListRevIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "list_reverseiterator",
    .tp_basicsize = sizeof(KrListIterator),
    .tp_dealloc = (destructor)iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)reverse_next,
    .tp_methods = reverse_methods,
};

/* The type. */

static PySequenceMethods list_as_sequence = {
    .sq_length = (lenfunc)list_length,
    .sq_concat = (binaryfunc)list_concat,
    .sq_repeat = (ssizeargfunc)list_repeat,
    .sq_item = (ssizeargfunc)list_item,
    .sq_ass_item = (ssizeobjargproc)list_ass_item,
    .sq_contains = (objobjproc)list_contains,
    .sq_inplace_concat = (binaryfunc)list_inplace_concat,
    .sq_inplace_repeat = (ssizeargfunc)list_inplace_repeat,
};

static PyMappingMethods list_as_mapping = {
    .mp_length = (lenfunc)list_length,
    .mp_subscript = (binaryfunc)list_subscript,
    .mp_ass_subscript = (objobjargproc)list_ass_subscript,
};

static PyMethodDef list_methods[] = {
    {"__getitem__", (PyCFunction)list_subscript, METH_O | METH_COEXIST, "x.__getitem__(y) <==> x[y]"},
    {"__reversed__", list_reversed, METH_NOARGS,
     "__reversed__($self, /)\n--\n\nIterator over the items from the last to the first."},
    {"__sizeof__", (PyCFunction)list_sizeof, METH_NOARGS,
     "__sizeof__($self, /)\n--\n\nSize in memory, in bytes, without the items."},
    {"clear", (PyCFunction)list_clear, METH_NOARGS, "clear($self, /)\n--\n\nRemove all items."},
    {"copy", (PyCFunction)list_copy, METH_NOARGS, "copy($self, /)\n--\n\nNew list of the same items."},
    {"append", (PyCFunction)list_append, METH_O, "append($self, object, /)\n--\n\nAdd an item at the end."},
    {"insert", (PyCFunction)(void (*)(void))list_insert, METH_FASTCALL,
     "insert($self, index, object, /)\n--\n\nAdd an item before the position index."},
    {"extend", (PyCFunction)_PyList_Extend, METH_O,
     "extend($self, iterable, /)\n--\n\nAdd the items of an iterable at the end."},
    {"pop", (PyCFunction)(void (*)(void))list_pop, METH_FASTCALL,
     "pop($self, index=-1, /)\n--\n\n"
     "Remove and return the item at index, the last one by default.\n\nRaises IndexError if there is no such item."},
    {"remove", (PyCFunction)list_remove, METH_O,
     "remove($self, value, /)\n--\n\nRemove the first item equal to value.\n\nRaises ValueError if there is none."},
    {"index", (PyCFunction)(void (*)(void))list_index, METH_FASTCALL,
     "index($self, value, start=0, stop=sys.maxsize, /)\n--\n\n"
     "Position of the first item equal to value.\n\nRaises ValueError if there is none."},
    {"count", (PyCFunction)list_count, METH_O, "count($self, value, /)\n--\n\nNumber of items equal to value."},
    {"reverse", (PyCFunction)list_reverse, METH_NOARGS, "reverse($self, /)\n--\n\nReverse the order, in place."},
    {"sort", (PyCFunction)(void (*)(void))list_sort, METH_FASTCALL | METH_KEYWORDS,
     "sort($self, /, *, key=None, reverse=False)\n--\n\n"
     "Sort in place, smallest first, or largest first if reverse is true.\n\n"
     "Items that compare equal keep their order. With a key function, the results of calling it with\n"
     "each item, once, are compared."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "list[...] as a type hint."},
    {NULL},
};

PyTypeObject PyList_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "list",
    .tp_basicsize = sizeof(PyListObject),
    .tp_dealloc = (destructor)list_dealloc,
    .tp_repr = (reprfunc)list_repr,
    .tp_as_sequence = &list_as_sequence,
    .tp_as_mapping = &list_as_mapping,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_LIST_SUBCLASS |
                _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_SEQUENCE,
    .tp_doc = "list(iterable=(), /)\n--\n\n"
              "Mutable sequence, at first of the items of an iterable.",
    .tp_traverse = (traverseproc)list_traverse,
    .tp_clear = (inquiry)list_tp_clear,
    .tp_richcompare = list_richcompare,
    .tp_iter = list_iter,
    .tp_methods = list_methods,
    .tp_init = list_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = PyType_GenericNew,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = list_vectorcall,
};

void _PyList_DebugMallocStats(FILE *out) {}
