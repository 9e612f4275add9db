/* From source text to a tree.
 *
 * Invariant: on failure exactly one exception is set (SyntaxError or a subclass with position and text, or MemoryError,
 * or the error of a decoder) and NULL is returned; the arena may then hold garbage, but stays valid.
 */
#ifndef KR_SYNTAX_PARSE_H
#define KR_SYNTAX_PARSE_H

#include <Python.h>

#include "syntax/ast.h"

typedef enum KrParseMode {
    KR_PARSE_FILE = Py_file_input,           /* a Module */
    KR_PARSE_EXPRESSION = Py_eval_input,     /* an Expression */
    KR_PARSE_INTERACTIVE = Py_single_input,  /* an Interactive: one statement */
    KR_PARSE_FUNCTION_TYPE = Py_func_type_input,
} KrParseMode;

/* Parses `length` bytes of source (any PEP 263 encoding; UTF-8 without looking for a cookie if flags has
 * PyCF_IGNORE_COOKIE/PyCF_SOURCE_IS_UTF8). `filename` is borrowed. flags->cf_flags are PyCF_* and CO_FUTURE_* bits;
 * __future__ bits that change the grammar (barry_as_FLUFL) are honoured. Returns a node of the mod sum.
 * Both raise the audit event `compile`; what a file holds is not among its arguments. */
KrNode *kr_parse(const char *source, size_t length, PyObject *filename, KrParseMode mode, PyCompilerFlags *flags,
                 KrArena *arena);
KrNode *kr_parse_file(const char *source, size_t length, PyObject *filename, KrParseMode mode, PyCompilerFlags *flags,
                      KrArena *arena);

/* Reads one interactive statement: `read_line(context, prompt_is_continuation)` yields each line as a new bytes-like
 * PyMem_Malloc'ed UTF-8 string with its newline, or NULL at the end of input (no exception) or on error (exception set).
 * Returns NULL without an exception at the end of input. */
typedef char *(*KrReadLine)(void *context, int continuation);
KrNode *kr_parse_interactive(KrReadLine read_line, void *context, PyObject *filename, PyCompilerFlags *flags,
                             KrArena *arena);

/* Checks bytes read from a file that is to be run as a script: they are UTF-8, or declare what they are. Returns 0, or -1
 * with a SyntaxError that names no place. (Source from elsewhere may contain wrong bytes in comments.) */
int kr_source_check_file(const char *bytes, size_t length, PyObject *filename);

/* Conversion between the tree and instances of the classes of `_ast` (the module's state is made at first use).
 * kr_ast_to_object returns a new reference or NULL; kr_ast_from_object a node in the arena or NULL with TypeError or
 * ValueError (missing fields, wrong types); `mode` says which kind of module is expected. */
PyObject *kr_ast_to_object(KrNode *tree);
KrNode *kr_ast_from_object(PyObject *object, KrParseMode mode, KrArena *arena);
/* True if the object is an instance of `_ast.AST`; -1 on error. */
int kr_ast_check(PyObject *object);
/* Releases what the parser and the classes of `_ast` keep between uses; both can be used again afterwards. */
void kr_syntax_finalize(void);
/* Validates a tree that came from objects (contexts, empty bodies, constants ...). Returns 1, or 0 with ValueError. */
int kr_ast_validate(KrNode *tree);

#endif
