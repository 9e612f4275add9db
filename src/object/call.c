/* Calling objects: the vectorcall protocol, tp_call, and the many spellings of a call in the C API. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#include "object/abstract.h"
#include "object/call.h"
#include "object/descr.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"

#undef PyObject_CallFunction
#undef PyObject_CallMethod
#undef _PyObject_CallMethodId

PyAPI_FUNC(PyObject *) PyObject_CallFunction(PyObject *callable, const char *format, ...);
PyAPI_FUNC(PyObject *) PyObject_CallMethod(PyObject *obj, const char *name, const char *format, ...);
PyAPI_FUNC(PyObject *) _PyObject_CallMethodId(PyObject *obj, _Py_Identifier *name, const char *format, ...);

enum { SMALL_STACK = 8 }; /* arguments that are gathered without allocation */

/* -- Checks ---------------------------------------------------------------------------------------------------------------- */

/* Makes sure that a C function either returned a result or set an exception, not both or neither. Takes and returns the
 * result. The function is named by `callable` or `where`. */
PyObject *_Py_CheckFunctionResult(PyThreadState *tstate, PyObject *callable, PyObject *result, const char *where) {
    if (__builtin_expect((result != NULL) == (tstate->curexc_type == NULL), 1)) return result;
    if (result == NULL) {
        if (callable != NULL) {
            PyErr_Format(PyExc_SystemError, "%R returned NULL without setting an exception", callable);
        } else {
            PyErr_Format(PyExc_SystemError, "%s returned NULL without setting an exception", where);
        }
        return NULL;
    }
    Py_DECREF(result);
    if (callable != NULL) {
        _PyErr_FormatFromCause(PyExc_SystemError, "%R returned a result with an exception set", callable);
    } else {
        _PyErr_FormatFromCause(PyExc_SystemError, "%s returned a result with an exception set", where);
    }
    return NULL;
}

static PyObject *not_callable(PyObject *callable) {
    PyErr_Format(PyExc_TypeError, "'%.200s' object is not callable", Py_TYPE(callable)->tp_name);
    return NULL;
}

/* -- Between arrays, tuples and dicts ------------------------------------------------------------------------------------------ */

static PyObject *tuple_of(PyObject *const *items, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(items[i]));
    return tuple;
}

PyObject *_PyStack_AsDict(PyObject *const *values, PyObject *kwnames) {
    PyObject *dict = PyDict_New();
    if (dict == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(kwnames, i), values[i]) < 0) {
            Py_DECREF(dict);
            return NULL;
        }
    }
    return dict;
}

PyObject *const *_PyStack_UnpackDict(PyThreadState *tstate, PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs,
                                     PyObject **p_kwnames) {
    Py_ssize_t keyword_count = PyDict_GET_SIZE(kwargs);
    /* One more in front, which the callee may overwrite. */
    PyObject **stack = PyMem_Malloc((1 + nargs + keyword_count) * sizeof(PyObject *));
    PyObject *names = stack != NULL ? PyTuple_New(keyword_count) : NULL;
    if (names == NULL) {
        if (stack == NULL) PyErr_NoMemory();
        PyMem_Free(stack);
        return NULL;
    }
    stack++;
    for (Py_ssize_t i = 0; i < nargs; i++) stack[i] = Py_NewRef(args[i]);
    Py_ssize_t cursor = 0, filled = 0;
    PyObject *key, *value;
    int all_strings = 1;
    while (filled < keyword_count && PyDict_Next(kwargs, &cursor, &key, &value)) {
        all_strings &= PyUnicode_Check(key);
        PyTuple_SET_ITEM(names, filled, Py_NewRef(key));
        stack[nargs + filled] = Py_NewRef(value);
        filled++;
    }
    if (!all_strings) {
        PyErr_SetString(PyExc_TypeError, "keywords must be strings");
        _PyStack_UnpackDict_Free(stack, nargs, names);
        return NULL;
    }
    *p_kwnames = names;
    return stack;
}

void _PyStack_UnpackDict_Free(PyObject *const *stack, Py_ssize_t nargs, PyObject *kwnames) {
    Py_ssize_t count = nargs + PyTuple_GET_SIZE(kwnames);
    for (Py_ssize_t i = 0; i < count; i++) Py_DECREF(stack[i]);
    PyMem_Free((PyObject **)stack - 1);
    Py_DECREF(kwnames);
}

/* -- tp_call --------------------------------------------------------------------------------------------------------------------- */

/* `keywords` is NULL, a dict, or a tuple of names whose values follow the arguments. */
PyObject *_PyObject_MakeTpCall(PyThreadState *tstate, PyObject *callable, PyObject *const *args, Py_ssize_t nargs,
                               PyObject *keywords) {
    ternaryfunc call = Py_TYPE(callable)->tp_call;
    if (call == NULL) return not_callable(callable);
    /* A slot wrapper's arguments are a tuple without the object: no other is made. */
    int is_wrapper = nargs > 0 && Py_IS_TYPE(callable, &PyWrapperDescr_Type);
    PyObject *tuple = tuple_of(args + is_wrapper, nargs - is_wrapper);
    if (tuple == NULL) return NULL;
    PyObject *dict = NULL;
    if (keywords != NULL) {
        if (PyDict_Check(keywords)) {
            dict = Py_NewRef(keywords);
        } else if (PyTuple_GET_SIZE(keywords) != 0) {
            dict = _PyStack_AsDict(args + nargs, keywords);
            if (dict == NULL) {
                Py_DECREF(tuple);
                return NULL;
            }
        }
    }
    PyObject *result = NULL;
    if (!Py_EnterRecursiveCall(" while calling a Python object")) {
        result = is_wrapper ? kr_slot_wrapper_call(callable, args[0], tuple, dict) : call(callable, tuple, dict);
        Py_LeaveRecursiveCall();
        result = _Py_CheckFunctionResult(tstate, callable, result, NULL);
    }
    Py_DECREF(tuple);
    Py_XDECREF(dict);
    return result;
}

/* -- Vectorcall -------------------------------------------------------------------------------------------------------------------- */

vectorcallfunc PyVectorcall_Function(PyObject *callable) { return kr_vectorcall_of(callable); }

PyObject *PyObject_Vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    PyThreadState *tstate = kr_tstate();
    vectorcallfunc function = kr_vectorcall_of(callable);
    if (__builtin_expect(function == NULL, 0)) {
        return _PyObject_MakeTpCall(tstate, callable, args, PyVectorcall_NARGS(nargsf), kwnames);
    }
    return _Py_CheckFunctionResult(tstate, callable, function(callable, args, nargsf, kwnames), NULL);
}

PyObject *_PyObject_FastCall(PyObject *func, PyObject *const *args, Py_ssize_t nargs) {
    return PyObject_Vectorcall(func, args, (size_t)nargs, NULL);
}

PyObject *_PyObject_FastCallDictTstate(PyThreadState *tstate, PyObject *callable, PyObject *const *args, size_t nargsf,
                                       PyObject *kwargs) {
    if (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0) return PyObject_Vectorcall(callable, args, nargsf, NULL);
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    vectorcallfunc function = kr_vectorcall_of(callable);
    if (function == NULL) return _PyObject_MakeTpCall(tstate, callable, args, nargs, kwargs);
    PyObject *kwnames;
    PyObject *const *stack = _PyStack_UnpackDict(tstate, args, nargs, kwargs, &kwnames);
    if (stack == NULL) return NULL;
    PyObject *result = function(callable, stack, nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, kwnames);
    _PyStack_UnpackDict_Free(stack, nargs, kwnames);
    return _Py_CheckFunctionResult(tstate, callable, result, NULL);
}

PyObject *PyObject_VectorcallDict(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwargs) {
    return _PyObject_FastCallDictTstate(kr_tstate(), callable, args, nargsf, kwargs);
}

static PyObject *call_vector(PyThreadState *tstate, vectorcallfunc function, PyObject *callable, PyObject *tuple,
                             PyObject *dict) {
    Py_ssize_t nargs = PyTuple_GET_SIZE(tuple);
    PyObject *result;
    if (dict == NULL || PyDict_GET_SIZE(dict) == 0) {
        result = function(callable, ((PyTupleObject *)tuple)->ob_item, nargs, NULL);
    } else {
        PyObject *kwnames;
        PyObject *const *stack = _PyStack_UnpackDict(tstate, ((PyTupleObject *)tuple)->ob_item, nargs, dict, &kwnames);
        if (stack == NULL) return NULL;
        result = function(callable, stack, nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, kwnames);
        _PyStack_UnpackDict_Free(stack, nargs, kwnames);
    }
    return _Py_CheckFunctionResult(tstate, callable, result, NULL);
}

/* The usual tp_call of types that support vectorcall: goes by the offset, whatever the flag says. */
PyObject *PyVectorcall_Call(PyObject *callable, PyObject *tuple, PyObject *dict) {
    Py_ssize_t offset = Py_TYPE(callable)->tp_vectorcall_offset;
    if (offset <= 0) {
        PyErr_Format(PyExc_TypeError, "'%.200s' object does not support vectorcall", Py_TYPE(callable)->tp_name);
        return NULL;
    }
    vectorcallfunc function = *(vectorcallfunc *)((char *)callable + offset);
    if (function == NULL) {
        PyErr_Format(PyExc_TypeError, "'%.200s' object does not support vectorcall", Py_TYPE(callable)->tp_name);
        return NULL;
    }
    return call_vector(kr_tstate(), function, callable, tuple, dict);
}

PyObject *PyObject_Call(PyObject *callable, PyObject *args, PyObject *kwargs) {
    PyThreadState *tstate = kr_tstate();
    vectorcallfunc function = kr_vectorcall_of(callable);
    if (function != NULL) return call_vector(tstate, function, callable, args, kwargs);
    ternaryfunc call = Py_TYPE(callable)->tp_call;
    if (call == NULL) return not_callable(callable);
    if (Py_EnterRecursiveCall(" while calling a Python object")) return NULL;
    PyObject *result = call(callable, args, kwargs);
    Py_LeaveRecursiveCall();
    return _Py_CheckFunctionResult(tstate, callable, result, NULL);
}

PyObject *PyObject_CallNoArgs(PyObject *func) { return PyObject_Vectorcall(func, NULL, 0, NULL); }

PyObject *PyObject_CallOneArg(PyObject *func, PyObject *arg) {
    PyObject *room[2] = {NULL, arg};
    return PyObject_Vectorcall(func, room + 1, 1 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

PyObject *PyObject_CallObject(PyObject *callable, PyObject *args) {
    if (args == NULL) return PyObject_CallNoArgs(callable);
    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "argument list must be a tuple");
        return NULL;
    }
    return PyObject_Call(callable, args, NULL);
}

/* -- One more argument in front ---------------------------------------------------------------------------------------------------- */

PyObject *kr_call_prepend(PyObject *callable, PyObject *first, PyObject *const *args, Py_ssize_t count,
                          PyObject *kwnames) {
    Py_ssize_t total = count + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0);
    PyObject *small[SMALL_STACK];
    PyObject **stack = small;
    if (total + 1 > SMALL_STACK) {
        stack = PyMem_Malloc((total + 1) * sizeof(PyObject *));
        if (stack == NULL) return PyErr_NoMemory();
    }
    stack[0] = first;
    if (total > 0) memcpy(stack + 1, args, total * sizeof(PyObject *));
    PyObject *result = PyObject_Vectorcall(callable, stack, count + 1, kwnames);
    if (stack != small) PyMem_Free(stack);
    return result;
}

PyObject *_PyObject_Call_Prepend(PyThreadState *tstate, PyObject *callable, PyObject *obj, PyObject *args,
                                 PyObject *kwargs) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *small[SMALL_STACK];
    PyObject **stack = small;
    if (count + 1 > SMALL_STACK) {
        stack = PyMem_Malloc((count + 1) * sizeof(PyObject *));
        if (stack == NULL) return PyErr_NoMemory();
    }
    stack[0] = obj;
    memcpy(stack + 1, ((PyTupleObject *)args)->ob_item, count * sizeof(PyObject *));
    PyObject *result = _PyObject_FastCallDictTstate(tstate, callable, stack, count + 1, kwargs);
    if (stack != small) PyMem_Free(stack);
    return result;
}

/* -- Methods by name ------------------------------------------------------------------------------------------------------------- */

PyObject *PyObject_VectorcallMethod(PyObject *name, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (name == NULL) return NULL;
    PyObject *method;
    if (_PyObject_GetMethod(args[0], name, &method)) {
        /* The slot before self must stay untouched: it may not be ours. */
        nargsf &= ~PY_VECTORCALL_ARGUMENTS_OFFSET;
    } else {
        if (method == NULL) return NULL;
        args++;
        nargsf = (nargsf & ~PY_VECTORCALL_ARGUMENTS_OFFSET) - 1;
        nargsf |= PY_VECTORCALL_ARGUMENTS_OFFSET;
    }
    PyObject *result = PyObject_Vectorcall(method, args, nargsf, kwnames);
    Py_DECREF(method);
    return result;
}

/* -- Arguments as C varargs, up to a NULL ------------------------------------------------------------------------------------------- */

/* Calls with `first` (or nothing, if NULL) and the objects in va. */
static PyObject *call_with_objects(PyObject *callable, PyObject *first, va_list va) {
    if (callable == NULL) return null_error();
    va_list counting;
    va_copy(counting, va);
    Py_ssize_t count = first != NULL;
    while (va_arg(counting, PyObject *) != NULL) count++;
    va_end(counting);

    PyObject *small[SMALL_STACK];
    PyObject **stack = small;
    if (count > SMALL_STACK) {
        stack = PyMem_Malloc(count * sizeof(PyObject *));
        if (stack == NULL) return PyErr_NoMemory();
    }
    Py_ssize_t i = 0;
    if (first != NULL) stack[i++] = first;
    while (i < count) stack[i++] = va_arg(va, PyObject *);
    PyObject *result = PyObject_Vectorcall(callable, stack, count, NULL);
    if (stack != small) PyMem_Free(stack);
    return result;
}

PyObject *PyObject_CallFunctionObjArgs(PyObject *callable, ...) {
    va_list va;
    va_start(va, callable);
    PyObject *result = call_with_objects(callable, NULL, va);
    va_end(va);
    return result;
}

static PyObject *call_method_with_objects(PyObject *obj, PyObject *name, va_list va) {
    if (obj == NULL || name == NULL) return null_error();
    PyObject *method;
    int unbound = _PyObject_GetMethod(obj, name, &method);
    if (method == NULL) return NULL;
    PyObject *result = call_with_objects(method, unbound ? obj : NULL, va);
    Py_DECREF(method);
    return result;
}

PyObject *PyObject_CallMethodObjArgs(PyObject *obj, PyObject *name, ...) {
    va_list va;
    va_start(va, name);
    PyObject *result = call_method_with_objects(obj, name, va);
    va_end(va);
    return result;
}

PyObject *_PyObject_CallMethodIdObjArgs(PyObject *obj, _Py_Identifier *name, ...) {
    PyObject *text = _PyUnicode_FromId(name);
    if (text == NULL) return NULL;
    va_list va;
    va_start(va, name);
    PyObject *result = call_method_with_objects(obj, text, va);
    va_end(va);
    return result;
}

/* -- Arguments by a format string ---------------------------------------------------------------------------------------------------- */

PyAPI_FUNC(PyObject **) _Py_VaBuildStack_SizeT(PyObject **small_stack, Py_ssize_t small_stack_len, const char *format,
                                              va_list va, Py_ssize_t *p_nargs);
#undef _Py_VaBuildStack
PyAPI_FUNC(PyObject **) _Py_VaBuildStack(PyObject **small_stack, Py_ssize_t small_stack_len, const char *format,
                                        va_list va, Py_ssize_t *p_nargs);

/* A single value that is a tuple is the tuple of arguments itself, as Py_BuildValue has it: "O" with (1, 2). */
static PyObject *call_with_format(PyObject *callable, const char *format, va_list va, int size_t_lengths) {
    if (callable == NULL) return null_error();
    if (format == NULL || *format == '\0') return PyObject_CallNoArgs(callable);
    PyObject *small[SMALL_STACK];
    Py_ssize_t count;
    PyObject **stack = size_t_lengths ? _Py_VaBuildStack_SizeT(small, SMALL_STACK, format, va, &count)
                                      : _Py_VaBuildStack(small, SMALL_STACK, format, va, &count);
    if (stack == NULL) return NULL;
    PyObject *result;
    if (count == 1 && PyTuple_Check(stack[0])) {
        result = PyObject_Vectorcall(callable, ((PyTupleObject *)stack[0])->ob_item, PyTuple_GET_SIZE(stack[0]), NULL);
    } else {
        result = PyObject_Vectorcall(callable, stack, count, NULL);
    }
    for (Py_ssize_t i = 0; i < count; i++) Py_DECREF(stack[i]);
    if (stack != small) PyMem_Free(stack);
    return result;
}

static PyObject *call_attribute_with_format(PyObject *callable, const char *format, va_list va, int size_t_lengths) {
    if (callable == NULL) return NULL;
    PyObject *result = NULL;
    if (!PyCallable_Check(callable)) {
        PyErr_Format(PyExc_TypeError, "attribute of type '%.200s' is not callable", Py_TYPE(callable)->tp_name);
    } else {
        result = call_with_format(callable, format, va, size_t_lengths);
    }
    Py_DECREF(callable);
    return result;
}

#define WITH_FORMAT(expression)                                                                                        \
    va_list va;                                                                                                        \
    va_start(va, format);                                                                                              \
    PyObject *result = expression;                                                                                     \
    va_end(va);                                                                                                        \
    return result

PyObject *PyObject_CallFunction(PyObject *callable, const char *format, ...) {
    WITH_FORMAT(call_with_format(callable, format, va, 0));
}

PyObject *_PyObject_CallFunction_SizeT(PyObject *callable, const char *format, ...) {
    WITH_FORMAT(call_with_format(callable, format, va, 1));
}

PyObject *PyObject_CallMethod(PyObject *obj, const char *name, const char *format, ...) {
    if (obj == NULL || name == NULL) return null_error();
    WITH_FORMAT(call_attribute_with_format(PyObject_GetAttrString(obj, name), format, va, 0));
}

PyObject *_PyObject_CallMethod_SizeT(PyObject *obj, const char *name, const char *format, ...) {
    if (obj == NULL || name == NULL) return null_error();
    WITH_FORMAT(call_attribute_with_format(PyObject_GetAttrString(obj, name), format, va, 1));
}

PyObject *_PyObject_CallMethod(PyObject *obj, PyObject *name, const char *format, ...) {
    if (obj == NULL || name == NULL) return null_error();
    WITH_FORMAT(call_attribute_with_format(PyObject_GetAttr(obj, name), format, va, 1));
}

PyObject *_PyObject_CallMethodId(PyObject *obj, _Py_Identifier *name, const char *format, ...) {
    if (obj == NULL || name == NULL) return null_error();
    WITH_FORMAT(call_attribute_with_format(_PyObject_GetAttrId(obj, name), format, va, 0));
}

PyObject *_PyObject_CallMethodId_SizeT(PyObject *obj, _Py_Identifier *name, const char *format, ...) {
    if (obj == NULL || name == NULL) return null_error();
    WITH_FORMAT(call_attribute_with_format(_PyObject_GetAttrId(obj, name), format, va, 1));
}

/* -- Old spellings -------------------------------------------------------------------------------------------------------------------- */

PyAPI_FUNC(PyObject *) PyEval_CallFunction(PyObject *callable, const char *format, ...);
PyAPI_FUNC(PyObject *) PyEval_CallMethod(PyObject *obj, const char *name, const char *format, ...);

PyObject *PyEval_CallFunction(PyObject *callable, const char *format, ...) {
    WITH_FORMAT(call_with_format(callable, format, va, 0));
}

PyObject *PyEval_CallMethod(PyObject *obj, const char *name, const char *format, ...) {
    if (obj == NULL || name == NULL) return null_error();
    WITH_FORMAT(call_attribute_with_format(PyObject_GetAttrString(obj, name), format, va, 0));
}

PyObject *PyEval_CallObjectWithKeywords(PyObject *callable, PyObject *args, PyObject *kwargs) {
    if (args != NULL && !PyTuple_Check(args)) {
        PyErr_SetString(PyExc_TypeError, "argument list must be a tuple");
        return NULL;
    }
    if (kwargs != NULL && !PyDict_Check(kwargs)) {
        PyErr_SetString(PyExc_TypeError, "keyword list must be a dictionary");
        return NULL;
    }
    if (args == NULL) return PyObject_VectorcallDict(callable, NULL, 0, kwargs);
    return PyObject_Call(callable, args, kwargs);
}

/* -- Wrong calls of C functions */

int kr_call_refuse_keywords(PyObject *function) {
    PyObject *name = _PyObject_FunctionStr(function);
    if (name == NULL) return -1;
    PyErr_Format(PyExc_TypeError, "%U takes no keyword arguments", name);
    Py_DECREF(name);
    return -1;
}

PyObject *kr_call_wrong_count(PyObject *function, const char *expectation, Py_ssize_t count) {
    PyObject *name = _PyObject_FunctionStr(function);
    if (name == NULL) return NULL;
    PyErr_Format(PyExc_TypeError, "%U takes %s (%zd given)", name, expectation, count);
    Py_DECREF(name);
    return NULL;
}
