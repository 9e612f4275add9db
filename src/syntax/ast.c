/* The abstract syntax tree: allocation, and its description as data. */
#include <Python.h>
#include <stddef.h>

#include "syntax/ast.h"

KrSeq *kr_seq_new(KrArena *arena, Py_ssize_t count) {
    if (count > (PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(KrSeq)) / (Py_ssize_t)sizeof(void *)) {
        PyErr_NoMemory();
        return NULL;
    }
    KrSeq *seq = kr_arena_alloc(arena, sizeof(KrSeq) + (size_t)count * sizeof(void *));
    if (seq == NULL) return NULL;
    seq->count = count;
    memset(seq->item, 0, (size_t)count * sizeof(void *));
    return seq;
}

KrNode *kr_node_new(KrArena *arena, KrNodeKind kind) {
    KrNode *node = kr_arena_alloc(arena, kr_node_info[kind].size);
    if (node == NULL) return NULL;
    memset(node, 0, kr_node_info[kind].size);
    node->kind = kind;
    return node;
}

#define KR_NODE(sum, Name, attributes) static const KrFieldInfo fields_of_##Name[] = {
#define KR_FIELD(Name, quantity, type, name) {#name, #type, KR_##quantity, offsetof(Kr_##Name, name)},
#define KR_END(Name) {NULL, NULL, KR_ONE, 0}};
#include "syntax/ast.def"

#define FIELD_COUNT(Name) (sizeof(fields_of_##Name) / sizeof(KrFieldInfo) - 1)

const KrNodeInfo kr_node_info[KR_NODE_KIND_COUNT] = {
#define KR_NODE(sum, Name, attributes)                                                                                 \
    [KR_##Name] = {#Name, #sum, sizeof(Kr_##Name), attributes, FIELD_COUNT(Name), fields_of_##Name},
#include "syntax/ast.def"
};

const char *const kr_enumerator_name[KR_ENUMERATOR_COUNT] = {
#define KR_ENUM(sum, Name) [KR_##Name] = #Name,
#include "syntax/ast.def"
};

const char *const kr_enumerator_sum[KR_ENUMERATOR_COUNT] = {
#define KR_ENUM(sum, Name) [KR_##Name] = #sum,
#include "syntax/ast.def"
};
