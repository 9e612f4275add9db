/* dict: the ordered hash table and the C interface to it. dict.h tells how a table is laid out. */
#include <Python.h>

#include "collector/collector.h"
#include "types/dict.h"

#include <string.h>

enum {
    PERTURB_SHIFT = 5,      /* bits of the hash that each further probe brings in */
    MIN_LOG2_SLOTS = 3,     /* the smallest index: 8 slots of one byte */
    FIRST_STR_CAPACITY = 5, /* entries of a first table: both kinds fit the block size below */
    FIRST_HASH_CAPACITY = 3,
    SMALL_TABLE_BYTES = 112, /* size of the tables that the free list keeps */
    LARGE_TABLE = 4096,      /* entries from which on a table grows within its block */
    FREE_DICTS = KR_FREE_LIST(80),
    FREE_TABLES = KR_FREE_LIST(80),
};

#define SLOT_FREE ((Py_ssize_t)-1)
#define SLOT_DELETED ((Py_ssize_t)-2)

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

static struct {
    PyDictObject *dicts[FREE_DICTS];
    int dict_count;
    PyDictKeysObject *tables[FREE_TABLES];
    int table_count;
    uint32_t keys_version;
} state = {.keys_version = 1};

uint64_t kr_dict_version_tag;

/* The empty table: one index's worth of free slots and no entries. Its version never changes. */
static struct {
    struct _dictkeysobject header;
    unsigned char slots[8];
} empty_keys = {
    .header = {.version = 1,
               .log2_slots = MIN_LOG2_SLOTS,
               .log2_index_bytes = MIN_LOG2_SLOTS,
               .entry_size = KR_STR_ENTRY,
               .flags = KR_KEYS_STATIC},
    .slots = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
};

struct _dictkeysobject *const kr_dict_empty_keys = &empty_keys.header;

/* Tables */

/* The number of entries that an index of 2^log2_slots slots may serve. */
static inline Py_ssize_t usable_entries(int log2_slots) {
    return (Py_ssize_t)(((size_t)2 << log2_slots) / 3);
}

static int log2_slots_for(Py_ssize_t capacity) {
    int log2_slots = MIN_LOG2_SLOTS;
    while (usable_entries(log2_slots) < capacity) log2_slots++;
    return log2_slots;
}

static inline int log2_index_bytes_for(int log2_slots) {
    if (log2_slots <= 8) return log2_slots;
    if (log2_slots <= 16) return log2_slots + 1;
    if (log2_slots <= 32) return log2_slots + 2;
    return log2_slots + 3;
}

static inline size_t table_bytes(int log2_index_bytes, Py_ssize_t capacity, int entry_size) {
    return sizeof(PyDictKeysObject) + ((size_t)1 << log2_index_bytes) + (size_t)capacity * entry_size;
}

static inline size_t keys_bytes(const PyDictKeysObject *keys) {
    return table_bytes(keys->log2_index_bytes, keys->capacity, keys->entry_size);
}

/* The capacity of a table that grows beyond `used` entries: half as much again while small, then a quarter, an eighth. */
static Py_ssize_t grown_capacity(Py_ssize_t used, int entry_size) {
    Py_ssize_t first = entry_size == KR_STR_ENTRY ? FIRST_STR_CAPACITY : FIRST_HASH_CAPACITY;
    if (used < first) return first;
    if (used < 128) return used + (used < 6 ? 2 : used / 2);
    return used + (used < 65536 ? used / 4 : used / 8);
}

/* Makes a table without entries. Returns NULL with MemoryError. */
static PyDictKeysObject *new_keys(int log2_slots, Py_ssize_t capacity, int entry_size) {
    int log2_index_bytes = log2_index_bytes_for(log2_slots);
    if (UNLIKELY(log2_slots > 56)) {
        PyErr_NoMemory();
        return NULL;
    }
    size_t bytes = table_bytes(log2_index_bytes, capacity, entry_size);
    PyDictKeysObject *keys;
    if (bytes == SMALL_TABLE_BYTES && state.table_count > 0) {
        keys = state.tables[--state.table_count];
    } else {
        keys = PyObject_Malloc(bytes);
        if (keys == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
    }
    keys->version = 0;
    keys->log2_slots = (uint8_t)log2_slots;
    keys->log2_index_bytes = (uint8_t)log2_index_bytes;
    keys->entry_size = (uint8_t)entry_size;
    keys->flags = 0;
    keys->count = 0;
    keys->capacity = capacity;
    memset(keys->data, 0xff, (size_t)1 << log2_index_bytes);
    return keys;
}

/* Releases a table's memory, not the references in it. */
static inline void free_keys(PyDictKeysObject *keys) {
    if (keys->flags & KR_KEYS_STATIC) return;
    if (keys_bytes(keys) == SMALL_TABLE_BYTES && state.table_count < FREE_TABLES) {
        state.tables[state.table_count++] = keys;
        return;
    }
    PyObject_Free(keys);
}

static void release_entries(PyDictKeysObject *keys) {
    size_t stride = keys->entry_size;
    char *place = kr_keys_entries(keys);
    for (Py_ssize_t left = keys->count; left > 0; left--, place += stride) {
        KrDictEntry *entry = (KrDictEntry *)place;
        Py_XDECREF(entry->key);
        Py_XDECREF(entry->value);
    }
}

static inline size_t slot_mask(const PyDictKeysObject *keys) { return ((size_t)1 << keys->log2_slots) - 1; }

/* Reads a slot of an index of `width` bytes a slot: an entry's position, SLOT_FREE or SLOT_DELETED. */
static ALWAYS_INLINE Py_ssize_t read_slot_of(const PyDictKeysObject *keys, int width, size_t slot) {
    if (width == 1) {
        uint8_t value = ((const uint8_t *)keys->data)[slot];
        return value >= 0xfe ? (Py_ssize_t)value - 0x100 : (Py_ssize_t)value;
    }
    if (width == 2) {
        uint16_t value = ((const uint16_t *)keys->data)[slot];
        return value >= 0xfffe ? (Py_ssize_t)value - 0x10000 : (Py_ssize_t)value;
    }
    if (width == 4) {
        uint32_t value = ((const uint32_t *)keys->data)[slot];
        return value >= 0xfffffffe ? (Py_ssize_t)value - 0x100000000 : (Py_ssize_t)value;
    }
    return ((const Py_ssize_t *)keys->data)[slot];
}

static ALWAYS_INLINE int index_width(const PyDictKeysObject *keys) {
    if (LIKELY(keys->log2_slots <= 8)) return 1;
    return keys->log2_slots <= 16 ? 2 : keys->log2_slots <= 32 ? 4 : 8;
}

static inline Py_ssize_t read_slot(const PyDictKeysObject *keys, size_t slot) {
    switch (index_width(keys)) {
    case 1: return read_slot_of(keys, 1, slot);
    case 2: return read_slot_of(keys, 2, slot);
    case 4: return read_slot_of(keys, 4, slot);
    default: return read_slot_of(keys, 8, slot);
    }
}

static ALWAYS_INLINE void write_slot_of(PyDictKeysObject *keys, int width, size_t slot, Py_ssize_t value) {
    if (width == 1)
        ((uint8_t *)keys->data)[slot] = (uint8_t)value;
    else if (width == 2)
        ((uint16_t *)keys->data)[slot] = (uint16_t)value;
    else if (width == 4)
        ((uint32_t *)keys->data)[slot] = (uint32_t)value;
    else
        ((Py_ssize_t *)keys->data)[slot] = value;
}

static inline void write_slot(PyDictKeysObject *keys, size_t slot, Py_ssize_t value) {
    switch (index_width(keys)) {
    case 1: write_slot_of(keys, 1, slot, value); break;
    case 2: write_slot_of(keys, 2, slot, value); break;
    case 4: write_slot_of(keys, 4, slot, value); break;
    default: write_slot_of(keys, 8, slot, value);
    }
}

static inline size_t next_slot(size_t slot, size_t *perturb, size_t mask) {
    *perturb >>= PERTURB_SHIFT;
    return (slot * 5 + *perturb + 1) & mask;
}

/* Enters the position of an entry whose key is not in the index yet. */
static ALWAYS_INLINE void enter_in_index_of(PyDictKeysObject *keys, int width, Py_hash_t hash, Py_ssize_t index) {
    size_t mask = slot_mask(keys), perturb = (size_t)hash, slot = perturb & mask;
    while (read_slot_of(keys, width, slot) >= 0) slot = next_slot(slot, &perturb, mask);
    write_slot_of(keys, width, slot, index);
}

static inline void enter_in_index(PyDictKeysObject *keys, Py_hash_t hash, Py_ssize_t index) {
    switch (index_width(keys)) {
    case 1: enter_in_index_of(keys, 1, hash, index); break;
    case 2: enter_in_index_of(keys, 2, hash, index); break;
    case 4: enter_in_index_of(keys, 4, hash, index); break;
    default: enter_in_index_of(keys, 8, hash, index);
    }
}

/* Finds the slot that holds a given entry's position. */
static size_t slot_of_entry(const PyDictKeysObject *keys, Py_ssize_t index, Py_hash_t hash) {
    size_t mask = slot_mask(keys), perturb = (size_t)hash, slot = perturb & mask;
    while (read_slot(keys, slot) != index) slot = next_slot(slot, &perturb, mask);
    return slot;
}

static ALWAYS_INLINE void fill_index_of(PyDictKeysObject *keys, int width, int entry_size) {
    const char *place = kr_keys_entries(keys);
    for (Py_ssize_t index = 0; index < keys->count; index++, place += entry_size) {
        const KrDictEntry *entry = (const KrDictEntry *)place;
        Py_hash_t hash = entry_size == KR_STR_ENTRY ? ((PyASCIIObject *)entry->key)->hash : entry->hash;
        enter_in_index_of(keys, width, hash, index);
    }
}

/* Enters all entries into an index of which all slots are free. The entries have no holes. */
static void fill_index(PyDictKeysObject *keys) {
    int entry_size = keys->entry_size;
    switch (index_width(keys)) {
    case 1: fill_index_of(keys, 1, entry_size); break;
    case 2: fill_index_of(keys, 2, entry_size); break;
    case 4: fill_index_of(keys, 4, entry_size); break;
    default: fill_index_of(keys, 8, entry_size);
    }
}

/* Copies the entries of `from` that are no holes to the empty table `to`; borrows or moves the references. */
static void copy_entries(PyDictKeysObject *to, const PyDictKeysObject *from, Py_ssize_t used) {
    Py_ssize_t filled = 0;
    if (from->entry_size == to->entry_size && from->count == used) {
        memcpy(kr_keys_entries(to), kr_keys_entries(from), (size_t)used * from->entry_size);
        filled = used;
    } else if (from->entry_size == to->entry_size) {
        size_t stride = from->entry_size;
        const char *source = kr_keys_entries(from);
        char *target = kr_keys_entries(to);
        for (Py_ssize_t left = from->count; left > 0; left--, source += stride) {
            if (((const KrDictEntry *)source)->value == NULL) continue;
            memcpy(target, source, stride);
            target += stride;
            filled++;
        }
    } else {
        for (Py_ssize_t index = 0; index < from->count; index++) {
            KrDictEntry *entry = kr_keys_entry(from, index);
            if (entry->value == NULL) continue;
            KrDictEntry *copy = kr_keys_entry(to, filled++);
            copy->key = entry->key;
            copy->value = entry->value;
            if (to->entry_size == KR_HASH_ENTRY) copy->hash = kr_entry_hash(from, entry);
        }
    }
    to->count = filled;
    fill_index(to);
}

/* Gives a table without holes a larger index within its own block, so that a large one is never in memory twice. Returns
 * 0, or -1 with MemoryError and nothing changed. */
static int grow_in_place(PyDictObject *self, int log2_slots, Py_ssize_t capacity) {
    PyDictKeysObject *keys = self->ma_keys;
    size_t old_index = (size_t)1 << keys->log2_index_bytes;
    int log2_index_bytes = log2_index_bytes_for(log2_slots);
    size_t new_index = (size_t)1 << log2_index_bytes;
    keys = PyObject_Realloc(keys, table_bytes(log2_index_bytes, capacity, keys->entry_size));
    if (keys == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memmove(keys->data + new_index, keys->data + old_index, (size_t)keys->count * keys->entry_size);
    memset(keys->data, 0xff, new_index);
    keys->log2_slots = (uint8_t)log2_slots;
    keys->log2_index_bytes = (uint8_t)log2_index_bytes;
    keys->flags = 0;
    keys->capacity = capacity;
    self->ma_keys = keys;
    fill_index(keys);
    return 0;
}

/* Moves a dict's entries to a new table of the given shape. Returns 0, or -1 with MemoryError and nothing changed. */
static int rebuild(PyDictObject *self, Py_ssize_t capacity, int entry_size) {
    PyDictKeysObject *old = self->ma_keys;
    int log2_slots = log2_slots_for(capacity);
    if (old->count >= LARGE_TABLE && old->count == self->ma_used && entry_size == old->entry_size &&
        log2_slots > old->log2_slots)
        return grow_in_place(self, log2_slots, capacity);
    PyDictKeysObject *keys = new_keys(log2_slots, capacity, entry_size);
    if (keys == NULL) return -1;
    copy_entries(keys, old, self->ma_used);
    self->ma_keys = keys;
    free_keys(old);
    return 0;
}

/* Gives the entry array of a table without orphans more room; its index must serve that many. Returns 0 or -1. */
static int extend_entries(PyDictObject *self, Py_ssize_t capacity) {
    PyDictKeysObject *keys = self->ma_keys;
    size_t bytes = table_bytes(keys->log2_index_bytes, capacity, keys->entry_size);
    keys = PyObject_Realloc(keys, bytes);
    if (keys == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    keys->capacity = capacity;
    self->ma_keys = keys;
    return 0;
}

/* Makes room for at least one more entry of the given kind. Returns 0 or -1. */
static int make_room(PyDictObject *self, int entry_size) {
    PyDictKeysObject *keys = self->ma_keys;
    Py_ssize_t used = self->ma_used, holes = keys->count - used;
    Py_ssize_t capacity = grown_capacity(used, entry_size), usable = usable_entries(keys->log2_slots);
    if (keys->count == 0 && capacity < keys->capacity) capacity = keys->capacity; /* made with this size in mind */
    if (entry_size == keys->entry_size && holes <= used / 4 && keys->flags == 0 && keys->count < usable) {
        if (capacity <= keys->count) capacity = keys->count + 1 + keys->count / 8;
        return extend_entries(self, capacity < usable ? capacity : usable);
    }
    return rebuild(self, capacity, entry_size);
}

/* Makes room for `more` further entries, which may bring keys that are not str. Returns 0 or -1. */
static int reserve(PyDictObject *self, Py_ssize_t more, int entry_size) {
    PyDictKeysObject *keys = self->ma_keys;
    if (keys->entry_size > entry_size) entry_size = keys->entry_size;
    if (entry_size == keys->entry_size && keys->capacity - keys->count >= more) return 0;
    Py_ssize_t capacity = self->ma_used + more;
    if (self->ma_used > 0) capacity += capacity / 8;
    return rebuild(self, capacity, entry_size);
}

/* Makes a table with the same entries, owning references of its own, with at most a little spare room. */
static PyDictKeysObject *clone_keys(PyDictObject *self) {
    PyDictKeysObject *from = self->ma_keys;
    Py_ssize_t used = self->ma_used, capacity = used + used / 8;
    PyDictKeysObject *keys;
    if (used == from->count && from->flags == 0) {
        if (capacity > from->capacity) capacity = from->capacity;
        keys = new_keys(from->log2_slots, capacity, from->entry_size);
        if (keys == NULL) return NULL;
        size_t index_bytes = (size_t)1 << from->log2_index_bytes;
        memcpy(keys->data, from->data, index_bytes + (size_t)used * from->entry_size);
        keys->count = used;
    } else {
        keys = new_keys(log2_slots_for(capacity), capacity, from->entry_size);
        if (keys == NULL) return NULL;
        copy_entries(keys, from, used);
    }
    size_t stride = keys->entry_size;
    char *place = kr_keys_entries(keys);
    for (Py_ssize_t left = used; left > 0; left--, place += stride) {
        KrDictEntry *entry = (KrDictEntry *)place;
        Py_INCREF(entry->key);
        Py_INCREF(entry->value);
    }
    return keys;
}

uint32_t kr_dict_assign_keys_version(PyDictObject *self) {
    PyDictKeysObject *keys = self->ma_keys;
    if (!kr_keys_all_str(keys) || state.keys_version == UINT32_MAX) return 0;
    return keys->version = ++state.keys_version;
}

/* Lookup */

static ALWAYS_INLINE Py_hash_t str_hash(PyObject *text) { return ((PyASCIIObject *)text)->hash; }

/* Compares two exact str objects whose hashes are known to be equal. */
static inline int same_text(PyObject *left, PyObject *right) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(left);
    int kind = PyUnicode_KIND(left);
    if (length != PyUnicode_GET_LENGTH(right) || kind != (int)PyUnicode_KIND(right)) return 0;
    return memcmp(PyUnicode_DATA(left), PyUnicode_DATA(right), (size_t)length * kind) == 0;
}

static ALWAYS_INLINE Py_ssize_t find_str_of(const PyDictKeysObject *keys, PyObject *key, Py_hash_t hash, int width) {
    size_t mask = slot_mask(keys), perturb = (size_t)hash, slot = perturb & mask;
    const char *entries = kr_keys_entries(keys);
    for (;;) {
        Py_ssize_t index = read_slot_of(keys, width, slot);
        if (index >= 0) {
            PyObject *present = ((const KrDictEntry *)(entries + index * KR_STR_ENTRY))->key;
            if (present == key) return index;
            if (str_hash(present) == hash && same_text(present, key)) return index;
        } else if (index == SLOT_FREE) {
            return -1;
        }
        slot = next_slot(slot, &perturb, mask);
    }
}

static __attribute__((noinline)) Py_ssize_t find_str_in_large(const PyDictKeysObject *keys, PyObject *key,
                                                              Py_hash_t hash) {
    switch (index_width(keys)) {
    case 2: return find_str_of(keys, key, hash, 2);
    case 4: return find_str_of(keys, key, hash, 4);
    default: return find_str_of(keys, key, hash, 8);
    }
}

/* Finds an exact str in a table of which all keys are exact str. Returns the entry's index or -1. */
static inline Py_ssize_t find_str(const PyDictKeysObject *keys, PyObject *key, Py_hash_t hash) {
    if (LIKELY(keys->log2_slots <= 8)) return find_str_of(keys, key, hash, 1);
    return find_str_in_large(keys, key, hash);
}

/* Compares a key with the one at an index, which has an equal hash; this may run Python code. Returns 1 or 0; -1 with an
 * exception; 2 if the table changed meanwhile, so that the lookup must start anew. */
static int compare_keys(PyDictObject *self, Py_ssize_t index, PyObject *key) {
    PyDictKeysObject *keys = self->ma_keys;
    PyObject *present = kr_keys_entry(keys, index)->key;
    uint64_t tag = self->ma_version_tag;
    int log2_slots = keys->log2_slots;
    Py_INCREF(present);
    int equal = PyObject_RichCompareBool(present, key, Py_EQ);
    Py_DECREF(present);
    if (equal < 0 || LIKELY(self->ma_version_tag == tag)) return equal;
    if (self->ma_keys != keys || keys->log2_slots != log2_slots || index >= keys->count ||
        kr_keys_entry(keys, index)->key != present)
        return 2;
    return equal;
}

/* Recognises equal ints of one digit. */
static inline int same_small_int(PyObject *left, PyObject *right) {
    return PyLong_CheckExact(left) && PyLong_CheckExact(right) && Py_SIZE(left) == 1 && Py_SIZE(right) == 1 &&
           ((PyLongObject *)left)->ob_digit[0] == ((PyLongObject *)right)->ob_digit[0];
}

/* Finds any key in any table. Returns the entry's index, -1 if there is none, -2 with an exception. */
static Py_ssize_t find_any(PyDictObject *self, PyObject *key, Py_hash_t hash) {
    int key_is_str = PyUnicode_CheckExact(key);
restart:;
    PyDictKeysObject *keys = self->ma_keys;
    size_t mask = slot_mask(keys), perturb = (size_t)hash, slot = perturb & mask;
    for (;;) {
        Py_ssize_t index = read_slot(keys, slot);
        if (index >= 0) {
            KrDictEntry *entry = kr_keys_entry(keys, index);
            if (entry->key == key) return index;
            if (kr_entry_hash(keys, entry) == hash) {
                if (key_is_str && PyUnicode_CheckExact(entry->key)) {
                    if (same_text(entry->key, key)) return index;
                } else if (same_small_int(entry->key, key)) {
                    return index;
                } else {
                    int equal = compare_keys(self, index, key);
                    if (equal < 0) return -2;
                    if (equal == 2) goto restart;
                    if (equal) return index;
                }
            }
        } else if (index == SLOT_FREE) {
            return -1;
        }
        slot = next_slot(slot, &perturb, mask);
    }
}

static inline Py_ssize_t find(PyDictObject *self, PyObject *key, Py_hash_t hash) {
    if (LIKELY(kr_keys_all_str(self->ma_keys)) && PyUnicode_CheckExact(key)) return find_str(self->ma_keys, key, hash);
    return find_any(self, key, hash);
}

Py_ssize_t kr_dict_find(PyDictObject *self, PyObject *key, Py_hash_t hash, PyObject **value) {
    Py_ssize_t index = find(self, key, hash);
    *value = index >= 0 ? kr_keys_entry(self->ma_keys, index)->value : NULL;
    return index;
}

Py_ssize_t kr_dict_find_index(PyDictObject *self, PyObject *key) {
    PyDictKeysObject *keys = self->ma_keys;
    Py_hash_t hash = kr_hash(key);
    if (LIKELY(kr_keys_all_str(keys))) return find_str(keys, key, hash);
    size_t mask = slot_mask(keys), perturb = (size_t)hash, slot = perturb & mask;
    for (;;) {
        Py_ssize_t index = read_slot(keys, slot);
        if (index == SLOT_FREE) return -1;
        if (index >= 0) {
            KrDictEntry *entry = kr_keys_entry(keys, index);
            if (entry->key == key) return index;
            if (entry->hash == hash && PyUnicode_CheckExact(entry->key) && same_text(entry->key, key)) return index;
        }
        slot = next_slot(slot, &perturb, mask);
    }
}

/* Borrowed value of a key with a known hash; NULL, with an exception only if a comparison failed. */
static inline PyObject *get_known_hash(PyDictObject *self, PyObject *key, Py_hash_t hash) {
    Py_ssize_t index = find(self, key, hash);
    return index >= 0 ? kr_keys_entry(self->ma_keys, index)->value : NULL;
}

PyObject *kr_dict_load_global(PyObject *globals, PyObject *builtins, PyObject *name) {
    Py_hash_t hash = kr_hash(name);
    if (hash == -1) return NULL;
    PyObject *value;
    Py_ssize_t index = kr_dict_find((PyDictObject *)globals, name, hash, &value);
    return index != -1 ? value : get_known_hash((PyDictObject *)builtins, name, hash);
}

/* Keeping the collector informed */

void kr_dict_track_for(PyDictObject *self, PyObject *value) {
    if (!kr_gc_is_tracked((PyObject *)self) && kr_gc_may_be_tracked(value)) kr_gc_track((PyObject *)self);
}

static inline void track_for(PyDictObject *self, PyObject *object) {
    if (PyType_IS_GC(Py_TYPE(object))) kr_dict_track_for(self, object);
}

void _PyDict_MaybeUntrack(PyObject *op) {
    if (!PyDict_CheckExact(op) || !kr_gc_is_tracked(op)) return;
    PyDictObject *self = (PyDictObject *)op;
    Py_ssize_t position = 0;
    KrDictEntry *entry;
    while ((entry = kr_dict_next_entry(self, &position)) != NULL) {
        if (kr_gc_may_be_tracked(entry->value) || kr_gc_may_be_tracked(entry->key)) return;
    }
    kr_gc_untrack(op);
}

/* Changes */

static inline void touch(PyDictObject *self) { self->ma_version_tag = ++kr_dict_version_tag; }

int kr_dict_add_new(PyDictObject *self, PyObject *key, Py_hash_t hash, PyObject *value) {
    PyDictKeysObject *keys = self->ma_keys;
    int entry_size = LIKELY(PyUnicode_CheckExact(key)) ? KR_STR_ENTRY : KR_HASH_ENTRY;
    if (keys->entry_size > entry_size) entry_size = KR_HASH_ENTRY;
    if (keys->count >= keys->capacity || entry_size != keys->entry_size) {
        if (make_room(self, entry_size) < 0) {
            Py_DECREF(key);
            Py_DECREF(value);
            return -1;
        }
        keys = self->ma_keys;
    }
    Py_ssize_t index = keys->count++;
    enter_in_index(keys, hash, index);
    KrDictEntry *entry = kr_keys_entry(keys, index);
    entry->key = key;
    entry->value = value;
    if (entry_size == KR_HASH_ENTRY) entry->hash = hash;
    keys->version = 0;
    self->ma_used++;
    touch(self);
    track_for(self, value);
    if (entry_size == KR_HASH_ENTRY) track_for(self, key);
    return 0;
}

/* Sets or adds an item; takes over both references, also on failure. Returns 0 or -1. */
static inline int insert(PyDictObject *self, PyObject *key, Py_hash_t hash, PyObject *value) {
    Py_ssize_t index = find(self, key, hash);
    if (index == -1) return kr_dict_add_new(self, key, hash, value);
    if (UNLIKELY(index < 0)) {
        Py_DECREF(key);
        Py_DECREF(value);
        return -1;
    }
    kr_dict_set_value_at(self, index, value);
    Py_DECREF(key);
    return 0;
}

PyObject *kr_dict_remove_index(PyDictObject *self, Py_ssize_t index, Py_hash_t hash) {
    PyDictKeysObject *keys = self->ma_keys;
    KrDictEntry *entry = kr_keys_entry(keys, index);
    PyObject *key = entry->key, *value = entry->value;
    write_slot(keys, slot_of_entry(keys, index, hash), SLOT_DELETED);
    entry->key = NULL;
    entry->value = NULL;
    keys->version = 0;
    self->ma_used--;
    touch(self);
    Py_DECREF(key);
    return value;
}

/* Moves an entry to a place that holds none. */
static void move_entry(PyDictObject *self, Py_ssize_t from, Py_ssize_t to) {
    PyDictKeysObject *keys = self->ma_keys;
    KrDictEntry *source = kr_keys_entry(keys, from);
    write_slot(keys, slot_of_entry(keys, from, kr_entry_hash(keys, source)), to);
    memcpy(kr_keys_entry(keys, to), source, keys->entry_size);
    source->key = NULL;
    source->value = NULL;
    keys->version = 0;
    touch(self);
}

Py_ssize_t kr_dict_move_last(PyDictObject *self, Py_ssize_t index) {
    PyDictKeysObject *keys = self->ma_keys;
    if (keys->count >= keys->capacity) {
        Py_hash_t hash = kr_entry_hash(keys, kr_keys_entry(keys, index));
        PyObject *key = kr_keys_entry(keys, index)->key;
        if (make_room(self, keys->entry_size) < 0) return -1;
        keys = self->ma_keys;
        /* The entry may have moved; it is the first one on its probe path that has the very same key. */
        size_t mask = slot_mask(keys), perturb = (size_t)hash, slot = perturb & mask;
        while ((index = read_slot(keys, slot)) < 0 || kr_keys_entry(keys, index)->key != key)
            slot = next_slot(slot, &perturb, mask);
    }
    Py_ssize_t last = keys->count++;
    move_entry(self, index, last);
    return last;
}

Py_ssize_t kr_dict_move_first(PyDictObject *self, Py_ssize_t index, Py_ssize_t first) {
    if (first == 0) {
        /* Leave as much room in front as there are entries, so that moving all of them costs linear time. */
        PyDictKeysObject *old = self->ma_keys;
        Py_ssize_t used = self->ma_used, gap = used, capacity = grown_capacity(used + gap, old->entry_size);
        PyDictKeysObject *keys = new_keys(log2_slots_for(capacity), capacity, old->entry_size);
        if (keys == NULL) return -1;
        memset(kr_keys_entries(keys), 0, (size_t)gap * keys->entry_size);
        Py_ssize_t filled = gap, moved = -1;
        for (Py_ssize_t i = 0; i < old->count; i++) {
            KrDictEntry *entry = kr_keys_entry(old, i);
            if (entry->value == NULL) continue;
            if (i == index) moved = filled;
            memcpy(kr_keys_entry(keys, filled), entry, keys->entry_size);
            enter_in_index(keys, kr_entry_hash(old, entry), filled++);
        }
        keys->count = filled;
        self->ma_keys = keys;
        free_keys(old);
        index = moved;
        first = gap;
    }
    move_entry(self, index, first - 1);
    return first - 1;
}

/* Creation and destruction */

static PyObject *new_dict_with(PyDictKeysObject *keys, Py_ssize_t used) {
    PyDictObject *self;
    if (state.dict_count > 0) {
        self = state.dicts[--state.dict_count];
        Py_SET_REFCNT(self, 1);
    } else {
        self = PyObject_GC_New(PyDictObject, &PyDict_Type);
        if (self == NULL) {
            release_entries(keys);
            free_keys(keys);
            return NULL;
        }
    }
    self->ma_used = used;
    self->ma_version_tag = ++kr_dict_version_tag;
    self->ma_keys = keys;
    self->ma_values = NULL;
    return (PyObject *)self;
}

PyObject *PyDict_New(void) { return new_dict_with(kr_dict_empty_keys, 0); }

PyObject *_PyDict_NewPresized(Py_ssize_t minused) {
    if (minused <= 0) return PyDict_New();
    enum { LARGEST_PRESIZE = 1 << 17 }; /* a hint from bytecode is not trusted beyond this */
    if (minused > LARGEST_PRESIZE) minused = LARGEST_PRESIZE;
    PyDictKeysObject *keys = new_keys(log2_slots_for(minused), minused, KR_STR_ENTRY);
    return keys != NULL ? new_dict_with(keys, 0) : NULL;
}

PyObject *kr_dict_from_items(PyObject *const *names, Py_ssize_t key_stride, PyObject *const *values,
                             Py_ssize_t value_stride, Py_ssize_t count) {
    if (count == 0) return PyDict_New();
    int entry_size = KR_STR_ENTRY;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyUnicode_CheckExact(names[i * key_stride])) {
            entry_size = KR_HASH_ENTRY;
            break;
        }
    }
    PyDictKeysObject *keys = new_keys(log2_slots_for(count), count, entry_size);
    if (keys == NULL) return NULL;
    PyObject *self = new_dict_with(keys, 0);
    if (self == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyDict_SetItem(self, names[i * key_stride], values[i * value_stride]) < 0) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return self;
}

static PyObject *dict_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (type == &PyDict_Type) return PyDict_New();
    PyDictObject *self = (PyDictObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->ma_used = 0;
    self->ma_version_tag = ++kr_dict_version_tag;
    self->ma_keys = kr_dict_empty_keys;
    self->ma_values = NULL;
    return (PyObject *)self;
}

static inline void release_dict(PyDictObject *self) {
    PyDictKeysObject *keys = self->ma_keys;
    if (!(keys->flags & KR_KEYS_STATIC)) {
        release_entries(keys);
        free_keys(keys);
    }
    if (PyDict_CheckExact(self) && state.dict_count < FREE_DICTS) {
        state.dicts[state.dict_count++] = self;
    } else {
        Py_TYPE(self)->tp_free(self);
    }
}

static void dict_dealloc(PyObject *op) {
    if (!kr_gc_is_tracked(op)) {
        /* It holds atoms only, so that releasing them cannot go deep. */
        release_dict((PyDictObject *)op);
        return;
    }
    kr_gc_untrack(op);
    Py_TRASHCAN_BEGIN(op, dict_dealloc)
    release_dict((PyDictObject *)op);
    Py_TRASHCAN_END
}

static int dict_traverse(PyObject *op, visitproc visit, void *arg) {
    PyDictObject *self = (PyDictObject *)op;
    PyDictKeysObject *keys = self->ma_keys;
    size_t stride = keys->entry_size;
    char *place = kr_keys_entries(keys);
    int keys_too = !kr_keys_all_str(keys);
    for (Py_ssize_t left = keys->count; left > 0; left--, place += stride) {
        KrDictEntry *entry = (KrDictEntry *)place;
        Py_VISIT(entry->value);
        if (keys_too) Py_VISIT(entry->key);
    }
    return 0;
}

void PyDict_Clear(PyObject *op) {
    if (!PyDict_Check(op)) return;
    PyDictObject *self = (PyDictObject *)op;
    PyDictKeysObject *keys = self->ma_keys;
    if (keys->flags & KR_KEYS_STATIC) return;
    self->ma_keys = kr_dict_empty_keys;
    self->ma_used = 0;
    touch(self);
    release_entries(keys);
    free_keys(keys);
}

static int dict_clear(PyObject *op) {
    PyDict_Clear(op);
    return 0;
}

PyObject *PyDict_Copy(PyObject *op) {
    if (op == NULL || !PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyDictObject *self = (PyDictObject *)op;
    if (self->ma_used == 0) return PyDict_New();
    if (!kr_dict_iterates_plainly(op)) {
        PyObject *copy = PyDict_New();
        if (copy != NULL && PyDict_Merge(copy, op, 1) < 0) Py_CLEAR(copy);
        return copy;
    }
    PyDictKeysObject *keys = clone_keys(self);
    if (keys == NULL) return NULL;
    PyObject *copy = new_dict_with(keys, self->ma_used);
    if (copy == NULL) return NULL;
    if (kr_gc_is_tracked(op)) kr_gc_track(copy);
    return copy;
}

/* Reading */

PyObject *_PyDict_GetItem_KnownHash(PyObject *op, PyObject *key, Py_hash_t hash) {
    if (!PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return get_known_hash((PyDictObject *)op, key, hash);
}

PyObject *PyDict_GetItemWithError(PyObject *op, PyObject *key) {
    if (UNLIKELY(!PyDict_Check(op))) {
        PyErr_BadInternalCall();
        return NULL;
    }
    Py_hash_t hash = kr_hash(key);
    if (UNLIKELY(hash == -1)) return NULL;
    return get_known_hash((PyDictObject *)op, key, hash);
}

PyObject *_PyDict_GetItemWithError(PyObject *op, PyObject *key) { return PyDict_GetItemWithError(op, key); }

PyObject *PyDict_GetItem(PyObject *op, PyObject *key) {
    if (!PyDict_Check(op)) return NULL;
    PyDictObject *self = (PyDictObject *)op;
    if (LIKELY(PyUnicode_CheckExact(key)) && str_hash(key) != -1 && kr_keys_all_str(self->ma_keys))
        return get_known_hash(self, key, str_hash(key));
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    Py_hash_t hash = kr_hash(key);
    PyObject *value = hash != -1 ? get_known_hash(self, key, hash) : NULL;
    PyErr_Restore(type, error, traceback);
    return value;
}

PyObject *_PyDict_GetItemIdWithError(PyObject *op, _Py_Identifier *key) {
    PyObject *name = _PyUnicode_FromId(key);
    return name != NULL ? PyDict_GetItemWithError(op, name) : NULL;
}

/* Looks a text up without making an object of it; for that, all keys must be plain strings, which do not keep what they are
 * compared with, and the text ASCII and not long. Returns 1 and the value, borrowed or NULL, or 0 if that does not hold. */
static int get_plain_text(PyObject *op, const char *key, PyObject **value) {
    enum { LONGEST = 100 };
    struct {
        PyASCIIObject head;
        char text[LONGEST + 1];
    } name;
    PyDictObject *self = (PyDictObject *)op;
    size_t length = 0;
    if (!PyDict_Check(op) || !kr_keys_all_str(self->ma_keys)) return 0;
    for (; key[length] != '\0'; length++) {
        if (length == LONGEST || (unsigned char)key[length] > 127) return 0;
        name.text[length] = key[length];
    }
    name.text[length] = '\0';
    name.head = (PyASCIIObject){.length = (Py_ssize_t)length, .hash = _Py_HashBytes(key, (Py_ssize_t)length)};
    name.head.ob_base = (PyObject){.ob_refcnt = 1, .ob_type = &PyUnicode_Type};
    name.head.state.kind = PyUnicode_1BYTE_KIND;
    name.head.state.compact = name.head.state.ascii = name.head.state.ready = 1;
    *value = get_known_hash(self, (PyObject *)&name.head, name.head.hash);
    return 1;
}

PyObject *_PyDict_GetItemStringWithError(PyObject *op, const char *key) {
    PyObject *found;
    if (get_plain_text(op, key, &found)) return found;
    PyObject *name = PyUnicode_FromString(key);
    if (name == NULL) return NULL;
    PyObject *value = PyDict_GetItemWithError(op, name);
    Py_DECREF(name);
    return value;
}

PyObject *PyDict_GetItemString(PyObject *op, const char *key) {
    PyObject *found;
    if (get_plain_text(op, key, &found)) return found;
    PyObject *name = PyUnicode_FromString(key);
    if (name == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *value = PyDict_GetItem(op, name);
    Py_DECREF(name);
    return value;
}

int _PyDict_Contains_KnownHash(PyObject *op, PyObject *key, Py_hash_t hash) {
    Py_ssize_t index = find((PyDictObject *)op, key, hash);
    return index >= 0 ? 1 : index == -1 ? 0 : -1;
}

int PyDict_Contains(PyObject *op, PyObject *key) {
    Py_hash_t hash = kr_hash(key);
    return hash != -1 ? _PyDict_Contains_KnownHash(op, key, hash) : -1;
}

int _PyDict_ContainsId(PyObject *op, _Py_Identifier *key) {
    PyObject *name = _PyUnicode_FromId(key);
    return name != NULL ? PyDict_Contains(op, name) : -1;
}

Py_ssize_t PyDict_Size(PyObject *op) {
    if (op == NULL || !PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return ((PyDictObject *)op)->ma_used;
}

int _PyDict_Next(PyObject *op, Py_ssize_t *position, PyObject **key, PyObject **value, Py_hash_t *hash) {
    if (!PyDict_Check(op) || *position < 0) return 0;
    PyDictObject *self = (PyDictObject *)op;
    KrDictEntry *entry = kr_dict_next_entry(self, position);
    if (entry == NULL) return 0;
    if (key != NULL) *key = entry->key;
    if (value != NULL) *value = entry->value;
    if (hash != NULL) *hash = kr_entry_hash(self->ma_keys, entry);
    return 1;
}

int PyDict_Next(PyObject *op, Py_ssize_t *position, PyObject **key, PyObject **value) {
    return _PyDict_Next(op, position, key, value, NULL);
}

int _PyDict_HasOnlyStringKeys(PyObject *op) {
    PyDictObject *self = (PyDictObject *)op;
    if (kr_keys_all_str(self->ma_keys)) return 1;
    Py_ssize_t position = 0;
    KrDictEntry *entry;
    while ((entry = kr_dict_next_entry(self, &position)) != NULL) {
        if (!PyUnicode_Check(entry->key)) return 0;
    }
    return 1;
}

Py_ssize_t _PyDict_SizeOf(PyDictObject *self) {
    Py_ssize_t size = Py_TYPE(self)->tp_basicsize;
    if (!(self->ma_keys->flags & KR_KEYS_STATIC)) size += (Py_ssize_t)keys_bytes(self->ma_keys);
    return size;
}

/* Writing */

int kr_dict_set_item_take(PyObject *op, PyObject *key, PyObject *value) {
    Py_hash_t hash = kr_hash(key);
    if (UNLIKELY(hash == -1)) {
        Py_DECREF(key);
        Py_DECREF(value);
        return -1;
    }
    return insert((PyDictObject *)op, key, hash, value);
}

int PyDict_SetItem(PyObject *op, PyObject *key, PyObject *value) {
    if (UNLIKELY(!PyDict_Check(op))) {
        PyErr_BadInternalCall();
        return -1;
    }
    Py_hash_t hash = kr_hash(key);
    if (UNLIKELY(hash == -1)) return -1;
    PyDictObject *self = (PyDictObject *)op;
    Py_ssize_t index = find(self, key, hash);
    if (index >= 0) {
        kr_dict_set_value_at(self, index, Py_NewRef(value));
        return 0;
    }
    if (UNLIKELY(index != -1)) return -1;
    return kr_dict_add_new(self, Py_NewRef(key), hash, Py_NewRef(value));
}

int _PyDict_SetItem_KnownHash(PyObject *op, PyObject *key, PyObject *value, Py_hash_t hash) {
    if (!PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    return insert((PyDictObject *)op, Py_NewRef(key), hash, Py_NewRef(value));
}

int PyDict_SetItemString(PyObject *op, const char *key, PyObject *value) {
    PyObject *name = PyUnicode_InternFromString(key);
    if (name == NULL) return -1;
    int result = PyDict_SetItem(op, name, value);
    Py_DECREF(name);
    return result;
}

int _PyDict_SetItemId(PyObject *op, _Py_Identifier *key, PyObject *value) {
    PyObject *name = _PyUnicode_FromId(key);
    return name != NULL ? PyDict_SetItem(op, name, value) : -1;
}

int _PyDict_DelItem_KnownHash(PyObject *op, PyObject *key, Py_hash_t hash) {
    if (!PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyDictObject *self = (PyDictObject *)op;
    Py_ssize_t index = find(self, key, hash);
    if (index < 0) {
        if (index == -1) _PyErr_SetKeyError(key);
        return -1;
    }
    Py_DECREF(kr_dict_remove_index(self, index, hash));
    return 0;
}

int PyDict_DelItem(PyObject *op, PyObject *key) {
    Py_hash_t hash = kr_hash(key);
    return hash != -1 ? _PyDict_DelItem_KnownHash(op, key, hash) : -1;
}

int PyDict_DelItemString(PyObject *op, const char *key) {
    PyObject *name = PyUnicode_FromString(key);
    if (name == NULL) return -1;
    int result = PyDict_DelItem(op, name);
    Py_DECREF(name);
    return result;
}

int _PyDict_DelItemId(PyObject *op, _Py_Identifier *key) {
    PyObject *name = _PyUnicode_FromId(key);
    return name != NULL ? PyDict_DelItem(op, name) : -1;
}

int _PyDict_DelItemIf(PyObject *op, PyObject *key, int (*predicate)(PyObject *value)) {
    if (!PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyDictObject *self = (PyDictObject *)op;
    Py_hash_t hash = kr_hash(key);
    if (hash == -1) return -1;
    Py_ssize_t index = find(self, key, hash);
    if (index < 0) {
        if (index == -1) _PyErr_SetKeyError(key);
        return -1;
    }
    int wanted = predicate(kr_dict_value_at(self, index));
    if (wanted <= 0) return wanted;
    Py_DECREF(kr_dict_remove_index(self, index, hash));
    return 0;
}

PyObject *PyDict_SetDefault(PyObject *op, PyObject *key, PyObject *value) {
    if (!PyDict_Check(op)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyDictObject *self = (PyDictObject *)op;
    Py_hash_t hash = kr_hash(key);
    if (hash == -1) return NULL;
    Py_ssize_t index = find(self, key, hash);
    if (index >= 0) return kr_dict_value_at(self, index);
    if (index != -1 || kr_dict_add_new(self, Py_NewRef(key), hash, Py_NewRef(value)) < 0) return NULL;
    return value;
}

PyObject *_PyDict_Pop_KnownHash(PyObject *op, PyObject *key, Py_hash_t hash, PyObject *fallback) {
    PyDictObject *self = (PyDictObject *)op;
    Py_ssize_t index = self->ma_used != 0 ? find(self, key, hash) : -1;
    if (index >= 0) return kr_dict_remove_index(self, index, hash);
    if (index != -1) return NULL;
    if (fallback != NULL) return Py_NewRef(fallback);
    _PyErr_SetKeyError(key);
    return NULL;
}

PyObject *_PyDict_Pop(PyObject *op, PyObject *key, PyObject *fallback) {
    Py_hash_t hash = 0;
    if (((PyDictObject *)op)->ma_used != 0) {
        hash = kr_hash(key);
        if (hash == -1) return NULL;
    }
    return _PyDict_Pop_KnownHash(op, key, hash, fallback);
}

PyObject *kr_dict_pop_last(PyDictObject *self) {
    PyDictKeysObject *keys = self->ma_keys;
    if (self->ma_used == 0) {
        PyErr_SetString(PyExc_KeyError, "popitem(): dictionary is empty");
        return NULL;
    }
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) return NULL;
    keys = self->ma_keys; /* making the tuple may have run the collector */
    if (self->ma_used == 0) {
        Py_DECREF(pair);
        PyErr_SetString(PyExc_KeyError, "popitem(): dictionary is empty");
        return NULL;
    }
    Py_ssize_t index = keys->count - 1;
    while (kr_keys_entry(keys, index)->value == NULL) index--;
    KrDictEntry *entry = kr_keys_entry(keys, index);
    write_slot(keys, slot_of_entry(keys, index, kr_entry_hash(keys, entry)), SLOT_DELETED);
    PyTuple_SET_ITEM(pair, 0, entry->key);
    PyTuple_SET_ITEM(pair, 1, entry->value);
    /* The deleted slots stay in the index, so the entries given up may not be filled again. */
    keys->capacity -= keys->count - index;
    keys->count = index;
    keys->flags |= KR_KEYS_ORPHANS;
    keys->version = 0;
    self->ma_used--;
    touch(self);
    return pair;
}

/* Merging */

static int raise_changed_size(void) {
    PyErr_SetString(PyExc_RuntimeError, "dict mutated during update");
    return -1;
}

/* Adds all items of a dict that iterates plainly; `override` as for _PyDict_MergeEx. Returns 0 or -1. */
static int merge_dict(PyDictObject *self, PyDictObject *other, int override) {
    if (other == self || other->ma_used == 0) return 0;
    if (self->ma_used == 0) {
        /* Nothing can collide: take a copy of the table. */
        PyDictKeysObject *keys = clone_keys(other), *old = self->ma_keys;
        if (keys == NULL) return -1;
        self->ma_keys = keys;
        self->ma_used = other->ma_used;
        touch(self);
        free_keys(old);
        if (kr_gc_is_tracked((PyObject *)other) && !kr_gc_is_tracked((PyObject *)self)) kr_gc_track((PyObject *)self);
        return 0;
    }
    PyDictKeysObject *other_keys = other->ma_keys;
    Py_ssize_t spare = self->ma_keys->capacity - self->ma_keys->count;
    if (other->ma_used > spare && other->ma_used > self->ma_used / 2 &&
        reserve(self, other->ma_used, other_keys->entry_size) < 0)
        return -1;
    uint64_t tag = other->ma_version_tag;
    Py_ssize_t position = 0, used = other->ma_used;
    KrDictEntry *entry;
    while ((entry = kr_dict_next_entry(other, &position)) != NULL) {
        Py_hash_t hash = kr_entry_hash(other->ma_keys, entry);
        PyObject *key = Py_NewRef(entry->key), *value = Py_NewRef(entry->value);
        int failed;
        if (override == 1) {
            failed = insert(self, key, hash, value);
        } else {
            Py_ssize_t index = find(self, key, hash);
            if (index == -1) {
                failed = kr_dict_add_new(self, key, hash, value);
            } else {
                failed = index < 0;
                if (index >= 0 && override != 0) {
                    _PyErr_SetKeyError(key);
                    failed = 1;
                }
                Py_DECREF(key);
                Py_DECREF(value);
            }
        }
        if (failed) return -1;
        if (UNLIKELY(other->ma_version_tag != tag)) {
            if (other->ma_used != used) return raise_changed_size();
            tag = other->ma_version_tag;
        }
    }
    return 0;
}

/* Adds all items of a mapping through its keys() and item lookup. Returns 0 or -1. */
static int merge_mapping(PyObject *self, PyObject *other, int override) {
    PyObject *keys = PyMapping_Keys(other);
    if (keys == NULL) return -1;
    PyObject *iterator = PyObject_GetIter(keys);
    Py_DECREF(keys);
    if (iterator == NULL) return -1;
    PyObject *key;
    while ((key = PyIter_Next(iterator)) != NULL) {
        if (override != 1) {
            int present = PyDict_Contains(self, key);
            if (present > 0 && override != 0) _PyErr_SetKeyError(key);
            if (present < 0 || (present > 0 && override != 0)) goto failed;
            if (present > 0) {
                Py_DECREF(key);
                continue;
            }
        }
        PyObject *value = PyObject_GetItem(other, key);
        if (value == NULL) goto failed;
        if (kr_dict_set_item_take(self, key, value) < 0) {
            Py_DECREF(iterator);
            return -1;
        }
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
failed:
    Py_DECREF(key);
    Py_DECREF(iterator);
    return -1;
}

int _PyDict_MergeEx(PyObject *op, PyObject *other, int override) {
    if (op == NULL || !PyDict_Check(op) || other == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (PyDict_Check(other) && kr_dict_iterates_plainly(other))
        return merge_dict((PyDictObject *)op, (PyDictObject *)other, override);
    return merge_mapping(op, other, override);
}

int PyDict_Merge(PyObject *op, PyObject *other, int override) { return _PyDict_MergeEx(op, other, override != 0); }

int PyDict_Update(PyObject *op, PyObject *other) { return _PyDict_MergeEx(op, other, 1); }

/* Splits an element of an update sequence; the references are new. Returns 0 or -1. */
static int unpack_pair(PyObject *element, Py_ssize_t number, PyObject **key, PyObject **value) {
    PyObject *pair = PySequence_Fast(element, "");
    if (pair == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "cannot convert dictionary update sequence element #%zd to a sequence",
                         number);
        return -1;
    }
    Py_ssize_t length = PySequence_Fast_GET_SIZE(pair);
    if (length != 2) {
        PyErr_Format(PyExc_ValueError, "dictionary update sequence element #%zd has length %zd; 2 is required", number,
                     length);
        Py_DECREF(pair);
        return -1;
    }
    *key = Py_NewRef(PySequence_Fast_GET_ITEM(pair, 0));
    *value = Py_NewRef(PySequence_Fast_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return 0;
}

int PyDict_MergeFromSeq2(PyObject *op, PyObject *sequence, int override) {
    PyObject *iterator = PyObject_GetIter(sequence);
    if (iterator == NULL) return -1;
    PyObject *element;
    for (Py_ssize_t number = 0; (element = PyIter_Next(iterator)) != NULL; number++) {
        PyObject *key, *value;
        int failed = unpack_pair(element, number, &key, &value);
        Py_DECREF(element);
        if (!failed) {
            if (override) {
                failed = kr_dict_set_item_take(op, key, value);
            } else {
                failed = PyDict_SetDefault(op, key, value) == NULL;
                Py_DECREF(key);
                Py_DECREF(value);
            }
        }
        if (failed) {
            Py_DECREF(iterator);
            return -1;
        }
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? -1 : 0;
}

/* The type */

/* d[key] for a key that is absent: __missing__ of a subclass, or KeyError. */
static PyObject *missing_item(PyObject *self, PyObject *key) {
    if (!PyDict_CheckExact(self)) {
        _Py_IDENTIFIER(__missing__);
        PyObject *method = _PyObject_LookupSpecialId(self, &PyId___missing__);
        if (method != NULL) {
            PyObject *value = PyObject_CallOneArg(method, key);
            Py_DECREF(method);
            return value;
        }
        if (PyErr_Occurred()) return NULL;
    }
    _PyErr_SetKeyError(key);
    return NULL;
}

PyObject *kr_dict_subscript(PyObject *self, PyObject *key) {
    Py_hash_t hash = kr_hash(key);
    if (UNLIKELY(hash == -1)) return NULL;
    Py_ssize_t index = find((PyDictObject *)self, key, hash);
    if (LIKELY(index >= 0)) return Py_NewRef(kr_dict_value_at((PyDictObject *)self, index));
    return index == -1 ? missing_item(self, key) : NULL;
}

int kr_dict_assign_subscript(PyObject *self, PyObject *key, PyObject *value) {
    return value != NULL ? PyDict_SetItem(self, key, value) : PyDict_DelItem(self, key);
}

static Py_ssize_t dict_length(PyObject *self) { return ((PyDictObject *)self)->ma_used; }

static PySequenceMethods dict_as_sequence = {.sq_contains = PyDict_Contains};

static PyMappingMethods dict_as_mapping = {
    .mp_length = dict_length,
    .mp_subscript = kr_dict_subscript,
    .mp_ass_subscript = kr_dict_assign_subscript,
};

static PyNumberMethods dict_as_number = {.nb_or = kr_dict_or, .nb_inplace_or = kr_dict_update_or};

PyDoc_STRVAR(dict_doc, "An ordered mapping from hashable keys to values.\n\n"
                       "dict() is empty; dict(mapping) and dict(pairs) copy their items; keyword arguments are added.");

PyTypeObject PyDict_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "dict",
    .tp_basicsize = sizeof(PyDictObject),
    .tp_dealloc = dict_dealloc,
    .tp_repr = kr_dict_repr,
    .tp_as_number = &dict_as_number,
    .tp_as_sequence = &dict_as_sequence,
    .tp_as_mapping = &dict_as_mapping,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DICT_SUBCLASS |
                _Py_TPFLAGS_MATCH_SELF | Py_TPFLAGS_MAPPING,
    .tp_doc = dict_doc,
    .tp_traverse = dict_traverse,
    .tp_clear = dict_clear,
    .tp_richcompare = kr_dict_compare,
    .tp_iter = kr_dict_iter,
    .tp_methods = kr_dict_methods,
    .tp_init = kr_dict_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = dict_new,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = kr_dict_vectorcall,
};

/* Checks and housekeeping */

int _PyDict_CheckConsistency(PyObject *op, int check_content) {
    PyDictObject *self = (PyDictObject *)op;
    PyDictKeysObject *keys = self->ma_keys;
    assert(PyDict_Check(op) && self->ma_values == NULL);
    assert(0 <= self->ma_used && self->ma_used <= keys->count && keys->count <= keys->capacity);
    assert(keys->capacity <= usable_entries(keys->log2_slots) || (keys->flags & KR_KEYS_STATIC));
    if (check_content) {
        Py_ssize_t used = 0;
        for (Py_ssize_t index = 0; index < keys->count; index++) {
            KrDictEntry *entry = kr_keys_entry(keys, index);
            assert((entry->key == NULL) == (entry->value == NULL));
            if (entry->key == NULL) continue;
            used++;
            assert(!kr_keys_all_str(keys) || PyUnicode_CheckExact(entry->key));
            (void)slot_of_entry(keys, index, kr_entry_hash(keys, entry));
        }
        assert(used == self->ma_used);
        (void)used;
    }
    (void)keys;
    return 1;
}

void _PyDict_DebugMallocStats(FILE *out) {
    _PyDebugAllocatorStats(out, "free PyDictObject", state.dict_count, sizeof(PyDictObject));
    _PyDebugAllocatorStats(out, "free table of a PyDictObject", state.table_count, SMALL_TABLE_BYTES);
}

void kr_dict_clear_free_lists(void) {
    while (state.dict_count > 0) PyObject_GC_Del(state.dicts[--state.dict_count]);
    while (state.table_count > 0) PyObject_Free(state.tables[--state.table_count]);
}

void kr_dict_finalize(void) { kr_dict_clear_free_lists(); }
