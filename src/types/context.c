/* Context variables (PEP 567): contextvars.ContextVar, Context and Token, and their C interface.
 *
 * A thread state's `context` is the context that its code runs in, NULL until one is needed; `context_ver` changes each
 * time another one takes its place. A variable remembers the value it last gave, with the thread and that version; setting
 * it in the same context updates what is remembered, so a match of both means that the value is current.
 */
#include <Python.h>
#include <structmember.h>

#include "collector/collector.h"
#include "object/runtime.h"
#include "types/context.h"
#include "types/context_map.h"

#include <stddef.h>

struct _pycontextobject {
    PyObject_HEAD
    PyContext *previous; /* the context to return to on leaving this one */
    KrContextNode *map;
    PyObject *weak_references;
    int entered;
};

struct _pycontextvarobject {
    PyObject_HEAD
    PyObject *name;
    PyObject *fallback; /* the default, or NULL */
    PyObject *cached;   /* borrowed from the map of the current context */
    uint64_t cached_thread;
    uint64_t cached_version;
    Py_hash_t hash;
};

struct _pycontexttokenobject {
    PyObject_HEAD
    PyContext *context;
    PyContextVar *variable;
    PyObject *old_value; /* NULL: the variable had none */
    int used;
};

PyTypeObject kr_token_missing_type;
static PyObject missing = {_PyObject_EXTRA_INIT 1, &kr_token_missing_type};

/* Contexts */

static PyContext *make_context(KrContextNode *map) {
    PyContext *self = PyObject_GC_New(PyContext, &PyContext_Type);
    if (self == NULL) return NULL;
    self->previous = NULL;
    self->map = (KrContextNode *)Py_XNewRef(map);
    self->weak_references = NULL;
    self->entered = 0;
    kr_gc_track((PyObject *)self);
    return self;
}

/* The thread's context, made now if there is none. Borrowed, or NULL with MemoryError. */
static PyContext *current_context(PyThreadState *thread) {
    if (thread->context == NULL) thread->context = (PyObject *)make_context(NULL);
    return (PyContext *)thread->context;
}

static int check_is_context(PyObject *object) {
    if (PyContext_CheckExact(object)) return 1;
    PyErr_SetString(PyExc_TypeError, "an instance of Context was expected");
    return 0;
}

PyObject *PyContext_New(void) { return (PyObject *)make_context(NULL); }

PyObject *PyContext_Copy(PyObject *context) {
    return check_is_context(context) ? (PyObject *)make_context(((PyContext *)context)->map) : NULL;
}

PyObject *PyContext_CopyCurrent(void) {
    PyContext *context = current_context(kr_tstate());
    return context != NULL ? (PyObject *)make_context(context->map) : NULL;
}

int PyContext_Enter(PyObject *op) {
    if (!check_is_context(op)) return -1;
    PyThreadState *thread = kr_tstate();
    PyContext *self = (PyContext *)op;
    if (self->entered) {
        PyErr_Format(PyExc_RuntimeError, "cannot enter context: %R is already entered", op);
        return -1;
    }
    self->previous = (PyContext *)thread->context; /* takes over the reference */
    self->entered = 1;
    thread->context = Py_NewRef(op);
    thread->context_ver++;
    return 0;
}

int PyContext_Exit(PyObject *op) {
    if (!check_is_context(op)) return -1;
    PyThreadState *thread = kr_tstate();
    PyContext *self = (PyContext *)op;
    if (!self->entered) {
        PyErr_Format(PyExc_RuntimeError, "cannot exit context: %R has not been entered", op);
        return -1;
    }
    if (thread->context != op) {
        PyErr_SetString(PyExc_RuntimeError,
                        "cannot exit context: thread state references a different context object");
        return -1;
    }
    PyObject *previous = (PyObject *)self->previous;
    self->previous = NULL;
    self->entered = 0;
    thread->context_ver++;
    Py_SETREF(thread->context, previous);
    return 0;
}

static PyObject *context_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) > 0 || (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0)) {
        PyErr_SetString(PyExc_TypeError, "Context() does not accept any arguments");
        return NULL;
    }
    return PyContext_New();
}

static int context_tp_clear(PyObject *op) {
    PyContext *self = (PyContext *)op;
    Py_CLEAR(self->previous);
    Py_CLEAR(self->map);
    return 0;
}

static int context_traverse(PyObject *op, visitproc visit, void *arg) {
    PyContext *self = (PyContext *)op;
    Py_VISIT(self->previous);
    Py_VISIT(self->map);
    return 0;
}

static void context_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, context_dealloc)
    if (((PyContext *)op)->weak_references != NULL) PyObject_ClearWeakRefs(op);
    context_tp_clear(op);
    PyObject_GC_Del(op);
    Py_TRASHCAN_END
}

/* Checks a key and finds its value in a context: borrowed, NULL if there is none. *failed is set with TypeError. */
static PyObject *value_of_key(PyObject *op, PyObject *key, int *failed) {
    *failed = !PyContextVar_CheckExact(key);
    if (*failed) {
        PyErr_Format(PyExc_TypeError, "a ContextVar key was expected, got %R", key);
        return NULL;
    }
    return kr_context_map_find(((PyContext *)op)->map, key);
}

static PyObject *context_subscript(PyObject *op, PyObject *key) {
    int failed;
    PyObject *value = value_of_key(op, key, &failed);
    if (value == NULL && !failed) _PyErr_SetKeyError(key);
    return Py_XNewRef(value);
}

static int context_contains(PyObject *op, PyObject *key) {
    int failed;
    PyObject *value = value_of_key(op, key, &failed);
    return failed ? -1 : value != NULL;
}

static Py_ssize_t context_length(PyObject *op) { return kr_context_map_size(((PyContext *)op)->map); }

static PyObject *context_compare(PyObject *op, PyObject *other_op, int operator) {
    if (!PyContext_CheckExact(op) || !PyContext_CheckExact(other_op) || (operator != Py_EQ && operator != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    /* Comparing values may change the contexts, not their maps. */
    KrContextNode *map = (KrContextNode *)Py_XNewRef(((PyContext *)op)->map);
    KrContextNode *other = (KrContextNode *)Py_XNewRef(((PyContext *)other_op)->map);
    int equal = kr_context_map_size(map) == kr_context_map_size(other);
    PyObject *variable, *value;
    KrContextWalk walk;
    kr_context_walk_start(&walk, map == other ? NULL : map);
    while (equal == 1 && kr_context_walk_next(&walk, &variable, &value)) {
        PyObject *other_value = kr_context_map_find(other, variable);
        equal = other_value != NULL ? PyObject_RichCompareBool(value, other_value, Py_EQ) : 0;
    }
    Py_XDECREF(map);
    Py_XDECREF(other);
    return equal < 0 ? NULL : PyBool_FromLong(equal == (operator == Py_EQ));
}

/* Iterators over a context's map */

typedef struct {
    PyObject_HEAD
    KrContextNode *map; /* keeps what the walk borrows alive */
    KrContextWalk walk;
} ContextIterator;

static PyObject *make_iterator(PyObject *op, PyTypeObject *type) {
    ContextIterator *self = PyObject_GC_New(ContextIterator, type);
    if (self == NULL) return NULL;
    self->map = (KrContextNode *)Py_XNewRef(((PyContext *)op)->map);
    kr_context_walk_start(&self->walk, self->map);
    kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

static int iterator_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((ContextIterator *)op)->map);
    return 0;
}

static int iterator_clear(PyObject *op) {
    ContextIterator *self = (ContextIterator *)op;
    kr_context_walk_start(&self->walk, NULL);
    Py_CLEAR(self->map);
    return 0;
}

static void iterator_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    iterator_clear(op);
    PyObject_GC_Del(op);
}

static PyObject *next_key(PyObject *op) {
    PyObject *variable, *value;
    return kr_context_walk_next(&((ContextIterator *)op)->walk, &variable, &value) ? Py_NewRef(variable) : NULL;
}

static PyObject *next_value(PyObject *op) {
    PyObject *variable, *value;
    return kr_context_walk_next(&((ContextIterator *)op)->walk, &variable, &value) ? Py_NewRef(value) : NULL;
}

static PyObject *next_item(PyObject *op) {
    PyObject *variable, *value;
    return kr_context_walk_next(&((ContextIterator *)op)->walk, &variable, &value) ? PyTuple_Pack(2, variable, value)
                                                                                   : NULL;
}

#define ITERATOR_TYPE(object, name, next)                                                                              \
    PyTypeObject object = {                                                                                            \
        PyVarObject_HEAD_INIT(&PyType_Type, 0)                                                                         \
        .tp_name = name,                                                                                               \
        .tp_basicsize = sizeof(ContextIterator),                                                                       \
        .tp_dealloc = iterator_dealloc,                                                                                \
        .tp_getattro = PyObject_GenericGetAttr,                                                                        \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,                                                           \
        .tp_traverse = iterator_traverse,                                                                              \
        .tp_clear = iterator_clear,                                                                                    \
        .tp_iter = PyObject_SelfIter,                                                                                  \
        .tp_iternext = next,                                                                                           \
    }

ITERATOR_TYPE(kr_context_keys_type, "keys", next_key);
ITERATOR_TYPE(kr_context_values_type, "values", next_value);
ITERATOR_TYPE(kr_context_items_type, "items", next_item);

static PyObject *context_iter(PyObject *op) { return make_iterator(op, &kr_context_keys_type); }

/* Methods of contexts */

PyDoc_STRVAR(context_get_doc, "get($self, key, default=None, /)\n--\n\nReturn the variable's value, or default if it has none.");

static PyObject *context_get(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("get", nargs, 1, 2)) return NULL;
    int failed;
    PyObject *value = value_of_key(op, args[0], &failed);
    if (failed) return NULL;
    return Py_NewRef(value != NULL ? value : nargs == 2 ? args[1] : Py_None);
}

PyDoc_STRVAR(items_doc, "items($self, /)\n--\n\nIterate over the variables and their values, as pairs.");
PyDoc_STRVAR(keys_doc, "keys($self, /)\n--\n\nIterate over the variables.");
PyDoc_STRVAR(values_doc, "values($self, /)\n--\n\nIterate over the variables' values.");
PyDoc_STRVAR(context_copy_doc, "copy($self, /)\n--\n\nReturn a shallow copy.");
PyDoc_STRVAR(run_doc, "Call a function with the given arguments in this context.\n\n"
                      "Raise RuntimeError if the context is entered already.");

static PyObject *context_items(PyObject *op, PyObject *unused) { return make_iterator(op, &kr_context_items_type); }
static PyObject *context_keys(PyObject *op, PyObject *unused) { return make_iterator(op, &kr_context_keys_type); }
static PyObject *context_values(PyObject *op, PyObject *unused) { return make_iterator(op, &kr_context_values_type); }
static PyObject *context_copy(PyObject *op, PyObject *unused) { return PyContext_Copy(op); }

static PyObject *context_run(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    if (nargs < 1) {
        PyErr_SetString(PyExc_TypeError, "run() missing 1 required positional argument");
        return NULL;
    }
    if (PyContext_Enter(op) < 0) return NULL;
    PyObject *result = PyObject_Vectorcall(args[0], args + 1, (size_t)(nargs - 1), kwnames);
    if (PyContext_Exit(op) < 0) Py_CLEAR(result);
    return result;
}

static PyMethodDef context_methods[] = {
    {"get", (PyCFunction)(void (*)(void))context_get, METH_FASTCALL, context_get_doc},
    {"items", context_items, METH_NOARGS, items_doc},
    {"keys", context_keys, METH_NOARGS, keys_doc},
    {"values", context_values, METH_NOARGS, values_doc},
    {"copy", context_copy, METH_NOARGS, context_copy_doc},
    {"run", (PyCFunction)(void (*)(void))context_run, METH_FASTCALL | METH_KEYWORDS, run_doc},
    {NULL},
};

static PySequenceMethods context_as_sequence = {.sq_contains = context_contains};

static PyMappingMethods context_as_mapping = {.mp_length = context_length, .mp_subscript = context_subscript};

PyTypeObject PyContext_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "_contextvars.Context",
    .tp_basicsize = sizeof(PyContext),
    .tp_dealloc = context_dealloc,
    .tp_as_sequence = &context_as_sequence,
    .tp_as_mapping = &context_as_mapping,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = context_traverse,
    .tp_clear = context_tp_clear,
    .tp_richcompare = context_compare,
    .tp_weaklistoffset = offsetof(PyContext, weak_references),
    .tp_iter = context_iter,
    .tp_methods = context_methods,
    .tp_new = context_new,
};

/* Variables */

static inline int is_cached(PyContextVar *self, PyThreadState *thread) {
    return self->cached != NULL && self->cached_thread == thread->id && self->cached_version == thread->context_ver;
}

static inline void remember(PyContextVar *self, PyThreadState *thread, PyObject *value) {
    self->cached = value;
    self->cached_thread = thread->id;
    self->cached_version = thread->context_ver;
}

/* Gives the variable a value in the current context. Returns 0 or -1. */
static int set_value(PyContextVar *self, PyObject *value) {
    PyThreadState *thread = kr_tstate();
    self->cached = NULL;
    PyContext *context = current_context(thread);
    if (context == NULL) return -1;
    KrContextNode *map = kr_context_map_set(context->map, (PyObject *)self, value);
    if (map == NULL) return -1;
    KrContextNode *old = context->map;
    context->map = map;
    remember(self, thread, value);
    Py_XDECREF(old);
    return 0;
}

/* Takes the variable's value in the current context away. Returns 0 or -1. */
static int remove_value(PyContextVar *self) {
    self->cached = NULL;
    PyContext *context = current_context(kr_tstate());
    if (context == NULL) return -1;
    KrContextNode *map;
    if (kr_context_map_find(context->map, (PyObject *)self) == NULL) {
        PyErr_SetObject(PyExc_LookupError, (PyObject *)self);
        return -1;
    }
    if (kr_context_map_remove(context->map, (PyObject *)self, &map) < 0) return -1;
    Py_XSETREF(context->map, map);
    return 0;
}

static int check_is_variable(PyObject *object) {
    if (PyContextVar_CheckExact(object)) return 1;
    PyErr_SetString(PyExc_TypeError, "an instance of ContextVar was expected");
    return 0;
}

static PyObject *make_variable(PyObject *name, PyObject *fallback) {
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "context variable name must be a str");
        return NULL;
    }
    Py_hash_t name_hash = PyObject_Hash(name);
    if (name_hash == -1) return NULL;
    PyContextVar *self = PyObject_GC_New(PyContextVar, &PyContextVar_Type);
    if (self == NULL) return NULL;
    self->name = Py_NewRef(name);
    self->fallback = Py_XNewRef(fallback);
    self->cached = NULL;
    self->cached_thread = 0;
    self->cached_version = 0;
    self->hash = name_hash ^ _Py_HashPointer(self);
    if (self->hash == -1) self->hash = -2;
    /* Only the default can lead back to the variable. */
    if (fallback != NULL && PyObject_IS_GC(fallback)) kr_gc_track((PyObject *)self);
    return (PyObject *)self;
}

PyObject *PyContextVar_New(const char *name, PyObject *fallback) {
    PyObject *text = PyUnicode_FromString(name);
    if (text == NULL) return NULL;
    PyObject *variable = make_variable(text, fallback);
    Py_DECREF(text);
    return variable;
}

int PyContextVar_Get(PyObject *op, PyObject *fallback, PyObject **value) {
    if (!check_is_variable(op)) {
        *value = NULL;
        return -1;
    }
    PyContextVar *self = (PyContextVar *)op;
    PyThreadState *thread = kr_tstate();
    PyObject *found = NULL;
    if (thread->context != NULL) {
        if (is_cached(self, thread)) {
            found = self->cached;
        } else {
            found = kr_context_map_find(((PyContext *)thread->context)->map, op);
            if (found != NULL) remember(self, thread, found);
        }
    }
    if (found == NULL) found = fallback != NULL ? fallback : self->fallback;
    *value = Py_XNewRef(found);
    return 0;
}

PyObject *PyContextVar_Set(PyObject *op, PyObject *value) {
    if (!check_is_variable(op)) return NULL;
    PyContextVar *self = (PyContextVar *)op;
    PyContext *context = current_context(kr_tstate());
    if (context == NULL) return NULL;
    PyContextToken *token = PyObject_GC_New(PyContextToken, &PyContextToken_Type);
    if (token == NULL) return NULL;
    token->context = (PyContext *)Py_NewRef(context);
    token->variable = (PyContextVar *)Py_NewRef(self);
    token->old_value = Py_XNewRef(kr_context_map_find(context->map, op));
    token->used = 0;
    kr_gc_track((PyObject *)token);
    if (set_value(self, value) < 0) Py_CLEAR(token);
    return (PyObject *)token;
}

int PyContextVar_Reset(PyObject *op, PyObject *token_op) {
    if (!check_is_variable(op)) return -1;
    if (!PyContextToken_CheckExact(token_op)) {
        PyErr_Format(PyExc_TypeError, "expected an instance of Token, got %R", token_op);
        return -1;
    }
    PyContextToken *token = (PyContextToken *)token_op;
    if (token->used) {
        PyErr_Format(PyExc_RuntimeError, "%R has already been used once", token_op);
        return -1;
    }
    if ((PyObject *)token->variable != op) {
        PyErr_Format(PyExc_ValueError, "%R was created by a different ContextVar", token_op);
        return -1;
    }
    if ((PyObject *)token->context != kr_tstate()->context) {
        PyErr_Format(PyExc_ValueError, "%R was created in a different Context", token_op);
        return -1;
    }
    token->used = 1;
    return token->old_value != NULL ? set_value((PyContextVar *)op, token->old_value) : remove_value((PyContextVar *)op);
}

static PyObject *variable_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"", "default", NULL};
    PyObject *name, *fallback = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$O:ContextVar", keywords, &name, &fallback)) return NULL;
    return make_variable(name, fallback);
}

static int variable_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((PyContextVar *)op)->name);
    Py_VISIT(((PyContextVar *)op)->fallback);
    return 0;
}

static int variable_clear(PyObject *op) {
    PyContextVar *self = (PyContextVar *)op;
    self->cached = NULL;
    Py_CLEAR(self->name);
    Py_CLEAR(self->fallback);
    return 0;
}

static void variable_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    variable_clear(op);
    PyObject_GC_Del(op);
}

static Py_hash_t variable_hash(PyObject *op) { return ((PyContextVar *)op)->hash; }

static PyObject *variable_repr(PyObject *op) {
    PyContextVar *self = (PyContextVar *)op;
    if (self->fallback == NULL) return PyUnicode_FromFormat("<ContextVar name=%R at %p>", self->name, op);
    return PyUnicode_FromFormat("<ContextVar name=%R default=%R at %p>", self->name, self->fallback, op);
}

PyDoc_STRVAR(variable_get_doc, "get($self, default=<unrepresentable>, /)\n--\n\n"
                               "Return the value in the current context.\n\n"
                               "If there is none, return the argument, else the variable's default, else raise LookupError.");

static PyObject *variable_get(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("get", nargs, 0, 1)) return NULL;
    PyObject *value;
    if (PyContextVar_Get(op, nargs == 1 ? args[0] : NULL, &value) < 0) return NULL;
    if (value == NULL) PyErr_SetObject(PyExc_LookupError, op);
    return value;
}

PyDoc_STRVAR(variable_set_doc, "set($self, value, /)\n--\n\n"
                               "Set the value in the current context; return a token with which reset() undoes it.");

PyDoc_STRVAR(variable_reset_doc, "reset($self, token, /)\n--\n\n"
                                 "Restore the value from before the call of set() that returned the token.");

static PyObject *variable_reset(PyObject *op, PyObject *token) {
    if (PyContextVar_Reset(op, token) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(class_getitem_doc, "Return a generic alias; see PEP 585.");

static PyMethodDef variable_methods[] = {
    {"get", (PyCFunction)(void (*)(void))variable_get, METH_FASTCALL, variable_get_doc},
    {"set", PyContextVar_Set, METH_O, variable_set_doc},
    {"reset", variable_reset, METH_O, variable_reset_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

static PyMemberDef variable_members[] = {{"name", T_OBJECT, offsetof(PyContextVar, name), READONLY}, {NULL}};

PyTypeObject PyContextVar_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "_contextvars.ContextVar",
    .tp_basicsize = sizeof(PyContextVar),
    .tp_dealloc = variable_dealloc,
    .tp_repr = variable_repr,
    .tp_hash = variable_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = variable_traverse,
    .tp_clear = variable_clear,
    .tp_methods = variable_methods,
    .tp_members = variable_members,
    .tp_new = variable_new,
    .tp_free = PyObject_GC_Del,
};

/* Tokens */

static PyObject *token_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyErr_SetString(PyExc_RuntimeError, "Tokens can only be created by ContextVars");
    return NULL;
}

static int token_traverse(PyObject *op, visitproc visit, void *arg) {
    PyContextToken *self = (PyContextToken *)op;
    Py_VISIT(self->context);
    Py_VISIT(self->variable);
    Py_VISIT(self->old_value);
    return 0;
}

static int token_clear(PyObject *op) {
    PyContextToken *self = (PyContextToken *)op;
    Py_CLEAR(self->context);
    Py_CLEAR(self->variable);
    Py_CLEAR(self->old_value);
    return 0;
}

static void token_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    token_clear(op);
    PyObject_GC_Del(op);
}

static PyObject *token_repr(PyObject *op) {
    PyContextToken *self = (PyContextToken *)op;
    return PyUnicode_FromFormat("<Token%s var=%R at %p>", self->used ? " used" : "", self->variable, op);
}

static PyObject *token_var(PyObject *op, void *unused) { return Py_NewRef(((PyContextToken *)op)->variable); }

static PyObject *token_old_value(PyObject *op, void *unused) {
    PyObject *value = ((PyContextToken *)op)->old_value;
    return Py_NewRef(value != NULL ? value : &missing);
}

static PyGetSetDef token_getset[] = {
    {"var", token_var},
    {"old_value", token_old_value},
    {NULL},
};

static PyMethodDef token_methods[] = {
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

PyTypeObject PyContextToken_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "_contextvars.Token",
    .tp_basicsize = sizeof(PyContextToken),
    .tp_dealloc = token_dealloc,
    .tp_repr = token_repr,
    .tp_hash = PyObject_HashNotImplemented,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = token_traverse,
    .tp_clear = token_clear,
    .tp_methods = token_methods,
    .tp_getset = token_getset,
    .tp_new = token_new,
    .tp_free = PyObject_GC_Del,
};

static PyObject *missing_repr(PyObject *self) { return PyUnicode_FromString("<Token.MISSING>"); }

static void missing_dealloc(PyObject *self) { Py_SET_REFCNT(self, 1); }

PyTypeObject kr_token_missing_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "Token.MISSING",
    .tp_basicsize = sizeof(PyObject),
    .tp_dealloc = missing_dealloc,
    .tp_repr = missing_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT,
};

int kr_context_initialize(void) {
    if (PyDict_SetItemString(PyContextToken_Type.tp_dict, "MISSING", &missing) < 0) return -1;
    PyType_Modified(&PyContextToken_Type);
    return 0;
}

PyObject *_PyContext_NewHamtForTests(void) {
    PyErr_SetString(PyExc_NotImplementedError, "contexts are not built on a HAMT of this kind");
    return NULL;
}
