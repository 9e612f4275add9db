/* functools.lru_cache's wrapper: a function with a cache of its results.
 *
 * An unbounded cache is a dict from keys to results. A bounded one maps keys to links, which hold the result and stand in
 * a ring in order of use: the wrapper's `root` is a link of its own, after it comes the entry that was not used for longest.
 *
 * Invariants: the dict owns the links, the ring borrows them; a link is in the ring as long as it is in the dict, except
 * while an entry is exchanged. Code that runs in between (hashing, comparing, destructors) may use the same cache, so each
 * change of the ring is complete before such code runs.
 */
#include <Python.h>

#include "modules/_functools/functools.h"
#include "object/names.h"

#include <stddef.h>

typedef struct Link {
    PyObject_HEAD
    struct Link *previous, *next;
    Py_hash_t hash;
    PyObject *key;
    PyObject *result;
} Link;

typedef struct LruCache {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *function;
    PyObject *cache;     /* dict */
    PyObject *info_type; /* called by cache_info() */
    Py_ssize_t maxsize;  /* -1: unbounded */
    Py_ssize_t hits;
    Py_ssize_t misses;
    Link *previous, *next; /* the ring; root is the address of these, seen as a link */
    int typed;
    PyObject *attributes;
    PyObject *weak_references;
} LruCache;

/* Separates positional from keyword arguments in a key; compared by identity. */
static PyObject keyword_mark = {_PyObject_EXTRA_INIT 1, &PyBaseObject_Type};

/* The ring */

static inline Link *root_of(LruCache *self) {
    return (Link *)((char *)&self->previous - offsetof(Link, previous));
}

static inline void unlink_link(Link *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

static inline void append_link(LruCache *self, Link *link) {
    Link *root = root_of(self), *last = root->previous;
    link->previous = last;
    link->next = root;
    last->next = root->previous = link;
}

static void link_dealloc(PyObject *op) {
    Link *self = (Link *)op;
    Py_XDECREF(self->key);
    Py_XDECREF(self->result);
    PyObject_Free(self);
}

PyTypeObject kr_lru_link_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "functools._lru_list_elem",
    .tp_basicsize = sizeof(Link),
    .tp_dealloc = link_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

static void empty_cache(LruCache *self) {
    Link *root = root_of(self);
    root->previous = root->next = root;
    PyDict_Clear(self->cache);
}

/* Keys */

/* Makes the key for the arguments of a call: the argument itself if there is just one str or int, else a tuple. */
static PyObject *make_key(LruCache *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    Py_ssize_t named = kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0;
    if (!self->typed && named == 0 && nargs == 1 && (PyUnicode_CheckExact(args[0]) || PyLong_CheckExact(args[0])))
        return Py_NewRef(args[0]);
    Py_ssize_t size = nargs + (named > 0 ? 1 + 2 * named : 0) + (self->typed ? nargs + named : 0), filled = 0;
    PyObject *key = PyTuple_New(size);
    if (key == NULL) return NULL;
    for (Py_ssize_t i = 0; i < nargs; i++) PyTuple_SET_ITEM(key, filled++, Py_NewRef(args[i]));
    if (named > 0) {
        PyTuple_SET_ITEM(key, filled++, Py_NewRef(&keyword_mark));
        for (Py_ssize_t i = 0; i < named; i++) {
            PyTuple_SET_ITEM(key, filled++, Py_NewRef(PyTuple_GET_ITEM(kwnames, i)));
            PyTuple_SET_ITEM(key, filled++, Py_NewRef(args[nargs + i]));
        }
    }
    if (self->typed) {
        for (Py_ssize_t i = 0; i < nargs + named; i++) PyTuple_SET_ITEM(key, filled++, Py_NewRef(Py_TYPE(args[i])));
    }
    return key;
}

/* Makes the key of a call and its hash. Returns a new reference or NULL. */
static inline PyObject *key_and_hash(LruCache *self, PyObject *const *args, size_t nargsf, PyObject *kwnames,
                                     Py_hash_t *hash) {
    PyObject *key = make_key(self, args, PyVectorcall_NARGS(nargsf), kwnames);
    if (key == NULL) return NULL;
    *hash = PyObject_Hash(key);
    if (*hash == -1) Py_CLEAR(key);
    return key;
}

/* Calls */

static PyObject *call_uncached(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    LruCache *self = (LruCache *)op;
    self->misses++;
    return PyObject_Vectorcall(self->function, args, nargsf, kwnames);
}

static PyObject *call_unbounded(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    LruCache *self = (LruCache *)op;
    Py_hash_t hash;
    PyObject *key = key_and_hash(self, args, nargsf, kwnames, &hash);
    if (key == NULL) return NULL;
    PyObject *result = Py_XNewRef(_PyDict_GetItem_KnownHash(self->cache, key, hash));
    if (result != NULL) {
        self->hits++;
    } else if (!PyErr_Occurred()) {
        self->misses++;
        result = PyObject_Vectorcall(self->function, args, nargsf, kwnames);
        if (result != NULL && _PyDict_SetItem_KnownHash(self->cache, key, result, hash) < 0) Py_CLEAR(result);
    }
    Py_DECREF(key);
    return result;
}

/* Enters a link with the given key and result into the dict and the ring. Returns 0 or -1. */
static int enter_link(LruCache *self, Link *link) {
    /* First the dict: setting the item might run code, and only then the link has an owner. */
    if (_PyDict_SetItem_KnownHash(self->cache, link->key, (PyObject *)link, link->hash) < 0) return -1;
    append_link(self, link);
    return 0;
}

/* Keeps a result in a cache that has room. Returns 0 or -1. */
static int add_result(LruCache *self, PyObject *key, Py_hash_t hash, PyObject *result) {
    Link *link = PyObject_New(Link, &kr_lru_link_type);
    if (link == NULL) return -1;
    link->hash = hash;
    link->key = Py_NewRef(key);
    link->result = Py_NewRef(result);
    int failed = enter_link(self, link);
    Py_DECREF(link);
    return failed;
}

/* Keeps a result in a full cache, in place of the one that was not used for longest. Returns 0 or -1. */
static int exchange_oldest(LruCache *self, PyObject *key, Py_hash_t hash, PyObject *result) {
    Link *link = root_of(self)->next;
    if (link == root_of(self)) return 0;
    Py_INCREF(link);
    unlink_link(link);
    PyObject *present = _PyDict_GetItem_KnownHash(self->cache, link->key, link->hash);
    if (present != (PyObject *)link) {
        /* Either comparing keys failed, or code that it ran has removed the entry meanwhile: keep nothing. */
        int failed = PyErr_Occurred() != NULL;
        Py_DECREF(link);
        return failed ? -1 : 0;
    }
    if (_PyDict_DelItem_KnownHash(self->cache, link->key, link->hash) < 0) {
        Py_DECREF(link);
        return -1;
    }
    PyObject *old_key = link->key, *old_result = link->result;
    link->hash = hash;
    link->key = Py_NewRef(key);
    link->result = Py_NewRef(result);
    int failed = enter_link(self, link);
    Py_DECREF(link);
    Py_DECREF(old_key);
    Py_DECREF(old_result);
    return failed;
}

static PyObject *call_bounded(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    LruCache *self = (LruCache *)op;
    Py_hash_t hash;
    PyObject *key = key_and_hash(self, args, nargsf, kwnames, &hash);
    if (key == NULL) return NULL;
    Link *link = (Link *)_PyDict_GetItem_KnownHash(self->cache, key, hash);
    PyObject *result = NULL;
    if (link != NULL) {
        if (link->next != root_of(self)) {
            unlink_link(link);
            append_link(self, link);
        }
        self->hits++;
        result = Py_NewRef(link->result);
        goto done;
    }
    if (PyErr_Occurred()) goto done;
    self->misses++;
    result = PyObject_Vectorcall(self->function, args, nargsf, kwnames);
    if (result == NULL) goto done;
    /* The call may have used the cache, and may have filled or changed it. */
    int failed = 0;
    if (_PyDict_GetItem_KnownHash(self->cache, key, hash) == NULL) {
        if (PyErr_Occurred())
            failed = 1;
        else if (PyDict_GET_SIZE(self->cache) < self->maxsize)
            failed = add_result(self, key, hash, result);
        else
            failed = exchange_oldest(self, key, hash, result);
    }
    if (failed) Py_CLEAR(result);
done:
    Py_DECREF(key);
    return result;
}

/* Methods */

PyDoc_STRVAR(cache_info_doc, "Return the cache's statistics: hits, misses, maxsize, currsize.");

static PyObject *lru_cache_info(PyObject *op, PyObject *unused) {
    LruCache *self = (LruCache *)op;
    if (self->maxsize == -1)
        return PyObject_CallFunction(self->info_type, "nnOn", self->hits, self->misses, Py_None,
                                     PyDict_GET_SIZE(self->cache));
    return PyObject_CallFunction(self->info_type, "nnnn", self->hits, self->misses, self->maxsize,
                                 PyDict_GET_SIZE(self->cache));
}

PyDoc_STRVAR(cache_clear_doc, "Empty the cache and set its statistics to zero.");

static PyObject *lru_cache_clear(PyObject *op, PyObject *unused) {
    LruCache *self = (LruCache *)op;
    self->hits = self->misses = 0;
    empty_cache(self);
    Py_RETURN_NONE;
}

static PyObject *lru_reduce(PyObject *self, PyObject *unused) { return PyObject_GetAttr(self, KR_NAME(__qualname__)); }

static PyObject *lru_copy(PyObject *self, PyObject *unused) { return Py_NewRef(self); }

static PyObject *lru_descr_get(PyObject *self, PyObject *object, PyObject *type) {
    return object == NULL || object == Py_None ? Py_NewRef(self) : PyMethod_New(self, object);
}

/* Life */

static PyObject *lru_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"user_function", "maxsize", "typed", "cache_info_type", NULL};
    PyObject *function, *limit, *info_type;
    int typed;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOpO:lru_cache", keywords, &function, &limit, &typed, &info_type))
        return NULL;
    if (!PyCallable_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "the first argument must be callable");
        return NULL;
    }
    Py_ssize_t maxsize = -1;
    if (limit != Py_None) {
        if (!PyIndex_Check(limit)) {
            PyErr_SetString(PyExc_TypeError, "maxsize should be integer or None");
            return NULL;
        }
        maxsize = PyNumber_AsSsize_t(limit, PyExc_OverflowError);
        if (maxsize == -1 && PyErr_Occurred()) return NULL;
        if (maxsize < 0) maxsize = 0;
    }
    PyObject *cache = PyDict_New();
    LruCache *self = cache != NULL ? (LruCache *)type->tp_alloc(type, 0) : NULL;
    if (self == NULL) {
        Py_XDECREF(cache);
        return NULL;
    }
    self->vectorcall = maxsize == -1 ? call_unbounded : maxsize == 0 ? call_uncached : call_bounded;
    self->function = Py_NewRef(function);
    self->cache = cache;
    self->info_type = Py_NewRef(info_type);
    self->maxsize = maxsize;
    self->typed = typed;
    Link *root = root_of(self);
    root->previous = root->next = root;
    return (PyObject *)self;
}

static int lru_traverse(PyObject *op, visitproc visit, void *arg) {
    LruCache *self = (LruCache *)op;
    /* Links are not known to the collector; what they hold counts as ours. */
    for (Link *link = self->next; link != root_of(self); link = link->next) {
        Py_VISIT(link->key);
        Py_VISIT(link->result);
    }
    Py_VISIT(self->function);
    Py_VISIT(self->cache);
    Py_VISIT(self->info_type);
    Py_VISIT(self->attributes);
    return 0;
}

static int lru_clear(PyObject *op) {
    LruCache *self = (LruCache *)op;
    if (self->cache != NULL) empty_cache(self);
    Py_CLEAR(self->function);
    Py_CLEAR(self->info_type);
    Py_CLEAR(self->attributes);
    return 0;
}

static void lru_dealloc(PyObject *op) {
    LruCache *self = (LruCache *)op;
    PyObject_GC_UnTrack(op);
    if (self->weak_references != NULL) PyObject_ClearWeakRefs(op);
    lru_clear(op);
    Py_CLEAR(self->cache);
    Py_TYPE(op)->tp_free(op);
}

static PyMethodDef lru_methods[] = {
    {"cache_info", lru_cache_info, METH_NOARGS, cache_info_doc},
    {"cache_clear", lru_cache_clear, METH_NOARGS, cache_clear_doc},
    {"__reduce__", lru_reduce, METH_NOARGS},
    {"__copy__", lru_copy, METH_VARARGS},
    {"__deepcopy__", lru_copy, METH_VARARGS},
    {NULL},
};

static PyGetSetDef lru_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict},
    {NULL},
};

PyDoc_STRVAR(lru_doc, "Make a callable that remembers the results of a function.\n\n"
                      "user_function: called with arguments that are not in the cache\n"
                      "maxsize: number of results to keep, or None for no limit\n"
                      "typed: whether equal arguments of different types are kept apart\n"
                      "cache_info_type: called to make the result of cache_info()");

PyTypeObject kr_lru_cache_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "functools._lru_cache_wrapper",
    .tp_basicsize = sizeof(LruCache),
    .tp_dealloc = lru_dealloc,
    .tp_vectorcall_offset = offsetof(LruCache, vectorcall),
    .tp_call = PyVectorcall_Call,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_METHOD_DESCRIPTOR |
                Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_doc = lru_doc,
    .tp_traverse = lru_traverse,
    .tp_clear = lru_clear,
    .tp_weaklistoffset = offsetof(LruCache, weak_references),
    .tp_methods = lru_methods,
    .tp_getset = lru_getset,
    .tp_descr_get = lru_descr_get,
    .tp_dictoffset = offsetof(LruCache, attributes),
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = lru_new,
    .tp_free = PyObject_GC_Del,
};
