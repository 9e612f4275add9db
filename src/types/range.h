/* Ranges and their iterators.
 *
 * Invariant: `length` is the number of items of a range, and its bounds are ints, of any size. An iterator over C longs
 * exists only for ranges whose items, and the one after the last, fit; `next` is then the item it yields next.
 */
#ifndef KR_TYPES_RANGE_H
#define KR_TYPES_RANGE_H

#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *start;
    PyObject *stop;
    PyObject *step;
    PyObject *length;
} KrRange;

/* Of type PyRangeIter_Type. */
typedef struct {
    PyObject_HEAD
    long next;
    long step;
    long remaining; /* number of items to come */
    long length;    /* number of items of the range */
} KrRangeIterator;

#endif
