/* _posixsubprocess: starting a child process for subprocess.Popen.
 *
 * What the child does between fork and exec is async-signal-safe, unless there is a preexec_fn. After vfork it also runs in
 * the parent's memory, so it changes nothing but its own local variables: everything it needs is in a ChildPlan, made
 * before.
 */
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fileutils.h"
#include "modules/posix/posix.h"
#include "object/interpreter.h"

typedef struct {
    char **argv, **executables, **environment; /* ended by NULL; environment may be NULL */
    const char *folder;                        /* or NULL */
    int close_descriptors;
    int *keep; /* descriptors to be inherited, ascending */
    Py_ssize_t keep_count;
    int stdin_read, stdin_write, stdout_read, stdout_write, stderr_read, stderr_write; /* pipes; -1: none */
    int error_read, error_write;
    int restore_signals, new_session, process_group;
    int set_gid, set_uid, set_groups;
    gid_t gid;
    uid_t uid;
    gid_t *groups;
    size_t group_count;
    int umask;                /* -1: unchanged */
    PyObject *preexec;        /* or None */
    const sigset_t *old_mask; /* after vfork: the mask to restore; else NULL */
} ChildPlan;

/* ---- In the child ---- */

/* Lets the kept descriptors be inherited, all but the error pipe, which exec is to close. */
static int make_inheritable(const ChildPlan *plan) {
    for (Py_ssize_t i = 0; i < plan->keep_count; i++)
        if (plan->keep[i] != plan->error_write && _Py_set_inheritable_async_safe(plan->keep[i], 1, NULL) < 0) return -1;
    return 0;
}

static int is_kept(const ChildPlan *plan, int descriptor) {
    Py_ssize_t low = 0, high = plan->keep_count;
    while (low < high) {
        Py_ssize_t middle = (low + high) / 2;
        if (plan->keep[middle] == descriptor) return 1;
        if (plan->keep[middle] < descriptor)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

/* The kernel's record of a folder's entry. */
struct DirectoryEntry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

/* Closes what /proc/self/fd lists, without allocating. Returns -1 if it cannot be read. */
static int close_listed(const ChildPlan *plan, int first) {
    int folder = open("/proc/self/fd", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (folder < 0) return -1;
    char buffer[4096] __attribute__((aligned(8)));
    long size;
    while ((size = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < size;) {
            const struct DirectoryEntry *entry = (const struct DirectoryEntry *)(buffer + at);
            int descriptor = 0, digits = 0;
            for (const char *c = entry->name; *c >= '0' && *c <= '9'; c++, digits++) descriptor = descriptor * 10 + (*c - '0');
            if (digits > 0 && descriptor >= first && descriptor != folder && !is_kept(plan, descriptor)) close(descriptor);
            at += entry->length;
        }
    }
    close(folder);
    return 0;
}

/* Closes all descriptors from 3 on that are not kept. */
static void close_others(const ChildPlan *plan) {
    int first = 3;
    for (Py_ssize_t i = 0; i <= plan->keep_count; i++) {
        int last = i < plan->keep_count ? plan->keep[i] - 1 : INT_MAX;
        if (last < first) {
            if (i < plan->keep_count && plan->keep[i] >= first) first = plan->keep[i] + 1;
            continue;
        }
        if (close_range((unsigned)first, (unsigned)last, 0) != 0) {
            if (close_listed(plan, first) == 0) return;
            long limit = sysconf(_SC_OPEN_MAX);
            if (limit < 0) limit = 256;
            for (int descriptor = first; descriptor <= last && descriptor < limit; descriptor++) close(descriptor);
        }
        if (last == INT_MAX) return;
        first = last + 2;
    }
}

/* Handlers are the parent's functions, which must not run in the child after vfork. */
static void reset_handlers(void) {
    struct sigaction action;
    for (int number = 1; number < NSIG; number++) {
        if (number == SIGKILL || number == SIGSTOP || sigaction(number, NULL, &action) < 0) continue;
        if (action.sa_handler == SIG_IGN || action.sa_handler == SIG_DFL) continue;
        action = (struct sigaction){.sa_handler = SIG_DFL};
        (void)sigaction(number, &action, NULL);
    }
}

/* Makes `from` the standard descriptor `to`, inheritable. */
static int place_standard(int from, int to) {
    if (from == -1) return 0;
    if (from == to) return _Py_set_inheritable_async_safe(to, 1, NULL);
    return dup2(from, to) < 0 ? -1 : 0;
}

static int close_if_open(int descriptor) { return descriptor == -1 ? 0 : close(descriptor); }

/* Does everything before the preexec function. Returns 0, or -1 with errno. */
static int prepare(const ChildPlan *plan) {
    int stdout_write = plan->stdout_write, stderr_write = plan->stderr_write;
    if (make_inheritable(plan) < 0 || close_if_open(plan->stdin_write) < 0 || close_if_open(plan->stdout_read) < 0 ||
        close_if_open(plan->stderr_read) < 0 || close(plan->error_read) < 0)
        return -1;
    /* the pipes may have got the numbers of standard descriptors that the parent had closed */
    if (stdout_write == 0 && (stdout_write = dup(stdout_write)) < 0) return -1;
    while (stderr_write == 0 || stderr_write == 1)
        if ((stderr_write = dup(stderr_write)) < 0) return -1;
    if (place_standard(plan->stdin_read, 0) < 0 || place_standard(stdout_write, 1) < 0 ||
        place_standard(stderr_write, 2) < 0)
        return -1;
    if (plan->folder != NULL && chdir(plan->folder) < 0) return -1;
    if (plan->umask >= 0) umask((mode_t)plan->umask);
    if (plan->restore_signals) _Py_RestoreSignals();
    if (plan->old_mask != NULL) {
        reset_handlers();
        if ((errno = pthread_sigmask(SIG_SETMASK, plan->old_mask, NULL)) != 0) return -1;
    }
    if (plan->new_session && setsid() < 0) return -1;
    if (plan->process_group >= 0 && setpgid(0, plan->process_group) < 0) return -1;
    if (plan->set_groups && setgroups(plan->group_count, plan->groups) < 0) return -1;
    if (plan->set_gid && setregid(plan->gid, plan->gid) < 0) return -1;
    if (plan->set_uid && setreuid(plan->uid, plan->uid) < 0) return -1;
    return 0;
}

static void put(int descriptor, const char *text) { _Py_write_noraise(descriptor, text, strlen(text)); }

/* Tells the parent what went wrong: "OSError:hexadecimal errno:message". */
static void report(int descriptor, int error, const char *message) {
    if (error == 0) {
        put(descriptor, "SubprocessError:0:");
    } else {
        char digits[sizeof(int) * 2 + 1], *at = digits + sizeof digits - 1;
        *at = 0;
        for (unsigned rest = (unsigned)error; rest != 0; rest >>= 4) *--at = "0123456789ABCDEF"[rest & 15];
        put(descriptor, "OSError:");
        put(descriptor, at);
        put(descriptor, ":");
    }
    put(descriptor, message);
}

/* Becomes the new program, or writes the reason to the error pipe and returns. */
static void run_child(const ChildPlan *plan) {
    if (prepare(plan) < 0) {
        report(plan->error_write, errno, "noexec");
        return;
    }
    if (plan->preexec != Py_None) {
        PyObject *result = PyObject_CallNoArgs(plan->preexec);
        if (result == NULL) {
            report(plan->error_write, 0, "Exception occurred in preexec_fn.");
            return;
        }
        Py_DECREF(result);
    }
    if (plan->close_descriptors) close_others(plan);
    int error = 0; /* the first that is not just "not in this folder" */
    for (char **executable = plan->executables; *executable != NULL; executable++) {
        if (plan->environment != NULL)
            execve(*executable, plan->argv, plan->environment);
        else
            execv(*executable, plan->argv);
        if (errno != ENOENT && errno != ENOTDIR && error == 0) error = errno;
    }
    report(plan->error_write, error != 0 ? error : errno, "");
}

/* ---- In the parent ---- */

/* Forks and runs the child; a function of its own, so that the child after vfork has a stack frame of its own. */
static __attribute__((noinline)) pid_t fork_child(const ChildPlan *plan) {
    pid_t pid = plan->old_mask != NULL ? vfork() : fork();
    if (pid != 0) return pid;
    if (plan->preexec != Py_None) PyOS_AfterFork_Child();
    run_child(plan);
    _exit(255);
}

static void free_strings(char **strings) {
    if (strings == NULL) return;
    for (char **at = strings; *at != NULL; at++) PyMem_Free(*at);
    PyMem_Free(strings);
}

static char *copy_bytes(PyObject *bytes) {
    char *text;
    if (PyBytes_AsStringAndSize(bytes, &text, NULL) < 0) return NULL; /* also for embedded null characters */
    char *copy = _PyMem_Strdup(text);
    if (copy == NULL) PyErr_NoMemory();
    return copy;
}

/* Copies a sequence of bytes. NULL with an exception. */
static char **copy_bytes_sequence(PyObject *sequence) {
    Py_ssize_t count = PySequence_Size(sequence);
    if (count < 0) return NULL;
    char **result = PyMem_Calloc((size_t)count + 1, sizeof(char *));
    if (result == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        if (item != NULL) result[i] = copy_bytes(item);
        Py_XDECREF(item);
        if (result[i] == NULL) {
            free_strings(result);
            return NULL;
        }
    }
    return result;
}

/* Copies the arguments: str, bytes or path-like objects. NULL with an exception. */
static char **copy_arguments(PyObject *sequence) {
    PyObject *fast = PySequence_Fast(sequence, "argv must be a tuple");
    if (fast == NULL) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(fast);
    char **result = PyMem_Calloc((size_t)count + 1, sizeof(char *));
    if (result == NULL) PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count && result != NULL; i++) {
        PyObject *bytes = NULL;
        if (PySequence_Fast_GET_SIZE(fast) != count)
            PyErr_SetString(PyExc_RuntimeError, "args changed during iteration");
        else if (PyUnicode_FSConverter(PySequence_Fast_GET_ITEM(fast, i), &bytes))
            result[i] = copy_bytes(bytes);
        Py_XDECREF(bytes);
        if (result[i] == NULL) {
            free_strings(result);
            result = NULL;
        }
    }
    Py_DECREF(fast);
    return result;
}

/* Copies the ascending tuple of descriptors. Returns 0 or -1. */
static int copy_keep(PyObject *tuple, ChildPlan *plan) {
    plan->keep_count = PyTuple_GET_SIZE(tuple);
    plan->keep = PyMem_New(int, plan->keep_count + 1);
    if (plan->keep == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int previous = -1;
    for (Py_ssize_t i = 0; i < plan->keep_count; i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        long descriptor = PyLong_Check(item) ? PyLong_AsLong(item) : -1;
        if (descriptor <= previous || descriptor > INT_MAX) {
            PyErr_Clear();
            PyErr_SetString(PyExc_ValueError, "bad value(s) in fds_to_keep");
            return -1;
        }
        plan->keep[i] = previous = (int)descriptor;
    }
    return 0;
}

static int copy_groups(PyObject *list, ChildPlan *plan) {
    enum { GROUPS_MAX = 65536 /* NGROUPS_MAX of the kernel */ };
    if (list == Py_None) return 0;
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "setgroups argument must be a list");
        return -1;
    }
    Py_ssize_t count = PyList_GET_SIZE(list);
    if (count > GROUPS_MAX) {
        PyErr_SetString(PyExc_ValueError, "too many groups");
        return -1;
    }
    plan->groups = PyMem_New(gid_t, count + 1);
    if (plan->groups == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        if (!PyLong_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "groups must be integers");
            return -1;
        }
        if (!_Py_Gid_Converter(item, &plan->groups[i])) {
            PyErr_SetString(PyExc_ValueError, "invalid group id");
            return -1;
        }
    }
    plan->group_count = (size_t)count;
    plan->set_groups = 1;
    return 0;
}

/* Forks with what has to be done around it. Returns the child's id, or NULL. */
static PyObject *start(ChildPlan *plan, int allow_vfork) {
    sigset_t all, old;
    int has_preexec = plan->preexec != Py_None, gc_enabled = 0, error = 0;
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    if (has_preexec && !kr_interpreter_is_main(interpreter)) {
        PyErr_SetString(PyExc_RuntimeError, "preexec_fn not supported within subinterpreters");
        return NULL;
    }
    if (interpreter->config._isolated_interpreter) {
        PyErr_SetString(PyExc_RuntimeError, "subprocess not supported for isolated subinterpreters");
        return NULL;
    }
    if (has_preexec) { /* the child runs Python code */
        gc_enabled = PyGC_Disable();
        PyOS_BeforeFork();
    } else if (allow_vfork && !plan->set_uid && !plan->set_gid && !plan->set_groups) {
        /* No handler may run in the child while it uses the parent's memory. If that cannot be ensured, use fork. Neither
         * may the child have other privileges than the parent's other threads. */
        sigfillset(&all);
        if (pthread_sigmask(SIG_BLOCK, &all, &old) == 0) plan->old_mask = &old;
    }
    pid_t pid = fork_child(plan);
    if (pid < 0) error = errno;
    if (plan->old_mask != NULL) pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (has_preexec) {
        PyOS_AfterFork_Parent();
        if (gc_enabled) PyGC_Enable();
    }
    if (pid < 0) {
        errno = error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromLong(pid);
}

PyDoc_STRVAR(fork_exec_doc, "fork_exec(args, executable_list, close_fds, pass_fds, cwd, env,\n"
                            "          p2cread, p2cwrite, c2pread, c2pwrite,\n"
                            "          errread, errwrite, errpipe_read, errpipe_write,\n"
                            "          restore_signals, call_setsid, pgid_to_set,\n"
                            "          gid, groups_list, uid, umask,\n"
                            "          preexec_fn, allow_vfork)\n\n"
                            "Start a child process that runs the first executable of the list that can be run.\n\n"
                            "Failures in the child are written to errpipe_write. Returns the child's id.");
static PyObject *fork_exec(PyObject *module, PyObject *args) {
    PyObject *arguments, *executables, *keep, *folder, *environment, *gid, *groups, *uid, *folder_bytes = NULL;
    PyObject *result = NULL;
    ChildPlan plan = {0};
    int allow_vfork;
    if (!PyArg_ParseTuple(args, "OOpO!OOiiiiiiiiiiiOOOiOp:fork_exec", &arguments, &executables, &plan.close_descriptors,
                          &PyTuple_Type, &keep, &folder, &environment, &plan.stdin_read, &plan.stdin_write,
                          &plan.stdout_read, &plan.stdout_write, &plan.stderr_read, &plan.stderr_write, &plan.error_read,
                          &plan.error_write, &plan.restore_signals, &plan.new_session, &plan.process_group, &gid, &groups,
                          &uid, &plan.umask, &plan.preexec, &allow_vfork))
        return NULL;
    if (plan.close_descriptors && plan.error_write < 3) { /* it must not be closed by place_standard */
        PyErr_SetString(PyExc_ValueError, "errpipe_write must be >= 3");
        return NULL;
    }
    if (copy_keep(keep, &plan) < 0) goto done;
    if ((plan.executables = copy_bytes_sequence(executables)) == NULL) goto done;
    if ((plan.argv = copy_arguments(arguments)) == NULL) goto done;
    if (environment != Py_None && (plan.environment = copy_bytes_sequence(environment)) == NULL) goto done;
    if (folder != Py_None) {
        if (!PyUnicode_FSConverter(folder, &folder_bytes)) goto done;
        plan.folder = PyBytes_AS_STRING(folder_bytes);
    }
    if (copy_groups(groups, &plan) < 0) goto done;
    if (gid != Py_None) {
        if (!_Py_Gid_Converter(gid, &plan.gid)) goto done;
        plan.set_gid = 1;
    }
    if (uid != Py_None) {
        if (!_Py_Uid_Converter(uid, &plan.uid)) goto done;
        plan.set_uid = 1;
    }
    result = start(&plan, allow_vfork);
done:
    PyMem_Free(plan.keep);
    PyMem_Free(plan.groups);
    free_strings(plan.executables);
    free_strings(plan.argv);
    free_strings(plan.environment);
    Py_XDECREF(folder_bytes);
    return result;
}

static PyMethodDef methods[] = {{"fork_exec", fork_exec, METH_VARARGS, fork_exec_doc}, {NULL}};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_posixsubprocess",
    .m_doc = "Starting child processes; the module subprocess is the interface.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__posixsubprocess(void) { return PyModuleDef_Init(&definition); }
