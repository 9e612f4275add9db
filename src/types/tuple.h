/* Tuples, beyond tupleobject.h.
 *
 * Invariant: there is one empty tuple of the exact type. A tuple that is complete never changes; an exact one whose items
 * cannot be part of cycles may be untracked by the collector.
 */
#ifndef KR_TYPES_TUPLE_H
#define KR_TYPES_TUPLE_H

#include <Python.h>

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    PyTupleObject *sequence; /* NULL when exhausted */
} KrTupleIterator;

/* Return a new tuple of `count` items, taking new references to them, or the caller's. NULL with MemoryError; the caller's
 * references are released then, too. */
PyObject *kr_tuple_from_array(PyObject *const *items, Py_ssize_t count);
PyObject *kr_tuple_from_array_steal(PyObject *const *items, Py_ssize_t count);
/* Return a new tuple of one or two items, taking new references. */
PyObject *kr_tuple_pack1(PyObject *item);
PyObject *kr_tuple_pack2(PyObject *first, PyObject *second);

/* Returns a new pair, taking the caller's references, even if it fails. It is tracked only if an item may be part of a cycle. */
PyObject *kr_tuple_pair_steal(PyObject *first, PyObject *second);

void kr_tuple_finalize(void);

#endif
