/* BaseExceptionGroup and ExceptionGroup, and the bookkeeping of `except*`.
 *
 * A group is a tree whose leaves are exceptions that are no groups. Splitting builds new trees of the leaves that match
 * and of the others, with the original shape; every new group takes over the original's traceback, cause, context and
 * notes. `exceptions` is a tuple and never empty.
 */
#include <Python.h>
#include <structmember.h>

#include "object/names.h"
#include "types/exceptions.h"

static struct {
    PyObject *exception_group; /* the type */
} state;

KR_EXCEPTION_COLLECTOR(group, offsetof(PyBaseExceptionGroupObject, msg), offsetof(PyBaseExceptionGroupObject, excs))

static inline PyBaseExceptionGroupObject *as_group(PyObject *self) { return (PyBaseExceptionGroupObject *)self; }

PyObject *kr_exception_group_type(void) { return state.exception_group; }

/* ---- creation ---- */

/* Returns the type that an instance of `type` with these exceptions gets, borrowed, or NULL with TypeError. */
static PyTypeObject *type_for(PyTypeObject *type, PyObject *exceptions) {
    int only_exceptions = 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(exceptions); i++) {
        PyObject *exception = PyTuple_GET_ITEM(exceptions, i);
        if (!PyExceptionInstance_Check(exception)) {
            PyErr_Format(PyExc_ValueError, "Item %zd of second argument (exceptions) is not an exception", i);
            return NULL;
        }
        if (!PyObject_TypeCheck(exception, &kr_exc_Exception)) only_exceptions = 0;
    }
    if (type == &kr_exc_BaseExceptionGroup) return only_exceptions ? (PyTypeObject *)state.exception_group : type;
    if (only_exceptions || !PyType_IsSubtype(type, &kr_exc_Exception)) return type;
    if ((PyObject *)type == state.exception_group)
        PyErr_SetString(PyExc_TypeError, "Cannot nest BaseExceptions in an ExceptionGroup");
    else
        PyErr_Format(PyExc_TypeError, "Cannot nest BaseExceptions in '%.200s'", type->tp_name);
    return NULL;
}

/* Checks the second argument and returns it as a new tuple, or NULL. */
static PyObject *as_exception_tuple(PyObject *argument) {
    if (!PySequence_Check(argument)) {
        PyErr_SetString(PyExc_TypeError, "second argument (exceptions) must be a sequence");
        return NULL;
    }
    PyObject *exceptions = PySequence_Tuple(argument);
    if (exceptions != NULL && PyTuple_GET_SIZE(exceptions) == 0) {
        PyErr_SetString(PyExc_ValueError, "second argument (exceptions) must be a non-empty sequence");
        Py_CLEAR(exceptions);
    }
    return exceptions;
}

static PyObject *group_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    PyObject *message, *argument;
    if (!_PyArg_NoKeywords(type->tp_name, kwds)) return NULL;
    if (!PyArg_ParseTuple(args, "UO:BaseExceptionGroup.__new__", &message, &argument)) return NULL;
    PyObject *exceptions = as_exception_tuple(argument);
    if (exceptions == NULL) return NULL;
    PyObject *self = NULL;
    type = type_for(type, exceptions);
    if (type != NULL) self = kr_exception_new(type, args, NULL);
    if (self == NULL) {
        Py_DECREF(exceptions);
        return NULL;
    }
    as_group(self)->msg = Py_NewRef(message);
    as_group(self)->excs = exceptions;
    return self;
}

PyObject *kr_exception_group_new(const char *message, PyObject *exceptions) {
    return PyObject_CallFunction(PyExc_BaseExceptionGroup, "sO", message, exceptions);
}

static PyObject *group_str(PyObject *self) {
    Py_ssize_t count = PyTuple_GET_SIZE(as_group(self)->excs);
    return PyUnicode_FromFormat("%S (%zd sub-exception%s)", as_group(self)->msg, count, count > 1 ? "s" : "");
}

static PyObject *group_derive(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 1) {
        PyErr_Format(PyExc_TypeError, "function takes exactly 1 argument (%zd given)", count);
        return NULL;
    }
    return PyObject_CallFunctionObjArgs(PyExc_BaseExceptionGroup, as_group(self)->msg, args[0], NULL);
}

/* ---- splitting ---- */

/* How leaves and groups are told apart. */
typedef enum { MATCH_TYPE, MATCH_FUNCTION, MATCH_LEAVES } MatcherKind;
typedef struct {
    MatcherKind kind;
    PyObject *value; /* exception type(s), callable, or set of the addresses of leaves; borrowed */
} Matcher;

static int is_exception_type(PyObject *object) { return PyExceptionClass_Check(object); }

static int is_exception_type_or_tuple(PyObject *object) {
    if (!PyTuple_CheckExact(object)) return is_exception_type(object);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); i++) {
        if (!is_exception_type(PyTuple_GET_ITEM(object, i))) return 0;
    }
    return 1;
}

static int make_matcher(PyObject *argument, Matcher *matcher) {
    matcher->value = argument;
    if (PyFunction_Check(argument)) {
        matcher->kind = MATCH_FUNCTION;
    } else if (is_exception_type_or_tuple(argument)) {
        matcher->kind = MATCH_TYPE;
    } else {
        PyErr_SetString(PyExc_TypeError, "expected a function, exception type or tuple of exception types");
        return -1;
    }
    return 0;
}

/* Returns 1 or 0, -1 on error. */
static int matches(PyObject *exception, const Matcher *matcher) {
    if (matcher->kind == MATCH_TYPE) return PyErr_GivenExceptionMatches(exception, matcher->value);
    if (matcher->kind == MATCH_FUNCTION) {
        PyObject *answer = PyObject_CallOneArg(matcher->value, exception);
        if (answer == NULL) return -1;
        int truth = PyObject_IsTrue(answer);
        Py_DECREF(answer);
        return truth;
    }
    if (_PyBaseExceptionGroup_Check(exception)) return 0;
    PyObject *address = PyLong_FromVoidPtr(exception);
    if (address == NULL) return -1;
    int found = PySet_Contains(matcher->value, address);
    Py_DECREF(address);
    return found;
}

/* Copies the notes of a group into a part of it; notes that are no sequence are left out. */
static int copy_notes(PyObject *group, PyObject *part) {
    PyObject *name = KR_NAME(__notes__), *notes;
    if (name == NULL || _PyObject_LookupAttr(group, name, &notes) < 0) return -1;
    if (notes == NULL) return 0;
    int result = 0;
    if (PySequence_Check(notes)) {
        PyObject *copy = PySequence_List(notes);
        result = copy == NULL ? -1 : PyObject_SetAttr(part, name, copy);
        Py_XDECREF(copy);
    }
    Py_DECREF(notes);
    return result;
}

/* Makes a group of some exceptions of a group with its derive() method; None if there are none. New reference or NULL. */
static PyObject *make_part(PyObject *group, PyObject *exceptions) {
    if (PyList_GET_SIZE(exceptions) == 0) return Py_NewRef(Py_None);
    PyObject *part = PyObject_CallMethodOneArg(group, KR_NAME(derive), exceptions);
    if (part == NULL) return NULL;
    if (!_PyBaseExceptionGroup_Check(part)) {
        PyErr_SetString(PyExc_TypeError, "derive must return an instance of BaseExceptionGroup");
        goto failed;
    }
    PyObject *traceback = PyException_GetTraceback(group);
    if (traceback != NULL) {
        int failed = PyException_SetTraceback(part, traceback);
        Py_DECREF(traceback);
        if (failed) goto failed;
    }
    PyException_SetContext(part, PyException_GetContext(group));
    PyException_SetCause(part, PyException_GetCause(group));
    if (copy_notes(group, part) < 0) goto failed;
    return part;
failed:
    Py_DECREF(part);
    return NULL;
}

/* Splits an exception: *match and *rest (unless rest is NULL: then the others are dropped) become new references to an
 * exception or None. Returns 0 or -1. */
static int split(PyObject *exception, const Matcher *matcher, PyObject **match, PyObject **rest);

/* Appends an owned exception or None to a list; None is not appended. Takes the reference. */
static int append_part(PyObject *list, PyObject *part) {
    int result = part == Py_None ? 0 : PyList_Append(list, part);
    Py_DECREF(part);
    return result;
}

static int split_children(PyObject *group, const Matcher *matcher, PyObject *matching, PyObject *others) {
    PyObject *exceptions = as_group(group)->excs;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(exceptions); i++) {
        PyObject *match, *rest = NULL;
        if (Py_EnterRecursiveCall(" in exceptiongroup_split_recursive")) return -1;
        int failed = split(PyTuple_GET_ITEM(exceptions, i), matcher, &match, others != NULL ? &rest : NULL);
        Py_LeaveRecursiveCall();
        if (failed) return -1;
        if (append_part(matching, match) < 0) {
            Py_XDECREF(rest);
            return -1;
        }
        if (rest != NULL && append_part(others, rest) < 0) return -1;
    }
    return 0;
}

static int split_group(PyObject *group, const Matcher *matcher, PyObject **match, PyObject **rest) {
    int result = -1;
    PyObject *others = NULL, *matching = PyList_New(0);
    if (matching == NULL) return -1;
    if (rest != NULL && (others = PyList_New(0)) == NULL) goto done;
    if (split_children(group, matcher, matching, others) < 0) goto done;
    *match = make_part(group, matching);
    if (*match == NULL) goto done;
    if (rest != NULL && (*rest = make_part(group, others)) == NULL) {
        Py_CLEAR(*match);
        goto done;
    }
    result = 0;
done:
    Py_XDECREF(others);
    Py_DECREF(matching);
    return result;
}

static int split(PyObject *exception, const Matcher *matcher, PyObject **match, PyObject **rest) {
    int whole = matches(exception, matcher);
    if (whole < 0) return -1;
    if (!whole && _PyBaseExceptionGroup_Check(exception)) return split_group(exception, matcher, match, rest);
    *match = Py_NewRef(whole ? exception : Py_None);
    if (rest != NULL) *rest = Py_NewRef(whole ? Py_None : exception);
    return 0;
}

static PyObject *group_split(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Matcher matcher;
    PyObject *match, *rest;
    if (!_PyArg_CheckPositional("split", count, 1, 1) || make_matcher(args[0], &matcher) < 0) return NULL;
    if (split(self, &matcher, &match, &rest) < 0) return NULL;
    PyObject *result = PyTuple_Pack(2, match, rest);
    Py_DECREF(match);
    Py_DECREF(rest);
    return result;
}

static PyObject *group_subgroup(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Matcher matcher;
    PyObject *match;
    if (!_PyArg_CheckPositional("subgroup", count, 1, 1) || make_matcher(args[0], &matcher) < 0) return NULL;
    return split(self, &matcher, &match, NULL) < 0 ? NULL : match;
}

/* ---- except* ---- */

/* Adds the addresses of an exception's leaves to a set. */
static int collect_leaves(PyObject *exception, PyObject *addresses) {
    if (exception == Py_None) return 0;
    if (!_PyBaseExceptionGroup_Check(exception)) {
        PyObject *address = PyLong_FromVoidPtr(exception);
        if (address == NULL) return -1;
        int result = PySet_Add(addresses, address);
        Py_DECREF(address);
        return result;
    }
    PyObject *exceptions = as_group(exception)->excs;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(exceptions); i++) {
        if (Py_EnterRecursiveCall(" in collect_exception_group_leaf_ids")) return -1;
        int failed = collect_leaves(PyTuple_GET_ITEM(exceptions, i), addresses);
        Py_LeaveRecursiveCall();
        if (failed) return -1;
    }
    return 0;
}

/* Returns the part of a group that holds the leaves of the listed exceptions, in the group's own shape, or None. */
static PyObject *project(PyObject *group, PyObject *exceptions) {
    PyObject *match = NULL;
    PyObject *addresses = PySet_New(NULL);
    if (addresses == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(exceptions); i++) {
        if (collect_leaves(PyList_GET_ITEM(exceptions, i), addresses) < 0) goto done;
    }
    Matcher matcher = {MATCH_LEAVES, addresses};
    if (split(group, &matcher, &match, NULL) < 0) match = NULL;
done:
    Py_DECREF(addresses);
    return match;
}

/* True if one was split off the other: splitting keeps all of these. */
static int has_same_origin(PyObject *left, PyObject *right) {
    PyBaseExceptionObject *a = (PyBaseExceptionObject *)left, *b = (PyBaseExceptionObject *)right;
    return a->notes == b->notes && a->traceback == b->traceback && a->cause == b->cause && a->context == b->context;
}

/* Sorts the exceptions into new ones and parts of the original that go on. */
static int sort_raised(PyObject *original, PyObject *exceptions, PyObject *raised, PyObject *reraised) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(exceptions); i++) {
        PyObject *exception = PyList_GET_ITEM(exceptions, i);
        if (exception == Py_None) continue;
        if (PyList_Append(has_same_origin(original, exception) ? reraised : raised, exception) < 0) return -1;
    }
    return 0;
}

PyObject *kr_exception_group_prepare_reraise(PyObject *original, PyObject *exceptions) {
    Py_ssize_t count = PyList_GET_SIZE(exceptions);
    if (count == 0 || original == Py_None) return Py_NewRef(Py_None);
    if (!_PyBaseExceptionGroup_Check(original)) {
        /* A single exception was wrapped for the handlers: at most one of them can have run. */
        for (Py_ssize_t i = 0; i < count; i++) {
            if (PyList_GET_ITEM(exceptions, i) != Py_None) return Py_NewRef(PyList_GET_ITEM(exceptions, i));
        }
        return Py_NewRef(Py_None);
    }
    PyObject *result = NULL, *rest = NULL;
    PyObject *raised = PyList_New(0), *reraised = PyList_New(0);
    if (raised == NULL || reraised == NULL || sort_raised(original, exceptions, raised, reraised) < 0) goto done;
    rest = project(original, reraised);
    if (rest == NULL) goto done;
    if (PyList_GET_SIZE(raised) == 0) {
        result = Py_NewRef(rest);
        goto done;
    }
    if (rest != Py_None && PyList_Append(raised, rest) < 0) goto done;
    result = kr_exception_group_new("", raised);
done:
    Py_XDECREF(rest);
    Py_XDECREF(raised);
    Py_XDECREF(reraised);
    return result;
}

/* ---- the types ---- */

static PyMethodDef group_methods[] = {
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "A generic alias of the type, for annotations."},
    {"derive", (PyCFunction)group_derive, METH_FASTCALL, "A group with the same message and other exceptions."},
    {"split", (PyCFunction)group_split, METH_FASTCALL, "A pair of the part that matches the condition and the rest."},
    {"subgroup", (PyCFunction)group_subgroup, METH_FASTCALL, "The part that matches the condition, or None."},
    {NULL},
};

static PyMemberDef group_members[] = {
    {"message", T_OBJECT, offsetof(PyBaseExceptionGroupObject, msg), READONLY, "the message"},
    {"exceptions", T_OBJECT, offsetof(PyBaseExceptionGroupObject, excs), READONLY, "the exceptions, a tuple"},
    {NULL},
};

PyTypeObject kr_exc_BaseExceptionGroup = {
    KR_EXCEPTION_SLOTS("BaseExceptionGroup", &kr_exc_BaseException, PyBaseExceptionGroupObject, group),
    .tp_doc = "Several exceptions that are raised together.",
    .tp_methods = group_methods,
    .tp_members = group_members,
    .tp_str = group_str,
    .tp_init = kr_exception_init,
    .tp_new = group_new,
};

int kr_exceptions_initialize_group(void) {
    PyObject *bases = PyTuple_Pack(2, PyExc_BaseExceptionGroup, PyExc_Exception);
    if (bases == NULL) return -1;
    state.exception_group = PyErr_NewException("builtins.ExceptionGroup", bases, NULL);
    Py_DECREF(bases);
    return state.exception_group != NULL ? 0 : -1;
}

void kr_exceptions_finalize_group(void) { Py_CLEAR(state.exception_group); }
