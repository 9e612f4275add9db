/* The system: its name, times, messages and randomness. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <sys/random.h>
#include <sys/times.h>
#include <sys/utsname.h>

/* ---- uname ---- */

static PyStructSequence_Field uname_fields[] = {
    {"sysname", "name of the operating system"},
    {"nodename", "name of the machine on the network"},
    {"release", "release of the operating system"},
    {"version", "version of the operating system"},
    {"machine", "kind of hardware"},
    {NULL},
};

static PyStructSequence_Desc uname_description = {
    "posix.uname_result",
    "What uname() returns: the names of the system.",
    uname_fields,
    5,
};

KR_FUNCTION_NONE(uname) {
    struct utsname names;
    int result;
    KR_UNLOCKED(result = uname(&names));
    if (result < 0) return kr_posix_error();
    PyObject *self = PyStructSequence_New(kr_posix_state(module)->uname_result);
    if (self == NULL) return NULL;
    const char *const texts[] = {names.sysname, names.nodename, names.release, names.version, names.machine};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(texts); i++)
        PyStructSequence_SET_ITEM(self, i,
                                  PyUnicode_DecodeASCII(texts[i], (Py_ssize_t)strlen(texts[i]), "surrogateescape"));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

/* ---- times ---- */

static PyStructSequence_Field times_fields[] = {
    {"user", "user time"},
    {"system", "system time"},
    {"children_user", "user time of children"},
    {"children_system", "system time of children"},
    {"elapsed", "time since a fixed moment in the past"},
    {NULL},
};

static PyStructSequence_Desc times_description = {
    "posix.times_result",
    "What times() returns: times of this process, in seconds.",
    times_fields,
    5,
};

KR_FUNCTION_NONE(times) {
    struct tms spent;
    errno = 0;
    clock_t elapsed = times(&spent);
    if (elapsed == (clock_t)-1 && errno != 0) return kr_posix_error();
    PyObject *self = PyStructSequence_New(kr_posix_state(module)->times_result);
    if (self == NULL) return NULL;
    double ticks_per_second = (double)sysconf(_SC_CLK_TCK);
    const clock_t ticks[] = {spent.tms_utime, spent.tms_stime, spent.tms_cutime, spent.tms_cstime, elapsed};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(ticks); i++)
        PyStructSequence_SET_ITEM(self, i, PyFloat_FromDouble((double)ticks[i] / ticks_per_second));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

/* ---- Messages ---- */

KR_FUNCTION_ONE(strerror) {
    int number;
    if (kr_read_int(argument, &number) < 0) return NULL;
    const char *message = strerror(number);
    if (message != NULL) return PyUnicode_DecodeLocale(message, "surrogateescape");
    PyErr_SetString(PyExc_ValueError, "strerror() argument out of range");
    return NULL;
}

/* ---- Randomness ---- */

KR_FUNCTION_KEYWORDS(getrandom, 1, 2, "size", "flags") {
    Py_ssize_t size;
    int flags = 0;
    if (kr_read_size(argument[0], &size) < 0 || kr_read_int(argument[1], &flags) < 0) return NULL;
    if (size < 0) {
        errno = EINVAL;
        return kr_posix_error();
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes == NULL) return NULL;
    ssize_t got;
    KR_RESTARTED(got, getrandom(PyBytes_AS_STRING(bytes), (size_t)size, (unsigned)flags));
    if (got < 0) {
        kr_posix_error();
        Py_DECREF(bytes);
        return NULL;
    }
    if (got != size) _PyBytes_Resize(&bytes, got);
    return bytes;
}

KR_FUNCTION_ONE(urandom) {
    Py_ssize_t size;
    if (kr_read_size(argument, &size) < 0) return NULL;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "negative argument not allowed");
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes != NULL && _PyOS_URandom(PyBytes_AS_STRING(bytes), size) < 0) Py_CLEAR(bytes);
    return bytes;
}

static PyMethodDef functions[] = {
    KR_ENTRY_NONE(uname, "($module, /)", "Return the names of the operating system and the machine."),
    KR_ENTRY_NONE(times, "($module, /)", "Return how much time this process and its children have used."),
    KR_ENTRY_ONE(strerror, "($module, code, /)", "Return the message for an error number."),
    KR_ENTRY_KEYWORDS(getrandom, "($module, /, size, flags=0)",
                      "Return up to size random bytes; flags may be GRND_RANDOM and GRND_NONBLOCK."),
    KR_ENTRY_ONE(urandom, "($module, size, /)", "Return random bytes that are good enough for cryptography."),
    {NULL},
};

int kr_posix_add_system(PyObject *module) {
    KrPosixState *state = kr_posix_state(module);
    state->uname_result = kr_posix_add_structseq(module, "uname_result", &uname_description);
    state->times_result = kr_posix_add_structseq(module, "times_result", &times_description);
    if (state->uname_result == NULL || state->times_result == NULL) return -1;
    return PyModule_AddFunctions(module, functions);
}
