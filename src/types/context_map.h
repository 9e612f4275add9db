/* A persistent map from context variables to values: changing it gives a new map that shares most of the old one.
 *
 * It is a trie over the bits of the variable's address, multiplied by an odd constant so that its bits are spread out;
 * as addresses are unique and the multiplication can be undone, two variables never collide. A map is its root node, or
 * NULL if it is empty. Each node has up to 32 places, in two bit sets: those with a variable and its value, and those with
 * a child. Its slots hold the variables and values first, then the children.
 *
 * Invariants: a node is never changed after it was made. Every node but the root stands for two or more variables.
 */
#ifndef KR_TYPES_CONTEXT_MAP_H
#define KR_TYPES_CONTEXT_MAP_H

#include <Python.h>
#include <stdint.h>

typedef struct {
    PyObject_VAR_HEAD
    uint32_t variables; /* places with a variable */
    uint32_t children;  /* places with a child; disjoint from the above */
    PyObject *slots[];  /* pairs of variable and value, then children, both in order of place */
} KrContextNode;

enum { KR_CONTEXT_MAP_DEPTH = 13 }; /* 64 bits, five a level */

/* A walk over all entries: the way from the root to the current node. All pointers are borrowed from the map. */
typedef struct {
    int depth;
    KrContextNode *nodes[KR_CONTEXT_MAP_DEPTH];
    int places[KR_CONTEXT_MAP_DEPTH]; /* next slot in each: pairs count one, then children */
} KrContextWalk;

extern PyTypeObject kr_context_node_type;

/* Returns the value of a variable, borrowed, or NULL if there is none. Never fails. */
PyObject *kr_context_map_find(KrContextNode *map, PyObject *variable);

/* Returns a new map in which the variable has the value, or NULL with MemoryError. */
KrContextNode *kr_context_map_set(KrContextNode *map, PyObject *variable, PyObject *value);

/* Makes a map without a variable that is in the given one; *result is NULL if none is left. Returns 0 or -1. */
int kr_context_map_remove(KrContextNode *map, PyObject *variable, KrContextNode **result);

Py_ssize_t kr_context_map_size(KrContextNode *map);

void kr_context_walk_start(KrContextWalk *walk, KrContextNode *map);
/* Moves on to the next entry. Returns 1 with borrowed references, or 0 at the end. */
int kr_context_walk_next(KrContextWalk *walk, PyObject **variable, PyObject **value);

#endif
