/* Sets of characters: the rules that re._compiler writes behind IN, and the bitmaps made from them. */
#include <Python.h>
#include <ctype.h>

#include "modules/_sre/sre.h"

enum {
#define SRE_OPCODE(name) OPCODE_##name,
#include "modules/_sre/opcodes.def"
#undef SRE_OPCODE
};

enum { /* the numbers of re._constants.CHCODES; an odd number negates the one before */
    CATEGORY_DIGIT,
    CATEGORY_SPACE = 2,
    CATEGORY_WORD = 4,
    CATEGORY_LINEBREAK = 6,
    CATEGORY_LOC_WORD = 8,
    CATEGORY_UNI_DIGIT = 10,
    CATEGORY_UNI_SPACE = 12,
    CATEGORY_UNI_WORD = 14,
    CATEGORY_UNI_LINEBREAK = 16,
    CATEGORY_LAST = 17,
};

enum {
    BITMAP_WORDS = 8, /* 256 bits */
    BLOCK_MAP_WORDS = 64, /* 256 bytes: the number of the bitmap for each 256 of the first 65536 characters */
};

static bool is_ascii_word(Py_UCS4 ch) { return ch < 128 && (Py_ISALNUM(ch) || ch == '_'); }

bool kr_sre_is_word(WordKind kind, Py_UCS4 ch) {
    switch (kind) {
    case WORD_ASCII:
        return is_ascii_word(ch);
    case WORD_LOCALE:
        return ch < 256 && (isalnum((int)ch) || ch == '_');
    default:
        return ch < 128 ? is_ascii_word(ch) : Py_UNICODE_ISALNUM(ch) != 0;
    }
}

static bool category_contains(uint32_t category, Py_UCS4 ch) {
    bool member;
    switch (category & ~1u) {
    case CATEGORY_DIGIT:
        member = ch < 128 && Py_ISDIGIT(ch);
        break;
    case CATEGORY_SPACE:
        member = ch < 128 && Py_ISSPACE(ch);
        break;
    case CATEGORY_WORD:
        member = is_ascii_word(ch);
        break;
    case CATEGORY_LINEBREAK:
        member = ch == '\n';
        break;
    case CATEGORY_LOC_WORD:
        member = kr_sre_is_word(WORD_LOCALE, ch);
        break;
    case CATEGORY_UNI_DIGIT:
        member = Py_UNICODE_ISDECIMAL(ch);
        break;
    case CATEGORY_UNI_SPACE:
        member = Py_UNICODE_ISSPACE(ch);
        break;
    case CATEGORY_UNI_WORD:
        member = kr_sre_is_word(WORD_UNICODE, ch);
        break;
    default:
        member = Py_UNICODE_ISLINEBREAK(ch);
        break;
    }
    return member != (category & 1);
}

Py_UCS4 kr_sre_lower(CaseKind kind, Py_UCS4 ch) {
    switch (kind) {
    case CASE_ASCII:
        return ch < 128 ? Py_TOLOWER(ch) : ch;
    case CASE_LOCALE:
        return ch < 256 ? (Py_UCS4)tolower((int)ch) : ch;
    case CASE_UNICODE:
        return Py_UNICODE_TOLOWER(ch);
    default:
        return ch;
    }
}

bool kr_sre_rules_contain(const uint32_t *rules, Py_UCS4 ch) {
    bool found = true; /* what a rule that applies means */
    for (;;) {
        switch (*rules++) {
        case OPCODE_FAILURE:
            return !found;
        case OPCODE_NEGATE:
            found = !found;
            break;
        case OPCODE_LITERAL:
            if (ch == rules[0]) return found;
            rules++;
            break;
        case OPCODE_CATEGORY:
            if (category_contains(rules[0], ch)) return found;
            rules++;
            break;
        case OPCODE_RANGE:
            if (rules[0] <= ch && ch <= rules[1]) return found;
            rules += 2;
            break;
        case OPCODE_RANGE_UNI_IGNORE: {
            if (rules[0] <= ch && ch <= rules[1]) return found;
            Py_UCS4 upper = Py_UNICODE_TOUPPER(ch);
            if (rules[0] <= upper && upper <= rules[1]) return found;
            rules += 2;
            break;
        }
        case OPCODE_CHARSET:
            if (ch < 256 && (rules[ch >> 5] >> (ch & 31) & 1)) return found;
            rules += BITMAP_WORDS;
            break;
        case OPCODE_BIGCHARSET: {
            uint32_t blocks = rules[0];
            if (ch < 65536) {
                uint32_t block = ((const uint8_t *)(rules + 1))[ch >> 8];
                const uint32_t *bits = rules + 1 + BLOCK_MAP_WORDS + block * BITMAP_WORDS;
                if (bits[(ch & 255) >> 5] >> (ch & 31) & 1) return found;
            }
            rules += 1 + BLOCK_MAP_WORDS + (size_t)blocks * BITMAP_WORDS;
            break;
        }
        default:
            Py_UNREACHABLE();
        }
    }
}

bool kr_sre_category_check(uint32_t category) { return category <= CATEGORY_LAST; }

bool kr_sre_rules_check(const uint32_t *code, Py_ssize_t length) {
    const uint32_t *end = code + length;
    while (code < end) {
        Py_ssize_t left = end - code - 1; /* numbers behind this one */
        switch (*code++) {
        case OPCODE_FAILURE:
            return left == 0;
        case OPCODE_NEGATE:
            break;
        case OPCODE_LITERAL:
            if (left < 1) return false;
            code++;
            break;
        case OPCODE_CATEGORY:
            if (left < 1 || !kr_sre_category_check(*code)) return false;
            code++;
            break;
        case OPCODE_RANGE:
        case OPCODE_RANGE_UNI_IGNORE:
            if (left < 2) return false;
            code += 2;
            break;
        case OPCODE_CHARSET:
            if (left < BITMAP_WORDS) return false;
            code += BITMAP_WORDS;
            break;
        case OPCODE_BIGCHARSET: {
            if (left < 1 + BLOCK_MAP_WORDS) return false;
            uint32_t blocks = code[0];
            if (blocks > 256 || left < 1 + BLOCK_MAP_WORDS + (Py_ssize_t)blocks * BITMAP_WORDS) return false;
            const uint8_t *map = (const uint8_t *)(code + 1);
            for (int i = 0; i < 256; i++) {
                if (map[i] >= blocks) return false;
            }
            code += 1 + BLOCK_MAP_WORDS + blocks * BITMAP_WORDS;
            break;
        }
        default:
            return false;
        }
    }
    return false;
}

static bool depends_on_locale(uint32_t category) { return (category & ~1u) == CATEGORY_LOC_WORD; }

/* Looks for rules by which characters from 256 up differ from each other, or which depend on the locale. */
static void rules_survey(const uint32_t *rules, bool *wide_differs, bool *locale) {
    for (;;) {
        switch (*rules++) {
        case OPCODE_FAILURE:
            return;
        case OPCODE_LITERAL:
            if (rules[0] >= 256) *wide_differs = true;
            rules++;
            break;
        case OPCODE_CATEGORY:
            if (rules[0] >= CATEGORY_UNI_DIGIT) *wide_differs = true;
            if (depends_on_locale(rules[0])) *locale = true;
            rules++;
            break;
        case OPCODE_RANGE:
            if (rules[1] >= 256) *wide_differs = true;
            rules += 2;
            break;
        case OPCODE_RANGE_UNI_IGNORE:
            *wide_differs = true;
            rules += 2;
            break;
        case OPCODE_CHARSET:
            rules += BITMAP_WORDS;
            break;
        case OPCODE_BIGCHARSET:
            *wide_differs = true;
            rules += 1 + BLOCK_MAP_WORDS + (size_t)rules[0] * BITMAP_WORDS;
            break;
        }
    }
}

static bool locale_contains(const uint32_t *rules, Py_UCS4 ch) {
    Py_UCS4 lower = kr_sre_lower(CASE_LOCALE, ch);
    if (kr_sre_rules_contain(rules, lower)) return true;
    Py_UCS4 upper = ch < 256 ? (Py_UCS4)toupper((int)ch) : ch;
    return upper != lower && kr_sre_rules_contain(rules, upper);
}

/* The members below 256 of each category that does not depend on the locale; filled in when first used. */
static struct {
    bool ready[CATEGORY_LAST + 1];
    uint32_t bits[CATEGORY_LAST + 1][BITMAP_WORDS];
} categories;

static const uint32_t *category_bits(uint32_t category) {
    if (!categories.ready[category]) {
        for (Py_UCS4 ch = 0; ch < 256; ch++) {
            if (category_contains(category, ch)) categories.bits[category][ch >> 5] |= 1u << (ch & 31);
        }
        categories.ready[category] = true;
    }
    return categories.bits[category];
}

static void range_bits(uint32_t *bits, uint32_t low, uint32_t high) {
    for (uint32_t ch = low; ch <= high && ch < 256; ch++) bits[ch >> 5] |= 1u << (ch & 31);
}

/* Finds the members below 256 rule by rule: the first rule that applies to a character decides. Returns false if there is
   a rule for which that is not done. */
static bool rules_bits(const uint32_t *rules, uint32_t *bits) {
    uint32_t undecided[BITMAP_WORDS];
    bool found = true;
    memset(undecided, 0xFF, sizeof(undecided));
    for (;;) {
        uint32_t own[BITMAP_WORDS] = {0};
        const uint32_t *applies = own;
        switch (*rules++) {
        case OPCODE_FAILURE:
            for (int i = 0; i < BITMAP_WORDS && !found; i++) bits[i] |= undecided[i];
            return true;
        case OPCODE_NEGATE:
            found = !found;
            continue;
        case OPCODE_LITERAL:
            range_bits(own, rules[0], rules[0]);
            rules++;
            break;
        case OPCODE_RANGE:
            range_bits(own, rules[0], rules[1]);
            rules += 2;
            break;
        case OPCODE_CATEGORY:
            applies = category_bits(rules[0]);
            rules++;
            break;
        case OPCODE_CHARSET:
            applies = rules;
            rules += BITMAP_WORDS;
            break;
        default:
            memset(bits, 0, BITMAP_WORDS * sizeof(*bits));
            return false;
        }
        for (int i = 0; i < BITMAP_WORDS; i++) {
            if (found) bits[i] |= applies[i] & undecided[i];
            undecided[i] &= ~applies[i];
        }
    }
}

void kr_sre_set_init(CharSet *set, const uint32_t *rules, CaseKind casing) {
    bool wide_differs = casing == CASE_UNICODE, locale = casing == CASE_LOCALE;
    rules_survey(rules, &wide_differs, &locale);
    set->casing = (uint8_t)casing;
    set->dynamic = locale;
    if (locale) {
        set->wide = WIDE_RULES;
        return;
    }
    if (casing != CASE_EXACT || !rules_bits(rules, set->bits)) {
        for (Py_UCS4 ch = 0; ch < 256; ch++) {
            if (kr_sre_rules_contain(rules, kr_sre_lower(casing, ch))) set->bits[ch >> 5] |= 1u << (ch & 31);
        }
    }
    set->wide = wide_differs ? WIDE_RULES : kr_sre_rules_contain(rules, 256) ? WIDE_ALL : WIDE_NONE;
}

bool kr_sre_set_contains_slow(const CharSet *set, const uint32_t *words, Py_UCS4 ch) {
    if (set->wide != WIDE_RULES) return set->wide == WIDE_ALL;
    const uint32_t *rules = words + set->rules;
    if (set->casing == CASE_LOCALE) return locale_contains(rules, ch) != set->inverted;
    return kr_sre_rules_contain(rules, kr_sre_lower(set->casing, ch));
}
