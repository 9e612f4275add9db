/* The type bool: two ints with names. */
#include <Python.h>

#include "object/names.h"
#include "types/int.h"

PyObject *PyBool_FromLong(long value) { return Py_NewRef(value ? Py_True : Py_False); }

#undef Py_IsTrue
#undef Py_IsFalse
int Py_IsTrue(PyObject *x) { return x == Py_True; }
int Py_IsFalse(PyObject *x) { return x == Py_False; }

static PyObject *bool_repr(PyObject *self) {
    PyObject *text = self == Py_True ? KR_NAME(True) : KR_NAME(False);
    return Py_XNewRef(text);
}

/* bool(x) with x == NULL for bool(). */
static PyObject *bool_construct(PyObject *x) {
    if (x == NULL) Py_RETURN_FALSE;
    int truth = PyObject_IsTrue(x);
    return truth < 0 ? NULL : PyBool_FromLong(truth);
}

static PyObject *bool_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *x = NULL;
    if (!_PyArg_NoKeywords("bool", kwargs) || !PyArg_UnpackTuple(args, "bool", 0, 1, &x)) return NULL;
    return bool_construct(x);
}

static PyObject *bool_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_NoKwnames("bool", kwnames) || !_PyArg_CheckPositional("bool", nargs, 0, 1)) return NULL;
    return bool_construct(nargs > 0 ? args[0] : NULL);
}

/* Two bools give a bool; anything else is left to int. */
static PyObject *bool_and(PyObject *a, PyObject *b) {
    if (!PyBool_Check(a) || !PyBool_Check(b)) return kr_int_number_methods.nb_and(a, b);
    return PyBool_FromLong((a == Py_True) & (b == Py_True));
}

static PyObject *bool_or(PyObject *a, PyObject *b) {
    if (!PyBool_Check(a) || !PyBool_Check(b)) return kr_int_number_methods.nb_or(a, b);
    return PyBool_FromLong((a == Py_True) | (b == Py_True));
}

static PyObject *bool_xor(PyObject *a, PyObject *b) {
    if (!PyBool_Check(a) || !PyBool_Check(b)) return kr_int_number_methods.nb_xor(a, b);
    return PyBool_FromLong((a == Py_True) ^ (b == Py_True));
}

static PyNumberMethods bool_number_methods = {
    .nb_and = bool_and,
    .nb_or = bool_or,
    .nb_xor = bool_xor,
};

PyDoc_STRVAR(bool_doc, "bool(x) -> bool\n\n"
                       "The truth value of x: True or False, which are the only bools and equal 1 and 0.");

/* The two objects are static; their counts never fall to zero in correct code. */
static void bool_dealloc(PyObject *self) { Py_SET_REFCNT(self, 999999999); }

PyTypeObject PyBool_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "bool",
    .tp_basicsize = sizeof(struct _longobject),
    .tp_dealloc = bool_dealloc,
    .tp_repr = bool_repr,
    .tp_as_number = &bool_number_methods,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = bool_doc,
    .tp_base = &PyLong_Type,
    .tp_new = bool_new,
    .tp_vectorcall = bool_vectorcall,
};

struct _longobject _Py_FalseStruct = {PyVarObject_HEAD_INIT(&PyBool_Type, 0){0}};
struct _longobject _Py_TrueStruct = {PyVarObject_HEAD_INIT(&PyBool_Type, 1){1}};
