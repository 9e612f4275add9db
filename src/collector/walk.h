/* Walking the tracked objects of some generations.
 *
 * `generations` is a bit mask. Of objects in pools one sees their flags first, a *line* at a time: the 64 neighbouring flag
 * bytes that share a bit in the masks of their pool. Objects outside pools are in a list for each generation.
 *
 * Nothing may be allocated or freed during a walk, but a visitor may move the visited object between generations.
 */
#ifndef KR_COLLECTOR_WALK_H
#define KR_COLLECTOR_WALK_H

#include <Python.h>

#include "collector/collector.h"

enum {
    KR_FLAGS_LINE = 64,
    KR_FLAGS_LINES = (1 << KR_COLLECTED_START / KR_FLAGS_LINE) - 2, /* all but the first, which is the pool's record */
    KR_GC_ALL = (1 << KR_GENERATIONS) - 1, /* all generations but the permanent one */
};

/* Visitors stop the walk by returning something other than 0, which the walk returns. */
typedef int (*KrLineVisitor)(uint8_t *flags, void *argument);
typedef int (*KrObjectVisitor)(PyObject *object, uint8_t *flags, void *argument);

/* Functions with a visitor as argument are in line, and so are the visitors. */
#define KR_WALK static inline __attribute__((always_inline)) int

static inline int kr_generation_of(uint8_t flags) { return (flags & KR_GC_GENERATION) >> KR_GC_GENERATION_SHIFT; }

static inline void kr_set_generation(uint8_t *flags, int generation) {
    *flags = (uint8_t)((*flags & (KR_GC_TRACKED | KR_GC_FINALIZED)) | generation << KR_GC_GENERATION_SHIFT);
}

static inline KrPool *kr_arena_pool(const KrArena *arena, int index) {
    return (KrPool *)(arena->base + (size_t)index * KR_POOL_SIZE);
}

KR_WALK kr_walk_pool(KrPool *pool, unsigned lines, KrLineVisitor visit, void *argument) {
    for (; lines != 0; lines &= lines - 1) {
        int result = visit((uint8_t *)pool + __builtin_ctz(lines) * KR_FLAGS_LINE, argument);
        if (result != 0) return result;
    }
    return 0;
}

/* Visits the lines that may have flags of tracked objects of the generations. */
KR_WALK kr_walk_lines(unsigned generations, KrLineVisitor visit, void *argument) {
    const unsigned young = 1, middle = 2;
    int result = 0;
    if (generations & ~(young | middle)) {
        for (KrArena *arena = kr_heap.arenas[1]; arena != NULL && result == 0; arena = arena->kind_next) {
            int touched = KR_POOLS_PER_ARENA - arena->fresh_pools;
            for (int i = 0; i < touched && result == 0; i++) {
                KrPool *pool = kr_arena_pool(arena, i);
                if (pool->used != 0) result = kr_walk_pool(pool, KR_FLAGS_LINES, visit, argument);
            }
        }
        return result;
    }
    for (KrArena *arena = generations & young ? kr_heap.young : NULL; arena != NULL && result == 0;
         arena = arena->young_next) {
        for (uint64_t pools = arena->young_pools; pools != 0 && result == 0; pools &= pools - 1) {
            KrPool *pool = kr_arena_pool(arena, __builtin_ctzll(pools));
            result = kr_walk_pool(pool, pool->young | (generations & middle ? pool->middle : 0), visit, argument);
        }
    }
    for (KrArena *arena = generations & middle ? kr_heap.middle : NULL; arena != NULL && result == 0;
         arena = arena->middle_next) {
        uint64_t pools = arena->middle_pools & ~(generations & young ? arena->young_pools : 0);
        for (; pools != 0 && result == 0; pools &= pools - 1) {
            KrPool *pool = kr_arena_pool(arena, __builtin_ctzll(pools));
            result = kr_walk_pool(pool, pool->middle, visit, argument);
        }
    }
    return result;
}

/* Visits the tracked objects of the generations whose flags are in a line. */
KR_WALK kr_walk_line(uint8_t *line, unsigned generations, KrObjectVisitor visit, void *argument) {
    const uint64_t tracked = 0x0101010101010101u * KR_GC_TRACKED;
    for (uint8_t *word = line; word < line + KR_FLAGS_LINE; word += sizeof(uint64_t)) {
        uint64_t bits;
        memcpy(&bits, word, sizeof bits);
        for (bits &= tracked; bits != 0; bits &= bits - 1) {
            uint8_t *flags = word + __builtin_ctzll(bits) / 8;
            if (!(generations >> kr_generation_of(*flags) & 1)) continue;
            int result = visit(kr_pool_flagged(flags), flags, argument);
            if (result != 0) return result;
        }
    }
    return 0;
}

/* Visits the tracked objects outside pools. */
KR_WALK kr_walk_large(unsigned generations, KrObjectVisitor visit, void *argument) {
    for (int generation = 0; generation <= KR_GC_PERMANENT; generation++) {
        KrLargeObject *head = &kr_gc.large[generation], *next;
        if (!(generations >> generation & 1) || head->next == NULL) continue;
        for (KrLargeObject *record = head->next; record != head; record = next) {
            next = record->next;
            int result = visit((PyObject *)(record + 1), &record->flags, argument);
            if (result != 0) return result;
        }
    }
    return 0;
}

typedef struct {
    unsigned generations;
    KrObjectVisitor visit;
    void *argument;
} KrWalk;

KR_WALK kr_visit_line_objects(uint8_t *line, void *argument) {
    KrWalk *walk = argument;
    return kr_walk_line(line, walk->generations, walk->visit, walk->argument);
}

/* Visits all tracked objects of the generations. */
KR_WALK kr_walk_objects(unsigned generations, KrObjectVisitor visit, void *argument) {
    KrWalk walk = {generations, visit, argument};
    int result = kr_walk_large(generations, visit, argument);
    return result != 0 ? result : kr_walk_lines(generations, kr_visit_line_objects, &walk);
}

#endif
