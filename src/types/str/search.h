/* Searching in arrays of characters of one width (1, 2 or 4 bytes).
 *
 * Text and needle have the same width. A search skips ahead by a rough set of the needle's characters; once that has cost
 * more than it should, the two-way algorithm takes over, so every search is linear in the worst case.
 */
#ifndef KR_TYPES_STR_SEARCH_H
#define KR_TYPES_STR_SEARCH_H

#include <Python.h>

/* Index of the first (last) place of a character, or -1. */
Py_ssize_t kr_text_find_char(int kind, const void *text, Py_ssize_t length, Py_UCS4 ch);
Py_ssize_t kr_text_rfind_char(int kind, const void *text, Py_ssize_t length, Py_UCS4 ch);

/* Index of the first (last) place of the needle, or -1. An empty needle is found at the start (end). */
Py_ssize_t kr_text_find(int kind, const void *text, Py_ssize_t length, const void *needle, Py_ssize_t needle_length);
Py_ssize_t kr_text_rfind(int kind, const void *text, Py_ssize_t length, const void *needle, Py_ssize_t needle_length);

/* A needle made ready for many searches forward. */
typedef struct {
    int kind;
    const void *text; /* of the caller */
    Py_ssize_t length;
    uint64_t present; /* bits of the characters' low six bits */
    Py_ssize_t gap;   /* from the last character back to its previous occurrence, or the length */
} KrNeedle;

/* The needle is not empty. */
void kr_needle_prepare(KrNeedle *needle, int kind, const void *text, Py_ssize_t length);

/* Index of the first place of the needle, or -1. */
Py_ssize_t kr_needle_find(const KrNeedle *needle, const void *text, Py_ssize_t length);

/* Number of non-overlapping places, at most `limit`. */
Py_ssize_t kr_needle_count(const KrNeedle *needle, const void *text, Py_ssize_t length, Py_ssize_t limit);

#endif
