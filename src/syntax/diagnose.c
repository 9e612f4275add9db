/* What is wrong with a source that the parser does not accept. */
#include <Python.h>

#include "syntax/parser.h"
#include "syntax/syntax_error.h"

void kr_diagnose_failure(KrParser *p, KrLexer *lexer, PyCompilerFlags *flags) {
    if (PyErr_Occurred()) return;
    const KrToken *last = &p->tokens[p->count - 1];
    kr_syntax_error(p->lexer, PyExc_SyntaxError, last->lineno, last->col, last->end_lineno, last->end_col,
                    "invalid syntax");
}
