/* The module `_ast`: classes of the nodes of the abstract syntax tree. */
#include <Python.h>

#include "syntax/ast_objects.h"

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, kr_ast_objects_add},
    {0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_ast",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__ast(void) { return PyModuleDef_Init(&module); }
