/* The type _sre.SRE_Scanner: matches of a pattern in a subject, one behind the other. */
#include <Python.h>
#include <structmember.h>

#include "modules/_sre/sre.h"

typedef struct {
    PyObject_HEAD
    PatternObject *pattern;
    bool executing;
    bool exhausted;
    MatchState state;
} ScannerObject;

PyObject *kr_sre_scanner_new(SreState *module, PatternObject *pattern, PyObject *string, Py_ssize_t pos,
                             Py_ssize_t endpos) {
    ScannerObject *self = PyObject_GC_New(ScannerObject, module->scanner_type);
    if (self == NULL) return NULL;
    self->pattern = NULL;
    self->executing = self->exhausted = false;
    if (kr_sre_state_init(&self->state, pattern, string, pos, endpos) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    self->pattern = (PatternObject *)Py_NewRef((PyObject *)pattern);
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int scanner_traverse(ScannerObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->pattern);
    Py_VISIT(self->state.string);
    return 0;
}

static int scanner_clear(ScannerObject *self) {
    Py_CLEAR(self->pattern);
    return 0;
}

static void scanner_dealloc(ScannerObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->pattern != NULL) kr_sre_state_finish(&self->state);
    scanner_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *scanner_step(ScannerObject *self, int (*step)(MatchState *)) {
    MatchState *state = &self->state;
    if (self->executing) {
        PyErr_SetString(PyExc_ValueError, "regular expression scanner already executing");
        return NULL;
    }
    if (self->exhausted || self->pattern == NULL) Py_RETURN_NONE;
    state->slots_used = true;
    self->executing = true;
    int found = step(state);
    self->executing = false;
    if (found < 0) return NULL;
    if (!found) {
        self->exhausted = true;
        Py_RETURN_NONE;
    }
    PyObject *match = kr_sre_match_new(PyType_GetModuleState(Py_TYPE(self)), self->pattern, state);
    if (match != NULL) sre_state_advance(state);
    return match;
}

PyDoc_STRVAR(match_doc, "match($self, /)\n--\n\nReturn the match that starts where the last one ended, or None.");

static PyObject *scanner_match(ScannerObject *self, PyObject *unused) { return scanner_step(self, kr_sre_match); }

PyDoc_STRVAR(search_doc, "search($self, /)\n--\n\nReturn the next match, or None.");

static PyObject *scanner_search(ScannerObject *self, PyObject *unused) { return scanner_step(self, kr_sre_search); }

static PyMethodDef scanner_methods[] = {
    {"match", (PyCFunction)scanner_match, METH_NOARGS, match_doc},
    {"search", (PyCFunction)scanner_search, METH_NOARGS, search_doc},
    {NULL},
};

static PyMemberDef scanner_members[] = {
    {"pattern", T_OBJECT, offsetof(ScannerObject, pattern), READONLY},
    {NULL},
};

static PyType_Slot scanner_slots[] = {
    {Py_tp_dealloc, scanner_dealloc},   {Py_tp_methods, scanner_methods}, {Py_tp_members, scanner_members},
    {Py_tp_traverse, scanner_traverse}, {Py_tp_clear, scanner_clear},     {0, NULL},
};

PyType_Spec kr_sre_scanner_spec = {
    .name = "_sre.SRE_Scanner",
    .basicsize = sizeof(ScannerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = scanner_slots,
};
