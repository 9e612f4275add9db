/* The `from __future__` statements at the head of a module. */
#include <Python.h>

#include "compile/future.h"

/* Features that have an effect; those that became part of the language are accepted and ignored. */
static const struct {
    const char *name;
    int flag;
} features[] = {
    {FUTURE_NESTED_SCOPES, 0},
    {FUTURE_GENERATORS, 0},
    {FUTURE_DIVISION, 0},
    {FUTURE_ABSOLUTE_IMPORT, 0},
    {FUTURE_WITH_STATEMENT, 0},
    {FUTURE_PRINT_FUNCTION, 0},
    {FUTURE_UNICODE_LITERALS, 0},
    {FUTURE_BARRY_AS_BDFL, CO_FUTURE_BARRY_AS_BDFL},
    {FUTURE_GENERATOR_STOP, 0},
    {FUTURE_ANNOTATIONS, CO_FUTURE_ANNOTATIONS},
};

static int error_at(PyObject *filename, int lineno, int offset, const char *format, const char *name) {
    PyErr_Format(PyExc_SyntaxError, format, name);
    PyErr_SyntaxLocationObject(filename, lineno, offset);
    return -1;
}

static int add_features(const Kr_ImportFrom *statement, PyObject *filename, KrFuture *future) {
    int lineno = statement->node.lineno, offset = statement->node.col_offset + 1;
    for (Py_ssize_t i = 0; i < kr_seq_count(statement->names); i++) {
        const Kr_alias *alias = statement->names->item[i];
        const char *name = PyUnicode_AsUTF8(alias->name);
        if (name == NULL) return -1;
        size_t f = 0;
        while (f < Py_ARRAY_LENGTH(features) && strcmp(name, features[f].name) != 0) f++;
        if (f < Py_ARRAY_LENGTH(features))
            future->features |= features[f].flag;
        else if (strcmp(name, "braces") == 0)
            return error_at(filename, lineno, offset, "not a chance", NULL);
        else
            return error_at(filename, lineno, offset, "future feature %.100s is not defined", name);
    }
    return 0;
}

int kr_future_find(KrNode *mod, PyObject *filename, KrFuture *future) {
    future->features = 0;
    future->lineno = -1;
    if (mod->kind != KR_Module && mod->kind != KR_Interactive) return 0;
    KrSeq *body = mod->kind == KR_Module ? KR_AS(Module, mod)->body : KR_AS(Interactive, mod)->body;
    int head_is_over = 0, previous_line = 0;
    for (Py_ssize_t i = kr_docstring(body) != NULL; i < kr_seq_count(body); i++) {
        const KrNode *statement = kr_seq_node(body, i);
        /* Statements on the line that ended the head are still looked at, to complain about a late import. */
        if (head_is_over && statement->lineno > previous_line) return 0;
        previous_line = statement->lineno;
        if (statement->kind == KR_ImportFrom) {
            const Kr_ImportFrom *import = KR_AS(ImportFrom, statement);
            if (import->module != NULL && import->level == 0 &&
                PyUnicode_CompareWithASCIIString(import->module, "__future__") == 0) {
                if (head_is_over)
                    return error_at(filename, statement->lineno, statement->col_offset,
                                    "from __future__ imports must occur at the beginning of the file", NULL);
                if (add_features(import, filename, future) < 0) return -1;
                future->lineno = statement->lineno;
            } else {
                head_is_over = 1;
            }
        } else {
            head_is_over = 1;
        }
    }
    return 0;
}

PyObject *kr_docstring(const KrSeq *body) {
    if (kr_seq_count(body) == 0 || kr_seq_node(body, 0)->kind != KR_Expr) return NULL;
    const KrNode *value = KR_AS(Expr, kr_seq_node(body, 0))->value;
    if (value->kind != KR_Constant || !PyUnicode_CheckExact(KR_AS(Constant, value)->value)) return NULL;
    return KR_AS(Constant, value)->value;
}
