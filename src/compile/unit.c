/* Units of code generation: entering and leaving them, their names and constants, and writing instructions. */
#include <Python.h>
#include <stdarg.h>
#include <stddef.h>

#include "compile/codegen.h"
#include "types/constant.h"

enum { FIRST_INSTRUCTIONS = 64 };

/* Numberings */

static inline unsigned object_hash(const PyObject *object) {
    return (unsigned)(((uintptr_t)object >> 4) * 0x9E3779B1u >> 7);
}

int kr_numbering_find(const KrNumbering *numbering, PyObject *object) {
    if (numbering->index == NULL) {
        for (int i = 0; i < numbering->count; i++)
            if (numbering->items[i] == object) return i;
        return -1;
    }
    for (unsigned slot = object_hash(object) & numbering->index_mask;; slot = (slot + 1) & numbering->index_mask) {
        int i = numbering->index[slot];
        if (i < 0 || numbering->items[i] == object) return i;
    }
}

static void index_item(KrNumbering *numbering, int i) {
    unsigned slot = object_hash(numbering->items[i]) & numbering->index_mask;
    while (numbering->index[slot] >= 0) slot = (slot + 1) & numbering->index_mask;
    numbering->index[slot] = i;
}

int kr_numbering_add(KrArena *arena, KrNumbering *numbering, PyObject *object) {
    int found = kr_numbering_find(numbering, object);
    if (found >= 0) return found;
    if (numbering->count == numbering->capacity) {
        int capacity = numbering->capacity ? 2 * numbering->capacity : 8;
        PyObject **items = kr_arena_alloc(arena, (size_t)capacity * sizeof(PyObject *));
        if (items == NULL) return -1;
        if (numbering->count) memcpy(items, numbering->items, (size_t)numbering->count * sizeof(PyObject *));
        numbering->items = items;
        numbering->capacity = capacity;
        /* A handful of items is searched one by one; beyond that an index of twice the capacity pays. */
        if (capacity > 8) {
            int size = 2 * capacity;
            numbering->index = kr_arena_alloc(arena, (size_t)size * sizeof(int));
            if (numbering->index == NULL) return -1;
            memset(numbering->index, -1, (size_t)size * sizeof(int));
            numbering->index_mask = size - 1;
            for (int i = 0; i < numbering->count; i++) index_item(numbering, i);
        }
    }
    numbering->items[numbering->count] = object;
    if (numbering->index != NULL) index_item(numbering, numbering->count);
    return numbering->count++;
}

/* Constants */

static int grow_constants(KrConstantSet *set) {
    size_t size = set->entries == NULL ? 256 : 2 * (set->mask + 1);
    typeof(set->entries) old = set->entries;
    set->entries = PyMem_Calloc(size, sizeof *set->entries);
    if (set->entries == NULL) {
        set->entries = old;
        PyErr_NoMemory();
        return -1;
    }
    size_t old_size = old == NULL ? 0 : set->mask + 1;
    set->mask = size - 1;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i].object == NULL) continue;
        size_t slot = (size_t)old[i].hash & set->mask;
        while (set->entries[slot].object != NULL) slot = (slot + 1) & set->mask;
        set->entries[slot] = old[i];
    }
    PyMem_Free(old);
    return 0;
}

void kr_constants_free(KrCompiler *c) {
    if (c->constants.entries == NULL) return;
    for (size_t i = 0; i <= c->constants.mask; i++) Py_XDECREF(c->constants.entries[i].object);
    PyMem_Free(c->constants.entries);
    c->constants.entries = NULL;
}

/* Makes the items of a new constant canonical. Takes the reference and returns one, or NULL. */
static PyObject *merge_items(KrCompiler *c, PyObject *object) {
    if (PyTuple_CheckExact(object)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); i++) {
            PyObject *item = PyTuple_GET_ITEM(object, i);
            PyObject *merged = kr_constant_merge(c, Py_NewRef(item));
            if (merged == NULL) goto error;
            if (merged != item) {
                PyTuple_SET_ITEM(object, i, Py_NewRef(merged));
                Py_DECREF(item);
            }
        }
    } else if (PyFrozenSet_CheckExact(object) && PySet_GET_SIZE(object) > 0) {
        PyObject *items = PyTuple_New(PySet_GET_SIZE(object)), *item;
        if (items == NULL) goto error;
        Py_ssize_t position = 0, i = 0;
        Py_hash_t hash;
        while (_PySet_NextEntry(object, &position, &item, &hash)) {
            PyObject *merged = kr_constant_merge(c, Py_NewRef(item));
            if (merged == NULL) {
                Py_DECREF(items);
                goto error;
            }
            PyTuple_SET_ITEM(items, i++, Py_NewRef(merged));
        }
        Py_SETREF(object, PyFrozenSet_New(items));
        Py_DECREF(items);
    }
    return object;
error:
    Py_DECREF(object);
    return NULL;
}

static PyObject *merge(KrCompiler *c, PyObject *object, int with_items) {
    if (object == NULL) return NULL;
    if (object == Py_None || object == Py_Ellipsis || PyBool_Check(object)) {
        Py_DECREF(object); /* immortal in effect: the interpreter holds it */
        return object;
    }
    KrConstantSet *set = &c->constants;
    Py_hash_t hash = kr_constant_hash(object);
    if (hash == -1) goto error;
    if (2 * (set->count + 1) > set->mask && grow_constants(set) < 0) goto error;
    size_t slot = (size_t)hash & set->mask;
    for (; set->entries[slot].object != NULL; slot = (slot + 1) & set->mask) {
        if (set->entries[slot].hash != hash) continue;
        int same = kr_constant_equal(set->entries[slot].object, object);
        if (same < 0) goto error;
        if (same) {
            Py_DECREF(object);
            return set->entries[slot].object;
        }
    }
    if (with_items && (PyTuple_CheckExact(object) || PyFrozenSet_CheckExact(object))) {
        object = merge_items(c, object);
        if (object == NULL) return NULL;
        if (2 * (set->count + 1) > set->mask && grow_constants(set) < 0) goto error;
        slot = (size_t)hash & set->mask;
        while (set->entries[slot].object != NULL) slot = (slot + 1) & set->mask;
    }
    set->entries[slot].object = object;
    set->entries[slot].hash = hash;
    set->count++;
    return object;
error:
    Py_DECREF(object);
    return NULL;
}

PyObject *kr_constant_merge(KrCompiler *c, PyObject *object) { return merge(c, object, 1); }

PyObject *kr_constant_share(KrCompiler *c, PyObject *object) { return merge(c, object, 0); }

int kr_constant_add(KrCompiler *c, PyObject *object) {
    object = kr_constant_merge(c, object);
    return object == NULL ? -1 : kr_numbering_add(c->arena, &c->unit->constants, object);
}

/* Units */

PyObject *kr_mangled(KrCompiler *c, PyObject *name) {
    return kr_symbol_table_mangle(c->symbols, c->unit->private_name, name);
}

/* The name with which a function or class was defined, including those of the functions and classes around it. */
static int qualify_name(KrCompiler *c, KrUnit *unit) {
    KrUnit *outer = unit->outer;
    unit->qualified_name = unit->name;
    if (outer == NULL || outer->outer == NULL) return 0;
    if (unit->kind == KR_UNIT_FUNCTION || unit->kind == KR_UNIT_ASYNC_FUNCTION || unit->kind == KR_UNIT_CLASS) {
        PyObject *mangled = kr_symbol_table_mangle(c->symbols, outer->private_name, unit->name);
        if (mangled == NULL) return -1;
        if (kr_scope_of_flags(kr_scope_flags(outer->scope, mangled)) == KR_GLOBAL_EXPLICIT) return 0;
    }
    int is_function =
        outer->kind == KR_UNIT_FUNCTION || outer->kind == KR_UNIT_ASYNC_FUNCTION || outer->kind == KR_UNIT_LAMBDA;
    unit->qualified_name =
        PyUnicode_FromFormat(is_function ? "%U.<locals>.%U" : "%U.%U", outer->qualified_name, unit->name);
    if (unit->qualified_name == NULL) return -1;
    return kr_arena_own(c->arena, unit->qualified_name);
}

static int compare_names(const void *a, const void *b) {
    return PyUnicode_Compare(*(PyObject *const *)a, *(PyObject *const *)b);
}

/* Numbers the symbols that are resolved to `wanted` or have the flag, in alphabetical order. */
static int number_symbols(KrCompiler *c, KrNumbering *numbering, const KrScope *scope, KrNameScope wanted, int flag) {
    int count = 0;
    for (int i = 0; i < scope->symbol_count; i++) {
        int flags = scope->symbols[i].flags;
        count += kr_scope_of_flags(flags) == wanted || (flags & flag);
    }
    if (count == 0) return 0;
    PyObject **names = kr_arena_alloc(c->arena, (size_t)count * sizeof(PyObject *));
    if (names == NULL) return -1;
    count = 0;
    for (int i = 0; i < scope->symbol_count; i++) {
        int flags = scope->symbols[i].flags;
        if (kr_scope_of_flags(flags) == wanted || (flags & flag)) names[count++] = scope->symbols[i].name;
    }
    qsort(names, (size_t)count, sizeof(PyObject *), compare_names);
    for (int i = 0; i < count; i++) TRY(kr_numbering_add(c->arena, numbering, names[i]));
    return 0;
}

int kr_unit_enter(KrCompiler *c, PyObject *name, KrUnitKind kind, const void *key, int lineno) {
    int is_identifier = name != NULL && PyUnicode_READ_CHAR(name, 0) != '<'; /* others, as "<lambda>", are kept anyway */
    if (is_identifier) name = kr_identifier_intern(c->arena, name);
    if (name == NULL) return -1;
    KrUnit *unit = c->spare_units;
    KrInstruction *instructions = NULL;
    int capacity = 0;
    if (unit != NULL) {
        c->spare_units = unit->outer;
        instructions = unit->instructions;
        capacity = unit->instruction_capacity;
    } else {
        unit = PyMem_Malloc(sizeof(KrUnit));
        if (unit == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    memset(unit, 0, offsetof(KrUnit, regions));
    unit->region_count = 0;
    unit->instructions = instructions;
    unit->instruction_capacity = capacity;
    unit->outer = c->unit;
    unit->kind = kind;
    unit->scope = kr_symbol_table_scope(c->symbols, key);
    unit->name = name;
    unit->private_name = c->unit == NULL ? NULL : c->unit->private_name;
    unit->first_lineno = lineno;
    unit->graph.arena = c->arena;
    unit->location = (KrLocation){lineno, lineno, 0, 0};
    c->unit = unit;
    c->nesting++;
    if (unit->scope == NULL) {
        PyErr_SetString(PyExc_SystemError, "no symbol table for a scope");
        return -1;
    }
    for (int i = 0; i < unit->scope->parameter_count; i++)
        TRY(kr_numbering_add(c->arena, &unit->locals, unit->scope->parameters[i]));
    TRY(number_symbols(c, &unit->cells, unit->scope, KR_CELL, 0));
    if (unit->scope->needs_class_closure) {
        PyObject *class_name = KR_NAME(__class__);
        if (class_name == NULL) return -1;
        TRY(kr_numbering_add(c->arena, &unit->cells, class_name));
    }
    TRY(number_symbols(c, &unit->free_variables, unit->scope, KR_FREE, KR_DEF_FREE_CLASS));

    NEW_BLOCK(entry);
    unit->graph.entry = unit->block = entry;
    entry->start = 0;
    if (kind == KR_UNIT_MODULE) {
        unit->qualified_name = name;
        unit->location.lineno = 0;
    } else {
        TRY(qualify_name(c, unit));
    }
    EMIT_ARG(RESUME, 0);
    if (kind == KR_UNIT_MODULE) unit->location.lineno = -1;
    return 0;
}

void kr_unit_leave(KrCompiler *c) {
    KrUnit *unit = c->unit;
    c->unit = unit->outer;
    c->nesting--;
    unit->outer = c->spare_units;
    c->spare_units = unit;
}

/* Blocks and instructions */

KrBlock *kr_unit_new_block(KrCompiler *c) {
    KrBlock *block = kr_arena_alloc(c->arena, sizeof(KrBlock));
    if (block == NULL) return NULL;
    *block = (KrBlock){.created_before = c->unit->graph.newest};
    c->unit->graph.newest = block;
    return block;
}

void kr_unit_use_block(KrCompiler *c, KrBlock *block) {
    KrUnit *unit = c->unit;
    unit->block->next = block;
    unit->block = block;
    block->start = unit->instruction_count;
    unit->block_is_over = 0;
}

static int emit(KrCompiler *c, int opcode, int argument, KrBlock *target, KrLocation location) {
    KrUnit *unit = c->unit;
    if (unit->block_is_over) {
        NEW_BLOCK(block);
        kr_unit_use_block(c, block);
    }
    if (unit->instruction_count == unit->instruction_capacity) {
        int capacity = unit->instruction_capacity ? 2 * unit->instruction_capacity : FIRST_INSTRUCTIONS;
        KrInstruction *instructions =
            PyMem_Realloc(unit->instructions, (size_t)capacity * sizeof(KrInstruction));
        if (instructions == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        unit->instructions = instructions;
        unit->instruction_capacity = capacity;
    }
    unit->instructions[unit->instruction_count++] =
        (KrInstruction){.opcode = opcode, .argument = argument, .target = target, .location = location};
    unit->block->count++;
    unit->block_is_over = kr_ends_block(opcode);
    return 0;
}

int kr_emit(KrCompiler *c, int opcode, int argument) { return emit(c, opcode, argument, NULL, c->unit->location); }

int kr_emit_jump(KrCompiler *c, int opcode, KrBlock *target) {
    return emit(c, opcode, 0, target, c->unit->location);
}

int kr_emit_nowhere(KrCompiler *c, int opcode, KrBlock *target) {
    return emit(c, opcode, 0, target, (KrLocation){-1, -1, -1, -1});
}

int kr_emit_name(KrCompiler *c, int opcode, PyObject *name) {
    PyObject *mangled = kr_mangled(c, name);
    if (mangled == NULL) return -1;
    int index = kr_numbering_add(c->arena, &c->unit->names, mangled);
    return index < 0 ? -1 : kr_emit(c, opcode, index);
}

int kr_emit_new_constant(KrCompiler *c, PyObject *value) {
    int index = kr_constant_add(c, value);
    return index < 0 ? -1 : kr_emit(c, OP_LOAD_CONST, index);
}

int kr_emit_constant(KrCompiler *c, PyObject *value) {
    return value == NULL ? -1 : kr_emit_new_constant(c, Py_NewRef(value));
}

void kr_locate_at_attribute(KrCompiler *c, const Kr_Attribute *attribute) {
    KrLocation *location = &c->unit->location;
    if (location->lineno == attribute->node.end_lineno) return;
    location->lineno = attribute->node.end_lineno;
    Py_ssize_t length = PyUnicode_GET_LENGTH(attribute->attr);
    if (length <= attribute->node.end_col_offset) {
        location->col_offset = attribute->node.end_col_offset - (int)length;
    } else {
        /* A tree that no parser made. */
        location->col_offset = -1;
        location->end_col_offset = -1;
    }
}

/* Errors and warnings, at the unit's location */

static int raise_at(KrCompiler *c, PyObject *message) {
    KrLocation at = c->unit->location;
    PyObject *text = PyErr_ProgramTextObject(c->filename, at.lineno);
    if (text == NULL) text = Py_NewRef(Py_None);
    PyObject *arguments = Py_BuildValue("O(OiiNii)", message, c->filename, at.lineno, at.col_offset + 1, text,
                                        at.end_lineno, at.end_col_offset + 1);
    if (arguments != NULL) {
        PyErr_SetObject(PyExc_SyntaxError, arguments);
        Py_DECREF(arguments);
    }
    return -1;
}

int kr_compile_error(KrCompiler *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *message = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    if (message == NULL) return -1;
    raise_at(c, message);
    Py_DECREF(message);
    return -1;
}

int kr_compile_warning(KrCompiler *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *message = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    if (message == NULL) return -1;
    int result = PyErr_WarnExplicitObject(PyExc_SyntaxWarning, message, c->filename, c->unit->location.lineno, NULL,
                                          NULL);
    if (result < 0 && PyErr_ExceptionMatches(PyExc_SyntaxWarning)) {
        /* The warning is an error: show it as one, with its place. */
        PyErr_Clear();
        raise_at(c, message);
    }
    Py_DECREF(message);
    return result < 0 ? -1 : 0;
}
