/* pwd: the database of users. */
#include <Python.h>

#include <pwd.h>
#include <unistd.h>

#include "modules/accounts.h"
#include "modules/posix/posix.h"

static PyStructSequence_Field fields[] = {
    {"pw_name", "user name"},
    {"pw_passwd", "password, mostly a placeholder"},
    {"pw_uid", "user id"},
    {"pw_gid", "group id"},
    {"pw_gecos", "real name"},
    {"pw_dir", "home folder"},
    {"pw_shell", "shell program"},
    {NULL, NULL},
};

static PyStructSequence_Desc description = {"pwd.struct_passwd", "An entry of the user database: a tuple with names.", fields,
                                            7};

static void fill(PyObject *result, const void *data) {
    const struct passwd *entry = data;
    PyStructSequence_SET_ITEM(result, 0, kr_account_text(entry->pw_name));
    PyStructSequence_SET_ITEM(result, 1, kr_account_text(entry->pw_passwd));
    PyStructSequence_SET_ITEM(result, 2, _PyLong_FromUid(entry->pw_uid));
    PyStructSequence_SET_ITEM(result, 3, _PyLong_FromGid(entry->pw_gid));
    PyStructSequence_SET_ITEM(result, 4, kr_account_text(entry->pw_gecos));
    PyStructSequence_SET_ITEM(result, 5, kr_account_text(entry->pw_dir));
    PyStructSequence_SET_ITEM(result, 6, kr_account_text(entry->pw_shell));
}

static const void *next_entry(void) { return getpwent(); }

static const KrAccounts accounts = {
    .fill = fill,
    .size_limit = _SC_GETPW_R_SIZE_MAX,
    .open = setpwent,
    .next = next_entry,
    .close = endpwent,
};

static int look_up_number(const void *key, void *entry, char *buffer, size_t size, void **found) {
    return getpwuid_r(*(const uid_t *)key, entry, buffer, size, (struct passwd **)found);
}

static int look_up_name(const void *key, void *entry, char *buffer, size_t size, void **found) {
    return getpwnam_r(key, entry, buffer, size, (struct passwd **)found);
}

PyDoc_STRVAR(getpwuid_doc, "getpwuid($module, uidobj, /)\n--\n\nThe entry of a user id; KeyError if there is none.");
static PyObject *pwd_getpwuid(PyObject *module, PyObject *argument) {
    uid_t uid;
    if (!_Py_Uid_Converter(argument, &uid)) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) {
            PyErr_Clear();
            PyErr_Format(PyExc_KeyError, "getpwuid(): uid not found");
        }
        return NULL;
    }
    int missing;
    PyObject *result = kr_account_find(module, &accounts, look_up_number, &uid, &missing);
    if (missing) {
        PyObject *number = _PyLong_FromUid(uid);
        if (number != NULL) PyErr_Format(PyExc_KeyError, "getpwuid(): uid not found: %S", number);
        Py_XDECREF(number);
    }
    return result;
}

PyDoc_STRVAR(getpwnam_doc, "getpwnam($module, name, /)\n--\n\nThe entry of a user name; KeyError if there is none.");
static PyObject *pwd_getpwnam(PyObject *module, PyObject *name) {
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("getpwnam", "argument", "str", name);
        return NULL;
    }
    PyObject *bytes;
    if (!PyUnicode_FSConverter(name, &bytes)) return NULL;
    int missing;
    PyObject *result = kr_account_find(module, &accounts, look_up_name, PyBytes_AS_STRING(bytes), &missing);
    if (missing) PyErr_Format(PyExc_KeyError, "getpwnam(): name not found: %R", name);
    Py_DECREF(bytes);
    return result;
}

PyDoc_STRVAR(getpwall_doc, "getpwall($module, /)\n--\n\nList of all entries, in no particular order.");
static PyObject *pwd_getpwall(PyObject *module, PyObject *unused) { return kr_account_list(module, &accounts); }

static PyMethodDef methods[] = {
    {"getpwuid", pwd_getpwuid, METH_O, getpwuid_doc},
    {"getpwnam", pwd_getpwnam, METH_O, getpwnam_doc},
    {"getpwall", pwd_getpwall, METH_NOARGS, getpwall_doc},
    {NULL},
};

static int execute(PyObject *module) { return kr_account_module_add_type(module, &description); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pwd",
    .m_doc = "The database of users: entries by number or name.",
    .m_size = sizeof(KrAccountModule),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = kr_account_module_traverse,
    .m_clear = kr_account_module_clear,
    .m_free = kr_account_module_free,
};

PyMODINIT_FUNC PyInit_pwd(void) { return PyModuleDef_Init(&definition); }
