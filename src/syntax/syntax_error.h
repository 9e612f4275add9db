/* Raising SyntaxError with the position and text of the wrong source.
 *
 * Positions are given as tokens have them: lines from 1, columns in bytes from 0. They are turned into characters from 1,
 * which is what the exception shows.
 */
#ifndef KR_SYNTAX_SYNTAX_ERROR_H
#define KR_SYNTAX_SYNTAX_ERROR_H

#include <Python.h>

#include "syntax/lexer.h"

enum { KR_NO_COLUMN = -5 }; /* as end column: the end is the start */

/* Raises `type` for a range of the source. `lexer` tells the text of the line, and how far reading has come. */
void kr_syntax_error(KrLexer *lexer, PyObject *type, int lineno, int col, int end_lineno, int end_col,
                     const char *format, ...);
void kr_syntax_error_va(KrLexer *lexer, PyObject *type, int lineno, int col, int end_lineno, int end_col,
                        const char *format, va_list arguments);

/* Raises SyntaxError for a malformed token: at the lexer's cursor if col and end_col are -1, else at these columns
 * (characters from 1, as shown). Sets the lexer's state to KR_LEXER_RAISED. */
void kr_syntax_error_in_token(KrLexer *lexer, int col, int end_col, const char *format, ...);

/* Issues a warning at a line of the source. Returns 0; -1 with an exception; 1 if the warning is to be an error, which the
 * caller raises as SyntaxError. */
int kr_syntax_warn(KrLexer *lexer, PyObject *category, int lineno, const char *format, ...);

/* Turns a decoder's UnicodeError or other ValueError into SyntaxError at the last token; leaves other exceptions alone. */
void kr_syntax_error_convert(KrLexer *lexer, const KrToken *last);

/* Raises what the lexer's state calls for, after it returned the ERRORTOKEN `last`. */
void kr_syntax_error_from_lexer(KrLexer *lexer, const KrToken *last);

/* Raises `type` at the last token that was read (NULL if none was). */
void kr_syntax_error_last(KrLexer *lexer, PyObject *type, const KrToken *last, const char *format, ...);

/* Raises "'(' was never closed" for the innermost open bracket. */
void kr_syntax_error_unclosed(KrLexer *lexer);

#endif
