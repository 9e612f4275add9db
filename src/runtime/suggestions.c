/* "Did you mean": names close to one that was not found. */
#include <Python.h>
#include <frameobject.h>

#include "object/names.h"
#include "runtime/display.h"

enum {
    MOST_CANDIDATES = 750,
    LONGEST_NAME = 40,
    MOVE_COST = 2,
    CASE_COST = 1,
};

/* Cost of turning one character into another. */
static int substitution(char a, char b) {
    if ((a & 31) != (b & 31)) return MOVE_COST;
    if (a == b) return 0;
    if (a >= 'A' && a <= 'Z') a += 'a' - 'A';
    if (b >= 'A' && b <= 'Z') b += 'a' - 'A';
    return a == b ? CASE_COST : MOVE_COST;
}

/* Levenshtein distance with the costs above; more than `most` may be returned as most + 1. */
static Py_ssize_t distance(const char *a, size_t a_size, const char *b, size_t b_size, size_t most) {
    size_t row[LONGEST_NAME];
    if (a == b) return 0;
    while (a_size && b_size && a[0] == b[0]) {
        a++;
        a_size--;
        b++;
        b_size--;
    }
    while (a_size && b_size && a[a_size - 1] == b[b_size - 1]) {
        a_size--;
        b_size--;
    }
    if (a_size == 0 || b_size == 0) return (Py_ssize_t)((a_size + b_size) * MOVE_COST);
    if (a_size > LONGEST_NAME || b_size > LONGEST_NAME) return (Py_ssize_t)most + 1;
    if (b_size < a_size) {
        const char *text = a;
        a = b;
        b = text;
        size_t size = a_size;
        a_size = b_size;
        b_size = size;
    }
    if ((b_size - a_size) * MOVE_COST > most) return (Py_ssize_t)most + 1;
    for (size_t i = 0; i < a_size; i++) row[i] = (i + 1) * MOVE_COST;
    size_t result = 0;
    for (size_t j = 0; j < b_size; j++) {
        size_t diagonal = j * MOVE_COST, minimum = SIZE_MAX;
        result = j * MOVE_COST;
        for (size_t i = 0; i < a_size; i++) {
            size_t replaced = diagonal + (size_t)substitution(b[j], a[i]);
            diagonal = row[i];
            size_t moved = (result < diagonal ? result : diagonal) + MOVE_COST;
            result = replaced < moved ? replaced : moved;
            row[i] = result;
            if (result < minimum) minimum = result;
        }
        if (minimum > most) return (Py_ssize_t)most + 1;
    }
    return (Py_ssize_t)result;
}

Py_ssize_t _Py_UTF8_Edit_Cost(PyObject *a, PyObject *b, Py_ssize_t most);
__attribute__((visibility("default"))) Py_ssize_t _Py_UTF8_Edit_Cost(PyObject *a, PyObject *b, Py_ssize_t most) {
    Py_ssize_t a_size, b_size;
    const char *a_text = PyUnicode_AsUTF8AndSize(a, &a_size), *b_text = a_text ? PyUnicode_AsUTF8AndSize(b, &b_size) : NULL;
    if (b_text == NULL) return -1;
    if (most == -1) most = MOVE_COST * (a_size > b_size ? a_size : b_size);
    return distance(a_text, (size_t)a_size, b_text, (size_t)b_size, (size_t)most);
}

/* The closest of the names in a list; a new reference, or NULL. */
static PyObject *closest(PyObject *candidates, PyObject *name) {
    Py_ssize_t count = PyList_GET_SIZE(candidates), size, best_distance = PY_SSIZE_T_MAX;
    if (count >= MOST_CANDIDATES) return NULL;
    const char *text = PyUnicode_AsUTF8AndSize(name, &size);
    PyObject *best = NULL;
    if (text == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyList_GET_ITEM(candidates, i);
        Py_ssize_t item_size;
        if (!PyUnicode_Check(item)) continue;
        const char *item_text = PyUnicode_AsUTF8AndSize(item, &item_size);
        if (item_text == NULL) return NULL;
        if (PyUnicode_Compare(item, name) == 0) continue;
        /* not more than a third of the characters may differ */
        Py_ssize_t most = (size + item_size + 3) * MOVE_COST / 6;
        if (best != NULL && best_distance - 1 < most) most = best_distance - 1;
        Py_ssize_t cost = distance(text, (size_t)size, item_text, (size_t)item_size, (size_t)most);
        if (cost > most) continue;
        if (best == NULL || cost < best_distance) {
            best = item;
            best_distance = cost;
        }
    }
    return Py_XNewRef(best);
}

static PyObject *closest_in(PyObject *iterable, PyObject *name) {
    PyObject *list = iterable == NULL ? NULL : PySequence_List(iterable);
    if (list == NULL) return NULL;
    PyObject *result = closest(list, name);
    Py_DECREF(list);
    return result;
}

static PyObject *for_attribute(PyAttributeErrorObject *error) {
    if (error->name == NULL || error->obj == NULL || !PyUnicode_CheckExact(error->name)) return NULL;
    PyObject *names = PyObject_Dir(error->obj);
    if (names == NULL) return NULL;
    PyObject *result = closest(names, error->name);
    Py_DECREF(names);
    return result;
}

static PyObject *for_name(PyObject *exception) {
    PyNameErrorObject *error = (PyNameErrorObject *)exception;
    PyTracebackObject *traceback = (PyTracebackObject *)PyException_GetTraceback(exception);
    if (error->name == NULL || traceback == NULL || !PyUnicode_CheckExact(error->name)) {
        Py_XDECREF(traceback);
        return NULL;
    }
    PyTracebackObject *last = traceback;
    while (last->tb_next != NULL) last = last->tb_next;
    PyFrameObject *frame = last->tb_frame;
    PyCodeObject *code = PyFrame_GetCode(frame);
    PyObject *names = PyCode_GetVarnames(code), *globals = PyFrame_GetGlobals(frame), *builtins = PyFrame_GetBuiltins(frame);
    PyObject *result = NULL, *locals = PyFrame_GetLocals(frame);
    /* inside a method, self may have the attribute */
    PyObject *self = locals == NULL || !PyDict_Check(locals) ? NULL : PyDict_GetItemString(locals, "self");
    if (self != NULL) {
        PyObject *value = NULL;
        if (_PyObject_LookupAttr(self, error->name, &value) > 0) result = PyUnicode_FromFormat("self.%S", error->name);
        Py_XDECREF(value);
    }
    if (result == NULL) result = closest_in(names, error->name);
    if (result == NULL && !PyErr_Occurred()) result = closest_in(globals, error->name);
    if (result == NULL && !PyErr_Occurred() && PyDict_Check(builtins)) result = closest_in(builtins, error->name);
    Py_XDECREF(locals);
    Py_XDECREF(names);
    Py_XDECREF(globals);
    Py_XDECREF(builtins);
    Py_DECREF(code);
    Py_DECREF(traceback);
    return result;
}

PyObject *kr_suggestion(PyObject *exception) {
    PyObject *result = NULL;
    if (Py_IS_TYPE(exception, (PyTypeObject *)PyExc_AttributeError))
        result = for_attribute((PyAttributeErrorObject *)exception);
    else if (Py_IS_TYPE(exception, (PyTypeObject *)PyExc_NameError))
        result = for_name(exception);
    return result;
}
