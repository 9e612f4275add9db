/* _warnings: issuing warnings, from C and from Python.
 *
 * The module `warnings`, once imported, has the say: its `filters`, `defaultaction`, `onceregistry` and `_showwarnmsg` are
 * looked up there at each warning. Before that (and late at shutdown) the lists of this module and a plain message on
 * sys.stderr serve. A registry (`__warningregistry__` of a module) remembers what was shown; it is forgotten when the
 * filters have changed, which its "version" tells.
 */
#include <Python.h>

#include <stdarg.h>

#include "modules/_warnings.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "vm/frame.h"

#define SETTINGS (kr_tstate()->interp->warnings)

/* What one warning consists of; all borrowed. */
typedef struct {
    PyObject *category, *message;
    PyObject *filename;
    int line;
    PyObject *module;      /* NULL: made from the file name */
    PyObject *registry;    /* dict, None, or NULL */
    PyObject *source_line; /* or NULL */
    PyObject *source;      /* the object that the warning is about, or NULL */
} Warning;

/* ---- State, and what the module `warnings` overrides ---- */

static PyObject *make_filter(PyObject *category, const char *action, const char *module) {
    return Py_BuildValue("(sOOzi)", action, Py_None, category, module, 0);
}

static int initialize(void) {
    if (SETTINGS.filters == NULL) {
        SETTINGS.filters = Py_BuildValue(
            "[NNNNN]", make_filter(PyExc_DeprecationWarning, "default", "__main__"),
            make_filter(PyExc_DeprecationWarning, "ignore", NULL),
            make_filter(PyExc_PendingDeprecationWarning, "ignore", NULL), make_filter(PyExc_ImportWarning, "ignore", NULL),
            make_filter(PyExc_ResourceWarning, "ignore", NULL));
    }
    if (SETTINGS.once_registry == NULL) SETTINGS.once_registry = PyDict_New();
    if (SETTINGS.default_action == NULL) SETTINGS.default_action = PyUnicode_InternFromString("default");
    return SETTINGS.filters == NULL || SETTINGS.once_registry == NULL || SETTINGS.default_action == NULL ? -1 : 0;
}

void kr_warnings_finalize(void) {
    Py_CLEAR(SETTINGS.filters);
    Py_CLEAR(SETTINGS.once_registry);
    Py_CLEAR(SETTINGS.default_action);
    SETTINGS.filters_version = 0;
}

/* An attribute of the module `warnings`: a new reference, or NULL, without an exception if it is not there. The module is
 * imported only if `import` is true and the interpreter does not end. */
static PyObject *warnings_attribute(PyObject *name, int import) {
    PyObject *module, *attribute;
    if (import && !_Py_IsFinalizing()) {
        module = PyImport_Import(KR_NAME(warnings));
        if (module == NULL) {
            if (PyErr_ExceptionMatches(PyExc_ImportError)) PyErr_Clear();
            return NULL;
        }
    } else {
        if (kr_tstate()->interp->modules == NULL) return NULL;
        module = PyImport_GetModule(KR_NAME(warnings));
        if (module == NULL) return NULL;
    }
    _PyObject_LookupAttr(module, name, &attribute);
    Py_DECREF(module);
    return attribute;
}

/* Takes the module's attribute, if it is there, in place of ours; the result is borrowed from the SETTINGS. */
static PyObject *current_setting(PyObject *name, PyObject **ours) {
    PyObject *theirs = warnings_attribute(name, 0);
    if (theirs == NULL) return PyErr_Occurred() ? NULL : *ours;
    Py_SETREF(*ours, theirs);
    return *ours;
}

static PyObject *get_once_registry(void) {
    PyObject *registry = current_setting(KR_NAME(onceregistry), &SETTINGS.once_registry);
    if (registry == NULL || PyDict_Check(registry)) return registry;
    PyErr_Format(PyExc_TypeError, "_warnings.onceregistry must be a dict, not '%.200s'", Py_TYPE(registry)->tp_name);
    return NULL;
}

static PyObject *get_default_action(void) {
    PyObject *action = current_setting(KR_NAME(defaultaction), &SETTINGS.default_action);
    if (action == NULL || PyUnicode_Check(action)) return action;
    PyErr_Format(PyExc_TypeError, "_warnings.defaultaction must be a string, not '%.200s'", Py_TYPE(action)->tp_name);
    return NULL;
}

/* ---- Filters ---- */

/* True if a filter's item (None, a string, or a compiled pattern) fits the text; -1 on error. */
static int item_matches(PyObject *item, PyObject *text) {
    if (item == Py_None) return 1;
    if (PyUnicode_CheckExact(item)) {
        int order = PyUnicode_Compare(item, text);
        return order == -1 && PyErr_Occurred() ? -1 : order == 0;
    }
    PyObject *match = PyObject_CallMethodOneArg(item, KR_NAME(match), text);
    if (match == NULL) return -1;
    int result = PyObject_IsTrue(match);
    Py_DECREF(match);
    return result;
}

/* True if the filter applies; -1 on error. `filter` is a tuple of five. */
static int filter_matches(PyObject *filter, const Warning *warning, PyObject *text, PyObject *module) {
    PyObject *category = PyTuple_GET_ITEM(filter, 2);
    Py_ssize_t line = PyLong_AsSsize_t(PyTuple_GET_ITEM(filter, 4));
    if (line == -1 && PyErr_Occurred()) return -1;
    int matches = item_matches(PyTuple_GET_ITEM(filter, 1), text);
    if (matches > 0) matches = PyObject_IsSubclass(warning->category, category);
    if (matches > 0) matches = item_matches(PyTuple_GET_ITEM(filter, 3), module);
    if (matches > 0) matches = line == 0 || line == warning->line;
    return matches;
}

/* The action that the filters give, and the filter (None for the default action): new references. Returns 0 or -1. */
static int find_action(const Warning *warning, PyObject *text, PyObject *module, PyObject **action, PyObject **filter) {
    PyObject *filters = current_setting(KR_NAME(filters), &SETTINGS.filters);
    if (filters == NULL) return -1;
    if (!PyList_Check(filters)) {
        PyErr_SetString(PyExc_ValueError, "_warnings.filters must be a list");
        return -1;
    }
    Py_INCREF(filters); /* code that a filter runs may replace it */
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(filters); i++) {
        PyObject *item = PyList_GET_ITEM(filters, i);
        if (!PyTuple_Check(item) || PyTuple_GET_SIZE(item) != 5) {
            PyErr_Format(PyExc_ValueError, "_warnings.filters item %zd isn't a 5-tuple", i);
            goto error;
        }
        PyObject *item_action = PyTuple_GET_ITEM(item, 0);
        if (!PyUnicode_Check(item_action)) {
            PyErr_Format(PyExc_TypeError, "action must be a string, not '%.200s'", Py_TYPE(item_action)->tp_name);
            goto error;
        }
        Py_INCREF(item);
        int matches = filter_matches(item, warning, text, module);
        if (matches > 0) {
            *action = Py_NewRef(item_action);
            *filter = item;
            Py_DECREF(filters);
            return 0;
        }
        Py_DECREF(item);
        if (matches < 0) goto error;
    }
    Py_DECREF(filters);
    *action = Py_XNewRef(get_default_action());
    if (*action == NULL) return -1;
    *filter = Py_NewRef(Py_None);
    return 0;

error:
    Py_DECREF(filters);
    return -1;
}

/* ---- Registries ---- */

/* True if the registry has the key; forgets everything first if the filters have changed since. With `add` the key is
 * entered. -1 on error. */
static int already_warned(PyObject *registry, PyObject *key, int add) {
    PyObject *version = PyDict_GetItemWithError(registry, KR_NAME(version));
    if (version == NULL && PyErr_Occurred()) return -1;
    if (version == NULL || !PyLong_CheckExact(version) || PyLong_AsLong(version) != SETTINGS.filters_version) {
        PyErr_Clear();
        PyDict_Clear(registry);
        PyObject *current = PyLong_FromLong(SETTINGS.filters_version);
        int failed = current == NULL || PyDict_SetItem(registry, KR_NAME(version), current) < 0;
        Py_XDECREF(current);
        if (failed) return -1;
    } else {
        PyObject *value = PyDict_GetItemWithError(registry, key);
        if (value == NULL && PyErr_Occurred()) return -1;
        int known = value == NULL ? 0 : PyObject_IsTrue(value);
        if (known != 0) return known;
    }
    return add ? PyDict_SetItem(registry, key, Py_True) : 0;
}

/* Notes that a text was shown, for any line (and any category, if given). Returns true if it was noted before. */
static int note_text(PyObject *registry, PyObject *text, PyObject *category) {
    PyObject *key = PyTuple_Pack(2, text, category);
    if (key == NULL) return -1;
    int result = already_warned(registry, key, 1);
    Py_DECREF(key);
    return result;
}

/* ---- Showing ---- */

/* The plain form, when the module `warnings` is not there: file:line: category: text, and the source line. Errors are
 * dropped. */
static void show_plainly(const Warning *warning, PyObject *text) {
    PyObject *err = PySys_GetObject("stderr");
    if (err == NULL || err == Py_None) return;
    PyObject *name = PyType_Check(warning->category) ? PyType_GetName((PyTypeObject *)warning->category)
                                                     : PyObject_GetAttr(warning->category, KR_NAME(__name__));
    PyObject *line = name == NULL
                         ? NULL
                         : PyUnicode_FromFormat("%S:%d: %S: %S\n", warning->filename, warning->line, name, text);
    if (line != NULL && PyFile_WriteObject(line, err, Py_PRINT_RAW) == 0 && warning->source_line == NULL)
        _Py_DisplaySourceLine(err, warning->filename, warning->line, 2, NULL, NULL);
    Py_XDECREF(line);
    Py_XDECREF(name);
    PyErr_Clear();
}

static int show(const Warning *warning, PyObject *text, PyObject *line) {
    /* what the object was allocated by can be shown only by the module, so it is worth an import */
    PyObject *function = warnings_attribute(KR_NAME(_showwarnmsg), warning->source != NULL);
    if (function == NULL) {
        if (PyErr_Occurred()) return -1;
        show_plainly(warning, text);
        return 0;
    }
    PyObject *class = NULL, *message = NULL, *result = NULL;
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "warnings._showwarnmsg() must be set to a callable");
        goto done;
    }
    class = warnings_attribute(KR_NAME(WarningMessage), 0);
    if (class == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "unable to get warnings.WarningMessage");
        goto done;
    }
    message = PyObject_CallFunctionObjArgs(class, warning->message, warning->category, warning->filename, line, Py_None,
                                           Py_None, warning->source, NULL);
    if (message != NULL) result = PyObject_CallOneArg(function, message);
done:
    Py_XDECREF(class);
    Py_XDECREF(message);
    Py_DECREF(function);
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

/* ---- A warning whose place is known ---- */

/* The module's name as the file name suggests it: without ".py". A new reference. */
static PyObject *module_from_filename(PyObject *filename) {
    Py_ssize_t length = PyUnicode_GetLength(filename);
    if (length < 0) return NULL;
    if (length == 0) return PyUnicode_FromString("<unknown>");
    if (length >= 3 && PyUnicode_READ_CHAR(filename, length - 3) == '.' &&
        PyUnicode_READ_CHAR(filename, length - 2) == 'p' && PyUnicode_READ_CHAR(filename, length - 1) == 'y')
        return PyUnicode_Substring(filename, 0, length - 3);
    return Py_NewRef(filename);
}

/* Carries the action out. Returns 0 or -1. */
static int act(const Warning *warning, PyObject *action, PyObject *filter, PyObject *text, PyObject *key, PyObject *line) {
    if (_PyUnicode_EqualToASCIIString(action, "error")) {
        PyErr_SetObject(warning->category, warning->message);
        return -1;
    }
    if (_PyUnicode_EqualToASCIIString(action, "ignore")) return 0;
    PyObject *registry = warning->registry == Py_None ? NULL : warning->registry;
    int already = 0;
    if (!_PyUnicode_EqualToASCIIString(action, "always")) {
        if (registry != NULL && PyDict_SetItem(registry, key, Py_True) < 0) return -1;
        if (_PyUnicode_EqualToASCIIString(action, "once")) {
            if (registry == NULL && (registry = get_once_registry()) == NULL) return -1;
            already = note_text(registry, text, warning->category);
        } else if (_PyUnicode_EqualToASCIIString(action, "module")) {
            if (registry != NULL) already = note_text(registry, text, warning->category);
        } else if (!_PyUnicode_EqualToASCIIString(action, "default")) {
            PyErr_Format(PyExc_RuntimeError, "Unrecognized action (%R) in warnings.filters:\n %R", action, filter);
            return -1;
        }
    }
    if (already < 0) return -1;
    return already ? 0 : show(warning, text, line);
}

/* Issues a warning. Returns 0, or -1 with an exception (which may be the warning itself). */
static int warn_explicit(const Warning *given) {
    Warning warning = *given;
    PyObject *module = NULL, *text = NULL, *message = NULL, *line = NULL, *key = NULL, *action = NULL, *filter = NULL;
    int result = -1;
    if (initialize() < 0) return -1; /* a warning may come before the module is imported */
    if (warning.module == Py_None) return 0; /* the module is being torn down, and the filters too */
    if (warning.registry != NULL && warning.registry != Py_None && !PyDict_Check(warning.registry)) {
        PyErr_SetString(PyExc_TypeError, "'registry' must be a dict or None");
        return -1;
    }
    module = warning.module != NULL ? Py_NewRef(warning.module) : module_from_filename(warning.filename);
    if (module == NULL) return -1;
    int is_warning = PyObject_IsInstance(warning.message, PyExc_Warning);
    if (is_warning < 0) goto done;
    if (is_warning) {
        text = PyObject_Str(warning.message);
        message = Py_NewRef(warning.message);
        warning.category = (PyObject *)Py_TYPE(message);
    } else {
        text = Py_NewRef(warning.message);
        message = PyObject_CallOneArg(warning.category, warning.message);
    }
    if (text == NULL || message == NULL) goto done;
    warning.message = message;
    line = PyLong_FromLong(warning.line);
    key = line == NULL ? NULL : PyTuple_Pack(3, text, warning.category, line);
    if (key == NULL) goto done;
    if (warning.registry != NULL && warning.registry != Py_None) {
        int already = already_warned(warning.registry, key, 0);
        if (already != 0) {
            result = already < 0 ? -1 : 0;
            goto done;
        }
    }
    if (find_action(&warning, text, module, &action, &filter) == 0)
        result = act(&warning, action, filter, text, key, line);
done:
    Py_XDECREF(module);
    Py_XDECREF(text);
    Py_XDECREF(message);
    Py_XDECREF(line);
    Py_XDECREF(key);
    Py_XDECREF(action);
    Py_XDECREF(filter);
    return result;
}

/* ---- A warning at a place on the call stack ---- */

/* Frames of the import system are left out, so that a warning at import names the module that imports. */
static int is_import_frame(const KrFrame *frame) {
    PyObject *filename = frame->code->co_filename;
    if (!PyUnicode_Check(filename)) return 0;
    PyObject *importlib = KR_NAME(importlib), *bootstrap = KR_NAME(_bootstrap);
    if (importlib == NULL || bootstrap == NULL) {
        PyErr_Clear();
        return 0;
    }
    return PyUnicode_Contains(filename, importlib) > 0 && PyUnicode_Contains(filename, bootstrap) > 0;
}

static KrFrame *caller_of(KrFrame *frame) { return kr_frame_first_complete(frame->previous); }

/* The frame that `level` names: 1 is the innermost. NULL if the stack is not that deep. */
static KrFrame *frame_at(Py_ssize_t level) {
    KrFrame *frame = kr_frame_first_complete(kr_current_frame(kr_tstate()));
    int skip = level > 0 && frame != NULL && !is_import_frame(frame);
    while (--level > 0 && frame != NULL) {
        frame = caller_of(frame);
        while (skip && frame != NULL && is_import_frame(frame)) frame = caller_of(frame);
    }
    return frame;
}

static int warn(PyObject *category, PyObject *message, Py_ssize_t level, PyObject *source) {
    KrFrame *frame = frame_at(level);
    PyObject *globals = frame != NULL ? frame->globals : kr_tstate()->interp->sysdict;
    Warning warning = {.category = category, .message = message, .source = source, .line = 1};
    int result = -1;
    if (globals == NULL) return 0; /* the interpreter has all but ended */
    PyObject *filename = frame != NULL ? Py_NewRef(frame->code->co_filename) : PyUnicode_FromString("sys");
    PyObject *module = NULL, *registry = NULL;
    if (filename == NULL) return -1;
    if (frame != NULL) warning.line = kr_frame_line(frame);
    Py_INCREF(globals);
    registry = Py_XNewRef(PyDict_GetItemWithError(globals, KR_NAME(__warningregistry__)));
    if (registry == NULL) {
        if (PyErr_Occurred()) goto done;
        registry = PyDict_New();
        if (registry == NULL || PyDict_SetItem(globals, KR_NAME(__warningregistry__), registry) < 0) goto done;
    }
    module = PyDict_GetItemWithError(globals, KR_NAME(__name__));
    if (module == NULL && PyErr_Occurred()) goto done;
    module = module == Py_None || (module != NULL && PyUnicode_Check(module)) ? Py_NewRef(module)
                                                                             : PyUnicode_FromString("<string>");
    if (module == NULL) goto done;
    warning.filename = filename;
    warning.module = module;
    warning.registry = registry;
    result = warn_explicit(&warning);
done:
    Py_XDECREF(module);
    Py_XDECREF(registry);
    Py_DECREF(filename);
    Py_DECREF(globals);
    return result;
}

/* ---- C API ---- */

static int warn_text(PyObject *category, PyObject *message, Py_ssize_t level, PyObject *source) {
    if (message == NULL) return -1;
    int result = warn(category != NULL ? category : PyExc_RuntimeWarning, message, level, source);
    Py_DECREF(message);
    return result;
}

int PyErr_WarnEx(PyObject *category, const char *text, Py_ssize_t level) {
    return warn_text(category, PyUnicode_FromString(text), level, NULL);
}

int PyErr_WarnFormat(PyObject *category, Py_ssize_t level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    return warn_text(category, message, level, NULL);
}

int _PyErr_WarnFormat(PyObject *source, PyObject *category, Py_ssize_t level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    return warn_text(category, message, level, source);
}

int PyErr_ResourceWarning(PyObject *source, Py_ssize_t level, const char *format, ...) {
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    return warn_text(PyExc_ResourceWarning, message, level, source);
}

#undef PyErr_Warn
PyAPI_FUNC(int) PyErr_Warn(PyObject *category, const char *text);
int PyErr_Warn(PyObject *category, const char *text) { return PyErr_WarnEx(category, text, 1); }

int PyErr_WarnExplicitObject(PyObject *category, PyObject *message, PyObject *filename, int line, PyObject *module,
                             PyObject *registry) {
    Warning warning = {
        .category = category != NULL ? category : PyExc_RuntimeWarning,
        .message = message,
        .filename = filename,
        .line = line,
        .module = module,
        .registry = registry,
    };
    return warn_explicit(&warning);
}

/* Takes over `message`, which may be NULL with an exception. */
static int warn_explicit_text(PyObject *category, PyObject *message, const char *filename, int line, const char *module,
                              PyObject *registry) {
    int result = -1;
    PyObject *filename_text = message == NULL ? NULL : PyUnicode_DecodeFSDefault(filename), *module_text = NULL;
    if (filename_text != NULL && (module == NULL || (module_text = PyUnicode_FromString(module)) != NULL))
        result = PyErr_WarnExplicitObject(category, message, filename_text, line, module_text, registry);
    Py_XDECREF(message);
    Py_XDECREF(filename_text);
    Py_XDECREF(module_text);
    return result;
}

int PyErr_WarnExplicit(PyObject *category, const char *text, const char *filename, int line, const char *module,
                       PyObject *registry) {
    return warn_explicit_text(category, PyUnicode_FromString(text), filename, line, module, registry);
}

int PyErr_WarnExplicitFormat(PyObject *category, const char *filename, int line, const char *module, PyObject *registry,
                             const char *format, ...) {
    va_list args;
    va_start(args, format);
    PyObject *message = PyUnicode_FromFormatV(format, args);
    va_end(args);
    return warn_explicit_text(category, message, filename, line, module, registry);
}

/* ---- The module ---- */

/* The category that a call of warn() means: a new reference. */
static PyObject *choose_category(PyObject *message, PyObject *category) {
    int is_warning = PyObject_IsInstance(message, PyExc_Warning);
    if (is_warning < 0) return NULL;
    if (is_warning)
        category = (PyObject *)Py_TYPE(message);
    else if (category == NULL || category == Py_None)
        category = PyExc_UserWarning;
    int valid = PyType_Check(category) ? PyObject_IsSubclass(category, PyExc_Warning) : 0;
    if (valid < 0) return NULL;
    if (!valid) {
        PyErr_Format(PyExc_TypeError, "category must be a Warning subclass, not '%s'", Py_TYPE(category)->tp_name);
        return NULL;
    }
    return Py_NewRef(category);
}

PyDoc_STRVAR(warn_doc, "warn($module, /, message, category=None, stacklevel=1, source=None)\n--\n\n"
                       "Issue a warning for the caller that stacklevel names (1: the one who calls warn).\n\n"
                       "Filters decide whether it is shown, dropped, or raised as an exception.");
static PyObject *warnings_warn(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"message", "category", "stacklevel", "source", NULL};
    static _PyArg_Parser parser = {.format = "O|OnO:warn", .keywords = keywords};
    PyObject *message, *category = NULL, *source = NULL;
    Py_ssize_t level = 1;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &message, &category, &level, &source)) return NULL;
    category = choose_category(message, category);
    if (category == NULL) return NULL;
    int result = warn(category, message, level, source == Py_None ? NULL : source);
    Py_DECREF(category);
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

/* A line of the source that a module's loader gives. Returns 0 and a new reference or NULL; -1 on error. */
static int source_line_of(PyObject *globals, int line, PyObject **result) {
    *result = NULL;
    PyObject *loader = PyDict_GetItemWithError(globals, KR_NAME(__loader__));
    if (loader == NULL) return PyErr_Occurred() ? -1 : 0;
    PyObject *name = PyDict_GetItemWithError(globals, KR_NAME(__name__)), *method;
    if (name == NULL) return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(loader);
    Py_INCREF(name);
    int found = _PyObject_LookupAttr(loader, KR_NAME(get_source), &method), status = found < 0 ? -1 : 0;
    if (found > 0) {
        PyObject *source = PyObject_CallOneArg(method, name), *lines = NULL;
        Py_DECREF(method);
        if (source != NULL && source != Py_None) {
            lines = PyUnicode_Splitlines(source, 0);
            if (lines != NULL) *result = PySequence_GetItem(lines, line - 1);
            if (*result == NULL) status = -1;
        } else if (source == NULL) {
            status = -1;
        }
        Py_XDECREF(source);
        Py_XDECREF(lines);
    }
    Py_DECREF(loader);
    Py_DECREF(name);
    return status;
}

PyDoc_STRVAR(warn_explicit_doc, "Issue a warning for a given file and line, with the module's name and registry.");
static PyObject *warnings_warn_explicit(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"message", "category",       "filename", "lineno", "module",
                                           "registry", "module_globals", "source",   NULL};
    static _PyArg_Parser parser = {.format = "OOUi|OOOO:warn_explicit", .keywords = keywords};
    Warning warning = {0};
    PyObject *globals = NULL;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &warning.message, &warning.category, &warning.filename,
                                      &warning.line, &warning.module, &warning.registry, &globals, &warning.source))
        return NULL;
    if (globals != NULL && globals != Py_None) {
        if (!PyDict_Check(globals)) {
            PyErr_Format(PyExc_TypeError, "module_globals must be a dict, not '%.200s'", Py_TYPE(globals)->tp_name);
            return NULL;
        }
        if (source_line_of(globals, warning.line, &warning.source_line) < 0) return NULL;
    }
    int result = warn_explicit(&warning);
    Py_XDECREF(warning.source_line);
    if (result < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(filters_mutated_doc, "Make all registries forget what was shown, because the filters have changed.");
static PyObject *warnings_filters_mutated(PyObject *module, PyObject *unused) {
    SETTINGS.filters_version++;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"warn", (PyCFunction)(void (*)(void))warnings_warn, METH_FASTCALL | METH_KEYWORDS, warn_doc},
    {"warn_explicit", (PyCFunction)(void (*)(void))warnings_warn_explicit, METH_FASTCALL | METH_KEYWORDS,
     warn_explicit_doc},
    {"_filters_mutated", warnings_filters_mutated, METH_NOARGS, filters_mutated_doc},
    {NULL},
};

static int execute(PyObject *module) {
    if (initialize() < 0) return -1;
    if (PyModule_AddObjectRef(module, "filters", SETTINGS.filters) < 0) return -1;
    if (PyModule_AddObjectRef(module, "_onceregistry", SETTINGS.once_registry) < 0) return -1;
    return PyModule_AddObjectRef(module, "_defaultaction", SETTINGS.default_action);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_warnings",
    .m_doc = "Issue warnings and filter them; the module warnings is the interface.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__warnings(void) { return PyModuleDef_Init(&definition); }
