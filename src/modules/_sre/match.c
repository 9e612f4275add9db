/* The type re.Match. */
#include <Python.h>
#include <structmember.h>

#include "modules/_sre/sre.h"

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

PyObject *kr_sre_slice(bool is_bytes, const char *data, PyObject *string, Py_ssize_t start, Py_ssize_t end) {
    if (!is_bytes) return PyUnicode_Substring(string, start, end);
    if (PyBytes_CheckExact(string) && start == 0 && end == PyBytes_GET_SIZE(string)) return Py_NewRef(string);
    return PyBytes_FromStringAndSize(data + start, end - start);
}

static int width_shift(const MatchState *state) { return state->width >> 1; }

PyObject *kr_sre_state_group(MatchState *state, Py_ssize_t group, bool empty) {
    Py_ssize_t start = 0, end = 0;
    if (group == 0) {
        start = (state->start - state->beginning) >> width_shift(state);
        end = (state->ptr - state->beginning) >> width_shift(state);
    } else {
        const char *from = (const char *)state->slots[2 * (group - 1)];
        const char *to = (const char *)state->slots[2 * (group - 1) + 1];
        if (from != NULL && to != NULL && to >= from) {
            start = (from - state->beginning) >> width_shift(state);
            end = (to - state->beginning) >> width_shift(state);
        } else if (!empty) {
            Py_RETURN_NONE;
        }
    }
    return kr_sre_slice(state->is_bytes, state->beginning, state->string, start, end);
}

PyObject *kr_sre_match_new(SreState *module, PatternObject *pattern, MatchState *state) {
    Py_ssize_t groups = pattern->groups + 1;
    int shift = width_shift(state);
    MatchObject *self = PyObject_GC_NewVar(MatchObject, module->match_type, 2 * groups);
    if (self == NULL) return NULL;
    self->string = Py_NewRef(state->string);
    self->regs = NULL;
    self->pattern = (PatternObject *)Py_NewRef((PyObject *)pattern);
    self->pos = state->pos;
    self->endpos = state->endpos;
    self->groups = groups;
    self->lastindex = (Py_ssize_t)state->slots[LAST_GROUP_SLOT(&pattern->program)];
    if (self->lastindex == 0) self->lastindex = -1;
    self->mark[0] = (state->start - state->beginning) >> shift;
    self->mark[1] = (state->ptr - state->beginning) >> shift;
    for (Py_ssize_t i = 2; i < 2 * groups; i += 2) {
        const char *from = (const char *)state->slots[i - 2], *to = (const char *)state->slots[i - 1];
        if (from != NULL && to != NULL && to >= from) {
            self->mark[i] = (from - state->beginning) >> shift;
            self->mark[i + 1] = (to - state->beginning) >> shift;
        } else {
            self->mark[i] = self->mark[i + 1] = -1;
        }
    }
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int match_traverse(MatchObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->string);
    Py_VISIT(self->regs);
    Py_VISIT(self->pattern);
    return 0;
}

static int match_clear(MatchObject *self) {
    Py_CLEAR(self->string);
    Py_CLEAR(self->regs);
    Py_CLEAR(self->pattern);
    return 0;
}

static void match_dealloc(MatchObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    match_clear(self);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

/* The text of a group, or the default if it took no part in the match. */
static PyObject *group_text(MatchObject *self, Py_ssize_t group, PyObject *unmatched) {
    Py_ssize_t length, start = self->mark[2 * group], end = self->mark[2 * group + 1];
    if (start < 0) return Py_NewRef(unmatched);
    if (PyUnicode_Check(self->string)) return PyUnicode_Substring(self->string, start, end);
    bool is_bytes;
    int width;
    Py_buffer view;
    const char *data = kr_sre_get_string(self->string, &length, &is_bytes, &width, &view);
    if (data == NULL) return NULL;
    /* The buffer may have shrunk since the match. */
    if (start > length) start = length;
    if (end > length) end = length;
    PyObject *text = kr_sre_slice(is_bytes, data, self->string, start, end);
    if (view.obj != NULL) PyBuffer_Release(&view);
    return text;
}

/* The number of the group that a number or a name stands for; -1 with an exception. */
static Py_ssize_t group_index(MatchObject *self, PyObject *key) {
    Py_ssize_t index = -1;
    if (key == NULL) return 0;
    if (PyIndex_Check(key)) {
        index = PyNumber_AsSsize_t(key, NULL);
    } else if (self->pattern->groupindex != NULL) {
        PyObject *number = PyDict_GetItemWithError(self->pattern->groupindex, key);
        if (number != NULL && PyLong_Check(number)) index = PyLong_AsSsize_t(number);
    }
    if (index < 0 || index >= self->groups) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "no such group");
        return -1;
    }
    return index;
}

static PyObject *group_by_key(MatchObject *self, PyObject *key) {
    Py_ssize_t index = group_index(self, key);
    return index < 0 ? NULL : group_text(self, index, Py_None);
}

PyDoc_STRVAR(group_doc, "group([group1, ...]) -> str or tuple.\n\n"
                        "Return the text of one group, given by number or name, or a tuple of several.");

static PyObject *match_group(MatchObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs == 0) return group_text(self, 0, Py_None);
    if (nargs == 1) return group_by_key(self, args[0]);
    PyObject *result = PyTuple_New(nargs);
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 0; i < nargs; i++) {
        PyObject *text = group_by_key(self, args[i]);
        if (text == NULL) {
            Py_DECREF(result);
            return NULL;
        }
        PyTuple_SET_ITEM(result, i, text);
    }
    return result;
}

/* Reads the optional argument `default`. Returns false with an exception. */
static bool read_default(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, _PyArg_Parser *parser,
                         PyObject **value) {
    PyObject *slots[1];
    *value = Py_None;
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 0, 1, 0, slots);
    if (args == NULL) return false;
    if (nargs + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0) > 0) *value = args[0];
    return true;
}

static const char *const default_keyword[] = {"default", NULL};

PyDoc_STRVAR(groups_doc, "groups($self, /, default=None)\n--\n\n"
                         "Return a tuple with the texts of all groups from 1 on.\n\n"
                         "The default stands for groups that took no part in the match.");

static PyObject *match_groups(MatchObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = default_keyword, .fname = "groups"};
    PyObject *unmatched;
    if (!read_default(args, nargs, kwnames, &parser, &unmatched)) return NULL;
    PyObject *result = PyTuple_New(self->groups - 1);
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 1; i < self->groups; i++) {
        PyObject *text = group_text(self, i, unmatched);
        if (text == NULL) {
            Py_DECREF(result);
            return NULL;
        }
        PyTuple_SET_ITEM(result, i - 1, text);
    }
    return result;
}

PyDoc_STRVAR(groupdict_doc, "groupdict($self, /, default=None)\n--\n\n"
                            "Return a dict with the texts of all named groups by name.\n\n"
                            "The default stands for groups that took no part in the match.");

static PyObject *match_groupdict(MatchObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = default_keyword, .fname = "groupdict"};
    PyObject *unmatched, *name, *number;
    Py_ssize_t pos = 0;
    if (!read_default(args, nargs, kwnames, &parser, &unmatched)) return NULL;
    PyObject *result = PyDict_New();
    if (result == NULL || self->pattern->groupindex == NULL) return result;
    while (PyDict_Next(self->pattern->groupindex, &pos, &name, &number)) {
        Py_INCREF(name);
        PyObject *text = group_by_key(self, name);
        if (text == Py_None && unmatched != Py_None) Py_SETREF(text, Py_NewRef(unmatched));
        int failed = text == NULL || PyDict_SetItem(result, name, text) < 0;
        Py_XDECREF(text);
        Py_DECREF(name);
        if (failed) {
            Py_DECREF(result);
            return NULL;
        }
    }
    return result;
}

/* The number of the group in the optional single argument of a method; -1 with an exception. */
static Py_ssize_t group_argument(MatchObject *self, const char *method, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs > 1 && !_PyArg_CheckPositional(method, nargs, 0, 1)) return -1;
    return group_index(self, nargs > 0 ? args[0] : NULL);
}

PyDoc_STRVAR(start_doc, "start($self, group=0, /)\n--\n\nReturn where the text of the group starts, or -1.");

static PyObject *match_start(MatchObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t group = group_argument(self, "start", args, nargs);
    return group < 0 ? NULL : PyLong_FromSsize_t(self->mark[2 * group]);
}

PyDoc_STRVAR(end_doc, "end($self, group=0, /)\n--\n\nReturn where the text of the group ends, or -1.");

static PyObject *match_end(MatchObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t group = group_argument(self, "end", args, nargs);
    return group < 0 ? NULL : PyLong_FromSsize_t(self->mark[2 * group + 1]);
}

static PyObject *group_span(MatchObject *self, Py_ssize_t group) {
    PyObject *start = PyLong_FromSsize_t(self->mark[2 * group]);
    PyObject *end = PyLong_FromSsize_t(self->mark[2 * group + 1]);
    PyObject *span = start != NULL && end != NULL ? PyTuple_New(2) : NULL;
    if (span == NULL) {
        Py_XDECREF(start);
        Py_XDECREF(end);
        return NULL;
    }
    PyTuple_SET_ITEM(span, 0, start);
    PyTuple_SET_ITEM(span, 1, end);
    return span;
}

PyDoc_STRVAR(span_doc, "span($self, group=0, /)\n--\n\nReturn the pair (start(group), end(group)).");

static PyObject *match_span(MatchObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t group = group_argument(self, "span", args, nargs);
    return group < 0 ? NULL : group_span(self, group);
}

PyDoc_STRVAR(expand_doc, "expand($self, /, template)\n--\n\n"
                         "Return the template with its backslash escapes and group references replaced.");

static PyObject *match_expand(MatchObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"template", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "expand"};
    PyObject *slots[1];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 1, 0, slots);
    if (args == NULL) return NULL;
    PyObject *re = PyImport_ImportModule("re");
    if (re == NULL) return NULL;
    PyObject *result = PyObject_CallMethod(re, "_expand", "OOO", self->pattern, self, args[0]);
    Py_DECREF(re);
    return result;
}

static PyObject *match_copy(PyObject *self, PyObject *unused) { return Py_NewRef(self); }

PyDoc_STRVAR(copy_doc, "__copy__($self, /)\n--\n\n");
PyDoc_STRVAR(deepcopy_doc, "__deepcopy__($self, memo, /)\n--\n\n");
PyDoc_STRVAR(class_getitem_doc, "See PEP 585.");

static PyObject *get_lastindex(MatchObject *self, void *unused) {
    if (self->lastindex < 0) Py_RETURN_NONE;
    return PyLong_FromSsize_t(self->lastindex);
}

static PyObject *get_lastgroup(MatchObject *self, void *unused) {
    PyObject *names = self->pattern->indexgroup;
    if (names == NULL || self->lastindex < 0 || self->lastindex >= PyTuple_GET_SIZE(names)) Py_RETURN_NONE;
    return Py_NewRef(PyTuple_GET_ITEM(names, self->lastindex));
}

static PyObject *get_regs(MatchObject *self, void *unused) {
    if (self->regs != NULL) return Py_NewRef(self->regs);
    PyObject *regs = PyTuple_New(self->groups);
    if (regs == NULL) return NULL;
    for (Py_ssize_t i = 0; i < self->groups; i++) {
        PyObject *span = group_span(self, i);
        if (span == NULL) {
            Py_DECREF(regs);
            return NULL;
        }
        PyTuple_SET_ITEM(regs, i, span);
    }
    self->regs = Py_NewRef(regs);
    return regs;
}

static PyObject *match_repr(MatchObject *self) {
    PyObject *text = group_text(self, 0, Py_None);
    if (text == NULL) return NULL;
    PyObject *result = PyUnicode_FromFormat("<%s object; span=(%zd, %zd), match=%.50R>", _PyType_Name(Py_TYPE(self)),
                                            self->mark[0], self->mark[1], text);
    Py_DECREF(text);
    return result;
}

static PyMethodDef match_methods[] = {
    {"group", FASTCALL(match_group), METH_FASTCALL, group_doc},
    {"start", FASTCALL(match_start), METH_FASTCALL, start_doc},
    {"end", FASTCALL(match_end), METH_FASTCALL, end_doc},
    {"span", FASTCALL(match_span), METH_FASTCALL, span_doc},
    {"groups", FASTCALL(match_groups), METH_FASTCALL | METH_KEYWORDS, groups_doc},
    {"groupdict", FASTCALL(match_groupdict), METH_FASTCALL | METH_KEYWORDS, groupdict_doc},
    {"expand", FASTCALL(match_expand), METH_FASTCALL | METH_KEYWORDS, expand_doc},
    {"__copy__", match_copy, METH_NOARGS, copy_doc},
    {"__deepcopy__", match_copy, METH_O, deepcopy_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PyGetSetDef match_getset[] = {
    {"lastindex", (getter)get_lastindex, NULL, "The number of the group that was closed last, or None."},
    {"lastgroup", (getter)get_lastgroup, NULL, "The name of the group that was closed last, or None."},
    {"regs", (getter)get_regs, NULL, "The spans of all groups."},
    {NULL},
};

static PyMemberDef match_members[] = {
    {"string", T_OBJECT, offsetof(MatchObject, string), READONLY, "The subject of the match."},
    {"re", T_OBJECT, offsetof(MatchObject, pattern), READONLY, "The pattern that matched."},
    {"pos", T_PYSSIZET, offsetof(MatchObject, pos), READONLY, "Where the subject was looked at from."},
    {"endpos", T_PYSSIZET, offsetof(MatchObject, endpos), READONLY, "Where the subject was taken to end."},
    {NULL},
};

PyDoc_STRVAR(match_doc, "The result of a successful match.\nA Match is always true.");

static PyType_Slot match_slots[] = {
    {Py_tp_dealloc, match_dealloc}, {Py_tp_repr, match_repr},         {Py_tp_doc, (void *)match_doc},
    {Py_tp_methods, match_methods}, {Py_tp_members, match_members},   {Py_tp_getset, match_getset},
    {Py_tp_traverse, match_traverse}, {Py_tp_clear, match_clear},     {Py_mp_subscript, group_by_key},
    {0, NULL},
};

PyType_Spec kr_sre_match_spec = {
    .name = "re.Match",
    .basicsize = sizeof(MatchObject),
    .itemsize = sizeof(Py_ssize_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = match_slots,
};
