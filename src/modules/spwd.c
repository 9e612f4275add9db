/* spwd: the database of users' passwords, for the superuser. */
#include <Python.h>

#include <errno.h>
#include <shadow.h>

typedef struct {
    PyTypeObject *entry_type;
} ModuleState;

static ModuleState *module_state(PyObject *module) { return PyModule_GetState(module); }

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

static PyObject *text_or_none(const char *text) { return text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(text); }

static PyObject *make_entry(PyObject *module, const struct spwd *entry) {
    PyObject *result = PyStructSequence_New(module_state(module)->entry_type);
    if (result == NULL) return NULL;
    const long numbers[] = {entry->sp_lstchg, entry->sp_min,    entry->sp_max,       entry->sp_warn,
                            entry->sp_inact,  entry->sp_expire, (long)entry->sp_flag};
    PyStructSequence_SET_ITEM(result, 0, text_or_none(entry->sp_namp));
    PyStructSequence_SET_ITEM(result, 1, text_or_none(entry->sp_pwdp));
    for (size_t i = 0; i < Py_ARRAY_LENGTH(numbers); i++)
        PyStructSequence_SET_ITEM(result, 2 + (Py_ssize_t)i, PyLong_FromLong(numbers[i]));
    PyStructSequence_SET_ITEM(result, 9, text_or_none(entry->sp_namp));
    PyStructSequence_SET_ITEM(result, 10, text_or_none(entry->sp_pwdp));
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

PyDoc_STRVAR(getspnam_doc, "getspnam($module, arg, /)\n--\n\nThe entry of a user name; KeyError if there is none.");
static PyObject *spwd_getspnam(PyObject *module, PyObject *name) {
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("getspnam", "argument", "str", name);
        return NULL;
    }
    PyObject *bytes = PyUnicode_EncodeFSDefault(name), *result = NULL;
    char *text;
    if (bytes == NULL) return NULL;
    if (PyBytes_AsStringAndSize(bytes, &text, NULL) == 0) {
        errno = 0;
        struct spwd *entry = getspnam(text);
        if (entry != NULL)
            result = make_entry(module, entry);
        else if (errno != 0)
            PyErr_SetFromErrno(PyExc_OSError);
        else
            PyErr_SetString(PyExc_KeyError, "getspnam(): name not found");
    }
    Py_DECREF(bytes);
    return result;
}

PyDoc_STRVAR(getspall_doc, "getspall($module, /)\n--\n\nList of all entries, in no particular order.");
static PyObject *spwd_getspall(PyObject *module, PyObject *unused) {
    PyObject *result = PyList_New(0);
    struct spwd *entry;
    if (result == NULL) return NULL;
    setspent();
    while (result != NULL && (entry = getspent()) != NULL) {
        PyObject *item = make_entry(module, entry);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    endspent();
    return result;
}

static PyMethodDef methods[] = {
    {"getspnam", spwd_getspnam, METH_O, getspnam_doc},
    {"getspall", spwd_getspall, METH_NOARGS, getspall_doc},
    {NULL},
};

static int execute(PyObject *module) {
    ModuleState *state = module_state(module);
    if (PyErr_WarnEx(PyExc_DeprecationWarning, "'spwd' is deprecated and slated for removal in Python 3.13", 7) < 0) return -1;
    state->entry_type = PyStructSequence_NewType(&description);
    return state->entry_type == NULL ? -1 : PyModule_AddType(module, state->entry_type);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    Py_VISIT(module_state(module)->entry_type);
    return 0;
}

static int module_clear(PyObject *module) {
    Py_CLEAR(module_state(module)->entry_type);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "spwd",
    .m_doc = "The database of users' passwords; only the superuser can read it.",
    .m_size = sizeof(ModuleState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_spwd(void) { return PyModuleDef_Init(&definition); }
