/* Writing to Python's file objects from C. */
#ifndef KR_RUNTIME_FILE_H
#define KR_RUNTIME_FILE_H

#include <Python.h>

/* The ways to write to a file of the usual type. Both return 0; -1 with an exception; 1 if nothing was done, so that the
 * file's method must be called. */
typedef struct {
    PyTypeObject *type; /* exactly this one */
    int (*write)(PyObject *file, PyObject *text);                          /* a str */
    int (*write_ascii)(PyObject *file, const char *text, Py_ssize_t size); /* bytes below 128 */
} KrTextWriter;

/* Has PyFile_WriteObject and its relatives use them. */
void kr_file_set_text_writer(const KrTextWriter *writer);

#endif
