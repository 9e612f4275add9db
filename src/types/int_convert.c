/* Integers to and from C values, byte strings and limbs. */
#include <Python.h>

#include "types/int.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- from C values ---- */

PyObject *kr_int_from_magnitude(uint64_t magnitude, int negative) {
    if (magnitude < PyLong_BASE) {
        int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
        if (value >= -KR_SMALL_INT_NEGATIVE && value < KR_SMALL_INT_POSITIVE) return Py_NewRef(kr_small_int((int)value));
        PyLongObject *result = kr_int_allocate(1);
        if (result == NULL) return NULL;
        result->ob_digit[0] = (digit)magnitude;
        if (negative) Py_SET_SIZE(result, -1);
        return (PyObject *)result;
    }
    Py_ssize_t count = magnitude >> (2 * PyLong_SHIFT) != 0 ? 3 : 2;
    PyLongObject *result = kr_int_allocate(count);
    if (result == NULL) return NULL;
    result->ob_digit[0] = (digit)magnitude & PyLong_MASK;
    result->ob_digit[1] = (digit)(magnitude >> PyLong_SHIFT) & PyLong_MASK;
    if (count == 3) result->ob_digit[2] = (digit)(magnitude >> (2 * PyLong_SHIFT));
    if (negative) Py_SET_SIZE(result, -count);
    return (PyObject *)result;
}

PyObject *PyLong_FromLong(long value) { return kr_int_from_int64(value); }
PyObject *PyLong_FromLongLong(long long value) { return kr_int_from_int64(value); }
PyObject *PyLong_FromSsize_t(Py_ssize_t value) { return kr_int_from_int64(value); }
PyObject *PyLong_FromUnsignedLong(unsigned long value) { return kr_int_from_magnitude(value, 0); }
PyObject *PyLong_FromUnsignedLongLong(unsigned long long value) { return kr_int_from_magnitude(value, 0); }
PyObject *PyLong_FromSize_t(size_t value) { return kr_int_from_magnitude(value, 0); }
PyObject *PyLong_FromVoidPtr(void *value) { return kr_int_from_magnitude((uintptr_t)value, 0); }

PyObject *PyLong_FromDouble(double value) {
    if (fabs(value) < 0x1p62) return kr_int_from_int64((int64_t)value);
    if (isinf(value)) {
        PyErr_SetString(PyExc_OverflowError, "cannot convert float infinity to integer");
        return NULL;
    }
    if (isnan(value)) {
        PyErr_SetString(PyExc_ValueError, "cannot convert float NaN to integer");
        return NULL;
    }
    int exponent;
    double fraction = frexp(fabs(value), &exponent);
    Py_ssize_t count = (exponent - 1) / PyLong_SHIFT + 1;
    PyLongObject *result = kr_int_allocate(count);
    if (result == NULL) return NULL;
    fraction = ldexp(fraction, (exponent - 1) % PyLong_SHIFT + 1);
    for (Py_ssize_t i = count - 1; i >= 0; i--) {
        digit bits = (digit)fraction;
        result->ob_digit[i] = bits;
        fraction = ldexp(fraction - (double)bits, PyLong_SHIFT);
    }
    if (value < 0) Py_SET_SIZE(result, -count);
    return (PyObject *)result;
}

/* ---- limbs ---- */

Py_ssize_t kr_limbs_from_digits(mp_limb_t *limbs, const digit *digits, Py_ssize_t count) {
    mp_limb_t pending = 0;
    unsigned bits = 0;
    Py_ssize_t used = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        mp_limb_t next = digits[i];
        pending |= next << bits;
        bits += PyLong_SHIFT;
        if (bits >= GMP_NUMB_BITS) {
            limbs[used++] = pending;
            bits -= GMP_NUMB_BITS;
            pending = next >> (PyLong_SHIFT - bits);
        }
    }
    if (pending != 0) limbs[used++] = pending;
    while (used > 0 && limbs[used - 1] == 0) used--;
    return used;
}

Py_ssize_t kr_limbs_from_int(KrLimbs *limbs, const PyLongObject *a) {
    Py_ssize_t count = kr_int_digit_count(a);
    if (kr_limbs_reserve(limbs, kr_limbs_needed(count)) < 0) return -1;
    return kr_limbs_from_digits(limbs->limb, a->ob_digit, count);
}

PyObject *kr_int_from_limbs(const mp_limb_t *limbs, Py_ssize_t count, int negative) {
    while (count > 0 && limbs[count - 1] == 0) count--;
    if (count <= 1) return kr_int_from_magnitude(count == 0 ? 0 : limbs[0], negative);
    size_t bit_length = (size_t)count * GMP_NUMB_BITS - (size_t)__builtin_clzl(limbs[count - 1]);
    Py_ssize_t digits = (Py_ssize_t)((bit_length + PyLong_SHIFT - 1) / PyLong_SHIFT);
    PyLongObject *result = kr_int_allocate(digits);
    if (result == NULL) return NULL;
    mp_limb_t pending = limbs[0];
    Py_ssize_t next = 1;
    unsigned bits = GMP_NUMB_BITS;
    for (Py_ssize_t i = 0; i < digits; i++) {
        if (bits >= PyLong_SHIFT) {
            result->ob_digit[i] = (digit)pending & PyLong_MASK;
            pending >>= PyLong_SHIFT;
            bits -= PyLong_SHIFT;
        } else {
            mp_limb_t limb = next < count ? limbs[next++] : 0;
            result->ob_digit[i] = (digit)(pending | limb << bits) & PyLong_MASK;
            pending = limb >> (PyLong_SHIFT - bits);
            bits += GMP_NUMB_BITS - PyLong_SHIFT;
        }
    }
    if (negative) Py_SET_SIZE(result, -digits);
    return (PyObject *)result;
}

/* ---- to C integers ---- */

/* Splits an int into sign and magnitude. Returns 0, or -1 if the magnitude needs more than 64 bits; then `*magnitude`
 * has the low 64 bits. */
static int magnitude_of(const PyLongObject *a, uint64_t *magnitude) {
    Py_ssize_t count = kr_int_digit_count(a);
    uint64_t bits = 0;
    int overflow = count > 3 || (count == 3 && a->ob_digit[2] >> (64 - 2 * PyLong_SHIFT) != 0);
    switch (count < 3 ? count : 3) {
    case 3: bits = (uint64_t)a->ob_digit[2] << (2 * PyLong_SHIFT); /* fall through */
    case 2: bits |= (uint64_t)a->ob_digit[1] << PyLong_SHIFT;      /* fall through */
    case 1: bits |= a->ob_digit[0];                                /* fall through */
    case 0: break;
    }
    *magnitude = bits;
    return overflow ? -1 : 0;
}

/* Returns 0 and the value, or the sign of an int that does not fit. */
static int to_int64(const PyLongObject *a, int64_t *value) {
    if (kr_int_is_medium(a)) {
        *value = kr_int_medium(a);
        return 0;
    }
    uint64_t magnitude;
    int overflow = magnitude_of(a, &magnitude) < 0;
    if (Py_SIZE(a) > 0) {
        *value = (int64_t)magnitude;
        return overflow || magnitude > INT64_MAX;
    }
    *value = (int64_t)-magnitude;
    return overflow || magnitude > (uint64_t)INT64_MAX + 1 ? -1 : 0;
}

/* The two's complement of the value cut to 64 bits. */
static uint64_t to_mask(const PyLongObject *a) {
    uint64_t magnitude;
    (void)magnitude_of(a, &magnitude);
    return Py_SIZE(a) < 0 ? -magnitude : magnitude;
}

/* Returns a new reference to an int that equals the object, by __index__ if need be. */
static PyLongObject *as_int(PyObject *object) {
    if (object == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyLong_Check(object)) return (PyLongObject *)Py_NewRef(object);
    return (PyLongObject *)_PyNumber_Index(object);
}

/* Sets TypeError unless the object is an int. */
static int require_int(PyObject *object) {
    if (object == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (PyLong_Check(object)) return 0;
    PyErr_SetString(PyExc_TypeError, "an integer is required");
    return -1;
}

long PyLong_AsLongAndOverflow(PyObject *object, int *overflow) {
    int64_t value;
    *overflow = 0;
    if (object != NULL && PyLong_Check(object)) {
        *overflow = to_int64((PyLongObject *)object, &value);
        return *overflow ? -1 : value;
    }
    PyLongObject *number = as_int(object);
    if (number == NULL) return -1;
    *overflow = to_int64(number, &value);
    Py_DECREF(number);
    return *overflow ? -1 : value;
}

long long PyLong_AsLongLongAndOverflow(PyObject *object, int *overflow) {
    return PyLong_AsLongAndOverflow(object, overflow);
}

long PyLong_AsLong(PyObject *object) {
    int overflow;
    long value = PyLong_AsLongAndOverflow(object, &overflow);
    if (overflow) PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C long");
    return value;
}

int _PyLong_AsInt(PyObject *object) {
    int overflow;
    long value = PyLong_AsLongAndOverflow(object, &overflow);
    if (overflow || value > INT_MAX || value < INT_MIN) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C int");
        return -1;
    }
    return (int)value;
}

long long PyLong_AsLongLong(PyObject *object) {
    int overflow;
    long value = PyLong_AsLongAndOverflow(object, &overflow);
    if (overflow) PyErr_SetString(PyExc_OverflowError, "int too big to convert");
    return value;
}

Py_ssize_t PyLong_AsSsize_t(PyObject *object) {
    int64_t value;
    if (require_int(object) < 0) return -1;
    if (to_int64((PyLongObject *)object, &value) == 0) return value;
    PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C ssize_t");
    return -1;
}

/* The three unsigned conversions differ in their messages only. */
static uint64_t to_unsigned(PyObject *object, const char *negative, const char *large) {
    uint64_t magnitude;
    if (require_int(object) < 0) return (uint64_t)-1;
    PyLongObject *a = (PyLongObject *)object;
    if (Py_SIZE(a) < 0) {
        PyErr_SetString(PyExc_OverflowError, negative);
        return (uint64_t)-1;
    }
    if (magnitude_of(a, &magnitude) == 0) return magnitude;
    PyErr_SetString(PyExc_OverflowError, large);
    return (uint64_t)-1;
}

unsigned long PyLong_AsUnsignedLong(PyObject *object) {
    return to_unsigned(object, "can't convert negative value to unsigned int",
                       "Python int too large to convert to C unsigned long");
}

size_t PyLong_AsSize_t(PyObject *object) {
    return to_unsigned(object, "can't convert negative value to size_t",
                       "Python int too large to convert to C size_t");
}

unsigned long long PyLong_AsUnsignedLongLong(PyObject *object) {
    return to_unsigned(object, "can't convert negative int to unsigned", "int too big to convert");
}

unsigned long PyLong_AsUnsignedLongMask(PyObject *object) {
    PyLongObject *number = as_int(object);
    if (number == NULL) return (unsigned long)-1;
    unsigned long bits = to_mask(number);
    Py_DECREF(number);
    return bits;
}

unsigned long long PyLong_AsUnsignedLongLongMask(PyObject *object) { return PyLong_AsUnsignedLongMask(object); }

void *PyLong_AsVoidPtr(PyObject *object) {
    if (object != NULL && PyLong_Check(object) && _PyLong_Sign(object) < 0) {
        long value = PyLong_AsLong(object);
        return value == -1 && PyErr_Occurred() ? NULL : (void *)value;
    }
    unsigned long value = PyLong_AsUnsignedLong(object);
    return value == (unsigned long)-1 && PyErr_Occurred() ? NULL : (void *)value;
}

/* ---- `O&` converters: 1, or 0 with an exception ---- */

static int convert_unsigned(PyObject *object, unsigned long limit, const char *type, unsigned long *value) {
    if (PyLong_Check(object) && _PyLong_Sign(object) < 0) {
        PyErr_SetString(PyExc_ValueError, "value must be positive");
        return 0;
    }
    *value = PyLong_AsUnsignedLong(object);
    if (*value == (unsigned long)-1 && PyErr_Occurred()) return 0;
    if (*value <= limit) return 1;
    PyErr_Format(PyExc_OverflowError, "Python int too large for C %s", type);
    return 0;
}

int _PyLong_UnsignedShort_Converter(PyObject *object, void *target) {
    unsigned long value;
    if (!convert_unsigned(object, USHRT_MAX, "unsigned short", &value)) return 0;
    *(unsigned short *)target = (unsigned short)value;
    return 1;
}

int _PyLong_UnsignedInt_Converter(PyObject *object, void *target) {
    unsigned long value;
    if (!convert_unsigned(object, UINT_MAX, "unsigned int", &value)) return 0;
    *(unsigned int *)target = (unsigned int)value;
    return 1;
}

int _PyLong_UnsignedLong_Converter(PyObject *object, void *target) {
    return convert_unsigned(object, ULONG_MAX, "unsigned long", target);
}

int _PyLong_UnsignedLongLong_Converter(PyObject *object, void *target) {
    if (PyLong_Check(object) && _PyLong_Sign(object) < 0) {
        PyErr_SetString(PyExc_ValueError, "value must be positive");
        return 0;
    }
    unsigned long long value = PyLong_AsUnsignedLongLong(object);
    if (value == (unsigned long long)-1 && PyErr_Occurred()) return 0;
    *(unsigned long long *)target = value;
    return 1;
}

int _PyLong_Size_t_Converter(PyObject *object, void *target) {
    if (PyLong_Check(object) && _PyLong_Sign(object) < 0) {
        PyErr_SetString(PyExc_ValueError, "value must be positive");
        return 0;
    }
    size_t value = PyLong_AsSize_t(object);
    if (value == (size_t)-1 && PyErr_Occurred()) return 0;
    *(size_t *)target = value;
    return 1;
}

/* ---- measures ---- */

size_t kr_int_bit_length(const PyLongObject *a) {
    Py_ssize_t count = kr_int_digit_count(a);
    if (count == 0) return 0;
    return (size_t)(count - 1) * PyLong_SHIFT + (32 - (size_t)__builtin_clz(a->ob_digit[count - 1]));
}

size_t _PyLong_NumBits(PyObject *v) { return kr_int_bit_length((PyLongObject *)v); }

int _PyLong_Sign(PyObject *v) {
    Py_ssize_t size = Py_SIZE(v);
    return (size > 0) - (size < 0);
}

/* ---- to double ---- */

/* Rounds half to even. The result is in [0.5, 1) with the number's sign. */
double _PyLong_Frexp(PyLongObject *a, Py_ssize_t *e) {
    size_t bits = kr_int_bit_length(a);
    if (bits == 0) {
        *e = 0;
        return 0.0;
    }
    /* The highest 55 bits, of which the last two decide the rounding; the last one also tells of all bits below. */
    enum { WINDOW = DBL_MANT_DIG + 2 };
    uint64_t top = 0;
    Py_ssize_t i = kr_int_digit_count(a) - 1;
    if (bits <= WINDOW) {
        for (; i >= 0; i--) top = top << PyLong_SHIFT | a->ob_digit[i];
        top <<= WINDOW - bits;
    } else {
        unsigned have = (unsigned)((bits - 1) % PyLong_SHIFT) + 1;
        top = a->ob_digit[i--];
        while (have < WINDOW) {
            unsigned take = WINDOW - have < PyLong_SHIFT ? WINDOW - have : PyLong_SHIFT;
            digit next = a->ob_digit[i--];
            top = top << take | next >> (PyLong_SHIFT - take);
            have += take;
            if (take < PyLong_SHIFT && (next & (((digit)1 << (PyLong_SHIFT - take)) - 1)) != 0) {
                top |= 1;
                i = -1;
            }
        }
        for (; i >= 0; i--) {
            if (a->ob_digit[i] != 0) {
                top |= 1;
                break;
            }
        }
    }
    unsigned below = top & 3, odd = (top >> 2) & 1;
    top >>= 2;
    if (below > 2 || (below == 2 && odd)) top++;
    double fraction = (double)top * 0x1p-53;
    if (fraction == 1.0) {
        fraction = 0.5;
        bits++;
    }
    *e = (Py_ssize_t)bits;
    return Py_SIZE(a) < 0 ? -fraction : fraction;
}

double PyLong_AsDouble(PyObject *object) {
    if (object == NULL) {
        PyErr_BadInternalCall();
        return -1.0;
    }
    if (!PyLong_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "an integer is required");
        return -1.0;
    }
    PyLongObject *a = (PyLongObject *)object;
    if (kr_int_is_medium(a)) return (double)kr_int_medium(a);
    Py_ssize_t exponent;
    double fraction = _PyLong_Frexp(a, &exponent);
    if (exponent > DBL_MAX_EXP) {
        PyErr_SetString(PyExc_OverflowError, "int too large to convert to float");
        return -1.0;
    }
    return ldexp(fraction, (int)exponent);
}

/* ---- byte strings ---- */

/* Returns eight bytes of a number from byte `at` on, as if `padding` followed its `n` bytes. `low` is the lowest byte, and the
 * next one stands `step` (1 or -1) further. */
static inline uint64_t load_word(const unsigned char *low, ptrdiff_t step, size_t n, size_t at, unsigned char padding) {
    uint64_t word;
    if (at + 8 <= n) {
        memcpy(&word, step > 0 ? low + at : low - at - 7, sizeof word);
        return step > 0 ? word : __builtin_bswap64(word);
    }
    word = padding != 0 ? ~(uint64_t)0 : 0;
    for (size_t i = n; i-- > at;) word = word << 8 | low[step * (ptrdiff_t)i];
    return word;
}

PyObject *_PyLong_FromByteArray(const unsigned char *bytes, size_t n, int little_endian, int is_signed) {
    if (n == 0) return PyLong_FromLong(0);
    const unsigned char *low = little_endian ? bytes : bytes + n - 1;
    ptrdiff_t step = little_endian ? 1 : -1;
    int negative = is_signed && (low[step * (ptrdiff_t)(n - 1)] & 0x80) != 0;
    unsigned char padding = negative ? 0xff : 0;
    while (n > 0 && low[step * (ptrdiff_t)(n - 1)] == padding) n--;
    if (n < 8) {
        /* Here the value and its sign fit into 64 bits. */
        uint64_t value = negative ? ~(uint64_t)0 : 0;
        for (size_t i = n; i-- > 0;) value = value << 8 | low[step * (ptrdiff_t)i];
        return kr_int_from_int64((int64_t)value);
    }
    if (n > (size_t)PY_SSIZE_T_MAX / 8 - 1) {
        PyErr_SetString(PyExc_OverflowError, "byte array too long to convert to int");
        return NULL;
    }
    /* The magnitude of a negative number may need one more bit: -256 is the byte 0 and the sign. */
    Py_ssize_t count = (Py_ssize_t)((n * 8 + (size_t)negative + PyLong_SHIFT - 1) / PyLong_SHIFT);
    PyLongObject *result = kr_int_allocate(count);
    if (result == NULL) return NULL;
    digit flip = negative ? PyLong_MASK : 0, carry = (digit)negative; /* -x is ~x + 1 */
    unsigned __int128 pending = 0;
    unsigned bits = 0;
    for (Py_ssize_t i = 0, at = 0; i < count; i++) {
        if (bits < PyLong_SHIFT) {
            pending |= (unsigned __int128)load_word(low, step, n, (size_t)at, padding) << bits;
            bits += 64;
            at += 8;
        }
        carry += ((digit)pending & PyLong_MASK) ^ flip;
        result->ob_digit[i] = carry & PyLong_MASK;
        carry >>= PyLong_SHIFT;
        pending >>= PyLong_SHIFT;
        bits -= PyLong_SHIFT;
    }
    if (negative) Py_SET_SIZE(result, -count);
    return kr_int_finish(result);
}

/* Stores the lowest `size` bytes of a word, which are those of a number from byte `at` on. */
static inline void store_word(unsigned char *low, ptrdiff_t step, size_t at, uint64_t word, size_t size) {
    if (size == 8) {
        uint64_t ordered = step > 0 ? word : __builtin_bswap64(word);
        memcpy(step > 0 ? low + at : low - at - 7, &ordered, sizeof ordered);
        return;
    }
    for (size_t i = 0; i < size; i++, word >>= 8) low[step * (ptrdiff_t)(at + i)] = (unsigned char)word;
}

int _PyLong_AsByteArray(PyLongObject *v, unsigned char *bytes, size_t n, int little_endian, int is_signed) {
    int negative = Py_SIZE(v) < 0;
    if (negative && !is_signed) {
        PyErr_SetString(PyExc_OverflowError, "can't convert negative int to unsigned");
        return -1;
    }
    unsigned char *low = little_endian || n == 0 ? bytes : bytes + n - 1;
    ptrdiff_t step = little_endian ? 1 : -1;
    Py_ssize_t count = kr_int_digit_count(v);
    unsigned __int128 pending = 0; /* the next bits of the magnitude */
    unsigned bits = 0;             /* how many of them there are, or 0 at the end */
    uint64_t carry = 1, word = 0, beyond = 0;
    Py_ssize_t used = 0;
    for (size_t i = 0; i < n; i += 8) {
        for (; bits < 64 && used < count; bits += PyLong_SHIFT) pending |= (unsigned __int128)v->ob_digit[used++] << bits;
        word = (uint64_t)pending;
        pending >>= 64;
        bits = bits > 64 ? bits - 64 : 0;
        size_t size = Py_MIN(n - i, 8);
        if (size < 8) beyond = word >> (8 * size);
        if (negative) {
            word = ~word + carry;
            carry &= word == 0;
        }
        store_word(low, step, i, word, size);
    }
    unsigned byte = n > 0 ? (unsigned)(word >> (8 * ((n - 1) % 8))) & 0xff : 0;
    int fits = pending == 0 && used == count && beyond == 0;
    if (n == 0 && is_signed) {
        fits = count == 0 || (negative && count == 1 && v->ob_digit[0] == 1); /* no bytes stand for -1, too */
    } else if (is_signed && fits) {
        fits = ((byte & 0x80) != 0) == negative;
    }
    if (fits) return 0;
    PyErr_SetString(PyExc_OverflowError, "int too big to convert");
    return -1;
}
