/* The evaluation loop: registers, dispatch, entering and leaving frames, unwinding. The instructions themselves are in
 * instructions.inc. */
#ifndef KRAIT_DEBUG
#define NDEBUG /* the types that the macros of the headers assert have been looked at by then */
#endif
#include <Python.h>

#include "collector/collector.h"
#include "compile/opcodes.h"
#include "object/instance.h"
#include "object/property.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "types/code.h"
#include "types/dict.h"
#include "types/exceptions.h"
#include "types/float.h"
#include "types/int.h"
#include "types/list.h"
#include "types/range.h"
#include "types/str/str.h"
#include "vm/eval.h"
#include "vm/specialise.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

volatile int kr_eval_breaker;

/* Small ints of at most one digit: their value without a call. */
#define IS_COMPACT(number) ((size_t)(Py_SIZE(number) + 1) <= 2)
#define COMPACT_VALUE(number) ((long long)Py_SIZE(number) * ((PyLongObject *)(number))->ob_digit[0])

static PyObject *power(PyObject *base, PyObject *exponent) { return PyNumber_Power(base, exponent, Py_None); }
static PyObject *power_in_place(PyObject *base, PyObject *exponent) {
    return PyNumber_InPlacePower(base, exponent, Py_None);
}

static const binaryfunc binary_operations[] = {
    [KR_NB_ADD] = PyNumber_Add,
    [KR_NB_AND] = PyNumber_And,
    [KR_NB_FLOOR_DIVIDE] = PyNumber_FloorDivide,
    [KR_NB_LSHIFT] = PyNumber_Lshift,
    [KR_NB_MATRIX_MULTIPLY] = PyNumber_MatrixMultiply,
    [KR_NB_MULTIPLY] = PyNumber_Multiply,
    [KR_NB_REMAINDER] = PyNumber_Remainder,
    [KR_NB_OR] = PyNumber_Or,
    [KR_NB_POWER] = power,
    [KR_NB_RSHIFT] = PyNumber_Rshift,
    [KR_NB_SUBTRACT] = PyNumber_Subtract,
    [KR_NB_TRUE_DIVIDE] = PyNumber_TrueDivide,
    [KR_NB_XOR] = PyNumber_Xor,
    [KR_NB_INPLACE + KR_NB_ADD] = PyNumber_InPlaceAdd,
    [KR_NB_INPLACE + KR_NB_AND] = PyNumber_InPlaceAnd,
    [KR_NB_INPLACE + KR_NB_FLOOR_DIVIDE] = PyNumber_InPlaceFloorDivide,
    [KR_NB_INPLACE + KR_NB_LSHIFT] = PyNumber_InPlaceLshift,
    [KR_NB_INPLACE + KR_NB_MATRIX_MULTIPLY] = PyNumber_InPlaceMatrixMultiply,
    [KR_NB_INPLACE + KR_NB_MULTIPLY] = PyNumber_InPlaceMultiply,
    [KR_NB_INPLACE + KR_NB_REMAINDER] = PyNumber_InPlaceRemainder,
    [KR_NB_INPLACE + KR_NB_OR] = PyNumber_InPlaceOr,
    [KR_NB_INPLACE + KR_NB_POWER] = power_in_place,
    [KR_NB_INPLACE + KR_NB_RSHIFT] = PyNumber_InPlaceRshift,
    [KR_NB_INPLACE + KR_NB_SUBTRACT] = PyNumber_InPlaceSubtract,
    [KR_NB_INPLACE + KR_NB_TRUE_DIVIDE] = PyNumber_InPlaceTrueDivide,
    [KR_NB_INPLACE + KR_NB_XOR] = PyNumber_InPlaceXor,
};

/* The orders of two values in which a comparison is true, a bit for each: less, equal, greater, neither (with a NaN). */
static const uint8_t operator_orders[] = {
    [Py_LT] = 1, [Py_LE] = 1 | 2, [Py_EQ] = 2, [Py_NE] = 1 | 4 | 8, [Py_GT] = 4, [Py_GE] = 2 | 4,
};

/* Maps a specialised instruction to its general form, any other to itself. */
static const uint8_t general_opcode[256] = {
#define KR_OPCODE(NAME, number, cache_units, operand) [number] = number,
#include "compile/opcodes.def"
#define KR_SPECIALISED(NAME, number, GENERAL, SHOWN) [number] = OP_##GENERAL,
#include "vm/specialised.def"
};

/* "".join(parts): what an f-string makes of its parts. */
static PyObject *join_strings(PyObject *const *parts, Py_ssize_t count) {
    PyObject *empty = PyUnicode_New(0, 0);
    if (empty == NULL) return NULL;
    PyObject *text = _PyUnicode_JoinArray(empty, parts, count);
    Py_DECREF(empty);
    return text;
}

/* Looks a name up in globals, then builtins. Returns a new reference, or NULL with NameError. */
static PyObject *load_global(KrFrame *frame, PyObject *name) {
    PyObject *value;
    if (PyDict_CheckExact(frame->globals) && PyDict_CheckExact(frame->builtins)) {
        value = Py_XNewRef(kr_dict_load_global(frame->globals, frame->builtins, name));
        if (value == NULL && !PyErr_Occurred())
            kr_format_name_error(kr_tstate(), PyExc_NameError, "name '%.200s' is not defined", name);
        return value;
    }
    value = PyObject_GetItem(frame->globals, name);
    if (value != NULL || !PyErr_ExceptionMatches(PyExc_KeyError)) return value;
    PyErr_Clear();
    value = PyObject_GetItem(frame->builtins, name);
    if (value == NULL && PyErr_ExceptionMatches(PyExc_KeyError))
        kr_format_name_error(kr_tstate(), PyExc_NameError, "name '%.200s' is not defined", name);
    return value;
}

/* The getter of a property of the type, if it is a Python function that can be called with self alone; borrowed. */
static PyFunctionObject *kr_property_getter(PyTypeObject *type, PyObject *name) {
    PyObject *descriptor = _PyType_Lookup(type, name);
    if (descriptor == NULL || !Py_IS_TYPE(descriptor, &PyProperty_Type)) return NULL;
    PyObject *getter = kr_property_get_function(descriptor);
    if (getter == NULL || !PyFunction_Check(getter)) return NULL;
    PyCodeObject *code = (PyCodeObject *)((PyFunctionObject *)getter)->func_code;
    if (code->co_argcount != 1 || code->co_kwonlyargcount != 0 ||
        (code->co_flags & (CO_VARARGS | CO_VARKEYWORDS | CO_OPTIMIZED)) != CO_OPTIMIZED)
        return NULL;
    return (PyFunctionObject *)getter;
}

/* Finds the place of an attribute that LOAD_ATTR or STORE_ATTR at `ip` has specialised on, while the instruction before it holds
 * the owner. NULL if it has not, if the guards fail or if there is no value yet. */
static inline PyObject **attribute_place(PyObject *owner, const _Py_CODEUNIT *ip, int in_values, int in_slot) {
    const KrAttributeCache *cache = (const KrAttributeCache *)(ip + 1);
    if (UNLIKELY(Py_TYPE(owner)->tp_version_tag != cache->version)) return NULL;
    PyObject **place;
    if (LIKELY(_Py_OPCODE(*ip) == in_values)) {
        uintptr_t word = *kr_attribute_word_at(owner, (cache->place >> 8) * 8);
        int index = cache->place & 0xff;
        if (UNLIKELY(word == 0 || kr_word_is_dict(word) || kr_word_values(word)->used <= index)) return NULL;
        place = &kr_word_values(word)->value[index];
    } else if (_Py_OPCODE(*ip) == in_slot) {
        place = (PyObject **)((char *)owner + cache->place);
    } else {
        return NULL;
    }
    return LIKELY(*place != NULL) ? place : NULL;
}

/* Finishes a frame that the fast way out does not cover: a generator's, or one with a frame object. */
static void leave_frame(PyThreadState *thread, KrFrame *frame) {
    if (frame->owner == KR_OWNED_BY_GENERATOR) {
        PyGenObject *generator = kr_frame_generator(frame);
        generator->gi_frame_state = KR_FRAME_STATE_CLEARED;
        thread->exc_info = generator->gi_exc_state.previous_item;
        generator->gi_exc_state.previous_item = NULL;
        frame->previous = NULL;
        kr_frame_clear(frame);
    } else {
        kr_frame_clear(frame);
        kr_frame_pop(thread, frame);
    }
}

/* An exception leaves a generator that the loop had resumed: StopIteration must not look like the end of the iteration. */
static void convert_stop_iteration(int flags, KrFrame *frame) {
    if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
        const char *kind = frame->code->co_flags & CO_COROUTINE ? "coroutine" : "generator";
        if (frame->code->co_flags & CO_ASYNC_GENERATOR) kind = "async generator";
        _PyErr_FormatFromCause(PyExc_RuntimeError, "%s raised StopIteration", kind);
    } else if ((frame->code->co_flags & CO_ASYNC_GENERATOR) && PyErr_ExceptionMatches(PyExc_StopAsyncIteration)) {
        _PyErr_FormatFromCause(PyExc_RuntimeError, "async generator raised StopAsyncIteration");
    }
    (void)flags;
}

#define PUSH(value) (*sp++ = (value))
#define POP() (*--sp)
#define TOP() (sp[-1])
#define PEEK(n) (sp[-(n)])
#define LOCAL(i) (frame->slot[i])
#define CONSTANT(i) PyTuple_GET_ITEM(frame->code->co_consts, i)
#define NAME(i) PyTuple_GET_ITEM(frame->code->co_names, i)
#define SKIP(units) (ip += (units))

/* No instruction leaves an exception behind. */
#ifdef KRAIT_DEBUG
#define CHECK_NO_EXCEPTION()                                                                                           \
    if (UNLIKELY(PyErr_Occurred() != NULL)) refuse_exception(frame)
static void refuse_exception(KrFrame *frame) {
    int offset = kr_frame_lasti(frame);
    fprintf(stderr, "krait: an exception is set after the instruction at offset %d of %s\n", 2 * offset,
            PyUnicode_AsUTF8(frame->code->co_qualname));
    PyErr_Print();
    Py_FatalError("an exception was left behind");
}
#else
#define CHECK_NO_EXCEPTION() (void)0
#endif

#define NEXT()                                                                                                         \
    do {                                                                                                               \
        CHECK_NO_EXCEPTION();                                                                                          \
        unsigned word_ = *ip++; /* not 16 bits wide, which the processor computes with only in detours */              \
        oparg = (int)_Py_OPARG(word_);                                                                                 \
        goto *targets[_Py_OPCODE(word_)];                                                                              \
    } while (0)
/* Executes the instruction again, whose opcode was just replaced. */
#define REDO() goto *general_targets[_Py_OPCODE(ip[-1])]

#define INSTRUCTION(NAME)                                                                                              \
    target_##NAME : frame->instruction = ip - 1;
#define SIMPLE(NAME) target_##NAME:

#define UNARY(FUNCTION)                                                                                                \
    PyObject *value = TOP(), *result = FUNCTION(value);                                                                \
    if (UNLIKELY(result == NULL)) goto error;                                                                          \
    TOP() = result;                                                                                                    \
    Py_DECREF(value);                                                                                                  \
    NEXT()

/* A guard failed. After too many failures the instruction goes back to its general form, which looks for a better one. */
#define MISS(GENERAL)                                                                                                  \
    do {                                                                                                               \
        if (--ip[0] == 0) {                                                                                            \
            _Py_SET_OPCODE(ip[-1], OP_##GENERAL);                                                                      \
            ip[0] = KR_WARM - 1;                                                                  \
        }                                                                                                              \
    } while (0)

#define CHECK_BREAKER()                                                                                                \
    if (UNLIKELY(kr_eval_breaker)) goto handle_pending

#define RELOAD_TARGETS() (targets = UNLIKELY(thread->cframe->use_tracing) ? tracing_targets : general_targets)

#define LOAD_FRAME()                                                                                                   \
    do {                                                                                                               \
        sp = frame->slot + frame->stack_top;                                                                                 \
        ip = frame->instruction + 1;                                                                                   \
    } while (0)

/* Runs a frame on top of this one; this one goes on at ip when the other returns. */
#define ENTER(callee)                                                                                                  \
    do {                                                                                                               \
        frame->instruction = ip - 1;                                                                                   \
        frame->stack_top = (int)(sp - frame->slot);                                                                          \
        (callee)->previous = frame;                                                                                    \
        frame = (callee);                                                                                              \
        thread->cframe->current_frame = frame;                                                                         \
        goto start_frame;                                                                                              \
    } while (0)

PyObject *_PyEval_EvalFrameDefault(PyThreadState *thread, KrFrame *frame, int throwing) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* every number that is no instruction keeps the first value */
    static const void *const general_targets[256] = {
        [0 ... 255] = &&unknown_opcode,
#define KR_OPCODE(NAME, number, cache_units, operand) [number] = &&target_##NAME,
#include "compile/opcodes.def"
#define KR_SPECIALISED(NAME, number, GENERAL, SHOWN) [number] = &&target_##NAME,
#include "vm/specialised.def"
    };
#pragma GCC diagnostic pop
    static const void *const tracing_targets[256] = {[0 ... 255] = &&trace_instruction};

    const void *const *targets = general_targets;
    _Py_CODEUNIT *ip;
    PyObject **sp, *keyword_names = NULL;
    int oparg;

    if (UNLIKELY(kr_c_stack_is_low())) {
        if (_Py_CheckRecursiveCall(thread, "")) {
            /* the caller handed the frame over: it has to be finished */
            frame->flags |= KR_FRAME_ENTRY;
            frame->previous = thread->cframe->current_frame;
            thread->cframe->current_frame = frame;
            thread->recursion_remaining--;
            sp = frame->slot + frame->stack_top;
            goto exit_unwind;
        }
    }
    frame->flags |= KR_FRAME_ENTRY;
    frame->previous = thread->cframe->current_frame;
    thread->cframe->current_frame = frame;
    if (throwing) {
        if (--thread->recursion_remaining < 0 && _Py_CheckRecursiveCall(thread, "")) {
            sp = frame->slot + frame->stack_top;
            goto exit_unwind;
        }
        LOAD_FRAME();
        frame->instruction = ip - 1;
        RELOAD_TARGETS();
        if (thread->cframe->use_tracing) kr_trace_throw(thread, frame);
        goto error;
    }

start_frame:
    if (UNLIKELY(--thread->recursion_remaining < 0) && _Py_CheckRecursiveCall(thread, "")) {
        sp = frame->slot + frame->stack_top;
        goto exit_unwind;
    }
    LOAD_FRAME();
    RELOAD_TARGETS();
    if (_Py_OPCODE(*ip) == OP_RESUME_QUICK && !kr_eval_breaker && targets == general_targets) ip++; /* it would do nothing */
    NEXT();

#include "vm/instructions.inc"

unknown_opcode:
    frame->instruction = ip - 1;
    PyErr_Format(PyExc_SystemError, "%U:%d: unknown opcode %d", frame->code->co_filename, kr_frame_line(frame),
                 _Py_OPCODE(ip[-1]));
    goto error;

/* Reached instead of every instruction while tracing is on: reports it, then executes its general form. */
trace_instruction: {
    if (!thread->cframe->use_tracing) {
        targets = general_targets;
        goto *general_targets[_Py_OPCODE(ip[-1])];
    }
    if (_Py_OPCODE(ip[-1]) == KR_LOAD_BODY) goto target_LOAD_BODY;
    int opcode = general_opcode[_Py_OPCODE(ip[-1])];
    if (opcode == OP_RESUME) {
        frame->instruction = ip - 1;
        if (kr_trace_call(thread, frame) < 0) goto error;
    } else if (!thread->tracing) {
        int previous = kr_frame_lasti(frame);
        frame->instruction = ip - 1;
        frame->stack_top = (int)(sp - frame->slot);
        int failed = kr_trace_instruction(thread, frame, previous);
        sp = frame->slot + frame->stack_top;
        if (failed) goto error;
        ip = frame->instruction + 1;
        oparg = _Py_OPARG(ip[-1]);
        opcode = general_opcode[_Py_OPCODE(ip[-1])];
    }
    goto *general_targets[opcode];
}

handle_pending:
    frame->stack_top = (int)(sp - frame->slot);
    if (kr_eval_handle_pending(thread) != 0) goto error;
    RELOAD_TARGETS();
    NEXT();

error:
    keyword_names = NULL;
    if (UNLIKELY(!PyErr_Occurred()))
        PyErr_SetString(PyExc_SystemError, "error return without exception set");
    if (!kr_frame_is_incomplete(frame)) {
        frame->stack_top = (int)(sp - frame->slot);
        kr_traceback_add(frame);
    }
    if (thread->c_tracefunc != NULL) kr_trace_exception(thread, frame);

exception_unwind: {
    /* where the loop is; a re-raise may have set the frame's instruction back to where the exception came from */
    int offset = (int)(ip - 1 - kr_code_start(frame->code)), depth, handler, push_offset;
    keyword_names = NULL;
    if (!kr_find_handler(frame->code, offset, &depth, &handler, &push_offset)) {
        PyObject **bottom = frame->slot + frame->code->co_nlocalsplus;
        while (sp > bottom) {
            PyObject *value = POP();
            Py_XDECREF(value);
        }
        frame->stack_top = (int)(sp - frame->slot);
        if (thread->cframe->use_tracing) kr_trace_return(thread, frame, NULL);
        goto exit_unwind;
    }
    PyObject **level = frame->slot + frame->code->co_nlocalsplus + depth, *type, *value, *traceback;
    while (sp > level) {
        PyObject *value = POP();
        Py_XDECREF(value);
    }
    if (push_offset) {
        PyErr_Fetch(&type, &value, &traceback);
        PyObject *last = PyLong_FromLong(kr_frame_lasti(frame));
        if (last == NULL) PyErr_Clear(); /* it only tells a traceback where the exception came from */
        PUSH(last == NULL ? Py_NewRef(Py_None) : last);
        PyErr_Restore(type, value, traceback);
    }
    /* The handler's code restores this by RERAISE, so the exception goes on the stack as a value. */
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(value, traceback);
    else
        PyException_SetTraceback(value, Py_None);
    PUSH(value);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    ip = kr_code_start(frame->code) + handler;
    RELOAD_TARGETS();
    NEXT();
}

/* The frame ends with an exception. Its operand stack is empty. */
exit_unwind: {
    KrFrame *finished = frame;
    int flags = finished->flags;
    frame = finished->previous;
    thread->cframe->current_frame = frame;
    thread->recursion_remaining++;
    if ((flags & (KR_FRAME_FOR_ITER | KR_FRAME_SEND)) != 0) convert_stop_iteration(flags, finished);
    leave_frame(thread, finished);
    if (flags & KR_FRAME_ENTRY) return NULL;
    LOAD_FRAME();
    if (flags & KR_FRAME_INIT) {
        PyObject *instance = POP();
        Py_DECREF(instance);
    }
    RELOAD_TARGETS();
    goto error;
}
}
