/* types.GenericAlias: a class with type arguments, as list[int]. */
#include <Python.h>
#include <structmember.h>

#include "object/call.h"
#include "object/genericalias.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"
#include "object/union.h"

typedef struct {
    PyObject_HEAD
    PyObject *origin;
    PyObject *args;
    PyObject *parameters;
    PyObject *weaklist;
    char starred; /* *tuple[int, str] in the arguments of another alias */
    vectorcallfunc vectorcall;
} KrGenericAlias;

static inline KrGenericAlias *cast(PyObject *self) { return (KrGenericAlias *)self; }

/* -- Type variables --------------------------------------------------------------------------------------------------------------- */

static Py_ssize_t tuple_find(PyObject *tuple, PyObject *item) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (PyTuple_GET_ITEM(tuple, i) == item) return i;
    }
    return -1;
}

static int list_has(PyObject *list, PyObject *item) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        if (PyList_GET_ITEM(list, i) == item) return 1;
    }
    return 0;
}

static int append_once(PyObject *list, PyObject *item) { return list_has(list, item) ? 0 : PyList_Append(list, item); }

/* Appends the type variables of one argument. */
static int collect_parameters(PyObject *list, PyObject *argument) {
    /* The descriptors of a class itself say nothing about the class as an argument. */
    if (PyType_Check(argument)) return 0;
    PyObject *found;
    int status = _PyObject_LookupAttr(argument, KR_NAME(__typing_subst__), &found);
    if (status < 0) return -1;
    if (status > 0) {
        Py_DECREF(found);
        return append_once(list, argument);
    }
    status = _PyObject_LookupAttr(argument, KR_NAME(__parameters__), &found);
    if (status <= 0) return status;
    status = 0;
    if (PyTuple_Check(found)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(found) && status == 0; i++) {
            status = append_once(list, PyTuple_GET_ITEM(found, i));
        }
    }
    Py_DECREF(found);
    return status;
}

PyObject *_Py_make_parameters(PyObject *args) {
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    PyObject *result = NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
        if (collect_parameters(list, PyTuple_GET_ITEM(args, i)) < 0) goto done;
    }
    result = PyList_AsTuple(list);
done:
    Py_DECREF(list);
    return result;
}

/* -- Substitution -------------------------------------------------------------------------------------------------------------------- */

static int extend_by_tuple(PyObject *list, PyObject *tuple) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (PyList_Append(list, PyTuple_GET_ITEM(tuple, i)) < 0) return -1;
    }
    return 0;
}

/* The types that a starred tuple stands for, *tuple[int, str], if it stands for a fixed number of them: a new tuple; NULL
 * with or without an exception. */
static PyObject *unpacked_types(PyObject *argument) {
    if (PyType_Check(argument)) return NULL;
    PyObject *types;
    if (_PyObject_LookupAttr(argument, KR_NAME(__typing_unpacked_tuple_args__), &types) <= 0) return NULL;
    if (PyTuple_Check(types)) {
        Py_ssize_t count = PyTuple_GET_SIZE(types);
        if (count == 0 || PyTuple_GET_ITEM(types, count - 1) != Py_Ellipsis) return types;
    }
    Py_DECREF(types);
    return NULL;
}

/* Turns what stands between the brackets into a flat tuple of arguments. */
static PyObject *flatten_item(PyObject *item) {
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    PyObject *result = NULL;
    int is_tuple = PyTuple_Check(item);
    Py_ssize_t count = is_tuple ? PyTuple_GET_SIZE(item) : 1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *argument = is_tuple ? PyTuple_GET_ITEM(item, i) : item;
        PyObject *types = unpacked_types(argument);
        if (types == NULL && PyErr_Occurred()) goto done;
        int status = types != NULL ? extend_by_tuple(list, types) : PyList_Append(list, argument);
        Py_XDECREF(types);
        if (status < 0) goto done;
    }
    result = PyList_AsTuple(list);
done:
    Py_DECREF(list);
    return result;
}

/* Lets every parameter that wants to arrange the arguments first: ParamSpec and TypeVarTuple gather several into one.
 * Takes the reference to item. */
static PyObject *prepare_arguments(PyObject *self, PyObject *parameters, PyObject *item) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(parameters); i++) {
        PyObject *prepare;
        if (_PyObject_LookupAttr(PyTuple_GET_ITEM(parameters, i), KR_NAME(__typing_prepare_subst__), &prepare) < 0) {
            Py_DECREF(item);
            return NULL;
        }
        if (prepare == NULL) continue;
        if (prepare != Py_None) {
            PyObject *arguments = PyTuple_Check(item) ? Py_NewRef(item) : PyTuple_Pack(1, item);
            PyObject *prepared =
                arguments != NULL ? PyObject_CallFunctionObjArgs(prepare, self, arguments, NULL) : NULL;
            Py_XDECREF(arguments);
            Py_SETREF(item, prepared);
        }
        Py_DECREF(prepare);
        if (item == NULL) return NULL;
    }
    return item;
}

/* An argument that is generic itself, as list[T]: subscripts it with what its own parameters become. New reference. */
static PyObject *substitute_inside(PyObject *argument, PyObject *parameters, PyObject *const *values) {
    PyObject *own;
    if (_PyObject_LookupAttr(argument, KR_NAME(__parameters__), &own) < 0) return NULL;
    if (own == NULL || !PyTuple_Check(own) || PyTuple_GET_SIZE(own) == 0) {
        Py_XDECREF(own);
        return Py_NewRef(argument);
    }
    PyObject *list = PyList_New(0), *tuple = NULL, *result = NULL;
    if (list == NULL) goto done;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(own); i++) {
        PyObject *value = PyTuple_GET_ITEM(own, i);
        Py_ssize_t place = tuple_find(parameters, value);
        int status;
        if (place < 0) {
            status = PyList_Append(list, value);
        } else {
            PyObject *parameter = PyTuple_GET_ITEM(parameters, place);
            value = values[place];
            /* A TypeVarTuple can be iterated over; its value is a tuple of several arguments. */
            if (Py_TYPE(parameter)->tp_iter != NULL && PyTuple_Check(value)) {
                status = extend_by_tuple(list, value);
            } else {
                status = PyList_Append(list, value);
            }
        }
        if (status < 0) goto done;
    }
    tuple = PyList_AsTuple(list);
    if (tuple != NULL) result = PyObject_GetItem(argument, tuple);
done:
    Py_XDECREF(tuple);
    Py_XDECREF(list);
    Py_DECREF(own);
    return result;
}

static int is_unpacked_typevartuple(PyObject *argument) {
    PyObject *mark;
    int status = _PyObject_LookupAttr(argument, KR_NAME(__typing_is_unpacked_typevartuple__), &mark);
    if (status > 0) {
        status = PyObject_IsTrue(mark);
        Py_DECREF(mark);
    }
    return status;
}

/* Appends what one argument becomes. */
static int substitute(PyObject *list, PyObject *argument, PyObject *parameters, PyObject *const *values) {
    if (PyType_Check(argument)) return PyList_Append(list, argument);
    int several = is_unpacked_typevartuple(argument);
    if (several < 0) return -1;
    PyObject *subst, *replaced;
    if (_PyObject_LookupAttr(argument, KR_NAME(__typing_subst__), &subst) < 0) return -1;
    if (subst != NULL) {
        replaced = PyObject_CallOneArg(subst, values[tuple_find(parameters, argument)]);
        Py_DECREF(subst);
    } else {
        replaced = substitute_inside(argument, parameters, values);
    }
    if (replaced == NULL) return -1;
    int status = several && PyTuple_Check(replaced) ? extend_by_tuple(list, replaced) : PyList_Append(list, replaced);
    Py_DECREF(replaced);
    return status;
}

PyObject *_Py_subs_parameters(PyObject *self, PyObject *args, PyObject *parameters, PyObject *item) {
    Py_ssize_t wanted = PyTuple_GET_SIZE(parameters);
    if (wanted == 0) return PyErr_Format(PyExc_TypeError, "%R is not a generic class", self);
    item = flatten_item(item);
    if (item == NULL) return NULL;
    item = prepare_arguments(self, parameters, item);
    if (item == NULL) return NULL;

    int is_tuple = PyTuple_Check(item);
    Py_ssize_t given = is_tuple ? PyTuple_GET_SIZE(item) : 1;
    PyObject *const *values = is_tuple ? ((PyTupleObject *)item)->ob_item : &item;
    PyObject *list = NULL, *result = NULL;
    if (given != wanted) {
        PyErr_Format(PyExc_TypeError, "Too %s arguments for %R; actual %zd, expected %zd",
                     given > wanted ? "many" : "few", self, given, wanted);
        goto done;
    }
    list = PyList_New(0);
    if (list == NULL) goto done;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
        if (substitute(list, PyTuple_GET_ITEM(args, i), parameters, values) < 0) goto done;
    }
    result = PyList_AsTuple(list);
done:
    Py_XDECREF(list);
    Py_DECREF(item);
    return result;
}

/* -- Making ------------------------------------------------------------------------------------------------------------------------------ */

/* An instance learns which alias made it, if it can take the attribute. */
static PyObject *remember_class(PyObject *self, PyObject *instance) {
    if (instance == NULL) return NULL;
    if (PyObject_SetAttr(instance, KR_NAME(__orig_class__), self) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError) && !PyErr_ExceptionMatches(PyExc_TypeError)) {
            Py_DECREF(instance);
            return NULL;
        }
        PyErr_Clear();
    }
    return instance;
}

static PyObject *alias_vectorcall(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    return remember_class(self, PyObject_Vectorcall(cast(self)->origin, args, nargsf, kwnames));
}

static PyObject *alias_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    return remember_class(self, PyObject_Call(cast(self)->origin, args, kwargs));
}

static PyObject *make_alias(PyTypeObject *type, PyObject *origin, PyObject *args, int starred) {
    PyObject *tuple = PyTuple_Check(args) ? Py_NewRef(args) : PyTuple_Pack(1, args);
    if (tuple == NULL) return NULL;
    PyObject *self = type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(tuple);
        return NULL;
    }
    cast(self)->origin = Py_NewRef(origin);
    cast(self)->args = tuple;
    cast(self)->starred = (char)starred;
    cast(self)->vectorcall = kr_vectorcall_of(origin) != NULL ? alias_vectorcall : NULL;
    return self;
}

PyObject *Py_GenericAlias(PyObject *origin, PyObject *args) { return make_alias(&Py_GenericAliasType, origin, args, 0); }

static PyObject *alias_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (!_PyArg_NoKeywords("GenericAlias", kwargs)) return NULL;
    if (!_PyArg_CheckPositional("GenericAlias", PyTuple_GET_SIZE(args), 2, 2)) return NULL;
    return make_alias(type, PyTuple_GET_ITEM(args, 0), PyTuple_GET_ITEM(args, 1), 0);
}

static PyObject *get_parameters(PyObject *self, void *closure) {
    KrGenericAlias *alias = cast(self);
    if (alias->parameters == NULL) alias->parameters = _Py_make_parameters(alias->args);
    return Py_XNewRef(alias->parameters);
}

static PyObject *alias_getitem(PyObject *self, PyObject *item) {
    KrGenericAlias *alias = cast(self);
    PyObject *parameters = get_parameters(self, NULL);
    if (parameters == NULL) return NULL;
    PyObject *args = _Py_subs_parameters(self, alias->args, parameters, item), *result = NULL;
    Py_DECREF(parameters);
    if (args != NULL) {
        result = make_alias(&Py_GenericAliasType, alias->origin, args, alias->starred);
        Py_DECREF(args);
    }
    return result;
}

/* -- Text ---------------------------------------------------------------------------------------------------------------------------------- */

/* True if the object has both an origin and arguments, as the aliases of typing have. */
static int is_alias_like(PyObject *argument) {
    PyObject *found;
    int status = _PyObject_LookupAttr(argument, KR_NAME(__origin__), &found);
    if (status <= 0) return status;
    Py_DECREF(found);
    status = _PyObject_LookupAttr(argument, KR_NAME(__args__), &found);
    if (status > 0) Py_DECREF(found);
    return status;
}

PyObject *kr_type_argument_repr(PyObject *argument) {
    if (argument == Py_Ellipsis) return PyUnicode_FromString("...");
    int alias_like = is_alias_like(argument);
    if (alias_like < 0) return NULL;
    if (alias_like) return PyObject_Repr(argument);
    PyObject *qualname, *module = NULL, *text = NULL;
    if (_PyObject_LookupAttr(argument, KR_NAME(__qualname__), &qualname) < 0) return NULL;
    if (qualname == NULL) return PyObject_Repr(argument);
    if (_PyObject_LookupAttr(argument, KR_NAME(__module__), &module) < 0) goto done;
    if (module == NULL || module == Py_None) {
        text = PyObject_Repr(argument);
    } else if (PyUnicode_Check(module) && _PyUnicode_EqualToASCIIString(module, "builtins")) {
        text = PyObject_Str(qualname);
    } else {
        text = PyUnicode_FromFormat("%S.%S", module, qualname);
    }
done:
    Py_XDECREF(module);
    Py_DECREF(qualname);
    return text;
}

static PyObject *joined_arguments(PyObject *args) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count == 0) return PyUnicode_FromString("()"); /* tuple[()] */
    PyObject *texts = PyList_New(0), *separator = NULL, *joined = NULL;
    if (texts == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *text = kr_type_argument_repr(PyTuple_GET_ITEM(args, i));
        int status = text != NULL ? PyList_Append(texts, text) : -1;
        Py_XDECREF(text);
        if (status < 0) goto done;
    }
    separator = PyUnicode_FromString(", ");
    if (separator != NULL) joined = PyUnicode_Join(separator, texts);
done:
    Py_XDECREF(separator);
    Py_DECREF(texts);
    return joined;
}

static PyObject *alias_repr(PyObject *self) {
    KrGenericAlias *alias = cast(self);
    PyObject *origin = kr_type_argument_repr(alias->origin), *text = NULL;
    if (origin == NULL) return NULL;
    PyObject *arguments = joined_arguments(alias->args);
    if (arguments != NULL) {
        text = PyUnicode_FromFormat("%s%U[%U]", alias->starred ? "*" : "", origin, arguments);
        Py_DECREF(arguments);
    }
    Py_DECREF(origin);
    return text;
}

/* -- Attributes: all but a few are those of the origin --------------------------------------------------------------------------------------- */

static const char *const own_attributes[] = {
    "__class__",     "__origin__",    "__args__",   "__unpacked__", "__parameters__", "__typing_unpacked_tuple_args__",
    "__mro_entries__", "__reduce_ex__", "__reduce__", "__copy__",     "__deepcopy__",   NULL,
};

static int is_own_attribute(PyObject *name) {
    for (const char *const *own = own_attributes; *own != NULL; own++) {
        if (_PyUnicode_EqualToASCIIString(name, *own)) return 1;
    }
    return 0;
}

static PyObject *alias_getattro(PyObject *self, PyObject *name) {
    if (PyUnicode_Check(name) && !is_own_attribute(name)) return PyObject_GetAttr(cast(self)->origin, name);
    return PyObject_GenericGetAttr(self, name);
}

static PyObject *alias_dir(PyObject *self, PyObject *unused) {
    PyObject *names = PyObject_Dir(cast(self)->origin);
    if (names == NULL) return NULL;
    for (const char *const *own = own_attributes; *own != NULL; own++) {
        PyObject *name = PyUnicode_FromString(*own);
        int present = name != NULL ? PySequence_Contains(names, name) : -1;
        if (present == 0) present = PyList_Append(names, name);
        Py_XDECREF(name);
        if (present < 0) {
            Py_DECREF(names);
            return NULL;
        }
    }
    return names;
}

static PyObject *get_unpacked_tuple_args(PyObject *self, void *closure) {
    KrGenericAlias *alias = cast(self);
    if (alias->starred && alias->origin == (PyObject *)&PyTuple_Type) return Py_NewRef(alias->args);
    Py_RETURN_NONE;
}

/* -- Comparison, classes, pickling -------------------------------------------------------------------------------------------------------------- */

static Py_hash_t alias_hash(PyObject *self) {
    Py_hash_t origin = PyObject_Hash(cast(self)->origin);
    if (origin == -1) return -1;
    Py_hash_t args = PyObject_Hash(cast(self)->args);
    if (args == -1) return -1;
    Py_hash_t hash = origin ^ args;
    return hash == -1 ? -2 : hash;
}

static PyObject *alias_richcompare(PyObject *a, PyObject *b, int op) {
    if (!kr_generic_alias_check(a) || !kr_generic_alias_check(b) || (op != Py_EQ && op != Py_NE)) {
        Py_RETURN_NOTIMPLEMENTED;
    }
    int equal = cast(a)->starred == cast(b)->starred;
    if (equal) equal = PyObject_RichCompareBool(cast(a)->origin, cast(b)->origin, Py_EQ);
    if (equal > 0) equal = PyObject_RichCompareBool(cast(a)->args, cast(b)->args, Py_EQ);
    return equal < 0 ? NULL : PyBool_FromLong(equal == (op == Py_EQ));
}

static PyObject *alias_mro_entries(PyObject *self, PyObject *args) { return PyTuple_Pack(1, cast(self)->origin); }

static PyObject *alias_instancecheck(PyObject *self, PyObject *unused) {
    return PyErr_Format(PyExc_TypeError, "isinstance() argument 2 cannot be a parameterized generic");
}

static PyObject *alias_subclasscheck(PyObject *self, PyObject *unused) {
    return PyErr_Format(PyExc_TypeError, "issubclass() argument 2 cannot be a parameterized generic");
}

static PyObject *alias_reduce(PyObject *self, PyObject *unused) {
    KrGenericAlias *alias = cast(self);
    if (!alias->starred) return Py_BuildValue("O(OO)", Py_TYPE(self), alias->origin, alias->args);
    /* A starred alias is what iterating over a plain one yields. */
    PyObject *plain = Py_GenericAlias(alias->origin, alias->args);
    if (plain == NULL) return NULL;
    PyObject *iterator = PyObject_GetIter(plain), *next = NULL;
    Py_DECREF(plain);
    if (iterator == NULL) return NULL;
    next = _PyEval_GetBuiltin(KR_NAME(next));
    if (next == NULL) {
        Py_DECREF(iterator);
        return NULL;
    }
    return Py_BuildValue("N(N)", next, iterator);
}

/* -- Iteration: *alias -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct {
    PyObject_HEAD
    PyObject *alias; /* NULL when exhausted */
} KrAliasIterator;

static inline PyObject **iterator_alias(PyObject *self) { return &((KrAliasIterator *)self)->alias; }

static PyObject *alias_iter(PyObject *self) {
    KrAliasIterator *iterator = PyObject_GC_New(KrAliasIterator, &_Py_GenericAliasIterType);
    if (iterator == NULL) return NULL;
    iterator->alias = Py_NewRef(self);
    PyObject_GC_Track(iterator);
    return (PyObject *)iterator;
}

static PyObject *iterator_next(PyObject *self) {
    PyObject *alias = *iterator_alias(self);
    if (alias == NULL) return NULL;
    PyObject *result = make_alias(&Py_GenericAliasType, cast(alias)->origin, cast(alias)->args, 1);
    Py_CLEAR(*iterator_alias(self));
    return result;
}

static void iterator_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_XDECREF(*iterator_alias(self));
    PyObject_GC_Del(self);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(*iterator_alias(self));
    return 0;
}

static int iterator_clear(PyObject *self) {
    Py_CLEAR(*iterator_alias(self));
    return 0;
}

static PyObject *iterator_reduce(PyObject *self, PyObject *unused) {
    PyObject *iter = _PyEval_GetBuiltin(KR_NAME(iter));
    if (iter == NULL) return NULL;
    PyObject *alias = *iterator_alias(self);
    return alias != NULL ? Py_BuildValue("N(O)", iter, alias) : Py_BuildValue("N(())", iter);
}

static PyMethodDef iterator_methods[] = {
    {"__reduce__", iterator_reduce, METH_NOARGS, NULL},
    {NULL},
};

PyTypeObject _Py_GenericAliasIterType = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "generic_alias_iterator",
    .tp_basicsize = sizeof(KrAliasIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = iterator_traverse,
    .tp_clear = iterator_clear,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
    .tp_methods = iterator_methods,
};

/* -- The type -------------------------------------------------------------------------------------------------------------------------------------------- */

static void alias_dealloc(PyObject *self) {
    KrGenericAlias *alias = cast(self);
    PyObject_GC_UnTrack(self);
    if (alias->weaklist != NULL) PyObject_ClearWeakRefs(self);
    Py_XDECREF(alias->origin);
    Py_XDECREF(alias->args);
    Py_XDECREF(alias->parameters);
    Py_TYPE(self)->tp_free(self);
}

static int alias_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(cast(self)->origin);
    Py_VISIT(cast(self)->args);
    Py_VISIT(cast(self)->parameters);
    return 0;
}

static PyMethodDef alias_methods[] = {
    {"__mro_entries__", alias_mro_entries, METH_O, NULL},
    {"__instancecheck__", alias_instancecheck, METH_O, NULL},
    {"__subclasscheck__", alias_subclasscheck, METH_O, NULL},
    {"__reduce__", alias_reduce, METH_NOARGS, NULL},
    {"__dir__", alias_dir, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef alias_members[] = {
    {"__origin__", T_OBJECT, offsetof(KrGenericAlias, origin), READONLY},
    {"__args__", T_OBJECT, offsetof(KrGenericAlias, args), READONLY},
    {"__unpacked__", T_BOOL, offsetof(KrGenericAlias, starred), READONLY},
    {NULL},
};

static PyGetSetDef alias_getset[] = {
    {"__parameters__", get_parameters, NULL, "the type variables among the arguments"},
    {"__typing_unpacked_tuple_args__", get_unpacked_tuple_args},
    {NULL},
};

static PyMappingMethods alias_as_mapping = {.mp_subscript = alias_getitem};
static PyNumberMethods alias_as_number = {.nb_or = _Py_union_type_or};

PyTypeObject Py_GenericAliasType = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "types.GenericAlias",
    .tp_basicsize = sizeof(KrGenericAlias),
    .tp_dealloc = alias_dealloc,
    .tp_vectorcall_offset = offsetof(KrGenericAlias, vectorcall),
    .tp_repr = alias_repr,
    .tp_as_number = &alias_as_number,
    .tp_as_mapping = &alias_as_mapping,
    .tp_hash = alias_hash,
    .tp_call = alias_call,
    .tp_getattro = alias_getattro,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = "GenericAlias(origin, args, /)\n\nA class with type arguments: list[int] has the origin list and the args (int,).",
    .tp_traverse = alias_traverse,
    .tp_richcompare = alias_richcompare,
    .tp_weaklistoffset = offsetof(KrGenericAlias, weaklist),
    .tp_iter = alias_iter,
    .tp_methods = alias_methods,
    .tp_members = alias_members,
    .tp_getset = alias_getset,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = alias_new,
    .tp_free = PyObject_GC_Del,
};
