/* Integers of any size: what the files int*.c share, and what other parts may use.
 *
 * An int is a sign and a magnitude: ob_digit holds |ob_size| digits of 30 bits, least significant first, and the sign
 * of ob_size is the sign of the number; zero has ob_size 0.
 * Invariants: the highest digit is not zero; every exact int from -5 to 256 that a function here returns is the shared
 * one in _PyRuntime.small_ints.
 * Work on many digits is done by GMP on 64-bit limbs; numbers are converted on the way in and out, which is linear.
 */
#ifndef KR_TYPES_INT_H
#define KR_TYPES_INT_H

#include <Python.h>
#include <gmp.h>
#include <stdint.h>

#include "heap/heap.h"
#include "object/runtime.h"

/* ---- creation ---- */

/* Returns a new int with room for `count` digits, digits not set, ob_size = count; NULL with MemoryError or
 * OverflowError. */
PyLongObject *kr_int_allocate(Py_ssize_t count);
/* Returns an int for a magnitude and a sign (negative != 0); new reference. */
PyObject *kr_int_from_magnitude(uint64_t magnitude, int negative);
/* Drops leading zero digits of a fresh int and exchanges a small value for the shared object. Takes the reference
 * (NULL allowed), returns a new one. */
PyObject *kr_int_finish(PyLongObject *fresh);

/* Fills the shared small ints; called once before any int is made. */
void kr_int_initialize(void);
/* Frees the free list. */
void kr_int_clear_free_list(void);
/* Prints how long it is, for sys._debugmallocstats. */
void kr_int_debug_stats(FILE *out);
void kr_int_finalize(void);

static inline Py_ssize_t kr_int_digit_count(const PyLongObject *a) {
    Py_ssize_t size = Py_SIZE(a);
    return size < 0 ? -size : size;
}


/* True if the magnitude is below 2**60, so that kr_int_medium can be used. */
static inline int kr_int_is_medium(const PyLongObject *a) { return (size_t)(Py_SIZE(a) + 2) <= 4; }

/* True if the magnitude is below 2**30. */
static inline int kr_int_is_single(const PyLongObject *a) { return (size_t)(Py_SIZE(a) + 1) <= 2; }

/* Blocks for ints of up to two digits, linked through ob_type. Most ints live shortly and are of that size. */
typedef struct KrIntFreeList {
    PyLongObject *first;
    int count;
} KrIntFreeList;
extern KrIntFreeList kr_int_free_list;

enum { KR_INT_FREE_LIST_LIMIT = KR_FREE_LIST(1000) }; /* blocks kept: 32 KB */

/* Frees an exact int. */
static inline void kr_int_free(PyLongObject *self) {
    if (kr_int_is_medium(self) && kr_int_free_list.count < KR_INT_FREE_LIST_LIMIT) {
        Py_SET_TYPE(self, (PyTypeObject *)kr_int_free_list.first);
        kr_int_free_list.first = self;
        kr_int_free_list.count++;
    } else {
        PyObject_Free(self);
    }
}

/* Py_DECREF for what is known to be an exact int. */
static inline void kr_int_drop(PyObject *self) {
    if (--self->ob_refcnt == 0) kr_int_free((PyLongObject *)self);
}

/* Returns an int for any int64_t; new reference. Inline, because nearly all arithmetic ends here. */
static inline PyObject *kr_int_from_int64(int64_t value) {
    if ((uint64_t)(value + KR_SMALL_INT_NEGATIVE) < KR_SMALL_INT_NEGATIVE + KR_SMALL_INT_POSITIVE) {
        return Py_NewRef(kr_small_int((int)value));
    }
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    PyLongObject *result = kr_int_free_list.first;
    if (result == NULL || magnitude >> (2 * PyLong_SHIFT) != 0) return kr_int_from_magnitude(magnitude, value < 0);
    kr_int_free_list.first = (PyLongObject *)Py_TYPE(result);
    kr_int_free_list.count--;
    Py_ssize_t size = 1 + (magnitude >= PyLong_BASE);
    Py_SET_TYPE(result, &PyLong_Type);
    Py_SET_REFCNT(result, 1);
    Py_SET_SIZE(result, value < 0 ? -size : size);
    result->ob_digit[0] = (digit)magnitude & PyLong_MASK;
    ((digit *)result->ob_digit)[1] = (digit)(magnitude >> PyLong_SHIFT); /* the block has room for it */
    return (PyObject *)result;
}

/* The value of an int with at most one digit. */
static inline sdigit kr_int_single(const PyLongObject *a) { return (sdigit)Py_SIZE(a) * (sdigit)a->ob_digit[0]; }

/* The value of an int with at most two digits. */
static inline int64_t kr_int_medium(const PyLongObject *a) {
    switch (Py_SIZE(a)) {
    case 0: return 0;
    case 1: return a->ob_digit[0];
    case -1: return -(int64_t)a->ob_digit[0];
    case 2: return (int64_t)a->ob_digit[0] | (int64_t)a->ob_digit[1] << PyLong_SHIFT;
    default: return -((int64_t)a->ob_digit[0] | (int64_t)a->ob_digit[1] << PyLong_SHIFT);
    }
}

/* Bits of the magnitude; 0 for zero. */
size_t kr_int_bit_length(const PyLongObject *a);

/* ---- arithmetic on two ints (any subclass), each a new reference or NULL with an exception ---- */

PyObject *kr_int_add(PyLongObject *a, PyLongObject *b);
PyObject *kr_int_subtract(PyLongObject *a, PyLongObject *b);
PyObject *kr_int_multiply(PyLongObject *a, PyLongObject *b);
/* Floor division; either result may be left out with NULL. Returns 0 or -1. */
int kr_int_divide(PyLongObject *a, PyLongObject *b, PyObject **quotient, PyObject **remainder);
/* -1, 0 or 1. Never fails. */
int kr_int_compare(const PyLongObject *a, const PyLongObject *b);
PyObject *kr_int_negative(PyLongObject *a);
PyObject *kr_int_absolute(PyLongObject *a);
/* Hash of the value, as every numeric type must agree on it. */
Py_hash_t kr_int_hash(const PyLongObject *a);

/* The slots that int.c puts into its type. */
extern PyNumberMethods kr_int_number_methods;

/* ---- limbs ---- */

/* Scratch memory for limbs, on the C stack while it is small. */
enum { KR_LIMBS_INLINE = 48 };
typedef struct KrLimbs {
    mp_limb_t *limb;
    mp_limb_t room[KR_LIMBS_INLINE];
} KrLimbs;

/* Makes room for `count` limbs; returns 0, or -1 with MemoryError. Release with kr_limbs_release. */
static inline int kr_limbs_reserve(KrLimbs *limbs, Py_ssize_t count) {
    if (count <= KR_LIMBS_INLINE) {
        limbs->limb = limbs->room;
        return 0;
    }
    limbs->limb = PyMem_Malloc((size_t)count * sizeof(mp_limb_t));
    if (limbs->limb != NULL) return 0;
    PyErr_NoMemory();
    return -1;
}

static inline void kr_limbs_release(KrLimbs *limbs) {
    if (limbs->limb != limbs->room) PyMem_Free(limbs->limb);
}

/* Limbs that surely hold `digits` digits. */
static inline Py_ssize_t kr_limbs_needed(Py_ssize_t digits) {
    return (Py_ssize_t)(((size_t)digits * PyLong_SHIFT + GMP_NUMB_BITS - 1) / GMP_NUMB_BITS);
}

/* Writes digits as limbs; returns the number of limbs without leading zeros. */
Py_ssize_t kr_limbs_from_digits(mp_limb_t *limbs, const digit *digits, Py_ssize_t count);
/* Reserves and fills limbs from an int's magnitude. Returns the number of limbs, or -1 with MemoryError. */
Py_ssize_t kr_limbs_from_int(KrLimbs *limbs, const PyLongObject *a);
/* Returns a new int from limbs (leading zeros allowed) and a sign, or NULL. */
PyObject *kr_int_from_limbs(const mp_limb_t *limbs, Py_ssize_t count, int negative);

/* ---- text ---- */

/* The limit of sys.set_int_max_str_digits; 0 is no limit. */
enum { KR_INT_DEFAULT_MAX_STR_DIGITS = 4300, KR_INT_MAX_STR_DIGITS_THRESHOLD = 640 };
int kr_int_get_max_str_digits(void);
void kr_int_set_max_str_digits(int digits);

/* Text in base 2, 8, 10 or 16 with a '-' if negative; with `alternate`, a prefix 0b, 0o, 0x (none for 10). */
PyObject *kr_int_to_text(PyObject *a, int base, int alternate);
/* Writes the digits of a magnitude so that they end before `end`, 64 characters at most; returns the first. */
char *kr_int_digits_before(char *end, uint64_t magnitude, int base);
/* repr() and str(). */
PyObject *kr_int_repr(PyObject *a);
/* The same, appended to a writer; returns 0 or -1. */
PyAPI_FUNC(int) _PyLong_FormatWriter(_PyUnicodeWriter *writer, PyObject *obj, int base, int alternate);
/* Value of a digit character in bases up to 36, else 37. */
PyAPI_DATA(unsigned char) _PyLong_DigitValue[256];

PyAPI_FUNC(PyObject *) _PyLong_FromTime_t(time_t value);

#endif
