/* Lookup of names along a type's MRO, version tags, and the method cache that they make possible. */
#include <Python.h>
#include <stdint.h>

#include "object/object.h"
#include "object/type.h"

enum {
    CACHE_BITS = 10,
    CACHE_SIZE = 1 << CACHE_BITS,
    CACHEABLE_NAME_LENGTH = 100, /* longer names are not worth keeping alive */
};

/* `version` says which state of which type the entry is about; no type has version 0. `value` is borrowed: the type's
 * dict holds it as long as the version is valid. NULL records that the name is absent. */
typedef struct CacheEntry {
    unsigned int version;
    PyObject *name; /* owned */
    PyObject *value;
} CacheEntry;

static struct {
    CacheEntry cache[CACHE_SIZE];
    unsigned int last_version;
} state;

static inline CacheEntry *cache_entry(unsigned int version, PyObject *name) {
    return &state.cache[(version ^ (unsigned int)((uintptr_t)name >> 4)) & (CACHE_SIZE - 1)];
}

unsigned int PyType_ClearCache(void) {
    for (int i = 0; i < CACHE_SIZE; i++) {
        CacheEntry *entry = &state.cache[i];
        entry->version = 0;
        entry->value = NULL;
        Py_CLEAR(entry->name);
    }
    return state.last_version;
}

void kr_type_cache_finalize(void) { PyType_ClearCache(); }

int kr_type_assign_version(PyTypeObject *type) {
    if (type->tp_flags & Py_TPFLAGS_VALID_VERSION_TAG) return 1;
    if (!(type->tp_flags & Py_TPFLAGS_READY) || (type->tp_flags & KR_TPFLAGS_UNCACHED) || type->tp_mro == NULL) return 0;
    if (state.last_version == UINT_MAX) return 0;
    PyObject *bases = type->tp_bases;
    if (bases != NULL) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
            if (!kr_type_assign_version((PyTypeObject *)PyTuple_GET_ITEM(bases, i))) return 0;
        }
    }
    type->tp_version_tag = ++state.last_version;
    type->tp_flags |= Py_TPFLAGS_VALID_VERSION_TAG;
    return 1;
}

void PyType_Modified(PyTypeObject *type) {
    if (!(type->tp_flags & Py_TPFLAGS_VALID_VERSION_TAG)) return;
    KrSubclasses *subclasses = kr_type_subclasses(type);
    for (Py_ssize_t i = 0; subclasses != NULL && i < subclasses->count; i++) PyType_Modified(subclasses->item[i]);
    type->tp_flags &= ~Py_TPFLAGS_VALID_VERSION_TAG;
    type->tp_version_tag = 0;
}

/* Finds a name in the dicts of the MRO. Borrowed; NULL with or without an exception. */
static PyObject *find_in_mro(PyTypeObject *type, PyObject *name) {
    PyObject *mro = type->tp_mro;
    if (mro == NULL) {
        if (type->tp_flags & (Py_TPFLAGS_READY | Py_TPFLAGS_READYING)) return NULL;
        if (PyType_Ready(type) < 0) return NULL;
        mro = type->tp_mro;
        if (mro == NULL) return NULL;
    }
    Py_hash_t hash = PyUnicode_CheckExact(name) ? ((PyASCIIObject *)name)->hash : -1;
    if (hash == -1 && (hash = PyObject_Hash(name)) == -1) return NULL;
    /* A comparison in a dict may run Python code that replaces the MRO. */
    Py_INCREF(mro);
    PyObject *found = NULL;
    for (Py_ssize_t i = 0, count = PyTuple_GET_SIZE(mro); i < count; i++) {
        PyObject *dict = ((PyTypeObject *)PyTuple_GET_ITEM(mro, i))->tp_dict;
        if (dict == NULL) continue;
        found = _PyDict_GetItem_KnownHash(dict, name, hash);
        if (found != NULL || PyErr_Occurred()) break;
    }
    Py_DECREF(mro);
    return found;
}

/* Returns a borrowed reference, or NULL without an exception if the name is absent (errors are forgotten). */
PyObject *_PyType_Lookup(PyTypeObject *type, PyObject *name) {
    unsigned int version = type->tp_version_tag;
    CacheEntry *entry = cache_entry(version, name);
    if (entry->version == version && entry->name == name) return entry->value;

    PyObject *saved_type, *saved_value, *saved_traceback;
    int had_error = PyErr_Occurred() != NULL;
    if (had_error) PyErr_Fetch(&saved_type, &saved_value, &saved_traceback);
    PyObject *found = find_in_mro(type, name);
    if (found == NULL && PyErr_Occurred()) {
        PyErr_Clear();
        if (had_error) PyErr_Restore(saved_type, saved_value, saved_traceback);
        return NULL;
    }
    if (had_error) PyErr_Restore(saved_type, saved_value, saved_traceback);

    /* A name that is not interned is another object the next time. */
    if (PyUnicode_CheckExact(name) && PyUnicode_CHECK_INTERNED(name) &&
        PyUnicode_GET_LENGTH(name) <= CACHEABLE_NAME_LENGTH && kr_type_assign_version(type)) {
        version = type->tp_version_tag;
        entry = cache_entry(version, name);
        entry->version = version;
        entry->value = found;
        PyObject *old_name = entry->name;
        entry->name = Py_NewRef(name);
        Py_XDECREF(old_name);
    }
    return found;
}

PyObject *_PyType_LookupId(PyTypeObject *type, _Py_Identifier *name) {
    PyObject *text = _PyUnicode_FromId(name);
    return text != NULL ? _PyType_Lookup(type, text) : NULL;
}

PyObject *kr_special_lookup(PyObject *self, PyObject *name) {
    if (name == NULL) return NULL;
    PyTypeObject *type = Py_TYPE(self);
    PyObject *found = _PyType_Lookup(type, name);
    if (found == NULL) return NULL;
    descrgetfunc get = Py_TYPE(found)->tp_descr_get;
    if (get == NULL) return Py_NewRef(found);
    Py_INCREF(found);
    PyObject *bound = get(found, self, (PyObject *)type);
    Py_DECREF(found);
    return bound;
}

PyObject *kr_special_lookup_unbound(PyObject *self, PyObject *name, int *unbound) {
    *unbound = 0;
    if (name == NULL) return NULL;
    PyTypeObject *type = Py_TYPE(self);
    PyObject *found = _PyType_Lookup(type, name);
    if (found == NULL) return NULL;
    Py_INCREF(found);
    if (PyType_HasFeature(Py_TYPE(found), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        *unbound = 1;
        return found;
    }
    descrgetfunc get = Py_TYPE(found)->tp_descr_get;
    if (get == NULL) return found;
    PyObject *bound = get(found, self, (PyObject *)type);
    Py_DECREF(found);
    return bound;
}

PyObject *_PyObject_LookupSpecialId(PyObject *self, _Py_Identifier *name) {
    PyObject *text = _PyUnicode_FromId(name);
    return text != NULL ? kr_special_lookup(self, text) : NULL;
}
