/* Built-in exception types.
 *
 * Every type of exceptions.def is a static type object `kr_exc_NAME`; the public `PyExc_NAME` points to it. ExceptionGroup
 * alone is a heap type, because it has two bases. An exception's `args` is always a tuple; every other reference of an
 * exception may be NULL, which attributes show as None.
 */
#ifndef KR_TYPES_EXCEPTIONS_H
#define KR_TYPES_EXCEPTIONS_H

#include <Python.h>

#define KR_EXCEPTION(kind, name, base, documentation) extern PyTypeObject kr_exc_##name;
#include "types/exceptions.def"
#undef KR_EXCEPTION

/* Readies all exception types and reserves memory errors. Returns 0, or -1 with an exception. */
int kr_exceptions_initialize(void);
/* Adds every exception type and the aliases of OSError to a dict. Returns 0 or -1. */
int kr_exceptions_add_to(PyObject *builtins_dict);
/* Releases what kr_exceptions_initialize has reserved. */
void kr_exceptions_finalize(void);

/* Returns the type ExceptionGroup, borrowed. */
PyObject *kr_exception_group_type(void);
/* Creates a (Base)ExceptionGroup from a message and a sequence of exceptions. New reference or NULL. */
PyObject *kr_exception_group_new(const char *message, PyObject *exceptions);
/* What an `except*` statement raises at its end: `exceptions` lists what its handlers raised or re-raised and what no
 * handler took (or None) of `original`. Returns a new reference to an exception or None; NULL on error. */
PyObject *kr_exception_group_prepare_reraise(PyObject *original, PyObject *exceptions);

/* Shared by the files of the exception types. */
PyObject *kr_exception_new(PyTypeObject *type, PyObject *args, PyObject *kwds);
int kr_exception_init(PyObject *self, PyObject *args, PyObject *kwds);
PyObject *kr_exception_str(PyObject *self);
int kr_exception_clear(PyObject *self);
int kr_exception_traverse(PyObject *self, visitproc visit, void *arg);
int kr_exception_clear_fields(PyObject *self, const size_t *offsets, size_t count);
int kr_exception_traverse_fields(PyObject *self, const size_t *offsets, size_t count, visitproc visit, void *arg);
int kr_exceptions_initialize_os(void);
void kr_exceptions_finalize_os(void);
int kr_exceptions_initialize_group(void);
void kr_exceptions_finalize_group(void);

/* Defines PREFIX_clear, PREFIX_traverse and PREFIX_dealloc for an exception type whose references beyond those of
 * BaseException are at the given offsets. */
#define KR_EXCEPTION_COLLECTOR(prefix, ...)                                                                            \
    static const size_t prefix##_fields[] = {__VA_ARGS__};                                                             \
    static int prefix##_clear(PyObject *self) {                                                                        \
        return kr_exception_clear_fields(self, prefix##_fields, Py_ARRAY_LENGTH(prefix##_fields));                     \
    }                                                                                                                  \
    static int prefix##_traverse(PyObject *self, visitproc visit, void *arg) {                                         \
        return kr_exception_traverse_fields(self, prefix##_fields, Py_ARRAY_LENGTH(prefix##_fields), visit, arg);      \
    }                                                                                                                  \
    static void prefix##_dealloc(PyObject *self) {                                                                     \
        PyObject_GC_UnTrack(self);                                                                                     \
        Py_TRASHCAN_BEGIN(self, prefix##_dealloc)                                                                      \
        prefix##_clear(self);                                                                                          \
        Py_TYPE(self)->tp_free(self);                                                                                  \
        Py_TRASHCAN_END                                                                                                \
    }

enum { KR_EXCEPTION_FLAGS = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASE_EXC_SUBCLASS };

/* The slots that every exception type has; Struct is its layout. */
#define KR_EXCEPTION_SLOTS_WITH(type_name, base, Struct, dealloc, traverse, clear)                                     \
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = type_name, .tp_basicsize = sizeof(Struct), .tp_dealloc = dealloc, \
        .tp_flags = KR_EXCEPTION_FLAGS, .tp_traverse = traverse, .tp_clear = clear, .tp_base = base,                   \
        .tp_dictoffset = offsetof(PyBaseExceptionObject, dict)
#define KR_EXCEPTION_SLOTS(type_name, base, Struct, prefix)                                                            \
    KR_EXCEPTION_SLOTS_WITH(type_name, base, Struct, prefix##_dealloc, prefix##_traverse, prefix##_clear)

#endif
