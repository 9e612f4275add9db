/* Lists, beyond listobject.h.
 *
 * Invariant: 0 <= ob_size <= allocated, and ob_item is NULL exactly when allocated is 0; while a list is being sorted it
 * is empty and `allocated` is -1, which any change made meanwhile undoes.
 */
#ifndef KR_TYPES_LIST_H
#define KR_TYPES_LIST_H

#include <Python.h>

/* Both iterators. The forward one stands before item `index`, the reverse one after it. */
typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    PyListObject *list; /* NULL when exhausted */
} KrListIterator;

/* Makes room for `size` items, setting ob_size. Returns 0 or -1 with MemoryError; the list is unchanged then. */
int kr_list_resize(PyListObject *self, Py_ssize_t size);

/* Appends an item, taking the caller's reference even on error. Returns 0 or -1. */
static inline int kr_list_append_steal(PyListObject *self, PyObject *item) {
    Py_ssize_t size = Py_SIZE(self);
    if (__builtin_expect(size < self->allocated, 1)) {
        self->ob_item[size] = item;
        Py_SET_SIZE(self, size + 1);
        return 0;
    }
    if (kr_list_resize(self, size + 1) < 0) {
        Py_DECREF(item);
        return -1;
    }
    self->ob_item[size] = item;
    return 0;
}

/* Returns a new list of `count` items, taking new references to them. NULL with MemoryError. */
PyObject *kr_list_from_array(PyObject *const *items, Py_ssize_t count);

/* Sorts in place; `key` is NULL for none. Returns 0, or -1 with an exception; the list then holds its items in some order. */
int kr_list_sort(PyListObject *self, PyObject *key, int reverse);

#endif
