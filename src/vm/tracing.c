/* Tracing and profiling: the functions of sys.settrace() and sys.setprofile().
 *
 * While a thread is traced the loop comes here before every instruction. A "line" event is due when an instruction is of
 * another line than the one that ran before it, or when a jump goes backward.
 */
#include <Python.h>
#include <frameobject.h>

#include "compile/opcodes.h"
#include "object/runtime.h"
#include "types/code.h"
#include "vm/eval.h"
#include "vm/frame.h"
#include "vm/specialise.h"

static void update_use_tracing(PyThreadState *thread) {
    thread->cframe->use_tracing =
        !thread->tracing && (thread->c_tracefunc != NULL || thread->c_profilefunc != NULL) ? 255 : 0;
}

void PyThreadState_EnterTracing(PyThreadState *thread) {
    thread->tracing++;
    thread->cframe->use_tracing = 0;
}

void PyThreadState_LeaveTracing(PyThreadState *thread) {
    thread->tracing--;
    update_use_tracing(thread);
}

static int call_hook(PyThreadState *thread, Py_tracefunc function, PyObject *self, KrFrame *frame, int event,
                     PyObject *argument) {
    if (thread->tracing) return 0;
    PyFrameObject *object = kr_frame_object(frame);
    if (object == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int old_event = thread->tracing_what, result;
    thread->tracing_what = event;
    PyThreadState_EnterTracing(thread);
    Py_INCREF(object);
    result = function(self, object, event, argument);
    Py_DECREF(object);
    PyThreadState_LeaveTracing(thread);
    thread->tracing_what = old_event;
    return result;
}

/* Calls a hook while an exception is set; the exception stays unless the hook raises another. */
static int call_hook_protected(PyThreadState *thread, Py_tracefunc function, PyObject *self, KrFrame *frame, int event,
                               PyObject *argument) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int failed = call_hook(thread, function, self, frame, event, argument);
    if (failed == 0) {
        PyErr_Restore(type, value, traceback);
        return 0;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return -1;
}

int kr_trace_call(PyThreadState *thread, KrFrame *frame) {
    if (thread->c_tracefunc != NULL &&
        call_hook(thread, thread->c_tracefunc, thread->c_traceobj, frame, PyTrace_CALL, Py_None) != 0)
        return -1;
    if (thread->c_profilefunc != NULL &&
        call_hook(thread, thread->c_profilefunc, thread->c_profileobj, frame, PyTrace_CALL, Py_None) != 0)
        return -1;
    return 0;
}

void kr_trace_throw(PyThreadState *thread, KrFrame *frame) {
    if (thread->c_tracefunc != NULL &&
        call_hook_protected(thread, thread->c_tracefunc, thread->c_traceobj, frame, PyTrace_CALL, Py_None) != 0)
        return;
    if (thread->c_profilefunc != NULL)
        call_hook_protected(thread, thread->c_profilefunc, thread->c_profileobj, frame, PyTrace_CALL, Py_None);
}

int kr_trace_return(PyThreadState *thread, KrFrame *frame, PyObject *value) {
    int protected = value == NULL;
    if (thread->c_tracefunc != NULL) {
        int failed = protected
                         ? call_hook_protected(thread, thread->c_tracefunc, thread->c_traceobj, frame, PyTrace_RETURN, value)
                         : call_hook(thread, thread->c_tracefunc, thread->c_traceobj, frame, PyTrace_RETURN, value);
        if (failed) return -1;
    }
    if (thread->c_profilefunc != NULL) {
        int failed = protected ? call_hook_protected(thread, thread->c_profilefunc, thread->c_profileobj, frame,
                                                     PyTrace_RETURN, value)
                               : call_hook(thread, thread->c_profilefunc, thread->c_profileobj, frame, PyTrace_RETURN, value);
        if (failed) return -1;
    }
    return 0;
}

void kr_trace_exception(PyThreadState *thread, KrFrame *frame) {
    if (thread->c_tracefunc == NULL || thread->tracing || kr_frame_is_incomplete(frame)) return;
    PyObject *type, *value, *original;
    PyErr_Fetch(&type, &value, &original);
    PyObject *traceback = original;
    if (value == NULL) value = Py_NewRef(Py_None);
    PyErr_NormalizeException(&type, &value, &original);
    traceback = original != NULL ? original : Py_None;
    PyObject *argument = PyTuple_Pack(3, type, value, traceback);
    if (argument == NULL) {
        PyErr_Restore(type, value, original);
        return;
    }
    int failed = call_hook(thread, thread->c_tracefunc, thread->c_traceobj, frame, PyTrace_EXCEPTION, argument);
    Py_DECREF(argument);
    if (failed == 0) {
        PyErr_Restore(type, value, original);
    } else {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(original);
    }
}

int kr_trace_instruction(PyThreadState *thread, KrFrame *frame, int previous_offset) {
    if (thread->c_tracefunc == NULL || thread->tracing) return 0;
    PyCodeObject *code = frame->code;
    int offset = kr_frame_lasti(frame);
    if (offset < code->_co_firsttraceable) return 0;
    PyFrameObject *object = kr_frame_object(frame);
    if (object == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int line = PyCode_Addr2Line(code, offset * (int)sizeof(_Py_CODEUNIT)), result = 0;
    if (line >= 0 && object->trace_lines) {
        int previous_line = previous_offset > code->_co_firsttraceable
                                ? PyCode_Addr2Line(code, previous_offset * (int)sizeof(_Py_CODEUNIT))
                                : -1;
        /* The loop of `yield from` jumps back to SEND, which is no new round for the programmer. */
        int backward = offset < previous_offset && kr_deoptimized_opcode[_Py_OPCODE(*frame->instruction)] != OP_SEND;
        if (line != previous_line || backward) {
            result = call_hook(thread, thread->c_tracefunc, thread->c_traceobj, frame, PyTrace_LINE, Py_None);
            object->line = 0;
        }
    }
    if (result == 0 && object->trace_opcodes)
        result = call_hook(thread, thread->c_tracefunc, thread->c_traceobj, frame, PyTrace_OPCODE, Py_None);
    return result;
}

/* Calls with profiling events around C functions. count (size_t)-1: `*args` is a tuple and `keyword_names` a dict. */
PyObject *kr_trace_c_call(PyThreadState *thread, KrFrame *frame, PyObject *callable, PyObject *const *args, size_t count,
                          PyObject *keyword_names) {
    PyObject *function = NULL, *result;
    if (thread->c_profilefunc != NULL && !thread->tracing) {
        if (PyCFunction_CheckExact(callable) || PyCMethod_CheckExact(callable)) {
            function = Py_NewRef(callable);
        } else if (Py_IS_TYPE(callable, &PyMethodDescr_Type) && count != (size_t)-1 && count > 0) {
            /* a method of a built-in type called on an instance is reported as the bound method */
            function = Py_TYPE(callable)->tp_descr_get(callable, args[0], (PyObject *)Py_TYPE(args[0]));
            if (function == NULL) return NULL;
        }
    }
    if (function != NULL &&
        call_hook(thread, thread->c_profilefunc, thread->c_profileobj, frame, PyTrace_C_CALL, function) != 0) {
        Py_DECREF(function);
        return NULL;
    }
    result = count == (size_t)-1
                 ? PyObject_Call(callable, *args, keyword_names)
                 : PyObject_Vectorcall(callable, args, count | PY_VECTORCALL_ARGUMENTS_OFFSET, keyword_names);
    if (function != NULL) {
        if (thread->c_profilefunc != NULL) {
            if (result == NULL) {
                call_hook_protected(thread, thread->c_profilefunc, thread->c_profileobj, frame, PyTrace_C_EXCEPTION, function);
            } else if (call_hook(thread, thread->c_profilefunc, thread->c_profileobj, frame, PyTrace_C_RETURN, function) != 0) {
                Py_CLEAR(result);
            }
        }
        Py_DECREF(function);
    }
    return result;
}

int _PyEval_SetProfile(PyThreadState *thread, Py_tracefunc function, PyObject *argument) {
    static int in_progress;
    if (in_progress) {
        PyErr_SetString(PyExc_RuntimeError, "Cannot install a profile function while another profile function is being installed");
        return -1;
    }
    if (PySys_Audit("sys.setprofile", NULL) < 0) return -1;
    PyObject *old = thread->c_profileobj;
    in_progress = 1;
    thread->c_profilefunc = NULL;
    thread->c_profileobj = NULL;
    update_use_tracing(thread);
    Py_XDECREF(old);
    in_progress = 0;
    thread->c_profileobj = Py_XNewRef(argument);
    thread->c_profilefunc = function;
    update_use_tracing(thread);
    return 0;
}

int _PyEval_SetTrace(PyThreadState *thread, Py_tracefunc function, PyObject *argument) {
    static int in_progress;
    if (in_progress) {
        PyErr_SetString(PyExc_RuntimeError, "Cannot install a trace function while another trace function is being installed");
        return -1;
    }
    if (PySys_Audit("sys.settrace", NULL) < 0) return -1;
    PyObject *old = thread->c_traceobj;
    in_progress = 1;
    thread->c_tracefunc = NULL;
    thread->c_traceobj = NULL;
    update_use_tracing(thread);
    Py_XDECREF(old);
    in_progress = 0;
    thread->c_traceobj = Py_XNewRef(argument);
    thread->c_tracefunc = function;
    update_use_tracing(thread);
    return 0;
}

void PyEval_SetProfile(Py_tracefunc function, PyObject *argument) {
    if (_PyEval_SetProfile(kr_tstate(), function, argument) < 0) PyErr_WriteUnraisable(NULL);
}

void PyEval_SetTrace(Py_tracefunc function, PyObject *argument) {
    if (_PyEval_SetTrace(kr_tstate(), function, argument) < 0) PyErr_WriteUnraisable(NULL);
}

PyObject *_PyEval_CallTracing(PyObject *function, PyObject *args) {
    PyThreadState *thread = kr_tstate();
    int depth = thread->tracing;
    thread->tracing = 0;
    update_use_tracing(thread);
    PyObject *result = PyObject_Call(function, args, NULL);
    thread->tracing = depth;
    update_use_tracing(thread);
    return result;
}
