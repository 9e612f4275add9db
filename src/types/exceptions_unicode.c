/* UnicodeEncodeError, UnicodeDecodeError, UnicodeTranslateError and the functions that read and change their fields.
 *
 * The field `object` is a str when encoding and translating, bytes when decoding. The fields are plain attributes, so
 * that every reader has to check what a program may have put there.
 */
#include <Python.h>
#include <structmember.h>

#include "types/exceptions.h"

static inline PyUnicodeErrorObject *as_error(PyObject *exception) { return (PyUnicodeErrorObject *)exception; }

/* Returns a new reference to a field that must be a str. */
static PyObject *text_field(PyObject *value, const char *name) {
    if (value != NULL && PyUnicode_Check(value)) return Py_NewRef(value);
    PyErr_Format(PyExc_TypeError, value == NULL ? "%.200s attribute not set" : "%.200s attribute must be unicode", name);
    return NULL;
}

/* Returns a new reference to a field that must be bytes. */
static PyObject *bytes_field(PyObject *value, const char *name) {
    if (value != NULL && PyBytes_Check(value)) return Py_NewRef(value);
    PyErr_Format(PyExc_TypeError, value == NULL ? "%.200s attribute not set" : "%.200s attribute must be bytes", name);
    return NULL;
}

/* Stores the length of the checked field `object`. Returns 0 or -1. */
static int object_length(PyObject *exception, int is_text, Py_ssize_t *length) {
    PyObject *object = is_text ? text_field(as_error(exception)->object, "object")
                               : bytes_field(as_error(exception)->object, "object");
    if (object == NULL) return -1;
    *length = is_text ? PyUnicode_GET_LENGTH(object) : PyBytes_GET_SIZE(object);
    Py_DECREF(object);
    return 0;
}

/* Reads `start` so that it is the index of an item of the object, if that is not empty. */
static int get_start(PyObject *exception, int is_text, Py_ssize_t *start) {
    Py_ssize_t length;
    if (object_length(exception, is_text, &length) < 0) return -1;
    *start = as_error(exception)->start;
    if (*start < 0) *start = 0;
    if (*start >= length) *start = length - 1;
    return 0;
}

/* Reads `end` so that at least one item is before it and the object not exceeded. */
static int get_end(PyObject *exception, int is_text, Py_ssize_t *end) {
    Py_ssize_t length;
    if (object_length(exception, is_text, &length) < 0) return -1;
    *end = as_error(exception)->end;
    if (*end < 1) *end = 1;
    if (*end > length) *end = length;
    return 0;
}

static int set_reason(PyObject *exception, const char *reason) {
    PyObject *text = PyUnicode_FromString(reason);
    if (text == NULL) return -1;
    Py_XSETREF(as_error(exception)->reason, text);
    return 0;
}

PyObject *PyUnicodeEncodeError_GetEncoding(PyObject *exception) {
    return text_field(as_error(exception)->encoding, "encoding");
}

PyObject *PyUnicodeDecodeError_GetEncoding(PyObject *exception) {
    return text_field(as_error(exception)->encoding, "encoding");
}

PyObject *PyUnicodeEncodeError_GetObject(PyObject *exception) {
    return text_field(as_error(exception)->object, "object");
}

PyObject *PyUnicodeDecodeError_GetObject(PyObject *exception) {
    return bytes_field(as_error(exception)->object, "object");
}

PyObject *PyUnicodeTranslateError_GetObject(PyObject *exception) {
    return text_field(as_error(exception)->object, "object");
}

int PyUnicodeEncodeError_GetStart(PyObject *exception, Py_ssize_t *start) { return get_start(exception, 1, start); }
int PyUnicodeDecodeError_GetStart(PyObject *exception, Py_ssize_t *start) { return get_start(exception, 0, start); }
int PyUnicodeTranslateError_GetStart(PyObject *exception, Py_ssize_t *start) { return get_start(exception, 1, start); }

int PyUnicodeEncodeError_SetStart(PyObject *exception, Py_ssize_t start) {
    as_error(exception)->start = start;
    return 0;
}

int PyUnicodeDecodeError_SetStart(PyObject *exception, Py_ssize_t start) {
    return PyUnicodeEncodeError_SetStart(exception, start);
}

int PyUnicodeTranslateError_SetStart(PyObject *exception, Py_ssize_t start) {
    return PyUnicodeEncodeError_SetStart(exception, start);
}

int PyUnicodeEncodeError_GetEnd(PyObject *exception, Py_ssize_t *end) { return get_end(exception, 1, end); }
int PyUnicodeDecodeError_GetEnd(PyObject *exception, Py_ssize_t *end) { return get_end(exception, 0, end); }
int PyUnicodeTranslateError_GetEnd(PyObject *exception, Py_ssize_t *end) { return get_end(exception, 1, end); }

int PyUnicodeEncodeError_SetEnd(PyObject *exception, Py_ssize_t end) {
    as_error(exception)->end = end;
    return 0;
}

int PyUnicodeDecodeError_SetEnd(PyObject *exception, Py_ssize_t end) {
    return PyUnicodeEncodeError_SetEnd(exception, end);
}

int PyUnicodeTranslateError_SetEnd(PyObject *exception, Py_ssize_t end) {
    return PyUnicodeEncodeError_SetEnd(exception, end);
}

PyObject *PyUnicodeEncodeError_GetReason(PyObject *exception) {
    return text_field(as_error(exception)->reason, "reason");
}

PyObject *PyUnicodeDecodeError_GetReason(PyObject *exception) {
    return text_field(as_error(exception)->reason, "reason");
}

PyObject *PyUnicodeTranslateError_GetReason(PyObject *exception) {
    return text_field(as_error(exception)->reason, "reason");
}

int PyUnicodeEncodeError_SetReason(PyObject *exception, const char *reason) { return set_reason(exception, reason); }
int PyUnicodeDecodeError_SetReason(PyObject *exception, const char *reason) { return set_reason(exception, reason); }
int PyUnicodeTranslateError_SetReason(PyObject *exception, const char *reason) { return set_reason(exception, reason); }

PyObject *PyUnicodeDecodeError_Create(const char *encoding, const char *object, Py_ssize_t length, Py_ssize_t start,
                                      Py_ssize_t end, const char *reason) {
    PyObject *bytes = PyBytes_FromStringAndSize(object, length);
    if (bytes == NULL) return NULL;
    PyObject *result = PyObject_CallFunction(PyExc_UnicodeDecodeError, "sOnns", encoding, bytes, start, end, reason);
    Py_DECREF(bytes);
    return result;
}

PyObject *_PyUnicodeTranslateError_Create(PyObject *object, Py_ssize_t start, Py_ssize_t end, const char *reason) {
    return PyObject_CallFunction(PyExc_UnicodeTranslateError, "Onns", object, start, end, reason);
}

/* ---- the types ---- */

KR_EXCEPTION_COLLECTOR(unicode, offsetof(PyUnicodeErrorObject, encoding), offsetof(PyUnicodeErrorObject, object),
                       offsetof(PyUnicodeErrorObject, reason))

/* Sets all fields; takes the reference to object, which may be NULL. */
static void set_fields(PyObject *self, PyObject *encoding, PyObject *object, Py_ssize_t start, Py_ssize_t end,
                       PyObject *reason) {
    PyUnicodeErrorObject *error = as_error(self);
    Py_XSETREF(error->encoding, Py_XNewRef(encoding));
    Py_XSETREF(error->object, object);
    error->start = start;
    error->end = end;
    Py_XSETREF(error->reason, Py_XNewRef(reason));
}

static int encode_init(PyObject *self, PyObject *args, PyObject *kwds) {
    PyObject *encoding, *object, *reason;
    Py_ssize_t start, end;
    if (kr_exception_init(self, args, kwds) < 0) return -1;
    set_fields(self, NULL, NULL, 0, 0, NULL);
    if (!PyArg_ParseTuple(args, "UUnnU", &encoding, &object, &start, &end, &reason)) return -1;
    set_fields(self, encoding, Py_NewRef(object), start, end, reason);
    return 0;
}

static int decode_init(PyObject *self, PyObject *args, PyObject *kwds) {
    PyObject *encoding, *object, *reason;
    Py_ssize_t start, end;
    if (kr_exception_init(self, args, kwds) < 0) return -1;
    set_fields(self, NULL, NULL, 0, 0, NULL);
    if (!PyArg_ParseTuple(args, "UOnnU", &encoding, &object, &start, &end, &reason)) return -1;
    if (PyBytes_Check(object)) {
        Py_INCREF(object);
    } else {
        Py_buffer view;
        if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0) return -1;
        object = PyBytes_FromStringAndSize(view.buf, view.len);
        PyBuffer_Release(&view);
        if (object == NULL) return -1;
    }
    set_fields(self, encoding, object, start, end, reason);
    return 0;
}

static int translate_init(PyObject *self, PyObject *args, PyObject *kwds) {
    PyObject *object, *reason;
    Py_ssize_t start, end;
    if (kr_exception_init(self, args, kwds) < 0) return -1;
    set_fields(self, NULL, NULL, 0, 0, NULL);
    if (!PyArg_ParseTuple(args, "UnnU", &object, &start, &end, &reason)) return -1;
    set_fields(self, NULL, Py_NewRef(object), start, end, reason);
    return 0;
}

/* True if the error concerns just one item, which exists. */
static int concerns_one_item(const PyUnicodeErrorObject *error, Py_ssize_t length) {
    return error->start >= 0 && error->start < length && error->end == error->start + 1;
}

/* Formats a character as in a string literal. */
static void format_character(Py_UCS4 character, char *text, size_t size) {
    PyOS_snprintf(text, size, character <= 0xff ? "\\x%02x" : character <= 0xffff ? "\\u%04x" : "\\U%08x",
                  (unsigned)character);
}

static PyObject *describe_encode(PyUnicodeErrorObject *error, PyObject *encoding, PyObject *reason) {
    if (!concerns_one_item(error, PyUnicode_GET_LENGTH(error->object)))
        return PyUnicode_FromFormat("'%U' codec can't encode characters in position %zd-%zd: %U", encoding, error->start,
                                    error->end - 1, reason);
    char character[12];
    format_character(PyUnicode_READ_CHAR(error->object, error->start), character, sizeof character);
    return PyUnicode_FromFormat("'%U' codec can't encode character '%s' in position %zd: %U", encoding, character,
                                error->start, reason);
}

static PyObject *describe_decode(PyUnicodeErrorObject *error, PyObject *encoding, PyObject *reason) {
    if (!concerns_one_item(error, PyBytes_GET_SIZE(error->object)))
        return PyUnicode_FromFormat("'%U' codec can't decode bytes in position %zd-%zd: %U", encoding, error->start,
                                    error->end - 1, reason);
    int byte = (unsigned char)PyBytes_AS_STRING(error->object)[error->start];
    return PyUnicode_FromFormat("'%U' codec can't decode byte 0x%02x in position %zd: %U", encoding, byte, error->start,
                                reason);
}

static PyObject *describe_translate(PyUnicodeErrorObject *error, PyObject *encoding, PyObject *reason) {
    if (!concerns_one_item(error, PyUnicode_GET_LENGTH(error->object)))
        return PyUnicode_FromFormat("can't translate characters in position %zd-%zd: %U", error->start, error->end - 1,
                                    reason);
    char character[12];
    format_character(PyUnicode_READ_CHAR(error->object, error->start), character, sizeof character);
    return PyUnicode_FromFormat("can't translate character '%s' in position %zd: %U", character, error->start, reason);
}

/* Converts encoding and reason, which programs may have changed, and lets `describe` make the text of them. */
static PyObject *describe_with(PyObject *self, PyObject *(*describe)(PyUnicodeErrorObject *, PyObject *, PyObject *)) {
    PyUnicodeErrorObject *error = as_error(self);
    if (error->object == NULL) return PyUnicode_FromStringAndSize(NULL, 0); /* __init__ was not called */
    PyObject *result = NULL, *encoding = NULL;
    PyObject *reason = PyObject_Str(error->reason != NULL ? error->reason : Py_None);
    if (reason == NULL) return NULL;
    encoding = PyObject_Str(error->encoding != NULL ? error->encoding : Py_None);
    if (encoding != NULL && error->object != NULL) result = describe(error, encoding, reason);
    Py_XDECREF(encoding);
    Py_DECREF(reason);
    return result;
}

static PyObject *encode_str(PyObject *self) { return describe_with(self, describe_encode); }
static PyObject *decode_str(PyObject *self) { return describe_with(self, describe_decode); }
static PyObject *translate_str(PyObject *self) { return describe_with(self, describe_translate); }

static PyMemberDef unicode_members[] = {
    {"encoding", T_OBJECT, offsetof(PyUnicodeErrorObject, encoding), 0, "name of the encoding"},
    {"object", T_OBJECT, offsetof(PyUnicodeErrorObject, object), 0, "what was to be converted"},
    {"start", T_PYSSIZET, offsetof(PyUnicodeErrorObject, start), 0, "index of the first bad item"},
    {"end", T_PYSSIZET, offsetof(PyUnicodeErrorObject, end), 0, "index after the last bad item"},
    {"reason", T_OBJECT, offsetof(PyUnicodeErrorObject, reason), 0, "what is wrong"},
    {NULL},
};

PyTypeObject kr_exc_UnicodeEncodeError = {
    KR_EXCEPTION_SLOTS("UnicodeEncodeError", &kr_exc_UnicodeError, PyUnicodeErrorObject, unicode),
    .tp_doc = "Text cannot be encoded.",
    .tp_members = unicode_members,
    .tp_str = encode_str,
    .tp_init = encode_init,
    .tp_new = kr_exception_new,
};

PyTypeObject kr_exc_UnicodeDecodeError = {
    KR_EXCEPTION_SLOTS("UnicodeDecodeError", &kr_exc_UnicodeError, PyUnicodeErrorObject, unicode),
    .tp_doc = "Bytes cannot be decoded.",
    .tp_members = unicode_members,
    .tp_str = decode_str,
    .tp_init = decode_init,
    .tp_new = kr_exception_new,
};

PyTypeObject kr_exc_UnicodeTranslateError = {
    KR_EXCEPTION_SLOTS("UnicodeTranslateError", &kr_exc_UnicodeError, PyUnicodeErrorObject, unicode),
    .tp_doc = "Text cannot be translated.",
    .tp_members = unicode_members,
    .tp_str = translate_str,
    .tp_init = translate_init,
    .tp_new = kr_exception_new,
};
