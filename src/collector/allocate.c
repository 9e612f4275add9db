/* Making and releasing objects. */
#include <Python.h>

#include "collector/collector.h"

#include <string.h>

static inline KrLargeObject *record_of(PyObject *object) { return (KrLargeObject *)object - 1; }

static void large_link(KrLargeObject *record, int list) {
    KrLargeObject *head = &kr_gc.large[list];
    if (head->next == NULL) head->next = head->previous = head;
    record->next = head;
    record->previous = head->previous;
    head->previous->next = record;
    head->previous = record;
}

static void large_unlink(KrLargeObject *record) {
    if (record->next == NULL) return;
    record->previous->next = record->next;
    record->next->previous = record->previous;
    record->next = record->previous = NULL;
}

void kr_gc_track_large(PyObject *object) {
    KrLargeObject *record = record_of(object);
    if (record->flags & KR_GC_TRACKED) return;
    record->flags |= KR_GC_TRACKED;
    large_unlink(record);
    large_link(record, 0);
}

void kr_gc_untrack_large(PyObject *object) {
    KrLargeObject *record = record_of(object);
    if (!(record->flags & KR_GC_TRACKED)) return;
    record->flags &= KR_GC_FINALIZED;
    large_unlink(record);
}

void *kr_gc_alloc_slow(size_t size) {
    void *block = kr_heap_alloc_collected_slow(size);
    if (block != NULL && ++kr_gc.count > kr_gc.limit) kr_gc_due();
    return block;
}

void kr_gc_free_slow(void *object) {
    if (!(kr_heap_owner(object) & KR_OWNER_COLLECTED)) large_unlink(record_of(object));
    if (kr_gc.count > 0) kr_gc.count--;
    kr_heap_free_collected_slow(object);
}

void PyObject_GC_Track(void *object) { kr_gc_track(object); }

void PyObject_GC_UnTrack(void *object) { kr_gc_untrack(object); }

void PyObject_GC_Del(void *object) { kr_gc_free(object); }

int PyObject_GC_IsTracked(PyObject *object) { return PyObject_IS_GC(object) && kr_gc_is_tracked(object); }

int PyObject_GC_IsFinalized(PyObject *object) {
    return PyObject_IS_GC(object) && (*kr_gc_flags(object) & KR_GC_FINALIZED) != 0;
}

int PyObject_IS_GC(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    return PyType_IS_GC(type) && (type->tp_is_gc == NULL || type->tp_is_gc(object));
}

PyObject *PyObject_Init(PyObject *object, PyTypeObject *type) {
    if (object == NULL) return PyErr_NoMemory();
    kr_header_init(object, type);
    return object;
}

PyVarObject *PyObject_InitVar(PyVarObject *object, PyTypeObject *type, Py_ssize_t size) {
    if (object == NULL) return (PyVarObject *)PyErr_NoMemory();
    object->ob_size = size;
    kr_header_init((PyObject *)object, type);
    return object;
}

/* Computes the size of an object with `nitems` items. Returns 0 if that overflows. */
static inline size_t object_size(PyTypeObject *type, Py_ssize_t nitems) {
    size_t items;
    if (nitems == 0 || type->tp_itemsize == 0) return _Py_SIZE_ROUND_UP((size_t)type->tp_basicsize, SIZEOF_VOID_P);
    if (__builtin_mul_overflow((size_t)nitems, (size_t)type->tp_itemsize, &items) ||
        __builtin_add_overflow(items, (size_t)type->tp_basicsize + SIZEOF_VOID_P - 1, &items) ||
        items > (size_t)PY_SSIZE_T_MAX)
        return 0;
    return items & ~(size_t)(SIZEOF_VOID_P - 1);
}

PyObject *_PyObject_New(PyTypeObject *type) {
    PyObject *object = kr_heap_alloc((size_t)type->tp_basicsize);
    if (object == NULL) return PyErr_NoMemory();
    kr_header_init(object, type);
    return object;
}

PyVarObject *_PyObject_NewVar(PyTypeObject *type, Py_ssize_t nitems) {
    size_t size = object_size(type, nitems);
    PyVarObject *object = size == 0 ? NULL : kr_heap_alloc(size);
    if (object == NULL) return (PyVarObject *)PyErr_NoMemory();
    object->ob_size = nitems;
    kr_header_init((PyObject *)object, type);
    return object;
}

PyObject *_PyObject_GC_New(PyTypeObject *type) {
    PyObject *object = kr_gc_alloc((size_t)type->tp_basicsize);
    if (object == NULL) return PyErr_NoMemory();
    kr_header_init(object, type);
    return object;
}

PyVarObject *_PyObject_GC_NewVar(PyTypeObject *type, Py_ssize_t nitems) {
    if (nitems < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    size_t size = object_size(type, nitems);
    PyVarObject *object = size == 0 ? NULL : kr_gc_alloc(size);
    if (object == NULL) return (PyVarObject *)PyErr_NoMemory();
    object->ob_size = nitems;
    kr_header_init((PyObject *)object, type);
    return object;
}

/* Resizes an untracked collected object; it may move. Returns NULL with MemoryError, leaving the object as it was. */
PyVarObject *_PyObject_GC_Resize(PyVarObject *object, Py_ssize_t nitems) {
    size_t size = object_size(Py_TYPE(object), nitems);
    if (size == 0) return (PyVarObject *)PyErr_NoMemory();
    size_t old;
    if (kr_heap_owner(object) & KR_OWNER_COLLECTED)
        old = (size_t)kr_pool_of(object)->size_class * KR_GRANULE;
    else
        old = record_of((PyObject *)object)->size;
    if (size <= old && (old <= KR_SMALL_LIMIT ? kr_size_class(size) == kr_size_class(old) : size > old - old / 4)) {
        object->ob_size = nitems;
        return object;
    }
    PyVarObject *moved = KR_HEAP_INLINE && kr_heap_owner(object) & KR_OWNER_COLLECTED && size <= KR_SMALL_LIMIT
                             ? kr_pool_take(kr_heap.collected[kr_size_class(size)])
                             : NULL;
    if (moved == NULL) moved = kr_heap_alloc_collected_slow(size);
    if (moved == NULL) return (PyVarObject *)PyErr_NoMemory();
    memcpy(moved, object, size < old ? size : old);
    *kr_gc_flags(moved) = *kr_gc_flags(object) & KR_GC_FINALIZED;
    if (!(kr_heap_owner(object) & KR_OWNER_COLLECTED)) large_unlink(record_of((PyObject *)object));
    kr_heap_free_collected_slow(object);
    moved->ob_size = nitems;
    return moved;
}

/* Zeroes a block of at least one granule, by granules while it is small. */
static inline void zero_block(void *block, size_t size) {
    if (size > KR_SMALL_LIMIT) {
        memset(block, 0, size);
        return;
    }
    typedef long long Granule __attribute__((vector_size(KR_GRANULE), may_alias));
    Granule *granule = block, *end = (Granule *)((char *)block + ((size + KR_GRANULE - 1) & ~(size_t)(KR_GRANULE - 1)));
    do *granule++ = (Granule){0, 0};
    while (granule != end);
}

PyObject *kr_object_alloc(PyTypeObject *type, Py_ssize_t nitems) {
    size_t size = type->tp_itemsize == 0 ? (size_t)type->tp_basicsize : object_size(type, nitems + 1);
    int collected = (type->tp_flags & Py_TPFLAGS_HAVE_GC) != 0;
    PyObject *object = size == 0 ? NULL : collected ? kr_gc_alloc(size) : kr_heap_alloc(size);
    if (__builtin_expect(object == NULL, 0)) return PyErr_NoMemory();
    if (__builtin_expect(kr_heap.interposed, 0))
        memset(object, 0, size); /* a hook's blocks need not be whole granules */
    else
        zero_block(object, size);
    if (type->tp_itemsize != 0) ((PyVarObject *)object)->ob_size = nitems;
    kr_header_init(object, type);
    return object;
}

void kr_gc_set_finalized(PyObject *self) { *kr_gc_flags(self) |= KR_GC_FINALIZED; }
