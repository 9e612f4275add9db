/* What programs tell and ask about paths by the functions of the time before PyConfig.
 *
 * Invariant: the texts outlive interpreters, so they are malloc's and no part of the heap. What Py_SetProgramName and
 * Py_SetPythonHome were given holds for every initialisation that follows; what Py_SetPath and Py_SetStandardStreamEncoding
 * were given holds for the next one. The texts of an initialised interpreter replace them all.
 */
#include <Python.h>

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "object/runtime.h"
#include "runtime/config.h"

PyAPI_FUNC(void) _PyPathConfig_ClearGlobal(void);

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static struct {
    wchar_t *program_name, *home, *executable, *prefix, *exec_prefix, *search_path;
    int path_is_given, executable_is_given; /* for the next initialisation; else they tell of the last one */
    char *encoding, *errors;                /* of the standard streams */
} state;

/* Replaces a text by a copy of another, which may be NULL. */
static void replace(wchar_t **text, const wchar_t *by) {
    wchar_t *copy = by == NULL ? NULL : wcsdup(by);
    if (by != NULL && copy == NULL) Py_FatalError("out of memory");
    free(*text);
    *text = copy;
}

static const wchar_t *unless_empty(const wchar_t *text) { return text != NULL && *text != 0 ? text : NULL; }

void Py_SetProgramName(const wchar_t *name) { replace(&state.program_name, unless_empty(name)); }
void Py_SetPythonHome(const wchar_t *home) { replace(&state.home, unless_empty(home)); }

void _Py_SetProgramFullPath(const wchar_t *path) {
    replace(&state.executable, unless_empty(path));
    state.executable_is_given = state.executable != NULL;
}

void Py_SetPath(const wchar_t *path) {
    state.path_is_given = path != NULL;
    replace(&state.search_path, path);
    replace(&state.prefix, path == NULL ? NULL : L"");
    replace(&state.exec_prefix, path == NULL ? NULL : L"");
}

wchar_t *Py_GetProgramName(void) { return state.program_name; }
wchar_t *Py_GetPythonHome(void) { return state.home; }
wchar_t *Py_GetProgramFullPath(void) { return state.executable; }
wchar_t *Py_GetPrefix(void) { return state.prefix; }
wchar_t *Py_GetExecPrefix(void) { return state.exec_prefix; }
wchar_t *Py_GetPath(void) { return state.search_path; }

static void forget_streams(void) {
    free(state.encoding);
    free(state.errors);
    state.encoding = state.errors = NULL;
}

/* Returns 0, or -1 if it is too late or there is no memory. */
int Py_SetStandardStreamEncoding(const char *encoding, const char *errors) {
    if (Py_IsInitialized()) return -1;
    forget_streams();
    state.encoding = encoding == NULL ? NULL : strdup(encoding);
    state.errors = errors == NULL ? NULL : strdup(errors);
    if ((encoding == NULL || state.encoding != NULL) && (errors == NULL || state.errors != NULL)) return 0;
    forget_streams();
    return -1;
}

void _PyPathConfig_ClearGlobal(void) {
    wchar_t **const texts[] = {&state.program_name, &state.home, &state.executable, &state.prefix, &state.exec_prefix,
                               &state.search_path};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(texts); i++) replace(texts[i], NULL);
    state.path_is_given = state.executable_is_given = 0;
}

#define TRY(call)                                        \
    do {                                                 \
        PyStatus status_ = (call);                       \
        if (PyStatus_Exception(status_)) return status_; \
    } while (0)

/* Sets a member that nobody has set. */
static PyStatus set_default(PyConfig *config, wchar_t **member, const wchar_t *text) {
    return *member != NULL || text == NULL ? PyStatus_Ok() : PyConfig_SetString(config, member, text);
}

PyStatus kr_path_config_read(PyConfig *config) {
    TRY(set_default(config, &config->program_name, state.program_name));
    TRY(set_default(config, &config->home, state.home));
    if (state.executable_is_given) TRY(set_default(config, &config->executable, state.executable));
    if (config->stdio_encoding == NULL && state.encoding != NULL)
        TRY(PyConfig_SetBytesString(config, &config->stdio_encoding, state.encoding));
    if (config->stdio_errors == NULL && state.errors != NULL)
        TRY(PyConfig_SetBytesString(config, &config->stdio_errors, state.errors));
    if (!state.path_is_given || config->module_search_paths_set) return PyStatus_Ok();
    TRY(kr_config_append_paths(&config->module_search_paths, state.search_path));
    config->module_search_paths_set = 1;
    wchar_t **const prefixes[] = {&config->prefix, &config->exec_prefix, &config->base_prefix, &config->base_exec_prefix};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(prefixes); i++) TRY(set_default(config, prefixes[i], L""));
    return PyStatus_Ok();
}

void kr_path_config_update(const PyConfig *config) {
    replace(&state.program_name, config->program_name);
    replace(&state.home, config->home);
    replace(&state.executable, config->executable);
    replace(&state.prefix, config->prefix);
    replace(&state.exec_prefix, config->exec_prefix);
    const PyWideStringList *paths = &config->module_search_paths;
    size_t length = 1;
    for (Py_ssize_t i = 0; i < paths->length; i++) length += wcslen(paths->items[i]) + 1;
    wchar_t *joined = malloc(length * sizeof(wchar_t));
    if (joined == NULL) Py_FatalError("out of memory");
    *joined = 0;
    for (Py_ssize_t i = 0; i < paths->length; i++) {
        if (i > 0) wcscat(joined, L":");
        wcscat(joined, paths->items[i]);
    }
    free(state.search_path);
    state.search_path = joined;
    state.path_is_given = state.executable_is_given = 0;
    forget_streams();
}
