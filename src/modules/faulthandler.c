/* faulthandler: Python tracebacks when the process crashes, hangs, or is asked to by a signal.
 *
 * Invariant: what the handlers need is in the static record below before the handler is installed, and stays there until
 * after it was removed; they run on their own stack and use only what runtime/dump.h offers.
 */
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fileutils.h"
#include "object/names.h"
#include "object/runtime.h"
#include "runtime/dump.h"
#include "runtime/lifecycle.h"

typedef struct {
    int number;
    const char *name;
    int enabled;
    struct sigaction previous;
} FatalSignal;

typedef struct {
    int enabled;
    PyObject *file; /* kept open while registered */
    int descriptor;
    int all_threads;
    int chain;
    struct sigaction previous;
} UserSignal;

static struct {
    FatalSignal fatal[5];
    int enabled;
    PyObject *file;
    int descriptor;
    int all_threads;

    UserSignal *user; /* NSIG entries, or NULL */

    struct {
        PyObject *file;
        int descriptor;
        PY_TIMEOUT_T timeout; /* microseconds */
        int repeat, exit;
        PyInterpreterState *interpreter;
        char header[64];
        PyThread_type_lock cancel;  /* held by the main thread; released to end the watchdog */
        PyThread_type_lock running; /* held by the watchdog while it runs */
    } later;

    stack_t stack, old_stack; /* ss_sp is NULL until there is one */
} state = {
    .fatal = {{SIGBUS, "Bus error", 0, {{0}, {{0}}, 0, NULL}},
              {SIGILL, "Illegal instruction", 0, {{0}, {{0}}, 0, NULL}},
              {SIGFPE, "Floating point exception", 0, {{0}, {{0}}, 0, NULL}},
              {SIGABRT, "Aborted", 0, {{0}, {{0}}, 0, NULL}},
              {SIGSEGV, "Segmentation fault", 0, {{0}, {{0}}, 0, NULL}}},
    .descriptor = -1,
};

enum { FATAL_SIGNALS = Py_ARRAY_LENGTH(state.fatal) };

static void put(int descriptor, const char *text) { _Py_write_noraise(descriptor, text, strlen(text)); }

/* ---- The file argument ---- */

/* Finds the descriptor of `*file`: an int, an object with fileno(), or sys.stderr for NULL and None; flushes it. On success
 * `*file` is the file object to keep alive, or NULL for an int; borrowed. Returns -1 on error. */
static int find_descriptor(PyObject **file) {
    PyObject *object = *file;
    if (object == NULL || object == Py_None) {
        object = PySys_GetObject("stderr");
        if (object == NULL || object == Py_None) {
            PyErr_SetString(PyExc_RuntimeError, object == NULL ? "unable to get sys.stderr" : "sys.stderr is None");
            return -1;
        }
    } else if (PyLong_Check(object)) {
        int descriptor = _PyLong_AsInt(object);
        if (descriptor == -1 && PyErr_Occurred()) return -1;
        if (descriptor < 0) {
            PyErr_SetString(PyExc_ValueError, "file is not a valid file descripter");
            return -1;
        }
        *file = NULL;
        return descriptor;
    }
    PyObject *number = PyObject_CallMethodNoArgs(object, KR_NAME(fileno));
    if (number == NULL) return -1;
    long descriptor = -1;
    if (PyLong_Check(number)) {
        descriptor = PyLong_AsLong(number);
        if (descriptor < 0 || descriptor > INT_MAX) descriptor = -1;
    }
    Py_DECREF(number);
    if (descriptor == -1) {
        PyErr_SetString(PyExc_RuntimeError, "file.fileno() is not a valid file descriptor");
        return -1;
    }
    PyObject *flushed = PyObject_CallMethodNoArgs(object, KR_NAME(flush));
    if (flushed == NULL) PyErr_Clear();
    Py_XDECREF(flushed);
    *file = object;
    return (int)descriptor;
}

static PyThreadState *this_thread(void) {
    PyThreadState *thread = _PyThreadState_UncheckedGet();
    if (thread == NULL) PyErr_SetString(PyExc_RuntimeError, "unable to get the current thread state");
    return thread;
}

/* ---- Dumping ---- */

/* The lock may have been released, so the current thread is found by the thread's own record. */
static void dump(int descriptor, int all_threads, PyInterpreterState *interpreter) {
    static volatile int busy; /* a crash while dumping ends the process instead of dumping again */
    if (busy) return;
    busy = 1;
    PyThreadState *thread = PyGILState_GetThisThreadState();
    if (all_threads)
        _Py_DumpTracebackThreads(descriptor, interpreter, thread);
    else if (thread != NULL)
        _Py_DumpTraceback(descriptor, thread);
    busy = 0;
}

void kr_faulthandler_dump_current(int descriptor) {
    put(descriptor, "\n");
    _Py_DumpTracebackThreads(descriptor, NULL, PyGILState_GetThisThreadState());
    _Py_DumpExtensionModules(descriptor, _PyRuntime.main_interpreter);
}

PyDoc_STRVAR(dump_traceback_doc, "dump_traceback(file=sys.stderr, all_threads=True)\n\n"
                                 "Write the stack of this thread, or of all threads, to a file.");
static PyObject *dump_traceback(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"file", "all_threads", NULL};
    PyObject *file = NULL;
    int all_threads = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Oi:dump_traceback", keywords, &file, &all_threads)) return NULL;
    int descriptor = find_descriptor(&file);
    if (descriptor < 0) return NULL;
    PyThreadState *thread = this_thread();
    if (thread == NULL) return NULL;
    if (all_threads) {
        const char *error = _Py_DumpTracebackThreads(descriptor, NULL, thread);
        if (error != NULL) {
            PyErr_SetString(PyExc_RuntimeError, error);
            return NULL;
        }
    } else {
        _Py_DumpTraceback(descriptor, thread);
    }
    if (PyErr_CheckSignals() < 0) return NULL;
    Py_RETURN_NONE;
}

/* ---- Fatal signals ---- */

static void disable_one(FatalSignal *fatal) {
    if (!fatal->enabled) return;
    fatal->enabled = 0;
    (void)sigaction(fatal->number, &fatal->previous, NULL);
}

/* Writes what happened, then lets the signal do what it would have done without us. */
static void fatal_handler(int number) {
    int saved = errno, descriptor = state.descriptor;
    if (!state.enabled) return;
    FatalSignal *fatal = NULL;
    for (int i = 0; i < FATAL_SIGNALS; i++)
        if (state.fatal[i].number == number) fatal = &state.fatal[i];
    if (fatal != NULL) disable_one(fatal);
    put(descriptor, "Fatal Python error: ");
    put(descriptor, fatal != NULL ? fatal->name : "unexpected signal");
    put(descriptor, "\n\n");
    dump(descriptor, state.all_threads, NULL);
    _Py_DumpExtensionModules(descriptor, _PyRuntime.main_interpreter);
    errno = saved;
    raise(number);
}

/* A stack for the handlers, so that they can run when the thread's own is full. Returns 0 or -1. */
static int make_stack(void) {
    if (state.stack.ss_sp != NULL) return 0;
    enum { STACK_SIZE = 64 * 1024 }; /* bytes: a dump needs a few KiB, the kernel's record of the registers up to 12 */
    size_t size = STACK_SIZE;
    if ((size_t)SIGSTKSZ > size) size = (size_t)SIGSTKSZ;
    state.stack.ss_sp = PyMem_RawMalloc(size);
    if (state.stack.ss_sp == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    state.stack.ss_size = size;
    state.stack.ss_flags = 0;
    if (sigaltstack(&state.stack, &state.old_stack) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        PyMem_RawFree(state.stack.ss_sp);
        state.stack.ss_sp = NULL;
        return -1;
    }
    return 0;
}

static int enable_fatal(void) {
    if (state.enabled) return 0;
    if (make_stack() < 0) return -1;
    state.enabled = 1;
    for (int i = 0; i < FATAL_SIGNALS; i++) {
        FatalSignal *fatal = &state.fatal[i];
        /* the handler may crash itself: it then gets the signal again, whose handler was removed */
        struct sigaction action = {.sa_handler = fatal_handler, .sa_flags = SA_NODEFER | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        if (sigaction(fatal->number, &action, &fatal->previous) != 0) {
            PyErr_SetFromErrno(PyExc_RuntimeError);
            return -1;
        }
        fatal->enabled = 1;
    }
    return 0;
}

static void disable_fatal(void) {
    if (state.enabled) {
        state.enabled = 0;
        for (int i = 0; i < FATAL_SIGNALS; i++) disable_one(&state.fatal[i]);
    }
    Py_CLEAR(state.file);
}

static int enable_with(PyObject *file, int all_threads) {
    int descriptor = find_descriptor(&file);
    if (descriptor < 0 || this_thread() == NULL) return -1;
    Py_XINCREF(file);
    Py_XSETREF(state.file, file);
    state.descriptor = descriptor;
    state.all_threads = all_threads;
    return enable_fatal();
}

PyDoc_STRVAR(enable_doc, "enable(file=sys.stderr, all_threads=True)\n\n"
                         "Have fatal signals (SIGSEGV, SIGFPE, SIGABRT, SIGBUS, SIGILL) write tracebacks to a file.\n\n"
                         "The file must stay open until disable().");
static PyObject *enable(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"file", "all_threads", NULL};
    PyObject *file = NULL;
    int all_threads = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Oi:enable", keywords, &file, &all_threads)) return NULL;
    if (enable_with(file, all_threads) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(disable_doc, "disable()\n\nUndo enable(). Returns whether it was in force.");
static PyObject *disable(PyObject *module, PyObject *unused) {
    int was_enabled = state.enabled;
    disable_fatal();
    return PyBool_FromLong(was_enabled);
}

PyDoc_STRVAR(is_enabled_doc, "is_enabled()->bool\n\nTrue if fatal signals write tracebacks.");
static PyObject *is_enabled(PyObject *module, PyObject *unused) { return PyBool_FromLong(state.enabled); }

/* ---- After a time ---- */

/* The watchdog's thread: waits to be cancelled, and dumps when that does not happen in time. */
static void watch(void *unused) {
    sigset_t all;
    sigfillset(&all); /* signals are for the other threads */
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (;;) {
        if (PyThread_acquire_lock_timed(state.later.cancel, state.later.timeout, 0) == PY_LOCK_ACQUIRED) {
            PyThread_release_lock(state.later.cancel);
            break;
        }
        put(state.later.descriptor, state.later.header);
        const char *error = _Py_DumpTracebackThreads(state.later.descriptor, state.later.interpreter, NULL);
        if (state.later.exit) _exit(1);
        if (error != NULL || !state.later.repeat) break;
    }
    PyThread_release_lock(state.later.running);
}

static void cancel_later(void) {
    if (state.later.cancel == NULL) return;
    PyThread_release_lock(state.later.cancel);
    PyThread_acquire_lock(state.later.running, WAIT_LOCK); /* until the thread has gone */
    PyThread_release_lock(state.later.running);
    PyThread_acquire_lock(state.later.cancel, WAIT_LOCK);
    Py_CLEAR(state.later.file);
}

static void format_timeout(PY_TIMEOUT_T microseconds) {
    unsigned long seconds = (unsigned long)(microseconds / 1000000), minutes = seconds / 60, hours = minutes / 60;
    unsigned part = (unsigned)(microseconds % 1000000);
    char fraction[16] = "";
    if (part != 0) snprintf(fraction, sizeof fraction, ".%06u", part);
    snprintf(state.later.header, sizeof state.later.header, "Timeout (%lu:%02lu:%02lu%s)!\n", hours, minutes % 60,
             seconds % 60, fraction);
}

/* Both locks, the first of them taken. Returns 0 or -1. */
static int make_locks(void) {
    if (state.later.cancel == NULL) {
        state.later.cancel = PyThread_allocate_lock();
        if (state.later.cancel == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        PyThread_acquire_lock(state.later.cancel, WAIT_LOCK);
    }
    if (state.later.running == NULL && (state.later.running = PyThread_allocate_lock()) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(dump_traceback_later_doc,
             "dump_traceback_later(timeout, repeat=False, file=sys.stderr, exit=False)\n\n"
             "Write the stacks of all threads after some seconds, or whenever they have passed again if repeat is true.\n\n"
             "With exit the process then ends at once with status 1.");
static PyObject *dump_traceback_later(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"timeout", "repeat", "file", "exit", NULL};
    PyObject *timeout_object, *file = NULL;
    int repeat = 0, exit = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|iOi:dump_traceback_later", keywords, &timeout_object, &repeat, &file,
                                     &exit))
        return NULL;
    _PyTime_t timeout;
    if (_PyTime_FromSecondsObject(&timeout, timeout_object, _PyTime_ROUND_TIMEOUT) < 0) return NULL;
    PY_TIMEOUT_T microseconds = _PyTime_AsMicroseconds(timeout, _PyTime_ROUND_TIMEOUT);
    if (microseconds <= 0) {
        PyErr_SetString(PyExc_ValueError, "timeout must be greater than 0");
        return NULL;
    }
    if (microseconds > PY_TIMEOUT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "timeout value is too large");
        return NULL;
    }
    PyThreadState *thread = this_thread();
    if (thread == NULL) return NULL;
    int descriptor = find_descriptor(&file);
    if (descriptor < 0 || make_locks() < 0) return NULL;
    cancel_later();
    format_timeout(microseconds);
    Py_XINCREF(file);
    Py_XSETREF(state.later.file, file);
    state.later.descriptor = descriptor;
    state.later.timeout = microseconds;
    state.later.repeat = repeat;
    state.later.exit = exit;
    state.later.interpreter = thread->interp;
    PyThread_acquire_lock(state.later.running, WAIT_LOCK);
    if (PyThread_start_new_thread(watch, NULL) == PYTHREAD_INVALID_THREAD_ID) {
        PyThread_release_lock(state.later.running);
        Py_CLEAR(state.later.file);
        PyErr_SetString(PyExc_RuntimeError, "unable to start watchdog thread");
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(cancel_doc, "cancel_dump_traceback_later()\n\nUndo dump_traceback_later().");
static PyObject *cancel_dump_traceback_later(PyObject *module, PyObject *unused) {
    cancel_later();
    Py_RETURN_NONE;
}

/* ---- On request ---- */

static void user_handler(int number);

static int install_user(int number, int chain, struct sigaction *previous) {
    /* with a chained handler the signal must be able to come again while this one runs */
    struct sigaction action = {.sa_handler = user_handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (chain) action.sa_flags = SA_NODEFER | SA_ONSTACK;
    return sigaction(number, &action, previous);
}

static void user_handler(int number) {
    int saved = errno;
    UserSignal *user = &state.user[number];
    if (!user->enabled) return;
    dump(user->descriptor, user->all_threads, NULL);
    if (user->chain) {
        (void)sigaction(number, &user->previous, NULL);
        errno = saved;
        raise(number);
        saved = errno;
        (void)install_user(number, user->chain, NULL);
    }
    errno = saved;
}

static int check_number(int number) {
    for (int i = 0; i < FATAL_SIGNALS; i++)
        if (state.fatal[i].number == number) {
            PyErr_Format(PyExc_RuntimeError, "signal %i cannot be registered, use enable() instead", number);
            return -1;
        }
    if (number >= 1 && number < NSIG) return 0;
    PyErr_SetString(PyExc_ValueError, "signal number out of range");
    return -1;
}

PyDoc_STRVAR(register_doc, "register(signum, file=sys.stderr, all_threads=True, chain=False)\n\n"
                           "Have a signal write the stack of this thread, or of all threads, to a file.\n\n"
                           "With chain the handler that the signal had before is called too.");
static PyObject *faulthandler_register(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"signum", "file", "all_threads", "chain", NULL};
    int number, all_threads = 1, chain = 0;
    PyObject *file = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "i|Oii:register", keywords, &number, &file, &all_threads, &chain))
        return NULL;
    if (check_number(number) < 0 || this_thread() == NULL) return NULL;
    int descriptor = find_descriptor(&file);
    if (descriptor < 0) return NULL;
    if (state.user == NULL) {
        state.user = PyMem_RawCalloc(NSIG, sizeof(UserSignal));
        if (state.user == NULL) return PyErr_NoMemory();
    }
    UserSignal *user = &state.user[number];
    if (!user->enabled) {
        if (make_stack() < 0) return NULL;
        if (install_user(number, chain, &user->previous) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    }
    Py_XINCREF(file);
    Py_XSETREF(user->file, file);
    user->descriptor = descriptor;
    user->all_threads = all_threads;
    user->chain = chain;
    user->enabled = 1;
    Py_RETURN_NONE;
}

static int unregister_user(UserSignal *user, int number) {
    if (!user->enabled) return 0;
    user->enabled = 0;
    (void)sigaction(number, &user->previous, NULL);
    Py_CLEAR(user->file);
    user->descriptor = -1;
    return 1;
}

PyDoc_STRVAR(unregister_doc, "unregister(signum)\n\nUndo register(). Returns whether the signal was registered.");
static PyObject *unregister(PyObject *module, PyObject *args) {
    int number;
    if (!PyArg_ParseTuple(args, "i:unregister", &number) || check_number(number) < 0) return NULL;
    return PyBool_FromLong(state.user != NULL && unregister_user(&state.user[number], number));
}

/* ---- Crashing, for tests ---- */

/* Crashes that are meant leave no core file. */
static void suppress_core(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
}

static PyObject *read_null(PyObject *module, PyObject *unused) {
    int *volatile nowhere = NULL;
    suppress_core();
    return PyLong_FromLong(*(volatile int *)nowhere);
}

static void crash(void) {
    suppress_core();
    for (;;) raise(SIGSEGV);
}

static PyObject *sigsegv(PyObject *module, PyObject *args) {
    int release_lock = 0;
    if (!PyArg_ParseTuple(args, "|i:_sigsegv", &release_lock)) return NULL;
    if (release_lock) {
        Py_BEGIN_ALLOW_THREADS
        crash();
        Py_END_ALLOW_THREADS
    } else {
        crash();
    }
    Py_RETURN_NONE;
}

static PyObject *sigabrt(PyObject *module, PyObject *unused) {
    suppress_core();
    abort();
}

static PyObject *sigfpe(PyObject *module, PyObject *unused) {
    volatile int one = 1, zero = 0;
    suppress_core();
    volatile int quotient = one / zero;
    raise(SIGFPE); /* processors that do not trap */
    return PyLong_FromLong(quotient);
}

static void fail_in_thread(void *lock) {
    _Py_FatalErrorFunc("faulthandler_fatal_error_thread", "in new thread");
}

static PyObject *fatal_error_c_thread(PyObject *module, PyObject *unused) {
    suppress_core();
    PyThread_type_lock lock = PyThread_allocate_lock();
    if (lock == NULL) return PyErr_NoMemory();
    PyThread_acquire_lock(lock, WAIT_LOCK);
    if (PyThread_start_new_thread(fail_in_thread, lock) == PYTHREAD_INVALID_THREAD_ID) {
        PyThread_free_lock(lock);
        PyErr_SetString(PyExc_RuntimeError, "unable to start the thread");
        return NULL;
    }
    PyThread_acquire_lock(lock, WAIT_LOCK); /* nobody releases it: the thread ends the process */
    Py_RETURN_NONE;
}

/* Recurses until the distance from `start` is beyond the limit. */
static __attribute__((noinline)) uintptr_t use_stack(uintptr_t start, uintptr_t limit, size_t *depth) {
    volatile unsigned char buffer[4096];
    uintptr_t here = (uintptr_t)&buffer, used = start > here ? start - here : here - start;
    buffer[0] = 1;
    buffer[4095] = 0;
    ++*depth;
    if (used >= limit) return used;
    return use_stack(start, limit, depth) + buffer[4095];
}

static PyObject *stack_overflow(PyObject *module, PyObject *unused) {
    enum { STACK_LIMIT = 100 * 1024 * 1024 }; /* bytes: more than any usual stack */
    size_t depth = 0;
    suppress_core();
    uintptr_t used = use_stack((uintptr_t)&depth, STACK_LIMIT, &depth);
    PyErr_Format(PyExc_RuntimeError, "unable to raise a stack overflow (allocated %zu bytes on the stack, %zu recursive calls)",
                 (size_t)used, depth);
    return NULL;
}

/* ---- Start and end ---- */

int kr_faulthandler_start(void) {
    /* sys.stderr does not exist yet: write to its descriptor */
    state.descriptor = STDERR_FILENO;
    state.all_threads = 1;
    return enable_fatal();
}

void kr_faulthandler_finish(void) {
    cancel_later();
    disable_fatal();
    if (state.user != NULL) {
        for (int number = 1; number < NSIG; number++) unregister_user(&state.user[number], number);
        PyMem_RawFree(state.user);
        state.user = NULL;
    }
    if (state.later.cancel != NULL) {
        PyThread_release_lock(state.later.cancel);
        PyThread_free_lock(state.later.cancel);
        state.later.cancel = NULL;
    }
    if (state.later.running != NULL) {
        PyThread_free_lock(state.later.running);
        state.later.running = NULL;
    }
    if (state.stack.ss_sp != NULL) {
        stack_t current;
        /* another library may have put its own in place; only ours is taken away */
        if (sigaltstack(NULL, &current) == 0 && current.ss_sp == state.stack.ss_sp) sigaltstack(&state.old_stack, NULL);
        PyMem_RawFree(state.stack.ss_sp);
        state.stack.ss_sp = NULL;
    }
}

/* ---- The module ---- */

#define WITH_KEYWORDS(function) (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

static PyMethodDef methods[] = {
    {"enable", WITH_KEYWORDS(enable), enable_doc},
    {"disable", disable, METH_NOARGS, disable_doc},
    {"is_enabled", is_enabled, METH_NOARGS, is_enabled_doc},
    {"dump_traceback", WITH_KEYWORDS(dump_traceback), dump_traceback_doc},
    {"dump_traceback_later", WITH_KEYWORDS(dump_traceback_later), dump_traceback_later_doc},
    {"cancel_dump_traceback_later", cancel_dump_traceback_later, METH_NOARGS, cancel_doc},
    {"register", WITH_KEYWORDS(faulthandler_register), register_doc},
    {"unregister", unregister, METH_VARARGS, unregister_doc},
    {"_read_null", read_null, METH_NOARGS, "_read_null()\n\nCrash by reading from address 0."},
    {"_sigsegv", sigsegv, METH_VARARGS, "_sigsegv(release_gil=False)\n\nCrash by SIGSEGV."},
    {"_fatal_error_c_thread", fatal_error_c_thread, METH_NOARGS,
     "_fatal_error_c_thread()\n\nEnd by a fatal error in a thread that Python does not know."},
    {"_sigabrt", sigabrt, METH_NOARGS, "_sigabrt()\n\nCrash by SIGABRT."},
    {"_sigfpe", sigfpe, METH_NOARGS, "_sigfpe()\n\nCrash by SIGFPE."},
    {"_stack_overflow", stack_overflow, METH_NOARGS, "_stack_overflow()\n\nCrash by endless recursion in C."},
    {NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "faulthandler",
    .m_doc = "Tracebacks when the process crashes, hangs, or receives a signal.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_faulthandler(void) { return PyModuleDef_Init(&definition); }
