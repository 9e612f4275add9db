/* The module _csv: readers and writers of comma-separated values, and the registry of dialects. */
#include <Python.h>

#include "modules/_csv/csv.h"
#include "modules/constants.h"

enum { DEFAULT_FIELD_LIMIT = 128 * 1024 }; /* characters */

PyObject *kr_csv_find_dialect(CsvState *state, PyObject *name) {
    PyObject *dialect = PyDict_GetItemWithError(state->dialects, name);
    if (dialect == NULL && !PyErr_Occurred()) PyErr_SetString(state->error, "unknown dialect");
    return Py_XNewRef(dialect);
}

PyDoc_STRVAR(reader_doc, "csv_reader = reader(iterable [, dialect='excel'] [optional keyword args])\n\n"
                         "Return an iterator over the records in the iterable's lines.");
PyDoc_STRVAR(writer_doc, "csv_writer = writer(fileobj [, dialect='excel'] [optional keyword args])\n\n"
                         "Return an object that writes records with the file's method write().");

PyDoc_STRVAR(list_dialects_doc, "list_dialects($module, /)\n--\n\nReturn the names of all registered dialects.");

static PyObject *csv_list_dialects(PyObject *module, PyObject *unused) { return PyDict_Keys(csv_state(module)->dialects); }

PyDoc_STRVAR(register_dialect_doc, "register_dialect(name, [dialect, **fmtparams])\n\nGive a dialect a name.");

static PyObject *csv_register_dialect(PyObject *module, PyObject *args, PyObject *kwargs) {
    CsvState *state = csv_state(module);
    PyObject *name, *base = NULL;
    if (!PyArg_UnpackTuple(args, "", 1, 2, &name, &base)) return NULL;
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "dialect name must be a string");
        return NULL;
    }
    PyObject *dialect = kr_csv_make_dialect(state, base, kwargs);
    if (dialect == NULL) return NULL;
    int failed = PyDict_SetItem(state->dialects, name, dialect);
    Py_DECREF(dialect);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* Parses one argument with a name. Returns it, borrowed, or NULL. */
static PyObject *only_argument(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, _PyArg_Parser *parser) {
    PyObject *slots[1];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 1, 1, 0, slots);
    return args != NULL ? args[0] : NULL;
}

static const char *const name_keyword[] = {"name", NULL};

PyDoc_STRVAR(unregister_dialect_doc, "unregister_dialect($module, /, name)\n--\n\nForget the dialect of that name.");

static PyObject *csv_unregister_dialect(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = name_keyword, .fname = "unregister_dialect"};
    CsvState *state = csv_state(module);
    PyObject *name = only_argument(args, nargs, kwnames, &parser);
    if (name == NULL) return NULL;
    if (PyDict_DelItem(state->dialects, name) < 0) {
        if (PyErr_ExceptionMatches(PyExc_KeyError)) PyErr_SetString(state->error, "unknown dialect");
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(get_dialect_doc, "get_dialect($module, /, name)\n--\n\nReturn the dialect of that name.");

static PyObject *csv_get_dialect(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = name_keyword, .fname = "get_dialect"};
    PyObject *name = only_argument(args, nargs, kwnames, &parser);
    return name != NULL ? kr_csv_find_dialect(csv_state(module), name) : NULL;
}

PyDoc_STRVAR(field_size_limit_doc, "field_size_limit($module, /, new_limit=<unrepresentable>)\n--\n\n"
                                   "Return the greatest length of a field that readers accept, and set it if one is given.");

static PyObject *csv_field_size_limit(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"new_limit", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "field_size_limit"};
    CsvState *state = csv_state(module);
    long old_limit = state->field_limit;
    if (nargs > 0 || kwnames != NULL) {
        PyObject *slots[1] = {NULL};
        args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 1, 0, slots);
        if (args == NULL) return NULL;
        if (!PyLong_CheckExact(args[0])) {
            PyErr_SetString(PyExc_TypeError, "limit must be an integer");
            return NULL;
        }
        long limit = PyLong_AsLong(args[0]);
        if (limit == -1 && PyErr_Occurred()) return NULL;
        state->field_limit = limit;
    }
    return PyLong_FromLong(old_limit);
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec, const char *name) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (type != NULL && PyModule_AddObjectRef(module, name, type) < 0) Py_CLEAR(type);
    return (PyTypeObject *)type;
}

static int csv_exec(PyObject *module) {
    static const KrConstant styles[] = {
        {"QUOTE_MINIMAL", QUOTE_MINIMAL},
        {"QUOTE_ALL", QUOTE_ALL},
        {"QUOTE_NONNUMERIC", QUOTE_NONNUMERIC},
        {"QUOTE_NONE", QUOTE_NONE},
    };
    CsvState *state = csv_state(module);
    state->field_limit = DEFAULT_FIELD_LIMIT;
    if ((state->dialect_type = add_type(module, &kr_csv_dialect_spec, "Dialect")) == NULL ||
        (state->reader_type = add_type(module, &kr_csv_reader_spec, "Reader")) == NULL ||
        (state->writer_type = add_type(module, &kr_csv_writer_spec, "Writer")) == NULL ||
        PyModule_AddStringConstant(module, "__version__", "1.0") < 0)
        return -1;
    state->dialects = PyDict_New();
    if (state->dialects == NULL || PyModule_AddObjectRef(module, "_dialects", state->dialects) < 0) return -1;
    if (KR_ADD_CONSTANTS(module, styles) < 0) return -1;
    state->error = PyErr_NewException("_csv.Error", NULL, NULL);
    return state->error == NULL ? -1 : PyModule_AddObjectRef(module, "Error", state->error);
}

static int csv_traverse(PyObject *module, visitproc visit, void *arg) {
    CsvState *state = csv_state(module);
    Py_VISIT(state->error);
    Py_VISIT(state->dialects);
    Py_VISIT(state->dialect_type);
    Py_VISIT(state->reader_type);
    Py_VISIT(state->writer_type);
    return 0;
}

static int csv_clear(PyObject *module) {
    CsvState *state = csv_state(module);
    Py_CLEAR(state->error);
    Py_CLEAR(state->dialects);
    Py_CLEAR(state->dialect_type);
    Py_CLEAR(state->reader_type);
    Py_CLEAR(state->writer_type);
    return 0;
}

static void csv_free(void *module) { csv_clear(module); }

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef csv_functions[] = {
    {"reader", FASTCALL(kr_csv_reader), METH_VARARGS | METH_KEYWORDS, reader_doc},
    {"writer", FASTCALL(kr_csv_writer), METH_VARARGS | METH_KEYWORDS, writer_doc},
    {"register_dialect", FASTCALL(csv_register_dialect), METH_VARARGS | METH_KEYWORDS, register_dialect_doc},
    {"list_dialects", csv_list_dialects, METH_NOARGS, list_dialects_doc},
    {"unregister_dialect", FASTCALL(csv_unregister_dialect), METH_FASTCALL | METH_KEYWORDS, unregister_dialect_doc},
    {"get_dialect", FASTCALL(csv_get_dialect), METH_FASTCALL | METH_KEYWORDS, get_dialect_doc},
    {"field_size_limit", FASTCALL(csv_field_size_limit), METH_FASTCALL | METH_KEYWORDS, field_size_limit_doc},
    {NULL},
};

static PyModuleDef_Slot csv_slots[] = {{Py_mod_exec, csv_exec}, {0, NULL}};

PyDoc_STRVAR(csv_doc, "Reading and writing comma-separated values; the part of the module csv in C.");

struct PyModuleDef kr_csv_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_csv",
    .m_doc = csv_doc,
    .m_size = sizeof(CsvState),
    .m_methods = csv_functions,
    .m_slots = csv_slots,
    .m_traverse = csv_traverse,
    .m_clear = csv_clear,
    .m_free = csv_free,
};

PyMODINIT_FUNC PyInit__csv(void) { return PyModuleDef_Init(&kr_csv_module); }
