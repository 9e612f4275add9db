/* Where the attributes of an instance of a Python class live: see instance.h for the three states of the word. */
#include <Python.h>
#include <string.h>

#include "object/instance.h"

enum {
    FIRST_INDEX_SIZE = 8,
    FIRST_CAPACITY = 2, /* values in the first block of an instance whose class has no names yet */
};

/* -- Shapes --------------------------------------------------------------------------------------------------------------- */

static inline uint32_t name_hash(PyObject *name) {
    uintptr_t address = (uintptr_t)name;
    return (uint32_t)((address >> 4) ^ (address >> 12));
}

int kr_class_layout_create(PyHeapTypeObject *type, Py_ssize_t attribute_offset) {
    KrClassLayout *layout = PyMem_Calloc(1, sizeof(KrClassLayout));
    if (layout == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    layout->attribute_offset = attribute_offset;
    type->ht_cached_keys = (struct _dictkeysobject *)layout;
    return 0;
}

void kr_class_layout_destroy(PyHeapTypeObject *type) {
    KrClassLayout *layout = (KrClassLayout *)type->ht_cached_keys;
    if (layout == NULL) return;
    type->ht_cached_keys = NULL;
    for (int32_t i = 0; i < layout->shape.count; i++) Py_DECREF(layout->shape.names[i]);
    PyMem_Free(layout->shape.names);
    PyMem_Free(layout->shape.index);
    PyMem_Free(layout);
}

Py_ssize_t kr_shape_find(const KrShape *shape, PyObject *name) {
    if (shape->count == 0) return -1;
    for (uint32_t i = name_hash(name);; i++) {
        int8_t found = shape->index[i & shape->index_mask];
        if (found < 0) return -1;
        if (shape->names[found] == name) return found;
    }
}

/* Doubles the room of a full shape (or makes the first). Returns 0, or -1 without an exception. */
static int grow_shape(KrShape *shape) {
    int32_t size = shape->index == NULL ? FIRST_INDEX_SIZE : (shape->index_mask + 1) * 2;
    int8_t *index = PyMem_Malloc(size);
    PyObject **names = index != NULL ? PyMem_Realloc(shape->names, size / 2 * sizeof(PyObject *)) : NULL;
    if (names == NULL) {
        PyMem_Free(index);
        return -1;
    }
    memset(index, -1, size);
    for (int32_t i = 0; i < shape->count; i++) {
        uint32_t place = name_hash(names[i]);
        while (index[place & (size - 1)] >= 0) place++;
        index[place & (size - 1)] = (int8_t)i;
    }
    PyMem_Free(shape->index);
    shape->index = index;
    shape->index_mask = size - 1;
    shape->names = names;
    return 0;
}

/* Adds a name. Returns its index, or -1 without an exception if the shape is full or memory is. */
static Py_ssize_t shape_add(KrShape *shape, PyObject *name) {
    if (shape->count >= KR_SHAPE_LIMIT) return -1;
    if (shape->index == NULL || shape->count * 2 > shape->index_mask) {
        if (grow_shape(shape) < 0) return -1;
    }
    uint32_t place = name_hash(name);
    while (shape->index[place & shape->index_mask] >= 0) place++;
    shape->index[place & shape->index_mask] = (int8_t)shape->count;
    shape->names[shape->count] = Py_NewRef(name);
    return shape->count++;
}

/* -- Values blocks ---------------------------------------------------------------------------------------------------------- */

static KrValues *values_new(int32_t capacity) {
    KrValues *values = PyObject_Malloc(sizeof(KrValues) + capacity * sizeof(PyObject *));
    if (values == NULL) return NULL;
    values->capacity = capacity;
    values->used = 0;
    memset(values->value, 0, capacity * sizeof(PyObject *));
    return values;
}

/* Releases a block that no word points to any more. */
static void values_free(KrValues *values) {
    for (int32_t i = 0; i < values->used; i++) Py_XDECREF(values->value[i]);
    PyObject_Free(values);
}

/* Makes room for `index` in the block of a word. Returns the block or NULL with MemoryError. */
static KrValues *values_with_room(uintptr_t *word, KrClassLayout *layout, Py_ssize_t index) {
    KrValues *values = kr_word_values(*word);
    if (values != NULL && index < values->capacity) return values;
    /* The names that other instances have are likely to come. */
    int32_t capacity = layout->shape.count > FIRST_CAPACITY ? layout->shape.count : FIRST_CAPACITY;
    if (capacity <= index) capacity = (int32_t)index + 1;
    /* Blocks are a header of one word and the values: an odd count fills the allocator's granule of 16 bytes. */
    capacity |= 1;
    KrValues *grown = values_new(capacity);
    if (grown == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    if (values != NULL) {
        memcpy(grown->value, values->value, values->used * sizeof(PyObject *));
        grown->used = values->used;
        PyObject_Free(values);
    }
    *word = (uintptr_t)grown;
    return grown;
}

/* Turns the values into a dict and has the word point to it. Returns the dict, borrowed, or NULL on error. */
static PyObject *make_dict(uintptr_t *word, KrClassLayout *layout) {
    KrValues *values = kr_word_values(*word);
    PyObject *dict = PyDict_New();
    if (dict == NULL) return NULL;
    for (int32_t i = 0; values != NULL && i < values->used; i++) {
        if (values->value[i] != NULL && PyDict_SetItem(dict, layout->shape.names[i], values->value[i]) < 0) {
            Py_DECREF(dict);
            return NULL;
        }
    }
    /* Making the dict may have run a collection, hence code that did the same. */
    if (kr_word_is_dict(*word)) {
        Py_DECREF(dict);
        return kr_word_dict(*word);
    }
    *word = (uintptr_t)dict | 1;
    if (values != NULL) values_free(values);
    return dict;
}

/* -- Attributes -------------------------------------------------------------------------------------------------------------- */

PyObject *kr_instance_dict(PyObject *self) {
    uintptr_t *word = kr_attribute_word(self);
    if (kr_word_is_dict(*word)) return kr_word_dict(*word);
    return make_dict(word, kr_class_layout(Py_TYPE(self)));
}

/* The index of any str in the class's shape; -1 if absent. Only exact interned strings are found by address. */
static Py_ssize_t find_name(KrClassLayout *layout, PyObject *name) {
    Py_ssize_t index = kr_shape_find(&layout->shape, name);
    if (index >= 0 || (PyUnicode_CheckExact(name) && PyUnicode_CHECK_INTERNED(name))) return index;
    return -2;
}

PyObject *kr_instance_get(PyObject *self, PyObject *name) {
    uintptr_t word = *kr_attribute_word(self);
    if (word == 0) return NULL;
    if (!kr_word_is_dict(word)) {
        Py_ssize_t index = find_name(kr_class_layout(Py_TYPE(self)), name);
        if (index != -2) {
            KrValues *values = kr_word_values(word);
            if (index < 0 || index >= values->used) return NULL;
            return Py_XNewRef(values->value[index]);
        }
        if (PyUnicode_CheckExact(name)) {
            /* Not interned, but perhaps equal to a name that is. */
            PyObject *interned = Py_NewRef(name);
            PyUnicode_InternInPlace(&interned);
            index = kr_shape_find(&kr_class_layout(Py_TYPE(self))->shape, interned);
            Py_DECREF(interned);
            KrValues *values = kr_word_values(word);
            if (index < 0 || index >= values->used) return NULL;
            return Py_XNewRef(values->value[index]);
        }
        /* A subclass of str may compare as it likes: only a dict does it justice. */
        if (kr_instance_dict(self) == NULL) return NULL;
        word = *kr_attribute_word(self);
    }
    PyObject *dict = Py_NewRef(kr_word_dict(word));
    PyObject *value = PyDict_GetItemWithError(dict, name);
    Py_XINCREF(value);
    Py_DECREF(dict);
    return value;
}

int kr_instance_set_index(PyObject *self, KrClassLayout *layout, Py_ssize_t index, PyObject *value) {
    uintptr_t *word = kr_attribute_word_at(self, layout->attribute_offset);
    KrValues *values = kr_word_values(*word);
    if (values != NULL && index < values->used) {
        PyObject *old = values->value[index];
        if (old == NULL) return 1; /* values with higher indexes came before this one */
        values->value[index] = Py_NewRef(value);
        Py_DECREF(old);
        return 0;
    }
    values = values_with_room(word, layout, index);
    if (values == NULL) return -1;
    values->value[index] = Py_NewRef(value);
    values->used = (int32_t)index + 1;
    return 0;
}

static int delete_index(KrValues *values, Py_ssize_t index) {
    if (values == NULL || index < 0 || index >= values->used || values->value[index] == NULL) return -1;
    PyObject *old = values->value[index];
    values->value[index] = NULL;
    while (values->used > 0 && values->value[values->used - 1] == NULL) values->used--;
    Py_DECREF(old);
    return 0;
}

int kr_instance_set(PyObject *self, PyObject *name, PyObject *value) {
    uintptr_t *word = kr_attribute_word(self);
    if (!kr_word_is_dict(*word) && PyUnicode_CheckExact(name)) {
        KrClassLayout *layout = kr_class_layout(Py_TYPE(self));
        Py_INCREF(name);
        if (!PyUnicode_CHECK_INTERNED(name)) PyUnicode_InternInPlace(&name);
        Py_ssize_t index = kr_shape_find(&layout->shape, name);
        if (value == NULL) {
            int status = delete_index(kr_word_values(*word), index);
            if (status < 0) PyErr_SetObject(PyExc_KeyError, name);
            Py_DECREF(name);
            return status;
        }
        if (index < 0) index = shape_add(&layout->shape, name);
        Py_DECREF(name);
        if (index >= 0) {
            int status = kr_instance_set_index(self, layout, index, value);
            if (status <= 0) return status;
        }
    }
    PyObject *dict = kr_instance_dict(self);
    if (dict == NULL) return -1;
    Py_INCREF(dict);
    int status = value != NULL ? PyDict_SetItem(dict, name, value) : PyDict_DelItem(dict, name);
    Py_DECREF(dict);
    return status;
}

static void release_word(uintptr_t word) {
    if (word == 0) return;
    if (kr_word_is_dict(word)) {
        Py_DECREF(kr_word_dict(word));
    } else {
        values_free(kr_word_values(word));
    }
}

int kr_instance_set_dict(PyObject *self, PyObject *dict) {
    uintptr_t *word = kr_attribute_word(self);
    uintptr_t old = *word;
    *word = dict != NULL ? (uintptr_t)Py_NewRef(dict) | 1 : 0;
    release_word(old);
    return 0;
}

int kr_instance_is_empty(PyObject *self) {
    uintptr_t word = *kr_attribute_word(self);
    if (word == 0) return 1;
    if (kr_word_is_dict(word)) return PyDict_GET_SIZE(kr_word_dict(word)) == 0;
    return kr_word_values(word)->used == 0;
}

/* -- Life of the instance -------------------------------------------------------------------------------------------------------- */

void kr_instance_clear(PyObject *self) {
    uintptr_t *word = kr_attribute_word(self);
    uintptr_t old = *word;
    *word = 0;
    release_word(old);
}

size_t kr_instance_values_size(PyObject *self) {
    uintptr_t word = *kr_attribute_word(self);
    if (word == 0 || kr_word_is_dict(word)) return 0;
    return sizeof(KrValues) + kr_word_values(word)->capacity * sizeof(PyObject *);
}
