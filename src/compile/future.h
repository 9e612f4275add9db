/* The `from __future__` statements at the head of a module. */
#ifndef KR_COMPILE_FUTURE_H
#define KR_COMPILE_FUTURE_H

#include <Python.h>

#include "syntax/ast.h"

typedef struct KrFuture {
    int features; /* CO_FUTURE_* bits */
    int lineno;   /* of the last such statement, -1 if there is none */
} KrFuture;

/* Reads the head of a module. Returns 0, or -1 with SyntaxError. */
int kr_future_find(KrNode *mod, PyObject *filename, KrFuture *future);

/* Returns the docstring expression's value at the head of a body (borrowed), or NULL without an exception. */
PyObject *kr_docstring(const KrSeq *body);

#endif
