/* The Pickler's memo: a hash table from objects, by identity, to numbers. */
#include <Python.h>

#include "modules/_pickle/pickle.h"

enum { SMALLEST_MEMO = 8, LARGE_MEMO = 50000 /* entries in use from which on the table only doubles */ };

Memo *kr_pickle_memo_new(void) {
    Memo *memo = PyMem_Malloc(sizeof(Memo));
    if (memo != NULL) {
        *memo = (Memo){SMALLEST_MEMO - 1, 0, SMALLEST_MEMO, PyMem_Calloc(SMALLEST_MEMO, sizeof(MemoEntry))};
        if (memo->entries != NULL) return memo;
        PyMem_Free(memo);
    }
    PyErr_NoMemory();
    return NULL;
}

/* Releases the objects and the table, of which nobody else knows any more. */
static void release_entries(const Memo *memo) {
    for (Py_ssize_t i = 0; i < memo->size; i++) Py_XDECREF(memo->entries[i].object);
    PyMem_Free(memo->entries);
}

void kr_pickle_memo_clear(Memo *memo) {
    if (memo->used == 0) return;
    Memo old = *memo;
    MemoEntry *entries = PyMem_Calloc((size_t)memo->size, sizeof(MemoEntry));
    /* The destructor of an object may use the memo again, or free it. */
    if (entries != NULL) {
        memo->entries = entries;
        memo->used = 0;
        release_entries(&old);
        return;
    }
    for (Py_ssize_t i = 0; i < memo->size && memo->used > 0; i++) {
        PyObject *object = memo->entries[i].object;
        if (object == NULL) continue;
        memo->entries[i].object = NULL;
        memo->used--;
        Py_DECREF(object);
    }
}

void kr_pickle_memo_free(Memo *memo) {
    if (memo == NULL) return;
    release_entries(memo);
    PyMem_Free(memo);
}

static int memo_grow(Memo *memo, Py_ssize_t size) {
    MemoEntry *old = memo->entries, *entries = PyMem_Calloc((size_t)size, sizeof(MemoEntry));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t old_size = memo->size;
    memo->entries = entries;
    memo->size = size;
    memo->mask = size - 1;
    for (Py_ssize_t i = 0; i < old_size; i++) {
        if (old[i].object != NULL) *memo_find(memo, old[i].object) = old[i];
    }
    PyMem_Free(old);
    return 0;
}

int kr_pickle_memo_set(Memo *memo, PyObject *object, Py_ssize_t index) {
    MemoEntry *entry = memo_find(memo, object);
    if (entry->object != NULL) {
        entry->index = index;
        return 0;
    }
    entry->object = Py_NewRef(object);
    entry->index = index;
    memo->used++;
    if (memo->used * 3 < memo->size * 2) return 0;
    Py_ssize_t wanted = memo->used * (memo->used > LARGE_MEMO ? 2 : 4), size = SMALLEST_MEMO;
    while (size < wanted) size *= 2;
    return memo_grow(memo, size);
}

size_t kr_pickle_memo_sizeof(const Memo *memo) { return sizeof(Memo) + (size_t)memo->size * sizeof(MemoEntry); }
