/* The module _sha1: SHA-1 (FIPS 180-4). */
#include <Python.h>

#include "modules/_block_hash.h"

/* One round with the mixing function MIX of b, c, d; the words are renamed instead of moved. */
#define ROUND(a, b, c, d, e, MIX, constant, i)                                                                        \
    do {                                                                                                              \
        e += hash_rotate_left32(a, 5) + (MIX) + constant + next_word(schedule, i);                                    \
        b = hash_rotate_left32(b, 30);                                                                                \
    } while (0)

#define CHOOSE(b, c, d) (d ^ (b & (c ^ d)))
#define PARITY(b, c, d) (b ^ c ^ d)
#define MAJORITY(b, c, d) ((b & c) | (d & (b | c)))

/* The twenty rounds from `start` on. */
#define ROUNDS(MIX, constant, start)                                                                                  \
    for (int i = start; i < start + 20; i += 5) {                                                                     \
        ROUND(a, b, c, d, e, MIX(b, c, d), constant, i);                                                              \
        ROUND(e, a, b, c, d, MIX(a, b, c), constant, i + 1);                                                          \
        ROUND(d, e, a, b, c, MIX(e, a, b), constant, i + 2);                                                          \
        ROUND(c, d, e, a, b, MIX(d, e, a), constant, i + 3);                                                          \
        ROUND(b, c, d, e, a, MIX(c, d, e), constant, i + 4);                                                          \
    }

/* Word i of the message schedule, which is a ring of 16 words. */
static inline uint32_t next_word(uint32_t *schedule, int i) {
    if (i >= 16) {
        uint32_t mix = schedule[(i + 13) & 15] ^ schedule[(i + 8) & 15] ^ schedule[(i + 2) & 15] ^ schedule[i & 15];
        schedule[i & 15] = hash_rotate_left32(mix, 1);
    }
    return schedule[i & 15];
}

static void fold(HashChain *chain, const unsigned char *blocks, size_t count) {
    uint32_t schedule[16], *words = chain->narrow;
    for (; count > 0; count--, blocks += 64) {
        uint32_t a = words[0], b = words[1], c = words[2], d = words[3], e = words[4];
        for (int i = 0; i < 16; i++) schedule[i] = __builtin_bswap32(hash_load32(blocks + 4 * i));
        ROUNDS(CHOOSE, 0x5a827999, 0)
        ROUNDS(PARITY, 0x6ed9eba1, 20)
        ROUNDS(MAJORITY, 0x8f1bbcdc, 40)
        ROUNDS(PARITY, 0xca62c1d6, 60)
        words[0] += a, words[1] += b, words[2] += c, words[3] += d, words[4] += e;
    }
}

BLOCK_HASH_TYPE(sha1_spec, "_sha1.sha1");

static const HashKind sha1_kind = {
    .name = "sha1",
    .digest_size = 20,
    .block_size = 64,
    .big_endian = 1,
    .initial.narrow = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0},
    .fold = fold,
    .type_spec = &sha1_spec,
};

BLOCK_HASH_FUNCTION(sha1, 0, sha1_kind)

static PyMethodDef sha1_functions[] = {
    BLOCK_HASH_METHOD(sha1, "SHA-1"),
    {NULL, NULL, 0, NULL},
};

static int sha1_exec(PyObject *module) {
    return kr_block_hash_add(module, 0, &sha1_kind, "SHA1Type");
}

static PyModuleDef_Slot sha1_slots[] = {{Py_mod_exec, sha1_exec}, {0, NULL}};

static struct PyModuleDef sha1_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_sha1",
    .m_size = sizeof(HashModule),
    .m_methods = sha1_functions,
    .m_slots = sha1_slots,
    .m_traverse = kr_block_hash_module_traverse,
    .m_clear = kr_block_hash_module_clear,
    .m_free = kr_block_hash_module_free,
};

PyMODINIT_FUNC PyInit__sha1(void) { return PyModuleDef_Init(&sha1_module); }
