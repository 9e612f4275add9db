/* The global interpreter lock, and what interrupts the evaluation loop.
 *
 * Invariant: only the thread that holds the lock touches Python objects; `_PyRuntime.thread_current` is its state. A
 * thread that waits longer than the switch interval asks the holder to let go (a bit of kr_eval_breaker), and the holder
 * does so at its next backward jump or call, then waits until another thread has really run.
 */
#ifndef KR_VM_GIL_H
#define KR_VM_GIL_H

#include <Python.h>

void kr_gil_initialize(void);
/* Waits for the lock and makes `thread` current. A thread other than the finalizing one never returns once shutdown has
 * begun. */
void kr_gil_take(PyThreadState *thread);
void kr_gil_drop(PyThreadState *thread);
/* In the child after fork: the lock is made anew, held by the only thread. */
void kr_gil_after_fork(PyThreadState *thread);
void kr_gil_finalize(void);

/* Requests that the loop serves: each sets a bit of kr_eval_breaker. Async-signal-safe. */
void kr_request_signals(void);
void kr_request_async_exception(void);

/* Runs Python-level signal handlers of tripped signals (the _signal module registers the function). */
extern int (*kr_run_signal_handlers)(PyThreadState *thread);
/* True in the main thread of the process. */
int kr_is_main_thread(void);

#endif
