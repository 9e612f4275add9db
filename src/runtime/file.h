/* Writing to Python's file objects from C. */
#ifndef KR_RUNTIME_FILE_H
#define KR_RUNTIME_FILE_H

#include <Python.h>

/* Writes a str to a file. Returns 0; -1 with an exception; 1 if it did nothing, because the file's write() was replaced. */
typedef int (*KrTextWriter)(PyObject *file, PyObject *text);

/* Has PyFile_WriteObject and its relatives call `write` for files whose type is exactly `type`. */
void kr_file_set_text_writer(PyTypeObject *type, KrTextWriter write);

#endif
