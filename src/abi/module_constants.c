/* What extension modules call to fill their namespace: PyModule_AddObject and its kin. */
#include <Python.h>

#include <string.h>

int PyModule_AddObjectRef(PyObject *mod, const char *name, PyObject *value) {
    if (!PyModule_Check(mod)) {
        PyErr_SetString(PyExc_TypeError, "PyModule_AddObjectRef() first argument must be a module");
        return -1;
    }
    if (value == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_SystemError,
                            "PyModule_AddObjectRef() must be called with an exception raised if value is NULL");
        }
        return -1;
    }
    PyObject *dict = PyModule_GetDict(mod);
    if (dict == NULL) {
        PyErr_Format(PyExc_SystemError, "module '%s' has no __dict__", PyModule_GetName(mod));
        return -1;
    }
    return PyDict_SetItemString(dict, name, value);
}

/* Takes over the reference to `value` on success only. */
int PyModule_AddObject(PyObject *mod, const char *name, PyObject *value) {
    int result = PyModule_AddObjectRef(mod, name, value);
    if (result == 0) Py_DECREF(value);
    return result;
}

/* Adds a new object, or passes its failed creation on. */
static int add_new(PyObject *mod, const char *name, PyObject *value) {
    if (value == NULL) return -1;
    int result = PyModule_AddObjectRef(mod, name, value);
    Py_DECREF(value);
    return result;
}

int PyModule_AddIntConstant(PyObject *mod, const char *name, long value) {
    return add_new(mod, name, PyLong_FromLong(value));
}

int PyModule_AddStringConstant(PyObject *mod, const char *name, const char *value) {
    return add_new(mod, name, PyUnicode_FromString(value));
}

/* Readies the type and adds it under the last part of its name. */
int PyModule_AddType(PyObject *module, PyTypeObject *type) {
    if (PyType_Ready(type) < 0) return -1;
    const char *dot = strrchr(type->tp_name, '.');
    return PyModule_AddObjectRef(module, dot != NULL ? dot + 1 : type->tp_name, (PyObject *)type);
}
