/* itertools: iterators that pass on, combine or leave out elements of their inputs. */
#include <Python.h>

#include "modules/itertools/itertools.h"

PyDoc_STRVAR(reduce_doc, "Return what pickle needs to restore the iterator.");
PyDoc_STRVAR(setstate_doc, "Take over a state that __reduce__ gave.");

/* Parses exactly two positional arguments, the second an iterable, of a type without keywords. Makes the object with the
 * first argument and the iterator as its references. */
static PyObject *make_from_function_and_iterable(PyTypeObject *type, PyTypeObject *own, const char *name, PyObject *args,
                                                 PyObject *kwargs) {
    if (itertool_refuses_keywords(type, own, name, kwargs) || !_PyArg_CheckPositional(name, PyTuple_GET_SIZE(args), 2, 2))
        return NULL;
    PyObject *iterator = PyObject_GetIter(PyTuple_GET_ITEM(args, 1));
    if (iterator == NULL) return NULL;
    return itertool_make(type, (PyObject *[]){Py_NewRef(PyTuple_GET_ITEM(args, 0)), iterator}, 2);
}

typedef struct {
    PyObject_HEAD
    PyObject *function;
    PyObject *iterator;
    int flag; /* dropwhile: it has begun to pass elements on; takewhile: it has stopped */
} FunctionFilter;

static PyObject *function_filter_reduce(PyObject *op, PyObject *unused) {
    FunctionFilter *self = (FunctionFilter *)op;
    return Py_BuildValue("O(OO)", Py_TYPE(op), self->function, self->iterator);
}

static PyObject *flagged_filter_reduce(PyObject *op, PyObject *unused) {
    FunctionFilter *self = (FunctionFilter *)op;
    return Py_BuildValue("O(OO)l", Py_TYPE(op), self->function, self->iterator, (long)self->flag);
}

static PyObject *flagged_filter_setstate(PyObject *op, PyObject *state) {
    int flag = PyObject_IsTrue(state);
    if (flag < 0) return NULL;
    ((FunctionFilter *)op)->flag = flag;
    Py_RETURN_NONE;
}

/* Calls the function with an element. Returns the truth of the result, or -1 with an exception. */
static inline int function_holds(PyObject *function, PyObject *element) {
    if (function == (PyObject *)&PyBool_Type) return PyObject_IsTrue(element);
    PyObject *outcome = PyObject_CallOneArg(function, element);
    if (outcome == NULL) return -1;
    int truth = PyObject_IsTrue(outcome);
    Py_DECREF(outcome);
    return truth;
}

/* accumulate */

typedef struct {
    PyObject_HEAD
    PyObject *total; /* NULL before the first */
    PyObject *iterator;
    PyObject *function; /* NULL: addition */
    PyObject *initial;  /* to be given first; None if there is none any more */
} Accumulate;

ITERTOOL_LIFE(accumulate, 4, )

PyDoc_STRVAR(accumulate_doc, "accumulate(iterable, func=None, *, initial=None)\n--\n\n"
                             "Give running totals of the elements, added or combined by func(total, element).");

static PyObject *accumulate_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"iterable", "func", "initial", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "accumulate"};
    PyObject *given[3];
    if (itertool_unpack(args, kwargs, &parser, 1, 2, given, 3) < 0) return NULL;
    PyObject *iterator = PyObject_GetIter(given[0]);
    if (iterator == NULL) return NULL;
    PyObject *function = given[1] == Py_None ? NULL : Py_XNewRef(given[1]);
    PyObject *initial = Py_NewRef(given[2] != NULL ? given[2] : Py_None);
    return itertool_make(type, (PyObject *[]){NULL, iterator, function, initial}, 4);
}

static PyObject *accumulate_next(PyObject *op) {
    Accumulate *self = (Accumulate *)op;
    if (self->initial != Py_None) {
        PyObject *initial = self->initial;
        self->initial = Py_NewRef(Py_None);
        Py_XSETREF(self->total, Py_NewRef(initial));
        return initial;
    }
    PyObject *element = itertool_next(self->iterator);
    if (element == NULL) return NULL;
    if (self->total == NULL) {
        self->total = Py_NewRef(element);
        return element;
    }
    PyObject *total = self->function == NULL
                          ? PyNumber_Add(self->total, element)
                          : PyObject_CallFunctionObjArgs(self->function, self->total, element, NULL);
    Py_DECREF(element);
    if (total == NULL) return NULL;
    Py_XSETREF(self->total, Py_NewRef(total));
    return total;
}

/* chain([first], iterator) */
static PyObject *chain_before(PyObject *first, PyObject *iterator) {
    PyObject *list = PyList_New(1);
    if (list == NULL) return NULL;
    PyList_SET_ITEM(list, 0, Py_NewRef(first));
    PyObject *chain = PyObject_CallFunctionObjArgs((PyObject *)&kr_chain_type, list, iterator, NULL);
    Py_DECREF(list);
    return chain;
}

static PyObject *accumulate_reduce(PyObject *op, PyObject *unused) {
    Accumulate *self = (Accumulate *)op;
    PyObject *function = self->function != NULL ? self->function : Py_None;
    if (self->initial != Py_None) {
        PyObject *chain = chain_before(self->initial, self->iterator);
        return chain != NULL ? Py_BuildValue("O(NO)O", Py_TYPE(op), chain, function, Py_None) : NULL;
    }
    if (self->total == Py_None) {
        /* As a state, None would mean that there is no total yet. */
        PyObject *chain = chain_before(self->total, self->iterator);
        if (chain == NULL) return NULL;
        PyObject *again = PyObject_CallFunctionObjArgs((PyObject *)Py_TYPE(op), chain, function, NULL);
        Py_DECREF(chain);
        return again != NULL ? Py_BuildValue("O(NiO)", &kr_islice_type, again, 1, Py_None) : NULL;
    }
    return Py_BuildValue("O(OO)O", Py_TYPE(op), self->iterator, function, self->total != NULL ? self->total : Py_None);
}

static PyObject *accumulate_setstate(PyObject *op, PyObject *state) {
    Py_XSETREF(((Accumulate *)op)->total, Py_NewRef(state));
    Py_RETURN_NONE;
}

static PyMethodDef accumulate_methods[] = {
    {"__reduce__", accumulate_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", accumulate_setstate, METH_O, setstate_doc},
    {NULL},
};

PyTypeObject kr_accumulate_type = {
    ITERTOOL_SLOTS(accumulate, Accumulate),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = accumulate_methods,
};

/* chain */

typedef struct {
    PyObject_HEAD
    PyObject *source; /* iterator over the iterables */
    PyObject *active; /* iterator over the current one */
} Chain;

ITERTOOL_LIFE(chain, 2, )

PyDoc_STRVAR(chain_doc, "chain(*iterables) -> give the elements of one iterable after the other");

static PyObject *chain_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (itertool_refuses_keywords(type, &kr_chain_type, "chain", kwargs)) return NULL;
    PyObject *source = PyObject_GetIter(args);
    return source != NULL ? itertool_make(type, (PyObject *[]){source}, 1) : NULL;
}

PyDoc_STRVAR(from_iterable_doc, "from_iterable($type, iterable, /)\n--\n\nMake a chain of the iterables in an iterable.");

static PyObject *chain_from_iterable(PyObject *type, PyObject *iterable) {
    PyObject *source = PyObject_GetIter(iterable);
    return source != NULL ? itertool_make((PyTypeObject *)type, (PyObject *[]){source}, 1) : NULL;
}

static PyObject *chain_next(PyObject *op) {
    Chain *self = (Chain *)op;
    while (self->source != NULL) {
        if (self->active == NULL) {
            PyObject *iterable = itertool_next(self->source);
            if (iterable == NULL) {
                Py_CLEAR(self->source);
                return NULL;
            }
            self->active = PyObject_GetIter(iterable);
            Py_DECREF(iterable);
            if (self->active == NULL) {
                Py_CLEAR(self->source);
                return NULL;
            }
        }
        PyObject *element = itertool_next(self->active);
        if (element != NULL) return element;
        if (itertool_failed()) return NULL;
        Py_CLEAR(self->active);
    }
    return NULL;
}

static PyObject *chain_reduce(PyObject *op, PyObject *unused) {
    Chain *self = (Chain *)op;
    if (self->source == NULL) return Py_BuildValue("O()", Py_TYPE(op));
    if (self->active == NULL) return Py_BuildValue("O()(O)", Py_TYPE(op), self->source);
    return Py_BuildValue("O()(OO)", Py_TYPE(op), self->source, self->active);
}

static PyObject *chain_setstate(PyObject *op, PyObject *state) {
    Chain *self = (Chain *)op;
    PyObject *source, *active = NULL;
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "state is not a tuple");
        return NULL;
    }
    if (!PyArg_ParseTuple(state, "O|O", &source, &active)) return NULL;
    if (!PyIter_Check(source) || (active != NULL && !PyIter_Check(active))) {
        PyErr_SetString(PyExc_TypeError, "Arguments must be iterators.");
        return NULL;
    }
    Py_XSETREF(self->source, Py_NewRef(source));
    Py_XSETREF(self->active, Py_XNewRef(active));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(class_getitem_doc, "Return a generic alias; see PEP 585.");

static PyMethodDef chain_methods[] = {
    {"from_iterable", chain_from_iterable, METH_O | METH_CLASS, from_iterable_doc},
    {"__reduce__", chain_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", chain_setstate, METH_O, setstate_doc},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, class_getitem_doc},
    {NULL},
};

PyTypeObject kr_chain_type = {
    ITERTOOL_SLOTS(chain, Chain),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = chain_methods,
};

/* compress */

typedef struct {
    PyObject_HEAD
    PyObject *data;
    PyObject *selectors;
} Compress;

ITERTOOL_LIFE(compress, 2, )

PyDoc_STRVAR(compress_doc, "compress(data, selectors)\n--\n\nGive the elements of data whose selectors are true.");

static PyObject *compress_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"data", "selectors", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "compress"};
    PyObject *given[2];
    if (itertool_unpack(args, kwargs, &parser, 2, 2, given, 2) < 0) return NULL;
    PyObject *data = PyObject_GetIter(given[0]);
    if (data == NULL) return NULL;
    PyObject *selectors = PyObject_GetIter(given[1]);
    if (selectors == NULL) {
        Py_DECREF(data);
        return NULL;
    }
    return itertool_make(type, (PyObject *[]){data, selectors}, 2);
}

static PyObject *compress_next(PyObject *op) {
    Compress *self = (Compress *)op;
    for (;;) {
        PyObject *datum = itertool_next(self->data);
        if (datum == NULL) return NULL;
        PyObject *selector = itertool_next(self->selectors);
        if (selector == NULL) {
            Py_DECREF(datum);
            return NULL;
        }
        int selected = PyObject_IsTrue(selector);
        Py_DECREF(selector);
        if (selected == 1) return datum;
        Py_DECREF(datum);
        if (selected < 0) return NULL;
    }
}

static PyObject *compress_reduce(PyObject *op, PyObject *unused) {
    Compress *self = (Compress *)op;
    return Py_BuildValue("O(OO)", Py_TYPE(op), self->data, self->selectors);
}

static PyMethodDef compress_methods[] = {{"__reduce__", compress_reduce, METH_NOARGS, reduce_doc}, {NULL}};

PyTypeObject kr_compress_type = {
    ITERTOOL_SLOTS(compress, Compress),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = compress_methods,
};

/* dropwhile */

ITERTOOL_LIFE(dropwhile, 2, )

PyDoc_STRVAR(dropwhile_doc, "dropwhile(predicate, iterable, /)\n--\n\n"
                            "Leave out elements as long as the predicate holds, then give all others.");

static PyObject *dropwhile_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return make_from_function_and_iterable(type, &kr_dropwhile_type, "dropwhile", args, kwargs);
}

static PyObject *dropwhile_next(PyObject *op) {
    FunctionFilter *self = (FunctionFilter *)op;
    for (;;) {
        PyObject *element = itertool_next(self->iterator);
        if (element == NULL || self->flag) return element;
        int drop = function_holds(self->function, element);
        if (drop == 0) {
            self->flag = 1;
            return element;
        }
        Py_DECREF(element);
        if (drop < 0) return NULL;
    }
}

static PyMethodDef flagged_filter_methods[] = {
    {"__reduce__", flagged_filter_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", flagged_filter_setstate, METH_O, setstate_doc},
    {NULL},
};

PyTypeObject kr_dropwhile_type = {
    ITERTOOL_SLOTS(dropwhile, FunctionFilter),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = flagged_filter_methods,
};

/* filterfalse */

ITERTOOL_LIFE(filterfalse, 2, )

PyDoc_STRVAR(filterfalse_doc, "filterfalse(function, iterable, /)\n--\n\n"
                              "Give the elements for which the function (or, if it is None, the element) is false.");

static PyObject *filterfalse_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return make_from_function_and_iterable(type, &kr_filterfalse_type, "filterfalse", args, kwargs);
}

static PyObject *filterfalse_next(PyObject *op) {
    FunctionFilter *self = (FunctionFilter *)op;
    for (;;) {
        PyObject *element = itertool_next(self->iterator);
        if (element == NULL) return NULL;
        int truth = self->function == Py_None ? PyObject_IsTrue(element) : function_holds(self->function, element);
        if (truth == 0) return element;
        Py_DECREF(element);
        if (truth < 0) return NULL;
    }
}

static PyMethodDef function_filter_methods[] = {{"__reduce__", function_filter_reduce, METH_NOARGS, reduce_doc}, {NULL}};

PyTypeObject kr_filterfalse_type = {
    ITERTOOL_SLOTS(filterfalse, FunctionFilter),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = function_filter_methods,
};

/* islice */

typedef struct {
    PyObject_HEAD
    PyObject *iterator; /* NULL once exhausted */
    Py_ssize_t next;    /* position of the next element to give */
    Py_ssize_t stop;    /* -1: none */
    Py_ssize_t step;
    Py_ssize_t position; /* elements taken so far */
} Islice;

ITERTOOL_LIFE(islice, 1, )

PyDoc_STRVAR(islice_doc, "islice(iterable, stop)\nislice(iterable, start, stop[, step]) -> give the elements of a slice\n\n"
                         "Like seq[start:stop:step], without negative values; elements before start are taken and dropped.");

/* Reads a bound of the slice; None leaves *value as it is. Returns 0, or -1 with no exception set. */
static int slice_bound(PyObject *object, Py_ssize_t *value) {
    if (object == Py_None) return 0;
    Py_ssize_t bound = PyNumber_AsSsize_t(object, PyExc_OverflowError);
    if (bound == -1 && PyErr_Occurred()) PyErr_Clear();
    if (bound < 0) return -1;
    *value = bound;
    return 0;
}

static PyObject *islice_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t start = 0, stop = -1, step = 1, count = PyTuple_GET_SIZE(args);
    if (itertool_refuses_keywords(type, &kr_islice_type, "islice", kwargs) ||
        !_PyArg_CheckPositional("islice", count, 2, 4))
        return NULL;
    if (slice_bound(PyTuple_GET_ITEM(args, count == 2 ? 1 : 2), &stop) < 0) {
        PyErr_SetString(PyExc_ValueError,
                        "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.");
        return NULL;
    }
    if (count > 2 && slice_bound(PyTuple_GET_ITEM(args, 1), &start) < 0) {
        PyErr_SetString(PyExc_ValueError, "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.");
        return NULL;
    }
    if (count > 3 && (slice_bound(PyTuple_GET_ITEM(args, 3), &step) < 0 || step < 1)) {
        PyErr_SetString(PyExc_ValueError, "Step for islice() must be a positive integer or None.");
        return NULL;
    }
    PyObject *iterator = PyObject_GetIter(PyTuple_GET_ITEM(args, 0));
    if (iterator == NULL) return NULL;
    Islice *self = (Islice *)itertool_make(type, &iterator, 1);
    if (self == NULL) return NULL;
    self->next = start;
    self->stop = stop;
    self->step = step;
    return (PyObject *)self;
}

static PyObject *islice_next(PyObject *op) {
    Islice *self = (Islice *)op;
    PyObject *iterator = self->iterator, *element;
    if (iterator == NULL) return NULL;
    while (self->position < self->next) {
        element = itertool_next(iterator);
        if (element == NULL) goto exhausted;
        Py_DECREF(element);
        self->position++;
    }
    if (self->stop != -1 && self->position >= self->stop) goto exhausted;
    element = itertool_next(iterator);
    if (element == NULL) goto exhausted;
    self->position++;
    if (__builtin_add_overflow(self->next, self->step, &self->next)) self->next = PY_SSIZE_T_MAX;
    if (self->stop != -1 && self->next > self->stop) self->next = self->stop;
    return element;
exhausted:
    Py_CLEAR(self->iterator);
    return NULL;
}

static PyObject *islice_reduce(PyObject *op, PyObject *unused) {
    Islice *self = (Islice *)op;
    if (self->iterator == NULL) {
        PyObject *list = PyList_New(0);
        PyObject *empty = list != NULL ? PyObject_GetIter(list) : NULL;
        Py_XDECREF(list);
        return empty != NULL ? Py_BuildValue("O(Nn)n", Py_TYPE(op), empty, (Py_ssize_t)0, (Py_ssize_t)0) : NULL;
    }
    PyObject *stop = self->stop == -1 ? Py_NewRef(Py_None) : PyLong_FromSsize_t(self->stop);
    if (stop == NULL) return NULL;
    return Py_BuildValue("O(OnNn)n", Py_TYPE(op), self->iterator, self->next, stop, self->step, self->position);
}

static PyObject *islice_setstate(PyObject *op, PyObject *state) {
    Py_ssize_t position = PyLong_AsSsize_t(state);
    if (position == -1 && PyErr_Occurred()) return NULL;
    ((Islice *)op)->position = position;
    Py_RETURN_NONE;
}

static PyMethodDef islice_methods[] = {
    {"__reduce__", islice_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", islice_setstate, METH_O, setstate_doc},
    {NULL},
};

PyTypeObject kr_islice_type = {
    ITERTOOL_SLOTS(islice, Islice),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = islice_methods,
};

/* pairwise */

typedef struct {
    PyObject_HEAD
    PyObject *iterator; /* NULL once exhausted */
    PyObject *previous;
} Pairwise;

ITERTOOL_LIFE(pairwise, 2, )

PyDoc_STRVAR(pairwise_doc, "pairwise(iterable, /)\n--\n\nGive each element together with the one after it.");

static PyObject *pairwise_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (itertool_refuses_keywords(type, &kr_pairwise_type, "pairwise", kwargs) ||
        !_PyArg_CheckPositional("pairwise", PyTuple_GET_SIZE(args), 1, 1))
        return NULL;
    PyObject *iterator = PyObject_GetIter(PyTuple_GET_ITEM(args, 0));
    return iterator != NULL ? itertool_make(type, &iterator, 1) : NULL;
}

static PyObject *pairwise_next(PyObject *op) {
    Pairwise *self = (Pairwise *)op;
    PyObject *iterator = self->iterator;
    if (iterator == NULL) return NULL;
    /* The input may come back here and exhaust this object, so both are kept alive. */
    Py_INCREF(iterator);
    PyObject *pair = NULL, *first = Py_XNewRef(self->previous), *second = NULL;
    if (first == NULL) {
        first = itertool_next(iterator);
        if (first == NULL) goto exhausted;
        Py_XSETREF(self->previous, Py_NewRef(first));
        if (self->iterator == NULL) goto exhausted;
    }
    second = itertool_next(iterator);
    if (second == NULL) goto exhausted;
    Py_XSETREF(self->previous, Py_NewRef(second));
    pair = PyTuple_Pack(2, first, second);
    goto done;
exhausted:
    Py_CLEAR(self->iterator);
    Py_CLEAR(self->previous);
done:
    Py_XDECREF(first);
    Py_XDECREF(second);
    Py_DECREF(iterator);
    return pair;
}

PyTypeObject kr_pairwise_type = {
    ITERTOOL_SLOTS(pairwise, Pairwise),
    .tp_flags = ITERTOOL_FLAGS,
};

/* starmap */

ITERTOOL_LIFE(starmap, 2, )

PyDoc_STRVAR(starmap_doc, "starmap(function, iterable, /)\n--\n\n"
                          "Give what the function returns for arguments that come as tuples from the iterable.");

static PyObject *starmap_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return make_from_function_and_iterable(type, &kr_starmap_type, "starmap", args, kwargs);
}

static PyObject *starmap_next(PyObject *op) {
    FunctionFilter *self = (FunctionFilter *)op;
    PyObject *args = itertool_next(self->iterator);
    if (args == NULL) return NULL;
    if (!PyTuple_CheckExact(args)) {
        Py_SETREF(args, PySequence_Tuple(args));
        if (args == NULL) return NULL;
    }
    PyObject *result = PyObject_Call(self->function, args, NULL);
    Py_DECREF(args);
    return result;
}

PyTypeObject kr_starmap_type = {
    ITERTOOL_SLOTS(starmap, FunctionFilter),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = function_filter_methods,
};

/* takewhile */

ITERTOOL_LIFE(takewhile, 2, )

PyDoc_STRVAR(takewhile_doc, "takewhile(predicate, iterable, /)\n--\n\nGive elements as long as the predicate holds.");

static PyObject *takewhile_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return make_from_function_and_iterable(type, &kr_takewhile_type, "takewhile", args, kwargs);
}

static PyObject *takewhile_next(PyObject *op) {
    FunctionFilter *self = (FunctionFilter *)op;
    if (self->flag) return NULL;
    PyObject *element = itertool_next(self->iterator);
    if (element == NULL) return NULL;
    int take = function_holds(self->function, element);
    if (take == 1) return element;
    Py_DECREF(element);
    if (take == 0) self->flag = 1;
    return NULL;
}

PyTypeObject kr_takewhile_type = {
    ITERTOOL_SLOTS(takewhile, FunctionFilter),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = flagged_filter_methods,
};

/* zip_longest */

typedef struct {
    PyObject_HEAD
    PyObject *iterators; /* tuple; NULL in the places of exhausted ones */
    PyObject *result;    /* the last tuple given out */
    PyObject *fill;
    Py_ssize_t active; /* iterators that are not exhausted */
} ZipLongest;

ITERTOOL_LIFE(zip_longest, 3, )

PyDoc_STRVAR(zip_longest_doc, "zip_longest(*iterables, fillvalue=None) -> give tuples of one element of each iterable\n\n"
                              "It goes on until all are exhausted; fillvalue stands for elements of those that already are.");

static PyObject *zip_longest_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *fill = Py_None;
    if (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0) {
        fill = NULL;
        if (PyDict_GET_SIZE(kwargs) == 1) fill = _PyDict_GetItemStringWithError(kwargs, "fillvalue");
        if (fill == NULL) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_TypeError, "zip_longest() got an unexpected keyword argument");
            return NULL;
        }
    }
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *iterators = PyTuple_New(count);
    if (iterators == NULL) return NULL;
    PyObject *result = PyTuple_New(count);
    if (result == NULL) {
        Py_DECREF(iterators);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyTuple_SET_ITEM(result, i, Py_NewRef(Py_None));
        PyObject *iterator = PyObject_GetIter(PyTuple_GET_ITEM(args, i));
        if (iterator == NULL) {
            Py_DECREF(iterators);
            Py_DECREF(result);
            return NULL;
        }
        PyTuple_SET_ITEM(iterators, i, iterator);
    }
    ZipLongest *self = (ZipLongest *)itertool_make(type, (PyObject *[]){iterators, result, Py_NewRef(fill)}, 3);
    if (self != NULL) self->active = count;
    return (PyObject *)self;
}

static PyObject *zip_longest_next(PyObject *op) {
    ZipLongest *self = (ZipLongest *)op;
    if (self->active == 0) return NULL;
    PyObject *result = itertool_result(&self->result);
    if (result == NULL) return NULL;
    Py_INCREF(result);
    Py_ssize_t count = PyTuple_GET_SIZE(self->iterators);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *iterator = PyTuple_GET_ITEM(self->iterators, i), *element = NULL;
        if (iterator != NULL) {
            element = itertool_next(iterator);
            if (element == NULL) {
                self->active--;
                if (itertool_failed() || self->active == 0) {
                    self->active = 0;
                    Py_DECREF(result);
                    return NULL;
                }
                PyTuple_SET_ITEM(self->iterators, i, NULL);
                Py_DECREF(iterator);
            }
        }
        itertool_replace(result, i, element != NULL ? element : Py_NewRef(self->fill));
    }
    return result;
}

static PyObject *zip_longest_reduce(PyObject *op, PyObject *unused) {
    ZipLongest *self = (ZipLongest *)op;
    Py_ssize_t count = PyTuple_GET_SIZE(self->iterators);
    PyObject *args = PyTuple_New(count);
    if (args == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *iterator = PyTuple_GET_ITEM(self->iterators, i);
        iterator = iterator != NULL ? Py_NewRef(iterator) : PyTuple_New(0);
        if (iterator == NULL) {
            Py_DECREF(args);
            return NULL;
        }
        PyTuple_SET_ITEM(args, i, iterator);
    }
    return Py_BuildValue("ONO", Py_TYPE(op), args, self->fill);
}

static PyObject *zip_longest_setstate(PyObject *op, PyObject *state) {
    Py_XSETREF(((ZipLongest *)op)->fill, Py_NewRef(state));
    Py_RETURN_NONE;
}

static PyMethodDef zip_longest_methods[] = {
    {"__reduce__", zip_longest_reduce, METH_NOARGS, reduce_doc},
    {"__setstate__", zip_longest_setstate, METH_O, setstate_doc},
    {NULL},
};

PyTypeObject kr_zip_longest_type = {
    ITERTOOL_SLOTS(zip_longest, ZipLongest),
    .tp_flags = ITERTOOL_FLAGS,
    .tp_methods = zip_longest_methods,
};
