/* posix_spawn: starting a program without fork. */
#include <Python.h>

#include "modules/_signal.h"
#include "modules/posix/posix.h"

#include <spawn.h>

/* The values of POSIX_SPAWN_*. */
enum { ACTION_OPEN, ACTION_CLOSE, ACTION_DUP2 };

/* ---- File actions ---- */

/* Raises OSError for a non-zero error number. Returns 0 or -1. */
static int check_number(int number) {
    if (number == 0) return 0;
    errno = number;
    kr_posix_error();
    return -1;
}

static int add_open(posix_spawn_file_actions_t *actions, PyObject *tuple) {
    PyObject *tag, *path;
    int fd, flags;
    unsigned long mode;
    if (!PyArg_ParseTuple(tuple, "OiO&ik;A open file_action tuple must have 5 elements", &tag, &fd,
                          PyUnicode_FSConverter, &path, &flags, &mode))
        return -1;
    int number = posix_spawn_file_actions_addopen(actions, fd, PyBytes_AS_STRING(path), flags, (mode_t)mode);
    Py_DECREF(path);
    return check_number(number);
}

static int add_close(posix_spawn_file_actions_t *actions, PyObject *tuple) {
    PyObject *tag;
    int fd;
    if (!PyArg_ParseTuple(tuple, "Oi;A close file_action tuple must have 2 elements", &tag, &fd)) return -1;
    return check_number(posix_spawn_file_actions_addclose(actions, fd));
}

static int add_dup2(posix_spawn_file_actions_t *actions, PyObject *tuple) {
    PyObject *tag;
    int source, target;
    if (!PyArg_ParseTuple(tuple, "Oii;A dup2 file_action tuple must have 3 elements", &tag, &source, &target))
        return -1;
    return check_number(posix_spawn_file_actions_adddup2(actions, source, target));
}

static int add_action(posix_spawn_file_actions_t *actions, PyObject *tuple) {
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) == 0) {
        PyErr_SetString(PyExc_TypeError, "Each file_actions element must be a non-empty tuple");
        return -1;
    }
    long tag = PyLong_AsLong(PyTuple_GET_ITEM(tuple, 0));
    if (tag == -1 && PyErr_Occurred()) return -1;
    switch (tag) {
    case ACTION_OPEN: return add_open(actions, tuple);
    case ACTION_CLOSE: return add_close(actions, tuple);
    case ACTION_DUP2: return add_dup2(actions, tuple);
    default: PyErr_SetString(PyExc_TypeError, "Unknown file_actions identifier"); return -1;
    }
}

/* Fills `actions`, which the caller has made. Returns 0 or -1. */
static int read_actions(posix_spawn_file_actions_t *actions, PyObject *sequence) {
    PyObject *items = PySequence_Fast(sequence, "file_actions must be a sequence or None");
    if (items == NULL) return -1;
    int failed = 0;
    for (Py_ssize_t i = 0; !failed && i < PySequence_Fast_GET_SIZE(items); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(items, i));
        failed = add_action(actions, item) < 0;
        Py_DECREF(item);
    }
    Py_DECREF(items);
    return failed ? -1 : 0;
}

/* ---- Attributes ---- */

/* The parameters of both functions. */
enum { PATH, ARGV, ENV, FILE_ACTIONS, SETPGROUP, RESETIDS, SETSID, SETSIGMASK, SETSIGDEF, SCHEDULER };

static int read_scheduler(PyObject *module, posix_spawnattr_t *attributes, PyObject *tuple, short *flags) {
    PyObject *policy_object, *parameter_object;
    struct sched_param parameter;
    int policy;
    if (!PyArg_ParseTuple(tuple, "OO;A scheduler tuple must have two elements", &policy_object, &parameter_object) ||
        kr_read_sched_param(module, parameter_object, &parameter) < 0)
        return -1;
    if (policy_object != Py_None) {
        if (kr_read_int(policy_object, &policy) < 0 ||
            check_number(posix_spawnattr_setschedpolicy(attributes, policy)) < 0)
            return -1;
        *flags |= POSIX_SPAWN_SETSCHEDULER;
    }
    *flags |= POSIX_SPAWN_SETSCHEDPARAM;
    return check_number(posix_spawnattr_setschedparam(attributes, &parameter));
}

/* Fills `attributes`, which the caller has made. Returns 0 or -1. */
static int read_attributes(PyObject *module, posix_spawnattr_t *attributes, PyObject *const *argument) {
    short flags = 0;
    int reset_ids = 0, new_session = 0;
    sigset_t signals;
    if (argument[SETPGROUP] != NULL) {
        pid_t group;
        if (kr_read_pid(argument[SETPGROUP], &group) < 0 ||
            check_number(posix_spawnattr_setpgroup(attributes, group)) < 0)
            return -1;
        flags |= POSIX_SPAWN_SETPGROUP;
    }
    if (kr_read_int(argument[RESETIDS], &reset_ids) < 0 || kr_read_int(argument[SETSID], &new_session) < 0) return -1;
    if (reset_ids) flags |= POSIX_SPAWN_RESETIDS;
    if (new_session) flags |= POSIX_SPAWN_SETSID;
    if (argument[SETSIGMASK] != NULL) {
        if (!_Py_Sigset_Converter(argument[SETSIGMASK], &signals) ||
            check_number(posix_spawnattr_setsigmask(attributes, &signals)) < 0)
            return -1;
        flags |= POSIX_SPAWN_SETSIGMASK;
    }
    if (argument[SETSIGDEF] != NULL) {
        if (!_Py_Sigset_Converter(argument[SETSIGDEF], &signals) ||
            check_number(posix_spawnattr_setsigdefault(attributes, &signals)) < 0)
            return -1;
        flags |= POSIX_SPAWN_SETSIGDEF;
    }
    if (argument[SCHEDULER] != NULL && read_scheduler(module, attributes, argument[SCHEDULER], &flags) < 0) return -1;
    return check_number(posix_spawnattr_setflags(attributes, flags));
}

/* ---- The functions ---- */

/* Starts the program once everything is converted. */
static PyObject *start(PyObject *module, PyObject *const *argument, const KrPath *path, const KrStrings *arguments,
                       const KrStrings *environment, int search) {
    PyObject *result = NULL;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (check_number(posix_spawn_file_actions_init(&actions)) < 0) return NULL;
    if (check_number(posix_spawnattr_init(&attributes)) < 0) goto finish;
    int has_actions = argument[FILE_ACTIONS] != NULL && argument[FILE_ACTIONS] != Py_None;
    if ((has_actions && read_actions(&actions, argument[FILE_ACTIONS]) < 0) ||
        read_attributes(module, &attributes, argument) < 0 ||
        PySys_Audit("os.posix_spawn", "OOO", path->object, argument[ARGV], argument[ENV]) < 0)
        goto finish_attributes;
    pid_t pid;
    int number = (search ? posix_spawnp : posix_spawn)(&pid, path->text, &actions, &attributes, arguments->items,
                                                       environment->items);
    if (number != 0) {
        errno = number;
        kr_path_error(path);
    } else {
        result = PyLong_FromLong(pid);
    }

finish_attributes:
    posix_spawnattr_destroy(&attributes);
finish:
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static PyObject *spawn(PyObject *module, PyObject *const *argument, const char *function, int search) {
    KR_STRINGS(arguments);
    KR_STRINGS(environment);
    KR_PATH(path, argument[PATH], function);
    PyObject *argv = argument[ARGV];
    if (!PyList_Check(argv) && !PyTuple_Check(argv)) {
        PyErr_Format(PyExc_TypeError, "%s: argv must be a tuple or list", function);
        return NULL;
    }
    if (PySequence_Size(argv) < 1) {
        PyErr_Format(PyExc_ValueError, "%s: argv must not be empty", function);
        return NULL;
    }
    if (!PyMapping_Check(argument[ENV])) {
        PyErr_Format(PyExc_TypeError, "%s: environment must be a mapping object", function);
        return NULL;
    }
    if (kr_strings_from_arguments(&arguments, argv) < 0) return NULL;
    if (arguments.items[0] == NULL || arguments.items[0][0] == '\0') {
        PyErr_Format(PyExc_ValueError, "%s: argv first element cannot be empty", function);
        return NULL;
    }
    if (kr_strings_from_environment(&environment, argument[ENV]) < 0) return NULL;
    return start(module, argument, &path, &arguments, &environment, search);
}

#define PARAMETERS "", "", "", "file_actions", "setpgroup", "resetids", "setsid", "setsigmask", "setsigdef", "scheduler"

KR_FUNCTION_KEYWORDS(posix_spawn, 3, 3, PARAMETERS) { return spawn(module, argument, "posix_spawn", 0); }
KR_FUNCTION_KEYWORDS(posix_spawnp, 3, 3, PARAMETERS) { return spawn(module, argument, "posix_spawnp", 1); }

#define DETAILS                                                                                                  \
    "\n\n  file_actions\n    Tuples (POSIX_SPAWN_OPEN, fd, path, flags, mode), (POSIX_SPAWN_CLOSE, fd) and\n"    \
    "    (POSIX_SPAWN_DUP2, fd, new_fd).\n  setpgroup\n    The group to join, 0 for a new one.\n  resetids\n"    \
    "    Whether effective ids become the real ones.\n  setsid\n    Whether to start a session.\n  setsigmask\n" \
    "    Signals to block.\n  setsigdef\n    Signals to reset to their default action.\n  scheduler\n"           \
    "    A tuple of policy (or None) and a sched_param."

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(
        posix_spawn,
        "($module, path, argv, env, /, *, file_actions=(),\n            setpgroup=<unrepresentable>, "
        "resetids=False, setsid=False,\n            setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)",
        "Start a program in a new process, and return its id." DETAILS),
    KR_ENTRY_KEYWORDS(
        posix_spawnp,
        "($module, path, argv, env, /, *, file_actions=(),\n             setpgroup=<unrepresentable>, "
        "resetids=False, setsid=False,\n             setsigmask=(), setsigdef=(), scheduler=<unrepresentable>)",
        "Start a program, found along PATH, in a new process, and return its id." DETAILS),
    {NULL},
};

int kr_posix_add_spawn(PyObject *module) {
    if (PyModule_AddIntConstant(module, "POSIX_SPAWN_OPEN", ACTION_OPEN) < 0 ||
        PyModule_AddIntConstant(module, "POSIX_SPAWN_CLOSE", ACTION_CLOSE) < 0 ||
        PyModule_AddIntConstant(module, "POSIX_SPAWN_DUP2", ACTION_DUP2) < 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
