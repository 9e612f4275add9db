/* The extension module `recorder`: start(path) writes every allocation of the mem and object domains to a trace (trace.h),
 * stop() ends it. It sits in the public allocator hooks, so it sees what PYTHONMALLOC=debug would see.
 *
 * Behind hooks every block for a collected object comes with a KrLargeObject. The recorder recognises it by what its
 * `size` says when the next operation is recorded, and writes down the object's own size.
 *
 * Blocks that were there before start() are left out; one of them that is resized is new from then on. */
#include <Python.h>

#include "heap/heap.h"
#include "trace.h"

#include <stdlib.h>

typedef struct {
    uintptr_t address; /* 0: the entry is free */
    uint32_t slot;
} Entry;

static struct {
    FILE *file;
    PyMemAllocatorEx inner[3]; /* by PyMemAllocatorDomain */
    Entry *entries;            /* slots by address; linear probing */
    size_t mask, count;
    uint32_t *empty; /* slots that were filled once */
    size_t empty_count, empty_room;
    uint32_t slot_count;
    KrLargeObject *pending; /* the last block of the object domain, whose kind is not known yet */
    uint32_t pending_slot;
    size_t pending_size;
} state;

static _Noreturn void out_of_memory(void) { Py_FatalError("the recorder is out of memory"); }

static size_t home(uintptr_t address) { return (size_t)((address >> 4) * 0x9E3779B97F4A7C15u >> 20) & state.mask; }

static size_t find(uintptr_t address) {
    size_t at = home(address);
    while (state.entries[at].address != 0 && state.entries[at].address != address) at = (at + 1) & state.mask;
    return at;
}

static void grow(void) {
    Entry *old = state.entries;
    size_t room = old == NULL ? 0 : state.mask + 1, wanted = room == 0 ? 1 << 16 : room * 2;
    state.entries = calloc(wanted, sizeof(Entry));
    if (state.entries == NULL) out_of_memory();
    state.mask = wanted - 1;
    for (size_t i = 0; i < room; i++)
        if (old[i].address != 0) state.entries[find(old[i].address)] = old[i];
    free(old);
}

static uint32_t fill_slot(void *block) {
    if (state.entries == NULL || state.count * 2 > state.mask) grow();
    uint32_t slot = state.empty_count > 0 ? state.empty[--state.empty_count] : state.slot_count++;
    state.entries[find((uintptr_t)block)] = (Entry){(uintptr_t)block, slot};
    state.count++;
    return slot;
}

/* Forgets a block. Returns its slot, or -1 if it is not known. */
static int64_t forget(void *block) {
    if (state.entries == NULL) return -1;
    size_t hole = find((uintptr_t)block);
    if (state.entries[hole].address == 0) return -1;
    uint32_t slot = state.entries[hole].slot;
    for (size_t at = (hole + 1) & state.mask; state.entries[at].address != 0; at = (at + 1) & state.mask) {
        size_t distance = (at - home(state.entries[at].address)) & state.mask;
        if (distance < ((at - hole) & state.mask)) continue;
        state.entries[hole] = state.entries[at];
        hole = at;
    }
    state.entries[hole].address = 0;
    state.count--;
    return slot;
}

static void empty_slot(uint32_t slot) {
    if (state.empty_count == state.empty_room) {
        state.empty_room = state.empty_room * 2 + 1024;
        state.empty = realloc(state.empty, state.empty_room * sizeof *state.empty);
        if (state.empty == NULL) out_of_memory();
    }
    state.empty[state.empty_count++] = slot;
}

static void put(uint32_t kind, uint32_t slot, size_t size) {
    uint32_t words[2] = {slot << TRACE_SHIFT | kind, (uint32_t)size};
    if (size > UINT32_MAX) Py_FatalError("a block is too large for the trace");
    fwrite(words, sizeof(uint32_t), kind == TRACE_FREE ? 1 : 2, state.file);
}

/* Writes down the allocation that waits. */
static void settle(void) {
    if (state.pending == NULL) return;
    if (state.pending_size >= sizeof(KrLargeObject) && state.pending->size == state.pending_size - sizeof(KrLargeObject))
        put(TRACE_COLLECTED, state.pending_slot, state.pending->size);
    else
        put(TRACE_OBJECT, state.pending_slot, state.pending_size);
    state.pending = NULL;
}

static void *note_allocation(PyMemAllocatorDomain domain, void *block, size_t size) {
    if (block == NULL) return NULL;
    settle();
    uint32_t slot = fill_slot(block);
    if (domain == PYMEM_DOMAIN_MEM) {
        put(TRACE_MEM, slot, size);
    } else {
        state.pending = block;
        state.pending_slot = slot;
        state.pending_size = size;
    }
    return block;
}

static void *record_malloc(void *context, size_t size) {
    PyMemAllocatorDomain domain = (PyMemAllocatorDomain)(uintptr_t)context;
    void *block = state.inner[domain].malloc(state.inner[domain].ctx, size);
    if (block != NULL && size >= sizeof(KrLargeObject)) ((KrLargeObject *)block)->size = SIZE_MAX;
    return note_allocation(domain, block, size);
}

static void *record_calloc(void *context, size_t count, size_t size) {
    PyMemAllocatorDomain domain = (PyMemAllocatorDomain)(uintptr_t)context;
    return note_allocation(domain, state.inner[domain].calloc(state.inner[domain].ctx, count, size), count * size);
}

static void record_free(void *context, void *block) {
    PyMemAllocatorDomain domain = (PyMemAllocatorDomain)(uintptr_t)context;
    settle();
    int64_t slot = block == NULL ? -1 : forget(block);
    if (slot >= 0) {
        put(TRACE_FREE, (uint32_t)slot, 0);
        empty_slot((uint32_t)slot);
    }
    state.inner[domain].free(state.inner[domain].ctx, block);
}

static void *record_realloc(void *context, void *block, size_t size) {
    PyMemAllocatorDomain domain = (PyMemAllocatorDomain)(uintptr_t)context;
    settle();
    void *moved = state.inner[domain].realloc(state.inner[domain].ctx, block, size);
    if (moved == NULL) return NULL;
    int64_t slot = block == NULL ? -1 : forget(block);
    if (slot < 0) return note_allocation(domain, moved, size);
    state.entries[find((uintptr_t)moved)] = (Entry){(uintptr_t)moved, (uint32_t)slot};
    state.count++;
    put(domain == PYMEM_DOMAIN_MEM ? TRACE_RESIZE_MEM : TRACE_RESIZE_OBJECT, (uint32_t)slot, size);
    return moved;
}

static PyObject *start(PyObject *module, PyObject *path) {
    const char *name = PyUnicode_AsUTF8(path);
    if (name == NULL) return NULL;
    state.file = fopen(name, "wb");
    if (state.file == NULL) return PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    for (PyMemAllocatorDomain domain = PYMEM_DOMAIN_MEM; domain <= PYMEM_DOMAIN_OBJ; domain++) {
        PyMemAllocatorEx hook = {(void *)(uintptr_t)domain, record_malloc, record_calloc, record_realloc, record_free};
        PyMem_GetAllocator(domain, &state.inner[domain]);
        PyMem_SetAllocator(domain, &hook);
    }
    Py_RETURN_NONE;
}

static PyObject *stop(PyObject *module, PyObject *unused) {
    settle();
    for (PyMemAllocatorDomain domain = PYMEM_DOMAIN_MEM; domain <= PYMEM_DOMAIN_OBJ; domain++)
        PyMem_SetAllocator(domain, &state.inner[domain]);
    if (fclose(state.file) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"start", start, METH_O, NULL}, {"stop", stop, METH_NOARGS, NULL}, {0}};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "recorder", .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_recorder(void) { return PyModule_Create(&definition); }
