/* Start-up and shutdown. */
#include <Python.h>

#include <locale.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "collector/collector.h"
#include "heap/heap.h"
#include "import/import.h"
#include "modules/sys.h"
#include "object/errors.h"
#include "object/interpreter.h"
#include "object/method.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"
#include "object/type.h"
#include "runtime/config.h"
#include "runtime/leaks.h"
#include "runtime/lifecycle.h"
#include "runtime/state.h"
#include "runtime/types.h"
#include "types/bytes.h"
#include "syntax/parse.h"
#include "types/code.h"
#include "types/codecs/codecs.h"
#include "types/context.h"
#include "types/dict.h"
#include "types/exceptions.h"
#include "types/float.h"
#include "types/int.h"
#include "types/str/intern.h"
#include "types/structseq.h"
#include "types/tuple.h"
#include "vm/eval.h"
#include "vm/frame.h"
#include "vm/generator.h"
#include "vm/gil.h"
#include "vm/roots.h"

const unsigned long Py_Version = PY_VERSION_HEX_EXPECTED;

enum { EXIT_FUNCTIONS = 32 };

static struct {
    void (*exit_function[EXIT_FUNCTIONS])(void);
    int exit_count;
    int in_fatal_error;
    int process_ends; /* with the interpreter */
    int argc;
    wchar_t **argv;
    int locale_started;
    int locale_began_as_c;
} state;

/* ---- Facts ---- */

const char *Py_GetVersion(void) {
    static char text[128];
    snprintf(text, sizeof text, "3.11.2 (Krait %s, %s) [GCC %s]", KRAIT_VERSION, __DATE__, __VERSION__);
    return text;
}
const char *Py_GetBuildInfo(void) { return "Krait " KRAIT_VERSION ", " __DATE__ ", " __TIME__; }
const char *Py_GetCompiler(void) { return "[GCC " __VERSION__ "]"; }
const char *Py_GetPlatform(void) { return "linux"; }
const char *Py_GetCopyright(void) { return "Copyright (c) 2026 the Krait authors."; }
const char *_Py_gitidentifier(void) { return ""; }
const char *_Py_gitversion(void) { return ""; }

int Py_IsInitialized(void) { return _PyRuntime.initialized; }
int _Py_IsCoreInitialized(void) { return _PyRuntime.initialized; }
int _Py_IsFinalizing(void) { return _PyRuntime.finalizing != NULL; }

/* The old global flags, which embedding programs set before start-up. */
int Py_DebugFlag, Py_VerboseFlag, Py_QuietFlag, Py_InteractiveFlag, Py_InspectFlag, Py_OptimizeFlag, Py_NoSiteFlag,
    Py_BytesWarningFlag, Py_FrozenFlag, Py_IgnoreEnvironmentFlag, Py_DontWriteBytecodeFlag, Py_NoUserSiteDirectory,
    Py_UnbufferedStdioFlag, Py_HashRandomizationFlag, Py_IsolatedFlag;

/* ---- Randomness for hashes ---- */

int _PyOS_URandomNonblock(void *buffer, Py_ssize_t size) { return _PyOS_URandom(buffer, size); }

int _PyOS_URandom(void *buffer, Py_ssize_t size) {
    char *at = buffer;
    while (size > 0) {
        ssize_t got = getrandom(at, (size_t)size, 0);
        if (got < 0) {
            if (errno == EINTR) {
                if (PyErr_CheckSignals()) return -1;
                continue;
            }
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
        at += got;
        size -= got;
    }
    return 0;
}

/* ---- Locale ---- */

char *_Py_SetLocaleFromEnv(int category) { return setlocale(category, ""); }
int _Py_LegacyLocaleDetected(int warn) { return kr_locale_is_c(); }
int _Py_CoerceLegacyLocale(int warn) {
    static const char *const targets[] = {"C.UTF-8", "C.utf8", "UTF-8"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        if (setlocale(LC_CTYPE, targets[i]) != NULL) {
            setenv("LC_CTYPE", targets[i], 1);
            if (warn)
                fprintf(stderr,
                        "Python detected LC_CTYPE=C: LC_CTYPE coerced to %s (set another locale or "
                        "PYTHONCOERCECLOCALE=0 to disable this locale coercion behavior).\n",
                        targets[i]);
            return 1;
        }
    return 0;
}

static void warn_of_ascii_locale(void) {
    fputs("Python runtime initialized with LC_CTYPE=C (a locale with default ASCII encoding), which may cause Unicode "
          "compatibility problems. Using C.UTF-8, C.utf8, or UTF-8 (if available) as alternative Unicode-compatible "
          "locales is recommended.\n",
          stderr);
}

int kr_locale_began_as_c(void) { return state.locale_began_as_c; }

/* The C locale is coerced to UTF-8 (PEP 538). UTF-8 mode may still change once the command line has been read. */
void kr_locale_start(const PyConfig *config) {
    if (state.locale_started) return;
    setlocale(LC_CTYPE, "");
    const char *mode = kr_config_getenv(config, "PYTHONUTF8"), *coerce = kr_config_getenv(config, "PYTHONCOERCECLOCALE");
    const char *all = getenv("LC_ALL");
    int warn = coerce != NULL && strcmp(coerce, "warn") == 0;
    state.locale_started = 1;
    state.locale_began_as_c = kr_locale_is_c();
    if (state.locale_began_as_c && (coerce == NULL || strcmp(coerce, "0") != 0) && (all == NULL || *all == 0))
        _Py_CoerceLegacyLocale(warn);
    if (warn && kr_locale_is_c()) warn_of_ascii_locale();
    int asked = kr_early_options()->utf8_mode;
    Py_UTF8Mode = asked >= 0 ? asked : mode == NULL ? state.locale_began_as_c : strcmp(mode, "1") == 0;
}

PyStatus Py_PreInitialize(const PyPreConfig *config) {
    *kr_pre_config() = *config;
    if (config->allocator != PYMEM_ALLOCATOR_NOT_SET && _PyMem_SetupAllocators((PyMemAllocatorName)config->allocator) < 0)
        return PyStatus_Error("unknown memory allocator");
    return PyStatus_Ok();
}
PyStatus Py_PreInitializeFromBytesArgs(const PyPreConfig *config, Py_ssize_t argc, char **argv) {
    return Py_PreInitialize(config);
}
PyStatus Py_PreInitializeFromArgs(const PyPreConfig *config, Py_ssize_t argc, wchar_t **argv) {
    return Py_PreInitialize(config);
}

/* ---- Start-up ---- */

/* An exception during start-up becomes a status; it is printed as it would be at the top level. */
static PyStatus failed(const char *what) {
    if (PyErr_Occurred() && PyErr_GivenExceptionMatches(PyErr_Occurred(), PyExc_MemoryError)) return PyStatus_NoMemory();
    if (PyErr_Occurred()) PyErr_PrintEx(0);
    return PyStatus_Error(what);
}

/* Tells the codecs how file names are encoded. Returns 0 or -1. */
static int set_filesystem_encoding(const PyConfig *config) {
    char *encoding = Py_EncodeLocale(config->filesystem_encoding, NULL), *errors = Py_EncodeLocale(config->filesystem_errors, NULL);
    if (encoding == NULL || errors == NULL) PyErr_NoMemory(); /* a name of a codec can be encoded */
    int result = encoding == NULL || errors == NULL ? -1 : kr_codecs_set_filesystem(encoding, errors);
    PyMem_Free(encoding);
    PyMem_Free(errors);
    return result;
}

/* What all interpreters of the process share. */
static PyStatus start_types(void) {
    kr_gc_set_roots(kr_roots_visit);
    kr_int_initialize();
    kr_gc_register_cache(kr_int_clear_free_list);
    kr_gc_register_cache(kr_float_clear_free_list);
    kr_gc_register_cache(kr_dict_clear_free_lists);
    kr_gc_register_cache(kr_method_clear_free_list);
    kr_async_generator_initialize();
    if (kr_types_ready() < 0) return failed("cannot prepare the built-in types");
    if (kr_context_initialize() < 0) return failed("cannot prepare context variables");
    if (kr_exceptions_initialize() < 0) return failed("cannot prepare the exception types");
    return PyStatus_Ok();
}

static PyStatus start_core(PyThreadState *thread) {
    PyInterpreterState *interpreter = thread->interp;
    interpreter->modules = PyDict_New();
    PyObject *sys = interpreter->modules == NULL ? NULL : kr_sys_create(thread);
    if (sys == NULL || _PyImport_FixupBuiltin(sys, "sys", interpreter->modules) < 0) return failed("can't initialize sys module");
    Py_DECREF(sys);
    PyObject *builtins = PyInit_builtins();
    if (builtins == NULL || _PyImport_FixupBuiltin(builtins, "builtins", interpreter->modules) < 0)
        return failed("can't initialize builtins module");
    interpreter->builtins = Py_NewRef(PyModule_GetDict(builtins));
    Py_DECREF(builtins);
    if (kr_exceptions_add_to(interpreter->builtins) < 0) return failed("can't initialize the exceptions");
    interpreter->len_function = _PyDict_GetItemStringWithError(interpreter->builtins, "len");
    interpreter->isinstance_function = _PyDict_GetItemStringWithError(interpreter->builtins, "isinstance");
    interpreter->list_append = _PyDict_GetItemStringWithError(PyList_Type.tp_dict, "append");
    if (interpreter->len_function == NULL || interpreter->isinstance_function == NULL || interpreter->list_append == NULL)
        return failed("can't initialize builtins module");
    if (kr_sys_update(thread) < 0) return failed("can't initialize sys module");
    if (kr_interpreter_is_main(interpreter)) {
        if (set_filesystem_encoding(&interpreter->config) < 0) return failed("can't set the encoding of file names");
        if (!interpreter->config.code_debug_ranges) kr_code_drop_columns();
    }
    PyObject *printer = PyFile_NewStdPrinter(fileno(stderr)); /* until the real stream is there */
    if (printer == NULL || PySys_SetObject("stderr", printer) < 0) return failed("can't set preliminary stderr");
    Py_DECREF(printer);
    if (!interpreter->config._install_importlib) return PyStatus_Ok();
    PyObject *sys_module = _PyDict_GetItemStringWithError(interpreter->modules, "sys");
    if (sys_module == NULL || kr_import_install_core(thread, sys_module) < 0)
        return failed("can't initialize importlib");
    return PyStatus_Ok();
}

int kr_interpreter_configure(const PyConfig *config) {
    PyThreadState *thread = kr_tstate();
    if (PyStatus_Exception(kr_config_copy(&thread->interp->config, config))) {
        PyErr_NoMemory();
        return -1;
    }
    return kr_sys_update(thread);
}

/* True if the descriptor can be used at all. */
static int is_open(int descriptor) {
    struct stat status;
    return fstat(descriptor, &status) == 0;
}

/* The name by which the codec of that encoding calls itself; NULL with an exception. */
static PyObject *codec_name(const wchar_t *encoding) {
    PyObject *name = PyUnicode_FromWideChar(encoding, -1), *codec = NULL;
    if (name == NULL || wcscmp(encoding, L"utf-8") == 0) return name;
    const char *text = PyUnicode_AsUTF8(name);
    if (text != NULL) codec = _PyCodec_Lookup(text);
    Py_SETREF(name, codec == NULL ? NULL : PyObject_GetAttr(codec, KR_NAME(name)));
    Py_XDECREF(codec);
    return name;
}

/* Makes one of the standard streams by `io.open`; None if the descriptor is closed. */
static PyObject *make_stream(const PyConfig *config, PyObject *io, int descriptor, int writing, const char *name,
                             const wchar_t *encoding, const wchar_t *errors) {
    PyObject *buffer = NULL, *raw = NULL, *text = NULL, *encoding_text = NULL, *errors_text = NULL, *stream = NULL;
    if (!is_open(descriptor)) Py_RETURN_NONE;
    int unbuffered = !config->buffered_stdio && writing;
    buffer = PyObject_CallMethod(io, "open", "isiOOOO", descriptor, writing ? "wb" : "rb", unbuffered ? 0 : -1, Py_None,
                                 Py_None, Py_None, Py_False);
    if (buffer == NULL) goto done;
    raw = unbuffered ? Py_NewRef(buffer) : PyObject_GetAttrString(buffer, "raw");
    if (raw == NULL) goto done;
    text = PyUnicode_FromString(name);
    if (text == NULL || PyObject_SetAttrString(raw, "name", text) < 0) goto done;
    PyObject *tty = PyObject_CallMethodNoArgs(raw, KR_NAME(isatty));
    int is_tty = tty == NULL ? -1 : PyObject_IsTrue(tty);
    Py_XDECREF(tty);
    if (is_tty < 0) goto done;
    int line_buffering = config->buffered_stdio && (is_tty || config->interactive || descriptor == fileno(stderr));
    Py_SETREF(text, PyUnicode_FromString(name));
    encoding_text = codec_name(encoding);
    errors_text = PyUnicode_FromWideChar(errors, -1);
    if (text == NULL || encoding_text == NULL || errors_text == NULL) goto done;
    stream = PyObject_CallMethod(io, "TextIOWrapper", "OOOsOO", buffer, encoding_text, errors_text, "\n",
                                 line_buffering ? Py_True : Py_False, unbuffered ? Py_True : Py_False);
    if (stream == NULL) goto done;
    PyObject *mode = PyUnicode_FromString(writing ? "w" : "r");
    if (mode == NULL || PyObject_SetAttrString(stream, "mode", mode) < 0) Py_CLEAR(stream);
    Py_XDECREF(mode);
done:
    Py_XDECREF(buffer);
    Py_XDECREF(raw);
    Py_XDECREF(text);
    Py_XDECREF(encoding_text);
    Py_XDECREF(errors_text);
    return stream;
}

static int set_stream(const char *name, const char *original, PyObject *stream) {
    if (stream == NULL) return -1;
    int result = PySys_SetObject(original, stream) < 0 || PySys_SetObject(name, stream) < 0 ? -1 : 0;
    Py_DECREF(stream);
    return result;
}

static int start_streams(PyThreadState *thread) {
    const PyConfig *config = &thread->interp->config;
    struct stat status;
    if (fstat(fileno(stdin), &status) == 0 && S_ISDIR(status.st_mode)) {
        PyErr_SetString(PyExc_RuntimeError, "<stdin> is a directory, cannot continue");
        return -1;
    }
    PyObject *encodings = PyImport_ImportModule("encodings.utf_8"), *io = NULL, *open = NULL;
    Py_XDECREF(encodings);
    if (encodings == NULL) return -1;
    io = PyImport_ImportModule("io");
    if (io == NULL) return -1;
    open = PyObject_GetAttrString(io, "open");
    int result = open == NULL || PyDict_SetItemString(thread->interp->builtins, "open", open) < 0 ? -1 : 0;
    Py_XDECREF(open);
    if (result == 0)
        result = set_stream("stdin", "__stdin__", make_stream(config, io, fileno(stdin), 0, "<stdin>",
                                                              config->stdio_encoding, config->stdio_errors));
    if (result == 0)
        result = set_stream("stdout", "__stdout__", make_stream(config, io, fileno(stdout), 1, "<stdout>",
                                                                config->stdio_encoding, config->stdio_errors));
    if (result == 0)
        result = set_stream("stderr", "__stderr__", make_stream(config, io, fileno(stderr), 1, "<stderr>",
                                                                config->stdio_encoding, L"backslashreplace"));
    Py_DECREF(io);
    return result;
}

static int add_main_module(PyThreadState *thread) {
    PyObject *module = PyImport_AddModule("__main__");
    if (module == NULL) return -1;
    PyObject *dict = PyModule_GetDict(module), *annotations = PyDict_New();
    int failed = annotations == NULL || PyDict_SetItemString(dict, "__annotations__", annotations) < 0;
    Py_XDECREF(annotations);
    PyObject *builtins = PyImport_AddModule("builtins");
    if (failed || builtins == NULL || PyDict_SetItemString(dict, "__builtins__", builtins) < 0) return -1;
    PyObject *loader = PyObject_GetAttrString(thread->interp->importlib, "BuiltinImporter");
    failed = loader == NULL || PyDict_SetItemString(dict, "__loader__", loader) < 0;
    Py_XDECREF(loader);
    return failed ? -1 : 0;
}

/* Filters of -W and PYTHONWARNINGS are parsed by the module warnings. */
static int start_warnings(const PyConfig *config) {
    if (config->warnoptions.length == 0) return 0;
    PyObject *warnings = PyImport_ImportModule("warnings");
    Py_XDECREF(warnings);
    if (warnings == NULL) {
        PyErr_WriteUnraisable(NULL);
        PyErr_Clear();
    }
    return 0;
}

static PyStatus start_main(PyThreadState *thread) {
    const PyConfig *config = &thread->interp->config;
    if (kr_import_install_external(thread) < 0) return failed("can't initialize importlib's file finders");
    if (kr_import_install_zip_hook() < 0) return failed("initializing zipimport failed");
    if (kr_interpreter_is_main(thread->interp)) {
        if (config->install_signal_handlers && kr_signals_start() < 0) return failed("can't initialize signals");
        if (config->faulthandler && kr_faulthandler_start() < 0) return failed("can't initialize faulthandler");
        if (config->tracemalloc > 0 && kr_tracemalloc_start(config->tracemalloc) < 0)
            return failed("can't start tracemalloc");
    }
    if (start_streams(thread) < 0) return failed("can't initialize sys standard streams");
    if (add_main_module(thread) < 0) return failed("can't create __main__ module");
    if (start_warnings(config) < 0) return failed("can't initialize warnings");
    _PyRuntime.initialized = 1;
    if (config->site_import) {
        PyObject *site = PyImport_ImportModule("site");
        if (site == NULL) return failed("Failed to import the site module");
        Py_DECREF(site);
    }
    return PyStatus_Ok();
}

static PyStatus limit_error(const char *message) {
    PyStatus status = PyStatus_Error(message);
    status.func = "config_init_int_max_str_digits";
    return status;
}

static PyStatus apply_limits(PyInterpreterState *interpreter) {
    const PyConfig *config = &interpreter->config;
    const wchar_t *option = kr_config_xoption(config, L"int_max_str_digits"), *sign;
    const char *text = kr_config_getenv(config, "PYTHONINTMAXSTRDIGITS");
    long digits = -1;
    char *end = NULL;
    wchar_t *wide_end = NULL;
    if (option != NULL) {
        sign = wcschr(option, '=');
        digits = sign == NULL || sign[1] == 0 ? -2 : wcstol(sign + 1, &wide_end, 10);
        if (digits < 0 || *wide_end != 0 || (digits > 0 && digits < 640) || digits > INT_MAX)
            return limit_error("-X int_max_str_digits: invalid limit; must be >= 640 or 0 for unlimited.");
    } else if (text != NULL) {
        digits = strtol(text, &end, 10);
        if (digits < 0 || *end != 0 || (digits > 0 && digits < 640) || digits > INT_MAX)
            return limit_error("PYTHONINTMAXSTRDIGITS: invalid limit; must be >= 640 or 0 for unlimited.");
    }
    interpreter->int_max_str_digits = (int)digits;
    kr_int_set_max_str_digits(digits < 0 ? KR_INT_DEFAULT_MAX_STR_DIGITS : (int)digits);
    return PyStatus_Ok();
}

PyStatus Py_InitializeFromConfig(const PyConfig *given) {
    if (_PyRuntime.initialized) return PyStatus_Ok();
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    PyStatus status = kr_config_copy(&config, given);
    if (!PyStatus_Exception(status)) {
        kr_locale_start(&config);
        status = PyConfig_Read(&config);
    }
    if (PyStatus_Exception(status)) {
        PyConfig_Clear(&config);
        return status;
    }
    if (kr_hash_secret_set(config.use_hash_seed, (unsigned)config.hash_seed) < 0) {
        PyConfig_Clear(&config);
        return PyStatus_Error("failed to get random numbers to initialize Python");
    }
    kr_gil_initialize();
    kr_state_initialize();
    kr_path_config_update(&config);
    PyInterpreterState *interpreter = PyInterpreterState_New();
    if (interpreter == NULL) return PyStatus_NoMemory();
    PyConfig_Clear(&interpreter->config);
    interpreter->config = config;
    status = apply_limits(interpreter);
    if (!PyStatus_Exception(status)) status = kr_heap_limit_start(&interpreter->config);
    kr_heap_set_verbose(config.malloc_stats);
    if (PyStatus_Exception(status)) return status;
    PyThreadState *thread = PyThreadState_New(interpreter);
    if (thread == NULL) return PyStatus_NoMemory();
    kr_gil_take(thread);
    Py_VerboseFlag = config.verbose;
    Py_OptimizeFlag = config.optimization_level;
    Py_InspectFlag = config.inspect;
    Py_InteractiveFlag = config.interactive;
    Py_DontWriteBytecodeFlag = !config.write_bytecode;
    Py_BytesWarningFlag = config.bytes_warning;
    Py_NoSiteFlag = !config.site_import;
    Py_IsolatedFlag = config.isolated;
    Py_IgnoreEnvironmentFlag = !config.use_environment;
    Py_QuietFlag = config.quiet;
    Py_UnbufferedStdioFlag = !config.buffered_stdio;
    Py_NoUserSiteDirectory = !config.user_site_directory;
    status = start_types();
    if (!PyStatus_Exception(status)) status = start_core(thread);
    if (PyStatus_Exception(status)) return status;
    if (config._init_main && config._install_importlib) return start_main(thread);
    _PyRuntime.initialized = 1;
    return status;
}

PyStatus _Py_InitializeMain(void) { return start_main(kr_tstate()); }

void Py_InitializeEx(int install_signal_handlers) {
    if (_PyRuntime.initialized) return;
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = install_signal_handlers;
    config.parse_argv = 0;
    PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
}

void Py_Initialize(void) { Py_InitializeEx(1); }

/* ---- Shutdown ---- */

int Py_AtExit(void (*function)(void)) {
    if (state.exit_count >= EXIT_FUNCTIONS) return -1;
    state.exit_function[state.exit_count++] = function;
    return 0;
}

/* Waits for the threads that are no daemons: threading._shutdown(). */
static void wait_for_threads(void) {
    PyObject *threading = PyImport_GetModule(KR_NAME(threading));
    if (threading == NULL) {
        if (PyErr_Occurred()) PyErr_WriteUnraisable(NULL);
        return;
    }
    PyObject *result = PyObject_CallMethodNoArgs(threading, KR_NAME(_shutdown));
    if (result == NULL) PyErr_WriteUnraisable(threading);
    Py_XDECREF(result);
    Py_DECREF(threading);
}

/* Flushes stdout and stderr. Returns 0, or -1 if stdout could not be written. */
static int flush_streams(void) {
    PyObject *out = PySys_GetObject("stdout"), *err = PySys_GetObject("stderr"), *streams[2] = {out, err};
    int result = 0;
    for (int i = 0; i < 2; i++) {
        if (streams[i] == NULL || streams[i] == Py_None) continue;
        PyObject *closed = PyObject_GetAttrString(streams[i], "closed");
        int is_closed = closed == NULL ? 0 : PyObject_IsTrue(closed);
        Py_XDECREF(closed);
        PyErr_Clear();
        if (is_closed > 0) continue;
        PyObject *done = PyObject_CallMethodNoArgs(streams[i], KR_NAME(flush));
        if (done == NULL) {
            if (i == 0) PyErr_WriteUnraisable(streams[i]);
            PyErr_Clear();
            if (i == 0) result = -1;
        }
        Py_XDECREF(done);
    }
    return result;
}

/* Tears all modules down: names of sys that hold user objects, then the modules, youngest first. */
static void clear_modules(PyThreadState *thread) {
    PyInterpreterState *interpreter = thread->interp;
    PyObject *modules = interpreter->modules;
    static const char *const to_clear[] = {"path",      "argv",      "ps1",        "ps2",           "last_type",
                                           "last_value", "last_traceback", "path_hooks", "path_importer_cache", "meta_path",
                                           "__interactivehook__"};
    static const char *const restore[][2] = {{"stdin", "__stdin__"}, {"stdout", "__stdout__"}, {"stderr", "__stderr__"}};
    if (modules == NULL) return;
    PyDict_SetItemString(interpreter->builtins, "_", Py_None);
    PyErr_Clear();
    for (size_t i = 0; i < sizeof to_clear / sizeof *to_clear; i++)
        if (PySys_SetObject(to_clear[i], Py_None) < 0) PyErr_Clear();
    for (size_t i = 0; i < 3; i++) {
        PyObject *original = PySys_GetObject(restore[i][1]);
        if (PySys_SetObject(restore[i][0], original == NULL ? Py_None : original) < 0) PyErr_Clear();
    }
    /* module objects are kept by weak references only, so that most die by reference count, in order of import */
    PyObject *weak = PyList_New(0), *key, *value;
    Py_ssize_t position = 0;
    while (weak != NULL && PyDict_Check(modules) && PyDict_Next(modules, &position, &key, &value)) {
        if (!PyModule_Check(value)) continue;
        PyObject *reference = PyWeakref_NewRef(value, NULL);
        if (reference != NULL) {
            PyObject *pair = PyTuple_Pack(2, key, reference);
            if (pair == NULL || PyList_Append(weak, pair) < 0) PyErr_Clear();
            Py_XDECREF(pair);
            Py_DECREF(reference);
        } else {
            PyErr_Clear();
        }
        Py_INCREF(key);
        if (PyDict_SetItem(modules, key, Py_None) < 0) PyErr_Clear();
        Py_DECREF(key);
    }
    PyDict_Clear(modules);
    PyObject *import_lib = interpreter->importlib;
    interpreter->importlib = NULL;
    Py_XDECREF(import_lib);
    Py_CLEAR(interpreter->modules_by_index);
    kr_gc_collect_silently();
    if (kr_interpreter_is_main(interpreter)) kr_gc_report_at_shutdown();
    for (Py_ssize_t i = weak == NULL ? 0 : PyList_GET_SIZE(weak); --i >= 0;) {
        PyObject *pair = PyList_GET_ITEM(weak, i), *module = PyWeakref_GET_OBJECT(PyTuple_GET_ITEM(pair, 1));
        if (module == Py_None) continue;
        PyObject *dict = PyModule_GetDict(module);
        if (dict == interpreter->builtins || dict == interpreter->sysdict) continue;
        Py_INCREF(module);
        _PyModule_ClearDict(dict);
        Py_DECREF(module);
    }
    Py_XDECREF(weak);
    _PyModule_ClearDict(interpreter->sysdict);
    kr_gc_collect_silently();
}

/* Ends everything of an interpreter that lives in modules. Returns 0, or -1 if a stream could not be written. */
static int finish_modules(PyThreadState *thread) {
    PyInterpreterState *interpreter = thread->interp;
    clear_modules(thread);
    int result = flush_streams();
    if (kr_interpreter_is_main(interpreter)) {
#ifdef KRAIT_DEBUG
        if (interpreter->config.show_ref_count)
            fprintf(stderr, "[%zd refs, %zd blocks]\n", kr_leaks_total_references(), _Py_GetAllocatedBlocks());
#endif
        if (interpreter->config.malloc_stats) _PyObject_DebugMallocStats(stderr);
    }
    Py_CLEAR(interpreter->sysdict);
    _PyModule_ClearDict(interpreter->builtins);
    kr_gc_collect_silently();
    PyInterpreterState_Clear(interpreter);
    kr_gc_collect_silently();
    return result;
}

int Py_FinalizeEx(void) {
    if (!_PyRuntime.initialized) return 0;
    PyThreadState *thread = kr_tstate();
    PyInterpreterState *interpreter = thread->interp;
    wait_for_threads();
    Py_MakePendingCalls();
    PyErr_Clear();
    kr_atexit_call(interpreter);
    int result = flush_streams();
    interpreter->finalizing = 1;
    _PyRuntime.finalizing = thread;
    _PyRuntime.initialized = 0;
    kr_threads_delete_except(thread);
    kr_signals_finish();
    kr_gc_collect_silently();
    if (finish_modules(thread) < 0) result = -1;
    for (int i = state.exit_count; --i >= 0;) state.exit_function[i]();
    state.exit_count = 0;
    kr_runtime_release(thread);
    _PyRuntime.finalizing = NULL;
    return result;
}

/* Gives back what start-up and the program made. No Python code runs any more. First go the caches, which hold objects of
 * many types, then what the types themselves hold, then the names, and last the shared objects that anything may contain. */
static void release_objects(void) {
    kr_main_finalize();
    kr_readline_finalize();
    kr_cross_interpreter_finalize();
    kr_modules_release();
    kr_codecs_finalize();
    kr_syntax_finalize();
    kr_exceptions_finalize();
    kr_argument_parsers_finalize();
    kr_gc_collect_silently();
    kr_gc_finalize();
    kr_type_static_finalize();
    kr_structseq_finalize();
    kr_object_model_finalize();
    kr_str_intern_finalize();
    kr_bytes_finalize();
    kr_dict_finalize();
    kr_tuple_finalize();
    kr_int_finalize();
    kr_float_finalize();
    kr_codecs_finalize_filesystem();
}

void kr_runtime_release(PyThreadState *thread) {
    kr_import_finalize();
    kr_sys_clear_audit_hooks();
    kr_faulthandler_finish();
    kr_tracemalloc_finish();
    int releases = KR_RELEASE_ALWAYS || !state.process_ends;
    if (releases) release_objects();
    PyInterpreterState_Delete(thread->interp);
    if (releases) kr_leaks_report();
    kr_gil_finalize();
    if (releases) kr_heap_trim();
    fflush(stdout);
    fflush(stderr);
}

void kr_process_ends_with_interpreter(void) { state.process_ends = 1; }

void Py_Finalize(void) { Py_FinalizeEx(); }

void Py_Exit(int code) {
    if (Py_FinalizeEx() < 0) code = 120;
    exit(code);
}

void Py_ExitStatusException(PyStatus status) {
    if (PyStatus_IsExit(status)) exit(status.exitcode);
    fflush(stdout);
    fprintf(stderr, "Fatal Python error: %s%s%s\nPython runtime state: %s\n\n", status.func != NULL ? status.func : "",
            status.func != NULL ? ": " : "", status.err_msg != NULL ? status.err_msg : "unknown error",
            kr_tstate() != NULL                                                             ? "core initialized"
            : status.func != NULL && strncmp(status.func, "preconfig_", strlen("preconfig_")) == 0 ? "preinitializing"
                                                                                            : "preinitialized");
    exit(1);
}

void _Py_NO_RETURN _Py_FatalErrorFunc(const char *function, const char *message) {
    if (state.in_fatal_error++) abort(); /* describing the first one failed */
    fflush(stdout);
    fprintf(stderr, "Fatal Python error: %s: %s\nPython runtime state: ", function != NULL ? function : "<unknown>", message);
    if (_PyRuntime.finalizing != NULL)
        fprintf(stderr, "finalizing (tstate=%p)\n", (void *)_PyRuntime.finalizing);
    else
        fprintf(stderr, "%s\n", _PyRuntime.initialized ? "initialized" : "core initialized");
    fflush(stderr);
    if (kr_tstate() != NULL && PyErr_Occurred()) PyErr_PrintEx(0);
    kr_faulthandler_dump_current(2);
    abort();
}

#undef Py_FatalError
void _Py_NO_RETURN Py_FatalError(const char *message) { _Py_FatalErrorFunc(NULL, message); }

void _Py_NO_RETURN _Py_FatalErrorFormat(const char *function, const char *format, ...) {
    char message[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    _Py_FatalErrorFunc(function, message);
}

/* ---- Sub-interpreters ---- */

/* Makes an interpreter with its own modules, and a thread state for it, which becomes the current one. The interpreter
 * lock, types, constants and memory are the process's. NULL, with the old thread state current, if it cannot be made. */
PyThreadState *_Py_NewInterpreter(int isolated) {
    if (!_PyRuntime.initialized) Py_FatalError("Py_NewInterpreter: call Py_Initialize first");
    PyInterpreterState *interpreter = PyInterpreterState_New(), *main_interpreter = _PyRuntime.main_interpreter;
    PyThreadState *old = kr_tstate(), *thread = interpreter == NULL ? NULL : PyThreadState_New(interpreter);
    if (thread == NULL) {
        if (interpreter != NULL) PyInterpreterState_Delete(interpreter);
        return NULL;
    }
    PyThreadState_Swap(thread);
    interpreter->recursion_limit = thread->recursion_limit = thread->recursion_remaining =
        main_interpreter->recursion_limit;
    interpreter->int_max_str_digits = main_interpreter->int_max_str_digits;
    PyStatus status = kr_config_copy(&interpreter->config, old != NULL ? &old->interp->config : &main_interpreter->config);
    interpreter->config._isolated_interpreter = isolated;
    if (!PyStatus_Exception(status)) status = start_core(thread);
    if (!PyStatus_Exception(status)) status = start_main(thread);
    if (!PyStatus_Exception(status)) return thread;
    if (PyErr_Occurred()) PyErr_PrintEx(0);
    PyInterpreterState_Clear(interpreter);
    PyThreadState_Swap(NULL);
    PyInterpreterState_Delete(interpreter);
    PyThreadState_Swap(old);
    return NULL;
}

PyThreadState *Py_NewInterpreter(void) { return _Py_NewInterpreter(0); }

/* Ends an interpreter whose only thread is the current one. No thread state is current afterwards. */
void Py_EndInterpreter(PyThreadState *thread) {
    PyInterpreterState *interpreter = thread->interp;
    if (thread != kr_tstate()) _Py_FatalErrorFunc("Py_EndInterpreter", "thread is not current");
    if (kr_current_frame(thread) != NULL) _Py_FatalErrorFunc("Py_EndInterpreter", "thread still has a frame");
    interpreter->finalizing = 1;
    wait_for_threads();
    kr_atexit_call(interpreter);
    if (interpreter->thread_head != thread || thread->next != NULL)
        _Py_FatalErrorFunc("Py_EndInterpreter", "not the last thread");
    flush_streams();
    kr_gc_collect_silently();
    finish_modules(thread);
    PyThreadState_Swap(NULL);
    PyInterpreterState_Delete(interpreter);
}

void Py_GetArgcArgv(int *argc, wchar_t ***argv) {
    const PyConfig *config = kr_tstate() == NULL ? NULL : &kr_tstate()->interp->config;
    *argc = config == NULL ? 0 : (int)config->orig_argv.length;
    *argv = config == NULL ? NULL : config->orig_argv.items;
}
