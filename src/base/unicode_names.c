/* Names of characters: see unicode_tables.h for their encoding. */
#include <Python.h>

#include "base/unicode_names.h"
#include "base/unicode_tables.h"

/* ---- Hangul syllables: named after the letters they consist of ---- */

enum { HANGUL_FIRST = 0xac00, LEAD_COUNT = 19, VOWEL_COUNT = 21, TAIL_COUNT = 28 };
enum { HANGUL_COUNT = LEAD_COUNT * VOWEL_COUNT * TAIL_COUNT };

static const char *const leads[LEAD_COUNT] = {"G", "GG", "N", "D", "DD", "R", "M", "B", "BB", "S",
                                              "SS", "",   "J", "JJ", "C", "K", "T", "P", "H"};
static const char *const vowels[VOWEL_COUNT] = {"A",  "AE", "YA", "YAE", "EO", "E",  "YEO", "YE", "O",  "WA", "WAE",
                                                "OE", "YO", "U",  "WEO", "WE", "WI", "YU",  "EU", "YI", "I"};
static const char *const tails[TAIL_COUNT] = {"",   "G",  "GG", "GS", "N", "NJ", "NH", "D", "L",  "LG", "LM", "LB", "LS", "LT",
                                              "LP", "LH", "M",  "B",  "BS", "S", "SS", "NG", "J", "C",  "K",  "T",  "P", "H"};

static const char hangul_prefix[] = "HANGUL SYLLABLE ";
static const char ideograph_prefix[] = "CJK UNIFIED IDEOGRAPH-";

/* Finds the longest of the letters that `text` begins with; returns its index, and its length. */
static int longest_letter(const char *const *letters, int count, const char *text, size_t length, size_t *matched) {
    int best = -1;
    *matched = 0;
    for (int i = 0; i < count; i++) {
        size_t size = strlen(letters[i]);
        if (size <= length && (best < 0 || size > *matched) && memcmp(letters[i], text, size) == 0) {
            best = i;
            *matched = size;
        }
    }
    return best;
}

static int parse_hangul(const char *text, size_t length, Py_UCS4 *code) {
    size_t matched;
    int lead = longest_letter(leads, LEAD_COUNT, text, length, &matched);
    text += matched;
    length -= matched;
    int vowel = longest_letter(vowels, VOWEL_COUNT, text, length, &matched);
    text += matched;
    length -= matched;
    int tail = longest_letter(tails, TAIL_COUNT, text, length, &matched);
    if (lead < 0 || vowel < 0 || tail < 0 || matched != length) return 0;
    *code = HANGUL_FIRST + (Py_UCS4)((lead * VOWEL_COUNT + vowel) * TAIL_COUNT + tail);
    return 1;
}

static int is_ideograph(Py_UCS4 code) {
    for (int i = 0; i < kr_unicode_ideograph_count; i++)
        if (kr_unicode_ideographs[i].first <= code && code <= kr_unicode_ideographs[i].last) return 1;
    return 0;
}

static int parse_ideograph(const char *text, size_t length, Py_UCS4 *code) {
    Py_UCS4 value = 0;
    if (length != 4 && length != 5) return 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c >= '0' && c <= '9') value = value * 16 + (Py_UCS4)(c - '0');
        else if (c >= 'A' && c <= 'F') value = value * 16 + (Py_UCS4)(c - 'A' + 10);
        else return 0;
    }
    *code = value;
    return is_ideograph(value);
}

/* ---- listed names ---- */

/* Writes the name at a place in the tokens. Returns its length. */
static int decode_tokens(const uint8_t *tokens, char *name) {
    char *p = name;
    while (*tokens != 0) {
        int number = *tokens++ - 1;
        if (number >= KR_NAME_SHORT) number = KR_NAME_SHORT + (number - KR_NAME_SHORT) * 255 + (*tokens++ - 1);
        if (p > name && p[-1] != '-' && p[-1] != ' ') *p++ = ' ';
        p = stpcpy(p, kr_unicode_words + kr_unicode_word_places[number]);
    }
    *p = 0;
    return (int)(p - name);
}

static int decode_name(int index, char *name) {
    const uint8_t *tokens = kr_unicode_name_tokens + kr_unicode_name_blocks[index / KR_NAME_BLOCK];
    for (int skip = index % KR_NAME_BLOCK; skip > 0; skip--)
        while (*tokens++ != 0) continue;
    return decode_tokens(tokens, name);
}

static Py_UCS4 code_of_name(int index) {
    int low = 0, high = kr_unicode_name_run_count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (kr_unicode_name_runs[middle].index <= index) low = middle;
        else high = middle - 1;
    }
    return kr_unicode_name_runs[low].first + (Py_UCS4)(index - kr_unicode_name_runs[low].index);
}

/* Index of the name of a code point, or -1. */
static int name_of_code(Py_UCS4 code) {
    int low = 0, high = kr_unicode_name_run_count - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (kr_unicode_name_runs[middle].first <= code) low = middle;
        else high = middle - 1;
    }
    const KrUnicodeNameRun *run = &kr_unicode_name_runs[low];
    return code >= run->first && code - run->first < run->count ? run->index + (int)(code - run->first) : -1;
}

int kr_unicode_code_to_name(Py_UCS4 code, char name[KR_UNICODE_NAME_MAX]) {
    if (code >= HANGUL_FIRST && code < HANGUL_FIRST + HANGUL_COUNT) {
        int syllable = (int)(code - HANGUL_FIRST);
        return snprintf(name, KR_UNICODE_NAME_MAX, "%s%s%s%s", hangul_prefix,
                        leads[syllable / (VOWEL_COUNT * TAIL_COUNT)], vowels[syllable / TAIL_COUNT % VOWEL_COUNT],
                        tails[syllable % TAIL_COUNT]);
    }
    if (is_ideograph(code)) return snprintf(name, KR_UNICODE_NAME_MAX, "%s%X", ideograph_prefix, (unsigned)code);
    int index = name_of_code(code);
    return index < 0 ? -1 : decode_name(index, name);
}

static int has_prefix(const char *text, size_t length, const char *prefix, size_t prefix_length) {
    return length >= prefix_length && memcmp(text, prefix, prefix_length) == 0;
}

int kr_unicode_name_to_code(const char *name, size_t length, Py_UCS4 *code, int with_sequences) {
    const size_t hangul_length = sizeof hangul_prefix - 1, ideograph_length = sizeof ideograph_prefix - 1;
    if (has_prefix(name, length, hangul_prefix, hangul_length))
        return parse_hangul(name + hangul_length, length - hangul_length, code);
    if (has_prefix(name, length, ideograph_prefix, ideograph_length))
        return parse_ideograph(name + ideograph_length, length - ideograph_length, code);

    char wanted[KR_UNICODE_NAME_MAX], candidate[KR_UNICODE_NAME_MAX];
    if (length >= sizeof wanted) return 0;
    for (size_t i = 0; i < length; i++) wanted[i] = (char)Py_TOUPPER(name[i]);
    wanted[length] = 0;
    if (strlen(wanted) != length) return 0;

    for (int low = 0, high = kr_unicode_name_count; low < high;) {
        int middle = (low + high) / 2;
        decode_name(kr_unicode_name_order[middle], candidate);
        int order = strcmp(wanted, candidate);
        if (order == 0) {
            *code = code_of_name(kr_unicode_name_order[middle]);
            return 1;
        }
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    for (int low = 0, high = kr_unicode_alias_count; low < high;) {
        int middle = (low + high) / 2;
        int order = strcmp(wanted, kr_unicode_aliases[middle].name);
        if (order == 0) {
            *code = kr_unicode_aliases[middle].code;
            return 1;
        }
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    for (int low = 0, high = with_sequences ? kr_unicode_sequence_count : 0; low < high;) {
        int middle = (low + high) / 2;
        int order = strcmp(wanted, kr_unicode_sequences[middle].name);
        if (order == 0) {
            *code = KR_UNICODE_SEQUENCE_BASE + (Py_UCS4)middle;
            return 1;
        }
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return 0;
}
