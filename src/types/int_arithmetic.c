/* Arithmetic on integers: the number slots.
 *
 * Every operation has a path for operands below 2**60, which works on int64_t; larger operands go through digit loops
 * where the work is linear, and through GMP where it is not.
 */
#include <Python.h>

#include "types/int.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Below this many digits of the shorter factor, schoolbook multiplication beats the conversion to limbs. */
enum { SCHOOLBOOK_DIGITS = 10 };

#define SINGLE(a) kr_int_single((const PyLongObject *)(a))
#define BOTH_SINGLE(a, b) (kr_int_is_single((PyLongObject *)(a)) && kr_int_is_single((PyLongObject *)(b)))

#define REQUIRE_INTS(a, b)                                                                                             \
    if (!PyLong_Check(a) || !PyLong_Check(b)) Py_RETURN_NOTIMPLEMENTED

static PyObject *too_many_digits(void) {
    PyErr_SetString(PyExc_OverflowError, "too many digits in integer");
    return NULL;
}

/* ---- comparison ---- */

int kr_int_compare(const PyLongObject *a, const PyLongObject *b) {
    Py_ssize_t size_a = Py_SIZE(a), size_b = Py_SIZE(b);
    if (size_a != size_b) return size_a < size_b ? -1 : 1;
    Py_ssize_t i = size_a < 0 ? -size_a : size_a;
    while (--i >= 0 && a->ob_digit[i] == b->ob_digit[i]) continue;
    if (i < 0) return 0;
    int less = a->ob_digit[i] < b->ob_digit[i];
    return less == (size_a > 0) ? -1 : 1;
}

/* ---- sum and difference ---- */

static PyObject *magnitude_add(const PyLongObject *a, const PyLongObject *b, int negative) {
    Py_ssize_t count_a = kr_int_digit_count(a), count_b = kr_int_digit_count(b);
    if (count_a < count_b) {
        const PyLongObject *swap = a;
        a = b;
        b = swap;
        Py_ssize_t swap_count = count_a;
        count_a = count_b;
        count_b = swap_count;
    }
    PyLongObject *result = kr_int_allocate(count_a + 1);
    if (result == NULL) return NULL;
    digit carry = 0;
    Py_ssize_t i = 0;
    for (; i < count_b; i++) {
        carry += a->ob_digit[i] + b->ob_digit[i];
        result->ob_digit[i] = carry & PyLong_MASK;
        carry >>= PyLong_SHIFT;
    }
    for (; i < count_a; i++) {
        carry += a->ob_digit[i];
        result->ob_digit[i] = carry & PyLong_MASK;
        carry >>= PyLong_SHIFT;
    }
    result->ob_digit[i] = carry;
    count_a += carry != 0;
    Py_SET_SIZE(result, negative ? -count_a : count_a);
    return (PyObject *)result; /* above two digits, since one operand was */
}

/* |a| - |b|, with the sign turned if `negative`. */
static PyObject *magnitude_subtract(const PyLongObject *a, const PyLongObject *b, int negative) {
    Py_ssize_t count_a = kr_int_digit_count(a), count_b = kr_int_digit_count(b);
    int a_is_less = count_a < count_b;
    if (count_a == count_b) {
        while (count_a > 0 && a->ob_digit[count_a - 1] == b->ob_digit[count_a - 1]) count_a--;
        if (count_a == 0) return PyLong_FromLong(0);
        a_is_less = a->ob_digit[count_a - 1] < b->ob_digit[count_a - 1];
        count_b = count_a;
    }
    if (a_is_less) {
        const PyLongObject *swap = a;
        a = b;
        b = swap;
        Py_ssize_t swap_count = count_a;
        count_a = count_b;
        count_b = swap_count;
        negative = !negative;
    }
    PyLongObject *result = kr_int_allocate(count_a);
    if (result == NULL) return NULL;
    digit borrow = 0;
    Py_ssize_t i = 0;
    for (; i < count_b; i++) {
        borrow = a->ob_digit[i] - b->ob_digit[i] - borrow;
        result->ob_digit[i] = borrow & PyLong_MASK;
        borrow = (borrow >> PyLong_SHIFT) & 1;
    }
    for (; i < count_a; i++) {
        borrow = a->ob_digit[i] - borrow;
        result->ob_digit[i] = borrow & PyLong_MASK;
        borrow = (borrow >> PyLong_SHIFT) & 1;
    }
    if (negative) Py_SET_SIZE(result, -count_a);
    return kr_int_finish(result);
}

PyObject *kr_int_add(PyLongObject *a, PyLongObject *b) {
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) return kr_int_from_int64(kr_int_medium(a) + kr_int_medium(b));
    int negative = Py_SIZE(a) < 0;
    if (negative == (Py_SIZE(b) < 0)) return magnitude_add(a, b, negative);
    return magnitude_subtract(a, b, negative);
}

PyObject *kr_int_subtract(PyLongObject *a, PyLongObject *b) {
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) return kr_int_from_int64(kr_int_medium(a) - kr_int_medium(b));
    int negative = Py_SIZE(a) < 0;
    if (negative == (Py_SIZE(b) < 0)) return magnitude_subtract(a, b, negative);
    return magnitude_add(a, b, negative);
}

static PyObject *int_add(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    if (BOTH_SINGLE(a, b)) return kr_int_from_int64((int64_t)SINGLE(a) + SINGLE(b));
    return kr_int_add((PyLongObject *)a, (PyLongObject *)b);
}

static PyObject *int_subtract(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    if (BOTH_SINGLE(a, b)) return kr_int_from_int64((int64_t)SINGLE(a) - SINGLE(b));
    return kr_int_subtract((PyLongObject *)a, (PyLongObject *)b);
}

/* ---- product ---- */

static PyObject *from_int128_magnitude(unsigned __int128 magnitude, int negative) {
    if (magnitude >> 64 == 0) return kr_int_from_magnitude((uint64_t)magnitude, negative);
    mp_limb_t limbs[2] = {(mp_limb_t)magnitude, (mp_limb_t)(magnitude >> 64)};
    return kr_int_from_limbs(limbs, 2, negative);
}

static PyObject *schoolbook_multiply(const PyLongObject *a, Py_ssize_t count_a, const PyLongObject *b,
                                     Py_ssize_t count_b, int negative) {
    PyLongObject *result = kr_int_allocate(count_a + count_b);
    if (result == NULL) return NULL;
    memset(result->ob_digit, 0, (size_t)(count_a + count_b) * sizeof(digit));
    for (Py_ssize_t i = 0; i < count_a; i++) {
        twodigits factor = a->ob_digit[i], carry = 0;
        digit *target = result->ob_digit + i;
        for (Py_ssize_t j = 0; j < count_b; j++) {
            carry += target[j] + factor * b->ob_digit[j];
            target[j] = (digit)carry & PyLong_MASK;
            carry >>= PyLong_SHIFT;
        }
        target[count_b] = (digit)carry;
    }
    if (negative) Py_SET_SIZE(result, -(count_a + count_b));
    return kr_int_finish(result);
}

static PyObject *limb_multiply(const PyLongObject *a, const PyLongObject *b, int negative) {
    PyObject *result = NULL;
    KrLimbs limbs_a, limbs_b, product;
    Py_ssize_t count_a = kr_limbs_from_int(&limbs_a, a);
    if (count_a < 0) return NULL;
    if (a == b) {
        if (kr_limbs_reserve(&product, 2 * count_a) == 0) {
            mpn_sqr(product.limb, limbs_a.limb, count_a);
            result = kr_int_from_limbs(product.limb, 2 * count_a, negative);
            kr_limbs_release(&product);
        }
        kr_limbs_release(&limbs_a);
        return result;
    }
    Py_ssize_t count_b = kr_limbs_from_int(&limbs_b, b);
    if (count_b < 0) {
        kr_limbs_release(&limbs_a);
        return NULL;
    }
    if (kr_limbs_reserve(&product, count_a + count_b) == 0) {
        if (count_a >= count_b) {
            mpn_mul(product.limb, limbs_a.limb, count_a, limbs_b.limb, count_b);
        } else {
            mpn_mul(product.limb, limbs_b.limb, count_b, limbs_a.limb, count_a);
        }
        result = kr_int_from_limbs(product.limb, count_a + count_b, negative);
        kr_limbs_release(&product);
    }
    kr_limbs_release(&limbs_a);
    kr_limbs_release(&limbs_b);
    return result;
}

PyObject *kr_int_multiply(PyLongObject *a, PyLongObject *b) {
    if (kr_int_is_single(a) && kr_int_is_single(b)) {
        return kr_int_from_int64((int64_t)kr_int_single(a) * kr_int_single(b));
    }
    int negative = (Py_SIZE(a) < 0) != (Py_SIZE(b) < 0);
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) {
        int64_t x = kr_int_medium(a), y = kr_int_medium(b);
        uint64_t magnitude_x = x < 0 ? -(uint64_t)x : (uint64_t)x, magnitude_y = y < 0 ? -(uint64_t)y : (uint64_t)y;
        return from_int128_magnitude((unsigned __int128)magnitude_x * magnitude_y, negative);
    }
    Py_ssize_t count_a = kr_int_digit_count(a), count_b = kr_int_digit_count(b);
    if (count_a == 0 || count_b == 0) return PyLong_FromLong(0);
    if (count_a > PY_SSIZE_T_MAX / 16 - count_b) return too_many_digits();
    if (count_a <= count_b) {
        if (count_a < SCHOOLBOOK_DIGITS) return schoolbook_multiply(a, count_a, b, count_b, negative);
    } else if (count_b < SCHOOLBOOK_DIGITS) {
        return schoolbook_multiply(b, count_b, a, count_a, negative);
    }
    return limb_multiply(a, b, negative);
}

static PyObject *int_multiply(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    if (BOTH_SINGLE(a, b)) return kr_int_from_int64((int64_t)SINGLE(a) * SINGLE(b));
    return kr_int_multiply((PyLongObject *)a, (PyLongObject *)b);
}

/* ---- quotient and remainder ---- */

static int divide_by_zero(int only_remainder) {
    PyErr_SetString(PyExc_ZeroDivisionError,
                    only_remainder ? "integer modulo by zero" : "integer division or modulo by zero");
    return -1;
}

/* |a| divided by one digit. Returns the remainder; writes the quotient's digits unless `quotient` is NULL. */
static digit divide_by_digit(const digit *a, Py_ssize_t count, digit divisor, digit *quotient) {
    twodigits remainder = 0;
    for (Py_ssize_t i = count - 1; i >= 0; i--) {
        remainder = remainder << PyLong_SHIFT | a[i];
        digit part = (digit)(remainder / divisor);
        remainder -= (twodigits)part * divisor;
        if (quotient != NULL) quotient[i] = part;
    }
    return (digit)remainder;
}

/* Truncating division of magnitudes through GMP; the results get the given signs. */
static int limb_divide(const PyLongObject *a, const PyLongObject *b, PyObject **quotient, int quotient_negative,
                       PyObject **remainder, int remainder_negative) {
    KrLimbs limbs_a, limbs_b, parts;
    int result = -1;
    Py_ssize_t count_a = kr_limbs_from_int(&limbs_a, a);
    if (count_a < 0) return -1;
    Py_ssize_t count_b = kr_limbs_from_int(&limbs_b, b);
    if (count_b < 0) {
        kr_limbs_release(&limbs_a);
        return -1;
    }
    /* parts: quotient (count_a - count_b + 1 limbs), then remainder (count_b limbs). */
    if (count_a >= count_b && kr_limbs_reserve(&parts, count_a + 1) == 0) {
        mp_limb_t *rest = parts.limb + (count_a - count_b + 1);
        mpn_tdiv_qr(parts.limb, rest, 0, limbs_a.limb, count_a, limbs_b.limb, count_b);
        result = 0;
        if (quotient != NULL) {
            *quotient = kr_int_from_limbs(parts.limb, count_a - count_b + 1, quotient_negative);
            if (*quotient == NULL) result = -1;
        }
        if (remainder != NULL && result == 0) {
            *remainder = kr_int_from_limbs(rest, count_b, remainder_negative);
            if (*remainder == NULL) {
                result = -1;
                if (quotient != NULL) Py_CLEAR(*quotient);
            }
        }
        kr_limbs_release(&parts);
    }
    kr_limbs_release(&limbs_a);
    kr_limbs_release(&limbs_b);
    return result;
}

/* Division that truncates towards zero; b is not zero. Either result may be NULL. */
static int truncating_divide(PyLongObject *a, PyLongObject *b, PyObject **quotient, PyObject **remainder) {
    Py_ssize_t count_a = kr_int_digit_count(a), count_b = kr_int_digit_count(b);
    int negative_a = Py_SIZE(a) < 0, negative_q = negative_a != (Py_SIZE(b) < 0);
    if (count_a < count_b ||
        (count_a == count_b && a->ob_digit[count_a - 1] < b->ob_digit[count_a - 1])) {
        if (remainder != NULL) {
            *remainder = PyLong_CheckExact((PyObject *)a) ? Py_NewRef(a) : _PyLong_Copy(a);
            if (*remainder == NULL) return -1;
        }
        if (quotient != NULL) *quotient = PyLong_FromLong(0);
        return 0;
    }
    if (count_b == 1) {
        PyLongObject *fresh = NULL;
        if (quotient != NULL) {
            fresh = kr_int_allocate(count_a);
            if (fresh == NULL) return -1;
        }
        digit rest = divide_by_digit(a->ob_digit, count_a, b->ob_digit[0], fresh != NULL ? fresh->ob_digit : NULL);
        if (remainder != NULL) {
            *remainder = kr_int_from_magnitude(rest, negative_a);
            if (*remainder == NULL) {
                Py_XDECREF(fresh);
                return -1;
            }
        }
        if (fresh != NULL) {
            if (negative_q) Py_SET_SIZE(fresh, -count_a);
            *quotient = kr_int_finish(fresh);
        }
        return 0;
    }
    return limb_divide(a, b, quotient, negative_q, remainder, negative_a);
}

int kr_int_divide(PyLongObject *a, PyLongObject *b, PyObject **quotient, PyObject **remainder) {
    if (Py_SIZE(b) == 0) return divide_by_zero(quotient == NULL);
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) {
        int64_t x = kr_int_medium(a), y = kr_int_medium(b);
        int64_t q, r;
        if (((uint64_t)x | (uint64_t)y) >> 32 == 0) { /* a 32-bit division is much faster on older processors */
            q = (uint32_t)x / (uint32_t)y;
            r = (uint32_t)x % (uint32_t)y;
        } else {
            q = x / y;
            r = x % y;
            if (r != 0 && (r ^ y) < 0) {
                q--;
                r += y;
            }
        }
        if (quotient != NULL) {
            *quotient = kr_int_from_int64(q);
            if (*quotient == NULL) return -1;
        }
        if (remainder != NULL) {
            *remainder = kr_int_from_int64(r);
            if (*remainder == NULL) {
                if (quotient != NULL) Py_CLEAR(*quotient);
                return -1;
            }
        }
        return 0;
    }
    if ((Py_SIZE(a) < 0) == (Py_SIZE(b) < 0)) return truncating_divide(a, b, quotient, remainder);

    /* Signs differ: a truncated quotient is one too large unless the division is exact. */
    PyObject *q = NULL, *r;
    if (truncating_divide(a, b, quotient != NULL ? &q : NULL, &r) < 0) return -1;
    if (Py_SIZE(r) != 0) {
        if (quotient != NULL) {
            Py_SETREF(q, kr_int_subtract((PyLongObject *)q, (PyLongObject *)kr_small_int(1)));
            if (q == NULL) goto failed;
        }
        if (remainder != NULL) {
            Py_SETREF(r, kr_int_add((PyLongObject *)r, b));
            if (r == NULL) goto failed;
        }
    }
    if (quotient != NULL) *quotient = q;
    if (remainder != NULL) {
        *remainder = r;
    } else {
        Py_DECREF(r);
    }
    return 0;

failed:
    Py_XDECREF(q);
    Py_XDECREF(r);
    return -1;
}

/* True if both are non-negative and have one digit, and b is not zero: then C divides as Python does. */
static inline int divides_plainly(PyObject *a, PyObject *b) {
    return Py_SIZE(b) == 1 && (size_t)Py_SIZE(a) <= 1;
}

static PyObject *int_floor_divide(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    if (divides_plainly(a, b)) return kr_int_from_int64((uint32_t)SINGLE(a) / (uint32_t)SINGLE(b));
    PyObject *quotient;
    return kr_int_divide((PyLongObject *)a, (PyLongObject *)b, &quotient, NULL) < 0 ? NULL : quotient;
}

static PyObject *int_remainder(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    if (divides_plainly(a, b)) return kr_int_from_int64((uint32_t)SINGLE(a) % (uint32_t)SINGLE(b));
    PyObject *remainder;
    return kr_int_divide((PyLongObject *)a, (PyLongObject *)b, NULL, &remainder) < 0 ? NULL : remainder;
}

static PyObject *pair_of(PyObject *first, PyObject *second) {
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) {
        Py_DECREF(first);
        Py_DECREF(second);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, first);
    PyTuple_SET_ITEM(pair, 1, second);
    return pair;
}

static PyObject *int_divmod(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    PyObject *quotient, *remainder;
    if (kr_int_divide((PyLongObject *)a, (PyLongObject *)b, &quotient, &remainder) < 0) return NULL;
    return pair_of(quotient, remainder);
}

/* Quotient rounded half to even, and the remainder that belongs to it, as a tuple. */
PyObject *_PyLong_DivmodNear(PyObject *a, PyObject *b) {
    if (!PyLong_Check(a) || !PyLong_Check(b)) {
        PyErr_SetString(PyExc_TypeError, "non-integer arguments in division");
        return NULL;
    }
    PyObject *quotient, *remainder;
    if (kr_int_divide((PyLongObject *)a, (PyLongObject *)b, &quotient, &remainder) < 0) return NULL;
    /* The remainder has b's sign and 0 <= |r| < |b|: compare 2|r| with |b|. */
    PyObject *twice = _PyLong_Lshift(remainder, 1);
    if (twice == NULL) goto failed;
    int relation = kr_int_compare((PyLongObject *)twice, (PyLongObject *)b);
    if (Py_SIZE(b) < 0) relation = -relation;
    Py_DECREF(twice);
    int odd = Py_SIZE(quotient) != 0 && (((PyLongObject *)quotient)->ob_digit[0] & 1);
    if (relation > 0 || (relation == 0 && odd)) {
        Py_SETREF(quotient, kr_int_add((PyLongObject *)quotient, (PyLongObject *)kr_small_int(1)));
        if (quotient == NULL) goto failed;
        Py_SETREF(remainder, kr_int_subtract((PyLongObject *)remainder, (PyLongObject *)b));
        if (remainder == NULL) goto failed;
    }
    return pair_of(quotient, remainder);

failed:
    Py_XDECREF(quotient);
    Py_XDECREF(remainder);
    return NULL;
}

/* ---- true division ---- */

/* |a| / |b| rounded half to even, for operands that are no exact doubles. Returns -1.0 with an exception. */
static double big_quotient(PyLongObject *a, PyLongObject *b) {
    Py_ssize_t difference = (Py_ssize_t)kr_int_bit_length(a) - (Py_ssize_t)kr_int_bit_length(b);
    if (difference > DBL_MAX_EXP) goto overflow;
    if (difference < DBL_MIN_EXP - DBL_MANT_DIG - 1) return 0.0;

    /* Scale so that the integer quotient has two or three bits more than the result can hold. */
    Py_ssize_t exponent = difference < DBL_MIN_EXP ? DBL_MIN_EXP : difference;
    Py_ssize_t shift = exponent - DBL_MANT_DIG - 2; /* the quotient is to be multiplied by 2**shift */
    Py_ssize_t up_a = shift < 0 ? -shift : 0, up_b = shift > 0 ? shift : 0;
    KrLimbs limbs_a, limbs_b, parts;
    Py_ssize_t digits_a = kr_int_digit_count(a), digits_b = kr_int_digit_count(b);
    Py_ssize_t room_a = kr_limbs_needed(digits_a) + up_a / GMP_NUMB_BITS + 1;
    Py_ssize_t room_b = kr_limbs_needed(digits_b) + up_b / GMP_NUMB_BITS + 1;
    if (kr_limbs_reserve(&limbs_a, room_a) < 0) return -1.0;
    if (kr_limbs_reserve(&limbs_b, room_b) < 0) {
        kr_limbs_release(&limbs_a);
        return -1.0;
    }
    struct {
        mp_limb_t *limb;
        Py_ssize_t up, count;
        PyLongObject *number;
    } operand[2] = {{limbs_a.limb, up_a, room_a, a}, {limbs_b.limb, up_b, room_b, b}};
    for (int i = 0; i < 2; i++) {
        Py_ssize_t whole = operand[i].up / GMP_NUMB_BITS;
        unsigned bits = (unsigned)(operand[i].up % GMP_NUMB_BITS);
        mp_limb_t *target = operand[i].limb + whole;
        memset(operand[i].limb, 0, (size_t)operand[i].count * sizeof(mp_limb_t));
        Py_ssize_t used =
            kr_limbs_from_digits(target, operand[i].number->ob_digit, kr_int_digit_count(operand[i].number));
        if (bits != 0) {
            mp_limb_t out = mpn_lshift(target, target, used, bits);
            if (out != 0) target[used++] = out;
        }
        operand[i].count = whole + used;
    }

    double result = -1.0;
    uint64_t quotient = 0;
    int inexact = 1;
    Py_ssize_t count_a = operand[0].count, count_b = operand[1].count;
    if (count_a >= count_b) {
        Py_ssize_t count_q = count_a - count_b + 1;
        if (kr_limbs_reserve(&parts, count_a + 1) < 0) goto done;
        mpn_tdiv_qr(parts.limb, parts.limb + count_q, 0, limbs_a.limb, count_a, limbs_b.limb, count_b);
        quotient = parts.limb[0];
        inexact = !mpn_zero_p(parts.limb + count_q, count_b);
        kr_limbs_release(&parts);
    }
    /* Now round: drop the bits beyond the precision, which is fewer for subnormal results. */
    int bits = quotient == 0 ? 0 : 64 - __builtin_clzl(quotient);
    int extra = bits - DBL_MANT_DIG;
    if (shift + extra < DBL_MIN_EXP - DBL_MANT_DIG) extra = (int)(DBL_MIN_EXP - DBL_MANT_DIG - shift);
    if (extra > 0) {
        uint64_t half = (uint64_t)1 << (extra - 1);
        uint64_t dropped = quotient & (2 * half - 1);
        quotient >>= extra;
        if (dropped > half || (dropped == half && (inexact || (quotient & 1)))) quotient++;
        shift += extra;
    }
    result = ldexp((double)quotient, (int)shift);
    if (isinf(result)) {
        kr_limbs_release(&limbs_a);
        kr_limbs_release(&limbs_b);
        goto overflow;
    }

done:
    kr_limbs_release(&limbs_a);
    kr_limbs_release(&limbs_b);
    return result;

overflow:
    PyErr_SetString(PyExc_OverflowError, "integer division result too large for a float");
    return -1.0;
}

static PyObject *int_true_divide(PyObject *left, PyObject *right) {
    REQUIRE_INTS(left, right);
    PyLongObject *a = (PyLongObject *)left, *b = (PyLongObject *)right;
    if (Py_SIZE(b) == 0) {
        PyErr_SetString(PyExc_ZeroDivisionError, "division by zero");
        return NULL;
    }
    int negative = (Py_SIZE(a) < 0) != (Py_SIZE(b) < 0);
    if (Py_SIZE(a) == 0) return PyFloat_FromDouble(negative ? -0.0 : 0.0);
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) {
        int64_t x = kr_int_medium(a), y = kr_int_medium(b);
        const int64_t limit = (int64_t)1 << DBL_MANT_DIG;
        if (x >= -limit && x <= limit && y >= -limit && y <= limit) return PyFloat_FromDouble((double)x / (double)y);
    }
    double quotient = big_quotient(a, b);
    if (quotient == -1.0) return NULL;
    return PyFloat_FromDouble(negative ? -quotient : quotient);
}

/* ---- powers ---- */

/* |a| ** exponent by squaring in GMP limbs; |a| is odd and above 1, exponent at least 1. */
static PyObject *limb_power(const mp_limb_t *base, Py_ssize_t count, uint64_t exponent, int negative) {
    double bits = ((double)count * GMP_NUMB_BITS - __builtin_clzl(base[count - 1])) * (double)exponent;
    if (bits >= (double)((uint64_t)1 << 42)) return PyErr_NoMemory();
    Py_ssize_t room = (Py_ssize_t)(bits / GMP_NUMB_BITS) + 2 + count;
    KrLimbs first, second;
    if (kr_limbs_reserve(&first, room) < 0) return NULL;
    if (kr_limbs_reserve(&second, room) < 0) {
        kr_limbs_release(&first);
        return NULL;
    }
    mp_limb_t *power = first.limb, *scratch = second.limb;
    memcpy(power, base, (size_t)count * sizeof(mp_limb_t));
    Py_ssize_t used = count;
    for (int bit = 62 - __builtin_clzl(exponent); bit >= 0; bit--) {
        mpn_sqr(scratch, power, used);
        used *= 2;
        used -= scratch[used - 1] == 0;
        mp_limb_t *swap = power;
        power = scratch;
        scratch = swap;
        if (exponent >> bit & 1) {
            if (used >= count) {
                mpn_mul(scratch, power, used, base, count);
            } else {
                mpn_mul(scratch, base, count, power, used);
            }
            used += count;
            used -= scratch[used - 1] == 0;
            swap = power;
            power = scratch;
            scratch = swap;
        }
    }
    PyObject *result = kr_int_from_limbs(power, used, negative);
    kr_limbs_release(&first);
    kr_limbs_release(&second);
    return result;
}

/* a ** b for b >= 0. */
static PyObject *plain_power(PyLongObject *a, PyLongObject *b) {
    if (Py_SIZE(b) == 0) return PyLong_FromLong(1);
    if (Py_SIZE(a) == 0) return PyLong_FromLong(0);
    int odd = b->ob_digit[0] & 1;
    int negative = Py_SIZE(a) < 0 && odd;
    if (kr_int_digit_count(a) == 1 && a->ob_digit[0] == 1) return PyLong_FromLong(negative ? -1 : 1);
    if (!kr_int_is_medium(b)) return PyErr_NoMemory();
    uint64_t exponent = (uint64_t)kr_int_medium(b);

    if (kr_int_is_medium(a) && exponent < 64) {
        int64_t value = kr_int_medium(a);
        uint64_t square = value < 0 ? -(uint64_t)value : (uint64_t)value, power = 1;
        int overflow = 0;
        for (uint64_t left = exponent;;) {
            if (left & 1) overflow |= __builtin_mul_overflow(power, square, &power);
            left >>= 1;
            if (left == 0 || overflow) break;
            overflow |= __builtin_mul_overflow(square, square, &square);
        }
        if (!overflow) return kr_int_from_magnitude(power, negative);
    }

    KrLimbs base;
    Py_ssize_t count = kr_limbs_from_int(&base, a);
    if (count < 0) return NULL;
    /* Powers of two are split off and shifted back in. */
    size_t twos = mpn_scan1(base.limb, 0);
    mp_limb_t *odd_base = base.limb + twos / GMP_NUMB_BITS;
    count -= (Py_ssize_t)(twos / GMP_NUMB_BITS);
    if (twos % GMP_NUMB_BITS != 0) mpn_rshift(odd_base, odd_base, count, twos % GMP_NUMB_BITS);
    count -= odd_base[count - 1] == 0;
    PyObject *result;
    if (count == 1 && odd_base[0] == 1) {
        result = PyLong_FromLong(negative ? -1 : 1);
    } else {
        result = limb_power(odd_base, count, exponent, negative);
    }
    kr_limbs_release(&base);
    if (result != NULL && twos != 0) {
        size_t shift;
        if (__builtin_mul_overflow(twos, exponent, &shift)) {
            Py_DECREF(result);
            return PyErr_NoMemory();
        }
        Py_SETREF(result, _PyLong_Lshift(result, shift));
    }
    return result;
}

/* base ** exponent mod modulus for 0 <= base < modulus < 2**60 and exponent >= 0. */
static uint64_t modular_power_small(uint64_t base, const PyLongObject *exponent, uint64_t modulus) {
    uint64_t result = 1 % modulus;
    Py_ssize_t count = kr_int_digit_count(exponent);
    for (Py_ssize_t i = 0; i < count; i++) {
        digit bits = exponent->ob_digit[i];
        int last = i == count - 1;
        for (int j = 0; j < PyLong_SHIFT && (!last || bits != 0); j++, bits >>= 1) {
            if (modulus >> 32 == 0) {
                if (bits & 1) result = result * base % modulus;
                base = base * base % modulus;
            } else {
                if (bits & 1) result = (uint64_t)((unsigned __int128)result * base % modulus);
                base = (uint64_t)((unsigned __int128)base * base % modulus);
            }
        }
    }
    return result;
}

/* An mpz that borrows limbs. */
static void borrow_limbs(mpz_t number, const mp_limb_t *limbs, Py_ssize_t count) {
    mpz_roinit_n(number, limbs, count);
}

/* base ** exponent mod modulus, or the inverse of base if `exponent` is NULL, for 0 <= base < modulus through GMP. */
static PyObject *modular_power_big(PyLongObject *base, PyLongObject *exponent, PyLongObject *modulus) {
    KrLimbs limbs[3];
    mpz_t number[3], result;
    PyLongObject *operand[3] = {base, modulus, exponent};
    int operands = exponent != NULL ? 3 : 2;
    for (int i = 0; i < operands; i++) {
        Py_ssize_t count = kr_limbs_from_int(&limbs[i], operand[i]);
        if (count < 0) {
            while (i-- > 0) kr_limbs_release(&limbs[i]);
            return NULL;
        }
        borrow_limbs(number[i], limbs[i].limb, count);
    }
    PyObject *object = NULL;
    mpz_init(result);
    int exists = 1;
    if (exponent != NULL) {
        mpz_powm(result, number[0], number[2], number[1]);
    } else {
        exists = mpz_invert(result, number[0], number[1]);
    }
    if (exists) {
        object = kr_int_from_limbs(mpz_limbs_read(result), (Py_ssize_t)mpz_size(result), 0);
    } else {
        PyErr_SetString(PyExc_ValueError, "base is not invertible for the given modulus");
    }
    mpz_clear(result);
    for (int i = 0; i < operands; i++) kr_limbs_release(&limbs[i]);
    return object;
}

/* pow(a, b, c) for ints. */
static PyObject *modular_power(PyLongObject *a, PyLongObject *b, PyLongObject *c) {
    if (Py_SIZE(c) == 0) {
        PyErr_SetString(PyExc_ValueError, "pow() 3rd argument cannot be 0");
        return NULL;
    }
    PyObject *base = NULL, *exponent = NULL, *result = NULL;
    PyLongObject *modulus = (PyLongObject *)kr_int_absolute(c);
    if (modulus == NULL) return NULL;
    if (kr_int_digit_count(modulus) == 1 && modulus->ob_digit[0] == 1) {
        Py_DECREF(modulus);
        return PyLong_FromLong(0);
    }
    if (kr_int_divide(a, modulus, NULL, &base) < 0) goto done;
    if (Py_SIZE(b) < 0) {
        exponent = kr_int_negative(b);
        if (exponent == NULL) goto done;
        if (Py_SIZE(base) == 0) {
            PyErr_SetString(PyExc_ValueError, "base is not invertible for the given modulus");
            goto done;
        }
        Py_SETREF(base, modular_power_big((PyLongObject *)base, NULL, modulus));
        if (base == NULL) goto done;
    } else {
        exponent = Py_NewRef(b);
    }
    if (kr_int_is_medium(modulus)) {
        uint64_t power = modular_power_small((uint64_t)kr_int_medium((PyLongObject *)base), (PyLongObject *)exponent,
                                             (uint64_t)kr_int_medium(modulus));
        result = kr_int_from_magnitude(power, 0);
    } else {
        result = modular_power_big((PyLongObject *)base, (PyLongObject *)exponent, modulus);
    }
    if (result != NULL && Py_SIZE(c) < 0 && Py_SIZE(result) != 0) {
        Py_SETREF(result, kr_int_add((PyLongObject *)result, c));
    }

done:
    Py_XDECREF(base);
    Py_XDECREF(exponent);
    Py_DECREF(modulus);
    return result;
}

static PyObject *int_power(PyObject *a, PyObject *b, PyObject *c) {
    REQUIRE_INTS(a, b);
    if (c != Py_None) {
        if (!PyLong_Check(c)) Py_RETURN_NOTIMPLEMENTED;
        return modular_power((PyLongObject *)a, (PyLongObject *)b, (PyLongObject *)c);
    }
    if (Py_SIZE(b) >= 0) return plain_power((PyLongObject *)a, (PyLongObject *)b);
    /* The result is no integer: leave it to float, which converts both. */
    return PyFloat_Type.tp_as_number->nb_power(a, b, Py_None);
}

/* ---- greatest common divisor ---- */

PyObject *_PyLong_GCD(PyObject *left, PyObject *right) {
    PyLongObject *a = (PyLongObject *)left, *b = (PyLongObject *)right;
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) {
        int64_t x = kr_int_medium(a), y = kr_int_medium(b);
        uint64_t m = x < 0 ? -(uint64_t)x : (uint64_t)x, n = y < 0 ? -(uint64_t)y : (uint64_t)y;
        while (n != 0) {
            uint64_t rest = m % n;
            m = n;
            n = rest;
        }
        return kr_int_from_magnitude(m, 0);
    }
    if (Py_SIZE(a) == 0) return kr_int_absolute(b);
    if (Py_SIZE(b) == 0) return kr_int_absolute(a);
    KrLimbs limbs_a, limbs_b;
    Py_ssize_t count_a = kr_limbs_from_int(&limbs_a, a);
    if (count_a < 0) return NULL;
    Py_ssize_t count_b = kr_limbs_from_int(&limbs_b, b);
    if (count_b < 0) {
        kr_limbs_release(&limbs_a);
        return NULL;
    }
    mpz_t number_a, number_b, divisor;
    borrow_limbs(number_a, limbs_a.limb, count_a);
    borrow_limbs(number_b, limbs_b.limb, count_b);
    mpz_init(divisor);
    mpz_gcd(divisor, number_a, number_b);
    PyObject *result = kr_int_from_limbs(mpz_limbs_read(divisor), (Py_ssize_t)mpz_size(divisor), 0);
    mpz_clear(divisor);
    kr_limbs_release(&limbs_a);
    kr_limbs_release(&limbs_b);
    return result;
}

/* ---- signs ---- */

static PyObject *with_size(PyLongObject *a, Py_ssize_t size) {
    Py_ssize_t count = kr_int_digit_count(a);
    PyLongObject *result = kr_int_allocate(count);
    if (result == NULL) return NULL;
    memcpy(result->ob_digit, a->ob_digit, (size_t)count * sizeof(digit));
    Py_SET_SIZE(result, size);
    return (PyObject *)result;
}

PyObject *kr_int_negative(PyLongObject *a) {
    if (kr_int_is_medium(a)) return kr_int_from_int64(-kr_int_medium(a));
    return with_size(a, -Py_SIZE(a));
}

/* The value as an exact int. */
static PyObject *int_positive(PyObject *a) {
    return PyLong_CheckExact(a) ? Py_NewRef(a) : _PyLong_Copy((PyLongObject *)a);
}

PyObject *kr_int_absolute(PyLongObject *a) {
    return Py_SIZE(a) < 0 ? kr_int_negative(a) : int_positive((PyObject *)a);
}

static PyObject *int_negative(PyObject *a) { return kr_int_negative((PyLongObject *)a); }
static PyObject *int_absolute(PyObject *a) { return kr_int_absolute((PyLongObject *)a); }
static int int_bool(PyObject *a) { return Py_SIZE(a) != 0; }

static PyObject *int_invert(PyObject *self) {
    PyLongObject *a = (PyLongObject *)self;
    if (kr_int_is_medium(a)) return kr_int_from_int64(~kr_int_medium(a));
    PyObject *successor = kr_int_add(a, (PyLongObject *)kr_small_int(1));
    if (successor == NULL) return NULL;
    Py_SETREF(successor, kr_int_negative((PyLongObject *)successor));
    return successor;
}

static PyObject *int_float(PyObject *a) {
    double value = PyLong_AsDouble(a);
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}

/* ---- shifts ---- */

PyObject *_PyLong_Lshift(PyObject *self, size_t shift) {
    PyLongObject *a = (PyLongObject *)self;
    Py_ssize_t count = kr_int_digit_count(a);
    if (count == 0) return PyLong_FromLong(0);
    if (kr_int_is_single(a) && shift < 32) return kr_int_from_int64((int64_t)kr_int_single(a) * ((int64_t)1 << shift));
    size_t whole = shift / PyLong_SHIFT;
    unsigned bits = (unsigned)(shift % PyLong_SHIFT);
    if (whole > (size_t)(PY_SSIZE_T_MAX - count - 1)) return too_many_digits();
    PyLongObject *result = kr_int_allocate((Py_ssize_t)whole + count + 1);
    if (result == NULL) return NULL;
    memset(result->ob_digit, 0, whole * sizeof(digit));
    twodigits pending = 0;
    digit *target = result->ob_digit + whole;
    for (Py_ssize_t i = 0; i < count; i++) {
        pending |= (twodigits)a->ob_digit[i] << bits;
        target[i] = (digit)pending & PyLong_MASK;
        pending >>= PyLong_SHIFT;
    }
    target[count] = (digit)pending;
    if (Py_SIZE(a) < 0) Py_SET_SIZE(result, -Py_SIZE(result));
    return kr_int_finish(result);
}

PyObject *_PyLong_Rshift(PyObject *self, size_t shift) {
    PyLongObject *a = (PyLongObject *)self;
    if (kr_int_is_medium(a)) return kr_int_from_int64(kr_int_medium(a) >> (shift < 63 ? shift : 63));
    Py_ssize_t count = kr_int_digit_count(a);
    int negative = Py_SIZE(a) < 0;
    size_t whole = shift / PyLong_SHIFT;
    unsigned bits = (unsigned)(shift % PyLong_SHIFT);
    if (whole >= (size_t)count) return PyLong_FromLong(negative ? -1 : 0);
    /* A negative number rounds down: its magnitude grows by one if any bit is lost. */
    digit carry = 0;
    if (negative) {
        digit lost = a->ob_digit[whole] & (((digit)1 << bits) - 1);
        for (size_t i = 0; i < whole && lost == 0; i++) lost = a->ob_digit[i];
        carry = lost != 0;
    }
    Py_ssize_t left = count - (Py_ssize_t)whole;
    PyLongObject *result = kr_int_allocate(left + 1);
    if (result == NULL) return NULL;
    const digit *source = a->ob_digit + whole;
    for (Py_ssize_t i = 0; i < left; i++) {
        twodigits wide = source[i];
        if (i + 1 < left) wide |= (twodigits)source[i + 1] << PyLong_SHIFT;
        carry += (digit)(wide >> bits) & PyLong_MASK;
        result->ob_digit[i] = carry & PyLong_MASK;
        carry >>= PyLong_SHIFT;
    }
    result->ob_digit[left] = carry;
    if (negative) Py_SET_SIZE(result, -Py_SIZE(result));
    return kr_int_finish(result);
}

/* Reads a shift count. Returns 0; 1 if it is larger than any size_t; -1 with ValueError if negative. */
static int shift_count(PyLongObject *b, size_t *count) {
    if (Py_SIZE(b) < 0) {
        PyErr_SetString(PyExc_ValueError, "negative shift count");
        return -1;
    }
    if (kr_int_is_medium(b)) {
        *count = (size_t)kr_int_medium(b);
        return 0;
    }
    *count = PyLong_AsSize_t((PyObject *)b);
    if (*count != (size_t)-1 || !PyErr_Occurred()) return 0;
    PyErr_Clear();
    return 1;
}

static PyObject *int_lshift(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    size_t count;
    int large = shift_count((PyLongObject *)b, &count);
    if (large < 0) return NULL;
    if (Py_SIZE(a) == 0) return PyLong_FromLong(0);
    return large ? too_many_digits() : _PyLong_Lshift(a, count);
}

static PyObject *int_rshift(PyObject *a, PyObject *b) {
    REQUIRE_INTS(a, b);
    size_t count;
    int large = shift_count((PyLongObject *)b, &count);
    if (large < 0) return NULL;
    if (large) return PyLong_FromLong(Py_SIZE(a) < 0 ? -1 : 0);
    return _PyLong_Rshift(a, count);
}

/* ---- bits ---- */

/* The next digit of a number in two's complement; `carry` starts as 1. */
static inline digit complement_digit(digit value, int negative, digit *carry) {
    if (!negative) return value;
    value = (value ^ PyLong_MASK) + *carry;
    *carry = value >> PyLong_SHIFT;
    return value & PyLong_MASK;
}

/* a OP b on two's complements without end; `operation` is '&', '|' or '^'. */
static PyObject *bitwise(const PyLongObject *a, char operation, const PyLongObject *b) {
    Py_ssize_t count_a = kr_int_digit_count(a), count_b = kr_int_digit_count(b);
    int negative_a = Py_SIZE(a) < 0, negative_b = Py_SIZE(b) < 0, negative;
    Py_ssize_t count = count_a > count_b ? count_a : count_b;
    switch (operation) {
    case '&':
        negative = negative_a & negative_b;
        /* The digits above a non-negative operand become zero. */
        if (!negative_a && (negative_b || count_a < count_b)) count = count_a;
        if (!negative_b && (negative_a || count_b < count_a)) count = count_b;
        break;
    case '|': negative = negative_a | negative_b; break;
    default: negative = negative_a ^ negative_b; break;
    }
    PyLongObject *result = kr_int_allocate(count + 1);
    if (result == NULL) return NULL;
    if (!negative_a && !negative_b) {
        if (count_a < count_b) {
            const PyLongObject *swap = a;
            a = b;
            b = swap;
            count_b = count_a;
        }
        digit *out = result->ob_digit;
        Py_ssize_t i = 0;
        switch (operation) {
        case '&':
            for (; i < count; i++) out[i] = a->ob_digit[i] & b->ob_digit[i];
            break;
        case '|':
            for (; i < count_b; i++) out[i] = a->ob_digit[i] | b->ob_digit[i];
            break;
        default:
            for (; i < count_b; i++) out[i] = a->ob_digit[i] ^ b->ob_digit[i];
        }
        for (; i < count; i++) out[i] = a->ob_digit[i];
        out[count] = 0;
        return kr_int_finish(result);
    }
    digit carry_a = 1, carry_b = 1, carry = 1;
    for (Py_ssize_t i = 0; i <= count; i++) {
        digit x = complement_digit(i < count_a ? a->ob_digit[i] : 0, negative_a, &carry_a);
        digit y = complement_digit(i < count_b ? b->ob_digit[i] : 0, negative_b, &carry_b);
        digit z = operation == '&' ? x & y : operation == '|' ? x | y : x ^ y;
        if (!negative && i == count) z = 0;
        result->ob_digit[i] = complement_digit(z, negative, &carry);
    }
    if (negative) Py_SET_SIZE(result, -Py_SIZE(result));
    return kr_int_finish(result);
}

static PyObject *int_and(PyObject *left, PyObject *right) {
    REQUIRE_INTS(left, right);
    PyLongObject *a = (PyLongObject *)left, *b = (PyLongObject *)right;
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) return kr_int_from_int64(kr_int_medium(a) & kr_int_medium(b));
    return bitwise(a, '&', b);
}

static PyObject *int_or(PyObject *left, PyObject *right) {
    REQUIRE_INTS(left, right);
    PyLongObject *a = (PyLongObject *)left, *b = (PyLongObject *)right;
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) return kr_int_from_int64(kr_int_medium(a) | kr_int_medium(b));
    return bitwise(a, '|', b);
}

static PyObject *int_xor(PyObject *left, PyObject *right) {
    REQUIRE_INTS(left, right);
    PyLongObject *a = (PyLongObject *)left, *b = (PyLongObject *)right;
    if (kr_int_is_medium(a) && kr_int_is_medium(b)) return kr_int_from_int64(kr_int_medium(a) ^ kr_int_medium(b));
    return bitwise(a, '^', b);
}

/* ---- hash ---- */

Py_hash_t kr_int_hash(const PyLongObject *a) {
    if (kr_int_is_medium(a)) {
        int64_t value = kr_int_medium(a); /* below the modulus 2**61 - 1 */
        return value == -1 ? -2 : value;
    }
    Py_uhash_t hash = 0;
    for (Py_ssize_t i = kr_int_digit_count(a) - 1; i >= 0; i--) {
        /* Multiply by 2**30 modulo 2**61 - 1, which is a rotation, then add the digit. */
        hash = ((hash << PyLong_SHIFT) & _PyHASH_MODULUS) | (hash >> (_PyHASH_BITS - PyLong_SHIFT));
        hash += a->ob_digit[i];
        if (hash >= _PyHASH_MODULUS) hash -= _PyHASH_MODULUS;
    }
    if (Py_SIZE(a) < 0) hash = -hash;
    return hash == (Py_uhash_t)-1 ? -2 : (Py_hash_t)hash;
}

PyNumberMethods kr_int_number_methods = {
    .nb_add = int_add,
    .nb_subtract = int_subtract,
    .nb_multiply = int_multiply,
    .nb_remainder = int_remainder,
    .nb_divmod = int_divmod,
    .nb_power = int_power,
    .nb_negative = int_negative,
    .nb_positive = int_positive,
    .nb_absolute = int_absolute,
    .nb_bool = int_bool,
    .nb_invert = int_invert,
    .nb_lshift = int_lshift,
    .nb_rshift = int_rshift,
    .nb_and = int_and,
    .nb_xor = int_xor,
    .nb_or = int_or,
    .nb_int = int_positive,
    .nb_float = int_float,
    .nb_floor_divide = int_floor_divide,
    .nb_true_divide = int_true_divide,
    .nb_index = int_positive,
};
