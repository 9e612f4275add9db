/* Assembly: from the finished graph of a unit to a code object. */
#include <Python.h>

#include "compile/codegen.h"
#include "types/code.h"

#ifndef CO_ITERABLE_COROUTINE
#error "cpython/code.h is expected"
#endif

typedef struct Bytes {
    uint8_t *data;
    size_t count, capacity;
} Bytes;

static int bytes_reserve(Bytes *bytes, size_t more) {
    if (bytes->count + more <= bytes->capacity) return 0;
    size_t capacity = bytes->capacity ? 2 * bytes->capacity : 256;
    while (capacity < bytes->count + more) capacity *= 2;
    uint8_t *data = PyMem_Realloc(bytes->data, capacity);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    bytes->data = data;
    bytes->capacity = capacity;
    return 0;
}

static inline void bytes_put(Bytes *bytes, unsigned value) { bytes->data[bytes->count++] = (uint8_t)value; }

/* Code units */

static inline int extended_units(int argument) {
    unsigned value = (unsigned)argument;
    return (value > 0xff) + (value > 0xffff) + (value > 0xffffff);
}

static inline int instruction_units(const KrInstruction *instruction) {
    return 1 + extended_units(instruction->argument) + kr_opcode_caches[instruction->opcode];
}

/* Computes jump distances. Longer ones need EXTENDED_ARG, which makes others longer: repeat until nothing changes. */
static void resolve_jumps(KrFlowGraph *graph) {
    int has_changed;
    do {
        has_changed = 0;
        int offset = 0;
        for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
            block->start = offset;
            for (int i = 0; i < block->count; i++) offset += instruction_units(&block->instructions[i]);
        }
        for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
            offset = block->start;
            for (int i = 0; i < block->count; i++) {
                KrInstruction *instruction = &block->instructions[i];
                int units = instruction_units(instruction);
                offset += units;
                if (instruction->target == NULL) continue;
                instruction->argument = kr_opcode_operand[instruction->opcode] == KR_OPERAND_BACKWARD
                                            ? offset - instruction->target->start
                                            : instruction->target->start - offset;
                has_changed |= instruction_units(instruction) != units;
            }
        }
    } while (has_changed);
}

static int write_code(KrFlowGraph *graph, Bytes *code) {
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        for (int i = 0; i < block->count; i++) {
            const KrInstruction *instruction = &block->instructions[i];
            TRY(bytes_reserve(code, 2 * (size_t)instruction_units(instruction)));
            unsigned argument = (unsigned)instruction->argument;
            for (int shift = 8 * extended_units(instruction->argument); shift > 0; shift -= 8) {
                bytes_put(code, OP_EXTENDED_ARG);
                bytes_put(code, argument >> shift);
            }
            bytes_put(code, (unsigned)instruction->opcode);
            bytes_put(code, argument);
            size_t caches = 2 * (size_t)kr_opcode_caches[instruction->opcode];
            memset(code->data + code->count, 0, caches);
            code->count += caches;
        }
    }
    return 0;
}

/* The location table: entries of a first byte 1cccclll (kind c, length l + 1 units) and what the kind asks for. */

static void put_varint(Bytes *table, unsigned value) {
    for (; value >= 64; value >>= 6) bytes_put(table, 0x40 | (value & 0x3f));
    bytes_put(table, value);
}

static void put_signed_varint(Bytes *table, int value) {
    put_varint(table, value < 0 ? (0 - (unsigned)value) << 1 | 1 : (unsigned)value << 1);
}

static void put_entry_start(Bytes *table, int kind, int units) {
    bytes_put(table, 0x80 | (unsigned)kind << 3 | (unsigned)(units - 1));
}

static int write_location(Bytes *table, const KrLocation *at, int units, int *line) {
    TRY(bytes_reserve(table, 32));
    if (at->lineno < 0) {
        put_entry_start(table, PY_CODE_LOCATION_INFO_NONE, units);
        return 0;
    }
    int delta = at->lineno - *line, column = at->col_offset, end_column = at->end_col_offset;
    if (column < 0 || end_column < 0) {
        if (at->end_lineno == at->lineno || at->end_lineno == -1) {
            put_entry_start(table, PY_CODE_LOCATION_INFO_NO_COLUMNS, units);
            put_signed_varint(table, delta);
            *line = at->lineno;
            return 0;
        }
    } else if (at->end_lineno == at->lineno) {
        if (delta == 0 && column < 80 && end_column - column < 16 && end_column >= column) {
            put_entry_start(table, PY_CODE_LOCATION_INFO_SHORT0 + (column >> 3), units);
            bytes_put(table, (unsigned)(column & 7) << 4 | (unsigned)(end_column - column));
            return 0;
        }
        if (delta >= 0 && delta < 3 && column < 128 && end_column < 128) {
            put_entry_start(table, PY_CODE_LOCATION_INFO_ONE_LINE0 + delta, units);
            bytes_put(table, (unsigned)column);
            bytes_put(table, (unsigned)end_column);
            *line = at->lineno;
            return 0;
        }
    }
    put_entry_start(table, PY_CODE_LOCATION_INFO_LONG, units);
    put_signed_varint(table, delta);
    put_varint(table, (unsigned)(at->end_lineno - at->lineno));
    put_varint(table, (unsigned)(column + 1));
    put_varint(table, (unsigned)(end_column + 1));
    *line = at->lineno;
    return 0;
}

static int write_locations(KrFlowGraph *graph, Bytes *table) {
    enum { MAX_UNITS = 8 }; /* that one entry can cover */
    int line = graph->first_lineno;
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        for (int i = 0; i < block->count; i++) {
            const KrInstruction *instruction = &block->instructions[i];
            int units = instruction_units(instruction);
            for (; units > MAX_UNITS; units -= MAX_UNITS)
                TRY(write_location(table, &instruction->location, MAX_UNITS, &line));
            TRY(write_location(table, &instruction->location, units, &line));
        }
    }
    return 0;
}

/* The exception table: for each guarded range its start, length, handler, and stack depth with a bit for the position;
 * numbers in groups of six bits, the first byte of an entry marked. */

static void put_table_number(Bytes *table, unsigned value, unsigned mark) {
    int shift = 0;
    while (shift < 24 && value >> shift >= 1u << 6) shift += 6;
    for (; shift > 0; shift -= 6) {
        bytes_put(table, mark | 0x40 | ((value >> shift) & 0x3f));
        mark = 0;
    }
    bytes_put(table, mark | (value & 0x3f));
}

static int write_handler(Bytes *table, int start, int end, const KrBlock *handler) {
    if (end == start) return 0;
    TRY(bytes_reserve(table, 32));
    int depth = handler->start_depth - 1 - (int)handler->keeps_position;
    put_table_number(table, (unsigned)start, 0x80);
    put_table_number(table, (unsigned)(end - start), 0);
    put_table_number(table, (unsigned)handler->start, 0);
    put_table_number(table, (unsigned)depth << 1 | handler->keeps_position, 0);
    return 0;
}

static int write_handlers(KrFlowGraph *graph, Bytes *table) {
    const KrBlock *handler = NULL;
    int offset = 0, start = 0;
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        for (int i = 0; i < block->count; i++) {
            const KrInstruction *instruction = &block->instructions[i];
            if (instruction->handler != handler) {
                if (handler != NULL) TRY(write_handler(table, start, offset, handler));
                start = offset;
                handler = instruction->handler;
            }
            offset += instruction_units(instruction);
        }
    }
    return handler == NULL ? 0 : write_handler(table, start, offset, handler);
}

/* Variables */

/* The frame's variables are the locals, the cells that are no locals, and the free variables. Returns for each cell and
 * free variable its place there, in the arena, and sets *dropped to the number of cells that share a local's place. */
static int *place_cells(KrCompiler *c, int *dropped) {
    KrUnit *unit = c->unit;
    int cells = unit->cells.count, count = cells + unit->free_variables.count;
    int *places = kr_arena_alloc(c->arena, (size_t)(count + 1) * sizeof(int));
    if (places == NULL) return NULL;
    *dropped = 0;
    for (int i = 0; i < count; i++) {
        int local = i < cells ? kr_numbering_find(&unit->locals, unit->cells.items[i]) : -1;
        if (local >= 0) {
            places[i] = local;
            ++*dropped;
        } else {
            places[i] = unit->locals.count + i - *dropped;
        }
    }
    return places;
}

static void fix_cell_arguments(KrFlowGraph *graph, const int *places) {
    for (KrBlock *block = graph->entry; block != NULL; block = block->next)
        for (int i = 0; i < block->count; i++)
            if (block->instructions[i].opcode < 256 &&
                kr_opcode_operand[block->instructions[i].opcode] == KR_OPERAND_CELL)
                block->instructions[i].argument = places[block->instructions[i].argument];
}

static void insert_first(KrBlock *entry, int at, int opcode, int argument, int lineno) {
    memmove(&entry->instructions[at + 1], &entry->instructions[at],
            (size_t)(entry->count - at) * sizeof(KrInstruction));
    entry->instructions[at] = (KrInstruction){
        .opcode = opcode, .argument = argument, .location = {lineno, lineno, -1, -1}};
    entry->count++;
}

/* Puts before the code what prepares the frame: copying the closure, making cells, returning the generator. */
static int insert_prefix(KrCompiler *c, const int *places, int flags) {
    KrUnit *unit = c->unit;
    KrBlock *entry = unit->graph.entry;
    int cells = unit->cells.count, at = 0;
    TRY(kr_block_reserve(c->arena, entry, 3 + cells));
    if (unit->free_variables.count > 0) insert_first(entry, at++, OP_COPY_FREE_VARS, unit->free_variables.count, -1);
    /* Cells in the order of their places; the arguments are fixed with all others. */
    for (int place = -1;;) {
        int next = -1;
        for (int i = 0; i < cells; i++)
            if (places[i] > place && (next < 0 || places[i] < places[next])) next = i;
        if (next < 0) break;
        place = places[next];
        insert_first(entry, at++, OP_MAKE_CELL, next, -1);
    }
    if (flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) {
        insert_first(entry, at++, OP_RETURN_GENERATOR, 0, unit->first_lineno);
        insert_first(entry, at++, OP_POP_TOP, 0, unit->first_lineno);
    }
    return 0;
}

static int variables(KrCompiler *c, int dropped, PyObject **names, PyObject **kinds) {
    const KrUnit *unit = c->unit;
    int locals = unit->locals.count, cells = unit->cells.count, count = locals + cells + unit->free_variables.count;
    *names = PyTuple_New(count - dropped);
    *kinds = PyBytes_FromStringAndSize(NULL, count - dropped);
    if (*names == NULL || *kinds == NULL) {
        Py_CLEAR(*names);
        Py_CLEAR(*kinds);
        return -1;
    }
    char *kind = PyBytes_AS_STRING(*kinds);
    int n = 0;
    for (int i = 0; i < locals; i++, n++) {
        PyObject *name = unit->locals.items[i];
        PyTuple_SET_ITEM(*names, n, Py_NewRef(name));
        kind[n] = KR_VARIABLE_LOCAL | (kr_numbering_find(&unit->cells, name) >= 0 ? KR_VARIABLE_CELL : 0);
    }
    for (int i = 0; i < cells; i++) {
        PyObject *name = unit->cells.items[i];
        if (kr_numbering_find(&unit->locals, name) >= 0) continue;
        PyTuple_SET_ITEM(*names, n, Py_NewRef(name));
        kind[n++] = KR_VARIABLE_CELL;
    }
    for (int i = 0; i < unit->free_variables.count; i++, n++) {
        PyTuple_SET_ITEM(*names, n, Py_NewRef(unit->free_variables.items[i]));
        kind[n] = (char)KR_VARIABLE_FREE;
    }
    return 0;
}

/* Constants and flags */

static PyObject *get_constant(void *owner, int index) { return ((KrCompiler *)owner)->unit->constants.items[index]; }
static int add_tuple(void *owner, PyObject *tuple) { return kr_constant_add(owner, tuple); }

/* Constants at the end of the list that no instruction uses are dropped; the first one stays, it may be a docstring. */
static int used_constants(const KrUnit *unit) {
    int last = 0;
    for (KrBlock *block = unit->graph.entry; block != NULL; block = block->next)
        for (int i = 0; i < block->count; i++)
            if ((block->instructions[i].opcode == OP_LOAD_CONST || block->instructions[i].opcode == OP_KW_NAMES) &&
                block->instructions[i].argument > last)
                last = block->instructions[i].argument;
    return Py_MIN(last + 1, unit->constants.count);
}

static PyObject *tuple_of(PyObject *const *items, int count) {
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) return NULL;
    for (int i = 0; i < count; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(items[i]));
    return tuple;
}

static int code_flags(KrCompiler *c) {
    const KrUnit *unit = c->unit;
    const KrScope *scope = unit->scope;
    int flags = 0;
    if (scope->type == KR_SCOPE_FUNCTION) {
        flags = CO_NEWLOCALS | CO_OPTIMIZED;
        if (scope->is_nested) flags |= CO_NESTED;
        if (scope->is_generator) flags |= scope->is_coroutine ? CO_ASYNC_GENERATOR : CO_GENERATOR;
        else if (scope->is_coroutine) flags |= CO_COROUTINE;
        if (scope->has_varargs) flags |= CO_VARARGS;
        if (scope->has_varkeywords) flags |= CO_VARKEYWORDS;
    }
    flags |= c->flags & PyCF_MASK;
    if (kr_allows_top_level_await(c) && scope->is_coroutine && !scope->is_generator) flags |= CO_COROUTINE;
    return flags;
}

/* The graph */

static void attach_instructions(KrUnit *unit) {
    for (KrBlock *block = unit->graph.entry; block != NULL; block = block->next) {
        block->instructions = unit->instructions + block->start;
        block->capacity = block->count;
    }
}

/* Brings the graph into its final form. Returns the stack size or -1. */
static int finish_graph(KrCompiler *c, const int *places, int flags) {
    KrUnit *unit = c->unit;
    KrFlowGraph *graph = &unit->graph;
    const KrGraphConstants constants = {get_constant, add_tuple, c};
    attach_instructions(unit);
    graph->first_lineno = unit->first_lineno;
    TRY(insert_prefix(c, places, flags));
    fix_cell_arguments(graph, places);
    TRY(kr_graph_optimize(graph, &constants));
    TRY(kr_graph_place_lines(graph));
    int is_generator = (flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0;
    int stack_size = kr_graph_stack_depth(graph, is_generator);
    if (stack_size < 0) return -1;
    TRY(kr_graph_find_handlers(graph));
    TRY(kr_graph_direct_jumps(graph));
    resolve_jumps(graph);
    return stack_size;
}

/* Makes the code object from the finished graph. */
static PyCodeObject *make_code(KrCompiler *c, int dropped, int flags, int stack_size) {
    KrUnit *unit = c->unit;
    KrFlowGraph *graph = &unit->graph;
    PyObject *names, *kinds;
    Bytes bytes = {0};
    PyCodeObject *code = NULL;
    KrCodeParts parts = {
        .filename = c->filename,
        .name = unit->name,
        .qualified_name = unit->qualified_name,
        .flags = flags,
        .first_lineno = unit->first_lineno,
        .argument_count = unit->argument_count,
        .positional_only_count = unit->positional_only_count,
        .keyword_only_count = unit->keyword_only_count,
        .stack_size = stack_size,
    };
#define TAKE_BYTES(writer)                                                                               \
    ({                                                                                                   \
        bytes.count = 0;                                                                                 \
        (writer) < 0 ? NULL                                                                              \
                     : kr_constant_share(c, PyBytes_FromStringAndSize((const char *)bytes.data, (Py_ssize_t)bytes.count)); \
    })
    if ((parts.exception_table = TAKE_BYTES(write_handlers(graph, &bytes))) == NULL) goto done;
    if ((parts.line_table = TAKE_BYTES(write_locations(graph, &bytes))) == NULL) goto done;
    if ((parts.code = TAKE_BYTES(write_code(graph, &bytes))) == NULL) goto done;
#undef TAKE_BYTES
    parts.names = kr_constant_share(c, tuple_of(unit->names.items, unit->names.count));
    if (parts.names == NULL) goto done;
    parts.constants = kr_constant_share(c, tuple_of(unit->constants.items, used_constants(unit)));
    if (parts.constants == NULL) goto done;
    if (variables(c, dropped, &names, &kinds) < 0) goto done;
    parts.variable_names = kr_constant_share(c, names);
    parts.variable_kinds = kinds;
    if (parts.variable_names != NULL) code = kr_code_new(&parts);
    Py_DECREF(kinds);
done:
    PyMem_Free(bytes.data);
    return code;
}

PyCodeObject *kr_assemble(KrCompiler *c, int returns_none) {
    KrUnit *unit = c->unit;
    const KrInstruction *last =
        unit->block->count > 0 ? &unit->instructions[unit->instruction_count - 1] : NULL;
    if (last == NULL || last->opcode != OP_RETURN_VALUE) {
        kr_unset_location(c);
        if (returns_none && kr_emit_constant(c, Py_None) < 0) return NULL;
        if (kr_emit(c, OP_RETURN_VALUE, 0) < 0) return NULL;
    }
    int flags = code_flags(c), dropped;
    int *places = place_cells(c, &dropped);
    if (places == NULL) return NULL;
    int stack_size = finish_graph(c, places, flags);
    return stack_size < 0 ? NULL : make_code(c, dropped, flags, stack_size);
}
