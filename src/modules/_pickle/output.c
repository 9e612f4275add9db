/* The output of a Pickler: a growing bytes object, frames, and the file behind it. */
#include <Python.h>

#include "modules/_pickle/pickle.h"

enum { INITIAL_CAPACITY = 4096 /* bytes */ };

int kr_pickle_output_clear(Pickler *self) {
    PyObject *output = self->state->spare_output;
    self->state->spare_output = NULL;
    if (output == NULL) output = PyBytes_FromStringAndSize(NULL, INITIAL_CAPACITY);
    Py_XSETREF(self->output, output);
    self->length = 0;
    self->frame_start = -1;
    self->capacity = self->output != NULL ? INITIAL_CAPACITY : 0;
    self->data = self->output != NULL ? PyBytes_AS_STRING(self->output) : NULL;
    return self->output != NULL ? 0 : -1;
}

char *kr_pickle_reserve_slow(Pickler *self, Py_ssize_t count) {
    bool starts_frame = self->framing && self->frame_start == -1;
    Py_ssize_t needed = count + (starts_frame ? FRAME_HEADER_SIZE : 0);
    if (self->output == NULL && kr_pickle_output_clear(self) < 0) return NULL;
    if (needed > self->capacity - self->length) {
        if (self->length > PY_SSIZE_T_MAX / 2 - needed) {
            PyErr_NoMemory();
            return NULL;
        }
        Py_ssize_t capacity = (self->length + needed) / 2 * 3;
        if (_PyBytes_Resize(&self->output, capacity) < 0) {
            self->capacity = self->length = 0;
            self->data = NULL;
            return NULL;
        }
        self->capacity = capacity;
        self->data = PyBytes_AS_STRING(self->output);
    }
    if (starts_frame) {
        self->frame_start = self->length;
        memset(self->data + self->length, 0xFE, FRAME_HEADER_SIZE);
        self->length += FRAME_HEADER_SIZE;
    }
    return self->data + self->length;
}

int kr_pickle_write(Pickler *self, const char *bytes, Py_ssize_t count) {
    char *place = reserve(self, count);
    if (place == NULL) return -1;
    memcpy(place, bytes, (size_t)count);
    self->length += count;
    return 0;
}

int kr_pickle_close_frame(Pickler *self) {
    if (!self->framing || self->frame_start == -1) return 0;
    Py_ssize_t size = self->length - self->frame_start - FRAME_HEADER_SIZE;
    char *header = self->data + self->frame_start;
    if (size >= FRAME_MINIMUM_SIZE) {
        header[0] = (char)OP_FRAME;
        for (int i = 0; i < 8; i++) header[1 + i] = (char)((size_t)size >> 8 * i);
    } else {
        memmove(header, header + FRAME_HEADER_SIZE, (size_t)size);
        self->length -= FRAME_HEADER_SIZE;
    }
    self->frame_start = -1;
    return 0;
}

static int write_to_file(Pickler *self, PyObject *bytes) {
    PyObject *result = kr_pickle_call_hook(self->write, NULL, bytes);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

PyObject *kr_pickle_take_output(Pickler *self) {
    PyObject *output = self->output, *result;
    bool spare = self->capacity == INITIAL_CAPACITY && self->state->spare_output == NULL;
    if (spare) {
        result = PyBytes_FromStringAndSize(self->data, self->length);
        self->state->spare_output = output;
    } else {
        _PyBytes_Resize(&output, self->length);
        result = output;
    }
    self->output = NULL;
    self->data = NULL;
    self->capacity = self->length = 0;
    return result;
}

int kr_pickle_flush(Pickler *self) {
    if (self->output == NULL) return 0;
    if (self->length < self->capacity && _PyBytes_Resize(&self->output, self->length) < 0) {
        self->data = NULL;
        self->capacity = self->length = 0;
        return -1;
    }
    PyObject *output = self->output;
    self->output = NULL;
    self->data = NULL;
    self->capacity = self->length = 0;
    self->frame_start = -1;
    int result = write_to_file(self, output);
    Py_DECREF(output);
    return result;
}

int kr_pickle_end_frame(Pickler *self) {
    kr_pickle_close_frame(self);
    if (self->write == NULL) return 0;
    /* The file may have the frame now. */
    return kr_pickle_flush(self) < 0 || kr_pickle_output_clear(self) < 0 ? -1 : 0;
}

int kr_pickle_write_large(Pickler *self, const char *header, Py_ssize_t header_size, const char *data, Py_ssize_t size,
                          PyObject *payload) {
    int framing = self->framing;
    bool bypass = size >= FRAME_TARGET_SIZE;
    int result = -1;
    if (bypass) {
        kr_pickle_close_frame(self);
        self->framing = 0;
    }
    if (kr_pickle_write(self, header, header_size) < 0) goto done;
    if (bypass && self->write != NULL) {
        if (kr_pickle_flush(self) < 0) goto done;
        PyObject *bytes = payload != NULL ? Py_NewRef(payload) : PyBytes_FromStringAndSize(data, size);
        if (bytes == NULL) goto done;
        int failed = write_to_file(self, bytes);
        Py_DECREF(bytes);
        if (failed || kr_pickle_output_clear(self) < 0) goto done;
    } else if (kr_pickle_write(self, data, size) < 0) {
        goto done;
    }
    result = 0;
done:
    self->framing = framing;
    return result;
}
