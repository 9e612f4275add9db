/* Statements. */
#include <Python.h>

#include "syntax/parser.h"

/* Simple statements */

bool kr_parse_type_comment(KrParser *p, PyObject **comment) {
    *comment = NULL;
    KrToken *token = kr_peek(p);
    if (token->kind != TYPE_COMMENT) return true;
    *comment = kr_parser_text(p, token);
    if (*comment == NULL) return false;
    kr_skip(p);
    return true;
}

static KrEnumerator augmented_operator(int kind) {
    switch (kind) {
    case PLUSEQUAL: return KR_Add;
    case MINEQUAL: return KR_Sub;
    case STAREQUAL: return KR_Mult;
    case ATEQUAL: return KR_MatMult;
    case SLASHEQUAL: return KR_Div;
    case PERCENTEQUAL: return KR_Mod;
    case AMPEREQUAL: return KR_BitAnd;
    case VBAREQUAL: return KR_BitOr;
    case CIRCUMFLEXEQUAL: return KR_BitXor;
    case LEFTSHIFTEQUAL: return KR_LShift;
    case RIGHTSHIFTEQUAL: return KR_RShift;
    case DOUBLESTAREQUAL: return KR_Pow;
    case DOUBLESLASHEQUAL: return KR_FloorDiv;
    default: return KR_NO_ENUMERATOR;
    }
}

/* Behind the first `=`: further targets, and the value. */
static KrNode *parse_assignment(KrParser *p, int start, KrNode *target) {
    Py_ssize_t base = p->item_count;
    KrNode *value = target;
    bool yields = false;
    while (kr_accept(p, EQUAL)) {
        if (yields || !kr_make_target(value, KR_Store, true) || !kr_push(p, value)) return NULL;
        yields = kr_peek_kind(p) == KEYWORD_YIELD;
        value = kr_parse_yield_or_star_expressions(p);
        if (value == NULL) return NULL;
    }
    PyObject *comment;
    if (!kr_parse_type_comment(p, &comment)) return NULL;
    KrSeq *targets = kr_parser_take(p, base);
    if (targets == NULL) return NULL;
    return KR_MAKE(p, start, Assign, .targets = targets, .value = value, .type_comment = comment);
}

static bool is_single_target(const KrNode *node) {
    return node->kind == KR_Name || node->kind == KR_Attribute || node->kind == KR_Subscript;
}

static KrNode *parse_annotated(KrParser *p, int start, KrNode *target) {
    bool simple = p->tokens[start].kind == NAME && target->kind == KR_Name;
    if (!is_single_target(target)) return NULL;
    kr_skip(p);
    (void)kr_make_target(target, KR_Store, false);
    KrNode *annotation = kr_parse_expression(p), *value = NULL;
    if (annotation == NULL) return NULL;
    if (kr_accept(p, EQUAL)) {
        value = kr_parse_yield_or_star_expressions(p);
        if (value == NULL) return NULL;
    }
    if (!kr_require(p, 6, p->tokens[start].kind == NAME && target->kind == KR_Name ? "Variable annotation syntax is"
                                                                                  : "Variable annotations syntax is"))
        return NULL;
    return KR_MAKE(p, start, AnnAssign, .target = target, .annotation = annotation, .value = value, .simple = simple);
}

/* A statement that begins with an expression. */
static KrNode *parse_expression_statement(KrParser *p) {
    int start = p->mark;
    if (kr_peek_kind(p) == KEYWORD_YIELD) {
        KrNode *value = kr_parse_yield_or_star_expressions(p);
        return value == NULL ? NULL : KR_MAKE(p, start, Expr, .value = value);
    }
    KrNode *first = kr_parse_star_expressions(p);
    if (first == NULL) return NULL;
    int kind = kr_peek_kind(p);
    switch (kind) {
    case NEWLINE:
    case SEMI: return KR_MAKE(p, start, Expr, .value = first);
    case EQUAL: return parse_assignment(p, start, first);
    case COLON: return parse_annotated(p, start, first);
    default: break;
    }
    KrEnumerator operation = augmented_operator(kind);
    if (operation == KR_NO_ENUMERATOR) return KR_MAKE(p, start, Expr, .value = first);
    if (!is_single_target(first)) return NULL;
    if (kind == ATEQUAL && !kr_require(p, 5, "The '@' operator is")) return NULL;
    kr_skip(p);
    (void)kr_make_target(first, KR_Store, false);
    KrNode *value = kr_parse_yield_or_star_expressions(p);
    return value == NULL ? NULL : KR_MAKE(p, start, AugAssign, .target = first, .op = operation, .value = value);
}

static KrNode *parse_return(KrParser *p) {
    int start = p->mark;
    kr_skip(p);
    KrNode *value = NULL;
    int kind = kr_peek_kind(p);
    if (kind == STAR || kr_starts_expression(kind)) {
        value = kr_parse_star_expressions(p);
        if (value == NULL) return NULL;
    }
    return KR_MAKE(p, start, Return, .value = value);
}

static KrNode *parse_raise(KrParser *p) {
    int start = p->mark;
    kr_skip(p);
    KrNode *exc = NULL, *cause = NULL;
    if (kr_starts_expression(kr_peek_kind(p))) {
        exc = kr_parse_expression(p);
        if (exc == NULL) return NULL;
        if (kr_accept(p, KEYWORD_FROM)) {
            cause = kr_parse_expression(p);
            if (cause == NULL) return NULL;
        }
    }
    return KR_MAKE(p, start, Raise, .exc = exc, .cause = cause);
}

static KrNode *parse_assert(KrParser *p) {
    int start = p->mark;
    kr_skip(p);
    KrNode *test = kr_parse_expression(p), *msg = NULL;
    if (test == NULL) return NULL;
    if (kr_accept(p, COMMA)) {
        msg = kr_parse_expression(p);
        if (msg == NULL) return NULL;
    }
    return KR_MAKE(p, start, Assert, .test = test, .msg = msg);
}

static KrNode *parse_delete(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    do {
        if (p->item_count > base && !kr_starts_expression(kr_peek_kind(p))) break;
        KrNode *target = kr_parse_primary(p);
        if (target == NULL || !kr_make_target(target, KR_Del, false) || !kr_push(p, target)) return NULL;
    } while (kr_accept(p, COMMA));
    int kind = kr_peek_kind(p);
    if (kind != NEWLINE && kind != SEMI) return NULL;
    KrSeq *targets = kr_parser_take(p, base);
    return targets == NULL ? NULL : KR_MAKE(p, start, Delete, .targets = targets);
}

/* Consumes a NAME and returns its identifier, or NULL. */
static PyObject *parse_identifier(KrParser *p) {
    KrToken *token = kr_peek(p);
    if (token->kind != NAME) return NULL;
    PyObject *name = kr_parser_identifier(p, token);
    kr_skip(p);
    return name;
}

static KrSeq *parse_scope_names(KrParser *p) {
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    do {
        PyObject *name = parse_identifier(p);
        if (name == NULL || !kr_push(p, name)) return NULL;
    } while (kr_accept(p, COMMA));
    return kr_parser_take(p, base);
}

static KrNode *parse_global(KrParser *p) {
    int start = p->mark;
    KrSeq *names = parse_scope_names(p);
    return names == NULL ? NULL : KR_MAKE(p, start, Global, .names = names);
}

static KrNode *parse_nonlocal(KrParser *p) {
    int start = p->mark;
    KrSeq *names = parse_scope_names(p);
    return names == NULL ? NULL : KR_MAKE(p, start, Nonlocal, .names = names);
}

/* Imports */

/* `a.b.c` as one identifier. */
static PyObject *parse_dotted_name(KrParser *p) {
    PyObject *name = parse_identifier(p);
    if (name == NULL || kr_peek_kind(p) != DOT) return name;
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    if (_PyUnicodeWriter_WriteStr(&writer, name) < 0) goto error;
    while (kr_accept(p, DOT)) {
        PyObject *part = parse_identifier(p);
        if (part == NULL) goto wrong;
        if (_PyUnicodeWriter_WriteChar(&writer, '.') < 0 || _PyUnicodeWriter_WriteStr(&writer, part) < 0) goto error;
    }
    PyObject *dotted = _PyUnicodeWriter_Finish(&writer);
    if (dotted == NULL) {
        p->failed = true;
        return NULL;
    }
    PyUnicode_InternInPlace(&dotted);
    return kr_parser_own(p, dotted);

error:
    p->failed = true;
wrong:
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

/* `name as other`, the name being parsed already. Pushes an alias. */
static bool parse_alias(KrParser *p, int start, PyObject *name) {
    PyObject *asname = NULL;
    if (name == NULL) return false;
    if (kr_accept(p, KEYWORD_AS)) {
        asname = parse_identifier(p);
        if (asname == NULL) return false;
    }
    KrNode *node = KR_MAKE(p, start, alias, .name = name, .asname = asname);
    return node != NULL && kr_push(p, node);
}

static KrNode *parse_import(KrParser *p) {
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    kr_skip(p);
    do {
        int first = p->mark;
        if (!parse_alias(p, first, parse_dotted_name(p))) return NULL;
    } while (kr_accept(p, COMMA));
    KrSeq *names = kr_parser_take(p, base);
    return names == NULL ? NULL : KR_MAKE(p, start, Import, .names = names);
}

/* What follows `import` in an import-from statement. Pushes aliases. */
static bool parse_import_targets(KrParser *p) {
    int start = p->mark;
    if (kr_accept(p, STAR)) {
        PyObject *star = PyUnicode_InternFromString("*");
        return parse_alias(p, start, kr_parser_own(p, star)) && p->mark == start + 1;
    }
    bool parentheses = kr_accept(p, LPAR);
    for (;;) {
        int first = p->mark;
        if (!parse_alias(p, first, parse_identifier(p))) return false;
        if (!kr_accept(p, COMMA)) return !parentheses || kr_accept(p, RPAR);
        if (parentheses && kr_accept(p, RPAR)) return true;
    }
}

static KrNode *parse_import_from(KrParser *p) {
    int start = p->mark, level = 0;
    kr_skip(p);
    for (;;) {
        if (kr_accept(p, DOT)) {
            level++;
        } else if (kr_accept(p, ELLIPSIS)) {
            level += 3;
        } else {
            break;
        }
    }
    PyObject *module = NULL;
    if (level == 0 || kr_peek_kind(p) == NAME) {
        module = parse_dotted_name(p);
        if (module == NULL) return NULL;
    }
    if (!kr_accept(p, KEYWORD_IMPORT)) return NULL;
    Py_ssize_t base = p->item_count;
    if (!parse_import_targets(p)) return NULL;
    KrSeq *names = kr_parser_take(p, base);
    if (names == NULL) return NULL;
    return KR_MAKE(p, start, ImportFrom, .module = module, .names = names, .level = level);
}

#define PARSE_WORD(p, Name)                                                                                            \
    ({                                                                                                                 \
        kr_skip(p);                                                                                                    \
        KR_MAKE(p, (p)->mark - 1, Name);                                                                               \
    })

static KrNode *parse_simple_statement(KrParser *p) {
    switch (kr_peek_kind(p)) {
    case KEYWORD_RETURN: return parse_return(p);
    case KEYWORD_IMPORT: return parse_import(p);
    case KEYWORD_FROM: return parse_import_from(p);
    case KEYWORD_RAISE: return parse_raise(p);
    case KEYWORD_PASS: return PARSE_WORD(p, Pass);
    case KEYWORD_BREAK: return PARSE_WORD(p, Break);
    case KEYWORD_CONTINUE: return PARSE_WORD(p, Continue);
    case KEYWORD_DEL: return parse_delete(p);
    case KEYWORD_ASSERT: return parse_assert(p);
    case KEYWORD_GLOBAL: return parse_global(p);
    case KEYWORD_NONLOCAL: return parse_nonlocal(p);
    default: return parse_expression_statement(p);
    }
}

bool kr_parse_simple_statements(KrParser *p) {
    do {
        KrNode *statement = parse_simple_statement(p);
        if (statement == NULL || !kr_push(p, statement)) return false;
    } while (kr_accept(p, SEMI) && kr_peek_kind(p) != NEWLINE);
    return kr_accept(p, NEWLINE);
}

/* Compound statements */

bool kr_parse_block(KrParser *p, KrSeq **body) {
    Py_ssize_t base = p->item_count;
    if (kr_accept(p, NEWLINE)) {
        if (!kr_accept(p, INDENT)) return false;
        do {
            if (!kr_parse_statement(p)) return false;
        } while (kr_peek_kind(p) != DEDENT && kr_peek_kind(p) != ENDMARKER);
        if (!kr_accept(p, DEDENT)) return false;
    } else if (!kr_parse_simple_statements(p)) {
        return false;
    }
    *body = kr_parser_take(p, base);
    return *body != NULL;
}

/* `: block` */
static bool parse_suite(KrParser *p, KrSeq **body) { return kr_accept(p, COLON) && kr_parse_block(p, body); }

/* `keyword: block`, if the keyword is there. */
static bool parse_optional_suite(KrParser *p, int keyword, KrSeq **body) {
    *body = NULL;
    return !kr_accept(p, keyword) || parse_suite(p, body);
}

/* `if` or `elif` with all that belongs to it. Long chains of `elif` are collected first, then nested from the last on. */
static KrNode *parse_if(KrParser *p) {
    Py_ssize_t base = p->item_count;
    KrSeq *orelse = NULL;
    do {
        int start = p->mark;
        kr_skip(p);
        KrNode *test = kr_parse_named_expression(p);
        KrSeq *body;
        if (test == NULL || !parse_suite(p, &body)) return NULL;
        KrNode *node = KR_MAKE_STATEMENT(p, start, If, .test = test, .body = body);
        if (node == NULL || !kr_push(p, node)) return NULL;
    } while (kr_peek_kind(p) == KEYWORD_ELIF);
    if (!parse_optional_suite(p, KEYWORD_ELSE, &orelse)) return NULL;
    KrNode *inner = p->items[--p->item_count], place;
    kr_place_statement(p, &place, 0);
    KR_AS(If, inner)->orelse = orelse;
    inner->end_lineno = place.end_lineno;
    inner->end_col_offset = place.end_col_offset;
    while (p->item_count > base) {
        KrNode *outer = p->items[--p->item_count];
        KrSeq *single = kr_seq_new(p->arena, 1);
        if (single == NULL) return NULL;
        single->item[0] = inner;
        KR_AS(If, outer)->orelse = single;
        outer->end_lineno = place.end_lineno;
        outer->end_col_offset = place.end_col_offset;
        inner = outer;
    }
    return inner;
}

static KrNode *parse_while(KrParser *p) {
    int start = p->mark;
    kr_skip(p);
    KrNode *test = kr_parse_named_expression(p);
    KrSeq *body, *orelse;
    if (test == NULL || !parse_suite(p, &body) || !parse_optional_suite(p, KEYWORD_ELSE, &orelse)) return NULL;
    return KR_MAKE_STATEMENT(p, start, While, .test = test, .body = body, .orelse = orelse);
}

static KrNode *parse_for(KrParser *p, bool is_async) {
    int start = p->mark;
    p->mark += 1 + is_async;
    KrNode *target = kr_parse_star_targets(p);
    if (target == NULL || !kr_accept(p, KEYWORD_IN)) return NULL;
    KrNode *iter = kr_parse_star_expressions(p);
    PyObject *comment;
    KrSeq *body, *orelse;
    if (iter == NULL || !kr_accept(p, COLON) || !kr_parse_type_comment(p, &comment)) return NULL;
    if (!kr_parse_block(p, &body) || !parse_optional_suite(p, KEYWORD_ELSE, &orelse)) return NULL;
    if (is_async) {
        if (!kr_require(p, 5, "Async for loops are")) return NULL;
        return KR_MAKE_STATEMENT(p, start, AsyncFor, .target = target, .iter = iter, .body = body, .orelse = orelse,
                                 .type_comment = comment);
    }
    return KR_MAKE_STATEMENT(p, start, For, .target = target, .iter = iter, .body = body, .orelse = orelse,
                             .type_comment = comment);
}

/* `expression as target`; pushes a withitem. */
static bool parse_with_item(KrParser *p) {
    KrNode *expression = kr_parse_expression(p), *target = NULL;
    if (expression == NULL) return false;
    if (kr_accept(p, KEYWORD_AS)) {
        target = kr_parse_star_target(p);
        if (target == NULL) return false;
        int kind = kr_peek_kind(p);
        if (kind != COMMA && kind != RPAR && kind != COLON) return false;
    }
    Kr_withitem *item = KR_NEW(p->arena, withitem, .context_expr = expression, .optional_vars = target);
    return item != NULL && kr_push(p, item);
}

/* `(item, item,):` behind `with`. Returns false if the parenthesis belongs to an expression instead. */
static bool parse_parenthesized_items(KrParser *p) {
    kr_skip(p);
    do {
        if (!parse_with_item(p)) return false;
    } while (kr_accept(p, COMMA) && kr_peek_kind(p) != RPAR);
    return kr_accept(p, RPAR) && kr_accept(p, COLON) && kr_peek_kind(p) != TYPE_COMMENT;
}

static KrNode *parse_with(KrParser *p, bool is_async) {
    int start = p->mark, depth = p->depth;
    p->mark += 1 + is_async;
    int first = p->mark;
    Py_ssize_t base = p->item_count;
    PyObject *comment = NULL;
    bool parenthesized = kr_peek_kind(p) == LPAR && parse_parenthesized_items(p);
    if (!parenthesized) {
        if (p->failed) return NULL;
        p->mark = first;
        p->item_count = base;
        p->depth = depth;
        do {
            if (!parse_with_item(p)) return NULL;
        } while (kr_accept(p, COMMA));
        if (!kr_accept(p, COLON) || !kr_parse_type_comment(p, &comment)) return NULL;
    }
    KrSeq *items = kr_parser_take(p, base), *body;
    if (items == NULL || !kr_parse_block(p, &body)) return NULL;
    if (parenthesized && !kr_require(p, 9, "Parenthesized context managers are")) return NULL;
    if (is_async && !kr_require(p, 5, "Async with statements are")) return NULL;
    if (is_async) return KR_MAKE_STATEMENT(p, start, AsyncWith, .items = items, .body = body, .type_comment = comment);
    return KR_MAKE_STATEMENT(p, start, With, .items = items, .body = body, .type_comment = comment);
}

/* One `except` clause. `*star` is -1 before the first; then whether they are `except*`. */
static bool parse_handler(KrParser *p, int *star) {
    int start = p->mark;
    kr_skip(p);
    bool has_star = kr_accept(p, STAR);
    if (*star >= 0 && *star != has_star) return false;
    *star = has_star;
    KrNode *type = NULL;
    PyObject *name = NULL;
    if (has_star || kr_peek_kind(p) != COLON) {
        type = kr_parse_expression(p);
        if (type == NULL) return false;
        if (kr_accept(p, KEYWORD_AS)) {
            name = parse_identifier(p);
            if (name == NULL) return false;
        }
    }
    KrSeq *body;
    if (!parse_suite(p, &body)) return false;
    KrNode *handler = KR_MAKE_STATEMENT(p, start, ExceptHandler, .type = type, .name = name, .body = body);
    return handler != NULL && kr_push(p, handler);
}

static KrNode *parse_try(KrParser *p) {
    int start = p->mark, star = -1;
    kr_skip(p);
    KrSeq *body, *handlers, *orelse = NULL, *finalbody;
    if (!parse_suite(p, &body)) return NULL;
    Py_ssize_t base = p->item_count;
    while (kr_peek_kind(p) == KEYWORD_EXCEPT) {
        if (!parse_handler(p, &star)) return NULL;
    }
    handlers = kr_parser_take(p, base);
    if (handlers != NULL && !parse_optional_suite(p, KEYWORD_ELSE, &orelse)) return NULL;
    if (!parse_optional_suite(p, KEYWORD_FINALLY, &finalbody)) return NULL;
    if (handlers == NULL && finalbody == NULL) return NULL;
    if (star == 1) {
        if (!kr_require(p, 11, "Exception groups are")) return NULL;
        return KR_MAKE_STATEMENT(p, start, TryStar, .body = body, .handlers = handlers, .orelse = orelse,
                                 .finalbody = finalbody);
    }
    return KR_MAKE_STATEMENT(p, start, Try, .body = body, .handlers = handlers, .orelse = orelse,
                             .finalbody = finalbody);
}

/* A function's type comment, at the end of its first line or alone on the next. */
static bool parse_function_type_comment(KrParser *p, PyObject **comment) {
    *comment = NULL;
    if (!(p->flags & PyCF_TYPE_COMMENTS)) return true;
    if (kr_peek_kind(p) == NEWLINE && kr_peek_ahead(p, 1)->kind == TYPE_COMMENT &&
        kr_peek_ahead(p, 2)->kind == NEWLINE && kr_peek_ahead(p, 3)->kind == INDENT)
        kr_skip(p);
    return kr_parse_type_comment(p, comment);
}

static KrNode *parse_function(KrParser *p, KrSeq *decorators, bool is_async) {
    int start = p->mark;
    p->mark += 1 + is_async;
    PyObject *name = parse_identifier(p), *comment;
    if (name == NULL || !kr_accept(p, LPAR)) return NULL;
    Kr_arguments *args = kr_parse_parameters(p, RPAR);
    if (args == NULL || !kr_accept(p, RPAR)) return NULL;
    KrNode *returns = NULL;
    if (kr_accept(p, RARROW)) {
        returns = kr_parse_expression(p);
        if (returns == NULL) return NULL;
    }
    KrSeq *body;
    if (!kr_accept(p, COLON) || !parse_function_type_comment(p, &comment) || !kr_parse_block(p, &body)) return NULL;
    if (is_async) {
        if (!kr_require(p, 5, "Async functions are")) return NULL;
        return KR_MAKE_STATEMENT(p, start, AsyncFunctionDef, .name = name, .args = args, .body = body,
                                 .decorator_list = decorators, .returns = returns, .type_comment = comment);
    }
    return KR_MAKE_STATEMENT(p, start, FunctionDef, .name = name, .args = args, .body = body,
                             .decorator_list = decorators, .returns = returns, .type_comment = comment);
}

static KrNode *parse_class(KrParser *p, KrSeq *decorators) {
    int start = p->mark;
    kr_skip(p);
    PyObject *name = parse_identifier(p);
    KrSeq *bases = NULL, *keywords = NULL, *body;
    if (name == NULL) return NULL;
    if (kr_accept(p, LPAR) && !(kr_parse_arguments(p, &bases, &keywords, false) && kr_accept(p, RPAR))) return NULL;
    if (!parse_suite(p, &body)) return NULL;
    return KR_MAKE_STATEMENT(p, start, ClassDef, .name = name, .bases = bases, .keywords = keywords, .body = body,
                             .decorator_list = decorators);
}

static KrNode *parse_decorated(KrParser *p) {
    Py_ssize_t base = p->item_count;
    while (kr_accept(p, AT)) {
        KrNode *decorator = kr_parse_named_expression(p);
        if (decorator == NULL || !kr_accept(p, NEWLINE) || !kr_push(p, decorator)) return NULL;
    }
    KrSeq *decorators = kr_parser_take(p, base);
    if (decorators == NULL) return NULL;
    switch (kr_peek_kind(p)) {
    case KEYWORD_DEF: return parse_function(p, decorators, false);
    case KEYWORD_CLASS: return parse_class(p, decorators);
    case ASYNC: return kr_peek_ahead(p, 1)->kind == KEYWORD_DEF ? parse_function(p, decorators, true) : NULL;
    default: return NULL;
    }
}

static KrNode *parse_async(KrParser *p) {
    switch (kr_peek_ahead(p, 1)->kind) {
    case KEYWORD_DEF: return parse_function(p, NULL, true);
    case KEYWORD_FOR: return parse_for(p, true);
    case KEYWORD_WITH: return parse_with(p, true);
    default: return NULL;
    }
}

KrNode *kr_parse_compound_statement(KrParser *p, bool *is_compound) {
    *is_compound = true;
    KrToken *token = kr_peek(p);
    switch (token->kind) {
    case KEYWORD_DEF: return parse_function(p, NULL, false);
    case AT: return parse_decorated(p);
    case ASYNC: return parse_async(p);
    case KEYWORD_IF: return parse_if(p);
    case KEYWORD_CLASS: return parse_class(p, NULL);
    case KEYWORD_WITH: return parse_with(p, false);
    case KEYWORD_FOR: return parse_for(p, false);
    case KEYWORD_TRY: return parse_try(p);
    case KEYWORD_WHILE: return parse_while(p);
    case NAME:
        if (token->soft == KR_SOFT_MATCH) {
            KrNode *match = kr_parse_match(p);
            *is_compound = match != NULL || p->failed;
            return match;
        }
        break;
    default: break;
    }
    *is_compound = false;
    return NULL;
}

bool kr_parse_statement(KrParser *p) {
    bool is_compound;
    KrNode *compound = kr_parse_compound_statement(p, &is_compound);
    if (is_compound) return compound != NULL && kr_push(p, compound);
    return kr_parse_simple_statements(p);
}
