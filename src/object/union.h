/* `X | Y` on types: types.UnionType.
 *
 * Invariant: the members of a union are flat (no unions among them) and unique, in the order in which they came.
 */
#ifndef KR_OBJECT_UNION_H
#define KR_OBJECT_UNION_H

#include <Python.h>

extern PyTypeObject _PyUnion_Type;

static inline int kr_union_check(PyObject *op) { return Py_IS_TYPE(op, &_PyUnion_Type); }

/* nb_or of types, generic aliases, unions: NotImplemented unless both operands can be members. */
PyObject *_Py_union_type_or(PyObject *left, PyObject *right);
/* The members' tuple (borrowed). */
PyObject *_Py_union_args(PyObject *self);

#endif
