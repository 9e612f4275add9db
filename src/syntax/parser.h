/* The parser's state and the small operations all its parts use.
 *
 * The parser is a recursive descent over the tokens. A function that parses a construct starts at the current token and
 * returns its node with the tokens consumed, or NULL if the source is wrong (or an exception is set: `failed`). It does not
 * say what is wrong: when the parse fails without an exception, kr_diagnose finds the message. Where the grammar needs more
 * than a token of lookahead, the parser goes back by resetting `mark`.
 *
 * Invariant: tokens [0, count) are read; the current one, `mark`, is read when it is looked at. An ERRORTOKEN is the last
 * one and is never consumed. `items` is a stack on which lists are collected; whoever fails may leave items on it, and
 * whoever goes back resets its height.
 */
#ifndef KR_SYNTAX_PARSER_H
#define KR_SYNTAX_PARSER_H

#include <Python.h>
#include <stdbool.h>

#include "syntax/ast.h"
#include "syntax/lexer.h"

enum {
    KR_PARSER_MAX_DEPTH = 6000, /* of nested constructs, by weight; MemoryError beyond, as the stack of C is finite */
    KR_DEPTH_EXPRESSION = 3,    /* weight of a construct that passes through all levels of operators */
};

typedef struct KrParserName {
    uint32_t start, length, hash;
    PyObject *object;
} KrParserName;

typedef struct KrParser {
    KrToken *tokens;
    int mark, count, capacity;
    int depth, probed;        /* nesting, and up to where it is known to fit the stack of C */
    bool failed;              /* an exception is set */
    bool started;             /* interactive mode: the end of input still has to end the line */
    bool barry;               /* from __future__ import barry_as_FLUFL: <> in place of != */
    KrParseMode mode;
    int flags;                /* PyCF_* */
    int feature_version;
    KrArena *arena;
    void **items;
    Py_ssize_t item_count, item_capacity;
    KrParserName *names;      /* open addressing; the objects are owned by the arena */
    uint32_t name_count, name_mask;
    KrSeq *type_ignores;      /* as many as type_ignore_count; the sequence's own count is its capacity */
    Py_ssize_t type_ignore_count;
    uint32_t warned_until;    /* offset up to which invalid escapes were reported */
    bool silent;              /* no warnings: the source was parsed before */
    bool warned;              /* the exception that is set comes from a warning */
    KrLexer *lexer;
} KrParser;

int kr_parser_init(KrParser *p, KrLexer *lexer, KrParseMode mode, PyCompilerFlags *flags, KrArena *arena);
void kr_parser_destroy(KrParser *p);

/* Reads one more token. */
void kr_parser_fill(KrParser *p);

/* Parses a whole source of the parser's mode; kr_parser_run_fstring parses one expression in parentheses. On failure NULL,
 * with an exception if `failed`. */
KrNode *kr_parser_run(KrParser *p);
KrNode *kr_parser_run_fstring(KrParser *p);

/* After a failure of the parser: completes the exception that it set, or finds what is wrong with the source by reading it
 * again, and raises that. */
void kr_diagnose_failure(KrParser *p, PyCompilerFlags *flags);

/* Makes room on the stack of items. */
bool kr_parser_grow_items(KrParser *p);
/* Returns the sequence of the items from `base` on, which are removed from the stack; NULL if there is none, or (with
 * `failed`) without memory. */
KrSeq *kr_parser_take(KrParser *p, Py_ssize_t base);

/* Returns the identifier of a NAME token, borrowed from the arena; NULL with an exception. */
PyObject *kr_parser_identifier(KrParser *p, const KrToken *token);
/* Gives the arena a new reference. Returns the object, or NULL with an exception (object may be NULL). */
PyObject *kr_parser_own(KrParser *p, PyObject *object);
/* Raises SyntaxError if the source is to be of a language version before 3.`minor`, which lacks what is named. Returns
 * false then. */
bool kr_parser_refuse_version(KrParser *p, int minor, const char *what);
static inline bool kr_require(KrParser *p, int minor, const char *what) {
    return __builtin_expect(p->feature_version >= minor, 1) || kr_parser_refuse_version(p, minor, what);
}
/* Checks that nesting to a depth beyond `probed` is allowed and fits the stack of C. Returns false with MemoryError or
 * RecursionError. */
bool kr_parser_probe(KrParser *p, int depth);

static inline KrToken *kr_peek(KrParser *p) {
    if (__builtin_expect(p->mark == p->count, 0)) kr_parser_fill(p);
    return &p->tokens[p->mark];
}
static inline int kr_peek_kind(KrParser *p) { return kr_peek(p)->kind; }

/* The token `ahead` places behind the current one; valid until the next token is read. */
static inline KrToken *kr_peek_ahead(KrParser *p, int ahead) {
    while (p->mark + ahead >= p->count && (p->count == 0 || p->tokens[p->count - 1].kind != ERRORTOKEN)) {
        int count = p->count;
        kr_parser_fill(p);
        if (p->count == count) break;
    }
    int index = p->mark + ahead < p->count ? p->mark + ahead : p->count - 1;
    return &p->tokens[index];
}

static inline void kr_skip(KrParser *p) { p->mark++; }

static inline bool kr_accept(KrParser *p, int kind) {
    if (kr_peek_kind(p) != kind) return false;
    p->mark++;
    return true;
}

static inline bool kr_push(KrParser *p, void *item) {
    if (p->item_count == p->item_capacity && !kr_parser_grow_items(p)) return false;
    p->items[p->item_count++] = item;
    return true;
}

static inline bool kr_enter(KrParser *p, int weight) {
    p->depth += weight;
    return p->depth <= p->probed || kr_parser_probe(p, p->depth);
}
static inline void kr_leave(KrParser *p, int weight) { p->depth -= weight; }

/* Sets a node's position: from the token at index `start` to the last consumed one. */
static inline void kr_place(KrParser *p, KrNode *node, int start) {
    const KrToken *first = &p->tokens[start], *last = &p->tokens[p->mark - 1];
    node->lineno = first->lineno;
    node->col_offset = first->col;
    node->end_lineno = last->end_lineno;
    node->end_col_offset = last->end_col;
}

/* Like kr_place for constructs that may end in layout tokens, which do not count. */
static inline void kr_place_statement(KrParser *p, KrNode *node, int start) {
    int end = p->mark - 1;
    while (end > start && (p->tokens[end].kind == ENDMARKER ||
                           (p->tokens[end].kind >= NEWLINE && p->tokens[end].kind <= DEDENT)))
        end--;
    const KrToken *first = &p->tokens[start], *last = &p->tokens[end];
    node->lineno = first->lineno;
    node->col_offset = first->col;
    node->end_lineno = last->end_lineno;
    node->end_col_offset = last->end_col;
}

/* A new node that spans from the token at `start` to the last consumed one; NULL (with `failed`) without memory. */
#define KR_MAKE_PLACED(place, p, start, Name, ...)                                                                     \
    ({                                                                                                                 \
        Kr_##Name *kr_made = kr_arena_alloc((p)->arena, sizeof(Kr_##Name));                                            \
        if (__builtin_expect(kr_made != NULL, 1)) {                                                                    \
            *kr_made = (Kr_##Name){.node.kind = KR_##Name, ##__VA_ARGS__};                                             \
            place((p), &kr_made->node, (start));                                                                       \
        } else {                                                                                                       \
            (p)->failed = true;                                                                                        \
        }                                                                                                              \
        (KrNode *)kr_made;                                                                                             \
    })
#define KR_MAKE(p, start, Name, ...) KR_MAKE_PLACED(kr_place, p, start, Name, ##__VA_ARGS__)
#define KR_MAKE_STATEMENT(p, start, Name, ...) KR_MAKE_PLACED(kr_place_statement, p, start, Name, ##__VA_ARGS__)

/* Expressions (parser_expression.c). */
KrNode *kr_parse_expression(KrParser *p);
KrNode *kr_parse_named_expression(KrParser *p);
KrNode *kr_parse_bitwise_or(KrParser *p);
KrNode *kr_parse_star_expressions(KrParser *p);
KrNode *kr_parse_expressions(KrParser *p);
KrNode *kr_parse_star_named_or_named(KrParser *p, bool *starred);
KrNode *kr_parse_yield_or_star_expressions(KrParser *p);
KrNode *kr_parse_primary(KrParser *p);
KrNode *kr_parse_atom(KrParser *p);
/* Arguments of a call or class up to the closing parenthesis, which is not consumed. In a call the only one may be a
 * generator expression without parentheses of its own. */
bool kr_parse_arguments(KrParser *p, KrSeq **args, KrSeq **keywords, bool allow_generator);
/* A target in `for` or `with`, with its context set. */
KrNode *kr_parse_star_target(KrParser *p);
KrNode *kr_parse_star_targets(KrParser *p);
/* Sets the context of an expression that stands where a target is wanted. Returns false if it is none. */
bool kr_make_target(KrNode *node, KrEnumerator context, bool allow_starred);
/* True if a token of this kind can begin an expression. */
bool kr_starts_expression(int kind);

/* Parameters of functions and lambdas up to `end` (RPAR or COLON), which is not consumed (parser_function.c). */
struct Kr_arguments *kr_parse_parameters(KrParser *p, int end);

/* Statements (parser_statement.c). */
bool kr_parse_statement(KrParser *p);           /* pushes one or more statements */
bool kr_parse_simple_statements(KrParser *p);   /* one line */
KrNode *kr_parse_compound_statement(KrParser *p, bool *is_compound);
bool kr_parse_block(KrParser *p, KrSeq **body); /* the body of a compound statement */
bool kr_parse_type_comment(KrParser *p, PyObject **comment); /* an optional TYPE_COMMENT */

/* Match statements (parser_pattern.c). Returns NULL without having consumed tokens if `match` is just a name here. */
KrNode *kr_parse_match(KrParser *p);

/* Constants (literal.c, fstring.c). */
KrNode *kr_parse_number(KrParser *p);
KrNode *kr_parse_strings(KrParser *p);

/* The name of a token's text as it stands, not interned. */
PyObject *kr_parser_text(KrParser *p, const KrToken *token);

#endif
