/* The abstract syntax tree: what the parser builds and the compiler reads.
 *
 * Invariant: a tree lives in one KrArena. Nodes, sequences and the Python objects in them (identifiers, constants; owned
 * by the arena) die together with it; nobody frees a node. A node's `kind` tells which of the structs generated from
 * ast.def it is: `KR_BinOp` for struct `Kr_BinOp`, and so on. Fields are named as in Python's `ast` module.
 *
 * A field of quantity MANY is a `KrSeq *` (NULL stands for the empty sequence; use kr_seq_count). Its items are nodes,
 * PyObject pointers (identifier) or, for `cmpop`, enumerators cast to pointers.
 */
#ifndef KR_SYNTAX_AST_H
#define KR_SYNTAX_AST_H

#include <Python.h>
#include <stdint.h>

#include "syntax/arena.h"

typedef enum KrNodeKind {
    KR_NO_NODE,
#define KR_NODE(sum, Name, attributes) KR_##Name,
#include "syntax/ast.def"
    KR_NODE_KIND_COUNT
} KrNodeKind;

/* Operators and contexts: KR_Add, KR_Load ... numbered from 1 over all sums together. */
typedef enum KrEnumerator {
    KR_NO_ENUMERATOR,
#define KR_ENUM(sum, Name) KR_##Name,
#include "syntax/ast.def"
    KR_ENUMERATOR_COUNT
} KrEnumerator;

typedef struct KrNode {
    KrNodeKind kind;
    int lineno, col_offset, end_lineno, end_col_offset; /* lines from 1; columns in UTF-8 bytes from 0 */
} KrNode;

typedef struct KrSeq {
    Py_ssize_t count;
    void *item[];
} KrSeq;

#define KR_C_mod KrNode *
#define KR_C_stmt KrNode *
#define KR_C_expr KrNode *
#define KR_C_pattern KrNode *
#define KR_C_excepthandler KrNode *
#define KR_C_type_ignore KrNode *
#define KR_C_comprehension struct Kr_comprehension *
#define KR_C_arguments struct Kr_arguments *
#define KR_C_arg struct Kr_arg *
#define KR_C_keyword struct Kr_keyword *
#define KR_C_alias struct Kr_alias *
#define KR_C_withitem struct Kr_withitem *
#define KR_C_match_case struct Kr_match_case *
#define KR_C_identifier PyObject *
#define KR_C_string PyObject *
#define KR_C_constant PyObject *
#define KR_C_int int
#define KR_C_expr_context KrEnumerator
#define KR_C_boolop KrEnumerator
#define KR_C_operator KrEnumerator
#define KR_C_unaryop KrEnumerator
#define KR_C_cmpop KrEnumerator
#define KR_QUANTITY_ONE(type) KR_C_##type
#define KR_QUANTITY_OPTIONAL(type) KR_C_##type
#define KR_QUANTITY_MANY(type) KrSeq *
#define KR_QUANTITY_MANY_OPTIONAL(type) KrSeq *

/* `typedef struct Kr_BinOp { KrNode node; KrNode *left; KrEnumerator op; KrNode *right; } Kr_BinOp;` and so on. */
#define KR_NODE(sum, Name, attributes) typedef struct Kr_##Name { KrNode node;
#define KR_FIELD(Name, quantity, type, name) KR_QUANTITY_##quantity(type) name;
#define KR_END(Name) } Kr_##Name;
#include "syntax/ast.def"

#define KR_AS(Name, pointer) ((Kr_##Name *)(pointer))

static inline Py_ssize_t kr_seq_count(const KrSeq *seq) { return seq == NULL ? 0 : seq->count; }
static inline KrNode *kr_seq_node(const KrSeq *seq, Py_ssize_t i) { return (KrNode *)seq->item[i]; }
static inline PyObject *kr_seq_object(const KrSeq *seq, Py_ssize_t i) { return (PyObject *)seq->item[i]; }
static inline KrEnumerator kr_seq_enumerator(const KrSeq *seq, Py_ssize_t i) {
    return (KrEnumerator)(intptr_t)seq->item[i];
}

/* Allocates a sequence of `count` empty items in the arena; NULL with MemoryError. */
KrSeq *kr_seq_new(KrArena *arena, Py_ssize_t count);

/* Allocates a zeroed node of the size that its kind needs; NULL with MemoryError. */
KrNode *kr_node_new(KrArena *arena, KrNodeKind kind);

/* A new node with named fields: KR_NEW(arena, BinOp, .left = l, .op = KR_Add, .right = r). NULL with MemoryError. The
 * position (node.lineno ...) is set by the caller. */
#define KR_NEW(arena, Name, ...)                                                                                       \
    ({                                                                                                                 \
        Kr_##Name *kr_new_node = (Kr_##Name *)kr_node_new((arena), KR_##Name);                                         \
        if (kr_new_node != NULL) *kr_new_node = (Kr_##Name){.node.kind = KR_##Name, ##__VA_ARGS__};                    \
        kr_new_node;                                                                                                   \
    })

/* One field of a node kind, as data: what conversion to and from Python objects works from. */
typedef enum KrQuantity { KR_ONE, KR_OPTIONAL, KR_MANY, KR_MANY_OPTIONAL } KrQuantity;

typedef struct KrFieldInfo {
    const char *name;
    const char *type; /* "expr", "identifier", "int" ... */
    KrQuantity quantity;
    uint16_t offset; /* in the node's struct */
} KrFieldInfo;

typedef struct KrNodeInfo {
    const char *name, *sum;
    uint16_t size;
    uint8_t has_position, field_count;
    const KrFieldInfo *fields;
} KrNodeInfo;

extern const KrNodeInfo kr_node_info[KR_NODE_KIND_COUNT]; /* indexed by KrNodeKind */
extern const char *const kr_enumerator_name[KR_ENUMERATOR_COUNT];
extern const char *const kr_enumerator_sum[KR_ENUMERATOR_COUNT];

#endif
