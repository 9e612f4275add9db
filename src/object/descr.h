/* Descriptors of C types: what turns rows of PyMethodDef, PyMemberDef and PyGetSetDef tables into attributes.
 *
 * Invariant: d_type is the type in whose dict the descriptor was put first; every access checks that the object is an
 * instance of it, so the C code behind a descriptor sees no object of another layout.
 */
#ifndef KR_OBJECT_DESCR_H
#define KR_OBJECT_DESCR_H

#include <Python.h>

/* A slot wrapper bound to an object: `(1).__add__`. */
typedef struct {
    PyObject_HEAD
    PyWrapperDescrObject *descr;
    PyObject *self;
} KrMethodWrapper;

typedef struct {
    PyObject_HEAD
    PyObject *mapping;
} KrMappingProxy;

/* Calls a slot wrapper on an object: `args` does not contain the object, kwargs may be NULL. New reference or NULL. */
PyObject *kr_slot_wrapper_call(PyObject *self, PyObject *object, PyObject *args, PyObject *kwargs);

#endif
