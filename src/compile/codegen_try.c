/* Code generation for try and with statements, and for leaving them. */
#include <Python.h>

#include "compile/codegen.h"

int kr_region_push(KrCompiler *c, KrRegionKind kind, KrBlock *block, KrBlock *exit, const void *datum) {
    KrUnit *unit = c->unit;
    if (unit->region_count >= CO_MAXBLOCKS) return kr_compile_error(c, "too many statically nested blocks");
    unit->regions[unit->region_count++] = (KrRegion){kind, block, exit, datum};
    return 0;
}

void kr_region_pop(KrCompiler *c) { c->unit->region_count--; }

/* Calls the __exit__ method on the stack without an exception. */
static int gen_plain_exit(KrCompiler *c) {
    for (int i = 0; i < 3; i++) EMIT_CONSTANT(Py_None);
    EMIT_ARG(PRECALL, 2);
    EMIT_ARG(CALL, 2);
    return 0;
}

static int gen_await_exit(KrCompiler *c) {
    EMIT_ARG(GET_AWAITABLE, 2);
    EMIT_CONSTANT(Py_None);
    return kr_gen_yield_from(c, 1);
}

/* Reraises from a cleanup handler: the stack has the old exception, the failing position and the new exception. */
static int gen_reraise_after_cleanup(KrCompiler *c) {
    EMIT_ARG(COPY, 3);
    EMIT(POP_EXCEPT);
    EMIT_ARG(RERAISE, 1);
    return 0;
}

/* `name = None; del name`, so that a variable that was deleted already does no harm. */
static int gen_forget_name(KrCompiler *c, PyObject *name) {
    EMIT_CONSTANT(Py_None);
    TRY(kr_gen_name(c, name, KR_Store));
    return kr_gen_name(c, name, KR_Del);
}

/* Emits what must happen when control leaves a region early; `preserve_top` if a return value is on the stack. */
int kr_gen_unwind(KrCompiler *c, KrRegion *region, int preserve_top) {
    switch (region->kind) {
        case KR_REGION_WHILE:
        case KR_REGION_HANDLER:
        case KR_REGION_GROUP_HANDLER:
        case KR_REGION_ASYNC_COMPREHENSION: return 0;
        case KR_REGION_FOR:
        case KR_REGION_POP_VALUE:
            if (preserve_top) EMIT_ARG(SWAP, 2);
            EMIT(POP_TOP);
            return 0;
        case KR_REGION_TRY: EMIT(POP_BLOCK); return 0;
        case KR_REGION_FINALLY_TRY:
            EMIT(POP_BLOCK);
            if (preserve_top) TRY(kr_region_push(c, KR_REGION_POP_VALUE, NULL, NULL, NULL));
            TRY(kr_gen_statements(c, region->datum));
            if (preserve_top) kr_region_pop(c);
            /* The finally body seems to run after the statement that leaves; what follows has no line. */
            kr_unset_location(c);
            return 0;
        case KR_REGION_FINALLY_END:
            if (preserve_top) EMIT_ARG(SWAP, 2);
            EMIT(POP_TOP);
            if (preserve_top) EMIT_ARG(SWAP, 2);
            EMIT(POP_BLOCK);
            EMIT(POP_EXCEPT);
            return 0;
        case KR_REGION_WITH:
        case KR_REGION_ASYNC_WITH:
            kr_set_location(c, region->datum);
            EMIT(POP_BLOCK);
            if (preserve_top) EMIT_ARG(SWAP, 2);
            TRY(gen_plain_exit(c));
            if (region->kind == KR_REGION_ASYNC_WITH) TRY(gen_await_exit(c));
            EMIT(POP_TOP);
            kr_unset_location(c);
            return 0;
        case KR_REGION_HANDLER_CLEANUP:
            if (region->datum != NULL) EMIT(POP_BLOCK);
            if (preserve_top) EMIT_ARG(SWAP, 2);
            EMIT(POP_BLOCK);
            EMIT(POP_EXCEPT);
            if (region->datum != NULL) TRY(gen_forget_name(c, (PyObject *)region->datum));
            return 0;
    }
    Py_UNREACHABLE();
}

/* Leaves all regions from the innermost outwards; with `loop`, up to the next loop, which is stored there. */
int kr_gen_unwind_all(KrCompiler *c, int preserve_top, KrRegion **loop) {
    KrUnit *unit = c->unit;
    if (unit->region_count == 0) return 0;
    KrRegion *top = &unit->regions[unit->region_count - 1];
    if (top->kind == KR_REGION_GROUP_HANDLER)
        return kr_compile_error(c, "'break', 'continue' and 'return' cannot appear in an except* block");
    if (loop != NULL && (top->kind == KR_REGION_WHILE || top->kind == KR_REGION_FOR)) {
        *loop = top;
        return 0;
    }
    /* A finally body that is emitted here lies outside its own region. */
    KrRegion left = *top;
    unit->region_count--;
    TRY(kr_gen_unwind(c, &left, preserve_top));
    TRY(kr_gen_unwind_all(c, preserve_top, loop));
    unit->regions[unit->region_count++] = left;
    return 0;
}

/* try */

static int gen_handler_body(KrCompiler *c, const Kr_ExceptHandler *handler) {
    NEW_BLOCK(body);
    kr_unit_use_block(c, body);
    TRY(kr_region_push(c, KR_REGION_HANDLER_CLEANUP, body, NULL, handler->name));
    TRY(kr_gen_statements(c, handler->body));
    kr_region_pop(c);
    return 0;
}

static int gen_handler(KrCompiler *c, const Kr_ExceptHandler *handler, KrBlock *end) {
    NEW_BLOCK(next);
    if (handler->type != NULL) {
        TRY(kr_gen_expression(c, handler->type));
        EMIT(CHECK_EXC_MATCH);
        EMIT_JUMP(POP_JUMP_IF_FALSE, next);
    }
    if (handler->name != NULL) {
        NEW_BLOCK(cleanup);
        TRY(kr_gen_name(c, handler->name, KR_Store));
        EMIT_JUMP(SETUP_CLEANUP, cleanup);
        TRY(gen_handler_body(c, handler));
        kr_unset_location(c);
        EMIT(POP_BLOCK);
        EMIT(POP_BLOCK);
        EMIT(POP_EXCEPT);
        TRY(gen_forget_name(c, handler->name));
        EMIT_JUMP(JUMP, end);
        kr_unit_use_block(c, cleanup);
        kr_unset_location(c);
        TRY(gen_forget_name(c, handler->name));
        EMIT_ARG(RERAISE, 1);
    } else {
        EMIT(POP_TOP);
        TRY(gen_handler_body(c, handler));
        kr_unset_location(c);
        EMIT(POP_BLOCK);
        EMIT(POP_EXCEPT);
        EMIT_JUMP(JUMP, end);
    }
    kr_unit_use_block(c, next);
    return 0;
}

static int gen_try_except(KrCompiler *c, const Kr_Try *try) {
    NEW_BLOCK(body);
    NEW_BLOCK(except);
    NEW_BLOCK(end);
    NEW_BLOCK(cleanup);
    EMIT_JUMP(SETUP_FINALLY, except);
    kr_unit_use_block(c, body);
    TRY(kr_region_push(c, KR_REGION_TRY, body, NULL, NULL));
    TRY(kr_gen_statements(c, try->body));
    kr_region_pop(c);
    EMIT_NOWHERE(POP_BLOCK);
    TRY(kr_gen_statements(c, try->orelse));
    EMIT_JUMP_NOWHERE(JUMP, end);

    kr_unit_use_block(c, except);
    EMIT_JUMP_NOWHERE(SETUP_CLEANUP, cleanup);
    EMIT_NOWHERE(PUSH_EXC_INFO);
    TRY(kr_region_push(c, KR_REGION_HANDLER, NULL, NULL, NULL));
    Py_ssize_t count = kr_seq_count(try->handlers);
    for (Py_ssize_t i = 0; i < count; i++) {
        const Kr_ExceptHandler *handler = try->handlers->item[i];
        kr_set_location(c, &handler->node);
        if (handler->type == NULL && i < count - 1) return kr_compile_error(c, "default 'except:' must be last");
        TRY(gen_handler(c, handler, end));
    }
    kr_region_pop(c);
    kr_unset_location(c);
    EMIT_ARG(RERAISE, 0);
    kr_unit_use_block(c, cleanup);
    TRY(gen_reraise_after_cleanup(c));
    kr_unit_use_block(c, end);
    return 0;
}

/* An `except*` clause. Below the exception on the stack lie the list of what was raised so far and the whole group. */
static int gen_group_handler(KrCompiler *c, const Kr_ExceptHandler *handler, KrBlock *next) {
    NEW_BLOCK(matches);
    if (handler->type != NULL) {
        TRY(kr_gen_expression(c, handler->type));
        EMIT(CHECK_EG_MATCH);
        EMIT_ARG(COPY, 1);
        EMIT_JUMP(POP_JUMP_IF_NOT_NONE, matches);
        EMIT(POP_TOP);
        EMIT_JUMP(JUMP, next);
    }
    kr_unit_use_block(c, matches);
    NEW_BLOCK(cleanup);
    if (handler->name != NULL)
        TRY(kr_gen_name(c, handler->name, KR_Store));
    else
        EMIT(POP_TOP);
    EMIT_JUMP(SETUP_CLEANUP, cleanup);
    TRY(gen_handler_body(c, handler));
    kr_unset_location(c);
    EMIT(POP_BLOCK);
    if (handler->name != NULL) TRY(gen_forget_name(c, handler->name));
    EMIT_JUMP(JUMP, next);

    /* What the clause raised goes into the list. */
    kr_unit_use_block(c, cleanup);
    kr_unset_location(c);
    if (handler->name != NULL) TRY(gen_forget_name(c, handler->name));
    EMIT_ARG(LIST_APPEND, 3);
    EMIT(POP_TOP);
    EMIT_JUMP(JUMP, next);
    kr_unit_use_block(c, next);
    return 0;
}

static int gen_try_star(KrCompiler *c, const Kr_Try *try) {
    NEW_BLOCK(body);
    NEW_BLOCK(except);
    NEW_BLOCK(orelse);
    NEW_BLOCK(end);
    NEW_BLOCK(cleanup);
    NEW_BLOCK(reraise_star);
    EMIT_JUMP(SETUP_FINALLY, except);
    kr_unit_use_block(c, body);
    TRY(kr_region_push(c, KR_REGION_TRY, body, NULL, NULL));
    TRY(kr_gen_statements(c, try->body));
    kr_region_pop(c);
    EMIT_NOWHERE(POP_BLOCK);
    EMIT_JUMP_NOWHERE(JUMP, orelse);

    kr_unit_use_block(c, except);
    EMIT_JUMP_NOWHERE(SETUP_CLEANUP, cleanup);
    EMIT_NOWHERE(PUSH_EXC_INFO);
    TRY(kr_region_push(c, KR_REGION_GROUP_HANDLER, NULL, NULL, NULL));
    Py_ssize_t count = kr_seq_count(try->handlers);
    for (Py_ssize_t i = 0; i < count; i++) {
        const Kr_ExceptHandler *handler = try->handlers->item[i];
        kr_set_location(c, &handler->node);
        NEW_BLOCK(next);
        if (i == 0) {
            EMIT_ARG(COPY, 1);
            EMIT_ARG(BUILD_LIST, 0);
            EMIT_ARG(SWAP, 2);
        }
        TRY(gen_group_handler(c, handler, next));
        if (i == count - 1) {
            /* What no clause matched is raised again as well. */
            EMIT_ARG(LIST_APPEND, 1);
            EMIT_JUMP(JUMP, reraise_star);
        }
    }
    kr_region_pop(c);
    NEW_BLOCK(reraise);
    kr_unit_use_block(c, reraise_star);
    EMIT(PREP_RERAISE_STAR);
    EMIT_ARG(COPY, 1);
    EMIT_JUMP(POP_JUMP_IF_NOT_NONE, reraise);
    EMIT(POP_TOP);
    EMIT(POP_BLOCK);
    EMIT(POP_EXCEPT);
    EMIT_JUMP(JUMP, end);
    kr_unit_use_block(c, reraise);
    EMIT(POP_BLOCK);
    EMIT_ARG(SWAP, 2);
    EMIT(POP_EXCEPT);
    EMIT_ARG(RERAISE, 0);
    kr_unit_use_block(c, cleanup);
    TRY(gen_reraise_after_cleanup(c));
    kr_unit_use_block(c, orelse);
    TRY(kr_gen_statements(c, try->orelse));
    kr_unit_use_block(c, end);
    return 0;
}

static int gen_guarded(KrCompiler *c, const Kr_Try *try) {
    if (kr_seq_count(try->handlers) == 0) return kr_gen_statements(c, try->body);
    return try->node.kind == KR_TryStar ? gen_try_star(c, try) : gen_try_except(c, try);
}

static int gen_try_finally(KrCompiler *c, const Kr_Try *try) {
    NEW_BLOCK(body);
    NEW_BLOCK(end);
    NEW_BLOCK(exit);
    NEW_BLOCK(cleanup);
    EMIT_JUMP(SETUP_FINALLY, end);
    kr_unit_use_block(c, body);
    TRY(kr_region_push(c, KR_REGION_FINALLY_TRY, body, end, try->finalbody));
    TRY(gen_guarded(c, try));
    EMIT_NOWHERE(POP_BLOCK);
    kr_region_pop(c);
    TRY(kr_gen_statements(c, try->finalbody));
    EMIT_JUMP_NOWHERE(JUMP, exit);

    kr_unit_use_block(c, end);
    TRY(kr_region_push(c, KR_REGION_FINALLY_END, end, NULL, NULL));
    kr_unset_location(c);
    EMIT_JUMP(SETUP_CLEANUP, cleanup);
    EMIT(PUSH_EXC_INFO);
    TRY(kr_gen_statements(c, try->finalbody));
    EMIT_ARG(RERAISE, 0);
    kr_region_pop(c);
    kr_unit_use_block(c, cleanup);
    TRY(gen_reraise_after_cleanup(c));
    kr_unit_use_block(c, exit);
    return 0;
}

int kr_gen_try(KrCompiler *c, Kr_Try *try) {
    return kr_seq_count(try->finalbody) > 0 ? gen_try_finally(c, try) : gen_guarded(c, try);
}

/* with */

/* An exception in the body: __exit__ was called and decides whether it goes on. */
static int gen_exit_after_exception(KrCompiler *c, KrBlock *cleanup) {
    NEW_BLOCK(suppress);
    EMIT_JUMP(POP_JUMP_IF_TRUE, suppress);
    EMIT_ARG(RERAISE, 2);
    kr_unit_use_block(c, cleanup);
    kr_unset_location(c);
    TRY(gen_reraise_after_cleanup(c));
    kr_unit_use_block(c, suppress);
    EMIT(POP_TOP);
    EMIT(POP_BLOCK);
    EMIT(POP_EXCEPT);
    EMIT(POP_TOP);
    EMIT(POP_TOP);
    return 0;
}

/* A with statement from its `index`-th item on; plain and async ones have the same fields. */
int kr_gen_with(KrCompiler *c, KrNode *node, Py_ssize_t index) {
    const Kr_With *with = KR_AS(With, node);
    const Kr_withitem *item = with->items->item[index];
    int is_async = node->kind == KR_AsyncWith;
    if (is_async) {
        if (kr_allows_top_level_await(c))
            c->unit->scope->is_coroutine = 1;
        else if (c->unit->kind != KR_UNIT_ASYNC_FUNCTION)
            return kr_compile_error(c, "'async with' outside async function");
    }
    NEW_BLOCK(block);
    NEW_BLOCK(final);
    NEW_BLOCK(exit);
    NEW_BLOCK(cleanup);
    TRY(kr_gen_expression(c, item->context_expr));
    if (is_async) {
        EMIT(BEFORE_ASYNC_WITH);
        EMIT_ARG(GET_AWAITABLE, 1);
        EMIT_CONSTANT(Py_None);
        TRY(kr_gen_yield_from(c, 1));
    } else {
        EMIT(BEFORE_WITH);
    }
    EMIT_JUMP(SETUP_WITH, final);
    kr_unit_use_block(c, block);
    TRY(kr_region_push(c, is_async ? KR_REGION_ASYNC_WITH : KR_REGION_WITH, block, final, node));
    if (item->optional_vars != NULL)
        TRY(kr_gen_expression(c, item->optional_vars));
    else
        EMIT(POP_TOP);
    if (index + 1 < kr_seq_count(with->items))
        TRY(kr_gen_with(c, node, index + 1));
    else
        TRY(kr_gen_statements(c, with->body));
    kr_region_pop(c);
    if (!is_async) kr_unset_location(c);
    EMIT(POP_BLOCK);

    kr_set_location(c, node);
    TRY(gen_plain_exit(c));
    if (is_async) TRY(gen_await_exit(c));
    EMIT(POP_TOP);
    EMIT_JUMP(JUMP, exit);

    kr_unit_use_block(c, final);
    EMIT_JUMP(SETUP_CLEANUP, cleanup);
    EMIT(PUSH_EXC_INFO);
    EMIT(WITH_EXCEPT_START);
    if (is_async) TRY(gen_await_exit(c));
    TRY(gen_exit_after_exception(c, cleanup));
    kr_unit_use_block(c, exit);
    return 0;
}
