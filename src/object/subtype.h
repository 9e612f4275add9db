/* What an instance of a Python class holds in addition to what its C base knows of. */
#ifndef KR_OBJECT_SUBTYPE_H
#define KR_OBJECT_SUBTYPE_H

#include <Python.h>
#include <structmember.h>

#include "object/instance.h"
#include "object/type.h"

static inline Py_ssize_t kr_slot_count(PyTypeObject *type) {
    PyObject *slots = ((PyHeapTypeObject *)type)->ht_slots;
    return slots != NULL ? PyTuple_GET_SIZE(slots) : 0;
}

static inline PyObject **kr_slot_place(PyObject *self, PyTypeObject *type, Py_ssize_t index) {
    return (PyObject **)((char *)self + kr_heap_type_members((PyHeapTypeObject *)type)[index].offset);
}

/* True if this class added a dict of its own in a place that its C base does not know. */
static inline int kr_has_own_plain_dict(PyTypeObject *type, PyTypeObject *base) {
    return !(type->tp_flags & Py_TPFLAGS_MANAGED_DICT) && type->tp_dictoffset != 0 && base->tp_dictoffset == 0;
}

static inline PyObject **kr_plain_dict(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset < 0) {
        Py_ssize_t count = Py_SIZE(self);
        offset += _PyObject_VAR_SIZE(type, count < 0 ? -count : count);
    }
    return (PyObject **)((char *)self + offset);
}

/* Visits what kr_subtype_traverse has to, but for what the traverse function of the C base visits: `*c_base` is set to that
 * base. In line, so that a caller with a `visit` of its own in line pays for no calls. Returns what `visit` returned last. */
static inline __attribute__((always_inline)) int kr_subtype_visit(PyObject *self, visitproc visit, void *arg,
                                                                  PyTypeObject **c_base) {
    PyTypeObject *type = Py_TYPE(self), *base = type;
    for (; base->tp_traverse == kr_subtype_traverse; base = base->tp_base)
        for (Py_ssize_t i = 0, count = kr_slot_count(base); i < count; i++) Py_VISIT(*kr_slot_place(self, base, i));
    *c_base = base;
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        uintptr_t word = *kr_attribute_word(self);
        if (kr_word_is_dict(word)) {
            Py_VISIT(kr_word_dict(word));
        } else if (word != 0) {
            KrValues *values = kr_word_values(word);
            for (int32_t i = 0, used = values->used; i < used; i++) Py_VISIT(values->value[i]);
        }
    } else if (kr_has_own_plain_dict(type, base)) {
        Py_VISIT(*kr_plain_dict(self));
    }
    /* The instance holds its class; a heap base's traverse reports that itself. */
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) &&
        (base->tp_traverse == NULL || !(base->tp_flags & Py_TPFLAGS_HEAPTYPE)))
        Py_VISIT(type);
    return 0;
}

#endif
