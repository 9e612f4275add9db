/* The methods that bytes and bytearray have in common.
 *
 * Each is written once; `self` is a bytes or bytearray object (or a subclass) and a result that is a byte sequence has the
 * exact type that self has or derives from. A result that equals an exact bytes object is that object itself; bytearray
 * methods always return new objects.
 *
 * A bytearray may change whenever foreign code runs: methods convert all arguments first and look at self afterwards.
 */
#ifndef KR_TYPES_BYTES_METHODS_H
#define KR_TYPES_BYTES_METHODS_H

#include <Python.h>

typedef struct {
    const char *data;
    Py_ssize_t size;
} KrBytesView;

/* The contents of a bytes or bytearray object. */
static inline KrBytesView kr_bytes_view(PyObject *self) {
    if (PyBytes_Check(self)) return (KrBytesView){PyBytes_AS_STRING(self), Py_SIZE(self)};
    return (KrBytesView){PyByteArray_AS_STRING(self), Py_SIZE(self)};
}

#define KR_BYTES_ARGUMENTS_none PyObject *self, PyObject *unused
#define KR_BYTES_ARGUMENTS_one PyObject *self, PyObject *argument
#define KR_BYTES_ARGUMENTS_many PyObject *self, PyObject *const *args, Py_ssize_t count
#define KR_BYTES_ARGUMENTS_named PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames
#define KR_BYTES_FLAGS_none METH_NOARGS
#define KR_BYTES_FLAGS_one METH_O
#define KR_BYTES_FLAGS_many METH_FASTCALL
#define KR_BYTES_FLAGS_named METH_FASTCALL | METH_KEYWORDS

/* kr_bytes_method_NAME for each method of bytes_methods.def. */
#define KR_BYTES_METHOD(name, arguments, documentation)                                                                \
    PyObject *kr_bytes_method_##name(KR_BYTES_ARGUMENTS_##arguments);
#include "types/bytes_methods.def"
#undef KR_BYTES_METHOD

/* maketrans(frm, to), a static method with METH_FASTCALL. */
PyObject *kr_bytes_maketrans(PyObject *unused, PyObject *const *args, Py_ssize_t count);
extern const char kr_bytes_maketrans_doc[];

/* `item in self`; 1, 0, or -1 with an exception. */
int kr_bytes_contains(PyObject *self, PyObject *item);
/* Compares two objects with the buffer protocol; the result of tp_richcompare. Warns about str under -b. */
PyObject *kr_bytes_compare(PyObject *left, PyObject *right, int operation);
/* Converts an object to a byte value. Returns 1, or 0 with ValueError or TypeError. */
int kr_bytes_value(PyObject *object, int *value);

/* Repeats `pattern` to fill `output`, whose size is a multiple of its size; both may start at the same place. */
PyAPI_FUNC(void) _PyBytes_Repeat(char *output, Py_ssize_t size, const char *pattern, Py_ssize_t pattern_size);

#endif
