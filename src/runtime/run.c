/* Running programs: text, files and the prompt (pythonrun.h), and what happens to an exception that nobody caught. */
#include <Python.h>

#include <sys/stat.h>
#include <unistd.h>

#include "compile/compile.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "runtime/lifecycle.h"
#include "runtime/run.h"
#include "syntax/parse.h"
#include "vm/eval.h"

int (*PyOS_InputHook)(void);

/* ---- Compiling and running text ---- */

PyObject *Py_CompileStringObject(const char *text, PyObject *filename, int start, PyCompilerFlags *flags, int optimize) {
    PyCompilerFlags local = _PyCompilerFlags_INIT;
    if (flags == NULL) flags = &local;
    KrArena *arena = kr_arena_new();
    if (arena == NULL) return NULL;
    PyObject *result = NULL;
    KrNode *tree = kr_parse(text, strlen(text), filename, (KrParseMode)start, flags, arena);
    if (tree != NULL)
        result = flags->cf_flags & PyCF_ONLY_AST ? kr_ast_to_object(tree)
                                                 : (PyObject *)kr_compile(tree, filename, flags, optimize, arena);
    kr_arena_free(arena);
    return result;
}

PyObject *Py_CompileStringExFlags(const char *text, const char *filename, int start, PyCompilerFlags *flags, int optimize) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) return NULL;
    PyObject *code = Py_CompileStringObject(text, name, start, flags, optimize);
    Py_DECREF(name);
    return code;
}

#undef Py_CompileStringFlags
PyAPI_FUNC(PyObject *) Py_CompileStringFlags(const char *text, const char *filename, int start, PyCompilerFlags *flags);
PyObject *Py_CompileStringFlags(const char *text, const char *filename, int start, PyCompilerFlags *flags) {
    return Py_CompileStringExFlags(text, filename, start, flags, -1);
}
#undef Py_CompileString
PyObject *Py_CompileString(const char *text, const char *filename, int start) {
    return Py_CompileStringExFlags(text, filename, start, NULL, -1);
}

int kr_run_interrupted;

/* Runs a code object in a namespace that gets __builtins__. Takes over `code` (may be NULL). */
static PyObject *run_code(PyObject *code, PyObject *globals, PyObject *locals) {
    if (code == NULL) return NULL;
    PyObject *result = NULL;
    if (_PyDict_GetItemStringWithError(globals, "__builtins__") == NULL &&
        (PyErr_Occurred() || PyDict_SetItemString(globals, "__builtins__", kr_tstate()->interp->builtins) < 0))
        goto done;
    if (PySys_Audit("exec", "O", code) < 0) goto done;
    kr_start_pages_release();
    result = PyEval_EvalCode(code, globals, locals);
    if (result == NULL && PyErr_Occurred() == PyExc_KeyboardInterrupt) kr_run_interrupted = 1;
done:
    Py_DECREF(code);
    return result;
}

PyObject *PyRun_StringFlags(const char *text, int start, PyObject *globals, PyObject *locals, PyCompilerFlags *flags) {
    return run_code(Py_CompileStringExFlags(text, "<string>", start, flags, -1), globals, locals);
}

/* Reads a stream to its end; PyMem_RawMalloc'ed with a zero byte behind it; NULL with an exception. */
static char *read_all(FILE *stream, size_t *length) {
    char *text = NULL;
    size_t size = 0, capacity = 0;
    for (;;) {
        if (capacity - size < 4096) {
            capacity = capacity == 0 ? 16384 : capacity * 2;
            char *larger = PyMem_RawRealloc(text, capacity);
            if (larger == NULL) {
                PyMem_RawFree(text);
                PyErr_NoMemory();
                return NULL;
            }
            text = larger;
        }
        errno = 0;
        size_t got = fread(text + size, 1, capacity - size - 1, stream);
        size += got;
        if (got > 0) continue;
        if (ferror(stream)) {
            clearerr(stream);
            if (errno == EINTR && PyErr_CheckSignals() == 0) continue;
            if (!PyErr_Occurred()) PyErr_SetFromErrno(PyExc_OSError);
            PyMem_RawFree(text);
            return NULL;
        }
        break;
    }
    text[size] = 0;
    *length = size;
    return text;
}

/* As lines are C strings to the reference, a zero byte hides the rest of its line, and the next line follows directly. */
static void drop_null_bytes(char *text, size_t *length) {
    char *end = text + *length, *to = memchr(text, 0, *length);
    for (char *from = to; from != NULL && from < end;) {
        if (*from != 0) {
            *to++ = *from++;
            continue;
        }
        char *newline = memchr(from, '\n', (size_t)(end - from));
        from = newline == NULL ? end : newline + 1;
    }
    if (to == NULL) return;
    *to = 0;
    *length = (size_t)(to - text);
}

static PyObject *compile_file(FILE *stream, PyObject *filename, int start, PyCompilerFlags *flags) {
    PyCompilerFlags local = _PyCompilerFlags_INIT;
    if (flags == NULL) flags = &local;
    size_t length, skip = 0;
    char *text = read_all(stream, &length);
    if (text == NULL) return NULL;
    if (kr_tstate()->interp->config.skip_source_first_line) {
        char *newline = memchr(text, '\n', length);
        skip = newline == NULL ? length : (size_t)(newline - text); /* the newline stays: lines keep their numbers */
    }
    PyObject *code = NULL;
    drop_null_bytes(text, &length);
    if (kr_source_check_file(text + skip, length - skip, filename) == 0) {
        KrArena *arena = kr_arena_new();
        KrNode *tree = arena == NULL ? NULL
                                     : kr_parse_file(text + skip, length - skip, filename, (KrParseMode)start, flags, arena);
        if (tree != NULL) code = (PyObject *)kr_compile(tree, filename, flags, -1, arena);
        kr_arena_free(arena);
    }
    PyMem_RawFree(text);
    return code;
}

PyObject *PyRun_FileExFlags(FILE *stream, const char *filename, int start, PyObject *globals, PyObject *locals, int close,
                            PyCompilerFlags *flags) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename), *result = NULL;
    if (name != NULL) result = run_code(compile_file(stream, name, start, flags), globals, locals);
    Py_XDECREF(name);
    if (close) fclose(stream);
    return result;
}

#undef PyRun_String
#undef PyRun_AnyFile
#undef PyRun_AnyFileEx
#undef PyRun_AnyFileFlags
#undef PyRun_SimpleString
#undef PyRun_SimpleFile
#undef PyRun_SimpleFileEx
#undef PyRun_InteractiveOne
#undef PyRun_InteractiveLoop
#undef PyRun_File
#undef PyRun_FileEx
#undef PyRun_FileFlags
PyObject *PyRun_String(const char *s, int start, PyObject *g, PyObject *l) { return PyRun_StringFlags(s, start, g, l, NULL); }
int PyRun_AnyFile(FILE *f, const char *n) { return PyRun_AnyFileExFlags(f, n, 0, NULL); }
int PyRun_AnyFileEx(FILE *f, const char *n, int close) { return PyRun_AnyFileExFlags(f, n, close, NULL); }
int PyRun_AnyFileFlags(FILE *f, const char *n, PyCompilerFlags *flags) { return PyRun_AnyFileExFlags(f, n, 0, flags); }
int PyRun_SimpleString(const char *s) { return PyRun_SimpleStringFlags(s, NULL); }
int PyRun_SimpleFile(FILE *f, const char *n) { return PyRun_SimpleFileExFlags(f, n, 0, NULL); }
int PyRun_SimpleFileEx(FILE *f, const char *n, int close) { return PyRun_SimpleFileExFlags(f, n, close, NULL); }
int PyRun_InteractiveOne(FILE *f, const char *n) { return PyRun_InteractiveOneFlags(f, n, NULL); }
int PyRun_InteractiveLoop(FILE *f, const char *n) { return PyRun_InteractiveLoopFlags(f, n, NULL); }
PyObject *PyRun_File(FILE *f, const char *n, int s, PyObject *g, PyObject *l) {
    return PyRun_FileExFlags(f, n, s, g, l, 0, NULL);
}
PyObject *PyRun_FileEx(FILE *f, const char *n, int s, PyObject *g, PyObject *l, int close) {
    return PyRun_FileExFlags(f, n, s, g, l, close, NULL);
}
PyObject *PyRun_FileFlags(FILE *f, const char *n, int s, PyObject *g, PyObject *l, PyCompilerFlags *flags) {
    return PyRun_FileExFlags(f, n, s, g, l, 0, flags);
}

static void flush(const char *name) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *file = PySys_GetObject(name);
    if (file != NULL && file != Py_None) {
        PyObject *result = PyObject_CallMethodNoArgs(file, KR_NAME(flush));
        if (result == NULL) PyErr_Clear();
        Py_XDECREF(result);
    }
    PyErr_Restore(type, value, traceback);
}

void kr_run_flush(void) {
    flush("stderr");
    flush("stdout");
}

int PyRun_SimpleStringFlags(const char *text, PyCompilerFlags *flags) {
    PyObject *module = PyImport_AddModule("__main__"), *result = NULL;
    if (module != NULL) {
        PyObject *dict = PyModule_GetDict(module);
        result = PyRun_StringFlags(text, Py_file_input, dict, dict, flags);
    }
    if (result == NULL) {
        PyErr_Print();
        return -1;
    }
    Py_DECREF(result);
    return 0;
}

/* Sets __main__.__loader__ for a script. Returns 0 or -1. */
static int set_main_loader(PyObject *dict, PyObject *filename, const char *class_name) {
    PyObject *external = PyObject_GetAttrString(kr_tstate()->interp->importlib, "_bootstrap_external"), *loader = NULL;
    if (external != NULL) loader = PyObject_CallMethod(external, class_name, "sO", "__main__", filename);
    Py_XDECREF(external);
    int result = loader == NULL || PyDict_SetItemString(dict, "__loader__", loader) < 0 ? -1 : 0;
    Py_XDECREF(loader);
    return result;
}

int _PyRun_SimpleFileObject(FILE *stream, PyObject *filename, int close, PyCompilerFlags *flags) {
    PyObject *module = PyImport_AddModule("__main__"), *result = NULL;
    int set_file = 0, status = -1;
    if (module == NULL) goto done;
    Py_INCREF(module);
    PyObject *dict = PyModule_GetDict(module);
    if (PyDict_GetItemString(dict, "__file__") == NULL) {
        if (PyDict_SetItemString(dict, "__file__", filename) < 0 || PyDict_SetItemString(dict, "__cached__", Py_None) < 0)
            goto done;
        set_file = 1;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(filename);
    PyObject *suffix = PyUnicode_FromString(".pyc");
    if (suffix == NULL) goto done;
    int is_pyc = PyUnicode_Tailmatch(filename, suffix, 0, length, 1) == 1;
    Py_DECREF(suffix);
    if (is_pyc) {
        PyObject *code = NULL;
        if (close) fclose(stream);
        close = 0;
        PyObject *bytes = PyUnicode_EncodeFSDefault(filename);
        FILE *binary = bytes == NULL ? NULL : fopen(PyBytes_AS_STRING(bytes), "rb");
        Py_XDECREF(bytes);
        if (binary == NULL) {
            fprintf(stderr, "python: Can't reopen .pyc file\n");
            goto done;
        }
        if (set_main_loader(dict, filename, "SourcelessFileLoader") < 0) {
            fprintf(stderr, "python: failed to set __main__.__loader__\n");
            fclose(binary);
            goto done;
        }
        code = kr_run_read_pyc(binary);
        fclose(binary);
        result = run_code(code, dict, dict);
    } else {
        if (!_PyUnicode_EqualToASCIIString(filename, "<stdin>") && set_main_loader(dict, filename, "SourceFileLoader") < 0) {
            fprintf(stderr, "python: failed to set __main__.__loader__\n");
            goto done;
        }
        PyObject *code = compile_file(stream, filename, Py_file_input, flags);
        if (close) fclose(stream);
        close = 0;
        result = run_code(code, dict, dict);
    }
    kr_run_flush();
    if (result != NULL) {
        Py_DECREF(result);
        status = 0;
    }
done:
    if (close) fclose(stream);
    if (PyErr_Occurred()) {
        Py_CLEAR(module);
        PyErr_Print();
    }
    if (set_file) {
        PyObject *main_module = PyImport_AddModule("__main__");
        if (main_module != NULL) {
            dict = PyModule_GetDict(main_module);
            if (PyDict_DelItemString(dict, "__file__") < 0) PyErr_Clear();
            if (PyDict_DelItemString(dict, "__cached__") < 0) PyErr_Clear();
        }
        PyErr_Clear();
    }
    Py_XDECREF(module);
    return status;
}

int PyRun_SimpleFileExFlags(FILE *stream, const char *filename, int close, PyCompilerFlags *flags) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        PyErr_Print();
        return -1;
    }
    int result = _PyRun_SimpleFileObject(stream, name, close, flags);
    Py_DECREF(name);
    return result;
}

int _PyRun_AnyFileObject(FILE *stream, PyObject *filename, int close, PyCompilerFlags *flags) {
    if (_Py_FdIsInteractive(stream, filename)) {
        int result = _PyRun_InteractiveLoopObject(stream, filename, flags);
        if (close) fclose(stream);
        return result;
    }
    return _PyRun_SimpleFileObject(stream, filename, close, flags);
}

int PyRun_AnyFileExFlags(FILE *stream, const char *filename, int close, PyCompilerFlags *flags) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename != NULL ? filename : "???");
    if (name == NULL) {
        PyErr_Print();
        return -1;
    }
    int result = _PyRun_AnyFileObject(stream, name, close, flags);
    Py_DECREF(name);
    return result;
}

int _Py_FdIsInteractive(FILE *stream, PyObject *filename) {
    if (isatty(fileno(stream))) return 1;
    if (!kr_tstate()->interp->config.interactive) return 0;
    return filename == NULL || _PyUnicode_EqualToASCIIString(filename, "<stdin>") ||
           _PyUnicode_EqualToASCIIString(filename, "???");
}

int Py_FdIsInteractive(FILE *stream, const char *filename) {
    if (isatty(fileno(stream))) return 1;
    if (!Py_InteractiveFlag) return 0;
    return filename == NULL || strcmp(filename, "<stdin>") == 0 || strcmp(filename, "???") == 0;
}

int PyOS_CheckStack(void) { return kr_c_stack_is_low(); }

const char *_Py_SourceAsString(PyObject *source, const char *function, const char *what, PyCompilerFlags *flags,
                               PyObject **copy) {
    *copy = NULL;
    if (PyUnicode_Check(source)) {
        flags->cf_flags |= PyCF_IGNORE_COOKIE;
        return PyUnicode_AsUTF8(source);
    }
    if (PyBytes_Check(source)) return PyBytes_AS_STRING(source);
    PyErr_Format(PyExc_TypeError, "%s() arg 1 must be a %s object", function, what);
    return NULL;
}

/* ---- The prompt ---- */

typedef struct {
    FILE *stream;
    char *prompts[2]; /* first line, continuation */
} Prompt;

static char *prompt_line(void *context, int continuation) {
    Prompt *prompt = context;
    char *line = PyOS_Readline(prompt->stream, stdout, prompt->prompts[continuation != 0]);
    if (line == NULL) {
        if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
        if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) PySys_WriteStderr("\n");
        return NULL;
    }
    if (*line == 0) {
        PySys_WriteStderr("\n"); /* leave the line of the prompt */
        PyMem_Free(line);
        return NULL;
    }
    return line;
}

/* sys.ps1 or sys.ps2 as UTF-8, PyMem_Malloc'ed. */
static char *prompt_text(const char *name) {
    PyObject *object = PySys_GetObject(name), *text = object == NULL ? NULL : PyObject_Str(object);
    const char *bytes = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    char *copy = _PyMem_Strdup(bytes != NULL ? bytes : "");
    if (bytes == NULL) PyErr_Clear();
    Py_XDECREF(text);
    return copy;
}

enum {
    END_OF_INPUT = 11,  /* what the C API returns for it, E_EOF */
    OUT_OF_MEMORY = 15, /* E_NOMEM */
};

/* Runs one statement. Returns 0; END_OF_INPUT; OUT_OF_MEMORY or -1 after printing an exception. */
static int run_interactive_one(FILE *stream, PyObject *filename, PyCompilerFlags *flags) {
    Prompt prompt = {stream, {prompt_text("ps1"), prompt_text("ps2")}};
    int result = -1;
    PyObject *code = NULL;
    KrArena *arena = kr_arena_new();
    if (arena != NULL && prompt.prompts[0] != NULL && prompt.prompts[1] != NULL) {
        KrNode *tree = kr_parse_interactive(prompt_line, &prompt, filename, flags, arena);
        if (tree != NULL)
            code = (PyObject *)kr_compile(tree, filename, flags, -1, arena);
        else if (!PyErr_Occurred())
            result = END_OF_INPUT;
    }
    kr_arena_free(arena);
    PyMem_Free(prompt.prompts[0]);
    PyMem_Free(prompt.prompts[1]);
    if (result == END_OF_INPUT) return result;
    PyObject *module = PyImport_AddModule("__main__"), *value = NULL;
    if (module != NULL) {
        PyObject *dict = PyModule_GetDict(module);
        value = run_code(code, dict, dict);
    } else {
        Py_XDECREF(code);
    }
    if (value == NULL) {
        if (!PyErr_Occurred()) PyErr_NoMemory();
        result = PyErr_ExceptionMatches(PyExc_MemoryError) ? OUT_OF_MEMORY : -1;
        PyErr_Print();
        kr_run_flush();
        return result;
    }
    Py_DECREF(value);
    kr_run_flush();
    return 0;
}

int PyRun_InteractiveOneObject(FILE *stream, PyObject *filename, PyCompilerFlags *flags) {
    PyCompilerFlags local = _PyCompilerFlags_INIT;
    int result = run_interactive_one(stream, filename, flags == NULL ? &local : flags);
    return result == OUT_OF_MEMORY ? -1 : result;
}

int PyRun_InteractiveOneFlags(FILE *stream, const char *filename, PyCompilerFlags *flags) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        PyErr_Print();
        return -1;
    }
    int result = PyRun_InteractiveOneObject(stream, name, flags);
    Py_DECREF(name);
    return result;
}

int _PyRun_InteractiveLoopObject(FILE *stream, PyObject *filename, PyCompilerFlags *flags) {
    PyCompilerFlags local = _PyCompilerFlags_INIT;
    if (flags == NULL) flags = &local;
    static const char *const defaults[2][2] = {{"ps1", ">>> "}, {"ps2", "... "}};
    for (int i = 0; i < 2; i++)
        if (PySys_GetObject(defaults[i][0]) == NULL) {
            PyObject *text = PyUnicode_FromString(defaults[i][1]);
            if (text == NULL || PySys_SetObject(defaults[i][0], text) < 0) PyErr_Print();
            Py_XDECREF(text);
        }
    enum { MEMORY_ERRORS = 16 }; /* so many statements in a row without memory: give up, none can be read */
    int result, failures = 0;
    do {
        result = run_interactive_one(stream, filename, flags);
        failures = result == OUT_OF_MEMORY ? failures + 1 : 0;
    } while (result != END_OF_INPUT && failures <= MEMORY_ERRORS);
    return result == END_OF_INPUT ? 0 : -1;
}

int PyRun_InteractiveLoopFlags(FILE *stream, const char *filename, PyCompilerFlags *flags) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        PyErr_Print();
        return -1;
    }
    int result = _PyRun_InteractiveLoopObject(stream, name, flags);
    Py_DECREF(name);
    return result;
}

/* ---- Exceptions that reach the top ---- */

/* Ends the process for a pending SystemExit, unless -i keeps it. */
static void handle_system_exit(void) {
    int code = 0;
    if (kr_tstate()->interp->config.inspect) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    fflush(stdout);
    if (value == NULL || value == Py_None) goto leave;
    if (PyExceptionInstance_Check(value)) {
        PyObject *argument = PyObject_GetAttr(value, KR_NAME(code));
        if (argument != NULL) {
            Py_SETREF(value, argument);
            if (value == Py_None) goto leave;
        }
    }
    if (PyLong_Check(value)) {
        code = (int)PyLong_AsLong(value);
    } else {
        PyObject *err = PySys_GetObject("stderr");
        PyErr_Clear();
        if (err != NULL && err != Py_None) {
            PyFile_WriteObject(value, err, Py_PRINT_RAW);
        } else {
            PyObject_Print(value, stderr, Py_PRINT_RAW);
            fflush(stderr);
        }
        PySys_WriteStderr("\n");
        code = 1;
    }
leave:
    PyErr_Restore(type, value, traceback);
    PyErr_Clear();
    Py_Exit(code);
}

void PyErr_PrintEx(int set_last) {
    if (PyErr_ExceptionMatches(PyExc_SystemExit)) handle_system_exit();
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type == NULL) return;
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback == NULL) traceback = Py_NewRef(Py_None);
    PyException_SetTraceback(value, traceback);
    if (set_last && (PySys_SetObject("last_type", type) < 0 || PySys_SetObject("last_value", value) < 0 ||
                     PySys_SetObject("last_traceback", traceback) < 0))
        PyErr_Clear();
    PyObject *hook = PySys_GetObject("excepthook");
    if (PySys_Audit("sys.excepthook", "OOOO", hook != NULL ? hook : Py_None, type, value, traceback) < 0) {
        if (PyErr_ExceptionMatches(PyExc_RuntimeError)) {
            PyErr_Clear();
            goto done;
        }
        PyErr_WriteUnraisable(NULL);
    }
    if (hook != NULL) {
        Py_INCREF(hook);
        PyObject *args[3] = {type, value, traceback};
        PyObject *result = PyObject_Vectorcall(hook, args, 3, NULL);
        if (result == NULL) {
            if (PyErr_ExceptionMatches(PyExc_SystemExit)) handle_system_exit();
            PyObject *type2, *value2, *traceback2;
            PyErr_Fetch(&type2, &value2, &traceback2);
            PyErr_NormalizeException(&type2, &value2, &traceback2);
            if (traceback2 != NULL) PyException_SetTraceback(value2, traceback2);
            fflush(stdout);
            PySys_WriteStderr("Error in sys.excepthook:\n");
            PyErr_Display(type2, value2, traceback2);
            PySys_WriteStderr("\nOriginal exception was:\n");
            PyErr_Display(type, value, traceback);
            Py_XDECREF(type2);
            Py_XDECREF(value2);
            Py_XDECREF(traceback2);
        }
        Py_XDECREF(result);
        Py_DECREF(hook);
    } else {
        PySys_WriteStderr("sys.excepthook is missing\n");
        PyErr_Display(type, value, traceback);
    }
done:
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

void PyErr_Print(void) { PyErr_PrintEx(1); }
