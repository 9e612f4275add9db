/* Names of files, arguments, environment variables: text in the file system's encoding. */
#include <Python.h>
#include <string.h>

#include "types/codecs/codecs.h"

const char *Py_FileSystemDefaultEncoding = NULL;
const char *Py_FileSystemDefaultEncodeErrors = NULL;
int Py_HasFileSystemDefaultEncoding = 0;

static struct {
    char *encoding; /* NULL before start-up has chosen one */
    char *errors;
    int is_utf8;
} state;

int kr_codecs_set_filesystem(const char *encoding, const char *errors) {
    char *own_encoding = _PyMem_RawStrdup(encoding), *own_errors = _PyMem_RawStrdup(errors);
    if (own_encoding == NULL || own_errors == NULL) {
        PyMem_RawFree(own_encoding);
        PyMem_RawFree(own_errors);
        PyErr_NoMemory();
        return -1;
    }
    PyMem_RawFree(state.encoding);
    PyMem_RawFree(state.errors);
    state.encoding = own_encoding;
    state.errors = own_errors;
    state.is_utf8 = strcmp(encoding, "utf-8") == 0;
    Py_FileSystemDefaultEncoding = own_encoding;
    Py_FileSystemDefaultEncodeErrors = own_errors;
    return 0;
}

void kr_codecs_finalize_filesystem(void) {
    Py_FileSystemDefaultEncoding = Py_FileSystemDefaultEncodeErrors = NULL;
    PyMem_RawFree(state.encoding);
    PyMem_RawFree(state.errors);
    state.encoding = state.errors = NULL;
    state.is_utf8 = 0;
}

PyObject *PyUnicode_EncodeFSDefault(PyObject *text) {
    if (state.is_utf8) return _PyUnicode_AsUTF8String(text, state.errors);
    if (state.encoding != NULL) return PyUnicode_AsEncodedString(text, state.encoding, state.errors);
    return kr_encode_locale(text, KR_ERRORS_SURROGATEESCAPE, 0);
}

PyObject *PyUnicode_DecodeFSDefaultAndSize(const char *bytes, Py_ssize_t size) {
    if (state.is_utf8) return PyUnicode_DecodeUTF8Stateful(bytes, size, state.errors, NULL);
    if (state.encoding != NULL) return PyUnicode_Decode(bytes, size, state.encoding, state.errors);
    return kr_decode_locale(bytes, size, KR_ERRORS_SURROGATEESCAPE, 0);
}

PyObject *PyUnicode_DecodeFSDefault(const char *bytes) {
    return PyUnicode_DecodeFSDefaultAndSize(bytes, (Py_ssize_t)strlen(bytes));
}

/* ---- argument converters ---- */

int PyUnicode_FSConverter(PyObject *argument, void *address) {
    if (argument == NULL) { /* the cleanup after a later argument has failed */
        Py_CLEAR(*(PyObject **)address);
        return 1;
    }
    PyObject *path = PyOS_FSPath(argument);
    if (path == NULL) return 0;
    PyObject *bytes = path;
    if (!PyBytes_Check(path)) {
        bytes = PyUnicode_EncodeFSDefault(path);
        Py_DECREF(path);
        if (bytes == NULL) return 0;
    }
    if (strlen(PyBytes_AS_STRING(bytes)) != (size_t)PyBytes_GET_SIZE(bytes)) {
        PyErr_SetString(PyExc_ValueError, "embedded null byte");
        Py_DECREF(bytes);
        return 0;
    }
    *(PyObject **)address = bytes;
    return Py_CLEANUP_SUPPORTED;
}

/* Returns the text of a path, a new reference; NULL with an exception. */
static PyObject *decode_path(PyObject *argument) {
    int is_buffer = PyObject_CheckBuffer(argument);
    PyObject *path = is_buffer ? Py_NewRef(argument) : PyOS_FSPath(argument);
    if (path == NULL || PyUnicode_Check(path)) return path;
    PyObject *text = NULL;
    if (!PyBytes_Check(path) && !is_buffer) {
        PyErr_Format(PyExc_TypeError, "path should be string, bytes, or os.PathLike, not %.200s",
                     Py_TYPE(argument)->tp_name);
    } else if (PyBytes_Check(path) ||
               PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "path should be string, bytes, or os.PathLike, not %.200s",
                                Py_TYPE(argument)->tp_name) == 0) {
        PyObject *bytes = PyBytes_FromObject(path);
        if (bytes != NULL) {
            text = PyUnicode_DecodeFSDefaultAndSize(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
            Py_DECREF(bytes);
        }
    }
    Py_DECREF(path);
    return text;
}

int PyUnicode_FSDecoder(PyObject *argument, void *address) {
    if (argument == NULL) {
        Py_CLEAR(*(PyObject **)address);
        return 1;
    }
    PyObject *text = decode_path(argument);
    if (text == NULL) return 0;
    if (PyUnicode_READY(text) < 0) {
        Py_DECREF(text);
        return 0;
    }
    if (PyUnicode_FindChar(text, 0, 0, PyUnicode_GET_LENGTH(text), 1) >= 0) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        Py_DECREF(text);
        return 0;
    }
    *(PyObject **)address = text;
    return Py_CLEANUP_SUPPORTED;
}
