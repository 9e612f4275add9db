/* Simplifying the control-flow graph: peepholes, jump threading, copies of small exit blocks, removal of dead code. */
#include <Python.h>

#include "compile/flow_graph.h"

#define TRY(expression)                  \
    do {                                 \
        if ((expression) < 0) return -1; \
    } while (0)

enum { MAX_COPIED_INSTRUCTIONS = 4 }; /* an exit block no larger than this replaces a jump to it */

static inline KrInstruction *last_of(const KrBlock *block) {
    return block->count ? &block->instructions[block->count - 1] : NULL;
}

static inline int line_of(const KrInstruction *instruction) { return instruction->location.lineno; }

static inline void erase(KrInstruction *instruction) {
    instruction->opcode = OP_NOP;
    instruction->argument = 0;
    instruction->target = NULL;
}

int kr_block_reserve(KrArena *arena, KrBlock *block, int more) {
    if (block->count + more <= block->capacity) return 0;
    int capacity = block->count + more;
    KrInstruction *instructions = kr_arena_alloc(arena, (size_t)capacity * sizeof(KrInstruction));
    if (instructions == NULL) return -1;
    memcpy(instructions, block->instructions, (size_t)block->count * sizeof(KrInstruction));
    block->instructions = instructions;
    block->capacity = capacity;
    return 0;
}

static inline KrBlock *skip_empty(KrBlock *block) {
    while (block != NULL && block->count == 0) block = block->next;
    return block;
}

/* Removes instructions that do nothing, unless they are the only ones of their line: a tracer wants to see that. */
static void remove_nops(KrBlock *block) {
    int kept = 0, previous_line = -1;
    for (int i = 0; i < block->count; i++) {
        KrInstruction *instruction = &block->instructions[i];
        int line = line_of(instruction);
        if (instruction->opcode == OP_NOP) {
            if (line < 0 || line == previous_line) continue;
            if (i + 1 < block->count) {
                KrInstruction *following = instruction + 1;
                if (line_of(following) == line) continue;
                if (line_of(following) < 0) {
                    following->location = instruction->location;
                    continue;
                }
            } else {
                KrBlock *next = skip_empty(block->next);
                if (next != NULL && line_of(&next->instructions[0]) == line) continue;
            }
        }
        if (kept != i) block->instructions[kept] = *instruction;
        kept++;
        previous_line = line;
    }
    block->count = kept;
}

void kr_graph_remove_nops(KrFlowGraph *graph) {
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) remove_nops(block);
}

/* Peepholes */

/* Lets a jump to a jump go where that goes, if no line is lost. Returns 1 if it did. */
static int thread_jump(KrInstruction *jump, const KrInstruction *second, int opcode) {
    if (line_of(jump) != line_of(second) || jump->target == second->target) return 0;
    jump->target = second->target;
    jump->opcode = opcode;
    return 1;
}

/* `x and y` where the value only decides a jump. Returns 1 if the instruction has to be looked at again. */
static int thread_short_circuit(KrInstruction *jump, const KrInstruction *second) {
    int on_true = jump->opcode == OP_JUMP_IF_TRUE_OR_POP;
    int same_pop = on_true ? OP_POP_JUMP_IF_TRUE : OP_POP_JUMP_IF_FALSE;
    int other_pop = on_true ? OP_POP_JUMP_IF_FALSE : OP_POP_JUMP_IF_TRUE;
    int other_keep = on_true ? OP_JUMP_IF_FALSE_OR_POP : OP_JUMP_IF_TRUE_OR_POP;
    if (second->opcode == same_pop) return thread_jump(jump, second, same_pop);
    if (second->opcode == OP_JUMP || second->opcode == jump->opcode) return thread_jump(jump, second, jump->opcode);
    if ((second->opcode == other_pop || second->opcode == other_keep) && line_of(jump) == line_of(second)) {
        /* The second jump will not be taken: go on behind it. */
        jump->opcode = same_pop;
        jump->target = jump->target->next;
        return 1;
    }
    return 0;
}

/* A jump on a constant is taken always or never. */
static int fold_constant_test(KrBlock *block, int i, const KrGraphConstants *constants) {
    KrInstruction *load = &block->instructions[i], *next = load + 1;
    if (i + 1 >= block->count) return 0;
    int jumps_if_true;
    switch (next->opcode) {
        case OP_POP_JUMP_IF_FALSE:
        case OP_JUMP_IF_FALSE_OR_POP: jumps_if_true = 0; break;
        case OP_POP_JUMP_IF_TRUE:
        case OP_JUMP_IF_TRUE_OR_POP: jumps_if_true = 1; break;
        case OP_IS_OP: {
            if (constants->get(constants->owner, load->argument) != Py_None || i + 2 >= block->count) return 0;
            KrInstruction *jump = load + 2;
            if (jump->opcode != OP_POP_JUMP_IF_FALSE && jump->opcode != OP_POP_JUMP_IF_TRUE) return 0;
            int jumps_if_none = (next->argument == 1) == (jump->opcode == OP_POP_JUMP_IF_FALSE);
            erase(load);
            erase(next);
            jump->opcode = jumps_if_none ? OP_POP_JUMP_IF_NONE : OP_POP_JUMP_IF_NOT_NONE;
            return 0;
        }
        default: return 0;
    }
    int is_true = PyObject_IsTrue(constants->get(constants->owner, load->argument));
    if (is_true < 0) return -1;
    int pops = next->opcode == OP_POP_JUMP_IF_FALSE || next->opcode == OP_POP_JUMP_IF_TRUE;
    if (is_true == jumps_if_true) {
        if (pops) erase(load);
        next->opcode = OP_JUMP;
        block->falls_through = 0;
    } else {
        erase(load);
        erase(next);
    }
    return 0;
}

/* Replaces `count` constants and the BUILD_TUPLE behind them by one constant. */
static int fold_tuple(KrBlock *block, int i, const KrGraphConstants *constants) {
    KrInstruction *build = &block->instructions[i];
    int count = build->argument;
    if (i < count) return 0;
    for (int n = 1; n <= count; n++)
        if (build[-n].opcode != OP_LOAD_CONST) return 0;
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) return -1;
    for (int n = 0; n < count; n++)
        PyTuple_SET_ITEM(tuple, n, Py_NewRef(constants->get(constants->owner, build[n - count].argument)));
    int index = constants->add_tuple(constants->owner, tuple);
    if (index < 0) return -1;
    for (int n = 1; n <= count; n++) erase(build - n);
    build->opcode = OP_LOAD_CONST;
    build->argument = index;
    return 0;
}

static int improve_build_tuple(KrBlock *block, int i, const KrGraphConstants *constants) {
    KrInstruction *build = &block->instructions[i], *next = build + 1;
    if (i + 1 < block->count && next->opcode == OP_UNPACK_SEQUENCE && next->argument == build->argument) {
        /* `a, b = b, a`: no need for the tuple. */
        switch (build->argument) {
            case 1: erase(build); erase(next); return 0;
            case 2:
            case 3:
                erase(build);
                next->opcode = OP_SWAP;
                return 0;
            default: break;
        }
    }
    return fold_tuple(block, i, constants);
}

/* Rewrites a run of SWAPs to the shortest one that has the same effect. Returns the index of the run's last instruction,
 * or -1 with MemoryError. */
static int shorten_swaps(KrBlock *block, int first) {
    enum { DONE = -1 };
    KrInstruction *run = &block->instructions[first];
    int depth = run[0].argument, length = 1, swaps = 1;
    for (; first + length < block->count; length++) {
        if (run[length].opcode == OP_SWAP) {
            depth = Py_MAX(depth, run[length].argument);
            swaps++;
        } else if (run[length].opcode != OP_NOP) {
            break;
        }
    }
    if (swaps == 1) return first;
    int small[16], *stack = small;
    if (depth > (int)Py_ARRAY_LENGTH(small)) {
        stack = PyMem_Malloc((size_t)depth * sizeof(int));
        if (stack == NULL) {
            PyErr_NoMemory();
            return -1;
        }
    }
    /* See which permutation the run makes; position 0 is the top of the stack. */
    for (int i = 0; i < depth; i++) stack[i] = i;
    for (int i = 0; i < length; i++) {
        if (run[i].opcode != OP_SWAP) continue;
        int top = stack[0];
        stack[0] = stack[run[i].argument - 1];
        stack[run[i].argument - 1] = top;
    }
    /* A permutation is a set of cycles, and a cycle through the top is made by swapping along it. One that does not
     * contain the top is joined to it first. Written from the end, this undoes the permutation backwards: it makes it. */
    int write = length - 1;
    for (int i = 0; i < depth; i++) {
        if (stack[i] == DONE || stack[i] == i) continue;
        int position = i;
        for (;;) {
            if (position > 0) {
                run[write].opcode = OP_SWAP;
                run[write--].argument = position + 1;
            }
            int next = stack[position];
            if (next == DONE) break;
            stack[position] = DONE;
            position = next;
        }
    }
    while (write >= 0) erase(&run[write--]);
    if (stack != small) PyMem_Free(stack);
    return first + length - 1;
}

static int is_swappable(int opcode) { return opcode == OP_STORE_FAST || opcode == OP_POP_TOP; }

/* Returns the index of the next instruction that takes one value off the stack and does nothing else, on the given line
 * (-1: any); -1 if something different comes first. */
static int next_swappable(const KrBlock *block, int i, int line) {
    while (++i < block->count) {
        const KrInstruction *instruction = &block->instructions[i];
        if (line >= 0 && line_of(instruction) != line) return -1;
        if (instruction->opcode == OP_NOP) continue;
        return is_swappable(instruction->opcode) ? i : -1;
    }
    return -1;
}

/* True if two instructions may change places although others are between: no variable gets a different last value. */
static int may_exchange(const KrBlock *block, int first, int second) {
    const KrInstruction *a = &block->instructions[first], *b = &block->instructions[second];
    for (int i = first; i <= second; i++) {
        const KrInstruction *other = &block->instructions[i];
        if (other->opcode != OP_STORE_FAST) continue;
        if (i != first && a->opcode == OP_STORE_FAST && other->argument == a->argument) return 0;
        if (i != second && b->opcode == OP_STORE_FAST && other->argument == b->argument) return 0;
    }
    return 1;
}

/* Instead of swapping two values, swaps the instructions that store them. */
static void swap_stores(KrBlock *block, int i) {
    for (; i >= 0; i--) {
        KrInstruction *swap = &block->instructions[i];
        if (swap->opcode != OP_SWAP) {
            if (swap->opcode == OP_NOP || is_swappable(swap->opcode)) continue;
            return;
        }
        int first = next_swappable(block, i, -1);
        if (first < 0) return;
        int second = first, line = line_of(&block->instructions[first]);
        for (int count = swap->argument - 1; count > 0; count--) {
            second = next_swappable(block, second, line);
            if (second < 0) return;
        }
        if (!may_exchange(block, first, second)) return;
        erase(swap);
        KrInstruction store = block->instructions[first];
        block->instructions[first] = block->instructions[second];
        block->instructions[second] = store;
    }
}

static int improve_block(KrBlock *block, const KrGraphConstants *constants) {
    for (int i = 0; i < block->count; i++) {
        KrInstruction *instruction = &block->instructions[i];
        const KrInstruction *target = NULL;
        if (kr_is_jump(instruction->opcode)) {
            instruction->target = skip_empty(instruction->target);
            target = &instruction->target->instructions[0];
        }
        switch (instruction->opcode) {
            case OP_LOAD_CONST: TRY(fold_constant_test(block, i, constants)); break;
            case OP_BUILD_TUPLE: TRY(improve_build_tuple(block, i, constants)); break;
            case OP_JUMP_IF_FALSE_OR_POP:
            case OP_JUMP_IF_TRUE_OR_POP: i -= thread_short_circuit(instruction, target); break;
            case OP_JUMP:
            case OP_POP_JUMP_IF_FALSE:
            case OP_POP_JUMP_IF_TRUE:
            case OP_POP_JUMP_IF_NONE:
            case OP_POP_JUMP_IF_NOT_NONE:
                if (target->opcode == OP_JUMP) i -= thread_jump(instruction, target, instruction->opcode);
                break;
            case OP_SWAP:
                if (instruction->argument == 1) {
                    erase(instruction);
                    break;
                }
                i = shorten_swaps(block, i);
                if (i < 0) return -1;
                swap_stores(block, i);
                break;
            case OP_PUSH_NULL:
                if (i + 1 < block->count && instruction[1].opcode == OP_LOAD_GLOBAL) {
                    erase(instruction);
                    instruction[1].argument |= 1;
                }
                break;
            default: break;
        }
    }
    return 0;
}

/* The shape of the graph */

int kr_leaves_without_line(const KrBlock *block) {
    if (!block->leaves) return 0;
    for (int i = 0; i < block->count; i++)
        if (line_of(&block->instructions[i]) >= 0) return 0;
    return 1;
}

/* A block that jumps to a small implicit return gets a copy of it instead. */
static int copy_exits(KrFlowGraph *graph) {
    for (KrBlock *block = graph->newest; block != NULL; block = block->created_before) {
        KrInstruction *last = last_of(block);
        if (last == NULL || last->opcode != OP_JUMP) continue;
        const KrBlock *exit = skip_empty(last->target);
        if (!kr_leaves_without_line(exit) || exit->count > MAX_COPIED_INSTRUCTIONS) continue;
        erase(last);
        TRY(kr_block_reserve(graph->arena, block, exit->count));
        memcpy(block->instructions + block->count, exit->instructions, (size_t)exit->count * sizeof(KrInstruction));
        block->count += exit->count;
        block->leaves = 1;
    }
    return 0;
}

static int count_predecessors(KrFlowGraph *graph) {
    size_t count = 0;
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        block->predecessors = 0;
        count++;
    }
    KrBlock **waiting = kr_arena_alloc(graph->arena, count * sizeof(KrBlock *)), **end = waiting;
    if (waiting == NULL) return -1;
    graph->entry->predecessors = 1;
    *end++ = graph->entry;
    while (end > waiting) {
        KrBlock *block = *--end;
        if (block->next != NULL && block->falls_through && block->next->predecessors++ == 0) *end++ = block->next;
        for (int i = 0; i < block->count; i++) {
            KrBlock *target = block->instructions[i].target;
            if (target != NULL && target->predecessors++ == 0) *end++ = target;
        }
    }
    return 0;
}

static void remove_empty_blocks(KrFlowGraph *graph) {
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) block->next = skip_empty(block->next);
    for (KrBlock *block = graph->entry; block != NULL; block = block->next)
        for (int i = 0; i < block->count; i++)
            if (block->instructions[i].target != NULL)
                block->instructions[i].target = skip_empty(block->instructions[i].target);
}

/* Finds out how each block ends. */
static void classify_ends(KrFlowGraph *graph) {
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        const KrInstruction *last = last_of(block);
        block->leaves = last != NULL && kr_leaves_function(last->opcode);
        block->falls_through = last == NULL || !(block->leaves || last->opcode == OP_JUMP ||
                                                 last->opcode == OP_JUMP_NO_INTERRUPT);
    }
}

int kr_graph_optimize(KrFlowGraph *graph, const KrGraphConstants *constants) {
    classify_ends(graph);
    TRY(copy_exits(graph));
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        TRY(improve_block(block, constants));
        remove_nops(block);
    }
    TRY(copy_exits(graph));
    TRY(count_predecessors(graph));
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        if (block->predecessors > 0) continue;
        block->count = 0;
        block->falls_through = 1;
    }
    kr_graph_remove_nops(graph);
    remove_empty_blocks(graph);
    /* A jump to the next instruction does nothing, but may yet turn out to be all there is of a line. */
    for (KrBlock *block = graph->entry; block != NULL; block = block->next) {
        KrInstruction *last = last_of(block);
        if (last == NULL || (last->opcode != OP_JUMP && last->opcode != OP_JUMP_NO_INTERRUPT)) continue;
        if (last->target != block->next) continue;
        erase(last);
        block->falls_through = 1;
    }
    return 0;
}
