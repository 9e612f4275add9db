/* The marshal format: how code objects and simple values are written into .pyc files.
 *
 * An object is a type byte, its top bit set if later parts of the data refer back to the object, and what the type needs.
 * The functions for C streams and memory are in the public <marshal.h>; here are those for Python's file objects.
 *
 * Invariant: reading never trusts its input; bad data raises EOFError, ValueError or TypeError.
 */
#ifndef KR_COMPILE_MARSHAL_H
#define KR_COMPILE_MARSHAL_H

#include <Python.h>

/* Reads one object by the readinto method of `file`. Returns a new reference or NULL. */
PyObject *kr_marshal_read_file(PyObject *file);

/* Reads a frozen module, whose functions may be deferred (types/code_deferred.c). The data must stay, and be trusted. */
PyObject *kr_marshal_read_frozen(const char *data, Py_ssize_t size);

#endif
