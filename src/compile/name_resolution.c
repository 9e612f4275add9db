/* The symbol table's second pass: is a name local, a cell, free or global?
 *
 * Scopes are resolved from the outermost inwards. A name that a scope uses but does not bind is looked for in the function
 * scopes around it; classes and the module are passed over. If a function binds it, the name becomes a cell there and is
 * free in every scope between.
 */
#include <Python.h>

#include "compile/name_resolution.h"
#include "object/names.h"

static int error_at_directive(KrSymbolTable *table, const KrScope *scope, const char *format, PyObject *name) {
    KrLocation at = scope->location;
    for (int i = 0; i < scope->directive_count; i++) {
        if (scope->directives[i].name == name) {
            at = scope->directives[i].location;
            break;
        }
    }
    return kr_symbol_error(table, at, format, name);
}

static void set_scope(KrSymbol *symbol, KrNameScope scope) {
    symbol->flags = (symbol->flags & ~(KR_SCOPE_MASK << KR_SCOPE_SHIFT)) | scope << KR_SCOPE_SHIFT;
}

/* Finds the scope whose variable `name` is when a scope inside `from` uses it without binding it; NULL if it is global. */
static KrScope *find_binding(const KrScope *from, PyObject *name, PyObject *class_name) {
    for (KrScope *scope = from->parent; scope != NULL; scope = scope->parent) {
        if (scope->type == KR_SCOPE_CLASS && name == class_name) return scope;
        if (scope->type != KR_SCOPE_FUNCTION) continue;
        int flags = kr_scope_flags(scope, name);
        if (flags & KR_DEF_GLOBAL) return NULL;
        if ((flags & KR_DEF_BOUND) && !(flags & KR_DEF_NONLOCAL)) return scope;
    }
    return NULL;
}

/* Makes `name` a cell of `owner` and free in all scopes between `owner` and `user`. */
static int capture(KrSymbolTable *table, KrScope *user, KrScope *owner, PyObject *name) {
    if (owner->type == KR_SCOPE_CLASS)
        owner->needs_class_closure = 1;
    else
        set_scope(kr_scope_symbol(owner, name), KR_CELL);
    for (KrScope *scope = user->parent; scope != owner; scope = scope->parent) {
        KrSymbol *symbol = kr_scope_symbol(scope, name);
        if (symbol == NULL) {
            if (kr_scope_add(table->arena, scope, name, KR_FREE << KR_SCOPE_SHIFT) < 0) return -1;
        } else if (scope->type == KR_SCOPE_CLASS && (symbol->flags & (KR_DEF_BOUND | KR_DEF_GLOBAL))) {
            symbol->flags |= KR_DEF_FREE_CLASS;
        }
    }
    return 0;
}

static int resolve_symbol(KrSymbolTable *table, KrScope *scope, int i, PyObject *class_name) {
    PyObject *name = scope->symbols[i].name;
    int flags = scope->symbols[i].flags;
    if (kr_scope_of_flags(flags) == KR_FREE && !(flags & ~(KR_SCOPE_MASK << KR_SCOPE_SHIFT))) return 0;
    if (flags & KR_DEF_GLOBAL) {
        if (flags & KR_DEF_NONLOCAL)
            return error_at_directive(table, scope, "name '%U' is nonlocal and global", name);
        set_scope(&scope->symbols[i], KR_GLOBAL_EXPLICIT);
        return 0;
    }
    if ((flags & KR_DEF_NONLOCAL) && scope->parent == NULL)
        return error_at_directive(table, scope, "nonlocal declaration not allowed at module level", name);
    if ((flags & KR_DEF_BOUND) && !(flags & KR_DEF_NONLOCAL)) {
        set_scope(&scope->symbols[i], KR_LOCAL);
        return 0;
    }
    KrScope *owner = find_binding(scope, name, class_name);
    if (owner == NULL) {
        if (flags & KR_DEF_NONLOCAL) return error_at_directive(table, scope, "no binding for nonlocal '%U' found", name);
        set_scope(&scope->symbols[i], KR_GLOBAL_IMPLICIT);
        return 0;
    }
    set_scope(&scope->symbols[i], KR_FREE);
    return capture(table, scope, owner, name);
}

static int resolve_scope(KrSymbolTable *table, KrScope *scope, PyObject *class_name) {
    for (int i = 0; i < scope->symbol_count; i++)
        if (resolve_symbol(table, scope, i, class_name) < 0) return -1;
    for (int i = 0; i < scope->child_count; i++)
        if (resolve_scope(table, scope->children[i], class_name) < 0) return -1;
    return 0;
}

int kr_names_resolve(KrSymbolTable *table) {
    PyObject *class_name = KR_NAME(__class__);
    return class_name == NULL ? -1 : resolve_scope(table, table->top, class_name);
}
