/* The type re.Pattern. */
#include <Python.h>
#include <structmember.h>

#include "modules/_sre/sre.h"

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

static SreState *module_state(PatternObject *self) { return PyType_GetModuleState(Py_TYPE(self)); }

/* Reads a list of code numbers into memory that the caller frees. NULL with an exception. */
static uint32_t *read_code(PyObject *list) {
    Py_ssize_t length = PyList_GET_SIZE(list);
    uint32_t *code = PyMem_New(uint32_t, length > 0 ? length : 1);
    if (code == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        PyObject *item = PyList_GET_ITEM(list, i);
        unsigned long value = PyLong_AsUnsignedLong(item);
        if (value > UINT32_MAX) {
            PyErr_SetString(PyExc_OverflowError, "regular expression code size limit exceeded");
            PyMem_Free(code);
            return NULL;
        }
        code[i] = (uint32_t)value;
    }
    return code;
}

/* Returns 1 if the object is bytes-like, 0 if it is a str, -1 with an exception. */
static int tell_bytes(PyObject *string) {
    Py_ssize_t length;
    bool is_bytes;
    int width;
    Py_buffer view;
    if (kr_sre_get_string(string, &length, &is_bytes, &width, &view) == NULL) return -1;
    if (view.obj != NULL) PyBuffer_Release(&view);
    return is_bytes;
}

static bool check_type(PyObject *object, PyTypeObject *type, const char *name) {
    if (PyObject_TypeCheck(object, type)) return true;
    PyErr_Format(PyExc_TypeError, "compile() argument '%s' must be %s, not %.50s", name, type->tp_name,
                 object == Py_None ? "None" : Py_TYPE(object)->tp_name);
    return false;
}

PyObject *kr_sre_compile(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"pattern", "flags", "code", "groups", "groupindex", "indexgroup", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "compile"};
    SreState *state = PyModule_GetState(module);
    PyObject *slots[6];
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 6, 6, 0, slots);
    if (args == NULL) return NULL;
    int flags = _PyLong_AsInt(args[1]);
    if ((flags == -1 && PyErr_Occurred()) || !check_type(args[2], &PyList_Type, "code")) return NULL;
    PyObject *number = PyNumber_Index(args[3]);
    if (number == NULL) return NULL;
    Py_ssize_t groups = PyLong_AsSsize_t(number);
    Py_DECREF(number);
    if ((groups == -1 && PyErr_Occurred()) || !check_type(args[4], &PyDict_Type, "groupindex") ||
        !check_type(args[5], &PyTuple_Type, "indexgroup"))
        return NULL;

    PatternObject *self = PyObject_GC_New(PatternObject, state->pattern_type);
    if (self == NULL) return NULL;
    self->pattern = Py_NewRef(args[0]);
    self->groupindex = PyDict_GET_SIZE(args[4]) > 0 ? Py_NewRef(args[4]) : NULL;
    self->indexgroup = PyDict_GET_SIZE(args[4]) > 0 ? Py_NewRef(args[5]) : NULL;
    self->weakrefs = NULL;
    self->groups = groups;
    self->flags = flags;
    memset(&self->program, 0, sizeof(self->program));
    PyObject_GC_Track(self);

    self->is_bytes = self->pattern == Py_None ? -1 : tell_bytes(self->pattern);
    if (self->is_bytes < 0 && self->pattern != Py_None) goto error;
    uint32_t *code = read_code(args[2]);
    if (code == NULL) goto error;
    int failed = kr_sre_program_init(&self->program, code, PyList_GET_SIZE(args[2]), groups);
    PyMem_Free(code);
    if (!failed) return (PyObject *)self;
error:
    Py_DECREF(self);
    return NULL;
}

static int pattern_traverse(PatternObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->groupindex);
    Py_VISIT(self->indexgroup);
    Py_VISIT(self->pattern);
    return 0;
}

static int pattern_clear(PatternObject *self) {
    Py_CLEAR(self->groupindex);
    Py_CLEAR(self->indexgroup);
    Py_CLEAR(self->pattern);
    return 0;
}

static void pattern_dealloc(PatternObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    pattern_clear(self);
    kr_sre_program_free(&self->program);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static bool read_index(PyObject *object, Py_ssize_t *index) {
    PyObject *number = PyNumber_Index(object);
    if (number == NULL) return false;
    *index = PyLong_AsSsize_t(number);
    Py_DECREF(number);
    return *index != -1 || !PyErr_Occurred();
}

int kr_sre_read_subject(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, _PyArg_Parser *parser,
                        PyObject **string, Py_ssize_t *pos, Py_ssize_t *endpos) {
    *pos = 0;
    *endpos = PY_SSIZE_T_MAX;
    if (nargs == 1 && kwnames == NULL) {
        *string = args[0];
        return 0;
    }
    PyObject *slots[3] = {NULL, NULL, NULL};
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 1, 3, 0, slots);
    if (value == NULL) return -1;
    Py_ssize_t given = value == args ? nargs : 3;
    *string = value[0];
    if (given > 1 && value[1] != NULL && !read_index(value[1], pos)) return -1;
    if (given > 2 && value[2] != NULL && !read_index(value[2], endpos)) return -1;
    return 0;
}

static const char *const subject_keywords[] = {"string", "pos", "endpos", NULL};

/* match(), fullmatch() and search(). */
static PyObject *find_one(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                          _PyArg_Parser *parser, int (*find)(MatchState *), bool match_all) {
    PyObject *string;
    Py_ssize_t pos, endpos;
    MatchState state;
    if (kr_sre_read_subject(args, nargs, kwnames, parser, &string, &pos, &endpos) < 0 ||
        kr_sre_state_init(&state, self, string, pos, endpos) < 0)
        return NULL;
    state.match_all = match_all;
    int found = find(&state);
    PyObject *result = found > 0 ? kr_sre_match_new(module_state(self), self, &state)
                       : found < 0 ? NULL
                                   : Py_NewRef(Py_None);
    kr_sre_state_finish(&state);
    return result;
}

PyDoc_STRVAR(match_doc, "match($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\n"
                        "Return the match at the beginning of the string, or None.");

static PyObject *pattern_match(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = subject_keywords, .fname = "match"};
    return find_one(self, args, nargs, kwnames, &parser, kr_sre_match, false);
}

PyDoc_STRVAR(fullmatch_doc, "fullmatch($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\n"
                            "Return the match of the whole string, or None.");

static PyObject *pattern_fullmatch(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = subject_keywords, .fname = "fullmatch"};
    return find_one(self, args, nargs, kwnames, &parser, kr_sre_match, true);
}

PyDoc_STRVAR(search_doc, "search($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\n"
                         "Return the first match in the string, or None.");

static PyObject *pattern_search(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = subject_keywords, .fname = "search"};
    return find_one(self, args, nargs, kwnames, &parser, kr_sre_search, false);
}

/* What findall() lists for a match: the text, the only group, or a tuple of the groups. */
static PyObject *match_texts(PatternObject *self, MatchState *state) {
    if (self->groups == 0) return kr_sre_state_group(state, 0, true);
    if (self->groups == 1) return kr_sre_state_group(state, 1, true);
    PyObject *texts = PyTuple_New(self->groups);
    if (texts == NULL) return NULL;
    for (Py_ssize_t i = 0; i < self->groups; i++) {
        PyObject *text = kr_sre_state_group(state, i + 1, true);
        if (text == NULL) {
            Py_DECREF(texts);
            return NULL;
        }
        PyTuple_SET_ITEM(texts, i, text);
    }
    return texts;
}

/* Appends an item, whose reference it takes. Returns false with an exception; the item may be NULL. */
static bool append(PyObject *list, PyObject *item) {
    if (item == NULL) return false;
    int failed = PyList_Append(list, item);
    Py_DECREF(item);
    return !failed;
}

PyDoc_STRVAR(findall_doc, "findall($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\n"
                          "Return a list of the texts of all matches, or of their groups if there are any.");

static PyObject *pattern_findall(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = subject_keywords, .fname = "findall"};
    PyObject *string;
    Py_ssize_t pos, endpos;
    MatchState state;
    if (kr_sre_read_subject(args, nargs, kwnames, &parser, &string, &pos, &endpos) < 0 ||
        kr_sre_state_init(&state, self, string, pos, endpos) < 0)
        return NULL;
    PyObject *list = PyList_New(0);
    int found = -1;
    while (list != NULL && (found = kr_sre_search(&state)) > 0) {
        if (!append(list, match_texts(self, &state))) {
            found = -1;
            break;
        }
        sre_state_advance(&state);
    }
    if (found < 0) Py_CLEAR(list);
    kr_sre_state_finish(&state);
    return list;
}

PyDoc_STRVAR(scanner_doc, "scanner($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\n"
                          "Return an object whose methods match() and search() go from match to match.");

static PyObject *pattern_scanner(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = subject_keywords, .fname = "scanner"};
    PyObject *string;
    Py_ssize_t pos, endpos;
    if (kr_sre_read_subject(args, nargs, kwnames, &parser, &string, &pos, &endpos) < 0) return NULL;
    return kr_sre_scanner_new(module_state(self), self, string, pos, endpos);
}

PyDoc_STRVAR(finditer_doc, "finditer($self, /, string, pos=0, endpos=sys.maxsize)\n--\n\n"
                           "Return an iterator over all matches in the string.");

static PyObject *pattern_finditer(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = subject_keywords, .fname = "finditer"};
    PyObject *string;
    Py_ssize_t pos, endpos;
    if (kr_sre_read_subject(args, nargs, kwnames, &parser, &string, &pos, &endpos) < 0) return NULL;
    PyObject *scanner = kr_sre_scanner_new(module_state(self), self, string, pos, endpos);
    if (scanner == NULL) return NULL;
    PyObject *search = PyObject_GetAttrString(scanner, "search");
    Py_DECREF(scanner);
    if (search == NULL) return NULL;
    PyObject *iterator = PyCallIter_New(search, Py_None);
    Py_DECREF(search);
    return iterator;
}

PyDoc_STRVAR(split_doc, "split($self, /, string, maxsplit=0)\n--\n\n"
                        "Return a list of the texts between the matches, and of the groups of the matches.\n\n"
                        "At most maxsplit matches are looked for, or any number if that is 0.");

static PyObject *pattern_split(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"string", "maxsplit", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "split"};
    PyObject *slots[2] = {NULL, NULL};
    Py_ssize_t limit = 0;
    MatchState state;
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, slots);
    if (value == NULL) return NULL;
    if ((value != args || nargs > 1) && value[1] != NULL && !read_index(value[1], &limit)) return NULL;
    if (kr_sre_state_init(&state, self, value[0], 0, PY_SSIZE_T_MAX) < 0) return NULL;

    int shift = state.width >> 1;
    Py_ssize_t last = 0; /* end of the newest match */
    PyObject *list = PyList_New(0);
    if (list == NULL) goto error;
    for (Py_ssize_t count = 0; limit == 0 || count < limit; count++) {
        int found = kr_sre_search(&state);
        if (found < 0) goto error;
        if (!found) break;
        Py_ssize_t start = (state.start - state.beginning) >> shift;
        if (!append(list, kr_sre_slice(state.is_bytes, state.beginning, state.string, last, start))) goto error;
        for (Py_ssize_t i = 1; i <= self->groups; i++) {
            if (!append(list, kr_sre_state_group(&state, i, false))) goto error;
        }
        last = (state.ptr - state.beginning) >> shift;
        sre_state_advance(&state);
    }
    if (!append(list, kr_sre_slice(state.is_bytes, state.beginning, state.string, last, state.endpos))) goto error;
    kr_sre_state_finish(&state);
    return list;
error:
    Py_XDECREF(list);
    kr_sre_state_finish(&state);
    return NULL;
}

/* True if the replacement stands for itself: a string without backslash. */
static bool is_literal(PyObject *replacement) {
    Py_ssize_t length;
    bool is_bytes;
    int width;
    Py_buffer view;
    const char *data = kr_sre_get_string(replacement, &length, &is_bytes, &width, &view);
    if (data == NULL) {
        PyErr_Clear(); /* re._subx tells what is wrong with it. */
        return false;
    }
    bool literal;
    if (is_bytes || width == 1) {
        literal = memchr(data, '\\', (size_t)length) == NULL;
    } else {
        literal = PyUnicode_FindChar(replacement, '\\', 0, length, 1) == -1;
    }
    if (view.obj != NULL) PyBuffer_Release(&view);
    return literal;
}

/* The replacement as re._subx prepares it: a string, or a function of the match. */
static PyObject *prepare_replacement(PatternObject *self, PyObject *replacement) {
    if (PyCallable_Check(replacement) || is_literal(replacement)) return Py_NewRef(replacement);
    PyObject *re = PyImport_ImportModule("re");
    if (re == NULL) return NULL;
    PyObject *result = PyObject_CallMethod(re, "_subx", "OO", self, replacement);
    Py_DECREF(re);
    return result;
}

/* Joins the pieces of a subject; takes the list. */
static PyObject *join_pieces(PyObject *list, MatchState *state) {
    PyObject *result = NULL, *joiner = kr_sre_slice(state->is_bytes, state->beginning, state->string, 0, 0);
    if (joiner != NULL) {
        if (PyList_GET_SIZE(list) == 0) {
            result = Py_NewRef(joiner);
        } else if (state->is_bytes) {
            result = _PyBytes_Join(joiner, list);
        } else {
            result = PyUnicode_Join(joiner, list);
        }
        Py_DECREF(joiner);
    }
    Py_DECREF(list);
    return result;
}

/* sub() and subn(). */
static PyObject *substitute(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames,
                            _PyArg_Parser *parser, bool with_count) {
    PyObject *slots[3] = {NULL, NULL, NULL};
    Py_ssize_t limit = 0, count = 0, last = 0;
    MatchState state;
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 2, 3, 0, slots);
    if (value == NULL) return NULL;
    if ((value != args || nargs > 2) && value[2] != NULL && !read_index(value[2], &limit)) return NULL;
    PyObject *filter = prepare_replacement(self, value[0]);
    if (filter == NULL) return NULL;
    bool is_function = PyCallable_Check(filter);
    if (kr_sre_state_init(&state, self, value[1], 0, PY_SSIZE_T_MAX) < 0) {
        Py_DECREF(filter);
        return NULL;
    }

    int shift = state.width >> 1;
    PyObject *result = NULL, *list = PyList_New(0);
    if (list == NULL) goto done;
    for (; limit == 0 || count < limit; count++) {
        int found = kr_sre_search(&state);
        if (found < 0) goto done;
        if (!found) break;
        Py_ssize_t start = (state.start - state.beginning) >> shift;
        if (last < start &&
            !append(list, kr_sre_slice(state.is_bytes, state.beginning, state.string, last, start)))
            goto done;
        PyObject *item;
        if (is_function) {
            PyObject *match = kr_sre_match_new(module_state(self), self, &state);
            if (match == NULL) goto done;
            item = PyObject_CallOneArg(filter, match);
            Py_DECREF(match);
        } else {
            item = Py_NewRef(filter);
        }
        if (item == Py_None) {
            Py_DECREF(item);
        } else if (!append(list, item)) {
            goto done;
        }
        last = (state.ptr - state.beginning) >> shift;
        sre_state_advance(&state);
    }
    if (last < state.endpos &&
        !append(list, kr_sre_slice(state.is_bytes, state.beginning, state.string, last, state.endpos)))
        goto done;
    result = join_pieces(list, &state);
    list = NULL;
    if (with_count && result != NULL) result = Py_BuildValue("(Nn)", result, count);
done:
    Py_XDECREF(list);
    Py_DECREF(filter);
    kr_sre_state_finish(&state);
    return result;
}

static const char *const replace_keywords[] = {"repl", "string", "count", NULL};

PyDoc_STRVAR(sub_doc, "sub($self, /, repl, string, count=0)\n--\n\n"
                      "Return the string with matches replaced by a template or by what a function of the match returns.\n\n"
                      "At most count matches are replaced, or all if that is 0.");

static PyObject *pattern_sub(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = replace_keywords, .fname = "sub"};
    return substitute(self, args, nargs, kwnames, &parser, false);
}

PyDoc_STRVAR(subn_doc, "subn($self, /, repl, string, count=0)\n--\n\n"
                       "Return a pair of what sub() returns and of the number of matches replaced.");

static PyObject *pattern_subn(PatternObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = replace_keywords, .fname = "subn"};
    return substitute(self, args, nargs, kwnames, &parser, true);
}

static PyObject *pattern_copy(PyObject *self, PyObject *unused) { return Py_NewRef(self); }

PyDoc_STRVAR(copy_doc, "__copy__($self, /)\n--\n\n");
PyDoc_STRVAR(deepcopy_doc, "__deepcopy__($self, memo, /)\n--\n\n");
PyDoc_STRVAR(class_getitem_doc, "See PEP 585.");

/* Appends text to *string, a str, and returns whether that went well; else *string is NULL. */
static bool append_flag(PyObject **string, PyObject *text) {
    PyUnicode_AppendAndDel(string, text);
    return *string != NULL;
}

static PyObject *pattern_repr(PatternObject *self) {
    static const struct {
        const char *name;
        int flag;
    } names[] = {{"re.TEMPLATE", 1},   {"re.IGNORECASE", 2}, {"re.LOCALE", SRE_FLAG_LOCALE},
                 {"re.MULTILINE", 8},  {"re.DOTALL", 16},    {"re.UNICODE", SRE_FLAG_UNICODE},
                 {"re.VERBOSE", 64},   {"re.DEBUG", 128},    {"re.ASCII", SRE_FLAG_ASCII}};
    int flags = self->flags;
    /* UNICODE goes without saying for a str. */
    if (self->is_bytes == 0 && (flags & (SRE_FLAG_LOCALE | SRE_FLAG_UNICODE | SRE_FLAG_ASCII)) == SRE_FLAG_UNICODE)
        flags &= ~SRE_FLAG_UNICODE;
    PyObject *result = PyUnicode_FromFormat("re.compile(%.200R", self->pattern);
    const char *separator = ", ";
    for (size_t i = 0; result != NULL && i < Py_ARRAY_LENGTH(names); i++) {
        if (!(flags & names[i].flag)) continue;
        flags &= ~names[i].flag;
        if (!append_flag(&result, PyUnicode_FromFormat("%s%s", separator, names[i].name))) return NULL;
        separator = "|";
    }
    if (result != NULL && flags != 0 && !append_flag(&result, PyUnicode_FromFormat("%s0x%x", separator, flags)))
        return NULL;
    if (result != NULL) append_flag(&result, PyUnicode_FromString(")"));
    return result;
}

static Py_hash_t pattern_hash(PatternObject *self) {
    Py_hash_t hash = PyObject_Hash(self->pattern);
    if (hash == -1) return -1;
    hash ^= kr_sre_program_hash(&self->program) ^ self->flags ^ self->is_bytes ^ self->groups;
    return hash == -1 ? -2 : hash;
}

static PyObject *pattern_compare(PyObject *left, PyObject *right, int op) {
    if ((op != Py_EQ && op != Py_NE) || Py_TYPE(left) != Py_TYPE(right)) Py_RETURN_NOTIMPLEMENTED;
    PatternObject *a = (PatternObject *)left, *b = (PatternObject *)right;
    int equal = a == b;
    if (!equal && a->flags == b->flags && a->is_bytes == b->is_bytes && kr_sre_program_equal(&a->program, &b->program)) {
        equal = PyObject_RichCompareBool(a->pattern, b->pattern, Py_EQ);
        if (equal < 0) return NULL;
    }
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static PyObject *get_groupindex(PatternObject *self, void *unused) {
    if (self->groupindex != NULL) return PyDictProxy_New(self->groupindex);
    PyObject *empty = PyDict_New();
    if (empty == NULL) return NULL;
    PyObject *proxy = PyDictProxy_New(empty);
    Py_DECREF(empty);
    return proxy;
}

static PyMethodDef pattern_methods[] = {
    {"match", FASTCALL(pattern_match), METH_FASTCALL | METH_KEYWORDS, match_doc},
    {"fullmatch", FASTCALL(pattern_fullmatch), METH_FASTCALL | METH_KEYWORDS, fullmatch_doc},
    {"search", FASTCALL(pattern_search), METH_FASTCALL | METH_KEYWORDS, search_doc},
    {"sub", FASTCALL(pattern_sub), METH_FASTCALL | METH_KEYWORDS, sub_doc},
    {"subn", FASTCALL(pattern_subn), METH_FASTCALL | METH_KEYWORDS, subn_doc},
    {"findall", FASTCALL(pattern_findall), METH_FASTCALL | METH_KEYWORDS, findall_doc},
    {"split", FASTCALL(pattern_split), METH_FASTCALL | METH_KEYWORDS, split_doc},
    {"finditer", FASTCALL(pattern_finditer), METH_FASTCALL | METH_KEYWORDS, finditer_doc},
    {"scanner", FASTCALL(pattern_scanner), METH_FASTCALL | METH_KEYWORDS, scanner_doc},
    {"__copy__", pattern_copy, METH_NOARGS, copy_doc},
    {"__deepcopy__", pattern_copy, METH_O, deepcopy_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PyGetSetDef pattern_getset[] = {
    {"groupindex", (getter)get_groupindex, NULL, "The numbers of the named groups by name."},
    {NULL},
};

static PyMemberDef pattern_members[] = {
    {"pattern", T_OBJECT, offsetof(PatternObject, pattern), READONLY, "The string that was compiled."},
    {"flags", T_INT, offsetof(PatternObject, flags), READONLY, "The flags of the pattern, also those in its string."},
    {"groups", T_PYSSIZET, offsetof(PatternObject, groups), READONLY, "The number of capturing groups."},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PatternObject, weakrefs), READONLY},
    {NULL},
};

PyDoc_STRVAR(pattern_doc, "A compiled regular expression.");

static PyType_Slot pattern_slots[] = {
    {Py_tp_dealloc, pattern_dealloc},   {Py_tp_repr, pattern_repr},       {Py_tp_hash, pattern_hash},
    {Py_tp_doc, (void *)pattern_doc},   {Py_tp_richcompare, pattern_compare}, {Py_tp_methods, pattern_methods},
    {Py_tp_members, pattern_members},   {Py_tp_getset, pattern_getset},   {Py_tp_traverse, pattern_traverse},
    {Py_tp_clear, pattern_clear},       {0, NULL},
};

PyType_Spec kr_sre_pattern_spec = {
    .name = "re.Pattern",
    .basicsize = sizeof(PatternObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .slots = pattern_slots,
};
