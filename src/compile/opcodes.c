/* The list of instructions as tables. */
#include <Python.h>

#include "compile/opcodes.h"

const uint8_t kr_opcode_caches[256] = {
#define KR_OPCODE(NAME, number, cache_units, operand) [number] = cache_units,
#include "compile/opcodes.def"
};

const uint8_t kr_opcode_operand[256] = {
#define KR_OPCODE(NAME, number, cache_units, operand) [number] = KR_OPERAND_##operand,
#include "compile/opcodes.def"
};

const char *const kr_opcode_name[256] = {
#define KR_OPCODE(NAME, number, cache_units, operand) [number] = #NAME,
#include "compile/opcodes.def"
};
