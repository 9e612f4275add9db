/* Marking: the first half of a full collection. What modules, threads and frames reach is alive, without any counting.
 *
 * Candidates that were reached lie on a stack until they are traversed. The time goes into waiting for memory, so objects
 * taken from the stack pass a short queue, in which they wait for what was prefetched of them. The references of the
 * commonest types are marked in line.
 */
#include <Python.h>

#include "collector/collection.h"
#include "collector/walk.h"
#include "object/subtype.h"

enum { OBJECTS_AHEAD = 8 }; /* length of the queue; a traversal takes some tens of nanoseconds, a miss about a hundred */

typedef struct {
    PyObject **stack, **top; /* room for every candidate, and one more */
    PyTypeObject *type;      /* the class whose instance was visited last */
} Marker;

static __attribute__((noinline)) PyObject **push_large(PyObject **top, PyObject *object) {
    uint8_t *flags = kr_candidate_flags(object);
    if (flags == NULL) return top;
    *flags ^= KR_GC_CANDIDATE | KR_GC_REACHED;
    *top = object;
    return top + 1;
}

/* Marks an object and pushes it on the stack if it is a candidate. Returns the new top. */
static inline __attribute__((always_inline)) PyObject **push(PyObject **top, PyObject *object) {
    uint8_t owner = kr_heap_owner(object);
    if (owner & KR_OWNER_COLLECTED) {
        uint8_t *flags = kr_pool_flag(object);
        if (!(*flags & KR_GC_CANDIDATE)) return top;
        *flags ^= KR_GC_CANDIDATE | KR_GC_REACHED;
        *top = object;
        return top + 1;
    }
    if (owner == KR_OWNER_NONE || kr_heap.records_in_pools) return push_large(top, object);
    return top;
}

static int visit_mark(PyObject *object, void *argument) {
    Marker *marker = argument;
    marker->top = push(marker->top, object);
    return 0;
}

/* The same for the class of an instance, which is mostly that of the one before. */
static inline __attribute__((always_inline)) int visit_in_line(PyObject *object, void *argument) {
    Marker *marker = argument;
    if (object == (PyObject *)marker->type) return 0;
    marker->top = push(marker->top, object);
    return 0;
}

/* Marks what an instance of a Python class refers to. */
static inline void mark_instance(Marker *marker, PyObject *object) {
    Marker local = *marker; /* in registers */
    PyTypeObject *c_base;
    kr_subtype_visit(object, visit_in_line, &local, &c_base);
    marker->top = local.top;
    marker->type = Py_TYPE(object);
    if (c_base->tp_traverse != NULL) c_base->tp_traverse(object, visit_mark, marker);
}

static inline void mark_items(Marker *marker, PyObject **items, Py_ssize_t count) {
    PyObject **top = marker->top;
    for (Py_ssize_t i = 0; i < count; i++)
        if (items[i] != NULL) top = push(top, items[i]);
    marker->top = top;
}

static inline void mark_references(Marker *marker, PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    traverseproc function = type->tp_traverse;
    if (function == kr_subtype_traverse) {
        mark_instance(marker, object);
    } else if (type == &PyTuple_Type) {
        mark_items(marker, ((PyTupleObject *)object)->ob_item, Py_SIZE(object));
        _PyTuple_MaybeUntrack(object);
    } else if (type == &PyList_Type) {
        mark_items(marker, ((PyListObject *)object)->ob_item, Py_SIZE(object));
    } else if (function != NULL) {
        function(object, visit_mark, marker);
        if (type == &PyDict_Type) _PyDict_MaybeUntrack(object);
    }
}

/* Marks what the objects on the stack reach. */
static void mark_reachable(Marker *marker) {
    PyObject *queue[OBJECTS_AHEAD] = {NULL};
    unsigned next = 0;
    for (int idle = 0; idle <= OBJECTS_AHEAD; next = (next + 1) % OBJECTS_AHEAD) {
        PyObject *object = queue[next], *coming = NULL;
        if (marker->top > marker->stack) {
            coming = *--marker->top;
            __builtin_prefetch(coming);
            __builtin_prefetch((char *)coming + 2 * KR_GRANULE); /* often the next cache line */
        }
        queue[next] = coming;
        idle = coming == NULL ? idle + 1 : 0;
        if (object != NULL) mark_references(marker, object);
    }
}

/* A line of flags at a time; the loops over its bytes become vector instructions. */

static inline int line_to_candidates(uint8_t *line, void *argument) {
    unsigned count = 0;
    for (int i = 0; i < KR_FLAGS_LINE; i++) {
        uint8_t flags = line[i];
        uint8_t permanent = (flags & KR_GC_GENERATION) == KR_GC_PERMANENT << KR_GC_GENERATION_SHIFT;
        uint8_t candidate = flags & KR_GC_TRACKED & ~permanent;
        line[i] = flags | (uint8_t)(candidate * KR_GC_CANDIDATE);
        count += candidate;
    }
    *(size_t *)argument += count;
    return 0;
}

static inline int line_forget(uint8_t *line, void *argument) {
    for (int i = 0; i < KR_FLAGS_LINE; i++) line[i] &= (uint8_t)~(KR_GC_CANDIDATE | KR_GC_REACHED);
    return 0;
}

static int large_to_candidate(PyObject *object, uint8_t *flags, void *argument) {
    *flags |= KR_GC_CANDIDATE;
    ++*(size_t *)argument;
    return 0;
}

static int large_forget(PyObject *object, uint8_t *flags, void *argument) {
    *flags &= (uint8_t)~(KR_GC_CANDIDATE | KR_GC_REACHED);
    return 0;
}

typedef struct {
    KrObjects *candidates;
    Py_ssize_t reached;
} Sweep;

/* What was marked joins the oldest generation, the rest the array of candidates. -1 if there is no memory for it. */
static inline int line_sweep(uint8_t *line, void *argument) {
    Sweep *sweep = argument;
    const uint8_t oldest = (KR_GENERATIONS - 1) << KR_GC_GENERATION_SHIFT;
    unsigned reached = 0;
    uint8_t any = 0;
    for (int i = 0; i < KR_FLAGS_LINE; i++) {
        uint8_t flags = line[i], mark = flags / KR_GC_REACHED & 1;
        any |= flags;
        reached += mark;
        line[i] = mark ? (uint8_t)((flags & ~(KR_GC_REACHED | KR_GC_GENERATION)) | oldest) : flags;
    }
    sweep->reached += reached;
    if (!(any & KR_GC_CANDIDATE)) return 0;
    for (int i = 0; i < KR_FLAGS_LINE; i++)
        if (line[i] & KR_GC_CANDIDATE && kr_objects_append(sweep->candidates, kr_pool_flagged(line + i)) < 0) return -1;
    return 0;
}

static int large_sweep(PyObject *object, uint8_t *flags, void *argument) {
    Sweep *sweep = argument;
    if (*flags & KR_GC_CANDIDATE) return kr_objects_append(sweep->candidates, object);
    if (!(*flags & KR_GC_REACHED)) return 0; /* was moved, and so comes a second time */
    sweep->reached++;
    kr_gc_promote(object, KR_GENERATIONS - 1);
    return 0;
}

int kr_gc_gather_unmarked(void (*visit_roots)(visitproc visit, void *argument), KrObjects *candidates,
                          Py_ssize_t *reached) {
    size_t count = 0;
    kr_walk_lines(KR_GC_ALL, line_to_candidates, &count);
    kr_walk_large(KR_GC_ALL, large_to_candidate, &count);
    Marker marker = {.stack = kr_heap_fails() ? NULL : malloc((count + 1) * sizeof(PyObject *))};
    Sweep sweep = {candidates, 0};
    int result = -1;
    if (marker.stack != NULL) {
        marker.top = marker.stack;
        if (visit_roots != NULL) visit_roots(visit_mark, &marker);
        mark_reachable(&marker);
        free(marker.stack);
        result = kr_walk_lines(KR_GC_ALL, line_sweep, &sweep);
        if (result == 0) result = kr_walk_large(KR_GC_ALL, large_sweep, &sweep);
    }
    *reached = sweep.reached;
    if (result == 0) return 0;
    kr_walk_lines(KR_GC_ALL, line_forget, NULL);
    kr_walk_large(KR_GC_ALL, large_forget, NULL);
    candidates->count = 0;
    return -1;
}
