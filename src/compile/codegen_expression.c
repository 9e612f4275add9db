/* Code generation for expressions. */
#include <Python.h>

#include "compile/codegen.h"

/* Names */

int kr_check_target(KrCompiler *c, PyObject *name, KrEnumerator context) {
    if (context == KR_Load || PyUnicode_READ_CHAR(name, 0) != '_' ||
        PyUnicode_CompareWithASCIIString(name, "__debug__") != 0)
        return 0;
    return kr_compile_error(c, context == KR_Store ? "cannot assign to __debug__" : "cannot delete __debug__");
}

int kr_gen_name(KrCompiler *c, PyObject *name, KrEnumerator context) {
    enum { LOAD, STORE, DELETE };
    static const uint8_t deref[] = {OP_LOAD_DEREF, OP_STORE_DEREF, OP_DELETE_DEREF};
    static const uint8_t fast[] = {OP_LOAD_FAST, OP_STORE_FAST, OP_DELETE_FAST};
    static const uint8_t global[] = {OP_LOAD_GLOBAL, OP_STORE_GLOBAL, OP_DELETE_GLOBAL};
    static const uint8_t by_name[] = {OP_LOAD_NAME, OP_STORE_NAME, OP_DELETE_NAME};
    KrUnit *unit = c->unit;
    PyObject *mangled = kr_mangled(c, name);
    if (mangled == NULL) return -1;
    if (context != KR_Load && PyUnicode_GET_LENGTH(name) > 0) TRY(kr_check_target(c, name, context));
    int which = context == KR_Load ? LOAD : context == KR_Store ? STORE : DELETE;
    int is_function = unit->scope->type == KR_SCOPE_FUNCTION;
    switch (kr_scope_of_flags(kr_scope_flags(unit->scope, mangled))) {
        case KR_CELL: return kr_emit(c, deref[which], kr_numbering_find(&unit->cells, mangled));
        case KR_FREE: {
            int opcode = which == LOAD && unit->scope->type == KR_SCOPE_CLASS ? OP_LOAD_CLASSDEREF : deref[which];
            return kr_emit(c, opcode, unit->cells.count + kr_numbering_find(&unit->free_variables, mangled));
        }
        case KR_LOCAL:
            if (!is_function) break;
            int local = kr_numbering_add(c->arena, &unit->locals, mangled);
            return local < 0 ? -1 : kr_emit(c, fast[which], local);
        case KR_GLOBAL_IMPLICIT:
            if (!is_function) break;
            __attribute__((fallthrough));
        case KR_GLOBAL_EXPLICIT: {
            int index = kr_numbering_add(c->arena, &unit->names, mangled);
            /* The low bit of LOAD_GLOBAL's argument asks for a NULL below the value. */
            return index < 0 ? -1 : kr_emit(c, global[which], which == LOAD ? index << 1 : index);
        }
        default: break;
    }
    int index = kr_numbering_add(c->arena, &unit->names, mangled);
    return index < 0 ? -1 : kr_emit(c, by_name[which], index);
}

/* Displays */

static int gen_expressions(KrCompiler *c, const KrSeq *expressions) {
    for (Py_ssize_t i = 0; i < kr_seq_count(expressions); i++)
        TRY(kr_gen_expression(c, kr_seq_node(expressions, i)));
    return 0;
}

static int all_constant(const KrSeq *expressions, Py_ssize_t begin, Py_ssize_t end) {
    for (Py_ssize_t i = begin; i < end; i++)
        if (expressions->item[i] == NULL || kr_seq_node(expressions, i)->kind != KR_Constant) return 0;
    return 1;
}

/* Returns a new tuple of the values of constants. */
static PyObject *values_tuple(const KrSeq *constants, Py_ssize_t begin, Py_ssize_t end) {
    PyObject *tuple = PyTuple_New(end - begin);
    if (tuple == NULL) return NULL;
    for (Py_ssize_t i = begin; i < end; i++)
        PyTuple_SET_ITEM(tuple, i - begin, Py_NewRef(KR_AS(Constant, kr_seq_node(constants, i))->value));
    return tuple;
}

typedef struct Display {
    int build, add, extend;
    int is_tuple; /* build is BUILD_LIST, and the finished list is converted */
} Display;

static const Display list_display = {OP_BUILD_LIST, OP_LIST_APPEND, OP_LIST_EXTEND, 0};
static const Display tuple_display = {OP_BUILD_LIST, OP_LIST_APPEND, OP_LIST_EXTEND, 1};
static const Display set_display = {OP_BUILD_SET, OP_SET_ADD, OP_SET_UPDATE, 0};

/* Builds a collection of `pushed` values that are on the stack already, and the elements. */
static int gen_display(KrCompiler *c, const KrSeq *elements, int pushed, const Display *display) {
    int count = (int)kr_seq_count(elements);
    if (count > 2 && all_constant(elements, 0, count)) {
        PyObject *constant = values_tuple(elements, 0, count);
        if (constant == NULL) return -1;
        if (display->is_tuple && pushed == 0) return kr_emit_new_constant(c, constant);
        if (display->add == OP_SET_ADD) {
            Py_SETREF(constant, PyFrozenSet_New(constant));
            if (constant == NULL) return -1;
        }
        int index = kr_constant_add(c, constant);
        if (index < 0) return -1;
        TRY(kr_emit(c, display->build, pushed));
        TRY(kr_emit(c, OP_LOAD_CONST, index));
        TRY(kr_emit(c, display->extend, 1));
        return display->is_tuple ? kr_emit(c, OP_LIST_TO_TUPLE, 0) : 0;
    }

    int has_star = 0, is_big = count + pushed > KR_STACK_GUIDELINE;
    for (int i = 0; i < count; i++) has_star |= kr_seq_node(elements, i)->kind == KR_Starred;
    if (!has_star && !is_big) {
        TRY(gen_expressions(c, elements));
        return kr_emit(c, display->is_tuple ? OP_BUILD_TUPLE : display->build, count + pushed);
    }
    int is_built = is_big;
    if (is_big) TRY(kr_emit(c, display->build, pushed));
    for (int i = 0; i < count; i++) {
        KrNode *element = kr_seq_node(elements, i);
        if (element->kind == KR_Starred) {
            if (!is_built) TRY(kr_emit(c, display->build, i + pushed));
            is_built = 1;
            TRY(kr_gen_expression(c, KR_AS(Starred, element)->value));
            TRY(kr_emit(c, display->extend, 1));
        } else {
            TRY(kr_gen_expression(c, element));
            if (is_built) TRY(kr_emit(c, display->add, 1));
        }
    }
    if (display->is_tuple) EMIT(LIST_TO_TUPLE);
    return 0;
}

/* Unpacks the value on the stack into targets. */
static int gen_unpack(KrCompiler *c, const KrSeq *targets) {
    int count = (int)kr_seq_count(targets), has_star = 0;
    for (int i = 0; i < count; i++) {
        if (kr_seq_node(targets, i)->kind != KR_Starred) continue;
        if (has_star) return kr_compile_error(c, "multiple starred expressions in assignment");
        if (i >= 1 << 8 || count - i - 1 >= INT_MAX >> 8)
            return kr_compile_error(c, "too many expressions in star-unpacking assignment");
        EMIT_ARG(UNPACK_EX, i + ((count - i - 1) << 8));
        has_star = 1;
    }
    if (!has_star) EMIT_ARG(UNPACK_SEQUENCE, count);
    for (int i = 0; i < count; i++) {
        KrNode *target = kr_seq_node(targets, i);
        TRY(kr_gen_expression(c, target->kind == KR_Starred ? KR_AS(Starred, target)->value : target));
    }
    return 0;
}

static int gen_list_or_tuple(KrCompiler *c, const KrSeq *elements, KrEnumerator context, const Display *display) {
    if (context == KR_Store) return gen_unpack(c, elements);
    if (context == KR_Load) return gen_display(c, elements, 0, display);
    return gen_expressions(c, elements);
}

/* Builds a dict of the items from `begin` to `end`. */
static int gen_dict_part(KrCompiler *c, const Kr_Dict *dict, Py_ssize_t begin, Py_ssize_t end) {
    Py_ssize_t count = end - begin;
    int is_big = count * 2 > KR_STACK_GUIDELINE;
    if (count > 1 && !is_big && all_constant(dict->keys, begin, end)) {
        for (Py_ssize_t i = begin; i < end; i++) TRY(kr_gen_expression(c, kr_seq_node(dict->values, i)));
        TRY(kr_emit_new_constant(c, values_tuple(dict->keys, begin, end)));
        return kr_emit(c, OP_BUILD_CONST_KEY_MAP, (int)count);
    }
    if (is_big) EMIT_ARG(BUILD_MAP, 0);
    for (Py_ssize_t i = begin; i < end; i++) {
        TRY(kr_gen_expression(c, kr_seq_node(dict->keys, i)));
        TRY(kr_gen_expression(c, kr_seq_node(dict->values, i)));
        if (is_big) EMIT_ARG(MAP_ADD, 1);
    }
    if (!is_big) EMIT_ARG(BUILD_MAP, (int)count);
    return 0;
}

/* A dict is built in parts: each `**` ends one, and so does a part that is large enough. */
static int gen_dict(KrCompiler *c, const Kr_Dict *dict) {
    Py_ssize_t count = kr_seq_count(dict->values), waiting = 0;
    int is_built = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (dict->keys->item[i] == NULL) {
            if (waiting) {
                TRY(gen_dict_part(c, dict, i - waiting, i));
                if (is_built) EMIT_ARG(DICT_UPDATE, 1);
                is_built = 1;
                waiting = 0;
            }
            if (!is_built) EMIT_ARG(BUILD_MAP, 0);
            is_built = 1;
            TRY(kr_gen_expression(c, kr_seq_node(dict->values, i)));
            EMIT_ARG(DICT_UPDATE, 1);
        } else if (waiting * 2 > KR_STACK_GUIDELINE) {
            TRY(gen_dict_part(c, dict, i - waiting, i + 1));
            if (is_built) EMIT_ARG(DICT_UPDATE, 1);
            is_built = 1;
            waiting = 0;
        } else {
            waiting++;
        }
    }
    if (waiting) {
        TRY(gen_dict_part(c, dict, count - waiting, count));
        if (is_built) EMIT_ARG(DICT_UPDATE, 1);
        is_built = 1;
    }
    if (!is_built) EMIT_ARG(BUILD_MAP, 0);
    return 0;
}

/* Strings */

static int gen_formatted_value(KrCompiler *c, const Kr_FormattedValue *value) {
    enum { CONVERT_STR = 1, CONVERT_REPR = 2, CONVERT_ASCII = 3, HAS_SPEC = 4 };
    int argument;
    TRY(kr_gen_expression(c, value->value));
    switch (value->conversion) {
        case 's': argument = CONVERT_STR; break;
        case 'r': argument = CONVERT_REPR; break;
        case 'a': argument = CONVERT_ASCII; break;
        case -1: argument = 0; break;
        default:
            PyErr_Format(PyExc_SystemError, "Unrecognized conversion character %d", value->conversion);
            return -1;
    }
    if (value->format_spec != NULL) {
        TRY(kr_gen_expression(c, value->format_spec));
        argument |= HAS_SPEC;
    }
    return kr_emit(c, OP_FORMAT_VALUE, argument);
}

static int gen_joined_string(KrCompiler *c, const KrSeq *values) {
    Py_ssize_t count = kr_seq_count(values);
    if (count > KR_STACK_GUIDELINE) {
        TRY(kr_emit_new_constant(c, PyUnicode_FromString("")));
        PyObject *join = KR_NAME(join);
        if (join == NULL) return -1;
        EMIT_NAME(LOAD_METHOD, join);
        EMIT_ARG(BUILD_LIST, 0);
        for (Py_ssize_t i = 0; i < count; i++) {
            TRY(kr_gen_expression(c, kr_seq_node(values, i)));
            EMIT_ARG(LIST_APPEND, 1);
        }
        EMIT_ARG(PRECALL, 1);
        EMIT_ARG(CALL, 1);
        return 0;
    }
    TRY(gen_expressions(c, values));
    if (count != 1) EMIT_ARG(BUILD_STRING, (int)count);
    return 0;
}

/* Operators */

int kr_gen_binary(KrCompiler *c, KrEnumerator operator, int in_place) {
    static const uint8_t arguments[] = {
        [KR_Add] = KR_NB_ADD,
        [KR_Sub] = KR_NB_SUBTRACT,
        [KR_Mult] = KR_NB_MULTIPLY,
        [KR_MatMult] = KR_NB_MATRIX_MULTIPLY,
        [KR_Div] = KR_NB_TRUE_DIVIDE,
        [KR_Mod] = KR_NB_REMAINDER,
        [KR_Pow] = KR_NB_POWER,
        [KR_LShift] = KR_NB_LSHIFT,
        [KR_RShift] = KR_NB_RSHIFT,
        [KR_BitOr] = KR_NB_OR,
        [KR_BitXor] = KR_NB_XOR,
        [KR_BitAnd] = KR_NB_AND,
        [KR_FloorDiv] = KR_NB_FLOOR_DIVIDE,
    };
    return kr_emit(c, OP_BINARY_OP, arguments[operator] + (in_place ? KR_NB_INPLACE : 0));
}

static int gen_unary(KrCompiler *c, const Kr_UnaryOp *unary) {
    TRY(kr_gen_expression(c, unary->operand));
    switch (unary->op) {
        case KR_Invert: return kr_emit(c, OP_UNARY_INVERT, 0);
        case KR_Not: return kr_emit(c, OP_UNARY_NOT, 0);
        case KR_UAdd: return kr_emit(c, OP_UNARY_POSITIVE, 0);
        default: return kr_emit(c, OP_UNARY_NEGATIVE, 0);
    }
}

int kr_gen_compare(KrCompiler *c, KrEnumerator operator) {
    switch (operator) {
        case KR_Eq: return kr_emit(c, OP_COMPARE_OP, Py_EQ);
        case KR_NotEq: return kr_emit(c, OP_COMPARE_OP, Py_NE);
        case KR_Lt: return kr_emit(c, OP_COMPARE_OP, Py_LT);
        case KR_LtE: return kr_emit(c, OP_COMPARE_OP, Py_LE);
        case KR_Gt: return kr_emit(c, OP_COMPARE_OP, Py_GT);
        case KR_GtE: return kr_emit(c, OP_COMPARE_OP, Py_GE);
        case KR_Is: return kr_emit(c, OP_IS_OP, 0);
        case KR_IsNot: return kr_emit(c, OP_IS_OP, 1);
        case KR_In: return kr_emit(c, OP_CONTAINS_OP, 0);
        default: return kr_emit(c, OP_CONTAINS_OP, 1);
    }
}

static int is_identity_literal(const KrNode *node) {
    if (node->kind != KR_Constant) return 0;
    const PyObject *value = KR_AS(Constant, node)->value;
    return value != Py_None && value != Py_True && value != Py_False && value != Py_Ellipsis;
}

static int check_identity_tests(KrCompiler *c, const Kr_Compare *compare) {
    int left = is_identity_literal(compare->left);
    for (Py_ssize_t i = 0; i < kr_seq_count(compare->ops); i++) {
        KrEnumerator operator = kr_seq_enumerator(compare->ops, i);
        int right = is_identity_literal(kr_seq_node(compare->comparators, i));
        if ((operator == KR_Is || operator == KR_IsNot) && (left || right))
            return kr_compile_warning(c, operator == KR_Is ? "\"is\" with a literal. Did you mean \"==\"?"
                                                           : "\"is not\" with a literal. Did you mean \"!=\"?");
        left = right;
    }
    return 0;
}

/* One more link of a chain: leaves the right operand below the result, for the next link. */
static int gen_chain_link(KrCompiler *c, const Kr_Compare *compare, Py_ssize_t i) {
    TRY(kr_gen_expression(c, kr_seq_node(compare->comparators, i)));
    EMIT_ARG(SWAP, 2);
    EMIT_ARG(COPY, 2);
    return kr_gen_compare(c, kr_seq_enumerator(compare->ops, i));
}

static int gen_comparison(KrCompiler *c, const Kr_Compare *compare) {
    TRY(check_identity_tests(c, compare));
    TRY(kr_gen_expression(c, compare->left));
    Py_ssize_t last = kr_seq_count(compare->ops) - 1;
    if (last == 0) {
        TRY(kr_gen_expression(c, kr_seq_node(compare->comparators, 0)));
        return kr_gen_compare(c, kr_seq_enumerator(compare->ops, 0));
    }
    NEW_BLOCK(cleanup);
    for (Py_ssize_t i = 0; i < last; i++) {
        TRY(gen_chain_link(c, compare, i));
        EMIT_JUMP(JUMP_IF_FALSE_OR_POP, cleanup);
    }
    TRY(kr_gen_expression(c, kr_seq_node(compare->comparators, last)));
    TRY(kr_gen_compare(c, kr_seq_enumerator(compare->ops, last)));
    NEW_BLOCK(end);
    EMIT_JUMP_NOWHERE(JUMP, end);
    kr_unit_use_block(c, cleanup);
    EMIT_ARG(SWAP, 2);
    EMIT(POP_TOP);
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_boolean(KrCompiler *c, const Kr_BoolOp *boolean) {
    Py_ssize_t last = kr_seq_count(boolean->values) - 1;
    NEW_BLOCK(end);
    for (Py_ssize_t i = 0; i < last; i++) {
        TRY(kr_gen_expression(c, kr_seq_node(boolean->values, i)));
        if (boolean->op == KR_And)
            EMIT_JUMP(JUMP_IF_FALSE_OR_POP, end);
        else
            EMIT_JUMP(JUMP_IF_TRUE_OR_POP, end);
    }
    TRY(kr_gen_expression(c, kr_seq_node(boolean->values, last)));
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_conditional(KrCompiler *c, const Kr_IfExp *conditional) {
    NEW_BLOCK(end);
    NEW_BLOCK(otherwise);
    TRY(kr_gen_jump_if(c, conditional->test, otherwise, 0));
    TRY(kr_gen_expression(c, conditional->body));
    EMIT_JUMP_NOWHERE(JUMP, end);
    kr_unit_use_block(c, otherwise);
    TRY(kr_gen_expression(c, conditional->orelse));
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_jump_on(KrCompiler *c, KrBlock *target, int condition) {
    return kr_emit_jump(c, condition ? OP_POP_JUMP_IF_TRUE : OP_POP_JUMP_IF_FALSE, target);
}

static int gen_jump_if_chain(KrCompiler *c, Kr_Compare *compare, KrBlock *target, int condition) {
    TRY(check_identity_tests(c, compare));
    Py_ssize_t last = kr_seq_count(compare->ops) - 1;
    NEW_BLOCK(cleanup);
    TRY(kr_gen_expression(c, compare->left));
    for (Py_ssize_t i = 0; i < last; i++) {
        TRY(gen_chain_link(c, compare, i));
        EMIT_JUMP(POP_JUMP_IF_FALSE, cleanup);
    }
    TRY(kr_gen_expression(c, kr_seq_node(compare->comparators, last)));
    TRY(kr_gen_compare(c, kr_seq_enumerator(compare->ops, last)));
    TRY(gen_jump_on(c, target, condition));
    NEW_BLOCK(end);
    EMIT_JUMP_NOWHERE(JUMP, end);
    kr_unit_use_block(c, cleanup);
    EMIT(POP_TOP);
    if (!condition) EMIT_JUMP_NOWHERE(JUMP, target);
    kr_unit_use_block(c, end);
    return 0;
}

/* Jumps if the truth of `test` is `condition`, without making a bool of it. */
int kr_gen_jump_if(KrCompiler *c, KrNode *test, KrBlock *target, int condition) {
    switch (test->kind) {
        case KR_UnaryOp:
            if (KR_AS(UnaryOp, test)->op == KR_Not)
                return kr_gen_jump_if(c, KR_AS(UnaryOp, test)->operand, target, !condition);
            break;
        case KR_BoolOp: {
            Kr_BoolOp *boolean = KR_AS(BoolOp, test);
            Py_ssize_t last = kr_seq_count(boolean->values) - 1;
            int decisive = boolean->op == KR_Or;
            KrBlock *decided = target;
            if (decisive != !!condition) {
                decided = kr_unit_new_block(c);
                if (decided == NULL) return -1;
            }
            for (Py_ssize_t i = 0; i < last; i++)
                TRY(kr_gen_jump_if(c, kr_seq_node(boolean->values, i), decided, decisive));
            TRY(kr_gen_jump_if(c, kr_seq_node(boolean->values, last), target, condition));
            if (decided != target) kr_unit_use_block(c, decided);
            return 0;
        }
        case KR_IfExp: {
            Kr_IfExp *conditional = KR_AS(IfExp, test);
            NEW_BLOCK(end);
            NEW_BLOCK(otherwise);
            TRY(kr_gen_jump_if(c, conditional->test, otherwise, 0));
            TRY(kr_gen_jump_if(c, conditional->body, target, condition));
            EMIT_JUMP_NOWHERE(JUMP, end);
            kr_unit_use_block(c, otherwise);
            TRY(kr_gen_jump_if(c, conditional->orelse, target, condition));
            kr_unit_use_block(c, end);
            return 0;
        }
        case KR_Compare:
            /* The jump on a comparison, and what follows it, belong to the comparison. */
            kr_set_location(c, test);
            if (kr_seq_count(KR_AS(Compare, test)->ops) > 1)
                return gen_jump_if_chain(c, KR_AS(Compare, test), target, condition);
            break;
        default: break;
    }
    TRY(kr_gen_expression(c, test));
    return gen_jump_on(c, target, condition);
}

/* Likely mistakes */

/* Returns the type of an expression's value if its form tells, else NULL. */
static PyTypeObject *evident_type(const KrNode *node) {
    switch (node->kind) {
        case KR_Tuple: return &PyTuple_Type;
        case KR_List:
        case KR_ListComp: return &PyList_Type;
        case KR_Dict:
        case KR_DictComp: return &PyDict_Type;
        case KR_Set:
        case KR_SetComp: return &PySet_Type;
        case KR_GeneratorExp: return &PyGen_Type;
        case KR_Lambda: return &PyFunction_Type;
        case KR_JoinedStr:
        case KR_FormattedValue: return &PyUnicode_Type;
        case KR_Constant: return Py_TYPE(KR_AS(Constant, node)->value);
        default: return NULL;
    }
}

static int check_callable(KrCompiler *c, const KrNode *function) {
    PyTypeObject *type = function->kind == KR_Lambda ? NULL : evident_type(function);
    if (type == NULL) return 0;
    return kr_compile_warning(c, "'%.200s' object is not callable; perhaps you missed a comma?", type->tp_name);
}

static int check_subscriptable(KrCompiler *c, const KrNode *value) {
    switch (value->kind) {
        case KR_Constant: {
            PyObject *constant = KR_AS(Constant, value)->value;
            if (constant == Py_None || constant == Py_Ellipsis || PyLong_Check(constant) || PyFloat_Check(constant) ||
                PyComplex_Check(constant) || PyAnySet_Check(constant))
                break;
            return 0;
        }
        case KR_Set:
        case KR_SetComp:
        case KR_GeneratorExp:
        case KR_Lambda: break;
        default: return 0;
    }
    return kr_compile_warning(c, "'%.200s' object is not subscriptable; perhaps you missed a comma?",
                              evident_type(value)->tp_name);
}

static int check_index(KrCompiler *c, const KrNode *value, const KrNode *index) {
    PyTypeObject *index_type = evident_type(index);
    if (index_type == NULL || PyType_FastSubclass(index_type, Py_TPFLAGS_LONG_SUBCLASS) || index_type == &PySlice_Type)
        return 0;
    switch (value->kind) {
        case KR_Constant: {
            PyObject *constant = KR_AS(Constant, value)->value;
            if (!PyUnicode_Check(constant) && !PyBytes_Check(constant) && !PyTuple_Check(constant)) return 0;
            break;
        }
        case KR_Tuple:
        case KR_List:
        case KR_ListComp:
        case KR_JoinedStr:
        case KR_FormattedValue: break;
        default: return 0;
    }
    return kr_compile_warning(
        c, "%.200s indices must be integers or slices, not %.200s; perhaps you missed a comma?",
        evident_type(value)->tp_name, index_type->tp_name);
}

/* Calls */

static int check_keywords(KrCompiler *c, const KrSeq *keywords) {
    Py_ssize_t count = kr_seq_count(keywords);
    for (Py_ssize_t i = 0; i < count; i++) {
        Kr_keyword *keyword = keywords->item[i];
        if (keyword->arg == NULL) continue;
        TRY(kr_check_target(c, keyword->arg, KR_Store));
        for (Py_ssize_t j = i + 1; j < count; j++) {
            Kr_keyword *other = keywords->item[j];
            if (other->arg == NULL || (other->arg != keyword->arg && PyUnicode_Compare(other->arg, keyword->arg) != 0))
                continue;
            kr_set_location(c, &other->node);
            return kr_compile_error(c, "keyword argument repeated: %U", keyword->arg);
        }
    }
    return 0;
}

/* Returns a new tuple of the names of keyword arguments. */
static PyObject *keyword_names(KrCompiler *c, const KrSeq *keywords, Py_ssize_t begin, Py_ssize_t end) {
    PyObject *names = PyTuple_New(end - begin);
    if (names == NULL) return NULL;
    for (Py_ssize_t i = begin; i < end; i++) {
        PyObject *name = kr_identifier_intern(c->arena, ((Kr_keyword *)keywords->item[i])->arg);
        if (name == NULL) {
            Py_DECREF(names);
            return NULL;
        }
        PyTuple_SET_ITEM(names, i - begin, Py_NewRef(name));
    }
    return names;
}

static int gen_keyword_values(KrCompiler *c, const KrSeq *keywords, Py_ssize_t begin, Py_ssize_t end) {
    for (Py_ssize_t i = begin; i < end; i++)
        TRY(kr_gen_expression(c, ((Kr_keyword *)keywords->item[i])->value));
    return 0;
}

static int gen_keyword_names(KrCompiler *c, const KrSeq *keywords) {
    if (kr_seq_count(keywords) == 0) return 0;
    int index = kr_constant_add(c, keyword_names(c, keywords, 0, kr_seq_count(keywords)));
    return index < 0 ? -1 : kr_emit(c, OP_KW_NAMES, index);
}

/* Builds a dict of the named keyword arguments from `begin` to `end`. */
static int gen_keyword_dict(KrCompiler *c, const KrSeq *keywords, Py_ssize_t begin, Py_ssize_t end) {
    Py_ssize_t count = end - begin;
    int is_big = count * 2 > KR_STACK_GUIDELINE;
    if (count > 1 && !is_big) {
        TRY(gen_keyword_values(c, keywords, begin, end));
        TRY(kr_emit_new_constant(c, keyword_names(c, keywords, begin, end)));
        return kr_emit(c, OP_BUILD_CONST_KEY_MAP, (int)count);
    }
    if (is_big) EMIT_ARG(BUILD_MAP, 0);
    for (Py_ssize_t i = begin; i < end; i++) {
        Kr_keyword *keyword = keywords->item[i];
        EMIT_CONSTANT(kr_identifier_intern(c->arena, keyword->arg));
        TRY(kr_gen_expression(c, keyword->value));
        if (!is_big) continue;
        KrLocation call = c->unit->location;
        kr_unset_location(c);
        EMIT_ARG(MAP_ADD, 1);
        c->unit->location = call;
    }
    if (!is_big) EMIT_ARG(BUILD_MAP, (int)count);
    return 0;
}

static int has_star_argument(const KrSeq *arguments, const KrSeq *keywords) {
    for (Py_ssize_t i = 0; i < kr_seq_count(arguments); i++)
        if (kr_seq_node(arguments, i)->kind == KR_Starred) return 1;
    for (Py_ssize_t i = 0; i < kr_seq_count(keywords); i++)
        if (((Kr_keyword *)keywords->item[i])->arg == NULL) return 1;
    return 0;
}

/* A call with * or ** arguments, or with very many: they are collected in a tuple and a dict. */
static int gen_call_collected(KrCompiler *c, int pushed, const KrSeq *arguments, const KrSeq *keywords) {
    Py_ssize_t keyword_count = kr_seq_count(keywords), waiting = 0;
    if (pushed == 0 && kr_seq_count(arguments) == 1 && kr_seq_node(arguments, 0)->kind == KR_Starred)
        TRY(kr_gen_expression(c, KR_AS(Starred, kr_seq_node(arguments, 0))->value));
    else
        TRY(gen_display(c, arguments, pushed, &tuple_display));
    if (keyword_count > 0) {
        int is_built = 0;
        for (Py_ssize_t i = 0; i < keyword_count; i++) {
            Kr_keyword *keyword = keywords->item[i];
            if (keyword->arg != NULL) {
                waiting++;
                continue;
            }
            if (waiting) {
                TRY(gen_keyword_dict(c, keywords, i - waiting, i));
                if (is_built) EMIT_ARG(DICT_MERGE, 1);
                is_built = 1;
                waiting = 0;
            }
            if (!is_built) EMIT_ARG(BUILD_MAP, 0);
            is_built = 1;
            TRY(kr_gen_expression(c, keyword->value));
            EMIT_ARG(DICT_MERGE, 1);
        }
        if (waiting) {
            TRY(gen_keyword_dict(c, keywords, keyword_count - waiting, keyword_count));
            if (is_built) EMIT_ARG(DICT_MERGE, 1);
        }
    }
    EMIT_ARG(CALL_FUNCTION_EX, keyword_count > 0);
    return 0;
}

int kr_gen_call(KrCompiler *c, int pushed, const KrSeq *arguments, const KrSeq *keywords) {
    TRY(check_keywords(c, keywords));
    int count = (int)kr_seq_count(arguments), keyword_count = (int)kr_seq_count(keywords);
    if (count + keyword_count * 2 > KR_STACK_GUIDELINE || has_star_argument(arguments, keywords))
        return gen_call_collected(c, pushed, arguments, keywords);
    TRY(gen_expressions(c, arguments));
    TRY(gen_keyword_values(c, keywords, 0, keyword_count));
    TRY(gen_keyword_names(c, keywords));
    EMIT_ARG(PRECALL, pushed + count + keyword_count);
    EMIT_ARG(CALL, pushed + count + keyword_count);
    return 0;
}

/* `value.method(...)` without * and **: the method is looked up without making a bound method. */
static int gen_method_call(KrCompiler *c, const Kr_Call *call) {
    Kr_Attribute *method = KR_AS(Attribute, call->func);
    int count = (int)kr_seq_count(call->args), keyword_count = (int)kr_seq_count(call->keywords);
    TRY(kr_gen_expression(c, method->value));
    kr_set_location(c, &method->node);
    kr_locate_at_attribute(c, method);
    EMIT_NAME(LOAD_METHOD, method->attr);
    TRY(gen_expressions(c, call->args));
    if (keyword_count > 0) {
        TRY(check_keywords(c, call->keywords));
        TRY(gen_keyword_values(c, call->keywords, 0, keyword_count));
        TRY(gen_keyword_names(c, call->keywords));
    }
    kr_set_location(c, &call->node);
    kr_locate_at_attribute(c, method);
    EMIT_ARG(PRECALL, count + keyword_count);
    EMIT_ARG(CALL, count + keyword_count);
    return 0;
}

/* A function of an imported module is no method: a bound method would not be made anyway. */
static int is_imported(KrCompiler *c, const KrNode *value) {
    if (value->kind != KR_Name) return 0;
    PyObject *name = kr_identifier_intern(c->arena, KR_AS(Name, value)->id);
    return name != NULL && (kr_scope_flags(c->symbols->top, name) & KR_DEF_IMPORT);
}

static int gen_call_expression(KrCompiler *c, const Kr_Call *call) {
    KrNode *function = call->func;
    Py_ssize_t keyword_count = kr_seq_count(call->keywords);
    if (function->kind == KR_Attribute && KR_AS(Attribute, function)->ctx == KR_Load &&
        !is_imported(c, KR_AS(Attribute, function)->value) &&
        kr_seq_count(call->args) + keyword_count + (keyword_count > 0) < KR_STACK_GUIDELINE &&
        !has_star_argument(call->args, call->keywords))
        return gen_method_call(c, call);
    TRY(check_callable(c, function));
    kr_set_location(c, function);
    EMIT(PUSH_NULL);
    kr_set_location(c, &call->node);
    TRY(kr_gen_expression(c, function));
    return kr_gen_call(c, 0, call->args, call->keywords);
}

/* Attributes and subscripts */

static int gen_attribute(KrCompiler *c, const Kr_Attribute *attribute) {
    TRY(kr_gen_expression(c, attribute->value));
    kr_locate_at_attribute(c, attribute);
    switch (attribute->ctx) {
        case KR_Load: EMIT_NAME(LOAD_ATTR, attribute->attr); break;
        case KR_Store:
            TRY(kr_check_target(c, attribute->attr, KR_Store));
            EMIT_NAME(STORE_ATTR, attribute->attr);
            break;
        default: EMIT_NAME(DELETE_ATTR, attribute->attr); break;
    }
    return 0;
}

static int gen_subscript(KrCompiler *c, const Kr_Subscript *subscript) {
    if (subscript->ctx == KR_Load) {
        TRY(check_subscriptable(c, subscript->value));
        TRY(check_index(c, subscript->value, subscript->slice));
    }
    TRY(kr_gen_expression(c, subscript->value));
    TRY(kr_gen_expression(c, subscript->slice));
    switch (subscript->ctx) {
        case KR_Load: return kr_emit(c, OP_BINARY_SUBSCR, 0);
        case KR_Store: return kr_emit(c, OP_STORE_SUBSCR, 0);
        default: return kr_emit(c, OP_DELETE_SUBSCR, 0);
    }
}

static int gen_optional(KrCompiler *c, KrNode *node) {
    return node == NULL ? kr_emit_constant(c, Py_None) : kr_gen_expression(c, node);
}

static int gen_slice(KrCompiler *c, const Kr_Slice *slice) {
    TRY(gen_optional(c, slice->lower));
    TRY(gen_optional(c, slice->upper));
    if (slice->step != NULL) TRY(kr_gen_expression(c, slice->step));
    EMIT_ARG(BUILD_SLICE, slice->step == NULL ? 2 : 3);
    return 0;
}

/* Suspension */

int kr_gen_yield(KrCompiler *c) {
    if (c->unit->scope->is_generator && c->unit->scope->is_coroutine) EMIT(ASYNC_GEN_WRAP);
    EMIT(YIELD_VALUE);
    EMIT_ARG(RESUME, 1);
    return 0;
}

int kr_gen_yield_from(KrCompiler *c, int is_await) {
    NEW_BLOCK(start);
    NEW_BLOCK(resume);
    NEW_BLOCK(exit);
    kr_unit_use_block(c, start);
    EMIT_JUMP(SEND, exit);
    kr_unit_use_block(c, resume);
    EMIT(YIELD_VALUE);
    EMIT_ARG(RESUME, is_await ? 3 : 2);
    EMIT_JUMP(JUMP_NO_INTERRUPT, start);
    kr_unit_use_block(c, exit);
    return 0;
}

static int gen_yield_expression(KrCompiler *c, KrNode *value) {
    if (c->unit->scope->type != KR_SCOPE_FUNCTION) return kr_compile_error(c, "'yield' outside function");
    TRY(gen_optional(c, value));
    return kr_gen_yield(c);
}

static int gen_delegation(KrCompiler *c, KrNode *value) {
    if (c->unit->scope->type != KR_SCOPE_FUNCTION) return kr_compile_error(c, "'yield' outside function");
    if (c->unit->kind == KR_UNIT_ASYNC_FUNCTION)
        return kr_compile_error(c, "'yield from' inside async function");
    TRY(kr_gen_expression(c, value));
    EMIT(GET_YIELD_FROM_ITER);
    EMIT_CONSTANT(Py_None);
    return kr_gen_yield_from(c, 0);
}

static int gen_await(KrCompiler *c, KrNode *value) {
    if (!kr_allows_top_level_await(c)) {
        if (c->unit->scope->type != KR_SCOPE_FUNCTION) return kr_compile_error(c, "'await' outside function");
        if (c->unit->kind != KR_UNIT_ASYNC_FUNCTION && c->unit->kind != KR_UNIT_COMPREHENSION)
            return kr_compile_error(c, "'await' outside async function");
    }
    TRY(kr_gen_expression(c, value));
    EMIT_ARG(GET_AWAITABLE, 0);
    EMIT_CONSTANT(Py_None);
    return kr_gen_yield_from(c, 1);
}

static int gen_unlocated(KrCompiler *c, KrNode *node) {
    switch (node->kind) {
        case KR_Name: return kr_gen_name(c, KR_AS(Name, node)->id, KR_AS(Name, node)->ctx);
        case KR_Constant: return kr_emit_constant(c, KR_AS(Constant, node)->value);
        case KR_Attribute: return gen_attribute(c, KR_AS(Attribute, node));
        case KR_Call: return gen_call_expression(c, KR_AS(Call, node));
        case KR_Subscript: return gen_subscript(c, KR_AS(Subscript, node));
        case KR_NamedExpr:
            TRY(kr_gen_expression(c, KR_AS(NamedExpr, node)->value));
            EMIT_ARG(COPY, 1);
            return kr_gen_expression(c, KR_AS(NamedExpr, node)->target);
        case KR_BoolOp: return gen_boolean(c, KR_AS(BoolOp, node));
        case KR_BinOp:
            TRY(kr_gen_expression(c, KR_AS(BinOp, node)->left));
            TRY(kr_gen_expression(c, KR_AS(BinOp, node)->right));
            return kr_gen_binary(c, KR_AS(BinOp, node)->op, 0);
        case KR_UnaryOp: return gen_unary(c, KR_AS(UnaryOp, node));
        case KR_Lambda: return kr_gen_lambda(c, KR_AS(Lambda, node));
        case KR_IfExp: return gen_conditional(c, KR_AS(IfExp, node));
        case KR_Dict: return gen_dict(c, KR_AS(Dict, node));
        case KR_Set: return gen_display(c, KR_AS(Set, node)->elts, 0, &set_display);
        case KR_ListComp:
        case KR_SetComp:
        case KR_DictComp:
        case KR_GeneratorExp: return kr_gen_comprehension(c, node);
        case KR_Yield: return gen_yield_expression(c, KR_AS(Yield, node)->value);
        case KR_YieldFrom: return gen_delegation(c, KR_AS(YieldFrom, node)->value);
        case KR_Await: return gen_await(c, KR_AS(Await, node)->value);
        case KR_Compare: return gen_comparison(c, KR_AS(Compare, node));
        case KR_FormattedValue: return gen_formatted_value(c, KR_AS(FormattedValue, node));
        case KR_JoinedStr: return gen_joined_string(c, KR_AS(JoinedStr, node)->values);
        case KR_Starred:
            return kr_compile_error(c, KR_AS(Starred, node)->ctx == KR_Store
                                           ? "starred assignment target must be in a list or tuple"
                                           : "can't use starred expression here");
        case KR_Slice: return gen_slice(c, KR_AS(Slice, node));
        case KR_List:
            return gen_list_or_tuple(c, KR_AS(List, node)->elts, KR_AS(List, node)->ctx, &list_display);
        case KR_Tuple:
            return gen_list_or_tuple(c, KR_AS(Tuple, node)->elts, KR_AS(Tuple, node)->ctx, &tuple_display);
        default: PyErr_Format(PyExc_SystemError, "unexpected expression"); return -1;
    }
}

int kr_gen_expression(KrCompiler *c, KrNode *node) {
    KR_GEN_CHECK_STACK(c);
    KrLocation outer = c->unit->location;
    kr_set_location(c, node);
    TRY(gen_unlocated(c, node));
    c->unit->location = outer;
    return 0;
}
