/* Traceback objects: the chain of frames that an exception went through. */
#include <Python.h>
#include <frameobject.h>
#include <structmember.h>

#include "collector/collector.h"
#include "object/runtime.h"
#include "vm/eval.h"

static PyObject *traceback_create(PyObject *next, PyFrameObject *frame, int lasti, int line) {
    if ((next != NULL && !PyTraceBack_Check(next)) || frame == NULL || !PyFrame_Check(frame)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyTracebackObject *self = PyObject_GC_New(PyTracebackObject, &PyTraceBack_Type);
    if (self == NULL) return NULL;
    self->tb_next = (PyTracebackObject *)Py_XNewRef(next);
    self->tb_frame = (PyFrameObject *)Py_NewRef((PyObject *)frame);
    self->tb_lasti = lasti;
    self->tb_lineno = line;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static PyObject *traceback_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"tb_next", "tb_frame", "tb_lasti", "tb_lineno", NULL};
    PyObject *next, *frame;
    int lasti, line;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO!ii:traceback", keywords, &next, &PyFrame_Type, &frame, &lasti, &line))
        return NULL;
    if (next == Py_None) {
        next = NULL;
    } else if (!PyTraceBack_Check(next)) {
        PyErr_Format(PyExc_TypeError, "expected traceback object or None, got '%s'", Py_TYPE(next)->tp_name);
        return NULL;
    }
    return traceback_create(next, (PyFrameObject *)frame, lasti, line);
}

static PyObject *get_next(PyTracebackObject *self, void *closure) {
    return Py_NewRef(self->tb_next == NULL ? Py_None : (PyObject *)self->tb_next);
}

static int set_next(PyTracebackObject *self, PyObject *next, void *closure) {
    if (next == NULL) {
        PyErr_SetString(PyExc_TypeError, "can't delete tb_next attribute");
        return -1;
    }
    if (next == Py_None) {
        next = NULL;
    } else if (!PyTraceBack_Check(next)) {
        PyErr_Format(PyExc_TypeError, "expected traceback object, got '%s'", Py_TYPE(next)->tp_name);
        return -1;
    }
    for (PyTracebackObject *at = (PyTracebackObject *)next; at != NULL; at = at->tb_next)
        if (at == self) {
            PyErr_SetString(PyExc_ValueError, "traceback loop detected");
            return -1;
        }
    Py_XSETREF(self->tb_next, (PyTracebackObject *)Py_XNewRef(next));
    return 0;
}

static PyObject *traceback_dir(PyTracebackObject *self, PyObject *unused) {
    return Py_BuildValue("[ssss]", "tb_frame", "tb_next", "tb_lasti", "tb_lineno");
}

static PyMethodDef traceback_methods[] = {
    {"__dir__", (PyCFunction)traceback_dir, METH_NOARGS, "The attributes of a traceback."},
    {NULL},
};

static PyMemberDef traceback_members[] = {
    {"tb_frame", T_OBJECT, offsetof(PyTracebackObject, tb_frame), READONLY | PY_AUDIT_READ},
    {"tb_lasti", T_INT, offsetof(PyTracebackObject, tb_lasti), READONLY},
    {"tb_lineno", T_INT, offsetof(PyTracebackObject, tb_lineno), READONLY},
    {NULL},
};

static PyGetSetDef traceback_getset[] = {
    {"tb_next", (getter)get_next, (setter)set_next},
    {NULL},
};

static void traceback_dealloc(PyTracebackObject *self) {
    kr_gc_untrack((PyObject *)self);
    Py_TRASHCAN_BEGIN(self, traceback_dealloc)
    Py_XDECREF(self->tb_next);
    Py_XDECREF(self->tb_frame);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

static int traceback_traverse(PyTracebackObject *self, visitproc visit, void *arg) {
    Py_VISIT(self->tb_next);
    Py_VISIT(self->tb_frame);
    return 0;
}

static int traceback_clear(PyTracebackObject *self) {
    Py_CLEAR(self->tb_next);
    Py_CLEAR(self->tb_frame);
    return 0;
}

PyTypeObject PyTraceBack_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "traceback",
    .tp_basicsize = sizeof(PyTracebackObject),
    .tp_dealloc = (destructor)traceback_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "traceback(tb_next, tb_frame, tb_lasti, tb_lineno)\n--\n\nOne frame that an exception went through.",
    .tp_traverse = (traverseproc)traceback_traverse,
    .tp_clear = (inquiry)traceback_clear,
    .tp_methods = traceback_methods,
    .tp_members = traceback_members,
    .tp_getset = traceback_getset,
    .tp_new = traceback_new,
};

/* Handles that an exception, whose references this takes, cannot get an entry: the exception set meanwhile takes its place
 * and has it as context. A MemoryError stays what it is. */
static void no_entry(PyObject *type, PyObject *value, PyObject *traceback) {
    if (type != NULL && PyErr_GivenExceptionMatches(type, PyExc_MemoryError))
        PyErr_Restore(type, value, traceback);
    else
        _PyErr_ChainExceptions(type, value, traceback);
}

int PyTraceBack_Here(PyFrameObject *frame) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *extended = traceback_create(traceback, frame, PyFrame_GetLasti(frame), PyFrame_GetLineNumber(frame));
    if (extended == NULL) {
        no_entry(type, value, traceback);
        return -1;
    }
    PyErr_Restore(type, value, extended);
    Py_XDECREF(traceback);
    return 0;
}

void kr_traceback_add(KrFrame *frame) {
    PyFrameObject *object = kr_frame_object(frame);
    if (object != NULL) {
        PyTraceBack_Here(object);
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NoMemory();
    no_entry(type, value, traceback);
}

/* Adds an entry for a C function: a frame made up from the name, file and line. */
void _PyTraceback_Add(const char *function_name, const char *file_name, int line) {
    PyObject *type, *value, *traceback, *globals = NULL;
    PyCodeObject *code = NULL;
    PyFrameObject *frame = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    globals = PyDict_New();
    code = PyCode_NewEmpty(file_name, function_name, line);
    if (globals != NULL && code != NULL) frame = PyFrame_New(PyThreadState_Get(), code, globals, NULL);
    Py_XDECREF(code);
    Py_XDECREF(globals);
    if (frame == NULL) {
        no_entry(type, value, traceback);
        return;
    }
    frame->line = line;
    PyErr_Restore(type, value, traceback);
    PyTraceBack_Here(frame);
    Py_DECREF(frame);
}
