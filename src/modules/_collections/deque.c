/* collections.deque: a ring buffer that grows and shrinks by powers of two.
 *
 * Element i lies at ring[(first + i) mod capacity]. Invariants: length <= capacity; capacity is 0 (no ring) or a power of
 * two; length <= maxlen unless that is -1. `changes` counts what would disturb an iterator.
 */
#include <Python.h>

#include "collector/collector.h"
#include "modules/_collections/deque.h"
#include "object/names.h"

#include <stddef.h>
#include <string.h>

enum { FIRST_CAPACITY = 8, SMALLEST_SHRUNK = 32 };

typedef struct {
    PyObject_HEAD
    PyObject **ring;
    size_t capacity;
    size_t first;
    Py_ssize_t length;
    Py_ssize_t maxlen; /* -1: unbounded */
    size_t changes;
    PyObject *weak_references;
} Deque;

#define Deque_Check(object) PyObject_TypeCheck(object, &kr_deque_type)

/* The ring */

static inline PyObject **slot(Deque *self, Py_ssize_t index) {
    return &self->ring[(self->first + (size_t)index) & (self->capacity - 1)];
}

/* Moves the elements to a ring of another capacity. Returns 0, or -1 with MemoryError. */
static int set_capacity(Deque *self, size_t capacity) {
    PyObject **ring = capacity <= PY_SSIZE_T_MAX / sizeof(PyObject *) ? PyMem_New(PyObject *, capacity) : NULL;
    if (ring == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (self->length > 0) {
        size_t length = (size_t)self->length, until_end = self->capacity - self->first;
        size_t head = length < until_end ? length : until_end;
        memcpy(ring, self->ring + self->first, head * sizeof(PyObject *));
        memcpy(ring + head, self->ring, (length - head) * sizeof(PyObject *));
    }
    PyMem_Free(self->ring);
    self->ring = ring;
    self->capacity = capacity;
    self->first = 0;
    return 0;
}

static inline int make_room(Deque *self) {
    if ((size_t)self->length < self->capacity) return 0;
    return set_capacity(self, self->capacity == 0 ? FIRST_CAPACITY : self->capacity * 2);
}

static inline void shrink(Deque *self) {
    if (self->capacity >= SMALLEST_SHRUNK && (size_t)self->length <= self->capacity / 4 &&
        set_capacity(self, self->capacity / 2) < 0)
        PyErr_Clear();
}

/* Remove an element at an end of a deque that is not empty. Return the reference. */
static inline PyObject *take_first(Deque *self) {
    PyObject *element = *slot(self, 0);
    self->first = (self->first + 1) & (self->capacity - 1);
    self->length--;
    self->changes++;
    shrink(self);
    return element;
}

static inline PyObject *take_last(Deque *self) {
    PyObject *element = *slot(self, self->length - 1);
    self->length--;
    self->changes++;
    shrink(self);
    return element;
}

/* Add an element at an end, and drop one at the other end if the deque is full. Take over the reference. Return 0 or -1. */
static inline int put_last(Deque *self, PyObject *element) {
    PyObject *dropped = NULL;
    if (self->length == self->maxlen) {
        if (self->maxlen == 0) {
            Py_DECREF(element);
            return 0;
        }
        dropped = *slot(self, 0);
        self->first = (self->first + 1) & (self->capacity - 1);
        self->length--;
    } else if (make_room(self) < 0) {
        Py_DECREF(element);
        return -1;
    }
    *slot(self, self->length) = element;
    self->length++;
    self->changes++;
    Py_XDECREF(dropped);
    return 0;
}

static inline int put_first(Deque *self, PyObject *element) {
    PyObject *dropped = NULL;
    if (self->length == self->maxlen) {
        if (self->maxlen == 0) {
            Py_DECREF(element);
            return 0;
        }
        dropped = *slot(self, self->length - 1);
        self->length--;
    } else if (make_room(self) < 0) {
        Py_DECREF(element);
        return -1;
    }
    self->first = (self->first - 1) & (self->capacity - 1);
    *slot(self, 0) = element;
    self->length++;
    self->changes++;
    Py_XDECREF(dropped);
    return 0;
}

static int raise_mutated(PyObject *type) {
    PyErr_SetString(type, "deque mutated during iteration");
    return -1;
}

/* Finds the first element equal to a value in a range. Returns its index; -1 if there is none; -2 with an exception, of
 * type `mutation_error` if a comparison changed the deque. */
static Py_ssize_t find(Deque *self, PyObject *value, Py_ssize_t start, Py_ssize_t stop, PyObject *mutation_error) {
    size_t changes = self->changes;
    for (Py_ssize_t i = start; i < stop; i++) {
        PyObject *element = Py_NewRef(*slot(self, i));
        int equal = PyObject_RichCompareBool(element, value, Py_EQ);
        Py_DECREF(element);
        if (equal < 0) return -2;
        if (equal) return i;
        if (self->changes != changes) {
            raise_mutated(mutation_error);
            return -2;
        }
    }
    return -1;
}

/* Ends */

PyDoc_STRVAR(append_doc, "Add an element at the right end.");

static PyObject *deque_append(PyObject *self, PyObject *element) {
    if (put_last((Deque *)self, Py_NewRef(element)) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(appendleft_doc, "Add an element at the left end.");

static PyObject *deque_appendleft(PyObject *self, PyObject *element) {
    if (put_first((Deque *)self, Py_NewRef(element)) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(pop_doc, "Remove and return the rightmost element; raise IndexError if there is none.");

static PyObject *deque_pop(PyObject *op, PyObject *unused) {
    Deque *self = (Deque *)op;
    if (self->length == 0) {
        PyErr_SetString(PyExc_IndexError, "pop from an empty deque");
        return NULL;
    }
    return take_last(self);
}

PyDoc_STRVAR(popleft_doc, "Remove and return the leftmost element; raise IndexError if there is none.");

static PyObject *deque_popleft(PyObject *op, PyObject *unused) {
    Deque *self = (Deque *)op;
    if (self->length == 0) {
        PyErr_SetString(PyExc_IndexError, "pop from an empty deque");
        return NULL;
    }
    return take_first(self);
}

/* Adds all elements of an iterable with one of the functions above. Returns 0 or -1. */
static int extend_with(Deque *self, PyObject *iterable, int (*put)(Deque *, PyObject *)) {
    PyObject *copy = NULL;
    if (iterable == (PyObject *)self) {
        copy = PySequence_List(iterable);
        if (copy == NULL) return -1;
        iterable = copy;
    }
    PyObject *iterator = PyObject_GetIter(iterable);
    Py_XDECREF(copy);
    if (iterator == NULL) return -1;
    iternextfunc next = Py_TYPE(iterator)->tp_iternext;
    PyObject *element;
    int failed = 0;
    while (!failed && (element = next(iterator)) != NULL) failed = put(self, element);
    Py_DECREF(iterator);
    if (!failed && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return -1;
        PyErr_Clear();
    }
    return failed;
}

PyDoc_STRVAR(extend_doc, "Add the elements of an iterable at the right end, one by one.");

static PyObject *deque_extend(PyObject *self, PyObject *iterable) {
    if (extend_with((Deque *)self, iterable, put_last) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(extendleft_doc, "Add the elements of an iterable at the left end, one by one, so that they end up reversed.");

static PyObject *deque_extendleft(PyObject *self, PyObject *iterable) {
    if (extend_with((Deque *)self, iterable, put_first) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(clear_doc, "Remove all elements.");

static int deque_tp_clear(PyObject *op) {
    Deque *self = (Deque *)op;
    PyObject **ring = self->ring;
    size_t capacity = self->capacity, first = self->first;
    Py_ssize_t length = self->length;
    self->ring = NULL;
    self->capacity = self->first = 0;
    self->length = 0;
    self->changes++;
    for (Py_ssize_t i = 0; i < length; i++) Py_DECREF(ring[(first + (size_t)i) & (capacity - 1)]);
    PyMem_Free(ring);
    return 0;
}

static PyObject *deque_clear(PyObject *self, PyObject *unused) {
    deque_tp_clear(self);
    Py_RETURN_NONE;
}

/* Order and search */

static void reverse_range(Deque *self, Py_ssize_t start, Py_ssize_t stop) {
    while (start < --stop) {
        PyObject **left = slot(self, start++), **right = slot(self, stop), *saved = *left;
        *left = *right;
        *right = saved;
    }
}

/* Moves the last `steps` elements to the front, or the first -`steps` to the end. */
static void rotate(Deque *self, Py_ssize_t steps) {
    Py_ssize_t length = self->length;
    if (length <= 1) return;
    steps %= length;
    if (steps > length / 2) steps -= length;
    if (steps < -(length / 2)) steps += length;
    if (steps == 0) return;
    self->changes++;
    if ((size_t)length == self->capacity) {
        /* A full ring only has to begin elsewhere. */
        self->first = (self->first - (size_t)steps) & (self->capacity - 1);
        return;
    }
    for (; steps > 0; steps--) {
        PyObject *element = *slot(self, length - 1);
        self->first = (self->first - 1) & (self->capacity - 1);
        *slot(self, 0) = element;
    }
    for (; steps < 0; steps++) {
        PyObject *element = *slot(self, 0);
        self->first = (self->first + 1) & (self->capacity - 1);
        *slot(self, length - 1) = element;
    }
}

PyDoc_STRVAR(rotate_doc, "Rotate by n steps to the right (1 if not given), or to the left if n is negative.");

static PyObject *deque_rotate(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t steps = 1;
    if (!_PyArg_CheckPositional("deque.rotate", nargs, 0, 1)) return NULL;
    if (nargs == 1) {
        PyObject *index = _PyNumber_Index(args[0]);
        if (index == NULL) return NULL;
        steps = PyLong_AsSsize_t(index);
        Py_DECREF(index);
        if (steps == -1 && PyErr_Occurred()) return NULL;
    }
    rotate((Deque *)self, steps);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reverse_doc, "Reverse the order of the elements in place.");

static PyObject *deque_reverse(PyObject *op, PyObject *unused) {
    Deque *self = (Deque *)op;
    reverse_range(self, 0, self->length);
    self->changes++;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(count_doc, "Return how many elements are equal to the value.");

static PyObject *deque_count(PyObject *op, PyObject *value) {
    Deque *self = (Deque *)op;
    size_t changes = self->changes;
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < self->length; i++) {
        PyObject *element = Py_NewRef(*slot(self, i));
        int equal = PyObject_RichCompareBool(element, value, Py_EQ);
        Py_DECREF(element);
        if (equal < 0) return NULL;
        count += equal;
        if (self->changes != changes) {
            raise_mutated(PyExc_RuntimeError);
            return NULL;
        }
    }
    return PyLong_FromSsize_t(count);
}

static int deque_contains(PyObject *op, PyObject *value) {
    Py_ssize_t index = find((Deque *)op, value, 0, ((Deque *)op)->length, PyExc_RuntimeError);
    return index >= 0 ? 1 : index == -1 ? 0 : -1;
}

PyDoc_STRVAR(index_doc, "Return the index of the first element equal to the value, between the optional start and stop.\n\n"
                        "Raise ValueError if there is none.");

static PyObject *deque_index(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    Deque *self = (Deque *)op;
    PyObject *value;
    Py_ssize_t start = 0, stop = self->length;
    if (!_PyArg_ParseStack(args, nargs, "O|O&O&:index", &value, _PyEval_SliceIndexNotNone, &start,
                           _PyEval_SliceIndexNotNone, &stop))
        return NULL;
    if (start < 0 && (start += self->length) < 0) start = 0;
    if (stop < 0 && (stop += self->length) < 0) stop = 0;
    if (stop > self->length) stop = self->length;
    Py_ssize_t index = find(self, value, start, stop, PyExc_RuntimeError);
    if (index >= 0) return PyLong_FromSsize_t(index);
    if (index == -1) PyErr_Format(PyExc_ValueError, "%R is not in deque", value);
    return NULL;
}

PyDoc_STRVAR(insert_doc, "Insert a value before the given index.\n\nRaise IndexError if the deque has its maximum size.");

static PyObject *deque_insert(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    Deque *self = (Deque *)op;
    Py_ssize_t index;
    PyObject *value;
    if (!_PyArg_ParseStack(args, nargs, "nO:insert", &index, &value)) return NULL;
    if (self->length == self->maxlen) {
        PyErr_SetString(PyExc_IndexError, "deque already at its maximum size");
        return NULL;
    }
    if (index < 0 && (index += self->length) < 0) index = 0;
    if (index > self->length) index = self->length;
    if (make_room(self) < 0) return NULL;
    /* Make the gap by moving the shorter side. */
    if (index < self->length / 2) {
        self->first = (self->first - 1) & (self->capacity - 1);
        self->length++;
        for (Py_ssize_t i = 0; i < index; i++) *slot(self, i) = *slot(self, i + 1);
    } else {
        self->length++;
        for (Py_ssize_t i = self->length - 1; i > index; i--) *slot(self, i) = *slot(self, i - 1);
    }
    *slot(self, index) = Py_NewRef(value);
    self->changes++;
    Py_RETURN_NONE;
}

/* Removes the element at a valid index. */
static void remove_at(Deque *self, Py_ssize_t index) {
    PyObject *element = *slot(self, index);
    if (index < self->length / 2) {
        for (Py_ssize_t i = index; i > 0; i--) *slot(self, i) = *slot(self, i - 1);
        self->first = (self->first + 1) & (self->capacity - 1);
    } else {
        for (Py_ssize_t i = index; i + 1 < self->length; i++) *slot(self, i) = *slot(self, i + 1);
    }
    self->length--;
    self->changes++;
    shrink(self);
    Py_DECREF(element);
}

PyDoc_STRVAR(remove_doc, "Remove the first element equal to the value; raise ValueError if there is none.");

static PyObject *deque_remove(PyObject *op, PyObject *value) {
    Deque *self = (Deque *)op;
    size_t changes = self->changes;
    Py_ssize_t index = find(self, value, 0, self->length, PyExc_IndexError);
    if (index < 0) {
        if (index == -1) PyErr_Format(PyExc_ValueError, "%R is not in deque", value);
        return NULL;
    }
    if (self->changes != changes) {
        raise_mutated(PyExc_IndexError);
        return NULL;
    }
    remove_at(self, index);
    Py_RETURN_NONE;
}

/* Sequence operations */

static Py_ssize_t deque_length(PyObject *self) { return ((Deque *)self)->length; }

static PyObject *deque_item(PyObject *op, Py_ssize_t index) {
    Deque *self = (Deque *)op;
    if (index < 0 || index >= self->length) {
        PyErr_SetString(PyExc_IndexError, "deque index out of range");
        return NULL;
    }
    return Py_NewRef(*slot(self, index));
}

static int deque_assign_item(PyObject *op, Py_ssize_t index, PyObject *value) {
    Deque *self = (Deque *)op;
    if (index < 0 || index >= self->length) {
        PyErr_SetString(PyExc_IndexError, "deque index out of range");
        return -1;
    }
    if (value == NULL) {
        remove_at(self, index);
    } else {
        PyObject *old = *slot(self, index);
        *slot(self, index) = Py_NewRef(value);
        Py_DECREF(old);
    }
    return 0;
}

PyDoc_STRVAR(copy_doc, "Return a shallow copy.");

static PyObject *deque_copy(PyObject *op, PyObject *unused) {
    Deque *self = (Deque *)op;
    if (Py_IS_TYPE(op, &kr_deque_type)) {
        Deque *copy = (Deque *)kr_deque_type.tp_new(&kr_deque_type, NULL, NULL);
        if (copy == NULL) return NULL;
        copy->maxlen = self->maxlen;
        for (Py_ssize_t i = 0; i < self->length; i++) {
            if (put_last(copy, Py_NewRef(*slot(self, i))) < 0) {
                Py_DECREF(copy);
                return NULL;
            }
        }
        return (PyObject *)copy;
    }
    PyObject *type = (PyObject *)Py_TYPE(op);
    PyObject *copy =
        self->maxlen < 0 ? PyObject_CallOneArg(type, op) : PyObject_CallFunction(type, "On", op, self->maxlen);
    if (copy != NULL && !Deque_Check(copy)) {
        PyErr_Format(PyExc_TypeError, "%.200s() must return a deque, not %.200s", Py_TYPE(op)->tp_name,
                     Py_TYPE(copy)->tp_name);
        Py_CLEAR(copy);
    }
    return copy;
}

static PyObject *deque_concat(PyObject *self, PyObject *other) {
    if (!Deque_Check(other)) {
        PyErr_Format(PyExc_TypeError, "can only concatenate deque (not \"%.200s\") to deque", Py_TYPE(other)->tp_name);
        return NULL;
    }
    PyObject *result = deque_copy(self, NULL);
    if (result != NULL && extend_with((Deque *)result, other, put_last) < 0) Py_CLEAR(result);
    return result;
}

static PyObject *deque_inplace_concat(PyObject *self, PyObject *other) {
    return extend_with((Deque *)self, other, put_last) < 0 ? NULL : Py_NewRef(self);
}

static PyObject *deque_inplace_repeat(PyObject *op, Py_ssize_t times) {
    Deque *self = (Deque *)op;
    Py_ssize_t length = self->length;
    if (length == 0 || times == 1) return Py_NewRef(op);
    if (times <= 0) {
        deque_tp_clear(op);
        return Py_NewRef(op);
    }
    /* No more repetitions than a bounded deque can hold. */
    if (self->maxlen >= 0 && times > self->maxlen / length + 1) times = self->maxlen / length + 1;
    if (times > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(PyObject *) / length) return PyErr_NoMemory();
    PyObject *elements = PySequence_List(op);
    if (elements == NULL) return NULL;
    while (--times > 0) {
        if (extend_with(self, elements, put_last) < 0) {
            Py_DECREF(elements);
            return NULL;
        }
    }
    Py_DECREF(elements);
    return Py_NewRef(op);
}

static PyObject *deque_repeat(PyObject *self, Py_ssize_t times) {
    PyObject *copy = deque_copy(self, NULL);
    if (copy == NULL) return NULL;
    PyObject *result = deque_inplace_repeat(copy, times);
    Py_DECREF(copy);
    return result;
}

static PyObject *deque_compare(PyObject *left_op, PyObject *right_op, int op) {
    if (!Deque_Check(left_op) || !Deque_Check(right_op)) Py_RETURN_NOTIMPLEMENTED;
    Deque *left = (Deque *)left_op, *right = (Deque *)right_op;
    if (op == Py_EQ || op == Py_NE) {
        if (left_op == right_op) return PyBool_FromLong(op == Py_EQ);
        if (left->length != right->length) return PyBool_FromLong(op == Py_NE);
    }
    PyObject *left_iterator = PyObject_GetIter(left_op), *right_iterator = PyObject_GetIter(right_op);
    PyObject *x = NULL, *y = NULL, *result = NULL;
    if (left_iterator == NULL || right_iterator == NULL) goto done;
    for (;;) {
        x = PyIter_Next(left_iterator);
        if (x == NULL && PyErr_Occurred()) goto done;
        y = PyIter_Next(right_iterator);
        if (x == NULL || y == NULL) break;
        int equal = PyObject_RichCompareBool(x, y, Py_EQ);
        if (equal < 0) goto done;
        if (equal == 0) {
            int outcome = PyObject_RichCompareBool(x, y, op); /* the first pair that differs decides */
            if (outcome >= 0) result = PyBool_FromLong(outcome);
            goto done;
        }
        Py_CLEAR(x);
        Py_CLEAR(y);
    }
    if (!PyErr_Occurred()) {
        int has_x = x != NULL, has_y = y != NULL;
        switch (op) {
        case Py_LT: result = PyBool_FromLong(!has_x && has_y); break;
        case Py_LE: result = PyBool_FromLong(!has_x); break;
        case Py_EQ: result = PyBool_FromLong(has_x == has_y); break;
        case Py_NE: result = PyBool_FromLong(has_x != has_y); break;
        case Py_GT: result = PyBool_FromLong(has_x && !has_y); break;
        case Py_GE: result = PyBool_FromLong(!has_y); break;
        }
    }
done:
    Py_XDECREF(x);
    Py_XDECREF(y);
    Py_XDECREF(left_iterator);
    Py_XDECREF(right_iterator);
    return result;
}

static PyObject *deque_repr(PyObject *op) {
    int nested = Py_ReprEnter(op);
    if (nested != 0) return nested > 0 ? PyUnicode_FromString("[...]") : NULL;
    PyObject *elements = PySequence_List(op), *result = NULL;
    if (elements != NULL) {
        Py_ssize_t maxlen = ((Deque *)op)->maxlen;
        const char *name = _PyType_Name(Py_TYPE(op));
        result = maxlen >= 0 ? PyUnicode_FromFormat("%s(%R, maxlen=%zd)", name, elements, maxlen)
                             : PyUnicode_FromFormat("%s(%R)", name, elements);
        Py_DECREF(elements);
    }
    Py_ReprLeave(op);
    return result;
}

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the deque.");

static PyObject *deque_reduce(PyObject *op, PyObject *unused) {
    PyObject *state = _PyObject_GetState(op);
    if (state == NULL) return NULL;
    PyObject *iterator = PyObject_GetIter(op);
    if (iterator == NULL) {
        Py_DECREF(state);
        return NULL;
    }
    Py_ssize_t maxlen = ((Deque *)op)->maxlen;
    if (maxlen < 0) return Py_BuildValue("O()NN", Py_TYPE(op), state, iterator);
    return Py_BuildValue("O(()n)NN", Py_TYPE(op), maxlen, state, iterator);
}

PyDoc_STRVAR(sizeof_doc, "Return the deque's size in memory, in bytes.");

static PyObject *deque_sizeof(PyObject *op, PyObject *unused) {
    return PyLong_FromSize_t((size_t)Py_TYPE(op)->tp_basicsize + ((Deque *)op)->capacity * sizeof(PyObject *));
}

static PyObject *deque_maxlen(PyObject *op, void *unused) {
    Py_ssize_t maxlen = ((Deque *)op)->maxlen;
    return maxlen < 0 ? Py_NewRef(Py_None) : PyLong_FromSsize_t(maxlen);
}

/* Life */

static PyObject *deque_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Deque *self = (Deque *)type->tp_alloc(type, 0);
    if (self != NULL) self->maxlen = -1;
    return (PyObject *)self;
}

static int deque_init(PyObject *op, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"iterable", "maxlen", NULL};
    Deque *self = (Deque *)op;
    PyObject *iterable = NULL, *limit = NULL;
    if (kwargs == NULL && PyTuple_GET_SIZE(args) == 1)
        iterable = PyTuple_GET_ITEM(args, 0);
    else if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:deque", keywords, &iterable, &limit))
        return -1;
    Py_ssize_t maxlen = -1;
    if (limit != NULL && limit != Py_None) {
        maxlen = PyLong_AsSsize_t(limit);
        if (maxlen == -1 && PyErr_Occurred()) return -1;
        if (maxlen < 0) {
            PyErr_SetString(PyExc_ValueError, "maxlen must be non-negative");
            return -1;
        }
    }
    self->maxlen = maxlen;
    if (self->length > 0) deque_tp_clear(op);
    return iterable != NULL ? extend_with(self, iterable, put_last) : 0;
}

static void deque_dealloc(PyObject *op) {
    Deque *self = (Deque *)op;
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, deque_dealloc)
    if (self->weak_references != NULL) PyObject_ClearWeakRefs(op);
    deque_tp_clear(op);
    Py_TYPE(op)->tp_free(op);
    Py_TRASHCAN_END
}

static int deque_traverse(PyObject *op, visitproc visit, void *arg) {
    Deque *self = (Deque *)op;
    for (Py_ssize_t i = 0; i < self->length; i++) Py_VISIT(*slot(self, i));
    return 0;
}

/* Iterators */

typedef struct {
    PyObject_HEAD
    Deque *deque;
    size_t changes;
    Py_ssize_t remaining;
} DequeIterator;

static PyObject *new_iterator(PyTypeObject *type, Deque *deque) {
    DequeIterator *self = PyObject_GC_New(DequeIterator, type);
    if (self == NULL) return NULL;
    self->deque = (Deque *)Py_NewRef(deque);
    self->changes = deque->changes;
    self->remaining = deque->length;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static PyObject *deque_iter(PyObject *self) { return new_iterator(&kr_deque_iterator_type, (Deque *)self); }

PyDoc_STRVAR(reversed_doc, "Iterate from the right end to the left.");

static PyObject *deque_reversed(PyObject *self, PyObject *unused) {
    return new_iterator(&kr_deque_reverse_iterator_type, (Deque *)self);
}

static void iterator_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_XDECREF(((DequeIterator *)op)->deque);
    PyObject_GC_Del(op);
}

static int iterator_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((DequeIterator *)op)->deque);
    return 0;
}

static inline PyObject *next_element(DequeIterator *self, int reversed) {
    Deque *deque = self->deque;
    if (deque->changes != self->changes) {
        self->remaining = 0;
        raise_mutated(PyExc_RuntimeError);
        return NULL;
    }
    if (self->remaining == 0) return NULL;
    Py_ssize_t left = self->remaining--;
    return Py_NewRef(*slot(deque, reversed ? left - 1 : deque->length - left));
}

static PyObject *iterator_next(PyObject *self) { return next_element((DequeIterator *)self, 0); }
static PyObject *reverse_iterator_next(PyObject *self) { return next_element((DequeIterator *)self, 1); }

static PyObject *iterator_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *deque;
    Py_ssize_t index = 0;
    if (!PyArg_ParseTuple(args, "O!|n", &kr_deque_type, &deque, &index)) return NULL;
    DequeIterator *self = (DequeIterator *)new_iterator(type, (Deque *)deque);
    if (self == NULL) return NULL;
    if (index > 0) self->remaining = index < self->remaining ? self->remaining - index : 0;
    return (PyObject *)self;
}

PyDoc_STRVAR(length_hint_doc, "Return how many elements are left, as an estimate.");

static PyObject *iterator_length_hint(PyObject *op, PyObject *unused) {
    return PyLong_FromSsize_t(((DequeIterator *)op)->remaining);
}

PyDoc_STRVAR(iterator_reduce_doc, "Return what pickle needs to restore the iterator.");

static PyObject *iterator_reduce(PyObject *op, PyObject *unused) {
    DequeIterator *self = (DequeIterator *)op;
    return Py_BuildValue("O(On)", Py_TYPE(op), self->deque, self->deque->length - self->remaining);
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, length_hint_doc},
    {"__reduce__", iterator_reduce, METH_NOARGS, iterator_reduce_doc},
    {NULL},
};

PyTypeObject kr_deque_iterator_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "_collections._deque_iterator",
    .tp_basicsize = sizeof(DequeIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_methods = iterator_methods,
    .tp_new = iterator_new,
};

PyTypeObject kr_deque_reverse_iterator_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "_collections._deque_reverse_iterator",
    .tp_basicsize = sizeof(DequeIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = reverse_iterator_next,
    .tp_methods = iterator_methods,
    .tp_new = iterator_new,
};

/* The type */

PyDoc_STRVAR(class_getitem_doc, "Return a generic alias; see PEP 585.");

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef deque_methods[] = {
    {"append", deque_append, METH_O, append_doc},
    {"appendleft", deque_appendleft, METH_O, appendleft_doc},
    {"clear", deque_clear, METH_NOARGS, clear_doc},
    {"__copy__", deque_copy, METH_NOARGS, copy_doc},
    {"copy", deque_copy, METH_NOARGS, copy_doc},
    {"count", deque_count, METH_O, count_doc},
    {"extend", deque_extend, METH_O, extend_doc},
    {"extendleft", deque_extendleft, METH_O, extendleft_doc},
    {"index", FASTCALL(deque_index), METH_FASTCALL, index_doc},
    {"insert", FASTCALL(deque_insert), METH_FASTCALL, insert_doc},
    {"pop", deque_pop, METH_NOARGS, pop_doc},
    {"popleft", deque_popleft, METH_NOARGS, popleft_doc},
    {"__reduce__", deque_reduce, METH_NOARGS, reduce_doc},
    {"remove", deque_remove, METH_O, remove_doc},
    {"__reversed__", deque_reversed, METH_NOARGS, reversed_doc},
    {"reverse", deque_reverse, METH_NOARGS, reverse_doc},
    {"rotate", FASTCALL(deque_rotate), METH_FASTCALL, rotate_doc},
    {"__sizeof__", deque_sizeof, METH_NOARGS, sizeof_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PyGetSetDef deque_getset[] = {
    {"maxlen", deque_maxlen, NULL, "The greatest number of elements, or None if there is no limit."},
    {NULL},
};

static PySequenceMethods deque_as_sequence = {
    .sq_length = deque_length,
    .sq_concat = deque_concat,
    .sq_repeat = deque_repeat,
    .sq_item = deque_item,
    .sq_ass_item = deque_assign_item,
    .sq_contains = deque_contains,
    .sq_inplace_concat = deque_inplace_concat,
    .sq_inplace_repeat = deque_inplace_repeat,
};

PyDoc_STRVAR(deque_doc, "deque([iterable[, maxlen]]) -> a sequence that is fast to change at both ends.");

PyTypeObject kr_deque_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "collections.deque",
    .tp_basicsize = sizeof(Deque),
    .tp_dealloc = deque_dealloc,
    .tp_repr = deque_repr,
    .tp_as_sequence = &deque_as_sequence,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_SEQUENCE,
    .tp_doc = deque_doc,
    .tp_traverse = deque_traverse,
    .tp_clear = deque_tp_clear,
    .tp_richcompare = deque_compare,
    .tp_weaklistoffset = offsetof(Deque, weak_references),
    .tp_iter = deque_iter,
    .tp_methods = deque_methods,
    .tp_getset = deque_getset,
    .tp_init = deque_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = deque_new,
    .tp_free = PyObject_GC_Del,
};
