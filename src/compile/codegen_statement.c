/* Code generation for simple statements, conditions and loops. */
#include <Python.h>

#include "compile/codegen.h"

int kr_gen_statements(KrCompiler *c, const KrSeq *statements) {
    for (Py_ssize_t i = 0; i < kr_seq_count(statements); i++)
        TRY(kr_gen_statement(c, kr_seq_node(statements, i)));
    return 0;
}

static int has_annotation(const KrNode *node) {
    switch (node->kind) {
        case KR_AnnAssign: return 1;
        case KR_For:
        case KR_AsyncFor:
            return kr_has_annotations(KR_AS(For, node)->body) || kr_has_annotations(KR_AS(For, node)->orelse);
        case KR_While:
            return kr_has_annotations(KR_AS(While, node)->body) || kr_has_annotations(KR_AS(While, node)->orelse);
        case KR_If: return kr_has_annotations(KR_AS(If, node)->body) || kr_has_annotations(KR_AS(If, node)->orelse);
        case KR_With:
        case KR_AsyncWith: return kr_has_annotations(KR_AS(With, node)->body);
        case KR_Try:
        case KR_TryStar: {
            const Kr_Try *try = KR_AS(Try, node);
            for (Py_ssize_t i = 0; i < kr_seq_count(try->handlers); i++)
                if (kr_has_annotations(((Kr_ExceptHandler *)try->handlers->item[i])->body)) return 1;
            return kr_has_annotations(try->body) || kr_has_annotations(try->orelse) ||
                   kr_has_annotations(try->finalbody);
        }
        default: return 0;
    }
}

/* True if a variable annotation is among the statements, so that the scope needs __annotations__. */
int kr_has_annotations(const KrSeq *statements) {
    for (Py_ssize_t i = 0; i < kr_seq_count(statements); i++)
        if (has_annotation(kr_seq_node(statements, i))) return 1;
    return 0;
}

/* Assignment */

static int gen_assign(KrCompiler *c, const Kr_Assign *assign) {
    Py_ssize_t count = kr_seq_count(assign->targets);
    TRY(kr_gen_expression(c, assign->value));
    for (Py_ssize_t i = 0; i < count; i++) {
        if (i < count - 1) EMIT_ARG(COPY, 1);
        TRY(kr_gen_expression(c, kr_seq_node(assign->targets, i)));
    }
    return 0;
}

static int gen_augmented_assign(KrCompiler *c, const Kr_AugAssign *assign) {
    KrNode *target = assign->target;
    KrLocation statement = c->unit->location;
    kr_set_location(c, target);
    switch (target->kind) {
        case KR_Attribute:
            TRY(kr_gen_expression(c, KR_AS(Attribute, target)->value));
            EMIT_ARG(COPY, 1);
            kr_locate_at_attribute(c, KR_AS(Attribute, target));
            EMIT_NAME(LOAD_ATTR, KR_AS(Attribute, target)->attr);
            break;
        case KR_Subscript:
            TRY(kr_gen_expression(c, KR_AS(Subscript, target)->value));
            TRY(kr_gen_expression(c, KR_AS(Subscript, target)->slice));
            EMIT_ARG(COPY, 2);
            EMIT_ARG(COPY, 2);
            EMIT(BINARY_SUBSCR);
            break;
        case KR_Name: TRY(kr_gen_name(c, KR_AS(Name, target)->id, KR_Load)); break;
        default:
            PyErr_Format(PyExc_SystemError, "invalid node type (%d) for augmented assignment", target->kind);
            return -1;
    }
    c->unit->location = statement;
    TRY(kr_gen_expression(c, assign->value));
    TRY(kr_gen_binary(c, assign->op, 1));
    kr_set_location(c, target);
    switch (target->kind) {
        case KR_Attribute:
            kr_locate_at_attribute(c, KR_AS(Attribute, target));
            EMIT_ARG(SWAP, 2);
            EMIT_NAME(STORE_ATTR, KR_AS(Attribute, target)->attr);
            return 0;
        case KR_Subscript:
            EMIT_ARG(SWAP, 3);
            EMIT_ARG(SWAP, 2);
            EMIT(STORE_SUBSCR);
            return 0;
        default: return kr_gen_name(c, KR_AS(Name, target)->id, KR_Store);
    }
}

static int gen_and_drop(KrCompiler *c, KrNode *expression) {
    TRY(kr_gen_expression(c, expression));
    EMIT(POP_TOP);
    return 0;
}

/* Evaluates the index of an annotated target that is not assigned to. */
static int gen_annotated_index(KrCompiler *c, KrNode *index) {
    switch (index->kind) {
        case KR_Slice: {
            const Kr_Slice *slice = KR_AS(Slice, index);
            if (slice->lower != NULL) TRY(gen_and_drop(c, slice->lower));
            if (slice->upper != NULL) TRY(gen_and_drop(c, slice->upper));
            if (slice->step != NULL) TRY(gen_and_drop(c, slice->step));
            return 0;
        }
        case KR_Tuple: {
            const KrSeq *elements = KR_AS(Tuple, index)->elts;
            for (Py_ssize_t i = 0; i < kr_seq_count(elements); i++)
                TRY(gen_annotated_index(c, kr_seq_node(elements, i)));
            return 0;
        }
        default: return gen_and_drop(c, index);
    }
}

static int gen_annotated_assign(KrCompiler *c, const Kr_AnnAssign *assign) {
    KrNode *target = assign->target;
    int is_namespace = c->unit->kind == KR_UNIT_MODULE || c->unit->kind == KR_UNIT_CLASS;
    if (assign->value != NULL) {
        TRY(kr_gen_expression(c, assign->value));
        TRY(kr_gen_expression(c, target));
    }
    switch (target->kind) {
        case KR_Name: {
            TRY(kr_check_target(c, KR_AS(Name, target)->id, KR_Store));
            if (!assign->simple || !is_namespace) break;
            TRY(kr_gen_annotation(c, assign->annotation));
            PyObject *annotations = KR_NAME(__annotations__);
            if (annotations == NULL) return -1;
            EMIT_NAME(LOAD_NAME, annotations);
            EMIT_CONSTANT(kr_mangled(c, KR_AS(Name, target)->id));
            EMIT(STORE_SUBSCR);
            break;
        }
        case KR_Attribute:
            TRY(kr_check_target(c, KR_AS(Attribute, target)->attr, KR_Store));
            if (assign->value == NULL) TRY(gen_and_drop(c, KR_AS(Attribute, target)->value));
            break;
        case KR_Subscript:
            if (assign->value == NULL) {
                TRY(gen_and_drop(c, KR_AS(Subscript, target)->value));
                TRY(gen_annotated_index(c, KR_AS(Subscript, target)->slice));
            }
            break;
        default:
            PyErr_Format(PyExc_SystemError, "invalid node type (%d) for annotated assignment", target->kind);
            return -1;
    }
    /* The annotation of a target that is no plain name is only evaluated. */
    if (!assign->simple && is_namespace && !(c->future.features & CO_FUTURE_ANNOTATIONS))
        return gen_and_drop(c, assign->annotation);
    return 0;
}

/* Imports */

/* `import a.b.c as d` */
static int gen_import_as(KrCompiler *c, PyObject *name, PyObject *as_name) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(name), dot = PyUnicode_FindChar(name, '.', 0, length, 1);
    if (dot == -2) return -1;
    if (dot == -1) return kr_gen_name(c, as_name, KR_Store);
    /* The top package is on the stack: go down to the submodule, attribute by attribute. */
    for (;;) {
        Py_ssize_t start = dot + 1;
        dot = PyUnicode_FindChar(name, '.', start, length, 1);
        if (dot == -2) return -1;
        PyObject *attribute = PyUnicode_Substring(name, start, dot == -1 ? length : dot);
        if (attribute == NULL || kr_arena_own(c->arena, attribute) < 0) return -1;
        EMIT_NAME(IMPORT_FROM, attribute);
        if (dot == -1) break;
        EMIT_ARG(SWAP, 2);
        EMIT(POP_TOP);
    }
    TRY(kr_gen_name(c, as_name, KR_Store));
    EMIT(POP_TOP);
    return 0;
}

static int gen_import(KrCompiler *c, const Kr_Import *import) {
    for (Py_ssize_t i = 0; i < kr_seq_count(import->names); i++) {
        const Kr_alias *alias = import->names->item[i];
        TRY(kr_emit_new_constant(c, PyLong_FromLong(0)));
        EMIT_CONSTANT(Py_None);
        EMIT_NAME(IMPORT_NAME, alias->name);
        if (alias->asname != NULL) {
            TRY(gen_import_as(c, alias->name, alias->asname));
            continue;
        }
        PyObject *top = alias->name;
        Py_ssize_t dot = PyUnicode_FindChar(top, '.', 0, PyUnicode_GET_LENGTH(top), 1);
        if (dot == -2) return -1;
        if (dot >= 0) {
            top = PyUnicode_Substring(top, 0, dot);
            if (top == NULL || kr_arena_own(c->arena, top) < 0) return -1;
        }
        TRY(kr_gen_name(c, top, KR_Store));
    }
    return 0;
}

static int gen_import_from(KrCompiler *c, const Kr_ImportFrom *import) {
    Py_ssize_t count = kr_seq_count(import->names);
    TRY(kr_emit_new_constant(c, PyLong_FromLong(import->level)));
    PyObject *names = PyTuple_New(count);
    if (names == NULL) return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        PyTuple_SET_ITEM(names, i, Py_NewRef(((Kr_alias *)import->names->item[i])->name));
    if (import->node.lineno > c->future.lineno && import->module != NULL &&
        PyUnicode_CompareWithASCIIString(import->module, "__future__") == 0) {
        Py_DECREF(names);
        return kr_compile_error(c, "from __future__ imports must occur at the beginning of the file");
    }
    TRY(kr_emit_new_constant(c, names));
    PyObject *module = import->module != NULL ? import->module : KR_NAME_TEXT("");
    if (module == NULL) return -1;
    EMIT_NAME(IMPORT_NAME, module);
    for (Py_ssize_t i = 0; i < count; i++) {
        const Kr_alias *alias = import->names->item[i];
        if (i == 0 && PyUnicode_READ_CHAR(alias->name, 0) == '*') {
            EMIT(IMPORT_STAR);
            return 0;
        }
        EMIT_NAME(IMPORT_FROM, alias->name);
        TRY(kr_gen_name(c, alias->asname != NULL ? alias->asname : alias->name, KR_Store));
    }
    EMIT(POP_TOP);
    return 0;
}

/* Small statements */

static int gen_assert(KrCompiler *c, const Kr_Assert *assert) {
    const KrNode *test = assert->test;
    if ((test->kind == KR_Tuple && kr_seq_count(KR_AS(Tuple, test)->elts) > 0) ||
        (test->kind == KR_Constant && PyTuple_Check(KR_AS(Constant, test)->value) &&
         PyTuple_GET_SIZE(KR_AS(Constant, test)->value) > 0))
        TRY(kr_compile_warning(c, "assertion is always true, perhaps remove parentheses?"));
    if (c->optimize) return 0;
    NEW_BLOCK(end);
    TRY(kr_gen_jump_if(c, assert->test, end, 1));
    EMIT(LOAD_ASSERTION_ERROR);
    if (assert->msg != NULL) {
        TRY(kr_gen_expression(c, assert->msg));
        EMIT_ARG(PRECALL, 0);
        EMIT_ARG(CALL, 0);
    }
    EMIT_ARG(RAISE_VARARGS, 1);
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_raise(KrCompiler *c, const Kr_Raise *raise) {
    int count = 0;
    if (raise->exc != NULL) {
        TRY(kr_gen_expression(c, raise->exc));
        count++;
        if (raise->cause != NULL) {
            TRY(kr_gen_expression(c, raise->cause));
            count++;
        }
    }
    EMIT_ARG(RAISE_VARARGS, count);
    return 0;
}

static int gen_expression_statement(KrCompiler *c, KrNode *value) {
    if (c->is_interactive && c->nesting <= 1) {
        TRY(kr_gen_expression(c, value));
        EMIT(PRINT_EXPR);
        return 0;
    }
    if (value->kind == KR_Constant) {
        EMIT(NOP);
        return 0;
    }
    TRY(kr_gen_expression(c, value));
    kr_unset_location(c);
    EMIT(POP_TOP);
    return 0;
}

static int gen_return(KrCompiler *c, const Kr_Return *statement) {
    KrNode *value = statement->value;
    int keeps_value = value != NULL && value->kind != KR_Constant;
    if (c->unit->scope->type != KR_SCOPE_FUNCTION) return kr_compile_error(c, "'return' outside function");
    if (value != NULL && c->unit->scope->is_coroutine && c->unit->scope->is_generator)
        return kr_compile_error(c, "'return' with value in async generator");
    if (keeps_value) {
        TRY(kr_gen_expression(c, value));
    } else if (value != NULL) {
        kr_set_location(c, value);
        EMIT(NOP);
    }
    if (value == NULL || value->lineno != statement->node.lineno) {
        kr_set_location(c, &statement->node);
        EMIT(NOP);
    }
    TRY(kr_gen_unwind_all(c, keeps_value, NULL));
    if (value == NULL)
        EMIT_CONSTANT(Py_None);
    else if (!keeps_value)
        EMIT_CONSTANT(KR_AS(Constant, value)->value);
    EMIT(RETURN_VALUE);
    return 0;
}

/* Loops and conditions */

static int gen_if(KrCompiler *c, const Kr_If *statement) {
    int has_else = kr_seq_count(statement->orelse) > 0;
    NEW_BLOCK(end);
    KrBlock *otherwise = end;
    if (has_else) {
        otherwise = kr_unit_new_block(c);
        if (otherwise == NULL) return -1;
    }
    TRY(kr_gen_jump_if(c, statement->test, otherwise, 0));
    TRY(kr_gen_statements(c, statement->body));
    if (has_else) {
        EMIT_JUMP_NOWHERE(JUMP, end);
        kr_unit_use_block(c, otherwise);
        TRY(kr_gen_statements(c, statement->orelse));
    }
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_for(KrCompiler *c, const Kr_For *statement) {
    NEW_BLOCK(start);
    NEW_BLOCK(body);
    NEW_BLOCK(cleanup);
    NEW_BLOCK(end);
    TRY(kr_region_push(c, KR_REGION_FOR, start, end, NULL));
    TRY(kr_gen_expression(c, statement->iter));
    EMIT(GET_ITER);
    kr_unit_use_block(c, start);
    EMIT_JUMP(FOR_ITER, cleanup);
    kr_unit_use_block(c, body);
    TRY(kr_gen_expression(c, statement->target));
    TRY(kr_gen_statements(c, statement->body));
    kr_unset_location(c);
    EMIT_JUMP(JUMP, start);
    kr_unit_use_block(c, cleanup);
    kr_region_pop(c);
    TRY(kr_gen_statements(c, statement->orelse));
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_async_for(KrCompiler *c, const Kr_AsyncFor *statement) {
    if (kr_allows_top_level_await(c))
        c->unit->scope->is_coroutine = 1;
    else if (c->unit->kind != KR_UNIT_ASYNC_FUNCTION)
        return kr_compile_error(c, "'async for' outside async function");
    NEW_BLOCK(start);
    NEW_BLOCK(except);
    NEW_BLOCK(end);
    TRY(kr_gen_expression(c, statement->iter));
    EMIT(GET_AITER);
    kr_unit_use_block(c, start);
    TRY(kr_region_push(c, KR_REGION_FOR, start, end, NULL));
    EMIT_JUMP(SETUP_FINALLY, except);
    EMIT(GET_ANEXT);
    EMIT_CONSTANT(Py_None);
    TRY(kr_gen_yield_from(c, 1));
    EMIT(POP_BLOCK);
    TRY(kr_gen_expression(c, statement->target));
    TRY(kr_gen_statements(c, statement->body));
    kr_unset_location(c);
    EMIT_JUMP(JUMP, start);
    kr_region_pop(c);
    kr_unit_use_block(c, except);
    kr_set_location(c, statement->iter);
    EMIT(END_ASYNC_FOR);
    TRY(kr_gen_statements(c, statement->orelse));
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_while(KrCompiler *c, const Kr_While *statement) {
    NEW_BLOCK(loop);
    NEW_BLOCK(body);
    NEW_BLOCK(anchor);
    NEW_BLOCK(end);
    kr_unit_use_block(c, loop);
    TRY(kr_region_push(c, KR_REGION_WHILE, loop, end, NULL));
    TRY(kr_gen_jump_if(c, statement->test, anchor, 0));
    kr_unit_use_block(c, body);
    TRY(kr_gen_statements(c, statement->body));
    /* The test is repeated at the end of the loop, so that a round needs one jump. */
    kr_set_location(c, &statement->node);
    TRY(kr_gen_jump_if(c, statement->test, body, 1));
    kr_region_pop(c);
    kr_unit_use_block(c, anchor);
    TRY(kr_gen_statements(c, statement->orelse));
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_break(KrCompiler *c) {
    KrRegion *loop = NULL;
    KrLocation statement = c->unit->location;
    EMIT(NOP);
    TRY(kr_gen_unwind_all(c, 0, &loop));
    if (loop == NULL) c->unit->location = statement;
    if (loop == NULL) return kr_compile_error(c, "'break' outside loop");
    TRY(kr_gen_unwind(c, loop, 0));
    EMIT_JUMP(JUMP, loop->exit);
    return 0;
}

static int gen_continue(KrCompiler *c) {
    KrRegion *loop = NULL;
    KrLocation statement = c->unit->location;
    EMIT(NOP);
    TRY(kr_gen_unwind_all(c, 0, &loop));
    if (loop == NULL) c->unit->location = statement;
    if (loop == NULL) return kr_compile_error(c, "'continue' not properly in loop");
    EMIT_JUMP(JUMP, loop->block);
    return 0;
}

int kr_gen_statement(KrCompiler *c, KrNode *node) {
    KR_GEN_CHECK_STACK(c);
    kr_set_location(c, node);
    switch (node->kind) {
        case KR_FunctionDef:
        case KR_AsyncFunctionDef: return kr_gen_function(c, KR_AS(FunctionDef, node));
        case KR_ClassDef: return kr_gen_class(c, KR_AS(ClassDef, node));
        case KR_Return: return gen_return(c, KR_AS(Return, node));
        case KR_Delete: {
            const KrSeq *targets = KR_AS(Delete, node)->targets;
            for (Py_ssize_t i = 0; i < kr_seq_count(targets); i++)
                TRY(kr_gen_expression(c, kr_seq_node(targets, i)));
            return 0;
        }
        case KR_Assign: return gen_assign(c, KR_AS(Assign, node));
        case KR_AugAssign: return gen_augmented_assign(c, KR_AS(AugAssign, node));
        case KR_AnnAssign: return gen_annotated_assign(c, KR_AS(AnnAssign, node));
        case KR_For: return gen_for(c, KR_AS(For, node));
        case KR_AsyncFor: return gen_async_for(c, KR_AS(AsyncFor, node));
        case KR_While: return gen_while(c, KR_AS(While, node));
        case KR_If: return gen_if(c, KR_AS(If, node));
        case KR_With:
        case KR_AsyncWith: return kr_gen_with(c, node, 0);
        case KR_Match: return kr_gen_match(c, KR_AS(Match, node));
        case KR_Raise: return gen_raise(c, KR_AS(Raise, node));
        case KR_Try:
        case KR_TryStar: return kr_gen_try(c, KR_AS(Try, node));
        case KR_Assert: return gen_assert(c, KR_AS(Assert, node));
        case KR_Import: return gen_import(c, KR_AS(Import, node));
        case KR_ImportFrom: return gen_import_from(c, KR_AS(ImportFrom, node));
        case KR_Expr: return gen_expression_statement(c, KR_AS(Expr, node)->value);
        case KR_Pass: EMIT(NOP); return 0;
        case KR_Break: return gen_break(c);
        case KR_Continue: return gen_continue(c);
        default: return 0; /* global and nonlocal are the symbol table's business */
    }
}
