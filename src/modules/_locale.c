/* _locale: the C library's locale and message catalogues. */
#include <Python.h>

#include <errno.h>
#include <langinfo.h>
#include <libintl.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "base/fileutils.h"
#include "modules/constants.h"

typedef struct {
    PyObject *error;
} ModuleState;

static ModuleState *module_state(PyObject *module) { return PyModule_GetState(module); }

/* A text argument, or None if that is allowed. Returns 0 and sets `*text` (NULL for None), or -1 with an exception. */
static int text_argument(const char *function, const char *place, PyObject *object, int allow_none, const char **text) {
    *text = NULL;
    if (allow_none && object == Py_None) return 0;
    if (!PyUnicode_Check(object)) {
        _PyArg_BadArgument(function, place, allow_none ? "str or None" : "str", object);
        return -1;
    }
    Py_ssize_t length;
    *text = PyUnicode_AsUTF8AndSize(object, &length);
    if (*text == NULL) return -1;
    if (strlen(*text) == (size_t)length) return 0;
    PyErr_SetString(PyExc_ValueError, "embedded null character");
    return -1;
}

static int int_argument(PyObject *object, int *value) {
    *value = _PyLong_AsInt(object);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

static PyObject *decode(const char *text) { return PyUnicode_DecodeLocale(text, NULL); }

/* ---- The locale ---- */

PyDoc_STRVAR(setlocale_doc, "setlocale($module, category, locale=<unrepresentable>, /)\n--\n\n"
                            "Set the locale of a category, or ask for it if locale is missing or None; returns its name.");
static PyObject *locale_setlocale(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int category;
    const char *locale = NULL;
    if (!_PyArg_CheckPositional("setlocale", count, 1, 2) || int_argument(args[0], &category) < 0 ||
        (count > 1 && text_argument("setlocale", "argument 2", args[1], 1, &locale) < 0))
        return NULL;
    const char *result = setlocale(category, locale);
    if (result != NULL) return decode(result);
    PyErr_SetString(module_state(module)->error, locale != NULL ? "unsupported locale setting" : "locale query failed");
    return NULL;
}

/* The sizes of digit groups as a list; a last 0 repeats the one before, CHAR_MAX ends grouping. */
static PyObject *grouping_list(const char *grouping) {
    Py_ssize_t length = 0;
    if (grouping[0] != '\0')
        while (grouping[length] != '\0' && grouping[length] != CHAR_MAX) length++;
    PyObject *result = PyList_New(length == 0 ? 0 : length + 1);
    for (Py_ssize_t i = 0; length > 0 && i <= length && result != NULL; i++) {
        PyObject *item = PyLong_FromLong(grouping[i]);
        if (item == NULL)
            Py_CLEAR(result);
        else
            PyList_SET_ITEM(result, i, item);
    }
    return result;
}

/* Decodes a text of the category LC_NUMERIC or LC_MONETARY, whose encoding may differ from that of LC_CTYPE. */
static PyObject *decode_in(int category, const char *text) {
    int ascii = 1;
    for (const char *at = text; *at != '\0'; at++) ascii = ascii && (unsigned char)*at < 128;
    if (ascii) return decode(text);
    const char *other = setlocale(category, NULL), *current = setlocale(LC_CTYPE, NULL);
    if (other == NULL || current == NULL || strcmp(other, current) == 0) return decode(text);
    char *saved = _PyMem_Strdup(current), *copy = _PyMem_Strdup(text);
    PyObject *result = NULL;
    if (saved != NULL && copy != NULL) {
        setlocale(LC_CTYPE, other);
        result = decode(copy);
        setlocale(LC_CTYPE, saved);
    } else {
        PyErr_NoMemory();
    }
    PyMem_Free(saved);
    PyMem_Free(copy);
    return result;
}

/* Enters a value, which it takes over. Returns 0 or -1. */
static int enter(PyObject *dict, const char *name, PyObject *value) {
    int result = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    Py_XDECREF(value);
    return result;
}

PyDoc_STRVAR(localeconv_doc, "localeconv($module, /)\n--\n\nHow numbers and money are written in the locale: a dict.");
static PyObject *locale_localeconv(PyObject *module, PyObject *unused) {
    PyObject *result = PyDict_New();
    if (result == NULL) return NULL;
    struct lconv conventions = *localeconv();
#define TEXT(member, category) enter(result, #member, decode_in(category, conventions.member)) < 0
#define NUMBER(member) enter(result, #member, PyLong_FromLong(conventions.member)) < 0
    if (TEXT(int_curr_symbol, LC_MONETARY) || TEXT(currency_symbol, LC_MONETARY) ||
        TEXT(mon_decimal_point, LC_MONETARY) || TEXT(mon_thousands_sep, LC_MONETARY) ||
        enter(result, "mon_grouping", grouping_list(conventions.mon_grouping)) < 0 ||
        TEXT(positive_sign, LC_MONETARY) || TEXT(negative_sign, LC_MONETARY) || NUMBER(int_frac_digits) ||
        NUMBER(frac_digits) || NUMBER(p_cs_precedes) || NUMBER(p_sep_by_space) || NUMBER(n_cs_precedes) ||
        NUMBER(n_sep_by_space) || NUMBER(p_sign_posn) || NUMBER(n_sign_posn) || TEXT(decimal_point, LC_NUMERIC) ||
        TEXT(thousands_sep, LC_NUMERIC) || enter(result, "grouping", grouping_list(conventions.grouping)) < 0)
        Py_CLEAR(result);
#undef TEXT
#undef NUMBER
    return result;
}

/* ---- Comparing ---- */

PyDoc_STRVAR(strcoll_doc, "strcoll($module, os1, os2, /)\n--\n\n"
                          "Compare two strings in the order of the locale: negative, 0 or positive.");
static PyObject *locale_strcoll(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("strcoll", count, 2, 2)) return NULL;
    for (int i = 0; i < 2; i++)
        if (!PyUnicode_Check(args[i])) {
            _PyArg_BadArgument("strcoll", i == 0 ? "argument 1" : "argument 2", "str", args[i]);
            return NULL;
        }
    wchar_t *first = PyUnicode_AsWideCharString(args[0], NULL);
    wchar_t *second = first == NULL ? NULL : PyUnicode_AsWideCharString(args[1], NULL);
    PyObject *result = second == NULL ? NULL : PyLong_FromLong(wcscoll(first, second));
    PyMem_Free(first);
    PyMem_Free(second);
    return result;
}

PyDoc_STRVAR(strxfrm_doc, "strxfrm($module, string, /)\n--\n\n"
                          "A string that compares with its like as the arguments do in the order of the locale.");
static PyObject *locale_strxfrm(PyObject *module, PyObject *argument) {
    if (!PyUnicode_Check(argument)) {
        _PyArg_BadArgument("strxfrm", "argument", "str", argument);
        return NULL;
    }
    wchar_t *text = PyUnicode_AsWideCharString(argument, NULL), *buffer = NULL;
    PyObject *result = NULL;
    if (text == NULL) return NULL;
    errno = 0;
    size_t size = wcsxfrm(NULL, text, 0) + 1;
    if (errno != 0 && errno != ERANGE) {
        PyErr_SetFromErrno(PyExc_OSError);
        goto done;
    }
    buffer = PyMem_New(wchar_t, size);
    if (buffer == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    errno = 0;
    size = wcsxfrm(buffer, text, size);
    if (errno != 0)
        PyErr_SetFromErrno(PyExc_OSError);
    else
        result = PyUnicode_FromWideChar(buffer, (Py_ssize_t)size);
done:
    PyMem_Free(buffer);
    PyMem_Free(text);
    return result;
}

/* ---- Facts ---- */

static const KrConstant items[] = {
#define ITEM(name) {#name, name}
    ITEM(DAY_1),    ITEM(DAY_2),    ITEM(DAY_3),    ITEM(DAY_4),      ITEM(DAY_5),     ITEM(DAY_6),     ITEM(DAY_7),
    ITEM(ABDAY_1),  ITEM(ABDAY_2),  ITEM(ABDAY_3),  ITEM(ABDAY_4),    ITEM(ABDAY_5),   ITEM(ABDAY_6),   ITEM(ABDAY_7),
    ITEM(MON_1),    ITEM(MON_2),    ITEM(MON_3),    ITEM(MON_4),      ITEM(MON_5),     ITEM(MON_6),     ITEM(MON_7),
    ITEM(MON_8),    ITEM(MON_9),    ITEM(MON_10),   ITEM(MON_11),     ITEM(MON_12),    ITEM(ABMON_1),   ITEM(ABMON_2),
    ITEM(ABMON_3),  ITEM(ABMON_4),  ITEM(ABMON_5),  ITEM(ABMON_6),    ITEM(ABMON_7),   ITEM(ABMON_8),   ITEM(ABMON_9),
    ITEM(ABMON_10), ITEM(ABMON_11), ITEM(ABMON_12), ITEM(RADIXCHAR),  ITEM(THOUSEP),   ITEM(CRNCYSTR),  ITEM(D_FMT),
    ITEM(D_T_FMT),  ITEM(T_FMT),    ITEM(AM_STR),   ITEM(PM_STR),     ITEM(CODESET),   ITEM(T_FMT_AMPM), ITEM(ERA),
    ITEM(ERA_D_FMT), ITEM(ERA_D_T_FMT), ITEM(ERA_T_FMT), ITEM(ALT_DIGITS), ITEM(YESEXPR), ITEM(NOEXPR), ITEM(_DATE_FMT),
#undef ITEM
};

PyDoc_STRVAR(nl_langinfo_doc, "nl_langinfo($module, key, /)\n--\n\n"
                              "A fact about the locale: names of days, formats of dates, the encoding.");
static PyObject *locale_nl_langinfo(PyObject *module, PyObject *argument) {
    int key;
    if (int_argument(argument, &key) < 0) return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(items); i++) {
        if (items[i].value != key) continue;
        const char *text = nl_langinfo(key);
        return decode(text != NULL ? text : "");
    }
    PyErr_SetString(PyExc_ValueError, "unsupported langinfo constant");
    return NULL;
}

PyDoc_STRVAR(getencoding_doc, "getencoding($module, /)\n--\n\nThe encoding of the locale.");
static PyObject *locale_getencoding(PyObject *module, PyObject *unused) { return _Py_GetLocaleEncodingObject(); }

/* ---- Message catalogues ---- */

PyDoc_STRVAR(gettext_doc, "gettext($module, msg, /)\n--\n\ngettext(msg) -> string\n\nA message in the locale's language.");
static PyObject *locale_gettext(PyObject *module, PyObject *argument) {
    const char *message;
    if (text_argument("gettext", "argument", argument, 0, &message) < 0) return NULL;
    return decode(gettext(message));
}

PyDoc_STRVAR(dgettext_doc, "dgettext($module, domain, msg, /)\n--\n\n"
                           "dgettext(domain, msg) -> string\n\nA message of a domain in the locale's language.");
static PyObject *locale_dgettext(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const char *domain, *message;
    if (!_PyArg_CheckPositional("dgettext", count, 2, 2) ||
        text_argument("dgettext", "argument 1", args[0], 1, &domain) < 0 ||
        text_argument("dgettext", "argument 2", args[1], 0, &message) < 0)
        return NULL;
    return decode(dgettext(domain, message));
}

PyDoc_STRVAR(dcgettext_doc, "dcgettext($module, domain, msg, category, /)\n--\n\n"
                            "A message of a domain in the language of a locale category.");
static PyObject *locale_dcgettext(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const char *domain, *message;
    int category;
    if (!_PyArg_CheckPositional("dcgettext", count, 3, 3) ||
        text_argument("dcgettext", "argument 1", args[0], 1, &domain) < 0 ||
        text_argument("dcgettext", "argument 2", args[1], 0, &message) < 0 || int_argument(args[2], &category) < 0)
        return NULL;
    return decode(dcgettext(domain, message, category));
}

PyDoc_STRVAR(textdomain_doc, "textdomain($module, domain, /)\n--\n\nSet the domain of gettext(); returns its name.");
static PyObject *locale_textdomain(PyObject *module, PyObject *argument) {
    const char *domain;
    if (text_argument("textdomain", "argument", argument, 1, &domain) < 0) return NULL;
    domain = textdomain(domain);
    return domain == NULL ? PyErr_SetFromErrno(PyExc_OSError) : decode(domain);
}

PyDoc_STRVAR(bindtextdomain_doc, "bindtextdomain($module, domain, dir, /)\n--\n\n"
                                 "Set the folder of a domain's catalogues, None only asks; returns it.");
static PyObject *locale_bindtextdomain(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const char *domain, *folder = NULL;
    PyObject *path = NULL;
    if (!_PyArg_CheckPositional("bindtextdomain", count, 2, 2) ||
        text_argument("bindtextdomain", "argument 1", args[0], 0, &domain) < 0)
        return NULL;
    if (*domain == '\0') {
        PyErr_SetString(module_state(module)->error, "domain must be a non-empty string");
        return NULL;
    }
    if (args[1] != Py_None) {
        if (!PyUnicode_FSConverter(args[1], &path)) return NULL;
        folder = PyBytes_AS_STRING(path);
    }
    const char *current = bindtextdomain(domain, folder);
    PyObject *result;
    if (current == NULL)
        result = PyErr_SetFromErrno(PyExc_OSError);
    else
        result = decode(current);
    Py_XDECREF(path);
    return result;
}

PyDoc_STRVAR(bind_textdomain_codeset_doc, "bind_textdomain_codeset($module, domain, codeset, /)\n--\n\n"
                                          "Set the encoding of a domain's messages, None only asks; returns it.");
static PyObject *locale_bind_textdomain_codeset(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const char *domain, *codeset;
    if (!_PyArg_CheckPositional("bind_textdomain_codeset", count, 2, 2) ||
        text_argument("bind_textdomain_codeset", "argument 1", args[0], 0, &domain) < 0 ||
        text_argument("bind_textdomain_codeset", "argument 2", args[1], 1, &codeset) < 0)
        return NULL;
    codeset = bind_textdomain_codeset(domain, codeset);
    if (codeset == NULL) Py_RETURN_NONE;
    return decode(codeset);
}

/* ---- The module ---- */

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL

static PyMethodDef methods[] = {
    {"setlocale", FASTCALL(locale_setlocale), setlocale_doc},
    {"localeconv", locale_localeconv, METH_NOARGS, localeconv_doc},
    {"strcoll", FASTCALL(locale_strcoll), strcoll_doc},
    {"strxfrm", locale_strxfrm, METH_O, strxfrm_doc},
    {"nl_langinfo", locale_nl_langinfo, METH_O, nl_langinfo_doc},
    {"gettext", locale_gettext, METH_O, gettext_doc},
    {"dgettext", FASTCALL(locale_dgettext), dgettext_doc},
    {"dcgettext", FASTCALL(locale_dcgettext), dcgettext_doc},
    {"textdomain", locale_textdomain, METH_O, textdomain_doc},
    {"bindtextdomain", FASTCALL(locale_bindtextdomain), bindtextdomain_doc},
    {"bind_textdomain_codeset", FASTCALL(locale_bind_textdomain_codeset), bind_textdomain_codeset_doc},
    {"getencoding", locale_getencoding, METH_NOARGS, getencoding_doc},
    {NULL},
};

static int execute(PyObject *module) {
    static const KrConstant constants[] = {
        {"LC_CTYPE", LC_CTYPE},       {"LC_TIME", LC_TIME},         {"LC_COLLATE", LC_COLLATE}, {"LC_MONETARY", LC_MONETARY},
        {"LC_MESSAGES", LC_MESSAGES}, {"LC_NUMERIC", LC_NUMERIC},   {"LC_ALL", LC_ALL},         {"CHAR_MAX", CHAR_MAX},
    };
    if (KR_ADD_CONSTANTS(module, constants) < 0) return -1;
    if (KR_ADD_CONSTANTS(module, items) < 0) return -1;
    ModuleState *state = module_state(module);
    state->error = PyErr_NewException("locale.Error", NULL, NULL);
    return state->error == NULL ? -1 : PyModule_AddObjectRef(module, "Error", state->error);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    Py_VISIT(module_state(module)->error);
    return 0;
}

static int module_clear(PyObject *module) {
    Py_CLEAR(module_state(module)->error);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_locale",
    .m_doc = "The C library's locale; the module locale is the interface.",
    .m_size = sizeof(ModuleState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__locale(void) { return PyModuleDef_Init(&definition); }
