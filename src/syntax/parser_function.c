/* Parameters of functions and lambdas. */
#include <Python.h>

#include "syntax/parser.h"

/* `name: annotation`; lambdas have no annotations. */
static Kr_arg *parse_parameter(KrParser *p, bool annotated, bool star_annotated) {
    int start = p->mark;
    KrToken *token = kr_peek(p);
    if (token->kind != NAME) return NULL;
    PyObject *name = kr_parser_identifier(p, token);
    if (name == NULL) return NULL;
    kr_skip(p);
    KrNode *annotation = NULL;
    if (annotated && kr_accept(p, COLON)) {
        int first = p->mark;
        if (star_annotated && kr_accept(p, STAR)) {
            KrNode *value = kr_parse_bitwise_or(p);
            if (value == NULL) return NULL;
            annotation = KR_MAKE(p, first, Starred, .value = value, .ctx = KR_Load);
        } else {
            annotation = kr_parse_expression(p);
        }
        if (annotation == NULL) return NULL;
    }
    return KR_AS(arg, KR_MAKE(p, start, arg, .arg = name, .annotation = annotation));
}

/* What ends a parameter: a comma and a type comment, or a type comment before the end. `*last` tells which. */
static bool end_parameter(KrParser *p, int end, Kr_arg *parameter, bool *last) {
    PyObject *comment = NULL;
    *last = !kr_accept(p, COMMA);
    if (end == RPAR && !kr_parse_type_comment(p, &comment)) return false;
    if (parameter != NULL) parameter->type_comment = comment;
    return !*last || kr_peek_kind(p) == end;
}

/* Every other item from `base` on, beginning with pair `first`: parameters (part 0) or their defaults (part 1). */
static KrSeq *take_column(KrParser *p, Py_ssize_t base, Py_ssize_t first, int part) {
    Py_ssize_t count = (p->item_count - base) / 2;
    KrSeq *seq = kr_seq_new(p->arena, count - first);
    if (seq == NULL) {
        p->failed = true;
        return NULL;
    }
    for (Py_ssize_t i = first; i < count; i++) seq->item[i - first] = p->items[base + 2 * i + part];
    return seq;
}

/* Makes `args` and `defaults` of the pairs (parameter, default or NULL) on the stack, and removes them. */
static bool close_positional(KrParser *p, Py_ssize_t base, Kr_arguments *arguments) {
    Py_ssize_t count = (p->item_count - base) / 2, first_default = 0;
    if (count > 0) {
        while (first_default < count && p->items[base + 2 * first_default + 1] == NULL) first_default++;
        arguments->args = take_column(p, base, kr_seq_count(arguments->posonlyargs), 0);
        arguments->defaults = take_column(p, base, first_default, 1);
        p->item_count = base;
    }
    return !p->failed;
}

Kr_arguments *kr_parse_parameters(KrParser *p, int end) {
    Kr_arguments *arguments = KR_NEW(p->arena, arguments);
    if (arguments == NULL) {
        p->failed = true;
        return NULL;
    }
    bool annotated = end == RPAR, slash = false, star = false, defaults = false, last = false;
    Py_ssize_t base = p->item_count;
    while (!last && kr_peek_kind(p) != end) {
        int kind = kr_peek_kind(p);
        if (kind == SLASH) {
            if (slash || star || p->item_count == base) return NULL;
            slash = true;
            kr_skip(p);
            arguments->posonlyargs = take_column(p, base, 0, 0);
            last = !kr_accept(p, COMMA);
            if (p->failed || (last && kr_peek_kind(p) != end)) return NULL;
        } else if (kind == STAR) {
            if (star || !close_positional(p, base, arguments)) return NULL;
            star = true;
            kr_skip(p);
            if (kr_accept(p, COMMA)) {
                if (kr_peek_kind(p) != NAME) return NULL;
                continue;
            }
            arguments->vararg = parse_parameter(p, annotated, true);
            if (arguments->vararg == NULL || !end_parameter(p, end, arguments->vararg, &last)) return NULL;
        } else if (kind == DOUBLESTAR) {
            kr_skip(p);
            arguments->kwarg = parse_parameter(p, annotated, false);
            if (arguments->kwarg == NULL || !end_parameter(p, end, arguments->kwarg, &last)) return NULL;
            if (kr_peek_kind(p) != end) return NULL;
        } else {
            Kr_arg *parameter = parse_parameter(p, annotated, false);
            KrNode *value = NULL;
            if (parameter == NULL) return NULL;
            if (kr_accept(p, EQUAL)) {
                value = kr_parse_expression(p);
                if (value == NULL) return NULL;
                defaults = true;
            } else if (defaults && !star) {
                return NULL;
            }
            if (!end_parameter(p, end, parameter, &last)) return NULL;
            if (!kr_push(p, parameter) || !kr_push(p, value)) return NULL;
        }
    }
    if (star) {
        arguments->kwonlyargs = take_column(p, base, 0, 0);
        arguments->kw_defaults = take_column(p, base, 0, 1);
        p->item_count = base;
    } else {
        (void)close_positional(p, base, arguments);
    }
    if (slash && !kr_require(p, 8, "Positional-only parameters are")) return NULL;
    return p->failed ? NULL : arguments;
}
