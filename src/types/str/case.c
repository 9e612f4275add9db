/* Case mappings. One character may become up to three; capital sigma becomes a final sigma at the end of a word. */
#include <Python.h>

#include "base/unicode_tables.h"
#include "types/str/str.h"

enum { SIGMA = 0x3a3, SMALL_SIGMA = 0x3c3, FINAL_SIGMA = 0x3c2 };

typedef struct {
    int kind;
    const void *text;
    Py_ssize_t length;
} Source;

static inline Py_UCS4 source_at(const Source *source, Py_ssize_t i) {
    return PyUnicode_READ(source->kind, source->text, i);
}

/* A sigma is final if a cased character comes before it and none behind it, case-ignorable ones skipped. */
static Py_UCS4 lower_sigma(const Source *source, Py_ssize_t i) {
    Py_ssize_t before = i - 1;
    while (before >= 0 && _PyUnicode_IsCaseIgnorable(source_at(source, before))) before--;
    if (before < 0 || !_PyUnicode_IsCased(source_at(source, before))) return SMALL_SIGMA;
    Py_ssize_t behind = i + 1;
    while (behind < source->length && _PyUnicode_IsCaseIgnorable(source_at(source, behind))) behind++;
    return behind < source->length && _PyUnicode_IsCased(source_at(source, behind)) ? SMALL_SIGMA : FINAL_SIGMA;
}

/* Maps a character by its record: by a difference unless it becomes several. */
#define MAP_CHARACTER(difference, Full)                          \
    do {                                                         \
        const KrUnicodeType *type = kr_unicode_type(ch);         \
        if (type->special != 0) return Full(ch, result);         \
        result[0] = ch + (Py_UCS4)type->difference;              \
        return 1;                                                \
    } while (0)

static inline int to_lower(Py_UCS4 ch, Py_UCS4 *result) { MAP_CHARACTER(lower, _PyUnicode_ToLowerFull); }
static inline int to_upper(Py_UCS4 ch, Py_UCS4 *result) { MAP_CHARACTER(upper, _PyUnicode_ToUpperFull); }
static inline int to_title(Py_UCS4 ch, Py_UCS4 *result) { MAP_CHARACTER(title, _PyUnicode_ToTitleFull); }
static inline int to_folded(Py_UCS4 ch, Py_UCS4 *result) { MAP_CHARACTER(lower, _PyUnicode_ToFoldedFull); }

static inline int lower_at(const Source *source, Py_ssize_t i, Py_UCS4 ch, Py_UCS4 *result) {
    if (ch == SIGMA) {
        result[0] = lower_sigma(source, i);
        return 1;
    }
    return to_lower(ch, result);
}

/* Maps the character at i; `in_word` says, for title(), whether the one before was cased. */
typedef int Mapping(const Source *source, Py_ssize_t i, int *in_word, Py_UCS4 *result);

static inline int map_lower(const Source *source, Py_ssize_t i, int *in_word, Py_UCS4 *result) {
    return lower_at(source, i, source_at(source, i), result);
}

static inline int map_upper(const Source *source, Py_ssize_t i, int *in_word, Py_UCS4 *result) {
    return to_upper(source_at(source, i), result);
}

static inline int map_fold(const Source *source, Py_ssize_t i, int *in_word, Py_UCS4 *result) {
    return to_folded(source_at(source, i), result);
}

static inline int map_capitalize(const Source *source, Py_ssize_t i, int *in_word, Py_UCS4 *result) {
    Py_UCS4 ch = source_at(source, i);
    return i == 0 ? to_title(ch, result) : lower_at(source, i, ch, result);
}

static inline int map_title(const Source *source, Py_ssize_t i, int *in_word, Py_UCS4 *result) {
    Py_UCS4 ch = source_at(source, i);
    int count = *in_word ? lower_at(source, i, ch, result) : to_title(ch, result);
    *in_word = (kr_unicode_type(ch)->flags & KR_UNICODE_CASED) != 0;
    return count;
}

static inline int map_swap(const Source *source, Py_ssize_t i, int *in_word, Py_UCS4 *result) {
    Py_UCS4 ch = source_at(source, i);
    int flags = kr_unicode_type(ch)->flags;
    if (flags & KR_UNICODE_UPPER) return lower_at(source, i, ch, result);
    if (flags & KR_UNICODE_LOWER) return to_upper(ch, result);
    result[0] = ch;
    return 1;
}

enum { SHORT_TEXT = 64 }; /* so many characters are mapped without allocating room for them */

/* The general way: through a buffer of 4-byte characters. In line, and with it the mapping. */
static inline __attribute__((always_inline)) PyObject *map_wide(PyObject *self, Mapping *mapping) {
    Source source = {PyUnicode_KIND(self), PyUnicode_DATA(self), PyUnicode_GET_LENGTH(self)};
    if (source.length > PY_SSIZE_T_MAX / 3 / (Py_ssize_t)sizeof(Py_UCS4)) {
        PyErr_SetString(PyExc_OverflowError, "string is too long");
        return NULL;
    }
    Py_UCS4 few[3 * SHORT_TEXT], *buffer = few;
    if (source.length > SHORT_TEXT) buffer = PyMem_Malloc(sizeof(Py_UCS4) * 3 * (size_t)source.length);
    if (buffer == NULL) return PyErr_NoMemory();
    Py_ssize_t used = 0;
    int in_word = 0;
    for (Py_ssize_t i = 0; i < source.length; i++) used += mapping(&source, i, &in_word, buffer + used);
    PyObject *result = kr_str_from_ucs4(buffer, used);
    if (buffer != few) PyMem_Free(buffer);
    return result;
}

/* ---- ASCII ---- */

/* Letters differ from their other case by one bit. */
static inline Py_UCS1 ascii_lower(Py_UCS1 c) { return (Py_UCS1)(c | (Py_UCS1)((Py_UCS1)(c - 'A') < 26) << 5); }
static inline Py_UCS1 ascii_upper(Py_UCS1 c) { return (Py_UCS1)(c & ~((Py_UCS1)((Py_UCS1)(c - 'a') < 26) << 5)); }
static inline Py_UCS1 ascii_swap(Py_UCS1 c) { return (Py_UCS1)(c ^ (Py_UCS1)((Py_UCS1)((c | 32) - 'a') < 26) << 5); }

/* A fresh string to map into; one character, or none, is shared and must not be written to. */
static PyObject *ascii_result(PyObject *self) { return kr_str_new_ascii(PyUnicode_GET_LENGTH(self)); }

static PyObject *ascii_finish(PyObject *result) {
    if (PyUnicode_GET_LENGTH(result) > 1) return result;
    PyObject *shared = PyUnicode_GET_LENGTH(result) == 0 ? kr_str_empty() : kr_str_latin1(PyUnicode_READ_CHAR(result, 0));
    Py_DECREF(result);
    return Py_NewRef(shared);
}

/* The loops are for themselves and know no profile: the short texts of the training would keep them from being vectorised. */
#define ASCII_MAP(name, function)                                                                                      \
    static __attribute__((noinline, no_profile_instrument_function)) void name(const Py_UCS1 *restrict from,          \
                                                                               Py_UCS1 *restrict to, Py_ssize_t n) {   \
        for (Py_ssize_t i = 0; i < n; i++) to[i] = function(from[i]);                                                  \
    }
ASCII_MAP(all_lower, ascii_lower)
ASCII_MAP(all_upper, ascii_upper)
ASCII_MAP(all_swapped, ascii_swap)

static PyObject *map_ascii(PyObject *self, void (*map)(const Py_UCS1 *restrict, Py_UCS1 *restrict, Py_ssize_t)) {
    PyObject *result = ascii_result(self);
    if (result == NULL) return NULL;
    map(PyUnicode_1BYTE_DATA(self), PyUnicode_1BYTE_DATA(result), PyUnicode_GET_LENGTH(self));
    return ascii_finish(result);
}

/* ---- the methods ---- */

PyObject *kr_str_lower(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyUnicode_IS_ASCII(self)) return map_ascii(self, all_lower);
    return map_wide(self, map_lower);
}

PyObject *kr_str_upper(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyUnicode_IS_ASCII(self)) return map_ascii(self, all_upper);
    return map_wide(self, map_upper);
}

PyObject *kr_str_casefold(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyUnicode_IS_ASCII(self)) return map_ascii(self, all_lower);
    return map_wide(self, map_fold);
}

PyObject *kr_str_swapcase(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyUnicode_IS_ASCII(self)) return map_ascii(self, all_swapped);
    return map_wide(self, map_swap);
}

PyObject *kr_str_capitalize(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (PyUnicode_GET_LENGTH(self) == 0) return kr_str_unchanged(self);
    if (!PyUnicode_IS_ASCII(self)) return map_wide(self, map_capitalize);
    PyObject *result = kr_str_lower(self, NULL);
    if (result == NULL || PyUnicode_GET_LENGTH(result) == 1) {
        Py_XDECREF(result);
        return result == NULL ? NULL : Py_NewRef(kr_str_latin1(ascii_upper(PyUnicode_1BYTE_DATA(self)[0])));
    }
    Py_UCS1 *text = PyUnicode_1BYTE_DATA(result);
    text[0] = ascii_upper(text[0]);
    return result;
}

PyObject *kr_str_title(PyObject *self, PyObject *unused) {
    if (PyUnicode_READY(self) < 0) return NULL;
    if (!PyUnicode_IS_ASCII(self)) return map_wide(self, map_title);
    PyObject *result = ascii_result(self);
    if (result == NULL) return NULL;
    const Py_UCS1 *from = PyUnicode_1BYTE_DATA(self);
    Py_UCS1 *to = PyUnicode_1BYTE_DATA(result);
    int in_word = 0;
    for (Py_ssize_t i = 0, n = PyUnicode_GET_LENGTH(self); i < n; i++) {
        to[i] = in_word ? ascii_lower(from[i]) : ascii_upper(from[i]);
        in_word = (Py_UCS1)((from[i] | 32) - 'a') < 26;
    }
    return ascii_finish(result);
}
