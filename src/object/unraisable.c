/* Exceptions that nobody can catch, as in `__del__`: handed to sys.unraisablehook, which reports them. */
#include <Python.h>
#include <string.h>

#include "object/errors.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"

static PyStructSequence_Field fields[] = {
    {"exc_type", "class of the exception"},
    {"exc_value", "the exception, or None"},
    {"exc_traceback", "where it happened, or None"},
    {"err_msg", "what was being done, or None"},
    {"object", "the object that caused it, or None"},
    {NULL},
};

static PyStructSequence_Desc description = {
    .name = "UnraisableHookArgs",
    .doc = "UnraisableHookArgs\n\nWhat sys.unraisablehook is told about an exception.",
    .fields = fields,
    .n_in_sequence = 5,
};

static struct {
    PyTypeObject type;
} state;

PyTypeObject *kr_unraisable_args_type(void) {
    if (state.type.tp_dict == NULL && PyStructSequence_InitType2(&state.type, &description) < 0) return NULL;
    return &state.type;
}

/* -- The default report ------------------------------------------------------------------------------------------------------ */

static int write_header(PyObject *file, PyObject *message, PyObject *obj) {
    if (obj != NULL && obj != Py_None) {
        if (message != NULL && message != Py_None) {
            if (PyFile_WriteObject(message, file, Py_PRINT_RAW) < 0 || PyFile_WriteString(": ", file) < 0) return -1;
        } else if (PyFile_WriteString("Exception ignored in: ", file) < 0) {
            return -1;
        }
        if (PyFile_WriteObject(obj, file, 0) < 0) {
            PyErr_Clear();
            if (PyFile_WriteString("<object repr() failed>", file) < 0) return -1;
        }
        return PyFile_WriteString("\n", file);
    }
    if (message == NULL || message == Py_None) return 0;
    if (PyFile_WriteObject(message, file, Py_PRINT_RAW) < 0) return -1;
    return PyFile_WriteString(":\n", file);
}

static int write_class_name(PyObject *file, PyObject *type) {
    PyObject *module;
    if (_PyObject_LookupAttr(type, KR_NAME(__module__), &module) < 0) PyErr_Clear();
    int status = 0;
    if (module == NULL || !PyUnicode_Check(module)) {
        status = PyFile_WriteString("<unknown>", file);
    } else if (PyUnicode_Compare(module, KR_NAME(builtins)) != 0 && PyUnicode_Compare(module, KR_NAME(__main__)) != 0) {
        status = PyFile_WriteObject(module, file, Py_PRINT_RAW);
        if (status == 0) status = PyFile_WriteString(".", file);
    }
    Py_XDECREF(module);
    if (status < 0) return -1;
    PyObject *name = PyType_GetQualName((PyTypeObject *)type);
    if (name == NULL) {
        PyErr_Clear();
        return PyFile_WriteString("<unknown>", file);
    }
    status = PyFile_WriteObject(name, file, Py_PRINT_RAW);
    Py_DECREF(name);
    return status;
}

static int write_report(PyObject *file, PyObject *type, PyObject *value, PyObject *traceback, PyObject *message,
                        PyObject *obj) {
    if (write_header(file, message, obj) < 0) return -1;
    if (traceback != NULL && traceback != Py_None && PyTraceBack_Print(traceback, file) < 0) PyErr_Clear();
    if (type == NULL || type == Py_None) return -1;
    if (write_class_name(file, type) < 0) return -1;
    if (value != NULL && value != Py_None) {
        if (PyFile_WriteString(": ", file) < 0) return -1;
        if (PyFile_WriteObject(value, file, Py_PRINT_RAW) < 0) {
            PyErr_Clear();
            if (PyFile_WriteString("<exception str() failed>", file) < 0) return -1;
        }
    }
    if (PyFile_WriteString("\n", file) < 0) return -1;
    PyObject *flushed = PyObject_CallMethodNoArgs(file, KR_NAME(flush));
    if (flushed == NULL) return -1;
    Py_DECREF(flushed);
    return 0;
}

/* Writes to sys.stderr if there is one; whatever goes wrong is forgotten. */
static void report(PyObject *type, PyObject *value, PyObject *traceback, PyObject *message, PyObject *obj) {
    PyObject *file = PySys_GetObject("stderr");
    if (file == NULL || file == Py_None) return;
    Py_INCREF(file);
    write_report(file, type, value, traceback, message, obj);
    PyErr_Clear();
    Py_DECREF(file);
}

PyObject *kr_unraisable_write(PyObject *args) {
    PyTypeObject *type = kr_unraisable_args_type();
    if (type == NULL) return NULL;
    if (!Py_IS_TYPE(args, type)) {
        PyErr_SetString(PyExc_TypeError, "sys.unraisablehook argument type must be UnraisableHookArgs");
        return NULL;
    }
    PyObject *item[5];
    for (int i = 0; i < 5; i++) item[i] = PyStructSequence_GetItem(args, i);
    report(item[0], item[1], item[2], item[3], item[4]);
    Py_RETURN_NONE;
}

/* -- The call of the hook ------------------------------------------------------------------------------------------------------ */

static PyObject *make_args(PyObject *type, PyObject *value, PyObject *traceback, PyObject *message, PyObject *obj) {
    PyTypeObject *args_type = kr_unraisable_args_type();
    PyObject *args = args_type != NULL ? PyStructSequence_New(args_type) : NULL;
    if (args == NULL) return NULL;
    PyObject *item[] = {type, value, traceback, message, obj};
    for (int i = 0; i < 5; i++) PyStructSequence_SetItem(args, i, Py_NewRef(item[i] != NULL ? item[i] : Py_None));
    return args;
}

void _PyErr_WriteUnraisableMsg(const char *err_msg, PyObject *obj) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) type = Py_NewRef(Py_None);
    if (traceback == NULL) {
        /* An exception from C code has none: show at least where the interpreter was. */
        PyFrameObject *frame = PyEval_GetFrame();
        if (frame != NULL && type != Py_None) {
            PyErr_Restore(type, value, NULL);
            PyTraceBack_Here(frame);
            PyErr_Fetch(&type, &value, &traceback);
        }
    }
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL && traceback != Py_None && value != NULL && PyException_SetTraceback(value, traceback) < 0) {
        PyErr_Clear();
    }
    PyObject *message = NULL, *failed_hook = NULL;
    if (err_msg != NULL) {
        message = PyUnicode_FromFormat("Exception ignored %s", err_msg);
        if (message == NULL) PyErr_Clear();
    }
    PyObject *args = make_args(type, value, traceback, message, obj);
    if (args == NULL) {
        PyErr_Clear();
        report(type, value, traceback, message, obj);
        goto done;
    }
    PyObject *hook = PySys_GetObject("unraisablehook");
    if (hook == NULL) {
        report(type, value, traceback, message, obj);
    } else if (PySys_Audit("sys.unraisablehook", "OO", hook, args) == 0) {
        if (hook != Py_None) {
            Py_INCREF(hook);
            PyObject *result = PyObject_CallOneArg(hook, args);
            if (result == NULL) failed_hook = Py_NewRef(hook);
            Py_XDECREF(result);
            Py_DECREF(hook);
        }
    } else {
        failed_hook = Py_NewRef(hook);
    }
    Py_DECREF(args);
    if (failed_hook != NULL) {
        PyObject *hook_type, *hook_value, *hook_traceback;
        PyErr_Fetch(&hook_type, &hook_value, &hook_traceback);
        PyErr_NormalizeException(&hook_type, &hook_value, &hook_traceback);
        PyObject *text = PyUnicode_FromString("Exception ignored in sys.unraisablehook");
        PyErr_Clear();
        report(hook_type, hook_value, hook_traceback, text, failed_hook);
        Py_XDECREF(text);
        Py_XDECREF(hook_type);
        Py_XDECREF(hook_value);
        Py_XDECREF(hook_traceback);
        Py_DECREF(failed_hook);
    }
done:
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    Py_XDECREF(message);
    PyErr_Clear();
}

void PyErr_WriteUnraisable(PyObject *obj) { _PyErr_WriteUnraisableMsg(NULL, obj); }
