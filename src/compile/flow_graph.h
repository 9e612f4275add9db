/* The control-flow graph of one code object, between code generation and assembly.
 *
 * Code generation writes instructions into blocks. A block is entered at its first instruction only and left at its last
 * only. Jumps name their target block; exception regions are bracketed by the pseudo instructions SETUP_* and POP_BLOCK.
 * Here the graph is simplified, and everything about it that the code object states is computed: stack depth, exception
 * handlers, line numbers of instructions that had none, and the direction of jumps.
 *
 * Invariant: `next` links the blocks in the order of the program text; an instruction without a place in the source has
 * lineno -1.
 */
#ifndef KR_COMPILE_FLOW_GRAPH_H
#define KR_COMPILE_FLOW_GRAPH_H

#include <Python.h>

#include "compile/opcodes.h"
#include "compile/symbol_table.h"
#include "syntax/arena.h"

/* Instructions that exist in the graph only. Jumps get a direction when the order of blocks is settled. */
enum {
    OP_SETUP_FINALLY = 256, /* start of a region whose handler runs with the exception pushed */
    OP_SETUP_CLEANUP,       /* the same, with the position of the failing instruction pushed below the exception */
    OP_SETUP_WITH,          /* as SETUP_CLEANUP, with the result of __enter__ popped */
    OP_POP_BLOCK,           /* end of the region */
    OP_JUMP,
    OP_JUMP_NO_INTERRUPT,
    OP_POP_JUMP_IF_FALSE,
    OP_POP_JUMP_IF_TRUE,
    OP_POP_JUMP_IF_NONE,
    OP_POP_JUMP_IF_NOT_NONE,
    KR_OPCODE_COUNT,
};

typedef struct KrInstruction {
    struct KrBlock *target;  /* of a jump or SETUP_*, else NULL */
    struct KrBlock *handler; /* where an exception goes, NULL for out of the function */
    KrLocation location;
    int argument;
    int opcode;
} KrInstruction;

typedef struct KrBlock {
    struct KrBlock *next;
    struct KrBlock *created_before;
    KrInstruction *instructions;
    int start; /* index of the first instruction while code is generated, then offset in code units */
    int count, capacity;
    int predecessors;
    int start_depth; /* of the operand stack, INT_MIN while unknown */
    struct KrHandlers *handlers;
    unsigned falls_through : 1;   /* control may reach the end of the block and go on with `next` */
    unsigned leaves : 1;          /* ends with return, raise or reraise */
    unsigned visited : 1;
    unsigned keeps_position : 1;  /* a handler that gets the position of the failing instruction */
} KrBlock;

typedef struct KrFlowGraph {
    KrArena *arena;
    KrBlock *entry;
    KrBlock *newest; /* all blocks that were ever created, by created_before */
    int first_lineno;
} KrFlowGraph;

/* Whoever builds the graph says how a folded tuple becomes a constant: returns its index, or -1. Takes the reference. */
typedef struct KrGraphConstants {
    PyObject *(*get)(void *owner, int index);       /* borrowed */
    int (*add_tuple)(void *owner, PyObject *tuple);
    void *owner;
} KrGraphConstants;

static inline int kr_is_block_push(int opcode) { return opcode >= OP_SETUP_FINALLY && opcode <= OP_SETUP_WITH; }
static inline int kr_is_jump(int opcode) {
    return opcode >= OP_JUMP || (opcode < 256 && (kr_opcode_operand[opcode] == KR_OPERAND_FORWARD ||
                                                  kr_opcode_operand[opcode] == KR_OPERAND_BACKWARD));
}
static inline int kr_leaves_function(int opcode) {
    return opcode == OP_RETURN_VALUE || opcode == OP_RAISE_VARARGS || opcode == OP_RERAISE;
}
static inline int kr_ends_block(int opcode) { return kr_is_jump(opcode) || kr_leaves_function(opcode); }

/* Simplifies the graph. Returns 0 or -1. */
int kr_graph_optimize(KrFlowGraph *graph, const KrGraphConstants *constants);
/* Fills in the places of instructions that have none. Returns 0 or -1. */
int kr_graph_place_lines(KrFlowGraph *graph);
/* Returns the number of stack entries that the code needs, or -1. `start_depth` is that of the entry block. */
int kr_graph_stack_depth(KrFlowGraph *graph, int start_depth);
/* Finds each instruction's exception handler and removes the pseudo instructions of regions. Returns 0 or -1. */
int kr_graph_find_handlers(KrFlowGraph *graph);
/* Gives all jumps their direction. Returns 0 or -1. */
int kr_graph_direct_jumps(KrFlowGraph *graph);
/* True of a block that leaves the function and has no place in the source. */
int kr_leaves_without_line(const KrBlock *block);
/* Removes instructions that do nothing in all blocks. */
void kr_graph_remove_nops(KrFlowGraph *graph);
/* See stack_effect.c. */
int kr_stack_effect(int opcode, int argument, int jump);
/* Makes sure that a block has room for `more` instructions. Returns 0 or -1. */
int kr_block_reserve(KrArena *arena, KrBlock *block, int more);

#endif
