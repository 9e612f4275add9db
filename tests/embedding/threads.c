/* Threads of the program itself that call Python: states made for them, nested ones, pending calls, an interpreter that waits. */
#include <Python.h>

#include <pthread.h>

enum { THREADS = 4, CALLS = 200 };
static PyObject *count; /* a function of Python's */
static int pending, failures;

static int add_pending(void *argument) {
    pending += (int)(intptr_t)argument;
    return 0;
}

static void *work(void *argument) {
    for (int i = 0; i < CALLS; i++) {
        PyGILState_STATE outer = PyGILState_Ensure();
        PyThreadState *mine = PyGILState_GetThisThreadState();
        PyGILState_STATE inner = PyGILState_Ensure();
        if (inner != PyGILState_LOCKED || outer != PyGILState_UNLOCKED || mine != PyThreadState_Get()) failures++;
        PyObject *result = PyObject_CallFunction(count, "ni", (Py_ssize_t)(intptr_t)argument, i);
        if (result == NULL) failures++;
        Py_XDECREF(result);
        Py_BEGIN_ALLOW_THREADS
        if (PyGILState_Check()) failures++;
        Py_END_ALLOW_THREADS
        PyGILState_Release(inner);
        if (!PyGILState_Check()) failures++;
        PyGILState_Release(outer);
        if (PyGILState_GetThisThreadState() != NULL) failures++;
    }
    return NULL;
}

/* A thread whose exception nobody handles: it is reported, and the thread goes on. */
static void *fail(void *argument) {
    PyGILState_STATE held = PyGILState_Ensure();
    PyObject *result = PyObject_CallFunction(argument, NULL);
    if (result == NULL) PyErr_WriteUnraisable(argument);
    Py_XDECREF(result);
    PyGILState_Release(held);
    return NULL;
}

static void at_exit(void) { printf("at exit\n"); }

int main(void) {
    Py_Initialize();
    if (Py_AtExit(at_exit) != 0) return 1;
    PyRun_SimpleString("import threading, sys\n"
                       "seen, names, local = {}, set(), threading.local()\n"
                       "def count(thread, i):\n"
                       "    names.add(threading.current_thread().name.split('-')[0])\n"
                       "    assert not hasattr(local, 'thread')\n"
                       "    local.thread = thread\n"
                       "    seen[thread] = seen.get(thread, 0) + i\n"
                       "def fail():\n"
                       "    raise KeyError('lost')\n"
                       "def report(unraisable):\n"
                       "    print('report:', unraisable.exc_type.__name__, unraisable.exc_value, unraisable.object is fail)\n"
                       "    sys.stdout.flush()\n"
                       "sys.unraisablehook = report\n");
    PyObject *module = PyImport_AddModule("__main__"), *failing = PyObject_GetAttrString(module, "fail");
    count = PyObject_GetAttrString(module, "count");
    if (count == NULL || failing == NULL) return 1;
    for (int i = 1; i <= 3; i++) Py_AddPendingCall(add_pending, (void *)(intptr_t)i);
    pthread_t threads[THREADS], last;
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)(intptr_t)i);
    PyThreadState *main_state = PyEval_SaveThread();
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_create(&last, NULL, fail, failing);
    pthread_join(last, NULL);
    PyEval_RestoreThread(main_state);
    PyRun_SimpleString("print(sorted(seen.items()), names, threading.active_count() >= 1)\n");
    printf("pending %d, failures %d, %d\n", pending, failures, PyGILState_GetThisThreadState() == main_state);
    fflush(stdout);
    Py_DECREF(count);
    Py_DECREF(failing);
    return Py_FinalizeEx() < 0;
}
