/* Searching and listing the databases of accounts, for grp, pwd and spwd. */
#include <Python.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "modules/accounts.h"

enum { BUFFER_SIZE = 1024 }; /* bytes to begin with if the system suggests none */

static KrAccountModule *module_state(PyObject *module) { return PyModule_GetState(module); }

PyObject *kr_account_text(const char *text) { return text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(text); }

PyObject *kr_account_make(PyObject *module, const KrAccounts *accounts, const void *entry) {
    PyObject *result = PyStructSequence_New(module_state(module)->entry_type);
    if (result == NULL) return NULL;
    accounts->fill(result, entry);
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

PyObject *kr_account_find(PyObject *module, const KrAccounts *accounts, KrAccountLookup lookup, const void *key, int *missing) {
    union {
        struct group group;
        struct passwd user;
    } entry;
    long suggested = sysconf(accounts->size_limit);
    size_t size = suggested > 0 ? (size_t)suggested : BUFFER_SIZE;
    char *buffer = NULL;
    PyObject *result = NULL;
    *missing = 0;
    for (;; size *= 2) {
        void *found = NULL;
        int status;
        char *grown = size > PY_SSIZE_T_MAX / 2 ? NULL : PyMem_RawRealloc(buffer, size);
        if (grown == NULL) {
            PyErr_NoMemory();
            break;
        }
        buffer = grown;
        Py_BEGIN_ALLOW_THREADS
        status = lookup(key, &entry, buffer, size, &found);
        Py_END_ALLOW_THREADS
        if (status == ERANGE && found == NULL) continue;
        if (status == 0 && found != NULL)
            result = kr_account_make(module, accounts, found);
        else
            *missing = 1;
        break;
    }
    PyMem_RawFree(buffer);
    return result;
}

PyObject *kr_account_list(PyObject *module, const KrAccounts *accounts) {
    PyObject *result = PyList_New(0);
    const void *entry;
    if (result == NULL) return NULL;
    accounts->open();
    while (result != NULL && (entry = accounts->next()) != NULL) {
        PyObject *item = kr_account_make(module, accounts, entry);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    accounts->close();
    return result;
}

int kr_account_module_add_type(PyObject *module, PyStructSequence_Desc *description) {
    KrAccountModule *state = module_state(module);
    state->entry_type = PyStructSequence_NewType(description);
    return state->entry_type == NULL ? -1 : PyModule_AddType(module, state->entry_type);
}

int kr_account_module_traverse(PyObject *module, visitproc visit, void *arg) {
    Py_VISIT(module_state(module)->entry_type);
    return 0;
}

int kr_account_module_clear(PyObject *module) {
    Py_CLEAR(module_state(module)->entry_type);
    return 0;
}

void kr_account_module_free(void *module) { kr_account_module_clear(module); }
