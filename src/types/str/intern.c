/* Interned strings: an open-addressing table in groups of eight slots.
 *
 * A byte for each slot, its *tag*, tells whether the slot is empty, was emptied, or holds a string, and then seven bits of
 * the string's hash. A search looks at the tags of a whole group at once and at a string only if its tag fits; it goes on
 * to another group until one has an empty slot. So the tags are what most searches touch, and they stay in the cache. A
 * slot that loses its string becomes empty if its group has an empty slot anyway, for then no search ever went past it.
 */
#include <Python.h>

#include "types/str/intern.h"
#include "types/str/str.h"

enum {
    GROUP = 8, /* slots */
    FIRST_CAPACITY = 4096,
    TAG_EMPTY = 0,
    TAG_EMPTIED = 1,
    TAG_FULL = 0x80, /* plus seven bits of the hash */
    TAG_HASH_BITS = 7,
};

#define EVERY_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

static struct {
    PyObject **texts; /* one a slot; the tags lie behind them in the same block */
    uint8_t *tags;
    size_t capacity; /* slots: a power of two */
    size_t count;    /* strings */
    size_t used;     /* slots that are not empty */
    PyObject **identifiers; /* by index of _Py_Identifier */
    Py_ssize_t identifier_count;
    Py_ssize_t identifier_capacity;
} state;

/* What is looked for. */
typedef struct {
    size_t hash;
    int kind;
    const void *data;
    Py_ssize_t length;
} Key;

static inline size_t hash_of(PyObject *text) { return (size_t)kr_str_header(text)->hash; }
static inline uint8_t tag_of(size_t hash) { return TAG_FULL | (hash & ((1 << TAG_HASH_BITS) - 1)); }

/* The walk over the groups in which a hash may be: `group` is the index of the first slot. */
#define FOR_EACH_GROUP(group, hash)                                                                                    \
    for (size_t group = (hash) >> TAG_HASH_BITS << 3 & (state.capacity - 1), step_ = 0;;                               \
         step_ += GROUP, group = (group + step_) & (state.capacity - 1))

static inline uint64_t group_tags(size_t group) {
    uint64_t tags;
    memcpy(&tags, state.tags + group, sizeof tags);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    tags = __builtin_bswap64(tags);
#endif
    return tags;
}

/* The following have the highest bit set in the bytes of the slots they are about. */
static inline uint64_t slots_empty(uint64_t tags) { return ~tags & ~tags << 7 & EVERY_BYTE(0x80); }
static inline uint64_t slots_free(uint64_t tags) { return ~tags & EVERY_BYTE(0x80); }
/* Those with the tag, and perhaps some other full ones. */
static inline uint64_t slots_with(uint64_t tags, uint8_t tag) {
    uint64_t difference = tags ^ EVERY_BYTE(tag);
    return (difference - EVERY_BYTE(1)) & ~difference & EVERY_BYTE(0x80);
}
static inline size_t first_slot(uint64_t slots) { return (size_t)__builtin_ctzll(slots) / 8; }

/* Returns the interned string, borrowed, or NULL. There is a table. */
static inline PyObject *find(const Key *key) {
    uint8_t tag = tag_of(key->hash);
    FOR_EACH_GROUP(group, key->hash) {
        uint64_t tags = group_tags(group);
        for (uint64_t slots = slots_with(tags, tag); slots != 0; slots &= slots - 1) {
            PyObject *text = state.texts[group + first_slot(slots)];
            if (hash_of(text) == key->hash && PyUnicode_GET_LENGTH(text) == key->length &&
                (int)PyUnicode_KIND(text) == key->kind &&
                memcmp(PyUnicode_DATA(text), key->data, (size_t)key->length * (size_t)key->kind) == 0)
                return text;
        }
        if (slots_empty(tags) != 0) return NULL;
    }
}

/* Puts a string that is not in the table into a free slot. */
static inline void put(PyObject *text) {
    size_t hash = hash_of(text);
    FOR_EACH_GROUP(group, hash) {
        uint64_t slots = slots_free(group_tags(group));
        if (slots == 0) continue;
        size_t slot = group + first_slot(slots);
        state.used += state.tags[slot] == TAG_EMPTY;
        state.tags[slot] = tag_of(hash);
        state.texts[slot] = text;
        state.count++;
        return;
    }
}

/* Makes the first table, or a new one without emptied slots and twice as large if need be. Returns 0, or -1 without setting
 * an exception. */
static int renew(void) {
    PyObject **texts = state.texts;
    const uint8_t *tags = state.tags;
    size_t capacity = state.capacity, next = capacity;
    if (texts == NULL)
        next = FIRST_CAPACITY;
    else if (state.count * 2 >= capacity)
        next = capacity * 2;
    PyObject **block = PyMem_RawCalloc(next, sizeof(PyObject *) + 1);
    if (block == NULL) return -1;
    state.texts = block;
    state.tags = (uint8_t *)(block + next);
    state.capacity = next;
    state.count = state.used = 0;
    for (size_t i = 0; i < capacity; i++)
        if (tags[i] >= TAG_FULL) put(texts[i]);
    PyMem_RawFree(texts);
    return 0;
}

/* Interns a string that the table does not have, if there is memory. */
static inline void add(PyObject *text) {
    if (state.used >= state.capacity / 4 * 3 && renew() < 0 && state.used + 1 >= state.capacity) return;
    put(text);
    kr_str_header(text)->state.interned = SSTATE_INTERNED_MORTAL;
}

void PyUnicode_InternInPlace(PyObject **address) {
    PyObject *text = *address;
    if (text == NULL || !PyUnicode_CheckExact(text) || kr_str_header(text)->state.interned) return;
    if (PyUnicode_READY(text) < 0 || kr_str_hash(text) == -1) {
        PyErr_Clear();
        return;
    }
    Key key = {hash_of(text), (int)PyUnicode_KIND(text), PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)};
    PyObject *present = state.texts == NULL ? NULL : find(&key);
    if (present != NULL)
        Py_SETREF(*address, Py_NewRef(present));
    else
        add(text);
}

PyObject *kr_str_intern_latin1(const void *data, Py_ssize_t length) {
    PyObject *text;
    if (length < 2 || state.texts == NULL) { /* what is shorter is shared in its own way */
        text = PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, data, length);
        if (text != NULL) PyUnicode_InternInPlace(&text);
        return text;
    }
    Key key = {(size_t)_Py_HashBytes(data, length), PyUnicode_1BYTE_KIND, data, length};
    text = find(&key);
    if (text != NULL) return Py_NewRef(text);
    text = kr_str_from_ucs1(data, length);
    if (text == NULL) return NULL;
    kr_str_header(text)->hash = (Py_hash_t)key.hash;
    add(text);
    return text;
}

void PyUnicode_InternImmortal(PyObject **address) {
    if (PyErr_WarnEx(PyExc_DeprecationWarning,
                     "PyUnicode_InternImmortal() is deprecated; use PyUnicode_InternInPlace() instead", 1) < 0)
        return;
    PyUnicode_InternInPlace(address);
    PyObject *text = *address;
    if (text != NULL && kr_str_header(text)->state.interned == SSTATE_INTERNED_MORTAL) {
        kr_str_header(text)->state.interned = SSTATE_INTERNED_IMMORTAL;
        Py_INCREF(text);
    }
}

PyObject *PyUnicode_InternFromString(const char *text) {
    PyObject *self = PyUnicode_FromString(text);
    if (self != NULL) PyUnicode_InternInPlace(&self);
    return self;
}

void kr_str_intern_forget(PyObject *self) {
    if (state.texts == NULL) return;
    size_t hash = hash_of(self);
    uint8_t tag = tag_of(hash);
    FOR_EACH_GROUP(group, hash) {
        uint64_t tags = group_tags(group);
        for (uint64_t slots = slots_with(tags, tag); slots != 0; slots &= slots - 1) {
            size_t slot = group + first_slot(slots);
            if (state.texts[slot] != self) continue;
            int becomes_empty = slots_empty(tags) != 0;
            state.tags[slot] = becomes_empty ? TAG_EMPTY : TAG_EMPTIED;
            state.used -= (size_t)becomes_empty;
            state.count--;
            return;
        }
        if (slots_empty(tags) != 0) return;
    }
}

/* Makes room for an identifier's index. Returns 0, or -1 with MemoryError. */
static int reserve_identifier(Py_ssize_t index) {
    if (index < state.identifier_capacity) return 0;
    Py_ssize_t capacity = Py_MAX(64, (index + 1) * 2);
    PyObject **grown = PyMem_RawRealloc(state.identifiers, (size_t)capacity * sizeof *grown);
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(grown + state.identifier_capacity, 0, (size_t)(capacity - state.identifier_capacity) * sizeof *grown);
    state.identifiers = grown;
    state.identifier_capacity = capacity;
    return 0;
}

/* Identifiers are numbered at their first use and keep their number even when the interpreter is started again. */
PyObject *_PyUnicode_FromId(_Py_Identifier *id) {
    if (id->index >= 0 && id->index < state.identifier_capacity && state.identifiers[id->index] != NULL)
        return state.identifiers[id->index];
    if (id->index < 0) id->index = state.identifier_count++;
    if (reserve_identifier(id->index) < 0) return NULL;
    return state.identifiers[id->index] = PyUnicode_InternFromString(id->string);
}

void kr_str_intern_finalize(void) {
    /* the shared characters' own copies in UTF-8 */
    for (Py_UCS4 ch = 128; ch < 256; ch++) {
        PyCompactUnicodeObject *text = (PyCompactUnicodeObject *)kr_str_latin1(ch);
        PyObject_Free(text->utf8);
        text->utf8 = NULL;
        text->utf8_length = 0;
    }
    for (Py_ssize_t i = 0; i < state.identifier_capacity; i++) Py_CLEAR(state.identifiers[i]);
    PyObject **texts = state.texts;
    state.texts = NULL;
    for (size_t i = 0; i < state.capacity; i++) {
        if (state.tags[i] < TAG_FULL) continue;
        PyObject *text = texts[i];
        int immortal = kr_str_header(text)->state.interned == SSTATE_INTERNED_IMMORTAL;
        kr_str_header(text)->state.interned = SSTATE_NOT_INTERNED;
        if (immortal) Py_DECREF(text);
    }
    PyMem_RawFree(texts);
    state.tags = NULL;
    state.capacity = state.count = state.used = 0;
    PyMem_RawFree(state.identifiers);
    state.identifiers = NULL;
    state.identifier_capacity = 0;
}
