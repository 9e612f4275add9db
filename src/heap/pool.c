/* Arenas and pools: where small blocks come from. */
#include <Python.h>

#include "heap/heap.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    CARVE_BYTES = 2048, /* how much of a pool is cut into free slots at a time: half a page, so few pages are touched early */
    /* How many wholly free arenas are kept for the next requests: at first, and at most. Each time that an arena is asked
     * for after one was given back, one more is kept from then on, until a full collection. */
    SPARE_ARENAS_LEAST = 8,
    SPARE_ARENAS_MOST = 64,
    FREE_POOLS_LEAST = 16,   /* the memory of fewer free pools is not given back when the heap grows elsewhere */
    POOL_UNBACKED = 2,       /* a value of `linked`: only the first page of the free pool is in memory */
    PAGE_SIZE = 4096,
};

uint8_t kr_heap_map[(size_t)1 << (KR_ADDRESS_BITS - KR_ARENA_SHIFT)];

static KrPool no_pool; /* never has a free slot */

#define NO_POOLS {[0 ... KR_CLASS_COUNT - 1] = &no_pool}

#ifdef KRAIT_SANITIZE
KrHeap kr_heap = {.plain = NO_POOLS, .collected = NO_POOLS, .interposed = 1};
#else
KrHeap kr_heap = {.plain = NO_POOLS, .collected = NO_POOLS};
#endif

static void *system_arena_alloc(void *context, size_t size) {
    void *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mapping == MAP_FAILED ? NULL : mapping;
}

static void system_arena_free(void *context, void *pointer, size_t size) { munmap(pointer, size); }

static struct {
    KrPool *current[2][KR_CLASS_COUNT];                /* head of each class's list of pools with free slots */
    KrArena *by_free_count[2][KR_POOLS_PER_ARENA + 1]; /* arenas with that many free pools */
    int arena_count, arena_peak;
    size_t arenas_mapped; /* since the start */
    int verbose;          /* print the statistics when an arena is mapped */
    int spare_limit; /* wholly free arenas that are kept, of both kinds together */
    int spare_count;
    int given_back;     /* arenas that were given back and might have been kept */
    int free_backed[2]; /* sum of the arenas' members of that name */
    size_t backed;      /* pools all of whose memory may be there, free or not */
    size_t peak;        /* most bytes so far, of such pools and of malloc */
    PyObjectArenaAllocator arena_allocator;
} state = {
    .current = {NO_POOLS, NO_POOLS},
    .spare_limit = SPARE_ARENAS_LEAST,
    .arena_allocator = {NULL, system_arena_alloc, system_arena_free},
};

static inline size_t first_slot(int collected) { return collected ? KR_COLLECTED_START : KR_POOL_RECORD_SIZE; }

static inline int pool_index(const KrPool *pool) {
    return (int)(((uintptr_t)pool & (KR_ARENA_SIZE - 1)) >> KR_POOL_SHIFT);
}

/* Makes `pool` the one that allocations of its class come from. */
static inline void set_current(int collected, unsigned size_class, KrPool *pool) {
    state.current[collected][size_class] = pool;
    if (!kr_heap.interposed) (collected ? kr_heap.collected : kr_heap.plain)[size_class] = pool;
}

static void map_set(const KrArena *arena, int owner) {
    if (owner != KR_OWNER_NONE && kr_heap.interposed) owner |= KR_OWNER_INTERPOSED;
    kr_heap_map[(uintptr_t)arena->base >> KR_ARENA_SHIFT] = (uint8_t)owner;
}

static void bucket_unlink(KrArena *arena) {
    if (arena->previous != NULL)
        arena->previous->next = arena->next;
    else
        state.by_free_count[arena->collected][arena->free_count] = arena->next;
    if (arena->next != NULL) arena->next->previous = arena->previous;
}

static void bucket_link(KrArena *arena) {
    KrArena **head = &state.by_free_count[arena->collected][arena->free_count];
    arena->previous = NULL;
    arena->next = *head;
    if (*head != NULL) (*head)->previous = arena;
    *head = arena;
}

/* Asks the arena allocator for a piece of memory that holds an aligned arena. Returns 0 if memory is out. */
static int arena_map(KrArena *arena) {
    const PyObjectArenaAllocator *allocator = &state.arena_allocator;
    size_t size = KR_ARENA_SIZE;
    void *mapping = allocator->alloc(allocator->ctx, size);
    if (mapping == NULL) return 0;
    if ((uintptr_t)mapping % KR_ARENA_SIZE != 0) {
        allocator->free(allocator->ctx, mapping, size);
        size *= 2;
        mapping = allocator->alloc(allocator->ctx, size);
        if (mapping == NULL) return 0;
    }
    uintptr_t base = ((uintptr_t)mapping + KR_ARENA_SIZE - 1) & ~(uintptr_t)(KR_ARENA_SIZE - 1);
    if (base >> KR_ADDRESS_BITS) {
        allocator->free(allocator->ctx, mapping, size);
        return 0;
    }
    if (size != KR_ARENA_SIZE && allocator->alloc == system_arena_alloc) {
        size_t before = base - (uintptr_t)mapping;
        if (before != 0) munmap(mapping, before);
        if (before != KR_ARENA_SIZE) munmap((void *)(base + KR_ARENA_SIZE), KR_ARENA_SIZE - before);
        mapping = (void *)base;
        size = KR_ARENA_SIZE;
    }
    arena->mapping = mapping;
    arena->mapping_size = size;
    arena->base = (uint8_t *)base;
    return 1;
}

static void kind_link(KrArena *arena) {
    arena->kind_previous = NULL;
    arena->kind_next = kr_heap.arenas[arena->collected];
    if (arena->kind_next != NULL) arena->kind_next->kind_previous = arena;
    kr_heap.arenas[arena->collected] = arena;
    map_set(arena, arena->collected ? KR_OWNER_COLLECTED : KR_OWNER_PLAIN);
}

static void kind_unlink(KrArena *arena) {
    if (arena->kind_previous != NULL)
        arena->kind_previous->kind_next = arena->kind_next;
    else
        kr_heap.arenas[arena->collected] = arena->kind_next;
    if (arena->kind_next != NULL) arena->kind_next->kind_previous = arena->kind_previous;
}

static void young_unlink(KrArena *arena) {
    if (arena->young_previous != NULL)
        arena->young_previous->young_next = arena->young_next;
    else
        kr_heap.young = arena->young_next;
    if (arena->young_next != NULL) arena->young_next->young_previous = arena->young_previous;
}

static void middle_unlink(KrArena *arena) {
    if (arena->middle_previous != NULL)
        arena->middle_previous->middle_next = arena->middle_next;
    else
        kr_heap.middle = arena->middle_next;
    if (arena->middle_next != NULL) arena->middle_next->middle_previous = arena->middle_previous;
}

void kr_pool_list_young(KrPool *pool) {
    KrArena *arena = pool->arena;
    if (arena->young_pools == 0) {
        arena->young_previous = NULL;
        arena->young_next = kr_heap.young;
        if (arena->young_next != NULL) arena->young_next->young_previous = arena;
        kr_heap.young = arena;
    }
    arena->young_pools |= (uint64_t)1 << pool_index(pool);
}

void kr_pool_list_middle(KrPool *pool) {
    KrArena *arena = pool->arena;
    if (arena->middle_pools == 0) {
        arena->middle_previous = NULL;
        arena->middle_next = kr_heap.middle;
        if (arena->middle_next != NULL) arena->middle_next->middle_previous = arena;
        kr_heap.middle = arena;
    }
    arena->middle_pools |= (uint64_t)1 << pool_index(pool);
}

void kr_pool_clear_young(KrArena *arena) {
    if (arena->young_pools == 0) return;
    arena->young_pools = 0;
    young_unlink(arena);
}

void kr_pool_clear_middle(KrArena *arena) {
    if (arena->middle_pools == 0) return;
    arena->middle_pools = 0;
    middle_unlink(arena);
}

/* Gives a wholly free arena back. */
static void arena_destroy(KrArena *arena) {
    bucket_unlink(arena);
    kr_pool_clear_young(arena);
    kr_pool_clear_middle(arena);
    kind_unlink(arena);
    map_set(arena, KR_OWNER_NONE);
    state.backed -= (size_t)arena->free_backed;
    state.free_backed[arena->collected] -= arena->free_backed;
    state.arena_count--;
    if (arena->free_count == KR_POOLS_PER_ARENA) state.spare_count--;
    state.arena_allocator.free(state.arena_allocator.ctx, arena->mapping, arena->mapping_size);
    free(arena);
}

/* Lets the system take the memory of an arena's free pools, but for their first pages, which hold their records. Returns how
 * many bytes that were. */
static size_t unback_free_pools(KrArena *arena) {
    int count = arena->free_backed;
    if (count == 0) return 0;
    for (KrPool *pool = arena->free_pools; pool != NULL; pool = pool->next) {
        if (pool->linked == POOL_UNBACKED) continue;
        madvise((char *)pool + PAGE_SIZE, KR_POOL_SIZE - PAGE_SIZE, MADV_DONTNEED);
        pool->linked = POOL_UNBACKED;
    }
    arena->free_backed = 0;
    state.free_backed[arena->collected] -= count;
    state.backed -= (size_t)count;
    return (size_t)count * (KR_POOL_SIZE - PAGE_SIZE);
}

static void trim_malloc(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    kr_heap_use.large_peak = kr_heap_use.large_bytes;
}

/* Gives up to `size` bytes or a little more back, from the emptiest arenas first. */
static void give_back(size_t size) {
    for (int count = KR_POOLS_PER_ARENA; count > 0; count--) {
        for (int kind = 0; kind < 2; kind++) {
            if (state.free_backed[kind] < FREE_POOLS_LEAST) continue;
            for (KrArena *arena = state.by_free_count[kind][count], *next; arena != NULL; arena = next) {
                next = arena->next;
                size_t gained;
                if (count == KR_POOLS_PER_ARENA && size >= KR_ARENA_SIZE) {
                    arena_destroy(arena);
                    if (state.given_back < SPARE_ARENAS_MOST) state.given_back++;
                    gained = KR_ARENA_SIZE;
                } else {
                    gained = unback_free_pools(arena);
                }
                if (gained >= size) return;
                size -= gained;
            }
        }
    }
}

/* Returns how many bytes there are, of pools and of malloc, when `size` more have been added. */
static size_t backed_with(size_t size) { return state.backed * KR_POOL_SIZE + kr_heap_use.large_peak + size; }

void kr_pool_make_room(size_t size) {
    if (backed_with(size) <= state.peak - state.peak / 16) return; /* a program that comes back to its peak wants it again */
    give_back(size);
    size_t total = backed_with(size);
    if (total <= state.peak) return;
    state.peak = total;
    if (kr_heap_use.large_peak >= kr_heap_use.large_bytes + KR_ARENA_SIZE) trim_malloc();
}

/* Maps an arena when there is no free pool of its kind, nor a wholly free arena. */
static KrArena *arena_create(int collected) {
    if (kr_heap_over_limit(KR_ARENA_SIZE)) return NULL;
    kr_pool_make_room(KR_ARENA_SIZE);
    if (state.given_back > 0) {
        state.given_back--;
        if (state.spare_limit < SPARE_ARENAS_MOST) state.spare_limit++;
    }
    KrArena *arena = calloc(1, sizeof(KrArena));
    if (arena == NULL) return NULL;
    if (!arena_map(arena)) {
        free(arena);
        return NULL;
    }
    arena->collected = collected;
    arena->fresh_pools = arena->free_count = KR_POOLS_PER_ARENA;
    kind_link(arena);
    state.arena_count++;
    state.arenas_mapped++;
    if (state.arena_count > state.arena_peak) state.arena_peak = state.arena_count;
    state.spare_count++;
    bucket_link(arena);
    if (state.verbose) _PyObject_DebugMallocStats(stderr);
    return arena;
}

/* Takes a wholly free arena of the other kind. Returns NULL if there is none. */
static KrArena *arena_convert(int collected) {
    KrArena *arena = state.by_free_count[!collected][KR_POOLS_PER_ARENA];
    if (arena == NULL) return NULL;
    bucket_unlink(arena);
    kr_pool_clear_young(arena);
    kr_pool_clear_middle(arena);
    kind_unlink(arena);
    arena->collected = collected;
    kind_link(arena);
    bucket_link(arena);
    state.free_backed[!collected] -= arena->free_backed;
    state.free_backed[collected] += arena->free_backed;
    for (KrPool *pool = collected ? arena->free_pools : NULL; pool != NULL; pool = pool->next) {
        pool->young = pool->middle = 0;
        memset((char *)pool + KR_POOL_RECORD_SIZE, 0, KR_POOL_FLAGS_SIZE);
    }
    return arena;
}

/* Takes a free pool from the fullest arena that has one, so that sparse arenas can drain. */
static KrPool *pool_create(int collected, unsigned size_class) {
    KrArena *arena = NULL;
    for (int count = 1; count <= KR_POOLS_PER_ARENA; count++) {
        arena = state.by_free_count[collected][count];
        if (arena != NULL) break;
    }
    if (arena == NULL) arena = arena_convert(collected);
    if (arena == NULL && (arena = arena_create(collected)) == NULL) return NULL;
    if (arena->free_count == KR_POOLS_PER_ARENA) state.spare_count--;
    bucket_unlink(arena);
    arena->free_count--;
    bucket_link(arena);
    KrPool *pool = arena->free_pools;
    if (pool != NULL) {
        arena->free_pools = pool->next;
        if (pool->linked == POOL_UNBACKED) {
            state.backed++;
        } else {
            arena->free_backed--;
            state.free_backed[collected]--;
        }
    } else {
        pool = (KrPool *)(arena->base + (size_t)(KR_POOLS_PER_ARENA - arena->fresh_pools) * KR_POOL_SIZE);
        arena->fresh_pools--;
        state.backed++;
        pool->young = pool->middle = 0;
        pool->arena = arena;
    }
    pool->free = NULL;
    pool->linked = 0;
    pool->used = 0;
    pool->fresh = (uint16_t)first_slot(collected);
    pool->size_class = (uint8_t)size_class;
    pool->reciprocal = (uint16_t)((65535 + size_class) / size_class);
    return pool;
}

/* Gives a pool without used slots back to its arena. The arena's bits for young and middle objects may stay: the collector
 * finds no objects then. */
static void pool_destroy(KrPool *pool) {
    KrArena *arena = pool->arena;
    pool->next = arena->free_pools;
    arena->free_pools = pool;
    arena->free_backed++;
    state.free_backed[arena->collected]++;
    bucket_unlink(arena);
    arena->free_count++;
    bucket_link(arena);
    if (arena->free_count < KR_POOLS_PER_ARENA) return;
    state.spare_count++;
    if (state.spare_count <= state.spare_limit) return;
    arena_destroy(arena);
    if (state.given_back < SPARE_ARENAS_MOST) state.given_back++;
}

static void pool_unlink(KrPool *pool) {
    int collected = pool->arena->collected;
    if (pool->previous != NULL)
        pool->previous->next = pool->next;
    else
        set_current(collected, pool->size_class, pool->next != NULL ? pool->next : &no_pool);
    if (pool->next != NULL) pool->next->previous = pool->previous;
    pool->linked = 0;
}

/* Links a pool right after the current one of its class, or as the current one if there is none. */
static void pool_link(KrPool *pool) {
    int collected = pool->arena->collected;
    KrPool *current = state.current[collected][pool->size_class];
    pool->linked = 1;
    if (current == &no_pool) {
        pool->next = pool->previous = NULL;
        set_current(collected, pool->size_class, pool);
        return;
    }
    pool->previous = current;
    pool->next = current->next;
    if (current->next != NULL) current->next->previous = pool;
    current->next = pool;
}

void kr_pool_give_slow(KrPool *pool) {
    if (!pool->linked) pool_link(pool);
    if (pool->used == 0 && (pool->next != NULL || pool->previous != NULL)) {
        pool_unlink(pool);
        pool_destroy(pool);
    }
}

void kr_pool_give_up_spare(void) {
    for (int kind = 0; kind < 2; kind++)
        while (state.by_free_count[kind][KR_POOLS_PER_ARENA] != NULL)
            arena_destroy(state.by_free_count[kind][KR_POOLS_PER_ARENA]);
}

void kr_heap_trim(void) {
    for (int kind = 0; kind < 2; kind++) {
        for (int i = 0; i < KR_CLASS_COUNT; i++) {
            KrPool *pool = state.current[kind][i];
            if (pool == &no_pool || pool->used != 0) continue;
            pool_unlink(pool);
            pool_destroy(pool);
        }
    }
    kr_pool_give_up_spare();
    for (int kind = 0; kind < 2; kind++)
        for (KrArena *arena = kr_heap.arenas[kind]; arena != NULL; arena = arena->kind_next) unback_free_pools(arena);
    trim_malloc();
    state.spare_limit = SPARE_ARENAS_LEAST;
    state.given_back = 0;
    state.peak = 0;
}

/* Cuts more of the pool into free slots. Returns 0 if all of it is in use. */
static int pool_carve(KrPool *pool) {
    size_t size = (size_t)pool->size_class * KR_GRANULE;
    size_t room = (KR_POOL_SIZE - (size_t)pool->fresh) / size;
    if (room == 0) return 0;
    size_t count = CARVE_BYTES / size;
    if (count > room) count = room;
    uint8_t *slot = (uint8_t *)pool + pool->fresh;
    pool->fresh = (uint16_t)(pool->fresh + count * size);
    pool->free = slot;
    while (--count > 0) {
        *(void **)slot = slot + size;
        slot += size;
    }
    *(void **)slot = NULL;
    return 1;
}

void *kr_pool_alloc(int collected, size_t size) {
    size_t least = collected ? KR_COLLECTED_LEAST : 1;
    unsigned size_class = kr_size_class(size < least ? least : size);
    for (;;) {
        KrPool *pool = state.current[collected][size_class];
        if (pool == &no_pool) {
            pool = pool_create(collected, size_class);
            if (pool == NULL) return NULL;
            pool_link(pool);
        }
        void *slot = kr_pool_take(pool);
        if (slot != NULL) return slot;
        if (!pool_carve(pool)) pool_unlink(pool);
    }
}

void kr_pool_set_interposed(int interposed) {
    if (interposed == kr_heap.interposed) return;
    kr_heap.interposed = interposed;
    for (int i = 0; i < KR_CLASS_COUNT; i++) {
        kr_heap.plain[i] = interposed ? &no_pool : state.current[0][i];
        kr_heap.collected[i] = interposed ? &no_pool : state.current[1][i];
    }
    for (int kind = 0; kind < 2; kind++)
        for (KrArena *arena = kr_heap.arenas[kind]; arena != NULL; arena = arena->kind_next)
            map_set(arena, kind ? KR_OWNER_COLLECTED : KR_OWNER_PLAIN);
}

size_t kr_pool_bytes_reserved(void) { return (size_t)state.arena_count * KR_ARENA_SIZE; }

void kr_pool_get_arena_allocator(PyObjectArenaAllocator *allocator) { *allocator = state.arena_allocator; }

void kr_pool_set_arena_allocator(const PyObjectArenaAllocator *allocator) { state.arena_allocator = *allocator; }

/* Calls `visit` for every pool that has slots in use. */
static void for_each_pool(int kind, void (*visit)(KrPool *pool, void *argument), void *argument) {
    for (KrArena *arena = kr_heap.arenas[kind]; arena != NULL; arena = arena->kind_next) {
        int touched = KR_POOLS_PER_ARENA - arena->fresh_pools;
        for (int i = 0; i < touched; i++) {
            KrPool *pool = (KrPool *)(arena->base + (size_t)i * KR_POOL_SIZE);
            if (pool->used != 0) visit(pool, argument);
        }
    }
}

static void count_used(KrPool *pool, void *argument) { *(size_t *)argument += pool->used; }

Py_ssize_t _Py_GetAllocatedBlocks(void) {
    size_t total = kr_heap_use.large_blocks;
    for (int kind = 0; kind < 2; kind++) for_each_pool(kind, count_used, &total);
    return (Py_ssize_t)total;
}

static void count_pool(KrPool *pool, void *argument) { *(size_t *)argument += KR_POOL_SIZE; }

size_t kr_heap_bytes_used(void) {
    size_t total = kr_heap_use.large_bytes;
    for (int kind = 0; kind < 2; kind++) for_each_pool(kind, count_pool, &total);
    return total;
}

typedef struct {
    size_t pools[KR_CLASS_COUNT];
    size_t used[KR_CLASS_COUNT];
} ClassUse;

/* Where the bytes of the arenas are; the members add up to them. */
typedef struct {
    size_t allocated, available; /* slots in use and not */
    size_t records;              /* before the first slots: records of pools, and flags */
    size_t remainders;           /* after the last slots */
    size_t free_pools;
} ArenaUse;

static void count_class(KrPool *pool, void *argument) {
    ClassUse *use = argument;
    use->pools[pool->size_class]++;
    use->used[pool->size_class] += pool->used;
}

static void report_kind(FILE *out, int kind, ArenaUse *total) {
    ClassUse use = {0};
    for_each_pool(kind, count_class, &use);
    fprintf(out, "%s pools\n", kind ? "Collected" : "Plain");
    fprintf(out, "class   size   num pools   blocks in use  avail blocks\n"
                 "-----   ----   ---------   -------------  ------------\n");
    size_t pools = 0;
    for (int i = 1; i < KR_CLASS_COUNT; i++) {
        if (use.pools[i] == 0) continue;
        size_t size = (size_t)i * KR_GRANULE, capacity = (KR_POOL_SIZE - first_slot(kind)) / size;
        size_t available = use.pools[i] * capacity - use.used[i];
        fprintf(out, "%5d %6zu %11zu %15zu %13zu\n", i - 1, size, use.pools[i], use.used[i], available);
        pools += use.pools[i];
        total->allocated += use.used[i] * size;
        total->available += available * size;
        total->remainders += use.pools[i] * (KR_POOL_SIZE - first_slot(kind) - capacity * size);
    }
    total->records += pools * first_slot(kind);
    fputc('\n', out);
    size_t all_pools = 0;
    for (const KrArena *arena = kr_heap.arenas[kind]; arena != NULL; arena = arena->kind_next)
        all_pools += KR_POOLS_PER_ARENA;
    total->free_pools += (all_pools - pools) * KR_POOL_SIZE;
}

void kr_heap_report_number(FILE *out, const char *title, size_t value) {
    char digits[32];
    int at = sizeof digits - 1, count = 0;
    digits[at] = '\0';
    do {
        if (count++ % 3 == 0 && count > 1) digits[--at] = ',';
        digits[--at] = (char)('0' + value % 10);
    } while ((value /= 10) != 0);
    fprintf(out, "%-35s= %20s\n", title, digits + at);
}

int _PyObject_DebugMallocStats(FILE *out) {
    const char *name = _PyMem_GetCurrentAllocatorName();
    if (name != NULL && strncmp(name, "malloc", strlen("malloc")) == 0) return 0;
    ArenaUse use = {0};
    fprintf(out, "Small block threshold = %d, in %d size classes.\n\n", KR_SMALL_LIMIT, KR_CLASS_COUNT - 1);
    report_kind(out, 0, &use);
    report_kind(out, 1, &use);
    kr_heap_report_number(out, "# arenas allocated total", state.arenas_mapped);
    kr_heap_report_number(out, "# arenas reclaimed", state.arenas_mapped - (size_t)state.arena_count);
    kr_heap_report_number(out, "# arenas highwater mark", (size_t)state.arena_peak);
    kr_heap_report_number(out, "# arenas allocated current", (size_t)state.arena_count);
    fputc('\n', out);
    kr_heap_report_number(out, "# bytes in allocated blocks", use.allocated);
    kr_heap_report_number(out, "# bytes in available blocks", use.available);
    kr_heap_report_number(out, "# bytes in unused pools", use.free_pools);
    kr_heap_report_number(out, "# bytes in pool headers and flags", use.records);
    kr_heap_report_number(out, "# bytes lost to quantization", use.remainders);
    kr_heap_report_number(out, "Total", use.allocated + use.available + use.free_pools + use.records + use.remainders);
    fputc('\n', out);
    kr_heap_report_number(out, "# large blocks", kr_heap_use.large_blocks);
    kr_heap_report_number(out, "# bytes in large blocks", kr_heap_use.large_bytes);
    return 1;
}

void kr_heap_set_verbose(int verbose) { state.verbose = verbose; }
