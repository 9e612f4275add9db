/* printf-style formatting of bytes: `b"..." % values` and PyBytes_FromFormat. */
#include <Python.h>
#include <string.h>

#include "object/names.h"

/* ---- b"..." % values ---- */

enum { LEFT_JUSTIFY = 1, SHOW_SIGN = 2, BLANK_SIGN = 4, ALTERNATE = 8, ZERO_FILL = 16, NO_NEGATIVE_ZERO = 32 };

/* One conversion: %(key)flags width .precision type */
typedef struct {
    int flags;
    Py_ssize_t width;
    int precision; /* -1 if none was given */
    char type;
} Conversion;

/* What is read: the format text and the values. */
typedef struct {
    const char *start, *next, *end;
    PyObject *values;      /* tuple, mapping or single value; borrowed until a key was read */
    PyObject *mapping;     /* borrowed, or NULL */
    int owns_values;       /* `values` is the item of a key and an owned reference */
    Py_ssize_t index, count;
} FormatInput;

/* A single value counts as a tuple of one; the numbers tell it apart. */
enum { SINGLE_VALUE_COUNT = -1, SINGLE_VALUE_INDEX = -2 };

/* Returns the next value, borrowed, or NULL with TypeError. */
static PyObject *next_value(FormatInput *input) {
    if (input->index >= input->count) {
        PyErr_SetString(PyExc_TypeError, "not enough arguments for format string");
        return NULL;
    }
    Py_ssize_t index = input->index++;
    return input->count < 0 ? input->values : PyTuple_GET_ITEM(input->values, index);
}

/* Returns the next character or NUL at the end, which sets *failed. */
static char next_character(FormatInput *input, int *failed) {
    if (input->next < input->end) return *input->next++;
    PyErr_SetString(PyExc_ValueError, "incomplete format");
    *failed = 1;
    return 0;
}

/* Reads "(key)", whose opening parenthesis is behind us, and makes the mapping's item the single value. */
static int read_key(FormatInput *input) {
    if (input->mapping == NULL) {
        PyErr_SetString(PyExc_TypeError, "format requires a mapping");
        return -1;
    }
    const char *start = input->next;
    int depth = 1;
    while (depth > 0 && input->next < input->end) {
        char c = *input->next++;
        depth += (c == '(') - (c == ')');
    }
    if (depth > 0) {
        PyErr_SetString(PyExc_ValueError, "incomplete format key");
        return -1;
    }
    PyObject *key = PyBytes_FromStringAndSize(start, input->next - 1 - start);
    if (key == NULL) return -1;
    PyObject *item = PyObject_GetItem(input->mapping, key);
    Py_DECREF(key);
    if (item == NULL) return -1;
    if (input->owns_values) Py_DECREF(input->values);
    input->values = item;
    input->owns_values = 1;
    input->count = SINGLE_VALUE_COUNT;
    input->index = SINGLE_VALUE_INDEX;
    return 0;
}

static int flag_of(char c) {
    switch (c) {
        case '-': return LEFT_JUSTIFY;
        case '+': return SHOW_SIGN;
        case ' ': return BLANK_SIGN;
        case '#': return ALTERNATE;
        case '0': return ZERO_FILL;
        case 'z': return NO_NEGATIVE_ZERO;
        default: return 0;
    }
}

/* Reads digits, the first of which is *c, as a number up to `maximum`. *c becomes the character after them. */
static int read_number(FormatInput *input, char *c, Py_ssize_t maximum, const char *too_big, Py_ssize_t *number) {
    int failed = 0;
    *number = 0;
    while (*c >= '0' && *c <= '9') {
        int digit = *c - '0';
        if (*number > (maximum - digit) / 10) {
            PyErr_SetString(PyExc_ValueError, too_big);
            return -1;
        }
        *number = *number * 10 + digit;
        *c = next_character(input, &failed);
        if (failed) return -1;
    }
    return 0;
}

/* Reads the value for a `*`. */
static int read_star(FormatInput *input, Py_ssize_t *number, int as_int) {
    PyObject *value = next_value(input);
    if (value == NULL) return -1;
    if (!PyLong_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "* wants int");
        return -1;
    }
    *number = as_int ? _PyLong_AsInt(value) : PyLong_AsSsize_t(value);
    return *number == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Reads all of a conversion after its `%`. */
static int read_conversion(FormatInput *input, Conversion *conversion) {
    int failed = 0, flag;
    Py_ssize_t precision;
    *conversion = (Conversion){.precision = -1};
    if (input->next < input->end && *input->next == '(') {
        input->next++;
        if (read_key(input) < 0) return -1;
    }
    char c = next_character(input, &failed);
    while (!failed && (flag = flag_of(c)) != 0) {
        conversion->flags |= flag;
        c = next_character(input, &failed);
    }
    if (failed) return -1;
    if (c == '*') {
        if (read_star(input, &conversion->width, 0) < 0) return -1;
        if (conversion->width < 0) {
            conversion->flags |= LEFT_JUSTIFY;
            conversion->width = conversion->width == PY_SSIZE_T_MIN ? PY_SSIZE_T_MAX : -conversion->width;
        }
        c = next_character(input, &failed);
    } else if (read_number(input, &c, PY_SSIZE_T_MAX, "width too big", &conversion->width) < 0) {
        return -1;
    }
    if (failed) return -1;
    if (c == '.') {
        c = next_character(input, &failed);
        if (failed) return -1;
        if (c == '*') {
            if (read_star(input, &precision, 1) < 0) return -1;
            if (precision < 0) precision = 0;
            c = next_character(input, &failed);
            if (failed) return -1;
        } else if (read_number(input, &c, INT_MAX, "prec too big", &precision) < 0) {
            return -1;
        }
        conversion->precision = (int)precision;
    }
    if (c == 'h' || c == 'l' || c == 'L') c = next_character(input, &failed);
    conversion->type = c;
    return failed ? -1 : 0;
}

/* Formats an integer; a new str or NULL. */
static PyObject *format_integer(PyObject *value, const Conversion *conversion) {
    char type = conversion->type;
    int base_two = type == 'x' || type == 'X' || type == 'o';
    int alternate = (conversion->flags & ALTERNATE) != 0;
    if (PyLong_Check(value)) return _PyUnicode_FormatLong(value, alternate, conversion->precision, type);
    if (PyNumber_Check(value)) {
        PyObject *number = base_two ? PyNumber_Index(value) : PyNumber_Long(value);
        if (number != NULL) {
            PyObject *text = _PyUnicode_FormatLong(number, alternate, conversion->precision, type);
            Py_DECREF(number);
            return text;
        }
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
        PyErr_Clear();
    }
    return PyErr_Format(PyExc_TypeError, "%%%c format: %s is required, not %.200s", type == 'i' ? 'd' : type,
                        base_two ? "an integer" : "a real number", Py_TYPE(value)->tp_name);
}

/* Formats a float; memory of PyMem_Malloc or NULL. */
static char *format_float(PyObject *value, const Conversion *conversion) {
    double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "float argument required, not %.200s", Py_TYPE(value)->tp_name);
        return NULL;
    }
    int flags = 0;
    if (conversion->flags & ALTERNATE) flags |= Py_DTSF_ALT;
    if (conversion->flags & NO_NEGATIVE_ZERO) flags |= Py_DTSF_NO_NEG_0;
    return PyOS_double_to_string(number, conversion->type, conversion->precision < 0 ? 6 : conversion->precision, flags,
                                 NULL);
}

static int character_value(PyObject *value, char *character) {
    if (PyBytes_Check(value) && PyBytes_GET_SIZE(value) == 1) {
        *character = PyBytes_AS_STRING(value)[0];
        return 0;
    }
    if (PyByteArray_Check(value) && PyByteArray_GET_SIZE(value) == 1) {
        *character = PyByteArray_AS_STRING(value)[0];
        return 0;
    }
    if (PyIndex_Check(value)) {
        int overflow;
        long number = PyLong_AsLongAndOverflow(value, &overflow);
        if (number == -1 && PyErr_Occurred()) return -1;
        if (overflow || number < 0 || number > 255) {
            PyErr_SetString(PyExc_OverflowError, "%c arg not in range(256)");
            return -1;
        }
        *character = (char)number;
        return 0;
    }
    PyErr_SetString(PyExc_TypeError, "%c requires an integer in range(256) or a single byte");
    return -1;
}

/* Converts the value of %b to a bytes or bytearray object; a new reference. */
static PyObject *bytes_value(PyObject *value) {
    if (PyBytes_Check(value) || PyByteArray_Check(value)) return Py_NewRef(value);
    PyObject *name = KR_NAME(__bytes__);
    if (name == NULL) return NULL;
    PyObject *method = _PyType_Lookup(Py_TYPE(value), name);
    if (method != NULL) {
        PyObject *result = PyObject_CallMethodNoArgs(value, name);
        if (result != NULL && !PyBytes_Check(result)) {
            PyErr_Format(PyExc_TypeError, "__bytes__ returned non-bytes (type %.200s)", Py_TYPE(result)->tp_name);
            Py_CLEAR(result);
        }
        return result;
    }
    if (PyObject_CheckBuffer(value)) return PyBytes_FromObject(value);
    return PyErr_Format(PyExc_TypeError,
                        "%%b requires a bytes-like object, or an object that implements __bytes__, not '%.100s'",
                        Py_TYPE(value)->tp_name);
}

/* The text of a converted value and what has to be released after it was copied. */
typedef struct {
    const char *data;
    Py_ssize_t size;
    PyObject *owner;
    char *memory;
    char character;
    int is_number;
} Piece;

static int take_object(Piece *piece, PyObject *owner) {
    piece->owner = owner;
    if (owner == NULL) return -1;
    if (PyUnicode_Check(owner)) {
        piece->data = (const char *)PyUnicode_1BYTE_DATA(owner); /* ASCII */
        piece->size = PyUnicode_GET_LENGTH(owner);
    } else if (PyBytes_Check(owner)) {
        piece->data = PyBytes_AS_STRING(owner);
        piece->size = PyBytes_GET_SIZE(owner);
    } else {
        piece->data = PyByteArray_AS_STRING(owner);
        piece->size = PyByteArray_GET_SIZE(owner);
    }
    return 0;
}

static int convert(FormatInput *input, const Conversion *conversion, Piece *piece) {
    *piece = (Piece){NULL};
    PyObject *value = next_value(input);
    if (value == NULL) return -1;
    switch (conversion->type) {
        case 'a':
        case 'r':
        case 's':
        case 'b':
            if (take_object(piece, conversion->type == 'a' || conversion->type == 'r' ? PyObject_ASCII(value)
                                                                                      : bytes_value(value)) < 0)
                return -1;
            if (conversion->precision >= 0 && piece->size > conversion->precision) piece->size = conversion->precision;
            return 0;
        case 'd':
        case 'i':
        case 'u':
        case 'o':
        case 'x':
        case 'X':
            piece->is_number = 1;
            return take_object(piece, format_integer(value, conversion));
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G':
            piece->is_number = 1;
            piece->memory = format_float(value, conversion);
            if (piece->memory == NULL) return -1;
            piece->data = piece->memory;
            piece->size = (Py_ssize_t)strlen(piece->memory);
            return 0;
        case 'c':
            if (character_value(value, &piece->character) < 0) return -1;
            piece->data = &piece->character;
            piece->size = 1;
            return 0;
        default:
            PyErr_Format(PyExc_ValueError, "unsupported format character '%c' (0x%x) at index %zd", conversion->type,
                         (unsigned char)conversion->type, input->next - 1 - input->start);
            return -1;
    }
}

static void piece_release(Piece *piece) {
    Py_XDECREF(piece->owner);
    PyMem_Free(piece->memory);
}

/* Writes a piece padded to its width: spaces, sign, 0x, zeros, digits, spaces. */
static char *write_padded(_PyBytesWriter *writer, char *output, const Conversion *conversion, const Piece *piece) {
    const char *data = piece->data;
    Py_ssize_t size = piece->size, prefix = 0;
    char sign = 0;
    if (piece->is_number) {
        if (size > 0 && (*data == '-' || *data == '+')) {
            sign = *data++;
            size--;
        } else if (conversion->flags & SHOW_SIGN) {
            sign = '+';
        } else if (conversion->flags & BLANK_SIGN) {
            sign = ' ';
        }
        char type = conversion->type;
        if ((conversion->flags & ALTERNATE) && (type == 'x' || type == 'X' || type == 'o')) prefix = 2;
    }
    int zeros = piece->is_number && (conversion->flags & ZERO_FILL);
    Py_ssize_t used = size + (sign != 0);
    Py_ssize_t padding = conversion->width > used ? conversion->width - used : 0;
    output = _PyBytesWriter_Prepare(writer, output, used + padding);
    if (output == NULL) return NULL;
    int left = (conversion->flags & LEFT_JUSTIFY) != 0;
    if (!left && !zeros) {
        memset(output, ' ', padding);
        output += padding;
    }
    if (sign != 0) *output++ = sign;
    memcpy(output, data, prefix);
    output += prefix;
    if (!left && zeros) {
        memset(output, '0', padding);
        output += padding;
    }
    memcpy(output, data + prefix, size - prefix);
    output += size - prefix;
    if (left) {
        memset(output, ' ', padding);
        output += padding;
    }
    return output;
}

/* Writes everything; returns the end of the output or NULL with an exception. */
static char *write_all(_PyBytesWriter *writer, char *output, FormatInput *input) {
    while (input->next < input->end) {
        const char *percent = memchr(input->next, '%', input->end - input->next);
        Py_ssize_t size = (percent != NULL ? percent : input->end) - input->next;
        output = _PyBytesWriter_WriteBytes(writer, output, input->next, size);
        if (output == NULL) return NULL;
        if (percent == NULL) break;
        input->next = percent + 1;
        if (input->next < input->end && *input->next == '%') {
            output = _PyBytesWriter_WriteBytes(writer, output, "%", 1);
            if (output == NULL) return NULL;
            input->next++;
            continue;
        }
        Conversion conversion;
        Piece piece;
        if (read_conversion(input, &conversion) < 0) return NULL;
        int failed = convert(input, &conversion, &piece);
        if (!failed) output = write_padded(writer, output, &conversion, &piece);
        piece_release(&piece);
        if (failed || output == NULL) return NULL;
        if (input->mapping != NULL && input->index < input->count) {
            PyErr_SetString(PyExc_TypeError, "not all arguments converted during bytes formatting");
            return NULL;
        }
    }
    if (input->index < input->count && input->mapping == NULL) {
        PyErr_SetString(PyExc_TypeError, "not all arguments converted during bytes formatting");
        return NULL;
    }
    return output;
}

static int is_text_like(PyObject *object) {
    return PyTuple_Check(object) || PyBytes_Check(object) || PyUnicode_Check(object) || PyByteArray_Check(object);
}

PyObject *_PyBytes_FormatEx(const char *format, Py_ssize_t format_size, PyObject *args, int use_bytearray) {
    if (format == NULL || args == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    FormatInput input = {format, format, format + format_size, args, NULL, 0, SINGLE_VALUE_INDEX, SINGLE_VALUE_COUNT};
    if (PyTuple_Check(args)) {
        input.index = 0;
        input.count = PyTuple_GET_SIZE(args);
    } else if (PyMapping_Check(args) && !is_text_like(args)) {
        input.mapping = args;
    }
    _PyBytesWriter writer;
    _PyBytesWriter_Init(&writer);
    writer.use_bytearray = use_bytearray;
    writer.overallocate = !use_bytearray;
    char *output = _PyBytesWriter_Alloc(&writer, format_size);
    if (output != NULL) {
        /* Nothing is written yet: what Alloc reserved is at the disposal of every piece. */
        writer.min_size = 0;
        output = write_all(&writer, output, &input);
    }
    if (input.owns_values) Py_DECREF(input.values);
    if (output == NULL) {
        _PyBytesWriter_Dealloc(&writer);
        return NULL;
    }
    writer.overallocate = 0;
    return _PyBytesWriter_Finish(&writer, output);
}

/* ---- PyBytes_FromFormat ---- */

/* Writes one conversion of a C format; *next points after its `%` and is moved behind it. Returns the end of the output;
 * NULL with an exception; sets *unknown if the conversion is not one of ours. */
static char *write_c_conversion(_PyBytesWriter *writer, char *output, const char **next, va_list *values, int *unknown) {
    const char *f = *next;
    char buffer[64];
    Py_ssize_t precision = -1;
    int is_long = 0, is_size = 0;
    while (Py_ISDIGIT((unsigned char)*f)) f++; /* widths are accepted and ignored */
    if (*f == '.') {
        precision = 0;
        for (f++; Py_ISDIGIT((unsigned char)*f); f++) precision = precision * 10 + (*f - '0');
    }
    while (*f != 0 && *f != '%' && !Py_ISALPHA((unsigned char)*f)) f++;
    if (*f == 'l' && (f[1] == 'd' || f[1] == 'u')) {
        is_long = 1;
        f++;
    } else if (*f == 'z' && (f[1] == 'd' || f[1] == 'u')) {
        is_size = 1;
        f++;
    }
    const char *text = buffer;
    size_t size;
    switch (*f) {
        case 'c': {
            int character = va_arg(*values, int);
            if (character < 0 || character > 255) {
                PyErr_SetString(PyExc_OverflowError,
                                "PyBytes_FromFormatV(): %c format expects an integer in range [0; 255]");
                return NULL;
            }
            buffer[0] = (char)character;
            size = 1;
            break;
        }
        case 'd':
            if (is_long) sprintf(buffer, "%ld", va_arg(*values, long));
            else if (is_size) sprintf(buffer, "%zd", va_arg(*values, Py_ssize_t));
            else sprintf(buffer, "%d", va_arg(*values, int));
            size = strlen(buffer);
            break;
        case 'u':
            if (is_long) sprintf(buffer, "%lu", va_arg(*values, unsigned long));
            else if (is_size) sprintf(buffer, "%zu", va_arg(*values, size_t));
            else sprintf(buffer, "%u", va_arg(*values, unsigned));
            size = strlen(buffer);
            break;
        case 'i': size = (size_t)sprintf(buffer, "%i", va_arg(*values, int)); break;
        case 'x': size = (size_t)sprintf(buffer, "%x", va_arg(*values, unsigned)); break;
        case 's':
            text = va_arg(*values, const char *);
            size = precision < 0 ? strlen(text) : strnlen(text, precision);
            break;
        case 'p': size = (size_t)sprintf(buffer, "0x%lx", (unsigned long)va_arg(*values, void *)); break;
        case '%':
            buffer[0] = '%';
            size = 1;
            break;
        default: *unknown = 1; return output;
    }
    *next = f + 1;
    return _PyBytesWriter_WriteBytes(writer, output, text, (Py_ssize_t)size);
}

PyObject *PyBytes_FromFormatV(const char *format, va_list arguments) {
    va_list values;
    _PyBytesWriter writer;
    _PyBytesWriter_Init(&writer);
    writer.overallocate = 1;
    char *output = _PyBytesWriter_Alloc(&writer, 0);
    va_copy(values, arguments);
    while (output != NULL && *format != 0) {
        const char *percent = strchrnul(format, '%');
        output = _PyBytesWriter_WriteBytes(&writer, output, format, percent - format);
        format = percent;
        if (output == NULL || *format == 0) break;
        int unknown = 0;
        format++;
        output = write_c_conversion(&writer, output, &format, &values, &unknown);
        if (unknown) {
            /* The rest of the format is copied as it is. */
            output = _PyBytesWriter_WriteBytes(&writer, output, percent, (Py_ssize_t)strlen(percent));
            break;
        }
    }
    va_end(values);
    if (output == NULL) {
        _PyBytesWriter_Dealloc(&writer);
        return NULL;
    }
    return _PyBytesWriter_Finish(&writer, output);
}

PyObject *PyBytes_FromFormat(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *result = PyBytes_FromFormatV(format, arguments);
    va_end(arguments);
    return result;
}
