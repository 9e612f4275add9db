/* grp: the database of groups. */
#include <Python.h>

#include <grp.h>
#include <unistd.h>

#include "modules/accounts.h"
#include "modules/posix/posix.h"

static PyStructSequence_Field fields[] = {
    {"gr_name", "group name"},
    {"gr_passwd", "password, mostly a placeholder"},
    {"gr_gid", "group id"},
    {"gr_mem", "names of the members"},
    {NULL, NULL},
};

static PyStructSequence_Desc description = {"grp.struct_group", "An entry of the group database: a tuple with names.", fields,
                                            4};

static PyObject *member_list(char *const *members) {
    PyObject *result = PyList_New(0);
    for (; members != NULL && *members != NULL && result != NULL; members++) {
        PyObject *name = PyUnicode_DecodeFSDefault(*members);
        if (name == NULL || PyList_Append(result, name) < 0) Py_CLEAR(result);
        Py_XDECREF(name);
    }
    return result;
}

static void fill(PyObject *result, const void *data) {
    const struct group *entry = data;
    PyStructSequence_SET_ITEM(result, 0, kr_account_text(entry->gr_name));
    PyStructSequence_SET_ITEM(result, 1, kr_account_text(entry->gr_passwd));
    PyStructSequence_SET_ITEM(result, 2, _PyLong_FromGid(entry->gr_gid));
    PyStructSequence_SET_ITEM(result, 3, member_list(entry->gr_mem));
}

static const void *next_entry(void) { return getgrent(); }

static const KrAccounts accounts = {
    .fill = fill,
    .size_limit = _SC_GETGR_R_SIZE_MAX,
    .open = setgrent,
    .next = next_entry,
    .close = endgrent,
};

static int look_up_number(const void *key, void *entry, char *buffer, size_t size, void **found) {
    return getgrgid_r(*(const gid_t *)key, entry, buffer, size, (struct group **)found);
}

static int look_up_name(const void *key, void *entry, char *buffer, size_t size, void **found) {
    return getgrnam_r(key, entry, buffer, size, (struct group **)found);
}

PyDoc_STRVAR(getgrgid_doc, "getgrgid($module, /, id)\n--\n\nThe entry of a group id; KeyError if there is none.");
static PyObject *grp_getgrgid(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"id", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "getgrgid"};
    PyObject *values[1] = {NULL};
    gid_t gid;
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 1, 0, values);
    if (args == NULL || !_Py_Gid_Converter(args[0], &gid)) return NULL;
    int missing;
    PyObject *result = kr_account_find(module, &accounts, look_up_number, &gid, &missing);
    if (missing) {
        PyObject *number = _PyLong_FromGid(gid);
        if (number != NULL) PyErr_Format(PyExc_KeyError, "getgrgid(): gid not found: %S", number);
        Py_XDECREF(number);
    }
    return result;
}

PyDoc_STRVAR(getgrnam_doc, "getgrnam($module, /, name)\n--\n\nThe entry of a group name; KeyError if there is none.");
static PyObject *grp_getgrnam(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"name", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "getgrnam"};
    PyObject *values[1] = {NULL};
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 1, 0, values);
    if (args == NULL) return NULL;
    PyObject *name = args[0];
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("getgrnam", "argument 'name'", "str", name);
        return NULL;
    }
    PyObject *bytes;
    if (!PyUnicode_FSConverter(name, &bytes)) return NULL;
    int missing;
    PyObject *result = kr_account_find(module, &accounts, look_up_name, PyBytes_AS_STRING(bytes), &missing);
    if (missing) PyErr_Format(PyExc_KeyError, "getgrnam(): name not found: %R", name);
    Py_DECREF(bytes);
    return result;
}

PyDoc_STRVAR(getgrall_doc, "getgrall($module, /)\n--\n\nList of all entries, in no particular order.");
static PyObject *grp_getgrall(PyObject *module, PyObject *unused) { return kr_account_list(module, &accounts); }

static PyMethodDef methods[] = {
    {"getgrgid", (PyCFunction)(void (*)(void))grp_getgrgid, METH_FASTCALL | METH_KEYWORDS, getgrgid_doc},
    {"getgrnam", (PyCFunction)(void (*)(void))grp_getgrnam, METH_FASTCALL | METH_KEYWORDS, getgrnam_doc},
    {"getgrall", grp_getgrall, METH_NOARGS, getgrall_doc},
    {NULL},
};

static int execute(PyObject *module) { return kr_account_module_add_type(module, &description); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "grp",
    .m_doc = "The database of groups: entries by number or name.",
    .m_size = sizeof(KrAccountModule),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = kr_account_module_traverse,
    .m_clear = kr_account_module_clear,
    .m_free = kr_account_module_free,
};

PyMODINIT_FUNC PyInit_grp(void) { return PyModuleDef_Init(&definition); }
