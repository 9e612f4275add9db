/* The global interpreter lock, pending calls, and the requests that interrupt the evaluation loop. */
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "object/interpreter.h"
#include "object/runtime.h"
#include "vm/eval.h"
#include "vm/gil.h"

enum { REQUEST_DROP = 1, REQUEST_SIGNALS = 2, REQUEST_CALLS = 4, REQUEST_EXCEPTION = 8 };
enum { PENDING_CALLS = 32 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t released, switched;
    int held;
    PyThreadState *last_holder;
    unsigned long switches;
    unsigned long interval; /* microseconds */
    pthread_t main_thread;

    pthread_mutex_t calls_mutex;
    struct {
        int (*function)(void *);
        void *argument;
    } calls[PENDING_CALLS];
    int first_call, last_call, calling;
} gil = {.mutex = PTHREAD_MUTEX_INITIALIZER, .calls_mutex = PTHREAD_MUTEX_INITIALIZER, .interval = 5000};

int (*kr_run_signal_handlers)(PyThreadState *thread);

static void request(int bit) { __atomic_or_fetch(&kr_eval_breaker, bit, __ATOMIC_SEQ_CST); }
static void served(int bit) { __atomic_and_fetch(&kr_eval_breaker, ~bit, __ATOMIC_SEQ_CST); }

void kr_request_signals(void) { request(REQUEST_SIGNALS); }
void kr_request_async_exception(void) { request(REQUEST_EXCEPTION); }

int kr_is_main_thread(void) { return pthread_equal(pthread_self(), gil.main_thread); }

void kr_gil_initialize(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&gil.released, &attributes);
    pthread_cond_init(&gil.switched, &attributes);
    pthread_condattr_destroy(&attributes);
    gil.main_thread = pthread_self();
    gil.held = 0;
    gil.last_holder = NULL;
}

/* A thread that comes back to a finalizing interpreter ends here, without touching anything. */
static void leave_if_finalizing(PyThreadState *thread) {
    PyThreadState *finalizing = _PyRuntime.finalizing;
    if (finalizing != NULL && finalizing != thread) pthread_exit(NULL);
}

void kr_gil_take(PyThreadState *thread) {
    int saved = errno;
    leave_if_finalizing(thread);
    pthread_mutex_lock(&gil.mutex);
    while (gil.held) {
        unsigned long before = gil.switches;
        struct timespec deadline;
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        unsigned long long nanoseconds = (unsigned long long)deadline.tv_nsec + gil.interval * 1000ULL;
        deadline.tv_sec += (time_t)(nanoseconds / 1000000000ULL);
        deadline.tv_nsec = (long)(nanoseconds % 1000000000ULL);
        int outcome = pthread_cond_timedwait(&gil.released, &gil.mutex, &deadline);
        if (outcome == ETIMEDOUT && gil.held && gil.switches == before) request(REQUEST_DROP);
        PyThreadState *finalizing = _PyRuntime.finalizing;
        if (finalizing != NULL && finalizing != thread) {
            pthread_mutex_unlock(&gil.mutex);
            pthread_exit(NULL);
        }
    }
    gil.held = 1;
    if (gil.last_holder != thread) {
        gil.last_holder = thread;
        gil.switches++;
    }
    served(REQUEST_DROP);
    pthread_cond_signal(&gil.switched);
    pthread_mutex_unlock(&gil.mutex);
    PyThreadState *finalizing = _PyRuntime.finalizing;
    if (finalizing != NULL && finalizing != thread) {
        kr_gil_drop(NULL);
        pthread_exit(NULL);
    }
    _PyRuntime.thread_current = thread;
    if (thread->async_exc != NULL) request(REQUEST_EXCEPTION);
    errno = saved;
}

void kr_gil_drop(PyThreadState *thread) {
    _PyRuntime.thread_current = NULL;
    pthread_mutex_lock(&gil.mutex);
    gil.held = 0;
    pthread_cond_signal(&gil.released);
    /* if another thread asked for the lock, see to it that it gets it */
    if ((kr_eval_breaker & REQUEST_DROP) && thread != NULL && gil.last_holder == thread) {
        served(REQUEST_DROP);
        struct timespec deadline;
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += 1;
        while (!gil.held && gil.last_holder == thread)
            if (pthread_cond_timedwait(&gil.switched, &gil.mutex, &deadline) == ETIMEDOUT) break;
    }
    pthread_mutex_unlock(&gil.mutex);
}

void kr_gil_after_fork(PyThreadState *thread) {
    pthread_mutex_init(&gil.mutex, NULL);
    pthread_mutex_init(&gil.calls_mutex, NULL);
    kr_gil_initialize();
    gil.held = 1;
    gil.last_holder = thread;
    served(REQUEST_DROP);
    _PyRuntime.thread_current = thread;
}

void kr_gil_finalize(void) {
    gil.held = 0;
    _PyRuntime.thread_current = NULL;
}

/* ---- C API ---- */

PyThreadState *PyEval_SaveThread(void) {
    PyThreadState *thread = _PyRuntime.thread_current;
    if (thread == NULL) Py_FatalError("PyEval_SaveThread: no thread holds the interpreter lock");
    kr_gil_drop(thread);
    return thread;
}

void PyEval_RestoreThread(PyThreadState *thread) { kr_gil_take(thread); }
void PyEval_AcquireThread(PyThreadState *thread) { kr_gil_take(thread); }
void PyEval_ReleaseThread(PyThreadState *thread) { kr_gil_drop(thread); }
void PyEval_AcquireLock(void) { kr_gil_take(PyGILState_GetThisThreadState()); }
void PyEval_ReleaseLock(void) { kr_gil_drop(_PyRuntime.thread_current); }
int PyEval_ThreadsInitialized(void) { return 1; }
void PyEval_InitThreads(void) {}

void _PyEval_SetSwitchInterval(unsigned long microseconds) { gil.interval = microseconds < 1 ? 1 : microseconds; }
unsigned long _PyEval_GetSwitchInterval(void) { return gil.interval; }

int Py_AddPendingCall(int (*function)(void *), void *argument) {
    int result = -1;
    for (int tries = 0; tries < 100; tries++) { /* a signal handler must not block */
        if (pthread_mutex_trylock(&gil.calls_mutex) != 0) continue;
        int next = (gil.last_call + 1) % PENDING_CALLS;
        if (next != gil.first_call) {
            gil.calls[gil.last_call].function = function;
            gil.calls[gil.last_call].argument = argument;
            gil.last_call = next;
            result = 0;
        }
        pthread_mutex_unlock(&gil.calls_mutex);
        break;
    }
    request(REQUEST_CALLS);
    return result;
}

static int make_pending_calls(void) {
    if (!kr_is_main_thread() || gil.calling || !kr_interpreter_is_main(kr_tstate()->interp)) return 0;
    gil.calling = 1;
    served(REQUEST_CALLS);
    int result = 0;
    for (int i = 0; i < PENDING_CALLS && result == 0; i++) {
        int (*function)(void *) = NULL;
        void *argument = NULL;
        pthread_mutex_lock(&gil.calls_mutex);
        if (gil.first_call != gil.last_call) {
            function = gil.calls[gil.first_call].function;
            argument = gil.calls[gil.first_call].argument;
            gil.first_call = (gil.first_call + 1) % PENDING_CALLS;
        }
        pthread_mutex_unlock(&gil.calls_mutex);
        if (function == NULL) break;
        result = function(argument);
    }
    if (gil.first_call != gil.last_call) request(REQUEST_CALLS);
    gil.calling = 0;
    return result;
}

static int run_signals(PyThreadState *thread) {
    if (!kr_is_main_thread() || !kr_interpreter_is_main(thread->interp)) return 0;
    served(REQUEST_SIGNALS);
    return kr_run_signal_handlers == NULL ? 0 : kr_run_signal_handlers(thread);
}

int Py_MakePendingCalls(void) {
    if (run_signals(kr_tstate()) != 0) return -1;
    return make_pending_calls();
}

int kr_eval_handle_pending(PyThreadState *thread) {
    if ((kr_eval_breaker & REQUEST_SIGNALS) && run_signals(thread) != 0) return -1;
    if ((kr_eval_breaker & REQUEST_CALLS) && make_pending_calls() != 0) return -1;
    if (kr_eval_breaker & REQUEST_DROP) {
        kr_gil_drop(thread);
        kr_gil_take(thread);
    }
    if (kr_eval_breaker & REQUEST_EXCEPTION) {
        served(REQUEST_EXCEPTION);
        PyObject *exception = thread->async_exc;
        if (exception != NULL) {
            thread->async_exc = NULL;
            PyErr_SetNone(exception);
            Py_DECREF(exception);
            return -1;
        }
    }
    return 0;
}
