/* Between the files that make up a collection: marking (mark.c), counting (collector.c) and what happens to the garbage
 * (garbage.c). */
#ifndef KR_COLLECTOR_COLLECTION_H
#define KR_COLLECTOR_COLLECTION_H

#include <Python.h>
#include <stdlib.h>

#include "collector/collector.h"

/* A growable array of borrowed references, independent of the heap that is being examined. */
typedef struct {
    PyObject **items;
    size_t count;
    size_t room;
} KrObjects;

static inline int kr_objects_append(KrObjects *objects, PyObject *object) {
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

/* Returns the flags of a candidate, NULL for any other object. Touches no memory of objects that cannot be collected. */
static inline uint8_t *kr_candidate_flags(PyObject *object) {
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

static inline void kr_gc_traverse(PyObject *object, visitproc visit, void *argument) {
    traverseproc function = Py_TYPE(object)->tp_traverse;
    if (function != NULL) function(object, visit, argument);
}

/* Puts a tracked object into a generation and ends its part in the collection. */
void kr_gc_promote(PyObject *object, int generation);

/* Sets KR_GC_REACHED on the candidates that are referred to from outside, directly or not. `owned` is the number of
 * references to each that do not count. `pending` has room for all candidates. */
void kr_gc_reach(const KrObjects *candidates, Py_ssize_t owned, KrObjects *pending);

/* mark.c */

/* Begins a full collection: marks what `visit_roots` (which may be NULL) reaches. The objects that no root reaches become
 * the candidates; all others join the oldest generation. Tuples and dicts among those that can no longer be part of a cycle
 * are untracked. `*reached` is set to the number of the others that are tracked. Returns -1 if memory is out; then nothing
 * is a candidate. */
int kr_gc_gather_unmarked(void (*visit_roots)(visitproc visit, void *argument), KrObjects *candidates,
                          Py_ssize_t *reached);

/* garbage.c: the steps from 4 on; arrays of unreachable objects lose those that turn out to stay. */

/* Takes unreachable objects with tp_del, and what they reach, out of the array into `generation`; the former are put into
 * gc.garbage. Returns how many objects that are. */
Py_ssize_t kr_gc_set_legacy_aside(KrObjects *unreachable, int generation, KrObjects *pending);
/* Disposes of unreachable objects. What finalizers bring back joins `generation`. Returns how many objects were cleared. */
Py_ssize_t kr_gc_dispose(KrObjects *unreachable, int generation, KrObjects *pending);

#endif
