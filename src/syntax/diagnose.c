/* What is wrong with a source that the parser does not accept. */
#include <Python.h>

#include "syntax/peg.h"
#include "syntax/syntax_error.h"

/* Targets */

typedef enum TargetUse { ASSIGNED, DELETED, ITERATED } TargetUse;

typedef struct TargetSearch {
    TargetUse use;
    KrPegNode *wrong; /* the first expression that cannot be a target */
} TargetSearch;

static KrPegNode *find_wrong_target(KrPeg *peg, KrPegNode *node, TargetUse use);

static bool visit_target(KrPeg *peg, KrPegNode *node, void *argument) {
    TargetSearch *search = argument;
    search->wrong = find_wrong_target(peg, node, search->use);
    return search->wrong == NULL;
}

static bool keep_first(KrPeg *peg, KrPegNode *node, void *argument) {
    *(KrPegNode **)argument = node;
    return false;
}

static bool keep_last(KrPeg *peg, KrPegNode *node, void *argument) {
    *(KrPegNode **)argument = node;
    return true;
}

/* Returns the part of an expression that cannot be a target, or NULL. */
static KrPegNode *find_wrong_target(KrPeg *peg, KrPegNode *node, TargetUse use) {
    TargetSearch search = {use, NULL};
    KrPegNode *first = NULL;
    switch (kr_peg_kind(peg, node)) {
    case KR_Name:
    case KR_Attribute:
    case KR_Subscript: return NULL;
    case KR_List:
    case KR_Tuple: (void)kr_peg_visit(peg, node, visit_target, &search); return search.wrong;
    case KR_Starred:
        if (use == DELETED) return node;
        (void)kr_peg_visit(peg, node, visit_target, &search);
        return search.wrong;
    case KR_Compare:
        /* In `for a in b` the target is the left side of what looks like a comparison. */
        if (use != ITERATED) return node;
        (void)kr_peg_visit(peg, node, keep_first, &first);
        if (kr_peg_first(peg, node->items[1])->kind != KEYWORD_IN) return NULL;
        return find_wrong_target(peg, first, use);
    default: return node;
    }
}

static KrPegNode *refuse_target(KrPeg *peg, KrPegNode *node, TargetUse use) {
    KrPegNode *wrong = find_wrong_target(peg, node, use);
    if (wrong == NULL) return NULL;
    return kr_peg_refuse(peg, wrong, wrong, "cannot %s %s", use == DELETED ? "delete" : "assign to",
                         kr_peg_name(peg, wrong));
}

static KrPegNode *wrong_target(KrPeg *peg, KrPegNode **items, int start) {
    return refuse_target(peg, items[1], ASSIGNED);
}
static KrPegNode *wrong_deleted(KrPeg *peg, KrPegNode **items, int start) {
    return refuse_target(peg, items[1], DELETED);
}
static KrPegNode *wrong_iterated(KrPeg *peg, KrPegNode **items, int start) {
    return refuse_target(peg, items[2], ITERATED);
}
static KrPegNode *wrong_as(KrPeg *peg, KrPegNode **items, int start) { return refuse_target(peg, items[2], ASSIGNED); }

/* Expressions side by side */

static bool is_text(KrPeg *peg, const KrToken *token, const char *text) {
    return token->length == strlen(text) && memcmp(peg->p->lexer->text + token->start, text, token->length) == 0;
}

/* True for a name that was a statement in Python 2. */
static bool is_legacy(KrPeg *peg, KrPegNode *node) {
    if (kr_peg_kind(peg, node) != KR_Name) return false;
    const KrToken *token = kr_peg_first(peg, node);
    return is_text(peg, token, "print") || is_text(peg, token, "exec");
}

static KrPegNode *legacy(KrPeg *peg, KrPegNode **items, int start) {
    if (!is_legacy(peg, items[0])) return NULL;
    const char *name = is_text(peg, kr_peg_first(peg, items[0]), "print") ? "print" : "exec";
    return kr_peg_refuse(peg, items[0], items[2], "Missing parentheses in call to '%s'. Did you mean %s(...)?", name,
                         name);
}

/* Two expressions without anything between them, inside brackets. */
static KrPegNode *forgotten_comma(KrPeg *peg, KrPegNode **items, int start) {
    if (is_legacy(peg, items[1]) || peg->p->tokens[peg->p->mark - 1].level == 0) return NULL;
    return kr_peg_refuse(peg, items[1], items[2], "invalid syntax. Perhaps you forgot a comma?");
}

/* Comprehensions */

static KrPegNode *forgotten_target_parentheses(KrPeg *peg, KrPegNode **items, int start) {
    KrPegNode *last = items[3];
    (void)kr_peg_visit(peg, items[3], keep_last, &last);
    return kr_peg_refuse(peg, items[1], last, "did you forget parentheses around the comprehension target?");
}

/* The last expression of the last clause. */
static KrPegNode *last_of_clauses(KrPeg *peg, KrPegNode *clauses) {
    KrPegNode *clause = clauses, *last;
    (void)kr_peg_visit(peg, clauses, keep_last, &clause);
    last = clause;
    (void)kr_peg_visit(peg, clause, keep_last, &last);
    return last;
}

static KrPegNode *refuse_bare_generator(KrPeg *peg, KrPegNode *first, KrPegNode *clauses) {
    return kr_peg_refuse(peg, first, last_of_clauses(peg, clauses), "Generator expression must be parenthesized");
}

static KrPegNode *bare_generator_first(KrPeg *peg, KrPegNode **items, int start) {
    return refuse_bare_generator(peg, items[0], items[1]);
}

static KrPegNode *bare_generator_after(KrPeg *peg, KrPegNode **items, int start) {
    return refuse_bare_generator(peg, items[2], items[3]);
}

/* Calls */

typedef struct Arguments {
    int positional;
    KrPegNode *last;     /* positional one */
    bool unpacking;      /* there is a `**mapping` */
} Arguments;

static bool count_argument(KrPeg *peg, KrPegNode *node, void *argument) {
    Arguments *arguments = argument;
    int kind = kr_peg_kind(peg, node);
    if (kind == KR_PEG_UNPACKING) {
        arguments->unpacking = true;
    } else if (kind != KR_keyword) {
        arguments->positional++;
        arguments->last = node;
    }
    return true;
}

static KrPegNode *bare_generator_last(KrPeg *peg, KrPegNode **items, int start) {
    Arguments arguments = {0};
    (void)kr_peg_visit(peg, items[0], count_argument, &arguments);
    /* A generator expression may stand alone. */
    return arguments.positional <= 1 ? NULL : refuse_bare_generator(peg, arguments.last, items[1]);
}

static KrPegNode *positional_after_keyword(KrPeg *peg, KrPegNode **items, int start) {
    Arguments arguments = {0};
    (void)kr_peg_visit(peg, items[0], count_argument, &arguments);
    KrParser *p = peg->p;
    p->failed = true;
    kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1],
                         "positional argument follows keyword argument%s", arguments.unpacking ? " unpacking" : "");
    return NULL;
}

/* Dicts */

static KrPegNode *key_alone(KrPeg *peg, KrPegNode **items, int start) {
    const KrToken *first = kr_peg_first(peg, items[0]), *last = kr_peg_last(peg, items[0]);
    KrParser *p = peg->p;
    p->failed = true;
    kr_syntax_error(p->lexer, PyExc_SyntaxError, first->lineno, last->end_col - 1, last->end_lineno, -1,
                    "':' expected after dictionary key");
    return NULL;
}

/* Patterns */

static KrPegNode *positional_pattern(KrPeg *peg, KrPegNode **items, int start) {
    KrPegNode *first = items[2], *last = items[2];
    (void)kr_peg_visit(peg, items[2], keep_first, &first);
    (void)kr_peg_visit(peg, items[2], keep_last, &last);
    return kr_peg_refuse(peg, first, last, "positional patterns follow keyword patterns");
}

static bool is_imaginary(KrPeg *peg, KrPegNode *number) {
    const KrToken *token = kr_peg_first(peg, number);
    char last = peg->p->lexer->text[token->start + token->length - 1];
    return last == 'j' || last == 'J';
}

static KrPegNode *real(KrPeg *peg, KrPegNode **items, int start) {
    if (!is_imaginary(peg, items[0])) return items[0];
    return kr_peg_refuse(peg, items[0], items[0], "real number required in complex literal");
}

static KrPegNode *imaginary(KrPeg *peg, KrPegNode **items, int start) {
    if (is_imaginary(peg, items[0])) return items[0];
    return kr_peg_refuse(peg, items[0], items[0], "imaginary number required in complex literal");
}

/* Others */

static KrPegNode *fail(KrPeg *peg, KrPegNode **items, int start) { return NULL; }

/* `!=` or, under PEP 401, `<>`. */
static KrPegNode *not_equal(KrPeg *peg, KrPegNode **items, int start) {
    KrParser *p = peg->p;
    bool old = is_text(peg, kr_peg_first(peg, items[0]), "<>");
    if (old == p->barry) return items[0];
    if (p->barry) {
        p->failed = true;
        kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1],
                             "with Barry as BDFL, use '<>' instead of '!='");
    }
    return NULL;
}

/* String literals are read to the end: they may be wrong inside. */
static KrPegNode *strings(KrPeg *peg, KrPegNode **items, int start) {
    peg->p->mark = start;
    KrNode *value = kr_parse_strings(peg->p);
    return value == NULL ? NULL : kr_peg_new(peg, (int)value->kind, start, 0);
}

const KrPegAction kr_peg_actions[] = {
    {"fail", fail},
    {"real", real},
    {"imaginary", imaginary},
    {"not_equal", not_equal},
    {"strings", strings},
    {"forgotten_comma", forgotten_comma},
    {"legacy", legacy},
    {"forgotten_target_parentheses", forgotten_target_parentheses},
    {"key_alone", key_alone},
    {"bare_generator_first", bare_generator_first},
    {"bare_generator_last", bare_generator_last},
    {"bare_generator_after", bare_generator_after},
    {"positional_after_keyword", positional_after_keyword},
    {"wrong_target", wrong_target},
    {"wrong_deleted", wrong_deleted},
    {"wrong_iterated", wrong_iterated},
    {"wrong_as", wrong_as},
    {"positional_pattern", positional_pattern},
    {NULL, NULL},
};

/* The whole diagnosis */

/* True while the lexer has found neither an error nor the end. */
static bool is_reading(const KrLexer *lexer) { return lexer->state == KR_LEXER_OK && !lexer->reached_end; }

/* True if more text might have made the source right. */
static bool is_incomplete(const KrLexer *lexer) {
    if (lexer->state > KR_LEXER_AT_END) return lexer->string_end != NULL && *lexer->string_end == '\0';
    return lexer->reached_end;
}

/* A malformed token further on, or a bracket that is open from a line before the error, explains more than the error that is
 * set now: reads on to the end, and replaces the error if there is one of these. */
static void look_further(KrParser *p) {
    KrLexer *lexer = p->lexer;
    if (lexer->interactive || p->count == 0 || !PyErr_ExceptionMatches(PyExc_SyntaxError)) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int error_lineno = p->tokens[p->count - 1].lineno;
    KrToken token;
    do kr_lexer_next(lexer, &token);
    while (token.kind != ENDMARKER && token.kind != ERRORTOKEN);
    if (token.kind == ERRORTOKEN && !PyErr_Occurred() && lexer->level > 0 &&
        error_lineno > lexer->brackets[lexer->level - 1].lineno)
        kr_syntax_error_unclosed(lexer);
    if (PyErr_Occurred()) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    } else {
        PyErr_Restore(type, value, traceback);
    }
}

/* Raises the error for a source about which no rule knows anything particular. */
static void raise_generic(KrParser *p, const KrToken *last) {
    KrLexer *lexer = p->lexer;
    if (last->kind == ERRORTOKEN && lexer->state == KR_LEXER_AT_END) {
        kr_syntax_error_from_lexer(lexer, last);
    } else if (last->kind == INDENT || last->kind == DEDENT) {
        kr_syntax_error_last(lexer, PyExc_IndentationError, &p->tokens[p->count - 1],
                             last->kind == INDENT ? "unexpected indent" : "unexpected unindent");
    } else {
        kr_syntax_error(lexer, PyExc_SyntaxError, last->lineno, last->col, last->end_lineno, last->end_col,
                        "invalid syntax");
        look_further(p);
    }
}

/* Walks through the source twice: as it should be (the parser gave all warnings of that), then looking for wrong forms.
 * Returns true if nothing is wrong. */
static bool diagnose(KrParser *p, const char *rule, bool silent) {
    KrPeg peg;
    p->silent = true;
    if (kr_peg_init(&peg, p) < 0) return false;
    bool right = kr_peg_run(&peg, rule);
    if (!right && (p->flags & PyCF_ALLOW_INCOMPLETE_INPUT) &&
        is_incomplete(p->lexer)) {
        PyErr_Clear();
        p->failed = true;
        kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1], "incomplete input");
    } else if (!right && !p->failed) {
        KrToken last = p->tokens[p->count - 1];
        peg.wrong = true;
        p->silent = silent;
        p->warned_until = 0;
        (void)kr_peg_run(&peg, rule);
        if (!p->failed) {
            raise_generic(p, &last);
        } else if (is_reading(p->lexer)) {
            look_further(p);
        }
    } else if (p->failed && is_reading(p->lexer)) {
        look_further(p);
    }
    kr_peg_destroy(&peg);
    return right;
}

static const char *rule_for(const KrLexer *lexer) {
    if (lexer->is_fstring) return "fstring";
    switch (lexer->mode) {
    case KR_PARSE_EXPRESSION: return "eval";
    case KR_PARSE_INTERACTIVE: return "interactive";
    case KR_PARSE_FUNCTION_TYPE: return "func_type";
    default: return "file";
    }
}

void kr_diagnose_failure(KrParser *p, PyCompilerFlags *flags) {
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    if (PyErr_Occurred()) {
        if (p->warned || p->lexer->warned || !PyErr_ExceptionMatches(PyExc_SyntaxError)) return;
        PyErr_Fetch(&type, &value, &traceback);
    }
    KrParser again;
    KrLexer lexer;
    kr_lexer_restart(&lexer, p->lexer);
    if (kr_parser_init(&again, &lexer, p->mode, flags, p->arena) < 0) goto done;
    again.feature_version = p->feature_version;
    bool right = diagnose(&again, rule_for(&lexer), p->silent);
    if (right && !PyErr_Occurred()) {
        /* The two parsers disagree: trust the one that decides. */
        const KrToken *last = &p->tokens[p->count - 1];
        if (type != NULL) {
            PyErr_Restore(type, value, traceback);
            type = value = traceback = NULL;
        } else {
            kr_syntax_error(&lexer, PyExc_SyntaxError, last->lineno, last->col, last->end_lineno, last->end_col,
                            "invalid syntax");
        }
    }
    kr_parser_destroy(&again);

done:
    kr_lexer_destroy(&lexer);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}
