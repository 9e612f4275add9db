/* Latin-1 and ASCII: encodings in which a byte is the number of its character. */
#include <Python.h>
#include <string.h>

#include "types/codecs/codecs.h"

/* ---- decoding ---- */

PyObject *PyUnicode_DecodeLatin1(const char *data, Py_ssize_t size, const char *errors) {
    return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, data, size);
}

PyObject *PyUnicode_DecodeASCII(const char *data, Py_ssize_t size, const char *errors) {
    if (size == 0) return PyUnicode_New(0, 0);
    if (size == 1 && (unsigned char)data[0] < 128) return PyUnicode_FromOrdinal(data[0]);
    Py_ssize_t prefix = kr_ascii_prefix(data, size);
    if (prefix == size) return _PyUnicode_FromASCII(data, size);
    KrDecodeErrors state;
    _PyUnicodeWriter writer;
    kr_decode_begin(&state, "ascii", errors, data, size);
    _PyUnicodeWriter_Init(&writer);
    writer.min_length = size;
    for (;;) {
        if (prefix > 0 && _PyUnicodeWriter_WriteASCIIString(&writer, state.next, prefix) < 0) goto failed;
        state.next += prefix;
        if (state.next == state.end) break;
        if (kr_decode_error(&state, state.next, state.next + 1, "ordinal not in range(128)", &writer) < 0) goto failed;
        prefix = kr_ascii_prefix(state.next, state.end - state.next);
    }
    kr_decode_end(&state);
    return _PyUnicodeWriter_Finish(&writer);
failed:
    kr_decode_end(&state);
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

/* ---- encoding ---- */

/* An encoding of the characters below `limit`. */
typedef struct {
    KrEncodeErrors errors;
    Py_UCS4 limit;
    const char *reason;
    _PyBytesWriter writer;
} Encoder;

/* Room for what kr_write_backslash_escape and kr_write_character_reference write. */
enum { LONGEST_ESCAPE = 10 };

/* Writes what a handler returned. Returns the end of the output or NULL. */
static char *write_replacement(Encoder *encoder, char *output, PyObject *replacement, Py_ssize_t first,
                               Py_ssize_t last) {
    if (PyBytes_Check(replacement))
        return _PyBytesWriter_WriteBytes(&encoder->writer, output, PyBytes_AS_STRING(replacement),
                                         PyBytes_GET_SIZE(replacement));
    Py_ssize_t length = PyUnicode_GET_LENGTH(replacement);
    output = _PyBytesWriter_Prepare(&encoder->writer, output, length);
    if (output == NULL) return NULL;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(replacement, i);
        if (c >= encoder->limit) {
            kr_encode_raise(&encoder->errors, first, last, encoder->reason);
            return NULL;
        }
        *output++ = (char)c;
    }
    return output;
}

/* Writes what stands for a run of characters that cannot be encoded. Returns the end of the output or NULL. */
static char *encode_bad(Encoder *encoder, char *output, Py_ssize_t first, Py_ssize_t last, Py_ssize_t *next) {
    PyObject *text = encoder->errors.text;
    *next = last;
    switch (encoder->errors.kind) {
        case KR_ERRORS_REPLACE:
            output = _PyBytesWriter_Prepare(&encoder->writer, output, last - first);
            if (output == NULL) return NULL;
            memset(output, '?', last - first);
            return output + (last - first);
        case KR_ERRORS_IGNORE: return output;
        case KR_ERRORS_XMLCHARREFREPLACE:
            output = _PyBytesWriter_Prepare(&encoder->writer, output, (last - first) * LONGEST_ESCAPE);
            for (Py_ssize_t i = first; i < last && output != NULL; i++)
                output = kr_write_character_reference(output, PyUnicode_READ_CHAR(text, i));
            return output;
        case KR_ERRORS_BACKSLASHREPLACE:
            output = _PyBytesWriter_Prepare(&encoder->writer, output, (last - first) * LONGEST_ESCAPE);
            for (Py_ssize_t i = first; i < last && output != NULL; i++)
                output = kr_write_backslash_escape(output, PyUnicode_READ_CHAR(text, i));
            return output;
        case KR_ERRORS_SURROGATEESCAPE:
            output = _PyBytesWriter_Prepare(&encoder->writer, output, last - first);
            if (output == NULL) return NULL;
            for (; first < last; first++) {
                int byte = kr_escaped_byte(PyUnicode_READ_CHAR(text, first));
                if (byte < 0) break;
                *output++ = (char)byte;
            }
            if (first == last) return output;
            break;
        default: break;
    }
    PyObject *replacement = kr_encode_call_handler(&encoder->errors, first, last, encoder->reason, next);
    if (replacement == NULL) return NULL;
    output = write_replacement(encoder, output, replacement, first, last);
    Py_DECREF(replacement);
    return output;
}

/* Finds the first character from `i` on that cannot be encoded. */
static Py_ssize_t end_of_run(int kind, const void *data, Py_ssize_t i, Py_ssize_t length, Py_UCS4 limit) {
    switch (kind) {
        case PyUnicode_1BYTE_KIND: /* the limit is that of ASCII, else nothing would be wrong */
            return i + kr_ascii_prefix((const char *)data + i, length - i);
        case PyUnicode_2BYTE_KIND:
            while (i < length && ((const Py_UCS2 *)data)[i] < limit) i++;
            return i;
        default:
            while (i < length && ((const Py_UCS4 *)data)[i] < limit) i++;
            return i;
    }
}

static char *copy_run(char *output, int kind, const void *data, Py_ssize_t from, Py_ssize_t to) {
    switch (kind) {
        case PyUnicode_1BYTE_KIND: memcpy(output, (const char *)data + from, to - from); break;
        case PyUnicode_2BYTE_KIND:
            for (Py_ssize_t i = from; i < to; i++) output[i - from] = (char)((const Py_UCS2 *)data)[i];
            break;
        default:
            for (Py_ssize_t i = from; i < to; i++) output[i - from] = (char)((const Py_UCS4 *)data)[i];
            break;
    }
    return output + (to - from);
}

static PyObject *encode(PyObject *text, const char *errors, const char *encoding, Py_UCS4 limit, const char *reason) {
    Encoder encoder = {.limit = limit, .reason = reason};
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), i = 0;
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    kr_encode_begin(&encoder.errors, encoding, errors, text);
    _PyBytesWriter_Init(&encoder.writer);
    char *output = _PyBytesWriter_Alloc(&encoder.writer, length);
    if (output != NULL) {
        encoder.writer.overallocate = 1;
        encoder.writer.min_size = 0; /* every part is prepared by itself */
    }
    while (output != NULL && i < length) {
        Py_ssize_t start = i;
        i = end_of_run(kind, data, i, length, limit);
        output = _PyBytesWriter_Prepare(&encoder.writer, output, i - start);
        if (output == NULL) break;
        output = copy_run(output, kind, data, start, i);
        start = i;
        if (i == length) break;
        while (i < length && PyUnicode_READ(kind, data, i) >= limit) i++;
        output = encode_bad(&encoder, output, start, i, &i);
    }
    kr_encode_end(&encoder.errors);
    if (output == NULL) {
        _PyBytesWriter_Dealloc(&encoder.writer);
        return NULL;
    }
    encoder.writer.overallocate = 0;
    return _PyBytesWriter_Finish(&encoder.writer, output);
}

static int check_text(PyObject *text) {
    if (PyUnicode_Check(text)) return PyUnicode_READY(text);
    PyErr_BadArgument();
    return -1;
}

PyObject *_PyUnicode_AsLatin1String(PyObject *text, const char *errors) {
    if (check_text(text) < 0) return NULL;
    if (PyUnicode_KIND(text) == PyUnicode_1BYTE_KIND)
        return PyBytes_FromStringAndSize(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
    return encode(text, errors, "latin-1", 256, "ordinal not in range(256)");
}

PyObject *_PyUnicode_AsASCIIString(PyObject *text, const char *errors) {
    if (check_text(text) < 0) return NULL;
    if (PyUnicode_IS_ASCII(text)) return PyBytes_FromStringAndSize(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
    return encode(text, errors, "ascii", 128, "ordinal not in range(128)");
}

PyObject *PyUnicode_AsLatin1String(PyObject *text) { return _PyUnicode_AsLatin1String(text, NULL); }
PyObject *PyUnicode_AsASCIIString(PyObject *text) { return _PyUnicode_AsASCIIString(text, NULL); }
