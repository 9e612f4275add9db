/* classmethod and staticmethod. */
#include <Python.h>
#include <structmember.h>

#include "object/names.h"
#include "object/object.h"

/* Both have the same shape: the wrapped callable, and a dict for its name, docstring and so on. */
typedef struct {
    PyObject_HEAD
    PyObject *callable;
    PyObject *dict;
} KrMethodWrapperObject;

static inline KrMethodWrapperObject *cast(PyObject *self) { return (KrMethodWrapperObject *)self; }

static int copy_attribute(PyObject *self, PyObject *name) {
    PyObject *value;
    int status = _PyObject_LookupAttr(cast(self)->callable, name, &value);
    if (status > 0) {
        status = PyObject_SetAttr(self, name, value);
        Py_DECREF(value);
    }
    return status;
}

/* Makes the wrapper look like what it wraps. */
static int copy_attributes(PyObject *self) {
    PyObject *names[] = {KR_NAME(__module__), KR_NAME(__name__), KR_NAME(__qualname__), KR_NAME(__doc__),
                         KR_NAME(__annotations__)};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
        if (names[i] == NULL || copy_attribute(self, names[i]) < 0) return -1;
    }
    return 0;
}

static int initialize(PyObject *self, PyObject *args, PyObject *kwargs, const char *name) {
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0) {
        PyErr_Format(PyExc_TypeError, "%s() takes no keyword arguments", name);
        return -1;
    }
    PyObject *callable;
    if (!PyArg_UnpackTuple(args, name, 1, 1, &callable)) return -1;
    Py_INCREF(callable);
    Py_XSETREF(cast(self)->callable, callable);
    return copy_attributes(self);
}

static void method_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_XDECREF(cast(self)->callable);
    Py_XDECREF(cast(self)->dict);
    Py_TYPE(self)->tp_free(self);
}

static int method_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(cast(self)->dict);
    Py_VISIT(cast(self)->callable);
    return 0;
}

static int method_clear(PyObject *self) {
    Py_CLEAR(cast(self)->callable);
    Py_CLEAR(cast(self)->dict);
    return 0;
}

static PyObject *is_abstract(PyObject *self, void *closure) {
    int abstract = _PyObject_IsAbstract(cast(self)->callable);
    return abstract < 0 ? NULL : PyBool_FromLong(abstract);
}

static PyMemberDef method_members[] = {
    {"__func__", T_OBJECT, offsetof(KrMethodWrapperObject, callable), READONLY},
    {"__wrapped__", T_OBJECT, offsetof(KrMethodWrapperObject, callable), READONLY},
    {NULL},
};

static PyGetSetDef method_getset[] = {
    {"__isabstractmethod__", is_abstract},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {NULL},
};

static PyObject *make(PyTypeObject *type, PyObject *callable) {
    PyObject *self = PyType_GenericAlloc(type, 0);
    if (self != NULL) cast(self)->callable = Py_NewRef(callable);
    return self;
}

/* -- classmethod ------------------------------------------------------------------------------------------------------------------ */

PyObject *PyClassMethod_New(PyObject *callable) { return make(&PyClassMethod_Type, callable); }

static int class_method_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    return initialize(self, args, kwargs, "classmethod");
}

static PyObject *class_method_get(PyObject *self, PyObject *obj, PyObject *type) {
    PyObject *callable = cast(self)->callable;
    if (callable == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "uninitialized classmethod object");
        return NULL;
    }
    if (type == NULL) type = (PyObject *)Py_TYPE(obj);
    /* A descriptor, such as a property, is bound to the class as to an instance. */
    descrgetfunc get = Py_TYPE(callable)->tp_descr_get;
    return get != NULL ? get(callable, type, type) : PyMethod_New(callable, type);
}

static PyObject *class_method_repr(PyObject *self) {
    return PyUnicode_FromFormat("<classmethod(%R)>", cast(self)->callable);
}

PyDoc_STRVAR(class_method_doc, "classmethod(function) -> method\n\n"
                               "Make a method that gets the class as its first argument. Used as a decorator.");

PyTypeObject PyClassMethod_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "classmethod",
    .tp_basicsize = sizeof(KrMethodWrapperObject),
    .tp_dealloc = method_dealloc,
    .tp_repr = class_method_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = class_method_doc,
    .tp_traverse = method_traverse,
    .tp_clear = method_clear,
    .tp_members = method_members,
    .tp_getset = method_getset,
    .tp_descr_get = class_method_get,
    .tp_dictoffset = offsetof(KrMethodWrapperObject, dict),
    .tp_init = class_method_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = PyType_GenericNew,
    .tp_free = PyObject_GC_Del,
};

/* -- staticmethod ----------------------------------------------------------------------------------------------------------------- */

PyObject *PyStaticMethod_New(PyObject *callable) { return make(&PyStaticMethod_Type, callable); }

static int static_method_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    return initialize(self, args, kwargs, "staticmethod");
}

static PyObject *static_method_get(PyObject *self, PyObject *obj, PyObject *type) {
    if (cast(self)->callable == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "uninitialized staticmethod object");
        return NULL;
    }
    return Py_NewRef(cast(self)->callable);
}

static PyObject *static_method_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (cast(self)->callable == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "uninitialized staticmethod object");
        return NULL;
    }
    return PyObject_Call(cast(self)->callable, args, kwargs);
}

static PyObject *static_method_repr(PyObject *self) {
    return PyUnicode_FromFormat("<staticmethod(%R)>", cast(self)->callable);
}

PyDoc_STRVAR(static_method_doc, "staticmethod(function) -> method\n\n"
                                "Make a method that gets neither instance nor class. Used as a decorator.");

PyTypeObject PyStaticMethod_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "staticmethod",
    .tp_basicsize = sizeof(KrMethodWrapperObject),
    .tp_dealloc = method_dealloc,
    .tp_repr = static_method_repr,
    .tp_call = static_method_call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = static_method_doc,
    .tp_traverse = method_traverse,
    .tp_clear = method_clear,
    .tp_members = method_members,
    .tp_getset = method_getset,
    .tp_descr_get = static_method_get,
    .tp_dictoffset = offsetof(KrMethodWrapperObject, dict),
    .tp_init = static_method_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = PyType_GenericNew,
    .tp_free = PyObject_GC_Del,
};
