/* memoryview objects.
 *
 * A memoryview is a description (format, shape, strides, suboffsets) of memory that an exporter lent to a *managed
 * buffer*; all views that derive from one another share that buffer, which gives the memory back when the last of them is
 * released. A view counts those who borrow its memory in turn (`exports`) and cannot be released while there are any.
 * The arrays that `view` points to lie in the object itself.
 */
#ifndef KR_TYPES_MEMORYVIEW_H
#define KR_TYPES_MEMORYVIEW_H

#include <Python.h>

extern PyTypeObject kr_memory_iterator_type;

/* Creates a one-dimensional view of a contiguous buffer's memory as bytes. */
PyObject *kr_memoryview_of_bytes(PyObject *base);

/* ---- items (memoryview_items.c) ---- */

/* Returns the character of a format that means one native item ("i", "@i"), or 0. */
char kr_native_format(const char *format);
/* The size of an item of a native format character, or -1. */
Py_ssize_t kr_native_item_size(char format);
/* True if the format is a single character after an optional '@'; else sets NotImplementedError. */
int kr_check_item_format(const char *format);
/* Converts an item to an object; a new reference, or NULL with NotImplementedError for formats that are no native ones. */
PyObject *kr_unpack_item(const char *item, const char *format);
/* Stores an object in an item. Returns 0, or -1 with an exception. */
int kr_pack_item(char *item, PyObject *object, const char *format);
/* Compares two buffers of any structure by the values of their items. Returns 1, 0, or -1 with an exception. */
int kr_buffers_equal(const Py_buffer *left, const Py_buffer *right);
/* Builds nested lists of a buffer's items. */
PyObject *kr_buffer_to_list(const Py_buffer *view);
/* Copies items between buffers of equal structure, which may overlap. Returns 0, or -1 with ValueError or MemoryError. */
int kr_buffer_copy(const Py_buffer *target, const Py_buffer *source);

/* Follows the pointer that a PIL-style dimension stores, if it is one. */
static inline char *kr_follow_suboffset(char *pointer, const Py_ssize_t *suboffsets, int dimension) {
    if (suboffsets == NULL || suboffsets[dimension] < 0) return pointer;
    return *(char **)pointer + suboffsets[dimension];
}

#endif
