/* The error handlers that every program finds registered.
 *
 * A handler takes a Unicode exception and returns a pair of what stands for the bad part and the position to go on from,
 * or raises the exception.
 */
#include <Python.h>
#include <string.h>

#include "base/unicode_names.h"
#include "types/codecs/codecs.h"

static int is_encode_error(PyObject *exception) {
    return PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_UnicodeEncodeError);
}

static int is_decode_error(PyObject *exception) {
    return PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_UnicodeDecodeError);
}

static int is_translate_error(PyObject *exception) {
    return PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_UnicodeTranslateError);
}

static PyObject *wrong_type(PyObject *exception) {
    return PyErr_Format(PyExc_TypeError, "don't know how to handle %.200s in error callback",
                        Py_TYPE(exception)->tp_name);
}

/* The bad part of the object of an exception. */
typedef struct {
    PyObject *object; /* owned */
    Py_ssize_t start, end;
} BadPart;

static int get_bad_part(PyObject *exception, BadPart *part) {
    if (is_encode_error(exception)) {
        if (PyUnicodeEncodeError_GetStart(exception, &part->start) < 0 ||
            PyUnicodeEncodeError_GetEnd(exception, &part->end) < 0)
            return -1;
        part->object = PyUnicodeEncodeError_GetObject(exception);
    } else if (is_decode_error(exception)) {
        if (PyUnicodeDecodeError_GetStart(exception, &part->start) < 0 ||
            PyUnicodeDecodeError_GetEnd(exception, &part->end) < 0)
            return -1;
        part->object = PyUnicodeDecodeError_GetObject(exception);
    } else {
        if (PyUnicodeTranslateError_GetStart(exception, &part->start) < 0 ||
            PyUnicodeTranslateError_GetEnd(exception, &part->end) < 0)
            return -1;
        part->object = PyUnicodeTranslateError_GetObject(exception);
    }
    if (part->object == NULL) return -1;
    return PyUnicode_Check(part->object) ? PyUnicode_READY(part->object) : 0;
}

static const unsigned char *bad_bytes(const BadPart *part) {
    return (const unsigned char *)PyBytes_AS_STRING(part->object);
}

/* Returns the pair and takes the reference to the replacement, which may be NULL. */
static PyObject *answer(PyObject *replacement, Py_ssize_t position) {
    return replacement != NULL ? Py_BuildValue("(Nn)", replacement, position) : NULL;
}

PyObject *PyCodec_StrictErrors(PyObject *exception) {
    if (PyExceptionInstance_Check(exception))
        PyErr_SetObject(PyExceptionInstance_Class(exception), exception);
    else
        PyErr_SetString(PyExc_TypeError, "codec must pass exception instance");
    return NULL;
}

PyObject *PyCodec_IgnoreErrors(PyObject *exception) {
    BadPart part;
    if (!is_encode_error(exception) && !is_decode_error(exception) && !is_translate_error(exception))
        return wrong_type(exception);
    if (get_bad_part(exception, &part) < 0) return NULL;
    Py_DECREF(part.object);
    return answer(PyUnicode_New(0, 0), part.end);
}

/* A str of `count` equal characters. */
static PyObject *repeated(Py_UCS4 character, Py_ssize_t count) {
    PyObject *text = PyUnicode_New(count > 0 ? count : 0, character);
    if (text != NULL && count > 0 && PyUnicode_Fill(text, 0, count, character) < 0) Py_CLEAR(text);
    return text;
}

PyObject *PyCodec_ReplaceErrors(PyObject *exception) {
    BadPart part;
    int encoding = is_encode_error(exception), decoding = is_decode_error(exception);
    if (!encoding && !decoding && !is_translate_error(exception)) return wrong_type(exception);
    if (get_bad_part(exception, &part) < 0) return NULL;
    Py_DECREF(part.object);
    return answer(repeated(encoding ? '?' : Py_UNICODE_REPLACEMENT_CHARACTER, decoding ? 1 : part.end - part.start),
                  part.end);
}

/* ---- escapes ---- */

/* Writes one character of an escape form, e.g. "&#228;"; returns 0 or -1. */
typedef int (*EscapeWriter)(_PyUnicodeWriter *writer, Py_UCS4 character);

static int write_character_reference(_PyUnicodeWriter *writer, Py_UCS4 character) {
    char text[16];
    return _PyUnicodeWriter_WriteASCIIString(writer, text, kr_write_character_reference(text, character) - text);
}

static int write_backslash_escape(_PyUnicodeWriter *writer, Py_UCS4 character) {
    char text[16];
    return _PyUnicodeWriter_WriteASCIIString(writer, text, kr_write_backslash_escape(text, character) - text);
}

static int write_name_escape(_PyUnicodeWriter *writer, Py_UCS4 character) {
    char name[KR_UNICODE_NAME_MAX];
    const KrCharacterNames *names = kr_codec_character_names();
    if (names == NULL) return -1;
    if (!names->get_name(character, name, sizeof name, 1)) return write_backslash_escape(writer, character);
    if (_PyUnicodeWriter_WriteASCIIString(writer, "\\N{", 3) < 0) return -1;
    if (_PyUnicodeWriter_WriteASCIIString(writer, name, (Py_ssize_t)strlen(name)) < 0) return -1;
    return _PyUnicodeWriter_WriteChar(writer, '}');
}

static PyObject *escape_all(PyObject *exception, EscapeWriter write) {
    BadPart part;
    _PyUnicodeWriter writer;
    if (get_bad_part(exception, &part) < 0) return NULL;
    _PyUnicodeWriter_Init(&writer);
    writer.overallocate = 1;
    for (Py_ssize_t i = part.start; i < part.end; i++) {
        Py_UCS4 c = PyBytes_Check(part.object) ? bad_bytes(&part)[i] : PyUnicode_READ_CHAR(part.object, i);
        if (write(&writer, c) < 0) {
            _PyUnicodeWriter_Dealloc(&writer);
            Py_DECREF(part.object);
            return NULL;
        }
    }
    Py_DECREF(part.object);
    return answer(_PyUnicodeWriter_Finish(&writer), part.end);
}

PyObject *PyCodec_XMLCharRefReplaceErrors(PyObject *exception) {
    if (!is_encode_error(exception)) return wrong_type(exception);
    return escape_all(exception, write_character_reference);
}

PyObject *PyCodec_BackslashReplaceErrors(PyObject *exception) {
    if (!is_encode_error(exception) && !is_decode_error(exception) && !is_translate_error(exception))
        return wrong_type(exception);
    return escape_all(exception, write_backslash_escape);
}

PyObject *PyCodec_NameReplaceErrors(PyObject *exception) {
    if (!is_encode_error(exception)) return wrong_type(exception);
    return escape_all(exception, write_name_escape);
}

/* ---- surrogates ---- */

typedef enum { UTF_UNKNOWN, UTF_8, UTF_16_LE, UTF_16_BE, UTF_32_LE, UTF_32_BE } UtfForm;

static const char *skip_separator(const char *name) { return *name == '-' || *name == '_' ? name + 1 : name; }

/* Recognises the names of the UTF encodings; without a byte order it is the machine's. */
static UtfForm utf_form(const char *name) {
    if (Py_TOLOWER(name[0]) != 'u' || Py_TOLOWER(name[1]) != 't' || Py_TOLOWER(name[2]) != 'f') return UTF_UNKNOWN;
    name = skip_separator(name + 3);
    if (strcmp(name, "8") == 0) return UTF_8;
    int is_16 = strncmp(name, "16", 2) == 0;
    if (!is_16 && strncmp(name, "32", 2) != 0) return UTF_UNKNOWN;
    name += 2;
    int big_endian = PY_BIG_ENDIAN;
    if (*name != 0) {
        name = skip_separator(name);
        int first = Py_TOLOWER(name[0]);
        if ((first != 'b' && first != 'l') || Py_TOLOWER(name[1]) != 'e' || name[2] != 0) return UTF_UNKNOWN;
        big_endian = first == 'b';
    }
    if (is_16) return big_endian ? UTF_16_BE : UTF_16_LE;
    return big_endian ? UTF_32_BE : UTF_32_LE;
}

static int form_size(UtfForm form) { return form == UTF_8 ? 3 : form == UTF_16_LE || form == UTF_16_BE ? 2 : 4; }

static void write_surrogate(unsigned char *output, UtfForm form, Py_UCS4 c) {
    unsigned char high = (unsigned char)(c >> 8), low = (unsigned char)c;
    switch (form) {
        case UTF_8:
            output[0] = (unsigned char)(0xe0 | c >> 12);
            output[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
            output[2] = (unsigned char)(0x80 | (c & 0x3f));
            break;
        case UTF_16_LE: output[0] = low, output[1] = high; break;
        case UTF_16_BE: output[0] = high, output[1] = low; break;
        case UTF_32_LE: output[0] = low, output[1] = high, output[2] = output[3] = 0; break;
        default: output[0] = output[1] = 0, output[2] = high, output[3] = low; break;
    }
}

/* Reads what may be a surrogate; returns 0 if it is none. */
static Py_UCS4 read_surrogate(const unsigned char *input, UtfForm form) {
    Py_UCS4 c;
    switch (form) {
        case UTF_8:
            if ((input[0] & 0xf0) != 0xe0 || (input[1] & 0xc0) != 0x80 || (input[2] & 0xc0) != 0x80) return 0;
            c = (Py_UCS4)(input[0] & 0x0f) << 12 | (Py_UCS4)(input[1] & 0x3f) << 6 | (input[2] & 0x3f);
            break;
        case UTF_16_LE: c = (Py_UCS4)input[1] << 8 | input[0]; break;
        case UTF_16_BE: c = (Py_UCS4)input[0] << 8 | input[1]; break;
        case UTF_32_LE: c = (Py_UCS4)input[3] << 24 | (Py_UCS4)input[2] << 16 | (Py_UCS4)input[1] << 8 | input[0]; break;
        default: c = (Py_UCS4)input[0] << 24 | (Py_UCS4)input[1] << 16 | (Py_UCS4)input[2] << 8 | input[3]; break;
    }
    return kr_is_surrogate(c) ? c : 0;
}

static PyObject *pass_encode(PyObject *exception, const BadPart *part, UtfForm form) {
    int size = form_size(form);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size * (part->end - part->start));
    if (bytes == NULL) return NULL;
    unsigned char *output = (unsigned char *)PyBytes_AS_STRING(bytes);
    for (Py_ssize_t i = part->start; i < part->end; i++, output += size) {
        Py_UCS4 c = PyUnicode_READ_CHAR(part->object, i);
        if (!kr_is_surrogate(c)) {
            Py_DECREF(bytes);
            return PyCodec_StrictErrors(exception);
        }
        write_surrogate(output, form, c);
    }
    return answer(bytes, part->end);
}

static PyObject *pass_decode(PyObject *exception, const BadPart *part, UtfForm form) {
    int size = form_size(form);
    Py_UCS4 c = 0;
    if (PyBytes_GET_SIZE(part->object) - part->start >= size) c = read_surrogate(bad_bytes(part) + part->start, form);
    if (c == 0) return PyCodec_StrictErrors(exception);
    return answer(PyUnicode_FromOrdinal((int)c), part->start + size);
}

/* Encodes surrogates as other characters are, and back. */
static PyObject *surrogatepass_errors(PyObject *unused, PyObject *exception) {
    int encoding = is_encode_error(exception);
    if (!encoding && !is_decode_error(exception)) return wrong_type(exception);
    PyObject *name = encoding ? PyUnicodeEncodeError_GetEncoding(exception) : PyUnicodeDecodeError_GetEncoding(exception);
    if (name == NULL) return NULL;
    const char *text = PyUnicode_AsUTF8(name);
    UtfForm form = text != NULL ? utf_form(text) : UTF_UNKNOWN;
    Py_DECREF(name);
    if (text == NULL) return NULL;
    if (form == UTF_UNKNOWN) return PyCodec_StrictErrors(exception);
    BadPart part;
    if (get_bad_part(exception, &part) < 0) return NULL;
    PyObject *result = encoding ? pass_encode(exception, &part, form) : pass_decode(exception, &part, form);
    Py_DECREF(part.object);
    return result;
}

static PyObject *escape_encode(PyObject *exception, const BadPart *part) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, part->end - part->start);
    if (bytes == NULL) return NULL;
    char *output = PyBytes_AS_STRING(bytes);
    for (Py_ssize_t i = part->start; i < part->end; i++) {
        int byte = kr_escaped_byte(PyUnicode_READ_CHAR(part->object, i));
        if (byte < 0) {
            Py_DECREF(bytes);
            return PyCodec_StrictErrors(exception);
        }
        *output++ = (char)byte;
    }
    return answer(bytes, part->end);
}

static PyObject *escape_decode(PyObject *exception, const BadPart *part) {
    Py_UCS2 escaped[4];
    int count = 0;
    while (count < 4 && part->start + count < part->end && bad_bytes(part)[part->start + count] >= 128) {
        escaped[count] = 0xdc00 + bad_bytes(part)[part->start + count];
        count++;
    }
    if (count == 0) return PyCodec_StrictErrors(exception);
    return answer(PyUnicode_FromKindAndData(PyUnicode_2BYTE_KIND, escaped, count), part->start + count);
}

/* Decodes a bad byte to a surrogate of its own, and encodes that to the byte. */
static PyObject *surrogateescape_errors(PyObject *unused, PyObject *exception) {
    BadPart part;
    int encoding = is_encode_error(exception);
    if (!encoding && !is_decode_error(exception)) return wrong_type(exception);
    if (get_bad_part(exception, &part) < 0) return NULL;
    PyObject *result = encoding ? escape_encode(exception, &part) : escape_decode(exception, &part);
    Py_DECREF(part.object);
    return result;
}

/* ---- as objects ---- */

static PyObject *strict_errors(PyObject *unused, PyObject *exception) { return PyCodec_StrictErrors(exception); }
static PyObject *ignore_errors(PyObject *unused, PyObject *exception) { return PyCodec_IgnoreErrors(exception); }
static PyObject *replace_errors(PyObject *unused, PyObject *exception) { return PyCodec_ReplaceErrors(exception); }
static PyObject *xmlcharrefreplace_errors(PyObject *unused, PyObject *exception) {
    return PyCodec_XMLCharRefReplaceErrors(exception);
}
static PyObject *backslashreplace_errors(PyObject *unused, PyObject *exception) {
    return PyCodec_BackslashReplaceErrors(exception);
}
static PyObject *namereplace_errors(PyObject *unused, PyObject *exception) {
    return PyCodec_NameReplaceErrors(exception);
}

KrHandlerEntry kr_codec_handlers[] = {
    {"strict", {"strict_errors", strict_errors, METH_O, "Raise the exception."}},
    {"ignore", {"ignore_errors", ignore_errors, METH_O, "Leave the bad part out."}},
    {"replace", {"replace_errors", replace_errors, METH_O, "Put question marks or U+FFFD in place of the bad part."}},
    {"xmlcharrefreplace",
     {"xmlcharrefreplace_errors", xmlcharrefreplace_errors, METH_O, "Put character references in place of the bad part."}},
    {"backslashreplace",
     {"backslashreplace_errors", backslashreplace_errors, METH_O, "Put backslash escapes in place of the bad part."}},
    {"namereplace", {"namereplace_errors", namereplace_errors, METH_O, "Put \\N{...} escapes in place of the bad part."}},
    {"surrogatepass", {"surrogatepass", surrogatepass_errors, METH_O, "Let surrogates through."}},
    {"surrogateescape",
     {"surrogateescape", surrogateescape_errors, METH_O, "Turn bad bytes to surrogates and these to the bytes again."}},
    {NULL, {NULL}},
};
