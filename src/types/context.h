/* The parts of context variables that no public header declares. */
#ifndef KR_TYPES_CONTEXT_H
#define KR_TYPES_CONTEXT_H

#include <Python.h>

extern PyTypeObject kr_context_keys_type, kr_context_values_type, kr_context_items_type, kr_token_missing_type;

/* Adds Token.MISSING, after the types are ready. Returns 0 or -1. */
int kr_context_initialize(void);

#endif
