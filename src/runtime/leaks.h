/* What is alive: the debug build's sum of all reference counts, and its report about what was not given back at exit. */
#ifndef KR_RUNTIME_LEAKS_H
#define KR_RUNTIME_LEAKS_H

#include <Python.h>

#ifdef KRAIT_DEBUG
enum { KR_RELEASE_ALWAYS = 1 }; /* also when the process ends, and the system takes back what is left */
/* Returns the sum of the reference counts of all objects. */
Py_ssize_t kr_leaks_total_references(void);
/* Describes on stderr the objects and blocks in use, if there are any. What data of an extension module refers to is left
 * out: such modules keep objects in C variables for good. */
void kr_leaks_report(void);
#else
#ifdef KRAIT_SANITIZE
enum { KR_RELEASE_ALWAYS = 1 };
#else
enum { KR_RELEASE_ALWAYS = 0 };
#endif
static inline void kr_leaks_report(void) {}
#endif

#endif
