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
