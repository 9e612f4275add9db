/* The type `type`: attributes of classes, calling a class to make an instance, and the end of a class. */
#include <Python.h>
#include <structmember.h>
#include <string.h>

#include "object/call.h"
#include "object/instance.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"
#include "object/union.h"

/* -- Names and documentation ------------------------------------------------------------------------------------ */

const char *_PyType_Name(PyTypeObject *type) {
    const char *dot = strrchr(type->tp_name, '.');
    return dot != NULL ? dot + 1 : type->tp_name;
}

PyObject *PyType_GetName(PyTypeObject *type) {
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) return Py_NewRef(((PyHeapTypeObject *)type)->ht_name);
    return PyUnicode_FromString(_PyType_Name(type));
}

PyObject *PyType_GetQualName(PyTypeObject *type) {
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) return Py_NewRef(((PyHeapTypeObject *)type)->ht_qualname);
    return PyType_GetName(type);
}

unsigned long PyType_GetFlags(PyTypeObject *type) { return type->tp_flags; }

static const char signature_end[] = ")\n--\n\n";

/* If a docstring starts with a text signature "name(...)\n--\n\n", returns its first character after the name;
 * otherwise NULL. `name` may be dotted. */
static const char *find_signature(const char *name, const char *doc) {
    if (doc == NULL) return NULL;
    const char *dot = strrchr(name, '.');
    if (dot != NULL) name = dot + 1;
    size_t length = strlen(name);
    if (strncmp(doc, name, length) != 0 || doc[length] != '(') return NULL;
    return doc + length;
}

/* Returns what follows the end mark of a signature, or NULL if the signature is malformed: a blank line comes first. */
static const char *skip_signature(const char *doc) {
    for (; *doc != '\0'; doc++) {
        if (*doc == signature_end[0] && strncmp(doc, signature_end, sizeof signature_end - 1) == 0) {
            return doc + sizeof signature_end - 1;
        }
        if (doc[0] == '\n' && doc[1] == '\n') return NULL;
    }
    return NULL;
}

PyObject *_PyType_GetDocFromInternalDoc(const char *name, const char *internal_doc) {
    const char *text = internal_doc;
    const char *signature = find_signature(name, internal_doc);
    if (signature != NULL) {
        const char *after = skip_signature(signature);
        if (after != NULL) text = after;
    }
    if (text == NULL || *text == '\0') Py_RETURN_NONE;
    return PyUnicode_FromString(text);
}

PyObject *_PyType_GetTextSignatureFromInternalDoc(const char *name, const char *internal_doc) {
    const char *start = find_signature(name, internal_doc);
    const char *end = start != NULL ? skip_signature(start) : NULL;
    if (end == NULL) Py_RETURN_NONE;
    /* The signature proper ends with the closing parenthesis of the mark. */
    return PyUnicode_FromStringAndSize(start, end - (sizeof signature_end - 2) - start);
}

/* -- Special attributes --------------------------------------------------------------------------------------------- */

static int may_set(PyTypeObject *type, PyObject *value, const char *name) {
    if (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) {
        PyErr_Format(PyExc_TypeError, "cannot set '%s' attribute of immutable type '%s'", name, type->tp_name);
        return 0;
    }
    if (value == NULL) {
        PyErr_Format(PyExc_TypeError, "cannot delete '%s' attribute of immutable type '%s'", name, type->tp_name);
        return 0;
    }
    return PySys_Audit("object.__setattr__", "OsO", type, name, value) >= 0;
}

static PyObject *get_name(PyObject *self, void *closure) { return PyType_GetName((PyTypeObject *)self); }

static int set_name(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!may_set(type, value, "__name__")) return -1;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "can only assign string to %s.__name__, not '%s'", type->tp_name,
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(value, &length);
    if (text == NULL) return -1;
    if (strlen(text) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "type name must not contain null characters");
        return -1;
    }
    type->tp_name = text;
    Py_INCREF(value);
    Py_SETREF(((PyHeapTypeObject *)type)->ht_name, value);
    return 0;
}

static PyObject *get_qualname(PyObject *self, void *closure) { return PyType_GetQualName((PyTypeObject *)self); }

static int set_qualname(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!may_set(type, value, "__qualname__")) return -1;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "can only assign string to %s.__qualname__, not '%s'", type->tp_name,
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    Py_INCREF(value);
    Py_SETREF(((PyHeapTypeObject *)type)->ht_qualname, value);
    return 0;
}

static PyObject *get_module(PyObject *self, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        PyObject *module = PyDict_GetItemWithError(type->tp_dict, KR_NAME(__module__));
        if (module == NULL && !PyErr_Occurred()) PyErr_SetString(PyExc_AttributeError, "__module__");
        return Py_XNewRef(module);
    }
    const char *dot = strrchr(type->tp_name, '.');
    if (dot == NULL) return Py_NewRef(KR_NAME(builtins));
    PyObject *module = PyUnicode_FromStringAndSize(type->tp_name, dot - type->tp_name);
    if (module != NULL) PyUnicode_InternInPlace(&module);
    return module;
}

static int set_module(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!may_set(type, value, "__module__")) return -1;
    PyType_Modified(type);
    return PyDict_SetItem(type->tp_dict, KR_NAME(__module__), value);
}

static PyObject *get_abstract_methods(PyObject *self, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    /* `type` itself has this descriptor in its dict. */
    PyObject *methods =
        type == &PyType_Type ? NULL : PyDict_GetItemWithError(type->tp_dict, KR_NAME(__abstractmethods__));
    if (methods == NULL && !PyErr_Occurred()) PyErr_SetObject(PyExc_AttributeError, KR_NAME(__abstractmethods__));
    return Py_XNewRef(methods);
}

static int set_abstract_methods(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    int abstract = 0;
    if (value != NULL) {
        abstract = PyObject_IsTrue(value);
        if (abstract < 0 || PyDict_SetItem(type->tp_dict, KR_NAME(__abstractmethods__), value) < 0) return -1;
    } else if (PyDict_DelItem(type->tp_dict, KR_NAME(__abstractmethods__)) < 0) {
        if (PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_SetObject(PyExc_AttributeError, KR_NAME(__abstractmethods__));
        }
        return -1;
    }
    PyType_Modified(type);
    if (abstract) {
        type->tp_flags |= Py_TPFLAGS_IS_ABSTRACT;
    } else {
        type->tp_flags &= ~Py_TPFLAGS_IS_ABSTRACT;
    }
    return 0;
}

static PyObject *get_bases(PyObject *self, void *closure) { return Py_XNewRef(((PyTypeObject *)self)->tp_bases); }

static int set_bases(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!may_set(type, value, "__bases__")) return -1;
    return kr_type_set_bases(type, value, closure);
}

static PyObject *get_dict(PyObject *self, void *closure) {
    PyObject *dict = ((PyTypeObject *)self)->tp_dict;
    if (dict == NULL) Py_RETURN_NONE;
    return PyDictProxy_New(dict);
}

static PyObject *get_doc(PyObject *self, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE) && type->tp_doc != NULL) {
        return _PyType_GetDocFromInternalDoc(type->tp_name, type->tp_doc);
    }
    PyObject *doc = PyDict_GetItemWithError(type->tp_dict, KR_NAME(__doc__));
    if (doc == NULL) {
        if (PyErr_Occurred()) return NULL;
        Py_RETURN_NONE;
    }
    descrgetfunc get = Py_TYPE(doc)->tp_descr_get;
    if (get == NULL) return Py_NewRef(doc);
    Py_INCREF(doc);
    PyObject *result = get(doc, NULL, self);
    Py_DECREF(doc);
    return result;
}

static int set_doc(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!may_set(type, value, "__doc__")) return -1;
    PyType_Modified(type);
    return PyDict_SetItem(type->tp_dict, KR_NAME(__doc__), value);
}

static PyObject *get_text_signature(PyObject *self, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    return _PyType_GetTextSignatureFromInternalDoc(type->tp_name, type->tp_doc);
}

static PyObject *get_annotations(PyObject *self, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) {
        PyErr_Format(PyExc_AttributeError, "type object '%s' has no attribute '__annotations__'", type->tp_name);
        return NULL;
    }
    PyObject *annotations = PyDict_GetItemWithError(type->tp_dict, KR_NAME(__annotations__));
    if (annotations != NULL) {
        descrgetfunc get = Py_TYPE(annotations)->tp_descr_get;
        if (get == NULL) return Py_NewRef(annotations);
        return get(annotations, NULL, self);
    }
    if (PyErr_Occurred()) return NULL;
    annotations = PyDict_New();
    if (annotations == NULL) return NULL;
    if (PyDict_SetItem(type->tp_dict, KR_NAME(__annotations__), annotations) < 0) Py_CLEAR(annotations);
    PyType_Modified(type);
    return annotations;
}

static int set_annotations(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) {
        PyErr_Format(PyExc_TypeError, "cannot set '__annotations__' attribute of immutable type '%s'", type->tp_name);
        return -1;
    }
    int status;
    if (value != NULL) {
        status = PyDict_SetItem(type->tp_dict, KR_NAME(__annotations__), value);
    } else {
        status = PyDict_DelItem(type->tp_dict, KR_NAME(__annotations__));
        if (status < 0 && PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_SetString(PyExc_AttributeError, "__annotations__");
        }
    }
    if (status == 0) PyType_Modified(type);
    return status;
}

static PyGetSetDef type_getset[] = {
    {"__name__", get_name, set_name},
    {"__qualname__", get_qualname, set_qualname},
    {"__bases__", get_bases, set_bases},
    {"__module__", get_module, set_module},
    {"__abstractmethods__", get_abstract_methods, set_abstract_methods},
    {"__dict__", get_dict},
    {"__doc__", get_doc, set_doc},
    {"__text_signature__", get_text_signature},
    {"__annotations__", get_annotations, set_annotations},
    {NULL},
};

static PyMemberDef type_members[] = {
    {"__basicsize__", T_PYSSIZET, offsetof(PyTypeObject, tp_basicsize), READONLY},
    {"__itemsize__", T_PYSSIZET, offsetof(PyTypeObject, tp_itemsize), READONLY},
    {"__flags__", T_ULONG, offsetof(PyTypeObject, tp_flags), READONLY},
    {"__weakrefoffset__", T_PYSSIZET, offsetof(PyTypeObject, tp_weaklistoffset), READONLY},
    {"__base__", T_OBJECT, offsetof(PyTypeObject, tp_base), READONLY},
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTypeObject, tp_dictoffset), READONLY},
    {"__mro__", T_OBJECT, offsetof(PyTypeObject, tp_mro), READONLY},
    {NULL},
};

static PyObject *type_repr(PyObject *self) {
    PyTypeObject *type = (PyTypeObject *)self;
    PyObject *module = get_module(self, NULL);
    if (module == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError) && !PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
        PyErr_Clear();
    } else if (!PyUnicode_Check(module)) {
        Py_CLEAR(module);
    }
    PyObject *text = NULL;
    PyObject *name = PyType_GetQualName(type);
    if (name != NULL) {
        if (module != NULL && PyUnicode_Compare(module, KR_NAME(builtins)) != 0) {
            text = PyUnicode_FromFormat("<class '%U.%U'>", module, name);
        } else {
            text = PyUnicode_FromFormat("<class '%s'>", type->tp_name);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(module);
    return text;
}

/* -- Attributes of a class: those of its metaclass that are data, those along its own MRO, the metaclass's others ---- */

PyObject *kr_type_get_attribute(PyTypeObject *type, PyObject *name, int suppress) {
    PyTypeObject *metatype = Py_TYPE(type);
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "attribute name must be string, not '%.200s'", Py_TYPE(name)->tp_name);
        return NULL;
    }
    if (!(type->tp_flags & (Py_TPFLAGS_READY | Py_TPFLAGS_READYING)) && PyType_Ready(type) < 0) return NULL;

    PyObject *result = NULL;
    descrgetfunc meta_get = NULL;
    PyObject *meta_attribute = _PyType_Lookup(metatype, name);
    if (meta_attribute != NULL) {
        Py_INCREF(meta_attribute);
        meta_get = Py_TYPE(meta_attribute)->tp_descr_get;
        if (meta_get != NULL && Py_TYPE(meta_attribute)->tp_descr_set != NULL) {
            result = meta_get(meta_attribute, (PyObject *)type, (PyObject *)metatype);
            goto done;
        }
    }
    PyObject *attribute = _PyType_Lookup(type, name);
    if (attribute != NULL) {
        descrgetfunc get = Py_TYPE(attribute)->tp_descr_get;
        Py_INCREF(attribute);
        if (get == NULL) {
            result = attribute;
        } else {
            result = get(attribute, NULL, (PyObject *)type);
            Py_DECREF(attribute);
        }
        goto done;
    }
    if (meta_get != NULL) {
        result = meta_get(meta_attribute, (PyObject *)type, (PyObject *)metatype);
        goto done;
    }
    if (meta_attribute != NULL) return meta_attribute;
    if (!suppress) {
        PyErr_Format(PyExc_AttributeError, "type object '%.50s' has no attribute '%U'", type->tp_name, name);
    }
    return NULL;
done:
    Py_XDECREF(meta_attribute);
    if (result == NULL && suppress && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
    return result;
}

static PyObject *type_getattro(PyObject *self, PyObject *name) {
    return kr_type_get_attribute((PyTypeObject *)self, name, 0);
}

static int is_dunder(PyObject *name) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    if (length < 5 || PyUnicode_KIND(name) != PyUnicode_1BYTE_KIND) return 0;
    const Py_UCS1 *text = PyUnicode_1BYTE_DATA(name);
    return text[0] == '_' && text[1] == '_' && text[length - 2] == '_' && text[length - 1] == '_';
}

static int type_setattro(PyObject *self, PyObject *name, PyObject *value) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) {
        PyErr_Format(PyExc_TypeError, "cannot set %R attribute of immutable type '%s'", name, type->tp_name);
        return -1;
    }
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "attribute name must be string, not '%.200s'", Py_TYPE(name)->tp_name);
        return -1;
    }
    /* Names in type dicts are exact, interned strings: the method cache compares addresses. */
    if (PyUnicode_CheckExact(name)) {
        Py_INCREF(name);
    } else if ((name = PyUnicode_FromObject(name)) == NULL) {
        return -1;
    }
    PyUnicode_InternInPlace(&name);
    int status = _PyObject_GenericSetAttrWithDict(self, name, value, NULL);
    if (status == 0) {
        PyType_Modified(type);
        if (is_dunder(name)) status = kr_type_update_slot(type, name);
    }
    Py_DECREF(name);
    return status;
}

/* -- Calling a class ------------------------------------------------------------------------------------------------- */

static PyObject *type_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (type == &PyType_Type) {
        Py_ssize_t count = PyTuple_GET_SIZE(args);
        if (count == 1 && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0)) {
            return Py_NewRef(Py_TYPE(PyTuple_GET_ITEM(args, 0)));
        }
        if (count != 3) {
            PyErr_SetString(PyExc_TypeError, "type() takes 1 or 3 arguments");
            return NULL;
        }
    }
    if (type->tp_new == NULL) {
        PyErr_Format(PyExc_TypeError, "cannot create '%s' instances", type->tp_name);
        return NULL;
    }
    PyObject *obj = _Py_CheckFunctionResult(PyThreadState_Get(), self, type->tp_new(type, args, kwargs), NULL);
    if (obj == NULL) return NULL;
    /* What __new__ returned need not be an instance. */
    if (!PyObject_TypeCheck(obj, type)) return obj;
    initproc init = Py_TYPE(obj)->tp_init;
    if (init != NULL && init(obj, args, kwargs) < 0) Py_CLEAR(obj);
    return obj;
}

static PyObject *call_with_tuple(PyTypeObject *type, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    return _PyObject_MakeTpCall(PyThreadState_Get(), (PyObject *)type, args, count, kwnames);
}

static int check_init_result(PyObject *result) {
    if (result == NULL) return -1;
    if (result != Py_None) {
        PyErr_Format(PyExc_TypeError, "__init__() should return None, not '%.200s'", Py_TYPE(result)->tp_name);
        Py_DECREF(result);
        return -1;
    }
    Py_DECREF(result);
    return 0;
}

/* Makes an instance without a tuple of arguments where object.__new__ and a Python __init__ do the work. */
PyObject *kr_class_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    PyTypeObject *type = (PyTypeObject *)callable;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (type->tp_new != kr_object_new || (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT)) {
        return call_with_tuple(type, args, count, kwnames);
    }
    if (type->tp_init == kr_object_init && count == 0 && kwnames == NULL) return type->tp_alloc(type, 0);
    if (type->tp_init != kr_slot_init) return call_with_tuple(type, args, count, kwnames);

    PyObject *self = type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    int unbound;
    PyObject *init = kr_special_lookup_unbound(self, KR_NAME(__init__), &unbound);
    if (init == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_AttributeError, "__init__");
        Py_DECREF(self);
        return NULL;
    }
    PyObject *result;
    if (!unbound) {
        result = PyObject_Vectorcall(init, args, count, kwnames);
    } else if (nargsf & PY_VECTORCALL_ARGUMENTS_OFFSET) {
        PyObject **with_self = (PyObject **)args - 1;
        PyObject *saved = with_self[0];
        with_self[0] = self;
        result = PyObject_Vectorcall(init, with_self, count + 1, kwnames);
        with_self[0] = saved;
    } else {
        result = kr_call_prepend(init, self, args, count, kwnames);
    }
    Py_DECREF(init);
    if (check_init_result(result) < 0) Py_CLEAR(self);
    return self;
}

static PyObject *type_vectorcall(PyObject *metatype, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count == 1 && metatype == (PyObject *)&PyType_Type) {
        if (!_PyArg_NoKwnames("type", kwnames)) return NULL;
        return Py_NewRef(Py_TYPE(args[0]));
    }
    return call_with_tuple((PyTypeObject *)metatype, args, count, kwnames);
}

static int type_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (kwargs != NULL && PyTuple_GET_SIZE(args) == 1 && PyDict_GET_SIZE(kwargs) != 0) {
        PyErr_SetString(PyExc_TypeError, "type.__init__() takes no keyword arguments");
        return -1;
    }
    if (PyTuple_GET_SIZE(args) != 1 && PyTuple_GET_SIZE(args) != 3) {
        PyErr_SetString(PyExc_TypeError, "type.__init__() takes 1 or 3 arguments");
        return -1;
    }
    return 0;
}

/* The most derived of a metaclass and the metaclasses of the bases (borrowed), or NULL with TypeError. */
PyTypeObject *_PyType_CalculateMetaclass(PyTypeObject *metatype, PyObject *bases) {
    PyTypeObject *winner = metatype;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyTypeObject *candidate = Py_TYPE(PyTuple_GET_ITEM(bases, i));
        if (PyType_IsSubtype(winner, candidate)) continue;
        if (PyType_IsSubtype(candidate, winner)) {
            winner = candidate;
            continue;
        }
        PyErr_SetString(PyExc_TypeError, "metaclass conflict: the metaclass of a derived class must be a (non-strict) "
                                         "subclass of the metaclasses of all its bases");
        return NULL;
    }
    return winner;
}

/* -- Methods ------------------------------------------------------------------------------------------------------- */

static PyObject *type_subclasses(PyObject *self, PyObject *unused) {
    return kr_type_subclass_list((PyTypeObject *)self);
}

static PyObject *type_prepare(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    return PyDict_New();
}

static PyObject *type_instancecheck(PyObject *self, PyObject *instance) {
    int result = _PyObject_RealIsInstance(instance, self);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

static PyObject *type_subclasscheck(PyObject *self, PyObject *subclass) {
    int result = _PyObject_RealIsSubclass(subclass, self);
    return result < 0 ? NULL : PyBool_FromLong(result);
}

/* Adds the names of a class and of its bases, later ones first, to `names`. */
static int collect_class_names(PyObject *names, PyObject *cls) {
    PyObject *dict, *bases;
    if (_PyObject_LookupAttr(cls, KR_NAME(__dict__), &dict) < 0) return -1;
    if (dict != NULL) {
        int status = PyDict_Update(names, dict);
        Py_DECREF(dict);
        if (status < 0) return -1;
    }
    if (_PyObject_LookupAttr(cls, KR_NAME(__bases__), &bases) < 0) return -1;
    if (bases == NULL) return 0;
    int status = 0;
    Py_ssize_t count = PySequence_Size(bases);
    if (count < 0) status = -1;
    for (Py_ssize_t i = 0; i < count && status == 0; i++) {
        PyObject *base = PySequence_GetItem(bases, i);
        status = base != NULL ? collect_class_names(names, base) : -1;
        Py_XDECREF(base);
    }
    Py_DECREF(bases);
    return status;
}

int kr_type_collect_names(PyObject *names, PyObject *cls) { return collect_class_names(names, cls); }

static PyObject *type_dir(PyObject *self, PyObject *unused) {
    PyObject *names = PyDict_New();
    if (names == NULL) return NULL;
    PyObject *result = collect_class_names(names, self) < 0 ? NULL : PyDict_Keys(names);
    Py_DECREF(names);
    return result;
}

static PyObject *type_sizeof(PyObject *self, PyObject *unused) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) return PyLong_FromSize_t(sizeof(PyTypeObject));
    size_t size = sizeof(PyHeapTypeObject);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        KrShape *shape = &kr_class_layout(type)->shape;
        size += sizeof(KrClassLayout) + shape->count * sizeof(PyObject *) + shape->index_mask + 1;
    }
    return PyLong_FromSize_t(size);
}

static PyMethodDef type_methods[] = {
    {"mro", kr_type_mro_method, METH_NOARGS, "mro($self, /)\n--\n\nReturn the method resolution order as a list."},
    {"__subclasses__", type_subclasses, METH_NOARGS,
     "__subclasses__($self, /)\n--\n\nReturn a list of the direct subclasses that are alive."},
    {"__prepare__", _PyCFunction_CAST(type_prepare), METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "__prepare__() -> dict\n\nReturn the namespace in which a class body is to be run."},
    {"__instancecheck__", type_instancecheck, METH_O,
     "__instancecheck__($self, instance, /)\n--\n\nTell whether an object is an instance of this class."},
    {"__subclasscheck__", type_subclasscheck, METH_O,
     "__subclasscheck__($self, subclass, /)\n--\n\nTell whether a class is derived from this class."},
    {"__dir__", type_dir, METH_NOARGS, "__dir__($self, /)\n--\n\nReturn the names that the class has, its bases' included."},
    {"__sizeof__", type_sizeof, METH_NOARGS, "__sizeof__($self, /)\n--\n\nReturn the size of the type object in bytes."},
    {NULL},
};

/* -- The end of a class ---------------------------------------------------------------------------------------------- */

static void leave_bases(PyTypeObject *type) {
    PyObject *bases = type->tp_bases;
    for (Py_ssize_t i = 0; bases != NULL && i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        if (PyType_Check(base)) kr_type_remove_subclass((PyTypeObject *)base, type);
    }
}

static void type_dealloc(PyObject *self) {
    PyTypeObject *type = (PyTypeObject *)self;
    PyHeapTypeObject *heap_type = (PyHeapTypeObject *)self;
    _PyObject_ASSERT(self, type->tp_flags & Py_TPFLAGS_HEAPTYPE);
    PyObject_GC_UnTrack(self);
    PyObject *error_type, *error_value, *error_traceback;
    PyErr_Fetch(&error_type, &error_value, &error_traceback);
    PyType_Modified(type);
    leave_bases(type);
    PyErr_Restore(error_type, error_value, error_traceback);
    PyObject_ClearWeakRefs(self);

    Py_XDECREF(type->tp_base);
    Py_XDECREF(type->tp_dict);
    Py_XDECREF(type->tp_bases);
    Py_XDECREF(type->tp_mro);
    Py_XDECREF(type->tp_cache);
    PyMem_Free(type->tp_subclasses);
    type->tp_subclasses = NULL;
    /* Heap types own a copy of their docstring. */
    PyObject_Free((char *)type->tp_doc);
    Py_XDECREF(heap_type->ht_name);
    Py_XDECREF(heap_type->ht_qualname);
    Py_XDECREF(heap_type->ht_slots);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) kr_class_layout_destroy(heap_type);
    Py_XDECREF(heap_type->ht_module);
    PyMem_Free(heap_type->_ht_tpname);
    Py_TYPE(type)->tp_free(self);
}

static int type_traverse(PyObject *self, visitproc visit, void *arg) {
    PyTypeObject *type = (PyTypeObject *)self;
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) return 0;
    Py_VISIT(type->tp_dict);
    Py_VISIT(type->tp_cache);
    Py_VISIT(type->tp_mro);
    Py_VISIT(type->tp_bases);
    Py_VISIT(type->tp_base);
    Py_VISIT(((PyHeapTypeObject *)type)->ht_module);
    return 0;
}

/* Every class is part of a cycle through its own MRO. The bases stay: they are no part of cycles that nothing else
 * breaks, and destructors of instances still need them. */
static int type_clear(PyObject *self) {
    PyTypeObject *type = (PyTypeObject *)self;
    PyType_Modified(type);
    leave_bases(type);
    if (type->tp_dict != NULL) PyDict_Clear(type->tp_dict);
    Py_CLEAR(((PyHeapTypeObject *)type)->ht_module);
    Py_CLEAR(type->tp_mro);
    return 0;
}

static int type_is_gc(PyObject *self) { return (((PyTypeObject *)self)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0; }

static PyNumberMethods type_as_number = {.nb_or = _Py_union_type_or};

PyDoc_STRVAR(type_doc, "type(object) -> the object's type\n"
                       "type(name, bases, dict, **kwds) -> a new type\n\n"
                       "Tell the type of an object, or make a new class.");

PyTypeObject PyType_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "type",
    .tp_basicsize = sizeof(PyHeapTypeObject),
    .tp_itemsize = sizeof(PyMemberDef),
    .tp_dealloc = type_dealloc,
    .tp_vectorcall_offset = offsetof(PyTypeObject, tp_vectorcall),
    .tp_repr = type_repr,
    .tp_as_number = &type_as_number,
    .tp_call = type_call,
    .tp_getattro = type_getattro,
    .tp_setattro = type_setattro,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_TYPE_SUBCLASS |
                Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = type_doc,
    .tp_traverse = type_traverse,
    .tp_clear = type_clear,
    .tp_weaklistoffset = offsetof(PyTypeObject, tp_weaklist),
    .tp_methods = type_methods,
    .tp_members = type_members,
    .tp_getset = type_getset,
    .tp_dictoffset = offsetof(PyTypeObject, tp_dict),
    .tp_init = type_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = kr_type_new,
    .tp_free = PyObject_GC_Del,
    .tp_is_gc = type_is_gc,
    .tp_vectorcall = type_vectorcall,
};
