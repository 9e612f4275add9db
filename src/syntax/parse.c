/* From source text to a tree: the entrances. */
#include <Python.h>

#include "syntax/parse.h"
#include "syntax/parser.h"
#include "syntax/source.h"

/* Runs the parser over what the lexer reads. */
static KrNode *run(KrLexer *lexer, KrParseMode mode, PyCompilerFlags *flags, KrArena *arena) {
    KrLexer again = *lexer;
    KrParser parser;
    if (kr_parser_init(&parser, lexer, mode, flags, arena) < 0) return NULL;
    KrNode *tree = kr_parser_run(&parser);
    if (tree == NULL) kr_diagnose_failure(&parser, &again, flags);
    kr_parser_destroy(&parser);
    return tree;
}

KrNode *kr_parse(const char *source, size_t length, PyObject *filename, KrParseMode mode, PyCompilerFlags *flags,
                 KrArena *arena) {
    KrSource text;
    bool is_utf8 = flags != NULL && (flags->cf_flags & (PyCF_IGNORE_COOKIE | PyCF_SOURCE_IS_UTF8)) != 0;
    if (kr_source_init(&text, source, length, filename, is_utf8, mode == KR_PARSE_FILE) < 0) {
        kr_source_destroy(&text);
        return NULL;
    }
    KrNode *tree = NULL;
    if (text.length > INT_MAX - 1) {
        PyErr_SetString(PyExc_OverflowError, "source code is too large");
    } else {
        KrLexer lexer;
        kr_lexer_init(&lexer, text.text, text.length, filename, mode);
        lexer.encoded = is_utf8 || text.encoding != NULL;
        lexer.encoding = is_utf8 ? "utf-8" : text.encoding;
        tree = run(&lexer, mode, flags, arena);
    }
    kr_source_destroy(&text);
    return tree;
}
