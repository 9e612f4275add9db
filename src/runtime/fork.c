/* What has to happen around fork(): the functions of os.register_at_fork, and locks that the child must make anew. */
#include <Python.h>

#include "import/import.h"
#include "object/interpreter.h"
#include "object/runtime.h"
#include "runtime/lifecycle.h"
#include "runtime/state.h"
#include "vm/gil.h"

/* Calls the functions of a list, last first if `reversed`; exceptions are reported, not raised. */
static void run_functions(PyObject *functions, int reversed) {
    if (functions == NULL) return;
    PyObject *copy = PyList_GetSlice(functions, 0, PyList_GET_SIZE(functions)); /* they may register others */
    if (copy == NULL) {
        PyErr_WriteUnraisable(functions);
        return;
    }
    Py_ssize_t count = PyList_GET_SIZE(copy);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *function = PyList_GET_ITEM(copy, reversed ? count - 1 - i : i);
        PyObject *result = PyObject_CallNoArgs(function);
        if (result == NULL)
            PyErr_WriteUnraisable(function);
        else
            Py_DECREF(result);
    }
    Py_DECREF(copy);
}

void PyOS_BeforeFork(void) {
    run_functions(kr_tstate()->interp->before_forkers, 1);
    _PyImport_AcquireLock();
}

void PyOS_AfterFork_Parent(void) {
    if (_PyImport_ReleaseLock() <= 0) Py_FatalError("failed releasing import lock after fork");
    kr_import_lock_after_fork(0);
    run_functions(kr_tstate()->interp->after_forkers_parent, 0);
}

void PyOS_AfterFork_Child(void) {
    PyThreadState *thread = kr_tstate();
    kr_gil_after_fork(thread);
    kr_state_after_fork();
    kr_import_lock_after_fork(1);
    kr_signals_after_fork();
    kr_threads_delete_except(thread);
    run_functions(thread->interp->after_forkers_child, 0);
}

void PyOS_AfterFork(void) { PyOS_AfterFork_Child(); }
