/* The object protocol: subscription, size, iteration, instance and subclass tests, formatting. */
#include <Python.h>

#include "object/abstract.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"
#include "object/union.h"

#undef PyObject_Length

PyAPI_FUNC(Py_ssize_t) PyObject_Length(PyObject *o);

PyObject *PyObject_Type(PyObject *o) { return o == NULL ? null_error() : Py_NewRef(Py_TYPE(o)); }

/* -- Size -------------------------------------------------------------------------------------------------------------------------- */

Py_ssize_t PyObject_Size(PyObject *o) {
    if (o == NULL) return null_status();
    PySequenceMethods *sequence = Py_TYPE(o)->tp_as_sequence;
    if (sequence != NULL && sequence->sq_length != NULL) return sequence->sq_length(o);
    return PyMapping_Size(o);
}

Py_ssize_t PyObject_Length(PyObject *o) { return PyObject_Size(o); }

int _PyObject_HasLen(PyObject *o) {
    PyTypeObject *type = Py_TYPE(o);
    return (type->tp_as_sequence != NULL && type->tp_as_sequence->sq_length != NULL) ||
           (type->tp_as_mapping != NULL && type->tp_as_mapping->mp_length != NULL);
}

Py_ssize_t PyObject_LengthHint(PyObject *o, Py_ssize_t default_value) {
    if (_PyObject_HasLen(o)) {
        Py_ssize_t size = PyObject_Size(o);
        if (size >= 0) return size;
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
        PyErr_Clear();
    }
    PyObject *method = kr_special_lookup(o, KR_NAME(__length_hint__));
    if (method == NULL) return PyErr_Occurred() ? -1 : default_value;
    PyObject *result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (result == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
        PyErr_Clear();
        return default_value;
    }
    if (result == Py_NotImplemented) {
        Py_DECREF(result);
        return default_value;
    }
    if (!PyLong_Check(result)) {
        type_error("__length_hint__ must be an integer, not %.100s", result);
        Py_DECREF(result);
        return -1;
    }
    Py_ssize_t hint = PyLong_AsSsize_t(result);
    Py_DECREF(result);
    if (hint < 0 && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "__length_hint__() should return >= 0");
    return hint < 0 ? -1 : hint;
}

/* -- Subscription ------------------------------------------------------------------------------------------------------------------------ */

static PyObject *subscript_type(PyObject *o, PyObject *key) {
    /* type[int] has to work while int has no metaclass method for it. */
    if ((PyTypeObject *)o == &PyType_Type) return Py_GenericAlias(o, key);
    PyObject *method;
    if (_PyObject_LookupAttr(o, KR_NAME(__class_getitem__), &method) < 0) return NULL;
    if (method != NULL && method != Py_None) {
        PyObject *result = PyObject_CallOneArg(method, key);
        Py_DECREF(method);
        return result;
    }
    Py_XDECREF(method);
    return PyErr_Format(PyExc_TypeError, "type '%.200s' is not subscriptable", ((PyTypeObject *)o)->tp_name);
}

PyObject *PyObject_GetItem(PyObject *o, PyObject *key) {
    if (o == NULL || key == NULL) return null_error();
    PyMappingMethods *mapping = Py_TYPE(o)->tp_as_mapping;
    if (mapping != NULL && mapping->mp_subscript != NULL) return mapping->mp_subscript(o, key);
    PySequenceMethods *sequence = Py_TYPE(o)->tp_as_sequence;
    if (sequence != NULL && sequence->sq_item != NULL) {
        if (!PyIndex_Check(key)) return type_error("sequence index must be integer, not '%.200s'", key);
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return NULL;
        return PySequence_GetItem(o, index);
    }
    if (PyType_Check(o)) return subscript_type(o, key);
    return type_error("'%.200s' object is not subscriptable", o);
}

/* Sets, or deletes if value is NULL. */
static int assign_item(PyObject *o, PyObject *key, PyObject *value, const char *refusal) {
    PyMappingMethods *mapping = Py_TYPE(o)->tp_as_mapping;
    if (mapping != NULL && mapping->mp_ass_subscript != NULL) return mapping->mp_ass_subscript(o, key, value);
    PySequenceMethods *sequence = Py_TYPE(o)->tp_as_sequence;
    if (sequence != NULL) {
        if (PyIndex_Check(key)) {
            Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
            if (index == -1 && PyErr_Occurred()) return -1;
            return value != NULL ? PySequence_SetItem(o, index, value) : PySequence_DelItem(o, index);
        }
        if (sequence->sq_ass_item != NULL) {
            type_error("sequence index must be integer, not '%.200s'", key);
            return -1;
        }
    }
    type_error(refusal, o);
    return -1;
}

int PyObject_SetItem(PyObject *o, PyObject *key, PyObject *value) {
    if (o == NULL || key == NULL || value == NULL) return null_status();
    return assign_item(o, key, value, "'%.200s' object does not support item assignment");
}

int PyObject_DelItem(PyObject *o, PyObject *key) {
    if (o == NULL || key == NULL) return null_status();
    return assign_item(o, key, NULL, "'%.200s' object does not support item deletion");
}

int PyObject_DelItemString(PyObject *o, const char *key) {
    if (o == NULL || key == NULL) return null_status();
    PyObject *text = PyUnicode_FromString(key);
    if (text == NULL) return -1;
    int status = PyObject_DelItem(o, text);
    Py_DECREF(text);
    return status;
}

/* -- Iteration ------------------------------------------------------------------------------------------------------------------------------ */

PyObject *PyObject_GetIter(PyObject *o) {
    getiterfunc function = Py_TYPE(o)->tp_iter;
    if (function == NULL) {
        if (PySequence_Check(o)) return PySeqIter_New(o);
        return type_error("'%.200s' object is not iterable", o);
    }
    PyObject *iterator = function(o);
    if (iterator != NULL && !PyIter_Check(iterator)) {
        type_error("iter() returned non-iterator of type '%.100s'", iterator);
        Py_CLEAR(iterator);
    }
    return iterator;
}

PyObject *PyObject_GetAIter(PyObject *o) {
    PyAsyncMethods *methods = Py_TYPE(o)->tp_as_async;
    if (methods == NULL || methods->am_aiter == NULL) return type_error("'%.200s' object is not an async iterable", o);
    PyObject *iterator = methods->am_aiter(o);
    if (iterator != NULL && !PyAIter_Check(iterator)) {
        type_error("aiter() returned not an async iterator of type '%.100s'", iterator);
        Py_CLEAR(iterator);
    }
    return iterator;
}

int PyIter_Check(PyObject *o) {
    iternextfunc next = Py_TYPE(o)->tp_iternext;
    return next != NULL && next != _PyObject_NextNotImplemented;
}

int PyAIter_Check(PyObject *o) {
    PyAsyncMethods *methods = Py_TYPE(o)->tp_as_async;
    return methods != NULL && methods->am_anext != NULL && methods->am_anext != _PyObject_NextNotImplemented;
}

/* Returns NULL without an exception at the end. */
PyObject *PyIter_Next(PyObject *iter) {
    PyObject *result = Py_TYPE(iter)->tp_iternext(iter);
    if (result == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_StopIteration)) PyErr_Clear();
    return result;
}

PySendResult PyIter_Send(PyObject *iter, PyObject *arg, PyObject **result) {
    PyAsyncMethods *methods = Py_TYPE(iter)->tp_as_async;
    if (methods != NULL && methods->am_send != NULL) return methods->am_send(iter, arg, result);
    if (arg == Py_None && PyIter_Check(iter)) {
        *result = Py_TYPE(iter)->tp_iternext(iter);
    } else {
        *result = PyObject_CallMethodOneArg(iter, KR_NAME(send), arg);
    }
    if (*result != NULL) return PYGEN_NEXT;
    return _PyGen_FetchStopIterationValue(result) == 0 ? PYGEN_RETURN : PYGEN_ERROR;
}

/* -- isinstance and issubclass ----------------------------------------------------------------------------------------------------------------- */

/* The `__bases__` of something that behaves like a class: a new tuple, or NULL without an exception. -1 is not an option:
 * errors other than AttributeError leave the exception set. */
static PyObject *bases_of(PyObject *cls) {
    PyObject *bases;
    if (_PyObject_LookupAttr(cls, KR_NAME(__bases__), &bases) <= 0) return NULL;
    if (!PyTuple_Check(bases)) Py_CLEAR(bases);
    return bases;
}

static int check_class(PyObject *cls, const char *error) {
    PyObject *bases = bases_of(cls);
    if (bases == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, error);
        return 0;
    }
    Py_DECREF(bases);
    return 1;
}

/* Follows `__bases__` of objects that need not be types. */
static int derives_from(PyObject *derived, PyObject *cls) {
    if (derived == cls) return 1;
    PyObject *bases = bases_of(derived);
    if (bases == NULL) return PyErr_Occurred() ? -1 : 0;
    int result = 0;
    if (Py_EnterRecursiveCall(" in __issubclass__")) {
        Py_DECREF(bases);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases) && result == 0; i++) {
        result = derives_from(PyTuple_GET_ITEM(bases, i), cls);
    }
    Py_LeaveRecursiveCall();
    Py_DECREF(bases);
    return result;
}

/* True if `__class__` of the object is certainly its type: nothing overrides what `object` says. */
static int has_true_class(PyObject *inst) {
    PyTypeObject *type = Py_TYPE(inst);
    if (type->tp_getattro != PyObject_GenericGetAttr) return 0;
    PyObject *descriptor = _PyType_Lookup(type, KR_NAME(__class__));
    return descriptor != NULL && Py_IS_TYPE(descriptor, &PyGetSetDescr_Type) &&
           PyDescr_TYPE(descriptor) == &PyBaseObject_Type;
}

int _PyObject_RealIsInstance(PyObject *inst, PyObject *cls) {
    PyObject *claimed;
    int result = 0;
    if (PyType_Check(cls)) {
        if (PyObject_TypeCheck(inst, (PyTypeObject *)cls)) return 1;
        /* A proxy may claim another class. */
        if (has_true_class(inst)) return 0;
        if (_PyObject_LookupAttr(inst, KR_NAME(__class__), &claimed) < 0) return -1;
        if (claimed != NULL) {
            if (claimed != (PyObject *)Py_TYPE(inst) && PyType_Check(claimed)) {
                result = PyType_IsSubtype((PyTypeObject *)claimed, (PyTypeObject *)cls);
            }
            Py_DECREF(claimed);
        }
        return result;
    }
    if (!check_class(cls, "isinstance() arg 2 must be a type, a tuple of types, or a union")) return -1;
    if (_PyObject_LookupAttr(inst, KR_NAME(__class__), &claimed) < 0) return -1;
    if (claimed != NULL) {
        result = derives_from(claimed, cls);
        Py_DECREF(claimed);
    }
    return result;
}

int _PyObject_RealIsSubclass(PyObject *derived, PyObject *cls) {
    if (PyType_Check(cls) && PyType_Check(derived)) {
        return PyType_IsSubtype((PyTypeObject *)derived, (PyTypeObject *)cls);
    }
    if (!check_class(derived, "issubclass() arg 1 must be a class")) return -1;
    if (!PyType_Check(cls) && !check_class(cls, "issubclass() arg 2 must be a class, a tuple of classes, or a union")) {
        return -1;
    }
    return derives_from(derived, cls);
}

typedef int (*ClassTest)(PyObject *object, PyObject *cls);

/* Any of a tuple of classes, or the hook method of the class, or else the plain test. */
static int test_class(PyObject *object, PyObject *cls, PyObject *hook_name, const char *where, ClassTest whole,
                      ClassTest plain) {
    int result = 0;
    if (kr_union_check(cls)) cls = _Py_union_args(cls);
    if (PyTuple_Check(cls)) {
        if (Py_EnterRecursiveCall(where)) return -1;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(cls) && result == 0; i++) {
            result = whole(object, PyTuple_GET_ITEM(cls, i));
        }
        Py_LeaveRecursiveCall();
        return result;
    }
    PyObject *hook = kr_special_lookup(cls, hook_name);
    if (hook == NULL) return PyErr_Occurred() ? -1 : plain(object, cls);
    PyObject *answer = NULL;
    if (!Py_EnterRecursiveCall(where)) {
        answer = PyObject_CallOneArg(hook, object);
        Py_LeaveRecursiveCall();
    }
    Py_DECREF(hook);
    if (answer == NULL) return -1;
    result = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return result;
}

int PyObject_IsInstance(PyObject *inst, PyObject *cls) {
    if (Py_IS_TYPE(inst, (PyTypeObject *)cls)) return 1;
    if (PyType_CheckExact(cls)) return _PyObject_RealIsInstance(inst, cls);
    return test_class(inst, cls, KR_NAME(__instancecheck__), " in __instancecheck__", PyObject_IsInstance,
                      _PyObject_RealIsInstance);
}

int PyObject_IsSubclass(PyObject *derived, PyObject *cls) {
    if (PyType_CheckExact(cls)) {
        if (derived == cls) return 1;
        return _PyObject_RealIsSubclass(derived, cls);
    }
    return test_class(derived, cls, KR_NAME(__subclasscheck__), " in __subclasscheck__", PyObject_IsSubclass,
                      _PyObject_RealIsSubclass);
}

/* -- format() -------------------------------------------------------------------------------------------------------------------------------------- */

PyObject *PyObject_Format(PyObject *obj, PyObject *format_spec) {
    if (format_spec != NULL && !PyUnicode_Check(format_spec)) {
        return PyErr_Format(PyExc_SystemError, "Format specifier must be a string, not %.200s",
                            Py_TYPE(format_spec)->tp_name);
    }
    if (format_spec == NULL || PyUnicode_GET_LENGTH(format_spec) == 0) {
        if (PyUnicode_CheckExact(obj)) return Py_NewRef(obj);
        if (PyLong_CheckExact(obj)) return PyObject_Str(obj);
    }
    PyObject *empty = NULL;
    if (format_spec == NULL) {
        empty = PyUnicode_New(0, 0);
        if (empty == NULL) return NULL;
        format_spec = empty;
    }
    PyObject *result = NULL;
    PyObject *method = kr_special_lookup(obj, KR_NAME(__format__));
    if (method == NULL) {
        if (!PyErr_Occurred()) type_error("Type %.100s doesn't define __format__", obj);
        goto done;
    }
    result = PyObject_CallOneArg(method, format_spec);
    Py_DECREF(method);
    if (result != NULL && !PyUnicode_Check(result)) {
        type_error("__format__ must return a str, not %.200s", result);
        Py_CLEAR(result);
    }
done:
    Py_XDECREF(empty);
    return result;
}
