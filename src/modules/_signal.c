/* _signal: signals become calls of Python functions in the main thread.
 *
 * Invariant: the C handler does nothing but note the signal (`tripped`), ask the evaluation loop to look (kr_request_signals)
 * and write a byte to the wake-up descriptor; all of that is async-signal-safe. `handler[n]` is what signal.getsignal(n)
 * returns: SIG_DFL or SIG_IGN as an int, a callable, or NULL (None) for a handler that is not from Python. It changes only
 * in the main thread.
 */
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "modules/_signal.h"
#include "modules/constants.h"
#include "object/interpreter.h"
#include "object/runtime.h"
#include "runtime/lifecycle.h"
#include "types/structseq.h"
#include "vm/frame.h"
#include "vm/gil.h"

static struct {
    volatile sig_atomic_t any_tripped;
    struct {
        volatile sig_atomic_t tripped;
        PyObject *function;
    } handler[NSIG];
    int loaded; /* the table was filled with the dispositions at start-up */
    volatile int wakeup_descriptor;
    volatile int warn_on_full_buffer;
    PyObject *default_action, *ignore_action; /* SIG_DFL and SIG_IGN */
    PyObject *itimer_error;
    PyTypeObject *info_type;
} state = {.wakeup_descriptor = -1, .warn_on_full_buffer = 1};

/* ---- Receiving signals ---- */

/* Pending call: reports that the wake-up descriptor could not be written. The argument is the errno. */
static int report_wakeup_error(void *data) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    errno = (int)(intptr_t)data;
    PyErr_SetFromErrno(PyExc_OSError);
    PySys_WriteStderr("Exception ignored when trying to write to the signal wakeup fd:\n");
    PyErr_WriteUnraisable(NULL);
    PyErr_Restore(type, value, traceback);
    return 0;
}

/* Notes that a signal came. Async-signal-safe. */
static void trip(int number) {
    state.handler[number].tripped = 1;
    state.any_tripped = 1;
    kr_request_signals();
    int descriptor = state.wakeup_descriptor;
    if (descriptor == -1) return;
    unsigned char byte = (unsigned char)number;
    ssize_t written;
    do written = write(descriptor, &byte, 1);
    while (written < 0 && errno == EINTR);
    if (written < 0 && (state.warn_on_full_buffer || (errno != EWOULDBLOCK && errno != EAGAIN)))
        Py_AddPendingCall(report_wakeup_error, (void *)(intptr_t)errno);
}

static void signal_handler(int number) {
    int saved = errno;
    trip(number);
    errno = saved;
}

/* True if the function is called for the signal, rather than being SIG_DFL, SIG_IGN or unknown. */
static int is_callable_action(PyObject *function) {
    return function != NULL && function != state.default_action && function != state.ignore_action;
}

/* Calls the handlers of all tripped signals. Returns 0, or -1 with an exception. Main thread only. */
static int run_handlers(PyThreadState *thread) {
    if (!state.any_tripped) return 0;
    state.any_tripped = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    KrFrame *current = kr_frame_first_complete(kr_current_frame(thread));
    PyObject *frame = current == NULL ? NULL : (PyObject *)kr_frame_object(current);
    if (frame == NULL) {
        PyErr_Clear();
        frame = Py_None;
    }
    Py_INCREF(frame);
    int result = 0;
    for (int number = 1; number < NSIG && result == 0; number++) {
        if (!state.handler[number].tripped) continue;
        state.handler[number].tripped = 0;
        PyObject *function = state.handler[number].function;
        if (!is_callable_action(function)) { /* changed between arrival and now */
            PyErr_Format(PyExc_OSError, "Signal %i ignored due to race condition", number);
            PyErr_WriteUnraisable(Py_None);
            continue;
        }
        PyObject *number_object = PyLong_FromLong(number), *value = NULL;
        Py_INCREF(function);
        if (number_object != NULL) {
            PyObject *args[] = {number_object, frame};
            value = PyObject_Vectorcall(function, args, 2, NULL);
        }
        Py_DECREF(function);
        Py_XDECREF(number_object);
        Py_XDECREF(value);
        if (value == NULL) { /* the rest waits */
            state.any_tripped = 1;
            kr_request_signals();
            result = -1;
        }
    }
    Py_DECREF(frame);
    return result;
}

int _PyErr_CheckSignalsTstate(PyThreadState *thread);
int _PyErr_CheckSignalsTstate(PyThreadState *thread) { return run_handlers(thread); }

int _PyErr_CheckSignals(void);
int _PyErr_CheckSignals(void) { return run_handlers(kr_tstate()); }

int PyErr_CheckSignals(void) {
    if (!state.any_tripped || !kr_is_main_thread()) return 0;
    return run_handlers(kr_tstate());
}

int PyErr_SetInterruptEx(int number) {
    if (number < 1 || number >= NSIG) return -1;
    PyObject *function = state.handler[number].function;
    if (function != state.default_action && function != state.ignore_action) trip(number);
    return 0;
}

void PyErr_SetInterrupt(void) { PyErr_SetInterruptEx(SIGINT); }

int PyOS_InterruptOccurred(void) {
    if (!kr_is_main_thread() || !state.handler[SIGINT].tripped) return 0;
    state.handler[SIGINT].tripped = 0;
    return 1;
}

int _PyOS_IsMainThread(void) { return kr_is_main_thread(); }

void kr_signals_after_fork(void) {
    if (!state.any_tripped) return;
    state.any_tripped = 0;
    for (int number = 1; number < NSIG; number++) state.handler[number].tripped = 0;
}

/* ---- Dispositions ---- */

PyOS_sighandler_t PyOS_getsig(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == -1 ? SIG_ERR : action.sa_handler;
}

/* System calls are not restarted after the handler, so that Python code gets to run; faulthandler's stack is used. */
PyOS_sighandler_t PyOS_setsig(int number, PyOS_sighandler_t handler) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK}, old;
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, &old) == -1 ? SIG_ERR : old.sa_handler;
}

void _Py_RestoreSignals(void) {
    PyOS_setsig(SIGPIPE, SIG_DFL);
    PyOS_setsig(SIGXFSZ, SIG_DFL);
}

/* Fills the table with what the process inherited. Returns 0 or -1. */
static int load_dispositions(void) {
    if (state.loaded) return 0;
    if (state.default_action == NULL) state.default_action = PyLong_FromVoidPtr((void *)SIG_DFL);
    if (state.ignore_action == NULL) state.ignore_action = PyLong_FromVoidPtr((void *)SIG_IGN);
    if (state.default_action == NULL || state.ignore_action == NULL) return -1;
    for (int number = 1; number < NSIG; number++) {
        PyOS_sighandler_t handler = PyOS_getsig(number);
        state.handler[number].tripped = 0;
        state.handler[number].function = handler == SIG_DFL   ? Py_NewRef(state.default_action)
                                         : handler == SIG_IGN ? Py_NewRef(state.ignore_action)
                                                              : NULL;
    }
    kr_run_signal_handlers = run_handlers;
    state.loaded = 1;
    return 0;
}

int kr_signals_start(void) {
    PyOS_setsig(SIGPIPE, SIG_IGN); /* a write to a closed pipe raises BrokenPipeError, one beyond RLIMIT_FSIZE OSError */
    PyOS_setsig(SIGXFSZ, SIG_IGN);
    PyObject *module = PyImport_ImportModule("_signal");
    if (module == NULL) return -1;
    int result = 0;
    if (state.handler[SIGINT].function == state.default_action) {
        PyObject *function = PyObject_GetAttrString(module, "default_int_handler");
        if (function == NULL)
            result = -1;
        else
            Py_SETREF(state.handler[SIGINT].function, function);
        PyOS_setsig(SIGINT, signal_handler);
    }
    Py_DECREF(module);
    return result;
}

void kr_signals_finish(void) {
    state.wakeup_descriptor = -1;
    for (int number = 1; number < NSIG; number++) {
        PyObject *function = state.handler[number].function;
        state.handler[number].tripped = 0;
        state.handler[number].function = NULL;
        if (is_callable_action(function)) PyOS_setsig(number, SIG_DFL);
        Py_XDECREF(function);
    }
    kr_run_signal_handlers = NULL;
    state.loaded = 0;
    Py_CLEAR(state.default_action);
    Py_CLEAR(state.ignore_action);
    Py_CLEAR(state.itimer_error);
    Py_CLEAR(state.info_type);
}

/* ---- Arguments and results ---- */

static int int_argument(PyObject *object, int *value) {
    *value = _PyLong_AsInt(object);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

/* A signal number; ValueError if there is no such signal. */
static int signal_argument(PyObject *object, int *number) {
    if (int_argument(object, number) < 0) return -1;
    if (*number >= 1 && *number < NSIG) return 0;
    PyErr_SetString(PyExc_ValueError, "signal number out of range");
    return -1;
}

int _Py_Sigset_Converter(PyObject *signals, void *data) {
    sigset_t *set = data;
    if (sigemptyset(set) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return 0;
    }
    PyObject *iterator = PyObject_GetIter(signals), *item;
    if (iterator == NULL) return 0;
    while ((item = PyIter_Next(iterator)) != NULL) {
        int overflow;
        long number = PyLong_AsLongAndOverflow(item, &overflow);
        Py_DECREF(item);
        if (number <= 0 || number >= NSIG) {
            if (overflow || !PyErr_Occurred())
                PyErr_Format(PyExc_ValueError, "signal number %ld out of range [1; %i]", number, NSIG - 1);
            goto error;
        }
        if (sigaddset(set, (int)number) != 0) {
            if (errno != EINVAL) {
                PyErr_SetFromErrno(PyExc_OSError);
                goto error;
            }
            /* numbers that the thread library keeps to itself */
            if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "invalid signal number %ld, please use valid_signals()",
                                 number) != 0)
                goto error;
        }
    }
    Py_DECREF(iterator);
    return PyErr_Occurred() ? 0 : 1;

error:
    Py_DECREF(iterator);
    return 0;
}

static PyObject *set_of_signals(const sigset_t *signals) {
    PyObject *result = PySet_New(NULL);
    for (int number = 1; number < NSIG && result != NULL; number++) {
        if (sigismember(signals, number) != 1) continue;
        PyObject *item = PyLong_FromLong(number);
        if (item == NULL || PySet_Add(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    return result;
}

/* ---- Handlers ---- */

PyDoc_STRVAR(default_int_handler_doc, "default_int_handler($module, signalnum, frame, /)\n--\n\n"
                                      "Handler of SIGINT that start-up installs: raises KeyboardInterrupt.");
static PyObject *signal_default_int_handler(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int number;
    if (!_PyArg_CheckPositional("default_int_handler", count, 2, 2) || int_argument(args[0], &number) < 0) return NULL;
    PyErr_SetNone(PyExc_KeyboardInterrupt);
    return NULL;
}

PyDoc_STRVAR(signal_doc, "signal($module, signalnum, handler, /)\n--\n\n"
                         "Set what a signal does: SIG_DFL, SIG_IGN, or a callable of the number and the frame.\n\n"
                         "Returns what it did before, None if that is not known. For the main thread only.");
static PyObject *signal_signal(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int number;
    if (!_PyArg_CheckPositional("signal", count, 2, 2) || int_argument(args[0], &number) < 0) return NULL;
    if (!kr_is_main_thread() || !kr_interpreter_is_main(kr_tstate()->interp)) {
        PyErr_SetString(PyExc_ValueError, "signal only works in main thread of the main interpreter");
        return NULL;
    }
    if (number < 1 || number >= NSIG) {
        PyErr_SetString(PyExc_ValueError, "signal number out of range");
        return NULL;
    }
    PyObject *function = args[1];
    PyOS_sighandler_t action;
    if (PyCallable_Check(function)) {
        action = signal_handler;
    } else {
        int is_int = PyLong_CheckExact(function);
        int ignores = is_int ? PyObject_RichCompareBool(function, state.ignore_action, Py_EQ) : 0;
        int defaults = is_int ? PyObject_RichCompareBool(function, state.default_action, Py_EQ) : 0;
        if (ignores < 0 || defaults < 0) return NULL;
        if (!ignores && !defaults) {
            PyErr_SetString(PyExc_TypeError,
                            "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object");
            return NULL;
        }
        function = ignores ? state.ignore_action : state.default_action;
        action = ignores ? SIG_IGN : SIG_DFL;
    }
    if (PyErr_CheckSignals() < 0) return NULL; /* what came so far is for the old handler */
    if (PyOS_setsig(number, action) == SIG_ERR) return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *old = state.handler[number].function;
    state.handler[number].function = Py_NewRef(function);
    return old != NULL ? old : Py_NewRef(Py_None);
}

PyDoc_STRVAR(getsignal_doc, "getsignal($module, signalnum, /)\n--\n\n"
                            "What a signal does: SIG_DFL, SIG_IGN, a callable, or None for a handler not from Python.");
static PyObject *signal_getsignal(PyObject *module, PyObject *argument) {
    int number;
    if (signal_argument(argument, &number) < 0) return NULL;
    PyObject *function = state.handler[number].function;
    return Py_NewRef(function != NULL ? function : Py_None);
}

PyDoc_STRVAR(siginterrupt_doc, "siginterrupt($module, signalnum, flag, /)\n--\n\n"
                               "Let a signal interrupt system calls (true) or have them restarted (false).");
static PyObject *signal_siginterrupt(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int number, flag;
    if (!_PyArg_CheckPositional("siginterrupt", count, 2, 2) || int_argument(args[0], &number) < 0 ||
        int_argument(args[1], &flag) < 0)
        return NULL;
    if (number < 1 || number >= NSIG) {
        PyErr_SetString(PyExc_ValueError, "signal number out of range");
        return NULL;
    }
    struct sigaction action;
    if (sigaction(number, NULL, &action) < 0) return PyErr_SetFromErrno(PyExc_OSError);
    action.sa_flags = flag ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
    if (sigaction(number, &action, NULL) < 0) return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_wakeup_fd_doc, "set_wakeup_fd(fd, *, warn_on_full_buffer=True) -> fd\n\n"
                                "Set the descriptor to which each signal's number is written as a byte, -1 for none.\n\n"
                                "It must be non-blocking. Returns the old one. For the main thread only.");
static PyObject *signal_set_wakeup_fd(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"", "warn_on_full_buffer", NULL};
    int descriptor, warn = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|$p:set_wakeup_fd", keywords, &descriptor, &warn)) return NULL;
    if (!kr_is_main_thread() || !kr_interpreter_is_main(kr_tstate()->interp)) {
        PyErr_SetString(PyExc_ValueError, "set_wakeup_fd only works in main thread of the main interpreter");
        return NULL;
    }
    if (descriptor != -1) {
        int flags = fcntl(descriptor, F_GETFL);
        if (flags < 0) return PyErr_SetFromErrno(PyExc_OSError);
        if (!(flags & O_NONBLOCK)) {
            PyErr_Format(PyExc_ValueError, "the fd %i must be in non-blocking mode", descriptor);
            return NULL;
        }
    }
    int old = state.wakeup_descriptor;
    state.wakeup_descriptor = descriptor;
    state.warn_on_full_buffer = warn;
    return PyLong_FromLong(old);
}

int PySignal_SetWakeupFd(int descriptor) {
    int old = state.wakeup_descriptor;
    state.wakeup_descriptor = descriptor < 0 ? -1 : descriptor;
    state.warn_on_full_buffer = 1;
    return old;
}

/* ---- Timers ---- */

PyDoc_STRVAR(alarm_doc, "alarm($module, seconds, /)\n--\n\n"
                        "Send SIGALRM after some seconds; 0 cancels. Returns how many the earlier alarm had left.");
static PyObject *signal_alarm(PyObject *module, PyObject *argument) {
    int seconds;
    if (int_argument(argument, &seconds) < 0) return NULL;
    return PyLong_FromLong((long)alarm((unsigned)seconds));
}

PyDoc_STRVAR(pause_doc, "pause($module, /)\n--\n\nWait until a signal arrives.");
static PyObject *signal_pause(PyObject *module, PyObject *unused) {
    Py_BEGIN_ALLOW_THREADS
    (void)pause();
    Py_END_ALLOW_THREADS
    if (PyErr_CheckSignals() < 0) return NULL;
    Py_RETURN_NONE;
}

static int timeval_argument(PyObject *object, struct timeval *value) {
    _PyTime_t time;
    if (object == NULL) {
        value->tv_sec = value->tv_usec = 0;
        return 0;
    }
    if (_PyTime_FromSecondsObject(&time, object, _PyTime_ROUND_CEILING) < 0) return -1;
    return _PyTime_AsTimeval(time, value, _PyTime_ROUND_CEILING);
}

static double timeval_seconds(const struct timeval *value) {
    return (double)value->tv_sec + (double)value->tv_usec / 1e6;
}

static PyObject *timer_tuple(const struct itimerval *timer) {
    return Py_BuildValue("(dd)", timeval_seconds(&timer->it_value), timeval_seconds(&timer->it_interval));
}

PyDoc_STRVAR(setitimer_doc, "setitimer($module, which, seconds, interval=0.0, /)\n--\n\n"
                            "Start a timer: its signal comes after some seconds, then every interval; 0 stops it.\n\n"
                            "Returns the old seconds and interval.");
static PyObject *signal_setitimer(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int which;
    struct itimerval timer, old;
    if (!_PyArg_CheckPositional("setitimer", count, 2, 3) || int_argument(args[0], &which) < 0 ||
        timeval_argument(args[1], &timer.it_value) < 0 ||
        timeval_argument(count > 2 ? args[2] : NULL, &timer.it_interval) < 0)
        return NULL;
    if (setitimer((__itimer_which_t)which, &timer, &old) != 0) return PyErr_SetFromErrno(state.itimer_error);
    return timer_tuple(&old);
}

PyDoc_STRVAR(getitimer_doc, "getitimer($module, which, /)\n--\n\nThe seconds and interval of a timer.");
static PyObject *signal_getitimer(PyObject *module, PyObject *argument) {
    int which;
    struct itimerval timer;
    if (int_argument(argument, &which) < 0) return NULL;
    if (getitimer((__itimer_which_t)which, &timer) != 0) return PyErr_SetFromErrno(state.itimer_error);
    return timer_tuple(&timer);
}

/* ---- Sending ---- */

PyDoc_STRVAR(raise_signal_doc, "raise_signal($module, signalnum, /)\n--\n\nSend a signal to this process.");
static PyObject *signal_raise_signal(PyObject *module, PyObject *argument) {
    int number, failed;
    if (int_argument(argument, &number) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    failed = raise(number) != 0;
    Py_END_ALLOW_THREADS
    if (failed) return PyErr_SetFromErrno(PyExc_OSError);
    if (PyErr_CheckSignals() < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(pthread_kill_doc, "pthread_kill($module, thread_id, signalnum, /)\n--\n\nSend a signal to a thread.");
static PyObject *signal_pthread_kill(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int number;
    if (!_PyArg_CheckPositional("pthread_kill", count, 2, 2)) return NULL;
    if (!PyLong_Check(args[0])) {
        PyErr_Format(PyExc_TypeError, "pthread_kill() argument 1 must be int, not %.50s",
                     args[0] == Py_None ? "None" : Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    unsigned long thread = PyLong_AsUnsignedLongMask(args[0]);
    if (int_argument(args[1], &number) < 0 || PySys_Audit("signal.pthread_kill", "ki", thread, number) < 0) return NULL;
    int error = pthread_kill((pthread_t)thread, number);
    if (error != 0) {
        errno = error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    if (PyErr_CheckSignals() < 0) return NULL; /* it may have been for this thread */
    Py_RETURN_NONE;
}

PyDoc_STRVAR(pidfd_send_signal_doc, "pidfd_send_signal($module, pidfd, signalnum, siginfo=None, flags=0, /)\n--\n\n"
                                    "Send a signal to the process that a pid descriptor refers to.");
static PyObject *signal_pidfd_send_signal(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int descriptor, number, flags = 0;
    if (!_PyArg_CheckPositional("pidfd_send_signal", count, 2, 4) || int_argument(args[0], &descriptor) < 0 ||
        int_argument(args[1], &number) < 0 || (count > 3 && int_argument(args[3], &flags) < 0))
        return NULL;
    if (count > 2 && args[2] != Py_None) {
        PyErr_SetString(PyExc_TypeError, "siginfo must be None");
        return NULL;
    }
    if (syscall(SYS_pidfd_send_signal, descriptor, number, NULL, flags) < 0) return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

/* ---- Masks and waiting ---- */

PyDoc_STRVAR(pthread_sigmask_doc, "pthread_sigmask($module, how, mask, /)\n--\n\n"
                                  "Change the calling thread's set of blocked signals; returns the set before.");
static PyObject *signal_pthread_sigmask(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    int how;
    sigset_t mask, old;
    if (!_PyArg_CheckPositional("pthread_sigmask", count, 2, 2) || int_argument(args[0], &how) < 0 ||
        !_Py_Sigset_Converter(args[1], &mask))
        return NULL;
    int error = pthread_sigmask(how, &mask, &old);
    if (error != 0) {
        errno = error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    if (PyErr_CheckSignals() < 0) return NULL; /* those that were let through */
    return set_of_signals(&old);
}

PyDoc_STRVAR(sigpending_doc, "sigpending($module, /)\n--\n\nThe set of signals that arrived while blocked.");
static PyObject *signal_sigpending(PyObject *module, PyObject *unused) {
    sigset_t mask;
    if (sigpending(&mask) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    return set_of_signals(&mask);
}

PyDoc_STRVAR(sigwait_doc, "sigwait($module, sigset, /)\n--\n\n"
                          "Wait for one of the (blocked) signals; returns its number and takes it.");
static PyObject *signal_sigwait(PyObject *module, PyObject *argument) {
    sigset_t set;
    int number, error;
    if (!_Py_Sigset_Converter(argument, &set)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    error = sigwait(&set, &number);
    Py_END_ALLOW_THREADS
    if (error != 0) {
        errno = error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromLong(number);
}

static PyObject *make_info(const siginfo_t *info) {
    PyObject *result = PyStructSequence_New(state.info_type);
    if (result == NULL) return NULL;
    PyStructSequence_SET_ITEM(result, 0, PyLong_FromLong(info->si_signo));
    PyStructSequence_SET_ITEM(result, 1, PyLong_FromLong(info->si_code));
    PyStructSequence_SET_ITEM(result, 2, PyLong_FromLong(info->si_errno));
    PyStructSequence_SET_ITEM(result, 3, PyLong_FromLong(info->si_pid));
    PyStructSequence_SET_ITEM(result, 4, PyLong_FromLong((long)info->si_uid));
    PyStructSequence_SET_ITEM(result, 5, PyLong_FromLong(info->si_status));
    PyStructSequence_SET_ITEM(result, 6, PyLong_FromLong(info->si_band));
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

PyDoc_STRVAR(sigwaitinfo_doc, "sigwaitinfo($module, sigset, /)\n--\n\n"
                              "Wait for one of the (blocked) signals; returns a struct_siginfo about it.");
static PyObject *signal_sigwaitinfo(PyObject *module, PyObject *argument) {
    sigset_t set;
    siginfo_t info;
    if (!_Py_Sigset_Converter(argument, &set)) return NULL;
    for (;;) {
        int number;
        Py_BEGIN_ALLOW_THREADS
        number = sigwaitinfo(&set, &info);
        Py_END_ALLOW_THREADS
        if (number != -1) return make_info(&info);
        if (errno != EINTR) return PyErr_SetFromErrno(PyExc_OSError);
        if (PyErr_CheckSignals() < 0) return NULL;
    }
}

PyDoc_STRVAR(sigtimedwait_doc, "sigtimedwait($module, sigset, timeout, /)\n--\n\n"
                               "Like sigwaitinfo(), but gives None when the timeout in seconds has passed.");
static PyObject *signal_sigtimedwait(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    sigset_t set;
    siginfo_t info;
    _PyTime_t timeout;
    if (!_PyArg_CheckPositional("sigtimedwait", count, 2, 2) || !_Py_Sigset_Converter(args[0], &set) ||
        _PyTime_FromSecondsObject(&timeout, args[1], _PyTime_ROUND_CEILING) < 0)
        return NULL;
    if (timeout < 0) {
        PyErr_SetString(PyExc_ValueError, "timeout must be non-negative");
        return NULL;
    }
    _PyTime_t deadline = _PyDeadline_Init(timeout);
    do {
        struct timespec interval;
        int number;
        if (_PyTime_AsTimespec(timeout, &interval) < 0) return NULL;
        Py_BEGIN_ALLOW_THREADS
        number = sigtimedwait(&set, &info, &interval);
        Py_END_ALLOW_THREADS
        if (number != -1) return make_info(&info);
        if (errno != EINTR) {
            if (errno == EAGAIN) Py_RETURN_NONE;
            return PyErr_SetFromErrno(PyExc_OSError);
        }
        if (PyErr_CheckSignals() < 0) return NULL;
        timeout = _PyDeadline_Get(deadline);
    } while (timeout >= 0);
    Py_RETURN_NONE;
}

/* ---- Names and sets ---- */

PyDoc_STRVAR(strsignal_doc, "strsignal($module, signalnum, /)\n--\n\n"
                            "The system's description of a signal, None if it has none.");
static PyObject *signal_strsignal(PyObject *module, PyObject *argument) {
    int number;
    if (signal_argument(argument, &number) < 0) return NULL;
    errno = 0;
    const char *text = strsignal(number);
    if (errno != 0 || text == NULL || strstr(text, "Unknown signal") != NULL) Py_RETURN_NONE;
    return PyUnicode_FromString(text);
}

PyDoc_STRVAR(valid_signals_doc, "valid_signals($module, /)\n--\n\nThe set of signal numbers that programs may use.");
static PyObject *signal_valid_signals(PyObject *module, PyObject *unused) {
    sigset_t mask;
    if (sigemptyset(&mask) != 0 || sigfillset(&mask) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    return set_of_signals(&mask);
}

/* ---- The module ---- */

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef methods[] = {
    {"alarm", signal_alarm, METH_O, alarm_doc},
    {"default_int_handler", FASTCALL(signal_default_int_handler), METH_FASTCALL, default_int_handler_doc},
    {"getitimer", signal_getitimer, METH_O, getitimer_doc},
    {"getsignal", signal_getsignal, METH_O, getsignal_doc},
    {"pause", signal_pause, METH_NOARGS, pause_doc},
    {"pidfd_send_signal", FASTCALL(signal_pidfd_send_signal), METH_FASTCALL, pidfd_send_signal_doc},
    {"pthread_kill", FASTCALL(signal_pthread_kill), METH_FASTCALL, pthread_kill_doc},
    {"pthread_sigmask", FASTCALL(signal_pthread_sigmask), METH_FASTCALL, pthread_sigmask_doc},
    {"raise_signal", signal_raise_signal, METH_O, raise_signal_doc},
    {"set_wakeup_fd", FASTCALL(signal_set_wakeup_fd), METH_VARARGS | METH_KEYWORDS, set_wakeup_fd_doc},
    {"setitimer", FASTCALL(signal_setitimer), METH_FASTCALL, setitimer_doc},
    {"siginterrupt", FASTCALL(signal_siginterrupt), METH_FASTCALL, siginterrupt_doc},
    {"signal", FASTCALL(signal_signal), METH_FASTCALL, signal_doc},
    {"sigpending", signal_sigpending, METH_NOARGS, sigpending_doc},
    {"sigtimedwait", FASTCALL(signal_sigtimedwait), METH_FASTCALL, sigtimedwait_doc},
    {"sigwait", signal_sigwait, METH_O, sigwait_doc},
    {"sigwaitinfo", signal_sigwaitinfo, METH_O, sigwaitinfo_doc},
    {"strsignal", signal_strsignal, METH_O, strsignal_doc},
    {"valid_signals", signal_valid_signals, METH_NOARGS, valid_signals_doc},
    {NULL},
};

static PyStructSequence_Field info_fields[] = {
    {"si_signo", "signal number"},
    {"si_code", "why it was sent"},
    {"si_errno", "error number that goes with it"},
    {"si_pid", "process that sent it"},
    {"si_uid", "real user of the sender"},
    {"si_status", "exit value or signal of a child"},
    {"si_band", "band event of SIGPOLL"},
    {NULL, NULL},
};

static PyStructSequence_Desc info_description = {
    "signal.struct_siginfo", "What sigwaitinfo() and sigtimedwait() say about a signal.", info_fields, 7};

static int add_constants(PyObject *module) {
    static const KrConstant constants[] = {
#define CONSTANT(name) {#name, name}
        CONSTANT(NSIG),        CONSTANT(SIG_BLOCK), CONSTANT(SIG_UNBLOCK), CONSTANT(SIG_SETMASK),    CONSTANT(SIGHUP),
        CONSTANT(SIGINT),      CONSTANT(SIGQUIT),   CONSTANT(SIGILL),      CONSTANT(SIGTRAP),        CONSTANT(SIGIOT),
        CONSTANT(SIGABRT),     CONSTANT(SIGFPE),    CONSTANT(SIGKILL),     CONSTANT(SIGBUS),         CONSTANT(SIGSEGV),
        CONSTANT(SIGSYS),      CONSTANT(SIGPIPE),   CONSTANT(SIGALRM),     CONSTANT(SIGTERM),        CONSTANT(SIGUSR1),
        CONSTANT(SIGUSR2),     CONSTANT(SIGCLD),    CONSTANT(SIGCHLD),     CONSTANT(SIGPWR),         CONSTANT(SIGIO),
        CONSTANT(SIGURG),      CONSTANT(SIGWINCH),  CONSTANT(SIGPOLL),     CONSTANT(SIGSTOP),        CONSTANT(SIGTSTP),
        CONSTANT(SIGCONT),     CONSTANT(SIGTTIN),   CONSTANT(SIGTTOU),     CONSTANT(SIGVTALRM),      CONSTANT(SIGPROF),
        CONSTANT(SIGXCPU),     CONSTANT(SIGXFSZ),   CONSTANT(SIGSTKFLT),   CONSTANT(ITIMER_REAL),    CONSTANT(ITIMER_VIRTUAL),
        CONSTANT(ITIMER_PROF),
#undef CONSTANT
    };
    if (KR_ADD_CONSTANTS(module, constants) < 0) return -1;
    /* the range is known at run time only */
    if (PyModule_AddIntConstant(module, "SIGRTMIN", SIGRTMIN) < 0) return -1;
    return PyModule_AddIntConstant(module, "SIGRTMAX", SIGRTMAX);
}

static int execute(PyObject *module) {
    if (load_dispositions() < 0) return -1;
    if (state.info_type == NULL && (state.info_type = PyStructSequence_NewType(&info_description)) == NULL) return -1;
    if (state.itimer_error == NULL &&
        (state.itimer_error = PyErr_NewException("signal.itimer_error", PyExc_OSError, NULL)) == NULL)
        return -1;
    if (PyModule_AddObjectRef(module, "SIG_DFL", state.default_action) < 0) return -1;
    if (PyModule_AddObjectRef(module, "SIG_IGN", state.ignore_action) < 0) return -1;
    if (PyModule_AddObjectRef(module, "ItimerError", state.itimer_error) < 0) return -1;
    if (PyModule_AddObjectRef(module, "struct_siginfo", (PyObject *)state.info_type) < 0) return -1;
    return add_constants(module);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_signal",
    .m_doc = "Signals: setting their handlers, sending them, waiting for them.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__signal(void) { return PyModuleDef_Init(&definition); }
