/* From an expression's tree back to source text, for annotations that `from __future__ import annotations` postpones. */
#include <Python.h>

#include "compile/codegen.h"

/* How strongly an expression binds; it is parenthesised where something stronger is expected. */
typedef enum Level {
    NAMED,
    TUPLE,
    TEST, /* if-else, lambda */
    OR,
    AND,
    NOT,
    COMPARISON,
    BIT_OR,
    BIT_XOR,
    BIT_AND,
    SHIFT,
    ARITHMETIC,
    TERM,
    FACTOR,
    POWER,
    AWAIT,
    ATOM,
    EXPRESSION = BIT_OR,
} Level;

typedef _PyUnicodeWriter Writer;

static int write_expression(Writer *w, const KrNode *node, int level);

static int write_ascii(Writer *w, const char *text) {
    return _PyUnicodeWriter_WriteASCIIString(w, text, (Py_ssize_t)strlen(text));
}

static int write_text(Writer *w, PyObject *text) { return _PyUnicodeWriter_WriteStr(w, text); }

static int open_if(Writer *w, int condition) { return condition ? write_ascii(w, "(") : 0; }
static int close_if(Writer *w, int condition) { return condition ? write_ascii(w, ")") : 0; }

/* Writes the separator before all but the first of several things. */
static int separate(Writer *w, int *is_first, const char *separator) {
    if (*is_first) {
        *is_first = 0;
        return 0;
    }
    return write_ascii(w, separator);
}

static int write_list(Writer *w, const KrSeq *expressions, int level) {
    for (Py_ssize_t i = 0; i < kr_seq_count(expressions); i++) {
        if (i > 0) TRY(write_ascii(w, ", "));
        TRY(write_expression(w, kr_seq_node(expressions, i), level));
    }
    return 0;
}

static int write_boolean(Writer *w, const Kr_BoolOp *boolean, int level) {
    int own = boolean->op == KR_And ? AND : OR;
    TRY(open_if(w, level > own));
    for (Py_ssize_t i = 0; i < kr_seq_count(boolean->values); i++) {
        if (i > 0) TRY(write_ascii(w, boolean->op == KR_And ? " and " : " or "));
        TRY(write_expression(w, kr_seq_node(boolean->values, i), own + 1));
    }
    return close_if(w, level > own);
}

static int write_binary(Writer *w, const Kr_BinOp *binary, int level) {
    static const struct {
        const char *text;
        Level level;
    } operators[] = {
        [KR_Add] = {" + ", ARITHMETIC},  [KR_Sub] = {" - ", ARITHMETIC}, [KR_Mult] = {" * ", TERM},
        [KR_MatMult] = {" @ ", TERM},    [KR_Div] = {" / ", TERM},       [KR_Mod] = {" % ", TERM},
        [KR_LShift] = {" << ", SHIFT},   [KR_RShift] = {" >> ", SHIFT},  [KR_BitOr] = {" | ", BIT_OR},
        [KR_BitXor] = {" ^ ", BIT_XOR},  [KR_BitAnd] = {" & ", BIT_AND}, [KR_FloorDiv] = {" // ", TERM},
        [KR_Pow] = {" ** ", POWER},
    };
    int own = (int)operators[binary->op].level, is_right_associative = binary->op == KR_Pow;
    TRY(open_if(w, level > own));
    TRY(write_expression(w, binary->left, own + is_right_associative));
    TRY(write_ascii(w, operators[binary->op].text));
    TRY(write_expression(w, binary->right, own + !is_right_associative));
    return close_if(w, level > own);
}

static int write_unary(Writer *w, const Kr_UnaryOp *unary, int level) {
    int own = unary->op == KR_Not ? NOT : FACTOR;
    TRY(open_if(w, level > own));
    switch (unary->op) {
        case KR_Invert: TRY(write_ascii(w, "~")); break;
        case KR_Not: TRY(write_ascii(w, "not ")); break;
        case KR_UAdd: TRY(write_ascii(w, "+")); break;
        default: TRY(write_ascii(w, "-")); break;
    }
    TRY(write_expression(w, unary->operand, own));
    return close_if(w, level > own);
}

static int write_parameter(Writer *w, const Kr_arg *parameter) {
    TRY(write_text(w, parameter->arg));
    if (parameter->annotation == NULL) return 0;
    TRY(write_ascii(w, ": "));
    return write_expression(w, parameter->annotation, TEST);
}

static int write_default(Writer *w, const KrNode *value) {
    if (value == NULL) return 0;
    TRY(write_ascii(w, "="));
    return write_expression(w, value, TEST);
}

static int write_arguments(Writer *w, const Kr_arguments *arguments) {
    int is_first = 1;
    Py_ssize_t positional_only = kr_seq_count(arguments->posonlyargs), plain = kr_seq_count(arguments->args);
    Py_ssize_t without_default = positional_only + plain - kr_seq_count(arguments->defaults);
    for (Py_ssize_t i = 0; i < positional_only + plain; i++) {
        TRY(separate(w, &is_first, ", "));
        TRY(write_parameter(
            w, i < positional_only ? arguments->posonlyargs->item[i] : arguments->args->item[i - positional_only]));
        if (i >= without_default) TRY(write_default(w, kr_seq_node(arguments->defaults, i - without_default)));
        if (positional_only > 0 && i + 1 == positional_only) TRY(write_ascii(w, ", /"));
    }
    if (arguments->vararg != NULL || kr_seq_count(arguments->kwonlyargs) > 0) {
        TRY(separate(w, &is_first, ", "));
        TRY(write_ascii(w, "*"));
        if (arguments->vararg != NULL) TRY(write_parameter(w, arguments->vararg));
    }
    for (Py_ssize_t i = 0; i < kr_seq_count(arguments->kwonlyargs); i++) {
        TRY(separate(w, &is_first, ", "));
        TRY(write_parameter(w, arguments->kwonlyargs->item[i]));
        TRY(write_default(w, kr_seq_node(arguments->kw_defaults, i)));
    }
    if (arguments->kwarg != NULL) {
        TRY(separate(w, &is_first, ", "));
        TRY(write_ascii(w, "**"));
        TRY(write_parameter(w, arguments->kwarg));
    }
    return 0;
}

static int write_lambda(Writer *w, const Kr_Lambda *lambda, int level) {
    const Kr_arguments *arguments = lambda->args;
    int has_positional = kr_seq_count(arguments->args) + kr_seq_count(arguments->posonlyargs) > 0;
    TRY(open_if(w, level > TEST));
    TRY(write_ascii(w, has_positional ? "lambda " : "lambda"));
    TRY(write_arguments(w, arguments));
    TRY(write_ascii(w, ": "));
    TRY(write_expression(w, lambda->body, TEST));
    return close_if(w, level > TEST);
}

static int write_conditional(Writer *w, const Kr_IfExp *conditional, int level) {
    TRY(open_if(w, level > TEST));
    TRY(write_expression(w, conditional->body, TEST + 1));
    TRY(write_ascii(w, " if "));
    TRY(write_expression(w, conditional->test, TEST + 1));
    TRY(write_ascii(w, " else "));
    TRY(write_expression(w, conditional->orelse, TEST));
    return close_if(w, level > TEST);
}

static int write_dict(Writer *w, const Kr_Dict *dict) {
    TRY(write_ascii(w, "{"));
    for (Py_ssize_t i = 0; i < kr_seq_count(dict->values); i++) {
        if (i > 0) TRY(write_ascii(w, ", "));
        const KrNode *key = kr_seq_node(dict->keys, i);
        if (key == NULL) {
            TRY(write_ascii(w, "**"));
            TRY(write_expression(w, kr_seq_node(dict->values, i), EXPRESSION));
        } else {
            TRY(write_expression(w, key, TEST));
            TRY(write_ascii(w, ": "));
            TRY(write_expression(w, kr_seq_node(dict->values, i), TEST));
        }
    }
    return write_ascii(w, "}");
}

static int write_generators(Writer *w, const KrSeq *generators) {
    for (Py_ssize_t i = 0; i < kr_seq_count(generators); i++) {
        const Kr_comprehension *generator = generators->item[i];
        TRY(write_ascii(w, generator->is_async ? " async for " : " for "));
        TRY(write_expression(w, generator->target, TUPLE));
        TRY(write_ascii(w, " in "));
        TRY(write_expression(w, generator->iter, TEST + 1));
        for (Py_ssize_t n = 0; n < kr_seq_count(generator->ifs); n++) {
            TRY(write_ascii(w, " if "));
            TRY(write_expression(w, kr_seq_node(generator->ifs, n), TEST + 1));
        }
    }
    return 0;
}

static int write_comprehension(Writer *w, const char *open, const KrNode *element, const KrSeq *generators,
                               const char *close) {
    TRY(write_ascii(w, open));
    TRY(write_expression(w, element, TEST));
    TRY(write_generators(w, generators));
    return write_ascii(w, close);
}

static int write_dict_comprehension(Writer *w, const Kr_DictComp *dict) {
    TRY(write_ascii(w, "{"));
    TRY(write_expression(w, dict->key, TEST));
    TRY(write_ascii(w, ": "));
    TRY(write_expression(w, dict->value, TEST));
    TRY(write_generators(w, dict->generators));
    return write_ascii(w, "}");
}

static int write_comparison(Writer *w, const Kr_Compare *compare, int level) {
    static const char *const operators[] = {
        [KR_Eq] = " == ",  [KR_NotEq] = " != ", [KR_Lt] = " < ",  [KR_LtE] = " <= ",      [KR_Gt] = " > ",
        [KR_GtE] = " >= ", [KR_Is] = " is ",    [KR_In] = " in ", [KR_IsNot] = " is not ", [KR_NotIn] = " not in ",
    };
    TRY(open_if(w, level > COMPARISON));
    TRY(write_expression(w, compare->left, COMPARISON + 1));
    for (Py_ssize_t i = 0; i < kr_seq_count(compare->ops); i++) {
        TRY(write_ascii(w, operators[kr_seq_enumerator(compare->ops, i)]));
        TRY(write_expression(w, kr_seq_node(compare->comparators, i), COMPARISON + 1));
    }
    return close_if(w, level > COMPARISON);
}

static int write_call(Writer *w, const Kr_Call *call) {
    int is_first = 1;
    TRY(write_expression(w, call->func, ATOM));
    if (kr_seq_count(call->args) == 1 && kr_seq_count(call->keywords) == 0 &&
        kr_seq_node(call->args, 0)->kind == KR_GeneratorExp)
        return write_expression(w, kr_seq_node(call->args, 0), ATOM);
    TRY(write_ascii(w, "("));
    for (Py_ssize_t i = 0; i < kr_seq_count(call->args); i++) {
        TRY(separate(w, &is_first, ", "));
        TRY(write_expression(w, kr_seq_node(call->args, i), TEST));
    }
    for (Py_ssize_t i = 0; i < kr_seq_count(call->keywords); i++) {
        const Kr_keyword *keyword = call->keywords->item[i];
        TRY(separate(w, &is_first, ", "));
        if (keyword->arg == NULL) {
            TRY(write_ascii(w, "**"));
        } else {
            TRY(write_text(w, keyword->arg));
            TRY(write_ascii(w, "="));
        }
        TRY(write_expression(w, keyword->value, TEST));
    }
    return write_ascii(w, ")");
}

/* Writes an object's repr; a float that is infinite gets a literal too large for a float. */
static int write_repr(Writer *w, PyObject *object) {
    PyObject *text = PyObject_Repr(object);
    if (text == NULL) return -1;
    if ((PyFloat_CheckExact(object) && Py_IS_INFINITY(PyFloat_AS_DOUBLE(object))) || PyComplex_CheckExact(object)) {
        PyObject *infinity = PyUnicode_FromString("inf"), *literal = PyUnicode_FromString("1e309"), *result = NULL;
        if (infinity != NULL && literal != NULL) result = PyUnicode_Replace(text, infinity, literal, -1);
        Py_XDECREF(infinity);
        Py_XDECREF(literal);
        Py_SETREF(text, result);
        if (text == NULL) return -1;
    }
    int failed = write_text(w, text);
    Py_DECREF(text);
    return failed;
}

static int write_constant(Writer *w, const Kr_Constant *constant) {
    PyObject *value = constant->value;
    if (value == Py_Ellipsis) return write_ascii(w, "...");
    if (constant->kind != NULL) TRY(write_text(w, constant->kind));
    if (!PyTuple_CheckExact(value)) return write_repr(w, value);
    TRY(write_ascii(w, "("));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++) {
        if (i > 0) TRY(write_ascii(w, ", "));
        TRY(write_repr(w, PyTuple_GET_ITEM(value, i)));
    }
    return write_ascii(w, PyTuple_GET_SIZE(value) == 1 ? ",)" : ")");
}

/* f-strings */

static PyObject *finish(Writer *w, int failed) {
    if (failed < 0) {
        _PyUnicodeWriter_Dealloc(w);
        return NULL;
    }
    return _PyUnicodeWriter_Finish(w);
}

static PyObject *expression_text(const KrNode *node, int level) {
    Writer w;
    _PyUnicodeWriter_Init(&w);
    w.overallocate = 1;
    return finish(&w, write_expression(&w, node, level));
}

static int write_string_part(Writer *w, const KrNode *node);

static int write_formatted_value(Writer *w, const Kr_FormattedValue *value) {
    PyObject *text = expression_text(value->value, TEST + 1);
    if (text == NULL) return -1;
    /* A brace after the opening brace would be a literal one. */
    int starts_with_brace = PyUnicode_GET_LENGTH(text) > 0 && PyUnicode_READ_CHAR(text, 0) == '{';
    int failed = write_ascii(w, starts_with_brace ? "{ " : "{");
    if (failed == 0) failed = write_text(w, text);
    Py_DECREF(text);
    TRY(failed);
    if (value->conversion > 0) {
        char conversion[] = {'!', (char)value->conversion, 0};
        TRY(write_ascii(w, conversion));
    }
    if (value->format_spec != NULL) {
        TRY(write_ascii(w, ":"));
        TRY(write_string_part(w, value->format_spec));
    }
    return write_ascii(w, "}");
}

/* Writes literal text with its braces doubled. */
static int write_literal(Writer *w, PyObject *text) {
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(text, i);
        TRY(_PyUnicodeWriter_WriteChar(w, c));
        if (c == '{' || c == '}') TRY(_PyUnicodeWriter_WriteChar(w, c));
    }
    return 0;
}

/* Writes what stands between the quotes of an f-string. */
static int write_string_part(Writer *w, const KrNode *node) {
    switch (node->kind) {
        case KR_Constant: return write_literal(w, KR_AS(Constant, node)->value);
        case KR_FormattedValue: return write_formatted_value(w, KR_AS(FormattedValue, node));
        case KR_JoinedStr: {
            const KrSeq *values = KR_AS(JoinedStr, node)->values;
            for (Py_ssize_t i = 0; i < kr_seq_count(values); i++) TRY(write_string_part(w, kr_seq_node(values, i)));
            return 0;
        }
        default:
            PyErr_SetString(PyExc_SystemError, "unknown expression kind inside f-string");
            return -1;
    }
}

static int write_joined_string(Writer *w, const KrNode *node) {
    Writer body;
    _PyUnicodeWriter_Init(&body);
    body.overallocate = 1;
    PyObject *text = finish(&body, write_string_part(&body, node));
    if (text == NULL) return -1;
    int failed = write_ascii(w, "f");
    if (failed == 0) failed = write_repr(w, text);
    Py_DECREF(text);
    return failed;
}

/* Others */

static int write_attribute(Writer *w, const Kr_Attribute *attribute) {
    TRY(write_expression(w, attribute->value, ATOM));
    /* `1.real` would be read as a float. */
    int is_int =
        attribute->value->kind == KR_Constant && PyLong_CheckExact(KR_AS(Constant, attribute->value)->value);
    TRY(write_ascii(w, is_int ? " ." : "."));
    return write_text(w, attribute->attr);
}

static int write_slice(Writer *w, const Kr_Slice *slice) {
    if (slice->lower != NULL) TRY(write_expression(w, slice->lower, TEST));
    TRY(write_ascii(w, ":"));
    if (slice->upper != NULL) TRY(write_expression(w, slice->upper, TEST));
    if (slice->step == NULL) return 0;
    TRY(write_ascii(w, ":"));
    return write_expression(w, slice->step, TEST);
}

static int write_tuple(Writer *w, const KrSeq *elements, int level) {
    if (kr_seq_count(elements) == 0) return write_ascii(w, "()");
    TRY(open_if(w, level > TUPLE));
    TRY(write_list(w, elements, TEST));
    if (kr_seq_count(elements) == 1) TRY(write_ascii(w, ","));
    return close_if(w, level > TUPLE);
}

static int write_bracketed(Writer *w, const char *open, const KrSeq *elements, const char *close) {
    TRY(write_ascii(w, open));
    TRY(write_list(w, elements, TEST));
    return write_ascii(w, close);
}

static int write_prefixed(Writer *w, const char *prefix, const KrNode *node, int level, const char *suffix) {
    TRY(write_ascii(w, prefix));
    if (node != NULL) TRY(write_expression(w, node, level));
    return write_ascii(w, suffix);
}

static int write_expression(Writer *w, const KrNode *node, int level) {
    switch (node->kind) {
        case KR_BoolOp: return write_boolean(w, KR_AS(BoolOp, node), level);
        case KR_BinOp: return write_binary(w, KR_AS(BinOp, node), level);
        case KR_UnaryOp: return write_unary(w, KR_AS(UnaryOp, node), level);
        case KR_Lambda: return write_lambda(w, KR_AS(Lambda, node), level);
        case KR_IfExp: return write_conditional(w, KR_AS(IfExp, node), level);
        case KR_Dict: return write_dict(w, KR_AS(Dict, node));
        case KR_Set: return write_bracketed(w, "{", KR_AS(Set, node)->elts, "}");
        case KR_GeneratorExp:
            return write_comprehension(w, "(", KR_AS(GeneratorExp, node)->elt, KR_AS(GeneratorExp, node)->generators,
                                       ")");
        case KR_ListComp:
            return write_comprehension(w, "[", KR_AS(ListComp, node)->elt, KR_AS(ListComp, node)->generators, "]");
        case KR_SetComp:
            return write_comprehension(w, "{", KR_AS(SetComp, node)->elt, KR_AS(SetComp, node)->generators, "}");
        case KR_DictComp: return write_dict_comprehension(w, KR_AS(DictComp, node));
        case KR_Yield:
            return KR_AS(Yield, node)->value == NULL
                       ? write_ascii(w, "(yield)")
                       : write_prefixed(w, "(yield ", KR_AS(Yield, node)->value, TEST, ")");
        case KR_YieldFrom: return write_prefixed(w, "(yield from ", KR_AS(YieldFrom, node)->value, TEST, ")");
        case KR_Await:
            return write_prefixed(w, level > AWAIT ? "(await " : "await ", KR_AS(Await, node)->value, ATOM,
                                  level > AWAIT ? ")" : "");
        case KR_Compare: return write_comparison(w, KR_AS(Compare, node), level);
        case KR_Call: return write_call(w, KR_AS(Call, node));
        case KR_Constant: return write_constant(w, KR_AS(Constant, node));
        case KR_JoinedStr: return write_joined_string(w, node);
        case KR_FormattedValue: return write_formatted_value(w, KR_AS(FormattedValue, node));
        case KR_Attribute: return write_attribute(w, KR_AS(Attribute, node));
        case KR_Starred: return write_prefixed(w, "*", KR_AS(Starred, node)->value, EXPRESSION, "");
        case KR_Name: return write_text(w, KR_AS(Name, node)->id);
        case KR_List: return write_bracketed(w, "[", KR_AS(List, node)->elts, "]");
        case KR_Tuple: return write_tuple(w, KR_AS(Tuple, node)->elts, level);
        case KR_Subscript:
            TRY(write_expression(w, KR_AS(Subscript, node)->value, ATOM));
            return write_prefixed(w, "[", KR_AS(Subscript, node)->slice, TUPLE, "]");
        case KR_Slice: return write_slice(w, KR_AS(Slice, node));
        case KR_NamedExpr:
            TRY(open_if(w, level > NAMED));
            TRY(write_expression(w, KR_AS(NamedExpr, node)->target, ATOM));
            TRY(write_ascii(w, " := "));
            TRY(write_expression(w, KR_AS(NamedExpr, node)->value, ATOM));
            return close_if(w, level > NAMED);
        default: PyErr_SetString(PyExc_SystemError, "unknown expression kind"); return -1;
    }
}

PyObject *kr_unparse(KrNode *expression) { return expression_text(expression, TEST); }
