/* Replacing the current exception by one of the same type that says more. */
#include <Python.h>

#include "types/exceptions.h"

/* True if an exception of this type and state can be created anew from one message without losing anything. */
static int is_replaceable(PyObject *exception) {
    PyTypeObject *type = Py_TYPE(exception);
    PyBaseExceptionObject *base = (PyBaseExceptionObject *)exception;
    if (type->tp_init != kr_exc_BaseException.tp_init || type->tp_new != kr_exc_BaseException.tp_new) return 0;
    /* Classes made in Python have room for weak references besides. */
    Py_ssize_t size = kr_exc_BaseException.tp_basicsize + (type->tp_weaklistoffset > 0 ? sizeof(PyObject *) : 0);
    if (type->tp_basicsize != size || type->tp_itemsize != 0) return 0;
    if (base->dict != NULL && PyDict_GET_SIZE(base->dict) > 0) return 0;
    Py_ssize_t count = PyTuple_GET_SIZE(base->args);
    return count == 0 || (count == 1 && PyUnicode_CheckExact(PyTuple_GET_ITEM(base->args, 0)));
}

PyObject *_PyErr_TrySetFromCause(const char *format, ...) {
    PyObject *type, *cause, *traceback;
    PyErr_Fetch(&type, &cause, &traceback);
    PyErr_NormalizeException(&type, &cause, &traceback);
    if (!is_replaceable(cause)) {
        PyErr_Restore(type, cause, traceback);
        return NULL;
    }
    if (traceback != NULL) {
        PyException_SetTraceback(cause, traceback);
        Py_DECREF(traceback);
    }
    va_list arguments;
    va_start(arguments, format);
    PyObject *prefix = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    if (prefix == NULL) {
        Py_DECREF(type);
        Py_DECREF(cause);
        return NULL;
    }
    PyErr_Format(type, "%U (%s: %S)", prefix, Py_TYPE(cause)->tp_name, cause);
    Py_DECREF(prefix);
    Py_DECREF(type);
    PyObject *replacement;
    PyErr_Fetch(&type, &replacement, &traceback);
    PyErr_NormalizeException(&type, &replacement, &traceback);
    PyException_SetCause(replacement, cause);
    PyErr_Restore(type, replacement, traceback);
    return replacement;
}
