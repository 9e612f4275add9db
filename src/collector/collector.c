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

#include "collector/collection.h"
#include "collector/collector.h"
#include "collector/walk.h"
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

static int visit_candidate(PyObject *object, uint8_t *flags, void *argument) {
    if (kr_objects_append(argument, object) < 0) return -1;
    *flags |= KR_GC_CANDIDATE;
    return 0;
}

/* The same, but tuples that cannot be part of a cycle are untracked instead: most of the youngest are such. */
static int visit_young_candidate(PyObject *object, uint8_t *flags, void *argument) {
    if (PyTuple_CheckExact(object)) {
        _PyTuple_MaybeUntrack(object);
        if (!(*flags & KR_GC_TRACKED)) return 0;
    }
    return visit_candidate(object, flags, argument);
}

/* Makes all tracked objects of the youngest generation, or of both younger ones, candidates. Returns -1 if memory is out;
 * then there are no candidates. */
static int gather(int generation, KrObjects *candidates) {
    if ((generation == 0 ? kr_walk_objects(1, visit_young_candidate, candidates)
                         : kr_walk_objects((2u << generation) - 1, visit_candidate, candidates)) == 0)
        return 0;
    for (size_t i = 0; i < candidates->count; i++) *kr_gc_flags(candidates->items[i]) &= (uint8_t)~KR_GC_CANDIDATE;
    candidates->count = 0;
    return -1;
}

/* Removes the marks of pools whose objects were all taken as candidates. */
static void clear_marks(int generation) {
    while (kr_heap.young != NULL) {
        KrArena *arena = kr_heap.young;
        for (uint64_t pools = arena->young_pools; pools != 0; pools &= pools - 1)
            kr_arena_pool(arena, __builtin_ctzll(pools))->young = 0;
        kr_pool_clear_young(arena);
    }
    while (generation >= 1 && kr_heap.middle != NULL) {
        KrArena *arena = kr_heap.middle;
        for (uint64_t pools = arena->middle_pools; pools != 0; pools &= pools - 1)
            kr_arena_pool(arena, __builtin_ctzll(pools))->middle = 0;
        kr_pool_clear_middle(arena);
    }
}

/* Reachability. */

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

void kr_gc_promote(PyObject *object, int generation) {
    uint8_t *flags = kr_gc_flags(object);
    if (!(*flags & KR_GC_TRACKED)) return;
    kr_set_generation(flags, generation);
    if (!(kr_heap_owner(object) & KR_OWNER_COLLECTED))
        large_move(object, generation);
    else if (generation == 1)
        kr_pool_set_middle(object);
    else if (generation == 0)
        kr_pool_set_young(object);
}

/* Reachability. */

static int visit_take(PyObject *object, void *argument) {
    if (kr_candidate_flags(object) != NULL) object->ob_refcnt--;
    return 0;
}

static int visit_give(PyObject *object, void *argument) {
    if (kr_candidate_flags(object) != NULL) object->ob_refcnt++;
    return 0;
}

static int visit_reach(PyObject *object, void *argument) {
    KrObjects *pending = argument;
    uint8_t *flags = kr_candidate_flags(object);
    if (flags == NULL) return 0;
    object->ob_refcnt++;
    if (!(*flags & KR_GC_REACHED)) {
        *flags |= KR_GC_REACHED;
        pending->items[pending->count++] = object;
    }
    return 0;
}

enum { PREFETCH = 8 }; /* objects ahead; a traversal takes some tens of nanoseconds, a miss about a hundred */

void kr_gc_reach(const KrObjects *candidates, Py_ssize_t owned, KrObjects *pending) {
    PyObject **items = candidates->items;
    size_t count = candidates->count;
    if (owned != 0)
        for (size_t i = 0; i < count; i++) items[i]->ob_refcnt -= owned;
    for (size_t i = 0; i < count; i++) {
        if (i + PREFETCH < count) __builtin_prefetch(items[i + PREFETCH]);
        kr_gc_traverse(items[i], visit_take, NULL);
    }
    pending->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t *flags = kr_gc_flags(items[i]);
        if (items[i]->ob_refcnt <= 0 || *flags & KR_GC_REACHED) continue;
        *flags |= KR_GC_REACHED;
        pending->items[pending->count++] = items[i];
        while (pending->count > 0) kr_gc_traverse(pending->items[--pending->count], visit_reach, pending);
    }
    for (size_t i = 0; i < count; i++)
        if (!(*kr_gc_flags(items[i]) & KR_GC_REACHED)) kr_gc_traverse(items[i], visit_give, NULL);
    if (owned != 0)
        for (size_t i = 0; i < count; i++) items[i]->ob_refcnt += owned;
}

/* Promotes the reached candidates and leaves the unreachable in the array. Tuples, and dicts if `all`, that can no longer
 * be part of a cycle are untracked. Returns the number promoted that are still tracked. */
static Py_ssize_t keep_unreachable(KrObjects *candidates, int generation, int all) {
    size_t kept = 0;
    Py_ssize_t promoted = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        PyObject *object = candidates->items[i];
        uint8_t *flags = kr_gc_flags(object);
        if (!(*flags & KR_GC_REACHED)) {
            candidates->items[kept++] = object;
            continue;
        }
        kr_gc_promote(object, generation);
        if (PyTuple_CheckExact(object))
            _PyTuple_MaybeUntrack(object);
        else if (all && PyDict_CheckExact(object))
            _PyDict_MaybeUntrack(object);
        promoted += *flags & KR_GC_TRACKED;
    }
    candidates->count = kept;
    return promoted;
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
    kr_walk_objects(1u << generation, visit_count, &count);
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

    KrObjects candidates = {0}, pending = {0};
    Py_ssize_t aside = 0, promoted = 0;
    int starved = 0;
    int gathered = full ? kr_gc_gather_unmarked(state.visit_roots, &candidates, &promoted) : gather(generation, &candidates);
    if (gathered == 0 && !kr_heap_fails())
        pending.items = malloc((candidates.count + 1) * sizeof(PyObject *));
    if (pending.items != NULL) {
        clear_marks(generation);
        kr_gc_reach(&candidates, 0, &pending);
        promoted += keep_unreachable(&candidates, older, full);
        if (full) {
            kr_gc.long_lived_total = promoted;
            kr_gc.long_lived_pending = 0;
        } else if (generation == KR_GENERATIONS - 2) {
            kr_gc.long_lived_pending += promoted;
        }
        if (candidates.count > 0) aside = kr_gc_set_legacy_aside(&candidates, older, &pending);
        *collected = kr_gc_dispose(&candidates, older, &pending);
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
    return kr_walk_objects(generation < 0 ? KR_GC_ALL : 1u << generation, visit_append, list);
}

static int visit_promote(PyObject *object, uint8_t *flags, void *argument) {
    kr_set_generation(flags, *(int *)argument);
    return 0;
}

/* Moves all objects of the list `from` to the list `to`. */
static void large_move_all(int from, int to) {
    KrLargeObject *head = &kr_gc.large[from];
    while (head->next != NULL && head->next != head) large_move((PyObject *)(head->next + 1), to);
}

void kr_gc_freeze(void) {
    int permanent = KR_GC_PERMANENT;
    kr_walk_objects(KR_GC_ALL, visit_promote, &permanent);
    for (int i = 0; i < KR_GENERATIONS; i++) {
        large_move_all(i, KR_GC_PERMANENT);
        kr_gc.older_count[i] = 0;
    }
    kr_gc.count = 0;
}

void kr_gc_unfreeze(void) {
    int oldest = KR_GENERATIONS - 1;
    kr_walk_objects(1u << KR_GC_PERMANENT, visit_promote, &oldest);
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
