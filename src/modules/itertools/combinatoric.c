/* itertools: product, permutations, combinations, combinations_with_replacement. */
#include <Python.h>

#include "modules/itertools/itertools.h"

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the iterator.");
PyDoc_STRVAR(setstate_doc, "Take over a state that __reduce__ gave.");
PyDoc_STRVAR(sizeof_doc, "Return the iterator's size in memory, in bytes.");

/* Objects of all four types begin alike. The indices say which elements of the pool (or pools) the last result has. */
#define COMBINATORIC_HEAD                                                                                              \
    PyObject_HEAD                                                                                                      \
    PyObject *pool;   /* tuple of elements; product: tuple of such tuples */                                           \
    PyObject *result; /* the last tuple given out, NULL before the first */                                            \
    Py_ssize_t *indices;                                                                                               \
    int stopped;

typedef struct {
    COMBINATORIC_HEAD
    Py_ssize_t length; /* of a result */
} Combinatoric;

/* Converts indices to a tuple of ints. */
static PyObject *tuple_of_indices(const Py_ssize_t *indices, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *index = PyLong_FromSsize_t(indices[i]);
        if (index == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, index);
    }
    return tuple;
}

/* Reads an int from a state, kept between 0 and `most`. Returns -1 with an exception. */
static Py_ssize_t index_in_state(PyObject *state, Py_ssize_t i, Py_ssize_t most) {
    Py_ssize_t index = PyLong_AsSsize_t(PyTuple_GET_ITEM(state, i));
    if (index == -1 && PyErr_Occurred()) return -1;
    if (index > most) index = most;
    return index < 0 ? 0 : index;
}

static int is_state_of_length(PyObject *state, Py_ssize_t length) {
    if (PyTuple_Check(state) && PyTuple_GET_SIZE(state) == length) return 1;
    PyErr_SetString(PyExc_ValueError, "invalid arguments");
    return 0;
}

/* Makes the result that the indices into one pool describe the last one given out. Returns 0 or -1. */
static int set_result(Combinatoric *self) {
    PyObject *result = PyTuple_New(self->length);
    if (result == NULL) return -1;
    for (Py_ssize_t i = 0; i < self->length; i++)
        PyTuple_SET_ITEM(result, i, Py_NewRef(PyTuple_GET_ITEM(self->pool, self->indices[i])));
    Py_XSETREF(self->result, result);
    return 0;
}

/* Gives the first result. */
static PyObject *first_result(Combinatoric *self) { return set_result(self) < 0 ? NULL : Py_NewRef(self->result); }

static PyObject *combinatoric_sizeof(PyObject *op, PyObject *unused) {
    size_t size = (size_t)Py_TYPE(op)->tp_basicsize;
    return PyLong_FromSize_t(size + (size_t)((Combinatoric *)op)->length * sizeof(Py_ssize_t));
}

/* Makes an object with the pool (taken over) and memory for its indices. */
static void *make_combinatoric(PyTypeObject *type, PyObject *pool, Py_ssize_t index_count) {
    Py_ssize_t *indices = PyMem_New(Py_ssize_t, index_count > 0 ? index_count : 1);
    Combinatoric *self = indices != NULL ? (Combinatoric *)type->tp_alloc(type, 0) : NULL;
    if (self == NULL) {
        if (indices == NULL) PyErr_NoMemory();
        PyMem_Free(indices);
        Py_DECREF(pool);
        return NULL;
    }
    self->pool = pool;
    self->indices = indices;
    return self;
}

/* product */

typedef struct {
    COMBINATORIC_HEAD
} Product;

static inline Py_ssize_t product_length(Product *self) { return PyTuple_GET_SIZE(self->pool); }

ITERTOOL_LIFE(product, 2, PyMem_Free(((Product *)op)->indices))

PyDoc_STRVAR(product_doc, "product(*iterables, repeat=1) -> give the tuples of one element of each iterable\n\n"
                          "The last element changes fastest. With repeat, the iterables are taken that many times.");

static PyObject *product_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t repeat = 1, count = PyTuple_GET_SIZE(args);
    if (kwargs != NULL) {
        static char *keywords[] = {"repeat", NULL};
        PyObject *none = PyTuple_New(0);
        if (none == NULL) return NULL;
        int parsed = PyArg_ParseTupleAndKeywords(none, kwargs, "|n:product", keywords, &repeat);
        Py_DECREF(none);
        if (!parsed) return NULL;
        if (repeat < 0) {
            PyErr_SetString(PyExc_ValueError, "repeat argument cannot be negative");
            return NULL;
        }
    }
    if (repeat == 0) count = 0;
    if (count > 0 && repeat > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(Py_ssize_t) / count) {
        PyErr_SetString(PyExc_OverflowError, "repeat argument too large");
        return NULL;
    }
    Py_ssize_t length = count * repeat;
    PyObject *pools = PyTuple_New(length);
    if (pools == NULL) return NULL;
    for (Py_ssize_t i = 0; i < length; i++) {
        PyObject *pool =
            i < count ? PySequence_Tuple(PyTuple_GET_ITEM(args, i)) : Py_NewRef(PyTuple_GET_ITEM(pools, i - count));
        if (pool == NULL) {
            Py_DECREF(pools);
            return NULL;
        }
        PyTuple_SET_ITEM(pools, i, pool);
    }
    Product *self = make_combinatoric(type, pools, length);
    for (Py_ssize_t i = 0; self != NULL && i < length; i++) self->indices[i] = 0;
    return (PyObject *)self;
}

static inline PyObject *product_element(Product *self, Py_ssize_t i) {
    return PyTuple_GET_ITEM(PyTuple_GET_ITEM(self->pool, i), self->indices[i]);
}

static PyObject *product_stop(Product *self) {
    self->stopped = 1;
    return NULL;
}

static PyObject *product_next(PyObject *op) {
    Product *self = (Product *)op;
    if (self->stopped) return NULL;
    if (self->result == NULL) {
        for (Py_ssize_t i = 0; i < product_length(self); i++) {
            if (PyTuple_GET_SIZE(PyTuple_GET_ITEM(self->pool, i)) == 0) return product_stop(self);
        }
        self->result = PyTuple_New(product_length(self));
        if (self->result == NULL) return NULL;
        for (Py_ssize_t i = 0; i < product_length(self); i++)
            PyTuple_SET_ITEM(self->result, i, Py_NewRef(product_element(self, i)));
        return Py_NewRef(self->result);
    }
    PyObject *result = itertool_result(&self->result);
    if (result == NULL) return NULL;
    Py_ssize_t i = product_length(self) - 1;
    for (; i >= 0; i--) {
        int rolls_over = ++self->indices[i] == PyTuple_GET_SIZE(PyTuple_GET_ITEM(self->pool, i));
        if (rolls_over) self->indices[i] = 0;
        itertool_replace(result, i, Py_NewRef(product_element(self, i)));
        if (!rolls_over) break;
    }
    if (i < 0) return product_stop(self);
    return Py_NewRef(result);
}

static PyObject *product_reduce(PyObject *op, PyObject *unused) {
    Product *self = (Product *)op;
    if (self->stopped) return Py_BuildValue("O(())", Py_TYPE(op));
    if (self->result == NULL) return Py_BuildValue("OO", Py_TYPE(op), self->pool);
    PyObject *indices = tuple_of_indices(self->indices, product_length(self));
    return indices != NULL ? Py_BuildValue("OON", Py_TYPE(op), self->pool, indices) : NULL;
}

static PyObject *product_setstate(PyObject *op, PyObject *state) {
    Product *self = (Product *)op;
    if (!is_state_of_length(state, product_length(self))) return NULL;
    for (Py_ssize_t i = 0; i < product_length(self); i++) {
        Py_ssize_t size = PyTuple_GET_SIZE(PyTuple_GET_ITEM(self->pool, i));
        if (size == 0) {
            self->stopped = 1;
            Py_RETURN_NONE;
        }
        Py_ssize_t index = index_in_state(state, i, size - 1);
        if (index < 0) return NULL;
        self->indices[i] = index;
    }
    PyObject *result = PyTuple_New(product_length(self));
    if (result == NULL) return NULL;
    for (Py_ssize_t i = 0; i < product_length(self); i++) PyTuple_SET_ITEM(result, i, Py_NewRef(product_element(self, i)));
    Py_XSETREF(self->result, result);
    Py_RETURN_NONE;
}

static PyObject *product_sizeof(PyObject *op, PyObject *unused) {
    size_t size = (size_t)Py_TYPE(op)->tp_basicsize;
    return PyLong_FromSize_t(size + (size_t)product_length((Product *)op) * sizeof(Py_ssize_t));
}

static PyMethodDef product_methods[] = {
    {"__reduce__", product_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", product_setstate, METH_O, setstate_doc},
    {"__sizeof__", product_sizeof, METH_NOARGS, sizeof_doc},
    {NULL},
};

PyTypeObject kr_product_type = {
    ITERTOOL_SLOTS(product, Product),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = product_methods,
};

/* combinations */

typedef Combinatoric Combinations;

ITERTOOL_LIFE(combinations, 2, PyMem_Free(((Combinations *)op)->indices))

PyDoc_STRVAR(combinations_doc, "combinations(iterable, r)\n--\n\n"
                               "Give the r-tuples of elements at different positions, each set of positions once.");

/* Parses (iterable, r). Returns the tuple of elements, a new reference, and sets *length. */
static PyObject *pool_and_length(PyObject *args, PyObject *kwargs, _PyArg_Parser *parser, Py_ssize_t *length) {
    PyObject *given[2];
    if (itertool_unpack(args, kwargs, parser, 2, 2, given, 2) < 0 || kr_ssize_argument(given[1], length) < 0) return NULL;
    PyObject *pool = PySequence_Tuple(given[0]);
    if (pool != NULL && *length < 0) {
        PyErr_SetString(PyExc_ValueError, "r must be non-negative");
        Py_CLEAR(pool);
    }
    return pool;
}

static PyObject *combinations_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"iterable", "r", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "combinations"};
    Py_ssize_t length;
    PyObject *pool = pool_and_length(args, kwargs, &parser, &length);
    if (pool == NULL) return NULL;
    int stopped = length > PyTuple_GET_SIZE(pool);
    Combinations *self = make_combinatoric(type, pool, stopped ? 0 : length);
    if (self == NULL) return NULL;
    self->length = length;
    self->stopped = stopped;
    for (Py_ssize_t i = 0; !stopped && i < length; i++) self->indices[i] = i;
    return (PyObject *)self;
}

static PyObject *combinations_next(PyObject *op) {
    Combinations *self = (Combinations *)op;
    if (self->stopped) return NULL;
    if (self->result == NULL) return first_result(self);
    /* Advance the rightmost index that has not reached its greatest value; those behind it follow it closely. */
    Py_ssize_t *indices = self->indices, size = PyTuple_GET_SIZE(self->pool), length = self->length, i = length - 1;
    while (i >= 0 && indices[i] == i + size - length) i--;
    if (i < 0) {
        self->stopped = 1;
        return NULL;
    }
    PyObject *result = itertool_result(&self->result);
    if (result == NULL) return NULL;
    indices[i]++;
    for (Py_ssize_t j = i + 1; j < length; j++) indices[j] = indices[j - 1] + 1;
    for (; i < length; i++) itertool_replace(result, i, Py_NewRef(PyTuple_GET_ITEM(self->pool, indices[i])));
    return Py_NewRef(result);
}

/* The __reduce__ of both kinds of combinations. */
static PyObject *combinations_reduce(PyObject *op, PyObject *unused) {
    Combinatoric *self = (Combinatoric *)op;
    if (self->result == NULL) return Py_BuildValue("O(On)", Py_TYPE(op), self->pool, self->length);
    if (self->stopped) return Py_BuildValue("O(()n)", Py_TYPE(op), self->length);
    PyObject *indices = tuple_of_indices(self->indices, self->length);
    return indices != NULL ? Py_BuildValue("O(On)N", Py_TYPE(op), self->pool, self->length, indices) : NULL;
}

static PyObject *combinations_setstate(PyObject *op, PyObject *state) {
    Combinations *self = (Combinations *)op;
    Py_ssize_t size = PyTuple_GET_SIZE(self->pool);
    if (!is_state_of_length(state, self->length)) return NULL;
    if (self->length > size) Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < self->length; i++) {
        Py_ssize_t index = index_in_state(state, i, i + size - self->length);
        if (index < 0) return NULL;
        self->indices[i] = index;
    }
    if (set_result(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef combinations_methods[] = {
    {"__reduce__", combinations_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", combinations_setstate, METH_O, setstate_doc},
    {"__sizeof__", combinatoric_sizeof, METH_NOARGS, sizeof_doc},
    {NULL},
};

PyTypeObject kr_combinations_type = {
    ITERTOOL_SLOTS(combinations, Combinations),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = combinations_methods,
};

/* combinations_with_replacement */

ITERTOOL_LIFE(combinations_with_replacement, 2, PyMem_Free(((Combinatoric *)op)->indices))

PyDoc_STRVAR(combinations_with_replacement_doc,
             "combinations_with_replacement(iterable, r)\n--\n\n"
             "Give the r-tuples of elements, in order of position; an element may come more than once.");

static PyObject *combinations_with_replacement_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"iterable", "r", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "combinations_with_replacement"};
    Py_ssize_t length;
    PyObject *pool = pool_and_length(args, kwargs, &parser, &length);
    if (pool == NULL) return NULL;
    int stopped = length > 0 && PyTuple_GET_SIZE(pool) == 0;
    if (length > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(Py_ssize_t)) {
        Py_DECREF(pool);
        return PyErr_NoMemory();
    }
    Combinatoric *self = make_combinatoric(type, pool, length);
    if (self == NULL) return NULL;
    self->length = length;
    self->stopped = stopped;
    for (Py_ssize_t i = 0; i < length; i++) self->indices[i] = 0;
    return (PyObject *)self;
}

static PyObject *combinations_with_replacement_next(PyObject *op) {
    Combinatoric *self = (Combinatoric *)op;
    if (self->stopped) return NULL;
    if (self->result == NULL) return first_result(self);
    /* Advance the rightmost index that is not at the last element; those behind it get its value. */
    Py_ssize_t *indices = self->indices, size = PyTuple_GET_SIZE(self->pool), length = self->length, i = length - 1;
    while (i >= 0 && indices[i] == size - 1) i--;
    if (i < 0) {
        self->stopped = 1;
        return NULL;
    }
    PyObject *result = itertool_result(&self->result);
    if (result == NULL) return NULL;
    Py_ssize_t index = indices[i] + 1;
    PyObject *element = PyTuple_GET_ITEM(self->pool, index);
    for (; i < length; i++) {
        indices[i] = index;
        itertool_replace(result, i, Py_NewRef(element));
    }
    return Py_NewRef(result);
}

static PyObject *combinations_with_replacement_setstate(PyObject *op, PyObject *state) {
    Combinatoric *self = (Combinatoric *)op;
    Py_ssize_t size = PyTuple_GET_SIZE(self->pool);
    if (!is_state_of_length(state, self->length)) return NULL;
    if (size == 0 && self->length > 0) Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < self->length; i++) {
        Py_ssize_t index = index_in_state(state, i, size - 1);
        if (index < 0) return NULL;
        self->indices[i] = index;
    }
    if (set_result(self) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef combinations_with_replacement_methods[] = {
    {"__reduce__", combinations_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", combinations_with_replacement_setstate, METH_O, setstate_doc},
    {"__sizeof__", combinatoric_sizeof, METH_NOARGS, sizeof_doc},
    {NULL},
};

PyTypeObject kr_combinations_with_replacement_type = {
    ITERTOOL_SLOTS(combinations_with_replacement, Combinatoric),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = combinations_with_replacement_methods,
};

/* permutations: `indices` has all positions of the pool, the first `length` of which make the result. */

typedef struct {
    Combinatoric base;
    Py_ssize_t *cycles; /* how many positions are still to be tried at each place; in the memory after `indices` */
} Permutations;

ITERTOOL_LIFE(permutations, 2, PyMem_Free(((Combinatoric *)op)->indices))

PyDoc_STRVAR(permutations_doc, "permutations(iterable, r=None)\n--\n\n"
                               "Give the r-tuples of elements at different positions, in every order.\n\n"
                               "r is the number of elements if it is not given.");

static PyObject *permutations_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"iterable", "r", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "permutations"};
    PyObject *given[2];
    if (itertool_unpack(args, kwargs, &parser, 1, 2, given, 2) < 0) return NULL;
    PyObject *pool = PySequence_Tuple(given[0]);
    if (pool == NULL) return NULL;
    Py_ssize_t size = PyTuple_GET_SIZE(pool), length = size;
    if (given[1] != NULL && given[1] != Py_None) {
        if (!PyLong_Check(given[1])) {
            PyErr_SetString(PyExc_TypeError, "Expected int as r");
            goto failed;
        }
        length = PyLong_AsSsize_t(given[1]);
        if (length == -1 && PyErr_Occurred()) goto failed;
    }
    if (length < 0) {
        PyErr_SetString(PyExc_ValueError, "r must be non-negative");
        goto failed;
    }
    int stopped = length > size;
    Permutations *self = make_combinatoric(type, pool, stopped ? size : size + length);
    if (self == NULL) return NULL;
    self->base.length = length;
    self->cycles = self->base.indices + size;
    self->base.stopped = stopped;
    for (Py_ssize_t i = 0; i < size; i++) self->base.indices[i] = i;
    for (Py_ssize_t i = 0; !stopped && i < length; i++) self->cycles[i] = size - i;
    return (PyObject *)self;
failed:
    Py_DECREF(pool);
    return NULL;
}

static PyObject *permutations_next(PyObject *op) {
    Permutations *self = (Permutations *)op;
    if (self->base.stopped) return NULL;
    if (self->base.result == NULL) return first_result(&self->base);
    PyObject *result = itertool_result(&self->base.result);
    if (result == NULL) return NULL;
    Py_ssize_t *indices = self->base.indices, *cycles = self->cycles;
    Py_ssize_t size = PyTuple_GET_SIZE(self->base.pool), length = self->base.length;
    for (Py_ssize_t i = length - 1; i >= 0; i--) {
        if (--cycles[i] > 0) {
            Py_ssize_t other = size - cycles[i], saved = indices[i];
            indices[i] = indices[other];
            indices[other] = saved;
            for (; i < length; i++) itertool_replace(result, i, Py_NewRef(PyTuple_GET_ITEM(self->base.pool, indices[i])));
            return Py_NewRef(result);
        }
        /* All positions were tried here: put them back in order, and go on one place to the left. */
        Py_ssize_t index = indices[i];
        for (Py_ssize_t j = i; j < size - 1; j++) indices[j] = indices[j + 1];
        indices[size - 1] = index;
        cycles[i] = size - i;
    }
    self->base.stopped = 1;
    return NULL;
}

static PyObject *permutations_reduce(PyObject *op, PyObject *unused) {
    Permutations *self = (Permutations *)op;
    if (self->base.result == NULL) return Py_BuildValue("O(On)", Py_TYPE(op), self->base.pool, self->base.length);
    if (self->base.stopped) return Py_BuildValue("O(()n)", Py_TYPE(op), self->base.length);
    PyObject *indices = tuple_of_indices(self->base.indices, PyTuple_GET_SIZE(self->base.pool));
    if (indices == NULL) return NULL;
    PyObject *cycles = tuple_of_indices(self->cycles, self->base.length);
    if (cycles == NULL) {
        Py_DECREF(indices);
        return NULL;
    }
    return Py_BuildValue("O(On)(NN)", Py_TYPE(op), self->base.pool, self->base.length, indices, cycles);
}

static PyObject *permutations_setstate(PyObject *op, PyObject *state) {
    Permutations *self = (Permutations *)op;
    Py_ssize_t size = PyTuple_GET_SIZE(self->base.pool);
    PyObject *indices, *cycles;
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "state is not a tuple");
        return NULL;
    }
    if (!PyArg_ParseTuple(state, "O!O!", &PyTuple_Type, &indices, &PyTuple_Type, &cycles)) return NULL;
    if (!is_state_of_length(indices, size) || !is_state_of_length(cycles, self->base.length)) return NULL;
    if (self->base.length > size) Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_ssize_t index = index_in_state(indices, i, size - 1);
        if (index < 0) return NULL;
        self->base.indices[i] = index;
    }
    for (Py_ssize_t i = 0; i < self->base.length; i++) {
        Py_ssize_t cycle = index_in_state(cycles, i, size - i);
        if (cycle < 0) return NULL;
        self->cycles[i] = cycle > 0 ? cycle : 1;
    }
    if (set_result(&self->base) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *permutations_sizeof(PyObject *op, PyObject *unused) {
    Permutations *self = (Permutations *)op;
    size_t count = (size_t)PyTuple_GET_SIZE(self->base.pool) + (size_t)self->base.length;
    return PyLong_FromSize_t((size_t)Py_TYPE(op)->tp_basicsize + count * sizeof(Py_ssize_t));
}

static PyMethodDef permutations_methods[] = {
    {"__reduce__", permutations_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", permutations_setstate, METH_O, setstate_doc},
    {"__sizeof__", permutations_sizeof, METH_NOARGS, sizeof_doc},
    {NULL},
};

PyTypeObject kr_permutations_type = {
    ITERTOOL_SLOTS(permutations, Permutations),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = permutations_methods,
};
