/* The type timedelta: a duration of days, seconds and microseconds.
 *
 * All arithmetic that is not a mere sum is done on the total number of microseconds, which needs 67 bits and a sign: an
 * __int128. Where even that may be too small the arithmetic is left to Python's ints.
 */
#include <Python.h>

#include <math.h>
#include <structmember.h>

#include "modules/_datetime/datetime.h"
#include "object/names.h"

#define DELTA(object) ((PyDateTime_Delta *)(object))

/* ---- Making ---- */

static void too_large(void) { PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C int"); }

PyObject *kr_delta_new(int days, int seconds, int microseconds, int normalise, PyTypeObject *type) {
    int64_t whole_days = days;
    if (normalise && (microseconds < 0 || microseconds >= US_PER_SECOND || seconds < 0 || seconds >= SECONDS_PER_DAY)) {
        int64_t total = seconds + (int64_t)floor_divide(microseconds, US_PER_SECOND, &microseconds);
        int64_t carry = total / SECONDS_PER_DAY;
        seconds = (int)(total - carry * SECONDS_PER_DAY);
        if (seconds < 0) {
            seconds += SECONDS_PER_DAY;
            carry--;
        }
        whole_days += carry;
    }
    if (whole_days > MAX_DELTA_DAYS || whole_days < -MAX_DELTA_DAYS) {
        PyErr_Format(PyExc_OverflowError, "days=%lld; must have magnitude <= %d", (long long)whole_days, MAX_DELTA_DAYS);
        return NULL;
    }
    PyDateTime_Delta *self;
    if (type == &kr_delta_type)
        self = PyObject_New(PyDateTime_Delta, &kr_delta_type);
    else
        self = (PyDateTime_Delta *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->hashcode = -1;
    self->days = (int)whole_days;
    self->seconds = seconds;
    self->microseconds = microseconds;
    return (PyObject *)self;
}

static PyObject *from_us(__int128 us, PyTypeObject *type) {
    int64_t days, rest;
    if (us >= INT64_MIN / 2 && us <= INT64_MAX / 2) {
        days = (int64_t)us / (int64_t)US_PER_DAY;
        rest = (int64_t)us - days * (int64_t)US_PER_DAY;
    } else {
        __int128 wide = us / US_PER_DAY;
        if (wide > INT_MAX || wide < INT_MIN) {
            too_large();
            return NULL;
        }
        days = (int64_t)wide;
        rest = (int64_t)(us - wide * US_PER_DAY);
    }
    if (rest < 0) {
        rest += (int64_t)US_PER_DAY;
        days--;
    }
    if (days < INT_MIN) {
        too_large();
        return NULL;
    }
    return kr_delta_new((int)days, (int)(rest / US_PER_SECOND), (int)(rest % US_PER_SECOND), 0, type);
}

static PyObject *int_from_wide(__int128 value) {
    if (value >= LLONG_MIN && value <= LLONG_MAX) return PyLong_FromLongLong((long long)value);
    return _PyLong_FromByteArray((const unsigned char *)&value, sizeof value, 1, 1);
}

/* A timedelta of an int of any size. */
static PyObject *from_int(PyObject *us, PyTypeObject *type) {
    __int128 value;
    if (_PyLong_AsByteArray((PyLongObject *)us, (unsigned char *)&value, sizeof value, 1, 1) < 0) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) too_large();
        return NULL;
    }
    return from_us(value, type);
}

/* The sum of a constructor's arguments: whole microseconds, those that came from ints too large for that, and the
 * fractions that floats left over. */
typedef struct {
    __int128 us;
    PyObject *large;
    double leftover;
} Sum;

static int add_int(Sum *sum, PyObject *number, int64_t factor) {
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (!overflow) {
        if (value == -1 && PyErr_Occurred()) return -1;
        sum->us += (__int128)value * factor;
        return 0;
    }
    PyObject *scale = PyLong_FromLongLong(factor);
    PyObject *product = scale != NULL ? PyLong_Type.tp_as_number->nb_multiply(number, scale) : NULL;
    Py_XDECREF(scale);
    if (product == NULL) return -1;
    if (sum->large == NULL) {
        sum->large = product;
        return 0;
    }
    PyObject *total = PyNumber_Add(sum->large, product);
    Py_DECREF(product);
    if (total == NULL) return -1;
    Py_SETREF(sum->large, total);
    return 0;
}

static int add_number(Sum *sum, const char *name, PyObject *number, int64_t factor) {
    if (PyLong_Check(number)) return add_int(sum, number, factor);
    if (!PyFloat_Check(number)) {
        PyErr_Format(PyExc_TypeError, "unsupported type for timedelta %s component: %s", name, Py_TYPE(number)->tp_name);
        return -1;
    }
    double whole, fraction = modf(PyFloat_AS_DOUBLE(number), &whole);
    if (fabs(whole) < 0x1p62) {
        sum->us += (__int128)(int64_t)whole * factor;
    } else {
        PyObject *integer = PyLong_FromDouble(whole);
        int failed = integer == NULL || add_int(sum, integer, factor) < 0;
        Py_XDECREF(integer);
        if (failed) return -1;
    }
    if (fraction == 0) return 0;
    fraction = modf(fraction * (double)factor, &whole); /* at most a week, in microseconds */
    sum->us += (int64_t)whole;
    sum->leftover += fraction;
    return 0;
}

static PyObject *sum_to_delta(Sum *sum, PyTypeObject *type) {
    if (sum->large != NULL) {
        PyObject *rest = int_from_wide(sum->us);
        PyObject *total = rest != NULL ? PyNumber_Add(sum->large, rest) : NULL;
        Py_XDECREF(rest);
        if (total == NULL) return NULL;
        int failed =
            _PyLong_AsByteArray((PyLongObject *)total, (unsigned char *)&sum->us, sizeof sum->us, 1, 1) < 0;
        Py_DECREF(total);
        if (failed) {
            if (PyErr_ExceptionMatches(PyExc_OverflowError)) too_large();
            return NULL;
        }
    }
    if (sum->leftover != 0) {
        double below = floor(sum->leftover), fraction = sum->leftover - below;
        sum->us += (int64_t)below;
        if (fraction > 0.5 || (fraction == 0.5 && (sum->us & 1))) sum->us++;
    }
    return from_us(sum->us, type);
}

static PyObject *delta_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks", NULL};
    static const struct {
        int argument;
        int64_t us;
    } units[] = {{2, 1},
                 {3, 1000},
                 {1, US_PER_SECOND},
                 {4, 60LL * US_PER_SECOND},
                 {5, 3600LL * US_PER_SECOND},
                 {0, (int64_t)SECONDS_PER_DAY * US_PER_SECOND},
                 {6, 7LL * SECONDS_PER_DAY * US_PER_SECOND}};
    PyObject *given[7] = {NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOOOOO:__new__", keywords, &given[0], &given[1], &given[2], &given[3],
                                     &given[4], &given[5], &given[6]))
        return NULL;
    Sum sum = {0, NULL, 0};
    PyObject *result = NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(units); i++) {
        PyObject *number = given[units[i].argument];
        if (number != NULL && add_number(&sum, keywords[units[i].argument], number, units[i].us) < 0) goto done;
    }
    result = sum_to_delta(&sum, type);
done:
    Py_XDECREF(sum.large);
    return result;
}

/* Calls with plain ints, by position or by name, need no argument tuple. */
static PyObject *delta_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    static const char *const names[] = {"days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"};
    static const int64_t us[] = {(int64_t)SECONDS_PER_DAY * US_PER_SECOND, US_PER_SECOND, 1, 1000,
                                 60LL * US_PER_SECOND, 3600LL * US_PER_SECOND,
                                 7LL * SECONDS_PER_DAY * US_PER_SECOND};
    Py_ssize_t positional = PyVectorcall_NARGS(nargsf), named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    __int128 total = 0;
    if (positional > 7 || (positional > 0 && named > 0)) goto general;
    for (Py_ssize_t i = 0; i < positional + named; i++) {
        Py_ssize_t unit = i;
        if (named > 0) {
            PyObject *name = PyTuple_GET_ITEM(kwnames, i);
            for (unit = 0; unit < 7 && !_PyUnicode_EqualToASCIIString(name, names[unit]); unit++) {}
            if (unit == 7) goto general;
        }
        if (!PyLong_CheckExact(args[i]) || Py_ABS(Py_SIZE(args[i])) > 1) goto general;
        PyLongObject *number = (PyLongObject *)args[i];
        total += (__int128)(Py_SIZE(number) < 0 ? -(int64_t)number->ob_digit[0] : Py_SIZE(number) > 0 ? number->ob_digit[0] : 0) *
                 us[unit];
    }
    return from_us(total, &kr_delta_type);
general:
    return _PyObject_MakeTpCall(PyThreadState_Get(), type, args, positional, kwnames);
}

/* ---- Arithmetic ---- */

static PyObject *delta_add(PyObject *a, PyObject *b) {
    if (!DELTA_CHECK(a) || !DELTA_CHECK(b)) Py_RETURN_NOTIMPLEMENTED;
    return new_delta(DELTA(a)->days + DELTA(b)->days, DELTA(a)->seconds + DELTA(b)->seconds,
                     DELTA(a)->microseconds + DELTA(b)->microseconds);
}

PyObject *kr_delta_subtract(PyObject *a, PyObject *b) {
    return new_delta(DELTA(a)->days - DELTA(b)->days, DELTA(a)->seconds - DELTA(b)->seconds,
                     DELTA(a)->microseconds - DELTA(b)->microseconds);
}

Py_hash_t kr_delta_hash_difference(PyObject *a, PyObject *b) {
    if (a == NULL) return -1;
    PyObject *difference = kr_delta_subtract(a, b);
    Py_DECREF(a);
    if (difference == NULL) return -1;
    Py_hash_t hash = PyObject_Hash(difference);
    Py_DECREF(difference);
    return hash;
}

static PyObject *delta_subtract(PyObject *a, PyObject *b) {
    if (!DELTA_CHECK(a) || !DELTA_CHECK(b)) Py_RETURN_NOTIMPLEMENTED;
    return kr_delta_subtract(a, b);
}

PyObject *kr_delta_negate(PyObject *delta) {
    return new_delta(-DELTA(delta)->days, -DELTA(delta)->seconds, -DELTA(delta)->microseconds);
}

static PyObject *delta_positive(PyObject *self) {
    return new_delta(DELTA(self)->days, DELTA(self)->seconds, DELTA(self)->microseconds);
}

static PyObject *delta_absolute(PyObject *self) {
    return DELTA(self)->days < 0 ? kr_delta_negate(self) : delta_positive(self);
}

static int delta_bool(PyObject *self) {
    return DELTA(self)->days != 0 || DELTA(self)->seconds != 0 || DELTA(self)->microseconds != 0;
}

static void division_by_zero(void) {
    PyErr_SetString(PyExc_ZeroDivisionError, "integer division or modulo by zero");
}

static __int128 floor_wide(__int128 a, __int128 b) {
    __int128 quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

/* The nearest integer to a / b, an even one in doubt. |b| is at most 2**125. */
static __int128 nearest_wide(__int128 a, __int128 b) {
    __int128 quotient = floor_wide(a, b), rest = a - quotient * b; /* the rest has the sign of b */
    __int128 twice = 2 * (rest < 0 ? -rest : rest), size = b < 0 ? -b : b;
    return twice > size || (twice == size && (quotient & 1)) ? quotient + 1 : quotient;
}

/* Gets an int operand. Returns 1, or 0 if it does not fit (then any product with microseconds but 0 is too large). */
static int int_operand(PyObject *number, long long *value) {
    int overflow;
    *value = PyLong_AsLongLongAndOverflow(number, &overflow);
    return !overflow;
}

static PyObject *times_int(PyObject *delta, PyObject *number) {
    long long factor;
    __int128 us = delta_us(delta), product;
    if (!int_operand(number, &factor) || __builtin_mul_overflow(us, (__int128)factor, &product)) {
        if (us == 0) return from_us(0, &kr_delta_type);
        too_large();
        return NULL;
    }
    return from_us(product, &kr_delta_type);
}

/* delta * ratio[0] / ratio[1], or the inverse, in Python's ints. */
static PyObject *times_ratio(PyObject *delta, PyObject *number, int inverse) {
    PyObject *ratio = PyObject_CallMethodNoArgs(number, KR_NAME(as_integer_ratio));
    PyObject *us = NULL, *product = NULL, *pair = NULL, *result = NULL;
    if (ratio == NULL) return NULL;
    if (!PyTuple_Check(ratio)) {
        PyErr_Format(PyExc_TypeError, "unexpected return type from as_integer_ratio(): expected tuple, got '%.200s'",
                     Py_TYPE(ratio)->tp_name);
        goto done;
    }
    if (PyTuple_GET_SIZE(ratio) != 2) {
        PyErr_SetString(PyExc_ValueError, "as_integer_ratio() must return a 2-tuple");
        goto done;
    }
    if ((us = int_from_wide(delta_us(delta))) == NULL) goto done;
    if ((product = PyNumber_Multiply(us, PyTuple_GET_ITEM(ratio, inverse))) == NULL) goto done;
    if (!PyLong_Check(product) || !PyLong_Check(PyTuple_GET_ITEM(ratio, !inverse))) {
        PyErr_SetString(PyExc_TypeError, "non-integer arguments in division");
        goto done;
    }
    if ((pair = _PyLong_DivmodNear(product, PyTuple_GET_ITEM(ratio, !inverse))) == NULL) goto done;
    result = from_int(PyTuple_GET_ITEM(pair, 0), &kr_delta_type);
done:
    Py_DECREF(ratio);
    Py_XDECREF(us);
    Py_XDECREF(product);
    Py_XDECREF(pair);
    return result;
}

/* A float is a 53-bit integer times a power of two, and 53 + 67 bits fit. */
static PyObject *times_float(PyObject *delta, PyObject *number) {
    double value = PyFloat_AS_DOUBLE(number);
    if (!PyFloat_CheckExact(number) || !isfinite(value)) return times_ratio(delta, number, 0);
    int exponent;
    int64_t digits = (int64_t)ldexp(frexp(value, &exponent), 53);
    exponent -= 53;
    __int128 product = delta_us(delta) * digits;
    if (product == 0) return from_us(0, &kr_delta_type);
    if (exponent < 0) {
        product = exponent < -122 ? 0 : nearest_wide(product, (__int128)1 << -exponent);
    } else {
        if (exponent > 70 || (product < 0 ? -product : product) >> (120 - exponent) != 0) {
            too_large();
            return NULL;
        }
        product <<= exponent;
    }
    return from_us(product, &kr_delta_type);
}

static PyObject *delta_multiply(PyObject *a, PyObject *b) {
    PyObject *delta = DELTA_CHECK(a) ? a : b, *number = DELTA_CHECK(a) ? b : a;
    if (PyLong_Check(number)) return times_int(delta, number);
    if (PyFloat_Check(number)) return times_float(delta, number);
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *delta_floor_divide(PyObject *a, PyObject *b) {
    if (!DELTA_CHECK(a)) Py_RETURN_NOTIMPLEMENTED;
    if (DELTA_CHECK(b)) {
        if (delta_bool(b)) return int_from_wide(floor_wide(delta_us(a), delta_us(b)));
    } else if (PyLong_Check(b)) {
        long long divisor;
        if (!int_operand(b, &divisor)) return from_us(_PyLong_Sign(b) * delta_us(a) < 0 ? -1 : 0, &kr_delta_type);
        if (divisor != 0) return from_us(floor_wide(delta_us(a), divisor), &kr_delta_type);
    } else {
        Py_RETURN_NOTIMPLEMENTED;
    }
    division_by_zero();
    return NULL;
}

/* The float nearest to a / b. */
static PyObject *divide_wide(__int128 a, __int128 b) {
    enum { EXACT = 53 };
    if (a >> EXACT == a >> 127 && b >> EXACT == b >> 127) return PyFloat_FromDouble((double)a / (double)b);
    PyObject *x = int_from_wide(a), *y = int_from_wide(b);
    PyObject *result = x != NULL && y != NULL ? PyNumber_TrueDivide(x, y) : NULL;
    Py_XDECREF(x);
    Py_XDECREF(y);
    return result;
}

static PyObject *delta_true_divide(PyObject *a, PyObject *b) {
    if (!DELTA_CHECK(a)) Py_RETURN_NOTIMPLEMENTED;
    if (DELTA_CHECK(b)) {
        if (delta_bool(b)) return divide_wide(delta_us(a), delta_us(b));
        PyErr_SetString(PyExc_ZeroDivisionError, "division by zero");
        return NULL;
    }
    if (PyFloat_Check(b)) return times_ratio(a, b, 1);
    if (!PyLong_Check(b)) Py_RETURN_NOTIMPLEMENTED;
    long long divisor;
    if (int_operand(b, &divisor)) {
        if (divisor != 0) return from_us(nearest_wide(delta_us(a), divisor), &kr_delta_type);
        division_by_zero();
        return NULL;
    }
    PyObject *us = int_from_wide(delta_us(a));
    PyObject *pair = us != NULL ? _PyLong_DivmodNear(us, b) : NULL;
    Py_XDECREF(us);
    if (pair == NULL) return NULL;
    PyObject *result = from_int(PyTuple_GET_ITEM(pair, 0), &kr_delta_type);
    Py_DECREF(pair);
    return result;
}

static PyObject *delta_remainder(PyObject *a, PyObject *b) {
    if (!DELTA_CHECK(a) || !DELTA_CHECK(b)) Py_RETURN_NOTIMPLEMENTED;
    if (!delta_bool(b)) {
        PyErr_SetString(PyExc_ZeroDivisionError, "integer modulo by zero");
        return NULL;
    }
    __int128 us = delta_us(a), divisor = delta_us(b);
    return from_us(us - floor_wide(us, divisor) * divisor, &kr_delta_type);
}

static PyObject *delta_divmod(PyObject *a, PyObject *b) {
    if (!DELTA_CHECK(a) || !DELTA_CHECK(b)) Py_RETURN_NOTIMPLEMENTED;
    if (!delta_bool(b)) {
        division_by_zero();
        return NULL;
    }
    __int128 us = delta_us(a), divisor = delta_us(b), quotient = floor_wide(us, divisor);
    PyObject *rest = from_us(us - quotient * divisor, &kr_delta_type);
    PyObject *number = rest != NULL ? int_from_wide(quotient) : NULL;
    PyObject *result = number != NULL ? PyTuple_Pack(2, number, rest) : NULL;
    Py_XDECREF(rest);
    Py_XDECREF(number);
    return result;
}

/* ---- Comparison, hash, text ---- */

int kr_delta_compare(PyObject *a, PyObject *b) {
    const PyDateTime_Delta *x = DELTA(a), *y = DELTA(b);
    if (x->days != y->days) return x->days < y->days ? -1 : 1;
    if (x->seconds != y->seconds) return x->seconds < y->seconds ? -1 : 1;
    return (x->microseconds > y->microseconds) - (x->microseconds < y->microseconds);
}

static PyObject *delta_compare(PyObject *self, PyObject *other, int op) {
    if (!DELTA_CHECK(other)) Py_RETURN_NOTIMPLEMENTED;
    int difference = kr_delta_compare(self, other);
    Py_RETURN_RICHCOMPARE(difference, 0, op);
}

static Py_hash_t delta_hash(PyObject *self) {
    if (DELTA(self)->hashcode != -1) return DELTA(self)->hashcode;
    PyObject *tuple = Py_BuildValue("(iii)", DELTA(self)->days, DELTA(self)->seconds, DELTA(self)->microseconds);
    if (tuple == NULL) return -1;
    DELTA(self)->hashcode = PyObject_Hash(tuple);
    Py_DECREF(tuple);
    return DELTA(self)->hashcode;
}

static PyObject *delta_repr(PyObject *self) {
    char text[100], *out = text;
    const char *separator = "";
    const struct {
        const char *name;
        int value;
    } parts[] = {{"days", DELTA(self)->days},
                 {"seconds", DELTA(self)->seconds},
                 {"microseconds", DELTA(self)->microseconds}};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(parts); i++) {
        if (parts[i].value == 0) continue;
        out += sprintf(out, "%s%s=%d", separator, parts[i].name, parts[i].value);
        separator = ", ";
    }
    if (out == text) strcpy(text, "0");
    return PyUnicode_FromFormat("%s(%s)", Py_TYPE(self)->tp_name, text);
}

static PyObject *delta_str(PyObject *self) {
    char text[100], *out = text;
    int days = DELTA(self)->days, seconds = DELTA(self)->seconds;
    if (days != 0) out += sprintf(out, "%d day%s, ", days, days == 1 || days == -1 ? "" : "s");
    out += sprintf(out, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (DELTA(self)->microseconds != 0) out += sprintf(out, ".%06d", DELTA(self)->microseconds);
    return PyUnicode_DecodeASCII(text, out - text, NULL);
}

/* ---- Methods ---- */

PyDoc_STRVAR(total_seconds_doc, "The duration in seconds, as a float.");

static PyObject *delta_total_seconds(PyObject *self, PyObject *unused) {
    return divide_wide(delta_us(self), US_PER_SECOND);
}

PyDoc_STRVAR(reduce_doc, "What pickle needs: class and arguments.");

static PyObject *delta_reduce(PyObject *self, PyObject *unused) {
    return Py_BuildValue("O(iii)", Py_TYPE(self), DELTA(self)->days, DELTA(self)->seconds, DELTA(self)->microseconds);
}

static PyMethodDef delta_methods[] = {
    {"total_seconds", delta_total_seconds, METH_NOARGS, total_seconds_doc},
    {"__reduce__", delta_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

static PyMemberDef delta_members[] = {
    {"days", T_INT, offsetof(PyDateTime_Delta, days), READONLY, "Number of days, negative in negative durations."},
    {"seconds", T_INT, offsetof(PyDateTime_Delta, seconds), READONLY, "Seconds beyond the days, 0 to 86399."},
    {"microseconds", T_INT, offsetof(PyDateTime_Delta, microseconds), READONLY,
     "Microseconds beyond the seconds, 0 to 999999."},
    {NULL},
};

static PyNumberMethods delta_number = {
    .nb_add = delta_add,
    .nb_subtract = delta_subtract,
    .nb_multiply = delta_multiply,
    .nb_remainder = delta_remainder,
    .nb_divmod = delta_divmod,
    .nb_negative = kr_delta_negate,
    .nb_positive = delta_positive,
    .nb_absolute = delta_absolute,
    .nb_bool = delta_bool,
    .nb_floor_divide = delta_floor_divide,
    .nb_true_divide = delta_true_divide,
};

PyDoc_STRVAR(delta_doc, "A duration, the difference between two dates or times.\n\n"
                        "timedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)\n\n"
                        "Arguments are ints or floats of either sign; they are added up.");

PyTypeObject kr_delta_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "datetime.timedelta",
    .tp_basicsize = sizeof(PyDateTime_Delta),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = delta_doc,
    .tp_new = delta_new,
    .tp_vectorcall = delta_vectorcall,
    .tp_repr = delta_repr,
    .tp_str = delta_str,
    .tp_hash = delta_hash,
    .tp_richcompare = delta_compare,
    .tp_as_number = &delta_number,
    .tp_methods = delta_methods,
    .tp_members = delta_members,
    .tp_getattro = PyObject_GenericGetAttr,
};
