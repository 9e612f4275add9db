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

/* Pickling of iterators.
 *
 * An iterator is restored by calling iter() and setting an index. That name is looked up among the built-in functions, and
 * the look-up may run code which exhausts the iterator: only then may its state be looked at. */

/* Returns (iter, (sequence,), index), or once the iterator is exhausted (iter, (empty,)). `sequence` and `index` are the
 * members of the iterator; takes the reference to `empty`, which may be NULL with an exception. NULL on error. */
PyObject *kr_iterator_reduce(PyObject *const *sequence, const Py_ssize_t *index, PyObject *empty);

/* Returns (iter, (rest,)) for a list of the items that are left; takes the reference to it, which may be NULL with an
 * exception. NULL on error. */
PyObject *kr_iterator_reduce_rest(PyObject *rest);

/* Sets the index of an iterator to what its __setstate__ was given, brought between `low` and `high`. Returns None, or NULL on
 * error. */
PyObject *kr_iterator_set_index(Py_ssize_t *index, PyObject *state, Py_ssize_t low, Py_ssize_t high);

#endif
