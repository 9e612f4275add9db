/* What the code object states about the control-flow graph: lines, stack depth, exception handlers, jump directions. */
#include <Python.h>

#include "compile/flow_graph.h"

#define TRY(expression)                  \
    do {                                 \
        if ((expression) < 0) return -1; \
    } while (0)

/* Lines */

static KrBlock *copy_block(KrFlowGraph *graph, const KrBlock *block) {
    KrBlock *copy = kr_arena_alloc(graph->arena, sizeof(KrBlock));
    KrInstruction *instructions = kr_arena_alloc(graph->arena, (size_t)block->count * sizeof(KrInstruction));
    if (copy == NULL || instructions == NULL) return NULL;
    *copy = *block;
    memcpy(instructions, block->instructions, (size_t)block->count * sizeof(KrInstruction));
    copy->instructions = instructions;
    copy->capacity = block->count;
    return copy;
}

/* An implicit return belongs to the line that it is reached from: where there are several, each gets a copy. */
static int duplicate_exits(KrFlowGraph *graph) {
    for (KrBlock *block = graph->newest; block != NULL; block = block->created_before) {
        if (block->count == 0) continue;
        KrInstruction *last = &block->instructions[block->count - 1];
        if (!kr_is_jump(last->opcode)) continue;
        KrBlock *target = last->target;
        if (!kr_leaves_without_line(target) || target->predecessors <= 1) continue;
        KrBlock *copy = copy_block(graph, target);
        if (copy == NULL) return -1;
        copy->instructions[0].location = last->location;
        last->target = copy;
        target->predecessors--;
        copy->predecessors = 1;
        copy->next = target->next;
        target->next = copy;
    }
    for (KrBlock *block = graph->entry; block != NULL; block = block->next)
        if (block->falls_through && block->next != NULL && block->count > 0 && kr_leaves_without_line(block->next))
            block->next->instructions[0].location = block->instructions[block->count - 1].location;
    return 0;
}

static void inherit_location(KrBlock *block, KrLocation location) {
    if (block->predecessors == 1 && block->count > 0 && block->instructions[0].location.lineno < 0)
        block->instructions[0].location = location;
}

/* Instructions without a place belong to that of the instruction before them, where there is only one. */
static void propagate_locations(KrFlowGraph *graph) {
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        if (block->count == 0) continue;
        KrLocation location = {-1, -1, -1, -1};
        for (int i = 0; i < block->count; i++) {
            if (block->instructions[i].location.lineno < 0)
                block->instructions[i].location = location;
            else
                location = block->instructions[i].location;
        }
        if (block->falls_through && block->next != NULL) inherit_location(block->next, location);
        const KrInstruction *last = &block->instructions[block->count - 1];
        if (kr_is_jump(last->opcode)) inherit_location(last->target, location);
    }
}

int kr_graph_place_lines(KrFlowGraph *graph) {
    TRY(duplicate_exits(graph));
    propagate_locations(graph);
    /* Every return has a line, if only that of the code before it. */
    int line = graph->first_lineno;
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        if (block->count == 0) continue;
        const KrInstruction *last = &block->instructions[block->count - 1];
        if (last->location.lineno >= 0)
            line = last->location.lineno;
        else if (last->opcode == OP_RETURN_VALUE)
            for (int i = 0; i < block->count; i++) block->instructions[i].location.lineno = line;
    }
    return 0;
}

/* Stack depth */

static void reach(KrBlock ***waiting, KrBlock *block, int depth) {
    if (block->start_depth >= depth) return;
    block->start_depth = depth;
    *(*waiting)++ = block;
}

int kr_graph_stack_depth(KrFlowGraph *graph, int start_depth) {
    size_t count = 0;
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        block->start_depth = INT_MIN;
        count++;
    }
    /* Well-formed code enters a block with one depth only, so that no block waits twice. */
    KrBlock **stack = kr_arena_alloc(graph->arena, 2 * count * sizeof(KrBlock *)), **waiting = stack;
    if (stack == NULL) return -1;
    int deepest = 0;
    reach(&waiting, graph->entry, start_depth);
    while (waiting > stack) {
        KrBlock *block = *--waiting;
        int depth = block->start_depth;
        KrBlock *next = block->next;
        for (int i = 0; i < block->count; i++) {
            const KrInstruction *instruction = &block->instructions[i];
            int effect = kr_stack_effect(instruction->opcode, instruction->argument, 0);
            if (effect == PY_INVALID_STACK_EFFECT) {
                PyErr_Format(PyExc_SystemError, "compiler stack_effect(opcode=%d, arg=%i) failed", instruction->opcode,
                             instruction->argument);
                return -1;
            }
            if (instruction->target != NULL) {
                int there = depth + kr_stack_effect(instruction->opcode, instruction->argument, 1);
                deepest = Py_MAX(deepest, there);
                reach(&waiting, instruction->target, there);
            }
            depth += effect;
            deepest = Py_MAX(deepest, depth);
            if (instruction->opcode == OP_JUMP || instruction->opcode == OP_JUMP_NO_INTERRUPT ||
                kr_leaves_function(instruction->opcode)) {
                next = NULL;
                break;
            }
        }
        if (next != NULL) reach(&waiting, next, depth);
    }
    return deepest;
}

/* Exception handlers */

/* The handlers in force at some point, innermost first; NULL is the end. Lists share their tails. */
typedef struct KrHandlers {
    KrBlock *handler;
    struct KrHandlers *outer;
} KrHandlers;

static void visit_with(KrBlock ***waiting, KrBlock *block, KrHandlers *handlers) {
    if (block->visited) return;
    block->visited = 1;
    block->handlers = handlers;
    *(*waiting)++ = block;
}

int kr_graph_find_handlers(KrFlowGraph *graph) {
    size_t count = 0;
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        block->visited = 0;
        count++;
    }
    KrBlock **stack = kr_arena_alloc(graph->arena, count * sizeof(KrBlock *)), **waiting = stack;
    if (stack == NULL) return -1;
    visit_with(&waiting, graph->entry, NULL);
    while (waiting > stack) {
        KrBlock *block = *--waiting;
        KrHandlers *handlers = block->handlers;
        for (int i = 0; i < block->count; i++) {
            KrInstruction *instruction = &block->instructions[i];
            if (kr_is_block_push(instruction->opcode)) {
                KrBlock *handler = instruction->target;
                visit_with(&waiting, handler, handlers);
                if (instruction->opcode != OP_SETUP_FINALLY) handler->keeps_position = 1;
                KrHandlers *inner = kr_arena_alloc(graph->arena, sizeof(KrHandlers));
                if (inner == NULL) return -1;
                *inner = (KrHandlers){handler, handlers};
                handlers = inner;
                instruction->opcode = OP_NOP;
                instruction->target = NULL;
            } else if (instruction->opcode == OP_POP_BLOCK) {
                handlers = handlers->outer;
                instruction->opcode = OP_NOP;
            } else {
                instruction->handler = handlers == NULL ? NULL : handlers->handler;
                if (instruction->target != NULL) visit_with(&waiting, instruction->target, handlers);
            }
        }
        if (block->falls_through && block->next != NULL) visit_with(&waiting, block->next, handlers);
    }
    kr_graph_remove_nops(graph);
    return 0;
}

/* Jump directions */

static int directed(int opcode, int is_forward) {
    switch (opcode) {
        case OP_JUMP: return is_forward ? OP_JUMP_FORWARD : OP_JUMP_BACKWARD;
        case OP_JUMP_NO_INTERRUPT: return is_forward ? OP_JUMP_FORWARD : OP_JUMP_BACKWARD_NO_INTERRUPT;
        case OP_POP_JUMP_IF_FALSE: return is_forward ? OP_POP_JUMP_FORWARD_IF_FALSE : OP_POP_JUMP_BACKWARD_IF_FALSE;
        case OP_POP_JUMP_IF_TRUE: return is_forward ? OP_POP_JUMP_FORWARD_IF_TRUE : OP_POP_JUMP_BACKWARD_IF_TRUE;
        case OP_POP_JUMP_IF_NONE: return is_forward ? OP_POP_JUMP_FORWARD_IF_NONE : OP_POP_JUMP_BACKWARD_IF_NONE;
        case OP_POP_JUMP_IF_NOT_NONE:
            return is_forward ? OP_POP_JUMP_FORWARD_IF_NOT_NONE : OP_POP_JUMP_BACKWARD_IF_NOT_NONE;
        default: return opcode;
    }
}

int kr_graph_direct_jumps(KrFlowGraph *graph) {
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) block->visited = 0;
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        block->visited = 1;
        if (block->count == 0) continue;
        KrInstruction *last = &block->instructions[block->count - 1];
        if (!kr_is_jump(last->opcode)) continue;
        int is_forward = !last->target->visited;
        last->opcode = directed(last->opcode, is_forward);
        if (!is_forward && kr_opcode_operand[last->opcode] == KR_OPERAND_FORWARD) {
            PyErr_Format(PyExc_SystemError, "unexpected %s jumping backwards", kr_opcode_name[last->opcode]);
            return -1;
        }
    }
    return 0;
}
