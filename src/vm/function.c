/* Functions made by `def` and `lambda`. */
#include <Python.h>
#include <structmember.h>

#include "collector/collector.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "types/code.h"
#include "types/str/str.h"
#include "vm/eval.h"

static struct {
    uint32_t next_version;
} state = {1};

uint32_t kr_function_version(PyFunctionObject *function) {
    if (function->func_version != 0) return function->func_version;
    if (function->vectorcall != _PyFunction_Vectorcall || state.next_version == 0) return 0;
    function->func_version = state.next_version++;
    return function->func_version;
}

/* Borrowed. */
static PyObject *doc_of(PyCodeObject *code) {
    PyObject *first = PyTuple_GET_SIZE(code->co_consts) > 0 ? PyTuple_GET_ITEM(code->co_consts, 0) : Py_None;
    return PyUnicode_Check(first) ? first : Py_None;
}

PyObject *PyFunction_NewWithQualName(PyObject *code_object, PyObject *globals, PyObject *qualname) {
    PyCodeObject *code = (PyCodeObject *)code_object;
    PyObject *module = PyDict_GetItemWithError(globals, KR_NAME(__name__));
    if (module == NULL && PyErr_Occurred()) return NULL;
    PyObject *builtins = kr_builtins_from_globals(globals);
    if (builtins == NULL) return NULL;
    PyFunctionObject *self = PyObject_GC_New(PyFunctionObject, &PyFunction_Type);
    if (self == NULL) {
        Py_DECREF(builtins);
        return NULL;
    }
    self->func_globals = Py_NewRef(globals);
    self->func_builtins = builtins;
    self->func_name = Py_NewRef(code->co_name);
    self->func_qualname = Py_NewRef(qualname != NULL ? qualname : code->co_qualname);
    self->func_code = Py_NewRef(code_object);
    self->func_defaults = NULL;
    self->func_kwdefaults = NULL;
    self->func_closure = NULL;
    self->func_doc = kr_code_defers_doc(code) ? NULL : Py_NewRef(doc_of(code)); /* NULL: as the code says */
    self->func_dict = NULL;
    self->func_weakreflist = NULL;
    self->func_module = Py_XNewRef(module);
    self->func_annotations = NULL;
    self->vectorcall = _PyFunction_Vectorcall;
    self->func_version = 0;
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

PyObject *PyFunction_New(PyObject *code, PyObject *globals) { return PyFunction_NewWithQualName(code, globals, NULL); }

#define CHECK_FUNCTION(op, failure)                                                                                    \
    if (!PyFunction_Check(op)) {                                                                                       \
        PyErr_BadInternalCall();                                                                                       \
        return failure;                                                                                                \
    }
#define GETTER(Name, member)                                                                                           \
    PyObject *PyFunction_Get##Name(PyObject *op) {                                                                     \
        CHECK_FUNCTION(op, NULL)                                                                                       \
        return ((PyFunctionObject *)op)->member;                                                                       \
    }
GETTER(Code, func_code)
GETTER(Globals, func_globals)
GETTER(Module, func_module)
GETTER(Defaults, func_defaults)
GETTER(KwDefaults, func_kwdefaults)
GETTER(Closure, func_closure)

int PyFunction_SetDefaults(PyObject *op, PyObject *defaults) {
    CHECK_FUNCTION(op, -1)
    if (defaults == Py_None) defaults = NULL;
    if (defaults != NULL && !PyTuple_Check(defaults)) {
        PyErr_SetString(PyExc_SystemError, "non-tuple default args");
        return -1;
    }
    ((PyFunctionObject *)op)->func_version = 0;
    Py_XSETREF(((PyFunctionObject *)op)->func_defaults, Py_XNewRef(defaults));
    return 0;
}

int PyFunction_SetKwDefaults(PyObject *op, PyObject *defaults) {
    CHECK_FUNCTION(op, -1)
    if (defaults == Py_None) defaults = NULL;
    if (defaults != NULL && !PyDict_Check(defaults)) {
        PyErr_SetString(PyExc_SystemError, "non-dict keyword only default args");
        return -1;
    }
    ((PyFunctionObject *)op)->func_version = 0;
    Py_XSETREF(((PyFunctionObject *)op)->func_kwdefaults, Py_XNewRef(defaults));
    return 0;
}

int PyFunction_SetClosure(PyObject *op, PyObject *closure) {
    CHECK_FUNCTION(op, -1)
    if (closure == Py_None) closure = NULL;
    if (closure != NULL && !PyTuple_Check(closure)) {
        PyErr_Format(PyExc_SystemError, "expected tuple for closure, got '%.100s'", Py_TYPE(closure)->tp_name);
        return -1;
    }
    ((PyFunctionObject *)op)->func_version = 0;
    Py_XSETREF(((PyFunctionObject *)op)->func_closure, Py_XNewRef(closure));
    return 0;
}

/* The compiler leaves annotations as a flat tuple (name, value ...); the first look makes a dict of it. Borrowed. */
static PyObject *annotations_of(PyFunctionObject *self) {
    if (self->func_annotations == NULL) return NULL;
    if (PyTuple_CheckExact(self->func_annotations)) {
        PyObject *flat = self->func_annotations, *dict = PyDict_New();
        if (dict == NULL) return NULL;
        for (Py_ssize_t i = 0; i + 1 < PyTuple_GET_SIZE(flat); i += 2)
            if (PyDict_SetItem(dict, PyTuple_GET_ITEM(flat, i), PyTuple_GET_ITEM(flat, i + 1)) < 0) {
                Py_DECREF(dict);
                return NULL;
            }
        Py_SETREF(self->func_annotations, dict);
    }
    return self->func_annotations;
}

PyObject *PyFunction_GetAnnotations(PyObject *op) {
    CHECK_FUNCTION(op, NULL)
    return annotations_of((PyFunctionObject *)op);
}

int PyFunction_SetAnnotations(PyObject *op, PyObject *annotations) {
    CHECK_FUNCTION(op, -1)
    if (annotations == Py_None) annotations = NULL;
    if (annotations != NULL && !PyDict_Check(annotations)) {
        PyErr_SetString(PyExc_SystemError, "non-dict annotations");
        return -1;
    }
    ((PyFunctionObject *)op)->func_version = 0;
    Py_XSETREF(((PyFunctionObject *)op)->func_annotations, Py_XNewRef(annotations));
    return 0;
}

/* ---- Attributes ---- */

static PyMemberDef function_members[] = {
    {"__closure__", T_OBJECT, offsetof(PyFunctionObject, func_closure), READONLY},
    {"__globals__", T_OBJECT, offsetof(PyFunctionObject, func_globals), READONLY},
    {"__module__", T_OBJECT, offsetof(PyFunctionObject, func_module), 0},
    {"__builtins__", T_OBJECT, offsetof(PyFunctionObject, func_builtins), READONLY},
    {NULL},
};

/* Sees to it that func_doc is set. Returns 0, or -1 with an exception. */
static int load_doc(PyFunctionObject *self) {
    if (self->func_doc != NULL) return 0;
    if (kr_code_load((PyCodeObject *)self->func_code) < 0) return -1;
    self->func_doc = Py_NewRef(doc_of((PyCodeObject *)self->func_code));
    return 0;
}

static PyObject *get_doc(PyFunctionObject *self, void *closure) {
    return load_doc(self) < 0 ? NULL : Py_NewRef(self->func_doc);
}

static int set_doc(PyFunctionObject *self, PyObject *doc, void *closure) {
    Py_XSETREF(self->func_doc, Py_NewRef(doc == NULL ? Py_None : doc));
    return 0;
}

static PyObject *get_code(PyFunctionObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, "__code__") < 0) return NULL;
    return Py_NewRef(self->func_code);
}

static int set_code(PyFunctionObject *self, PyObject *value, void *closure) {
    if (value == NULL || !PyCode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__code__ must be set to a code object");
        return -1;
    }
    if (PySys_Audit("object.__setattr__", "OsO", self, "__code__", value) < 0) return -1;
    Py_ssize_t closed = self->func_closure == NULL ? 0 : PyTuple_GET_SIZE(self->func_closure);
    int free_variables = ((PyCodeObject *)value)->co_nfreevars;
    if (closed != free_variables) {
        PyErr_Format(PyExc_ValueError, "%U() requires a code object with %zd free vars, not %d", self->func_name, closed,
                     free_variables);
        return -1;
    }
    if (load_doc(self) < 0) return -1; /* it comes from the first code */
    self->func_version = 0;
    Py_XSETREF(self->func_code, Py_NewRef(value));
    return 0;
}

static PyObject *get_name(PyFunctionObject *self, void *closure) { return Py_NewRef(self->func_name); }

static int set_name(PyFunctionObject *self, PyObject *value, void *closure) {
    if (value == NULL || !PyUnicode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__name__ must be set to a string object");
        return -1;
    }
    Py_XSETREF(self->func_name, Py_NewRef(value));
    return 0;
}

static PyObject *get_qualname(PyFunctionObject *self, void *closure) { return Py_NewRef(self->func_qualname); }

static int set_qualname(PyFunctionObject *self, PyObject *value, void *closure) {
    if (value == NULL || !PyUnicode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__qualname__ must be set to a string object");
        return -1;
    }
    Py_XSETREF(self->func_qualname, Py_NewRef(value));
    return 0;
}

static PyObject *get_defaults(PyFunctionObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, "__defaults__") < 0) return NULL;
    return Py_NewRef(self->func_defaults == NULL ? Py_None : self->func_defaults);
}

static int set_defaults(PyFunctionObject *self, PyObject *value, void *closure) {
    if (value == Py_None) value = NULL;
    if (value != NULL && !PyTuple_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__defaults__ must be set to a tuple object");
        return -1;
    }
    if (PySys_Audit(value ? "object.__setattr__" : "object.__delattr__", value ? "OsO" : "Os", self, "__defaults__", value) < 0)
        return -1;
    self->func_version = 0;
    Py_XSETREF(self->func_defaults, Py_XNewRef(value));
    return 0;
}

static PyObject *get_kwdefaults(PyFunctionObject *self, void *closure) {
    if (PySys_Audit("object.__getattr__", "Os", self, "__kwdefaults__") < 0) return NULL;
    return Py_NewRef(self->func_kwdefaults == NULL ? Py_None : self->func_kwdefaults);
}

static int set_kwdefaults(PyFunctionObject *self, PyObject *value, void *closure) {
    if (value == Py_None) value = NULL;
    if (value != NULL && !PyDict_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__kwdefaults__ must be set to a dict object");
        return -1;
    }
    if (PySys_Audit(value ? "object.__setattr__" : "object.__delattr__", value ? "OsO" : "Os", self, "__kwdefaults__", value) < 0)
        return -1;
    self->func_version = 0;
    Py_XSETREF(self->func_kwdefaults, Py_XNewRef(value));
    return 0;
}

static PyObject *get_annotations(PyFunctionObject *self, void *closure) {
    if (self->func_annotations == NULL) {
        self->func_annotations = PyDict_New();
        if (self->func_annotations == NULL) return NULL;
    }
    return Py_XNewRef(annotations_of(self));
}

static int set_annotations(PyFunctionObject *self, PyObject *value, void *closure) {
    if (value == Py_None) value = NULL;
    if (value != NULL && !PyDict_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__annotations__ must be set to a dict object");
        return -1;
    }
    self->func_version = 0;
    Py_XSETREF(self->func_annotations, Py_XNewRef(value));
    return 0;
}

static PyGetSetDef function_getset[] = {
    {"__doc__", (getter)get_doc, (setter)set_doc},
    {"__code__", (getter)get_code, (setter)set_code},
    {"__defaults__", (getter)get_defaults, (setter)set_defaults},
    {"__kwdefaults__", (getter)get_kwdefaults, (setter)set_kwdefaults},
    {"__annotations__", (getter)get_annotations, (setter)set_annotations},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {"__name__", (getter)get_name, (setter)set_name},
    {"__qualname__", (getter)get_qualname, (setter)set_qualname},
    {NULL},
};

/* ---- The type ---- */

static PyObject *function_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"code", "globals", "name", "argdefs", "closure", NULL};
    PyCodeObject *code;
    PyObject *globals, *name = Py_None, *defaults = Py_None, *closure = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!O!|OOO:function", keywords, &PyCode_Type, &code, &PyDict_Type,
                                     &globals, &name, &defaults, &closure))
        return NULL;
    if (name != Py_None && !PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "arg 3 (name) must be None or string");
        return NULL;
    }
    if (defaults != Py_None && !PyTuple_Check(defaults)) {
        PyErr_SetString(PyExc_TypeError, "arg 4 (defaults) must be None or tuple");
        return NULL;
    }
    Py_ssize_t free_variables = code->co_nfreevars;
    if (!PyTuple_Check(closure)) {
        if (free_variables && closure == Py_None) {
            PyErr_SetString(PyExc_TypeError, "arg 5 (closure) must be tuple");
            return NULL;
        }
        if (closure != Py_None) {
            PyErr_SetString(PyExc_TypeError, "arg 5 (closure) must be None or tuple");
            return NULL;
        }
    }
    Py_ssize_t closed = closure == Py_None ? 0 : PyTuple_GET_SIZE(closure);
    if (free_variables != closed) {
        PyErr_Format(PyExc_ValueError, "%U requires closure of length %zd, not %zd", code->co_name, free_variables, closed);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < closed; i++)
        if (!PyCell_Check(PyTuple_GET_ITEM(closure, i))) {
            PyErr_Format(PyExc_TypeError, "arg 5 (closure) expected cell, found %s",
                         Py_TYPE(PyTuple_GET_ITEM(closure, i))->tp_name);
            return NULL;
        }
    if (PySys_Audit("function.__new__", "O", code) < 0) return NULL;
    PyFunctionObject *self = (PyFunctionObject *)PyFunction_New((PyObject *)code, globals);
    if (self == NULL) return NULL;
    if (name != Py_None) Py_SETREF(self->func_name, Py_NewRef(name));
    if (defaults != Py_None) self->func_defaults = Py_NewRef(defaults);
    if (closure != Py_None) self->func_closure = Py_NewRef(closure);
    return (PyObject *)self;
}

static int function_clear(PyFunctionObject *self) {
    self->func_version = 0;
    Py_CLEAR(self->func_globals);
    Py_CLEAR(self->func_builtins);
    Py_CLEAR(self->func_module);
    Py_CLEAR(self->func_defaults);
    Py_CLEAR(self->func_kwdefaults);
    Py_CLEAR(self->func_doc);
    Py_CLEAR(self->func_dict);
    Py_CLEAR(self->func_closure);
    Py_CLEAR(self->func_annotations);
    /* The code stays until the end, and so does some name: a function that a cycle still reaches can be printed. The
     * names themselves may be part of the cycle, as instances of a class derived from str. */
    Py_SETREF(self->func_name, Py_NewRef(kr_str_empty()));
    Py_SETREF(self->func_qualname, Py_NewRef(kr_str_empty()));
    return 0;
}

static void function_dealloc(PyFunctionObject *self) {
    kr_gc_untrack((PyObject *)self);
    if (self->func_weakreflist != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    (void)function_clear(self);
    Py_DECREF(self->func_code);
    Py_DECREF(self->func_name);
    Py_DECREF(self->func_qualname);
    PyObject_GC_Del(self);
}

static int function_traverse(PyFunctionObject *self, visitproc visit, void *arg) {
    Py_VISIT(self->func_code);
    Py_VISIT(self->func_globals);
    Py_VISIT(self->func_builtins);
    Py_VISIT(self->func_module);
    Py_VISIT(self->func_defaults);
    Py_VISIT(self->func_kwdefaults);
    Py_VISIT(self->func_doc);
    Py_VISIT(self->func_name);
    Py_VISIT(self->func_dict);
    Py_VISIT(self->func_closure);
    Py_VISIT(self->func_annotations);
    Py_VISIT(self->func_qualname);
    return 0;
}

static PyObject *function_repr(PyFunctionObject *self) {
    return PyUnicode_FromFormat("<function %U at %p>", self->func_qualname, self);
}

static PyObject *function_get(PyObject *function, PyObject *object, PyObject *type) {
    if (object == Py_None || object == NULL) return Py_NewRef(function);
    return PyMethod_New(function, object);
}

PyDoc_STRVAR(function_doc,
             "function(code, globals, name=None, argdefs=None, closure=None)\n--\n\n"
             "A function object over a code object.\n\n"
             "globals is the dict of its global names, name overrides the code's name, argdefs is a tuple of defaults\n"
             "and closure a tuple of cells for the code's free variables.");

PyTypeObject PyFunction_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "function",
    .tp_basicsize = sizeof(PyFunctionObject),
    .tp_dealloc = (destructor)function_dealloc,
    .tp_vectorcall_offset = offsetof(PyFunctionObject, vectorcall),
    .tp_repr = (reprfunc)function_repr,
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_doc = function_doc,
    .tp_traverse = (traverseproc)function_traverse,
    .tp_clear = (inquiry)function_clear,
    .tp_weaklistoffset = offsetof(PyFunctionObject, func_weakreflist),
    .tp_members = function_members,
    .tp_getset = function_getset,
    .tp_descr_get = function_get,
    .tp_dictoffset = offsetof(PyFunctionObject, func_dict),
    .tp_new = function_new,
};
