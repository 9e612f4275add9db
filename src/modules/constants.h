/* The numbers that a module publishes by name, mostly those of the system's headers. */
#ifndef KR_MODULES_CONSTANTS_H
#define KR_MODULES_CONSTANTS_H

#include <Python.h>

typedef struct KrConstant {
    const char *name;
    long value;
} KrConstant;

/* Adds the constants of a table to a module. Returns 0, or -1 with an exception. */
static inline int kr_add_constants(PyObject *module, const KrConstant *constants, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0) return -1;
    return 0;
}

#define KR_ADD_CONSTANTS(module, table) kr_add_constants(module, table, Py_ARRAY_LENGTH(table))

#endif
