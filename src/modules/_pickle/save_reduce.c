/* Pickling of objects by reducing them, and of classes and functions by name. */
#include <Python.h>

#include "modules/_pickle/pickle.h"

/* --- By name. */

/* Writes a name and a line feed; the format is for the error message. */
static int write_name(Pickler *self, PyObject *name, const char *format) {
    PyObject *bytes = self->protocol >= 3 ? PyUnicode_AsUTF8String(name) : PyUnicode_AsASCIIString(name);
    if (bytes == NULL) {
        if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            PyErr_Format(self->state->pickling_error, format, name, self->protocol);
        return -1;
    }
    int result = kr_pickle_write(self, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)) < 0
                     ? -1
                     : kr_pickle_write(self, "\n", 1);
    Py_DECREF(bytes);
    return result;
}

/* The instruction GLOBAL. */
static int write_global(Pickler *self, PyObject *module_name, PyObject *name) {
    int result = -1;
    Py_INCREF(module_name);
    Py_INCREF(name);
    if (self->fix_imports && kr_pickle_map_to_python2(self->state, &module_name, &name) < 0) goto done;
    if (write_op(self, OP_GLOBAL) < 0 ||
        write_name(self, module_name, "can't pickle module identifier '%S' using pickle protocol %i") < 0)
        goto done;
    result = write_name(self, name, "can't pickle global identifier '%S' using pickle protocol %i");
done:
    Py_DECREF(module_name);
    Py_DECREF(name);
    return result;
}

/* Writes the code that copyreg has for a name. Returns 1, or 0 if there is none, or -1 with an exception. */
static int save_extension(Pickler *self, PyObject *object, PyObject *module_name, PyObject *name) {
    PyObject *key = PyTuple_Pack(2, module_name, name);
    if (key == NULL) return -1;
    PyObject *number = PyDict_GetItemWithError(self->state->extension_registry, key);
    Py_DECREF(key);
    if (number == NULL) return PyErr_Occurred() ? -1 : 0;
    if (!PyLong_Check(number)) {
        PyErr_Format(self->state->pickling_error, "Can't pickle %R: extension code %R isn't an integer", object, number);
        return -1;
    }
    long code = PyLong_AsLong(number);
    if (code <= 0 || code > 0x7FFFFFFFL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_RuntimeError, "Can't pickle %R: extension code %ld is out of range", object, code);
        }
        return -1;
    }
    int bytes = code <= 0xFF ? 1 : code <= 0xFFFF ? 2 : 4;
    char instruction[5] = {(char)(code <= 0xFF ? OP_EXT1 : code <= 0xFFFF ? OP_EXT2 : OP_EXT4)};
    for (int i = 0; i < bytes; i++) instruction[1 + i] = (char)(code >> 8 * i);
    return kr_pickle_write(self, instruction, 1 + bytes) < 0 ? -1 : 1;
}

/* Checks that the name leads to the object. Returns the object that the last part of the path is an attribute of, owned,
   and sets *module; NULL with PicklingError. */
static PyObject *check_global(Pickler *self, PyObject *object, PyObject *module_name, PyObject *name, PyObject *path,
                              PyObject **module) {
    PyObject *error = self->state->pickling_error, *parent;
    *module = kr_pickle_import(module_name);
    if (*module == NULL) {
        PyErr_Clear();
        PyErr_Format(error, "Can't pickle %R: import of module %R failed", object, module_name);
        return NULL;
    }
    PyObject *found = kr_pickle_deep_attribute(*module, path, &parent);
    if (found == NULL) {
        PyErr_Clear();
        PyErr_Format(error, "Can't pickle %R: attribute lookup %S on %S failed", object, name, module_name);
        return NULL;
    }
    Py_DECREF(found);
    if (found == object) return parent;
    Py_DECREF(parent);
    PyErr_Format(error, "Can't pickle %R: it's not the same object as %S.%S", object, module_name, name);
    return NULL;
}

/* Writes the instructions that find an attribute of a parent; both belong to the module. */
static int write_found_global(Pickler *self, PyObject *module, PyObject *module_name, PyObject *parent, PyObject *name,
                              PyObject *path) {
    PyObject *last = PyList_GET_ITEM(path, PyList_GET_SIZE(path) - 1);
    if (parent == module) name = last;
    if (self->protocol >= 4) {
        if (kr_pickle_save(self, module_name, true) < 0 || kr_pickle_save(self, name, true) < 0) return -1;
        return write_op(self, OP_STACK_GLOBAL);
    }
    if (parent == module) return write_global(self, module_name, name);
    PyObject *value = Py_BuildValue("(O(OO))", self->state->getattr, parent, last);
    if (value == NULL) return -1;
    int result = kr_pickle_save_reduce(self, value, NULL);
    Py_DECREF(value);
    return result;
}

int kr_pickle_save_global(Pickler *self, PyObject *object, PyObject *name) {
    PyObject *path = NULL, *module_name = NULL, *module = NULL, *parent = NULL;
    int result = -1;
    if (name != NULL) {
        Py_INCREF(name);
    } else {
        if (_PyObject_LookupAttr(object, NAME(self->state, __qualname__), &name) < 0) return -1;
        if (name == NULL && (name = PyObject_GetAttr(object, NAME(self->state, __name__))) == NULL) return -1;
    }
    if ((path = kr_pickle_dotted_path(NULL, name)) == NULL ||
        (module_name = kr_pickle_which_module(self->state, object, path)) == NULL ||
        (parent = check_global(self, object, module_name, name, path, &module)) == NULL)
        goto done;
    if (self->protocol >= 2) {
        int written = save_extension(self, object, module_name, name);
        if (written != 0) {
            result = written < 0 ? -1 : 0;
            goto done;
        }
    }
    if (write_found_global(self, module, module_name, parent, name, path) >= 0) result = kr_pickle_memoize(self, object);
done:
    Py_DECREF(name);
    Py_XDECREF(path);
    Py_XDECREF(module_name);
    Py_XDECREF(module);
    Py_XDECREF(parent);
    return result;
}

/* The type of a singleton has no name: it is pickled as type(singleton). */
static int save_type_of(Pickler *self, PyObject *type, PyObject *singleton) {
    PyObject *value = Py_BuildValue("O(O)", &PyType_Type, singleton);
    if (value == NULL) return -1;
    int result = kr_pickle_save_reduce(self, value, type);
    Py_DECREF(value);
    return result;
}

int kr_pickle_save_type(Pickler *self, PyObject *type) {
    PyObject *const singletons[] = {Py_None, Py_Ellipsis, Py_NotImplemented};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(singletons); i++) {
        if (type == (PyObject *)Py_TYPE(singletons[i])) return save_type_of(self, type, singletons[i]);
    }
    return kr_pickle_save_global(self, type, NULL);
}

/* --- By reducing. */

static int pickling_error(Pickler *self, const char *format, const char *name) {
    PyErr_Format(self->state->pickling_error, format, name);
    return -1;
}

/* cls, args and kwargs for __new__: NEWOBJ_EX, or, in older protocols, a call of partial(cls.__new__, cls, ...). */
static int save_new_with_keywords(Pickler *self, PyObject *arguments) {
    PickleState *state = self->state;
    if (PyTuple_GET_SIZE(arguments) != 3) {
        PyErr_Format(state->pickling_error, "length of the NEWOBJ_EX argument tuple must be exactly 3, not %zd",
                     PyTuple_GET_SIZE(arguments));
        return -1;
    }
    PyObject *cls = PyTuple_GET_ITEM(arguments, 0), *args = PyTuple_GET_ITEM(arguments, 1);
    PyObject *kwargs = PyTuple_GET_ITEM(arguments, 2);
    if (!PyType_Check(cls))
        return pickling_error(self, "first item from NEWOBJ_EX argument tuple must be a class, not %.200s",
                              Py_TYPE(cls)->tp_name);
    if (!PyTuple_Check(args))
        return pickling_error(self, "second item from NEWOBJ_EX argument tuple must be a tuple, not %.200s",
                              Py_TYPE(args)->tp_name);
    if (!PyDict_Check(kwargs))
        return pickling_error(self, "third item from NEWOBJ_EX argument tuple must be a dict, not %.200s",
                              Py_TYPE(kwargs)->tp_name);
    if (self->protocol >= 4) {
        if (kr_pickle_save(self, cls, true) < 0 || kr_pickle_save(self, args, true) < 0 ||
            kr_pickle_save(self, kwargs, true) < 0)
            return -1;
        return write_op(self, OP_NEWOBJ_EX);
    }
    PyObject *empty = NULL, *call = NULL, *new_args = PyTuple_New(PyTuple_GET_SIZE(args) + 2);
    int result = -1;
    if (new_args == NULL) return -1;
    PyObject *new = PyObject_GetAttr(cls, NAME(state, __new__));
    if (new == NULL) goto done;
    PyTuple_SET_ITEM(new_args, 0, new);
    PyTuple_SET_ITEM(new_args, 1, Py_NewRef(cls));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++)
        PyTuple_SET_ITEM(new_args, i + 2, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    if ((call = PyObject_Call(state->partial, new_args, kwargs)) == NULL || (empty = PyTuple_New(0)) == NULL ||
        kr_pickle_save(self, call, true) < 0 || kr_pickle_save(self, empty, true) < 0)
        goto done;
    result = write_op(self, OP_REDUCE);
done:
    Py_XDECREF(empty);
    Py_XDECREF(call);
    Py_DECREF(new_args);
    return result;
}

/* cls and the other arguments of __new__: NEWOBJ. */
static int save_new(Pickler *self, PyObject *arguments, PyObject *object) {
    PickleState *state = self->state;
    if (PyTuple_GET_SIZE(arguments) < 1) return pickling_error(self, "%s", "__newobj__ arglist is empty");
    PyObject *cls = PyTuple_GET_ITEM(arguments, 0);
    if (!PyType_Check(cls)) return pickling_error(self, "%s", "args[0] from __newobj__ args is not a type");
    if (object != NULL) {
        PyObject *actual = PyObject_GetAttr(object, NAME(state, __class__));
        if (actual == NULL) return -1;
        Py_DECREF(actual);
        if (actual != cls) return pickling_error(self, "%s", "args[0] from __newobj__ args has the wrong class");
    }
    if (kr_pickle_save(self, cls, true) < 0) return -1;
    PyObject *rest = PyTuple_GetSlice(arguments, 1, PyTuple_GET_SIZE(arguments));
    if (rest == NULL) return -1;
    int result = kr_pickle_save(self, rest, true) < 0 ? -1 : write_op(self, OP_NEWOBJ);
    Py_DECREF(rest);
    return result;
}

/* Writes the instructions that make the object from a callable and its arguments. */
static int save_call(Pickler *self, PyObject *callable, PyObject *arguments, PyObject *object) {
    if (self->protocol >= 2) {
        PyObject *name;
        if (_PyObject_LookupAttr(callable, NAME(self->state, __name__), &name) < 0) return -1;
        bool with_keywords = false, is_new = false;
        if (name != NULL && PyUnicode_Check(name)) {
            is_new = name == NAME(self->state, __newobj__) || PyUnicode_Compare(name, NAME(self->state, __newobj__)) == 0;
            with_keywords = !is_new && PyUnicode_Compare(name, NAME(self->state, __newobj_ex__)) == 0;
        }
        Py_XDECREF(name);
        if (with_keywords) return save_new_with_keywords(self, arguments);
        if (is_new) return save_new(self, arguments, object);
    }
    if (kr_pickle_save(self, callable, true) < 0 || kr_pickle_save(self, arguments, true) < 0) return -1;
    return write_op(self, OP_REDUCE);
}

static int save_state(Pickler *self, PyObject *state, PyObject *setter, PyObject *object) {
    if (setter == NULL) return kr_pickle_save(self, state, true) < 0 ? -1 : write_op(self, OP_BUILD);
    /* Call setter(object, state), and throw the result away. */
    if (kr_pickle_save(self, setter, true) < 0 || kr_pickle_save(self, object, true) < 0 ||
        kr_pickle_save(self, state, true) < 0)
        return -1;
    return kr_pickle_write(self, (char[]){(char)OP_TUPLE2, OP_REDUCE, OP_POP}, 3);
}

int kr_pickle_save_reduce(Pickler *self, PyObject *value, PyObject *object) {
    PyObject *part[6] = {NULL};
    Py_ssize_t size = PyTuple_GET_SIZE(value);
    if (size < 2 || size > 6)
        return pickling_error(self, "%s", "tuple returned by __reduce__ must contain 2 through 6 elements");
    for (Py_ssize_t i = 0; i < size; i++) {
        part[i] = PyTuple_GET_ITEM(value, i);
        if (i >= 2 && part[i] == Py_None) part[i] = NULL;
    }
    PyObject *callable = part[0], *arguments = part[1], *state = part[2], *list_items = part[3], *dict_items = part[4];
    PyObject *setter = part[5];
    if (!PyCallable_Check(callable))
        return pickling_error(self, "%s", "first item of the tuple returned by __reduce__ must be callable");
    if (!PyTuple_Check(arguments))
        return pickling_error(self, "%s", "second item of the tuple returned by __reduce__ must be a tuple");
    if (list_items != NULL && !PyIter_Check(list_items))
        return pickling_error(self, "fourth element of the tuple returned by __reduce__ must be an iterator, not %s",
                              Py_TYPE(list_items)->tp_name);
    if (dict_items != NULL && !PyIter_Check(dict_items))
        return pickling_error(self, "fifth element of the tuple returned by __reduce__ must be an iterator, not %s",
                              Py_TYPE(dict_items)->tp_name);
    if (setter != NULL && !PyCallable_Check(setter))
        return pickling_error(self, "sixth element of the tuple returned by __reduce__ must be a function, not %s",
                              Py_TYPE(setter)->tp_name);

    if (save_call(self, callable, arguments, object) < 0) return -1;
    if (object != NULL) {
        const MemoEntry *known = memo_find(self->memo, object);
        if (known->object != NULL) {
            /* The arguments refer to the object, which has thus been made already. */
            Py_ssize_t index = known->index;
            if (write_op(self, OP_POP) < 0 || kr_pickle_save_get(self, index) < 0) return -1;
        } else if (kr_pickle_memoize(self, object) < 0) {
            return -1;
        }
    }
    if (list_items != NULL && kr_pickle_batch_list(self, list_items) < 0) return -1;
    if (dict_items != NULL && kr_pickle_batch_dict(self, dict_items) < 0) return -1;
    return state != NULL ? save_state(self, state, setter, object) : 0;
}

/* The function that dispatch tables have for a type: owned, or NULL, perhaps with an exception. */
static PyObject *find_reducer(Pickler *self, PyTypeObject *type) {
    if (self->dispatch_table == NULL) {
        PyObject *table = self->state->dispatch_table;
        return Py_XNewRef(Py_IS_TYPE(type, &PyType_Type)
                              ? _PyDict_GetItem_KnownHash(table, (PyObject *)type, _Py_HashPointer(type))
                              : PyDict_GetItemWithError(table, (PyObject *)type));
    }
    PyObject *reducer = PyObject_GetItem(self->dispatch_table, (PyObject *)type);
    if (reducer == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) PyErr_Clear();
    return reducer;
}

/* What the object's __reduce_ex__ or __reduce__ returns; NULL with an exception. */
static PyObject *call_reduce(Pickler *self, PyObject *object) {
    PyObject *name = NAME(self->state, __reduce_ex__), *reduce = NULL, *value;
    PyTypeObject *type = Py_TYPE(object);
    PyObject *method = type->tp_getattro == PyObject_GenericGetAttr ? _PyType_Lookup(type, name) : NULL;
    bool unbound = false;
    if (method != NULL && PyType_HasFeature(Py_TYPE(method), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        unbound = _PyObject_GetMethod(object, name, &reduce);
        if (reduce == NULL) return NULL;
    } else if (_PyObject_LookupAttr(object, name, &reduce) < 0) {
        return NULL;
    }
    if (reduce != NULL) {
        PyObject *arguments[] = {object, PyLong_FromLong(self->protocol)};
        value = PyObject_Vectorcall(reduce, arguments + !unbound, 1 + unbound, NULL);
        Py_DECREF(arguments[1]);
    } else {
        if (_PyObject_LookupAttr(object, NAME(self->state, __reduce__), &reduce) < 0) return NULL;
        if (reduce == NULL) {
            PyErr_Format(self->state->pickling_error, "can't pickle '%.200s' object: %R", Py_TYPE(object)->tp_name,
                         object);
            return NULL;
        }
        value = PyObject_CallNoArgs(reduce);
    }
    Py_DECREF(reduce);
    return value;
}

int kr_pickle_save_by_reducing(Pickler *self, PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject *value, *reducer = find_reducer(self, type);
    if (reducer != NULL) {
        value = PyObject_CallOneArg(reducer, object);
        Py_DECREF(reducer);
    } else if (PyErr_Occurred()) {
        return -1;
    } else if (PyType_IsSubtype(type, &PyType_Type)) {
        return kr_pickle_save_global(self, object, NULL);
    } else {
        value = call_reduce(self, object);
    }
    if (value == NULL) return -1;
    int result;
    if (PyUnicode_Check(value)) {
        result = kr_pickle_save_global(self, object, value);
    } else if (PyTuple_Check(value)) {
        result = kr_pickle_save_reduce(self, value, object);
    } else {
        result = pickling_error(self, "%s", "__reduce__ must return a string or tuple");
    }
    Py_DECREF(value);
    return result;
}
