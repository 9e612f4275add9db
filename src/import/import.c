/* Importing modules: the C API, the import lock, built-in and frozen modules, and how importlib is brought up. */
#include <Python.h>
#include <marshal.h>

#include "compile/marshal.h"
#include "import/import.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/namespace.h"
#include "object/runtime.h"

const struct _frozen *PyImport_FrozenModules;

#define KR_MODULE(name) PyMODINIT_FUNC PyInit_##name(void);
#include "modules/modules.def"
#undef KR_MODULE

static struct _inittab builtin_modules[] = {
#define KR_MODULE(name) {#name, PyInit_##name},
#include "modules/modules.def"
#undef KR_MODULE
    {"builtins", NULL}, /* these two are made by start-up */
    {"sys", NULL},
    {NULL, NULL},
};
struct _inittab *PyImport_Inittab = builtin_modules;

static struct {
    PyThread_type_lock lock;
    unsigned long holder;
    int depth;
    PyObject *extensions; /* {(filename, name): definition} of single-phase modules */
    struct _inittab *extended;
} state = {.holder = PYTHREAD_INVALID_THREAD_ID};

/* ---- The import lock ---- */

void _PyImport_AcquireLock(void) {
    unsigned long me = PyThread_get_thread_ident();
    if (state.lock == NULL && (state.lock = PyThread_allocate_lock()) == NULL) return;
    if (state.holder == me) {
        state.depth++;
        return;
    }
    if (state.holder != PYTHREAD_INVALID_THREAD_ID || !PyThread_acquire_lock(state.lock, 0)) {
        PyThreadState *thread = PyEval_SaveThread();
        PyThread_acquire_lock(state.lock, WAIT_LOCK);
        PyEval_RestoreThread(thread);
    }
    state.holder = me;
    state.depth = 1;
}

int _PyImport_ReleaseLock(void) {
    unsigned long me = PyThread_get_thread_ident();
    if (state.lock == NULL) return 0;
    if (state.holder != me) return -1;
    if (--state.depth == 0) {
        state.holder = PYTHREAD_INVALID_THREAD_ID;
        PyThread_release_lock(state.lock);
    }
    return 1;
}

int kr_import_lock_held(void) { return state.holder != PYTHREAD_INVALID_THREAD_ID; }

void kr_import_lock_after_fork(int child) {
    if (!child || state.lock == NULL) return;
    unsigned long me = PyThread_get_thread_ident();
    int mine = state.holder == me;
    _PyThread_at_fork_reinit(&state.lock);
    if (mine) {
        PyThread_acquire_lock(state.lock, NOWAIT_LOCK);
        state.depth--;
        if (state.depth == 0) {
            state.holder = PYTHREAD_INVALID_THREAD_ID;
            PyThread_release_lock(state.lock);
        }
    } else {
        state.holder = PYTHREAD_INVALID_THREAD_ID;
        state.depth = 0;
    }
}

/* ---- sys.modules ---- */

PyObject *PyImport_GetModuleDict(void) {
    PyObject *modules = kr_tstate()->interp->modules;
    if (modules == NULL) Py_FatalError("interpreter has no modules dictionary");
    return modules;
}

int _PyImport_IsInitialized(PyInterpreterState *interpreter) { return interpreter->modules != NULL; }

PyObject *PyImport_GetModule(PyObject *name) {
    PyObject *modules = kr_tstate()->interp->modules;
    if (modules == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "unable to get sys.modules");
        return NULL;
    }
    if (PyDict_CheckExact(modules)) return Py_XNewRef(PyDict_GetItemWithError(modules, name));
    PyObject *module = PyObject_GetItem(modules, name);
    if (module == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) PyErr_Clear();
    return module;
}

PyObject *_PyImport_GetModuleId(_Py_Identifier *id) {
    PyObject *name = _PyUnicode_FromId(id);
    return name == NULL ? NULL : PyImport_GetModule(name);
}

int _PyImport_SetModule(PyObject *name, PyObject *module) {
    return PyObject_SetItem(kr_tstate()->interp->modules, name, module);
}

int _PyImport_SetModuleString(const char *name, PyObject *module) {
    return PyMapping_SetItemString(kr_tstate()->interp->modules, name, module);
}

/* The module in sys.modules or a new empty one; a new reference. */
static PyObject *add_module(PyObject *name) {
    PyObject *module = PyImport_GetModule(name);
    if (module != NULL && PyModule_Check(module)) return module;
    if (module == NULL && PyErr_Occurred()) return NULL;
    Py_XDECREF(module);
    module = PyModule_NewObject(name);
    if (module != NULL && _PyImport_SetModule(name, module) < 0) Py_CLEAR(module);
    return module;
}

PyObject *PyImport_AddModuleObject(PyObject *name) {
    PyObject *module = add_module(name);
    Py_XDECREF(module); /* borrowed from sys.modules */
    return module;
}

PyObject *PyImport_AddModule(const char *name) {
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) return NULL;
    PyObject *module = PyImport_AddModuleObject(text);
    Py_DECREF(text);
    return module;
}

static void remove_module(PyObject *name) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyObject_DelItem(kr_tstate()->interp->modules, name) < 0) PyErr_Clear();
    PyErr_Restore(type, value, traceback);
}

/* ---- Executing code as a module ---- */

static PyObject *module_dict_for_exec(PyObject *name) {
    PyObject *module = add_module(name);
    if (module == NULL) return NULL;
    PyObject *dict = PyModule_GetDict(module);
    int present = PyDict_Contains(dict, KR_NAME(__builtins__));
    if (present < 0 || (!present && PyDict_SetItem(dict, KR_NAME(__builtins__), PyEval_GetBuiltins()) < 0)) {
        remove_module(name);
        Py_DECREF(module);
        return NULL;
    }
    Py_INCREF(dict);
    Py_DECREF(module);
    return dict;
}

static PyObject *exec_code_in_module(PyObject *name, PyObject *dict, PyObject *code) {
    PyObject *result = PyEval_EvalCode(code, dict, dict);
    if (result == NULL) {
        remove_module(name);
        return NULL;
    }
    Py_DECREF(result);
    PyObject *module = PyImport_GetModule(name);
    if (module == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_ImportError, "Loaded module %R not found in sys.modules", name);
    return module;
}

PyObject *PyImport_ExecCodeModuleObject(PyObject *name, PyObject *code, PyObject *path, PyObject *cached_path) {
    PyObject *dict = module_dict_for_exec(name), *result = NULL;
    if (dict == NULL) return NULL;
    if (path == NULL) path = ((PyCodeObject *)code)->co_filename;
    PyObject *external = PyObject_GetAttrString(kr_tstate()->interp->importlib, "_bootstrap_external");
    if (external != NULL) {
        PyObject *none = PyObject_CallMethod(external, "_fix_up_module", "OOOO", dict, name, path,
                                             cached_path == NULL ? path : cached_path);
        Py_DECREF(external);
        if (none != NULL) {
            Py_DECREF(none);
            result = exec_code_in_module(name, dict, code);
        }
    }
    Py_DECREF(dict);
    return result;
}

PyObject *PyImport_ExecCodeModuleWithPathnames(const char *name, PyObject *code, const char *path, const char *cached) {
    PyObject *name_text = PyUnicode_FromString(name), *path_text = NULL, *cached_text = NULL, *module = NULL;
    if (name_text == NULL) return NULL;
    if (cached != NULL && (cached_text = PyUnicode_DecodeFSDefault(cached)) == NULL) goto done;
    if (path != NULL) {
        if ((path_text = PyUnicode_DecodeFSDefault(path)) == NULL) goto done;
    } else if (cached_text != NULL) {
        PyObject *external = PyObject_GetAttrString(kr_tstate()->interp->importlib, "_bootstrap_external");
        if (external == NULL) goto done;
        path_text = PyObject_CallMethod(external, "_get_sourcefile", "O", cached_text);
        Py_DECREF(external);
        if (path_text == NULL) PyErr_Clear();
    }
    module = PyImport_ExecCodeModuleObject(name_text, code, path_text, cached_text);
done:
    Py_DECREF(name_text);
    Py_XDECREF(path_text);
    Py_XDECREF(cached_text);
    return module;
}

PyObject *PyImport_ExecCodeModuleEx(const char *name, PyObject *code, const char *path) {
    return PyImport_ExecCodeModuleWithPathnames(name, code, path, NULL);
}
PyObject *PyImport_ExecCodeModule(const char *name, PyObject *code) {
    return PyImport_ExecCodeModuleWithPathnames(name, code, NULL, NULL);
}

/* ---- Built-in and extension modules ---- */

int PyImport_ExtendInittab(struct _inittab *added) {
    size_t count = 0, old = 0;
    while (added[count].name != NULL) count++;
    while (PyImport_Inittab[old].name != NULL) old++;
    if (count == 0) return 0;
    struct _inittab *table = PyMem_RawMalloc((count + old + 1) * sizeof *table);
    if (table == NULL) return -1;
    memcpy(table, PyImport_Inittab, old * sizeof *table);
    memcpy(table + old, added, (count + 1) * sizeof *table);
    PyMem_RawFree(state.extended);
    PyImport_Inittab = state.extended = table;
    return 0;
}

int PyImport_AppendInittab(const char *name, PyObject *(*initfunc)(void)) {
    struct _inittab table[2] = {{name, initfunc}, {NULL, NULL}};
    return PyImport_ExtendInittab(table);
}

PyObject *kr_import_builtin_names(void) {
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    for (struct _inittab *entry = PyImport_Inittab; entry->name != NULL; entry++) {
        PyObject *name = PyUnicode_FromString(entry->name);
        if (name == NULL || PyList_Append(list, name) < 0) {
            Py_XDECREF(name);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(name);
    }
    PyObject *tuple = PyList_Sort(list) == 0 ? PyList_AsTuple(list) : NULL;
    Py_DECREF(list);
    return tuple;
}

int _PyImport_FixupExtensionObject(PyObject *module, PyObject *name, PyObject *path, PyObject *modules) {
    PyModuleDef *definition = module == NULL || !PyModule_Check(module) ? NULL : PyModule_GetDef(module);
    if (definition == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (PyObject_SetItem(modules, name, module) < 0) return -1;
    if (PyState_AddModule(module, definition) < 0) goto fail;
    int known = definition->m_base.m_copy != NULL && !kr_interpreter_is_main(kr_tstate()->interp);
    if (definition->m_size == -1 && !known) {
        if (definition->m_base.m_copy != NULL) Py_CLEAR(definition->m_base.m_copy);
        definition->m_base.m_copy = PyDict_Copy(PyModule_GetDict(module));
        if (definition->m_base.m_copy == NULL) goto fail;
    }
    if (state.extensions == NULL && (state.extensions = PyDict_New()) == NULL) goto fail;
    PyObject *key = PyTuple_Pack(2, path, name);
    int failed = key == NULL || PyDict_SetItem(state.extensions, key, (PyObject *)definition) < 0;
    Py_XDECREF(key);
    if (!failed) return 0;
fail:
    PyMapping_DelItem(modules, name);
    return -1;
}

int _PyImport_FixupBuiltin(PyObject *module, const char *name, PyObject *modules) {
    PyObject *text = PyUnicode_InternFromString(name);
    if (text == NULL) return -1;
    int result = _PyImport_FixupExtensionObject(module, text, text, modules);
    Py_DECREF(text);
    return result;
}

PyObject *kr_import_find_extension(PyObject *name, PyObject *path) {
    if (state.extensions == NULL) return NULL;
    PyObject *key = PyTuple_Pack(2, path, name), *module = NULL;
    if (key == NULL) return NULL;
    PyModuleDef *definition = (PyModuleDef *)PyDict_GetItemWithError(state.extensions, key);
    Py_DECREF(key);
    if (definition == NULL) return NULL;
    if (definition->m_size == -1) {
        if (definition->m_base.m_copy == NULL) return NULL;
        module = add_module(name);
        if (module == NULL) return NULL;
        if (PyDict_Update(PyModule_GetDict(module), definition->m_base.m_copy) < 0) {
            Py_DECREF(module);
            return NULL;
        }
    } else {
        if (definition->m_base.m_init == NULL) return NULL;
        module = definition->m_base.m_init();
        if (module == NULL) return NULL;
        if (_PyImport_SetModule(name, module) < 0) {
            Py_DECREF(module);
            return NULL;
        }
    }
    if (PyState_AddModule(module, definition) < 0) {
        remove_module(name);
        Py_DECREF(module);
        return NULL;
    }
    return module;
}

PyObject *kr_import_create_builtin(PyObject *name, PyObject *spec) {
    PyObject *module = kr_import_find_extension(name, name);
    if (module != NULL || PyErr_Occurred()) return module;
    for (struct _inittab *entry = PyImport_Inittab; entry->name != NULL; entry++) {
        if (!_PyUnicode_EqualToASCIIString(name, entry->name)) continue;
        if (entry->initfunc == NULL) return add_module(name);
        module = entry->initfunc();
        if (module == NULL) return NULL;
        if (PyObject_TypeCheck(module, &PyModuleDef_Type)) return PyModule_FromDefAndSpec((PyModuleDef *)module, spec);
        PyModuleDef *definition = PyModule_GetDef(module);
        if (definition == NULL) {
            Py_DECREF(module);
            return NULL;
        }
        definition->m_base.m_init = entry->initfunc;
        if (_PyImport_FixupExtensionObject(module, name, name, kr_tstate()->interp->modules) < 0) Py_CLEAR(module);
        return module;
    }
    return NULL;
}

/* ---- Frozen modules ---- */

static const struct _frozen *find_frozen(PyObject *name) {
    const struct _frozen *tables[2] = {PyImport_FrozenModules, kr_frozen_modules};
    for (int i = 0; i < 2; i++)
        for (const struct _frozen *entry = tables[i]; entry != NULL && entry->name != NULL; entry++)
            if (_PyUnicode_EqualToASCIIString(name, entry->name)) return entry;
    return NULL;
}

const struct _frozen *kr_import_find_frozen(PyObject *name) { return PyUnicode_Check(name) ? find_frozen(name) : NULL; }

const char *kr_import_original_name(const struct _frozen *entry) {
    static const struct {
        const char *name, *original;
    } others[] = {
        {"_frozen_importlib", "importlib._bootstrap"},
        {"_frozen_importlib_external", "importlib._bootstrap_external"},
        {"__hello_alias__", "__hello__"},
        {"__phello_alias__", "__hello__"},
        {"__phello_alias__.spam", "__hello__"},
        {"__phello__.__init__", "<__phello__"},
        {"__phello__.ham.__init__", "<__phello__.ham"},
        {"__hello_only__", NULL},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(others); i++)
        if (strcmp(entry->name, others[i].name) == 0) return others[i].original;
    return entry->name;
}

int PyImport_ImportFrozenModuleObject(PyObject *name) {
    const struct _frozen *entry = find_frozen(name);
    if (entry == NULL || entry->code == NULL) return 0;
    PyObject *code = kr_marshal_read_frozen((const char *)entry->code, entry->size), *dict = NULL, *module = NULL;
    if (code == NULL) return -1;
    if (!PyCode_Check(code)) {
        PyErr_Format(PyExc_TypeError, "frozen object %R is not a code object", name);
        goto fail;
    }
    dict = module_dict_for_exec(name);
    if (dict == NULL) goto fail;
    if (entry->is_package) {
        PyObject *path = PyList_New(0);
        int failed = path == NULL || PyDict_SetItemString(dict, "__path__", path) < 0;
        Py_XDECREF(path);
        if (failed) goto fail;
    }
    const char *original_name = kr_import_original_name(entry);
    PyObject *original = original_name == NULL ? Py_NewRef(Py_None) : PyUnicode_FromString(original_name);
    int failed = original == NULL || PyDict_SetItemString(dict, "__origname__", original) < 0;
    Py_XDECREF(original);
    if (failed) goto fail;
    module = exec_code_in_module(name, dict, code);
fail:
    Py_XDECREF(dict);
    Py_DECREF(code);
    if (module == NULL) return -1;
    Py_DECREF(module);
    return 1;
}

int PyImport_ImportFrozenModule(const char *name) {
    PyObject *text = PyUnicode_InternFromString(name);
    if (text == NULL) return -1;
    int result = PyImport_ImportFrozenModuleObject(text);
    Py_DECREF(text);
    return result;
}

/* ---- importlib ---- */

/* The source of a bootstrap module compiled from the library: only used by the executable that freezes them. */
static PyObject *compile_bootstrap(const char *file) {
    char path[4096];
    snprintf(path, sizeof path, "%s/lib/python3.11/importlib/%s", KRAIT_LIBRARY_HOME, file);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        PyErr_Format(PyExc_ImportError,
                     "%s is missing: install the package libpython3.11-minimal, which holds the standard library", path);
        return NULL;
    }
    char *source = NULL;
    size_t size = 0, capacity = 0;
    for (;;) {
        if (capacity - size < 65536) {
            char *larger = PyMem_RawRealloc(source, capacity = capacity * 2 + 131072);
            if (larger == NULL) break;
            source = larger;
        }
        size_t got = fread(source + size, 1, capacity - size - 1, stream);
        size += got;
        if (got == 0) break;
    }
    fclose(stream);
    if (source == NULL) return PyErr_NoMemory();
    source[size] = 0;
    snprintf(path, sizeof path, "<frozen importlib.%.*s>", (int)(strlen(file) - 3), file);
    PyObject *code = Py_CompileStringExFlags(source, path, Py_file_input, NULL, 0);
    PyMem_RawFree(source);
    return code;
}

static PyObject *import_bootstrap(const char *name, const char *file) {
    PyObject *text = PyUnicode_InternFromString(name), *module = NULL;
    if (text == NULL) return NULL;
    int found = PyImport_ImportFrozenModuleObject(text);
    if (found > 0) {
        module = PyImport_GetModule(text);
    } else if (found == 0) {
        PyObject *code = compile_bootstrap(file), *dict = code == NULL ? NULL : module_dict_for_exec(text);
        if (dict != NULL) module = exec_code_in_module(text, dict, code);
        Py_XDECREF(dict);
        Py_XDECREF(code);
    }
    Py_DECREF(text);
    return module;
}

int kr_import_install_core(PyThreadState *thread, PyObject *sys_module) {
    PyInterpreterState *interpreter = thread->interp;
    PyObject *importlib = import_bootstrap("_frozen_importlib", "_bootstrap.py");
    if (importlib == NULL) return -1;
    interpreter->importlib = importlib;
    interpreter->import_func = _PyDict_GetItemStringWithError(interpreter->builtins, "__import__");
    if (interpreter->import_func == NULL) return -1;
    Py_INCREF(interpreter->import_func);
    PyObject *imp_name = PyUnicode_InternFromString("_imp"), *spec = NULL, *imp = NULL, *result = NULL;
    if (imp_name != NULL) {
        PyObject *attributes = PyDict_New(), *simple = NULL;
        if (attributes != NULL && PyDict_SetItemString(attributes, "name", imp_name) == 0)
            simple = _PyNamespace_New(attributes);
        spec = simple;
        Py_XDECREF(attributes);
    }
    if (spec != NULL) imp = kr_import_create_builtin(imp_name, spec);
    if (imp != NULL && _PyImport_SetModule(imp_name, imp) == 0 && PyModule_GetDef(imp) != NULL &&
        (PyModule_GetDef(imp)->m_slots == NULL || PyModule_ExecDef(imp, PyModule_GetDef(imp)) == 0))
        result = PyObject_CallMethod(importlib, "_install", "OO", sys_module, imp);
    if (result == NULL && !PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "cannot create the module _imp");
    Py_XDECREF(imp);
    Py_XDECREF(spec);
    Py_XDECREF(imp_name);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int kr_import_install_external(PyThreadState *thread) {
    PyObject *importlib = thread->interp->importlib, *name = PyUnicode_InternFromString("_frozen_importlib_external");
    PyObject *result = NULL;
    if (name == NULL) return -1;
    if (find_frozen(name) != NULL) { /* as an import, which gives the module its spec and loader */
        result = PyObject_CallMethod(importlib, "_install_external_importers", NULL);
    } else {
        PyObject *external = import_bootstrap("_frozen_importlib_external", "_bootstrap_external.py");
        if (external != NULL && PyObject_SetAttrString(importlib, "_bootstrap_external", external) == 0)
            result = PyObject_CallMethod(external, "_install", "O", importlib);
        Py_XDECREF(external);
    }
    Py_DECREF(name);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int kr_import_install_zip_hook(void) {
    PyObject *hooks = PySys_GetObject("path_hooks");
    if (hooks == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "unable to get sys.path_hooks");
        return -1;
    }
    PyObject *module = PyImport_ImportModule("zipimport");
    PyObject *importer = module == NULL ? NULL : PyObject_GetAttrString(module, "zipimporter");
    Py_XDECREF(module);
    if (importer == NULL) {
        PyErr_Clear();
        return 0;
    }
    int status = PyList_Insert(hooks, 0, importer);
    Py_DECREF(importer);
    return status;
}

/* ---- Importing by name ---- */

/* Drops importlib's own frames from the traceback of a failed import, unless -v was given. */
static void remove_importlib_frames(PyThreadState *thread) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL || thread->interp->config.verbose) goto done;
    int always = PyType_IsSubtype((PyTypeObject *)type, (PyTypeObject *)PyExc_ImportError);
    PyObject **link = &traceback, **outer = NULL;
    int in_importlib = 0;
    while (*link != NULL) {
        PyTracebackObject *entry = (PyTracebackObject *)*link;
        PyCodeObject *code = PyFrame_GetCode(entry->tb_frame);
        int now_in = _PyUnicode_EqualToASCIIString(code->co_filename, "<frozen importlib._bootstrap>") ||
                     _PyUnicode_EqualToASCIIString(code->co_filename, "<frozen importlib._bootstrap_external>");
        if (now_in && !in_importlib) outer = link;
        in_importlib = now_in;
        if (in_importlib && (always || _PyUnicode_EqualToASCIIString(code->co_name, "_call_with_frames_removed"))) {
            PyObject *next = Py_XNewRef((PyObject *)entry->tb_next);
            Py_SETREF(*outer, next);
            link = outer;
        } else {
            link = (PyObject **)&entry->tb_next;
        }
        Py_DECREF(code);
    }
done:
    PyErr_Restore(type, value, traceback);
}

/* The absolute name of a relative import. A new reference. */
static PyObject *resolve_name(PyObject *name, PyObject *globals, int level) {
    PyObject *package = NULL, *spec = NULL, *result = NULL;
    if (globals == NULL) {
        PyErr_SetString(PyExc_KeyError, "'__name__' not in globals");
        return NULL;
    }
    if (!PyDict_Check(globals)) {
        PyErr_SetString(PyExc_TypeError, "globals must be a dict");
        return NULL;
    }
    package = Py_XNewRef(PyDict_GetItemWithError(globals, KR_NAME(__package__)));
    if (package == NULL && PyErr_Occurred()) return NULL;
    spec = PyDict_GetItemWithError(globals, KR_NAME(__spec__));
    if (spec == NULL && PyErr_Occurred()) goto fail;
    if (package != NULL && package != Py_None) {
        if (!PyUnicode_Check(package)) {
            PyErr_SetString(PyExc_TypeError, "package must be a string");
            goto fail;
        }
        if (spec != NULL && spec != Py_None) {
            PyObject *parent = PyObject_GetAttr(spec, KR_NAME(parent));
            if (parent == NULL) goto fail;
            int equal = PyObject_RichCompareBool(package, parent, Py_EQ);
            Py_DECREF(parent);
            if (equal < 0 || (!equal && PyErr_WarnEx(PyExc_ImportWarning, "__package__ != __spec__.parent", 1) < 0)) goto fail;
        }
    } else if (spec != NULL && spec != Py_None) {
        Py_XSETREF(package, PyObject_GetAttr(spec, KR_NAME(parent)));
        if (package == NULL) goto fail;
        if (!PyUnicode_Check(package)) {
            PyErr_SetString(PyExc_TypeError, "__spec__.parent must be a string");
            goto fail;
        }
    } else {
        if (PyErr_WarnEx(PyExc_ImportWarning,
                         "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__", 1) < 0)
            goto fail;
        Py_XSETREF(package, Py_XNewRef(PyDict_GetItemWithError(globals, KR_NAME(__name__))));
        if (package == NULL) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_KeyError, "'__name__' not in globals");
            goto fail;
        }
        if (!PyUnicode_Check(package)) {
            PyErr_SetString(PyExc_TypeError, "__name__ must be a string");
            goto fail;
        }
        int has_path = PyDict_Contains(globals, KR_NAME(__path__));
        if (has_path < 0) goto fail;
        if (!has_path) {
            Py_ssize_t dot = PyUnicode_FindChar(package, '.', 0, PyUnicode_GET_LENGTH(package), -1);
            if (dot == -2) goto fail;
            if (dot == -1) goto no_parent;
            Py_SETREF(package, PyUnicode_Substring(package, 0, dot));
            if (package == NULL) goto fail;
        }
    }
    Py_ssize_t end = PyUnicode_GET_LENGTH(package);
    if (end == 0) goto no_parent;
    for (int up = 1; up < level; up++) {
        end = PyUnicode_FindChar(package, '.', 0, end, -1);
        if (end == -2) goto fail;
        if (end == -1) {
            PyErr_SetString(PyExc_ImportError, "attempted relative import beyond top-level package");
            goto fail;
        }
    }
    PyObject *base = PyUnicode_Substring(package, 0, end);
    if (base != NULL) {
        result = PyUnicode_GET_LENGTH(name) == 0 ? Py_NewRef(base) : PyUnicode_FromFormat("%U.%U", base, name);
        Py_DECREF(base);
    }
    Py_DECREF(package);
    return result;
no_parent:
    PyErr_SetString(PyExc_ImportError, "attempted relative import with no known parent package");
fail:
    Py_XDECREF(package);
    return NULL;
}

/* Waits for another thread that is still importing the module. Returns 0 or -1. */
static int ensure_initialized(PyThreadState *thread, PyObject *module, PyObject *name) {
    PyObject *spec = NULL, *value = NULL;
    int busy = 0;
    if (_PyObject_LookupAttr(module, KR_NAME(__spec__), &spec) < 0) return -1;
    if (spec != NULL && _PyObject_LookupAttr(spec, KR_NAME(_initializing), &value) > 0) busy = PyObject_IsTrue(value);
    Py_XDECREF(value);
    Py_XDECREF(spec);
    if (busy < 0 || PyErr_Occurred()) return -1;
    if (!busy) return 0;
    PyObject *result = PyObject_CallMethodOneArg(thread->interp->importlib, KR_NAME(_lock_unlock_module), name);
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

PyObject *PyImport_ImportModuleLevelObject(PyObject *name, PyObject *globals, PyObject *locals, PyObject *fromlist,
                                           int level) {
    PyThreadState *thread = kr_tstate();
    PyObject *absolute = NULL, *module = NULL, *result = NULL;
    if (name == NULL) {
        PyErr_SetString(PyExc_ValueError, "Empty module name");
        goto done;
    }
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "module name must be a string");
        goto done;
    }
    if (level < 0) {
        PyErr_SetString(PyExc_ValueError, "level must be >= 0");
        goto done;
    }
    if (level > 0) {
        absolute = resolve_name(name, globals, level);
    } else if (PyUnicode_GET_LENGTH(name) == 0) {
        PyErr_SetString(PyExc_ValueError, "Empty module name");
    } else {
        absolute = Py_NewRef(name);
    }
    if (absolute == NULL) goto done;
    module = PyImport_GetModule(absolute);
    if (module == NULL && PyErr_Occurred()) goto done;
    if (module != NULL && module != Py_None) {
        if (ensure_initialized(thread, module, absolute) < 0) goto done;
    } else {
        Py_CLEAR(module);
        if (thread->interp->importlib == NULL) { /* a finalizer that runs after the modules are gone */
            PyErr_SetString(PyExc_ImportError, "sys.meta_path is None, Python is likely shutting down");
            goto done;
        }
        PyObject *args[3] = {thread->interp->importlib, absolute, thread->interp->import_func};
        module = PyObject_VectorcallMethod(KR_NAME(_find_and_load), args, 3, NULL);
        if (module == NULL) goto done;
    }
    int has_from = 0;
    if (fromlist != NULL && fromlist != Py_None) {
        has_from = PyObject_IsTrue(fromlist);
        if (has_from < 0) goto done;
    }
    if (!has_from) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(name);
        if (level == 0 || length > 0) {
            Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, length, 1);
            if (dot == -2) goto done;
            if (dot == -1) {
                result = Py_NewRef(module);
                goto done;
            }
            if (level == 0) {
                PyObject *front = PyUnicode_Substring(name, 0, dot);
                if (front == NULL) goto done;
                result = PyImport_ImportModuleLevelObject(front, NULL, NULL, NULL, 0);
                Py_DECREF(front);
            } else {
                Py_ssize_t cut = PyUnicode_GET_LENGTH(absolute) - (length - dot);
                PyObject *target = PyUnicode_Substring(absolute, 0, cut);
                if (target == NULL) goto done;
                result = PyImport_GetModule(target);
                if (result == NULL && !PyErr_Occurred())
                    PyErr_Format(PyExc_KeyError, "%R not in sys.modules as expected", target);
                Py_DECREF(target);
            }
        } else {
            result = Py_NewRef(module);
        }
    } else {
        PyObject *path = NULL;
        if (_PyObject_LookupAttr(module, KR_NAME(__path__), &path) < 0) goto done;
        if (path != NULL) {
            Py_DECREF(path);
            PyObject *args[4] = {thread->interp->importlib, module, fromlist, thread->interp->import_func};
            result = PyObject_VectorcallMethod(KR_NAME(_handle_fromlist), args, 4, NULL);
        } else {
            result = Py_NewRef(module);
        }
    }
done:
    Py_XDECREF(absolute);
    Py_XDECREF(module);
    if (result == NULL) remove_importlib_frames(thread);
    return result;
}

PyObject *PyImport_ImportModuleLevel(const char *name, PyObject *globals, PyObject *locals, PyObject *fromlist, int level) {
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) return NULL;
    PyObject *module = PyImport_ImportModuleLevelObject(text, globals, locals, fromlist, level);
    Py_DECREF(text);
    return module;
}

PyObject *PyImport_Import(PyObject *name) {
    PyObject *globals = PyEval_GetGlobals(), *builtins = NULL, *import = NULL, *result = NULL, *from = NULL;
    if (globals != NULL) {
        Py_INCREF(globals);
        builtins = PyObject_GetItem(globals, KR_NAME(__builtins__));
        if (builtins == NULL) goto done;
    } else {
        builtins = PyImport_ImportModuleLevel("builtins", NULL, NULL, NULL, 0);
        if (builtins == NULL) return NULL;
        globals = Py_BuildValue("{OO}", KR_NAME(__builtins__), builtins);
        if (globals == NULL) goto done;
    }
    if (PyDict_Check(builtins)) {
        import = PyObject_GetItem(builtins, KR_NAME(__import__));
        if (import == NULL) PyErr_SetObject(PyExc_KeyError, KR_NAME(__import__));
    } else {
        import = PyObject_GetAttr(builtins, KR_NAME(__import__));
    }
    if (import == NULL) goto done;
    from = PyList_New(0);
    if (from == NULL) goto done;
    result = PyObject_CallFunction(import, "OOOOi", name, globals, globals, from, 0);
    if (result == NULL) goto done;
    Py_DECREF(result);
    result = PyImport_GetModule(name);
    if (result == NULL && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, name);
done:
    Py_XDECREF(from);
    Py_XDECREF(import);
    Py_XDECREF(builtins);
    Py_XDECREF(globals);
    return result;
}

PyObject *PyImport_ImportModule(const char *name) {
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) return NULL;
    PyObject *module = PyImport_Import(text);
    Py_DECREF(text);
    return module;
}

PyObject *PyImport_ImportModuleNoBlock(const char *name) { return PyImport_ImportModule(name); }

PyObject *PyImport_ReloadModule(PyObject *module) {
    PyObject *importlib = PyImport_ImportModule("importlib");
    if (importlib == NULL) return NULL;
    PyObject *result = PyObject_CallMethodOneArg(importlib, KR_NAME(reload), module);
    Py_DECREF(importlib);
    return result;
}

PyObject *_PyImport_GetModuleAttr(PyObject *module_name, PyObject *attribute) {
    PyObject *module = PyImport_Import(module_name);
    if (module == NULL) return NULL;
    PyObject *result = PyObject_GetAttr(module, attribute);
    Py_DECREF(module);
    return result;
}

PyObject *_PyImport_GetModuleAttrString(const char *module_name, const char *attribute) {
    PyObject *module = PyImport_ImportModule(module_name);
    if (module == NULL) return NULL;
    PyObject *result = PyObject_GetAttrString(module, attribute);
    Py_DECREF(module);
    return result;
}

PyObject *PyImport_GetImporter(PyObject *path) {
    PyObject *cache = PySys_GetObject("path_importer_cache"), *hooks = PySys_GetObject("path_hooks");
    if (cache == NULL || hooks == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.path_hooks or sys.path_importer_cache");
        return NULL;
    }
    PyObject *importer = Py_XNewRef(PyDict_GetItemWithError(cache, path));
    if (importer != NULL || PyErr_Occurred()) return importer;
    if (PyDict_SetItem(cache, path, Py_None) < 0) return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks); i++) {
        importer = PyObject_CallOneArg(PyList_GET_ITEM(hooks, i), path);
        if (importer != NULL) break;
        if (!PyErr_ExceptionMatches(PyExc_ImportError)) return NULL;
        PyErr_Clear();
    }
    if (importer == NULL) Py_RETURN_NONE;
    if (PyDict_SetItem(cache, path, importer) < 0) Py_CLEAR(importer);
    return importer;
}

long PyImport_GetMagicNumber(void) {
    PyObject *external = PyObject_GetAttrString(kr_tstate()->interp->importlib, "_bootstrap_external");
    if (external == NULL) return -1;
    PyObject *number = PyObject_GetAttrString(external, "_RAW_MAGIC_NUMBER");
    Py_DECREF(external);
    long result = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    return result;
}

const char *PyImport_GetMagicTag(void) { return "cpython-311"; }

void kr_import_finalize(void) {
    PyObject *key, *definition;
    for (Py_ssize_t at = 0; state.extensions != NULL && PyDict_Next(state.extensions, &at, &key, &definition);)
        Py_CLEAR(((PyModuleDef *)definition)->m_base.m_copy);
    Py_CLEAR(state.extensions);
    if (state.lock != NULL) PyThread_free_lock(state.lock);
    state.lock = NULL;
    state.holder = PYTHREAD_INVALID_THREAD_ID;
    if (state.extended != NULL) {
        PyImport_Inittab = builtin_modules;
        PyMem_RawFree(state.extended);
        state.extended = NULL;
    }
}
