/* Finding objects by the name of their module and their qualified name, and finding the hooks of subclasses. */
#include <Python.h>

#include "modules/_pickle/pickle.h"

PyObject *kr_pickle_dotted_path(PyObject *object, PyObject *name) {
    PyObject *dot = PyUnicode_FromString(".");
    if (dot == NULL) return NULL;
    PyObject *path = PyUnicode_Split(name, dot, -1);
    Py_DECREF(dot);
    if (path == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(path); i++) {
        if (!_PyUnicode_EqualToASCIIString(PyList_GET_ITEM(path, i), "<locals>")) continue;
        if (object == NULL) {
            PyErr_Format(PyExc_AttributeError, "Can't pickle local object %R", name);
        } else {
            PyErr_Format(PyExc_AttributeError, "Can't pickle local attribute %R on %R", name, object);
        }
        Py_DECREF(path);
        return NULL;
    }
    return path;
}

PyObject *kr_pickle_deep_attribute(PyObject *object, PyObject *path, PyObject **parent) {
    PyObject *previous = NULL;
    Py_INCREF(object);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(path); i++) {
        Py_XSETREF(previous, object);
        object = PyObject_GetAttr(previous, PyList_GET_ITEM(path, i));
        if (object == NULL) {
            Py_DECREF(previous);
            return NULL;
        }
    }
    if (parent != NULL) {
        *parent = previous;
    } else {
        Py_XDECREF(previous);
    }
    return object;
}

PyObject *kr_pickle_attribute(PyObject *object, PyObject *name, bool qualified) {
    PyObject *attribute;
    if (qualified) {
        PyObject *path = kr_pickle_dotted_path(object, name);
        if (path == NULL) return NULL;
        attribute = kr_pickle_deep_attribute(object, path, NULL);
        Py_DECREF(path);
    } else {
        attribute = PyObject_GetAttr(object, name);
    }
    if (attribute == NULL && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyErr_Format(PyExc_AttributeError, "Can't get attribute %R on %R", name, object);
    }
    return attribute;
}

/* Tells whether the object is what that path in the module leads to; -1 with an exception. */
static int module_has(PickleState *state, PyObject *name, PyObject *module, PyObject *object, PyObject *path) {
    if (module == Py_None) return 0;
    if (PyUnicode_Check(name) &&
        (PyUnicode_Compare(name, NAME(state, __main__)) == 0 || PyUnicode_Compare(name, NAME(state, __mp_main__)) == 0))
        return 0;
    PyObject *candidate = kr_pickle_deep_attribute(module, path, NULL);
    if (candidate == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(candidate);
    return candidate == object;
}

PyObject *kr_pickle_which_module(PickleState *state, PyObject *object, PyObject *path) {
    PyObject *name;
    if (_PyObject_LookupAttr(object, NAME(state, __module__), &name) < 0) return NULL;
    /* It is None for some methods of extension types. */
    if (name != NULL && name != Py_None) return name;
    Py_CLEAR(name);
    PyObject *modules = PySys_GetObject("modules");
    if (modules == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "unable to get sys.modules");
        return NULL;
    }
    /* Looking at attributes may import modules: go through a copy. */
    PyObject *pairs = PyMapping_Items(modules);
    if (pairs == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(pairs); i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) continue;
        int found = module_has(state, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1), object, path);
        if (found == 0) continue;
        if (found > 0) name = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
        Py_DECREF(pairs);
        return name;
    }
    Py_DECREF(pairs);
    return Py_NewRef(NAME(state, __main__));
}

PyObject *kr_pickle_import(PyObject *name) {
    PyObject *package = PyImport_ImportModuleLevelObject(name, NULL, NULL, NULL, 0);
    if (package == NULL) return NULL;
    Py_DECREF(package);
    PyObject *module = PyImport_GetModule(name);
    if (module == NULL && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, name);
    return module;
}

int kr_pickle_find_hook(PyObject *self, PyObject *name, PyObject **function, PyObject **bound_self) {
    PyObject *hook;
    *bound_self = NULL;
    if (_PyObject_LookupAttr(self, name, &hook) < 0) return -1;
    if (hook != NULL && PyMethod_Check(hook) && PyMethod_GET_SELF(hook) == self) {
        /* A bound method would hold a reference to self. */
        *bound_self = self;
        Py_SETREF(hook, Py_NewRef(PyMethod_GET_FUNCTION(hook)));
    }
    Py_XSETREF(*function, hook);
    return 0;
}

PyObject *kr_pickle_hook_as_method(PyObject *function, PyObject *bound_self) {
    return bound_self != NULL ? PyMethod_New(function, bound_self) : Py_NewRef(function);
}

PyObject *kr_pickle_call_hook(PyObject *function, PyObject *bound_self, PyObject *argument) {
    PyObject *arguments[] = {bound_self, argument};
    Py_INCREF(function); /* the hook may replace itself */
    PyObject *result = bound_self == NULL ? PyObject_CallOneArg(function, argument)
                                          : PyObject_Vectorcall(function, arguments, 2, NULL);
    Py_DECREF(function);
    return result;
}

/* --- What moved or was renamed between Python 2 and 3. */

/* Replaces names by what the mappings say: `name_mapping` of a module and a name, else `import_mapping` of a module. `prefix`
 * is how the names of these mappings in _compat_pickle begin. Takes and returns owned references. Returns -1 with an
 * exception. */
static int map_names(PyObject *name_mapping, PyObject *import_mapping, const char *prefix, PyObject **module_name,
                     PyObject **name) {
    PyObject *key = PyTuple_Pack(2, *module_name, *name);
    if (key == NULL) return -1;
    PyObject *item = PyDict_GetItemWithError(name_mapping, key);
    Py_DECREF(key);
    if (item != NULL) {
        if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 2) {
            PyErr_Format(PyExc_RuntimeError, "_compat_pickle.%sNAME_MAPPING values should be 2-tuples, not %.200s",
                         prefix, Py_TYPE(item)->tp_name);
            return -1;
        }
        PyObject *new_module = PyTuple_GET_ITEM(item, 0), *new_name = PyTuple_GET_ITEM(item, 1);
        if (!PyUnicode_Check(new_module) || !PyUnicode_Check(new_name)) {
            PyErr_Format(PyExc_RuntimeError,
                         "_compat_pickle.%sNAME_MAPPING values should be pairs of str, not (%.200s, %.200s)", prefix,
                         Py_TYPE(new_module)->tp_name, Py_TYPE(new_name)->tp_name);
            return -1;
        }
        Py_SETREF(*module_name, Py_NewRef(new_module));
        Py_SETREF(*name, Py_NewRef(new_name));
        return 0;
    }
    if (PyErr_Occurred()) return -1;
    item = PyDict_GetItemWithError(import_mapping, *module_name);
    if (item == NULL) return PyErr_Occurred() ? -1 : 0;
    if (!PyUnicode_Check(item)) {
        PyErr_Format(PyExc_RuntimeError, "_compat_pickle.%sIMPORT_MAPPING values should be strings, not %.200s", prefix,
                     Py_TYPE(item)->tp_name);
        return -1;
    }
    Py_SETREF(*module_name, Py_NewRef(item));
    return 0;
}

int kr_pickle_map_to_python2(PickleState *state, PyObject **module_name, PyObject **name) {
    return map_names(state->reverse_name_mapping, state->reverse_import_mapping, "REVERSE_", module_name, name);
}

int kr_pickle_map_to_python3(PickleState *state, PyObject **module_name, PyObject **name) {
    return map_names(state->name_mapping, state->import_mapping, "", module_name, name);
}
