/* _PyBytesWriter: building a bytes or bytearray object whose size is not known at first.
 *
 * Text goes to a buffer inside the writer as long as it fits, then to an object. `str` pointers that callers hold point
 * into the current buffer; every function that may move the buffer returns the moved pointer.
 */
#include <Python.h>
#include <string.h>

void _PyBytesWriter_Init(_PyBytesWriter *writer) {
    writer->buffer = NULL;
    writer->allocated = 0;
    writer->min_size = 0;
    writer->use_bytearray = 0;
    writer->overallocate = 0;
    writer->use_small_buffer = 0;
}

void _PyBytesWriter_Dealloc(_PyBytesWriter *writer) { Py_CLEAR(writer->buffer); }

static char *buffer_start(_PyBytesWriter *writer) {
    if (writer->use_small_buffer) return writer->small_buffer;
    return writer->use_bytearray ? PyByteArray_AS_STRING(writer->buffer) : PyBytes_AS_STRING(writer->buffer);
}

/* Resizes or creates the object. Returns 0, or -1 with an exception; the writer is empty then. */
static int resize_object(_PyBytesWriter *writer, Py_ssize_t size) {
    if (writer->buffer == NULL) {
        writer->buffer = writer->use_bytearray ? PyByteArray_FromStringAndSize(NULL, size)
                                               : PyBytes_FromStringAndSize(NULL, size);
        return writer->buffer != NULL ? 0 : -1;
    }
    if (!writer->use_bytearray) return _PyBytes_Resize(&writer->buffer, size);
    if (PyByteArray_Resize(writer->buffer, size) == 0) return 0;
    Py_CLEAR(writer->buffer);
    return -1;
}

void *_PyBytesWriter_Resize(_PyBytesWriter *writer, void *str, Py_ssize_t size) {
    Py_ssize_t allocated = size;
    if (writer->overallocate && allocated <= PY_SSIZE_T_MAX - allocated / 4) allocated += allocated / 4;
    Py_ssize_t position = (char *)str - buffer_start(writer);
    if (resize_object(writer, allocated) < 0) return NULL;
    if (writer->use_small_buffer) {
        writer->use_small_buffer = 0;
        memcpy(buffer_start(writer), writer->small_buffer, position);
    }
    writer->allocated = allocated;
    return buffer_start(writer) + position;
}

void *_PyBytesWriter_Prepare(_PyBytesWriter *writer, void *str, Py_ssize_t size) {
    if (size == 0) return str;
    if (writer->min_size > PY_SSIZE_T_MAX - size) {
        PyErr_NoMemory();
        _PyBytesWriter_Dealloc(writer);
        return NULL;
    }
    Py_ssize_t needed = writer->min_size + size;
    if (needed > writer->allocated) {
        str = _PyBytesWriter_Resize(writer, str, needed);
        if (str == NULL) return NULL;
    }
    writer->min_size = needed;
    return str;
}

void *_PyBytesWriter_Alloc(_PyBytesWriter *writer, Py_ssize_t size) {
    writer->use_small_buffer = 1;
    writer->allocated = sizeof writer->small_buffer;
    return _PyBytesWriter_Prepare(writer, writer->small_buffer, size);
}

PyObject *_PyBytesWriter_Finish(_PyBytesWriter *writer, void *str) {
    Py_ssize_t size = (char *)str - buffer_start(writer);
    if (writer->use_small_buffer) {
        if (writer->use_bytearray) return PyByteArray_FromStringAndSize(writer->small_buffer, size);
        return PyBytes_FromStringAndSize(writer->small_buffer, size);
    }
    if (size == 0 && !writer->use_bytearray) {
        Py_CLEAR(writer->buffer);
        return PyBytes_FromStringAndSize(NULL, 0);
    }
    if (size != writer->allocated && resize_object(writer, size) < 0) return NULL;
    PyObject *result = writer->buffer;
    writer->buffer = NULL;
    return result;
}

void *_PyBytesWriter_WriteBytes(_PyBytesWriter *writer, void *str, const void *bytes, Py_ssize_t size) {
    char *output = _PyBytesWriter_Prepare(writer, str, size);
    if (output == NULL) return NULL;
    memcpy(output, bytes, size);
    return output + size;
}
