/* Finding byte sequences in byte sequences.
 *
 * All functions take plain memory; lengths are never negative. Positions are counted from the start of the haystack, -1
 * means that there is none. The needle may be empty: it is found everywhere.
 */
#ifndef KR_TYPES_BYTES_SEARCH_H
#define KR_TYPES_BYTES_SEARCH_H

#include <Python.h>

Py_ssize_t kr_bytes_search(const char *haystack, Py_ssize_t length, const char *needle, Py_ssize_t needle_length);
Py_ssize_t kr_bytes_search_reverse(const char *haystack, Py_ssize_t length, const char *needle,
                                   Py_ssize_t needle_length);
/* Counts occurrences that do not overlap, `limit` at most. */
Py_ssize_t kr_bytes_count(const char *haystack, Py_ssize_t length, const char *needle, Py_ssize_t needle_length,
                          Py_ssize_t limit);

/* As kr_bytes_search, but `offset` is added to a position that was found. Compiled modules call these. */
PyAPI_FUNC(Py_ssize_t) _PyBytes_Find(const char *haystack, Py_ssize_t length, const char *needle,
                                     Py_ssize_t needle_length, Py_ssize_t offset);
PyAPI_FUNC(Py_ssize_t) _PyBytes_ReverseFind(const char *haystack, Py_ssize_t length, const char *needle,
                                            Py_ssize_t needle_length, Py_ssize_t offset);

#endif
