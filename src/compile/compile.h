/* From a tree to a code object.
 *
 * Invariant: the compiler never changes what a tree means, but it may rewrite it in place (constant folding), so a tree is
 * compiled once.
 */
#ifndef KR_COMPILE_COMPILE_H
#define KR_COMPILE_COMPILE_H

#include <Python.h>

#include "syntax/ast.h"

/* Compiles a node of the mod sum. `filename` is borrowed; `flags` may be NULL; on return flags->cf_flags has the
 * __future__ bits that the source switched on. `optimize` is -1 (the interpreter's level), 0, 1 or 2. Returns a new code
 * object, or NULL with an exception (SyntaxError with position, RecursionError, MemoryError ...). */
PyCodeObject *kr_compile(KrNode *tree, PyObject *filename, PyCompilerFlags *flags, int optimize, KrArena *arena);

/* Folds constants in place as the compiler does (used for ast with optimisation). Returns 0 or -1. */
int kr_compile_fold(KrNode *tree, int optimize, int future_flags, KrArena *arena);

/* Builds the symbol table and returns it as the object that the `_symtable` module shows; NULL with an exception. */
PyObject *kr_symbol_table_object(KrNode *tree, PyObject *filename, PyCompilerFlags *flags);

#endif
