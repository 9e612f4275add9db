/* Generators, coroutines and asynchronous generators: what their files share.
 *
 * Invariant: the frame inside the object holds references while gi_frame_state < KR_FRAME_STATE_COMPLETED; a running
 * one (KR_FRAME_STATE_EXECUTING) is on the thread's chain of frames, and its exception state on the thread's stack of
 * handled exceptions.
 */
#ifndef KR_VM_GENERATOR_H
#define KR_VM_GENERATOR_H

#include <Python.h>

#include "vm/frame.h"

/* Runs the generator until it yields, returns or raises. `argument` NULL means next(): then a plain return gives
 * PYGEN_ERROR without an exception. `throwing`: the current exception is raised inside. */
PySendResult kr_generator_resume(PyGenObject *self, PyObject *argument, PyObject **result, int throwing, int closing);
PyObject *kr_generator_outcome(PyGenObject *self, PySendResult outcome, PyObject *result);
PyObject *kr_generator_send_method(PyGenObject *self, PyObject *argument);
PyObject *kr_generator_close(PyGenObject *self, PyObject *unused);
PyObject *kr_generator_throw(PyGenObject *self, int close_on_exit, PyObject *type, PyObject *value, PyObject *traceback);
int kr_generator_traverse(PyGenObject *self, visitproc visit, void *arg);
int kr_send_jump(KrFrame *frame, _Py_CODEUNIT *send);
void kr_warn_unawaited_coroutine(PyObject *coroutine);
/* Fills what PyAsyncGen_Type shares with PyGen_Type; before PyType_Ready. */
void kr_async_generator_initialize(void);

static inline int kr_generator_is_suspended(const PyGenObject *self) {
    return self->gi_frame_state == KR_FRAME_STATE_SUSPENDED || self->gi_frame_state == KR_FRAME_STATE_JUMPED;
}

static inline int visit_exception_state(_PyErr_StackItem *item, visitproc visit, void *arg) {
    Py_VISIT(item->exc_value);
    return 0;
}

#endif
