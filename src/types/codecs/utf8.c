/* UTF-8.
 *
 * Decoding first counts the bytes that begin characters and finds the greatest of them, which takes vector instructions
 * little time: if the text is valid, that gives the size of the str and the width of its characters. Then it is checked
 * and written at once. Text that turns out to be wrong is decoded anew in runs of valid text between errors.
 */
#include <Python.h>
#include <string.h>

#include "types/codecs/codecs.h"

typedef const unsigned char *Bytes;

static inline int is_continuation(unsigned char byte) { return (byte & 0xc0) == 0x80; }

/* What the first byte of a sequence says: its length, 0 if no sequence starts with it, and the bounds of the second. */
typedef struct {
    unsigned char length, low, high;
} Lead;

static inline Lead lead_of(unsigned char byte) {
    if (byte < 0xc2) return (Lead){0, 0, 0};
    if (byte < 0xe0) return (Lead){2, 0x80, 0xbf};
    if (byte < 0xf0) return (Lead){3, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf};
    if (byte < 0xf5) return (Lead){4, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf};
    return (Lead){0, 0, 0};
}

/* A run of valid text. */
typedef struct {
    Py_ssize_t characters;
    unsigned widest_lead; /* the greatest byte */
} Run;

static Py_UCS4 widest_character(const Run *run) {
    if (run->widest_lead >= 0xf0) return 0x10ffff;
    if (run->widest_lead >= 0xc4) return 0xffff;
    return run->widest_lead >= 0xc2 ? 0xff : 0x7f;
}

static inline int is_ascii_word(Bytes p) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return (word & 0x8080808080808080) == 0;
}

enum { COUNT_BLOCK = 128 }; /* bytes that can be counted in a byte */

/* Counts the bytes that begin characters and finds the greatest byte, which begins one if the text is valid. */
static void survey(Bytes next, Bytes end, Run *run) {
    Py_ssize_t count = 0;
    unsigned char widest = 0;
    for (; end - next >= COUNT_BLOCK; next += COUNT_BLOCK) {
        unsigned char block_count = 0;
        for (int i = 0; i < COUNT_BLOCK; i++) {
            block_count += (signed char)next[i] > (signed char)0xbf;
            widest = next[i] > widest ? next[i] : widest;
        }
        count += block_count;
    }
    for (; next < end; next++) {
        count += (signed char)*next > (signed char)0xbf;
        widest = *next > widest ? *next : widest;
    }
    *run = (Run){count, widest};
}

/* Checks text; returns where the valid run ends. */
static Bytes scan(Bytes start, Bytes end, Run *run) {
    Bytes next = start;
    while (next < end) {
        unsigned char byte = *next;
        if (byte < 0x80) {
            do next++;
            while (next < end && *next < 0x80 && (end - next < 8 || !is_ascii_word(next)));
            if (end - next >= 8 && *next < 0x80) next += kr_ascii_prefix((const char *)next, end - next);
            continue;
        }
        if (byte < 0xe0) {
            if (byte < 0xc2 || end - next < 2 || !is_continuation(next[1])) break;
            next += 2;
        } else if (byte > 0xe0 && byte < 0xf0 && byte != 0xed) {
            if (end - next < 3 || !is_continuation(next[1]) || !is_continuation(next[2])) break;
            next += 3;
        } else {
            Lead lead = lead_of(byte);
            if (lead.length == 0 || end - next < lead.length || next[1] < lead.low || next[1] > lead.high ||
                !is_continuation(next[2]) || (lead.length == 4 && !is_continuation(next[3])))
                break;
            next += lead.length;
        }
    }
    survey(start, next, run);
    return next;
}

/* Defines a function that decodes text to characters of one width, which `limit`, the greatest first byte of those that
 * fit, describes. It returns where it had to stop: the end, or the first byte that is wrong. Words of ASCII, which are
 * frequent in every text, are copied in one piece. */
#define DECODER(name, type, limit)                                                                                     \
    static Bytes name(type *output, Bytes next, Bytes end) {                                                           \
        while (next < end) {                                                                                           \
            unsigned byte = *next;                                                                                     \
            if (byte < 0x80) {                                                                                         \
                if (end - next >= 8 && is_ascii_word(next)) {                                                          \
                    do {                                                                                               \
                        for (int i = 0; i < 8; i++) output[i] = next[i];                                               \
                        output += 8;                                                                                   \
                        next += 8;                                                                                     \
                    } while (end - next >= 8 && is_ascii_word(next));                                                  \
                } else {                                                                                               \
                    *output++ = (type)byte;                                                                            \
                    next++;                                                                                            \
                }                                                                                                      \
            } else if (byte < 0xe0) {                                                                                  \
                if (byte < 0xc2 || byte > (limit) || end - next < 2) break;                                            \
                unsigned low = next[1] ^ 0x80u;                                                                        \
                if (low > 0x3f) break;                                                                                 \
                *output++ = (type)((byte & 0x1f) << 6 | low);                                                          \
                next += 2;                                                                                             \
            } else if (byte < 0xf0) {                                                                                  \
                if (byte > (limit) || end - next < 3) break;                                                           \
                unsigned middle = next[1] ^ 0x80u, low = next[2] ^ 0x80u;                                              \
                unsigned c = (byte & 0x0f) << 12 | middle << 6 | low;                                                  \
                if ((middle | low) > 0x3f || c < 0x800 || kr_is_surrogate(c)) break;                                   \
                *output++ = (type)c;                                                                                   \
                next += 3;                                                                                             \
            } else {                                                                                                   \
                if (byte > (limit) || end - next < 4) break;                                                           \
                unsigned high = next[1] ^ 0x80u, middle = next[2] ^ 0x80u, low = next[3] ^ 0x80u;                      \
                unsigned c = (byte & 0x0f) << 18 | high << 12 | middle << 6 | low;                                     \
                if ((high | middle | low) > 0x3f || c < 0x10000 || c > 0x10ffff) break;                                \
                *output++ = (type)c;                                                                                   \
                next += 4;                                                                                             \
            }                                                                                                          \
        }                                                                                                              \
        return next;                                                                                                   \
    }
DECODER(decode_to_1, Py_UCS1, 0xc3)
DECODER(decode_to_2, Py_UCS2, 0xef)
DECODER(decode_to_4, Py_UCS4, 0xff)

/* Decodes as much as is valid to a str's memory, which has room for it; returns where that ends. */
static Bytes decode_to(int kind, void *data, Py_ssize_t position, Bytes next, Bytes end) {
    switch (kind) {
        case PyUnicode_1BYTE_KIND: return decode_to_1((Py_UCS1 *)data + position, next, end);
        case PyUnicode_2BYTE_KIND: return decode_to_2((Py_UCS2 *)data + position, next, end);
        default: return decode_to_4((Py_UCS4 *)data + position, next, end);
    }
}

/* What is wrong at the end of a run. */
typedef struct {
    const char *reason;
    int size;         /* bad bytes */
    int is_truncated; /* more bytes could make it right */
} Fault;

static Fault find_fault(Bytes next, Bytes end) {
    Lead lead = lead_of(next[0]);
    if (lead.length == 0) return (Fault){"invalid start byte", 1, 0};
    for (int i = 1; i < lead.length; i++) {
        if (next + i == end) return (Fault){"unexpected end of data", i, 1};
        int fits = i == 1 ? next[1] >= lead.low && next[1] <= lead.high : is_continuation(next[i]);
        if (!fits) return (Fault){"invalid continuation byte", i, 0};
    }
    Py_UNREACHABLE();
}

/* The first two bytes of a surrogate are wrong, but the surrogatepass handler has to see all three. */
static int is_partial_surrogate(Bytes next, Bytes end) {
    return end - next == 2 && next[0] == 0xed && next[1] >= 0xa0 && next[1] <= 0xbf;
}

static int append_run(_PyUnicodeWriter *writer, Bytes next, Bytes end, const Run *run) {
    if (run->characters == 0) return 0;
    if (_PyUnicodeWriter_Prepare(writer, run->characters, widest_character(run)) < 0) return -1;
    decode_to(writer->kind, writer->data, writer->pos, next, end);
    writer->pos += run->characters;
    return 0;
}

static PyObject *decode_with_errors(const char *data, Py_ssize_t size, const char *errors, Py_ssize_t *consumed) {
    KrDecodeErrors state;
    _PyUnicodeWriter writer;
    kr_decode_begin(&state, "utf-8", errors, data, size);
    _PyUnicodeWriter_Init(&writer);
    writer.min_length = size;
    for (;;) {
        Run run;
        Bytes run_end = scan((Bytes)state.next, (Bytes)state.end, &run);
        if (append_run(&writer, (Bytes)state.next, run_end, &run) < 0) goto failed;
        state.next = (const char *)run_end;
        if (state.next == state.end) break;
        Fault fault = find_fault((Bytes)state.next, (Bytes)state.end);
        if (consumed != NULL && (fault.is_truncated || is_partial_surrogate((Bytes)state.next, (Bytes)state.end))) break;
        if (kr_decode_error(&state, state.next, state.next + fault.size, fault.reason, &writer) < 0) goto failed;
    }
    if (consumed != NULL) *consumed = state.next - state.start;
    kr_decode_end(&state);
    return _PyUnicodeWriter_Finish(&writer);
failed:
    kr_decode_end(&state);
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

PyObject *PyUnicode_DecodeUTF8Stateful(const char *data, Py_ssize_t size, const char *errors, Py_ssize_t *consumed) {
    if (consumed != NULL) *consumed = size;
    if (size == 0) return PyUnicode_New(0, 0);
    if (size == 1 && (unsigned char)data[0] < 128) return PyUnicode_FromOrdinal(data[0]);
    Py_ssize_t prefix = kr_ascii_prefix(data, size);
    if (prefix == size) return _PyUnicode_FromASCII(data, size);
    Run run;
    Bytes start = (Bytes)data + prefix, end = (Bytes)data + size;
    survey(start, end, &run);
    if (run.widest_lead > 0xf4 || run.characters == 0) return decode_with_errors(data, size, errors, consumed);
    if (prefix + run.characters == 1) {
        Py_UCS4 c;
        if (decode_to_4(&c, start, end) != end) return decode_with_errors(data, size, errors, consumed);
        return PyUnicode_FromOrdinal((int)c);
    }
    PyObject *text = PyUnicode_New(prefix + run.characters, widest_character(&run));
    if (text == NULL) return NULL;
    int kind = PyUnicode_KIND(text);
    void *output = PyUnicode_DATA(text);
    decode_to(kind, output, 0, (Bytes)data, start);
    if (decode_to(kind, output, prefix, start, end) == end) return text;
    Py_DECREF(text);
    return decode_with_errors(data, size, errors, consumed);
}

PyObject *PyUnicode_DecodeUTF8(const char *data, Py_ssize_t size, const char *errors) {
    return PyUnicode_DecodeUTF8Stateful(data, size, errors, NULL);
}

/* ---- encoding ---- */

/* Returns the size of the encoded text and counts the surrogates in it, which cannot be encoded. */
static size_t encoded_size(PyObject *text, Py_ssize_t *surrogates) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    size_t size = (size_t)length;
    *surrogates = 0;
    switch (PyUnicode_KIND(text)) {
        case PyUnicode_1BYTE_KIND: {
            const Py_UCS1 *data = PyUnicode_1BYTE_DATA(text);
            for (Py_ssize_t i = 0; i < length; i++) size += data[i] >> 7;
            break;
        }
        case PyUnicode_2BYTE_KIND: {
            const Py_UCS2 *data = PyUnicode_2BYTE_DATA(text);
            Py_ssize_t bad = 0;
            for (Py_ssize_t i = 0; i < length; i++) {
                size += (data[i] >= 0x80) + (data[i] >= 0x800);
                bad += kr_is_surrogate(data[i]);
            }
            *surrogates = bad;
            break;
        }
        default: {
            const Py_UCS4 *data = PyUnicode_4BYTE_DATA(text);
            Py_ssize_t bad = 0;
            for (Py_ssize_t i = 0; i < length; i++) {
                size += (data[i] >= 0x80) + (data[i] >= 0x800) + (data[i] >= 0x10000);
                bad += kr_is_surrogate(data[i]);
            }
            *surrogates = bad;
            break;
        }
    }
    return size;
}

/* Encodes a character that is not ASCII. */
static inline char *put_wide_character(char *output, Py_UCS4 c) {
    if (c < 0x800) {
        *output++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *output++ = (char)(0xe0 | c >> 12);
        } else {
            *output++ = (char)(0xf0 | c >> 18);
            *output++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *output++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *output++ = (char)(0x80 | (c & 0x3f));
    return output;
}

/* Defines a function that encodes characters of one width that are no surrogates; `wide_bits` are those that are set in a
 * word if it holds not only ASCII. */
#define ENCODER(name, type, wide_bits)                                                                                 \
    static char *name(char *output, const type *next, const type *end) {                                               \
        enum { IN_WORD = 8 / sizeof(type) };                                                                           \
        while (next < end) {                                                                                           \
            Py_UCS4 c = *next;                                                                                         \
            if (c >= 0x80) {                                                                                           \
                output = put_wide_character(output, c);                                                                \
                next++;                                                                                                \
                continue;                                                                                              \
            }                                                                                                          \
            uint64_t word;                                                                                             \
            if (end - next >= IN_WORD && (memcpy(&word, next, sizeof word), word & (wide_bits)) == 0) {                \
                for (int i = 0; i < IN_WORD; i++) output[i] = (char)next[i];                                           \
                output += IN_WORD;                                                                                     \
                next += IN_WORD;                                                                                       \
            } else {                                                                                                   \
                *output++ = (char)c;                                                                                   \
                next++;                                                                                                \
            }                                                                                                          \
        }                                                                                                              \
        return output;                                                                                                 \
    }
ENCODER(encode_from_1, Py_UCS1, 0x8080808080808080)
ENCODER(encode_from_2, Py_UCS2, 0xff80ff80ff80ff80)
ENCODER(encode_from_4, Py_UCS4, 0xffffff80ffffff80)

/* Encodes characters that are no surrogates, or surrogates as if they were none. */
static char *put_characters(char *output, int kind, const void *data, Py_ssize_t from, Py_ssize_t to) {
    switch (kind) {
        case PyUnicode_1BYTE_KIND: return encode_from_1(output, (const Py_UCS1 *)data + from, (const Py_UCS1 *)data + to);
        case PyUnicode_2BYTE_KIND: return encode_from_2(output, (const Py_UCS2 *)data + from, (const Py_UCS2 *)data + to);
        default: return encode_from_4(output, (const Py_UCS4 *)data + from, (const Py_UCS4 *)data + to);
    }
}

static const char surrogates_not_allowed[] = "surrogates not allowed";

/* Calls the error handler for surrogates and writes its replacement. Returns the end of the output or NULL. */
static char *encode_by_handler(KrEncodeErrors *state, _PyBytesWriter *writer, char *output, Py_ssize_t first,
                               Py_ssize_t last, Py_ssize_t *next) {
    PyObject *replacement = kr_encode_call_handler(state, first, last, surrogates_not_allowed, next);
    if (replacement == NULL) return NULL;
    if (PyBytes_Check(replacement)) {
        output = _PyBytesWriter_WriteBytes(writer, output, PyBytes_AS_STRING(replacement), PyBytes_GET_SIZE(replacement));
    } else if (PyUnicode_IS_ASCII(replacement)) {
        output = _PyBytesWriter_WriteBytes(writer, output, PyUnicode_DATA(replacement), PyUnicode_GET_LENGTH(replacement));
    } else {
        kr_encode_raise(state, first, last, surrogates_not_allowed);
        output = NULL;
    }
    Py_DECREF(replacement);
    return output;
}

/* Writes what stands for a run of surrogates. Returns the end of the output or NULL. */
static char *encode_surrogates(KrEncodeErrors *state, _PyBytesWriter *writer, char *output, Py_ssize_t first,
                               Py_ssize_t last, Py_ssize_t *next) {
    *next = last;
    switch (state->kind) {
        case KR_ERRORS_REPLACE:
            output = _PyBytesWriter_Prepare(writer, output, last - first);
            if (output == NULL) return NULL;
            memset(output, '?', last - first);
            return output + (last - first);
        case KR_ERRORS_IGNORE: return output;
        case KR_ERRORS_SURROGATEPASS:
            output = _PyBytesWriter_Prepare(writer, output, 3 * (last - first));
            if (output == NULL) return NULL;
            return put_characters(output, PyUnicode_KIND(state->text), PyUnicode_DATA(state->text), first, last);
        case KR_ERRORS_SURROGATEESCAPE: {
            output = _PyBytesWriter_Prepare(writer, output, last - first);
            if (output == NULL) return NULL;
            Py_ssize_t i = first;
            for (; i < last; i++) {
                int byte = kr_escaped_byte(PyUnicode_READ_CHAR(state->text, i));
                if (byte < 0) break;
                *output++ = (char)byte;
            }
            return i == last ? output : encode_by_handler(state, writer, output, i, last, next);
        }
        default: return encode_by_handler(state, writer, output, first, last, next);
    }
}

static PyObject *encode_with_errors(PyObject *text, const char *errors) {
    KrEncodeErrors state;
    _PyBytesWriter writer;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), i = 0;
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    kr_encode_begin(&state, "utf-8", errors, text);
    _PyBytesWriter_Init(&writer);
    writer.overallocate = 1;
    char *output = _PyBytesWriter_Alloc(&writer, 0);
    while (output != NULL && i < length) {
        Py_ssize_t start = i;
        while (i < length && !kr_is_surrogate(PyUnicode_READ(kind, data, i))) i++;
        output = _PyBytesWriter_Prepare(&writer, output, 4 * (i - start));
        if (output == NULL) break;
        output = put_characters(output, kind, data, start, i);
        if (i == length) break;
        start = i;
        while (i < length && kr_is_surrogate(PyUnicode_READ(kind, data, i))) i++;
        output = encode_surrogates(&state, &writer, output, start, i, &i);
    }
    kr_encode_end(&state);
    if (output == NULL) {
        _PyBytesWriter_Dealloc(&writer);
        return NULL;
    }
    return _PyBytesWriter_Finish(&writer, output);
}

/* True if a str's UTF-8 form is in memory. */
static inline int has_utf8(PyObject *text) {
    return PyUnicode_IS_COMPACT_ASCII(text) || ((PyCompactUnicodeObject *)text)->utf8 != NULL;
}

static inline const char *utf8_text(PyObject *text, Py_ssize_t *size) {
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        *size = PyUnicode_GET_LENGTH(text);
        return PyUnicode_DATA(text);
    }
    *size = ((PyCompactUnicodeObject *)text)->utf8_length;
    return ((PyCompactUnicodeObject *)text)->utf8;
}

PyObject *_PyUnicode_AsUTF8String(PyObject *text, const char *errors) {
    Py_ssize_t size, surrogates;
    if (!PyUnicode_Check(text)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) return NULL;
    if (has_utf8(text)) {
        const char *utf8 = utf8_text(text, &size);
        return PyBytes_FromStringAndSize(utf8, size);
    }
    size_t needed = encoded_size(text, &surrogates);
    if (surrogates > 0) return encode_with_errors(text, errors);
    if (needed > PY_SSIZE_T_MAX) return PyErr_NoMemory();
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)needed);
    if (bytes != NULL)
        put_characters(PyBytes_AS_STRING(bytes), PyUnicode_KIND(text), PyUnicode_DATA(text), 0,
                       PyUnicode_GET_LENGTH(text));
    return bytes;
}

PyObject *PyUnicode_AsUTF8String(PyObject *text) { return _PyUnicode_AsUTF8String(text, NULL); }

/* Computes the UTF-8 form and keeps it in the str. Returns 0 or -1. */
static int cache_utf8(PyObject *text) {
    Py_ssize_t surrogates;
    size_t size = encoded_size(text, &surrogates);
    if (surrogates > 0) {
        PyObject *bytes = encode_with_errors(text, NULL); /* raises */
        Py_XDECREF(bytes);
        return -1;
    }
    char *utf8 = size < PY_SSIZE_T_MAX ? PyObject_Malloc(size + 1) : NULL;
    if (utf8 == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *put_characters(utf8, PyUnicode_KIND(text), PyUnicode_DATA(text), 0, PyUnicode_GET_LENGTH(text)) = 0;
    ((PyCompactUnicodeObject *)text)->utf8 = utf8;
    ((PyCompactUnicodeObject *)text)->utf8_length = (Py_ssize_t)size;
    return 0;
}

const char *PyUnicode_AsUTF8AndSize(PyObject *text, Py_ssize_t *size) {
    Py_ssize_t unused;
    if (!PyUnicode_Check(text)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) return NULL;
    if (!has_utf8(text) && cache_utf8(text) < 0) return NULL;
    return utf8_text(text, size != NULL ? size : &unused);
}

const char *PyUnicode_AsUTF8(PyObject *text) { return PyUnicode_AsUTF8AndSize(text, NULL); }
