/* The module _pickle: the part of the module pickle in C. */
#include <Python.h>

#include "modules/_pickle/pickle.h"

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

static PickleState *module_state(PyObject *module) { return PyModule_GetState(module); }

/* What follows the object and the file in the arguments of dump() and dumps(). */
typedef struct {
    PyObject *protocol;
    int fix_imports;
    PyObject *buffer_callback;
} DumpOptions;

/* Reads three optional arguments, of which any may be NULL. */
static bool read_dump_options(PyObject *const *value, DumpOptions *options) {
    *options = (DumpOptions){value[0], 1, value[2]};
    if (value[1] != NULL) options->fix_imports = PyObject_IsTrue(value[1]);
    return options->fix_imports >= 0;
}

/* Pickles to a file, or if that is NULL to bytes, which are returned. */
static PyObject *pickle_object(PickleState *state, PyObject *object, PyObject *file, const DumpOptions *options) {
    PyObject *result = NULL;
    Pickler *pickler = kr_pickle_pickler_new(state);
    if (pickler == NULL) return NULL;
    PyObject_GC_UnTrack(pickler); /* nobody else can refer to it, so it is in no cycle */
    if ((pickler->memo = kr_pickle_memo_new()) == NULL || kr_pickle_output_clear(pickler) < 0 ||
        kr_pickle_pickler_setup(pickler, file, options->protocol, options->fix_imports, options->buffer_callback) < 0 ||
        kr_pickle_dump(pickler, object) < 0)
        goto done;
    if (file != NULL) {
        if (kr_pickle_flush(pickler) >= 0) result = Py_NewRef(Py_None);
    } else {
        result = kr_pickle_take_output(pickler);
    }
done:
    Py_DECREF(pickler);
    return result;
}

PyDoc_STRVAR(dump_doc, "dump($module, /, obj, file, protocol=None, *, fix_imports=True,\n     buffer_callback=None)\n--\n\n"
                       "Write the pickle of an object to a binary file. See Pickler for the arguments.");

static PyObject *pickle_dump(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"obj", "file", "protocol", "fix_imports", "buffer_callback", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "dump"};
    PyObject *slots[5] = {NULL}, *rest[3] = {NULL};
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 2, 3, 0, slots);
    DumpOptions options;
    if (value == NULL) return NULL;
    for (Py_ssize_t i = 2; i < (value == args ? nargs : 5); i++) rest[i - 2] = value[i];
    if (!read_dump_options(rest, &options)) return NULL;
    return pickle_object(module_state(module), value[0], value[1], &options);
}

PyDoc_STRVAR(dumps_doc, "dumps($module, /, obj, protocol=None, *, fix_imports=True,\n      buffer_callback=None)\n--\n\n"
                        "Return the pickle of an object as bytes. See Pickler for the arguments.");

static PyObject *pickle_dumps(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"obj", "protocol", "fix_imports", "buffer_callback", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "dumps"};
    PyObject *slots[4] = {NULL}, *rest[3] = {NULL};
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, slots);
    DumpOptions options;
    if (value == NULL) return NULL;
    for (Py_ssize_t i = 1; i < (value == args ? nargs : 4); i++) rest[i - 1] = value[i];
    if (!read_dump_options(rest, &options)) return NULL;
    return pickle_object(module_state(module), value[0], NULL, &options);
}

/* Reads a pickle from a file or from bytes. */
static PyObject *unpickle(PyObject *module, const char *function, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *kwnames, _PyArg_Parser *parser, bool from_file) {
    PickleState *state = module_state(module);
    PyObject *slots[5] = {NULL}, *result = NULL;
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 1, 1, 0, slots);
    LoadOptions options = {.fix_imports = 1};
    if (value == NULL || (value != args && !kr_pickle_read_load_options(function, value + 1, &options))) return NULL;
    Unpickler *unpickler = kr_pickle_unpickler_new(state);
    if (unpickler == NULL) return NULL;
    PyObject_GC_UnTrack(unpickler); /* nobody else can refer to it, so it is in no cycle */
    if ((from_file ? kr_pickle_input_file(unpickler, state, value[0]) : kr_pickle_input_bytes(unpickler, value[0])) >= 0 &&
        kr_pickle_unpickler_setup(unpickler, &options) >= 0)
        result = kr_pickle_load(unpickler);
    Py_DECREF(unpickler);
    return result;
}

PyDoc_STRVAR(load_doc, "load($module, /, file, *, fix_imports=True, encoding='ASCII',\n     errors='strict', buffers=())\n--\n\n"
                       "Read a pickle from a binary file and return the object. See Unpickler for the arguments.");

static PyObject *pickle_load(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"file", "fix_imports", "encoding", "errors", "buffers", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "load"};
    return unpickle(module, "load", args, nargs, kwnames, &parser, true);
}

PyDoc_STRVAR(loads_doc, "loads($module, data, /, *, fix_imports=True, encoding='ASCII',\n      errors='strict', buffers=())\n--\n\n"
                        "Return the object whose pickle is in a bytes-like object. See Unpickler for the arguments.");

static PyObject *pickle_loads(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"", "fix_imports", "encoding", "errors", "buffers", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "loads"};
    return unpickle(module, "loads", args, nargs, kwnames, &parser, false);
}

static PyMethodDef pickle_functions[] = {
    {"dump", FASTCALL(pickle_dump), METH_FASTCALL | METH_KEYWORDS, dump_doc},
    {"dumps", FASTCALL(pickle_dumps), METH_FASTCALL | METH_KEYWORDS, dumps_doc},
    {"load", FASTCALL(pickle_load), METH_FASTCALL | METH_KEYWORDS, load_doc},
    {"loads", FASTCALL(pickle_loads), METH_FASTCALL | METH_KEYWORDS, loads_doc},
    {NULL},
};

/* Gets an attribute of a module in the library, which must be a dict unless its kind is callable. */
static int get_from_library(const char *module_name, const char *name, bool callable, PyObject **result) {
    PyObject *module = PyImport_ImportModule(module_name);
    if (module == NULL) return -1;
    *result = PyObject_GetAttrString(module, name);
    Py_DECREF(module);
    if (*result == NULL) return -1;
    if (callable ? PyCallable_Check(*result) : PyDict_CheckExact(*result)) return 0;
    PyErr_Format(PyExc_RuntimeError, "%s.%s should be a %s, not %.200s", module_name, name,
                 callable ? "callable" : "dict", Py_TYPE(*result)->tp_name);
    return -1;
}

static int add_exception(PyObject *module, const char *name, PyObject *base, PyObject **result) {
    char qualified[40];
    PyOS_snprintf(qualified, sizeof(qualified), "_pickle.%s", name);
    *result = PyErr_NewException(qualified, base, NULL);
    return *result == NULL ? -1 : PyModule_AddObjectRef(module, name, *result);
}

static PyTypeObject *make_type(PyObject *module, PyType_Spec *spec) {
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
}

static int pickle_exec(PyObject *module) {
    PickleState *state = module_state(module);
#define X(name)                                                                                  \
    if ((state->names.s_##name = PyUnicode_InternFromString(#name)) == NULL) return -1;
    PICKLE_NAMES(X)
#undef X
    if (get_from_library("copyreg", "dispatch_table", false, &state->dispatch_table) < 0 ||
        get_from_library("copyreg", "_extension_registry", false, &state->extension_registry) < 0 ||
        get_from_library("copyreg", "_inverted_registry", false, &state->inverted_registry) < 0 ||
        get_from_library("copyreg", "_extension_cache", false, &state->extension_cache) < 0 ||
        get_from_library("_compat_pickle", "NAME_MAPPING", false, &state->name_mapping) < 0 ||
        get_from_library("_compat_pickle", "IMPORT_MAPPING", false, &state->import_mapping) < 0 ||
        get_from_library("_compat_pickle", "REVERSE_NAME_MAPPING", false, &state->reverse_name_mapping) < 0 ||
        get_from_library("_compat_pickle", "REVERSE_IMPORT_MAPPING", false, &state->reverse_import_mapping) < 0 ||
        get_from_library("codecs", "encode", true, &state->codecs_encode) < 0 ||
        get_from_library("builtins", "getattr", true, &state->getattr) < 0 ||
        get_from_library("functools", "partial", true, &state->partial) < 0)
        return -1;
    if ((state->pickler_type = make_type(module, &kr_pickle_pickler_spec)) == NULL ||
        (state->unpickler_type = make_type(module, &kr_pickle_unpickler_spec)) == NULL ||
        (state->pickler_memo_type = make_type(module, &kr_pickle_pickler_memo_spec)) == NULL ||
        (state->unpickler_memo_type = make_type(module, &kr_pickle_unpickler_memo_spec)) == NULL)
        return -1;
    if (PyModule_AddObjectRef(module, "Pickler", (PyObject *)state->pickler_type) < 0 ||
        PyModule_AddObjectRef(module, "Unpickler", (PyObject *)state->unpickler_type) < 0 ||
        PyModule_AddObjectRef(module, "PickleBuffer", (PyObject *)&PyPickleBuffer_Type) < 0)
        return -1;
    if (add_exception(module, "PickleError", NULL, &state->pickle_error) < 0 ||
        add_exception(module, "PicklingError", state->pickle_error, &state->pickling_error) < 0 ||
        add_exception(module, "UnpicklingError", state->pickle_error, &state->unpickling_error) < 0)
        return -1;
    return 0;
}

/* All references of the state, which consists of nothing else. */
static PyObject **state_references(PyObject *module, size_t *count) {
    *count = sizeof(PickleState) / sizeof(PyObject *);
    return (PyObject **)module_state(module);
}

static int pickle_traverse(PyObject *module, visitproc visit, void *arg) {
    size_t count;
    PyObject **references = state_references(module, &count);
    for (size_t i = 0; i < count; i++) Py_VISIT(references[i]);
    return 0;
}

static int pickle_clear(PyObject *module) {
    size_t count;
    PyObject **references = state_references(module, &count);
    for (size_t i = 0; i < count; i++) Py_CLEAR(references[i]);
    return 0;
}

static void pickle_free(void *module) { pickle_clear(module); }

static PyModuleDef_Slot pickle_slots[] = {{Py_mod_exec, pickle_exec}, {0, NULL}};

PyDoc_STRVAR(pickle_doc, "Pickling and unpickling; the part of the module pickle in C.");

struct PyModuleDef kr_pickle_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_pickle",
    .m_doc = pickle_doc,
    .m_size = sizeof(PickleState),
    .m_methods = pickle_functions,
    .m_slots = pickle_slots,
    .m_traverse = pickle_traverse,
    .m_clear = pickle_clear,
    .m_free = pickle_free,
};

PyMODINIT_FUNC PyInit__pickle(void) { return PyModuleDef_Init(&kr_pickle_module); }
