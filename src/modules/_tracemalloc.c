/* _tracemalloc: where each block of memory was allocated.
 *
 * Hooks in front of the allocators of all three domains note every block with its size and the stack of the Python code
 * that asked for it. Blocks are known by address and a domain number: 0 for those of the interpreter, others for what
 * extension modules report through PyTraceMalloc_Track.
 *
 * Invariants:
 * - The record of blocks (`traces`, `traced`, `peak`) is guarded by `mutex`, since the raw domain needs no interpreter
 *   lock. File names and stacks are shared, never freed while tracing, and guarded by the interpreter lock.
 * - Everything here is allocated by malloc itself, so that it is not traced.
 * - `busy` is set in a thread while the hooks work; what is allocated meanwhile is not traced.
 */
#include <Python.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/fileutils.h"
#include "collector/collector.h"
#include "heap/heap.h"
#include "modules/_tracemalloc.h"
#include "object/runtime.h"
#include "runtime/dump.h"
#include "runtime/lifecycle.h"
#include "vm/frame.h"

enum { FRAMES_MAX = UINT16_MAX };

typedef struct {
    PyObject *filename; /* one of `filenames`, or `unknown` */
    unsigned line;      /* 0: unknown */
} Frame;

typedef struct {
    Py_uhash_t hash;
    uint16_t count;
    uint16_t total; /* depth of the stack, of which the innermost `count` frames are kept; at most FRAMES_MAX */
    Frame frames[]; /* innermost first */
} Stack;

typedef struct {
    uintptr_t address;
    unsigned domain;
    size_t size;
    const Stack *stack; /* NULL: the place in the table is empty */
} Trace;

/* A set of pointers, by open addressing; places are NULL or an item. `room` is a power of two or 0. */
typedef struct {
    void **items;
    size_t room, used;
} Set;

static struct {
    int tracing;
    unsigned frame_limit;
    PyMemAllocatorEx inner[3]; /* the allocators behind the hooks */
    Set filenames;             /* PyObject *, owned */
    Set stacks;                /* Stack *, from malloc */
    size_t stack_bytes;
    PyObject *unknown; /* "<unknown>" */
    Stack *none;       /* stack of allocations outside any Python code */
    Stack *scratch;    /* room for frame_limit frames */

    pthread_mutex_t mutex;
    Trace *traces;
    size_t room, used;
    size_t traced, peak; /* bytes */
} state = {.frame_limit = 1, .mutex = PTHREAD_MUTEX_INITIALIZER};

static __thread int busy;

/* ---- Sets ---- */

static void set_free(Set *set) {
    free(set->items);
    *set = (Set){NULL, 0, 0};
}

/* Makes room for one more item. Returns 0 or -1. */
static int set_reserve(Set *set, Py_uhash_t (*hash_of)(const void *)) {
    if ((set->used + 1) * 4 <= set->room * 3) return 0;
    size_t room = set->room == 0 ? 64 : set->room * 2;
    void **items = calloc(room, sizeof(void *));
    if (items == NULL) return -1;
    for (size_t i = 0; i < set->room; i++) {
        if (set->items[i] == NULL) continue;
        size_t at = hash_of(set->items[i]) & (room - 1);
        while (items[at] != NULL) at = (at + 1) & (room - 1);
        items[at] = set->items[i];
    }
    free(set->items);
    set->items = items;
    set->room = room;
    return 0;
}

/* The place of an equal item, or the empty one where it belongs. The set must have room. */
static void **set_find(const Set *set, const void *item, Py_uhash_t hash, int (*equal)(const void *, const void *)) {
    size_t at = hash & (set->room - 1);
    while (set->items[at] != NULL && !equal(set->items[at], item)) at = (at + 1) & (set->room - 1);
    return &set->items[at];
}

/* ---- File names and stacks ---- */

static Py_uhash_t filename_hash(const void *item) { return (Py_uhash_t)((const PyASCIIObject *)item)->hash; }

static int filename_equal(const void *a, const void *b) {
    if (a == b) return 1;
    return filename_hash(a) == filename_hash(b) && PyUnicode_Compare((PyObject *)(uintptr_t)a, (PyObject *)(uintptr_t)b) == 0;
}

/* The shared object for a file name; borrowed. NULL when memory is out. */
static PyObject *share_filename(PyObject *filename) {
    if (filename == NULL || !PyUnicode_CheckExact(filename) || !PyUnicode_IS_READY(filename)) return state.unknown;
    if (PyObject_Hash(filename) == -1 || set_reserve(&state.filenames, filename_hash) < 0) return NULL;
    void **place = set_find(&state.filenames, filename, filename_hash(filename), filename_equal);
    if (*place == NULL) {
        *place = Py_NewRef(filename);
        state.filenames.used++;
    }
    return *place;
}

static Py_uhash_t stack_hash(const void *item) { return ((const Stack *)item)->hash; }

static int stack_equal(const void *a, const void *b) {
    const Stack *one = a, *other = b;
    if (one->hash != other->hash || one->count != other->count || one->total != other->total) return 0;
    for (unsigned i = 0; i < one->count; i++)
        if (one->frames[i].filename != other->frames[i].filename || one->frames[i].line != other->frames[i].line) return 0;
    return 1;
}

static void hash_stack(Stack *stack) {
    Py_uhash_t hash = stack->total;
    for (unsigned i = 0; i < stack->count; i++) {
        hash = (hash ^ ((uintptr_t)stack->frames[i].filename >> 4)) * 0x9E3779B97F4A7C15u;
        hash = (hash ^ stack->frames[i].line) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29;
    }
    stack->hash = hash;
}

static size_t stack_size(const Stack *stack) { return sizeof(Stack) + stack->count * sizeof(Frame); }

/* The shared record of the current thread's stack, NULL when memory is out. Needs the interpreter lock. */
static const Stack *current_stack(void) {
    PyThreadState *thread = _PyThreadState_UncheckedGet();
    Stack *stack = state.scratch;
    if (thread == NULL || thread->cframe == NULL) return state.none;
    stack->count = stack->total = 0;
    for (KrFrame *frame = kr_current_frame(thread); frame != NULL; frame = frame->previous) {
        if (kr_frame_is_incomplete(frame)) continue;
        if (stack->count < state.frame_limit) {
            Frame *entry = &stack->frames[stack->count++];
            int line = kr_frame_line(frame);
            entry->filename = share_filename(frame->code->co_filename);
            entry->line = line < 0 ? 0 : (unsigned)line;
            if (entry->filename == NULL) return NULL;
        }
        if (stack->total < FRAMES_MAX) stack->total++;
    }
    if (stack->count == 0) return state.none;
    hash_stack(stack);
    if (set_reserve(&state.stacks, stack_hash) < 0) return NULL;
    void **place = set_find(&state.stacks, stack, stack->hash, stack_equal);
    if (*place == NULL) {
        Stack *copy = malloc(stack_size(stack));
        if (copy == NULL) return NULL;
        memcpy(copy, stack, stack_size(stack));
        *place = copy;
        state.stacks.used++;
        state.stack_bytes += stack_size(copy);
    }
    return *place;
}

/* ---- The record of blocks ---- */

static size_t trace_place(uintptr_t address, unsigned domain, size_t room) {
    return (size_t)(((address >> 4 ^ domain) * 0x9E3779B97F4A7C15u) >> 20) & (room - 1);
}

/* The block's place, or the empty one where it belongs. */
static Trace *trace_find(Trace *traces, size_t room, uintptr_t address, unsigned domain) {
    size_t at = trace_place(address, domain, room);
    while (traces[at].stack != NULL && (traces[at].address != address || traces[at].domain != domain))
        at = (at + 1) & (room - 1);
    return &traces[at];
}

static int traces_reserve(void) {
    if ((state.used + 1) * 4 <= state.room * 3) return 0;
    size_t room = state.room == 0 ? 1024 : state.room * 2;
    Trace *traces = calloc(room, sizeof(Trace));
    if (traces == NULL) return -1;
    for (size_t i = 0; i < state.room; i++)
        if (state.traces[i].stack != NULL)
            *trace_find(traces, room, state.traces[i].address, state.traces[i].domain) = state.traces[i];
    free(state.traces);
    state.traces = traces;
    state.room = room;
    return 0;
}

/* Notes a block, or changes what is noted. Returns 0 or -1. */
static int trace_add(uintptr_t address, unsigned domain, size_t size, const Stack *stack) {
    pthread_mutex_lock(&state.mutex);
    int result = traces_reserve();
    if (result == 0) {
        Trace *trace = trace_find(state.traces, state.room, address, domain);
        if (trace->stack != NULL) {
            state.traced -= trace->size;
        } else {
            state.used++;
        }
        *trace = (Trace){address, domain, size, stack};
        state.traced += size;
        if (state.traced > state.peak) state.peak = state.traced;
    }
    pthread_mutex_unlock(&state.mutex);
    return result;
}

static void trace_remove(uintptr_t address, unsigned domain) {
    pthread_mutex_lock(&state.mutex);
    Trace *trace = state.room == 0 ? NULL : trace_find(state.traces, state.room, address, domain);
    if (trace != NULL && trace->stack != NULL) {
        state.traced -= trace->size;
        state.used--;
        /* close the gap: move up what could no longer be found */
        size_t mask = state.room - 1, gap = (size_t)(trace - state.traces);
        for (size_t at = (gap + 1) & mask; state.traces[at].stack != NULL; at = (at + 1) & mask) {
            size_t home = trace_place(state.traces[at].address, state.traces[at].domain, state.room);
            if (((at - home) & mask) < ((at - gap) & mask)) continue;
            state.traces[gap] = state.traces[at];
            gap = at;
        }
        state.traces[gap].stack = NULL;
    }
    pthread_mutex_unlock(&state.mutex);
}

/* Forgets all blocks, stacks and file names. */
static void forget_all(void) {
    busy++;
    pthread_mutex_lock(&state.mutex);
    free(state.traces);
    state.traces = NULL;
    state.room = state.used = 0;
    state.traced = state.peak = 0;
    pthread_mutex_unlock(&state.mutex);
    for (size_t i = 0; i < state.stacks.room; i++) free(state.stacks.items[i]);
    set_free(&state.stacks);
    state.stack_bytes = 0;
    for (size_t i = 0; i < state.filenames.room; i++) Py_XDECREF((PyObject *)state.filenames.items[i]);
    set_free(&state.filenames);
    busy--;
}

/* ---- Hooks ---- */

/* Notes a fresh block. Returns 0, or -1 when memory is out. */
static int note(void *block, size_t size) {
    const Stack *stack = current_stack();
    return stack == NULL ? -1 : trace_add((uintptr_t)block, 0, size, stack);
}

/* Notes blocks of the raw domain, for which the caller may not hold the interpreter lock. Once shutdown has begun, other
 * threads could not get it. */
static int note_raw(void *block, size_t size) {
    PyThreadState *finalizing = _PyRuntime.finalizing;
    if (finalizing != NULL && finalizing != PyGILState_GetThisThreadState()) return 0;
    if (_PyRuntime.main_interpreter == NULL) return trace_add((uintptr_t)block, 0, size, state.none);
    PyGILState_STATE held = PyGILState_Ensure();
    int result = state.tracing ? note(block, size) : 0;
    PyGILState_Release(held);
    return result;
}

static void *hook_allocate(const PyMemAllocatorEx *inner, int zeroed, size_t count, size_t size) {
    void *block = zeroed ? inner->calloc(inner->ctx, count, size) : inner->malloc(inner->ctx, size);
    if (block == NULL || busy) return block;
    busy = 1;
    int failed = (inner == &state.inner[PYMEM_DOMAIN_RAW] ? note_raw : note)(block, count * size);
    busy = 0;
    if (!failed) return block;
    inner->free(inner->ctx, block);
    return NULL;
}

static void *hook_malloc(void *inner, size_t size) { return hook_allocate(inner, 0, 1, size); }
static void *hook_calloc(void *inner, size_t count, size_t size) { return hook_allocate(inner, 1, count, size); }

static void *hook_realloc(void *context, void *old, size_t size) {
    const PyMemAllocatorEx *inner = context;
    /* The old address may belong to another block as soon as it is given back, so its trace goes first. */
    size_t old_size = 0;
    const Stack *old_stack = NULL;
    if (old != NULL) {
        pthread_mutex_lock(&state.mutex);
        Trace *trace = state.room == 0 ? NULL : trace_find(state.traces, state.room, (uintptr_t)old, 0);
        if (trace != NULL && trace->stack != NULL) {
            old_size = trace->size;
            old_stack = trace->stack;
        }
        pthread_mutex_unlock(&state.mutex);
        if (old_stack != NULL) trace_remove((uintptr_t)old, 0);
    }
    void *block = inner->realloc(inner->ctx, old, size);
    if (block == NULL) {
        if (old_stack != NULL) trace_add((uintptr_t)old, 0, old_size, old_stack);
        return NULL;
    }
    if (busy) return block;
    busy = 1;
    int failed = (inner == &state.inner[PYMEM_DOMAIN_RAW] ? note_raw : note)(block, size);
    busy = 0;
    if (!failed || old != NULL) return block; /* a resized block cannot be taken back: it goes untraced */
    inner->free(inner->ctx, block);
    return NULL;
}

static void hook_free(void *context, void *block) {
    const PyMemAllocatorEx *inner = context;
    if (block == NULL) return;
    trace_remove((uintptr_t)block, 0);
    inner->free(inner->ctx, block);
}

/* ---- Starting and stopping ---- */

/* One frame that stands for "nowhere". Returns 0 or -1. */
static int make_constants(void) {
    if (state.unknown == NULL && (state.unknown = PyUnicode_InternFromString("<unknown>")) == NULL) return -1;
    if (state.none == NULL) {
        state.none = malloc(sizeof(Stack) + sizeof(Frame));
        if (state.none == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        state.none->count = state.none->total = 1;
        state.none->frames[0] = (Frame){state.unknown, 0};
        hash_stack(state.none);
    }
    return 0;
}

static void dump_block_stack(const void *block);

int kr_tracemalloc_start(int frames) {
    if (frames < 1 || frames > FRAMES_MAX) {
        PyErr_Format(PyExc_ValueError, "the number of frames must be in range [1; %lu]", (unsigned long)FRAMES_MAX);
        return -1;
    }
    if (state.tracing) return 0;
    if (make_constants() < 0) return -1;
    state.frame_limit = (unsigned)frames;
    state.scratch = malloc(sizeof(Stack) + (size_t)frames * sizeof(Frame));
    if (state.scratch == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int domain = PYMEM_DOMAIN_RAW; domain <= PYMEM_DOMAIN_OBJ; domain++) {
        PyMemAllocatorEx hook = {&state.inner[domain], hook_malloc, hook_calloc, hook_realloc, hook_free};
        PyMem_GetAllocator((PyMemAllocatorDomain)domain, &state.inner[domain]);
        PyMem_SetAllocator((PyMemAllocatorDomain)domain, &hook);
    }
    kr_heap_traceback_hook = dump_block_stack;
    state.tracing = 1;
    return 0;
}

static void stop(void) {
    if (!state.tracing) return;
    state.tracing = 0;
    kr_heap_traceback_hook = NULL;
    for (int domain = PYMEM_DOMAIN_RAW; domain <= PYMEM_DOMAIN_OBJ; domain++)
        PyMem_SetAllocator((PyMemAllocatorDomain)domain, &state.inner[domain]);
    forget_all();
    free(state.scratch);
    state.scratch = NULL;
}

void kr_tracemalloc_finish(void) {
    stop();
    Py_CLEAR(state.unknown);
    free(state.none);
    state.none = NULL;
}

/* ---- C API ---- */

int PyTraceMalloc_Track(unsigned domain, uintptr_t address, size_t size) {
    if (!state.tracing) return -2;
    PyGILState_STATE held = PyGILState_Ensure();
    const Stack *stack = state.tracing ? current_stack() : NULL;
    int result = stack == NULL ? -1 : trace_add(address, domain, size, stack);
    PyGILState_Release(held);
    return result;
}

int PyTraceMalloc_Untrack(unsigned domain, uintptr_t address) {
    if (!state.tracing) return -2;
    trace_remove(address, domain);
    return 0;
}

/* A block that comes from a free list is as good as newly allocated: notes the new stack, if the block is traced. */
int _PyTraceMalloc_NewReference(PyObject *object) {
    if (!state.tracing || busy) return -1;
    void *block = kr_heap_block_of(object, PyObject_IS_GC(object));
    const Stack *stack = current_stack();
    int result = -1;
    pthread_mutex_lock(&state.mutex);
    Trace *trace = state.room == 0 ? NULL : trace_find(state.traces, state.room, (uintptr_t)block, 0);
    if (trace != NULL && trace->stack != NULL && stack != NULL) {
        trace->stack = stack;
        result = 0;
    }
    pthread_mutex_unlock(&state.mutex);
    return result;
}

static const Stack *find_stack(unsigned domain, uintptr_t address) {
    if (!state.tracing) return NULL;
    pthread_mutex_lock(&state.mutex);
    const Stack *stack = state.room == 0 ? NULL : trace_find(state.traces, state.room, address, domain)->stack;
    pthread_mutex_unlock(&state.mutex);
    return stack;
}

static PyObject *stack_to_tuple(const Stack *stack) {
    PyObject *result = PyTuple_New(stack->count);
    for (Py_ssize_t i = 0; i < stack->count && result != NULL; i++) {
        PyObject *line = PyLong_FromUnsignedLong(stack->frames[i].line);
        PyObject *frame = line == NULL ? NULL : PyTuple_Pack(2, stack->frames[i].filename, line);
        Py_XDECREF(line);
        if (frame == NULL)
            Py_CLEAR(result);
        else
            PyTuple_SET_ITEM(result, i, frame);
    }
    return result;
}

PyObject *_PyTraceMalloc_GetTraceback(unsigned domain, uintptr_t address) {
    const Stack *stack = find_stack(domain, address);
    if (stack == NULL) Py_RETURN_NONE;
    return stack_to_tuple(stack);
}

static void put(int descriptor, const char *text) { _Py_write_noraise(descriptor, text, strlen(text)); }

/* Tells on stderr where a damaged block was allocated. */
static void dump_block_stack(const void *block) {
    const Stack *stack = find_stack(0, (uintptr_t)block);
    if (stack == NULL) return;
    int descriptor = fileno(stderr);
    fflush(stderr);
    put(descriptor, "Memory block allocated at (most recent call first):\n");
    for (unsigned i = 0; i < stack->count; i++) {
        put(descriptor, "  File \"");
        _Py_DumpASCII(descriptor, stack->frames[i].filename);
        put(descriptor, "\", line ");
        _Py_DumpDecimal(descriptor, stack->frames[i].line);
        put(descriptor, "\n");
    }
    put(descriptor, "\n");
}

/* ---- The module ---- */

PyDoc_STRVAR(is_tracing_doc, "is_tracing($module, /)\n--\n\nTrue if allocations are traced.");
static PyObject *tracemalloc_is_tracing(PyObject *module, PyObject *unused) { return PyBool_FromLong(state.tracing); }

PyDoc_STRVAR(clear_traces_doc, "clear_traces($module, /)\n--\n\nForget what was traced so far.");
static PyObject *tracemalloc_clear_traces(PyObject *module, PyObject *unused) {
    if (state.tracing) forget_all();
    Py_RETURN_NONE;
}

/* What a stack looks like in Python, made once for each stack: `seen` maps its address to the tuple. A new reference. */
static PyObject *shared_tuple(PyObject *seen, const Stack *stack) {
    PyObject *key = PyLong_FromVoidPtr((void *)(uintptr_t)stack);
    if (key == NULL) return NULL;
    PyObject *tuple = Py_XNewRef(PyDict_GetItemWithError(seen, key));
    if (tuple == NULL && !PyErr_Occurred()) {
        tuple = stack_to_tuple(stack);
        if (tuple != NULL && PyDict_SetItem(seen, key, tuple) < 0) Py_CLEAR(tuple);
    }
    Py_DECREF(key);
    return tuple;
}

/* A copy of the record, since making objects from it changes it. NULL with MemoryError. */
static Trace *copy_traces(size_t *count) {
    *count = 0;
    pthread_mutex_lock(&state.mutex);
    Trace *copy = malloc((state.used + 1) * sizeof(Trace));
    for (size_t i = 0; i < state.room && copy != NULL; i++)
        if (state.traces[i].stack != NULL) copy[(*count)++] = state.traces[i];
    pthread_mutex_unlock(&state.mutex);
    if (copy == NULL) PyErr_NoMemory();
    return copy;
}

PyDoc_STRVAR(get_traces_doc, "_get_traces($module, /)\n--\n\n"
                             "List of (domain, size, frames, depth of the stack) for every traced block.");
static PyObject *tracemalloc_get_traces(PyObject *module, PyObject *unused) {
    PyObject *result = PyList_New(0), *seen;
    if (result == NULL || !state.tracing) return result;
    size_t count;
    Trace *copy = copy_traces(&count);
    seen = PyDict_New();
    for (size_t i = 0; i < count && copy != NULL && seen != NULL && result != NULL; i++) {
        PyObject *frames = shared_tuple(seen, copy[i].stack);
        PyObject *item = frames == NULL ? NULL
                                        : Py_BuildValue("(InNi)", copy[i].domain, (Py_ssize_t)copy[i].size, frames,
                                                        (int)copy[i].stack->total);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    if (copy == NULL || seen == NULL) Py_CLEAR(result);
    Py_XDECREF(seen);
    free(copy);
    return result;
}

PyDoc_STRVAR(get_object_traceback_doc, "_get_object_traceback($module, obj, /)\n--\n\n"
                                       "The frames that allocated an object, innermost first; None if not traced.");
static PyObject *tracemalloc_get_object_traceback(PyObject *module, PyObject *object) {
    return _PyTraceMalloc_GetTraceback(0, (uintptr_t)kr_heap_block_of(object, PyObject_IS_GC(object)));
}

PyDoc_STRVAR(start_doc, "start($module, nframe=1, /)\n--\n\n"
                        "Trace allocations from now on, with at most so many frames of each stack.");
static PyObject *tracemalloc_start(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int frames = 1;
    if (!_PyArg_CheckPositional("start", count, 0, 1)) return NULL;
    if (count > 0) {
        frames = _PyLong_AsInt(args[0]);
        if (frames == -1 && PyErr_Occurred()) return NULL;
    }
    if (kr_tracemalloc_start(frames) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_doc, "stop($module, /)\n--\n\nStop tracing and forget what was traced.");
static PyObject *tracemalloc_stop(PyObject *module, PyObject *unused) {
    stop();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(get_traceback_limit_doc, "get_traceback_limit($module, /)\n--\n\nHow many frames of a stack are kept.");
static PyObject *tracemalloc_get_traceback_limit(PyObject *module, PyObject *unused) {
    return PyLong_FromUnsignedLong(state.frame_limit);
}

PyDoc_STRVAR(get_tracemalloc_memory_doc, "get_tracemalloc_memory($module, /)\n--\n\nBytes that tracing itself takes.");
static PyObject *tracemalloc_get_tracemalloc_memory(PyObject *module, PyObject *unused) {
    pthread_mutex_lock(&state.mutex);
    size_t size = state.room * sizeof(Trace);
    pthread_mutex_unlock(&state.mutex);
    size += state.stack_bytes + (state.stacks.room + state.filenames.room) * sizeof(void *);
    return PyLong_FromSize_t(size);
}

PyDoc_STRVAR(get_traced_memory_doc, "get_traced_memory($module, /)\n--\n\nBytes in traced blocks: now, and at most so far.");
static PyObject *tracemalloc_get_traced_memory(PyObject *module, PyObject *unused) {
    pthread_mutex_lock(&state.mutex);
    size_t traced = state.traced, peak = state.peak;
    pthread_mutex_unlock(&state.mutex);
    return Py_BuildValue("nn", (Py_ssize_t)traced, (Py_ssize_t)peak);
}

PyDoc_STRVAR(reset_peak_doc, "reset_peak($module, /)\n--\n\nLet the peak be what is traced now.");
static PyObject *tracemalloc_reset_peak(PyObject *module, PyObject *unused) {
    pthread_mutex_lock(&state.mutex);
    state.peak = state.traced;
    pthread_mutex_unlock(&state.mutex);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"is_tracing", tracemalloc_is_tracing, METH_NOARGS, is_tracing_doc},
    {"clear_traces", tracemalloc_clear_traces, METH_NOARGS, clear_traces_doc},
    {"_get_traces", tracemalloc_get_traces, METH_NOARGS, get_traces_doc},
    {"_get_object_traceback", tracemalloc_get_object_traceback, METH_O, get_object_traceback_doc},
    {"start", (PyCFunction)(void (*)(void))tracemalloc_start, METH_FASTCALL, start_doc},
    {"stop", tracemalloc_stop, METH_NOARGS, stop_doc},
    {"get_traceback_limit", tracemalloc_get_traceback_limit, METH_NOARGS, get_traceback_limit_doc},
    {"get_tracemalloc_memory", tracemalloc_get_tracemalloc_memory, METH_NOARGS, get_tracemalloc_memory_doc},
    {"get_traced_memory", tracemalloc_get_traced_memory, METH_NOARGS, get_traced_memory_doc},
    {"reset_peak", tracemalloc_reset_peak, METH_NOARGS, reset_peak_doc},
    {NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_tracemalloc",
    .m_doc = "Tracing where memory is allocated; the module tracemalloc is the interface.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__tracemalloc(void) { return PyModuleDef_Init(&definition); }
