/* What the hash modules share.
 *
 * A block hash (MD5, SHA-1, SHA-2) cuts its input into blocks and folds each into a chain of words. Invariant of a
 * BlockHash object: `chain` holds all complete blocks seen, and the rest, `length % block_size` bytes, waits at the start
 * of `block`. The digest pads a copy, so that an object can go on after a digest was taken.
 */
#ifndef KR_MODULES_BLOCK_HASH_H
#define KR_MODULES_BLOCK_HASH_H

#include <stdint.h>

enum { HASH_MAX_BLOCK = 128, HASH_MAX_KINDS = 2 };

typedef union HashChain {
    uint32_t narrow[8]; /* of hashes with blocks of 64 bytes */
    uint64_t wide[8];   /* of hashes with blocks of 128 bytes */
} HashChain;

/* One algorithm. Words are 8 bytes wide if blocks are 128 bytes long, else 4. */
typedef struct HashKind {
    const char *name;
    int digest_size;
    int block_size;
    int big_endian; /* byte order of the length and of the digest */
    HashChain initial;
    void (*fold)(HashChain *chain, const unsigned char *blocks, size_t count);
    PyType_Spec *type_spec;
} HashKind;

/* The state of a module with block hashes: the type of each kind, in the module's order. */
typedef struct HashModule {
    PyTypeObject *types[HASH_MAX_KINDS];
} HashModule;

extern PyType_Slot kr_block_hash_slots[];

/* The type spec of a kind: `TYPE` is the dotted name. */
#define BLOCK_HASH_TYPE(NAME, TYPE)                                                                                   \
    static PyType_Spec NAME = {                                                                                       \
        .name = TYPE,                                                                                                 \
        .basicsize = sizeof(BlockHash),                                                                               \
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE |                   \
                 Py_TPFLAGS_HAVE_GC,                                                                                  \
        .slots = kr_block_hash_slots,                                                                                 \
    }

typedef struct BlockHash {
    PyObject_HEAD
    const HashKind *kind;
    uint64_t length; /* bytes of input so far */
    HashChain chain;
    unsigned char block[HASH_MAX_BLOCK];
} BlockHash;

/* Calls NAME(string=b'', *, usedforsecurity=True): makes an object of `kind`, whose type is the module's number `index`.
 * Returns a new reference or NULL with an exception. */
PyObject *kr_block_hash_call(PyObject *module, int index, const HashKind *kind, struct _PyArg_Parser *parser,
                             PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);

/* Makes the type number `index` of the module, and adds it as `attribute` unless that is NULL. Returns 0 or -1. */
int kr_block_hash_add(PyObject *module, int index, const HashKind *kind, const char *attribute);

int kr_block_hash_module_traverse(PyObject *module, visitproc visit, void *arg);
int kr_block_hash_module_clear(PyObject *module);
void kr_block_hash_module_free(void *module);

/* The definition of the function which makes a hash object of KIND, the number INDEX of its module. */
#define BLOCK_HASH_FUNCTION(NAME, INDEX, KIND)                                                                        \
    static PyObject *NAME##_call(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {       \
        static const char *const keywords[] = {"string", "usedforsecurity", NULL};                                    \
        static struct _PyArg_Parser parser = {.keywords = keywords, .fname = #NAME};                                  \
        return kr_block_hash_call(module, INDEX, &KIND, &parser, args, nargs, kwnames);                               \
    }

#define BLOCK_HASH_METHOD(NAME, TITLE)                                                                                \
    {#NAME, (PyCFunction)(void (*)(void))NAME##_call, METH_FASTCALL | METH_KEYWORDS,                                  \
     PyDoc_STR(#NAME "($module, /, string=b\'\', *, usedforsecurity=True)\n--\n\n"                                    \
                     "Make a " TITLE " hash object that has taken in the bytes of string.")}

/* Fills `view` with the bytes of `data` to be hashed. Returns 0, or -1 with an exception; release the view. */
int kr_hash_get_bytes(PyObject *data, Py_buffer *view);

/* Returns a new string: `size` bytes in hexadecimal. */
PyObject *kr_hash_hex(const unsigned char *bytes, Py_ssize_t size);

static inline uint32_t hash_rotate_left32(uint32_t word, int count) { return word << count | word >> (32 - count); }
static inline uint32_t hash_rotate_right32(uint32_t word, int count) { return word >> count | word << (32 - count); }
static inline uint64_t hash_rotate_right64(uint64_t word, int count) { return word >> count | word << (64 - count); }

static inline uint32_t hash_load32(const unsigned char *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t hash_load64(const unsigned char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are loaded as little-endian");

#endif
