/* Integers to and from text.
 *
 * In bases that are powers of two both ways are linear; else GMP converts, faster than quadratic. Because decimal
 * conversion of hostile input could still take long, it obeys the limit of sys.set_int_max_str_digits.
 */
#include <Python.h>

#include "types/int.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

static struct {
    int max_str_digits;
} state = {KR_INT_DEFAULT_MAX_STR_DIGITS};

int kr_int_get_max_str_digits(void) { return state.max_str_digits; }
void kr_int_set_max_str_digits(int digits) { state.max_str_digits = digits; }

#define X8 37, 37, 37, 37, 37, 37, 37, 37
unsigned char _PyLong_DigitValue[256] = {
    X8, X8, X8, X8, X8, X8,
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  37, 37, 37, 37, 37, 37,
    37, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 37, 37, 37, 37,
    37, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 37, 37, 37, 37,
    X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8, X8,
};
#undef X8

/* ---- to text ---- */

/* Where the characters go once their number is known: a new str, or a writer. */
typedef struct TextTarget {
    _PyUnicodeWriter *writer; /* NULL: a new str in `text` */
    PyObject *text;
} TextTarget;

/* Copies ASCII characters to the target. Returns 0 or -1. */
static int target_put(TextTarget *target, const char *characters, Py_ssize_t length) {
    if (target->writer != NULL) return _PyUnicodeWriter_WriteASCIIString(target->writer, characters, length);
    target->text = PyUnicode_New(length, 127);
    if (target->text == NULL) return -1;
    memcpy(PyUnicode_1BYTE_DATA(target->text), characters, (size_t)length);
    return 0;
}

static const char two_digits[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
    "585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* Writes decimal digits so that they end before `end`; returns the first. */
static char *decimal_before(char *end, uint64_t magnitude) {
    while (magnitude >= 100) {
        unsigned pair = (unsigned)(magnitude % 100);
        magnitude /= 100;
        end -= 2;
        memcpy(end, two_digits + 2 * pair, 2);
    }
    if (magnitude >= 10) {
        end -= 2;
        memcpy(end, two_digits + 2 * magnitude, 2);
    } else {
        *--end = (char)('0' + magnitude);
    }
    return end;
}

char *kr_int_digits_before(char *end, uint64_t magnitude, int base) {
    if (base == 10) return decimal_before(end, magnitude);
    unsigned bits = base == 16 ? 4 : base == 8 ? 3 : 1;
    do {
        *--end = Py_hexdigits[magnitude & ((1u << bits) - 1)];
        magnitude >>= bits;
    } while (magnitude != 0);
    return end;
}

static int limit_exceeded(int limit) {
    PyErr_Format(PyExc_ValueError,
                 "Exceeds the limit (%d digits) for integer string conversion; "
                 "use sys.set_int_max_str_digits() to increase the limit",
                 limit);
    return -1;
}

static int put_decimal_big(TextTarget *target, const PyLongObject *a) {
    Py_ssize_t digits = kr_int_digit_count(a);
    int limit = state.max_str_digits;
    /* A digit of 30 bits is worth nine decimal ones and a bit: refuse early what is surely too long. */
    if (limit > 0 && digits >= 10 * KR_INT_MAX_STR_DIGITS_THRESHOLD / (3 * PyLong_SHIFT) + 2 &&
        limit / (3 * PyLong_SHIFT) <= (digits - 11) / 10) {
        return limit_exceeded(limit);
    }
    KrLimbs limbs;
    Py_ssize_t count = kr_limbs_from_int(&limbs, a);
    if (count < 0) return -1;
    int negative = Py_SIZE(a) < 0, result = -1;
    size_t room = mpn_sizeinbase(limbs.limb, count, 10) + 2;
    char small[512];
    char *text = room <= sizeof small ? small : PyMem_Malloc(room);
    if (text == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    text[0] = '-';
    char *first = text + 1;
    Py_ssize_t length = (Py_ssize_t)mpn_get_str((unsigned char *)first, 10, limbs.limb, count);
    while (length > 1 && *first == 0) {
        first++;
        length--;
    }
    if (limit > 0 && length > KR_INT_MAX_STR_DIGITS_THRESHOLD && length > limit) {
        limit_exceeded(limit);
    } else {
        for (Py_ssize_t i = 0; i < length; i++) first[i] = (char)(first[i] + '0');
        if (negative) {
            *--first = '-';
            length++;
        }
        result = target_put(target, first, length);
    }
    if (text != small) PyMem_Free(text);
done:
    kr_limbs_release(&limbs);
    return result;
}

static int put_decimal(TextTarget *target, const PyLongObject *a) {
    if (!kr_int_is_medium(a)) return put_decimal_big(target, a);
    char buffer[24];
    int64_t value = kr_int_medium(a);
    char *end = buffer + sizeof buffer;
    char *first = decimal_before(end, value < 0 ? -(uint64_t)value : (uint64_t)value);
    if (value < 0) *--first = '-';
    return target_put(target, first, end - first);
}

static int put_binary(TextTarget *target, const PyLongObject *a, int base, int alternate) {
    unsigned bits = base == 16 ? 4 : base == 8 ? 3 : 1;
    size_t bit_length = kr_int_bit_length(a);
    size_t digits = bit_length == 0 ? 1 : (bit_length - 1) / bits + 1;
    int negative = Py_SIZE(a) < 0;
    if (digits > (size_t)PY_SSIZE_T_MAX - 3) {
        PyErr_SetString(PyExc_OverflowError, "int too large to format");
        return -1;
    }
    Py_ssize_t length = (Py_ssize_t)digits + (alternate ? 2 : 0) + negative;
    char small[128];
    char *text = length <= (Py_ssize_t)sizeof small ? small : PyMem_Malloc((size_t)length);
    if (text == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    char *position = text + length;
    uint64_t pending = 0;
    unsigned have = 0;
    Py_ssize_t next = 0, count = kr_int_digit_count(a);
    for (size_t i = 0; i < digits; i++) {
        if (have < bits && next < count) {
            pending |= (uint64_t)a->ob_digit[next++] << have;
            have += PyLong_SHIFT;
        }
        *--position = Py_hexdigits[pending & ((1u << bits) - 1)];
        pending >>= bits;
        have = have > bits ? have - bits : 0;
    }
    if (alternate) {
        *--position = base == 16 ? 'x' : base == 8 ? 'o' : 'b';
        *--position = '0';
    }
    if (negative) *--position = '-';
    int result = target_put(target, text, length);
    if (text != small) PyMem_Free(text);
    return result;
}

static int put_text(TextTarget *target, PyObject *object, int base, int alternate) {
    if (object == NULL || !PyLong_Check(object) || (base != 2 && base != 8 && base != 10 && base != 16)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (base == 10) return put_decimal(target, (PyLongObject *)object);
    return put_binary(target, (PyLongObject *)object, base, alternate);
}

PyObject *kr_int_to_text(PyObject *a, int base, int alternate) {
    TextTarget target = {NULL, NULL};
    put_text(&target, a, base, alternate);
    return target.text;
}

PyObject *_PyLong_Format(PyObject *obj, int base) { return kr_int_to_text(obj, base, 1); }

PyObject *kr_int_repr(PyObject *a) {
    TextTarget target = {NULL, NULL};
    put_decimal(&target, (PyLongObject *)a);
    return target.text;
}

int _PyLong_FormatWriter(_PyUnicodeWriter *writer, PyObject *obj, int base, int alternate) {
    TextTarget target = {writer, NULL};
    return put_text(&target, obj, base, alternate);
}

/* ---- from text ---- */

static int is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Returns the int of digit characters in a base that is a power of two. Underscores are skipped. */
static PyObject *parse_binary(const char *first, const char *end, Py_ssize_t characters, unsigned bits) {
    if (characters > (PY_SSIZE_T_MAX - (PyLong_SHIFT - 1)) / (Py_ssize_t)bits) {
        PyErr_SetString(PyExc_ValueError, "int string too large to convert");
        return NULL;
    }
    Py_ssize_t count = (characters * (Py_ssize_t)bits + PyLong_SHIFT - 1) / PyLong_SHIFT;
    PyLongObject *result = kr_int_allocate(count);
    if (result == NULL) return NULL;
    uint64_t pending = 0;
    unsigned have = 0;
    Py_ssize_t used = 0;
    while (end-- > first) {
        if (*end == '_') continue;
        pending |= (uint64_t)_PyLong_DigitValue[(unsigned char)*end] << have;
        have += bits;
        if (have >= PyLong_SHIFT) {
            result->ob_digit[used++] = (digit)pending & PyLong_MASK;
            pending >>= PyLong_SHIFT;
            have -= PyLong_SHIFT;
        }
    }
    if (have > 0 && used < count) result->ob_digit[used++] = (digit)pending;
    while (used < count) result->ob_digit[used++] = 0;
    return kr_int_finish(result);
}

/* Returns the int of digit characters in any other base. */
static PyObject *parse_general(const char *first, const char *end, Py_ssize_t characters, int base) {
    static const unsigned char bits_above[37] = {/* log2 of the base, rounded up */
                                                 0, 0, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5,
                                                 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 6, 6, 6};
    if (characters <= 12) { /* 36**12 is below 2**63 */
        uint64_t value = 0;
        for (; first < end; first++) {
            if (*first != '_') value = value * (unsigned)base + _PyLong_DigitValue[(unsigned char)*first];
        }
        return kr_int_from_magnitude(value, 0);
    }
    int limit = state.max_str_digits;
    if (characters > KR_INT_MAX_STR_DIGITS_THRESHOLD && limit > 0 && characters > limit) {
        PyErr_Format(PyExc_ValueError,
                     "Exceeds the limit (%d digits) for integer string conversion: value has %zd digits; "
                     "use sys.set_int_max_str_digits() to increase the limit",
                     limit, characters);
        return NULL;
    }
    unsigned char small[512];
    unsigned char *values = characters <= (Py_ssize_t)sizeof small ? small : PyMem_Malloc((size_t)characters);
    if (values == NULL) return PyErr_NoMemory();
    Py_ssize_t used = 0;
    for (; first < end; first++) {
        /* Leading zeros only make the number of limbs larger than need be. */
        if (*first != '_' && (used > 0 || *first != '0')) values[used++] = _PyLong_DigitValue[(unsigned char)*first];
    }
    PyObject *result = NULL;
    KrLimbs limbs;
    if (used == 0) {
        result = PyLong_FromLong(0);
    } else if (kr_limbs_reserve(&limbs, (Py_ssize_t)((size_t)used * bits_above[base] / GMP_NUMB_BITS) + 2) == 0) {
        Py_ssize_t count = mpn_set_str(limbs.limb, values, (size_t)used, base);
        result = kr_int_from_limbs(limbs.limb, count, 0);
        kr_limbs_release(&limbs);
    }
    if (values != small) PyMem_Free(values);
    return result;
}

PyObject *PyLong_FromString(const char *text, char **end_pointer, int base) {
    const char *position = text;
    int negative = 0, zero_only = 0;
    if ((base != 0 && base < 2) || base > 36) {
        PyErr_SetString(PyExc_ValueError, "int() arg 2 must be >= 2 and <= 36");
        return NULL;
    }
    while (is_space(*position)) position++;
    if (*position == '+' || *position == '-') negative = *position++ == '-';
    char letter = (char)(position[0] == '0' ? position[1] | 0x20 : 0);
    int prefix_base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (base == 0) {
        base = prefix_base != 0 ? prefix_base : 10;
        /* As in source text, decimal numbers with leading zeros must be zero. */
        zero_only = prefix_base == 0 && position[0] == '0';
    }
    if (prefix_base == base && prefix_base != 0) {
        position += 2;
        if (*position == '_') position++;
    }

    const char *first = position;
    Py_ssize_t characters = 0;
    char previous = '_'; /* no underscore at the start, ... */
    for (; *position == '_' || _PyLong_DigitValue[(unsigned char)*position] < base; position++) {
        if (*position != '_') {
            characters++;
        } else if (previous == '_') {
            goto invalid; /* ... none after another ... */
        }
        previous = *position;
    }
    if (characters == 0 || previous == '_') goto invalid; /* ... and none at the end. */

    PyObject *result;
    if ((base & (base - 1)) == 0) {
        result = parse_binary(first, position, characters, (unsigned)__builtin_ctz((unsigned)base));
    } else {
        result = parse_general(first, position, characters, base);
    }
    if (result == NULL) return NULL; /* *end_pointer stays: no matter of syntax */
    while (is_space(*position)) position++;
    if (*position != '\0' || (zero_only && Py_SIZE(result) != 0)) {
        if (zero_only) base = 0; /* the message names the base that was asked for */
        Py_DECREF(result);
        goto invalid;
    }
    if (end_pointer != NULL) *end_pointer = (char *)position;
    if (negative) Py_SETREF(result, kr_int_negative((PyLongObject *)result));
    return result;

invalid:
    if (zero_only) base = 0;
    if (end_pointer != NULL) *end_pointer = (char *)position;
    PyObject *shown = PyUnicode_FromStringAndSize(text, (Py_ssize_t)strnlen(text, 200));
    if (shown == NULL) return NULL;
    PyErr_Format(PyExc_ValueError, "invalid literal for int() with base %d: %.200R", base, shown);
    Py_DECREF(shown);
    return NULL;
}

/* The two functions below take text of a known length, which may hold null characters, and show it all in the error.
 * PyLong_FromString leaves `end` alone when it fails for another reason than the text's form. */

PyObject *_PyLong_FromBytes(const char *text, Py_ssize_t length, int base) {
    char *end = NULL;
    PyObject *result = PyLong_FromString(text, &end, base);
    if (end == NULL || (result != NULL && end == text + length)) return result;
    Py_XDECREF(result);
    PyObject *shown = PyBytes_FromStringAndSize(text, length < 200 ? length : 200);
    if (shown == NULL) return NULL;
    PyErr_Format(PyExc_ValueError, "invalid literal for int() with base %d: %.200R", base, shown);
    Py_DECREF(shown);
    return NULL;
}

PyObject *PyLong_FromUnicodeObject(PyObject *u, int base) {
    PyObject *ascii = _PyUnicode_TransformDecimalAndSpaceToASCII(u);
    if (ascii == NULL) return NULL;
    const char *text = (const char *)PyUnicode_1BYTE_DATA(ascii);
    char *end = NULL;
    PyObject *result = PyLong_FromString(text, &end, base);
    int complete = end == NULL || (result != NULL && end == text + PyUnicode_GET_LENGTH(ascii));
    Py_DECREF(ascii);
    if (complete) return result;
    Py_XDECREF(result);
    PyErr_Format(PyExc_ValueError, "invalid literal for int() with base %d: %.200R", base, u);
    return NULL;
}

/* ---- C strings to C integers ---- */

/* As strtoul(), with Python's prefixes 0x, 0o and 0b for base 0 or the matching base. Overflow sets errno to ERANGE. */
unsigned long PyOS_strtoul(const char *text, char **end_pointer, int base) {
    const char *position = text;
    while (is_space(*position)) position++;
    char letter = (char)(position[0] == '0' ? position[1] | 0x20 : 0);
    int prefix_base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (prefix_base != 0 && (base == 0 || base == prefix_base) &&
        _PyLong_DigitValue[(unsigned char)position[2]] < prefix_base) {
        position += 2;
        base = prefix_base;
    } else if (base == 0) {
        base = 10;
        if (position[0] == '0') {
            /* Only zeros may follow a leading zero. */
            while (*position == '0') position++;
            if (end_pointer != NULL) *end_pointer = (char *)position;
            return 0;
        }
    }
    if (base < 2 || base > 36 || _PyLong_DigitValue[(unsigned char)*position] >= base) {
        if (end_pointer != NULL) *end_pointer = (char *)(base < 2 || base > 36 ? text : position);
        return 0;
    }
    unsigned long value = 0;
    int overflow = 0;
    for (; _PyLong_DigitValue[(unsigned char)*position] < base; position++) {
        overflow |= __builtin_mul_overflow(value, (unsigned long)base, &value);
        overflow |= __builtin_add_overflow(value, (unsigned long)_PyLong_DigitValue[(unsigned char)*position], &value);
    }
    if (end_pointer != NULL) *end_pointer = (char *)position;
    if (!overflow) return value;
    errno = ERANGE;
    return ULONG_MAX;
}

long PyOS_strtol(const char *text, char **end_pointer, int base) {
    while (is_space(*text)) text++;
    int negative = *text == '-';
    if (*text == '+' || *text == '-') text++;
    unsigned long magnitude = PyOS_strtoul(text, end_pointer, base);
    if (magnitude <= LONG_MAX) return negative ? -(long)magnitude : (long)magnitude;
    if (negative && magnitude == (unsigned long)LONG_MAX + 1) return LONG_MIN;
    errno = ERANGE;
    return LONG_MAX;
}
