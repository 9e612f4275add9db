/* UTF-16 and UTF-32, in either byte order.
 *
 * Byte orders are numbers as in the C API: -1 is little endian, 1 big endian, 0 the machine's, with a byte order mark.
 */
#include <Python.h>
#include <string.h>

#include "types/codecs/codecs.h"

enum { NATIVE_ORDER = PY_BIG_ENDIAN ? 1 : -1 };

static inline Py_UCS4 read_16(const char *p, int big_endian) {
    uint16_t unit;
    memcpy(&unit, p, sizeof unit);
    return big_endian == PY_BIG_ENDIAN ? unit : __builtin_bswap16(unit);
}

static inline Py_UCS4 read_32(const char *p, int big_endian) {
    uint32_t unit;
    memcpy(&unit, p, sizeof unit);
    return big_endian == PY_BIG_ENDIAN ? unit : __builtin_bswap32(unit);
}

static inline char *put_16(char *output, Py_UCS4 unit, int big_endian) {
    uint16_t stored = big_endian == PY_BIG_ENDIAN ? (uint16_t)unit : __builtin_bswap16((uint16_t)unit);
    memcpy(output, &stored, sizeof stored);
    return output + 2;
}

static inline char *put_32(char *output, Py_UCS4 unit, int big_endian) {
    uint32_t stored = big_endian == PY_BIG_ENDIAN ? unit : __builtin_bswap32(unit);
    memcpy(output, &stored, sizeof stored);
    return output + 4;
}

/* The name of an encoding for errors. */
static const char *encoding_name(int bits, int order) {
    if (bits == 16) return order < 0 ? "utf-16-le" : order > 0 ? "utf-16-be" : "utf-16";
    return order < 0 ? "utf-32-le" : order > 0 ? "utf-32-be" : "utf-32";
}

/* ---- decoding ---- */

/* Finds a byte order mark. Returns its byte order, or 0 if there is none. */
static int byte_order_mark(const char *data, Py_ssize_t size, int bits) {
    if (size < bits / 8) return 0;
    for (int order = -1; order <= 1; order += 2) {
        if ((bits == 16 ? read_16(data, order > 0) : read_32(data, order > 0)) == 0xfeff) return order;
    }
    return 0;
}

/* How the input ends or what is wrong with it, NULL in `reason` if nothing. */
typedef struct {
    const char *reason;
    Py_ssize_t size; /* bad bytes */
    int is_truncated;
} Fault;

enum { BLOCK = 32 }; /* units that are checked together, for the sake of vector instructions */

/* Returns how many of the next units are whole characters, and collects their bits in *all. */
static inline Py_ssize_t plain_16(const char *data, Py_ssize_t count, int big_endian, Py_UCS4 *all) {
    Py_ssize_t i = 0;
    Py_UCS4 bits = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        unsigned surrogates = 0;
        uint16_t block_bits = 0;
        for (int j = 0; j < BLOCK; j++) {
            uint16_t unit = (uint16_t)read_16(data + 2 * (i + j), big_endian);
            block_bits |= unit;
            surrogates += (unit & 0xf800) == 0xd800;
        }
        if (surrogates != 0) break;
        bits |= block_bits;
    }
    for (; i < count; i++) {
        Py_UCS4 unit = read_16(data + 2 * i, big_endian);
        if (kr_is_surrogate(unit)) break;
        bits |= unit;
    }
    *all = bits;
    return i;
}

static inline Py_ssize_t plain_32(const char *data, Py_ssize_t count, int big_endian, Py_UCS4 *all) {
    Py_ssize_t i = 0;
    Py_UCS4 bits = 0;
    for (; i + BLOCK <= count; i += BLOCK) {
        unsigned bad = 0;
        Py_UCS4 block_bits = 0;
        for (int j = 0; j < BLOCK; j++) {
            Py_UCS4 unit = read_32(data + 4 * (i + j), big_endian);
            block_bits |= unit;
            bad += (unit & 0xfffff800) == 0xd800;
            bad += unit > 0x10ffff;
        }
        if (bad != 0) break;
        bits |= block_bits;
    }
    for (; i < count; i++) {
        Py_UCS4 unit = read_32(data + 4 * i, big_endian);
        if (unit > 0x10ffff || kr_is_surrogate(unit)) break;
        bits |= unit;
    }
    *all = bits > 0x10ffff ? 0x10ffff : bits;
    return i;
}

static inline Py_UCS4 read_unit(const char *p, int bits, int big_endian) {
    return bits == 16 ? read_16(p, big_endian) : read_32(p, big_endian);
}

/* Writes units that are whole characters. Returns 0 or -1. */
static inline int write_plain(const char *data, Py_ssize_t count, int bits, int big_endian, Py_UCS4 all,
                              _PyUnicodeWriter *writer) {
    Py_ssize_t size = bits / 8;
    if (count == 0) return 0;
    if (_PyUnicodeWriter_Prepare(writer, count, all) < 0) return -1;
    switch (writer->kind) {
        case PyUnicode_1BYTE_KIND: {
            Py_UCS1 *output = (Py_UCS1 *)writer->data + writer->pos;
            for (Py_ssize_t i = 0; i < count; i++) output[i] = (Py_UCS1)read_unit(data + size * i, bits, big_endian);
            break;
        }
        case PyUnicode_2BYTE_KIND: {
            Py_UCS2 *output = (Py_UCS2 *)writer->data + writer->pos;
            for (Py_ssize_t i = 0; i < count; i++) output[i] = (Py_UCS2)read_unit(data + size * i, bits, big_endian);
            break;
        }
        default: {
            Py_UCS4 *output = (Py_UCS4 *)writer->data + writer->pos;
            for (Py_ssize_t i = 0; i < count; i++) output[i] = read_unit(data + size * i, bits, big_endian);
            break;
        }
    }
    writer->pos += count;
    return 0;
}

/* Decodes as long as nothing is wrong. Returns 0, or -1 with an exception. */
static inline int decode_16(KrDecodeErrors *state, int big_endian, _PyUnicodeWriter *writer, Fault *fault) {
    *fault = (Fault){NULL, 0, 0};
    for (;;) {
        Py_UCS4 all, unit, low;
        Py_ssize_t count = plain_16(state->next, (state->end - state->next) / 2, big_endian, &all);
        if (write_plain(state->next, count, 16, big_endian, all, writer) < 0) return -1;
        state->next += 2 * count;
        Py_ssize_t rest = state->end - state->next;
        if (rest < 2) {
            if (rest > 0) *fault = (Fault){"truncated data", rest, 1};
            return 0;
        }
        unit = read_16(state->next, big_endian);
        if (kr_is_low_surrogate(unit)) {
            *fault = (Fault){"illegal encoding", 2, 0};
            return 0;
        }
        if (rest < 4) {
            *fault = (Fault){"unexpected end of data", rest, 1};
            return 0;
        }
        low = read_16(state->next + 2, big_endian);
        if (!kr_is_low_surrogate(low)) {
            *fault = (Fault){"illegal UTF-16 surrogate", 2, 0};
            return 0;
        }
        if (_PyUnicodeWriter_WriteChar(writer, kr_join_surrogates(unit, low)) < 0) return -1;
        state->next += 4;
    }
}

static inline int decode_32(KrDecodeErrors *state, int big_endian, _PyUnicodeWriter *writer, Fault *fault) {
    Py_UCS4 all;
    *fault = (Fault){NULL, 0, 0};
    Py_ssize_t count = plain_32(state->next, (state->end - state->next) / 4, big_endian, &all);
    if (write_plain(state->next, count, 32, big_endian, all, writer) < 0) return -1;
    state->next += 4 * count;
    Py_ssize_t rest = state->end - state->next;
    if (rest >= 4) {
        int is_surrogate = kr_is_surrogate(read_32(state->next, big_endian));
        *fault = (Fault){is_surrogate ? "code point in surrogate code point range(0xd800, 0xe000)"
                                      : "code point not in range(0x110000)",
                         4, 0};
    } else if (rest > 0) {
        *fault = (Fault){"truncated data", rest, 1};
    }
    return 0;
}

/* One copy of the loops for each encoding. */
static int decode_run(KrDecodeErrors *state, int bits, int big_endian, _PyUnicodeWriter *writer, Fault *fault) {
    if (bits == 16)
        return big_endian ? decode_16(state, 1, writer, fault) : decode_16(state, 0, writer, fault);
    return big_endian ? decode_32(state, 1, writer, fault) : decode_32(state, 0, writer, fault);
}

static PyObject *decode(const char *data, Py_ssize_t size, const char *errors, int *byteorder, Py_ssize_t *consumed,
                        int bits) {
    KrDecodeErrors state;
    _PyUnicodeWriter writer;
    int order = byteorder != NULL ? *byteorder : 0;
    const char *text = data;
    if (order == 0 && (order = byte_order_mark(data, size, bits)) != 0) text += bits / 8;
    int given_order = order;
    if (order == 0) order = NATIVE_ORDER;
    kr_decode_begin(&state, encoding_name(bits, order), errors, data, size);
    state.next = text;
    _PyUnicodeWriter_Init(&writer);
    writer.min_length = size / (bits / 8);
    for (;;) {
        Fault fault;
        if (decode_run(&state, bits, order > 0, &writer, &fault) < 0) goto failed;
        if (fault.reason == NULL || (fault.is_truncated && consumed != NULL)) break;
        if (kr_decode_error(&state, state.next, state.next + fault.size, fault.reason, &writer) < 0) goto failed;
    }
    if (byteorder != NULL) *byteorder = given_order;
    if (consumed != NULL) *consumed = state.next - state.start;
    kr_decode_end(&state);
    return _PyUnicodeWriter_Finish(&writer);
failed:
    kr_decode_end(&state);
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

PyObject *PyUnicode_DecodeUTF16Stateful(const char *data, Py_ssize_t size, const char *errors, int *byteorder,
                                        Py_ssize_t *consumed) {
    return decode(data, size, errors, byteorder, consumed, 16);
}

PyObject *PyUnicode_DecodeUTF16(const char *data, Py_ssize_t size, const char *errors, int *byteorder) {
    return decode(data, size, errors, byteorder, NULL, 16);
}

PyObject *PyUnicode_DecodeUTF32Stateful(const char *data, Py_ssize_t size, const char *errors, int *byteorder,
                                        Py_ssize_t *consumed) {
    return decode(data, size, errors, byteorder, consumed, 32);
}

PyObject *PyUnicode_DecodeUTF32(const char *data, Py_ssize_t size, const char *errors, int *byteorder) {
    return decode(data, size, errors, byteorder, NULL, 32);
}

/* ---- encoding ---- */

static inline char *put_unit(char *output, Py_UCS4 c, int bits, int big_endian) {
    if (bits == 32) return put_32(output, c, big_endian);
    if (c < 0x10000) return put_16(output, c, big_endian);
    output = put_16(output, 0xd800 | (c - 0x10000) >> 10, big_endian);
    return put_16(output, 0xdc00 | ((c - 0x10000) & 0x3ff), big_endian);
}

/* Writes what a handler gives for one surrogate. Returns the end of the output or NULL. */
static char *encode_bad(KrEncodeErrors *state, _PyBytesWriter *writer, char *output, Py_ssize_t *position, int bits,
                        int big_endian) {
    static const char reason[] = "surrogates not allowed";
    Py_ssize_t first = *position, unit_size = bits / 8;
    PyObject *replacement = kr_encode_call_handler(state, first, first + 1, reason, position);
    if (replacement == NULL) return NULL;
    if (PyBytes_Check(replacement) && PyBytes_GET_SIZE(replacement) % unit_size == 0) {
        output = _PyBytesWriter_WriteBytes(writer, output, PyBytes_AS_STRING(replacement), PyBytes_GET_SIZE(replacement));
    } else if (PyUnicode_Check(replacement) && PyUnicode_IS_ASCII(replacement)) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(replacement);
        output = _PyBytesWriter_Prepare(writer, output, length * unit_size);
        for (Py_ssize_t i = 0; i < length && output != NULL; i++)
            output = put_unit(output, PyUnicode_READ_CHAR(replacement, i), bits, big_endian);
    } else {
        kr_encode_raise(state, first, first + 1, reason);
        output = NULL;
    }
    Py_DECREF(replacement);
    return output;
}

/* Encodes from `*index` on up to the next surrogate or the end; returns the end of the output. */
#define RUN_ENCODER(name, type)                                                                                        \
    static inline char *name(char *output, const type *data, Py_ssize_t length, Py_ssize_t *index, int bits,           \
                             int big_endian) {                                                                         \
        Py_ssize_t i = *index;                                                                                         \
        for (; i < length; i++) {                                                                                      \
            Py_UCS4 c = data[i];                                                                                       \
            if (sizeof(type) > 1 && kr_is_surrogate(c)) break;                                                         \
            if (sizeof(type) < 4 && bits == 16)                                                                        \
                output = put_16(output, c, big_endian);                                                                \
            else                                                                                                       \
                output = put_unit(output, c, bits, big_endian);                                                        \
        }                                                                                                              \
        *index = i;                                                                                                    \
        return output;                                                                                                 \
    }
RUN_ENCODER(encode_run_1, Py_UCS1)
RUN_ENCODER(encode_run_2, Py_UCS2)
RUN_ENCODER(encode_run_4, Py_UCS4)

static inline char *encode_kind(char *output, int kind, const void *data, Py_ssize_t length, Py_ssize_t *index, int bits,
                                int big_endian) {
    switch (kind) {
        case PyUnicode_1BYTE_KIND: return encode_run_1(output, data, length, index, bits, big_endian);
        case PyUnicode_2BYTE_KIND: return encode_run_2(output, data, length, index, bits, big_endian);
        default: return encode_run_4(output, data, length, index, bits, big_endian);
    }
}

/* One copy of the loops for each encoding. */
static char *encode_run(char *output, int kind, const void *data, Py_ssize_t length, Py_ssize_t *index, int bits,
                        int big_endian) {
    if (bits == 16)
        return big_endian ? encode_kind(output, kind, data, length, index, 16, 1)
                          : encode_kind(output, kind, data, length, index, 16, 0);
    return big_endian ? encode_kind(output, kind, data, length, index, 32, 1)
                      : encode_kind(output, kind, data, length, index, 32, 0);
}

static PyObject *encode(PyObject *text, const char *errors, int byteorder, int bits) {
    KrEncodeErrors state;
    _PyBytesWriter writer;
    if (!PyUnicode_Check(text)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    int kind = PyUnicode_KIND(text), big_endian = (byteorder != 0 ? byteorder : NATIVE_ORDER) > 0;
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t units = length + (byteorder == 0);
    if (bits == 16 && kind == PyUnicode_4BYTE_KIND) {
        for (Py_ssize_t i = 0; i < length; i++) units += ((const Py_UCS4 *)data)[i] >= 0x10000;
    }
    if (units > PY_SSIZE_T_MAX / (bits / 8)) return PyErr_NoMemory();
    kr_encode_begin(&state, encoding_name(bits, byteorder), errors, text);
    _PyBytesWriter_Init(&writer);
    char *output = _PyBytesWriter_Alloc(&writer, units * (bits / 8));
    if (output != NULL) {
        writer.overallocate = 1;
        if (byteorder == 0) output = put_unit(output, 0xfeff, bits, big_endian);
    }
    for (Py_ssize_t i = 0; output != NULL && i < length;) {
        output = encode_run(output, kind, data, length, &i, bits, big_endian);
        if (i == length) break;
        /* The space of the surrogate stays reserved; going back needs it anew. */
        Py_ssize_t before = i;
        output = encode_bad(&state, &writer, output, &i, bits, big_endian);
        if (output != NULL && i <= before) output = _PyBytesWriter_Prepare(&writer, output, (before - i + 1) * 4);
    }
    kr_encode_end(&state);
    if (output == NULL) {
        _PyBytesWriter_Dealloc(&writer);
        return NULL;
    }
    writer.overallocate = 0;
    return _PyBytesWriter_Finish(&writer, output);
}

PyObject *_PyUnicode_EncodeUTF16(PyObject *text, const char *errors, int byteorder) {
    return encode(text, errors, byteorder, 16);
}

PyObject *_PyUnicode_EncodeUTF32(PyObject *text, const char *errors, int byteorder) {
    return encode(text, errors, byteorder, 32);
}

PyObject *PyUnicode_AsUTF16String(PyObject *text) { return encode(text, NULL, 0, 16); }
PyObject *PyUnicode_AsUTF32String(PyObject *text) { return encode(text, NULL, 0, 32); }
