/* Floats: what the parts that deal with numbers share. A float is an object header and a double. */
#ifndef KR_TYPES_FLOAT_H
#define KR_TYPES_FLOAT_H

#include <Python.h>

#include "heap/heap.h"

/* Blocks for floats, linked through ob_type. */
typedef struct KrFloatFreeList {
    PyFloatObject *first;
    int count;
} KrFloatFreeList;
extern KrFloatFreeList kr_float_free_list;

enum { KR_FLOAT_FREE_LIST_LIMIT = KR_FREE_LIST(1000) };

/* PyFloat_FromDouble, inline. */
static inline PyObject *kr_float_from_double(double value) {
    PyFloatObject *result = kr_float_free_list.first;
    if (__builtin_expect(result == NULL, 0)) return PyFloat_FromDouble(value);
    kr_float_free_list.first = (PyFloatObject *)Py_TYPE(result);
    kr_float_free_list.count--;
    Py_SET_TYPE(result, &PyFloat_Type);
    Py_SET_REFCNT(result, 1);
    result->ob_fval = value;
    return (PyObject *)result;
}

/* Frees an exact float. */
static inline void kr_float_free(PyFloatObject *self) {
    if (kr_float_free_list.count < KR_FLOAT_FREE_LIST_LIMIT) {
        Py_SET_TYPE(self, (PyTypeObject *)kr_float_free_list.first);
        kr_float_free_list.first = self;
        kr_float_free_list.count++;
    } else {
        PyObject_Free(self);
    }
}

/* Py_DECREF for what is known to be an exact float. */
static inline void kr_float_drop(PyObject *self) {
    if (--self->ob_refcnt == 0) kr_float_free((PyFloatObject *)self);
}

/* Reads an operand of a float operation: 1 and the value for a float or an int; 0 for another type; -1 with
 * OverflowError for an int that is too large. */
int kr_float_operand(PyObject *object, double *value);

/* repr() of a float. */
PyObject *kr_float_repr(PyObject *self);

/* `x % y` and the floor of `x / y` as Python defines them for y != 0; the remainder has the sign of y. */
double kr_float_remainder(double x, double y);
void kr_float_divmod(double x, double y, double *quotient, double *remainder);

void kr_float_clear_free_list(void);
void kr_float_finalize(void);

PyAPI_FUNC(void) _PyFloat_DebugMallocStats(FILE *out);

#endif
