/* Priorities, scheduling policies and processors. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <limits.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>

/* ---- Niceness ---- */

/* -1 is a valid result of these calls. */
static PyObject *priority_or_error(int priority) {
    return priority == -1 && errno != 0 ? kr_posix_error() : PyLong_FromLong(priority);
}

KR_FUNCTION_ONE(nice) {
    int increment;
    if (kr_read_int(argument, &increment) < 0) return NULL;
    errno = 0;
    return priority_or_error(nice(increment));
}

KR_FUNCTION_KEYWORDS(getpriority, 2, 2, "which", "who") {
    int which, who;
    if (kr_read_int(argument[0], &which) < 0 || kr_read_int(argument[1], &who) < 0) return NULL;
    errno = 0;
    return priority_or_error(getpriority((__priority_which_t)which, (id_t)who));
}

KR_FUNCTION_KEYWORDS(setpriority, 3, 3, "which", "who", "priority") {
    int which, who, priority;
    if (kr_read_int(argument[0], &which) < 0 || kr_read_int(argument[1], &who) < 0 ||
        kr_read_int(argument[2], &priority) < 0)
        return NULL;
    return kr_posix_none(setpriority((__priority_which_t)which, (id_t)who, priority));
}

/* ---- Policies ---- */

static PyStructSequence_Field sched_param_fields[] = {
    {"sched_priority", "the scheduling priority"},
    {NULL},
};

static PyStructSequence_Desc sched_param_description = {
    "posix.sched_param",
    "sched_param(sched_priority)\n--\n\nThe parameters of a scheduling policy.",
    sched_param_fields,
    1,
};

static PyObject *sched_param_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"sched_priority", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "sched_param"};
    PyObject *buffer[1] = {NULL};
    PyObject *const *found = _PyArg_UnpackKeywords(&PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args), kwargs, NULL,
                                                   &parser, 1, 1, 0, buffer);
    PyObject *self = found == NULL ? NULL : PyStructSequence_New(type);
    if (self != NULL) PyStructSequence_SET_ITEM(self, 0, Py_NewRef(found[0]));
    return self;
}

int kr_read_sched_param(PyObject *module, PyObject *object, struct sched_param *value) {
    if (!Py_IS_TYPE(object, kr_posix_state(module)->sched_param)) {
        PyErr_SetString(PyExc_TypeError, "must have a sched_param object");
        return -1;
    }
    long priority = PyLong_AsLong(PyStructSequence_GET_ITEM(object, 0));
    if (priority == -1 && PyErr_Occurred()) return -1;
    if (priority > INT_MAX || priority < INT_MIN) {
        PyErr_SetString(PyExc_OverflowError, "sched_priority out of range");
        return -1;
    }
    value->sched_priority = (int)priority;
    return 0;
}

static PyObject *number_or_error(int number) { return number < 0 ? kr_posix_error() : PyLong_FromLong(number); }

KR_FUNCTION_KEYWORDS(sched_get_priority_max, 1, 1, "policy") {
    int policy;
    return kr_read_int(argument[0], &policy) < 0 ? NULL : number_or_error(sched_get_priority_max(policy));
}

KR_FUNCTION_KEYWORDS(sched_get_priority_min, 1, 1, "policy") {
    int policy;
    return kr_read_int(argument[0], &policy) < 0 ? NULL : number_or_error(sched_get_priority_min(policy));
}

KR_FUNCTION_ONE(sched_getscheduler) {
    pid_t pid;
    return kr_read_pid(argument, &pid) < 0 ? NULL : number_or_error(sched_getscheduler(pid));
}

KR_FUNCTION_POSITIONAL(sched_setscheduler, 3, 3) {
    pid_t pid;
    int policy;
    struct sched_param parameter;
    if (kr_read_pid(argument[0], &pid) < 0 || kr_read_int(argument[1], &policy) < 0 ||
        kr_read_sched_param(module, argument[2], &parameter) < 0)
        return NULL;
    return kr_posix_none(sched_setscheduler(pid, policy, &parameter));
}

KR_FUNCTION_ONE(sched_getparam) {
    pid_t pid;
    struct sched_param parameter;
    if (kr_read_pid(argument, &pid) < 0) return NULL;
    if (sched_getparam(pid, &parameter) < 0) return kr_posix_error();
    PyObject *priority = PyLong_FromLong(parameter.sched_priority);
    PyObject *self = priority == NULL ? NULL : PyStructSequence_New(kr_posix_state(module)->sched_param);
    if (self == NULL) {
        Py_XDECREF(priority);
        return NULL;
    }
    PyStructSequence_SET_ITEM(self, 0, priority);
    return self;
}

KR_FUNCTION_POSITIONAL(sched_setparam, 2, 2) {
    pid_t pid;
    struct sched_param parameter;
    if (kr_read_pid(argument[0], &pid) < 0 || kr_read_sched_param(module, argument[1], &parameter) < 0) return NULL;
    return kr_posix_none(sched_setparam(pid, &parameter));
}

KR_FUNCTION_ONE(sched_rr_get_interval) {
    pid_t pid;
    struct timespec interval;
    if (kr_read_pid(argument, &pid) < 0) return NULL;
    if (sched_rr_get_interval(pid, &interval) < 0) return kr_posix_error();
    return PyFloat_FromDouble((double)interval.tv_sec + 1e-9 * (double)interval.tv_nsec);
}

KR_FUNCTION_NONE(sched_yield) { return kr_posix_none(sched_yield()); }

/* ---- Processors ---- */

enum { FIRST_CPU_COUNT = 1024 };

/* A set of CPU numbers that grows. */
typedef struct CpuSet {
    cpu_set_t *set;
    int count;   /* CPUs that fit */
    size_t size; /* bytes */
} CpuSet;

/* Returns 0, or -1 with MemoryError; the old set is released in both cases. */
static int cpu_set_resize(CpuSet *cpus, int count) {
    cpu_set_t *old = cpus->set;
    size_t old_size = cpus->size;
    cpus->set = CPU_ALLOC((size_t)count);
    if (cpus->set == NULL) {
        PyErr_NoMemory();
    } else {
        cpus->count = count;
        cpus->size = CPU_ALLOC_SIZE((size_t)count);
        CPU_ZERO_S(cpus->size, cpus->set);
        if (old != NULL) memcpy(cpus->set, old, old_size);
    }
    if (old != NULL) CPU_FREE(old);
    return cpus->set == NULL ? -1 : 0;
}

/* Adds a CPU's number. Returns 0, or -1 with an exception. */
static int cpu_set_add(CpuSet *cpus, PyObject *object) {
    if (!PyLong_Check(object)) {
        PyErr_Format(PyExc_TypeError, "expected an iterator of ints, but iterator yielded %R", Py_TYPE(object));
        return -1;
    }
    long number = PyLong_AsLong(object);
    if (number < 0) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "negative CPU number");
        return -1;
    }
    if (number > INT_MAX - 1) {
        PyErr_SetString(PyExc_OverflowError, "CPU number too large");
        return -1;
    }
    if (number >= cpus->count) {
        int count = cpus->count;
        while (count <= number) count = count > INT_MAX / 2 ? INT_MAX : count * 2;
        if (cpu_set_resize(cpus, count) < 0) return -1;
    }
    CPU_SET_S((size_t)number, cpus->size, cpus->set);
    return 0;
}

KR_FUNCTION_POSITIONAL(sched_setaffinity, 2, 2) {
    pid_t pid;
    if (kr_read_pid(argument[0], &pid) < 0) return NULL;
    PyObject *iterator = PyObject_GetIter(argument[1]), *item;
    if (iterator == NULL) return NULL;
    CpuSet cpus = {NULL};
    int failed = cpu_set_resize(&cpus, FIRST_CPU_COUNT);
    while (failed == 0 && (item = PyIter_Next(iterator)) != NULL) {
        failed = cpu_set_add(&cpus, item);
        Py_DECREF(item);
    }
    Py_DECREF(iterator);
    PyObject *result = NULL;
    if (failed == 0 && !PyErr_Occurred()) result = kr_posix_none(sched_setaffinity(pid, cpus.size, cpus.set));
    if (cpus.set != NULL) CPU_FREE(cpus.set);
    return result;
}

/* The members as a new Python set. */
static PyObject *cpu_set_object(const CpuSet *cpus) {
    PyObject *result = PySet_New(NULL);
    int left = CPU_COUNT_S(cpus->size, cpus->set);
    for (int cpu = 0; result != NULL && left > 0; cpu++) {
        if (!CPU_ISSET_S((size_t)cpu, cpus->size, cpus->set)) continue;
        left--;
        PyObject *number = PyLong_FromLong(cpu);
        if (number == NULL || PySet_Add(result, number) < 0) Py_CLEAR(result);
        Py_XDECREF(number);
    }
    return result;
}

KR_FUNCTION_ONE(sched_getaffinity) {
    pid_t pid;
    if (kr_read_pid(argument, &pid) < 0) return NULL;
    CpuSet cpus = {NULL};
    if (cpu_set_resize(&cpus, FIRST_CPU_COUNT) < 0) return NULL;
    PyObject *result = NULL;
    while (1) {
        if (sched_getaffinity(pid, cpus.size, cpus.set) == 0) {
            result = cpu_set_object(&cpus);
            break;
        }
        /* EINVAL: the kernel knows more CPUs than fit. */
        if (errno != EINVAL || cpus.count > INT_MAX / 2) {
            kr_posix_error();
            break;
        }
        if (cpu_set_resize(&cpus, cpus.count * 2) < 0) return NULL;
    }
    CPU_FREE(cpus.set);
    return result;
}

KR_FUNCTION_NONE(cpu_count) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1) Py_RETURN_NONE;
    return PyLong_FromLong(count);
}

KR_FUNCTION_NONE(getloadavg) {
    double averages[3];
    if (getloadavg(averages, 3) == 3) return Py_BuildValue("ddd", averages[0], averages[1], averages[2]);
    PyErr_SetString(PyExc_OSError, "Load averages are unobtainable");
    return NULL;
}

static PyMethodDef functions[] = {
    KR_ENTRY_ONE(nice, "($module, increment, /)", "Add to this process's niceness and return the new one."),
    KR_ENTRY_KEYWORDS(getpriority, "($module, /, which, who)",
                      "Return the priority of a process, group or user (PRIO_PROCESS, PRIO_PGRP, PRIO_USER)."),
    KR_ENTRY_KEYWORDS(setpriority, "($module, /, which, who, priority)",
                      "Set the priority of a process, group or user (PRIO_PROCESS, PRIO_PGRP, PRIO_USER)."),
    KR_ENTRY_KEYWORDS(sched_get_priority_max, "($module, /, policy)", "Return the highest priority of a policy."),
    KR_ENTRY_KEYWORDS(sched_get_priority_min, "($module, /, policy)", "Return the lowest priority of a policy."),
    KR_ENTRY_ONE(sched_getscheduler, "($module, pid, /)", "Return the scheduling policy of a process."),
    KR_ENTRY_POSITIONAL(sched_setscheduler, "($module, pid, policy, param, /)",
                        "Set the scheduling policy and parameters of a process."),
    KR_ENTRY_ONE(sched_getparam, "($module, pid, /)", "Return the scheduling parameters of a process."),
    KR_ENTRY_POSITIONAL(sched_setparam, "($module, pid, param, /)", "Set the scheduling parameters of a process."),
    KR_ENTRY_ONE(sched_rr_get_interval, "($module, pid, /)",
                 "Return the round-robin time slice of a process, in seconds."),
    KR_ENTRY_NONE(sched_yield, "($module, /)", "Let other processes run first."),
    KR_ENTRY_POSITIONAL(sched_setaffinity, "($module, pid, mask, /)",
                        "Restrict a process to CPUs, an iterable of numbers."),
    KR_ENTRY_ONE(sched_getaffinity, "($module, pid, /)", "Return the set of CPUs that a process may run on."),
    KR_ENTRY_NONE(cpu_count, "($module, /)", "Return the number of CPUs in the system, or None if it is unknown."),
    KR_ENTRY_NONE(getloadavg, "($module, /)",
                  "Return how many processes were running or waiting to, on average over 1, 5 and 15 minutes."),
    {NULL},
};

int kr_posix_add_scheduling(PyObject *module) {
    KrPosixState *state = kr_posix_state(module);
    state->sched_param = kr_posix_add_structseq(module, "sched_param", &sched_param_description);
    if (state->sched_param == NULL) return -1;
    state->sched_param->tp_new = sched_param_new;
    return PyModule_AddFunctions(module, functions);
}
