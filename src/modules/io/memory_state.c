/* Pickling of the files in memory, BytesIO and StringIO. */
#include <Python.h>

#include "modules/io/io.h"

PyObject *kr_io_state_attributes(PyObject *dict) { return dict == NULL ? Py_NewRef(Py_None) : PyDict_Copy(dict); }

int kr_io_state_check(PyObject *self, PyObject *state, Py_ssize_t size) {
    if (PyTuple_Check(state) && PyTuple_GET_SIZE(state) >= size) return 0;
    PyErr_Format(PyExc_TypeError, "%.200s.__setstate__ argument should be %zd-tuple, got %.200s", Py_TYPE(self)->tp_name, size,
                 Py_TYPE(state)->tp_name);
    return -1;
}

/* Sets the attributes, which are None or a dict. */
static int restore_attributes(PyObject *attributes, const char *ordinal, PyObject **dict) {
    if (attributes == Py_None) return 0;
    if (!PyDict_Check(attributes)) {
        PyErr_Format(PyExc_TypeError, "%s item of state should be a dict, got a %.200s", ordinal, Py_TYPE(attributes)->tp_name);
        return -1;
    }
    if (*dict != NULL) return PyDict_Update(*dict, attributes);
    *dict = Py_NewRef(attributes);
    return 0;
}

int kr_io_state_restore(PyObject *state, Py_ssize_t size, const char *but, Py_ssize_t *position, PyObject **dict) {
    static const char *const ordinals[] = {"first", "second", "third", "fourth"};
    PyObject *place = PyTuple_GET_ITEM(state, size - 2);
    if (!PyLong_Check(place)) {
        PyErr_Format(PyExc_TypeError, "%s item of state must be an integer, %s %.200s", ordinals[size - 2], but,
                     Py_TYPE(place)->tp_name);
        return -1;
    }
    Py_ssize_t value = PyLong_AsSsize_t(place);
    if (value == -1 && PyErr_Occurred()) return -1;
    if (value < 0) {
        PyErr_SetString(PyExc_ValueError, "position value cannot be negative");
        return -1;
    }
    *position = value;
    return restore_attributes(PyTuple_GET_ITEM(state, size - 1), ordinals[size - 1], dict);
}
