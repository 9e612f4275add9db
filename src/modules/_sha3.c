/* The module _sha3: the SHA-3 and SHAKE functions (FIPS 202) on the sponge Keccak-f[1600].
 *
 * The state is 200 bytes; input is xored into its first `rate` bytes, and after each full rate the permutation mixes the
 * whole. Invariant: `position` < `rate` bytes of the state have met input since the last permutation. Output is squeezed
 * from a copy, so that an object can take in more after a digest was taken.
 */
#include <Python.h>

#include "modules/_block_hash.h"

enum { LANES = 25, STATE_BYTES = 200, ROUNDS = 24, WORTH_RELEASING = 2048, MAX_SQUEEZE = 1 << 29 };

/* One algorithm. A digest size of 0 means that the caller chooses. */
typedef struct SpongeKind {
    const char *name;
    int digest_size;
    int rate;
    unsigned char suffix; /* what is appended to the input, with the first bit of the padding */
} SpongeKind;

static const SpongeKind kinds[] = {
    {"sha3_224", 28, 144, 0x06}, {"sha3_256", 32, 136, 0x06},  {"sha3_384", 48, 104, 0x06},
    {"sha3_512", 64, 72, 0x06},  {"shake_128", 0, 168, 0x1f}, {"shake_256", 0, 136, 0x1f},
};

enum { KINDS = Py_ARRAY_LENGTH(kinds) };

typedef struct ModuleState {
    PyTypeObject *types[KINDS];
} ModuleState;

typedef struct SpongeObject {
    PyObject_HEAD
    const SpongeKind *kind;
    int position;
    union {
        uint64_t lanes[LANES];
        unsigned char bytes[STATE_BYTES];
    } state;
} SpongeObject;

static inline uint64_t rotate_left(uint64_t word, int count) { return word << count | word >> (64 - count); }

static void permute(uint64_t *lanes) {
    static const uint64_t round_constants[ROUNDS] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
        0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
        0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
        0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
    };
    /* Where the lane that moves goes next, and how far it turns there. */
    static const unsigned char next[24] = {10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4,
                                           15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1};
    static const unsigned char turns[24] = {1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14,
                                           27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44};
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t column[5];
        for (int x = 0; x < 5; x++) {
            column[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
        }
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) {
            uint64_t mix = column[(x + 4) % 5] ^ rotate_left(column[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5) lanes[x + y] ^= mix;
        }
        uint64_t moving = lanes[1];
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++) {
            uint64_t displaced = lanes[next[i]];
            lanes[next[i]] = rotate_left(moving, turns[i]);
            moving = displaced;
        }
#pragma GCC unroll 5
        for (int y = 0; y < 25; y += 5) {
            uint64_t a = lanes[y], b = lanes[y + 1], c = lanes[y + 2], d = lanes[y + 3], e = lanes[y + 4];
            lanes[y] = a ^ (~b & c);
            lanes[y + 1] = b ^ (~c & d);
            lanes[y + 2] = c ^ (~d & e);
            lanes[y + 3] = d ^ (~e & a);
            lanes[y + 4] = e ^ (~a & b);
        }
        lanes[0] ^= round_constants[round];
    }
}

static void absorb(SpongeObject *self, const unsigned char *data, Py_ssize_t size) {
    int rate = self->kind->rate, position = self->position;
    while (size > 0) {
        if (position == 0 && size >= rate) {
            for (int i = 0; i < rate / 8; i++) self->state.lanes[i] ^= hash_load64(data + 8 * i);
            permute(self->state.lanes);
            data += rate;
            size -= rate;
            continue;
        }
        self->state.bytes[position++] ^= *data++;
        size--;
        if (position == rate) {
            permute(self->state.lanes);
            position = 0;
        }
    }
    self->position = position;
}

/* Writes `size` bytes of output for what `self` has taken in; `self` is left alone. */
static void squeeze(const SpongeObject *self, unsigned char *output, size_t size) {
    SpongeObject copy = *self;
    size_t rate = (size_t)self->kind->rate;
    copy.state.bytes[copy.position] ^= self->kind->suffix;
    copy.state.bytes[rate - 1] ^= 0x80;
    while (size > 0) {
        size_t part = size < rate ? size : rate;
        permute(copy.state.lanes);
        memcpy(output, copy.state.bytes, part);
        output += part;
        size -= part;
    }
}

/* Takes in the bytes of `data`; other threads may run meanwhile if the object is `fresh`. Returns 0 or -1. */
static int absorb_object(SpongeObject *self, PyObject *data, int fresh) {
    Py_buffer view;
    if (kr_hash_get_bytes(data, &view) < 0) return -1;
    if (fresh && view.len >= WORTH_RELEASING) {
        Py_BEGIN_ALLOW_THREADS
        absorb(self, view.buf, view.len);
        Py_END_ALLOW_THREADS
    } else {
        absorb(self, view.buf, view.len);
    }
    PyBuffer_Release(&view);
    return 0;
}

static SpongeObject *new_sponge(PyTypeObject *type, const SpongeKind *kind) {
    SpongeObject *self = PyObject_New(SpongeObject, type);
    if (self == NULL) return NULL;
    self->kind = kind;
    self->position = 0;
    memset(&self->state, 0, sizeof self->state);
    return self;
}

static PyObject *sponge_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"", "usedforsecurity", NULL};
    static struct _PyArg_Parser parsers[KINDS];
    PyObject *module = PyType_GetModule(type), *values[2] = {NULL, NULL};
    if (module == NULL) return NULL;
    ModuleState *module_state = PyModule_GetState(module);
    int index = 0;
    while (index < KINDS - 1 && module_state->types[index] != type) index++;
    struct _PyArg_Parser *parser = &parsers[index];
    parser->keywords = keywords;
    parser->fname = kinds[index].name;
    Py_ssize_t nargs = PyTuple_GET_SIZE(args);
    PyObject *const *found = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, nargs, kwargs, NULL, parser, 0, 1,
                                                   0, values);
    if (found == NULL) return NULL;
    PyObject *data = nargs > 0 ? found[0] : NULL; /* `found` has slots for all arguments only if it is `values` */
    if (found == values && found[1] != NULL && PyObject_IsTrue(found[1]) < 0) return NULL;
    SpongeObject *self = new_sponge(type, &kinds[index]);
    if (self == NULL) return NULL;
    if (data != NULL && absorb_object(self, data, 1) < 0) Py_CLEAR(self);
    return (PyObject *)self;
}

static void sponge_dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    PyObject_Free(op);
    Py_DECREF(type);
}

static PyObject *sponge_copy(PyObject *op, PyObject *unused) {
    SpongeObject *self = (SpongeObject *)op, *copy = new_sponge(Py_TYPE(op), self->kind);
    if (copy == NULL) return NULL;
    copy->position = self->position;
    copy->state = self->state;
    return (PyObject *)copy;
}

static PyObject *sponge_digest(PyObject *op, PyObject *unused) {
    SpongeObject *self = (SpongeObject *)op;
    unsigned char digest[64];
    squeeze(self, digest, (size_t)self->kind->digest_size);
    return PyBytes_FromStringAndSize((const char *)digest, self->kind->digest_size);
}

static PyObject *sponge_hexdigest(PyObject *op, PyObject *unused) {
    SpongeObject *self = (SpongeObject *)op;
    unsigned char digest[64];
    squeeze(self, digest, (size_t)self->kind->digest_size);
    return kr_hash_hex(digest, self->kind->digest_size);
}

static PyObject *sponge_update(PyObject *op, PyObject *data) {
    if (absorb_object((SpongeObject *)op, data, 0) < 0) return NULL;
    Py_RETURN_NONE;
}

/* The output of chosen length as a new bytes object, or NULL. */
static PyObject *shake_output(PyObject *op, PyObject *argument) {
    unsigned long length;
    if (!_PyLong_UnsignedLong_Converter(argument, &length)) return NULL;
    if (length >= MAX_SQUEEZE) {
        PyErr_SetString(PyExc_ValueError, "length is too large");
        return NULL;
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)length);
    if (result != NULL) squeeze((SpongeObject *)op, (unsigned char *)PyBytes_AS_STRING(result), length);
    return result;
}

static PyObject *shake_digest(PyObject *op, PyObject *length) { return shake_output(op, length); }

static PyObject *shake_hexdigest(PyObject *op, PyObject *length) {
    PyObject *bytes = shake_output(op, length);
    if (bytes == NULL) return NULL;
    PyObject *result = kr_hash_hex((unsigned char *)PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return result;
}

static PyObject *sponge_block_size(PyObject *op, void *closure) {
    return PyLong_FromLong(((SpongeObject *)op)->kind->rate);
}

static PyObject *sponge_name(PyObject *op, void *closure) {
    return PyUnicode_FromString(((SpongeObject *)op)->kind->name);
}

static PyObject *sponge_digest_size(PyObject *op, void *closure) {
    return PyLong_FromLong(((SpongeObject *)op)->kind->digest_size);
}

static PyObject *sponge_capacity_bits(PyObject *op, void *closure) {
    return PyLong_FromLong(8 * (STATE_BYTES - ((SpongeObject *)op)->kind->rate));
}

static PyObject *sponge_rate_bits(PyObject *op, void *closure) {
    return PyLong_FromLong(8 * ((SpongeObject *)op)->kind->rate);
}

static PyObject *sponge_suffix(PyObject *op, void *closure) {
    return PyBytes_FromStringAndSize((const char *)&((SpongeObject *)op)->kind->suffix, 1);
}

#define COPY_METHOD                                                                                                   \
    {"copy", sponge_copy, METH_NOARGS, PyDoc_STR("copy($self, /)\n--\n\nA hash object in the same state.")}
#define UPDATE_METHOD                                                                                                 \
    {"update", sponge_update, METH_O, PyDoc_STR("update($self, data, /)\n--\n\nTake in the bytes of data.")}

static PyMethodDef sha3_methods[] = {
    COPY_METHOD,
    {"digest", sponge_digest, METH_NOARGS,
     PyDoc_STR("digest($self, /)\n--\n\nThe digest of all input so far, as bytes.")},
    {"hexdigest", sponge_hexdigest, METH_NOARGS,
     PyDoc_STR("hexdigest($self, /)\n--\n\nThe digest of all input so far, as a string of hexadecimal digits.")},
    UPDATE_METHOD,
    {NULL, NULL, 0, NULL},
};

static PyMethodDef shake_methods[] = {
    COPY_METHOD,
    {"digest", shake_digest, METH_O,
     PyDoc_STR("digest($self, length, /)\n--\n\nThe first length bytes of output for all input so far.")},
    {"hexdigest", shake_hexdigest, METH_O,
     PyDoc_STR("hexdigest($self, length, /)\n--\n\nThe first length bytes of output, as hexadecimal digits.")},
    UPDATE_METHOD,
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef sponge_getset[] = {
    {"block_size", sponge_block_size, NULL, NULL, NULL},
    {"name", sponge_name, NULL, NULL, NULL},
    {"digest_size", sponge_digest_size, NULL, NULL, NULL},
    {"_capacity_bits", sponge_capacity_bits, NULL, NULL, NULL},
    {"_rate_bits", sponge_rate_bits, NULL, NULL, NULL},
    {"_suffix", sponge_suffix, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static int add_type(PyObject *module, int index) {
    const SpongeKind *kind = &kinds[index];
    char name[32], doc[128];
    PyOS_snprintf(name, sizeof name, "_sha3.%s", kind->name);
    PyOS_snprintf(doc, sizeof doc, "%s([data], *, usedforsecurity=True): a hash object that has taken in data.",
                  kind->name);
    PyType_Slot slots[] = {
        {Py_tp_new, sponge_new},       {Py_tp_dealloc, sponge_dealloc},
        {Py_tp_doc, doc},              {Py_tp_methods, kind->digest_size > 0 ? sha3_methods : shake_methods},
        {Py_tp_getset, sponge_getset}, {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(SpongeObject),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    if (type == NULL) return -1;
    ((ModuleState *)PyModule_GetState(module))->types[index] = type;
    return PyModule_AddType(module, type);
}

static int sha3_exec(PyObject *module) {
    for (int i = 0; i < KINDS; i++) {
        if (add_type(module, i) < 0) return -1;
    }
    if (PyModule_AddIntConstant(module, "keccakopt", 0) < 0) return -1;
    return PyModule_AddStringConstant(module, "implementation", "krait");
}

static int sha3_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = PyModule_GetState(module);
    for (int i = 0; i < KINDS; i++) Py_VISIT(state->types[i]);
    return 0;
}

static int sha3_clear(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    for (int i = 0; i < KINDS; i++) Py_CLEAR(state->types[i]);
    return 0;
}

static void sha3_free(void *module) { sha3_clear(module); }

static PyModuleDef_Slot sha3_slots[] = {{Py_mod_exec, sha3_exec}, {0, NULL}};

static struct PyModuleDef sha3_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_sha3",
    .m_size = sizeof(ModuleState),
    .m_slots = sha3_slots,
    .m_traverse = sha3_traverse,
    .m_clear = sha3_clear,
    .m_free = sha3_free,
};

PyMODINIT_FUNC PyInit__sha3(void) { return PyModuleDef_Init(&sha3_module); }
