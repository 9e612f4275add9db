/* grp: the database of groups. */
#include <Python.h>

#include <errno.h>
#include <grp.h>
#include <unistd.h>

#include "modules/posix/posix.h"

typedef struct {
    PyTypeObject *entry_type;
} ModuleState;

static ModuleState *module_state(PyObject *module) { return PyModule_GetState(module); }

static PyStructSequence_Field fields[] = {
    {"gr_name", "group name"},
    {"gr_passwd", "password, mostly a placeholder"},
    {"gr_gid", "group id"},
    {"gr_mem", "names of the members"},
    {NULL, NULL},
};

static PyStructSequence_Desc description = {"grp.struct_group", "An entry of the group database: a tuple with names.", fields,
                                            4};

static PyObject *text_or_none(const char *text) { return text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(text); }

static PyObject *member_list(char *const *members) {
    PyObject *result = PyList_New(0);
    for (; members != NULL && *members != NULL && result != NULL; members++) {
        PyObject *name = PyUnicode_DecodeFSDefault(*members);
        if (name == NULL || PyList_Append(result, name) < 0) Py_CLEAR(result);
        Py_XDECREF(name);
    }
    return result;
}

static PyObject *make_entry(PyObject *module, const struct group *entry) {
    PyObject *result = PyStructSequence_New(module_state(module)->entry_type);
    if (result == NULL) return NULL;
    PyStructSequence_SET_ITEM(result, 0, text_or_none(entry->gr_name));
    PyStructSequence_SET_ITEM(result, 1, text_or_none(entry->gr_passwd));
    PyStructSequence_SET_ITEM(result, 2, _PyLong_FromGid(entry->gr_gid));
    PyStructSequence_SET_ITEM(result, 3, member_list(entry->gr_mem));
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

/* Finds an entry by name, or by number if `name` is NULL. `*buffer` holds its texts and is to be freed in any case. Returns
 * NULL if there is none (`*failed` is 0), or with an exception (1). */
static struct group *find_entry(const char *name, gid_t gid, struct group *entry, char **buffer, int *failed) {
    long suggested = sysconf(_SC_GETGR_R_SIZE_MAX);
    size_t size = suggested > 0 ? (size_t)suggested : 1024;
    *buffer = NULL;
    *failed = 1;
    for (;; size *= 2) {
        struct group *found = NULL;
        int status;
        char *grown = size > PY_SSIZE_T_MAX / 2 ? NULL : PyMem_RawRealloc(*buffer, size);
        if (grown == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        *buffer = grown;
        Py_BEGIN_ALLOW_THREADS
        status = name != NULL ? getgrnam_r(name, entry, grown, size, &found) : getgrgid_r(gid, entry, grown, size, &found);
        Py_END_ALLOW_THREADS
        if (status == ERANGE && found == NULL) continue;
        *failed = 0;
        return status == 0 ? found : NULL;
    }
}

PyDoc_STRVAR(getgrgid_doc, "getgrgid($module, /, id)\n--\n\nThe entry of a group id; KeyError if there is none.");
static PyObject *grp_getgrgid(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"id", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "getgrgid"};
    PyObject *values[1] = {NULL};
    gid_t gid;
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 1, 0, values);
    if (args == NULL || !_Py_Gid_Converter(args[0], &gid)) return NULL;
    struct group entry;
    char *buffer;
    int failed;
    PyObject *result = NULL;
    struct group *found = find_entry(NULL, gid, &entry, &buffer, &failed);
    if (found != NULL) {
        result = make_entry(module, found);
    } else if (!failed) {
        PyObject *number = _PyLong_FromGid(gid);
        if (number != NULL) PyErr_Format(PyExc_KeyError, "getgrgid(): gid not found: %S", number);
        Py_XDECREF(number);
    }
    PyMem_RawFree(buffer);
    return result;
}

PyDoc_STRVAR(getgrnam_doc, "getgrnam($module, /, name)\n--\n\nThe entry of a group name; KeyError if there is none.");
static PyObject *grp_getgrnam(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"name", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "getgrnam"};
    PyObject *values[1] = {NULL};
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 1, 0, values);
    if (args == NULL) return NULL;
    PyObject *name = args[0], *result = NULL;
    if (!PyUnicode_Check(name)) {
        _PyArg_BadArgument("getgrnam", "argument 'name'", "str", name);
        return NULL;
    }
    PyObject *bytes = PyUnicode_EncodeFSDefault(name);
    char *text;
    if (bytes == NULL) return NULL;
    if (PyBytes_AsStringAndSize(bytes, &text, NULL) == 0) {
        struct group entry;
        char *buffer;
        int failed;
        struct group *found = find_entry(text, 0, &entry, &buffer, &failed);
        if (found != NULL)
            result = make_entry(module, found);
        else if (!failed)
            PyErr_Format(PyExc_KeyError, "getgrnam(): name not found: %R", name);
        PyMem_RawFree(buffer);
    }
    Py_DECREF(bytes);
    return result;
}

PyDoc_STRVAR(getgrall_doc, "getgrall($module, /)\n--\n\nList of all entries, in no particular order.");
static PyObject *grp_getgrall(PyObject *module, PyObject *unused) {
    PyObject *result = PyList_New(0);
    struct group *entry;
    if (result == NULL) return NULL;
    setgrent();
    while (result != NULL && (entry = getgrent()) != NULL) {
        PyObject *item = make_entry(module, entry);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    endgrent();
    return result;
}

static PyMethodDef methods[] = {
    {"getgrgid", (PyCFunction)(void (*)(void))grp_getgrgid, METH_FASTCALL | METH_KEYWORDS, getgrgid_doc},
    {"getgrnam", (PyCFunction)(void (*)(void))grp_getgrnam, METH_FASTCALL | METH_KEYWORDS, getgrnam_doc},
    {"getgrall", grp_getgrall, METH_NOARGS, getgrall_doc},
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
    .m_name = "grp",
    .m_doc = "The database of groups: entries by number or name.",
    .m_size = sizeof(ModuleState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_grp(void) { return PyModuleDef_Init(&definition); }
