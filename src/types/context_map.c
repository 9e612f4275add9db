/* The persistent map behind contexts; context_map.h tells its structure. */
#include <Python.h>

#include "collector/collector.h"
#include "types/context_map.h"

enum { BITS = 5, TOP_SHIFT = 64 - BITS };

/* The variable's bits, spread out by Knuth's multiplicative constant for 64 bits (2^64 divided by the golden ratio). */
static inline uint64_t spread(PyObject *variable) { return (uint64_t)(uintptr_t)variable * 0x9e3779b97f4a7c15u; }

/* The bit of the place of a variable in a node at a level. */
static inline uint32_t place_bit(uint64_t bits, int level) {
    int shift = TOP_SHIFT - BITS * level;
    return (uint32_t)1 << ((shift >= 0 ? bits >> shift : bits << -shift) & 31);
}

static inline int count(uint32_t set) { return __builtin_popcount(set); }

/* Index of the slot with the variable at a place; its value is in the next one. */
static inline int variable_slot(const KrContextNode *node, uint32_t bit) { return 2 * count(node->variables & (bit - 1)); }

static inline int child_slot(const KrContextNode *node, uint32_t bit) {
    return 2 * count(node->variables) + count(node->children & (bit - 1));
}

static KrContextNode *make_node(uint32_t variables, uint32_t children) {
    int slots = 2 * count(variables) + count(children);
    KrContextNode *node = PyObject_GC_NewVar(KrContextNode, &kr_context_node_type, slots);
    if (node == NULL) return NULL;
    node->variables = variables;
    node->children = children;
    for (int i = 0; i < slots; i++) node->slots[i] = NULL;
    return node;
}

/* Copies what two nodes have at a place in common except at `bit`. */
static void copy_other_places(KrContextNode *to, const KrContextNode *from, uint32_t bit) {
    for (uint32_t rest = from->variables & ~bit; rest != 0; rest &= rest - 1) {
        uint32_t place = rest & -rest;
        int source = variable_slot(from, place), target = variable_slot(to, place);
        to->slots[target] = Py_NewRef(from->slots[source]);
        to->slots[target + 1] = Py_NewRef(from->slots[source + 1]);
    }
    for (uint32_t rest = from->children & ~bit; rest != 0; rest &= rest - 1) {
        uint32_t place = rest & -rest;
        to->slots[child_slot(to, place)] = Py_NewRef(from->slots[child_slot(from, place)]);
    }
}

static KrContextNode *finished(KrContextNode *node) {
    kr_gc_track((PyObject *)node);
    return node;
}

static void put_variable(KrContextNode *node, uint32_t bit, PyObject *variable, PyObject *value) {
    int slot = variable_slot(node, bit);
    node->slots[slot] = Py_NewRef(variable);
    node->slots[slot + 1] = Py_NewRef(value);
}

/* Makes the node for two variables that share the path to a level. */
static KrContextNode *make_pair(PyObject *first, PyObject *first_value, PyObject *second, PyObject *second_value,
                                int level) {
    uint32_t first_bit = place_bit(spread(first), level), second_bit = place_bit(spread(second), level);
    KrContextNode *node;
    if (first_bit == second_bit) {
        KrContextNode *child = make_pair(first, first_value, second, second_value, level + 1);
        if (child == NULL) return NULL;
        node = make_node(0, first_bit);
        if (node == NULL) {
            Py_DECREF(child);
            return NULL;
        }
        node->slots[0] = (PyObject *)child;
        return finished(node);
    }
    node = make_node(first_bit | second_bit, 0);
    if (node == NULL) return NULL;
    put_variable(node, first_bit, first, first_value);
    put_variable(node, second_bit, second, second_value);
    return finished(node);
}

PyObject *kr_context_map_find(KrContextNode *map, PyObject *variable) {
    uint64_t bits = spread(variable);
    for (int level = 0; map != NULL; level++) {
        uint32_t bit = place_bit(bits, level);
        if (map->variables & bit) {
            int slot = variable_slot(map, bit);
            return map->slots[slot] == variable ? map->slots[slot + 1] : NULL;
        }
        if (!(map->children & bit)) return NULL;
        map = (KrContextNode *)map->slots[child_slot(map, bit)];
    }
    return NULL;
}

static KrContextNode *set_below(KrContextNode *map, PyObject *variable, PyObject *value, int level) {
    uint32_t bit = place_bit(spread(variable), level);
    KrContextNode *child = NULL, *node;
    if (map->variables & bit) {
        int slot = variable_slot(map, bit);
        if (map->slots[slot] != variable) {
            child = make_pair(map->slots[slot], map->slots[slot + 1], variable, value, level + 1);
            if (child == NULL) return NULL;
        }
    } else if (map->children & bit) {
        child = set_below((KrContextNode *)map->slots[child_slot(map, bit)], variable, value, level + 1);
        if (child == NULL) return NULL;
    }
    if (child != NULL)
        node = make_node(map->variables & ~bit, map->children | bit);
    else
        node = make_node(map->variables | bit, map->children);
    if (node == NULL) {
        Py_XDECREF(child);
        return NULL;
    }
    copy_other_places(node, map, bit);
    if (child != NULL)
        node->slots[child_slot(node, bit)] = (PyObject *)child;
    else
        put_variable(node, bit, variable, value);
    return finished(node);
}

KrContextNode *kr_context_map_set(KrContextNode *map, PyObject *variable, PyObject *value) {
    if (map != NULL) return set_below(map, variable, value, 0);
    uint32_t bit = place_bit(spread(variable), 0);
    KrContextNode *node = make_node(bit, 0);
    if (node == NULL) return NULL;
    put_variable(node, bit, variable, value);
    return finished(node);
}

/* As kr_context_map_remove, at a level. A result of one variable and no child is for the caller to take in. */
static int remove_below(KrContextNode *map, PyObject *variable, int level, KrContextNode **result) {
    uint32_t bit = place_bit(spread(variable), level);
    KrContextNode *child = NULL, *node;
    if (map->variables & bit) {
        if ((map->variables & ~bit) == 0 && map->children == 0) {
            *result = NULL;
            return 0;
        }
        node = make_node(map->variables & ~bit, map->children);
        if (node == NULL) return -1;
    } else {
        if (remove_below((KrContextNode *)map->slots[child_slot(map, bit)], variable, level + 1, &child) < 0) return -1;
        /* A child always had two variables or more, so something is left of it. */
        int single = child->children == 0 && count(child->variables) == 1;
        node = single ? make_node(map->variables | bit, map->children & ~bit) : make_node(map->variables, map->children);
        if (node == NULL) {
            Py_DECREF(child);
            return -1;
        }
        if (single) {
            put_variable(node, bit, child->slots[0], child->slots[1]);
            Py_DECREF(child);
        } else {
            node->slots[child_slot(node, bit)] = (PyObject *)child;
        }
    }
    copy_other_places(node, map, bit);
    *result = finished(node);
    return 0;
}

int kr_context_map_remove(KrContextNode *map, PyObject *variable, KrContextNode **result) {
    return remove_below(map, variable, 0, result);
}

Py_ssize_t kr_context_map_size(KrContextNode *map) {
    if (map == NULL) return 0;
    Py_ssize_t size = count(map->variables), first = 2 * size;
    for (Py_ssize_t slot = first; slot < Py_SIZE(map); slot++) size += kr_context_map_size((KrContextNode *)map->slots[slot]);
    return size;
}

void kr_context_walk_start(KrContextWalk *walk, KrContextNode *map) {
    walk->depth = map != NULL ? 0 : -1;
    walk->nodes[0] = map;
    walk->places[0] = 0;
}

int kr_context_walk_next(KrContextWalk *walk, PyObject **variable, PyObject **value) {
    while (walk->depth >= 0) {
        KrContextNode *node = walk->nodes[walk->depth];
        int place = walk->places[walk->depth]++, variables = count(node->variables);
        if (place < variables) {
            *variable = node->slots[2 * place];
            *value = node->slots[2 * place + 1];
            return 1;
        }
        if (place < variables + count(node->children)) {
            walk->depth++;
            walk->nodes[walk->depth] = (KrContextNode *)node->slots[variables + place];
            walk->places[walk->depth] = 0;
        } else {
            walk->depth--;
        }
    }
    return 0;
}

static int node_traverse(PyObject *op, visitproc visit, void *arg) {
    KrContextNode *self = (KrContextNode *)op;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) Py_VISIT(self->slots[i]);
    return 0;
}

static void node_dealloc(PyObject *op) {
    KrContextNode *self = (KrContextNode *)op;
    PyObject_GC_UnTrack(op);
    Py_TRASHCAN_BEGIN(op, node_dealloc)
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) Py_XDECREF(self->slots[i]);
    PyObject_GC_Del(op);
    Py_TRASHCAN_END
}

PyTypeObject kr_context_node_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "context_map_node",
    .tp_basicsize = sizeof(KrContextNode),
    .tp_itemsize = sizeof(PyObject *),
    .tp_dealloc = node_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_traverse = node_traverse,
};
