/* Conversion of argument objects to C values by format units, shared by the positional and the keyword parsers.
 *
 * Invariant: a parser that fails has undone everything that its finished units had acquired; each unit which acquires
 * something (a buffer, a block of memory, what an `O&` converter made) records that in the call's KrArgumentUndo.
 */
#ifndef KR_ABI_GETARGS_H
#define KR_ABI_GETARGS_H

#include <Python.h>
#include <stdarg.h>

/* A va_list that can be passed by address on every ABI. */
typedef struct KrArgumentTargets {
    va_list list;
} KrArgumentTargets;

typedef struct KrArgumentUndoEntry {
    void *target;
    void (*undo)(void *target, int (*converter)(PyObject *, void *));
    int (*converter)(PyObject *, void *);
} KrArgumentUndoEntry;

/* What must be undone if a later unit fails. */
typedef struct KrArgumentUndo {
    Py_ssize_t count;
    Py_ssize_t capacity;
    KrArgumentUndoEntry *entry; /* `inline_entry` or a PyMem block */
    KrArgumentUndoEntry inline_entry[8];
} KrArgumentUndo;

enum { KR_ARGUMENT_NESTING = 32, KR_ARGUMENT_MESSAGE_SIZE = 256 };

/* Where in nested tuples a conversion failed: item numbers from 1, ended by 0 (one more than the depth, so that a path
 * that starts at the second entry is ended too). */
typedef struct KrArgumentFailure {
    int item[KR_ARGUMENT_NESTING + 1];
    char message[KR_ARGUMENT_MESSAGE_SIZE];
} KrArgumentFailure;

static inline void kr_argument_undo_init(KrArgumentUndo *undo) {
    undo->count = 0;
    undo->capacity = Py_ARRAY_LENGTH(undo->inline_entry);
    undo->entry = undo->inline_entry;
}

/* Ends a parse: undoes the recorded acquisitions unless `success`. Returns `success`. */
int kr_argument_undo_finish(KrArgumentUndo *undo, int success);

/* Converts one argument by the unit at *format, takes the unit's targets and moves *format behind it. Returns NULL, or
 * what was wrong (possibly `failure->message`); an exception may be set already. */
const char *kr_argument_convert(PyObject *argument, const char **format, KrArgumentTargets *targets, int sizes_are_ssize,
                                KrArgumentFailure *failure, KrArgumentUndo *undo);

/* Takes the targets of the unit at *format without converting. Returns NULL, or what is wrong with the unit. */
const char *kr_argument_skip(const char **format, KrArgumentTargets *targets, int sizes_are_ssize);

/* Returns the end of the unit that starts at `format`, or NULL if there is no such unit. */
const char *kr_argument_unit_end(const char *format);

/* Sets the exception for a failed conversion of argument `index` (from 1; 0: unnumbered), unless one is set. `items` is
 * the path in nested tuples as in KrArgumentFailure; `text` is the caller's own message that replaces everything, or NULL. */
void kr_argument_set_error(Py_ssize_t index, const char *what, const int *items, const char *function,
                           const char *text);

/* Forgets what the static keyword parsers cached; they can be used again afterwards. */
void kr_argument_parsers_finalize(void);

/* The body of a variadic function: what `expression` returns, an int, with the arguments behind `last` as `va`. */
#define WITH_VARIADIC(last, expression)                                                                                \
    do {                                                                                                               \
        va_list va;                                                                                                    \
        va_start(va, last);                                                                                            \
        int result = (expression);                                                                                     \
        va_end(va);                                                                                                    \
        return result;                                                                                                 \
    } while (0)

#endif
