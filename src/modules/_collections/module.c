/* The module _collections: deque, defaultdict, OrderedDict, and what Counter and namedtuple need in C. */
#include <Python.h>
#include <structmember.h>

#include "collector/collector.h"
#include "modules/_collections/deque.h"
#include "object/names.h"

#include <stddef.h>

/* defaultdict */

typedef struct {
    PyDictObject dict;
    PyObject *default_factory; /* NULL or None: none */
} DefaultDict;

static PyTypeObject defaultdict_type;

PyDoc_STRVAR(missing_doc, "Insert and return a value made by default_factory; raise KeyError if that is None.");

static PyObject *defaultdict_missing(PyObject *self, PyObject *key) {
    PyObject *factory = ((DefaultDict *)self)->default_factory;
    if (factory == NULL || factory == Py_None) {
        _PyErr_SetKeyError(key);
        return NULL;
    }
    PyObject *value = PyObject_CallNoArgs(factory);
    if (value != NULL && PyObject_SetItem(self, key, value) < 0) Py_CLEAR(value);
    return value;
}

/* Makes an object of the same class and factory with the items of another mapping. */
static PyObject *defaultdict_like(PyObject *self, PyObject *items) {
    PyObject *factory = ((DefaultDict *)self)->default_factory;
    return PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(self), factory != NULL ? factory : Py_None, items, NULL);
}

PyDoc_STRVAR(defaultdict_copy_doc, "Return a shallow copy with the same default_factory.");

static PyObject *defaultdict_copy(PyObject *self, PyObject *unused) { return defaultdict_like(self, self); }

PyDoc_STRVAR(defaultdict_reduce_doc, "Return what pickle needs to restore the dictionary.");

static PyObject *defaultdict_reduce(PyObject *self, PyObject *unused) {
    PyObject *factory = ((DefaultDict *)self)->default_factory;
    PyObject *args = factory != NULL && factory != Py_None ? PyTuple_Pack(1, factory) : PyTuple_New(0);
    if (args == NULL) return NULL;
    PyObject *items = PyObject_CallMethodNoArgs(self, KR_NAME(items));
    PyObject *iterator = items != NULL ? PyObject_GetIter(items) : NULL;
    Py_XDECREF(items);
    if (iterator == NULL) {
        Py_DECREF(args);
        return NULL;
    }
    return Py_BuildValue("ONOON", Py_TYPE(self), args, Py_None, Py_None, iterator);
}

static PyObject *defaultdict_repr(PyObject *self) {
    PyObject *items = PyDict_Type.tp_repr(self), *result = NULL;
    if (items == NULL) return NULL;
    PyObject *factory = ((DefaultDict *)self)->default_factory, *text;
    if (factory == NULL) {
        text = PyUnicode_FromString("None");
    } else {
        int nested = Py_ReprEnter(factory);
        if (nested == 0) {
            text = PyObject_Repr(factory);
            Py_ReprLeave(factory);
        } else {
            text = nested > 0 ? PyUnicode_FromString("...") : NULL;
        }
    }
    if (text != NULL) {
        result = PyUnicode_FromFormat("%s(%U, %U)", _PyType_Name(Py_TYPE(self)), text, items);
        Py_DECREF(text);
    }
    Py_DECREF(items);
    return result;
}

static PyObject *defaultdict_or(PyObject *left, PyObject *right) {
    int left_is_ours = PyObject_TypeCheck(left, &defaultdict_type);
    if (!PyDict_Check(left_is_ours ? right : left)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *result = defaultdict_like(left_is_ours ? left : right, left);
    if (result != NULL && PyDict_Update(result, right) < 0) Py_CLEAR(result);
    return result;
}

static int defaultdict_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *factory = NULL, *rest = NULL;
    if (PyTuple_GET_SIZE(args) > 0) {
        factory = PyTuple_GET_ITEM(args, 0);
        if (factory != Py_None && !PyCallable_Check(factory)) {
            PyErr_SetString(PyExc_TypeError, "first argument must be callable or None");
            return -1;
        }
    }
    rest = PySequence_GetSlice(args, 1, PY_SSIZE_T_MAX);
    if (rest == NULL) return -1;
    Py_XSETREF(((DefaultDict *)self)->default_factory, Py_XNewRef(factory));
    int result = PyDict_Type.tp_init(self, rest, kwargs);
    Py_DECREF(rest);
    return result;
}

static void defaultdict_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((DefaultDict *)self)->default_factory);
    PyDict_Type.tp_dealloc(self);
}

static int defaultdict_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((DefaultDict *)self)->default_factory);
    return PyDict_Type.tp_traverse(self, visit, arg);
}

static int defaultdict_clear(PyObject *self) {
    Py_CLEAR(((DefaultDict *)self)->default_factory);
    return PyDict_Type.tp_clear(self);
}

PyDoc_STRVAR(class_getitem_doc, "Return a generic alias; see PEP 585.");

static PyMethodDef defaultdict_methods[] = {
    {"__missing__", defaultdict_missing, METH_O, missing_doc},
    {"copy", defaultdict_copy, METH_NOARGS, defaultdict_copy_doc},
    {"__copy__", defaultdict_copy, METH_NOARGS, defaultdict_copy_doc},
    {"__reduce__", defaultdict_reduce, METH_NOARGS, defaultdict_reduce_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PyMemberDef defaultdict_members[] = {
    {"default_factory", T_OBJECT, offsetof(DefaultDict, default_factory), 0, "Called without arguments for a missing key."},
    {NULL},
};

static PyNumberMethods defaultdict_as_number = {.nb_or = defaultdict_or};

PyDoc_STRVAR(defaultdict_doc,
             "defaultdict(default_factory=None, /, [...]) -> a dict that makes values for missing keys\n\n"
             "default_factory is called without arguments when a key is looked up that is absent, and its result is\n"
             "inserted. All other arguments are those of dict.");

static PyTypeObject defaultdict_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "collections.defaultdict",
    .tp_basicsize = sizeof(DefaultDict),
    .tp_dealloc = defaultdict_dealloc,
    .tp_repr = defaultdict_repr,
    .tp_as_number = &defaultdict_as_number,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = defaultdict_doc,
    .tp_traverse = defaultdict_traverse,
    .tp_clear = defaultdict_clear,
    .tp_methods = defaultdict_methods,
    .tp_members = defaultdict_members,
    .tp_base = &PyDict_Type,
    .tp_init = defaultdict_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_free = PyObject_GC_Del,
};

/* Counter */

/* Tells whether the mapping's class uses dict's own method of that name. */
static int inherits_from_dict(PyObject *mapping, PyObject *name) {
    PyObject *method = _PyType_Lookup(Py_TYPE(mapping), name);
    return method != NULL && method == _PyType_Lookup(&PyDict_Type, name);
}

/* mapping[key] += 1 for a mapping with dict's own methods. Returns 0 or -1. */
static int count_in_dict(PyObject *mapping, PyObject *key, PyObject *one) {
    Py_hash_t hash = PyUnicode_CheckExact(key) ? ((PyASCIIObject *)key)->hash : -1;
    if (hash == -1) {
        hash = PyObject_Hash(key);
        if (hash == -1) return -1;
    }
    PyObject *count = _PyDict_GetItem_KnownHash(mapping, key, hash);
    if (count == NULL) return PyErr_Occurred() ? -1 : _PyDict_SetItem_KnownHash(mapping, key, one, hash);
    count = PyNumber_Add(count, one);
    if (count == NULL) return -1;
    int failed = _PyDict_SetItem_KnownHash(mapping, key, count, hash);
    Py_DECREF(count);
    return failed;
}

/* mapping[key] = get(key, 0) + 1. Returns 0 or -1. */
static int count_in_mapping(PyObject *mapping, PyObject *get, PyObject *key, PyObject *zero, PyObject *one) {
    PyObject *count = PyObject_CallFunctionObjArgs(get, key, zero, NULL);
    if (count == NULL) return -1;
    Py_SETREF(count, PyNumber_Add(count, one));
    if (count == NULL) return -1;
    int failed = PyObject_SetItem(mapping, key, count);
    Py_DECREF(count);
    return failed;
}

PyDoc_STRVAR(count_elements_doc, "_count_elements($module, mapping, iterable, /)\n--\n\n"
                                 "Add one to the mapping's value for each element of the iterable.");

static PyObject *count_elements(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("_count_elements", nargs, 2, 2)) return NULL;
    PyObject *mapping = args[0], *get = NULL, *key;
    PyObject *iterator = PyObject_GetIter(args[1]);
    if (iterator == NULL) return NULL;
    PyObject *zero = PyLong_FromLong(0), *one = PyLong_FromLong(1);
    int failed = zero == NULL || one == NULL;
    int plain = PyDict_Check(mapping) && inherits_from_dict(mapping, KR_NAME(get)) &&
                inherits_from_dict(mapping, KR_NAME(__setitem__));
    if (!failed && !plain) {
        get = PyObject_GetAttr(mapping, KR_NAME(get));
        failed = get == NULL;
    }
    while (!failed && (key = PyIter_Next(iterator)) != NULL) {
        failed = plain ? count_in_dict(mapping, key, one) : count_in_mapping(mapping, get, key, zero, one);
        Py_DECREF(key);
    }
    Py_XDECREF(get);
    Py_XDECREF(zero);
    Py_XDECREF(one);
    Py_DECREF(iterator);
    if (failed || PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

/* The descriptor of a namedtuple's field */

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    PyObject *doc;
} TupleGetter;

static PyObject *tuplegetter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if ((kwargs != NULL && !_PyArg_NoKeywords("_tuplegetter", kwargs)) ||
        !_PyArg_CheckPositional("_tuplegetter", PyTuple_GET_SIZE(args), 2, 2))
        return NULL;
    Py_ssize_t index = PyNumber_AsSsize_t(PyTuple_GET_ITEM(args, 0), PyExc_OverflowError);
    if (index == -1 && PyErr_Occurred()) return NULL;
    TupleGetter *self = (TupleGetter *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->index = index;
    self->doc = Py_NewRef(PyTuple_GET_ITEM(args, 1));
    return (PyObject *)self;
}

static PyObject *tuplegetter_get(PyObject *op, PyObject *object, PyObject *type) {
    Py_ssize_t index = ((TupleGetter *)op)->index;
    if (object == NULL) return Py_NewRef(op);
    if (!PyTuple_Check(object)) {
        if (object == Py_None) return Py_NewRef(op);
        PyErr_Format(PyExc_TypeError, "descriptor for index '%zd' for tuple subclasses doesn't apply to '%s' object", index,
                     Py_TYPE(object)->tp_name);
        return NULL;
    }
    if (index < 0 || index >= PyTuple_GET_SIZE(object)) {
        PyErr_SetString(PyExc_IndexError, "tuple index out of range");
        return NULL;
    }
    return Py_NewRef(PyTuple_GET_ITEM(object, index));
}

static int tuplegetter_set(PyObject *op, PyObject *object, PyObject *value) {
    PyErr_SetString(PyExc_AttributeError, value == NULL ? "can't delete attribute" : "can't set attribute");
    return -1;
}

static PyObject *tuplegetter_repr(PyObject *op) {
    TupleGetter *self = (TupleGetter *)op;
    return PyUnicode_FromFormat("%s(%zd, %R)", _PyType_Name(Py_TYPE(op)), self->index, self->doc);
}

PyDoc_STRVAR(tuplegetter_reduce_doc, "Return what pickle needs to restore the descriptor.");

static PyObject *tuplegetter_reduce(PyObject *op, PyObject *unused) {
    TupleGetter *self = (TupleGetter *)op;
    return Py_BuildValue("O(nO)", Py_TYPE(op), self->index, self->doc);
}

static int tuplegetter_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((TupleGetter *)op)->doc);
    return 0;
}

static int tuplegetter_clear(PyObject *op) {
    Py_CLEAR(((TupleGetter *)op)->doc);
    return 0;
}

static void tuplegetter_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    tuplegetter_clear(op);
    Py_TYPE(op)->tp_free(op);
}

static PyMethodDef tuplegetter_methods[] = {
    {"__reduce__", tuplegetter_reduce, METH_NOARGS, tuplegetter_reduce_doc},
    {NULL},
};

static PyMemberDef tuplegetter_members[] = {{"__doc__", T_OBJECT, offsetof(TupleGetter, doc), 0}, {NULL}};

static PyTypeObject tuplegetter_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "_collections._tuplegetter",
    .tp_basicsize = sizeof(TupleGetter),
    .tp_dealloc = tuplegetter_dealloc,
    .tp_repr = tuplegetter_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = tuplegetter_traverse,
    .tp_clear = tuplegetter_clear,
    .tp_methods = tuplegetter_methods,
    .tp_members = tuplegetter_members,
    .tp_descr_get = tuplegetter_get,
    .tp_descr_set = tuplegetter_set,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = tuplegetter_new,
    .tp_free = PyObject_GC_Del,
};

/* The module */

static int collections_exec(PyObject *module) {
    PyTypeObject *types[] = {&kr_deque_type, &defaultdict_type, &PyODict_Type, &kr_deque_iterator_type,
                             &kr_deque_reverse_iterator_type, &tuplegetter_type};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
        if (PyModule_AddType(module, types[i]) < 0) return -1;
    }
    return 0;
}

static PyMethodDef collections_functions[] = {
    {"_count_elements", (PyCFunction)(void (*)(void))count_elements, METH_FASTCALL, count_elements_doc},
    {NULL},
};

static PyModuleDef_Slot collections_slots[] = {{Py_mod_exec, collections_exec}, {0, NULL}};

PyDoc_STRVAR(collections_doc, "Containers that the module collections is built on.");

static struct PyModuleDef collections_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_collections",
    .m_doc = collections_doc,
    .m_methods = collections_functions,
    .m_slots = collections_slots,
};

PyMODINIT_FUNC PyInit__collections(void) { return PyModuleDef_Init(&collections_module); }
