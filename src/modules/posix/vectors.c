/* Reading into, and writing from, several buffers at once. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <sys/uio.h>

typedef struct Vector {
    struct iovec *parts;
    Py_buffer *buffers;
    int count; /* buffers that are held */
} Vector;

static void vector_clear(Vector *vector) {
    for (int i = 0; i < vector->count; i++) PyBuffer_Release(&vector->buffers[i]);
    PyMem_Free(vector->parts);
    PyMem_Free(vector->buffers);
}

#define VECTOR(variable) __attribute__((cleanup(vector_clear))) Vector variable = {NULL, NULL, 0}

/* Fills the vector from a sequence of buffers. Returns 0, or -1 with an exception. */
static int vector_read(Vector *vector, const char *function, PyObject *sequence, int writable) {
    if (!PySequence_Check(sequence)) {
        PyErr_Format(PyExc_TypeError, "%s() arg 2 must be a sequence", function);
        return -1;
    }
    Py_ssize_t count = PySequence_Size(sequence);
    if (count < 0) return -1;
    vector->parts = PyMem_New(struct iovec, (size_t)count);
    vector->buffers = PyMem_New(Py_buffer, (size_t)count);
    if (vector->parts == NULL || vector->buffers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        if (item == NULL) return -1;
        Py_buffer *buffer = &vector->buffers[i];
        int failed = PyObject_GetBuffer(item, buffer, writable ? PyBUF_WRITABLE : PyBUF_SIMPLE);
        Py_DECREF(item);
        if (failed < 0) return -1;
        vector->parts[i] = (struct iovec){buffer->buf, (size_t)buffer->len};
        vector->count++;
    }
    return 0;
}

static PyObject *size_or_error(ssize_t size) { return size < 0 ? kr_posix_error() : PyLong_FromSsize_t(size); }

KR_FUNCTION_POSITIONAL(readv, 2, 2) {
    int fd;
    ssize_t size;
    VECTOR(vector);
    if (kr_read_int(argument[0], &fd) < 0 || vector_read(&vector, "readv", argument[1], 1) < 0) return NULL;
    KR_RESTARTED(size, readv(fd, vector.parts, vector.count));
    return size_or_error(size);
}

KR_FUNCTION_POSITIONAL(preadv, 3, 4) {
    int fd, flags = 0;
    off_t offset;
    ssize_t size;
    VECTOR(vector);
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_offset(argument[2], &offset) < 0 ||
        kr_read_int(argument[3], &flags) < 0 || vector_read(&vector, "preadv2", argument[1], 1) < 0)
        return NULL;
    KR_RESTARTED(size, preadv2(fd, vector.parts, vector.count, offset, flags));
    return size_or_error(size);
}

KR_FUNCTION_POSITIONAL(writev, 2, 2) {
    int fd;
    ssize_t size;
    VECTOR(vector);
    if (kr_read_int(argument[0], &fd) < 0 || vector_read(&vector, "writev", argument[1], 0) < 0) return NULL;
    KR_RESTARTED(size, writev(fd, vector.parts, vector.count));
    return size_or_error(size);
}

KR_FUNCTION_POSITIONAL(pwritev, 3, 4) {
    int fd, flags = 0;
    off_t offset;
    ssize_t size;
    VECTOR(vector);
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_offset(argument[2], &offset) < 0 ||
        kr_read_int(argument[3], &flags) < 0 || vector_read(&vector, "pwritev", argument[1], 0) < 0)
        return NULL;
    KR_RESTARTED(size, pwritev2(fd, vector.parts, vector.count, offset, flags));
    return size_or_error(size);
}

static PyMethodDef functions[] = {
    KR_ENTRY_POSITIONAL(readv, "($module, fd, buffers, /)",
                        "Read into writable buffers, filling one after another; return how many bytes were read."),
    KR_ENTRY_POSITIONAL(preadv, "($module, fd, buffers, offset, flags=0, /)",
                        "Like readv(), from an offset, without moving the position; flags are RWF_*."),
    KR_ENTRY_POSITIONAL(writev, "($module, fd, buffers, /)",
                        "Write the buffers one after another; return how many bytes were written."),
    KR_ENTRY_POSITIONAL(pwritev, "($module, fd, buffers, offset, flags=0, /)",
                        "Like writev(), at an offset, without moving the position; flags are RWF_*."),
    {NULL},
};

int kr_posix_add_vectors(PyObject *module) { return PyModule_AddFunctions(module, functions); }
