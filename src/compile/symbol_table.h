/* The symbol table: what every name means in every scope.
 *
 * Built in two passes. The first walks the tree and records, for each scope, the names that occur in it and how (bound,
 * used, declared global ...). The second resolves each name from the outermost scope inwards: local, cell, free or global.
 *
 * Invariant: names are interned, so that a name is compared by its address; a symbol's name is already mangled. Scopes,
 * symbols and new names live in the arena that the tree lives in.
 */
#ifndef KR_COMPILE_SYMBOL_TABLE_H
#define KR_COMPILE_SYMBOL_TABLE_H

#include <Python.h>

#include "compile/future.h"
#include "syntax/ast.h"

/* How a name occurs in a scope; shown by the `_symtable` module. */
enum {
    KR_DEF_GLOBAL = 1,           /* global statement */
    KR_DEF_LOCAL = 2,            /* assigned to */
    KR_DEF_PARAM = 4,            /* formal parameter */
    KR_DEF_NONLOCAL = 8,         /* nonlocal statement */
    KR_USE = 16,                 /* read */
    KR_DEF_FREE = 32,            /* kept for the module's constants */
    KR_DEF_FREE_CLASS = 64,      /* bound in a class, and also free in a method of it */
    KR_DEF_IMPORT = 128,         /* bound by import */
    KR_DEF_ANNOT = 256,          /* annotated */
    KR_DEF_COMP_ITER = 512,      /* iteration variable of a comprehension */
    KR_DEF_BOUND = KR_DEF_LOCAL | KR_DEF_PARAM | KR_DEF_IMPORT,
    KR_SCOPE_SHIFT = 11,         /* the resolved KrNameScope is above these bits */
    KR_SCOPE_MASK = 15,
};

typedef enum KrNameScope {
    KR_UNRESOLVED,
    KR_LOCAL,
    KR_GLOBAL_EXPLICIT,
    KR_GLOBAL_IMPLICIT,
    KR_FREE,
    KR_CELL,
} KrNameScope;

typedef enum KrScopeType { KR_SCOPE_FUNCTION, KR_SCOPE_CLASS, KR_SCOPE_MODULE, KR_SCOPE_ANNOTATION } KrScopeType;

typedef enum KrComprehensionKind {
    KR_NO_COMPREHENSION,
    KR_LIST_COMPREHENSION,
    KR_DICT_COMPREHENSION,
    KR_SET_COMPREHENSION,
    KR_GENERATOR_EXPRESSION,
} KrComprehensionKind;

typedef struct KrLocation {
    int lineno, end_lineno, col_offset, end_col_offset;
} KrLocation;

static inline KrLocation kr_location_of(const KrNode *node) {
    return (KrLocation){node->lineno, node->end_lineno, node->col_offset, node->end_col_offset};
}

typedef struct KrSymbol {
    PyObject *name;
    int flags;
} KrSymbol;

typedef struct KrDirective {
    PyObject *name;
    KrLocation location;
} KrDirective;

typedef struct KrScope {
    KrScopeType type;
    PyObject *name;
    const void *key; /* the node that opens the scope */
    KrLocation location;
    struct KrScope *parent;

    struct KrScope **children;
    KrSymbol *symbols;       /* in the order of their first occurrence */
    int *index;              /* open addressing from name to symbol; NULL while there are few symbols */
    PyObject **parameters;   /* in the order of the fast locals */
    KrDirective *directives; /* global and nonlocal statements */
    int child_count, child_capacity;
    int symbol_count, symbol_capacity, index_mask;
    int parameter_count, parameter_capacity;
    int directive_count, directive_capacity;

    KrComprehensionKind comprehension;
    int iterable_depth; /* > 0 while visiting an iterable expression of a comprehension */
    unsigned visits_target : 1;
    unsigned is_nested : 1;
    unsigned is_generator : 1;
    unsigned is_coroutine : 1;
    unsigned has_varargs : 1;
    unsigned has_varkeywords : 1;
    unsigned needs_class_closure : 1; /* a method uses __class__ or super */
} KrScope;

typedef struct KrSymbolTable {
    KrArena *arena;
    PyObject *filename; /* borrowed */
    const KrFuture *future;
    KrScope *top, *current;
    PyObject *private_name; /* name of the innermost class around, or NULL */
    int depth, depth_limit;
    const char *stack_limit;
    struct {
        const void *key;
        KrScope *scope;
    } *map;
    size_t map_count, map_mask;
    struct {
        PyObject *class_name, *name, *mangled;
    } mangled_cache[16];
} KrSymbolTable;

/* Builds the table of a tree in the tree's arena. Returns NULL with an exception. */
KrSymbolTable *kr_symbol_table_build(KrNode *mod, PyObject *filename, const KrFuture *future, KrArena *arena);

/* Returns the scope that a node opens (never NULL for such a node). */
KrScope *kr_symbol_table_scope(KrSymbolTable *table, const void *key);

/* Returns the flags of a mangled, interned name in a scope, 0 if it does not occur. */
int kr_scope_flags(const KrScope *scope, PyObject *name);
static inline KrNameScope kr_scope_of_flags(int flags) {
    return (KrNameScope)((flags >> KR_SCOPE_SHIFT) & KR_SCOPE_MASK);
}

/* Returns the interned, mangled form of a name in a class (`class_name` may be NULL): borrowed, kept by the arena. */
PyObject *kr_symbol_table_mangle(KrSymbolTable *table, PyObject *class_name, PyObject *name);

/* Makes an identifier of the tree an interned one. Returns it, borrowed, or NULL with MemoryError. */
PyObject *kr_identifier_intern(KrArena *arena, PyObject *name);

/* Returns a new reference to `name` as it is called inside a class named `class_name` (or NULL). */
PyObject *_Py_Mangle(PyObject *class_name, PyObject *name);

/* How deep the compiler may recurse, derived from the interpreter's recursion limit and the C stack. */
void kr_compile_depth_init(int *depth, int *depth_limit, const char **stack_limit);
int kr_compile_depth_error(void);
const char *kr_compile_stack_limit(void);
#define KR_COMPILE_ENTER(state)                                                                                        \
    do {                                                                                                               \
        if (++(state)->depth > (state)->depth_limit || (const char *)__builtin_frame_address(0) < (state)->stack_limit) \
            return kr_compile_depth_error();                                                                           \
    } while (0)
#define KR_COMPILE_LEAVE(state) ((void)(state)->depth--)

#endif
