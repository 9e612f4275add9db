/* Writing tracebacks when nothing can be relied on: from a signal handler, without the interpreter lock.
 *
 * These functions allocate nothing, take no lock and write straight to a descriptor. What they read may be changing or
 * damaged; they look at as little as possible.
 */
#ifndef KR_RUNTIME_DUMP_H
#define KR_RUNTIME_DUMP_H

#include <Python.h>

void _Py_DumpASCII(int descriptor, PyObject *text);
void _Py_DumpDecimal(int descriptor, size_t value);
void _Py_DumpHexadecimal(int descriptor, uintptr_t value, Py_ssize_t width);

/* Writes the stack of one thread under the heading "Stack". */
void _Py_DumpTraceback(int descriptor, PyThreadState *thread);
/* Writes the stacks of all threads of an interpreter (NULL: that of the current thread, or the main one). Returns NULL, or
 * why it cannot. `current` may be NULL. */
const char *_Py_DumpTracebackThreads(int descriptor, PyInterpreterState *interpreter, PyThreadState *current);
/* Names the modules written in C that are not of the standard library. */
void _Py_DumpExtensionModules(int descriptor, PyInterpreterState *interpreter);

#endif
