/* Running programs. */
#ifndef KR_RUNTIME_RUN_H
#define KR_RUNTIME_RUN_H

#include <Python.h>
#include <stdio.h>

/* Flushes sys.stderr and sys.stdout; errors are ignored. */
void kr_run_flush(void);
/* Reads a .pyc file: checks the header, returns the code object, or NULL with an exception. */
PyObject *kr_run_read_pyc(FILE *stream);
/* True once a KeyboardInterrupt has ended the main program. */
extern int kr_run_interrupted;

#endif
