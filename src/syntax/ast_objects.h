/* The classes of the `_ast` module.
 *
 * They are made from the tables in ast.h at first use and live until kr_ast_objects_finalize.
 */
#ifndef KR_SYNTAX_AST_OBJECTS_H
#define KR_SYNTAX_AST_OBJECTS_H

#include <Python.h>

/* Adds AST and all node classes to a module. Returns 0, or -1 with an exception. */
int kr_ast_objects_add(PyObject *module);
/* Releases the classes. */
void kr_ast_objects_finalize(void);

#endif
