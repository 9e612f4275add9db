/* Where the attributes of an instance of a Python class live.
 *
 * A class whose instances have a `__dict__` has Py_TPFLAGS_MANAGED_DICT, tp_dictoffset -1, and a record of type
 * KrClassLayout, to which `ht_cached_keys` of its PyHeapTypeObject points. Each instance has one word, the *attribute
 * word*, `attribute_offset` bytes from its start (subclasses keep the base's offset). The word is one of:
 *
 *   0                      no attribute was set yet;
 *   pointer with bit 0 set a dict object (owned reference): `__dict__` was asked for, or the names outgrew the shape;
 *   other pointer          a KrValues block: attribute i of the class's *shape* is value[i], or NULL if absent.
 *
 * A shape is the ordered list of the attribute names that instances of one class were given, shared by all of them. It
 * only grows; an index, once given, keeps its name. Invariant: in a KrValues block the present values, read by rising
 * index, are in order of insertion; an insertion that would break this turns the block into a dict.
 *
 * A class layout's shape belongs to one class only (a subclass has its own record and an own shape).
 */
#ifndef KR_OBJECT_INSTANCE_H
#define KR_OBJECT_INSTANCE_H

#include <Python.h>
#include <stdint.h>

enum { KR_SHAPE_LIMIT = 30 }; /* names a shape may hold; an instance with others gets a dict */

typedef struct KrShape {
    int32_t count;          /* names in use */
    int32_t index_mask;     /* size of `index` - 1; a power of two, at least twice `count` */
    PyObject **names;       /* `count` interned strings, owned */
    int8_t *index;          /* open addressing by the name's address: name index or -1 */
} KrShape;

typedef struct KrClassLayout {
    Py_ssize_t attribute_offset;
    KrShape shape;
} KrClassLayout;

typedef struct KrValues {
    int32_t capacity; /* number of slots in `value` */
    int32_t used;     /* 1 + the highest index that was ever set */
    PyObject *value[];
} KrValues;

/* Returns the layout record of a type with Py_TPFLAGS_MANAGED_DICT. */
static inline KrClassLayout *kr_class_layout(PyTypeObject *type) {
    return (KrClassLayout *)((PyHeapTypeObject *)type)->ht_cached_keys;
}

static inline uintptr_t *kr_attribute_word_at(PyObject *self, Py_ssize_t attribute_offset) {
    return (uintptr_t *)((char *)self + attribute_offset);
}

/* Returns the address of the attribute word of an instance whose type has Py_TPFLAGS_MANAGED_DICT. */
static inline uintptr_t *kr_attribute_word(PyObject *self) {
    return kr_attribute_word_at(self, kr_class_layout(Py_TYPE(self))->attribute_offset);
}

static inline int kr_word_is_dict(uintptr_t word) { return (word & 1) != 0; }
static inline PyObject *kr_word_dict(uintptr_t word) { return (PyObject *)(word - 1); }
static inline KrValues *kr_word_values(uintptr_t word) { return (KrValues *)word; }

/* Creates the layout record of a new class; returns 0, or -1 with MemoryError. */
int kr_class_layout_create(PyHeapTypeObject *type, Py_ssize_t attribute_offset);
/* Releases the record (when the class dies); does nothing if there is none. */
void kr_class_layout_destroy(PyHeapTypeObject *type);

/* Returns the index of an interned name in the class's shape, or -1. Never fails. */
Py_ssize_t kr_shape_find(const KrShape *shape, PyObject *name);

/* Looks an attribute up in the instance itself. Returns a new reference; NULL without an exception if absent, NULL with
 * one on error (a dict lookup with a hostile key). `name` is any str. */
PyObject *kr_instance_get(PyObject *self, PyObject *name);
/* Sets (value != NULL) or deletes an attribute of the instance itself. Returns 0; -1 with an exception; deleting an absent
 * attribute returns -1 with KeyError(name) set, which the caller turns into AttributeError. */
int kr_instance_set(PyObject *self, PyObject *name, PyObject *value);
/* Returns the instance's dict, creating it from the values if needed; a borrowed reference, or NULL on error. */
PyObject *kr_instance_dict(PyObject *self);
/* Replaces the instance's dict (`dict` may be NULL: the next use makes an empty one). Returns 0 or -1. */
int kr_instance_set_dict(PyObject *self, PyObject *dict);
/* True if kr_instance_set does the same as obj.__dict__[name] = value: the class has an attribute word and the usual
 * `__dict__`, and the instance has no dict yet. */
int kr_instance_is_plain(PyObject *self);
/* True if the instance has no attributes, without creating a dict. */
int kr_instance_is_empty(PyObject *self);

/* For subtype_clear and _dealloc. */
void kr_instance_clear(PyObject *self);
/* Bytes that the values block of the instance takes, for sys.getsizeof; 0 if there is none. */
size_t kr_instance_values_size(PyObject *self);

/* Sets the value at a shape index of an instance that has no dict (fast path of the evaluation loop). Takes a new
 * reference to value. Returns 0; -1 with MemoryError; 1 if the order of insertion forbids it: then nothing was done. */
int kr_instance_set_index(PyObject *self, KrClassLayout *layout, Py_ssize_t index, PyObject *value);

#endif
