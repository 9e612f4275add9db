/* Modules as objects: namespace, attributes, state of extension modules, and making modules from definitions. */
#include <Python.h>
#include <structmember.h>
#include <string.h>

#include "object/interpreter.h"
#include "object/module.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"

#undef PyModule_Create2
#undef PyModule_FromDefAndSpec2

static inline PyModuleObject *cast(PyObject *self) { return (PyModuleObject *)self; }

/* While a package's extension module is loaded: its full name, because the module itself only knows the last part. */
const char *_Py_PackageContext = NULL;

/* -- Making ------------------------------------------------------------------------------------------------------------------- */

static int set_standard_names(PyModuleObject *module, PyObject *dict, PyObject *name, PyObject *doc) {
    if (doc == NULL) doc = Py_None;
    if (PyDict_SetItem(dict, KR_NAME(__name__), name) < 0 || PyDict_SetItem(dict, KR_NAME(__doc__), doc) < 0 ||
        PyDict_SetItem(dict, KR_NAME(__package__), Py_None) < 0 ||
        PyDict_SetItem(dict, KR_NAME(__loader__), Py_None) < 0 ||
        PyDict_SetItem(dict, KR_NAME(__spec__), Py_None) < 0) {
        return -1;
    }
    if (PyUnicode_CheckExact(name)) {
        Py_INCREF(name);
        Py_XSETREF(module->name, name);
    }
    return 0;
}

static PyModuleObject *module_alloc(PyTypeObject *type) {
    PyModuleObject *module = (PyModuleObject *)PyType_GenericAlloc(type, 0);
    if (module == NULL) return NULL;
    module->dict = PyDict_New();
    if (module->dict == NULL) Py_CLEAR(module);
    return module;
}

static PyObject *module_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return (PyObject *)module_alloc(type);
}

PyObject *PyModule_NewObject(PyObject *name) {
    PyModuleObject *module = module_alloc(&PyModule_Type);
    if (module != NULL && set_standard_names(module, module->dict, name, NULL) < 0) Py_CLEAR(module);
    return (PyObject *)module;
}

PyObject *PyModule_New(const char *name) {
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) return NULL;
    PyObject *module = PyModule_NewObject(text);
    Py_DECREF(text);
    return module;
}

static int module_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"name", "doc", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "module"};
    PyObject *buffer[2];
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *const *values =
        _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, count, kwargs, NULL, &parser, 1, 2, 0, buffer);
    if (values == NULL) return -1;
    int only_positional = kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0;
    PyObject *name = values[0], *doc = only_positional && count < 2 ? NULL : values[1];
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("module", "argument 'name'", "str", name);
        return -1;
    }
    PyModuleObject *module = cast(self);
    if (module->dict == NULL && (module->dict = PyDict_New()) == NULL) return -1;
    return set_standard_names(module, module->dict, name, doc);
}

/* -- Definitions ------------------------------------------------------------------------------------------------------------------- */

PyTypeObject PyModuleDef_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "moduledef",
    .tp_basicsize = sizeof(PyModuleDef),
};

PyObject *PyModuleDef_Init(PyModuleDef *definition) {
    static Py_ssize_t last_index;
    if (PyType_Ready(&PyModuleDef_Type) < 0) return NULL;
    if (definition->m_base.m_index == 0) {
        Py_SET_REFCNT((PyObject *)definition, 1);
        Py_SET_TYPE((PyObject *)definition, &PyModuleDef_Type);
        definition->m_base.m_index = ++last_index;
    }
    return (PyObject *)definition;
}

/* Warns if the module was compiled for another version of the interface. */
static int check_api_version(const char *name, int version) {
    if (version == PYTHON_API_VERSION || version == PYTHON_ABI_VERSION) return 1;
    int status = PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                                  "Python C API version mismatch for module %.100s: This Python has API version %d, "
                                  "module %.100s has version %d.",
                                  name, PYTHON_API_VERSION, name, version);
    return status == 0;
}

static int add_functions(PyObject *module, PyObject *name, PyMethodDef *functions) {
    for (PyMethodDef *definition = functions; definition->ml_name != NULL; definition++) {
        if (definition->ml_flags & (METH_CLASS | METH_STATIC)) {
            PyErr_SetString(PyExc_ValueError, "module functions cannot set METH_CLASS or METH_STATIC");
            return -1;
        }
        PyObject *function = PyCFunction_NewEx(definition, module, name);
        if (function == NULL) return -1;
        int status = PyObject_SetAttrString(module, definition->ml_name, function);
        Py_DECREF(function);
        if (status < 0) return -1;
    }
    return 0;
}

int PyModule_AddFunctions(PyObject *module, PyMethodDef *functions) {
    PyObject *name = PyModule_GetNameObject(module);
    if (name == NULL) return -1;
    int status = add_functions(module, name, functions);
    Py_DECREF(name);
    return status;
}

int PyModule_SetDocString(PyObject *module, const char *doc) {
    PyObject *text = PyUnicode_FromString(doc);
    if (text == NULL) return -1;
    int status = PyObject_SetAttr(module, KR_NAME(__doc__), text);
    Py_DECREF(text);
    return status;
}

/* Allocates the zeroed state of a module. Returns 0 or -1. */
static int allocate_state(PyModuleObject *module, Py_ssize_t size) {
    module->state = PyMem_Calloc(1, size > 0 ? size : 1);
    if (module->state != NULL) return 0;
    PyErr_NoMemory();
    return -1;
}

PyObject *_PyModule_CreateInitialized(PyModuleDef *definition, int apiver) {
    if (PyModuleDef_Init(definition) == NULL) return NULL;
    const char *name = definition->m_name;
    if (!check_api_version(name, apiver)) return NULL;
    if (definition->m_slots != NULL) {
        return PyErr_Format(PyExc_SystemError, "module %s: PyModule_Create is incompatible with m_slots", name);
    }
    if (_Py_PackageContext != NULL) {
        const char *dot = strrchr(_Py_PackageContext, '.');
        if (dot != NULL && strcmp(name, dot + 1) == 0) {
            name = _Py_PackageContext;
            _Py_PackageContext = NULL;
        }
    }
    PyObject *module = PyModule_New(name);
    if (module == NULL) return NULL;
    if (definition->m_size > 0 && allocate_state(cast(module), definition->m_size) < 0) goto error;
    if (definition->m_methods != NULL && PyModule_AddFunctions(module, definition->m_methods) < 0) goto error;
    if (definition->m_doc != NULL && PyModule_SetDocString(module, definition->m_doc) < 0) goto error;
    cast(module)->definition = definition;
    return module;
error:
    Py_DECREF(module);
    return NULL;
}

PyObject *PyModule_Create2(PyModuleDef *definition, int apiver) {
    return _PyModule_CreateInitialized(definition, apiver);
}

/* -- Multi-phase initialisation (PEP 489) --------------------------------------------------------------------------------------------- */

typedef PyObject *(*CreateFunction)(PyObject *spec, PyModuleDef *definition);
typedef int (*ExecuteFunction)(PyObject *module);

static int read_slots(PyModuleDef *definition, const char *name, CreateFunction *create, int *executes) {
    *create = NULL;
    *executes = 0;
    for (PyModuleDef_Slot *slot = definition->m_slots; slot != NULL && slot->slot != 0; slot++) {
        if (slot->slot == Py_mod_create) {
            if (*create != NULL) {
                PyErr_Format(PyExc_SystemError, "module %s has multiple create slots", name);
                return -1;
            }
            *create = (CreateFunction)slot->value;
        } else if (slot->slot < 0 || slot->slot > _Py_mod_LAST_SLOT) {
            PyErr_Format(PyExc_SystemError, "module %s uses unknown slot ID %i", name, slot->slot);
            return -1;
        } else {
            *executes = 1;
        }
    }
    return 0;
}

static PyObject *create_from_definition(PyModuleDef *definition, PyObject *spec, PyObject *name_object,
                                        const char *name) {
    CreateFunction create;
    int executes;
    if (definition->m_size < 0) {
        return PyErr_Format(PyExc_SystemError, "module %s: m_size may not be negative for multi-phase initialization",
                            name);
    }
    if (read_slots(definition, name, &create, &executes) < 0) return NULL;
    PyObject *module;
    if (create != NULL) {
        module = create(spec, definition);
        if (module == NULL) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_SystemError, "creation of module %s failed without setting an exception", name);
            }
            return NULL;
        }
        if (PyErr_Occurred()) {
            Py_DECREF(module);
            return _PyErr_FormatFromCause(PyExc_SystemError, "creation of module %s raised unreported exception", name);
        }
    } else {
        module = PyModule_NewObject(name_object);
        if (module == NULL) return NULL;
    }
    if (PyModule_Check(module)) {
        cast(module)->state = NULL;
        cast(module)->definition = definition;
    } else if (definition->m_size > 0 || definition->m_traverse != NULL || definition->m_clear != NULL ||
               definition->m_free != NULL) {
        PyErr_Format(PyExc_SystemError, "module %s is not a module object, but requests module state", name);
        goto error;
    } else if (executes) {
        PyErr_Format(PyExc_SystemError,
                     "module %s specifies execution slots, but did not create a ModuleType instance", name);
        goto error;
    }
    if (definition->m_methods != NULL && add_functions(module, name_object, definition->m_methods) < 0) goto error;
    if (definition->m_doc != NULL && PyModule_SetDocString(module, definition->m_doc) < 0) goto error;
    return module;
error:
    Py_DECREF(module);
    return NULL;
}

PyObject *PyModule_FromDefAndSpec2(PyModuleDef *definition, PyObject *spec, int module_api_version) {
    if (PyModuleDef_Init(definition) == NULL) return NULL;
    PyObject *name_object = PyObject_GetAttr(spec, KR_NAME(name));
    if (name_object == NULL) return NULL;
    PyObject *module = NULL;
    const char *name = PyUnicode_AsUTF8(name_object);
    if (name != NULL && check_api_version(name, module_api_version)) {
        module = create_from_definition(definition, spec, name_object, name);
    }
    Py_DECREF(name_object);
    return module;
}

int PyModule_ExecDef(PyObject *module, PyModuleDef *definition) {
    const char *name = PyModule_GetName(module);
    if (name == NULL) return -1;
    if (definition->m_size >= 0 && cast(module)->state == NULL && allocate_state(cast(module), definition->m_size) < 0) {
        return -1;
    }
    for (PyModuleDef_Slot *slot = definition->m_slots; slot != NULL && slot->slot != 0; slot++) {
        if (slot->slot == Py_mod_create) continue;
        if (slot->slot != Py_mod_exec) {
            PyErr_Format(PyExc_SystemError, "module %s initialized with unknown slot %i", name, slot->slot);
            return -1;
        }
        if (((ExecuteFunction)slot->value)(module) != 0) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_SystemError, "execution of module %s failed without setting an exception", name);
            }
            return -1;
        }
        if (PyErr_Occurred()) {
            _PyErr_FormatFromCause(PyExc_SystemError, "execution of module %s raised unreported exception", name);
            return -1;
        }
    }
    return 0;
}

/* -- Reading ----------------------------------------------------------------------------------------------------------------------------- */

PyObject *PyModule_GetDict(PyObject *module) {
    if (PyModule_Check(module)) return cast(module)->dict;
    PyErr_BadInternalCall();
    return NULL;
}

PyModuleDef *PyModule_GetDef(PyObject *module) {
    if (PyModule_Check(module)) return cast(module)->definition;
    PyErr_BadArgument();
    return NULL;
}

void *PyModule_GetState(PyObject *module) {
    if (PyModule_Check(module)) return cast(module)->state;
    PyErr_BadArgument();
    return NULL;
}

/* Gets a str from the namespace, or NULL with `message` as a SystemError. New reference. */
static PyObject *string_from_dict(PyObject *module, PyObject *name, const char *message) {
    if (!PyModule_Check(module)) {
        PyErr_BadArgument();
        return NULL;
    }
    PyObject *dict = cast(module)->dict;
    PyObject *value = dict != NULL && PyDict_Check(dict) ? PyDict_GetItemWithError(dict, name) : NULL;
    if (value != NULL && PyUnicode_Check(value)) return Py_NewRef(value);
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, message);
    return NULL;
}

PyObject *PyModule_GetNameObject(PyObject *module) {
    return string_from_dict(module, KR_NAME(__name__), "nameless module");
}

const char *PyModule_GetName(PyObject *module) {
    PyObject *name = PyModule_GetNameObject(module);
    if (name == NULL) return NULL;
    Py_DECREF(name); /* the module holds it */
    return PyUnicode_AsUTF8(name);
}

PyObject *PyModule_GetFilenameObject(PyObject *module) {
    return string_from_dict(module, KR_NAME(__file__), "module filename missing");
}

PyAPI_FUNC(const char *) PyModule_GetFilename(PyObject *module);
const char *PyModule_GetFilename(PyObject *module) {
    PyObject *name = PyModule_GetFilenameObject(module);
    if (name == NULL) return NULL;
    const char *text = PyUnicode_AsUTF8(name);
    Py_DECREF(name);
    return text;
}

/* -- Attributes ---------------------------------------------------------------------------------------------------------------------------- */

int _PyModuleSpec_IsInitializing(PyObject *spec) {
    if (spec == NULL) return 0;
    PyObject *value;
    if (_PyObject_LookupAttr(spec, KR_NAME(_initializing), &value) <= 0) {
        PyErr_Clear();
        return 0;
    }
    int initializing = PyObject_IsTrue(value);
    Py_DECREF(value);
    if (initializing >= 0) return initializing;
    PyErr_Clear();
    return 0;
}

/* True if `name` is a submodule whose import is under way. */
static int is_uninitialized_submodule(PyObject *spec, PyObject *name) {
    PyObject *value;
    if (spec == NULL || _PyObject_LookupAttr(spec, KR_NAME(_uninitialized_submodules), &value) <= 0) {
        PyErr_Clear();
        return 0;
    }
    int contains = PySequence_Contains(value, name);
    Py_DECREF(value);
    if (contains >= 0) return contains;
    PyErr_Clear();
    return 0;
}

static void attribute_error(PyModuleObject *module, PyObject *name) {
    PyObject *module_name = PyDict_GetItemWithError(module->dict, KR_NAME(__name__));
    if (module_name == NULL || !PyUnicode_Check(module_name)) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_AttributeError, "module has no attribute '%U'", name);
        return;
    }
    Py_INCREF(module_name);
    PyObject *spec = PyDict_GetItemWithError(module->dict, KR_NAME(__spec__));
    if (spec != NULL || !PyErr_Occurred()) {
        Py_XINCREF(spec);
        if (_PyModuleSpec_IsInitializing(spec)) {
            PyErr_Format(PyExc_AttributeError,
                         "partially initialized module '%U' has no attribute '%U' (most likely due to a circular import)",
                         module_name, name);
        } else if (is_uninitialized_submodule(spec, name)) {
            PyErr_Format(PyExc_AttributeError,
                         "cannot access submodule '%U' of module '%U' (most likely due to a circular import)", name,
                         module_name);
        } else {
            PyErr_Format(PyExc_AttributeError, "module '%U' has no attribute '%U'", module_name, name);
        }
        Py_XDECREF(spec);
    }
    Py_DECREF(module_name);
}

PyObject *kr_module_get_attribute(PyObject *self, PyObject *name, int suppress) {
    PyModuleObject *module = cast(self);
    PyObject *result = _PyObject_GenericGetAttrWithDict(self, name, NULL, 1);
    if (result != NULL || PyErr_Occurred()) return result;
    if (module->dict == NULL) {
        if (!suppress) PyErr_Format(PyExc_AttributeError, "module has no attribute '%U'", name);
        return NULL;
    }
    PyObject *hook = PyDict_GetItemWithError(module->dict, KR_NAME(__getattr__));
    if (hook != NULL) {
        Py_INCREF(hook);
        result = PyObject_CallOneArg(hook, name);
        Py_DECREF(hook);
        if (result == NULL && suppress && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
        return result;
    }
    if (!PyErr_Occurred() && !suppress) attribute_error(module, name);
    return NULL;
}

static PyObject *module_getattro(PyObject *self, PyObject *name) { return kr_module_get_attribute(self, name, 0); }

static PyObject *module_dir(PyObject *self, PyObject *unused) {
    PyObject *dict = PyObject_GetAttr(self, KR_NAME(__dict__));
    if (dict == NULL) return NULL;
    PyObject *result = NULL;
    if (!PyDict_Check(dict)) {
        PyErr_SetString(PyExc_TypeError, "<module>.__dict__ is not a dictionary");
    } else {
        PyObject *function = PyDict_GetItemWithError(dict, KR_NAME(__dir__));
        if (function != NULL) {
            result = PyObject_CallNoArgs(function);
        } else if (!PyErr_Occurred()) {
            result = PyDict_Keys(dict);
        }
    }
    Py_DECREF(dict);
    return result;
}

static PyObject *namespace_of(PyObject *self) {
    PyObject *dict = PyObject_GetAttr(self, KR_NAME(__dict__));
    if (dict != NULL && !PyDict_Check(dict)) {
        PyErr_SetString(PyExc_TypeError, "<module>.__dict__ is not a dictionary");
        Py_CLEAR(dict);
    }
    return dict;
}

static PyObject *get_annotations(PyObject *self, void *closure) {
    PyObject *dict = namespace_of(self);
    if (dict == NULL) return NULL;
    PyObject *annotations = PyDict_GetItemWithError(dict, KR_NAME(__annotations__));
    if (annotations != NULL) {
        Py_INCREF(annotations);
    } else if (!PyErr_Occurred()) {
        annotations = PyDict_New();
        if (annotations != NULL && PyDict_SetItem(dict, KR_NAME(__annotations__), annotations) < 0) {
            Py_CLEAR(annotations);
        }
    }
    Py_DECREF(dict);
    return annotations;
}

static int set_annotations(PyObject *self, PyObject *value, void *closure) {
    PyObject *dict = namespace_of(self);
    if (dict == NULL) return -1;
    int status;
    if (value != NULL) {
        status = PyDict_SetItem(dict, KR_NAME(__annotations__), value);
    } else {
        status = PyDict_DelItem(dict, KR_NAME(__annotations__));
        if (status < 0 && PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_SetString(PyExc_AttributeError, "__annotations__");
        }
    }
    Py_DECREF(dict);
    return status;
}

/* The import system knows what to say about a module; before it exists, the name alone has to do. */
static PyObject *module_repr(PyObject *self) {
    PyObject *importlib = kr_tstate()->interp->importlib;
    if (importlib != NULL) {
        PyObject *function;
        if (_PyObject_LookupAttr(importlib, KR_NAME(_module_repr), &function) < 0) return NULL;
        if (function != NULL) {
            PyObject *text = PyObject_CallOneArg(function, self);
            Py_DECREF(function);
            return text;
        }
    }
    PyObject *name = PyModule_GetNameObject(self);
    if (name == NULL) {
        PyErr_Clear();
        return PyUnicode_FromString("<module '?'>");
    }
    PyObject *text = PyUnicode_FromFormat("<module %R>", name);
    Py_DECREF(name);
    return text;
}

/* -- The end of a module --------------------------------------------------------------------------------------------------------------------- */

/* Replaces names by None: those with one leading underscore first, then all others but `__builtins__`. Destructors that
 * run meanwhile find most of the module still there. */
void _PyModule_ClearDict(PyObject *dict) {
    for (int round = 1; round <= 2; round++) {
        Py_ssize_t cursor = 0;
        PyObject *key, *value;
        while (PyDict_Next(dict, &cursor, &key, &value)) {
            if (value == Py_None || !PyUnicode_Check(key)) continue;
            Py_UCS4 first = PyUnicode_GET_LENGTH(key) > 0 ? PyUnicode_READ_CHAR(key, 0) : 0;
            Py_UCS4 second = PyUnicode_GET_LENGTH(key) > 1 ? PyUnicode_READ_CHAR(key, 1) : 0;
            int private = first == '_' && second != '_';
            int builtins = first == '_' && _PyUnicode_EqualToASCIIString(key, "__builtins__");
            if (round == 1 ? !private : builtins) continue;
            if (PyDict_SetItem(dict, key, Py_None) != 0) PyErr_WriteUnraisable(NULL);
        }
    }
}

void _PyModule_Clear(PyObject *module) {
    PyObject *dict = cast(module)->dict;
    if (dict != NULL) _PyModule_ClearDict(dict);
}

/* True if the functions of the definition may be called: a module that wants state has it. */
static int is_executed(PyModuleObject *module) {
    return module->definition != NULL && (module->definition->m_size <= 0 || module->state != NULL);
}

static void module_dealloc(PyObject *self) {
    PyModuleObject *module = cast(self);
    PyObject_GC_UnTrack(self);
    if (module->weaklist != NULL) PyObject_ClearWeakRefs(self);
    if (is_executed(module) && module->definition->m_free != NULL) module->definition->m_free(self);
    Py_XDECREF(module->dict);
    Py_XDECREF(module->name);
    PyMem_Free(module->state);
    Py_TYPE(self)->tp_free(self);
}

static int module_traverse(PyObject *self, visitproc visit, void *arg) {
    PyModuleObject *module = cast(self);
    if (is_executed(module) && module->definition->m_traverse != NULL) {
        int status = module->definition->m_traverse(self, visit, arg);
        if (status) return status;
    }
    Py_VISIT(module->dict);
    return 0;
}

static int module_clear(PyObject *self) {
    PyModuleObject *module = cast(self);
    if (is_executed(module) && module->definition->m_clear != NULL) {
        int status = module->definition->m_clear(self);
        if (PyErr_Occurred()) {
            PyErr_WriteUnraisable(NULL);
        }
        if (status) return status;
    }
    Py_CLEAR(module->dict);
    return 0;
}

static PyMemberDef module_members[] = {
    {"__dict__", T_OBJECT, offsetof(PyModuleObject, dict), READONLY},
    {NULL},
};

static PyMethodDef module_methods[] = {
    {"__dir__", module_dir, METH_NOARGS, "__dir__() -> the names that the module defines"},
    {NULL},
};

static PyGetSetDef module_getset[] = {
    {"__annotations__", get_annotations, set_annotations},
    {NULL},
};

PyTypeObject PyModule_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "module",
    .tp_basicsize = sizeof(PyModuleObject),
    .tp_dealloc = module_dealloc,
    .tp_repr = module_repr,
    .tp_getattro = module_getattro,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
    .tp_doc = "module(name, doc=None)\n--\n\nA namespace of its own; the name and docstring are its first entries.",
    .tp_traverse = module_traverse,
    .tp_clear = module_clear,
    .tp_weaklistoffset = offsetof(PyModuleObject, weaklist),
    .tp_methods = module_methods,
    .tp_members = module_members,
    .tp_getset = module_getset,
    .tp_dictoffset = offsetof(PyModuleObject, dict),
    .tp_init = module_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = module_new,
    .tp_free = PyObject_GC_Del,
};
