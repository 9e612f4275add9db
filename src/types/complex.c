/* The type complex: a pair of doubles. */
#include <Python.h>
#include <structmember.h>

#include "object/names.h"
#include "object/runtime.h"
#include "types/format_spec.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* ---- arithmetic on C values; errno reports errors ---- */

Py_complex _Py_c_sum(Py_complex a, Py_complex b) { return (Py_complex){a.real + b.real, a.imag + b.imag}; }
Py_complex _Py_c_diff(Py_complex a, Py_complex b) { return (Py_complex){a.real - b.real, a.imag - b.imag}; }
Py_complex _Py_c_neg(Py_complex a) { return (Py_complex){-a.real, -a.imag}; }

Py_complex _Py_c_prod(Py_complex a, Py_complex b) {
    return (Py_complex){a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real};
}

/* Smith's method: dividing by the larger part of b first avoids needless overflow. errno is EDOM if b is zero. */
Py_complex _Py_c_quot(Py_complex a, Py_complex b) {
    double size_real = fabs(b.real), size_imag = fabs(b.imag);
    if (size_real >= size_imag) {
        if (size_real == 0.0) {
            errno = EDOM;
            return (Py_complex){0.0, 0.0};
        }
        double ratio = b.imag / b.real;
        double divisor = b.real + b.imag * ratio;
        return (Py_complex){(a.real + a.imag * ratio) / divisor, (a.imag - a.real * ratio) / divisor};
    }
    if (size_imag >= size_real) {
        double ratio = b.real / b.imag;
        double divisor = b.real * ratio + b.imag;
        return (Py_complex){(a.real * ratio + a.imag) / divisor, (a.imag * ratio - a.real) / divisor};
    }
    return (Py_complex){Py_NAN, Py_NAN};
}

/* errno is EDOM for zero to a power that is negative or not real. */
Py_complex _Py_c_pow(Py_complex a, Py_complex b) {
    if (b.real == 0.0 && b.imag == 0.0) return (Py_complex){1.0, 0.0};
    if (a.real == 0.0 && a.imag == 0.0) {
        if (b.imag != 0.0 || b.real < 0.0) errno = EDOM;
        return (Py_complex){0.0, 0.0};
    }
    double size = hypot(a.real, a.imag), angle = atan2(a.imag, a.real);
    double length = pow(size, b.real), phase = angle * b.real;
    if (b.imag != 0.0) {
        length /= exp(angle * b.imag);
        phase += b.imag * log(size);
    }
    return (Py_complex){length * cos(phase), length * sin(phase)};
}

/* errno is ERANGE if the result overflows, else 0. */
double _Py_c_abs(Py_complex a) {
    errno = 0;
    if (isinf(a.real) || isinf(a.imag)) return Py_HUGE_VAL;
    if (isnan(a.real) || isnan(a.imag)) return Py_NAN;
    double size = hypot(a.real, a.imag);
    errno = isinf(size) ? ERANGE : 0;
    return size;
}

static Py_complex integer_power(Py_complex a, long exponent) {
    Py_complex result = {1.0, 0.0}, square = a;
    for (unsigned long left = (unsigned long)labs(exponent); left > 0; left >>= 1) {
        if (left & 1) result = _Py_c_prod(result, square);
        square = _Py_c_prod(square, square);
    }
    return exponent > 0 ? result : _Py_c_quot((Py_complex){1.0, 0.0}, result);
}

/* ---- conversion ---- */

PyObject *PyComplex_FromCComplex(Py_complex value) {
    PyComplexObject *result = PyObject_Malloc(sizeof(PyComplexObject));
    if (result == NULL) return PyErr_NoMemory();
    PyObject_Init((PyObject *)result, &PyComplex_Type);
    result->cval = value;
    return (PyObject *)result;
}

PyObject *PyComplex_FromDoubles(double real, double imag) {
    return PyComplex_FromCComplex((Py_complex){real, imag});
}

static PyObject *new_instance(PyTypeObject *type, Py_complex value) {
    PyObject *result = type->tp_alloc(type, 0);
    if (result != NULL) ((PyComplexObject *)result)->cval = value;
    return result;
}

double PyComplex_RealAsDouble(PyObject *op) {
    return PyComplex_Check(op) ? ((PyComplexObject *)op)->cval.real : PyFloat_AsDouble(op);
}

double PyComplex_ImagAsDouble(PyObject *op) { return PyComplex_Check(op) ? ((PyComplexObject *)op)->cval.imag : 0.0; }

/* Calls __complex__ if the type has it. Returns a new complex; NULL without an exception if there is no such method. */
static PyObject *call_complex_method(PyObject *object) {
    if (PyComplex_CheckExact(object)) return Py_NewRef(object);
    PyObject *name = KR_NAME(__complex__);
    if (name == NULL) return NULL;
    PyObject *method = _PyType_Lookup(Py_TYPE(object), name);
    if (method == NULL) return NULL;
    PyObject *result;
    descrgetfunc get = Py_TYPE(method)->tp_descr_get;
    if (get == NULL) {
        result = PyObject_CallNoArgs(method);
    } else {
        PyObject *bound = get(method, object, (PyObject *)Py_TYPE(object));
        if (bound == NULL) return NULL;
        result = PyObject_CallNoArgs(bound);
        Py_DECREF(bound);
    }
    if (result == NULL || PyComplex_CheckExact(result)) return result;
    if (!PyComplex_Check(result)) {
        PyErr_Format(PyExc_TypeError, "__complex__ returned non-complex (type %.200s)", Py_TYPE(result)->tp_name);
        Py_DECREF(result);
        return NULL;
    }
    if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                         "__complex__ returned non-complex (type %.200s).  The ability to return an instance of a "
                         "strict subclass of complex is deprecated, and may be removed in a future version of Python.",
                         Py_TYPE(result)->tp_name)) {
        Py_CLEAR(result);
    }
    return result;
}

Py_complex PyComplex_AsCComplex(PyObject *op) {
    if (PyComplex_Check(op)) return ((PyComplexObject *)op)->cval;
    Py_complex value = {-1.0, 0.0};
    PyObject *converted = call_complex_method(op);
    if (converted != NULL) {
        value = ((PyComplexObject *)converted)->cval;
        Py_DECREF(converted);
    } else if (!PyErr_Occurred()) {
        value.real = PyFloat_AsDouble(op);
    }
    return value;
}

/* Reads an operand: 1 and the value for a complex, float or int; 0 for another type; -1 with an exception. */
static int read_operand(PyObject *object, Py_complex *value) {
    value->imag = 0.0;
    if (PyComplex_Check(object)) {
        *value = ((PyComplexObject *)object)->cval;
    } else if (PyFloat_Check(object)) {
        value->real = PyFloat_AS_DOUBLE(object);
    } else if (PyLong_Check(object)) {
        value->real = PyLong_AsDouble(object);
        if (value->real == -1.0 && PyErr_Occurred()) return -1;
    } else {
        return 0;
    }
    return 1;
}

#define READ_OPERANDS(a, b, x, y)                                                                                      \
    Py_complex x, y;                                                                                                   \
    do {                                                                                                               \
        int known = read_operand(a, &x);                                                                               \
        if (known > 0) known = read_operand(b, &y);                                                                    \
        if (known < 0) return NULL;                                                                                    \
        if (known == 0) Py_RETURN_NOTIMPLEMENTED;                                                                      \
    } while (0)

/* ---- slots ---- */

static PyObject *complex_add(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    return PyComplex_FromCComplex(_Py_c_sum(x, y));
}

static PyObject *complex_subtract(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    return PyComplex_FromCComplex(_Py_c_diff(x, y));
}

static PyObject *complex_multiply(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    return PyComplex_FromCComplex(_Py_c_prod(x, y));
}

static PyObject *complex_divide(PyObject *a, PyObject *b) {
    READ_OPERANDS(a, b, x, y);
    errno = 0;
    Py_complex quotient = _Py_c_quot(x, y);
    if (errno == EDOM) {
        PyErr_SetString(PyExc_ZeroDivisionError, "complex division by zero");
        return NULL;
    }
    return PyComplex_FromCComplex(quotient);
}

static PyObject *complex_power(PyObject *a, PyObject *b, PyObject *modulus) {
    READ_OPERANDS(a, b, x, y);
    if (modulus != Py_None) {
        PyErr_SetString(PyExc_ValueError, "complex modulo");
        return NULL;
    }
    errno = 0;
    Py_complex power;
    /* Small whole exponents are faster and more exact by multiplication. */
    if (y.imag == 0.0 && y.real == floor(y.real) && fabs(y.real) <= 100.0) {
        power = integer_power(x, (long)y.real);
    } else {
        power = _Py_c_pow(x, y);
    }
    if (isinf(power.real) || isinf(power.imag)) {
        if (errno == 0) errno = ERANGE;
    } else if (errno == ERANGE) {
        errno = 0;
    }
    if (errno == EDOM) {
        PyErr_SetString(PyExc_ZeroDivisionError, "0.0 to a negative or complex power");
        return NULL;
    }
    if (errno == ERANGE) {
        PyErr_SetString(PyExc_OverflowError, "complex exponentiation");
        return NULL;
    }
    return PyComplex_FromCComplex(power);
}

static PyObject *complex_negative(PyObject *self) {
    return PyComplex_FromCComplex(_Py_c_neg(((PyComplexObject *)self)->cval));
}

static PyObject *complex_positive(PyObject *self) {
    return PyComplex_CheckExact(self) ? Py_NewRef(self) : PyComplex_FromCComplex(((PyComplexObject *)self)->cval);
}

static PyObject *complex_absolute(PyObject *self) {
    double size = _Py_c_abs(((PyComplexObject *)self)->cval);
    if (errno == ERANGE) {
        PyErr_SetString(PyExc_OverflowError, "absolute value too large");
        return NULL;
    }
    return PyFloat_FromDouble(size);
}

static int complex_bool(PyObject *self) {
    Py_complex value = ((PyComplexObject *)self)->cval;
    return value.real != 0.0 || value.imag != 0.0;
}

static PyObject *complex_richcompare(PyObject *a, PyObject *b, int op) {
    if (op != Py_EQ && op != Py_NE) Py_RETURN_NOTIMPLEMENTED;
    Py_complex x, y;
    if (!PyComplex_Check(a)) Py_RETURN_NOTIMPLEMENTED;
    x = ((PyComplexObject *)a)->cval;
    int equal;
    if (PyLong_Check(b)) {
        /* An int is compared exactly, not after rounding to a float. */
        if (x.imag == 0.0) {
            PyObject *real = PyFloat_FromDouble(x.real);
            if (real == NULL) return NULL;
            PyObject *result = PyObject_RichCompare(real, b, op);
            Py_DECREF(real);
            return result;
        }
        equal = 0;
    } else {
        if (!PyFloat_Check(b) && !PyComplex_Check(b)) Py_RETURN_NOTIMPLEMENTED;
        (void)read_operand(b, &y);
        equal = x.real == y.real && x.imag == y.imag;
    }
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t complex_hash(PyObject *self) {
    Py_complex value = ((PyComplexObject *)self)->cval;
    Py_uhash_t hash = (Py_uhash_t)_Py_HashDouble(self, value.real);
    hash += _PyHASH_IMAG * (Py_uhash_t)_Py_HashDouble(self, value.imag);
    return hash == (Py_uhash_t)-1 ? -2 : (Py_hash_t)hash;
}

static PyObject *complex_repr(PyObject *self) {
    Py_complex value = ((PyComplexObject *)self)->cval;
    PyObject *result = NULL;
    if (value.real == 0.0 && !signbit(value.real)) {
        /* A real part of 0 that the text need not show. */
        char *imag = PyOS_double_to_string(value.imag, 'r', 0, 0, NULL);
        if (imag != NULL) result = PyUnicode_FromFormat("%sj", imag);
        PyMem_Free(imag);
        return result;
    }
    char *real = PyOS_double_to_string(value.real, 'r', 0, 0, NULL);
    if (real == NULL) return NULL;
    char *imag = PyOS_double_to_string(value.imag, 'r', 0, Py_DTSF_SIGN, NULL);
    if (imag != NULL) result = PyUnicode_FromFormat("(%s%sj)", real, imag);
    PyMem_Free(real);
    PyMem_Free(imag);
    return result;
}

/* ---- construction ---- */

static PyObject *malformed(void) {
    PyErr_SetString(PyExc_ValueError, "complex() arg is a malformed string");
    return NULL;
}

/* Reads a float at *position and moves it behind. Returns 1; 0 if there is none; -1 with an exception. */
static int read_float(const char **position, double *value) {
    char *end;
    *value = PyOS_string_to_double(*position, &end, NULL);
    if (*value == -1.0 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) return -1;
        PyErr_Clear();
        return 0;
    }
    int any = end != *position;
    *position = end;
    return any;
}

static int is_imaginary_unit(char c) { return c == 'j' || c == 'J'; }

/* Parses "x", "yj" or "x+yj", where the number before j may be missing, within optional parentheses. */
static PyObject *complex_from_characters(const char *text, Py_ssize_t length, void *type) {
    const char *position = text, *end = text + length;
    Py_complex value = {0.0, 0.0};
    while (Py_ISSPACE(Py_CHARMASK(*position))) position++;
    int parenthesis = *position == '(';
    if (parenthesis) {
        position++;
        while (Py_ISSPACE(Py_CHARMASK(*position))) position++;
    }
    double number;
    int found = read_float(&position, &number);
    if (found < 0) return NULL;
    if (!found) {
        /* j, +j or -j */
        number = *position == '-' ? -1.0 : 1.0;
        if (*position == '+' || *position == '-') position++;
        if (!is_imaginary_unit(*position)) return malformed();
        value.imag = number;
        position++;
    } else if (*position == '+' || *position == '-') {
        value.real = number;
        found = read_float(&position, &value.imag);
        if (found < 0) return NULL;
        if (!found) {
            value.imag = *position == '-' ? -1.0 : 1.0;
            position++;
        }
        if (!is_imaginary_unit(*position)) return malformed();
        position++;
    } else if (is_imaginary_unit(*position)) {
        value.imag = number;
        position++;
    } else {
        value.real = number;
    }
    while (Py_ISSPACE(Py_CHARMASK(*position))) position++;
    if (parenthesis) {
        if (*position != ')') return malformed();
        position++;
        while (Py_ISSPACE(Py_CHARMASK(*position))) position++;
    }
    if (position != end) return malformed();
    return new_instance(type, value);
}

static PyObject *complex_from_text(PyTypeObject *type, PyObject *text) {
    PyObject *ascii = _PyUnicode_TransformDecimalAndSpaceToASCII(text);
    if (ascii == NULL) return NULL;
    PyObject *result = _Py_string_to_number_with_underscores((const char *)PyUnicode_1BYTE_DATA(ascii),
                                                             PyUnicode_GET_LENGTH(ascii), "complex", text, type,
                                                             complex_from_characters);
    Py_DECREF(ascii);
    return result;
}

static int has_number_slots(PyObject *object) {
    PyNumberMethods *number = Py_TYPE(object)->tp_as_number;
    return number != NULL && (number->nb_float != NULL || number->nb_index != NULL);
}

/* Reads a part as float() does: a subclass of float may define `__float__`. Returns 0, or -1 with an exception. */
static int read_part(PyObject *object, double *part) {
    PyObject *number = PyNumber_Float(object);
    if (number == NULL) return -1;
    *part = PyFloat_AS_DOUBLE(number);
    Py_DECREF(number);
    return 0;
}

/* complex(real, imag): either may be NULL. Each may be complex itself: the result is real + imag * 1j. */
static PyObject *complex_construct(PyTypeObject *type, PyObject *real, PyObject *imag) {
    if (real == NULL && imag == NULL) return new_instance(type, (Py_complex){0.0, 0.0});
    if (real == NULL) real = kr_small_int(0);
    if (imag == NULL && type == &PyComplex_Type && PyComplex_CheckExact(real)) return Py_NewRef(real);
    if (PyUnicode_Check(real)) {
        if (imag != NULL) {
            PyErr_SetString(PyExc_TypeError, "complex() can't take second arg if first is a string");
            return NULL;
        }
        return complex_from_text(type, real);
    }
    if (imag != NULL && PyUnicode_Check(imag)) {
        PyErr_SetString(PyExc_TypeError, "complex() second arg can't be a string");
        return NULL;
    }
    PyObject *converted = call_complex_method(real);
    if (converted == NULL && PyErr_Occurred()) return NULL;
    if (converted == NULL && !PyComplex_Check(real) && !has_number_slots(real)) {
        PyErr_Format(PyExc_TypeError, "complex() first argument must be a string or a number, not '%.200s'",
                     Py_TYPE(real)->tp_name);
        return NULL;
    }
    PyObject *first = converted != NULL ? converted : Py_NewRef(real);
    PyObject *result = NULL;
    if (imag != NULL && !PyComplex_Check(imag) && !has_number_slots(imag)) {
        PyErr_Format(PyExc_TypeError, "complex() second argument must be a number, not '%.200s'",
                     Py_TYPE(imag)->tp_name);
        goto done;
    }
    Py_complex x = {0.0, 0.0}, y = {0.0, 0.0};
    int x_is_complex = PyComplex_Check(first), y_is_complex = 0;
    if (x_is_complex) {
        x = ((PyComplexObject *)first)->cval;
    } else {
        if (read_part(first, &x.real) < 0) goto done;
    }
    if (imag != NULL) {
        y_is_complex = PyComplex_Check(imag);
        if (y_is_complex) {
            y = ((PyComplexObject *)imag)->cval;
        } else {
            if (read_part(imag, &y.real) < 0) goto done;
        }
    }
    /* Parts that are not there are not added, so that the sign of a zero survives. */
    Py_complex sum = {x.real, y.real};
    if (y_is_complex) sum.real -= y.imag;
    if (x_is_complex) sum.imag = imag != NULL ? x.imag + y.real : x.imag;
    result = new_instance(type, sum);
done:
    Py_DECREF(first);
    return result;
}

static PyObject *complex_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"real", "imag", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "complex"};
    PyObject *buffer[2] = {NULL, NULL};
    Py_ssize_t nargs = PyTuple_GET_SIZE(args);
    PyObject *const *value = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, nargs, kwargs, NULL, &parser, 0,
                                                   2, 0, buffer);
    if (value == NULL) return NULL;
    if (value != buffer) {
        for (Py_ssize_t i = 0; i < nargs; i++) buffer[i] = value[i];
    }
    return complex_construct(type, buffer[0], buffer[1]);
}

static PyObject *complex_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    static const char *const keywords[] = {"real", "imag", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "complex"};
    PyObject *buffer[2] = {NULL, NULL};
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (kwnames != NULL || nargs > 2) {
        args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 2, 0, buffer);
        if (args == NULL) return NULL;
        if (args == buffer) nargs = 2;
    }
    return complex_construct((PyTypeObject *)type, nargs > 0 ? args[0] : NULL, nargs > 1 ? args[1] : NULL);
}

/* ---- methods ---- */

PyDoc_STRVAR(conjugate_doc, "conjugate($self, /)\n--\n\nReturn the number with its imaginary part negated.");
static PyObject *complex_conjugate(PyObject *self, PyObject *unused) {
    Py_complex value = ((PyComplexObject *)self)->cval;
    return PyComplex_FromDoubles(value.real, -value.imag);
}

PyDoc_STRVAR(complex_method_doc, "__complex__($self, /)\n--\n\nReturn the number as an exact complex.");
static PyObject *complex_complex(PyObject *self, PyObject *unused) { return complex_positive(self); }

PyDoc_STRVAR(getnewargs_doc, "__getnewargs__($self, /)\n--\n\n");
static PyObject *complex_getnewargs(PyObject *self, PyObject *unused) {
    Py_complex value = ((PyComplexObject *)self)->cval;
    return Py_BuildValue("(dd)", value.real, value.imag);
}

PyDoc_STRVAR(format_doc, "__format__($self, format_spec, /)\n--\n\nFormat as the format specification says.");
static PyObject *complex_format(PyObject *self, PyObject *spec) {
    if (!PyUnicode_Check(spec)) {
        _PyArg_BadArgument("__format__", "argument", "str", spec);
        return NULL;
    }
    return kr_format_spec_complex(self, spec);
}

static PyMethodDef complex_methods[] = {
    {"conjugate", complex_conjugate, METH_NOARGS, conjugate_doc},
    {"__complex__", complex_complex, METH_NOARGS, complex_method_doc},
    {"__getnewargs__", complex_getnewargs, METH_NOARGS, getnewargs_doc},
    {"__format__", complex_format, METH_O, format_doc},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef complex_members[] = {
    {"real", T_DOUBLE, offsetof(PyComplexObject, cval.real), READONLY, "the real part of a complex number"},
    {"imag", T_DOUBLE, offsetof(PyComplexObject, cval.imag), READONLY, "the imaginary part of a complex number"},
    {NULL, 0, 0, 0, NULL},
};

static PyNumberMethods complex_number_methods = {
    .nb_add = complex_add,
    .nb_subtract = complex_subtract,
    .nb_multiply = complex_multiply,
    .nb_power = complex_power,
    .nb_negative = complex_negative,
    .nb_positive = complex_positive,
    .nb_absolute = complex_absolute,
    .nb_bool = complex_bool,
    .nb_true_divide = complex_divide,
};

PyDoc_STRVAR(complex_doc, "complex(real=0, imag=0)\n--\n\n"
                          "Make a complex number of its two parts, or of text such as '1+2j'.");

PyTypeObject PyComplex_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "complex",
    .tp_basicsize = sizeof(PyComplexObject),
    .tp_repr = complex_repr,
    .tp_as_number = &complex_number_methods,
    .tp_hash = complex_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = complex_doc,
    .tp_richcompare = complex_richcompare,
    .tp_methods = complex_methods,
    .tp_members = complex_members,
    .tp_new = complex_new,
    .tp_vectorcall = complex_vectorcall,
    .tp_free = PyObject_Del,
};
