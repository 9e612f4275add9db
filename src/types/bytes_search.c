/* Finding byte sequences in byte sequences. */
#include <Python.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "types/bytes_search.h"

/* Finds a needle of two bytes or more. Candidates are the places where its first and its last byte are right, which
 * vectors find sixteen at a time; the C library's search, which is linear whatever the texts are, takes over when too many
 * of them turn out wrong. */
static const char *find_needle(const char *haystack, Py_ssize_t length, const char *needle, Py_ssize_t needle_length) {
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8(needle[0]), last = _mm_set1_epi8(needle[needle_length - 1]);
    Py_ssize_t candidates = length - needle_length + 1, i = 0, effort = 2 * length + 64;
    for (; i + 16 <= candidates; i += 16) {
        __m128i starts = _mm_loadu_si128((const __m128i *)(haystack + i));
        __m128i ends = _mm_loadu_si128((const __m128i *)(haystack + i + needle_length - 1));
        unsigned places = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(starts, first), _mm_cmpeq_epi8(ends, last)));
        for (; places != 0; places &= places - 1) {
            const char *candidate = haystack + i + __builtin_ctz(places);
            if (memcmp(candidate + 1, needle + 1, needle_length - 2) == 0) return candidate;
            effort -= needle_length;
        }
        if (effort < 0) {
            i += 16;
            break;
        }
    }
    haystack += i;
    length -= i;
    if (length < 32 && needle_length <= 16) {
        for (const char *end = haystack + length - needle_length; haystack <= end; haystack++) {
            if (haystack[0] == needle[0] && memcmp(haystack, needle, needle_length) == 0) return haystack;
        }
        return NULL;
    }
#endif
    return memmem(haystack, length, needle, needle_length);
}

Py_ssize_t kr_bytes_search(const char *haystack, Py_ssize_t length, const char *needle, Py_ssize_t needle_length) {
    if (needle_length > length) return -1;
    if (needle_length == 0) return 0;
    const char *found = needle_length == 1 ? memchr(haystack, (unsigned char)needle[0], length)
                                           : find_needle(haystack, length, needle, needle_length);
    return found != NULL ? found - haystack : -1;
}

/* Rabin-Karp from the right: linear whatever the texts are. */
static Py_ssize_t search_reverse_by_hash(const unsigned char *haystack, Py_ssize_t length, const unsigned char *needle,
                                         Py_ssize_t needle_length) {
    const uint64_t factor = 0x9E3779B97F4A7C15;
    uint64_t wanted = 0, hash = 0, highest = 1;
    Py_ssize_t position = length - needle_length;
    for (Py_ssize_t i = needle_length - 1; i >= 0; i--) {
        wanted = wanted * factor + needle[i];
        hash = hash * factor + haystack[position + i];
        if (i > 0) highest *= factor;
    }
    for (;; position--) {
        if (hash == wanted && memcmp(haystack + position, needle, needle_length) == 0) return position;
        if (position == 0) return -1;
        hash = (hash - haystack[position + needle_length - 1] * highest) * factor + haystack[position - 1];
    }
}

Py_ssize_t kr_bytes_search_reverse(const char *haystack, Py_ssize_t length, const char *needle,
                                   Py_ssize_t needle_length) {
    if (needle_length > length) return -1;
    if (needle_length == 0) return length;
    Py_ssize_t rest = length - needle_length + 1; /* candidates are 0 .. rest - 1 */
    Py_ssize_t effort = 4 * length + 64;          /* bytes that may be compared before the method changes */
    while (rest > 0) {
        const char *found = memrchr(haystack, (unsigned char)needle[0], rest);
        if (found == NULL) return -1;
        rest = found - haystack;
        if (memcmp(found, needle, needle_length) == 0) return rest;
        effort -= needle_length;
        if (effort < 0)
            return search_reverse_by_hash((const unsigned char *)haystack, rest + needle_length - 1,
                                          (const unsigned char *)needle, needle_length);
    }
    return -1;
}

static Py_ssize_t count_byte(const char *haystack, Py_ssize_t length, char byte) {
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < length; i++) count += haystack[i] == byte;
    return count;
}

Py_ssize_t kr_bytes_count(const char *haystack, Py_ssize_t length, const char *needle, Py_ssize_t needle_length,
                          Py_ssize_t limit) {
    if (needle_length == 0) return length < limit ? length + 1 : limit;
    if (needle_length == 1 && limit >= length) return count_byte(haystack, length, needle[0]);
    Py_ssize_t count = 0;
    while (count < limit) {
        Py_ssize_t found = kr_bytes_search(haystack, length, needle, needle_length);
        if (found < 0) break;
        count++;
        haystack += found + needle_length;
        length -= found + needle_length;
    }
    return count;
}

Py_ssize_t _PyBytes_Find(const char *haystack, Py_ssize_t length, const char *needle, Py_ssize_t needle_length,
                         Py_ssize_t offset) {
    Py_ssize_t found = kr_bytes_search(haystack, length, needle, needle_length);
    return found < 0 ? -1 : found + offset;
}

Py_ssize_t _PyBytes_ReverseFind(const char *haystack, Py_ssize_t length, const char *needle, Py_ssize_t needle_length,
                                Py_ssize_t offset) {
    Py_ssize_t found = kr_bytes_search_reverse(haystack, length, needle, needle_length);
    return found < 0 ? -1 : found + offset;
}
