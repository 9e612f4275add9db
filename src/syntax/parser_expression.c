/* Expressions and assignment targets. */
#include <Python.h>

#include "syntax/parser.h"

bool kr_starts_expression(int kind) {
    switch (kind) {
    case NAME:
    case NUMBER:
    case STRING:
    case LPAR:
    case LSQB:
    case LBRACE:
    case PLUS:
    case MINUS:
    case TILDE:
    case ELLIPSIS:
    case AWAIT:
    case KEYWORD_NOT:
    case KEYWORD_LAMBDA:
    case KEYWORD_TRUE:
    case KEYWORD_FALSE:
    case KEYWORD_NONE: return true;
    default: return false;
    }
}

static KrNode *parse_disjunction(KrParser *p);
static KrNode *parse_factor(KrParser *p);

/* Comprehensions */

static bool at_comprehension(KrParser *p) {
    int kind = kr_peek_kind(p);
    return kind == KEYWORD_FOR || (kind == ASYNC && kr_peek_ahead(p, 1)->kind == KEYWORD_FOR);
}

/* One or more `for ... in ... if ...` clauses; NULL on failure. */
static KrSeq *parse_comprehensions(KrParser *p) {
    Py_ssize_t base = p->item_count;
    do {
        bool is_async = kr_accept(p, ASYNC);
        if (!kr_accept(p, KEYWORD_FOR)) return NULL;
        KrNode *target = kr_parse_star_targets(p);
        if (target == NULL || !kr_accept(p, KEYWORD_IN)) return NULL;
        KrNode *iter = parse_disjunction(p);
        if (iter == NULL) return NULL;
        Py_ssize_t conditions = p->item_count;
        while (kr_accept(p, KEYWORD_IF)) {
            KrNode *condition = parse_disjunction(p);
            if (condition == NULL || !kr_push(p, condition)) return NULL;
        }
        KrSeq *ifs = kr_parser_take(p, conditions);
        Kr_comprehension *clause = KR_NEW(p->arena, comprehension, .target = target, .iter = iter, .ifs = ifs,
                                          .is_async = is_async);
        if (p->failed || clause == NULL || !kr_push(p, clause)) return NULL;
        if (is_async && !kr_require(p, 6, "Async comprehensions are")) return NULL;
    } while (at_comprehension(p));
    return kr_parser_take(p, base);
}

/* Displays, groups and other atoms */

/* `star_named_expression`: a starred expression or a named one. */
KrNode *kr_parse_star_named_or_named(KrParser *p, bool *starred) {
    *starred = kr_peek_kind(p) == STAR;
    if (!*starred) return kr_parse_named_expression(p);
    int start = p->mark;
    kr_skip(p);
    KrNode *value = kr_parse_bitwise_or(p);
    if (value == NULL) return NULL;
    return KR_MAKE(p, start, Starred, .value = value, .ctx = KR_Load);
}

/* The elements of a display behind the first one, which is pushed already: `, b, *c,`. */
static bool parse_more_elements(KrParser *p) {
    bool starred;
    while (kr_accept(p, COMMA)) {
        int kind = kr_peek_kind(p);
        if (kind != STAR && !kr_starts_expression(kind)) return true;
        KrNode *element = kr_parse_star_named_or_named(p, &starred);
        if (element == NULL || !kr_push(p, element)) return false;
    }
    return true;
}

static KrNode *parse_yield(KrParser *p) {
    int start = p->mark;
    kr_skip(p);
    if (kr_accept(p, KEYWORD_FROM)) {
        KrNode *value = kr_parse_expression(p);
        return value == NULL ? NULL : KR_MAKE(p, start, YieldFrom, .value = value);
    }
    KrNode *value = NULL;
    int kind = kr_peek_kind(p);
    if (kind == STAR || kr_starts_expression(kind)) {
        value = kr_parse_star_expressions(p);
        if (value == NULL) return NULL;
    }
    return KR_MAKE(p, start, Yield, .value = value);
}

KrNode *kr_parse_yield_or_star_expressions(KrParser *p) {
    return kr_peek_kind(p) == KEYWORD_YIELD ? parse_yield(p) : kr_parse_star_expressions(p);
}

/* Tuple, group or generator expression. */
static KrNode *parse_parenthesized(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    int kind = kr_peek_kind(p);
    if (kind == RPAR) {
        kr_skip(p);
        return KR_MAKE(p, start, Tuple, .ctx = KR_Load);
    }
    if (kind == KEYWORD_YIELD) {
        KrNode *inner = parse_yield(p);
        return inner != NULL && kr_accept(p, RPAR) ? inner : NULL;
    }
    bool starred;
    KrNode *first = kr_parse_star_named_or_named(p, &starred);
    if (first == NULL) return NULL;
    kind = kr_peek_kind(p);
    if (kind == COMMA) {
        if (!kr_push(p, first) || !parse_more_elements(p) || !kr_accept(p, RPAR)) return NULL;
        KrSeq *elts = kr_parser_take(p, base);
        return elts == NULL ? NULL : KR_MAKE(p, start, Tuple, .elts = elts, .ctx = KR_Load);
    }
    if (starred) return NULL;
    if (kind == RPAR) {
        kr_skip(p);
        return first;
    }
    if (!at_comprehension(p)) return NULL;
    KrSeq *generators = parse_comprehensions(p);
    if (generators == NULL || !kr_accept(p, RPAR)) return NULL;
    return KR_MAKE(p, start, GeneratorExp, .elt = first, .generators = generators);
}

/* List or list comprehension. */
static KrNode *parse_bracketed(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    if (kr_accept(p, RSQB)) return KR_MAKE(p, start, List, .ctx = KR_Load);
    bool starred;
    KrNode *first = kr_parse_star_named_or_named(p, &starred);
    if (first == NULL) return NULL;
    if (!starred && at_comprehension(p)) {
        KrSeq *generators = parse_comprehensions(p);
        if (generators == NULL || !kr_accept(p, RSQB)) return NULL;
        return KR_MAKE(p, start, ListComp, .elt = first, .generators = generators);
    }
    if (!kr_push(p, first) || !parse_more_elements(p) || !kr_accept(p, RSQB)) return NULL;
    KrSeq *elts = kr_parser_take(p, base);
    return elts == NULL ? NULL : KR_MAKE(p, start, List, .elts = elts, .ctx = KR_Load);
}

/* The items of a dict display, with keys and values pushed alternately, up to the brace. */
static bool parse_dict_items(KrParser *p) {
    for (;;) {
        KrNode *key = NULL, *value;
        if (kr_accept(p, DOUBLESTAR)) {
            value = kr_parse_bitwise_or(p);
        } else {
            key = kr_parse_expression(p);
            if (key == NULL || !kr_accept(p, COLON)) return false;
            value = kr_parse_expression(p);
        }
        if (value == NULL || !kr_push(p, key) || !kr_push(p, value)) return false;
        if (!kr_accept(p, COMMA)) return kr_accept(p, RBRACE);
        if (kr_accept(p, RBRACE)) return true;
    }
}

static KrNode *finish_dict(KrParser *p, int start, Py_ssize_t base) {
    Py_ssize_t count = (p->item_count - base) / 2;
    KrSeq *keys = kr_seq_new(p->arena, count), *values = kr_seq_new(p->arena, count);
    if (keys == NULL || values == NULL) {
        p->failed = true;
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        keys->item[i] = p->items[base + 2 * i];
        values->item[i] = p->items[base + 2 * i + 1];
    }
    p->item_count = base;
    return KR_MAKE(p, start, Dict, .keys = keys, .values = values);
}

/* Dict, set, or a comprehension of either. */
static KrNode *parse_braced(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    int kind = kr_peek_kind(p);
    if (kind == RBRACE) {
        kr_skip(p);
        return KR_MAKE(p, start, Dict, .keys = NULL, .values = NULL);
    }
    if (kind == DOUBLESTAR) return parse_dict_items(p) ? finish_dict(p, start, base) : NULL;
    int first_token = p->mark;
    bool starred;
    KrNode *first = kr_parse_star_named_or_named(p, &starred);
    if (first == NULL) return NULL;
    kind = kr_peek_kind(p);
    if (kind == COLON) {
        if (starred || (first->kind == KR_NamedExpr && p->tokens[first_token].kind != LPAR)) return NULL;
        kr_skip(p);
        KrNode *value = kr_parse_expression(p);
        if (value == NULL) return NULL;
        if (at_comprehension(p)) {
            KrSeq *generators = parse_comprehensions(p);
            if (generators == NULL || !kr_accept(p, RBRACE)) return NULL;
            return KR_MAKE(p, start, DictComp, .key = first, .value = value, .generators = generators);
        }
        if (!kr_push(p, first) || !kr_push(p, value)) return NULL;
        if (kr_accept(p, COMMA)) {
            if (!kr_accept(p, RBRACE) && !parse_dict_items(p)) return NULL;
        } else if (!kr_accept(p, RBRACE)) {
            return NULL;
        }
        return finish_dict(p, start, base);
    }
    if (!starred && at_comprehension(p)) {
        KrSeq *generators = parse_comprehensions(p);
        if (generators == NULL || !kr_accept(p, RBRACE)) return NULL;
        return KR_MAKE(p, start, SetComp, .elt = first, .generators = generators);
    }
    if (!kr_push(p, first) || !parse_more_elements(p) || !kr_accept(p, RBRACE)) return NULL;
    KrSeq *elts = kr_parser_take(p, base);
    return elts == NULL ? NULL : KR_MAKE(p, start, Set, .elts = elts);
}

static KrNode *parse_name(KrParser *p) {
    int start = p->mark;
    PyObject *id = kr_parser_identifier(p, &p->tokens[start]);
    if (id == NULL) return NULL;
    kr_skip(p);
    return KR_MAKE(p, start, Name, .id = id, .ctx = KR_Load);
}

static KrNode *parse_constant(KrParser *p, PyObject *value) {
    int start = p->mark;
    kr_skip(p);
    return KR_MAKE(p, start, Constant, .value = value);
}

KrNode *kr_parse_atom(KrParser *p) {
    KrNode *(*parse)(KrParser *);
    switch (kr_peek_kind(p)) {
    case NAME: return parse_name(p);
    case NUMBER: return kr_parse_number(p);
    case STRING: return kr_parse_strings(p);
    case KEYWORD_NONE: return parse_constant(p, Py_None);
    case KEYWORD_TRUE: return parse_constant(p, Py_True);
    case KEYWORD_FALSE: return parse_constant(p, Py_False);
    case ELLIPSIS: return parse_constant(p, Py_Ellipsis);
    case LPAR: parse = parse_parenthesized; break;
    case LSQB: parse = parse_bracketed; break;
    case LBRACE: parse = parse_braced; break;
    default: return NULL;
    }
    if (!kr_enter(p, KR_DEPTH_EXPRESSION)) return NULL;
    KrNode *node = parse(p);
    kr_leave(p, KR_DEPTH_EXPRESSION);
    return node;
}

/* Calls, subscripts, attributes */

/* One keyword argument `name=value` or `**value`, pushed on `keywords`' part of the stack by the caller. */
static Kr_keyword *parse_keyword(KrParser *p, PyObject *name, int start) {
    KrNode *value = kr_parse_expression(p);
    if (value == NULL) return NULL;
    return KR_AS(keyword, KR_MAKE(p, start, keyword, .arg = name, .value = value));
}

/* Puts what was pushed since `base` into two sequences: expressions, and keywords. */
static bool split_arguments(KrParser *p, Py_ssize_t base, KrSeq **args, KrSeq **keywords) {
    Py_ssize_t keyword_count = 0, count = p->item_count - base;
    for (Py_ssize_t i = 0; i < count; i++) keyword_count += ((KrNode *)p->items[base + i])->kind == KR_keyword;
    if (keyword_count == 0) {
        *args = kr_parser_take(p, base);
        return !p->failed;
    }
    if (keyword_count == count) {
        *keywords = kr_parser_take(p, base);
        return !p->failed;
    }
    *args = kr_seq_new(p->arena, count - keyword_count);
    *keywords = kr_seq_new(p->arena, keyword_count);
    if (*args == NULL || *keywords == NULL) {
        p->failed = true;
        return false;
    }
    Py_ssize_t next_arg = 0, next_keyword = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        KrNode *item = p->items[base + i];
        if (item->kind == KR_keyword) {
            (*keywords)->item[next_keyword++] = item;
        } else {
            (*args)->item[next_arg++] = item;
        }
    }
    p->item_count = base;
    return true;
}

bool kr_parse_arguments(KrParser *p, KrSeq **args, KrSeq **keywords, bool allow_generator) {
    Py_ssize_t base = p->item_count;
    bool named = false, unpacked = false; /* a `name=` or `**` was seen; a `**` was seen */
    *args = *keywords = NULL;
    while (kr_peek_kind(p) != RPAR) {
        int start = p->mark, kind = kr_peek_kind(p);
        KrNode *item;
        if (kind == STAR) {
            if (unpacked) return false;
            kr_skip(p);
            KrNode *value = kr_parse_expression(p);
            if (value == NULL) return false;
            item = KR_MAKE(p, start, Starred, .value = value, .ctx = KR_Load);
        } else if (kind == DOUBLESTAR) {
            named = unpacked = true;
            kr_skip(p);
            item = (KrNode *)parse_keyword(p, NULL, start);
        } else if (kind == NAME && kr_peek_ahead(p, 1)->kind == EQUAL) {
            named = true;
            PyObject *name = kr_parser_identifier(p, &p->tokens[start]);
            if (name == NULL) return false;
            p->mark += 2;
            item = (KrNode *)parse_keyword(p, name, start);
        } else {
            if (named) return false;
            item = kr_parse_named_expression(p);
            if (allow_generator && item != NULL && p->item_count == base && at_comprehension(p)) {
                /* The only argument may be a generator expression without parentheses of its own. */
                KrSeq *generators = parse_comprehensions(p);
                if (generators == NULL || kr_peek_kind(p) != RPAR) return false;
                kr_skip(p);
                item = KR_MAKE(p, start - 1, GeneratorExp, .elt = item, .generators = generators);
                p->mark--;
                if (item == NULL || !kr_push(p, item)) return false;
                *args = kr_parser_take(p, base);
                return *args != NULL;
            }
        }
        if (item == NULL || !kr_push(p, item)) return false;
        if (!kr_accept(p, COMMA)) break;
    }
    return split_arguments(p, base, args, keywords);
}

static KrNode *parse_slice(KrParser *p) {
    int start = p->mark;
    KrNode *lower = NULL, *upper = NULL, *step = NULL;
    if (kr_peek_kind(p) != COLON) {
        lower = kr_parse_named_expression(p);
        if (lower == NULL) return NULL;
        if (kr_peek_kind(p) != COLON) return lower;
        if (lower->kind == KR_NamedExpr && p->tokens[start].kind != LPAR) return NULL;
    }
    kr_skip(p);
    if (kr_starts_expression(kr_peek_kind(p))) {
        upper = kr_parse_expression(p);
        if (upper == NULL) return NULL;
    }
    if (kr_accept(p, COLON) && kr_starts_expression(kr_peek_kind(p))) {
        step = kr_parse_expression(p);
        if (step == NULL) return NULL;
    }
    return KR_MAKE(p, start, Slice, .lower = lower, .upper = upper, .step = step);
}

/* What stands between the brackets of a subscript. */
static KrNode *parse_slices(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    bool tuple = false;
    for (;;) {
        KrNode *item;
        int first = p->mark;
        if (kr_accept(p, STAR)) {
            KrNode *value = kr_parse_expression(p);
            if (value == NULL) return NULL;
            item = KR_MAKE(p, first, Starred, .value = value, .ctx = KR_Load);
            tuple = true;
        } else {
            item = parse_slice(p);
        }
        if (item == NULL) return NULL;
        int kind = kr_peek_kind(p);
        if (kind != COMMA && !tuple) return item;
        if (!kr_push(p, item)) return NULL;
        if (kind != COMMA) break;
        tuple = true;
        kr_skip(p);
        if (kr_peek_kind(p) == RSQB) break;
    }
    KrSeq *elts = kr_parser_take(p, base);
    return elts == NULL ? NULL : KR_MAKE(p, start, Tuple, .elts = elts, .ctx = KR_Load);
}

KrNode *kr_parse_primary(KrParser *p) {
    int start = p->mark;
    KrNode *node = kr_parse_atom(p);
    while (node != NULL) {
        switch (kr_peek_kind(p)) {
        case DOT: {
            kr_skip(p);
            KrToken *name = kr_peek(p);
            if (name->kind != NAME) return NULL;
            PyObject *attr = kr_parser_identifier(p, name);
            if (attr == NULL) return NULL;
            kr_skip(p);
            node = KR_MAKE(p, start, Attribute, .value = node, .attr = attr, .ctx = KR_Load);
            break;
        }
        case LPAR: {
            KrSeq *args, *keywords;
            kr_skip(p);
            if (!kr_enter(p, KR_DEPTH_EXPRESSION)) return NULL;
            bool parsed = kr_parse_arguments(p, &args, &keywords, true);
            kr_leave(p, KR_DEPTH_EXPRESSION);
            if (!parsed || !kr_accept(p, RPAR)) return NULL;
            node = KR_MAKE(p, start, Call, .func = node, .args = args, .keywords = keywords);
            break;
        }
        case LSQB: {
            kr_skip(p);
            if (!kr_enter(p, KR_DEPTH_EXPRESSION)) return NULL;
            KrNode *slice = parse_slices(p);
            kr_leave(p, KR_DEPTH_EXPRESSION);
            if (slice == NULL || !kr_accept(p, RSQB)) return NULL;
            node = KR_MAKE(p, start, Subscript, .value = node, .slice = slice, .ctx = KR_Load);
            break;
        }
        default: return node;
        }
    }
    return NULL;
}

/* Operators */

static KrNode *parse_await_primary(KrParser *p) {
    int start = p->mark;
    if (kr_peek_kind(p) != AWAIT) return kr_parse_primary(p);
    kr_skip(p);
    KrNode *value = kr_parse_primary(p);
    if (value == NULL || !kr_require(p, 5, "Await expressions are")) return NULL;
    return KR_MAKE(p, start, Await, .value = value);
}

static KrNode *parse_factor(KrParser *p) {
    int start = p->mark;
    KrEnumerator operation;
    switch (kr_peek_kind(p)) {
    case PLUS: operation = KR_UAdd; break;
    case MINUS: operation = KR_USub; break;
    case TILDE: operation = KR_Invert; break;
    default: {
        KrNode *base = parse_await_primary(p);
        if (base == NULL || kr_peek_kind(p) != DOUBLESTAR) return base;
        kr_skip(p);
        if (!kr_enter(p, 1)) return NULL;
        KrNode *exponent = parse_factor(p);
        kr_leave(p, 1);
        if (exponent == NULL) return NULL;
        return KR_MAKE(p, start, BinOp, .left = base, .op = KR_Pow, .right = exponent);
    }
    }
    kr_skip(p);
    if (!kr_enter(p, 1)) return NULL;
    KrNode *operand = parse_factor(p);
    kr_leave(p, 1);
    return operand == NULL ? NULL : KR_MAKE(p, start, UnaryOp, .op = operation, .operand = operand);
}

/* Binary operators of one token, from | to @, by precedence; 0 for other tokens. */
static const struct {
    uint8_t precedence;
    uint8_t operation;
} binary[KR_TOKEN_KIND_COUNT] = {
    [VBAR] = {1, KR_BitOr},        [CIRCUMFLEX] = {2, KR_BitXor}, [AMPER] = {3, KR_BitAnd},
    [LEFTSHIFT] = {4, KR_LShift},  [RIGHTSHIFT] = {4, KR_RShift}, [PLUS] = {5, KR_Add},
    [MINUS] = {5, KR_Sub},         [STAR] = {6, KR_Mult},         [SLASH] = {6, KR_Div},
    [DOUBLESLASH] = {6, KR_FloorDiv}, [PERCENT] = {6, KR_Mod},    [AT] = {6, KR_MatMult},
};

/* Left-associative operators of at least the given precedence; operands are unary. */
static KrNode *parse_binary(KrParser *p, int minimum) {
    int start = p->mark;
    KrNode *left = parse_factor(p);
    while (left != NULL) {
        int kind = kr_peek_kind(p), precedence = binary[kind].precedence;
        if (precedence < minimum || precedence == 0) return left;
        kr_skip(p);
        KrNode *right = parse_binary(p, precedence + 1);
        if (right == NULL || (kind == AT && !kr_require(p, 5, "The '@' operator is"))) return NULL;
        left = KR_MAKE(p, start, BinOp, .left = left, .op = binary[kind].operation, .right = right);
    }
    return NULL;
}

KrNode *kr_parse_bitwise_or(KrParser *p) { return parse_binary(p, 1); }

/* Consumes a comparison operator. Returns KR_NO_ENUMERATOR if there is none. */
static KrEnumerator parse_comparison_operator(KrParser *p) {
    KrEnumerator operation;
    int length = 1;
    KrToken *token = kr_peek(p);
    switch (token->kind) {
    case EQEQUAL: operation = KR_Eq; break;
    case NOTEQUAL:
        /* `<>` takes the place of `!=` under the joke of PEP 401, and only then. */
        if ((p->lexer->text[token->start] == '<') != p->barry) return KR_NO_ENUMERATOR;
        operation = KR_NotEq;
        break;
    case LESS: operation = KR_Lt; break;
    case LESSEQUAL: operation = KR_LtE; break;
    case GREATER: operation = KR_Gt; break;
    case GREATEREQUAL: operation = KR_GtE; break;
    case KEYWORD_IN: operation = KR_In; break;
    case KEYWORD_NOT:
        if (kr_peek_ahead(p, 1)->kind != KEYWORD_IN) return KR_NO_ENUMERATOR;
        operation = KR_NotIn;
        length = 2;
        break;
    case KEYWORD_IS:
        operation = KR_Is;
        if (kr_peek_ahead(p, 1)->kind == KEYWORD_NOT) {
            operation = KR_IsNot;
            length = 2;
        }
        break;
    default: return KR_NO_ENUMERATOR;
    }
    p->mark += length;
    return operation;
}

static KrNode *parse_comparison(KrParser *p) {
    int start = p->mark;
    KrNode *left = kr_parse_bitwise_or(p);
    if (left == NULL) return NULL;
    KrEnumerator operation = parse_comparison_operator(p);
    if (operation == KR_NO_ENUMERATOR) return left;
    Py_ssize_t base = p->item_count;
    do {
        KrNode *right = kr_parse_bitwise_or(p);
        if (right == NULL || !kr_push(p, (void *)(intptr_t)operation) || !kr_push(p, right)) return NULL;
        operation = parse_comparison_operator(p);
    } while (operation != KR_NO_ENUMERATOR);
    Py_ssize_t count = (p->item_count - base) / 2;
    KrSeq *operators = kr_seq_new(p->arena, count), *comparators = kr_seq_new(p->arena, count);
    if (operators == NULL || comparators == NULL) {
        p->failed = true;
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        operators->item[i] = p->items[base + 2 * i];
        comparators->item[i] = p->items[base + 2 * i + 1];
    }
    p->item_count = base;
    return KR_MAKE(p, start, Compare, .left = left, .ops = operators, .comparators = comparators);
}

static KrNode *parse_inversion(KrParser *p) {
    if (kr_peek_kind(p) != KEYWORD_NOT) return parse_comparison(p);
    int start = p->mark;
    kr_skip(p);
    if (!kr_enter(p, 1)) return NULL;
    KrNode *operand = parse_inversion(p);
    kr_leave(p, 1);
    return operand == NULL ? NULL : KR_MAKE(p, start, UnaryOp, .op = KR_Not, .operand = operand);
}

/* One or more operands joined by `and` or by `or`. */
static KrNode *parse_boolean(KrParser *p, int keyword, KrEnumerator operation, KrNode *(*parse)(KrParser *)) {
    int start = p->mark;
    KrNode *first = parse(p);
    if (first == NULL || kr_peek_kind(p) != keyword) return first;
    Py_ssize_t base = p->item_count;
    if (!kr_push(p, first)) return NULL;
    while (kr_accept(p, keyword)) {
        KrNode *next = parse(p);
        if (next == NULL || !kr_push(p, next)) return NULL;
    }
    KrSeq *values = kr_parser_take(p, base);
    return values == NULL ? NULL : KR_MAKE(p, start, BoolOp, .op = operation, .values = values);
}

static KrNode *parse_conjunction(KrParser *p) { return parse_boolean(p, KEYWORD_AND, KR_And, parse_inversion); }
static KrNode *parse_disjunction(KrParser *p) { return parse_boolean(p, KEYWORD_OR, KR_Or, parse_conjunction); }

static KrNode *parse_lambda(KrParser *p) {
    int start = p->mark;
    kr_skip(p);
    Kr_arguments *args = kr_parse_parameters(p, COLON);
    if (args == NULL || !kr_accept(p, COLON)) return NULL;
    KrNode *body = kr_parse_expression(p);
    return body == NULL ? NULL : KR_MAKE(p, start, Lambda, .args = args, .body = body);
}

static KrNode *parse_lambda_or_conditional(KrParser *p);

static KrNode *parse_conditional(KrParser *p) {
    int start = p->mark;
    KrNode *body = parse_disjunction(p);
    if (body == NULL || kr_peek_kind(p) != KEYWORD_IF) return body;
    kr_skip(p);
    KrNode *test = parse_disjunction(p);
    if (test == NULL || !kr_accept(p, KEYWORD_ELSE)) return NULL;
    /* Long chains of `else` are common enough to be counted by what they really need. */
    if (!kr_enter(p, 1)) return NULL;
    KrNode *orelse = parse_lambda_or_conditional(p);
    kr_leave(p, 1);
    return orelse == NULL ? NULL : KR_MAKE(p, start, IfExp, .test = test, .body = body, .orelse = orelse);
}

static KrNode *parse_lambda_or_conditional(KrParser *p) {
    return kr_peek_kind(p) == KEYWORD_LAMBDA ? parse_lambda(p) : parse_conditional(p);
}

KrNode *kr_parse_expression(KrParser *p) {
    if (!kr_enter(p, KR_DEPTH_EXPRESSION)) return NULL;
    KrNode *node = parse_lambda_or_conditional(p);
    kr_leave(p, KR_DEPTH_EXPRESSION);
    return node;
}

KrNode *kr_parse_named_expression(KrParser *p) {
    if (kr_peek_kind(p) != NAME || kr_peek_ahead(p, 1)->kind != COLONEQUAL) return kr_parse_expression(p);
    int start = p->mark;
    KrNode *target = parse_name(p);
    if (target == NULL) return NULL;
    KR_AS(Name, target)->ctx = KR_Store;
    kr_skip(p);
    KrNode *value = kr_parse_expression(p);
    if (value == NULL || !kr_require(p, 8, "Assignment expressions are")) return NULL;
    return KR_MAKE(p, start, NamedExpr, .target = target, .value = value);
}

static KrNode *parse_star_expression(KrParser *p) {
    if (kr_peek_kind(p) != STAR) return kr_parse_expression(p);
    int start = p->mark;
    kr_skip(p);
    KrNode *value = kr_parse_bitwise_or(p);
    return value == NULL ? NULL : KR_MAKE(p, start, Starred, .value = value, .ctx = KR_Load);
}

/* One expression, or several with commas, which make a tuple. */
static KrNode *parse_tuple_of(KrParser *p, KrNode *(*parse)(KrParser *), bool allow_starred) {
    int start = p->mark;
    KrNode *first = parse(p);
    if (first == NULL || kr_peek_kind(p) != COMMA) return first;
    Py_ssize_t base = p->item_count;
    if (!kr_push(p, first)) return NULL;
    while (kr_accept(p, COMMA)) {
        int kind = kr_peek_kind(p);
        if (!kr_starts_expression(kind) && !(allow_starred && kind == STAR)) break;
        KrNode *next = parse(p);
        if (next == NULL || !kr_push(p, next)) return NULL;
    }
    KrSeq *elts = kr_parser_take(p, base);
    return elts == NULL ? NULL : KR_MAKE(p, start, Tuple, .elts = elts, .ctx = KR_Load);
}

KrNode *kr_parse_star_expressions(KrParser *p) { return parse_tuple_of(p, parse_star_expression, true); }
KrNode *kr_parse_expressions(KrParser *p) { return parse_tuple_of(p, kr_parse_expression, false); }

/* Targets */

bool kr_make_target(KrNode *node, KrEnumerator context, bool allow_starred) {
    KrSeq *elts;
    switch (node->kind) {
    case KR_Name: KR_AS(Name, node)->ctx = context; return true;
    case KR_Attribute: KR_AS(Attribute, node)->ctx = context; return true;
    case KR_Subscript: KR_AS(Subscript, node)->ctx = context; return true;
    case KR_Starred:
        if (!allow_starred || KR_AS(Starred, node)->value->kind == KR_Starred) return false;
        KR_AS(Starred, node)->ctx = context;
        return kr_make_target(KR_AS(Starred, node)->value, context, true);
    case KR_Tuple:
        KR_AS(Tuple, node)->ctx = context;
        elts = KR_AS(Tuple, node)->elts;
        break;
    case KR_List:
        KR_AS(List, node)->ctx = context;
        elts = KR_AS(List, node)->elts;
        break;
    default: return false;
    }
    for (Py_ssize_t i = 0; i < kr_seq_count(elts); i++) {
        if (!kr_make_target(kr_seq_node(elts, i), context, allow_starred)) return false;
    }
    return true;
}

KrNode *kr_parse_star_target(KrParser *p) {
    int start = p->mark;
    bool starred = kr_accept(p, STAR);
    KrNode *target = kr_parse_primary(p);
    if (target == NULL || !kr_make_target(target, KR_Store, true)) return NULL;
    return starred ? KR_MAKE(p, start, Starred, .value = target, .ctx = KR_Store) : target;
}

KrNode *kr_parse_star_targets(KrParser *p) {
    int start = p->mark;
    KrNode *first = kr_parse_star_target(p);
    if (first == NULL || kr_peek_kind(p) != COMMA) return first;
    Py_ssize_t base = p->item_count;
    if (!kr_push(p, first)) return NULL;
    while (kr_accept(p, COMMA)) {
        int kind = kr_peek_kind(p);
        if (kind != STAR && !kr_starts_expression(kind)) break;
        KrNode *next = kr_parse_star_target(p);
        if (next == NULL || !kr_push(p, next)) return NULL;
    }
    KrSeq *elts = kr_parser_take(p, base);
    return elts == NULL ? NULL : KR_MAKE(p, start, Tuple, .elts = elts, .ctx = KR_Store);
}
