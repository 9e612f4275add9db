/* SyntaxError and its subclasses. */
#include <Python.h>
#include <structmember.h>

#include "types/exceptions.h"

#define FIELD(name) offsetof(PySyntaxErrorObject, name)

KR_EXCEPTION_COLLECTOR(syntax, FIELD(msg), FIELD(filename), FIELD(lineno), FIELD(offset), FIELD(end_lineno),
                       FIELD(end_offset), FIELD(text), FIELD(print_file_and_line))

/* Takes the place of the error from the second argument: (filename, lineno, offset, text[, end_lineno, end_offset]). */
static int set_place(PySyntaxErrorObject *error, PyObject *place) {
    PyObject *filename, *lineno, *offset, *text, *end_lineno = NULL, *end_offset = NULL;
    PyObject *details = PySequence_Tuple(place);
    if (details == NULL) return -1;
    if (!PyArg_ParseTuple(details, "OOOO|OO", &filename, &lineno, &offset, &text, &end_lineno, &end_offset)) {
        Py_DECREF(details);
        return -1;
    }
    Py_XSETREF(error->filename, Py_NewRef(filename));
    Py_XSETREF(error->lineno, Py_NewRef(lineno));
    Py_XSETREF(error->offset, Py_NewRef(offset));
    Py_XSETREF(error->text, Py_NewRef(text));
    Py_XSETREF(error->end_lineno, Py_XNewRef(end_lineno));
    Py_XSETREF(error->end_offset, Py_XNewRef(end_offset));
    Py_DECREF(details);
    if (end_lineno != NULL && end_offset == NULL) {
        PyErr_SetString(PyExc_TypeError, "end_offset must be provided when end_lineno is provided");
        return -1;
    }
    return 0;
}

static int syntax_init(PyObject *self, PyObject *args, PyObject *kwds) {
    PySyntaxErrorObject *error = (PySyntaxErrorObject *)self;
    if (kr_exception_init(self, args, kwds) < 0) return -1;
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count >= 1) Py_XSETREF(error->msg, Py_NewRef(PyTuple_GET_ITEM(args, 0)));
    return count == 2 ? set_place(error, PyTuple_GET_ITEM(args, 1)) : 0;
}

/* Returns the last component of a path; a new reference or NULL. */
static PyObject *base_name(PyObject *path) {
    if (PyUnicode_READY(path) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(path);
    Py_ssize_t slash = PyUnicode_FindChar(path, '/', 0, length, -1);
    if (slash == -2) return NULL;
    return PyUnicode_Substring(path, slash + 1, length);
}

static PyObject *syntax_str(PyObject *self) {
    PySyntaxErrorObject *error = (PySyntaxErrorObject *)self;
    PyObject *message = error->msg != NULL ? error->msg : Py_None;
    PyObject *file = NULL, *result;
    int overflow;
    if (error->filename != NULL && PyUnicode_Check(error->filename)) {
        file = base_name(error->filename);
        if (file == NULL) return NULL;
    }
    int has_line = error->lineno != NULL && PyLong_CheckExact(error->lineno);
    long line = has_line ? PyLong_AsLongAndOverflow(error->lineno, &overflow) : 0;
    if (file != NULL && has_line)
        result = PyUnicode_FromFormat("%S (%U, line %ld)", message, file, line);
    else if (file != NULL)
        result = PyUnicode_FromFormat("%S (%U)", message, file);
    else if (has_line)
        result = PyUnicode_FromFormat("%S (line %ld)", message, line);
    else
        result = PyObject_Str(message);
    Py_XDECREF(file);
    return result;
}

static PyMemberDef syntax_members[] = {
    {"msg", T_OBJECT, FIELD(msg), 0, "what is wrong"},
    {"filename", T_OBJECT, FIELD(filename), 0, "file of the source"},
    {"lineno", T_OBJECT, FIELD(lineno), 0, "first line, from 1"},
    {"offset", T_OBJECT, FIELD(offset), 0, "first column, from 1"},
    {"text", T_OBJECT, FIELD(text), 0, "the source line"},
    {"end_lineno", T_OBJECT, FIELD(end_lineno), 0, "last line"},
    {"end_offset", T_OBJECT, FIELD(end_offset), 0, "column after the last"},
    {"print_file_and_line", T_OBJECT, FIELD(print_file_and_line), 0, "whether tracebacks show the place"},
    {NULL},
};

PyTypeObject kr_exc_SyntaxError = {
    KR_EXCEPTION_SLOTS("SyntaxError", &kr_exc_Exception, PySyntaxErrorObject, syntax),
    .tp_doc = "The source is not valid Python.",
    .tp_members = syntax_members,
    .tp_str = syntax_str,
    .tp_init = syntax_init,
    .tp_new = kr_exception_new,
};

#define KR_EXCEPTION_own(name, base, documentation)
#define KR_EXCEPTION_plain(name, base, documentation)
#define KR_EXCEPTION_import(name, base, documentation)
#define KR_EXCEPTION_name(name, base, documentation)
#define KR_EXCEPTION_os(name, base, documentation)
#define KR_EXCEPTION_syntax(name, base, documentation)                                                                 \
    PyTypeObject kr_exc_##name = {                                                                                     \
        KR_EXCEPTION_SLOTS(#name, &kr_exc_##base, PySyntaxErrorObject, syntax),                                        \
        .tp_doc = documentation,                                                                                       \
        .tp_init = syntax_init,                                                                                        \
        .tp_new = kr_exception_new,                                                                                    \
    };
#define KR_EXCEPTION(kind, name, base, documentation) KR_EXCEPTION_##kind(name, base, documentation)
#include "types/exceptions.def"
#undef KR_EXCEPTION
