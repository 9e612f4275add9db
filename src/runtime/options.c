/* The command line. */
#include <Python.h>

#include <locale.h>
#include <wchar.h>

#include "runtime/config.h"

int kr_locale_is_c(void) {
    const char *name = setlocale(LC_CTYPE, NULL);
    return name == NULL || strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0;
}

static const char usage_line[] = "usage: %ls [option] ... [-c cmd | -m mod | file | -] [arg] ...\n";

static const char help_text[] =
    "Options (and the environment variables that do the same):\n"
    "-b     : warn about str(bytes) and comparisons of bytes with str (-bb: raise)\n"
    "-B     : write no .pyc files; PYTHONDONTWRITEBYTECODE=x\n"
    "-c cmd : run the program text cmd (ends the options)\n"
    "-d     : accepted and ignored; PYTHONDEBUG=x\n"
    "-E     : ignore all PYTHON* environment variables\n"
    "-h     : print this help and exit (also -? or --help)\n"
    "-i     : open the prompt after the program; PYTHONINSPECT=x\n"
    "-I     : isolated mode: -E, -P and -s\n"
    "-m mod : run the library module mod as a program (ends the options)\n"
    "-O     : leave out assert statements and __debug__ code; PYTHONOPTIMIZE=x\n"
    "-OO    : the same, and leave out docstrings\n"
    "-P     : put no folder of the program at the front of sys.path; PYTHONSAFEPATH=x\n"
    "-q     : open the prompt without a greeting\n"
    "-s     : leave the user's site folder out of sys.path; PYTHONNOUSERSITE=x\n"
    "-S     : do not import site at start\n"
    "-u     : do not buffer stdout and stderr; PYTHONUNBUFFERED=x\n"
    "-v     : report every import (-vv: in more detail); PYTHONVERBOSE=x\n"
    "-V     : print the version and exit (also --version; twice: with details)\n"
    "-W arg : filter warnings: action:message:category:module:lineno; PYTHONWARNINGS=arg\n"
    "-x     : skip the first line of the program\n"
    "-X opt : an implementation-specific option, see --help-xoptions\n"
    "--check-hash-based-pycs always|default|never:\n"
    "         whether .pyc files with a source hash are checked against their source\n"
    "--help-env      : print what the environment variables mean and exit\n"
    "--help-xoptions : print the -X options and exit\n"
    "--help-all      : print all of the help and exit\n"
    "Arguments:\n"
    "file   : the program's file, or a folder or zip file with a __main__.py\n"
    "-      : the program comes from standard input (the default; a terminal gets a prompt)\n"
    "arg ...: the rest becomes sys.argv[1:]\n";

static const char environment_text[] =
    "Environment variables:\n"
    "PYTHONSTARTUP   : file that the prompt executes first\n"
    "PYTHONPATH      : ':'-separated folders put in front of sys.path\n"
    "PYTHONHOME      : prefix below which lib/python3.11 is the library\n"
    "PYTHONPLATLIBDIR: name of the library folder, lib by default\n"
    "PYTHONCASEOK    : ignore case in imports where the system does\n"
    "PYTHONUTF8      : 1 switches UTF-8 mode on, 0 off\n"
    "PYTHONIOENCODING: encoding[:errors] of stdin, stdout and stderr\n"
    "PYTHONFAULTHANDLER: print tracebacks on fatal signals\n"
    "PYTHONHASHSEED  : 'random', or the seed of str and bytes hashes (0 to 4294967295)\n"
    "PYTHONMALLOC    : memory allocator: malloc, pymalloc, debug ...\n"
    "PYTHONCOERCECLOCALE: 0 keeps the C locale as it is\n"
    "PYTHONBREAKPOINT: what breakpoint() calls; 0 disables it\n"
    "PYTHONDEVMODE   : development mode\n"
    "PYTHONPYCACHEPREFIX: root of a parallel tree for .pyc files\n"
    "PYTHONWARNDEFAULTENCODING: warn where open() falls back on the locale's encoding\n"
    "KRAITMAXHEAP    : hard limit of the heap, as -X maxheap\n"
    "Set to anything, these do what the option does: PYTHONDEBUG PYTHONDONTWRITEBYTECODE PYTHONINSPECT\n"
    "PYTHONNOUSERSITE PYTHONOPTIMIZE PYTHONSAFEPATH PYTHONUNBUFFERED PYTHONVERBOSE PYTHONWARNINGS=arg\n";

static const char xoptions_text[] =
    "Implementation-specific options:\n"
    "-X dev             : development mode: more checks and warnings\n"
    "-X faulthandler    : print tracebacks on fatal signals\n"
    "-X frozen_modules=[on|off] : whether modules in the executable are used; on by default\n"
    "-X importtime      : print how long each import takes\n"
    "-X int_max_str_digits=N : digits that int <-> str conversions may have; 0: no limit\n"
    "-X maxheap=SIZE    : hard limit of the heap in bytes (suffixes K, M, G); beyond it, MemoryError\n"
    "-X no_debug_ranges : leave column positions out of code objects\n"
    "-X pycache_prefix=PATH : root of a parallel tree for .pyc files\n"
    "-X tracemalloc[=N] : trace allocations with N frames each (1)\n"
    "-X utf8[=0|1]      : UTF-8 mode\n"
    "-X warn_default_encoding : warn where open() falls back on the locale's encoding\n";

static const wchar_t *program_of(const PyConfig *config) {
    if (config->program_name != NULL) return config->program_name;
    return config->orig_argv.length > 0 ? config->orig_argv.items[0] : L"krait";
}

static PyStatus usage_error(const PyConfig *config) {
    fprintf(stderr, usage_line, program_of(config));
    fprintf(stderr, "Try `python -h' for more information.\n");
    return PyStatus_Exit(2);
}

static void print_version(int details) {
    if (details)
        printf("Krait %s (Python %s) %s\n", KRAIT_VERSION, PY_VERSION, Py_GetVersion());
    else
        printf("Krait %s (Python %s)\n", KRAIT_VERSION, PY_VERSION);
}

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        PyStatus status_ = (call);                                                                                     \
        if (PyStatus_Exception(status_)) return status_;                                                               \
    } while (0)

/* A long option; *used is set to 1 if it took the next argument. */
static PyStatus long_option(PyConfig *config, const wchar_t *option, const wchar_t *next, int *used, int *versions) {
    if (wcscmp(option, L"--help") == 0) {
        printf(usage_line, program_of(config));
        fputs(help_text, stdout);
        return PyStatus_Exit(0);
    }
    if (wcscmp(option, L"--help-env") == 0) {
        fputs(environment_text, stdout);
        return PyStatus_Exit(0);
    }
    if (wcscmp(option, L"--help-xoptions") == 0) {
        fputs(xoptions_text, stdout);
        return PyStatus_Exit(0);
    }
    if (wcscmp(option, L"--help-all") == 0) {
        printf(usage_line, program_of(config));
        fputs(help_text, stdout);
        fputs(environment_text, stdout);
        fputs(xoptions_text, stdout);
        return PyStatus_Exit(0);
    }
    if (wcscmp(option, L"--version") == 0) {
        ++*versions;
        return PyStatus_Ok();
    }
    if (wcsncmp(option, L"--check-hash-based-pycs", 23) == 0 && (option[23] == 0 || option[23] == '=')) {
        const wchar_t *mode = option[23] == '=' ? option + 24 : next;
        *used = option[23] == 0;
        if (mode == NULL) {
            fprintf(stderr, "Argument expected for the --check-hash-based-pycs option\n");
            return usage_error(config);
        }
        if (wcscmp(mode, L"always") != 0 && wcscmp(mode, L"never") != 0 && wcscmp(mode, L"default") != 0) {
            fprintf(stderr, "--check-hash-based-pycs must be one of 'default', 'always', or 'never'\n");
            return usage_error(config);
        }
        return PyConfig_SetString(config, &config->check_hash_pycs_mode, mode);
    }
    fprintf(stderr, "unknown option %ls\n", option);
    return usage_error(config);
}

PyStatus kr_config_parse_argv(PyConfig *config) {
    PyWideStringList *argv = &config->argv;
    Py_ssize_t at = 1;
    int versions = 0, done = 0;
    const wchar_t *first = NULL; /* what sys.argv[0] becomes */
    while (at < argv->length && !done) {
        const wchar_t *option = argv->items[at];
        if (option[0] != '-' || option[1] == 0) break;
        at++;
        if (wcscmp(option, L"--") == 0) break;
        if (option[1] == '-') {
            int used = 0;
            TRY(long_option(config, option, at < argv->length ? argv->items[at] : NULL, &used, &versions));
            at += used;
            continue;
        }
        for (const wchar_t *c = option + 1; *c != 0; c++) {
            const wchar_t *value = NULL;
            if (wcschr(L"cmWX", *c) != NULL) {
                value = c[1] != 0 ? c + 1 : at < argv->length ? argv->items[at++] : NULL;
                if (value == NULL) {
                    fprintf(stderr, "Argument expected for the -%c option\n", (char)*c);
                    return usage_error(config);
                }
            }
            switch (*c) {
                case 'b': config->bytes_warning++; break;
                case 'B': config->write_bytecode = 0; break;
                case 'c': {
                    size_t length = wcslen(value);
                    wchar_t *command = PyMem_RawMalloc((length + 2) * sizeof(wchar_t));
                    if (command == NULL) return PyStatus_NoMemory();
                    wmemcpy(command, value, length);
                    command[length] = '\n';
                    command[length + 1] = 0;
                    PyMem_RawFree(config->run_command);
                    config->run_command = command;
                    first = L"-c";
                    done = 1;
                    break;
                }
                case 'd': config->parser_debug++; break;
                case 'E': config->use_environment = 0; break;
                case 'h':
                case '?':
                    printf(usage_line, program_of(config));
                    fputs(help_text, stdout);
                    return PyStatus_Exit(0);
                case 'i': config->inspect++; config->interactive++; break;
                case 'I': config->isolated++; break;
                case 'm':
                    TRY(PyConfig_SetString(config, &config->run_module, value));
                    first = L"-m";
                    done = 1;
                    break;
                case 'O': config->optimization_level++; break;
                case 'P': config->safe_path = 1; break;
                case 'q': config->quiet++; break;
                case 'R': config->use_hash_seed = 0; break;
                case 's': config->user_site_directory = 0; break;
                case 'S': config->site_import = 0; break;
                case 't': break;
                case 'u': config->buffered_stdio = 0; break;
                case 'v': config->verbose++; break;
                case 'V': versions++; break;
                case 'W': TRY(PyWideStringList_Append(&config->warnoptions, value)); break;
                case 'x': config->skip_source_first_line = 1; break;
                case 'X': TRY(PyWideStringList_Append(&config->xoptions, value)); break;
                case 'J': fprintf(stderr, "-J is reserved for Jython\n"); return usage_error(config);
                default: fprintf(stderr, "Unknown option: -%c\n", (char)*c); return usage_error(config);
            }
            if (value != NULL) break;
        }
    }
    if (versions) {
        print_version(versions > 1);
        return PyStatus_Exit(0);
    }
    if (first == NULL && at < argv->length && wcscmp(argv->items[at], L"-") != 0)
        TRY(PyConfig_SetString(config, &config->run_filename, argv->items[at]));
    if (first != NULL) at--; /* the place of the option's argument is taken by sys.argv[0] */
    for (Py_ssize_t i = 0; i < at && i < argv->length; i++) PyMem_RawFree(argv->items[i]);
    Py_ssize_t rest = at < argv->length ? argv->length - at : 0;
    memmove(argv->items, argv->items + at, (size_t)rest * sizeof(wchar_t *));
    argv->length = rest;
    if (first != NULL) {
        wchar_t *name = _PyMem_RawWcsdup(first);
        if (name == NULL) return PyStatus_NoMemory();
        PyMem_RawFree(argv->items[0]);
        argv->items[0] = name;
    }
    return PyStatus_Ok();
}
