/* builtins: the functions and types that every module sees. */
#include <Python.h>

#include "compile/compile.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "object/type.h"
#include "syntax/parse.h"
#include "types/exceptions.h"
#include "types/int.h"
#include "types/iter.h"
#include "vm/eval.h"

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

/* ---- Imports and classes ---- */

static PyObject *builtin_build_class(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return kr_build_class(module, args, count, names);
}

static PyObject *builtin_import(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"name", "globals", "locals", "fromlist", "level", NULL};
    static _PyArg_Parser parser = {.format = "O|OOOi:__import__", .keywords = keywords};
    PyObject *name, *globals = NULL, *locals = NULL, *from = NULL;
    int level = 0;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &name, &globals, &locals, &from, &level)) return NULL;
    return PyImport_ImportModuleLevelObject(name, globals, locals, from, level);
}

/* ---- Functions in alphabetical order ---- */

static PyObject *builtin_abs(PyObject *module, PyObject *x) { return PyNumber_Absolute(x); }

/* all() and any(): stops at the first item whose truth is `stop`. */
static PyObject *search_truth(PyObject *iterable, int stop) {
    PyObject *iterator = PyObject_GetIter(iterable), *item;
    if (iterator == NULL) return NULL;
    iternextfunc next = Py_TYPE(iterator)->tp_iternext;
    while ((item = next(iterator)) != NULL) {
        int truth = PyObject_IsTrue(item);
        Py_DECREF(item);
        if (truth < 0) {
            Py_DECREF(iterator);
            return NULL;
        }
        if (truth == stop) {
            Py_DECREF(iterator);
            return PyBool_FromLong(stop);
        }
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return NULL;
        PyErr_Clear();
    }
    return PyBool_FromLong(!stop);
}

static PyObject *builtin_all(PyObject *module, PyObject *iterable) { return search_truth(iterable, 0); }
static PyObject *builtin_any(PyObject *module, PyObject *iterable) { return search_truth(iterable, 1); }
static PyObject *builtin_ascii(PyObject *module, PyObject *object) { return PyObject_ASCII(object); }
static PyObject *builtin_bin(PyObject *module, PyObject *number) { return PyNumber_ToBase(number, 2); }

static PyObject *builtin_breakpoint(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *hook = PySys_GetObject("breakpointhook");
    if (hook == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "lost sys.breakpointhook");
        return NULL;
    }
    if (PySys_Audit("builtins.breakpoint", "O", hook) < 0) return NULL;
    Py_INCREF(hook);
    PyObject *result = PyObject_Vectorcall(hook, args, (size_t)count, names);
    Py_DECREF(hook);
    return result;
}

static PyObject *builtin_callable(PyObject *module, PyObject *object) { return PyBool_FromLong(PyCallable_Check(object)); }

static PyObject *builtin_chr(PyObject *module, PyObject *number) {
    int code = _PyLong_AsInt(number);
    if (code == -1 && PyErr_Occurred()) return NULL;
    return PyUnicode_FromOrdinal(code);
}

/* The source text of compile(), eval() and exec() as bytes; *owner keeps it alive. NULL with an exception. */
static const char *source_text(PyObject *source, const char *function, const char *what, PyCompilerFlags *flags,
                               PyObject **owner, Py_ssize_t *length) {
    const char *text;
    Py_buffer view;
    *owner = NULL;
    if (PyUnicode_Check(source)) {
        flags->cf_flags |= PyCF_IGNORE_COOKIE;
        text = PyUnicode_AsUTF8AndSize(source, length);
        if (text == NULL) return NULL;
    } else if (PyBytes_Check(source)) {
        text = PyBytes_AS_STRING(source);
        *length = PyBytes_GET_SIZE(source);
    } else if (PyByteArray_Check(source)) {
        text = PyByteArray_AS_STRING(source);
        *length = PyByteArray_GET_SIZE(source);
    } else if (PyObject_GetBuffer(source, &view, PyBUF_SIMPLE) == 0) {
        *owner = PyBytes_FromStringAndSize(view.buf, view.len);
        PyBuffer_Release(&view);
        if (*owner == NULL) return NULL;
        text = PyBytes_AS_STRING(*owner);
        *length = PyBytes_GET_SIZE(*owner);
    } else {
        PyErr_Format(PyExc_TypeError, "%s() arg 1 must be a %s object", function, what);
        return NULL;
    }
    if (strlen(text) != (size_t)*length) {
        PyErr_SetString(PyExc_ValueError, "source code string cannot contain null bytes");
        Py_CLEAR(*owner);
        return NULL;
    }
    return text;
}

/* Parses and compiles text. With PyCF_ONLY_AST the result is an ast object. */
static PyObject *compile_text(const char *text, size_t length, PyObject *filename, int start, PyCompilerFlags *flags,
                              int optimize) {
    KrArena *arena = kr_arena_new();
    if (arena == NULL) return NULL;
    PyObject *result = NULL;
    KrNode *tree = kr_parse(text, length, filename, (KrParseMode)start, flags, arena);
    if (tree != NULL)
        result = flags->cf_flags & PyCF_ONLY_AST ? kr_ast_to_object(tree)
                                                 : (PyObject *)kr_compile(tree, filename, flags, optimize, arena);
    kr_arena_free(arena);
    return result;
}

/* Converter: an int, with the reference's message if it is too large. */
static int int_argument(PyObject *object, void *number) {
    *(int *)number = _PyLong_AsInt(object);
    return *(int *)number != -1 || !PyErr_Occurred();
}

static PyObject *builtin_compile(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"source", "filename", "mode", "flags", "dont_inherit", "optimize",
                                           "_feature_version", NULL};
    static _PyArg_Parser parser = {.format = "OO&s|O&O&O&$O&:compile", .keywords = keywords};
    static const int starts[] = {Py_file_input, Py_eval_input, Py_single_input, Py_func_type_input};
    PyObject *source, *filename = NULL, *result = NULL, *owner;
    const char *mode;
    int flag_bits = 0, dont_inherit = 0, optimize = -1, feature_version = -1, which;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &source, PyUnicode_FSDecoder, &filename, &mode, int_argument,
                                      &flag_bits, int_argument, &dont_inherit, int_argument, &optimize, int_argument,
                                      &feature_version))
        return NULL;
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = flag_bits | PyCF_SOURCE_IS_UTF8;
    if (feature_version >= 0 && (flag_bits & PyCF_ONLY_AST)) flags.cf_feature_version = feature_version;
    if (flag_bits & ~(PyCF_MASK | PyCF_MASK_OBSOLETE | PyCF_COMPILE_MASK)) {
        PyErr_SetString(PyExc_ValueError, "compile(): unrecognised flags");
        goto done;
    }
    if (optimize < -1 || optimize > 2) {
        PyErr_SetString(PyExc_ValueError, "compile(): invalid optimize value");
        goto done;
    }
    if (!dont_inherit) PyEval_MergeCompilerFlags(&flags);
    if (strcmp(mode, "exec") == 0) {
        which = 0;
    } else if (strcmp(mode, "eval") == 0) {
        which = 1;
    } else if (strcmp(mode, "single") == 0) {
        which = 2;
    } else if (strcmp(mode, "func_type") == 0) {
        if (!(flag_bits & PyCF_ONLY_AST)) {
            PyErr_SetString(PyExc_ValueError, "compile() mode 'func_type' requires flag PyCF_ONLY_AST");
            goto done;
        }
        which = 3;
    } else {
        PyErr_SetString(PyExc_ValueError, flag_bits & PyCF_ONLY_AST
                                              ? "compile() mode must be 'exec', 'eval', 'single' or 'func_type'"
                                              : "compile() mode must be 'exec', 'eval' or 'single'");
        goto done;
    }
    int is_ast = kr_ast_check(source);
    if (is_ast < 0) goto done;
    if (is_ast) {
        if (flag_bits & PyCF_ONLY_AST) {
            result = Py_NewRef(source);
            goto done;
        }
        if (PySys_Audit("compile", "OO", source, Py_None) < 0) goto done;
        KrArena *arena = kr_arena_new();
        if (arena == NULL) goto done;
        KrNode *tree = kr_ast_from_object(source, (KrParseMode)starts[which], arena);
        if (tree != NULL && kr_ast_validate(tree)) result = (PyObject *)kr_compile(tree, filename, &flags, optimize, arena);
        kr_arena_free(arena);
        goto done;
    }
    Py_ssize_t length;
    const char *text = source_text(source, "compile", "string, bytes or AST", &flags, &owner, &length);
    if (text == NULL) goto done;
    result = compile_text(text, (size_t)length, filename, starts[which], &flags, optimize);
    Py_XDECREF(owner);
done:
    Py_XDECREF(filename);
    return result;
}

static PyObject *builtin_delattr(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("delattr", count, 2, 2)) return NULL;
    if (PyObject_SetAttr(args[0], args[1], NULL) != 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *builtin_dir(PyObject *module, PyObject *args) {
    PyObject *object = NULL;
    if (!PyArg_UnpackTuple(args, "dir", 0, 1, &object)) return NULL;
    return PyObject_Dir(object);
}

static PyObject *builtin_divmod(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("divmod", count, 2, 2)) return NULL;
    return PyNumber_Divmod(args[0], args[1]);
}

/* Puts __builtins__ into globals that lack it. Returns 0 or -1. */
static int ensure_builtins(PyObject *globals) {
    int present = PyDict_Contains(globals, KR_NAME(__builtins__));
    if (present != 0) return present < 0 ? -1 : 0;
    return PyDict_SetItem(globals, KR_NAME(__builtins__), PyEval_GetBuiltins());
}

static PyObject *builtin_eval(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("eval", count, 1, 3)) return NULL;
    PyObject *source = args[0], *globals = count > 1 ? args[1] : Py_None, *locals = count > 2 ? args[2] : Py_None, *owner,
             *result = NULL;
    if (locals != Py_None && !PyMapping_Check(locals)) {
        PyErr_SetString(PyExc_TypeError, "locals must be a mapping");
        return NULL;
    }
    if (globals != Py_None && !PyDict_Check(globals)) {
        PyErr_SetString(PyExc_TypeError, PyMapping_Check(globals)
                                             ? "globals must be a real dict; try eval(expr, {}, mapping)"
                                             : "globals must be a dict");
        return NULL;
    }
    if (globals == Py_None) {
        globals = PyEval_GetGlobals();
        if (locals == Py_None && (locals = PyEval_GetLocals()) == NULL) return NULL;
    } else if (locals == Py_None) {
        locals = globals;
    }
    if (globals == NULL || locals == NULL) {
        PyErr_SetString(PyExc_TypeError, "eval must be given globals and locals when called without a frame");
        return NULL;
    }
    if (ensure_builtins(globals) < 0) return NULL;
    if (PyCode_Check(source)) {
        if (PySys_Audit("exec", "O", source) < 0) return NULL;
        if (((PyCodeObject *)source)->co_nfreevars > 0) {
            PyErr_SetString(PyExc_TypeError, "code object passed to eval() may not contain free variables");
            return NULL;
        }
        return PyEval_EvalCode(source, globals, locals);
    }
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_SOURCE_IS_UTF8;
    Py_ssize_t length;
    const char *text = source_text(source, "eval", "string, bytes or code", &flags, &owner, &length);
    if (text == NULL) return NULL;
    size_t blank = strspn(text, " \t");
    PyEval_MergeCompilerFlags(&flags);
    PyObject *filename = PyUnicode_FromString("<string>");
    PyObject *code = filename == NULL ? NULL
                                      : compile_text(text + blank, (size_t)length - blank, filename, Py_eval_input, &flags, -1);
    if (code != NULL && PySys_Audit("exec", "O", code) == 0) result = PyEval_EvalCode(code, globals, locals);
    Py_XDECREF(code);
    Py_XDECREF(filename);
    Py_XDECREF(owner);
    return result;
}

static PyObject *builtin_exec(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"", "", "", "closure", NULL};
    static _PyArg_Parser parser = {.format = "O|OO$O:exec", .keywords = keywords};
    PyObject *source, *globals = Py_None, *locals = Py_None, *closure = NULL, *result = NULL, *owner;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &source, &globals, &locals, &closure)) return NULL;
    if (globals == Py_None) {
        globals = PyEval_GetGlobals();
        if (locals == Py_None && (locals = PyEval_GetLocals()) == NULL) return NULL;
        if (globals == NULL || locals == NULL) {
            PyErr_SetString(PyExc_SystemError, "globals and locals cannot be NULL");
            return NULL;
        }
    } else if (locals == Py_None) {
        locals = globals;
    }
    if (!PyDict_Check(globals)) {
        PyErr_Format(PyExc_TypeError, "exec() globals must be a dict, not %.100s", Py_TYPE(globals)->tp_name);
        return NULL;
    }
    if (!PyMapping_Check(locals)) {
        PyErr_Format(PyExc_TypeError, "locals must be a mapping or None, not %.100s", Py_TYPE(locals)->tp_name);
        return NULL;
    }
    if (ensure_builtins(globals) < 0) return NULL;
    if (closure == Py_None) closure = NULL;
    if (PyCode_Check(source)) {
        int free_variables = ((PyCodeObject *)source)->co_nfreevars;
        if (free_variables == 0) {
            if (closure != NULL) {
                PyErr_SetString(PyExc_TypeError, "cannot use a closure with this code object");
                return NULL;
            }
        } else {
            int fits = closure != NULL && PyTuple_CheckExact(closure) && PyTuple_GET_SIZE(closure) == free_variables;
            for (int i = 0; fits && i < free_variables; i++) fits = PyCell_Check(PyTuple_GET_ITEM(closure, i));
            if (!fits) {
                PyErr_Format(PyExc_TypeError, "code object requires a closure of exactly length %d", free_variables);
                return NULL;
            }
        }
        if (PySys_Audit("exec", "O", source) < 0) return NULL;
        result = closure == NULL ? PyEval_EvalCode(source, globals, locals)
                                 : PyEval_EvalCodeEx(source, globals, locals, NULL, 0, NULL, 0, NULL, 0, NULL, closure);
    } else {
        if (closure != NULL) {
            PyErr_SetString(PyExc_TypeError, "closure can only be used when source is a code object");
            return NULL;
        }
        PyCompilerFlags flags = _PyCompilerFlags_INIT;
        flags.cf_flags = PyCF_SOURCE_IS_UTF8;
        Py_ssize_t length;
        const char *text = source_text(source, "exec", "string, bytes or code", &flags, &owner, &length);
        if (text == NULL) return NULL;
        PyEval_MergeCompilerFlags(&flags);
        PyObject *filename = PyUnicode_FromString("<string>");
        PyObject *code = filename == NULL ? NULL : compile_text(text, (size_t)length, filename, Py_file_input, &flags, -1);
        if (code != NULL && PySys_Audit("exec", "O", code) == 0) result = PyEval_EvalCode(code, globals, locals);
        Py_XDECREF(code);
        Py_XDECREF(filename);
        Py_XDECREF(owner);
    }
    if (result == NULL) return NULL;
    Py_DECREF(result);
    Py_RETURN_NONE;
}

static PyObject *builtin_format(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("format", count, 1, 2)) return NULL;
    if (count == 2 && !PyUnicode_Check(args[1])) {
        _PyArg_BadArgument("format", "argument 2", "str", args[1]);
        return NULL;
    }
    return PyObject_Format(args[0], count == 2 ? args[1] : NULL);
}

static PyObject *builtin_getattr(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("getattr", count, 2, 3)) return NULL;
    if (!PyUnicode_Check(args[1])) {
        PyErr_Format(PyExc_TypeError, "attribute name must be string, not '%.200s'", Py_TYPE(args[1])->tp_name);
        return NULL;
    }
    if (count == 2) return PyObject_GetAttr(args[0], args[1]);
    PyObject *value;
    if (_PyObject_LookupAttr(args[0], args[1], &value) == 0) return Py_NewRef(args[2]);
    return value;
}

static PyObject *builtin_globals(PyObject *module, PyObject *unused) { return Py_XNewRef(PyEval_GetGlobals()); }

static PyObject *builtin_hasattr(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("hasattr", count, 2, 2)) return NULL;
    if (!PyUnicode_Check(args[1])) {
        PyErr_Format(PyExc_TypeError, "attribute name must be string, not '%.200s'", Py_TYPE(args[1])->tp_name);
        return NULL;
    }
    PyObject *value;
    int found = _PyObject_LookupAttr(args[0], args[1], &value);
    if (found < 0) return NULL;
    Py_XDECREF(value);
    return PyBool_FromLong(found);
}

static PyObject *builtin_hash(PyObject *module, PyObject *object) {
    Py_hash_t hash = PyObject_Hash(object);
    return hash == -1 && PyErr_Occurred() ? NULL : PyLong_FromSsize_t(hash);
}

static PyObject *builtin_hex(PyObject *module, PyObject *number) { return PyNumber_ToBase(number, 16); }

static PyObject *builtin_id(PyObject *module, PyObject *object) {
    PyObject *id = PyLong_FromVoidPtr(object);
    if (id != NULL && PySys_Audit("builtins.id", "O", id) < 0) Py_CLEAR(id);
    return id;
}

/* The file descriptor of a stream, -1 if it has none (no exception). */
static long stream_descriptor(PyObject *stream) {
    PyObject *number = PyObject_CallMethodNoArgs(stream, KR_NAME(fileno));
    long descriptor = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(number);
    if (PyErr_Occurred()) PyErr_Clear();
    return descriptor;
}

static int flush_stream(PyObject *stream) {
    PyObject *result = PyObject_CallMethodNoArgs(stream, KR_NAME(flush));
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

/* Reads a line from the terminal through PyOS_Readline. */
static PyObject *terminal_input(PyObject *in, PyObject *out, PyObject *prompt) {
    PyObject *in_encoding = PyObject_GetAttrString(in, "encoding"), *in_errors = PyObject_GetAttrString(in, "errors");
    PyObject *out_encoding = NULL, *out_errors = NULL, *text = NULL, *encoded = NULL, *result = NULL;
    char *line = NULL;
    const char *shown = "";
    if (in_encoding == NULL || in_errors == NULL || !PyUnicode_Check(in_encoding) || !PyUnicode_Check(in_errors)) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "input(): lost sys.stdin");
        goto done;
    }
    if (flush_stream(out) < 0) PyErr_Clear();
    if (prompt != NULL) {
        out_encoding = PyObject_GetAttrString(out, "encoding");
        out_errors = PyObject_GetAttrString(out, "errors");
        if (out_encoding == NULL || out_errors == NULL || (text = PyObject_Str(prompt)) == NULL) goto done;
        encoded = PyUnicode_AsEncodedString(text, PyUnicode_AsUTF8(out_encoding), PyUnicode_AsUTF8(out_errors));
        if (encoded == NULL) goto done;
        shown = PyBytes_AS_STRING(encoded);
        if (strlen(shown) != (size_t)PyBytes_GET_SIZE(encoded)) {
            PyErr_SetString(PyExc_ValueError, "input: prompt string cannot contain null characters");
            goto done;
        }
    }
    line = PyOS_Readline(stdin, stdout, shown);
    if (line == NULL) {
        PyErr_CheckSignals();
        if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
        goto done;
    }
    size_t length = strlen(line);
    if (length == 0)
        PyErr_SetNone(PyExc_EOFError);
    else if (length > PY_SSIZE_T_MAX)
        PyErr_SetString(PyExc_OverflowError, "input: input too long");
    else
        result = PyUnicode_Decode(line, (Py_ssize_t)(line[length - 1] == '\n' ? length - 1 : length),
                                  PyUnicode_AsUTF8(in_encoding), PyUnicode_AsUTF8(in_errors));
    if (result != NULL && PySys_Audit("builtins.input/result", "O", result) < 0) Py_CLEAR(result);
done:
    PyMem_Free(line);
    Py_XDECREF(in_encoding);
    Py_XDECREF(in_errors);
    Py_XDECREF(out_encoding);
    Py_XDECREF(out_errors);
    Py_XDECREF(text);
    Py_XDECREF(encoded);
    return result;
}

static PyObject *builtin_input(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("input", count, 0, 1)) return NULL;
    PyObject *prompt = count ? args[0] : NULL;
    PyObject *in = PySys_GetObject("stdin"), *out = PySys_GetObject("stdout"), *err = PySys_GetObject("stderr");
    if (in == NULL || in == Py_None) {
        PyErr_SetString(PyExc_RuntimeError, "input(): lost sys.stdin");
        return NULL;
    }
    if (out == NULL || out == Py_None) {
        PyErr_SetString(PyExc_RuntimeError, "input(): lost sys.stdout");
        return NULL;
    }
    if (err == NULL || err == Py_None) {
        PyErr_SetString(PyExc_RuntimeError, "input(): lost sys.stderr");
        return NULL;
    }
    if (PySys_Audit("builtins.input", "O", prompt != NULL ? prompt : Py_None) < 0) return NULL;
    if (flush_stream(err) < 0) PyErr_Clear();
    if (stream_descriptor(in) == fileno(stdin) && isatty(fileno(stdin)) && stream_descriptor(out) == fileno(stdout) &&
        isatty(fileno(stdout)))
        return terminal_input(in, out, prompt);
    if (prompt != NULL && PyFile_WriteObject(prompt, out, Py_PRINT_RAW) != 0) return NULL;
    if (flush_stream(out) < 0) PyErr_Clear();
    return PyFile_GetLine(in, -1);
}

static PyObject *builtin_isinstance(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("isinstance", count, 2, 2)) return NULL;
    int answer = PyObject_IsInstance(args[0], args[1]);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *builtin_issubclass(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("issubclass", count, 2, 2)) return NULL;
    int answer = PyObject_IsSubclass(args[0], args[1]);
    return answer < 0 ? NULL : PyBool_FromLong(answer);
}

static PyObject *builtin_iter(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("iter", count, 1, 2)) return NULL;
    if (count == 1) return PyObject_GetIter(args[0]);
    if (!PyCallable_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "iter(v, w): v must be callable");
        return NULL;
    }
    return PyCallIter_New(args[0], args[1]);
}

static PyObject *builtin_aiter(PyObject *module, PyObject *object) { return PyObject_GetAIter(object); }

static PyObject *builtin_len(PyObject *module, PyObject *object) {
    Py_ssize_t length = PyObject_Size(object);
    return length < 0 ? NULL : PyLong_FromSsize_t(length);
}

static PyObject *builtin_locals(PyObject *module, PyObject *unused) { return Py_XNewRef(PyEval_GetLocals()); }

/* 0 at the end of an iteration, -1 if it ended in an error. */
static inline int iteration_failed(void) {
    if (!PyErr_Occurred()) return 0;
    if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return -1;
    PyErr_Clear();
    return 0;
}

static PyObject *min_max(const char *name, PyObject *const *args, Py_ssize_t count, PyObject *names, int op) {
    PyObject *key = NULL, *fallback = NULL, *iterator, *best = NULL, *best_key = NULL, *item;
    if (count == 0) {
        PyErr_Format(PyExc_TypeError, "%s expected at least 1 argument, got 0", name);
        return NULL;
    }
    if (names != NULL && PyTuple_GET_SIZE(names) > 2) {
        PyErr_Format(PyExc_TypeError, "%s() takes at most 2 keyword arguments (%zd given)", name, PyTuple_GET_SIZE(names));
        return NULL;
    }
    if (names != NULL)
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
            PyObject *keyword = PyTuple_GET_ITEM(names, i);
            if (_PyUnicode_EqualToASCIIString(keyword, "key")) {
                key = args[count + i];
            } else if (_PyUnicode_EqualToASCIIString(keyword, "default")) {
                fallback = args[count + i];
            } else {
                PyErr_Format(PyExc_TypeError, "'%U' is an invalid keyword argument for %s()", keyword, name);
                return NULL;
            }
        }
    if (count > 1 && fallback != NULL) {
        PyErr_Format(PyExc_TypeError, "Cannot specify a default for %s() with multiple positional arguments", name);
        return NULL;
    }
    if (key == Py_None) key = NULL;
    if (count > 1 && key == NULL) { /* min(a, b, ...): no iterator is needed */
        best = args[0];
        for (Py_ssize_t i = 1; i < count; i++) {
            int better = PyObject_RichCompareBool(args[i], best, op);
            if (better < 0) return NULL;
            if (better) best = args[i];
        }
        return Py_NewRef(best);
    }
    if (count > 1) {
        PyObject *tuple = PyTuple_New(count);
        if (tuple == NULL) return NULL;
        for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
        iterator = PyObject_GetIter(tuple);
        Py_DECREF(tuple);
    } else {
        iterator = PyObject_GetIter(args[0]);
    }
    if (iterator == NULL) return NULL;
    iternextfunc next_item = Py_TYPE(iterator)->tp_iternext;
    while ((item = next_item(iterator)) != NULL) {
        PyObject *value = key == NULL ? Py_NewRef(item) : PyObject_CallOneArg(key, item);
        if (value == NULL) {
            Py_DECREF(item);
            goto fail;
        }
        int better = best == NULL ? 1 : PyObject_RichCompareBool(value, best_key, op);
        if (better > 0) {
            Py_XSETREF(best, item);
            Py_XSETREF(best_key, value);
        } else {
            Py_DECREF(item);
            Py_DECREF(value);
            if (better < 0) goto fail;
        }
    }
    if (iteration_failed() < 0) goto fail;
    if (best == NULL) {
        if (fallback != NULL)
            best = Py_NewRef(fallback);
        else
            PyErr_Format(PyExc_ValueError, "%s() arg is an empty sequence", name);
    }
    Py_XDECREF(best_key);
    Py_DECREF(iterator);
    return best;
fail:
    Py_XDECREF(best);
    Py_XDECREF(best_key);
    Py_DECREF(iterator);
    return NULL;
}

static PyObject *builtin_max(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return min_max("max", args, count, names, Py_GT);
}
static PyObject *builtin_min(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return min_max("min", args, count, names, Py_LT);
}

static PyObject *builtin_next(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("next", count, 1, 2)) return NULL;
    PyObject *iterator = args[0];
    if (!PyIter_Check(iterator)) {
        PyErr_Format(PyExc_TypeError, "'%.200s' object is not an iterator", Py_TYPE(iterator)->tp_name);
        return NULL;
    }
    PyObject *item = Py_TYPE(iterator)->tp_iternext(iterator);
    if (item != NULL) return item;
    if (count > 1) {
        if (PyErr_Occurred()) {
            if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return NULL;
            PyErr_Clear();
        }
        return Py_NewRef(args[1]);
    }
    if (!PyErr_Occurred()) PyErr_SetNone(PyExc_StopIteration);
    return NULL;
}

static PyObject *builtin_anext(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("anext", count, 1, 2)) return NULL;
    PyAsyncMethods *methods = Py_TYPE(args[0])->tp_as_async;
    if (methods == NULL || methods->am_anext == NULL) {
        PyErr_Format(PyExc_TypeError, "'%.200s' object is not an async iterator", Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    PyObject *awaitable = methods->am_anext(args[0]);
    if (awaitable == NULL || count == 1) return awaitable;
    PyObject *result = PyAnextAwaitable_New(awaitable, args[1]);
    Py_DECREF(awaitable);
    return result;
}

static PyObject *builtin_oct(PyObject *module, PyObject *number) { return PyNumber_ToBase(number, 8); }

static PyObject *builtin_ord(PyObject *module, PyObject *c) {
    Py_ssize_t size;
    if (PyBytes_Check(c)) {
        size = PyBytes_GET_SIZE(c);
        if (size == 1) return PyLong_FromLong((unsigned char)*PyBytes_AS_STRING(c));
    } else if (PyUnicode_Check(c)) {
        size = PyUnicode_GET_LENGTH(c);
        if (size == 1) return PyLong_FromLong((long)PyUnicode_READ_CHAR(c, 0));
    } else if (PyByteArray_Check(c)) {
        size = PyByteArray_GET_SIZE(c);
        if (size == 1) return PyLong_FromLong((unsigned char)*PyByteArray_AS_STRING(c));
    } else {
        PyErr_Format(PyExc_TypeError, "ord() expected string of length 1, but %.200s found", Py_TYPE(c)->tp_name);
        return NULL;
    }
    PyErr_Format(PyExc_TypeError, "ord() expected a character, but string of length %zd found", size);
    return NULL;
}

static PyObject *builtin_pow(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"base", "exp", "mod", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "pow"};
    PyObject *buffer[3];
    Py_ssize_t keyword_count = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 2, 3, 0, buffer);
    if (args == NULL) return NULL;
    return PyNumber_Power(args[0], args[1], count + keyword_count > 2 && args[2] != NULL ? args[2] : Py_None);
}

static PyObject *builtin_print(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    PyObject *separator = NULL, *end = NULL, *file = NULL;
    int flush = 0;
    if (names != NULL)
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
            PyObject *keyword = PyTuple_GET_ITEM(names, i), *value = args[count + i];
            if (_PyUnicode_EqualToASCIIString(keyword, "sep")) {
                separator = value;
            } else if (_PyUnicode_EqualToASCIIString(keyword, "end")) {
                end = value;
            } else if (_PyUnicode_EqualToASCIIString(keyword, "file")) {
                file = value;
            } else if (_PyUnicode_EqualToASCIIString(keyword, "flush")) {
                flush = PyObject_IsTrue(value);
                if (flush < 0) return NULL;
            } else {
                PyErr_Format(PyExc_TypeError, "'%S' is an invalid keyword argument for print()", keyword);
                return NULL;
            }
        }
    if (file == NULL || file == Py_None) {
        file = PySys_GetObject("stdout");
        if (file == NULL) {
            PyErr_SetString(PyExc_RuntimeError, "lost sys.stdout");
            return NULL;
        }
        if (file == Py_None) Py_RETURN_NONE;
    }
    if (separator == Py_None) separator = NULL;
    if (separator != NULL && !PyUnicode_Check(separator)) {
        PyErr_Format(PyExc_TypeError, "sep must be None or a string, not %.200s", Py_TYPE(separator)->tp_name);
        return NULL;
    }
    if (end == Py_None) end = NULL;
    if (end != NULL && !PyUnicode_Check(end)) {
        PyErr_Format(PyExc_TypeError, "end must be None or a string, not %.200s", Py_TYPE(end)->tp_name);
        return NULL;
    }
    Py_INCREF(file);
    int failed = 0;
    for (Py_ssize_t i = 0; i < count && !failed; i++) {
        if (i > 0)
            failed = separator == NULL ? PyFile_WriteString(" ", file) : PyFile_WriteObject(separator, file, Py_PRINT_RAW);
        if (!failed) failed = PyFile_WriteObject(args[i], file, Py_PRINT_RAW);
    }
    if (!failed) failed = end == NULL ? PyFile_WriteString("\n", file) : PyFile_WriteObject(end, file, Py_PRINT_RAW);
    if (!failed && flush) failed = flush_stream(file);
    Py_DECREF(file);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *builtin_repr(PyObject *module, PyObject *object) { return PyObject_Repr(object); }

static PyObject *builtin_round(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"number", "ndigits", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "round"};
    PyObject *buffer[2];
    Py_ssize_t given = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 2, 0, buffer);
    if (args == NULL) return NULL;
    PyObject *arguments[] = {args[0], given > 1 ? args[1] : Py_None};
    int unbound;
    PyObject *method = kr_special_lookup_unbound(args[0], KR_NAME(__round__), &unbound);
    if (method == NULL) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "type %.100s doesn't define __round__ method", Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(method, arguments + !unbound, (arguments[1] != Py_None) + unbound, NULL);
    Py_DECREF(method);
    return result;
}

static PyObject *builtin_setattr(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("setattr", count, 3, 3)) return NULL;
    if (PyObject_SetAttr(args[0], args[1], args[2]) != 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *builtin_sorted(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    if (!_PyArg_CheckPositional("sorted", count, 1, 1)) return NULL;
    PyObject *list = PySequence_List(args[0]);
    if (list == NULL) return NULL;
    PyObject *sort = PyObject_GetAttr(list, KR_NAME(sort)), *result = NULL;
    if (sort != NULL) {
        result = PyObject_Vectorcall(sort, args + 1, 0, names);
        Py_DECREF(sort);
    }
    if (result == NULL) {
        Py_DECREF(list);
        return NULL;
    }
    Py_DECREF(result);
    return list;
}

/* Adds ints while they fit a C long, then floats, then anything. Takes over `total`. */
static PyObject *sum_items(PyObject *iterator, PyObject *total) {
    iternextfunc next_item = Py_TYPE(iterator)->tp_iternext;
    PyObject *item;
    if (PyLong_CheckExact(total)) {
        int overflow;
        long sum = PyLong_AsLongAndOverflow(total, &overflow);
        if (!overflow) {
            Py_CLEAR(total);
            for (;;) {
                item = next_item(iterator);
                if (item == NULL) return iteration_failed() < 0 ? NULL : PyLong_FromLong(sum);
                if (PyLong_CheckExact(item) || PyBool_Check(item)) {
                    int medium = kr_int_is_medium((PyLongObject *)item);
                    long value = medium ? kr_int_medium((PyLongObject *)item) : 0, next;
                    if (medium && !__builtin_add_overflow(sum, value, &next)) {
                        sum = next;
                        Py_DECREF(item);
                        continue;
                    }
                }
                PyObject *left = PyLong_FromLong(sum);
                total = left == NULL ? NULL : PyNumber_Add(left, item);
                Py_XDECREF(left);
                Py_DECREF(item);
                if (total == NULL) return NULL;
                break;
            }
        }
    }
    if (PyFloat_CheckExact(total)) {
        double sum = PyFloat_AS_DOUBLE(total);
        Py_CLEAR(total);
        for (;;) {
            item = next_item(iterator);
            if (item == NULL) return iteration_failed() < 0 ? NULL : PyFloat_FromDouble(sum);
            if (PyFloat_CheckExact(item)) {
                sum += PyFloat_AS_DOUBLE(item);
                Py_DECREF(item);
                continue;
            }
            if (PyLong_Check(item)) {
                int overflow;
                long value = PyLong_AsLongAndOverflow(item, &overflow);
                if (!overflow) {
                    sum += (double)value;
                    Py_DECREF(item);
                    continue;
                }
            }
            PyObject *left = PyFloat_FromDouble(sum);
            total = left == NULL ? NULL : PyNumber_Add(left, item);
            Py_XDECREF(left);
            Py_DECREF(item);
            if (total == NULL) return NULL;
            break;
        }
    }
    while ((item = next_item(iterator)) != NULL) {
        PyObject *next = PyNumber_Add(total, item);
        Py_DECREF(item);
        Py_SETREF(total, next);
        if (total == NULL) return NULL;
    }
    if (iteration_failed() < 0) Py_CLEAR(total);
    return total;
}

static PyObject *builtin_sum(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"", "start", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "sum"};
    PyObject *buffer[2];
    Py_ssize_t given = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 2, 0, buffer);
    if (args == NULL) return NULL;
    PyObject *start = given > 1 ? args[1] : NULL;
    PyObject *iterator = PyObject_GetIter(args[0]);
    if (iterator == NULL) return NULL;
    const char *message = start == NULL           ? NULL
                          : PyUnicode_Check(start) ? "sum() can't sum strings [use ''.join(seq) instead]"
                          : PyBytes_Check(start)   ? "sum() can't sum bytes [use b''.join(seq) instead]"
                          : PyByteArray_Check(start) ? "sum() can't sum bytearray [use b''.join(seq) instead]"
                                                     : NULL;
    PyObject *result = NULL;
    if (message != NULL)
        PyErr_SetString(PyExc_TypeError, message);
    else
        result = sum_items(iterator, start == NULL ? PyLong_FromLong(0) : Py_NewRef(start));
    Py_DECREF(iterator);
    return result;
}

static PyObject *builtin_vars(PyObject *module, PyObject *args) {
    PyObject *object = NULL, *dict;
    if (!PyArg_UnpackTuple(args, "vars", 0, 1, &object)) return NULL;
    if (object == NULL) return Py_XNewRef(PyEval_GetLocals());
    if (_PyObject_LookupAttr(object, KR_NAME(__dict__), &dict) == 0)
        PyErr_SetString(PyExc_TypeError, "vars() argument must have __dict__ attribute");
    return dict;
}

static PyMethodDef methods[] = {
    {"__build_class__", FASTCALL(builtin_build_class), METH_FASTCALL | METH_KEYWORDS,
     "__build_class__(func, name, /, *bases, [metaclass], **kwds) -> class\n\nWhat a class statement calls."},
    {"__import__", FASTCALL(builtin_import), METH_FASTCALL | METH_KEYWORDS,
     "__import__($module, /, name, globals=None, locals=None, fromlist=(),\n           level=0)\n--\n\n"
     "What an import statement calls; importlib.import_module() is for programs.\n\n"
     "Returns the top-level package, or the module itself if fromlist is not empty."},
    {"abs", builtin_abs, METH_O, "abs($module, x, /)\n--\n\nThe absolute value of a number."},
    {"all", builtin_all, METH_O, "all($module, iterable, /)\n--\n\nTrue if every item is true; True for no items."},
    {"any", builtin_any, METH_O, "any($module, iterable, /)\n--\n\nTrue if some item is true; False for no items."},
    {"ascii", builtin_ascii, METH_O, "ascii($module, obj, /)\n--\n\nrepr() with everything but ASCII escaped."},
    {"bin", builtin_bin, METH_O, "bin($module, number, /)\n--\n\nAn int in binary.\n\n>>> bin(10)\n'0b1010'"},
    {"breakpoint", FASTCALL(builtin_breakpoint), METH_FASTCALL | METH_KEYWORDS,
     "breakpoint(*args, **kws)\n\nEnters the debugger: calls sys.breakpointhook(*args, **kws)."},
    {"callable", builtin_callable, METH_O, "callable($module, obj, /)\n--\n\nTrue if the object can be called."},
    {"chr", builtin_chr, METH_O, "chr($module, i, /)\n--\n\nThe character of a code point, 0 <= i <= 0x10ffff."},
    {"compile", FASTCALL(builtin_compile), METH_FASTCALL | METH_KEYWORDS,
     "compile($module, /, source, filename, mode, flags=0,\n        dont_inherit=False, optimize=-1, *, _feature_version=-1)\n"
     "--\n\nCompiles source (text or an ast) into a code object or ast.\n\n"
     "mode is 'exec', 'eval' or 'single'; flags hold __future__ features and ast.PyCF_* bits."},
    {"delattr", FASTCALL(builtin_delattr), METH_FASTCALL, "delattr($module, obj, name, /)\n--\n\nDeletes an attribute."},
    {"dir", builtin_dir, METH_VARARGS,
     "dir([object]) -> list of strings\n\nNames in the current scope, or the attribute names of an object."},
    {"divmod", FASTCALL(builtin_divmod), METH_FASTCALL, "divmod($module, x, y, /)\n--\n\nThe tuple (x//y, x%y)."},
    {"eval", FASTCALL(builtin_eval), METH_FASTCALL,
     "eval($module, source, globals=None, locals=None, /)\n--\n\nThe value of an expression given as text or code object."},
    {"exec", FASTCALL(builtin_exec), METH_FASTCALL | METH_KEYWORDS,
     "exec($module, source, globals=None, locals=None, /, *, closure=None)\n--\n\nExecutes statements given as text or code."},
    {"format", FASTCALL(builtin_format), METH_FASTCALL,
     "format($module, value, format_spec=\'\', /)\n--\n\nvalue.__format__(format_spec)."},
    {"getattr", FASTCALL(builtin_getattr), METH_FASTCALL,
     "getattr(object, name[, default]) -> value\n\nAn attribute by name; the default, if given, where there is none."},
    {"globals", builtin_globals, METH_NOARGS, "globals($module, /)\n--\n\nThe namespace of the current module, a dict."},
    {"hasattr", FASTCALL(builtin_hasattr), METH_FASTCALL,
     "hasattr($module, obj, name, /)\n--\n\nTrue if the object has the attribute."},
    {"hash", builtin_hash, METH_O, "hash($module, obj, /)\n--\n\nThe hash of an object, an int."},
    {"hex", builtin_hex, METH_O, "hex($module, number, /)\n--\n\nAn int in hexadecimal.\n\n>>> hex(1000)\n'0x3e8'"},
    {"id", builtin_id, METH_O, "id($module, obj, /)\n--\n\nThe identity of an object: its address."},
    {"input", FASTCALL(builtin_input), METH_FASTCALL,
     "input($module, prompt=None, /)\n--\n\nReads a line from standard input, without its newline; EOFError at the end."},
    {"isinstance", FASTCALL(builtin_isinstance), METH_FASTCALL,
     "isinstance($module, obj, class_or_tuple, /)\n--\n\nTrue if the object is an instance of the class or one of the classes."},
    {"issubclass", FASTCALL(builtin_issubclass), METH_FASTCALL,
     "issubclass($module, cls, class_or_tuple, /)\n--\n\nTrue if cls is a subclass of the class or of one of the classes."},
    {"iter", FASTCALL(builtin_iter), METH_FASTCALL,
     "iter(iterable) -> iterator\niter(callable, sentinel) -> iterator\n\nAn iterator over an object, or over calls until a "
     "sentinel."},
    {"aiter", builtin_aiter, METH_O, "aiter($module, async_iterable, /)\n--\n\nThe asynchronous iterator of an object."},
    {"len", builtin_len, METH_O, "len($module, obj, /)\n--\n\nThe number of items in a container."},
    {"locals", builtin_locals, METH_NOARGS, "locals($module, /)\n--\n\nThe local variables of the caller as a dict."},
    {"max", FASTCALL(builtin_max), METH_FASTCALL | METH_KEYWORDS,
     "max(iterable, *[, default=obj, key=func]) -> value\nmax(arg1, arg2, *args, *[, key=func]) -> value\n\nThe largest item."},
    {"min", FASTCALL(builtin_min), METH_FASTCALL | METH_KEYWORDS,
     "min(iterable, *[, default=obj, key=func]) -> value\nmin(arg1, arg2, *args, *[, key=func]) -> value\n\nThe smallest item."},
    {"next", FASTCALL(builtin_next), METH_FASTCALL,
     "next(iterator[, default])\n\nThe next item; the default, if given, at the end instead of StopIteration."},
    {"anext", FASTCALL(builtin_anext), METH_FASTCALL,
     "anext($module, aiterator, default=<unrepresentable>, /)\n--\n\nAn awaitable of the next item."},
    {"oct", builtin_oct, METH_O, "oct($module, number, /)\n--\n\nAn int in octal.\n\n>>> oct(100)\n'0o144'"},
    {"ord", builtin_ord, METH_O, "ord($module, c, /)\n--\n\nThe code point of a one-character string."},
    {"pow", FASTCALL(builtin_pow), METH_FASTCALL | METH_KEYWORDS,
     "pow($module, /, base, exp, mod=None)\n--\n\nbase**exp, or base**exp % mod computed fast."},
    {"print", FASTCALL(builtin_print), METH_FASTCALL | METH_KEYWORDS,
     "print($module, /, *args, sep=\' \', end=\'\\n\', file=None, flush=False)\n--\n\nWrites values to a text stream, "
     "sys.stdout by default."},
    {"repr", builtin_repr, METH_O, "repr($module, obj, /)\n--\n\nThe printable representation of an object."},
    {"round", FASTCALL(builtin_round), METH_FASTCALL | METH_KEYWORDS,
     "round($module, /, number, ndigits=None)\n--\n\nRounds to ndigits decimal digits; to an int without ndigits."},
    {"setattr", FASTCALL(builtin_setattr), METH_FASTCALL,
     "setattr($module, obj, name, value, /)\n--\n\nSets an attribute."},
    {"sorted", FASTCALL(builtin_sorted), METH_FASTCALL | METH_KEYWORDS,
     "sorted($module, iterable, /, *, key=None, reverse=False)\n--\n\nA new list of all items in ascending order."},
    {"sum", FASTCALL(builtin_sum), METH_FASTCALL | METH_KEYWORDS,
     "sum($module, iterable, /, start=0)\n--\n\nThe start value plus all items."},
    {"vars", builtin_vars, METH_VARARGS, "vars([object]) -> dictionary\n\nlocals(), or the object's __dict__."},
    {NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "builtins",
    .m_doc = "The functions, types and exceptions that every module sees.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit_builtins(void) {
    static const struct {
        const char *name;
        PyTypeObject *type;
    } types[] = {
        {"bool", &PyBool_Type},           {"memoryview", &PyMemoryView_Type}, {"bytearray", &PyByteArray_Type},
        {"bytes", &PyBytes_Type},         {"classmethod", &PyClassMethod_Type}, {"complex", &PyComplex_Type},
        {"dict", &PyDict_Type},           {"enumerate", &PyEnum_Type},        {"filter", &PyFilter_Type},
        {"float", &PyFloat_Type},         {"frozenset", &PyFrozenSet_Type},   {"property", &PyProperty_Type},
        {"int", &PyLong_Type},            {"list", &PyList_Type},             {"map", &PyMap_Type},
        {"object", &PyBaseObject_Type},   {"range", &PyRange_Type},           {"reversed", &PyReversed_Type},
        {"set", &PySet_Type},             {"slice", &PySlice_Type},           {"staticmethod", &PyStaticMethod_Type},
        {"str", &PyUnicode_Type},         {"super", &PySuper_Type},           {"tuple", &PyTuple_Type},
        {"type", &PyType_Type},           {"zip", &PyZip_Type},
    };
    PyObject *module = PyModule_Create(&definition);
    if (module == NULL) return NULL;
    PyObject *dict = PyModule_GetDict(module);
    if (PyModule_AddObjectRef(module, "None", Py_None) < 0 || PyModule_AddObjectRef(module, "Ellipsis", Py_Ellipsis) < 0 ||
        PyModule_AddObjectRef(module, "NotImplemented", Py_NotImplemented) < 0 ||
        PyModule_AddObjectRef(module, "False", Py_False) < 0 || PyModule_AddObjectRef(module, "True", Py_True) < 0)
        goto fail;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (PyDict_SetItemString(dict, types[i].name, (PyObject *)types[i].type) < 0) goto fail;
    PyObject *debug = PyBool_FromLong(kr_tstate()->interp->config.optimization_level == 0);
    int failed = PyDict_SetItemString(dict, "__debug__", debug);
    Py_DECREF(debug);
    if (failed < 0) goto fail;
    return module;
fail:
    Py_DECREF(module);
    return NULL;
}
