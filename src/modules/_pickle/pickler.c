/* The type _pickle.Pickler. */
#include <Python.h>
#include <structmember.h>

#include "modules/_pickle/pickle.h"

/* As large as in CPython, so that sys.getsizeof() tells the same. */
_Static_assert(sizeof(Pickler) == 152, "size of a Pickler");

/* Reads a protocol number; returns -1 with an exception if it is not valid. */
static int read_protocol(PyObject *protocol) {
    if (protocol == NULL || protocol == Py_None) return DEFAULT_PROTOCOL;
    long number = PyLong_AsLong(protocol);
    if (number < 0) return PyErr_Occurred() ? -1 : HIGHEST_PROTOCOL;
    if (number <= HIGHEST_PROTOCOL) return (int)number;
    PyErr_Format(PyExc_ValueError, "pickle protocol must be <= %d", HIGHEST_PROTOCOL);
    return -1;
}

Pickler *kr_pickle_pickler_new(PickleState *state) {
    return (Pickler *)state->pickler_type->tp_new(state->pickler_type, NULL, NULL);
}

/* Makes a Pickler ready; file is NULL for dumps(). */
int kr_pickle_pickler_setup(Pickler *self, PyObject *file, PyObject *protocol, bool fix_imports,
                            PyObject *buffer_callback) {
    int number = read_protocol(protocol);
    if (number < 0) return -1;
    self->protocol = number;
    self->binary = number > 0;
    self->fix_imports = fix_imports && number < 3;
    if (file != NULL) {
        PyObject *write;
        if (_PyObject_LookupAttr(file, NAME(self->state, write), &write) < 0) return -1;
        if (write == NULL) {
            PyErr_SetString(PyExc_TypeError, "file must have a 'write' attribute");
            return -1;
        }
        Py_XSETREF(self->write, write);
    }
    if (buffer_callback == Py_None) buffer_callback = NULL;
    if (buffer_callback != NULL && number < 5) {
        PyErr_SetString(PyExc_ValueError, "buffer_callback needs protocol >= 5");
        return -1;
    }
    Py_XSETREF(self->buffer_callback, Py_XNewRef(buffer_callback));
    self->fast = self->fast_nesting = 0;
    Py_CLEAR(self->fast_memo);
    return 0;
}

/* Writes the pickle of an object to the output. */
int kr_pickle_dump(Pickler *self, PyObject *object) {
    if (self->protocol >= 2) {
        if (kr_pickle_write(self, (char[]){(char)OP_PROTO, (char)self->protocol}, 2) < 0) return -1;
        if (self->protocol >= 4) self->framing = 1;
    }
    int result = kr_pickle_save(self, object, true) < 0 || write_op(self, OP_STOP) < 0 ? -1
                                                                                        : kr_pickle_close_frame(self);
    self->framing = 0;
    return result;
}

static PyObject *pickler_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *module = PyType_GetModuleByDef(type, &kr_pickle_module);
    if (module == NULL) return NULL;
    Pickler *self = (Pickler *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->state = PyModule_GetState(module);
    self->frame_start = -1;
    return (PyObject *)self;
}

static int pickler_init(Pickler *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"file", "protocol", "fix_imports", "buffer_callback", NULL};
    PyObject *file, *protocol = NULL, *buffer_callback = NULL;
    int fix_imports = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OpO:Pickler", keywords, &file, &protocol, &fix_imports,
                                     &buffer_callback))
        return -1;
    Py_CLEAR(self->write);
    if (kr_pickle_pickler_setup(self, file, protocol, fix_imports, buffer_callback) < 0) return -1;
    if (self->memo == NULL) {
        if ((self->memo = kr_pickle_memo_new()) == NULL) return -1;
    } else {
        kr_pickle_memo_clear(self->memo);
    }
    if (self->output == NULL && kr_pickle_output_clear(self) < 0) return -1;
    if (kr_pickle_find_hook((PyObject *)self, NAME(self->state, persistent_id), &self->persistent_id,
                            &self->persistent_self) < 0)
        return -1;
    PyObject *table;
    if (_PyObject_LookupAttr((PyObject *)self, NAME(self->state, dispatch_table), &table) < 0) return -1;
    Py_XSETREF(self->dispatch_table, table);
    return 0;
}

static int pickler_traverse(Pickler *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->write);
    Py_VISIT(self->persistent_id);
    Py_VISIT(self->dispatch_table);
    Py_VISIT(self->reducer_override);
    Py_VISIT(self->fast_memo);
    Py_VISIT(self->buffer_callback);
    if (self->memo != NULL) {
        for (Py_ssize_t i = 0; i < self->memo->size; i++) Py_VISIT(self->memo->entries[i].object);
    }
    return 0;
}

static int pickler_clear(Pickler *self) {
    Py_CLEAR(self->output);
    self->data = NULL;
    self->length = self->capacity = 0;
    Py_CLEAR(self->write);
    self->persistent_self = NULL;
    Py_CLEAR(self->persistent_id);
    Py_CLEAR(self->dispatch_table);
    Py_CLEAR(self->reducer_override);
    Py_CLEAR(self->fast_memo);
    Py_CLEAR(self->buffer_callback);
    Memo *memo = self->memo;
    self->memo = NULL;
    kr_pickle_memo_free(memo);
    return 0;
}

static void pickler_dealloc(Pickler *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    pickler_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(dump_doc, "dump($self, obj, /)\n--\n\nWrite the pickle of an object to the file.");

static PyObject *pickler_dump(Pickler *self, PyObject *object) {
    if (self->write == NULL || self->memo == NULL) {
        PyErr_Format(self->state->pickling_error, "Pickler.__init__() was not called by %s.__init__()",
                     Py_TYPE(self)->tp_name);
        return NULL;
    }
    if (kr_pickle_output_clear(self) < 0) return NULL;
    PyObject *override;
    if (_PyObject_LookupAttr((PyObject *)self, NAME(self->state, reducer_override), &override) < 0) return NULL;
    Py_XSETREF(self->reducer_override, override);
    int failed = kr_pickle_dump(self, object) < 0 || kr_pickle_flush(self) < 0;
    /* It may be a method bound to self. */
    Py_CLEAR(self->reducer_override);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(clear_memo_doc, "clear_memo($self, /)\n--\n\nForget all objects that have been pickled.");

static PyObject *pickler_clear_memo(Pickler *self, PyObject *unused) {
    if (self->memo != NULL) kr_pickle_memo_clear(self->memo);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(sizeof_doc, "__sizeof__($self, /)\n--\n\nReturn the size in memory, in bytes.");

static PyObject *pickler_sizeof(Pickler *self, PyObject *unused) {
    size_t size = (size_t)Py_TYPE(self)->tp_basicsize;
    if (self->memo != NULL) size += kr_pickle_memo_sizeof(self->memo);
    if (self->output != NULL) size += offsetof(PyBytesObject, ob_sval) + 1 + (size_t)PyBytes_GET_SIZE(self->output);
    return PyLong_FromSize_t(size);
}

static PyObject *get_memo(Pickler *self, void *unused) { return kr_pickle_pickler_memo_proxy(self); }

static int set_memo(Pickler *self, PyObject *value, void *unused) { return kr_pickle_set_pickler_memo(self, value); }

static PyObject *get_persistent_id(Pickler *self, void *unused) {
    if (self->persistent_id != NULL) return kr_pickle_hook_as_method(self->persistent_id, self->persistent_self);
    PyErr_SetString(PyExc_AttributeError, "persistent_id");
    return NULL;
}

static int set_persistent_id(Pickler *self, PyObject *value, void *unused) {
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "attribute deletion is not supported");
        return -1;
    }
    if (!PyCallable_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "persistent_id must be a callable taking one argument");
        return -1;
    }
    self->persistent_self = NULL;
    Py_XSETREF(self->persistent_id, Py_NewRef(value));
    return 0;
}

static PyMethodDef pickler_methods[] = {
    {"dump", (PyCFunction)pickler_dump, METH_O, dump_doc},
    {"clear_memo", (PyCFunction)pickler_clear_memo, METH_NOARGS, clear_memo_doc},
    {"__sizeof__", (PyCFunction)pickler_sizeof, METH_NOARGS, sizeof_doc},
    {NULL},
};

static PyMemberDef pickler_members[] = {
    {"bin", T_INT, offsetof(Pickler, binary)},
    {"fast", T_INT, offsetof(Pickler, fast)},
    {"dispatch_table", T_OBJECT_EX, offsetof(Pickler, dispatch_table)},
    {NULL},
};

static PyGetSetDef pickler_getset[] = {
    {"memo", (getter)get_memo, (setter)set_memo},
    {"persistent_id", (getter)get_persistent_id, (setter)set_persistent_id},
    {NULL},
};

PyDoc_STRVAR(pickler_doc, "Pickler(file, protocol=None, fix_imports=True, buffer_callback=None)\n--\n\n"
                          "Writes pickles of objects to a binary file.\n\n"
                          "The protocol is 0 to 5, or negative for the newest. With fix_imports, protocols below 3 use\n"
                          "the names that modules had in Python 2. With protocol 5, buffer_callback is asked about each\n"
                          "buffer, and keeps it out of the pickle by returning a false value.");

static PyType_Slot pickler_slots[] = {
    {Py_tp_new, pickler_new},           {Py_tp_init, pickler_init},       {Py_tp_dealloc, pickler_dealloc},
    {Py_tp_traverse, pickler_traverse}, {Py_tp_clear, pickler_clear},     {Py_tp_methods, pickler_methods},
    {Py_tp_members, pickler_members},   {Py_tp_getset, pickler_getset},   {Py_tp_doc, (void *)pickler_doc},
    {0, NULL},
};

PyType_Spec kr_pickle_pickler_spec = {
    .name = "_pickle.Pickler",
    .basicsize = sizeof(Pickler),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = pickler_slots,
};
