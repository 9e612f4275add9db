/* Making classes: type(name, bases, dict), which is what a class statement ends in. */
#include <Python.h>
#include <structmember.h>
#include <string.h>

#include "object/call.h"
#include "object/instance.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"

/* What one class definition is made from. References are borrowed but for `dict`, `bases` and `slots`. */
typedef struct ClassRecipe {
    PyTypeObject *metatype;
    PyObject *name;
    PyObject *bases;
    PyTypeObject *base; /* the one that decides the layout */
    PyObject *dict;     /* a copy of the namespace: the class's own */
    PyObject *slots;    /* sorted tuple of the mangled names of `__slots__`, or NULL */
    PyObject *cell;     /* `__classcell__` */
    int add_dict, add_weakref;
} ClassRecipe;

/* -- __slots__ --------------------------------------------------------------------------------------------------------- */

static int is_identifier(PyObject *name) {
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "__slots__ items must be strings, not '%.200s'", Py_TYPE(name)->tp_name);
        return -1;
    }
    int valid = PyUnicode_IsIdentifier(name);
    if (valid < 0) return -1;
    if (!valid) {
        PyErr_SetString(PyExc_TypeError, "__slots__ must be identifiers");
        return -1;
    }
    return 0;
}

/* Private names are mangled with the class's name: __x in class A is _A__x. Returns a new reference. */
static PyObject *mangle(PyObject *class_name, PyObject *name) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    if (length < 3 || PyUnicode_READ_CHAR(name, 0) != '_' || PyUnicode_READ_CHAR(name, 1) != '_' ||
        (PyUnicode_READ_CHAR(name, length - 1) == '_' && PyUnicode_READ_CHAR(name, length - 2) == '_') ||
        PyUnicode_FindChar(name, '.', 0, length, 1) >= 0) {
        return Py_NewRef(name);
    }
    Py_ssize_t start = 0, class_length = PyUnicode_GET_LENGTH(class_name);
    while (start < class_length && PyUnicode_READ_CHAR(class_name, start) == '_') start++;
    if (start == class_length) return Py_NewRef(name);
    PyObject *stem = PyUnicode_Substring(class_name, start, class_length);
    if (stem == NULL) return NULL;
    PyObject *mangled = PyUnicode_FromFormat("_%U%U", stem, name);
    Py_DECREF(stem);
    return mangled;
}

static int take_special_slot(ClassRecipe *recipe, PyObject *name, int *taken) {
    *taken = 0;
    if (_PyUnicode_EqualToASCIIString(name, "__dict__")) {
        if (recipe->base->tp_dictoffset != 0 || recipe->add_dict) {
            PyErr_SetString(PyExc_TypeError, "__dict__ slot disallowed: we already got one");
            return -1;
        }
        recipe->add_dict = *taken = 1;
    } else if (_PyUnicode_EqualToASCIIString(name, "__weakref__")) {
        if (recipe->base->tp_weaklistoffset != 0 || recipe->base->tp_itemsize != 0 || recipe->add_weakref) {
            PyErr_SetString(PyExc_TypeError,
                            "__weakref__ slot disallowed: either we already got one, or __itemsize__ != 0");
            return -1;
        }
        recipe->add_weakref = *taken = 1;
    }
    return 0;
}

/* Turns the names in `__slots__` into the sorted tuple of member names. */
static int take_slot_names(ClassRecipe *recipe, PyObject *names) {
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    if (count > 0 && recipe->base->tp_itemsize != 0) {
        PyErr_Format(PyExc_TypeError, "nonempty __slots__ not supported for subtype of '%s'", recipe->base->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_identifier(PyTuple_GET_ITEM(names, i)) < 0) return -1;
    }
    PyObject *list = PyList_New(0);
    if (list == NULL) return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        int taken;
        if (take_special_slot(recipe, name, &taken) < 0) goto error;
        if (taken) continue;
        PyObject *mangled = mangle(recipe->name, name);
        if (mangled == NULL || PyList_Append(list, mangled) < 0) {
            Py_XDECREF(mangled);
            goto error;
        }
        /* The compiler itself puts these two into the namespace of a class that declares them as slots. */
        int clash = PyDict_Contains(recipe->dict, mangled);
        if (clash > 0 && !_PyUnicode_EqualToASCIIString(mangled, "__qualname__") &&
            !_PyUnicode_EqualToASCIIString(mangled, "__classcell__")) {
            PyErr_Format(PyExc_ValueError, "%R in __slots__ conflicts with class variable", mangled);
            clash = -1;
        }
        Py_DECREF(mangled);
        if (clash < 0) goto error;
    }
    if (PyList_Sort(list) < 0) goto error;
    recipe->slots = PyList_AsTuple(list);
    Py_DECREF(list);
    return recipe->slots != NULL ? 0 : -1;
error:
    Py_DECREF(list);
    return -1;
}

static int take_slots(ClassRecipe *recipe) {
    PyTypeObject *base = recipe->base;
    int may_add_dict = base->tp_dictoffset == 0;
    int may_add_weakref = base->tp_weaklistoffset == 0 && base->tp_itemsize == 0;
    PyObject *slots = PyDict_GetItemWithError(recipe->dict, KR_NAME(__slots__));
    if (slots == NULL) {
        if (PyErr_Occurred()) return -1;
        recipe->add_dict = may_add_dict;
        recipe->add_weakref = may_add_weakref;
        return 0;
    }
    PyObject *names = PyUnicode_Check(slots) ? PyTuple_Pack(1, slots) : PySequence_Tuple(slots);
    if (names == NULL) return -1;
    int status = take_slot_names(recipe, names);
    Py_DECREF(names);
    if (status < 0) return -1;

    /* Other bases may have what this class did not ask for. */
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(recipe->bases); i++) {
        PyTypeObject *other = (PyTypeObject *)PyTuple_GET_ITEM(recipe->bases, i);
        if (other == base) continue;
        if (may_add_dict && other->tp_dictoffset != 0) recipe->add_dict = 1;
        if (may_add_weakref && other->tp_weaklistoffset != 0) recipe->add_weakref = 1;
    }
    return 0;
}

/* -- Layout -------------------------------------------------------------------------------------------------------------- */

/* Places the slot members, the attribute word and the weakref list after what the base has. */
static int lay_out(ClassRecipe *recipe, PyHeapTypeObject *heap_type) {
    PyTypeObject *type = &heap_type->ht_type, *base = recipe->base;
    const Py_ssize_t word = sizeof(PyObject *);
    Py_ssize_t end = base->tp_basicsize;

    if (recipe->slots != NULL) {
        PyMemberDef *member = kr_heap_type_members(heap_type);
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(recipe->slots); i++, member++, end += word) {
            member->name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(recipe->slots, i));
            if (member->name == NULL) return -1;
            member->type = T_OBJECT_EX;
            member->offset = end;
        }
        heap_type->ht_slots = Py_NewRef(recipe->slots);
    }
    type->tp_members = kr_heap_type_members(heap_type);
    type->tp_itemsize = base->tp_itemsize;
    Py_ssize_t attribute_offset = -1;
    if (recipe->add_dict) {
        if (base->tp_itemsize != 0) {
            /* Behind the items: the place depends on their number. */
            type->tp_dictoffset = -word;
        } else {
            attribute_offset = end;
        }
        end += word;
    }
    if (recipe->add_weakref) {
        type->tp_weaklistoffset = end;
        end += word;
    }
    type->tp_basicsize = end;
    if (base->tp_flags & Py_TPFLAGS_MANAGED_DICT) attribute_offset = kr_class_layout(base)->attribute_offset;
    if (attribute_offset >= 0) {
        type->tp_flags |= Py_TPFLAGS_MANAGED_DICT;
        type->tp_dictoffset = -1;
        if (kr_class_layout_create(heap_type, attribute_offset) < 0) return -1;
    }
    if (recipe->add_weakref && recipe->add_dict) {
        type->tp_getset = kr_subtype_getset_full;
    } else if (recipe->add_dict) {
        type->tp_getset = kr_subtype_getset_dict_only;
    } else if (recipe->add_weakref) {
        type->tp_getset = kr_subtype_getset_weakref_only;
    }
    return 0;
}

static PyTypeObject *allocate(ClassRecipe *recipe) {
    Py_ssize_t slot_count = recipe->slots != NULL ? PyTuple_GET_SIZE(recipe->slots) : 0;
    PyTypeObject *type = (PyTypeObject *)recipe->metatype->tp_alloc(recipe->metatype, slot_count);
    if (type == NULL) return NULL;
    PyHeapTypeObject *heap_type = (PyHeapTypeObject *)type;
    /* Every instance may close a cycle, if only through its class. */
    type->tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HEAPTYPE | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | KR_TPFLAGS_CLASS;
    type->tp_as_async = &heap_type->as_async;
    type->tp_as_sequence = &heap_type->as_sequence;
    type->tp_as_mapping = &heap_type->as_mapping;
    type->tp_as_number = &heap_type->as_number;
    type->tp_as_buffer = &heap_type->as_buffer;
    type->tp_bases = Py_NewRef(recipe->bases);
    type->tp_base = (PyTypeObject *)Py_NewRef(recipe->base);
    type->tp_dict = Py_NewRef(recipe->dict);
    heap_type->ht_name = Py_NewRef(recipe->name);

    Py_ssize_t length;
    type->tp_name = PyUnicode_AsUTF8AndSize(recipe->name, &length);
    if (type->tp_name == NULL) goto error;
    if (strlen(type->tp_name) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "type name must not contain null characters");
        goto error;
    }
    if (lay_out(recipe, heap_type) < 0) goto error;
    type->tp_dealloc = kr_subtype_dealloc;
    type->tp_alloc = PyType_GenericAlloc;
    type->tp_free = PyObject_GC_Del;
    type->tp_traverse = kr_subtype_traverse;
    type->tp_clear = kr_subtype_clear;
    /* A metaclass may come to have a `__call__` of its own; `type` never does. */
    if (recipe->metatype == &PyType_Type) type->tp_vectorcall = kr_class_vectorcall;
    return type;
error:
    Py_DECREF(type);
    return NULL;
}

/* -- The namespace ------------------------------------------------------------------------------------------------------- */

static int set_module(PyObject *dict) {
    int present = PyDict_Contains(dict, KR_NAME(__module__));
    if (present != 0) return present < 0 ? -1 : 0;
    PyObject *globals = PyEval_GetGlobals();
    if (globals == NULL) return PyErr_Occurred() ? -1 : 0;
    PyObject *module = PyDict_GetItemWithError(globals, KR_NAME(__name__));
    if (module == NULL) return PyErr_Occurred() ? -1 : 0;
    return PyDict_SetItem(dict, KR_NAME(__module__), module);
}

static int take_qualname(PyHeapTypeObject *heap_type, PyObject *dict) {
    PyObject *qualname = PyDict_GetItemWithError(dict, KR_NAME(__qualname__));
    if (qualname == NULL) {
        if (PyErr_Occurred()) return -1;
        heap_type->ht_qualname = Py_NewRef(heap_type->ht_name);
        return 0;
    }
    if (!PyUnicode_Check(qualname)) {
        PyErr_Format(PyExc_TypeError, "type __qualname__ must be a str, not %s", Py_TYPE(qualname)->tp_name);
        return -1;
    }
    heap_type->ht_qualname = Py_NewRef(qualname);
    return PyDict_DelItem(dict, KR_NAME(__qualname__));
}

/* tp_doc is a copy, so that the text stays with the type whatever becomes of `__doc__`. */
static int copy_doc(PyTypeObject *type, PyObject *dict) {
    PyObject *doc = PyDict_GetItemWithError(dict, KR_NAME(__doc__));
    if (doc == NULL) return PyErr_Occurred() ? -1 : 0;
    if (!PyUnicode_Check(doc)) return 0;
    const char *text = PyUnicode_AsUTF8(doc);
    if (text == NULL) return -1;
    size_t size = strlen(text) + 1;
    char *copy = PyObject_Malloc(size);
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(copy, text, size);
    type->tp_doc = copy;
    return 0;
}

/* A plain function under one of the names that are static or class methods by nature is wrapped. */
static int wrap_function(PyObject *dict, PyObject *name, PyObject *(*wrap)(PyObject *)) {
    PyObject *function = PyDict_GetItemWithError(dict, name);
    if (function == NULL) return PyErr_Occurred() ? -1 : 0;
    if (!PyFunction_Check(function)) return 0;
    PyObject *wrapped = wrap(function);
    if (wrapped == NULL) return -1;
    int status = PyDict_SetItem(dict, name, wrapped);
    Py_DECREF(wrapped);
    return status;
}

static int take_class_cell(ClassRecipe *recipe) {
    PyObject *cell = PyDict_GetItemWithError(recipe->dict, KR_NAME(__classcell__));
    if (cell == NULL) return PyErr_Occurred() ? -1 : 0;
    if (!PyCell_Check(cell)) {
        PyErr_Format(PyExc_TypeError, "__classcell__ must be a nonlocal cell, not %.200R", Py_TYPE(cell));
        return -1;
    }
    recipe->cell = cell;
    return 0;
}

/* Done before the class is ready: a metaclass's mro() may call methods that use `__class__`, and a slot may be called
 * `__classcell__`. */
static int fill_class_cell(ClassRecipe *recipe, PyTypeObject *type) {
    if (recipe->cell == NULL) return 0;
    if (PyCell_Set(recipe->cell, (PyObject *)type) < 0) return -1;
    recipe->cell = NULL;
    return PyDict_DelItem(recipe->dict, KR_NAME(__classcell__));
}

static int prepare_namespace(ClassRecipe *recipe, PyTypeObject *type) {
    PyObject *dict = recipe->dict;
    if (set_module(dict) < 0) return -1;
    if (take_qualname((PyHeapTypeObject *)type, dict) < 0) return -1;
    if (copy_doc(type, dict) < 0) return -1;
    if (wrap_function(dict, KR_NAME(__new__), PyStaticMethod_New) < 0) return -1;
    if (wrap_function(dict, KR_NAME(__init_subclass__), PyClassMethod_New) < 0) return -1;
    if (wrap_function(dict, KR_NAME(__class_getitem__), PyClassMethod_New) < 0) return -1;
    return take_class_cell(recipe);
}

/* -- What runs when the class is done -------------------------------------------------------------------------------------- */

/* Calls `__set_name__` of the values that have it. */
static int announce_names(PyTypeObject *type) {
    PyObject *wanted = NULL; /* name, value, name, value ...: made only if any value has the method */
    Py_ssize_t cursor = 0;
    PyObject *name, *value;
    while (PyDict_Next(type->tp_dict, &cursor, &name, &value)) {
        if (_PyType_Lookup(Py_TYPE(value), KR_NAME(__set_name__)) == NULL) continue;
        if (wanted == NULL && (wanted = PyList_New(0)) == NULL) return -1;
        if (PyList_Append(wanted, name) < 0 || PyList_Append(wanted, value) < 0) {
            Py_DECREF(wanted);
            return -1;
        }
    }
    if (wanted == NULL) return 0;
    int status = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(wanted) && status == 0; i += 2) {
        name = PyList_GET_ITEM(wanted, i);
        value = PyList_GET_ITEM(wanted, i + 1);
        PyObject *method = kr_special_lookup(value, KR_NAME(__set_name__));
        if (method == NULL) {
            if (PyErr_Occurred()) status = -1;
            continue;
        }
        PyObject *result = PyObject_Vectorcall(method, (PyObject *[]){(PyObject *)type, name}, 2, NULL);
        Py_DECREF(method);
        if (result == NULL) {
            _PyErr_FormatFromCause(PyExc_RuntimeError, "Error calling __set_name__ on '%.100s' instance %R in '%.100s'",
                                   Py_TYPE(value)->tp_name, name, type->tp_name);
            status = -1;
        }
        Py_XDECREF(result);
    }
    Py_DECREF(wanted);
    return status;
}

/* Calls super(type, type).__init_subclass__(**kwargs). */
static int announce_subclass(PyTypeObject *type, PyObject *kwargs) {
    PyObject *found = NULL;
    Py_ssize_t own = 0; /* a metaclass's mro() may put the class anywhere, or leave it out */
    while (own < PyTuple_GET_SIZE(type->tp_mro) && PyTuple_GET_ITEM(type->tp_mro, own) != (PyObject *)type) own++;
    if (own == PyTuple_GET_SIZE(type->tp_mro)) {
        PyErr_SetString(PyExc_TypeError, "super(type, obj): obj must be an instance or subtype of type");
        return -1;
    }
    for (Py_ssize_t i = own + 1; i < PyTuple_GET_SIZE(type->tp_mro) && found == NULL; i++) {
        PyTypeObject *ancestor = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        found = PyDict_GetItemWithError(ancestor->tp_dict, KR_NAME(__init_subclass__));
        if (found == NULL && PyErr_Occurred()) return -1;
        int without_keywords = kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0;
        if (found != NULL && ancestor == &PyBaseObject_Type && without_keywords) return 0; /* would do nothing */
    }
    if (found == NULL) return 0;
    Py_INCREF(found);
    descrgetfunc get = Py_TYPE(found)->tp_descr_get;
    if (get != NULL) Py_SETREF(found, get(found, NULL, (PyObject *)type));
    if (found == NULL) return -1;
    PyObject *result = PyObject_VectorcallDict(found, NULL, 0, kwargs);
    Py_DECREF(found);
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

/* -- The whole --------------------------------------------------------------------------------------------------------------- */

static PyTypeObject *make_class(ClassRecipe *recipe, PyObject *kwargs) {
    if (take_slots(recipe) < 0) return NULL;
    PyTypeObject *type = allocate(recipe);
    if (type == NULL) return NULL;
    if (prepare_namespace(recipe, type) < 0 || fill_class_cell(recipe, type) < 0 || PyType_Ready(type) < 0 ||
        kr_type_fill_slots(type) < 0 || announce_names(type) < 0 || announce_subclass(type, kwargs) < 0) {
        Py_DECREF(type);
        return NULL;
    }
    return type;
}

static int check_bases(PyObject *bases) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        if (PyType_Check(base)) continue;
        PyObject *entries;
        if (_PyObject_LookupAttr(base, KR_NAME(__mro_entries__), &entries) < 0) return -1;
        if (entries != NULL) {
            Py_DECREF(entries);
            PyErr_SetString(PyExc_TypeError, "type() doesn't support MRO entry resolution; use types.new_class()");
            return -1;
        }
    }
    return 0;
}

PyObject *kr_type_new(PyTypeObject *metatype, PyObject *args, PyObject *kwargs) {
    PyObject *name, *bases, *namespace;
    if (!PyArg_ParseTuple(args, "UO!O!:type.__new__", &name, &PyTuple_Type, &bases, &PyDict_Type, &namespace)) {
        return NULL;
    }
    ClassRecipe recipe = {.metatype = metatype, .name = name};
    if (PyTuple_GET_SIZE(bases) == 0) {
        recipe.bases = PyTuple_Pack(1, &PyBaseObject_Type);
        if (recipe.bases == NULL) return NULL;
        recipe.base = &PyBaseObject_Type;
    } else {
        if (check_bases(bases) < 0) return NULL;
        PyTypeObject *winner = _PyType_CalculateMetaclass(metatype, bases);
        if (winner == NULL) return NULL;
        if (winner != metatype) {
            /* The metaclass of a base is more derived: it makes the class. */
            if (winner->tp_new != kr_type_new) return winner->tp_new(winner, args, kwargs);
            recipe.metatype = winner;
        }
        recipe.base = kr_type_best_base(bases);
        if (recipe.base == NULL) return NULL;
        recipe.bases = Py_NewRef(bases);
    }
    PyTypeObject *type = NULL;
    recipe.dict = PyDict_Copy(namespace);
    if (recipe.dict != NULL) type = make_class(&recipe, kwargs);
    Py_XDECREF(recipe.dict);
    Py_XDECREF(recipe.slots);
    Py_DECREF(recipe.bases);
    return (PyObject *)type;
}
