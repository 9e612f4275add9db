/* The error indicator: setting, testing, normalising and chaining exceptions. The exception types live elsewhere. */
#include <Python.h>
#include <errno.h>
#include <string.h>

#include "object/errors.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"

#undef PyErr_BadInternalCall

/* -- The indicator ------------------------------------------------------------------------------------------------------- */

PyObject *PyErr_Occurred(void) {
    PyThreadState *tstate = kr_tstate();
    return tstate != NULL ? tstate->curexc_type : NULL;
}

/* Takes the references. A traceback that is none is dropped. */
void PyErr_Restore(PyObject *type, PyObject *value, PyObject *traceback) {
    PyThreadState *tstate = kr_tstate();
    if (traceback != NULL && !PyTraceBack_Check(traceback)) Py_CLEAR(traceback);
    PyObject *old_type = tstate->curexc_type, *old_value = tstate->curexc_value;
    PyObject *old_traceback = tstate->curexc_traceback;
    tstate->curexc_type = type;
    tstate->curexc_value = value;
    tstate->curexc_traceback = traceback;
    Py_XDECREF(old_type);
    Py_XDECREF(old_value);
    Py_XDECREF(old_traceback);
}

void PyErr_Fetch(PyObject **p_type, PyObject **p_value, PyObject **p_traceback) {
    PyThreadState *tstate = kr_tstate();
    *p_type = tstate->curexc_type;
    *p_value = tstate->curexc_value;
    *p_traceback = tstate->curexc_traceback;
    tstate->curexc_type = NULL;
    tstate->curexc_value = NULL;
    tstate->curexc_traceback = NULL;
}

void PyErr_Clear(void) {
    PyThreadState *tstate = kr_tstate();
    if (tstate->curexc_type == NULL) return;
    PyErr_Restore(NULL, NULL, NULL);
}

/* -- Handled exceptions ---------------------------------------------------------------------------------------------------- */

_PyErr_StackItem *_PyErr_GetTopmostException(PyThreadState *tstate) {
    _PyErr_StackItem *item = tstate->exc_info;
    while ((item->exc_value == NULL || item->exc_value == Py_None) && item->previous_item != NULL) {
        item = item->previous_item;
    }
    return item;
}

PyObject *_PyErr_GetHandledException(PyThreadState *tstate) {
    PyObject *value = _PyErr_GetTopmostException(tstate)->exc_value;
    return value == NULL || value == Py_None ? NULL : Py_NewRef(value);
}

PyObject *PyErr_GetHandledException(void) { return _PyErr_GetHandledException(kr_tstate()); }

void _PyErr_SetHandledException(PyThreadState *tstate, PyObject *exc) {
    Py_XINCREF(exc);
    Py_XSETREF(tstate->exc_info->exc_value, exc);
}

void PyErr_SetHandledException(PyObject *exc) { _PyErr_SetHandledException(kr_tstate(), exc); }

void _PyErr_GetExcInfo(PyThreadState *tstate, PyObject **p_type, PyObject **p_value, PyObject **p_traceback) {
    PyObject *value = _PyErr_GetTopmostException(tstate)->exc_value;
    if (value == NULL || value == Py_None) {
        *p_type = Py_NewRef(Py_None);
        *p_value = Py_XNewRef(value);
        *p_traceback = Py_NewRef(Py_None);
        return;
    }
    *p_type = Py_NewRef(PyExceptionInstance_Class(value));
    *p_value = Py_NewRef(value);
    *p_traceback = PyException_GetTraceback(value);
    if (*p_traceback == NULL) *p_traceback = Py_NewRef(Py_None);
}

void PyErr_GetExcInfo(PyObject **p_type, PyObject **p_value, PyObject **p_traceback) {
    _PyErr_GetExcInfo(kr_tstate(), p_type, p_value, p_traceback);
}

/* Takes the references; type and traceback are those of the value. */
void PyErr_SetExcInfo(PyObject *type, PyObject *value, PyObject *traceback) {
    PyErr_SetHandledException(value);
    Py_XDECREF(value);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
}

/* -- Matching and normalising ---------------------------------------------------------------------------------------------- */

int PyErr_GivenExceptionMatches(PyObject *err, PyObject *exc) {
    if (err == NULL || exc == NULL) return 0;
    if (PyTuple_Check(exc)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(exc); i++) {
            if (PyErr_GivenExceptionMatches(err, PyTuple_GET_ITEM(exc, i))) return 1;
        }
        return 0;
    }
    if (PyExceptionInstance_Check(err)) err = PyExceptionInstance_Class(err);
    if (err == exc) return 1;
    if (PyExceptionClass_Check(err) && PyExceptionClass_Check(exc)) {
        return PyType_IsSubtype((PyTypeObject *)err, (PyTypeObject *)exc);
    }
    return 0;
}

int PyErr_ExceptionMatches(PyObject *exc) { return PyErr_GivenExceptionMatches(PyErr_Occurred(), exc); }

PyObject *kr_exception_create(PyObject *type, PyObject *value) {
    PyObject *exception;
    if (value == NULL || value == Py_None) {
        exception = PyObject_CallNoArgs(type);
    } else if (PyTuple_Check(value)) {
        exception = PyObject_Call(type, value, NULL);
    } else {
        exception = PyObject_CallOneArg(type, value);
    }
    if (exception != NULL && !PyExceptionInstance_Check(exception)) {
        PyErr_Format(PyExc_TypeError, "calling %R should have returned an instance of BaseException, not %s", type,
                     Py_TYPE(exception)->tp_name);
        Py_CLEAR(exception);
    }
    return exception;
}

/* Makes *p_value an instance of *p_type once. Returns 0, or -1 with another exception set. */
static int normalize_once(PyObject **p_type, PyObject **p_value) {
    PyObject *type = *p_type;
    if (!PyExceptionClass_Check(type)) return 0;
    PyObject *value = *p_value;
    PyObject *value_class = PyExceptionInstance_Check(value) ? PyExceptionInstance_Class(value) : NULL;
    int is_instance = 0;
    if (value_class != NULL) {
        is_instance = PyObject_IsSubclass(value_class, type);
        if (is_instance < 0) return -1;
    }
    if (!is_instance) {
        PyObject *created = kr_exception_create(type, value);
        if (created == NULL) return -1;
        Py_SETREF(*p_value, created);
    } else if (value_class != type) {
        Py_INCREF(value_class);
        Py_SETREF(*p_type, value_class);
    }
    return 0;
}

void PyErr_NormalizeException(PyObject **p_type, PyObject **p_value, PyObject **p_traceback) {
    enum { ATTEMPTS = 32 }; /* constructors of exceptions that raise in their turn */
    if (*p_type == NULL) return;
    for (int attempt = 1;; attempt++) {
        if (*p_value == NULL) *p_value = Py_NewRef(Py_None);
        if (normalize_once(p_type, p_value) == 0) return;

        /* Making the instance failed: that failure is the exception now. */
        PyObject *old_traceback = *p_traceback;
        Py_CLEAR(*p_type);
        Py_CLEAR(*p_value);
        if (attempt == ATTEMPTS) {
            PyErr_SetString(PyExc_RecursionError,
                            "maximum recursion depth exceeded while normalizing an exception");
        } else if (attempt > ATTEMPTS + 2) {
            if (PyErr_ExceptionMatches(PyExc_MemoryError)) {
                Py_FatalError("Cannot recover from MemoryErrors while normalizing exceptions.");
            }
            Py_FatalError("Cannot recover from the recursive normalization of an exception.");
        }
        PyErr_Fetch(p_type, p_value, p_traceback);
        if (old_traceback != NULL) {
            if (*p_traceback == NULL) {
                *p_traceback = old_traceback;
            } else {
                Py_DECREF(old_traceback);
            }
        }
    }
}

/* -- Setting ---------------------------------------------------------------------------------------------------------------- */

/* Makes `handled` the context of `value`, cutting whatever would close a cycle. */
static void set_context(PyObject *value, PyObject *handled) {
    if (handled == value) return;
    PyObject *node = handled, *slow = handled, *context;
    int odd = 0;
    while ((context = PyException_GetContext(node)) != NULL) {
        Py_DECREF(context); /* `node` still holds it */
        if (context == value) {
            PyException_SetContext(node, NULL);
            break;
        }
        node = context;
        if (node == slow) break; /* a cycle that was there before */
        if (odd) {
            slow = PyException_GetContext(slow);
            Py_DECREF(slow);
        }
        odd = !odd;
    }
    PyException_SetContext(value, Py_NewRef(handled));
}

void PyErr_SetObject(PyObject *exception, PyObject *value) {
    PyThreadState *tstate = kr_tstate();
    if (exception != NULL && !PyExceptionClass_Check(exception)) {
        PyErr_Format(PyExc_SystemError, "_PyErr_SetObject: exception %R is not a BaseException subclass", exception);
        return;
    }
    Py_XINCREF(value);
    PyObject *handled = exception != NULL ? _PyErr_GetTopmostException(tstate)->exc_value : NULL;
    if (handled != NULL && handled != Py_None) {
        /* While another exception is handled, the new one is made at once: it remembers the other. */
        Py_INCREF(handled);
        PyErr_Clear();
        int is_instance = value != NULL && PyExceptionInstance_Check(value) &&
                          PyObject_IsInstance(value, exception) > 0;
        if (!is_instance) {
            PyErr_Clear();
            PyObject *created = kr_exception_create(exception, value);
            Py_XDECREF(value);
            if (created == NULL) {
                Py_DECREF(handled);
                return;
            }
            value = created;
        }
        set_context(value, handled);
        Py_DECREF(handled);
    }
    PyObject *traceback = NULL;
    if (value != NULL && PyExceptionInstance_Check(value)) traceback = PyException_GetTraceback(value);
    Py_XINCREF(exception);
    PyErr_Restore(exception, value, traceback);
}

void PyErr_SetNone(PyObject *exception) { PyErr_SetObject(exception, NULL); }

void PyErr_SetString(PyObject *exception, const char *string) {
    PyObject *value = PyUnicode_FromString(string);
    if (value == NULL) return;
    PyErr_SetObject(exception, value);
    Py_DECREF(value);
}

/* A key that is a tuple must not be taken for the arguments. */
void _PyErr_SetKeyError(PyObject *key) {
    PyObject *arguments = PyTuple_Pack(1, key);
    if (arguments == NULL) return;
    PyErr_SetObject(PyExc_KeyError, arguments);
    Py_DECREF(arguments);
}

PyObject *PyErr_FormatV(PyObject *exception, const char *format, va_list vargs) {
    PyErr_Clear();
    PyObject *text = PyUnicode_FromFormatV(format, vargs);
    if (text == NULL) { /* some object's repr() failed: the exception wins, without its text */
        if (!PyErr_ExceptionMatches(PyExc_MemoryError)) PyErr_SetNone(exception);
        return NULL;
    }
    PyErr_SetObject(exception, text);
    Py_DECREF(text);
    return NULL;
}

PyObject *PyErr_Format(PyObject *exception, const char *format, ...) {
    va_list vargs;
    va_start(vargs, format);
    PyErr_FormatV(exception, format, vargs);
    va_end(vargs);
    return NULL;
}

int PyErr_BadArgument(void) {
    PyErr_SetString(PyExc_TypeError, "bad argument type for built-in operation");
    return 0;
}

PyObject *PyErr_NoMemory(void) {
    PyObject *error = kr_memory_error_new();
    PyErr_SetObject(PyExc_MemoryError, error);
    Py_XDECREF(error);
    return NULL;
}

void _PyErr_BadInternalCall(const char *filename, int lineno) {
    PyErr_Format(PyExc_SystemError, "%s:%d: bad argument to internal function", filename, lineno);
}

PyAPI_FUNC(void) PyErr_BadInternalCall(void);
void PyErr_BadInternalCall(void) { PyErr_SetString(PyExc_SystemError, "bad argument to internal function"); }

/* -- Operating system errors ---------------------------------------------------------------------------------------------- */

PyObject *PyErr_SetFromErrnoWithFilenameObjects(PyObject *exc, PyObject *filename1, PyObject *filename2) {
    int code = errno;
    if (code == EINTR && PyErr_CheckSignals()) return NULL;
    PyObject *message;
    if (code == 0) {
        message = PyUnicode_FromString("Error");
    } else {
        message = PyUnicode_DecodeLocale(strerror(code), "surrogateescape");
    }
    if (message == NULL) return NULL;
    PyObject *arguments;
    if (filename1 != NULL && filename2 != NULL) {
        /* The fourth argument is the Windows error code. */
        arguments = Py_BuildValue("(iOOiO)", code, message, filename1, 0, filename2);
    } else if (filename1 != NULL) {
        arguments = Py_BuildValue("(iOO)", code, message, filename1);
    } else {
        arguments = Py_BuildValue("(iO)", code, message);
    }
    Py_DECREF(message);
    if (arguments == NULL) return NULL;
    PyObject *exception = PyObject_Call(exc, arguments, NULL);
    Py_DECREF(arguments);
    if (exception == NULL) return NULL;
    /* The constructor of OSError chooses a subclass by the code. */
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
    return NULL;
}

PyObject *PyErr_SetFromErrnoWithFilenameObject(PyObject *exc, PyObject *filename) {
    return PyErr_SetFromErrnoWithFilenameObjects(exc, filename, NULL);
}

PyObject *PyErr_SetFromErrnoWithFilename(PyObject *exc, const char *filename) {
    PyObject *name = NULL;
    if (filename != NULL) {
        int code = errno;
        name = PyUnicode_DecodeFSDefault(filename);
        if (name == NULL) return NULL;
        errno = code;
    }
    PyErr_SetFromErrnoWithFilenameObjects(exc, name, NULL);
    Py_XDECREF(name);
    return NULL;
}

PyObject *PyErr_SetFromErrno(PyObject *exc) { return PyErr_SetFromErrnoWithFilenameObjects(exc, NULL, NULL); }

PyObject *PyErr_SetImportErrorSubclass(PyObject *exception, PyObject *msg, PyObject *name, PyObject *path) {
    int is_import_error = PyObject_IsSubclass(exception, PyExc_ImportError);
    if (is_import_error < 0) return NULL;
    if (!is_import_error) {
        PyErr_SetString(PyExc_TypeError, "expected a subclass of ImportError");
        return NULL;
    }
    if (msg == NULL) {
        PyErr_SetString(PyExc_TypeError, "expected a message argument");
        return NULL;
    }
    PyObject *kwargs = Py_BuildValue("{sOsO}", "name", name != NULL ? name : Py_None, "path",
                                     path != NULL ? path : Py_None);
    if (kwargs == NULL) return NULL;
    PyObject *error = PyObject_VectorcallDict(exception, &msg, 1, kwargs);
    Py_DECREF(kwargs);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
    return NULL;
}

PyObject *PyErr_SetImportError(PyObject *msg, PyObject *name, PyObject *path) {
    return PyErr_SetImportErrorSubclass(PyExc_ImportError, msg, name, path);
}

/* -- Chaining ----------------------------------------------------------------------------------------------------------------- */

/* Fetches the exception that is set as a normalised instance with its traceback. New reference. */
static PyObject *fetch_instance(void) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
        Py_DECREF(traceback);
    }
    Py_XDECREF(type);
    return value;
}

/* Takes the references. If an exception is set, the given one becomes its context; otherwise it is set. */
void _PyErr_ChainExceptions(PyObject *type, PyObject *value, PyObject *traceback) {
    if (type == NULL) return;
    if (!PyErr_Occurred()) {
        PyErr_Restore(type, value, traceback);
        return;
    }
    PyObject *new_type, *new_value, *new_traceback;
    PyErr_Fetch(&new_type, &new_value, &new_traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
        Py_DECREF(traceback);
    }
    Py_DECREF(type);
    PyErr_NormalizeException(&new_type, &new_value, &new_traceback);
    PyException_SetContext(new_value, value);
    PyErr_Restore(new_type, new_value, new_traceback);
}

void _PyErr_ChainStackItem(_PyErr_StackItem *exc_info) {
    PyThreadState *tstate = kr_tstate();
    if (exc_info != NULL) {
        if (exc_info->exc_value == NULL || exc_info->exc_value == Py_None) return;
        exc_info->previous_item = tstate->exc_info;
        tstate->exc_info = exc_info;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
        Py_DECREF(traceback);
    }
    /* Setting it again finds the handled exception and chains the two. */
    PyErr_SetObject(type, value);
    Py_DECREF(type);
    Py_XDECREF(value);
    if (exc_info != NULL) {
        tstate->exc_info = exc_info->previous_item;
        exc_info->previous_item = NULL;
    }
}

static PyObject *format_from_cause(PyObject *exception, const char *format, va_list vargs) {
    PyObject *cause = fetch_instance();
    PyErr_FormatV(exception, format, vargs);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    PyException_SetCause(value, Py_NewRef(cause));
    PyException_SetContext(value, cause);
    PyErr_Restore(type, value, traceback);
    return NULL;
}

PyObject *_PyErr_FormatFromCause(PyObject *exception, const char *format, ...) {
    va_list vargs;
    va_start(vargs, format);
    format_from_cause(exception, format, vargs);
    va_end(vargs);
    return NULL;
}

/* -- New exception classes -------------------------------------------------------------------------------------------------------- */

PyObject *PyErr_NewException(const char *name, PyObject *base, PyObject *dict) {
    const char *dot = strrchr(name, '.');
    if (dot == NULL) {
        PyErr_SetString(PyExc_SystemError, "PyErr_NewException: name must be module.class");
        return NULL;
    }
    PyObject *bases = NULL, *module = NULL, *result = NULL;
    PyObject *namespace = dict != NULL ? Py_NewRef(dict) : PyDict_New();
    if (namespace == NULL) return NULL;
    int present = PyDict_Contains(namespace, KR_NAME(__module__));
    if (present < 0) goto done;
    if (!present) {
        module = PyUnicode_FromStringAndSize(name, dot - name);
        if (module == NULL || PyDict_SetItem(namespace, KR_NAME(__module__), module) < 0) goto done;
    }
    if (base == NULL) base = PyExc_Exception;
    bases = PyTuple_Check(base) ? Py_NewRef(base) : PyTuple_Pack(1, base);
    if (bases != NULL) result = PyObject_CallFunction((PyObject *)&PyType_Type, "sOO", dot + 1, bases, namespace);
done:
    Py_XDECREF(bases);
    Py_XDECREF(module);
    Py_DECREF(namespace);
    return result;
}

PyObject *PyErr_NewExceptionWithDoc(const char *name, const char *doc, PyObject *base, PyObject *dict) {
    PyObject *namespace = dict != NULL ? Py_NewRef(dict) : PyDict_New();
    if (namespace == NULL) return NULL;
    int status = 0;
    if (doc != NULL) {
        PyObject *text = PyUnicode_FromString(doc);
        status = text != NULL ? PyDict_SetItem(namespace, KR_NAME(__doc__), text) : -1;
        Py_XDECREF(text);
    }
    PyObject *result = status == 0 ? PyErr_NewException(name, base, namespace) : NULL;
    Py_DECREF(namespace);
    return result;
}

/* -- Where a syntax error is ------------------------------------------------------------------------------------------------------- */

/* Forgets an exception unless it says that there is no memory. */
static void forget_exception(void) {
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_MemoryError)) PyErr_Clear();
}

/* Sets an attribute of the exception, taking the reference to the attribute, unless memory has run out before; other
 * failures are forgotten. */
static void set_quietly(PyObject *exception, const char *name, PyObject *value) {
    if (!PyErr_Occurred() && value != NULL) (void)PyObject_SetAttrString(exception, name, value);
    forget_exception();
    Py_XDECREF(value);
}

static PyObject *position_or_none(int position, int smallest) {
    return position >= smallest ? PyLong_FromLong(position) : Py_NewRef(Py_None);
}

static void locate_syntax_error(PyObject *filename, int lineno, int column, int end_lineno, int end_column) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (type == PyExc_MemoryError) {
        PyErr_Restore(type, value, traceback);
        return;
    }
    set_quietly(value, "lineno", PyLong_FromLong(lineno));
    set_quietly(value, "offset", position_or_none(column, 0));
    set_quietly(value, "end_lineno", position_or_none(end_lineno, 0));
    set_quietly(value, "end_offset", position_or_none(end_column, 0));
    if (filename != NULL) {
        set_quietly(value, "filename", Py_NewRef(filename));
        PyObject *text = PyErr_ProgramTextObject(filename, lineno);
        set_quietly(value, "text", text != NULL ? text : Py_NewRef(Py_None));
    }
    if (type != PyExc_SyntaxError) {
        PyObject *found;
        if (PyErr_Occurred() || _PyObject_LookupAttr(value, KR_NAME(msg), &found) < 0) found = NULL;
        forget_exception();
        if (found == NULL && !PyErr_Occurred()) {
            set_quietly(value, "msg", PyObject_Str(value));
        } else {
            Py_XDECREF(found);
        }
        if (PyErr_Occurred() || _PyObject_LookupAttr(value, KR_NAME(print_file_and_line), &found) < 0) found = NULL;
        forget_exception();
        if (found == NULL) {
            set_quietly(value, "print_file_and_line", Py_NewRef(Py_None));
        } else {
            Py_DECREF(found);
        }
    }
    if (PyErr_Occurred()) { /* MemoryError, instead of an exception with half of its attributes */
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
        return;
    }
    PyErr_Restore(type, value, traceback);
}

void PyErr_RangedSyntaxLocationObject(PyObject *filename, int lineno, int col_offset, int end_lineno,
                                      int end_col_offset) {
    locate_syntax_error(filename, lineno, col_offset, end_lineno, end_col_offset);
}

void PyErr_SyntaxLocationObject(PyObject *filename, int lineno, int col_offset) {
    locate_syntax_error(filename, lineno, col_offset, lineno, -1);
}

void PyErr_SyntaxLocationEx(const char *filename, int lineno, int col_offset) {
    PyObject *name = NULL;
    if (filename != NULL) {
        name = PyUnicode_DecodeFSDefault(filename);
        if (name == NULL) PyErr_Clear();
    }
    PyErr_SyntaxLocationObject(name, lineno, col_offset);
    Py_XDECREF(name);
}

void PyErr_SyntaxLocation(const char *filename, int lineno) { PyErr_SyntaxLocationEx(filename, lineno, -1); }

/* Reads one line of a file, counted from 1, and decodes it. NULL with or without an exception. */
static PyObject *read_line(FILE *file, int lineno, const char *encoding) {
    char *line = NULL;
    size_t room = 0;
    ssize_t length = -1;
    for (int i = 0; i < lineno; i++) {
        length = getline(&line, &room, file);
        if (length < 0) break;
    }
    PyObject *text = NULL;
    if (length >= 0) text = PyUnicode_Decode(line, length, encoding != NULL ? encoding : "utf-8", "replace");
    free(line);
    return text;
}

PyObject *_PyErr_ProgramDecodedTextObject(PyObject *filename, int lineno, const char *encoding) {
    if (filename == NULL || lineno <= 0) return NULL;
    PyObject *path;
    if (!PyUnicode_FSConverter(filename, &path)) {
        PyErr_Clear();
        return NULL;
    }
    FILE *file = fopen(PyBytes_AS_STRING(path), "rb");
    Py_DECREF(path);
    if (file == NULL) return NULL;
    PyObject *text = read_line(file, lineno, encoding);
    fclose(file);
    return text;
}

PyObject *PyErr_ProgramTextObject(PyObject *filename, int lineno) {
    return _PyErr_ProgramDecodedTextObject(filename, lineno, NULL);
}

PyObject *PyErr_ProgramText(const char *filename, int lineno) {
    PyObject *name = PyUnicode_DecodeFSDefault(filename);
    if (name == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject *text = PyErr_ProgramTextObject(name, lineno);
    Py_DECREF(name);
    return text;
}
