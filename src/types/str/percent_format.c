/* The % operator: printf-style formatting. */
#include <Python.h>

#include "types/format_spec.h"
#include "types/int.h"
#include "types/str/search.h"
#include "types/str/str.h"

enum { FLAG_LEFT = 1, FLAG_SIGN = 2, FLAG_BLANK = 4, FLAG_ALTERNATE = 8, FLAG_ZERO = 16 };

/* The state of one formatting. The arguments are a tuple's items, or one object that counts as the only item. */
typedef struct {
    int kind;
    const void *text;
    Py_ssize_t length;
    Py_ssize_t at; /* next character of the format */
    PyObject *tuple;    /* borrowed, or NULL */
    PyObject *single;   /* the only argument if there is no tuple; owned after a mapping key */
    int single_is_left; /* it was not used yet */
    int single_is_owned;
    Py_ssize_t next; /* of the tuple */
    PyObject *mapping; /* borrowed, or NULL */
    _PyUnicodeWriter writer;
} Formatter;

typedef struct {
    Py_UCS4 type;
    int flags;
    Py_ssize_t width; /* -1: none */
    int precision;    /* -1: none */
} Conversion;

/* ---- arguments ---- */

/* The next argument, borrowed. */
static PyObject *next_argument(Formatter *f) {
    if (f->tuple != NULL) {
        if (f->next < PyTuple_GET_SIZE(f->tuple)) return PyTuple_GET_ITEM(f->tuple, f->next++);
    } else if (f->single_is_left) {
        f->single_is_left = 0;
        return f->single;
    }
    PyErr_SetString(PyExc_TypeError, "not enough arguments for format string");
    return NULL;
}

/* Reads "(key)" and makes its value the only argument; the opening parenthesis is read. */
static int read_key(Formatter *f) {
    if (f->mapping == NULL) {
        PyErr_SetString(PyExc_TypeError, "format requires a mapping");
        return -1;
    }
    Py_ssize_t start = f->at;
    for (int depth = 1; depth > 0; f->at++) {
        if (f->at >= f->length) {
            PyErr_SetString(PyExc_ValueError, "incomplete format key");
            return -1;
        }
        Py_UCS4 ch = PyUnicode_READ(f->kind, f->text, f->at);
        if (ch == '(') depth++;
        else if (ch == ')') depth--;
    }
    const char *text = (const char *)f->text + start * f->kind;
    PyObject *key = PyUnicode_FromKindAndData(f->kind, text, f->at - 1 - start);
    if (key == NULL) return -1;
    PyObject *value = PyObject_GetItem(f->mapping, key);
    Py_DECREF(key);
    if (value == NULL) return -1;
    if (f->single_is_owned) Py_DECREF(f->single);
    f->single = value;
    f->single_is_owned = 1;
    f->single_is_left = 1;
    return 0;
}

/* ---- the conversion specifier ---- */

static int incomplete(void) {
    PyErr_SetString(PyExc_ValueError, "incomplete format");
    return -1;
}

/* Reads one more character of the format. Returns 0 or -1. */
static inline int read_character(Formatter *f, Py_UCS4 *ch) {
    if (f->at >= f->length) return incomplete();
    *ch = PyUnicode_READ(f->kind, f->text, f->at++);
    return 0;
}

/* Reads digits from *ch on into *value, which may not exceed `limit`. */
static int read_number(Formatter *f, Py_UCS4 *ch, Py_ssize_t limit, const char *what, Py_ssize_t *value) {
    Py_ssize_t number = 0;
    while (*ch >= '0' && *ch <= '9') {
        int digit = (int)(*ch - '0');
        if (number > (limit - digit) / 10) {
            PyErr_Format(PyExc_ValueError, "%s too big", what);
            return -1;
        }
        number = number * 10 + digit;
        if (read_character(f, ch) < 0) return -1;
    }
    *value = number;
    return 0;
}

static PyObject *star_argument(Formatter *f) {
    PyObject *number = next_argument(f);
    if (number != NULL && !PyLong_Check(number)) {
        PyErr_SetString(PyExc_TypeError, "* wants int");
        return NULL;
    }
    return number;
}

static int read_width(Formatter *f, Conversion *c, Py_UCS4 *ch) {
    if (*ch != '*') return *ch >= '0' && *ch <= '9' ? read_number(f, ch, PY_SSIZE_T_MAX, "width", &c->width) : 0;
    PyObject *number = star_argument(f);
    if (number == NULL) return -1;
    c->width = PyLong_AsSsize_t(number);
    if (c->width == -1 && PyErr_Occurred()) return -1;
    if (c->width < 0) {
        c->flags |= FLAG_LEFT;
        c->width = -c->width;
    }
    return read_character(f, ch);
}

static int read_precision(Formatter *f, Conversion *c, Py_UCS4 *ch) {
    c->precision = 0;
    if (read_character(f, ch) < 0) return -1;
    if (*ch != '*') {
        Py_ssize_t precision = 0;
        if (read_number(f, ch, INT_MAX, "precision", &precision) < 0) return -1;
        c->precision = (int)precision;
        return 0;
    }
    PyObject *number = star_argument(f);
    if (number == NULL) return -1;
    c->precision = _PyLong_AsInt(number);
    if (c->precision == -1 && PyErr_Occurred()) return -1;
    if (c->precision < 0) c->precision = 0;
    return read_character(f, ch);
}

static int flag_of(Py_UCS4 ch) {
    switch (ch) {
    case '-': return FLAG_LEFT;
    case '+': return FLAG_SIGN;
    case ' ': return FLAG_BLANK;
    case '#': return FLAG_ALTERNATE;
    case '0': return FLAG_ZERO;
    default: return 0;
    }
}

/* Reads what stands behind a '%'. */
static int read_conversion(Formatter *f, Conversion *c) {
    Py_UCS4 ch;
    *c = (Conversion){.width = -1, .precision = -1};
    if (read_character(f, &ch) < 0) return -1;
    if (ch == '(' && (read_key(f) < 0 || read_character(f, &ch) < 0)) return -1;
    for (int flag; (flag = flag_of(ch)) != 0;) {
        c->flags |= flag;
        if (read_character(f, &ch) < 0) return -1;
    }
    if (read_width(f, c, &ch) < 0) return -1;
    if (ch == '.' && read_precision(f, c, &ch) < 0) return -1;
    /* A length modifier of C is accepted and means nothing. */
    if ((ch == 'h' || ch == 'l' || ch == 'L') && read_character(f, &ch) < 0) return -1;
    c->type = ch;
    return 0;
}

/* ---- values ---- */

static PyObject *wrong_type(const Conversion *c, PyObject *value) {
    int is_digits = c->type == 'o' || c->type == 'x' || c->type == 'X';
    PyErr_Format(PyExc_TypeError, "%%%c format: %s is required, not %.200s", (int)c->type,
                 is_digits ? "an integer" : "a real number", Py_TYPE(value)->tp_name);
    return NULL;
}

/* The int to show for d i u (any number) or o x X (an integer); a new reference. */
static PyObject *integer_of(const Conversion *c, PyObject *value) {
    if (PyLong_Check(value)) return Py_NewRef(value);
    if (!PyNumber_Check(value)) return wrong_type(c, value);
    int is_digits = c->type == 'o' || c->type == 'x' || c->type == 'X';
    PyObject *number = is_digits ? PyNumber_Index(value) : PyNumber_Long(value);
    if (number == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) return wrong_type(c, value);
    return number;
}

PyObject *_PyUnicode_FormatLong(PyObject *value, int alternate, int precision, int type) {
    return kr_int_percent_format(value, alternate, precision, type);
}

static PyObject *integer_text(const Conversion *c, PyObject *value) {
    PyObject *number = integer_of(c, value);
    if (number == NULL) return NULL;
    int type = c->type == 'i' || c->type == 'u' ? 'd' : (int)c->type;
    PyObject *text = kr_int_percent_format(number, (c->flags & FLAG_ALTERNATE) != 0, c->precision, type);
    Py_DECREF(number);
    return text;
}

static PyObject *float_text(const Conversion *c, PyObject *value) {
    double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) return NULL;
    int precision = c->precision < 0 ? 6 : c->precision;
    char *text = PyOS_double_to_string(number, (char)c->type, precision,
                                       c->flags & FLAG_ALTERNATE ? Py_DTSF_ALT : 0, NULL);
    if (text == NULL) return NULL;
    PyObject *result = _PyUnicode_FromASCII(text, (Py_ssize_t)strlen(text));
    PyMem_Free(text);
    return result;
}

static PyObject *character_text(PyObject *value) {
    if (PyUnicode_Check(value)) {
        if (PyUnicode_READY(value) < 0) return NULL;
        if (PyUnicode_GET_LENGTH(value) == 1) return Py_NewRef(value);
    } else {
        PyObject *number = PyNumber_Index(value);
        if (number != NULL) {
            int overflow;
            long code = PyLong_AsLongAndOverflow(number, &overflow);
            Py_DECREF(number);
            if (overflow != 0 || code < 0 || code > (long)KR_STR_MAX_CODE) {
                PyErr_SetString(PyExc_OverflowError, "%c arg not in range(0x110000)");
                return NULL;
            }
            return kr_str_char((Py_UCS4)code);
        }
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
    }
    PyErr_SetString(PyExc_TypeError, "%c requires int or char");
    return NULL;
}

/* ---- layout ---- */

static int write_fill(_PyUnicodeWriter *writer, Py_UCS4 fill, Py_ssize_t count) {
    if (count <= 0) return 0;
    if (_PyUnicodeWriter_Prepare(writer, count, fill) < 0) return -1;
    kr_str_fill(writer->kind, writer->data, writer->pos, count, fill);
    writer->pos += count;
    return 0;
}

/* Writes text[0:length] within the width. */
static int write_text(Formatter *f, const Conversion *c, PyObject *text, Py_ssize_t length) {
    Py_ssize_t padding = c->width > length ? c->width - length : 0;
    if (!(c->flags & FLAG_LEFT) && write_fill(&f->writer, ' ', padding) < 0) return -1;
    if (_PyUnicodeWriter_WriteSubstring(&f->writer, text, 0, length) < 0) return -1;
    return c->flags & FLAG_LEFT ? write_fill(&f->writer, ' ', padding) : 0;
}

/* Writes the text of a number: blanks, sign, prefix, zeros, digits, blanks. */
static int write_number_text(Formatter *f, const Conversion *c, PyObject *text) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), start = 0, prefix = 0;
    Py_UCS4 sign = PyUnicode_READ_CHAR(text, 0);
    if (sign == '-' || sign == '+') start = 1;
    else sign = c->flags & FLAG_SIGN ? '+' : c->flags & FLAG_BLANK ? ' ' : 0;
    if ((c->flags & FLAG_ALTERNATE) && (c->type == 'x' || c->type == 'X' || c->type == 'o')) prefix = 2;
    Py_ssize_t size = (sign != 0) + length - start;
    Py_ssize_t padding = c->width > size ? c->width - size : 0;
    int left = c->flags & FLAG_LEFT, zeros = !left && (c->flags & FLAG_ZERO);
    _PyUnicodeWriter *writer = &f->writer;
    if (!left && !zeros && write_fill(writer, ' ', padding) < 0) return -1;
    if (sign != 0 && _PyUnicodeWriter_WriteChar(writer, sign) < 0) return -1;
    if (prefix != 0 && _PyUnicodeWriter_WriteSubstring(writer, text, start, start + prefix) < 0) return -1;
    if (zeros && write_fill(writer, '0', padding) < 0) return -1;
    if (_PyUnicodeWriter_WriteSubstring(writer, text, start + prefix, length) < 0) return -1;
    return left ? write_fill(writer, ' ', padding) : 0;
}

static int write_number(Formatter *f, const Conversion *c, PyObject *text) {
    if (text == NULL) return -1;
    int result = write_number_text(f, c, text);
    Py_DECREF(text);
    return result;
}

static int write_object(Formatter *f, const Conversion *c, PyObject *value) {
    PyObject *text;
    if (c->type == 's') text = PyUnicode_CheckExact(value) ? Py_NewRef(value) : PyObject_Str(value);
    else text = c->type == 'r' ? PyObject_Repr(value) : PyObject_ASCII(value);
    if (text == NULL || PyUnicode_READY(text) < 0) {
        Py_XDECREF(text);
        return -1;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    if (c->precision >= 0 && length > c->precision) length = c->precision;
    int result = write_text(f, c, text, length);
    Py_DECREF(text);
    return result;
}

static int write_conversion(Formatter *f, const Conversion *c) {
    PyObject *value = next_argument(f);
    if (value == NULL) return -1;
    int plain = c->width < 0 && c->precision < 0 && c->flags == 0;
    switch (c->type) {
    case 's':
        if (plain && PyUnicode_CheckExact(value)) return _PyUnicodeWriter_WriteStr(&f->writer, value);
        return write_object(f, c, value);
    case 'r':
    case 'a': return write_object(f, c, value);
    case 'd':
    case 'i':
    case 'u':
        if (plain && PyLong_CheckExact(value)) return _PyLong_FormatWriter(&f->writer, value, 10, 0);
        return write_number(f, c, integer_text(c, value));
    case 'o':
    case 'x':
    case 'X': return write_number(f, c, integer_text(c, value));
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G': return write_number(f, c, float_text(c, value));
    case 'c': {
        PyObject *text = character_text(value);
        if (text == NULL) return -1;
        int result = write_text(f, c, text, 1);
        Py_DECREF(text);
        return result;
    }
    default:
        PyErr_Format(PyExc_ValueError, "unsupported format character '%c' (0x%x) at index %zd",
                     c->type > 30 && c->type < 128 ? (int)c->type : '?', (int)c->type, f->at - 1);
        return -1;
    }
}

/* ---- the operator ---- */

/* Index of the next '%' from `f->at` on, or the end. */
static Py_ssize_t find_percent(const Formatter *f) {
    Py_ssize_t found =
        kr_text_find_char(f->kind, (const char *)f->text + f->at * f->kind, f->length - f->at, '%');
    return found < 0 ? f->length : f->at + found;
}

static int format_all(Formatter *f, PyObject *format) {
    while (f->at < f->length) {
        Py_ssize_t start = f->at, end = find_percent(f);
        f->at = end + 1;
        if (end == f->length) f->writer.overallocate = 0;
        if (_PyUnicodeWriter_WriteSubstring(&f->writer, format, start, end) < 0) return -1;
        if (end == f->length) break;
        if (f->at < f->length && PyUnicode_READ(f->kind, f->text, f->at) == '%') {
            f->at++;
            if (_PyUnicodeWriter_WriteChar(&f->writer, '%') < 0) return -1;
            continue;
        }
        Conversion conversion;
        if (read_conversion(f, &conversion) < 0) return -1;
        if (f->at == f->length) f->writer.overallocate = 0;
        if (write_conversion(f, &conversion) < 0) return -1;
    }
    int all_used = f->tuple != NULL ? f->next == PyTuple_GET_SIZE(f->tuple) : !f->single_is_left;
    if (!all_used && f->mapping == NULL) {
        PyErr_SetString(PyExc_TypeError, "not all arguments converted during string formatting");
        return -1;
    }
    return 0;
}

PyObject *PyUnicode_Format(PyObject *format, PyObject *args) {
    if (format == NULL || args == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (kr_str_require(format) < 0) return NULL;
    Formatter f = {
        .kind = PyUnicode_KIND(format), .text = PyUnicode_DATA(format), .length = PyUnicode_GET_LENGTH(format)};
    if (PyTuple_Check(args)) {
        f.tuple = args;
    } else {
        f.single = args;
        f.single_is_left = 1;
        if (PyMapping_Check(args) && !PyUnicode_Check(args)) f.mapping = args;
    }
    KrWriterRoom room;
    kr_writer_start(&f.writer, &room);
    f.writer.min_length = f.length + 100;
    int result = format_all(&f, format);
    if (f.single_is_owned) Py_DECREF(f.single);
    if (result == 0) return _PyUnicodeWriter_Finish(&f.writer);
    _PyUnicodeWriter_Dealloc(&f.writer);
    return NULL;
}
