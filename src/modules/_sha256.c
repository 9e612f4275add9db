/* The module _sha256: SHA-256 and SHA-224 (FIPS 180-4). */
#include <Python.h>

#include "modules/_block_hash.h"

typedef uint32_t Word;

enum { ROUNDS = 64 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes. */
static const Word round_constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define CHAIN_WORDS(chain) ((chain)->narrow)

static inline Word load_word(const unsigned char *bytes) { return __builtin_bswap32(hash_load32(bytes)); }
static inline Word mix_a(Word word) { return hash_rotate_right32(word, 2) ^ hash_rotate_right32(word, 13) ^ hash_rotate_right32(word, 22); }
static inline Word mix_e(Word word) { return hash_rotate_right32(word, 6) ^ hash_rotate_right32(word, 11) ^ hash_rotate_right32(word, 25); }
static inline Word mix_early(Word word) { return hash_rotate_right32(word, 7) ^ hash_rotate_right32(word, 18) ^ word >> 3; }
static inline Word mix_late(Word word) { return hash_rotate_right32(word, 17) ^ hash_rotate_right32(word, 19) ^ word >> 10; }

#include "modules/_sha2_fold.h"

BLOCK_HASH_TYPE(sha256_spec, "_sha256.sha256");
BLOCK_HASH_TYPE(sha224_spec, "_sha256.sha224");

static const HashKind sha256_kind = {
    .name = "sha256",
    .digest_size = 32,
    .block_size = 64,
    .big_endian = 1,
    .initial.narrow = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
    .fold = fold,
    .type_spec = &sha256_spec,
};

static const HashKind sha224_kind = {
    .name = "sha224",
    .digest_size = 28,
    .block_size = 64,
    .big_endian = 1,
    .initial.narrow = {0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939,
                       0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4},
    .fold = fold,
    .type_spec = &sha224_spec,
};

BLOCK_HASH_FUNCTION(sha256, 0, sha256_kind)
BLOCK_HASH_FUNCTION(sha224, 1, sha224_kind)

static PyMethodDef sha256_functions[] = {
    BLOCK_HASH_METHOD(sha256, "SHA-256"),
    BLOCK_HASH_METHOD(sha224, "SHA-224"),
    {NULL, NULL, 0, NULL},
};

static int sha256_exec(PyObject *module) {
    if (kr_block_hash_add(module, 0, &sha256_kind, "SHA256Type") < 0) return -1;
    return kr_block_hash_add(module, 1, &sha224_kind, "SHA224Type");
}

static PyModuleDef_Slot sha256_slots[] = {{Py_mod_exec, sha256_exec}, {0, NULL}};

static struct PyModuleDef sha256_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_sha256",
    .m_size = sizeof(HashModule),
    .m_methods = sha256_functions,
    .m_slots = sha256_slots,
    .m_traverse = kr_block_hash_module_traverse,
    .m_clear = kr_block_hash_module_clear,
    .m_free = kr_block_hash_module_free,
};

PyMODINIT_FUNC PyInit__sha256(void) { return PyModuleDef_Init(&sha256_module); }
