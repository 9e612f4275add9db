/* BufferedRWPair: a reader and a writer as one object, for two raw streams such as the ends of two pipes. */
#include "modules/io/buffered.h"

#include <stddef.h>

#include "object/names.h"

typedef struct {
    PyObject_HEAD
    PyObject *reader; /* BufferedReader */
    PyObject *writer; /* BufferedWriter */
    PyObject *dict;
    PyObject *weakrefs;
} Pair;

static int pair_init(Pair *self, PyObject *args, PyObject *kwargs) {
    PyTypeObject *type = &kr_buffered_pair_type;
    if ((Py_IS_TYPE(self, type) || Py_TYPE(self)->tp_new == type->tp_new) && !_PyArg_NoKeywords("BufferedRWPair", kwargs))
        return -1;
    Py_ssize_t count = PyTuple_GET_SIZE(args), size = KR_IO_BUFFER_SIZE;
    if (!_PyArg_CheckPositional("BufferedRWPair", count, 2, 3)) return -1;
    PyObject *reader = PyTuple_GET_ITEM(args, 0), *writer = PyTuple_GET_ITEM(args, 1);
    if (count == 3 && kr_io_int_argument(PyTuple_GET_ITEM(args, 2), &size) < 0) return -1;
    if (kr_io_check_readable(reader) < 0 || kr_io_check_writable(writer) < 0) return -1;
    PyObject *first = PyObject_CallFunction((PyObject *)&kr_buffered_reader_type, "On", reader, size);
    if (first == NULL) return -1;
    PyObject *second = PyObject_CallFunction((PyObject *)&kr_buffered_writer_type, "On", writer, size);
    if (second == NULL) {
        Py_DECREF(first);
        return -1;
    }
    Py_XSETREF(self->reader, first);
    Py_XSETREF(self->writer, second);
    return 0;
}

static int pair_traverse(Pair *self, visitproc visit, void *arg) {
    Py_VISIT(self->reader);
    Py_VISIT(self->writer);
    Py_VISIT(self->dict);
    return 0;
}

static int pair_clear(Pair *self) {
    Py_CLEAR(self->reader);
    Py_CLEAR(self->writer);
    Py_CLEAR(self->dict);
    return 0;
}

static void pair_dealloc(Pair *self) {
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    pair_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* Calls a method of one of the two. */
static PyObject *forward(PyObject *half, PyObject *name, PyObject *const *args, Py_ssize_t count) {
    if (half == NULL) {
        PyErr_SetString(PyExc_ValueError, "I/O operation on uninitialized object");
        return NULL;
    }
    PyObject *method = name == NULL ? NULL : PyObject_GetAttr(half, name);
    if (method == NULL) return NULL;
    PyObject *result = PyObject_Vectorcall(method, args, (size_t)count, NULL);
    Py_DECREF(method);
    return result;
}

#define DEFINE_FORWARD(name, half)                                                                                     \
    static PyObject *pair_##name(Pair *self, PyObject *const *args, Py_ssize_t count) {                                \
        return forward(self->half, KR_NAME(name), args, count);                                                        \
    }
DEFINE_FORWARD(read, reader)
DEFINE_FORWARD(peek, reader)
DEFINE_FORWARD(read1, reader)
DEFINE_FORWARD(readinto, reader)
DEFINE_FORWARD(readinto1, reader)
DEFINE_FORWARD(readable, reader)
DEFINE_FORWARD(write, writer)
DEFINE_FORWARD(flush, writer)
DEFINE_FORWARD(writable, writer)

static PyObject *pair_close(Pair *self, PyObject *unused) {
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    PyObject *result = forward(self->writer, KR_NAME(close), NULL, 0);
    if (result == NULL) PyErr_Fetch(&type, &value, &traceback);
    Py_XDECREF(result);
    result = forward(self->reader, KR_NAME(close), NULL, 0);
    if (type != NULL) {
        _PyErr_ChainExceptions(type, value, traceback);
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *pair_isatty(Pair *self, PyObject *unused) {
    PyObject *answer = forward(self->writer, KR_NAME(isatty), NULL, 0);
    if (answer != Py_False) return answer;
    Py_DECREF(answer);
    return forward(self->reader, KR_NAME(isatty), NULL, 0);
}

static PyObject *pair_get_closed(Pair *self, void *closure) {
    if (self->writer != NULL) return PyObject_GetAttr(self->writer, KR_NAME(closed));
    PyErr_SetString(PyExc_RuntimeError, "the BufferedRWPair object is being garbage-collected");
    return NULL;
}

#define FAST(function) (PyCFunction)(void *)function, METH_FASTCALL

static PyMethodDef pair_methods[] = {
    {"read", FAST(pair_read), NULL},
    {"peek", FAST(pair_peek), NULL},
    {"read1", FAST(pair_read1), NULL},
    {"readinto", FAST(pair_readinto), NULL},
    {"readinto1", FAST(pair_readinto1), NULL},
    {"write", FAST(pair_write), NULL},
    {"flush", FAST(pair_flush), NULL},
    {"readable", FAST(pair_readable), NULL},
    {"writable", FAST(pair_writable), NULL},
    {"close", (PyCFunction)pair_close, METH_NOARGS, PyDoc_STR("Close the writer, then the reader.")},
    {"isatty", (PyCFunction)pair_isatty, METH_NOARGS, NULL},
    {NULL},
};

static PyGetSetDef pair_getset[] = {
    {"closed", (getter)pair_get_closed},
    {NULL},
};

PyTypeObject kr_buffered_pair_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io.BufferedRWPair",
    .tp_basicsize = sizeof(Pair),
    .tp_dealloc = (destructor)pair_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("BufferedRWPair(reader, writer, buffer_size=DEFAULT_BUFFER_SIZE, /)\n--\n\n"
                        "Two raw streams as one buffered stream, such as the two directions of a connection.\n\n"
                        "Not for two raw streams on one file: their positions would disagree; BufferedRandom is."),
    .tp_traverse = (traverseproc)pair_traverse,
    .tp_clear = (inquiry)pair_clear,
    .tp_weaklistoffset = offsetof(Pair, weakrefs),
    .tp_methods = pair_methods,
    .tp_getset = pair_getset,
    .tp_base = &kr_buffered_base_type,
    .tp_dictoffset = offsetof(Pair, dict),
    .tp_init = (initproc)pair_init,
    .tp_new = PyType_GenericNew,
};
