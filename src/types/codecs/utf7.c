/* UTF-7 (RFC 2152): characters are written directly or, between '+' and '-', as UTF-16 in base64. */
#include <Python.h>
#include <string.h>

#include "types/codecs/codecs.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static inline int is_base64(unsigned char c) { return c != 0 && strchr(base64_digits, c) != NULL; }

static inline int base64_value(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : 63;
}

/* ---- decoding ---- */

typedef struct {
    KrDecodeErrors errors;
    _PyUnicodeWriter writer;
    int in_shift;
    const char *first;        /* start of the shift sequence, or of what is wrong */
    Py_ssize_t output_before; /* characters before the shift sequence */
    unsigned bits;            /* number of bits in the buffer */
    uint32_t buffer;
    Py_UCS4 high_surrogate;   /* waits for its partner; 0 if there is none */
} Decoder;

static int emit(Decoder *decoder, Py_UCS4 c) { return _PyUnicodeWriter_WriteChar(&decoder->writer, c); }

/* Takes one UTF-16 unit. */
static int take_unit(Decoder *decoder, Py_UCS4 unit) {
    if (decoder->high_surrogate != 0) {
        Py_UCS4 high = decoder->high_surrogate;
        decoder->high_surrogate = 0;
        if (kr_is_low_surrogate(unit)) return emit(decoder, kr_join_surrogates(high, unit));
        if (emit(decoder, high) < 0) return -1;
    }
    if (kr_is_high_surrogate(unit)) {
        decoder->high_surrogate = unit;
        return 0;
    }
    return emit(decoder, unit);
}

static int take_digit(Decoder *decoder, unsigned char c) {
    decoder->buffer = decoder->buffer << 6 | (uint32_t)base64_value(c);
    decoder->bits += 6;
    decoder->errors.next++;
    if (decoder->bits < 16) return 0;
    Py_UCS4 unit = decoder->buffer >> (decoder->bits - 16) & 0xffff;
    decoder->bits -= 16;
    decoder->buffer &= (1u << decoder->bits) - 1;
    return take_unit(decoder, unit);
}

static int fail(Decoder *decoder, const char *reason) {
    decoder->in_shift = 0;
    return kr_decode_error(&decoder->errors, decoder->first, decoder->errors.next, reason, &decoder->writer);
}

/* Ends a shift sequence at a character that is no base64 digit. */
static int end_shift(Decoder *decoder, unsigned char c) {
    decoder->in_shift = 0;
    if (decoder->bits >= 6) {
        decoder->errors.next++;
        return fail(decoder, "partial character in shift sequence");
    }
    if (decoder->bits > 0 && decoder->buffer != 0) {
        decoder->errors.next++;
        return fail(decoder, "non-zero padding bits in shift sequence");
    }
    if (decoder->high_surrogate != 0 && c < 128 && c != '+' && emit(decoder, decoder->high_surrogate) < 0) return -1;
    decoder->high_surrogate = 0;
    if (c == '-') decoder->errors.next++;
    return 0;
}

static int begin_shift(Decoder *decoder) {
    decoder->first = decoder->errors.next++;
    const char *next = decoder->errors.next;
    if (next < decoder->errors.end && *next == '-') {
        decoder->errors.next++;
        return emit(decoder, '+');
    }
    if (next < decoder->errors.end && !is_base64((unsigned char)*next)) {
        decoder->errors.next++;
        return fail(decoder, "ill-formed sequence");
    }
    decoder->in_shift = 1;
    decoder->high_surrogate = 0;
    decoder->bits = 0;
    decoder->buffer = 0;
    decoder->output_before = decoder->writer.pos;
    return 0;
}

static int decode_next(Decoder *decoder) {
    unsigned char c = (unsigned char)*decoder->errors.next;
    if (decoder->in_shift) return is_base64(c) ? take_digit(decoder, c) : end_shift(decoder, c);
    if (c == '+') return begin_shift(decoder);
    if (c < 128) {
        decoder->errors.next++;
        return emit(decoder, c);
    }
    decoder->first = decoder->errors.next++;
    return fail(decoder, "unexpected special character");
}

/* True if a shift sequence at the end of the input lacks something. */
static int is_incomplete(const Decoder *decoder) {
    return decoder->in_shift &&
           (decoder->high_surrogate != 0 || decoder->bits >= 6 || (decoder->bits > 0 && decoder->buffer != 0));
}

PyObject *PyUnicode_DecodeUTF7Stateful(const char *data, Py_ssize_t size, const char *errors, Py_ssize_t *consumed) {
    Decoder decoder = {.in_shift = 0};
    if (size == 0) {
        if (consumed != NULL) *consumed = 0;
        return PyUnicode_New(0, 0);
    }
    kr_decode_begin(&decoder.errors, "utf7", errors, data, size);
    _PyUnicodeWriter_Init(&decoder.writer);
    decoder.writer.min_length = size;
    for (;;) {
        while (decoder.errors.next < decoder.errors.end) {
            if (decode_next(&decoder) < 0) goto failed;
        }
        if (consumed != NULL || !is_incomplete(&decoder)) break;
        if (fail(&decoder, "unterminated shift sequence") < 0) goto failed;
        if (decoder.errors.next == decoder.errors.end) break;
    }
    if (consumed != NULL) {
        *consumed = decoder.errors.next - decoder.errors.start;
        if (decoder.in_shift) {
            /* The sequence will be decoded as a whole when more of it is there. */
            *consumed = decoder.first - decoder.errors.start;
            decoder.writer.pos = decoder.output_before;
            PyObject *text = _PyUnicodeWriter_Finish(&decoder.writer);
            kr_decode_end(&decoder.errors);
            if (text == NULL) return NULL;
            /* What was taken back may have been the widest character. */
            PyObject *narrow = PyUnicode_FromKindAndData(PyUnicode_KIND(text), PyUnicode_DATA(text),
                                                         PyUnicode_GET_LENGTH(text));
            Py_DECREF(text);
            return narrow;
        }
    }
    kr_decode_end(&decoder.errors);
    return _PyUnicodeWriter_Finish(&decoder.writer);
failed:
    kr_decode_end(&decoder.errors);
    _PyUnicodeWriter_Dealloc(&decoder.writer);
    return NULL;
}

PyObject *PyUnicode_DecodeUTF7(const char *data, Py_ssize_t size, const char *errors) {
    return PyUnicode_DecodeUTF7Stateful(data, size, errors, NULL);
}

/* ---- encoding ---- */

typedef struct {
    char *output;
    int in_shift, escape_optional, escape_space;
    unsigned bits;
    uint64_t buffer;
} Encoder;

static int is_direct(const Encoder *encoder, Py_UCS4 c) {
    if (c == 0 || c >= 128) return 0;
    if (Py_ISALNUM(c) || strchr("'(),-./:?", (int)c) != NULL) return 1;
    if (strchr(" \t\n\r", (int)c) != NULL) return !encoder->escape_space;
    return !encoder->escape_optional && strchr("!\"#$%&*;<=>@[]^_`{|}", (int)c) != NULL;
}

static void put_unit(Encoder *encoder, Py_UCS4 unit) {
    encoder->buffer = encoder->buffer << 16 | unit;
    encoder->bits += 16;
    while (encoder->bits >= 6) {
        encoder->bits -= 6;
        *encoder->output++ = base64_digits[encoder->buffer >> encoder->bits & 0x3f];
    }
    encoder->buffer &= ((uint64_t)1 << encoder->bits) - 1;
}

static void put_remaining_bits(Encoder *encoder) {
    if (encoder->bits > 0) *encoder->output++ = base64_digits[encoder->buffer << (6 - encoder->bits) & 0x3f];
    encoder->bits = 0;
    encoder->buffer = 0;
}

static void put_character(Encoder *encoder, Py_UCS4 c) {
    if (is_direct(encoder, c)) {
        if (encoder->in_shift) {
            put_remaining_bits(encoder);
            encoder->in_shift = 0;
            if (is_base64((unsigned char)c) || c == '-') *encoder->output++ = '-';
        }
        *encoder->output++ = (char)c;
        return;
    }
    if (!encoder->in_shift) {
        *encoder->output++ = '+';
        if (c == '+') {
            *encoder->output++ = '-';
            return;
        }
        encoder->in_shift = 1;
    }
    if (c >= 0x10000) {
        put_unit(encoder, 0xd800 | (c - 0x10000) >> 10);
        c = 0xdc00 | ((c - 0x10000) & 0x3ff);
    }
    put_unit(encoder, c);
}

PyObject *_PyUnicode_EncodeUTF7(PyObject *text, int base64SetO, int base64WhiteSpace, const char *errors) {
    if (PyUnicode_READY(text) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (length == 0) return PyBytes_FromStringAndSize(NULL, 0);
    if (length > PY_SSIZE_T_MAX / 8) return PyErr_NoMemory();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, length * 8); /* at worst "+", 6 digits and "-" for each */
    if (bytes == NULL) return NULL;
    char *start = PyBytes_AS_STRING(bytes);
    Encoder encoder = {.output = start, .escape_optional = base64SetO, .escape_space = base64WhiteSpace};
    for (Py_ssize_t i = 0; i < length; i++) put_character(&encoder, PyUnicode_READ_CHAR(text, i));
    put_remaining_bits(&encoder);
    if (encoder.in_shift) *encoder.output++ = '-';
    _PyBytes_Resize(&bytes, encoder.output - start);
    return bytes;
}
