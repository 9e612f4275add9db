/* An arena: memory and object references that are released all at once.
 *
 * Invariant: pointers handed out stay valid, and objects added stay alive, until kr_arena_free.
 */
#ifndef KR_SYNTAX_ARENA_H
#define KR_SYNTAX_ARENA_H

#include <Python.h>

typedef struct KrArena KrArena;

/* Returns a new arena, or NULL with MemoryError. */
KrArena *kr_arena_new(void);
/* Releases the memory and the objects; NULL is allowed. */
void kr_arena_free(KrArena *arena);
/* Returns `size` bytes aligned to 16, or NULL with MemoryError. */
void *kr_arena_alloc(KrArena *arena, size_t size);
/* Gives the arena ownership of one reference to `object`. Returns 0; on failure releases the reference and returns -1. */
int kr_arena_own(KrArena *arena, PyObject *object);

#endif
