/* Readying the static types: one list (types.def), bases before derived types. */
#ifndef KR_RUNTIME_TYPES_H
#define KR_RUNTIME_TYPES_H

/* Returns 0, or -1 with an exception. */
int kr_types_ready(void);

#endif
