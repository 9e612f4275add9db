/* The module _abc: what abc.ABCMeta does in C.
 *
 * Each abstract base class has an attribute _abc_impl with the classes registered with it and two caches of answers. All
 * three are sets of weak references, whose callbacks take dead classes out. A cache of negative answers is valid only
 * while its version equals the global counter, which every registration raises.
 */
#include <Python.h>

#include "collector/collector.h"
#include "object/names.h"

typedef struct {
    PyObject_HEAD
    PyObject *registry; /* sets of weak references; NULL while empty */
    PyObject *cache;
    PyObject *negative_cache;
    unsigned long long negative_version;
} AbcData;

static struct {
    unsigned long long invalidations;
} state;

static const unsigned long collection_flags = Py_TPFLAGS_SEQUENCE | Py_TPFLAGS_MAPPING;

/* The data object */

static int data_traverse(PyObject *op, visitproc visit, void *arg) {
    AbcData *self = (AbcData *)op;
    Py_VISIT(self->registry);
    Py_VISIT(self->cache);
    Py_VISIT(self->negative_cache);
    return 0;
}

static int data_clear(PyObject *op) {
    AbcData *self = (AbcData *)op;
    Py_CLEAR(self->registry);
    Py_CLEAR(self->cache);
    Py_CLEAR(self->negative_cache);
    return 0;
}

static void data_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    data_clear(op);
    PyObject_GC_Del(op);
}

static PyObject *data_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    AbcData *self = (AbcData *)type->tp_alloc(type, 0);
    if (self != NULL) self->negative_version = state.invalidations;
    return (PyObject *)self;
}

PyDoc_STRVAR(data_doc, "The registry and the caches of an abstract base class.");

static PyTypeObject data_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "_abc._abc_data",
    .tp_basicsize = sizeof(AbcData),
    .tp_dealloc = data_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = data_doc,
    .tp_traverse = data_traverse,
    .tp_clear = data_clear,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = data_new,
    .tp_free = PyObject_GC_Del,
};

/* Returns the data of an abstract base class, a new reference, or NULL. */
static AbcData *data_of(PyObject *class) {
    PyObject *data = PyObject_GetAttr(class, KR_NAME(_abc_impl));
    if (data == NULL) return NULL;
    if (!Py_IS_TYPE(data, &data_type)) {
        PyErr_SetString(PyExc_TypeError, "_abc_impl is set to a wrong type");
        Py_DECREF(data);
        return NULL;
    }
    return (AbcData *)data;
}

/* Sets of weak references */

/* Tells whether a class is in a set: 1, 0, or -1 with an exception. */
static int set_has(PyObject *set, PyObject *class) {
    if (set == NULL || PySet_GET_SIZE(set) == 0) return 0;
    PyObject *reference = PyWeakref_NewRef(class, NULL);
    if (reference == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
        PyErr_Clear(); /* an object without weak references cannot be in it */
        return 0;
    }
    int present = PySet_Contains(set, reference);
    Py_DECREF(reference);
    return present;
}

/* The callback of the references: takes a dead one out of its set, to which `set_reference` points. */
static PyObject *forget_dead(PyObject *set_reference, PyObject *reference) {
    PyObject *set = PyWeakref_GET_OBJECT(set_reference);
    if (set == Py_None) Py_RETURN_NONE;
    Py_INCREF(set);
    int failed = PySet_Discard(set, reference) < 0;
    Py_DECREF(set);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef forget_dead_function = {"_destroy", forget_dead, METH_O};

/* Adds a class to a set, making the set if there is none. Returns 0 or -1. */
static int set_add(PyObject **set, PyObject *class) {
    if (*set == NULL && (*set = PySet_New(NULL)) == NULL) return -1;
    PyObject *set_reference = PyWeakref_NewRef(*set, NULL);
    if (set_reference == NULL) return -1;
    PyObject *callback = PyCFunction_NewEx(&forget_dead_function, set_reference, NULL);
    Py_DECREF(set_reference);
    if (callback == NULL) return -1;
    PyObject *reference = PyWeakref_NewRef(class, callback);
    Py_DECREF(callback);
    if (reference == NULL) return -1;
    int failed = PySet_Add(*set, reference);
    Py_DECREF(reference);
    return failed;
}

static PyObject *set_copy(PyObject *set) { return PySet_New(set); }

PyDoc_STRVAR(reset_registry_doc, "_reset_registry($module, self, /)\n--\n\nForget all registered classes; for tests.");

static PyObject *abc_reset_registry(PyObject *module, PyObject *class) {
    AbcData *data = data_of(class);
    if (data == NULL) return NULL;
    int failed = data->registry != NULL && PySet_Clear(data->registry) < 0;
    Py_DECREF(data);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reset_caches_doc, "_reset_caches($module, self, /)\n--\n\nEmpty both caches; for tests.");

static PyObject *abc_reset_caches(PyObject *module, PyObject *class) {
    AbcData *data = data_of(class);
    if (data == NULL) return NULL;
    int failed = (data->cache != NULL && PySet_Clear(data->cache) < 0) ||
                 (data->negative_cache != NULL && PySet_Clear(data->negative_cache) < 0);
    Py_DECREF(data);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(get_dump_doc, "_get_dump($module, self, /)\n--\n\n"
                           "Return copies of registry, cache and negative cache, and the latter's version; for tests.");

static PyObject *abc_get_dump(PyObject *module, PyObject *class) {
    AbcData *data = data_of(class);
    if (data == NULL) return NULL;
    PyObject *dump = Py_BuildValue("NNNK", set_copy(data->registry), set_copy(data->cache),
                                   set_copy(data->negative_cache), data->negative_version);
    Py_DECREF(data);
    return dump;
}

/* Abstract methods */

/* Adds the names in the class's own namespace that are abstract to a set. Returns 0 or -1. */
static int add_own_abstract_names(PyObject *names, PyObject *class) {
    PyObject *namespace = PyObject_GetAttr(class, KR_NAME(__dict__));
    PyObject *items = namespace != NULL ? PyMapping_Items(namespace) : NULL;
    Py_XDECREF(namespace);
    if (items == NULL) return -1;
    int failed = 0;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(items); i++) {
        PyObject *pair = PySequence_Tuple(PyList_GET_ITEM(items, i));
        if (pair == NULL || PyTuple_GET_SIZE(pair) != 2) {
            if (pair != NULL) PyErr_SetString(PyExc_TypeError, "Iteration over __dict__.items() must yield pairs");
            failed = 1;
        } else {
            int abstract = _PyObject_IsAbstract(PyTuple_GET_ITEM(pair, 1));
            failed = abstract < 0 || (abstract && PySet_Add(names, PyTuple_GET_ITEM(pair, 0)) < 0);
        }
        Py_XDECREF(pair);
    }
    Py_DECREF(items);
    return failed ? -1 : 0;
}

/* Adds the abstract names of a base that are abstract in the class too. Returns 0 or -1. */
static int add_inherited_abstract_names(PyObject *names, PyObject *class, PyObject *base) {
    PyObject *base_names;
    if (_PyObject_LookupAttr(base, KR_NAME(__abstractmethods__), &base_names) <= 0) return PyErr_Occurred() ? -1 : 0;
    PyObject *iterator = PyObject_GetIter(base_names);
    Py_DECREF(base_names);
    if (iterator == NULL) return -1;
    PyObject *name;
    int failed = 0;
    while (!failed && (name = PyIter_Next(iterator)) != NULL) {
        PyObject *value;
        failed = _PyObject_LookupAttr(class, name, &value) < 0;
        if (value != NULL) {
            int abstract = _PyObject_IsAbstract(value);
            Py_DECREF(value);
            failed = abstract < 0 || (abstract && PySet_Add(names, name) < 0);
        }
        Py_DECREF(name);
    }
    Py_DECREF(iterator);
    return failed || PyErr_Occurred() ? -1 : 0;
}

/* Sets the class's __abstractmethods__. Returns 0 or -1. */
static int compute_abstract_methods(PyObject *class) {
    int result = -1;
    PyObject *bases = NULL, *names = PyFrozenSet_New(NULL);
    if (names == NULL || add_own_abstract_names(names, class) < 0) goto done;
    bases = PyObject_GetAttr(class, KR_NAME(__bases__));
    if (bases == NULL) goto done;
    if (!PyTuple_Check(bases)) {
        PyErr_SetString(PyExc_TypeError, "__bases__ is not tuple");
        goto done;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        if (add_inherited_abstract_names(names, class, PyTuple_GET_ITEM(bases, i)) < 0) goto done;
    }
    result = PyObject_SetAttr(class, KR_NAME(__abstractmethods__), names);
done:
    Py_XDECREF(bases);
    Py_XDECREF(names);
    return result;
}

/* Takes the flags for pattern matching from the attribute __abc_tpflags__, which is then removed. Returns 0 or -1. */
static int take_collection_flags(PyTypeObject *class) {
    PyObject *value = PyDict_GetItemWithError(class->tp_dict, KR_NAME(__abc_tpflags__));
    if (value == NULL || !PyLong_CheckExact(value)) return PyErr_Occurred() ? -1 : 0;
    long flags = PyLong_AsLong(value);
    if (flags == -1 && PyErr_Occurred()) return -1;
    flags &= (long)collection_flags;
    if (flags == (long)collection_flags) {
        PyErr_SetString(PyExc_TypeError, "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING");
        return -1;
    }
    class->tp_flags |= (unsigned long)flags;
    return PyObject_DelAttr((PyObject *)class, KR_NAME(__abc_tpflags__));
}

PyDoc_STRVAR(abc_init_doc, "_abc_init($module, self, /)\n--\n\nPrepare a new abstract base class.");

static PyObject *abc_init(PyObject *module, PyObject *class) {
    if (compute_abstract_methods(class) < 0) return NULL;
    PyObject *data = data_new(&data_type, NULL, NULL);
    if (data == NULL) return NULL;
    int failed = PyObject_SetAttr(class, KR_NAME(_abc_impl), data);
    Py_DECREF(data);
    if (failed || (PyType_Check(class) && take_collection_flags((PyTypeObject *)class) < 0)) return NULL;
    Py_RETURN_NONE;
}

/* Registration and checks */

/* Gives a class and its subclasses the flag of the abstract class they are registered with. Returns 0 or -1. */
static int set_collection_flag(PyTypeObject *class, unsigned long flag) {
    if ((class->tp_flags & collection_flags) == flag || PyType_HasFeature(class, Py_TPFLAGS_IMMUTABLETYPE)) return 0;
    class->tp_flags = (class->tp_flags & ~collection_flags) | flag;
    PyType_Modified(class);
    PyObject *subclasses = PyObject_CallMethod((PyObject *)&PyType_Type, "__subclasses__", "O", class);
    if (subclasses == NULL) return -1;
    int failed = 0;
    for (Py_ssize_t i = 0; !failed && PyList_Check(subclasses) && i < PyList_GET_SIZE(subclasses); i++)
        failed = set_collection_flag((PyTypeObject *)PyList_GET_ITEM(subclasses, i), flag);
    Py_DECREF(subclasses);
    return failed;
}

PyDoc_STRVAR(abc_register_doc, "_abc_register($module, self, subclass, /)\n--\n\nRegister a class as a subclass.");

static PyObject *abc_register(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("_abc_register", nargs, 2, 2)) return NULL;
    PyObject *class = args[0], *subclass = args[1];
    if (!PyType_Check(subclass)) {
        PyErr_SetString(PyExc_TypeError, "Can only register classes");
        return NULL;
    }
    int known = PyObject_IsSubclass(subclass, class);
    if (known != 0) return known > 0 ? Py_NewRef(subclass) : NULL;
    int cycle = PyObject_IsSubclass(class, subclass);
    if (cycle > 0) PyErr_SetString(PyExc_RuntimeError, "Refusing to create an inheritance cycle");
    if (cycle != 0) return NULL;
    AbcData *data = data_of(class);
    if (data == NULL) return NULL;
    int failed = set_add(&data->registry, subclass);
    Py_DECREF(data);
    if (failed) return NULL;
    state.invalidations++;
    if (PyType_Check(class)) {
        unsigned long flag = PyType_GetFlags((PyTypeObject *)class) & collection_flags;
        if (flag != 0 && set_collection_flag((PyTypeObject *)subclass, flag) < 0) return NULL;
    }
    return Py_NewRef(subclass);
}

static PyObject *call_subclasscheck(PyObject *class, PyObject *subclass) {
    return PyObject_CallMethodOneArg(class, KR_NAME(__subclasscheck__), subclass);
}

PyDoc_STRVAR(abc_instancecheck_doc, "_abc_instancecheck($module, self, instance, /)\n--\n\nisinstance() for abstract classes.");

static PyObject *abc_instancecheck(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("_abc_instancecheck", nargs, 2, 2)) return NULL;
    PyObject *class = args[0], *instance = args[1], *type = (PyObject *)Py_TYPE(instance), *result = NULL;
    AbcData *data = data_of(class);
    if (data == NULL) return NULL;
    PyObject *claimed = PyObject_GetAttr(instance, KR_NAME(__class__));
    if (claimed == NULL) goto done;
    int cached = set_has(data->cache, claimed);
    if (cached != 0) {
        if (cached > 0) result = Py_NewRef(Py_True);
        goto done;
    }
    if (claimed == type && data->negative_version == state.invalidations) {
        cached = set_has(data->negative_cache, claimed);
        if (cached != 0) {
            if (cached > 0) result = Py_NewRef(Py_False);
            goto done;
        }
    }
    result = call_subclasscheck(class, claimed);
    if (result != NULL && claimed != type) {
        int truth = PyObject_IsTrue(result);
        if (truth < 0) Py_CLEAR(result);
        if (truth == 0) Py_SETREF(result, call_subclasscheck(class, type));
    }
done:
    Py_XDECREF(claimed);
    Py_DECREF(data);
    return result;
}

/* Tells whether a class derives from one that is registered: 1, 0, or -1 with an exception. */
static int check_registry(AbcData *data, PyObject *subclass) {
    int found = set_has(data->registry, subclass);
    if (found != 0 || data->registry == NULL) return found;
    /* Checking runs code that may change the registry, so look at a copy. */
    PyObject *registered = PySequence_List(data->registry);
    if (registered == NULL) return -1;
    for (Py_ssize_t i = 0; found == 0 && i < PyList_GET_SIZE(registered); i++) {
        PyObject *class = Py_NewRef(PyWeakref_GetObject(PyList_GET_ITEM(registered, i)));
        if (class != Py_None) found = PyObject_IsSubclass(subclass, class);
        Py_DECREF(class);
    }
    Py_DECREF(registered);
    return found;
}

/* Tells whether a class derives from a subclass of the abstract class: 1, 0, or -1 with an exception. */
static int check_subclasses(PyObject *class, PyObject *subclass) {
    PyObject *subclasses = PyObject_CallMethodNoArgs(class, KR_NAME(__subclasses__));
    if (subclasses == NULL) return -1;
    int found = 0;
    if (!PyList_Check(subclasses)) {
        PyErr_SetString(PyExc_TypeError, "__subclasses__() must return a list");
        found = -1;
    }
    for (Py_ssize_t i = 0; found == 0 && i < PyList_GET_SIZE(subclasses); i++) {
        PyObject *candidate = Py_NewRef(PyList_GET_ITEM(subclasses, i));
        found = PyObject_IsSubclass(subclass, candidate);
        Py_DECREF(candidate);
    }
    Py_DECREF(subclasses);
    return found;
}

/* Finds out, without the caches, whether a class counts as a subclass: 1, 0, or -1 with an exception. */
static int find_out(AbcData *data, PyObject *class, PyObject *subclass) {
    PyObject *answer = PyObject_CallMethodOneArg(class, KR_NAME(__subclasshook__), subclass);
    if (answer == NULL) return -1;
    Py_DECREF(answer); /* the three valid answers are never freed */
    if (answer == Py_True) return 1;
    if (answer == Py_False) return 0;
    if (answer != Py_NotImplemented) {
        PyErr_SetString(PyExc_AssertionError, "__subclasshook__ must return either False, True, or NotImplemented");
        return -1;
    }
    if (PyType_IsSubtype((PyTypeObject *)subclass, (PyTypeObject *)class)) return 1;
    int found = check_registry(data, subclass);
    return found != 0 ? found : check_subclasses(class, subclass);
}

PyDoc_STRVAR(abc_subclasscheck_doc, "_abc_subclasscheck($module, self, subclass, /)\n--\n\nissubclass() for abstract classes.");

static PyObject *abc_subclasscheck(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("_abc_subclasscheck", nargs, 2, 2)) return NULL;
    PyObject *class = args[0], *subclass = args[1];
    if (!PyType_Check(subclass)) {
        PyErr_SetString(PyExc_TypeError, "issubclass() arg 1 must be a class");
        return NULL;
    }
    AbcData *data = data_of(class);
    if (data == NULL) return NULL;
    int answer = set_has(data->cache, subclass);
    if (answer != 0) goto done;
    if (data->negative_version < state.invalidations) {
        /* A registration since then may have turned any negative answer. */
        if (data->negative_cache != NULL && PySet_Clear(data->negative_cache) < 0) answer = -1;
        data->negative_version = state.invalidations;
    } else {
        int negative = set_has(data->negative_cache, subclass);
        if (negative < 0) answer = -1;
        if (negative > 0) goto done;
    }
    if (answer == 0) answer = find_out(data, class, subclass);
    if (answer >= 0 && set_add(answer ? &data->cache : &data->negative_cache, subclass) < 0) answer = -1;
done:
    Py_DECREF(data);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

PyDoc_STRVAR(get_cache_token_doc, "get_cache_token($module, /)\n--\n\n"
                                  "Return a token that differs after every registration with an abstract class.");

static PyObject *abc_get_cache_token(PyObject *module, PyObject *unused) {
    return PyLong_FromUnsignedLongLong(state.invalidations);
}

/* The module */

static int abc_exec(PyObject *module) { return PyType_Ready(&data_type); }

static PyMethodDef abc_functions[] = {
    {"get_cache_token", abc_get_cache_token, METH_NOARGS, get_cache_token_doc},
    {"_abc_init", abc_init, METH_O, abc_init_doc},
    {"_reset_registry", abc_reset_registry, METH_O, reset_registry_doc},
    {"_reset_caches", abc_reset_caches, METH_O, reset_caches_doc},
    {"_get_dump", abc_get_dump, METH_O, get_dump_doc},
    {"_abc_register", (PyCFunction)(void (*)(void))abc_register, METH_FASTCALL, abc_register_doc},
    {"_abc_instancecheck", (PyCFunction)(void (*)(void))abc_instancecheck, METH_FASTCALL, abc_instancecheck_doc},
    {"_abc_subclasscheck", (PyCFunction)(void (*)(void))abc_subclasscheck, METH_FASTCALL, abc_subclasscheck_doc},
    {NULL},
};

static PyModuleDef_Slot abc_slots[] = {{Py_mod_exec, abc_exec}, {0, NULL}};

PyDoc_STRVAR(abc_doc, "The part of abc.ABCMeta in C.");

static struct PyModuleDef abc_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_abc",
    .m_doc = abc_doc,
    .m_methods = abc_functions,
    .m_slots = abc_slots,
};

PyMODINIT_FUNC PyInit__abc(void) { return PyModuleDef_Init(&abc_module); }
