/* Bytes as hexadecimal digits, with or without separators between groups. */
#include <Python.h>

#include "types/bytes_hex.h"

const char *Py_hexdigits = "0123456789abcdef";

const unsigned char kr_hex_digit_value[256] = {
    [0 ... '0' - 1] = 37,
    ['0'] = 0, ['1'] = 1, ['2'] = 2, ['3'] = 3, ['4'] = 4, ['5'] = 5, ['6'] = 6, ['7'] = 7, ['8'] = 8, ['9'] = 9,
    ['9' + 1 ... 'A' - 1] = 37,
    ['A'] = 10, ['B'] = 11, ['C'] = 12, ['D'] = 13, ['E'] = 14, ['F'] = 15,
    ['F' + 1 ... 'a' - 1] = 37,
    ['a'] = 10, ['b'] = 11, ['c'] = 12, ['d'] = 13, ['e'] = 14, ['f'] = 15,
    ['f' + 1 ... 255] = 37,
};

/* Stores the separator's character. Returns 0 or -1. */
static int separator_character(PyObject *sep, unsigned char *character) {
    Py_ssize_t length = PyObject_Length(sep);
    if (length < 0) return -1;
    if (length != 1) {
        PyErr_SetString(PyExc_ValueError, "sep must be length 1.");
        return -1;
    }
    if (PyUnicode_Check(sep)) {
        if (PyUnicode_READY(sep) < 0) return -1;
        if (PyUnicode_KIND(sep) != PyUnicode_1BYTE_KIND) {
            PyErr_SetString(PyExc_ValueError, "sep must be ASCII.");
            return -1;
        }
        *character = PyUnicode_READ_CHAR(sep, 0);
    } else if (PyBytes_Check(sep)) {
        *character = PyBytes_AS_STRING(sep)[0];
    } else {
        PyErr_SetString(PyExc_TypeError, "sep must be str or bytes.");
        return -1;
    }
    return 0;
}

static inline void put_digits(char *output, unsigned char byte) {
    output[0] = "0123456789abcdef"[byte >> 4];
    output[1] = "0123456789abcdef"[byte & 15];
}

static void write_plain(char *output, const unsigned char *data, Py_ssize_t length) {
    for (Py_ssize_t i = 0; i < length; i++) put_digits(output + 2 * i, data[i]);
}

/* Groups that are counted from the left leave a short last one, those from the right a short first one. */
static void write_groups(char *output, const unsigned char *data, Py_ssize_t length, unsigned char sep, int group) {
    Py_ssize_t size = group < 0 ? -(Py_ssize_t)group : group;
    Py_ssize_t first = group < 0 || length % size == 0 ? size : length % size;
    for (Py_ssize_t i = 0, next = first; i < length; i++) {
        if (i == next) {
            *output++ = (char)sep;
            next += size;
        }
        put_digits(output, data[i]);
        output += 2;
    }
}

static PyObject *to_hex(const char *data, Py_ssize_t length, PyObject *sep, int group, int as_bytes) {
    unsigned char character = 0;
    if (sep != NULL) {
        if (separator_character(sep, &character) < 0) return NULL;
        if (character > 127 && !as_bytes) {
            PyErr_SetString(PyExc_ValueError, "sep must be ASCII.");
            return NULL;
        }
    } else {
        group = 0;
    }
    Py_ssize_t size = group < 0 ? -(Py_ssize_t)group : group;
    Py_ssize_t separators = size > 0 && length > 0 ? (length - 1) / size : 0;
    if (length > PY_SSIZE_T_MAX / 2 - separators) return PyErr_NoMemory();
    Py_ssize_t total = 2 * length + separators;
    PyObject *result = as_bytes ? PyBytes_FromStringAndSize(NULL, total) : PyUnicode_New(total, 127);
    if (result == NULL || total == 0) return result;
    char *output = as_bytes ? PyBytes_AS_STRING(result) : (char *)PyUnicode_1BYTE_DATA(result);
    if (separators == 0)
        write_plain(output, (const unsigned char *)data, length);
    else
        write_groups(output, (const unsigned char *)data, length, character, group);
    return result;
}

PyObject *_Py_strhex(const char *data, const Py_ssize_t length) { return to_hex(data, length, NULL, 0, 0); }
PyObject *_Py_strhex_bytes(const char *data, const Py_ssize_t length) { return to_hex(data, length, NULL, 0, 1); }

PyObject *_Py_strhex_with_sep(const char *data, const Py_ssize_t length, PyObject *sep, const int group) {
    return to_hex(data, length, sep, group, 0);
}

PyObject *_Py_strhex_bytes_with_sep(const char *data, const Py_ssize_t length, PyObject *sep, const int group) {
    return to_hex(data, length, sep, group, 1);
}

/* ---- bytes.fromhex ---- */

/* Reads digit pairs into output and returns the number of bytes; -1 - position of a character that is wrong. */
static Py_ssize_t read_digits(const unsigned char *text, Py_ssize_t length, unsigned char *output) {
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < length; i += 2) {
        while (i < length && Py_ISSPACE(text[i])) i++;
        if (i >= length) break;
        unsigned high = kr_hex_digit_value[text[i]];
        if (high >= 16) return -1 - i;
        /* The text ends with a zero byte, which is no digit. */
        unsigned low = kr_hex_digit_value[text[i + 1]];
        if (low >= 16) return -1 - (i + 1);
        output[count++] = (unsigned char)(high << 4 | low);
    }
    return count;
}

static PyObject *bad_digit(Py_ssize_t position) {
    return PyErr_Format(PyExc_ValueError, "non-hexadecimal number found in fromhex() arg at position %zd", position);
}

/* Returns the position of the first character that is not ASCII. */
static Py_ssize_t first_not_ascii(PyObject *text) {
    Py_ssize_t i = 0;
    while (i < PyUnicode_GET_LENGTH(text) && PyUnicode_READ_CHAR(text, i) < 128) i++;
    return i;
}

PyObject *_PyBytes_FromHex(PyObject *text, int use_bytearray) {
    if (PyUnicode_READY(text) < 0) return NULL;
    if (!PyUnicode_IS_ASCII(text)) return bad_digit(first_not_ascii(text));
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    _PyBytesWriter writer;
    _PyBytesWriter_Init(&writer);
    writer.use_bytearray = use_bytearray;
    unsigned char *output = _PyBytesWriter_Alloc(&writer, length / 2);
    if (output == NULL) return NULL;
    Py_ssize_t count = read_digits(PyUnicode_1BYTE_DATA(text), length, output);
    if (count < 0) {
        _PyBytesWriter_Dealloc(&writer);
        return bad_digit(-1 - count);
    }
    return _PyBytesWriter_Finish(&writer, output + count);
}
