/* Names of characters.
 *
 * Names are those of Unicode 14.0: listed ones, Hangul syllables, and CJK unified ideographs. Look-ups of
 * listed names ignore case.
 */
#ifndef KR_BASE_UNICODE_NAMES_H
#define KR_BASE_UNICODE_NAMES_H

#include <Python.h>

enum { KR_UNICODE_NAME_MAX = 256 }; /* room for the longest name and a null character */

/* Code points from here on (a private-use plane) stand for named sequences: add the index in kr_unicode_sequences. */
enum { KR_UNICODE_SEQUENCE_BASE = 0xf0200 };

/* Writes the name of a character and a null character; returns its length, or -1 if the character has none. */
int kr_unicode_code_to_name(Py_UCS4 code, char name[KR_UNICODE_NAME_MAX]);

/* Looks a name or alias up; with `with_sequences` also the names of sequences, for which *code is
 * KR_UNICODE_SEQUENCE_BASE + index. Returns 1 and sets *code if it exists, else 0. */
int kr_unicode_name_to_code(const char *name, size_t length, Py_UCS4 *code, int with_sequences);

/* What unicodedata offers in its capsule `_ucnhash_CAPI`; the layout is CPython's. Codecs reach the names only through it, so
 * that a program without unicodedata has none. Both return 1 if the character or the name exists, else 0. */
typedef struct KrCharacterNames {
    int (*get_name)(Py_UCS4 code, char *buffer, int size, int with_aliases);
    int (*get_code)(const char *text, int length, Py_UCS4 *code, int with_sequences);
} KrCharacterNames;

#endif
