/* _imp: what importlib needs from the interpreter. */
#include <Python.h>
#include <marshal.h>

#include "base/siphash.h"
#include "compile/marshal.h"
#include "import/import.h"
#include "object/interpreter.h"
#include "object/runtime.h"

static PyObject *lock_held(PyObject *module, PyObject *unused) { return PyBool_FromLong(kr_import_lock_held()); }

static PyObject *acquire_lock(PyObject *module, PyObject *unused) {
    _PyImport_AcquireLock();
    Py_RETURN_NONE;
}

static PyObject *release_lock(PyObject *module, PyObject *unused) {
    if (_PyImport_ReleaseLock() < 0) {
        PyErr_SetString(PyExc_RuntimeError, "not holding the import lock");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *extension_suffixes(PyObject *module, PyObject *unused) {
    return Py_BuildValue("[sss]", ".cpython-311-" KRAIT_MULTIARCH ".so", ".abi3.so", ".so");
}

static PyObject *create_builtin(PyObject *module, PyObject *spec) {
    PyObject *name = PyObject_GetAttrString(spec, "name");
    if (name == NULL) return NULL;
    PyObject *result = kr_import_create_builtin(name, spec);
    Py_DECREF(name);
    if (result == NULL && !PyErr_Occurred()) Py_RETURN_NONE;
    return result;
}

/* Runs the execution slots of a multi-phase module, once. */
static PyObject *exec_module(PyObject *module, PyObject *target) {
    if (!PyModule_Check(target)) return PyLong_FromLong(0);
    PyModuleDef *definition = PyModule_GetDef(target);
    if (definition == NULL) return PyErr_Occurred() ? NULL : PyLong_FromLong(0);
    if (PyModule_GetState(target) != NULL) return PyLong_FromLong(0); /* has been executed already */
    if (PyModule_ExecDef(target, definition) < 0) return NULL;
    return PyLong_FromLong(0);
}

static PyObject *create_dynamic(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("create_dynamic", count, 1, 2)) return NULL;
    return kr_import_load_dynamic(args[0]);
}

static PyObject *is_builtin(PyObject *module, PyObject *name) {
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "is_builtin() argument must be str, not %.50s", Py_TYPE(name)->tp_name);
        return NULL;
    }
    for (struct _inittab *entry = PyImport_Inittab; entry->name != NULL; entry++)
        if (_PyUnicode_EqualToASCIIString(name, entry->name)) return PyLong_FromLong(entry->initfunc == NULL ? -1 : 1);
    return PyLong_FromLong(0);
}

/* ---- Frozen modules ---- */

static struct {
    int override; /* tests: > 0 forces frozen modules on, < 0 off */
} state;

/* The bootstrap modules are always used frozen; others as -X frozen_modules says. */
static int use_frozen(const char *name) {
    if (strcmp(name, "_frozen_importlib") == 0 || strcmp(name, "_frozen_importlib_external") == 0 ||
        strcmp(name, "zipimport") == 0)
        return 1;
    if (state.override != 0) return state.override > 0;
    return kr_tstate()->interp->config.use_frozen_modules != 0;
}

static const struct _frozen *usable_frozen(PyObject *name) {
    const struct _frozen *entry = kr_import_find_frozen(name);
    return entry == NULL || entry->code == NULL || !use_frozen(entry->name) ? NULL : entry;
}

static PyObject *raise_no_frozen(PyObject *name) {
    PyObject *message = PyUnicode_FromFormat("No such frozen object named %R", name);
    if (message != NULL) PyErr_SetImportError(message, name, NULL);
    Py_XDECREF(message);
    return NULL;
}

static PyObject *is_frozen(PyObject *module, PyObject *name) { return PyBool_FromLong(usable_frozen(name) != NULL); }

static PyObject *is_frozen_package(PyObject *module, PyObject *name) {
    const struct _frozen *entry = usable_frozen(name);
    if (entry == NULL) return raise_no_frozen(name);
    return PyBool_FromLong(entry->is_package);
}

static PyObject *get_frozen_object(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("get_frozen_object", count, 1, 2)) return NULL;
    PyObject *code;
    if (count == 2 && args[1] != Py_None) {
        Py_buffer data;
        if (PyObject_GetBuffer(args[1], &data, PyBUF_SIMPLE) < 0) return NULL;
        if (data.len == 0) {
            PyBuffer_Release(&data);
            return raise_no_frozen(args[0]);
        }
        code = PyMarshal_ReadObjectFromString(data.buf, data.len);
        PyBuffer_Release(&data);
    } else {
        const struct _frozen *entry = usable_frozen(args[0]);
        if (entry == NULL) return raise_no_frozen(args[0]);
        code = kr_marshal_read_frozen((const char *)entry->code, entry->size);
    }
    if (code != NULL && !PyCode_Check(code)) {
        PyErr_Format(PyExc_TypeError, "frozen object %R is not a code object", args[0]);
        Py_CLEAR(code);
    }
    return code;
}

/* The bytes of a frozen module as everybody can read them: without deferred code. */
static PyObject *frozen_data(const struct _frozen *entry) {
    PyObject *code = kr_marshal_read_frozen((const char *)entry->code, entry->size);
    PyObject *bytes = code == NULL ? NULL : PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION);
    PyObject *view = bytes == NULL ? NULL : PyMemoryView_FromObject(bytes);
    Py_XDECREF(code);
    Py_XDECREF(bytes);
    return view;
}

static PyObject *find_frozen(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"", "withdata", NULL};
    static _PyArg_Parser parser = {.format = "U|$p:find_frozen", .keywords = keywords};
    PyObject *name;
    int with_data = 0;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &name, &with_data)) return NULL;
    const struct _frozen *entry = usable_frozen(name);
    if (entry == NULL) Py_RETURN_NONE;
    PyObject *data = with_data ? frozen_data(entry) : Py_NewRef(Py_None);
    const char *original_name = kr_import_original_name(entry);
    PyObject *original = original_name == NULL ? Py_NewRef(Py_None) : PyUnicode_FromString(original_name);
    if (data == NULL || original == NULL) {
        Py_XDECREF(data);
        Py_XDECREF(original);
        return NULL;
    }
    return Py_BuildValue("NNN", data, PyBool_FromLong(entry->is_package), original);
}

static PyObject *init_frozen(PyObject *module, PyObject *name) {
    int result = PyImport_ImportFrozenModuleObject(name);
    if (result < 0) return NULL;
    if (result == 0) Py_RETURN_NONE;
    return PyImport_GetModule(name);
}

static PyObject *frozen_module_names(PyObject *module, PyObject *unused) {
    PyObject *list = PyList_New(0);
    for (const struct _frozen *entry = kr_frozen_modules; list != NULL && entry->name != NULL; entry++) {
        PyObject *name = PyUnicode_FromString(entry->name);
        if (name == NULL || PyList_Append(list, name) < 0) Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

static PyObject *override_frozen(PyObject *module, PyObject *argument) {
    long value = PyLong_AsLong(argument);
    if (value == -1 && PyErr_Occurred()) return NULL;
    state.override = (int)value;
    Py_RETURN_NONE;
}


/* ---- Sources ---- */

static PyObject *source_hash(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"key", "source", NULL};
    static _PyArg_Parser parser = {.format = "Ly*:source_hash", .keywords = keywords};
    long long key;
    Py_buffer source;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &key, &source)) return NULL;
    uint64_t hash = kr_siphash13((uint64_t)key, 0, source.buf, (size_t)source.len);
    PyBuffer_Release(&source);
    char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (char)(hash >> 8 * i);
    return PyBytes_FromStringAndSize(bytes, 8);
}

static void fix_filename(PyCodeObject *code, PyObject *old, PyObject *path) {
    if (PyUnicode_Compare(code->co_filename, old) != 0) return;
    Py_SETREF(code->co_filename, Py_NewRef(path));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(constant)) fix_filename((PyCodeObject *)constant, old, path);
    }
}

static PyObject *fix_co_filename(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("_fix_co_filename", count, 2, 2)) return NULL;
    if (!PyCode_Check(args[0])) {
        _PyArg_BadArgument("_fix_co_filename", "argument 1", "code", args[0]);
        return NULL;
    }
    if (!PyUnicode_Check(args[1])) {
        _PyArg_BadArgument("_fix_co_filename", "argument 2", "str", args[1]);
        return NULL;
    }
    PyCodeObject *code = (PyCodeObject *)args[0];
    if (PyUnicode_Compare(code->co_filename, args[1]) != 0) {
        PyObject *old = Py_NewRef(code->co_filename);
        fix_filename(code, old, args[1]);
        Py_DECREF(old);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"extension_suffixes", extension_suffixes, METH_NOARGS,
     "extension_suffixes($module, /)\n--\n\nFile suffixes of extension modules."},
    {"lock_held", lock_held, METH_NOARGS, "lock_held($module, /)\n--\n\nTrue while a thread holds the import lock."},
    {"acquire_lock", acquire_lock, METH_NOARGS, "acquire_lock($module, /)\n--\n\nTakes the import lock."},
    {"release_lock", release_lock, METH_NOARGS, "release_lock($module, /)\n--\n\nGives the import lock back."},
    {"find_frozen", (PyCFunction)(void (*)(void))find_frozen, METH_FASTCALL | METH_KEYWORDS,
     "find_frozen($module, name, /, *, withdata=False)\n--\n\nData, package flag and original name of a frozen module."},
    {"get_frozen_object", (PyCFunction)(void (*)(void))get_frozen_object, METH_FASTCALL,
     "get_frozen_object($module, name, data=None, /)\n--\n\nThe code object of a frozen module."},
    {"is_frozen_package", is_frozen_package, METH_O,
     "is_frozen_package($module, name, /)\n--\n\nTrue if the frozen module is a package."},
    {"create_builtin", create_builtin, METH_O, "create_builtin($module, spec, /)\n--\n\nCreates a built-in module."},
    {"init_frozen", init_frozen, METH_O, "init_frozen($module, name, /)\n--\n\nImports a frozen module."},
    {"is_builtin", is_builtin, METH_O, "is_builtin($module, name, /)\n--\n\n1 if a built-in module has the name."},
    {"is_frozen", is_frozen, METH_O, "is_frozen($module, name, /)\n--\n\nTrue if a frozen module has the name."},
    {"_frozen_module_names", frozen_module_names, METH_NOARGS,
     "_frozen_module_names($module, /)\n--\n\nNames of all frozen modules."},
    {"_override_frozen_modules_for_tests", override_frozen, METH_O,
     "_override_frozen_modules_for_tests($module, override, /)\n--\n\nForces frozen modules on or off."},
    {"create_dynamic", (PyCFunction)(void (*)(void))create_dynamic, METH_FASTCALL,
     "create_dynamic($module, spec, file=None, /)\n--\n\nLoads an extension module."},
    {"exec_dynamic", exec_module, METH_O, "exec_dynamic($module, mod, /)\n--\n\nExecutes an extension module."},
    {"exec_builtin", exec_module, METH_O, "exec_builtin($module, mod, /)\n--\n\nExecutes a built-in module."},
    {"_fix_co_filename", (PyCFunction)(void (*)(void))fix_co_filename, METH_FASTCALL,
     "_fix_co_filename($module, code, path, /)\n--\n\nChanges the file name in a code object and those inside it."},
    {"source_hash", (PyCFunction)(void (*)(void))source_hash, METH_FASTCALL | METH_KEYWORDS,
     "source_hash($module, /, key, source)\n--\n\nThe 8-byte hash of a source text, as hash-based .pyc files hold it."},
    {NULL},
};

static int module_exec(PyObject *module) {
    const wchar_t *mode = kr_tstate()->interp->config.check_hash_pycs_mode;
    PyObject *text = PyUnicode_FromWideChar(mode == NULL ? L"default" : mode, -1);
    if (text == NULL) return -1;
    int result = PyModule_AddObjectRef(module, "check_hash_based_pycs", text);
    Py_DECREF(text);
    return result;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, module_exec}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_imp",
    .m_doc = "What importlib needs from the interpreter.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__imp(void) { return PyModuleDef_Init(&definition); }
