/* Methods of bytes and bytearray that take sequences apart and put them together. */
#include <Python.h>
#include <string.h>

#include "object/arguments.h"
#include "types/bytes_internal.h"
#include "types/bytes_methods.h"
#include "types/bytes_search.h"

/* ---- splitting ---- */

/* Appends self[start:start + size] to a list. Returns 0 or -1. */
static int append_part(PyObject *list, PyObject *self, Py_ssize_t start, Py_ssize_t size) {
    PyObject *part = kr_bytes_part(self, start, size);
    if (part == NULL) return -1;
    int result = PyList_Append(list, part);
    Py_DECREF(part);
    return result;
}

static inline int is_space(char byte) { return Py_ISSPACE((unsigned char)byte) != 0; }

static int split_whitespace(PyObject *self, PyObject *list, Py_ssize_t limit) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t i = 0;
    for (;;) {
        while (i < view.size && is_space(view.data[i])) i++;
        if (i == view.size) return 0;
        /* Where the limit ends the splitting, whitespace at the end stays. */
        if (limit-- == 0) return append_part(list, self, i, view.size - i);
        Py_ssize_t start = i;
        while (i < view.size && !is_space(view.data[i])) i++;
        if (append_part(list, self, start, i - start) < 0) return -1;
    }
}

static int split_whitespace_reverse(PyObject *self, PyObject *list, Py_ssize_t limit) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t i = view.size;
    for (;;) {
        while (i > 0 && is_space(view.data[i - 1])) i--;
        if (i == 0) return 0;
        if (limit-- == 0) return append_part(list, self, 0, i);
        Py_ssize_t end = i;
        while (i > 0 && !is_space(view.data[i - 1])) i--;
        if (append_part(list, self, i, end - i) < 0) return -1;
    }
}

static int split_separator(PyObject *self, PyObject *list, const char *separator, Py_ssize_t size, Py_ssize_t limit) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t start = 0;
    while (limit-- > 0) {
        Py_ssize_t found = kr_bytes_search(view.data + start, view.size - start, separator, size);
        if (found < 0) break;
        if (append_part(list, self, start, found) < 0) return -1;
        start += found + size;
    }
    return append_part(list, self, start, view.size - start);
}

static int split_separator_reverse(PyObject *self, PyObject *list, const char *separator, Py_ssize_t size,
                                   Py_ssize_t limit) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t end = view.size;
    while (limit-- > 0) {
        Py_ssize_t found = kr_bytes_search_reverse(view.data, end, separator, size);
        if (found < 0) break;
        if (append_part(list, self, found + size, end - found - size) < 0) return -1;
        end = found;
    }
    return append_part(list, self, 0, end);
}

static int split_into(PyObject *self, PyObject *list, PyObject *separator, Py_ssize_t limit, int reverse) {
    if (separator == NULL || separator == Py_None)
        return reverse ? split_whitespace_reverse(self, list, limit) : split_whitespace(self, list, limit);
    Py_buffer buffer;
    if (PyObject_GetBuffer(separator, &buffer, PyBUF_SIMPLE) < 0) return -1;
    int result = -1;
    if (buffer.len == 0)
        PyErr_SetString(PyExc_ValueError, "empty separator");
    else if (reverse)
        result = split_separator_reverse(self, list, buffer.buf, buffer.len, limit);
    else
        result = split_separator(self, list, buffer.buf, buffer.len, limit);
    PyBuffer_Release(&buffer);
    return result;
}

static PyObject *split(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames,
                       _PyArg_Parser *parser, int reverse) {
    PyObject *values[2] = {NULL};
    Py_ssize_t limit = -1;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, parser, 0, 2, 0, values);
    if (args == NULL) return NULL;
    PyObject *separator = kr_optional_argument(args, count, kwnames, 0);
    PyObject *limit_object = kr_optional_argument(args, count, kwnames, 1);
    if (limit_object != NULL && kr_ssize_argument(limit_object, &limit) < 0) return NULL;
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    if (split_into(self, list, separator, limit < 0 ? PY_SSIZE_T_MAX : limit, reverse) < 0 ||
        (reverse && PyList_Reverse(list) < 0))
        Py_CLEAR(list);
    return list;
}

static const char *const split_keywords[] = {"sep", "maxsplit", NULL};

PyObject *kr_bytes_method_split(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = split_keywords, .fname = "split"};
    return split(self, args, count, kwnames, &parser, 0);
}

PyObject *kr_bytes_method_rsplit(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = split_keywords, .fname = "rsplit"};
    return split(self, args, count, kwnames, &parser, 1);
}

PyObject *kr_bytes_method_splitlines(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"keepends", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "splitlines"};
    PyObject *values[1] = {NULL};
    int keep_ends = 0;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 1, 0, values);
    if (args == NULL) return NULL;
    PyObject *keep_object = kr_optional_argument(args, count, kwnames, 0);
    if (keep_object != NULL && (keep_ends = _PyLong_AsInt(keep_object)) == -1 && PyErr_Occurred()) return NULL;
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t start = 0;
    while (start < view.size) {
        Py_ssize_t end = start;
        while (end < view.size && view.data[end] != '\n' && view.data[end] != '\r') end++;
        Py_ssize_t next = end;
        if (next < view.size) next += view.data[next] == '\r' && next + 1 < view.size && view.data[next + 1] == '\n' ? 2 : 1;
        if (append_part(list, self, start, (keep_ends ? next : end) - start) < 0) {
            Py_DECREF(list);
            return NULL;
        }
        start = next;
    }
    return list;
}

/* Builds the three parts around the separator at `found`, or the whole and two empty parts if that is -1. */
static PyObject *partition_at(PyObject *self, PyObject *separator, Py_ssize_t size, Py_ssize_t found, int reverse) {
    KrBytesView view = kr_bytes_view(self);
    PyObject *parts[3];
    if (found < 0) {
        parts[reverse ? 2 : 0] = kr_bytes_part(self, 0, view.size);
        parts[1] = kr_bytes_part(self, 0, 0);
        parts[reverse ? 0 : 2] = kr_bytes_part(self, 0, 0);
    } else {
        parts[0] = kr_bytes_part(self, 0, found);
        parts[1] = PyBytes_Check(self) ? Py_NewRef(separator) : PyByteArray_FromObject(separator);
        parts[2] = kr_bytes_part(self, found + size, view.size - found - size);
    }
    PyObject *result = parts[0] && parts[1] && parts[2] ? PyTuple_Pack(3, parts[0], parts[1], parts[2]) : NULL;
    for (int i = 0; i < 3; i++) Py_XDECREF(parts[i]);
    return result;
}

static PyObject *partition(PyObject *self, PyObject *separator, int reverse) {
    Py_buffer buffer;
    PyObject *result = NULL;
    if (PyObject_GetBuffer(separator, &buffer, PyBUF_SIMPLE) < 0) return NULL;
    if (buffer.len == 0) {
        PyErr_SetString(PyExc_ValueError, "empty separator");
    } else {
        KrBytesView view = kr_bytes_view(self);
        Py_ssize_t found = reverse ? kr_bytes_search_reverse(view.data, view.size, buffer.buf, buffer.len)
                                   : kr_bytes_search(view.data, view.size, buffer.buf, buffer.len);
        result = partition_at(self, separator, buffer.len, found, reverse);
    }
    PyBuffer_Release(&buffer);
    return result;
}

PyObject *kr_bytes_method_partition(PyObject *self, PyObject *argument) { return partition(self, argument, 0); }
PyObject *kr_bytes_method_rpartition(PyObject *self, PyObject *argument) { return partition(self, argument, 1); }

/* ---- joining ---- */

enum { JOIN_ON_STACK = 10 };

/* The buffers of the items to join. */
typedef struct {
    Py_buffer *views;
    Py_ssize_t count; /* those taken */
    Py_ssize_t size;  /* sum of the sizes, with separators */
    Py_buffer on_stack[JOIN_ON_STACK];
} JoinParts;

static void release_parts(JoinParts *parts) {
    for (Py_ssize_t i = 0; i < parts->count; i++) PyBuffer_Release(&parts->views[i]);
    if (parts->views != parts->on_stack) PyMem_Free(parts->views);
}

/* Takes the buffer of an item; that of an exact bytes object needs no call, only the reference. */
static int take_part(PyObject *item, Py_ssize_t index, Py_buffer *view) {
    if (PyBytes_CheckExact(item)) {
        *view = (Py_buffer){.obj = Py_NewRef(item), .buf = PyBytes_AS_STRING(item), .len = PyBytes_GET_SIZE(item)};
        return 0;
    }
    if (PyObject_GetBuffer(item, view, PyBUF_SIMPLE) == 0) return 0;
    if (PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "sequence item %zd: expected a bytes-like object, %.80s found", index,
                     Py_TYPE(item)->tp_name);
    return -1;
}

/* Takes the buffers of all items of a list or tuple, which foreign code must not change in between. */
static int take_parts(JoinParts *parts, PyObject *sequence, Py_ssize_t separator_size) {
    Py_ssize_t length = PySequence_Fast_GET_SIZE(sequence);
    parts->count = 0;
    parts->size = 0;
    parts->views = parts->on_stack;
    if (length > JOIN_ON_STACK) {
        parts->views = PyMem_New(Py_buffer, length);
        if (parts->views == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        if (take_part(PySequence_Fast_GET_ITEM(sequence, i), i, &parts->views[i]) < 0) return -1;
        parts->count++;
        Py_ssize_t step = parts->views[i].len;
        if (i > 0 && step <= PY_SSIZE_T_MAX - separator_size) step += separator_size;
        if (step > PY_SSIZE_T_MAX - parts->size) {
            PyErr_SetString(PyExc_OverflowError, "join() result is too long");
            return -1;
        }
        parts->size += step;
        if (PySequence_Fast_GET_SIZE(sequence) != length) {
            PyErr_SetString(PyExc_RuntimeError, "sequence changed size during iteration");
            return -1;
        }
    }
    return 0;
}

static PyObject *join_parts(PyObject *self, const JoinParts *parts) {
    KrBytesView separator = kr_bytes_view(self);
    char *output;
    PyObject *result = kr_bytes_allocate(self, parts->size, &output);
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 0; i < parts->count; i++) {
        if (i > 0) {
            memcpy(output, separator.data, separator.size);
            output += separator.size;
        }
        memcpy(output, parts->views[i].buf, parts->views[i].len);
        output += parts->views[i].len;
    }
    return result;
}

static PyObject *join_sequence(PyObject *self, PyObject *sequence) {
    Py_ssize_t length = PySequence_Fast_GET_SIZE(sequence);
    if (length == 0) {
        char *output;
        return kr_bytes_allocate(self, 0, &output);
    }
    if (length == 1 && PyBytes_Check(self) && PyBytes_CheckExact(PySequence_Fast_GET_ITEM(sequence, 0)))
        return Py_NewRef(PySequence_Fast_GET_ITEM(sequence, 0));
    JoinParts parts;
    PyObject *result = NULL;
    if (take_parts(&parts, sequence, Py_SIZE(self)) == 0) result = join_parts(self, &parts);
    release_parts(&parts);
    return result;
}

PyObject *kr_bytes_method_join(PyObject *self, PyObject *iterable) {
    /* Neither the items' buffer functions nor the iterator may resize the separator. */
    PyByteArrayObject *locked = PyByteArray_Check(self) ? (PyByteArrayObject *)self : NULL;
    if (locked != NULL) locked->ob_exports++;
    PyObject *result = NULL;
    PyObject *sequence = PySequence_Fast(iterable, "can only join an iterable");
    if (sequence != NULL) {
        result = join_sequence(self, sequence);
        Py_DECREF(sequence);
    }
    if (locked != NULL) locked->ob_exports--;
    return result;
}

PyObject *_PyBytes_Join(PyObject *separator, PyObject *iterable) {
    return kr_bytes_method_join(separator, iterable);
}

/* ---- replacing ---- */

static PyObject *too_long(void) {
    PyErr_SetString(PyExc_OverflowError, "replace bytes is too long");
    return NULL;
}

/* Puts `new` before the first `limit` bytes; also at the end if the limit allows. */
static PyObject *replace_empty(PyObject *self, const Py_buffer *new, Py_ssize_t limit) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t times = limit <= view.size ? limit : view.size + 1;
    if (new->len > 0 && times > (PY_SSIZE_T_MAX - view.size) / new->len) return too_long();
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size + times * new->len, &output);
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 0; i < times; i++) {
        memcpy(output, new->buf, new->len);
        output += new->len;
        if (i < view.size) *output++ = view.data[i];
    }
    if (times < view.size) memcpy(output, view.data + times, view.size - times);
    return result;
}

/* Replaces by something of the same size. */
static PyObject *replace_in_place(PyObject *self, const Py_buffer *old, const Py_buffer *new, Py_ssize_t limit) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t position = kr_bytes_search(view.data, view.size, old->buf, old->len);
    if (position < 0) return kr_bytes_part(self, 0, view.size);
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size, &output);
    if (result == NULL) return NULL;
    memcpy(output, view.data, view.size);
    while (limit-- > 0) {
        memcpy(output + position, new->buf, new->len);
        position += old->len;
        Py_ssize_t found = kr_bytes_search(view.data + position, view.size - position, old->buf, old->len);
        if (found < 0) break;
        position += found;
    }
    return result;
}

static PyObject *replace_resizing(PyObject *self, const Py_buffer *old, const Py_buffer *new, Py_ssize_t limit) {
    KrBytesView view = kr_bytes_view(self);
    Py_ssize_t times = kr_bytes_count(view.data, view.size, old->buf, old->len, limit);
    if (times == 0) return kr_bytes_part(self, 0, view.size);
    Py_ssize_t growth = new->len - old->len;
    if (growth > 0 && times > (PY_SSIZE_T_MAX - view.size) / growth) return too_long();
    char *output;
    PyObject *result = kr_bytes_allocate(self, view.size + times * growth, &output);
    if (result == NULL) return NULL;
    const char *rest = view.data, *end = view.data + view.size;
    while (times-- > 0) {
        Py_ssize_t found = kr_bytes_search(rest, end - rest, old->buf, old->len);
        memcpy(output, rest, found);
        output += found;
        memcpy(output, new->buf, new->len);
        output += new->len;
        rest += found + old->len;
    }
    memcpy(output, rest, end - rest);
    return result;
}

PyObject *kr_bytes_method_replace(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_buffer old, new;
    Py_ssize_t limit = -1;
    PyObject *result = NULL;
    if (!_PyArg_CheckPositional("replace", count, 2, 3)) return NULL;
    if (PyObject_GetBuffer(args[0], &old, PyBUF_SIMPLE) < 0) return NULL;
    if (PyObject_GetBuffer(args[1], &new, PyBUF_SIMPLE) < 0) {
        PyBuffer_Release(&old);
        return NULL;
    }
    if (count > 2 && kr_ssize_argument(args[2], &limit) < 0) goto done;
    if (limit < 0) limit = PY_SSIZE_T_MAX;
    Py_ssize_t size = Py_SIZE(self);
    if (limit == 0 || size < old.len || (old.len == 0 && new.len == 0))
        result = kr_bytes_part(self, 0, size);
    else if (old.len == 0)
        result = replace_empty(self, &new, limit);
    else if (old.len == new.len)
        result = replace_in_place(self, &old, &new, limit);
    else
        result = replace_resizing(self, &old, &new, limit);
done:
    PyBuffer_Release(&new);
    PyBuffer_Release(&old);
    return result;
}
