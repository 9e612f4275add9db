/* Bound methods. Invariant: im_func and im_self are never NULL in a method that can be reached. */
#ifndef KR_OBJECT_METHOD_H
#define KR_OBJECT_METHOD_H

#include <Python.h>
#include <stdio.h>

/* Frees the blocks of dead methods that are kept for new ones. */
void kr_method_clear_free_list(void);
/* Writes how many are kept. */
void kr_method_debug_stats(FILE *out);

#endif
