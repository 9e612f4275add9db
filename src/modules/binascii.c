/* The native module binascii: conversions between binary data and ASCII codings of it, and check sums. */
#include <Python.h>
#include <string.h>
#include <zlib.h>

#include "object/arguments.h"
#include "types/bytes_hex.h"

typedef struct {
    PyObject *error, *incomplete;
} ModuleState;

static inline ModuleState *get_state(PyObject *module) { return PyModule_GetState(module); }

static PyObject *fail(PyObject *module, const char *text) {
    PyErr_SetString(get_state(module)->error, text);
    return NULL;
}

/* ---- arguments ---- */

/* Takes the memory of a bytes-like object or of a str that is ASCII. */
static int ascii_argument(PyObject *object, Py_buffer *view) {
    if (PyUnicode_Check(object)) {
        if (PyUnicode_READY(object) < 0) return -1;
        if (!PyUnicode_IS_ASCII(object)) {
            PyErr_SetString(PyExc_ValueError, "string argument should contain only ASCII characters");
            return -1;
        }
        return PyBuffer_FillInfo(view, object, PyUnicode_DATA(object), PyUnicode_GET_LENGTH(object), 1, PyBUF_SIMPLE);
    }
    if (PyObject_GetBuffer(object, view, PyBUF_SIMPLE) == 0) return 0;
    PyErr_Format(PyExc_TypeError, "argument should be bytes, buffer or ASCII string, not '%.100s'",
                 Py_TYPE(object)->tp_name);
    return -1;
}

/* Reads truth values at the places from `first` on that were given. */
static int flag_arguments(PyObject *const *args, Py_ssize_t count, PyObject *kwnames, int first, int flags, int *values) {
    for (int i = 0; i < flags; i++) {
        PyObject *object = kr_optional_argument(args, count, kwnames, first + i);
        if (object != NULL && (values[i] = PyObject_IsTrue(object)) < 0) return -1;
    }
    return 0;
}

/* ---- base64 ---- */

static const unsigned char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Values of base64 digits, more by one, so that 0 stands for other characters. */
static const unsigned char base64_values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The value of a base64 digit; above 63 for other characters. */
static inline unsigned digit_value(unsigned char c) { return base64_values[c] - 1u; }

/* Decodes to `output` and returns its end, or NULL with an exception. */
static unsigned char *decode_base64(PyObject *module, const unsigned char *data, Py_ssize_t size, int strict,
                                    unsigned char *output) {
    unsigned char *start = output;
    unsigned position = 0, left = 0; /* place in the group of four digits, bits that are left over */
    int padding = 0, padding_seen = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        while (position == 0 && !padding_seen && i + 4 < size) { /* whole groups */
            unsigned a = digit_value(data[i]), b = digit_value(data[i + 1]), c = digit_value(data[i + 2]),
                     d = digit_value(data[i + 3]);
            if ((a | b | c | d) > 63) break;
            unsigned group = a << 18 | b << 12 | c << 6 | d;
            *output++ = (unsigned char)(group >> 16);
            *output++ = (unsigned char)(group >> 8);
            *output++ = (unsigned char)group;
            i += 4;
        }
        unsigned char c = data[i];
        if (c == '=') {
            padding_seen = 1;
            if (strict && i == 0) {
                fail(module, "Leading padding not allowed");
                return NULL;
            }
            if (position >= 2 && position + ++padding >= 4) {
                if (!strict || i + 1 == size) return output;
                fail(module, "Excess data after padding");
                return NULL;
            }
            continue;
        }
        unsigned value = digit_value(c);
        if (value >= 64) {
            if (!strict) continue;
            fail(module, "Only base64 data is allowed");
            return NULL;
        }
        if (strict && padding_seen) {
            fail(module, "Discontinuous padding not allowed");
            return NULL;
        }
        padding = 0;
        switch (position) {
            case 0: left = value; break;
            case 1: *output++ = (unsigned char)(left << 2 | value >> 4), left = value & 15; break;
            case 2: *output++ = (unsigned char)(left << 4 | value >> 2), left = value & 3; break;
            default: *output++ = (unsigned char)(left << 6 | value), left = 0; break;
        }
        position = (position + 1) & 3;
    }
    if (position == 1) {
        PyErr_Format(get_state(module)->error,
                     "Invalid base64-encoded string: number of data characters (%zd) cannot be 1 more than a multiple of 4",
                     (output - start) / 3 * 4 + 1);
        return NULL;
    }
    if (position != 0) {
        fail(module, "Incorrect padding");
        return NULL;
    }
    return output;
}

static PyObject *a2b_base64(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"", "strict_mode", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "a2b_base64"};
    PyObject *values[2] = {NULL};
    Py_buffer data;
    int strict = 0;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 1, 0, values);
    if (args == NULL || ascii_argument(args[0], &data) < 0) return NULL;
    PyObject *result = NULL;
    if (flag_arguments(args, count, kwnames, 1, 1, &strict) == 0) {
        _PyBytesWriter writer;
        _PyBytesWriter_Init(&writer);
        unsigned char *output = _PyBytesWriter_Alloc(&writer, (data.len + 3) / 4 * 3);
        if (output != NULL) {
            output = decode_base64(module, data.buf, data.len, strict, output);
            if (output != NULL) result = _PyBytesWriter_Finish(&writer, output);
            else _PyBytesWriter_Dealloc(&writer);
        }
    }
    PyBuffer_Release(&data);
    return result;
}

static PyObject *encode_base64(const unsigned char *data, Py_ssize_t size, int newline) {
    if (size > (PY_SSIZE_T_MAX - 5) / 4 * 3) return PyErr_NoMemory();
    PyObject *result = PyBytes_FromStringAndSize(NULL, (size + 2) / 3 * 4 + newline);
    if (result == NULL) return NULL;
    unsigned char *output = (unsigned char *)PyBytes_AS_STRING(result);
    for (; size >= 3; size -= 3, data += 3) {
        unsigned group = (unsigned)data[0] << 16 | (unsigned)data[1] << 8 | data[2];
        *output++ = base64_digits[group >> 18];
        *output++ = base64_digits[group >> 12 & 63];
        *output++ = base64_digits[group >> 6 & 63];
        *output++ = base64_digits[group & 63];
    }
    if (size > 0) {
        unsigned group = (unsigned)data[0] << 16 | (size > 1 ? (unsigned)data[1] << 8 : 0);
        *output++ = base64_digits[group >> 18];
        *output++ = base64_digits[group >> 12 & 63];
        *output++ = size > 1 ? base64_digits[group >> 6 & 63] : '=';
        *output++ = '=';
    }
    if (newline) *output = '\n';
    return result;
}

static PyObject *b2a_base64(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"", "newline", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "b2a_base64"};
    PyObject *values[2] = {NULL};
    Py_buffer data;
    int newline = 1;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 1, 0, values);
    if (args == NULL || PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *result = NULL;
    if (flag_arguments(args, count, kwnames, 1, 1, &newline) == 0)
        result = encode_base64(data.buf, data.len, newline);
    PyBuffer_Release(&data);
    return result;
}

/* ---- uuencode ---- */

enum { UU_LINE = 45 };

/* Decodes one line; the result has the size that its first character tells. */
static PyObject *decode_uu(PyObject *module, const unsigned char *data, Py_ssize_t size) {
    Py_ssize_t length = ((size > 0 ? data[0] : 0) - ' ') & 63, i = 1;
    PyObject *result = PyBytes_FromStringAndSize(NULL, length);
    if (result == NULL) return NULL;
    unsigned char *output = (unsigned char *)PyBytes_AS_STRING(result);
    unsigned left = 0, bits = 0;
    while (length > 0) {
        unsigned c = i < size ? data[i] : '\n';
        i++;
        if (c == '\n' || c == '\r') {
            c = ' '; /* spaces at the end of a line get lost easily */
        } else if (c < ' ' || c > ' ' + 64) {
            Py_DECREF(result);
            return fail(module, "Illegal char");
        }
        left = left << 6 | ((c - ' ') & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *output++ = (unsigned char)(left >> bits);
            left &= (1u << bits) - 1;
            length--;
        }
    }
    for (; i < size; i++) {
        if (data[i] != ' ' && data[i] != ' ' + 64 && data[i] != '\n' && data[i] != '\r') {
            Py_DECREF(result);
            return fail(module, "Trailing garbage");
        }
    }
    return result;
}

static PyObject *a2b_uu(PyObject *module, PyObject *argument) {
    Py_buffer data;
    if (ascii_argument(argument, &data) < 0) return NULL;
    PyObject *result = decode_uu(module, data.buf, data.len);
    PyBuffer_Release(&data);
    return result;
}

static PyObject *encode_uu(const unsigned char *data, Py_ssize_t size, int backtick) {
    PyObject *result = PyBytes_FromStringAndSize(NULL, 2 + (size + 2) / 3 * 4);
    if (result == NULL) return NULL;
    char *output = PyBytes_AS_STRING(result);
    char zero = backtick ? '`' : ' ';
    *output++ = size == 0 ? zero : (char)(' ' + size);
    for (Py_ssize_t i = 0; i < size; i += 3) {
        unsigned group = (unsigned)data[i] << 16;
        if (i + 1 < size) group |= (unsigned)data[i + 1] << 8;
        if (i + 2 < size) group |= data[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) {
            unsigned value = group >> shift & 63;
            *output++ = value == 0 ? zero : (char)(' ' + value);
        }
    }
    *output = '\n';
    return result;
}

static PyObject *b2a_uu(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"", "backtick", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "b2a_uu"};
    PyObject *values[2] = {NULL};
    Py_buffer data;
    int backtick = 0;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 1, 0, values);
    if (args == NULL || PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *result = NULL;
    if (flag_arguments(args, count, kwnames, 1, 1, &backtick) == 0) {
        result = data.len > UU_LINE ? fail(module, "At most 45 bytes at once") : encode_uu(data.buf, data.len, backtick);
    }
    PyBuffer_Release(&data);
    return result;
}

/* ---- hexadecimal ---- */

static PyObject *to_hex(const char *name, _PyArg_Parser *parser, PyObject *const *args, Py_ssize_t count,
                        PyObject *kwnames) {
    PyObject *values[3] = {NULL};
    Py_buffer data;
    int group = 1;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, parser, 1, 3, 0, values);
    if (args == NULL || PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *sep = kr_optional_argument(args, count, kwnames, 1);
    PyObject *group_object = kr_optional_argument(args, count, kwnames, 2), *result = NULL;
    if (group_object != NULL) group = _PyLong_AsInt(group_object);
    if (group != -1 || !PyErr_Occurred()) result = _Py_strhex_bytes_with_sep(data.buf, data.len, sep, group);
    PyBuffer_Release(&data);
    return result;
}

static const char *const hex_keywords[] = {"data", "sep", "bytes_per_sep", NULL};

static PyObject *b2a_hex(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = hex_keywords, .fname = "b2a_hex"};
    return to_hex("b2a_hex", &parser, args, count, kwnames);
}

static PyObject *hexlify(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = hex_keywords, .fname = "hexlify"};
    return to_hex("hexlify", &parser, args, count, kwnames);
}

static PyObject *decode_hex(PyObject *module, const unsigned char *data, Py_ssize_t size) {
    if (size % 2 != 0) return fail(module, "Odd-length string");
    PyObject *result = PyBytes_FromStringAndSize(NULL, size / 2);
    if (result == NULL) return NULL;
    char *output = PyBytes_AS_STRING(result);
    for (Py_ssize_t i = 0; i < size; i += 2) {
        unsigned high = kr_hex_digit_value[data[i]], low = kr_hex_digit_value[data[i + 1]];
        if (high >= 16 || low >= 16) {
            Py_DECREF(result);
            return fail(module, "Non-hexadecimal digit found");
        }
        *output++ = (char)(high << 4 | low);
    }
    return result;
}

static PyObject *a2b_hex(PyObject *module, PyObject *argument) {
    Py_buffer data;
    if (ascii_argument(argument, &data) < 0) return NULL;
    PyObject *result = decode_hex(module, data.buf, data.len);
    PyBuffer_Release(&data);
    return result;
}

/* ---- check sums ---- */

/* CRC-CCITT with the polynomial x^16 + x^12 + x^5 + 1, most significant bit first, without inversions. */
static unsigned crc_ccitt(unsigned crc, const unsigned char *data, Py_ssize_t size) {
    for (Py_ssize_t i = 0; i < size; i++) {
        unsigned x = (crc >> 8 ^ data[i]) & 0xff;
        x ^= x >> 4;
        crc = (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xffff;
    }
    return crc;
}

static int crc_argument(PyObject *object, unsigned *crc) {
    unsigned long value = PyLong_AsUnsignedLongMask(object);
    if (value == (unsigned long)-1 && PyErr_Occurred()) return -1;
    *crc = (unsigned)value;
    return 0;
}

static PyObject *crc_hqx(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer data;
    unsigned crc;
    if (!_PyArg_CheckPositional("crc_hqx", count, 2, 2) || PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *result = NULL;
    if (crc_argument(args[1], &crc) == 0)
        result = PyLong_FromUnsignedLong(crc_ccitt(crc & 0xffff, data.buf, data.len));
    PyBuffer_Release(&data);
    return result;
}

enum { CRC_WITHOUT_LOCK = 5 * 1024 }; /* bytes from which on other threads may run */

static PyObject *crc32_function(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    Py_buffer data;
    unsigned crc = 0;
    if (!_PyArg_CheckPositional("crc32", count, 1, 2) || PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0)
        return NULL;
    PyObject *result = NULL;
    if (count < 2 || crc_argument(args[1], &crc) == 0) {
        if (data.len > CRC_WITHOUT_LOCK) {
            Py_BEGIN_ALLOW_THREADS
            crc = (unsigned)crc32_z(crc, data.buf, (size_t)data.len);
            Py_END_ALLOW_THREADS
        } else {
            /* Without data zlib would start anew. */
            crc = (unsigned)crc32_z(crc, data.buf != NULL ? data.buf : (const void *)"", (size_t)data.len);
        }
        result = PyLong_FromUnsignedLong(crc);
    }
    PyBuffer_Release(&data);
    return result;
}

/* ---- quoted-printable ---- */

enum { QP_LINE = 76 };

static PyObject *decode_qp(const unsigned char *data, Py_ssize_t size, int header) {
    PyObject *result = PyBytes_FromStringAndSize(NULL, size > 1 ? size : 2);
    if (result == NULL) return NULL;
    char *start = PyBytes_AS_STRING(result), *output = start;
    for (Py_ssize_t i = 0; i < size;) {
        unsigned char c = data[i++];
        if (c != '=') {
            *output++ = header && c == '_' ? ' ' : (char)c;
        } else if (i == size) {
            break;
        } else if (data[i] == '\n' || data[i] == '\r') { /* the line goes on */
            while (i < size && data[i] != '\n') i++;
            i++;
        } else if (data[i] == '=') {
            *output++ = '=';
            i++;
        } else if (i + 1 < size && kr_hex_digit_value[data[i]] < 16 && kr_hex_digit_value[data[i + 1]] < 16) {
            *output++ = (char)(kr_hex_digit_value[data[i]] << 4 | kr_hex_digit_value[data[i + 1]]);
            i += 2;
        } else {
            *output++ = '=';
        }
    }
    _PyBytes_Resize(&result, output - start);
    return result;
}

static PyObject *a2b_qp(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"data", "header", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "a2b_qp"};
    PyObject *values[2] = {NULL};
    Py_buffer data;
    int header = 0;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 2, 0, values);
    if (args == NULL || ascii_argument(args[0], &data) < 0) return NULL;
    PyObject *result = NULL;
    if (flag_arguments(args, count, kwnames, 1, 1, &header) == 0) result = decode_qp(data.buf, data.len, header);
    PyBuffer_Release(&data);
    return result;
}

typedef struct {
    const unsigned char *data;
    Py_ssize_t size;
    int quote_tabs, is_text, header;
    int crlf; /* lines end with \r\n */
    char *output;
    int column;
} QpEncoder;

static int is_line_end(unsigned char c) { return c == '\n' || c == '\r'; }

/* True if the byte at `i` has to be written as =XX. */
static int needs_quoting(const QpEncoder *encoder, Py_ssize_t i) {
    unsigned char c = encoder->data[i];
    int is_last = i + 1 == encoder->size;
    if (c > 126 || c == '=' || (encoder->header && c == '_')) return 1;
    /* A line with a dot alone ends a mail. */
    if (c == '.' && encoder->column == 0)
        return is_last || is_line_end(encoder->data[i + 1]) || encoder->data[i + 1] == 0;
    if (is_line_end(c)) return !encoder->is_text;
    if (c == ' ' || c == '\t') return is_last || encoder->quote_tabs;
    return c < 33;
}

static void put_hex(QpEncoder *encoder, unsigned char c) {
    *encoder->output++ = "0123456789ABCDEF"[c >> 4];
    *encoder->output++ = "0123456789ABCDEF"[c & 15];
}

static void put_soft_break(QpEncoder *encoder) {
    *encoder->output++ = '=';
    if (encoder->crlf) *encoder->output++ = '\r';
    *encoder->output++ = '\n';
    encoder->column = 0;
}

/* Ends a line; whitespace before its end must not stay as it is. */
static void put_line_end(QpEncoder *encoder, const char *start) {
    if (encoder->output > start && (encoder->output[-1] == ' ' || encoder->output[-1] == '\t')) {
        unsigned char c = (unsigned char)encoder->output[-1];
        encoder->output[-1] = '=';
        put_hex(encoder, c);
    }
    if (encoder->crlf) *encoder->output++ = '\r';
    *encoder->output++ = '\n';
    encoder->column = 0;
}

static PyObject *encode_qp(QpEncoder *encoder) {
    const unsigned char *data = encoder->data;
    Py_ssize_t size = encoder->size;
    const unsigned char *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    encoder->crlf = newline != NULL && newline > data && newline[-1] == '\r';
    if (size > PY_SSIZE_T_MAX / 7) return PyErr_NoMemory();
    PyObject *result = PyBytes_FromStringAndSize(NULL, size * 6 + 2); /* =XX and a soft break for each byte at most */
    if (result == NULL) return NULL;
    char *start = PyBytes_AS_STRING(result);
    encoder->output = start;
    for (Py_ssize_t i = 0; i < size;) {
        unsigned char c = data[i];
        if (needs_quoting(encoder, i)) {
            if (encoder->column + 3 >= QP_LINE) put_soft_break(encoder);
            *encoder->output++ = '=';
            put_hex(encoder, c);
            encoder->column += 3;
            i++;
        } else if (encoder->is_text && (c == '\n' || (c == '\r' && i + 1 < size && data[i + 1] == '\n'))) {
            put_line_end(encoder, start);
            i += c == '\r' ? 2 : 1;
        } else {
            if (i + 1 < size && data[i + 1] != '\n' && encoder->column + 1 >= QP_LINE) put_soft_break(encoder);
            *encoder->output++ = encoder->header && c == ' ' ? '_' : (char)c;
            encoder->column++;
            i++;
        }
    }
    _PyBytes_Resize(&result, encoder->output - start);
    return result;
}

static PyObject *b2a_qp(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"data", "quotetabs", "istext", "header", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "b2a_qp"};
    PyObject *values[4] = {NULL};
    Py_buffer data;
    int flags[3] = {0, 1, 0};
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 4, 0, values);
    if (args == NULL || PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *result = NULL;
    if (flag_arguments(args, count, kwnames, 1, 3, flags) == 0) {
        QpEncoder encoder = {
            .data = data.buf, .size = data.len, .quote_tabs = flags[0], .is_text = flags[1], .header = flags[2]};
        result = encode_qp(&encoder);
    }
    PyBuffer_Release(&data);
    return result;
}

/* ---- the module ---- */

#define NAMED(name, signature, text)                                                                                   \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, #name signature "\n--\n\n" text}

static PyMethodDef binascii_functions[] = {
    {"a2b_uu", a2b_uu, METH_O, "a2b_uu($module, data, /)\n--\n\nDecode a line of uuencoded data."},
    NAMED(b2a_uu, "($module, data, /, *, backtick=False)", "Uuencode a line of at most 45 bytes."),
    NAMED(a2b_base64, "($module, data, /, *, strict_mode=False)", "Decode base64."),
    NAMED(b2a_base64, "($module, data, /, *, newline=True)", "Encode a line in base64."),
    NAMED(b2a_hex, "($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)", "Two hexadecimal digits for each byte."),
    NAMED(hexlify, "($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)", "Two hexadecimal digits for each byte."),
    {"a2b_hex", a2b_hex, METH_O, "a2b_hex($module, hexstr, /)\n--\n\nBytes from pairs of hexadecimal digits."},
    {"unhexlify", a2b_hex, METH_O, "unhexlify($module, hexstr, /)\n--\n\nBytes from pairs of hexadecimal digits."},
    {"crc_hqx", (PyCFunction)(void (*)(void))crc_hqx, METH_FASTCALL,
     "crc_hqx($module, data, crc, /)\n--\n\nCRC-CCITT of data, continuing from crc."},
    {"crc32", (PyCFunction)(void (*)(void))crc32_function, METH_FASTCALL,
     "crc32($module, data, crc=0, /)\n--\n\nCRC-32 of data, continuing from crc."},
    NAMED(a2b_qp, "($module, /, data, header=False)", "Decode quoted-printable data."),
    NAMED(b2a_qp, "($module, /, data, quotetabs=False, istext=True, header=False)", "Encode as quoted-printable data."),
    {NULL},
};

static int binascii_exec(PyObject *module) {
    ModuleState *state = get_state(module);
    state->error = PyErr_NewException("binascii.Error", PyExc_ValueError, NULL);
    if (state->error == NULL || PyModule_AddObjectRef(module, "Error", state->error) < 0) return -1;
    state->incomplete = PyErr_NewException("binascii.Incomplete", NULL, NULL);
    if (state->incomplete == NULL) return -1;
    return PyModule_AddObjectRef(module, "Incomplete", state->incomplete);
}

static int binascii_traverse(PyObject *module, visitproc visit, void *arg) {
    Py_VISIT(get_state(module)->error);
    Py_VISIT(get_state(module)->incomplete);
    return 0;
}

static int binascii_clear(PyObject *module) {
    Py_CLEAR(get_state(module)->error);
    Py_CLEAR(get_state(module)->incomplete);
    return 0;
}

static void binascii_free(void *module) { binascii_clear(module); }

static PyModuleDef_Slot binascii_slots[] = {{Py_mod_exec, binascii_exec}, {0, NULL}};

static struct PyModuleDef binascii_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "binascii",
    .m_doc = "Conversions between binary data and ASCII codings of it.",
    .m_size = sizeof(ModuleState),
    .m_methods = binascii_functions,
    .m_slots = binascii_slots,
    .m_traverse = binascii_traverse,
    .m_clear = binascii_clear,
    .m_free = binascii_free,
};

PyMODINIT_FUNC PyInit_binascii(void) { return PyModuleDef_Init(&binascii_module); }
