/* Floats to and from the IEEE 754 formats of 2, 4 and 8 bytes. */
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Stores the low bytes of `bits` in the given order. */
static void store(uint64_t bits, int size, char *bytes, int little_endian) {
    for (int i = 0; i < size; i++) {
        bytes[little_endian ? i : size - 1 - i] = (char)(bits >> (8 * i));
    }
}

static uint64_t load(const char *bytes, int size, int little_endian) {
    uint64_t bits = 0;
    for (int i = 0; i < size; i++) {
        bits |= (uint64_t)(unsigned char)bytes[little_endian ? i : size - 1 - i] << (8 * i);
    }
    return bits;
}

static int too_large(char format) {
    PyErr_Format(PyExc_OverflowError, "float too large to pack with %c format", format);
    return -1;
}

int PyFloat_Pack2(double x, char *p, int le) {
    uint64_t sign = signbit(x) ? 0x8000 : 0, bits;
    if (isnan(x)) {
        /* The quiet bit and the highest bits of the payload. */
        bits = 0x7e00;
    } else if (isinf(x)) {
        bits = 0x7c00;
    } else {
        int exponent;
        double fraction = frexp(fabs(x), &exponent);
        if (fraction == 0.0 || exponent < -24) {
            bits = 0;
        } else {
            /* 11 significant bits, fewer below the smallest normal exponent; nearbyint rounds half to even. A carry
             * out of the mantissa runs into the exponent, as it should. */
            int lost = exponent < -13 ? -13 - exponent : 0;
            bits = (uint64_t)nearbyint(ldexp(fraction, 11 - lost));
            if (lost == 0) bits += (uint64_t)(exponent + 13) << 10;
            if (exponent > 16 || bits >= 0x7c00) return too_large('e');
        }
    }
    store(sign | bits, 2, p, le);
    return 0;
}

int PyFloat_Pack4(double x, char *p, int le) {
    float single = (float)x;
    if (isinf(single) && !isinf(x)) return too_large('f');
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    store(bits, 4, p, le);
    return 0;
}

int PyFloat_Pack8(double x, char *p, int le) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    store(bits, 8, p, le);
    return 0;
}

double PyFloat_Unpack2(const char *p, int le) {
    unsigned bits = (unsigned)load(p, 2, le);
    int exponent = (bits >> 10) & 0x1f;
    unsigned fraction = bits & 0x3ff;
    double x;
    if (exponent == 0x1f) {
        x = fraction == 0 ? Py_HUGE_VAL : fabs(Py_NAN);
    } else if (exponent == 0) {
        x = ldexp(fraction, -24);
    } else {
        x = ldexp(fraction | 0x400, exponent - 25);
    }
    return bits & 0x8000 ? -x : x;
}

double PyFloat_Unpack4(const char *p, int le) {
    uint32_t bits = (uint32_t)load(p, 4, le);
    float single;
    memcpy(&single, &bits, sizeof single);
    return single;
}

double PyFloat_Unpack8(const char *p, int le) {
    uint64_t bits = load(p, 8, le);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
