/* The module `_tokenize`: an iterator over the tokens of a source text. */
#include <Python.h>

#include "syntax/lexer.h"
#include "syntax/source.h"

typedef struct TokenizerIter {
    PyObject_HEAD
    KrLexer *lexer;
    KrSource source;
    PyObject *filename;
} TokenizerIter;

static void iter_dealloc(TokenizerIter *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(self->lexer);
    kr_source_destroy(&self->source);
    Py_XDECREF(self->filename);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *iter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"source", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "tokenizeriter"};
    PyObject *buffer[1];
    PyObject *const *values = _PyArg_UnpackKeywords(&PyTuple_GET_ITEM(args, 0), PyTuple_GET_SIZE(args), kwargs, NULL,
                                                    &parser, 1, 1, 0, buffer);
    if (values == NULL) return NULL;
    if (!PyUnicode_Check(values[0])) {
        PyErr_Format(PyExc_TypeError, "tokenizeriter() argument 'source' must be str, not %.50s",
                     values[0] == Py_None ? "None" : Py_TYPE(values[0])->tp_name);
        return NULL;
    }
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(values[0], &length);
    if (text == NULL) return NULL;
    if (strlen(text) != (size_t)length) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    TokenizerIter *self = (TokenizerIter *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->filename = PyUnicode_FromString("<string>");
    self->lexer = PyMem_Malloc(sizeof(KrLexer));
    if (self->lexer == NULL) PyErr_NoMemory();
    if (self->filename == NULL || self->lexer == NULL ||
        kr_source_init(&self->source, text, (size_t)length, self->filename, true, true) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    kr_lexer_init(self->lexer, self->source.text, self->source.length, self->filename, KR_PARSE_FILE);
    self->lexer->encoded = true;
    return (PyObject *)self;
}

/* Gives (text, kind, first line, last line, first column, last column, line). */
static PyObject *iter_next(TokenizerIter *self) {
    KrLexer *lexer = self->lexer;
    KrToken token;
    kr_lexer_next(lexer, &token);
    /* Layout errors and a premature end just end the iteration. */
    if (token.kind == ERRORTOKEN || token.kind == ENDMARKER) return NULL;
    int kind = token.kind > KR_KEYWORDS_START ? NAME : token.kind;
    const char *end = kr_lexer_line_end(lexer, lexer->line_start);
    PyObject *text = PyUnicode_DecodeUTF8(lexer->text + token.start, token.length, "replace");
    PyObject *line = PyUnicode_DecodeUTF8(lexer->buffer, end - lexer->buffer, "replace");
    if (text == NULL || line == NULL) {
        Py_XDECREF(text);
        Py_XDECREF(line);
        return NULL;
    }
    return Py_BuildValue("(NiiiiiN)", text, kind, token.lineno, token.end_lineno, token.col, token.end_col, line);
}

static PyType_Slot iter_slots[] = {
    {Py_tp_new, iter_new},
    {Py_tp_dealloc, iter_dealloc},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iter_next},
    {0, NULL},
};

static PyType_Spec iter_spec = {
    .name = "_tokenize.TokenizerIter",
    .basicsize = sizeof(TokenizerIter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = iter_slots,
};

static int execute(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &iter_spec, NULL);
    if (type == NULL) return -1;
    int status = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return status;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_tokenize",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__tokenize(void) { return PyModuleDef_Init(&module); }
