/* Tables of the Unicode Character Database, version 14.0.
 *
 * The tables are generated at build time by tools/unicode_tables.c from the data files of the Unicode Consortium. A
 * property of a code point is found in two stages: `pages[ch >> KR_UNICODE_SHIFT]` numbers a block of `cells`, and the
 * cell numbers a record. Code points that have equal records share them, and equal blocks too.
 *
 * Invariant: every index in the tables is valid for every code point up to 0x10ffff; callers check that bound.
 */
#ifndef KR_BASE_UNICODE_TABLES_H
#define KR_BASE_UNICODE_TABLES_H

#include <Python.h>

enum { KR_UNICODE_SHIFT = 7, KR_UNICODE_PAGES = 0x110000 >> KR_UNICODE_SHIFT };

/* What str needs to know about a character. */
enum {
    KR_UNICODE_ALPHA = 1 << 0,
    KR_UNICODE_LOWER = 1 << 1,
    KR_UNICODE_UPPER = 1 << 2,
    KR_UNICODE_TITLE = 1 << 3,
    KR_UNICODE_SPACE = 1 << 4,
    KR_UNICODE_LINE_BREAK = 1 << 5,
    KR_UNICODE_XID_START = 1 << 6,
    KR_UNICODE_XID_CONTINUE = 1 << 7,
    KR_UNICODE_PRINTABLE = 1 << 8,
    KR_UNICODE_NUMERIC = 1 << 9,
    KR_UNICODE_CASED = 1 << 10,
    KR_UNICODE_CASE_IGNORABLE = 1 << 11,
};

enum { KR_UNICODE_NO_DIGIT = 255 };

typedef struct {
    int32_t lower, upper, title; /* simple case mappings, as differences from the character */
    uint16_t flags;
    uint16_t special; /* record with mappings to several characters; 0: none */
    uint8_t decimal;  /* value of a decimal digit, or KR_UNICODE_NO_DIGIT */
    uint8_t digit;    /* value of any digit, or KR_UNICODE_NO_DIGIT */
} KrUnicodeType;

extern const uint16_t kr_unicode_type_pages[KR_UNICODE_PAGES];
extern const uint16_t kr_unicode_type_cells[];
extern const KrUnicodeType kr_unicode_types[];

static inline const KrUnicodeType *kr_unicode_type(Py_UCS4 ch) {
    if (ch > 0x10ffff) ch = 0xffff; /* a code point that is never assigned */
    return &kr_unicode_types[kr_unicode_type_cells[kr_unicode_type_pages[ch >> KR_UNICODE_SHIFT] * 128 + (ch & 127)]];
}

/* Full case mappings; a count of 0 means that the simple one holds. */
typedef struct {
    uint8_t lower_count, upper_count, title_count, fold_count;
    Py_UCS4 lower[3], upper[3], title[3], fold[3];
} KrUnicodeSpecial;

extern const KrUnicodeSpecial kr_unicode_specials[];

/* Numeric values of the characters with KR_UNICODE_NUMERIC, by rising code point. */
extern const int kr_unicode_numeric_count;
extern const Py_UCS4 kr_unicode_numeric_codes[];
extern const uint8_t kr_unicode_numeric_index[];
extern const double kr_unicode_numeric_values[];

/* What the unicodedata module tells besides. */
enum { KR_QUICK_YES = 0, KR_QUICK_MAYBE = 1, KR_QUICK_NO = 2 };
enum { KR_FORM_NFD = 0, KR_FORM_NFKD = 2, KR_FORM_NFC = 4, KR_FORM_NFKC = 6 }; /* bit positions in quick_check */

typedef struct {
    uint8_t category;      /* index into kr_unicode_category_names; 0 is "Cn" */
    uint8_t combining;     /* canonical combining class */
    uint8_t bidirectional; /* index into kr_unicode_bidirectional_names; 0 is "" */
    uint8_t width;         /* index into kr_unicode_width_names */
    uint8_t mirrored;
    uint8_t quick_check; /* two bits for each normal form */
    uint8_t change;      /* record of kr_unicode_changes: how Unicode 3.2 differed; 0: not at all */
} KrUnicodeProperties;

extern const uint16_t kr_unicode_property_pages[KR_UNICODE_PAGES];
extern const uint16_t kr_unicode_property_cells[];
extern const KrUnicodeProperties kr_unicode_properties[];
extern const char *const kr_unicode_category_names[];
extern const char *const kr_unicode_bidirectional_names[];
extern const char *const kr_unicode_width_names[];

static inline const KrUnicodeProperties *kr_unicode_property(Py_UCS4 ch) {
    return &kr_unicode_properties[kr_unicode_property_cells[kr_unicode_property_pages[ch >> KR_UNICODE_SHIFT] * 128 +
                                                            (ch & 127)]];
}

/* A property's value in Unicode 3.2; KR_UNICODE_SAME where it was the same. Category 0 means unassigned. */
enum { KR_UNICODE_SAME = 255 };
typedef struct {
    uint8_t category, bidirectional, width, mirrored, decimal;
} KrUnicodeChange;
extern const KrUnicodeChange kr_unicode_changes[];

/* Decompositions. A cell is the place of a record in kr_unicode_decompositions (0: none), whose first word is the number
 * of characters * 256 + the kind (index into kr_unicode_decomposition_names; 0: canonical). */
extern const uint16_t kr_unicode_decomposition_pages[KR_UNICODE_PAGES];
extern const uint16_t kr_unicode_decomposition_cells[];
extern const Py_UCS4 kr_unicode_decompositions[];
extern const char *const kr_unicode_decomposition_names[];

static inline const Py_UCS4 *kr_unicode_decomposition(Py_UCS4 ch) {
    return &kr_unicode_decompositions[kr_unicode_decomposition_cells
                                          [kr_unicode_decomposition_pages[ch >> KR_UNICODE_SHIFT] * 128 + (ch & 127)]];
}

/* Pairs that compose, sorted by first and second. */
typedef struct {
    Py_UCS4 first, second, composed;
} KrUnicodeComposition;
extern const int kr_unicode_composition_count;
extern const KrUnicodeComposition kr_unicode_compositions[];

/* Canonical decompositions that Unicode 3.2 got wrong. */
typedef struct {
    Py_UCS4 code, original;
} KrUnicodeCorrection;
extern const int kr_unicode_correction_count;
extern const KrUnicodeCorrection kr_unicode_corrections[];

/* Names. A name is a sequence of words: a byte up to KR_NAME_SHORT numbers one of the most frequent ones, otherwise two
 * bytes do; a zero byte ends the name. Words are joined by a space, unless the first of
 * them ends with a hyphen or a space. */
enum { KR_NAME_SHORT = 200, KR_NAME_BLOCK = 16 };

typedef struct {
    Py_UCS4 first; /* code point */
    uint16_t count;
    uint16_t index; /* of the first one's name */
} KrUnicodeNameRun;

extern const int kr_unicode_name_count;
extern const int kr_unicode_name_run_count;
extern const KrUnicodeNameRun kr_unicode_name_runs[];
extern const uint8_t kr_unicode_name_tokens[];
extern const uint32_t kr_unicode_name_blocks[]; /* place in the tokens of each KR_NAME_BLOCK-th name */
extern const uint16_t kr_unicode_name_order[];  /* indexes of the names, sorted by name */
extern const char kr_unicode_words[];           /* each ended by a null character */
extern const uint32_t kr_unicode_word_places[];

/* Ranges of ideographs whose name is a prefix and the code point in hexadecimal. */
typedef struct {
    Py_UCS4 first, last;
} KrUnicodeRange;
extern const int kr_unicode_ideograph_count;
extern const KrUnicodeRange kr_unicode_ideographs[];

/* Aliases and named sequences, each sorted by name. */
typedef struct {
    const char *name;
    Py_UCS4 code;
} KrUnicodeAlias;
extern const int kr_unicode_alias_count;
extern const KrUnicodeAlias kr_unicode_aliases[];

typedef struct {
    const char *name;
    uint8_t count;
    uint16_t codes[4];
} KrUnicodeSequence;
extern const int kr_unicode_sequence_count;
extern const KrUnicodeSequence kr_unicode_sequences[];

#endif
