/* The module _random: the Mersenne Twister MT19937 (M. Matsumoto, T. Nishimura, 1998).
 *
 * Sequences equal those of every other Python for the same seed.
 */
#include <Python.h>

#include "types/int.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 624, SHIFT_WORDS = 397 };

typedef struct RandomObject {
    PyObject_HEAD
    int next; /* word to be used next; WORDS if all are used up */
    uint32_t word[WORDS];
} RandomObject;

typedef struct ModuleState {
    PyTypeObject *type;
} ModuleState;

static struct PyModuleDef random_module;

/* ---- the generator ---- */

static uint32_t twist(uint32_t high, uint32_t low, uint32_t far) {
    uint32_t mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
    return far ^ (mixed >> 1) ^ (low & 1 ? 0x9908b0dfu : 0);
}

static void refill(RandomObject *self) {
    uint32_t *word = self->word;
    int i = 0;
    for (; i < WORDS - SHIFT_WORDS; i++) word[i] = twist(word[i], word[i + 1], word[i + SHIFT_WORDS]);
    for (; i < WORDS - 1; i++) word[i] = twist(word[i], word[i + 1], word[i + SHIFT_WORDS - WORDS]);
    word[WORDS - 1] = twist(word[WORDS - 1], word[0], word[SHIFT_WORDS - 1]);
    self->next = 0;
}

static inline uint32_t next_word(RandomObject *self) {
    if (self->next >= WORDS) refill(self);
    uint32_t y = self->word[self->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static void seed_with_number(RandomObject *self, uint32_t seed) {
    self->word[0] = seed;
    for (uint32_t i = 1; i < WORDS; i++) self->word[i] = seed = 1812433253u * (seed ^ (seed >> 30)) + i;
    self->next = WORDS;
}

static void seed_with_key(RandomObject *self, const uint32_t *key, size_t length) {
    uint32_t *word = self->word;
    seed_with_number(self, 19650218u);
    size_t i = 1, j = 0;
    uint32_t last = word[0]; /* the word before the i-th */
    for (size_t k = length > WORDS ? length : WORDS; k > 0; k--) {
        word[i] = last = (word[i] ^ ((last ^ (last >> 30)) * 1664525u)) + key[j] + (uint32_t)j;
        if (++i == WORDS) {
            word[0] = last;
            i = 1;
        }
        if (++j == length) j = 0;
    }
    for (int k = WORDS - 1; k > 0; k--) {
        word[i] = last = (word[i] ^ ((last ^ (last >> 30)) * 1566083941u)) - (uint32_t)i;
        if (++i == WORDS) {
            word[0] = last;
            i = 1;
        }
    }
    word[0] = 0x80000000u;
}

/* Seeds from the system's randomness, or from clocks if it has none yet. */
static void seed_with_entropy(RandomObject *self) {
    uint32_t key[WORDS];
    if (getrandom(key, sizeof key, GRND_NONBLOCK) == (ssize_t)sizeof key) {
        seed_with_key(self, key, WORDS);
        return;
    }
    struct timespec now, up;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_MONOTONIC, &up);
    uint32_t clocks[] = {(uint32_t)now.tv_nsec, (uint32_t)now.tv_sec, (uint32_t)getpid(), (uint32_t)up.tv_nsec,
                         (uint32_t)up.tv_sec};
    seed_with_key(self, clocks, Py_ARRAY_LENGTH(clocks));
}

/* Seeds from any hashable object; NULL or None takes entropy. Returns 0 or -1. */
static int seed_with_object(RandomObject *self, PyObject *object) {
    if (object == NULL || object == Py_None) {
        seed_with_entropy(self);
        return 0;
    }
    PyObject *number;
    if (PyLong_Check(object)) {
        number = kr_int_absolute((PyLongObject *)object);
    } else {
        Py_hash_t hash = PyObject_Hash(object);
        if (hash == -1) return -1;
        number = PyLong_FromSize_t((size_t)hash);
    }
    if (number == NULL) return -1;
    size_t bits = kr_int_bit_length((PyLongObject *)number);
    size_t length = bits == 0 ? 1 : (bits - 1) / 32 + 1;
    int result = -1;
    uint32_t *key = PyMem_Malloc(length * sizeof(uint32_t));
    if (key == NULL) {
        PyErr_NoMemory();
    } else if (_PyLong_AsByteArray((PyLongObject *)number, (unsigned char *)key, length * sizeof(uint32_t),
                                   PY_LITTLE_ENDIAN, 0) == 0) {
        seed_with_key(self, key, length);
        result = 0;
    }
    PyMem_Free(key);
    Py_DECREF(number);
    return result;
}

/* ---- methods ---- */

PyDoc_STRVAR(random_doc, "random($self, /)\n--\n\nrandom() -> x in the interval [0, 1).");
static PyObject *random_random(PyObject *self, PyObject *unused) {
    uint32_t high = next_word((RandomObject *)self) >> 5, low = next_word((RandomObject *)self) >> 6;
    return PyFloat_FromDouble((high * 67108864.0 + low) * (1.0 / 9007199254740992.0));
}

PyDoc_STRVAR(seed_doc, "seed($self, n=None, /)\n--\n\n"
                       "Start anew from an int, the hash of another object, or the system's entropy for None.");
static PyObject *random_seed(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("seed", nargs, 0, 1)) return NULL;
    if (seed_with_object((RandomObject *)self, nargs > 0 ? args[0] : NULL) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(getstate_doc, "getstate($self, /)\n--\n\nThe generator's state, as a tuple for setstate().");
static PyObject *random_getstate(PyObject *op, PyObject *unused) {
    RandomObject *self = (RandomObject *)op;
    PyObject *state = PyTuple_New(WORDS + 1);
    for (int i = 0; i <= WORDS && state != NULL; i++) {
        PyObject *value = PyLong_FromUnsignedLong(i < WORDS ? self->word[i] : (unsigned long)self->next);
        if (value == NULL) {
            Py_CLEAR(state);
        } else {
            PyTuple_SET_ITEM(state, i, value);
        }
    }
    return state;
}

PyDoc_STRVAR(setstate_doc, "setstate($self, state, /)\n--\n\nReturn to a state from getstate().");
static PyObject *random_setstate(PyObject *op, PyObject *state) {
    RandomObject *self = (RandomObject *)op;
    uint32_t word[WORDS];
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "state vector must be a tuple");
        return NULL;
    }
    if (PyTuple_GET_SIZE(state) != WORDS + 1) {
        PyErr_SetString(PyExc_ValueError, "state vector is the wrong size");
        return NULL;
    }
    for (int i = 0; i < WORDS; i++) {
        unsigned long value = PyLong_AsUnsignedLong(PyTuple_GET_ITEM(state, i));
        if (value == (unsigned long)-1 && PyErr_Occurred()) return NULL;
        word[i] = (uint32_t)value;
    }
    long next = PyLong_AsLong(PyTuple_GET_ITEM(state, WORDS));
    if (next == -1 && PyErr_Occurred()) return NULL;
    if (next < 0 || next > WORDS) {
        PyErr_SetString(PyExc_ValueError, "invalid state");
        return NULL;
    }
    memcpy(self->word, word, sizeof word);
    self->next = (int)next;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(getrandbits_doc, "getrandbits($self, k, /)\n--\n\nA random int of up to k bits.");
static PyObject *random_getrandbits(PyObject *op, PyObject *argument) {
    RandomObject *self = (RandomObject *)op;
    int bits = _PyLong_AsInt(argument);
    if (bits == -1 && PyErr_Occurred()) return NULL;
    if (bits < 0) {
        PyErr_SetString(PyExc_ValueError, "number of bits must be non-negative");
        return NULL;
    }
    if (bits == 0) return PyLong_FromLong(0);
    if (bits <= 32) return PyLong_FromUnsignedLong(next_word(self) >> (32 - bits));
    size_t count = (size_t)(bits - 1) / 32 + 1;
    uint32_t small[64];
    uint32_t *words = count <= Py_ARRAY_LENGTH(small) ? small : PyMem_Malloc(count * sizeof(uint32_t));
    if (words == NULL) return PyErr_NoMemory();
    for (size_t i = 0; i < count; i++, bits -= 32) {
        uint32_t word = next_word(self);
        if (bits < 32) word >>= 32 - bits;
#if PY_LITTLE_ENDIAN
        words[i] = word;
#else
        words[count - 1 - i] = word;
#endif
    }
    PyObject *result =
        _PyLong_FromByteArray((const unsigned char *)words, count * sizeof(uint32_t), PY_LITTLE_ENDIAN, 0);
    if (words != small) PyMem_Free(words);
    return result;
}

/* ---- the type and the module ---- */

static int random_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *module = PyType_GetModuleByDef(Py_TYPE(self), &random_module);
    if (module == NULL) return -1;
    ModuleState *state = PyModule_GetState(module);
    if (Py_IS_TYPE(self, state->type) && !_PyArg_NoKeywords("Random", kwargs)) return -1;
    if (PyTuple_GET_SIZE(args) > 1) {
        PyErr_SetString(PyExc_TypeError, "Random() requires 0 or 1 argument");
        return -1;
    }
    return seed_with_object((RandomObject *)self, PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : NULL);
}

static void random_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef random_methods[] = {
    {"random", random_random, METH_NOARGS, random_doc},
    {"seed", (PyCFunction)(void (*)(void))random_seed, METH_FASTCALL, seed_doc},
    {"getstate", random_getstate, METH_NOARGS, getstate_doc},
    {"setstate", random_setstate, METH_O, setstate_doc},
    {"getrandbits", random_getrandbits, METH_O, getrandbits_doc},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(random_type_doc, "Random() -> create a random number generator with its own state.");

static PyType_Slot random_type_slots[] = {
    {Py_tp_doc, (void *)random_type_doc}, {Py_tp_methods, random_methods},
    {Py_tp_new, PyType_GenericNew},       {Py_tp_dealloc, random_dealloc},
    {Py_tp_free, PyObject_Free},          {Py_tp_init, random_init},            {0, NULL},
};

static PyType_Spec random_type_spec = {
    .name = "_random.Random",
    .basicsize = sizeof(RandomObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = random_type_slots,
};

static int random_exec(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    state->type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &random_type_spec, NULL);
    return state->type == NULL ? -1 : PyModule_AddType(module, state->type);
}

static int random_module_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = PyModule_GetState(module);
    Py_VISIT(state->type);
    return 0;
}

static int random_module_clear(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    Py_CLEAR(state->type);
    return 0;
}

static void random_module_free(void *module) { random_module_clear(module); }

static PyModuleDef_Slot random_slots[] = {{Py_mod_exec, random_exec}, {0, NULL}};

static struct PyModuleDef random_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_random",
    .m_doc = "The Mersenne Twister generator of random numbers.",
    .m_size = sizeof(ModuleState),
    .m_slots = random_slots,
    .m_traverse = random_module_traverse,
    .m_clear = random_module_clear,
    .m_free = random_module_free,
};

PyMODINIT_FUNC PyInit__random(void) { return PyModuleDef_Init(&random_module); }
