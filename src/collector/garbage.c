/* What happens to objects that a collection found unreachable. */
#include <Python.h>

#include "collector/collection.h"
#include "collector/weakref.h"

static int visit_spread(PyObject *object, void *argument) {
    KrObjects *pending = argument;
    uint8_t *flags = kr_candidate_flags(object);
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

Py_ssize_t kr_gc_set_legacy_aside(KrObjects *unreachable, int generation, KrObjects *pending) {
    Py_ssize_t aside = 0;
    pending->count = 0;
    for (size_t i = 0; i < unreachable->count; i++) {
        PyObject *object = unreachable->items[i];
        if (Py_TYPE(object)->tp_del == NULL) continue;
        uint8_t *flags = kr_gc_flags(object);
        if (*flags & KR_GC_REACHED) continue;
        *flags |= KR_GC_REACHED;
        pending->items[pending->count++] = object;
        while (pending->count > 0) kr_gc_traverse(pending->items[--pending->count], visit_spread, pending);
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
        kr_gc_promote(object, generation);
        /* Without memory for the list the object is still kept alive by its cycle. */
        if ((Py_TYPE(object)->tp_del != NULL || kr_gc.debug & KR_GC_DEBUG_SAVEALL) && garbage_append(object) < 0)
            PyErr_Clear();
    }
    unreachable->count = kept;
    return aside;
}

/* Clears the weak references to unreachable objects, then calls the callbacks of those that are reachable themselves. */
static void clear_weakrefs(const KrObjects *unreachable) {
    KrObjects calls = {0};
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
            if (kr_objects_append(&calls, (PyObject *)reference) == 0)
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

static int visit_item_of_held(PyObject *object, void *holder) {
    uint8_t *flags = kr_candidate_flags(object);
    if (flags != NULL && object != holder) *flags |= KR_GC_REACHED;
    return 0;
}

static int visit_held(PyObject *object, void *holder) {
    if (PyDict_CheckExact(object)) kr_gc_traverse(object, visit_item_of_held, holder); /* attributes */
    return visit_item_of_held(object, holder);
}

/* Puts what holds others of the array, itself or by its attributes, before these, as far as a few rounds can tell. Marks
 * objects with KR_GC_REACHED on the way. */
static void put_holders_first(PyObject **items, size_t count) {
    enum { ROUNDS = 4 };
    for (int round = 0; round < ROUNDS && count > 1; round++) {
        for (size_t i = 0; i < count; i++) *kr_gc_flags(items[i]) &= (uint8_t)~KR_GC_REACHED;
        for (size_t i = 0; i < count; i++) kr_gc_traverse(items[i], visit_held, items[i]);
        size_t free_ones = 0;
        for (size_t i = 0; i < count; i++) {
            if (*kr_gc_flags(items[i]) & KR_GC_REACHED) continue;
            PyObject *object = items[i];
            items[i] = items[free_ones];
            items[free_ones++] = object;
        }
        if (free_ones == 0) return;
        items += free_ones;
        count -= free_ones;
    }
}

static void call_finalizer(PyObject *object) {
    uint8_t *flags = kr_gc_flags(object);
    destructor finalize = Py_TYPE(object)->tp_finalize;
    if (finalize == NULL || *flags & KR_GC_FINALIZED) return;
    *flags |= KR_GC_FINALIZED;
    finalize(object);
}

/* Objects of the program's own making come first: what holds a file can close it before the file warns that it was not
 * closed. Among these, too, holders come before what they hold; `pending` has room for all objects. */
static void call_finalizers(const KrObjects *unreachable, KrObjects *pending) {
    pending->count = 0;
    for (size_t i = 0; i < unreachable->count; i++) {
        PyTypeObject *type = Py_TYPE(unreachable->items[i]);
        if (type->tp_finalize != NULL && finalizes_in_python(type)) pending->items[pending->count++] = unreachable->items[i];
    }
    if (pending->count > 1) {
        put_holders_first(pending->items, pending->count);
        for (size_t i = 0; i < unreachable->count; i++) *kr_gc_flags(unreachable->items[i]) &= (uint8_t)~KR_GC_REACHED;
    }
    for (size_t i = 0; i < pending->count; i++) call_finalizer(pending->items[i]);
    for (size_t i = 0; i < unreachable->count; i++) call_finalizer(unreachable->items[i]);
}

/* Takes objects out of the array, and drops the collector's references to them, that finalizers made reachable again or
 * that left the collection otherwise. */
static void keep_garbage(KrObjects *unreachable, int generation, KrObjects *pending) {
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
    kr_gc_reach(unreachable, 1, pending);
    size_t garbage = 0;
    pending->count = 0;
    for (size_t i = 0; i < total; i++) {
        PyObject *object = items[i];
        uint8_t *flags = kr_gc_flags(object);
        if (i < kept && !(*flags & KR_GC_REACHED)) {
            items[garbage++] = object;
            continue;
        }
        if (i < kept) kr_gc_promote(object, generation);
        pending->items[pending->count++] = object;
    }
    unreachable->count = garbage;
    for (size_t i = 0; i < pending->count; i++) Py_DECREF(pending->items[i]);
}

/* Breaks the cycles, dropping the collector's references on the way. */
static void clear_garbage(KrObjects *garbage, int generation) {
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
        if (*kr_gc_flags(object) & KR_GC_CANDIDATE) kr_gc_promote(object, generation);
        Py_DECREF(object);
    }
}

Py_ssize_t kr_gc_dispose(KrObjects *unreachable, int generation, KrObjects *pending) {
    if (unreachable->count == 0) return 0;
    for (size_t i = 0; i < unreachable->count; i++) Py_INCREF(unreachable->items[i]);
    if (kr_gc.debug & KR_GC_DEBUG_COLLECTABLE)
        for (size_t i = 0; i < unreachable->count; i++) debug_object("collectable", unreachable->items[i]);
    clear_weakrefs(unreachable);
    call_finalizers(unreachable, pending);
    keep_garbage(unreachable, generation, pending);
    Py_ssize_t collected = (Py_ssize_t)unreachable->count;
    clear_garbage(unreachable, generation);
    return collected;
}
