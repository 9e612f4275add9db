/* super objects: attribute lookup that starts behind a given class in the MRO of an object's class.
 *
 * Invariant: an initialised super object that is bound has `self` and `self_class`, and `this_class` is in the MRO of
 * `self_class`; an unbound one has only `this_class`.
 */
#ifndef KR_OBJECT_SUPER_H
#define KR_OBJECT_SUPER_H

#include <Python.h>

typedef struct {
    PyObject_HEAD
    PyTypeObject *this_class;
    PyObject *self;
    PyTypeObject *self_class;
} KrSuper;

/* Implemented by the evaluation loop: what super() without arguments means in the frame that calls it. Sets *type to the
 * class in the cell `__class__` and *obj to the first argument (both borrowed from the frame). Returns 0, or -1 with
 * RuntimeError. */
int kr_frame_super_arguments(PyTypeObject **type, PyObject **obj);

/* The class whose MRO super(type, obj) walks (a new reference), or NULL with TypeError if obj does not belong. */
PyTypeObject *kr_super_check(PyTypeObject *type, PyObject *obj);
/* super(type, obj).name, without making the object. */
PyObject *kr_super_get_attribute(PyTypeObject *type, PyObject *obj, PyTypeObject *obj_class, PyObject *name, int *found);

#endif
