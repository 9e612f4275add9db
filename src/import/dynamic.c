/* Extension modules in shared libraries. */
#include <Python.h>

#include <dlfcn.h>

#include "base/libm.h"
#include "import/import.h"
#include "object/interpreter.h"
#include "object/module.h"
#include "object/names.h"
#include "object/runtime.h"

typedef PyObject *(*InitFunction)(void);

/* The symbol of a module's init function: PyInit_name, or PyInitU_ and punycode for other than ASCII names. */
static PyObject *init_symbol(PyObject *name, int *is_ascii) {
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, PyUnicode_GET_LENGTH(name), -1);
    if (dot < -1) return NULL;
    PyObject *last = PyUnicode_Substring(name, dot + 1, PyUnicode_GET_LENGTH(name));
    if (last == NULL) return NULL;
    PyObject *encoded = PyUnicode_AsEncodedString(last, "ascii", NULL);
    *is_ascii = encoded != NULL;
    if (encoded == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        encoded = PyUnicode_AsEncodedString(last, "punycode", NULL);
    }
    Py_DECREF(last);
    if (encoded == NULL) return NULL;
    for (char *c = PyBytes_AS_STRING(encoded); *c != 0; c++)
        if (*c == '-') *c = '_';
    PyObject *symbol = PyBytes_FromFormat("%s_%s", *is_ascii ? "PyInit" : "PyInitU", PyBytes_AS_STRING(encoded));
    Py_DECREF(encoded);
    return symbol;
}

PyObject *kr_import_load_dynamic(PyObject *spec) {
    PyObject *name = PyObject_GetAttr(spec, KR_NAME(name)), *path = NULL, *path_bytes = NULL, *symbol = NULL, *module = NULL;
    int is_ascii;
    if (name == NULL) return NULL;
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "spec.name must be a string");
        goto done;
    }
    path = PyObject_GetAttr(spec, KR_NAME(origin));
    if (path == NULL) goto done;
    module = kr_import_find_extension(name, path);
    if (module != NULL || PyErr_Occurred()) goto done;
    symbol = init_symbol(name, &is_ascii);
    if (symbol == NULL) goto done;
    if (PySys_Audit("import", "OOOOO", name, path, Py_None, Py_None, Py_None) < 0) goto done;
    path_bytes = PyUnicode_EncodeFSDefault(path);
    if (path_bytes == NULL) goto done;
    const char *file = PyBytes_AS_STRING(path_bytes);
    char with_folder[4096];
    if (strchr(file, '/') == NULL) {
        snprintf(with_folder, sizeof with_folder, "./%s", file);
        file = with_folder;
    }
    kr_libm_load();
    void *handle = dlopen(file, kr_import_dlopen_flags());
    if (handle == NULL) {
        const char *error = dlerror();
        PyObject *message = PyUnicode_DecodeLocale(error != NULL ? error : "unknown dlopen() error", "surrogateescape");
        if (message != NULL) PyErr_SetImportError(message, name, path);
        Py_XDECREF(message);
        goto done;
    }
    InitFunction initialize = (InitFunction)(uintptr_t)dlsym(handle, PyBytes_AS_STRING(symbol));
    if (initialize == NULL) {
        PyObject *message = PyUnicode_FromFormat("dynamic module does not define module export function (%s)",
                                                 PyBytes_AS_STRING(symbol));
        if (message != NULL) PyErr_SetImportError(message, name, path);
        Py_XDECREF(message);
        goto done;
    }
    const char *old_context = _Py_PackageContext;
    const char *full_name = PyUnicode_AsUTF8(name);
    if (full_name == NULL) goto done;
    _Py_PackageContext = full_name;
    module = initialize();
    _Py_PackageContext = old_context;
    if (module == NULL) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_SystemError, "initialization of %s failed without raising an exception", full_name);
        goto done;
    }
    if (PyErr_Occurred()) {
        /* What came back may be no object at all, such as a definition that was never initialised: it is not released. */
        _PyErr_FormatFromCause(PyExc_SystemError, "initialization of %s raised unreported exception", full_name);
        module = NULL;
        goto done;
    }
    if (Py_TYPE(module) == NULL) {
        PyErr_Format(PyExc_SystemError, "init function of %s returned uninitialized object", full_name);
        module = NULL;
        goto done;
    }
    if (PyObject_TypeCheck(module, &PyModuleDef_Type)) {
        module = PyModule_FromDefAndSpec((PyModuleDef *)module, spec);
        goto done;
    }
    if (!is_ascii) {
        PyErr_Format(PyExc_SystemError, "initialization of %s did not return PyModuleDef", full_name);
        Py_CLEAR(module);
        goto done;
    }
    PyModuleDef *definition = PyModule_Check(module) ? PyModule_GetDef(module) : NULL;
    if (definition == NULL) {
        PyErr_Format(PyExc_SystemError, "initialization of %s did not return an extension module", full_name);
        Py_CLEAR(module);
        goto done;
    }
    definition->m_base.m_init = initialize;
    if (PyModule_AddObjectRef(module, "__file__", path) < 0) PyErr_Clear();
    if (_PyImport_FixupExtensionObject(module, name, path, kr_tstate()->interp->modules) < 0) Py_CLEAR(module);
done:
    Py_XDECREF(path_bytes);
    Py_XDECREF(symbol);
    Py_XDECREF(path);
    Py_DECREF(name);
    return module;
}

static int dlopen_flags = RTLD_NOW;
int kr_import_dlopen_flags(void) { return dlopen_flags; }
void kr_import_set_dlopen_flags(int flags) { dlopen_flags = flags; }
