/* property: attributes computed by functions of the class. */
#include <Python.h>
#include <structmember.h>

#include "object/names.h"
#include "object/object.h"
#include "object/property.h"

/* `name` is what __set_name__ said. `doc_from_getter` tells that the docstring is the getter's, so that a copy with
 * another getter takes that one's. */
typedef struct {
    PyObject_HEAD
    PyObject *get, *set, *delete;
    PyObject *doc;
    PyObject *name;
    int doc_from_getter;
} KrProperty;

static inline KrProperty *cast(PyObject *self) { return (KrProperty *)self; }

PyObject *kr_property_get_function(PyObject *property) { return cast(property)->get; }

/* True if the object, a function or descriptor, is marked as abstract. -1 on error. */
int _PyObject_IsAbstract(PyObject *obj) {
    if (obj == NULL) return 0;
    PyObject *mark;
    int status = _PyObject_LookupAttr(obj, KR_NAME(__isabstractmethod__), &mark);
    if (status > 0) {
        status = PyObject_IsTrue(mark);
        Py_DECREF(mark);
    }
    return status;
}

static PyObject *none_as_null(PyObject *value) { return value == NULL || value == Py_None ? NULL : Py_NewRef(value); }

/* -- Access --------------------------------------------------------------------------------------------------------------------- */

static void *missing(KrProperty *property, PyObject *obj, const char *what) {
    PyObject *type_name = PyType_GetQualName(Py_TYPE(obj));
    if (property->name != NULL && type_name != NULL) {
        PyErr_Format(PyExc_AttributeError, "property %R of %R object has no %s", property->name, type_name, what);
    } else if (type_name != NULL) {
        PyErr_Format(PyExc_AttributeError, "property of %R object has no %s", type_name, what);
    } else {
        PyErr_Format(PyExc_AttributeError, "property has no %s", what);
    }
    Py_XDECREF(type_name);
    return NULL;
}

static PyObject *property_get(PyObject *self, PyObject *obj, PyObject *type) {
    if (obj == NULL || obj == Py_None) return Py_NewRef(self);
    PyObject *get = cast(self)->get;
    if (get == NULL) return missing(cast(self), obj, "getter");
    return PyObject_CallOneArg(get, obj);
}

static int property_set(PyObject *self, PyObject *obj, PyObject *value) {
    PyObject *function = value == NULL ? cast(self)->delete : cast(self)->set;
    if (function == NULL) {
        missing(cast(self), obj, value == NULL ? "deleter" : "setter");
        return -1;
    }
    PyObject *result = PyObject_Vectorcall(function, (PyObject *[]){obj, value}, value == NULL ? 1 : 2, NULL);
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

/* -- Making ---------------------------------------------------------------------------------------------------------------------- */

static int take_doc_from_getter(PyObject *self) {
    KrProperty *property = cast(self);
    PyObject *doc;
    int status = _PyObject_LookupAttr(property->get, KR_NAME(__doc__), &doc);
    if (status <= 0) return status;
    if (Py_IS_TYPE(self, &PyProperty_Type)) {
        Py_XSETREF(property->doc, doc);
    } else {
        /* In a subclass `__doc__` of the class hides the member: the instance's own dict takes it. */
        status = PyObject_SetAttr(self, KR_NAME(__doc__), doc);
        Py_DECREF(doc);
        if (status < 0) return -1;
    }
    property->doc_from_getter = 1;
    return 0;
}

static int initialize(PyObject *self, PyObject *get, PyObject *set, PyObject *delete, PyObject *doc) {
    KrProperty *property = cast(self);
    PyObject *fresh[] = {none_as_null(get), none_as_null(set), none_as_null(delete), Py_XNewRef(doc)};
    Py_XSETREF(property->get, fresh[0]);
    Py_XSETREF(property->set, fresh[1]);
    Py_XSETREF(property->delete, fresh[2]);
    Py_XSETREF(property->doc, fresh[3]);
    Py_CLEAR(property->name);
    property->doc_from_getter = 0;
    if ((doc == NULL || doc == Py_None) && property->get != NULL) return take_doc_from_getter(self);
    return 0;
}

static int property_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"fget", "fset", "fdel", "doc", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "property"};
    PyObject *buffer[4];
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *const *values =
        _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, count, kwargs, NULL, &parser, 0, 4, 0, buffer);
    if (values == NULL) return -1;
    PyObject *given[4];
    int only_positional = kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0;
    for (int i = 0; i < 4; i++) given[i] = only_positional && i >= count ? NULL : values[i];
    return initialize(self, given[0], given[1], given[2], given[3]);
}

/* A copy in which the functions that are given replace the old ones. */
static PyObject *copy_with(PyObject *old, PyObject *get, PyObject *set, PyObject *delete) {
    KrProperty *property = cast(old);
    if (get == NULL || get == Py_None) get = property->get != NULL ? property->get : Py_None;
    if (set == NULL || set == Py_None) set = property->set != NULL ? property->set : Py_None;
    if (delete == NULL || delete == Py_None) delete = property->delete != NULL ? property->delete : Py_None;
    PyObject *doc = property->doc != NULL ? property->doc : Py_None;
    if (property->doc_from_getter && get != Py_None) doc = Py_None;
    PyObject *copy = PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(old), get, set, delete, doc, NULL);
    if (copy != NULL && PyObject_TypeCheck(copy, &PyProperty_Type)) {
        Py_XINCREF(property->name);
        Py_XSETREF(cast(copy)->name, property->name);
    }
    return copy;
}

static PyObject *property_getter(PyObject *self, PyObject *function) { return copy_with(self, function, NULL, NULL); }
static PyObject *property_setter(PyObject *self, PyObject *function) { return copy_with(self, NULL, function, NULL); }
static PyObject *property_deleter(PyObject *self, PyObject *function) { return copy_with(self, NULL, NULL, function); }

static PyObject *property_set_name(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) {
        return PyErr_Format(PyExc_TypeError, "__set_name__() takes 2 positional arguments but %zd were given", count);
    }
    Py_INCREF(args[1]);
    Py_XSETREF(cast(self)->name, args[1]);
    Py_RETURN_NONE;
}

static PyObject *property_is_abstract(PyObject *self, void *closure) {
    PyObject *functions[] = {cast(self)->get, cast(self)->set, cast(self)->delete};
    for (int i = 0; i < 3; i++) {
        int abstract = _PyObject_IsAbstract(functions[i]);
        if (abstract != 0) return abstract < 0 ? NULL : Py_NewRef(Py_True);
    }
    Py_RETURN_FALSE;
}

static void property_dealloc(PyObject *self) {
    KrProperty *property = cast(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(property->get);
    Py_XDECREF(property->set);
    Py_XDECREF(property->delete);
    Py_XDECREF(property->doc);
    Py_XDECREF(property->name);
    Py_TYPE(self)->tp_free(self);
}

static int property_traverse(PyObject *self, visitproc visit, void *arg) {
    KrProperty *property = cast(self);
    Py_VISIT(property->get);
    Py_VISIT(property->set);
    Py_VISIT(property->delete);
    Py_VISIT(property->doc);
    Py_VISIT(property->name);
    return 0;
}

static int property_clear(PyObject *self) {
    Py_CLEAR(cast(self)->doc);
    return 0;
}

static PyMethodDef property_methods[] = {
    {"getter", property_getter, METH_O, "Make a copy with another getter."},
    {"setter", property_setter, METH_O, "Make a copy with another setter."},
    {"deleter", property_deleter, METH_O, "Make a copy with another deleter."},
    {"__set_name__", _PyCFunction_CAST(property_set_name), METH_FASTCALL, "Note the name, for error messages."},
    {NULL},
};

static PyMemberDef property_members[] = {
    {"fget", T_OBJECT, offsetof(KrProperty, get), READONLY},
    {"fset", T_OBJECT, offsetof(KrProperty, set), READONLY},
    {"fdel", T_OBJECT, offsetof(KrProperty, delete), READONLY},
    {"__doc__", T_OBJECT, offsetof(KrProperty, doc), 0},
    {NULL},
};

static PyGetSetDef property_getset[] = {
    {"__isabstractmethod__", property_is_abstract},
    {NULL},
};

PyDoc_STRVAR(property_doc, "property(fget=None, fset=None, fdel=None, doc=None)\n--\n\n"
                           "An attribute that is read, set and deleted by calling functions.\n\n"
                           "As a decorator it makes a getter; `x.setter` and `x.deleter` add the others.");

PyTypeObject PyProperty_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "property",
    .tp_basicsize = sizeof(KrProperty),
    .tp_dealloc = property_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = property_doc,
    .tp_traverse = property_traverse,
    .tp_clear = property_clear,
    .tp_methods = property_methods,
    .tp_members = property_members,
    .tp_getset = property_getset,
    .tp_descr_get = property_get,
    .tp_descr_set = property_set,
    .tp_init = property_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = PyType_GenericNew,
    .tp_free = PyObject_GC_Del,
};
