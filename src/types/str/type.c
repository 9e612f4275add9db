/* The str type object, its constructor, and the methods that belong to no other file. */
#include <Python.h>

#include "object/names.h"
#include "types/str/str.h"

/* ---- construction ---- */

/* str(object, encoding, errors) without a subclass; absent arguments are NULL. */
static PyObject *construct(PyObject *object, const char *encoding, const char *errors) {
    if (object == NULL) return Py_NewRef(kr_str_empty());
    if (encoding == NULL && errors == NULL) return PyObject_Str(object);
    return PyUnicode_FromEncodedObject(object, encoding, errors);
}

/* The UTF-8 text of an argument that must be a str without null characters, or NULL. */
static const char *text_argument(const char *function, const char *which, PyObject *argument) {
    if (!PyUnicode_Check(argument)) {
        _PyArg_BadArgument(function, which, "str", argument);
        return NULL;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(argument, &length);
    if (text != NULL && strlen(text) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return text;
}

/* An instance of a subclass with the characters of `value`. */
static PyObject *new_of_subclass(PyTypeObject *type, PyObject *value) {
    if (PyUnicode_READY(value) < 0) return NULL;
    PyObject *object = type->tp_alloc(type, 0);
    if (object == NULL) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(value);
    int kind = PyUnicode_KIND(value);
    PyUnicodeObject *self = (PyUnicodeObject *)object;
    PyASCIIObject *header = &self->_base._base;
    header->length = length;
    header->hash = kr_str_header(value)->hash;
    header->state.interned = 0;
    header->state.kind = (unsigned)kind;
    header->state.compact = 0;
    header->state.ascii = PyUnicode_IS_ASCII(value);
    header->state.ready = 1;
    header->wstr = NULL;
    self->_base.utf8 = NULL;
    self->_base.utf8_length = 0;
    self->_base.wstr_length = 0;
    self->data.any = NULL;
    void *text = length > PY_SSIZE_T_MAX / kind - 1 ? NULL : PyObject_Malloc((size_t)(length + 1) * kind);
    if (text == NULL) {
        Py_DECREF(object);
        return PyErr_NoMemory();
    }
    memcpy(text, PyUnicode_DATA(value), (size_t)(length + 1) * kind);
    self->data.any = text;
    if (header->state.ascii) {
        self->_base.utf8 = text;
        self->_base.utf8_length = length;
    }
    if (kind == PyUnicode_4BYTE_KIND) {
        header->wstr = text;
        self->_base.wstr_length = length;
    }
    return object;
}

/* Makes the value from unpacked arguments. */
static PyObject *construct_from(PyObject *const *given, Py_ssize_t nargs, PyObject *const *buffer) {
    PyObject *encoding_object = kr_str_option(given, nargs, buffer, 1);
    PyObject *errors_object = kr_str_option(given, nargs, buffer, 2);
    const char *encoding = NULL, *errors = NULL;
    if (encoding_object != NULL &&
        (encoding = text_argument("str", "argument 'encoding'", encoding_object)) == NULL)
        return NULL;
    if (errors_object != NULL && (errors = text_argument("str", "argument 'errors'", errors_object)) == NULL)
        return NULL;
    return construct(kr_str_option(given, nargs, buffer, 0), encoding, errors);
}

static const char *const str_keywords[] = {"object", "encoding", "errors", NULL};
static _PyArg_Parser str_parser = {NULL, str_keywords, "str", 0};

static PyObject *str_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *buffer[3] = {NULL};
    Py_ssize_t nargs = PyTuple_GET_SIZE(args);
    PyObject *const *given =
        _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, nargs, kwargs, NULL, &str_parser, 0, 3, 0, buffer);
    if (given == NULL) return NULL;
    PyObject *value = construct_from(given, nargs, buffer);
    if (value == NULL || type == &PyUnicode_Type) return value;
    PyObject *self = new_of_subclass(type, value);
    Py_DECREF(value);
    return self;
}

/* Calls of str itself, without a tuple of arguments. */
static PyObject *str_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (nargs == 1 && kwnames == NULL) return PyObject_Str(args[0]);
    PyObject *buffer[3] = {NULL};
    PyObject *const *given = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &str_parser, 0, 3, 0, buffer);
    return given == NULL ? NULL : construct_from(given, nargs, buffer);
}

/* ---- other methods ---- */

PyObject *kr_str_encode(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"encoding", "errors", NULL};
    static _PyArg_Parser parser = {NULL, keywords, "encode", 0};
    PyObject *buffer[2] = {NULL};
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 2, 0, buffer);
    if (args == NULL) return NULL;
    PyObject *encoding_object = kr_str_option(args, nargs, buffer, 0);
    PyObject *errors_object = kr_str_option(args, nargs, buffer, 1);
    const char *encoding = NULL, *errors = NULL;
    if (encoding_object != NULL &&
        (encoding = text_argument("encode", "argument 'encoding'", encoding_object)) == NULL)
        return NULL;
    if (errors_object != NULL && (errors = text_argument("encode", "argument 'errors'", errors_object)) == NULL)
        return NULL;
    return PyUnicode_AsEncodedString(self, encoding, errors);
}

PyObject *kr_str_getnewargs(PyObject *self, PyObject *unused) {
    PyObject *copy = _PyUnicode_Copy(self);
    return copy == NULL ? NULL : Py_BuildValue("(N)", copy);
}

static PyMethodDef str_methods[] = {
#define NONE(function, name, doc) {name, function, METH_NOARGS, doc},
#define ONE(function, name, doc) {name, function, METH_O, doc},
#define FAST(function, name, doc) {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL, doc},
#define KEYWORDS(function, name, doc)                                                                                  \
    {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS, doc},
#define TUPLE_DICT(function, name, doc)                                                                                \
    {name, (PyCFunction)(void (*)(void))function, METH_VARARGS | METH_KEYWORDS, doc},
#define STATIC(function, name, doc) {name, (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_STATIC, doc},
#include "types/str/methods.def"
    {NULL},
};

/* ---- slots ---- */

static PyObject *str_str(PyObject *self) { return PyUnicode_READY(self) < 0 ? NULL : kr_str_unchanged(self); }

static Py_ssize_t str_length(PyObject *self) {
    return PyUnicode_READY(self) < 0 ? -1 : PyUnicode_GET_LENGTH(self);
}

static PyObject *str_modulo(PyObject *left, PyObject *right) {
    if (!PyUnicode_Check(left)) Py_RETURN_NOTIMPLEMENTED;
    return PyUnicode_Format(left, right);
}

static PyNumberMethods str_as_number = {.nb_remainder = str_modulo};

static PySequenceMethods str_as_sequence = {
    .sq_length = str_length,
    .sq_concat = PyUnicode_Concat,
    .sq_repeat = kr_str_repeat,
    .sq_item = kr_str_item,
    .sq_contains = PyUnicode_Contains,
};

static PyMappingMethods str_as_mapping = {.mp_length = str_length, .mp_subscript = kr_str_subscript};

PyDoc_STRVAR(str_doc, "str(object='') -> str\n"
                      "str(bytes_or_buffer[, encoding[, errors]]) -> str\n\n"
                      "Text: an immutable sequence of Unicode characters.\n\n"
                      "str(object) gives the object's text by its __str__(), or else its repr().\n"
                      "With encoding or errors, the object's bytes are decoded\n"
                      "(encoding defaults to 'utf-8', errors to 'strict').");

PyTypeObject PyUnicode_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "str",
    .tp_basicsize = sizeof(PyUnicodeObject),
    .tp_dealloc = kr_str_dealloc,
    .tp_repr = kr_str_repr,
    .tp_as_number = &str_as_number,
    .tp_as_sequence = &str_as_sequence,
    .tp_as_mapping = &str_as_mapping,
    .tp_hash = kr_str_hash,
    .tp_str = str_str,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags =
        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_UNICODE_SUBCLASS | _Py_TPFLAGS_MATCH_SELF,
    .tp_doc = str_doc,
    .tp_richcompare = PyUnicode_RichCompare,
    .tp_iter = kr_str_iter,
    .tp_methods = str_methods,
    .tp_base = &PyBaseObject_Type,
    .tp_new = str_new,
    .tp_free = PyObject_Free,
    .tp_vectorcall = str_vectorcall,
};
