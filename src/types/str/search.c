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

void kr_needle_prepare(KrNeedle *needle, int kind, const void *text, Py_ssize_t length) {
    needle->kind = kind;
    needle->text = text;
    needle->length = length;
    if (length == 1) return;
    switch (kind) {
    case PyUnicode_1BYTE_KIND: ucs1_prepare(needle, text, length, 1); break;
    case PyUnicode_2BYTE_KIND: ucs2_prepare(needle, text, length, 1); break;
    default: ucs4_prepare(needle, text, length, 1);
    }
}

Py_ssize_t kr_needle_find(const KrNeedle *needle, const void *text, Py_ssize_t length) {
    if (needle->length > length) return -1;
    if (needle->length == 1)
        return kr_text_find_char(needle->kind, text, length, PyUnicode_READ(needle->kind, needle->text, 0));
    switch (needle->kind) {
    case PyUnicode_1BYTE_KIND: return ucs1_search(needle, text, length, needle->text, 1);
    case PyUnicode_2BYTE_KIND: return ucs2_search(needle, text, length, needle->text, 1);
    default: return ucs4_search(needle, text, length, needle->text, 1);
    }
}

Py_ssize_t kr_text_find(int kind, const void *text, Py_ssize_t length, const void *needle, Py_ssize_t needle_length) {
    if (needle_length > length) return -1;
    if (needle_length == 0) return 0;
    KrNeedle prepared;
    kr_needle_prepare(&prepared, kind, needle, needle_length);
    return kr_needle_find(&prepared, text, length);
}

Py_ssize_t kr_text_rfind(int kind, const void *text, Py_ssize_t length, const void *needle, Py_ssize_t needle_length) {
    if (needle_length > length) return -1;
    if (needle_length == 0) return length;
    if (needle_length == 1) return kr_text_rfind_char(kind, text, length, PyUnicode_READ(kind, needle, 0));
    KrNeedle prepared = {.kind = kind, .length = needle_length};
    Py_ssize_t mirrored;
#define MIRRORED(TYPE, width)                                                                                          \
    do {                                                                                                               \
        const TYPE *text_end = (const TYPE *)text + length - 1, *needle_end = (const TYPE *)needle + needle_length - 1;  \
        width##_prepare(&prepared, needle_end, needle_length, -1);                                                     \
        mirrored = width##_search(&prepared, text_end, length, needle_end, -1);                                        \
    } while (0)
    if (kind == PyUnicode_1BYTE_KIND) MIRRORED(Py_UCS1, ucs1);
    else if (kind == PyUnicode_2BYTE_KIND) MIRRORED(Py_UCS2, ucs2);
    else MIRRORED(Py_UCS4, ucs4);
#undef MIRRORED
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

Py_ssize_t kr_needle_count(const KrNeedle *needle, const void *text, Py_ssize_t length, Py_ssize_t limit) {
    if (needle->kind == PyUnicode_1BYTE_KIND && needle->length == 1) {
        Py_ssize_t count = count_bytes(text, length, *(const Py_UCS1 *)needle->text);
        return Py_MIN(count, limit);
    }
    const char *p = text;
    Py_ssize_t count = 0;
    while (count < limit) {
        Py_ssize_t at = kr_needle_find(needle, p, length);
        if (at < 0) break;
        count++;
        p += (at + needle->length) * needle->kind;
        length -= at + needle->length;
    }
    return count;
}
