/* types.SimpleNamespace: an object with just attributes. */
#include <Python.h>
#include <structmember.h>

#include "object/namespace.h"
#include "object/names.h"
#include "object/object.h"

typedef struct {
    PyObject_HEAD
    PyObject *dict;
} KrNamespace;

static inline KrNamespace *cast(PyObject *self) { return (KrNamespace *)self; }

static PyObject *namespace_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *self = type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    cast(self)->dict = PyDict_New();
    if (cast(self)->dict == NULL) Py_CLEAR(self);
    return self;
}

PyObject *_PyNamespace_New(PyObject *kwds) {
    PyObject *self = namespace_new(&_PyNamespace_Type, NULL, NULL);
    if (self != NULL && kwds != NULL && PyDict_Update(cast(self)->dict, kwds) < 0) Py_CLEAR(self);
    return self;
}

static int namespace_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) != 0) {
        PyErr_Format(PyExc_TypeError, "no positional arguments expected");
        return -1;
    }
    if (kwargs == NULL) return 0;
    if (!PyArg_ValidateKeywordArguments(kwargs)) return -1;
    return PyDict_Update(cast(self)->dict, kwargs);
}

static void namespace_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_CLEAR(cast(self)->dict);
    Py_TYPE(self)->tp_free(self);
}

static int namespace_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(cast(self)->dict);
    return 0;
}

static int namespace_clear(PyObject *self) {
    Py_CLEAR(cast(self)->dict);
    return 0;
}

/* Makes the list of "name=value" texts. */
static PyObject *attribute_texts(PyObject *dict) {
    PyObject *texts = PyList_New(0), *keys = PyDict_Keys(dict);
    if (texts == NULL || keys == NULL) goto error;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = PyList_GET_ITEM(keys, i);
        if (!PyUnicode_Check(key) || PyUnicode_GET_LENGTH(key) == 0) continue;
        /* A repr may have deleted it. */
        PyObject *value = PyDict_GetItemWithError(dict, key);
        if (value == NULL) {
            if (PyErr_Occurred()) goto error;
            continue;
        }
        Py_INCREF(value);
        PyObject *text = PyUnicode_FromFormat("%S=%R", key, value);
        Py_DECREF(value);
        int status = text != NULL ? PyList_Append(texts, text) : -1;
        Py_XDECREF(text);
        if (status < 0) goto error;
    }
    Py_DECREF(keys);
    return texts;
error:
    Py_XDECREF(keys);
    Py_XDECREF(texts);
    return NULL;
}

static PyObject *namespace_repr(PyObject *self) {
    const char *name = Py_IS_TYPE(self, &_PyNamespace_Type) ? "namespace" : Py_TYPE(self)->tp_name;
    int nested = Py_ReprEnter(self);
    if (nested != 0) return nested > 0 ? PyUnicode_FromFormat("%s(...)", name) : NULL;
    PyObject *texts = attribute_texts(cast(self)->dict), *separator = NULL, *joined = NULL, *result = NULL;
    if (texts == NULL) goto done;
    separator = PyUnicode_FromString(", ");
    if (separator == NULL) goto done;
    joined = PyUnicode_Join(separator, texts);
    if (joined != NULL) result = PyUnicode_FromFormat("%s(%S)", name, joined);
done:
    Py_XDECREF(texts);
    Py_XDECREF(separator);
    Py_XDECREF(joined);
    Py_ReprLeave(self);
    return result;
}

static PyObject *namespace_richcompare(PyObject *self, PyObject *other, int op) {
    if (!PyObject_TypeCheck(self, &_PyNamespace_Type) || !PyObject_TypeCheck(other, &_PyNamespace_Type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return PyObject_RichCompare(cast(self)->dict, cast(other)->dict, op);
}

static PyObject *namespace_reduce(PyObject *self, PyObject *unused) {
    PyObject *no_args = PyTuple_New(0);
    if (no_args == NULL) return NULL;
    PyObject *result = PyTuple_Pack(3, Py_TYPE(self), no_args, cast(self)->dict);
    Py_DECREF(no_args);
    return result;
}

static PyMemberDef namespace_members[] = {
    {"__dict__", T_OBJECT, offsetof(KrNamespace, dict), READONLY},
    {NULL},
};

static PyMethodDef namespace_methods[] = {
    {"__reduce__", namespace_reduce, METH_NOARGS, "Tell pickle how to rebuild the namespace."},
    {NULL},
};

PyTypeObject _PyNamespace_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "types.SimpleNamespace",
    .tp_basicsize = sizeof(KrNamespace),
    .tp_dealloc = namespace_dealloc,
    .tp_repr = namespace_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "SimpleNamespace(**kwargs)\n\nAn object with the given attributes, which shows them in its repr.",
    .tp_traverse = namespace_traverse,
    .tp_clear = namespace_clear,
    .tp_richcompare = namespace_richcompare,
    .tp_methods = namespace_methods,
    .tp_members = namespace_members,
    .tp_dictoffset = offsetof(KrNamespace, dict),
    .tp_init = namespace_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = namespace_new,
    .tp_free = PyObject_GC_Del,
};
