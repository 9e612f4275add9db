/* Descriptors of C types: methods, class methods, members, computed attributes, slot wrappers. */
#include <Python.h>
#include <structmember.h>

#include "object/call.h"
#include "object/descr.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"

/* -- What all have in common ---------------------------------------------------------------------------------------------- */

static inline PyDescrObject *common(PyObject *self) { return (PyDescrObject *)self; }

static PyObject *descr_name(PyObject *self) {
    PyObject *name = PyDescr_NAME(self);
    return name != NULL && PyUnicode_Check(name) ? name : NULL;
}

static void descr_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_XDECREF(common(self)->d_type);
    Py_XDECREF(common(self)->d_name);
    Py_XDECREF(common(self)->d_qualname);
    PyObject_GC_Del(self);
}

static int descr_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(common(self)->d_type);
    return 0;
}

static PyObject *descr_new(PyTypeObject *kind, PyTypeObject *type, const char *name) {
    PyDescrObject *self = (PyDescrObject *)PyType_GenericAlloc(kind, 0);
    if (self == NULL) return NULL;
    self->d_type = (PyTypeObject *)Py_XNewRef(type);
    self->d_name = PyUnicode_InternFromString(name);
    if (self->d_name == NULL) Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *descr_repr(PyObject *self, const char *format) {
    return PyUnicode_FromFormat(format, descr_name(self), "?", PyDescr_TYPE(self)->tp_name);
}

static PyObject *get_qualname(PyObject *self, void *closure) {
    PyDescrObject *descr = common(self);
    if (descr->d_qualname == NULL) {
        if (descr_name(self) == NULL) {
            PyErr_SetString(PyExc_TypeError, "<descriptor>.__name__ is not a unicode object");
            return NULL;
        }
        PyObject *type_name = PyObject_GetAttr((PyObject *)descr->d_type, KR_NAME(__qualname__));
        if (type_name == NULL) return NULL;
        if (PyUnicode_Check(type_name)) {
            descr->d_qualname = PyUnicode_FromFormat("%S.%S", type_name, descr->d_name);
        } else {
            PyErr_SetString(PyExc_TypeError, "<descriptor>.__objclass__.__qualname__ is not a unicode object");
        }
        Py_DECREF(type_name);
    }
    return Py_XNewRef(descr->d_qualname);
}

/* Pickled as getattr(type, name). */
static PyObject *descr_reduce(PyObject *self, PyObject *unused) {
    PyObject *getattr = _PyEval_GetBuiltin(KR_NAME(getattr));
    if (getattr == NULL) return NULL;
    return Py_BuildValue("N(OO)", getattr, PyDescr_TYPE(self), PyDescr_NAME(self));
}

static PyMethodDef descr_methods[] = {
    {"__reduce__", descr_reduce, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef descr_members[] = {
    {"__objclass__", T_OBJECT, offsetof(PyDescrObject, d_type), READONLY},
    {"__name__", T_OBJECT, offsetof(PyDescrObject, d_name), READONLY},
    {NULL},
};

int PyDescr_IsData(PyObject *descr) { return Py_TYPE(descr)->tp_descr_set != NULL; }

/* Returns 0 if the object is an instance of the descriptor's type, else -1 with TypeError. */
static int check_object(PyObject *self, PyObject *obj) {
    if (PyObject_TypeCheck(obj, PyDescr_TYPE(self))) return 0;
    PyErr_Format(PyExc_TypeError, "descriptor '%V' for '%.100s' objects doesn't apply to a '%.100s' object",
                 descr_name(self), "?", PyDescr_TYPE(self)->tp_name, Py_TYPE(obj)->tp_name);
    return -1;
}

/* -- Methods: access --------------------------------------------------------------------------------------------------------- */

static inline PyMethodDef *definition(PyObject *self) { return ((PyMethodDescrObject *)self)->d_method; }

static PyObject *method_get(PyObject *self, PyObject *obj, PyObject *type) {
    if (obj == NULL) return Py_NewRef(self);
    if (check_object(self, obj) < 0) return NULL;
    PyMethodDef *method = definition(self);
    if (!(method->ml_flags & METH_METHOD)) return PyCFunction_NewEx(method, obj, NULL);
    if (type != NULL && PyType_Check(type)) return PyCMethod_New(method, obj, NULL, PyDescr_TYPE(self));
    PyErr_Format(PyExc_TypeError, "descriptor '%V' needs a type, not '%s', as arg 2", descr_name(self), "?",
                 type != NULL ? Py_TYPE(type)->tp_name : "NULL");
    return NULL;
}

static PyObject *class_method_get(PyObject *self, PyObject *obj, PyObject *type) {
    if (type == NULL) {
        if (obj == NULL) {
            PyErr_Format(PyExc_TypeError, "descriptor '%V' for type '%.100s' needs either an object or a type",
                         descr_name(self), "?", PyDescr_TYPE(self)->tp_name);
            return NULL;
        }
        type = (PyObject *)Py_TYPE(obj);
    }
    if (!PyType_Check(type)) {
        PyErr_Format(PyExc_TypeError, "descriptor '%V' for type '%.100s' needs a type, not a '%.100s' as arg 2",
                     descr_name(self), "?", PyDescr_TYPE(self)->tp_name, Py_TYPE(type)->tp_name);
        return NULL;
    }
    if (!PyType_IsSubtype((PyTypeObject *)type, PyDescr_TYPE(self))) {
        PyErr_Format(PyExc_TypeError, "descriptor '%V' requires a subtype of '%.100s' but received '%.100s'",
                     descr_name(self), "?", PyDescr_TYPE(self)->tp_name, ((PyTypeObject *)type)->tp_name);
        return NULL;
    }
    PyMethodDef *method = definition(self);
    return PyCMethod_New(method, type, NULL, method->ml_flags & METH_METHOD ? PyDescr_TYPE(self) : NULL);
}

static PyObject *method_repr(PyObject *self) { return descr_repr(self, "<method '%V' of '%s' objects>"); }

static PyObject *method_doc(PyObject *self, void *closure) {
    return _PyType_GetDocFromInternalDoc(definition(self)->ml_name, definition(self)->ml_doc);
}

static PyObject *method_text_signature(PyObject *self, void *closure) {
    return _PyType_GetTextSignatureFromInternalDoc(definition(self)->ml_name, definition(self)->ml_doc);
}

static PyGetSetDef method_getset[] = {
    {"__doc__", method_doc},
    {"__qualname__", get_qualname},
    {"__text_signature__", method_text_signature},
    {NULL},
};

/* -- Methods: calls without binding -------------------------------------------------------------------------------------------- */

/* Checks that there is a first argument of the right type, and no keywords unless they are allowed. */
static int check_arguments(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    if (count < 1) {
        PyObject *name = _PyObject_FunctionStr(self);
        if (name == NULL) return -1;
        PyErr_Format(PyExc_TypeError, "unbound method %U needs an argument", name);
        Py_DECREF(name);
        return -1;
    }
    if (check_object(self, args[0]) < 0) return -1;
    return kwnames != NULL && PyTuple_GET_SIZE(kwnames) != 0 ? kr_call_refuse_keywords(self) : 0;
}

#define ENTER()                                                                                                        \
    if (Py_EnterRecursiveCall(" while calling a Python object")) return NULL
#define FUNCTION(type) ((type)(void (*)(void))definition(self)->ml_meth)

static PyObject *tuple_of(PyObject *const *items, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(items[i]));
    return tuple;
}

static PyObject *vectorcall_varargs(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (check_arguments(self, args, count, kwnames) < 0) return NULL;
    PyObject *tuple = tuple_of(args + 1, count - 1);
    if (tuple == NULL) return NULL;
    PyObject *result = NULL;
    if (!Py_EnterRecursiveCall(" while calling a Python object")) {
        result = kr_call_leave(FUNCTION(PyCFunction)(args[0], tuple));
    }
    Py_DECREF(tuple);
    return result;
}

static PyObject *vectorcall_varargs_keywords(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (check_arguments(self, args, count, NULL) < 0) return NULL;
    PyObject *tuple = tuple_of(args + 1, count - 1), *dict = NULL, *result = NULL;
    if (tuple == NULL) return NULL;
    if (kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0) {
        dict = _PyStack_AsDict(args + count, kwnames);
        if (dict == NULL) goto done;
    }
    if (!Py_EnterRecursiveCall(" while calling a Python object")) {
        result = kr_call_leave(FUNCTION(PyCFunctionWithKeywords)(args[0], tuple, dict));
    }
done:
    Py_DECREF(tuple);
    Py_XDECREF(dict);
    return result;
}

static PyObject *vectorcall_fast(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (check_arguments(self, args, count, kwnames) < 0) return NULL;
    ENTER();
    return kr_call_leave(FUNCTION(_PyCFunctionFast)(args[0], args + 1, count - 1));
}

static PyObject *vectorcall_fast_keywords(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (check_arguments(self, args, count, NULL) < 0) return NULL;
    ENTER();
    return kr_call_leave(FUNCTION(_PyCFunctionFastWithKeywords)(args[0], args + 1, count - 1, kwnames));
}

static PyObject *vectorcall_method(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (check_arguments(self, args, count, NULL) < 0) return NULL;
    ENTER();
    return kr_call_leave(FUNCTION(PyCMethod)(args[0], PyDescr_TYPE(self), args + 1, count - 1, kwnames));
}

static PyObject *vectorcall_noargs(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (check_arguments(self, args, count, kwnames) < 0) return NULL;
    if (count != 1) return kr_call_wrong_count(self, "no arguments", count - 1);
    ENTER();
    return kr_call_leave(FUNCTION(PyCFunction)(args[0], NULL));
}

static PyObject *vectorcall_o(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (check_arguments(self, args, count, kwnames) < 0) return NULL;
    if (count != 2) return kr_call_wrong_count(self, "exactly one argument", count - 1);
    ENTER();
    return kr_call_leave(FUNCTION(PyCFunction)(args[0], args[1]));
}

/* A class method in the dict, called without having been fetched from a class: the first argument is the class. */
static PyObject *class_method_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count < 1) {
        PyErr_Format(PyExc_TypeError, "descriptor '%V' of '%.100s' object needs an argument", descr_name(self), "?",
                     PyDescr_TYPE(self)->tp_name);
        return NULL;
    }
    PyObject *bound = class_method_get(self, NULL, PyTuple_GET_ITEM(args, 0));
    if (bound == NULL) return NULL;
    PyObject *result = PyObject_VectorcallDict(bound, ((PyTupleObject *)args)->ob_item + 1, count - 1, kwargs);
    Py_DECREF(bound);
    return result;
}

static int choose_vectorcall(PyMethodDef *method, vectorcallfunc *vectorcall) {
    switch (method->ml_flags & (METH_VARARGS | METH_FASTCALL | METH_NOARGS | METH_O | METH_KEYWORDS | METH_METHOD)) {
    case METH_VARARGS: *vectorcall = vectorcall_varargs; return 0;
    case METH_VARARGS | METH_KEYWORDS: *vectorcall = vectorcall_varargs_keywords; return 0;
    case METH_FASTCALL: *vectorcall = vectorcall_fast; return 0;
    case METH_FASTCALL | METH_KEYWORDS: *vectorcall = vectorcall_fast_keywords; return 0;
    case METH_NOARGS: *vectorcall = vectorcall_noargs; return 0;
    case METH_O: *vectorcall = vectorcall_o; return 0;
    case METH_METHOD | METH_FASTCALL | METH_KEYWORDS: *vectorcall = vectorcall_method; return 0;
    default: PyErr_Format(PyExc_SystemError, "%s() method: bad call flags", method->ml_name); return -1;
    }
}

PyObject *PyDescr_NewMethod(PyTypeObject *type, PyMethodDef *method) {
    vectorcallfunc vectorcall;
    if (choose_vectorcall(method, &vectorcall) < 0) return NULL;
    PyMethodDescrObject *self = (PyMethodDescrObject *)descr_new(&PyMethodDescr_Type, type, method->ml_name);
    if (self == NULL) return NULL;
    self->d_method = method;
    self->vectorcall = vectorcall;
    return (PyObject *)self;
}

PyObject *PyDescr_NewClassMethod(PyTypeObject *type, PyMethodDef *method) {
    PyMethodDescrObject *self = (PyMethodDescrObject *)descr_new(&PyClassMethodDescr_Type, type, method->ml_name);
    if (self == NULL) return NULL;
    self->d_method = method;
    return (PyObject *)self;
}

PyTypeObject PyMethodDescr_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "method_descriptor",
    .tp_basicsize = sizeof(PyMethodDescrObject),
    .tp_dealloc = descr_dealloc,
    .tp_vectorcall_offset = offsetof(PyMethodDescrObject, vectorcall),
    .tp_repr = method_repr,
    .tp_call = PyVectorcall_Call,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_traverse = descr_traverse,
    .tp_methods = descr_methods,
    .tp_members = descr_members,
    .tp_getset = method_getset,
    .tp_descr_get = method_get,
};

PyTypeObject PyClassMethodDescr_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "classmethod_descriptor",
    .tp_basicsize = sizeof(PyMethodDescrObject),
    .tp_dealloc = descr_dealloc,
    .tp_repr = method_repr,
    .tp_call = class_method_call,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = descr_traverse,
    .tp_members = descr_members,
    .tp_getset = method_getset,
    .tp_descr_get = class_method_get,
};

/* -- Members: fields of the C structure ------------------------------------------------------------------------------------------ */

static PyObject *member_get(PyObject *self, PyObject *obj, PyObject *type) {
    if (obj == NULL) return Py_NewRef(self);
    if (check_object(self, obj) < 0) return NULL;
    PyMemberDef *member = ((PyMemberDescrObject *)self)->d_member;
    if ((member->flags & PY_AUDIT_READ) && PySys_Audit("object.__getattr__", "Os", obj, member->name) < 0) return NULL;
    return PyMember_GetOne((char *)obj, member);
}

static int member_set(PyObject *self, PyObject *obj, PyObject *value) {
    if (check_object(self, obj) < 0) return -1;
    return PyMember_SetOne((char *)obj, ((PyMemberDescrObject *)self)->d_member, value);
}

static PyObject *member_repr(PyObject *self) { return descr_repr(self, "<member '%V' of '%s' objects>"); }

static PyObject *member_doc(PyObject *self, void *closure) {
    const char *doc = ((PyMemberDescrObject *)self)->d_member->doc;
    if (doc == NULL) Py_RETURN_NONE;
    return PyUnicode_FromString(doc);
}

static PyGetSetDef member_getset[] = {
    {"__doc__", member_doc},
    {"__qualname__", get_qualname},
    {NULL},
};

PyObject *PyDescr_NewMember(PyTypeObject *type, PyMemberDef *member) {
    PyMemberDescrObject *self = (PyMemberDescrObject *)descr_new(&PyMemberDescr_Type, type, member->name);
    if (self != NULL) self->d_member = member;
    return (PyObject *)self;
}

PyTypeObject PyMemberDescr_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "member_descriptor",
    .tp_basicsize = sizeof(PyMemberDescrObject),
    .tp_dealloc = descr_dealloc,
    .tp_repr = member_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = descr_traverse,
    .tp_methods = descr_methods,
    .tp_members = descr_members,
    .tp_getset = member_getset,
    .tp_descr_get = member_get,
    .tp_descr_set = member_set,
};

/* -- Computed attributes ------------------------------------------------------------------------------------------------------------- */

static PyObject *getset_get(PyObject *self, PyObject *obj, PyObject *type) {
    if (obj == NULL) return Py_NewRef(self);
    if (check_object(self, obj) < 0) return NULL;
    PyGetSetDef *getset = ((PyGetSetDescrObject *)self)->d_getset;
    if (getset->get != NULL) return getset->get(obj, getset->closure);
    PyErr_Format(PyExc_AttributeError, "attribute '%V' of '%.100s' objects is not readable", descr_name(self), "?",
                 PyDescr_TYPE(self)->tp_name);
    return NULL;
}

static int getset_set(PyObject *self, PyObject *obj, PyObject *value) {
    if (check_object(self, obj) < 0) return -1;
    PyGetSetDef *getset = ((PyGetSetDescrObject *)self)->d_getset;
    if (getset->set != NULL) return getset->set(obj, value, getset->closure);
    PyErr_Format(PyExc_AttributeError, "attribute '%V' of '%.100s' objects is not writable", descr_name(self), "?",
                 PyDescr_TYPE(self)->tp_name);
    return -1;
}

static PyObject *getset_repr(PyObject *self) { return descr_repr(self, "<attribute '%V' of '%s' objects>"); }

static PyObject *getset_doc(PyObject *self, void *closure) {
    const char *doc = ((PyGetSetDescrObject *)self)->d_getset->doc;
    if (doc == NULL) Py_RETURN_NONE;
    return PyUnicode_FromString(doc);
}

static PyGetSetDef getset_getset[] = {
    {"__doc__", getset_doc},
    {"__qualname__", get_qualname},
    {NULL},
};

PyObject *PyDescr_NewGetSet(PyTypeObject *type, PyGetSetDef *getset) {
    PyGetSetDescrObject *self = (PyGetSetDescrObject *)descr_new(&PyGetSetDescr_Type, type, getset->name);
    if (self != NULL) self->d_getset = getset;
    return (PyObject *)self;
}

PyTypeObject PyGetSetDescr_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "getset_descriptor",
    .tp_basicsize = sizeof(PyGetSetDescrObject),
    .tp_dealloc = descr_dealloc,
    .tp_repr = getset_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = descr_traverse,
    .tp_members = descr_members,
    .tp_getset = getset_getset,
    .tp_descr_get = getset_get,
    .tp_descr_set = getset_set,
};

/* -- Slot wrappers ------------------------------------------------------------------------------------------------------------------ */

static inline PyWrapperDescrObject *wrapper(PyObject *self) { return (PyWrapperDescrObject *)self; }

static PyObject *wrapper_call_slot(PyWrapperDescrObject *descr, PyObject *obj, PyObject *args, PyObject *kwargs) {
    struct wrapperbase *base = descr->d_base;
    if (base->flags & PyWrapperFlag_KEYWORDS) {
        return ((wrapperfunc_kwds)(void (*)(void))base->wrapper)(obj, args, descr->d_wrapped, kwargs);
    }
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0) {
        PyErr_Format(PyExc_TypeError, "wrapper %s() takes no keyword arguments", base->name);
        return NULL;
    }
    return base->wrapper(obj, args, descr->d_wrapped);
}

PyObject *kr_slot_wrapper_call(PyObject *self, PyObject *obj, PyObject *args, PyObject *kwargs) {
    if (!PyType_IsSubtype(Py_TYPE(obj), PyDescr_TYPE(self))) {
        PyErr_Format(PyExc_TypeError, "descriptor '%V' requires a '%.100s' object but received a '%.100s'",
                     descr_name(self), "?", PyDescr_TYPE(self)->tp_name, Py_TYPE(obj)->tp_name);
        return NULL;
    }
    return wrapper_call_slot(wrapper(self), obj, args, kwargs);
}

static PyObject *wrapper_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count < 1) {
        PyErr_Format(PyExc_TypeError, "descriptor '%V' of '%.100s' object needs an argument", descr_name(self), "?",
                     PyDescr_TYPE(self)->tp_name);
        return NULL;
    }
    PyObject *rest = PyTuple_GetSlice(args, 1, count);
    if (rest == NULL) return NULL;
    PyObject *result = kr_slot_wrapper_call(self, PyTuple_GET_ITEM(args, 0), rest, kwargs);
    Py_DECREF(rest);
    return result;
}

static PyObject *wrapper_get(PyObject *self, PyObject *obj, PyObject *type) {
    if (obj == NULL) return Py_NewRef(self);
    if (check_object(self, obj) < 0) return NULL;
    return PyWrapper_New(self, obj);
}

static PyObject *wrapper_repr(PyObject *self) { return descr_repr(self, "<slot wrapper '%V' of '%s' objects>"); }

static PyObject *wrapper_doc(PyObject *self, void *closure) {
    return _PyType_GetDocFromInternalDoc(wrapper(self)->d_base->name, wrapper(self)->d_base->doc);
}

static PyObject *wrapper_text_signature(PyObject *self, void *closure) {
    return _PyType_GetTextSignatureFromInternalDoc(wrapper(self)->d_base->name, wrapper(self)->d_base->doc);
}

static PyGetSetDef wrapper_getset[] = {
    {"__doc__", wrapper_doc},
    {"__qualname__", get_qualname},
    {"__text_signature__", wrapper_text_signature},
    {NULL},
};

PyObject *PyDescr_NewWrapper(PyTypeObject *type, struct wrapperbase *base, void *wrapped) {
    PyWrapperDescrObject *self = (PyWrapperDescrObject *)descr_new(&PyWrapperDescr_Type, type, base->name);
    if (self == NULL) return NULL;
    self->d_base = base;
    self->d_wrapped = wrapped;
    return (PyObject *)self;
}

PyTypeObject PyWrapperDescr_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "wrapper_descriptor",
    .tp_basicsize = sizeof(PyWrapperDescrObject),
    .tp_dealloc = descr_dealloc,
    .tp_repr = wrapper_repr,
    .tp_call = wrapper_call,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .tp_traverse = descr_traverse,
    .tp_methods = descr_methods,
    .tp_members = descr_members,
    .tp_getset = wrapper_getset,
    .tp_descr_get = wrapper_get,
};

/* -- Slot wrappers bound to an object ------------------------------------------------------------------------------------------------- */

static inline KrMethodWrapper *bound(PyObject *self) { return (KrMethodWrapper *)self; }

PyObject *PyWrapper_New(PyObject *descr, PyObject *obj) {
    KrMethodWrapper *self = PyObject_GC_New(KrMethodWrapper, &_PyMethodWrapper_Type);
    if (self == NULL) return NULL;
    self->descr = (PyWrapperDescrObject *)Py_NewRef(descr);
    self->self = Py_NewRef(obj);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static void bound_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, bound_dealloc)
    Py_XDECREF(bound(self)->descr);
    Py_XDECREF(bound(self)->self);
    PyObject_GC_Del(self);
    Py_TRASHCAN_END
}

static int bound_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(bound(self)->descr);
    Py_VISIT(bound(self)->self);
    return 0;
}

static PyObject *bound_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    return wrapper_call_slot(bound(self)->descr, bound(self)->self, args, kwargs);
}

static PyObject *bound_richcompare(PyObject *a, PyObject *b, int op) {
    if ((op != Py_EQ && op != Py_NE) || !Py_IS_TYPE(a, &_PyMethodWrapper_Type) ||
        !Py_IS_TYPE(b, &_PyMethodWrapper_Type)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    int equal = bound(a)->descr == bound(b)->descr && bound(a)->self == bound(b)->self;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t bound_hash(PyObject *self) {
    Py_hash_t hash = _Py_HashPointer(bound(self)->self) ^ _Py_HashPointer(bound(self)->descr);
    return hash == -1 ? -2 : hash;
}

static PyObject *bound_repr(PyObject *self) {
    return PyUnicode_FromFormat("<method-wrapper '%s' of %s object at %p>", bound(self)->descr->d_base->name,
                                Py_TYPE(bound(self)->self)->tp_name, bound(self)->self);
}

static PyObject *bound_reduce(PyObject *self, PyObject *unused) {
    PyObject *getattr = _PyEval_GetBuiltin(KR_NAME(getattr));
    if (getattr == NULL) return NULL;
    return Py_BuildValue("N(OO)", getattr, bound(self)->self, PyDescr_NAME(bound(self)->descr));
}

static PyObject *bound_objclass(PyObject *self, void *closure) {
    return Py_NewRef(PyDescr_TYPE(bound(self)->descr));
}

static PyObject *bound_name(PyObject *self, void *closure) {
    return PyUnicode_FromString(bound(self)->descr->d_base->name);
}

static PyObject *bound_qualname(PyObject *self, void *closure) {
    return get_qualname((PyObject *)bound(self)->descr, NULL);
}

static PyObject *bound_doc(PyObject *self, void *closure) { return wrapper_doc((PyObject *)bound(self)->descr, NULL); }

static PyObject *bound_text_signature(PyObject *self, void *closure) {
    return wrapper_text_signature((PyObject *)bound(self)->descr, NULL);
}

static PyMethodDef bound_methods[] = {
    {"__reduce__", bound_reduce, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef bound_members[] = {
    {"__self__", T_OBJECT, offsetof(KrMethodWrapper, self), READONLY},
    {NULL},
};

static PyGetSetDef bound_getset[] = {
    {"__objclass__", bound_objclass}, {"__name__", bound_name}, {"__qualname__", bound_qualname},
    {"__doc__", bound_doc},           {"__text_signature__", bound_text_signature}, {NULL},
};

PyTypeObject _PyMethodWrapper_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "method-wrapper",
    .tp_basicsize = sizeof(KrMethodWrapper),
    .tp_dealloc = bound_dealloc,
    .tp_repr = bound_repr,
    .tp_hash = bound_hash,
    .tp_call = bound_call,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = bound_traverse,
    .tp_richcompare = bound_richcompare,
    .tp_methods = bound_methods,
    .tp_members = bound_members,
    .tp_getset = bound_getset,
};
