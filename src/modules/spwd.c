/* spwd: the database of users' passwords, for the superuser. */
#include <Python.h>

#include <errno.h>
#include <shadow.h>

#include "modules/accounts.h"

enum { SHOWN_ITEMS = 9 };

static PyStructSequence_Field fields[] = {
    {"sp_namp", "user name"},
    {"sp_pwdp", "encrypted password"},
    {"sp_lstchg", "day of the last change"},
    {"sp_min", "least days between changes"},
    {"sp_max", "most days between changes"},
    {"sp_warn", "days of warning before the password expires"},
    {"sp_inact", "days after that until the account is closed"},
    {"sp_expire", "day on which the account expires"},
    {"sp_flag", "reserved"},
    {"sp_nam", "old name of sp_namp"},
    {"sp_pwd", "old name of sp_pwdp"},
    {NULL, NULL},
};

static PyStructSequence_Desc description = {"spwd.struct_spwd", "An entry of the password database: a tuple with names.",
                                            fields, SHOWN_ITEMS};

static void fill(PyObject *result, const void *data) {
    const struct spwd *entry = data;
    const long numbers[] = {entry->sp_lstchg, entry->sp_min,    entry->sp_max,       entry->sp_warn,
                            entry->sp_inact,  entry->sp_expire, (long)entry->sp_flag};
    PyStructSequence_SET_ITEM(result, 0, kr_account_text(entry->sp_namp));
    PyStructSequence_SET_ITEM(result, 1, kr_account_text(entry->sp_pwdp));
    for (size_t i = 0; i < Py_ARRAY_LENGTH(numbers); i++)
        PyStructSequence_SET_ITEM(result, 2 + (Py_ssize_t)i, PyLong_FromLong(numbers[i]));
    PyStructSequence_SET_ITEM(result, 9, kr_account_text(entry->sp_namp));
    PyStructSequence_SET_ITEM(result, 10, kr_account_text(entry->sp_pwdp));
}

static const void *next_entry(void) { return getspent(); }

static const KrAccounts accounts = {.fill = fill, .open = setspent, .next = next_entry, .close = endspent};

PyDoc_STRVAR(getspnam_doc, "getspnam($module, arg, /)\n--\n\nThe entry of a user name; KeyError if there is none.");
static PyObject *spwd_getspnam(PyObject *module, PyObject *name) {
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("getspnam", "argument", "str", name);
        return NULL;
    }
    PyObject *bytes, *result = NULL;
    if (!PyUnicode_FSConverter(name, &bytes)) return NULL;
    errno = 0;
    struct spwd *entry = getspnam(PyBytes_AS_STRING(bytes));
    if (entry != NULL)
        result = kr_account_make(module, &accounts, entry);
    else if (errno != 0)
        PyErr_SetFromErrno(PyExc_OSError);
    else
        PyErr_SetString(PyExc_KeyError, "getspnam(): name not found");
    Py_DECREF(bytes);
    return result;
}

PyDoc_STRVAR(getspall_doc, "getspall($module, /)\n--\n\nList of all entries, in no particular order.");
static PyObject *spwd_getspall(PyObject *module, PyObject *unused) { return kr_account_list(module, &accounts); }

static PyMethodDef methods[] = {
    {"getspnam", spwd_getspnam, METH_O, getspnam_doc},
    {"getspall", spwd_getspall, METH_NOARGS, getspall_doc},
    {NULL},
};

static int execute(PyObject *module) {
    if (PyErr_WarnEx(PyExc_DeprecationWarning, "'spwd' is deprecated and slated for removal in Python 3.13", 7) < 0) return -1;
    return kr_account_module_add_type(module, &description);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "spwd",
    .m_doc = "The database of users' passwords; only the superuser can read it.",
    .m_size = sizeof(KrAccountModule),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = kr_account_module_traverse,
    .m_clear = kr_account_module_clear,
    .m_free = kr_account_module_free,
};

PyMODINIT_FUNC PyInit_spwd(void) { return PyModuleDef_Init(&definition); }
