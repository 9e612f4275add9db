/* Code generation: from the tree to the instructions of the control-flow graph.
 *
 * Each code object under construction is a unit; the units of nested functions form a stack. A generating function emits
 * into the unit on top, at the unit's current location in the source.
 *
 * Invariant: functions return 0, or -1 with an exception set; objects that they take are borrowed unless said otherwise.
 * Constants are canonical: within one compilation equal constants of the same type are one object, owned by the compiler.
 */
#ifndef KR_COMPILE_CODEGEN_H
#define KR_COMPILE_CODEGEN_H

#include <Python.h>

#include "compile/flow_graph.h"
#include "compile/symbol_table.h"
#include "object/names.h"

/* More operands than this are collected piecemeal, so that huge displays do not need a huge stack. */
enum { KR_STACK_GUIDELINE = 30 };

typedef enum KrUnitKind {
    KR_UNIT_MODULE,
    KR_UNIT_CLASS,
    KR_UNIT_FUNCTION,
    KR_UNIT_ASYNC_FUNCTION,
    KR_UNIT_LAMBDA,
    KR_UNIT_COMPREHENSION,
} KrUnitKind;

/* What `return`, `break` and `continue` have to leave. */
typedef enum KrRegionKind {
    KR_REGION_WHILE,
    KR_REGION_FOR,
    KR_REGION_TRY,
    KR_REGION_FINALLY_TRY,
    KR_REGION_FINALLY_END,
    KR_REGION_WITH,
    KR_REGION_ASYNC_WITH,
    KR_REGION_HANDLER_CLEANUP,
    KR_REGION_POP_VALUE,
    KR_REGION_HANDLER,
    KR_REGION_GROUP_HANDLER,
    KR_REGION_ASYNC_COMPREHENSION,
} KrRegionKind;

typedef struct KrRegion {
    KrRegionKind kind;
    KrBlock *block; /* start of the region: where `continue` goes */
    KrBlock *exit;  /* where `break` goes */
    const void *datum; /* with statement, finally body or name of the exception variable */
} KrRegion;

/* Objects numbered in the order of their addition, found by address. */
typedef struct KrNumbering {
    PyObject **items; /* borrowed */
    int *index;
    int count, capacity, index_mask;
} KrNumbering;

typedef struct KrUnit {
    struct KrUnit *outer;
    KrUnitKind kind;
    KrScope *scope;
    PyObject *name, *qualified_name, *private_name; /* borrowed from the arena */
    int argument_count, positional_only_count, keyword_only_count;
    int first_lineno;

    KrNumbering constants, names, locals, cells, free_variables;

    KrInstruction *instructions;
    int instruction_count, instruction_capacity;
    KrFlowGraph graph;
    KrBlock *block; /* being written */
    int block_is_over;
    KrLocation location;

    KrRegion regions[CO_MAXBLOCKS];
    int region_count;
} KrUnit;

typedef struct KrConstantSet {
    struct {
        PyObject *object;
        Py_hash_t hash;
    } *entries;
    size_t count, mask;
} KrConstantSet;

typedef struct KrCompiler {
    KrArena *arena;
    PyObject *filename;
    KrSymbolTable *symbols;
    KrFuture future;
    int flags; /* PyCF_* and CO_FUTURE_* */
    int optimize;
    int is_interactive, nesting;
    const char *stack_limit;
    KrUnit *unit, *spare_units;
    KrConstantSet constants;
} KrCompiler;

#define TRY(expression)                  \
    do {                                 \
        if ((expression) < 0) return -1; \
    } while (0)

#define EMIT(NAME) TRY(kr_emit(c, OP_##NAME, 0))
#define EMIT_ARG(NAME, argument) TRY(kr_emit(c, OP_##NAME, (argument)))
#define EMIT_JUMP(NAME, target) TRY(kr_emit_jump(c, OP_##NAME, (target)))
#define EMIT_NAME(NAME, name) TRY(kr_emit_name(c, OP_##NAME, (name)))
#define EMIT_CONSTANT(value) TRY(kr_emit_constant(c, (value)))
/* Instructions without a place in the source. */
#define EMIT_NOWHERE(NAME) TRY(kr_emit_nowhere(c, OP_##NAME, NULL))
#define EMIT_JUMP_NOWHERE(NAME, target) TRY(kr_emit_nowhere(c, OP_##NAME, (target)))
#define NEW_BLOCK(variable)                      \
    KrBlock *variable = kr_unit_new_block(c);    \
    if (variable == NULL) return -1

/* unit.c: units, names, constants */
int kr_unit_enter(KrCompiler *c, PyObject *name, KrUnitKind kind, const void *key, int lineno);
void kr_unit_leave(KrCompiler *c);
KrBlock *kr_unit_new_block(KrCompiler *c);
void kr_unit_use_block(KrCompiler *c, KrBlock *block);
int kr_numbering_find(const KrNumbering *numbering, PyObject *object);
int kr_numbering_add(KrArena *arena, KrNumbering *numbering, PyObject *object);
PyObject *kr_mangled(KrCompiler *c, PyObject *name);
/* Makes a constant canonical. Takes the reference (NULL is passed through as an error), returns a borrowed one. */
PyObject *kr_constant_merge(KrCompiler *c, PyObject *object);
/* The same for other parts of code objects, whose items stay as they are. */
PyObject *kr_constant_share(KrCompiler *c, PyObject *object);
/* Numbers a constant of the unit. Takes the reference; returns the index or -1. */
int kr_constant_add(KrCompiler *c, PyObject *object);
void kr_constants_free(KrCompiler *c);

int kr_emit(KrCompiler *c, int opcode, int argument);
int kr_emit_jump(KrCompiler *c, int opcode, KrBlock *target);
int kr_emit_nowhere(KrCompiler *c, int opcode, KrBlock *target);
int kr_emit_name(KrCompiler *c, int opcode, PyObject *name); /* the name is mangled */
int kr_emit_constant(KrCompiler *c, PyObject *value);        /* borrows `value`; NULL is passed through as an error */
int kr_emit_new_constant(KrCompiler *c, PyObject *value);    /* takes the reference */

int kr_compile_error(KrCompiler *c, const char *format, ...);
int kr_compile_warning(KrCompiler *c, const char *format, ...);
static inline void kr_set_location(KrCompiler *c, const KrNode *node) { c->unit->location = kr_location_of(node); }
static inline void kr_unset_location(KrCompiler *c) { c->unit->location = (KrLocation){-1, -1, -1, -1}; }
/* A multi-line attribute chain: the line of what happens to `attribute` is that of its name. */
void kr_locate_at_attribute(KrCompiler *c, const Kr_Attribute *attribute);
static inline int kr_allows_top_level_await(const KrCompiler *c) {
    return (c->flags & PyCF_ALLOW_TOP_LEVEL_AWAIT) && c->unit->scope->type == KR_SCOPE_MODULE;
}

/* Refuses to go deeper when the C stack is used up. */
#define KR_GEN_CHECK_STACK(c) \
    do { \
        if ((const char *)__builtin_frame_address(0) < (c)->stack_limit) return kr_compile_depth_error(); \
    } while (0)

/* codegen_expression.c */
int kr_gen_expression(KrCompiler *c, KrNode *node);
int kr_gen_name(KrCompiler *c, PyObject *name, KrEnumerator context);
int kr_gen_jump_if(KrCompiler *c, KrNode *test, KrBlock *target, int condition);
int kr_gen_call(KrCompiler *c, int pushed, const KrSeq *arguments, const KrSeq *keywords);
int kr_gen_yield_from(KrCompiler *c, int is_await); /* awaits or delegates to the iterator on the stack */
int kr_gen_yield(KrCompiler *c);
int kr_gen_binary(KrCompiler *c, KrEnumerator operator, int in_place);
int kr_gen_compare(KrCompiler *c, KrEnumerator operator);
int kr_check_target(KrCompiler *c, PyObject *name, KrEnumerator context); /* refuses __debug__ */

/* codegen_function.c */
int kr_gen_function(KrCompiler *c, Kr_FunctionDef *function);
int kr_gen_class(KrCompiler *c, Kr_ClassDef *definition);
int kr_gen_lambda(KrCompiler *c, Kr_Lambda *lambda);
int kr_gen_comprehension(KrCompiler *c, KrNode *node);
int kr_gen_annotation(KrCompiler *c, KrNode *annotation);
int kr_gen_body(KrCompiler *c, const KrSeq *body); /* of a module or class */
int kr_gen_module(KrCompiler *c, KrNode *mod);

/* codegen_statement.c */
int kr_gen_statement(KrCompiler *c, KrNode *node);
int kr_gen_statements(KrCompiler *c, const KrSeq *statements);
int kr_has_annotations(const KrSeq *statements);

/* codegen_try.c */
int kr_region_push(KrCompiler *c, KrRegionKind kind, KrBlock *block, KrBlock *exit, const void *datum);
void kr_region_pop(KrCompiler *c);
int kr_gen_unwind(KrCompiler *c, KrRegion *region, int preserve_top);
int kr_gen_unwind_all(KrCompiler *c, int preserve_top, KrRegion **loop);
int kr_gen_try(KrCompiler *c, Kr_Try *try);
int kr_gen_with(KrCompiler *c, KrNode *node, Py_ssize_t item);

/* codegen_match.c */
int kr_gen_match(KrCompiler *c, Kr_Match *match);

/* unparse.c: returns the source text of an expression, as postponed annotations have it (new reference) */
PyObject *kr_unparse(KrNode *expression);

/* assemble.c: finishes the unit on top. Returns a new code object or NULL. */
PyCodeObject *kr_assemble(KrCompiler *c, int returns_none);

#endif
