/* BaseException, the exception types that add little to it, and the list of all of them. */
#include <Python.h>
#include <structmember.h>

#include "object/names.h"
#include "types/exceptions.h"

enum { MEMORY_ERRORS_RESERVED = 16 };

static struct {
    PyBaseExceptionObject *free_memory_errors; /* linked through `dict` */
    int free_memory_error_count;
    PyObject *last_memory_error;
} state;

/* ---- BaseException ---- */

int kr_exception_clear_fields(PyObject *self, const size_t *offsets, size_t count) {
    for (size_t i = 0; i < count; i++) Py_CLEAR(*(PyObject **)((char *)self + offsets[i]));
    return kr_exception_clear(self);
}

int kr_exception_traverse_fields(PyObject *self, const size_t *offsets, size_t count, visitproc visit, void *arg) {
    for (size_t i = 0; i < count; i++) Py_VISIT(*(PyObject **)((char *)self + offsets[i]));
    return kr_exception_traverse(self, visit, arg);
}

int kr_exception_clear(PyObject *self) {
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)self;
    Py_CLEAR(exception->dict);
    Py_CLEAR(exception->args);
    Py_CLEAR(exception->notes);
    Py_CLEAR(exception->traceback);
    Py_CLEAR(exception->cause);
    Py_CLEAR(exception->context);
    return 0;
}

int kr_exception_traverse(PyObject *self, visitproc visit, void *arg) {
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)self;
    Py_VISIT(exception->dict);
    Py_VISIT(exception->args);
    Py_VISIT(exception->notes);
    Py_VISIT(exception->traceback);
    Py_VISIT(exception->cause);
    Py_VISIT(exception->context);
    return 0;
}

/* Drops what the last use of a shared exception left in it. */
static void forget_last_use(PyObject *self) {
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)self;
    Py_CLEAR(exception->traceback);
    Py_CLEAR(exception->cause);
    Py_CLEAR(exception->context);
}

static void exception_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    /* A chain of causes or contexts can be as long as a program likes. */
    Py_TRASHCAN_BEGIN(self, exception_dealloc)
    kr_exception_clear(self);
    Py_TYPE(self)->tp_free(self);
    Py_TRASHCAN_END
}

PyObject *kr_exception_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    PyObject *self = type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    PyObject *own_args = args != NULL ? Py_NewRef(args) : PyTuple_New(0);
    if (own_args == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    ((PyBaseExceptionObject *)self)->args = own_args;
    return self;
}

int kr_exception_init(PyObject *self, PyObject *args, PyObject *kwds) {
    if (!_PyArg_NoKeywords(Py_TYPE(self)->tp_name, kwds)) return -1;
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)self;
    if (exception->args != args) Py_XSETREF(exception->args, Py_NewRef(args));
    return 0;
}

/* Creates an exception of a plain type without the detour over __new__ and __init__. */
static PyObject *plain_vectorcall(PyObject *callable, PyObject *const *arguments, size_t nargsf, PyObject *kwnames) {
    PyTypeObject *type = (PyTypeObject *)callable;
    if (!_PyArg_NoKwnames(type->tp_name, kwnames)) return NULL;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    PyObject *args = PyTuple_New(count);
    if (args == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(args, i, Py_NewRef(arguments[i]));
    PyObject *self = type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(args);
        return NULL;
    }
    ((PyBaseExceptionObject *)self)->args = args;
    return self;
}

PyObject *kr_exception_str(PyObject *self) {
    PyObject *args = ((PyBaseExceptionObject *)self)->args;
    switch (PyTuple_GET_SIZE(args)) {
        case 0: return PyUnicode_FromStringAndSize(NULL, 0);
        case 1: return PyObject_Str(PyTuple_GET_ITEM(args, 0));
        default: return PyObject_Str(args);
    }
}

static PyObject *exception_repr(PyObject *self) {
    const char *name = _PyType_Name(Py_TYPE(self));
    PyObject *args = ((PyBaseExceptionObject *)self)->args;
    if (PyTuple_GET_SIZE(args) == 1) return PyUnicode_FromFormat("%s(%R)", name, PyTuple_GET_ITEM(args, 0));
    return PyUnicode_FromFormat("%s%R", name, args);
}

static PyObject *exception_reduce(PyObject *self, PyObject *unused) {
    PyBaseExceptionObject *exception = (PyBaseExceptionObject *)self;
    if (exception->args != NULL && exception->dict != NULL)
        return PyTuple_Pack(3, Py_TYPE(self), exception->args, exception->dict);
    return PyTuple_Pack(2, Py_TYPE(self), exception->args);
}

static PyObject *exception_setstate(PyObject *self, PyObject *attributes) {
    if (attributes == Py_None) Py_RETURN_NONE;
    if (!PyDict_Check(attributes)) {
        PyErr_SetString(PyExc_TypeError, "state is not a dictionary");
        return NULL;
    }
    PyObject *key, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(attributes, &position, &key, &value)) {
        /* Setting an attribute runs code that may change the dict. */
        Py_INCREF(key);
        Py_INCREF(value);
        int failed = PyObject_SetAttr(self, key, value);
        Py_DECREF(value);
        Py_DECREF(key);
        if (failed) return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *exception_with_traceback(PyObject *self, PyObject *traceback) {
    if (PyException_SetTraceback(self, traceback) < 0) return NULL;
    return Py_NewRef(self);
}

static PyObject *exception_add_note(PyObject *self, PyObject *note) {
    if (!PyUnicode_Check(note)) {
        PyErr_Format(PyExc_TypeError, "note must be a str, not '%s'", Py_TYPE(note)->tp_name);
        return NULL;
    }
    PyObject *name = KR_NAME(__notes__), *notes;
    if (name == NULL || _PyObject_LookupAttr(self, name, &notes) < 0) return NULL;
    if (notes == NULL) {
        notes = PyList_New(0);
        if (notes == NULL || PyObject_SetAttr(self, name, notes) < 0) {
            Py_XDECREF(notes);
            return NULL;
        }
    } else if (!PyList_Check(notes)) {
        Py_DECREF(notes);
        PyErr_SetString(PyExc_TypeError, "Cannot add note: __notes__ is not a list");
        return NULL;
    }
    int failed = PyList_Append(notes, note);
    Py_DECREF(notes);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *get_args(PyObject *self, void *unused) {
    PyObject *args = ((PyBaseExceptionObject *)self)->args;
    return Py_NewRef(args != NULL ? args : Py_None);
}

static int set_args(PyObject *self, PyObject *value, void *unused) {
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "args may not be deleted");
        return -1;
    }
    PyObject *args = PySequence_Tuple(value);
    if (args == NULL) return -1;
    Py_XSETREF(((PyBaseExceptionObject *)self)->args, args);
    return 0;
}

static PyObject *get_traceback(PyObject *self, void *unused) {
    PyObject *traceback = ((PyBaseExceptionObject *)self)->traceback;
    return Py_NewRef(traceback != NULL ? traceback : Py_None);
}

static int set_traceback(PyObject *self, PyObject *value, void *unused) {
    return PyException_SetTraceback(self, value);
}

static PyObject *get_context(PyObject *self, void *unused) {
    PyObject *context = PyException_GetContext(self);
    return context != NULL ? context : Py_NewRef(Py_None);
}

static PyObject *get_cause(PyObject *self, void *unused) {
    PyObject *cause = PyException_GetCause(self);
    return cause != NULL ? cause : Py_NewRef(Py_None);
}

/* Checks a new value of __cause__ or __context__. *result becomes an owned reference, or NULL for None. */
static int check_related(PyObject *value, const char *attribute, const char *role, PyObject **result) {
    *result = NULL;
    if (value == NULL) {
        PyErr_Format(PyExc_TypeError, "%s may not be deleted", attribute);
        return -1;
    }
    if (value == Py_None) return 0;
    if (!PyExceptionInstance_Check(value)) {
        PyErr_Format(PyExc_TypeError, "exception %s must be None or derive from BaseException", role);
        return -1;
    }
    *result = Py_NewRef(value);
    return 0;
}

static int set_context(PyObject *self, PyObject *value, void *unused) {
    PyObject *context;
    if (check_related(value, "__context__", "context", &context) < 0) return -1;
    PyException_SetContext(self, context);
    return 0;
}

static int set_cause(PyObject *self, PyObject *value, void *unused) {
    PyObject *cause;
    if (check_related(value, "__cause__", "cause", &cause) < 0) return -1;
    PyException_SetCause(self, cause);
    return 0;
}

PyObject *PyException_GetTraceback(PyObject *self) {
    return Py_XNewRef(((PyBaseExceptionObject *)self)->traceback);
}

int PyException_SetTraceback(PyObject *self, PyObject *traceback) {
    if (traceback == NULL || (traceback != Py_None && !PyTraceBack_Check(traceback))) {
        PyErr_SetString(PyExc_TypeError, traceback == NULL ? "__traceback__ may not be deleted"
                                                           : "__traceback__ must be a traceback or None");
        return -1;
    }
    Py_XSETREF(((PyBaseExceptionObject *)self)->traceback, traceback != Py_None ? Py_NewRef(traceback) : NULL);
    return 0;
}

PyObject *PyException_GetCause(PyObject *self) { return Py_XNewRef(((PyBaseExceptionObject *)self)->cause); }

/* Takes the reference to cause. */
void PyException_SetCause(PyObject *self, PyObject *cause) {
    ((PyBaseExceptionObject *)self)->suppress_context = 1;
    Py_XSETREF(((PyBaseExceptionObject *)self)->cause, cause);
}

PyObject *PyException_GetContext(PyObject *self) { return Py_XNewRef(((PyBaseExceptionObject *)self)->context); }

/* Takes the reference to context. */
void PyException_SetContext(PyObject *self, PyObject *context) {
    Py_XSETREF(((PyBaseExceptionObject *)self)->context, context);
}

const char *PyExceptionClass_Name(PyObject *type) { return ((PyTypeObject *)type)->tp_name; }

static PyMethodDef exception_methods[] = {
    {"__reduce__", exception_reduce, METH_NOARGS, NULL},
    {"__setstate__", exception_setstate, METH_O, NULL},
    {"with_traceback", exception_with_traceback, METH_O,
     "Exception.with_traceback(tb) --\n\nSet self.__traceback__ to tb and return self."},
    {"add_note", exception_add_note, METH_O, "Exception.add_note(note) --\n\nAppend a str to self.__notes__."},
    {NULL},
};

static PyMemberDef exception_members[] = {
    {"__suppress_context__", T_BOOL, offsetof(PyBaseExceptionObject, suppress_context)},
    {NULL},
};

static PyGetSetDef exception_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {"args", get_args, set_args},
    {"__traceback__", get_traceback, set_traceback},
    {"__context__", get_context, set_context, "exception context"},
    {"__cause__", get_cause, set_cause, "exception cause"},
    {NULL},
};

PyTypeObject kr_exc_BaseException = {
    KR_EXCEPTION_SLOTS_WITH("BaseException", NULL, PyBaseExceptionObject, exception_dealloc,
                            kr_exception_traverse, kr_exception_clear),
    .tp_repr = exception_repr,
    .tp_str = kr_exception_str,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_setattro = PyObject_GenericSetAttr,
    .tp_doc = "Base of everything that can be raised.",
    .tp_methods = exception_methods,
    .tp_members = exception_members,
    .tp_getset = exception_getset,
    .tp_init = kr_exception_init,
    .tp_new = kr_exception_new,
    .tp_vectorcall = plain_vectorcall,
};

/* ---- StopIteration ---- */

KR_EXCEPTION_COLLECTOR(stop, offsetof(PyStopIterationObject, value))

static int stop_init(PyObject *self, PyObject *args, PyObject *kwds) {
    if (kr_exception_init(self, args, kwds) < 0) return -1;
    PyObject *value = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
    Py_XSETREF(((PyStopIterationObject *)self)->value, Py_NewRef(value));
    return 0;
}

static PyMemberDef stop_members[] = {
    {"value", T_OBJECT, offsetof(PyStopIterationObject, value), 0, "what the generator returned"},
    {NULL},
};

PyTypeObject kr_exc_StopIteration = {
    KR_EXCEPTION_SLOTS("StopIteration", &kr_exc_Exception, PyStopIterationObject, stop),
    .tp_doc = "Tells that an iterator is exhausted.",
    .tp_members = stop_members,
    .tp_init = stop_init,
    .tp_new = kr_exception_new,
};

/* ---- SystemExit ---- */

KR_EXCEPTION_COLLECTOR(exit, offsetof(PySystemExitObject, code))

static int exit_init(PyObject *self, PyObject *args, PyObject *kwds) {
    if (kr_exception_init(self, args, kwds) < 0) return -1;
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count == 0) return 0;
    PyObject *code = count == 1 ? PyTuple_GET_ITEM(args, 0) : args;
    Py_XSETREF(((PySystemExitObject *)self)->code, Py_NewRef(code));
    return 0;
}

static PyMemberDef exit_members[] = {
    {"code", T_OBJECT, offsetof(PySystemExitObject, code), 0, "exit status or message"},
    {NULL},
};

PyTypeObject kr_exc_SystemExit = {
    KR_EXCEPTION_SLOTS("SystemExit", &kr_exc_BaseException, PySystemExitObject, exit),
    .tp_doc = "Asks the interpreter to exit.",
    .tp_members = exit_members,
    .tp_init = exit_init,
    .tp_new = kr_exception_new,
};

/* ---- KeyError ---- */

/* A key is shown as repr(): an empty str or one with spaces would be hard to make out. */
static PyObject *key_str(PyObject *self) {
    PyObject *args = ((PyBaseExceptionObject *)self)->args;
    if (PyTuple_GET_SIZE(args) == 1) return PyObject_Repr(PyTuple_GET_ITEM(args, 0));
    return kr_exception_str(self);
}

PyTypeObject kr_exc_KeyError = {
    KR_EXCEPTION_SLOTS_WITH("KeyError", &kr_exc_LookupError, PyBaseExceptionObject, exception_dealloc,
                            kr_exception_traverse, kr_exception_clear),
    .tp_doc = "A mapping has no such key.",
    .tp_str = key_str,
    .tp_init = kr_exception_init,
    .tp_new = kr_exception_new,
    .tp_vectorcall = plain_vectorcall,
};

/* ---- ImportError ---- */

KR_EXCEPTION_COLLECTOR(import, offsetof(PyImportErrorObject, msg), offsetof(PyImportErrorObject, name),
                       offsetof(PyImportErrorObject, path))

/* Parses the keyword-only arguments of an exception type; positional ones are `args` and not looked at here. */
static int parse_keywords(PyObject *kwds, const char *format, char **names, PyObject **first, PyObject **second) {
    if (kwds == NULL) return 0;
    PyObject *empty = PyTuple_New(0);
    if (empty == NULL) return -1;
    int ok = PyArg_ParseTupleAndKeywords(empty, kwds, format, names, first, second);
    Py_DECREF(empty);
    return ok ? 0 : -1;
}

static int import_init(PyObject *self, PyObject *args, PyObject *kwds) {
    static char *names[] = {"name", "path", NULL};
    PyImportErrorObject *error = (PyImportErrorObject *)self;
    PyObject *name = NULL, *path = NULL;
    if (kr_exception_init(self, args, NULL) < 0) return -1;
    if (parse_keywords(kwds, "|$OO:ImportError", names, &name, &path) < 0) return -1;
    Py_XSETREF(error->name, Py_XNewRef(name));
    Py_XSETREF(error->path, Py_XNewRef(path));
    PyObject *message = PyTuple_GET_SIZE(args) == 1 ? PyTuple_GET_ITEM(args, 0) : NULL;
    Py_XSETREF(error->msg, Py_XNewRef(message));
    return 0;
}

static PyObject *import_str(PyObject *self) {
    PyObject *message = ((PyImportErrorObject *)self)->msg;
    if (message != NULL && PyUnicode_CheckExact(message)) return Py_NewRef(message);
    return kr_exception_str(self);
}

/* Returns the attributes that pickling has to carry, or None. */
static PyObject *import_state(PyImportErrorObject *error) {
    if (error->name == NULL && error->path == NULL) return Py_NewRef(error->dict != NULL ? error->dict : Py_None);
    PyObject *attributes = error->dict != NULL ? PyDict_Copy(error->dict) : PyDict_New();
    if (attributes == NULL) return NULL;
    if ((error->name != NULL && PyDict_SetItemString(attributes, "name", error->name) < 0) ||
        (error->path != NULL && PyDict_SetItemString(attributes, "path", error->path) < 0))
        Py_CLEAR(attributes);
    return attributes;
}

static PyObject *import_reduce(PyObject *self, PyObject *unused) {
    PyImportErrorObject *error = (PyImportErrorObject *)self;
    PyObject *attributes = import_state(error);
    if (attributes == NULL) return NULL;
    PyObject *result = attributes == Py_None ? PyTuple_Pack(2, Py_TYPE(self), error->args)
                                             : PyTuple_Pack(3, Py_TYPE(self), error->args, attributes);
    Py_DECREF(attributes);
    return result;
}

static PyMethodDef import_methods[] = {
    {"__reduce__", import_reduce, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef import_members[] = {
    {"msg", T_OBJECT, offsetof(PyImportErrorObject, msg), 0, "what went wrong"},
    {"name", T_OBJECT, offsetof(PyImportErrorObject, name), 0, "name of the module"},
    {"path", T_OBJECT, offsetof(PyImportErrorObject, path), 0, "path of the module"},
    {NULL},
};

PyTypeObject kr_exc_ImportError = {
    KR_EXCEPTION_SLOTS("ImportError", &kr_exc_Exception, PyImportErrorObject, import),
    .tp_doc = "A module, or a name in it, cannot be imported.",
    .tp_methods = import_methods,
    .tp_members = import_members,
    .tp_str = import_str,
    .tp_init = import_init,
    .tp_new = kr_exception_new,
};

/* ---- NameError, AttributeError ---- */

KR_EXCEPTION_COLLECTOR(name, offsetof(PyNameErrorObject, name))

static int name_init(PyObject *self, PyObject *args, PyObject *kwds) {
    static char *names[] = {"name", NULL};
    PyObject *name = NULL;
    if (kr_exception_init(self, args, NULL) < 0) return -1;
    if (parse_keywords(kwds, "|$O:NameError", names, &name, NULL) < 0) return -1;
    Py_XSETREF(((PyNameErrorObject *)self)->name, Py_XNewRef(name));
    return 0;
}

static PyMemberDef name_members[] = {
    {"name", T_OBJECT, offsetof(PyNameErrorObject, name), 0, "the name that was not found"},
    {NULL},
};

PyTypeObject kr_exc_NameError = {
    KR_EXCEPTION_SLOTS("NameError", &kr_exc_Exception, PyNameErrorObject, name),
    .tp_doc = "A name is not defined.",
    .tp_members = name_members,
    .tp_str = kr_exception_str,
    .tp_init = name_init,
    .tp_new = kr_exception_new,
};

KR_EXCEPTION_COLLECTOR(attribute, offsetof(PyAttributeErrorObject, obj), offsetof(PyAttributeErrorObject, name))

static int attribute_init(PyObject *self, PyObject *args, PyObject *kwds) {
    static char *names[] = {"name", "obj", NULL};
    PyAttributeErrorObject *error = (PyAttributeErrorObject *)self;
    PyObject *name = NULL, *object = NULL;
    if (kr_exception_init(self, args, NULL) < 0) return -1;
    if (parse_keywords(kwds, "|$OO:AttributeError", names, &name, &object) < 0) return -1;
    Py_XSETREF(error->name, Py_XNewRef(name));
    Py_XSETREF(error->obj, Py_XNewRef(object));
    return 0;
}

/* Most attribute errors are raised by C code with one message and caught at once. */
static PyObject *attribute_vectorcall(PyObject *callable, PyObject *const *arguments, size_t nargsf, PyObject *kwnames) {
    if (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0) return plain_vectorcall(callable, arguments, nargsf, NULL);
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    PyObject *self = plain_vectorcall(callable, arguments, nargsf, NULL);
    if (self == NULL) return NULL;
    PyObject *kwds = PyDict_New();
    if (kwds == NULL) goto failed;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(kwnames); i++) {
        if (PyDict_SetItem(kwds, PyTuple_GET_ITEM(kwnames, i), arguments[count + i]) < 0) goto failed;
    }
    if (attribute_init(self, ((PyBaseExceptionObject *)self)->args, kwds) < 0) goto failed;
    Py_DECREF(kwds);
    return self;
failed:
    Py_XDECREF(kwds);
    Py_DECREF(self);
    return NULL;
}

static PyMemberDef attribute_members[] = {
    {"name", T_OBJECT, offsetof(PyAttributeErrorObject, name), 0, "the attribute that was not found"},
    {"obj", T_OBJECT, offsetof(PyAttributeErrorObject, obj), 0, "the object that was asked for it"},
    {NULL},
};

PyTypeObject kr_exc_AttributeError = {
    KR_EXCEPTION_SLOTS("AttributeError", &kr_exc_Exception, PyAttributeErrorObject, attribute),
    .tp_doc = "An object has no such attribute.",
    .tp_members = attribute_members,
    .tp_str = kr_exception_str,
    .tp_init = attribute_init,
    .tp_new = kr_exception_new,
    .tp_vectorcall = attribute_vectorcall,
};

/* ---- MemoryError ---- */

/* Takes a memory error off the free list; returns a new reference, or NULL (without an exception) if it is empty. */
static PyObject *take_free_memory_error(void) {
    PyBaseExceptionObject *error = state.free_memory_errors;
    if (error == NULL) return NULL;
    PyObject *args = PyTuple_New(0); /* the shared empty tuple: cannot fail */
    if (args == NULL) return NULL;
    state.free_memory_errors = (PyBaseExceptionObject *)error->dict;
    state.free_memory_error_count--;
    error->dict = NULL;
    error->args = args;
    _Py_NewReference((PyObject *)error);
    PyObject_GC_Track(error);
    return (PyObject *)error;
}

static PyObject *memory_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    PyObject *self = type == &kr_exc_MemoryError ? take_free_memory_error() : NULL;
    if (self == NULL) return kr_exception_new(type, args, kwds);
    Py_SETREF(((PyBaseExceptionObject *)self)->args, Py_NewRef(args));
    return self;
}

/* Puts a cleared memory error on the free list or frees it. */
static void memory_release(PyObject *self) {
    if (!Py_IS_TYPE(self, &kr_exc_MemoryError) || state.free_memory_error_count >= MEMORY_ERRORS_RESERVED) {
        Py_TYPE(self)->tp_free(self);
        return;
    }
    PyBaseExceptionObject *error = (PyBaseExceptionObject *)self;
    error->suppress_context = 0;
    error->dict = (PyObject *)state.free_memory_errors;
    state.free_memory_errors = error;
    state.free_memory_error_count++;
}

static void memory_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, memory_dealloc)
    kr_exception_clear(self);
    memory_release(self);
    Py_TRASHCAN_END
}

PyObject *kr_memory_error_new(void) {
    PyObject *error = take_free_memory_error();
    if (error != NULL) return error;
    if (state.last_memory_error != NULL) forget_last_use(state.last_memory_error);
    return Py_XNewRef(state.last_memory_error);
}

/* Creates the errors that must be there when nothing can be created any more. */
static int reserve_errors(void) {
    PyObject *errors[MEMORY_ERRORS_RESERVED];
    int count = 0;
    while (count < MEMORY_ERRORS_RESERVED) {
        errors[count] = kr_exception_new(&kr_exc_MemoryError, NULL, NULL);
        if (errors[count] == NULL) break;
        count++;
    }
    int complete = count == MEMORY_ERRORS_RESERVED;
    while (count > 0) Py_DECREF(errors[--count]);
    if (!complete) return -1;
    state.last_memory_error = kr_exception_new(&kr_exc_MemoryError, NULL, NULL);
    return state.last_memory_error != NULL ? 0 : -1;
}

PyTypeObject kr_exc_MemoryError = {
    KR_EXCEPTION_SLOTS_WITH("MemoryError", &kr_exc_Exception, PyBaseExceptionObject, memory_dealloc,
                            kr_exception_traverse, kr_exception_clear),
    .tp_doc = "There is not enough memory.",
    .tp_init = kr_exception_init,
    .tp_new = memory_new,
};

/* ---- the other types ---- */

#define KR_EXCEPTION_own(name, base, documentation)
#define KR_EXCEPTION_os(name, base, documentation)
#define KR_EXCEPTION_syntax(name, base, documentation)
#define KR_EXCEPTION_plain(name, base, documentation)                                                                  \
    PyTypeObject kr_exc_##name = {                                                                                     \
        KR_EXCEPTION_SLOTS_WITH(#name, &kr_exc_##base, PyBaseExceptionObject, exception_dealloc,                       \
                                kr_exception_traverse, kr_exception_clear),                                            \
        .tp_doc = documentation,                                                                                       \
        .tp_init = kr_exception_init,                                                                                  \
        .tp_new = kr_exception_new,                                                                                    \
        .tp_vectorcall = plain_vectorcall,                                                                             \
    };
#define KR_EXCEPTION_import(name, base, documentation)                                                                 \
    PyTypeObject kr_exc_##name = {                                                                                     \
        KR_EXCEPTION_SLOTS(#name, &kr_exc_##base, PyImportErrorObject, import),                                        \
        .tp_doc = documentation,                                                                                       \
        .tp_init = import_init,                                                                                        \
        .tp_new = kr_exception_new,                                                                                    \
    };
#define KR_EXCEPTION_name(type_name, base, documentation)                                                              \
    PyTypeObject kr_exc_##type_name = {                                                                                \
        KR_EXCEPTION_SLOTS(#type_name, &kr_exc_##base, PyNameErrorObject, name),                                       \
        .tp_doc = documentation,                                                                                       \
        .tp_init = name_init,                                                                                          \
        .tp_new = kr_exception_new,                                                                                    \
    };
#define KR_EXCEPTION(kind, name, base, documentation) KR_EXCEPTION_##kind(name, base, documentation)
#include "types/exceptions.def"
#undef KR_EXCEPTION

#define KR_EXCEPTION(kind, name, base, documentation) PyObject *PyExc_##name = (PyObject *)&kr_exc_##name;
#include "types/exceptions.def"
#undef KR_EXCEPTION

PyObject *PyExc_EnvironmentError = (PyObject *)&kr_exc_OSError;
PyObject *PyExc_IOError = (PyObject *)&kr_exc_OSError;

static PyTypeObject *const all_types[] = {
#define KR_EXCEPTION(kind, name, base, documentation) &kr_exc_##name,
#include "types/exceptions.def"
#undef KR_EXCEPTION
};

int kr_exceptions_initialize(void) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(all_types); i++) {
        if (PyType_Ready(all_types[i]) < 0) return -1;
    }
    if (reserve_errors() < 0 || kr_exceptions_initialize_os() < 0) return -1;
    return kr_exceptions_initialize_group();
}

int kr_exceptions_add_to(PyObject *builtins_dict) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(all_types); i++) {
        if (PyDict_SetItemString(builtins_dict, all_types[i]->tp_name, (PyObject *)all_types[i]) < 0) return -1;
        /* dir(builtins) is sorted, but vars() shows the order. */
        if (all_types[i] == &kr_exc_BaseExceptionGroup &&
            PyDict_SetItemString(builtins_dict, "ExceptionGroup", kr_exception_group_type()) < 0)
            return -1;
    }
    if (PyDict_SetItemString(builtins_dict, "EnvironmentError", PyExc_EnvironmentError) < 0) return -1;
    return PyDict_SetItemString(builtins_dict, "IOError", PyExc_IOError);
}

void kr_exceptions_finalize(void) {
    kr_exceptions_finalize_group();
    kr_exceptions_finalize_os();
    Py_CLEAR(state.last_memory_error);
    while (state.free_memory_errors != NULL) {
        PyBaseExceptionObject *error = state.free_memory_errors;
        state.free_memory_errors = (PyBaseExceptionObject *)error->dict;
        error->dict = NULL;
        Py_TYPE(error)->tp_free(error);
    }
    state.free_memory_error_count = 0;
}
