/* What single instructions need and is too long for the loop: raising, unpacking, imports, patterns, class bodies. */
#include <Python.h>

#include "compile/opcodes.h"
#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "object/super.h"
#include "types/int.h"
#include "vm/eval.h"

/* ---- Exceptions ---- */

/* One number of the exception table: 6 bits a byte, most significant first, bit 6 says that more follow. */
static const unsigned char *read_number(const unsigned char *at, int *result) {
    int value = *at & 63;
    while (*at & 64) value = value << 6 | (*++at & 63);
    *result = value;
    return at + 1;
}

int kr_find_handler(PyCodeObject *code, int offset, int *depth, int *handler, int *push_offset) {
    const unsigned char *at = (const unsigned char *)PyBytes_AS_STRING(code->co_exceptiontable);
    const unsigned char *end = at + PyBytes_GET_SIZE(code->co_exceptiontable);
    while (at < end) {
        int start, length, target, packed;
        at = read_number(at, &start);
        if (start > offset) return 0;
        at = read_number(at, &length);
        at = read_number(at, &target);
        at = read_number(at, &packed);
        if (offset < start + length) {
            *depth = packed >> 1;
            *push_offset = packed & 1;
            *handler = target;
            return 1;
        }
    }
    return 0;
}

int kr_do_raise(PyThreadState *thread, PyObject *exception, PyObject *cause) {
    PyObject *type = NULL, *value = NULL;
    if (exception == NULL) {
        _PyErr_StackItem *item = thread->exc_info;
        while ((item->exc_value == NULL || item->exc_value == Py_None) && item->previous_item != NULL)
            item = item->previous_item;
        value = item->exc_value;
        if (value == NULL || value == Py_None) {
            PyErr_SetString(PyExc_RuntimeError, "No active exception to reraise");
            return 0;
        }
        Py_INCREF(value);
        PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(value)), value, PyException_GetTraceback(value));
        return 1;
    }
    if (PyExceptionClass_Check(exception)) {
        type = exception;
        value = PyObject_CallNoArgs(exception);
        if (value == NULL) goto fail;
        if (!PyExceptionInstance_Check(value)) {
            PyErr_Format(PyExc_TypeError, "calling %R should have returned an instance of BaseException, not %R", type,
                         Py_TYPE(value));
            goto fail;
        }
    } else if (PyExceptionInstance_Check(exception)) {
        value = exception;
        type = Py_NewRef((PyObject *)Py_TYPE(exception));
    } else {
        Py_DECREF(exception);
        PyErr_SetString(PyExc_TypeError, "exceptions must derive from BaseException");
        goto fail;
    }
    if (cause != NULL) {
        PyObject *fixed;
        if (PyExceptionClass_Check(cause)) {
            fixed = PyObject_CallNoArgs(cause);
            if (fixed == NULL) goto fail;
            if (!PyExceptionInstance_Check(fixed)) {
                PyErr_Format(PyExc_TypeError, "calling %R should have returned an instance of BaseException, not %R",
                             cause, Py_TYPE(fixed));
                Py_DECREF(fixed);
                goto fail;
            }
            Py_DECREF(cause);
        } else if (PyExceptionInstance_Check(cause)) {
            fixed = cause;
        } else if (cause == Py_None) {
            Py_DECREF(cause);
            fixed = NULL;
        } else {
            PyErr_SetString(PyExc_TypeError, "exception causes must derive from BaseException");
            goto fail;
        }
        cause = NULL;
        PyException_SetCause(value, fixed);
    }
    PyErr_SetObject(type, value);
    Py_DECREF(value);
    Py_DECREF(type);
    return 0;
fail:
    Py_XDECREF(value);
    Py_XDECREF(type);
    Py_XDECREF(cause);
    return 0;
}

static const char cannot_catch[] = "catching classes that do not inherit from BaseException is not allowed";
static const char cannot_catch_group[] =
    "catching ExceptionGroup with except* is not allowed. Use except instead.";

int kr_check_except_type_valid(PyThreadState *thread, PyObject *right) {
    if (PyTuple_Check(right)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(right); i++)
            if (!PyExceptionClass_Check(PyTuple_GET_ITEM(right, i))) {
                PyErr_SetString(PyExc_TypeError, cannot_catch);
                return -1;
            }
    } else if (!PyExceptionClass_Check(right)) {
        PyErr_SetString(PyExc_TypeError, cannot_catch);
        return -1;
    }
    return 0;
}

int kr_check_except_star_type_valid(PyThreadState *thread, PyObject *right) {
    if (kr_check_except_type_valid(thread, right) < 0) return -1;
    Py_ssize_t count = PyTuple_Check(right) ? PyTuple_GET_SIZE(right) : 1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *type = PyTuple_Check(right) ? PyTuple_GET_ITEM(right, i) : right;
        int group = PyObject_IsSubclass(type, PyExc_BaseExceptionGroup);
        if (group < 0) return -1;
        if (group) {
            PyErr_SetString(PyExc_TypeError, cannot_catch_group);
            return -1;
        }
    }
    return 0;
}

int kr_exception_group_match(PyObject *exception, PyObject *type, PyObject **match, PyObject **rest) {
    if (Py_IsNone(exception)) {
        *match = Py_NewRef(Py_None);
        *rest = Py_NewRef(Py_None);
        return 0;
    }
    if (PyErr_GivenExceptionMatches(exception, type)) {
        if (PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_BaseExceptionGroup)) {
            *match = Py_NewRef(exception);
        } else { /* a naked exception is wrapped */
            PyObject *list = PyTuple_Pack(1, exception);
            if (list == NULL) return -1;
            PyObject *wrapped = PyObject_CallFunction(PyExc_BaseExceptionGroup, "sO", "", list);
            Py_DECREF(list);
            if (wrapped == NULL) return -1;
            *match = wrapped;
        }
        *rest = Py_NewRef(Py_None);
        return 0;
    }
    if (PyObject_TypeCheck(exception, (PyTypeObject *)PyExc_BaseExceptionGroup)) {
        PyObject *pair = PyObject_CallMethodOneArg(exception, KR_NAME(split), type);
        if (pair == NULL) return -1;
        if (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2) {
            PyErr_Format(PyExc_TypeError, "%.200s.split must return a 2-tuple", Py_TYPE(exception)->tp_name);
            Py_DECREF(pair);
            return -1;
        }
        *match = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
        *rest = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
        Py_DECREF(pair);
        return 0;
    }
    *match = Py_NewRef(Py_None);
    *rest = Py_NewRef(exception);
    return 0;
}

void kr_format_name_error(PyThreadState *thread, PyObject *type, const char *format, PyObject *name) {
    const char *text = PyUnicode_AsUTF8(name);
    if (text == NULL) return;
    PyErr_Format(type, format, text);
    if (type == PyExc_NameError) { /* the name is kept for suggestions */
        PyObject *error_type, *value, *traceback;
        PyErr_Fetch(&error_type, &value, &traceback);
        PyErr_NormalizeException(&error_type, &value, &traceback);
        if (PyErr_GivenExceptionMatches(value, PyExc_NameError)) {
            PyNameErrorObject *error = (PyNameErrorObject *)value;
            if (error->name == NULL) error->name = Py_NewRef(name);
        }
        PyErr_Restore(error_type, value, traceback);
    }
}

void kr_format_exception_unbound(PyThreadState *thread, PyCodeObject *code, int index) {
    enum { FREE = 0x80 };
    PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, index);
    if (PyErr_Occurred()) return;
    if (PyBytes_AS_STRING(code->co_localspluskinds)[index] & FREE)
        kr_format_name_error(thread, PyExc_NameError,
                             "cannot access free variable '%s' where it is not associated with a value in enclosing scope",
                             name);
    else
        kr_format_name_error(thread, PyExc_UnboundLocalError,
                             "cannot access local variable '%s' where it is not associated with a value", name);
}

void kr_format_kwargs_error(PyThreadState *thread, PyObject *function, PyObject *kwargs) {
    if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
        PyObject *text = _PyObject_FunctionStr(function);
        if (text == NULL) return;
        PyErr_Format(PyExc_TypeError, "%U argument after ** must be a mapping, not %.200s", text, Py_TYPE(kwargs)->tp_name);
        Py_DECREF(text);
    } else if (PyErr_ExceptionMatches(PyExc_KeyError)) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyObject *args = value == NULL ? NULL : ((PyBaseExceptionObject *)value)->args;
        if (args != NULL && PyTuple_GET_SIZE(args) == 1) {
            PyObject *text = _PyObject_FunctionStr(function), *key = PyTuple_GET_ITEM(args, 0);
            if (text != NULL) {
                PyErr_Format(PyExc_TypeError, "%U got multiple values for keyword argument '%S'", text, key);
                Py_DECREF(text);
            }
            Py_XDECREF(type);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
        } else {
            PyErr_Restore(type, value, traceback);
        }
    }
}

int kr_check_args_iterable(PyThreadState *thread, PyObject *function, PyObject *args) {
    if (Py_TYPE(args)->tp_iter != NULL || PySequence_Check(args)) return 0;
    PyErr_Clear();
    PyObject *text = _PyObject_FunctionStr(function);
    if (text == NULL) return -1;
    PyErr_Format(PyExc_TypeError, "%U argument after * must be an iterable, not %.200s", text, Py_TYPE(args)->tp_name);
    Py_DECREF(text);
    return -1;
}

PyObject *kr_load_special_method(PyObject *object, PyObject *name) {
    if (name == NULL) return NULL;
    PyObject *method = _PyType_Lookup(Py_TYPE(object), name);
    if (method == NULL) return NULL;
    descrgetfunc get = Py_TYPE(method)->tp_descr_get;
    return get == NULL ? Py_NewRef(method) : get(method, object, (PyObject *)Py_TYPE(object));
}

/* ---- Slices ---- */

/* Sets *index from a small int, clipped to 0 and length, or from None; returns 0 for anything else. */
static inline int slice_bound(PyObject *bound, Py_ssize_t length, Py_ssize_t without, Py_ssize_t *index) {
    if (bound == Py_None) {
        *index = without;
        return 1;
    }
    if (!PyLong_CheckExact(bound) || !kr_int_is_single((PyLongObject *)bound)) return 0;
    Py_ssize_t value = kr_int_single((PyLongObject *)bound);
    if (value < 0) value += length;
    *index = value < 0 ? 0 : value > length ? length : value;
    return 1;
}

int kr_slice_bounds(PyObject *container, PyObject *start, PyObject *stop, Py_ssize_t *from, Py_ssize_t *to) {
    Py_ssize_t length;
    if (PyList_CheckExact(container) || PyTuple_CheckExact(container) || PyBytes_CheckExact(container))
        length = Py_SIZE(container);
    else if (PyUnicode_CheckExact(container) && PyUnicode_IS_READY(container))
        length = PyUnicode_GET_LENGTH(container);
    else
        return 0;
    if (!slice_bound(start, length, 0, from) || !slice_bound(stop, length, length, to)) return 0;
    if (*to < *from) *to = *from;
    return 1;
}

PyObject *kr_slice_take(PyObject *container, Py_ssize_t from, Py_ssize_t to) {
    if (PyList_CheckExact(container)) return PyList_GetSlice(container, from, to);
    if (PyUnicode_CheckExact(container)) return PyUnicode_Substring(container, from, to);
    if (PyTuple_CheckExact(container)) return PyTuple_GetSlice(container, from, to);
    if (from == 0 && to == PyBytes_GET_SIZE(container)) return Py_NewRef(container);
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(container) + from, to - from);
}

/* ---- Unpacking ---- */

/* Unpacks into the `before` (+ 1 list + `after`, if after >= 0) places below `top`, the first item uppermost. Returns 1,
 * or 0 with an exception. */
int kr_unpack_iterable(PyThreadState *thread, PyObject *iterable, int before, int after, PyObject **top) {
    int done = 0;
    PyObject *list = NULL, *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) && Py_TYPE(iterable)->tp_iter == NULL && !PySequence_Check(iterable))
            PyErr_Format(PyExc_TypeError, "cannot unpack non-iterable %.200s object", Py_TYPE(iterable)->tp_name);
        return 0;
    }
    for (; done < before; done++) {
        PyObject *item = PyIter_Next(iterator);
        if (item == NULL) {
            if (!PyErr_Occurred()) {
                if (after < 0)
                    PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected %d, got %d)", before, done);
                else
                    PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected at least %d, got %d)",
                                 before + after, done);
            }
            goto fail;
        }
        *--top = item;
    }
    if (after < 0) {
        PyObject *more = PyIter_Next(iterator);
        if (more == NULL) {
            if (PyErr_Occurred()) goto fail;
            Py_DECREF(iterator);
            return 1;
        }
        Py_DECREF(more);
        PyErr_Format(PyExc_ValueError, "too many values to unpack (expected %d)", before);
        goto fail;
    }
    list = PySequence_List(iterator);
    if (list == NULL) goto fail;
    Py_ssize_t length = PyList_GET_SIZE(list);
    if (length < after) {
        PyErr_Format(PyExc_ValueError, "not enough values to unpack (expected at least %d, got %zd)", before + after,
                     before + length);
        Py_DECREF(list);
        goto fail;
    }
    *--top = list;
    for (int i = after; i > 0; i--) *--top = Py_NewRef(PyList_GET_ITEM(list, length - i));
    if (after > 0 && PyList_SetSlice(list, length - after, length, NULL) < 0) {
        done += 1 + after;
        goto fail;
    }
    Py_DECREF(iterator);
    return 1;
fail:
    for (; done > 0; done--) Py_DECREF(*top++);
    Py_DECREF(iterator);
    return 0;
}

/* ---- Imports ---- */

PyObject *kr_import_name(PyThreadState *thread, KrFrame *frame, PyObject *name, PyObject *from, PyObject *level) {
    PyObject *import = PyObject_GetItem(frame->builtins, KR_NAME(__import__));
    if (import == NULL) {
        if (PyErr_ExceptionMatches(PyExc_KeyError)) {
            PyErr_Clear();
            PyErr_SetString(PyExc_ImportError, "__import__ not found");
        }
        return NULL;
    }
    PyObject *locals = frame->locals, *result;
    if (import == thread->interp->import_func) {
        int depth = _PyLong_AsInt(level);
        result = depth == -1 && PyErr_Occurred()
                     ? NULL
                     : PyImport_ImportModuleLevelObject(name, frame->globals, locals == NULL ? Py_None : locals, from, depth);
    } else {
        PyObject *args[5] = {name, frame->globals, locals == NULL ? Py_None : locals, from, level};
        result = PyObject_Vectorcall(import, args, 5, NULL);
    }
    Py_DECREF(import);
    return result;
}

/* True if the module (by its spec) is still being imported. */
static int is_initializing(PyObject *module) {
    PyObject *spec = NULL, *value = NULL;
    int result = 0;
    if (_PyObject_LookupAttr(module, KR_NAME(__spec__), &spec) > 0 &&
        _PyObject_LookupAttr(spec, KR_NAME(_initializing), &value) > 0)
        result = PyObject_IsTrue(value);
    Py_XDECREF(value);
    Py_XDECREF(spec);
    if (result < 0 || PyErr_Occurred()) PyErr_Clear();
    return result > 0;
}

PyObject *kr_import_from(PyThreadState *thread, PyObject *module, PyObject *name) {
    PyObject *value = NULL, *package = NULL, *full_name = NULL, *path = NULL, *unknown = NULL, *message = NULL;
    if (_PyObject_LookupAttr(module, name, &value) != 0) return value;

    /* a circular import: the submodule may be in sys.modules already, though not yet an attribute */
    package = PyObject_GetAttr(module, KR_NAME(__name__));
    if (package == NULL || !PyUnicode_Check(package)) {
        PyErr_Clear();
        Py_CLEAR(package);
    } else {
        full_name = PyUnicode_FromFormat("%U.%U", package, name);
        if (full_name == NULL) goto done;
        value = PyImport_GetModule(full_name);
        Py_DECREF(full_name);
        if (value != NULL || PyErr_Occurred()) goto done;
    }
    unknown = package == NULL ? PyUnicode_FromString("<unknown module name>") : Py_NewRef(package);
    if (unknown == NULL) goto done;
    path = PyModule_Check(module) ? PyModule_GetFilenameObject(module) : NULL;
    if (path == NULL) {
        PyErr_Clear();
        message = PyUnicode_FromFormat("cannot import name %R from %R (unknown location)", name, unknown);
        if (message != NULL) PyErr_SetImportError(message, package, NULL);
    } else {
        const char *format = is_initializing(module)
                                 ? "cannot import name %R from partially initialized module %R "
                                   "(most likely due to a circular import) (%S)"
                                 : "cannot import name %R from %R (%S)";
        message = PyUnicode_FromFormat(format, name, unknown, path);
        if (message != NULL) PyErr_SetImportError(message, package, path);
    }
done:
    Py_XDECREF(message);
    Py_XDECREF(path);
    Py_XDECREF(unknown);
    Py_XDECREF(package);
    return value;
}

int kr_import_all_from(PyThreadState *thread, PyObject *locals, PyObject *module) {
    PyObject *all = NULL, *dict = NULL;
    int skip_underscores = 0, result = -1;
    if (_PyObject_LookupAttr(module, KR_NAME(__all__), &all) < 0) return -1;
    if (all == NULL) {
        if (_PyObject_LookupAttr(module, KR_NAME(__dict__), &dict) < 0) return -1;
        if (dict == NULL) {
            PyErr_SetString(PyExc_ImportError, "from-import-* object has no __dict__ and no __all__");
            return -1;
        }
        all = PyMapping_Keys(dict);
        if (all == NULL) goto done;
        skip_underscores = 1;
    }
    for (Py_ssize_t i = 0;; i++) {
        PyObject *name = PySequence_GetItem(all, i);
        if (name == NULL) {
            if (PyErr_ExceptionMatches(PyExc_IndexError)) {
                PyErr_Clear();
                result = 0;
            }
            break;
        }
        if (!PyUnicode_Check(name)) {
            PyObject *module_name = PyObject_GetAttr(module, KR_NAME(__name__));
            if (module_name != NULL) {
                if (!PyUnicode_Check(module_name))
                    PyErr_Format(PyExc_TypeError, "module __name__ must be a string, not %.100s",
                                 Py_TYPE(module_name)->tp_name);
                else
                    PyErr_Format(PyExc_TypeError, "%s in %U.%s must be str, not %.100s", skip_underscores ? "Key" : "Item",
                                 module_name, skip_underscores ? "__dict__" : "__all__", Py_TYPE(name)->tp_name);
                Py_DECREF(module_name);
            }
            Py_DECREF(name);
            break;
        }
        if (skip_underscores && PyUnicode_GET_LENGTH(name) > 0 && PyUnicode_READ_CHAR(name, 0) == '_') {
            Py_DECREF(name);
            continue;
        }
        PyObject *value = PyObject_GetAttr(module, name);
        int failed = value == NULL ? -1
                     : PyDict_CheckExact(locals) ? PyDict_SetItem(locals, name, value)
                                                 : PyObject_SetItem(locals, name, value);
        Py_XDECREF(value);
        Py_DECREF(name);
        if (failed < 0) break;
    }
done:
    Py_XDECREF(all);
    Py_XDECREF(dict);
    return result;
}

/* ---- Patterns ---- */

PyObject *kr_match_keys(PyThreadState *thread, PyObject *map, PyObject *keys) {
    Py_ssize_t count = PyTuple_GET_SIZE(keys);
    PyObject *seen = PySet_New(NULL), *get = NULL, *missing = NULL, *values = NULL;
    if (seen == NULL) return NULL;
    if (count == 0) {
        values = PyTuple_New(0);
        goto done;
    }
    get = PyObject_GetAttr(map, KR_NAME(get));
    missing = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    values = get == NULL || missing == NULL ? NULL : PyTuple_New(count);
    if (values == NULL) goto done;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *key = PyTuple_GET_ITEM(keys, i);
        int duplicate = PySet_Contains(seen, key);
        if (duplicate != 0 || PySet_Add(seen, key) < 0) {
            if (duplicate > 0) PyErr_Format(PyExc_ValueError, "mapping pattern checks duplicate key (%R)", key);
            Py_CLEAR(values);
            goto done;
        }
        PyObject *value = PyObject_CallFunctionObjArgs(get, key, missing, NULL);
        if (value == NULL) {
            Py_CLEAR(values);
            goto done;
        }
        if (value == missing) {
            Py_DECREF(value);
            Py_SETREF(values, Py_NewRef(Py_None));
            goto done;
        }
        PyTuple_SET_ITEM(values, i, value);
    }
done:
    Py_XDECREF(get);
    Py_XDECREF(missing);
    Py_DECREF(seen);
    return values;
}

/* One attribute of a class pattern; NULL without an exception if the subject lacks it. */
static PyObject *match_attribute(PyObject *subject, PyObject *type, PyObject *name, PyObject *seen) {
    int duplicate = PySet_Contains(seen, name);
    if (duplicate != 0 || PySet_Add(seen, name) < 0) {
        if (duplicate > 0)
            PyErr_Format(PyExc_TypeError, "%s() got multiple sub-patterns for attribute %R", ((PyTypeObject *)type)->tp_name,
                         name);
        return NULL;
    }
    PyObject *value = NULL;
    (void)_PyObject_LookupAttr(subject, name, &value);
    return value;
}

PyObject *kr_match_class(PyThreadState *thread, PyObject *subject, PyObject *type, Py_ssize_t count, PyObject *names) {
    if (!PyType_Check(type)) {
        PyErr_SetString(PyExc_TypeError, "called match pattern must be a type");
        return NULL;
    }
    if (PyObject_IsInstance(subject, type) <= 0) return NULL;
    PyObject *seen = PySet_New(NULL), *attributes = PyList_New(0), *match_args = NULL, *result = NULL;
    if (seen == NULL || attributes == NULL) goto done;
    if (count > 0) {
        int match_self = 0;
        if (_PyObject_LookupAttr(type, KR_NAME(__match_args__), &match_args) < 0) goto done;
        if (match_args != NULL && !PyTuple_CheckExact(match_args)) {
            PyErr_Format(PyExc_TypeError, "%s.__match_args__ must be a tuple (got %s)", ((PyTypeObject *)type)->tp_name,
                         Py_TYPE(match_args)->tp_name);
            goto done;
        }
        if (match_args == NULL) {
            match_args = PyTuple_New(0);
            if (match_args == NULL) goto done;
            match_self = (((PyTypeObject *)type)->tp_flags & _Py_TPFLAGS_MATCH_SELF) != 0;
        }
        Py_ssize_t allowed = match_self ? 1 : PyTuple_GET_SIZE(match_args);
        if (allowed < count) {
            PyErr_Format(PyExc_TypeError, "%s() accepts %zd positional sub-pattern%s (%zd given)",
                         ((PyTypeObject *)type)->tp_name, allowed, allowed == 1 ? "" : "s", count);
            goto done;
        }
        if (match_self) {
            if (PyList_Append(attributes, subject) < 0) goto done;
        } else {
            for (Py_ssize_t i = 0; i < count; i++) {
                PyObject *name = PyTuple_GET_ITEM(match_args, i);
                if (!PyUnicode_CheckExact(name)) {
                    PyErr_Format(PyExc_TypeError, "__match_args__ elements must be strings (got %s)",
                                 Py_TYPE(name)->tp_name);
                    goto done;
                }
                PyObject *value = match_attribute(subject, type, name, seen);
                if (value == NULL) goto done;
                int failed = PyList_Append(attributes, value);
                Py_DECREF(value);
                if (failed) goto done;
            }
        }
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *value = match_attribute(subject, type, PyTuple_GET_ITEM(names, i), seen);
        if (value == NULL) goto done;
        int failed = PyList_Append(attributes, value);
        Py_DECREF(value);
        if (failed) goto done;
    }
    result = PyList_AsTuple(attributes);
done:
    Py_XDECREF(match_args);
    Py_XDECREF(attributes);
    Py_XDECREF(seen);
    return result;
}

/* ---- Class bodies: builtins.__build_class__ ---- */

/* Replaces bases which have __mro_entries__ by what that returns. A new reference: `bases` itself if nothing changes. */
static PyObject *update_bases(PyObject *bases, PyObject *const *args, Py_ssize_t count) {
    PyObject *list = NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *base = args[i], *method = NULL;
        if (PyType_Check(base)) {
            if (list != NULL && PyList_Append(list, base) < 0) goto fail;
            continue;
        }
        if (_PyObject_LookupAttr(base, KR_NAME(__mro_entries__), &method) < 0) goto fail;
        if (method == NULL) {
            if (list != NULL && PyList_Append(list, base) < 0) goto fail;
            continue;
        }
        PyObject *entries = PyObject_CallOneArg(method, bases);
        Py_DECREF(method);
        if (entries == NULL) goto fail;
        if (!PyTuple_Check(entries)) {
            PyErr_SetString(PyExc_TypeError, "__mro_entries__ must return a tuple");
            Py_DECREF(entries);
            goto fail;
        }
        if (list == NULL) {
            list = PyList_New(i);
            if (list == NULL) {
                Py_DECREF(entries);
                return NULL;
            }
            for (Py_ssize_t j = 0; j < i; j++) PyList_SET_ITEM(list, j, Py_NewRef(args[j]));
        }
        Py_ssize_t end = PyList_GET_SIZE(list);
        int failed = PyList_SetSlice(list, end, end, entries);
        Py_DECREF(entries);
        if (failed < 0) goto fail;
    }
    if (list == NULL) return Py_NewRef(bases);
    PyObject *result = PyList_AsTuple(list);
    Py_DECREF(list);
    return result;
fail:
    Py_XDECREF(list);
    return NULL;
}

PyObject *kr_build_class(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names) {
    PyObject *class = NULL, *meta = NULL, *keywords = NULL, *namespace = NULL, *original_bases = NULL, *bases = NULL,
             *cell = NULL;
    int is_class = 0;
    if (count < 2) {
        PyErr_SetString(PyExc_TypeError, "__build_class__: not enough arguments");
        return NULL;
    }
    PyObject *function = args[0], *name = args[1];
    if (!PyFunction_Check(function)) {
        PyErr_SetString(PyExc_TypeError, "__build_class__: func must be a function");
        return NULL;
    }
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "__build_class__: name is not a string");
        return NULL;
    }
    original_bases = PyTuple_New(count - 2);
    if (original_bases == NULL) return NULL;
    for (Py_ssize_t i = 2; i < count; i++) PyTuple_SET_ITEM(original_bases, i - 2, Py_NewRef(args[i]));
    bases = update_bases(original_bases, args + 2, count - 2);
    if (bases == NULL) goto done;
    if (keyword_names != NULL) {
        keywords = PyDict_New();
        if (keywords == NULL) goto done;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keyword_names); i++)
            if (PyDict_SetItem(keywords, PyTuple_GET_ITEM(keyword_names, i), args[count + i]) < 0) goto done;
        meta = Py_XNewRef(PyDict_GetItemWithError(keywords, KR_NAME(metaclass)));
        if (meta != NULL) {
            if (PyDict_DelItem(keywords, KR_NAME(metaclass)) < 0) goto done;
            is_class = PyType_Check(meta);
        } else if (PyErr_Occurred()) {
            goto done;
        }
    }
    if (meta == NULL) {
        meta = Py_NewRef(PyTuple_GET_SIZE(bases) == 0 ? (PyObject *)&PyType_Type
                                                       : (PyObject *)Py_TYPE(PyTuple_GET_ITEM(bases, 0)));
        is_class = 1;
    }
    if (is_class) {
        PyObject *winner = (PyObject *)_PyType_CalculateMetaclass((PyTypeObject *)meta, bases);
        if (winner == NULL) goto done;
        if (winner != meta) Py_SETREF(meta, Py_NewRef(winner));
    }
    PyObject *prepare = NULL;
    if (_PyObject_LookupAttr(meta, KR_NAME(__prepare__), &prepare) < 0) goto done;
    if (prepare == NULL) {
        namespace = PyDict_New();
    } else {
        PyObject *arguments[2] = {name, bases};
        namespace = PyObject_VectorcallDict(prepare, arguments, 2, keywords);
        Py_DECREF(prepare);
    }
    if (namespace == NULL) goto done;
    if (!PyMapping_Check(namespace)) {
        PyErr_Format(PyExc_TypeError, "%.200s.__prepare__() must return a mapping, not %.200s",
                     is_class ? ((PyTypeObject *)meta)->tp_name : "<metaclass>", Py_TYPE(namespace)->tp_name);
        goto done;
    }
    cell = kr_eval_vector(kr_tstate(), (PyFunctionObject *)function, namespace, NULL, 0, NULL);
    if (cell == NULL) goto done;
    if (bases != original_bases && PyObject_SetItem(namespace, KR_NAME(__orig_bases__), original_bases) < 0) goto done;
    PyObject *arguments[3] = {name, bases, namespace};
    class = PyObject_VectorcallDict(meta, arguments, 3, keywords);
    if (class != NULL && PyType_Check(class) && PyCell_Check(cell)) {
        PyObject *bound = PyCell_GET(cell);
        if (bound != class) {
            if (bound == NULL)
                PyErr_Format(PyExc_RuntimeError,
                             "__class__ not set defining %.200R as %.200R. Was __classcell__ propagated to type.__new__?",
                             name, class);
            else
                PyErr_Format(PyExc_TypeError, "__class__ set to %.200R defining %.200R as %.200R", bound, name, class);
            Py_CLEAR(class);
        }
    }
done:
    Py_XDECREF(cell);
    Py_XDECREF(namespace);
    Py_XDECREF(meta);
    Py_XDECREF(keywords);
    Py_XDECREF(bases);
    Py_DECREF(original_bases);
    return class;
}

/* ---- Slices and super() ---- */

int _PyEval_SliceIndexNotNone(PyObject *value, Py_ssize_t *result) {
    if (!PyIndex_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "slice indices must be integers or have an __index__ method");
        return 0;
    }
    Py_ssize_t index = PyNumber_AsSsize_t(value, NULL);
    if (index == -1 && PyErr_Occurred()) return 0;
    *result = index;
    return 1;
}

int _PyEval_SliceIndex(PyObject *value, Py_ssize_t *result) {
    if (Py_IsNone(value)) return 1;
    if (!PyIndex_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "slice indices must be integers or None or have an __index__ method");
        return 0;
    }
    return _PyEval_SliceIndexNotNone(value, result);
}

int kr_frame_super_arguments(PyTypeObject **type, PyObject **object) {
    enum { CELL = 0x40, FREE = 0x80 };
    KrFrame *frame = kr_current_frame(kr_tstate());
    if (frame == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "super(): no current frame");
        return -1;
    }
    PyCodeObject *code = frame->code;
    if (code->co_argcount == 0) {
        PyErr_SetString(PyExc_RuntimeError, "super(): no arguments");
        return -1;
    }
    PyObject *first = frame->slot[0];
    if (first != NULL && (PyBytes_AS_STRING(code->co_localspluskinds)[0] & CELL) && PyCell_Check(first))
        first = PyCell_GET(first);
    if (first == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "super(): arg[0] deleted");
        return -1;
    }
    for (int i = code->co_nlocalsplus - code->co_nfreevars; i < code->co_nlocalsplus; i++) {
        if (!_PyUnicode_EqualToASCIIString(PyTuple_GET_ITEM(code->co_localsplusnames, i), "__class__")) continue;
        PyObject *cell = frame->slot[i];
        if (cell == NULL || !PyCell_Check(cell)) {
            PyErr_SetString(PyExc_RuntimeError, "super(): bad __class__ cell");
            return -1;
        }
        PyObject *class = PyCell_GET(cell);
        if (class == NULL) {
            PyErr_SetString(PyExc_RuntimeError, "super(): empty __class__ cell");
            return -1;
        }
        if (!PyType_Check(class)) {
            PyErr_Format(PyExc_RuntimeError, "super(): __class__ is not a type (%s)", Py_TYPE(class)->tp_name);
            return -1;
        }
        *type = (PyTypeObject *)class;
        *object = first;
        return 0;
    }
    PyErr_SetString(PyExc_RuntimeError, "super(): __class__ cell not found");
    return -1;
}
