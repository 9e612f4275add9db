/* Weak references: see weakrefobject.h for the interface.
 *
 * Invariant: the live weak references to an object form a list, headed by the word at its type's tp_weaklistoffset. In
 * front of it stand, if there are any, the reference of the exact type without callback, then the proxy without callback;
 * new requests for such share them. A dead reference is in no list and its wr_object is None; it may still have its
 * callback. wr_object is a borrowed reference.
 */
#ifndef KR_COLLECTOR_WEAKREF_H
#define KR_COLLECTOR_WEAKREF_H

#include <Python.h>

/* Returns the head word of an object's list; the type must support weak references. */
static inline PyWeakReference **kr_weakref_list(PyObject *object) {
    return (PyWeakReference **)((char *)object + Py_TYPE(object)->tp_weaklistoffset);
}

#endif
