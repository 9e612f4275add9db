/* The three allocation domains, their hooks, and blocks too large for a pool. */
#include <Python.h>

#include "heap/heap.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

KrHeapUse kr_heap_use;

/* Whether the default allocator of the domains mem and object uses pools. */
#ifdef KRAIT_SANITIZE
static int pools_wanted;
#else
enum { pools_wanted = 1 };
#endif

/* Requests beyond this are refused without asking, so that sizes always fit Py_ssize_t. */
static const size_t size_limit = (size_t)PY_SSIZE_T_MAX;

static void *raw_malloc(void *context, size_t size) { return malloc(size == 0 ? 1 : size); }

static void *raw_calloc(void *context, size_t count, size_t size) {
    return count == 0 || size == 0 ? calloc(1, 1) : calloc(count, size);
}

static void *raw_realloc(void *context, void *pointer, size_t size) { return realloc(pointer, size == 0 ? 1 : size); }

static void raw_free(void *context, void *pointer) { free(pointer); }

enum { LARGE_STEP = 1 << 18 }; /* bytes by which large blocks grow before pools make room for them */

static void add_large_bytes(size_t bytes) {
    size_t now = kr_heap_use.large_bytes + bytes;
    if (now > kr_heap_use.large_peak && now - kr_heap_use.large_peak >= LARGE_STEP) {
        kr_pool_make_room(bytes);
        kr_heap_use.large_peak = now;
    }
    kr_heap_use.large_bytes = now;
}

static void *count_large(void *pointer) {
    if (pointer != NULL) {
        kr_heap_use.large_blocks++;
        add_large_bytes(malloc_usable_size(pointer));
    }
    return pointer;
}

static void discount_large(void *pointer) {
    kr_heap_use.large_blocks--;
    kr_heap_use.large_bytes -= malloc_usable_size(pointer);
}

static int over_limit(size_t more) {
    size_t used = kr_heap_bytes_reserved();
    return used > kr_heap_use.limit || more > kr_heap_use.limit - used;
}

int kr_heap_over_limit(size_t more) {
    if (kr_heap_use.limit == 0 || !over_limit(more)) return 0;
    kr_pool_give_up_spare();
    return over_limit(more);
}

static inline int owner_kind(const void *pointer) {
    return kr_heap_owner(pointer) & (KR_OWNER_PLAIN | KR_OWNER_COLLECTED);
}

static void *pool_malloc(void *context, size_t size) {
    if (pools_wanted && size <= KR_SMALL_LIMIT) return kr_pool_alloc(0, size);
    if (kr_heap_over_limit(size)) return NULL;
    return count_large(malloc(size == 0 ? 1 : size));
}

static void *pool_calloc(void *context, size_t count, size_t size) {
    size_t total = count * size; /* the callers below checked the product */
    if (pools_wanted && total <= KR_SMALL_LIMIT) {
        void *block = kr_pool_alloc(0, total);
        if (block != NULL) memset(block, 0, total);
        return block;
    }
    if (kr_heap_over_limit(total)) return NULL;
    return count_large(calloc(1, total == 0 ? 1 : total));
}

static void pool_free(void *context, void *pointer) {
    switch (owner_kind(pointer)) {
        case KR_OWNER_PLAIN:
            kr_pool_give(kr_pool_of(pointer), pointer);
            return;
        case KR_OWNER_COLLECTED:
            *kr_pool_flag(pointer) = 0;
            kr_pool_give(kr_pool_of(pointer), pointer);
            return;
        default:
            if (pointer != NULL) {
                discount_large(pointer);
                free(pointer);
            }
    }
}

static void *pool_realloc(void *context, void *pointer, size_t size) {
    if (pointer == NULL) return pool_malloc(context, size);
    if (owner_kind(pointer) == KR_OWNER_NONE) {
        size_t old = malloc_usable_size(pointer);
        if (size > old && kr_heap_over_limit(size - old)) return NULL;
        void *moved = realloc(pointer, size == 0 ? 1 : size);
        if (moved != NULL) add_large_bytes(malloc_usable_size(moved) - old);
        return moved;
    }
    size_t room = (size_t)kr_pool_of(pointer)->size_class * KR_GRANULE;
    /* A smaller request stays where it is unless that would waste more than a quarter of the slot. */
    if (size <= room && size > room - room / 4) return pointer;
    if (size <= room && kr_size_class(size ? size : 1) == kr_size_class(room)) return pointer;
    void *moved = pool_malloc(context, size);
    if (moved == NULL) return size <= room ? pointer : NULL;
    memcpy(moved, pointer, size < room ? size : room);
    pool_free(context, pointer);
    return moved;
}

static const PyMemAllocatorEx raw_allocator = {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free};
static const PyMemAllocatorEx pool_allocator = {NULL, pool_malloc, pool_calloc, pool_realloc, pool_free};

static struct {
    PyMemAllocatorEx domain[3]; /* by PyMemAllocatorDomain */
    struct {
        long count;
        long start; /* 0: allocations are not numbered */
        long stop;
    } failing;
} state = {
    .domain = {{NULL, raw_malloc, raw_calloc, raw_realloc, raw_free},
               {NULL, pool_malloc, pool_calloc, pool_realloc, pool_free},
               {NULL, pool_malloc, pool_calloc, pool_realloc, pool_free}},
};

static inline int same_allocator(const PyMemAllocatorEx *a, const PyMemAllocatorEx *b) {
    return a->ctx == b->ctx && a->malloc == b->malloc && a->calloc == b->calloc && a->realloc == b->realloc &&
           a->free == b->free;
}

static void update_interposed(void) {
    int hooked = !same_allocator(&state.domain[PYMEM_DOMAIN_OBJ], &pool_allocator);
    if (hooked) kr_heap.records_in_pools = 1;
    kr_pool_set_interposed(hooked || !same_allocator(&state.domain[PYMEM_DOMAIN_MEM], &pool_allocator) ||
                           state.failing.start != 0 || !pools_wanted);
}

/* Where a debugger stops to see which allocation was made to fail. */
static __attribute__((noinline)) int fail_as_planned(void) { return 1; }

int kr_heap_must_fail(void) {
    if (state.failing.start == 0) return 0;
    long number = __atomic_add_fetch(&state.failing.count, 1, __ATOMIC_RELAXED); /* the raw domain needs no lock */
    if (number < state.failing.start || (state.failing.stop != 0 && number >= state.failing.stop)) return 0;
    return fail_as_planned();
}

/* What a fresh block of the debug build is filled with, so that reading it before writing shows. */
enum { FRESH_BYTE = 0xCD };

static inline void *fresh(void *block, size_t size, PyMemAllocatorDomain domain) {
#ifdef KRAIT_DEBUG
    if (block != NULL) memset(block, FRESH_BYTE, size);
#endif
    kr_ledger_add(block, size, domain);
    return block;
}

static void *domain_malloc(PyMemAllocatorDomain domain, size_t size) {
    if (size > size_limit || (kr_heap.interposed && kr_heap_must_fail())) return NULL;
    return fresh(state.domain[domain].malloc(state.domain[domain].ctx, size), size, domain);
}

static void *domain_calloc(PyMemAllocatorDomain domain, size_t count, size_t size) {
    if ((size != 0 && count > size_limit / size) || (kr_heap.interposed && kr_heap_must_fail())) return NULL;
    void *block = state.domain[domain].calloc(state.domain[domain].ctx, count, size);
    kr_ledger_add(block, count * size, domain);
    return block;
}

static void *domain_realloc(PyMemAllocatorDomain domain, void *pointer, size_t size) {
    if (size > size_limit || (kr_heap.interposed && kr_heap_must_fail())) return NULL;
    void *block = state.domain[domain].realloc(state.domain[domain].ctx, pointer, size);
    if (block != NULL) {
        kr_ledger_remove(pointer);
        kr_ledger_add(block, size, domain);
    }
    return block;
}

static void domain_free(PyMemAllocatorDomain domain, void *pointer) {
    kr_ledger_remove(pointer);
    state.domain[domain].free(state.domain[domain].ctx, pointer);
}

void *PyMem_RawMalloc(size_t size) { return domain_malloc(PYMEM_DOMAIN_RAW, size); }
void *PyMem_RawCalloc(size_t count, size_t size) { return domain_calloc(PYMEM_DOMAIN_RAW, count, size); }
void *PyMem_RawRealloc(void *pointer, size_t size) { return domain_realloc(PYMEM_DOMAIN_RAW, pointer, size); }
void PyMem_RawFree(void *pointer) { domain_free(PYMEM_DOMAIN_RAW, pointer); }

void *PyMem_Malloc(size_t size) {
    if (__builtin_expect(size <= KR_SMALL_LIMIT, 1) && KR_HEAP_INLINE) {
        void *slot = kr_pool_take(kr_heap.plain[kr_size_class(size)]);
        if (__builtin_expect(slot != NULL, 1)) return slot;
    }
    return domain_malloc(PYMEM_DOMAIN_MEM, size);
}

void *PyMem_Calloc(size_t count, size_t size) { return domain_calloc(PYMEM_DOMAIN_MEM, count, size); }
void *PyMem_Realloc(void *pointer, size_t size) { return domain_realloc(PYMEM_DOMAIN_MEM, pointer, size); }

void PyMem_Free(void *pointer) {
    if (__builtin_expect(kr_heap_owner(pointer) == KR_OWNER_PLAIN, 1) && KR_HEAP_INLINE)
        kr_pool_give(kr_pool_of(pointer), pointer);
    else
        domain_free(PYMEM_DOMAIN_MEM, pointer);
}

void *kr_heap_alloc_slow(size_t size) { return domain_malloc(PYMEM_DOMAIN_OBJ, size); }
void kr_heap_free_slow(void *pointer) { domain_free(PYMEM_DOMAIN_OBJ, pointer); }

void *PyObject_Malloc(size_t size) { return kr_heap_alloc(size); }
void *PyObject_Calloc(size_t count, size_t size) { return domain_calloc(PYMEM_DOMAIN_OBJ, count, size); }
void *PyObject_Realloc(void *pointer, size_t size) { return domain_realloc(PYMEM_DOMAIN_OBJ, pointer, size); }
void PyObject_Free(void *pointer) { kr_heap_free(pointer); }

void *kr_heap_alloc_collected_slow(size_t size) {
    if (size > size_limit - sizeof(KrLargeObject)) return NULL;
    if (pools_wanted && size <= KR_SMALL_LIMIT && same_allocator(&state.domain[PYMEM_DOMAIN_OBJ], &pool_allocator))
        return kr_heap.interposed && kr_heap_must_fail() ? NULL : fresh(kr_pool_alloc(1, size), size, PYMEM_DOMAIN_OBJ);
    KrLargeObject *record = domain_malloc(PYMEM_DOMAIN_OBJ, size + sizeof(KrLargeObject));
    if (record == NULL) return NULL;
    kr_ledger_remove(record);
    kr_ledger_add(record + 1, size, PYMEM_DOMAIN_OBJ);
    record->next = record->previous = NULL;
    record->size = size;
    record->flags = 0;
    return record + 1;
}

void kr_heap_free_collected_slow(void *pointer) {
    kr_ledger_remove(pointer);
    if (owner_kind(pointer) == KR_OWNER_COLLECTED) {
        *kr_pool_flag(pointer) = 0;
        kr_pool_give(kr_pool_of(pointer), pointer);
    } else {
        domain_free(PYMEM_DOMAIN_OBJ, (KrLargeObject *)pointer - 1);
    }
}

void *kr_heap_block_of(PyObject *object, int is_collected) {
    if (is_collected && owner_kind(object) != KR_OWNER_COLLECTED) return (KrLargeObject *)object - 1;
    return object;
}

size_t kr_heap_block_size(void *pointer) {
    if (owner_kind(pointer) == KR_OWNER_NONE) return malloc_usable_size(pointer);
    return (size_t)kr_pool_of(pointer)->size_class * KR_GRANULE;
}

size_t kr_heap_bytes_reserved(void) { return kr_pool_bytes_reserved() + kr_heap_use.large_bytes; }

void kr_heap_set_limit(size_t bytes) { kr_heap_use.limit = bytes; }

void kr_heap_fail_between(long start, long stop) {
    state.failing.count = 0;
    state.failing.start = start;
    state.failing.stop = stop;
    update_interposed();
}

long kr_heap_fail_count(void) { return state.failing.count; }

#ifdef KRAIT_DEBUG
static void print_count(void) { fprintf(stderr, "krait: %ld allocations\n", state.failing.count); }

void kr_heap_fail_as_told(const char *text) {
    char *end;
    if (strcmp(text, "count") == 0) {
        kr_heap_fail_between(LONG_MAX, 0);
        atexit(print_count);
        return;
    }
    long start = strtol(text, &end, 10), stop = *end == '-' ? strtol(end + 1, NULL, 10) : start + 1;
    kr_heap_fail_between(start, stop);
}
#endif

void PyMem_GetAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator) {
    static const PyMemAllocatorEx none;
    *allocator = (unsigned)domain <= PYMEM_DOMAIN_OBJ ? state.domain[domain] : none;
}

void PyMem_SetAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *allocator) {
    if ((unsigned)domain > PYMEM_DOMAIN_OBJ) return;
    state.domain[domain] = *allocator;
    update_interposed();
}

void PyObject_GetArenaAllocator(PyObjectArenaAllocator *allocator) { kr_pool_get_arena_allocator(allocator); }
void PyObject_SetArenaAllocator(PyObjectArenaAllocator *allocator) { kr_pool_set_arena_allocator(allocator); }

/* The names that PYTHONMALLOC accepts. */
static const struct {
    const char *name;
    PyMemAllocatorName allocator;
    int pools; /* mem and object use pools, not malloc */
    int debug; /* with debug hooks in front */
} named[] = {
    {"default", PYMEM_ALLOCATOR_DEFAULT, 1, 0},
    {"debug", PYMEM_ALLOCATOR_DEBUG, 1, 1},
    {"pymalloc", PYMEM_ALLOCATOR_PYMALLOC, 1, 0},
    {"pymalloc_debug", PYMEM_ALLOCATOR_PYMALLOC_DEBUG, 1, 1},
    {"malloc", PYMEM_ALLOCATOR_MALLOC, 0, 0},
    {"malloc_debug", PYMEM_ALLOCATOR_MALLOC_DEBUG, 0, 1},
};
enum { NAMED_COUNT = sizeof(named) / sizeof(named[0]) };

/* Returns 0 and the allocator's number; no name or an empty one means the default. -1 for an unknown name. */
int _PyMem_GetAllocatorName(const char *name, PyMemAllocatorName *allocator) {
    if (name == NULL || *name == '\0') {
        *allocator = PYMEM_ALLOCATOR_DEFAULT;
        return 0;
    }
    for (int i = 0; i < NAMED_COUNT; i++) {
        if (strcmp(name, named[i].name) == 0) {
            *allocator = named[i].allocator;
            return 0;
        }
    }
    return -1;
}

/* Chooses the allocators of all domains; meant for start-up, before anything is allocated. Returns 0, or -1 if the number
 * is unknown. */
int _PyMem_SetupAllocators(PyMemAllocatorName allocator) {
    if (allocator == PYMEM_ALLOCATOR_NOT_SET) return 0;
    for (int i = 0; i < NAMED_COUNT; i++) {
        if (named[i].allocator != allocator) continue;
        const PyMemAllocatorEx *small = named[i].pools ? &pool_allocator : &raw_allocator;
        state.domain[PYMEM_DOMAIN_RAW] = raw_allocator;
        state.domain[PYMEM_DOMAIN_MEM] = state.domain[PYMEM_DOMAIN_OBJ] = *small;
#ifdef KRAIT_SANITIZE
        if (strncmp(named[i].name, "pymalloc", strlen("pymalloc")) == 0) pools_wanted = 1;
#endif
        update_interposed();
        if (named[i].debug) PyMem_SetupDebugHooks();
        return 0;
    }
    return -1;
}

/* Restores the default allocator of one domain, storing the one in force in *old if that is wanted. */
int _PyMem_SetDefaultAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *old) {
    if ((unsigned)domain > PYMEM_DOMAIN_OBJ) return -1;
    if (old != NULL) *old = state.domain[domain];
    state.domain[domain] = domain == PYMEM_DOMAIN_RAW ? raw_allocator : pool_allocator;
    update_interposed();
    return 0;
}

/* Returns the name under which _PyMem_SetupAllocators knows the allocators in force, or NULL. */
const char *_PyMem_GetCurrentAllocatorName(void) {
    PyMemAllocatorEx inner[3];
    int debug = 0;
    for (int domain = 0; domain < 3; domain++) {
        inner[domain] = state.domain[domain];
        debug += kr_debug_hook_inner((PyMemAllocatorDomain)domain, &inner[domain]);
    }
    if (!same_allocator(&inner[0], &raw_allocator) || (debug != 0 && debug != 3)) return NULL;
    if (same_allocator(&inner[1], &raw_allocator) && same_allocator(&inner[2], &raw_allocator))
        return debug ? "malloc_debug" : "malloc";
    if (same_allocator(&inner[1], &pool_allocator) && same_allocator(&inner[2], &pool_allocator))
        return debug ? "pymalloc_debug" : "pymalloc";
    return NULL;
}

char *_PyMem_RawStrdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = PyMem_RawMalloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

char *_PyMem_Strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = PyMem_Malloc(size);
    return copy == NULL ? NULL : memcpy(copy, text, size);
}

wchar_t *_PyMem_RawWcsdup(const wchar_t *text) {
    size_t length = wcslen(text);
    if (length > size_limit / sizeof(wchar_t) - 1) return NULL;
    wchar_t *copy = PyMem_RawMalloc((length + 1) * sizeof(wchar_t));
    return copy == NULL ? NULL : wmemcpy(copy, text, length + 1);
}
