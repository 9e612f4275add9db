/* Floats: what the parts that deal with numbers share. A float is an object header and a double. */
#ifndef KR_TYPES_FLOAT_H
#define KR_TYPES_FLOAT_H

#include <Python.h>

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
