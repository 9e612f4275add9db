/* Interned identifiers that C code looks up by name.
 *
 * `KR_NAME(__init__)` is an expression for the interned string "__init__", a borrowed reference, created at its first
 * use and kept for the life of the process. Each place of use has its own static record; all records are linked so that
 * shutdown can release the strings. The expression never fails: callers need not check it.
 */
#ifndef KR_OBJECT_NAMES_H
#define KR_OBJECT_NAMES_H

#include <Python.h>

typedef struct KrName {
    const char *text;
    PyObject *object;
    struct KrName *next;
} KrName;

/* Interns the record's text and links the record for kr_names_finalize. Returns a borrowed reference. */
PyObject *kr_name_intern(KrName *name);

/* The same for a text that is kept but not interned, such as the name of a lambda. */
PyObject *kr_name_keep(KrName *name);

/* Releases every interned name; records can be used again afterwards. */
void kr_names_finalize(void);

#define KR_NAME_TEXT(literal)                                                                                          \
    ({                                                                                                                 \
        static KrName kr_name_record = {literal, NULL, NULL};                                                          \
        kr_name_record.object ? kr_name_record.object : kr_name_intern(&kr_name_record);                               \
    })
#define KR_TEXT(literal)                                                                                               \
    ({                                                                                                                 \
        static KrName kr_name_record = {literal, NULL, NULL};                                                          \
        kr_name_record.object ? kr_name_record.object : kr_name_keep(&kr_name_record);                                 \
    })
#define KR_NAME(identifier) KR_NAME_TEXT(#identifier)

#endif
