/* PyUnicode_FromFormat: text from a C format string. */
#include <Python.h>

#include "types/str/str.h"

typedef struct {
    Py_ssize_t width;     /* -1: none */
    Py_ssize_t precision; /* -1: none */
    int zero_pad;
    char size;            /* 0, 'l', 'L' (ll) or 'z' */
} Directive;

enum { NUMBER_BUFFER = 32 }; /* octal and decimal digits of 64 bits, sign, prefix */

/* Writes part of a string: cut to the precision, padded on the left to the width. */
static int write_padded(_PyUnicodeWriter *writer, PyObject *text, const Directive *directive) {
    if (PyUnicode_READY(text) < 0) return -1;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (directive->precision >= 0 && length > directive->precision) length = directive->precision;
    Py_ssize_t padding = directive->width > length ? directive->width - length : 0;
    if (padding > 0) {
        if (_PyUnicodeWriter_Prepare(writer, padding, 127) < 0) return -1;
        kr_str_fill(writer->kind, writer->data, writer->pos, padding, ' ');
        writer->pos += padding;
    }
    return _PyUnicodeWriter_WriteSubstring(writer, text, 0, length);
}

static int write_and_drop(_PyUnicodeWriter *writer, PyObject *text, const Directive *directive) {
    if (text == NULL) return -1;
    int result = write_padded(writer, text, directive);
    Py_DECREF(text);
    return result;
}

/* Writes UTF-8 text; the precision counts bytes. */
static int write_bytes(_PyUnicodeWriter *writer, const char *text, const Directive *directive) {
    size_t length = directive->precision < 0 ? strlen(text) : strnlen(text, (size_t)directive->precision);
    if (directive->width <= (Py_ssize_t)length &&
        kr_str_widest(PyUnicode_1BYTE_KIND, text, (Py_ssize_t)length) < 128) {
        if (length == 0) return 0;
        if (_PyUnicodeWriter_Prepare(writer, (Py_ssize_t)length, 127) < 0) return -1;
        kr_str_convert(writer->kind, (char *)writer->data + writer->pos * (Py_ssize_t)writer->kind,
                       PyUnicode_1BYTE_KIND, text, (Py_ssize_t)length);
        writer->pos += (Py_ssize_t)length;
        return 0;
    }
    return write_and_drop(writer, PyUnicode_DecodeUTF8Stateful(text, (Py_ssize_t)length, "replace", NULL), directive);
}

/* Writes digits with at least `precision` of them, padded on the left to the width. */
static int write_number(_PyUnicodeWriter *writer, const char *digits, const Directive *directive) {
    Py_ssize_t length = (Py_ssize_t)strlen(digits);
    Py_ssize_t zeros = directive->precision > length ? directive->precision - length : 0;
    Py_ssize_t padding = directive->width > length + zeros ? directive->width - length - zeros : 0;
    if (length > PY_SSIZE_T_MAX - zeros - padding) {
        PyErr_NoMemory();
        return -1;
    }
    if (_PyUnicodeWriter_Prepare(writer, length + zeros + padding, 127) < 0) return -1;
    kr_str_fill(writer->kind, writer->data, writer->pos, padding, directive->zero_pad ? '0' : ' ');
    kr_str_fill(writer->kind, writer->data, writer->pos + padding, zeros, '0');
    writer->pos += padding + zeros;
    return _PyUnicodeWriter_WriteASCIIString(writer, digits, length);
}

static int write_character(_PyUnicodeWriter *writer, int ordinal) {
    if (ordinal < 0 || ordinal > (int)KR_STR_MAX_CODE) {
        PyErr_SetString(PyExc_OverflowError, "character argument not in range(0x110000)");
        return -1;
    }
    return _PyUnicodeWriter_WriteChar(writer, (Py_UCS4)ordinal);
}

static Py_ssize_t parse_count(const char **p, const char *what) {
    Py_ssize_t count = 0;
    for (; Py_ISDIGIT(**p); ++*p) {
        int digit = **p - '0';
        if (count > (PY_SSIZE_T_MAX - digit) / 10) {
            PyErr_Format(PyExc_ValueError, "%s too big", what);
            return -1;
        }
        count = count * 10 + digit;
    }
    return count;
}

/* A pointer as 0x and hexadecimal digits. */
static void format_pointer(char *buffer, const void *pointer) {
    snprintf(buffer, NUMBER_BUFFER, "0x%zx", (size_t)pointer);
}

static void format_signed(char *buffer, char size, va_list *arguments) {
    long long value = size == 'l'   ? va_arg(*arguments, long)
                      : size == 'L' ? va_arg(*arguments, long long)
                      : size == 'z' ? va_arg(*arguments, Py_ssize_t)
                                    : va_arg(*arguments, int);
    snprintf(buffer, NUMBER_BUFFER, "%lld", value);
}

static void format_unsigned(char *buffer, char conversion, char size, va_list *arguments) {
    unsigned long long value = size == 'l'   ? va_arg(*arguments, unsigned long)
                               : size == 'L' ? va_arg(*arguments, unsigned long long)
                               : size == 'z' ? va_arg(*arguments, size_t)
                                             : va_arg(*arguments, unsigned int);
    snprintf(buffer, NUMBER_BUFFER, conversion == 'x' ? "%llx" : "%llu", value);
}

/* Writes one directive; `p` stands behind its '%'. Returns the place behind it, NULL on error, or `p` itself if it is
 * none that is known (the rest of the format is then taken literally). */
static const char *write_directive(_PyUnicodeWriter *writer, const char *p, va_list *arguments) {
    const char *start = p;
    Directive directive = {-1, -1, 0, 0};
    char digits[NUMBER_BUFFER];
    if (*p == '0') {
        directive.zero_pad = 1;
        p++;
    }
    if (Py_ISDIGIT(*p) && (directive.width = parse_count(&p, "width")) < 0) return NULL;
    if (*p == '.') {
        p++;
        if (Py_ISDIGIT(*p) && (directive.precision = parse_count(&p, "precision")) < 0) return NULL;
    }
    if (p[0] == 'l' && p[1] == 'l') {
        directive.size = 'L';
        p += 2;
    } else if (*p == 'l' || *p == 'z') {
        directive.size = *p++;
    }
    if (directive.size != 0 && (*p == 0 || strchr("diux", *p) == NULL)) return start;

    int result;
    switch (*p) {
    case 'c': result = write_character(writer, va_arg(*arguments, int)); break;
    case 'd':
    case 'i':
        format_signed(digits, directive.size, arguments);
        result = write_number(writer, digits, &directive);
        break;
    case 'u':
    case 'x':
        format_unsigned(digits, *p, directive.size, arguments);
        result = write_number(writer, digits, &directive);
        break;
    case 'p':
        format_pointer(digits, va_arg(*arguments, void *));
        result = _PyUnicodeWriter_WriteASCIIString(writer, digits, -1);
        break;
    case 's': result = write_bytes(writer, va_arg(*arguments, const char *), &directive); break;
    case 'U': result = write_padded(writer, va_arg(*arguments, PyObject *), &directive); break;
    case 'V': {
        PyObject *text = va_arg(*arguments, PyObject *);
        const char *bytes = va_arg(*arguments, const char *);
        result = text != NULL ? write_padded(writer, text, &directive) : write_bytes(writer, bytes, &directive);
        break;
    }
    case 'S': result = write_and_drop(writer, PyObject_Str(va_arg(*arguments, PyObject *)), &directive); break;
    case 'R': result = write_and_drop(writer, PyObject_Repr(va_arg(*arguments, PyObject *)), &directive); break;
    case 'A': result = write_and_drop(writer, PyObject_ASCII(va_arg(*arguments, PyObject *)), &directive); break;
    case '%':
        if (p != start) return start;
        result = _PyUnicodeWriter_WriteChar(writer, '%');
        break;
    default: return start;
    }
    return result < 0 ? NULL : p + 1;
}

/* Writes literal text up to `end`, which must be ASCII. */
static int write_literal(_PyUnicodeWriter *writer, const char *text, const char *end) {
    for (const char *p = text; p < end; p++) {
        if ((unsigned char)*p > 127) {
            PyErr_Format(PyExc_ValueError,
                         "PyUnicode_FromFormatV() expects an ASCII-encoded format string, got a non-ASCII byte: 0x%02x",
                         (unsigned char)*p);
            return -1;
        }
    }
    if (*end == 0) writer->overallocate = 0;
    return _PyUnicodeWriter_WriteASCIIString(writer, text, end - text);
}

PyObject *PyUnicode_FromFormatV(const char *format, va_list arguments) {
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    writer.min_length = (Py_ssize_t)strlen(format) + 100;
    writer.overallocate = 1;
    va_list rest;
    va_copy(rest, arguments);
    for (const char *p = format; *p != 0;) {
        const char *end = strchrnul(p, '%');
        if (end != p) {
            if (write_literal(&writer, p, end) < 0) goto error;
            p = end;
            continue;
        }
        const char *next = write_directive(&writer, p + 1, &rest);
        if (next == NULL) goto error;
        if (next == p + 1) {
            if (write_literal(&writer, p, p + strlen(p)) < 0) goto error;
            break;
        }
        p = next;
    }
    va_end(rest);
    return _PyUnicodeWriter_Finish(&writer);
error:
    va_end(rest);
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

PyObject *PyUnicode_FromFormat(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *result = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    return result;
}
