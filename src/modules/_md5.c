/* The module _md5: MD5 (RFC 1321). */
#include <Python.h>

#include "modules/_block_hash.h"

/* The integer parts of 2**32 * abs(sin(i + 1)). */
static const uint32_t round_constants[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

#define CHOOSE(x, y, z) (z ^ (x & (y ^ z)))
#define CHOOSE_BY_LAST(x, y, z) (y ^ (z & (x ^ y)))
#define PARITY(x, y, z) (x ^ y ^ z)
#define BLEND(x, y, z) (y ^ (x | ~z))

#define ROUND(MIX, a, b, c, d, word, turn, i)                                                                         \
    a = b + hash_rotate_left32(a + MIX(b, c, d) + hash_load32(blocks + 4 * ((word) & 15)) + round_constants[i], turn)

/* Sixteen rounds from `start` on: round i takes the word first + step * (i - start), and the turns repeat by four. */
#define ROUNDS(MIX, start, first, step, turn0, turn1, turn2, turn3)                                                   \
    for (int i = 0; i < 16; i += 4) {                                                                                 \
        ROUND(MIX, a, b, c, d, first + step * i, turn0, start + i);                                                   \
        ROUND(MIX, d, a, b, c, first + step * (i + 1), turn1, start + i + 1);                                         \
        ROUND(MIX, c, d, a, b, first + step * (i + 2), turn2, start + i + 2);                                         \
        ROUND(MIX, b, c, d, a, first + step * (i + 3), turn3, start + i + 3);                                         \
    }

static void fold(HashChain *chain, const unsigned char *blocks, size_t count) {
    uint32_t *words = chain->narrow;
    for (; count > 0; count--, blocks += 64) {
        uint32_t a = words[0], b = words[1], c = words[2], d = words[3];
        ROUNDS(CHOOSE, 0, 0, 1, 7, 12, 17, 22)
        ROUNDS(CHOOSE_BY_LAST, 16, 1, 5, 5, 9, 14, 20)
        ROUNDS(PARITY, 32, 5, 3, 4, 11, 16, 23)
        ROUNDS(BLEND, 48, 0, 7, 6, 10, 15, 21)
        words[0] += a, words[1] += b, words[2] += c, words[3] += d;
    }
}

BLOCK_HASH_TYPE(md5_spec, "_md5.md5");

static const HashKind md5_kind = {
    .name = "md5",
    .digest_size = 16,
    .block_size = 64,
    .big_endian = 0,
    .initial.narrow = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476},
    .fold = fold,
    .type_spec = &md5_spec,
};

BLOCK_HASH_FUNCTION(md5, 0, md5_kind)

static PyMethodDef md5_functions[] = {
    BLOCK_HASH_METHOD(md5, "MD5"),
    {NULL, NULL, 0, NULL},
};

static int md5_exec(PyObject *module) {
    return kr_block_hash_add(module, 0, &md5_kind, "MD5Type");
}

static PyModuleDef_Slot md5_slots[] = {{Py_mod_exec, md5_exec}, {0, NULL}};

static struct PyModuleDef md5_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_md5",
    .m_size = sizeof(HashModule),
    .m_methods = md5_functions,
    .m_slots = md5_slots,
    .m_traverse = kr_block_hash_module_traverse,
    .m_clear = kr_block_hash_module_clear,
    .m_free = kr_block_hash_module_free,
};

PyMODINIT_FUNC PyInit__md5(void) { return PyModuleDef_Init(&md5_module); }
