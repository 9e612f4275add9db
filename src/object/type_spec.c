/* Heap types of extension modules: PyType_FromSpec and its relatives. */
#include <Python.h>
#include <stddef.h>
#include <structmember.h>
#include <string.h>

#include "object/module.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"

enum { LAST_SLOT = Py_am_send };

#define TYPE(slot) [Py_##slot] = offsetof(PyHeapTypeObject, ht_type.slot)
#define ASYNC(slot) [Py_##slot] = offsetof(PyHeapTypeObject, as_async.slot)
#define NUMBER(slot) [Py_##slot] = offsetof(PyHeapTypeObject, as_number.slot)
#define MAPPING(slot) [Py_##slot] = offsetof(PyHeapTypeObject, as_mapping.slot)
#define SEQUENCE(slot) [Py_##slot] = offsetof(PyHeapTypeObject, as_sequence.slot)
#define BUFFER(slot) [Py_##slot] = offsetof(PyHeapTypeObject, as_buffer.slot)

/* Where each numbered slot lies in PyHeapTypeObject. */
static const unsigned short slot_offsets[LAST_SLOT + 1] = {
    BUFFER(bf_getbuffer), BUFFER(bf_releasebuffer),
    MAPPING(mp_ass_subscript), MAPPING(mp_length), MAPPING(mp_subscript),
    NUMBER(nb_absolute), NUMBER(nb_add), NUMBER(nb_and), NUMBER(nb_bool), NUMBER(nb_divmod), NUMBER(nb_float),
    NUMBER(nb_floor_divide), NUMBER(nb_index), NUMBER(nb_inplace_add), NUMBER(nb_inplace_and),
    NUMBER(nb_inplace_floor_divide), NUMBER(nb_inplace_lshift), NUMBER(nb_inplace_multiply), NUMBER(nb_inplace_or),
    NUMBER(nb_inplace_power), NUMBER(nb_inplace_remainder), NUMBER(nb_inplace_rshift), NUMBER(nb_inplace_subtract),
    NUMBER(nb_inplace_true_divide), NUMBER(nb_inplace_xor), NUMBER(nb_int), NUMBER(nb_invert), NUMBER(nb_lshift),
    NUMBER(nb_multiply), NUMBER(nb_negative), NUMBER(nb_or), NUMBER(nb_positive), NUMBER(nb_power),
    NUMBER(nb_remainder), NUMBER(nb_rshift), NUMBER(nb_subtract), NUMBER(nb_true_divide), NUMBER(nb_xor),
    NUMBER(nb_matrix_multiply), NUMBER(nb_inplace_matrix_multiply),
    SEQUENCE(sq_ass_item), SEQUENCE(sq_concat), SEQUENCE(sq_contains), SEQUENCE(sq_inplace_concat),
    SEQUENCE(sq_inplace_repeat), SEQUENCE(sq_item), SEQUENCE(sq_length), SEQUENCE(sq_repeat),
    TYPE(tp_alloc), TYPE(tp_base), TYPE(tp_bases), TYPE(tp_call), TYPE(tp_clear), TYPE(tp_dealloc), TYPE(tp_del),
    TYPE(tp_descr_get), TYPE(tp_descr_set), TYPE(tp_doc), TYPE(tp_getattr), TYPE(tp_getattro), TYPE(tp_hash),
    TYPE(tp_init), TYPE(tp_is_gc), TYPE(tp_iter), TYPE(tp_iternext), TYPE(tp_methods), TYPE(tp_new), TYPE(tp_repr),
    TYPE(tp_richcompare), TYPE(tp_setattr), TYPE(tp_setattro), TYPE(tp_str), TYPE(tp_traverse), TYPE(tp_members),
    TYPE(tp_getset), TYPE(tp_free), TYPE(tp_finalize),
    ASYNC(am_await), ASYNC(am_aiter), ASYNC(am_anext), ASYNC(am_send),
};

/* What the special members of a specification say about the layout. */
typedef struct SpecLayout {
    Py_ssize_t member_count;
    Py_ssize_t weaklist_offset, dict_offset, vectorcall_offset;
} SpecLayout;

static int read_layout(PyType_Spec *spec, SpecLayout *layout) {
    for (PyType_Slot *slot = spec->slots; slot->slot != 0; slot++) {
        if (slot->slot < 0 || slot->slot > LAST_SLOT) {
            PyErr_SetString(PyExc_RuntimeError, "invalid slot offset");
            return -1;
        }
        if (slot->slot != Py_tp_members) continue;
        layout->member_count = 0;
        for (PyMemberDef *member = slot->pfunc; member->name != NULL; member++) {
            layout->member_count++;
            if (strcmp(member->name, "__weaklistoffset__") == 0) layout->weaklist_offset = member->offset;
            if (strcmp(member->name, "__dictoffset__") == 0) layout->dict_offset = member->offset;
            if (strcmp(member->name, "__vectorcalloffset__") == 0) layout->vectorcall_offset = member->offset;
        }
    }
    return 0;
}

/* The tuple of bases from the argument or the slots. New reference. */
static PyObject *find_bases(PyType_Spec *spec, PyObject *bases) {
    if (bases != NULL) return PyTuple_Check(bases) ? Py_NewRef(bases) : PyTuple_Pack(1, bases);
    PyObject *base = (PyObject *)&PyBaseObject_Type;
    for (PyType_Slot *slot = spec->slots; slot->slot != 0; slot++) {
        if (slot->slot == Py_tp_base) base = slot->pfunc;
        if (slot->slot == Py_tp_bases) bases = slot->pfunc;
    }
    if (bases == NULL) return PyTuple_Pack(1, base);
    if (PyTuple_Check(bases)) return Py_NewRef(bases);
    PyErr_SetString(PyExc_SystemError, "Py_tp_bases is not a tuple");
    return NULL;
}

static char *copy_text(const char *text, void *(*allocate)(size_t)) {
    size_t size = strlen(text) + 1;
    char *copy = allocate(size);
    if (copy == NULL) {
        PyErr_NoMemory();
    } else {
        memcpy(copy, text, size);
    }
    return copy;
}

static int set_name(PyHeapTypeObject *type, const char *name) {
    const char *dot = strrchr(name, '.');
    type->ht_name = PyUnicode_FromString(dot != NULL ? dot + 1 : name);
    if (type->ht_name == NULL) return -1;
    type->ht_qualname = Py_NewRef(type->ht_name);
    /* The specification may go away with its module. */
    type->_ht_tpname = copy_text(name, PyMem_Malloc);
    type->ht_type.tp_name = type->_ht_tpname;
    return type->_ht_tpname != NULL ? 0 : -1;
}

static int fill_slots(PyHeapTypeObject *heap_type, PyType_Spec *spec, SpecLayout *layout) {
    PyTypeObject *type = &heap_type->ht_type;
    for (PyType_Slot *slot = spec->slots; slot->slot != 0; slot++) {
        switch (slot->slot) {
        case Py_tp_base:
        case Py_tp_bases: break;
        case Py_tp_doc:
            type->tp_doc = NULL;
            if (slot->pfunc != NULL && (type->tp_doc = copy_text(slot->pfunc, PyObject_Malloc)) == NULL) return -1;
            break;
        case Py_tp_members:
            memcpy(kr_heap_type_members(heap_type), slot->pfunc, layout->member_count * sizeof(PyMemberDef));
            type->tp_members = kr_heap_type_members(heap_type);
            break;
        default: *(void **)((char *)heap_type + slot_offsets[slot->slot]) = slot->pfunc;
        }
    }
    if (type->tp_dealloc == NULL) type->tp_dealloc = kr_subtype_dealloc;
    if (layout->vectorcall_offset) type->tp_vectorcall_offset = layout->vectorcall_offset;
    return 0;
}

/* `__module__` is the first part of the name, unless the type's own attributes say otherwise. */
static int set_module_name(PyTypeObject *type, const char *name) {
    int present = PyDict_Contains(type->tp_dict, KR_NAME(__module__));
    if (present != 0) return present < 0 ? -1 : 0;
    const char *dot = strrchr(name, '.');
    if (dot == NULL) {
        return PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "builtin type %.200s has no __module__ attribute", name);
    }
    PyObject *module = PyUnicode_FromStringAndSize(name, dot - name);
    if (module == NULL) return -1;
    int status = PyDict_SetItem(type->tp_dict, KR_NAME(__module__), module);
    Py_DECREF(module);
    return status;
}

PyObject *PyType_FromModuleAndSpec(PyObject *module, PyType_Spec *spec, PyObject *bases_in) {
    SpecLayout layout = {0};
    PyHeapTypeObject *heap_type = NULL;
    if (read_layout(spec, &layout) < 0) return NULL;
    if (spec->name == NULL) {
        PyErr_SetString(PyExc_SystemError, "Type spec does not define the name field.");
        return NULL;
    }
    PyObject *bases = find_bases(spec, bases_in);
    if (bases == NULL) return NULL;
    PyTypeObject *base = kr_type_best_base(bases);
    if (base == NULL) goto error;

    heap_type = (PyHeapTypeObject *)PyType_GenericAlloc(&PyType_Type, layout.member_count);
    if (heap_type == NULL) goto error;
    PyTypeObject *type = &heap_type->ht_type;
    type->tp_flags = spec->flags | Py_TPFLAGS_HEAPTYPE;
    type->tp_as_async = &heap_type->as_async;
    type->tp_as_sequence = &heap_type->as_sequence;
    type->tp_as_mapping = &heap_type->as_mapping;
    type->tp_as_number = &heap_type->as_number;
    type->tp_as_buffer = &heap_type->as_buffer;
    type->tp_base = (PyTypeObject *)Py_NewRef(base);
    type->tp_bases = bases;
    bases = NULL;
    heap_type->ht_module = Py_XNewRef(module);
    if (set_name(heap_type, spec->name) < 0) goto error;
    type->tp_basicsize = spec->basicsize;
    type->tp_itemsize = spec->itemsize;
    if (fill_slots(heap_type, spec, &layout) < 0) goto error;
    type->tp_weaklistoffset = layout.weaklist_offset;
    type->tp_dictoffset = layout.dict_offset;
    if (PyType_Ready(type) < 0) goto error;
    /* these two members only tell the layout */
    if (layout.weaklist_offset != 0 && PyDict_DelItemString(type->tp_dict, "__weaklistoffset__") < 0) goto error;
    if (layout.dict_offset != 0 && PyDict_DelItemString(type->tp_dict, "__dictoffset__") < 0) goto error;
    if (set_module_name(type, spec->name) < 0) goto error;
    return (PyObject *)type;
error:
    Py_XDECREF(heap_type);
    Py_XDECREF(bases);
    return NULL;
}

PyObject *PyType_FromSpecWithBases(PyType_Spec *spec, PyObject *bases) {
    return PyType_FromModuleAndSpec(NULL, spec, bases);
}

PyObject *PyType_FromSpec(PyType_Spec *spec) { return PyType_FromModuleAndSpec(NULL, spec, NULL); }

/* -- Reading -------------------------------------------------------------------------------------------------------------------------- */

void *PyType_GetSlot(PyTypeObject *type, int slot) {
    if (slot < 1 || slot > LAST_SLOT) {
        PyErr_BadInternalCall();
        return NULL;
    }
    void **address = kr_type_slot_address(type, slot_offsets[slot]);
    return address != NULL ? *address : NULL;
}

PyObject *PyType_GetModule(PyTypeObject *type) {
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        return PyErr_Format(PyExc_TypeError, "PyType_GetModule: Type '%s' is not a heap type", type->tp_name);
    }
    PyObject *module = ((PyHeapTypeObject *)type)->ht_module;
    if (module == NULL) {
        PyErr_Format(PyExc_TypeError, "PyType_GetModule: Type '%s' has no associated module", type->tp_name);
    }
    return module;
}

void *PyType_GetModuleState(PyTypeObject *type) {
    PyObject *module = PyType_GetModule(type);
    return module != NULL ? PyModule_GetState(module) : NULL;
}

PyObject *PyType_GetModuleByDef(PyTypeObject *type, PyModuleDef *definition) {
    PyObject *mro = type->tp_mro;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *ancestor = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        if (!(ancestor->tp_flags & Py_TPFLAGS_HEAPTYPE)) continue;
        PyObject *module = ((PyHeapTypeObject *)ancestor)->ht_module;
        if (module != NULL && PyModule_Check(module) && ((PyModuleObject *)module)->definition == definition) return module;
    }
    return PyErr_Format(PyExc_TypeError, "PyType_GetModuleByDef: No superclass of '%s' has the given module",
                        type->tp_name);
}
