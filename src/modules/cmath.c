/* The module cmath: functions of complex numbers.
 *
 * The values, those at infinities, NaNs and branch cuts included, are the C library's, which follow Annex G of the C
 * standard as the module's documentation does. Errors are found from argument and result: an infinite result of a
 * finite argument is a pole or an overflow; an infinite angle is a domain error.
 */
#include <Python.h>

#include <complex.h>
#undef I
#include <errno.h>
#include <math.h>

static PyObject *domain_error(void) {
    PyErr_SetString(PyExc_ValueError, "math domain error");
    return NULL;
}

static PyObject *range_error(void) {
    PyErr_SetString(PyExc_OverflowError, "math range error");
    return NULL;
}

static inline double complex to_c99(Py_complex z) { return __builtin_complex(z.real, z.imag); }
static inline int is_finite(double complex z) { return isfinite(creal(z)) && isfinite(cimag(z)); }
static inline int is_infinite(double complex z) { return isinf(creal(z)) || isinf(cimag(z)); }

/* Reads a complex number; returns 0, or -1 with an exception. */
static int read_complex(PyObject *object, double complex *z) {
    Py_complex value = PyComplex_AsCComplex(object);
    if (PyErr_Occurred()) return -1;
    *z = to_c99(value);
    return 0;
}

static PyObject *from_c99(double complex z) { return PyComplex_FromDoubles(creal(z), cimag(z)); }

/* When an argument of a function has no value, for the argument's kinds below. */
static int no_pole(double complex z) { return 0; }
static int pole_of_log(double complex z) { return z == 0.0; }
static int pole_of_atanh(double complex z) { return cimag(z) == 0.0 && fabs(creal(z)) == 1.0; }
static int pole_of_atan(double complex z) { return creal(z) == 0.0 && fabs(cimag(z)) == 1.0; }
static int exp_is_invalid(double complex z) {
    return isinf(cimag(z)) && !isnan(creal(z)) && !(isinf(creal(z)) && creal(z) < 0);
}
static int cosh_is_invalid(double complex z) { return isinf(cimag(z)) && !isnan(creal(z)); }
static int cos_is_invalid(double complex z) { return isinf(creal(z)) && !isnan(cimag(z)); }
static int tanh_is_invalid(double complex z) { return isinf(cimag(z)) && isfinite(creal(z)); }
static int tan_is_invalid(double complex z) { return isinf(creal(z)) && isfinite(cimag(z)); }

static PyObject *apply(PyObject *object, double complex (*function)(double complex),
                       int (*is_invalid)(double complex)) {
    double complex z;
    if (read_complex(object, &z) < 0) return NULL;
    if (is_invalid(z)) return domain_error();
    double complex result = function(z);
    if (is_infinite(result) && is_finite(z)) return range_error();
    return from_c99(result);
}

static double complex log_to_base_10(double complex z) {
    double complex result = clog(z);
    return __builtin_complex(creal(result) / M_LN10, cimag(result) / M_LN10);
}

/* Newer C standards give these functions a part that is a number where one part of z is 0 and the other a NaN; Python
 * gives two NaNs. */
static double complex inverse_cosh(double complex z) {
    if (creal(z) == 0.0 && isnan(cimag(z))) return __builtin_complex(cimag(z), cimag(z));
    return cacosh(z);
}

static double complex hyperbolic_tangent(double complex z) {
    if (creal(z) == 0.0 && isnan(cimag(z))) return __builtin_complex(cimag(z), cimag(z));
    return ctanh(z);
}

static double complex tangent(double complex z) {
    if (cimag(z) == 0.0 && isnan(creal(z))) return __builtin_complex(creal(z), creal(z));
    return ctan(z);
}

#define FUNCTION(name, function, is_invalid, text)                                                                     \
    PyDoc_STRVAR(cmath_##name##_doc, #name "($module, z, /)\n--\n\n" text);                                            \
    static PyObject *cmath_##name(PyObject *module, PyObject *z) { return apply(z, function, is_invalid); }

FUNCTION(acos, cacos, no_pole, "Arc cosine.")
FUNCTION(acosh, inverse_cosh, no_pole, "Inverse hyperbolic cosine.")
FUNCTION(asin, casin, no_pole, "Arc sine.")
FUNCTION(asinh, casinh, no_pole, "Inverse hyperbolic sine.")
FUNCTION(atan, catan, pole_of_atan, "Arc tangent.")
FUNCTION(atanh, catanh, pole_of_atanh, "Inverse hyperbolic tangent.")
FUNCTION(cos, ccos, cos_is_invalid, "Cosine.")
FUNCTION(cosh, ccosh, cosh_is_invalid, "Hyperbolic cosine.")
FUNCTION(exp, cexp, exp_is_invalid, "e to the power z.")
FUNCTION(log10, log_to_base_10, pole_of_log, "Logarithm to base 10.")
FUNCTION(sin, csin, cos_is_invalid, "Sine.")
FUNCTION(sinh, csinh, cosh_is_invalid, "Hyperbolic sine.")
FUNCTION(sqrt, csqrt, no_pole, "Square root with a real part that is not negative.")
FUNCTION(tan, tangent, tan_is_invalid, "Tangent.")
FUNCTION(tanh, hyperbolic_tangent, tanh_is_invalid, "Hyperbolic tangent.")

#define PREDICATE(name, test, text)                                                                                    \
    PyDoc_STRVAR(cmath_##name##_doc, #name "($module, z, /)\n--\n\n" text);                                            \
    static PyObject *cmath_##name(PyObject *module, PyObject *object) {                                                \
        double complex z;                                                                                              \
        return read_complex(object, &z) < 0 ? NULL : PyBool_FromLong(test);                                            \
    }

PREDICATE(isfinite, is_finite(z), "True if both parts are finite.")
PREDICATE(isinf, is_infinite(z), "True if a part is an infinity.")
PREDICATE(isnan, isnan(creal(z)) || isnan(cimag(z)), "True if a part is a NaN.")

PyDoc_STRVAR(cmath_log_doc, "log($module, z, base=<unrepresentable>, /)\n--\n\n"
                            "Logarithm of z to the given base; the natural one without a base.");
static PyObject *cmath_log(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    double complex z, base = 0.0;
    if (!_PyArg_CheckPositional("log", nargs, 1, 2) || read_complex(args[0], &z) < 0) return NULL;
    if (nargs == 2 && read_complex(args[1], &base) < 0) return NULL;
    double complex result = clog(z);
    /* With a base, only the base can be in error: the logarithm of 0 is minus infinity then. */
    if (nargs == 1) return pole_of_log(z) ? domain_error() : from_c99(result);
    if (pole_of_log(base)) return domain_error();
    base = clog(base);
    errno = 0;
    Py_complex quotient =
        _Py_c_quot((Py_complex){creal(result), cimag(result)}, (Py_complex){creal(base), cimag(base)});
    if (errno != 0) return domain_error();
    return PyComplex_FromCComplex(quotient);
}

PyDoc_STRVAR(cmath_phase_doc, "phase($module, z, /)\n--\n\nAngle of z in radians, from -pi to pi.");
static PyObject *cmath_phase(PyObject *module, PyObject *object) {
    double complex z;
    return read_complex(object, &z) < 0 ? NULL : PyFloat_FromDouble(atan2(cimag(z), creal(z)));
}

PyDoc_STRVAR(cmath_polar_doc, "polar($module, z, /)\n--\n\n"
                              "Polar coordinates of z: distance from 0 and angle in radians.");
static PyObject *cmath_polar(PyObject *module, PyObject *object) {
    double complex z;
    if (read_complex(object, &z) < 0) return NULL;
    double distance = _Py_c_abs((Py_complex){creal(z), cimag(z)});
    if (errno != 0) return range_error();
    return Py_BuildValue("(dd)", distance, atan2(cimag(z), creal(z)));
}

PyDoc_STRVAR(cmath_rect_doc, "rect($module, r, phi, /)\n--\n\n"
                             "The complex number at distance r and angle phi, in radians.");
static PyObject *cmath_rect(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("rect", nargs, 2, 2)) return NULL;
    double r = PyFloat_AsDouble(args[0]);
    if (r == -1.0 && PyErr_Occurred()) return NULL;
    double phi = PyFloat_AsDouble(args[1]);
    if (phi == -1.0 && PyErr_Occurred()) return NULL;
    if (isinf(phi) && r != 0.0 && !isnan(r)) return domain_error();
    double real, imag;
    if (r == 0.0 && !isfinite(phi)) {
        real = imag = 0.0;
    } else if (isinf(r) && isnan(phi)) {
        real = r < 0 ? -r : r;
        imag = phi;
    } else if (phi == 0.0) {
        real = r;
        imag = copysign(1.0, r) * phi;
    } else {
        real = r * cos(phi);
        imag = r * sin(phi);
    }
    return PyComplex_FromDoubles(real, imag);
}

PyDoc_STRVAR(cmath_isclose_doc,
             "isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)\n--\n\n"
             "True if a and b differ by no more than rel_tol times the larger of them, or abs_tol.");
static PyObject *cmath_isclose(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"a", "b", "rel_tol", "abs_tol", NULL};
    static _PyArg_Parser parser = {.format = "DD|$dd:isclose", .keywords = keywords};
    Py_complex a, b;
    double relative = 1e-9, absolute = 0.0;
    if (!_PyArg_ParseStackAndKeywords(args, nargs, kwnames, &parser, &a, &b, &relative, &absolute)) return NULL;
    if (relative < 0.0 || absolute < 0.0) {
        PyErr_SetString(PyExc_ValueError, "tolerances must be non-negative");
        return NULL;
    }
    if (a.real == b.real && a.imag == b.imag) Py_RETURN_TRUE;
    if (is_infinite(to_c99(a)) || is_infinite(to_c99(b))) Py_RETURN_FALSE;
    double difference = _Py_c_abs(_Py_c_diff(a, b));
    return PyBool_FromLong(difference <= relative * _Py_c_abs(b) || difference <= relative * _Py_c_abs(a) ||
                           difference <= absolute);
}

#define ONE(name) {#name, cmath_##name, METH_O, cmath_##name##_doc}
#define FAST(name) {#name, (PyCFunction)(void (*)(void))cmath_##name, METH_FASTCALL, cmath_##name##_doc}

static PyMethodDef cmath_functions[] = {
    ONE(acos), ONE(acosh), ONE(asin), ONE(asinh), ONE(atan), ONE(atanh), ONE(cos), ONE(cosh), ONE(exp),
    {"isclose", (PyCFunction)(void (*)(void))cmath_isclose, METH_FASTCALL | METH_KEYWORDS, cmath_isclose_doc},
    ONE(isfinite), ONE(isinf), ONE(isnan), FAST(log), ONE(log10), ONE(phase), ONE(polar), FAST(rect), ONE(sin),
    ONE(sinh), ONE(sqrt), ONE(tan), ONE(tanh),
    {NULL, NULL, 0, NULL},
};

/* Adds a new object, whose reference it takes; NULL passes an error on. */
static int add_constant(PyObject *module, const char *name, PyObject *value) {
    if (value == NULL) return -1;
    int result = PyModule_AddObjectRef(module, name, value);
    Py_DECREF(value);
    return result;
}

static int cmath_exec(PyObject *module) {
    double nan = fabs(Py_NAN);
    if (add_constant(module, "pi", PyFloat_FromDouble(M_PI)) < 0) return -1;
    if (add_constant(module, "e", PyFloat_FromDouble(M_E)) < 0) return -1;
    if (add_constant(module, "tau", PyFloat_FromDouble(2.0 * M_PI)) < 0) return -1;
    if (add_constant(module, "inf", PyFloat_FromDouble(Py_HUGE_VAL)) < 0) return -1;
    if (add_constant(module, "infj", PyComplex_FromDoubles(0.0, Py_HUGE_VAL)) < 0) return -1;
    if (add_constant(module, "nan", PyFloat_FromDouble(nan)) < 0) return -1;
    return add_constant(module, "nanj", PyComplex_FromDoubles(0.0, nan));
}

static PyModuleDef_Slot cmath_slots[] = {{Py_mod_exec, cmath_exec}, {0, NULL}};

static struct PyModuleDef cmath_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "cmath",
    .m_doc = "Functions of complex numbers, after the C standard.",
    .m_methods = cmath_functions,
    .m_slots = cmath_slots,
};

PyMODINIT_FUNC PyInit_cmath(void) { return PyModuleDef_Init(&cmath_module); }
