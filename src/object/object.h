/* What the object model needs from folders below it, and offers beyond the public headers.
 *
 * Invariant: an object is alive from the moment its header is filled in (reference count 1, type set, the type's own
 * reference taken if the type is on the heap) until tp_dealloc returns; nothing here reads an object whose count is 0.
 */
#ifndef KR_OBJECT_OBJECT_H
#define KR_OBJECT_OBJECT_H

#include <Python.h>

/* Implemented by the collector. Allocates a zero-filled object with its header filled in (a reference to a heap type is
 * taken; ob_size is set when the type has items). Not tracked yet. Returns NULL with MemoryError. */
PyObject *kr_object_alloc(PyTypeObject *type, Py_ssize_t nitems);
/* Implemented by the collector: marks an object whose finaliser ran, so that it does not run twice. */
void kr_gc_set_finalized(PyObject *self);


/* Adds `name` and `obj` to the AttributeError that is set, unless it has them. Other exceptions stay as they are. */
void kr_attribute_error_add_context(PyObject *obj, PyObject *name);

/* Like PyObject_GetAttr for a type object; with `suppress`, an absent attribute is NULL without an exception. */
PyObject *kr_type_get_attribute(PyTypeObject *type, PyObject *name, int suppress);
/* The same for a module object. */
PyObject *kr_module_get_attribute(PyObject *module, PyObject *name, int suppress);

/* Releases what the object model keeps for later: free lists, the method cache, interned names. The last thing at
 * shutdown that needs live objects. */
void kr_object_model_finalize(void);

#endif
