/* How many entries an instruction adds to the operand stack. */
#include <Python.h>

#include "compile/flow_graph.h"

/* With `jump` > 0 the effect if the instruction jumps (or, for SETUP_*, at the handler); with 0 if it does not; with a
 * negative number the larger one. PY_INVALID_STACK_EFFECT for an unknown opcode. */
int kr_stack_effect(int opcode, int argument, int jump) {
    switch (opcode) {
        case OP_NOP:
        case OP_EXTENDED_ARG:
        case OP_RESUME:
        case OP_CACHE:
        case OP_SWAP:
        case OP_UNARY_POSITIVE:
        case OP_UNARY_NEGATIVE:
        case OP_UNARY_NOT:
        case OP_UNARY_INVERT:
        case OP_GET_ITER:
        case OP_SETUP_ANNOTATIONS:
        case OP_YIELD_VALUE:
        case OP_ASYNC_GEN_WRAP:
        case OP_POP_BLOCK:
        case OP_DELETE_NAME:
        case OP_DELETE_GLOBAL:
        case OP_DELETE_FAST:
        case OP_DELETE_DEREF:
        case OP_LOAD_ATTR:
        case OP_CHECK_EXC_MATCH:
        case OP_CHECK_EG_MATCH:
        case OP_JUMP:
        case OP_JUMP_NO_INTERRUPT:
        case OP_JUMP_FORWARD:
        case OP_JUMP_BACKWARD:
        case OP_JUMP_BACKWARD_NO_INTERRUPT:
        case OP_RETURN_GENERATOR:
        case OP_KW_NAMES:
        case OP_MAKE_CELL:
        case OP_COPY_FREE_VARS:
        case OP_GET_AWAITABLE:
        case OP_GET_AITER:
        case OP_GET_YIELD_FROM_ITER:
        case OP_LIST_TO_TUPLE: return 0;

        case OP_PUSH_NULL:
        case OP_COPY:
        case OP_LOAD_BUILD_CLASS:
        case OP_LOAD_CONST:
        case OP_LOAD_NAME:
        case OP_LOAD_FAST:
        case OP_LOAD_CLOSURE:
        case OP_LOAD_DEREF:
        case OP_LOAD_CLASSDEREF:
        case OP_LOAD_METHOD:
        case OP_LOAD_ASSERTION_ERROR:
        case OP_IMPORT_FROM:
        case OP_PUSH_EXC_INFO:
        case OP_WITH_EXCEPT_START:
        case OP_BEFORE_WITH:
        case OP_BEFORE_ASYNC_WITH:
        case OP_GET_ANEXT:
        case OP_GET_LEN:
        case OP_MATCH_MAPPING:
        case OP_MATCH_SEQUENCE:
        case OP_MATCH_KEYS: return 1;

        case OP_POP_TOP:
        case OP_PRINT_EXPR:
        case OP_RETURN_VALUE:
        case OP_IMPORT_STAR:
        case OP_IMPORT_NAME:
        case OP_POP_EXCEPT:
        case OP_STORE_NAME:
        case OP_STORE_GLOBAL:
        case OP_STORE_FAST:
        case OP_STORE_DEREF:
        case OP_DELETE_ATTR:
        case OP_BINARY_SUBSCR:
        case OP_BINARY_OP:
        case OP_COMPARE_OP:
        case OP_IS_OP:
        case OP_CONTAINS_OP:
        case OP_LIST_APPEND:
        case OP_SET_ADD:
        case OP_LIST_EXTEND:
        case OP_SET_UPDATE:
        case OP_DICT_MERGE:
        case OP_DICT_UPDATE:
        case OP_PREP_RERAISE_STAR:
        case OP_RERAISE:
        case OP_CALL:
        case OP_POP_JUMP_IF_FALSE:
        case OP_POP_JUMP_IF_TRUE:
        case OP_POP_JUMP_IF_NONE:
        case OP_POP_JUMP_IF_NOT_NONE:
        case OP_POP_JUMP_FORWARD_IF_FALSE:
        case OP_POP_JUMP_FORWARD_IF_TRUE:
        case OP_POP_JUMP_FORWARD_IF_NONE:
        case OP_POP_JUMP_FORWARD_IF_NOT_NONE:
        case OP_POP_JUMP_BACKWARD_IF_FALSE:
        case OP_POP_JUMP_BACKWARD_IF_TRUE:
        case OP_POP_JUMP_BACKWARD_IF_NONE:
        case OP_POP_JUMP_BACKWARD_IF_NOT_NONE: return -1;

        case OP_DELETE_SUBSCR:
        case OP_STORE_ATTR:
        case OP_MAP_ADD:
        case OP_END_ASYNC_FOR:
        case OP_MATCH_CLASS: return -2;
        case OP_STORE_SUBSCR: return -3;

        case OP_UNPACK_SEQUENCE: return argument - 1;
        case OP_UNPACK_EX: return (argument & 0xff) + (argument >> 8);
        case OP_BUILD_TUPLE:
        case OP_BUILD_LIST:
        case OP_BUILD_SET:
        case OP_BUILD_STRING: return 1 - argument;
        case OP_BUILD_MAP: return 1 - 2 * argument;
        case OP_BUILD_CONST_KEY_MAP:
        case OP_RAISE_VARARGS:
        case OP_PRECALL: return -argument;
        case OP_BUILD_SLICE: return argument == 3 ? -2 : -1;
        case OP_CALL_FUNCTION_EX: return -2 - ((argument & 1) != 0);
        case OP_MAKE_FUNCTION:
            return -((argument & 1) != 0) - ((argument & 2) != 0) - ((argument & 4) != 0) - ((argument & 8) != 0);
        case OP_FORMAT_VALUE: return (argument & 4) ? -1 : 0;
        case OP_LOAD_GLOBAL: return (argument & 1) + 1;

        case OP_FOR_ITER: return jump > 0 ? -1 : 1;
        case OP_SEND: return jump > 0 ? -1 : 0;
        case OP_JUMP_IF_TRUE_OR_POP:
        case OP_JUMP_IF_FALSE_OR_POP: return jump ? 0 : -1;
        /* The handler finds the exception, and for some also the position, on top of the stack as it was. */
        case OP_SETUP_FINALLY:
        case OP_SETUP_WITH: return jump ? 1 : 0;
        case OP_SETUP_CLEANUP: return jump ? 2 : 0;
        default: return PY_INVALID_STACK_EFFECT;
    }
}

int PyCompile_OpcodeStackEffectWithJump(int opcode, int argument, int jump) {
    return kr_stack_effect(opcode, argument, jump);
}

int PyCompile_OpcodeStackEffect(int opcode, int argument) { return kr_stack_effect(opcode, argument, -1); }
