/* The format mini-language: [[fill]align][sign][z][#][0][width][grouping][.precision][type]
 *
 * A specification is parsed into a FormatSpec. Numbers are first turned into plain ASCII text (sign, digits, a point, and
 * what follows); then that text is taken apart again and laid out with grouping and padding by one routine.
 */
#include <Python.h>

#include "base/bytes_copy.h"
#include "types/format_spec.h"
#include "types/int.h"

#include <limits.h>
#include <locale.h>
#include <math.h>
#include <string.h>

typedef enum Grouping {
    GROUP_NONE,
    GROUP_COMMA,
    GROUP_UNDERSCORE,       /* every three digits */
    GROUP_UNDERSCORE_FOUR,  /* every four, for bases that are powers of two */
    GROUP_LOCALE,
} Grouping;

typedef struct FormatSpec {
    Py_UCS4 fill;
    Py_UCS4 align;      /* < > = ^ */
    Py_UCS4 type;
    Py_ssize_t width;     /* -1: none */
    Py_ssize_t precision; /* -1: none */
    Grouping grouping;
    char sign; /* '+', '-', ' ', or 0 if not given */
    char alternate;
    char no_negative_zero;
} FormatSpec;

/* Where a specification stands: a part of a str. */
typedef struct SpecText {
    PyObject *string;
    Py_ssize_t start, end;
    const void *data; /* of the str */
    int kind;
} SpecText;

static inline Py_UCS4 character_at(const SpecText *text, Py_ssize_t i) { return PyUnicode_READ(text->kind, text->data, i); }

/* ---- parsing ---- */

static int is_align(Py_UCS4 c) { return c == '<' || c == '>' || c == '=' || c == '^'; }

/* Reads a decimal number at *position. Returns how many digits it has, or -1 with ValueError. */
static int read_number(const SpecText *text, Py_ssize_t *position, Py_ssize_t *number) {
    int digits = 0;
    Py_ssize_t value = 0;
    for (; *position < text->end; ++*position, digits++) {
        Py_UCS4 character = character_at(text, *position);
        int digit = character < 128 ? (int)character - '0' : Py_UNICODE_TODECIMAL(character);
        if (digit < 0 || digit > 9) break;
        if (value > PY_SSIZE_T_MAX / 10 || value * 10 > PY_SSIZE_T_MAX - digit) {
            PyErr_SetString(PyExc_ValueError, "Too many decimal digits in format string");
            return -1;
        }
        value = value * 10 + digit;
    }
    if (digits > 0) *number = value;
    return digits;
}

static int wrong_grouping(char separator, Py_UCS4 type) {
    if (type > 32 && type < 128) {
        PyErr_Format(PyExc_ValueError, "Cannot specify '%c' with '%c'.", separator, (int)type);
    } else {
        PyErr_Format(PyExc_ValueError, "Cannot specify '%c' with '\\x%x'.", separator, (unsigned)type);
    }
    return -1;
}

/* Parses a specification for `value`; returns 0, or -1 with ValueError. */
static int spec_parse(const SpecText *text, FormatSpec *spec, PyObject *value, char default_type, char default_align) {
    Py_ssize_t position = text->start, end = text->end;
#define CHARACTER(i) character_at(text, i)
    *spec = (FormatSpec){
        .fill = ' ', .align = (Py_UCS4)default_align, .type = (Py_UCS4)default_type, .width = -1, .precision = -1};
    int fill_given = 0, align_given = 0;
    if (end - position >= 2 && is_align(CHARACTER(position + 1))) {
        spec->fill = CHARACTER(position);
        spec->align = CHARACTER(position + 1);
        fill_given = align_given = 1;
        position += 2;
    } else if (end - position >= 1 && is_align(CHARACTER(position))) {
        spec->align = CHARACTER(position);
        align_given = 1;
        position++;
    }
    if (position < end) {
        Py_UCS4 c = CHARACTER(position);
        if (c == ' ' || c == '+' || c == '-') {
            spec->sign = (char)c;
            position++;
        }
    }
    if (position < end && CHARACTER(position) == 'z') {
        spec->no_negative_zero = 1;
        position++;
    }
    if (position < end && CHARACTER(position) == '#') {
        spec->alternate = 1;
        position++;
    }
    if (!fill_given && position < end && CHARACTER(position) == '0') {
        spec->fill = '0';
        if (!align_given && default_align == '>') spec->align = '=';
        position++;
    }
    if (read_number(text, &position, &spec->width) < 0) return -1;
    if (position < end && CHARACTER(position) == ',') {
        spec->grouping = GROUP_COMMA;
        position++;
    }
    if (position < end && CHARACTER(position) == '_') {
        if (spec->grouping != GROUP_NONE) goto both_separators;
        spec->grouping = GROUP_UNDERSCORE;
        position++;
    }
    if (position < end && CHARACTER(position) == ',' && spec->grouping == GROUP_UNDERSCORE) goto both_separators;
    if (position < end && CHARACTER(position) == '.') {
        position++;
        int digits = read_number(text, &position, &spec->precision);
        if (digits < 0) return -1;
        if (digits == 0) {
            PyErr_SetString(PyExc_ValueError, "Format specifier missing precision");
            return -1;
        }
    }
    if (end - position > 1) {
        PyObject *whole = PyUnicode_Substring(text->string, text->start, text->end);
        if (whole != NULL) {
            PyErr_Format(PyExc_ValueError, "Invalid format specifier '%U' for object of type '%.200s'", whole,
                         Py_TYPE(value)->tp_name);
            Py_DECREF(whole);
        }
        return -1;
    }
    if (end - position == 1) spec->type = CHARACTER(position);
#undef CHARACTER
    if (spec->grouping == GROUP_NONE) return 0;
    switch (spec->type) {
    case 'd': case 'e': case 'f': case 'g': case 'E': case 'G': case '%': case 'F': case '\0':
        return 0;
    case 'b': case 'o': case 'x': case 'X':
        if (spec->grouping == GROUP_UNDERSCORE) {
            spec->grouping = GROUP_UNDERSCORE_FOUR;
            return 0;
        }
        /* fall through */
    default:
        return wrong_grouping(spec->grouping == GROUP_COMMA ? ',' : '_', spec->type);
    }

both_separators:
    PyErr_SetString(PyExc_ValueError, "Cannot specify both ',' and '_'.");
    return -1;
}

static int unknown_type(Py_UCS4 type, PyObject *value) {
    if (type > 32 && type < 128) {
        PyErr_Format(PyExc_ValueError, "Unknown format code '%c' for object of type '%.200s'", (int)type,
                     Py_TYPE(value)->tp_name);
    } else {
        PyErr_Format(PyExc_ValueError, "Unknown format code '\\x%x' for object of type '%.200s'", (unsigned)type,
                     Py_TYPE(value)->tp_name);
    }
    return -1;
}

static int not_allowed(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return -1;
}

/* ---- writing ---- */

/* Where the formatted text goes: to the end of a writer, or into a new str. */
typedef struct Output {
    _PyUnicodeWriter *writer; /* NULL: a new str */
    PyObject *string;         /* what is written into; owned if there is no writer */
    void *data;
    int kind;
    Py_ssize_t position;
} Output;

/* Makes room for exactly `length` characters, once; returns 0 or -1. */
static int output_prepare(Output *out, Py_ssize_t length, Py_UCS4 widest) {
    if (out->writer != NULL) {
        if (_PyUnicodeWriter_Prepare(out->writer, length, widest) < 0) return -1;
        out->string = out->writer->buffer;
        out->data = out->writer->data;
        out->kind = (int)out->writer->kind;
        out->position = out->writer->pos;
        out->writer->pos += length;
        return 0;
    }
    out->string = PyUnicode_New(length, widest);
    if (out->string == NULL) return -1;
    out->data = PyUnicode_DATA(out->string);
    out->kind = (int)PyUnicode_KIND(out->string);
    out->position = 0;
    return 0;
}

/* Puts a whole str; returns 0 or -1. */
static int output_string(Output *out, PyObject *string) {
    if (out->writer != NULL) return _PyUnicodeWriter_WriteStr(out->writer, string);
    out->string = Py_NewRef(string);
    return 0;
}

/* The functions below write into prepared room. */

static void put_fill(Output *out, Py_UCS4 character, Py_ssize_t count) {
    if (out->kind == PyUnicode_1BYTE_KIND && count > 0) {
        memset((Py_UCS1 *)out->data + out->position, (int)character, (size_t)count);
        out->position += count;
        return;
    }
    for (; count > 0; count--) PyUnicode_WRITE(out->kind, out->data, out->position++, character);
}

static void put_ascii(Output *out, const char *text, Py_ssize_t count) {
    if (out->kind == PyUnicode_1BYTE_KIND) {
        kr_copy_bytes((Py_UCS1 *)out->data + out->position, text, (size_t)count);
        out->position += count;
        return;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyUnicode_WRITE(out->kind, out->data, out->position++, (Py_UCS1)text[i]);
    }
}

static void put_str(Output *out, PyObject *text, Py_ssize_t length) {
    _PyUnicode_FastCopyCharacters(out->string, out->position, text, 0, length);
    out->position += length;
}

/* Divides the padding of `content` characters into what goes left and right. Alignment '=' counts as '>'. */
static void padding_of(const FormatSpec *spec, Py_ssize_t content, Py_ssize_t *left, Py_ssize_t *right) {
    Py_ssize_t total = spec->width > content ? spec->width - content : 0;
    *left = spec->align == '^' ? total / 2 : spec->align == '<' ? 0 : total;
    *right = total - *left;
}

/* ---- str ---- */

static int format_str(Output *out, PyObject *value, const SpecText *text) {
    FormatSpec spec;
    if (spec_parse(text, &spec, value, 's', '<') < 0) return -1;
    if (spec.type != 's') return unknown_type(spec.type, value);
    if (spec.sign == ' ') return not_allowed("Space not allowed in string format specifier");
    if (spec.sign != 0) return not_allowed("Sign not allowed in string format specifier");
    if (spec.no_negative_zero) {
        return not_allowed("Negative zero coercion (z) not allowed in string format specifier");
    }
    if (spec.alternate) return not_allowed("Alternate form (#) not allowed in string format specifier");
    if (spec.align == '=') return not_allowed("'=' alignment not allowed in string format specifier");

    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    if (spec.precision >= 0 && spec.precision < length) length = spec.precision;
    if (spec.width <= length && length == PyUnicode_GET_LENGTH(value) && PyUnicode_CheckExact(value)) {
        return output_string(out, value);
    }
    Py_ssize_t left, right;
    padding_of(&spec, length, &left, &right);
    Py_UCS4 widest = 0;
    if (length == PyUnicode_GET_LENGTH(value)) {
        widest = PyUnicode_MAX_CHAR_VALUE(value);
    } else {
        for (Py_ssize_t i = 0; i < length; i++) {
            Py_UCS4 c = PyUnicode_READ_CHAR(value, i);
            if (c > widest) widest = c;
        }
    }
    if (left + right > 0 && spec.fill > widest) widest = spec.fill;
    if (output_prepare(out, left + length + right, widest) < 0) return -1;
    put_fill(out, spec.fill, left);
    put_str(out, value, length);
    put_fill(out, spec.fill, right);
    return 0;
}

/* ---- punctuation of numbers ---- */

typedef struct Punctuation {
    PyObject *point;     /* owned str, or NULL for "." */
    PyObject *separator; /* owned str, or NULL for `separator_character` */
    char separator_character;
    Py_ssize_t point_length, separator_length;
    char sizes[8]; /* of the groups from the right; 0 repeats the last, CHAR_MAX ends grouping */
} Punctuation;

static void punctuation_clear(Punctuation *punctuation) {
    Py_CLEAR(punctuation->point);
    Py_CLEAR(punctuation->separator);
}

/* Fills the punctuation for a kind of grouping; returns 0 or -1. Release with punctuation_clear. */
static int punctuation_read(Punctuation *punctuation, Grouping grouping) {
    *punctuation = (Punctuation){.point_length = 1, .separator_length = 1, .sizes = {CHAR_MAX}};
    switch (grouping) {
    case GROUP_NONE:
        return 0;
    case GROUP_COMMA:
    case GROUP_UNDERSCORE:
    case GROUP_UNDERSCORE_FOUR:
        punctuation->separator_character = grouping == GROUP_COMMA ? ',' : '_';
        punctuation->sizes[0] = grouping == GROUP_UNDERSCORE_FOUR ? 4 : 3;
        punctuation->sizes[1] = 0;
        return 0;
    case GROUP_LOCALE:
        break;
    }
    struct lconv *convention = localeconv();
    strncpy(punctuation->sizes, convention->grouping, sizeof punctuation->sizes - 1);
    if (punctuation->sizes[0] == 0) punctuation->sizes[0] = CHAR_MAX;
    punctuation->point = PyUnicode_DecodeLocale(convention->decimal_point, NULL);
    punctuation->separator = PyUnicode_DecodeLocale(convention->thousands_sep, NULL);
    if (punctuation->point == NULL || punctuation->separator == NULL) {
        punctuation_clear(punctuation);
        return -1;
    }
    punctuation->point_length = PyUnicode_GET_LENGTH(punctuation->point);
    punctuation->separator_length = PyUnicode_GET_LENGTH(punctuation->separator);
    return 0;
}

/* Takes groups of digits from the right. Each call tells how many digits (padded with zeros to `width` characters, with
 * separators, in all) the next group holds. */
typedef struct GroupWalk {
    const char *size;
    Py_ssize_t digits; /* left */
    Py_ssize_t width;  /* left to fill */
    int done;
} GroupWalk;

/* Returns the number of places of the next group, of which `*zeros` are padding. */
static Py_ssize_t group_next(GroupWalk *walk, Py_ssize_t separator_length, Py_ssize_t *zeros) {
    Py_ssize_t wanted = walk->digits > walk->width ? walk->digits : walk->width;
    if (wanted < 1) wanted = 1;
    int last = *walk->size == CHAR_MAX;
    Py_ssize_t places = last || *walk->size > wanted ? wanted : *walk->size;
    *zeros = places > walk->digits ? places - walk->digits : 0;
    walk->digits -= places - *zeros;
    walk->width -= places;
    walk->done = last || (walk->digits <= 0 && walk->width <= 0);
    walk->width -= separator_length;
    if (!last && walk->size[1] != 0) walk->size++;
    return places;
}

/* The length of grouped digits. */
static Py_ssize_t grouped_length(Py_ssize_t digits, Py_ssize_t width, const Punctuation *punctuation) {
    if (punctuation->sizes[0] == CHAR_MAX) return digits > width ? digits : width;
    GroupWalk walk = {punctuation->sizes, digits, width, 0};
    Py_ssize_t length = 0, zeros;
    for (;;) {
        length += group_next(&walk, punctuation->separator_length, &zeros);
        if (walk.done) return length;
        length += punctuation->separator_length;
    }
}

/* Writes grouped digits that take `length` characters. */
static void put_grouped(Output *out, const char *digits, Py_ssize_t count, Py_ssize_t width,
                        Py_ssize_t length, const Punctuation *punctuation) {
    if (length == count) {
        put_ascii(out, digits, count);
        return;
    }
    Py_ssize_t start = out->position, position = start + length;
    GroupWalk walk = {punctuation->sizes, count, width, 0};
    const char *end = digits + count;
    for (;;) {
        Py_ssize_t zeros;
        Py_ssize_t places = group_next(&walk, punctuation->separator_length, &zeros);
        position -= places;
        out->position = position;
        put_fill(out, '0', zeros);
        end -= places - zeros;
        put_ascii(out, end, places - zeros);
        if (walk.done) break;
        position -= punctuation->separator_length;
        out->position = position;
        if (punctuation->separator == NULL) {
            put_fill(out, (Py_UCS4)punctuation->separator_character, 1);
        } else {
            put_str(out, punctuation->separator, punctuation->separator_length);
        }
    }
    out->position = start + length;
}

/* ---- layout of numbers ---- */

/* The parts of a number's text. */
typedef struct NumberText {
    const char *prefix; /* such as 0x */
    Py_ssize_t prefix_length;
    const char *digits;
    Py_ssize_t digit_count;
    const char *rest; /* behind the decimal point: decimals, exponent, percent sign; all of it for inf and nan */
    Py_ssize_t rest_length;
    char has_point;
    char negative;
} NumberText;

/* What a number takes when it is laid out. */
typedef struct NumberLayout {
    char sign; /* 0: none */
    Py_ssize_t group_width; /* to be filled with zeros and separators */
    Py_ssize_t grouped;     /* characters of the grouped digits */
    Py_ssize_t content;     /* all but padding */
    Py_ssize_t left, middle, right; /* padding; middle stands behind sign and prefix */
    Py_UCS4 widest;         /* the largest code point */
} NumberLayout;

/* Takes the text of a float apart. */
static void number_text_split(NumberText *number, const char *text, Py_ssize_t length) {
    *number = (NumberText){0};
    if (length > 0 && *text == '-') {
        number->negative = 1;
        text++;
        length--;
    }
    Py_ssize_t digits = 0;
    while (digits < length && Py_ISDIGIT(Py_CHARMASK(text[digits]))) digits++;
    number->digits = text;
    number->digit_count = digits;
    if (digits < length && text[digits] == '.') {
        number->has_point = 1;
        digits++;
    }
    number->rest = text + digits;
    number->rest_length = length - digits;
}

static void number_layout(NumberLayout *layout, const NumberText *number, const FormatSpec *spec,
                          const Punctuation *punctuation) {
    layout->sign = number->negative ? '-' : spec->sign == '+' ? '+' : spec->sign == ' ' ? ' ' : 0;
    Py_ssize_t other = (layout->sign != 0) + number->prefix_length +
                       (number->has_point ? punctuation->point_length : 0) + number->rest_length;
    layout->group_width = spec->fill == '0' && spec->align == '=' ? spec->width - other : 0;
    layout->grouped =
        number->digit_count == 0 ? 0 : grouped_length(number->digit_count, layout->group_width, punctuation);
    layout->content = other + layout->grouped;
    padding_of(spec, layout->content, &layout->left, &layout->right);
    layout->middle = 0;
    if (spec->align == '=') {
        layout->middle = layout->left;
        layout->left = 0;
    }
    layout->widest = 127;
    if (layout->left + layout->middle + layout->right > 0 && spec->fill > 127) layout->widest = spec->fill;
    if (number->has_point && punctuation->point != NULL) {
        Py_UCS4 widest = PyUnicode_MAX_CHAR_VALUE(punctuation->point);
        if (widest > layout->widest) layout->widest = widest;
    }
    if (layout->grouped > number->digit_count && punctuation->separator != NULL) {
        Py_UCS4 widest = PyUnicode_MAX_CHAR_VALUE(punctuation->separator);
        if (widest > layout->widest) layout->widest = widest;
    }
}

static void put_number(Output *out, const NumberText *number, const NumberLayout *layout,
                       const FormatSpec *spec, const Punctuation *punctuation) {
    put_fill(out, spec->fill, layout->left);
    if (layout->sign != 0) put_fill(out, (Py_UCS4)layout->sign, 1);
    put_ascii(out, number->prefix, number->prefix_length);
    put_fill(out, spec->fill, layout->middle);
    if (number->digit_count > 0)
        put_grouped(out, number->digits, number->digit_count, layout->group_width, layout->grouped, punctuation);
    if (number->has_point) {
        if (punctuation->point == NULL) {
            put_fill(out, '.', 1);
        } else {
            put_str(out, punctuation->point, punctuation->point_length);
        }
    }
    put_ascii(out, number->rest, number->rest_length);
    put_fill(out, spec->fill, layout->right);
}

static int write_number(Output *out, const NumberText *number, const FormatSpec *spec,
                        Grouping grouping) {
    Punctuation punctuation;
    NumberLayout layout;
    if (punctuation_read(&punctuation, grouping) < 0) return -1;
    number_layout(&layout, number, spec, &punctuation);
    Py_ssize_t total = layout.content + layout.left + layout.middle + layout.right;
    int result = output_prepare(out, total, layout.widest);
    if (result == 0) put_number(out, number, &layout, spec, &punctuation);
    punctuation_clear(&punctuation);
    return result;
}

/* ---- int ---- */

/* The presentation type 'c': one character. */
static int format_character(Output *out, PyObject *value, const FormatSpec *spec) {
    if (spec->sign != 0) return not_allowed("Sign not allowed with integer format specifier 'c'");
    if (spec->alternate) return not_allowed("Alternate form (#) not allowed with integer format specifier 'c'");
    long character = PyLong_AsLong(value);
    if (character == -1 && PyErr_Occurred()) return -1;
    if (character < 0 || character > 0x10ffff) {
        PyErr_SetString(PyExc_OverflowError, "%c arg not in range(0x110000)");
        return -1;
    }
    Py_ssize_t left, right;
    padding_of(spec, 1, &left, &right);
    Py_UCS4 widest = (Py_UCS4)character;
    if (left + right > 0 && spec->fill > widest) widest = spec->fill;
    if (output_prepare(out, left + 1 + right, widest) < 0) return -1;
    put_fill(out, spec->fill, left);
    put_fill(out, (Py_UCS4)character, 1);
    put_fill(out, spec->fill, right);
    return 0;
}

static int format_integer(Output *out, PyObject *value, const FormatSpec *spec) {
    if (spec->precision != -1) return not_allowed("Precision not allowed in integer format specifier");
    if (spec->no_negative_zero) {
        return not_allowed("Negative zero coercion (z) not allowed in integer format specifier");
    }
    if (spec->type == 'c') return format_character(out, value, spec);
    int base = spec->type == 'b' ? 2 : spec->type == 'o' ? 8 : spec->type == 'x' || spec->type == 'X' ? 16 : 10;
    PyLongObject *integer = (PyLongObject *)value;
    NumberText number = {.negative = Py_SIZE(integer) < 0};
    PyObject *text = NULL;
    char small[64];
    if (kr_int_is_medium(integer)) {
        int64_t medium = kr_int_medium(integer);
        char *end = small + sizeof small;
        number.digits = kr_int_digits_before(end, (uint64_t)(medium < 0 ? -medium : medium), base);
        number.digit_count = end - number.digits;
    } else {
        text = kr_int_to_text(value, base, 0);
        if (text == NULL) return -1;
        number.digits = (const char *)PyUnicode_1BYTE_DATA(text) + number.negative;
        number.digit_count = PyUnicode_GET_LENGTH(text) - number.negative;
    }
    if (spec->alternate && base != 10) {
        number.prefix = spec->type == 'X' ? "0X" : base == 16 ? "0x" : base == 8 ? "0o" : "0b";
        number.prefix_length = 2;
    }
    char *uppercase = NULL;
    if (spec->type == 'X') {
        uppercase = PyMem_Malloc((size_t)number.digit_count + 1);
        if (uppercase == NULL) {
            Py_XDECREF(text);
            PyErr_NoMemory();
            return -1;
        }
        for (Py_ssize_t i = 0; i < number.digit_count; i++) {
            uppercase[i] = (char)Py_TOUPPER(Py_CHARMASK(number.digits[i]));
        }
        number.digits = uppercase;
    }
    int result = write_number(out, &number, spec, spec->type == 'n' ? GROUP_LOCALE : spec->grouping);
    PyMem_Free(uppercase);
    Py_XDECREF(text);
    return result;
}

/* ---- float ---- */

static int precision_is_too_big(const FormatSpec *spec) {
    if (spec->precision <= INT_MAX) return 0;
    PyErr_SetString(PyExc_ValueError, "precision too big");
    return 1;
}

static int format_double(Output *out, double value, const FormatSpec *spec) {
    if (precision_is_too_big(spec)) return -1;
    int flags = (spec->alternate ? Py_DTSF_ALT : 0) | (spec->no_negative_zero ? Py_DTSF_NO_NEG_0 : 0);
    int precision = (int)spec->precision, percent = 0;
    char type = (char)spec->type;
    if (type == '\0') {
        /* As repr(), or as 'g' with a digit behind the point if there is a precision. */
        flags |= Py_DTSF_ADD_DOT_0;
        type = precision < 0 ? 'r' : 'g';
        if (precision < 0) precision = 0;
    } else if (type == 'n') {
        type = 'g';
    } else if (type == '%') {
        type = 'f';
        value *= 100;
        percent = 1;
    }
    if (precision < 0) precision = 6;
    char *text = PyOS_double_to_string(value, type, precision, flags, NULL);
    if (text == NULL) return -1;
    Py_ssize_t length = (Py_ssize_t)strlen(text);
    if (percent) text[length++] = '%'; /* in the place of the terminating zero */
    NumberText number;
    number_text_split(&number, text, length);
    int result = write_number(out, &number, spec, spec->type == 'n' ? GROUP_LOCALE : spec->grouping);
    PyMem_Free(text);
    return result;
}

/* ---- complex ---- */

static int format_complex(Output *out, Py_complex value, const FormatSpec *spec) {
    if (precision_is_too_big(spec)) return -1;
    if (spec->fill == '0') return not_allowed("Zero padding is not allowed in complex format specifier");
    if (spec->align == '=') return not_allowed("'=' alignment flag is not allowed in complex format specifier");
    int flags = (spec->alternate ? Py_DTSF_ALT : 0) | (spec->no_negative_zero ? Py_DTSF_NO_NEG_0 : 0);
    int precision = (int)spec->precision, parentheses = 0, only_imag = 0;
    char type = (char)spec->type;
    if (type == '\0') {
        type = precision < 0 ? 'r' : 'g';
        if (precision < 0) precision = 0;
        only_imag = value.real == 0.0 && !signbit(value.real);
        parentheses = !only_imag;
    } else if (type == 'n') {
        type = 'g';
    }
    if (precision < 0) precision = 6;

    int result = -1;
    Punctuation punctuation;
    if (punctuation_read(&punctuation, spec->type == 'n' ? GROUP_LOCALE : spec->grouping) < 0) return -1;
    char *real_text = PyOS_double_to_string(value.real, type, precision, flags, NULL);
    char *imag_text = PyOS_double_to_string(value.imag, type, precision, flags, NULL);
    if (real_text == NULL || imag_text == NULL) goto done;

    NumberText real, imag;
    NumberLayout real_layout, imag_layout;
    number_text_split(&real, real_text, (Py_ssize_t)strlen(real_text));
    number_text_split(&imag, imag_text, (Py_ssize_t)strlen(imag_text));
    /* The parts themselves are not padded; the imaginary one shows its sign if it follows the real one. */
    FormatSpec part = *spec;
    part.fill = 0;
    part.align = '<';
    part.width = -1;
    number_layout(&real_layout, &real, &part, &punctuation);
    if (only_imag) {
        real_layout.content = 0;
        real_layout.widest = 0;
    } else {
        part.sign = '+';
    }
    number_layout(&imag_layout, &imag, &part, &punctuation);

    Py_ssize_t content = real_layout.content + imag_layout.content + 1 + 2 * parentheses, left, right;
    padding_of(spec, content, &left, &right);
    Py_UCS4 widest = real_layout.widest > imag_layout.widest ? real_layout.widest : imag_layout.widest;
    if (left + right > 0 && spec->fill > widest) widest = spec->fill;
    if (output_prepare(out, content + left + right, widest) < 0) goto done;
    put_fill(out, spec->fill, left);
    if (parentheses) put_fill(out, '(', 1);
    if (!only_imag) put_number(out, &real, &real_layout, &part, &punctuation);
    put_number(out, &imag, &imag_layout, &part, &punctuation);
    put_fill(out, 'j', 1);
    if (parentheses) put_fill(out, ')', 1);
    put_fill(out, spec->fill, right);
    result = 0;

done:
    PyMem_Free(real_text);
    PyMem_Free(imag_text);
    punctuation_clear(&punctuation);
    return result;
}

/* ---- entry points ---- */

/* An empty specification means str(). */
static int format_plain(Output *out, PyObject *value) {
    PyObject *text = PyObject_Str(value);
    if (text == NULL) return -1;
    int result = output_string(out, text);
    Py_DECREF(text);
    return result;
}

static int format_any_str(Output *out, PyObject *value, const SpecText *text) {
    if (PyUnicode_READY(value)) return -1;
    if (text->start != text->end) return format_str(out, value, text);
    return PyUnicode_CheckExact(value) ? output_string(out, value) : format_plain(out, value);
}

static int format_any_int(Output *out, PyObject *value, const SpecText *text) {
    if (text->start == text->end) {
        if (out->writer != NULL && PyLong_CheckExact(value)) return _PyLong_FormatWriter(out->writer, value, 10, 0);
        return format_plain(out, value);
    }
    FormatSpec spec;
    if (spec_parse(text, &spec, value, 'd', '>') < 0) return -1;
    switch (spec.type) {
    case 'b': case 'c': case 'd': case 'o': case 'x': case 'X': case 'n':
        return format_integer(out, value, &spec);
    case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case '%': {
        PyObject *number = PyNumber_Float(value);
        if (number == NULL) return -1;
        int result = format_double(out, PyFloat_AS_DOUBLE(number), &spec);
        Py_DECREF(number);
        return result;
    }
    default:
        return unknown_type(spec.type, value);
    }
}

static int format_any_float(Output *out, PyObject *value, const SpecText *text) {
    if (text->start == text->end) return format_plain(out, value);
    FormatSpec spec;
    if (spec_parse(text, &spec, value, '\0', '>') < 0) return -1;
    switch (spec.type) {
    case '\0': case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case 'n': case '%':
        return format_double(out, PyFloat_AS_DOUBLE(value), &spec);
    default:
        return unknown_type(spec.type, value);
    }
}

static int format_any_complex(Output *out, PyObject *value, const SpecText *text) {
    if (text->start == text->end) return format_plain(out, value);
    FormatSpec spec;
    if (spec_parse(text, &spec, value, '\0', '>') < 0) return -1;
    switch (spec.type) {
    case '\0': case 'e': case 'E': case 'f': case 'F': case 'g': case 'G': case 'n':
        return format_complex(out, ((PyComplexObject *)value)->cval, &spec);
    default:
        return unknown_type(spec.type, value);
    }
}

typedef int (*Formatter)(Output *out, PyObject *value, const SpecText *text);

static int format_to_writer(Formatter format, _PyUnicodeWriter *writer, PyObject *value, PyObject *spec,
                            Py_ssize_t start, Py_ssize_t end) {
    if (PyUnicode_READY(spec)) return -1;
    return format(&(Output){.writer = writer}, value, &(SpecText){spec, start, end, PyUnicode_DATA(spec), PyUnicode_KIND(spec)});
}

static PyObject *format_to_str(Formatter format, PyObject *value, PyObject *spec) {
    if (PyUnicode_READY(spec)) return NULL;
    Output out = {.writer = NULL};
    const SpecText text = {spec, 0, PyUnicode_GET_LENGTH(spec), PyUnicode_DATA(spec), PyUnicode_KIND(spec)};
    if (format(&out, value, &text) < 0) Py_CLEAR(out.string);
    return out.string;
}

int _PyUnicode_FormatAdvancedWriter(_PyUnicodeWriter *writer, PyObject *obj, PyObject *format_spec, Py_ssize_t start,
                                    Py_ssize_t end) {
    return format_to_writer(format_any_str, writer, obj, format_spec, start, end);
}

int _PyLong_FormatAdvancedWriter(_PyUnicodeWriter *writer, PyObject *obj, PyObject *format_spec, Py_ssize_t start,
                                 Py_ssize_t end) {
    return format_to_writer(format_any_int, writer, obj, format_spec, start, end);
}

int _PyFloat_FormatAdvancedWriter(_PyUnicodeWriter *writer, PyObject *obj, PyObject *format_spec, Py_ssize_t start,
                                  Py_ssize_t end) {
    return format_to_writer(format_any_float, writer, obj, format_spec, start, end);
}

int _PyComplex_FormatAdvancedWriter(_PyUnicodeWriter *writer, PyObject *obj, PyObject *format_spec, Py_ssize_t start,
                                    Py_ssize_t end) {
    return format_to_writer(format_any_complex, writer, obj, format_spec, start, end);
}

PyObject *kr_format_spec_str(PyObject *value, PyObject *spec) { return format_to_str(format_any_str, value, spec); }
PyObject *kr_format_spec_int(PyObject *value, PyObject *spec) { return format_to_str(format_any_int, value, spec); }
PyObject *kr_format_spec_float(PyObject *value, PyObject *spec) { return format_to_str(format_any_float, value, spec); }

PyObject *kr_format_spec_complex(PyObject *value, PyObject *spec) {
    return format_to_str(format_any_complex, value, spec);
}

/* ---- printf-style ---- */

PyObject *kr_int_percent_format(PyObject *value, int alternate, int precision, int type) {
    int base = type == 'o' ? 8 : type == 'x' || type == 'X' ? 16 : 10;
    PyObject *plain = kr_int_to_text(value, base, 0);
    if (plain == NULL) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(plain);
    const char *digits = (const char *)PyUnicode_1BYTE_DATA(plain);
    int negative = *digits == '-';
    digits += negative;
    length -= negative;
    int prefix = alternate && base != 10 ? 2 : 0;
    if (!negative && prefix == 0 && precision <= length && type != 'X') return plain;
    if (precision > INT_MAX - 3) {
        Py_DECREF(plain);
        PyErr_SetString(PyExc_ValueError, "precision too large");
        return NULL;
    }
    Py_ssize_t zeros = precision > length ? precision - length : 0;
    PyObject *result = PyUnicode_New(negative + prefix + zeros + length, 127);
    if (result != NULL) {
        char *out = (char *)PyUnicode_1BYTE_DATA(result);
        if (negative) *out++ = '-';
        if (prefix) {
            *out++ = '0';
            *out++ = (char)type;
        }
        memset(out, '0', (size_t)zeros);
        out += zeros;
        for (Py_ssize_t i = 0; i < length; i++) {
            out[i] = (char)(type == 'X' ? Py_TOUPPER(Py_CHARMASK(digits[i])) : digits[i]);
        }
    }
    Py_DECREF(plain);
    return result;
}
