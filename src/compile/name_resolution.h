/* What the symbol table's two passes share. */
#ifndef KR_COMPILE_NAME_RESOLUTION_H
#define KR_COMPILE_NAME_RESOLUTION_H

#include <Python.h>

#include "compile/symbol_table.h"

/* Returns a name's symbol in a scope, or NULL without an exception. */
KrSymbol *kr_scope_symbol(const KrScope *scope, PyObject *name);
/* Adds a symbol that the scope does not have yet. Returns 0 or -1. */
int kr_scope_add(KrArena *arena, KrScope *scope, PyObject *name, int flags);
/* Raises SyntaxError about `name` at a place; returns -1. */
int kr_symbol_error(KrSymbolTable *table, KrLocation at, const char *format, PyObject *name);
/* Resolves every name of every scope. Returns 0, or -1 with SyntaxError. */
int kr_names_resolve(KrSymbolTable *table);

#endif
