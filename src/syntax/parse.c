/* From source text to a tree: the entrances. */
#include <Python.h>

#include "syntax/ast_objects.h"
#include "syntax/parse.h"
#include "syntax/parser.h"
#include "syntax/peg.h"
#include "syntax/source.h"

/* Runs the parser over what the lexer reads. */
static KrNode *run(KrLexer *lexer, KrParseMode mode, PyCompilerFlags *flags, KrArena *arena) {
    KrParser parser;
    if (kr_parser_init(&parser, lexer, mode, flags, arena) < 0) return NULL;
    KrNode *tree = kr_parser_run(&parser);
    if (tree == NULL) kr_diagnose_failure(&parser, flags);
    kr_parser_destroy(&parser);
    return tree;
}

static KrNode *parse(const char *source, size_t length, PyObject *filename, KrParseMode mode, PyCompilerFlags *flags,
                     KrArena *arena) {
    KrSource text;
    bool is_utf8 = flags != NULL && (flags->cf_flags & PyCF_IGNORE_COOKIE) != 0;
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

KrNode *kr_parse(const char *source, size_t length, PyObject *filename, KrParseMode mode, PyCompilerFlags *flags,
                 KrArena *arena) {
    if (PySys_Audit("compile", "yO", source, filename) < 0) return NULL;
    return parse(source, length, filename, mode, flags, arena);
}

KrNode *kr_parse_file(const char *source, size_t length, PyObject *filename, KrParseMode mode, PyCompilerFlags *flags,
                      KrArena *arena) {
    if (PySys_Audit("compile", "OO", Py_None, filename) < 0) return NULL;
    return parse(source, length, filename, mode, flags, arena);
}

KrNode *kr_parse_interactive(KrReadLine read_line, void *context, PyObject *filename, PyCompilerFlags *flags,
                             KrArena *arena) {
    KrLexer lexer;
    KrParser parser;
    kr_lexer_init_interactive(&lexer, read_line, context, filename);
    lexer.encoded = true;
    lexer.encoding = "utf-8";
    if (kr_parser_init(&parser, &lexer, KR_PARSE_INTERACTIVE, flags, arena) < 0) return NULL;
    KrNode *tree = kr_parser_run(&parser);
    bool at_end = tree == NULL && parser.count > 0 && parser.tokens[0].kind == ENDMARKER;
    if (tree == NULL && !at_end) kr_diagnose_failure(&parser, flags);
    kr_parser_destroy(&parser);
    kr_lexer_destroy(&lexer);
    return tree;
}

void kr_syntax_finalize(void) {
    kr_peg_finalize();
    kr_ast_objects_finalize();
}
