/* Helpers for calls that the public headers leave out.
 *
 * Invariant: an array of arguments never changes under the callee, except for the slot before its first element, and
 * that only while PY_VECTORCALL_ARGUMENTS_OFFSET says so and only until the call returns.
 */
#ifndef KR_OBJECT_CALL_H
#define KR_OBJECT_CALL_H

#include <Python.h>

/* Calls with one more argument before the others; copies the array. */
PyObject *kr_call_prepend(PyObject *callable, PyObject *first, PyObject *const *args, Py_ssize_t count,
                          PyObject *kwnames);
/* The same with a tuple and a dict (or NULL). */
PyObject *_PyObject_Call_Prepend(PyThreadState *tstate, PyObject *callable, PyObject *obj, PyObject *args,
                                 PyObject *kwargs);

/* Turns a keyword dict into an array that holds the positional arguments and then the values, and a tuple of names.
 * Returns the array (to be given to _PyStack_UnpackDict_Free with the same count), or NULL: TypeError if a key is no
 * string. args[-1] may be overwritten. */
PyObject *const *_PyStack_UnpackDict(PyThreadState *tstate, PyObject *const *args, Py_ssize_t nargs, PyObject *kwargs,
                                     PyObject **p_kwnames);
void _PyStack_UnpackDict_Free(PyObject *const *stack, Py_ssize_t nargs, PyObject *kwnames);
PyObject *_PyObject_FastCallDictTstate(PyThreadState *tstate, PyObject *callable, PyObject *const *args, size_t nargsf,
                                       PyObject *kwargs);

/* The vectorcall function of an object, or NULL. */
static inline vectorcallfunc kr_vectorcall_of(PyObject *callable) {
    PyTypeObject *type = Py_TYPE(callable);
    if (!(type->tp_flags & Py_TPFLAGS_HAVE_VECTORCALL)) return NULL;
    return *(vectorcallfunc *)((char *)callable + type->tp_vectorcall_offset);
}

/* -- What the callable types of C functions share: cfunction.c and descr.c */

/* Set TypeError in the words of all C functions. The first returns -1, the other NULL. */
int kr_call_refuse_keywords(PyObject *function);
PyObject *kr_call_wrong_count(PyObject *function, const char *expectation, Py_ssize_t count);

/* Ends what Py_EnterRecursiveCall began, and passes on the result of the call. */
static inline PyObject *kr_call_leave(PyObject *result) {
    Py_LeaveRecursiveCall();
    return result;
}

#endif
