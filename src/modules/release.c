/* Shutdown: what native modules keep in C variables goes away after all Python code has ended. */
#include <Python.h>

#include "modules/_warnings.h"
#include "modules/io/io.h"
#include "runtime/lifecycle.h"

/* _datetime/module.c: the zone UTC, which C code may ask for without the module */
void kr_datetime_finalize(void);
/* _elementtree/module.c: the exception and the functions that were given to it */
void kr_element_tree_finalize(void);

void kr_modules_release(void) {
    kr_datetime_finalize();
    kr_element_tree_finalize();
    kr_warnings_finalize();
    kr_io_finalize();
}
