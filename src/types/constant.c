/* When two constants of a code object are the same constant. */
#include <Python.h>
#include <math.h>

#include "object/runtime.h"
#include "types/constant.h"

static Py_hash_t mix(Py_hash_t a, Py_hash_t b) { return (Py_hash_t)(((size_t)a ^ (size_t)b) * 0x9E3779B97F4A7C15u); }

static Py_hash_t valid(Py_hash_t hash) { return hash == -1 ? -2 : hash; }

/* A tuple of hostile data may contain itself. Returns 0, or -1 with RecursionError. */
static int check_depth(void) {
    if (!kr_c_stack_is_low()) return 0;
    PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded in a constant");
    return -1;
}

Py_hash_t kr_constant_hash(PyObject *constant) {
    PyTypeObject *type = Py_TYPE(constant);
    if (type == &PyUnicode_Type) return PyObject_Hash(constant);
    if (type == &PyLong_Type || type == &PyBytes_Type || type == &PyFloat_Type || type == &PyComplex_Type) {
        Py_hash_t hash = PyObject_Hash(constant);
        return hash == -1 ? -1 : valid(mix(hash, (Py_hash_t)type >> 4));
    }
    if (type == &PyTuple_Type) {
        if (check_depth() < 0) return -1;
        Py_hash_t hash = PyTuple_GET_SIZE(constant);
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constant); i++) {
            Py_hash_t item = kr_constant_hash(PyTuple_GET_ITEM(constant, i));
            if (item == -1) return -1;
            hash = mix(hash + 3, item);
        }
        return valid(hash);
    }
    if (type == &PyFrozenSet_Type) {
        size_t sum = 0x5bd1e995;
        Py_ssize_t position = 0;
        PyObject *item;
        Py_hash_t ignored;
        while (_PySet_NextEntry(constant, &position, &item, &ignored)) {
            Py_hash_t hash = kr_constant_hash(item);
            if (hash == -1) return -1;
            sum += (size_t)mix(hash, 7);
        }
        return valid((Py_hash_t)sum);
    }
    if (type == &PyCode_Type) {
        PyCodeObject *code = (PyCodeObject *)constant;
        Py_hash_t hash = PyObject_Hash(code->co_name);
        return hash == -1 ? -1 : valid(mix(hash, code->co_firstlineno));
    }
    return valid((Py_hash_t)((uintptr_t)constant >> 4));
}

static int same_float(double a, double b) { return a == b && signbit(a) == signbit(b); }

static int same_sets(PyObject *a, PyObject *b) {
    if (PySet_GET_SIZE(a) != PySet_GET_SIZE(b)) return 0;
    Py_ssize_t position = 0;
    PyObject *item, *other;
    Py_hash_t hash, other_hash;
    while (_PySet_NextEntry(a, &position, &item, &hash)) {
        Py_ssize_t other_position = 0;
        int found = 0;
        while (!found && _PySet_NextEntry(b, &other_position, &other, &other_hash)) {
            if (hash == other_hash) found = kr_constant_equal(item, other);
            if (found < 0) return -1;
        }
        if (!found) return 0;
    }
    return 1;
}

int kr_constant_equal(PyObject *a, PyObject *b) {
    PyTypeObject *type = Py_TYPE(a);
    if (a == b) return 1;
    if (type != Py_TYPE(b)) return 0;
    if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyBytes_Type || type == &PyCode_Type)
        return PyObject_RichCompareBool(a, b, Py_EQ);
    if (type == &PyFloat_Type) return same_float(PyFloat_AS_DOUBLE(a), PyFloat_AS_DOUBLE(b));
    if (type == &PyComplex_Type) {
        Py_complex x = ((PyComplexObject *)a)->cval, y = ((PyComplexObject *)b)->cval;
        return same_float(x.real, y.real) && same_float(x.imag, y.imag);
    }
    if (type == &PyTuple_Type) {
        if (PyTuple_GET_SIZE(a) != PyTuple_GET_SIZE(b)) return 0;
        if (check_depth() < 0) return -1;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(a); i++) {
            int same = kr_constant_equal(PyTuple_GET_ITEM(a, i), PyTuple_GET_ITEM(b, i));
            if (same <= 0) return same;
        }
        return 1;
    }
    if (type == &PyFrozenSet_Type) return same_sets(a, b);
    return 0;
}

/* The key of a number with parts that may be negative zeros: type and value, and a mark for the zeros. */
static PyObject *complex_key(PyObject *object) {
    Py_complex value = ((PyComplexObject *)object)->cval;
    int real = value.real == 0.0 && signbit(value.real), imaginary = value.imag == 0.0 && signbit(value.imag);
    if (!real && !imaginary) return PyTuple_Pack(2, Py_TYPE(object), object);
    return PyTuple_Pack(3, Py_TYPE(object), object, real && imaginary ? Py_True : imaginary ? Py_False : Py_None);
}

static PyObject *tuple_key(PyObject *object) {
    PyObject *keys = PyTuple_New(PyTuple_GET_SIZE(object));
    for (Py_ssize_t i = 0; keys != NULL && i < PyTuple_GET_SIZE(object); i++) {
        PyObject *key = _PyCode_ConstantKey(PyTuple_GET_ITEM(object, i));
        if (key == NULL)
            Py_CLEAR(keys);
        else
            PyTuple_SET_ITEM(keys, i, key);
    }
    return keys;
}

static PyObject *set_key(PyObject *object) {
    PyObject *items = PySequence_Tuple(object);
    if (items == NULL) return NULL;
    Py_SETREF(items, tuple_key(items));
    if (items == NULL) return NULL;
    PyObject *keys = PyFrozenSet_New(items);
    Py_DECREF(items);
    return keys;
}

PyObject *_PyCode_ConstantKey(PyObject *object) {
    if (object == Py_None || object == Py_Ellipsis || PyLong_CheckExact(object) || PyUnicode_CheckExact(object) ||
        PyCode_Check(object))
        return Py_NewRef(object);
    if (PyBool_Check(object) || PyBytes_CheckExact(object)) return PyTuple_Pack(2, Py_TYPE(object), object);
    if (PyFloat_CheckExact(object)) {
        double value = PyFloat_AS_DOUBLE(object);
        if (value == 0.0 && signbit(value)) return PyTuple_Pack(3, Py_TYPE(object), object, Py_None);
        return PyTuple_Pack(2, Py_TYPE(object), object);
    }
    if (PyComplex_CheckExact(object)) return complex_key(object);
    PyObject *inner;
    if (PyTuple_CheckExact(object))
        inner = tuple_key(object);
    else if (PyFrozenSet_CheckExact(object))
        inner = set_key(object);
    else
        inner = PyLong_FromVoidPtr(object);
    if (inner == NULL) return NULL;
    PyObject *key = PyTuple_Pack(2, inner, object);
    Py_DECREF(inner);
    return key;
}
