/* From text to tokens.
 *
 * The lexer reads UTF-8 with '\n' line ends and no NUL bytes; `limit` points to a NUL byte behind the text. It produces one
 * token a call and never looks further ahead than it must, so that interactive input is asked for line by line.
 *
 * Invariant: `lineno` and `line_start` describe the line of the last character that was read; a line is entered only when
 * its first character (or the end of the text behind it) is asked for.
 */
#ifndef KR_SYNTAX_LEXER_H
#define KR_SYNTAX_LEXER_H

#include <Python.h>
#include <stdbool.h>

#include "syntax/parse.h"
#include "syntax/token.h"

enum {
    KR_MAX_BRACKETS = 200,
    KR_MAX_INDENTS = 100,
};

/* Why there are no more tokens. */
typedef enum KrLexerState {
    KR_LEXER_OK,
    KR_LEXER_AT_END,            /* everything was read */
    KR_LEXER_BAD_DEDENT,        /* from here on: an error that the reader of tokens reports (syntax_error.c) */
    KR_LEXER_BAD_TABS,
    KR_LEXER_TOO_DEEP,
    KR_LEXER_BAD_CONTINUATION,
    KR_LEXER_BAD_DECODING,      /* a UnicodeDecodeError is set */
    KR_LEXER_RAISED,            /* an exception is set */
} KrLexerState;

typedef struct KrLexer {
    const char *text, *limit;
    const char *cursor;      /* next byte to read */
    const char *line_start;
    const char *buffer;      /* start of the line in which the token being read began */
    int lineno;
    KrLexerState state;

    int level;               /* open brackets */
    int indents;             /* depth of indentation */
    int pending;             /* INDENT (> 0) or DEDENT (< 0) tokens to hand out */
    bool at_line_start;
    bool type_comments;
    bool words_async;        /* async and await are words only in async functions: language versions before 3.7 */
    bool async_def, async_def_newline;
    int async_def_indent;
    bool interactive;        /* lines come from read_line, with blank lines being significant */
    bool silent;             /* no warnings */
    uint32_t silent_until;   /* no warnings before this offset: they were given when it was read before */
    bool warned;             /* the exception that is set comes from a warning */
    struct {
        int lineno, col;
        char bracket;
    } brackets[KR_MAX_BRACKETS];
    struct {
        int column, tab_column; /* with tab stops every 8 columns, and every column */
    } indent[KR_MAX_INDENTS];

    PyObject *filename;      /* borrowed */
    KrReadLine read_line;
    void *read_context;
    char *owned;             /* the growing text of interactive input */
    size_t owned_size;
    int read_count;
    bool read_ended;

    /* A part of an f-string starts inside a line: added to the positions of tokens. */
    int first_lineno, first_col;
    KrParseMode mode;
    bool is_fstring;
    bool encoded;            /* columns of errors count characters; else (bytes without a declaration) bytes */
    bool reached_end;        /* the end of the text was seen, if only by looking whether the last token goes on */
    const char *string_end;  /* where an unterminated string literal ends, else NULL */
    const char *encoding;    /* of the source as it was, or NULL */
} KrLexer;

/* Starts reading `length` bytes at `text`, which must be followed by a NUL byte. */
void kr_lexer_init(KrLexer *lexer, const char *text, size_t length, PyObject *filename, KrParseMode mode);
/* Starts reading lines. Release with kr_lexer_destroy. */
void kr_lexer_init_interactive(KrLexer *lexer, KrReadLine read_line, void *context, PyObject *filename);
void kr_lexer_destroy(KrLexer *lexer);
/* Makes `lexer` read again what `from` has read, and then what follows. It takes the text over if that is owned: `from` may
 * not be used for more than its state then. */
void kr_lexer_restart(KrLexer *lexer, KrLexer *from);

/* Reads one token; its kind is ERRORTOKEN if there is none, and `state` says why. */
void kr_lexer_next(KrLexer *lexer, KrToken *token);

/* Ends of the line that begins at `line`: behind its '\n', or the end of the text. */
const char *kr_lexer_line_end(const KrLexer *lexer, const char *line);

#endif
