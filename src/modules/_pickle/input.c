/* The input of an Unpickler: a bytes-like object, or a file of which parts are fetched and sometimes only looked at. */
#include <Python.h>

#include "modules/_pickle/pickle.h"

enum { WHOLE_LINE = -1 };

Py_ssize_t kr_pickle_truncated(Unpickler *self) {
    PyErr_SetString(self->stack->state->unpickling_error, "pickle data was truncated");
    return -1;
}

/* Makes the bytes-like object the input. Returns its size, or -1 with an exception. */
static Py_ssize_t set_input(Unpickler *self, PyObject *data) {
    if (self->buffer.obj != NULL) PyBuffer_Release(&self->buffer);
    self->input = NULL;
    self->input_size = self->next = self->fetched = 0;
    if (PyObject_GetBuffer(data, &self->buffer, PyBUF_CONTIG_RO) < 0) return -1;
    self->input = self->buffer.buf;
    self->input_size = self->buffer.len;
    self->fetched = self->input_size;
    return self->input_size;
}

int kr_pickle_input_bytes(Unpickler *self, PyObject *data) { return set_input(self, data) < 0 ? -1 : 0; }

int kr_pickle_input_file(Unpickler *self, PickleState *state, PyObject *file) {
    PyObject *peek, *readinto, *read, *readline;
    if (_PyObject_LookupAttr(file, NAME(state, peek), &peek) < 0) return -1;
    Py_XSETREF(self->peek, peek);
    if (_PyObject_LookupAttr(file, NAME(state, readinto), &readinto) < 0) return -1;
    Py_XSETREF(self->readinto, readinto);
    if (_PyObject_LookupAttr(file, NAME(state, read), &read) < 0) return -1;
    Py_XSETREF(self->read, read);
    if (_PyObject_LookupAttr(file, NAME(state, readline), &readline) < 0) return -1;
    Py_XSETREF(self->readline, readline);
    if (read != NULL && readline != NULL) return 0;
    PyErr_SetString(PyExc_TypeError, "file must have 'read' and 'readline' attributes");
    Py_CLEAR(self->read);
    Py_CLEAR(self->readinto);
    Py_CLEAR(self->readline);
    Py_CLEAR(self->peek);
    return -1;
}

static PyObject *call_with_size(PyObject *function, Py_ssize_t size) {
    PyObject *number = PyLong_FromSsize_t(size);
    if (number == NULL) return NULL;
    PyObject *result = PyObject_CallOneArg(function, number);
    Py_DECREF(number);
    return result;
}

int kr_pickle_skip_consumed(Unpickler *self) {
    Py_ssize_t consumed = self->next - self->fetched;
    if (consumed <= 0) return 0;
    PyObject *result = call_with_size(self->read, consumed);
    Py_XDECREF(result);
    if (result == NULL) return -1;
    self->fetched = self->next;
    return 0;
}

/* Gets more input from the file, at least looking for `size` bytes. The old input must have been used up. */
static Py_ssize_t fetch(Unpickler *self, Py_ssize_t size) {
    if (kr_pickle_skip_consumed(self) < 0) return -1;
    PyObject *data;
    if (size == WHOLE_LINE) {
        data = PyObject_CallNoArgs(self->readline);
    } else {
        /* To read ahead is only possible where the file position can stay behind. */
        if (self->peek != NULL && size < PREFETCH_SIZE) {
            data = call_with_size(self->peek, PREFETCH_SIZE);
            if (data == NULL) {
                if (!PyErr_ExceptionMatches(PyExc_NotImplementedError)) return -1;
                PyErr_Clear();
                Py_CLEAR(self->peek);
            } else {
                Py_ssize_t available = set_input(self, data);
                Py_DECREF(data);
                if (available < 0) return -1;
                self->fetched = 0;
                if (size <= available) return size;
            }
        }
        data = call_with_size(self->read, size);
    }
    if (data == NULL) return -1;
    Py_ssize_t available = set_input(self, data);
    Py_DECREF(data);
    return available;
}

Py_ssize_t kr_pickle_read_slow(Unpickler *self, const char **bytes, Py_ssize_t count) {
    if (self->read == NULL || count > PY_SSIZE_T_MAX - self->next) return kr_pickle_truncated(self);
    Py_ssize_t left = self->input_size - self->next;
    if (left > 0) {
        /* Some bytes are here; as they may be the end of a frame, a value is never spread over it and what follows. They
           have only been looked at if the file can peek. */
        if (self->fetched >= self->input_size) return kr_pickle_truncated(self);
    }
    Py_ssize_t available = fetch(self, count);
    if (available < 0) return -1;
    if (available < count) return kr_pickle_truncated(self);
    *bytes = self->input;
    self->next = count;
    return count;
}

Py_ssize_t kr_pickle_read_into(Unpickler *self, char *buffer, Py_ssize_t count) {
    Py_ssize_t available = self->input_size - self->next, wanted = count;
    if (available > 0) {
        Py_ssize_t part = available < count ? available : count;
        memcpy(buffer, self->input + self->next, (size_t)part);
        self->next += part;
        buffer += part;
        wanted -= part;
        if (wanted == 0) return count;
    }
    if (self->read == NULL) return kr_pickle_truncated(self);
    if (kr_pickle_skip_consumed(self) < 0) return -1;
    if (self->readinto == NULL) {
        PyObject *data = call_with_size(self->read, wanted);
        if (data == NULL) return -1;
        if (!PyBytes_Check(data)) {
            PyErr_Format(PyExc_ValueError, "read() returned non-bytes object (%R)", Py_TYPE(data));
            Py_DECREF(data);
            return -1;
        }
        Py_ssize_t size = PyBytes_GET_SIZE(data);
        if (size < wanted) {
            Py_DECREF(data);
            return kr_pickle_truncated(self);
        }
        memcpy(buffer, PyBytes_AS_STRING(data), (size_t)wanted);
        Py_DECREF(data);
        return count;
    }
    PyObject *view = PyMemoryView_FromMemory(buffer, wanted, PyBUF_WRITE);
    if (view == NULL) return -1;
    PyObject *result = PyObject_CallOneArg(self->readinto, view);
    Py_DECREF(view);
    if (result == NULL) return -1;
    Py_ssize_t size = PyLong_AsSsize_t(result);
    Py_DECREF(result);
    if (size < 0) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "readinto() returned negative size");
        return -1;
    }
    return size < wanted ? kr_pickle_truncated(self) : count;
}

/* Copies a line, so that it ends with a zero. */
static Py_ssize_t copy_line(Unpickler *self, char **line, Py_ssize_t size) {
    char *copy = PyMem_Realloc(self->line, (size_t)size + 1);
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(copy, self->input + self->next, (size_t)size);
    copy[size] = '\0';
    self->next += size;
    self->line = *line = copy;
    return size;
}

/* Reads up to and with the next line feed, or to the end of the input. */
Py_ssize_t kr_pickle_read_line(Unpickler *self, char **line) {
    Py_ssize_t left = self->input_size - self->next;
    const char *feed = left > 0 ? memchr(self->input + self->next, '\n', (size_t)left) : NULL;
    if (feed != NULL) return copy_line(self, line, feed + 1 - (self->input + self->next));
    if (self->read == NULL) return kr_pickle_truncated(self);
    Py_ssize_t size = fetch(self, WHOLE_LINE);
    if (size < 0) return -1;
    if (size == 0 || self->input[size - 1] != '\n') return kr_pickle_truncated(self);
    return copy_line(self, line, size);
}
