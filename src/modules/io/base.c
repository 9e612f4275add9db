/* _IOBase, _RawIOBase, _BufferedIOBase and _TextIOBase: what every stream does in terms of a few primitive methods. */
#include <Python.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "modules/io/text.h"
#include "object/names.h"

typedef struct {
    PyObject_HEAD
    PyObject *dict;
    PyObject *weakrefs;
} Base;

/* ---- state of a stream ---- */

/* A base stream is closed once its close() has left this mark in its namespace. Returns 1, 0 or -1. */
static int is_marked_closed(PyObject *self) {
    PyObject *mark = NULL;
    int found = _PyObject_LookupAttr(self, KR_NAME(__IOBase_closed), &mark);
    Py_XDECREF(mark);
    return found;
}

static void raise_closed(void) { PyErr_SetString(PyExc_ValueError, "I/O operation on closed file."); }

int kr_io_check_closed(PyObject *self) {
    PyObject *value = PyObject_GetAttr(self, KR_NAME(closed));
    if (value == NULL) return -1;
    int closed = PyObject_IsTrue(value);
    Py_DECREF(value);
    if (closed > 0) raise_closed();
    return closed == 0 ? 0 : -1;
}

static int check_ability(PyObject *self, PyObject *method, const char *message) {
    if (method == NULL) return -1;
    PyObject *result = PyObject_CallMethodNoArgs(self, method);
    if (result == NULL) return -1;
    Py_DECREF(result);
    if (result == Py_True) return 0;
    kr_io_unsupported(message);
    return -1;
}

int kr_io_check_seekable(PyObject *self) {
    return check_ability(self, KR_NAME(seekable), "File or stream is not seekable.");
}

int kr_io_check_readable(PyObject *self) {
    return check_ability(self, KR_NAME(readable), "File or stream is not readable.");
}

int kr_io_check_writable(PyObject *self) {
    return check_ability(self, KR_NAME(writable), "File or stream is not writable.");
}

static PyObject *none_or_error(int status) { return status < 0 ? NULL : Py_NewRef(Py_None); }

static PyObject *base_check_closed(PyObject *self, PyObject *unused) { return none_or_error(kr_io_check_closed(self)); }

static PyObject *true_or_error(int status) { return status < 0 ? NULL : Py_NewRef(Py_True); }

static PyObject *base_check_seekable(PyObject *self, PyObject *unused) {
    return true_or_error(kr_io_check_seekable(self));
}

static PyObject *base_check_readable(PyObject *self, PyObject *unused) {
    return true_or_error(kr_io_check_readable(self));
}

static PyObject *base_check_writable(PyObject *self, PyObject *unused) {
    return true_or_error(kr_io_check_writable(self));
}

static PyObject *base_get_closed(PyObject *self, void *closure) {
    int closed = is_marked_closed(self);
    return closed < 0 ? NULL : PyBool_FromLong(closed);
}

/* ---- position ---- */

static PyObject *base_seek(PyObject *self, PyObject *args) { return kr_io_unsupported("seek"); }

static PyObject *base_tell(PyObject *self, PyObject *unused) {
    return PyObject_CallMethod(self, "seek", "ii", 0, 1);
}

static PyObject *base_truncate(PyObject *self, PyObject *args) { return kr_io_unsupported("truncate"); }

/* ---- life ---- */

static PyObject *base_flush(PyObject *self, PyObject *unused) {
    int closed = is_marked_closed(self);
    if (closed < 0) return NULL;
    if (closed) {
        raise_closed();
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *base_close(PyObject *self, PyObject *unused) {
    int closed = is_marked_closed(self);
    if (closed < 0) return NULL;
    if (closed) Py_RETURN_NONE;

    PyObject *result = PyObject_CallMethodNoArgs(self, KR_NAME(flush));
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int status = PyObject_SetAttr(self, KR_NAME(__IOBase_closed), Py_True);
    if (type != NULL) _PyErr_ChainExceptions(type, value, traceback);
    if (status < 0) Py_CLEAR(result);
    if (result == NULL) return NULL;
    Py_DECREF(result);
    Py_RETURN_NONE;
}

static void base_finalize(PyObject *self) {
    PyObject *type, *value, *traceback, *closed;
    PyErr_Fetch(&type, &value, &traceback);
    /* An object that cannot tell whether it is closed is in no state to be closed. */
    int state = -1;
    if (_PyObject_LookupAttr(self, KR_NAME(closed), &closed) > 0) {
        state = PyObject_IsTrue(closed);
        Py_DECREF(closed);
    }
    PyErr_Clear();
    if (state == 0) {
        if (PyObject_SetAttr(self, KR_NAME(_finalizing), Py_True) < 0) PyErr_Clear();
        PyObject *result = PyObject_CallMethodNoArgs(self, KR_NAME(close));
        if (result != NULL)
            Py_DECREF(result);
        else if (kr_io_flag("dev_mode"))
            PyErr_WriteUnraisable(self);
        else
            PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
}

int kr_io_finalize_object(PyObject *self) {
    return PyObject_CallFinalizerFromDealloc(self);
}

static int base_traverse(Base *self, visitproc visit, void *arg) {
    Py_VISIT(self->dict);
    return 0;
}

static int base_clear(Base *self) {
    Py_CLEAR(self->dict);
    return 0;
}

static void base_dealloc(Base *self) {
    if (kr_io_finalize_object((PyObject *)self) < 0) return;
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    Py_CLEAR(self->dict);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

/* ---- what the stream is ---- */

static PyObject *base_false(PyObject *self, PyObject *unused) { Py_RETURN_FALSE; }

static PyObject *base_enter(PyObject *self, PyObject *unused) {
    return kr_io_check_closed(self) < 0 ? NULL : Py_NewRef(self);
}

static PyObject *base_exit(PyObject *self, PyObject *args) { return PyObject_CallMethodNoArgs(self, KR_NAME(close)); }

static PyObject *base_fileno(PyObject *self, PyObject *unused) { return kr_io_unsupported("fileno"); }

static PyObject *base_isatty(PyObject *self, PyObject *unused) {
    if (kr_io_check_closed(self) < 0) return NULL;
    Py_RETURN_FALSE;
}

/* ---- lines ---- */

/* Returns how many bytes to read at most so as not to read past the end of the line, from what peek() shows; 1 if it
 * shows nothing, -1 with an exception. */
static Py_ssize_t line_ahead(PyObject *peek, Py_ssize_t limit, Py_ssize_t done) {
    for (;;) {
        PyObject *one = PyLong_FromLong(1);
        PyObject *seen = one == NULL ? NULL : PyObject_CallOneArg(peek, one);
        Py_XDECREF(one);
        if (seen == NULL) {
            if (kr_io_interrupted()) continue;
            return -1;
        }
        if (!PyBytes_Check(seen)) {
            PyErr_Format(PyExc_OSError, "peek() should have returned a bytes object, not '%.200s'",
                         Py_TYPE(seen)->tp_name);
            Py_DECREF(seen);
            return -1;
        }
        Py_ssize_t size = PyBytes_GET_SIZE(seen), ahead = 1;
        if (size > 0) {
            if (limit >= 0 && size > limit - done) size = limit - done;
            const char *data = PyBytes_AS_STRING(seen), *end = memchr(data, '\n', (size_t)size);
            ahead = end == NULL ? size : end - data + 1;
        }
        Py_DECREF(seen);
        return ahead;
    }
}

static PyObject *base_readline(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t limit, size = 0, room = 0;
    if (kr_io_size_argument("readline", args, count, -1, &limit) < 0) return NULL;
    PyObject *peek;
    if (_PyObject_LookupAttr(self, KR_NAME(peek), &peek) < 0) return NULL;

    PyObject *line = NULL;
    char *data = NULL;
    while (limit < 0 || size < limit) {
        Py_ssize_t ahead = 1;
        if (peek != NULL && (ahead = line_ahead(peek, limit, size)) < 0) goto done;
        PyObject *number = PyLong_FromSsize_t(ahead);
        PyObject *part = number == NULL ? NULL : PyObject_CallMethodOneArg(self, KR_NAME(read), number);
        Py_XDECREF(number);
        if (part == NULL) {
            if (number != NULL && kr_io_interrupted()) continue;
            goto done;
        }
        if (!PyBytes_Check(part)) {
            PyErr_Format(PyExc_OSError, "read() should have returned a bytes object, not '%.200s'",
                         Py_TYPE(part)->tp_name);
            Py_DECREF(part);
            goto done;
        }
        Py_ssize_t more = PyBytes_GET_SIZE(part);
        if (more == 0) {
            Py_DECREF(part);
            break;
        }
        if (more > room - size) {
            Py_ssize_t wanted = more > PY_SSIZE_T_MAX / 2 - size ? -1 : (size + more) * 2;
            char *larger = wanted < 0 ? NULL : PyMem_Realloc(data, (size_t)wanted);
            if (larger == NULL) {
                Py_DECREF(part);
                PyErr_NoMemory();
                goto done;
            }
            data = larger;
            room = wanted;
        }
        memcpy(data + size, PyBytes_AS_STRING(part), (size_t)more);
        size += more;
        Py_DECREF(part);
        if (data[size - 1] == '\n') break;
    }
    line = PyBytes_FromStringAndSize(data, size);
done:
    PyMem_Free(data);
    Py_XDECREF(peek);
    return line;
}

static PyObject *base_iter(PyObject *self) { return kr_io_check_closed(self) < 0 ? NULL : Py_NewRef(self); }

static PyObject *base_next(PyObject *self) {
    PyObject *line = PyObject_CallMethodNoArgs(self, KR_NAME(readline));
    if (line == NULL) return NULL;
    if (PyObject_Size(line) > 0) return line;
    Py_DECREF(line); /* the end, or an error of __len__ */
    return NULL;
}

static PyObject *base_readlines(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t hint, total = 0;
    if (kr_io_size_argument("readlines", args, count, -1, &hint) < 0) return NULL;
    PyObject *lines = PyList_New(0), *iterator = NULL;
    if (lines == NULL) return NULL;
    if (hint <= 0) {
        PyObject *result = _PyList_Extend((PyListObject *)lines, self);
        if (result == NULL) goto error;
        Py_DECREF(result);
        return lines;
    }
    if ((iterator = PyObject_GetIter(self)) == NULL) goto error;
    for (;;) {
        PyObject *line = PyIter_Next(iterator);
        if (line == NULL) {
            if (PyErr_Occurred()) goto error;
            break;
        }
        int status = PyList_Append(lines, line);
        Py_ssize_t size = status < 0 ? 0 : PyObject_Size(line);
        Py_DECREF(line);
        if (status < 0 || size < 0) goto error;
        if (size > hint - total) break;
        total += size;
    }
    Py_DECREF(iterator);
    return lines;
error:
    Py_XDECREF(iterator);
    Py_DECREF(lines);
    return NULL;
}

/* Calls self.write(line). Returns 0 or -1 with an exception. */
static int write_line(PyObject *self, PyObject *line) {
    if (Py_IS_TYPE(self, &kr_text_wrapper_type) && PyUnicode_CheckExact(line)) {
        int status = kr_text_write_object(self, line);
        if (status <= 0) return status;
    }
    PyObject *result = PyObject_CallMethodOneArg(self, KR_NAME(write), line);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static PyObject *base_writelines(PyObject *self, PyObject *lines) {
    if (kr_io_check_closed(self) < 0) return NULL;
    PyObject *iterator = PyObject_GetIter(lines), *line;
    if (iterator == NULL) return NULL;
    while ((line = PyIter_Next(iterator)) != NULL) {
        int status;
        do status = write_line(self, line);
        while (status < 0 && kr_io_interrupted());
        Py_DECREF(line);
        if (status < 0) break;
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef base_methods[] = {
    {"seek", base_seek, METH_VARARGS,
     PyDoc_STR("Move to a position: offset counts from the start (whence 0), from here (1) or from the end (2).\n"
               "Returns the new position.")},
    {"tell", base_tell, METH_NOARGS, PyDoc_STR("The current position.")},
    {"truncate", base_truncate, METH_VARARGS,
     PyDoc_STR("Cut or extend the file to a size, by default to the current position. Returns the new size.")},
    {"flush", base_flush, METH_NOARGS,
     PyDoc_STR("flush($self, /)\n--\n\nWrite what waits in buffers.\n\n"
               "Does nothing for read-only and non-blocking streams.")},
    {"close", base_close, METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\nFlush and close the stream.\n\nHas no effect on a closed one.")},
    {"seekable", base_false, METH_NOARGS,
     PyDoc_STR("seekable($self, /)\n--\n\nWhether the position can be changed.\n\n"
               "If not, seek(), tell() and truncate() raise OSError.")},
    {"readable", base_false, METH_NOARGS,
     PyDoc_STR("readable($self, /)\n--\n\nWhether the stream can be read from.\n\nIf not, read() raises OSError.")},
    {"writable", base_false, METH_NOARGS,
     PyDoc_STR("writable($self, /)\n--\n\nWhether the stream can be written to.\n\nIf not, write() raises OSError.")},
    {"_checkClosed", base_check_closed, METH_NOARGS, NULL},
    {"_checkSeekable", base_check_seekable, METH_NOARGS, NULL},
    {"_checkReadable", base_check_readable, METH_NOARGS, NULL},
    {"_checkWritable", base_check_writable, METH_NOARGS, NULL},
    {"fileno", base_fileno, METH_NOARGS,
     PyDoc_STR("fileno($self, /)\n--\n\nThe file descriptor.\n\nRaises OSError if the stream has none.")},
    {"isatty", base_isatty, METH_NOARGS,
     PyDoc_STR("isatty($self, /)\n--\n\nWhether the stream is a terminal.\n\nFalse if that cannot be found out.")},
    {"__enter__", base_enter, METH_NOARGS, NULL},
    {"__exit__", base_exit, METH_VARARGS, NULL},
    {"readline", (PyCFunction)base_readline, METH_FASTCALL,
     PyDoc_STR("readline($self, size=-1, /)\n--\n\nRead one line, with its end, of at most size bytes.")},
    {"readlines", (PyCFunction)base_readlines, METH_FASTCALL,
     PyDoc_STR("readlines($self, hint=-1, /)\n--\n\nA list of the lines from here on.\n\n"
               "With a positive hint, reading ends once the lines have that many characters or bytes together.")},
    {"writelines", base_writelines, METH_O,
     PyDoc_STR("writelines($self, lines, /)\n--\n\nWrite every item of an iterable.\n\n"
               "No line ends are added.")},
    {NULL},
};

static PyGetSetDef base_getset[] = {
    {"__dict__", PyObject_GenericGetDict},
    {"closed", base_get_closed},
    {NULL},
};

PyTypeObject kr_io_base_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io._IOBase",
    .tp_basicsize = sizeof(Base),
    .tp_dealloc = (destructor)base_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("The base class of all streams.\n\n"
                        "Its methods raise UnsupportedOperation for what a stream cannot do, or are written in terms of\n"
                        "read() and write(). A stream is an iterator over its lines and a context manager that closes it."),
    .tp_traverse = (traverseproc)base_traverse,
    .tp_clear = (inquiry)base_clear,
    .tp_weaklistoffset = offsetof(Base, weakrefs),
    .tp_iter = base_iter,
    .tp_iternext = base_next,
    .tp_methods = base_methods,
    .tp_getset = base_getset,
    .tp_dictoffset = offsetof(Base, dict),
    .tp_new = PyType_GenericNew,
    .tp_finalize = base_finalize,
};

/* ---- _RawIOBase ---- */

static PyObject *raw_read(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("read", count, 0, 1)) return NULL;
    Py_ssize_t size = -1;
    if (count == 1 && kr_io_int_argument(args[0], &size) < 0) return NULL;
    if (size < 0) return PyObject_CallMethodNoArgs(self, KR_NAME(readall));

    PyObject *buffer = PyByteArray_FromStringAndSize(NULL, size);
    if (buffer == NULL) return NULL;
    PyObject *result = PyObject_CallMethodOneArg(self, KR_NAME(readinto), buffer);
    if (result != NULL && result != Py_None) {
        Py_ssize_t got = PyNumber_AsSsize_t(result, PyExc_ValueError);
        Py_CLEAR(result);
        if (got != -1 || !PyErr_Occurred()) {
            Py_ssize_t room = PyByteArray_GET_SIZE(buffer);
            if (got < 0) got = got + room < 0 ? 0 : got + room;
            result = PyBytes_FromStringAndSize(PyByteArray_AS_STRING(buffer), got < room ? got : room);
        }
    }
    Py_DECREF(buffer);
    return result;
}

static PyObject *raw_readall(PyObject *self, PyObject *unused) {
    PyObject *chunks = PyList_New(0), *result = NULL;
    if (chunks == NULL) return NULL;
    PyObject *size = PyLong_FromLong(KR_IO_BUFFER_SIZE);
    if (size == NULL) goto done;
    for (;;) {
        PyObject *data = PyObject_CallMethodOneArg(self, KR_NAME(read), size);
        if (data == NULL) {
            if (kr_io_interrupted()) continue;
            goto done;
        }
        if (data == Py_None && PyList_GET_SIZE(chunks) == 0) {
            result = data;
            goto done;
        }
        if (data != Py_None && !PyBytes_Check(data)) {
            Py_DECREF(data);
            PyErr_SetString(PyExc_TypeError, "read() should return bytes");
            goto done;
        }
        int last = data == Py_None || PyBytes_GET_SIZE(data) == 0;
        int status = last ? 0 : PyList_Append(chunks, data);
        Py_DECREF(data);
        if (status < 0) goto done;
        if (last) break;
    }
    PyObject *empty = PyBytes_FromStringAndSize(NULL, 0);
    if (empty != NULL) {
        result = _PyBytes_Join(empty, chunks);
        Py_DECREF(empty);
    }
done:
    Py_XDECREF(size);
    Py_DECREF(chunks);
    return result;
}

static PyObject *raw_missing(PyObject *self, PyObject *args) {
    PyErr_SetNone(PyExc_NotImplementedError);
    return NULL;
}

static PyMethodDef raw_methods[] = {
    {"read", (PyCFunction)raw_read, METH_FASTCALL,
     PyDoc_STR("read($self, size=-1, /)\n--\n\nRead up to size bytes with one call of readinto(); all if size is negative.\n\n"
               "None if nothing is there yet on a non-blocking stream.")},
    {"readall", raw_readall, METH_NOARGS, PyDoc_STR("readall($self, /)\n--\n\nRead until the end, with repeated read().")},
    {"readinto", raw_missing, METH_VARARGS, NULL},
    {"write", raw_missing, METH_VARARGS, NULL},
    {NULL},
};

#define BASE_CLASS(variable, name, methods, getset, doc)                                                               \
    PyTypeObject variable = {                                                                                          \
        PyVarObject_HEAD_INIT(NULL, 0)                                                                                 \
        .tp_name = name,                                                                                               \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,                                                          \
        .tp_doc = PyDoc_STR(doc),                                                                                      \
        .tp_methods = methods,                                                                                         \
        .tp_getset = getset,                                                                                           \
        .tp_base = &kr_io_base_type,                                                                                   \
    }

BASE_CLASS(kr_raw_base_type, "_io._RawIOBase", raw_methods, NULL, "The base class of unbuffered binary streams.");

/* ---- _BufferedIOBase ---- */

/* Reads with self.read() or self.read1() and copies the result into the caller's buffer. */
static PyObject *read_into(PyObject *self, PyObject *target, PyObject *method, const char *function, const char *name) {
    Py_buffer view;
    if (kr_io_writable_buffer(function, target, &view) < 0) return NULL;
    PyObject *result = NULL, *data = NULL, *size = PyLong_FromSsize_t(view.len);
    if (size != NULL && method != NULL) data = PyObject_CallMethodOneArg(self, method, size);
    Py_XDECREF(size);
    if (data == NULL) goto done;
    if (!PyBytes_Check(data)) {
        PyErr_Format(PyExc_TypeError, "%s() should return bytes", name);
        goto done;
    }
    Py_ssize_t got = PyBytes_GET_SIZE(data);
    if (got > view.len) {
        PyErr_Format(PyExc_ValueError, "%s() returned too much data: %zd bytes requested, %zd returned", name, view.len,
                     got);
        goto done;
    }
    memcpy(view.buf, PyBytes_AS_STRING(data), (size_t)got);
    result = PyLong_FromSsize_t(got);
done:
    Py_XDECREF(data);
    PyBuffer_Release(&view);
    return result;
}

static PyObject *buffered_readinto(PyObject *self, PyObject *target) {
    return read_into(self, target, KR_NAME(read), "readinto", "read");
}

static PyObject *buffered_readinto1(PyObject *self, PyObject *target) {
    return read_into(self, target, KR_NAME(read1), "readinto1", "read1");
}

#define UNSUPPORTED(name)                                                                                              \
    static PyObject *unsupported_##name(PyObject *self, PyObject *args) { return kr_io_unsupported(#name); }

UNSUPPORTED(detach)
UNSUPPORTED(read)
UNSUPPORTED(read1)
UNSUPPORTED(readline)
UNSUPPORTED(write)

static PyMethodDef buffered_methods[] = {
    {"detach", unsupported_detach, METH_NOARGS,
     PyDoc_STR("detach($self, /)\n--\n\nTake the raw stream out and return it; this object is of no use afterwards.")},
    {"read", unsupported_read, METH_VARARGS,
     PyDoc_STR("Read size bytes, fewer only at the end; all if size is None or negative.\n\n"
               "None if nothing is there yet on a non-blocking stream.")},
    {"read1", unsupported_read1, METH_VARARGS,
     PyDoc_STR("Read up to size bytes, with at most one read of the raw stream.")},
    {"readinto", buffered_readinto, METH_O,
     PyDoc_STR("readinto($self, buffer, /)\n--\n\nRead into a buffer. Returns how many bytes.")},
    {"readinto1", buffered_readinto1, METH_O,
     PyDoc_STR("readinto1($self, buffer, /)\n--\n\nRead into a buffer with at most one read of the raw stream.")},
    {"write", unsupported_write, METH_VARARGS, PyDoc_STR("Write bytes. Returns how many were taken, always all.")},
    {NULL},
};

BASE_CLASS(kr_buffered_base_type, "_io._BufferedIOBase", buffered_methods, NULL,
           "The base class of buffered binary streams.\n\n"
           "Unlike those of raw streams, read() and write() transfer all that was asked for.");

/* ---- _TextIOBase ---- */

static PyObject *text_none(PyObject *self, void *closure) { Py_RETURN_NONE; }

static PyMethodDef text_methods[] = {
    {"detach", unsupported_detach, METH_NOARGS,
     PyDoc_STR("Take the binary stream out and return it; this object is of no use afterwards.")},
    {"read", unsupported_read, METH_VARARGS, PyDoc_STR("Read up to size characters; all if size is None or negative.")},
    {"readline", unsupported_readline, METH_VARARGS, PyDoc_STR("Read one line; the empty string at the end.")},
    {"write", unsupported_write, METH_VARARGS, PyDoc_STR("Write a string. Returns its length.")},
    {NULL},
};

static PyGetSetDef text_getset[] = {
    {"encoding", text_none, NULL, PyDoc_STR("The name of the encoding, None if there is none.")},
    {"newlines", text_none, NULL, PyDoc_STR("The line ends met so far: None, a string or a tuple of strings.")},
    {"errors", text_none, NULL, PyDoc_STR("The name of the error handler.")},
    {NULL},
};

BASE_CLASS(kr_text_base_type, "_io._TextIOBase", text_methods, text_getset, "The base class of text streams.");
