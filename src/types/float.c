/* The type float: allocation, arithmetic, construction and methods.
 *
 * Freed floats are kept in a list linked through ob_type. Packing into bytes is in float_pack.c, text in float_text.c.
 */
#include <Python.h>
#include <structmember.h>

#include "base/double_text.h"
#include "heap/heap.h"
#include "types/float.h"
#include "types/format_spec.h"
#include "types/int.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

KrFloatFreeList kr_float_free_list;

static struct {
    PyTypeObject info_type; /* sys.float_info */
} state;

/* ---- allocation ---- */

PyObject *PyFloat_FromDouble(double value) {
    if (kr_float_free_list.first != NULL) return kr_float_from_double(value);
    PyFloatObject *result = PyObject_Malloc(sizeof(PyFloatObject));
    if (result == NULL) return PyErr_NoMemory();
    Py_SET_TYPE(result, &PyFloat_Type);
    Py_SET_REFCNT(result, 1);
    result->ob_fval = value;
    return (PyObject *)result;
}

static void float_dealloc(PyObject *self) {
    if (PyFloat_CheckExact(self))
        kr_float_free((PyFloatObject *)self);
    else
        Py_TYPE(self)->tp_free(self);
}

void kr_float_clear_free_list(void) {
    while (kr_float_free_list.first != NULL) {
        PyFloatObject *block = kr_float_free_list.first;
        kr_float_free_list.first = (PyFloatObject *)Py_TYPE(block);
        PyObject_Free(block);
    }
    kr_float_free_list.count = 0;
}

void kr_float_finalize(void) { kr_float_clear_free_list(); }

void _PyFloat_DebugMallocStats(FILE *out) {
    _PyDebugAllocatorStats(out, "free PyFloatObject", kr_float_free_list.count, sizeof(PyFloatObject));
}

/* ---- sys.float_info ---- */

double PyFloat_GetMax(void) { return DBL_MAX; }
double PyFloat_GetMin(void) { return DBL_MIN; }

static PyStructSequence_Field info_fields[] = {
    {"max", "DBL_MAX: the largest finite float"},
    {"max_exp", "DBL_MAX_EXP: radix**(max_exp - 1) is still finite, radix**max_exp is not"},
    {"max_10_exp", "DBL_MAX_10_EXP: the largest power of ten that is finite"},
    {"min", "DBL_MIN: the smallest positive float of full precision"},
    {"min_exp", "DBL_MIN_EXP: the smallest n for which radix**(n - 1) has full precision"},
    {"min_10_exp", "DBL_MIN_10_EXP: the smallest n for which 10**n has full precision"},
    {"dig", "DBL_DIG: decimal digits that a float always keeps"},
    {"mant_dig", "DBL_MANT_DIG: digits of the mantissa in base radix"},
    {"epsilon", "DBL_EPSILON: distance from 1 to the next float"},
    {"radix", "FLT_RADIX: base of the exponent"},
    {"rounds", "FLT_ROUNDS: how addition rounds"},
    {NULL, NULL},
};

static PyStructSequence_Desc info_description = {
    .name = "sys.float_info",
    .doc = "What C's float.h says about floats, which are C doubles. Read only.",
    .fields = info_fields,
    .n_in_sequence = 11,
};

PyObject *PyFloat_GetInfo(void) {
    if (state.info_type.tp_dict == NULL && PyStructSequence_InitType2(&state.info_type, &info_description) < 0) {
        return NULL;
    }
    PyObject *values[] = {
        PyFloat_FromDouble(DBL_MAX),   PyLong_FromLong(DBL_MAX_EXP),  PyLong_FromLong(DBL_MAX_10_EXP),
        PyFloat_FromDouble(DBL_MIN),   PyLong_FromLong(DBL_MIN_EXP),  PyLong_FromLong(DBL_MIN_10_EXP),
        PyLong_FromLong(DBL_DIG),      PyLong_FromLong(DBL_MANT_DIG), PyFloat_FromDouble(DBL_EPSILON),
        PyLong_FromLong(FLT_RADIX),    PyLong_FromLong(FLT_ROUNDS),
    };
    PyObject *info = PyStructSequence_New(&state.info_type);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(values); i++) {
        if (info != NULL) {
            PyStructSequence_SET_ITEM(info, (Py_ssize_t)i, values[i]);
        } else {
            Py_XDECREF(values[i]);
        }
    }
    if (info != NULL && PyErr_Occurred()) Py_CLEAR(info);
    return info;
}

/* ---- conversion ---- */

/* The value of a float, or of what has __float__ or __index__. */
double PyFloat_AsDouble(PyObject *object) {
    if (object == NULL) {
        PyErr_BadArgument();
        return -1.0;
    }
    if (PyFloat_Check(object)) return PyFloat_AS_DOUBLE(object);
    PyNumberMethods *number = Py_TYPE(object)->tp_as_number;
    if (number != NULL && number->nb_float != NULL) {
        PyObject *result = number->nb_float(object);
        if (result == NULL) return -1.0;
        if (!PyFloat_CheckExact(result)) {
            if (!PyFloat_Check(result)) {
                PyErr_Format(PyExc_TypeError, "%.50s.__float__ returned non-float (type %.50s)",
                             Py_TYPE(object)->tp_name, Py_TYPE(result)->tp_name);
                Py_DECREF(result);
                return -1.0;
            }
            if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                                 "%.50s.__float__ returned non-float (type %.50s).  The ability to return an instance "
                                 "of a strict subclass of float is deprecated, and may be removed in a future version "
                                 "of Python.",
                                 Py_TYPE(object)->tp_name, Py_TYPE(result)->tp_name)) {
                Py_DECREF(result);
                return -1.0;
            }
        }
        double value = PyFloat_AS_DOUBLE(result);
        Py_DECREF(result);
        return value;
    }
    if (number != NULL && number->nb_index != NULL) {
        PyObject *index = _PyNumber_Index(object);
        if (index == NULL) return -1.0;
        double value = PyLong_AsDouble(index);
        Py_DECREF(index);
        return value;
    }
    PyErr_Format(PyExc_TypeError, "must be real number, not %.50s", Py_TYPE(object)->tp_name);
    return -1.0;
}

/* Parses text without surrounding space; `object` is shown in the error. */
static PyObject *float_from_stripped(const char *text, Py_ssize_t length, void *object) {
    char *end;
    double value = PyOS_string_to_double(text, &end, NULL);
    if (end != text + length || length == 0) {
        PyErr_Format(PyExc_ValueError, "could not convert string to float: %R", object);
        return NULL;
    }
    if (value == -1.0 && PyErr_Occurred()) return NULL;
    return PyFloat_FromDouble(value);
}

static PyObject *float_from_text(const char *text, Py_ssize_t length, PyObject *object) {
    while (length > 0 && Py_ISSPACE(Py_CHARMASK(*text))) {
        text++;
        length--;
    }
    while (length > 0 && Py_ISSPACE(Py_CHARMASK(text[length - 1]))) length--;
    return _Py_string_to_number_with_underscores(text, length, "float", object, object, float_from_stripped);
}

/* Copies text that may lack the final zero byte or has space behind it, so that parsing stops where it should. */
static PyObject *float_from_bounded_text(const char *text, Py_ssize_t length, PyObject *object) {
    char small[128];
    char *copy = length < (Py_ssize_t)sizeof small ? small : PyMem_Malloc((size_t)length + 1);
    if (copy == NULL) return PyErr_NoMemory();
    memcpy(copy, text, (size_t)length);
    while (length > 0 && Py_ISSPACE(Py_CHARMASK(copy[length - 1]))) length--;
    copy[length] = '\0';
    PyObject *result = float_from_text(copy, length, object);
    if (copy != small) PyMem_Free(copy);
    return result;
}

PyObject *PyFloat_FromString(PyObject *object) {
    if (PyUnicode_Check(object)) {
        PyObject *ascii = _PyUnicode_TransformDecimalAndSpaceToASCII(object);
        if (ascii == NULL) return NULL;
        PyObject *result = float_from_bounded_text((const char *)PyUnicode_1BYTE_DATA(ascii),
                                                   PyUnicode_GET_LENGTH(ascii), object);
        Py_DECREF(ascii);
        return result;
    }
    if (PyBytes_Check(object)) {
        return float_from_bounded_text(PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), object);
    }
    if (PyByteArray_Check(object)) {
        return float_from_bounded_text(PyByteArray_AS_STRING(object), PyByteArray_GET_SIZE(object), object);
    }
    Py_buffer view;
    if (PyObject_CheckBuffer(object) && PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) == 0) {
        PyObject *result = float_from_bounded_text(view.buf, view.len, object);
        PyBuffer_Release(&view);
        return result;
    }
    PyErr_Format(PyExc_TypeError, "float() argument must be a string or a real number, not '%.200s'",
                 Py_TYPE(object)->tp_name);
    return NULL;
}

int kr_float_operand(PyObject *object, double *value) {
    if (PyFloat_Check(object)) {
        *value = PyFloat_AS_DOUBLE(object);
        return 1;
    }
    if (!PyLong_Check(object)) return 0;
    *value = PyLong_AsDouble(object);
    return *value == -1.0 && PyErr_Occurred() ? -1 : 1;
}

/* Reads both operands of a binary operation, or leaves the function. */
#define READ_OPERANDS(a, b, x, y)                                                                                      \
    double x, y;                                                                                                       \
    do {                                                                                                               \
        int known = kr_float_operand(a, &x);                                                                           \
        if (known > 0) known = kr_float_operand(b, &y);                                                                \
        if (known < 0) return NULL;                                                                                    \
        if (known == 0) Py_RETURN_NOTIMPLEMENTED;                                                                      \
    } while (0)

/* ---- arithmetic ---- */

static PyObject *float_add(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    return PyFloat_FromDouble(x + y);
}

static PyObject *float_subtract(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    return PyFloat_FromDouble(x - y);
}

static PyObject *float_multiply(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    return PyFloat_FromDouble(x * y);
}

static PyObject *division_by_zero(const char *message) {
    PyErr_SetString(PyExc_ZeroDivisionError, message);
    return NULL;
}

static PyObject *float_divide(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    if (y == 0.0) return division_by_zero("float division by zero");
    return PyFloat_FromDouble(x / y);
}

double kr_float_remainder(double x, double y) {
    double remainder = fmod(x, y);
    if (remainder == 0.0) return copysign(0.0, y);
    return (y < 0) != (remainder < 0) ? remainder + y : remainder;
}

void kr_float_divmod(double x, double y, double *quotient, double *remainder) {
    double rest = fmod(x, y);
    double ratio = (x - rest) / y; /* an integer but for rounding */
    if (rest == 0.0) {
        rest = copysign(0.0, y);
    } else if ((y < 0) != (rest < 0)) {
        rest += y;
        ratio -= 1.0;
    }
    double whole;
    if (ratio == 0.0) {
        whole = copysign(0.0, x / y);
    } else {
        whole = floor(ratio);
        if (ratio - whole > 0.5) whole += 1.0;
    }
    *quotient = whole;
    *remainder = rest;
}

static PyObject *float_remainder(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    if (y == 0.0) return division_by_zero("float modulo");
    return PyFloat_FromDouble(kr_float_remainder(x, y));
}

static PyObject *float_floor_divide(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    if (y == 0.0) return division_by_zero("float floor division by zero");
    double quotient, remainder;
    kr_float_divmod(x, y, &quotient, &remainder);
    return PyFloat_FromDouble(quotient);
}

static PyObject *float_divmod(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    if (y == 0.0) return division_by_zero("float divmod()");
    double quotient, remainder;
    kr_float_divmod(x, y, &quotient, &remainder);
    return Py_BuildValue("(dd)", quotient, remainder);
}

static PyObject *float_power(PyObject *a, PyObject *b, PyObject *modulus) {
    if (modulus != Py_None) {
        PyErr_SetString(PyExc_TypeError, "pow() 3rd argument not allowed unless all arguments are integers");
        return NULL;
    }
    READ_OPERANDS(a, b, x, y);
    /* C's pow() treats zeros, infinities and NaNs as Python does, except for two cases. */
    if (isfinite(x) && isfinite(y)) {
        if (x == 0.0 && y < 0.0) return division_by_zero("0.0 cannot be raised to a negative power");
        if (x < 0.0 && y != floor(y)) return PyComplex_Type.tp_as_number->nb_power(a, b, modulus);
    }
    double power = pow(x, y);
    if (isinf(power) && isfinite(x) && isfinite(y)) {
        errno = ERANGE;
        return PyErr_SetFromErrno(PyExc_OverflowError);
    }
    return PyFloat_FromDouble(power);
}

/* The value as an exact float. */
static PyObject *float_positive(PyObject *self) {
    return PyFloat_CheckExact(self) ? Py_NewRef(self) : PyFloat_FromDouble(PyFloat_AS_DOUBLE(self));
}

static PyObject *float_negative(PyObject *self) { return PyFloat_FromDouble(-PyFloat_AS_DOUBLE(self)); }
static PyObject *float_absolute(PyObject *self) { return PyFloat_FromDouble(fabs(PyFloat_AS_DOUBLE(self))); }
static int float_bool(PyObject *self) { return PyFloat_AS_DOUBLE(self) != 0.0; }
static PyObject *float_int(PyObject *self) { return PyLong_FromDouble(PyFloat_AS_DOUBLE(self)); }

/* ---- comparison and hash ---- */

/* Compares a finite float with an int exactly: -1, 0 or 1; -2 with an exception. */
static int compare_with_int(double x, PyLongObject *n) {
    int sign_x = (x > 0.0) - (x < 0.0), sign_n = _PyLong_Sign((PyObject *)n);
    if (sign_x != sign_n) return sign_x < sign_n ? -1 : 1;
    if (sign_n == 0) return 0;
    size_t bits = kr_int_bit_length(n);
    if (bits <= 48) {
        double y = PyLong_AsDouble((PyObject *)n);
        return (x > y) - (x < y);
    }
    int exponent;
    (void)frexp(x, &exponent);
    if (exponent < 0 || (size_t)exponent != bits) {
        int magnitude_less = exponent < 0 || (size_t)exponent < bits;
        return magnitude_less == (sign_n > 0) ? -1 : 1;
    }
    double whole;
    double rest = modf(x, &whole);
    PyObject *integer = PyLong_FromDouble(whole);
    if (integer == NULL) return -2;
    int relation = kr_int_compare((PyLongObject *)integer, n);
    Py_DECREF(integer);
    return relation != 0 ? relation : (rest > 0.0) - (rest < 0.0);
}

static PyObject *float_richcompare(PyObject *a, PyObject *b, int op) {
    double x = PyFloat_AS_DOUBLE(a), y;
    if (PyFloat_Check(b)) {
        y = PyFloat_AS_DOUBLE(b);
    } else if (PyLong_Check(b)) {
        if (isfinite(x)) {
            int relation = compare_with_int(x, (PyLongObject *)b);
            if (relation == -2) return NULL;
            Py_RETURN_RICHCOMPARE(relation, 0, op);
        }
        y = 0.0;
    } else {
        Py_RETURN_NOTIMPLEMENTED;
    }
    Py_RETURN_RICHCOMPARE(x, y, op);
}

/* Hash of a float that equals an int or a fraction with the same value. A NaN hashes by its object. */
Py_hash_t _Py_HashDouble(PyObject *object, double value) {
    if (!isfinite(value)) {
        if (isinf(value)) return value > 0 ? _PyHASH_INF : -_PyHASH_INF;
        return _Py_HashPointer(object);
    }
    int exponent;
    double fraction = frexp(fabs(value), &exponent);
    /* The mantissa as an integer m with value = m * 2**exponent, then reduced modulo 2**61 - 1, where multiplying by
     * a power of two is a rotation. */
    Py_uhash_t hash = (Py_uhash_t)ldexp(fraction, DBL_MANT_DIG);
    exponent = (exponent - DBL_MANT_DIG) % _PyHASH_BITS;
    if (exponent < 0) exponent += _PyHASH_BITS;
    if (exponent > 0) {
        hash = ((hash << exponent) & _PyHASH_MODULUS) | hash >> (_PyHASH_BITS - exponent);
    }
    if (hash == _PyHASH_MODULUS) hash = 0;
    if (value < 0) hash = -hash;
    return hash == (Py_uhash_t)-1 ? -2 : (Py_hash_t)hash;
}

static Py_hash_t float_hash(PyObject *self) { return _Py_HashDouble(self, PyFloat_AS_DOUBLE(self)); }

PyObject *kr_float_repr(PyObject *self) {
    char *text = PyOS_double_to_string(PyFloat_AS_DOUBLE(self), 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) return NULL;
    Py_ssize_t length = (Py_ssize_t)strlen(text);
    PyObject *result = PyUnicode_New(length, 127);
    if (result != NULL) memcpy(PyUnicode_1BYTE_DATA(result), text, (size_t)length);
    PyMem_Free(text);
    return result;
}

/* ---- methods ---- */

PyDoc_STRVAR(conjugate_doc, "conjugate($self, /)\n--\n\nReturn the float itself, which is its own conjugate.");
static PyObject *float_conjugate(PyObject *self, PyObject *unused) { return float_positive(self); }

PyDoc_STRVAR(trunc_doc, "__trunc__($self, /)\n--\n\nReturn the integer part.");
static PyObject *float_trunc(PyObject *self, PyObject *unused) { return float_int(self); }

PyDoc_STRVAR(floor_doc, "__floor__($self, /)\n--\n\nReturn the largest integer that is not above the float.");
static PyObject *float_floor(PyObject *self, PyObject *unused) {
    return PyLong_FromDouble(floor(PyFloat_AS_DOUBLE(self)));
}

PyDoc_STRVAR(ceil_doc, "__ceil__($self, /)\n--\n\nReturn the smallest integer that is not below the float.");
static PyObject *float_ceil(PyObject *self, PyObject *unused) {
    return PyLong_FromDouble(ceil(PyFloat_AS_DOUBLE(self)));
}

PyDoc_STRVAR(round_doc, "__round__($self, ndigits=None, /)\n--\n\n"
                        "Round to `ndigits` decimals, ties to even; without an argument, to an integer.");
static PyObject *float_round(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("__round__", nargs, 0, 1)) return NULL;
    double x = PyFloat_AS_DOUBLE(self);
    if (nargs == 0 || args[0] == Py_None) return PyLong_FromDouble(nearbyint(x));
    Py_ssize_t decimals = PyNumber_AsSsize_t(args[0], NULL);
    if (decimals == -1 && PyErr_Occurred()) return NULL;
    if (!isfinite(x)) return PyFloat_FromDouble(x);
    /* Every float has fewer decimals than the first limit, and is below ten to the second. */
    if (decimals > 323) return PyFloat_FromDouble(x);
    if (decimals < -308) return PyFloat_FromDouble(0.0 * x);
    char digits[KR_DOUBLE_DIGITS_ROOM];
    int point;
    int count = kr_double_digits(x, KR_DOUBLE_FIXED, (int)decimals, digits, &point);
    double rounded = kr_double_from_digits(digits, count, point - count);
    if (isinf(rounded)) {
        PyErr_SetString(PyExc_OverflowError, "rounded value too large to represent");
        return NULL;
    }
    return PyFloat_FromDouble(copysign(rounded, x));
}

PyDoc_STRVAR(as_integer_ratio_doc,
             "as_integer_ratio($self, /)\n--\n\n"
             "Return two integers, the second above zero, whose ratio is exactly the float, in lowest terms.\n\n"
             "Infinities raise OverflowError, NaNs ValueError.\n\n"
             ">>> (0.75).as_integer_ratio()\n(3, 4)\n>>> (-2.5).as_integer_ratio()\n(-5, 2)\n"
             ">>> (1e3).as_integer_ratio()\n(1000, 1)");
static PyObject *float_as_integer_ratio(PyObject *self, PyObject *unused) {
    double x = PyFloat_AS_DOUBLE(self);
    if (isinf(x)) {
        PyErr_SetString(PyExc_OverflowError, "cannot convert Infinity to integer ratio");
        return NULL;
    }
    if (isnan(x)) {
        PyErr_SetString(PyExc_ValueError, "cannot convert NaN to integer ratio");
        return NULL;
    }
    int exponent;
    int64_t mantissa = (int64_t)ldexp(frexp(x, &exponent), DBL_MANT_DIG);
    exponent -= DBL_MANT_DIG;
    if (mantissa == 0) {
        exponent = 0;
    } else {
        int twos = __builtin_ctzll((unsigned long long)mantissa);
        mantissa >>= twos;
        exponent += twos;
    }
    PyObject *numerator = kr_int_from_int64(mantissa), *denominator = PyLong_FromLong(1), *pair = NULL;
    if (numerator != NULL && exponent > 0) {
        Py_SETREF(numerator, _PyLong_Lshift(numerator, (size_t)exponent));
    } else if (denominator != NULL && exponent < 0) {
        Py_SETREF(denominator, _PyLong_Lshift(denominator, (size_t)-exponent));
    }
    if (numerator != NULL && denominator != NULL) pair = PyTuple_Pack(2, numerator, denominator);
    Py_XDECREF(numerator);
    Py_XDECREF(denominator);
    return pair;
}

PyDoc_STRVAR(hex_doc, "hex($self, /)\n--\n\n"
                      "Return the float exactly, in hexadecimal.\n\n"
                      ">>> (-0.1).hex()\n'-0x1.999999999999ap-4'\n>>> (6.5).hex()\n'0x1.a000000000000p+2'");
static PyObject *float_hex(PyObject *self, PyObject *unused) {
    double x = PyFloat_AS_DOUBLE(self);
    if (!isfinite(x)) return kr_float_repr(self);
    if (x == 0.0) return PyUnicode_FromString(signbit(x) ? "-0x0.0p+0" : "0x0.0p+0");
    int exponent;
    double fraction = frexp(fabs(x), &exponent);
    /* Subnormal numbers keep the smallest exponent and a leading 0. */
    int shift = exponent < DBL_MIN_EXP ? exponent - DBL_MIN_EXP : 0;
    uint64_t mantissa = (uint64_t)ldexp(fraction, DBL_MANT_DIG + shift);
    exponent -= shift + 1;
    char text[40];
    PyOS_snprintf(text, sizeof text, "%s0x%d.%013llxp%c%d", x < 0 ? "-" : "", (int)(mantissa >> (DBL_MANT_DIG - 1)),
                  (unsigned long long)(mantissa & (((uint64_t)1 << (DBL_MANT_DIG - 1)) - 1)), exponent < 0 ? '-' : '+',
                  exponent < 0 ? -exponent : exponent);
    return PyUnicode_FromString(text);
}

static PyObject *bad_hex(PyObject *exception, const char *message) {
    PyErr_SetString(exception, message);
    return NULL;
}

PyDoc_STRVAR(fromhex_doc, "fromhex($type, string, /)\n--\n\n"
                          "Return the float of a hexadecimal number, correctly rounded.\n\n"
                          ">>> float.fromhex('0x1.ffffp10')\n2047.984375\n>>> float.fromhex('-0x.8')\n-0.5");
static PyObject *float_fromhex(PyObject *type, PyObject *string) {
    static const char invalid[] = "invalid hexadecimal floating-point string";
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(string, &length);
    if (text == NULL) return NULL;
    const char *end_of_text = text + length, *position = text;
    while (Py_ISSPACE(Py_CHARMASK(*position))) position++;
    char *special_end;
    double value = _Py_parse_inf_or_nan(position, &special_end);
    if (special_end != position) {
        position = special_end;
    } else {
        int negative = *position == '-';
        if (*position == '-' || *position == '+') position++;
        if (position[0] == '0' && (position[1] | 0x20) == 'x') position += 2;
        /* The highest 60 bits of the number, and whether anything but zeros follows. */
        uint64_t mantissa = 0;
        int sticky = 0, any = 0, behind_point = 0;
        int64_t exponent = 0;
        for (;; position++) {
            if (*position == '.' && !behind_point) {
                behind_point = 1;
                continue;
            }
            unsigned digit = _PyLong_DigitValue[(unsigned char)*position];
            if (digit >= 16) break;
            any = 1;
            if (behind_point) exponent -= 4;
            if (mantissa >> 60 == 0) {
                mantissa = mantissa << 4 | digit;
            } else {
                sticky |= digit != 0;
                exponent += 4;
            }
        }
        if (!any) return bad_hex(PyExc_ValueError, invalid);
        if ((*position | 0x20) == 'p') {
            position++;
            int power_negative = *position == '-';
            if (*position == '-' || *position == '+') position++;
            if (!Py_ISDIGIT(Py_CHARMASK(*position))) return bad_hex(PyExc_ValueError, invalid);
            int64_t power = 0;
            for (; Py_ISDIGIT(Py_CHARMASK(*position)); position++) {
                if (power < (int64_t)1 << 55) power = power * 10 + (*position - '0');
            }
            exponent += power_negative ? -power : power;
        }
        value = 0.0;
        if (mantissa != 0) {
            int bits = 64 - __builtin_clzll(mantissa);
            if (exponent + bits > DBL_MAX_EXP) goto overflow;
            if (exponent + bits >= DBL_MIN_EXP - DBL_MANT_DIG) {
                /* Round half to even to the bits that the result can hold. */
                int64_t extra = bits - DBL_MANT_DIG;
                if (exponent + extra < DBL_MIN_EXP - DBL_MANT_DIG) extra = DBL_MIN_EXP - DBL_MANT_DIG - exponent;
                if (extra > 0) {
                    uint64_t half = (uint64_t)1 << (extra - 1);
                    uint64_t dropped = mantissa & (2 * half - 1);
                    mantissa = extra < 64 ? mantissa >> extra : 0;
                    if (dropped > half || (dropped == half && (sticky || (mantissa & 1)))) mantissa++;
                    exponent += extra;
                }
                value = ldexp((double)mantissa, (int)exponent);
                if (isinf(value)) goto overflow;
            }
        }
        if (negative) value = -value;
    }
    while (Py_ISSPACE(Py_CHARMASK(*position))) position++;
    if (position != end_of_text) return bad_hex(PyExc_ValueError, invalid);
    PyObject *result = PyFloat_FromDouble(value);
    if (result != NULL && type != (PyObject *)&PyFloat_Type) Py_SETREF(result, PyObject_CallOneArg(type, result));
    return result;

overflow:
    return bad_hex(PyExc_OverflowError, "hexadecimal value too large to represent as a float");
}

PyDoc_STRVAR(is_integer_doc, "is_integer($self, /)\n--\n\nTrue if the float has no fractional part.");
static PyObject *float_is_integer(PyObject *self, PyObject *unused) {
    double x = PyFloat_AS_DOUBLE(self);
    return PyBool_FromLong(isfinite(x) && floor(x) == x);
}

PyDoc_STRVAR(getnewargs_doc, "__getnewargs__($self, /)\n--\n\n");
static PyObject *float_getnewargs(PyObject *self, PyObject *unused) {
    return Py_BuildValue("(d)", PyFloat_AS_DOUBLE(self));
}

PyDoc_STRVAR(getformat_doc, "__getformat__($type, typestr, /)\n--\n\n"
                            "Name the representation of C's 'double' or 'float'; for Python's test suite.");
static PyObject *float_getformat(PyObject *type, PyObject *name) {
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("__getformat__", "argument", "str", name);
        return NULL;
    }
    if (!_PyUnicode_EqualToASCIIString(name, "double") && !_PyUnicode_EqualToASCIIString(name, "float")) {
        PyErr_SetString(PyExc_ValueError, "__getformat__() argument 1 must be 'double' or 'float'");
        return NULL;
    }
    return PyUnicode_FromString(PY_LITTLE_ENDIAN ? "IEEE, little-endian" : "IEEE, big-endian");
}

PyDoc_STRVAR(format_doc, "__format__($self, format_spec, /)\n--\n\nFormat as the format specification says.");
static PyObject *float_format(PyObject *self, PyObject *spec) {
    if (!PyUnicode_Check(spec)) {
        _PyArg_BadArgument("__format__", "argument", "str", spec);
        return NULL;
    }
    return kr_format_spec_float(self, spec);
}

static PyMethodDef float_methods[] = {
    {"conjugate", float_conjugate, METH_NOARGS, conjugate_doc},
    {"__trunc__", float_trunc, METH_NOARGS, trunc_doc},
    {"__floor__", float_floor, METH_NOARGS, floor_doc},
    {"__ceil__", float_ceil, METH_NOARGS, ceil_doc},
    {"__round__", (PyCFunction)(void (*)(void))float_round, METH_FASTCALL, round_doc},
    {"as_integer_ratio", float_as_integer_ratio, METH_NOARGS, as_integer_ratio_doc},
    {"fromhex", float_fromhex, METH_O | METH_CLASS, fromhex_doc},
    {"hex", float_hex, METH_NOARGS, hex_doc},
    {"is_integer", float_is_integer, METH_NOARGS, is_integer_doc},
    {"__getnewargs__", float_getnewargs, METH_NOARGS, getnewargs_doc},
    {"__getformat__", float_getformat, METH_O | METH_CLASS, getformat_doc},
    {"__format__", float_format, METH_O, format_doc},
    {NULL, NULL, 0, NULL},
};

static PyObject *float_get_real(PyObject *self, void *closure) { return float_positive(self); }
static PyObject *float_get_imag(PyObject *self, void *closure) { return PyFloat_FromDouble(0.0); }

static PyGetSetDef float_attributes[] = {
    {"real", float_get_real, NULL, "the real part of a complex number", NULL},
    {"imag", float_get_imag, NULL, "the imaginary part of a complex number", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* ---- construction ---- */

/* float(x) with x == NULL for float(). */
static PyObject *float_construct(PyTypeObject *type, PyObject *x) {
    PyObject *value;
    if (x == NULL) {
        value = PyFloat_FromDouble(0.0);
    } else if (PyUnicode_CheckExact(x)) {
        value = PyFloat_FromString(x);
    } else {
        value = PyNumber_Float(x);
    }
    if (value == NULL || type == &PyFloat_Type) return value;
    PyObject *instance = type->tp_alloc(type, 0);
    if (instance != NULL) ((PyFloatObject *)instance)->ob_fval = PyFloat_AS_DOUBLE(value);
    Py_DECREF(value);
    return instance;
}

static PyObject *float_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *x = NULL;
    if ((type == &PyFloat_Type || type->tp_init == PyFloat_Type.tp_init) && !_PyArg_NoKeywords("float", kwargs)) {
        return NULL;
    }
    if (!PyArg_UnpackTuple(args, "float", 0, 1, &x)) return NULL;
    return float_construct(type, x);
}

static PyObject *float_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_NoKwnames("float", kwnames) || !_PyArg_CheckPositional("float", nargs, 0, 1)) return NULL;
    return float_construct((PyTypeObject *)type, nargs > 0 ? args[0] : NULL);
}

static PyNumberMethods float_number_methods = {
    .nb_add = float_add,
    .nb_subtract = float_subtract,
    .nb_multiply = float_multiply,
    .nb_remainder = float_remainder,
    .nb_divmod = float_divmod,
    .nb_power = float_power,
    .nb_negative = float_negative,
    .nb_positive = float_positive,
    .nb_absolute = float_absolute,
    .nb_bool = float_bool,
    .nb_int = float_int,
    .nb_float = float_positive,
    .nb_floor_divide = float_floor_divide,
    .nb_true_divide = float_divide,
};

PyDoc_STRVAR(float_doc, "float(x=0, /)\n--\n\nMake a floating point number of a number or of text.");

PyTypeObject PyFloat_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "float",
    .tp_basicsize = sizeof(PyFloatObject),
    .tp_dealloc = float_dealloc,
    .tp_repr = kr_float_repr,
    .tp_as_number = &float_number_methods,
    .tp_hash = float_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF,
    .tp_doc = float_doc,
    .tp_richcompare = float_richcompare,
    .tp_methods = float_methods,
    .tp_getset = float_attributes,
    .tp_new = float_new,
    .tp_vectorcall = float_vectorcall,
};
