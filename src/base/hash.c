/* The hash secret; hashes of bytes and of addresses. */
#include <Python.h>

#include "base/hash.h"
#include "base/siphash.h"

#include <errno.h>
#include <sys/random.h>

_Py_HashSecret_t _Py_HashSecret;

/* PYTHONHASHSEED=n stretches n to key bytes with this generator, so that a given n always gives the same hashes. */
static void fill_from_seed(unsigned int seed, unsigned char *bytes, size_t length) {
    unsigned int x = seed;
    for (size_t i = 0; i < length; i++) {
        x = x * 214013 + 2531011;
        bytes[i] = (unsigned char)(x >> 16);
    }
}

int kr_hash_secret_set(int use_seed, unsigned int seed) {
    unsigned char *bytes = _Py_HashSecret.uc;
    size_t length = sizeof _Py_HashSecret;
    if (use_seed) {
        if (seed == 0) memset(bytes, 0, length);
        else fill_from_seed(seed, bytes, length);
        return 0;
    }
    for (size_t filled = 0; filled < length;) {
        ssize_t n = getrandom(bytes + filled, length - filled, 0);
        if (n > 0) filled += (size_t)n;
        else if (n < 0 && errno != EINTR) return -1;
    }
    return 0;
}

static Py_hash_t hash_bytes(const void *bytes, Py_ssize_t length) {
    return (Py_hash_t)kr_siphash13(_Py_HashSecret.siphash.k0, _Py_HashSecret.siphash.k1, bytes, (size_t)length);
}

static PyHash_FuncDef hash_definition = {hash_bytes, "siphash13", 64, 128};

PyHash_FuncDef *PyHash_GetFuncDef(void) { return &hash_definition; }

Py_hash_t _Py_HashBytes(const void *bytes, Py_ssize_t length) {
    if (length == 0) return 0;
    Py_hash_t hash = hash_bytes(bytes, length);
    return hash == -1 ? -2 : hash;
}

/* The low four bits of an object's address are nearly always zero: rotate them out of the way. */
Py_hash_t _Py_HashPointerRaw(const void *p) {
    size_t address = (size_t)p;
    return (Py_hash_t)(address >> 4 | address << (8 * sizeof address - 4));
}

Py_hash_t _Py_HashPointer(const void *p) {
    Py_hash_t hash = _Py_HashPointerRaw(p);
    return hash == -1 ? -2 : hash;
}
