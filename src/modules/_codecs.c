/* The native module _codecs: the registry, and a function for each direction of each built-in codec.
 *
 * Decoders return (text, number of bytes used), encoders (bytes, number of characters used). `errors` is the name of an
 * error handler or None. A decoder with final=False leaves an incomplete character at the end for later.
 */
#include <Python.h>
#include <string.h>

#include "types/bytes_internal.h"

/* ---- arguments ---- */

/* Reads a str argument without null characters. */
static int name_argument(const char *function, const char *label, PyObject *object, const char *expected,
                         const char **name) {
    Py_ssize_t size;
    if (!PyUnicode_Check(object)) {
        _PyArg_BadArgument(function, label, expected, object);
        return -1;
    }
    *name = PyUnicode_AsUTF8AndSize(object, &size);
    if (*name == NULL) return -1;
    if (strlen(*name) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return -1;
    }
    return 0;
}

/* Reads the argument `errors`, the second one, if it is there. */
static int errors_argument(const char *function, PyObject *const *args, Py_ssize_t count, const char **errors) {
    *errors = NULL;
    if (count < 2 || args[1] == Py_None) return 0;
    return name_argument(function, "argument 2", args[1], "str or None", errors);
}

static int text_argument(const char *function, PyObject *object) {
    if (PyUnicode_Check(object)) return PyUnicode_READY(object);
    _PyArg_BadArgument(function, "argument 1", "str", object);
    return -1;
}

/* Reads a truth value at an index if it is there. */
static int flag_argument(PyObject *const *args, Py_ssize_t count, Py_ssize_t index, int *flag) {
    if (count <= index) return 0;
    *flag = _PyLong_AsInt(args[index]);
    return *flag == -1 && PyErr_Occurred() ? -1 : 0;
}

static int int_argument(PyObject *const *args, Py_ssize_t count, Py_ssize_t index, int *value) {
    if (count <= index) return 0;
    *value = _PyLong_AsInt(args[index]);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Takes the memory of a bytes-like object or, if they are allowed, the UTF-8 form of a str. */
static int data_argument(PyObject *object, int allow_text, Py_buffer *view) {
    if (!allow_text || !PyUnicode_Check(object)) return PyObject_GetBuffer(object, view, PyBUF_SIMPLE);
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (text == NULL) return -1;
    return PyBuffer_FillInfo(view, object, (void *)text, size, 1, PyBUF_SIMPLE);
}

/* Builds the pair and takes the reference to the result, which may be NULL. */
static PyObject *pair(PyObject *result, Py_ssize_t used) {
    return result != NULL ? Py_BuildValue("(Nn)", result, used) : NULL;
}

/* ---- decoders ---- */

typedef PyObject *(*StatelessDecoder)(const char *, Py_ssize_t, const char *);
typedef PyObject *(*StatefulDecoder)(const char *, Py_ssize_t, const char *, Py_ssize_t *);

static PyObject *decode_stateless(const char *function, StatelessDecoder decode, int allow_text, PyObject *const *args,
                                  Py_ssize_t count) {
    Py_buffer data;
    const char *errors;
    if (!_PyArg_CheckPositional(function, count, 1, 2) || data_argument(args[0], allow_text, &data) < 0) return NULL;
    PyObject *result = NULL;
    if (errors_argument(function, args, count, &errors) == 0) result = pair(decode(data.buf, data.len, errors), data.len);
    PyBuffer_Release(&data);
    return result;
}

static PyObject *decode_stateful(const char *function, StatefulDecoder decode, int allow_text, int final,
                                 PyObject *const *args, Py_ssize_t count) {
    Py_buffer data;
    const char *errors;
    if (!_PyArg_CheckPositional(function, count, 1, 3) || data_argument(args[0], allow_text, &data) < 0) return NULL;
    PyObject *result = NULL;
    Py_ssize_t used = data.len;
    if (errors_argument(function, args, count, &errors) == 0 && flag_argument(args, count, 2, &final) == 0) {
        result = decode(data.buf, data.len, errors, final ? NULL : &used);
        result = pair(result, used);
    }
    PyBuffer_Release(&data);
    return result;
}

#define STATELESS_DECODER(name, decode, allow_text)                                                                    \
    static PyObject *codecs_##name(PyObject *module, PyObject *const *args, Py_ssize_t count) {                        \
        return decode_stateless(#name, decode, allow_text, args, count);                                               \
    }
#define STATEFUL_DECODER(name, decode, allow_text, final)                                                              \
    static PyObject *codecs_##name(PyObject *module, PyObject *const *args, Py_ssize_t count) {                        \
        return decode_stateful(#name, decode, allow_text, final, args, count);                                         \
    }

static PyObject *decode_escape(const char *data, Py_ssize_t size, const char *errors) {
    return PyBytes_DecodeEscape(data, size, errors, 0, NULL);
}

/* The codecs with a byte order in their name. */
#define WITH_BYTE_ORDER(name, decode, order)                                                                           \
    static PyObject *name(const char *data, Py_ssize_t size, const char *errors, Py_ssize_t *used) {                   \
        int byteorder = order;                                                                                         \
        return decode(data, size, errors, &byteorder, used);                                                           \
    }

WITH_BYTE_ORDER(decode_utf_16, PyUnicode_DecodeUTF16Stateful, 0)
WITH_BYTE_ORDER(decode_utf_16_le, PyUnicode_DecodeUTF16Stateful, -1)
WITH_BYTE_ORDER(decode_utf_16_be, PyUnicode_DecodeUTF16Stateful, 1)
WITH_BYTE_ORDER(decode_utf_32, PyUnicode_DecodeUTF32Stateful, 0)
WITH_BYTE_ORDER(decode_utf_32_le, PyUnicode_DecodeUTF32Stateful, -1)
WITH_BYTE_ORDER(decode_utf_32_be, PyUnicode_DecodeUTF32Stateful, 1)

STATELESS_DECODER(escape_decode, decode_escape, 1)
STATELESS_DECODER(latin_1_decode, PyUnicode_DecodeLatin1, 0)
STATELESS_DECODER(ascii_decode, PyUnicode_DecodeASCII, 0)
STATEFUL_DECODER(utf_7_decode, PyUnicode_DecodeUTF7Stateful, 0, 0)
STATEFUL_DECODER(utf_8_decode, PyUnicode_DecodeUTF8Stateful, 0, 0)
STATEFUL_DECODER(utf_16_decode, decode_utf_16, 0, 0)
STATEFUL_DECODER(utf_16_le_decode, decode_utf_16_le, 0, 0)
STATEFUL_DECODER(utf_16_be_decode, decode_utf_16_be, 0, 0)
STATEFUL_DECODER(utf_32_decode, decode_utf_32, 0, 0)
STATEFUL_DECODER(utf_32_le_decode, decode_utf_32_le, 0, 0)
STATEFUL_DECODER(utf_32_be_decode, decode_utf_32_be, 0, 0)
STATEFUL_DECODER(unicode_escape_decode, _PyUnicode_DecodeUnicodeEscapeStateful, 1, 1)
STATEFUL_DECODER(raw_unicode_escape_decode, _PyUnicode_DecodeRawUnicodeEscapeStateful, 1, 1)

typedef PyObject *(*OrderedDecoder)(const char *, Py_ssize_t, const char *, int *, Py_ssize_t *);

/* (data, errors, byteorder, final) -> (text, used, byte order that was found) */
static PyObject *decode_extended(const char *function, OrderedDecoder decode, PyObject *const *args, Py_ssize_t count) {
    Py_buffer data;
    const char *errors;
    int byteorder = 0, final = 0;
    if (!_PyArg_CheckPositional(function, count, 1, 4) || data_argument(args[0], 0, &data) < 0) return NULL;
    PyObject *result = NULL;
    Py_ssize_t used = data.len;
    if (errors_argument(function, args, count, &errors) == 0 && int_argument(args, count, 2, &byteorder) == 0 &&
        flag_argument(args, count, 3, &final) == 0) {
        result = decode(data.buf, data.len, errors, &byteorder, final ? NULL : &used);
        if (result != NULL) result = Py_BuildValue("(Nni)", result, used, byteorder);
    }
    PyBuffer_Release(&data);
    return result;
}

static PyObject *codecs_utf_16_ex_decode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return decode_extended("utf_16_ex_decode", PyUnicode_DecodeUTF16Stateful, args, count);
}

static PyObject *codecs_utf_32_ex_decode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return decode_extended("utf_32_ex_decode", PyUnicode_DecodeUTF32Stateful, args, count);
}

static PyObject *codecs_charmap_decode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer data;
    const char *errors;
    if (!_PyArg_CheckPositional("charmap_decode", count, 1, 3) || data_argument(args[0], 0, &data) < 0) return NULL;
    PyObject *mapping = count > 2 && args[2] != Py_None ? args[2] : NULL, *result = NULL;
    if (errors_argument("charmap_decode", args, count, &errors) == 0)
        result = pair(PyUnicode_DecodeCharmap(data.buf, data.len, mapping, errors), data.len);
    PyBuffer_Release(&data);
    return result;
}

/* ---- encoders ---- */

typedef PyObject *(*Encoder)(PyObject *, const char *);

static PyObject *encode(const char *function, Encoder encoder, PyObject *const *args, Py_ssize_t count) {
    const char *errors;
    if (!_PyArg_CheckPositional(function, count, 1, 2) || text_argument(function, args[0]) < 0 ||
        errors_argument(function, args, count, &errors) < 0)
        return NULL;
    return pair(encoder(args[0], errors), PyUnicode_GET_LENGTH(args[0]));
}

#define ENCODER(name, encoder)                                                                                         \
    static PyObject *codecs_##name(PyObject *module, PyObject *const *args, Py_ssize_t count) {                        \
        return encode(#name, encoder, args, count);                                                                    \
    }

static PyObject *encode_utf_7(PyObject *text, const char *errors) { return _PyUnicode_EncodeUTF7(text, 0, 0, errors); }
static PyObject *encode_utf_16_le(PyObject *text, const char *errors) {
    return _PyUnicode_EncodeUTF16(text, errors, -1);
}
static PyObject *encode_utf_16_be(PyObject *text, const char *errors) { return _PyUnicode_EncodeUTF16(text, errors, 1); }
static PyObject *encode_utf_32_le(PyObject *text, const char *errors) {
    return _PyUnicode_EncodeUTF32(text, errors, -1);
}
static PyObject *encode_utf_32_be(PyObject *text, const char *errors) { return _PyUnicode_EncodeUTF32(text, errors, 1); }
static PyObject *encode_unicode_escape(PyObject *text, const char *errors) {
    return PyUnicode_AsUnicodeEscapeString(text);
}
static PyObject *encode_raw_unicode_escape(PyObject *text, const char *errors) {
    return PyUnicode_AsRawUnicodeEscapeString(text);
}

ENCODER(utf_7_encode, encode_utf_7)
ENCODER(utf_8_encode, _PyUnicode_AsUTF8String)
ENCODER(utf_16_le_encode, encode_utf_16_le)
ENCODER(utf_16_be_encode, encode_utf_16_be)
ENCODER(utf_32_le_encode, encode_utf_32_le)
ENCODER(utf_32_be_encode, encode_utf_32_be)
ENCODER(unicode_escape_encode, encode_unicode_escape)
ENCODER(raw_unicode_escape_encode, encode_raw_unicode_escape)
ENCODER(latin_1_encode, _PyUnicode_AsLatin1String)
ENCODER(ascii_encode, _PyUnicode_AsASCIIString)

static PyObject *encode_ordered(const char *function, PyObject *(*encoder)(PyObject *, const char *, int),
                                PyObject *const *args, Py_ssize_t count) {
    const char *errors;
    int byteorder = 0;
    if (!_PyArg_CheckPositional(function, count, 1, 3) || text_argument(function, args[0]) < 0 ||
        errors_argument(function, args, count, &errors) < 0 || int_argument(args, count, 2, &byteorder) < 0)
        return NULL;
    return pair(encoder(args[0], errors, byteorder), PyUnicode_GET_LENGTH(args[0]));
}

static PyObject *codecs_utf_16_encode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return encode_ordered("utf_16_encode", _PyUnicode_EncodeUTF16, args, count);
}

static PyObject *codecs_utf_32_encode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return encode_ordered("utf_32_encode", _PyUnicode_EncodeUTF32, args, count);
}

static PyObject *codecs_charmap_encode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const char *errors;
    if (!_PyArg_CheckPositional("charmap_encode", count, 1, 3) || text_argument("charmap_encode", args[0]) < 0 ||
        errors_argument("charmap_encode", args, count, &errors) < 0)
        return NULL;
    PyObject *mapping = count > 2 && args[2] != Py_None ? args[2] : NULL;
    return pair(_PyUnicode_EncodeCharmap(args[0], mapping, errors), PyUnicode_GET_LENGTH(args[0]));
}

static PyObject *codecs_charmap_build(PyObject *module, PyObject *map) {
    if (!PyUnicode_Check(map)) {
        _PyArg_BadArgument("charmap_build", "argument", "str", map);
        return NULL;
    }
    return PyUnicode_BuildEncodingMap(map);
}

static PyObject *codecs_escape_encode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const char *errors;
    if (!_PyArg_CheckPositional("escape_encode", count, 1, 2)) return NULL;
    if (!PyBytes_Check(args[0])) {
        _PyArg_BadArgument("escape_encode", "argument 1", "bytes", args[0]);
        return NULL;
    }
    if (errors_argument("escape_encode", args, count, &errors) < 0) return NULL;
    /* The text between the quotes of a literal. */
    PyObject *literal = kr_bytes_repr(kr_bytes_view(args[0]), (KrBytesReprStyle){"", "", 0, 0});
    if (literal == NULL) return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)PyUnicode_1BYTE_DATA(literal) + 1,
                                                PyUnicode_GET_LENGTH(literal) - 2);
    Py_DECREF(literal);
    return pair(bytes, PyBytes_GET_SIZE(args[0]));
}

static PyObject *codecs_readbuffer_encode(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer data;
    const char *errors;
    if (!_PyArg_CheckPositional("readbuffer_encode", count, 1, 2) || data_argument(args[0], 1, &data) < 0) return NULL;
    PyObject *result = NULL;
    if (errors_argument("readbuffer_encode", args, count, &errors) == 0)
        result = pair(PyBytes_FromStringAndSize(data.buf, data.len), data.len);
    PyBuffer_Release(&data);
    return result;
}

/* ---- registry ---- */

static PyObject *none_unless(int failed) { return failed < 0 ? NULL : Py_NewRef(Py_None); }

static PyObject *codecs_register(PyObject *module, PyObject *search_function) {
    return none_unless(PyCodec_Register(search_function));
}

static PyObject *codecs_unregister(PyObject *module, PyObject *search_function) {
    return none_unless(PyCodec_Unregister(search_function));
}

static PyObject *codecs_lookup(PyObject *module, PyObject *encoding) {
    const char *name;
    if (name_argument("lookup", "argument", encoding, "str", &name) < 0) return NULL;
    return _PyCodec_Lookup(name);
}

static PyObject *codecs_register_error(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const char *name;
    if (!_PyArg_CheckPositional("register_error", count, 2, 2) ||
        name_argument("register_error", "argument 1", args[0], "str", &name) < 0)
        return NULL;
    return none_unless(PyCodec_RegisterError(name, args[1]));
}

static PyObject *codecs_lookup_error(PyObject *module, PyObject *errors) {
    const char *name;
    if (name_argument("lookup_error", "argument", errors, "str", &name) < 0) return NULL;
    return PyCodec_LookupError(name);
}

/* encode(obj, encoding, errors) and decode(obj, encoding, errors) */
static PyObject *convert(const char *function, _PyArg_Parser *parser,
                         PyObject *(*converter)(PyObject *, const char *, const char *), PyObject *const *args,
                         Py_ssize_t count, PyObject *kwnames) {
    PyObject *values[3] = {NULL};
    const char *encoding = "utf-8", *errors = NULL;
    PyObject *const *items = _PyArg_UnpackKeywords(args, count, NULL, kwnames, parser, 1, 3, 0, values);
    if (items == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count && items != values; i++) values[i] = items[i];
    if (values[1] != NULL && name_argument(function, "argument 'encoding'", values[1], "str", &encoding) < 0) return NULL;
    if (values[2] != NULL && name_argument(function, "argument 'errors'", values[2], "str", &errors) < 0) return NULL;
    return converter(values[0], encoding, errors);
}

static const char *const convert_keywords[] = {"obj", "encoding", "errors", NULL};

static PyObject *codecs_encode(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = convert_keywords, .fname = "encode"};
    return convert("encode", &parser, PyCodec_Encode, args, count, kwnames);
}

static PyObject *codecs_decode(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = convert_keywords, .fname = "decode"};
    return convert("decode", &parser, PyCodec_Decode, args, count, kwnames);
}

/* ---- the module ---- */

#define ONE(name, signature, text) {#name, codecs_##name, METH_O, #name signature "\n--\n\n" text}
#define MANY(name, signature, text)                                                                                    \
    {#name, (PyCFunction)(void (*)(void))codecs_##name, METH_FASTCALL, #name signature "\n--\n\n" text}
#define NAMED(name, signature, text)                                                                                   \
    {#name, (PyCFunction)(void (*)(void))codecs_##name, METH_FASTCALL | METH_KEYWORDS, #name signature "\n--\n\n" text}
#define DECODER_ENTRY(name) MANY(name, "($module, data, errors=None, /)", "Decode bytes to a str.")
#define PARTIAL_DECODER_ENTRY(name, final)                                                                             \
    MANY(name, "($module, data, errors=None, final=" final ", /)", "Decode bytes to a str.")
#define ENCODER_ENTRY(name) MANY(name, "($module, str, errors=None, /)", "Encode a str to bytes.")

static PyMethodDef codecs_functions[] = {
    ONE(register, "($module, search_function, /)", "Add a function that finds codecs by name."),
    ONE(unregister, "($module, search_function, /)", "Remove a search function and forget what was found."),
    ONE(lookup, "($module, encoding, /)", "Find a codec; raise LookupError if there is none."),
    NAMED(encode, "($module, /, obj, encoding='utf-8', errors='strict')", "Encode an object with a registered codec."),
    NAMED(decode, "($module, /, obj, encoding='utf-8', errors='strict')", "Decode an object with a registered codec."),
    MANY(escape_encode, "($module, data, errors=None, /)", "Encode bytes as they stand in a literal."),
    DECODER_ENTRY(escape_decode),
    ENCODER_ENTRY(utf_8_encode),
    PARTIAL_DECODER_ENTRY(utf_8_decode, "False"),
    ENCODER_ENTRY(utf_7_encode),
    PARTIAL_DECODER_ENTRY(utf_7_decode, "False"),
    MANY(utf_16_encode, "($module, str, errors=None, byteorder=0, /)", "Encode a str to bytes."),
    ENCODER_ENTRY(utf_16_le_encode),
    ENCODER_ENTRY(utf_16_be_encode),
    PARTIAL_DECODER_ENTRY(utf_16_decode, "False"),
    PARTIAL_DECODER_ENTRY(utf_16_le_decode, "False"),
    PARTIAL_DECODER_ENTRY(utf_16_be_decode, "False"),
    MANY(utf_16_ex_decode, "($module, data, errors=None, byteorder=0, final=False,\n                 /)",
         "Decode bytes and tell the byte order that was found."),
    MANY(utf_32_encode, "($module, str, errors=None, byteorder=0, /)", "Encode a str to bytes."),
    ENCODER_ENTRY(utf_32_le_encode),
    ENCODER_ENTRY(utf_32_be_encode),
    PARTIAL_DECODER_ENTRY(utf_32_decode, "False"),
    PARTIAL_DECODER_ENTRY(utf_32_le_decode, "False"),
    PARTIAL_DECODER_ENTRY(utf_32_be_decode, "False"),
    MANY(utf_32_ex_decode, "($module, data, errors=None, byteorder=0, final=False,\n                 /)",
         "Decode bytes and tell the byte order that was found."),
    ENCODER_ENTRY(unicode_escape_encode),
    PARTIAL_DECODER_ENTRY(unicode_escape_decode, "True"),
    ENCODER_ENTRY(raw_unicode_escape_encode),
    PARTIAL_DECODER_ENTRY(raw_unicode_escape_decode, "True"),
    ENCODER_ENTRY(latin_1_encode),
    DECODER_ENTRY(latin_1_decode),
    ENCODER_ENTRY(ascii_encode),
    DECODER_ENTRY(ascii_decode),
    MANY(charmap_encode, "($module, str, errors=None, mapping=None, /)", "Encode a str with a mapping to bytes."),
    MANY(charmap_decode, "($module, data, errors=None, mapping=None, /)", "Decode bytes with a mapping to characters."),
    ONE(charmap_build, "($module, map, /)", "A mapping for charmap_encode from the 256 characters of an encoding."),
    MANY(readbuffer_encode, "($module, data, errors=None, /)", "The memory of a buffer as bytes."),
    MANY(register_error, "($module, errors, handler, /)", "Give a name to an error handler."),
    ONE(lookup_error, "($module, name, /)", "Find an error handler by name."),
    {NULL},
};

static PyModuleDef_Slot codecs_slots[] = {{0, NULL}};

static struct PyModuleDef codecs_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_codecs",
    .m_methods = codecs_functions,
    .m_slots = codecs_slots,
};

PyMODINIT_FUNC PyInit__codecs(void) { return PyModuleDef_Init(&codecs_module); }
