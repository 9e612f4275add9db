/* Specialisation: choosing the form of an instruction that fits the operands it saw. */
#include <Python.h>
#include <structmember.h>

#include "compile/opcodes.h"
#include "object/names.h"
#include "object/property.h"
#include "object/instance.h"
#include "object/interpreter.h"
#include "object/runtime.h"
#include "object/type.h"
#include "types/dict.h"
#include "vm/eval.h"
#include "vm/specialise.h"

const uint8_t kr_deoptimized_opcode[256] = {
#define KR_OPCODE(NAME, number, cache_units, operand) [number] = number,
#include "compile/opcodes.def"
#define KR_SPECIALISED(NAME, number, GENERAL, SHOWN) [number] = OP_##GENERAL,
#include "vm/specialised.def"
};

#define IS_COMPACT(number) ((size_t)(Py_SIZE(number) + 1) <= 2)

static void become(_Py_CODEUNIT *instruction, int opcode) {
    instruction[1] = KR_MISSES;
    _Py_SET_OPCODE(*instruction, opcode);
}

static void give_up(_Py_CODEUNIT *instruction) { instruction[1] = (uint16_t)(KR_WARM - KR_BACKOFF); }

/* ---- Operators ---- */

/* True if the sum goes to the local variable that its left operand came from. */
static int stores_to_operand(_Py_CODEUNIT *instruction, PyObject *left) {
    _Py_CODEUNIT following = instruction[1 + kr_opcode_caches[OP_BINARY_OP]];
    KrFrame *frame = kr_tstate()->cframe->current_frame;
    return kr_deoptimized_opcode[_Py_OPCODE(following)] == OP_STORE_FAST && frame->slot[_Py_OPARG(following)] == left;
}

void kr_specialise_binary_op(_Py_CODEUNIT *instruction, int operator, PyObject *left, PyObject *right) {
    int kind = operator >= KR_NB_INPLACE ? operator - KR_NB_INPLACE : operator;
    int left_int = PyLong_CheckExact(left), right_int = PyLong_CheckExact(right);
    int left_float = PyFloat_CheckExact(left), right_float = PyFloat_CheckExact(right);
    if (left_int && right_int) {
        switch (kind) {
            case KR_NB_ADD: become(instruction, OP_BINARY_OP_ADD_INT); return;
            case KR_NB_SUBTRACT: become(instruction, OP_BINARY_OP_SUBTRACT_INT); return;
            case KR_NB_MULTIPLY: become(instruction, OP_BINARY_OP_MULTIPLY_INT); return;
            case KR_NB_AND: case KR_NB_OR: case KR_NB_XOR: case KR_NB_FLOOR_DIVIDE: case KR_NB_REMAINDER:
            case KR_NB_LSHIFT: case KR_NB_RSHIFT: become(instruction, OP_BINARY_OP_OTHER_INT); return;
        }
    } else if (left_float && right_float) {
        switch (kind) {
            case KR_NB_ADD: become(instruction, OP_BINARY_OP_ADD_FLOAT); return;
            case KR_NB_SUBTRACT: become(instruction, OP_BINARY_OP_SUBTRACT_FLOAT); return;
            case KR_NB_MULTIPLY: become(instruction, OP_BINARY_OP_MULTIPLY_FLOAT); return;
            case KR_NB_TRUE_DIVIDE: become(instruction, OP_BINARY_OP_DIVIDE_FLOAT); return;
        }
    } else if ((left_float && right_int && IS_COMPACT(right)) || (left_int && IS_COMPACT(left) && right_float)) {
        if (kind == KR_NB_ADD || kind == KR_NB_SUBTRACT || kind == KR_NB_MULTIPLY || kind == KR_NB_TRUE_DIVIDE) {
            become(instruction, OP_BINARY_OP_MIXED_FLOAT);
            return;
        }
    } else if (kind == KR_NB_ADD && PyUnicode_CheckExact(left) && PyUnicode_CheckExact(right)) {
        become(instruction, stores_to_operand(instruction, left) ? OP_BINARY_OP_INPLACE_ADD_STR : OP_BINARY_OP_ADD_STR);
        return;
    }
    give_up(instruction);
}

void kr_specialise_compare_op(_Py_CODEUNIT *instruction, int comparison, PyObject *left, PyObject *right) {
    if (PyLong_CheckExact(left) && PyLong_CheckExact(right) && IS_COMPACT(left) && IS_COMPACT(right))
        become(instruction, OP_COMPARE_OP_INT);
    else if (PyFloat_CheckExact(left) && PyFloat_CheckExact(right))
        become(instruction, OP_COMPARE_OP_FLOAT);
    else if (PyUnicode_CheckExact(left) && PyUnicode_CheckExact(right) && (comparison == Py_EQ || comparison == Py_NE))
        become(instruction, OP_COMPARE_OP_STR);
    else
        give_up(instruction);
}

/* A function of simple parameters whose frame the loop can make directly. */
static int is_simple_function(PyObject *object, int arguments) {
    if (!PyFunction_Check(object)) return 0;
    PyCodeObject *code = (PyCodeObject *)((PyFunctionObject *)object)->func_code;
    return (code->co_flags & (CO_VARARGS | CO_VARKEYWORDS | CO_OPTIMIZED)) == CO_OPTIMIZED &&
           code->co_kwonlyargcount == 0 && code->co_argcount == arguments;
}

/* ---- Subscripts ---- */

void kr_specialise_binary_subscr(_Py_CODEUNIT *instruction, PyObject *container, PyObject *key) {
    PyTypeObject *type = Py_TYPE(container);
    int small = PyLong_CheckExact(key) && IS_COMPACT(key);
    if (type == &PyList_Type && small) {
        become(instruction, OP_BINARY_SUBSCR_LIST_INT);
    } else if (type == &PyTuple_Type && small) {
        become(instruction, OP_BINARY_SUBSCR_TUPLE_INT);
    } else if (type == &PyUnicode_Type && small) {
        become(instruction, OP_BINARY_SUBSCR_STR_INT);
    } else if (type == &PyDict_Type) {
        become(instruction, OP_BINARY_SUBSCR_DICT);
    } else if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        PyObject *getitem = KR_NAME(__getitem__);
        if (getitem == NULL) {
            PyErr_Clear();
            give_up(instruction);
            return;
        }
        PyObject *function = _PyType_Lookup(type, getitem);
        uint32_t version;
        if (function == NULL || !is_simple_function(function, 2) || !kr_type_assign_version(type) ||
            (version = kr_function_version((PyFunctionObject *)function)) == 0 || version > UINT16_MAX) {
            give_up(instruction);
            return;
        }
        KrSubscriptCache *cache = (KrSubscriptCache *)(instruction + 1);
        cache->version = type->tp_version_tag;
        cache->function_version = (uint16_t)version;
        ((PyHeapTypeObject *)type)->_spec_cache.getitem = function;
        become(instruction, OP_BINARY_SUBSCR_GETITEM);
    } else {
        give_up(instruction);
    }
}

void kr_specialise_store_subscr(_Py_CODEUNIT *instruction, PyObject *container, PyObject *key) {
    if (PyList_CheckExact(container) && PyLong_CheckExact(key) && IS_COMPACT(key))
        become(instruction, OP_STORE_SUBSCR_LIST_INT);
    else if (PyDict_CheckExact(container))
        become(instruction, OP_STORE_SUBSCR_DICT);
    else
        give_up(instruction);
}

/* ---- Names and attributes ---- */

void kr_specialise_load_global(_Py_CODEUNIT *instruction, PyObject *globals, PyObject *builtins, PyObject *name) {
    KrGlobalCache *cache = (KrGlobalCache *)(instruction + 1);
    if (!PyDict_CheckExact(globals) || !PyDict_CheckExact(builtins)) goto fail;
    uint32_t version = kr_dict_keys_version((PyDictObject *)globals);
    if (version == 0) goto fail;
    Py_ssize_t index = kr_dict_find_index((PyDictObject *)globals, name);
    if (index >= 0) {
        if (index > UINT16_MAX) goto fail;
        cache->index = (uint16_t)index;
        cache->module_version = version;
        become(instruction, OP_LOAD_GLOBAL_MODULE);
        return;
    }
    uint32_t builtin_version = kr_dict_keys_version((PyDictObject *)builtins);
    if (builtin_version == 0 || builtin_version > UINT16_MAX) goto fail;
    index = kr_dict_find_index((PyDictObject *)builtins, name);
    if (index < 0 || index > UINT16_MAX) goto fail;
    cache->index = (uint16_t)index;
    cache->module_version = version;
    cache->builtin_version = (uint16_t)builtin_version;
    become(instruction, OP_LOAD_GLOBAL_BUILTIN);
    return;
fail:
    give_up(instruction);
}

/* True if the instance attributes of the type follow the plain rules. */
static int has_plain_getattr(PyTypeObject *type) { return type->tp_getattro == PyObject_GenericGetAttr; }

/* True if instances may start to bind, because anybody can give their class a `__get__` or `__set__`. */
static int is_mutable_class(PyTypeObject *type) {
    return (type->tp_flags & (Py_TPFLAGS_HEAPTYPE | Py_TPFLAGS_IMMUTABLETYPE)) == Py_TPFLAGS_HEAPTYPE;
}

/* True if a class attribute goes before an instance attribute of the same name, now or some day. */
static int may_bind(PyObject *descriptor) {
    return Py_TYPE(descriptor)->tp_descr_set != NULL || is_mutable_class(Py_TYPE(descriptor));
}

/* Packs where a shape's attribute is; -1 if it does not fit. */
static int pack_place(KrClassLayout *layout, Py_ssize_t index) {
    Py_ssize_t offset = layout->attribute_offset;
    if (offset <= 0 || offset % 8 != 0 || offset / 8 > 255 || index < 0 || index > 255) return -1;
    return (int)(offset / 8 << 8 | index);
}

/* A module's attribute: the index in its dict, or -1. */
static Py_ssize_t module_index(PyObject *module, PyObject *name, uint32_t *version) {
    if (Py_TYPE(module)->tp_getattro != PyModule_Type.tp_getattro) return -1;
    PyDictObject *dict = (PyDictObject *)PyModule_GetDict(module);
    if (dict == NULL || (*version = kr_dict_keys_version(dict)) == 0) return -1;
    Py_ssize_t index = kr_dict_find_index(dict, name);
    return index > UINT16_MAX ? -1 : index;
}

/* A dict's entry for a name, or -1: for instances that have a dict. */
static Py_ssize_t dict_index(PyObject *dict, PyObject *name) {
    if (!PyDict_CheckExact(dict)) return -1;
    Py_ssize_t index = kr_dict_find_index((PyDictObject *)dict, name);
    return index > UINT16_MAX ? -1 : index;
}

/* True for object's own __class__. */
static int is_class_attribute(PyObject *descriptor, PyObject *name) {
    return Py_IS_TYPE(descriptor, &PyGetSetDescr_Type) && _PyUnicode_EqualToASCIIString(name, "__class__") &&
           ((PyGetSetDescrObject *)descriptor)->d_common.d_type == &PyBaseObject_Type;
}

/* Specialises on where an instance keeps its attribute: in a dict, or among the values that its class lays out. Returns 0, or
 * -1 if the place is unknown or does not fit into the cache. */
static int specialise_on_place(_Py_CODEUNIT *instruction, PyObject *owner, PyObject *name, int in_dict, int in_values) {
    KrAttributeCache *cache = (KrAttributeCache *)(instruction + 1);
    PyTypeObject *type = Py_TYPE(owner);
    if (!(type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) return -1;
    KrClassLayout *layout = kr_class_layout(type);
    uintptr_t word = *kr_attribute_word(owner);
    int has_dict = word != 0 && kr_word_is_dict(word);
    Py_ssize_t place = has_dict ? dict_index(kr_word_dict(word), name)
                                : pack_place(layout, kr_shape_find(&layout->shape, name));
    if (place < 0) return -1;
    cache->version = type->tp_version_tag;
    cache->place = (uint16_t)place;
    become(instruction, has_dict ? in_dict : in_values);
    return 0;
}

void kr_specialise_load_attr(_Py_CODEUNIT *instruction, PyObject *owner, PyObject *name) {
    KrAttributeCache *cache = (KrAttributeCache *)(instruction + 1);
    PyTypeObject *type = Py_TYPE(owner);
    if (PyModule_CheckExact(owner)) {
        uint32_t version;
        Py_ssize_t index = module_index(owner, name, &version);
        if (index < 0) goto fail;
        cache->version = version;
        cache->place = (uint16_t)index;
        become(instruction, OP_LOAD_ATTR_MODULE);
        return;
    }
    if (PyType_Check(owner)) {
        PyTypeObject *class = (PyTypeObject *)owner;
        if (type->tp_getattro != PyType_Type.tp_getattro || _PyType_Lookup(type, name) != NULL) goto fail;
        PyObject *value = _PyType_Lookup(class, name);
        if (value == NULL || Py_TYPE(value)->tp_descr_get != NULL || is_mutable_class(Py_TYPE(value)) || !kr_type_assign_version(class)) goto fail;
        /* the metaclass must stay free of the name too: only `type` itself, which cannot change, is taken */
        if (type != &PyType_Type) goto fail;
        cache->version = class->tp_version_tag;
        become(instruction, OP_LOAD_ATTR_CLASS_CONSTANT);
        return;
    }
    if (!has_plain_getattr(type) || !kr_type_assign_version(type)) goto fail;
    PyObject *descriptor = _PyType_Lookup(type, name);
    if (descriptor != NULL) {
        if (is_class_attribute(descriptor, name)) {
            cache->version = type->tp_version_tag;
            cache->place = offsetof(PyObject, ob_type);
            become(instruction, OP_LOAD_ATTR_SLOT);
            return;
        }
        if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) {
            PyMemberDescrObject *member = (PyMemberDescrObject *)descriptor;
            if (member->d_member->type != T_OBJECT_EX || member->d_member->offset > UINT16_MAX ||
                member->d_member->offset < 0 || (member->d_member->flags & PY_AUDIT_READ))
                goto fail;
            if (!PyType_IsSubtype(type, member->d_common.d_type)) goto fail;
            cache->version = type->tp_version_tag;
            cache->place = (uint16_t)member->d_member->offset;
            become(instruction, OP_LOAD_ATTR_SLOT);
            return;
        }
        if (Py_IS_TYPE(descriptor, &PyProperty_Type)) {
            PyObject *getter = kr_property_get_function(descriptor);
            if (getter == NULL || !is_simple_function(getter, 1)) goto fail;
            cache->version = type->tp_version_tag;
            become(instruction, OP_LOAD_ATTR_PROPERTY);
            return;
        }
        if (may_bind(descriptor)) goto fail; /* data descriptors come first */
    }
    if (specialise_on_place(instruction, owner, name, OP_LOAD_ATTR_DICT, OP_LOAD_ATTR_VALUE) == 0) return;
fail:
    give_up(instruction);
}

void kr_specialise_store_attr(_Py_CODEUNIT *instruction, PyObject *owner, PyObject *name) {
    KrAttributeCache *cache = (KrAttributeCache *)(instruction + 1);
    PyTypeObject *type = Py_TYPE(owner);
    if (type->tp_setattro != PyObject_GenericSetAttr || !kr_type_assign_version(type)) goto fail;
    PyObject *descriptor = _PyType_Lookup(type, name);
    if (descriptor != NULL) {
        if (Py_IS_TYPE(descriptor, &PyMemberDescr_Type)) {
            PyMemberDescrObject *member = (PyMemberDescrObject *)descriptor;
            if (member->d_member->type != T_OBJECT_EX || (member->d_member->flags & READONLY) ||
                member->d_member->offset > UINT16_MAX || member->d_member->offset < 0 ||
                !PyType_IsSubtype(type, member->d_common.d_type))
                goto fail;
            cache->version = type->tp_version_tag;
            cache->place = (uint16_t)member->d_member->offset;
            become(instruction, OP_STORE_ATTR_SLOT);
            return;
        }
        if (may_bind(descriptor)) goto fail;
    }
    if (specialise_on_place(instruction, owner, name, OP_STORE_ATTR_DICT, OP_STORE_ATTR_VALUE) == 0) return;
fail:
    give_up(instruction);
}

void kr_specialise_load_method(_Py_CODEUNIT *instruction, PyObject *owner, PyObject *name) {
    KrMethodCache *cache = (KrMethodCache *)(instruction + 1);
    PyTypeObject *type = Py_TYPE(owner);
    if (PyModule_CheckExact(owner)) {
        uint32_t version;
        Py_ssize_t index = module_index(owner, name, &version);
        if (index < 0) goto fail;
        cache->version = version;
        cache->shape_count = (uint16_t)index;
        become(instruction, OP_LOAD_METHOD_MODULE);
        return;
    }
    if (PyType_Check(owner)) {
        PyTypeObject *class = (PyTypeObject *)owner;
        if (type != &PyType_Type || _PyType_Lookup(type, name) != NULL) goto fail;
        PyObject *method = _PyType_Lookup(class, name);
        if (method == NULL || !kr_type_assign_version(class)) goto fail;
        if (!(Py_TYPE(method)->tp_flags & Py_TPFLAGS_METHOD_DESCRIPTOR) &&
            (Py_TYPE(method)->tp_descr_get != NULL || is_mutable_class(Py_TYPE(method))))
            goto fail;
        cache->version = class->tp_version_tag;
        cache->method = method;
        become(instruction, OP_LOAD_METHOD_CLASS);
        return;
    }
    if (!has_plain_getattr(type) || !kr_type_assign_version(type)) goto fail;
    PyObject *method = _PyType_Lookup(type, name);
    if (method == NULL || !(Py_TYPE(method)->tp_flags & Py_TPFLAGS_METHOD_DESCRIPTOR)) goto fail;
    cache->version = type->tp_version_tag;
    cache->method = method;
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        KrClassLayout *layout = kr_class_layout(type);
        if (layout->attribute_offset <= 0 || layout->attribute_offset > UINT16_MAX ||
            kr_shape_find(&layout->shape, name) >= 0)
            goto fail;
        cache->shape_count = (uint16_t)layout->shape.count;
        cache->attribute_offset = (uint16_t)layout->attribute_offset;
        uintptr_t word = *kr_attribute_word(owner);
        become(instruction, word != 0 && kr_word_is_dict(word) ? OP_LOAD_METHOD_DICT : OP_LOAD_METHOD_VALUES);
        return;
    }
    if (type->tp_dictoffset != 0) goto fail;
    become(instruction, OP_LOAD_METHOD_NO_DICT);
    return;
fail:
    give_up(instruction);
}

/* ---- Calls ---- */

PyFunctionObject *kr_class_initialiser(PyTypeObject *type) {
    PyObject *name = KR_NAME(__init__);
    if (name == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *function = _PyType_Lookup(type, name);
    if (function == NULL || !PyFunction_Check(function)) return NULL;
    PyCodeObject *code = (PyCodeObject *)((PyFunctionObject *)function)->func_code;
    if ((code->co_flags & (CO_VARARGS | CO_VARKEYWORDS | CO_OPTIMIZED)) != CO_OPTIMIZED || code->co_kwonlyargcount != 0)
        return NULL;
    return (PyFunctionObject *)function;
}

static void specialise_class(_Py_CODEUNIT *instruction, PyTypeObject *type, int arguments) {
    KrCallCache *cache = (KrCallCache *)(instruction + 1);
    if (type == &PyType_Type && arguments == 1) {
        become(instruction, OP_PRECALL_TYPE_1);
        return;
    }
    if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) && Py_IS_TYPE(type, &PyType_Type) &&
        type->tp_new == PyBaseObject_Type.tp_new && type->tp_alloc == PyType_GenericAlloc && type->tp_itemsize == 0 &&
        !(type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) && kr_type_assign_version(type) &&
        kr_class_initialiser(type) != NULL) {
        cache->version = type->tp_version_tag;
        become(instruction, OP_PRECALL_PYTHON_CLASS);
        return;
    }
    if (type->tp_vectorcall != NULL && Py_IS_TYPE(type, &PyType_Type)) {
        become(instruction, OP_PRECALL_VECTORCALL_CLASS);
        return;
    }
    give_up(instruction);
}

void kr_specialise_precall(_Py_CODEUNIT *instruction, PyObject *callable, int arguments, int bound, int keywords) {
    KrCallCache *cache = (KrCallCache *)(instruction + 1);
    int discarded = _Py_OPCODE(instruction[1 + KR_CALL_SKIP]) == OP_POP_TOP;
    cache->shown = kr_call_shown(callable, arguments, bound, keywords, discarded);
    if (keywords) {
        give_up(instruction);
        return;
    }
    int plain = arguments - bound;
    if (Py_IS_TYPE(callable, &PyMethod_Type) && !bound) {
        callable = PyMethod_GET_FUNCTION(callable);
        if (!PyFunction_Check(callable)) {
            give_up(instruction);
            return;
        }
        arguments++;
        bound = 2; /* a bound method object: only the exact form unpacks it */
    }
    if (PyFunction_Check(callable)) {
        PyFunctionObject *function = (PyFunctionObject *)callable;
        PyCodeObject *code = (PyCodeObject *)function->func_code;
        if ((code->co_flags & (CO_VARARGS | CO_VARKEYWORDS | CO_OPTIMIZED)) != CO_OPTIMIZED ||
            code->co_kwonlyargcount != 0 || function->vectorcall != _PyFunction_Vectorcall)
            goto fail;
        uint32_t version = kr_function_version(function);
        if (version == 0) goto fail;
        int missing = code->co_argcount - arguments;
        Py_ssize_t defaults = function->func_defaults == NULL ? 0 : PyTuple_GET_SIZE(function->func_defaults);
        if (missing < 0 || missing > defaults || (missing > 0 && bound == 2)) goto fail;
        cache->version = version;
        cache->extra = (uint16_t)missing;
        become(instruction, missing == 0 ? OP_PRECALL_PYTHON_EXACT : OP_PRECALL_PYTHON_DEFAULTS);
        return;
    }
    if (PyType_Check(callable) && !bound) {
        specialise_class(instruction, (PyTypeObject *)callable, arguments);
        return;
    }
    PyInterpreterState *interpreter = kr_tstate()->interp;
    if (PyCFunction_CheckExact(callable) && !bound) {
        int flags = PyCFunction_GET_FLAGS(callable);
        if (callable == interpreter->len_function && plain == 1) {
            become(instruction, OP_PRECALL_LEN);
            return;
        }
        if (callable == interpreter->isinstance_function && plain == 2) {
            become(instruction, OP_PRECALL_ISINSTANCE);
            return;
        }
        if (flags == METH_O && plain == 1) {
            become(instruction, OP_PRECALL_BUILTIN_O);
            return;
        }
        if (flags == METH_FASTCALL || flags == (METH_FASTCALL | METH_KEYWORDS)) {
            become(instruction, OP_PRECALL_BUILTIN_FAST);
            return;
        }
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type) && bound == 1) {
        int flags = ((PyMethodDescrObject *)callable)->d_method->ml_flags;
        if (callable == interpreter->list_append && plain == 1) {
            become(instruction, OP_PRECALL_LIST_APPEND);
            return;
        }
        if (flags == METH_O && plain == 1) {
            become(instruction, OP_PRECALL_METHOD_O);
            return;
        }
        if (flags == METH_NOARGS && plain == 0) {
            become(instruction, OP_PRECALL_METHOD_NOARGS);
            return;
        }
        if (flags == METH_FASTCALL || flags == (METH_FASTCALL | METH_KEYWORDS)) {
            become(instruction, OP_PRECALL_METHOD_FAST);
            return;
        }
    }
fail:
    give_up(instruction);
}

void kr_specialise_unpack_sequence(_Py_CODEUNIT *instruction, PyObject *sequence, int count) {
    if (PyTuple_CheckExact(sequence) && PyTuple_GET_SIZE(sequence) == count)
        become(instruction, count == 2 ? OP_UNPACK_SEQUENCE_TWO_TUPLE : OP_UNPACK_SEQUENCE_TUPLE);
    else if (PyList_CheckExact(sequence) && PyList_GET_SIZE(sequence) == count)
        become(instruction, OP_UNPACK_SEQUENCE_LIST);
    else
        give_up(instruction);
}

/* ---- Pairs ---- */

static int general_opcode(_Py_CODEUNIT unit) { return kr_deoptimized_opcode[_Py_OPCODE(unit)]; }

/* Returns the form of `first` that does what it and `second` do, or 0. An attribute of a local is the pair worth most, which
 * `third` may tell of. */
static int pair_of(int first, int second, int third) {
    if (first == OP_LOAD_FAST && second == OP_LOAD_ATTR) return OP_LOAD_FAST_LOAD_ATTR;
    if (first == OP_LOAD_FAST && second == OP_STORE_ATTR) return OP_LOAD_FAST_STORE_ATTR;
    if (second == OP_LOAD_FAST && (third == OP_LOAD_ATTR || third == OP_STORE_ATTR)) return 0;
    if (first == OP_LOAD_FAST && second == OP_LOAD_FAST) return OP_LOAD_FAST_LOAD_FAST;
    if (first == OP_LOAD_FAST && second == OP_LOAD_CONST) return OP_LOAD_FAST_LOAD_CONST;
    if (first == OP_LOAD_CONST && second == OP_LOAD_FAST) return OP_LOAD_CONST_LOAD_FAST;
    if (first == OP_STORE_FAST && second == OP_LOAD_FAST) return OP_STORE_FAST_LOAD_FAST;
    if (first == OP_STORE_FAST && second == OP_STORE_FAST) return OP_STORE_FAST_STORE_FAST;
    if (first == OP_BUILD_SLICE && second == OP_BINARY_SUBSCR) return OP_BUILD_SLICE_SUBSCR;
    return 0;
}

void kr_quicken(PyCodeObject *code) {
    _Py_CODEUNIT *start = kr_code_start(code);
    int units = kr_code_units(code);
    for (int at = 0, next; at < units; at = next) {
        int opcode = _Py_OPCODE(start[at]);
        next = at + 1 + kr_opcode_caches[kr_deoptimized_opcode[opcode]];
        if (next > at + 1) {
            int counts = kr_deoptimized_opcode[opcode] == opcode && opcode != OP_CALL && at + 1 < units;
            if (counts && start[at + 1] < KR_WARM) start[at + 1] = KR_WARM - 1;
            continue;
        }
        int form = opcode == OP_RESUME          ? OP_RESUME_QUICK
                   : opcode == OP_JUMP_BACKWARD ? OP_JUMP_BACKWARD_QUICK
                   : next + 1 < units           ? pair_of(opcode, general_opcode(start[next]), general_opcode(start[next + 1]))
                                                : 0;
        if (form != 0) _Py_SET_OPCODE(start[at], form);
    }
}
