/* The main program: from a configured interpreter to the exit code. */
#include <Python.h>
#include <marshal.h>

#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fileutils.h"
#include "modules/sys.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "runtime/config.h"
#include "runtime/lifecycle.h"
#include "runtime/run.h"

/* What the program is read from. SystemExit ends the process from inside the functions that use these. */
static struct {
    PyObject *command;  /* bytes */
    PyObject *filename; /* of the script */
    PyObject *importer_path;
} state;

void kr_main_finalize(void) {
    Py_CLEAR(state.command);
    Py_CLEAR(state.filename);
    Py_CLEAR(state.importer_path);
}

PyObject *kr_run_read_pyc(FILE *stream) {
    long magic = PyMarshal_ReadLongFromFile(stream);
    if (magic != PyImport_GetMagicNumber()) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "Bad magic number in .pyc file");
        return NULL;
    }
    for (int i = 0; i < 3; i++) PyMarshal_ReadLongFromFile(stream); /* flags, time and size, or the source's hash */
    if (PyErr_Occurred()) return NULL;
    PyObject *code = PyMarshal_ReadLastObjectFromFile(stream);
    if (code == NULL || !PyCode_Check(code)) {
        Py_XDECREF(code);
        PyErr_SetString(PyExc_RuntimeError, "Bad code object in .pyc file");
        return NULL;
    }
    return code;
}

PyObject *kr_sys_script_folder(const PyWideStringList *argv) {
    if (argv->length == 0) return NULL;
    const wchar_t *first = argv->items[0];
    if (wcscmp(first, L"-m") == 0) {
        char folder[PATH_MAX];
        return getcwd(folder, sizeof folder) == NULL ? NULL : PyUnicode_DecodeFSDefault(folder);
    }
    if (wcscmp(first, L"-c") == 0 || *first == 0 || wcscmp(first, L"-") == 0) return PyUnicode_FromString("");
    char *name = Py_EncodeLocale(first, NULL), resolved[PATH_MAX];
    if (name == NULL) return PyErr_NoMemory();
    if (realpath(name, resolved) == NULL) snprintf(resolved, sizeof resolved, "%s", name);
    PyMem_Free(name);
    return PyUnicode_DecodeFSDefault(dirname(resolved));
}

static int prepend_path(PyObject *folder) {
    PyObject *path = PySys_GetObject("path");
    if (path == NULL || !PyList_Check(path)) {
        PyErr_SetString(PyExc_RuntimeError, "unable to get sys.path");
        return -1;
    }
    return PyList_Insert(path, 0, folder);
}

/* Prints the exception; returns the exit code 1. A SystemExit ends the process here. */
static int report(void) {
    if (PyErr_Occurred() == PyExc_KeyboardInterrupt) kr_run_interrupted = 1;
    PyErr_Print();
    return 1;
}

static int run_command(const wchar_t *command, PyCompilerFlags *flags) {
    PyObject *text = PyUnicode_FromWideChar(command, -1);
    if (text == NULL) return report();
    if (PySys_Audit("cpython.run_command", "O", text) < 0) {
        Py_DECREF(text);
        return report();
    }
    Py_XSETREF(state.command, PyUnicode_AsUTF8String(text));
    Py_DECREF(text);
    if (state.command == NULL) {
        PySys_WriteStderr("Unable to decode the command from the command line:\n");
        return report();
    }
    flags->cf_flags |= PyCF_IGNORE_COOKIE;
    return PyRun_SimpleStringFlags(PyBytes_AS_STRING(state.command), flags) != 0;
}

static int run_module(const wchar_t *name, int set_argv0) {
    PyObject *runpy = PyImport_ImportModule("runpy"), *function = NULL, *module = NULL, *result = NULL;
    if (runpy == NULL) {
        fprintf(stderr, "Could not import runpy module\n");
        return report();
    }
    function = PyObject_GetAttrString(runpy, "_run_module_as_main");
    module = PyUnicode_FromWideChar(name, -1);
    kr_start_pages_release();
    if (function != NULL && module != NULL && PySys_Audit("cpython.run_module", "O", module) == 0)
        result = PyObject_CallFunction(function, "OO", module, set_argv0 ? Py_True : Py_False);
    Py_DECREF(runpy);
    Py_XDECREF(function);
    Py_XDECREF(module);
    if (result == NULL) return report();
    Py_DECREF(result);
    return 0;
}

static int run_stdin(PyConfig *config, PyCompilerFlags *flags);

static int run_file(const PyConfig *config, PyCompilerFlags *flags) {
    PyObject *filename = PyUnicode_FromWideChar(config->run_filename, -1), *bytes = NULL;
    Py_XSETREF(state.filename, filename);
    if (filename == NULL || PySys_Audit("cpython.run_file", "O", filename) < 0 ||
        (bytes = PyUnicode_EncodeFSDefault(filename)) == NULL)
        return report();
    struct stat status;
    FILE *stream = fopen(PyBytes_AS_STRING(bytes), "rb");
    Py_DECREF(bytes);
    int code = 0;
    if (stream == NULL) {
        int error = errno;
        char *program = Py_EncodeLocale(config->program_name, NULL);
        PyObject *shown = PyObject_Repr(filename);
        PySys_FormatStderr("%s: can't open file %S: [Errno %d] %s\n", program, shown, error, strerror(error));
        Py_XDECREF(shown);
        PyMem_Free(program);
        code = 2;
    } else if (fstat(fileno(stream), &status) == 0 && S_ISDIR(status.st_mode)) {
        PySys_FormatStderr("%S: %R is a directory, cannot continue\n", PySys_GetObject("executable"), filename);
        fclose(stream);
        code = 1;
    } else if (Py_MakePendingCalls() == -1) {
        fclose(stream);
        code = report();
    } else {
        code = _PyRun_AnyFileObject(stream, filename, 1, flags) != 0;
    }
    return code;
}

/* The prompt's start-up file, and readline with its history. */
static void start_prompt(const PyConfig *config) {
    const char *startup = kr_config_getenv(config, "PYTHONSTARTUP");
    if (startup == NULL) return;
    if (PySys_Audit("cpython.run_startup", "s", startup) < 0) {
        PyErr_Print();
        return;
    }
    FILE *stream = fopen(startup, "r");
    if (stream == NULL) {
        PySys_FormatStderr("Could not open PYTHONSTARTUP\n");
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, startup);
        PyErr_Print();
        return;
    }
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    (void)PyRun_SimpleFileExFlags(stream, startup, 1, &flags);
    PyErr_Clear();
}

static void run_interactive_hook(void) {
    PyObject *hook = PySys_GetObject("__interactivehook__");
    if (hook == NULL) return;
    if (PySys_Audit("cpython.run_interactivehook", "O", hook) < 0) {
        PyErr_Print();
        return;
    }
    Py_INCREF(hook);
    PyObject *result = PyObject_CallNoArgs(hook);
    Py_DECREF(hook);
    if (result == NULL) {
        PySys_WriteStderr("Failed calling sys.__interactivehook__\n");
        PyErr_Print();
    }
    Py_XDECREF(result);
}

static int stdin_is_prompt(const PyConfig *config) { return isatty(fileno(stdin)) || config->interactive; }

static void greet(const PyConfig *config) {
    if (config->quiet) return;
    if (!config->verbose && (config->run_command != NULL || config->run_filename != NULL || config->run_module != NULL ||
                             !stdin_is_prompt(config)))
        return;
    fprintf(stderr, "Krait %s (Python %s) on %s\n", KRAIT_VERSION, PY_VERSION, Py_GetPlatform());
    if (config->site_import)
        fprintf(stderr, "Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.\n");
}

/* Runs what stdin has, as a program or at the prompt. The name is among what is kept for kr_main_finalize, because an exit in
 * the middle does not return here. */
static int read_stdin(PyCompilerFlags *flags) {
    Py_XSETREF(state.filename, PyUnicode_FromString("<stdin>"));
    if (state.filename == NULL) return report();
    return _PyRun_AnyFileObject(stdin, state.filename, 0, flags) != 0;
}

static int run_stdin(PyConfig *config, PyCompilerFlags *flags) {
    if (stdin_is_prompt(config)) {
        config->inspect = 0;
        start_prompt(config);
        run_interactive_hook();
    }
    if (Py_MakePendingCalls() == -1) return report();
    if (PySys_Audit("cpython.run_stdin", NULL) < 0) return report();
    return read_stdin(flags);
}

/* After the program, -i opens the prompt. */
static void inspect(PyConfig *config, PyCompilerFlags *flags, int *code) {
    if (!config->inspect && kr_config_getenv(config, "PYTHONINSPECT") != NULL) config->inspect = 1;
    if (!config->inspect || !stdin_is_prompt(config)) return;
    config->inspect = 0;
    run_interactive_hook();
    *code = read_stdin(flags);
}

/* The importer for a script that is a folder or a zip file; a new reference or NULL. */
static PyObject *script_importer(PyObject *filename) {
    PyObject *importer = PyImport_GetImporter(filename);
    if (importer == NULL) {
        PySys_WriteStderr("Failed checking if argv[0] is an import path entry\n");
        PyErr_Print();
        return NULL;
    }
    if (importer == Py_None) Py_CLEAR(importer);
    return importer;
}

/* The script's name as messages show it: from the root on. */
static int make_absolute(PyConfig *config) {
    wchar_t *absolute;
    if (_Py_abspath(config->run_filename, &absolute) < 0) {
        PyErr_NoMemory();
        return -1;
    }
    if (absolute == NULL) return 0;
    PyMem_RawFree(config->run_filename);
    config->run_filename = absolute;
    return 0;
}

static int run(PyConfig *config) {
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    int code;
    if (config->run_filename != NULL && make_absolute(config) < 0) return report();
    if (config->run_filename != NULL) {
        PyObject *filename = PyUnicode_FromWideChar(config->run_filename, -1);
        if (filename == NULL) return report();
        PyObject *importer = script_importer(filename);
        if (importer != NULL) Py_XSETREF(state.importer_path, Py_NewRef(filename));
        Py_XDECREF(importer);
        Py_DECREF(filename);
    }
    if (state.importer_path != NULL) {
        if (prepend_path(state.importer_path) < 0) return report();
    } else if (!config->safe_path) {
        PyObject *folder = kr_sys_script_folder(&config->argv);
        int failed = folder == NULL ? PyErr_Occurred() != NULL : prepend_path(folder) < 0;
        Py_XDECREF(folder);
        if (failed) return report();
    }
    greet(config);
    if (stdin_is_prompt(config) && config->run_command == NULL && config->run_module == NULL && config->run_filename == NULL) {
        PyObject *readline = PyImport_ImportModule("readline");
        if (readline == NULL) PyErr_Clear(); /* the prompt does without an editor */
        Py_XDECREF(readline);
    }
    if (config->run_command != NULL)
        code = run_command(config->run_command, &flags);
    else if (config->run_module != NULL)
        code = run_module(config->run_module, 1);
    else if (state.importer_path != NULL)
        code = run_module(L"__main__", 0);
    else if (config->run_filename != NULL)
        code = run_file(config, &flags);
    else
        code = run_stdin(config, &flags);
    inspect(config, &flags, &code);
    return code;
}

int Py_RunMain(void) {
    kr_run_interrupted = 0;
    int code = run(&kr_tstate()->interp->config);
    if (Py_FinalizeEx() < 0) code = 120; /* the buffered output could not be written */
    if (kr_run_interrupted) { /* who started us sees that Ctrl-C ended the program */
        signal(SIGINT, SIG_DFL);
        kill(getpid(), SIGINT);
        return SIGINT + 128;
    }
    return code;
}

static int start_and_run(PyConfig *config, PyStatus status) {
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(config);
    PyConfig_Clear(config);
    if (PyStatus_IsExit(status)) return status.exitcode;
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    return Py_RunMain();
}

int Py_BytesMain(int argc, char **argv) {
    PyStatus status = kr_allocators_start(argc, argv, NULL);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    kr_locale_start(&config);
    return start_and_run(&config, PyConfig_SetBytesArgv(&config, argc, argv));
}

int Py_Main(int argc, wchar_t **argv) {
    PyStatus status = kr_allocators_start(argc, NULL, argv);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    return start_and_run(&config, PyConfig_SetArgv(&config, argc, argv));
}

int Py_FrozenMain(int argc, char **argv) { return Py_BytesMain(argc, argv); }
