/* pwd: the database of users. */
#include <Python.h>

#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "modules/posix/posix.h"

typedef struct {
    PyTypeObject *entry_type;
} ModuleState;

static ModuleState *module_state(PyObject *module) { return PyModule_GetState(module); }

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

static PyObject *text_or_none(const char *text) { return text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(text); }

static PyObject *make_entry(PyObject *module, const struct passwd *entry) {
    PyObject *result = PyStructSequence_New(module_state(module)->entry_type);
    if (result == NULL) return NULL;
    PyStructSequence_SET_ITEM(result, 0, text_or_none(entry->pw_name));
    PyStructSequence_SET_ITEM(result, 1, text_or_none(entry->pw_passwd));
    PyStructSequence_SET_ITEM(result, 2, _PyLong_FromUid(entry->pw_uid));
    PyStructSequence_SET_ITEM(result, 3, _PyLong_FromGid(entry->pw_gid));
    PyStructSequence_SET_ITEM(result, 4, text_or_none(entry->pw_gecos));
    PyStructSequence_SET_ITEM(result, 5, text_or_none(entry->pw_dir));
    PyStructSequence_SET_ITEM(result, 6, text_or_none(entry->pw_shell));
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

/* Finds an entry by name, or by number if `name` is NULL. `*buffer` holds its texts and is to be freed in any case. Returns
 * NULL if there is none (`*failed` is 0), or with an exception (1). */
static struct passwd *find_entry(const char *name, uid_t uid, struct passwd *entry, char **buffer, int *failed) {
    long suggested = sysconf(_SC_GETPW_R_SIZE_MAX);
    size_t size = suggested > 0 ? (size_t)suggested : 1024;
    *buffer = NULL;
    *failed = 1;
    for (;; size *= 2) {
        struct passwd *found = NULL;
        int status;
        char *grown = size > PY_SSIZE_T_MAX / 2 ? NULL : PyMem_RawRealloc(*buffer, size);
        if (grown == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        *buffer = grown;
        Py_BEGIN_ALLOW_THREADS
        status = name != NULL ? getpwnam_r(name, entry, grown, size, &found) : getpwuid_r(uid, entry, grown, size, &found);
        Py_END_ALLOW_THREADS
        if (status == ERANGE && found == NULL) continue;
        *failed = 0;
        return status == 0 ? found : NULL;
    }
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
    struct passwd entry;
    char *buffer;
    int failed;
    PyObject *result = NULL;
    struct passwd *found = find_entry(NULL, uid, &entry, &buffer, &failed);
    if (found != NULL) {
        result = make_entry(module, found);
    } else if (!failed) {
        PyObject *number = _PyLong_FromUid(uid);
        if (number != NULL) PyErr_Format(PyExc_KeyError, "getpwuid(): uid not found: %S", number);
        Py_XDECREF(number);
    }
    PyMem_RawFree(buffer);
    return result;
}

PyDoc_STRVAR(getpwnam_doc, "getpwnam($module, name, /)\n--\n\nThe entry of a user name; KeyError if there is none.");
static PyObject *pwd_getpwnam(PyObject *module, PyObject *name) {
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("getpwnam", "argument", "str", name);
        return NULL;
    }
    PyObject *bytes = PyUnicode_EncodeFSDefault(name), *result = NULL;
    char *text;
    if (bytes == NULL) return NULL;
    if (PyBytes_AsStringAndSize(bytes, &text, NULL) == 0) {
        struct passwd entry;
        char *buffer;
        int failed;
        struct passwd *found = find_entry(text, 0, &entry, &buffer, &failed);
        if (found != NULL)
            result = make_entry(module, found);
        else if (!failed)
            PyErr_Format(PyExc_KeyError, "getpwnam(): name not found: %R", name);
        PyMem_RawFree(buffer);
    }
    Py_DECREF(bytes);
    return result;
}

PyDoc_STRVAR(getpwall_doc, "getpwall($module, /)\n--\n\nList of all entries, in no particular order.");
static PyObject *pwd_getpwall(PyObject *module, PyObject *unused) {
    PyObject *result = PyList_New(0);
    struct passwd *entry;
    if (result == NULL) return NULL;
    setpwent();
    while (result != NULL && (entry = getpwent()) != NULL) {
        PyObject *item = make_entry(module, entry);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    endpwent();
    return result;
}

static PyMethodDef methods[] = {
    {"getpwuid", pwd_getpwuid, METH_O, getpwuid_doc},
    {"getpwnam", pwd_getpwnam, METH_O, getpwnam_doc},
    {"getpwall", pwd_getpwall, METH_NOARGS, getpwall_doc},
    {NULL},
};

static int execute(PyObject *module) {
    ModuleState *state = module_state(module);
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
    .m_name = "pwd",
    .m_doc = "The database of users: entries by number or name.",
    .m_size = sizeof(ModuleState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_pwd(void) { return PyModuleDef_Init(&definition); }
