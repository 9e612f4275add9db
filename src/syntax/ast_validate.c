/* Checks of trees that came from objects. */
#include <Python.h>
#include "syntax/parse.h"
int kr_ast_validate(KrNode *tree) { return 1; }
