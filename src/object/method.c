/* Bound methods: a function and the object that becomes its first argument. */
#include <Python.h>
#include <structmember.h>
#include <string.h>

#include "heap/heap.h"
#include "object/call.h"
#include "object/method.h"
#include "object/names.h"
#include "object/object.h"

static inline PyMethodObject *cast(PyObject *self) { return (PyMethodObject *)self; }

/* Methods come and go all the time: blocks of dead ones are kept, linked through im_self. */
enum { FREE_LIST_LIMIT = KR_FREE_LIST(64) };

static struct {
    PyMethodObject *first;
    int count;
} state;

void kr_method_clear_free_list(void) {
    while (state.first != NULL) {
        PyMethodObject *method = state.first;
        state.first = (PyMethodObject *)method->im_self;
        PyObject_GC_Del(method);
    }
    state.count = 0;
}

void kr_method_debug_stats(FILE *out) {
    _PyDebugAllocatorStats(out, "free PyMethodObject", state.count, sizeof(PyMethodObject));
}

/* -- Calls --------------------------------------------------------------------------------------------------------------------- */

static PyObject *method_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    PyObject *function = cast(self)->im_func, *receiver = cast(self)->im_self;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (nargsf & PY_VECTORCALL_ARGUMENTS_OFFSET) {
        PyObject **with_self = (PyObject **)args - 1;
        PyObject *saved = with_self[0];
        with_self[0] = receiver;
        PyObject *result = PyObject_Vectorcall(function, with_self, count + 1, kwnames);
        with_self[0] = saved;
        return result;
    }
    return kr_call_prepend(function, receiver, args, count, kwnames);
}

/* -- Making -------------------------------------------------------------------------------------------------------------------- */

PyObject *PyMethod_New(PyObject *function, PyObject *self) {
    if (self == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    PyMethodObject *method = state.first;
    if (method != NULL) {
        state.first = (PyMethodObject *)method->im_self;
        state.count--;
        (void)PyObject_Init((PyObject *)method, &PyMethod_Type);
    } else {
        method = PyObject_GC_New(PyMethodObject, &PyMethod_Type);
        if (method == NULL) return NULL;
    }
    method->im_weakreflist = NULL;
    method->im_func = Py_NewRef(function);
    method->im_self = Py_NewRef(self);
    method->vectorcall = method_vectorcall;
    PyObject_GC_Track(method);
    return (PyObject *)method;
}

static PyObject *method_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *function, *instance;
    if (!_PyArg_NoKeywords("method", kwargs)) return NULL;
    if (!PyArg_UnpackTuple(args, "method", 2, 2, &function, &instance)) return NULL;
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "first argument must be callable");
        return NULL;
    }
    if (instance == Py_None) {
        PyErr_SetString(PyExc_TypeError, "instance must not be None");
        return NULL;
    }
    return PyMethod_New(function, instance);
}

static void method_dealloc(PyObject *self) {
    PyMethodObject *method = cast(self);
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, method_dealloc)
    if (method->im_weakreflist != NULL) PyObject_ClearWeakRefs(self);
    Py_DECREF(method->im_func);
    Py_XDECREF(method->im_self);
    if (state.count < FREE_LIST_LIMIT) {
        method->im_self = (PyObject *)state.first;
        state.first = method;
        state.count++;
    } else {
        PyObject_GC_Del(self);
    }
    Py_TRASHCAN_END
}

static int method_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(cast(self)->im_func);
    Py_VISIT(cast(self)->im_self);
    return 0;
}

PyObject *PyMethod_Function(PyObject *method) {
    if (PyMethod_Check(method)) return cast(method)->im_func;
    PyErr_BadInternalCall();
    return NULL;
}

PyObject *PyMethod_Self(PyObject *method) {
    if (PyMethod_Check(method)) return cast(method)->im_self;
    PyErr_BadInternalCall();
    return NULL;
}

/* -- Attributes: its own, then the function's ------------------------------------------------------------------------------------- */

static PyObject *method_getattro(PyObject *self, PyObject *name) {
    PyObject *descriptor = _PyType_Lookup(Py_TYPE(self), name);
    if (descriptor == NULL) return PyObject_GetAttr(cast(self)->im_func, name);
    descrgetfunc get = Py_TYPE(descriptor)->tp_descr_get;
    return get != NULL ? get(descriptor, self, (PyObject *)Py_TYPE(self)) : Py_NewRef(descriptor);
}

static PyObject *get_doc(PyObject *self, void *closure) {
    return PyObject_GetAttr(cast(self)->im_func, KR_NAME(__doc__));
}

static PyObject *method_reduce(PyObject *self, PyObject *unused) {
    PyObject *name = PyObject_GetAttr(cast(self)->im_func, KR_NAME(__name__));
    if (name == NULL) return NULL;
    PyObject *getattr = _PyEval_GetBuiltin(KR_NAME(getattr));
    if (getattr == NULL) {
        Py_DECREF(name);
        return NULL;
    }
    return Py_BuildValue("N(ON)", getattr, cast(self)->im_self, name);
}

static PyObject *method_repr(PyObject *self) {
    PyObject *name;
    if (_PyObject_LookupAttr(cast(self)->im_func, KR_NAME(__qualname__), &name) < 0) return NULL;
    if (name == NULL && _PyObject_LookupAttr(cast(self)->im_func, KR_NAME(__name__), &name) < 0) return NULL;
    if (name != NULL && !PyUnicode_Check(name)) Py_CLEAR(name);
    PyObject *text = PyUnicode_FromFormat("<bound method %V of %R>", name, "?", cast(self)->im_self);
    Py_XDECREF(name);
    return text;
}

static PyObject *method_richcompare(PyObject *self, PyObject *other, int op) {
    if ((op != Py_EQ && op != Py_NE) || !PyMethod_Check(self) || !PyMethod_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    int equal = PyObject_RichCompareBool(cast(self)->im_func, cast(other)->im_func, Py_EQ);
    if (equal < 0) return NULL;
    if (equal) equal = cast(self)->im_self == cast(other)->im_self;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t method_hash(PyObject *self) {
    Py_hash_t function = PyObject_Hash(cast(self)->im_func);
    if (function == -1) return -1;
    Py_hash_t hash = _Py_HashPointer(cast(self)->im_self) ^ function;
    return hash == -1 ? -2 : hash;
}

static PyMethodDef method_methods[] = {
    {"__reduce__", method_reduce, METH_NOARGS,
     "__reduce__($self, /)\n--\n\nTell pickle how to get the method again."},
    {NULL},
};

static PyMemberDef method_members[] = {
    {"__func__", T_OBJECT, offsetof(PyMethodObject, im_func), READONLY, "the function that is called"},
    {"__self__", T_OBJECT, offsetof(PyMethodObject, im_self), READONLY, "the object that it is bound to"},
    {NULL},
};

static PyGetSetDef method_getset[] = {
    {"__doc__", get_doc},
    {NULL},
};

PyTypeObject PyMethod_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "method",
    .tp_basicsize = sizeof(PyMethodObject),
    .tp_dealloc = method_dealloc,
    .tp_vectorcall_offset = offsetof(PyMethodObject, vectorcall),
    .tp_repr = method_repr,
    .tp_hash = method_hash,
    .tp_call = PyVectorcall_Call,
    .tp_getattro = method_getattro,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = "method(function, instance, /)\n--\n\nA function with the object that is its first argument.",
    .tp_traverse = method_traverse,
    .tp_richcompare = method_richcompare,
    .tp_weaklistoffset = offsetof(PyMethodObject, im_weakreflist),
    .tp_methods = method_methods,
    .tp_members = method_members,
    .tp_getset = method_getset,
    .tp_new = method_new,
};

/* -- instancemethod: makes any callable bind as a function does ------------------------------------------------------------------- */

static inline PyObject *wrapped(PyObject *self) { return ((PyInstanceMethodObject *)self)->func; }

PyObject *PyInstanceMethod_New(PyObject *function) {
    PyInstanceMethodObject *method = PyObject_GC_New(PyInstanceMethodObject, &PyInstanceMethod_Type);
    if (method == NULL) return NULL;
    method->func = Py_NewRef(function);
    PyObject_GC_Track(method);
    return (PyObject *)method;
}

PyObject *PyInstanceMethod_Function(PyObject *method) {
    if (PyInstanceMethod_Check(method)) return wrapped(method);
    PyErr_BadInternalCall();
    return NULL;
}

static PyObject *instance_method_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *function;
    if (!_PyArg_NoKeywords("instancemethod", kwargs)) return NULL;
    if (!PyArg_UnpackTuple(args, "instancemethod", 1, 1, &function)) return NULL;
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "first argument must be callable");
        return NULL;
    }
    return PyInstanceMethod_New(function);
}

static void instance_method_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_DECREF(wrapped(self));
    PyObject_GC_Del(self);
}

static int instance_method_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(wrapped(self));
    return 0;
}

static PyObject *instance_method_getattro(PyObject *self, PyObject *name) {
    PyObject *descriptor = _PyType_Lookup(Py_TYPE(self), name);
    if (descriptor == NULL) return PyObject_GetAttr(wrapped(self), name);
    descrgetfunc get = Py_TYPE(descriptor)->tp_descr_get;
    return get != NULL ? get(descriptor, self, (PyObject *)Py_TYPE(self)) : Py_NewRef(descriptor);
}

static PyObject *instance_method_doc(PyObject *self, void *closure) {
    return PyObject_GetAttr(wrapped(self), KR_NAME(__doc__));
}

static PyObject *instance_method_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    return PyObject_Call(wrapped(self), args, kwargs);
}

static PyObject *instance_method_descr_get(PyObject *self, PyObject *obj, PyObject *type) {
    return obj == NULL ? Py_NewRef(wrapped(self)) : PyMethod_New(wrapped(self), obj);
}

static PyObject *instance_method_repr(PyObject *self) {
    PyObject *name;
    if (_PyObject_LookupAttr(wrapped(self), KR_NAME(__name__), &name) < 0) return NULL;
    if (name != NULL && !PyUnicode_Check(name)) Py_CLEAR(name);
    PyObject *text = PyUnicode_FromFormat("<instancemethod %V at %p>", name, "?", self);
    Py_XDECREF(name);
    return text;
}

static PyObject *instance_method_richcompare(PyObject *self, PyObject *other, int op) {
    if ((op != Py_EQ && op != Py_NE) || !PyInstanceMethod_Check(self) || !PyInstanceMethod_Check(other)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    int equal = PyObject_RichCompareBool(wrapped(self), wrapped(other), Py_EQ);
    return equal < 0 ? NULL : PyBool_FromLong(equal == (op == Py_EQ));
}

static PyMemberDef instance_method_members[] = {
    {"__func__", T_OBJECT, offsetof(PyInstanceMethodObject, func), READONLY, "the function that is called"},
    {NULL},
};

static PyGetSetDef instance_method_getset[] = {
    {"__doc__", instance_method_doc},
    {NULL},
};

PyTypeObject PyInstanceMethod_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "instancemethod",
    .tp_basicsize = sizeof(PyInstanceMethodObject),
    .tp_dealloc = instance_method_dealloc,
    .tp_repr = instance_method_repr,
    .tp_call = instance_method_call,
    .tp_getattro = instance_method_getattro,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "instancemethod(function)\n\nMakes a callable bind to instances of the class that it stands in.",
    .tp_traverse = instance_method_traverse,
    .tp_richcompare = instance_method_richcompare,
    .tp_members = instance_method_members,
    .tp_getset = instance_method_getset,
    .tp_descr_get = instance_method_descr_get,
    .tp_new = instance_method_new,
};
