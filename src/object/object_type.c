/* The type `object`: the root of all classes, and what every object can do for copying and pickling. */
#include <Python.h>
#include <structmember.h>

#include "object/instance.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"

/* -- Creation and initialisation ---------------------------------------------------------------------------------------- */

static int has_arguments(PyObject *args, PyObject *kwargs) {
    return PyTuple_GET_SIZE(args) != 0 || (kwargs != NULL && PyDict_GET_SIZE(kwargs) != 0);
}

void kr_object_abstract_error(PyTypeObject *type) {
    PyObject *methods = PyObject_GetAttr((PyObject *)type, KR_NAME(__abstractmethods__));
    if (methods == NULL) return;
    PyObject *sorted = PySequence_List(methods), *separator = NULL, *joined = NULL;
    Py_DECREF(methods);
    if (sorted == NULL || PyList_Sort(sorted) < 0) goto done;
    separator = PyUnicode_FromString(", ");
    if (separator == NULL || (joined = PyUnicode_Join(separator, sorted)) == NULL) goto done;
    PyErr_Format(PyExc_TypeError, "Can't instantiate abstract class %s with abstract method%s %U", type->tp_name,
                 PyList_GET_SIZE(sorted) > 1 ? "s" : "", joined);
done:
    Py_XDECREF(joined);
    Py_XDECREF(separator);
    Py_XDECREF(sorted);
}

/* Superfluous arguments are an error here unless the class overrides __init__ and only __init__, which then judges
 * them; and the same the other way round in object_init. */
PyObject *kr_object_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (has_arguments(args, kwargs)) {
        if (type->tp_new != kr_object_new) {
            PyErr_SetString(PyExc_TypeError,
                            "object.__new__() takes exactly one argument (the type to instantiate)");
            return NULL;
        }
        if (type->tp_init == kr_object_init) {
            PyErr_Format(PyExc_TypeError, "%.200s() takes no arguments", type->tp_name);
            return NULL;
        }
    }
    if (type->tp_flags & Py_TPFLAGS_IS_ABSTRACT) {
        kr_object_abstract_error(type);
        return NULL;
    }
    return type->tp_alloc(type, 0);
}

int kr_object_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyTypeObject *type = Py_TYPE(self);
    if (!has_arguments(args, kwargs)) return 0;
    if (type->tp_init != kr_object_init) {
        PyErr_SetString(PyExc_TypeError,
                        "object.__init__() takes exactly one argument (the instance to initialize)");
        return -1;
    }
    if (type->tp_new == kr_object_new) {
        PyErr_Format(PyExc_TypeError, "%.200s.__init__() takes exactly one argument (the instance to initialize)",
                     type->tp_name);
        return -1;
    }
    return 0;
}

static void object_dealloc(PyObject *self) { Py_TYPE(self)->tp_free(self); }

/* -- Text, comparison ------------------------------------------------------------------------------------------------------ */

static PyObject *object_repr(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject *module = PyObject_GetAttr((PyObject *)type, KR_NAME(__module__));
    if (module == NULL) {
        PyErr_Clear();
    } else if (!PyUnicode_Check(module)) {
        Py_CLEAR(module);
    }
    PyObject *name = PyType_GetQualName(type), *text = NULL;
    if (name != NULL) {
        if (module != NULL && PyUnicode_Compare(module, KR_NAME(builtins)) != 0) {
            text = PyUnicode_FromFormat("<%U.%U object at %p>", module, name, self);
        } else {
            text = PyUnicode_FromFormat("<%s object at %p>", type->tp_name, self);
        }
        Py_DECREF(name);
    }
    Py_XDECREF(module);
    return text;
}

static PyObject *object_str(PyObject *self) {
    reprfunc repr = Py_TYPE(self)->tp_repr;
    return (repr != NULL ? repr : object_repr)(self);
}

static Py_hash_t object_hash(PyObject *self) { return _Py_HashPointer(self); }

static PyObject *object_richcompare(PyObject *self, PyObject *other, int op) {
    if (op == Py_EQ) {
        /* NotImplemented rather than False: the other side may know better. */
        return Py_NewRef(self == other ? Py_True : Py_NotImplemented);
    }
    if (op != Py_NE || Py_TYPE(self)->tp_richcompare == NULL) Py_RETURN_NOTIMPLEMENTED;
    PyObject *equal = Py_TYPE(self)->tp_richcompare(self, other, Py_EQ);
    if (equal == NULL || equal == Py_NotImplemented) return equal;
    int truth = PyObject_IsTrue(equal);
    Py_DECREF(equal);
    return truth < 0 ? NULL : PyBool_FromLong(!truth);
}

static PyObject *object_format(PyObject *self, PyObject *spec) {
    if (!PyUnicode_Check(spec)) {
        _PyArg_BadArgument("__format__", "argument", "str", spec);
        return NULL;
    }
    if (PyUnicode_GET_LENGTH(spec) > 0) {
        PyErr_Format(PyExc_TypeError, "unsupported format string passed to %.200s.__format__", Py_TYPE(self)->tp_name);
        return NULL;
    }
    return PyObject_Str(self);
}

static PyObject *object_sizeof(PyObject *self, PyObject *unused) {
    PyTypeObject *type = Py_TYPE(self);
    Py_ssize_t size = type->tp_basicsize;
    if (type->tp_itemsize > 0) {
        Py_ssize_t count = Py_SIZE(self);
        size += (count < 0 ? -count : count) * type->tp_itemsize;
    }
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) size += (Py_ssize_t)kr_instance_values_size(self);
    return PyLong_FromSsize_t(size);
}

/* -- __class__ and dir() ----------------------------------------------------------------------------------------------------- */

static PyObject *get_class(PyObject *self, void *closure) { return Py_NewRef(Py_TYPE(self)); }

static int set_class(PyObject *self, PyObject *value, void *closure) {
    PyTypeObject *from = Py_TYPE(self);
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "can't delete __class__ attribute");
        return -1;
    }
    if (!PyType_Check(value)) {
        PyErr_Format(PyExc_TypeError, "__class__ must be set to a class, not '%s' object", Py_TYPE(value)->tp_name);
        return -1;
    }
    if (PySys_Audit("object.__setattr__", "OsO", self, "__class__", value) < 0) return -1;
    PyTypeObject *to = (PyTypeObject *)value;
    /* Immutable types may share instances and cache what they know of them; modules are the one exception. */
    int modules = PyType_IsSubtype(to, &PyModule_Type) && PyType_IsSubtype(from, &PyModule_Type);
    if (!modules && ((to->tp_flags | from->tp_flags) & Py_TPFLAGS_IMMUTABLETYPE)) {
        PyErr_SetString(PyExc_TypeError,
                        "__class__ assignment only supported for mutable types or ModuleType subclasses");
        return -1;
    }
    if (!kr_type_layout_compatible(from, to, "__class__")) return -1;
    /* The values are stored by the old class's shape; a dict does not depend on it. */
    if ((from->tp_flags & Py_TPFLAGS_MANAGED_DICT) && *kr_attribute_word(self) != 0 && kr_instance_dict(self) == NULL) {
        return -1;
    }
    /* A class that gets another metaclass may be called in another way. */
    if (PyType_Check(self) && ((PyTypeObject *)self)->tp_vectorcall == kr_class_vectorcall) {
        ((PyTypeObject *)self)->tp_vectorcall = NULL;
    }
    if (to->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_INCREF(to);
    Py_SET_TYPE(self, to);
    if (from->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_DECREF(from);
    return 0;
}

static PyGetSetDef object_getset[] = {
    {"__class__", get_class, set_class, "the class of the object"},
    {NULL},
};

static PyObject *object_dir(PyObject *self, PyObject *unused) {
    PyObject *dict, *names, *cls = NULL, *result = NULL;
    if (_PyObject_LookupAttr(self, KR_NAME(__dict__), &dict) < 0) return NULL;
    if (dict == NULL) {
        names = PyDict_New();
    } else {
        names = PyDict_Check(dict) ? PyDict_Copy(dict) : PyDict_New();
        Py_DECREF(dict);
    }
    if (names == NULL || _PyObject_LookupAttr(self, KR_NAME(__class__), &cls) < 0) goto done;
    if (cls != NULL && kr_type_collect_names(names, cls) < 0) goto done;
    result = PyDict_Keys(names);
done:
    Py_XDECREF(cls);
    Py_XDECREF(names);
    return result;
}

/* -- Pickling ------------------------------------------------------------------------------------------------------------------- */

static PyObject *import_copyreg(void) {
    PyObject *module = PyImport_GetModule(KR_NAME(copyreg));
    if (module != NULL || PyErr_Occurred()) return module;
    return PyImport_Import(KR_NAME(copyreg));
}

static PyObject *copyreg_attribute(PyObject *name) {
    PyObject *module = import_copyreg();
    if (module == NULL) return NULL;
    PyObject *result = PyObject_GetAttr(module, name);
    Py_DECREF(module);
    return result;
}

/* The names of a class's slots that pickle has to save: a list, or None. New reference. */
static PyObject *slot_names(PyTypeObject *type) {
    PyObject *names = PyDict_GetItemWithError(type->tp_dict, KR_NAME(__slotnames__));
    if (names == NULL && PyErr_Occurred()) return NULL;
    if (names != NULL) {
        Py_INCREF(names);
    } else {
        /* copyreg finds them and keeps them in the class. */
        PyObject *function = copyreg_attribute(KR_NAME(_slotnames));
        if (function == NULL) return NULL;
        names = PyObject_CallOneArg(function, (PyObject *)type);
        Py_DECREF(function);
        if (names == NULL) return NULL;
    }
    if (names != Py_None && !PyList_Check(names)) {
        PyErr_Format(PyExc_TypeError, "%.200s.__slotnames__ should be a list or None, not %.200s", type->tp_name,
                     Py_TYPE(names)->tp_name);
        Py_CLEAR(names);
    }
    return names;
}

/* True if instances hold data that neither a dict, slots nor items account for. */
static int has_hidden_state(PyObject *self, PyObject *names) {
    PyTypeObject *type = Py_TYPE(self);
    if (type->tp_itemsize != 0) return 1;
    Py_ssize_t known = PyBaseObject_Type.tp_basicsize;
    if (type->tp_dictoffset != 0) known += sizeof(PyObject *);
    if (type->tp_weaklistoffset > 0) known += sizeof(PyObject *);
    if (names != Py_None) known += sizeof(PyObject *) * PyList_GET_SIZE(names);
    return type->tp_basicsize > known;
}

/* Collects the values of the slots that are set. Returns a new dict or NULL. */
static PyObject *slot_values(PyObject *self, PyObject *names) {
    PyObject *values = PyDict_New();
    if (values == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(names); i++) {
        PyObject *name = Py_NewRef(PyList_GET_ITEM(names, i)), *value;
        int status = _PyObject_LookupAttr(self, name, &value);
        if (status > 0) {
            status = PyDict_SetItem(values, name, value);
            Py_DECREF(value);
        }
        Py_DECREF(name);
        if (status < 0) {
            Py_DECREF(values);
            return NULL;
        }
    }
    return values;
}

static int has_own_attributes(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) return !kr_instance_is_empty(self);
    PyObject **dict = type->tp_dictoffset != 0 ? _PyObject_GetDictPtr(self) : NULL;
    return dict != NULL && *dict != NULL && PyDict_Check(*dict) && PyDict_GET_SIZE(*dict) != 0;
}

static PyObject *default_state(PyObject *self, int required) {
    PyTypeObject *type = Py_TYPE(self);
    if (required && type->tp_itemsize != 0) {
        PyErr_Format(PyExc_TypeError, "cannot pickle %.200s objects", type->tp_name);
        return NULL;
    }
    PyObject *state = has_own_attributes(self) ? PyObject_GenericGetDict(self, NULL) : Py_NewRef(Py_None);
    if (state == NULL) return NULL;
    PyObject *names = slot_names(type);
    if (names == NULL) {
        Py_DECREF(state);
        return NULL;
    }
    if (required && has_hidden_state(self, names)) {
        PyErr_Format(PyExc_TypeError, "cannot pickle '%.200s' object", type->tp_name);
        Py_DECREF(names);
        Py_DECREF(state);
        return NULL;
    }
    if (names != Py_None && PyList_GET_SIZE(names) > 0) {
        PyObject *values = slot_values(self, names);
        if (values == NULL) {
            Py_CLEAR(state);
        } else if (PyDict_GET_SIZE(values) > 0) {
            Py_SETREF(state, PyTuple_Pack(2, state, values));
        }
        Py_XDECREF(values);
    }
    Py_DECREF(names);
    return state;
}

static PyObject *object_getstate(PyObject *self, PyObject *unused) { return default_state(self, 0); }

/* True if an attribute that was found in a class is the method of `object` with that function. */
static int is_method_of_object(PyObject *method, PyCFunction function) {
    return Py_IS_TYPE(method, &PyMethodDescr_Type) && ((PyMethodDescrObject *)method)->d_method->ml_meth == function;
}

/* obj.__getstate__(). `required` asks to refuse objects whose state would be incomplete. */
static PyObject *call_getstate(PyObject *self, int required) {
    PyObject *method, *state;
    if (_PyObject_GetMethod(self, KR_NAME(__getstate__), &method)) {
        state = is_method_of_object(method, object_getstate) ? default_state(self, required)
                                                             : PyObject_CallOneArg(method, self);
        Py_DECREF(method);
        return state;
    }
    if (method == NULL) return NULL;
    if (PyCFunction_Check(method) && PyCFunction_GET_SELF(method) == self &&
        PyCFunction_GET_FUNCTION(method) == object_getstate) {
        state = default_state(self, required);
    } else {
        state = PyObject_CallNoArgs(method);
    }
    Py_DECREF(method);
    return state;
}

PyObject *_PyObject_GetState(PyObject *self) { return call_getstate(self, 0); }

/* What the class says about arguments of __new__: sets *args and *kwargs (new references; *kwargs may be NULL).
 * Returns 1 if it says something, 0 if not (both NULL), -1 on error. */
static int new_arguments(PyObject *self, PyObject **args, PyObject **kwargs) {
    *args = *kwargs = NULL;
    PyObject *method = kr_special_lookup(self, KR_NAME(__getnewargs_ex__));
    if (method != NULL) {
        PyObject *pair = PyObject_CallNoArgs(method);
        Py_DECREF(method);
        if (pair == NULL) return -1;
        if (!PyTuple_Check(pair)) {
            PyErr_Format(PyExc_TypeError, "__getnewargs_ex__ should return a tuple, not '%.200s'",
                         Py_TYPE(pair)->tp_name);
        } else if (PyTuple_GET_SIZE(pair) != 2) {
            PyErr_Format(PyExc_ValueError, "__getnewargs_ex__ should return a tuple of length 2, not %zd",
                         PyTuple_GET_SIZE(pair));
        } else if (!PyTuple_Check(PyTuple_GET_ITEM(pair, 0))) {
            PyErr_Format(PyExc_TypeError,
                         "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '%.200s'",
                         Py_TYPE(PyTuple_GET_ITEM(pair, 0))->tp_name);
        } else if (!PyDict_Check(PyTuple_GET_ITEM(pair, 1))) {
            PyErr_Format(PyExc_TypeError,
                         "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '%.200s'",
                         Py_TYPE(PyTuple_GET_ITEM(pair, 1))->tp_name);
        } else {
            *args = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
            *kwargs = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
        }
        Py_DECREF(pair);
        return *args != NULL ? 1 : -1;
    }
    if (PyErr_Occurred()) return -1;
    method = kr_special_lookup(self, KR_NAME(__getnewargs__));
    if (method == NULL) return PyErr_Occurred() ? -1 : 0;
    *args = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (*args == NULL) return -1;
    if (!PyTuple_Check(*args)) {
        PyErr_Format(PyExc_TypeError, "__getnewargs__ should return a tuple, not '%.200s'", Py_TYPE(*args)->tp_name);
        Py_CLEAR(*args);
        return -1;
    }
    return 1;
}

/* Iterators over the contents of list and dict subclasses, None for others. */
static int content_iterators(PyObject *self, PyObject **items, PyObject **pairs) {
    *items = *pairs = NULL;
    if (PyList_Check(self)) {
        *items = PyObject_GetIter(self);
        if (*items == NULL) return -1;
    } else {
        *items = Py_NewRef(Py_None);
    }
    if (PyDict_Check(self)) {
        PyObject *view = PyObject_CallMethodNoArgs(self, KR_NAME(items));
        *pairs = view != NULL ? PyObject_GetIter(view) : NULL;
        Py_XDECREF(view);
    } else {
        *pairs = Py_NewRef(Py_None);
    }
    if (*pairs != NULL) return 0;
    Py_CLEAR(*items);
    return -1;
}

/* Makes `function` and its arguments that rebuild the object: copyreg.__newobj__(cls, *args) or __newobj_ex__. */
static int reconstruction(PyObject *self, PyObject *args, PyObject *kwargs, PyObject **function, PyObject **arguments) {
    PyObject *cls = (PyObject *)Py_TYPE(self);
    *arguments = NULL;
    if (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0) {
        *function = copyreg_attribute(KR_NAME(__newobj__));
        if (*function == NULL) return -1;
        Py_ssize_t count = args != NULL ? PyTuple_GET_SIZE(args) : 0;
        *arguments = PyTuple_New(count + 1);
        if (*arguments != NULL) {
            PyTuple_SET_ITEM(*arguments, 0, Py_NewRef(cls));
            for (Py_ssize_t i = 0; i < count; i++) {
                PyTuple_SET_ITEM(*arguments, i + 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
            }
        }
    } else if (args != NULL) {
        *function = copyreg_attribute(KR_NAME(__newobj_ex__));
        if (*function == NULL) return -1;
        *arguments = PyTuple_Pack(3, cls, args, kwargs);
    } else {
        PyErr_BadInternalCall();
        *function = NULL;
        return -1;
    }
    if (*arguments != NULL) return 0;
    Py_CLEAR(*function);
    return -1;
}

/* Protocol 2 and later. */
static PyObject *reduce_by_new(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (type->tp_new == NULL) {
        PyErr_Format(PyExc_TypeError, "cannot pickle '%.200s' object", type->tp_name);
        return NULL;
    }
    PyObject *args, *kwargs, *function = NULL, *arguments = NULL, *state = NULL, *items = NULL, *pairs = NULL;
    PyObject *result = NULL;
    int has_args = new_arguments(self, &args, &kwargs);
    if (has_args < 0) return NULL;
    if (reconstruction(self, args, kwargs, &function, &arguments) < 0) goto done;
    /* Without arguments for __new__, the state must say everything. */
    state = call_getstate(self, !(has_args || PyList_Check(self) || PyDict_Check(self)));
    if (state == NULL || content_iterators(self, &items, &pairs) < 0) goto done;
    result = PyTuple_Pack(5, function, arguments, state, items, pairs);
done:
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    Py_XDECREF(function);
    Py_XDECREF(arguments);
    Py_XDECREF(state);
    Py_XDECREF(items);
    Py_XDECREF(pairs);
    return result;
}

static PyObject *reduce_by_protocol(PyObject *self, int protocol) {
    if (protocol >= 2) return reduce_by_new(self);
    PyObject *function = copyreg_attribute(KR_NAME(_reduce_ex));
    if (function == NULL) return NULL;
    PyObject *number = PyLong_FromLong(protocol), *result = NULL;
    if (number != NULL) {
        result = PyObject_Vectorcall(function, (PyObject *[]){self, number}, 2, NULL);
        Py_DECREF(number);
    }
    Py_DECREF(function);
    return result;
}

static PyObject *object_reduce(PyObject *self, PyObject *unused) { return reduce_by_protocol(self, 0); }

static PyObject *object_reduce_ex(PyObject *self, PyObject *argument) {
    int protocol = _PyLong_AsInt(argument);
    if (protocol == -1 && PyErr_Occurred()) return NULL;
    /* A class that overrides only __reduce__ means it for all protocols. */
    PyObject *reduce;
    if (Py_TYPE(self)->tp_getattro == PyObject_GenericGetAttr) {
        reduce = _PyType_Lookup(Py_TYPE(self), KR_NAME(__reduce__));
        if (reduce != NULL && is_method_of_object(reduce, object_reduce)) return reduce_by_protocol(self, protocol);
    }
    if (_PyObject_LookupAttr(self, KR_NAME(__reduce__), &reduce) < 0) return NULL;
    if (reduce != NULL) {
        PyObject *ours = PyObject_GetAttr((PyObject *)Py_TYPE(self), KR_NAME(__reduce__));
        if (ours == NULL) {
            Py_DECREF(reduce);
            return NULL;
        }
        PyObject *original = PyDict_GetItemWithError(PyBaseObject_Type.tp_dict, KR_NAME(__reduce__));
        int overridden = ours != original;
        Py_DECREF(ours);
        if (overridden) {
            PyObject *result = PyObject_CallNoArgs(reduce);
            Py_DECREF(reduce);
            return result;
        }
        Py_DECREF(reduce);
    }
    return reduce_by_protocol(self, protocol);
}

/* -- Hooks for subclasses to override ----------------------------------------------------------------------------------------- */

static PyObject *object_subclasshook(PyObject *cls, PyObject *args) { Py_RETURN_NOTIMPLEMENTED; }

static PyObject *object_init_subclass(PyObject *cls, PyObject *unused) { Py_RETURN_NONE; }

static PyMethodDef object_methods[] = {
    {"__reduce_ex__", object_reduce_ex, METH_O,
     "__reduce_ex__($self, protocol, /)\n--\n\nTell pickle how to rebuild the object, by protocol number."},
    {"__reduce__", object_reduce, METH_NOARGS,
     "__reduce__($self, /)\n--\n\nTell pickle how to rebuild the object."},
    {"__getstate__", object_getstate, METH_NOARGS,
     "__getstate__($self, /)\n--\n\nReturn the state that pickle saves."},
    {"__subclasshook__", object_subclasshook, METH_CLASS | METH_VARARGS,
     "Decide issubclass() for an abstract base class that overrides this;\n"
     "True, False, or NotImplemented to go the normal way."},
    {"__init_subclass__", object_init_subclass, METH_CLASS | METH_NOARGS,
     "Run when a class is derived from this one; does nothing unless overridden."},
    {"__format__", object_format, METH_O,
     "__format__($self, format_spec, /)\n--\n\nReturn the text for format(); only an empty specification is known."},
    {"__sizeof__", object_sizeof, METH_NOARGS, "__sizeof__($self, /)\n--\n\nReturn the size of the object in bytes."},
    {"__dir__", object_dir, METH_NOARGS, "__dir__($self, /)\n--\n\nReturn the names of the object's attributes."},
    {NULL},
};

PyDoc_STRVAR(object_doc, "object()\n--\n\nThe root of all classes; a plain instance has no attributes of its own.");

PyTypeObject PyBaseObject_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "object",
    .tp_basicsize = sizeof(PyObject),
    .tp_dealloc = object_dealloc,
    .tp_repr = object_repr,
    .tp_hash = object_hash,
    .tp_str = object_str,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = object_doc,
    .tp_richcompare = object_richcompare,
    .tp_methods = object_methods,
    .tp_getset = object_getset,
    .tp_init = kr_object_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = kr_object_new,
    .tp_free = PyObject_Free,
};
