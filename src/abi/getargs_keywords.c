/* Parsing of positional and keyword arguments together.
 *
 * Two kinds of declaration exist: a list of C names beside a format (PyArg_ParseTupleAndKeywords), read anew at every
 * call, and a static _PyArg_Parser, whose names are interned and whose counts are cached at the first call. Both lead to
 * the same routine. _PyArg_UnpackKeywords sorts objects into place without converting them.
 *
 * Invariant: a parser is set up exactly when its `kwtuple` is set; it is then linked in `state.first` if we made it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "abi/getargs.h"

#include <limits.h>
#include <string.h>

#undef PyArg_ParseTupleAndKeywords
#undef PyArg_VaParseTupleAndKeywords
#undef _PyArg_ParseTupleAndKeywordsFast
#undef _PyArg_ParseStackAndKeywords
#undef _PyArg_VaParseTupleAndKeywordsFast
#undef _PyArg_UnpackKeywords

PyAPI_FUNC(int) PyArg_ParseTupleAndKeywords(PyObject *, PyObject *, const char *, char **, ...);
PyAPI_FUNC(int) PyArg_VaParseTupleAndKeywords(PyObject *, PyObject *, const char *, char **, va_list);
PyAPI_FUNC(int) _PyArg_ParseTupleAndKeywordsFast(PyObject *, PyObject *, struct _PyArg_Parser *, ...);
PyAPI_FUNC(int) _PyArg_ParseStackAndKeywords(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                                             struct _PyArg_Parser *, ...);
PyAPI_FUNC(int) _PyArg_VaParseTupleAndKeywordsFast(PyObject *, PyObject *, struct _PyArg_Parser *, va_list);

static struct {
    _PyArg_Parser *first;
} state;

/* What a call passes. Keywords come as a dict, or as names whose values follow the positional arguments. */
typedef struct CallArguments {
    PyObject *const *positional;
    Py_ssize_t positional_count;
    PyObject *keyword_dict;
    PyObject *keyword_names;
    Py_ssize_t keyword_count;
} CallArguments;

/* What a function accepts. Positional-only parameters come first and have no name in `name_tuple`. */
typedef struct Signature {
    const char *function;
    const char *text;   /* replaces messages of failed conversions */
    int total;          /* number of parameters */
    int positional_only;
    int least;          /* required parameters: those before '|' */
    int most;           /* positional ones: those before '$' */
    int most_varies;    /* for messages: "at most" rather than "exactly" `most` */
    char **names;           /* `total` C names, or NULL */
    PyObject *name_tuple;   /* interned names from parameter `positional_only` on, if `names` is NULL */
} Signature;

static inline int ends_units(char c) { return c == '\0' || c == ';' || c == ':'; }
static const char *plural(Py_ssize_t count) { return count == 1 ? "" : "s"; }
static const char *shown_name(const char *function) { return function == NULL ? "function" : function; }
static const char *shown_parentheses(const char *function) { return function == NULL ? "" : "()"; }

/* ---- the call's keywords ---- */

/* Fills `call` from the four ways to pass arguments; returns 0, or -1 with SystemError. */
static int call_arguments_read(CallArguments *call, PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs,
                               PyObject *kwnames) {
    if ((args == NULL && nargs != 0) || (kwargs != NULL && !PyDict_Check(kwargs)) ||
        (kwnames != NULL && !PyTuple_Check(kwnames))) {
        PyErr_BadInternalCall();
        return -1;
    }
    *call = (CallArguments){args, nargs, kwargs, kwnames, 0};
    if (kwnames != NULL) {
        call->keyword_count = PyTuple_GET_SIZE(kwnames);
    } else if (kwargs != NULL) {
        call->keyword_count = PyDict_GET_SIZE(kwargs);
    }
    return 0;
}

/* Two str objects with the same characters; neither is known to be interned. */
static int same_text(PyObject *a, PyObject *b) {
    if (a == b) return 1;
    if (PyUnicode_READY(a) || PyUnicode_READY(b)) {
        PyErr_Clear();
        return 0;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(a);
    int kind = PyUnicode_KIND(a);
    return length == PyUnicode_GET_LENGTH(b) && kind == (int)PyUnicode_KIND(b) &&
           memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), (size_t)length * (size_t)kind) == 0;
}

/* Returns the value passed by the interned name, borrowed; NULL if none, with an exception on error. */
static PyObject *find_by_name(const CallArguments *call, PyObject *name) {
    if (call->keyword_names == NULL) return PyDict_GetItemWithError(call->keyword_dict, name);
    PyObject *const *values = call->positional + call->positional_count;
    for (Py_ssize_t i = 0; i < call->keyword_count; i++) {
        if (PyTuple_GET_ITEM(call->keyword_names, i) == name) return values[i];
    }
    for (Py_ssize_t i = 0; i < call->keyword_count; i++) {
        PyObject *candidate = PyTuple_GET_ITEM(call->keyword_names, i);
        if (PyUnicode_Check(candidate) && same_text(candidate, name)) return values[i];
    }
    return NULL;
}

static PyObject *find_by_text(const CallArguments *call, const char *name) {
    if (call->keyword_names == NULL) return _PyDict_GetItemStringWithError(call->keyword_dict, name);
    PyObject *const *values = call->positional + call->positional_count;
    for (Py_ssize_t i = 0; i < call->keyword_count; i++) {
        PyObject *candidate = PyTuple_GET_ITEM(call->keyword_names, i);
        if (PyUnicode_Check(candidate) && PyUnicode_CompareWithASCIIString(candidate, name) == 0) return values[i];
    }
    return NULL;
}

/* Returns the value passed by the name of parameter `index`, which has a name. */
static PyObject *find_parameter(const CallArguments *call, const Signature *signature, int index) {
    if (signature->names != NULL) return find_by_text(call, signature->names[index]);
    return find_by_name(call, PyTuple_GET_ITEM(signature->name_tuple, index - signature->positional_only));
}

/* Returns the parameter's name for a message; valid as long as the signature. */
static const char *parameter_name(const Signature *signature, int index) {
    if (signature->names != NULL) return signature->names[index];
    const char *text = PyUnicode_AsUTF8(PyTuple_GET_ITEM(signature->name_tuple, index - signature->positional_only));
    if (text != NULL) return text;
    PyErr_Clear();
    return "?";
}

/* ---- errors; each returns 0, the result of a failed parse ---- */

static int is_parameter_name(const Signature *signature, PyObject *keyword) {
    if (signature->names == NULL) return PySequence_Contains(signature->name_tuple, keyword);
    for (int i = signature->positional_only; i < signature->total; i++) {
        if (_PyUnicode_EqualToASCIIString(keyword, signature->names[i])) return 1;
    }
    return 0;
}

/* Some keyword was not consumed: finds it and complains. */
static int unexpected_keyword(const CallArguments *call, const Signature *signature) {
    const char *name = signature->function == NULL ? "this function" : signature->function;
    const char *parentheses = shown_parentheses(signature->function);
    for (Py_ssize_t i = 0; i < signature->total && i < call->positional_count; i++) {
        if (i < signature->positional_only) continue;
        PyObject *value = find_parameter(call, signature, (int)i);
        if (value != NULL) {
            PyErr_Format(PyExc_TypeError, "argument for %.200s%s given by name ('%s') and position (%zd)",
                         shown_name(signature->function), parentheses, parameter_name(signature, (int)i), i + 1);
            return 0;
        }
        if (PyErr_Occurred()) return 0;
    }
    Py_ssize_t position = 0;
    for (;;) {
        PyObject *keyword;
        if (call->keyword_names == NULL) {
            if (!PyDict_Next(call->keyword_dict, &position, &keyword, NULL)) break;
        } else {
            if (position == call->keyword_count) break;
            keyword = PyTuple_GET_ITEM(call->keyword_names, position++);
        }
        if (!PyUnicode_Check(keyword)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return 0;
        }
        int known = is_parameter_name(signature, keyword);
        if (known < 0) return 0;
        if (known == 0) {
            PyErr_Format(PyExc_TypeError, "'%S' is an invalid keyword argument for %.200s%s", keyword, name,
                         parentheses);
            return 0;
        }
    }
    /* A str subclass with a strange __eq__, for instance. */
    PyErr_Format(PyExc_TypeError, "invalid keyword argument for %.200s%s", name, parentheses);
    return 0;
}

static int too_many_arguments(const CallArguments *call, const char *function, Py_ssize_t total) {
    PyErr_Format(PyExc_TypeError, "%.200s%s takes at most %zd %sargument%s (%zd given)", shown_name(function),
                 shown_parentheses(function), total, call->positional_count == 0 ? "keyword " : "", plural(total),
                 call->positional_count + call->keyword_count);
    return 0;
}

static int wrong_positional_count(const char *function, const char *relation, Py_ssize_t limit, Py_ssize_t given) {
    if (limit == 0 && relation[0] != 'a') {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes no positional arguments", shown_name(function),
                     shown_parentheses(function));
    } else {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes %s %zd positional argument%s (%zd given)", shown_name(function),
                     shown_parentheses(function), relation, limit, plural(limit), given);
    }
    return 0;
}

static int too_many_positional(const char *function, int most_varies, Py_ssize_t most, Py_ssize_t given) {
    return wrong_positional_count(function, most_varies && most != 0 ? "at most" : "exactly", most, given);
}

static int missing_argument(const Signature *signature, int index) {
    PyErr_Format(PyExc_TypeError, "%.200s%s missing required argument '%s' (pos %d)",
                 shown_name(signature->function), shown_parentheses(signature->function),
                 parameter_name(signature, index), index + 1);
    return 0;
}

/* ---- reading declarations ---- */

/* Counts the parameters before '|' and '$' in a format for `signature->total` names. Returns 0, or -1 with an
 * exception. */
static int signature_read_format(Signature *signature, const char *format) {
    int least = INT_MAX, most = INT_MAX;
    for (int i = 0; i < signature->total; i++) {
        if (*format == '|') {
            if (least != INT_MAX) {
                PyErr_SetString(PyExc_SystemError, "Invalid format string (| specified twice)");
                return -1;
            }
            if (most != INT_MAX) {
                PyErr_SetString(PyExc_SystemError, "Invalid format string ($ before |)");
                return -1;
            }
            least = i;
            format++;
        }
        if (*format == '$') {
            if (most != INT_MAX) {
                PyErr_SetString(PyExc_SystemError, "Invalid format string ($ specified twice)");
                return -1;
            }
            if (i < signature->positional_only) {
                PyErr_SetString(PyExc_SystemError, "Empty parameter name after $");
                return -1;
            }
            most = i;
            format++;
        }
        if (ends_units(*format)) {
            PyErr_Format(PyExc_SystemError, "More keyword list entries (%d) than format specifiers (%d)",
                         signature->total, i);
            return -1;
        }
        const char *end = kr_argument_unit_end(format);
        if (end == NULL) {
            PyErr_Format(PyExc_SystemError, "%s: '%s'", "impossible<bad format char>", format);
            return -1;
        }
        format = end;
    }
    if (!ends_units(*format) && *format != '|' && *format != '$') {
        PyErr_Format(PyExc_SystemError,
                     "more argument specifiers than keyword list entries (remaining format:'%s')", format);
        return -1;
    }
    signature->least = least < signature->total ? least : signature->total;
    signature->most = most < signature->total ? most : signature->total;
    signature->most_varies = least != INT_MAX;
    return 0;
}

/* Finds the function's name behind ':' or the replacement message behind ';'. */
static void read_format_tail(const char *format, const char **function, const char **text) {
    const char *tail = strchr(format, ':');
    if (tail != NULL) {
        *function = tail + 1;
        *text = NULL;
    } else {
        tail = strchr(format, ';');
        *text = tail != NULL ? tail + 1 : NULL;
    }
}

/* Counts the names; the leading empty ones are positional-only. Returns 0, or -1 with SystemError. */
static int count_names(const char *const *names, int *total, int *positional_only) {
    int count = 0;
    while (names[count] != NULL && names[count][0] == '\0') count++;
    *positional_only = count;
    for (; names[count] != NULL; count++) {
        if (names[count][0] == '\0') {
            PyErr_SetString(PyExc_SystemError, "Empty keyword parameter name");
            return -1;
        }
    }
    *total = count;
    return 0;
}

/* Sets a static parser up at its first use. Returns 0, or -1 with an exception. */
static int parser_set_up(_PyArg_Parser *parser) {
    if (parser->kwtuple != NULL) return 0;
    int total, positional_only;
    if (count_names(parser->keywords, &total, &positional_only) < 0) return -1;
    parser->pos = positional_only;
    if (parser->format != NULL) {
        Signature signature = {.total = total, .positional_only = positional_only};
        if (signature_read_format(&signature, parser->format) < 0) return -1;
        parser->min = signature.least;
        parser->max = signature.most;
        if (parser->fname == NULL) read_format_tail(parser->format, &parser->fname, &parser->custom_msg);
    }
    PyObject *names = PyTuple_New(total - positional_only);
    if (names == NULL) return -1;
    for (int i = positional_only; i < total; i++) {
        PyObject *name = PyUnicode_InternFromString(parser->keywords[i]);
        if (name == NULL) {
            Py_DECREF(names);
            return -1;
        }
        PyTuple_SET_ITEM(names, i - positional_only, name);
    }
    parser->kwtuple = names;
    parser->next = state.first;
    state.first = parser;
    return 0;
}

void kr_argument_parsers_finalize(void) {
    while (state.first != NULL) {
        _PyArg_Parser *parser = state.first;
        state.first = parser->next;
        parser->next = NULL;
        Py_CLEAR(parser->kwtuple);
    }
}

/* Says that the required argument with an index is missing. */
static void refuse_missing(const Signature *signature, int index, Py_ssize_t given) {
    if (index >= signature->positional_only) {
        missing_argument(signature, index);
        return;
    }
    int limit = signature->positional_only < signature->least ? signature->positional_only : signature->least;
    wrong_positional_count(signature->function, limit < signature->most ? "at least" : "exactly", limit, given);
}

/* Looks for a required argument that is missing. Returns 1, or 0 with an exception. */
static int check_required(const CallArguments *call, const Signature *signature) {
    for (Py_ssize_t i = call->positional_count; i < signature->least; i++) {
        if (i >= signature->positional_only && call->keyword_count > 0) {
            if (find_parameter(call, signature, (int)i) != NULL) continue;
            if (PyErr_Occurred()) return 0;
        }
        refuse_missing(signature, (int)i, call->positional_count);
        return 0;
    }
    return 1;
}

/* ---- converting ---- */

/* Converts the call's arguments by the units of `format`. Returns 1, or 0 with an exception. */
static int parse(const CallArguments *call, const Signature *signature, const char *format,
                 KrArgumentTargets *targets, int sizes_are_ssize) {
    Py_ssize_t given = call->positional_count;
    Py_ssize_t keywords_left = call->keyword_count;
    if (given + keywords_left > signature->total) {
        return too_many_arguments(call, signature->function, signature->total);
    }
    if (given > signature->most) {
        return too_many_positional(signature->function, signature->most_varies, signature->most, given);
    }

    KrArgumentFailure failure;
    KrArgumentUndo undo;
    kr_argument_undo_init(&undo);
    for (int i = 0; i < signature->total; i++) {
        if (*format == '|') format++;
        if (*format == '$') format++;
        PyObject *argument = NULL;
        if (i < given) {
            argument = call->positional[i];
        } else if (keywords_left > 0 && i >= signature->positional_only) {
            argument = find_parameter(call, signature, i);
            if (argument != NULL) {
                keywords_left--;
            } else if (PyErr_Occurred()) {
                return kr_argument_undo_finish(&undo, 0);
            }
        }
        if (argument != NULL) {
            const char *problem =
                kr_argument_convert(argument, &format, targets, sizes_are_ssize, &failure, &undo);
            if (problem != NULL) {
                kr_argument_set_error(i + 1, problem, failure.item, signature->function, signature->text);
                return kr_argument_undo_finish(&undo, 0);
            }
            continue;
        }
        if (i < signature->least) {
            refuse_missing(signature, i, given);
            return kr_argument_undo_finish(&undo, 0);
        }
        if (keywords_left == 0) return kr_argument_undo_finish(&undo, 1);
        const char *unit = format;
        const char *problem = kr_argument_skip(&format, targets, sizes_are_ssize);
        if (problem != NULL) {
            PyErr_Format(PyExc_SystemError, "%s: '%s'", problem, unit);
            return kr_argument_undo_finish(&undo, 0);
        }
    }
    if (keywords_left > 0) return kr_argument_undo_finish(&undo, unexpected_keyword(call, signature));
    return kr_argument_undo_finish(&undo, 1);
}

static int parse_by_names(PyObject *args, PyObject *kwargs, const char *format, char **names, va_list va,
                          int sizes_are_ssize) {
    if (args == NULL || !PyTuple_Check(args) || format == NULL || names == NULL) {
        PyErr_BadInternalCall();
        return 0;
    }
    CallArguments call;
    if (call_arguments_read(&call, ((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), kwargs, NULL) < 0) {
        return 0;
    }
    Signature signature = {.names = names};
    if (count_names((const char *const *)names, &signature.total, &signature.positional_only) < 0) return 0;
    read_format_tail(format, &signature.function, &signature.text);
    if (signature_read_format(&signature, format) < 0) return 0;
    KrArgumentTargets targets;
    va_copy(targets.list, va);
    int success = parse(&call, &signature, format, &targets, sizes_are_ssize);
    va_end(targets.list);
    return success;
}

static int parse_by_parser(PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs, PyObject *kwnames,
                           _PyArg_Parser *parser, va_list va, int sizes_are_ssize) {
    CallArguments call;
    if (parser == NULL) {
        PyErr_BadInternalCall();
        return 0;
    }
    if (call_arguments_read(&call, args, nargs, kwargs, kwnames) < 0 || parser_set_up(parser) < 0) return 0;
    Signature signature = {
        .function = parser->fname,
        .text = parser->custom_msg,
        .total = parser->pos + (int)PyTuple_GET_SIZE(parser->kwtuple),
        .positional_only = parser->pos,
        .least = parser->min,
        .most = parser->max,
        .most_varies = parser->min < parser->max,
        .name_tuple = parser->kwtuple,
    };
    /* The functions that have a parser look for all their arguments before they convert any. */
    if (call.positional_count + call.keyword_count <= signature.total && call.positional_count <= signature.most &&
        !check_required(&call, &signature))
        return 0;
    KrArgumentTargets targets;
    va_copy(targets.list, va);
    int success = parse(&call, &signature, parser->format, &targets, sizes_are_ssize);
    va_end(targets.list);
    return success;
}

static int parse_tuple_by_parser(PyObject *args, PyObject *kwargs, _PyArg_Parser *parser, va_list va,
                                 int sizes_are_ssize) {
    if (args == NULL || !PyTuple_Check(args)) {
        PyErr_BadInternalCall();
        return 0;
    }
    return parse_by_parser(((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), kwargs, NULL, parser, va,
                           sizes_are_ssize);
}

int PyArg_ParseTupleAndKeywords(PyObject *args, PyObject *kwargs, const char *format, char **kwlist, ...) {
    WITH_VARIADIC(kwlist, parse_by_names(args, kwargs, format, kwlist, va, 0));
}

int _PyArg_ParseTupleAndKeywords_SizeT(PyObject *args, PyObject *kwargs, const char *format, char **kwlist, ...) {
    WITH_VARIADIC(kwlist, parse_by_names(args, kwargs, format, kwlist, va, 1));
}

int PyArg_VaParseTupleAndKeywords(PyObject *args, PyObject *kwargs, const char *format, char **kwlist, va_list va) {
    return parse_by_names(args, kwargs, format, kwlist, va, 0);
}

int _PyArg_VaParseTupleAndKeywords_SizeT(PyObject *args, PyObject *kwargs, const char *format, char **kwlist,
                                         va_list va) {
    return parse_by_names(args, kwargs, format, kwlist, va, 1);
}

int _PyArg_ParseTupleAndKeywordsFast(PyObject *args, PyObject *kwargs, struct _PyArg_Parser *parser, ...) {
    WITH_VARIADIC(parser, parse_tuple_by_parser(args, kwargs, parser, va, 0));
}

int _PyArg_ParseTupleAndKeywordsFast_SizeT(PyObject *args, PyObject *kwargs, struct _PyArg_Parser *parser, ...) {
    WITH_VARIADIC(parser, parse_tuple_by_parser(args, kwargs, parser, va, 1));
}

int _PyArg_VaParseTupleAndKeywordsFast(PyObject *args, PyObject *kwargs, struct _PyArg_Parser *parser, va_list va) {
    return parse_tuple_by_parser(args, kwargs, parser, va, 0);
}

int _PyArg_VaParseTupleAndKeywordsFast_SizeT(PyObject *args, PyObject *kwargs, struct _PyArg_Parser *parser,
                                             va_list va) {
    return parse_tuple_by_parser(args, kwargs, parser, va, 1);
}

int _PyArg_ParseStackAndKeywords(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                                 struct _PyArg_Parser *parser, ...) {
    WITH_VARIADIC(parser, parse_by_parser(args, nargs, NULL, kwnames, parser, va, 0));
}

int _PyArg_ParseStackAndKeywords_SizeT(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                                       struct _PyArg_Parser *parser, ...) {
    WITH_VARIADIC(parser, parse_by_parser(args, nargs, NULL, kwnames, parser, va, 1));
}

int PyArg_ValidateKeywordArguments(PyObject *kwargs) {
    if (!PyDict_Check(kwargs)) {
        PyErr_BadInternalCall();
        return 0;
    }
    Py_ssize_t position = 0;
    PyObject *key;
    while (PyDict_Next(kwargs, &position, &key, NULL)) {
        if (!PyUnicode_Check(key)) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            return 0;
        }
    }
    return 1;
}

/* ---- sorting objects into place ---- */

/* The common part of the two _PyArg_UnpackKeywords. `vararg` is the index of the `*args` parameter, or -1; that parameter
 * has no name, so named parameters behind it stand one place later in `buf`. */
static PyObject *const *unpack_keywords(PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs, PyObject *kwnames,
                                        _PyArg_Parser *parser, int minpos, int maxpos, int minkw, int vararg,
                                        PyObject **buf) {
    CallArguments call;
    if (parser == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (call_arguments_read(&call, args, nargs, kwargs, kwnames) < 0 || parser_set_up(parser) < 0) return NULL;

    int positional_only = parser->pos;
    int least_positional_only = positional_only < minpos ? positional_only : minpos;
    int required_limit = minkw > 0 ? maxpos + minkw : minpos;
    int total = positional_only + (int)PyTuple_GET_SIZE(parser->kwtuple);
    Py_ssize_t keywords_left = call.keyword_count;
    Signature signature = {
        .function = parser->fname, .total = total, .positional_only = positional_only, .name_tuple = parser->kwtuple};

    if (vararg < 0) {
        if (nargs + keywords_left > total) {
            too_many_arguments(&call, parser->fname, total);
            return NULL;
        }
        if (nargs > maxpos) {
            too_many_positional(parser->fname, minpos < maxpos, maxpos, nargs);
            return NULL;
        }
    }
    if (nargs < least_positional_only) {
        wrong_positional_count(parser->fname, vararg >= 0 || least_positional_only < maxpos ? "at least" : "exactly",
                               least_positional_only, nargs);
        return NULL;
    }

    Py_ssize_t placed = vararg >= 0 && nargs > vararg ? vararg : nargs;
    for (Py_ssize_t i = 0; i < placed; i++) buf[i] = args[i];
    if (vararg >= 0) {
        PyObject *rest = PyTuple_New(nargs - placed);
        if (rest == NULL) return NULL;
        for (Py_ssize_t i = placed; i < nargs; i++) PyTuple_SET_ITEM(rest, i - placed, Py_NewRef(args[i]));
        buf[vararg] = rest;
    }

    for (int i = (int)placed; i < total; i++) {
        PyObject *value = NULL;
        if (i >= positional_only && keywords_left > 0) {
            value = find_by_name(&call, PyTuple_GET_ITEM(parser->kwtuple, i - positional_only));
            if (value != NULL) {
                keywords_left--;
            } else if (PyErr_Occurred()) {
                goto failed;
            }
        }
        buf[vararg >= 0 && i >= vararg ? i + 1 : i] = value;
        if (value == NULL && i >= positional_only && (i < minpos || (maxpos <= i && i < required_limit))) {
            missing_argument(&signature, i);
            goto failed;
        }
    }
    if (keywords_left > 0) {
        call.positional_count = placed;
        if (call.keyword_names != NULL && placed != nargs) {
            /* The values behind the names are not needed to find the culprit. */
            call.positional = args + (nargs - placed);
        }
        unexpected_keyword(&call, &signature);
        goto failed;
    }
    return buf;

failed:
    if (vararg >= 0) Py_CLEAR(buf[vararg]);
    return NULL;
}

PyObject *const *_PyArg_UnpackKeywords(PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs, PyObject *kwnames,
                                       struct _PyArg_Parser *parser, int minpos, int maxpos, int minkw,
                                       PyObject **buf) {
    if (kwargs == NULL && kwnames == NULL && minkw == 0 && minpos <= nargs && nargs <= maxpos && args != NULL) {
        return args;
    }
    if (args == NULL && nargs == 0) args = buf;
    if (minkw == 0 && minpos <= nargs && nargs <= maxpos && (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0) &&
        (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0)) {
        return args;
    }
    return unpack_keywords(args, nargs, kwargs, kwnames, parser, minpos, maxpos, minkw, -1, buf);
}

PyObject *const *_PyArg_UnpackKeywordsWithVararg(PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs,
                                                 PyObject *kwnames, struct _PyArg_Parser *parser, int minpos,
                                                 int maxpos, int minkw, int vararg, PyObject **buf) {
    if (args == NULL && nargs == 0) args = buf;
    return unpack_keywords(args, nargs, kwargs, kwnames, parser, minpos, maxpos, minkw, vararg, buf);
}
