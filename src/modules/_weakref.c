/* _weakref: what the weakref module is built on. */
#include <Python.h>

#include "collector/weakref.h"

static PyObject *getweakrefcount(PyObject *module, PyObject *object) {
    if (!PyType_SUPPORTS_WEAKREFS(Py_TYPE(object))) return PyLong_FromLong(0);
    return PyLong_FromSsize_t(_PyWeakref_GetWeakrefCount(*kr_weakref_list(object)));
}

static PyObject *getweakrefs(PyObject *module, PyObject *object) {
    PyObject *result = PyList_New(0);
    if (result == NULL || !PyType_SUPPORTS_WEAKREFS(Py_TYPE(object))) return result;
    for (PyWeakReference *reference = *kr_weakref_list(object); reference != NULL; reference = reference->wr_next)
        if (PyList_Append(result, (PyObject *)reference) < 0) {
            Py_DECREF(result);
            return NULL;
        }
    return result;
}

static PyObject *proxy(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("proxy", count, 1, 2)) return NULL;
    return PyWeakref_NewProxy(args[0], count > 1 ? args[1] : NULL);
}

static int is_dead(PyObject *value) {
    if (!PyWeakref_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "not a weakref");
        return -1;
    }
    return PyWeakref_GET_OBJECT(value) == Py_None;
}

static PyObject *remove_dead_weakref(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("_remove_dead_weakref", count, 2, 2)) return NULL;
    if (!PyDict_Check(args[0])) {
        _PyArg_BadArgument("_remove_dead_weakref", "argument 1", "dict", args[0]);
        return NULL;
    }
    if (_PyDict_DelItemIf(args[0], args[1], is_dead) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError)) return NULL;
        PyErr_Clear(); /* the key is not there: nothing to do */
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"getweakrefcount", getweakrefcount, METH_O,
     "getweakrefcount($module, object, /)\n--\n\nNumber of weak references and proxies to an object."},
    {"getweakrefs", getweakrefs, METH_O,
     "getweakrefs($module, object, /)\n--\n\nList of the weak references and proxies to an object."},
    {"proxy", (PyCFunction)(void (*)(void))proxy, METH_FASTCALL,
     "proxy($module, object, callback=None, /)\n--\n\n"
     "Object that stands for another one without keeping it alive.\n\n"
     "The callback is called with the proxy when the object dies."},
    {"_remove_dead_weakref", (PyCFunction)(void (*)(void))remove_dead_weakref, METH_FASTCALL,
     "_remove_dead_weakref($module, dct, key, /)\n--\n\nRemove a key if its value is a dead weak reference."},
    {NULL},
};

static int execute(PyObject *module) {
    if (PyModule_AddObjectRef(module, "ref", (PyObject *)&_PyWeakref_RefType) < 0) return -1;
    if (PyModule_AddObjectRef(module, "ReferenceType", (PyObject *)&_PyWeakref_RefType) < 0) return -1;
    if (PyModule_AddObjectRef(module, "ProxyType", (PyObject *)&_PyWeakref_ProxyType) < 0) return -1;
    return PyModule_AddObjectRef(module, "CallableProxyType", (PyObject *)&_PyWeakref_CallableProxyType);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_weakref",
    .m_doc = "Weak references.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__weakref(void) { return PyModuleDef_Init(&definition); }
