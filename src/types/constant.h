/* When two constants of a code object are the same constant.
 *
 * Equality is not enough: 1, 1.0 and True are equal, 0.0 and -0.0 too, and so are tuples of them. Two constants are the
 * same if they have the same type and cannot be told apart.
 */
#ifndef KR_TYPES_CONSTANT_H
#define KR_TYPES_CONSTANT_H

#include <Python.h>

/* Returns a hash that is equal for same constants; -1 with an exception on error. */
Py_hash_t kr_constant_hash(PyObject *constant);
/* Returns 1 if the constants are the same, 0 if not, -1 on error. */
int kr_constant_equal(PyObject *a, PyObject *b);

#endif
