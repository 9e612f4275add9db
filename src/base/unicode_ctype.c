/* Character classes and case mappings of all code points: the functions behind Py_UNICODE_ISALPHA and its kin. */
#include <Python.h>

#include "base/unicode_tables.h"

/* ---- classes ---- */

static inline int has_flag(Py_UCS4 ch, int flag) { return (kr_unicode_type(ch)->flags & flag) != 0; }

int _PyUnicode_IsAlpha(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_ALPHA); }
int _PyUnicode_IsLowercase(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_LOWER); }
int _PyUnicode_IsUppercase(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_UPPER); }
int _PyUnicode_IsTitlecase(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_TITLE); }
int _PyUnicode_IsXidStart(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_XID_START); }
int _PyUnicode_IsXidContinue(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_XID_CONTINUE); }
int _PyUnicode_IsWhitespace(const Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_SPACE); }
int _PyUnicode_IsLinebreak(const Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_LINE_BREAK); }
int _PyUnicode_IsPrintable(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_PRINTABLE); }
int _PyUnicode_IsNumeric(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_NUMERIC); }
int _PyUnicode_IsCased(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_CASED); }
int _PyUnicode_IsCaseIgnorable(Py_UCS4 ch) { return has_flag(ch, KR_UNICODE_CASE_IGNORABLE); }

/* ---- numbers ---- */

int _PyUnicode_ToDecimalDigit(Py_UCS4 ch) {
    int value = kr_unicode_type(ch)->decimal;
    return value == KR_UNICODE_NO_DIGIT ? -1 : value;
}

int _PyUnicode_ToDigit(Py_UCS4 ch) {
    int value = kr_unicode_type(ch)->digit;
    return value == KR_UNICODE_NO_DIGIT ? -1 : value;
}

int _PyUnicode_IsDecimalDigit(Py_UCS4 ch) { return _PyUnicode_ToDecimalDigit(ch) >= 0; }
int _PyUnicode_IsDigit(Py_UCS4 ch) { return _PyUnicode_ToDigit(ch) >= 0; }

double _PyUnicode_ToNumeric(Py_UCS4 ch) {
    if (!_PyUnicode_IsNumeric(ch)) return -1.0;
    int low = 0, high = kr_unicode_numeric_count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (kr_unicode_numeric_codes[middle] < ch) low = middle + 1;
        else high = middle;
    }
    return kr_unicode_numeric_values[kr_unicode_numeric_index[low]];
}

/* ---- case ---- */

/* Of a full mapping to several characters these three give the first. */
Py_UCS4 _PyUnicode_ToLowercase(Py_UCS4 ch) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    const KrUnicodeSpecial *special = &kr_unicode_specials[type->special];
    return special->lower_count ? special->lower[0] : ch + (Py_UCS4)type->lower;
}

Py_UCS4 _PyUnicode_ToUppercase(Py_UCS4 ch) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    const KrUnicodeSpecial *special = &kr_unicode_specials[type->special];
    return special->upper_count ? special->upper[0] : ch + (Py_UCS4)type->upper;
}

Py_UCS4 _PyUnicode_ToTitlecase(Py_UCS4 ch) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    const KrUnicodeSpecial *special = &kr_unicode_specials[type->special];
    return special->title_count ? special->title[0] : ch + (Py_UCS4)type->title;
}

/* Stores a full mapping of up to three characters, or the simple one; returns the number of characters. */
static inline int full_mapping(int count, const Py_UCS4 *codes, Py_UCS4 simple, Py_UCS4 *result) {
    if (count == 0) {
        result[0] = simple;
        return 1;
    }
    for (int i = 0; i < count; i++) result[i] = codes[i];
    return count;
}

int _PyUnicode_ToLowerFull(Py_UCS4 ch, Py_UCS4 *result) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    const KrUnicodeSpecial *special = &kr_unicode_specials[type->special];
    return full_mapping(special->lower_count, special->lower, ch + (Py_UCS4)type->lower, result);
}

int _PyUnicode_ToUpperFull(Py_UCS4 ch, Py_UCS4 *result) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    const KrUnicodeSpecial *special = &kr_unicode_specials[type->special];
    return full_mapping(special->upper_count, special->upper, ch + (Py_UCS4)type->upper, result);
}

int _PyUnicode_ToTitleFull(Py_UCS4 ch, Py_UCS4 *result) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    const KrUnicodeSpecial *special = &kr_unicode_specials[type->special];
    return full_mapping(special->title_count, special->title, ch + (Py_UCS4)type->title, result);
}

int _PyUnicode_ToFoldedFull(Py_UCS4 ch, Py_UCS4 *result) {
    const KrUnicodeType *type = kr_unicode_type(ch);
    const KrUnicodeSpecial *special = &kr_unicode_specials[type->special];
    return full_mapping(special->fold_count, special->fold, ch + (Py_UCS4)type->lower, result);
}
