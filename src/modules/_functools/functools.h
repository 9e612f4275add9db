/* The types of the module _functools. */
#ifndef KR_MODULES_FUNCTOOLS_FUNCTOOLS_H
#define KR_MODULES_FUNCTOOLS_FUNCTOOLS_H

#include <Python.h>

extern PyTypeObject kr_partial_type;
extern PyTypeObject kr_lru_cache_type;
/* The entries of bounded caches; not visible from outside. */
extern PyTypeObject kr_lru_link_type;

#endif
