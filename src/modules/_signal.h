/* Signals, beyond pyerrors.h and intrcheck.h. */
#ifndef KR_MODULES_SIGNAL_H
#define KR_MODULES_SIGNAL_H

#include <Python.h>

/* Converter for PyArg_Parse*: an iterable of signal numbers becomes a sigset_t. Returns 1, or 0 with an exception. */
PyAPI_FUNC(int) _Py_Sigset_Converter(PyObject *signals, void *set);

#endif
