/* The module _blake2: the hash functions BLAKE2b and BLAKE2s (RFC 7693), with keys, salts, persons and tree hashing.
 *
 * BLAKE2b works on 64-bit words and blocks of 128 bytes, BLAKE2s on 32-bit words and blocks of 64 bytes; the rest is one
 * algorithm. Invariant of an object: `chain` holds all blocks but the last, which waits in `block` even when it is
 * complete, because the last block is folded with a mark of its own.
 */
#include <Python.h>
#include <stddef.h>

#include "modules/_block_hash.h"

enum { WORTH_RELEASING = 2048, MIX_WORDS = 16 };

typedef struct Blake2Kind {
    const char *name;
    int wide; /* words of 64 bits rather than 32 */
    int block_size;
    int max_digest, max_key, salt_size, person_size;
    unsigned long long max_node_offset;
    const char *signature;
} Blake2Kind;

#define SIGNATURE(NAME, TITLE)                                                                                        \
    NAME "(data=b\'\', /, *, digest_size=_blake2." NAME ".MAX_DIGEST_SIZE,\n"                                         \
         "        key=b\'\', salt=b\'\', person=b\'\', fanout=1, depth=1, leaf_size=0,\n"                             \
         "        node_offset=0, node_depth=0, inner_size=0, last_node=False,\n"                                      \
         "        usedforsecurity=True)\n--\n\n"                                                                      \
         "A " TITLE " hash object that has taken in the bytes of data."

static const Blake2Kind kinds[] = {
    {"blake2b", 1, 128, 64, 64, 16, 16, ULLONG_MAX, SIGNATURE("blake2b", "BLAKE2b")},
    {"blake2s", 0, 64, 32, 32, 8, 8, 0xFFFFFFFFFFFF, SIGNATURE("blake2s", "BLAKE2s")},
};

enum { KINDS = Py_ARRAY_LENGTH(kinds) };

typedef struct ModuleState {
    PyTypeObject *types[KINDS];
} ModuleState;

typedef struct Blake2Object {
    PyObject_HEAD
    const Blake2Kind *kind;
    HashChain chain;
    uint64_t folded[2]; /* bytes in the chain, low half first */
    int waiting;        /* bytes in `block` */
    int digest_size;
    int last_node;
    unsigned char block[HASH_MAX_BLOCK];
} Blake2Object;

/* The order in which each round takes the words of the block. */
static const unsigned char message_order[10][MIX_WORDS] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

/* The first bits of the fractions of the square roots of the first eight primes. */
static const uint64_t wide_start[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const uint32_t narrow_start[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

#define MIX(rotate, a, b, c, d, first, second, turn1, turn2, turn3, turn4)                                            \
    do {                                                                                                              \
        a += b + words[order[first]];                                                                                 \
        d = rotate(d ^ a, turn1);                                                                                     \
        c += d;                                                                                                       \
        b = rotate(b ^ c, turn2);                                                                                     \
        a += b + words[order[second]];                                                                                \
        d = rotate(d ^ a, turn3);                                                                                     \
        c += d;                                                                                                       \
        b = rotate(b ^ c, turn4);                                                                                     \
    } while (0)

/* Folds one block: the columns of a 4 by 4 square of words are mixed, then its diagonals. */
#define FOLD(NAME, word, load, start, field, rotate, rounds, turn1, turn2, turn3, turn4)                               \
    static void NAME(Blake2Object *self, const unsigned char *block, word last_block, word last_node) {                \
        word words[MIX_WORDS], v[MIX_WORDS], *chain = self->chain.field;                                              \
        for (int i = 0; i < MIX_WORDS; i++) words[i] = load(block + i * (int)sizeof(word));                           \
        for (int i = 0; i < 8; i++) v[i] = chain[i], v[i + 8] = start[i];                                             \
        uint64_t low = self->folded[0], high = self->folded[1];                                                       \
        v[12] ^= (word)low;                                                                                           \
        v[13] ^= (word)(sizeof(word) == 8 ? high : low >> 32);                                                        \
        v[14] ^= last_block;                                                                                          \
        v[15] ^= last_node;                                                                                           \
        _Pragma("GCC unroll 12") for (int round = 0; round < rounds; round++) {                                       \
            const unsigned char *order = message_order[round % 10];                                                   \
            MIX(rotate, v[0], v[4], v[8], v[12], 0, 1, turn1, turn2, turn3, turn4);                                   \
            MIX(rotate, v[1], v[5], v[9], v[13], 2, 3, turn1, turn2, turn3, turn4);                                   \
            MIX(rotate, v[2], v[6], v[10], v[14], 4, 5, turn1, turn2, turn3, turn4);                                  \
            MIX(rotate, v[3], v[7], v[11], v[15], 6, 7, turn1, turn2, turn3, turn4);                                  \
            MIX(rotate, v[0], v[5], v[10], v[15], 8, 9, turn1, turn2, turn3, turn4);                                  \
            MIX(rotate, v[1], v[6], v[11], v[12], 10, 11, turn1, turn2, turn3, turn4);                                \
            MIX(rotate, v[2], v[7], v[8], v[13], 12, 13, turn1, turn2, turn3, turn4);                                 \
            MIX(rotate, v[3], v[4], v[9], v[14], 14, 15, turn1, turn2, turn3, turn4);                                 \
        }                                                                                                             \
        for (int i = 0; i < 8; i++) chain[i] ^= v[i] ^ v[i + 8];                                                      \
    }

FOLD(fold_wide, uint64_t, hash_load64, wide_start, wide, hash_rotate_right64, 12, 32, 24, 16, 63)
FOLD(fold_narrow, uint32_t, hash_load32, narrow_start, narrow, hash_rotate_right32, 10, 16, 12, 8, 7)

/* Folds a block of which `used` bytes are input. `last` tells the last one of all. */
static void fold(Blake2Object *self, const unsigned char *block, int used, int last) {
    self->folded[0] += (uint64_t)used;
    if (self->folded[0] < (uint64_t)used) self->folded[1]++;
    uint64_t last_block = last ? UINT64_MAX : 0, last_node = last && self->last_node ? UINT64_MAX : 0;
    if (self->kind->wide) fold_wide(self, block, last_block, last_node);
    else fold_narrow(self, block, (uint32_t)last_block, (uint32_t)last_node);
}

static void take_in(Blake2Object *self, const unsigned char *data, Py_ssize_t size) {
    int block_size = self->kind->block_size;
    while (size > 0) {
        if (self->waiting == block_size) {
            fold(self, self->block, block_size, 0);
            self->waiting = 0;
        }
        if (self->waiting == 0 && size > block_size) {
            fold(self, data, block_size, 0);
            data += block_size;
            size -= block_size;
            continue;
        }
        int part = block_size - self->waiting;
        if (part > size) part = (int)size;
        memcpy(self->block + self->waiting, data, (size_t)part);
        self->waiting += part;
        data += part;
        size -= part;
    }
}

/* Takes in the bytes of `data`; other threads may run meanwhile if the object is `fresh`. Returns 0 or -1. */
static int take_in_object(Blake2Object *self, PyObject *data, int fresh) {
    Py_buffer view;
    if (kr_hash_get_bytes(data, &view) < 0) return -1;
    if (fresh && view.len >= WORTH_RELEASING) {
        Py_BEGIN_ALLOW_THREADS
        take_in(self, view.buf, view.len);
        Py_END_ALLOW_THREADS
    } else {
        take_in(self, view.buf, view.len);
    }
    PyBuffer_Release(&view);
    return 0;
}

/* Writes the digest of what `self` has taken in; `self` is left alone. */
static void finish(const Blake2Object *self, unsigned char *digest) {
    Blake2Object copy = *self;
    memset(copy.block + copy.waiting, 0, (size_t)(self->kind->block_size - copy.waiting));
    fold(&copy, copy.block, copy.waiting, 1);
    memcpy(digest, &copy.chain, (size_t)self->digest_size);
}

/* What the constructor is given besides the data. */
typedef struct Parameters {
    int digest_size, fanout, depth, node_depth, inner_size, last_node;
    unsigned long leaf_size;
    unsigned long long node_offset;
    Py_buffer key, salt, person;
} Parameters;

/* Starts the chain from the parameter block, whose fields stand in the order of the specification. */
static void start(Blake2Object *self, const Parameters *parameters) {
    const Blake2Kind *kind = self->kind;
    unsigned char block[64] = {0};
    uint32_t leaf_size = (uint32_t)parameters->leaf_size;
    uint64_t node_offset = parameters->node_offset;
    int offset_size = kind->wide ? 8 : 6, salt_at = kind->wide ? 32 : 16;
    block[0] = (unsigned char)parameters->digest_size;
    block[1] = (unsigned char)parameters->key.len;
    block[2] = (unsigned char)parameters->fanout;
    block[3] = (unsigned char)parameters->depth;
    memcpy(block + 4, &leaf_size, 4);
    memcpy(block + 8, &node_offset, (size_t)offset_size);
    block[8 + offset_size] = (unsigned char)parameters->node_depth;
    block[9 + offset_size] = (unsigned char)parameters->inner_size;
    if (parameters->salt.len > 0) memcpy(block + salt_at, parameters->salt.buf, (size_t)parameters->salt.len);
    if (parameters->person.len > 0) {
        memcpy(block + salt_at + kind->salt_size, parameters->person.buf, (size_t)parameters->person.len);
    }
    for (int i = 0; i < 8; i++) {
        if (kind->wide) self->chain.wide[i] = wide_start[i] ^ hash_load64(block + 8 * i);
        else self->chain.narrow[i] = narrow_start[i] ^ hash_load32(block + 4 * i);
    }
    self->folded[0] = self->folded[1] = 0;
    self->digest_size = parameters->digest_size;
    self->last_node = parameters->last_node;
    self->waiting = 0;
    if (parameters->key.len > 0) {
        memset(self->block, 0, sizeof self->block);
        memcpy(self->block, parameters->key.buf, (size_t)parameters->key.len);
        self->waiting = kind->block_size;
    }
}

/* Checks the parameters against the limits of `kind`. Returns 0, or -1 with an exception. */
static int check(const Blake2Kind *kind, const Parameters *parameters) {
    const Parameters *p = parameters;
    if (p->digest_size <= 0 || p->digest_size > kind->max_digest) {
        PyErr_Format(PyExc_ValueError, "digest_size must be between 1 and %d bytes", kind->max_digest);
    } else if (p->salt.len > kind->salt_size) {
        PyErr_Format(PyExc_ValueError, "maximum salt length is %d bytes", kind->salt_size);
    } else if (p->person.len > kind->person_size) {
        PyErr_Format(PyExc_ValueError, "maximum person length is %d bytes", kind->person_size);
    } else if (p->fanout < 0 || p->fanout > 255) {
        PyErr_SetString(PyExc_ValueError, "fanout must be between 0 and 255");
    } else if (p->depth <= 0 || p->depth > 255) {
        PyErr_SetString(PyExc_ValueError, "depth must be between 1 and 255");
    } else if (p->leaf_size > 0xFFFFFFFFU) {
        PyErr_SetString(PyExc_OverflowError, "leaf_size is too large");
    } else if (p->node_offset > kind->max_node_offset) {
        PyErr_SetString(PyExc_OverflowError, "node_offset is too large");
    } else if (p->node_depth < 0 || p->node_depth > 255) {
        PyErr_SetString(PyExc_ValueError, "node_depth must be between 0 and 255");
    } else if (p->inner_size < 0 || p->inner_size > kind->max_digest) {
        PyErr_Format(PyExc_ValueError, "inner_size must be between 0 and is %d", kind->max_digest);
    } else if (p->key.len > kind->max_key) {
        PyErr_Format(PyExc_ValueError, "maximum key length is %d bytes", kind->max_key);
    } else {
        return 0;
    }
    return -1;
}

static int int_argument(PyObject *argument, int *value) {
    if (argument == NULL) return 0;
    *value = _PyLong_AsInt(argument);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

static int bytes_argument(PyObject *argument, Py_buffer *view) {
    return argument == NULL ? 0 : PyObject_GetBuffer(argument, view, PyBUF_SIMPLE);
}

static int truth_argument(PyObject *argument, int *value) {
    if (argument == NULL) return 0;
    *value = PyObject_IsTrue(argument);
    return *value < 0 ? -1 : 0;
}

enum {
    DATA, DIGEST_SIZE, KEY, SALT, PERSON, FANOUT, DEPTH, LEAF_SIZE, NODE_OFFSET, NODE_DEPTH, INNER_SIZE, LAST_NODE,
    USED_FOR_SECURITY, ARGUMENTS
};

/* Converts the arguments in their order. Returns 0, or -1 with an exception; release the views in either case. */
static int convert(PyObject *const *values, Parameters *p) {
    int unused = 0;
    if (int_argument(values[DIGEST_SIZE], &p->digest_size) < 0 || bytes_argument(values[KEY], &p->key) < 0 ||
        bytes_argument(values[SALT], &p->salt) < 0 || bytes_argument(values[PERSON], &p->person) < 0 ||
        int_argument(values[FANOUT], &p->fanout) < 0 || int_argument(values[DEPTH], &p->depth) < 0) {
        return -1;
    }
    if (values[LEAF_SIZE] != NULL && !_PyLong_UnsignedLong_Converter(values[LEAF_SIZE], &p->leaf_size)) return -1;
    if (values[NODE_OFFSET] != NULL && !_PyLong_UnsignedLongLong_Converter(values[NODE_OFFSET], &p->node_offset)) {
        return -1;
    }
    if (int_argument(values[NODE_DEPTH], &p->node_depth) < 0 || int_argument(values[INNER_SIZE], &p->inner_size) < 0 ||
        truth_argument(values[LAST_NODE], &p->last_node) < 0) {
        return -1;
    }
    return truth_argument(values[USED_FOR_SECURITY], &unused);
}

static Blake2Object *new_object(PyTypeObject *type, const Blake2Kind *kind) {
    Blake2Object *self = (Blake2Object *)type->tp_alloc(type, 0);
    if (self != NULL) self->kind = kind;
    return self;
}

static PyObject *blake2_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"",      "digest_size", "key",         "salt",       "person",
                                           "fanout", "depth",       "leaf_size",   "node_offset", "node_depth",
                                           "inner_size", "last_node", "usedforsecurity", NULL};
    static struct _PyArg_Parser parsers[KINDS];
    PyObject *module = PyType_GetModule(type), *buffer[ARGUMENTS] = {NULL}, *values[ARGUMENTS] = {NULL};
    if (module == NULL) return NULL;
    int index = ((ModuleState *)PyModule_GetState(module))->types[0] == type ? 0 : 1;
    const Blake2Kind *kind = &kinds[index];
    parsers[index].keywords = keywords;
    parsers[index].fname = kind->name;
    Py_ssize_t nargs = PyTuple_GET_SIZE(args);
    PyObject *const *found = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, nargs, kwargs, NULL,
                                                   &parsers[index], 0, 1, 0, buffer);
    if (found == NULL) return NULL;
    memcpy(values, found, sizeof values[0] * (size_t)(found == buffer ? ARGUMENTS : nargs));
    Parameters parameters = {.digest_size = kind->max_digest, .fanout = 1, .depth = 1};
    Blake2Object *self = NULL;
    if (convert(values, &parameters) == 0 && check(kind, &parameters) == 0 && (self = new_object(type, kind)) != NULL) {
        start(self, &parameters);
        if (values[DATA] != NULL && take_in_object(self, values[DATA], 1) < 0) Py_CLEAR(self);
    }
    PyBuffer_Release(&parameters.key);
    PyBuffer_Release(&parameters.salt);
    PyBuffer_Release(&parameters.person);
    return (PyObject *)self;
}

static void blake2_dealloc(PyObject *op) {
    Blake2Object *self = (Blake2Object *)op;
    PyTypeObject *type = Py_TYPE(op);
    /* The block may hold a key. */
    explicit_bzero(self->block, sizeof self->block);
    explicit_bzero(&self->chain, sizeof self->chain);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *blake2_copy(PyObject *op, PyObject *unused) {
    Blake2Object *self = (Blake2Object *)op, *copy = new_object(Py_TYPE(op), self->kind);
    if (copy == NULL) return NULL;
    memcpy(&copy->chain, &self->chain, sizeof *self - offsetof(Blake2Object, chain));
    return (PyObject *)copy;
}

static PyObject *blake2_update(PyObject *op, PyObject *data) {
    if (take_in_object((Blake2Object *)op, data, 0) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *blake2_digest(PyObject *op, PyObject *unused) {
    unsigned char digest[64];
    finish((Blake2Object *)op, digest);
    return PyBytes_FromStringAndSize((const char *)digest, ((Blake2Object *)op)->digest_size);
}

static PyObject *blake2_hexdigest(PyObject *op, PyObject *unused) {
    unsigned char digest[64];
    finish((Blake2Object *)op, digest);
    return kr_hash_hex(digest, ((Blake2Object *)op)->digest_size);
}

static PyObject *blake2_name(PyObject *op, void *closure) {
    return PyUnicode_FromString(((Blake2Object *)op)->kind->name);
}

static PyObject *blake2_block_size(PyObject *op, void *closure) {
    return PyLong_FromLong(((Blake2Object *)op)->kind->block_size);
}

static PyObject *blake2_digest_size(PyObject *op, void *closure) {
    return PyLong_FromLong(((Blake2Object *)op)->digest_size);
}

static PyMethodDef blake2_methods[] = {
    {"copy", blake2_copy, METH_NOARGS, PyDoc_STR("copy($self, /)\n--\n\nA hash object in the same state.")},
    {"digest", blake2_digest, METH_NOARGS,
     PyDoc_STR("digest($self, /)\n--\n\nThe digest of all input so far, as bytes.")},
    {"hexdigest", blake2_hexdigest, METH_NOARGS,
     PyDoc_STR("hexdigest($self, /)\n--\n\nThe digest of all input so far, as a string of hexadecimal digits.")},
    {"update", blake2_update, METH_O, PyDoc_STR("update($self, data, /)\n--\n\nTake in the bytes of data.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef blake2_getset[] = {
    {"name", blake2_name, NULL, NULL, NULL},
    {"block_size", blake2_block_size, NULL, NULL, NULL},
    {"digest_size", blake2_digest_size, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

/* Sets `type`.NAME and, in upper case with the type's name before it, the module's constant. Returns 0 or -1. */
static int add_limit(PyObject *module, PyTypeObject *type, const Blake2Kind *kind, const char *name, int value) {
    char full[64];
    PyOS_snprintf(full, sizeof full, "BLAKE2%c_%s", kind->wide ? 'B' : 'S', name);
    PyObject *number = PyLong_FromLong(value);
    if (number == NULL) return -1;
    /* The type is immutable to Python code, so its dictionary is filled directly. */
    int result = PyDict_SetItemString(type->tp_dict, name, number);
    Py_DECREF(number);
    return result < 0 ? -1 : PyModule_AddIntConstant(module, full, value);
}

static int add_type(PyObject *module, int index) {
    const Blake2Kind *kind = &kinds[index];
    char name[32];
    PyOS_snprintf(name, sizeof name, "_blake2.%s", kind->name);
    PyType_Slot slots[] = {
        {Py_tp_new, blake2_new},         {Py_tp_dealloc, blake2_dealloc}, {Py_tp_doc, (void *)kind->signature},
        {Py_tp_methods, blake2_methods}, {Py_tp_getset, blake2_getset},   {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(Blake2Object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL) return -1;
    ((ModuleState *)PyModule_GetState(module))->types[index] = type;
    if (PyModule_AddType(module, type) < 0 || add_limit(module, type, kind, "SALT_SIZE", kind->salt_size) < 0 ||
        add_limit(module, type, kind, "PERSON_SIZE", kind->person_size) < 0 ||
        add_limit(module, type, kind, "MAX_KEY_SIZE", kind->max_key) < 0 ||
        add_limit(module, type, kind, "MAX_DIGEST_SIZE", kind->max_digest) < 0) {
        return -1;
    }
    PyType_Modified(type);
    return 0;
}

static int blake2_exec(PyObject *module) { return add_type(module, 0) < 0 ? -1 : add_type(module, 1); }

static int blake2_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = PyModule_GetState(module);
    for (int i = 0; i < KINDS; i++) Py_VISIT(state->types[i]);
    return 0;
}

static int blake2_clear(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    for (int i = 0; i < KINDS; i++) Py_CLEAR(state->types[i]);
    return 0;
}

static void blake2_free(void *module) { blake2_clear(module); }

static PyModuleDef_Slot blake2_slots[] = {{Py_mod_exec, blake2_exec}, {0, NULL}};

static struct PyModuleDef blake2_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_blake2",
    .m_doc = "The hash functions BLAKE2b and BLAKE2s.",
    .m_size = sizeof(ModuleState),
    .m_slots = blake2_slots,
    .m_traverse = blake2_traverse,
    .m_clear = blake2_clear,
    .m_free = blake2_free,
};

PyMODINIT_FUNC PyInit__blake2(void) { return PyModuleDef_Init(&blake2_module); }
