/* Opcode numbers and what the tables of instructions know about them.
 *
 * Invariant: opcodes.def is the only list of instructions; numbers and cache sizes are those of Python 3.11's bytecode
 * and therefore part of the .pyc format. Numbers that the list leaves free belong to the evaluation loop's specialised
 * forms, which never show outside a running code object.
 */
#ifndef KR_COMPILE_OPCODES_H
#define KR_COMPILE_OPCODES_H

#include <stdint.h>

enum {
#define KR_OPCODE(NAME, number, cache_units, operand) OP_##NAME = number,
#include "compile/opcodes.def"
    OP_HAVE_ARGUMENT = 90, /* instructions from here on use their argument byte */
};

typedef enum KrOperand {
    KR_OPERAND_NONE,
    KR_OPERAND_ARG,
    KR_OPERAND_CONST,
    KR_OPERAND_NAME,
    KR_OPERAND_LOCAL,
    KR_OPERAND_CELL,
    KR_OPERAND_FORWARD,
    KR_OPERAND_BACKWARD,
    KR_OPERAND_COMPARE,
} KrOperand;

/* The second operand of BINARY_OP. */
typedef enum KrBinaryOperator {
    KR_NB_ADD,
    KR_NB_AND,
    KR_NB_FLOOR_DIVIDE,
    KR_NB_LSHIFT,
    KR_NB_MATRIX_MULTIPLY,
    KR_NB_MULTIPLY,
    KR_NB_REMAINDER,
    KR_NB_OR,
    KR_NB_POWER,
    KR_NB_RSHIFT,
    KR_NB_SUBTRACT,
    KR_NB_TRUE_DIVIDE,
    KR_NB_XOR,
    KR_NB_INPLACE, /* added to one of the above: the operator with `=` */
} KrBinaryOperator;

/* Indexed by opcode; zero, NULL and KR_OPERAND_NONE for numbers that the list leaves free. */
extern const uint8_t kr_opcode_caches[256];
extern const uint8_t kr_opcode_operand[256];
extern const char *const kr_opcode_name[256];

#endif
