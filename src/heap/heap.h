/* Memory: size classes in pools in arenas, and the three allocation domains on top of them.
 *
 * Requests of up to KR_SMALL_LIMIT bytes are served from *pools* of 16 KiB. A pool belongs to one size class and is cut
 * into equal slots; pools are carved from 1 MiB *arenas*, aligned to their size. An arena is either plain or *collected*:
 * the pools of a collected arena hold only objects that the cycle collector looks after, and each has a table of flags
 * before its slots: a byte for every 32 bytes of the pool, so no two slots share one, as none is smaller. Larger requests go
 * to malloc.
 *
 * Invariants:
 * - `kr_heap_map[address >> 20]` is non-zero exactly for the addresses of our arenas, so the owner of any pointer is one
 *   load away and memory that is not ours is never touched.
 * - A pool has free slots exactly when it is in the list of its size class (`linked`); the head of that list is the
 *   *current* pool, from which the class allocates.
 * - `used` counts the slots handed out. A pool whose `used` falls to 0 goes back to its arena unless it is alone in the
 *   list of its class.
 * - The flag byte of a slot that is not in use is 0.
 * - While an allocator hook, a limit test or a planned failure is in force (`interposed`), every entry of `kr_heap.plain`
 *   and `kr_heap.collected` is an empty pool and the map holds the slow values, so that the inline paths below always
 *   fall through to the functions that look at the hooks.
 *
 * Idle memory goes back to the system at three times. Of the arenas without used pools a few are kept, more of them while the
 * program allocates in waves; the others go at once. Before the heap grows to a new arena or by a large block, as much memory
 * goes back from spare arenas and from free pools that the growth cannot use, so that the peak stays near what is in use. A
 * full collection gives back all that is free (kr_heap_trim).
 *
 * The domains mem and object need the interpreter lock; raw does not.
 *
 * The sanitizer build (KRAIT_SANITIZE) asks malloc for every block, whatever its size, so that AddressSanitizer knows where
 * each begins and ends and when it dies; it keeps no free lists either. PYTHONMALLOC=pymalloc brings the pools back.
 */
#ifndef KR_HEAP_HEAP_H
#define KR_HEAP_HEAP_H

#include <Python.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/ledger.h"

enum {
    KR_ARENA_SHIFT = 20,
    KR_ARENA_SIZE = 1 << KR_ARENA_SHIFT,
    KR_POOL_SHIFT = 14,
    KR_POOL_SIZE = 1 << KR_POOL_SHIFT,
    KR_POOLS_PER_ARENA = KR_ARENA_SIZE / KR_POOL_SIZE,
    KR_GRANULE = 16,      /* bytes; sizes are multiples of it, and so are addresses of slots */
    KR_SMALL_LIMIT = 512, /* bytes */
    KR_CLASS_COUNT = KR_SMALL_LIMIT / KR_GRANULE + 1, /* class i serves 16*i bytes; class 0 is never used */
    KR_POOL_RECORD_SIZE = 64,                         /* bytes before the first slot of a plain pool */
    KR_COLLECTED_LEAST = 32, /* bytes of the smallest slot of a collected pool; one flag byte is for as many */
    KR_POOL_FLAGS_SIZE = KR_POOL_SIZE / KR_COLLECTED_LEAST,
    KR_COLLECTED_START = KR_POOL_RECORD_SIZE + KR_POOL_FLAGS_SIZE, /* bytes before the first slot of a collected pool */
    /* Where the flag byte of the pool's own first byte would be: slots have theirs right after the record. */
    KR_POOL_FLAGS_ORIGIN = KR_POOL_RECORD_SIZE - KR_COLLECTED_START / KR_COLLECTED_LEAST,
};

_Static_assert(KR_COLLECTED_START % KR_COLLECTED_LEAST == 0, "a flag byte stands for as much of the pool as any other");

/* The length of a list of dead objects that are kept for the next request. */
#ifdef KRAIT_SANITIZE
#define KR_FREE_LIST(count) 0
#else
#define KR_FREE_LIST(count) (count)
#endif

#if defined(__x86_64__)
enum { KR_ADDRESS_BITS = 47 }; /* what user space has without asking for more */
#else
enum { KR_ADDRESS_BITS = 48 };
#endif

/* Values of kr_heap_map. */
enum {
    KR_OWNER_NONE = 0,
    KR_OWNER_PLAIN = 1,
    KR_OWNER_COLLECTED = 2,
    KR_OWNER_INTERPOSED = 4, /* added to the other two while hooks are in force */
};

typedef struct KrArena KrArena;

typedef struct KrPool {
    void *free;          /* free slots, linked through their first word */
    uint32_t used;       /* slots handed out */
    uint16_t fresh;      /* offset of the first slot that was never handed out; KR_POOL_SIZE when there is none left */
    uint8_t size_class;  /* slot size / KR_GRANULE */
    uint8_t linked;      /* 1: in the list of its class; free pools: 0, or 2 if most of their memory went to the system */
    uint16_t young;      /* collected pools: bit i: flag bytes 64*i.. may be those of objects of the youngest generation */
    uint16_t middle;     /* the same for the middle generation */
    uint16_t reciprocal; /* collected pools: 65536 / size_class, rounded up */
    struct KrPool *next; /* in the list of its class, or of its arena's free pools */
    struct KrPool *previous;
    KrArena *arena;
} KrPool;

_Static_assert(sizeof(KrPool) <= KR_POOL_RECORD_SIZE, "the record fits before the flags");

/* One mapping of KR_ARENA_SIZE bytes. Its record lives outside, so that untouched pools stay untouched. */
struct KrArena {
    uint8_t *base;           /* first pool */
    void *mapping;           /* what the arena allocator returned, and how much */
    size_t mapping_size;
    KrPool *free_pools;      /* pools that were in use before */
    int32_t fresh_pools;     /* pools never used so far; they are the last ones */
    int32_t free_count;      /* length of free_pools plus fresh_pools */
    int32_t free_backed;     /* free pools all of whose memory may be there */
    int32_t collected;       /* kind: 0 or 1 */
    uint64_t young_pools;    /* bit i: `young` of pool i is not 0 */
    uint64_t middle_pools;   /* bit i: `middle` of pool i is not 0 */
    KrArena *next, *previous;             /* arenas of this kind with equally many free pools */
    KrArena *kind_next, *kind_previous;   /* all arenas of this kind */
    KrArena *young_next, *young_previous; /* arenas with young_pools != 0 */
    KrArena *middle_next, *middle_previous;
};

typedef struct KrHeap {
    KrPool *plain[KR_CLASS_COUNT];     /* the pools that the inline paths allocate from */
    KrPool *collected[KR_CLASS_COUNT];
    KrArena *arenas[2];  /* all arenas, by kind */
    KrArena *young;      /* collected arenas that may hold young objects */
    KrArena *middle;
    int interposed;
    int records_in_pools; /* a KrLargeObject may be in a plain pool, because the object domain was hooked once */
} KrHeap;

extern KrHeap kr_heap;
extern uint8_t kr_heap_map[(size_t)1 << (KR_ADDRESS_BITS - KR_ARENA_SHIFT)];

/* A collected object whose block is not a slot of a collected pool has this record right before it. `next` and `previous`
 * link it into one of the collector's lists. */
typedef struct KrLargeObject {
    struct KrLargeObject *next, *previous;
    size_t size;       /* bytes of the object, without this record */
    uint8_t unused[7];
    uint8_t flags;     /* must be the last byte */
} KrLargeObject;

_Static_assert(sizeof(KrLargeObject) % KR_GRANULE == 0, "objects stay aligned");
_Static_assert(offsetof(KrLargeObject, flags) == sizeof(KrLargeObject) - 1, "found at object - 1");

static inline uint8_t kr_heap_owner(const void *pointer) {
    return kr_heap_map[(uintptr_t)pointer >> KR_ARENA_SHIFT];
}

/* Returns the pool of a pointer that an arena owns. */
static inline KrPool *kr_pool_of(const void *pointer) {
    return (KrPool *)((uintptr_t)pointer & ~(uintptr_t)(KR_POOL_SIZE - 1));
}

/* Returns the flag byte of a slot in a collected pool. */
static inline uint8_t *kr_pool_flag(const void *slot) {
    uintptr_t address = (uintptr_t)slot;
    return (uint8_t *)((address & ~(uintptr_t)(KR_POOL_SIZE - 1)) + ((address & (KR_POOL_SIZE - 1)) / KR_COLLECTED_LEAST) +
                       KR_POOL_FLAGS_ORIGIN);
}

/* Returns the slot of a collected pool to which a flag byte belongs. */
static inline void *kr_pool_flagged(const uint8_t *flag) {
    uintptr_t pool = (uintptr_t)flag & ~(uintptr_t)(KR_POOL_SIZE - 1);
    unsigned size = ((KrPool *)pool)->size_class, flags = (unsigned)((uintptr_t)flag - pool) - KR_POOL_RECORD_SIZE;
    /* in granules: the first multiple of the size at or after the flag's part of the pool */
    unsigned slot = (flags * (KR_COLLECTED_LEAST / KR_GRANULE) + size - 1) * ((KrPool *)pool)->reciprocal >> 16;
    return (void *)(pool + KR_COLLECTED_START + slot * size * KR_GRANULE);
}

static inline unsigned kr_size_class(size_t size) { return (unsigned)((size + KR_GRANULE - 1) / KR_GRANULE); }

/* Whether the inline paths below may serve a request; the debug build sees every one of them in the functions behind. */
#ifdef KRAIT_DEBUG
enum { KR_HEAP_INLINE = 0 };
#else
enum { KR_HEAP_INLINE = 1 };
#endif

/* Takes the first free slot of a pool, or returns NULL. */
static inline void *kr_pool_take(KrPool *pool) {
    void *slot = pool->free;
    if (__builtin_expect(slot != NULL, 1)) {
        pool->free = *(void **)slot;
        pool->used++;
    }
    return slot;
}

/* Gives a slot back to its pool. */
void kr_pool_give_slow(KrPool *pool);
static inline void kr_pool_give(KrPool *pool, void *slot) {
    void *head = pool->free;
    *(void **)slot = head;
    pool->free = slot;
    if (__builtin_expect((--pool->used == 0) | (head == NULL), 0)) kr_pool_give_slow(pool);
}

/* PyObject_Malloc and PyObject_Free without the call. NULL when memory is out; no exception is set. */
void *kr_heap_alloc_slow(size_t size);
static inline void *kr_heap_alloc(size_t size) {
    if (__builtin_expect(size <= KR_SMALL_LIMIT, 1) && KR_HEAP_INLINE) {
        void *slot = kr_pool_take(kr_heap.plain[kr_size_class(size)]);
        if (__builtin_expect(slot != NULL, 1)) return slot;
    }
    return kr_heap_alloc_slow(size);
}

void kr_heap_free_slow(void *pointer);
static inline void kr_heap_free(void *pointer) {
    if (__builtin_expect(kr_heap_owner(pointer) == KR_OWNER_PLAIN, 1) && KR_HEAP_INLINE)
        kr_pool_give(kr_pool_of(pointer), pointer);
    else
        kr_heap_free_slow(pointer);
}

/* Returns a block for a collected object, uninitialised, its flags 0; NULL when memory is out. A block that is not a pool
 * slot comes with an unlinked KrLargeObject (next and previous are NULL). For the collector's allocation functions. */
void *kr_heap_alloc_collected_slow(size_t size);
/* Frees a block of kr_heap_alloc_collected_slow; a KrLargeObject must be unlinked. */
void kr_heap_free_collected_slow(void *pointer);

/* Returns the address of the allocation that holds an object: the object itself, or the record before it. Tracers that
 * hook the object domain know objects by this address. `is_collected` is PyObject_IS_GC of the object. */
void *kr_heap_block_of(PyObject *object, int is_collected);

/* Returns the usable size of a block of the mem or object domain (not of a large collected object). */
size_t kr_heap_block_size(void *pointer);

/* The bit for an object in the `young` and `middle` masks of its pool: one for each cache line of flags. */
static inline uint16_t kr_pool_mask(const void *slot) {
    return (uint16_t)(1u << ((uintptr_t)kr_pool_flag(slot) & (KR_POOL_SIZE - 1)) / 64);
}

/* Notes that a collected object is of the youngest or middle generation. */
void kr_pool_list_young(KrPool *pool);
void kr_pool_list_middle(KrPool *pool);
static inline void kr_pool_set_young(void *slot) {
    KrPool *pool = kr_pool_of(slot);
    if (__builtin_expect(pool->young == 0, 0)) kr_pool_list_young(pool);
    pool->young |= kr_pool_mask(slot);
}
static inline void kr_pool_set_middle(void *slot) {
    KrPool *pool = kr_pool_of(slot);
    if (__builtin_expect(pool->middle == 0, 0)) kr_pool_list_middle(pool);
    pool->middle |= kr_pool_mask(slot);
}
/* Take an arena off the list of those with young or middle pools. The caller resets the pools' own marks. */
void kr_pool_clear_young(KrArena *arena);
void kr_pool_clear_middle(KrArena *arena);

/* Bytes in use: whole pools that have slots in use, and large blocks. */
size_t kr_heap_bytes_used(void);
/* Bytes obtained from the system: arenas and large blocks. */
size_t kr_heap_bytes_reserved(void);

/* Makes allocations of the mem and object domains fail that would take the heap beyond `bytes` (kr_heap_bytes_reserved);
 * 0 removes the limit. */
void kr_heap_set_limit(size_t bytes);

/* Numbers the allocations of all domains from 1 on and makes those from number `start` up to, not including, number `stop`
 * fail (all from `start` on if `stop` is 0). A `start` of 0 ends this. */
void kr_heap_fail_between(long start, long stop);
/* Returns how many allocations were numbered since kr_heap_fail_between. */
long kr_heap_fail_count(void);
/* Numbers an allocation; true if it is one of those that are to fail. */
int kr_heap_must_fail(void);
/* For those who ask the system for memory themselves: whether they are to act as if it had refused. */
static inline int kr_heap_fails(void) { return __builtin_expect(kr_heap.interposed, 0) && kr_heap_must_fail(); }
#ifdef KRAIT_DEBUG
/* Plans what the variable KRAITFAILALLOCATION says: "N" makes allocation number N of the process fail, "N-M" those from N
 * up to, not including, M, "N-" N and all after it; "count" prints at exit how many there were. */
void kr_heap_fail_as_told(const char *text);
#endif

/* Gives pools without used slots back to their arenas, and what memory of free pools and malloc it can to the system. */
void kr_heap_trim(void);

/* Prints a line of the statistics. */
void kr_heap_report_number(FILE *out, const char *title, size_t value);
/* Whether the statistics are printed on stderr each time that an arena is mapped. */
void kr_heap_set_verbose(int verbose);

/* If set, the debug hooks call it with a damaged block, to print on stderr where the block was allocated. */
extern void (*kr_heap_traceback_hook)(const void *block);

/* Parts of the C API that only CPython's private headers declare. */
PyAPI_FUNC(Py_ssize_t) _Py_GetAllocatedBlocks(void);
/* Prints the statistics of the pools. Returns 0, having printed nothing, if no domain uses them. */
PyAPI_FUNC(int) _PyObject_DebugMallocStats(FILE *out);
PyAPI_FUNC(int) _PyMem_SetDefaultAllocator(PyMemAllocatorDomain domain, PyMemAllocatorEx *old);
PyAPI_FUNC(int) _PyMem_GetAllocatorName(const char *name, PyMemAllocatorName *allocator);
PyAPI_FUNC(int) _PyMem_SetupAllocators(PyMemAllocatorName allocator);

/* Between the files of this folder. */
typedef struct {
    size_t large_blocks; /* blocks from malloc in use, mem and object domains */
    size_t large_bytes;
    size_t large_peak;   /* of large_bytes, roughly, since malloc was last asked to give free memory back */
    size_t limit;        /* 0: none */
} KrHeapUse;
extern KrHeapUse kr_heap_use;

void *kr_pool_alloc(int collected, size_t size); /* size <= KR_SMALL_LIMIT; ignores hooks */
/* Before `size` bytes are asked for: if that would be nearly as much as ever, or more, gives as much idle memory back to the
 * system, where there is so much. */
void kr_pool_make_room(size_t size);
/* Gives up all wholly free arenas. */
void kr_pool_give_up_spare(void);
void kr_pool_set_interposed(int interposed);
int kr_heap_over_limit(size_t more);
void kr_pool_get_arena_allocator(PyObjectArenaAllocator *allocator);
void kr_pool_set_arena_allocator(const PyObjectArenaAllocator *allocator);
size_t kr_pool_bytes_reserved(void);

/* True if the debug hooks are in front of the domain's allocator; then `*inner` is the allocator behind them. */
int kr_debug_hook_inner(PyMemAllocatorDomain domain, PyMemAllocatorEx *inner);

#endif
