/* Asynchronous generators: the object, and the awaitables that asend(), athrow() and aclose() return. */
#include <Python.h>
#include <structmember.h>

#include "collector/collector.h"
#include "object/names.h"
#include "object/runtime.h"
#include "vm/eval.h"
#include "vm/generator.h"

/* A value that `yield` gave, as opposed to one that an `await` inside passes on. */
typedef struct {
    PyObject_HEAD
    PyObject *value;
} WrappedValue;

typedef enum AwaitableState { AWAIT_INITIAL, AWAIT_ITERATING, AWAIT_CLOSED } AwaitableState;

typedef struct {
    PyObject_HEAD
    PyAsyncGenObject *generator;
    PyObject *value; /* what to send, or NULL */
    AwaitableState state;
} ASend;

typedef struct {
    PyObject_HEAD
    PyAsyncGenObject *generator;
    PyObject *args; /* (type, value, traceback); NULL for aclose() */
    AwaitableState state;
} AThrow;

PyObject *kr_async_gen_wrap(PyObject *value) {
    WrappedValue *self = PyObject_GC_New(WrappedValue, &_PyAsyncGenWrappedValue_Type);
    if (self == NULL) return NULL;
    self->value = Py_NewRef(value);
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static void wrapped_dealloc(WrappedValue *self) {
    kr_gc_untrack((PyObject *)self);
    Py_CLEAR(self->value);
    PyObject_GC_Del(self);
}

static int wrapped_traverse(WrappedValue *self, visitproc visit, void *arg) {
    Py_VISIT(self->value);
    return 0;
}

PyTypeObject _PyAsyncGenWrappedValue_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "async_generator_wrapped_value",
    .tp_basicsize = sizeof(WrappedValue),
    .tp_dealloc = (destructor)wrapped_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)wrapped_traverse,
};

/* Calls the hooks of sys.set_asyncgen_hooks() at the first use. Returns 0 or -1. */
static int start_hooks(PyAsyncGenObject *self) {
    if (self->ag_hooks_inited) return 0;
    self->ag_hooks_inited = 1;
    PyThreadState *thread = kr_tstate();
    if (thread->async_gen_finalizer != NULL) self->ag_origin_or_finalizer = Py_NewRef(thread->async_gen_finalizer);
    if (thread->async_gen_firstiter != NULL) {
        PyObject *hook = Py_NewRef(thread->async_gen_firstiter);
        PyObject *result = PyObject_CallOneArg(hook, (PyObject *)self);
        Py_DECREF(hook);
        if (result == NULL) return -1;
        Py_DECREF(result);
    }
    return 0;
}

/* Interprets what the generator's frame gave: a wrapped value ends the await with StopIteration(value). */
static PyObject *unwrap(PyAsyncGenObject *generator, PyObject *result) {
    if (result == NULL) {
        if (!PyErr_Occurred()) PyErr_SetNone(PyExc_StopAsyncIteration);
        if (PyErr_ExceptionMatches(PyExc_StopAsyncIteration) || PyErr_ExceptionMatches(PyExc_GeneratorExit))
            generator->ag_closed = 1;
        generator->ag_running_async = 0;
        return NULL;
    }
    if (Py_IS_TYPE(result, &_PyAsyncGenWrappedValue_Type)) {
        _PyGen_SetStopIterationValue(((WrappedValue *)result)->value);
        Py_DECREF(result);
        generator->ag_running_async = 0;
        return NULL;
    }
    return result;
}

/* ---- asend() ---- */

static PyObject *asend_new(PyAsyncGenObject *generator, PyObject *value) {
    ASend *self = PyObject_GC_New(ASend, &_PyAsyncGenASend_Type);
    if (self == NULL) return NULL;
    self->generator = (PyAsyncGenObject *)Py_NewRef((PyObject *)generator);
    self->value = Py_XNewRef(value);
    self->state = AWAIT_INITIAL;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static void asend_dealloc(ASend *self) {
    kr_gc_untrack((PyObject *)self);
    Py_CLEAR(self->generator);
    Py_CLEAR(self->value);
    PyObject_GC_Del(self);
}

static int asend_traverse(ASend *self, visitproc visit, void *arg) {
    Py_VISIT(self->generator);
    Py_VISIT(self->value);
    return 0;
}

static PyObject *asend_send(ASend *self, PyObject *argument) {
    if (self->state == AWAIT_CLOSED) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited __anext__()/asend()");
        return NULL;
    }
    if (self->state == AWAIT_INITIAL) {
        if (self->generator->ag_running_async) {
            PyErr_SetString(PyExc_RuntimeError, "anext(): asynchronous generator is already running");
            return NULL;
        }
        if (argument == NULL || argument == Py_None) argument = self->value;
        self->state = AWAIT_ITERATING;
    }
    self->generator->ag_running_async = 1;
    PyObject *result = kr_generator_send_method((PyGenObject *)self->generator, argument == NULL ? Py_None : argument);
    result = unwrap(self->generator, result);
    if (result == NULL) self->state = AWAIT_CLOSED;
    return result;
}

static PyObject *asend_next(ASend *self) { return asend_send(self, NULL); }

static PyObject *asend_throw(ASend *self, PyObject *const *args, Py_ssize_t count) {
    if (self->state == AWAIT_CLOSED) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited __anext__()/asend()");
        return NULL;
    }
    if (!_PyArg_CheckPositional("throw", count, 1, 3)) return NULL;
    PyObject *result = kr_generator_throw((PyGenObject *)self->generator, 0, args[0], count > 1 ? args[1] : NULL,
                                          count > 2 ? args[2] : NULL);
    result = unwrap(self->generator, result);
    if (result == NULL) self->state = AWAIT_CLOSED;
    return result;
}

static PyObject *asend_close(ASend *self, PyObject *unused) {
    self->state = AWAIT_CLOSED;
    Py_RETURN_NONE;
}

static PyMethodDef asend_methods[] = {
    {"send", (PyCFunction)asend_send, METH_O, "send(arg) -> send 'arg' into the awaitable."},
    {"throw", (PyCFunction)(void (*)(void))asend_throw, METH_FASTCALL,
     "throw(value)\nthrow(type[,value[,tb]])\n\nRaises an exception inside the generator."},
    {"close", (PyCFunction)asend_close, METH_NOARGS, "close() -> make the awaitable unusable."},
    {NULL},
};

static PyAsyncMethods awaitable_async = {.am_await = PyObject_SelfIter};

PyTypeObject _PyAsyncGenASend_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "async_generator_asend",
    .tp_basicsize = sizeof(ASend),
    .tp_dealloc = (destructor)asend_dealloc,
    .tp_as_async = &awaitable_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)asend_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)asend_next,
    .tp_methods = asend_methods,
};

/* ---- athrow() and aclose() ---- */

static PyObject *athrow_new(PyAsyncGenObject *generator, PyObject *args) {
    AThrow *self = PyObject_GC_New(AThrow, &_PyAsyncGenAThrow_Type);
    if (self == NULL) return NULL;
    self->generator = (PyAsyncGenObject *)Py_NewRef((PyObject *)generator);
    self->args = Py_XNewRef(args);
    self->state = AWAIT_INITIAL;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static void athrow_dealloc(AThrow *self) {
    kr_gc_untrack((PyObject *)self);
    Py_CLEAR(self->generator);
    Py_CLEAR(self->args);
    PyObject_GC_Del(self);
}

static int athrow_traverse(AThrow *self, visitproc visit, void *arg) {
    Py_VISIT(self->generator);
    Py_VISIT(self->args);
    return 0;
}

static PyObject *ignored_exit(AThrow *self) {
    self->generator->ag_running_async = 0;
    self->state = AWAIT_CLOSED;
    PyErr_SetString(PyExc_RuntimeError, "async generator ignored GeneratorExit");
    return NULL;
}

/* The end of aclose(): the exceptions that mean success become StopIteration. */
static PyObject *finish_close(AThrow *self) {
    self->generator->ag_running_async = 0;
    self->state = AWAIT_CLOSED;
    if (self->args == NULL &&
        (PyErr_ExceptionMatches(PyExc_StopAsyncIteration) || PyErr_ExceptionMatches(PyExc_GeneratorExit))) {
        PyErr_Clear();
        PyErr_SetNone(PyExc_StopIteration);
    }
    return NULL;
}

static PyObject *athrow_send(AThrow *self, PyObject *argument) {
    PyGenObject *generator = (PyGenObject *)self->generator;
    PyObject *result;
    if (self->state == AWAIT_CLOSED) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited aclose()/athrow()");
        return NULL;
    }
    if (generator->gi_frame_state >= KR_FRAME_STATE_COMPLETED) {
        self->state = AWAIT_CLOSED;
        PyErr_SetNone(PyExc_StopIteration);
        return NULL;
    }
    if (self->state == AWAIT_INITIAL) {
        if (self->generator->ag_running_async) {
            self->state = AWAIT_CLOSED;
            PyErr_SetString(PyExc_RuntimeError, self->args == NULL
                                                    ? "aclose(): asynchronous generator is already running"
                                                    : "athrow(): asynchronous generator is already running");
            return NULL;
        }
        if (self->generator->ag_closed) {
            self->state = AWAIT_CLOSED;
            PyErr_SetNone(PyExc_StopAsyncIteration);
            return NULL;
        }
        if (argument != Py_None) {
            PyErr_SetString(PyExc_RuntimeError, "can't send non-None value to a just-started coroutine");
            return NULL;
        }
        self->state = AWAIT_ITERATING;
        self->generator->ag_running_async = 1;
        if (self->args == NULL) {
            self->generator->ag_closed = 1;
            result = kr_generator_throw(generator, 0, PyExc_GeneratorExit, NULL, NULL);
            if (result != NULL && Py_IS_TYPE(result, &_PyAsyncGenWrappedValue_Type)) {
                Py_DECREF(result);
                return ignored_exit(self);
            }
        } else {
            PyObject *type, *value = NULL, *traceback = NULL;
            if (!PyArg_UnpackTuple(self->args, "athrow", 1, 3, &type, &value, &traceback)) return NULL;
            result = unwrap(self->generator, kr_generator_throw(generator, 0, type, value, traceback));
        }
        if (result == NULL) return finish_close(self);
        return result;
    }
    result = kr_generator_send_method(generator, argument);
    if (self->args != NULL) return unwrap(self->generator, result);
    if (result == NULL) return finish_close(self);
    if (Py_IS_TYPE(result, &_PyAsyncGenWrappedValue_Type)) {
        Py_DECREF(result);
        return ignored_exit(self);
    }
    return result;
}

static PyObject *athrow_next(AThrow *self) { return athrow_send(self, Py_None); }

static PyObject *athrow_throw(AThrow *self, PyObject *const *args, Py_ssize_t count) {
    if (self->state == AWAIT_CLOSED) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited aclose()/athrow()");
        return NULL;
    }
    if (!_PyArg_CheckPositional("throw", count, 1, 3)) return NULL;
    PyObject *result = kr_generator_throw((PyGenObject *)self->generator, 0, args[0], count > 1 ? args[1] : NULL,
                                          count > 2 ? args[2] : NULL);
    if (self->args != NULL) return unwrap(self->generator, result);
    if (result != NULL && Py_IS_TYPE(result, &_PyAsyncGenWrappedValue_Type)) {
        Py_DECREF(result);
        return ignored_exit(self);
    }
    if (result == NULL && (PyErr_ExceptionMatches(PyExc_StopAsyncIteration) || PyErr_ExceptionMatches(PyExc_GeneratorExit))) {
        PyErr_Clear();
        PyErr_SetNone(PyExc_StopIteration);
    }
    return result;
}

static PyObject *athrow_close(AThrow *self, PyObject *unused) {
    self->state = AWAIT_CLOSED;
    Py_RETURN_NONE;
}

static PyMethodDef athrow_methods[] = {
    {"send", (PyCFunction)athrow_send, METH_O, "send(arg) -> send 'arg' into the awaitable."},
    {"throw", (PyCFunction)(void (*)(void))athrow_throw, METH_FASTCALL,
     "throw(value)\nthrow(type[,value[,tb]])\n\nRaises an exception inside the generator."},
    {"close", (PyCFunction)athrow_close, METH_NOARGS, "close() -> make the awaitable unusable."},
    {NULL},
};

PyTypeObject _PyAsyncGenAThrow_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "async_generator_athrow",
    .tp_basicsize = sizeof(AThrow),
    .tp_dealloc = (destructor)athrow_dealloc,
    .tp_as_async = &awaitable_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)athrow_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)athrow_next,
    .tp_methods = athrow_methods,
};

/* ---- The generator ---- */

static PyObject *async_generator_anext(PyAsyncGenObject *self) {
    if (start_hooks(self) < 0) return NULL;
    return asend_new(self, NULL);
}

static PyObject *async_generator_asend(PyAsyncGenObject *self, PyObject *value) {
    if (start_hooks(self) < 0) return NULL;
    return asend_new(self, value);
}

static PyObject *async_generator_aclose(PyAsyncGenObject *self, PyObject *unused) {
    if (start_hooks(self) < 0) return NULL;
    return athrow_new(self, NULL);
}

static PyObject *async_generator_athrow(PyAsyncGenObject *self, PyObject *args) {
    if (start_hooks(self) < 0) return NULL;
    return athrow_new(self, args);
}

static PyObject *get_delegate(PyAsyncGenObject *self, void *closure) {
    PyObject *delegate = kr_generator_yield_from((PyObject *)self);
    return delegate == NULL ? Py_NewRef(Py_None) : delegate;
}

static PyObject *get_suspended(PyAsyncGenObject *self, void *closure) {
    return PyBool_FromLong(kr_generator_is_suspended((PyGenObject *)self));
}

static PyObject *get_frame(PyAsyncGenObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, "ag_frame") < 0) return NULL;
    if (self->ag_frame_state == KR_FRAME_STATE_CLEARED) Py_RETURN_NONE;
    PyFrameObject *frame = kr_frame_object((KrFrame *)self->ag_iframe);
    return frame == NULL ? PyErr_NoMemory() : Py_NewRef((PyObject *)frame);
}

static PyObject *get_code(PyAsyncGenObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, "ag_code") < 0) return NULL;
    return Py_NewRef((PyObject *)self->ag_code);
}

static PyGetSetDef async_generator_getset[] = {
    {"__name__"}, /* filled from the generator type, see kr_async_generator_initialize */
    {"__qualname__"},
    {"ag_await", (getter)get_delegate, NULL, "What it awaits, or None."},
    {"ag_frame", (getter)get_frame},
    {"ag_code", (getter)get_code},
    {"ag_suspended", (getter)get_suspended},
    {NULL},
};

static PyMemberDef async_generator_members[] = {
    {"ag_running", T_BOOL, offsetof(PyAsyncGenObject, ag_running_async), READONLY},
    {NULL},
};

static PyMethodDef async_generator_methods[] = {
    {"asend", (PyCFunction)async_generator_asend, METH_O, "asend(v) -> an awaitable that sends 'v' into the generator."},
    {"athrow", (PyCFunction)async_generator_athrow, METH_VARARGS,
     "athrow(value)\nathrow(type[,value[,tb]])\n\nAn awaitable that raises an exception inside the generator."},
    {"aclose", (PyCFunction)async_generator_aclose, METH_NOARGS,
     "aclose() -> an awaitable that raises GeneratorExit inside the generator."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "See PEP 585"},
    {NULL},
};

static PyAsyncMethods async_generator_async = {
    .am_aiter = PyObject_SelfIter,
    .am_anext = (unaryfunc)async_generator_anext,
};

PyTypeObject PyAsyncGen_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "async_generator",
    .tp_basicsize = offsetof(PyAsyncGenObject, ag_iframe),
    .tp_itemsize = sizeof(PyObject *),
    .tp_as_async = &async_generator_async,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)kr_generator_traverse,
    .tp_weaklistoffset = offsetof(PyAsyncGenObject, ag_weakreflist),
    .tp_methods = async_generator_methods,
    .tp_members = async_generator_members,
    .tp_getset = async_generator_getset,
    .tp_finalize = _PyGen_Finalize,
};

void kr_async_generator_initialize(void) {
    PyAsyncGen_Type.tp_dealloc = PyGen_Type.tp_dealloc;
    PyAsyncGen_Type.tp_repr = PyGen_Type.tp_repr;
    async_generator_getset[0] = PyGen_Type.tp_getset[0];
    async_generator_getset[1] = PyGen_Type.tp_getset[1];
}
