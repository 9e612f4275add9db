/* Decimal digits of doubles, by the double-conversion library.
 *
 * The library rounds exact ties up; here they go to the even digit. A tie can be seen beforehand: m * 2**e with odd m lies
 * halfway between two numbers of n decimals, n >= 0, if and only if e is -n - 1; in front of the point, where n is
 * negative, also 5**-n must divide m.
 */
#include "base/double_text.h"

#include <double-conversion/double-conversion.h>
#include <double-conversion/strtod.h>

#include <cmath>
#include <cstdint>
#include <cstring>

using double_conversion::DoubleToStringConverter;

namespace {

/* No double has a digit other than zero behind these places. */
const int most_decimals = 1074 + 1;
const int most_digits = 767 + 1;

/* The powers that are exact doubles. */
const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* True if |value|, which is not zero, is exactly halfway between two neighbours with `decimals` decimals. */
bool is_tie(double value, int decimals) {
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
    int exponent = static_cast<int>(bits >> 52 & 0x7ff);
    if (exponent == 0) {
        exponent = 1;
    } else {
        mantissa |= uint64_t{1} << 52;
    }
    exponent -= 1075;
    int twos = __builtin_ctzll(mantissa);
    mantissa >>= twos;
    exponent += twos;
    if (exponent != -decimals - 1) return false;
    for (; decimals < 0; decimals++) {
        if (mantissa % 5 != 0) return false;
        mantissa /= 5;
    }
    return true;
}

int strip_zeros(char *digits, int length) {
    while (length > 0 && digits[length - 1] == '0') length--;
    digits[length] = '\0';
    return length;
}

/* Rounds a tie: drops the last digit, a 5, towards the even one before it. */
int round_tie(char *digits, int length, int *point) {
    length--;
    if (length == 0 || (digits[length - 1] - '0') % 2 == 0) return strip_zeros(digits, length);
    int i = length - 1;
    while (i >= 0 && digits[i] == '9') i--;
    if (i < 0) {
        digits[0] = '1';
        ++*point;
        return strip_zeros(digits, 1);
    }
    digits[i]++;
    return strip_zeros(digits, i + 1);
}

} // namespace

int kr_double_digits(double value, KrDoubleMode mode, int count, char *digits, int *point) {
    bool sign;
    int length;
    value = std::fabs(value);
    *point = 1;
    if (value == 0.0) {
        digits[0] = '\0';
        return 0;
    }
    if (mode == KR_DOUBLE_SHORTEST) {
        DoubleToStringConverter::DoubleToAscii(value, DoubleToStringConverter::SHORTEST, 0, digits,
                                               KR_DOUBLE_DIGITS_ROOM, &sign, &length, point);
        return strip_zeros(digits, length);
    }
    int decimals = count;
    if (mode == KR_DOUBLE_PRECISION) {
        /* A number below 10**n for the least such n has n digits before its point. */
        int magnitude;
        DoubleToStringConverter::DoubleToAscii(value, DoubleToStringConverter::PRECISION,
                                               count > most_digits ? most_digits : count, digits,
                                               KR_DOUBLE_DIGITS_ROOM, &sign, &length, &magnitude);
        *point = magnitude;
        length = strip_zeros(digits, length);
        if (count >= most_digits) return length;
        /* If rounding reached a power of ten, the unrounded number is one digit shorter. Ties do so below 1e22 only:
         * the mantissa of 99..95 * 10**n does not fit otherwise. */
        bool carried = length == 1 && digits[0] == '1' && magnitude >= 1 && magnitude <= 23 &&
                       value < powers_of_ten[magnitude - 1];
        decimals = count - magnitude + carried;
        if (!is_tie(value, decimals)) return length;
    } else if (!is_tie(value, decimals)) {
        if (decimals < 0) {
            /* The library has no negative counts of decimals: ask for as many digits as remain in front of the point. */
            int magnitude;
            DoubleToStringConverter::DoubleToAscii(value, DoubleToStringConverter::PRECISION, most_digits, digits,
                                                   KR_DOUBLE_DIGITS_ROOM, &sign, &length, &magnitude);
            int remaining = magnitude + decimals;
            if (remaining > 0) {
                DoubleToStringConverter::DoubleToAscii(value, DoubleToStringConverter::PRECISION, remaining, digits,
                                                       KR_DOUBLE_DIGITS_ROOM, &sign, &length, point);
                return strip_zeros(digits, length);
            }
            bool up = remaining == 0 && digits[0] >= '5';
            if (up) digits[0] = '1';
            *point = 1 - decimals;
            digits[up] = '\0';
            return up;
        }
        DoubleToStringConverter::DoubleToAscii(value, DoubleToStringConverter::FIXED,
                                               decimals > most_decimals ? most_decimals : decimals, digits,
                                               KR_DOUBLE_DIGITS_ROOM, &sign, &length, point);
        length = strip_zeros(digits, length);
        if (length == 0) *point = 1;
        return length;
    }
    /* An exact tie ends with a 5 one place behind the last wanted one: get all its digits, then round. */
    DoubleToStringConverter::DoubleToAscii(value, DoubleToStringConverter::PRECISION, most_digits, digits,
                                           KR_DOUBLE_DIGITS_ROOM, &sign, &length, point);
    length = strip_zeros(digits, length);
    length = round_tie(digits, length, point);
    if (length == 0) *point = 1;
    return length;
}

double kr_double_from_digits(const char *digits, int count, int exponent) {
    while (count > 0 && *digits == '0') {
        digits++;
        count--;
    }
    if (count == 0) return 0.0;
    /* Up to 15 digits and powers of ten up to 22 are exact doubles, and one operation on them rounds once. */
    if (count <= 15 && exponent >= -22 && exponent <= 22) {
        int64_t integer = 0;
        for (int i = 0; i < count; i++) integer = integer * 10 + (digits[i] - '0');
        return exponent < 0 ? static_cast<double>(integer) / powers_of_ten[-exponent]
                            : static_cast<double>(integer) * powers_of_ten[exponent];
    }
    return double_conversion::Strtod(double_conversion::Vector<const char>(digits, count), exponent);
}
