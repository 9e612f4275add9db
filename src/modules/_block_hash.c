/* What the hash modules share: input, padding and the methods of objects of block hashes. */
#include <Python.h>

#include "modules/_block_hash.h"

int kr_hash_get_bytes(PyObject *data, Py_buffer *view) {
    if (PyUnicode_Check(data)) {
        PyErr_SetString(PyExc_TypeError, "Strings must be encoded before hashing");
        return -1;
    }
    if (!PyObject_CheckBuffer(data)) {
        PyErr_SetString(PyExc_TypeError, "object supporting the buffer API required");
        return -1;
    }
    if (PyObject_GetBuffer(data, view, PyBUF_SIMPLE) < 0) return -1;
    if (view->ndim > 1) {
        PyErr_SetString(PyExc_BufferError, "Buffer must be single dimension");
        PyBuffer_Release(view);
        return -1;
    }
    return 0;
}

PyObject *kr_hash_hex(const unsigned char *bytes, Py_ssize_t size) {
    static const char digits[] = "0123456789abcdef";
    if (size > PY_SSIZE_T_MAX / 2) return PyErr_NoMemory();
    PyObject *result = PyUnicode_New(2 * size, 127);
    if (result == NULL || size == 0) return result;
    Py_UCS1 *text = PyUnicode_1BYTE_DATA(result);
    for (Py_ssize_t i = 0; i < size; i++) {
        text[2 * i] = (Py_UCS1)digits[bytes[i] >> 4];
        text[2 * i + 1] = (Py_UCS1)digits[bytes[i] & 15];
    }
    return result;
}

static void take_in(BlockHash *self, const unsigned char *data, size_t size) {
    size_t block_size = (size_t)self->kind->block_size, waiting = self->length % block_size;
    self->length += size;
    if (waiting > 0) {
        size_t missing = block_size - waiting;
        if (size < missing) missing = size;
        memcpy(self->block + waiting, data, missing);
        if (waiting + missing < block_size) return;
        self->kind->fold(&self->chain, self->block, 1);
        data += missing;
        size -= missing;
    }
    if (size >= block_size) {
        self->kind->fold(&self->chain, data, size / block_size);
        data += size / block_size * block_size;
        size %= block_size;
    }
    memcpy(self->block, data, size);
}

/* Takes in the bytes of `data`. Other threads may run meanwhile if the object is `fresh`, so that no thread can find its
 * chain half folded. Returns 0, or -1 with an exception. */
static int take_in_object(BlockHash *self, PyObject *data, int fresh) {
    enum { WORTH_RELEASING = 2048 };
    Py_buffer view;
    if (kr_hash_get_bytes(data, &view) < 0) return -1;
    if (fresh && view.len >= WORTH_RELEASING) {
        Py_BEGIN_ALLOW_THREADS
        take_in(self, view.buf, (size_t)view.len);
        Py_END_ALLOW_THREADS
    } else {
        take_in(self, view.buf, (size_t)view.len);
    }
    PyBuffer_Release(&view);
    return 0;
}

/* Writes the digest of what `self` has taken in; `self` is left alone. */
static void finish(const BlockHash *self, unsigned char *digest) {
    const HashKind *kind = self->kind;
    size_t block_size = (size_t)kind->block_size, used = self->length % block_size, length_size = block_size / 8;
    HashChain chain = self->chain;
    unsigned char block[HASH_MAX_BLOCK];
    memcpy(block, self->block, used);
    block[used++] = 0x80;
    if (used > block_size - length_size) {
        memset(block + used, 0, block_size - used);
        kind->fold(&chain, block, 1);
        used = 0;
    }
    memset(block + used, 0, block_size - used);
    uint64_t bits = self->length << 3;
    if (kind->big_endian) {
        uint64_t high = __builtin_bswap64(self->length >> 61), low = __builtin_bswap64(bits);
        if (length_size == 16) memcpy(block + block_size - 16, &high, 8);
        memcpy(block + block_size - 8, &low, 8);
    } else {
        memcpy(block + block_size - 8, &bits, 8);
    }
    kind->fold(&chain, block, 1);
    if (kind->big_endian) {
        for (int i = 0; i < 8; i++) {
            if (block_size == 128) chain.wide[i] = __builtin_bswap64(chain.wide[i]);
            else chain.narrow[i] = __builtin_bswap32(chain.narrow[i]);
        }
    }
    memcpy(digest, &chain, (size_t)kind->digest_size);
}

static BlockHash *new_hash(PyTypeObject *type, const HashKind *kind) {
    BlockHash *self = PyObject_GC_New(BlockHash, type);
    if (self == NULL) return NULL;
    self->kind = kind;
    self->length = 0;
    self->chain = kind->initial;
    PyObject_GC_Track(self);
    return self;
}

PyObject *kr_block_hash_call(PyObject *module, int index, const HashKind *kind, struct _PyArg_Parser *parser,
                             PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    PyObject *values[2] = {NULL, NULL}, *data = NULL;
    Py_ssize_t given = nargs + (kwnames ? PyTuple_GET_SIZE(kwnames) : 0);
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 0, 1, 0, values);
    if (args == NULL) return NULL;
    if (given > 0) {
        data = args[0];
        /* usedforsecurity is checked for being a truth value; it changes nothing here. */
        if (args == values && args[1] != NULL && PyObject_IsTrue(args[1]) < 0) return NULL;
    }
    HashModule *state = PyModule_GetState(module);
    BlockHash *self = new_hash(state->types[index], kind);
    if (self == NULL) return NULL;
    if (data != NULL && take_in_object(self, data, 1) < 0) Py_CLEAR(self);
    return (PyObject *)self;
}

static PyObject *hash_copy(PyObject *op, PyObject *unused) {
    BlockHash *self = (BlockHash *)op, *copy = new_hash(Py_TYPE(op), self->kind);
    if (copy == NULL) return NULL;
    copy->length = self->length;
    copy->chain = self->chain;
    memcpy(copy->block, self->block, self->length % (size_t)self->kind->block_size);
    return (PyObject *)copy;
}

static PyObject *hash_digest(PyObject *op, PyObject *unused) {
    BlockHash *self = (BlockHash *)op;
    unsigned char digest[64];
    finish(self, digest);
    return PyBytes_FromStringAndSize((const char *)digest, self->kind->digest_size);
}

static PyObject *hash_hexdigest(PyObject *op, PyObject *unused) {
    BlockHash *self = (BlockHash *)op;
    unsigned char digest[64];
    finish(self, digest);
    return kr_hash_hex(digest, self->kind->digest_size);
}

static PyObject *hash_update(PyObject *op, PyObject *data) {
    if (take_in_object((BlockHash *)op, data, 0) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *hash_digest_size(PyObject *op, void *closure) {
    return PyLong_FromLong(((BlockHash *)op)->kind->digest_size);
}

static PyObject *hash_block_size(PyObject *op, void *closure) {
    return PyLong_FromLong(((BlockHash *)op)->kind->block_size);
}

static PyObject *hash_name(PyObject *op, void *closure) {
    return PyUnicode_FromString(((BlockHash *)op)->kind->name);
}

static int hash_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    return 0;
}

static void hash_dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyMethodDef hash_methods[] = {
    {"copy", hash_copy, METH_NOARGS, PyDoc_STR("copy($self, /)\n--\n\nA hash object in the same state.")},
    {"digest", hash_digest, METH_NOARGS, PyDoc_STR("digest($self, /)\n--\n\nThe digest of all input so far, as bytes.")},
    {"hexdigest", hash_hexdigest, METH_NOARGS,
     PyDoc_STR("hexdigest($self, /)\n--\n\nThe digest of all input so far, as a string of hexadecimal digits.")},
    {"update", hash_update, METH_O, PyDoc_STR("update($self, obj, /)\n--\n\nTake in the bytes of obj.")},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef hash_getset[] = {
    {"digest_size", hash_digest_size, NULL, NULL, NULL},
    {"block_size", hash_block_size, NULL, NULL, NULL},
    {"name", hash_name, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyType_Slot kr_block_hash_slots[] = {
    {Py_tp_dealloc, hash_dealloc},
    {Py_tp_traverse, hash_traverse},
    {Py_tp_methods, hash_methods},
    {Py_tp_getset, hash_getset},
    {0, NULL},
};

int kr_block_hash_add(PyObject *module, int index, const HashKind *kind, const char *attribute) {
    HashModule *state = PyModule_GetState(module);
    PyObject *type = PyType_FromModuleAndSpec(module, kind->type_spec, NULL);
    if (type == NULL) return -1;
    state->types[index] = (PyTypeObject *)type;
    return attribute == NULL ? 0 : PyModule_AddObjectRef(module, attribute, type);
}

int kr_block_hash_module_traverse(PyObject *module, visitproc visit, void *arg) {
    HashModule *state = PyModule_GetState(module);
    for (int i = 0; i < HASH_MAX_KINDS; i++) Py_VISIT(state->types[i]);
    return 0;
}

int kr_block_hash_module_clear(PyObject *module) {
    HashModule *state = PyModule_GetState(module);
    for (int i = 0; i < HASH_MAX_KINDS; i++) Py_CLEAR(state->types[i]);
    return 0;
}

void kr_block_hash_module_free(void *module) { kr_block_hash_module_clear(module); }
