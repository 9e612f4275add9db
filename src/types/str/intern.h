/* The table of interned strings.
 *
 * Invariant: of equal exact str objects at most one is in the table, and its `state.interned` says so. The table holds
 * no reference to a mortal interned string: its destructor takes it out (so a reference count tells the truth, as in
 * CPython, where the two references of the dict are not counted). Immortal ones carry a reference of their own.
 */
#ifndef KR_TYPES_STR_INTERN_H
#define KR_TYPES_STR_INTERN_H

#include <Python.h>

/* Returns the interned string of `length` Latin-1 characters; makes an object only if there is none yet. */
PyObject *kr_str_intern_latin1(const void *data, Py_ssize_t length);

/* Releases the table and the identifiers of _PyUnicode_FromId; the strings live on as ordinary ones. */
void kr_str_intern_finalize(void);

#endif
