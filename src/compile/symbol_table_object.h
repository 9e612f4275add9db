/* The symbol table as objects, for the `_symtable` module: kr_symbol_table_object (compile.h) makes them. */
#ifndef KR_COMPILE_SYMBOL_TABLE_OBJECT_H
#define KR_COMPILE_SYMBOL_TABLE_OBJECT_H

#include <Python.h>

#include "compile/symbol_table.h"

extern PyTypeObject kr_symbol_entry_type;

#endif
