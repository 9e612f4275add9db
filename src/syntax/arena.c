/* An arena: memory and object references that are released all at once. */
#include <Python.h>

#include "syntax/arena.h"

enum {
    BLOCK_BYTES = 64 * 1024, /* a module's tree takes some hundred KiB */
    ALIGNMENT = 16,
};

typedef struct Block {
    struct Block *previous;
    size_t used, size;
    char padding[8];
    char bytes[];
} Block;

struct KrArena {
    Block *block;
    PyObject **objects;
    size_t object_count, object_capacity;
};

static Block *block_new(Block *previous, size_t size) {
    Block *block = PyMem_Malloc(sizeof(Block) + size);
    if (block == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    block->previous = previous;
    block->used = 0;
    block->size = size;
    return block;
}

KrArena *kr_arena_new(void) {
    KrArena *arena = PyMem_Calloc(1, sizeof(KrArena));
    if (arena == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    arena->block = block_new(NULL, BLOCK_BYTES / 8);
    if (arena->block == NULL) {
        PyMem_Free(arena);
        return NULL;
    }
    return arena;
}

void kr_arena_free(KrArena *arena) {
    if (arena == NULL) return;
    for (size_t i = 0; i < arena->object_count; i++) Py_DECREF(arena->objects[i]);
    PyMem_Free(arena->objects);
    while (arena->block != NULL) {
        Block *previous = arena->block->previous;
        PyMem_Free(arena->block);
        arena->block = previous;
    }
    PyMem_Free(arena);
}

void *kr_arena_alloc(KrArena *arena, size_t size) {
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    Block *block = arena->block;
    if (size > block->size - block->used) {
        block = block_new(block, size > BLOCK_BYTES ? size : BLOCK_BYTES);
        if (block == NULL) return NULL;
        arena->block = block;
    }
    void *result = block->bytes + block->used;
    block->used += size;
    return result;
}

int kr_arena_own(KrArena *arena, PyObject *object) {
    if (arena->object_count == arena->object_capacity) {
        size_t capacity = arena->object_capacity ? 2 * arena->object_capacity : 64;
        PyObject **objects = PyMem_Realloc(arena->objects, capacity * sizeof(PyObject *));
        if (objects == NULL) {
            Py_DECREF(object);
            PyErr_NoMemory();
            return -1;
        }
        arena->objects = objects;
        arena->object_capacity = capacity;
    }
    arena->objects[arena->object_count++] = object;
    return 0;
}
