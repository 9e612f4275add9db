/* translate() and maketrans(). */
#include <Python.h>

#include "types/str/str.h"

enum { KEEP = 0, DELETE = 1, CHARACTER = 2, STRING = 3, FAILED = -1 };

/* What the table says about a character: sets *replacement or, for a string, *string (new reference). */
static int look_up(PyObject *table, Py_UCS4 ch, Py_UCS4 *replacement, PyObject **string) {
    PyObject *key = PyLong_FromLong((long)ch), *value;
    if (key == NULL) return FAILED;
    if (PyDict_CheckExact(table)) {
        value = PyDict_GetItemWithError(table, key);
        Py_XINCREF(value);
    } else {
        value = PyObject_GetItem(table, key);
        if (value == NULL && PyErr_ExceptionMatches(PyExc_LookupError)) PyErr_Clear();
    }
    Py_DECREF(key);
    if (value == NULL) return PyErr_Occurred() ? FAILED : KEEP;
    if (value == Py_None) {
        Py_DECREF(value);
        return DELETE;
    }
    if (PyLong_Check(value)) {
        int overflow;
        long code = PyLong_AsLongAndOverflow(value, &overflow);
        Py_DECREF(value);
        if (overflow != 0 || code < 0 || code > (long)KR_STR_MAX_CODE) {
            PyErr_Format(PyExc_ValueError, "character mapping must be in range(0x%x)", (int)KR_STR_MAX_CODE + 1);
            return FAILED;
        }
        *replacement = (Py_UCS4)code;
        return CHARACTER;
    }
    if (PyUnicode_Check(value)) {
        if (PyUnicode_READY(value) < 0) {
            Py_DECREF(value);
            return FAILED;
        }
        *string = value;
        return STRING;
    }
    Py_DECREF(value);
    PyErr_SetString(PyExc_TypeError, "character mapping must return integer, None or str");
    return FAILED;
}

/* Answers for ASCII characters that were asked before: 0 is unknown, else the replacement + 2, or 1 to delete. */
typedef struct {
    uint8_t ascii[128];
} Cache;

/* Writes the translation of one character. Returns 0, -1, or 1 if the table deletes it and `deletes` is 0. */
static int write_translation(_PyUnicodeWriter *writer, PyObject *table, Py_UCS4 ch, Cache *cache, int deletes) {
    Py_UCS4 replacement = ch;
    PyObject *string;
    int known = ch < 128 ? cache->ascii[ch] : 0;
    if (known >= 2) return _PyUnicodeWriter_WriteChar(writer, (Py_UCS4)known - 2);
    if (known == 1) return 0;
    switch (look_up(table, ch, &replacement, &string)) {
    case DELETE:
        if (!deletes) return 1;
        if (ch < 128) cache->ascii[ch] = 1;
        return 0;
    case KEEP:
    case CHARACTER:
        if (ch < 128 && replacement < 128) cache->ascii[ch] = (uint8_t)(replacement + 2);
        return _PyUnicodeWriter_WriteChar(writer, replacement);
    case STRING: {
        int result = _PyUnicodeWriter_WriteStr(writer, string);
        Py_DECREF(string);
        return result;
    }
    default: return -1;
    }
}

/* Calls the error handler for the characters from `start` to `end`, which the table maps to None. Returns the place to go
 * on, or -1. */
static Py_ssize_t handle_undefined(_PyUnicodeWriter *writer, PyObject *self, Py_ssize_t start, Py_ssize_t end,
                                   const char *errors) {
    static const char reason[] = "character maps to <undefined>";
    Py_ssize_t position = -1;
    PyObject *handler = NULL, *result = NULL;
    PyObject *exception = _PyUnicodeTranslateError_Create(self, start, end, reason);
    if (exception == NULL) return -1;
    if (errors == NULL || strcmp(errors, "strict") == 0) {
        PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
        goto done;
    }
    if ((handler = PyCodec_LookupError(errors)) == NULL) goto done;
    if ((result = PyObject_CallOneArg(handler, exception)) == NULL) goto done;
    PyObject *replacement;
    if (!PyTuple_Check(result)) {
        PyErr_SetString(PyExc_TypeError, "translating error handler must return (str, int) tuple");
        goto done;
    }
    if (!PyArg_ParseTuple(result, "O!n;translating error handler must return (str, int) tuple", &PyUnicode_Type,
                          &replacement, &position)) {
        position = -1;
        goto done;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), place = position < 0 ? length + position : position;
    if (place < 0 || place > length) {
        PyErr_Format(PyExc_IndexError, "position %zd from error handler out of bounds", position);
        position = -1;
        goto done;
    }
    position = _PyUnicodeWriter_WriteStr(writer, replacement) < 0 ? -1 : place;
done:
    Py_DECREF(exception);
    Py_XDECREF(handler);
    Py_XDECREF(result);
    return position;
}

/* End of the run of characters from `start` on that the table maps to None, or -1. */
static Py_ssize_t undefined_end(PyObject *self, PyObject *table, Py_ssize_t start) {
    Py_ssize_t i = start + 1;
    for (; i < PyUnicode_GET_LENGTH(self); i++) {
        Py_UCS4 replacement;
        PyObject *string = NULL;
        int answer = look_up(table, PyUnicode_READ_CHAR(self, i), &replacement, &string);
        Py_XDECREF(string);
        if (answer == FAILED) return -1;
        if (answer != DELETE) break;
    }
    return i;
}

/* Translates ASCII text as long as the results are ASCII characters. Returns the number of characters read, and writes
 * *written ones; -1 on error. */
static Py_ssize_t translate_ascii(const Py_UCS1 *text, Py_ssize_t length, PyObject *table, Cache *cache, Py_UCS1 *to,
                                  Py_ssize_t *written) {
    Py_ssize_t i = 0, out = 0;
    for (; i < length; i++) {
        int known = cache->ascii[text[i]];
        if (known == 0) {
            Py_UCS4 replacement = text[i];
            PyObject *string = NULL;
            int answer = look_up(table, text[i], &replacement, &string);
            if (answer == FAILED) return -1;
            if (answer == STRING && PyUnicode_GET_LENGTH(string) == 1) {
                replacement = PyUnicode_READ_CHAR(string, 0);
                answer = CHARACTER;
            }
            Py_XDECREF(string);
            if (answer == STRING || replacement > 127) break;
            known = cache->ascii[text[i]] = answer == DELETE ? 1 : (uint8_t)(replacement + 2);
        }
        to[out] = (Py_UCS1)(known - 2);
        out += known >= 2;
    }
    *written = out;
    return i;
}

PyObject *PyUnicode_Translate(PyObject *self, PyObject *table, const char *errors) {
    if (kr_str_require(self) < 0) return NULL;
    if (table == NULL) {
        PyErr_BadArgument();
        return NULL;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (length == 0) return kr_str_unchanged(self);
    int kind = PyUnicode_KIND(self), deletes = errors != NULL && strcmp(errors, "ignore") == 0;
    const void *text = PyUnicode_DATA(self);
    Cache cache = {{0}};
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    writer.overallocate = 1;
    writer.min_length = length;
    Py_ssize_t start = 0;
    if (deletes && PyUnicode_IS_ASCII(self)) {
        Py_ssize_t written;
        if (_PyUnicodeWriter_PrepareInternal(&writer, length, 127) < 0) goto error;
        start = translate_ascii(text, length, table, &cache, writer.data, &written);
        if (start < 0) goto error;
        writer.pos = written;
        if (start == length) writer.overallocate = 0;
    }
    for (Py_ssize_t i = start; i < length;) {
        int result = write_translation(&writer, table, PyUnicode_READ(kind, text, i), &cache, deletes);
        if (result < 0) goto error;
        if (result == 0) {
            i++;
            continue;
        }
        Py_ssize_t end = undefined_end(self, table, i);
        if (end < 0 || (i = handle_undefined(&writer, self, i, end, errors)) < 0) goto error;
    }
    return _PyUnicodeWriter_Finish(&writer);
error:
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

PyObject *kr_str_translate(PyObject *self, PyObject *table) { return PyUnicode_Translate(self, table, "ignore"); }

/* ---- maketrans ---- */

/* Sets table[code] = value and drops the value. */
static int set_code(PyObject *table, Py_UCS4 code, PyObject *value) {
    PyObject *key = value == NULL ? NULL : PyLong_FromLong((long)code);
    int result = key == NULL ? -1 : PyDict_SetItem(table, key, value);
    Py_XDECREF(key);
    Py_XDECREF(value);
    return result;
}

static int add_pairs(PyObject *table, PyObject *from, PyObject *to) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(from);
    if (length != PyUnicode_GET_LENGTH(to)) {
        PyErr_SetString(PyExc_ValueError, "the first two maketrans arguments must have equal length");
        return -1;
    }
    for (Py_ssize_t i = 0; i < length; i++)
        if (set_code(table, PyUnicode_READ_CHAR(from, i), PyLong_FromLong((long)PyUnicode_READ_CHAR(to, i))) < 0)
            return -1;
    return 0;
}

static int add_deletions(PyObject *table, PyObject *deleted) {
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(deleted); i++)
        if (set_code(table, PyUnicode_READ_CHAR(deleted, i), Py_NewRef(Py_None)) < 0) return -1;
    return 0;
}

/* Copies a dict whose keys are one-character strings or ints. */
static int add_dict(PyObject *table, PyObject *source) {
    if (!PyDict_CheckExact(source)) {
        PyErr_SetString(PyExc_TypeError, "if you give only one argument to maketrans it must be a dict");
        return -1;
    }
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(source, &position, &key, &value);) {
        if (PyUnicode_Check(key)) {
            if (PyUnicode_READY(key) < 0) return -1;
            if (PyUnicode_GET_LENGTH(key) != 1) {
                PyErr_SetString(PyExc_ValueError, "string keys in translate table must be of length 1");
                return -1;
            }
            if (set_code(table, PyUnicode_READ_CHAR(key, 0), Py_NewRef(value)) < 0) return -1;
        } else if (PyLong_Check(key)) {
            if (PyDict_SetItem(table, key, value) < 0) return -1;
        } else {
            PyErr_SetString(PyExc_TypeError, "keys in translate table must be strings or integers");
            return -1;
        }
    }
    return 0;
}

static int check_argument(PyObject *argument, const char *which) {
    if (PyUnicode_Check(argument)) return PyUnicode_READY(argument);
    _PyArg_BadArgument("maketrans", which, "str", argument);
    return -1;
}

PyObject *kr_str_maketrans(PyObject *unused, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("maketrans", nargs, 1, 3)) return NULL;
    if ((nargs > 1 && check_argument(args[1], "argument 2") < 0) ||
        (nargs > 2 && check_argument(args[2], "argument 3") < 0))
        return NULL;
    PyObject *table = PyDict_New();
    if (table == NULL) return NULL;
    if (nargs == 1) {
        if (add_dict(table, args[0]) < 0) goto error;
        return table;
    }
    if (!PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "first maketrans argument must be a string if there is a second argument");
        goto error;
    }
    if (PyUnicode_READY(args[0]) < 0 || add_pairs(table, args[0], args[1]) < 0 ||
        (nargs > 2 && add_deletions(table, args[2]) < 0))
        goto error;
    return table;
error:
    Py_DECREF(table);
    return NULL;
}
