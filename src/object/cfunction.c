/* Functions written in C as objects: builtin_function_or_method, and builtin_method for those that know their class. */
#include <Python.h>
#include <structmember.h>

#include "object/call.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"

#undef PyCFunction_New
#undef PyCFunction_NewEx

PyAPI_FUNC(PyObject *) PyCFunction_New(PyMethodDef *ml, PyObject *self);
PyAPI_FUNC(PyObject *) PyCFunction_NewEx(PyMethodDef *ml, PyObject *self, PyObject *module);

/* -- Calls: one function for each calling convention --------------------------------------------------------------------- */

static inline int has_keywords(PyObject *kwnames) { return kwnames != NULL && PyTuple_GET_SIZE(kwnames) != 0; }

#define ENTER()                                                                                                        \
    if (Py_EnterRecursiveCall(" while calling a Python object")) return NULL
#define FUNCTION(type) ((type)(void (*)(void))PyCFunction_GET_FUNCTION(self))

static PyObject *vectorcall_noargs(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (has_keywords(kwnames) && kr_call_refuse_keywords(self)) return NULL;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count != 0) return kr_call_wrong_count(self, "no arguments", count);
    ENTER();
    return kr_call_leave(FUNCTION(PyCFunction)(PyCFunction_GET_SELF(self), NULL));
}

static PyObject *vectorcall_o(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (has_keywords(kwnames) && kr_call_refuse_keywords(self)) return NULL;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count != 1) return kr_call_wrong_count(self, "exactly one argument", count);
    ENTER();
    return kr_call_leave(FUNCTION(PyCFunction)(PyCFunction_GET_SELF(self), args[0]));
}

static PyObject *vectorcall_fast(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (has_keywords(kwnames) && kr_call_refuse_keywords(self)) return NULL;
    ENTER();
    return kr_call_leave(FUNCTION(_PyCFunctionFast)(PyCFunction_GET_SELF(self), args, PyVectorcall_NARGS(nargsf)));
}

static PyObject *vectorcall_fast_keywords(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    ENTER();
    return kr_call_leave(
        FUNCTION(_PyCFunctionFastWithKeywords)(PyCFunction_GET_SELF(self), args, PyVectorcall_NARGS(nargsf), kwnames));
}

static PyObject *vectorcall_method(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    ENTER();
    return kr_call_leave(FUNCTION(PyCMethod)(PyCFunction_GET_SELF(self), PyCFunction_GET_CLASS(self), args,
                                     PyVectorcall_NARGS(nargsf), kwnames));
}

/* tp_call: the conventions that want a tuple. */
static PyObject *function_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    int flags = PyCFunction_GET_FLAGS(self);
    if (!(flags & METH_VARARGS)) return PyVectorcall_Call(self, args, kwargs);
    PyObject *receiver = PyCFunction_GET_SELF(self), *result;
    if (flags & METH_KEYWORDS) {
        result = FUNCTION(PyCFunctionWithKeywords)(receiver, args, kwargs);
    } else {
        if (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0 && kr_call_refuse_keywords(self)) return NULL;
        result = FUNCTION(PyCFunction)(receiver, args);
    }
    return _Py_CheckFunctionResult(kr_tstate(), self, result, NULL);
}

PyObject *PyCFunction_Call(PyObject *callable, PyObject *args, PyObject *kwargs) {
    return PyObject_Call(callable, args, kwargs);
}

/* -- Making ------------------------------------------------------------------------------------------------------------------ */

static int choose_vectorcall(PyMethodDef *ml, vectorcallfunc *vectorcall) {
    switch (ml->ml_flags & (METH_VARARGS | METH_FASTCALL | METH_NOARGS | METH_O | METH_KEYWORDS | METH_METHOD)) {
    case METH_VARARGS:
    case METH_VARARGS | METH_KEYWORDS: *vectorcall = NULL; return 0;
    case METH_FASTCALL: *vectorcall = vectorcall_fast; return 0;
    case METH_FASTCALL | METH_KEYWORDS: *vectorcall = vectorcall_fast_keywords; return 0;
    case METH_NOARGS: *vectorcall = vectorcall_noargs; return 0;
    case METH_O: *vectorcall = vectorcall_o; return 0;
    case METH_METHOD | METH_FASTCALL | METH_KEYWORDS: *vectorcall = vectorcall_method; return 0;
    default: PyErr_Format(PyExc_SystemError, "%s() method: bad call flags", ml->ml_name); return -1;
    }
}

PyObject *PyCMethod_New(PyMethodDef *ml, PyObject *self, PyObject *module, PyTypeObject *cls) {
    vectorcallfunc vectorcall;
    if (choose_vectorcall(ml, &vectorcall) < 0) return NULL;
    PyCFunctionObject *function;
    if (ml->ml_flags & METH_METHOD) {
        if (cls == NULL) {
            PyErr_SetString(PyExc_SystemError,
                            "attempting to create PyCMethod with a METH_METHOD flag but no class");
            return NULL;
        }
        PyCMethodObject *method = PyObject_GC_New(PyCMethodObject, &PyCMethod_Type);
        if (method == NULL) return NULL;
        method->mm_class = (PyTypeObject *)Py_NewRef(cls);
        function = &method->func;
    } else {
        if (cls != NULL) {
            PyErr_SetString(PyExc_SystemError,
                            "attempting to create PyCFunction with class but no METH_METHOD flag");
            return NULL;
        }
        function = PyObject_GC_New(PyCFunctionObject, &PyCFunction_Type);
        if (function == NULL) return NULL;
    }
    function->m_weakreflist = NULL;
    function->m_ml = ml;
    function->m_self = Py_XNewRef(self);
    function->m_module = Py_XNewRef(module);
    function->vectorcall = vectorcall;
    PyObject_GC_Track(function);
    return (PyObject *)function;
}

PyObject *PyCFunction_NewEx(PyMethodDef *ml, PyObject *self, PyObject *module) {
    return PyCMethod_New(ml, self, module, NULL);
}

PyObject *PyCFunction_New(PyMethodDef *ml, PyObject *self) { return PyCMethod_New(ml, self, NULL, NULL); }

/* -- Reading ----------------------------------------------------------------------------------------------------------------- */

PyCFunction PyCFunction_GetFunction(PyObject *op) {
    if (PyCFunction_Check(op)) return PyCFunction_GET_FUNCTION(op);
    PyErr_BadInternalCall();
    return NULL;
}

PyObject *PyCFunction_GetSelf(PyObject *op) {
    if (PyCFunction_Check(op)) return PyCFunction_GET_SELF(op);
    PyErr_BadInternalCall();
    return NULL;
}

int PyCFunction_GetFlags(PyObject *op) {
    if (PyCFunction_Check(op)) return PyCFunction_GET_FLAGS(op);
    PyErr_BadInternalCall();
    return -1;
}

static inline PyCFunctionObject *cast(PyObject *self) { return (PyCFunctionObject *)self; }

/* True for functions of a module, as opposed to methods bound to an object. */
static int is_plain_function(PyCFunctionObject *function) {
    return function->m_self == NULL || PyModule_Check(function->m_self);
}

static PyObject *get_doc(PyObject *self, void *closure) {
    return _PyType_GetDocFromInternalDoc(cast(self)->m_ml->ml_name, cast(self)->m_ml->ml_doc);
}

static PyObject *get_text_signature(PyObject *self, void *closure) {
    return _PyType_GetTextSignatureFromInternalDoc(cast(self)->m_ml->ml_name, cast(self)->m_ml->ml_doc);
}

static PyObject *get_name(PyObject *self, void *closure) { return PyUnicode_FromString(cast(self)->m_ml->ml_name); }

static PyObject *get_qualname(PyObject *self, void *closure) {
    PyCFunctionObject *function = cast(self);
    if (is_plain_function(function)) return PyUnicode_FromString(function->m_ml->ml_name);
    PyObject *type = PyType_Check(function->m_self) ? function->m_self : (PyObject *)Py_TYPE(function->m_self);
    PyObject *type_name = PyObject_GetAttr(type, KR_NAME(__qualname__));
    if (type_name == NULL) return NULL;
    PyObject *result = NULL;
    if (PyUnicode_Check(type_name)) {
        result = PyUnicode_FromFormat("%S.%s", type_name, function->m_ml->ml_name);
    } else {
        PyErr_SetString(PyExc_TypeError, "<method>.__class__.__qualname__ is not a unicode object");
    }
    Py_DECREF(type_name);
    return result;
}

static PyObject *get_self(PyObject *self, void *closure) {
    PyObject *receiver = PyCFunction_GET_SELF(self);
    return Py_NewRef(receiver != NULL ? receiver : Py_None);
}

static PyGetSetDef function_getset[] = {
    {"__doc__", get_doc}, {"__name__", get_name}, {"__qualname__", get_qualname}, {"__self__", get_self},
    {"__text_signature__", get_text_signature}, {NULL},
};

static PyMemberDef function_members[] = {
    {"__module__", T_OBJECT, offsetof(PyCFunctionObject, m_module)},
    {NULL},
};

static PyObject *function_reduce(PyObject *self, PyObject *unused) {
    PyCFunctionObject *function = cast(self);
    if (is_plain_function(function)) return PyUnicode_FromString(function->m_ml->ml_name);
    PyObject *getattr = _PyEval_GetBuiltin(KR_NAME(getattr));
    if (getattr == NULL) return NULL;
    return Py_BuildValue("N(Os)", getattr, function->m_self, function->m_ml->ml_name);
}

static PyMethodDef function_methods[] = {
    {"__reduce__", function_reduce, METH_NOARGS, NULL},
    {NULL},
};

static PyObject *function_repr(PyObject *self) {
    PyCFunctionObject *function = cast(self);
    if (is_plain_function(function)) return PyUnicode_FromFormat("<built-in function %s>", function->m_ml->ml_name);
    return PyUnicode_FromFormat("<built-in method %s of %s object at %p>", function->m_ml->ml_name,
                                Py_TYPE(function->m_self)->tp_name, function->m_self);
}

static PyObject *function_richcompare(PyObject *self, PyObject *other, int op) {
    if ((op != Py_EQ && op != Py_NE) || !PyCFunction_Check(self) || !PyCFunction_Check(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    int equal =
        cast(self)->m_self == cast(other)->m_self && cast(self)->m_ml->ml_meth == cast(other)->m_ml->ml_meth;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t function_hash(PyObject *self) {
    Py_hash_t hash = _Py_HashPointer(cast(self)->m_self) ^ _Py_HashPointer((void *)cast(self)->m_ml->ml_meth);
    return hash == -1 ? -2 : hash;
}

/* -- Life ---------------------------------------------------------------------------------------------------------------------- */

static void function_dealloc(PyObject *self) {
    PyCFunctionObject *function = cast(self);
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, function_dealloc)
    if (function->m_weakreflist != NULL) PyObject_ClearWeakRefs(self);
    /* The definition may live in an object that m_self keeps alive: read the flags first. */
    Py_XDECREF(PyCFunction_GET_CLASS(self));
    Py_XDECREF(function->m_self);
    Py_XDECREF(function->m_module);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

static int function_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(cast(self)->m_self);
    Py_VISIT(cast(self)->m_module);
    Py_VISIT(PyCFunction_GET_CLASS(self));
    return 0;
}

PyTypeObject PyCFunction_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "builtin_function_or_method",
    .tp_basicsize = sizeof(PyCFunctionObject),
    .tp_dealloc = function_dealloc,
    .tp_vectorcall_offset = offsetof(PyCFunctionObject, vectorcall),
    .tp_repr = function_repr,
    .tp_hash = function_hash,
    .tp_call = function_call,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_traverse = function_traverse,
    .tp_richcompare = function_richcompare,
    .tp_weaklistoffset = offsetof(PyCFunctionObject, m_weakreflist),
    .tp_methods = function_methods,
    .tp_members = function_members,
    .tp_getset = function_getset,
};

PyTypeObject PyCMethod_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "builtin_method",
    .tp_basicsize = sizeof(PyCMethodObject),
    .tp_base = &PyCFunction_Type,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};
