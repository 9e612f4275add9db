#ifndef KR_VM_ROOTS_H
#define KR_VM_ROOTS_H

#include <Python.h>

/* Visits the objects that are alive because interpreters, threads or frames refer to them; for kr_gc_set_roots. */
void kr_roots_visit(visitproc visit, void *argument);

#endif
