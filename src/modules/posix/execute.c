/* Ending this process, and turning it into another program. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <stdlib.h>

/* Is it a sequence of at least one argument? Returns 0, or -1 with an exception that begins with `what`. */
static int check_arguments(PyObject *argv, const char *what) {
    if (!PyList_Check(argv) && !PyTuple_Check(argv)) {
        PyErr_Format(PyExc_TypeError, "%s must be a tuple or list", what);
        return -1;
    }
    if (PySequence_Size(argv) < 1) {
        PyErr_Format(PyExc_ValueError, "%s must not be empty", what);
        return -1;
    }
    return 0;
}

static int convert_arguments(KrStrings *strings, PyObject *argv, const char *what) {
    if (kr_strings_from_arguments(strings, argv) < 0) return -1;
    if (strings->items[0] != NULL && strings->items[0][0] != '\0') return 0;
    PyErr_Format(PyExc_ValueError, "%s first element cannot be empty", what);
    return -1;
}

KR_FUNCTION_POSITIONAL(execv, 2, 2) {
    KR_STRINGS(arguments);
    KR_PATH(path, argument[0], "execv");
    if (check_arguments(argument[1], "execv() arg 2") < 0 ||
        convert_arguments(&arguments, argument[1], "execv() arg 2") < 0 ||
        PySys_Audit("os.exec", "OOO", path.object, argument[1], Py_None) < 0)
        return NULL;
    execv(path.text, arguments.items);
    return kr_posix_error();
}

KR_FUNCTION_KEYWORDS(execve, 3, 3, "path", "argv", "env") {
    KR_STRINGS(arguments);
    KR_STRINGS(environment);
    KR_PATH_OR_FD(path, argument[0], "execve");
    if (check_arguments(argument[1], "execve: argv") < 0) return NULL;
    if (!PyMapping_Check(argument[2])) {
        PyErr_SetString(PyExc_TypeError, "execve: environment must be a mapping object");
        return NULL;
    }
    if (convert_arguments(&arguments, argument[1], "execve: argv") < 0 ||
        kr_strings_from_environment(&environment, argument[2]) < 0 ||
        PySys_Audit("os.exec", "OOO", path.object, argument[1], argument[2]) < 0)
        return NULL;
    if (path.fd > -1) {
        fexecve(path.fd, arguments.items, environment.items);
    } else {
        execve(path.text, arguments.items, environment.items);
    }
    return kr_path_error(&path);
}

KR_FUNCTION_KEYWORDS(system, 1, 1, "command") {
    PyObject *command;
    long status;
    if (!PyUnicode_FSConverter(argument[0], &command)) return NULL;
    if (PySys_Audit("os.system", "(O)", command) < 0) {
        Py_DECREF(command);
        return NULL;
    }
    KR_UNLOCKED(status = system(PyBytes_AS_STRING(command)));
    Py_DECREF(command);
    return PyLong_FromLong(status);
}

KR_FUNCTION_KEYWORDS(_exit, 1, 1, "status") {
    int status;
    if (kr_read_int(argument[0], &status) < 0) return NULL;
    _exit(status);
}

KR_FUNCTION_NONE(abort) { abort(); }

static PyMethodDef functions[] = {
    KR_ENTRY_POSITIONAL(execv, "($module, path, argv, /)", "Run a program in place of this one; does not return."),
    KR_ENTRY_KEYWORDS(execve, "($module, /, path, argv, env)",
                      "Run a program, a path or open descriptor, in place of this one, with a mapping as its\n"
                      "environment; does not return."),
    KR_ENTRY_KEYWORDS(system, "($module, /, command)", "Run a command in a shell; return its wait status."),
    KR_ENTRY_KEYWORDS(_exit, "($module, /, status)", "End the process at once, without cleaning up."),
    KR_ENTRY_NONE(abort, "($module, /)", "End the process at once by SIGABRT."),
    {NULL},
};

int kr_posix_add_execute(PyObject *module) { return PyModule_AddFunctions(module, functions); }
