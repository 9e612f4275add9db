/* Iterators that belong to no container. */
#ifndef KR_TYPES_ITER_H
#define KR_TYPES_ITER_H

#include <Python.h>

extern PyTypeObject _PyAnextAwaitable_Type;

/* Returns an awaitable like `awaitable` that yields `default_value` instead of raising StopAsyncIteration: the result of
 * anext() with two arguments. A new reference, or NULL on error. */
PyObject *PyAnextAwaitable_New(PyObject *awaitable, PyObject *default_value);

/* Returns the object that `await` iterates over; the evaluation loop provides it. A new reference, or NULL on error. */
PyObject *kr_coroutine_get_awaitable(PyObject *object);

#endif
