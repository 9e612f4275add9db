/* Match statements and their patterns. */
#include <Python.h>

#include "syntax/parser.h"
#include "syntax/syntax_error.h"

static KrNode *parse_pattern(KrParser *p);

/* Names and dotted names */

/* True if a name here is a capture: not `_`, and not the start of a dotted name, a class pattern or a keyword. */
static bool at_capture(KrParser *p) {
    KrToken *token = kr_peek(p);
    if (token->kind != NAME || token->soft == KR_SOFT_UNDERSCORE) return false;
    int next = kr_peek_ahead(p, 1)->kind;
    return next != DOT && next != LPAR && next != EQUAL;
}

static PyObject *parse_capture_name(KrParser *p) {
    if (!at_capture(p)) return NULL;
    PyObject *name = kr_parser_identifier(p, kr_peek(p));
    kr_skip(p);
    return name;
}

/* `name` or `name.attribute...` as an expression. */
static KrNode *parse_name_or_attribute(KrParser *p) {
    int start = p->mark;
    PyObject *id = kr_parser_identifier(p, kr_peek(p));
    if (id == NULL) return NULL;
    kr_skip(p);
    KrNode *node = KR_MAKE(p, start, Name, .id = id, .ctx = KR_Load);
    while (node != NULL && kr_accept(p, DOT)) {
        KrToken *name = kr_peek(p);
        if (name->kind != NAME) return NULL;
        PyObject *attr = kr_parser_identifier(p, name);
        if (attr == NULL) return NULL;
        kr_skip(p);
        node = KR_MAKE(p, start, Attribute, .value = node, .attr = attr, .ctx = KR_Load);
    }
    return node;
}

/* Literals */

static KrNode *parse_signed_number(KrParser *p) {
    int start = p->mark;
    bool negative = kr_accept(p, MINUS);
    if (kr_peek_kind(p) != NUMBER) return NULL;
    KrNode *number = kr_parse_number(p);
    if (number == NULL || !negative) return number;
    return KR_MAKE(p, start, UnaryOp, .op = KR_USub, .operand = number);
}

/* Raises SyntaxError about a number, and returns NULL. */
static KrNode *refuse_number(KrParser *p, const KrNode *number, const char *message) {
    if (!p->failed) {
        kr_syntax_error(p->lexer, PyExc_SyntaxError, number->lineno, number->col_offset, number->end_lineno,
                        number->end_col_offset, "%s", message);
    }
    p->failed = true;
    return NULL;
}

/* A number, or the sum of a real and an imaginary number. */
static KrNode *parse_number_pattern(KrParser *p) {
    int start = p->mark;
    KrNode *left = parse_signed_number(p);
    if (left == NULL) return NULL;
    int kind = kr_peek_kind(p);
    if (kind != PLUS && kind != MINUS) return left;
    KrNode *real = left->kind == KR_UnaryOp ? KR_AS(UnaryOp, left)->operand : left;
    if (PyComplex_CheckExact(KR_AS(Constant, real)->value))
        return refuse_number(p, real, "real number required in complex literal");
    kr_skip(p);
    if (kr_peek_kind(p) != NUMBER) return NULL;
    KrNode *imaginary = kr_parse_number(p);
    if (imaginary == NULL) return NULL;
    if (!PyComplex_CheckExact(KR_AS(Constant, imaginary)->value))
        return refuse_number(p, imaginary, "imaginary number required in complex literal");
    return KR_MAKE(p, start, BinOp, .left = left, .op = kind == PLUS ? KR_Add : KR_Sub, .right = imaginary);
}

/* A literal expression, as a pattern or as the key of a mapping pattern. */
static KrNode *parse_literal(KrParser *p) {
    switch (kr_peek_kind(p)) {
    case NUMBER:
    case MINUS: return parse_number_pattern(p);
    case STRING:
    case KEYWORD_NONE:
    case KEYWORD_TRUE:
    case KEYWORD_FALSE: return kr_parse_atom(p);
    default: return NULL;
    }
}

/* Sequences */

/* A pattern, or `*name`. */
static KrNode *parse_maybe_star(KrParser *p, bool *starred) {
    int start = p->mark;
    *starred = kr_accept(p, STAR);
    if (!*starred) return parse_pattern(p);
    PyObject *name = NULL;
    if (kr_peek(p)->kind == NAME && kr_peek(p)->soft == KR_SOFT_UNDERSCORE) {
        kr_skip(p);
    } else {
        name = parse_capture_name(p);
        if (name == NULL) return NULL;
    }
    return KR_MAKE(p, start, MatchStar, .name = name);
}

/* Further patterns of a sequence up to a token of kind `end` or, without brackets, the end of the case's patterns. The
 * first pattern is pushed and the current token is what follows it. */
static bool parse_more_patterns(KrParser *p, int end) {
    bool starred;
    while (kr_accept(p, COMMA)) {
        int kind = kr_peek_kind(p);
        if (kind == end || (end == COLON && kind == KEYWORD_IF)) return true;
        KrNode *next = parse_maybe_star(p, &starred);
        if (next == NULL || !kr_push(p, next)) return false;
    }
    return true;
}

static KrNode *parse_bracketed_sequence(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    if (kr_peek_kind(p) != RSQB) {
        bool starred;
        KrNode *first = parse_maybe_star(p, &starred);
        if (first == NULL || !kr_push(p, first) || !parse_more_patterns(p, RSQB)) return NULL;
    }
    if (!kr_accept(p, RSQB)) return NULL;
    KrSeq *patterns = kr_parser_take(p, base);
    return p->failed ? NULL : KR_MAKE(p, start, MatchSequence, .patterns = patterns);
}

/* A group, or a sequence in parentheses. */
static KrNode *parse_parenthesized_pattern(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    if (kr_accept(p, RPAR)) return KR_MAKE(p, start, MatchSequence, .patterns = NULL);
    bool starred;
    KrNode *first = parse_maybe_star(p, &starred);
    if (first == NULL) return NULL;
    if (kr_peek_kind(p) == COMMA) {
        if (!kr_push(p, first) || !parse_more_patterns(p, RPAR) || !kr_accept(p, RPAR)) return NULL;
        KrSeq *patterns = kr_parser_take(p, base);
        return patterns == NULL ? NULL : KR_MAKE(p, start, MatchSequence, .patterns = patterns);
    }
    return !starred && kr_accept(p, RPAR) ? first : NULL;
}

/* Mappings */

static KrNode *parse_mapping(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    PyObject *rest = NULL;
    kr_skip(p);
    while (kr_peek_kind(p) != RBRACE) {
        if (kr_accept(p, DOUBLESTAR)) {
            rest = parse_capture_name(p);
            if (rest == NULL) return NULL;
            (void)kr_accept(p, COMMA);
            break;
        }
        KrNode *key;
        if (kr_peek_kind(p) == NAME) {
            if (kr_peek_ahead(p, 1)->kind != DOT) return NULL;
            key = parse_name_or_attribute(p);
        } else {
            key = parse_literal(p);
        }
        if (key == NULL || !kr_accept(p, COLON)) return NULL;
        KrNode *value = parse_pattern(p);
        if (value == NULL || !kr_push(p, key) || !kr_push(p, value)) return NULL;
        if (!kr_accept(p, COMMA)) break;
    }
    if (!kr_accept(p, RBRACE)) return NULL;
    Py_ssize_t count = (p->item_count - base) / 2;
    KrSeq *keys = kr_seq_new(p->arena, count), *patterns = kr_seq_new(p->arena, count);
    if (keys == NULL || patterns == NULL) {
        p->failed = true;
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        keys->item[i] = p->items[base + 2 * i];
        patterns->item[i] = p->items[base + 2 * i + 1];
    }
    p->item_count = base;
    return KR_MAKE(p, start, MatchMapping, .keys = keys, .patterns = patterns, .rest = rest);
}

/* Classes */

/* `(pattern, name=pattern)` behind a class's name. */
static KrNode *parse_class_pattern(KrParser *p, int start, KrNode *cls) {
    Py_ssize_t base = p->item_count;
    KrSeq *patterns = NULL, *names = NULL, *named = NULL;
    bool keywords = false;
    kr_skip(p);
    while (kr_peek_kind(p) != RPAR) {
        PyObject *name = NULL;
        if (kr_peek_kind(p) == NAME && kr_peek_ahead(p, 1)->kind == EQUAL) {
            if (!keywords) {
                keywords = true;
                patterns = kr_parser_take(p, base);
            }
            name = kr_parser_identifier(p, kr_peek(p));
            p->mark += 2;
            if (name == NULL || !kr_push(p, name)) return NULL;
        } else if (keywords) {
            return NULL;
        }
        KrNode *pattern = parse_pattern(p);
        if (pattern == NULL || !kr_push(p, pattern)) return NULL;
        if (!kr_accept(p, COMMA)) break;
    }
    if (!kr_accept(p, RPAR)) return NULL;
    if (keywords) {
        Py_ssize_t count = (p->item_count - base) / 2;
        names = kr_seq_new(p->arena, count);
        named = kr_seq_new(p->arena, count);
        if (names == NULL || named == NULL) {
            p->failed = true;
            return NULL;
        }
        for (Py_ssize_t i = 0; i < count; i++) {
            names->item[i] = p->items[base + 2 * i];
            named->item[i] = p->items[base + 2 * i + 1];
        }
        p->item_count = base;
    } else {
        patterns = kr_parser_take(p, base);
    }
    if (p->failed) return NULL;
    return KR_MAKE(p, start, MatchClass, .cls = cls, .patterns = patterns, .kwd_attrs = names, .kwd_patterns = named);
}

/* Patterns */

static KrNode *parse_closed_pattern(KrParser *p) {
    int start = p->mark;
    KrToken *token = kr_peek(p);
    switch (token->kind) {
    case NUMBER:
    case MINUS:
    case STRING: {
        KrNode *value = parse_literal(p);
        return value == NULL ? NULL : KR_MAKE(p, start, MatchValue, .value = value);
    }
    case KEYWORD_NONE: kr_skip(p); return KR_MAKE(p, start, MatchSingleton, .value = Py_None);
    case KEYWORD_TRUE: kr_skip(p); return KR_MAKE(p, start, MatchSingleton, .value = Py_True);
    case KEYWORD_FALSE: kr_skip(p); return KR_MAKE(p, start, MatchSingleton, .value = Py_False);
    case LPAR: return parse_parenthesized_pattern(p);
    case LSQB: return parse_bracketed_sequence(p);
    case LBRACE: return parse_mapping(p);
    case NAME: break;
    default: return NULL;
    }
    if (token->soft == KR_SOFT_UNDERSCORE) {
        kr_skip(p);
        return KR_MAKE(p, start, MatchAs);
    }
    if (at_capture(p)) {
        PyObject *name = parse_capture_name(p);
        return name == NULL ? NULL : KR_MAKE(p, start, MatchAs, .name = name);
    }
    KrNode *value = parse_name_or_attribute(p);
    if (value == NULL) return NULL;
    int kind = kr_peek_kind(p);
    if (kind == LPAR) return parse_class_pattern(p, start, value);
    if (kind == EQUAL || value->kind == KR_Name) return NULL;
    return KR_MAKE(p, start, MatchValue, .value = value);
}

static KrNode *parse_or_pattern(KrParser *p) {
    int start = p->mark;
    KrNode *first = parse_closed_pattern(p);
    if (first == NULL || kr_peek_kind(p) != VBAR) return first;
    Py_ssize_t base = p->item_count;
    if (!kr_push(p, first)) return NULL;
    while (kr_accept(p, VBAR)) {
        KrNode *next = parse_closed_pattern(p);
        if (next == NULL || !kr_push(p, next)) return NULL;
    }
    KrSeq *patterns = kr_parser_take(p, base);
    return patterns == NULL ? NULL : KR_MAKE(p, start, MatchOr, .patterns = patterns);
}

static KrNode *parse_pattern(KrParser *p) {
    int start = p->mark;
    if (!kr_enter(p, KR_DEPTH_EXPRESSION)) return NULL;
    KrNode *pattern = parse_or_pattern(p);
    kr_leave(p, KR_DEPTH_EXPRESSION);
    if (pattern == NULL || !kr_accept(p, KEYWORD_AS)) return pattern;
    PyObject *name = parse_capture_name(p);
    return name == NULL ? NULL : KR_MAKE(p, start, MatchAs, .pattern = pattern, .name = name);
}

/* The patterns of a case: one, or a sequence without brackets. */
static KrNode *parse_patterns(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    bool starred;
    KrNode *first = parse_maybe_star(p, &starred);
    if (first == NULL) return NULL;
    if (kr_peek_kind(p) != COMMA) return starred ? NULL : first;
    if (!kr_push(p, first) || !parse_more_patterns(p, COLON)) return NULL;
    KrSeq *patterns = kr_parser_take(p, base);
    return patterns == NULL ? NULL : KR_MAKE(p, start, MatchSequence, .patterns = patterns);
}

/* Statements */

static bool at_case(KrParser *p) {
    KrToken *token = kr_peek(p);
    return token->kind == NAME && token->soft == KR_SOFT_CASE;
}

static bool parse_case(KrParser *p) {
    kr_skip(p);
    KrNode *pattern = parse_patterns(p), *guard = NULL;
    if (pattern == NULL) return false;
    if (kr_accept(p, KEYWORD_IF)) {
        guard = kr_parse_named_expression(p);
        if (guard == NULL) return false;
    }
    KrSeq *body;
    if (!kr_accept(p, COLON) || !kr_parse_block(p, &body)) return false;
    Kr_match_case *node = KR_NEW(p->arena, match_case, .pattern = pattern, .guard = guard, .body = body);
    return node != NULL && kr_push(p, node);
}

static KrNode *parse_subject(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    bool starred;
    KrNode *first = kr_parse_star_named_or_named(p, &starred);
    if (first == NULL) return NULL;
    if (kr_peek_kind(p) != COMMA) return starred ? NULL : first;
    if (!kr_push(p, first)) return NULL;
    while (kr_accept(p, COMMA)) {
        int kind = kr_peek_kind(p);
        if (kind != STAR && !kr_starts_expression(kind)) break;
        KrNode *next = kr_parse_star_named_or_named(p, &starred);
        if (next == NULL || !kr_push(p, next)) return NULL;
    }
    KrSeq *elts = kr_parser_take(p, base);
    return elts == NULL ? NULL : KR_MAKE(p, start, Tuple, .elts = elts, .ctx = KR_Load);
}

static KrNode *parse_match_statement(KrParser *p) {
    int start = p->mark;
    kr_skip(p);
    KrNode *subject = parse_subject(p);
    if (subject == NULL || !kr_accept(p, COLON) || !kr_accept(p, NEWLINE) || !kr_accept(p, INDENT) || !at_case(p))
        return NULL;
    Py_ssize_t base = p->item_count;
    do {
        if (!parse_case(p)) return NULL;
    } while (at_case(p));
    if (!kr_accept(p, DEDENT)) return NULL;
    KrSeq *cases = kr_parser_take(p, base);
    if (cases == NULL || !kr_require(p, 10, "Pattern matching is")) return NULL;
    return KR_MAKE_STATEMENT(p, start, Match, .subject = subject, .cases = cases);
}

KrNode *kr_parse_match(KrParser *p) {
    int kind = kr_peek_ahead(p, 1)->kind;
    if (kind != STAR && !kr_starts_expression(kind)) return NULL;
    int mark = p->mark, depth = p->depth;
    Py_ssize_t base = p->item_count;
    KrNode *node = parse_match_statement(p);
    if (node == NULL) {
        p->mark = mark;
        p->depth = depth;
        p->item_count = base;
    }
    return node;
}
