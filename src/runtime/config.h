/* Configuration of an interpreter: what its command line and environment say. */
#ifndef KR_RUNTIME_CONFIG_H
#define KR_RUNTIME_CONFIG_H

#include <Python.h>

/* Which set of defaults a configuration began with, in its member _config_init: those of the time before PyConfig, those of
 * the command python3, or those of a program that wants nothing from outside. */
enum { KR_CONFIG_COMPATIBLE = 1, KR_CONFIG_PYTHON = 2, KR_CONFIG_ISOLATED = 3 };

/* Parses config->argv as the command line (options.c): sets the options' members, leaves sys.argv in config->argv. */
PyStatus kr_config_parse_argv(PyConfig *config);
PyStatus kr_config_copy(PyConfig *to, const PyConfig *from);
/* An environment variable that is set and not empty, unless the environment is ignored. */
const char *kr_config_getenv(const PyConfig *config, const char *name);
/* The first -X option of that name ("name" or "name=value"), or NULL. */
const wchar_t *kr_config_xoption(const PyConfig *config, const wchar_t *name);
PyPreConfig *kr_pre_config(void);
/* Chooses the allocators (allocators.c), before anything is allocated; one of the two forms of the command line is NULL. */
PyStatus kr_allocators_start(int argc, char **bytes, wchar_t **wide);
/* Appends the parts of a text between colons. */
PyStatus kr_config_append_paths(PyWideStringList *list, const wchar_t *text);
/* What Py_SetProgramName and its like were told (path_config.c): fills members that are not set. */
PyStatus kr_path_config_read(PyConfig *config);
/* Notes what Py_GetProgramName and its like are to tell. */
void kr_path_config_update(const PyConfig *config);
/* The options that are needed before the command line can be decoded (early_options.c). */
typedef struct KrEarlyOptions {
    int use_environment; /* 0 for -E and -I */
    int dev_mode;        /* 1 for -X dev */
    int utf8_mode;       /* what -X utf8 says, -1 without it */
} KrEarlyOptions;
/* Looks for them; one of the two forms of the command line is NULL. */
const KrEarlyOptions *kr_early_options_scan(int argc, char **bytes, wchar_t **wide);
/* Those that were found. */
const KrEarlyOptions *kr_early_options(void);
/* Sets the limit of the heap that -X maxheap or KRAITMAXHEAP asks for. */
PyStatus kr_heap_limit_start(const PyConfig *config);
/* True if LC_CTYPE is the C or POSIX locale. */
int kr_locale_is_c(void);
/* True if LC_CTYPE was such a locale before it was coerced to UTF-8. */
int kr_locale_began_as_c(void);

#endif
