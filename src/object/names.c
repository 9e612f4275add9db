/* Interned identifiers that C code looks up by name. */
#include <Python.h>

#include "object/names.h"

static struct {
    KrName *first;
} state;

PyObject *kr_name_intern(KrName *name) {
    PyObject *text = PyUnicode_InternFromString(name->text);
    if (text == NULL) return NULL;
    name->object = text;
    name->next = state.first;
    state.first = name;
    return text;
}

void kr_names_finalize(void) {
    while (state.first != NULL) {
        KrName *name = state.first;
        state.first = name->next;
        name->next = NULL;
        Py_CLEAR(name->object);
    }
}
