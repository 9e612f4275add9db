/* This process, its children, and signals to others. */
#include <Python.h>

#include "modules/posix/posix.h"
#include "object/interpreter.h"

#include <pty.h>
#include <signal.h>
#include <sys/syscall.h>

/* ---- fork ---- */

/* Returns 0, or -1 with an exception. */
static int check_interpreter(void) {
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) return 0;
    PyErr_SetString(PyExc_RuntimeError, PyInterpreterState_Get()->config._isolated_interpreter
                                            ? "fork not supported for isolated subinterpreters"
                                            : "fork not supported for subinterpreters");
    return -1;
}

/* What follows fork() in both processes. Returns the child's id, 0 in the child. */
static PyObject *finish_fork(pid_t pid, int saved_errno) {
    if (pid == 0) {
        PyOS_AfterFork_Child();
    } else {
        PyOS_AfterFork_Parent();
    }
    errno = saved_errno;
    return pid < 0 ? kr_posix_error() : PyLong_FromLong(pid);
}

KR_FUNCTION_NONE(fork) {
    if (check_interpreter() < 0 || PySys_Audit("os.fork", NULL) < 0) return NULL;
    PyOS_BeforeFork();
    pid_t pid = fork();
    return finish_fork(pid, errno);
}

KR_FUNCTION_NONE(forkpty) {
    int master = -1;
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_RuntimeError, "fork not supported for subinterpreters");
        return NULL;
    }
    if (PySys_Audit("os.forkpty", NULL) < 0) return NULL;
    PyOS_BeforeFork();
    pid_t pid = forkpty(&master, NULL, NULL, NULL);
    PyObject *child = finish_fork(pid, errno);
    return child == NULL ? NULL : Py_BuildValue("(Ni)", child, master);
}

static int check_callable(PyObject *function, const char *name) {
    if (function == NULL || PyCallable_Check(function)) return 0;
    PyErr_Format(PyExc_TypeError, "'%s' must be callable, not %.200s", name, Py_TYPE(function)->tp_name);
    return -1;
}

/* Appends the function to the list, which is made when needed. Returns 0 or -1. */
static int add_function(PyObject **list, PyObject *function) {
    if (function == NULL) return 0;
    if (*list == NULL && (*list = PyList_New(0)) == NULL) return -1;
    return PyList_Append(*list, function);
}

KR_FUNCTION_KEYWORDS(register_at_fork, 0, 0, "before", "after_in_child", "after_in_parent") {
    if (argument[0] == NULL && argument[1] == NULL && argument[2] == NULL) {
        PyErr_SetString(PyExc_TypeError, "At least one argument is required.");
        return NULL;
    }
    if (check_callable(argument[0], "before") < 0 || check_callable(argument[1], "after_in_child") < 0 ||
        check_callable(argument[2], "after_in_parent") < 0)
        return NULL;
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    if (add_function(&interpreter->before_forkers, argument[0]) < 0 ||
        add_function(&interpreter->after_forkers_child, argument[1]) < 0 ||
        add_function(&interpreter->after_forkers_parent, argument[2]) < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- Signals ---- */

/* Handlers of a signal that this process sent to itself run at once. */
static PyObject *finish_kill(int result) {
    if (result < 0) return kr_posix_error();
    if (PyErr_CheckSignals() < 0) return NULL;
    Py_RETURN_NONE;
}

KR_FUNCTION_POSITIONAL(kill, 2, 2) {
    pid_t pid;
    long number;
    if (kr_read_pid(argument[0], &pid) < 0 || kr_read_long(argument[1], &number) < 0 ||
        PySys_Audit("os.kill", "in", pid, (Py_ssize_t)number) < 0)
        return NULL;
    return finish_kill(kill(pid, (int)number));
}

KR_FUNCTION_POSITIONAL(killpg, 2, 2) {
    pid_t group;
    int number;
    if (kr_read_pid(argument[0], &group) < 0 || kr_read_int(argument[1], &number) < 0 ||
        PySys_Audit("os.killpg", "ii", group, number) < 0)
        return NULL;
    return finish_kill(killpg(group, number));
}

KR_FUNCTION_KEYWORDS(pidfd_open, 1, 2, "pid", "flags") {
    pid_t pid;
    unsigned flags = 0;
    if (kr_read_pid(argument[0], &pid) < 0 || kr_read_unsigned(argument[1], &flags) < 0) return NULL;
    long fd = syscall(SYS_pidfd_open, pid, flags);
    return fd < 0 ? kr_posix_error() : PyLong_FromLong(fd);
}

/* ---- Ids of processes, groups and sessions ---- */

static PyObject *pid_or_error(pid_t pid) { return pid < 0 ? kr_posix_error() : PyLong_FromLong(pid); }

KR_FUNCTION_NONE(getpid) { return PyLong_FromLong(getpid()); }
KR_FUNCTION_NONE(getppid) { return PyLong_FromLong(getppid()); }
KR_FUNCTION_NONE(getpgrp) { return PyLong_FromLong(getpgrp()); }

KR_FUNCTION_KEYWORDS(getpgid, 1, 1, "pid") {
    pid_t pid;
    return kr_read_pid(argument[0], &pid) < 0 ? NULL : pid_or_error(getpgid(pid));
}

KR_FUNCTION_ONE(getsid) {
    pid_t pid;
    return kr_read_pid(argument, &pid) < 0 ? NULL : pid_or_error(getsid(pid));
}

KR_FUNCTION_NONE(setpgrp) { return kr_posix_none(setpgid(0, 0)); }

KR_FUNCTION_POSITIONAL(setpgid, 2, 2) {
    pid_t pid, group;
    if (kr_read_pid(argument[0], &pid) < 0 || kr_read_pid(argument[1], &group) < 0) return NULL;
    return kr_posix_none(setpgid(pid, group));
}

KR_FUNCTION_NONE(setsid) { return kr_posix_none(setsid() < 0 ? -1 : 0); }

static PyMethodDef functions[] = {
    KR_ENTRY_NONE(fork, "($module, /)",
                  "Split this process in two; return 0 in the child and the child's id in the parent."),
    KR_ENTRY_NONE(forkpty, "($module, /)",
                  "Like fork(), with a new terminal for the child; return the id and the terminal's descriptor."),
    KR_ENTRY_KEYWORDS(register_at_fork,
                      "($module, /, *, before=<unrepresentable>,\n                 after_in_child=<unrepresentable>,\n"
                      "                 after_in_parent=<unrepresentable>)",
                      "Register functions that are called around every fork().\n\n"
                      "Those for 'before' are called in reverse order."),
    KR_ENTRY_POSITIONAL(kill, "($module, pid, signal, /)", "Send a signal to a process."),
    KR_ENTRY_POSITIONAL(killpg, "($module, pgid, signal, /)", "Send a signal to a process group."),
    KR_ENTRY_KEYWORDS(pidfd_open, "($module, /, pid, flags=0)", "Return a descriptor that stands for a process."),
    KR_ENTRY_NONE(getpid, "($module, /)", "Return the id of this process."),
    KR_ENTRY_NONE(getppid, "($module, /)", "Return the id of the parent process."),
    KR_ENTRY_NONE(getpgrp, "($module, /)", "Return the id of this process's group."),
    KR_ENTRY_KEYWORDS(getpgid, "($module, /, pid)", "Return the id of a process's group."),
    KR_ENTRY_ONE(getsid, "($module, pid, /)", "Return the id of a process's session."),
    KR_ENTRY_NONE(setpgrp, "($module, /)", "Make this process the leader of its group."),
    KR_ENTRY_POSITIONAL(setpgid, "($module, pid, pgrp, /)", "Put a process into a group."),
    KR_ENTRY_NONE(setsid, "($module, /)", "Start a new session with this process as its leader."),
    {NULL},
};

int kr_posix_add_process(PyObject *module) { return PyModule_AddFunctions(module, functions); }
