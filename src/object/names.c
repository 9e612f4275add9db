/* Interned identifiers that C code looks up by name. */
#include <Python.h>

#include "object/names.h"

static struct {
    KrName *first;
} state;

static PyObject *link_name(KrName *name, PyObject *text) {
    if (text == NULL) return NULL;
    name->object = text;
    name->next = state.first;
    state.first = name;
    return text;
}

PyObject *kr_name_intern(KrName *name) { return link_name(name, PyUnicode_InternFromString(name->text)); }

PyObject *kr_name_keep(KrName *name) { return link_name(name, PyUnicode_FromString(name->text)); }

void kr_names_finalize(void) {
    while (state.first != NULL) {
        KrName *name = state.first;
        state.first = name->next;
        name->next = NULL;
        Py_CLEAR(name->object);
    }
}
