/* types.GenericAlias: list[int] and its like.
 *
 * Invariant: `args` is a tuple. `parameters`, the type variables in it, is NULL until somebody asks.
 */
#ifndef KR_OBJECT_GENERICALIAS_H
#define KR_OBJECT_GENERICALIAS_H

#include <Python.h>

extern PyTypeObject _Py_GenericAliasIterType;

static inline int kr_generic_alias_check(PyObject *op) { return PyObject_TypeCheck(op, &Py_GenericAliasType); }

/* The distinct type variables in a tuple of type arguments, in order: a new tuple or NULL. */
PyObject *_Py_make_parameters(PyObject *args);
/* Replaces the type variables in `args` by what `item` (one argument or a tuple) gives for them: a new tuple or NULL.
 * `self` is what error messages name. */
PyObject *_Py_subs_parameters(PyObject *self, PyObject *args, PyObject *parameters, PyObject *item);
/* The text for a type in the repr of an alias or union. New reference. */
PyObject *kr_type_argument_repr(PyObject *argument);

#endif
