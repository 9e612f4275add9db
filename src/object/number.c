/* The number protocol: operators on any objects, and conversion to int, float and index. */
#include <Python.h>
#include <stddef.h>
#include <string.h>

#include "object/abstract.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"

static inline void *slot_of(PyObject *object, size_t offset) {
    PyNumberMethods *methods = Py_TYPE(object)->tp_as_number;
    return methods != NULL ? *(void **)((char *)methods + offset) : NULL;
}

#define SLOT(name) offsetof(PyNumberMethods, name)

int PyIndex_Check(PyObject *obj) { return slot_of(obj, SLOT(nb_index)) != NULL; }

int PyNumber_Check(PyObject *o) {
    if (o == NULL) return 0;
    return PyIndex_Check(o) || slot_of(o, SLOT(nb_int)) != NULL || slot_of(o, SLOT(nb_float)) != NULL ||
           PyComplex_Check(o);
}

/* -- Binary operators ------------------------------------------------------------------------------------------------------------ */

static PyObject *operand_error(PyObject *v, PyObject *w, const char *symbol) {
    return PyErr_Format(PyExc_TypeError, "unsupported operand type(s) for %.100s: '%.100s' and '%.100s'", symbol,
                        Py_TYPE(v)->tp_name, Py_TYPE(w)->tp_name);
}

/* Asks both operands, the right one first if its type is derived from the left one's. May return NotImplemented. */
static PyObject *binary(PyObject *v, PyObject *w, size_t offset) {
    binaryfunc left = (binaryfunc)slot_of(v, offset), right = NULL;
    PyObject *result;
    if (!Py_IS_TYPE(w, Py_TYPE(v))) {
        right = (binaryfunc)slot_of(w, offset);
        if (right == left) right = NULL;
    }
    if (left != NULL) {
        if (right != NULL && PyType_IsSubtype(Py_TYPE(w), Py_TYPE(v))) {
            result = right(v, w);
            if (result != Py_NotImplemented) return result;
            Py_DECREF(result);
            right = NULL;
        }
        result = left(v, w);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    if (right != NULL) return right(v, w);
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *operate(PyObject *v, PyObject *w, size_t offset, const char *symbol) {
    if (v == NULL || w == NULL) return null_error();
    PyObject *result = binary(v, w, offset);
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    if (offset == SLOT(nb_rshift) && PyCFunction_CheckExact(v) &&
        strcmp(((PyCFunctionObject *)v)->m_ml->ml_name, "print") == 0) {
        return PyErr_Format(PyExc_TypeError,
                            "unsupported operand type(s) for %.100s: '%.100s' and '%.100s'. "
                            "Did you mean \"print(<message>, file=<output_stream>)\"?",
                            symbol, Py_TYPE(v)->tp_name, Py_TYPE(w)->tp_name);
    }
    return operand_error(v, w, symbol);
}

/* The in-place form of the left operand's type, then the plain operator. May return NotImplemented. */
static PyObject *binary_in_place(PyObject *v, PyObject *w, size_t in_place_offset, size_t offset) {
    binaryfunc function = (binaryfunc)slot_of(v, in_place_offset);
    if (function != NULL) {
        PyObject *result = function(v, w);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    return binary(v, w, offset);
}

static PyObject *operate_in_place(PyObject *v, PyObject *w, size_t in_place_offset, size_t offset, const char *symbol) {
    if (v == NULL || w == NULL) return null_error();
    PyObject *result = binary_in_place(v, w, in_place_offset, offset);
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    return operand_error(v, w, symbol);
}

#define OPERATOR(name, slot, symbol)                                                                                   \
    PyObject *PyNumber_##name(PyObject *v, PyObject *w) { return operate(v, w, SLOT(nb_##slot), symbol); }             \
    PyObject *PyNumber_InPlace##name(PyObject *v, PyObject *w) {                                                       \
        return operate_in_place(v, w, SLOT(nb_inplace_##slot), SLOT(nb_##slot), symbol "=");                           \
    }

OPERATOR(Or, or, "|")
OPERATOR(Xor, xor, "^")
OPERATOR(And, and, "&")
OPERATOR(Lshift, lshift, "<<")
OPERATOR(Rshift, rshift, ">>")
OPERATOR(Subtract, subtract, "-")
OPERATOR(MatrixMultiply, matrix_multiply, "@")
OPERATOR(FloorDivide, floor_divide, "//")
OPERATOR(TrueDivide, true_divide, "/")
OPERATOR(Remainder, remainder, "%")

PyObject *PyNumber_Divmod(PyObject *v, PyObject *w) { return operate(v, w, SLOT(nb_divmod), "divmod()"); }

/* -- Addition and multiplication also mean concatenation and repetition ------------------------------------------------------------- */

PyObject *PyNumber_Add(PyObject *v, PyObject *w) {
    if (v == NULL || w == NULL) return null_error();
    PyObject *result = binary(v, w, SLOT(nb_add));
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    PySequenceMethods *sequence = Py_TYPE(v)->tp_as_sequence;
    if (sequence != NULL && sequence->sq_concat != NULL) return sequence->sq_concat(v, w);
    return operand_error(v, w, "+");
}

PyObject *PyNumber_InPlaceAdd(PyObject *v, PyObject *w) {
    if (v == NULL || w == NULL) return null_error();
    PyObject *result = binary_in_place(v, w, SLOT(nb_inplace_add), SLOT(nb_add));
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    PySequenceMethods *sequence = Py_TYPE(v)->tp_as_sequence;
    if (sequence != NULL) {
        binaryfunc concat = sequence->sq_inplace_concat != NULL ? sequence->sq_inplace_concat : sequence->sq_concat;
        if (concat != NULL) return concat(v, w);
    }
    return operand_error(v, w, "+=");
}

static PyObject *repeat(ssizeargfunc function, PyObject *sequence, PyObject *times) {
    if (!PyIndex_Check(times)) {
        return PyErr_Format(PyExc_TypeError, "can't multiply sequence by non-int of type '%.200s'",
                            Py_TYPE(times)->tp_name);
    }
    Py_ssize_t count = PyNumber_AsSsize_t(times, PyExc_OverflowError);
    if (count == -1 && PyErr_Occurred()) return NULL;
    return function(sequence, count);
}

static ssizeargfunc repeat_of(PyObject *object) {
    PySequenceMethods *sequence = Py_TYPE(object)->tp_as_sequence;
    return sequence != NULL ? sequence->sq_repeat : NULL;
}

PyObject *PyNumber_Multiply(PyObject *v, PyObject *w) {
    if (v == NULL || w == NULL) return null_error();
    PyObject *result = binary(v, w, SLOT(nb_multiply));
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    if (repeat_of(v) != NULL) return repeat(repeat_of(v), v, w);
    if (repeat_of(w) != NULL) return repeat(repeat_of(w), w, v);
    return operand_error(v, w, "*");
}

PyObject *PyNumber_InPlaceMultiply(PyObject *v, PyObject *w) {
    if (v == NULL || w == NULL) return null_error();
    PyObject *result = binary_in_place(v, w, SLOT(nb_inplace_multiply), SLOT(nb_multiply));
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
    PySequenceMethods *sequence = Py_TYPE(v)->tp_as_sequence;
    if (sequence != NULL) {
        ssizeargfunc function = sequence->sq_inplace_repeat != NULL ? sequence->sq_inplace_repeat : sequence->sq_repeat;
        if (function != NULL) return repeat(function, v, w);
    } else if (repeat_of(w) != NULL) {
        /* The right operand must not be changed: no in-place form of it. */
        return repeat(repeat_of(w), w, v);
    }
    return operand_error(v, w, "*=");
}

/* -- Powers ------------------------------------------------------------------------------------------------------------------------------ */

static PyObject *power_error(PyObject *v, PyObject *w, PyObject *z, const char *symbol) {
    if (z == Py_None) return operand_error(v, w, symbol);
    return PyErr_Format(PyExc_TypeError, "unsupported operand type(s) for %.100s: '%.100s', '%.100s', '%.100s'", symbol,
                        Py_TYPE(v)->tp_name, Py_TYPE(w)->tp_name, Py_TYPE(z)->tp_name);
}

static PyObject *power(PyObject *v, PyObject *w, PyObject *z, const char *symbol) {
    ternaryfunc left = (ternaryfunc)slot_of(v, SLOT(nb_power)), right = NULL, third;
    PyObject *result;
    if (!Py_IS_TYPE(w, Py_TYPE(v))) {
        right = (ternaryfunc)slot_of(w, SLOT(nb_power));
        if (right == left) right = NULL;
    }
    ternaryfunc right_once = right;
    if (left != NULL) {
        if (right != NULL && PyType_IsSubtype(Py_TYPE(w), Py_TYPE(v))) {
            result = right(v, w, z);
            if (result != Py_NotImplemented) return result;
            Py_DECREF(result);
            right = NULL;
        }
        result = left(v, w, z);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    if (right != NULL) {
        result = right(v, w, z);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    third = (ternaryfunc)slot_of(z, SLOT(nb_power));
    if (third != NULL && third != left && third != right_once) {
        result = third(v, w, z);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    return power_error(v, w, z, symbol);
}

PyObject *PyNumber_Power(PyObject *v, PyObject *w, PyObject *z) {
    if (v == NULL || w == NULL || z == NULL) return null_error();
    return power(v, w, z, "** or pow()");
}

PyObject *PyNumber_InPlacePower(PyObject *v, PyObject *w, PyObject *z) {
    if (v == NULL || w == NULL || z == NULL) return null_error();
    ternaryfunc function = (ternaryfunc)slot_of(v, SLOT(nb_inplace_power));
    if (function != NULL) {
        PyObject *result = function(v, w, z);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    return power(v, w, z, "**=");
}

/* -- Unary operators ---------------------------------------------------------------------------------------------------------------------- */

static PyObject *unary(PyObject *o, size_t offset, const char *description) {
    if (o == NULL) return null_error();
    unaryfunc function = (unaryfunc)slot_of(o, offset);
    if (function != NULL) return function(o);
    return PyErr_Format(PyExc_TypeError, "bad operand type for %s: '%.200s'", description, Py_TYPE(o)->tp_name);
}

PyObject *PyNumber_Negative(PyObject *o) { return unary(o, SLOT(nb_negative), "unary -"); }
PyObject *PyNumber_Positive(PyObject *o) { return unary(o, SLOT(nb_positive), "unary +"); }
PyObject *PyNumber_Invert(PyObject *o) { return unary(o, SLOT(nb_invert), "unary ~"); }
PyObject *PyNumber_Absolute(PyObject *o) { return unary(o, SLOT(nb_absolute), "abs()"); }

/* -- Conversion ------------------------------------------------------------------------------------------------------------------------------ */

/* Checks what `__index__` or `__int__` returned; takes and returns the reference. */
static PyObject *checked_int(PyObject *result, const char *method) {
    if (result == NULL || PyLong_CheckExact(result)) return result;
    if (!PyLong_Check(result)) {
        PyErr_Format(PyExc_TypeError, "%s returned non-int (type %.200s)", method, Py_TYPE(result)->tp_name);
    } else if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                                "%s returned non-int (type %.200s).  The ability to return an instance of a strict "
                                "subclass of int is deprecated, and may not be supported in a future version of Python.",
                                method, Py_TYPE(result)->tp_name) == 0) {
        return result;
    }
    Py_DECREF(result);
    return NULL;
}

PyObject *_PyNumber_Index(PyObject *item) {
    if (item == NULL) return null_error();
    if (PyLong_Check(item)) return Py_NewRef(item);
    unaryfunc function = (unaryfunc)slot_of(item, SLOT(nb_index));
    if (function == NULL) {
        return PyErr_Format(PyExc_TypeError, "'%.200s' object cannot be interpreted as an integer",
                            Py_TYPE(item)->tp_name);
    }
    return checked_int(function(item), "__index__");
}

/* Makes an int of the exact type; takes the reference. */
static PyObject *exact_int(PyObject *number) {
    if (number == NULL || PyLong_CheckExact(number)) return number;
    PyObject *copy = _PyLong_Copy((PyLongObject *)number);
    Py_DECREF(number);
    return copy;
}

PyObject *PyNumber_Index(PyObject *item) { return exact_int(_PyNumber_Index(item)); }

/* If the value does not fit: clips it if `error` is NULL, else raises that. */
Py_ssize_t PyNumber_AsSsize_t(PyObject *item, PyObject *error) {
    PyObject *number = _PyNumber_Index(item);
    if (number == NULL) return -1;
    Py_ssize_t result = PyLong_AsSsize_t(number);
    if (result == -1 && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        if (error == NULL) {
            result = _PyLong_Sign(number) < 0 ? PY_SSIZE_T_MIN : PY_SSIZE_T_MAX;
        } else {
            PyErr_Format(error, "cannot fit '%.200s' into an index-sized integer", Py_TYPE(item)->tp_name);
        }
    }
    Py_DECREF(number);
    return result;
}

static PyObject *int_from_trunc(PyObject *method) {
    if (PyErr_WarnEx(PyExc_DeprecationWarning, "The delegation of int() to __trunc__ is deprecated.", 1) < 0) {
        return NULL;
    }
    PyObject *result = PyObject_CallNoArgs(method);
    if (result == NULL || PyLong_Check(result)) return exact_int(result);
    if (!PyIndex_Check(result)) {
        PyErr_Format(PyExc_TypeError, "__trunc__ returned non-Integral (type %.200s)", Py_TYPE(result)->tp_name);
        Py_DECREF(result);
        return NULL;
    }
    Py_SETREF(result, PyNumber_Index(result));
    return result;
}

static PyObject *int_from_buffer(PyObject *o) {
    Py_buffer view;
    if (PyObject_GetBuffer(o, &view, PyBUF_SIMPLE) < 0) {
        return PyErr_Format(PyExc_TypeError,
                            "int() argument must be a string, a bytes-like object or a real number, not '%.200s'",
                            Py_TYPE(o)->tp_name);
    }
    /* A copy, because the buffer need not end with a null byte. */
    PyObject *bytes = PyBytes_FromStringAndSize(view.buf, view.len), *result = NULL;
    if (bytes != NULL) {
        result = _PyLong_FromBytes(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), 10);
        Py_DECREF(bytes);
    }
    PyBuffer_Release(&view);
    return result;
}

PyObject *PyNumber_Long(PyObject *o) {
    if (o == NULL) return null_error();
    if (PyLong_CheckExact(o)) return Py_NewRef(o);
    unaryfunc function = (unaryfunc)slot_of(o, SLOT(nb_int));
    if (function != NULL) return exact_int(checked_int(function(o), "__int__"));
    if (PyIndex_Check(o)) return PyNumber_Index(o);
    PyObject *trunc = kr_special_lookup(o, KR_NAME(__trunc__));
    if (trunc != NULL) {
        PyObject *result = int_from_trunc(trunc);
        Py_DECREF(trunc);
        return result;
    }
    if (PyErr_Occurred()) return NULL;
    if (PyUnicode_Check(o)) return PyLong_FromUnicodeObject(o, 10);
    if (PyBytes_Check(o)) return _PyLong_FromBytes(PyBytes_AS_STRING(o), PyBytes_GET_SIZE(o), 10);
    if (PyByteArray_Check(o)) return _PyLong_FromBytes(PyByteArray_AS_STRING(o), PyByteArray_GET_SIZE(o), 10);
    return int_from_buffer(o);
}

static PyObject *float_from_slot(PyObject *o, unaryfunc function) {
    PyObject *result = function(o);
    if (result == NULL || PyFloat_CheckExact(result)) return result;
    if (!PyFloat_Check(result)) {
        PyErr_Format(PyExc_TypeError, "%.50s.__float__ returned non-float (type %.50s)", Py_TYPE(o)->tp_name,
                     Py_TYPE(result)->tp_name);
        Py_DECREF(result);
        return NULL;
    }
    if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1,
                         "%.50s.__float__ returned non-float (type %.50s).  The ability to return an instance of a strict "
                         "subclass of float is deprecated, and may not be supported in a future version of Python.",
                         Py_TYPE(o)->tp_name, Py_TYPE(result)->tp_name) < 0) {
        Py_DECREF(result);
        return NULL;
    }
    double value = PyFloat_AS_DOUBLE(result);
    Py_DECREF(result);
    return PyFloat_FromDouble(value);
}

PyObject *PyNumber_Float(PyObject *o) {
    if (o == NULL) return null_error();
    if (PyFloat_CheckExact(o)) return Py_NewRef(o);
    unaryfunc function = (unaryfunc)slot_of(o, SLOT(nb_float));
    if (function != NULL) return float_from_slot(o, function);
    if (PyIndex_Check(o)) {
        PyObject *number = _PyNumber_Index(o);
        if (number == NULL) return NULL;
        double value = PyLong_AsDouble(number);
        Py_DECREF(number);
        return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
    }
    if (PyFloat_Check(o)) return PyFloat_FromDouble(PyFloat_AS_DOUBLE(o));
    return PyFloat_FromString(o);
}

PyObject *PyNumber_ToBase(PyObject *n, int base) {
    if (base != 2 && base != 8 && base != 10 && base != 16) {
        PyErr_SetString(PyExc_SystemError, "PyNumber_ToBase: base must be 2, 8, 10 or 16");
        return NULL;
    }
    PyObject *number = _PyNumber_Index(n);
    if (number == NULL) return NULL;
    PyObject *text = _PyLong_Format(number, base);
    Py_DECREF(number);
    return text;
}
