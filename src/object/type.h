/* Types: lookup along the MRO, version tags, and how the slots of a type and its dunder methods stay in step.
 *
 * Invariants:
 * - A type with Py_TPFLAGS_VALID_VERSION_TAG has a tp_version_tag that no other type, and no earlier state of this type,
 *   ever had; all its bases have valid tags too. Whatever changes what a lookup in the type can find calls
 *   PyType_Modified, which takes the tags of the type and of all its subclasses away. Without the flag the tag is 0.
 * - tp_subclasses is a KrSubclasses record of borrowed pointers: a type leaves its bases' lists before it dies.
 * - A class made by a class statement (KR_TPFLAGS_CLASS) has in each slot what its dunder methods say.
 */
#ifndef KR_OBJECT_TYPE_H
#define KR_OBJECT_TYPE_H

#include <Python.h>

/* Bits of tp_flags that CPython 3.11 leaves free. */
#define KR_TPFLAGS_CLASS (1UL << 2)    /* made by type.__new__: its slots follow its dunder methods */
#define KR_TPFLAGS_UNCACHED (1UL << 3) /* its MRO names classes that do not know it as a subclass: no version tags */

typedef struct KrSubclasses {
    Py_ssize_t count;
    Py_ssize_t capacity;
    PyTypeObject *item[];
} KrSubclasses;

static inline KrSubclasses *kr_type_subclasses(PyTypeObject *type) { return (KrSubclasses *)type->tp_subclasses; }

/* The member records of a heap type's slots or of its Py_tp_members; they follow the type object proper. */
static inline PyMemberDef *kr_heap_type_members(PyHeapTypeObject *type) {
    return (PyMemberDef *)((char *)type + Py_TYPE(type)->tp_basicsize);
}

/* -- Lookup (type_cache.c) */

/* Gives the type a version tag if it has none. Returns 1, or 0 if it cannot have one. */
int kr_type_assign_version(PyTypeObject *type);
/* Looks a special method up in the type of self and binds it. New reference; NULL without an exception if absent. */
PyObject *kr_special_lookup(PyObject *self, PyObject *name);
/* The same, but leaves a function unbound (*unbound = 1) for a call with self as first argument. */
PyObject *kr_special_lookup_unbound(PyObject *self, PyObject *name, int *unbound);
/* Frees the method cache's names. */
void kr_type_cache_finalize(void);

/* -- MRO, bases, layout (type_mro.c) */

/* Computes tp_mro anew. Returns 1; 0 if a custom mro() changed the type meanwhile; -1 on error. *old_mro, if asked for,
 * gets the old one (owned by the caller, only when 1 is returned). */
int kr_type_compute_mro(PyTypeObject *type, PyObject **old_mro);
/* The base that decides the layout of a class with these bases (borrowed), or NULL with TypeError. */
PyTypeObject *kr_type_best_base(PyObject *bases);
/* True if instances of `from` may become instances of `to`; otherwise TypeError names `attribute`. */
int kr_type_layout_compatible(PyTypeObject *from, PyTypeObject *to, const char *attribute);
int kr_type_add_subclass(PyTypeObject *base, PyTypeObject *type);
void kr_type_remove_subclass(PyTypeObject *base, PyTypeObject *type);
int kr_type_set_bases(PyTypeObject *type, PyObject *bases, void *closure);
PyObject *kr_type_subclass_list(PyTypeObject *type);
/* type.mro() as a method. */
PyObject *kr_type_mro_method(PyObject *self, PyObject *unused);

/* -- Slots (type_slots.c) */

/* Where a type keeps the slot with this offset in PyHeapTypeObject; NULL if it has no such block of methods. */
void **kr_type_slot_address(PyTypeObject *type, size_t offset);
/* Puts slot wrappers for the type's filled slots into its dict. Returns 0 or -1. */
int kr_type_add_slot_wrappers(PyTypeObject *type);
/* Fills the slots of a new class from its dunder methods. Returns 0 or -1. */
int kr_type_fill_slots(PyTypeObject *type);
/* Recomputes every slot of the type and its subclasses (the bases changed). */
int kr_type_update_all_slots(PyTypeObject *type);
/* Recomputes the slots that a dunder name stands for, after an assignment to that class attribute. */
int kr_type_update_slot(PyTypeObject *type, PyObject *name);
/* Adds the `__new__` of a type that has its own tp_new. */
int kr_type_add_new_wrapper(PyTypeObject *type);
void kr_type_slots_finalize(void);
int kr_slot_init(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *kr_slot_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
PyObject *kr_slot_getattr_hook(PyObject *self, PyObject *name);
PyObject *kr_slot_getattribute(PyObject *self, PyObject *name);
PyObject *kr_slot_call(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *kr_slot_descr_get(PyObject *self, PyObject *obj, PyObject *type);

/* -- type.c */

/* Adds the names of a class and of its bases to a dict, for dir(). */
int kr_type_collect_names(PyObject *names, PyObject *cls);

/* -- Making (type_new.c, type_ready.c) */

PyObject *kr_type_new(PyTypeObject *metatype, PyObject *args, PyObject *kwargs);
/* The static types that are ready, ended by NULL. */
PyTypeObject **kr_type_static_list(void);
/* Takes from every static type what PyType_Ready gave it; only deallocators may be called afterwards. */
void kr_type_static_finalize(void);
/* tp_vectorcall of classes made by class statements. */
PyObject *kr_class_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames);

/* -- Instances of classes (subtype.c) */

void kr_subtype_dealloc(PyObject *self);
int kr_subtype_traverse(PyObject *self, visitproc visit, void *arg);
int kr_subtype_clear(PyObject *self);
extern PyGetSetDef kr_subtype_getset_full[], kr_subtype_getset_dict_only[], kr_subtype_getset_weakref_only[];

/* -- object (object_type.c) */

PyObject *kr_object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
int kr_object_init(PyObject *self, PyObject *args, PyObject *kwargs);
/* Raises the TypeError about abstract methods of a class with Py_TPFLAGS_IS_ABSTRACT. */
void kr_object_abstract_error(PyTypeObject *type);

#endif
