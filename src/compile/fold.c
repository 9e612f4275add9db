/* Constant folding: expressions whose value is known at compile time are replaced in the tree by that value.
 *
 * Folding never changes what a program does: an operation that raises stays in the code, and results that would bloat the
 * code object are not computed (the limits below).
 */
#include <Python.h>
#include <stddef.h>

#include "compile/compile.h"
#include "compile/future.h"
#include "compile/symbol_table.h"

#define TRY(expression)                   \
    do {                                  \
        if ((expression) < 0) return -1;  \
    } while (0)

/* The largest results that folding may produce. */
enum {
    MAX_INT_BITS = 128,
    MAX_COLLECTION_ITEMS = 256,
    MAX_STRING_LENGTH = 4096,
    MAX_NESTED_ITEMS = 1024,
    MAX_FORMAT_DIGITS = 2, /* of a width or precision in a % format */
};

typedef struct Folder {
    KrArena *arena;
    int optimize, future_features;
    int depth, depth_limit;
    const char *stack_limit;
} Folder;

/* Replaces a node by a constant. Takes the reference to `value`; NULL means that the operation failed: then the error is
 * dropped and the node stays. */
static int replace_by_value(Folder *folder, KrNode **place, PyObject *value) {
    if (value == NULL) {
        if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) return -1;
        PyErr_Clear();
        return 0;
    }
    TRY(kr_arena_own(folder->arena, value));
    Kr_Constant *constant = KR_NEW(folder->arena, Constant, .value = value);
    if (constant == NULL) return -1;
    KrNode *old = *place;
    constant->node.lineno = old->lineno;
    constant->node.col_offset = old->col_offset;
    constant->node.end_lineno = old->end_lineno;
    constant->node.end_col_offset = old->end_col_offset;
    *place = &constant->node;
    return 0;
}

static inline PyObject *value_of(const KrNode *node) {
    return node->kind == KR_Constant ? KR_AS(Constant, node)->value : NULL;
}

static int has_starred(const KrSeq *elements) {
    for (Py_ssize_t i = 0; i < kr_seq_count(elements); i++)
        if (kr_seq_node(elements, i)->kind == KR_Starred) return 1;
    return 0;
}

/* Returns a new tuple if all the elements are constants; NULL without an exception if not, NULL with one on error. */
static PyObject *constant_tuple(const KrSeq *elements) {
    Py_ssize_t count = kr_seq_count(elements);
    for (Py_ssize_t i = 0; i < count; i++)
        if (kr_seq_node(elements, i)->kind != KR_Constant) return NULL;
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++)
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(value_of(kr_seq_node(elements, i))));
    return tuple;
}

/* Operators */

static int fold_unary(Folder *folder, KrNode **place) {
    Kr_UnaryOp *unary = KR_AS(UnaryOp, *place);
    KrNode *operand = unary->operand;
    if (operand->kind != KR_Constant) {
        if (unary->op != KR_Not || operand->kind != KR_Compare) return 0;
        Kr_Compare *compare = KR_AS(Compare, operand);
        if (kr_seq_count(compare->ops) != 1) return 0;
        /* `not a in b` is `a not in b`: true of identity and membership, which always yield a bool. */
        KrEnumerator opposite;
        switch (kr_seq_enumerator(compare->ops, 0)) {
            case KR_Is: opposite = KR_IsNot; break;
            case KR_IsNot: opposite = KR_Is; break;
            case KR_In: opposite = KR_NotIn; break;
            case KR_NotIn: opposite = KR_In; break;
            default: return 0;
        }
        compare->ops->item[0] = (void *)(intptr_t)opposite;
        *place = operand;
        return 0;
    }
    PyObject *value = value_of(operand);
    switch (unary->op) {
        case KR_Invert: return replace_by_value(folder, place, PyNumber_Invert(value));
        case KR_UAdd: return replace_by_value(folder, place, PyNumber_Positive(value));
        case KR_USub: return replace_by_value(folder, place, PyNumber_Negative(value));
        default: {
            int truth = PyObject_IsTrue(value);
            return replace_by_value(folder, place, truth < 0 ? NULL : PyBool_FromLong(!truth));
        }
    }
}

static size_t bit_length(PyObject *number) { return _PyLong_NumBits(number); }
static int is_zero(PyObject *number) { return _PyLong_Sign(number) == 0; }

/* Counts the items of nested tuples and frozensets off `limit`; the result is negative if there are more. */
static Py_ssize_t count_items(PyObject *object, Py_ssize_t limit) {
    if (PyTuple_Check(object)) {
        limit -= PyTuple_GET_SIZE(object);
        for (Py_ssize_t i = 0; limit >= 0 && i < PyTuple_GET_SIZE(object); i++)
            limit = count_items(PyTuple_GET_ITEM(object, i), limit);
    } else if (PyFrozenSet_Check(object)) {
        limit -= PySet_GET_SIZE(object);
        Py_ssize_t position = 0;
        PyObject *item;
        Py_hash_t hash;
        while (limit >= 0 && _PySet_NextEntry(object, &position, &item, &hash)) limit = count_items(item, limit);
    }
    return limit;
}

/* True if repeating a sequence gives something small enough. */
static int may_repeat(PyObject *sequence, PyObject *times) {
    int is_collection = PyTuple_Check(sequence) || PyFrozenSet_Check(sequence);
    Py_ssize_t size = PyFrozenSet_Check(sequence) ? PySet_GET_SIZE(sequence) : PyObject_Length(sequence);
    if (size == 0) return 1;
    int overflow;
    long n = PyLong_AsLongAndOverflow(times, &overflow);
    if (overflow || n < 0) return 0;
    if (!is_collection) return n <= MAX_STRING_LENGTH / size;
    return n <= MAX_COLLECTION_ITEMS / size && (n == 0 || count_items(sequence, MAX_NESTED_ITEMS / n) >= 0);
}

static int is_repeatable(PyObject *value) {
    return PyTuple_Check(value) || PyFrozenSet_Check(value) || PyUnicode_Check(value) || PyBytes_Check(value);
}

/* True if the operation may be done at compile time: whatever its operands, the result is small. */
static int may_compute(KrEnumerator operator, PyObject *left, PyObject *right) {
    int ints = PyLong_Check(left) && PyLong_Check(right);
    switch (operator) {
        case KR_MatMult: return 0;
        case KR_Mult:
            if (ints)
                return is_zero(left) || is_zero(right) || bit_length(left) + bit_length(right) <= MAX_INT_BITS;
            if (PyLong_Check(left) && is_repeatable(right)) return may_repeat(right, left);
            if (PyLong_Check(right) && is_repeatable(left)) return may_repeat(left, right);
            return 1;
        case KR_Pow:
            if (ints && !is_zero(left) && _PyLong_Sign(right) > 0) {
                int overflow;
                long exponent = PyLong_AsLongAndOverflow(right, &overflow);
                return !overflow && bit_length(left) <= (size_t)(MAX_INT_BITS / exponent);
            }
            return 1;
        case KR_LShift:
            if (ints && !is_zero(left) && !is_zero(right)) {
                int overflow;
                long shift = PyLong_AsLongAndOverflow(right, &overflow);
                return !overflow && shift >= 0 && shift <= MAX_INT_BITS &&
                       bit_length(left) <= (size_t)(MAX_INT_BITS - shift);
            }
            return 1;
        case KR_Mod: return !PyUnicode_Check(left) && !PyBytes_Check(left); /* formatting may call anything */
        default: return 1;
    }
}

static PyObject *compute(KrEnumerator operator, PyObject *left, PyObject *right) {
    switch (operator) {
        case KR_Add: return PyNumber_Add(left, right);
        case KR_Sub: return PyNumber_Subtract(left, right);
        case KR_Mult: return PyNumber_Multiply(left, right);
        case KR_Div: return PyNumber_TrueDivide(left, right);
        case KR_FloorDiv: return PyNumber_FloorDivide(left, right);
        case KR_Mod: return PyNumber_Remainder(left, right);
        case KR_Pow: return PyNumber_Power(left, right, Py_None);
        case KR_LShift: return PyNumber_Lshift(left, right);
        case KR_RShift: return PyNumber_Rshift(left, right);
        case KR_BitOr: return PyNumber_Or(left, right);
        case KR_BitXor: return PyNumber_Xor(left, right);
        default: return PyNumber_And(left, right);
    }
}

/* A literal format and a tuple display: `"%s-%r" % (a, b)` becomes f"{a!s}-{b!r}". */

typedef struct Format {
    PyObject *text;
    Py_ssize_t position, length;
} Format;

static Py_UCS4 peek(const Format *format) {
    return format->position < format->length ? PyUnicode_READ_CHAR(format->text, format->position) : 0;
}

/* Reads a number of at most MAX_FORMAT_DIGITS digits; -1 if there is none and -2 if it is longer. */
static int read_number(Format *format) {
    int number = -1, digits = 0;
    for (; Py_UNICODE_ISDIGIT(peek(format)) && peek(format) < 128; format->position++) {
        if (++digits > MAX_FORMAT_DIGITS) return -2;
        number = (number < 0 ? 0 : number) * 10 + (int)(peek(format) - '0');
    }
    return number;
}

/* Reads the text up to the next conversion, with %% reduced to %. Returns a new string. */
static PyObject *read_literal(Format *format) {
    Py_ssize_t start = format->position;
    int has_percents = 0;
    while (format->position < format->length) {
        if (PyUnicode_READ_CHAR(format->text, format->position) == '%') {
            if (format->position + 1 >= format->length ||
                PyUnicode_READ_CHAR(format->text, format->position + 1) != '%')
                break;
            has_percents = 1;
            format->position++;
        }
        format->position++;
    }
    PyObject *text = PyUnicode_Substring(format->text, start, format->position);
    if (text == NULL || !has_percents) return text;
    PyObject *two = PyUnicode_FromString("%%"), *one = PyUnicode_FromString("%"), *result = NULL;
    if (two != NULL && one != NULL) result = PyUnicode_Replace(text, two, one, -1);
    Py_XDECREF(one);
    Py_XDECREF(two);
    Py_DECREF(text);
    return result;
}

static void copy_position(KrNode *to, const KrNode *from) {
    to->lineno = from->lineno;
    to->col_offset = from->col_offset;
    to->end_lineno = from->end_lineno;
    to->end_col_offset = from->end_col_offset;
}

/* A new constant node at the place of another node; NULL for one that is nowhere. Takes the reference. */
static KrNode *new_constant(Folder *folder, PyObject *value, const KrNode *at) {
    if (value == NULL || kr_arena_own(folder->arena, value) < 0) return NULL;
    Kr_Constant *constant = KR_NEW(folder->arena, Constant, .value = value);
    if (constant == NULL) return NULL;
    if (at != NULL)
        copy_position(&constant->node, at);
    else
        constant->node.lineno = constant->node.col_offset = constant->node.end_lineno = constant->node.end_col_offset = -1;
    return &constant->node;
}

/* Reads one conversion (the text after its %). Sets *result to a node, or to NULL if the f-string has no equal of it. */
static int read_conversion(Folder *folder, Format *format, KrNode *argument, KrNode **result) {
    *result = NULL;
    int left_justified = 0;
    for (;; format->position++) {
        Py_UCS4 c = peek(format);
        if (c == '-')
            left_justified = 1;
        else if (c != '+' && c != ' ' && c != '#' && c != '0')
            break;
    }
    int width = read_number(format), precision = -1;
    if (width == -2) return 0;
    if (peek(format) == '.') {
        format->position++;
        precision = read_number(format);
        if (precision == -2) return 0;
        if (precision == -1) precision = 0;
    }
    Py_UCS4 conversion = peek(format);
    if (conversion != 's' && conversion != 'r' && conversion != 'a') return 0;
    format->position++;

    char text[32] = "", *end = text;
    if (!left_justified && width > 0) *end++ = '>';
    if (width >= 0) end += PyOS_snprintf(end, 8, "%d", width);
    if (precision >= 0) end += PyOS_snprintf(end, 8, ".%d", precision);
    KrNode *spec = NULL;
    if (end != text) {
        spec = new_constant(folder, PyUnicode_FromString(text), argument);
        if (spec == NULL) return -1;
    }
    Kr_FormattedValue *value =
        KR_NEW(folder->arena, FormattedValue, .value = argument, .conversion = (int)conversion, .format_spec = spec);
    if (value == NULL) return -1;
    copy_position(&value->node, argument);
    *result = &value->node;
    return 0;
}

static int fold_format(Folder *folder, KrNode **place, PyObject *text, const KrSeq *arguments) {
    Py_ssize_t argument_count = kr_seq_count(arguments), used = 0, count = 0;
    if (has_starred(arguments)) return 0;
    Format format = {text, 0, PyUnicode_GET_LENGTH(text)};
    KrSeq *parts = kr_seq_new(folder->arena, 2 * argument_count + 1);
    if (parts == NULL) return -1;
    for (;;) {
        PyObject *literal = read_literal(&format);
        if (literal == NULL) return -1;
        if (PyUnicode_GET_LENGTH(literal) > 0) {
            if ((parts->item[count++] = new_constant(folder, literal, NULL)) == NULL) return -1;
        } else {
            Py_DECREF(literal);
        }
        if (format.position >= format.length) break;
        if (used >= argument_count) return 0;
        format.position++;
        KrNode *value;
        TRY(read_conversion(folder, &format, kr_seq_node(arguments, used), &value));
        if (value == NULL) return 0;
        used++;
        parts->item[count++] = value;
    }
    if (used < argument_count) return 0;
    parts->count = count;
    Kr_JoinedStr *joined = KR_NEW(folder->arena, JoinedStr, .values = parts);
    if (joined == NULL) return -1;
    copy_position(&joined->node, *place);
    *place = &joined->node;
    return 0;
}

static int fold_binary(Folder *folder, KrNode **place) {
    Kr_BinOp *binary = KR_AS(BinOp, *place);
    PyObject *left = value_of(binary->left), *right = value_of(binary->right);
    if (left == NULL) return 0;
    if (binary->op == KR_Mod && PyUnicode_Check(left) && binary->right->kind == KR_Tuple)
        return fold_format(folder, place, left, KR_AS(Tuple, binary->right)->elts);
    if (right == NULL || !may_compute(binary->op, left, right)) return 0;
    return replace_by_value(folder, place, compute(binary->op, left, right));
}

static int fold_tuple(Folder *folder, KrNode **place) {
    if (KR_AS(Tuple, *place)->ctx != KR_Load) return 0;
    PyObject *tuple = constant_tuple(KR_AS(Tuple, *place)->elts);
    if (tuple == NULL && !PyErr_Occurred()) return 0;
    return replace_by_value(folder, place, tuple);
}

static int fold_subscript(Folder *folder, KrNode **place) {
    Kr_Subscript *subscript = KR_AS(Subscript, *place);
    PyObject *value = value_of(subscript->value), *key = value_of(subscript->slice);
    if (subscript->ctx != KR_Load || value == NULL || key == NULL) return 0;
    return replace_by_value(folder, place, PyObject_GetItem(value, key));
}

/* A list or set that is only iterated over or searched need not be made anew each time. */
static int fold_iterable(Folder *folder, KrNode **place) {
    KrNode *node = *place;
    if (node->kind == KR_List) {
        if (has_starred(KR_AS(List, node)->elts)) return 0;
        _Static_assert(offsetof(Kr_List, elts) == offsetof(Kr_Tuple, elts) && sizeof(Kr_List) == sizeof(Kr_Tuple) &&
                           offsetof(Kr_List, ctx) == offsetof(Kr_Tuple, ctx),
                       "a list node turns into a tuple node in place");
        node->kind = KR_Tuple;
        return fold_tuple(folder, place);
    }
    if (node->kind == KR_Set) {
        PyObject *tuple = constant_tuple(KR_AS(Set, node)->elts);
        if (tuple == NULL) return PyErr_Occurred() ? replace_by_value(folder, place, NULL) : 0;
        PyObject *set = PyFrozenSet_New(tuple);
        Py_DECREF(tuple);
        return replace_by_value(folder, place, set);
    }
    return 0;
}

/* Walking the tree */

static int fold_expression(Folder *folder, KrNode **place);
static int fold_statement(Folder *folder, KrNode *node);

static int fold_optional(Folder *folder, KrNode **place) { return *place == NULL ? 0 : fold_expression(folder, place); }

static int fold_expressions(Folder *folder, KrSeq *expressions) {
    for (Py_ssize_t i = 0; i < kr_seq_count(expressions); i++)
        if (expressions->item[i] != NULL) TRY(fold_expression(folder, (KrNode **)&expressions->item[i]));
    return 0;
}

static int fold_statements(Folder *folder, KrSeq *statements) {
    for (Py_ssize_t i = 0; i < kr_seq_count(statements); i++)
        TRY(fold_statement(folder, kr_seq_node(statements, i)));
    return 0;
}

/* Folds a body whose first statement may be a docstring. An expression that merely folds to a string is none. */
static int fold_body(Folder *folder, KrSeq *body) {
    int has_docstring = kr_docstring(body) != NULL;
    TRY(fold_statements(folder, body));
    if (has_docstring || kr_docstring(body) == NULL) return 0;
    Kr_Expr *statement = KR_AS(Expr, kr_seq_node(body, 0));
    KrSeq *values = kr_seq_new(folder->arena, 1);
    if (values == NULL) return -1;
    values->item[0] = statement->value;
    Kr_JoinedStr *joined = KR_NEW(folder->arena, JoinedStr, .values = values);
    if (joined == NULL) return -1;
    copy_position(&joined->node, statement->value);
    statement->value = &joined->node;
    return 0;
}

static int fold_keywords(Folder *folder, const KrSeq *keywords) {
    for (Py_ssize_t i = 0; i < kr_seq_count(keywords); i++)
        TRY(fold_expression(folder, &((Kr_keyword *)keywords->item[i])->value));
    return 0;
}

static int fold_annotation(Folder *folder, KrNode **annotation) {
    return folder->future_features & CO_FUTURE_ANNOTATIONS ? 0 : fold_optional(folder, annotation);
}

static int fold_parameters(Folder *folder, const KrSeq *parameters) {
    for (Py_ssize_t i = 0; i < kr_seq_count(parameters); i++)
        TRY(fold_annotation(folder, &((Kr_arg *)parameters->item[i])->annotation));
    return 0;
}

static int fold_arguments(Folder *folder, Kr_arguments *arguments) {
    TRY(fold_parameters(folder, arguments->posonlyargs));
    TRY(fold_parameters(folder, arguments->args));
    if (arguments->vararg != NULL) TRY(fold_annotation(folder, &arguments->vararg->annotation));
    TRY(fold_parameters(folder, arguments->kwonlyargs));
    TRY(fold_expressions(folder, arguments->kw_defaults));
    if (arguments->kwarg != NULL) TRY(fold_annotation(folder, &arguments->kwarg->annotation));
    return fold_expressions(folder, arguments->defaults);
}

static int fold_generators(Folder *folder, const KrSeq *generators) {
    for (Py_ssize_t i = 0; i < kr_seq_count(generators); i++) {
        Kr_comprehension *generator = generators->item[i];
        TRY(fold_expression(folder, &generator->target));
        TRY(fold_expression(folder, &generator->iter));
        TRY(fold_expressions(folder, generator->ifs));
        TRY(fold_iterable(folder, &generator->iter));
    }
    return 0;
}

static int fold_expression(Folder *folder, KrNode **place) {
    KrNode *node = *place;
    KR_COMPILE_ENTER(folder);
    switch (node->kind) {
        case KR_Constant: break;
        case KR_Name:
            if (KR_AS(Name, node)->ctx == KR_Load &&
                PyUnicode_CompareWithASCIIString(KR_AS(Name, node)->id, "__debug__") == 0)
                TRY(replace_by_value(folder, place, PyBool_FromLong(folder->optimize == 0)));
            break;
        case KR_Attribute: TRY(fold_expression(folder, &KR_AS(Attribute, node)->value)); break;
        case KR_Call:
            TRY(fold_expression(folder, &KR_AS(Call, node)->func));
            TRY(fold_expressions(folder, KR_AS(Call, node)->args));
            TRY(fold_keywords(folder, KR_AS(Call, node)->keywords));
            break;
        case KR_BoolOp: TRY(fold_expressions(folder, KR_AS(BoolOp, node)->values)); break;
        case KR_NamedExpr: TRY(fold_expression(folder, &KR_AS(NamedExpr, node)->value)); break;
        case KR_BinOp:
            TRY(fold_expression(folder, &KR_AS(BinOp, node)->left));
            TRY(fold_expression(folder, &KR_AS(BinOp, node)->right));
            TRY(fold_binary(folder, place));
            break;
        case KR_UnaryOp:
            TRY(fold_expression(folder, &KR_AS(UnaryOp, node)->operand));
            TRY(fold_unary(folder, place));
            break;
        case KR_Lambda:
            TRY(fold_arguments(folder, KR_AS(Lambda, node)->args));
            TRY(fold_expression(folder, &KR_AS(Lambda, node)->body));
            break;
        case KR_IfExp:
            TRY(fold_expression(folder, &KR_AS(IfExp, node)->test));
            TRY(fold_expression(folder, &KR_AS(IfExp, node)->body));
            TRY(fold_expression(folder, &KR_AS(IfExp, node)->orelse));
            break;
        case KR_Dict:
            TRY(fold_expressions(folder, KR_AS(Dict, node)->keys));
            TRY(fold_expressions(folder, KR_AS(Dict, node)->values));
            break;
        case KR_Set: TRY(fold_expressions(folder, KR_AS(Set, node)->elts)); break;
        case KR_ListComp:
        case KR_SetComp:
        case KR_GeneratorExp: {
            _Static_assert(offsetof(Kr_ListComp, generators) == offsetof(Kr_SetComp, generators) &&
                               offsetof(Kr_ListComp, generators) == offsetof(Kr_GeneratorExp, generators),
                           "read as a ListComp");
            TRY(fold_expression(folder, &KR_AS(ListComp, node)->elt));
            TRY(fold_generators(folder, KR_AS(ListComp, node)->generators));
            break;
        }
        case KR_DictComp:
            TRY(fold_expression(folder, &KR_AS(DictComp, node)->key));
            TRY(fold_expression(folder, &KR_AS(DictComp, node)->value));
            TRY(fold_generators(folder, KR_AS(DictComp, node)->generators));
            break;
        case KR_Await: TRY(fold_expression(folder, &KR_AS(Await, node)->value)); break;
        case KR_Yield: TRY(fold_optional(folder, &KR_AS(Yield, node)->value)); break;
        case KR_YieldFrom: TRY(fold_expression(folder, &KR_AS(YieldFrom, node)->value)); break;
        case KR_Compare: {
            Kr_Compare *compare = KR_AS(Compare, node);
            TRY(fold_expression(folder, &compare->left));
            TRY(fold_expressions(folder, compare->comparators));
            Py_ssize_t last = kr_seq_count(compare->ops) - 1;
            KrEnumerator operator = kr_seq_enumerator(compare->ops, last);
            if (operator == KR_In || operator == KR_NotIn)
                TRY(fold_iterable(folder, (KrNode **)&compare->comparators->item[last]));
            break;
        }
        case KR_FormattedValue:
            TRY(fold_expression(folder, &KR_AS(FormattedValue, node)->value));
            TRY(fold_optional(folder, &KR_AS(FormattedValue, node)->format_spec));
            break;
        case KR_JoinedStr: TRY(fold_expressions(folder, KR_AS(JoinedStr, node)->values)); break;
        case KR_Subscript:
            TRY(fold_expression(folder, &KR_AS(Subscript, node)->value));
            TRY(fold_expression(folder, &KR_AS(Subscript, node)->slice));
            TRY(fold_subscript(folder, place));
            break;
        case KR_Starred: TRY(fold_expression(folder, &KR_AS(Starred, node)->value)); break;
        case KR_Slice:
            TRY(fold_optional(folder, &KR_AS(Slice, node)->lower));
            TRY(fold_optional(folder, &KR_AS(Slice, node)->upper));
            TRY(fold_optional(folder, &KR_AS(Slice, node)->step));
            break;
        case KR_List: TRY(fold_expressions(folder, KR_AS(List, node)->elts)); break;
        case KR_Tuple:
            TRY(fold_expressions(folder, KR_AS(Tuple, node)->elts));
            TRY(fold_tuple(folder, place));
            break;
        default: break;
    }
    KR_COMPILE_LEAVE(folder);
    return 0;
}

static int fold_pattern(Folder *folder, KrNode *node);

static int fold_patterns(Folder *folder, const KrSeq *patterns) {
    for (Py_ssize_t i = 0; i < kr_seq_count(patterns); i++) TRY(fold_pattern(folder, kr_seq_node(patterns, i)));
    return 0;
}

static int fold_pattern(Folder *folder, KrNode *node) {
    KR_COMPILE_ENTER(folder);
    switch (node->kind) {
        case KR_MatchValue: TRY(fold_expression(folder, &KR_AS(MatchValue, node)->value)); break;
        case KR_MatchSequence: TRY(fold_patterns(folder, KR_AS(MatchSequence, node)->patterns)); break;
        case KR_MatchMapping:
            TRY(fold_expressions(folder, KR_AS(MatchMapping, node)->keys));
            TRY(fold_patterns(folder, KR_AS(MatchMapping, node)->patterns));
            break;
        case KR_MatchClass:
            TRY(fold_expression(folder, &KR_AS(MatchClass, node)->cls));
            TRY(fold_patterns(folder, KR_AS(MatchClass, node)->patterns));
            TRY(fold_patterns(folder, KR_AS(MatchClass, node)->kwd_patterns));
            break;
        case KR_MatchAs:
            if (KR_AS(MatchAs, node)->pattern != NULL) TRY(fold_pattern(folder, KR_AS(MatchAs, node)->pattern));
            break;
        case KR_MatchOr: TRY(fold_patterns(folder, KR_AS(MatchOr, node)->patterns)); break;
        default: break;
    }
    KR_COMPILE_LEAVE(folder);
    return 0;
}

static int fold_with(Folder *folder, Kr_With *with) {
    for (Py_ssize_t i = 0; i < kr_seq_count(with->items); i++) {
        Kr_withitem *item = with->items->item[i];
        TRY(fold_expression(folder, &item->context_expr));
        TRY(fold_optional(folder, &item->optional_vars));
    }
    return fold_statements(folder, with->body);
}

static int fold_try(Folder *folder, Kr_Try *try) {
    TRY(fold_statements(folder, try->body));
    for (Py_ssize_t i = 0; i < kr_seq_count(try->handlers); i++) {
        Kr_ExceptHandler *handler = try->handlers->item[i];
        TRY(fold_optional(folder, &handler->type));
        TRY(fold_statements(folder, handler->body));
    }
    TRY(fold_statements(folder, try->orelse));
    return fold_statements(folder, try->finalbody);
}

static int fold_match(Folder *folder, Kr_Match *match) {
    TRY(fold_expression(folder, &match->subject));
    for (Py_ssize_t i = 0; i < kr_seq_count(match->cases); i++) {
        Kr_match_case *match_case = match->cases->item[i];
        TRY(fold_pattern(folder, match_case->pattern));
        TRY(fold_optional(folder, &match_case->guard));
        TRY(fold_statements(folder, match_case->body));
    }
    return 0;
}

static int fold_statement(Folder *folder, KrNode *node) {
    KR_COMPILE_ENTER(folder);
    switch (node->kind) {
        case KR_FunctionDef:
        case KR_AsyncFunctionDef: {
            Kr_FunctionDef *function = KR_AS(FunctionDef, node);
            TRY(fold_arguments(folder, function->args));
            TRY(fold_body(folder, function->body));
            TRY(fold_expressions(folder, function->decorator_list));
            TRY(fold_annotation(folder, &function->returns));
            break;
        }
        case KR_ClassDef: {
            Kr_ClassDef *class = KR_AS(ClassDef, node);
            TRY(fold_expressions(folder, class->bases));
            TRY(fold_keywords(folder, class->keywords));
            TRY(fold_body(folder, class->body));
            TRY(fold_expressions(folder, class->decorator_list));
            break;
        }
        case KR_Return: TRY(fold_optional(folder, &KR_AS(Return, node)->value)); break;
        case KR_Delete: TRY(fold_expressions(folder, KR_AS(Delete, node)->targets)); break;
        case KR_Assign:
            TRY(fold_expressions(folder, KR_AS(Assign, node)->targets));
            TRY(fold_expression(folder, &KR_AS(Assign, node)->value));
            break;
        case KR_AugAssign:
            TRY(fold_expression(folder, &KR_AS(AugAssign, node)->target));
            TRY(fold_expression(folder, &KR_AS(AugAssign, node)->value));
            break;
        case KR_AnnAssign:
            TRY(fold_expression(folder, &KR_AS(AnnAssign, node)->target));
            TRY(fold_annotation(folder, &KR_AS(AnnAssign, node)->annotation));
            TRY(fold_optional(folder, &KR_AS(AnnAssign, node)->value));
            break;
        case KR_For:
        case KR_AsyncFor:
            TRY(fold_expression(folder, &KR_AS(For, node)->target));
            TRY(fold_expression(folder, &KR_AS(For, node)->iter));
            TRY(fold_statements(folder, KR_AS(For, node)->body));
            TRY(fold_statements(folder, KR_AS(For, node)->orelse));
            if (node->kind == KR_For) TRY(fold_iterable(folder, &KR_AS(For, node)->iter));
            break;
        case KR_While:
            TRY(fold_expression(folder, &KR_AS(While, node)->test));
            TRY(fold_statements(folder, KR_AS(While, node)->body));
            TRY(fold_statements(folder, KR_AS(While, node)->orelse));
            break;
        case KR_If:
            TRY(fold_expression(folder, &KR_AS(If, node)->test));
            TRY(fold_statements(folder, KR_AS(If, node)->body));
            TRY(fold_statements(folder, KR_AS(If, node)->orelse));
            break;
        case KR_With:
        case KR_AsyncWith: TRY(fold_with(folder, KR_AS(With, node))); break;
        case KR_Match: TRY(fold_match(folder, KR_AS(Match, node))); break;
        case KR_Raise:
            TRY(fold_optional(folder, &KR_AS(Raise, node)->exc));
            TRY(fold_optional(folder, &KR_AS(Raise, node)->cause));
            break;
        case KR_Try:
        case KR_TryStar: TRY(fold_try(folder, KR_AS(Try, node))); break;
        case KR_Assert:
            TRY(fold_expression(folder, &KR_AS(Assert, node)->test));
            TRY(fold_optional(folder, &KR_AS(Assert, node)->msg));
            break;
        case KR_Expr: TRY(fold_expression(folder, &KR_AS(Expr, node)->value)); break;
        default: break; /* import, global, nonlocal, pass, break, continue */
    }
    KR_COMPILE_LEAVE(folder);
    return 0;
}

int kr_compile_fold(KrNode *tree, int optimize, int future_flags, KrArena *arena) {
    Folder folder = {.arena = arena, .optimize = optimize, .future_features = future_flags};
    kr_compile_depth_init(&folder.depth, &folder.depth_limit, &folder.stack_limit);
    switch (tree->kind) {
        case KR_Module: return fold_body(&folder, KR_AS(Module, tree)->body);
        case KR_Interactive: return fold_statements(&folder, KR_AS(Interactive, tree)->body);
        case KR_Expression: return fold_expression(&folder, &KR_AS(Expression, tree)->body);
        default: return 0;
    }
}
