/* Decimal digits of doubles, and doubles of decimal digits: a C interface to the double-conversion library.
 *
 * Both directions are exact: digits are rounded half to even on the true binary value, and the double that is read is the
 * one nearest to the decimal number (ties to even).
 */
#ifndef KR_BASE_DOUBLE_TEXT_H
#define KR_BASE_DOUBLE_TEXT_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum KrDoubleMode {
    KR_DOUBLE_SHORTEST, /* as few digits as identify the double */
    KR_DOUBLE_FIXED,    /* `count` digits behind the decimal point (may be negative) */
    KR_DOUBLE_PRECISION /* `count` digits in all, at least 1 */
} KrDoubleMode;

/* Room that the digits of any double surely fit in; larger counts give zeros only, which are left out. */
enum { KR_DOUBLE_DIGITS_ROOM = 1500 };

/* Writes the digits of |value|, a finite number, without trailing zeros and without a sign; zero has no digits. Returns
 * how many there are. The number is 0.DIGITS * 10**point. */
int kr_double_digits(double value, KrDoubleMode mode, int count, char *digits, int *point);

/* Returns DIGITS * 10**exponent; the digits have no sign or point, zeros are allowed anywhere. Infinity if too large. */
double kr_double_from_digits(const char *digits, int count, int exponent);

#ifdef __cplusplus
}
#endif
#endif
