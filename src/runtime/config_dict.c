/* The configuration as a dictionary: how test tools look at PyConfig and change it while the interpreter runs. */
#include <Python.h>
#include <stddef.h>

#include "object/interpreter.h"
#include "object/runtime.h"
#include "runtime/config.h"
#include "runtime/lifecycle.h"

/* Declared by CPython's internal headers only; its test modules call them. */
PyAPI_FUNC(PyObject *) _PyConfig_AsDict(const PyConfig *config);
PyAPI_FUNC(int) _PyConfig_FromDict(PyConfig *config, PyObject *dict);
PyAPI_FUNC(int) _PyInterpreterState_GetConfigCopy(PyConfig *config);
PyAPI_FUNC(int) _PyInterpreterState_SetConfig(const PyConfig *config);
PyAPI_FUNC(PyObject *) _Py_GetConfigsAsDict(void);
PyAPI_FUNC(PyObject *) _Py_Get_Getpath_CodeObject(void);

/* Flags and numbers are ints that are not negative once the configuration is read; only an optional text can be absent. */
typedef enum MemberKind { FLAG, SEED, TEXT, OPTIONAL_TEXT, TEXTS } MemberKind;

static const unsigned long LARGEST_SEED = 4294967295;

typedef struct Member {
    const char *name;
    size_t offset;
    MemberKind kind;
} Member;

#define MEMBER(name, kind) {#name, offsetof(PyConfig, name), kind}

static const Member members[] = {
    MEMBER(_config_init, FLAG),
    MEMBER(isolated, FLAG),
    MEMBER(use_environment, FLAG),
    MEMBER(dev_mode, FLAG),
    MEMBER(install_signal_handlers, FLAG),
    MEMBER(use_hash_seed, FLAG),
    MEMBER(hash_seed, SEED),
    MEMBER(faulthandler, FLAG),
    MEMBER(tracemalloc, FLAG),
    MEMBER(import_time, FLAG),
    MEMBER(code_debug_ranges, FLAG),
    MEMBER(show_ref_count, FLAG),
    MEMBER(dump_refs, FLAG),
    MEMBER(malloc_stats, FLAG),
    MEMBER(filesystem_encoding, TEXT),
    MEMBER(filesystem_errors, TEXT),
    MEMBER(pycache_prefix, OPTIONAL_TEXT),
    MEMBER(program_name, TEXT),
    MEMBER(parse_argv, FLAG),
    MEMBER(argv, TEXTS),
    MEMBER(xoptions, TEXTS),
    MEMBER(warnoptions, TEXTS),
    MEMBER(pythonpath_env, OPTIONAL_TEXT),
    MEMBER(home, OPTIONAL_TEXT),
    MEMBER(module_search_paths_set, FLAG),
    MEMBER(module_search_paths, TEXTS),
    MEMBER(stdlib_dir, OPTIONAL_TEXT),
    MEMBER(executable, OPTIONAL_TEXT),
    MEMBER(base_executable, OPTIONAL_TEXT),
    MEMBER(prefix, OPTIONAL_TEXT),
    MEMBER(base_prefix, OPTIONAL_TEXT),
    MEMBER(exec_prefix, OPTIONAL_TEXT),
    MEMBER(base_exec_prefix, OPTIONAL_TEXT),
    MEMBER(platlibdir, TEXT),
    MEMBER(site_import, FLAG),
    MEMBER(bytes_warning, FLAG),
    MEMBER(warn_default_encoding, FLAG),
    MEMBER(inspect, FLAG),
    MEMBER(interactive, FLAG),
    MEMBER(optimization_level, FLAG),
    MEMBER(parser_debug, FLAG),
    MEMBER(write_bytecode, FLAG),
    MEMBER(verbose, FLAG),
    MEMBER(quiet, FLAG),
    MEMBER(user_site_directory, FLAG),
    MEMBER(configure_c_stdio, FLAG),
    MEMBER(buffered_stdio, FLAG),
    MEMBER(stdio_encoding, TEXT),
    MEMBER(stdio_errors, TEXT),
    MEMBER(skip_source_first_line, FLAG),
    MEMBER(run_command, OPTIONAL_TEXT),
    MEMBER(run_module, OPTIONAL_TEXT),
    MEMBER(run_filename, OPTIONAL_TEXT),
    MEMBER(_install_importlib, FLAG),
    MEMBER(check_hash_pycs_mode, TEXT),
    MEMBER(pathconfig_warnings, FLAG),
    MEMBER(_init_main, FLAG),
    MEMBER(_isolated_interpreter, FLAG),
    MEMBER(orig_argv, TEXTS),
    MEMBER(use_frozen_modules, FLAG),
    MEMBER(safe_path, FLAG),
    MEMBER(_is_python_build, FLAG),
};

/* -- To a dictionary --------------------------------------------------------------------------------------------- */

static PyObject *texts_to_list(const PyWideStringList *texts) {
    PyObject *list = PyList_New(texts->length);
    if (list == NULL) return NULL;
    for (Py_ssize_t i = 0; i < texts->length; i++) {
        PyObject *text = PyUnicode_FromWideChar(texts->items[i], -1);
        if (text == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, text);
    }
    return list;
}

static PyObject *member_to_object(const PyConfig *config, const Member *member) {
    const void *at = (const char *)config + member->offset;
    switch (member->kind) {
        case FLAG: return PyLong_FromLong(*(const int *)at);
        case SEED: return PyLong_FromUnsignedLong(*(const unsigned long *)at);
        case TEXTS: return texts_to_list(at);
        case TEXT:
        case OPTIONAL_TEXT: break;
    }
    const wchar_t *text = *(wchar_t *const *)at;
    return text != NULL ? PyUnicode_FromWideChar(text, -1) : Py_NewRef(Py_None);
}

/* Stores a value under a name; takes the reference to the value, which may be NULL with an exception set. */
static int put(PyObject *dict, const char *name, PyObject *value) {
    if (value == NULL) return -1;
    int status = PyDict_SetItemString(dict, name, value);
    Py_DECREF(value);
    return status;
}

PyObject *_PyConfig_AsDict(const PyConfig *config) {
    PyObject *dict = PyDict_New();
    if (dict == NULL) return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(members); i++) {
        if (put(dict, members[i].name, member_to_object(config, &members[i])) < 0) {
            Py_DECREF(dict);
            return NULL;
        }
    }
    return dict;
}

static PyObject *pre_config_to_dict(const PyPreConfig *config) {
    return Py_BuildValue("{sisisisisisisisisisi}", "_config_init", config->_config_init, "parse_argv", config->parse_argv,
                         "isolated", config->isolated, "use_environment", config->use_environment, "configure_locale",
                         config->configure_locale, "coerce_c_locale", config->coerce_c_locale, "coerce_c_locale_warn",
                         config->coerce_c_locale_warn, "utf8_mode", config->utf8_mode, "dev_mode", config->dev_mode,
                         "allocator", config->allocator);
}

static PyObject *text_or_none(const char *text) {
    return text != NULL ? PyUnicode_FromString(text) : Py_NewRef(Py_None);
}

static PyObject *globals_to_dict(void) {
    PyObject *dict = PyDict_New();
    if (dict == NULL) return NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    const struct {
        const char *name;
        int value;
    } flags[] = {
        {"Py_HasFileSystemDefaultEncoding", Py_HasFileSystemDefaultEncoding},
        {"Py_UTF8Mode", Py_UTF8Mode},
        {"Py_DebugFlag", Py_DebugFlag},
        {"Py_VerboseFlag", Py_VerboseFlag},
        {"Py_QuietFlag", Py_QuietFlag},
        {"Py_InteractiveFlag", Py_InteractiveFlag},
        {"Py_InspectFlag", Py_InspectFlag},
        {"Py_OptimizeFlag", Py_OptimizeFlag},
        {"Py_NoSiteFlag", Py_NoSiteFlag},
        {"Py_BytesWarningFlag", Py_BytesWarningFlag},
        {"Py_FrozenFlag", Py_FrozenFlag},
        {"Py_IgnoreEnvironmentFlag", Py_IgnoreEnvironmentFlag},
        {"Py_DontWriteBytecodeFlag", Py_DontWriteBytecodeFlag},
        {"Py_NoUserSiteDirectory", Py_NoUserSiteDirectory},
        {"Py_UnbufferedStdioFlag", Py_UnbufferedStdioFlag},
        {"Py_HashRandomizationFlag", Py_HashRandomizationFlag},
        {"Py_IsolatedFlag", Py_IsolatedFlag},
        {"_Py_HasFileSystemDefaultEncodeErrors", Py_FileSystemDefaultEncodeErrors != NULL},
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(flags); i++) {
        if (put(dict, flags[i].name, PyLong_FromLong(flags[i].value)) < 0) {
            Py_DECREF(dict);
            return NULL;
        }
    }
    if (put(dict, "Py_FileSystemDefaultEncoding", text_or_none(Py_FileSystemDefaultEncoding)) < 0 ||
        put(dict, "Py_FileSystemDefaultEncodeErrors", text_or_none(Py_FileSystemDefaultEncodeErrors)) < 0)
        Py_CLEAR(dict);
#pragma GCC diagnostic pop
    return dict;
}

PyObject *_Py_GetConfigsAsDict(void) {
    PyObject *result = PyDict_New();
    if (result == NULL) return NULL;
    if (put(result, "global_config", globals_to_dict()) < 0 ||
        put(result, "pre_config", pre_config_to_dict(kr_pre_config())) < 0 ||
        put(result, "config", _PyConfig_AsDict(&kr_tstate()->interp->config)) < 0)
        Py_CLEAR(result);
    return result;
}

/* -- From a dictionary ------------------------------------------------------------------------------------------- */

static int status_to_error(PyStatus status) {
    if (!PyStatus_Exception(status)) return 0;
    PyErr_SetString(PyExc_ValueError, status.err_msg != NULL ? status.err_msg : "invalid configuration");
    return -1;
}

static int wrong_value(const Member *member) {
    PyErr_Format(PyExc_ValueError, "invalid config value: %s", member->name);
    return -1;
}

static int wrong_type(const Member *member) {
    PyErr_Format(PyExc_TypeError, "invalid config type: %s", member->name);
    return -1;
}

static int flag_from_object(int *flag, const Member *member, PyObject *value) {
    long number = PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) return wrong_type(member);
        return PyErr_ExceptionMatches(PyExc_OverflowError) ? wrong_value(member) : -1;
    }
    if (number < 0 || number > INT_MAX) return wrong_value(member);
    if (member->offset == offsetof(PyConfig, _config_init) && (number < KR_CONFIG_COMPATIBLE || number > KR_CONFIG_ISOLATED))
        return wrong_value(member);
    *flag = (int)number;
    return 0;
}

static int text_from_object(PyConfig *config, wchar_t **text, const Member *member, PyObject *value) {
    if (value == Py_None) {
        if (member->kind != OPTIONAL_TEXT) return wrong_value(member);
        return status_to_error(PyConfig_SetString(config, text, NULL));
    }
    if (!PyUnicode_Check(value)) return wrong_type(member);
    wchar_t *copy = PyUnicode_AsWideCharString(value, NULL);
    if (copy == NULL) return -1;
    PyStatus status = PyConfig_SetString(config, text, copy);
    PyMem_Free(copy);
    return status_to_error(status);
}

static int texts_from_object(PyConfig *config, PyWideStringList *texts, const Member *member, PyObject *value) {
    if (!PyList_Check(value) && !PyTuple_Check(value)) return wrong_type(member);
    if (status_to_error(PyConfig_SetWideStringList(config, texts, 0, NULL)) < 0) return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(value, i);
        if (item == Py_None) return wrong_value(member);
        if (!PyUnicode_Check(item)) return wrong_type(member);
        wchar_t *copy = PyUnicode_AsWideCharString(item, NULL);
        if (copy == NULL) return -1;
        PyStatus status = PyWideStringList_Append(texts, copy);
        PyMem_Free(copy);
        if (status_to_error(status) < 0) return -1;
    }
    return 0;
}

int _PyConfig_FromDict(PyConfig *config, PyObject *dict) {
    if (!PyDict_Check(dict)) {
        PyErr_SetString(PyExc_TypeError, "dict expected");
        return -1;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(members); i++) {
        const Member *member = &members[i];
        PyObject *name = PyUnicode_FromString(member->name);
        if (name == NULL) return -1;
        PyObject *value = PyDict_GetItemWithError(dict, name);
        Py_DECREF(name);
        if (value == NULL) {
            if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "missing config key: %s", member->name);
            return -1;
        }
        void *at = (char *)config + member->offset;
        int status = 0;
        switch (member->kind) {
            case FLAG: status = flag_from_object(at, member, value); break;
            case TEXT:
            case OPTIONAL_TEXT: status = text_from_object(config, at, member, value); break;
            case TEXTS: status = texts_from_object(config, at, member, value); break;
            case SEED: {
                unsigned long seed = PyLong_AsUnsignedLong(value);
                if (seed == (unsigned long)-1 && PyErr_Occurred())
                    return PyErr_ExceptionMatches(PyExc_TypeError) ? wrong_type(member) : wrong_value(member);
                if (seed > LARGEST_SEED) return wrong_value(member);
                *(unsigned long *)at = seed;
            }
        }
        if (status < 0) return -1;
    }
    return 0;
}

/* -- The interpreter's own configuration --------------------------------------------------------------------------- */

int _PyInterpreterState_GetConfigCopy(PyConfig *config) {
    return status_to_error(kr_config_copy(config, &kr_tstate()->interp->config));
}

int _PyInterpreterState_SetConfig(const PyConfig *config) {
    PyConfig copy;
    PyConfig_InitPythonConfig(&copy);
    int status = status_to_error(kr_config_copy(&copy, config));
    if (status == 0) status = status_to_error(PyConfig_Read(&copy));
    if (status == 0) status = kr_interpreter_configure(&copy);
    PyConfig_Clear(&copy);
    return status;
}

PyObject *_Py_Get_Getpath_CodeObject(void) {
    PyErr_SetString(PyExc_NotImplementedError, "the paths of this interpreter are not computed by Python code");
    return NULL;
}
