/* Frame objects: what Python code sees of a frame. */
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>

#include "collector/collector.h"
#include "compile/opcodes.h"
#include "object/names.h"
#include "object/runtime.h"
#include "object/interpreter.h"
#include "vm/eval.h"
#include "vm/frame.h"

PyFrameObject *kr_frame_object(KrFrame *frame) {
    if (frame->frame_object != NULL) return frame->frame_object;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyFrameObject *self = PyObject_GC_New(PyFrameObject, &PyFrame_Type);
    if (self == NULL) {
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    self->reserve = PyMem_Malloc(kr_frame_slots(frame->code) * sizeof(PyObject *));
    if (self->reserve == NULL) {
        PyObject_GC_Del(self);
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    PyErr_Restore(type, value, traceback);
    self->f_back = NULL;
    if (frame->frame_object != NULL) { /* the allocation ran the collector, and a callback asked for this frame */
        self->frame = self->own = NULL;
        self->trace = NULL;
        Py_DECREF(self);
        return frame->frame_object;
    }
    self->frame = frame;
    self->trace = NULL;
    self->line = 0;
    self->trace_lines = 1;
    self->trace_opcodes = 0;
    self->fast_as_locals = 0;
    self->own = NULL;
    frame->frame_object = self; /* tracked when it outlives its frame */
    return self;
}

static void frame_dealloc(PyFrameObject *self) {
    if (kr_gc_is_tracked((PyObject *)self)) kr_gc_untrack((PyObject *)self);
    Py_TRASHCAN_BEGIN(self, frame_dealloc)
    if (self->own != NULL) {
        KrFrame *own = self->own;
        self->own = NULL;
        self->frame = NULL;
        kr_frame_clear(own);
        PyMem_Free(own);
    }
    PyMem_Free(self->reserve);
    Py_CLEAR(self->f_back);
    Py_CLEAR(self->trace);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

static int frame_traverse(PyFrameObject *self, visitproc visit, void *arg) {
    Py_VISIT(self->f_back);
    Py_VISIT(self->trace);
    return self->own == NULL ? 0 : kr_frame_traverse(self->own, 0, visit, arg);
}

static int frame_tp_clear(PyFrameObject *self) {
    Py_CLEAR(self->trace);
    if (self->own != NULL) {
        int count = self->own->stack_top;
        for (int i = 0; i < count; i++) Py_CLEAR(self->own->slot[i]);
        self->own->stack_top = 0;
        Py_CLEAR(self->own->locals);
    }
    return 0;
}

static PyObject *frame_clear_method(PyFrameObject *self, PyObject *unused) {
    KrFrame *frame = self->frame;
    if (frame->owner == KR_OWNED_BY_GENERATOR) {
        PyGenObject *generator = kr_frame_generator(frame);
        if (generator->gi_frame_state == KR_FRAME_STATE_EXECUTING) goto running;
        _PyGen_Finalize((PyObject *)generator);
    } else if (frame->owner == KR_OWNED_BY_THREAD) {
        goto running;
    } else {
        (void)frame_tp_clear(self);
    }
    Py_RETURN_NONE;
running:
    PyErr_SetString(PyExc_RuntimeError, "cannot clear an executing frame");
    return NULL;
}

/* ---- Attributes ---- */

static PyObject *get_locals(PyFrameObject *self, void *closure) {
    if (kr_frame_fast_to_locals(self->frame) < 0) return NULL;
    self->fast_as_locals = 1;
    return Py_NewRef(self->frame->locals);
}

PyFrameObject *PyFrame_GetBack(PyFrameObject *self) {
    PyFrameObject *back = self->f_back;
    if (back == NULL) {
        KrFrame *previous = kr_frame_first_complete(self->frame->previous);
        if (previous != NULL && (back = kr_frame_object(previous)) == NULL) PyErr_NoMemory();
    }
    return (PyFrameObject *)Py_XNewRef((PyObject *)back);
}

static PyObject *get_back(PyFrameObject *self, void *closure) {
    PyObject *back = (PyObject *)PyFrame_GetBack(self);
    return back != NULL || PyErr_Occurred() ? back : Py_NewRef(Py_None);
}

PyCodeObject *PyFrame_GetCode(PyFrameObject *self) { return (PyCodeObject *)Py_NewRef((PyObject *)self->frame->code); }
PyObject *PyFrame_GetLocals(PyFrameObject *self) { return get_locals(self, NULL); }
PyObject *PyFrame_GetGlobals(PyFrameObject *self) { return Py_NewRef(self->frame->globals); }
PyObject *PyFrame_GetBuiltins(PyFrameObject *self) { return Py_NewRef(self->frame->builtins); }

PyObject *PyFrame_GetGenerator(PyFrameObject *self) {
    if (self->frame->owner != KR_OWNED_BY_GENERATOR) return NULL;
    return Py_NewRef((PyObject *)kr_frame_generator(self->frame));
}

int PyFrame_GetLasti(PyFrameObject *self) {
    int lasti = kr_frame_lasti(self->frame);
    return lasti < 0 ? -1 : lasti * (int)sizeof(_Py_CODEUNIT);
}

int PyFrame_GetLineNumber(PyFrameObject *self) { return self->line != 0 ? self->line : kr_frame_line(self->frame); }

int _PyFrame_IsEntryFrame(PyFrameObject *self) { return (self->frame->flags & KR_FRAME_ENTRY) != 0; }

static PyObject *get_line(PyFrameObject *self, void *closure) {
    int line = PyFrame_GetLineNumber(self);
    if (line < 0) Py_RETURN_NONE;
    return PyLong_FromLong(line);
}

static PyObject *get_lasti(PyFrameObject *self, void *closure) { return PyLong_FromLong(PyFrame_GetLasti(self)); }
static PyObject *get_globals(PyFrameObject *self, void *closure) { return PyFrame_GetGlobals(self); }
static PyObject *get_builtins(PyFrameObject *self, void *closure) { return PyFrame_GetBuiltins(self); }
static PyObject *get_code(PyFrameObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, "f_code") < 0) return NULL;
    return (PyObject *)PyFrame_GetCode(self);
}

static PyObject *get_trace(PyFrameObject *self, void *closure) {
    return Py_NewRef(self->trace == NULL ? Py_None : self->trace);
}

static int set_trace(PyFrameObject *self, PyObject *value, void *closure) {
    if (value == Py_None) value = NULL;
    if (value != self->trace) {
        Py_XSETREF(self->trace, Py_XNewRef(value));
        if (value != NULL) self->line = 0;
    }
    return 0;
}

static PyObject *get_trace_opcodes(PyFrameObject *self, void *closure) { return PyBool_FromLong(self->trace_opcodes); }

static int set_trace_opcodes(PyFrameObject *self, PyObject *value, void *closure) {
    if (value == NULL || !PyBool_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "attribute value type must be bool");
        return -1;
    }
    self->trace_opcodes = value == Py_True;
    return 0;
}

int kr_frame_set_line(PyFrameObject *self, PyObject *value, void *closure); /* frame_jump.c */

static PyMemberDef frame_members[] = {
    {"f_trace_lines", T_BOOL, offsetof(PyFrameObject, trace_lines), 0},
    {NULL},
};

static PyGetSetDef frame_getset[] = {
    {"f_back", (getter)get_back},
    {"f_locals", (getter)get_locals},
    {"f_lineno", (getter)get_line, (setter)kr_frame_set_line},
    {"f_trace", (getter)get_trace, (setter)set_trace},
    {"f_lasti", (getter)get_lasti},
    {"f_globals", (getter)get_globals},
    {"f_builtins", (getter)get_builtins},
    {"f_code", (getter)get_code},
    {"f_trace_opcodes", (getter)get_trace_opcodes, (setter)set_trace_opcodes},
    {NULL},
};

static PyObject *frame_repr(PyFrameObject *self) {
    PyCodeObject *code = self->frame->code;
    return PyUnicode_FromFormat("<frame at %p, file %R, line %d, code %S>", self, code->co_filename,
                                PyFrame_GetLineNumber(self), code->co_name);
}

static PyObject *frame_sizeof(PyFrameObject *self, PyObject *unused) {
    size_t size = sizeof(PyFrameObject) + sizeof(KrFrame);
    size += ((size_t)self->frame->code->co_nlocalsplus + (size_t)self->frame->code->co_stacksize) * sizeof(PyObject *);
    return PyLong_FromSize_t(size);
}

static PyMethodDef frame_methods[] = {
    {"clear", (PyCFunction)frame_clear_method, METH_NOARGS, "F.clear(): drop the references that a finished frame holds."},
    {"__sizeof__", (PyCFunction)frame_sizeof, METH_NOARGS, "F.__sizeof__() -> size in bytes, the frame included."},
    {NULL},
};

PyTypeObject PyFrame_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "frame",
    .tp_basicsize = sizeof(PyFrameObject),
    .tp_dealloc = (destructor)frame_dealloc,
    .tp_repr = (reprfunc)frame_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)frame_traverse,
    .tp_clear = (inquiry)frame_tp_clear,
    .tp_methods = frame_methods,
    .tp_members = frame_members,
    .tp_getset = frame_getset,
};

/* ---- C API ---- */

PyFrameObject *PyFrame_New(PyThreadState *thread, PyCodeObject *code, PyObject *globals, PyObject *locals) {
    PyFunctionObject *function = (PyFunctionObject *)PyFunction_New((PyObject *)code, globals);
    if (function == NULL) return NULL;
    PyFrameObject *self = PyObject_GC_New(PyFrameObject, &PyFrame_Type);
    KrFrame *own = self == NULL ? NULL : PyMem_Calloc(1, kr_frame_slots(code) * sizeof(PyObject *));
    if (own == NULL) {
        if (self != NULL) PyObject_GC_Del(self);
        Py_DECREF(function);
        PyErr_NoMemory();
        return NULL;
    }
    kr_frame_initialize(own, function, Py_XNewRef(locals), code);
    own->owner = KR_OWNED_BY_FRAME_OBJECT;
    own->instruction = kr_code_start(code) + code->_co_firsttraceable;
    self->f_back = NULL;
    self->frame = self->own = own;
    self->reserve = NULL;
    self->trace = NULL;
    self->line = 0;
    self->trace_lines = 1;
    self->trace_opcodes = 0;
    self->fast_as_locals = 0;
    kr_gc_track((PyObject *)self);
    return self;
}

int PyFrame_FastToLocalsWithError(PyFrameObject *self) {
    if (self == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    int result = kr_frame_fast_to_locals(self->frame);
    if (result == 0) self->fast_as_locals = 1;
    return result;
}

void PyFrame_FastToLocals(PyFrameObject *self) {
    if (PyFrame_FastToLocalsWithError(self) < 0) PyErr_Clear();
}

void PyFrame_LocalsToFast(PyFrameObject *self, int clear) {
    if (self != NULL && self->fast_as_locals) {
        kr_frame_locals_to_fast(self->frame, clear);
        self->fast_as_locals = 0;
    }
}

/* ---- What the running code can ask about itself ---- */

static KrFrame *running_frame(void) { return kr_frame_first_complete(kr_current_frame(kr_tstate())); }

PyFrameObject *PyEval_GetFrame(void) {
    KrFrame *frame = running_frame();
    return frame == NULL ? NULL : kr_frame_object(frame);
}

PyFrameObject *PyThreadState_GetFrame(PyThreadState *thread) {
    KrFrame *frame = kr_frame_first_complete(kr_current_frame(thread));
    return frame == NULL ? NULL : (PyFrameObject *)Py_XNewRef((PyObject *)kr_frame_object(frame));
}

PyObject *PyEval_GetLocals(void) {
    KrFrame *frame = running_frame();
    if (frame == NULL) {
        PyErr_SetString(PyExc_SystemError, "frame does not exist");
        return NULL;
    }
    if (kr_frame_fast_to_locals(frame) < 0) return NULL;
    return frame->locals;
}

PyObject *PyEval_GetGlobals(void) {
    KrFrame *frame = running_frame();
    return frame == NULL ? NULL : frame->globals;
}

PyObject *PyEval_GetBuiltins(void) {
    KrFrame *frame = kr_current_frame(kr_tstate());
    return frame != NULL ? frame->builtins : kr_tstate()->interp->builtins;
}

PyObject *_PyEval_GetBuiltin(PyObject *name) {
    PyObject *value = PyDict_GetItemWithError(PyEval_GetBuiltins(), name);
    if (value != NULL) return Py_NewRef(value);
    if (!PyErr_Occurred()) PyErr_SetObject(PyExc_AttributeError, name);
    return NULL;
}

PyObject *_PyEval_GetBuiltinId(_Py_Identifier *name) { return _PyEval_GetBuiltin(_PyUnicode_FromId(name)); }

int PyEval_MergeCompilerFlags(PyCompilerFlags *flags) {
    KrFrame *frame = running_frame();
    int result = flags->cf_flags != 0;
    if (frame != NULL) {
        int inherited = frame->code->co_flags & PyCF_MASK;
        if (inherited) {
            result = 1;
            flags->cf_flags |= inherited;
        }
    }
    return result;
}

const char *PyEval_GetFuncName(PyObject *function) {
    if (PyMethod_Check(function)) return PyEval_GetFuncName(PyMethod_GET_FUNCTION(function));
    if (PyFunction_Check(function)) return PyUnicode_AsUTF8(((PyFunctionObject *)function)->func_name);
    if (PyCFunction_Check(function)) return ((PyCFunctionObject *)function)->m_ml->ml_name;
    return Py_TYPE(function)->tp_name;
}

const char *PyEval_GetFuncDesc(PyObject *function) {
    if (PyMethod_Check(function) || PyFunction_Check(function) || PyCFunction_Check(function)) return "()";
    return " object";
}
