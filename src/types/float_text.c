/* Floats to and from text: pystrtod.h.
 *
 * The digits come from base/double_text; here they are laid out, and text is read by Python's grammar.
 */
#include <Python.h>

#include "base/double_text.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* ---- to text ---- */

/* What one format code asks for. */
typedef struct Layout {
    int flags;
    int uppercase;
    int exponent_shown;
    int point;        /* digits in front of the decimal point, may be negative or zero */
    int digits;       /* digits available */
    int first, last;  /* places to write, counted from the first digit: [first, last), `point` among them */
} Layout;

/* Writes the characters of a finite number; returns the end. */
static char *write_number(char *out, const Layout *layout, const char *digits, int negative) {
    if (negative) {
        *out++ = '-';
    } else if (layout->flags & Py_DTSF_SIGN) {
        *out++ = '+';
    }
    int point = layout->exponent_shown ? 1 : layout->point;
    int point_written = 0;
    for (int place = layout->first; place < layout->last;) {
        if (place == point) {
            *out++ = '.';
            point_written = 1;
        }
        /* Runs of zeros and digits are copied in one go. */
        int end = layout->last;
        if (point > place && point < end) end = point;
        if (place < 0) {
            int stop = end < 0 ? end : 0;
            memset(out, '0', (size_t)(stop - place));
            out += stop - place;
            place = stop;
        } else if (place < layout->digits) {
            int stop = end < layout->digits ? end : layout->digits;
            memcpy(out, digits + place, (size_t)(stop - place));
            out += stop - place;
            place = stop;
        } else {
            memset(out, '0', (size_t)(end - place));
            out += end - place;
            place = end;
        }
    }
    if (!point_written && (layout->flags & Py_DTSF_ALT)) *out++ = '.';
    if (layout->exponent_shown) {
        int exponent = layout->point - 1;
        *out++ = layout->uppercase ? 'E' : 'e';
        *out++ = exponent < 0 ? '-' : '+';
        if (exponent < 0) exponent = -exponent;
        if (exponent >= 100) {
            *out++ = (char)('0' + exponent / 100);
            exponent %= 100;
        }
        *out++ = (char)('0' + exponent / 10);
        *out++ = (char)('0' + exponent % 10);
    }
    *out = '\0';
    return out;
}

static char *special_text(double value, int flags, int uppercase) {
    char *text = PyMem_Malloc(6);
    if (text == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    const char *word = isnan(value) ? (uppercase ? "NAN" : "nan") : (uppercase ? "INF" : "inf");
    int negative = isinf(value) && value < 0;
    text[0] = negative ? '-' : '+';
    strcpy(text + (negative || (flags & Py_DTSF_SIGN) != 0), word);
    return text;
}

char *PyOS_double_to_string(double val, char format_code, int precision, int flags, int *type) {
    Layout layout = {.flags = flags, .uppercase = format_code >= 'A' && format_code <= 'Z'};
    KrDoubleMode mode = KR_DOUBLE_PRECISION;
    switch (format_code) {
    case 'E':
    case 'e':
        layout.exponent_shown = 1;
        if (precision > INT_MAX - 1) precision = INT_MAX - 1;
        precision++; /* the digit in front of the point */
        break;
    case 'F':
    case 'f':
        mode = KR_DOUBLE_FIXED;
        break;
    case 'G':
    case 'g':
        if (precision == 0) precision = 1;
        break;
    case 'r':
        mode = KR_DOUBLE_SHORTEST;
        if (precision == 0) break;
        /* fall through */
    default:
        PyErr_BadInternalCall();
        return NULL;
    }
    if (!isfinite(val)) {
        if (type != NULL) *type = isnan(val) ? Py_DTST_NAN : Py_DTST_INFINITE;
        return special_text(val, flags, layout.uppercase);
    }
    if (type != NULL) *type = Py_DTST_FINITE;

    char digits[KR_DOUBLE_DIGITS_ROOM];
    layout.digits = kr_double_digits(val, mode, precision, digits, &layout.point);
    int negative = signbit(val) != 0;
    if ((flags & Py_DTSF_NO_NEG_0) && layout.digits == 0) negative = 0;

    int add_point_zero = (flags & Py_DTSF_ADD_DOT_0) != 0;
    layout.last = layout.digits;
    switch (mode) {
    case KR_DOUBLE_SHORTEST:
        layout.exponent_shown = layout.point <= -4 || layout.point > 16;
        break;
    case KR_DOUBLE_FIXED:
        if (precision > INT_MAX - 400) precision = INT_MAX - 400;
        layout.last = layout.point + precision;
        break;
    case KR_DOUBLE_PRECISION:
        if (layout.exponent_shown) {
            layout.last = precision;
        } else {
            layout.exponent_shown = layout.point <= -4 || layout.point > precision - add_point_zero;
            if (flags & Py_DTSF_ALT) layout.last = precision;
        }
        break;
    }
    if (layout.exponent_shown) {
        if (layout.last < 1) layout.last = 1;
    } else {
        if (layout.point <= 0) layout.first = layout.point - 1;
        int least = layout.point + add_point_zero;
        if (layout.last < least) layout.last = least;
    }

    /* sign, point, exponent, terminator */
    char *text = PyMem_Malloc((size_t)(layout.last - layout.first) + 12);
    if (text == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    write_number(text, &layout, digits, negative);
    return text;
}

/* ---- from text ---- */

static int has_prefix_ignoring_case(const char *text, const char *lowercase) {
    for (; *lowercase != '\0'; text++, lowercase++) {
        if ((*text | 0x20) != *lowercase) return 0;
    }
    return 1;
}

/* Reads [sign] inf, infinity or nan. Without any, returns -1.0 and *endptr == p. */
double _Py_parse_inf_or_nan(const char *p, char **endptr) {
    const char *word = p;
    int negative = *word == '-';
    if (*word == '-' || *word == '+') word++;
    double value;
    if (has_prefix_ignoring_case(word, "inf")) {
        word += has_prefix_ignoring_case(word + 3, "inity") ? 8 : 3;
        value = Py_HUGE_VAL;
    } else if (has_prefix_ignoring_case(word, "nan")) {
        word += 3;
        value = fabs(Py_NAN);
    } else {
        *endptr = (char *)p;
        return -1.0;
    }
    *endptr = (char *)word;
    return negative ? -value : value;
}

static inline int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Reads a decimal number; *end == text if there is none. Overflow gives an infinity. */
static double parse_number(const char *text, const char **end) {
    /* Digits that decide the value: 772 are enough for any double; a further non-zero one only breaks ties. */
    enum { DIGITS_KEPT = 800 };
    char digits[DIGITS_KEPT + 1];
    int count = 0;
    long exponent = 0;
    int any = 0, lost = 0;
    const char *position = text;
    *end = text;
    int negative = *position == '-';
    if (*position == '-' || *position == '+') position++;
    for (int behind_point = 0;; position++) {
        if (*position == '.' && !behind_point) {
            behind_point = 1;
            continue;
        }
        if (!is_digit(*position)) break;
        any = 1;
        if (behind_point && exponent > -(1L << 60)) exponent--;
        if (count == 0 && *position == '0') continue;
        if (count < DIGITS_KEPT) {
            digits[count++] = *position;
        } else {
            lost |= *position != '0';
            exponent++;
        }
    }
    if (!any) return 0.0;
    *end = position;
    if (*position == 'e' || *position == 'E') {
        const char *power = position + 1;
        int power_negative = *power == '-';
        if (*power == '-' || *power == '+') power++;
        if (is_digit(*power)) {
            long magnitude = 0;
            for (; is_digit(*power); power++) {
                if (magnitude < 1L << 40) magnitude = magnitude * 10 + (*power - '0');
            }
            exponent += power_negative ? -magnitude : magnitude;
            *end = power;
        }
    }
    if (lost) digits[count++] = '1', exponent--;
    if (exponent > 100000) exponent = 100000;
    if (exponent < -100000) exponent = -100000;
    double value = kr_double_from_digits(digits, count, (int)exponent);
    return negative ? -value : value;
}

double PyOS_string_to_double(const char *s, char **endptr, PyObject *overflow_exception) {
    const char *end;
    double value = parse_number(s, &end);
    if (end == s) {
        char *special_end;
        value = _Py_parse_inf_or_nan(s, &special_end);
        end = special_end;
    } else if (isinf(value) && overflow_exception != NULL) {
        PyErr_Format(overflow_exception, "value too large to convert to float: '%.200s'", s);
        if (endptr != NULL) *endptr = (char *)end;
        return -1.0;
    }
    if (end == s || (endptr == NULL && *end != '\0')) {
        PyErr_Format(PyExc_ValueError, "could not convert string to float: '%.200s'", s);
        if (endptr != NULL) *endptr = (char *)s;
        return -1.0;
    }
    if (endptr != NULL) *endptr = (char *)end;
    return value;
}

/* Calls innerfunc with the text freed of its underscores, each of which must stand between two digits. */
PyObject *_Py_string_to_number_with_underscores(const char *str, Py_ssize_t len, const char *what, PyObject *obj,
                                                void *arg, PyObject *(*innerfunc)(const char *, Py_ssize_t, void *)) {
    if (strchr(str, '_') == NULL) return innerfunc(str, len, arg);
    char *copy = PyMem_Malloc((size_t)len + 1);
    if (copy == NULL) return PyErr_NoMemory();
    char *out = copy, previous = '\0';
    Py_ssize_t i = 0;
    for (; i < len && str[i] != '\0'; i++) {
        if (str[i] == '_') {
            if (!is_digit(previous)) break;
        } else {
            if (previous == '_' && !is_digit(str[i])) break;
            *out++ = str[i];
        }
        previous = str[i];
    }
    *out = '\0';
    PyObject *result = NULL;
    if (i < len || previous == '_') {
        PyErr_Format(PyExc_ValueError, "could not convert string to %s: %R", what, obj);
    } else {
        result = innerfunc(copy, out - copy, arg);
    }
    PyMem_Free(copy);
    return result;
}
