/* marshal: values and code objects as bytes, in the format of .pyc files. */
#include <Python.h>
#include <marshal.h>

#include "compile/marshal.h"

static int version_argument(PyObject *const *arguments, Py_ssize_t count, Py_ssize_t i, int *version) {
    *version = Py_MARSHAL_VERSION;
    if (i >= count) return 0;
    *version = _PyLong_AsInt(arguments[i]);
    return *version == -1 && PyErr_Occurred() ? -1 : 0;
}

PyDoc_STRVAR(dump_doc,
             "dump($module, value, file, version=version, /)\n--\n\n"
             "Write a value to a binary file.\n\n"
             "The file needs a write method. Raises ValueError for a value that the format does not know.");

static PyObject *marshal_dump(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    int version;
    if (!_PyArg_CheckPositional("dump", count, 2, 3) || version_argument(arguments, count, 2, &version) < 0)
        return NULL;
    PyObject *data = PyMarshal_WriteObjectToString(arguments[0], version);
    if (data == NULL) return NULL;
    PyObject *result = PyObject_CallMethod(arguments[1], "write", "O", data);
    Py_DECREF(data);
    return result;
}

PyDoc_STRVAR(load_doc,
             "load($module, file, /)\n--\n\n"
             "Read one value from a binary file.\n\n"
             "Raises EOFError, ValueError or TypeError if the data is bad.");

static PyObject *marshal_load(PyObject *module, PyObject *file) {
    if (PySys_Audit("marshal.load", NULL) < 0) return NULL;
    return kr_marshal_read_file(file);
}

PyDoc_STRVAR(dumps_doc,
             "dumps($module, value, version=version, /)\n--\n\n"
             "Return the bytes that dump() would write.");

static PyObject *marshal_dumps(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    int version;
    if (!_PyArg_CheckPositional("dumps", count, 1, 2) || version_argument(arguments, count, 1, &version) < 0)
        return NULL;
    return PyMarshal_WriteObjectToString(arguments[0], version);
}

PyDoc_STRVAR(loads_doc,
             "loads($module, bytes, /)\n--\n\n"
             "Return the value in a bytes-like object; bytes after it are ignored.");

static PyObject *marshal_loads(PyObject *module, PyObject *data) {
    Py_buffer view;
    if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *result = NULL;
    if (!PyBuffer_IsContiguous(&view, 'C'))
        PyErr_SetString(PyExc_BufferError, "contiguous buffer expected");
    else
        result = PyMarshal_ReadObjectFromString(view.buf, view.len);
    PyBuffer_Release(&view);
    return result;
}

static PyMethodDef methods[] = {
    {"dump", (PyCFunction)(void (*)(void))marshal_dump, METH_FASTCALL, dump_doc},
    {"load", marshal_load, METH_O, load_doc},
    {"dumps", (PyCFunction)(void (*)(void))marshal_dumps, METH_FASTCALL, dumps_doc},
    {"loads", marshal_loads, METH_O, loads_doc},
    {NULL, NULL, 0, NULL},
};

static int marshal_exec(PyObject *module) { return PyModule_AddIntConstant(module, "version", Py_MARSHAL_VERSION); }

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, marshal_exec},
    {0, NULL},
};

PyDoc_STRVAR(module_doc,
             "Reads and writes values in the format of compiled modules.\n\n"
             "The format differs between versions of Python and is not safe against hostile data: use pickle or json for\n"
             "storage. None, numbers, strings, bytes, tuples, lists, dicts, sets, Ellipsis and code objects are supported.");

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "marshal",
    .m_doc = module_doc,
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_marshal(void) { return PyModuleDef_Init(&definition); }
