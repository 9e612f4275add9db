/* Module objects.
 *
 * Invariant: `dict` is the module's namespace; it is NULL only while module.__new__ runs or after the collector cleared the
 * module. `state` is a block of definition->m_size bytes, once the module was executed. `definition` is NULL for modules
 * written in Python.
 */
#ifndef KR_OBJECT_MODULE_H
#define KR_OBJECT_MODULE_H

#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyObject *dict;
    PyModuleDef *definition;
    void *state;
    PyObject *weaklist;
    PyObject *name; /* for messages when the namespace is gone; may be NULL */
} PyModuleObject;

#endif
