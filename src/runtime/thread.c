/* Native threads, locks and thread-specific storage (pythread.h). */
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "object/runtime.h"
#include "vm/gil.h"

void PyThread_init_thread(void) {}

typedef struct {
    void (*function)(void *);
    void *argument;
} Start;

static struct {
    size_t stack_size; /* bytes; 0: the system's default */
} state;

static void *run(void *data) {
    Start start = *(Start *)data;
    PyMem_RawFree(data);
    start.function(start.argument);
    return NULL;
}

unsigned long PyThread_start_new_thread(void (*function)(void *), void *argument) {
    pthread_t thread;
    pthread_attr_t attributes;
    Start *start = PyMem_RawMalloc(sizeof(Start));
    if (start == NULL) {
        errno = ENOMEM;
        return PYTHREAD_INVALID_THREAD_ID;
    }
    start->function = function;
    start->argument = argument;
    pthread_attr_init(&attributes);
    if (state.stack_size != 0) pthread_attr_setstacksize(&attributes, state.stack_size);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &attributes, run, start);
    pthread_attr_destroy(&attributes);
    if (failed) {
        PyMem_RawFree(start);
        errno = failed;
        return PYTHREAD_INVALID_THREAD_ID;
    }
    return (unsigned long)thread;
}

void PyThread_exit_thread(void) { pthread_exit(NULL); }
unsigned long PyThread_get_thread_ident(void) { return (unsigned long)pthread_self(); }
unsigned long PyThread_get_thread_native_id(void) { return (unsigned long)syscall(SYS_gettid); }

size_t PyThread_get_stacksize(void) { return state.stack_size; }

int PyThread_set_stacksize(size_t size) {
    if (size == 0) {
        state.stack_size = 0;
        return 0;
    }
    if (size < 32 * 1024) return -1;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    int failed = pthread_attr_setstacksize(&attributes, size);
    pthread_attr_destroy(&attributes);
    if (failed) return -1;
    state.stack_size = size;
    return 0;
}

/* ---- Locks: POSIX semaphores ---- */

PyThread_type_lock PyThread_allocate_lock(void) {
    sem_t *lock = PyMem_RawMalloc(sizeof(sem_t));
    if (lock == NULL) return NULL;
    if (sem_init(lock, 0, 1) != 0) {
        PyMem_RawFree(lock);
        return NULL;
    }
    return lock;
}

void PyThread_free_lock(PyThread_type_lock lock) {
    if (lock == NULL) return;
    sem_destroy(lock);
    PyMem_RawFree(lock);
}

PyLockStatus PyThread_acquire_lock_timed(PyThread_type_lock lock, PY_TIMEOUT_T microseconds, int interruptible) {
    int failed;
    struct timespec deadline;
    if (microseconds > 0) {
        clock_gettime(CLOCK_MONOTONIC, &deadline);
        long long seconds = microseconds / 1000000, nanoseconds = deadline.tv_nsec + microseconds % 1000000 * 1000;
        seconds += nanoseconds / 1000000000;
        deadline.tv_nsec = nanoseconds % 1000000000;
        deadline.tv_sec = seconds > LLONG_MAX / 4 - deadline.tv_sec ? LLONG_MAX / 4 : deadline.tv_sec + seconds;
    }
    do {
        if (microseconds > 0)
            failed = sem_clockwait(lock, CLOCK_MONOTONIC, &deadline) ? errno : 0;
        else if (microseconds == 0)
            failed = sem_trywait(lock) ? errno : 0;
        else
            failed = sem_wait(lock) ? errno : 0;
    } while (failed == EINTR && !interruptible);
    if (failed == 0) return PY_LOCK_ACQUIRED;
    return failed == EINTR ? PY_LOCK_INTR : PY_LOCK_FAILURE;
}

int PyThread_acquire_lock(PyThread_type_lock lock, int wait) {
    return PyThread_acquire_lock_timed(lock, wait ? -1 : 0, 0) == PY_LOCK_ACQUIRED;
}

void PyThread_release_lock(PyThread_type_lock lock) { sem_post(lock); }

int _PyThread_at_fork_reinit(PyThread_type_lock *lock) {
    PyThread_type_lock fresh = PyThread_allocate_lock();
    if (fresh == NULL) return -1;
    PyMem_RawFree(*lock); /* it may be in any state, but the threads that knew it are not in this process */
    *lock = fresh;
    return 0;
}

PyObject *PyThread_GetInfo(void) {
    static PyStructSequence_Field fields[] = {
        {"name", "name of the thread implementation"},
        {"lock", "name of the lock implementation"},
        {"version", "name and version of the thread library"},
        {NULL, NULL},
    };
    static PyStructSequence_Desc description = {"sys.thread_info", "How threads are implemented.", fields, 3};
    static PyTypeObject type;
    if (type.tp_dict == NULL && PyStructSequence_InitType2(&type, &description) < 0) return NULL;
    PyObject *info = PyStructSequence_New(&type);
    if (info == NULL) return NULL;
    char version[128];
    size_t length = confstr(_CS_GNU_LIBPTHREAD_VERSION, version, sizeof version);
    PyStructSequence_SET_ITEM(info, 0, PyUnicode_FromString("pthread"));
    PyStructSequence_SET_ITEM(info, 1, PyUnicode_FromString("semaphore"));
    PyStructSequence_SET_ITEM(info, 2, length > 0 && length < sizeof version ? PyUnicode_FromString(version)
                                                                             : Py_NewRef(Py_None));
    if (PyErr_Occurred()) Py_CLEAR(info);
    return info;
}

/* ---- Thread-specific storage ---- */

Py_tss_t *PyThread_tss_alloc(void) { return PyMem_RawCalloc(1, sizeof(Py_tss_t)); }

void PyThread_tss_free(Py_tss_t *key) {
    if (key == NULL) return;
    PyThread_tss_delete(key);
    PyMem_RawFree(key);
}

int PyThread_tss_is_created(Py_tss_t *key) { return key->_is_initialized; }

int PyThread_tss_create(Py_tss_t *key) {
    if (key->_is_initialized) return 0;
    if (pthread_key_create(&key->_key, NULL) != 0) return -1;
    key->_is_initialized = 1;
    return 0;
}

void PyThread_tss_delete(Py_tss_t *key) {
    if (!key->_is_initialized) return;
    pthread_key_delete(key->_key);
    key->_is_initialized = 0;
}

int PyThread_tss_set(Py_tss_t *key, void *value) { return pthread_setspecific(key->_key, value) ? -1 : 0; }
void *PyThread_tss_get(Py_tss_t *key) { return pthread_getspecific(key->_key); }

int PyThread_create_key(void) {
    pthread_key_t key;
    return pthread_key_create(&key, NULL) != 0 ? -1 : (int)key;
}
void PyThread_delete_key(int key) { pthread_key_delete((pthread_key_t)key); }
int PyThread_set_key_value(int key, void *value) { return pthread_setspecific((pthread_key_t)key, value) ? -1 : 0; }
void *PyThread_get_key_value(int key) { return pthread_getspecific((pthread_key_t)key); }
void PyThread_delete_key_value(int key) { pthread_setspecific((pthread_key_t)key, NULL); }
void PyThread_ReInitTLS(void) {}
