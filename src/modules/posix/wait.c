/* Waiting for children, and what their statuses mean. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- Waiting ---- */

KR_FUNCTION_NONE(wait) {
    pid_t pid;
    int status;
    KR_RESTARTED(pid, wait(&status));
    return pid < 0 ? kr_posix_error() : Py_BuildValue("(ii)", pid, status);
}

KR_FUNCTION_POSITIONAL(waitpid, 2, 2) {
    pid_t pid, found;
    int options, status = 0;
    if (kr_read_pid(argument[0], &pid) < 0 || kr_read_int(argument[1], &options) < 0) return NULL;
    KR_RESTARTED(found, waitpid(pid, &status, options));
    return found < 0 ? kr_posix_error() : Py_BuildValue("(ii)", found, status);
}

static PyObject *float_time(struct timeval time) {
    return PyFloat_FromDouble((double)time.tv_sec + (double)time.tv_usec * 1e-6);
}

/* The resources that a child used, as a resource.struct_rusage. */
static PyObject *usage_object(const struct rusage *usage) {
    PyObject *module = PyImport_ImportModule("resource");
    if (module == NULL) return NULL;
    PyObject *type = PyObject_GetAttrString(module, "struct_rusage");
    Py_DECREF(module);
    if (type == NULL) return NULL;
    PyObject *self = PyStructSequence_New((PyTypeObject *)type);
    Py_DECREF(type);
    if (self == NULL) return NULL;
    const long counts[] = {usage->ru_maxrss, usage->ru_ixrss,    usage->ru_idrss,   usage->ru_isrss,   usage->ru_minflt,
                           usage->ru_majflt, usage->ru_nswap,    usage->ru_inblock, usage->ru_oublock, usage->ru_msgsnd,
                           usage->ru_msgrcv, usage->ru_nsignals, usage->ru_nvcsw,   usage->ru_nivcsw};
    PyStructSequence_SET_ITEM(self, 0, float_time(usage->ru_utime));
    PyStructSequence_SET_ITEM(self, 1, float_time(usage->ru_stime));
    for (size_t i = 0; i < Py_ARRAY_LENGTH(counts); i++)
        PyStructSequence_SET_ITEM(self, i + 2, PyLong_FromLong(counts[i]));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

static PyObject *wait_with_usage(pid_t pid, int options) {
    int status = 0;
    struct rusage usage = {0};
    pid_t found;
    KR_RESTARTED(found, wait4(pid, &status, options, &usage));
    if (found < 0) return kr_posix_error();
    PyObject *object = usage_object(&usage);
    return object == NULL ? NULL : Py_BuildValue("(iiN)", found, status, object);
}

KR_FUNCTION_KEYWORDS(wait3, 1, 1, "options") {
    int options;
    return kr_read_int(argument[0], &options) < 0 ? NULL : wait_with_usage(-1, options);
}

KR_FUNCTION_KEYWORDS(wait4, 2, 2, "pid", "options") {
    pid_t pid;
    int options;
    if (kr_read_pid(argument[0], &pid) < 0 || kr_read_int(argument[1], &options) < 0) return NULL;
    return wait_with_usage(pid, options);
}

static PyStructSequence_Field waitid_fields[] = {
    {"si_pid", "id of the child"},       {"si_uid", "real user of the child"},
    {"si_signo", "always SIGCHLD"},      {"si_status", "exit status, or signal number"},
    {"si_code", "what happened, CLD_*"}, {NULL},
};

static PyStructSequence_Desc waitid_description = {
    "posix.waitid_result",
    "What waitid() returns: what happened to a child.",
    waitid_fields,
    5,
};

KR_FUNCTION_POSITIONAL(waitid, 3, 3) {
    int kind, options, result;
    pid_t id;
    siginfo_t information = {0};
    if (kr_read_int(argument[0], &kind) < 0 || kr_read_pid(argument[1], &id) < 0 ||
        kr_read_int(argument[2], &options) < 0)
        return NULL;
    KR_RESTARTED(result, waitid((idtype_t)kind, (id_t)id, &information, options));
    if (result < 0) return kr_posix_error();
    if (information.si_pid == 0) Py_RETURN_NONE;
    PyObject *self = PyStructSequence_New(kr_posix_state(module)->waitid_result);
    if (self == NULL) return NULL;
    PyStructSequence_SET_ITEM(self, 0, PyLong_FromLong(information.si_pid));
    PyStructSequence_SET_ITEM(self, 1, _PyLong_FromUid(information.si_uid));
    PyStructSequence_SET_ITEM(self, 2, PyLong_FromLong(information.si_signo));
    PyStructSequence_SET_ITEM(self, 3, PyLong_FromLong(information.si_status));
    PyStructSequence_SET_ITEM(self, 4, PyLong_FromLong(information.si_code));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

/* ---- Statuses ---- */

KR_FUNCTION_ONE(WCOREDUMP) {
    int status;
    return kr_read_int(argument, &status) < 0 ? NULL : PyBool_FromLong(WCOREDUMP(status));
}

#define STATUS_FUNCTION(name, make)                                               \
    KR_FUNCTION_KEYWORDS(name, 1, 1, "status") {                                  \
        int status;                                                               \
        return kr_read_int(argument[0], &status) < 0 ? NULL : make(name(status)); \
    }
STATUS_FUNCTION(WIFCONTINUED, PyBool_FromLong)
STATUS_FUNCTION(WIFSTOPPED, PyBool_FromLong)
STATUS_FUNCTION(WIFSIGNALED, PyBool_FromLong)
STATUS_FUNCTION(WIFEXITED, PyBool_FromLong)
STATUS_FUNCTION(WEXITSTATUS, PyLong_FromLong)
STATUS_FUNCTION(WTERMSIG, PyLong_FromLong)
STATUS_FUNCTION(WSTOPSIG, PyLong_FromLong)

KR_FUNCTION_KEYWORDS(waitstatus_to_exitcode, 1, 1, "status") {
    int status;
    if (kr_read_int(argument[0], &status) < 0) return NULL;
    if (WIFEXITED(status)) return PyLong_FromLong(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) return PyLong_FromLong(-WTERMSIG(status));
    if (WIFSTOPPED(status)) {
        PyErr_Format(PyExc_ValueError, "process stopped by delivery of signal %i", WSTOPSIG(status));
    } else {
        PyErr_Format(PyExc_ValueError, "invalid wait status: %i", status);
    }
    return NULL;
}

static PyMethodDef functions[] = {
    KR_ENTRY_NONE(wait, "($module, /)", "Wait for a child to end; return its id and status."),
    KR_ENTRY_POSITIONAL(waitpid, "($module, pid, options, /)",
                        "Wait for a certain child; return its id and status.\n\n"
                        "pid 0 means any of this process's group, -1 any, another negative number any of that group."),
    KR_ENTRY_KEYWORDS(wait3, "($module, /, options)", "Wait for a child; return its id, status and used resources."),
    KR_ENTRY_KEYWORDS(wait4, "($module, /, pid, options)",
                      "Wait for a certain child; return its id, status and used resources."),
    KR_ENTRY_POSITIONAL(waitid, "($module, idtype, id, options, /)",
                        "Wait for one of the children that idtype (P_PID, P_PGID, P_ALL, P_PIDFD) and id select.\n\n"
                        "Return a waitid_result, or None if with WNOHANG there is nothing to report."),
    KR_ENTRY_ONE(WCOREDUMP, "($module, status, /)", "Tell whether the child dumped its memory."),
    KR_ENTRY_KEYWORDS(WIFCONTINUED, "($module, /, status)", "Tell whether the child was continued after a stop."),
    KR_ENTRY_KEYWORDS(WIFSTOPPED, "($module, /, status)", "Tell whether the child was stopped by a signal."),
    KR_ENTRY_KEYWORDS(WIFSIGNALED, "($module, /, status)", "Tell whether a signal ended the child."),
    KR_ENTRY_KEYWORDS(WIFEXITED, "($module, /, status)", "Tell whether the child ended by exiting."),
    KR_ENTRY_KEYWORDS(WEXITSTATUS, "($module, /, status)", "Return the exit status of a child that exited."),
    KR_ENTRY_KEYWORDS(WTERMSIG, "($module, /, status)", "Return the signal that ended the child."),
    KR_ENTRY_KEYWORDS(WSTOPSIG, "($module, /, status)", "Return the signal that stopped the child."),
    KR_ENTRY_KEYWORDS(waitstatus_to_exitcode, "($module, /, status)",
                      "Return the exit status, or the negative number of the signal that ended the child.\n\n"
                      "Raises ValueError for a child that has only been stopped."),
    {NULL},
};

int kr_posix_add_wait(PyObject *module) {
    KrPosixState *state = kr_posix_state(module);
    state->waitid_result = kr_posix_add_structseq(module, "waitid_result", &waitid_description);
    return state->waitid_result == NULL ? -1 : PyModule_AddFunctions(module, functions);
}
