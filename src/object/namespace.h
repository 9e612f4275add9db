/* types.SimpleNamespace. Invariant: the dict of an initialised namespace is never NULL. */
#ifndef KR_OBJECT_NAMESPACE_H
#define KR_OBJECT_NAMESPACE_H

#include <Python.h>

extern PyTypeObject _PyNamespace_Type;

/* Makes a namespace with the given attributes (a dict, or NULL). New reference or NULL. */
PyAPI_FUNC(PyObject *) _PyNamespace_New(PyObject *kwds);

#endif
