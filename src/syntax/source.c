/* Source text: byte order mark, encoding declaration, line ends. */
#include <Python.h>

#include "syntax/source.h"

enum { COOKIE_LINES = 2 }; /* an encoding is declared in one of the first lines */

void kr_source_destroy(KrSource *source) {
    PyMem_Free(source->text);
    PyMem_Free(source->encoding);
    source->text = source->encoding = NULL;
}

/* Copies text with '\r\n' and '\r' turned into '\n', and a newline at its end if wanted. */
static int copy_lines(KrSource *source, const char *text, size_t length, bool complete_line) {
    char *copy = PyMem_Malloc(length + 2);
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    source->text = copy;
    const char *end = text + length, *s = text;
    char *out = copy;
    while (s < end) {
        const char *cr = memchr(s, '\r', (size_t)(end - s));
        size_t run = (size_t)((cr != NULL ? cr : end) - s);
        memcpy(out, s, run);
        out += run;
        if (cr == NULL) break;
        *out++ = '\n';
        s = cr + 1;
        if (s < end && *s == '\n') s++;
    }
    if (complete_line && (out == copy || out[-1] != '\n')) *out++ = '\n';
    *out = '\0';
    source->length = (size_t)(out - copy);
    return 0;
}

int kr_source_init(KrSource *source, const char *bytes, size_t length, PyObject *filename, bool is_utf8,
                   bool complete_line) {
    memset(source, 0, sizeof(*source));
    if (memchr(bytes, '\0', length) != NULL) {
        PyErr_SetString(PyExc_ValueError, "source code string cannot contain null bytes");
        return -1;
    }
    if (!is_utf8 && length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
        bytes += 3;
        length -= 3;
    }
    return copy_lines(source, bytes, length, complete_line);
}
