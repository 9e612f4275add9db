/* Interpreter and thread states: what start-up, shutdown and fork need of them. */
#ifndef KR_RUNTIME_STATE_H
#define KR_RUNTIME_STATE_H

#include <Python.h>

void kr_state_initialize(void);
/* Makes the state the calling thread's own (identity, stack limit, PyGILState). */
void kr_thread_bind(PyThreadState *self);
/* Deletes all thread states of the interpreter but one: at shutdown, and in the child after fork. */
void kr_threads_delete_except(PyThreadState *keep);
void kr_state_after_fork(void);

#endif
