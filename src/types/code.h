/* Code objects: what the compiler, marshal and the evaluation loop know of them beyond the public header.
 *
 * co_localsplusnames lists all variables of a frame: the local ones (parameters first), then the cells that are no
 * parameters, then the free ones; co_localspluskinds has a byte of KR_VARIABLE_* bits for each.
 *
 * Invariant: co_code_adaptive starts as plain bytecode; the evaluation loop may replace opcodes by specialised forms and
 * use the cache units, and whoever shows bytecode goes through kr_code_bytes or kr_code_shown.
 */
#ifndef KR_TYPES_CODE_H
#define KR_TYPES_CODE_H

#include <Python.h>
#include <limits.h>
#include <stdint.h>

enum {
    KR_VARIABLE_LOCAL = 0x20,
    KR_VARIABLE_CELL = 0x40,
    KR_VARIABLE_FREE = 0x80,
    KR_CODE_WARMUP = -8, /* calls and loop rounds until the code is specialised */
};

typedef struct KrCodeParts {
    PyObject *filename, *name, *qualified_name;
    PyObject *code, *line_table, *exception_table; /* bytes */
    PyObject *constants, *names;                   /* tuples */
    PyObject *variable_names, *variable_kinds;     /* tuple, bytes: co_localsplusnames and -kinds */
    int flags, first_lineno;
    int argument_count, positional_only_count, keyword_only_count;
    int stack_size;
} KrCodeParts;

/* What follows from the parts. */
typedef struct KrCodeCounts {
    int units, variables, locals, plain_cells, cells, frees, first_traceable;
} KrCodeCounts;

/* Makes a code object whose instructions are still to be filled in. All parts are borrowed. Returns NULL with MemoryError. */
PyCodeObject *kr_code_make(const KrCodeParts *parts, const KrCodeCounts *counts);

/* Makes a code object. All parts are borrowed. Names, and constants that look like names, are interned. Returns NULL with
 * SystemError or ValueError if the parts contradict each other. */
PyCodeObject *kr_code_new(const KrCodeParts *parts);

/* code_deferred.c */

enum {
    KR_LOAD_BODY = 254,          /* the first instruction of deferred code, see vm/specialised.def */
    KR_CODE_DEFERRED = SHRT_MIN, /* its co_warmup */
};

/* Where the rest of a deferred code object is. */
typedef struct KrCodeBody {
    const char *data; /* a code object in the marshal format; must stay, and be trusted */
    int size;
    int has_doc; /* 0: the functions' __doc__ is None */
} KrCodeBody;

/* Makes a code object of the filename, names and numbers among the parts, whose body is read when it is needed. Returns NULL
 * with MemoryError. */
PyCodeObject *kr_code_new_deferred(const KrCodeParts *parts, const KrCodeCounts *counts, const KrCodeBody *body);

static inline int kr_code_is_deferred(const PyCodeObject *code) {
    return code->co_warmup == KR_CODE_DEFERRED; /* instructions may come from anywhere, this does not */
}

/* 1 if the code is deferred and its first constant may be a docstring. */
int kr_code_defers_doc(const PyCodeObject *code);

int kr_code_read_body(PyCodeObject *code);

/* Sees to it that the code object is whole. Returns 0, or -1 with an exception. */
static inline int kr_code_load(PyCodeObject *code) { return kr_code_is_deferred(code) ? kr_code_read_body(code) : 0; }

/* Defined by compile/marshal_read.c: reads one object without telling audit hooks. */
PyObject *kr_marshal_read_memory(const char *data, Py_ssize_t size);

/* Checks what kr_code_new takes for granted. Returns 0, or -1 with an exception. */
int kr_code_validate(const KrCodeParts *parts);

/* Returns a new bytes object with the plain bytecode: no specialised opcodes, caches zeroed. */
PyObject *kr_code_bytes(PyCodeObject *code);

/* The same as it is now, with specialised opcodes as dis knows them; defined by the evaluation loop. */
PyObject *kr_code_shown(PyCodeObject *code);

/* The opcode that a (perhaps specialised) one stands for; defined by the evaluation loop. */
extern const uint8_t kr_deoptimized_opcode[256];

/* Units of inline cache behind each opcode; defined with the list of instructions. */
extern const uint8_t kr_opcode_caches[256];

/* From now on new code objects keep no columns (-X no_debug_ranges). */
void kr_code_drop_columns(void);

/* code_locations.c */

/* A place in the source; -1 where it is unknown. */
typedef struct KrCodeLocation {
    int lineno, end_lineno, column, end_column;
} KrCodeLocation;

/* Walks the location table forward: after each step the entry covers the bytes from `start` to `end` of the code. */
typedef struct KrLocationWalk {
    const uint8_t *next, *limit;
    int start, end;
    int line; /* last line that an entry named */
    KrCodeLocation location;
} KrLocationWalk;

void kr_location_walk_init(KrLocationWalk *walk, PyCodeObject *code);
/* Goes on to the next entry; returns 0 at the end of the table. */
int kr_location_walk_step(KrLocationWalk *walk);

/* Prepares a range for _PyCode_CheckLineNumber. */
/* Returns the table with lines only, a new reference. */
PyObject *kr_location_table_without_columns(PyObject *table);
/* What co_lnotab, co_lines() and co_positions() return. */
PyObject *kr_code_line_number_table(PyCodeObject *code);
PyObject *kr_code_line_iterator(PyCodeObject *code);
PyObject *kr_code_position_iterator(PyCodeObject *code);

extern PyTypeObject kr_line_iterator_type, kr_position_iterator_type;

#endif
