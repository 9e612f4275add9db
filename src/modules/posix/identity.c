/* Users and groups of this process. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <grp.h>
#include <limits.h>

KR_FUNCTION_NONE(getuid) { return _PyLong_FromUid(getuid()); }
KR_FUNCTION_NONE(geteuid) { return _PyLong_FromUid(geteuid()); }
KR_FUNCTION_NONE(getgid) { return _PyLong_FromGid(getgid()); }
KR_FUNCTION_NONE(getegid) { return _PyLong_FromGid(getegid()); }

static PyObject *id_triple(int result, PyObject *(*make)(unsigned), unsigned real, unsigned effective, unsigned saved) {
    if (result < 0) return kr_posix_error();
    PyObject *first = make(real), *second = make(effective), *third = make(saved);
    if (first != NULL && second != NULL && third != NULL) return Py_BuildValue("(NNN)", first, second, third);
    Py_XDECREF(first);
    Py_XDECREF(second);
    Py_XDECREF(third);
    return NULL;
}

KR_FUNCTION_NONE(getresuid) {
    uid_t real, effective, saved;
    int result = getresuid(&real, &effective, &saved);
    return id_triple(result, _PyLong_FromUid, real, effective, saved);
}

KR_FUNCTION_NONE(getresgid) {
    gid_t real, effective, saved;
    int result = getresgid(&real, &effective, &saved);
    return id_triple(result, _PyLong_FromGid, real, effective, saved);
}

/* setuid(uid) and its relatives: every parameter is an id of the same kind. */
#define SET_ONE(name, kind)                                                        \
    KR_FUNCTION_ONE(name) {                                                        \
        kind##_t id;                                                               \
        return kr_read_##kind(argument, &id) < 0 ? NULL : kr_posix_none(name(id)); \
    }
#define SET_TWO(name, kind)                                                                                     \
    KR_FUNCTION_POSITIONAL(name, 2, 2) {                                                                        \
        kind##_t real, effective;                                                                               \
        if (kr_read_##kind(argument[0], &real) < 0 || kr_read_##kind(argument[1], &effective) < 0) return NULL; \
        return kr_posix_none(name(real, effective));                                                            \
    }
#define SET_THREE(name, kind)                                                                        \
    KR_FUNCTION_POSITIONAL(name, 3, 3) {                                                             \
        kind##_t real, effective, saved;                                                             \
        if (kr_read_##kind(argument[0], &real) < 0 || kr_read_##kind(argument[1], &effective) < 0 || \
            kr_read_##kind(argument[2], &saved) < 0)                                                 \
            return NULL;                                                                             \
        return kr_posix_none(name(real, effective, saved));                                          \
    }
SET_ONE(setuid, uid)
SET_ONE(seteuid, uid)
SET_TWO(setreuid, uid)
SET_THREE(setresuid, uid)
SET_ONE(setgid, gid)
SET_ONE(setegid, gid)
SET_TWO(setregid, gid)
SET_THREE(setresgid, gid)

/* ---- Supplementary groups ---- */

/* A new list of ids. */
static PyObject *group_list(const gid_t *groups, int count) {
    PyObject *list = PyList_New(count);
    for (int i = 0; list != NULL && i < count; i++) {
        PyObject *id = _PyLong_FromGid(groups[i]);
        if (id == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, i, id);
        }
    }
    return list;
}

KR_FUNCTION_NONE(getgroups) {
    int count = getgroups(0, NULL);
    if (count < 0) return kr_posix_error();
    gid_t *groups = PyMem_New(gid_t, (size_t)count);
    if (groups == NULL) return PyErr_NoMemory();
    count = getgroups(count, groups);
    PyObject *list = count < 0 ? kr_posix_error() : group_list(groups, count);
    PyMem_Free(groups);
    return list;
}

KR_FUNCTION_POSITIONAL(getgrouplist, 2, 2) {
    if (!PyUnicode_Check(argument[0])) {
        _PyArg_BadArgument("getgrouplist", "argument 1", "str", argument[0]);
        return NULL;
    }
    Py_ssize_t size;
    const char *user = PyUnicode_AsUTF8AndSize(argument[0], &size);
    if (user == NULL) return NULL;
    if (strlen(user) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    gid_t group;
    if (kr_read_gid(argument[1], &group) < 0) return NULL;
    for (int room = 32;;) {
        gid_t *groups = PyMem_New(gid_t, (size_t)room);
        if (groups == NULL) return PyErr_NoMemory();
        int count = room;
        PyObject *list = getgrouplist(user, group, groups, &count) < 0 ? NULL : group_list(groups, count);
        PyMem_Free(groups);
        if (list != NULL || PyErr_Occurred()) return list;
        if (room > INT_MAX / 2) return PyErr_NoMemory();
        room = count > room ? count : room * 2;
    }
}

KR_FUNCTION_ONE(setgroups) {
    if (!PySequence_Check(argument)) {
        PyErr_SetString(PyExc_TypeError, "setgroups argument must be a sequence");
        return NULL;
    }
    Py_ssize_t count = PySequence_Size(argument);
    if (count < 0) return NULL;
    if (count > NGROUPS_MAX) {
        PyErr_SetString(PyExc_ValueError, "too many groups");
        return NULL;
    }
    gid_t *groups = PyMem_New(gid_t, (size_t)count);
    if (groups == NULL) return PyErr_NoMemory();
    PyObject *result = NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(argument, i);
        if (item == NULL) goto finish;
        int failed = -1;
        if (!PyLong_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "groups must be integers");
        } else {
            failed = kr_read_gid(item, &groups[i]);
        }
        Py_DECREF(item);
        if (failed < 0) goto finish;
    }
    result = kr_posix_none(setgroups((size_t)count, groups));

finish:
    PyMem_Free(groups);
    return result;
}

KR_FUNCTION_POSITIONAL(initgroups, 2, 2) {
    PyObject *name;
    gid_t group;
    if (!PyUnicode_FSConverter(argument[0], &name)) return NULL;
    PyObject *result = NULL;
    if (kr_read_gid(argument[1], &group) == 0) result = kr_posix_none(initgroups(PyBytes_AS_STRING(name), group));
    Py_DECREF(name);
    return result;
}

KR_FUNCTION_NONE(getlogin) {
    errno = 0;
    const char *name = getlogin();
    if (name != NULL) return PyUnicode_DecodeFSDefault(name);
    if (errno != 0) return kr_posix_error();
    PyErr_SetString(PyExc_OSError, "unable to determine login name");
    return NULL;
}

static PyMethodDef functions[] = {
    KR_ENTRY_NONE(getuid, "($module, /)", "Return the real user id."),
    KR_ENTRY_NONE(geteuid, "($module, /)", "Return the effective user id."),
    KR_ENTRY_NONE(getgid, "($module, /)", "Return the real group id."),
    KR_ENTRY_NONE(getegid, "($module, /)", "Return the effective group id."),
    KR_ENTRY_NONE(getresuid, "($module, /)", "Return the real, effective and saved user ids."),
    KR_ENTRY_NONE(getresgid, "($module, /)", "Return the real, effective and saved group ids."),
    KR_ENTRY_ONE(setuid, "($module, uid, /)", "Set the user id."),
    KR_ENTRY_ONE(seteuid, "($module, euid, /)", "Set the effective user id."),
    KR_ENTRY_POSITIONAL(setreuid, "($module, ruid, euid, /)", "Set the real and effective user ids."),
    KR_ENTRY_POSITIONAL(setresuid, "($module, ruid, euid, suid, /)", "Set the real, effective and saved user ids."),
    KR_ENTRY_ONE(setgid, "($module, gid, /)", "Set the group id."),
    KR_ENTRY_ONE(setegid, "($module, egid, /)", "Set the effective group id."),
    KR_ENTRY_POSITIONAL(setregid, "($module, rgid, egid, /)", "Set the real and effective group ids."),
    KR_ENTRY_POSITIONAL(setresgid, "($module, rgid, egid, sgid, /)", "Set the real, effective and saved group ids."),
    KR_ENTRY_NONE(getgroups, "($module, /)", "Return a list of the supplementary group ids."),
    KR_ENTRY_POSITIONAL(getgrouplist, "($module, user, group, /)",
                        "Return a list of the groups that a user belongs to, with the given one."),
    KR_ENTRY_ONE(setgroups, "($module, groups, /)", "Set the supplementary group ids."),
    KR_ENTRY_POSITIONAL(initgroups, "($module, username, gid, /)",
                        "Set the supplementary groups to those of a user, and the given one."),
    KR_ENTRY_NONE(getlogin, "($module, /)", "Return the name of the user who logged in."),
    {NULL},
};

int kr_posix_add_identity(PyObject *module) { return PyModule_AddFunctions(module, functions); }
