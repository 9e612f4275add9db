/* Generators and coroutines. Asynchronous generators build on them in async_generator.c. */
#include <Python.h>
#include <structmember.h>

#include "collector/collector.h"
#include "collector/weakref.h"
#include "compile/opcodes.h"
#include "object/names.h"
#include "object/runtime.h"
#include "types/code.h"
#include "vm/eval.h"
#include "vm/generator.h"

static inline KrFrame *frame_of(PyGenObject *self) { return (KrFrame *)self->gi_iframe; }

/* ---- Life ---- */

static PyObject *coroutine_origin(PyThreadState *thread) {
    int depth = thread->coroutine_origin_tracking_depth, count = 0;
    KrFrame *first = kr_frame_first_complete(kr_current_frame(thread)->previous), *frame = first;
    for (; frame != NULL && count < depth; frame = kr_frame_first_complete(frame->previous)) count++;
    PyObject *origin = PyTuple_New(count);
    if (origin == NULL) return NULL;
    frame = first;
    for (int i = 0; i < count; i++, frame = kr_frame_first_complete(frame->previous)) {
        PyObject *place = Py_BuildValue("OiO", frame->code->co_filename, kr_frame_line(frame), frame->code->co_name);
        if (place == NULL) {
            Py_DECREF(origin);
            return NULL;
        }
        PyTuple_SET_ITEM(origin, i, place);
    }
    return origin;
}

static PyGenObject *allocate(PyTypeObject *type, PyCodeObject *code, PyObject *name, PyObject *qualname) {
    size_t slots = (size_t)code->co_nlocalsplus + (size_t)code->co_stacksize + KR_FRAME_HEADER_SLOTS;
    PyGenObject *self = (PyGenObject *)_PyObject_GC_NewVar(type, (Py_ssize_t)slots);
    if (self == NULL) return NULL;
    self->gi_code = (PyCodeObject *)Py_NewRef((PyObject *)code);
    self->gi_weakreflist = NULL;
    self->gi_name = Py_NewRef(name);
    self->gi_qualname = Py_NewRef(qualname);
    self->gi_exc_state.exc_value = NULL;
    self->gi_exc_state.previous_item = NULL;
    self->gi_origin_or_finalizer = NULL;
    self->gi_hooks_inited = 0;
    self->gi_closed = 0;
    self->gi_running_async = 0;
    self->gi_frame_state = KR_FRAME_STATE_CLEARED;
    return self;
}

PyObject *kr_generator_new(PyFunctionObject *function) {
    PyCodeObject *code = (PyCodeObject *)function->func_code;
    int flags = code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR);
    PyTypeObject *type = flags == CO_COROUTINE ? &PyCoro_Type : flags == CO_ASYNC_GENERATOR ? &PyAsyncGen_Type : &PyGen_Type;
    PyGenObject *self = allocate(type, code, function->func_name, function->func_qualname);
    if (self == NULL || type != &PyCoro_Type) return (PyObject *)self;
    PyThreadState *thread = kr_tstate();
    if (thread->coroutine_origin_tracking_depth != 0) {
        self->gi_origin_or_finalizer = coroutine_origin(thread);
        if (self->gi_origin_or_finalizer == NULL) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return (PyObject *)self;
}

/* A generator over an existing frame object (C API): takes over the frame. */
static PyObject *from_frame_object(PyTypeObject *type, PyFrameObject *object, PyObject *name, PyObject *qualname) {
    KrFrame *frame = object->frame;
    PyCodeObject *code = frame->code;
    PyGenObject *self = allocate(type, code, name != NULL ? name : code->co_name, qualname != NULL ? qualname : code->co_qualname);
    if (self == NULL) {
        Py_DECREF(object);
        return NULL;
    }
    KrFrame *own = frame_of(self);
    memcpy(own, frame, sizeof(KrFrame) + (size_t)frame->stack_top * sizeof(PyObject *));
    own->owner = KR_OWNED_BY_GENERATOR;
    own->frame_object = object; /* the reference that the caller gave */
    object->frame = own;
    object->reserve = object->own;
    object->own = NULL;
    self->gi_frame_state = KR_FRAME_STATE_CREATED;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

PyObject *PyGen_NewWithQualName(PyFrameObject *frame, PyObject *name, PyObject *qualname) {
    return from_frame_object(&PyGen_Type, frame, name, qualname);
}
PyObject *PyGen_New(PyFrameObject *frame) { return from_frame_object(&PyGen_Type, frame, NULL, NULL); }
PyObject *PyCoro_New(PyFrameObject *frame, PyObject *name, PyObject *qualname) {
    return from_frame_object(&PyCoro_Type, frame, name, qualname);
}
PyObject *PyAsyncGen_New(PyFrameObject *frame, PyObject *name, PyObject *qualname) {
    return from_frame_object(&PyAsyncGen_Type, frame, name, qualname);
}

int kr_generator_traverse(PyGenObject *self, visitproc visit, void *arg) {
    Py_VISIT(self->gi_code);
    Py_VISIT(self->gi_name);
    Py_VISIT(self->gi_qualname);
    if (self->gi_frame_state < KR_FRAME_STATE_CLEARED) {
        int result = kr_frame_traverse(frame_of(self), self->gi_frame_state == KR_FRAME_STATE_EXECUTING, visit, arg);
        if (result) return result;
    }
    Py_VISIT(self->gi_origin_or_finalizer);
    return visit_exception_state(&self->gi_exc_state, visit, arg);
}

/* Asks a generator that is dropped while suspended to close; warns about coroutines that nobody awaited. */
void _PyGen_Finalize(PyObject *object) {
    PyGenObject *self = (PyGenObject *)object;
    if (self->gi_frame_state >= KR_FRAME_STATE_COMPLETED) return;
    if (PyAsyncGen_CheckExact(object)) {
        PyObject *finalizer = self->gi_origin_or_finalizer;
        if (finalizer != NULL && !self->gi_closed) {
            PyObject *type, *value, *traceback;
            PyErr_Fetch(&type, &value, &traceback);
            PyObject *result = PyObject_CallOneArg(finalizer, object);
            if (result == NULL)
                PyErr_WriteUnraisable(object);
            else
                Py_DECREF(result);
            PyErr_Restore(type, value, traceback);
            return;
        }
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (self->gi_code != NULL && (self->gi_code->co_flags & CO_COROUTINE) &&
        self->gi_frame_state == KR_FRAME_STATE_CREATED) {
        kr_warn_unawaited_coroutine(object);
    } else {
        PyObject *result = kr_generator_close(self, NULL);
        if (result == NULL) {
            if (PyErr_Occurred()) PyErr_WriteUnraisable(object);
        } else {
            Py_DECREF(result);
        }
    }
    PyErr_Restore(type, value, traceback);
}

static void generator_dealloc(PyGenObject *self) {
    PyObject *object = (PyObject *)self;
    kr_gc_untrack(object);
    if (self->gi_weakreflist != NULL) PyObject_ClearWeakRefs(object);
    kr_gc_track(object);
    if (PyObject_CallFinalizerFromDealloc(object)) return; /* resurrected */
    kr_gc_untrack(object);
    if (PyAsyncGen_CheckExact(object)) Py_CLEAR(self->gi_origin_or_finalizer);
    if (self->gi_frame_state < KR_FRAME_STATE_CLEARED) {
        KrFrame *frame = frame_of(self);
        self->gi_frame_state = KR_FRAME_STATE_CLEARED;
        frame->previous = NULL;
        kr_frame_clear(frame);
    }
    if (PyCoro_CheckExact(object)) Py_CLEAR(self->gi_origin_or_finalizer);
    Py_CLEAR(self->gi_code);
    Py_CLEAR(self->gi_name);
    Py_CLEAR(self->gi_qualname);
    Py_CLEAR(self->gi_exc_state.exc_value);
    PyObject_GC_Del(self);
}

/* ---- Resuming ---- */

/* Gives the exception that is about to be raised inside a generator the one that the generator handles as context. */
static void chain_context(_PyErr_StackItem *item) {
    PyObject *handled = item->exc_value;
    if (handled == NULL || handled == Py_None) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) PyException_SetTraceback(value, traceback);
    if (value != handled && PyExceptionInstance_Check(value)) {
        PyObject *context = PyException_GetContext(value);
        if (context == NULL) PyException_SetContext(value, Py_NewRef(handled));
        Py_XDECREF(context);
    }
    PyErr_Restore(type, value, traceback);
}

PySendResult kr_generator_resume(PyGenObject *self, PyObject *argument, PyObject **presult, int throwing, int closing) {
    PyThreadState *thread = kr_tstate();
    PyObject *object = (PyObject *)self;
    *presult = NULL;
    if (self->gi_frame_state == KR_FRAME_STATE_CREATED && argument != NULL && argument != Py_None) {
        const char *message = PyCoro_CheckExact(object) ? "can't send non-None value to a just-started coroutine"
                              : PyAsyncGen_CheckExact(object)
                                  ? "can't send non-None value to a just-started async generator"
                                  : "can't send non-None value to a just-started generator";
        PyErr_SetString(PyExc_TypeError, message);
        return PYGEN_ERROR;
    }
    if (self->gi_frame_state == KR_FRAME_STATE_EXECUTING) {
        const char *message = PyCoro_CheckExact(object)       ? "coroutine already executing"
                              : PyAsyncGen_CheckExact(object) ? "async generator already executing"
                                                              : "generator already executing";
        PyErr_SetString(PyExc_ValueError, message);
        return PYGEN_ERROR;
    }
    if (self->gi_frame_state >= KR_FRAME_STATE_COMPLETED) {
        if (PyCoro_CheckExact(object) && !closing) {
            PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        } else if (argument != NULL && !throwing) {
            *presult = Py_NewRef(Py_None); /* exhausted */
            return PYGEN_RETURN;
        }
        return PYGEN_ERROR;
    }
    KrFrame *frame = frame_of(self);
    if (self->gi_frame_state != KR_FRAME_STATE_JUMPED)
        frame->slot[frame->stack_top++] = Py_NewRef(argument == NULL ? Py_None : argument);
    self->gi_exc_state.previous_item = thread->exc_info;
    thread->exc_info = &self->gi_exc_state;
    if (throwing) chain_context(&self->gi_exc_state);
    self->gi_frame_state = KR_FRAME_STATE_EXECUTING;
    Py_INCREF(self); /* the caller's reference may go away while it runs */
    PyObject *result = _PyEval_EvalFrameDefault(thread, frame, throwing);
    if (result != NULL) {
        int suspended = kr_generator_is_suspended(self);
        Py_DECREF(self);
        if (suspended) {
            *presult = result;
            return PYGEN_NEXT;
        }
        if (result == Py_None && !PyAsyncGen_CheckExact(object) && argument == NULL) {
            Py_DECREF(result);
            return PYGEN_ERROR; /* plain end of iteration: no exception */
        }
        *presult = result;
        return PYGEN_RETURN;
    }
    if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
        _PyErr_FormatFromCause(PyExc_RuntimeError, "%s raised StopIteration",
                               PyCoro_CheckExact(object)       ? "coroutine"
                               : PyAsyncGen_CheckExact(object) ? "async generator"
                                                               : "generator");
    } else if (PyAsyncGen_CheckExact(object) && PyErr_ExceptionMatches(PyExc_StopAsyncIteration)) {
        _PyErr_FormatFromCause(PyExc_RuntimeError, "async generator raised StopAsyncIteration");
    }
    Py_DECREF(self);
    return PYGEN_ERROR;
}

static PySendResult am_send(PyObject *self, PyObject *argument, PyObject **result) {
    return kr_generator_resume((PyGenObject *)self, argument, result, 0, 0);
}

/* Turns the outcome of a resumption into what a Python method returns: a value, or NULL with StopIteration(value). */
PyObject *kr_generator_outcome(PyGenObject *self, PySendResult outcome, PyObject *result) {
    if (outcome != PYGEN_RETURN) return result;
    if (PyAsyncGen_CheckExact((PyObject *)self))
        PyErr_SetNone(PyExc_StopAsyncIteration);
    else if (result == Py_None)
        PyErr_SetNone(PyExc_StopIteration);
    else
        _PyGen_SetStopIterationValue(result);
    Py_CLEAR(result);
    return NULL;
}

static PyObject *generator_iternext(PyGenObject *self) {
    PyObject *result;
    PySendResult outcome = kr_generator_resume(self, NULL, &result, 0, 0);
    if (outcome == PYGEN_RETURN) {
        if (result != Py_None) _PyGen_SetStopIterationValue(result);
        Py_CLEAR(result);
    }
    return result;
}

PyObject *kr_generator_send_method(PyGenObject *self, PyObject *argument) {
    PyObject *result;
    PySendResult outcome = kr_generator_resume(self, argument, &result, 0, 0);
    return kr_generator_outcome(self, outcome, result);
}

PyObject *kr_generator_yield_from(PyObject *object) {
    PyGenObject *self = (PyGenObject *)object;
    if (self->gi_frame_state != KR_FRAME_STATE_SUSPENDED) return NULL;
    KrFrame *frame = frame_of(self);
    _Py_CODEUNIT *start = kr_code_start(frame->code), *next = frame->instruction + 1;
    if (frame->instruction < start || _Py_OPCODE(*next) > 255) return NULL;
    if (kr_deoptimized_opcode[_Py_OPCODE(*next)] != OP_RESUME || _Py_OPARG(*next) < 2) return NULL;
    return Py_NewRef(frame->slot[frame->stack_top - 1]);
}

/* Closes what a generator delegates to. Returns 0 or -1. */
static int close_delegate(PyObject *delegate) {
    PyObject *result = NULL;
    if (PyGen_CheckExact(delegate) || PyCoro_CheckExact(delegate)) {
        result = kr_generator_close((PyGenObject *)delegate, NULL);
        if (result == NULL) return -1;
    } else {
        PyObject *method;
        if (_PyObject_LookupAttr(delegate, KR_NAME(close), &method) < 0) PyErr_WriteUnraisable(delegate);
        if (method != NULL) {
            result = PyObject_CallNoArgs(method);
            Py_DECREF(method);
            if (result == NULL) return -1;
        }
    }
    Py_XDECREF(result);
    return 0;
}

PyObject *kr_generator_close(PyGenObject *self, PyObject *unused) {
    PyObject *delegate = kr_generator_yield_from((PyObject *)self), *result;
    int failed = 0;
    if (delegate != NULL) {
        self->gi_frame_state = KR_FRAME_STATE_EXECUTING;
        failed = close_delegate(delegate);
        self->gi_frame_state = KR_FRAME_STATE_SUSPENDED;
        Py_DECREF(delegate);
    }
    if (failed == 0) PyErr_SetNone(PyExc_GeneratorExit);
    PySendResult outcome = kr_generator_resume(self, Py_None, &result, 1, 1);
    if (outcome == PYGEN_NEXT) {
        const char *message = PyCoro_CheckExact((PyObject *)self)       ? "coroutine ignored GeneratorExit"
                              : PyAsyncGen_CheckExact((PyObject *)self) ? "async generator ignored GeneratorExit"
                                                                        : "generator ignored GeneratorExit";
        Py_DECREF(result);
        PyErr_SetString(PyExc_RuntimeError, message);
        return NULL;
    }
    Py_XDECREF(result);
    if (outcome == PYGEN_RETURN || PyErr_ExceptionMatches(PyExc_StopIteration) ||
        PyErr_ExceptionMatches(PyExc_GeneratorExit)) {
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    return NULL;
}

/* Checks and raises what throw() was given. Steals nothing. Returns 0 with the exception set, or -1 with TypeError. */
static int raise_thrown(PyObject *type, PyObject *value, PyObject *traceback) {
    if (traceback == Py_None) traceback = NULL;
    if (traceback != NULL && !PyTraceBack_Check(traceback)) {
        PyErr_SetString(PyExc_TypeError, "throw() third argument must be a traceback object");
        return -1;
    }
    Py_INCREF(type);
    Py_XINCREF(value);
    Py_XINCREF(traceback);
    if (PyExceptionClass_Check(type)) {
        PyErr_NormalizeException(&type, &value, &traceback);
    } else if (PyExceptionInstance_Check(type)) {
        if (value != NULL && value != Py_None) {
            PyErr_SetString(PyExc_TypeError, "instance exception may not have a separate value");
            goto fail;
        }
        Py_XDECREF(value);
        value = type;
        type = Py_NewRef((PyObject *)Py_TYPE(value));
        if (traceback == NULL) traceback = PyException_GetTraceback(value);
    } else {
        PyErr_Format(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException, not %s",
                     Py_TYPE(type)->tp_name);
        goto fail;
    }
    PyErr_Restore(type, value, traceback);
    return 0;
fail:
    Py_DECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return -1;
}

PyObject *kr_generator_throw(PyGenObject *self, int close_on_exit, PyObject *type, PyObject *value, PyObject *traceback) {
    PyObject *delegate = kr_generator_yield_from((PyObject *)self), *result;
    if (delegate != NULL) {
        if (PyErr_GivenExceptionMatches(type, PyExc_GeneratorExit) && close_on_exit) {
            self->gi_frame_state = KR_FRAME_STATE_EXECUTING;
            int failed = close_delegate(delegate);
            self->gi_frame_state = KR_FRAME_STATE_SUSPENDED;
            Py_DECREF(delegate);
            if (failed < 0) {
                PySendResult outcome = kr_generator_resume(self, Py_None, &result, 1, 0);
                return kr_generator_outcome(self, outcome, result);
            }
            goto throw_here;
        }
        PyThreadState *thread = kr_tstate();
        KrFrame *frame = frame_of(self);
        if (PyGen_CheckExact(delegate) || PyCoro_CheckExact(delegate)) {
            /* the delegating frame shows in tracebacks as the caller */
            frame->previous = thread->cframe->current_frame;
            thread->cframe->current_frame = frame;
            self->gi_frame_state = KR_FRAME_STATE_EXECUTING;
            result = kr_generator_throw((PyGenObject *)delegate, close_on_exit, type, value, traceback);
            self->gi_frame_state = KR_FRAME_STATE_SUSPENDED;
            thread->cframe->current_frame = frame->previous;
            frame->previous = NULL;
        } else {
            PyObject *method;
            if (_PyObject_LookupAttr(delegate, KR_NAME(throw), &method) < 0) {
                Py_DECREF(delegate);
                return NULL;
            }
            if (method == NULL) {
                Py_DECREF(delegate);
                goto throw_here;
            }
            frame->previous = thread->cframe->current_frame;
            thread->cframe->current_frame = frame;
            self->gi_frame_state = KR_FRAME_STATE_EXECUTING;
            result = PyObject_CallFunctionObjArgs(method, type, value, traceback, NULL);
            self->gi_frame_state = KR_FRAME_STATE_SUSPENDED;
            thread->cframe->current_frame = frame->previous;
            frame->previous = NULL;
            Py_DECREF(method);
        }
        Py_DECREF(delegate);
        if (result == NULL) {
            /* the delegation is over: drop the delegate and go on behind the SEND */
            PyObject *returned;
            frame->stack_top--;
            Py_DECREF(frame->slot[frame->stack_top]);
            _Py_CODEUNIT *at = frame->instruction; /* YIELD_VALUE; SEND is before it, RESUME and the jump after it */
            at--;
            frame->instruction = at + kr_send_jump(frame, at);
            if (_PyGen_FetchStopIterationValue(&returned) == 0) {
                PySendResult outcome = kr_generator_resume(self, returned, &result, 0, 0);
                Py_DECREF(returned);
                return kr_generator_outcome(self, outcome, result);
            }
            PySendResult outcome = kr_generator_resume(self, Py_None, &result, 1, 0);
            return kr_generator_outcome(self, outcome, result);
        }
        return result;
    }
throw_here:
    if (raise_thrown(type, value, traceback) < 0) return NULL;
    PySendResult outcome = kr_generator_resume(self, Py_None, &result, 1, 0);
    return kr_generator_outcome(self, outcome, result);
}

/* Distance from a SEND instruction to the unit before its target: where `instruction` has to point for the code behind
 * the delegation to run next. */
int kr_send_jump(KrFrame *frame, _Py_CODEUNIT *send) {
    int oparg = _Py_OPARG(*send);
    _Py_CODEUNIT *start = kr_code_start(frame->code);
    for (int shift = 8; send - shift / 8 >= start && _Py_OPCODE(send[-shift / 8]) == OP_EXTENDED_ARG; shift += 8)
        oparg |= _Py_OPARG(send[-shift / 8]) << shift;
    return oparg;
}

static PyObject *generator_throw_method(PyGenObject *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("throw", count, 1, 3)) return NULL;
    return kr_generator_throw(self, 1, args[0], count > 1 ? args[1] : NULL, count > 2 ? args[2] : NULL);
}

/* ---- StopIteration values ---- */

int _PyGen_SetStopIterationValue(PyObject *value) {
    if (value == NULL || (!PyTuple_Check(value) && !PyExceptionInstance_Check(value))) {
        PyErr_SetObject(PyExc_StopIteration, value);
        return 0;
    }
    /* an exception or a tuple would be taken apart by normalisation */
    PyObject *exception = PyObject_CallOneArg(PyExc_StopIteration, value);
    if (exception == NULL) return -1;
    PyErr_SetObject(PyExc_StopIteration, exception);
    Py_DECREF(exception);
    return 0;
}

int _PyGen_FetchStopIterationValue(PyObject **result) {
    PyObject *type, *value, *traceback, *found = NULL;
    if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
        PyErr_Fetch(&type, &value, &traceback);
        if (value != NULL) {
            if (PyObject_TypeCheck(value, (PyTypeObject *)type)) {
                found = Py_XNewRef(((PyStopIterationObject *)value)->value);
                Py_DECREF(value);
            } else if (type == PyExc_StopIteration && !PyTuple_Check(value)) {
                found = value;
            } else {
                PyErr_NormalizeException(&type, &value, &traceback);
                if (!PyObject_TypeCheck(value, (PyTypeObject *)PyExc_StopIteration)) {
                    PyErr_Restore(type, value, traceback);
                    return -1;
                }
                found = Py_XNewRef(((PyStopIterationObject *)value)->value);
                Py_DECREF(value);
            }
        }
        Py_XDECREF(type);
        Py_XDECREF(traceback);
    } else if (PyErr_Occurred()) {
        return -1;
    }
    *result = found != NULL ? found : Py_NewRef(Py_None);
    return 0;
}

/* ---- Attributes ---- */

static PyObject *generator_repr(PyGenObject *self) {
    return PyUnicode_FromFormat("<%s object %S at %p>", Py_TYPE(self)->tp_name, self->gi_qualname, self);
}

static PyObject *get_name(PyGenObject *self, void *closure) { return Py_NewRef(self->gi_name); }

static int set_name(PyGenObject *self, PyObject *value, void *closure) {
    if (value == NULL || !PyUnicode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__name__ must be set to a string object");
        return -1;
    }
    Py_XSETREF(self->gi_name, Py_NewRef(value));
    return 0;
}

static PyObject *get_qualname(PyGenObject *self, void *closure) { return Py_NewRef(self->gi_qualname); }

static int set_qualname(PyGenObject *self, PyObject *value, void *closure) {
    if (value == NULL || !PyUnicode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__qualname__ must be set to a string object");
        return -1;
    }
    Py_XSETREF(self->gi_qualname, Py_NewRef(value));
    return 0;
}

static PyObject *get_delegate(PyGenObject *self, void *closure) {
    PyObject *delegate = kr_generator_yield_from((PyObject *)self);
    return delegate == NULL ? Py_NewRef(Py_None) : delegate;
}

static PyObject *get_running(PyGenObject *self, void *closure) {
    return PyBool_FromLong(self->gi_frame_state == KR_FRAME_STATE_EXECUTING);
}

static PyObject *get_suspended(PyGenObject *self, void *closure) {
    return PyBool_FromLong(kr_generator_is_suspended(self));
}

static PyObject *get_frame(PyGenObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, PyCoro_CheckExact((PyObject *)self)       ? "cr_frame"
                                                      : PyAsyncGen_CheckExact((PyObject *)self) ? "ag_frame"
                                                                                                : "gi_frame") < 0)
        return NULL;
    if (self->gi_frame_state == KR_FRAME_STATE_CLEARED) return Py_NewRef(Py_None);
    PyFrameObject *frame = kr_frame_object(frame_of(self));
    return frame == NULL ? PyErr_NoMemory() : Py_NewRef((PyObject *)frame);
}

static PyObject *get_code(PyGenObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, PyCoro_CheckExact((PyObject *)self)       ? "cr_code"
                                                      : PyAsyncGen_CheckExact((PyObject *)self) ? "ag_code"
                                                                                                : "gi_code") < 0)
        return NULL;
    return Py_NewRef((PyObject *)self->gi_code);
}

static PyObject *generator_sizeof(PyGenObject *self, PyObject *unused) {
    return PyLong_FromSize_t(offsetof(PyGenObject, gi_iframe) +
                             ((size_t)self->gi_code->co_nlocalsplus + (size_t)self->gi_code->co_stacksize) *
                                 sizeof(PyObject *) + sizeof(KrFrame));
}

#define SHARED_GETSET(kind)                                                                                               \
    {"__name__", (getter)get_name, (setter)set_name, "The name of the " kind "."},                       \
        {"__qualname__", (getter)get_qualname, (setter)set_qualname, "The dotted name of the " kind "."}

static PyGetSetDef generator_getset[] = {
    SHARED_GETSET("generator"),
    {"gi_yieldfrom", (getter)get_delegate, NULL, "What it delegates to by 'yield from', or None."},
    {"gi_running", (getter)get_running},
    {"gi_frame", (getter)get_frame},
    {"gi_suspended", (getter)get_suspended},
    {"gi_code", (getter)get_code},
    {NULL},
};

static PyMethodDef generator_methods[] = {
    {"send", (PyCFunction)kr_generator_send_method, METH_O,
     "send(arg) -> send 'arg' into the generator; returns the next yielded value or raises StopIteration."},
    {"throw", (PyCFunction)(void (*)(void))generator_throw_method, METH_FASTCALL,
     "throw(value)\nthrow(type[,value[,tb]])\n\nRaises an exception where the generator is suspended; returns the next\n"
     "yielded value or raises StopIteration."},
    {"close", (PyCFunction)kr_generator_close, METH_NOARGS, "close() -> raise GeneratorExit inside the generator."},
    {"__sizeof__", (PyCFunction)generator_sizeof, METH_NOARGS, "Size in bytes, its frame included."},
    {NULL},
};

static PyAsyncMethods generator_async = {.am_send = am_send};

PyTypeObject PyGen_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "generator",
    .tp_basicsize = offsetof(PyGenObject, gi_iframe),
    .tp_itemsize = sizeof(PyObject *),
    .tp_dealloc = (destructor)generator_dealloc,
    .tp_as_async = &generator_async,
    .tp_repr = (reprfunc)generator_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)kr_generator_traverse,
    .tp_weaklistoffset = offsetof(PyGenObject, gi_weakreflist),
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)generator_iternext,
    .tp_methods = generator_methods,
    .tp_getset = generator_getset,
    .tp_finalize = _PyGen_Finalize,
};

/* ---- Coroutines ---- */

typedef struct {
    PyObject_HEAD
    PyCoroObject *coroutine;
} CoroutineWrapper;

PyObject *kr_coroutine_get_awaitable(PyObject *object) {
    if (PyCoro_CheckExact(object) ||
        (PyGen_CheckExact(object) && (((PyGenObject *)object)->gi_code->co_flags & CO_ITERABLE_COROUTINE)))
        return Py_NewRef(object);
    PyAsyncMethods *methods = Py_TYPE(object)->tp_as_async;
    if (methods == NULL || methods->am_await == NULL) {
        PyErr_Format(PyExc_TypeError, "object %.100s can't be used in 'await' expression", Py_TYPE(object)->tp_name);
        return NULL;
    }
    PyObject *result = methods->am_await(object);
    if (result == NULL) return NULL;
    if (PyCoro_CheckExact(result) ||
        (PyGen_CheckExact(result) && (((PyGenObject *)result)->gi_code->co_flags & CO_ITERABLE_COROUTINE))) {
        PyErr_SetString(PyExc_TypeError, "__await__() returned a coroutine");
        Py_CLEAR(result);
    } else if (!PyIter_Check(result)) {
        PyErr_Format(PyExc_TypeError, "__await__() returned non-iterator of type '%.100s'", Py_TYPE(result)->tp_name);
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *coroutine_await(PyObject *self) {
    CoroutineWrapper *wrapper = PyObject_GC_New(CoroutineWrapper, &_PyCoroWrapper_Type);
    if (wrapper == NULL) return NULL;
    wrapper->coroutine = (PyCoroObject *)Py_NewRef(self);
    kr_gc_track((PyObject *)wrapper);
    return (PyObject *)wrapper;
}

static PyGetSetDef coroutine_getset[] = {
    SHARED_GETSET("coroutine"),
    {"cr_await", (getter)get_delegate, NULL, "What it awaits, or None."},
    {"cr_running", (getter)get_running},
    {"cr_frame", (getter)get_frame},
    {"cr_code", (getter)get_code},
    {"cr_suspended", (getter)get_suspended},
    {NULL},
};

static PyMemberDef coroutine_members[] = {
    {"cr_origin", T_OBJECT, offsetof(PyCoroObject, cr_origin_or_finalizer), READONLY},
    {NULL},
};

static PyMethodDef coroutine_methods[] = {
    {"send", (PyCFunction)kr_generator_send_method, METH_O,
     "send(arg) -> send 'arg' into coroutine; returns what it awaits next or raises StopIteration."},
    {"throw", (PyCFunction)(void (*)(void))generator_throw_method, METH_FASTCALL,
     "throw(value)\nthrow(type[,value[,traceback]])\n\nRaises an exception in coroutine; returns what it awaits next or\n"
     "raises StopIteration."},
    {"close", (PyCFunction)kr_generator_close, METH_NOARGS, "close() -> raise GeneratorExit inside coroutine."},
    {"__sizeof__", (PyCFunction)generator_sizeof, METH_NOARGS, "Size in bytes, its frame included."},
    {NULL},
};

static PyAsyncMethods coroutine_async = {.am_await = coroutine_await, .am_send = am_send};

PyTypeObject PyCoro_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "coroutine",
    .tp_basicsize = offsetof(PyCoroObject, cr_iframe),
    .tp_itemsize = sizeof(PyObject *),
    .tp_dealloc = (destructor)generator_dealloc,
    .tp_as_async = &coroutine_async,
    .tp_repr = (reprfunc)generator_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)kr_generator_traverse,
    .tp_weaklistoffset = offsetof(PyCoroObject, cr_weakreflist),
    .tp_methods = coroutine_methods,
    .tp_members = coroutine_members,
    .tp_getset = coroutine_getset,
    .tp_finalize = _PyGen_Finalize,
};

static void wrapper_dealloc(CoroutineWrapper *self) {
    kr_gc_untrack((PyObject *)self);
    Py_CLEAR(self->coroutine);
    PyObject_GC_Del(self);
}

static int wrapper_traverse(CoroutineWrapper *self, visitproc visit, void *arg) {
    Py_VISIT(self->coroutine);
    return 0;
}

static PyObject *wrapper_next(CoroutineWrapper *self) { return generator_iternext((PyGenObject *)self->coroutine); }

static PyObject *wrapper_send(CoroutineWrapper *self, PyObject *argument) {
    return kr_generator_send_method((PyGenObject *)self->coroutine, argument);
}

static PyObject *wrapper_throw(CoroutineWrapper *self, PyObject *const *args, Py_ssize_t count) {
    return generator_throw_method((PyGenObject *)self->coroutine, args, count);
}

static PyObject *wrapper_close(CoroutineWrapper *self, PyObject *unused) {
    return kr_generator_close((PyGenObject *)self->coroutine, NULL);
}

static PyMethodDef wrapper_methods[] = {
    {"send", (PyCFunction)wrapper_send, METH_O, "send(arg) -> send 'arg' into the coroutine."},
    {"throw", (PyCFunction)(void (*)(void))wrapper_throw, METH_FASTCALL,
     "throw(value)\nthrow(type[,value[,traceback]])\n\nRaises an exception inside the coroutine."},
    {"close", (PyCFunction)wrapper_close, METH_NOARGS, "close() -> raise GeneratorExit inside the coroutine."},
    {NULL},
};

PyTypeObject _PyCoroWrapper_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "coroutine_wrapper",
    .tp_basicsize = sizeof(CoroutineWrapper),
    .tp_dealloc = (destructor)wrapper_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "What coroutine.__await__() returns: an iterator that runs the coroutine.",
    .tp_traverse = (traverseproc)wrapper_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)wrapper_next,
    .tp_methods = wrapper_methods,
};

void kr_warn_unawaited_coroutine(PyObject *coroutine) {
    PyObject *type, *value, *traceback, *warnings = NULL, *function = NULL, *result = NULL;
    int warned = 0;
    PyErr_Fetch(&type, &value, &traceback);
    warnings = PyImport_GetModule(KR_NAME(warnings));
    if (warnings == NULL && !PyErr_Occurred()) warnings = PyImport_ImportModule("warnings");
    if (warnings != NULL) _PyObject_LookupAttr(warnings, KR_NAME(_warn_unawaited_coroutine), &function);
    if (function != NULL) {
        result = PyObject_CallOneArg(function, coroutine);
        warned = result != NULL || PyErr_ExceptionMatches(PyExc_RuntimeWarning); /* a filter may have raised it */
    }
    Py_XDECREF(result);
    Py_XDECREF(function);
    Py_XDECREF(warnings);
    if (PyErr_Occurred()) PyErr_WriteUnraisable(coroutine);
    if (!warned && PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "coroutine '%S' was never awaited",
                                    ((PyCoroObject *)coroutine)->cr_qualname) < 0)
        PyErr_WriteUnraisable(coroutine);
    PyErr_Restore(type, value, traceback);
}
