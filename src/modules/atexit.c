/* atexit: functions to be called when the interpreter ends.
 *
 * Invariant: entries [0, count) are in the order of registration; one with a NULL function was unregistered and keeps its
 * place until all are dropped.
 */
#include <Python.h>

#include "object/runtime.h"
#include "runtime/lifecycle.h"

typedef struct {
    PyObject *function, *args, *kwargs; /* kwargs may be NULL */
    PyInterpreterState *interpreter;    /* whose end it waits for */
} Callback;

static struct {
    Callback *callbacks;
    Py_ssize_t count, room;
} state;

static void drop(Callback *callback) {
    Callback old = *callback;
    *callback = (Callback){NULL};
    Py_XDECREF(old.function);
    Py_XDECREF(old.args);
    Py_XDECREF(old.kwargs);
}

static int is_mine(const Callback *callback) {
    return callback->function != NULL && callback->interpreter == kr_tstate()->interp;
}

/* Forgets this interpreter's functions. */
static void drop_all(void) {
    for (Py_ssize_t i = state.count; --i >= 0;)
        if (i < state.count && is_mine(&state.callbacks[i])) drop(&state.callbacks[i]);
    while (state.count > 0 && state.callbacks[state.count - 1].function == NULL) state.count--;
}

/* Calls the functions, last registered first, and drops them all. Exceptions are reported, not raised. */
static void run_all(void) {
    for (Py_ssize_t i = state.count; --i >= 0;) {
        if (i >= state.count || !is_mine(&state.callbacks[i])) continue; /* an earlier one may have dropped it */
        Callback callback = state.callbacks[i];
        Py_INCREF(callback.function);
        Py_INCREF(callback.args);
        Py_XINCREF(callback.kwargs);
        PyObject *result = PyObject_Call(callback.function, callback.args, callback.kwargs);
        if (result == NULL)
            _PyErr_WriteUnraisableMsg("in atexit callback", callback.function);
        else
            Py_DECREF(result);
        Py_DECREF(callback.function);
        Py_DECREF(callback.args);
        Py_XDECREF(callback.kwargs);
    }
    drop_all();
}

void kr_atexit_call(PyInterpreterState *interpreter) {
    run_all();
    if (state.count > 0) return;
    PyMem_Free(state.callbacks);
    state.callbacks = NULL;
    state.room = 0;
}

PyDoc_STRVAR(register_doc, "register(func, *args, **kwargs) -> func\n\n"
                           "Have a function called with these arguments when the interpreter ends; returns func.");
static PyObject *atexit_register(PyObject *module, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) == 0) {
        PyErr_SetString(PyExc_TypeError, "register() takes at least 1 argument (0 given)");
        return NULL;
    }
    PyObject *function = PyTuple_GET_ITEM(args, 0);
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "the first argument must be callable");
        return NULL;
    }
    if (state.count >= state.room) {
        Py_ssize_t room = state.room + (state.room >> 1) + 16;
        Callback *callbacks = PyMem_Realloc(state.callbacks, (size_t)room * sizeof(Callback));
        if (callbacks == NULL) return PyErr_NoMemory();
        state.callbacks = callbacks;
        state.room = room;
    }
    PyObject *rest = PyTuple_GetSlice(args, 1, PyTuple_GET_SIZE(args));
    if (rest == NULL) return NULL;
    state.callbacks[state.count++] = (Callback){Py_NewRef(function), rest, Py_XNewRef(kwargs), kr_tstate()->interp};
    return Py_NewRef(function);
}

PyDoc_STRVAR(unregister_doc, "unregister(func) -> None\n\n"
                             "Forget every registration of a function; no error if there is none.");
static PyObject *atexit_unregister(PyObject *module, PyObject *function) {
    for (Py_ssize_t i = 0; i < state.count; i++) {
        PyObject *registered = state.callbacks[i].function;
        if (!is_mine(&state.callbacks[i])) continue;
        Py_INCREF(registered);
        int equal = PyObject_RichCompareBool(registered, function, Py_EQ);
        Py_DECREF(registered);
        if (equal < 0) return NULL;
        if (equal && i < state.count) drop(&state.callbacks[i]);
    }
    Py_RETURN_NONE;
}

static PyObject *atexit_clear(PyObject *module, PyObject *unused) {
    drop_all();
    Py_RETURN_NONE;
}

static PyObject *atexit_run_exitfuncs(PyObject *module, PyObject *unused) {
    run_all();
    Py_RETURN_NONE;
}

static PyObject *atexit_ncallbacks(PyObject *module, PyObject *unused) {
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < state.count; i++) count += is_mine(&state.callbacks[i]);
    return PyLong_FromSsize_t(count);
}

static PyMethodDef methods[] = {
    {"register", (PyCFunction)(void (*)(void))atexit_register, METH_VARARGS | METH_KEYWORDS, register_doc},
    {"_clear", atexit_clear, METH_NOARGS, "_clear() -> None\n\nForget all registrations."},
    {"unregister", atexit_unregister, METH_O, unregister_doc},
    {"_run_exitfuncs", atexit_run_exitfuncs, METH_NOARGS,
     "_run_exitfuncs() -> None\n\nCall the registered functions now and forget them."},
    {"_ncallbacks", atexit_ncallbacks, METH_NOARGS, "_ncallbacks() -> int\n\nNumber of registrations."},
    {NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "atexit",
    .m_doc = "Functions to be called when the interpreter ends normally: register and unregister.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_atexit(void) { return PyModuleDef_Init(&definition); }
