/* bytes objects.
 *
 * The contents follow the header in the same block, with a zero byte after them. The empty object and those of one byte
 * are shared: at most one exact bytes object exists for each, so that making them costs no allocation.
 */
#ifndef KR_TYPES_BYTES_H
#define KR_TYPES_BYTES_H

#include <Python.h>

/* Releases the shared objects. */
void kr_bytes_finalize(void);

/* Takes the arguments (source, encoding, errors), NULL for what is missing, and converts a str source. *text becomes a new
 * reference to bytes if the source is a str, else NULL. Returns 0, or -1 with TypeError for a bad combination. */
int kr_bytes_encode_source(PyObject *source, PyObject *encoding, PyObject *errors, const char *type_name,
                           PyObject **text);

#endif
