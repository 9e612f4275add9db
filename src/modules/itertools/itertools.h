/* What the files of the module itertools share.
 *
 * Each iterator is an object whose struct begins with its references, one after the other; ITERTOOL_LIFE writes the
 * functions that visit, drop and release them. A reference may be NULL: the iterator is exhausted, or not begun.
 */
#ifndef KR_MODULES_ITERTOOLS_ITERTOOLS_H
#define KR_MODULES_ITERTOOLS_ITERTOOLS_H

#include <Python.h>

#include "collector/collector.h"
#include "object/arguments.h"

extern PyTypeObject kr_accumulate_type, kr_chain_type, kr_combinations_type, kr_combinations_with_replacement_type,
    kr_compress_type, kr_count_type, kr_cycle_type, kr_dropwhile_type, kr_filterfalse_type, kr_groupby_type,
    kr_grouper_type, kr_islice_type, kr_pairwise_type, kr_permutations_type, kr_product_type, kr_repeat_type,
    kr_starmap_type, kr_takewhile_type, kr_tee_type, kr_tee_data_type, kr_zip_longest_type;

extern PyMethodDef kr_tee_function;

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

static inline PyObject **itertool_references(PyObject *self) { return (PyObject **)(self + 1); }

/* Defines NAME_traverse, NAME_clear and NAME_dealloc for objects that begin with `count` references. `release` frees what
 * else the object owns. */
#define ITERTOOL_LIFE(name, count, release)                                                                            \
    static int name##_traverse(PyObject *op, visitproc visit, void *arg) {                                             \
        for (int i = 0; i < (count); i++) Py_VISIT(itertool_references(op)[i]);                                        \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static int name##_clear(PyObject *op) {                                                                            \
        for (int i = 0; i < (count); i++) Py_CLEAR(itertool_references(op)[i]);                                        \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static void name##_dealloc(PyObject *op) {                                                                         \
        PyObject_GC_UnTrack(op);                                                                                       \
        Py_TRASHCAN_BEGIN(op, name##_dealloc)                                                                          \
        release;                                                                                                       \
        name##_clear(op);                                                                                              \
        Py_TYPE(op)->tp_free(op);                                                                                      \
        Py_TRASHCAN_END                                                                                                \
    }

/* The slots that all iterators of the module have alike. */
#define ITERTOOL_SLOTS(name, object_struct)                                                                            \
    PyVarObject_HEAD_INIT(&PyType_Type, 0)                                                                             \
    .tp_name = "itertools." #name,                                                                                     \
    .tp_basicsize = sizeof(object_struct),                                                                             \
    .tp_dealloc = name##_dealloc,                                                                                      \
    .tp_getattro = PyObject_GenericGetAttr,                                                                            \
    .tp_traverse = name##_traverse,                                                                                    \
    .tp_clear = name##_clear,                                                                                          \
    .tp_iter = PyObject_SelfIter,                                                                                      \
    .tp_iternext = name##_next,                                                                                        \
    .tp_alloc = PyType_GenericAlloc,                                                                                   \
    .tp_new = name##_new,                                                                                              \
    .tp_free = PyObject_GC_Del,                                                                                        \
    .tp_doc = name##_doc

#define ITERTOOL_FLAGS (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE)

/* True, with TypeError set, if keyword arguments are given to a type that takes none; a subclass with an __init__ of its
 * own may take them. */
static inline int itertool_refuses_keywords(PyTypeObject *type, PyTypeObject *own, const char *name, PyObject *kwargs) {
    return (type == own || type->tp_init == own->tp_init) && !_PyArg_NoKeywords(name, kwargs);
}

/* Sorts the arguments of a constructor into `slots`, borrowed, NULL for those not given. Returns 0 or -1. */
static inline int itertool_unpack(PyObject *args, PyObject *kwargs, _PyArg_Parser *parser, int least, int most,
                                  PyObject **slots, int total) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *buffer[4] = {NULL};
    PyObject *const *given = &PyTuple_GET_ITEM(args, 0);
    Py_ssize_t keywords = kwargs != NULL ? PyDict_GET_SIZE(kwargs) : 0;
    if (keywords != 0 || count < least || count > most) {
        given = _PyArg_UnpackKeywords(given, count, kwargs, NULL, parser, least, most, 0, buffer);
        if (given == NULL) return -1;
    }
    for (int i = 0; i < total; i++) slots[i] = keywords != 0 || i < count ? given[i] : NULL;
    return 0;
}

/* The next element of an iterator: a new reference, or NULL, with an exception or (at the end) without. */
static inline PyObject *itertool_next(PyObject *iterator) { return Py_TYPE(iterator)->tp_iternext(iterator); }

/* After itertool_next gave NULL: clears StopIteration. Returns 1 if another exception is set. */
static inline int itertool_failed(void) {
    if (!PyErr_Occurred()) return 0;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return 1;
    PyErr_Clear();
    return 0;
}

/* Allocates an object and gives it its first references, which are taken over; NULLs stay NULL. */
static inline PyObject *itertool_make(PyTypeObject *type, PyObject *const *references, int count) {
    PyObject *self = type->tp_alloc(type, 0);
    if (self == NULL) {
        for (int i = 0; i < count; i++) Py_XDECREF(references[i]);
        return NULL;
    }
    for (int i = 0; i < count; i++) itertool_references(self)[i] = references[i];
    return self;
}

/* Returns a tuple that may be filled anew: the given one with a further reference if nobody else holds it, else a copy,
 * which also takes the place of the given one in *result. */
static inline PyObject *itertool_result(PyObject **result) {
    PyObject *tuple = *result;
    if (Py_REFCNT(tuple) > 1) {
        Py_ssize_t length = PyTuple_GET_SIZE(tuple);
        PyObject *copy = PyTuple_New(length);
        if (copy == NULL) return NULL;
        for (Py_ssize_t i = 0; i < length; i++) PyTuple_SET_ITEM(copy, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
        *result = copy;
        Py_DECREF(tuple);
        return copy;
    }
    /* The collector may have untracked the tuple while it held atoms. */
    if (PyTuple_GET_SIZE(tuple) > 0 && !kr_gc_is_tracked(tuple)) kr_gc_track(tuple);
    return tuple;
}

/* Puts a new reference into a tuple's place. */
static inline void itertool_replace(PyObject *tuple, Py_ssize_t index, PyObject *element) {
    PyObject *old = PyTuple_GET_ITEM(tuple, index);
    PyTuple_SET_ITEM(tuple, index, element);
    Py_DECREF(old);
}

#endif
