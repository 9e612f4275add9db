/* Configuration: PyConfig and PyPreConfig, the environment, and where the library is. */
#include <Python.h>
#include <ctype.h>
#include <langinfo.h>
#include <locale.h>

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "runtime/config.h"

/* ---- PyStatus ---- */

PyStatus PyStatus_Ok(void) { return (PyStatus){._type = _PyStatus_TYPE_OK}; }
PyStatus PyStatus_Error(const char *message) { return (PyStatus){._type = _PyStatus_TYPE_ERROR, .err_msg = message}; }
PyStatus PyStatus_NoMemory(void) { return PyStatus_Error("memory allocation failed"); }
PyStatus PyStatus_Exit(int code) { return (PyStatus){._type = _PyStatus_TYPE_EXIT, .exitcode = code}; }
int PyStatus_IsError(PyStatus status) { return status._type == _PyStatus_TYPE_ERROR; }
int PyStatus_IsExit(PyStatus status) { return status._type == _PyStatus_TYPE_EXIT; }
int PyStatus_Exception(PyStatus status) { return status._type != _PyStatus_TYPE_OK; }

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        PyStatus status_ = (call);                                                                                     \
        if (PyStatus_Exception(status_)) return status_;                                                               \
    } while (0)

/* ---- Lists of strings ---- */

PyStatus PyWideStringList_Insert(PyWideStringList *list, Py_ssize_t index, const wchar_t *item) {
    if (index < 0) return PyStatus_Error("PyWideStringList_Insert index must be >= 0");
    if (index > list->length) index = list->length;
    wchar_t *copy = _PyMem_RawWcsdup(item);
    wchar_t **items = copy == NULL ? NULL : PyMem_RawRealloc(list->items, (size_t)(list->length + 1) * sizeof(wchar_t *));
    if (items == NULL) {
        PyMem_RawFree(copy);
        return PyStatus_NoMemory();
    }
    memmove(items + index + 1, items + index, (size_t)(list->length - index) * sizeof(wchar_t *));
    items[index] = copy;
    list->items = items;
    list->length++;
    return PyStatus_Ok();
}

PyStatus PyWideStringList_Append(PyWideStringList *list, const wchar_t *item) {
    return PyWideStringList_Insert(list, list->length, item);
}

static void list_clear(PyWideStringList *list) {
    for (Py_ssize_t i = 0; i < list->length; i++) PyMem_RawFree(list->items[i]);
    PyMem_RawFree(list->items);
    list->items = NULL;
    list->length = 0;
}

static PyStatus list_copy(PyWideStringList *to, const PyWideStringList *from) {
    list_clear(to);
    for (Py_ssize_t i = 0; i < from->length; i++) TRY(PyWideStringList_Append(to, from->items[i]));
    return PyStatus_Ok();
}

/* ---- PyConfig ---- */

/* Every member that owns strings, for copying and clearing. */
#define STRING_MEMBERS(DO)                                                                                             \
    DO(dump_refs_file) DO(filesystem_encoding) DO(filesystem_errors) DO(pycache_prefix) DO(stdio_encoding)             \
    DO(stdio_errors) DO(check_hash_pycs_mode) DO(program_name) DO(pythonpath_env) DO(home) DO(platlibdir)              \
    DO(stdlib_dir) DO(executable) DO(base_executable) DO(prefix) DO(base_prefix) DO(exec_prefix)                       \
    DO(base_exec_prefix) DO(run_command) DO(run_module) DO(run_filename)
#define LIST_MEMBERS(DO) DO(orig_argv) DO(argv) DO(xoptions) DO(warnoptions) DO(module_search_paths)

static void init_common(PyConfig *config) {
    memset(config, 0, sizeof *config);
    config->use_hash_seed = -1;
    config->faulthandler = -1;
    config->tracemalloc = -1;
    config->import_time = 0;
    config->code_debug_ranges = 1;
    config->site_import = 1;
    config->write_bytecode = 1;
    config->user_site_directory = 1;
    config->buffered_stdio = 1;
    config->install_signal_handlers = 1;
    config->use_environment = 1;
    config->pathconfig_warnings = 1;
    config->use_frozen_modules = 1;
    config->_install_importlib = 1;
    config->_init_main = 1;
    config->parse_argv = 1;
    config->configure_c_stdio = 1;
}

void PyConfig_InitPythonConfig(PyConfig *config) {
    init_common(config);
    config->_config_init = KR_CONFIG_PYTHON;
}

void PyConfig_InitIsolatedConfig(PyConfig *config) {
    init_common(config);
    config->_config_init = KR_CONFIG_ISOLATED;
    config->isolated = 1;
    config->use_environment = 0;
    config->user_site_directory = 0;
    config->safe_path = 1;
    config->install_signal_handlers = 0;
    config->parse_argv = 0;
    config->configure_c_stdio = 0;
    config->pathconfig_warnings = 0;
}

void PyConfig_Clear(PyConfig *config) {
#define CLEAR(member)                                                                                                  \
    PyMem_RawFree(config->member);                                                                                     \
    config->member = NULL;
#define CLEAR_LIST(member) list_clear(&config->member);
    STRING_MEMBERS(CLEAR)
    LIST_MEMBERS(CLEAR_LIST)
    config->module_search_paths_set = 0;
}

PyStatus kr_config_copy(PyConfig *to, const PyConfig *from) {
    PyConfig_Clear(to);
    *to = *from;
#define FORGET(member) to->member = NULL;
#define FORGET_LIST(member) to->member = (PyWideStringList){0};
    STRING_MEMBERS(FORGET)
    LIST_MEMBERS(FORGET_LIST)
#define COPY(member)                                                                                                   \
    if (from->member != NULL && (to->member = _PyMem_RawWcsdup(from->member)) == NULL) return PyStatus_NoMemory();
#define COPY_LIST(member) TRY(list_copy(&to->member, &from->member));
    STRING_MEMBERS(COPY)
    LIST_MEMBERS(COPY_LIST)
    return PyStatus_Ok();
}

PyStatus PyConfig_SetString(PyConfig *config, wchar_t **member, const wchar_t *text) {
    wchar_t *copy = NULL;
    if (text != NULL && (copy = _PyMem_RawWcsdup(text)) == NULL) return PyStatus_NoMemory();
    PyMem_RawFree(*member);
    *member = copy;
    return PyStatus_Ok();
}

/* The status for a Py_DecodeLocale that returned NULL and this length. */
static PyStatus decoding_failed(size_t length, const char *what) {
    return length == (size_t)-1 ? PyStatus_NoMemory() : PyStatus_Error(what);
}

PyStatus PyConfig_SetBytesString(PyConfig *config, wchar_t **member, const char *text) {
    wchar_t *decoded = NULL;
    size_t length;
    if (text != NULL && (decoded = Py_DecodeLocale(text, &length)) == NULL) return decoding_failed(length, "cannot decode string");
    PyMem_RawFree(*member);
    *member = decoded;
    return PyStatus_Ok();
}

PyStatus PyConfig_SetWideStringList(PyConfig *config, PyWideStringList *list, Py_ssize_t length, wchar_t **items) {
    PyWideStringList from = {length, items};
    return list_copy(list, &from);
}

PyStatus PyConfig_SetArgv(PyConfig *config, Py_ssize_t argc, wchar_t *const *argv) {
    PyWideStringList from = {argc, (wchar_t **)(uintptr_t)argv};
    return list_copy(&config->argv, &from);
}

PyStatus PyConfig_SetBytesArgv(PyConfig *config, Py_ssize_t argc, char *const *argv) {
    list_clear(&config->argv);
    for (Py_ssize_t i = 0; i < argc; i++) {
        size_t length;
        wchar_t *decoded = Py_DecodeLocale(argv[i], &length);
        if (decoded == NULL) return decoding_failed(length, "cannot decode command line arguments");
        PyStatus status = PyWideStringList_Append(&config->argv, decoded);
        PyMem_RawFree(decoded);
        TRY(status);
    }
    return PyStatus_Ok();
}

/* ---- PyPreConfig ---- */

static PyPreConfig pre_config;

void PyPreConfig_InitPythonConfig(PyPreConfig *config) {
    memset(config, 0, sizeof *config);
    config->_config_init = KR_CONFIG_PYTHON;
    config->parse_argv = 1;
    config->use_environment = 1;
    config->configure_locale = 1;
    config->utf8_mode = -1;
    config->coerce_c_locale = -1;
    config->coerce_c_locale_warn = -1;
}

void PyPreConfig_InitIsolatedConfig(PyPreConfig *config) {
    memset(config, 0, sizeof *config);
    config->_config_init = KR_CONFIG_ISOLATED;
    config->isolated = 1;
}

PyPreConfig *kr_pre_config(void) { return &pre_config; }

/* ---- The environment ---- */

const char *kr_config_getenv(const PyConfig *config, const char *name) {
    if (!config->use_environment) return NULL;
    const char *value = getenv(name);
    return value == NULL || *value == 0 ? NULL : value;
}

/* The number in an environment variable: 0 if unset, 1 for anything that is no number (it is "set"). */
static int env_flag(const PyConfig *config, const char *name) {
    const char *value = kr_config_getenv(config, name);
    if (value == NULL) return 0;
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (*end != 0 || errno != 0 || number < 0 || number > INT_MAX) return 1;
    return (int)number;
}

static void raise_flag(int *member, int value) {
    if (*member < value) *member = value;
}

const wchar_t *kr_config_xoption(const PyConfig *config, const wchar_t *name) {
    size_t length = wcslen(name);
    for (Py_ssize_t i = 0; i < config->xoptions.length; i++) {
        const wchar_t *option = config->xoptions.items[i];
        if (wcsncmp(option, name, length) == 0 && (option[length] == 0 || option[length] == '=')) return option;
    }
    return NULL;
}

/* The number after '=' of an -X option; `missing` without one; -1 if it is no number. */
static long xoption_number(const wchar_t *option, long missing) {
    const wchar_t *sign = wcschr(option, '=');
    if (sign == NULL) return missing;
    wchar_t *end;
    errno = 0;
    long number = wcstol(sign + 1, &end, 10);
    return *end != 0 || end == sign + 1 || errno != 0 ? -1 : number;
}

static PyStatus read_environment(PyConfig *config) {
    const char *text;
    raise_flag(&config->parser_debug, env_flag(config, "PYTHONDEBUG"));
    raise_flag(&config->verbose, env_flag(config, "PYTHONVERBOSE"));
    raise_flag(&config->optimization_level, env_flag(config, "PYTHONOPTIMIZE"));
    raise_flag(&config->inspect, env_flag(config, "PYTHONINSPECT"));
    if (env_flag(config, "PYTHONDONTWRITEBYTECODE")) config->write_bytecode = 0;
    if (env_flag(config, "PYTHONNOUSERSITE")) config->user_site_directory = 0;
    if (env_flag(config, "PYTHONUNBUFFERED")) config->buffered_stdio = 0;
    if (env_flag(config, "PYTHONSAFEPATH")) config->safe_path = 1;
    if (config->pycache_prefix == NULL) {
        const wchar_t *option = kr_config_xoption(config, L"pycache_prefix");
        if (option != NULL) {
            const wchar_t *sign = wcschr(option, '=');
            if (sign != NULL && sign[1] != 0) TRY(PyConfig_SetString(config, &config->pycache_prefix, sign + 1));
        } else if ((text = kr_config_getenv(config, "PYTHONPYCACHEPREFIX")) != NULL) {
            TRY(PyConfig_SetBytesString(config, &config->pycache_prefix, text));
        }
    }
    if (config->pythonpath_env == NULL && (text = kr_config_getenv(config, "PYTHONPATH")) != NULL)
        TRY(PyConfig_SetBytesString(config, &config->pythonpath_env, text));
    if (config->home == NULL && (text = kr_config_getenv(config, "PYTHONHOME")) != NULL)
        TRY(PyConfig_SetBytesString(config, &config->home, text));
    if (config->platlibdir == NULL) {
        text = kr_config_getenv(config, "PYTHONPLATLIBDIR");
        TRY(PyConfig_SetBytesString(config, &config->platlibdir, text != NULL ? text : "lib"));
    }
    if ((text = kr_config_getenv(config, "PYTHONIOENCODING")) != NULL &&
        (config->stdio_encoding == NULL || config->stdio_errors == NULL)) {
        char encoding[256];
        snprintf(encoding, sizeof encoding, "%s", text);
        char *errors = strchr(encoding, ':');
        if (errors != NULL) *errors++ = 0;
        if (config->stdio_encoding == NULL && encoding[0] != 0)
            TRY(PyConfig_SetBytesString(config, &config->stdio_encoding, encoding));
        if (config->stdio_errors == NULL && errors != NULL && *errors != 0)
            TRY(PyConfig_SetBytesString(config, &config->stdio_errors, errors));
        else if (config->stdio_errors == NULL && encoding[0] != 0)
            TRY(PyConfig_SetBytesString(config, &config->stdio_errors, "strict"));
    }
    return PyStatus_Ok();
}

static PyStatus read_hash_seed(PyConfig *config) {
    if (config->use_hash_seed >= 0) return PyStatus_Ok();
    const char *text = kr_config_getenv(config, "PYTHONHASHSEED");
    if (text == NULL || strcmp(text, "random") == 0) {
        config->use_hash_seed = 0;
        config->hash_seed = 0;
        return PyStatus_Ok();
    }
    char *end;
    errno = 0;
    unsigned long seed = strtoul(text, &end, 10);
    if (*end != 0 || seed > 4294967295UL || errno == ERANGE)
        return PyStatus_Error("PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]");
    config->use_hash_seed = 1;
    config->hash_seed = seed;
    return PyStatus_Ok();
}

static PyStatus utf8_mode_error(const char *message) {
    PyStatus status = PyStatus_Error(message);
    status.func = "preconfig_init_utf8_mode";
    return status;
}

/* UTF-8 mode (PEP 540): as asked for, else on in the C locale. */
static PyStatus read_utf8_mode(const PyConfig *config) {
    PyPreConfig *pre = kr_pre_config();
    const wchar_t *option = kr_config_xoption(config, L"utf8");
    const char *text = kr_config_getenv(config, "PYTHONUTF8");
    int mode;
    if (pre->_config_init != 0 && pre->utf8_mode >= 0) {
        mode = pre->utf8_mode;
    } else if (option != NULL) {
        mode = wcscmp(option, L"utf8") == 0 || wcscmp(option, L"utf8=1") == 0;
        if (!mode && wcscmp(option, L"utf8=0") != 0) return utf8_mode_error("invalid -X utf8 option value");
    } else if (text != NULL) {
        mode = strcmp(text, "1") == 0;
        if (!mode && strcmp(text, "0") != 0)
            return utf8_mode_error("invalid PYTHONUTF8 environment variable value");
    } else {
        mode = kr_locale_began_as_c();
    }
    pre->utf8_mode = Py_UTF8Mode = mode;
    return PyStatus_Ok();
}

static PyStatus read_xoptions(PyConfig *config) {
    const wchar_t *option;
    if (kr_config_xoption(config, L"dev") != NULL || kr_config_getenv(config, "PYTHONDEVMODE")) config->dev_mode = 1;
    if (config->faulthandler < 0)
        config->faulthandler = config->dev_mode || kr_config_getenv(config, "PYTHONFAULTHANDLER") != NULL ||
                               kr_config_xoption(config, L"faulthandler") != NULL;
    if (kr_config_xoption(config, L"importtime") != NULL || kr_config_getenv(config, "PYTHONPROFILEIMPORTTIME"))
        config->import_time = 1;
    if (kr_config_xoption(config, L"no_debug_ranges") != NULL || kr_config_getenv(config, "PYTHONNODEBUGRANGES"))
        config->code_debug_ranges = 0;
    if (kr_config_xoption(config, L"warn_default_encoding") != NULL || kr_config_getenv(config, "PYTHONWARNDEFAULTENCODING"))
        config->warn_default_encoding = 1;
    if (kr_config_xoption(config, L"showrefcount") != NULL) config->show_ref_count = 1;
    if (kr_config_getenv(config, "PYTHONMALLOCSTATS")) config->malloc_stats = 1;
    if ((option = kr_config_xoption(config, L"frozen_modules")) != NULL) {
        const wchar_t *sign = wcschr(option, '=');
        if (sign == NULL || wcscmp(sign + 1, L"on") == 0)
            config->use_frozen_modules = 1;
        else if (wcscmp(sign + 1, L"off") == 0)
            config->use_frozen_modules = 0;
        else if (sign[1] != 0)
            return PyStatus_Error("bad value for option -X frozen_modules (expected \"on\" or \"off\")");
    }
    if (config->tracemalloc < 0) {
        const char *text = kr_config_getenv(config, "PYTHONTRACEMALLOC");
        long frames = 0;
        if ((option = kr_config_xoption(config, L"tracemalloc")) != NULL) {
            frames = xoption_number(option, 1);
            if (frames < 0) return PyStatus_Error("-X tracemalloc=NFRAME: invalid number of frames");
        } else if (text != NULL) {
            char *end;
            frames = strtol(text, &end, 10);
            if (*end != 0 || frames < 0) return PyStatus_Error("PYTHONTRACEMALLOC: invalid number of frames");
        }
        config->tracemalloc = (int)frames;
    }
    if (config->check_hash_pycs_mode == NULL) TRY(PyConfig_SetString(config, &config->check_hash_pycs_mode, L"default"));
    return PyStatus_Ok();
}

/* Warning filters: -X dev, PYTHONWARNINGS, -W, -b in rising priority, so that the last ones win. */
static PyStatus read_warnings(PyConfig *config) {
    PyWideStringList all = {0};
    PyStatus status = PyStatus_Ok();
    if (config->dev_mode) status = PyWideStringList_Append(&all, L"default");
    const char *text = kr_config_getenv(config, "PYTHONWARNINGS");
    if (text != NULL) {
        wchar_t *decoded = Py_DecodeLocale(text, NULL), *save = NULL;
        if (decoded == NULL) return PyStatus_NoMemory();
        for (wchar_t *item = wcstok(decoded, L",", &save); item != NULL && !PyStatus_Exception(status);
             item = wcstok(NULL, L",", &save))
            status = PyWideStringList_Append(&all, item);
        PyMem_RawFree(decoded);
    }
    for (Py_ssize_t i = 0; i < config->warnoptions.length && !PyStatus_Exception(status); i++)
        status = PyWideStringList_Append(&all, config->warnoptions.items[i]);
    if (config->bytes_warning && !PyStatus_Exception(status))
        status = PyWideStringList_Append(&all, config->bytes_warning > 1 ? L"error::BytesWarning" : L"default::BytesWarning");
    if (!PyStatus_Exception(status)) status = list_copy(&config->warnoptions, &all);
    list_clear(&all);
    return status;
}

/* ---- Paths ---- */

static int is_file(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Finds the executable: argv[0] if it has a slash, else along PATH. Writes "" if it is not found. */
static void find_executable(const char *program, char *result, size_t size) {
    *result = 0;
    if (strchr(program, '/') != NULL) {
        if (program[0] == '/') {
            snprintf(result, size, "%s", program);
        } else {
            char folder[PATH_MAX];
            if (getcwd(folder, sizeof folder) != NULL)
                snprintf(result, size, "%s/%s", folder, strncmp(program, "./", 2) == 0 ? program + 2 : program);
        }
        return;
    }
    const char *path = getenv("PATH");
    while (path != NULL && *path != 0) {
        size_t length = strcspn(path, ":");
        snprintf(result, size, "%.*s/%s", (int)length, path, program);
        if (is_file(result) && access(result, X_OK) == 0) return;
        path += length + (path[length] == ':');
    }
    *result = 0;
}

/* The value of a key in a pyvenv.cfg file; 1 if there is one. */
static int venv_value(const char *file, const char *key, char *value, size_t size) {
    FILE *stream = fopen(file, "r");
    if (stream == NULL) return 0;
    char line[PATH_MAX + 64];
    int found = 0;
    while (!found && fgets(line, sizeof line, stream) != NULL) {
        char *sign = strchr(line, '=');
        if (sign == NULL) continue;
        char *end = sign;
        while (end > line && (end[-1] == ' ' || end[-1] == '\t')) end--;
        if ((size_t)(end - line) != strlen(key) || strncasecmp(line, key, strlen(key)) != 0) continue;
        char *start = sign + 1 + strspn(sign + 1, " \t");
        start[strcspn(start, "\r\n")] = 0;
        snprintf(value, size, "%s", start);
        found = 1;
    }
    fclose(stream);
    return found;
}

static void parent_folder(char *path) {
    char *slash = strrchr(path, '/');
    if (slash != NULL) *slash = 0;
}

static PyStatus set_default(PyConfig *config, wchar_t **member, const char *text) {
    return *member != NULL ? PyStatus_Ok() : PyConfig_SetBytesString(config, member, text);
}

/* Without a value of its own, a path of the base installation is that of this one. */
static PyStatus set_base_default(PyConfig *config, wchar_t **member, const wchar_t *path) {
    return *member != NULL ? PyStatus_Ok() : PyConfig_SetString(config, member, path);
}

/* Finds the folder from `start` upwards that holds the library, else the one that was named when this was built. */
static void find_prefix(const char *start, char *prefix) {
    char path[PATH_MAX + 32];
    snprintf(prefix, PATH_MAX, "%s", start);
    for (; *prefix != 0; parent_folder(prefix)) {
        snprintf(path, sizeof path, "%s/lib/python3.11/os.py", prefix);
        if (is_file(path)) return;
    }
    snprintf(prefix, PATH_MAX, "%s", KRAIT_LIBRARY_HOME);
}

PyStatus kr_config_append_paths(PyWideStringList *list, const wchar_t *text) {
    for (;;) {
        size_t length = wcscspn(text, L":");
        wchar_t *item = PyMem_RawMalloc((length + 1) * sizeof(wchar_t));
        if (item == NULL) return PyStatus_NoMemory();
        wmemcpy(item, text, length);
        item[length] = 0;
        PyStatus status = PyWideStringList_Append(list, item);
        PyMem_RawFree(item);
        TRY(status);
        if (text[length] == 0) return status;
        text += length + 1;
    }
}

/* Computes prefixes, the executable and sys.path, as the documentation of sys.path initialisation describes. */
static PyStatus compute_paths(PyConfig *config) {
    char executable[2 * PATH_MAX], prefix[PATH_MAX], exec_prefix[PATH_MAX], buffer[2 * PATH_MAX], start[PATH_MAX];
    char *program = config->program_name == NULL ? NULL : Py_EncodeLocale(config->program_name, NULL);
    find_executable(program != NULL ? program : "krait", executable, sizeof executable);
    PyMem_Free(program);
    if (config->executable != NULL) {
        char *given = Py_EncodeLocale(config->executable, NULL);
        if (given == NULL) return PyStatus_NoMemory();
        snprintf(executable, sizeof executable, "%s", given);
        PyMem_Free(given);
    }
    snprintf(buffer, sizeof buffer, "%s", executable);
    if (*executable == 0 || realpath(executable, start) == NULL) *start = 0;
    parent_folder(start);
    if (config->home != NULL) {
        char *home = Py_EncodeLocale(config->home, NULL);
        if (home == NULL) return PyStatus_NoMemory();
        char *colon = strchr(home, ':');
        if (colon != NULL) *colon++ = 0;
        snprintf(prefix, sizeof prefix, "%s", home);
        snprintf(exec_prefix, sizeof exec_prefix, "%s", colon != NULL ? colon : home);
        PyMem_Free(home);
    } else if (*executable != 0) { /* a virtual environment is a pyvenv.cfg beside the executable or one folder up */
        char home[PATH_MAX];
        parent_folder(buffer);
        size_t length = strlen(buffer);
        snprintf(buffer + length, sizeof buffer - length, "/pyvenv.cfg");
        if (!is_file(buffer)) {
            buffer[length] = 0;
            parent_folder(buffer);
            length = strlen(buffer);
            snprintf(buffer + length, sizeof buffer - length, "/pyvenv.cfg");
        }
        if (is_file(buffer) && venv_value(buffer, "home", home, sizeof home)) {
            char *name = strrchr(executable, '/');
            char base[2 * PATH_MAX];
            snprintf(base, sizeof base, "%s%s", home, name);
            if (!is_file(base)) snprintf(base, sizeof base, "%s/krait", home);
            TRY(set_default(config, &config->base_executable, base));
            snprintf(start, sizeof start, "%s", home); /* site.py sets sys.prefix for a virtual environment */
        }
    }
    if (config->home == NULL) {
        find_prefix(start, prefix);
        snprintf(exec_prefix, sizeof exec_prefix, "%s", prefix);
    }
    TRY(set_default(config, &config->executable, executable));
    TRY(set_base_default(config, &config->base_executable, config->executable));
    TRY(set_default(config, &config->prefix, prefix));
    TRY(set_base_default(config, &config->base_prefix, config->prefix));
    TRY(set_default(config, &config->exec_prefix, exec_prefix));
    TRY(set_base_default(config, &config->base_exec_prefix, config->exec_prefix));
    snprintf(buffer, sizeof buffer, "%s/lib/python3.11", prefix);
    TRY(set_default(config, &config->stdlib_dir, buffer));
    if (config->module_search_paths_set) return PyStatus_Ok();
    list_clear(&config->module_search_paths);
    if (config->pythonpath_env != NULL) TRY(kr_config_append_paths(&config->module_search_paths, config->pythonpath_env));
    const char *tails[] = {"lib/python311.zip", "lib/python3.11", "lib/python3.11/lib-dynload"};
    for (int i = 0; i < 3; i++) {
        snprintf(buffer, sizeof buffer, "%s/%s", i == 2 ? exec_prefix : prefix, tails[i]);
        wchar_t *decoded = Py_DecodeLocale(buffer, NULL);
        if (decoded == NULL) return PyStatus_NoMemory();
        PyStatus status = PyWideStringList_Append(&config->module_search_paths, decoded);
        PyMem_RawFree(decoded);
        TRY(status);
    }
    config->module_search_paths_set = 1;
    return PyStatus_Ok();
}

/* Names and texts that are not UTF-8 pass unharmed through the streams in the C locale, its relatives and UTF-8 mode. */
static const wchar_t *stdio_errors(void) {
    static const char *const lenient[] = {"C", "POSIX", "C.UTF-8", "C.utf8", "UTF-8"};
    const char *name = setlocale(LC_CTYPE, NULL);
    if (Py_UTF8Mode || name == NULL) return L"surrogateescape";
    for (size_t i = 0; i < Py_ARRAY_LENGTH(lenient); i++)
        if (strcmp(name, lenient[i]) == 0) return L"surrogateescape";
    return L"strict";
}

/* The encoding of file names and streams, by the name that its codec gives itself. */
static PyStatus set_default_encoding(PyConfig *config, wchar_t **member) {
    if (*member != NULL) return PyStatus_Ok();
    const char *codeset = Py_UTF8Mode ? "" : nl_langinfo(CODESET);
    char name[64] = "utf-8";
    if (strcmp(codeset, "ANSI_X3.4-1968") == 0)
        strcpy(name, "ascii");
    else if (strncmp(codeset, "ISO-8859-", 9) == 0)
        snprintf(name, sizeof name, "iso8859-%s", codeset + 9);
    else if (*codeset != 0)
        snprintf(name, sizeof name, "%s", codeset);
    for (char *at = name; *at != 0; at++) *at = (char)tolower((unsigned char)*at);
    return PyConfig_SetBytesString(config, member, name);
}

PyStatus PyConfig_Read(PyConfig *config) {
    if (config->orig_argv.length == 0 && config->argv.length > 0) TRY(list_copy(&config->orig_argv, &config->argv));
    if (config->isolated > 0) {
        config->safe_path = 1;
        config->use_environment = 0;
        config->user_site_directory = 0;
    }
    if (config->parse_argv == 1) {
        TRY(kr_config_parse_argv(config));
        config->parse_argv = 2;
    }
    if (config->isolated > 0) {
        config->safe_path = 1;
        config->use_environment = 0;
        config->user_site_directory = 0;
    }
    TRY(read_utf8_mode(config));
    if (config->argv.length == 0) TRY(PyWideStringList_Append(&config->argv, L""));
    TRY(kr_path_config_read(config));
    if (config->program_name == NULL)
        TRY(PyConfig_SetString(config, &config->program_name,
                               config->orig_argv.length > 0 ? config->orig_argv.items[0] : L"krait"));
    TRY(read_environment(config));
    TRY(read_hash_seed(config));
    TRY(read_xoptions(config));
    TRY(read_warnings(config));
    TRY(set_default_encoding(config, &config->filesystem_encoding));
    if (config->filesystem_errors == NULL) TRY(PyConfig_SetString(config, &config->filesystem_errors, L"surrogateescape"));
    TRY(set_default_encoding(config, &config->stdio_encoding));
    if (config->stdio_errors == NULL)
        TRY(PyConfig_SetString(config, &config->stdio_errors, stdio_errors()));
    return compute_paths(config);
}
