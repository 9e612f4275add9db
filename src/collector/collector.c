/* Finding and clearing cycles that nothing refers to any more.
 *
 * A collection takes the tracked objects of some generations as candidates and works in these steps:
 *
 *   1. From the count of each candidate, the references that candidates hold to it are taken away. What keeps a positive
 *      count is referred to from outside.
 *   2. Everything reachable from those is alive. Walking it gives the taken references back, and the walk over the rest
 *      gives back the others: all counts are exact again, and no memory for copies of counts was needed.
 *   3. Live candidates move to the next generation.
 *   4. Of the unreachable, those with a legacy finalizer (tp_del), and what they reach, go to gc.garbage.
 *   5. Weak references to the others are cleared and their callbacks called, then the finalizers (tp_finalize).
 *   6. Steps 1 and 2 are repeated for the unreachable, since a finalizer may have brought some of them back.
 *   7. What is still unreachable is torn apart by tp_clear.
 *
 * A full collection begins with what is known to be alive: it marks all that the roots reach, which is nearly everything
 * and changes no counts, and takes as candidates only the rest.
 *
 * From step 5 on the collector owns a reference to each unreachable object, so that its list stays valid.
 */
#include <Python.h>

#include "collector/collector.h"
#include "collector/weakref.h"
#include "object/names.h"
#include "object/runtime.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

KrCollector kr_gc = {.limit = 700, .threshold = {700, 10, 10}, .enabled = 1};

enum {
    CACHES_MAX = 32,
    BUILDING_THRESHOLD = 50000, /* of the youngest generation while something is built: a few megabytes of garbage */
};

static struct {
    void (*caches[CACHES_MAX])(void);
    int cache_count;
    void (*visit_roots)(visitproc visit, void *argument);
} state;

/* A growable array of borrowed references, independent of the heap that is being examined. */
typedef struct {
    PyObject **items;
    size_t count;
    size_t room;
} Objects;

static int objects_append(Objects *objects, PyObject *object) {
    if (objects->count == objects->room) {
        size_t room = objects->room ? objects->room * 2 : 1024;
        PyObject **items = kr_heap_fails() ? NULL : realloc(objects->items, room * sizeof(PyObject *));
        if (items == NULL) return -1;
        objects->items = items;
        objects->room = room;
    }
    objects->items[objects->count++] = object;
    return 0;
}

static inline int generation_of(uint8_t flags) { return (flags & KR_GC_GENERATION) >> KR_GC_GENERATION_SHIFT; }

static inline void set_generation(uint8_t *flags, int generation) {
    *flags = (uint8_t)((*flags & (KR_GC_TRACKED | KR_GC_FINALIZED)) | generation << KR_GC_GENERATION_SHIFT);
}

/* Walking the heap. */

enum {
    FLAGS_LINE = 64, /* flag bytes that share a bit in a pool's masks */
    ALL_LINES = (1 << KR_POOL_FLAGS_SIZE / FLAGS_LINE) - 2, /* the first line is the pool's record */
};

typedef int (*ObjectVisitor)(PyObject *object, uint8_t *flags, void *argument);

/* Visits the tracked objects of a pool whose generations are set in the bit mask `generations`, looking at the cache lines
 * of flags that are set in the bit mask `lines`. Stops with the visitor's result when that is not 0. */
static int pool_visit(KrPool *pool, unsigned lines, unsigned generations, ObjectVisitor visit, void *argument) {
    uint8_t *table = (uint8_t *)pool;
    const uint64_t tracked = 0x0101010101010101u * KR_GC_TRACKED;
    for (; lines != 0; lines &= lines - 1) {
        int line = __builtin_ctz(lines) * FLAGS_LINE;
        for (int word = line; word < line + FLAGS_LINE; word += 8) {
            uint64_t bits;
            memcpy(&bits, table + word, sizeof(bits));
            bits &= tracked;
            while (bits != 0) {
                int index = word + __builtin_ctzll(bits) / 8;
                bits &= bits - 1;
                if (!(generations >> generation_of(table[index]) & 1)) continue;
                int result = visit((PyObject *)(table + (size_t)index * KR_GRANULE), table + index, argument);
                if (result != 0) return result;
            }
        }
    }
    return 0;
}

static KrPool *arena_pool(const KrArena *arena, int index) {
    return (KrPool *)(arena->base + (size_t)index * KR_POOL_SIZE);
}

static int large_visit(int generation, ObjectVisitor visit, void *argument) {
    KrLargeObject *head = &kr_gc.large[generation];
    if (head->next == NULL) return 0;
    for (KrLargeObject *record = head->next; record != head; record = record->next) {
        int result = visit((PyObject *)(record + 1), &record->flags, argument);
        if (result != 0) return result;
    }
    return 0;
}

/* Visits all tracked objects of the generations in the bit mask. The visitor must not allocate collected objects. */
static int heap_visit(unsigned generations, ObjectVisitor visit, void *argument) {
    int result = 0;
    for (int generation = 0; generation <= KR_GC_PERMANENT && result == 0; generation++)
        if (generations >> generation & 1) result = large_visit(generation, visit, argument);
    for (KrArena *arena = kr_heap.arenas[1]; arena != NULL && result == 0; arena = arena->kind_next) {
        int touched = KR_POOLS_PER_ARENA - arena->fresh_pools;
        for (int i = 0; i < touched && result == 0; i++) {
            KrPool *pool = arena_pool(arena, i);
            if (pool->used != 0) result = pool_visit(pool, ALL_LINES, generations, visit, argument);
        }
    }
    return result;
}

static int visit_candidate(PyObject *object, uint8_t *flags, void *argument) {
    if (objects_append(argument, object) < 0) return -1;
    *flags |= KR_GC_CANDIDATE;
    return 0;
}

/* Makes all tracked objects of the youngest generation, or of both younger ones, candidates. Returns -1 if memory is out;
 * then there are no candidates. */
static int gather(int generation, Objects *candidates) {
    unsigned generations = (2u << generation) - 1;
    int result = 0;
    for (int i = 0; i <= generation && result == 0; i++) result = large_visit(i, visit_candidate, candidates);
    for (KrArena *arena = kr_heap.young; arena != NULL && result == 0; arena = arena->young_next) {
        for (uint64_t pools = arena->young_pools; pools != 0 && result == 0; pools &= pools - 1) {
            KrPool *pool = arena_pool(arena, __builtin_ctzll(pools));
            unsigned lines = pool->young | (generation == 1 ? pool->middle : 0);
            result = pool_visit(pool, lines, generations, visit_candidate, candidates);
        }
    }
    for (KrArena *arena = generation == 1 ? kr_heap.middle : NULL; arena != NULL && result == 0;
         arena = arena->middle_next) {
        uint64_t pools = arena->middle_pools & ~arena->young_pools;
        for (; pools != 0 && result == 0; pools &= pools - 1) {
            KrPool *pool = arena_pool(arena, __builtin_ctzll(pools));
            result = pool_visit(pool, pool->middle, generations, visit_candidate, candidates);
        }
    }
    if (result == 0) return 0;
    for (size_t i = 0; i < candidates->count; i++) *kr_gc_flags(candidates->items[i]) &= (uint8_t)~KR_GC_CANDIDATE;
    candidates->count = 0;
    return -1;
}

/* Removes the marks of pools whose objects were all taken as candidates. */
static void clear_marks(int generation) {
    while (kr_heap.young != NULL) {
        KrArena *arena = kr_heap.young;
        for (uint64_t pools = arena->young_pools; pools != 0; pools &= pools - 1)
            arena_pool(arena, __builtin_ctzll(pools))->young = 0;
        kr_pool_clear_young(arena);
    }
    while (generation >= 1 && kr_heap.middle != NULL) {
        KrArena *arena = kr_heap.middle;
        for (uint64_t pools = arena->middle_pools; pools != 0; pools &= pools - 1)
            arena_pool(arena, __builtin_ctzll(pools))->middle = 0;
        kr_pool_clear_middle(arena);
    }
}

/* Moves an object out of pools to the list of its generation. */
static void large_move(PyObject *object, int generation) {
    KrLargeObject *record = (KrLargeObject *)object - 1, *head = &kr_gc.large[generation];
    if (head->next == NULL) head->next = head->previous = head;
    record->previous->next = record->next;
    record->next->previous = record->previous;
    record->next = head;
    record->previous = head->previous;
    head->previous->next = record;
    head->previous = record;
}

/* Puts a tracked object into a generation and ends its part in the collection. */
static void promote(PyObject *object, int generation) {
    uint8_t *flags = kr_gc_flags(object);
    if (!(*flags & KR_GC_TRACKED)) return;
    set_generation(flags, generation);
    if (!(kr_heap_owner(object) & KR_OWNER_COLLECTED))
        large_move(object, generation);
    else if (generation == 1)
        kr_pool_set_middle(object);
    else if (generation == 0)
        kr_pool_set_young(object);
}

/* Reachability. */

/* Returns the flags of a candidate, NULL for any other object. Touches no memory of objects that cannot be collected. */
static inline uint8_t *candidate_flags(PyObject *object) {
    uint8_t owner = kr_heap_owner(object), *flags;
    if (__builtin_expect(owner & KR_OWNER_COLLECTED, 1)) {
        flags = kr_pool_flag(object);
    } else {
        if (owner != KR_OWNER_NONE && !kr_heap.records_in_pools) return NULL;
        if (!PyObject_IS_GC(object)) return NULL;
        flags = (uint8_t *)object - 1;
    }
    return *flags & KR_GC_CANDIDATE ? flags : NULL;
}

static inline void traverse(PyObject *object, visitproc visit, void *argument) {
    traverseproc function = Py_TYPE(object)->tp_traverse;
    if (function != NULL) function(object, visit, argument);
}

static int visit_take(PyObject *object, void *argument) {
    if (candidate_flags(object) != NULL) object->ob_refcnt--;
    return 0;
}

static int visit_give(PyObject *object, void *argument) {
    if (candidate_flags(object) != NULL) object->ob_refcnt++;
    return 0;
}

static int visit_reach(PyObject *object, void *argument) {
    Objects *pending = argument;
    uint8_t *flags = candidate_flags(object);
    if (flags == NULL) return 0;
    object->ob_refcnt++;
    if (!(*flags & KR_GC_REACHED)) {
        *flags |= KR_GC_REACHED;
        pending->items[pending->count++] = object;
    }
    return 0;
}

enum { PREFETCH = 8 }; /* objects ahead; a traversal takes some tens of nanoseconds, a miss about a hundred */

/* Sets KR_GC_REACHED on the candidates that are referred to from outside, directly or not. `owned` is the number of
 * references to each that do not count. `pending` has room for all candidates. */
static void reach(const Objects *candidates, Py_ssize_t owned, Objects *pending) {
    PyObject **items = candidates->items;
    size_t count = candidates->count;
    if (owned != 0)
        for (size_t i = 0; i < count; i++) items[i]->ob_refcnt -= owned;
    for (size_t i = 0; i < count; i++) {
        if (i + PREFETCH < count) __builtin_prefetch(items[i + PREFETCH]);
        traverse(items[i], visit_take, NULL);
    }
    pending->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t *flags = kr_gc_flags(items[i]);
        if (items[i]->ob_refcnt <= 0 || *flags & KR_GC_REACHED) continue;
        *flags |= KR_GC_REACHED;
        pending->items[pending->count++] = items[i];
        while (pending->count > 0) traverse(pending->items[--pending->count], visit_reach, pending);
    }
    for (size_t i = 0; i < count; i++)
        if (!(*kr_gc_flags(items[i]) & KR_GC_REACHED)) traverse(items[i], visit_give, NULL);
    if (owned != 0)
        for (size_t i = 0; i < count; i++) items[i]->ob_refcnt += owned;
}

/* Marking from the roots. The flags of eight neighbours are one word: BYTES(x) repeats a flag in each of its bytes. */

#define BYTES(flags) (0x0101010101010101u * (uint64_t)(flags))

/* Calls `change` for each word of flags in pools that are in use, which returns what the word becomes. */
typedef uint64_t (*WordChange)(uint64_t word, PyObject *first, void *argument);

static inline void change_words(WordChange change, void *argument) {
    for (KrArena *arena = kr_heap.arenas[1]; arena != NULL; arena = arena->kind_next) {
        int touched = KR_POOLS_PER_ARENA - arena->fresh_pools;
        for (int i = 0; i < touched; i++) {
            KrPool *pool = arena_pool(arena, i);
            if (pool->used == 0) continue;
            uint8_t *table = (uint8_t *)pool;
            for (int index = FLAGS_LINE; index < KR_POOL_FLAGS_SIZE; index += 8) {
                uint64_t word;
                memcpy(&word, table + index, sizeof word);
                if (!(word & BYTES(KR_GC_TRACKED))) continue;
                word = change(word, (PyObject *)(table + (size_t)index * KR_GRANULE), argument);
                memcpy(table + index, &word, sizeof word);
            }
        }
    }
}

static inline uint64_t word_to_candidates(uint64_t word, PyObject *first, void *argument) {
    uint64_t permanent = word >> KR_GC_GENERATION_SHIFT & word >> (KR_GC_GENERATION_SHIFT + 1);
    return word | (word & ~permanent & BYTES(KR_GC_TRACKED)) * KR_GC_CANDIDATE;
}

static inline uint64_t word_forget(uint64_t word, PyObject *first, void *argument) {
    return word & ~BYTES(KR_GC_CANDIDATE | KR_GC_REACHED);
}

typedef struct {
    Objects *candidates;
    Py_ssize_t reached;
    int failed;
} Sweep;

/* What was marked joins the oldest generation, the rest the array of candidates. */
static inline uint64_t word_sweep(uint64_t word, PyObject *first, void *argument) {
    Sweep *sweep = argument;
    uint64_t reached = word / KR_GC_REACHED & BYTES(1);
    for (uint64_t rest = word & BYTES(KR_GC_CANDIDATE); rest != 0; rest &= rest - 1) {
        PyObject *object = (PyObject *)((char *)first + (size_t)(__builtin_ctzll(rest) / 8) * KR_GRANULE);
        if (objects_append(sweep->candidates, object) < 0) sweep->failed = 1;
    }
    sweep->reached += __builtin_popcountll(reached);
    word &= ~(reached * (KR_GC_REACHED | KR_GC_GENERATION));
    return word | reached * ((KR_GENERATIONS - 1) << KR_GC_GENERATION_SHIFT);
}

enum { FLAGS_AHEAD = 16, OBJECTS_AHEAD = 8 }; /* how long memory that was asked for may take to arrive, in objects */

typedef struct {
    Objects pending;                   /* marked, still to be traversed */
    PyObject *seen[FLAGS_AHEAD];       /* visited, the flags still to be looked at; NULL for a free place */
    PyObject *arriving[OBJECTS_AHEAD]; /* taken from `pending`, their memory on the way */
    unsigned seen_next, arriving_next;
    int failed;
} Marker;

static inline void mark(Marker *marker, PyObject *object) {
    uint8_t *flags = candidate_flags(object);
    if (flags == NULL) return;
    *flags = (uint8_t)((*flags & ~KR_GC_CANDIDATE) | KR_GC_REACHED);
    if (objects_append(&marker->pending, object) < 0) marker->failed = 1;
}

static int visit_mark(PyObject *object, void *argument) {
    Marker *marker = argument;
    if (!(kr_heap_owner(object) & KR_OWNER_COLLECTED)) {
        mark(marker, object);
        return 0;
    }
    __builtin_prefetch(kr_pool_flag(object), 1);
    PyObject **place = &marker->seen[marker->seen_next++ % FLAGS_AHEAD], *earlier = *place;
    *place = object;
    if (earlier != NULL) mark(marker, earlier);
    return 0;
}

/* Takes the next object out, whose memory should have arrived; NULL at the end. */
static PyObject *next_marked(Marker *marker) {
    for (int idle = 0; idle <= OBJECTS_AHEAD;) {
        if (marker->pending.count == 0) {
            for (int i = 0; i < FLAGS_AHEAD; i++) {
                PyObject *object = marker->seen[i];
                marker->seen[i] = NULL;
                if (object != NULL) mark(marker, object);
            }
        }
        PyObject *coming = marker->pending.count > 0 ? marker->pending.items[--marker->pending.count] : NULL;
        if (coming != NULL) __builtin_prefetch(coming);
        PyObject **place = &marker->arriving[marker->arriving_next++ % OBJECTS_AHEAD], *object = *place;
        *place = coming;
        if (object != NULL) return object;
        idle = coming == NULL ? idle + 1 : 0;
    }
    return NULL;
}

/* Finds the objects that no root reaches: they become the candidates; all others join the oldest generation. Tuples and
 * dicts among those that can no longer be part of a cycle are untracked. `reached` is set to the number of the others
 * that are tracked. Returns -1 if memory is out; then nothing is a candidate. */
static int gather_unmarked(Objects *candidates, Py_ssize_t *reached) {
    change_words(word_to_candidates, NULL);
    for (int i = 0; i < KR_GENERATIONS; i++) {
        KrLargeObject *head = &kr_gc.large[i];
        for (KrLargeObject *record = head->next; record != NULL && record != head; record = record->next)
            record->flags |= KR_GC_CANDIDATE;
    }
    Marker marker = {0};
    if (state.visit_roots != NULL) state.visit_roots(visit_mark, &marker);
    PyObject *object;
    while ((object = next_marked(&marker)) != NULL) {
        traverse(object, visit_mark, &marker);
        if (PyTuple_CheckExact(object))
            _PyTuple_MaybeUntrack(object);
        else if (PyDict_CheckExact(object))
            _PyDict_MaybeUntrack(object);
    }
    free(marker.pending.items);
    Sweep sweep = {candidates, 0, marker.failed};
    if (!sweep.failed) change_words(word_sweep, &sweep);
    for (int i = 0; i < KR_GENERATIONS; i++) {
        KrLargeObject *head = &kr_gc.large[i], *next;
        for (KrLargeObject *record = head->next; record != NULL && record != head; record = next) {
            next = record->next;
            if (record->flags & KR_GC_REACHED) {
                sweep.reached++;
                promote((PyObject *)(record + 1), KR_GENERATIONS - 1);
            } else if (record->flags & KR_GC_CANDIDATE && objects_append(candidates, (PyObject *)(record + 1)) < 0) {
                sweep.failed = 1;
            }
        }
    }
    *reached = sweep.reached;
    if (!sweep.failed) return 0;
    change_words(word_forget, NULL);
    for (int i = 0; i < KR_GENERATIONS; i++) {
        KrLargeObject *head = &kr_gc.large[i];
        for (KrLargeObject *record = head->next; record != NULL && record != head; record = record->next)
            record->flags &= (uint8_t)~(KR_GC_CANDIDATE | KR_GC_REACHED);
    }
    candidates->count = 0;
    return -1;
}

/* Promotes the reached candidates and leaves the unreachable in the array. Tuples, and dicts if `all`, that can no longer
 * be part of a cycle are untracked. Returns the number promoted that are still tracked. */
static Py_ssize_t keep_unreachable(Objects *candidates, int generation, int all) {
    size_t kept = 0;
    Py_ssize_t promoted = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        PyObject *object = candidates->items[i];
        uint8_t *flags = kr_gc_flags(object);
        if (!(*flags & KR_GC_REACHED)) {
            candidates->items[kept++] = object;
            continue;
        }
        promote(object, generation);
        if (PyTuple_CheckExact(object))
            _PyTuple_MaybeUntrack(object);
        else if (all && PyDict_CheckExact(object))
            _PyDict_MaybeUntrack(object);
        promoted += *flags & KR_GC_TRACKED;
    }
    candidates->count = kept;
    return promoted;
}

static int visit_spread(PyObject *object, void *argument) {
    Objects *pending = argument;
    uint8_t *flags = candidate_flags(object);
    if (flags != NULL && !(*flags & KR_GC_REACHED)) {
        *flags |= KR_GC_REACHED;
        pending->items[pending->count++] = object;
    }
    return 0;
}

static void debug_object(const char *what, PyObject *object) {
    PySys_FormatStderr("gc: %s <%s %p>\n", what, Py_TYPE(object)->tp_name, object);
}

static int garbage_append(PyObject *object) {
    if (kr_gc.garbage == NULL && (kr_gc.garbage = PyList_New(0)) == NULL) return -1;
    return PyList_Append(kr_gc.garbage, object);
}

/* Takes unreachable objects with tp_del, and what they reach, out of the array into `generation`; the former are put into
 * gc.garbage. Returns how many objects that are. */
static Py_ssize_t set_legacy_aside(Objects *unreachable, int generation, Objects *pending) {
    Py_ssize_t aside = 0;
    pending->count = 0;
    for (size_t i = 0; i < unreachable->count; i++) {
        PyObject *object = unreachable->items[i];
        if (Py_TYPE(object)->tp_del == NULL) continue;
        uint8_t *flags = kr_gc_flags(object);
        if (*flags & KR_GC_REACHED) continue;
        *flags |= KR_GC_REACHED;
        pending->items[pending->count++] = object;
        while (pending->count > 0) traverse(pending->items[--pending->count], visit_spread, pending);
    }
    size_t kept = 0;
    for (size_t i = 0; i < unreachable->count; i++) {
        PyObject *object = unreachable->items[i];
        uint8_t *flags = kr_gc_flags(object);
        if (!(*flags & KR_GC_REACHED)) {
            unreachable->items[kept++] = object;
            continue;
        }
        aside++;
        if (kr_gc.debug & KR_GC_DEBUG_UNCOLLECTABLE) debug_object("uncollectable", object);
        promote(object, generation);
        /* Without memory for the list the object is still kept alive by its cycle. */
        if ((Py_TYPE(object)->tp_del != NULL || kr_gc.debug & KR_GC_DEBUG_SAVEALL) && garbage_append(object) < 0)
            PyErr_Clear();
    }
    unreachable->count = kept;
    return aside;
}

/* Clears the weak references to unreachable objects, then calls the callbacks of those that are reachable themselves. */
static void clear_weakrefs(const Objects *unreachable) {
    Objects calls = {0};
    size_t lost = 0;
    for (size_t i = 0; i < unreachable->count; i++) {
        PyObject *object = unreachable->items[i];
        /* A callback that goes away with its reference must not see the objects that tp_clear worked on. */
        if (PyWeakref_Check(object)) _PyWeakref_ClearRef((PyWeakReference *)object);
        if (Py_TYPE(object)->tp_weaklistoffset <= 0) continue;
        PyWeakReference **list = kr_weakref_list(object);
        PyWeakReference *reference;
        while ((reference = *list) != NULL) {
            _PyWeakref_ClearRef(reference);
            if (reference->wr_callback == NULL || *kr_gc_flags(reference) & KR_GC_CANDIDATE) continue;
            if (objects_append(&calls, (PyObject *)reference) == 0)
                Py_INCREF(reference);
            else
                lost++;
        }
    }
    if (lost > 0) {
        PyErr_NoMemory();
        _PyErr_WriteUnraisableMsg("while collecting the callbacks of weak references", NULL);
    }
    for (size_t i = 0; i < calls.count; i++) {
        PyObject *reference = calls.items[i];
        PyObject *callback = ((PyWeakReference *)reference)->wr_callback;
        if (callback != NULL) {
            Py_INCREF(callback);
            PyObject *result = PyObject_CallOneArg(callback, reference);
            if (result == NULL)
                PyErr_WriteUnraisable(callback);
            else
                Py_DECREF(result);
            Py_DECREF(callback);
        }
        Py_DECREF(reference);
    }
    free(calls.items);
}

/* Whether an object's finalizer runs Python code: a method __del__, or the end of a suspended generator. */
static int finalizes_in_python(PyTypeObject *type) {
    return type->tp_flags & Py_TPFLAGS_HEAPTYPE || type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type;
}

/* Objects of the program's own making come first: what holds a file can close it before the file warns that it was not
 * closed. */
static void call_finalizers(const Objects *unreachable) {
    for (int native = 0; native <= 1; native++) {
        for (size_t i = 0; i < unreachable->count; i++) {
            PyObject *object = unreachable->items[i];
            uint8_t *flags = kr_gc_flags(object);
            destructor finalize = Py_TYPE(object)->tp_finalize;
            if (finalize == NULL || *flags & KR_GC_FINALIZED) continue;
            if (!native && !finalizes_in_python(Py_TYPE(object))) continue;
            *flags |= KR_GC_FINALIZED;
            finalize(object);
        }
    }
}

/* Takes objects out of the array, and drops the collector's references to them, that finalizers made reachable again or
 * that left the collection otherwise. */
static void keep_garbage(Objects *unreachable, int generation, Objects *pending) {
    size_t kept = 0, left = 0;
    PyObject **items = unreachable->items;
    /* What was untracked meanwhile is no candidate any more: it goes to the end of the array for now. */
    for (size_t i = 0; i < unreachable->count; i++) {
        PyObject *object = items[i];
        if (*kr_gc_flags(object) & KR_GC_CANDIDATE)
            items[kept++] = object;
        else
            pending->items[left++] = object;
    }
    size_t total = unreachable->count;
    memcpy(items + kept, pending->items, left * sizeof(PyObject *));
    unreachable->count = kept;
    reach(unreachable, 1, pending);
    size_t garbage = 0;
    pending->count = 0;
    for (size_t i = 0; i < total; i++) {
        PyObject *object = items[i];
        uint8_t *flags = kr_gc_flags(object);
        if (i < kept && !(*flags & KR_GC_REACHED)) {
            items[garbage++] = object;
            continue;
        }
        if (i < kept) promote(object, generation);
        pending->items[pending->count++] = object;
    }
    unreachable->count = garbage;
    for (size_t i = 0; i < pending->count; i++) Py_DECREF(pending->items[i]);
}

/* Breaks the cycles, dropping the collector's references on the way. */
static void clear_garbage(Objects *garbage, int generation) {
    for (size_t i = 0; i < garbage->count; i++) {
        PyObject *object = garbage->items[i];
        if (kr_gc.debug & KR_GC_DEBUG_SAVEALL) {
            if (garbage_append(object) < 0) PyErr_Clear();
        } else if (Py_REFCNT(object) > 1) {
            /* Others refer to it; alone it would just be deallocated. */
            inquiry clear = Py_TYPE(object)->tp_clear;
            if (clear != NULL) {
                clear(object);
                if (PyErr_Occurred()) _PyErr_WriteUnraisableMsg("in tp_clear of", (PyObject *)Py_TYPE(object));
            }
        }
        if (*kr_gc_flags(object) & KR_GC_CANDIDATE) promote(object, generation);
        Py_DECREF(object);
    }
}

/* Announcements. */

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int visit_count(PyObject *object, uint8_t *flags, void *argument) {
    (*(Py_ssize_t *)argument)++;
    return 0;
}

Py_ssize_t kr_gc_generation_size(int generation) {
    Py_ssize_t count = 0;
    heap_visit(1u << generation, visit_count, &count);
    return count;
}

static void debug_start(int generation) {
    PySys_WriteStderr("gc: collecting generation %d...\n", generation);
    PySys_WriteStderr("gc: objects in each generation:");
    for (int i = 0; i < KR_GENERATIONS; i++) PySys_FormatStderr(" %zd", kr_gc_generation_size(i));
    PySys_FormatStderr("\ngc: objects in permanent generation: %zd\n", kr_gc_generation_size(KR_GC_PERMANENT));
}

static void call_callbacks(const char *phase, int generation, Py_ssize_t collected, Py_ssize_t uncollectable) {
    if (kr_gc.callbacks == NULL || PyList_GET_SIZE(kr_gc.callbacks) == 0) return;
    PyObject *phase_text = PyUnicode_FromString(phase);
    PyObject *info = Py_BuildValue("{sisnsn}", "generation", generation, "collected", collected, "uncollectable",
                                   uncollectable);
    if (phase_text == NULL || info == NULL) {
        PyErr_WriteUnraisable(NULL);
    } else {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(kr_gc.callbacks); i++) {
            PyObject *callback = Py_NewRef(PyList_GET_ITEM(kr_gc.callbacks, i));
            PyObject *result = PyObject_CallFunctionObjArgs(callback, phase_text, info, NULL);
            if (result == NULL)
                PyErr_WriteUnraisable(callback);
            else
                Py_DECREF(result);
            Py_DECREF(callback);
        }
    }
    Py_XDECREF(phase_text);
    Py_XDECREF(info);
}

void kr_gc_set_roots(void (*visit_roots)(visitproc visit, void *argument)) { state.visit_roots = visit_roots; }

void kr_gc_register_cache(void (*clear)(void)) {
    for (int i = 0; i < state.cache_count; i++)
        if (state.caches[i] == clear) return;
    if (state.cache_count < CACHES_MAX) state.caches[state.cache_count++] = clear;
}

/* One collection, without callbacks. Returns the number of unreachable objects, or -1 if there was no memory for it. */
static Py_ssize_t collect(int generation, Py_ssize_t *collected, Py_ssize_t *uncollectable, int silent) {
    int older = generation + 1 < KR_GENERATIONS ? generation + 1 : generation;
    int full = generation == KR_GENERATIONS - 1;
    double start = 0;
    *collected = *uncollectable = 0;
    if (kr_gc.debug & KR_GC_DEBUG_STATS) {
        debug_start(generation);
        start = seconds_now();
    }
    if (!full) kr_gc.older_count[older]++;
    for (int i = 1; i <= generation; i++) kr_gc.older_count[i] = 0;
    kr_gc.count = 0;

    Objects candidates = {0}, pending = {0};
    Py_ssize_t aside = 0, promoted = 0;
    int starved = 0;
    int gathered = full ? gather_unmarked(&candidates, &promoted) : gather(generation, &candidates);
    if (gathered == 0 && !kr_heap_fails() && (pending.items = malloc((candidates.count + 1) * sizeof(PyObject *))) != NULL) {
        clear_marks(generation);
        reach(&candidates, 0, &pending);
        promoted += keep_unreachable(&candidates, older, full);
        if (full) {
            kr_gc.long_lived_total = promoted;
            kr_gc.long_lived_pending = 0;
        } else if (generation == KR_GENERATIONS - 2) {
            kr_gc.long_lived_pending += promoted;
        }
        if (candidates.count > 0) aside = set_legacy_aside(&candidates, older, &pending);
        for (size_t i = 0; i < candidates.count; i++) Py_INCREF(candidates.items[i]);
        if (kr_gc.debug & KR_GC_DEBUG_COLLECTABLE)
            for (size_t i = 0; i < candidates.count; i++) debug_object("collectable", candidates.items[i]);
        if (candidates.count > 0) {
            clear_weakrefs(&candidates);
            call_finalizers(&candidates);
            keep_garbage(&candidates, older, &pending);
            *collected = (Py_ssize_t)candidates.count;
            clear_garbage(&candidates, older);
        }
    } else {
        starved = 1;
        for (size_t i = 0; i < candidates.count; i++) *kr_gc_flags(candidates.items[i]) &= (uint8_t)~KR_GC_CANDIDATE;
    }
    free(candidates.items);
    free(pending.items);
    *uncollectable = aside;

    if (kr_gc.debug & KR_GC_DEBUG_STATS) {
        char elapsed[32];
        PyOS_snprintf(elapsed, sizeof(elapsed), "%.4f", seconds_now() - start);
        PySys_FormatStderr("gc: done, %zd unreachable, %zd uncollectable, %ss elapsed\n", *collected + aside, aside,
                           elapsed);
    }
    if (full) {
        for (int i = 0; i < state.cache_count; i++) state.caches[i]();
        if (!silent) kr_heap_trim(); /* a process that ends need not */
    }
    if (PyErr_Occurred()) {
        if (silent)
            PyErr_Clear();
        else
            _PyErr_WriteUnraisableMsg("in garbage collection", NULL);
    }
    kr_gc.stats[generation].collections++;
    kr_gc.stats[generation].collected += *collected;
    kr_gc.stats[generation].uncollectable += aside;
    return starved ? -1 : *collected + aside;
}

static Py_ssize_t collect_announced(int generation) {
    Py_ssize_t collected, uncollectable;
    call_callbacks("start", generation, 0, 0);
    Py_ssize_t found = collect(generation, &collected, &uncollectable, 0);
    call_callbacks("stop", generation, collected, uncollectable);
    return found;
}

void kr_gc_update_limit(void) {
    uint32_t threshold = (uint32_t)kr_gc.threshold[0];
    if (kr_gc.building > 0 && threshold < BUILDING_THRESHOLD) threshold = BUILDING_THRESHOLD;
    kr_gc.limit = kr_gc.enabled && !kr_gc.collecting && kr_gc.threshold[0] > 0 ? threshold : UINT32_MAX;
}

void kr_gc_begin_building(void) {
    kr_gc.building++;
    kr_gc_update_limit();
}

void kr_gc_end_building(void) {
    kr_gc.building--;
    kr_gc_update_limit();
}

static void set_collecting(int collecting) {
    kr_gc.collecting = collecting;
    kr_gc_update_limit();
}

void kr_gc_due(void) {
    PyThreadState *thread = kr_tstate();
    if (thread == NULL || thread->curexc_type != NULL || kr_gc.collecting) return;
    /* The oldest generation that is due. The oldest of all waits until enough was added to it: otherwise building a large
     * structure would take time quadratic in its size. */
    for (int generation = KR_GENERATIONS - 1; generation >= 0; generation--) {
        int count = generation == 0 ? (int)kr_gc.count : kr_gc.older_count[generation];
        if (count <= kr_gc.threshold[generation]) continue;
        if (generation == KR_GENERATIONS - 1 && kr_gc.long_lived_pending < kr_gc.long_lived_total / 4) continue;
        set_collecting(1);
        collect_announced(generation);
        set_collecting(0);
        return;
    }
}

Py_ssize_t kr_gc_collect(int generation) {
    if (kr_gc.collecting) return 0;
    set_collecting(1);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_ssize_t found = collect_announced(generation);
    PyErr_Restore(type, value, traceback);
    set_collecting(0);
    return found;
}

Py_ssize_t kr_gc_collect_silently(void) {
    Py_ssize_t collected, uncollectable;
    if (kr_gc.collecting) return 0;
    set_collecting(1);
    Py_ssize_t found = collect(KR_GENERATIONS - 1, &collected, &uncollectable, 1);
    if (found < 0) found = collect(KR_GENERATIONS - 1, &collected, &uncollectable, 1); /* the last chance to free cycles */
    set_collecting(0);
    return found;
}

Py_ssize_t PyGC_Collect(void) {
    Py_ssize_t found = kr_gc.enabled ? kr_gc_collect(KR_GENERATIONS - 1) : 0;
    return found < 0 ? 0 : found;
}

int PyGC_Enable(void) {
    int old = kr_gc.enabled;
    kr_gc.enabled = 1;
    kr_gc_update_limit();
    return old;
}

int PyGC_Disable(void) {
    int old = kr_gc.enabled;
    kr_gc.enabled = 0;
    kr_gc_update_limit();
    return old;
}

int PyGC_IsEnabled(void) { return kr_gc.enabled; }

static int visit_append(PyObject *object, uint8_t *flags, void *argument) {
    return object == (PyObject *)argument ? 0 : PyList_Append(argument, object);
}

int kr_gc_append_objects(PyObject *list, int generation) {
    return heap_visit(generation < 0 ? 7u : 1u << generation, visit_append, list);
}

static int visit_promote(PyObject *object, uint8_t *flags, void *argument) {
    set_generation(flags, *(int *)argument);
    return 0;
}

/* Moves all objects of the list `from` to the list `to`. */
static void large_move_all(int from, int to) {
    KrLargeObject *head = &kr_gc.large[from];
    while (head->next != NULL && head->next != head) large_move((PyObject *)(head->next + 1), to);
}

void kr_gc_freeze(void) {
    int permanent = KR_GC_PERMANENT;
    heap_visit(7u, visit_promote, &permanent);
    for (int i = 0; i < KR_GENERATIONS; i++) {
        large_move_all(i, KR_GC_PERMANENT);
        kr_gc.older_count[i] = 0;
    }
    kr_gc.count = 0;
}

void kr_gc_unfreeze(void) {
    int oldest = KR_GENERATIONS - 1;
    heap_visit(1u << KR_GC_PERMANENT, visit_promote, &oldest);
    large_move_all(KR_GC_PERMANENT, oldest);
}

void kr_gc_report_at_shutdown(void) {
    if (kr_gc.debug & KR_GC_DEBUG_SAVEALL || kr_gc.garbage == NULL || PyList_GET_SIZE(kr_gc.garbage) == 0) return;
    const char *message = kr_gc.debug & KR_GC_DEBUG_UNCOLLECTABLE
                              ? "gc: %zd uncollectable objects at shutdown"
                              : "gc: %zd uncollectable objects at shutdown; "
                                "use gc.set_debug(gc.DEBUG_UNCOLLECTABLE) to list them";
    if (PyErr_WarnExplicitFormat(PyExc_ResourceWarning, "gc", 0, "gc", NULL, message,
                                 PyList_GET_SIZE(kr_gc.garbage)) < 0)
        PyErr_WriteUnraisable(NULL);
    if (kr_gc.debug & KR_GC_DEBUG_UNCOLLECTABLE) {
        PyObject *repr = PyObject_Repr(kr_gc.garbage);
        const char *text = repr == NULL ? NULL : PyUnicode_AsUTF8(repr);
        if (text == NULL)
            PyErr_WriteUnraisable(kr_gc.garbage);
        else
            PySys_WriteStderr("      %s\n", text);
        Py_XDECREF(repr);
    }
}

void kr_gc_finalize(void) {
    static const KrCollector initial = {.limit = 700, .threshold = {700, 10, 10}, .enabled = 1};
    Py_CLEAR(kr_gc.garbage);
    Py_CLEAR(kr_gc.callbacks);
    KrLargeObject large[KR_GENERATIONS + 1]; /* the lists' heads have to stay: objects may be left */
    memcpy(large, kr_gc.large, sizeof(large));
    kr_gc = initial;
    memcpy(kr_gc.large, large, sizeof(large));
}
