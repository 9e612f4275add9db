/* Interned identifiers that C code looks up by name. */
#include <Python.h>

#include "object/names.h"

static struct {
    KrName *first;
} state;

/* A string past every allocator and limit, for a name that is first needed when memory has run out. It is never freed. */
static PyObject *make_in_need(const char *text) {
    size_t length = strlen(text);
    PyASCIIObject *self = malloc(sizeof *self + length + 1);
    if (self == NULL) Py_FatalError("no memory for a name");
    *self = (PyASCIIObject){.length = (Py_ssize_t)length, .hash = -1};
    Py_SET_TYPE(self, &PyUnicode_Type);
    Py_SET_REFCNT(self, PY_SSIZE_T_MAX / 2);
    self->state.kind = PyUnicode_1BYTE_KIND;
    self->state.compact = self->state.ascii = self->state.ready = 1;
    memcpy(self + 1, text, length + 1);
    return (PyObject *)self;
}

static PyObject *make(const char *text, PyObject *(*function)(const char *)) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *result = function(text);
    if (result == NULL) result = make_in_need(text);
    PyErr_Restore(type, value, traceback);
    return result;
}

static PyObject *link_name(KrName *name, PyObject *text) {
    name->object = text;
    name->next = state.first;
    state.first = name;
    return text;
}

PyObject *kr_name_intern(KrName *name) { return link_name(name, make(name->text, PyUnicode_InternFromString)); }

PyObject *kr_name_keep(KrName *name) { return link_name(name, make(name->text, PyUnicode_FromString)); }

void kr_names_finalize(void) {
    while (state.first != NULL) {
        KrName *name = state.first;
        state.first = name->next;
        name->next = NULL;
        Py_CLEAR(name->object);
    }
}
