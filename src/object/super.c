/* super: see super.h. */
#include <Python.h>
#include <structmember.h>

#include "object/names.h"
#include "object/object.h"
#include "object/super.h"

static inline KrSuper *cast(PyObject *self) { return (KrSuper *)self; }

PyTypeObject *kr_super_check(PyTypeObject *type, PyObject *obj) {
    /* In a class method the first argument is a class. */
    if (PyType_Check(obj) && PyType_IsSubtype((PyTypeObject *)obj, type)) return (PyTypeObject *)Py_NewRef(obj);
    if (PyType_IsSubtype(Py_TYPE(obj), type)) return (PyTypeObject *)Py_NewRef(Py_TYPE(obj));
    /* A proxy may claim another class. */
    PyObject *claimed;
    if (_PyObject_LookupAttr(obj, KR_NAME(__class__), &claimed) < 0) return NULL;
    if (claimed != NULL && PyType_Check(claimed) && (PyTypeObject *)claimed != Py_TYPE(obj) &&
        PyType_IsSubtype((PyTypeObject *)claimed, type)) {
        return (PyTypeObject *)claimed;
    }
    Py_XDECREF(claimed);
    PyErr_SetString(PyExc_TypeError, "super(type, obj): obj must be an instance or subtype of type");
    return NULL;
}

PyObject *kr_super_get_attribute(PyTypeObject *type, PyObject *obj, PyTypeObject *obj_class, PyObject *name,
                                 int *found) {
    PyObject *mro = obj_class->tp_mro, *result = NULL;
    *found = 0;
    if (mro == NULL) return NULL;
    Py_INCREF(mro);
    Py_ssize_t i = 0, count = PyTuple_GET_SIZE(mro);
    while (i < count && PyTuple_GET_ITEM(mro, i) != (PyObject *)type) i++;
    for (i++; i < count; i++) {
        PyObject *dict = ((PyTypeObject *)PyTuple_GET_ITEM(mro, i))->tp_dict;
        result = PyDict_GetItemWithError(dict, name);
        if (result == NULL) {
            if (!PyErr_Occurred()) continue;
            break;
        }
        Py_INCREF(result);
        *found = 1;
        descrgetfunc get = Py_TYPE(result)->tp_descr_get;
        if (get != NULL) {
            /* In a class method the class is no instance to bind to. */
            PyObject *instance = obj == (PyObject *)obj_class ? NULL : obj;
            Py_SETREF(result, get(result, instance, (PyObject *)obj_class));
        }
        break;
    }
    Py_DECREF(mro);
    return result;
}

static PyObject *super_getattro(PyObject *self, PyObject *name) {
    KrSuper *super = cast(self);
    /* `__class__` is that of the super object itself. */
    if (super->self_class != NULL &&
        !(PyUnicode_Check(name) && PyUnicode_Compare(name, KR_NAME(__class__)) == 0)) {
        int found;
        PyTypeObject *class = (PyTypeObject *)Py_NewRef(super->self_class);
        PyObject *result = kr_super_get_attribute(super->this_class, super->self, class, name, &found);
        Py_DECREF(class);
        if (found || result != NULL || PyErr_Occurred()) return result;
    }
    return PyObject_GenericGetAttr(self, name);
}

static void set_fields(KrSuper *super, PyTypeObject *type, PyObject *obj, PyTypeObject *obj_class) {
    Py_INCREF(type);
    Py_XSETREF(super->this_class, type);
    Py_XINCREF(obj);
    Py_XSETREF(super->self, obj);
    Py_XSETREF(super->self_class, obj_class);
}

static int initialize(KrSuper *super, PyObject *const *args, Py_ssize_t count) {
    PyTypeObject *type, *obj_class = NULL;
    PyObject *obj = count > 1 ? args[1] : NULL;
    if (count == 0) {
        if (kr_frame_super_arguments(&type, &obj) < 0) return -1;
    } else {
        if (!PyType_Check(args[0])) {
            PyErr_Format(PyExc_TypeError, "super() argument 1 must be a type, not %.200s", Py_TYPE(args[0])->tp_name);
            return -1;
        }
        type = (PyTypeObject *)args[0];
    }
    if (obj == Py_None) obj = NULL;
    if (obj != NULL && (obj_class = kr_super_check(type, obj)) == NULL) return -1;
    set_fields(super, type, obj, obj_class);
    return 0;
}

static int super_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (!_PyArg_NoKeywords("super", kwargs) || !_PyArg_CheckPositional("super()", count, 0, 2)) return -1;
    return initialize(cast(self), ((PyTupleObject *)args)->ob_item, count);
}

static PyObject *super_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (!_PyArg_NoKwnames("super", kwnames) || !_PyArg_CheckPositional("super()", count, 0, 2)) return NULL;
    PyObject *self = PyType_GenericAlloc((PyTypeObject *)type, 0);
    if (self != NULL && initialize(cast(self), args, count) < 0) Py_CLEAR(self);
    return self;
}

/* An unbound super object in a class binds to the instances. */
static PyObject *super_descr_get(PyObject *self, PyObject *obj, PyObject *type) {
    KrSuper *super = cast(self);
    if (obj == NULL || obj == Py_None || super->self != NULL) return Py_NewRef(self);
    if (!Py_IS_TYPE(self, &PySuper_Type)) {
        return PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(self), super->this_class, obj, NULL);
    }
    PyTypeObject *obj_class = kr_super_check(super->this_class, obj);
    if (obj_class == NULL) return NULL;
    PyObject *bound = PyType_GenericAlloc(&PySuper_Type, 0);
    if (bound == NULL) {
        Py_DECREF(obj_class);
        return NULL;
    }
    set_fields(cast(bound), super->this_class, obj, obj_class);
    return bound;
}

static PyObject *super_repr(PyObject *self) {
    KrSuper *super = cast(self);
    const char *name = super->this_class != NULL ? super->this_class->tp_name : "NULL";
    if (super->self_class == NULL) return PyUnicode_FromFormat("<super: <class '%s'>, NULL>", name);
    return PyUnicode_FromFormat("<super: <class '%s'>, <%s object>>", name, super->self_class->tp_name);
}

static void super_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_XDECREF(cast(self)->self);
    Py_XDECREF(cast(self)->this_class);
    Py_XDECREF(cast(self)->self_class);
    Py_TYPE(self)->tp_free(self);
}

static int super_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(cast(self)->self);
    Py_VISIT(cast(self)->this_class);
    Py_VISIT(cast(self)->self_class);
    return 0;
}

static PyMemberDef super_members[] = {
    {"__thisclass__", T_OBJECT, offsetof(KrSuper, this_class), READONLY, "the class that called super()"},
    {"__self__", T_OBJECT, offsetof(KrSuper, self), READONLY, "the object that super() was called for, or None"},
    {"__self_class__", T_OBJECT, offsetof(KrSuper, self_class), READONLY, "the class whose MRO is walked, or None"},
    {NULL},
};

PyDoc_STRVAR(super_doc, "super() -> the same as super(__class__, <first argument>)\n"
                        "super(type) -> an unbound super object\n"
                        "super(type, obj) -> a super object bound to an instance\n"
                        "super(type, type2) -> a super object bound to a subclass\n\n"
                        "Looks methods up in the classes that come after `type` in the method resolution order.");

PyTypeObject PySuper_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "super",
    .tp_basicsize = sizeof(KrSuper),
    .tp_dealloc = super_dealloc,
    .tp_repr = super_repr,
    .tp_getattro = super_getattro,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = super_doc,
    .tp_traverse = super_traverse,
    .tp_members = super_members,
    .tp_descr_get = super_descr_get,
    .tp_init = super_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = PyType_GenericNew,
    .tp_free = PyObject_GC_Del,
    .tp_vectorcall = super_vectorcall,
};
