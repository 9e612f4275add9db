/* Conversions by the name of the encoding; the common ones go to their functions directly. */
#include <Python.h>
#include <string.h>

#include "object/interpreter.h"
#include "object/runtime.h"
#include "types/codecs/codecs.h"

const char *PyUnicode_GetDefaultEncoding(void) { return "utf-8"; }

/* The encodings that need no registry. */
typedef enum { OTHER_ENCODING, UTF8, UTF16, UTF32, ASCII, LATIN1 } Encoding;

static Encoding well_known(const char *encoding) {
    static const struct {
        const char *name;
        Encoding encoding;
    } encodings[] = {
        {"utf_8", UTF8},        {"utf8", UTF8},         {"utf_16", UTF16},         {"utf16", UTF16},
        {"utf_32", UTF32},      {"utf32", UTF32},       {"ascii", ASCII},          {"us_ascii", ASCII},
        {"latin1", LATIN1},     {"latin_1", LATIN1},    {"iso_8859_1", LATIN1},    {"iso8859_1", LATIN1},
    };
    char lower[16];
    if (encoding == NULL) return UTF8;
    if (strcmp(encoding, "utf-8") == 0) return UTF8;
    if (!kr_normalize_encoding(encoding, lower, sizeof lower)) return OTHER_ENCODING;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(encodings); i++) {
        if (strcmp(lower, encodings[i].name) == 0) return encodings[i].encoding;
    }
    return OTHER_ENCODING;
}

/* ---- decoding ---- */

/* Development mode refuses unknown names even where nothing would use them. Returns 0 or -1. */
static int check_names(const char *encoding, const char *errors) {
    if ((encoding == NULL && errors == NULL) || !kr_tstate()->interp->config.dev_mode) return 0;
    if (Py_FileSystemDefaultEncoding == NULL || _Py_IsFinalizing()) return 0; /* no codecs can be imported */
    PyObject *found = NULL;
    if (encoding != NULL) {
        found = _PyCodec_Lookup(encoding);
        if (found == NULL) return -1;
        Py_DECREF(found);
    }
    if (errors != NULL) {
        found = PyCodec_LookupError(errors);
        if (found == NULL) return -1;
        Py_DECREF(found);
    }
    return 0;
}

PyObject *PyUnicode_Decode(const char *data, Py_ssize_t size, const char *encoding, const char *errors) {
    if (check_names(encoding, errors) < 0) return NULL;
    switch (well_known(encoding)) {
        case UTF8: return PyUnicode_DecodeUTF8Stateful(data, size, errors, NULL);
        case UTF16: return PyUnicode_DecodeUTF16(data, size, errors, 0);
        case UTF32: return PyUnicode_DecodeUTF32(data, size, errors, 0);
        case ASCII: return PyUnicode_DecodeASCII(data, size, errors);
        case LATIN1: return PyUnicode_DecodeLatin1(data, size, errors);
        default: break;
    }
    Py_buffer info;
    if (PyBuffer_FillInfo(&info, NULL, (void *)data, size, 1, PyBUF_FULL_RO) < 0) return NULL;
    PyObject *buffer = PyMemoryView_FromBuffer(&info);
    if (buffer == NULL) return NULL;
    PyObject *text = _PyCodec_DecodeText(buffer, encoding, errors);
    Py_DECREF(buffer);
    if (text != NULL && !PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError,
                     "'%.400s' decoder returned '%.400s' instead of 'str'; use codecs.decode() to decode to arbitrary types",
                     encoding, Py_TYPE(text)->tp_name);
        Py_CLEAR(text);
    }
    if (text != NULL && PyUnicode_READY(text) < 0) Py_CLEAR(text);
    return text;
}

PyObject *PyUnicode_FromEncodedObject(PyObject *object, const char *encoding, const char *errors) {
    if (object == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyBytes_Check(object)) {
        if (PyBytes_GET_SIZE(object) == 0) return check_names(encoding, errors) < 0 ? NULL : PyUnicode_New(0, 0);
        return PyUnicode_Decode(PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), encoding, errors);
    }
    if (PyUnicode_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "decoding str is not supported");
        return NULL;
    }
    Py_buffer buffer;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_SIMPLE) < 0)
        return PyErr_Format(PyExc_TypeError, "decoding to str: need a bytes-like object, %.80s found",
                            Py_TYPE(object)->tp_name);
    PyObject *text;
    if (buffer.len > 0)
        text = PyUnicode_Decode(buffer.buf, buffer.len, encoding, errors);
    else
        text = check_names(encoding, errors) < 0 ? NULL : PyUnicode_New(0, 0);
    PyBuffer_Release(&buffer);
    return text;
}

/* ---- encoding ---- */

static PyObject *encode_with_registry(PyObject *text, const char *encoding, const char *errors) {
    PyObject *bytes = _PyCodec_EncodeText(text, encoding, errors);
    if (bytes == NULL || PyBytes_Check(bytes)) return bytes;
    if (PyByteArray_Check(bytes)) {
        int failed = PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                                      "encoder %s returned bytearray instead of bytes; use codecs.encode() to encode to "
                                      "arbitrary types",
                                      encoding);
        PyObject *copy =
            failed ? NULL : PyBytes_FromStringAndSize(PyByteArray_AS_STRING(bytes), PyByteArray_GET_SIZE(bytes));
        Py_DECREF(bytes);
        return copy;
    }
    PyErr_Format(PyExc_TypeError,
                 "'%.400s' encoder returned '%.400s' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
                 encoding, Py_TYPE(bytes)->tp_name);
    Py_DECREF(bytes);
    return NULL;
}

PyObject *PyUnicode_AsEncodedString(PyObject *text, const char *encoding, const char *errors) {
    if (!PyUnicode_Check(text)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (check_names(encoding, errors) < 0) return NULL;
    switch (well_known(encoding)) {
        case UTF8: return _PyUnicode_AsUTF8String(text, errors);
        case UTF16: return _PyUnicode_EncodeUTF16(text, errors, 0);
        case UTF32: return _PyUnicode_EncodeUTF32(text, errors, 0);
        case ASCII: return _PyUnicode_AsASCIIString(text, errors);
        case LATIN1: return _PyUnicode_AsLatin1String(text, errors);
        default: return encode_with_registry(text, encoding, errors);
    }
}

/* ---- the deprecated functions for codecs between other types ---- */

static int check_deprecated(PyObject *text, const char *function, const char *instead) {
    if (!PyUnicode_Check(text)) {
        PyErr_BadArgument();
        return -1;
    }
    return PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "%s() is deprecated; use %s instead", function, instead);
}

/* Checks that a conversion from str gave a str. */
static PyObject *must_be_text(PyObject *result, const char *encoding, const char *role, const char *instead) {
    if (result == NULL || PyUnicode_Check(result)) return result;
    PyErr_Format(PyExc_TypeError, "'%.400s' %s returned '%.400s' instead of 'str'; use %s to arbitrary types", encoding,
                 role, Py_TYPE(result)->tp_name, instead);
    Py_DECREF(result);
    return NULL;
}

PyObject *PyUnicode_AsDecodedObject(PyObject *text, const char *encoding, const char *errors) {
    if (check_deprecated(text, "PyUnicode_AsDecodedObject", "PyCodec_Decode() to decode from str") < 0) return NULL;
    return PyCodec_Decode(text, encoding != NULL ? encoding : "utf-8", errors);
}

PyObject *PyUnicode_AsDecodedUnicode(PyObject *text, const char *encoding, const char *errors) {
    if (encoding == NULL) encoding = "utf-8";
    if (check_deprecated(text, "PyUnicode_AsDecodedUnicode", "PyCodec_Decode() to decode from str to str") < 0)
        return NULL;
    return must_be_text(PyCodec_Decode(text, encoding, errors), encoding, "decoder", "codecs.decode() to decode");
}

PyObject *PyUnicode_AsEncodedObject(PyObject *text, const char *encoding, const char *errors) {
    if (check_deprecated(text, "PyUnicode_AsEncodedObject",
                         "PyUnicode_AsEncodedString() to encode from str to bytes or PyCodec_Encode() for generic "
                         "encoding") < 0)
        return NULL;
    return PyCodec_Encode(text, encoding != NULL ? encoding : "utf-8", errors);
}

PyObject *PyUnicode_AsEncodedUnicode(PyObject *text, const char *encoding, const char *errors) {
    if (encoding == NULL) encoding = "utf-8";
    if (check_deprecated(text, "PyUnicode_AsEncodedUnicode", "PyCodec_Encode() to encode from str to str") < 0)
        return NULL;
    return must_be_text(PyCodec_Encode(text, encoding, errors), encoding, "encoder", "codecs.encode() to encode");
}
