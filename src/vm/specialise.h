/* Specialisation: an instruction looks at its operands and takes a form that is made for them.
 *
 * A code object warms up with each call and each jump back. When it is warm (co_warmup is zero), kr_quicken joins pairs of
 * instructions, once. Every instruction with an inline cache begins with a 16-bit counter. In the general form it counts
 * executions; when it reaches KR_WARM the instruction tries to specialise, which in warm code is the first time. In a
 * specialised form it counts failed guards down; at zero the instruction goes back to its general form. Invariant: a
 * specialised form that fails its guard does exactly what the general form would do, so specialisation is visible only
 * to those who ask for it (shown_code.c).
 *
 * The cache layouts below overlay the cache units that the bytecode format reserves; no pointer in a cache is owned: the
 * guards make sure that what it points at is alive.
 */
#ifndef KR_VM_SPECIALISE_H
#define KR_VM_SPECIALISE_H

#include <Python.h>
#include <stdint.h>

#include "compile/opcodes.h"

enum {
#define KR_SPECIALISED(NAME, number, GENERAL, SHOWN) OP_##NAME = number,
#include "vm/specialised.def"
};

enum {
    KR_WARM = 16,        /* executions of the general form in cold code before it tries to specialise */
    KR_BACKOFF = 200,    /* executions before it tries again after a failure */
    KR_MISSES = 60,      /* failed guards before a specialised form is given up */
};

/* Two cache units read as one number; they need not be aligned. */
typedef struct __attribute__((packed)) KrUnits2 { uint32_t value; } KrUnits2;
typedef struct __attribute__((packed)) KrUnits4 { PyObject *value; } KrUnits4;

typedef struct __attribute__((packed)) KrGlobalCache {
    uint16_t counter, index;
    uint32_t module_version;
    uint16_t builtin_version;
} KrGlobalCache;
_Static_assert(sizeof(KrGlobalCache) == 5 * 2, "LOAD_GLOBAL has 5 units");

typedef struct __attribute__((packed)) KrAttributeCache {
    uint16_t counter;
    uint32_t version; /* of the type, or of the module dict's keys */
    uint16_t place;   /* VALUE: attribute offset / 8 << 8 | shape index; SLOT: offset; DICT, MODULE: entry index */
} KrAttributeCache;
_Static_assert(sizeof(KrAttributeCache) == 4 * 2, "LOAD_ATTR and STORE_ATTR have 4 units");

typedef struct __attribute__((packed)) KrMethodCache {
    uint16_t counter;
    uint32_t version;
    uint16_t shape_count;      /* names in the class's shape when the name was not among them */
    uint16_t attribute_offset; /* of the attribute word */
    uint16_t unused;
    PyObject *method; /* borrowed from the type */
} KrMethodCache;
_Static_assert(sizeof(KrMethodCache) == 10 * 2, "LOAD_METHOD has 10 units");

/* PRECALL (1 unit) and the CALL (4 units) that follows it. */
typedef struct __attribute__((packed)) KrCallCache {
    uint16_t counter;    /* PRECALL's */
    uint16_t call_word;  /* the CALL instruction itself */
    uint16_t shown;      /* see kr_call_shown */
    uint32_t version;    /* of the function or the type */
    uint16_t extra;
} KrCallCache;
enum { KR_CALL_SKIP = 1 + 1 + 4 }; /* units from PRECALL's cache to the instruction after CALL */

typedef struct __attribute__((packed)) KrSubscriptCache {
    uint16_t counter;
    uint32_t version;
    uint16_t function_version;
} KrSubscriptCache;
_Static_assert(sizeof(KrSubscriptCache) == 4 * 2, "BINARY_SUBSCR has 4 units");

void kr_specialise_binary_op(_Py_CODEUNIT *instruction, int operator, PyObject *left, PyObject *right);
void kr_specialise_compare_op(_Py_CODEUNIT *instruction, int comparison, PyObject *left, PyObject *right);
void kr_specialise_binary_subscr(_Py_CODEUNIT *instruction, PyObject *container, PyObject *key);
void kr_specialise_store_subscr(_Py_CODEUNIT *instruction, PyObject *container, PyObject *key);
void kr_specialise_load_global(_Py_CODEUNIT *instruction, PyObject *globals, PyObject *builtins, PyObject *name);
void kr_specialise_load_attr(_Py_CODEUNIT *instruction, PyObject *owner, PyObject *name);
void kr_specialise_store_attr(_Py_CODEUNIT *instruction, PyObject *owner, PyObject *name);
void kr_specialise_load_method(_Py_CODEUNIT *instruction, PyObject *owner, PyObject *name);
/* `arguments` counts the self of a method call, which `bound` tells of; `keywords`: some of them have names. */
void kr_specialise_precall(_Py_CODEUNIT *instruction, PyObject *callable, int arguments, int bound, int keywords);
void kr_specialise_unpack_sequence(_Py_CODEUNIT *instruction, PyObject *sequence, int count);

/* Joins frequent pairs of instructions of a code object that turned out to be run often, and lets the others specialise
 * as soon as they are executed. */
void kr_quicken(PyCodeObject *code);

/* A call begins, or the code jumps back. */
static inline void kr_warm_up(PyCodeObject *code) {
    if (code->co_warmup < 0 && ++code->co_warmup == 0) kr_quicken(code);
}

/* The instructions of <opcode.h> that stand for a PRECALL (low byte) and the CALL behind it (high byte). */
uint16_t kr_call_shown(PyObject *callable, int arguments, int bound, int keywords, int discarded);

/* The __init__ of a class whose instances PRECALL_PYTHON_CLASS makes, borrowed; NULL if that is not what it found. */
PyFunctionObject *kr_class_initialiser(PyTypeObject *type);

extern const uint8_t kr_deoptimized_opcode[256];

#endif
