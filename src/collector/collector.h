/* The cycle collector's side of an object's life: allocation, tracking, release.
 *
 * A *collected* object is one whose type has Py_TPFLAGS_HAVE_GC and that came from kr_gc_alloc. It has one flag byte: in
 * the table of its pool, or, if it is too large for a pool, right before the object. The byte of a new object is 0.
 *
 * Invariants:
 * - The collector looks at tracked objects only. An object is tracked once its fields are valid for tp_traverse, and
 *   untracked before they stop being so; every reference between tracked objects is reported by tp_traverse.
 * - A tracked object of the youngest or middle generation has its bit set in the `young` or `middle` mask of its pool, so
 *   a young collection looks at those pools, and the marked parts of their flags, only. Objects outside pools are in a
 *   list for each generation.
 * - GC_CANDIDATE and GC_REACHED are set during a collection only. While reference counts are taken apart (which runs no
 *   code but tp_traverse), the counts of candidates are lowered by the references among them; they are exact again before
 *   anything else runs.
 * - Untracking or freeing an object clears GC_CANDIDATE, which takes it out of the collection under way.
 * - Static objects of collected types do not exist, except types.
 */
#ifndef KR_COLLECTOR_COLLECTOR_H
#define KR_COLLECTOR_COLLECTOR_H

#include <Python.h>

#include "heap/heap.h"
#include "object/object.h"

enum {
    KR_GC_TRACKED = 0x01,
    KR_GC_FINALIZED = 0x02, /* tp_finalize was called */
    KR_GC_CANDIDATE = 0x04,
    KR_GC_REACHED = 0x08,
    KR_GC_GENERATION_SHIFT = 4, /* two bits; generation 3 is what gc.freeze made permanent */
    KR_GC_GENERATION = 0x30,
};

enum { KR_GENERATIONS = 3, KR_GC_PERMANENT = 3 };

/* Flags of gc.set_debug. */
enum {
    KR_GC_DEBUG_STATS = 1,
    KR_GC_DEBUG_COLLECTABLE = 2,
    KR_GC_DEBUG_UNCOLLECTABLE = 4,
    KR_GC_DEBUG_SAVEALL = 32,
    KR_GC_DEBUG_LEAK = KR_GC_DEBUG_COLLECTABLE | KR_GC_DEBUG_UNCOLLECTABLE | KR_GC_DEBUG_SAVEALL,
};

typedef struct {
    Py_ssize_t collections;
    Py_ssize_t collected;
    Py_ssize_t uncollectable;
} KrGenerationStats;

typedef struct {
    uint32_t count; /* youngest generation: collected objects allocated less those freed since the last collection */
    uint32_t limit; /* a count beyond it calls kr_gc_due; UINT32_MAX while collections must not start by themselves */
    int older_count[KR_GENERATIONS]; /* collections of the next younger generation since this one's (index 0 unused) */
    int threshold[KR_GENERATIONS];
    int enabled;
    int collecting;
    int building; /* calls of kr_gc_begin_building that have not ended */
    int debug;
    PyObject *garbage;   /* gc.garbage; NULL until something needs it */
    PyObject *callbacks; /* gc.callbacks, likewise */
    Py_ssize_t long_lived_total;   /* objects that survived the last full collection */
    Py_ssize_t long_lived_pending; /* objects that joined the oldest generation since */
    KrGenerationStats stats[KR_GENERATIONS];
    KrLargeObject large[KR_GENERATIONS + 1]; /* heads of the lists of tracked objects outside pools, by generation */
} KrCollector;

extern KrCollector kr_gc;

/* Returns the flag byte of a collected object. */
static inline uint8_t *kr_gc_flags(const void *object) {
    if (__builtin_expect(kr_heap_owner(object) & KR_OWNER_COLLECTED, 1)) return kr_pool_flag(object);
    return (uint8_t *)object - 1;
}

static inline int kr_gc_is_tracked(PyObject *object) { return *kr_gc_flags(object) & KR_GC_TRACKED; }

void kr_gc_track_large(PyObject *object);
void kr_gc_untrack_large(PyObject *object);

/* PyObject_GC_Track: the object must be collected; a tracked one stays as it is. */
static inline void kr_gc_track(void *object) {
    if (__builtin_expect(kr_heap_owner(object) & KR_OWNER_COLLECTED, 1)) {
        *kr_pool_flag(object) |= KR_GC_TRACKED;
        kr_pool_set_young(object);
    } else {
        kr_gc_track_large((PyObject *)object);
    }
}

/* PyObject_GC_UnTrack: an untracked object stays as it is. */
static inline void kr_gc_untrack(void *object) {
    if (__builtin_expect(kr_heap_owner(object) & KR_OWNER_COLLECTED, 1))
        *kr_pool_flag(object) &= KR_GC_FINALIZED;
    else
        kr_gc_untrack_large((PyObject *)object);
}

/* True if the object may take part in cycles that the collector sees (any object; used to decide about untracking). */
static inline int kr_gc_may_be_tracked(PyObject *object) {
    if (!PyObject_IS_GC(object)) return 0;
    return !PyTuple_CheckExact(object) || kr_gc_is_tracked(object);
}

/* Around code that makes many objects which are alive, all at once: young collections happen less often meanwhile. */
void kr_gc_begin_building(void);
void kr_gc_end_building(void);

/* Starts a collection if the conditions hold. */
void kr_gc_due(void);

void *kr_gc_alloc_slow(size_t size);

/* Allocates a block for a collected object of `size` bytes: uninitialised, untracked. May run a collection, so arbitrary
 * code. Returns NULL, without an exception, when memory is out. */
static inline void *kr_gc_alloc(size_t size) {
    if (__builtin_expect(size <= KR_SMALL_LIMIT, 1) && KR_HEAP_INLINE) {
        void *slot = kr_pool_take(kr_heap.collected[kr_size_class(size)]);
        if (__builtin_expect(slot != NULL, 1)) {
            if (__builtin_expect(++kr_gc.count > kr_gc.limit, 0)) kr_gc_due();
            return slot;
        }
    }
    return kr_gc_alloc_slow(size);
}

void kr_gc_free_slow(void *object);

/* PyObject_GC_Del: frees the block of a collected object, tracked or not. */
static inline void kr_gc_free(void *object) {
    if (__builtin_expect(kr_heap_owner(object) & KR_OWNER_COLLECTED, 1) && KR_HEAP_INLINE) {
        *kr_pool_flag(object) = 0;
        if (kr_gc.count > 0) kr_gc.count--;
        kr_pool_give(kr_pool_of(object), object);
    } else {
        kr_gc_free_slow(object);
    }
}

/* Gives a fresh block its header: reference count 1, type (a new reference if it is a heap type). */
static inline void kr_header_init(PyObject *object, PyTypeObject *type) {
    object->ob_refcnt = 1;
    object->ob_type = type;
    if (__builtin_expect((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0, 0)) ((PyObject *)type)->ob_refcnt++;
}

/* Collects a generation and those younger (0 to 2). Returns the number of unreachable objects found, or -1, without
 * an exception, if there was no memory for the work. */
Py_ssize_t kr_gc_collect(int generation);
/* A full collection at shutdown: no callbacks, errors are dropped. */
Py_ssize_t kr_gc_collect_silently(void);

/* Sets `limit` from `enabled`, `collecting` and the first threshold; call after changing one of them. */
void kr_gc_update_limit(void);

/* Appends the tracked objects of a generation, or of all but the permanent one if it is -1, to a list. Returns 0 or -1. */
int kr_gc_append_objects(PyObject *list, int generation);
Py_ssize_t kr_gc_generation_size(int generation);
void kr_gc_freeze(void);
void kr_gc_unfreeze(void);

/* Names the function that visits what is known to be alive: objects which something outside the heap owns references to.
 * It may leave some out; full collections are the faster the more it visits. */
void kr_gc_set_roots(void (*visit_roots)(visitproc visit, void *argument));

/* Has `clear` called after every full collection, to empty a free list or cache. */
void kr_gc_register_cache(void (*clear)(void));

/* Warns about uncollectable objects that are left at shutdown. */
void kr_gc_report_at_shutdown(void);
/* Drops the collector's own objects and returns to the state of the start. */
void kr_gc_finalize(void);

#endif
