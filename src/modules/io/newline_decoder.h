/* IncrementalNewlineDecoder, and universal newlines for TextIOWrapper and StringIO.
 *
 * Invariant: a carriage return at the end of one piece of text is held back until the next piece shows whether a line feed
 * follows, so "\r\n" is never split between two results.
 */
#ifndef KR_MODULES_IO_NEWLINE_DECODER_H
#define KR_MODULES_IO_NEWLINE_DECODER_H

#include "modules/io/io.h"

enum { KR_SEEN_CR = 1, KR_SEEN_LF = 2, KR_SEEN_CRLF = 4 };

typedef struct {
    unsigned char pending_return; /* a "\r" was held back */
    unsigned char translate;      /* turn all line ends into "\n" */
    unsigned char seen;           /* KR_SEEN_... */
} KrNewlines;

/* Takes a reference to a decoded string and returns one to the translated string; NULL with an exception. Without
 * `final`, a "\r" at the end is held back. */
PyObject *kr_newlines_translate(KrNewlines *self, PyObject *text, int final);
/* Returns the attribute `newlines`: None, a string or a tuple. */
PyObject *kr_newlines_seen(KrNewlines *self);

/* decode(input, final) of an IncrementalNewlineDecoder object, exact type. */
PyObject *kr_newline_decoder_decode(PyObject *self, PyObject *input, int final);
PyObject *kr_newline_decoder_new(PyObject *decoder, int translate);

#endif
