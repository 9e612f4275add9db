/* The C library's mathematical functions, which are loaded when something needs them (libm.c). */
#ifndef KR_BASE_LIBM_H
#define KR_BASE_LIBM_H

/* Loads libm, unless it is there. Its symbols are visible to all libraries that are loaded later: extension modules count on
 * the interpreter to have brought it. Returns its handle, or NULL (see dlerror). */
void *kr_libm_load(void);

#endif
