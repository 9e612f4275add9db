/* Backslash escapes of bytes literals and of codecs.escape_decode(). */
#include <Python.h>
#include <string.h>

#include "types/bytes_hex.h"
#include "types/bytes_internal.h"

typedef struct {
    const char *start, *next, *end;
    const char *errors;                 /* name of the error handler or NULL */
    int *invalid_character;             /* the first invalid escape: character, or value of an octal one above 0377 */
    const char **invalid_place;
} EscapeInput;

static void note_invalid(EscapeInput *input, int character, const char *place) {
    if (*input->invalid_place != NULL) return;
    *input->invalid_place = place;
    *input->invalid_character = character;
}

/* Reads up to three octal digits, the first of which is `first`. */
static int read_octal(EscapeInput *input, int first) {
    int value = first - '0';
    for (int i = 1; i < 3 && input->next < input->end && *input->next >= '0' && *input->next <= '7'; i++)
        value = value * 8 + (*input->next++ - '0');
    if (value > 0377) note_invalid(input, value, input->next - 3);
    return value & 0xff;
}

/* Reads the two digits after \x. Returns the byte; -1 with an exception; -2 if the bad escape is to be left out. */
static int read_hexadecimal(EscapeInput *input) {
    const char *next = input->next;
    unsigned high = next < input->end ? kr_hex_digit_value[(unsigned char)next[0]] : 16;
    if (next + 1 < input->end) {
        unsigned low = kr_hex_digit_value[(unsigned char)next[1]];
        if (high < 16 && low < 16) {
            input->next += 2;
            return (int)(high << 4 | low);
        }
    }
    const char *place = next - 2;
    if (high < 16) input->next++; /* a lone digit goes with its escape */
    if (input->errors == NULL || strcmp(input->errors, "strict") == 0) {
        PyErr_Format(PyExc_ValueError, "invalid \\x escape at position %zd", (Py_ssize_t)(place - input->start));
        return -1;
    }
    if (strcmp(input->errors, "replace") == 0) return '?';
    if (strcmp(input->errors, "ignore") == 0) return -2;
    PyErr_Format(PyExc_ValueError, "decoding error; unknown error handling code: %.400s", input->errors);
    return -1;
}

/* Decodes the escape after a backslash; output has room for two bytes. Returns the end of the output or NULL. */
static char *decode_escape(EscapeInput *input, char *output) {
    if (input->next == input->end) {
        PyErr_SetString(PyExc_ValueError, "Trailing \\ in string");
        return NULL;
    }
    char c = *input->next++;
    switch (c) {
        case '\n': return output;
        case '\\':
        case '\'':
        case '"': *output++ = c; return output;
        case 'b': *output++ = '\b'; return output;
        case 'f': *output++ = '\f'; return output;
        case 't': *output++ = '\t'; return output;
        case 'n': *output++ = '\n'; return output;
        case 'r': *output++ = '\r'; return output;
        case 'v': *output++ = '\v'; return output;
        case 'a': *output++ = '\a'; return output;
        case '0' ... '7': *output++ = (char)read_octal(input, c); return output;
        case 'x': {
            int value = read_hexadecimal(input);
            if (value == -1) return NULL;
            if (value >= 0) *output++ = (char)value;
            return output;
        }
        default:
            note_invalid(input, (unsigned char)c, input->next - 1);
            *output++ = '\\';
            *output++ = c;
            return output;
    }
}

PyObject *_PyBytes_DecodeEscape2(const char *text, Py_ssize_t size, const char *errors, int *first_invalid_escape_char,
                                 const char **first_invalid_escape_ptr) {
    *first_invalid_escape_char = -1;
    *first_invalid_escape_ptr = NULL;
    EscapeInput input = {text, text, text + size, errors, first_invalid_escape_char, first_invalid_escape_ptr};
    _PyBytesWriter writer;
    _PyBytesWriter_Init(&writer);
    char *output = _PyBytesWriter_Alloc(&writer, size);
    if (output == NULL) return NULL;
    while (input.next < input.end) {
        const char *backslash = memchr(input.next, '\\', input.end - input.next);
        Py_ssize_t plain = (backslash != NULL ? backslash : input.end) - input.next;
        memcpy(output, input.next, plain);
        output += plain;
        if (backslash == NULL) break;
        input.next = backslash + 1;
        output = decode_escape(&input, output);
        if (output == NULL) {
            _PyBytesWriter_Dealloc(&writer);
            return NULL;
        }
    }
    return _PyBytesWriter_Finish(&writer, output);
}

PyObject *_PyBytes_DecodeEscape(const char *text, Py_ssize_t size, const char *errors,
                                const char **first_invalid_escape) {
    int character;
    return _PyBytes_DecodeEscape2(text, size, errors, &character, first_invalid_escape);
}

int kr_warn_invalid_escape(int character) {
    if (character <= 0xff)
        return PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "invalid escape sequence '\\%c'", character);
    char octal[8]; /* PyErr_WarnFormat knows no octal numbers */
    PyOS_snprintf(octal, sizeof octal, "%o", (unsigned)character);
    return PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "invalid octal escape sequence '\\%s'", octal);
}

PyObject *PyBytes_DecodeEscape(const char *text, Py_ssize_t size, const char *errors, Py_ssize_t unused_unicode,
                               const char *unused_recode) {
    int character;
    const char *place;
    PyObject *result = _PyBytes_DecodeEscape2(text, size, errors, &character, &place);
    if (result == NULL || place == NULL) return result;
    if (kr_warn_invalid_escape(character) < 0) Py_CLEAR(result);
    return result;
}
