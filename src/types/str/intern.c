/* Interned strings: an open-addressing table with linear probing and no tombstones. */
#include <Python.h>

#include "types/str/intern.h"
#include "types/str/str.h"

enum { FIRST_CAPACITY = 4096 };

typedef struct {
    size_t hash; /* of `text`: other strings are passed by without a look at them */
    PyObject *text; /* NULL for an empty slot */
} Slot;

static struct {
    Slot *slots;
    size_t mask; /* capacity - 1 */
    size_t count;
    PyObject **identifiers; /* by index of _Py_Identifier */
    Py_ssize_t identifier_count;
    Py_ssize_t identifier_capacity;
} state;

static inline size_t hash_of(PyObject *text) { return (size_t)kr_str_header(text)->hash; }

/* Doubles the table (or makes the first). Returns 0 or -1 without setting an exception. */
static int grow(void) {
    size_t capacity = state.slots == NULL ? FIRST_CAPACITY : (state.mask + 1) * 2;
    Slot *slots = PyMem_RawCalloc(capacity, sizeof *slots);
    if (slots == NULL) return -1;
    size_t mask = capacity - 1;
    for (size_t i = 0; state.slots != NULL && i <= state.mask; i++) {
        if (state.slots[i].text == NULL) continue;
        size_t at = state.slots[i].hash & mask;
        while (slots[at].text != NULL) at = (at + 1) & mask;
        slots[at] = state.slots[i];
    }
    PyMem_RawFree(state.slots);
    state.slots = slots;
    state.mask = mask;
    return 0;
}

/* Returns the slot of an equal string, or the empty slot where it belongs. */
static inline Slot *find_slot(PyObject *text) {
    size_t hash = hash_of(text);
    for (size_t at = hash & state.mask;; at = (at + 1) & state.mask) {
        Slot *slot = &state.slots[at];
        if (slot->text == NULL || (slot->hash == hash && _PyUnicode_EQ(slot->text, text))) return slot;
    }
}

/* Whether there is room for one more string; makes it if need be. */
static inline int has_room(void) {
    if (state.count * 2 >= state.mask && grow() < 0 && state.slots == NULL) return 0;
    return state.count < state.mask;
}

static inline void fill(Slot *slot, PyObject *text) {
    *slot = (Slot){hash_of(text), text};
    state.count++;
    kr_str_header(text)->state.interned = SSTATE_INTERNED_MORTAL;
}

void PyUnicode_InternInPlace(PyObject **address) {
    PyObject *text = *address;
    if (text == NULL || !PyUnicode_CheckExact(text) || kr_str_header(text)->state.interned) return;
    if (PyUnicode_READY(text) < 0 || kr_str_hash(text) == -1) {
        PyErr_Clear();
        return;
    }
    if (!has_room()) return;
    Slot *slot = find_slot(text);
    if (slot->text != NULL)
        Py_SETREF(*address, Py_NewRef(slot->text));
    else
        fill(slot, text);
}

PyObject *kr_str_intern_latin1(const void *data, Py_ssize_t length) {
    PyObject *text;
    if (length < 2 || state.slots == NULL) { /* what is shorter is shared in its own way */
        text = PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, data, length);
        if (text != NULL) PyUnicode_InternInPlace(&text);
        return text;
    }
    size_t hash = (size_t)_Py_HashBytes(data, length);
    for (size_t at = hash & state.mask; (text = state.slots[at].text) != NULL; at = (at + 1) & state.mask) {
        if (state.slots[at].hash == hash && PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND &&
            PyUnicode_GET_LENGTH(text) == length && memcmp(PyUnicode_1BYTE_DATA(text), data, (size_t)length) == 0)
            return Py_NewRef(text);
    }
    text = PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, data, length);
    if (text == NULL) return NULL;
    kr_str_header(text)->hash = (Py_hash_t)hash;
    if (has_room()) fill(find_slot(text), text);
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
    if (state.slots == NULL) return;
    size_t mask = state.mask;
    size_t hole = hash_of(self) & mask;
    while (state.slots[hole].text != self) {
        if (state.slots[hole].text == NULL) return;
        hole = (hole + 1) & mask;
    }
    /* Move later members of the cluster back over the hole when their home lies at or before it. */
    for (size_t at = (hole + 1) & mask; state.slots[at].text != NULL; at = (at + 1) & mask) {
        size_t home = state.slots[at].hash & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            state.slots[hole] = state.slots[at];
            hole = at;
        }
    }
    state.slots[hole].text = NULL;
    state.count--;
}

Py_ssize_t kr_str_intern_count(void) { return (Py_ssize_t)state.count; }

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
    Slot *slots = state.slots;
    state.slots = NULL;
    for (size_t i = 0; slots != NULL && i <= state.mask; i++) {
        PyObject *text = slots[i].text;
        if (text == NULL) continue;
        int immortal = kr_str_header(text)->state.interned == SSTATE_INTERNED_IMMORTAL;
        kr_str_header(text)->state.interned = SSTATE_NOT_INTERNED;
        if (immortal) Py_DECREF(text);
    }
    PyMem_RawFree(slots);
    state.mask = 0;
    state.count = 0;
    PyMem_RawFree(state.identifiers);
    state.identifiers = NULL;
    state.identifier_capacity = 0;
}
