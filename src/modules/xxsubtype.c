/* xxsubtype: an example of types in C that derive from list and dict. */
#include <Python.h>

#include <structmember.h>
#include <time.h>

/* ---- spamlist: a list with a number ---- */

typedef struct {
    PyListObject list;
    int state;
} SpamList;

static PyObject *spamlist_getstate(SpamList *self, PyObject *args) {
    if (!PyArg_ParseTuple(args, ":getstate")) return NULL;
    return PyLong_FromLong(self->state);
}

static PyObject *spamlist_setstate(SpamList *self, PyObject *args) {
    int state;
    if (!PyArg_ParseTuple(args, "i:setstate", &state)) return NULL;
    self->state = state;
    Py_RETURN_NONE;
}

/* What a class method and a static method are called with: (first argument, args, kwargs). */
static PyObject *spamlist_special_method(PyObject *self, PyObject *args, PyObject *kwargs) {
    return PyTuple_Pack(3, self != NULL ? self : Py_None, args, kwargs != NULL ? kwargs : Py_None);
}

static PyObject *spamlist_state_get(SpamList *self, void *closure) { return PyLong_FromLong(self->state); }

#define WITH_KEYWORDS(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef spamlist_methods[] = {
    {"getstate", (PyCFunction)spamlist_getstate, METH_VARARGS, "getstate() -> state"},
    {"setstate", (PyCFunction)spamlist_setstate, METH_VARARGS, "setstate(state)"},
    {"classmeth", WITH_KEYWORDS(spamlist_special_method), METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     "classmeth(*args, **kw)"},
    {"staticmeth", WITH_KEYWORDS(spamlist_special_method), METH_VARARGS | METH_KEYWORDS | METH_STATIC,
     "staticmeth(*args, **kw)"},
    {NULL},
};

static PyGetSetDef spamlist_getset[] = {
    {"state", (getter)spamlist_state_get, NULL, "a number that the list carries"},
    {NULL},
};

static int spamlist_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (PyList_Type.tp_init(self, args, kwargs) < 0) return -1;
    ((SpamList *)self)->state = 0;
    return 0;
}

static PyTypeObject spamlist_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "xxsubtype.spamlist",
    .tp_basicsize = sizeof(SpamList),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_methods = spamlist_methods,
    .tp_getset = spamlist_getset,
    .tp_init = spamlist_init,
};

/* ---- spamdict: a dict with a number ---- */

typedef struct {
    PyDictObject dict;
    int state;
} SpamDict;

static PyObject *spamdict_getstate(SpamDict *self, PyObject *args) {
    if (!PyArg_ParseTuple(args, ":getstate")) return NULL;
    return PyLong_FromLong(self->state);
}

static PyObject *spamdict_setstate(SpamDict *self, PyObject *args) {
    int state;
    if (!PyArg_ParseTuple(args, "i:setstate", &state)) return NULL;
    self->state = state;
    Py_RETURN_NONE;
}

static PyMethodDef spamdict_methods[] = {
    {"getstate", (PyCFunction)spamdict_getstate, METH_VARARGS, "getstate() -> state"},
    {"setstate", (PyCFunction)spamdict_setstate, METH_VARARGS, "setstate(state)"},
    {NULL},
};

static PyMemberDef spamdict_members[] = {
    {"state", T_INT, offsetof(SpamDict, state), READONLY, "a number that the dict carries"},
    {NULL},
};

static int spamdict_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (PyDict_Type.tp_init(self, args, kwargs) < 0) return -1;
    ((SpamDict *)self)->state = 0;
    return 0;
}

static PyTypeObject spamdict_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "xxsubtype.spamdict",
    .tp_basicsize = sizeof(SpamDict),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_methods = spamdict_methods,
    .tp_members = spamdict_members,
    .tp_init = spamdict_init,
};

/* ---- The module ---- */

/* Processor seconds that so many lookups of an attribute take. */
static PyObject *bench(PyObject *self, PyObject *args) {
    PyObject *object, *name;
    int count = 1000;
    if (!PyArg_ParseTuple(args, "OU|i", &object, &name, &count)) return NULL;
    clock_t start = clock();
    while (--count >= 0) {
        PyObject *value = PyObject_GetAttr(object, name);
        if (value == NULL) return NULL;
        Py_DECREF(value);
    }
    return PyFloat_FromDouble((double)(clock() - start) / CLOCKS_PER_SEC);
}

static PyMethodDef methods[] = {{"bench", bench, METH_VARARGS, NULL}, {NULL}};

static int execute(PyObject *module) {
    spamlist_type.tp_base = &PyList_Type;
    spamdict_type.tp_base = &PyDict_Type;
    if (PyModule_AddType(module, &spamlist_type) < 0) return -1;
    return PyModule_AddType(module, &spamdict_type);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "xxsubtype",
    .m_doc = "An example of types in C that derive from built-in ones.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_xxsubtype(void) { return PyModuleDef_Init(&definition); }
