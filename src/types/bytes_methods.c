/* Methods of bytes and bytearray: case, searching, trimming, padding, translating.
 *
 * Splitting, joining and replacing are in bytes_split.c.
 */
#include <Python.h>
#include <string.h>

#include "object/arguments.h"
#include "types/bytes_hex.h"
#include "types/bytes_internal.h"
#include "types/bytes_methods.h"
#include "types/bytes_search.h"

/* ---- results ---- */

PyObject *kr_bytes_allocate(PyObject *self, Py_ssize_t size, char **data) {
    if (PyBytes_Check(self)) {
        PyObject *result = PyBytes_FromStringAndSize(NULL, size);
        if (result != NULL) *data = PyBytes_AS_STRING(result);
        return result;
    }
    PyObject *result = PyByteArray_FromStringAndSize(NULL, size);
    if (result != NULL) *data = PyByteArray_AS_STRING(result);
    return result;
}

PyObject *kr_bytes_part(PyObject *self, Py_ssize_t start, Py_ssize_t size) {
    KrBytesView view = kr_bytes_view(self);
    if (PyBytes_CheckExact(self) && size == view.size) return Py_NewRef(self);
    if (PyBytes_Check(self)) return PyBytes_FromStringAndSize(view.data + start, size);
    return PyByteArray_FromStringAndSize(view.data + start, size);
}

/* ---- case ---- */

/* Builds a result of the same size with a function of each byte and whether it follows a letter. */
static inline PyObject *map_bytes(PyObject *self, int (*map)(int byte, int after_letter)) {
    KrBytesView view = kr_bytes_view(self);
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size, &output);
    if (result == NULL) return NULL;
    int after_letter = 0;
    for (Py_ssize_t i = 0; i < view.size; i++) {
        int byte = (unsigned char)view.data[i];
        output[i] = (char)map(byte, after_letter);
        after_letter = Py_ISALPHA(byte) != 0;
    }
    return result;
}

static inline int is_upper(int byte) { return byte >= 'A' && byte <= 'Z'; }
static inline int is_lower(int byte) { return byte >= 'a' && byte <= 'z'; }
static inline int to_lower(int byte, int after_letter) { return is_upper(byte) ? byte ^ 0x20 : byte; }
static inline int to_upper(int byte, int after_letter) { return is_lower(byte) ? byte ^ 0x20 : byte; }
static inline int swap_case(int byte, int after_letter) { return is_lower(byte) || is_upper(byte) ? byte ^ 0x20 : byte; }
static inline int to_title(int byte, int after_letter) { return after_letter ? to_lower(byte, 1) : to_upper(byte, 0); }

/* Like map_bytes, for functions that look at the byte alone: a loop that vectorises. */
static inline PyObject *map_each(PyObject *self, int (*map)(int byte, int after_letter)) {
    KrBytesView view = kr_bytes_view(self);
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size, &output);
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 0; i < view.size; i++) output[i] = (char)map((unsigned char)view.data[i], 0);
    return result;
}

PyObject *kr_bytes_method_lower(PyObject *self, PyObject *unused) { return map_each(self, to_lower); }
PyObject *kr_bytes_method_upper(PyObject *self, PyObject *unused) { return map_each(self, to_upper); }
PyObject *kr_bytes_method_swapcase(PyObject *self, PyObject *unused) { return map_each(self, swap_case); }
PyObject *kr_bytes_method_title(PyObject *self, PyObject *unused) { return map_bytes(self, to_title); }

PyObject *kr_bytes_method_capitalize(PyObject *self, PyObject *unused) {
    KrBytesView view = kr_bytes_view(self);
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size, &output);
    if (result == NULL || view.size == 0) return result;
    output[0] = (char)to_upper((unsigned char)view.data[0], 0);
    for (Py_ssize_t i = 1; i < view.size; i++) output[i] = (char)to_lower((unsigned char)view.data[i], 0);
    return result;
}

/* True if there is a byte and all have one of the properties in `flags`. */
static PyObject *all_have(PyObject *self, unsigned flags) {
    KrBytesView view = kr_bytes_view(self);
    for (Py_ssize_t i = 0; i < view.size; i++) {
        if (!(_Py_ctype_table[(unsigned char)view.data[i]] & flags)) Py_RETURN_FALSE;
    }
    return PyBool_FromLong(view.size > 0);
}

PyObject *kr_bytes_method_isspace(PyObject *self, PyObject *unused) { return all_have(self, PY_CTF_SPACE); }
PyObject *kr_bytes_method_isalpha(PyObject *self, PyObject *unused) { return all_have(self, PY_CTF_ALPHA); }
PyObject *kr_bytes_method_isdigit(PyObject *self, PyObject *unused) { return all_have(self, PY_CTF_DIGIT); }
PyObject *kr_bytes_method_isalnum(PyObject *self, PyObject *unused) { return all_have(self, PY_CTF_ALNUM); }

PyObject *kr_bytes_method_isascii(PyObject *self, PyObject *unused) {
    KrBytesView view = kr_bytes_view(self);
    return PyBool_FromLong(kr_ascii_prefix(view.data, view.size) == view.size);
}

/* True if there is a letter of the wanted case and none of the other. */
static PyObject *all_letters_are(PyObject *self, int (*wanted)(int), int (*unwanted)(int)) {
    KrBytesView view = kr_bytes_view(self);
    int found = 0;
    for (Py_ssize_t i = 0; i < view.size; i++) {
        int byte = (unsigned char)view.data[i];
        if (unwanted(byte)) Py_RETURN_FALSE;
        found |= wanted(byte);
    }
    return PyBool_FromLong(found);
}

PyObject *kr_bytes_method_islower(PyObject *self, PyObject *unused) { return all_letters_are(self, is_lower, is_upper); }
PyObject *kr_bytes_method_isupper(PyObject *self, PyObject *unused) { return all_letters_are(self, is_upper, is_lower); }

PyObject *kr_bytes_method_istitle(PyObject *self, PyObject *unused) {
    KrBytesView view = kr_bytes_view(self);
    int found = 0, after_letter = 0;
    for (Py_ssize_t i = 0; i < view.size; i++) {
        int byte = (unsigned char)view.data[i];
        int is_letter = is_upper(byte) || is_lower(byte);
        if (is_letter && is_upper(byte) == after_letter) Py_RETURN_FALSE;
        found |= is_letter;
        after_letter = is_letter;
    }
    return PyBool_FromLong(found);
}

/* ---- searching ---- */

/* What a search method looks for: a byte, or the contents of a bytes-like object. */
typedef struct {
    Py_buffer buffer; /* holds nothing if `obj` is NULL */
    char byte;
    const char *data;
    Py_ssize_t size;
} Needle;

static int needle_take(Needle *needle, PyObject *object) {
    needle->buffer.obj = NULL;
    if (PyObject_CheckBuffer(object)) {
        if (PyObject_GetBuffer(object, &needle->buffer, PyBUF_SIMPLE) < 0) return -1;
        needle->data = needle->buffer.buf;
        needle->size = needle->buffer.len;
        return 0;
    }
    if (!PyIndex_Check(object)) {
        PyErr_Format(PyExc_TypeError, "argument should be integer or bytes-like object, not '%.200s'",
                     Py_TYPE(object)->tp_name);
        return -1;
    }
    Py_ssize_t value = PyNumber_AsSsize_t(object, NULL);
    if (value == -1 && PyErr_Occurred()) return -1;
    if (value < 0 || value > 255) {
        PyErr_SetString(PyExc_ValueError, "byte must be in range(0, 256)");
        return -1;
    }
    needle->byte = (char)value;
    needle->data = &needle->byte;
    needle->size = 1;
    return 0;
}

static void needle_release(Needle *needle) {
    if (needle->buffer.obj != NULL) PyBuffer_Release(&needle->buffer);
}

/* Checks the number of arguments of METHOD(sub[, start[, end]]) and reads the bounds, which are not clipped yet. */
static int parse_bounds(const char *method, PyObject *const *args, Py_ssize_t count, Py_ssize_t *start, Py_ssize_t *end) {
    if (count < 1 || count > 3) {
        PyErr_Format(PyExc_TypeError, "%s() takes at %s %d argument%s (%zd given)", method, count < 1 ? "least" : "most",
                     count < 1 ? 1 : 3, count < 1 ? "" : "s", count);
        return -1;
    }
    *start = 0;
    *end = PY_SSIZE_T_MAX;
    if (count > 1 && !_PyEval_SliceIndex(args[1], start)) return -1;
    if (count > 2 && !_PyEval_SliceIndex(args[2], end)) return -1;
    return 0;
}

static void clip_bounds(Py_ssize_t *start, Py_ssize_t *end, Py_ssize_t size) {
    if (*end > size) {
        *end = size;
    } else if (*end < 0) {
        *end += size;
        if (*end < 0) *end = 0;
    }
    if (*start < 0) {
        *start += size;
        if (*start < 0) *start = 0;
    }
}

/* Does the work of find() and its relatives. Returns the index, -1 if there is none, -2 with an exception. */
static Py_ssize_t find(const char *method, PyObject *self, PyObject *const *args, Py_ssize_t count, int reverse) {
    Py_ssize_t start, end;
    Needle needle;
    if (parse_bounds(method, args, count, &start, &end) < 0 || needle_take(&needle, args[0]) < 0) return -2;
    KrBytesView view = kr_bytes_view(self);
    clip_bounds(&start, &end, view.size);
    Py_ssize_t found = -1;
    if (end - start >= needle.size) {
        found = reverse ? _PyBytes_ReverseFind(view.data + start, end - start, needle.data, needle.size, start)
                        : _PyBytes_Find(view.data + start, end - start, needle.data, needle.size, start);
    }
    needle_release(&needle);
    return found;
}

static PyObject *find_result(Py_ssize_t found, int must_exist) {
    if (found == -2) return NULL;
    if (found == -1 && must_exist) {
        PyErr_SetString(PyExc_ValueError, "subsection not found");
        return NULL;
    }
    return PyLong_FromSsize_t(found);
}

PyObject *kr_bytes_method_find(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return find_result(find("find", self, args, count, 0), 0);
}

PyObject *kr_bytes_method_index(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return find_result(find("index", self, args, count, 0), 1);
}

PyObject *kr_bytes_method_rfind(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return find_result(find("rfind", self, args, count, 1), 0);
}

PyObject *kr_bytes_method_rindex(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return find_result(find("rindex", self, args, count, 1), 1);
}

PyObject *kr_bytes_method_count(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t start, end, result = 0;
    Needle needle;
    if (parse_bounds("count", args, count, &start, &end) < 0 || needle_take(&needle, args[0]) < 0) return NULL;
    KrBytesView view = kr_bytes_view(self);
    clip_bounds(&start, &end, view.size);
    if (end >= start)
        result = kr_bytes_count(view.data + start, end - start, needle.data, needle.size, PY_SSIZE_T_MAX);
    needle_release(&needle);
    return PyLong_FromSsize_t(result);
}

int kr_bytes_contains(PyObject *self, PyObject *item) {
    Py_ssize_t value = PyNumber_AsSsize_t(item, NULL);
    if (value == -1 && PyErr_Occurred()) {
        Py_buffer buffer;
        PyErr_Clear();
        if (PyObject_GetBuffer(item, &buffer, PyBUF_SIMPLE) < 0) return -1;
        KrBytesView view = kr_bytes_view(self);
        int found = kr_bytes_search(view.data, view.size, buffer.buf, buffer.len) >= 0;
        PyBuffer_Release(&buffer);
        return found;
    }
    if (value < 0 || value > 255) {
        PyErr_SetString(PyExc_ValueError, "byte must be in range(0, 256)");
        return -1;
    }
    KrBytesView view = kr_bytes_view(self);
    return view.size > 0 && memchr(view.data, (int)value, view.size) != NULL;
}

/* Does self[start:end] start or end with an affix? 1, 0, or -1 with an exception. */
static int has_affix(PyObject *self, PyObject *affix, Py_ssize_t start, Py_ssize_t end, int at_end) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(affix, &buffer, PyBUF_SIMPLE) < 0) return -1;
    KrBytesView view = kr_bytes_view(self);
    clip_bounds(&start, &end, view.size);
    int result = 0;
    if (start <= view.size && end - start >= buffer.len) {
        Py_ssize_t position = at_end ? end - buffer.len : start;
        result = memcmp(view.data + position, buffer.buf, buffer.len) == 0;
    }
    PyBuffer_Release(&buffer);
    return result;
}

static PyObject *test_affix(const char *method, PyObject *self, PyObject *const *args, Py_ssize_t count, int at_end) {
    Py_ssize_t start, end;
    if (parse_bounds(method, args, count, &start, &end) < 0) return NULL;
    if (PyTuple_Check(args[0])) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args[0]); i++) {
            int result = has_affix(self, PyTuple_GET_ITEM(args[0], i), start, end, at_end);
            if (result != 0) return result < 0 ? NULL : Py_NewRef(Py_True);
        }
        Py_RETURN_FALSE;
    }
    int result = has_affix(self, args[0], start, end, at_end);
    if (result >= 0) return PyBool_FromLong(result);
    if (PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "%s first arg must be bytes or a tuple of bytes, not %s", method,
                     Py_TYPE(args[0])->tp_name);
    return NULL;
}

PyObject *kr_bytes_method_startswith(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return test_affix("startswith", self, args, count, 0);
}

PyObject *kr_bytes_method_endswith(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return test_affix("endswith", self, args, count, 1);
}

/* ---- trimming ---- */

PyObject *kr_bytes_method_removeprefix(PyObject *self, PyObject *argument) {
    Py_buffer prefix;
    if (PyObject_GetBuffer(argument, &prefix, PyBUF_SIMPLE) < 0) return NULL;
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t cut = 0;
    if (prefix.len > 0 && view.size >= prefix.len && memcmp(view.data, prefix.buf, prefix.len) == 0) cut = prefix.len;
    PyBuffer_Release(&prefix);
    return kr_bytes_part(self, cut, view.size - cut);
}

PyObject *kr_bytes_method_removesuffix(PyObject *self, PyObject *argument) {
    Py_buffer suffix;
    if (PyObject_GetBuffer(argument, &suffix, PyBUF_SIMPLE) < 0) return NULL;
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t rest = view.size;
    if (suffix.len > 0 && rest >= suffix.len && memcmp(view.data + rest - suffix.len, suffix.buf, suffix.len) == 0)
        rest -= suffix.len;
    PyBuffer_Release(&suffix);
    return kr_bytes_part(self, 0, rest);
}

typedef enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 } StripSides;

/* Removes bytes for which remove[byte] is set. */
static PyObject *strip_members(PyObject *self, const unsigned char *remove, int sides) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t start = 0, end = view.size;
    if (sides & STRIP_LEFT)
        while (start < end && remove[(unsigned char)view.data[start]]) start++;
    if (sides & STRIP_RIGHT)
        while (end > start && remove[(unsigned char)view.data[end - 1]]) end--;
    return kr_bytes_part(self, start, end - start);
}

static const unsigned char whitespace[256] = {['\t'] = 1, ['\n'] = 1, ['\v'] = 1, ['\f'] = 1, ['\r'] = 1, [' '] = 1};

static PyObject *strip(const char *method, PyObject *self, PyObject *const *args, Py_ssize_t count, int sides) {
    if (!_PyArg_CheckPositional(method, count, 0, 1)) return NULL;
    if (count == 0 || args[0] == Py_None) return strip_members(self, whitespace, sides);
    Py_buffer set;
    unsigned char remove[256] = {0};
    if (PyObject_GetBuffer(args[0], &set, PyBUF_SIMPLE) < 0) return NULL;
    for (Py_ssize_t i = 0; i < set.len; i++) remove[((const unsigned char *)set.buf)[i]] = 1;
    PyBuffer_Release(&set);
    return strip_members(self, remove, sides);
}

PyObject *kr_bytes_method_strip(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return strip("strip", self, args, count, STRIP_LEFT | STRIP_RIGHT);
}

PyObject *kr_bytes_method_lstrip(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return strip("lstrip", self, args, count, STRIP_LEFT);
}

PyObject *kr_bytes_method_rstrip(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    return strip("rstrip", self, args, count, STRIP_RIGHT);
}

/* ---- padding ---- */

static PyObject *pad(PyObject *self, Py_ssize_t left, Py_ssize_t right, char fill) {
    KrBytesView view = kr_bytes_view(self);
    if (left < 0) left = 0;
    if (right < 0) right = 0;
    if (left == 0 && right == 0) return kr_bytes_part(self, 0, view.size);
    char *output;
    PyObject *result = kr_bytes_allocate(self, left + view.size + right, &output);
    if (result == NULL) return NULL;
    memset(output, fill, left);
    memcpy(output + left, view.data, view.size);
    memset(output + left + view.size, fill, right);
    return result;
}

/* Reads (width, fillchar=b' '). */
static int parse_padding(const char *method, PyObject *const *args, Py_ssize_t count, Py_ssize_t *width, char *fill) {
    *fill = ' ';
    if (!_PyArg_CheckPositional(method, count, 1, 2)) return -1;
    if (kr_ssize_argument(args[0], width) < 0) return -1;
    if (count < 2) return 0;
    if (PyBytes_Check(args[1]) && PyBytes_GET_SIZE(args[1]) == 1) {
        *fill = PyBytes_AS_STRING(args[1])[0];
    } else if (PyByteArray_Check(args[1]) && PyByteArray_GET_SIZE(args[1]) == 1) {
        *fill = PyByteArray_AS_STRING(args[1])[0];
    } else {
        _PyArg_BadArgument(method, "argument 2", "a byte string of length 1", args[1]);
        return -1;
    }
    return 0;
}

/* How many bytes the width asks for beyond those there are; any width is allowed. */
static Py_ssize_t missing(PyObject *self, Py_ssize_t width) { return width > Py_SIZE(self) ? width - Py_SIZE(self) : 0; }

PyObject *kr_bytes_method_ljust(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t width;
    char fill;
    if (parse_padding("ljust", args, count, &width, &fill) < 0) return NULL;
    return pad(self, 0, missing(self, width), fill);
}

PyObject *kr_bytes_method_rjust(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t width;
    char fill;
    if (parse_padding("rjust", args, count, &width, &fill) < 0) return NULL;
    return pad(self, missing(self, width), 0, fill);
}

PyObject *kr_bytes_method_center(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t width;
    char fill;
    if (parse_padding("center", args, count, &width, &fill) < 0) return NULL;
    Py_ssize_t margin = missing(self, width);
    if (margin <= 0) return pad(self, 0, 0, fill);
    /* An odd margin gives the left side more if the width is odd. */
    Py_ssize_t left = margin / 2 + (margin & width & 1);
    return pad(self, left, margin - left, fill);
}

PyObject *kr_bytes_method_zfill(PyObject *self, PyObject *argument) {
    Py_ssize_t width;
    if (kr_ssize_argument(argument, &width) < 0) return NULL;
    Py_ssize_t zeros = missing(self, width);
    PyObject *result = pad(self, zeros, 0, '0');
    if (result == NULL || zeros <= 0) return result;
    char *output = (char *)kr_bytes_view(result).data;
    if (Py_SIZE(result) > zeros && (output[zeros] == '+' || output[zeros] == '-')) {
        output[0] = output[zeros];
        output[zeros] = '0';
    }
    return result;
}

/* Returns the size of self with tabs expanded, or -1 with OverflowError. */
static Py_ssize_t expanded_size(KrBytesView view, Py_ssize_t tab_size) {
    Py_ssize_t size = 0, column = 0;
    for (Py_ssize_t i = 0; i < view.size; i++) {
        char byte = view.data[i];
        Py_ssize_t step = 1;
        if (byte == '\t') {
            step = tab_size > 0 ? tab_size - column % tab_size : 0;
            if (column > PY_SSIZE_T_MAX - step) goto overflow;
            column += step;
        } else {
            column = byte == '\n' || byte == '\r' ? 0 : column + 1;
        }
        if (size > PY_SSIZE_T_MAX - step) goto overflow;
        size += step;
    }
    return size;
overflow:
    PyErr_SetString(PyExc_OverflowError, "result too long");
    return -1;
}

PyObject *kr_bytes_method_expandtabs(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"tabsize", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "expandtabs"};
    PyObject *values[1] = {NULL};
    int tab_size = 8;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 1, 0, values);
    if (args == NULL) return NULL;
    PyObject *tab_size_object = kr_optional_argument(args, count, kwnames, 0);
    if (tab_size_object != NULL) {
        tab_size = _PyLong_AsInt(tab_size_object);
        if (tab_size == -1 && PyErr_Occurred()) return NULL;
    }
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t size = expanded_size(view, tab_size), column = 0;
    if (size < 0) return NULL;
    char *output;
    PyObject *result = kr_bytes_allocate(self, size, &output);
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 0; i < view.size; i++) {
        char byte = view.data[i];
        if (byte == '\t') {
            Py_ssize_t step = tab_size > 0 ? tab_size - column % tab_size : 0;
            memset(output, ' ', step);
            output += step;
            column += step;
        } else {
            *output++ = byte;
            column = byte == '\n' || byte == '\r' ? 0 : column + 1;
        }
    }
    return result;
}

/* ---- translating, converting ---- */

const char kr_bytes_maketrans_doc[] =
    "maketrans(frm, to, /)\n--\n\nA table for translate() that maps each byte of frm to the one at its place in to.";

PyObject *kr_bytes_maketrans(PyObject *unused, PyObject *const *args, Py_ssize_t count) {
    Py_buffer from, to;
    PyObject *table = NULL;
    if (!_PyArg_CheckPositional("maketrans", count, 2, 2)) return NULL;
    if (PyObject_GetBuffer(args[0], &from, PyBUF_SIMPLE) < 0) return NULL;
    if (PyObject_GetBuffer(args[1], &to, PyBUF_SIMPLE) < 0) {
        PyBuffer_Release(&from);
        return NULL;
    }
    if (from.len != to.len) {
        PyErr_SetString(PyExc_ValueError, "maketrans arguments must have same length");
        goto done;
    }
    table = PyBytes_FromStringAndSize(NULL, 256);
    if (table == NULL) goto done;
    unsigned char *output = (unsigned char *)PyBytes_AS_STRING(table);
    for (int i = 0; i < 256; i++) output[i] = (unsigned char)i;
    for (Py_ssize_t i = 0; i < from.len; i++)
        output[((const unsigned char *)from.buf)[i]] = ((const unsigned char *)to.buf)[i];
done:
    PyBuffer_Release(&to);
    PyBuffer_Release(&from);
    return table;
}

/* Translates without deleting; `table` has 256 bytes. */
static PyObject *translate_all(PyObject *self, const unsigned char *table) {
    KrBytesView view = kr_bytes_view(self);
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size, &output);
    if (result == NULL) return NULL;
    int changed = 0;
    for (Py_ssize_t i = 0; i < view.size; i++) {
        output[i] = (char)table[(unsigned char)view.data[i]];
        changed |= output[i] != view.data[i];
    }
    if (!changed && PyBytes_CheckExact(self)) {
        Py_DECREF(result);
        return Py_NewRef(self);
    }
    return result;
}

/* Translates and deletes the bytes for which discard[byte] is set; `table` is NULL or has 256 bytes. */
static PyObject *translate_some(PyObject *self, const unsigned char *table, const unsigned char *discard) {
    KrBytesView view = kr_bytes_view(self);
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size, &output);
    if (result == NULL) return NULL;
    Py_ssize_t size = 0;
    int changed = 0;
    for (Py_ssize_t i = 0; i < view.size; i++) {
        unsigned char byte = (unsigned char)view.data[i];
        if (discard[byte]) continue;
        unsigned char mapped = table != NULL ? table[byte] : byte;
        output[size++] = (char)mapped;
        changed |= mapped != byte;
    }
    if (size == view.size && !changed && PyBytes_CheckExact(self)) {
        Py_DECREF(result);
        return Py_NewRef(self);
    }
    if (size == view.size) return result;
    if (PyBytes_Check(self)) {
        _PyBytes_Resize(&result, size);
    } else if (PyByteArray_Resize(result, size) < 0) {
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *translate(PyObject *self, PyObject *table_object, PyObject *delete) {
    Py_buffer table = {.obj = NULL}, deleted = {.obj = NULL};
    PyObject *result = NULL;
    if (table_object != Py_None) {
        if (PyObject_GetBuffer(table_object, &table, PyBUF_SIMPLE) < 0) return NULL;
        if (table.len != 256) {
            PyErr_SetString(PyExc_ValueError, "translation table must be 256 characters long");
            goto done;
        }
    }
    if (delete != NULL && PyObject_GetBuffer(delete, &deleted, PyBUF_SIMPLE) < 0) goto done;
    if (deleted.obj == NULL || deleted.len == 0) {
        result = table.obj != NULL ? translate_all(self, table.buf) : kr_bytes_part(self, 0, Py_SIZE(self));
        goto done;
    }
    unsigned char discard[256] = {0};
    for (Py_ssize_t i = 0; i < deleted.len; i++) discard[((const unsigned char *)deleted.buf)[i]] = 1;
    result = translate_some(self, table.obj != NULL ? table.buf : NULL, discard);
done:
    if (deleted.obj != NULL) PyBuffer_Release(&deleted);
    if (table.obj != NULL) PyBuffer_Release(&table);
    return result;
}

PyObject *kr_bytes_method_translate(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"", "delete", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "translate"};
    PyObject *values[2] = {NULL};
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 2, 0, values);
    return args == NULL ? NULL : translate(self, args[0], kr_optional_argument(args, count, kwnames, 1));
}

/* Checks a str argument of decode() and stores its UTF-8 text. */
static int text_argument(PyObject *object, const char *label, const char **text) {
    Py_ssize_t size;
    if (!PyUnicode_Check(object)) {
        _PyArg_BadArgument("decode", label, "str", object);
        return -1;
    }
    *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (*text == NULL) return -1;
    if (strlen(*text) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return -1;
    }
    return 0;
}

PyObject *kr_bytes_method_decode(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"encoding", "errors", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "decode"};
    PyObject *values[2] = {NULL};
    const char *encoding = NULL, *errors = NULL;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 2, 0, values);
    if (args == NULL) return NULL;
    PyObject *encoding_object = kr_optional_argument(args, count, kwnames, 0);
    PyObject *errors_object = kr_optional_argument(args, count, kwnames, 1);
    if (encoding_object != NULL && text_argument(encoding_object, "argument 'encoding'", &encoding) < 0) return NULL;
    if (errors_object != NULL && text_argument(errors_object, "argument 'errors'", &errors) < 0) return NULL;
    return PyUnicode_FromEncodedObject(self, encoding, errors);
}

PyObject *kr_bytes_method_hex(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    KrHexArguments parsed;
    if (kr_bytes_parse_hex(args, count, kwnames, &parsed) < 0) return NULL;
    KrBytesView view = kr_bytes_view(self);
    return _Py_strhex_with_sep(view.data, view.size, parsed.sep, parsed.group);
}

int kr_bytes_parse_hex(PyObject *const *args, Py_ssize_t count, PyObject *kwnames, KrHexArguments *parsed) {
    static const char *const keywords[] = {"sep", "bytes_per_sep", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "hex"};
    PyObject *values[2] = {NULL};
    *parsed = (KrHexArguments){NULL, 1};
    if (count == 0 && kwnames == NULL) return 0;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 2, 0, values);
    if (args == NULL) return -1;
    parsed->sep = kr_optional_argument(args, count, kwnames, 0);
    PyObject *group = kr_optional_argument(args, count, kwnames, 1);
    if (group != NULL) {
        parsed->group = _PyLong_AsInt(group);
        if (parsed->group == -1 && PyErr_Occurred()) return -1;
    }
    return 0;
}

/* ---- shared by both types ---- */

int kr_bytes_value(PyObject *object, int *value) {
    Py_ssize_t number;
    if (PyLong_CheckExact(object)) {
        int overflow;
        long small = PyLong_AsLongAndOverflow(object, &overflow);
        number = overflow ? -1 : small;
    } else {
        PyObject *index = PyNumber_Index(object);
        if (index == NULL) return 0;
        int overflow;
        long small = PyLong_AsLongAndOverflow(index, &overflow);
        number = overflow ? -1 : small;
        Py_DECREF(index);
    }
    if (number < 0 || number >= 256) {
        PyErr_SetString(PyExc_ValueError, "byte must be in range(0, 256)");
        return 0;
    }
    *value = (int)number;
    return 1;
}

void _PyBytes_Repeat(char *output, Py_ssize_t size, const char *pattern, Py_ssize_t pattern_size) {
    if (size == 0) return;
    if (pattern_size == 1) {
        memset(output, pattern[0], size);
        return;
    }
    if (output != pattern) memcpy(output, pattern, pattern_size);
    Py_ssize_t done = pattern_size;
    while (done < size) {
        Py_ssize_t step = done < size - done ? done : size - done;
        memcpy(output + done, output, step);
        done += step;
    }
}

PyObject *kr_bytes_compare(PyObject *left, PyObject *right, int operation) {
    if (!PyObject_CheckBuffer(left) || !PyObject_CheckBuffer(right)) {
        if (Py_BytesWarningFlag && (operation == Py_EQ || operation == Py_NE) &&
            (PyUnicode_Check(left) || PyUnicode_Check(right)) &&
            PyErr_WarnEx(PyExc_BytesWarning, "Comparison between bytearray and string", 1))
            return NULL;
        Py_RETURN_NOTIMPLEMENTED;
    }
    Py_buffer a, b;
    if (PyObject_GetBuffer(left, &a, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        Py_RETURN_NOTIMPLEMENTED;
    }
    if (PyObject_GetBuffer(right, &b, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        PyBuffer_Release(&a);
        Py_RETURN_NOTIMPLEMENTED;
    }
    int result;
    if (a.len != b.len && (operation == Py_EQ || operation == Py_NE)) {
        result = operation == Py_NE;
    } else {
        int order = memcmp(a.buf, b.buf, a.len < b.len ? a.len : b.len);
        if (order == 0) order = (a.len > b.len) - (a.len < b.len);
        result = kr_compare_result(order, operation);
    }
    PyBuffer_Release(&b);
    PyBuffer_Release(&a);
    return PyBool_FromLong(result);
}

/* The letter that follows the backslash of a short escape, or 0 if the byte has none. */
static inline unsigned char short_escape(unsigned char byte, unsigned char quote, int escape_single) {
    switch (byte) {
        case '\\': return byte;
        case '\t': return 't';
        case '\n': return 'n';
        case '\r': return 'r';
        case '\'': return quote == byte || escape_single ? byte : 0;
        case '"': return quote == byte ? byte : 0;
        default: return 0;
    }
}

static unsigned char *write_escaped(unsigned char *output, unsigned char byte, unsigned char quote, int escape_single) {
    unsigned char letter = short_escape(byte, quote, escape_single);
    if (letter != 0) {
        *output++ = '\\';
        *output++ = letter;
    } else if (byte < ' ' || byte >= 0x7f) {
        *output++ = '\\';
        *output++ = 'x';
        *output++ = (unsigned char)Py_hexdigits[byte >> 4];
        *output++ = (unsigned char)Py_hexdigits[byte & 15];
    } else {
        *output++ = byte;
    }
    return output;
}

PyObject *kr_bytes_repr(KrBytesView view, KrBytesReprStyle style) {
    size_t prefix_size = strlen(style.prefix), suffix_size = strlen(style.suffix);
    Py_ssize_t around = (Py_ssize_t)(prefix_size + suffix_size) + 2, extra = 0;
    unsigned char quote = '\'';
    if (style.smart_quotes && memchr(view.data, '\'', view.size) && !memchr(view.data, '"', view.size)) quote = '"';
    for (Py_ssize_t i = 0; i < view.size; i++) {
        unsigned char byte = (unsigned char)view.data[i];
        if (short_escape(byte, quote, style.escape_single)) extra++;
        else if (byte < ' ' || byte >= 0x7f) extra += 3;
        if (extra > PY_SSIZE_T_MAX - around - view.size) {
            PyErr_SetString(PyExc_OverflowError, "bytes object is too large to make repr");
            return NULL;
        }
    }
    PyObject *text = PyUnicode_New(around + view.size + extra, 127);
    if (text == NULL) return NULL;
    unsigned char *output = PyUnicode_1BYTE_DATA(text);
    memcpy(output, style.prefix, prefix_size);
    output += prefix_size;
    *output++ = quote;
    if (extra == 0) {
        memcpy(output, view.data, view.size);
        output += view.size;
    } else {
        for (Py_ssize_t i = 0; i < view.size; i++)
            output = write_escaped(output, (unsigned char)view.data[i], quote, style.escape_single);
    }
    *output++ = quote;
    memcpy(output, style.suffix, suffix_size);
    return text;
}

Py_ssize_t kr_ascii_prefix(const char *data, Py_ssize_t size) {
    const char *start = data, *end = data + size;
    while (end - data >= 32) {
        uint64_t words[4];
        memcpy(words, data, sizeof words);
        if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080) break;
        data += 32;
    }
    while (end - data >= 8) {
        uint64_t word;
        memcpy(&word, data, sizeof word);
        word &= 0x8080808080808080;
        if (word != 0) return data - start + __builtin_ctzll(word) / 8;
        data += 8;
    }
    while (data < end && (unsigned char)*data < 128) data++;
    return data - start;
}
