/* Configuration values of the system: sysconf, confstr, pathconf. */
#include <Python.h>

#include "modules/posix/posix.h"

typedef struct SystemName {
    const char *text;
    int value;
} SystemName;

static const SystemName sysconf_names[] = {
#define KR_SYSCONF(name) {"SC_" #name, _SC_##name},
#include "modules/posix/system_names.def"
};

static const SystemName confstr_names[] = {
#define KR_CONFSTR(name) {"CS_" #name, _CS_##name},
#include "modules/posix/system_names.def"
};

static const SystemName pathconf_names[] = {
#define KR_PATHCONF(name) {"PC_" #name, _PC_##name},
#include "modules/posix/system_names.def"
};

/* Converts a name or number. Returns 0, or -1 with an exception. */
static int read_name(PyObject *object, const SystemName *names, size_t count, int *value) {
    if (PyLong_Check(object)) return kr_read_int(object, value);
    if (!PyUnicode_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "configuration names must be strings or integers");
        return -1;
    }
    const char *text = PyUnicode_AsUTF8(object);
    if (text == NULL) return -1;
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(text, names[middle].text);
        if (order == 0) {
            *value = names[middle].value;
            return 0;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    PyErr_SetString(PyExc_ValueError, "unrecognized configuration name");
    return -1;
}

#define READ_NAME(object, names, value) read_name(object, names, Py_ARRAY_LENGTH(names), value)

KR_FUNCTION_ONE(sysconf) {
    int name;
    if (READ_NAME(argument, sysconf_names, &name) < 0) return NULL;
    errno = 0;
    long value = sysconf(name);
    return value == -1 && errno != 0 ? kr_posix_error() : PyLong_FromLong(value);
}

KR_FUNCTION_ONE(confstr) {
    int name;
    if (READ_NAME(argument, confstr_names, &name) < 0) return NULL;
    errno = 0;
    size_t size = confstr(name, NULL, 0);
    if (size == 0) {
        if (errno != 0) return kr_posix_error();
        Py_RETURN_NONE;
    }
    char *text = PyMem_Malloc(size);
    if (text == NULL) return PyErr_NoMemory();
    confstr(name, text, size);
    PyObject *result = PyUnicode_DecodeFSDefaultAndSize(text, (Py_ssize_t)size - 1);
    PyMem_Free(text);
    return result;
}

KR_FUNCTION_POSITIONAL(fpathconf, 2, 2) {
    int fd, name;
    if (kr_read_int(argument[0], &fd) < 0 || READ_NAME(argument[1], pathconf_names, &name) < 0) return NULL;
    errno = 0;
    long value = fpathconf(fd, name);
    return value == -1 && errno != 0 ? kr_posix_error() : PyLong_FromLong(value);
}

KR_FUNCTION_KEYWORDS(pathconf, 2, 2, "path", "name") {
    int name;
    KR_PATH_OR_FD(path, argument[0], "pathconf");
    if (READ_NAME(argument[1], pathconf_names, &name) < 0) return NULL;
    errno = 0;
    long value = path.text == NULL ? fpathconf(path.fd, name) : pathconf(path.text, name);
    if (value != -1 || errno == 0) return PyLong_FromLong(value);
    /* An invalid name is not the path's fault. */
    return errno == EINVAL ? kr_posix_error() : kr_path_error(&path);
}

/* Adds the dict of a table to the module. Returns 0 or -1. */
static int add_names(PyObject *module, const char *attribute, const SystemName *names, size_t count) {
    PyObject *dict = PyDict_New();
    if (dict == NULL) return -1;
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++) {
        PyObject *value = PyLong_FromLong(names[i].value);
        failed = value == NULL ? -1 : PyDict_SetItemString(dict, names[i].text, value);
        Py_XDECREF(value);
    }
    if (failed == 0) failed = PyModule_AddObjectRef(module, attribute, dict);
    Py_DECREF(dict);
    return failed;
}

static PyMethodDef functions[] = {
    KR_ENTRY_ONE(sysconf, "($module, name, /)", "Return a configuration value of the system, -1 if it has none."),
    KR_ENTRY_ONE(confstr, "($module, name, /)", "Return a configuration value that is a string, None if it has none."),
    KR_ENTRY_POSITIONAL(fpathconf, "($module, fd, name, /)", "Return a configuration value for an open file."),
    KR_ENTRY_KEYWORDS(pathconf, "($module, /, path, name)", "Return a configuration value for a path or open file."),
    {NULL},
};

#define ADD_NAMES(module, names) add_names(module, #names, names, Py_ARRAY_LENGTH(names))

int kr_posix_add_limits(PyObject *module) {
    if (ADD_NAMES(module, pathconf_names) < 0 || ADD_NAMES(module, confstr_names) < 0 ||
        ADD_NAMES(module, sysconf_names) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
