/* Text of string literals. */
#ifndef KR_SYNTAX_LITERAL_H
#define KR_SYNTAX_LITERAL_H

#include "syntax/parser.h"

/* A string token taken apart. */
typedef struct KrStringLiteral {
    const char *body, *end; /* between the quotes */
    bool bytes, raw, formatted;
} KrStringLiteral;

KrStringLiteral kr_literal_split(const char *text, uint32_t length);

/* Decodes a part of a literal's body. Returns a new str, or NULL with an exception. `token` is the literal (for warnings),
 * which is `formatted` if it is an f-string. */
PyObject *kr_literal_decode(KrParser *p, const KrToken *token, const char *s, const char *end, bool raw,
                            bool formatted);

/* Warns about an invalid escape sequence; `octal` is the value of a too large octal one, or -1. Returns false with an
 * exception. */
bool kr_literal_warn_escape(KrParser *p, const KrToken *token, int escaped, int octal);

/* The values of an f-string being read are items on the parser's stack; `literal` collects text before the next one. */
typedef struct KrFormatted {
    KrParser *p;
    KrToken token;           /* of the literal in which we are */
    KrNode place;            /* of the whole string with all its parts: the position of every node */
    PyObject *kind;          /* of constants */
    _PyUnicodeWriter literal;
    bool raw;
    /* How far lines were counted in the literal, how many, and where the last one begins. */
    const char *counted, *line_start;
    int lines;
} KrFormatted;

/* Reads the body of an f-string. Returns false with an exception. */
bool kr_fstring_read(KrFormatted *f, const char *s, const char *end);
/* Turns the collected text, if any, into a Constant on the stack. Returns false with an exception. */
bool kr_fstring_flush(KrFormatted *f);

#endif
