/* _csv.Dialect: the checked settings of a reader or writer. */
#include <Python.h>
#include <structmember.h>

#include "modules/_csv/csv.h"
#include "object/names.h"

#include <stddef.h>

enum { DELIMITER, DOUBLEQUOTE, ESCAPECHAR, LINETERMINATOR, QUOTECHAR, QUOTING, SKIPINITIALSPACE, STRICT, SETTINGS };

static const char *const setting_names[SETTINGS] = {"delimiter", "doublequote", "escapechar",       "lineterminator",
                                                    "quotechar", "quoting",     "skipinitialspace", "strict"};

/* Each of these reads one setting, or its default if `value` is NULL. They return 0, or -1 with TypeError. */

static int read_flag(char *target, PyObject *value, int fallback) {
    int truth = value != NULL ? PyObject_IsTrue(value) : fallback;
    if (truth < 0) return -1;
    *target = (char)truth;
    return 0;
}

static int read_quoting(int *target, PyObject *value) {
    *target = QUOTE_MINIMAL;
    if (value == NULL) return 0;
    if (!PyLong_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "\"quoting\" must be an integer");
        return -1;
    }
    *target = _PyLong_AsInt(value);
    return *target == -1 && PyErr_Occurred() ? -1 : 0;
}

static int read_character(Py_UCS4 *target, const char *name, PyObject *value, Py_UCS4 fallback, int may_be_none) {
    *target = fallback;
    if (value == NULL) return 0;
    if (may_be_none && value == Py_None) {
        *target = NOT_SET;
        return 0;
    }
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "\"%s\" must be string%s, not %.200s", name, may_be_none ? " or None" : "",
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    if (PyUnicode_READY(value) < 0) return -1;
    if (PyUnicode_GET_LENGTH(value) != 1) {
        PyErr_Format(PyExc_TypeError, "\"%s\" must be a 1-character string", name);
        return -1;
    }
    *target = PyUnicode_READ_CHAR(value, 0);
    return 0;
}

static int read_lineterminator(PyObject **target, PyObject *value) {
    if (value == NULL) {
        *target = PyUnicode_FromString("\r\n");
        return *target != NULL ? 0 : -1;
    }
    if (value == Py_None) {
        PyErr_SetString(PyExc_TypeError, "lineterminator must be set");
        return -1;
    }
    if (!PyUnicode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "\"lineterminator\" must be a string");
        return -1;
    }
    if (PyUnicode_READY(value) < 0) return -1;
    *target = Py_NewRef(value);
    return 0;
}

/* Reads all settings into a new dialect and checks that they fit together. Returns 0 or -1. */
static int read_settings(Dialect *self, PyObject *const *values) {
    if (read_character(&self->delimiter, "delimiter", values[DELIMITER], ',', 0) < 0 ||
        read_flag(&self->doublequote, values[DOUBLEQUOTE], 1) < 0 ||
        read_character(&self->escapechar, "escapechar", values[ESCAPECHAR], NOT_SET, 1) < 0 ||
        read_character(&self->quotechar, "quotechar", values[QUOTECHAR], '"', 1) < 0 ||
        read_quoting(&self->quoting, values[QUOTING]) < 0 ||
        read_flag(&self->skipinitialspace, values[SKIPINITIALSPACE], 0) < 0 ||
        read_flag(&self->strict, values[STRICT], 0) < 0)
        return -1;
    if (self->quoting < QUOTE_MINIMAL || self->quoting > QUOTE_NONE) {
        PyErr_SetString(PyExc_TypeError, "bad \"quoting\" value");
        return -1;
    }
    if (values[QUOTECHAR] == Py_None && values[QUOTING] == NULL) self->quoting = QUOTE_NONE;
    if (self->quoting != QUOTE_NONE && self->quotechar == NOT_SET) {
        PyErr_SetString(PyExc_TypeError, "quotechar must be set if quoting enabled");
        return -1;
    }
    return read_lineterminator(&self->lineterminator, values[LINETERMINATOR]);
}

static PyObject *dialect_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"dialect", "delimiter", "doublequote", "escapechar", "lineterminator",
                               "quotechar", "quoting", "skipinitialspace", "strict", NULL};
    CsvState *state = csv_state_of_type(type);
    PyObject *base = NULL, *values[SETTINGS] = {NULL};
    if (state == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "|OOOOOOOOO", keywords, &base, &values[DELIMITER],
                                     &values[DOUBLEQUOTE], &values[ESCAPECHAR], &values[LINETERMINATOR],
                                     &values[QUOTECHAR], &values[QUOTING], &values[SKIPINITIALSPACE], &values[STRICT]))
        return NULL;
    if (base != NULL && PyUnicode_Check(base)) {
        base = kr_csv_find_dialect(state, base);
        if (base == NULL) return NULL;
    } else {
        Py_XINCREF(base);
    }
    int given = 0, failed = 0;
    for (int i = 0; i < SETTINGS; i++) {
        Py_XINCREF(values[i]);
        given += values[i] != NULL;
    }
    if (base != NULL && given == 0 && PyObject_TypeCheck(base, state->dialect_type)) return base;
    /* What the keyword arguments leave open comes from the base's attributes. */
    for (int i = 0; base != NULL && i < SETTINGS; i++) {
        if (values[i] != NULL) continue;
        values[i] = PyObject_GetAttrString(base, setting_names[i]);
        if (values[i] != NULL) continue;
        failed = PyErr_ExceptionMatches(PyExc_MemoryError);
        if (failed) break;
        PyErr_Clear(); /* it lacks the attribute */
    }
    Dialect *self = failed ? NULL : (Dialect *)type->tp_alloc(type, 0);
    if (self != NULL && read_settings(self, values) < 0) Py_CLEAR(self);
    for (int i = 0; i < SETTINGS; i++) Py_XDECREF(values[i]);
    Py_XDECREF(base);
    return (PyObject *)self;
}

PyObject *kr_csv_make_dialect(CsvState *state, PyObject *base, PyObject *kwargs) {
    PyObject *type = (PyObject *)state->dialect_type;
    return PyObject_VectorcallDict(type, &base, base != NULL, kwargs);
}

static int dialect_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((Dialect *)op)->lineterminator);
    return 0;
}

static int dialect_clear(PyObject *op) {
    Py_CLEAR(((Dialect *)op)->lineterminator);
    return 0;
}

static void dialect_dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    dialect_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *character_or_none(Py_UCS4 character) {
    return character == NOT_SET ? Py_NewRef(Py_None) : PyUnicode_FromOrdinal((int)character);
}

static PyObject *get_delimiter(PyObject *op, void *unused) { return character_or_none(((Dialect *)op)->delimiter); }
static PyObject *get_escapechar(PyObject *op, void *unused) { return character_or_none(((Dialect *)op)->escapechar); }
static PyObject *get_quotechar(PyObject *op, void *unused) { return character_or_none(((Dialect *)op)->quotechar); }
static PyObject *get_quoting(PyObject *op, void *unused) { return PyLong_FromLong(((Dialect *)op)->quoting); }
static PyObject *get_lineterminator(PyObject *op, void *unused) { return Py_XNewRef(((Dialect *)op)->lineterminator); }

static PyGetSetDef dialect_getset[] = {
    {"delimiter", get_delimiter},
    {"escapechar", get_escapechar},
    {"lineterminator", get_lineterminator},
    {"quotechar", get_quotechar},
    {"quoting", get_quoting},
    {NULL},
};

static PyMemberDef dialect_members[] = {
    {"skipinitialspace", T_BOOL, offsetof(Dialect, skipinitialspace), READONLY},
    {"doublequote", T_BOOL, offsetof(Dialect, doublequote), READONLY},
    {"strict", T_BOOL, offsetof(Dialect, strict), READONLY},
    {NULL},
};

PyDoc_STRVAR(reduce_doc, "Raise TypeError: dialects cannot be pickled.");

static PyObject *dialect_reduce(PyObject *self, PyObject *args) {
    PyErr_Format(PyExc_TypeError, "cannot pickle '%.100s' instances", _PyType_Name(Py_TYPE(self)));
    return NULL;
}

static PyMethodDef dialect_methods[] = {
    {"__reduce__", dialect_reduce, METH_VARARGS, reduce_doc},
    {"__reduce_ex__", dialect_reduce, METH_VARARGS, reduce_doc},
    {NULL},
};

PyDoc_STRVAR(dialect_doc, "The format of a CSV file: delimiter, quoting and so on. It cannot be changed.");

static PyType_Slot dialect_slots[] = {
    {Py_tp_doc, (void *)dialect_doc},
    {Py_tp_members, dialect_members},
    {Py_tp_getset, dialect_getset},
    {Py_tp_methods, dialect_methods},
    {Py_tp_new, dialect_new},
    {Py_tp_dealloc, dialect_dealloc},
    {Py_tp_traverse, dialect_traverse},
    {Py_tp_clear, dialect_clear},
    {0, NULL},
};

PyType_Spec kr_csv_dialect_spec = {
    .name = "_csv.Dialect",
    .basicsize = sizeof(Dialect),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = dialect_slots,
};
