/* The error indicator and exceptions that nobody can catch.
 *
 * Invariant: the thread state's curexc_* fields are either all NULL or hold an exception class, and then perhaps a value
 * (an instance of the class, its argument, a tuple of arguments, or NULL) and a traceback; they own what they hold.
 */
#ifndef KR_OBJECT_ERRORS_H
#define KR_OBJECT_ERRORS_H

#include <Python.h>

/* Calls an exception class with what stands for its arguments. New reference or NULL. */
PyObject *kr_exception_create(PyObject *type, PyObject *value);
/* Returns a new reference to a MemoryError without arguments: when nothing can be allocated one of those that
 * types/exceptions.c reserves, and after these a shared one. NULL without an exception before they are reserved. */
PyObject *kr_memory_error_new(void);
/* Makes the exception that is set the successor (`__context__`) of the one a stack item holds, as after a throw(). */
void _PyErr_ChainStackItem(_PyErr_StackItem *exc_info);

/* sys.UnraisableHookArgs, made at its first use (borrowed), or NULL. */
PyTypeObject *kr_unraisable_args_type(void);
/* sys.__unraisablehook__: writes the exception described by a UnraisableHookArgs to sys.stderr. New reference to None. */
PyObject *kr_unraisable_write(PyObject *args);

#endif
