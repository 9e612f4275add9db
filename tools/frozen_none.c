/* The table of frozen modules of the executable that makes them: none. */
#include <Python.h>

#include "import/import.h"

const struct _frozen kr_frozen_modules[] = {{0}};
