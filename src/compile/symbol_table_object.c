/* The symbol table as objects, for the `_symtable` module. */
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

#include "compile/compile.h"
#include "compile/symbol_table_object.h"

typedef struct SymbolEntry {
    PyObject_HEAD
    PyObject *id, *name, *symbols, *varnames, *children;
    int type, nested, lineno;
} SymbolEntry;

static PyObject *symbols_dict(const KrScope *scope) {
    PyObject *dict = PyDict_New();
    if (dict == NULL) return NULL;
    for (int i = 0; i < scope->symbol_count; i++) {
        PyObject *flags = PyLong_FromLong(scope->symbols[i].flags);
        if (flags == NULL || PyDict_SetItem(dict, scope->symbols[i].name, flags) < 0) {
            Py_XDECREF(flags);
            Py_DECREF(dict);
            return NULL;
        }
        Py_DECREF(flags);
    }
    return dict;
}

static PyObject *parameters_list(const KrScope *scope) {
    PyObject *list = PyList_New(scope->parameter_count);
    if (list == NULL) return NULL;
    for (int i = 0; i < scope->parameter_count; i++) PyList_SET_ITEM(list, i, Py_NewRef(scope->parameters[i]));
    return list;
}

static PyObject *entry_new(const KrScope *scope);

static PyObject *children_list(const KrScope *scope) {
    PyObject *list = PyList_New(scope->child_count);
    if (list == NULL) return NULL;
    for (int i = 0; i < scope->child_count; i++) {
        PyObject *child = entry_new(scope->children[i]);
        if (child == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, child);
    }
    return list;
}

static PyObject *entry_new(const KrScope *scope) {
    SymbolEntry *entry = PyObject_New(SymbolEntry, &kr_symbol_entry_type);
    if (entry == NULL) return NULL;
    entry->id = PyLong_FromVoidPtr((void *)scope->key);
    entry->name = Py_NewRef(scope->name);
    entry->type = (int)scope->type;
    entry->nested = scope->is_nested;
    entry->lineno = scope->location.lineno;
    entry->symbols = symbols_dict(scope);
    entry->varnames = parameters_list(scope);
    entry->children = children_list(scope);
    if (entry->id == NULL || entry->symbols == NULL || entry->varnames == NULL || entry->children == NULL)
        Py_CLEAR(entry);
    return (PyObject *)entry;
}

static void entry_dealloc(SymbolEntry *entry) {
    Py_XDECREF(entry->id);
    Py_XDECREF(entry->name);
    Py_XDECREF(entry->symbols);
    Py_XDECREF(entry->varnames);
    Py_XDECREF(entry->children);
    PyObject_Free(entry);
}

static PyObject *entry_repr(SymbolEntry *entry) {
    return PyUnicode_FromFormat("<symtable entry %U(%ld), line %d>", entry->name, PyLong_AsLong(entry->id),
                                entry->lineno);
}

static PyMemberDef entry_members[] = {
    {"id", T_OBJECT, offsetof(SymbolEntry, id), READONLY, NULL},
    {"name", T_OBJECT, offsetof(SymbolEntry, name), READONLY, NULL},
    {"symbols", T_OBJECT, offsetof(SymbolEntry, symbols), READONLY, NULL},
    {"varnames", T_OBJECT, offsetof(SymbolEntry, varnames), READONLY, NULL},
    {"children", T_OBJECT, offsetof(SymbolEntry, children), READONLY, NULL},
    {"nested", T_INT, offsetof(SymbolEntry, nested), READONLY, NULL},
    {"type", T_INT, offsetof(SymbolEntry, type), READONLY, NULL},
    {"lineno", T_INT, offsetof(SymbolEntry, lineno), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyTypeObject kr_symbol_entry_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "symtable entry",
    .tp_basicsize = sizeof(SymbolEntry),
    .tp_dealloc = (destructor)entry_dealloc,
    .tp_repr = (reprfunc)entry_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_members = entry_members,
};

PyObject *kr_symbol_table_object(KrNode *tree, PyObject *filename, PyCompilerFlags *flags) {
    KrFuture future;
    if (kr_future_find(tree, filename, &future) < 0) return NULL;
    if (flags != NULL) future.features |= flags->cf_flags & PyCF_MASK;
    KrArena *arena = kr_arena_new();
    if (arena == NULL) return NULL;
    KrSymbolTable *table = kr_symbol_table_build(tree, filename, &future, arena);
    PyObject *result = table == NULL ? NULL : entry_new(table->top);
    kr_arena_free(arena);
    return result;
}
