/* Checks of trees that came from objects: what the parser can never produce is refused before the compiler sees it.
 *
 * Each function returns true, or false with an exception.
 */
#include <Python.h>
#include <stdbool.h>

#include "syntax/parse.h"

enum {
    DEPTH_SCALE = 3,  /* levels of a tree for one level of Python's recursion limit */
    MAX_DEPTH = 15000, /* whatever that limit is, as the stack of C is finite */
};

typedef struct Validator {
    int depth, limit;
} Validator;

static bool validate_statements(Validator *v, const KrSeq *seq);
static bool validate_expression(Validator *v, const KrNode *node, KrEnumerator context);
static bool validate_expressions(Validator *v, const KrSeq *seq, KrEnumerator context, bool holes);
static bool validate_pattern(Validator *v, const KrNode *node, bool star);

static bool refuse(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return false;
}

static bool enter(Validator *v) {
    if (++v->depth <= v->limit) return true;
    PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded during compilation");
    return false;
}

static bool validate_position(const KrNode *node) {
    int line = node->lineno, end_line = node->end_lineno, col = node->col_offset, end_col = node->end_col_offset;
    if (line > end_line) {
        PyErr_Format(PyExc_ValueError, "AST node line range (%d, %d) is not valid", line, end_line);
    } else if ((line < 0 && end_line != line) || (col < 0 && col != end_col)) {
        PyErr_Format(PyExc_ValueError, "AST node column range (%d, %d) for line range (%d, %d) is not valid", col, end_col,
                     line, end_line);
    } else if (line == end_line && col > end_col) {
        PyErr_Format(PyExc_ValueError, "line %d, column %d-%d is not a valid range", line, col, end_col);
    } else {
        return true;
    }
    return false;
}

static bool validate_nonempty(const KrSeq *seq, const char *what, const KrNode *owner) {
    if (kr_seq_count(seq) > 0) return true;
    PyErr_Format(PyExc_ValueError, "empty %s on %s", what, kr_node_info[owner->kind].name);
    return false;
}

/* A name that stands for a constant cannot be an identifier. */
static bool validate_name(PyObject *name) {
    static const char *const forbidden[] = {"None", "True", "False"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(forbidden); i++) {
        if (_PyUnicode_EqualToASCIIString(name, forbidden[i])) {
            PyErr_Format(PyExc_ValueError, "identifier field can't represent '%s' constant", forbidden[i]);
            return false;
        }
    }
    return true;
}

static bool validate_optional(Validator *v, const KrNode *node, KrEnumerator context) {
    return node == NULL || validate_expression(v, node, context);
}

static bool validate_annotations(Validator *v, const KrSeq *args) {
    for (Py_ssize_t i = 0; i < kr_seq_count(args); i++) {
        const Kr_arg *arg = args->item[i];
        if (!validate_position(&arg->node) || !validate_optional(v, arg->annotation, KR_Load)) return false;
    }
    return true;
}

static bool validate_arguments(Validator *v, const Kr_arguments *args) {
    if (!validate_annotations(v, args->posonlyargs) || !validate_annotations(v, args->args)) return false;
    if (args->vararg != NULL && !validate_optional(v, args->vararg->annotation, KR_Load)) return false;
    if (!validate_annotations(v, args->kwonlyargs)) return false;
    if (args->kwarg != NULL && !validate_optional(v, args->kwarg->annotation, KR_Load)) return false;
    if (kr_seq_count(args->defaults) > kr_seq_count(args->posonlyargs) + kr_seq_count(args->args))
        return refuse("more positional defaults than args on arguments");
    if (kr_seq_count(args->kw_defaults) != kr_seq_count(args->kwonlyargs))
        return refuse("length of kwonlyargs is not the same as kw_defaults on arguments");
    return validate_expressions(v, args->defaults, KR_Load, false) &&
           validate_expressions(v, args->kw_defaults, KR_Load, true);
}

static bool validate_keywords(Validator *v, const KrSeq *keywords) {
    for (Py_ssize_t i = 0; i < kr_seq_count(keywords); i++) {
        if (!validate_expression(v, ((Kr_keyword *)keywords->item[i])->value, KR_Load)) return false;
    }
    return true;
}

static bool validate_generators(Validator *v, const KrSeq *generators) {
    if (kr_seq_count(generators) == 0) return refuse("comprehension with no generators");
    for (Py_ssize_t i = 0; i < generators->count; i++) {
        const Kr_comprehension *clause = generators->item[i];
        if (!validate_expression(v, clause->target, KR_Store) || !validate_expression(v, clause->iter, KR_Load) ||
            !validate_expressions(v, clause->ifs, KR_Load, false))
            return false;
    }
    return true;
}

static bool validate_constant(Validator *v, PyObject *value) {
    if (value == Py_None || value == Py_Ellipsis || PyLong_CheckExact(value) || PyFloat_CheckExact(value) ||
        PyComplex_CheckExact(value) || PyBool_Check(value) || PyUnicode_CheckExact(value) || PyBytes_CheckExact(value))
        return true;
    if (PyTuple_CheckExact(value) || PyFrozenSet_CheckExact(value)) {
        if (!enter(v)) return false;
        PyObject *iterator = PyObject_GetIter(value), *item;
        if (iterator == NULL) return false;
        while ((item = PyIter_Next(iterator)) != NULL) {
            bool valid = validate_constant(v, item);
            Py_DECREF(item);
            if (!valid) break;
        }
        Py_DECREF(iterator);
        v->depth--;
        return !PyErr_Occurred();
    }
    PyErr_Format(PyExc_TypeError, "got an invalid type in Constant: %s", _PyType_Name(Py_TYPE(value)));
    return false;
}

/* Expressions */

static bool validate_compare(Validator *v, const Kr_Compare *node) {
    if (kr_seq_count(node->comparators) == 0) return refuse("Compare with no comparators");
    if (kr_seq_count(node->comparators) != kr_seq_count(node->ops))
        return refuse("Compare has a different number of comparators and operands");
    return validate_expressions(v, node->comparators, KR_Load, false) && validate_expression(v, node->left, KR_Load);
}

static bool validate_dict(Validator *v, const Kr_Dict *node) {
    if (kr_seq_count(node->keys) != kr_seq_count(node->values))
        return refuse("Dict doesn't have the same number of keys as values");
    return validate_expressions(v, node->keys, KR_Load, true) && validate_expressions(v, node->values, KR_Load, false);
}

/* The parts of an expression, after its own position and context were found right. */
static bool validate_parts(Validator *v, const KrNode *node, KrEnumerator context) {
    switch (node->kind) {
    case KR_BoolOp:
        if (kr_seq_count(KR_AS(BoolOp, node)->values) < 2) return refuse("BoolOp with less than 2 values");
        return validate_expressions(v, KR_AS(BoolOp, node)->values, KR_Load, false);
    case KR_BinOp:
        return validate_expression(v, KR_AS(BinOp, node)->left, KR_Load) &&
               validate_expression(v, KR_AS(BinOp, node)->right, KR_Load);
    case KR_UnaryOp: return validate_expression(v, KR_AS(UnaryOp, node)->operand, KR_Load);
    case KR_Lambda:
        return validate_arguments(v, KR_AS(Lambda, node)->args) &&
               validate_expression(v, KR_AS(Lambda, node)->body, KR_Load);
    case KR_IfExp:
        return validate_expression(v, KR_AS(IfExp, node)->test, KR_Load) &&
               validate_expression(v, KR_AS(IfExp, node)->body, KR_Load) &&
               validate_expression(v, KR_AS(IfExp, node)->orelse, KR_Load);
    case KR_Dict: return validate_dict(v, KR_AS(Dict, node));
    case KR_Set: return validate_expressions(v, KR_AS(Set, node)->elts, KR_Load, false);
    case KR_ListComp:
    case KR_SetComp:
    case KR_GeneratorExp:
        /* The three have the same fields. */
        return validate_generators(v, KR_AS(ListComp, node)->generators) &&
               validate_expression(v, KR_AS(ListComp, node)->elt, KR_Load);
    case KR_DictComp:
        return validate_generators(v, KR_AS(DictComp, node)->generators) &&
               validate_expression(v, KR_AS(DictComp, node)->key, KR_Load) &&
               validate_expression(v, KR_AS(DictComp, node)->value, KR_Load);
    case KR_Yield: return validate_optional(v, KR_AS(Yield, node)->value, KR_Load);
    case KR_YieldFrom: return validate_expression(v, KR_AS(YieldFrom, node)->value, KR_Load);
    case KR_Await: return validate_expression(v, KR_AS(Await, node)->value, KR_Load);
    case KR_Compare: return validate_compare(v, KR_AS(Compare, node));
    case KR_Call:
        return validate_expression(v, KR_AS(Call, node)->func, KR_Load) &&
               validate_expressions(v, KR_AS(Call, node)->args, KR_Load, false) &&
               validate_keywords(v, KR_AS(Call, node)->keywords);
    case KR_Constant: return validate_constant(v, KR_AS(Constant, node)->value);
    case KR_JoinedStr: return validate_expressions(v, KR_AS(JoinedStr, node)->values, KR_Load, false);
    case KR_FormattedValue:
        return validate_expression(v, KR_AS(FormattedValue, node)->value, KR_Load) &&
               validate_optional(v, KR_AS(FormattedValue, node)->format_spec, KR_Load);
    case KR_Attribute: return validate_expression(v, KR_AS(Attribute, node)->value, KR_Load);
    case KR_Subscript:
        return validate_expression(v, KR_AS(Subscript, node)->slice, KR_Load) &&
               validate_expression(v, KR_AS(Subscript, node)->value, KR_Load);
    case KR_Starred: return validate_expression(v, KR_AS(Starred, node)->value, context);
    case KR_Slice:
        return validate_optional(v, KR_AS(Slice, node)->lower, KR_Load) &&
               validate_optional(v, KR_AS(Slice, node)->upper, KR_Load) &&
               validate_optional(v, KR_AS(Slice, node)->step, KR_Load);
    case KR_List: return validate_expressions(v, KR_AS(List, node)->elts, context, false);
    case KR_Tuple: return validate_expressions(v, KR_AS(Tuple, node)->elts, context, false);
    case KR_NamedExpr: return validate_expression(v, KR_AS(NamedExpr, node)->value, KR_Load);
    default: return true;
    }
}

static bool validate_context(const KrNode *node, KrEnumerator context) {
    KrEnumerator actual;
    switch (node->kind) {
    case KR_Attribute: actual = KR_AS(Attribute, node)->ctx; break;
    case KR_Subscript: actual = KR_AS(Subscript, node)->ctx; break;
    case KR_Starred: actual = KR_AS(Starred, node)->ctx; break;
    case KR_Name:
        if (!validate_name(KR_AS(Name, node)->id)) return false;
        actual = KR_AS(Name, node)->ctx;
        break;
    case KR_List: actual = KR_AS(List, node)->ctx; break;
    case KR_Tuple: actual = KR_AS(Tuple, node)->ctx; break;
    default:
        if (context == KR_Load) return true;
        PyErr_Format(PyExc_ValueError, "expression which can't be assigned to in %s context", kr_enumerator_name[context]);
        return false;
    }
    if (actual == context) return true;
    PyErr_Format(PyExc_ValueError, "expression must have %s context but has %s instead", kr_enumerator_name[context],
                 kr_enumerator_name[actual]);
    return false;
}

static bool validate_expression(Validator *v, const KrNode *node, KrEnumerator context) {
    if (!validate_position(node) || !enter(v)) return false;
    if (!validate_context(node, context) || !validate_parts(v, node, context)) return false;
    v->depth--;
    return true;
}

static bool validate_expressions(Validator *v, const KrSeq *seq, KrEnumerator context, bool holes) {
    for (Py_ssize_t i = 0; i < kr_seq_count(seq); i++) {
        const KrNode *node = kr_seq_node(seq, i);
        if (node == NULL) {
            if (holes) continue;
            return refuse("None disallowed in expression list");
        }
        if (!validate_expression(v, node, context)) return false;
    }
    return true;
}

/* Patterns */

static bool is_number(const KrNode *node, bool real, bool imaginary) {
    if (node->kind != KR_Constant) return false;
    PyObject *value = KR_AS(Constant, node)->value;
    return (real && (PyFloat_CheckExact(value) || PyLong_CheckExact(value))) || (imaginary && PyComplex_CheckExact(value));
}

static bool is_negative(const KrNode *node, bool real, bool imaginary) {
    return node->kind == KR_UnaryOp && KR_AS(UnaryOp, node)->op == KR_USub &&
           is_number(KR_AS(UnaryOp, node)->operand, real, imaginary);
}

/* True for a sum or difference of a real and an imaginary number. */
static bool is_complex(const KrNode *node) {
    if (node->kind != KR_BinOp) return false;
    const Kr_BinOp *sum = KR_AS(BinOp, node);
    return (sum->op == KR_Add || sum->op == KR_Sub) && (is_number(sum->left, true, false) || is_negative(sum->left, true, false)) &&
           is_number(sum->right, false, true);
}

/* A literal or dotted name in a pattern. */
static bool validate_literal(Validator *v, const KrNode *node) {
    if (node == NULL) return refuse("None disallowed in expression list");
    if (!validate_expression(v, node, KR_Load)) return false;
    if (node->kind == KR_Constant) {
        PyObject *value = KR_AS(Constant, node)->value;
        if (PyLong_CheckExact(value) || PyFloat_CheckExact(value) || PyBytes_CheckExact(value) ||
            PyComplex_CheckExact(value) || PyUnicode_CheckExact(value))
            return true;
        return refuse("unexpected constant inside of a literal pattern");
    }
    if (node->kind == KR_Attribute || node->kind == KR_JoinedStr || is_negative(node, true, true) || is_complex(node))
        return true;
    return refuse("patterns may only match literals and attribute lookups");
}

static bool validate_capture(PyObject *name) {
    if (name == NULL) return true;
    if (_PyUnicode_EqualToASCIIString(name, "_")) return refuse("can't capture name '_' in patterns");
    return validate_name(name);
}

static bool validate_patterns(Validator *v, const KrSeq *seq, bool star) {
    for (Py_ssize_t i = 0; i < kr_seq_count(seq); i++) {
        if (!validate_pattern(v, kr_seq_node(seq, i), star)) return false;
    }
    return true;
}

static bool is_singleton(PyObject *value) { return value == Py_None || value == Py_True || value == Py_False; }

static bool validate_mapping(Validator *v, const Kr_MatchMapping *node) {
    if (kr_seq_count(node->keys) != kr_seq_count(node->patterns))
        return refuse("MatchMapping doesn't have the same number of keys as patterns");
    if (!validate_capture(node->rest)) return false;
    for (Py_ssize_t i = 0; i < kr_seq_count(node->keys); i++) {
        const KrNode *key = kr_seq_node(node->keys, i);
        if (key != NULL && key->kind == KR_Constant && is_singleton(KR_AS(Constant, key)->value)) continue;
        if (!validate_literal(v, key)) return false;
    }
    return validate_patterns(v, node->patterns, false);
}

static bool validate_class_pattern(Validator *v, const Kr_MatchClass *node) {
    if (kr_seq_count(node->kwd_attrs) != kr_seq_count(node->kwd_patterns))
        return refuse("MatchClass doesn't have the same number of keyword attributes as patterns");
    if (!validate_expression(v, node->cls, KR_Load)) return false;
    const KrNode *cls = node->cls;
    while (cls->kind == KR_Attribute) cls = KR_AS(Attribute, cls)->value;
    if (cls->kind != KR_Name) return refuse("MatchClass cls field can only contain Name or Attribute nodes.");
    for (Py_ssize_t i = 0; i < kr_seq_count(node->kwd_attrs); i++) {
        PyObject *name = kr_seq_object(node->kwd_attrs, i);
        if (name == NULL) return refuse("None disallowed in identifier list");
        if (!validate_name(name)) return false;
    }
    return validate_patterns(v, node->patterns, false) && validate_patterns(v, node->kwd_patterns, false);
}

static bool validate_pattern_kind(Validator *v, const KrNode *node, bool star) {
    switch (node->kind) {
    case KR_MatchValue: return validate_literal(v, KR_AS(MatchValue, node)->value);
    case KR_MatchSingleton:
        if (is_singleton(KR_AS(MatchSingleton, node)->value)) return true;
        return refuse("MatchSingleton can only contain True, False and None");
    case KR_MatchSequence: return validate_patterns(v, KR_AS(MatchSequence, node)->patterns, true);
    case KR_MatchMapping: return validate_mapping(v, KR_AS(MatchMapping, node));
    case KR_MatchClass: return validate_class_pattern(v, KR_AS(MatchClass, node));
    case KR_MatchStar:
        if (!star) return refuse("can't use MatchStar here");
        return validate_capture(KR_AS(MatchStar, node)->name);
    case KR_MatchAs:
        if (!validate_capture(KR_AS(MatchAs, node)->name)) return false;
        if (KR_AS(MatchAs, node)->pattern == NULL) return true;
        if (KR_AS(MatchAs, node)->name == NULL)
            return refuse("MatchAs must specify a target name if a pattern is given");
        return validate_pattern(v, KR_AS(MatchAs, node)->pattern, false);
    case KR_MatchOr:
        if (kr_seq_count(KR_AS(MatchOr, node)->patterns) < 2) return refuse("MatchOr requires at least 2 patterns");
        return validate_patterns(v, KR_AS(MatchOr, node)->patterns, false);
    default: return true;
    }
}

static bool validate_pattern(Validator *v, const KrNode *node, bool star) {
    if (node == NULL) return refuse("None disallowed in pattern list");
    if (!validate_position(node) || !enter(v) || !validate_pattern_kind(v, node, star)) return false;
    v->depth--;
    return true;
}

/* Statements */

static bool validate_body(Validator *v, const KrSeq *body, const KrNode *owner) {
    return validate_nonempty(body, "body", owner) && validate_statements(v, body);
}

static bool validate_targets(Validator *v, const KrSeq *targets, KrEnumerator context, const KrNode *owner) {
    return validate_nonempty(targets, "targets", owner) && validate_expressions(v, targets, context, false);
}

static bool validate_loop(Validator *v, const KrNode *node) {
    /* For and AsyncFor have the same fields. */
    const Kr_For *loop = KR_AS(For, node);
    return validate_expression(v, loop->target, KR_Store) && validate_expression(v, loop->iter, KR_Load) &&
           validate_body(v, loop->body, node) && validate_statements(v, loop->orelse);
}

static bool validate_with(Validator *v, const KrNode *node) {
    /* With and AsyncWith have the same fields. */
    const KrSeq *items = KR_AS(With, node)->items;
    if (!validate_nonempty(items, "items", node)) return false;
    for (Py_ssize_t i = 0; i < items->count; i++) {
        const Kr_withitem *item = items->item[i];
        if (!validate_expression(v, item->context_expr, KR_Load) || !validate_optional(v, item->optional_vars, KR_Store))
            return false;
    }
    return validate_body(v, KR_AS(With, node)->body, node);
}

static bool validate_match(Validator *v, const Kr_Match *node) {
    if (!validate_expression(v, node->subject, KR_Load) || !validate_nonempty(node->cases, "cases", &node->node))
        return false;
    for (Py_ssize_t i = 0; i < node->cases->count; i++) {
        const Kr_match_case *match_case = node->cases->item[i];
        if (!validate_pattern(v, match_case->pattern, false) || !validate_optional(v, match_case->guard, KR_Load) ||
            !validate_body(v, match_case->body, &match_case->node))
            return false;
    }
    return true;
}

static bool validate_try(Validator *v, const KrNode *node) {
    /* Try and TryStar have the same fields. */
    const Kr_Try *statement = KR_AS(Try, node);
    const char *name = kr_node_info[node->kind].name;
    if (!validate_body(v, statement->body, node)) return false;
    if (kr_seq_count(statement->handlers) == 0) {
        if (kr_seq_count(statement->finalbody) == 0) {
            PyErr_Format(PyExc_ValueError, "%s has neither except handlers nor finalbody", name);
            return false;
        }
        if (kr_seq_count(statement->orelse) > 0) {
            PyErr_Format(PyExc_ValueError, "%s has orelse but no except handlers", name);
            return false;
        }
    }
    for (Py_ssize_t i = 0; i < kr_seq_count(statement->handlers); i++) {
        const KrNode *handler = kr_seq_node(statement->handlers, i);
        if (handler == NULL) return refuse("None disallowed in handler list");
        if (!validate_position(handler) || !validate_optional(v, KR_AS(ExceptHandler, handler)->type, KR_Load) ||
            !validate_body(v, KR_AS(ExceptHandler, handler)->body, handler))
            return false;
    }
    return validate_statements(v, statement->finalbody) && validate_statements(v, statement->orelse);
}

static bool validate_function(Validator *v, const KrNode *node) {
    /* FunctionDef and AsyncFunctionDef have the same fields. */
    const Kr_FunctionDef *function = KR_AS(FunctionDef, node);
    return validate_body(v, function->body, node) && validate_arguments(v, function->args) &&
           validate_expressions(v, function->decorator_list, KR_Load, false) &&
           validate_optional(v, function->returns, KR_Load);
}

static bool validate_class(Validator *v, const KrNode *node) {
    const Kr_ClassDef *class = KR_AS(ClassDef, node);
    return validate_body(v, class->body, node) && validate_expressions(v, class->bases, KR_Load, false) &&
           validate_keywords(v, class->keywords) && validate_expressions(v, class->decorator_list, KR_Load, false);
}

static bool validate_annotated(Validator *v, const Kr_AnnAssign *node) {
    if (node->target->kind != KR_Name && node->simple) {
        PyErr_SetString(PyExc_TypeError, "AnnAssign with simple non-Name target");
        return false;
    }
    return validate_expression(v, node->target, KR_Store) && validate_optional(v, node->value, KR_Load) &&
           validate_expression(v, node->annotation, KR_Load);
}

static bool validate_statement_kind(Validator *v, const KrNode *node) {
    switch (node->kind) {
    case KR_FunctionDef:
    case KR_AsyncFunctionDef: return validate_function(v, node);
    case KR_ClassDef: return validate_class(v, node);
    case KR_Return: return validate_optional(v, KR_AS(Return, node)->value, KR_Load);
    case KR_Delete: return validate_targets(v, KR_AS(Delete, node)->targets, KR_Del, node);
    case KR_Assign:
        return validate_targets(v, KR_AS(Assign, node)->targets, KR_Store, node) &&
               validate_expression(v, KR_AS(Assign, node)->value, KR_Load);
    case KR_AugAssign:
        return validate_expression(v, KR_AS(AugAssign, node)->target, KR_Store) &&
               validate_expression(v, KR_AS(AugAssign, node)->value, KR_Load);
    case KR_AnnAssign: return validate_annotated(v, KR_AS(AnnAssign, node));
    case KR_For:
    case KR_AsyncFor: return validate_loop(v, node);
    case KR_While:
    case KR_If:
        /* The two have the same fields. */
        return validate_expression(v, KR_AS(If, node)->test, KR_Load) && validate_body(v, KR_AS(If, node)->body, node) &&
               validate_statements(v, KR_AS(If, node)->orelse);
    case KR_With:
    case KR_AsyncWith: return validate_with(v, node);
    case KR_Match: return validate_match(v, KR_AS(Match, node));
    case KR_Raise:
        if (KR_AS(Raise, node)->exc == NULL && KR_AS(Raise, node)->cause != NULL)
            return refuse("Raise with cause but no exception");
        return validate_optional(v, KR_AS(Raise, node)->exc, KR_Load) &&
               validate_optional(v, KR_AS(Raise, node)->cause, KR_Load);
    case KR_Try:
    case KR_TryStar: return validate_try(v, node);
    case KR_Assert:
        return validate_expression(v, KR_AS(Assert, node)->test, KR_Load) &&
               validate_optional(v, KR_AS(Assert, node)->msg, KR_Load);
    case KR_Import: return validate_nonempty(KR_AS(Import, node)->names, "names", node);
    case KR_ImportFrom:
        if (KR_AS(ImportFrom, node)->level < 0) return refuse("Negative ImportFrom level");
        return validate_nonempty(KR_AS(ImportFrom, node)->names, "names", node);
    case KR_Global: return validate_nonempty(KR_AS(Global, node)->names, "names", node);
    case KR_Nonlocal: return validate_nonempty(KR_AS(Nonlocal, node)->names, "names", node);
    case KR_Expr: return validate_expression(v, KR_AS(Expr, node)->value, KR_Load);
    default: return true;
    }
}

static bool validate_statements(Validator *v, const KrSeq *seq) {
    for (Py_ssize_t i = 0; i < kr_seq_count(seq); i++) {
        const KrNode *node = kr_seq_node(seq, i);
        if (node == NULL) return refuse("None disallowed in statement list");
        if (!validate_position(node) || !enter(v) || !validate_statement_kind(v, node)) return false;
        v->depth--;
    }
    return true;
}

int kr_ast_validate(KrNode *tree) {
    int limit = Py_GetRecursionLimit();
    Validator v = {.limit = limit > MAX_DEPTH / DEPTH_SCALE ? MAX_DEPTH : limit * DEPTH_SCALE};
    switch (tree->kind) {
    case KR_Module: return validate_statements(&v, KR_AS(Module, tree)->body);
    case KR_Interactive: return validate_statements(&v, KR_AS(Interactive, tree)->body);
    case KR_Expression: return validate_expression(&v, KR_AS(Expression, tree)->body, KR_Load);
    case KR_FunctionType:
        return validate_expressions(&v, KR_AS(FunctionType, tree)->argtypes, KR_Load, false) &&
               validate_expression(&v, KR_AS(FunctionType, tree)->returns, KR_Load);
    default: PyErr_SetString(PyExc_SystemError, "impossible module node"); return 0;
    }
}
