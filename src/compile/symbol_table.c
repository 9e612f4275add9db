/* The symbol table's first pass: which names occur in which scope, and how.
 *
 * Resolving them is name_resolution.c's job.
 */
#include <Python.h>

#include "compile/name_resolution.h"
#include "compile/symbol_table.h"
#include "object/names.h"
#include "object/runtime.h"

#define TRY(expression)                   \
    do {                                  \
        if ((expression) < 0) return -1;  \
    } while (0)

enum {
    SCALE = 3,                       /* levels of our recursion per level of the interpreter's limit */
    SMALL_SCOPE = 8,                 /* up to so many symbols are searched one by one */
};

const char *kr_compile_stack_limit(void) { return kr_c_stack_limit; }

void kr_compile_depth_init(int *depth, int *depth_limit, const char **stack_limit) {
    PyThreadState *tstate = PyThreadState_Get();
    int limit = tstate->recursion_limit, used = limit - tstate->recursion_remaining;
    if (used < 0) used = 0;
    *depth = used < INT_MAX / SCALE ? used * SCALE : used;
    *depth_limit = limit < INT_MAX / SCALE ? limit * SCALE : limit;
    /* Generating code takes more stack than the passes before it do: they stop while there is enough left. */
    const char *here = __builtin_frame_address(0);
    *stack_limit = kr_c_stack_limit == NULL ? NULL : kr_c_stack_limit + (here - kr_c_stack_limit) / 2;
}

int kr_compile_depth_error(void) {
    PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded during compilation");
    return -1;
}

/* Names */

PyObject *kr_identifier_intern(KrArena *arena, PyObject *name) {
    if (PyUnicode_CHECK_INTERNED(name)) return name;
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);
    return kr_arena_own(arena, name) < 0 ? NULL : name;
}

PyObject *_Py_Mangle(PyObject *class_name, PyObject *name) {
    if (class_name == NULL || !PyUnicode_Check(class_name)) return Py_NewRef(name);
    Py_ssize_t length = PyUnicode_GET_LENGTH(name), class_length = PyUnicode_GET_LENGTH(class_name);
    if (length < 2 || PyUnicode_READ_CHAR(name, 0) != '_' || PyUnicode_READ_CHAR(name, 1) != '_')
        return Py_NewRef(name);
    if (PyUnicode_READ_CHAR(name, length - 1) == '_' && PyUnicode_READ_CHAR(name, length - 2) == '_')
        return Py_NewRef(name);
    /* A dotted name in an import statement is not an identifier of the class. */
    Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, length, 1);
    if (dot == -2) return NULL;
    if (dot >= 0) return Py_NewRef(name);
    Py_ssize_t stripped = 0;
    while (stripped < class_length && PyUnicode_READ_CHAR(class_name, stripped) == '_') stripped++;
    if (stripped == class_length) return Py_NewRef(name);

    Py_UCS4 widest = PyUnicode_MAX_CHAR_VALUE(name), class_widest = PyUnicode_MAX_CHAR_VALUE(class_name);
    if (class_length - stripped > PY_SSIZE_T_MAX - 1 - length) {
        PyErr_SetString(PyExc_OverflowError, "private identifier too large to be mangled");
        return NULL;
    }
    PyObject *result =
        PyUnicode_New(1 + class_length - stripped + length, widest > class_widest ? widest : class_widest);
    if (result == NULL) return NULL;
    PyUnicode_WRITE(PyUnicode_KIND(result), PyUnicode_DATA(result), 0, '_');
    if (PyUnicode_CopyCharacters(result, 1, class_name, stripped, class_length - stripped) < 0 ||
        PyUnicode_CopyCharacters(result, 1 + class_length - stripped, name, 0, length) < 0) {
        Py_DECREF(result);
        return NULL;
    }
    return result;
}

PyObject *kr_symbol_table_mangle(KrSymbolTable *table, PyObject *class_name, PyObject *name) {
    name = kr_identifier_intern(table->arena, name);
    if (name == NULL || class_name == NULL) return name;
    if (PyUnicode_GET_LENGTH(name) < 2 || PyUnicode_READ_CHAR(name, 0) != '_' || PyUnicode_READ_CHAR(name, 1) != '_')
        return name;
    size_t slot = (((uintptr_t)name >> 4) ^ ((uintptr_t)class_name >> 6)) % Py_ARRAY_LENGTH(table->mangled_cache);
    if (table->mangled_cache[slot].name == name && table->mangled_cache[slot].class_name == class_name)
        return table->mangled_cache[slot].mangled;
    PyObject *mangled = _Py_Mangle(class_name, name);
    if (mangled == NULL) return NULL;
    PyUnicode_InternInPlace(&mangled);
    if (kr_arena_own(table->arena, mangled) < 0) return NULL;
    table->mangled_cache[slot].class_name = class_name;
    table->mangled_cache[slot].name = name;
    table->mangled_cache[slot].mangled = mangled;
    return mangled;
}

/* Makes room for one more item in an array of the arena. */
static void *grown(KrArena *arena, void *items, int count, int *capacity, size_t item_size) {
    if (count < *capacity) return items;
    int larger = *capacity ? 2 * *capacity : 4;
    void *moved = kr_arena_alloc(arena, (size_t)larger * item_size);
    if (moved == NULL) return NULL;
    if (count) memcpy(moved, items, (size_t)count * item_size);
    *capacity = larger;
    return moved;
}

#define APPEND(arena, owner, list, counter, room, value)                                                       \
    do {                                                                                                        \
        void *kr_items = grown((arena), (owner)->list, (owner)->counter, &(owner)->room, sizeof *(owner)->list); \
        if (kr_items == NULL) return -1;                                                                        \
        (owner)->list = kr_items;                                                                               \
        (owner)->list[(owner)->counter++] = (value);                                                            \
    } while (0)

static inline unsigned name_hash(const PyObject *name) { return (unsigned)(((uintptr_t)name >> 4) * 0x9E3779B1u >> 7); }

static inline int find_symbol(const KrScope *scope, PyObject *name) {
    if (scope->index == NULL) {
        for (int i = 0; i < scope->symbol_count; i++)
            if (scope->symbols[i].name == name) return i;
        return -1;
    }
    for (unsigned slot = name_hash(name) & scope->index_mask;; slot = (slot + 1) & scope->index_mask) {
        int i = scope->index[slot];
        if (i < 0 || scope->symbols[i].name == name) return i;
    }
}

static void index_symbol(KrScope *scope, int i) {
    unsigned slot = name_hash(scope->symbols[i].name) & scope->index_mask;
    while (scope->index[slot] >= 0) slot = (slot + 1) & scope->index_mask;
    scope->index[slot] = i;
}

KrSymbol *kr_scope_symbol(const KrScope *scope, PyObject *name) {
    int i = find_symbol(scope, name);
    return i < 0 ? NULL : &scope->symbols[i];
}

int kr_scope_flags(const KrScope *scope, PyObject *name) {
    int i = find_symbol(scope, name);
    return i < 0 ? 0 : scope->symbols[i].flags;
}

int kr_scope_add(KrArena *arena, KrScope *scope, PyObject *name, int flags) {
    APPEND(arena, scope, symbols, symbol_count, symbol_capacity, ((KrSymbol){name, flags}));
    if (scope->symbol_count > SMALL_SCOPE && (scope->index == NULL || 2 * scope->symbol_count > scope->index_mask)) {
        int size = scope->index == NULL ? 8 * SMALL_SCOPE : 2 * (scope->index_mask + 1);
        int *index = kr_arena_alloc(arena, (size_t)size * sizeof(int));
        if (index == NULL) return -1;
        memset(index, -1, (size_t)size * sizeof(int));
        scope->index = index;
        scope->index_mask = size - 1;
        for (int i = 0; i < scope->symbol_count; i++) index_symbol(scope, i);
    } else if (scope->index != NULL) {
        index_symbol(scope, scope->symbol_count - 1);
    }
    return 0;
}

/* Errors */

int kr_symbol_error(KrSymbolTable *table, KrLocation at, const char *format, PyObject *name) {
    PyErr_Format(PyExc_SyntaxError, format, name);
    PyErr_RangedSyntaxLocationObject(table->filename, at.lineno, at.col_offset + 1, at.end_lineno,
                                     at.end_col_offset + 1);
    return -1;
}

static int error_at(KrSymbolTable *table, const KrNode *node, const char *format, PyObject *name) {
    return kr_symbol_error(table, kr_location_of(node), format, name);
}

/* Scopes */

static int map_scope(KrSymbolTable *table, const void *key, KrScope *scope) {
    if (2 * (table->map_count + 1) > table->map_mask) {
        size_t old_size = table->map_mask ? table->map_mask + 1 : 0, size = old_size ? 2 * old_size : 64;
        typeof(table->map) old = table->map;
        table->map = kr_arena_alloc(table->arena, size * sizeof *table->map);
        if (table->map == NULL) return -1;
        memset(table->map, 0, size * sizeof *table->map);
        table->map_mask = size - 1;
        table->map_count = 0;
        for (size_t i = 0; i < old_size; i++)
            if (old[i].key != NULL) TRY(map_scope(table, old[i].key, old[i].scope));
    }
    size_t slot = ((uintptr_t)key >> 4) * 0x9E3779B97F4A7C15u >> 20 & table->map_mask;
    while (table->map[slot].key != NULL && table->map[slot].key != key) slot = (slot + 1) & table->map_mask;
    table->map_count += table->map[slot].key == NULL;
    table->map[slot].key = key;
    table->map[slot].scope = scope;
    return 0;
}

KrScope *kr_symbol_table_scope(KrSymbolTable *table, const void *key) {
    size_t slot = ((uintptr_t)key >> 4) * 0x9E3779B97F4A7C15u >> 20 & table->map_mask;
    while (table->map[slot].key != key) {
        if (table->map[slot].key == NULL) return NULL;
        slot = (slot + 1) & table->map_mask;
    }
    return table->map[slot].scope;
}

static int enter_scope(KrSymbolTable *table, PyObject *name, KrScopeType type, const void *key, KrLocation location) {
    if (name == NULL) return -1;
    KrScope *scope = kr_arena_alloc(table->arena, sizeof(KrScope));
    if (scope == NULL) return -1;
    *scope = (KrScope){.type = type, .name = name, .key = key, .location = location, .parent = table->current};
    KrScope *parent = table->current;
    if (parent != NULL) {
        scope->is_nested = parent->is_nested || parent->type == KR_SCOPE_FUNCTION;
        scope->iterable_depth = parent->iterable_depth;
    }
    table->current = scope;
    /* Postponed annotations are checked, but they are no part of the program. */
    if (type == KR_SCOPE_ANNOTATION) return 0;
    if (parent != NULL) APPEND(table->arena, parent, children, child_count, child_capacity, scope);
    return map_scope(table, key, scope);
}

static void leave_scope(KrSymbolTable *table) { table->current = table->current->parent; }

static int define_in(KrSymbolTable *table, KrScope *scope, PyObject *name, int flag, KrLocation at) {
    PyObject *mangled = kr_symbol_table_mangle(table, table->private_name, name);
    if (mangled == NULL) return -1;
    int i = find_symbol(scope, mangled);
    int flags = flag;
    if (i >= 0) {
        flags |= scope->symbols[i].flags;
        if ((flag & KR_DEF_PARAM) && (scope->symbols[i].flags & KR_DEF_PARAM))
            return kr_symbol_error(table, at, "duplicate argument '%U' in function definition", name);
    }
    if (scope->visits_target) {
        if (flags & (KR_DEF_GLOBAL | KR_DEF_NONLOCAL))
            return kr_symbol_error(table, at,
                                   "comprehension inner loop cannot rebind assignment expression target '%U'", name);
        flags |= KR_DEF_COMP_ITER;
    }
    if (i >= 0)
        scope->symbols[i].flags = flags;
    else
        TRY(kr_scope_add(table->arena, scope, mangled, flags));

    if (flag & KR_DEF_PARAM) {
        APPEND(table->arena, scope, parameters, parameter_count, parameter_capacity, mangled);
    } else if (flag & KR_DEF_GLOBAL) {
        KrSymbol *global = kr_scope_symbol(table->top, mangled);
        if (global != NULL)
            global->flags |= flag;
        else
            TRY(kr_scope_add(table->arena, table->top, mangled, flag));
    }
    return 0;
}

static int define(KrSymbolTable *table, PyObject *name, int flag, const KrNode *at) {
    return define_in(table, table->current, name, flag, kr_location_of(at));
}

static int record_directive(KrSymbolTable *table, PyObject *name, KrLocation location) {
    PyObject *mangled = kr_symbol_table_mangle(table, table->private_name, name);
    if (mangled == NULL) return -1;
    APPEND(table->arena, table->current, directives, directive_count, directive_capacity,
           ((KrDirective){mangled, location}));
    return 0;
}

/* Returns the flags of a name in the current scope, or -1 on error. */
static int current_flags(KrSymbolTable *table, PyObject *name) {
    PyObject *mangled = kr_symbol_table_mangle(table, table->private_name, name);
    return mangled == NULL ? -1 : kr_scope_flags(table->current, mangled);
}

static int visit_statement(KrSymbolTable *table, KrNode *node);
static int visit_expression(KrSymbolTable *table, KrNode *node);

static int visit_statements(KrSymbolTable *table, const KrSeq *statements) {
    for (Py_ssize_t i = 0; i < kr_seq_count(statements); i++)
        TRY(visit_statement(table, kr_seq_node(statements, i)));
    return 0;
}

/* Visits expressions; absent ones (NULL) are passed over. */
static int visit_expressions(KrSymbolTable *table, const KrSeq *expressions) {
    for (Py_ssize_t i = 0; i < kr_seq_count(expressions); i++) {
        KrNode *expression = kr_seq_node(expressions, i);
        if (expression != NULL) TRY(visit_expression(table, expression));
    }
    return 0;
}

static int visit_optional(KrSymbolTable *table, KrNode *node) {
    return node == NULL ? 0 : visit_expression(table, node);
}

static int visit_keywords(KrSymbolTable *table, const KrSeq *keywords) {
    for (Py_ssize_t i = 0; i < kr_seq_count(keywords); i++)
        TRY(visit_expression(table, ((Kr_keyword *)keywords->item[i])->value));
    return 0;
}

/* Functions */

static int define_parameters(KrSymbolTable *table, const KrSeq *parameters) {
    for (Py_ssize_t i = 0; i < kr_seq_count(parameters); i++) {
        Kr_arg *parameter = parameters->item[i];
        TRY(define(table, parameter->arg, KR_DEF_PARAM, &parameter->node));
    }
    return 0;
}

static int define_arguments(KrSymbolTable *table, const Kr_arguments *arguments) {
    TRY(define_parameters(table, arguments->posonlyargs));
    TRY(define_parameters(table, arguments->args));
    TRY(define_parameters(table, arguments->kwonlyargs));
    if (arguments->vararg != NULL) {
        TRY(define(table, arguments->vararg->arg, KR_DEF_PARAM, &arguments->vararg->node));
        table->current->has_varargs = 1;
    }
    if (arguments->kwarg != NULL) {
        TRY(define(table, arguments->kwarg->arg, KR_DEF_PARAM, &arguments->kwarg->node));
        table->current->has_varkeywords = 1;
    }
    return 0;
}

static int visit_annotation(KrSymbolTable *table, KrNode *annotation) {
    int postponed = table->future->features & CO_FUTURE_ANNOTATIONS;
    if (postponed)
        TRY(enter_scope(table, KR_NAME(_annotation), KR_SCOPE_ANNOTATION, annotation, kr_location_of(annotation)));
    TRY(visit_expression(table, annotation));
    if (postponed) leave_scope(table);
    return 0;
}

static int visit_parameter_annotations(KrSymbolTable *table, const KrSeq *parameters) {
    for (Py_ssize_t i = 0; i < kr_seq_count(parameters); i++)
        TRY(visit_optional(table, ((Kr_arg *)parameters->item[i])->annotation));
    return 0;
}

static int visit_function_annotations(KrSymbolTable *table, const KrNode *function, const Kr_arguments *arguments,
                                      KrNode *returns) {
    int postponed = table->future->features & CO_FUTURE_ANNOTATIONS;
    if (postponed)
        TRY(enter_scope(table, KR_NAME(_annotation), KR_SCOPE_ANNOTATION, function, kr_location_of(function)));
    TRY(visit_parameter_annotations(table, arguments->posonlyargs));
    TRY(visit_parameter_annotations(table, arguments->args));
    if (arguments->vararg != NULL) TRY(visit_optional(table, arguments->vararg->annotation));
    if (arguments->kwarg != NULL) TRY(visit_optional(table, arguments->kwarg->annotation));
    TRY(visit_parameter_annotations(table, arguments->kwonlyargs));
    if (postponed) leave_scope(table);
    return returns == NULL ? 0 : visit_annotation(table, returns);
}

/* A definition and an async one have the same fields. */
static int visit_function(KrSymbolTable *table, Kr_FunctionDef *function) {
    KrNode *node = &function->node;
    TRY(define(table, function->name, KR_DEF_LOCAL, node));
    TRY(visit_expressions(table, function->args->defaults));
    TRY(visit_expressions(table, function->args->kw_defaults));
    TRY(visit_function_annotations(table, node, function->args, function->returns));
    TRY(visit_expressions(table, function->decorator_list));
    TRY(enter_scope(table, function->name, KR_SCOPE_FUNCTION, node, kr_location_of(node)));
    if (node->kind == KR_AsyncFunctionDef) table->current->is_coroutine = 1;
    TRY(define_arguments(table, function->args));
    TRY(visit_statements(table, function->body));
    leave_scope(table);
    return 0;
}

static int visit_class(KrSymbolTable *table, Kr_ClassDef *definition) {
    KrNode *node = &definition->node;
    TRY(define(table, definition->name, KR_DEF_LOCAL, node));
    TRY(visit_expressions(table, definition->bases));
    TRY(visit_keywords(table, definition->keywords));
    TRY(visit_expressions(table, definition->decorator_list));
    TRY(enter_scope(table, definition->name, KR_SCOPE_CLASS, node, kr_location_of(node)));
    PyObject *outer = table->private_name;
    table->private_name = definition->name;
    TRY(visit_statements(table, definition->body));
    table->private_name = outer;
    leave_scope(table);
    return 0;
}

static int visit_lambda(KrSymbolTable *table, Kr_Lambda *lambda) {
    TRY(visit_expressions(table, lambda->args->defaults));
    TRY(visit_expressions(table, lambda->args->kw_defaults));
    TRY(enter_scope(table, KR_NAME(lambda), KR_SCOPE_FUNCTION, lambda, kr_location_of(&lambda->node)));
    TRY(define_arguments(table, lambda->args));
    TRY(visit_expression(table, lambda->body));
    leave_scope(table);
    return 0;
}

/* Statements */

/* Declares names global or nonlocal, unless the scope already uses them otherwise. */
static int declare(KrSymbolTable *table, const KrNode *node, const KrSeq *names, int flag) {
    static const char *const messages[2][4] = {
        {"name '%U' is parameter and global", "name '%U' is used prior to global declaration",
         "annotated name '%U' can't be global", "name '%U' is assigned to before global declaration"},
        {"name '%U' is parameter and nonlocal", "name '%U' is used prior to nonlocal declaration",
         "annotated name '%U' can't be nonlocal", "name '%U' is assigned to before nonlocal declaration"},
    };
    const char *const *message = messages[flag == KR_DEF_NONLOCAL];
    for (Py_ssize_t i = 0; i < kr_seq_count(names); i++) {
        PyObject *name = kr_seq_object(names, i);
        int flags = current_flags(table, name);
        if (flags < 0) return -1;
        if (flags & KR_DEF_PARAM) return error_at(table, node, message[0], name);
        if (flags & KR_USE) return error_at(table, node, message[1], name);
        if (flags & KR_DEF_ANNOT) return error_at(table, node, message[2], name);
        if (flags & KR_DEF_LOCAL) return error_at(table, node, message[3], name);
        TRY(define(table, name, flag, node));
        TRY(record_directive(table, name, kr_location_of(node)));
    }
    return 0;
}

static int visit_annotated_assignment(KrSymbolTable *table, Kr_AnnAssign *assignment) {
    KrNode *target = assignment->target;
    if (target->kind == KR_Name) {
        PyObject *name = KR_AS(Name, target)->id;
        int flags = current_flags(table, name);
        if (flags < 0) return -1;
        if ((flags & (KR_DEF_GLOBAL | KR_DEF_NONLOCAL)) && table->current != table->top && assignment->simple)
            return error_at(
                table, &assignment->node,
                flags & KR_DEF_GLOBAL ? "annotated name '%U' can't be global" : "annotated name '%U' can't be nonlocal",
                name);
        if (assignment->simple)
            TRY(define(table, name, KR_DEF_ANNOT | KR_DEF_LOCAL, target));
        else if (assignment->value != NULL)
            TRY(define(table, name, KR_DEF_LOCAL, target));
    } else {
        TRY(visit_expression(table, target));
    }
    TRY(visit_annotation(table, assignment->annotation));
    return visit_optional(table, assignment->value);
}

static int visit_imports(KrSymbolTable *table, const KrSeq *aliases) {
    for (Py_ssize_t i = 0; i < kr_seq_count(aliases); i++) {
        Kr_alias *alias = aliases->item[i];
        PyObject *name = alias->asname != NULL ? alias->asname : alias->name;
        Py_ssize_t length = PyUnicode_GET_LENGTH(name);
        if (length == 1 && PyUnicode_READ_CHAR(name, 0) == '*') {
            if (table->current->type != KR_SCOPE_MODULE)
                return error_at(table, &alias->node, "import * only allowed at module level", NULL);
            continue;
        }
        Py_ssize_t dot = PyUnicode_FindChar(name, '.', 0, length, 1);
        if (dot == -2) return -1;
        if (dot >= 0) {
            /* `import a.b` binds a. */
            name = PyUnicode_Substring(name, 0, dot);
            if (name == NULL || kr_arena_own(table->arena, name) < 0) return -1;
        }
        TRY(define(table, name, KR_DEF_IMPORT, &alias->node));
    }
    return 0;
}

static int visit_pattern(KrSymbolTable *table, KrNode *node);

static int visit_patterns(KrSymbolTable *table, const KrSeq *patterns) {
    for (Py_ssize_t i = 0; i < kr_seq_count(patterns); i++) TRY(visit_pattern(table, kr_seq_node(patterns, i)));
    return 0;
}

static int capture(KrSymbolTable *table, PyObject *name, const KrNode *pattern) {
    return name == NULL ? 0 : define(table, name, KR_DEF_LOCAL, pattern);
}

static int visit_pattern(KrSymbolTable *table, KrNode *node) {
    KR_COMPILE_ENTER(table);
    switch (node->kind) {
        case KR_MatchValue: TRY(visit_expression(table, KR_AS(MatchValue, node)->value)); break;
        case KR_MatchSequence: TRY(visit_patterns(table, KR_AS(MatchSequence, node)->patterns)); break;
        case KR_MatchStar: TRY(capture(table, KR_AS(MatchStar, node)->name, node)); break;
        case KR_MatchMapping: {
            Kr_MatchMapping *mapping = KR_AS(MatchMapping, node);
            TRY(visit_expressions(table, mapping->keys));
            TRY(visit_patterns(table, mapping->patterns));
            TRY(capture(table, mapping->rest, node));
            break;
        }
        case KR_MatchClass: {
            Kr_MatchClass *match = KR_AS(MatchClass, node);
            TRY(visit_expression(table, match->cls));
            TRY(visit_patterns(table, match->patterns));
            TRY(visit_patterns(table, match->kwd_patterns));
            break;
        }
        case KR_MatchAs: {
            Kr_MatchAs *as = KR_AS(MatchAs, node);
            if (as->pattern != NULL) TRY(visit_pattern(table, as->pattern));
            TRY(capture(table, as->name, node));
            break;
        }
        case KR_MatchOr: TRY(visit_patterns(table, KR_AS(MatchOr, node)->patterns)); break;
        default: break;
    }
    KR_COMPILE_LEAVE(table);
    return 0;
}

static int visit_cases(KrSymbolTable *table, const KrSeq *cases) {
    for (Py_ssize_t i = 0; i < kr_seq_count(cases); i++) {
        Kr_match_case *match_case = cases->item[i];
        TRY(visit_pattern(table, match_case->pattern));
        TRY(visit_optional(table, match_case->guard));
        TRY(visit_statements(table, match_case->body));
    }
    return 0;
}

static int visit_handlers(KrSymbolTable *table, const KrSeq *handlers) {
    for (Py_ssize_t i = 0; i < kr_seq_count(handlers); i++) {
        Kr_ExceptHandler *handler = handlers->item[i];
        TRY(visit_optional(table, handler->type));
        if (handler->name != NULL) TRY(define(table, handler->name, KR_DEF_LOCAL, &handler->node));
        TRY(visit_statements(table, handler->body));
    }
    return 0;
}

static int visit_with_items(KrSymbolTable *table, const KrSeq *items) {
    for (Py_ssize_t i = 0; i < kr_seq_count(items); i++) {
        Kr_withitem *item = items->item[i];
        TRY(visit_expression(table, item->context_expr));
        TRY(visit_optional(table, item->optional_vars));
    }
    return 0;
}

static int visit_statement(KrSymbolTable *table, KrNode *node) {
    KR_COMPILE_ENTER(table);
    switch (node->kind) {
        case KR_FunctionDef:
        case KR_AsyncFunctionDef: TRY(visit_function(table, KR_AS(FunctionDef, node))); break;
        case KR_ClassDef: TRY(visit_class(table, KR_AS(ClassDef, node))); break;
        case KR_Return: TRY(visit_optional(table, KR_AS(Return, node)->value)); break;
        case KR_Delete: TRY(visit_expressions(table, KR_AS(Delete, node)->targets)); break;
        case KR_Assign:
            TRY(visit_expressions(table, KR_AS(Assign, node)->targets));
            TRY(visit_expression(table, KR_AS(Assign, node)->value));
            break;
        case KR_AugAssign:
            TRY(visit_expression(table, KR_AS(AugAssign, node)->target));
            TRY(visit_expression(table, KR_AS(AugAssign, node)->value));
            break;
        case KR_AnnAssign: TRY(visit_annotated_assignment(table, KR_AS(AnnAssign, node))); break;
        case KR_For:
        case KR_AsyncFor:
            TRY(visit_expression(table, KR_AS(For, node)->target));
            TRY(visit_expression(table, KR_AS(For, node)->iter));
            TRY(visit_statements(table, KR_AS(For, node)->body));
            TRY(visit_statements(table, KR_AS(For, node)->orelse));
            break;
        case KR_While:
            TRY(visit_expression(table, KR_AS(While, node)->test));
            TRY(visit_statements(table, KR_AS(While, node)->body));
            TRY(visit_statements(table, KR_AS(While, node)->orelse));
            break;
        case KR_If:
            TRY(visit_expression(table, KR_AS(If, node)->test));
            TRY(visit_statements(table, KR_AS(If, node)->body));
            TRY(visit_statements(table, KR_AS(If, node)->orelse));
            break;
        case KR_With:
        case KR_AsyncWith:
            TRY(visit_with_items(table, KR_AS(With, node)->items));
            TRY(visit_statements(table, KR_AS(With, node)->body));
            break;
        case KR_Match:
            TRY(visit_expression(table, KR_AS(Match, node)->subject));
            TRY(visit_cases(table, KR_AS(Match, node)->cases));
            break;
        case KR_Raise:
            TRY(visit_optional(table, KR_AS(Raise, node)->exc));
            TRY(visit_optional(table, KR_AS(Raise, node)->cause));
            break;
        case KR_Try:
        case KR_TryStar:
            TRY(visit_statements(table, KR_AS(Try, node)->body));
            TRY(visit_statements(table, KR_AS(Try, node)->orelse));
            TRY(visit_handlers(table, KR_AS(Try, node)->handlers));
            TRY(visit_statements(table, KR_AS(Try, node)->finalbody));
            break;
        case KR_Assert:
            TRY(visit_expression(table, KR_AS(Assert, node)->test));
            TRY(visit_optional(table, KR_AS(Assert, node)->msg));
            break;
        case KR_Import: TRY(visit_imports(table, KR_AS(Import, node)->names)); break;
        case KR_ImportFrom: TRY(visit_imports(table, KR_AS(ImportFrom, node)->names)); break;
        case KR_Global: TRY(declare(table, node, KR_AS(Global, node)->names, KR_DEF_GLOBAL)); break;
        case KR_Nonlocal: TRY(declare(table, node, KR_AS(Nonlocal, node)->names, KR_DEF_NONLOCAL)); break;
        case KR_Expr: TRY(visit_expression(table, KR_AS(Expr, node)->value)); break;
        default: break; /* pass, break, continue */
    }
    KR_COMPILE_LEAVE(table);
    return 0;
}

/* Expressions */

/* The target of `:=` in a comprehension belongs to the function or module around all comprehensions. */
static int bind_target_outside(KrSymbolTable *table, const Kr_Name *target) {
    KrLocation at = kr_location_of(&target->node);
    PyObject *name = target->id;
    for (KrScope *scope = table->current; scope != NULL; scope = scope->parent) {
        PyObject *mangled = kr_symbol_table_mangle(table, table->private_name, name);
        if (mangled == NULL) return -1;
        if (scope->comprehension) {
            if (kr_scope_flags(scope, mangled) & KR_DEF_COMP_ITER)
                return kr_symbol_error(
                    table, at, "assignment expression cannot rebind comprehension iteration variable '%U'", name);
            continue;
        }
        if (scope->type == KR_SCOPE_FUNCTION) {
            int is_global = kr_scope_flags(scope, mangled) & KR_DEF_GLOBAL;
            TRY(define(table, name, is_global ? KR_DEF_GLOBAL : KR_DEF_NONLOCAL, &target->node));
            TRY(record_directive(table, name, at));
            return define_in(table, scope, name, KR_DEF_LOCAL, at);
        }
        if (scope->type == KR_SCOPE_MODULE) {
            TRY(define(table, name, KR_DEF_GLOBAL, &target->node));
            TRY(record_directive(table, name, at));
            return define_in(table, scope, name, KR_DEF_GLOBAL, at);
        }
        if (scope->type == KR_SCOPE_CLASS)
            return kr_symbol_error(
                table, at, "assignment expression within a comprehension cannot be used in a class body", NULL);
    }
    return 0;
}

static int forbid_in_annotation(KrSymbolTable *table, const char *what, const KrNode *node) {
    if (table->current->type != KR_SCOPE_ANNOTATION) return 0;
    PyErr_Format(PyExc_SyntaxError, "'%s' can not be used within an annotation", what);
    PyErr_RangedSyntaxLocationObject(table->filename, node->lineno, node->col_offset + 1, node->end_lineno,
                                     node->end_col_offset + 1);
    return -1;
}

static int visit_assignment_expression(KrSymbolTable *table, Kr_NamedExpr *expression) {
    TRY(forbid_in_annotation(table, "named expression", &expression->node));
    if (table->current->iterable_depth > 0)
        return error_at(table, &expression->node,
                        "assignment expression cannot be used in a comprehension iterable expression", NULL);
    if (table->current->comprehension) TRY(bind_target_outside(table, KR_AS(Name, expression->target)));
    TRY(visit_expression(table, expression->value));
    return visit_expression(table, expression->target);
}

static int visit_yield(KrSymbolTable *table, KrNode *node, KrNode *value) {
    static const char *const messages[] = {
        [KR_LIST_COMPREHENSION] = "'yield' inside list comprehension",
        [KR_SET_COMPREHENSION] = "'yield' inside set comprehension",
        [KR_DICT_COMPREHENSION] = "'yield' inside dict comprehension",
        [KR_GENERATOR_EXPRESSION] = "'yield' inside generator expression",
    };
    TRY(forbid_in_annotation(table, "yield expression", node));
    TRY(visit_optional(table, value));
    table->current->is_generator = 1;
    if (table->current->comprehension)
        return error_at(table, node, messages[table->current->comprehension], NULL);
    return 0;
}

static int visit_target(KrSymbolTable *table, KrNode *target) {
    table->current->visits_target = 1;
    TRY(visit_expression(table, target));
    table->current->visits_target = 0;
    return 0;
}

static int visit_iterable(KrSymbolTable *table, KrNode *iterable) {
    KrScope *scope = table->current;
    scope->iterable_depth++;
    TRY(visit_expression(table, iterable));
    scope->iterable_depth--;
    return 0;
}

static int visit_comprehension(KrSymbolTable *table, KrNode *node, PyObject *name, KrComprehensionKind kind,
                               const KrSeq *generators, KrNode *element, KrNode *value) {
    Kr_comprehension *outermost = generators->item[0];
    /* The outermost iterable is evaluated in the scope around the comprehension and handed in as `.0`. */
    TRY(visit_iterable(table, outermost->iter));
    TRY(enter_scope(table, name, KR_SCOPE_FUNCTION, node, kr_location_of(node)));
    KrScope *scope = table->current;
    scope->comprehension = kind;
    if (outermost->is_async) scope->is_coroutine = 1;
    PyObject *argument = KR_NAME_TEXT(".0");
    if (argument == NULL) return -1;
    TRY(define(table, argument, KR_DEF_PARAM, node));
    for (Py_ssize_t i = 0; i < generators->count; i++) {
        Kr_comprehension *generator = generators->item[i];
        TRY(visit_target(table, generator->target));
        if (i > 0) TRY(visit_iterable(table, generator->iter));
        TRY(visit_expressions(table, generator->ifs));
        if (generator->is_async) scope->is_coroutine = 1;
    }
    TRY(visit_optional(table, value));
    TRY(visit_expression(table, element));
    scope->is_generator = kind == KR_GENERATOR_EXPRESSION;
    int waits = scope->is_coroutine && kind != KR_GENERATOR_EXPRESSION;
    leave_scope(table);
    if (waits) table->current->is_coroutine = 1;
    return 0;
}

static int visit_name(KrSymbolTable *table, Kr_Name *name) {
    TRY(define(table, name->id, name->ctx == KR_Load ? KR_USE : KR_DEF_LOCAL, &name->node));
    if (name->ctx != KR_Load || table->current->type != KR_SCOPE_FUNCTION) return 0;
    PyObject *super = KR_NAME(super), *class_name = KR_NAME(__class__);
    if (super == NULL || class_name == NULL) return -1;
    /* super() without arguments finds the class through the cell of __class__. */
    if (kr_identifier_intern(table->arena, name->id) == super)
        return define(table, class_name, KR_USE, &name->node);
    return 0;
}

static int visit_expression(KrSymbolTable *table, KrNode *node) {
    KR_COMPILE_ENTER(table);
    switch (node->kind) {
        case KR_Constant: break;
        case KR_Name: TRY(visit_name(table, KR_AS(Name, node))); break;
        case KR_Attribute: TRY(visit_expression(table, KR_AS(Attribute, node)->value)); break;
        case KR_Call:
            TRY(visit_expression(table, KR_AS(Call, node)->func));
            TRY(visit_expressions(table, KR_AS(Call, node)->args));
            TRY(visit_keywords(table, KR_AS(Call, node)->keywords));
            break;
        case KR_NamedExpr: TRY(visit_assignment_expression(table, KR_AS(NamedExpr, node))); break;
        case KR_BoolOp: TRY(visit_expressions(table, KR_AS(BoolOp, node)->values)); break;
        case KR_BinOp:
            TRY(visit_expression(table, KR_AS(BinOp, node)->left));
            TRY(visit_expression(table, KR_AS(BinOp, node)->right));
            break;
        case KR_UnaryOp: TRY(visit_expression(table, KR_AS(UnaryOp, node)->operand)); break;
        case KR_Lambda: TRY(visit_lambda(table, KR_AS(Lambda, node))); break;
        case KR_IfExp:
            TRY(visit_expression(table, KR_AS(IfExp, node)->test));
            TRY(visit_expression(table, KR_AS(IfExp, node)->body));
            TRY(visit_expression(table, KR_AS(IfExp, node)->orelse));
            break;
        case KR_Dict:
            TRY(visit_expressions(table, KR_AS(Dict, node)->keys));
            TRY(visit_expressions(table, KR_AS(Dict, node)->values));
            break;
        case KR_Set: TRY(visit_expressions(table, KR_AS(Set, node)->elts)); break;
        case KR_ListComp: {
            Kr_ListComp *list = KR_AS(ListComp, node);
            TRY(visit_comprehension(table, node, KR_NAME(listcomp), KR_LIST_COMPREHENSION, list->generators, list->elt,
                                    NULL));
            break;
        }
        case KR_SetComp: {
            Kr_SetComp *set = KR_AS(SetComp, node);
            TRY(visit_comprehension(table, node, KR_NAME(setcomp), KR_SET_COMPREHENSION, set->generators, set->elt,
                                    NULL));
            break;
        }
        case KR_DictComp: {
            Kr_DictComp *dict = KR_AS(DictComp, node);
            TRY(visit_comprehension(table, node, KR_NAME(dictcomp), KR_DICT_COMPREHENSION, dict->generators, dict->key,
                                    dict->value));
            break;
        }
        case KR_GeneratorExp: {
            Kr_GeneratorExp *generator = KR_AS(GeneratorExp, node);
            TRY(visit_comprehension(table, node, KR_NAME(genexpr), KR_GENERATOR_EXPRESSION, generator->generators,
                                    generator->elt, NULL));
            break;
        }
        case KR_Yield: TRY(visit_yield(table, node, KR_AS(Yield, node)->value)); break;
        case KR_YieldFrom: TRY(visit_yield(table, node, KR_AS(YieldFrom, node)->value)); break;
        case KR_Await:
            TRY(forbid_in_annotation(table, "await expression", node));
            TRY(visit_expression(table, KR_AS(Await, node)->value));
            table->current->is_coroutine = 1;
            break;
        case KR_Compare:
            TRY(visit_expression(table, KR_AS(Compare, node)->left));
            TRY(visit_expressions(table, KR_AS(Compare, node)->comparators));
            break;
        case KR_FormattedValue:
            TRY(visit_expression(table, KR_AS(FormattedValue, node)->value));
            TRY(visit_optional(table, KR_AS(FormattedValue, node)->format_spec));
            break;
        case KR_JoinedStr: TRY(visit_expressions(table, KR_AS(JoinedStr, node)->values)); break;
        case KR_Subscript:
            TRY(visit_expression(table, KR_AS(Subscript, node)->value));
            TRY(visit_expression(table, KR_AS(Subscript, node)->slice));
            break;
        case KR_Starred: TRY(visit_expression(table, KR_AS(Starred, node)->value)); break;
        case KR_Slice:
            TRY(visit_optional(table, KR_AS(Slice, node)->lower));
            TRY(visit_optional(table, KR_AS(Slice, node)->upper));
            TRY(visit_optional(table, KR_AS(Slice, node)->step));
            break;
        case KR_List: TRY(visit_expressions(table, KR_AS(List, node)->elts)); break;
        case KR_Tuple: TRY(visit_expressions(table, KR_AS(Tuple, node)->elts)); break;
        default: break;
    }
    KR_COMPILE_LEAVE(table);
    return 0;
}

static int visit_module(KrSymbolTable *table, KrNode *mod) {
    TRY(enter_scope(table, KR_NAME(top), KR_SCOPE_MODULE, mod, (KrLocation){0}));
    table->top = table->current;
    switch (mod->kind) {
        case KR_Module: TRY(visit_statements(table, KR_AS(Module, mod)->body)); break;
        case KR_Interactive: TRY(visit_statements(table, KR_AS(Interactive, mod)->body)); break;
        case KR_Expression: TRY(visit_expression(table, KR_AS(Expression, mod)->body)); break;
        default: PyErr_SetString(PyExc_RuntimeError, "this compiler does not handle FunctionTypes"); return -1;
    }
    leave_scope(table);
    return 0;
}

KrSymbolTable *kr_symbol_table_build(KrNode *mod, PyObject *filename, const KrFuture *future, KrArena *arena) {
    KrSymbolTable *table = kr_arena_alloc(arena, sizeof(KrSymbolTable));
    if (table == NULL) return NULL;
    *table = (KrSymbolTable){.arena = arena, .filename = filename, .future = future};
    kr_compile_depth_init(&table->depth, &table->depth_limit, &table->stack_limit);
    if (visit_module(table, mod) < 0) return NULL;
    if (kr_names_resolve(table) < 0) return NULL;
    return table;
}
