/* Finding, counting and replacing substrings. */
#include <Python.h>

#include "types/str/search.h"
#include "types/str/str.h"

/* ---- the C functions ---- */

/* Places of a ready needle in text[start:end], forward or backward; -1 if absent, -2 on error. */
static Py_ssize_t find_between(PyObject *text, PyObject *needle, Py_ssize_t start, Py_ssize_t end, int direction) {
    kr_str_clip(&start, &end, PyUnicode_GET_LENGTH(text));
    Py_ssize_t needle_length = PyUnicode_GET_LENGTH(needle);
    if (end - start < needle_length) return -1;
    int kind = PyUnicode_KIND(text), needle_kind = PyUnicode_KIND(needle);
    if (needle_kind > kind) return -1;
    const void *needle_data = PyUnicode_DATA(needle);
    Py_ssize_t found;
    if (needle_length == 1) {
        Py_UCS4 ch = PyUnicode_READ(needle_kind, needle_data, 0);
        found = direction > 0 ? kr_text_find_char(kind, kr_str_at(text, start), end - start, ch)
                              : kr_text_rfind_char(kind, kr_str_at(text, start), end - start, ch);
    } else {
        void *widened = kr_str_widened(kind, needle_kind, needle_data, needle_length);
        if (widened == NULL) return -2;
        found = direction > 0 ? kr_text_find(kind, kr_str_at(text, start), end - start, widened, needle_length)
                              : kr_text_rfind(kind, kr_str_at(text, start), end - start, widened, needle_length);
        kr_str_widened_free(widened, needle_data);
    }
    return found < 0 ? -1 : start + found;
}

Py_ssize_t PyUnicode_Find(PyObject *text, PyObject *needle, Py_ssize_t start, Py_ssize_t end, int direction) {
    if (kr_str_require(text) < 0 || kr_str_require(needle) < 0) return -2;
    return find_between(text, needle, start, end, direction);
}

Py_ssize_t PyUnicode_FindChar(PyObject *text, Py_UCS4 ch, Py_ssize_t start, Py_ssize_t end, int direction) {
    if (PyUnicode_READY(text) < 0) return -2;
    kr_str_clip(&start, &end, PyUnicode_GET_LENGTH(text));
    if (end - start < 1) return -1;
    int kind = PyUnicode_KIND(text);
    Py_ssize_t found = direction > 0 ? kr_text_find_char(kind, kr_str_at(text, start), end - start, ch)
                                     : kr_text_rfind_char(kind, kr_str_at(text, start), end - start, ch);
    return found < 0 ? -1 : start + found;
}

static Py_ssize_t count_between(PyObject *text, PyObject *needle, Py_ssize_t start, Py_ssize_t end) {
    kr_str_clip(&start, &end, PyUnicode_GET_LENGTH(text));
    Py_ssize_t needle_length = PyUnicode_GET_LENGTH(needle);
    if (end - start < needle_length) return 0;
    if (needle_length == 0) return end - start + 1;
    int kind = PyUnicode_KIND(text), needle_kind = PyUnicode_KIND(needle);
    if (needle_kind > kind) return 0;
    const void *needle_data = PyUnicode_DATA(needle);
    void *widened = kr_str_widened(kind, needle_kind, needle_data, needle_length);
    if (widened == NULL) return -1;
    KrNeedle prepared;
    kr_needle_prepare(&prepared, kind, widened, needle_length);
    Py_ssize_t count = kr_needle_count(&prepared, kr_str_at(text, start), end - start, PY_SSIZE_T_MAX);
    kr_str_widened_free(widened, needle_data);
    return count;
}

Py_ssize_t PyUnicode_Count(PyObject *text, PyObject *needle, Py_ssize_t start, Py_ssize_t end) {
    if (kr_str_require(text) < 0 || kr_str_require(needle) < 0) return -1;
    return count_between(text, needle, start, end);
}

int PyUnicode_Contains(PyObject *text, PyObject *needle) {
    if (!PyUnicode_Check(needle)) {
        PyErr_Format(PyExc_TypeError, "'in <string>' requires string as left operand, not %.100s",
                     Py_TYPE(needle)->tp_name);
        return -1;
    }
    if (PyUnicode_READY(needle) < 0 || kr_str_require(text) < 0) return -1;
    Py_ssize_t found = find_between(text, needle, 0, PY_SSIZE_T_MAX, 1);
    return found == -2 ? -1 : found >= 0;
}

/* True if text[start:end] begins (direction < 0) or ends with `part`; both are ready. */
static int matches_at_end(PyObject *text, PyObject *part, Py_ssize_t start, Py_ssize_t end, int direction) {
    kr_str_clip(&start, &end, PyUnicode_GET_LENGTH(text));
    Py_ssize_t length = PyUnicode_GET_LENGTH(part);
    if (end - length < start) return 0;
    if (length == 0) return 1;
    int kind = PyUnicode_KIND(text), part_kind = PyUnicode_KIND(part);
    if (part_kind > kind) return 0;
    Py_ssize_t at = direction > 0 ? end - length : start;
    const void *data = kr_str_at(text, at), *part_data = PyUnicode_DATA(part);
    if (kind == part_kind) return memcmp(data, part_data, (size_t)length * kind) == 0;
    for (Py_ssize_t i = 0; i < length; i++)
        if (PyUnicode_READ(kind, data, i) != PyUnicode_READ(part_kind, part_data, i)) return 0;
    return 1;
}

Py_ssize_t PyUnicode_Tailmatch(PyObject *text, PyObject *part, Py_ssize_t start, Py_ssize_t end, int direction) {
    if (kr_str_require(text) < 0 || kr_str_require(part) < 0) return -1;
    return matches_at_end(text, part, start, end, direction);
}

/* ---- replacing ---- */

#define REPLACE_ALL(CHAR)                                                                                              \
    do {                                                                                                               \
        CHAR *p = data;                                                                                                \
        for (Py_ssize_t i = start; i < length; i++) p[i] = p[i] == (CHAR)old ? (CHAR)new : p[i];                       \
    } while (0)

/* One character by another, in a copy. */
static PyObject *replace_char(PyObject *self, Py_UCS4 old, Py_UCS4 new, Py_UCS4 maxchar, Py_ssize_t limit) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    int kind = PyUnicode_KIND(self);
    Py_ssize_t start = kr_text_find_char(kind, PyUnicode_DATA(self), length, old);
    if (start < 0) return kr_str_unchanged(self);
    PyObject *result = PyUnicode_New(length, maxchar);
    if (result == NULL) return NULL;
    _PyUnicode_FastCopyCharacters(result, 0, self, 0, length);
    kind = PyUnicode_KIND(result);
    void *data = PyUnicode_DATA(result);
    if (limit >= length) {
        if (kind == PyUnicode_1BYTE_KIND) REPLACE_ALL(Py_UCS1);
        else if (kind == PyUnicode_2BYTE_KIND) REPLACE_ALL(Py_UCS2);
        else REPLACE_ALL(Py_UCS4);
        return result;
    }
    for (Py_ssize_t at = start; limit > 0; limit--) {
        PyUnicode_WRITE(kind, data, at, new);
        Py_ssize_t next = kr_text_find_char(kind, (char *)data + (at + 1) * kind, length - at - 1, old);
        if (next < 0) break;
        at += next + 1;
    }
    return result;
}

typedef struct {
    char *to;
    const char *from;
    int kind;
} Copier;

static inline void copy_text(Copier *copier, const void *text, Py_ssize_t length) {
    size_t size = (size_t)length * copier->kind;
    memcpy(copier->to, text, size);
    copier->to += size;
}

/* Copies `length` characters of the source and steps over them. */
static inline void copy_source(Copier *copier, Py_ssize_t length) {
    copy_text(copier, copier->from, length);
    copier->from += length * copier->kind;
}

/* Puts `new` before each of the first characters, and behind the last if there are places left. */
static void interleave(Copier *copier, Py_ssize_t length, const void *new, Py_ssize_t new_length, Py_ssize_t count) {
    copy_text(copier, new, new_length);
    for (Py_ssize_t i = 1; i < count; i++) {
        copy_source(copier, 1);
        copy_text(copier, new, new_length);
    }
    copy_source(copier, length - (count - 1));
}

/* The first places of a needle, so that text need not be searched again to be copied. */
enum { PLACES = 64 };
typedef struct {
    Py_ssize_t count;        /* of all places */
    Py_ssize_t first[PLACES]; /* distances: from the start, then from the end of the place before */
} Places;

static void find_places(Places *places, const KrNeedle *needle, const char *text, Py_ssize_t length, Py_ssize_t limit) {
    places->count = 0;
    while (places->count < limit && places->count < PLACES) {
        Py_ssize_t at = kr_needle_find(needle, text, length);
        if (at < 0) return;
        places->first[places->count++] = at;
        text += (at + needle->length) * needle->kind;
        length -= at + needle->length;
    }
    if (places->count < limit) places->count += kr_needle_count(needle, text, length, limit - places->count);
}

static PyObject *replace_text(PyObject *self, PyObject *old, PyObject *new, Py_UCS4 maxchar, Py_ssize_t limit) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), old_length = PyUnicode_GET_LENGTH(old),
               new_length = PyUnicode_GET_LENGTH(new);
    int kind = maxchar < 256 ? PyUnicode_1BYTE_KIND : maxchar < 65536 ? PyUnicode_2BYTE_KIND : PyUnicode_4BYTE_KIND;
    PyObject *result = NULL;
    const void *text = PyUnicode_DATA(self), *old_text = PyUnicode_DATA(old), *new_text = PyUnicode_DATA(new);
    void *wide_text = NULL, *wide_old = NULL, *wide_new = NULL;
    if ((wide_text = kr_str_widened(kind, PyUnicode_KIND(self), text, length)) == NULL ||
        (wide_old = kr_str_widened(kind, PyUnicode_KIND(old), old_text, old_length)) == NULL ||
        (wide_new = kr_str_widened(kind, PyUnicode_KIND(new), new_text, new_length)) == NULL)
        goto done;

    KrNeedle needle;
    Places places;
    if (old_length > 0) {
        kr_needle_prepare(&needle, kind, wide_old, old_length);
        find_places(&places, &needle, wide_text, length, limit);
    } else {
        places.count = Py_MIN(limit, length + 1);
    }
    Py_ssize_t count = places.count;
    if (count == 0) {
        result = kr_str_unchanged(self);
        goto done;
    }
    Py_ssize_t growth = new_length - old_length;
    if (growth > 0 && growth > (PY_SSIZE_T_MAX - length) / count) {
        PyErr_SetString(PyExc_OverflowError, "replace string is too long");
        goto done;
    }
    result = PyUnicode_New(length + count * growth, maxchar);
    if (result == NULL || PyUnicode_GET_LENGTH(result) == 0) goto done;
    Copier copier = {PyUnicode_DATA(result), wide_text, kind};
    if (old_length == 0) {
        interleave(&copier, length, wide_new, new_length, count);
        goto done;
    }
    Py_ssize_t left = length;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t at = i < PLACES ? places.first[i] : kr_needle_find(&needle, copier.from, left);
        copy_source(&copier, at);
        copy_text(&copier, wide_new, new_length);
        copier.from += old_length * kind;
        left -= at + old_length;
    }
    copy_source(&copier, left);
done:
    kr_str_widened_free(wide_text, text);
    kr_str_widened_free(wide_old, old_text);
    kr_str_widened_free(wide_new, new_text);
    return result;
}

/* Arguments are ready strs; `limit` may be negative for "all". */
static PyObject *replace(PyObject *self, PyObject *old, PyObject *new, Py_ssize_t limit) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(self), old_length = PyUnicode_GET_LENGTH(old);
    if (limit < 0) limit = PY_SSIZE_T_MAX;
    if (limit == 0 || old_length > length || old == new) return kr_str_unchanged(self);
    Py_UCS4 self_max = PyUnicode_MAX_CHAR_VALUE(self), old_max = PyUnicode_MAX_CHAR_VALUE(old),
            new_max = PyUnicode_MAX_CHAR_VALUE(new);
    if (old_max > self_max) return kr_str_unchanged(self);
    Py_UCS4 maxchar = Py_MAX(self_max, new_max);
    PyObject *result;
    if (old_length == 1 && PyUnicode_GET_LENGTH(new) == 1)
        result = replace_char(self, PyUnicode_READ_CHAR(old, 0), PyUnicode_READ_CHAR(new, 0), maxchar, limit);
    else
        result = replace_text(self, old, new, maxchar, limit);
    /* Only if the widest characters went away can the result be too wide. */
    if (result != NULL && result != self && old_max == self_max && new_max < self_max) {
        PyObject *narrow = PyUnicode_FromKindAndData(PyUnicode_KIND(result), PyUnicode_DATA(result),
                                                     PyUnicode_GET_LENGTH(result));
        Py_SETREF(result, narrow);
    }
    if (result != NULL && PyUnicode_GET_LENGTH(result) == 1 && PyUnicode_IS_COMPACT(result)) {
        Py_UCS4 ch = PyUnicode_READ_CHAR(result, 0);
        if (ch < 256) Py_SETREF(result, Py_NewRef(kr_str_latin1(ch)));
    }
    return result;
}

PyObject *PyUnicode_Replace(PyObject *self, PyObject *old, PyObject *new, Py_ssize_t limit) {
    if (kr_str_require(self) < 0 || kr_str_require(old) < 0 || kr_str_require(new) < 0) return NULL;
    return replace(self, old, new, limit);
}

/* ---- the methods ---- */

/* Parses (x[, start[, end]]). Returns 0 or -1. */
static int parse_range(const char *name, PyObject *const *args, Py_ssize_t nargs, Py_ssize_t *start, Py_ssize_t *end) {
    if (nargs < 1 || nargs > 3) {
        PyErr_Format(PyExc_TypeError, "%.200s() takes at %s %d argument%s (%zd given)", name,
                     nargs < 1 ? "least" : "most", nargs < 1 ? 1 : 3, nargs < 1 ? "" : "s", nargs);
        return -1;
    }
    *start = 0;
    *end = PY_SSIZE_T_MAX;
    if (nargs > 1 && args[1] != Py_None && !_PyEval_SliceIndex(args[1], start)) return -1;
    if (nargs > 2 && args[2] != Py_None && !_PyEval_SliceIndex(args[2], end)) return -1;
    return 0;
}

/* find, rfind, index and rindex up to their results: the place, -1, or -2 on error. */
static Py_ssize_t find_method(PyObject *self, PyObject *const *args, Py_ssize_t nargs, const char *name,
                              int direction) {
    Py_ssize_t start, end;
    if (parse_range(name, args, nargs, &start, &end) < 0 || kr_str_require(args[0]) < 0 || PyUnicode_READY(self) < 0)
        return -2;
    return find_between(self, args[0], start, end, direction);
}

static PyObject *index_result(Py_ssize_t found) {
    if (found == -1) PyErr_SetString(PyExc_ValueError, "substring not found");
    return found < 0 ? NULL : PyLong_FromSsize_t(found);
}

PyObject *kr_str_find(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t found = find_method(self, args, nargs, "find", 1);
    return found == -2 ? NULL : PyLong_FromSsize_t(found);
}

PyObject *kr_str_rfind(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t found = find_method(self, args, nargs, "rfind", -1);
    return found == -2 ? NULL : PyLong_FromSsize_t(found);
}

PyObject *kr_str_index(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    return index_result(find_method(self, args, nargs, "index", 1));
}

PyObject *kr_str_rindex(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    return index_result(find_method(self, args, nargs, "rindex", -1));
}

PyObject *kr_str_count(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t start, end;
    if (parse_range("count", args, nargs, &start, &end) < 0 || kr_str_require(args[0]) < 0 ||
        PyUnicode_READY(self) < 0)
        return NULL;
    Py_ssize_t count = count_between(self, args[0], start, end);
    return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static PyObject *match_method(PyObject *self, PyObject *const *args, Py_ssize_t nargs, const char *name,
                              int direction) {
    Py_ssize_t start, end;
    if (parse_range(name, args, nargs, &start, &end) < 0 || PyUnicode_READY(self) < 0) return NULL;
    PyObject *part = args[0];
    if (PyUnicode_Check(part)) {
        if (PyUnicode_READY(part) < 0) return NULL;
        return PyBool_FromLong(matches_at_end(self, part, start, end, direction));
    }
    if (!PyTuple_Check(part)) {
        PyErr_Format(PyExc_TypeError, "%s first arg must be str or a tuple of str, not %.100s", name,
                     Py_TYPE(part)->tp_name);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(part); i++) {
        PyObject *item = PyTuple_GET_ITEM(part, i);
        if (!PyUnicode_Check(item)) {
            PyErr_Format(PyExc_TypeError, "tuple for %s must only contain str, not %.100s", name,
                         Py_TYPE(item)->tp_name);
            return NULL;
        }
        if (PyUnicode_READY(item) < 0) return NULL;
        if (matches_at_end(self, item, start, end, direction)) Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

PyObject *kr_str_startswith(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    return match_method(self, args, nargs, "startswith", -1);
}

PyObject *kr_str_endswith(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    return match_method(self, args, nargs, "endswith", 1);
}

/* Checks that an argument of a method is a ready str. */
static int check_argument(const char *method, const char *which, PyObject *argument) {
    if (!PyUnicode_Check(argument)) {
        _PyArg_BadArgument(method, which, "str", argument);
        return -1;
    }
    return PyUnicode_READY(argument);
}

PyObject *kr_str_replace(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("replace", nargs, 2, 3)) return NULL;
    if (check_argument("replace", "argument 1", args[0]) < 0 || check_argument("replace", "argument 2", args[1]) < 0 ||
        PyUnicode_READY(self) < 0)
        return NULL;
    Py_ssize_t limit = -1;
    if (nargs > 2) {
        PyObject *number = PyNumber_Index(args[2]);
        if (number == NULL) return NULL;
        limit = PyLong_AsSsize_t(number);
        Py_DECREF(number);
        if (limit == -1 && PyErr_Occurred()) return NULL;
    }
    return replace(self, args[0], args[1], limit);
}

PyObject *kr_str_removeprefix(PyObject *self, PyObject *prefix) {
    if (check_argument("removeprefix", "argument", prefix) < 0 || PyUnicode_READY(self) < 0) return NULL;
    if (!matches_at_end(self, prefix, 0, PY_SSIZE_T_MAX, -1)) return kr_str_unchanged(self);
    return PyUnicode_Substring(self, PyUnicode_GET_LENGTH(prefix), PyUnicode_GET_LENGTH(self));
}

PyObject *kr_str_removesuffix(PyObject *self, PyObject *suffix) {
    if (check_argument("removesuffix", "argument", suffix) < 0 || PyUnicode_READY(self) < 0) return NULL;
    if (!matches_at_end(self, suffix, 0, PY_SSIZE_T_MAX, 1)) return kr_str_unchanged(self);
    return PyUnicode_Substring(self, 0, PyUnicode_GET_LENGTH(self) - PyUnicode_GET_LENGTH(suffix));
}
