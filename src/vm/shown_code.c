/* _co_code_adaptive: running code in the terms of dis, which names the specialised instructions of <opcode.h>.
 *
 * The evaluation loop has forms of its own, and specialised.def says which of dis's stands for each. What that list cannot
 * say is decided here: whether an instruction without a form in dis was tried, and what a call is.
 */
#include <Python.h>
#include <opcode.h>

#include "compile/opcodes.h"
#include "object/interpreter.h"
#include "object/runtime.h"
#include "types/code.h"
#include "vm/eval.h"
#include "vm/specialise.h"

/* How warm code shows each opcode; zero: as it is. */
static const uint8_t shown_opcode[256] = {
    [OP_BINARY_OP] = BINARY_OP_ADAPTIVE,
    [OP_BINARY_SUBSCR] = BINARY_SUBSCR_ADAPTIVE,
    [OP_CALL] = CALL_ADAPTIVE,
    [OP_COMPARE_OP] = COMPARE_OP_ADAPTIVE,
    [OP_EXTENDED_ARG] = EXTENDED_ARG_QUICK,
    [OP_LOAD_ATTR] = LOAD_ATTR_ADAPTIVE,
    [OP_LOAD_GLOBAL] = LOAD_GLOBAL_ADAPTIVE,
    [OP_LOAD_METHOD] = LOAD_METHOD_ADAPTIVE,
    [OP_PRECALL] = PRECALL_ADAPTIVE,
    [OP_STORE_ATTR] = STORE_ATTR_ADAPTIVE,
    [OP_STORE_SUBSCR] = STORE_SUBSCR_ADAPTIVE,
    [OP_UNPACK_SEQUENCE] = UNPACK_SEQUENCE_ADAPTIVE,
#define KR_SPECIALISED(NAME, number, GENERAL, SHOWN) [number] = SHOWN,
#include "vm/specialised.def"
};

/* ---- Calls ---- */

/* The built-in classes that dis knows to be called directly. */
static int is_direct_class(PyObject *class) {
    static PyTypeObject *const classes[] = {
        &PyBool_Type,  &PyDict_Type,      &PyEnum_Type, &PyFilter_Type, &PyFloat_Type, &PyFrozenSet_Type, &PyList_Type, &PyMap_Type,
        &PyRange_Type, &PyReversed_Type, &PySet_Type,  &PySuper_Type,  &PyTuple_Type, &PyType_Type,
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(classes); i++)
        if (class == (PyObject *)classes[i]) return 1;
    return 0;
}

static int class_call_shown(PyObject *class, int arguments, int keywords) {
    if (arguments == 1 && !keywords) {
        if (class == (PyObject *)&PyType_Type) return PRECALL_NO_KW_TYPE_1;
        if (class == (PyObject *)&PyUnicode_Type) return PRECALL_NO_KW_STR_1;
        if (class == (PyObject *)&PyTuple_Type) return PRECALL_NO_KW_TUPLE_1;
    }
    return is_direct_class(class) ? PRECALL_BUILTIN_CLASS : PRECALL_ADAPTIVE;
}

static int builtin_call_shown(PyObject *function, int arguments, int keywords) {
    int flags = PyCFunction_GET_FLAGS(function);
    if (flags == (METH_FASTCALL | METH_KEYWORDS)) return PRECALL_BUILTIN_FAST_WITH_KEYWORDS;
    if (keywords) return PRECALL_ADAPTIVE;
    PyInterpreterState *interpreter = kr_tstate()->interp;
    if (function == interpreter->len_function && arguments == 1) return PRECALL_NO_KW_LEN;
    if (function == interpreter->isinstance_function && arguments == 2) return PRECALL_NO_KW_ISINSTANCE;
    if (flags == METH_O && arguments == 1) return PRECALL_NO_KW_BUILTIN_O;
    return flags == METH_FASTCALL ? PRECALL_NO_KW_BUILTIN_FAST : PRECALL_ADAPTIVE;
}

/* `arguments` counts self. */
static int descriptor_call_shown(PyObject *method, int arguments, int keywords, int discarded) {
    if (keywords) return PRECALL_ADAPTIVE;
    switch (((PyMethodDescrObject *)method)->d_method->ml_flags) {
        case METH_NOARGS: return arguments == 1 ? PRECALL_NO_KW_METHOD_DESCRIPTOR_NOARGS : PRECALL_ADAPTIVE;
        case METH_O:
            if (arguments != 2) return PRECALL_ADAPTIVE;
            return discarded && method == kr_tstate()->interp->list_append ? PRECALL_NO_KW_LIST_APPEND
                                                                           : PRECALL_NO_KW_METHOD_DESCRIPTOR_O;
        case METH_FASTCALL: return PRECALL_NO_KW_METHOD_DESCRIPTOR_FAST;
        case METH_FASTCALL | METH_KEYWORDS: return PRECALL_METHOD_DESCRIPTOR_FAST_WITH_KEYWORDS;
        default: return PRECALL_ADAPTIVE;
    }
}

/* The CALL of a Python function: direct if its positional arguments and defaults fill the parameters. */
static int function_call_shown(PyObject *function, int arguments, int keywords) {
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(function);
    PyObject *defaults = PyFunction_GET_DEFAULTS(function);
    if (keywords || (code->co_flags & (CO_VARARGS | CO_VARKEYWORDS | CO_OPTIMIZED)) != CO_OPTIMIZED ||
        code->co_kwonlyargcount != 0)
        return CALL_ADAPTIVE;
    int missing = code->co_argcount - arguments;
    if (missing == 0) return CALL_PY_EXACT_ARGS;
    return missing > 0 && defaults != NULL && missing <= PyTuple_GET_SIZE(defaults) ? CALL_PY_WITH_DEFAULTS : CALL_ADAPTIVE;
}

uint16_t kr_call_shown(PyObject *callable, int arguments, int bound, int keywords, int discarded) {
    int precall = PRECALL_ADAPTIVE, call = CALL_ADAPTIVE;
    if (Py_IS_TYPE(callable, &PyMethod_Type) && !bound) {
        precall = PRECALL_BOUND_METHOD;
        callable = PyMethod_GET_FUNCTION(callable);
        arguments++;
    } else if (PyFunction_Check(callable)) {
        precall = PRECALL_PYFUNC;
    } else if (PyType_Check(callable)) {
        precall = class_call_shown(callable, arguments, keywords);
    } else if (PyCFunction_CheckExact(callable)) {
        precall = builtin_call_shown(callable, arguments, keywords);
    } else if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        precall = descriptor_call_shown(callable, arguments, keywords, discarded);
    }
    if (PyFunction_Check(callable)) call = function_call_shown(callable, arguments, keywords);
    return (uint16_t)(call << 8 | precall);
}

/* ---- Code ---- */

/* True if dis has forms for the operator, which is not so for most. */
static int has_operator_forms(int operator) {
    int kind = operator >= KR_NB_INPLACE ? operator - KR_NB_INPLACE : operator;
    return kind == KR_NB_ADD || kind == KR_NB_SUBTRACT || kind == KR_NB_MULTIPLY;
}

static int is_conditional_jump(int opcode) {
    return opcode == OP_POP_JUMP_FORWARD_IF_FALSE || opcode == OP_POP_JUMP_FORWARD_IF_TRUE ||
           opcode == OP_POP_JUMP_BACKWARD_IF_FALSE || opcode == OP_POP_JUMP_BACKWARD_IF_TRUE;
}

/* The pair of dis that begins with `first`, or 0. */
static int pair_shown(int first, int second) {
    switch (first) {
        case OP_LOAD_FAST: return second == OP_LOAD_FAST ? LOAD_FAST__LOAD_FAST : second == OP_LOAD_CONST ? LOAD_FAST__LOAD_CONST : 0;
        case OP_STORE_FAST:
            return second == OP_LOAD_FAST ? STORE_FAST__LOAD_FAST : second == OP_STORE_FAST ? STORE_FAST__STORE_FAST : 0;
        case OP_LOAD_CONST: return second == OP_LOAD_FAST ? LOAD_CONST__LOAD_FAST : 0;
        default: return 0;
    }
}

/* How dis shows the instruction at `unit`, which has `left` units behind its cache. */
static int instruction_shown(const _Py_CODEUNIT *unit, Py_ssize_t left) {
    int opcode = _Py_OPCODE(*unit), general = kr_deoptimized_opcode[opcode];
    int tried = opcode != general || (kr_opcode_caches[general] != 0 && unit[1] != KR_WARM - 1);
    int pair = left > 0 ? pair_shown(general, kr_deoptimized_opcode[_Py_OPCODE(unit[1])]) : 0;
    if (pair != 0) return pair;
    switch (general) {
        case OP_BINARY_OP:
            if (tried && !has_operator_forms(_Py_OPARG(*unit))) return OP_BINARY_OP;
            break;
        case OP_COMPARE_OP:
            if (tried && (left == 0 || !is_conditional_jump(_Py_OPCODE(unit[1 + kr_opcode_caches[OP_COMPARE_OP]]))))
                return OP_COMPARE_OP;
            break;
        case OP_PRECALL:
            if (left >= KR_CALL_SKIP - 1 && _Py_OPCODE(unit[2]) == OP_CALL) {
                int shown = ((const KrCallCache *)(unit + 1))->shown & 0xff;
                if (shown != 0) return shown;
            }
            break;
        case OP_CALL:
            if (unit[1] != 0) return unit[1] >> 8;
            break;
    }
    return shown_opcode[opcode] != 0 ? shown_opcode[opcode] : opcode;
}

PyObject *kr_code_shown(PyCodeObject *code) {
    if (code->co_warmup < 0) return PyCode_GetCode(code);
    const _Py_CODEUNIT *unit = kr_code_start(code), *end = unit + kr_code_units(code);
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)unit, (end - unit) * (Py_ssize_t)sizeof(_Py_CODEUNIT));
    if (bytes == NULL) return NULL;
    _Py_CODEUNIT *shown = (_Py_CODEUNIT *)PyBytes_AS_STRING(bytes);
    while (unit < end) {
        int units = 1 + kr_opcode_caches[kr_deoptimized_opcode[_Py_OPCODE(*unit)]];
        if (units > end - unit) break;
        _Py_SET_OPCODE(*shown, instruction_shown(unit, end - unit - units));
        unit += units;
        shown += units;
    }
    return bytes;
}
