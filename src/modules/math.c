/* The module math: functions of real numbers, and number theory on ints.
 *
 * A C function of the math library reports trouble through its result: a NaN from numbers is a domain error; an infinity
 * from finite numbers is a domain error at a pole, else an overflow.
 */
#include <Python.h>

#include "object/names.h"
#include "types/int.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

static PyObject *domain_error(void) {
    PyErr_SetString(PyExc_ValueError, "math domain error");
    return NULL;
}

static PyObject *range_error(void) {
    PyErr_SetString(PyExc_OverflowError, "math range error");
    return NULL;
}

/* Reads a real number; returns 0, or -1 with an exception. */
static inline int read_real(PyObject *object, double *value) {
    if (PyFloat_CheckExact(object)) {
        *value = PyFloat_AS_DOUBLE(object);
        return 0;
    }
    *value = PyFloat_AsDouble(object);
    return *value == -1.0 && PyErr_Occurred() ? -1 : 0;
}

/* Calls the special method of a type. Returns NULL without an exception if there is none. */
static PyObject *call_special(PyObject *object, PyObject *name) {
    if (name == NULL) return NULL;
    PyObject *method = _PyType_Lookup(Py_TYPE(object), name);
    if (method == NULL) return NULL;
    descrgetfunc get = Py_TYPE(method)->tp_descr_get;
    if (get == NULL) return PyObject_CallNoArgs(method);
    PyObject *bound = get(method, object, (PyObject *)Py_TYPE(object));
    if (bound == NULL) return NULL;
    PyObject *result = PyObject_CallNoArgs(bound);
    Py_DECREF(bound);
    return result;
}

/* ---- functions of one number ---- */

typedef enum Pole { POLE, OVERFLOW } Pole; /* what an infinite result of a finite number means */

static inline PyObject *apply(PyObject *object, double (*function)(double), Pole infinite) {
    double x;
    if (read_real(object, &x) < 0) return NULL;
    double result = function(x);
    if (isnan(result) && !isnan(x)) return domain_error();
    if (isinf(result) && isfinite(x)) return infinite == OVERFLOW ? range_error() : domain_error();
    return PyFloat_FromDouble(result);
}

static double to_degrees(double x) { return x * (180.0 / M_PI); }
static double to_radians(double x) { return x * (M_PI / 180.0); }

static double gamma_function(double x) {
    static const double factorials[] = {1.0,
                                        1.0,
                                        2.0,
                                        6.0,
                                        24.0,
                                        120.0,
                                        720.0,
                                        5040.0,
                                        40320.0,
                                        362880.0,
                                        3628800.0,
                                        39916800.0,
                                        479001600.0,
                                        6227020800.0,
                                        87178291200.0,
                                        1307674368000.0,
                                        20922789888000.0,
                                        355687428096000.0,
                                        6402373705728000.0,
                                        121645100408832000.0,
                                        2432902008176640000.0,
                                        51090942171709440000.0,
                                        1124000727777607680000.0};
    if (x == floor(x)) {
        if (x <= 0.0) return Py_NAN; /* a pole, or minus infinity */
        if (x <= (double)Py_ARRAY_LENGTH(factorials)) return factorials[(int)x - 1];
    }
    return tgamma(x);
}

static double log_gamma(double x) {
    if (isinf(x)) return Py_HUGE_VAL;
    if (x == floor(x) && x <= 2.0) {
        if (x <= 0.0) return Py_NAN;
        return 0.0;
    }
    int sign;
    return lgamma_r(x, &sign);
}

#define FUNCTION(name, function, infinite, text)                                                                       \
    PyDoc_STRVAR(math_##name##_doc, #name "($module, x, /)\n--\n\n" text);                                             \
    static PyObject *math_##name(PyObject *module, PyObject *x) { return apply(x, function, infinite); }

FUNCTION(acos, acos, POLE, "Arc cosine in radians, from 0 to pi.")
FUNCTION(acosh, acosh, POLE, "Inverse hyperbolic cosine.")
FUNCTION(asin, asin, POLE, "Arc sine in radians, from -pi/2 to pi/2.")
FUNCTION(asinh, asinh, POLE, "Inverse hyperbolic sine.")
FUNCTION(atan, atan, POLE, "Arc tangent in radians, from -pi/2 to pi/2.")
FUNCTION(atanh, atanh, POLE, "Inverse hyperbolic tangent.")
FUNCTION(cbrt, cbrt, POLE, "Cube root.")
FUNCTION(cos, cos, POLE, "Cosine of x radians.")
FUNCTION(cosh, cosh, OVERFLOW, "Hyperbolic cosine.")
FUNCTION(degrees, to_degrees, OVERFLOW, "Convert an angle from radians to degrees.")
FUNCTION(erf, erf, POLE, "Error function.")
FUNCTION(erfc, erfc, POLE, "Complementary error function, 1 - erf(x) without loss of precision.")
FUNCTION(exp, exp, OVERFLOW, "e to the power x.")
FUNCTION(exp2, exp2, OVERFLOW, "2 to the power x.")
FUNCTION(expm1, expm1, OVERFLOW, "exp(x) - 1 without loss of precision for small x.")
FUNCTION(fabs, fabs, POLE, "Absolute value as a float.")
FUNCTION(gamma, gamma_function, OVERFLOW, "Gamma function; (n - 1)! for a positive integer n.")
FUNCTION(lgamma, log_gamma, OVERFLOW, "Natural logarithm of the absolute value of the Gamma function.")
FUNCTION(log1p, log1p, POLE, "Natural logarithm of 1 + x without loss of precision for small x.")
FUNCTION(radians, to_radians, POLE, "Convert an angle from degrees to radians.")
FUNCTION(sin, sin, POLE, "Sine of x radians.")
FUNCTION(sinh, sinh, OVERFLOW, "Hyperbolic sine.")
FUNCTION(sqrt, sqrt, POLE, "Square root.")
FUNCTION(tan, tan, POLE, "Tangent of x radians.")
FUNCTION(tanh, tanh, POLE, "Hyperbolic tangent.")

#define PREDICATE(name, test, text)                                                                                    \
    PyDoc_STRVAR(math_##name##_doc, #name "($module, x, /)\n--\n\n" text);                                             \
    static PyObject *math_##name(PyObject *module, PyObject *object) {                                                 \
        double x;                                                                                                      \
        return read_real(object, &x) < 0 ? NULL : PyBool_FromLong(test(x));                                            \
    }

PREDICATE(isfinite, isfinite, "True if x is neither an infinity nor a NaN.")
PREDICATE(isinf, isinf, "True if x is an infinity of either sign.")
PREDICATE(isnan, isnan, "True if x is a NaN.")

/* ---- rounding ---- */

/* Rounds by the type's own method `special`, or a number without one as a double. */
static PyObject *round_by(PyObject *object, PyObject *special, double (*function)(double)) {
    double x;
    if (!PyFloat_CheckExact(object)) {
        PyObject *result = call_special(object, special);
        if (result != NULL || PyErr_Occurred()) return result;
    }
    return read_real(object, &x) < 0 ? NULL : PyLong_FromDouble(function(x));
}

PyDoc_STRVAR(math_ceil_doc, "ceil($module, x, /)\n--\n\nSmallest integer that is not below x.");
static PyObject *math_ceil(PyObject *module, PyObject *object) { return round_by(object, KR_NAME(__ceil__), ceil); }

PyDoc_STRVAR(math_floor_doc, "floor($module, x, /)\n--\n\nLargest integer that is not above x.");
static PyObject *math_floor(PyObject *module, PyObject *object) { return round_by(object, KR_NAME(__floor__), floor); }

PyDoc_STRVAR(math_trunc_doc, "trunc($module, x, /)\n--\n\nThe integer part of x, by its method __trunc__.");
static PyObject *math_trunc(PyObject *module, PyObject *object) {
    if (PyFloat_CheckExact(object)) return PyLong_FromDouble(PyFloat_AS_DOUBLE(object));
    PyObject *result = call_special(object, KR_NAME(__trunc__));
    if (result == NULL && !PyErr_Occurred()) {
        PyErr_Format(PyExc_TypeError, "type %.100s doesn't define __trunc__ method", Py_TYPE(object)->tp_name);
    }
    return result;
}

/* ---- functions of two numbers ---- */

/* Reads the two arguments of a function; returns 0 or -1. */
static int read_pair(const char *name, PyObject *const *args, Py_ssize_t nargs, double *x, double *y) {
    if (!_PyArg_CheckPositional(name, nargs, 2, 2)) return -1;
    return read_real(args[0], x) < 0 || read_real(args[1], y) < 0 ? -1 : 0;
}

#define TWO_NUMBERS(name, signature, expression, text)                                                                 \
    PyDoc_STRVAR(math_##name##_doc, #name "($module, " signature ", /)\n--\n\n" text);                                 \
    static PyObject *math_##name(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {                          \
        double x, y;                                                                                                   \
        return read_pair(#name, args, nargs, &x, &y) < 0 ? NULL : PyFloat_FromDouble(expression);                      \
    }

TWO_NUMBERS(atan2, "y, x", atan2(x, y), "Angle of the point (x, y) in radians, from -pi to pi.")
TWO_NUMBERS(copysign, "x, y", copysign(x, y), "A float with the size of x and the sign of y.")
TWO_NUMBERS(nextafter, "x, y", nextafter(x, y), "The float next to x in the direction of y.")

PyDoc_STRVAR(math_fmod_doc, "fmod($module, x, y, /)\n--\n\nRemainder of x / y with the sign of x, as in C.");
static PyObject *math_fmod(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    double x, y;
    if (read_pair("fmod", args, nargs, &x, &y) < 0) return NULL;
    double result = fmod(x, y);
    if (isnan(result) && !isnan(x) && !isnan(y)) return domain_error();
    return PyFloat_FromDouble(result);
}

PyDoc_STRVAR(math_remainder_doc,
             "remainder($module, x, y, /)\n--\n\n"
             "x - n*y, where n is the integer nearest to x / y, or the even one of two. Always exact.");
static PyObject *math_remainder(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    double x, y;
    if (read_pair("remainder", args, nargs, &x, &y) < 0) return NULL;
    double result = remainder(x, y);
    if (isnan(result) && !isnan(x) && !isnan(y)) return domain_error();
    return PyFloat_FromDouble(result);
}

PyDoc_STRVAR(math_pow_doc, "pow($module, x, y, /)\n--\n\nx to the power y, in floats.");
static PyObject *math_pow(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    double x, y;
    if (read_pair("pow", args, nargs, &x, &y) < 0) return NULL;
    double result = pow(x, y);
    if (!isfinite(result) && isfinite(x) && isfinite(y)) {
        return isnan(result) || x == 0.0 ? domain_error() : range_error();
    }
    return PyFloat_FromDouble(result);
}

PyDoc_STRVAR(math_ulp_doc, "ulp($module, x, /)\n--\n\nValue of the least significant bit of x.");
static PyObject *math_ulp(PyObject *module, PyObject *object) {
    double x;
    if (read_real(object, &x) < 0) return NULL;
    if (isnan(x)) return PyFloat_FromDouble(x);
    x = fabs(x);
    if (isinf(x)) return PyFloat_FromDouble(x);
    double above = nextafter(x, Py_HUGE_VAL);
    return PyFloat_FromDouble(isinf(above) ? x - nextafter(x, 0.0) : above - x);
}

PyDoc_STRVAR(math_isclose_doc,
             "isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)\n--\n\n"
             "True if a and b differ by no more than rel_tol times the larger of them, or abs_tol.\n\n"
             "Infinities are close to themselves only, NaNs to nothing.");
static PyObject *math_isclose(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"a", "b", "rel_tol", "abs_tol", NULL};
    static _PyArg_Parser parser = {.fname = "isclose", .keywords = keywords};
    double a, b, relative = 1e-9, absolute = 0.0;
    PyObject *buffer[4] = {NULL};
    Py_ssize_t given = nargs + (kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames));
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 2, 2, 0, buffer);
    if (args == NULL || read_real(args[0], &a) < 0 || read_real(args[1], &b) < 0) return NULL;
    if (given > 2 && ((args[2] != NULL && read_real(args[2], &relative) < 0) ||
                      (args[3] != NULL && read_real(args[3], &absolute) < 0)))
        return NULL;
    if (relative < 0.0 || absolute < 0.0) {
        PyErr_SetString(PyExc_ValueError, "tolerances must be non-negative");
        return NULL;
    }
    if (a == b) Py_RETURN_TRUE;
    if (isinf(a) || isinf(b)) Py_RETURN_FALSE;
    double difference = fabs(b - a);
    return PyBool_FromLong(difference <= fabs(relative * b) || difference <= fabs(relative * a) ||
                           difference <= absolute);
}

/* ---- taking apart and putting together ---- */

PyDoc_STRVAR(math_frexp_doc, "frexp($module, x, /)\n--\n\n"
                             "A pair (m, e) with x == m * 2**e and 0.5 <= abs(m) < 1; (0.0, 0) for zero.");
static PyObject *math_frexp(PyObject *module, PyObject *object) {
    double x;
    int exponent = 0;
    if (read_real(object, &x) < 0) return NULL;
    if (isfinite(x) && x != 0.0) x = frexp(x, &exponent);
    return Py_BuildValue("(di)", x, exponent);
}

PyDoc_STRVAR(math_ldexp_doc, "ldexp($module, x, i, /)\n--\n\nx * 2**i.");
static PyObject *math_ldexp(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    double x;
    if (!_PyArg_CheckPositional("ldexp", nargs, 2, 2) || read_real(args[0], &x) < 0) return NULL;
    if (!PyLong_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "Expected an int as second argument to ldexp.");
        return NULL;
    }
    int overflow;
    long exponent = PyLong_AsLongAndOverflow(args[1], &overflow);
    if (exponent == -1 && PyErr_Occurred()) return NULL;
    /* Larger exponents act as the limits do. */
    if (overflow > 0 || exponent > 10000) exponent = 10000;
    if (overflow < 0 || exponent < -10000) exponent = -10000;
    double result = ldexp(x, (int)exponent);
    if (isinf(result) && isfinite(x)) return range_error();
    return PyFloat_FromDouble(result);
}

PyDoc_STRVAR(math_modf_doc, "modf($module, x, /)\n--\n\n"
                            "The fractional and the integer part of x, both as floats with its sign.");
static PyObject *math_modf(PyObject *module, PyObject *object) {
    double x, whole;
    if (read_real(object, &x) < 0) return NULL;
    double rest = modf(x, &whole);
    return Py_BuildValue("(dd)", rest, whole);
}

/* ---- logarithms ---- */

/* A logarithm of any int or float. */
static PyObject *logarithm(PyObject *object, double (*function)(double)) {
    double x;
    if (PyLong_Check(object)) {
        if (_PyLong_Sign(object) <= 0) return domain_error();
        Py_ssize_t exponent;
        x = _PyLong_Frexp((PyLongObject *)object, &exponent);
        if (exponent <= DBL_MAX_EXP) {
            x = ldexp(x, (int)exponent);
        } else {
            /* Too large for a float: log(m * 2**e) = log(m) + e*log(2). */
            return PyFloat_FromDouble(function(x) + function(2.0) * (double)exponent);
        }
    } else if (read_real(object, &x) < 0) {
        return NULL;
    }
    if (x <= 0.0) return domain_error();
    return PyFloat_FromDouble(function(x));
}

PyDoc_STRVAR(math_log_doc, "log(x, [base=math.e])\n"
                           "Logarithm of x to the given base; the natural one without a base.");
static PyObject *math_log(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs < 1 || nargs > 2) {
        PyErr_SetString(PyExc_TypeError, "math.log requires 1 to 2 arguments");
        return NULL;
    }
    PyObject *numerator = logarithm(args[0], log);
    if (numerator == NULL || nargs == 1) return numerator;
    PyObject *denominator = logarithm(args[1], log);
    PyObject *result = denominator == NULL ? NULL : PyNumber_TrueDivide(numerator, denominator);
    Py_DECREF(numerator);
    Py_XDECREF(denominator);
    return result;
}

PyDoc_STRVAR(math_log2_doc, "log2($module, x, /)\n--\n\nLogarithm of x to base 2.");
static PyObject *math_log2(PyObject *module, PyObject *x) { return logarithm(x, log2); }

PyDoc_STRVAR(math_log10_doc, "log10($module, x, /)\n--\n\nLogarithm of x to base 10.");
static PyObject *math_log10(PyObject *module, PyObject *x) { return logarithm(x, log10); }

/* ---- distances ---- */

/* Euclidean norm, practically correctly rounded: the coordinates are scaled by a power of two, their squares summed with
 * a running error term, and the root is corrected by one Newton step on what the rounding lost. */
static double vector_norm(double *coordinate, Py_ssize_t count) {
    double largest = 0.0;
    int found_nan = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        coordinate[i] = fabs(coordinate[i]);
        found_nan |= isnan(coordinate[i]);
        if (coordinate[i] > largest) largest = coordinate[i];
    }
    if (isinf(largest)) return largest;
    if (found_nan) return Py_NAN;
    if (largest == 0.0 || count <= 1) return largest;
    int exponent;
    (void)frexp(largest, &exponent);
    double sum = 0.0, lost = 0.0;
    for (Py_ssize_t i = 0; i < count; i++) {
        double x = ldexp(coordinate[i], -exponent);
        double square = x * x;
        double square_lost = fma(x, x, -square);
        double total = sum + square;
        double part = total - sum;
        lost += (sum - (total - part)) + (square - part) + square_lost;
        sum = total;
    }
    double root = sqrt(sum + lost);
    double square = root * root;
    double residue = (sum - square) - fma(root, root, -square) + lost;
    return ldexp(root + residue / (2.0 * root), exponent);
}

PyDoc_STRVAR(math_dist_doc, "dist($module, p, q, /)\n--\n\n"
                            "Euclidean distance of two points, each a sequence of coordinates.");
static PyObject *math_dist(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("dist", nargs, 2, 2)) return NULL;
    PyObject *result = NULL, *q = NULL;
    PyObject *p = PySequence_Tuple(args[0]);
    if (p == NULL) return NULL;
    q = PySequence_Tuple(args[1]);
    if (q == NULL) goto done;
    Py_ssize_t count = PyTuple_GET_SIZE(p);
    if (count != PyTuple_GET_SIZE(q)) {
        PyErr_SetString(PyExc_ValueError, "both points must have the same number of dimensions");
        goto done;
    }
    double small[20];
    double *difference = count <= (Py_ssize_t)Py_ARRAY_LENGTH(small) ? small : PyMem_New(double, count);
    if (difference == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    Py_ssize_t i = 0;
    for (; i < count; i++) {
        double x, y;
        if (read_real(PyTuple_GET_ITEM(p, i), &x) < 0 || read_real(PyTuple_GET_ITEM(q, i), &y) < 0) break;
        difference[i] = x - y;
    }
    if (i == count) result = PyFloat_FromDouble(vector_norm(difference, count));
    if (difference != small) PyMem_Free(difference);
done:
    Py_DECREF(p);
    Py_XDECREF(q);
    return result;
}

PyDoc_STRVAR(math_hypot_doc, "hypot(*coordinates) -> value\n\n"
                             "Euclidean distance of a point from the origin: sqrt(sum(x**2 for x in coordinates)).");
static PyObject *math_hypot(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    double small[20];
    double *coordinate = nargs <= (Py_ssize_t)Py_ARRAY_LENGTH(small) ? small : PyMem_New(double, nargs);
    if (coordinate == NULL) return PyErr_NoMemory();
    PyObject *result = NULL;
    Py_ssize_t i = 0;
    while (i < nargs && read_real(args[i], &coordinate[i]) == 0) i++;
    if (i == nargs) result = PyFloat_FromDouble(vector_norm(coordinate, nargs));
    if (coordinate != small) PyMem_Free(coordinate);
    return result;
}

/* ---- sums and products ---- */

/* The exact sum of the numbers so far, as floats of falling precision that do not overlap (Shewchuk's expansions). */
typedef struct Partials {
    double *part;
    Py_ssize_t count, capacity;
    double inline_part[32];
} Partials;

/* Adds a finite number; returns 0, 1 if the sum overflows, -1 with MemoryError. */
static int partials_add(Partials *partials, double x) {
    Py_ssize_t kept = 0;
    for (Py_ssize_t i = 0; i < partials->count; i++) {
        double y = partials->part[i];
        if (fabs(x) < fabs(y)) {
            double swap = x;
            x = y;
            y = swap;
        }
        volatile double high = x + y;
        volatile double done = high - x;
        double low = y - done;
        if (low != 0.0) partials->part[kept++] = low;
        x = high;
    }
    partials->count = kept;
    if (x == 0.0) return 0;
    if (!isfinite(x)) return 1;
    if (kept == partials->capacity) {
        double *larger = PyMem_New(double, 2 * partials->capacity);
        if (larger == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(larger, partials->part, (size_t)kept * sizeof(double));
        if (partials->part != partials->inline_part) PyMem_Free(partials->part);
        partials->part = larger;
        partials->capacity *= 2;
    }
    partials->part[partials->count++] = x;
    return 0;
}

/* The sum rounded once, half to even. */
static double partials_total(const Partials *partials) {
    Py_ssize_t i = partials->count;
    if (i == 0) return 0.0;
    double high = partials->part[--i], low = 0.0;
    while (i > 0 && low == 0.0) {
        double x = high, y = partials->part[--i];
        volatile double total = x + y;
        volatile double done = total - x;
        high = total;
        low = y - done;
    }
    /* If what was rounded away was exactly half a unit, the parts below decide. */
    if (i > 0 && ((low < 0.0 && partials->part[i - 1] < 0.0) || (low > 0.0 && partials->part[i - 1] > 0.0))) {
        volatile double next = high + 2.0 * low;
        volatile double step = next - high;
        if (step == 2.0 * low) high = next;
    }
    return high;
}

PyDoc_STRVAR(math_fsum_doc, "fsum($module, seq, /)\n--\n\nSum of floats, rounded only once.");
static PyObject *math_fsum(PyObject *module, PyObject *sequence) {
    PyObject *iterator = PyObject_GetIter(sequence);
    if (iterator == NULL) return NULL;
    Partials partials = {.count = 0, .capacity = Py_ARRAY_LENGTH(partials.inline_part)};
    partials.part = partials.inline_part;
    double special = 0.0, infinities = 0.0;
    PyObject *result = NULL, *item;
    while ((item = PyIter_Next(iterator)) != NULL) {
        double x;
        int failed = read_real(item, &x);
        Py_DECREF(item);
        if (failed < 0) goto done;
        if (!isfinite(x)) {
            if (isinf(x)) infinities += x;
            special += x;
            continue;
        }
        int overflow = partials_add(&partials, x);
        if (overflow < 0) goto done;
        if (overflow > 0) {
            PyErr_SetString(PyExc_OverflowError, "intermediate overflow in fsum");
            goto done;
        }
    }
    if (PyErr_Occurred()) goto done;
    if (special != 0.0) {
        if (isnan(infinities)) {
            PyErr_SetString(PyExc_ValueError, "-inf + inf in fsum");
        } else {
            result = PyFloat_FromDouble(special);
        }
        goto done;
    }
    result = PyFloat_FromDouble(partials_total(&partials));
done:
    if (partials.part != partials.inline_part) PyMem_Free(partials.part);
    Py_DECREF(iterator);
    return result;
}

/* Continues a product in C integers while the items are ints and it fits. Takes and returns the product's reference; an
 * item that does not fit is left in *item, NULL at the end. NULL on error. */
static PyObject *product_of_ints(PyObject *product, PyObject *iterator, PyObject **item) {
    int overflow;
    long value = PyLong_AsLongAndOverflow(product, &overflow);
    if (overflow) {
        *item = PyIter_Next(iterator);
        return product;
    }
    Py_DECREF(product);
    while ((*item = PyIter_Next(iterator)) != NULL) {
        long factor, next;
        if (!PyLong_CheckExact(*item)) break;
        factor = PyLong_AsLongAndOverflow(*item, &overflow);
        if (overflow || __builtin_mul_overflow(value, factor, &next)) break;
        value = next;
        Py_DECREF(*item);
    }
    if (*item == NULL && PyErr_Occurred()) return NULL;
    return PyLong_FromLong(value);
}

/* The same in C doubles while the items are floats, or ints that a long holds. */
static PyObject *product_of_floats(PyObject *product, PyObject *iterator, PyObject **item) {
    double value = PyFloat_AS_DOUBLE(product);
    Py_DECREF(product);
    while ((*item = PyIter_Next(iterator)) != NULL) {
        if (PyFloat_CheckExact(*item)) {
            value *= PyFloat_AS_DOUBLE(*item);
        } else {
            int overflow = 1;
            long factor = PyLong_CheckExact(*item) ? PyLong_AsLongAndOverflow(*item, &overflow) : 0;
            if (overflow) break;
            value *= (double)factor;
        }
        Py_DECREF(*item);
    }
    if (*item == NULL && PyErr_Occurred()) return NULL;
    return PyFloat_FromDouble(value);
}

PyDoc_STRVAR(math_prod_doc, "prod($module, iterable, /, *, start=1)\n--\n\n"
                            "Product of the items, times `start`.");
static PyObject *math_prod(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"", "start", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "prod"};
    PyObject *buffer[2] = {NULL, NULL};
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 1, 0, buffer);
    if (value == NULL) return NULL;
    PyObject *start = value == args ? NULL : value[1];
    PyObject *iterator = PyObject_GetIter(value[0]);
    if (iterator == NULL) return NULL;
    PyObject *product = start != NULL ? Py_NewRef(start) : PyLong_FromLong(1);
    PyObject *item = NULL;
    if (product != NULL && PyLong_CheckExact(product)) {
        product = product_of_ints(product, iterator, &item);
        if (product != NULL && item != NULL && PyFloat_CheckExact(item)) {
            Py_SETREF(product, PyNumber_Multiply(product, item));
            Py_CLEAR(item);
            if (product != NULL) product = product_of_floats(product, iterator, &item);
        }
    } else if (product != NULL && PyFloat_CheckExact(product)) {
        product = product_of_floats(product, iterator, &item);
    } else if (product != NULL) {
        item = PyIter_Next(iterator);
    }
    while (product != NULL && item != NULL) {
        Py_SETREF(product, PyNumber_Multiply(product, item));
        Py_SETREF(item, PyIter_Next(iterator));
    }
    if (PyErr_Occurred()) Py_CLEAR(product);
    Py_XDECREF(item);
    Py_DECREF(iterator);
    return product;
}

/* ---- number theory ---- */

PyDoc_STRVAR(math_gcd_doc, "gcd($module, *integers)\n--\n\nGreatest common divisor; 0 without arguments.");
static PyObject *math_gcd(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    PyObject *result = PyLong_FromLong(0);
    for (Py_ssize_t i = 0; i < nargs && result != NULL; i++) {
        PyObject *number = _PyNumber_Index(args[i]);
        if (number == NULL) {
            Py_CLEAR(result);
            break;
        }
        Py_SETREF(result, _PyLong_GCD(result, number));
        Py_DECREF(number);
    }
    return result;
}

PyDoc_STRVAR(math_lcm_doc, "lcm($module, *integers)\n--\n\nLeast common multiple; 1 without arguments.");
static PyObject *math_lcm(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    PyObject *result = PyLong_FromLong(1);
    for (Py_ssize_t i = 0; i < nargs && result != NULL; i++) {
        PyObject *number = _PyNumber_Index(args[i]), *divisor = NULL, *part = NULL;
        if (number != NULL) divisor = _PyLong_GCD(result, number);
        if (divisor == NULL) {
            Py_CLEAR(result);
        } else if (Py_SIZE(divisor) == 0) {
            Py_SETREF(result, PyLong_FromLong(0));
        } else if (kr_int_divide((PyLongObject *)number, (PyLongObject *)divisor, &part, NULL) < 0) {
            Py_CLEAR(result);
        } else {
            Py_SETREF(result, kr_int_multiply((PyLongObject *)result, (PyLongObject *)part));
            if (result != NULL) Py_SETREF(result, kr_int_absolute((PyLongObject *)result));
        }
        Py_XDECREF(number);
        Py_XDECREF(divisor);
        Py_XDECREF(part);
    }
    return result;
}

static PyObject *int_from_mpz(mpz_srcptr number) {
    return kr_int_from_limbs(mpz_limbs_read(number), (Py_ssize_t)mpz_size(number), 0);
}

/* All that fit 64 bits. */
static const uint64_t small_factorials[] = {
    1,
    1,
    2,
    6,
    24,
    120,
    720,
    5040,
    40320,
    362880,
    3628800,
    39916800,
    479001600,
    6227020800,
    87178291200,
    1307674368000,
    20922789888000,
    355687428096000,
    6402373705728000,
    121645100408832000,
    2432902008176640000,
};

PyDoc_STRVAR(math_factorial_doc, "factorial($module, n, /)\n--\n\n"
                                 "n!, the product of the integers from 1 to n.");
static PyObject *math_factorial(PyObject *module, PyObject *object) {
    int overflow;
    long n = PyLong_AsLongAndOverflow(object, &overflow);
    if (n == -1 && PyErr_Occurred()) return NULL;
    if (overflow > 0) {
        PyErr_Format(PyExc_OverflowError, "factorial() argument should not exceed %ld", LONG_MAX);
        return NULL;
    }
    if (overflow < 0 || n < 0) {
        PyErr_SetString(PyExc_ValueError, "factorial() not defined for negative values");
        return NULL;
    }
    if (n < (long)Py_ARRAY_LENGTH(small_factorials)) return kr_int_from_magnitude(small_factorials[n], 0);
    if (n > 1L << 36) return PyErr_NoMemory(); /* the result would have more bits than memory can hold */
    mpz_t product;
    mpz_init(product);
    mpz_fac_ui(product, (unsigned long)n);
    PyObject *result = int_from_mpz(product);
    mpz_clear(product);
    return result;
}

PyDoc_STRVAR(math_isqrt_doc, "isqrt($module, n, /)\n--\n\n"
                             "Integer square root: the largest integer whose square is not above n.");
static PyObject *math_isqrt(PyObject *module, PyObject *object) {
    PyObject *number = _PyNumber_Index(object);
    if (number == NULL) return NULL;
    PyLongObject *n = (PyLongObject *)number;
    PyObject *result = NULL;
    if (Py_SIZE(n) < 0) {
        PyErr_SetString(PyExc_ValueError, "isqrt() argument must be nonnegative");
    } else if (kr_int_is_medium(n)) {
        int64_t value = kr_int_medium(n);
        int64_t root = (int64_t)sqrt((double)value);
        while (root * root > value) root--;
        while ((root + 1) * (root + 1) <= value) root++;
        result = kr_int_from_int64(root);
    } else {
        KrLimbs limbs, root;
        Py_ssize_t count = kr_limbs_from_int(&limbs, n);
        if (count >= 0) {
            if (kr_limbs_reserve(&root, (count + 1) / 2) == 0) {
                mpn_sqrtrem(root.limb, NULL, limbs.limb, count);
                result = kr_int_from_limbs(root.limb, (count + 1) / 2, 0);
                kr_limbs_release(&root);
            }
            kr_limbs_release(&limbs);
        }
    }
    Py_DECREF(number);
    return result;
}

/* product = (n - from) * (n - from - 1) * ... * (n - until + 1), by halves so that the factors stay of like size. */
static void falling_product(mpz_ptr product, mpz_srcptr n, unsigned long from, unsigned long until) {
    if (until - from <= 8) {
        mpz_t factor;
        mpz_init(factor);
        mpz_sub_ui(product, n, from);
        while (++from < until) {
            mpz_sub_ui(factor, n, from);
            mpz_mul(product, product, factor);
        }
        mpz_clear(factor);
        return;
    }
    unsigned long middle = from + (until - from) / 2;
    mpz_t half;
    mpz_init(half);
    falling_product(half, n, middle, until);
    falling_product(product, n, from, middle);
    mpz_mul(product, product, half);
    mpz_clear(half);
}

/* Reads n and k as non-negative ints into new references. Returns 0 or -1. */
static int read_choice(PyObject *const *args, PyObject **n, PyObject **k) {
    *n = _PyNumber_Index(args[0]);
    if (*n == NULL) return -1;
    *k = _PyNumber_Index(args[1]);
    if (*k == NULL) {
        Py_CLEAR(*n);
        return -1;
    }
    const char *message = Py_SIZE(*n) < 0   ? "n must be a non-negative integer"
                          : Py_SIZE(*k) < 0 ? "k must be a non-negative integer"
                                            : NULL;
    if (message == NULL) return 0;
    PyErr_SetString(PyExc_ValueError, message);
    Py_CLEAR(*n);
    Py_CLEAR(*k);
    return -1;
}

PyDoc_STRVAR(math_perm_doc, "perm($module, n, k=None, /)\n--\n\n"
                            "Number of ways to choose k of n things in order: n! / (n - k)!; n! without k.");
static PyObject *math_perm(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("perm", nargs, 1, 2)) return NULL;
    if (nargs == 1 || args[1] == Py_None) return math_factorial(module, args[0]);
    PyObject *n, *k, *result = NULL;
    if (read_choice(args, &n, &k) < 0) return NULL;
    if (kr_int_compare((PyLongObject *)n, (PyLongObject *)k) < 0) {
        result = PyLong_FromLong(0);
        goto done;
    }
    int overflow;
    long long count = PyLong_AsLongLongAndOverflow(k, &overflow);
    if (overflow) {
        PyErr_Format(PyExc_OverflowError, "k must not exceed %lld", LLONG_MAX);
        goto done;
    }
    if (count == 0) {
        result = PyLong_FromLong(1);
        goto done;
    }
    if (kr_int_is_medium((PyLongObject *)n)) {
        uint64_t value = (uint64_t)kr_int_medium((PyLongObject *)n), product = value;
        long long i = 1;
        while (i < count && !__builtin_mul_overflow(product, value - (uint64_t)i, &product)) i++;
        if (i == count) {
            result = kr_int_from_magnitude(product, 0);
            goto done;
        }
    }
    KrLimbs limbs;
    Py_ssize_t limb_count = kr_limbs_from_int(&limbs, (PyLongObject *)n);
    if (limb_count < 0) goto done;
    mpz_t number, product;
    mpz_roinit_n(number, limbs.limb, limb_count);
    mpz_init(product);
    falling_product(product, number, 0, (unsigned long)count);
    result = int_from_mpz(product);
    mpz_clear(product);
    kr_limbs_release(&limbs);
done:
    Py_DECREF(n);
    Py_DECREF(k);
    return result;
}

PyDoc_STRVAR(math_comb_doc, "comb($module, n, k, /)\n--\n\n"
                            "Number of ways to choose k of n things: n! / (k! * (n - k)!), 0 if k > n.");
static PyObject *math_comb(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    PyObject *n, *k, *result = NULL;
    if (!_PyArg_CheckPositional("comb", nargs, 2, 2) || read_choice(args, &n, &k) < 0) return NULL;
    PyObject *rest = kr_int_subtract((PyLongObject *)n, (PyLongObject *)k);
    if (rest == NULL) goto done;
    if (Py_SIZE(rest) < 0) {
        result = PyLong_FromLong(0);
        goto done;
    }
    /* Choosing what is left out is the same. */
    if (kr_int_compare((PyLongObject *)rest, (PyLongObject *)k) < 0) Py_SETREF(k, Py_NewRef(rest));
    int overflow;
    long long count = PyLong_AsLongLongAndOverflow(k, &overflow);
    if (overflow) {
        PyErr_Format(PyExc_OverflowError, "min(n - k, k) must not exceed %lld", LLONG_MAX);
        goto done;
    }
    if (kr_int_is_medium((PyLongObject *)n)) {
        if (count < (long long)Py_ARRAY_LENGTH(small_factorials)) {
            uint64_t top = (uint64_t)kr_int_medium((PyLongObject *)n), falling = 1;
            long long i = 0;
            while (i < count && !__builtin_mul_overflow(falling, top - (uint64_t)i, &falling)) i++;
            if (i == count) {
                result = kr_int_from_magnitude(falling / small_factorials[count], 0);
                goto done;
            }
        }
        /* Each step is exact: the product of i + 1 successive integers is divisible by (i + 1)!. */
        uint64_t value = (uint64_t)kr_int_medium((PyLongObject *)n), product = 1;
        long long i = 0;
        for (; i < count; i++) {
            unsigned __int128 wide = (unsigned __int128)product * (value - (uint64_t)i);
            if (wide >> 64 == 0) {
                product = (uint64_t)wide / (uint64_t)(i + 1);
            } else {
                wide /= (unsigned __int128)(i + 1);
                if (wide >> 64 != 0) break;
                product = (uint64_t)wide;
            }
        }
        if (i == count) {
            result = kr_int_from_magnitude(product, 0);
            goto done;
        }
    }
    KrLimbs limbs;
    Py_ssize_t limb_count = kr_limbs_from_int(&limbs, (PyLongObject *)n);
    if (limb_count < 0) goto done;
    mpz_t number, product;
    mpz_init(product);
    if (limb_count == 1) {
        mpz_bin_uiui(product, limbs.limb[0], (unsigned long)count);
    } else {
        mpz_roinit_n(number, limbs.limb, limb_count);
        mpz_bin_ui(product, number, (unsigned long)count);
    }
    result = int_from_mpz(product);
    mpz_clear(product);
    kr_limbs_release(&limbs);
done:
    Py_XDECREF(rest);
    Py_DECREF(n);
    Py_DECREF(k);
    return result;
}

/* ---- the module ---- */

#define ONE(name) {#name, math_##name, METH_O, math_##name##_doc}
#define FAST(name) {#name, (PyCFunction)(void (*)(void))math_##name, METH_FASTCALL, math_##name##_doc}
#define KEYWORDS(name)                                                                                                 \
    {#name, (PyCFunction)(void (*)(void))math_##name, METH_FASTCALL | METH_KEYWORDS, math_##name##_doc}

static PyMethodDef math_functions[] = {
    ONE(acos),     ONE(acosh),     ONE(asin),      ONE(asinh),    ONE(atan),     FAST(atan2), ONE(atanh),
    ONE(cbrt),     ONE(ceil),      FAST(copysign), ONE(cos),      ONE(cosh),     ONE(degrees), FAST(dist),
    ONE(erf),      ONE(erfc),      ONE(exp),       ONE(exp2),     ONE(expm1),    ONE(fabs),   ONE(factorial),
    ONE(floor),    FAST(fmod),     ONE(frexp),     ONE(fsum),     ONE(gamma),    FAST(gcd),   FAST(hypot),
    KEYWORDS(isclose), ONE(isfinite), ONE(isinf),  ONE(isnan),    ONE(isqrt),    FAST(lcm),   FAST(ldexp),
    ONE(lgamma),   FAST(log),      ONE(log1p),     ONE(log10),    ONE(log2),     ONE(modf),   FAST(pow),
    ONE(radians),  FAST(remainder), ONE(sin),      ONE(sinh),     ONE(sqrt),     ONE(tan),    ONE(tanh),
    ONE(trunc),    KEYWORDS(prod), FAST(perm),     FAST(comb),    FAST(nextafter), ONE(ulp),
    {NULL, NULL, 0, NULL},
};

static int math_exec(PyObject *module) {
    const struct {
        const char *name;
        double value;
    } constants[] = {
        {"pi", M_PI}, {"e", M_E}, {"tau", 2.0 * M_PI}, {"inf", Py_HUGE_VAL}, {"nan", fabs(Py_NAN)},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(constants); i++) {
        PyObject *value = PyFloat_FromDouble(constants[i].value);
        if (value == NULL) return -1;
        int failed = PyModule_AddObjectRef(module, constants[i].name, value);
        Py_DECREF(value);
        if (failed < 0) return -1;
    }
    return 0;
}

static PyModuleDef_Slot math_slots[] = {{Py_mod_exec, math_exec}, {0, NULL}};

static struct PyModuleDef math_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "math",
    .m_doc = "Functions of real numbers, after the C standard, and some number theory on integers.",
    .m_methods = math_functions,
    .m_slots = math_slots,
};

PyMODINIT_FUNC PyInit_math(void) { return PyModuleDef_Init(&math_module); }
