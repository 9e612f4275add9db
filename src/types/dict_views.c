/* What dict.keys(), dict.values() and dict.items() return, and the iterators over a dict, forward and reversed. */
#include <Python.h>

#include "collector/collector.h"
#include "object/names.h"
#include "types/dict.h"
#include "types/iter.h"
#include "types/tuple.h"

/* Iterators */

typedef struct {
    PyObject_HEAD
    PyDictObject *dict;   /* NULL once exhausted */
    Py_ssize_t used;      /* the dict's size at the start; -1 after it was found to have changed */
    Py_ssize_t position;  /* index of the next entry to look at */
    PyObject *result;     /* item iterators: a pair to use again when nobody else holds it */
    Py_ssize_t remaining; /* for __length_hint__ */
} DictIterator;

static PyObject *new_iterator(PyDictObject *dict, PyTypeObject *type) {
    DictIterator *self = PyObject_GC_New(DictIterator, type);
    if (self == NULL) return NULL;
    int reversed =
        type == &PyDictRevIterKey_Type || type == &PyDictRevIterItem_Type || type == &PyDictRevIterValue_Type;
    self->dict = (PyDictObject *)Py_NewRef(dict);
    self->used = dict->ma_used;
    self->remaining = dict->ma_used;
    self->position = reversed ? dict->ma_keys->count - 1 : 0;
    self->result = NULL;
    if (type == &PyDictIterItem_Type || type == &PyDictRevIterItem_Type) {
        self->result = PyTuple_Pack(2, Py_None, Py_None);
        if (self->result == NULL) {
            Py_DECREF(self);
            return NULL;
        }
    }
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static void iterator_dealloc(PyObject *op) {
    DictIterator *self = (DictIterator *)op;
    PyObject_GC_UnTrack(op);
    Py_XDECREF(self->dict);
    Py_XDECREF(self->result);
    PyObject_GC_Del(op);
}

static int iterator_traverse(PyObject *op, visitproc visit, void *arg) {
    DictIterator *self = (DictIterator *)op;
    Py_VISIT(self->dict);
    Py_VISIT(self->result);
    return 0;
}

/* Finds the next entry in the iterator's direction; NULL at the end, or with RuntimeError if the dict changed. */
static inline KrDictEntry *advance(DictIterator *self, int reversed) {
    PyDictObject *dict = self->dict;
    if (dict == NULL) return NULL;
    if (self->used != dict->ma_used) {
        PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
        self->used = -1;
        return NULL;
    }
    KrDictEntry *entry = NULL;
    if (!reversed) {
        entry = kr_dict_next_entry(dict, &self->position);
        if (entry != NULL && self->remaining == 0) {
            PyErr_SetString(PyExc_RuntimeError, "dictionary keys changed during iteration");
            entry = NULL;
        }
    } else {
        if (self->position >= dict->ma_keys->count) self->position = dict->ma_keys->count - 1;
        while (entry == NULL && self->position >= 0) {
            entry = kr_keys_entry(dict->ma_keys, self->position--);
            if (entry->value == NULL) entry = NULL;
        }
    }
    if (entry == NULL) {
        self->dict = NULL;
        Py_DECREF(dict);
        return NULL;
    }
    self->remaining--;
    return entry;
}

/* Makes the pair of an entry, in the iterator's old one if that is free. */
static PyObject *next_pair(DictIterator *self, KrDictEntry *entry) {
    if (entry == NULL) return NULL;
    PyObject *key = Py_NewRef(entry->key), *value = Py_NewRef(entry->value);
    PyObject *pair = self->result;
    if (Py_REFCNT(pair) == 1) {
        PyObject *old_key = PyTuple_GET_ITEM(pair, 0), *old_value = PyTuple_GET_ITEM(pair, 1);
        PyTuple_SET_ITEM(pair, 0, key);
        PyTuple_SET_ITEM(pair, 1, value);
        Py_INCREF(pair);
        Py_DECREF(old_key);
        Py_DECREF(old_value);
        /* The pair is untracked if it held atoms. */
        if (!kr_gc_is_tracked(pair)) kr_gc_track(pair);
        return pair;
    }
    return kr_tuple_pair_steal(key, value);
}

static PyObject *next_key(PyObject *self) {
    KrDictEntry *entry = advance((DictIterator *)self, 0);
    return entry != NULL ? Py_NewRef(entry->key) : NULL;
}

static PyObject *next_value(PyObject *self) {
    KrDictEntry *entry = advance((DictIterator *)self, 0);
    return entry != NULL ? Py_NewRef(entry->value) : NULL;
}

static PyObject *next_item(PyObject *self) {
    return next_pair((DictIterator *)self, advance((DictIterator *)self, 0));
}

static PyObject *previous_key(PyObject *self) {
    KrDictEntry *entry = advance((DictIterator *)self, 1);
    return entry != NULL ? Py_NewRef(entry->key) : NULL;
}

static PyObject *previous_value(PyObject *self) {
    KrDictEntry *entry = advance((DictIterator *)self, 1);
    return entry != NULL ? Py_NewRef(entry->value) : NULL;
}

static PyObject *previous_item(PyObject *self) {
    return next_pair((DictIterator *)self, advance((DictIterator *)self, 1));
}

PyDoc_STRVAR(length_hint_doc, "Return how many elements are left, as an estimate.");

static PyObject *iterator_length_hint(PyObject *op, PyObject *unused) {
    DictIterator *self = (DictIterator *)op;
    int valid = self->dict != NULL && self->used == self->dict->ma_used;
    return PyLong_FromSsize_t(valid ? self->remaining : 0);
}

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the elements that are left.");

static PyObject *iterator_reduce(PyObject *op, PyObject *unused) {
    DictIterator *self = (DictIterator *)op;
    PyObject *rest;
    if (self->dict == NULL) {
        rest = PyList_New(0);
    } else {
        /* Walk on with a copy, so that this iterator stays where it is. */
        DictIterator *copy = (DictIterator *)new_iterator(self->dict, Py_TYPE(op));
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
    {"__reduce__", iterator_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

#define ITERATOR_TYPE(object, name, next)                                                                              \
    PyTypeObject object = {                                                                                            \
        PyVarObject_HEAD_INIT(&PyType_Type, 0)                                                                         \
        .tp_name = name,                                                                                               \
        .tp_basicsize = sizeof(DictIterator),                                                                          \
        .tp_dealloc = iterator_dealloc,                                                                                \
        .tp_getattro = PyObject_GenericGetAttr,                                                                        \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,                                                           \
        .tp_traverse = iterator_traverse,                                                                              \
        .tp_iter = PyObject_SelfIter,                                                                                  \
        .tp_iternext = next,                                                                                           \
        .tp_methods = iterator_methods,                                                                                \
    }

ITERATOR_TYPE(PyDictIterKey_Type, "dict_keyiterator", next_key);
ITERATOR_TYPE(PyDictIterValue_Type, "dict_valueiterator", next_value);
ITERATOR_TYPE(PyDictIterItem_Type, "dict_itemiterator", next_item);
ITERATOR_TYPE(PyDictRevIterKey_Type, "dict_reversekeyiterator", previous_key);
ITERATOR_TYPE(PyDictRevIterValue_Type, "dict_reversevalueiterator", previous_value);
ITERATOR_TYPE(PyDictRevIterItem_Type, "dict_reverseitemiterator", previous_item);

PyObject *kr_dict_iter(PyObject *self) { return new_iterator((PyDictObject *)self, &PyDictIterKey_Type); }

PyObject *kr_dict_reversed(PyObject *self, PyObject *unused) {
    return new_iterator((PyDictObject *)self, &PyDictRevIterKey_Type);
}

/* Views */

PyObject *_PyDictView_New(PyObject *dict, PyTypeObject *type) {
    if (dict == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "%s() requires a dict argument, not '%s'", type->tp_name,
                     Py_TYPE(dict)->tp_name);
        return NULL;
    }
    _PyDictViewObject *self = PyObject_GC_New(_PyDictViewObject, type);
    if (self == NULL) return NULL;
    self->dv_dict = (PyDictObject *)Py_NewRef(dict);
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

PyObject *PyDict_Keys(PyObject *op) {
    if (op == NULL || !PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyDictObject *dict = (PyDictObject *)op;
    PyObject *list;
    for (;;) {
        Py_ssize_t used = dict->ma_used;
        list = PyList_New(used);
        if (list == NULL || dict->ma_used == used) break;
        Py_DECREF(list); /* making the list ran code that changed the dict */
    }
    Py_ssize_t position = 0, filled = 0;
    KrDictEntry *entry;
    while (list != NULL && (entry = kr_dict_next_entry(dict, &position)) != NULL)
        PyList_SET_ITEM(list, filled++, Py_NewRef(entry->key));
    return list;
}

PyObject *PyDict_Values(PyObject *op) {
    if (op == NULL || !PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyDictObject *dict = (PyDictObject *)op;
    PyObject *list;
    for (;;) {
        Py_ssize_t used = dict->ma_used;
        list = PyList_New(used);
        if (list == NULL || dict->ma_used == used) break;
        Py_DECREF(list);
    }
    Py_ssize_t position = 0, filled = 0;
    KrDictEntry *entry;
    while (list != NULL && (entry = kr_dict_next_entry(dict, &position)) != NULL)
        PyList_SET_ITEM(list, filled++, Py_NewRef(entry->value));
    return list;
}

PyObject *PyDict_Items(PyObject *op) {
    if (op == NULL || !PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyDictObject *dict = (PyDictObject *)op;
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    Py_ssize_t position = 0;
    KrDictEntry *entry;
    while ((entry = kr_dict_next_entry(dict, &position)) != NULL) {
        PyObject *pair = kr_tuple_pair_steal(Py_NewRef(entry->key), Py_NewRef(entry->value));
        if (pair == NULL || PyList_Append(list, pair) < 0) {
            Py_XDECREF(pair);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(pair);
    }
    return list;
}

static inline PyDictObject *view_dict(PyObject *view) { return ((_PyDictViewObject *)view)->dv_dict; }

static void view_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_XDECREF(view_dict(op));
    PyObject_GC_Del(op);
}

static int view_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(view_dict(op));
    return 0;
}

static Py_ssize_t view_length(PyObject *op) {
    PyDictObject *dict = view_dict(op);
    return dict != NULL ? dict->ma_used : 0;
}

static PyObject *view_mapping(PyObject *op, void *unused) { return PyDictProxy_New((PyObject *)view_dict(op)); }

static PyGetSetDef view_getset[] = {
    {"mapping", view_mapping, NULL, "A read-only proxy of the dictionary that this view shows."},
    {NULL},
};

static PyObject *view_repr(PyObject *op) {
    int nested = Py_ReprEnter(op);
    if (nested != 0) return nested > 0 ? PyUnicode_FromString("...") : NULL;
    PyObject *elements = PySequence_List(op), *result = NULL;
    if (elements != NULL) {
        result = PyUnicode_FromFormat("%s(%R)", Py_TYPE(op)->tp_name, elements);
        Py_DECREF(elements);
    }
    Py_ReprLeave(op);
    return result;
}

static PyObject *keys_iter(PyObject *op) {
    PyDictObject *dict = view_dict(op);
    return dict != NULL ? new_iterator(dict, &PyDictIterKey_Type) : Py_NewRef(Py_None);
}

static PyObject *values_iter(PyObject *op) {
    PyDictObject *dict = view_dict(op);
    return dict != NULL ? new_iterator(dict, &PyDictIterValue_Type) : Py_NewRef(Py_None);
}

static PyObject *items_iter(PyObject *op) {
    PyDictObject *dict = view_dict(op);
    return dict != NULL ? new_iterator(dict, &PyDictIterItem_Type) : Py_NewRef(Py_None);
}

static int keys_contains(PyObject *op, PyObject *key) {
    PyDictObject *dict = view_dict(op);
    return dict != NULL ? PyDict_Contains((PyObject *)dict, key) : 0;
}

static int items_contains(PyObject *op, PyObject *item) {
    PyDictObject *dict = view_dict(op);
    if (dict == NULL || !PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) return 0;
    PyObject *value = PyDict_GetItemWithError((PyObject *)dict, PyTuple_GET_ITEM(item, 0));
    if (value == NULL) return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(value);
    int equal = PyObject_RichCompareBool(value, PyTuple_GET_ITEM(item, 1), Py_EQ);
    Py_DECREF(value);
    return equal;
}

/* Views as sets */

/* Tells whether every element of `left` is in `right`: 1, 0, or -1 with an exception. */
static int all_in(PyObject *left, PyObject *right) {
    PyObject *iterator = PyObject_GetIter(left);
    if (iterator == NULL) return -1;
    int contained = 1;
    PyObject *element;
    while (contained == 1 && (element = PyIter_Next(iterator)) != NULL) {
        contained = PySequence_Contains(right, element);
        Py_DECREF(element);
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : contained;
}

static PyObject *view_compare(PyObject *self, PyObject *other, int op) {
    if (!PyAnySet_Check(other) && !PyDictViewSet_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    Py_ssize_t own = PyObject_Size(self), others = own < 0 ? -1 : PyObject_Size(other);
    if (others < 0) return NULL;
    int result = 0;
    switch (op) {
    case Py_EQ:
    case Py_NE:
        if (own == others) result = all_in(self, other);
        if (op == Py_NE && result >= 0) result = !result;
        break;
    case Py_LT:
        if (own < others) result = all_in(self, other);
        break;
    case Py_LE:
        if (own <= others) result = all_in(self, other);
        break;
    case Py_GT:
        if (own > others) result = all_in(other, self);
        break;
    case Py_GE:
        if (own >= others) result = all_in(other, self);
        break;
    }
    return result < 0 ? NULL : PyBool_FromLong(result);
}

/* Makes a set of a view's elements, or of those of any iterable. */
static PyObject *set_of(PyObject *iterable) {
    return PySet_New(PyDictKeys_Check(iterable) ? (PyObject *)view_dict(iterable) : iterable);
}

/* Makes a set of `self` and changes it by the named set method with `other`. */
static PyObject *set_changed_by(PyObject *self, PyObject *method, PyObject *other) {
    PyObject *result = method != NULL ? set_of(self) : NULL;
    if (result == NULL) return NULL;
    PyObject *none = PyObject_CallMethodOneArg(result, method, other);
    if (none == NULL) {
        Py_DECREF(result);
        return NULL;
    }
    Py_DECREF(none);
    return result;
}

static PyObject *view_subtract(PyObject *self, PyObject *other) {
    return set_changed_by(self, KR_NAME(difference_update), other);
}

static PyObject *view_or(PyObject *self, PyObject *other) {
    PyObject *result = set_of(self);
    if (result != NULL && _PySet_Update(result, other) < 0) Py_CLEAR(result);
    return result;
}

PyObject *_PyDictView_Intersect(PyObject *self, PyObject *other) {
    if (!PyDictViewSet_Check(self)) {
        /* The view is the right operand. */
        PyObject *view = other;
        other = self;
        self = view;
    }
    Py_ssize_t own = view_length(self);
    if (PySet_CheckExact(other) && own <= PySet_GET_SIZE(other))
        return PyObject_CallMethodOneArg(other, KR_NAME(intersection), self);
    if (PyDictViewSet_Check(other) && view_length(other) > own) {
        PyObject *larger = other;
        other = self;
        self = larger;
    }
    PyObject *result = PySet_New(NULL);
    if (result == NULL) return NULL;
    PyObject *iterator = PyObject_GetIter(other);
    if (iterator == NULL) {
        Py_DECREF(result);
        return NULL;
    }
    int (*contains)(PyObject *, PyObject *) = PyDictKeys_Check(self) ? keys_contains : items_contains;
    int failed = 0;
    PyObject *element;
    while (!failed && (element = PyIter_Next(iterator)) != NULL) {
        int present = contains(self, element);
        failed = present < 0 || (present && PySet_Add(result, element) < 0);
        Py_DECREF(element);
    }
    Py_DECREF(iterator);
    if (failed || PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

/* Adds the items of one dict which the other does not have with an equal value. Returns 0 or -1. */
static int add_unshared_items(PyObject *result, PyObject *view, PyObject *other) {
    PyObject *iterator = items_iter(view);
    if (iterator == NULL) return -1;
    int failed = 0;
    PyObject *pair;
    while (!failed && (pair = PyIter_Next(iterator)) != NULL) {
        int shared = items_contains(other, pair);
        failed = shared < 0 || (!shared && PySet_Add(result, pair) < 0);
        Py_DECREF(pair);
    }
    Py_DECREF(iterator);
    return failed || PyErr_Occurred() ? -1 : 0;
}

static PyObject *view_xor(PyObject *self, PyObject *other) {
    if (!PyDictItems_Check(self) || !PyDictItems_Check(other))
        return set_changed_by(self, KR_NAME(symmetric_difference_update), other);
    PyObject *result = PySet_New(NULL);
    if (result == NULL) return NULL;
    if (add_unshared_items(result, self, other) < 0 || add_unshared_items(result, other, self) < 0) Py_CLEAR(result);
    return result;
}

PyDoc_STRVAR(isdisjoint_doc, "Tell whether the view and the given iterable have no element in common.");

static PyObject *view_isdisjoint(PyObject *self, PyObject *other) {
    if (self == other) return PyBool_FromLong(view_length(self) == 0);
    if (PyAnySet_CheckExact(other) || PyDictViewSet_Check(other)) {
        /* Look the elements of the smaller one up in the larger one. */
        Py_ssize_t others = PyObject_Size(other);
        if (others < 0) return NULL;
        if (others > view_length(self)) {
            PyObject *larger = other;
            other = self;
            self = larger;
        }
    }
    PyObject *iterator = PyObject_GetIter(other);
    if (iterator == NULL) return NULL;
    int common = 0;
    PyObject *element;
    while (common == 0 && (element = PyIter_Next(iterator)) != NULL) {
        common = PySequence_Contains(self, element);
        Py_DECREF(element);
    }
    Py_DECREF(iterator);
    if (common < 0 || PyErr_Occurred()) return NULL;
    return PyBool_FromLong(!common);
}

static PyObject *keys_reversed(PyObject *op, PyObject *unused) {
    return new_iterator(view_dict(op), &PyDictRevIterKey_Type);
}
static PyObject *values_reversed(PyObject *op, PyObject *unused) {
    return new_iterator(view_dict(op), &PyDictRevIterValue_Type);
}
static PyObject *items_reversed(PyObject *op, PyObject *unused) {
    return new_iterator(view_dict(op), &PyDictRevIterItem_Type);
}

PyDoc_STRVAR(reversed_keys_doc, "Iterate over the keys, the last inserted one first.");
PyDoc_STRVAR(reversed_values_doc, "Iterate over the values, the last inserted one first.");
PyDoc_STRVAR(reversed_items_doc, "Iterate over the items, the last inserted one first.");

static PyMethodDef keys_methods[] = {
    {"isdisjoint", view_isdisjoint, METH_O, isdisjoint_doc},
    {"__reversed__", keys_reversed, METH_NOARGS, reversed_keys_doc},
    {NULL},
};

static PyMethodDef values_methods[] = {
    {"__reversed__", values_reversed, METH_NOARGS, reversed_values_doc},
    {NULL},
};

static PyMethodDef items_methods[] = {
    {"isdisjoint", view_isdisjoint, METH_O, isdisjoint_doc},
    {"__reversed__", items_reversed, METH_NOARGS, reversed_items_doc},
    {NULL},
};

static PySequenceMethods keys_as_sequence = {.sq_length = view_length, .sq_contains = keys_contains};
static PySequenceMethods values_as_sequence = {.sq_length = view_length};
static PySequenceMethods items_as_sequence = {.sq_length = view_length, .sq_contains = items_contains};

static PyNumberMethods view_as_number = {
    .nb_subtract = view_subtract,
    .nb_and = _PyDictView_Intersect,
    .nb_xor = view_xor,
    .nb_or = view_or,
};

PyTypeObject PyDictKeys_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "dict_keys",
    .tp_basicsize = sizeof(_PyDictViewObject),
    .tp_dealloc = view_dealloc,
    .tp_repr = view_repr,
    .tp_as_number = &view_as_number,
    .tp_as_sequence = &keys_as_sequence,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = view_traverse,
    .tp_richcompare = view_compare,
    .tp_iter = keys_iter,
    .tp_methods = keys_methods,
    .tp_getset = view_getset,
};

PyTypeObject PyDictValues_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "dict_values",
    .tp_basicsize = sizeof(_PyDictViewObject),
    .tp_dealloc = view_dealloc,
    .tp_repr = view_repr,
    .tp_as_sequence = &values_as_sequence,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = view_traverse,
    .tp_iter = values_iter,
    .tp_methods = values_methods,
    .tp_getset = view_getset,
};

PyTypeObject PyDictItems_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "dict_items",
    .tp_basicsize = sizeof(_PyDictViewObject),
    .tp_dealloc = view_dealloc,
    .tp_repr = view_repr,
    .tp_as_number = &view_as_number,
    .tp_as_sequence = &items_as_sequence,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = view_traverse,
    .tp_richcompare = view_compare,
    .tp_iter = items_iter,
    .tp_methods = items_methods,
    .tp_getset = view_getset,
};
