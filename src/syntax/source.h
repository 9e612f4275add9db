/* Source text as the lexer wants it: UTF-8, '\n' line ends, no byte order mark. */
#ifndef KR_SYNTAX_SOURCE_H
#define KR_SYNTAX_SOURCE_H

#include <Python.h>
#include <stdbool.h>

typedef struct KrSource {
    char *text;           /* owned; followed by a NUL byte */
    size_t length;
    char *encoding;       /* owned; the name of the declared encoding, or NULL if there is no declaration */
} KrSource;

/* Prepares bytes of source. `is_utf8`: they are UTF-8 already, whatever a cookie says. `complete_line`: a missing newline at
 * the end is added. Returns 0, or -1 with an exception (SyntaxError, ValueError, MemoryError ...). */
int kr_source_init(KrSource *source, const char *bytes, size_t length, PyObject *filename, bool is_utf8,
                   bool complete_line);
void kr_source_destroy(KrSource *source);

#endif
