/* Making a type ready: PyType_Ready fills what the definition of a type left open, from its bases and its tables. */
#include <Python.h>
#include <stdlib.h>
#include <structmember.h>

#include "heap/heap.h"
#include "object/instance.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"

/* Static types in the order of their readiness, ended by NULL. */
static struct {
    PyTypeObject **types;
    size_t count, room;
} state;

static int remember_static(PyTypeObject *type) {
    for (size_t i = state.count; i-- > 0;)
        if (state.types[i] == type) return 0;
    if (state.count + 1 >= state.room) {
        size_t room = state.room == 0 ? 512 : state.room * 2;
        PyTypeObject **grown = kr_heap_fails() ? NULL : realloc(state.types, room * sizeof *grown);
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        state.types = grown;
        state.room = room;
    }
    state.types[state.count++] = type;
    state.types[state.count] = NULL;
    return 0;
}

PyTypeObject **kr_type_static_list(void) {
    static PyTypeObject *none;
    return state.types == NULL ? &none : state.types;
}

void kr_type_static_finalize(void) {
    for (size_t i = state.count; i-- > 0;) {
        PyTypeObject *type = state.types[i];
        PyType_Modified(type);
        while (type->tp_weaklist != NULL) _PyWeakref_ClearRef((PyWeakReference *)type->tp_weaklist);
        Py_CLEAR(type->tp_dict);
        Py_CLEAR(type->tp_cache);
        Py_CLEAR(type->tp_mro);
        Py_CLEAR(type->tp_bases);
        type->tp_flags &= ~(Py_TPFLAGS_READY | Py_TPFLAGS_VALID_VERSION_TAG);
    }
    for (size_t i = 0; i < state.count; i++) {
        PyMem_Free(state.types[i]->tp_subclasses);
        state.types[i]->tp_subclasses = NULL;
    }
}

/* -- The type's dict ------------------------------------------------------------------------------------------------ */

/* Adds a descriptor under its own name unless the name is taken. Takes the reference. */
static int add_descriptor(PyTypeObject *type, PyObject *name, PyObject *descriptor, int replace) {
    if (descriptor == NULL) return -1;
    int status;
    if (replace) {
        status = PyDict_SetItem(type->tp_dict, name, descriptor);
    } else {
        status = PyDict_SetDefault(type->tp_dict, name, descriptor) != NULL ? 0 : -1;
    }
    Py_DECREF(descriptor);
    return status;
}

static PyObject *method_descriptor(PyTypeObject *type, PyMethodDef *method) {
    if (method->ml_flags & METH_CLASS) {
        if (method->ml_flags & METH_STATIC) {
            PyErr_SetString(PyExc_ValueError, "method cannot be both class and static");
            return NULL;
        }
        return PyDescr_NewClassMethod(type, method);
    }
    if (method->ml_flags & METH_STATIC) {
        PyObject *function = PyCFunction_NewEx(method, (PyObject *)type, NULL);
        if (function == NULL) return NULL;
        PyObject *result = PyStaticMethod_New(function);
        Py_DECREF(function);
        return result;
    }
    return PyDescr_NewMethod(type, method);
}

static int add_methods(PyTypeObject *type) {
    for (PyMethodDef *method = type->tp_methods; method != NULL && method->ml_name != NULL; method++) {
        PyObject *descriptor = method_descriptor(type, method);
        if (descriptor == NULL) return -1;
        /* Static methods have no descriptor with a name. */
        PyObject *name = method->ml_flags & METH_STATIC ? PyUnicode_InternFromString(method->ml_name)
                                                       : Py_NewRef(PyDescr_NAME(descriptor));
        if (name == NULL) {
            Py_DECREF(descriptor);
            return -1;
        }
        int status = add_descriptor(type, name, descriptor, method->ml_flags & METH_COEXIST);
        Py_DECREF(name);
        if (status < 0) return -1;
    }
    return 0;
}

static int add_members(PyTypeObject *type) {
    for (PyMemberDef *member = type->tp_members; member != NULL && member->name != NULL; member++) {
        PyObject *descriptor = PyDescr_NewMember(type, member);
        if (descriptor == NULL || add_descriptor(type, PyDescr_NAME(descriptor), descriptor, 0) < 0) return -1;
    }
    return 0;
}

static int add_getsets(PyTypeObject *type) {
    for (PyGetSetDef *getset = type->tp_getset; getset != NULL && getset->name != NULL; getset++) {
        PyObject *descriptor = PyDescr_NewGetSet(type, getset);
        if (descriptor == NULL || add_descriptor(type, PyDescr_NAME(descriptor), descriptor, 0) < 0) return -1;
    }
    return 0;
}

static int add_doc(PyTypeObject *type) {
    int present = PyDict_Contains(type->tp_dict, KR_NAME(__doc__));
    if (present != 0) return present < 0 ? -1 : 0;
    PyObject *doc;
    if (type->tp_doc != NULL) {
        doc = _PyType_GetDocFromInternalDoc(type->tp_name, type->tp_doc);
        if (doc == NULL) return -1;
    } else {
        doc = Py_NewRef(Py_None);
    }
    int status = PyDict_SetItem(type->tp_dict, KR_NAME(__doc__), doc);
    Py_DECREF(doc);
    return status;
}

/* -- Instantiation ------------------------------------------------------------------------------------------------------ */

static int settle_new(PyTypeObject *type) {
    PyTypeObject *base = type->tp_base;
    /* A static type that derives from object directly and has no constructor is not to be called. */
    if (type->tp_new == NULL && base == &PyBaseObject_Type && !(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        type->tp_flags |= Py_TPFLAGS_DISALLOW_INSTANTIATION;
    }
    if (type->tp_flags & Py_TPFLAGS_DISALLOW_INSTANTIATION) {
        type->tp_new = NULL;
        return 0;
    }
    if (type->tp_new != NULL) {
        if (type->tp_flags & KR_TPFLAGS_CLASS) return 0;
        return kr_type_add_new_wrapper(type);
    }
    if (base != NULL) type->tp_new = base->tp_new;
    return 0;
}

/* -- Inheritance -------------------------------------------------------------------------------------------------------- */

static void inherit_kind(PyTypeObject *type, PyTypeObject *base) {
    static const unsigned long kinds[] = {
        Py_TPFLAGS_BASE_EXC_SUBCLASS, Py_TPFLAGS_TYPE_SUBCLASS,  Py_TPFLAGS_LONG_SUBCLASS, Py_TPFLAGS_BYTES_SUBCLASS,
        Py_TPFLAGS_UNICODE_SUBCLASS,  Py_TPFLAGS_TUPLE_SUBCLASS, Py_TPFLAGS_LIST_SUBCLASS, Py_TPFLAGS_DICT_SUBCLASS,
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(kinds); i++) {
        if (base->tp_flags & kinds[i]) {
            type->tp_flags |= kinds[i];
            break;
        }
    }
    if (base->tp_flags & _Py_TPFLAGS_MATCH_SELF) type->tp_flags |= _Py_TPFLAGS_MATCH_SELF;
}

/* What comes from the one base that decides the layout. */
static void inherit_from_base(PyTypeObject *type, PyTypeObject *base) {
    if (!(type->tp_flags & Py_TPFLAGS_HAVE_GC) && (base->tp_flags & Py_TPFLAGS_HAVE_GC) && type->tp_traverse == NULL &&
        type->tp_clear == NULL) {
        type->tp_flags |= Py_TPFLAGS_HAVE_GC;
        type->tp_traverse = base->tp_traverse;
        type->tp_clear = base->tp_clear;
    }
    type->tp_flags |= base->tp_flags & Py_TPFLAGS_MANAGED_DICT;
    if (type->tp_basicsize == 0) type->tp_basicsize = base->tp_basicsize;
    if (type->tp_itemsize == 0) type->tp_itemsize = base->tp_itemsize;
    if (type->tp_weaklistoffset == 0) type->tp_weaklistoffset = base->tp_weaklistoffset;
    if (type->tp_dictoffset == 0) type->tp_dictoffset = base->tp_dictoffset;
    inherit_kind(type, base);
}

static int dict_has(PyTypeObject *type, PyObject *name) {
    if (name == NULL) return -1;
    return PyDict_Contains(type->tp_dict, name);
}

/* A class of the MRO gives a slot on only if it did not get it from its own base: then that one is further along. */
#define DEFINES(block, slot)                                                                                           \
    (base->block->slot != NULL && (grand == NULL || grand->block == NULL || base->block->slot != grand->block->slot))
#define INHERIT_IN(block, slot)                                                                                        \
    if (type->block->slot == NULL && DEFINES(block, slot)) type->block->slot = base->block->slot
#define DEFINES_TYPE(slot) (base->slot != 0 && (grand == NULL || base->slot != grand->slot))
#define INHERIT(slot)                                                                                                  \
    if (!type->slot && DEFINES_TYPE(slot)) type->slot = base->slot

static void inherit_numbers(PyTypeObject *type, PyTypeObject *base, PyTypeObject *grand) {
    if (type->tp_as_number == NULL || base->tp_as_number == NULL) return;
    INHERIT_IN(tp_as_number, nb_add);
    INHERIT_IN(tp_as_number, nb_subtract);
    INHERIT_IN(tp_as_number, nb_multiply);
    INHERIT_IN(tp_as_number, nb_remainder);
    INHERIT_IN(tp_as_number, nb_divmod);
    INHERIT_IN(tp_as_number, nb_power);
    INHERIT_IN(tp_as_number, nb_negative);
    INHERIT_IN(tp_as_number, nb_positive);
    INHERIT_IN(tp_as_number, nb_absolute);
    INHERIT_IN(tp_as_number, nb_bool);
    INHERIT_IN(tp_as_number, nb_invert);
    INHERIT_IN(tp_as_number, nb_lshift);
    INHERIT_IN(tp_as_number, nb_rshift);
    INHERIT_IN(tp_as_number, nb_and);
    INHERIT_IN(tp_as_number, nb_xor);
    INHERIT_IN(tp_as_number, nb_or);
    INHERIT_IN(tp_as_number, nb_int);
    INHERIT_IN(tp_as_number, nb_float);
    INHERIT_IN(tp_as_number, nb_inplace_add);
    INHERIT_IN(tp_as_number, nb_inplace_subtract);
    INHERIT_IN(tp_as_number, nb_inplace_multiply);
    INHERIT_IN(tp_as_number, nb_inplace_remainder);
    INHERIT_IN(tp_as_number, nb_inplace_power);
    INHERIT_IN(tp_as_number, nb_inplace_lshift);
    INHERIT_IN(tp_as_number, nb_inplace_rshift);
    INHERIT_IN(tp_as_number, nb_inplace_and);
    INHERIT_IN(tp_as_number, nb_inplace_xor);
    INHERIT_IN(tp_as_number, nb_inplace_or);
    INHERIT_IN(tp_as_number, nb_true_divide);
    INHERIT_IN(tp_as_number, nb_floor_divide);
    INHERIT_IN(tp_as_number, nb_inplace_true_divide);
    INHERIT_IN(tp_as_number, nb_inplace_floor_divide);
    INHERIT_IN(tp_as_number, nb_index);
    INHERIT_IN(tp_as_number, nb_matrix_multiply);
    INHERIT_IN(tp_as_number, nb_inplace_matrix_multiply);
}

static void inherit_containers(PyTypeObject *type, PyTypeObject *base, PyTypeObject *grand) {
    if (type->tp_as_async != NULL && base->tp_as_async != NULL) {
        INHERIT_IN(tp_as_async, am_await);
        INHERIT_IN(tp_as_async, am_aiter);
        INHERIT_IN(tp_as_async, am_anext);
        INHERIT_IN(tp_as_async, am_send);
    }
    if (type->tp_as_sequence != NULL && base->tp_as_sequence != NULL) {
        INHERIT_IN(tp_as_sequence, sq_length);
        INHERIT_IN(tp_as_sequence, sq_concat);
        INHERIT_IN(tp_as_sequence, sq_repeat);
        INHERIT_IN(tp_as_sequence, sq_item);
        INHERIT_IN(tp_as_sequence, sq_ass_item);
        INHERIT_IN(tp_as_sequence, sq_contains);
        INHERIT_IN(tp_as_sequence, sq_inplace_concat);
        INHERIT_IN(tp_as_sequence, sq_inplace_repeat);
    }
    if (type->tp_as_mapping != NULL && base->tp_as_mapping != NULL) {
        INHERIT_IN(tp_as_mapping, mp_length);
        INHERIT_IN(tp_as_mapping, mp_subscript);
        INHERIT_IN(tp_as_mapping, mp_ass_subscript);
    }
    if (type->tp_as_buffer != NULL && base->tp_as_buffer != NULL) {
        INHERIT_IN(tp_as_buffer, bf_getbuffer);
        INHERIT_IN(tp_as_buffer, bf_releasebuffer);
    }
}

static int inherit_slots(PyTypeObject *type, PyTypeObject *base) {
    PyTypeObject *grand = base->tp_base;
    inherit_numbers(type, base, grand);
    inherit_containers(type, base, grand);

    INHERIT(tp_dealloc);
    if (type->tp_getattr == NULL && type->tp_getattro == NULL) {
        type->tp_getattr = base->tp_getattr;
        type->tp_getattro = base->tp_getattro;
    }
    if (type->tp_setattr == NULL && type->tp_setattro == NULL) {
        type->tp_setattr = base->tp_setattr;
        type->tp_setattro = base->tp_setattro;
    }
    INHERIT(tp_repr);
    INHERIT(tp_vectorcall_offset);
    /* Anybody can give a mutable class a __call__, so it is called through tp_call; but metaclasses are called all the
     * time: they keep the flag, and lose it when tp_call gets a Python method (update_one_slot). */
    if (type->tp_call == NULL && (base->tp_flags & Py_TPFLAGS_HAVE_VECTORCALL) &&
        (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) || (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) ||
         (base->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS))) {
        type->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL;
    }
    INHERIT(tp_call);
    INHERIT(tp_str);

    /* Comparison and hash go together: a type that says what is equal must say what equal hashes are. */
    if (type->tp_richcompare == NULL && type->tp_hash == NULL) {
        int eq = dict_has(type, KR_NAME(__eq__)), hash = dict_has(type, KR_NAME(__hash__));
        if (eq < 0 || hash < 0) return -1;
        if (!eq && !hash) {
            type->tp_richcompare = base->tp_richcompare;
            type->tp_hash = base->tp_hash;
        }
    }
    INHERIT(tp_iter);
    INHERIT(tp_iternext);
    INHERIT(tp_descr_get);
    /* A type that binds as its base does may be called without binding, as long as nobody can give it a __get__. */
    if (base->tp_descr_get != NULL && type->tp_descr_get == base->tp_descr_get &&
        (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) && (base->tp_flags & Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        type->tp_flags |= Py_TPFLAGS_METHOD_DESCRIPTOR;
    }
    INHERIT(tp_descr_set);
    INHERIT(tp_dictoffset);
    INHERIT(tp_init);
    INHERIT(tp_alloc);
    INHERIT(tp_is_gc);
    INHERIT(tp_finalize);
    if ((type->tp_flags & Py_TPFLAGS_HAVE_GC) == (base->tp_flags & Py_TPFLAGS_HAVE_GC)) {
        INHERIT(tp_free);
    } else if ((type->tp_flags & Py_TPFLAGS_HAVE_GC) && type->tp_free == NULL && base->tp_free == PyObject_Free) {
        /* The type has collected objects, its base had not: the usual way to free them. */
        type->tp_free = PyObject_GC_Del;
    }
    return 0;
}

static int inherit(PyTypeObject *type) {
    PyTypeObject *base = type->tp_base;
    if (base != NULL) inherit_from_base(type, base);
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(mro); i++) {
        PyObject *ancestor = PyTuple_GET_ITEM(mro, i);
        if (PyType_Check(ancestor) && inherit_slots(type, (PyTypeObject *)ancestor) < 0) return -1;
    }
    if (base != NULL) {
        if (type->tp_as_async == NULL) type->tp_as_async = base->tp_as_async;
        if (type->tp_as_number == NULL) type->tp_as_number = base->tp_as_number;
        if (type->tp_as_sequence == NULL) type->tp_as_sequence = base->tp_as_sequence;
        if (type->tp_as_mapping == NULL) type->tp_as_mapping = base->tp_as_mapping;
        if (type->tp_as_buffer == NULL) type->tp_as_buffer = base->tp_as_buffer;
    }
    return 0;
}

/* Whether instances match [...] or {...} patterns comes from the first ancestor that says so. */
static void inherit_pattern_kind(PyTypeObject *type) {
    const unsigned long kinds = Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_MAPPING;
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(mro) && !(type->tp_flags & kinds); i++) {
        type->tp_flags |= ((PyTypeObject *)PyTuple_GET_ITEM(mro, i))->tp_flags & kinds;
    }
}

static int settle_hash(PyTypeObject *type) {
    if (type->tp_hash != NULL) return 0;
    int present = dict_has(type, KR_NAME(__hash__));
    if (present < 0) return -1;
    if (present) return 0;
    type->tp_hash = PyObject_HashNotImplemented;
    return PyDict_SetItem(type->tp_dict, KR_NAME(__hash__), Py_None);
}

/* -- The whole -------------------------------------------------------------------------------------------------------- */

static int check_definition(PyTypeObject *type) {
    if (type->tp_name == NULL) {
        PyErr_Format(PyExc_SystemError, "Type does not define the tp_name field.");
        return -1;
    }
    if ((type->tp_flags & Py_TPFLAGS_HAVE_GC) && type->tp_traverse == NULL && !(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        /* It may get one from its base. */
        PyTypeObject *base = type->tp_base;
        while (base != NULL && base->tp_traverse == NULL) base = base->tp_base;
        if (base == NULL) {
            PyErr_Format(PyExc_SystemError,
                         "type %s has the Py_TPFLAGS_HAVE_GC flag but has no traverse function", type->tp_name);
            return -1;
        }
    }
    return 0;
}

static int set_bases(PyTypeObject *type) {
    PyTypeObject *base = type->tp_base;
    if (base == NULL && type != &PyBaseObject_Type) {
        base = &PyBaseObject_Type;
        type->tp_base = base;
        if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_INCREF(base);
    }
    if (base != NULL && !(base->tp_flags & Py_TPFLAGS_READY) && PyType_Ready(base) < 0) return -1;
    if (Py_TYPE(type) == NULL && base != NULL) Py_SET_TYPE(type, Py_TYPE(base));
    if (type->tp_bases == NULL) {
        type->tp_bases = base == NULL ? PyTuple_New(0) : PyTuple_Pack(1, base);
        if (type->tp_bases == NULL) return -1;
    }
    return 0;
}

static int check_bases(PyTypeObject *type) {
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_bases); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_bases, i);
        if (base->tp_flags & Py_TPFLAGS_HEAPTYPE) {
            PyErr_Format(PyExc_TypeError, "type '%.100s' is not dynamically allocated but its base type '%.100s' is "
                                          "dynamically allocated", type->tp_name, base->tp_name);
            return -1;
        }
    }
    return 0;
}

/* A C type that asks for managed attributes gets a plain dict pointer at its end: its own functions for the collector
 * reach for that with _PyObject_GetDictPtr. Only classes made by class statements have the word of instance.h. */
static void settle_managed_dict(PyTypeObject *type) {
    PyTypeObject *base = type->tp_base;
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT) || (type->tp_flags & KR_TPFLAGS_CLASS)) return;
    if (base->tp_flags & Py_TPFLAGS_MANAGED_DICT) return;
    type->tp_flags &= ~Py_TPFLAGS_MANAGED_DICT;
    if (base->tp_dictoffset != 0) return;
    if (type->tp_basicsize == 0) type->tp_basicsize = base->tp_basicsize;
    type->tp_dictoffset = type->tp_basicsize;
    type->tp_basicsize += sizeof(PyObject *);
}

static int make_ready(PyTypeObject *type) {
    if (check_definition(type) < 0) return -1;
    if (type->tp_dict == NULL && (type->tp_dict = PyDict_New()) == NULL) return -1;
    if (set_bases(type) < 0 || kr_type_compute_mro(type, NULL) < 0 || check_bases(type) < 0) return -1;
    settle_managed_dict(type);
    if (settle_new(type) < 0) return -1;
    /* A class statement's class has no slots yet: they will come from its methods. */
    if (!(type->tp_flags & KR_TPFLAGS_CLASS) && kr_type_add_slot_wrappers(type) < 0) return -1;
    if (add_methods(type) < 0 || add_members(type) < 0 || add_getsets(type) < 0 ||
        add_doc(type) < 0) {
        return -1;
    }
    if (inherit(type) < 0) return -1;
    inherit_pattern_kind(type);
    if (settle_hash(type) < 0) return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_bases); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_bases, i);
        if (kr_type_add_subclass(base, type) < 0) return -1;
    }
    /* A C type derived from a class with managed attributes keeps them at the same place. */
    if ((type->tp_flags & Py_TPFLAGS_MANAGED_DICT) && ((PyHeapTypeObject *)type)->ht_cached_keys == NULL) {
        PyTypeObject *base = type->tp_base;
        if (kr_class_layout_create((PyHeapTypeObject *)type, kr_class_layout(base)->attribute_offset) < 0) return -1;
    }
    return 0;
}

int PyType_Ready(PyTypeObject *type) {
    if (type->tp_flags & Py_TPFLAGS_READY) return 0;
    if (type->tp_flags & Py_TPFLAGS_READYING) return 0;
    type->tp_flags |= Py_TPFLAGS_READYING;
    /* Types defined in C cannot be changed by Python code, unless they are on the heap and do not say so. */
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) type->tp_flags |= Py_TPFLAGS_IMMUTABLETYPE;
    int status = make_ready(type);
    /* One that failed halfway is remembered, too: it keeps what it has for the next attempt. */
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && remember_static(type) < 0) status = -1;
    type->tp_flags &= ~Py_TPFLAGS_READYING;
    if (status < 0) return -1;
    type->tp_flags |= Py_TPFLAGS_READY;
    return 0;
}
