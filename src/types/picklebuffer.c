/* pickle.PickleBuffer: memory of another object that pickling may leave out of the stream. */
#include <Python.h>
#include <stddef.h>

#include "types/memoryview.h"

typedef struct {
    PyObject_HEAD
    Py_buffer view; /* obj is NULL after the release */
    PyObject *weak_references;
} PickleBuffer;

static inline PickleBuffer *as_pickle_buffer(PyObject *self) { return (PickleBuffer *)self; }

static int check_released(const PickleBuffer *self) {
    if (self->view.obj != NULL) return 0;
    PyErr_SetString(PyExc_ValueError, "operation forbidden on released PickleBuffer object");
    return -1;
}

static int check_type(PyObject *object) {
    if (PyPickleBuffer_Check(object)) return 0;
    PyErr_Format(PyExc_TypeError, "expected PickleBuffer, %.200s found", Py_TYPE(object)->tp_name);
    return -1;
}

static PyObject *create(PyTypeObject *type, PyObject *base) {
    PickleBuffer *self = (PickleBuffer *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->view.obj = NULL;
    self->weak_references = NULL;
    if (PyObject_GetBuffer(base, &self->view, PyBUF_FULL_RO) < 0) {
        self->view.obj = NULL;
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

PyObject *PyPickleBuffer_FromObject(PyObject *base) { return create(&PyPickleBuffer_Type, base); }

const Py_buffer *PyPickleBuffer_GetBuffer(PyObject *object) {
    if (check_type(object) < 0 || check_released(as_pickle_buffer(object)) < 0) return NULL;
    return &as_pickle_buffer(object)->view;
}

int PyPickleBuffer_Release(PyObject *object) {
    if (check_type(object) < 0) return -1;
    PyBuffer_Release(&as_pickle_buffer(object)->view);
    return 0;
}

static PyObject *pickle_buffer_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    static const char *const keywords[] = {"", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "PickleBuffer"};
    PyObject *values[1] = {NULL};
    PyObject *const *items = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), kwds, NULL,
                                                   &parser, 1, 1, 0, values);
    return items != NULL ? create(type, items[0]) : NULL;
}

static int pickle_buffer_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(as_pickle_buffer(self)->view.obj);
    return 0;
}

static int pickle_buffer_clear(PyObject *self) {
    PyBuffer_Release(&as_pickle_buffer(self)->view);
    return 0;
}

static void pickle_buffer_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    if (as_pickle_buffer(self)->weak_references != NULL) PyObject_ClearWeakRefs(self);
    PyBuffer_Release(&as_pickle_buffer(self)->view);
    Py_TYPE(self)->tp_free(self);
}

static int pickle_buffer_get_buffer(PyObject *self, Py_buffer *view, int flags) {
    if (check_released(as_pickle_buffer(self)) < 0) return -1;
    return PyObject_GetBuffer(as_pickle_buffer(self)->view.obj, view, flags);
}

static PyObject *pickle_buffer_raw(PyObject *self, PyObject *unused) {
    const Py_buffer *view = &as_pickle_buffer(self)->view;
    if (check_released(as_pickle_buffer(self)) < 0) return NULL;
    if (view->suboffsets != NULL || !PyBuffer_IsContiguous(view, 'A')) {
        PyErr_SetString(PyExc_BufferError, "cannot extract raw buffer from non-contiguous buffer");
        return NULL;
    }
    return kr_memoryview_of_bytes(self);
}

static PyObject *pickle_buffer_release(PyObject *self, PyObject *unused) {
    PyBuffer_Release(&as_pickle_buffer(self)->view);
    Py_RETURN_NONE;
}

static PyMethodDef pickle_buffer_methods[] = {
    {"raw", pickle_buffer_raw, METH_NOARGS, "raw($self, /)\n--\n\nA one-dimensional memoryview of the memory as bytes."},
    {"release", pickle_buffer_release, METH_NOARGS, "release($self, /)\n--\n\nGive the memory back to its object."},
    {NULL},
};

/* A buffer that is got from here belongs to the underlying object, which is the one to release it. */
static PyBufferProcs pickle_buffer_as_buffer = {
    .bf_getbuffer = pickle_buffer_get_buffer,
};

PyTypeObject PyPickleBuffer_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = "pickle.PickleBuffer",
    .tp_basicsize = sizeof(PickleBuffer),
    .tp_dealloc = pickle_buffer_dealloc,
    .tp_as_buffer = &pickle_buffer_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "A wrapper of a buffer that pickling may hand over out of band.",
    .tp_traverse = pickle_buffer_traverse,
    .tp_clear = pickle_buffer_clear,
    .tp_weaklistoffset = offsetof(PickleBuffer, weak_references),
    .tp_methods = pickle_buffer_methods,
    .tp_new = pickle_buffer_new,
};
