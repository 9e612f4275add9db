/* Readying the static types. */
#include <Python.h>

#include "runtime/types.h"


#define KR_TYPE(name) extern PyTypeObject name;
#include "runtime/types.def"
#undef KR_TYPE

static PyTypeObject *const types[] = {
#define KR_TYPE(name) &name,
#include "runtime/types.def"
#undef KR_TYPE
};

int kr_types_ready(void) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (PyType_Ready(types[i]) < 0) return -1;
    return 0;
}
