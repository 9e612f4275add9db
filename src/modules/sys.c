/* sys: the interpreter seen from Python. Streams, hooks, limits and facts; start-up fills the rest in (lifecycle.c). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>

#include <dlfcn.h>
#include <float.h>

#include "collector/collector.h"
#include "heap/heap.h"
#include "import/import.h"
#include "modules/sys.h"
#include "object/interpreter.h"
#include "object/errors.h"
#include "object/names.h"
#include "object/namespace.h"
#include "object/runtime.h"
#include "runtime/leaks.h"
#include "types/float.h"
#include "types/int.h"
#include "vm/eval.h"
#include "vm/frame.h"

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

PyObject *_PyEval_CallTracing(PyObject *function, PyObject *args);

/* ---- C API: attributes of sys ---- */

PyObject *_PySys_GetAttr(PyThreadState *thread, PyObject *name) {
    PyObject *dict = thread->interp->sysdict, *type, *value, *traceback;
    if (dict == NULL) return NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *result = PyDict_GetItemWithError(dict, name);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    return result;
}

PyObject *PySys_GetObject(const char *name) {
    PyObject *dict = kr_tstate()->interp->sysdict, *type, *value, *traceback;
    if (dict == NULL) return NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *result = PyDict_GetItemString(dict, name);
    PyErr_Restore(type, value, traceback);
    return result;
}

int PySys_SetObject(const char *name, PyObject *value) {
    PyObject *dict = kr_tstate()->interp->sysdict;
    if (value != NULL) return PyDict_SetItemString(dict, name, value);
    if (PyDict_GetItemString(dict, name) == NULL) return 0;
    return PyDict_DelItemString(dict, name);
}

/* ---- Audit hooks ---- */

typedef struct AuditHook {
    struct AuditHook *next;
    Py_AuditHookFunction function;
    void *data;
} AuditHook;

static struct {
    AuditHook *audit_hooks;
} state;

int PySys_Audit(const char *event, const char *format, ...) {
    PyThreadState *thread = kr_tstate();
    if (state.audit_hooks == NULL && (thread == NULL || thread->interp->audit_hooks == NULL)) return 0;
    int result = -1;
    PyObject *args, *event_name = NULL, *type = NULL, *value = NULL, *traceback = NULL;
    if (thread != NULL) PyErr_Fetch(&type, &value, &traceback);
    if (format != NULL && *format != 0) {
        va_list rest;
        va_start(rest, format);
        args = Py_VaBuildValue(format, rest);
        va_end(rest);
        if (args != NULL && !PyTuple_Check(args)) Py_SETREF(args, PyTuple_Pack(1, args));
    } else {
        args = PyTuple_New(0);
    }
    if (args == NULL) goto done;
    for (AuditHook *hook = state.audit_hooks; hook != NULL; hook = hook->next)
        if (hook->function(event, args, hook->data) < 0) goto done;
    if (thread != NULL && thread->interp->audit_hooks != NULL) {
        PyObject *hooks = thread->interp->audit_hooks;
        event_name = PyUnicode_FromString(event);
        if (event_name == NULL) goto done;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks); i++) {
            PyObject *hook = Py_NewRef(PyList_GET_ITEM(hooks, i)), *can_trace, *outcome;
            int traced = 0;
            if (_PyObject_LookupAttr(hook, KR_NAME(__cantrace__), &can_trace) > 0) {
                traced = PyObject_IsTrue(can_trace);
                Py_DECREF(can_trace);
            }
            if (PyErr_Occurred()) {
                Py_DECREF(hook);
                goto done;
            }
            if (!traced) PyThreadState_EnterTracing(thread);
            outcome = PyObject_CallFunctionObjArgs(hook, event_name, args, NULL);
            if (!traced) PyThreadState_LeaveTracing(thread);
            Py_DECREF(hook);
            if (outcome == NULL) goto done;
            Py_DECREF(outcome);
        }
    }
    result = 0;
done:
    Py_XDECREF(args);
    Py_XDECREF(event_name);
    if (result == 0 && thread != NULL) {
        PyErr_Restore(type, value, traceback);
    } else {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    return result;
}

int PySys_AddAuditHook(Py_AuditHookFunction function, void *data) {
    if (kr_tstate() != NULL && PySys_Audit("sys.addaudithook", NULL) < 0) {
        if (PyErr_ExceptionMatches(PyExc_RuntimeError)) PyErr_Clear();
        return PyErr_Occurred() ? -1 : 0;
    }
    AuditHook *hook = PyMem_RawMalloc(sizeof *hook), **end = &state.audit_hooks;
    if (hook == NULL) return -1;
    *hook = (AuditHook){NULL, function, data};
    while (*end != NULL) end = &(*end)->next;
    *end = hook;
    return 0;
}

void kr_sys_clear_audit_hooks(void) {
    while (state.audit_hooks != NULL) {
        AuditHook *hook = state.audit_hooks;
        state.audit_hooks = hook->next;
        PyMem_RawFree(hook);
    }
}

static PyObject *sys_addaudithook(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"hook", NULL};
    static _PyArg_Parser parser = {.format = "O:addaudithook", .keywords = keywords};
    PyObject *hook;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &hook)) return NULL;
    if (PySys_Audit("sys.addaudithook", NULL) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyInterpreterState *interpreter = kr_tstate()->interp;
    if (interpreter->audit_hooks == NULL) {
        if ((interpreter->audit_hooks = PyList_New(0)) == NULL) return NULL;
        PyObject_GC_UnTrack(interpreter->audit_hooks); /* nobody finds the hooks through the collector */
    }
    if (PyList_Append(interpreter->audit_hooks, hook) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *sys_audit(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (count == 0) {
        PyErr_SetString(PyExc_TypeError, "audit() missing 1 required positional argument: 'event'");
        return NULL;
    }
    if (!PyUnicode_Check(args[0])) {
        PyErr_Format(PyExc_TypeError, "expected str for argument 'event', not %.200s", Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    const char *event = PyUnicode_AsUTF8(args[0]);
    if (event == NULL) return NULL;
    PyObject *rest = PyTuple_New(count - 1);
    if (rest == NULL) return NULL;
    for (Py_ssize_t i = 1; i < count; i++) PyTuple_SET_ITEM(rest, i - 1, Py_NewRef(args[i]));
    int result = PySys_Audit(event, "O", rest);
    Py_DECREF(rest);
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

/* ---- Hooks ---- */

static PyObject *sys_breakpointhook(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    const char *setting = getenv("PYTHONBREAKPOINT");
    if (kr_tstate()->interp->config.use_environment == 0) setting = NULL;
    if (setting == NULL || *setting == 0) setting = "pdb.set_trace";
    if (strcmp(setting, "0") == 0) Py_RETURN_NONE;
    const char *dot = strrchr(setting, '.'), *attribute = dot == NULL ? setting : dot + 1;
    PyObject *path = dot == NULL ? PyUnicode_FromString("builtins") : PyUnicode_FromStringAndSize(setting, dot - setting);
    if (path == NULL) return NULL;
    PyObject *module_object = dot == setting ? NULL : PyImport_Import(path), *hook = NULL, *result;
    Py_DECREF(path);
    if (module_object != NULL) hook = PyObject_GetAttrString(module_object, attribute);
    Py_XDECREF(module_object);
    if (hook == NULL) {
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_ImportError) && !PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
        if (PyErr_WarnFormat(PyExc_RuntimeWarning, 0, "Ignoring unimportable $PYTHONBREAKPOINT: \"%s\"", setting) < 0)
            return NULL;
        Py_RETURN_NONE;
    }
    result = PyObject_Vectorcall(hook, args, (size_t)count, names);
    Py_DECREF(hook);
    return result;
}

static PyObject *sys_displayhook(PyObject *module, PyObject *value) {
    PyObject *builtins = PyImport_GetModule(KR_NAME(builtins)), *result = NULL;
    if (builtins == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "lost builtins module");
        return NULL;
    }
    Py_DECREF(builtins);
    if (value == Py_None) Py_RETURN_NONE;
    if (PyObject_SetAttr(builtins, KR_NAME(_), Py_None) != 0) return NULL;
    PyObject *out = PySys_GetObject("stdout");
    if (out == NULL || out == Py_None) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.stdout");
        return NULL;
    }
    Py_INCREF(out);
    if (PyFile_WriteObject(value, out, 0) != 0) {
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) goto done;
        PyErr_Clear(); /* what the stream cannot encode is shown escaped */
        PyObject *text = PyObject_Repr(value), *encoding = PyObject_GetAttrString(out, "encoding"), *bytes = NULL;
        if (text != NULL && encoding != NULL)
            bytes = PyUnicode_AsEncodedString(text, PyUnicode_AsUTF8(encoding), "backslashreplace");
        PyObject *escaped = bytes == NULL ? NULL
                                          : PyUnicode_Decode(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes),
                                                             PyUnicode_AsUTF8(encoding), "strict");
        int failed = escaped == NULL || PyFile_WriteObject(escaped, out, Py_PRINT_RAW) != 0;
        Py_XDECREF(escaped);
        Py_XDECREF(bytes);
        Py_XDECREF(encoding);
        Py_XDECREF(text);
        if (failed) goto done;
    }
    if (PyFile_WriteString("\n", out) != 0 || PyObject_SetAttr(builtins, KR_NAME(_), value) != 0) goto done;
    result = Py_NewRef(Py_None);
done:
    Py_DECREF(out);
    return result;
}

static PyObject *sys_excepthook(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("excepthook", count, 3, 3)) return NULL;
    PyErr_Display(args[0], args[1], args[2]);
    Py_RETURN_NONE;
}

static PyObject *handled_exception(void) {
    _PyErr_StackItem *item = kr_tstate()->exc_info;
    while ((item->exc_value == NULL || item->exc_value == Py_None) && item->previous_item != NULL)
        item = item->previous_item;
    return item->exc_value == NULL ? Py_None : item->exc_value;
}

static PyObject *sys_exception(PyObject *module, PyObject *unused) { return Py_NewRef(handled_exception()); }

static PyObject *sys_exc_info(PyObject *module, PyObject *unused) {
    PyObject *value = handled_exception();
    if (value == Py_None) return PyTuple_Pack(3, Py_None, Py_None, Py_None);
    PyObject *traceback = PyException_GetTraceback(value);
    PyObject *result = PyTuple_Pack(3, Py_TYPE(value), value, traceback == NULL ? Py_None : traceback);
    Py_XDECREF(traceback);
    return result;
}

static PyObject *sys_exit(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("exit", count, 0, 1)) return NULL;
    PyErr_SetObject(PyExc_SystemExit, count ? args[0] : Py_None);
    return NULL;
}

/* ---- Tracing ---- */

static PyObject *event_name(int event) {
    switch (event) {
        case PyTrace_CALL: return KR_NAME(call);
        case PyTrace_EXCEPTION: return KR_NAME(exception);
        case PyTrace_LINE: return KR_NAME(line);
        case PyTrace_RETURN: return KR_NAME(return);
        case PyTrace_C_CALL: return KR_NAME(c_call);
        case PyTrace_C_EXCEPTION: return KR_NAME(c_exception);
        case PyTrace_C_RETURN: return KR_NAME(c_return);
        default: return KR_NAME(opcode);
    }
}

static PyObject *call_python_hook(PyObject *callback, PyFrameObject *frame, int event, PyObject *argument) {
    if (PyFrame_FastToLocalsWithError(frame) < 0) return NULL;
    PyObject *args[3] = {(PyObject *)frame, event_name(event), argument == NULL ? Py_None : argument};
    PyObject *result = PyObject_Vectorcall(callback, args, 3, NULL);
    PyFrame_LocalsToFast(frame, 1);
    if (result == NULL) PyTraceBack_Here(frame);
    return result;
}

static int python_profile(PyObject *self, PyFrameObject *frame, int event, PyObject *argument) {
    PyObject *result = call_python_hook(self, frame, event, argument);
    if (result == NULL) {
        _PyEval_SetProfile(kr_tstate(), NULL, NULL);
        return -1;
    }
    Py_DECREF(result);
    return 0;
}

static int python_trace(PyObject *self, PyFrameObject *frame, int event, PyObject *argument) {
    PyObject *callback = event == PyTrace_CALL ? self : frame->trace;
    if (callback == NULL) return 0;
    Py_INCREF(callback);
    PyObject *result = call_python_hook(callback, frame, event, argument);
    Py_DECREF(callback);
    if (result == NULL) {
        _PyEval_SetTrace(kr_tstate(), NULL, NULL);
        Py_CLEAR(frame->trace);
        return -1;
    }
    if (result != Py_None)
        Py_XSETREF(frame->trace, result);
    else
        Py_DECREF(result);
    return 0;
}

static PyObject *sys_settrace(PyObject *module, PyObject *function) {
    int none = function == Py_None;
    if (_PyEval_SetTrace(kr_tstate(), none ? NULL : python_trace, none ? NULL : function) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *sys_gettrace(PyObject *module, PyObject *unused) {
    PyObject *hook = kr_tstate()->c_traceobj;
    return Py_NewRef(hook == NULL ? Py_None : hook);
}

static PyObject *sys_setprofile(PyObject *module, PyObject *function) {
    int none = function == Py_None;
    if (_PyEval_SetProfile(kr_tstate(), none ? NULL : python_profile, none ? NULL : function) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *sys_getprofile(PyObject *module, PyObject *unused) {
    PyObject *hook = kr_tstate()->c_profileobj;
    return Py_NewRef(hook == NULL ? Py_None : hook);
}

static PyObject *sys_call_tracing(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("call_tracing", count, 2, 2)) return NULL;
    if (!PyTuple_Check(args[1])) {
        _PyArg_BadArgument("call_tracing", "argument 2", "tuple", args[1]);
        return NULL;
    }
    return _PyEval_CallTracing(args[0], args[1]);
}

static PyObject *sys_getframe(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("_getframe", count, 0, 1)) return NULL;
    int depth = 0;
    if (count && (depth = _PyLong_AsInt(args[0])) == -1 && PyErr_Occurred()) return NULL;
    KrFrame *frame = kr_frame_first_complete(kr_current_frame(kr_tstate()));
    for (; frame != NULL && depth > 0; depth--) frame = kr_frame_first_complete(frame->previous);
    if (frame == NULL) {
        PyErr_SetString(PyExc_ValueError, "call stack is not deep enough");
        return NULL;
    }
    PyObject *object = Py_XNewRef((PyObject *)kr_frame_object(frame));
    if (object == NULL) return PyErr_NoMemory();
    if (PySys_Audit("sys._getframe", "(O)", object) < 0) Py_CLEAR(object);
    return object;
}

static PyObject *sys_current_frames(PyObject *module, PyObject *unused) { return _PyThread_CurrentFrames(); }
static PyObject *sys_current_exceptions(PyObject *module, PyObject *unused) { return _PyThread_CurrentExceptions(); }

/* ---- Limits and counters ---- */

static PyObject *sys_setrecursionlimit(PyObject *module, PyObject *argument) {
    int limit = _PyLong_AsInt(argument);
    if (limit == -1 && PyErr_Occurred()) return NULL;
    if (limit < 1) {
        PyErr_SetString(PyExc_ValueError, "recursion limit must be greater or equal than 1");
        return NULL;
    }
    PyThreadState *thread = kr_tstate();
    int depth = thread->recursion_limit - thread->recursion_remaining;
    if (depth >= limit) {
        PyErr_Format(PyExc_RecursionError, "cannot set the recursion limit to %i at the recursion depth %i: the limit is too low",
                     limit, depth);
        return NULL;
    }
    Py_SetRecursionLimit(limit);
    Py_RETURN_NONE;
}

static PyObject *sys_getrecursionlimit(PyObject *module, PyObject *unused) { return PyLong_FromLong(Py_GetRecursionLimit()); }

static PyObject *sys_setswitchinterval(PyObject *module, PyObject *argument) {
    double seconds = PyFloat_AsDouble(argument);
    if (seconds == -1.0 && PyErr_Occurred()) return NULL;
    if (seconds <= 0.0) {
        PyErr_SetString(PyExc_ValueError, "switch interval must be strictly positive");
        return NULL;
    }
    _PyEval_SetSwitchInterval((unsigned long)(1e6 * seconds));
    Py_RETURN_NONE;
}

static PyObject *sys_getswitchinterval(PyObject *module, PyObject *unused) {
    return PyFloat_FromDouble(1e-6 * (double)_PyEval_GetSwitchInterval());
}

static PyObject *sys_set_int_max_str_digits(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"maxdigits", NULL};
    static _PyArg_Parser parser = {.format = "i:set_int_max_str_digits", .keywords = keywords};
    int digits;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &digits)) return NULL;
    if (digits != 0 && digits < KR_INT_MAX_STR_DIGITS_THRESHOLD) {
        PyErr_Format(PyExc_ValueError, "maxdigits must be 0 or larger than %d", KR_INT_MAX_STR_DIGITS_THRESHOLD);
        return NULL;
    }
    kr_int_set_max_str_digits(digits);
    Py_RETURN_NONE;
}

static PyObject *sys_get_int_max_str_digits(PyObject *module, PyObject *unused) {
    return PyLong_FromLong(kr_int_get_max_str_digits());
}

static PyObject *sys_getrefcount(PyObject *module, PyObject *object) { return PyLong_FromSsize_t(Py_REFCNT(object)); }

static PyObject *sys_getallocatedblocks(PyObject *module, PyObject *unused) {
    return PyLong_FromSsize_t(_Py_GetAllocatedBlocks());
}

size_t _PySys_GetSizeOf(PyObject *object) {
    PyObject *method = kr_load_special_method(object, KR_NAME(__sizeof__));
    if (method == NULL) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "Type %.100s doesn't define __sizeof__", Py_TYPE(object)->tp_name);
        return (size_t)-1;
    }
    PyObject *result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (result == NULL) return (size_t)-1;
    Py_ssize_t size = PyLong_AsSsize_t(result);
    Py_DECREF(result);
    if (size == -1 && PyErr_Occurred()) return (size_t)-1;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "__sizeof__() should return >= 0");
        return (size_t)-1;
    }
    return (size_t)size;
}

static PyObject *sys_getsizeof(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"object", "default", NULL};
    PyObject *object, *fallback = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:getsizeof", keywords, &object, &fallback)) return NULL;
    size_t size = _PySys_GetSizeOf(object);
    if (size == (size_t)-1 && PyErr_Occurred()) {
        if (fallback == NULL || !PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
        PyErr_Clear();
        return Py_NewRef(fallback);
    }
    return PyLong_FromSize_t(size);
}

#ifdef KRAIT_DEBUG
static PyObject *sys_gettotalrefcount(PyObject *module, PyObject *unused) {
    return PyLong_FromSsize_t(kr_leaks_total_references());
}

/* Takes and makes nothing that needs memory before the failures have ended. */
static PyObject *sys_fail_allocations(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("_fail_allocations", count, 2, 2)) return NULL;
    long start = PyLong_AsLong(args[0]), stop = PyLong_AsLong(args[1]), numbered = kr_heap_fail_count();
    if (PyErr_Occurred()) return NULL;
    kr_heap_fail_between(0, 0);
    PyObject *result = PyLong_FromLong(numbered);
    kr_heap_fail_between(start, stop);
    return result;
}
#endif

static PyObject *sys_debugmallocstats(PyObject *module, PyObject *unused) {
    if (_PyObject_DebugMallocStats(stderr)) fputc('\n', stderr);
    _PyDict_DebugMallocStats(stderr);
    _PyFloat_DebugMallocStats(stderr);
    kr_int_debug_stats(stderr);
    _PyObject_DebugTypeStats(stderr);
    Py_RETURN_NONE;
}

/* ---- Strings and encodings ---- */

static PyObject *sys_intern(PyObject *module, PyObject *text) {
    if (!PyUnicode_Check(text)) {
        _PyArg_BadArgument("intern", "argument", "str", text);
        return NULL;
    }
    if (!PyUnicode_CheckExact(text)) {
        PyErr_Format(PyExc_TypeError, "can't intern %.400s", Py_TYPE(text)->tp_name);
        return NULL;
    }
    Py_INCREF(text);
    PyUnicode_InternInPlace(&text);
    return text;
}

static PyObject *sys_getdefaultencoding(PyObject *module, PyObject *unused) { return PyUnicode_FromString("utf-8"); }

static PyObject *sys_getfilesystemencoding(PyObject *module, PyObject *unused) {
    return PyUnicode_FromWideChar(kr_tstate()->interp->config.filesystem_encoding, -1);
}

static PyObject *sys_getfilesystemencodeerrors(PyObject *module, PyObject *unused) {
    return PyUnicode_FromWideChar(kr_tstate()->interp->config.filesystem_errors, -1);
}

/* ---- Coroutines and asynchronous generators ---- */

static PyObject *sys_set_origin_tracking(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"depth", NULL};
    static _PyArg_Parser parser = {.format = "i:set_coroutine_origin_tracking_depth", .keywords = keywords};
    int depth;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &depth)) return NULL;
    if (depth < 0) {
        PyErr_SetString(PyExc_ValueError, "depth must be >= 0");
        return NULL;
    }
    kr_tstate()->coroutine_origin_tracking_depth = depth;
    Py_RETURN_NONE;
}

static PyObject *sys_get_origin_tracking(PyObject *module, PyObject *unused) {
    return PyLong_FromLong(kr_tstate()->coroutine_origin_tracking_depth);
}

static PyObject *sys_set_asyncgen_hooks(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"firstiter", "finalizer", NULL};
    PyObject *first = NULL, *finalizer = NULL;
    PyThreadState *thread = kr_tstate();
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO", keywords, &first, &finalizer)) return NULL;
    if (finalizer != NULL && finalizer != Py_None && !PyCallable_Check(finalizer)) {
        PyErr_Format(PyExc_TypeError, "callable finalizer expected, got %.50s", Py_TYPE(finalizer)->tp_name);
        return NULL;
    }
    if (first != NULL && first != Py_None && !PyCallable_Check(first)) {
        PyErr_Format(PyExc_TypeError, "callable firstiter expected, got %.50s", Py_TYPE(first)->tp_name);
        return NULL;
    }
    if (finalizer != NULL) {
        if (PySys_Audit("sys.set_asyncgen_hooks_finalizer", NULL) < 0) return NULL;
        Py_XSETREF(thread->async_gen_finalizer, finalizer == Py_None ? NULL : Py_NewRef(finalizer));
    }
    if (first != NULL) {
        if (PySys_Audit("sys.set_asyncgen_hooks_firstiter", NULL) < 0) return NULL;
        Py_XSETREF(thread->async_gen_firstiter, first == Py_None ? NULL : Py_NewRef(first));
    }
    Py_RETURN_NONE;
}

static PyTypeObject asyncgen_hooks_type;

static PyObject *sys_get_asyncgen_hooks(PyObject *module, PyObject *unused) {
    PyThreadState *thread = kr_tstate();
    PyObject *result = PyStructSequence_New(&asyncgen_hooks_type);
    if (result == NULL) return NULL;
    PyObject *first = thread->async_gen_firstiter, *finalizer = thread->async_gen_finalizer;
    PyStructSequence_SET_ITEM(result, 0, Py_NewRef(first == NULL ? Py_None : first));
    PyStructSequence_SET_ITEM(result, 1, Py_NewRef(finalizer == NULL ? Py_None : finalizer));
    return result;
}

/* ---- The rest ---- */

static PyObject *sys_unraisablehook(PyObject *module, PyObject *unraisable) { return kr_unraisable_write(unraisable); }

static PyObject *sys_is_finalizing(PyObject *module, PyObject *unused) { return PyBool_FromLong(_Py_IsFinalizing()); }

static PyObject *sys_clear_type_cache(PyObject *module, PyObject *unused) {
    PyType_ClearCache();
    Py_RETURN_NONE;
}

static PyObject *sys_getquickenedcount(PyObject *module, PyObject *unused) { return PyLong_FromLong(0); }
static PyObject *sys_getdlopenflags(PyObject *module, PyObject *unused) { return PyLong_FromLong(kr_import_dlopen_flags()); }

static PyObject *sys_setdlopenflags(PyObject *module, PyObject *argument) {
    int flags = _PyLong_AsInt(argument);
    if (flags == -1 && PyErr_Occurred()) return NULL;
    kr_import_set_dlopen_flags(flags);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"addaudithook", FASTCALL(sys_addaudithook), METH_FASTCALL | METH_KEYWORDS,
     "addaudithook($module, /, hook)\n--\n\nAdds a function that is called with every audit event."},
    {"audit", FASTCALL(sys_audit), METH_FASTCALL, "audit(event, *args)\n\nRaises an audit event."},
    {"breakpointhook", FASTCALL(sys_breakpointhook), METH_FASTCALL | METH_KEYWORDS,
     "breakpointhook(*args, **kws)\n\nWhat breakpoint() calls: pdb.set_trace(), or what PYTHONBREAKPOINT names."},
    {"_clear_type_cache", sys_clear_type_cache, METH_NOARGS,
     "_clear_type_cache($module, /)\n--\n\nEmpties the cache of attribute lookups in types."},
    {"_current_frames", sys_current_frames, METH_NOARGS,
     "_current_frames($module, /)\n--\n\nA dict from thread identifiers to the threads' topmost frames."},
    {"_current_exceptions", sys_current_exceptions, METH_NOARGS,
     "_current_exceptions($module, /)\n--\n\nA dict from thread identifiers to the exceptions being handled."},
    {"displayhook", sys_displayhook, METH_O,
     "displayhook($module, object, /)\n--\n\nPrints the value of an expression at the prompt and keeps it in builtins._"},
    {"exc_info", sys_exc_info, METH_NOARGS,
     "exc_info($module, /)\n--\n\nThe tuple (type, value, traceback) of the exception being handled."},
    {"exception", sys_exception, METH_NOARGS, "exception($module, /)\n--\n\nThe exception being handled, or None."},
    {"excepthook", FASTCALL(sys_excepthook), METH_FASTCALL,
     "excepthook($module, exctype, value, traceback, /)\n--\n\nPrints an exception with its traceback to sys.stderr."},
    {"exit", FASTCALL(sys_exit), METH_FASTCALL,
     "exit($module, status=None, /)\n--\n\nRaises SystemExit(status), which ends the process with that exit code."},
    {"getdefaultencoding", sys_getdefaultencoding, METH_NOARGS,
     "getdefaultencoding($module, /)\n--\n\nThe encoding of str() and encode() by default."},
    {"getdlopenflags", sys_getdlopenflags, METH_NOARGS,
     "getdlopenflags($module, /)\n--\n\nThe flags with which extension modules are opened."},
    {"getallocatedblocks", sys_getallocatedblocks, METH_NOARGS,
     "getallocatedblocks($module, /)\n--\n\nThe number of memory blocks in use."},
    {"getfilesystemencoding", sys_getfilesystemencoding, METH_NOARGS,
     "getfilesystemencoding($module, /)\n--\n\nThe encoding of file names."},
    {"getfilesystemencodeerrors", sys_getfilesystemencodeerrors, METH_NOARGS,
     "getfilesystemencodeerrors($module, /)\n--\n\nThe error handler of file names."},
    {"_getquickenedcount", sys_getquickenedcount, METH_NOARGS, "_getquickenedcount($module, /)\n--\n\nAlways 0."},
#ifdef KRAIT_DEBUG
    {"gettotalrefcount", sys_gettotalrefcount, METH_NOARGS,
     "gettotalrefcount($module, /)\n--\n\nThe sum of the reference counts of all objects."},
    {"_fail_allocations", (PyCFunction)(void (*)(void))sys_fail_allocations, METH_FASTCALL,
     "_fail_allocations($module, start, stop, /)\n--\n\n"
     "Numbers allocations from 1 on; those from `start` up to, not including, `stop` fail, all if `stop` is 0. A `start` of "
     "0 ends this. Returns how many were numbered before."},
#endif
    {"getrefcount", sys_getrefcount, METH_O,
     "getrefcount($module, object, /)\n--\n\nThe object's reference count, the argument's own reference included."},
    {"getrecursionlimit", sys_getrecursionlimit, METH_NOARGS,
     "getrecursionlimit($module, /)\n--\n\nThe depth that the call stack may reach."},
    {"getsizeof", (PyCFunction)(void (*)(void))sys_getsizeof, METH_VARARGS | METH_KEYWORDS,
     "getsizeof(object [, default]) -> int\n\nThe size of the object itself in bytes."},
    {"_getframe", FASTCALL(sys_getframe), METH_FASTCALL,
     "_getframe($module, depth=0, /)\n--\n\nThe frame that many calls below the top of the stack."},
    {"intern", sys_intern, METH_O, "intern($module, string, /)\n--\n\nThe one shared string with this text."},
    {"is_finalizing", sys_is_finalizing, METH_NOARGS, "is_finalizing($module, /)\n--\n\nTrue while the interpreter shuts down."},
    {"setdlopenflags", sys_setdlopenflags, METH_O,
     "setdlopenflags($module, flags, /)\n--\n\nSets the flags with which extension modules are opened."},
    {"setprofile", sys_setprofile, METH_O, "setprofile(function)\n\nSets the function that profiles calls and returns."},
    {"getprofile", sys_getprofile, METH_NOARGS, "getprofile($module, /)\n--\n\nThe profiling function, or None."},
    {"setrecursionlimit", sys_setrecursionlimit, METH_O,
     "setrecursionlimit($module, limit, /)\n--\n\nSets the depth that the call stack may reach."},
    {"setswitchinterval", sys_setswitchinterval, METH_O,
     "setswitchinterval($module, interval, /)\n--\n\nSets for how many seconds a thread may run while others wait."},
    {"getswitchinterval", sys_getswitchinterval, METH_NOARGS,
     "getswitchinterval($module, /)\n--\n\nFor how many seconds a thread may run while others wait."},
    {"settrace", sys_settrace, METH_O, "settrace(function)\n\nSets the function that traces calls, lines and exceptions."},
    {"gettrace", sys_gettrace, METH_NOARGS, "gettrace($module, /)\n--\n\nThe tracing function, or None."},
    {"call_tracing", FASTCALL(sys_call_tracing), METH_FASTCALL,
     "call_tracing($module, func, args, /)\n--\n\nCalls func(*args) with tracing on, from inside a trace function."},
    {"_debugmallocstats", sys_debugmallocstats, METH_NOARGS,
     "_debugmallocstats($module, /)\n--\n\nPrints the allocator's state to stderr."},
    {"set_coroutine_origin_tracking_depth", FASTCALL(sys_set_origin_tracking), METH_FASTCALL | METH_KEYWORDS,
     "set_coroutine_origin_tracking_depth($module, /, depth)\n--\n\nHow many frames new coroutines remember as their origin."},
    {"get_coroutine_origin_tracking_depth", sys_get_origin_tracking, METH_NOARGS,
     "get_coroutine_origin_tracking_depth($module, /)\n--\n\nHow many frames new coroutines remember as their origin."},
    {"set_asyncgen_hooks", (PyCFunction)(void (*)(void))sys_set_asyncgen_hooks, METH_VARARGS | METH_KEYWORDS,
     "set_asyncgen_hooks(* [, firstiter] [, finalizer])\n\nSets what is called at the first use and at the end of "
     "asynchronous generators."},
    {"get_asyncgen_hooks", sys_get_asyncgen_hooks, METH_NOARGS,
     "get_asyncgen_hooks($module, /)\n--\n\nThe hooks of asynchronous generators as (firstiter, finalizer)."},
    {"unraisablehook", sys_unraisablehook, METH_O,
     "unraisablehook($module, unraisable, /)\n--\n\nReports an exception that cannot be raised."},
    {"get_int_max_str_digits", sys_get_int_max_str_digits, METH_NOARGS,
     "get_int_max_str_digits($module, /)\n--\n\nHow many digits conversions between int and str may have."},
    {"set_int_max_str_digits", FASTCALL(sys_set_int_max_str_digits), METH_FASTCALL | METH_KEYWORDS,
     "set_int_max_str_digits($module, /, maxdigits)\n--\n\nSets how many digits conversions between int and str may have."},
    {NULL},
};

/* ---- Named tuples ---- */

static PyTypeObject flags_type, version_info_type, float_info_type, int_info_type, hash_info_type;

static PyStructSequence_Field flags_fields[] = {
    {"debug", "-d"}, {"inspect", "-i"}, {"interactive", "-i"}, {"optimize", "-O or -OO"}, {"dont_write_bytecode", "-B"},
    {"no_user_site", "-s"}, {"no_site", "-S"}, {"ignore_environment", "-E"}, {"verbose", "-v"}, {"bytes_warning", "-b"},
    {"quiet", "-q"}, {"hash_randomization", "whether hashes are random"}, {"isolated", "-I"}, {"dev_mode", "-X dev"},
    {"utf8_mode", "-X utf8"}, {"warn_default_encoding", "-X warn_default_encoding"}, {"safe_path", "-P"},
    {"int_max_str_digits", "-X int_max_str_digits"}, {NULL},
};
static PyStructSequence_Desc flags_description = {"sys.flags", "The flags of the command line and the environment.",
                                                  flags_fields, 18};
static PyStructSequence_Field version_fields[] = {
    {"major", "major release number"}, {"minor", "minor release number"}, {"micro", "patch release number"},
    {"releaselevel", "'alpha', 'beta', 'candidate' or 'final'"}, {"serial", "serial release number"}, {NULL},
};
static PyStructSequence_Desc version_description = {"sys.version_info", "The version of the language.", version_fields, 5};
static PyStructSequence_Field float_fields[] = {
    {"max", "largest finite float"}, {"max_exp", "largest e such that 2.0**(e-1) is a float"},
    {"max_10_exp", "largest e such that 10.0**e is a float"}, {"min", "smallest positive normalised float"},
    {"min_exp", "smallest e such that 2.0**(e-1) is normalised"}, {"min_10_exp", "smallest e such that 10.0**e is normalised"},
    {"dig", "decimal digits that survive a round trip"}, {"mant_dig", "bits of the mantissa"},
    {"epsilon", "distance from 1.0 to the next float"}, {"radix", "base of the exponent"}, {"rounds", "rounding mode"}, {NULL},
};
static PyStructSequence_Desc float_description = {"sys.float_info", "Properties of floats.", float_fields, 11};
static PyStructSequence_Field int_fields[] = {
    {"bits_per_digit", "bits of a digit"}, {"sizeof_digit", "bytes of a digit"},
    {"default_max_str_digits", "default limit of int <-> str conversions"},
    {"str_digits_check_threshold", "smallest limit that can be set"}, {NULL},
};
static PyStructSequence_Desc int_description = {"sys.int_info", "Properties of ints.", int_fields, 4};
static PyStructSequence_Field hash_fields[] = {
    {"width", "bits of a hash"}, {"modulus", "prime modulus of numeric hashes"}, {"inf", "hash of infinity"},
    {"nan", "unused"}, {"imag", "multiplier of imaginary parts"}, {"algorithm", "hash of str and bytes"},
    {"hash_bits", "bits of that algorithm"}, {"seed_bits", "bits of its key"}, {"cutoff", "length up to which a simpler hash is used"},
    {NULL},
};
static PyStructSequence_Desc hash_description = {"sys.hash_info", "Properties of hashes.", hash_fields, 9};
static PyStructSequence_Field hooks_fields[] = {
    {"firstiter", "called at the first iteration"}, {"finalizer", "called before the generator dies"}, {NULL},
};
static PyStructSequence_Desc hooks_description = {"asyncgen_hooks", "Hooks of asynchronous generators.", hooks_fields, 2};

/* Fills a named tuple; takes over the references in `values`. */
static PyObject *filled(PyTypeObject *type, PyObject *const *values, int count) {
    PyObject *result = PyStructSequence_New(type);
    for (int i = 0; i < count; i++) {
        if (result != NULL)
            PyStructSequence_SET_ITEM(result, i, values[i]);
        else
            Py_XDECREF(values[i]);
    }
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

static PyObject *make_flags(const PyConfig *config) {
    PyObject *values[] = {
        PyLong_FromLong(config->parser_debug), PyLong_FromLong(config->inspect), PyLong_FromLong(config->interactive),
        PyLong_FromLong(config->optimization_level), PyLong_FromLong(!config->write_bytecode),
        PyLong_FromLong(!config->user_site_directory), PyLong_FromLong(!config->site_import),
        PyLong_FromLong(!config->use_environment), PyLong_FromLong(config->verbose), PyLong_FromLong(config->bytes_warning),
        PyLong_FromLong(config->quiet), PyLong_FromLong(config->use_hash_seed == 0 || config->hash_seed != 0),
        PyLong_FromLong(config->isolated), PyBool_FromLong(config->dev_mode), PyLong_FromLong(Py_UTF8Mode),
        PyLong_FromLong(config->warn_default_encoding), PyBool_FromLong(config->safe_path),
        PyLong_FromLong(kr_tstate()->interp->int_max_str_digits),
    };
    return filled(&flags_type, values, 18);
}

static PyObject *make_version_info(void) {
    PyObject *values[] = {PyLong_FromLong(PY_MAJOR_VERSION), PyLong_FromLong(PY_MINOR_VERSION), PyLong_FromLong(2),
                          PyUnicode_FromString("final"), PyLong_FromLong(0)};
    return filled(&version_info_type, values, 5);
}

static PyObject *make_float_info(void) {
    PyObject *values[] = {PyFloat_FromDouble(DBL_MAX), PyLong_FromLong(DBL_MAX_EXP), PyLong_FromLong(DBL_MAX_10_EXP),
                          PyFloat_FromDouble(DBL_MIN), PyLong_FromLong(DBL_MIN_EXP), PyLong_FromLong(DBL_MIN_10_EXP),
                          PyLong_FromLong(DBL_DIG), PyLong_FromLong(DBL_MANT_DIG), PyFloat_FromDouble(DBL_EPSILON),
                          PyLong_FromLong(FLT_RADIX), PyLong_FromLong(FLT_ROUNDS)};
    return filled(&float_info_type, values, 11);
}

static PyObject *make_int_info(void) {
    PyObject *values[] = {PyLong_FromLong(PyLong_SHIFT), PyLong_FromLong(sizeof(digit)), PyLong_FromLong(4300),
                          PyLong_FromLong(640)};
    return filled(&int_info_type, values, 4);
}

static PyObject *make_hash_info(void) {
    PyHash_FuncDef *function = PyHash_GetFuncDef();
    PyObject *values[] = {PyLong_FromLong(8 * sizeof(Py_hash_t)), PyLong_FromSsize_t(_PyHASH_MODULUS),
                          PyLong_FromLong(_PyHASH_INF), PyLong_FromLong(0), PyLong_FromLong(_PyHASH_IMAG),
                          PyUnicode_FromString(function->name), PyLong_FromLong(function->hash_bits),
                          PyLong_FromLong(function->seed_bits), PyLong_FromLong(Py_HASH_CUTOFF)};
    return filled(&hash_info_type, values, 9);
}

static PyObject *make_implementation(PyObject *version_info) {
    PyObject *dict = Py_BuildValue("{sssssOsIssss}", "name", "cpython", "cache_tag", "cpython-311", "version", version_info,
                                   "hexversion", (unsigned)PY_VERSION_HEX_EXPECTED, "_multiarch", KRAIT_MULTIARCH, "krait",
                                   KRAIT_VERSION);
    if (dict == NULL) return NULL;
    PyObject *result = _PyNamespace_New(dict);
    Py_DECREF(dict);
    return result;
}

static PyObject *make_stdlib_names(void) {
    static const char *const names[] = {
#define KR_STDLIB_MODULE(name) #name,
#include "modules/stdlib_names.def"
    };
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < sizeof names / sizeof *names; i++) {
        PyObject *name = PyUnicode_FromString(names[i]);
        if (name == NULL || PyList_Append(list, name) < 0) Py_CLEAR(list);
        Py_XDECREF(name);
    }
    PyObject *set = list == NULL ? NULL : PyFrozenSet_New(list);
    Py_XDECREF(list);
    return set;
}

/* Sets an attribute and releases the value. Returns 0, or -1 also if the value is NULL. */
static int set(PyObject *dict, const char *name, PyObject *value) {
    if (value == NULL) return -1;
    int result = PyDict_SetItemString(dict, name, value);
    Py_DECREF(value);
    return result;
}

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "sys",
    .m_doc = "The interpreter itself: its settings, its limits, its streams and its hooks.",
    .m_size = -1,
    .m_methods = methods,
};

static PyObject *from_wide(const wchar_t *text) {
    return text == NULL ? Py_NewRef(Py_None) : PyUnicode_FromWideChar(text, -1);
}

static PyObject *from_wide_list(const PyWideStringList *list) {
    PyObject *result = PyList_New(list->length);
    for (Py_ssize_t i = 0; result != NULL && i < list->length; i++) {
        PyObject *item = PyUnicode_FromWideChar(list->items[i], -1);
        if (item == NULL)
            Py_CLEAR(result);
        else
            PyList_SET_ITEM(result, i, item);
    }
    return result;
}

static PyObject *make_xoptions(const PyConfig *config) {
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict != NULL && i < config->xoptions.length; i++) {
        const wchar_t *option = config->xoptions.items[i], *sign = wcschr(option, '=');
        PyObject *name = PyUnicode_FromWideChar(option, sign == NULL ? -1 : sign - option);
        PyObject *value = sign == NULL ? Py_NewRef(Py_True) : PyUnicode_FromWideChar(sign + 1, -1);
        if (name == NULL || value == NULL || PyDict_SetItem(dict, name, value) < 0) Py_CLEAR(dict);
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return dict;
}

PyObject *kr_sys_create(PyThreadState *thread) {
    PyInterpreterState *interpreter = thread->interp;
    static const struct {
        PyTypeObject *type;
        PyStructSequence_Desc *description;
    } types[] = {{&flags_type, &flags_description},       {&version_info_type, &version_description},
                 {&float_info_type, &float_description},  {&int_info_type, &int_description},
                 {&hash_info_type, &hash_description},    {&asyncgen_hooks_type, &hooks_description}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type->tp_dict == NULL && PyStructSequence_InitType2(types[i].type, types[i].description) < 0) return NULL;
    /* these describe the process: a program cannot make more of them */
    PyTypeObject *single[] = {&flags_type, &version_info_type, &hash_info_type};
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    PyObject *dict = PyModule_GetDict(module);
    interpreter->sysdict = Py_NewRef(dict);
    PyObject *version_info = make_version_info();
    if (version_info == NULL || set(dict, "modules", Py_NewRef(interpreter->modules)) < 0 ||
        set(dict, "displayhook", PyObject_GetAttrString(module, "displayhook")) < 0 ||
        set(dict, "__displayhook__", PyObject_GetAttrString(module, "displayhook")) < 0 ||
        set(dict, "__excepthook__", PyObject_GetAttrString(module, "excepthook")) < 0 ||
        set(dict, "__breakpointhook__", PyObject_GetAttrString(module, "breakpointhook")) < 0 ||
        set(dict, "__unraisablehook__", PyObject_GetAttrString(module, "unraisablehook")) < 0 ||
        set(dict, "version", PyUnicode_FromString(Py_GetVersion())) < 0 ||
        set(dict, "hexversion", PyLong_FromLong(PY_VERSION_HEX_EXPECTED)) < 0 ||
        set(dict, "_git", Py_BuildValue("(sss)", "CPython", "", "")) < 0 ||
        set(dict, "_framework", PyUnicode_FromString("")) < 0 ||
        set(dict, "api_version", PyLong_FromLong(PYTHON_API_VERSION)) < 0 ||
        set(dict, "copyright", PyUnicode_FromString(Py_GetCopyright())) < 0 ||
        set(dict, "platform", PyUnicode_FromString(Py_GetPlatform())) < 0 ||
        set(dict, "maxsize", PyLong_FromSsize_t(PY_SSIZE_T_MAX)) < 0 || set(dict, "float_info", make_float_info()) < 0 ||
        set(dict, "int_info", make_int_info()) < 0 || set(dict, "hash_info", make_hash_info()) < 0 ||
        set(dict, "maxunicode", PyLong_FromLong(0x10FFFF)) < 0 ||
        set(dict, "builtin_module_names", kr_import_builtin_names()) < 0 ||
        set(dict, "stdlib_module_names", make_stdlib_names()) < 0 ||
        set(dict, "byteorder", PyUnicode_FromString("little")) < 0 || set(dict, "abiflags", PyUnicode_FromString("")) < 0 ||
        set(dict, "implementation", make_implementation(version_info)) < 0 ||
        set(dict, "float_repr_style", PyUnicode_FromString("short")) < 0 ||
        set(dict, "thread_info", PyThread_GetInfo()) < 0 || set(dict, "warnoptions", PyList_New(0)) < 0 ||
        set(dict, "_xoptions", PyDict_New()) < 0 || set(dict, "meta_path", PyList_New(0)) < 0 ||
        set(dict, "path_importer_cache", PyDict_New()) < 0 || set(dict, "path_hooks", PyList_New(0)) < 0 ||
        set(dict, "version_info", version_info) < 0) {
        Py_DECREF(module);
        return NULL;
    }
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        single[i]->tp_new = NULL;
        single[i]->tp_flags |= Py_TPFLAGS_DISALLOW_INSTANTIATION;
        PyDict_DelItemString(single[i]->tp_dict, "__new__");
        PyErr_Clear();
        PyType_Modified(single[i]);
    }
    return module;
}

int kr_sys_update(PyThreadState *thread) {
    const PyConfig *config = &thread->interp->config;
    PyObject *dict = thread->interp->sysdict;
    PyObject *flags = make_flags(config);
    if (set(dict, "flags", flags) < 0 || set(dict, "executable", from_wide(config->executable)) < 0 ||
        set(dict, "_base_executable", from_wide(config->base_executable)) < 0 ||
        set(dict, "prefix", from_wide(config->prefix)) < 0 || set(dict, "base_prefix", from_wide(config->base_prefix)) < 0 ||
        set(dict, "exec_prefix", from_wide(config->exec_prefix)) < 0 ||
        set(dict, "base_exec_prefix", from_wide(config->base_exec_prefix)) < 0 ||
        set(dict, "platlibdir", from_wide(config->platlibdir)) < 0 ||
        set(dict, "_stdlib_dir", from_wide(config->stdlib_dir)) < 0 || set(dict, "_home", Py_NewRef(Py_None)) < 0 ||
        set(dict, "pycache_prefix", from_wide(config->pycache_prefix)) < 0 ||
        set(dict, "path", from_wide_list(&config->module_search_paths)) < 0 ||
        set(dict, "argv", from_wide_list(&config->argv)) < 0 || set(dict, "orig_argv", from_wide_list(&config->orig_argv)) < 0 ||
        set(dict, "warnoptions", from_wide_list(&config->warnoptions)) < 0 ||
        set(dict, "_xoptions", make_xoptions(config)) < 0 ||
        set(dict, "dont_write_bytecode", PyBool_FromLong(!config->write_bytecode)) < 0)
        return -1;
    return 0;
}

/* ---- Writing to the streams from C ---- */

static int write_to(PyObject *file, const char *text) {
    return file == NULL || file == Py_None ? -1 : PyFile_WriteString(text, file);
}

static void write_formatted(const char *name, FILE *fallback, const char *format, va_list args) {
    char buffer[1001];
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *file = PySys_GetObject(name);
    int written = PyOS_vsnprintf(buffer, sizeof buffer, format, args);
    if (write_to(file, buffer) != 0) {
        PyErr_Clear();
        fputs(buffer, fallback);
    }
    if (written < 0 || (size_t)written >= sizeof buffer) {
        if (write_to(file, "... truncated") != 0) {
            PyErr_Clear();
            fputs("... truncated", fallback);
        }
    }
    PyErr_Restore(type, value, traceback);
}

void PySys_WriteStdout(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_formatted("stdout", stdout, format, args);
    va_end(args);
}

void PySys_WriteStderr(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_formatted("stderr", stderr, format, args);
    va_end(args);
}

static void write_unicode(const char *name, FILE *fallback, const char *format, va_list args) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *file = PySys_GetObject(name), *text = PyUnicode_FromFormatV(format, args);
    if (text != NULL && (file == NULL || file == Py_None || PyFile_WriteObject(text, file, Py_PRINT_RAW) != 0)) {
        PyErr_Clear();
        const char *bytes = PyUnicode_AsUTF8(text);
        if (bytes != NULL) fputs(bytes, fallback);
    }
    PyErr_Clear();
    Py_XDECREF(text);
    PyErr_Restore(type, value, traceback);
}

void PySys_FormatStdout(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_unicode("stdout", stdout, format, args);
    va_end(args);
}

void PySys_FormatStderr(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_unicode("stderr", stderr, format, args);
    va_end(args);
}

/* ---- Old ways to configure ---- */

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

PyObject *PySys_GetXOptions(void) { return PySys_GetObject("_xoptions"); }

int PySys_HasWarnOptions(void) {
    PyObject *options = PySys_GetObject("warnoptions");
    return options != NULL && PyList_Check(options) && PyList_GET_SIZE(options) > 0;
}

void PySys_ResetWarnOptions(void) {
    PyObject *options = kr_tstate() == NULL ? NULL : PySys_GetObject("warnoptions");
    if (options != NULL && PyList_Check(options)) PyList_SetSlice(options, 0, PyList_GET_SIZE(options), NULL);
}

void PySys_AddWarnOptionUnicode(PyObject *option) {
    PyObject *options = PySys_GetObject("warnoptions");
    if (options == NULL || PyList_Append(options, option) < 0) PyErr_Clear();
}

void PySys_AddWarnOption(const wchar_t *text) {
    PyObject *option = PyUnicode_FromWideChar(text, -1);
    if (option != NULL) PySys_AddWarnOptionUnicode(option);
    Py_XDECREF(option);
}

void PySys_AddXOption(const wchar_t *text) {
    PyObject *options = PySys_GetXOptions();
    const wchar_t *sign = wcschr(text, '=');
    PyObject *name = PyUnicode_FromWideChar(text, sign == NULL ? -1 : sign - text);
    PyObject *value = sign == NULL ? Py_NewRef(Py_True) : PyUnicode_FromWideChar(sign + 1, -1);
    if (options == NULL || name == NULL || value == NULL || PyDict_SetItem(options, name, value) < 0) PyErr_Clear();
    Py_XDECREF(name);
    Py_XDECREF(value);
}

void PySys_SetPath(const wchar_t *path) {
    PyObject *list = PyList_New(0);
    for (;;) {
        size_t length = wcscspn(path, L":");
        PyObject *item = PyUnicode_FromWideChar(path, (Py_ssize_t)length);
        if (list == NULL || item == NULL || PyList_Append(list, item) < 0) Py_FatalError("can't create sys.path");
        Py_DECREF(item);
        if (path[length] == 0) break;
        path += length + 1;
    }
    if (PySys_SetObject("path", list) < 0) Py_FatalError("can't assign sys.path");
    Py_DECREF(list);
}

void PySys_SetArgvEx(int argc, wchar_t **argv, int update_path) {
    wchar_t *empty = L"";
    if (argc < 1 || argv == NULL) {
        argv = &empty;
        argc = 1;
    }
    PyWideStringList list = {argc, argv};
    PyObject *object = from_wide_list(&list);
    if (object == NULL || PySys_SetObject("argv", object) < 0) Py_FatalError("can't assign sys.argv");
    Py_DECREF(object);
    if (update_path) {
        PyObject *path = PySys_GetObject("path"), *first = kr_sys_script_folder(&list);
        int failed = first == NULL ? PyErr_Occurred() != NULL : path != NULL && PyList_Insert(path, 0, first) < 0;
        if (failed) Py_FatalError("can't prepend path to sys.path");
        Py_XDECREF(first);
    }
}

void PySys_SetArgv(int argc, wchar_t **argv) { PySys_SetArgvEx(argc, argv, 1); }
