/* The methods, operators and constructor of dict. */
#include <Python.h>

#include "object/names.h"
#include "types/dict.h"
#include "types/str/str.h"

/* Construction and update */

int kr_dict_update_from(PyObject *self, PyObject *argument) {
    if (PyDict_CheckExact(argument)) return PyDict_Merge(self, argument, 1);
    PyObject *keys;
    if (_PyObject_LookupAttr(argument, KR_NAME(keys), &keys) < 0) return -1;
    if (keys == NULL) return PyDict_MergeFromSeq2(self, argument, 1);
    Py_DECREF(keys);
    return PyDict_Merge(self, argument, 1);
}

/* Adds the keyword arguments of a vector call. Returns 0 or -1. */
static int add_keywords(PyObject *self, PyObject *const *values, PyObject *kwnames) {
    Py_ssize_t count = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyDict_SetItem(self, PyTuple_GET_ITEM(kwnames, i), values[i]) < 0) return -1;
    }
    return 0;
}

int kr_dict_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (!_PyArg_CheckPositional("dict", PyTuple_GET_SIZE(args), 0, 1)) return -1;
    if (PyTuple_GET_SIZE(args) == 1 && kr_dict_update_from(self, PyTuple_GET_ITEM(args, 0)) < 0) return -1;
    if (kwargs == NULL) return 0;
    return PyArg_ValidateKeywordArguments(kwargs) ? PyDict_Merge(self, kwargs, 1) : -1;
}

PyObject *kr_dict_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_CheckPositional("dict", nargs, 0, 1)) return NULL;
    if (nargs == 0 && kwnames != NULL && (PyTypeObject *)type == &PyDict_Type)
        return kr_dict_from_items(&PyTuple_GET_ITEM(kwnames, 0), 1, args, 1, PyTuple_GET_SIZE(kwnames));
    PyObject *self = ((PyTypeObject *)type)->tp_new((PyTypeObject *)type, NULL, NULL);
    if (self == NULL) return NULL;
    if ((nargs == 1 && kr_dict_update_from(self, args[0]) < 0) ||
        add_keywords(self, args + nargs, kwnames) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return self;
}

PyDoc_STRVAR(update_doc, "Add the items of a mapping or of an iterable of pairs, then the keyword arguments.");

static PyObject *dict_update(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    if (!_PyArg_CheckPositional("update", nargs, 0, 1)) return NULL;
    if (nargs == 1 && kr_dict_update_from(self, args[0]) < 0) return NULL;
    if (add_keywords(self, args + nargs, kwnames) < 0) return NULL;
    Py_RETURN_NONE;
}

/* Fills an empty exact dict from the keys of an exact dict or set. Returns 0 or -1. */
static int add_keys_of(PyObject *self, PyObject *source, PyObject *value) {
    Py_ssize_t position = 0;
    PyObject *key;
    Py_hash_t hash;
    int is_dict = PyDict_CheckExact(source);
    while (is_dict ? _PyDict_Next(source, &position, &key, NULL, &hash)
                   : _PySet_NextEntry(source, &position, &key, &hash)) {
        Py_INCREF(key);
        int failed = _PyDict_SetItem_KnownHash(self, key, value, hash);
        Py_DECREF(key);
        if (failed) return -1;
    }
    return 0;
}

PyObject *kr_dict_from_keys(PyObject *type, PyObject *iterable, PyObject *value) {
    PyObject *self = PyObject_CallNoArgs(type);
    if (self == NULL) return NULL;
    int plain = PyDict_CheckExact(self);
    if (plain && (PyDict_CheckExact(iterable) || PyAnySet_CheckExact(iterable))) {
        if (add_keys_of(self, iterable, value) < 0) Py_CLEAR(self);
        return self;
    }
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    PyObject *key;
    int failed = 0;
    while (!failed && (key = PyIter_Next(iterator)) != NULL) {
        failed = plain ? PyDict_SetItem(self, key, value) : PyObject_SetItem(self, key, value);
        Py_DECREF(key);
    }
    Py_DECREF(iterator);
    if (failed || PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

PyDoc_STRVAR(fromkeys_doc, "fromkeys($type, iterable, value=None, /)\n--\n\n"
                           "Make a dictionary whose keys come from iterable and whose values are all value.");

static PyObject *dict_fromkeys(PyObject *type, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("fromkeys", nargs, 1, 2)) return NULL;
    return kr_dict_from_keys(type, args[0], nargs == 2 ? args[1] : Py_None);
}

/* Reading */

PyDoc_STRVAR(getitem_doc, "Return self[y].");
PyDoc_STRVAR(contains_doc, "__contains__($self, key, /)\n--\n\nTell whether the dictionary has the key.");

static PyObject *dict_contains(PyObject *self, PyObject *key) {
    int present = PyDict_Contains(self, key);
    return present < 0 ? NULL : PyBool_FromLong(present);
}

PyDoc_STRVAR(get_doc, "get($self, key, default=None, /)\n--\n\nReturn the key's value, or default if it is absent.");

static PyObject *dict_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("get", nargs, 1, 2)) return NULL;
    Py_hash_t hash = kr_hash(args[0]);
    if (hash == -1) return NULL;
    PyObject *value;
    Py_ssize_t index = kr_dict_find((PyDictObject *)self, args[0], hash, &value);
    if (index == -2) return NULL;
    if (value == NULL) value = nargs == 2 ? args[1] : Py_None;
    return Py_NewRef(value);
}

PyDoc_STRVAR(sizeof_doc, "Return the dictionary's size in memory, in bytes.");

static PyObject *dict_sizeof(PyObject *self, PyObject *unused) {
    return PyLong_FromSsize_t(_PyDict_SizeOf((PyDictObject *)self));
}

PyDoc_STRVAR(copy_doc, "Return a shallow copy.");

static PyObject *dict_copy(PyObject *self, PyObject *unused) { return PyDict_Copy(self); }

/* Changing */

PyDoc_STRVAR(setdefault_doc, "setdefault($self, key, default=None, /)\n--\n\n"
                             "Return the key's value; if it is absent, insert it with the value default first.");

static PyObject *dict_setdefault(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("setdefault", nargs, 1, 2)) return NULL;
    return Py_XNewRef(PyDict_SetDefault(self, args[0], nargs == 2 ? args[1] : Py_None));
}

PyDoc_STRVAR(pop_doc, "pop($self, key, default=<unrepresentable>, /)\n--\n\n"
                      "Remove the key and return its value; if it is absent, return default or raise KeyError.");

static PyObject *dict_pop(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("pop", nargs, 1, 2)) return NULL;
    return _PyDict_Pop(self, args[0], nargs == 2 ? args[1] : NULL);
}

PyDoc_STRVAR(popitem_doc, "popitem($self, /)\n--\n\n"
                          "Remove the item inserted last and return it as a (key, value) pair.");

static PyObject *dict_popitem(PyObject *self, PyObject *unused) { return kr_dict_pop_last((PyDictObject *)self); }

PyDoc_STRVAR(clear_doc, "Remove all items.");

static PyObject *dict_clear(PyObject *self, PyObject *unused) {
    PyDict_Clear(self);
    Py_RETURN_NONE;
}

/* Views */

PyDoc_STRVAR(keys_doc, "Return a set-like view of the keys.");
PyDoc_STRVAR(items_doc, "Return a set-like view of the (key, value) pairs.");
PyDoc_STRVAR(values_doc, "Return a view of the values.");
PyDoc_STRVAR(reversed_doc, "__reversed__($self, /)\n--\n\nIterate over the keys, the last inserted one first.");
PyDoc_STRVAR(class_getitem_doc, "Return a generic alias; see PEP 585.");

static PyObject *dict_keys(PyObject *self, PyObject *unused) { return _PyDictView_New(self, &PyDictKeys_Type); }
static PyObject *dict_items(PyObject *self, PyObject *unused) { return _PyDictView_New(self, &PyDictItems_Type); }
static PyObject *dict_values(PyObject *self, PyObject *unused) { return _PyDictView_New(self, &PyDictValues_Type); }

PyMethodDef kr_dict_methods[] = {
    {"__contains__", dict_contains, METH_O | METH_COEXIST, contains_doc},
    {"__getitem__", kr_dict_subscript, METH_O | METH_COEXIST, getitem_doc},
    {"__sizeof__", dict_sizeof, METH_NOARGS, sizeof_doc},
    {"get", (PyCFunction)(void (*)(void))dict_get, METH_FASTCALL, get_doc},
    {"setdefault", (PyCFunction)(void (*)(void))dict_setdefault, METH_FASTCALL, setdefault_doc},
    {"pop", (PyCFunction)(void (*)(void))dict_pop, METH_FASTCALL, pop_doc},
    {"popitem", dict_popitem, METH_NOARGS, popitem_doc},
    {"keys", dict_keys, METH_NOARGS, keys_doc},
    {"items", dict_items, METH_NOARGS, items_doc},
    {"values", dict_values, METH_NOARGS, values_doc},
    {"update", (PyCFunction)(void (*)(void))dict_update, METH_FASTCALL | METH_KEYWORDS, update_doc},
    {"fromkeys", (PyCFunction)(void (*)(void))dict_fromkeys, METH_FASTCALL | METH_CLASS, fromkeys_doc},
    {"clear", dict_clear, METH_NOARGS, clear_doc},
    {"copy", dict_copy, METH_NOARGS, copy_doc},
    {"__reversed__", kr_dict_reversed, METH_NOARGS, reversed_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

/* Operators */

PyObject *kr_dict_or(PyObject *self, PyObject *other) {
    if (!PyDict_Check(self) || !PyDict_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *result = PyDict_Copy(self);
    if (result != NULL && kr_dict_update_from(result, other) < 0) Py_CLEAR(result);
    return result;
}

PyObject *kr_dict_update_or(PyObject *self, PyObject *other) {
    return kr_dict_update_from(self, other) < 0 ? NULL : Py_NewRef(self);
}

/* Returns 1 if both dicts have the same keys with equal values, 0 if not, -1 with an exception. */
static int equal_dicts(PyDictObject *left, PyDictObject *right) {
    if (left->ma_used != right->ma_used) return 0;
    Py_ssize_t position = 0;
    KrDictEntry *entry;
    while ((entry = kr_dict_next_entry(left, &position)) != NULL) {
        Py_hash_t hash = kr_entry_hash(left->ma_keys, entry);
        PyObject *key = Py_NewRef(entry->key), *value = Py_NewRef(entry->value), *other;
        Py_ssize_t index = kr_dict_find(right, key, hash, &other);
        int equal = index == -2 ? -1 : 0;
        if (other != NULL) {
            Py_INCREF(other);
            equal = PyObject_RichCompareBool(value, other, Py_EQ);
            Py_DECREF(other);
        }
        Py_DECREF(key);
        Py_DECREF(value);
        if (equal <= 0) return equal;
    }
    return 1;
}

PyObject *kr_dict_compare(PyObject *self, PyObject *other, int op) {
    if (!PyDict_Check(self) || !PyDict_Check(other) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
    int equal = equal_dicts((PyDictObject *)self, (PyDictObject *)other);
    return equal < 0 ? NULL : PyBool_FromLong(equal == (op == Py_EQ));
}

/* Writes the repr of an object that the caller owns, and releases it. Returns 0 or -1. */
static int write_repr(_PyUnicodeWriter *writer, PyObject *object) {
    PyObject *text = PyObject_Repr(object);
    if (text == NULL) return -1;
    int failed = _PyUnicodeWriter_WriteStr(writer, text);
    Py_DECREF(text);
    return failed;
}

PyObject *kr_dict_repr(PyObject *op) {
    PyDictObject *self = (PyDictObject *)op;
    int nested = Py_ReprEnter(op);
    if (nested != 0) return nested > 0 ? PyUnicode_FromString("{...}") : NULL;
    if (self->ma_used == 0) {
        Py_ReprLeave(op);
        return PyUnicode_FromString("{}");
    }
    _PyUnicodeWriter writer;
    KrWriterRoom room;
    kr_writer_start(&writer, &room);
    writer.min_length = 6 * self->ma_used; /* at least "k: v, " an item */
    int failed = _PyUnicodeWriter_WriteChar(&writer, '{');
    Py_ssize_t position = 0;
    KrDictEntry *entry;
    for (int first = 1; !failed && (entry = kr_dict_next_entry(self, &position)) != NULL; first = 0) {
        PyObject *key = Py_NewRef(entry->key), *value = Py_NewRef(entry->value);
        failed = (!first && _PyUnicodeWriter_WriteASCIIString(&writer, ", ", 2) < 0) || write_repr(&writer, key) < 0 ||
                 _PyUnicodeWriter_WriteASCIIString(&writer, ": ", 2) < 0 || write_repr(&writer, value) < 0;
        Py_DECREF(key);
        Py_DECREF(value);
    }
    if (!failed) {
        writer.overallocate = 0;
        failed = _PyUnicodeWriter_WriteChar(&writer, '}');
    }
    Py_ReprLeave(op);
    if (!failed) return _PyUnicodeWriter_Finish(&writer);
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}
