/* The dictionary's table and the inline operations of the evaluation loop.
 *
 * A table is one block of memory: this header, a hash index, an array of entries in order of insertion. The index has
 * 2^log2_slots slots of 1, 2, 4 or 8 bytes; a slot holds an entry's position, or one of the two highest values of its
 * width: free (never used) or deleted. Probing starts at the hash's low bits and mixes the higher ones in.
 *
 * There are two kinds of table. While every key is an exact str the entries are {key, value}, since a str knows its
 * hash; as soon as another key comes in, the table is rebuilt with entries {key, value, hash}. Both begin alike, so
 * that code that only walks over a table uses the stride alone.
 *
 * Invariants: count <= capacity <= 2/3 of the slots, so that every probe ends at a free slot. An entry with value NULL
 * is a hole (its key is NULL too). `version` is 0 or identifies the set of keys and their positions among all tables:
 * it goes back to 0 whenever a key is added, removed or moved, never because a value is replaced. ma_values is NULL.
 * The one empty table is static, shared by all empty dicts and never written to.
 */
#ifndef KR_TYPES_DICT_H
#define KR_TYPES_DICT_H

#include <Python.h>
#include <stdint.h>

enum { KR_KEYS_STATIC = 1, KR_KEYS_ORPHANS = 2 };

/* Strides of the two kinds of entry, in bytes. */
enum { KR_STR_ENTRY = 16, KR_HASH_ENTRY = 24 };

typedef struct KrDictEntry {
    PyObject *key;
    PyObject *value;
    Py_hash_t hash; /* present only if the table's entry_size is KR_HASH_ENTRY */
} KrDictEntry;

struct _dictkeysobject {
    uint32_t version;
    uint8_t log2_slots;
    uint8_t log2_index_bytes;
    uint8_t entry_size; /* KR_STR_ENTRY or KR_HASH_ENTRY */
    uint8_t flags;      /* KR_KEYS_STATIC; KR_KEYS_ORPHANS: popitem left deleted slots that no hole accounts for */
    Py_ssize_t count;   /* entries in use, holes included */
    Py_ssize_t capacity;
    char data[];
};

_Static_assert(sizeof(struct _dictkeysobject) == 24, "the table header is three words");
_Static_assert(sizeof(PyDictObject) == 48, "the public layout of a dict");

extern struct _dictkeysobject *const kr_dict_empty_keys;
extern uint64_t kr_dict_version_tag; /* the last ma_version_tag that was given out */

static inline char *kr_keys_entries(const PyDictKeysObject *keys) {
    return (char *)keys->data + ((size_t)1 << keys->log2_index_bytes);
}

static inline KrDictEntry *kr_keys_entry(const PyDictKeysObject *keys, Py_ssize_t index) {
    return (KrDictEntry *)(kr_keys_entries(keys) + (size_t)index * keys->entry_size);
}

static inline int kr_keys_all_str(const PyDictKeysObject *keys) { return keys->entry_size == KR_STR_ENTRY; }

/* Returns the hash of an entry that is no hole. */
static inline Py_hash_t kr_entry_hash(const PyDictKeysObject *keys, const KrDictEntry *entry) {
    return kr_keys_all_str(keys) ? ((PyASCIIObject *)entry->key)->hash : entry->hash;
}

/* Returns the hash of any object, -1 with an exception; at once for a str that knows its hash and for small ints. */
static inline Py_hash_t kr_hash(PyObject *key) {
    if (PyUnicode_CheckExact(key)) {
        Py_hash_t hash = ((PyASCIIObject *)key)->hash;
        if (hash != -1) return hash;
    } else if (PyLong_CheckExact(key) && (size_t)Py_SIZE(key) <= 1) {
        return Py_SIZE(key) != 0 ? (Py_hash_t)((PyLongObject *)key)->ob_digit[0] : 0;
    }
    return PyObject_Hash(key);
}

/* Out-of-line parts of the inline functions below. */
uint32_t kr_dict_assign_keys_version(PyDictObject *self);
void kr_dict_track_for(PyDictObject *self, PyObject *value);

/* Returns the version of the set of keys, or 0 if there is none to rely on: the table has keys that are not str, or the
 * versions ran out. */
static inline uint32_t kr_dict_keys_version(PyDictObject *self) {
    uint32_t version = self->ma_keys->version;
    return version != 0 ? version : kr_dict_assign_keys_version(self);
}

/* Returns the version of the set of keys if it has one; a guard compares this with what kr_dict_keys_version gave. */
static inline uint32_t kr_dict_keys_version_now(PyDictObject *self) { return self->ma_keys->version; }

/* Finds an exact str among the keys that are exact str, without calling any Python code. Returns the entry's index, or
 * -1 if there is none. Only in a table of which all keys are str (see kr_dict_keys_version) does -1 mean that a lookup
 * would find nothing. */
Py_ssize_t kr_dict_find_index(PyDictObject *self, PyObject *key);

static inline Py_ssize_t kr_dict_entry_limit(PyDictObject *self) { return self->ma_keys->count; }

/* Key and value at an index below the entry limit; borrowed, NULL for a hole. */
static inline PyObject *kr_dict_key_at(PyDictObject *self, Py_ssize_t index) {
    return kr_keys_entry(self->ma_keys, index)->key;
}
static inline PyObject *kr_dict_value_at(PyDictObject *self, Py_ssize_t index) {
    return kr_keys_entry(self->ma_keys, index)->value;
}

/* Replaces the value at the index of a present key; takes over the reference to value. */
static inline void kr_dict_set_value_at(PyDictObject *self, Py_ssize_t index, PyObject *value) {
    KrDictEntry *entry = kr_keys_entry(self->ma_keys, index);
    PyObject *old = entry->value;
    if (old != value) { /* storing what is there already is no change */
        entry->value = value;
        self->ma_version_tag = ++kr_dict_version_tag;
        if (PyType_IS_GC(Py_TYPE(value))) kr_dict_track_for(self, value);
    }
    Py_DECREF(old);
}

/* Looks up a key whose hash is known. Returns the entry's index and the borrowed value; -1 and NULL if it is absent; -2
 * and NULL with an exception. */
Py_ssize_t kr_dict_find(PyDictObject *self, PyObject *key, Py_hash_t hash, PyObject **value);

/* Looks a name (an exact str) up in globals, then builtins, both dicts. Returns a borrowed reference; NULL without an
 * exception if the name is in neither, NULL with one if a lookup failed. */
PyObject *kr_dict_load_global(PyObject *globals, PyObject *builtins, PyObject *name);

/* d[key] = value for a dict; takes over the references to both, also on failure. Returns 0 or -1. */
int kr_dict_set_item_take(PyObject *self, PyObject *key, PyObject *value);

/* Makes a dict of `count` keys and values which lie `key_stride` and `value_stride` places apart, with references of its
 * own. Returns a new reference or NULL. */
PyObject *kr_dict_from_items(PyObject *const *keys, Py_ssize_t key_stride, PyObject *const *values,
                             Py_ssize_t value_stride, Py_ssize_t count);

/* d[key] for a dict or a subclass's instance as an expression: honours __missing__, raises KeyError. A new reference. */
PyObject *kr_dict_subscript(PyObject *self, PyObject *key);

/* Iterating over `self` is dict's own iteration (__iter__ is not overridden): its table may be read directly. */
static inline int kr_dict_iterates_plainly(PyObject *self) {
    return Py_TYPE(self)->tp_iter == PyDict_Type.tp_iter || Py_TYPE(self) == &PyODict_Type;
}

/* The next entry at or after *position that is no hole, or NULL; *position is moved behind it. */
static inline KrDictEntry *kr_dict_next_entry(PyDictObject *self, Py_ssize_t *position) {
    PyDictKeysObject *keys = self->ma_keys;
    for (Py_ssize_t index = *position; index < keys->count; index++) {
        KrDictEntry *entry = kr_keys_entry(keys, index);
        if (entry->value != NULL) {
            *position = index + 1;
            return entry;
        }
    }
    *position = keys->count;
    return NULL;
}

/* Parts of the type that live in the other files. */
extern PyMethodDef kr_dict_methods[];
PyObject *kr_dict_repr(PyObject *self);
PyObject *kr_dict_compare(PyObject *self, PyObject *other, int op);
PyObject *kr_dict_or(PyObject *self, PyObject *other);
PyObject *kr_dict_update_or(PyObject *self, PyObject *other);
PyObject *kr_dict_iter(PyObject *self);
PyObject *kr_dict_reversed(PyObject *self, PyObject *unused);
int kr_dict_init(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *kr_dict_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames);
/* type.fromkeys(iterable, value) for dict and what derives from it. Returns a new reference or NULL. */
PyObject *kr_dict_from_keys(PyObject *type, PyObject *iterable, PyObject *value);
/* dict.update(argument) for one positional argument: a mapping, or an iterable of pairs. Returns 0 or -1. */
int kr_dict_update_from(PyObject *self, PyObject *argument);

/* For `del d[key]` through a mapping slot: value NULL deletes. */
int kr_dict_assign_subscript(PyObject *self, PyObject *key, PyObject *value);

/* Removes the item at an index that is in use. Returns a new reference to the value. */
PyObject *kr_dict_remove_index(PyDictObject *self, Py_ssize_t index, Py_hash_t hash);

/* Adds a key that is not in the dict; takes over both references, also on failure. Returns 0 or -1. */
int kr_dict_add_new(PyDictObject *self, PyObject *key, Py_hash_t hash, PyObject *value);

/* Moves the entry at an index in use behind all others, or to the hole before `first`, the first index in use; if that
 * is 0, the table is rebuilt with holes in front. Return the entry's new index, or -1 with MemoryError. */
Py_ssize_t kr_dict_move_last(PyDictObject *self, Py_ssize_t index);
Py_ssize_t kr_dict_move_first(PyDictObject *self, Py_ssize_t index, Py_ssize_t first);

/* Removes and returns the last (key, value) pair as a new tuple; NULL with KeyError if the dict is empty. */
PyObject *kr_dict_pop_last(PyDictObject *self);

/* Parts of the ABI that the public headers do not declare. */
PyAPI_FUNC(PyObject *) _PyDict_Pop_KnownHash(PyObject *op, PyObject *key, Py_hash_t hash, PyObject *fallback);
PyAPI_FUNC(int) _PyDict_CheckConsistency(PyObject *op, int check_content);

/* Empties the caches of the subject at shutdown, or when the collector asks for it. */
void kr_dict_clear_free_lists(void);
void kr_dict_finalize(void);

#endif
