/* collections.OrderedDict: a dict that can also reorder its items and be taken apart from either end.
 *
 * The dict's table is in order already, so there is no second structure: moving an item to the end moves its entry behind
 * the others, and moving it to the front puts it into one of the holes in front, which are made when there are none. So
 * that popping from the front takes constant time, an object remembers where its first entry is.
 *
 * Invariant: while `seen_tag` equals the dict's version tag, no entry before index `first` is in use. Any change that does
 * not come through this file changes the tag and so only costs a new search. `changes` counts what would disturb an
 * iterator: items added, removed or moved.
 */
#include <Python.h>

#include "collector/collector.h"
#include "object/arguments.h"
#include "object/names.h"
#include "types/dict.h"
#include "types/iter.h"

#include <stddef.h>

struct _odictobject {
    PyDictObject dict;
    PyObject *attributes; /* __dict__ */
    PyObject *weak_references;
    Py_ssize_t first;
    uint64_t seen_tag;
    size_t changes;
};

/* The first entry */

/* Returns the index of the first entry in use, or -1 if the dict is empty. */
static Py_ssize_t first_index(PyODictObject *self) {
    if (self->dict.ma_used == 0) return -1;
    Py_ssize_t index = self->seen_tag == self->dict.ma_version_tag ? self->first : 0;
    while (kr_dict_value_at(&self->dict, index) == NULL) index++;
    self->first = index;
    self->seen_tag = self->dict.ma_version_tag;
    return index;
}

static Py_ssize_t last_index(PyODictObject *self) {
    if (self->dict.ma_used == 0) return -1;
    Py_ssize_t index = kr_dict_entry_limit(&self->dict) - 1;
    while (kr_dict_value_at(&self->dict, index) == NULL) index--;
    return index;
}

/* What must still hold after a change for `first` to stay valid: taken before it. */
typedef struct {
    PyDictKeysObject *keys;
    uint64_t next_tag;
} Expectation;

static inline Expectation expect_change(PyODictObject *self) {
    int valid = self->seen_tag == self->dict.ma_version_tag;
    return (Expectation){valid ? self->dict.ma_keys : NULL, kr_dict_version_tag + 1};
}

/* Accepts the tag after a change that left the table in place and every entry behind `first`. */
static inline void accept_change(PyODictObject *self, Expectation expected) {
    if (self->dict.ma_keys == expected.keys && self->dict.ma_version_tag == expected.next_tag)
        self->seen_tag = expected.next_tag;
}

/* Sets or adds an item with a known hash. Returns 0 or -1. */
static int set_known_hash(PyODictObject *self, PyObject *key, PyObject *value, Py_hash_t hash) {
    PyObject *present;
    Py_ssize_t index = kr_dict_find(&self->dict, key, hash, &present);
    if (index == -2) return -1;
    Expectation expected = expect_change(self);
    if (index >= 0) {
        kr_dict_set_value_at(&self->dict, index, Py_NewRef(value));
    } else {
        self->changes++;
        if (kr_dict_add_new(&self->dict, Py_NewRef(key), hash, Py_NewRef(value)) < 0) return -1;
    }
    accept_change(self, expected);
    return 0;
}

/* Removes the entry at an index in use. Returns a new reference to the value. */
static PyObject *remove_index(PyODictObject *self, Py_ssize_t index, Py_hash_t hash) {
    Expectation expected = expect_change(self);
    self->changes++;
    PyObject *value = kr_dict_remove_index(&self->dict, index, hash);
    accept_change(self, expected);
    return value;
}

PyObject *PyODict_New(void) { return PyODict_Type.tp_new(&PyODict_Type, NULL, NULL); }

int PyODict_SetItem(PyObject *self, PyObject *key, PyObject *value) {
    Py_hash_t hash = kr_hash(key);
    return hash != -1 ? set_known_hash((PyODictObject *)self, key, value, hash) : -1;
}

int PyODict_DelItem(PyObject *op, PyObject *key) {
    PyODictObject *self = (PyODictObject *)op;
    Py_hash_t hash = kr_hash(key);
    if (hash == -1) return -1;
    PyObject *value;
    Py_ssize_t index = kr_dict_find(&self->dict, key, hash, &value);
    if (index < 0) {
        if (index == -1) _PyErr_SetKeyError(key);
        return -1;
    }
    Py_DECREF(remove_index(self, index, hash));
    return 0;
}

static int ordered_assign_subscript(PyObject *self, PyObject *key, PyObject *value) {
    return value != NULL ? PyODict_SetItem(self, key, value) : PyODict_DelItem(self, key);
}

/* Iterators */

enum { ITERATE_KEYS = 1, ITERATE_VALUES = 2, ITERATE_ITEMS = 3, ITERATE_REVERSED = 4 };

typedef struct {
    PyObject_HEAD
    PyODictObject *dict; /* NULL once exhausted */
    Py_ssize_t position;
    Py_ssize_t used;
    size_t changes;
    int kind; /* what to give out, and ITERATE_REVERSED */
} OrderedIterator;

static PyObject *new_iterator(PyODictObject *dict, int kind) {
    OrderedIterator *self = PyObject_GC_New(OrderedIterator, &PyODictIter_Type);
    if (self == NULL) return NULL;
    self->dict = (PyODictObject *)Py_NewRef(dict);
    self->position = kind & ITERATE_REVERSED ? kr_dict_entry_limit(&dict->dict) - 1 : 0;
    self->used = dict->dict.ma_used;
    self->changes = dict->changes;
    self->kind = kind;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static void iterator_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_XDECREF(((OrderedIterator *)op)->dict);
    PyObject_GC_Del(op);
}

static int iterator_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((OrderedIterator *)op)->dict);
    return 0;
}

/* Finds the next entry in the iterator's direction; NULL at the end, or with RuntimeError if the dict changed. */
static KrDictEntry *advance(OrderedIterator *self) {
    PyODictObject *dict = self->dict;
    if (dict == NULL) return NULL;
    KrDictEntry *entry = NULL;
    if (dict->changes != self->changes) {
        PyErr_SetString(PyExc_RuntimeError, "OrderedDict mutated during iteration");
    } else if (dict->dict.ma_used != self->used) {
        PyErr_SetString(PyExc_RuntimeError, "OrderedDict changed size during iteration");
    } else if (!(self->kind & ITERATE_REVERSED)) {
        entry = kr_dict_next_entry(&dict->dict, &self->position);
    } else {
        PyDictKeysObject *keys = dict->dict.ma_keys;
        if (self->position >= keys->count) self->position = keys->count - 1;
        while (entry == NULL && self->position >= 0) {
            entry = kr_keys_entry(keys, self->position--);
            if (entry->value == NULL) entry = NULL;
        }
    }
    if (entry == NULL) {
        self->dict = NULL;
        Py_DECREF(dict);
    }
    return entry;
}

static PyObject *iterator_next(PyObject *op) {
    OrderedIterator *self = (OrderedIterator *)op;
    KrDictEntry *entry = advance(self);
    if (entry == NULL) return NULL;
    switch (self->kind & ITERATE_ITEMS) {
    case ITERATE_KEYS: return Py_NewRef(entry->key);
    case ITERATE_VALUES: return Py_NewRef(entry->value);
    default: break;
    }
    PyObject *key = Py_NewRef(entry->key), *value = Py_NewRef(entry->value);
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) {
        Py_DECREF(key);
        Py_DECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, key);
    PyTuple_SET_ITEM(pair, 1, value);
    return pair;
}

PyDoc_STRVAR(iterator_reduce_doc, "Return what pickle needs to restore the elements that are left.");

static PyObject *iterator_reduce(PyObject *op, PyObject *unused) {
    OrderedIterator *self = (OrderedIterator *)op;
    PyObject *rest;
    if (self->dict == NULL) {
        rest = PyList_New(0);
    } else {
        OrderedIterator *copy = (OrderedIterator *)new_iterator(self->dict, self->kind);
        if (copy == NULL) return NULL;
        copy->position = self->position;
        copy->used = self->used;
        copy->changes = self->changes;
        rest = PySequence_List((PyObject *)copy);
        Py_DECREF(copy);
    }
    return kr_iterator_reduce_rest(rest);
}

static PyMethodDef iterator_methods[] = {
    {"__reduce__", iterator_reduce, METH_NOARGS, iterator_reduce_doc},
    {NULL},
};

PyTypeObject PyODictIter_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "odict_iterator",
    .tp_basicsize = sizeof(OrderedIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_methods = iterator_methods,
};

static PyObject *ordered_iter(PyObject *self) { return new_iterator((PyODictObject *)self, ITERATE_KEYS); }

static PyObject *ordered_reversed(PyObject *self, PyObject *unused) {
    return new_iterator((PyODictObject *)self, ITERATE_KEYS | ITERATE_REVERSED);
}

/* Views */

static PyODictObject *view_dict(PyObject *view) { return (PyODictObject *)((_PyDictViewObject *)view)->dv_dict; }

static PyObject *keys_iter(PyObject *view) { return new_iterator(view_dict(view), ITERATE_KEYS); }
static PyObject *values_iter(PyObject *view) { return new_iterator(view_dict(view), ITERATE_VALUES); }
static PyObject *items_iter(PyObject *view) { return new_iterator(view_dict(view), ITERATE_ITEMS); }

static PyObject *keys_reversed(PyObject *view, PyObject *unused) {
    return new_iterator(view_dict(view), ITERATE_KEYS | ITERATE_REVERSED);
}
static PyObject *values_reversed(PyObject *view, PyObject *unused) {
    return new_iterator(view_dict(view), ITERATE_VALUES | ITERATE_REVERSED);
}
static PyObject *items_reversed(PyObject *view, PyObject *unused) {
    return new_iterator(view_dict(view), ITERATE_ITEMS | ITERATE_REVERSED);
}

static PyMethodDef keys_methods[] = {{"__reversed__", keys_reversed, METH_NOARGS}, {NULL}};
static PyMethodDef values_methods[] = {{"__reversed__", values_reversed, METH_NOARGS}, {NULL}};
static PyMethodDef items_methods[] = {{"__reversed__", items_reversed, METH_NOARGS}, {NULL}};

PyTypeObject PyODictKeys_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "odict_keys",
    .tp_iter = keys_iter,
    .tp_methods = keys_methods,
    .tp_base = &PyDictKeys_Type,
};

PyTypeObject PyODictValues_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "odict_values",
    .tp_iter = values_iter,
    .tp_methods = values_methods,
    .tp_base = &PyDictValues_Type,
};

PyTypeObject PyODictItems_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "odict_items",
    .tp_iter = items_iter,
    .tp_methods = items_methods,
    .tp_base = &PyDictItems_Type,
};

static PyObject *ordered_keys(PyObject *self, PyObject *unused) { return _PyDictView_New(self, &PyODictKeys_Type); }
static PyObject *ordered_values(PyObject *self, PyObject *unused) { return _PyDictView_New(self, &PyODictValues_Type); }
static PyObject *ordered_items(PyObject *self, PyObject *unused) { return _PyDictView_New(self, &PyODictItems_Type); }

/* Update: through item assignment, so that subclasses see it */

/* Assigns the items of an iterable of pairs. Returns 0 or -1. */
static int add_pairs(PyObject *self, PyObject *pairs) {
    PyObject *iterator = PyObject_GetIter(pairs);
    if (iterator == NULL) return -1;
    PyObject *pair;
    while ((pair = PyIter_Next(iterator)) != NULL) {
        PyObject *parts[3] = {NULL, NULL, NULL}; /* a third one only to notice that there are too many */
        int count = 0, failed = 1;
        PyObject *part_iterator = PyObject_GetIter(pair);
        Py_DECREF(pair);
        if (part_iterator != NULL) {
            while (count < 3 && (parts[count] = PyIter_Next(part_iterator)) != NULL) count++;
            Py_DECREF(part_iterator);
            if (count == 2 && !PyErr_Occurred())
                failed = PyObject_SetItem(self, parts[0], parts[1]) < 0;
            else if (count == 3)
                PyErr_SetString(PyExc_ValueError, "too many values to unpack (expected 2)");
            else if (!PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "need more than %d value%s to unpack", count, count == 1 ? "" : "s");
        }
        for (int i = 0; i < 3; i++) Py_XDECREF(parts[i]);
        if (failed) {
            Py_DECREF(iterator);
            return -1;
        }
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

/* Assigns the items of a dict's own table. Returns 0 or -1. */
static int add_dict_items(PyObject *self, PyObject *dict) {
    PyObject *items = PyDict_Items(dict);
    if (items == NULL) return -1;
    int failed = add_pairs(self, items);
    Py_DECREF(items);
    return failed;
}

/* Assigns the items of a mapping, given what its keys() returned (the reference is taken over). Returns 0 or -1. */
static int add_by_keys(PyObject *self, PyObject *mapping, PyObject *keys) {
    PyObject *iterator = PyObject_GetIter(keys);
    Py_DECREF(keys);
    if (iterator == NULL) return -1;
    PyObject *key;
    while ((key = PyIter_Next(iterator)) != NULL) {
        PyObject *value = PyObject_GetItem(mapping, key);
        int failed = value == NULL || PyObject_SetItem(self, key, value) < 0;
        Py_DECREF(key);
        Py_XDECREF(value);
        if (failed) {
            Py_DECREF(iterator);
            return -1;
        }
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

/* Assigns the items of a mapping or of an iterable of pairs. Returns 0 or -1. */
static int update_from(PyObject *self, PyObject *other) {
    if (PyDict_CheckExact(other)) return add_dict_items(self, other);
    PyObject *method;
    if (_PyObject_LookupAttr(other, KR_NAME(keys), &method) < 0) return -1;
    if (method != NULL) {
        PyObject *keys = PyObject_CallNoArgs(method);
        Py_DECREF(method);
        return keys != NULL ? add_by_keys(self, other, keys) : -1;
    }
    if (_PyObject_LookupAttr(other, KR_NAME(items), &method) < 0) return -1;
    if (method != NULL) {
        PyObject *items = PyObject_CallNoArgs(method);
        Py_DECREF(method);
        if (items == NULL) return -1;
        int failed = add_pairs(self, items);
        Py_DECREF(items);
        return failed;
    }
    return add_pairs(self, other);
}

static int update_with(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) == 1 && update_from(self, PyTuple_GET_ITEM(args, 0)) < 0) return -1;
    if (kwargs == NULL) return 0;
    return PyArg_ValidateKeywordArguments(kwargs) ? add_dict_items(self, kwargs) : -1;
}

PyDoc_STRVAR(update_doc, "Assign the items of a mapping or of an iterable of pairs, then the keyword arguments.");

static PyObject *ordered_update(PyObject *self, PyObject *args, PyObject *kwargs) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count > 1) {
        PyErr_Format(PyExc_TypeError, "update() takes at most 1 positional argument (%zd given)", count);
        return NULL;
    }
    if (update_with(self, args, kwargs) < 0) return NULL;
    Py_RETURN_NONE;
}

static int ordered_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count > 1) {
        PyErr_Format(PyExc_TypeError, "expected at most 1 arguments, got %zd", count);
        return -1;
    }
    return update_with(self, args, kwargs);
}

/* Methods */

PyDoc_STRVAR(fromkeys_doc, "fromkeys($type, /, iterable, value=None)\n--\n\n"
                           "Make an ordered dictionary whose keys come from iterable and whose values are all value.");

static PyObject *ordered_fromkeys(PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"iterable", "value", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "fromkeys"};
    PyObject *slots[2];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, slots);
    if (args == NULL) return NULL;
    PyObject *value = kr_optional_argument(args, nargs, kwnames, 1);
    return kr_dict_from_keys(type, args[0], value != NULL ? value : Py_None);
}

PyDoc_STRVAR(sizeof_doc, "Return the dictionary's size in memory, in bytes.");

static PyObject *ordered_sizeof(PyObject *self, PyObject *unused) {
    return PyLong_FromSsize_t(_PyDict_SizeOf((PyDictObject *)self));
}

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the dictionary.");

static PyObject *ordered_reduce(PyObject *self, PyObject *unused) {
    PyObject *state = _PyObject_GetState(self);
    if (state == NULL) return NULL;
    PyObject *items = PyObject_CallMethodNoArgs(self, KR_NAME(items));
    PyObject *iterator = items != NULL ? PyObject_GetIter(items) : NULL;
    Py_XDECREF(items);
    if (iterator == NULL) {
        Py_DECREF(state);
        return NULL;
    }
    return Py_BuildValue("O()NON", Py_TYPE(self), state, Py_None, iterator);
}

PyDoc_STRVAR(setdefault_doc, "setdefault($self, /, key, default=None)\n--\n\n"
                             "Return the key's value; if it is absent, insert it with the value default first.");

static PyObject *ordered_setdefault(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"key", "default", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "setdefault"};
    PyObject *slots[2];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, slots);
    if (args == NULL) return NULL;
    PyObject *key = args[0], *value = kr_optional_argument(args, nargs, kwnames, 1);
    if (value == NULL) value = Py_None;
    if (PyODict_CheckExact(self)) {
        PyObject *present = PyDict_GetItemWithError(self, key);
        if (present != NULL) return Py_NewRef(present);
        if (PyErr_Occurred() || PyODict_SetItem(self, key, value) < 0) return NULL;
        return Py_NewRef(value);
    }
    int present = PySequence_Contains(self, key);
    if (present < 0) return NULL;
    if (present) return PyObject_GetItem(self, key);
    return PyObject_SetItem(self, key, value) < 0 ? NULL : Py_NewRef(value);
}

PyDoc_STRVAR(pop_doc, "pop($self, /, key, default=<unrepresentable>)\n--\n\n"
                      "Remove the key and return its value; if it is absent, return default or raise KeyError.");

static PyObject *ordered_pop(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"key", "default", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "pop"};
    PyObject *slots[2];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, slots);
    if (args == NULL) return NULL;
    PyODictObject *self = (PyODictObject *)op;
    Py_hash_t hash = kr_hash(args[0]);
    if (hash == -1) return NULL;
    PyObject *value;
    Py_ssize_t index = kr_dict_find(&self->dict, args[0], hash, &value);
    if (index >= 0) return remove_index(self, index, hash);
    if (index == -2) return NULL;
    PyObject *fallback = kr_optional_argument(args, nargs, kwnames, 1);
    if (fallback != NULL) return Py_NewRef(fallback);
    PyErr_SetObject(PyExc_KeyError, args[0]); /* a tuple gives its items as arguments */
    return NULL;
}

PyDoc_STRVAR(popitem_doc, "popitem($self, /, last=True)\n--\n\n"
                          "Remove the last item, or the first one if last is false, and return it as a pair.");

static PyObject *ordered_popitem(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"last", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "popitem"};
    PyObject *slots[1];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 1, 0, slots);
    if (args == NULL) return NULL;
    PyObject *flag = kr_optional_argument(args, nargs, kwnames, 0);
    int last = flag != NULL ? PyObject_IsTrue(flag) : 1;
    if (last < 0) return NULL;
    PyODictObject *self = (PyODictObject *)op;
    PyObject *pair = last ? NULL : PyTuple_New(2);
    if (pair == NULL && !last) return NULL;
    if (self->dict.ma_used == 0) {
        Py_XDECREF(pair);
        PyErr_SetString(PyExc_KeyError, "dictionary is empty");
        return NULL;
    }
    if (last) {
        Expectation expected = expect_change(self);
        self->changes++;
        pair = kr_dict_pop_last(&self->dict);
        accept_change(self, expected);
        if (self->first > kr_dict_entry_limit(&self->dict)) self->first = kr_dict_entry_limit(&self->dict);
        return pair;
    }
    Py_ssize_t index = first_index(self);
    KrDictEntry *entry = kr_keys_entry(self->dict.ma_keys, index);
    PyTuple_SET_ITEM(pair, 0, Py_NewRef(entry->key));
    PyTuple_SET_ITEM(pair, 1, remove_index(self, index, kr_entry_hash(self->dict.ma_keys, entry)));
    return pair;
}

PyDoc_STRVAR(clear_doc, "Remove all items.");

static PyObject *ordered_clear(PyObject *op, PyObject *unused) {
    PyODictObject *self = (PyODictObject *)op;
    self->changes++;
    self->seen_tag = 0;
    PyDict_Clear(op);
    Py_RETURN_NONE;
}

/* Copies the items of a plain OrderedDict. Returns 0 or -1. */
static int copy_items(PyODictObject *target, PyODictObject *source) {
    Py_ssize_t position = 0;
    KrDictEntry *entry;
    while ((entry = kr_dict_next_entry(&source->dict, &position)) != NULL) {
        if (set_known_hash(target, entry->key, entry->value, kr_entry_hash(source->dict.ma_keys, entry)) < 0)
            return -1;
    }
    return 0;
}

PyDoc_STRVAR(copy_doc, "Return a shallow copy.");

static PyObject *ordered_copy(PyObject *self, PyObject *unused) {
    if (PyODict_CheckExact(self)) {
        PyObject *copy = PyODict_New();
        if (copy != NULL && copy_items((PyODictObject *)copy, (PyODictObject *)self) < 0) Py_CLEAR(copy);
        return copy;
    }
    PyObject *copy = PyObject_CallNoArgs((PyObject *)Py_TYPE(self));
    if (copy == NULL) return NULL;
    PyObject *keys = new_iterator((PyODictObject *)self, ITERATE_KEYS);
    if (keys == NULL || add_by_keys(copy, self, keys) < 0) Py_CLEAR(copy);
    return copy;
}

PyDoc_STRVAR(reversed_doc, "Iterate over the keys, the last one first.");

PyDoc_STRVAR(move_to_end_doc, "move_to_end($self, /, key, last=True)\n--\n\n"
                              "Move an item to the end, or to the front if last is false.\n\n"
                              "Raise KeyError if there is no such key.");

static PyObject *ordered_move_to_end(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"key", "last", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "move_to_end"};
    PyObject *slots[2];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, slots);
    if (args == NULL) return NULL;
    PyObject *flag = kr_optional_argument(args, nargs, kwnames, 1);
    int last = flag != NULL ? PyObject_IsTrue(flag) : 1;
    if (last < 0) return NULL;
    PyODictObject *self = (PyODictObject *)op;
    Py_hash_t hash = kr_hash(args[0]);
    if (hash == -1) return NULL;
    PyObject *value;
    Py_ssize_t index = kr_dict_find(&self->dict, args[0], hash, &value);
    if (index == -2) return NULL;
    if (index == -1) {
        PyErr_SetObject(PyExc_KeyError, args[0]); /* a tuple gives its items as arguments */
        return NULL;
    }
    if (last) {
        if (index == last_index(self)) Py_RETURN_NONE;
        Expectation expected = expect_change(self);
        if (kr_dict_move_last(&self->dict, index) < 0) return NULL;
        accept_change(self, expected);
    } else {
        Py_ssize_t first = first_index(self);
        if (index == first) Py_RETURN_NONE;
        first = kr_dict_move_first(&self->dict, index, first);
        if (first < 0) return NULL;
        self->first = first;
        self->seen_tag = self->dict.ma_version_tag;
    }
    self->changes++;
    Py_RETURN_NONE;
}

static PyMethodDef ordered_methods[] = {
    {"fromkeys", (PyCFunction)(void (*)(void))ordered_fromkeys, METH_FASTCALL | METH_KEYWORDS | METH_CLASS, fromkeys_doc},
    {"__sizeof__", ordered_sizeof, METH_NOARGS, sizeof_doc},
    {"__reduce__", ordered_reduce, METH_NOARGS, reduce_doc},
    {"setdefault", (PyCFunction)(void (*)(void))ordered_setdefault, METH_FASTCALL | METH_KEYWORDS, setdefault_doc},
    {"pop", (PyCFunction)(void (*)(void))ordered_pop, METH_FASTCALL | METH_KEYWORDS, pop_doc},
    {"popitem", (PyCFunction)(void (*)(void))ordered_popitem, METH_FASTCALL | METH_KEYWORDS, popitem_doc},
    {"keys", ordered_keys, METH_NOARGS},
    {"values", ordered_values, METH_NOARGS},
    {"items", ordered_items, METH_NOARGS},
    {"update", (PyCFunction)(void (*)(void))ordered_update, METH_VARARGS | METH_KEYWORDS, update_doc},
    {"clear", ordered_clear, METH_NOARGS, clear_doc},
    {"copy", ordered_copy, METH_NOARGS, copy_doc},
    {"__reversed__", ordered_reversed, METH_NOARGS, reversed_doc},
    {"move_to_end", (PyCFunction)(void (*)(void))ordered_move_to_end, METH_FASTCALL | METH_KEYWORDS, move_to_end_doc},
    {NULL},
};

/* Operators and slots */

static PyObject *ordered_or(PyObject *left, PyObject *right) {
    PyTypeObject *type = PyODict_Check(left) ? Py_TYPE(left) : Py_TYPE(right);
    if (!PyDict_Check(left) || !PyDict_Check(right)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *result = PyObject_CallOneArg((PyObject *)type, left);
    if (result != NULL && update_from(result, right) < 0) Py_CLEAR(result);
    return result;
}

static PyObject *ordered_update_or(PyObject *self, PyObject *other) {
    return update_from(self, other) < 0 ? NULL : Py_NewRef(self);
}

/* Compares the keys of two ordered dicts of equal size, one by one. Returns 1, 0 or -1. */
static int same_key_order(PyODictObject *left, PyODictObject *right) {
    Py_ssize_t left_position = 0, right_position = 0;
    size_t left_changes = left->changes, right_changes = right->changes;
    KrDictEntry *left_entry, *right_entry;
    while ((left_entry = kr_dict_next_entry(&left->dict, &left_position)) != NULL &&
           (right_entry = kr_dict_next_entry(&right->dict, &right_position)) != NULL) {
        PyObject *left_key = Py_NewRef(left_entry->key), *right_key = Py_NewRef(right_entry->key);
        int equal = PyObject_RichCompareBool(left_key, right_key, Py_EQ);
        Py_DECREF(left_key);
        Py_DECREF(right_key);
        if (equal <= 0) return equal;
        if (left->changes != left_changes || right->changes != right_changes) {
            PyErr_SetString(PyExc_RuntimeError, "OrderedDict mutated during iteration");
            return -1;
        }
    }
    return 1;
}

static PyObject *ordered_compare(PyObject *self, PyObject *other, int op) {
    if (!PyODict_Check(self) || !PyDict_Check(other) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *outcome = PyDict_Type.tp_richcompare(self, other, Py_EQ);
    if (outcome == NULL) return NULL;
    int equal = PyObject_IsTrue(outcome);
    Py_DECREF(outcome);
    if (equal > 0 && PyODict_Check(other)) equal = same_key_order((PyODictObject *)self, (PyODictObject *)other);
    return equal < 0 ? NULL : PyBool_FromLong(equal == (op == Py_EQ));
}

static PyObject *ordered_repr(PyObject *self) {
    const char *name = _PyType_Name(Py_TYPE(self));
    if (PyDict_GET_SIZE(self) == 0) return PyUnicode_FromFormat("%s()", name);
    int nested = Py_ReprEnter(self);
    if (nested != 0) return nested > 0 ? PyUnicode_FromString("...") : NULL;
    PyObject *pairs, *result = NULL;
    if (PyODict_CheckExact(self)) {
        pairs = PyDict_Items(self);
    } else {
        PyObject *items = PyObject_CallMethodNoArgs(self, KR_NAME(items));
        pairs = items != NULL ? PySequence_List(items) : NULL;
        Py_XDECREF(items);
    }
    if (pairs != NULL) {
        result = PyUnicode_FromFormat("%s(%R)", name, pairs);
        Py_DECREF(pairs);
    }
    Py_ReprLeave(self);
    return result;
}

static PyObject *ordered_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyODictObject *self = (PyODictObject *)PyDict_Type.tp_new(type, args, kwargs);
    if (self == NULL) return NULL;
    self->first = 0;
    self->seen_tag = 0;
    self->changes = 0;
    return (PyObject *)self;
}

static void ordered_dealloc(PyObject *op) {
    PyODictObject *self = (PyODictObject *)op;
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, ordered_dealloc)
    if (self->weak_references != NULL) PyObject_ClearWeakRefs(op);
    Py_CLEAR(self->attributes);
    PyDict_Type.tp_dealloc(op);
    Py_TRASHCAN_END
}

static int ordered_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((PyODictObject *)op)->attributes);
    return PyDict_Type.tp_traverse(op, visit, arg);
}

static int ordered_tp_clear(PyObject *op) {
    PyODictObject *self = (PyODictObject *)op;
    Py_CLEAR(self->attributes);
    self->changes++;
    PyDict_Clear(op);
    return 0;
}

static PyGetSetDef ordered_getset[] = {
    {"__dict__", PyObject_GenericGetDict},
    {NULL},
};

static PyMappingMethods ordered_as_mapping = {.mp_ass_subscript = ordered_assign_subscript};

static PyNumberMethods ordered_as_number = {.nb_or = ordered_or, .nb_inplace_or = ordered_update_or};

PyDoc_STRVAR(ordered_doc, "A dictionary whose order takes part in comparisons and whose items can be moved.");

PyTypeObject PyODict_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "collections.OrderedDict",
    .tp_basicsize = sizeof(PyODictObject),
    .tp_dealloc = ordered_dealloc,
    .tp_repr = ordered_repr,
    .tp_as_number = &ordered_as_number,
    .tp_as_mapping = &ordered_as_mapping,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = ordered_doc,
    .tp_traverse = ordered_traverse,
    .tp_clear = ordered_tp_clear,
    .tp_richcompare = ordered_compare,
    .tp_weaklistoffset = offsetof(PyODictObject, weak_references),
    .tp_iter = ordered_iter,
    .tp_methods = ordered_methods,
    .tp_getset = ordered_getset,
    .tp_base = &PyDict_Type,
    .tp_dictoffset = offsetof(PyODictObject, attributes),
    .tp_init = ordered_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = ordered_new,
};
