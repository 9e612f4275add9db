/* Environment variables. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <stdlib.h>

/* Converts both arguments of putenv or none. Returns 0 or -1. */
static int read_pair(PyObject *const *argument, PyObject **name, PyObject **value) {
    if (!PyUnicode_FSConverter(argument[0], name)) return -1;
    if (PyUnicode_FSConverter(argument[1], value)) return 0;
    Py_DECREF(*name);
    return -1;
}

KR_FUNCTION_POSITIONAL(putenv, 2, 2) {
    PyObject *name, *value, *result = NULL;
    if (read_pair(argument, &name, &value) < 0) return NULL;
    if (PySys_Audit("os.putenv", "OO", name, value) < 0) goto finish;
    if (strchr(PyBytes_AS_STRING(name), '=') != NULL) {
        PyErr_SetString(PyExc_ValueError, "illegal environment variable name");
        goto finish;
    }
    result = kr_posix_none(setenv(PyBytes_AS_STRING(name), PyBytes_AS_STRING(value), 1));

finish:
    Py_DECREF(name);
    Py_DECREF(value);
    return result;
}

KR_FUNCTION_ONE(unsetenv) {
    PyObject *name, *result = NULL;
    if (!PyUnicode_FSConverter(argument, &name)) return NULL;
    if (PySys_Audit("os.unsetenv", "(O)", name) == 0) result = kr_posix_none(unsetenv(PyBytes_AS_STRING(name)));
    Py_DECREF(name);
    return result;
}

/* Adds one "NAME=value"; the first one of a name counts. Returns 0 or -1. */
static int add_variable(PyObject *dict, const char *text) {
    const char *end = strchr(text, '=');
    if (end == NULL) return 0;
    PyObject *name = PyBytes_FromStringAndSize(text, end - text), *value = PyBytes_FromString(end + 1);
    int failed = name == NULL || value == NULL || PyDict_SetDefault(dict, name, value) == NULL;
    Py_XDECREF(name);
    Py_XDECREF(value);
    return failed ? -1 : 0;
}

/* The environment at start-up as a new dict of bytes. */
static PyObject *make_environment(void) {
    PyObject *dict = PyDict_New();
    for (char **variable = environ; dict != NULL && variable != NULL && *variable != NULL; variable++)
        if (add_variable(dict, *variable) < 0) Py_CLEAR(dict);
    return dict;
}

static PyMethodDef functions[] = {
    KR_ENTRY_POSITIONAL(putenv, "($module, name, value, /)",
                        "Set an environment variable, for programs started later."),
    KR_ENTRY_ONE(unsetenv, "($module, name, /)", "Remove an environment variable, for programs started later."),
    {NULL},
};

int kr_posix_add_environment(PyObject *module) {
    PyObject *dict = make_environment();
    if (dict == NULL) return -1;
    int failed = PyModule_AddObjectRef(module, "environ", dict);
    Py_DECREF(dict);
    return failed < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
