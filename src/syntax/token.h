/* What the lexer hands to the parser.
 *
 * Invariant: a token refers to its text by offset, so tokens outlive growth of the buffer (interactive input). Numbers of
 * kinds up to N_TOKENS are those of Python's `token` module; each reserved word has a kind of its own above them.
 */
#ifndef KR_SYNTAX_TOKEN_H
#define KR_SYNTAX_TOKEN_H

#include <Python.h>
#include <stdint.h>
#include <token.h>

/* The reserved words: KR_KEYWORD(kind, text, first character, last character). `async` and `await` are ASYNC and AWAIT. */
#define KR_KEYWORDS(KR_KEYWORD)                                                                                        \
    KR_KEYWORD(FALSE, "False", 'F', 'e')                                                                               \
    KR_KEYWORD(NONE, "None", 'N', 'e')                                                                                 \
    KR_KEYWORD(TRUE, "True", 'T', 'e')                                                                                 \
    KR_KEYWORD(AND, "and", 'a', 'd')                                                                                   \
    KR_KEYWORD(AS, "as", 'a', 's')                                                                                     \
    KR_KEYWORD(ASSERT, "assert", 'a', 't')                                                                             \
    KR_KEYWORD(BREAK, "break", 'b', 'k')                                                                               \
    KR_KEYWORD(CLASS, "class", 'c', 's')                                                                               \
    KR_KEYWORD(CONTINUE, "continue", 'c', 'e')                                                                         \
    KR_KEYWORD(DEF, "def", 'd', 'f')                                                                                   \
    KR_KEYWORD(DEL, "del", 'd', 'l')                                                                                   \
    KR_KEYWORD(ELIF, "elif", 'e', 'f')                                                                                 \
    KR_KEYWORD(ELSE, "else", 'e', 'e')                                                                                 \
    KR_KEYWORD(EXCEPT, "except", 'e', 't')                                                                             \
    KR_KEYWORD(FINALLY, "finally", 'f', 'y')                                                                           \
    KR_KEYWORD(FOR, "for", 'f', 'r')                                                                                   \
    KR_KEYWORD(FROM, "from", 'f', 'm')                                                                                 \
    KR_KEYWORD(GLOBAL, "global", 'g', 'l')                                                                             \
    KR_KEYWORD(IF, "if", 'i', 'f')                                                                                     \
    KR_KEYWORD(IMPORT, "import", 'i', 't')                                                                             \
    KR_KEYWORD(IN, "in", 'i', 'n')                                                                                     \
    KR_KEYWORD(IS, "is", 'i', 's')                                                                                     \
    KR_KEYWORD(LAMBDA, "lambda", 'l', 'a')                                                                             \
    KR_KEYWORD(NONLOCAL, "nonlocal", 'n', 'l')                                                                         \
    KR_KEYWORD(NOT, "not", 'n', 't')                                                                                   \
    KR_KEYWORD(OR, "or", 'o', 'r')                                                                                     \
    KR_KEYWORD(PASS, "pass", 'p', 's')                                                                                 \
    KR_KEYWORD(RAISE, "raise", 'r', 'e')                                                                               \
    KR_KEYWORD(RETURN, "return", 'r', 'n')                                                                             \
    KR_KEYWORD(TRY, "try", 't', 'y')                                                                                   \
    KR_KEYWORD(WHILE, "while", 'w', 'e')                                                                               \
    KR_KEYWORD(WITH, "with", 'w', 'h')                                                                                 \
    KR_KEYWORD(YIELD, "yield", 'y', 'd')

enum {
    KR_KEYWORDS_START = N_TOKENS,
#define KR_KEYWORD(kind, text, first, last) KEYWORD_##kind,
    KR_KEYWORDS(KR_KEYWORD)
#undef KR_KEYWORD
    KR_TOKEN_KIND_COUNT
};

/* Names that are keywords in some places only. */
typedef enum KrSoftKeyword { KR_NOT_SOFT, KR_SOFT_MATCH, KR_SOFT_CASE, KR_SOFT_UNDERSCORE } KrSoftKeyword;

typedef struct KrToken {
    uint8_t kind;
    uint8_t soft;            /* KrSoftKeyword of a NAME */
    uint16_t level;          /* open brackets behind the token */
    int lineno, col;         /* line from 1, column in bytes from 0; a token without text has column -1 */
    int end_lineno, end_col;
    uint32_t start, length;  /* of the text */
} KrToken;

/* Returns the kind of a reserved word, or NAME; `*soft` tells soft keywords. */
int kr_token_name_kind(const char *text, size_t length, uint8_t *soft);

#endif
