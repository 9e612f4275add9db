/* BytesIO: a binary file in memory.
 *
 * The content is the front part of a bytes object. While others hold it, too (it came from outside, or getvalue() gave it
 * out), it is copied before the first change; otherwise it has room to grow.
 */
#include <Python.h>

#include <stddef.h>
#include <string.h>

#include "modules/io/io.h"
#include "object/names.h"

typedef struct {
    PyObject_HEAD
    PyObject *bytes; /* NULL: closed */
    Py_ssize_t position;
    Py_ssize_t size;
    PyObject *dict;
    PyObject *weakrefs;
    Py_ssize_t exports; /* buffers that are in use: the content must stay where it is */
} BytesIO;

typedef struct {
    PyObject_HEAD
    BytesIO *source;
} Export;

static int check_open(BytesIO *self) {
    if (self->bytes != NULL) return 0;
    PyErr_SetString(PyExc_ValueError, "I/O operation on closed file.");
    return -1;
}

static int check_exports(BytesIO *self) {
    if (self->exports == 0) return 0;
    PyErr_SetString(PyExc_BufferError, "Existing exports of data: object cannot be re-sized");
    return -1;
}

static inline int is_shared(BytesIO *self) { return Py_REFCNT(self->bytes) > 1; }

/* Makes the content our own, with room for `room` bytes. */
static int make_own(BytesIO *self, Py_ssize_t room) {
    PyObject *copy = PyBytes_FromStringAndSize(NULL, room);
    if (copy == NULL) return -1;
    memcpy(PyBytes_AS_STRING(copy), PyBytes_AS_STRING(self->bytes), (size_t)(self->size < room ? self->size : room));
    Py_SETREF(self->bytes, copy);
    return 0;
}

/* Sets the size of the content, which becomes our own; bytes that are new are not initialised. */
static int resize(BytesIO *self, Py_ssize_t size) {
    Py_ssize_t room = PyBytes_GET_SIZE(self->bytes), wanted = size;
    if (size > room) {
        /* Grow by an eighth beyond what is needed, at least by a few bytes. */
        Py_ssize_t extra = (size >> 3) + (size < 9 ? 3 : 6);
        if (size > PY_SSIZE_T_MAX - extra) {
            PyErr_SetString(PyExc_OverflowError, "new buffer size too large");
            return -1;
        }
        wanted = size + extra;
    } else if (size >= room / 2 && !is_shared(self)) {
        self->size = size;
        return 0;
    }
    if (is_shared(self)) {
        if (make_own(self, wanted) < 0) return -1;
    } else if (_PyBytes_Resize(&self->bytes, wanted) < 0) {
        self->size = self->position = 0;
        return -1;
    }
    self->size = size;
    return 0;
}

static int write_memory(BytesIO *self, const void *data, Py_ssize_t size) {
    if (size == 0) return 0;
    if (size > PY_SSIZE_T_MAX - self->position) {
        PyErr_SetString(PyExc_OverflowError, "new buffer size too large");
        return -1;
    }
    Py_ssize_t end = self->position + size, old = self->size;
    if (end > PyBytes_GET_SIZE(self->bytes)) {
        if (resize(self, end) < 0) return -1;
    } else if (is_shared(self) && make_own(self, end > self->size ? end : self->size) < 0) {
        return -1;
    }
    char *content = PyBytes_AS_STRING(self->bytes);
    /* Seeking beyond the end leaves a gap of null bytes. */
    if (self->position > old) memset(content + old, 0, (size_t)(self->position - old));
    memcpy(content + self->position, data, (size_t)size);
    self->position = end;
    if (end > old)
        self->size = end;
    else
        self->size = old;
    return 0;
}

/* Writes a bytes-like object. Returns the number of bytes or -1. */
static Py_ssize_t write_object(BytesIO *self, PyObject *data) {
    if (check_open(self) < 0 || check_exports(self) < 0) return -1;
    if (PyBytes_CheckExact(data)) {
        Py_ssize_t size = PyBytes_GET_SIZE(data);
        return write_memory(self, PyBytes_AS_STRING(data), size) < 0 ? -1 : size;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_CONTIG_RO) < 0) return -1;
    /* Getting the buffer may have run code. */
    Py_ssize_t size = check_open(self) < 0 || check_exports(self) < 0 || write_memory(self, view.buf, view.len) < 0
                          ? -1
                          : view.len;
    PyBuffer_Release(&view);
    return size;
}

/* ---- life ---- */

static PyObject *bytesio_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    BytesIO *self = (BytesIO *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    if ((self->bytes = PyBytes_FromStringAndSize(NULL, 0)) == NULL) Py_CLEAR(self);
    return (PyObject *)self;
}

static int initialize(BytesIO *self, PyObject *initial) {
    if (check_exports(self) < 0) return -1;
    self->size = self->position = 0;
    if (initial == NULL || initial == Py_None) return 0;
    if (PyBytes_CheckExact(initial)) {
        Py_INCREF(initial);
        Py_XSETREF(self->bytes, initial);
        self->size = PyBytes_GET_SIZE(initial);
        return 0;
    }
    if (self->bytes == NULL && (self->bytes = PyBytes_FromStringAndSize(NULL, 0)) == NULL) return -1;
    if (write_object(self, initial) < 0) return -1;
    self->position = 0;
    return 0;
}

static _PyArg_Parser init_parser = {.keywords = (const char *const[]){"initial_bytes", NULL}, .fname = "BytesIO"};

static int bytesio_init(BytesIO *self, PyObject *args, PyObject *kwargs) {
    PyObject *given[1];
    if (kr_io_unpack(args, kwargs, &init_parser, 0, 1, given) < 0) return -1;
    return initialize(self, given[0]);
}

static PyObject *bytesio_vectorcall(PyObject *type, PyObject *const *args, size_t flags, PyObject *names) {
    PyObject *space[1] = {NULL};
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (count > 0 || names != NULL) {
        PyObject *const *given = _PyArg_UnpackKeywords(args, count, NULL, names, &init_parser, 0, 1, 0, space);
        if (given == NULL) return NULL;
        if (given != space) space[0] = given[0];
    }
    PyObject *self = bytesio_new((PyTypeObject *)type, NULL, NULL);
    if (self != NULL && initialize((BytesIO *)self, space[0]) < 0) Py_CLEAR(self);
    return self;
}

static int bytesio_traverse(BytesIO *self, visitproc visit, void *arg) {
    Py_VISIT(self->dict);
    return 0;
}

static int bytesio_clear(BytesIO *self) {
    Py_CLEAR(self->dict);
    if (self->exports == 0) Py_CLEAR(self->bytes);
    return 0;
}

static void bytesio_dealloc(BytesIO *self) {
    PyObject_GC_UnTrack(self);
    if (self->exports > 0) {
        PyErr_SetString(PyExc_SystemError, "deallocated BytesIO object has exported buffers");
        PyErr_Print();
    }
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    Py_CLEAR(self->bytes);
    Py_CLEAR(self->dict);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *bytesio_close(BytesIO *self, PyObject *unused) {
    if (check_exports(self) < 0) return NULL;
    Py_CLEAR(self->bytes);
    Py_RETURN_NONE;
}

static PyObject *bytesio_sizeof(BytesIO *self, PyObject *unused) {
    Py_ssize_t size = Py_TYPE(self)->tp_basicsize;
    if (self->bytes != NULL && !is_shared(self)) {
        Py_ssize_t bytes = (Py_ssize_t)_PySys_GetSizeOf(self->bytes);
        if (bytes < 0) return NULL;
        size += bytes;
    }
    return PyLong_FromSsize_t(size);
}

/* ---- the whole content ---- */

static PyObject *bytesio_getvalue(BytesIO *self, PyObject *unused) {
    if (check_open(self) < 0) return NULL;
    if (self->size != PyBytes_GET_SIZE(self->bytes) && self->exports == 0) {
        if (is_shared(self)) {
            if (make_own(self, self->size) < 0) return NULL;
        } else if (_PyBytes_Resize(&self->bytes, self->size) < 0) {
            self->size = self->position = 0;
            return NULL;
        }
    }
    if (self->size != PyBytes_GET_SIZE(self->bytes))
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(self->bytes), self->size);
    if (self->exports > 0) /* what is exported can still change */
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(self->bytes), self->size);
    return Py_NewRef(self->bytes);
}

static PyObject *bytesio_getbuffer(BytesIO *self, PyObject *unused) {
    if (check_open(self) < 0) return NULL;
    Export *export = (Export *)_PyBytesIOBuffer_Type.tp_alloc(&_PyBytesIOBuffer_Type, 0);
    if (export == NULL) return NULL;
    export->source = (BytesIO *)Py_NewRef((PyObject *)self);
    PyObject *view = PyMemoryView_FromObject((PyObject *)export);
    Py_DECREF(export);
    return view;
}

static int export_getbuffer(Export *self, Py_buffer *view, int flags) {
    if (view == NULL) {
        PyErr_SetString(PyExc_BufferError, "bytesiobuf_getbuffer: view==NULL argument is obsolete");
        return -1;
    }
    BytesIO *source = self->source;
    if (check_open(source) < 0) return -1;
    if (source->exports == 0 && is_shared(source) && make_own(source, source->size) < 0) return -1;
    /* The length was right when the view was made, so this cannot fail. */
    if (PyBuffer_FillInfo(view, (PyObject *)self, PyBytes_AS_STRING(source->bytes), source->size, 0, flags) < 0) return -1;
    source->exports++;
    return 0;
}

static void export_releasebuffer(Export *self, Py_buffer *view) { self->source->exports--; }

static int export_traverse(Export *self, visitproc visit, void *arg) {
    Py_VISIT(self->source);
    return 0;
}

static void export_dealloc(Export *self) {
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->source);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* ---- reading ---- */

/* Takes up to `size` bytes, all that are left if it is negative. */
static PyObject *take(BytesIO *self, Py_ssize_t size) {
    Py_ssize_t left = self->position < self->size ? self->size - self->position : 0;
    if (size < 0 || size > left) size = left;
    Py_ssize_t start = self->position;
    self->position += size;
    if (size > 1 && start == 0 && size == PyBytes_GET_SIZE(self->bytes) && self->exports == 0)
        return Py_NewRef(self->bytes);
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(self->bytes) + (size > 0 ? start : 0), size);
}

/* Returns the length of the line at the position, at most `limit` if that is not negative. */
static Py_ssize_t line_size(BytesIO *self, Py_ssize_t limit) {
    if (self->position >= self->size) return 0;
    Py_ssize_t size = self->size - self->position;
    if (limit >= 0 && limit < size) size = limit;
    const char *start = PyBytes_AS_STRING(self->bytes) + self->position;
    const char *end = size > 0 ? memchr(start, '\n', (size_t)size) : NULL;
    return end == NULL ? size : end - start + 1;
}

static PyObject *read_sized(BytesIO *self, const char *name, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size;
    if (kr_io_size_argument(name, args, count, -1, &size) < 0 || check_open(self) < 0) return NULL;
    return take(self, size);
}

static PyObject *bytesio_read(BytesIO *self, PyObject *const *args, Py_ssize_t count) {
    return read_sized(self, "read", args, count);
}

static PyObject *bytesio_read1(BytesIO *self, PyObject *const *args, Py_ssize_t count) {
    return read_sized(self, "read1", args, count);
}

static PyObject *bytesio_readinto(BytesIO *self, PyObject *target) {
    Py_buffer view;
    if (kr_io_writable_buffer("readinto", target, &view) < 0) return NULL;
    PyObject *result = NULL;
    if (check_open(self) == 0) {
        Py_ssize_t left = self->position < self->size ? self->size - self->position : 0;
        Py_ssize_t size = view.len < left ? view.len : left;
        if (size > 0) memcpy(view.buf, PyBytes_AS_STRING(self->bytes) + (size > 0 ? self->position : 0), (size_t)size);
        self->position += size;
        result = PyLong_FromSsize_t(size);
    }
    PyBuffer_Release(&view);
    return result;
}

static PyObject *bytesio_readline(BytesIO *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t limit;
    if (kr_io_size_argument("readline", args, count, -1, &limit) < 0 || check_open(self) < 0) return NULL;
    return take(self, line_size(self, limit));
}

static PyObject *bytesio_readlines(BytesIO *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("readlines", count, 0, 1) || check_open(self) < 0) return NULL;
    Py_ssize_t hint = 0, total = 0;
    if (count == 1 && args[0] != Py_None) {
        if (!PyLong_Check(args[0])) {
            PyErr_Format(PyExc_TypeError, "integer argument expected, got '%s'", Py_TYPE(args[0])->tp_name);
            return NULL;
        }
        hint = PyLong_AsSsize_t(args[0]);
        if (hint == -1 && PyErr_Occurred()) return NULL;
    }
    PyObject *lines = PyList_New(0);
    Py_ssize_t size;
    while (lines != NULL && (size = line_size(self, -1)) > 0) {
        PyObject *line = take(self, size);
        if (line == NULL || PyList_Append(lines, line) < 0) Py_CLEAR(lines);
        Py_XDECREF(line);
        total += size;
        if (hint > 0 && total >= hint) break;
    }
    return lines;
}

static PyObject *bytesio_iter(BytesIO *self) { return check_open(self) < 0 ? NULL : Py_NewRef((PyObject *)self); }

static PyObject *bytesio_next(BytesIO *self) {
    if (check_open(self) < 0) return NULL;
    Py_ssize_t size = line_size(self, -1);
    return size == 0 ? NULL : take(self, size);
}

/* ---- writing ---- */

static PyObject *bytesio_write(BytesIO *self, PyObject *data) {
    Py_ssize_t size = write_object(self, data);
    return size < 0 ? NULL : PyLong_FromSsize_t(size);
}

static PyObject *bytesio_writelines(BytesIO *self, PyObject *lines) {
    if (check_open(self) < 0) return NULL;
    PyObject *iterator = PyObject_GetIter(lines), *line;
    if (iterator == NULL) return NULL;
    while ((line = PyIter_Next(iterator)) != NULL) {
        Py_ssize_t size = write_object(self, line);
        Py_DECREF(line);
        if (size < 0) break;
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* ---- position and size ---- */

static PyObject *bytesio_tell(BytesIO *self, PyObject *unused) {
    return check_open(self) < 0 ? NULL : PyLong_FromSsize_t(self->position);
}

static PyObject *bytesio_seek(BytesIO *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("seek", count, 1, 2)) return NULL;
    Py_ssize_t position;
    int whence = SEEK_SET;
    if (kr_io_int_argument(args[0], &position) < 0) return NULL;
    if (count == 2 && (whence = _PyLong_AsInt(args[1])) == -1 && PyErr_Occurred()) return NULL;
    if (check_open(self) < 0) return NULL;
    if (position < 0 && whence == SEEK_SET) {
        PyErr_Format(PyExc_ValueError, "negative seek value %zd", position);
        return NULL;
    }
    if (whence < SEEK_SET || whence > SEEK_END) {
        PyErr_Format(PyExc_ValueError, "invalid whence (%i, should be 0, 1 or 2)", whence);
        return NULL;
    }
    Py_ssize_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? self->position : self->size;
    if (position > PY_SSIZE_T_MAX - from) {
        PyErr_SetString(PyExc_OverflowError, "new position too large");
        return NULL;
    }
    position += from;
    self->position = position < 0 ? 0 : position;
    return PyLong_FromSsize_t(self->position);
}

static PyObject *bytesio_truncate(BytesIO *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size;
    if (kr_io_size_argument("truncate", args, count, self->position, &size) < 0) return NULL;
    if (check_open(self) < 0 || check_exports(self) < 0) return NULL;
    if (size < 0) {
        PyErr_Format(PyExc_ValueError, "negative size value %zd", size);
        return NULL;
    }
    if (size < self->size && resize(self, size) < 0) return NULL;
    return PyLong_FromSsize_t(size);
}

/* ---- what the file is ---- */

static PyObject *bytesio_true(BytesIO *self, PyObject *unused) { return check_open(self) < 0 ? NULL : Py_NewRef(Py_True); }
static PyObject *bytesio_false(BytesIO *self, PyObject *unused) {
    return check_open(self) < 0 ? NULL : Py_NewRef(Py_False);
}
static PyObject *bytesio_flush(BytesIO *self, PyObject *unused) { return check_open(self) < 0 ? NULL : Py_NewRef(Py_None); }
static PyObject *bytesio_get_closed(BytesIO *self, void *closure) { return PyBool_FromLong(self->bytes == NULL); }

/* ---- pickling ---- */

enum { STATE_SIZE = 3 }; /* content, position, attributes */

static PyObject *bytesio_getstate(BytesIO *self, PyObject *unused) {
    PyObject *value = bytesio_getvalue(self, NULL);
    if (value == NULL) return NULL;
    PyObject *dict = kr_io_state_attributes(self->dict);
    PyObject *position = PyLong_FromSsize_t(self->position), *state = NULL;
    if (dict != NULL && position != NULL) state = PyTuple_Pack(STATE_SIZE, value, position, dict);
    Py_DECREF(value);
    Py_XDECREF(dict);
    Py_XDECREF(position);
    return state;
}

static PyObject *bytesio_setstate(BytesIO *self, PyObject *state) {
    if (kr_io_state_check((PyObject *)self, state, STATE_SIZE) < 0) return NULL;
    if (check_open(self) < 0 || check_exports(self) < 0) return NULL;
    self->size = self->position = 0;
    if (write_object(self, PyTuple_GET_ITEM(state, 0)) < 0) return NULL;
    if (kr_io_state_restore(state, STATE_SIZE, "not", &self->position, &self->dict) < 0) return NULL;
    Py_RETURN_NONE;
}

/* ---- the types ---- */

#define FAST(function) (PyCFunction)(void *)function, METH_FASTCALL

static PyMethodDef bytesio_methods[] = {
    {"readable", (PyCFunction)bytesio_true, METH_NOARGS, PyDoc_STR("readable($self, /)\n--\n\nTrue.")},
    {"seekable", (PyCFunction)bytesio_true, METH_NOARGS, PyDoc_STR("seekable($self, /)\n--\n\nTrue.")},
    {"writable", (PyCFunction)bytesio_true, METH_NOARGS, PyDoc_STR("writable($self, /)\n--\n\nTrue.")},
    {"close", (PyCFunction)bytesio_close, METH_NOARGS, PyDoc_STR("close($self, /)\n--\n\nDrop the content.")},
    {"flush", (PyCFunction)bytesio_flush, METH_NOARGS, PyDoc_STR("flush($self, /)\n--\n\nDoes nothing.")},
    {"isatty", (PyCFunction)bytesio_false, METH_NOARGS, PyDoc_STR("isatty($self, /)\n--\n\nFalse.")},
    {"tell", (PyCFunction)bytesio_tell, METH_NOARGS, PyDoc_STR("tell($self, /)\n--\n\nThe current position.")},
    {"write", (PyCFunction)bytesio_write, METH_O,
     PyDoc_STR("write($self, b, /)\n--\n\nWrite bytes at the position. Returns how many.")},
    {"writelines", (PyCFunction)bytesio_writelines, METH_O,
     PyDoc_STR("writelines($self, lines, /)\n--\n\nWrite every item of an iterable. No line ends are added.")},
    {"read1", FAST(bytesio_read1), PyDoc_STR("read1($self, size=-1, /)\n--\n\nSame as read().")},
    {"readinto", (PyCFunction)bytesio_readinto, METH_O,
     PyDoc_STR("readinto($self, buffer, /)\n--\n\nRead into a buffer. Returns how many bytes.")},
    {"readline", FAST(bytesio_readline),
     PyDoc_STR("readline($self, size=-1, /)\n--\n\nRead one line, with its end, of at most size bytes.")},
    {"readlines", FAST(bytesio_readlines),
     PyDoc_STR("readlines($self, size=None, /)\n--\n\nA list of the lines from here on, until they have size bytes together.")},
    {"read", FAST(bytesio_read),
     PyDoc_STR("read($self, size=-1, /)\n--\n\nRead up to size bytes; all if size is None or negative.")},
    {"getbuffer", (PyCFunction)bytesio_getbuffer, METH_NOARGS,
     PyDoc_STR("getbuffer($self, /)\n--\n\nA writable view of the content. While it lives, the size is fixed.")},
    {"getvalue", (PyCFunction)bytesio_getvalue, METH_NOARGS, PyDoc_STR("getvalue($self, /)\n--\n\nThe whole content.")},
    {"seek", FAST(bytesio_seek),
     PyDoc_STR("seek($self, pos, whence=0, /)\n--\n\nMove by pos from the start (0), from here (1) or from the end (2).\n\n"
               "Returns the new position.")},
    {"truncate", FAST(bytesio_truncate),
     PyDoc_STR("truncate($self, size=None, /)\n--\n\nCut off what lies beyond size, by default the position. Returns size.")},
    {"__getstate__", (PyCFunction)bytesio_getstate, METH_NOARGS, NULL},
    {"__setstate__", (PyCFunction)bytesio_setstate, METH_O, NULL},
    {"__sizeof__", (PyCFunction)bytesio_sizeof, METH_NOARGS, NULL},
    {NULL},
};

static PyGetSetDef bytesio_getset[] = {
    {"closed", (getter)bytesio_get_closed, NULL, PyDoc_STR("Whether the file is closed.")},
    {NULL},
};

PyTypeObject kr_bytesio_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io.BytesIO",
    .tp_basicsize = sizeof(BytesIO),
    .tp_dealloc = (destructor)bytesio_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("BytesIO(initial_bytes=b'')\n--\n\nA binary file in memory."),
    .tp_traverse = (traverseproc)bytesio_traverse,
    .tp_clear = (inquiry)bytesio_clear,
    .tp_weaklistoffset = offsetof(BytesIO, weakrefs),
    .tp_iter = (getiterfunc)bytesio_iter,
    .tp_iternext = (iternextfunc)bytesio_next,
    .tp_methods = bytesio_methods,
    .tp_getset = bytesio_getset,
    .tp_base = &kr_buffered_base_type,
    .tp_dictoffset = offsetof(BytesIO, dict),
    .tp_init = (initproc)bytesio_init,
    .tp_new = bytesio_new,
    .tp_vectorcall = bytesio_vectorcall,
};

static PyBufferProcs export_buffer = {
    .bf_getbuffer = (getbufferproc)export_getbuffer,
    .bf_releasebuffer = (releasebufferproc)export_releasebuffer,
};

PyTypeObject _PyBytesIOBuffer_Type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io._BytesIOBuffer",
    .tp_basicsize = sizeof(Export),
    .tp_dealloc = (destructor)export_dealloc,
    .tp_as_buffer = &export_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = (traverseproc)export_traverse,
};
