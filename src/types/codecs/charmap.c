/* Encodings that are given by a mapping between bytes and characters. */
#include <Python.h>
#include <string.h>

#include "types/codecs/charmap.h"
#include "types/codecs/codecs.h"

static const char undefined[] = "character maps to <undefined>";

enum { UNDEFINED_CHARACTER = 0xfffe }; /* what a mapping has for a byte without a character */

/* ---- decoding ---- */

/* Writes the character of one byte. Returns 1; 0 if the byte has none; -1 with an exception. */
static int decode_byte(PyObject *mapping, unsigned char byte, _PyUnicodeWriter *writer) {
    PyObject *key = PyLong_FromLong(byte);
    if (key == NULL) return -1;
    PyObject *item = PyObject_GetItem(mapping, key);
    Py_DECREF(key);
    if (item == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_LookupError)) return -1;
        PyErr_Clear(); /* no mapping, or a text that is too short */
        return 0;
    }
    int result = -1;
    if (item == Py_None) {
        result = 0;
    } else if (PyLong_Check(item)) {
        long value = PyLong_AsLong(item);
        if (value == UNDEFINED_CHARACTER) {
            result = 0;
        } else if (value < 0 || value > 0x10ffff) {
            PyErr_Format(PyExc_TypeError, "character mapping must be in range(0x%x)", 0x110000);
        } else {
            result = _PyUnicodeWriter_WriteChar(writer, (Py_UCS4)value) < 0 ? -1 : 1;
        }
    } else if (PyUnicode_Check(item)) {
        if (PyUnicode_READY(item) == 0) {
            if (PyUnicode_GET_LENGTH(item) == 1 && PyUnicode_READ_CHAR(item, 0) == UNDEFINED_CHARACTER)
                result = 0;
            else
                result = _PyUnicodeWriter_WriteStr(writer, item) < 0 ? -1 : 1;
        }
    } else {
        PyErr_SetString(PyExc_TypeError, "character mapping must return integer, None or str");
    }
    Py_DECREF(item);
    return result;
}

/* Decodes as long as the bytes have characters in a str. Returns 0, or -1 with an exception. */
static int decode_with_text(KrDecodeErrors *input, PyObject *mapping, _PyUnicodeWriter *writer) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(mapping);
    int kind = PyUnicode_KIND(mapping);
    const void *data = PyUnicode_DATA(mapping);
    for (; input->next < input->end; input->next++) {
        unsigned char byte = (unsigned char)*input->next;
        Py_UCS4 c = byte < length ? PyUnicode_READ(kind, data, byte) : UNDEFINED_CHARACTER;
        if (c == UNDEFINED_CHARACTER) return 0;
        if (_PyUnicodeWriter_Prepare(writer, 1, c) < 0) return -1;
        PyUnicode_WRITE(writer->kind, writer->data, writer->pos, c);
        writer->pos++;
    }
    return 0;
}

static int decode_with_mapping(KrDecodeErrors *input, PyObject *mapping, _PyUnicodeWriter *writer) {
    for (; input->next < input->end; input->next++) {
        int found = decode_byte(mapping, (unsigned char)*input->next, writer);
        if (found <= 0) return found;
    }
    return 0;
}

PyObject *PyUnicode_DecodeCharmap(const char *data, Py_ssize_t size, PyObject *mapping, const char *errors) {
    if (mapping == NULL) return PyUnicode_DecodeLatin1(data, size, errors);
    if (size == 0) return PyUnicode_New(0, 0);
    KrDecodeErrors input;
    _PyUnicodeWriter writer;
    int is_text = PyUnicode_CheckExact(mapping);
    if (is_text && PyUnicode_READY(mapping) < 0) return NULL;
    kr_decode_begin(&input, "charmap", errors, data, size);
    _PyUnicodeWriter_Init(&writer);
    writer.min_length = size;
    for (;;) {
        int failed = is_text ? decode_with_text(&input, mapping, &writer) : decode_with_mapping(&input, mapping, &writer);
        if (failed) break;
        if (input.next == input.end) {
            kr_decode_end(&input);
            return _PyUnicodeWriter_Finish(&writer);
        }
        if (kr_decode_error(&input, input.next, input.next + 1, undefined, &writer) < 0) break;
    }
    kr_decode_end(&input);
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

/* ---- encoding maps ---- */

/* A table from characters up to U+FFFF to bytes: `page_of` the high byte leads to a page for the low byte. Page 0 is
 * empty; 0 in a page means that there is no byte, except for U+0000. */
typedef struct {
    PyObject_HEAD
    unsigned char page_of[256];
    unsigned char pages[][256];
} EncodingMap;

static PyObject *map_size(PyObject *self, PyObject *unused) {
    const EncodingMap *map = (EncodingMap *)self;
    int pages = 0;
    for (int i = 0; i < 256; i++) pages = map->page_of[i] > pages ? map->page_of[i] : pages;
    return PyLong_FromSize_t(sizeof(EncodingMap) + (size_t)(pages + 1) * 256);
}

static void map_dealloc(PyObject *self) { PyObject_Free(self); }

static PyMethodDef map_methods[] = {
    {"size", map_size, METH_NOARGS, "The memory used, in bytes."},
    {NULL},
};

PyTypeObject kr_encoding_map_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = "EncodingMap",
    .tp_basicsize = sizeof(EncodingMap),
    .tp_dealloc = map_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_methods = map_methods,
};

/* Returns the byte of a character, or -1. */
static inline int map_lookup(const EncodingMap *map, Py_UCS4 c) {
    if (c == 0) return 0;
    if (c > 0xffff) return -1;
    int byte = map->pages[map->page_of[c >> 8]][c & 0xff];
    return byte != 0 ? byte : -1;
}

static PyObject *build_dict(PyObject *text, Py_ssize_t length) {
    PyObject *dict = PyDict_New();
    if (dict == NULL) return NULL;
    for (Py_ssize_t i = 0; i < length; i++) {
        PyObject *key = PyLong_FromLong((long)PyUnicode_READ_CHAR(text, i)), *value = PyLong_FromSsize_t(i);
        int failed = key == NULL || value == NULL || PyDict_SetItem(dict, key, value) < 0;
        Py_XDECREF(key);
        Py_XDECREF(value);
        if (failed) {
            Py_DECREF(dict);
            return NULL;
        }
    }
    return dict;
}

PyObject *PyUnicode_BuildEncodingMap(PyObject *text) {
    if (!PyUnicode_Check(text) || PyUnicode_READY(text) < 0 || PyUnicode_GET_LENGTH(text) == 0) {
        PyErr_BadArgument();
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(text) < 256 ? PyUnicode_GET_LENGTH(text) : 256;
    unsigned char page_of[256] = {0};
    int pages = 1, fits = PyUnicode_READ_CHAR(text, 0) == 0;
    for (Py_ssize_t i = 1; i < length && fits; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
        fits = c != 0 && c <= 0xffff;
        if (fits && c != UNDEFINED_CHARACTER && page_of[c >> 8] == 0) {
            fits = pages < 256;
            page_of[c >> 8] = (unsigned char)pages++;
        }
    }
    if (!fits) return build_dict(text, length);
    EncodingMap *map = PyObject_Calloc(1, sizeof(EncodingMap) + (size_t)pages * 256);
    if (map == NULL) return PyErr_NoMemory();
    PyObject_Init((PyObject *)map, &kr_encoding_map_type);
    memcpy(map->page_of, page_of, sizeof page_of);
    for (Py_ssize_t i = 1; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
        if (c != UNDEFINED_CHARACTER) map->pages[page_of[c >> 8]][c & 0xff] = (unsigned char)i;
    }
    return (PyObject *)map;
}

/* ---- encoding ---- */

typedef struct {
    KrEncodeErrors errors;
    PyObject *mapping;
    _PyBytesWriter writer;
} Encoder;

/* Looks a character up in a general mapping. Returns a new reference to an int below 256, bytes or None; or NULL. */
static PyObject *mapping_lookup(PyObject *mapping, Py_UCS4 c) {
    PyObject *key = PyLong_FromLong((long)c);
    if (key == NULL) return NULL;
    PyObject *item = PyObject_GetItem(mapping, key);
    Py_DECREF(key);
    if (item == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_LookupError)) return NULL;
        PyErr_Clear();
        return Py_NewRef(Py_None);
    }
    if (item == Py_None || PyBytes_Check(item)) return item;
    if (PyLong_Check(item)) {
        long value = PyLong_AsLong(item);
        if (value >= 0 && value <= 255) return item;
        PyErr_SetString(PyExc_TypeError, "character mapping must be in range(256)");
    } else {
        PyErr_Format(PyExc_TypeError, "character mapping must return integer, bytes or None, not %.400s",
                     Py_TYPE(item)->tp_name);
    }
    Py_DECREF(item);
    return NULL;
}

/* Writes the bytes of a character, if `output` is not NULL. Returns 1; 0 if it has none; -1 with an exception. */
static int encode_character(Encoder *encoder, Py_UCS4 c, char **output) {
    if (Py_IS_TYPE(encoder->mapping, &kr_encoding_map_type)) {
        int byte = map_lookup((EncodingMap *)encoder->mapping, c);
        if (byte < 0) return 0;
        if (output == NULL) return 1;
        *output = _PyBytesWriter_Prepare(&encoder->writer, *output, 1);
        if (*output == NULL) return -1;
        *(*output)++ = (char)byte;
        return 1;
    }
    PyObject *item = mapping_lookup(encoder->mapping, c);
    if (item == NULL) return -1;
    int found = item != Py_None;
    if (found && output != NULL) {
        if (PyBytes_Check(item)) {
            *output = _PyBytesWriter_WriteBytes(&encoder->writer, *output, PyBytes_AS_STRING(item),
                                                PyBytes_GET_SIZE(item));
        } else {
            char byte = (char)PyLong_AsLong(item);
            *output = _PyBytesWriter_WriteBytes(&encoder->writer, *output, &byte, 1);
        }
        if (*output == NULL) found = -1;
    }
    Py_DECREF(item);
    return found;
}

/* Encodes characters of a replacement, which all must have bytes. `first` and `last` are those that are replaced. */
static int encode_replacement(Encoder *encoder, Py_UCS4 c, char **output, Py_ssize_t first, Py_ssize_t last) {
    int found = encode_character(encoder, c, output);
    if (found == 0) kr_encode_raise(&encoder->errors, first, last, undefined);
    return found == 1 ? 0 : -1;
}

static int encode_reference(Encoder *encoder, Py_UCS4 c, char **output, Py_ssize_t first, Py_ssize_t last) {
    char text[16];
    const char *end = kr_write_character_reference(text, c);
    for (const char *p = text; p < end; p++) {
        if (encode_replacement(encoder, (unsigned char)*p, output, first, last) < 0) return -1;
    }
    return 0;
}

static int encode_by_handler(Encoder *encoder, char **output, Py_ssize_t first, Py_ssize_t last, Py_ssize_t *next) {
    PyObject *replacement = kr_encode_call_handler(&encoder->errors, first, last, undefined, next);
    if (replacement == NULL) return -1;
    int failed = 0;
    if (PyBytes_Check(replacement)) {
        *output = _PyBytesWriter_WriteBytes(&encoder->writer, *output, PyBytes_AS_STRING(replacement),
                                            PyBytes_GET_SIZE(replacement));
        failed = *output == NULL;
    } else {
        for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(replacement) && !failed; i++)
            failed = encode_replacement(encoder, PyUnicode_READ_CHAR(replacement, i), output, first, last) < 0;
    }
    Py_DECREF(replacement);
    return failed ? -1 : 0;
}

/* Writes what stands for the run of characters without bytes that starts at `first`, and stores where to go on. */
static int encode_bad(Encoder *encoder, char **output, Py_ssize_t first, Py_ssize_t *next) {
    PyObject *text = encoder->errors.text;
    Py_ssize_t last = first + 1;
    int found = 0;
    while (last < PyUnicode_GET_LENGTH(text) &&
           (found = encode_character(encoder, PyUnicode_READ_CHAR(text, last), NULL)) == 0)
        last++;
    if (found < 0) return -1;
    *next = last;
    switch (encoder->errors.kind) {
        case KR_ERRORS_STRICT: kr_encode_raise(&encoder->errors, first, last, undefined); return -1;
        case KR_ERRORS_IGNORE: return 0;
        case KR_ERRORS_REPLACE:
            for (Py_ssize_t i = first; i < last; i++) {
                if (encode_replacement(encoder, '?', output, first, last) < 0) return -1;
            }
            return 0;
        case KR_ERRORS_XMLCHARREFREPLACE:
            for (Py_ssize_t i = first; i < last; i++) {
                if (encode_reference(encoder, PyUnicode_READ_CHAR(text, i), output, first, last) < 0) return -1;
            }
            return 0;
        default: return encode_by_handler(encoder, output, first, last, next);
    }
}

PyObject *_PyUnicode_EncodeCharmap(PyObject *text, PyObject *mapping, const char *errors) {
    if (PyUnicode_READY(text) < 0) return NULL;
    if (mapping == NULL || mapping == Py_None) return _PyUnicode_AsLatin1String(text, errors);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), i = 0;
    if (length == 0) return PyBytes_FromStringAndSize(NULL, 0);
    Encoder encoder = {.mapping = mapping};
    kr_encode_begin(&encoder.errors, "charmap", errors, text);
    _PyBytesWriter_Init(&encoder.writer);
    char *output = _PyBytesWriter_Alloc(&encoder.writer, length);
    int failed = output == NULL;
    encoder.writer.overallocate = 1;
    encoder.writer.min_size = 0; /* every part is prepared by itself */
    while (!failed && i < length) {
        int found = encode_character(&encoder, PyUnicode_READ_CHAR(text, i), &output);
        if (found == 1) i++;
        else failed = found < 0 || encode_bad(&encoder, &output, i, &i) < 0;
    }
    kr_encode_end(&encoder.errors);
    if (failed) {
        _PyBytesWriter_Dealloc(&encoder.writer);
        return NULL;
    }
    encoder.writer.overallocate = 0;
    return _PyBytesWriter_Finish(&encoder.writer, output);
}

PyObject *PyUnicode_AsCharmapString(PyObject *text, PyObject *mapping) {
    if (!PyUnicode_Check(text) || mapping == NULL) {
        PyErr_BadArgument();
        return NULL;
    }
    return _PyUnicode_EncodeCharmap(text, mapping, NULL);
}
