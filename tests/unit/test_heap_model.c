/* The allocator and its side tables against a model: long random traces in which every block's place, contents, alignment,
 * flags and share in the statistics are checked, under every allocator that PYTHONMALLOC can name. */
#include <Python.h>

#include "heap/heap.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BLOCKS = 40000, PHASES = 14, STEPS_PER_PHASE = 40000, STEPS_PER_AUDIT = 5000 };

typedef enum { RAW, MEM, OBJECT, COLLECTED, KINDS } Kind;

typedef struct {
    unsigned char *memory; /* NULL: the place is free */
    size_t size;
    Kind kind;
    uint8_t flags; /* of a collected block */
} Block;

static Block blocks[BLOCKS];

/* What must be true of all blocks together. */
static struct {
    size_t count, bytes; /* without the raw domain */
    int pools;           /* the domains mem and object have pools */
    int hooked;          /* with hooks in front */
} model;

static uint64_t seed;

static uint32_t random_below(uint32_t limit) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(((seed >> 33) * limit) >> 31);
}

static size_t random_size(void) {
    uint32_t dice = random_below(1000);
    if (dice < 1) return random_below(400000);
    if (dice < 30) return random_below(5000);
    if (dice < 60) return KR_SMALL_LIMIT - 16 + random_below(33);
    if (dice < 80) return random_below(2);
    return 1 + random_below(dice < 500 ? 64 : 300);
}

/* Which granules of memory belong to blocks: a bitmap for each mebibyte that was seen. */
enum { REGION_SHIFT = 20, REGIONS = 1 << 14, GRANULES = (1 << REGION_SHIFT) / KR_GRANULE };

static struct {
    uintptr_t number; /* address >> REGION_SHIFT; 0: unused */
    uint8_t *taken;
} regions[REGIONS];

static uint8_t *region_of(uintptr_t number) {
    size_t at = number * 0x9E3779B97F4A7C15u >> 50;
    while (regions[at].number != 0 && regions[at].number != number) at = (at + 1) % REGIONS;
    if (regions[at].number == 0) {
        regions[at].number = number;
        regions[at].taken = calloc(GRANULES, 1);
        assert_non_null(regions[at].taken);
    }
    return regions[at].taken;
}

/* Marks the memory of a block as taken or free, and checks that it was not so. */
static void mark(const void *memory, size_t size, uint8_t taken) {
    uintptr_t first = (uintptr_t)memory / KR_GRANULE, last = ((uintptr_t)memory + (size ? size - 1 : 0)) / KR_GRANULE;
    uint8_t *region = NULL;
    for (uintptr_t granule = first; granule <= last; granule++) {
        if (region == NULL || granule % GRANULES == 0) region = region_of(granule / GRANULES);
        if (region[granule % GRANULES] == taken) fail_msg("blocks overlap at %p", (void *)(granule * KR_GRANULE));
        region[granule % GRANULES] = taken;
    }
}

static unsigned char pattern(const Block *block, size_t at) { return (unsigned char)((block - blocks) * 31 + (ptrdiff_t)at * 7); }

static void fill(Block *block) {
    for (size_t i = 0; i < block->size; i++) block->memory[i] = pattern(block, i);
}

static void check_contents(const Block *block, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (block->memory[i] != pattern(block, i)) fail_msg("byte %zu of a block of %zu changed", i, block->size);
}

static uint8_t *flags_of(const Block *block) {
    return kr_heap_owner(block->memory) & KR_OWNER_COLLECTED ? kr_pool_flag(block->memory) : block->memory - 1;
}

/* Accounts for a block that the allocator has just handed out, fresh or resized. */
static void enter(const Block *block, int fresh) {
    assert_non_null(block->memory);
    assert_int_equal((uintptr_t)block->memory % KR_GRANULE, 0);
    mark(block->memory, block->size, 1);
    int pooled = (kr_heap_owner(block->memory) & (KR_OWNER_PLAIN | KR_OWNER_COLLECTED)) != 0;
    if (block->kind == RAW) {
        assert_false(pooled);
        return;
    }
    model.count++;
    model.bytes += block->size;
    if (!model.pools) assert_false(pooled);
    if (model.hooked) return;
    if (model.pools && fresh) assert_int_equal(pooled, block->size <= KR_SMALL_LIMIT);
    if (model.pools && !fresh && block->size > KR_SMALL_LIMIT) assert_false(pooled); /* a large one may stay where it is */
    if (model.pools && block->kind != COLLECTED) assert_true(kr_heap_block_size(block->memory) >= block->size);
    if (pooled && block->kind == COLLECTED) assert_true(kr_heap_owner(block->memory) & KR_OWNER_COLLECTED);
}

static void leave(const Block *block) {
    mark(block->memory, block->size, 0);
    if (block->kind == RAW) return;
    model.count--;
    model.bytes -= block->size;
}

static void allocate(Block *block, Kind kind) {
    int clear = kind != COLLECTED && random_below(8) == 0;
    block->kind = kind;
    block->size = random_size();
    switch (kind) {
        case RAW: block->memory = clear ? PyMem_RawCalloc(1, block->size) : PyMem_RawMalloc(block->size); break;
        case MEM: block->memory = clear ? PyMem_Calloc(block->size, 1) : PyMem_Malloc(block->size); break;
        case OBJECT:
            block->memory = clear              ? PyObject_Calloc(1, block->size)
                            : block->size % 2  ? PyObject_Malloc(block->size)
                                               : kr_heap_alloc(block->size);
            break;
        default:
            if (block->size == 0) block->size = 1;
            block->memory = kr_heap_alloc_collected_slow(block->size);
    }
    enter(block, 1);
    for (size_t i = 0; clear && i < block->size; i++) assert_int_equal(block->memory[i], 0);
    fill(block);
    if (kind == COLLECTED) {
        assert_int_equal(*flags_of(block), 0);
        block->flags = *flags_of(block) = (uint8_t)(1 + random_below(255));
    }
}

static void resize(Block *block) {
    size_t old = block->size, size = random_below(3) ? random_size() : old + random_below(40);
    check_contents(block, old);
    leave(block);
    switch (block->kind) {
        case RAW: block->memory = PyMem_RawRealloc(block->memory, size); break;
        case MEM: block->memory = PyMem_Realloc(block->memory, size); break;
        default: block->memory = PyObject_Realloc(block->memory, size);
    }
    block->size = size;
    enter(block, 0);
    check_contents(block, size < old ? size : old);
    fill(block);
}

static void release(Block *block) {
    check_contents(block, block->size);
    leave(block);
    uint8_t *flags = block->kind == COLLECTED ? flags_of(block) : NULL;
    if (flags != NULL) assert_int_equal(*flags, block->flags);
    int in_table = flags != NULL && flags != block->memory - 1;
    switch (block->kind) {
        case RAW: PyMem_RawFree(block->memory); break;
        case MEM: PyMem_Free(block->memory); break;
        case OBJECT: block->size % 2 ? PyObject_Free(block->memory) : kr_heap_free(block->memory); break;
        default: kr_heap_free_collected_slow(block->memory);
    }
    if (in_table && kr_heap_owner(block->memory) & KR_OWNER_COLLECTED) assert_int_equal(*flags, 0);
    block->memory = NULL;
}

/* Compares the heap's statistics with the model. */
static void audit(void) {
    assert_int_equal(_Py_GetAllocatedBlocks(), model.pools ? model.count : 0);
    if (!model.pools) return;
    assert_true(kr_heap_bytes_used() >= model.bytes);
    assert_true(kr_heap_bytes_reserved() >= kr_heap_bytes_used());
    size_t slots = 0, arenas = 0;
    for (int kind = 0; kind < 2; kind++) {
        for (KrArena *arena = kr_heap.arenas[kind]; arena != NULL; arena = arena->kind_next) {
            arenas++;
            assert_int_equal(arena->collected, kind);
            assert_int_equal(kr_heap_owner(arena->base) & KR_OWNER_COLLECTED, kind ? KR_OWNER_COLLECTED : 0);
            int used = 0, backed = 0;
            for (const KrPool *pool = arena->free_pools; pool != NULL; pool = pool->next) backed += pool->linked == 0;
            assert_int_equal(arena->free_backed, backed);
            for (int i = 0; i < KR_POOLS_PER_ARENA - arena->fresh_pools; i++) {
                const KrPool *pool = (KrPool *)(arena->base + (size_t)i * KR_POOL_SIZE);
                assert_ptr_equal(pool->arena, arena);
                used += pool->linked == 1 || pool->used != 0;
                slots += pool->used;
            }
            assert_int_equal(arena->free_count, KR_POOLS_PER_ARENA - used);
        }
    }
    assert_int_equal(arenas * KR_ARENA_SIZE, kr_pool_bytes_reserved());
    assert_int_equal(slots + kr_heap_use.large_blocks, model.count);
}

static int mapped_arenas;
static PyObjectArenaAllocator system_arenas;

static void *count_alloc(void *context, size_t size) {
    void *arena = system_arenas.alloc(system_arenas.ctx, size);
    mapped_arenas += arena != NULL;
    return arena;
}

static void count_free(void *context, void *arena, size_t size) {
    mapped_arenas--;
    system_arenas.free(system_arenas.ctx, arena, size);
}

/* In each phase one kind of blocks is frequent, and there are mostly allocations or mostly frees, so that arenas come and go
 * and change their kind. */
static void random_trace(const char *allocator, uint64_t first_seed) {
    PyMemAllocatorName name;
    assert_int_equal(_PyMem_GetAllocatorName(allocator, &name), 0);
    assert_int_equal(_PyMem_SetupAllocators(name), 0);
    assert_string_equal(_PyMem_GetCurrentAllocatorName(), allocator);
    model.pools = strstr(allocator, "pymalloc") != NULL;
    model.hooked = strstr(allocator, "debug") != NULL;
    PyObjectArenaAllocator counting = {NULL, count_alloc, count_free};
    PyObject_GetArenaAllocator(&system_arenas);
    PyObject_SetArenaAllocator(&counting);
    seed = first_seed;
    for (int phase = 0; phase < PHASES; phase++) {
        Kind frequent = (Kind)random_below(KINDS);
        uint32_t grow = phase % 2 ? 1 : 9;
        for (int step = 0; step < STEPS_PER_PHASE; step++) {
            Block *block = &blocks[random_below(BLOCKS)];
            if (block->memory == NULL) {
                if (random_below(10) < grow) allocate(block, random_below(3) ? frequent : (Kind)random_below(KINDS));
            } else if (random_below(10) >= grow) {
                release(block);
            } else if (block->kind != COLLECTED) {
                resize(block);
            }
            if (step % STEPS_PER_AUDIT == 0) audit();
        }
        if (phase % 5 == 4) {
            kr_heap_trim();
            audit();
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].memory != NULL) release(&blocks[i]);
    assert_int_equal(model.count, 0);
    assert_int_equal(model.bytes, 0);
    audit();
    kr_heap_trim();
    assert_int_equal(mapped_arenas, 0);
    assert_int_equal(kr_heap_bytes_reserved(), 0);
    PyObject_SetArenaAllocator(&system_arenas);
}

static void pools_keep_to_the_model(void **unused) {
    for (uint64_t number = 1; number <= 3; number++) random_trace("pymalloc", number);
}

static void malloc_keeps_to_the_model(void **unused) { random_trace("malloc", 4); }

static void debug_hooks_keep_to_the_model(void **unused) {
    random_trace("pymalloc_debug", 5);
    random_trace("malloc_debug", 6);
    random_trace("pymalloc", 7);
}

/* Allocates `count` blocks of 96 bytes of one kind, all bits of which it sets, flags included, and frees them. */
static void come_and_go(Kind kind, int count) {
    static unsigned char *all[BLOCKS];
    for (int i = 0; i < count; i++) {
        all[i] = kind == COLLECTED ? kr_heap_alloc_collected_slow(96) : PyObject_Malloc(96);
        assert_non_null(all[i]);
        memset(all[i], 0xFF, 96);
        if (kind != COLLECTED) continue;
        if (*kr_pool_flag(all[i]) != 0) fail_msg("block %d begins with flags", i);
        *kr_pool_flag(all[i]) = 0xFF;
    }
    for (int i = 0; i < count; i++) kind == COLLECTED ? kr_heap_free_collected_slow(all[i]) : PyObject_Free(all[i]);
}

static void spare_arenas_change_their_kind(void **unused) {
    enum { KEPT = 8 * KR_ARENA_SIZE };
    kr_heap_trim();
    assert_int_equal(kr_heap_bytes_reserved(), 0);
    come_and_go(OBJECT, 40000); /* nearly 4 MB */
    size_t reserved = kr_heap_bytes_reserved();
    assert_true(reserved > 3 * KR_ARENA_SIZE && reserved <= KEPT);
    for (int i = 0; i < 3; i++) {
        come_and_go(COLLECTED, 30000);
        come_and_go(OBJECT, 30000);
        come_and_go(COLLECTED, 20000);
    }
    assert_true(kr_heap_bytes_reserved() <= reserved + KR_ARENA_SIZE);
    kr_heap_trim();
    assert_int_equal(kr_heap_bytes_reserved(), 0);
}

static void few_arenas_stay_after_a_burst(void **unused) {
    enum { COUNT = 200000, KEPT = 8 * KR_ARENA_SIZE };
    void **all = malloc(COUNT * sizeof *all);
    assert_non_null(all);
    for (int i = 0; i < COUNT; i++) all[i] = PyMem_Malloc(200);
    assert_true(kr_heap_bytes_reserved() > 4 * KEPT);
    for (int i = 0; i < COUNT; i++) PyMem_Free(all[i]);
    free(all);
    assert_true(kr_heap_bytes_reserved() <= KEPT + KR_ARENA_SIZE); /* one holds the last, empty pool of the class */
    kr_heap_trim();
    assert_int_equal(kr_heap_bytes_reserved(), 0);
}

static void *no_alloc(void *context, size_t size) { return NULL; }
static void no_free(void *context, void *arena, size_t size) {}

static void missing_arenas_are_reported(void **unused) {
    PyObjectArenaAllocator none = {NULL, no_alloc, no_free};
    PyObject_GetArenaAllocator(&system_arenas);
    PyObject_SetArenaAllocator(&none);
    assert_null(PyObject_Malloc(32));
    assert_null(PyMem_Calloc(4, 8));
    assert_null(kr_heap_alloc_collected_slow(48));
    PyObject_SetArenaAllocator(&system_arenas);
    void *block = PyObject_Malloc(32), *collected = kr_heap_alloc_collected_slow(48);
    assert_non_null(block);
    assert_non_null(collected);
    kr_heap_free_collected_slow(collected);
    PyObject_Free(block);
}

/* Returns the number after a title of the printed statistics. */
static size_t printed(const char *text, const char *title) {
    const char *at = strstr(text, title);
    assert_non_null(at);
    size_t value = 0;
    for (at = strchr(at, '=') + 1; *at != '\n'; at++)
        if (*at >= '0' && *at <= '9') value = value * 10 + (size_t)(*at - '0');
    return value;
}

static void printed_statistics_add_up(void **unused) {
    enum { COUNT = 3000 };
    static void *plain[COUNT], *collected[COUNT];
    for (int i = 0; i < COUNT; i++) {
        plain[i] = PyMem_Malloc(16 + (size_t)i % 400);
        collected[i] = kr_heap_alloc_collected_slow(16 + (size_t)i % 300);
    }
    size_t bytes = 0;
    for (int i = 0; i < COUNT; i += 3) PyMem_Free(plain[i]);
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 != 0) bytes += (16 + (size_t)i % 400 + 15) / 16 * 16;
        bytes += i % 300 == 0 ? KR_COLLECTED_LEAST : (16 + (size_t)i % 300 + 15) / 16 * 16;
    }
    void *large = PyMem_Malloc(100000);
    static char text[1 << 15];
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    assert_int_equal(_PyObject_DebugMallocStats(out), 1);
    fclose(out);
    size_t arenas = printed(text, "# arenas allocated current");
    assert_int_equal(printed(text, "Total"), arenas * KR_ARENA_SIZE);
    assert_int_equal(arenas * KR_ARENA_SIZE + kr_heap_use.large_bytes, kr_heap_bytes_reserved());
    assert_int_equal(printed(text, "# arenas allocated total") - printed(text, "# arenas reclaimed"), arenas);
    assert_int_equal(printed(text, "# bytes in allocated blocks"), bytes);
    assert_int_equal(printed(text, "# bytes in large blocks"), kr_heap_use.large_bytes);
    for (int i = 0; i < COUNT; i++) {
        if (i % 3 != 0) PyMem_Free(plain[i]);
        kr_heap_free_collected_slow(collected[i]);
    }
    PyMem_Free(large);
}

/* Runs `misuse` in a process of its own, under the debug hooks, and returns what it wrote to stderr before it died. */
static const char *last_words(void (*misuse)(unsigned char *block)) {
    static char text[4096];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL); /* not cmocka's */
        signal(SIGSEGV, SIG_DFL);
        _PyMem_SetupAllocators(PYMEM_ALLOCATOR_PYMALLOC_DEBUG);
        misuse(PyObject_Malloc(40));
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t count; (count = read(ends[0], text + length, sizeof text - 1 - length)) > 0;) length += (size_t)count;
    text[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return text;
}

static void write_beyond(unsigned char *block) {
    block[40] = 1;
    PyObject_Free(block);
}

static void write_before(unsigned char *block) {
    block[-1] = 1;
    PyObject_Free(block);
}

static void free_in_another_domain(unsigned char *block) { PyMem_Free(block); }

static void free_twice(unsigned char *block) {
    PyObject_Free(block);
    PyObject_Free(block);
}

static void resize_in_another_domain(unsigned char *block) { PyMem_Realloc(block, 10); }

static void debug_hooks_end_misuse(void **unused) {
    assert_non_null(strstr(last_words(write_beyond), "bad trailing pad byte"));
    assert_non_null(strstr(last_words(write_before), "bad leading pad byte"));
    assert_non_null(strstr(last_words(free_in_another_domain), "bad ID: Allocated using API 'o', verified using API 'm'"));
    assert_non_null(strstr(last_words(resize_in_another_domain), "bad ID: Allocated using API 'o', verified using API 'm'"));
    assert_non_null(strstr(last_words(free_twice), "bad ID"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools_keep_to_the_model),
        cmocka_unit_test(malloc_keeps_to_the_model),
        cmocka_unit_test(debug_hooks_keep_to_the_model),
        cmocka_unit_test(spare_arenas_change_their_kind),
        cmocka_unit_test(few_arenas_stay_after_a_burst),
        cmocka_unit_test(missing_arenas_are_reported),
        cmocka_unit_test(printed_statistics_add_up),
        cmocka_unit_test(debug_hooks_end_misuse),
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    for (int i = 0; i < REGIONS; i++) free(regions[i].taken);
    return result;
}
