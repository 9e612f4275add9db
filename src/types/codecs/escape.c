/* Backslash escapes of str literals: the encodings unicode_escape and raw_unicode_escape. */
#include <Python.h>
#include <string.h>

#include "base/unicode_names.h"
#include "types/bytes_hex.h"
#include "types/codecs/codecs.h"

/* ---- decoding ---- */

typedef struct {
    KrDecodeErrors errors;
    _PyUnicodeWriter writer;
    const char *backslash;      /* start of the current escape */
    int can_wait;               /* the rest of an incomplete escape may come later */
    int waits;                  /* an incomplete escape was found then */
    int *invalid_character;     /* the first escape that is only tolerated, or -1 */
    const char **invalid_place;
} Decoder;

static int emit(Decoder *decoder, Py_UCS4 c) {
    if (_PyUnicodeWriter_Prepare(&decoder->writer, 1, c) < 0) return -1;
    PyUnicode_WRITE(decoder->writer.kind, decoder->writer.data, decoder->writer.pos, c);
    decoder->writer.pos++;
    return 0;
}

/* Writes text in Latin-1 that is no escape. */
static int emit_plain(_PyUnicodeWriter *writer, const char *text, Py_ssize_t size) {
    if (size == 0) return 0;
    if (_PyUnicodeWriter_Prepare(writer, size, kr_ascii_prefix(text, size) == size ? 127 : 255) < 0) return -1;
    if (writer->kind == PyUnicode_1BYTE_KIND) {
        memcpy((Py_UCS1 *)writer->data + writer->pos, text, size);
    } else {
        for (Py_ssize_t i = 0; i < size; i++)
            PyUnicode_WRITE(writer->kind, writer->data, writer->pos + i, (unsigned char)text[i]);
    }
    writer->pos += size;
    return 0;
}

static int fail(Decoder *decoder, const char *reason) {
    return kr_decode_error(&decoder->errors, decoder->backslash, decoder->errors.next, reason, &decoder->writer);
}

/* The escape ends before it should, where the input ends. */
static int fail_at_end(Decoder *decoder, const char *reason) {
    if (!decoder->can_wait) return fail(decoder, reason);
    decoder->waits = 1;
    decoder->errors.next = decoder->backslash;
    return 0;
}

static void note_invalid(Decoder *decoder, int character, const char *place) {
    if (*decoder->invalid_place != NULL) return;
    *decoder->invalid_place = place;
    *decoder->invalid_character = character;
}

/* Decodes an escape with a fixed number of hexadecimal digits. */
static int decode_digits(Decoder *decoder, int count, const char *truncated, const char *out_of_range) {
    Py_UCS4 c = 0;
    for (; count > 0; count--) {
        if (decoder->errors.next == decoder->errors.end) return fail_at_end(decoder, truncated);
        unsigned digit = kr_hex_digit_value[(unsigned char)*decoder->errors.next];
        if (digit >= 16) return fail(decoder, truncated);
        c = c << 4 | digit;
        decoder->errors.next++;
    }
    return c <= 0x10ffff ? emit(decoder, c) : fail(decoder, out_of_range);
}

static int decode_octal(Decoder *decoder, unsigned char first) {
    Py_UCS4 c = first - '0';
    for (int i = 1; i < 3 && decoder->errors.next < decoder->errors.end; i++) {
        char digit = *decoder->errors.next;
        if (digit < '0' || digit > '7') break;
        c = c * 8 + (Py_UCS4)(digit - '0');
        decoder->errors.next++;
    }
    if (c > 0377) note_invalid(decoder, (int)c, decoder->errors.next - 3);
    return emit(decoder, c);
}

/* Decodes \N{name}; "\N" is behind us. */
static int decode_name(Decoder *decoder) {
    static const char malformed[] = "malformed \\N character escape";
    KrDecodeErrors *input = &decoder->errors;
    const KrCharacterNames *names = kr_codec_character_names();
    if (names == NULL) {
        PyErr_SetString(PyExc_UnicodeError, "\\N escapes not supported (can't load unicodedata module)");
        return -1;
    }
    if (input->next == input->end) return fail_at_end(decoder, malformed);
    if (*input->next != '{') return fail(decoder, malformed);
    const char *name = ++input->next;
    const char *brace = name < input->end ? memchr(name, '}', input->end - name) : NULL;
    if (brace == NULL) {
        input->next = input->end;
        return fail_at_end(decoder, malformed);
    }
    input->next = brace;
    if (brace == name) return fail(decoder, malformed);
    input->next++;
    Py_UCS4 c;
    if (brace - name <= INT_MAX && names->get_code(name, (int)(brace - name), &c, 0)) return emit(decoder, c);
    return fail(decoder, "unknown Unicode character name");
}

/* Decodes the escape whose backslash is behind us. Returns 0, or -1 with an exception. */
static int decode_escape(Decoder *decoder) {
    KrDecodeErrors *input = &decoder->errors;
    if (input->next == input->end) return fail_at_end(decoder, "\\ at end of string");
    unsigned char c = (unsigned char)*input->next++;
    switch (c) {
        case '\n': return 0;
        case '\\':
        case '\'':
        case '"': return emit(decoder, c);
        case 'b': return emit(decoder, '\b');
        case 'f': return emit(decoder, '\f');
        case 't': return emit(decoder, '\t');
        case 'n': return emit(decoder, '\n');
        case 'r': return emit(decoder, '\r');
        case 'v': return emit(decoder, '\v');
        case 'a': return emit(decoder, '\a');
        case '0' ... '7': return decode_octal(decoder, c);
        case 'x': return decode_digits(decoder, 2, "truncated \\xXX escape", "");
        case 'u': return decode_digits(decoder, 4, "truncated \\uXXXX escape", "");
        case 'U': return decode_digits(decoder, 8, "truncated \\UXXXXXXXX escape", "illegal Unicode character");
        case 'N': return decode_name(decoder);
        default:
            note_invalid(decoder, c, input->next - 1);
            return emit(decoder, '\\') < 0 ? -1 : emit(decoder, c);
    }
}

static int decode_raw_escape(Decoder *decoder) {
    KrDecodeErrors *input = &decoder->errors;
    if (input->next == input->end) {
        if (decoder->can_wait) return fail_at_end(decoder, "");
        return emit(decoder, '\\');
    }
    unsigned char c = (unsigned char)*input->next++;
    if (c == 'u') return decode_digits(decoder, 4, "truncated \\uXXXX escape", "");
    if (c == 'U') return decode_digits(decoder, 8, "truncated \\UXXXXXXXX escape", "\\Uxxxxxxxx out of range");
    return emit(decoder, '\\') < 0 ? -1 : emit(decoder, c);
}

static PyObject *decode(Decoder *decoder, const char *data, Py_ssize_t size, const char *errors, Py_ssize_t *consumed,
                        const char *encoding, int (*decode_one)(Decoder *)) {
    if (size == 0) {
        if (consumed != NULL) *consumed = 0;
        return PyUnicode_New(0, 0);
    }
    KrDecodeErrors *input = &decoder->errors;
    kr_decode_begin(input, encoding, errors, data, size);
    _PyUnicodeWriter_Init(&decoder->writer);
    decoder->writer.min_length = size;
    decoder->can_wait = consumed != NULL;
    while (input->next < input->end && !decoder->waits) {
        const char *backslash = memchr(input->next, '\\', input->end - input->next);
        const char *plain_end = backslash != NULL ? backslash : input->end;
        if (emit_plain(&decoder->writer, input->next, plain_end - input->next) < 0) goto failed;
        input->next = plain_end;
        if (backslash == NULL) break;
        decoder->backslash = input->next++;
        if (decode_one(decoder) < 0) goto failed;
    }
    if (consumed != NULL) *consumed = input->next - input->start;
    kr_decode_end(input);
    return _PyUnicodeWriter_Finish(&decoder->writer);
failed:
    kr_decode_end(input);
    _PyUnicodeWriter_Dealloc(&decoder->writer);
    return NULL;
}

PyObject *_PyUnicode_DecodeUnicodeEscapeInternal2(const char *data, Py_ssize_t size, const char *errors,
                                                  Py_ssize_t *consumed, int *first_invalid_escape_char,
                                                  const char **first_invalid_escape_ptr) {
    *first_invalid_escape_char = -1;
    *first_invalid_escape_ptr = NULL;
    Decoder decoder = {.invalid_character = first_invalid_escape_char, .invalid_place = first_invalid_escape_ptr};
    return decode(&decoder, data, size, errors, consumed, "unicodeescape", decode_escape);
}

PyObject *_PyUnicode_DecodeUnicodeEscapeInternal(const char *data, Py_ssize_t size, const char *errors,
                                                 Py_ssize_t *consumed, const char **first_invalid_escape) {
    int character;
    return _PyUnicode_DecodeUnicodeEscapeInternal2(data, size, errors, consumed, &character, first_invalid_escape);
}

PyObject *_PyUnicode_DecodeUnicodeEscapeStateful(const char *data, Py_ssize_t size, const char *errors,
                                                 Py_ssize_t *consumed) {
    int character;
    const char *place;
    PyObject *text = _PyUnicode_DecodeUnicodeEscapeInternal2(data, size, errors, consumed, &character, &place);
    if (text == NULL || character == -1) return text;
    if (kr_warn_invalid_escape(character) < 0) Py_CLEAR(text);
    return text;
}

PyObject *PyUnicode_DecodeUnicodeEscape(const char *data, Py_ssize_t size, const char *errors) {
    return _PyUnicode_DecodeUnicodeEscapeStateful(data, size, errors, NULL);
}

PyObject *_PyUnicode_DecodeRawUnicodeEscapeStateful(const char *data, Py_ssize_t size, const char *errors,
                                                    Py_ssize_t *consumed) {
    Decoder decoder = {.invalid_place = NULL};
    return decode(&decoder, data, size, errors, consumed, "rawunicodeescape", decode_raw_escape);
}

PyObject *PyUnicode_DecodeRawUnicodeEscape(const char *data, Py_ssize_t size, const char *errors) {
    return _PyUnicode_DecodeRawUnicodeEscapeStateful(data, size, errors, NULL);
}

/* ---- encoding ---- */

static char *put_escape(char *output, char letter, Py_UCS4 c, int digits) {
    *output++ = '\\';
    *output++ = letter;
    while (digits-- > 0) *output++ = Py_hexdigits[c >> (4 * digits) & 15];
    return output;
}

static char *put_wide(char *output, Py_UCS4 c) {
    return c < 0x10000 ? put_escape(output, 'u', c, 4) : put_escape(output, 'U', c, 8);
}

static char *put_escaped(char *output, Py_UCS4 c) {
    char letter = 0;
    if (c == '\\') letter = '\\';
    else if (c == '\t') letter = 't';
    else if (c == '\n') letter = 'n';
    else if (c == '\r') letter = 'r';
    if (letter != 0) {
        *output++ = '\\';
        *output++ = letter;
        return output;
    }
    if (c >= 0x100) return put_wide(output, c);
    if (c < ' ' || c >= 0x7f) return put_escape(output, 'x', c, 2);
    *output++ = (char)c;
    return output;
}

static char *put_raw(char *output, Py_UCS4 c) {
    if (c >= 0x100) return put_wide(output, c);
    *output++ = (char)c;
    return output;
}

static PyObject *encode(PyObject *text, char *(*put)(char *, Py_UCS4)) {
    if (!PyUnicode_Check(text)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    /* What a character of each kind can take at most. */
    Py_ssize_t longest = kind == PyUnicode_1BYTE_KIND ? 4 : kind == PyUnicode_2BYTE_KIND ? 6 : 10;
    if (length > PY_SSIZE_T_MAX / longest) return PyErr_NoMemory();
    if (length == 0) return PyBytes_FromStringAndSize(NULL, 0);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, length * longest + (length == 1));
    if (bytes == NULL) return NULL;
    char *start = PyBytes_AS_STRING(bytes), *output = start;
    for (Py_ssize_t i = 0; i < length; i++) output = put(output, PyUnicode_READ(kind, data, i));
    _PyBytes_Resize(&bytes, output - start);
    return bytes;
}

PyObject *PyUnicode_AsUnicodeEscapeString(PyObject *text) { return encode(text, put_escaped); }
PyObject *PyUnicode_AsRawUnicodeEscapeString(PyObject *text) { return encode(text, put_raw); }
