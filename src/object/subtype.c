/* Instances of classes: allocation, destruction and traversal on top of what their C base does, and the two attributes
 * `__dict__` and `__weakref__`. */
#include <Python.h>

#include "object/instance.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"
#include "object/subtype.h"
#include "object/type.h"

PyObject *PyType_GenericAlloc(PyTypeObject *type, Py_ssize_t nitems) {
    PyObject *self = kr_object_alloc(type, nitems);
    if (self != NULL && PyType_IS_GC(type)) PyObject_GC_Track(self);
    return self;
}

PyObject *PyType_GenericNew(PyTypeObject *type, PyObject *args, PyObject *kwargs) { return type->tp_alloc(type, 0); }

/* -- Slot members -------------------------------------------------------------------------------------------------------- */

static void clear_slots(PyTypeObject *type, PyObject *self) {
    for (Py_ssize_t i = 0, count = kr_slot_count(type); i < count; i++) Py_CLEAR(*kr_slot_place(self, type, i));
}

/* -- Collection ------------------------------------------------------------------------------------------------------------ */

int kr_subtype_traverse(PyObject *self, visitproc visit, void *arg) {
    PyTypeObject *base;
    int status = kr_subtype_visit(self, visit, arg, &base);
    if (status != 0 || base->tp_traverse == NULL) return status;
    return base->tp_traverse(self, visit, arg);
}

int kr_subtype_clear(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self), *base = type;
    inquiry base_clear;
    while ((base_clear = base->tp_clear) == kr_subtype_clear) {
        if (kr_slot_count(base) != 0) clear_slots(base, self);
        base = base->tp_base;
    }
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        kr_instance_clear(self);
    } else if (kr_has_own_plain_dict(type, base)) {
        Py_CLEAR(*kr_plain_dict(self));
    }
    return base_clear != NULL ? base_clear(self) : 0;
}

/* -- Destruction ------------------------------------------------------------------------------------------------------------- */

/* Runs `__del__` (and the older tp_del, which must not see weak references any more). Returns 0 if the object is still to die, 1 if it lives again. */
static int run_finalizers(PyTypeObject *type, PyObject *self) {
    int collected = PyType_IS_GC(type);
    if (type->tp_finalize != NULL) {
        if (collected) PyObject_GC_Track(self);
        if (PyObject_CallFinalizerFromDealloc(self) < 0) return 1;
        if (collected) PyObject_GC_UnTrack(self);
    }
    if (type->tp_del != NULL) {
        if (collected) PyObject_GC_Track(self);
        if (type->tp_weaklistoffset != 0 && *(PyObject **)((char *)self + type->tp_weaklistoffset) != NULL)
            PyObject_ClearWeakRefs(self);
        type->tp_del(self);
        if (Py_REFCNT(self) > 0) return 1;
        if (collected) PyObject_GC_UnTrack(self);
    }
    return 0;
}

/* Classes are made with collected instances, but an extension module may take the flag away before there are any. */
static void dealloc_uncollected(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (type->tp_finalize != NULL && PyObject_CallFinalizerFromDealloc(self) < 0) return;
    if (type->tp_del != NULL) {
        type->tp_del(self);
        if (Py_REFCNT(self) > 0) return;
    }
    PyTypeObject *base = type;
    destructor base_dealloc;
    while ((base_dealloc = base->tp_dealloc) == kr_subtype_dealloc) base = base->tp_base;
    /* The finalizer may have changed the class. */
    type = Py_TYPE(self);
    int release_type = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) && !(base->tp_flags & Py_TPFLAGS_HEAPTYPE);
    base_dealloc(self);
    if (release_type) Py_DECREF(type);
}

static void dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self), *base = type;
    destructor base_dealloc;
    while ((base_dealloc = base->tp_dealloc) == kr_subtype_dealloc) base = base->tp_base;

    if ((type->tp_finalize != NULL || type->tp_del != NULL) && run_finalizers(type, self)) return;
    type = Py_TYPE(self);
    if (type->tp_weaklistoffset != 0 && base->tp_weaklistoffset == 0) {
        /* Callbacks may make new weak references; the list is theirs until none is left. */
        if (*(PyObject **)((char *)self + type->tp_weaklistoffset) != NULL) PyObject_ClearWeakRefs(self);
    }
    for (PyTypeObject *level = type; level != base; level = level->tp_base) {
        if (kr_slot_count(level) != 0) clear_slots(level, self);
    }
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        kr_instance_clear(self);
    } else if (kr_has_own_plain_dict(type, base)) {
        Py_CLEAR(*kr_plain_dict(self));
    }
    /* A C base untracks its objects itself. */
    if (PyType_IS_GC(base)) PyObject_GC_Track(self);
    type = Py_TYPE(self);
    int release_type = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) && !(base->tp_flags & Py_TPFLAGS_HEAPTYPE);
    base_dealloc(self);
    if (release_type) Py_DECREF(type);
}

void kr_subtype_dealloc(PyObject *self) {
    if (!PyType_IS_GC(Py_TYPE(self))) {
        dealloc_uncollected(self);
        return;
    }
    PyObject_GC_UnTrack(self);
    PyThreadState *tstate = kr_tstate();
    if (_PyTrash_begin(tstate, self)) return;
    dealloc(self);
    _PyTrash_end(tstate);
}

/* -- __dict__ and __weakref__ ------------------------------------------------------------------------------------------------ */

/* A C base type that has a `__dict__` descriptor of its own, or NULL. */
static PyTypeObject *builtin_base_with_dict(PyTypeObject *type) {
    for (; type->tp_base != NULL; type = type->tp_base) {
        if (type->tp_dictoffset != 0 && !(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) return type;
    }
    return NULL;
}

static PyObject *dict_descriptor_of(PyTypeObject *type) {
    PyObject *descriptor = _PyType_Lookup(type, KR_NAME(__dict__));
    return descriptor != NULL && Py_TYPE(descriptor)->tp_descr_set != NULL ? descriptor : NULL;
}

static PyObject *no_dict_error(PyObject *self) {
    PyErr_Format(PyExc_TypeError, "this __dict__ descriptor does not support '%.200s' objects", Py_TYPE(self)->tp_name);
    return NULL;
}

static PyObject *get_dict(PyObject *self, void *context) {
    PyTypeObject *base = builtin_base_with_dict(Py_TYPE(self));
    if (base == NULL) return PyObject_GenericGetDict(self, context);
    PyObject *descriptor = dict_descriptor_of(base);
    descrgetfunc get = descriptor != NULL ? Py_TYPE(descriptor)->tp_descr_get : NULL;
    return get != NULL ? get(descriptor, self, (PyObject *)Py_TYPE(self)) : no_dict_error(self);
}

static int set_dict(PyObject *self, PyObject *value, void *context) {
    PyTypeObject *type = Py_TYPE(self);
    PyTypeObject *base = builtin_base_with_dict(type);
    if (base != NULL) {
        PyObject *descriptor = dict_descriptor_of(base);
        if (descriptor != NULL) return Py_TYPE(descriptor)->tp_descr_set(descriptor, self, value);
        no_dict_error(self);
        return -1;
    }
    if (type->tp_dictoffset == 0) {
        PyErr_SetString(PyExc_AttributeError, "This object has no __dict__");
        return -1;
    }
    if (value != NULL && !PyDict_Check(value)) {
        PyErr_Format(PyExc_TypeError, "__dict__ must be set to a dictionary, not a '%.200s'", Py_TYPE(value)->tp_name);
        return -1;
    }
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) return kr_instance_set_dict(self, value);
    Py_XINCREF(value);
    Py_XSETREF(*kr_plain_dict(self), value);
    return 0;
}

int kr_instance_is_plain(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT) || type->tp_getattro != PyObject_GenericGetAttr) return 0;
    PyObject *descriptor = _PyType_Lookup(type, KR_NAME(__dict__));
    return descriptor != NULL && Py_IS_TYPE(descriptor, &PyGetSetDescr_Type) &&
           ((PyGetSetDescrObject *)descriptor)->d_getset->get == get_dict && builtin_base_with_dict(type) == NULL &&
           !kr_word_is_dict(*kr_attribute_word(self));
}

static PyObject *get_weakref(PyObject *self, void *context) {
    PyTypeObject *type = Py_TYPE(self);
    if (type->tp_weaklistoffset == 0) {
        PyErr_SetString(PyExc_AttributeError, "This object has no __weakref__");
        return NULL;
    }
    PyObject *first = *(PyObject **)((char *)self + type->tp_weaklistoffset);
    return Py_NewRef(first != NULL ? first : Py_None);
}

#define DICT_ENTRY {"__dict__", get_dict, set_dict, "dictionary for instance variables (if defined)"}
#define WEAKREF_ENTRY {"__weakref__", get_weakref, NULL, "list of weak references to the object (if defined)"}

PyGetSetDef kr_subtype_getset_full[] = {DICT_ENTRY, WEAKREF_ENTRY, {NULL}};
PyGetSetDef kr_subtype_getset_dict_only[] = {DICT_ENTRY, {NULL}};
PyGetSetDef kr_subtype_getset_weakref_only[] = {WEAKREF_ENTRY, {NULL}};
