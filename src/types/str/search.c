/* Searching in arrays of characters. */
#define _GNU_SOURCE 1
#include <Python.h>

#include "types/str/search.h"

#include <wchar.h>

static inline Py_ssize_t found_at(const void *place, const void *text, int width) {
    return place == NULL ? -1 : ((const char *)place - (const char *)text) / width;
}

static inline Py_ssize_t ucs1_find_char(const Py_UCS1 *text, Py_ssize_t length, Py_UCS4 ch) {
    return found_at(memchr(text, (int)ch, (size_t)length), text, 1);
}

static inline Py_ssize_t ucs1_rfind_char(const Py_UCS1 *text, Py_ssize_t length, Py_UCS4 ch) {
    return found_at(memrchr(text, (int)ch, (size_t)length), text, 1);
}

/* Looks at blocks of 16 characters, which the compiler turns into vector comparisons. */
static inline Py_ssize_t ucs2_find_char(const Py_UCS2 *text, Py_ssize_t length, Py_UCS4 ch) {
    Py_ssize_t i = 0;
    for (; i + 16 <= length; i += 16) {
        int hit = 0;
        for (int j = 0; j < 16; j++) hit |= text[i + j] == (Py_UCS2)ch;
        if (hit) break;
    }
    for (; i < length; i++)
        if (text[i] == ch) return i;
    return -1;
}

static inline Py_ssize_t ucs2_rfind_char(const Py_UCS2 *text, Py_ssize_t length, Py_UCS4 ch) {
    while (length > 0)
        if (text[--length] == ch) return length;
    return -1;
}

static inline Py_ssize_t ucs4_find_char(const Py_UCS4 *text, Py_ssize_t length, Py_UCS4 ch) {
    return found_at(wmemchr((const wchar_t *)text, (wchar_t)ch, (size_t)length), text, 4);
}

static inline Py_ssize_t ucs4_rfind_char(const Py_UCS4 *text, Py_ssize_t length, Py_UCS4 ch) {
    while (length > 0)
        if (text[--length] == ch) return length;
    return -1;
}

#define CHAR Py_UCS1
#define NAME(x) ucs1_##x
#include "types/str/search_width.h"
#undef CHAR
#undef NAME

#define CHAR Py_UCS2
#define NAME(x) ucs2_##x
#include "types/str/search_width.h"
#undef CHAR
#undef NAME

#define CHAR Py_UCS4
#define NAME(x) ucs4_##x
#include "types/str/search_width.h"
#undef CHAR
#undef NAME

Py_ssize_t kr_text_find_char(int kind, const void *text, Py_ssize_t length, Py_UCS4 ch) {
    switch (kind) {
    case PyUnicode_1BYTE_KIND: return ch > 0xff ? -1 : ucs1_find_char(text, length, ch);
    case PyUnicode_2BYTE_KIND: return ch > 0xffff ? -1 : ucs2_find_char(text, length, ch);
    default: return ucs4_find_char(text, length, ch);
    }
}

Py_ssize_t kr_text_rfind_char(int kind, const void *text, Py_ssize_t length, Py_UCS4 ch) {
    switch (kind) {
    case PyUnicode_1BYTE_KIND: return ch > 0xff ? -1 : ucs1_rfind_char(text, length, ch);
    case PyUnicode_2BYTE_KIND: return ch > 0xffff ? -1 : ucs2_rfind_char(text, length, ch);
    default: return ucs4_rfind_char(text, length, ch);
    }
}

Py_ssize_t kr_text_find(int kind, const void *text, Py_ssize_t length, const void *needle, Py_ssize_t needle_length) {
    if (needle_length > length) return -1;
    if (needle_length == 0) return 0;
    if (needle_length == 1) return kr_text_find_char(kind, text, length, PyUnicode_READ(kind, needle, 0));
    switch (kind) {
    case PyUnicode_1BYTE_KIND: return ucs1_search(text, length, needle, needle_length, 1);
    case PyUnicode_2BYTE_KIND: return ucs2_search(text, length, needle, needle_length, 1);
    default: return ucs4_search(text, length, needle, needle_length, 1);
    }
}

Py_ssize_t kr_text_rfind(int kind, const void *text, Py_ssize_t length, const void *needle, Py_ssize_t needle_length) {
    if (needle_length > length) return -1;
    if (needle_length == 0) return length;
    if (needle_length == 1) return kr_text_rfind_char(kind, text, length, PyUnicode_READ(kind, needle, 0));
    Py_ssize_t mirrored;
#define LAST(TYPE, array, n) ((const TYPE *)(array) + (n)-1)
    switch (kind) {
    case PyUnicode_1BYTE_KIND:
        mirrored = ucs1_search(LAST(Py_UCS1, text, length), length, LAST(Py_UCS1, needle, needle_length),
                               needle_length, -1);
        break;
    case PyUnicode_2BYTE_KIND:
        mirrored = ucs2_search(LAST(Py_UCS2, text, length), length, LAST(Py_UCS2, needle, needle_length),
                               needle_length, -1);
        break;
    default:
        mirrored = ucs4_search(LAST(Py_UCS4, text, length), length, LAST(Py_UCS4, needle, needle_length),
                               needle_length, -1);
    }
#undef LAST
    return mirrored < 0 ? -1 : length - needle_length - mirrored;
}

/* Counts in blocks small enough for a byte counter, so that the loop works on whole vectors. */
static Py_ssize_t count_bytes(const Py_UCS1 *text, Py_ssize_t length, Py_UCS1 ch) {
    Py_ssize_t count = 0;
    while (length > 0) {
        Py_ssize_t block = Py_MIN(length, 255);
        Py_UCS1 hits = 0;
        for (Py_ssize_t i = 0; i < block; i++) hits += text[i] == ch;
        count += hits;
        text += block;
        length -= block;
    }
    return count;
}

Py_ssize_t kr_text_count(int kind, const void *text, Py_ssize_t length, const void *needle, Py_ssize_t needle_length,
                         Py_ssize_t limit) {
    if (kind == PyUnicode_1BYTE_KIND && needle_length == 1) {
        Py_ssize_t count = count_bytes(text, length, *(const Py_UCS1 *)needle);
        return Py_MIN(count, limit);
    }
    const char *p = text;
    Py_ssize_t count = 0;
    while (count < limit) {
        Py_ssize_t at = kr_text_find(kind, p, length, needle, needle_length);
        if (at < 0) break;
        count++;
        p += (at + needle_length) * kind;
        length -= at + needle_length;
    }
    return count;
}
