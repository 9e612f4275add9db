/* Thousands separators in numbers, by the grouping rules of the C locale. */
#include <Python.h>

#include "types/str/str.h"

/* Walks over the group sizes that a lconv.grouping string gives, from the right. */
typedef struct {
    const char *next;
    Py_ssize_t size; /* the last group's size; 0: all other digits belong to one group */
} Groups;

static Py_ssize_t next_group(Groups *groups) {
    if (*groups->next == CHAR_MAX) {
        groups->size = 0;
    } else if (*groups->next != 0) {
        groups->size = (unsigned char)*groups->next++;
    }
    return groups->size;
}

/* Where the characters go: from the end of the text to its start. */
typedef struct {
    _PyUnicodeWriter *writer; /* NULL to count only */
    Py_ssize_t at;            /* place in the writer's buffer behind the next character */
    PyObject *digits;
    Py_ssize_t digits_end; /* digits from here on are written */
    PyObject *separator;
    Py_ssize_t count;
} Output;

static void put_separator(Output *out) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(out->separator);
    out->count += length;
    if (out->writer == NULL) return;
    out->at -= length;
    _PyUnicode_FastCopyCharacters(out->writer->buffer, out->at, out->separator, 0, length);
}

/* Writes a group: `digits` of the number, and zeros to its left. */
static void put_group(Output *out, Py_ssize_t zeros, Py_ssize_t digits) {
    out->count += zeros + digits;
    if (out->writer == NULL) return;
    out->at -= digits;
    out->digits_end -= digits;
    if (digits > 0)
        _PyUnicode_FastCopyCharacters(out->writer->buffer, out->at, out->digits, out->digits_end, digits);
    out->at -= zeros;
    kr_str_fill(out->writer->kind, out->writer->data, out->at, zeros, '0');
}

/* Writes `n_digits` characters of `digits` from `d_pos` on, with separators between groups and zeros on the left up to
 * `min_width` characters, into the `n_buffer` characters behind the writer's position, from the right; with a NULL writer
 * it only counts, and raises *maxchar for what will be written. Returns the number of characters, or -1. */
Py_ssize_t _PyUnicode_InsertThousandsGrouping(_PyUnicodeWriter *writer, Py_ssize_t n_buffer, PyObject *digits,
                                              Py_ssize_t d_pos, Py_ssize_t n_digits, Py_ssize_t min_width,
                                              const char *grouping, PyObject *thousands_sep, Py_UCS4 *maxchar) {
    min_width = Py_MAX(min_width, 0);
    Groups groups = {grouping, 0};
    Output out = {writer, writer == NULL ? 0 : writer->pos + n_buffer, digits, d_pos + n_digits, thousands_sep, 0};
    Py_ssize_t separator_length = PyUnicode_GET_LENGTH(thousands_sep), left = n_digits;
    int has_separator = 0;
    for (;;) {
        Py_ssize_t rest = Py_MAX(Py_MAX(left, min_width), 1), size = next_group(&groups);
        int is_last = size == 0;
        if (is_last || size > rest) size = rest;
        Py_ssize_t from_number = Py_MIN(left, size);
        if (has_separator) put_separator(&out);
        put_group(&out, size - from_number, from_number);
        left -= from_number;
        min_width -= size;
        if (is_last || (left <= 0 && min_width <= 0)) break;
        has_separator = 1;
        min_width -= separator_length;
    }
    if (writer == NULL && has_separator) {
        Py_UCS4 separator_max = PyUnicode_MAX_CHAR_VALUE(thousands_sep);
        *maxchar = Py_MAX(*maxchar, separator_max);
    }
    return out.count;
}
