/* Tracing of allocations, beyond tracemalloc.h and runtime/lifecycle.h. */
#ifndef KR_MODULES_TRACEMALLOC_H
#define KR_MODULES_TRACEMALLOC_H

#include <Python.h>

/* Notes that an object comes out of a free list; returns -1 if its block is not traced. */
PyAPI_FUNC(int) _PyTraceMalloc_NewReference(PyObject *object);

#endif
