/* set and frozenset: an open-addressed table of keys with their hashes.
 *
 * The order of a set is the order of its table, and programs print sets; so the probing sequence, the growth steps and
 * the ways in which whole sets are combined are those that CPython 3.11 shows from outside: from the hash's slot, up to
 * nine neighbours are tried, then the higher bits of the hash are mixed in. The table has at most 3/5 of its slots in
 * use. A removed key leaves a dummy behind, which only a change of the table's size clears away.
 */
#include <Python.h>

#include "collector/collector.h"
#include "types/dict.h"
#include "types/iter.h"

#include <stddef.h>
#include <string.h>

enum {
    NEIGHBOURS = 9,        /* slots behind the first one that a probe looks at before it jumps */
    PERTURB_SHIFT = 5,     /* bits of the hash that each jump brings in */
    LARGE_SET = 50000,     /* from this size on, a table doubles instead of growing fourfold */
};

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* What stands in the slot of a removed key. It is compared by address only. */
static PyObject dummy = {_PyObject_EXTRA_INIT 1, &PyBaseObject_Type};
PyObject *_PySet_Dummy = &dummy;

static inline int is_unused(const setentry *entry) { return entry->key == NULL; }
static inline int is_active(const setentry *entry) { return entry->key != NULL && entry->key != &dummy; }

/* The table */

static inline int same_text(PyObject *left, PyObject *right) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(left);
    int kind = PyUnicode_KIND(left);
    if (length != PyUnicode_GET_LENGTH(right) || kind != (int)PyUnicode_KIND(right)) return 0;
    return memcmp(PyUnicode_DATA(left), PyUnicode_DATA(right), (size_t)length * kind) == 0;
}

/* Compares a slot's key, whose hash is equal, with a key; this may run Python code. Returns 1 or 0; -1 with an exception;
 * 2 if the table changed meanwhile, so that the search must start anew. */
static int compare_keys(PySetObject *self, setentry *entry, PyObject *key) {
    PyObject *present = entry->key;
    if (PyUnicode_CheckExact(present) && PyUnicode_CheckExact(key)) return same_text(present, key);
    setentry *table = self->table;
    Py_ssize_t mask = self->mask;
    Py_INCREF(present);
    int equal = PyObject_RichCompareBool(present, key, Py_EQ);
    Py_DECREF(present);
    if (equal < 0) return -1;
    return self->table == table && self->mask == mask && entry->key == present ? equal : 2;
}

/* Finds the slot of a key, or the unused slot that ends its search. *vacant, if it is asked for, becomes the last dummy
 * on the way there. Returns NULL with an exception. */
static inline __attribute__((always_inline)) setentry *search(PySetObject *self, PyObject *key, Py_hash_t hash,
                                                              setentry **vacant) {
restart:
    if (vacant != NULL) *vacant = NULL;
    size_t mask = (size_t)self->mask, slot = (size_t)hash & mask, perturb = (size_t)hash;
    setentry *table = self->table;
    for (;;) {
        setentry *entry = &table[slot];
        setentry *last = slot + NEIGHBOURS <= mask ? entry + NEIGHBOURS : entry;
        for (; entry <= last; entry++) {
            if (is_unused(entry)) return entry;
            if (entry->hash == hash) {
                if (entry->key == key) return entry;
                int equal = compare_keys(self, entry, key);
                if (equal == 1) return entry;
                if (UNLIKELY(equal < 0)) return NULL;
                if (UNLIKELY(equal == 2)) goto restart;
            } else if (vacant != NULL && entry->key == &dummy) {
                *vacant = entry;
            }
        }
        perturb >>= PERTURB_SHIFT;
        slot = (slot * 5 + 1 + perturb) & mask;
    }
}

static setentry *find(PySetObject *self, PyObject *key, Py_hash_t hash) { return search(self, key, hash, NULL); }

/* Enters a key that is not in a table without dummies. */
static void enter(setentry *table, size_t mask, PyObject *key, Py_hash_t hash) {
    size_t slot = (size_t)hash & mask, perturb = (size_t)hash;
    for (;;) {
        setentry *entry = &table[slot];
        setentry *last = slot + NEIGHBOURS <= mask ? entry + NEIGHBOURS : entry;
        for (; entry <= last; entry++) {
            if (!is_unused(entry)) continue;
            entry->key = key;
            entry->hash = hash;
            return;
        }
        perturb >>= PERTURB_SHIFT;
        slot = (slot * 5 + 1 + perturb) & mask;
    }
}

/* Moves the keys to a table with more than `minimum` slots. Returns 0, or -1 with MemoryError and nothing changed. */
static int resize(PySetObject *self, Py_ssize_t minimum) {
    size_t size = PySet_MINSIZE;
    while (size <= (size_t)minimum) size <<= 1;
    setentry *old = self->table, *table, saved[PySet_MINSIZE];
    int old_is_large = old != self->smalltable;
    if (size == PySet_MINSIZE) {
        table = self->smalltable;
        if (table == old) {
            if (self->fill == self->used) return 0;
            memcpy(saved, old, sizeof saved);
            old = saved;
        }
    } else {
        table = size <= (size_t)PY_SSIZE_T_MAX / sizeof(setentry) ? PyMem_Malloc(size * sizeof(setentry)) : NULL;
        if (table == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    memset(table, 0, size * sizeof(setentry));
    size_t old_mask = (size_t)self->mask;
    self->mask = (Py_ssize_t)size - 1;
    self->table = table;
    for (setentry *entry = old; entry <= old + old_mask; entry++) {
        if (is_active(entry)) enter(table, size - 1, entry->key, entry->hash);
    }
    self->fill = self->used;
    if (old_is_large) PyMem_Free(old);
    return 0;
}

static inline Py_ssize_t grown_size(PySetObject *self) {
    return self->used > LARGE_SET ? self->used * 2 : self->used * 4;
}

/* Adds a key with a known hash if it is absent; takes a reference of its own. Returns 0 or -1. */
static int add_known_hash(PySetObject *self, PyObject *key, Py_hash_t hash) {
    Py_INCREF(key); /* a comparison might release the caller's */
    setentry *vacant, *entry = search(self, key, hash, &vacant);
    if (entry == NULL || !is_unused(entry)) {
        Py_DECREF(key);
        return entry == NULL ? -1 : 0;
    }
    self->used++;
    /* A comparison may have put another key into the vacant slot since. */
    if (vacant != NULL && vacant->key == &dummy) {
        vacant->key = key;
        vacant->hash = hash;
        return 0;
    }
    entry->key = key;
    entry->hash = hash;
    self->fill++;
    if (LIKELY((size_t)self->fill * 5 < (size_t)self->mask * 3)) return 0;
    return resize(self, grown_size(self));
}

static int add(PySetObject *self, PyObject *key) {
    Py_hash_t hash = kr_hash(key);
    return hash != -1 ? add_known_hash(self, key, hash) : -1;
}

static int contains_known_hash(PySetObject *self, PyObject *key, Py_hash_t hash) {
    setentry *entry = find(self, key, hash);
    return entry == NULL ? -1 : !is_unused(entry);
}

static int contains(PySetObject *self, PyObject *key) {
    Py_hash_t hash = kr_hash(key);
    return hash != -1 ? contains_known_hash(self, key, hash) : -1;
}

/* Removes a key. Returns 1 if it was there, 0 if not, -1 with an exception. */
static int discard_known_hash(PySetObject *self, PyObject *key, Py_hash_t hash) {
    setentry *entry = find(self, key, hash);
    if (entry == NULL) return -1;
    if (is_unused(entry)) return 0;
    PyObject *removed = entry->key;
    entry->key = &dummy;
    entry->hash = -1;
    self->used--;
    Py_DECREF(removed);
    return 1;
}

static int discard(PySetObject *self, PyObject *key) {
    Py_hash_t hash = kr_hash(key);
    return hash != -1 ? discard_known_hash(self, key, hash) : -1;
}

/* The next slot in use at or after *position, or NULL; *position is moved behind it. */
static inline setentry *next_entry(PySetObject *self, Py_ssize_t *position) {
    for (Py_ssize_t slot = *position; slot <= self->mask; slot++) {
        if (is_active(&self->table[slot])) {
            *position = slot + 1;
            return &self->table[slot];
        }
    }
    *position = self->mask + 1;
    return NULL;
}

static void reset_table(PySetObject *self) {
    memset(self->smalltable, 0, sizeof self->smalltable);
    self->fill = 0;
    self->used = 0;
    self->mask = PySet_MINSIZE - 1;
    self->table = self->smalltable;
    self->hash = -1;
}

/* Empties a set. The keys are released only after the set is in order again. */
static int clear(PyObject *op) {
    PySetObject *self = (PySetObject *)op;
    setentry *table = self->table, saved[PySet_MINSIZE];
    size_t slots = (size_t)self->mask + 1;
    int large = table != self->smalltable;
    if (self->fill > 0 && !large) {
        memcpy(saved, table, sizeof saved);
        table = saved;
    }
    Py_ssize_t filled = self->fill;
    reset_table(self);
    for (setentry *entry = table; filled > 0 && entry < table + slots; entry++) {
        if (is_unused(entry)) continue;
        filled--;
        if (entry->key != &dummy) Py_DECREF(entry->key);
    }
    if (large) PyMem_Free(table);
    return 0;
}

/* Adding many */

/* Adds all keys of another set. Returns 0 or -1. */
static int merge(PySetObject *self, PyObject *op) {
    PySetObject *other = (PySetObject *)op;
    if (other == self || other->used == 0) return 0;
    if ((size_t)(self->fill + other->used) * 5 >= (size_t)self->mask * 3 &&
        resize(self, (self->used + other->used) * 2) < 0)
        return -1;
    if (self->fill == 0) {
        /* An empty table takes the keys without comparing; one of equal size takes them slot by slot. */
        int same_shape = self->mask == other->mask && other->fill == other->used;
        size_t mask = (size_t)self->mask;
        for (size_t slot = 0; slot <= (size_t)other->mask; slot++) {
            setentry *entry = &other->table[slot];
            if (!is_active(entry)) continue;
            Py_INCREF(entry->key);
            if (same_shape)
                self->table[slot] = *entry;
            else
                enter(self->table, mask, entry->key, entry->hash);
        }
        self->fill = self->used = other->used;
        return 0;
    }
    for (Py_ssize_t slot = 0; slot <= other->mask; slot++) {
        setentry *entry = &other->table[slot];
        if (is_active(entry) && add_known_hash(self, entry->key, entry->hash) < 0) return -1;
    }
    return 0;
}

/* Adds the elements of any iterable. Returns 0 or -1. */
static int update_from(PySetObject *self, PyObject *iterable) {
    if (PyAnySet_Check(iterable)) return merge(self, iterable);
    if (PyDict_CheckExact(iterable)) {
        Py_ssize_t size = PyDict_GET_SIZE(iterable);
        if ((size_t)(self->fill + size) * 5 >= (size_t)self->mask * 3 && resize(self, (self->used + size) * 2) < 0)
            return -1;
        Py_ssize_t position = 0;
        PyObject *key, *value;
        Py_hash_t hash;
        while (_PyDict_Next(iterable, &position, &key, &value, &hash)) {
            if (add_known_hash(self, key, hash) < 0) return -1;
        }
        return 0;
    }
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) return -1;
    PyObject *key;
    while ((key = PyIter_Next(iterator)) != NULL) {
        int failed = add(self, key);
        Py_DECREF(key);
        if (failed) {
            Py_DECREF(iterator);
            return -1;
        }
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

/* Creation and destruction */

static PyObject *make_set(PyTypeObject *type, PyObject *iterable) {
    PySetObject *self = (PySetObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->fill = 0;
    self->used = 0;
    self->mask = PySet_MINSIZE - 1;
    self->table = self->smalltable;
    self->hash = -1;
    self->finger = 0;
    self->weakreflist = NULL;
    if (iterable != NULL && update_from(self, iterable) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* Makes a set or frozenset, whichever the given type is or derives from. */
static PyObject *make_plain_set(PyTypeObject *type, PyObject *iterable) {
    if (type != &PySet_Type && type != &PyFrozenSet_Type)
        type = PyType_IsSubtype(type, &PySet_Type) ? &PySet_Type : &PyFrozenSet_Type;
    return make_set(type, iterable);
}

static PyObject *make_frozenset(PyTypeObject *type, PyObject *iterable) {
    if (type == &PyFrozenSet_Type && iterable != NULL && PyFrozenSet_CheckExact(iterable)) return Py_NewRef(iterable);
    return make_set(type, iterable);
}

static PyObject *set_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) { return make_set(type, NULL); }

static PyObject *frozenset_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if ((type == &PyFrozenSet_Type || type->tp_init == PyFrozenSet_Type.tp_init) &&
        !_PyArg_NoKeywords("frozenset", kwargs))
        return NULL;
    if (!_PyArg_CheckPositional(type->tp_name, PyTuple_GET_SIZE(args), 0, 1)) return NULL;
    return make_frozenset(type, PyTuple_GET_SIZE(args) == 1 ? PyTuple_GET_ITEM(args, 0) : NULL);
}

static int set_init(PyObject *op, PyObject *args, PyObject *kwargs) {
    PySetObject *self = (PySetObject *)op;
    if (!_PyArg_NoKeywords("set", kwargs)) return -1;
    if (!_PyArg_CheckPositional(Py_TYPE(op)->tp_name, PyTuple_GET_SIZE(args), 0, 1)) return -1;
    if (self->fill > 0) clear(op);
    self->hash = -1;
    return PyTuple_GET_SIZE(args) == 1 ? update_from(self, PyTuple_GET_ITEM(args, 0)) : 0;
}

static PyObject *set_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_NoKwnames("set", kwnames) || !_PyArg_CheckPositional("set", nargs, 0, 1)) return NULL;
    return make_set((PyTypeObject *)type, nargs == 1 ? args[0] : NULL);
}

static PyObject *frozenset_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_NoKwnames("frozenset", kwnames) || !_PyArg_CheckPositional("frozenset", nargs, 0, 1)) return NULL;
    return make_frozenset((PyTypeObject *)type, nargs == 1 ? args[0] : NULL);
}

static void set_dealloc(PyObject *op) {
    PySetObject *self = (PySetObject *)op;
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, set_dealloc)
    if (self->weakreflist != NULL) PyObject_ClearWeakRefs(op);
    setentry *end = self->table + self->mask;
    Py_ssize_t left = self->used;
    for (setentry *entry = self->table; left > 0 && entry <= end; entry++) {
        if (!is_active(entry)) continue;
        left--;
        Py_DECREF(entry->key);
    }
    if (self->table != self->smalltable) PyMem_Free(self->table);
    Py_TYPE(op)->tp_free(op);
    Py_TRASHCAN_END
}

static int set_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_ssize_t position = 0;
    setentry *entry;
    while ((entry = next_entry((PySetObject *)op, &position)) != NULL) Py_VISIT(entry->key);
    return 0;
}

/* Iteration */

typedef struct {
    PyObject_HEAD
    PySetObject *set; /* NULL once exhausted */
    Py_ssize_t used;  /* the set's size at the start; -1 after it was found to have changed */
    Py_ssize_t position;
    Py_ssize_t remaining;
} SetIterator;

static PyObject *set_iter(PyObject *set) {
    SetIterator *self = PyObject_GC_New(SetIterator, &PySetIter_Type);
    if (self == NULL) return NULL;
    self->set = (PySetObject *)Py_NewRef(set);
    self->used = self->remaining = self->set->used;
    self->position = 0;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static void iterator_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_XDECREF(((SetIterator *)op)->set);
    PyObject_GC_Del(op);
}

static int iterator_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((SetIterator *)op)->set);
    return 0;
}

static PyObject *iterator_next(PyObject *op) {
    SetIterator *self = (SetIterator *)op;
    PySetObject *set = self->set;
    if (set == NULL) return NULL;
    if (self->used != set->used) {
        PyErr_SetString(PyExc_RuntimeError, "Set changed size during iteration");
        self->used = -1;
        return NULL;
    }
    setentry *entry = next_entry(set, &self->position);
    if (entry == NULL) {
        self->set = NULL;
        Py_DECREF(set);
        return NULL;
    }
    self->remaining--;
    return Py_NewRef(entry->key);
}

PyDoc_STRVAR(length_hint_doc, "Return how many elements are left, as an estimate.");

static PyObject *iterator_length_hint(PyObject *op, PyObject *unused) {
    SetIterator *self = (SetIterator *)op;
    int valid = self->set != NULL && self->used == self->set->used;
    return PyLong_FromSsize_t(valid ? self->remaining : 0);
}

PyDoc_STRVAR(iterator_reduce_doc, "Return what pickle needs to restore the elements that are left.");

static PyObject *iterator_reduce(PyObject *op, PyObject *unused) {
    SetIterator *self = (SetIterator *)op;
    PyObject *rest;
    if (self->set == NULL) {
        rest = PyList_New(0);
    } else {
        /* Walk on with a copy, so that this iterator stays where it is. */
        SetIterator *copy = (SetIterator *)set_iter((PyObject *)self->set);
        if (copy == NULL) return NULL;
        copy->used = self->used;
        copy->position = self->position;
        copy->remaining = self->remaining;
        rest = PySequence_List((PyObject *)copy);
        Py_DECREF(copy);
    }
    return kr_iterator_reduce_rest(rest);
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, length_hint_doc},
    {"__reduce__", iterator_reduce, METH_NOARGS, iterator_reduce_doc},
    {NULL},
};

PyTypeObject PySetIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "set_iterator",
    .tp_basicsize = sizeof(SetIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_methods = iterator_methods,
};

/* Elements */

/* An operation on a key that may itself be a set: an unhashable one stands for the frozenset with its elements. */
static int with_set_as_key(PySetObject *self, PyObject *key, int (*operation)(PySetObject *, PyObject *)) {
    int result = operation(self, key);
    if (result >= 0 || !PySet_Check(key) || !PyErr_ExceptionMatches(PyExc_TypeError)) return result;
    PyErr_Clear();
    PyObject *frozen = make_set(&PyFrozenSet_Type, key);
    if (frozen == NULL) return -1;
    result = operation(self, frozen);
    Py_DECREF(frozen);
    return result;
}

static int set_contains(PyObject *self, PyObject *key) {
    return with_set_as_key((PySetObject *)self, key, contains);
}

static PyObject *set_contains_method(PyObject *self, PyObject *key) {
    int present = set_contains(self, key);
    return present < 0 ? NULL : PyBool_FromLong(present);
}

static PyObject *set_add(PyObject *self, PyObject *key) {
    if (add((PySetObject *)self, key) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *set_discard(PyObject *self, PyObject *key) {
    if (with_set_as_key((PySetObject *)self, key, discard) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *set_remove(PyObject *self, PyObject *key) {
    int removed = with_set_as_key((PySetObject *)self, key, discard);
    if (removed < 0) return NULL;
    if (removed == 0) {
        _PyErr_SetKeyError(key);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *set_pop(PyObject *op, PyObject *unused) {
    PySetObject *self = (PySetObject *)op;
    if (self->used == 0) {
        PyErr_SetString(PyExc_KeyError, "pop from an empty set");
        return NULL;
    }
    /* The search goes on where the last one ended, so that popping everything takes linear time. */
    Py_ssize_t slot = self->finger & self->mask;
    while (!is_active(&self->table[slot])) slot = (slot + 1) & self->mask;
    setentry *entry = &self->table[slot];
    PyObject *key = entry->key;
    entry->key = &dummy;
    entry->hash = -1;
    self->used--;
    self->finger = slot + 1;
    return key;
}

static PyObject *set_clear(PyObject *self, PyObject *unused) {
    clear(self);
    Py_RETURN_NONE;
}

static PyObject *set_copy(PyObject *self, PyObject *unused) { return make_plain_set(Py_TYPE(self), self); }

static PyObject *frozenset_copy(PyObject *self, PyObject *unused) {
    return PyFrozenSet_CheckExact(self) ? Py_NewRef(self) : set_copy(self, NULL);
}

/* Exchanges the contents of two sets. */
static void swap_contents(PySetObject *left, PySetObject *right) {
    setentry *left_table = left->table, *right_table = right->table;
    int left_large = left_table != left->smalltable, right_large = right_table != right->smalltable;
#define SWAP(type, field)                                                                                              \
    do {                                                                                                               \
        type saved = left->field;                                                                                      \
        left->field = right->field;                                                                                    \
        right->field = saved;                                                                                          \
    } while (0)
    SWAP(Py_ssize_t, fill);
    SWAP(Py_ssize_t, used);
    SWAP(Py_ssize_t, mask);
#undef SWAP
    left->table = right_large ? right_table : left->smalltable;
    right->table = left_large ? left_table : right->smalltable;
    setentry saved[PySet_MINSIZE];
    memcpy(saved, left->smalltable, sizeof saved);
    memcpy(left->smalltable, right->smalltable, sizeof saved);
    memcpy(right->smalltable, saved, sizeof saved);
    left->hash = right->hash = -1;
}

/* Set algebra */

static PyObject *set_update(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    for (Py_ssize_t i = 0; i < nargs; i++) {
        if (update_from((PySetObject *)self, args[i]) < 0) return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *set_union(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    PyObject *result = set_copy(self, NULL);
    for (Py_ssize_t i = 0; result != NULL && i < nargs; i++) {
        if (args[i] != self && update_from((PySetObject *)result, args[i]) < 0) Py_CLEAR(result);
    }
    return result;
}

static PyObject *intersect(PySetObject *self, PyObject *other) {
    if ((PyObject *)self == other) return set_copy(other, NULL);
    PySetObject *result = (PySetObject *)make_plain_set(Py_TYPE(self), NULL);
    if (result == NULL) return NULL;
    if (PyAnySet_Check(other)) {
        PySetObject *smaller = (PySetObject *)other, *larger = self;
        if (smaller->used > larger->used) {
            smaller = self;
            larger = (PySetObject *)other;
        }
        Py_ssize_t position = 0;
        setentry *entry;
        while ((entry = next_entry(smaller, &position)) != NULL) {
            PyObject *key = Py_NewRef(entry->key);
            Py_hash_t hash = entry->hash;
            int present = contains_known_hash(larger, key, hash);
            if (present > 0) present = add_known_hash(result, key, hash);
            Py_DECREF(key);
            if (present < 0) goto failed;
        }
        return (PyObject *)result;
    }
    PyObject *iterator = PyObject_GetIter(other);
    if (iterator == NULL) goto failed;
    PyObject *key;
    while ((key = PyIter_Next(iterator)) != NULL) {
        Py_hash_t hash = kr_hash(key);
        int present = hash != -1 ? contains_known_hash(self, key, hash) : -1;
        if (present > 0) present = add_known_hash(result, key, hash);
        Py_DECREF(key);
        if (present < 0) {
            Py_DECREF(iterator);
            goto failed;
        }
    }
    Py_DECREF(iterator);
    if (!PyErr_Occurred()) return (PyObject *)result;
failed:
    Py_DECREF(result);
    return NULL;
}

static PyObject *set_intersection(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs == 0) return set_copy(self, NULL);
    PyObject *result = Py_NewRef(self);
    for (Py_ssize_t i = 0; result != NULL && i < nargs; i++) Py_SETREF(result, intersect((PySetObject *)result, args[i]));
    return result;
}

static PyObject *set_intersection_update(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    PyObject *result = set_intersection(self, args, nargs);
    if (result == NULL) return NULL;
    swap_contents((PySetObject *)self, (PySetObject *)result);
    Py_DECREF(result);
    Py_RETURN_NONE;
}

/* Removes the elements of any iterable. Returns 0 or -1. */
static int subtract_from(PySetObject *self, PyObject *other) {
    if ((PyObject *)self == other) return clear(other);
    if (PyAnySet_Check(other)) {
        Py_INCREF(other);
        /* A much larger set is first cut down to what the two have in common. */
        if (PySet_GET_SIZE(other) >> 3 > self->used) {
            Py_SETREF(other, intersect(self, other));
            if (other == NULL) return -1;
        }
        Py_ssize_t position = 0;
        setentry *entry;
        while ((entry = next_entry((PySetObject *)other, &position)) != NULL) {
            PyObject *key = Py_NewRef(entry->key);
            int removed = discard_known_hash(self, key, entry->hash);
            Py_DECREF(key);
            if (removed < 0) {
                Py_DECREF(other);
                return -1;
            }
        }
        Py_DECREF(other);
    } else {
        PyObject *iterator = PyObject_GetIter(other);
        if (iterator == NULL) return -1;
        PyObject *key;
        while ((key = PyIter_Next(iterator)) != NULL) {
            int removed = discard(self, key);
            Py_DECREF(key);
            if (removed < 0) {
                Py_DECREF(iterator);
                return -1;
            }
        }
        Py_DECREF(iterator);
        if (PyErr_Occurred()) return -1;
    }
    /* Clear the dummies away when they fill more than a quarter of the table. */
    if ((size_t)(self->fill - self->used) <= (size_t)self->mask / 4) return 0;
    return resize(self, grown_size(self));
}

static PyObject *set_difference_update(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    for (Py_ssize_t i = 0; i < nargs; i++) {
        if (subtract_from((PySetObject *)self, args[i]) < 0) return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *copy_and_subtract(PySetObject *self, PyObject *other) {
    PyObject *result = set_copy((PyObject *)self, NULL);
    if (result != NULL && subtract_from((PySetObject *)result, other) < 0) Py_CLEAR(result);
    return result;
}

static PyObject *subtract(PySetObject *self, PyObject *other) {
    Py_ssize_t others;
    if (PyAnySet_Check(other))
        others = PySet_GET_SIZE(other);
    else if (PyDict_CheckExact(other))
        others = PyDict_GET_SIZE(other);
    else
        return copy_and_subtract(self, other);
    /* When self is much larger, removing a few keys from a copy is cheaper than looking each of its own up. */
    if (self->used >> 2 > others) return copy_and_subtract(self, other);
    PySetObject *result = (PySetObject *)make_plain_set(Py_TYPE(self), NULL);
    if (result == NULL) return NULL;
    int other_is_dict = PyDict_CheckExact(other);
    Py_ssize_t position = 0;
    setentry *entry;
    while ((entry = next_entry(self, &position)) != NULL) {
        PyObject *key = Py_NewRef(entry->key);
        Py_hash_t hash = entry->hash;
        int present = other_is_dict ? _PyDict_Contains_KnownHash(other, key, hash)
                                    : contains_known_hash((PySetObject *)other, key, hash);
        if (present == 0) present = add_known_hash(result, key, hash);
        Py_DECREF(key);
        if (present < 0) {
            Py_DECREF(result);
            return NULL;
        }
    }
    return (PyObject *)result;
}

static PyObject *set_difference(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs == 0) return set_copy(self, NULL);
    PyObject *result = subtract((PySetObject *)self, args[0]);
    for (Py_ssize_t i = 1; result != NULL && i < nargs; i++) {
        if (subtract_from((PySetObject *)result, args[i]) < 0) Py_CLEAR(result);
    }
    return result;
}

/* Removes a key if it is there, adds it if not. Returns 0 or -1. */
static int toggle(PySetObject *self, PyObject *key, Py_hash_t hash) {
    Py_INCREF(key);
    int removed = discard_known_hash(self, key, hash);
    if (removed == 0) removed = add_known_hash(self, key, hash);
    Py_DECREF(key);
    return removed < 0 ? -1 : 0;
}

static PyObject *set_symmetric_difference_update(PyObject *op, PyObject *other) {
    PySetObject *self = (PySetObject *)op;
    if (op == other) return set_clear(op, NULL);
    Py_ssize_t position = 0;
    if (PyDict_CheckExact(other)) {
        PyObject *key, *value;
        Py_hash_t hash;
        while (_PyDict_Next(other, &position, &key, &value, &hash)) {
            if (toggle(self, key, hash) < 0) return NULL;
        }
        Py_RETURN_NONE;
    }
    PyObject *set = PyAnySet_Check(other) ? Py_NewRef(other) : make_plain_set(Py_TYPE(op), other);
    if (set == NULL) return NULL;
    setentry *entry;
    while ((entry = next_entry((PySetObject *)set, &position)) != NULL) {
        if (toggle(self, entry->key, entry->hash) < 0) {
            Py_DECREF(set);
            return NULL;
        }
    }
    Py_DECREF(set);
    Py_RETURN_NONE;
}

static PyObject *set_symmetric_difference(PyObject *self, PyObject *other) {
    PyObject *result = make_plain_set(Py_TYPE(self), other);
    if (result == NULL) return NULL;
    PyObject *none = set_symmetric_difference_update(result, self);
    if (none == NULL) Py_CLEAR(result);
    Py_XDECREF(none);
    return result;
}

static PyObject *set_isdisjoint(PyObject *op, PyObject *other) {
    PySetObject *self = (PySetObject *)op;
    if (op == other) return PyBool_FromLong(self->used == 0);
    if (PyAnySet_CheckExact(other)) {
        PySetObject *smaller = (PySetObject *)other, *larger = self;
        if (smaller->used > larger->used) {
            smaller = self;
            larger = (PySetObject *)other;
        }
        Py_ssize_t position = 0;
        setentry *entry;
        while ((entry = next_entry(smaller, &position)) != NULL) {
            PyObject *key = Py_NewRef(entry->key);
            int present = contains_known_hash(larger, key, entry->hash);
            Py_DECREF(key);
            if (present != 0) return present < 0 ? NULL : Py_NewRef(Py_False);
        }
        Py_RETURN_TRUE;
    }
    PyObject *iterator = PyObject_GetIter(other);
    if (iterator == NULL) return NULL;
    int common = 0;
    PyObject *key;
    while (common == 0 && (key = PyIter_Next(iterator)) != NULL) {
        common = contains(self, key);
        Py_DECREF(key);
    }
    Py_DECREF(iterator);
    if (common < 0 || PyErr_Occurred()) return NULL;
    return PyBool_FromLong(!common);
}

/* Tells whether all elements of `self` are in the set `other`: 1, 0, or -1 with an exception. */
static int is_subset(PySetObject *self, PySetObject *other) {
    if (self->used > other->used) return 0;
    Py_ssize_t position = 0;
    setentry *entry;
    while ((entry = next_entry(self, &position)) != NULL) {
        PyObject *key = Py_NewRef(entry->key);
        int present = contains_known_hash(other, key, entry->hash);
        Py_DECREF(key);
        if (present <= 0) return present;
    }
    return 1;
}

static PyObject *set_issubset(PyObject *self, PyObject *other) {
    int result;
    if (PyAnySet_Check(other)) {
        result = is_subset((PySetObject *)self, (PySetObject *)other);
    } else {
        PyObject *common = intersect((PySetObject *)self, other);
        if (common == NULL) return NULL;
        result = PySet_GET_SIZE(common) == PySet_GET_SIZE(self);
        Py_DECREF(common);
    }
    return result < 0 ? NULL : PyBool_FromLong(result);
}

static PyObject *set_issuperset(PyObject *self, PyObject *other) {
    if (PyAnySet_Check(other)) return set_issubset(other, self);
    PyObject *iterator = PyObject_GetIter(other);
    if (iterator == NULL) return NULL;
    int present = 1;
    PyObject *key;
    while (present == 1 && (key = PyIter_Next(iterator)) != NULL) {
        present = contains((PySetObject *)self, key);
        Py_DECREF(key);
    }
    Py_DECREF(iterator);
    if (present < 0 || PyErr_Occurred()) return NULL;
    return PyBool_FromLong(present);
}

/* Operators */

static inline int both_sets(PyObject *left, PyObject *right) { return PyAnySet_Check(left) && PyAnySet_Check(right); }

static PyObject *set_or(PyObject *left, PyObject *right) {
    if (!both_sets(left, right)) Py_RETURN_NOTIMPLEMENTED;
    return set_union(left, &right, 1);
}

static PyObject *set_and(PyObject *left, PyObject *right) {
    if (!both_sets(left, right)) Py_RETURN_NOTIMPLEMENTED;
    return intersect((PySetObject *)left, right);
}

static PyObject *set_subtract(PyObject *left, PyObject *right) {
    if (!both_sets(left, right)) Py_RETURN_NOTIMPLEMENTED;
    return subtract((PySetObject *)left, right);
}

static PyObject *set_xor(PyObject *left, PyObject *right) {
    if (!both_sets(left, right)) Py_RETURN_NOTIMPLEMENTED;
    return set_symmetric_difference(left, right);
}

/* Turns the outcome of a method into that of an in-place operator: the set itself. */
static PyObject *self_or_error(PyObject *self, PyObject *outcome) {
    if (outcome == NULL) return NULL;
    Py_DECREF(outcome);
    return Py_NewRef(self);
}

static PyObject *set_inplace_or(PyObject *self, PyObject *other) {
    if (!PyAnySet_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    return self_or_error(self, set_update(self, &other, 1));
}

static PyObject *set_inplace_and(PyObject *self, PyObject *other) {
    if (!PyAnySet_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    return self_or_error(self, set_intersection_update(self, &other, 1));
}

static PyObject *set_inplace_subtract(PyObject *self, PyObject *other) {
    if (!PyAnySet_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    return self_or_error(self, set_difference_update(self, &other, 1));
}

static PyObject *set_inplace_xor(PyObject *self, PyObject *other) {
    if (!PyAnySet_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    return self_or_error(self, set_symmetric_difference_update(self, other));
}

static PyObject *set_compare(PyObject *op, PyObject *other_op, int operator) {
    if (!PyAnySet_Check(other_op)) Py_RETURN_NOTIMPLEMENTED;
    PySetObject *self = (PySetObject *)op, *other = (PySetObject *)other_op;
    int result = 0;
    switch (operator) {
    case Py_EQ:
    case Py_NE:
        /* Two frozensets that know their hashes may differ at once. */
        if (self->used == other->used && (self->hash == -1 || other->hash == -1 || self->hash == other->hash))
            result = is_subset(self, other);
        if (operator == Py_NE && result >= 0) result = !result;
        break;
    case Py_LE: result = is_subset(self, other); break;
    case Py_GE: result = is_subset(other, self); break;
    case Py_LT:
        if (self->used < other->used) result = is_subset(self, other);
        break;
    case Py_GT:
        if (self->used > other->used) result = is_subset(other, self);
        break;
    }
    return result < 0 ? NULL : PyBool_FromLong(result);
}

/* The hash of a frozenset: the mix of its elements' hashes that collections.abc.Set._hash documents. */
static Py_hash_t frozenset_hash(PyObject *op) {
    PySetObject *self = (PySetObject *)op;
    if (self->hash != -1) return self->hash;
    Py_uhash_t hash = 1927868237UL * ((Py_uhash_t)self->used + 1);
    Py_ssize_t position = 0;
    setentry *entry;
    while ((entry = next_entry(self, &position)) != NULL) {
        Py_uhash_t element = (Py_uhash_t)entry->hash;
        hash ^= (element ^ (element << 16) ^ 89869747UL) * 3644798167UL;
    }
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash * 69069UL + 907133923UL;
    self->hash = hash == (Py_uhash_t)-1 ? 590923713 : (Py_hash_t)hash;
    return self->hash;
}

static PyObject *set_repr(PyObject *op) {
    PySetObject *self = (PySetObject *)op;
    const char *name = Py_TYPE(op)->tp_name;
    int nested = Py_ReprEnter(op);
    if (nested != 0) return nested > 0 ? PyUnicode_FromFormat("%s(...)", name) : NULL;
    PyObject *result = NULL;
    if (self->used == 0) {
        result = PyUnicode_FromFormat("%s()", name);
    } else {
        /* The repr of the list of elements, in braces instead of brackets. */
        PyObject *elements = PySequence_List(op);
        PyObject *text = elements != NULL ? PyObject_Repr(elements) : NULL;
        Py_XDECREF(elements);
        if (text != NULL) Py_SETREF(text, PyUnicode_Substring(text, 1, PyUnicode_GET_LENGTH(text) - 1));
        if (text != NULL)
            result = PySet_CheckExact(op) ? PyUnicode_FromFormat("{%U}", text)
                                          : PyUnicode_FromFormat("%s({%U})", name, text);
        Py_XDECREF(text);
    }
    Py_ReprLeave(op);
    return result;
}

static Py_ssize_t set_length(PyObject *self) { return ((PySetObject *)self)->used; }

static PyObject *set_reduce(PyObject *self, PyObject *unused) {
    PyObject *keys = PySequence_List(self);
    if (keys == NULL) return NULL;
    PyObject *state = _PyObject_GetState(self);
    if (state == NULL) {
        Py_DECREF(keys);
        return NULL;
    }
    return Py_BuildValue("O(N)N", Py_TYPE(self), keys, state);
}

static PyObject *set_sizeof(PyObject *op, PyObject *unused) {
    PySetObject *self = (PySetObject *)op;
    size_t size = (size_t)Py_TYPE(op)->tp_basicsize;
    if (self->table != self->smalltable) size += ((size_t)self->mask + 1) * sizeof(setentry);
    return PyLong_FromSize_t(size);
}

/* The types */

PyDoc_STRVAR(add_doc, "Add an element; nothing happens if it is there already.");
PyDoc_STRVAR(clear_doc, "Remove all elements.");
PyDoc_STRVAR(contains_doc, "Tell whether the set has the element.");
PyDoc_STRVAR(copy_doc, "Return a shallow copy.");
PyDoc_STRVAR(discard_doc, "Remove an element if it is there.");
PyDoc_STRVAR(difference_doc, "Return a new set of the elements that are in none of the given iterables.");
PyDoc_STRVAR(difference_update_doc, "Remove the elements of the given iterables.");
PyDoc_STRVAR(intersection_doc, "Return a new set of the elements that are in all of the given iterables.");
PyDoc_STRVAR(intersection_update_doc, "Keep only the elements that are in all of the given iterables.");
PyDoc_STRVAR(isdisjoint_doc, "Tell whether the set and the iterable have no element in common.");
PyDoc_STRVAR(issubset_doc, "Tell whether the iterable contains every element of the set.");
PyDoc_STRVAR(issuperset_doc, "Tell whether the set contains every element of the iterable.");
PyDoc_STRVAR(pop_doc, "Remove and return some element; raise KeyError if the set is empty.");
PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the set.");
PyDoc_STRVAR(remove_doc, "Remove an element; raise KeyError if it is absent.");
PyDoc_STRVAR(sizeof_doc, "S.__sizeof__() -> the set's size in memory, in bytes.");
PyDoc_STRVAR(symmetric_difference_doc, "Return a new set of the elements that are in one of the two only.");
PyDoc_STRVAR(symmetric_difference_update_doc, "Keep the elements that are in one of the two only.");
PyDoc_STRVAR(union_doc, "Return a new set of the elements of this set and all the given iterables.");
PyDoc_STRVAR(update_doc, "Add the elements of all the given iterables.");
PyDoc_STRVAR(class_getitem_doc, "Return a generic alias; see PEP 585.");

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef set_methods[] = {
    {"add", set_add, METH_O, add_doc},
    {"clear", set_clear, METH_NOARGS, clear_doc},
    {"__contains__", set_contains_method, METH_O | METH_COEXIST, contains_doc},
    {"copy", set_copy, METH_NOARGS, copy_doc},
    {"discard", set_discard, METH_O, discard_doc},
    {"difference", FASTCALL(set_difference), METH_FASTCALL, difference_doc},
    {"difference_update", FASTCALL(set_difference_update), METH_FASTCALL, difference_update_doc},
    {"intersection", FASTCALL(set_intersection), METH_FASTCALL, intersection_doc},
    {"intersection_update", FASTCALL(set_intersection_update), METH_FASTCALL, intersection_update_doc},
    {"isdisjoint", set_isdisjoint, METH_O, isdisjoint_doc},
    {"issubset", set_issubset, METH_O, issubset_doc},
    {"issuperset", set_issuperset, METH_O, issuperset_doc},
    {"pop", set_pop, METH_NOARGS, pop_doc},
    {"__reduce__", set_reduce, METH_NOARGS, reduce_doc},
    {"remove", set_remove, METH_O, remove_doc},
    {"__sizeof__", set_sizeof, METH_NOARGS, sizeof_doc},
    {"symmetric_difference", set_symmetric_difference, METH_O, symmetric_difference_doc},
    {"symmetric_difference_update", set_symmetric_difference_update, METH_O, symmetric_difference_update_doc},
    {"union", FASTCALL(set_union), METH_FASTCALL, union_doc},
    {"update", FASTCALL(set_update), METH_FASTCALL, update_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PyMethodDef frozenset_methods[] = {
    {"__contains__", set_contains_method, METH_O | METH_COEXIST, contains_doc},
    {"copy", frozenset_copy, METH_NOARGS, copy_doc},
    {"difference", FASTCALL(set_difference), METH_FASTCALL, difference_doc},
    {"intersection", FASTCALL(set_intersection), METH_FASTCALL, intersection_doc},
    {"isdisjoint", set_isdisjoint, METH_O, isdisjoint_doc},
    {"issubset", set_issubset, METH_O, issubset_doc},
    {"issuperset", set_issuperset, METH_O, issuperset_doc},
    {"__reduce__", set_reduce, METH_NOARGS, reduce_doc},
    {"__sizeof__", set_sizeof, METH_NOARGS, sizeof_doc},
    {"symmetric_difference", set_symmetric_difference, METH_O, symmetric_difference_doc},
    {"union", FASTCALL(set_union), METH_FASTCALL, union_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PySequenceMethods set_as_sequence = {.sq_length = set_length, .sq_contains = set_contains};

static PyNumberMethods set_as_number = {
    .nb_subtract = set_subtract,
    .nb_and = set_and,
    .nb_xor = set_xor,
    .nb_or = set_or,
    .nb_inplace_subtract = set_inplace_subtract,
    .nb_inplace_and = set_inplace_and,
    .nb_inplace_xor = set_inplace_xor,
    .nb_inplace_or = set_inplace_or,
};

static PyNumberMethods frozenset_as_number = {
    .nb_subtract = set_subtract,
    .nb_and = set_and,
    .nb_xor = set_xor,
    .nb_or = set_or,
};

PyDoc_STRVAR(set_doc, "A mutable collection of distinct hashable elements, without order.\n\n"
                      "set() is empty; set(iterable) has the elements of the iterable.");

PyTypeObject PySet_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "set",
    .tp_basicsize = sizeof(PySetObject),
    .tp_dealloc = set_dealloc,
    .tp_repr = set_repr,
    .tp_as_number = &set_as_number,
    .tp_as_sequence = &set_as_sequence,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF,
    .tp_doc = set_doc,
    .tp_traverse = set_traverse,
    .tp_clear = clear,
    .tp_richcompare = set_compare,
    .tp_weaklistoffset = offsetof(PySetObject, weakreflist),
    .tp_iter = set_iter,
    .tp_methods = set_methods,
    .tp_init = set_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = set_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = set_vectorcall,
};

PyDoc_STRVAR(frozenset_doc, "An immutable, hashable collection of distinct hashable elements, without order.\n\n"
                            "frozenset() is empty; frozenset(iterable) has the elements of the iterable.");

PyTypeObject PyFrozenSet_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "frozenset",
    .tp_basicsize = sizeof(PySetObject),
    .tp_dealloc = set_dealloc,
    .tp_repr = set_repr,
    .tp_as_number = &frozenset_as_number,
    .tp_as_sequence = &set_as_sequence,
    .tp_hash = frozenset_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF,
    .tp_doc = frozenset_doc,
    .tp_traverse = set_traverse,
    .tp_clear = clear,
    .tp_richcompare = set_compare,
    .tp_weaklistoffset = offsetof(PySetObject, weakreflist),
    .tp_iter = set_iter,
    .tp_methods = frozenset_methods,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = frozenset_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = frozenset_vectorcall,
};

/* The C interface */

PyObject *PySet_New(PyObject *iterable) { return make_set(&PySet_Type, iterable); }

PyObject *PyFrozenSet_New(PyObject *iterable) { return make_set(&PyFrozenSet_Type, iterable); }

Py_ssize_t PySet_Size(PyObject *self) {
    if (!PyAnySet_Check(self)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return ((PySetObject *)self)->used;
}

int PySet_Clear(PyObject *self) {
    if (!PySet_Check(self)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return clear(self);
}

int PySet_Contains(PyObject *self, PyObject *key) {
    if (!PyAnySet_Check(self)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return contains((PySetObject *)self, key);
}

int PySet_Discard(PyObject *self, PyObject *key) {
    if (!PySet_Check(self)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return discard((PySetObject *)self, key);
}

/* A frozenset may be filled while nobody else has seen it. */
int PySet_Add(PyObject *self, PyObject *key) {
    if (!PySet_Check(self) && (!PyFrozenSet_Check(self) || Py_REFCNT(self) != 1)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return add((PySetObject *)self, key);
}

PyObject *PySet_Pop(PyObject *self) {
    if (!PySet_Check(self)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return set_pop(self, NULL);
}

int _PySet_NextEntry(PyObject *self, Py_ssize_t *position, PyObject **key, Py_hash_t *hash) {
    if (!PyAnySet_Check(self)) {
        PyErr_BadInternalCall();
        return -1;
    }
    setentry *entry = next_entry((PySetObject *)self, position);
    if (entry == NULL) return 0;
    *key = entry->key;
    *hash = entry->hash;
    return 1;
}

int _PySet_Update(PyObject *self, PyObject *iterable) {
    if (!PySet_Check(self)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return update_from((PySetObject *)self, iterable);
}
