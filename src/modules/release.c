/* Shutdown: what native modules keep in C variables goes away after all Python code has ended. */
#include <Python.h>

#include "modules/_warnings.h"
#include "modules/io/io.h"
#include "runtime/lifecycle.h"

void kr_modules_release(void) {
    kr_warnings_finalize();
    kr_io_finalize();
}
