/* The type _pickle.Unpickler. */
#include <Python.h>
#include <structmember.h>

#include "modules/_pickle/pickle.h"

enum {
    MEMO_INITIAL = 32,
    MEMO_SPARSE = 1 << 16, /* greatest gap that the memo's array may get */
};

/* As large as in CPython, so that sys.getsizeof() tells the same. */
_Static_assert(sizeof(Unpickler) == 272, "size of an Unpickler");

/* --- The memo. */

static PyObject **new_memo(Py_ssize_t size) {
    PyObject **memo = PyMem_Calloc((size_t)size, sizeof(PyObject *));
    if (memo == NULL) PyErr_NoMemory();
    return memo;
}

PyObject *kr_pickle_unpickler_memo_get(Unpickler *self, size_t index) {
    if (index < (size_t)self->memo_size) return self->memo[index];
    if (self->stack->sparse_memo == NULL) return NULL;
    PyObject *number = PyLong_FromSize_t(index);
    if (number == NULL) return NULL;
    PyObject *value = PyDict_GetItemWithError(self->stack->sparse_memo, number);
    Py_DECREF(number);
    return value;
}

/* Sets a number that is far beyond the others. */
static int memo_set_sparse(Unpickler *self, size_t index, PyObject *value) {
    ObjectStack *stack = self->stack;
    if (stack->sparse_memo == NULL && (stack->sparse_memo = PyDict_New()) == NULL) return -1;
    PyObject *number = PyLong_FromSize_t(index);
    if (number == NULL) return -1;
    Py_ssize_t count = PyDict_GET_SIZE(stack->sparse_memo);
    int result = PyDict_SetItem(stack->sparse_memo, number, value);
    Py_DECREF(number);
    self->memo_count += PyDict_GET_SIZE(stack->sparse_memo) - count;
    return result;
}

int kr_pickle_unpickler_memo_set(Unpickler *self, size_t index, PyObject *value) {
    if (index >= (size_t)self->memo_size) {
        bool far = index > (size_t)self->memo_size + MEMO_SPARSE && index > 2 * (size_t)self->memo_count;
        /* Numbers in the dict stay there. */
        if (far || (self->stack->sparse_memo != NULL && PyDict_GET_SIZE(self->stack->sparse_memo) > 0))
            return memo_set_sparse(self, index, value);
        size_t size = index * 2;
        PyObject **memo = PyMem_Realloc(self->memo, size * sizeof(PyObject *));
        if (memo == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memset(memo + self->memo_size, 0, (size - (size_t)self->memo_size) * sizeof(PyObject *));
        self->memo = memo;
        self->memo_size = (Py_ssize_t)size;
    }
    PyObject *old = self->memo[index];
    self->memo[index] = Py_NewRef(value);
    if (old == NULL) {
        self->memo_count++;
    } else {
        Py_DECREF(old);
    }
    return 0;
}

void kr_pickle_unpickler_memo_clear(Unpickler *self) {
    for (Py_ssize_t i = 0; i < self->memo_size; i++) Py_CLEAR(self->memo[i]);
    self->memo_count = 0;
    if (self->stack != NULL) Py_CLEAR(self->stack->sparse_memo);
}

/* --- Life. */

Unpickler *kr_pickle_unpickler_new(PickleState *state) {
    return (Unpickler *)state->unpickler_type->tp_new(state->unpickler_type, NULL, NULL);
}

static PyObject *unpickler_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *module = PyType_GetModuleByDef(type, &kr_pickle_module);
    if (module == NULL) return NULL;
    Unpickler *self = (Unpickler *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->stack = PyMem_Calloc(1, sizeof(ObjectStack));
    if (self->stack == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    self->stack->state = PyModule_GetState(module);
    if ((self->memo = new_memo(MEMO_INITIAL)) == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    self->memo_size = MEMO_INITIAL;
    return (PyObject *)self;
}

const char kr_pickle_default_encoding[] = "ASCII", kr_pickle_default_errors[] = "strict";

static void free_string(const char **place) {
    if (*place != kr_pickle_default_encoding && *place != kr_pickle_default_errors) PyMem_Free((char *)*place);
    *place = NULL;
}

/* Sets the place to the default, or to a copy of the string if that is not NULL. Returns 0, or -1 with MemoryError. */
static int set_string(const char **place, const char *string, const char *standard) {
    char *copy = NULL;
    if (string != NULL) {
        size_t size = strlen(string) + 1;
        if ((copy = PyMem_Malloc(size)) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        memcpy(copy, string, size);
    }
    free_string(place);
    *place = copy != NULL ? copy : standard;
    return 0;
}

/* Reads a str without zero characters. */
static bool read_text(PyObject *object, const char *function, const char *name, const char **text) {
    Py_ssize_t size;
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s() argument '%s' must be str, not %.50s", function, name,
                     object == Py_None ? "None" : Py_TYPE(object)->tp_name);
        return false;
    }
    *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (*text == NULL) return false;
    if (strlen(*text) == (size_t)size) return true;
    PyErr_SetString(PyExc_ValueError, "embedded null character");
    return false;
}

bool kr_pickle_read_load_options(const char *function, PyObject *const *value, LoadOptions *options) {
    if (value[0] != NULL && (options->fix_imports = PyObject_IsTrue(value[0])) < 0) return false;
    if (value[1] != NULL && !read_text(value[1], function, "encoding", &options->encoding)) return false;
    if (value[2] != NULL && !read_text(value[2], function, "errors", &options->errors)) return false;
    options->buffers = value[3];
    return true;
}

int kr_pickle_unpickler_setup(Unpickler *self, const LoadOptions *options) {
    if (set_string(&self->encoding, options->encoding, kr_pickle_default_encoding) < 0 ||
        set_string(&self->errors, options->errors, kr_pickle_default_errors) < 0)
        return -1;
    PyObject *iterator = NULL, *buffers = options->buffers;
    if (buffers != NULL && buffers != Py_None && (iterator = PyObject_GetIter(buffers)) == NULL) return -1;
    Py_XSETREF(self->buffers, iterator);
    self->fix_imports = options->fix_imports;
    self->protocol = 0;
    return 0;
}

static int unpickler_clear(Unpickler *self) {
    Py_CLEAR(self->readline);
    Py_CLEAR(self->readinto);
    Py_CLEAR(self->read);
    Py_CLEAR(self->peek);
    self->persistent_self = NULL;
    Py_CLEAR(self->persistent_load);
    Py_CLEAR(self->buffers);
    if (self->buffer.obj != NULL) PyBuffer_Release(&self->buffer);
    self->input = NULL;
    self->input_size = self->next = self->fetched = 0;
    kr_pickle_unpickler_memo_clear(self);
    if (self->stack != NULL) {
        while (self->stack->size > 0) Py_DECREF(self->stack->items[--self->stack->size]);
    }
    return 0;
}

static int unpickler_init(Unpickler *self, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"file", "fix_imports", "encoding", "errors", "buffers", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "Unpickler"};
    PyObject *slots[5] = {NULL};
    PyObject *const *value = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), kwargs, NULL,
                                                   &parser, 1, 1, 0, slots);
    PickleState *state = self->stack->state;
    LoadOptions options = {.fix_imports = 1};
    if (value == NULL || (value == slots && !kr_pickle_read_load_options("Unpickler", value + 1, &options))) return -1;
    PyObject *file = value[0];
    if (kr_pickle_is_running(self)) return -1;
    unpickler_clear(self);
    if (kr_pickle_input_file(self, state, file) < 0 ||
        kr_pickle_unpickler_setup(self, &options) < 0 ||
        kr_pickle_find_hook((PyObject *)self, NAME(state, persistent_load), &self->persistent_load,
                            &self->persistent_self) < 0) {
        Py_CLEAR(self->read); /* load() is refused */
        return -1;
    }
    return 0;
}

static int unpickler_traverse(Unpickler *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->readline);
    Py_VISIT(self->readinto);
    Py_VISIT(self->read);
    Py_VISIT(self->peek);
    Py_VISIT(self->persistent_load);
    Py_VISIT(self->buffers);
    for (Py_ssize_t i = 0; i < self->memo_size; i++) Py_VISIT(self->memo[i]);
    if (self->stack != NULL) {
        Py_VISIT(self->stack->sparse_memo);
        for (Py_ssize_t i = 0; i < self->stack->size; i++) Py_VISIT(self->stack->items[i]);
    }
    return 0;
}

static void unpickler_dealloc(Unpickler *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    unpickler_clear(self);
    if (self->stack != NULL) {
        PyMem_Free(self->stack->items);
        PyMem_Free(self->stack);
    }
    PyMem_Free(self->memo);
    PyMem_Free(self->marks);
    PyMem_Free(self->line);
    free_string(&self->encoding);
    free_string(&self->errors);
    type->tp_free(self);
    Py_DECREF(type);
}

/* --- Methods. */

PyDoc_STRVAR(load_doc, "load($self, /)\n--\n\nRead a pickle from the file and return the object.");

static PyObject *unpickler_load(Unpickler *self, PyObject *unused) {
    if (self->read == NULL) {
        PyErr_Format(self->stack->state->unpickling_error, "Unpickler.__init__() was not called by %s.__init__()",
                     Py_TYPE(self)->tp_name);
        return NULL;
    }
    return kr_pickle_load(self);
}

PyObject *kr_pickle_find_class(Unpickler *self, PyObject *module_name, PyObject *name) {
    PyObject *found = NULL;
    if (PySys_Audit("pickle.find_class", "OO", module_name, name) < 0) return NULL;
    Py_INCREF(module_name);
    Py_INCREF(name);
    if (self->protocol >= 3 || !self->fix_imports || kr_pickle_map_to_python3(self->stack->state, &module_name, &name) >= 0) {
        PyObject *module = PyImport_Import(module_name);
        if (module != NULL) {
            found = kr_pickle_attribute(module, name, self->protocol >= 4);
            Py_DECREF(module);
        }
    }
    Py_DECREF(module_name);
    Py_DECREF(name);
    return found;
}

PyDoc_STRVAR(find_class_doc, "find_class($self, module_name, global_name, /)\n--\n\n"
                             "Import a module if need be and return an object from it.\n\n"
                             "Subclasses may define this method to restrict what pickles can refer to.");

static PyObject *unpickler_find_class(Unpickler *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("find_class", nargs, 2, 2)) return NULL;
    return kr_pickle_find_class(self, args[0], args[1]);
}

PyDoc_STRVAR(sizeof_doc, "__sizeof__($self, /)\n--\n\nReturn the size in memory, in bytes.");

static PyObject *unpickler_sizeof(Unpickler *self, PyObject *unused) {
    size_t size = (size_t)Py_TYPE(self)->tp_basicsize;
    size += (size_t)self->memo_size * sizeof(PyObject *) + (size_t)self->mark_capacity * sizeof(Py_ssize_t);
    if (self->line != NULL) size += strlen(self->line) + 1;
    if (self->encoding != NULL) size += strlen(self->encoding) + 1;
    if (self->errors != NULL) size += strlen(self->errors) + 1;
    return PyLong_FromSize_t(size);
}

static PyObject *get_memo(Unpickler *self, void *unused) { return kr_pickle_unpickler_memo_proxy(self); }

static int set_memo(Unpickler *self, PyObject *value, void *unused) {
    return kr_pickle_set_unpickler_memo(self, value);
}

static PyObject *get_persistent_load(Unpickler *self, void *unused) {
    if (self->persistent_load != NULL) return kr_pickle_hook_as_method(self->persistent_load, self->persistent_self);
    PyErr_SetString(PyExc_AttributeError, "persistent_load");
    return NULL;
}

static int set_persistent_load(Unpickler *self, PyObject *value, void *unused) {
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "attribute deletion is not supported");
        return -1;
    }
    if (!PyCallable_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "persistent_load must be a callable taking one argument");
        return -1;
    }
    self->persistent_self = NULL;
    Py_XSETREF(self->persistent_load, Py_NewRef(value));
    return 0;
}

static PyMethodDef unpickler_methods[] = {
    {"load", (PyCFunction)unpickler_load, METH_NOARGS, load_doc},
    {"find_class", (PyCFunction)(void (*)(void))unpickler_find_class, METH_FASTCALL, find_class_doc},
    {"__sizeof__", (PyCFunction)unpickler_sizeof, METH_NOARGS, sizeof_doc},
    {NULL},
};

static PyGetSetDef unpickler_getset[] = {
    {"memo", (getter)get_memo, (setter)set_memo},
    {"persistent_load", (getter)get_persistent_load, (setter)set_persistent_load},
    {NULL},
};

PyDoc_STRVAR(unpickler_doc, "Unpickler(file, *, fix_imports=True, encoding='ASCII', errors='strict',\n"
                            "          buffers=())\n--\n\n"
                            "Reads pickles of any protocol from a binary file.\n\n"
                            "With fix_imports, names that modules had in Python 2 are replaced. The encoding and errors tell\n"
                            "how 8-bit strings of Python 2 are decoded; 'bytes' leaves them as bytes. The iterable buffers\n"
                            "yields the buffers that were kept out of the pickle.");

static PyType_Slot unpickler_slots[] = {
    {Py_tp_new, unpickler_new},           {Py_tp_init, unpickler_init},     {Py_tp_dealloc, unpickler_dealloc},
    {Py_tp_traverse, unpickler_traverse}, {Py_tp_clear, unpickler_clear},   {Py_tp_methods, unpickler_methods},
    {Py_tp_getset, unpickler_getset},     {Py_tp_doc, (void *)unpickler_doc}, {0, NULL},
};

PyType_Spec kr_pickle_unpickler_spec = {
    .name = "_pickle.Unpickler",
    .basicsize = sizeof(Unpickler),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = unpickler_slots,
};
