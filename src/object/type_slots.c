/* The correspondence between the slots of a type and its dunder methods, in both directions.
 *
 * A type written in C fills slots; for each filled slot a *wrapper descriptor* goes into its dict, so that Python code can
 * call it by name. A class written in Python defines methods; for each one a *slot function* goes into the slot, which
 * looks the method up and calls it. One table lists all pairs. Several names may share a slot (`__getattribute__` and
 * `__getattr__`), and one name may have several slots (`__getitem__` as sequence and as mapping).
 */
#include <Python.h>
#include <stddef.h>
#include <string.h>

#include "object/call.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"

/* == Calls of special methods ===================================================================================== */

/* Calls a method that was found by kr_special_lookup_unbound; args[0] is self. Takes the reference to `method`. */
static PyObject *call_found(PyObject *method, int unbound, PyObject *const *args, Py_ssize_t count) {
    size_t nargsf = count;
    if (!unbound) {
        args++;
        nargsf = (count - 1) | PY_VECTORCALL_ARGUMENTS_OFFSET;
    }
    PyObject *result = PyObject_Vectorcall(method, args, nargsf, NULL);
    Py_DECREF(method);
    return result;
}

/* Looks a special method of args[0] up and calls it; AttributeError if there is none. */
static PyObject *call_special(PyObject *name, PyObject *const *args, Py_ssize_t count) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(args[0], name, &unbound);
    if (method == NULL) {
        if (!PyErr_Occurred()) PyErr_SetObject(PyExc_AttributeError, name);
        return NULL;
    }
    return call_found(method, unbound, args, count);
}

/* The same, but NotImplemented if there is none. */
static PyObject *call_special_maybe(PyObject *name, PyObject *const *args, Py_ssize_t count) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(args[0], name, &unbound);
    if (method == NULL) {
        if (PyErr_Occurred()) return NULL;
        Py_RETURN_NOTIMPLEMENTED;
    }
    return call_found(method, unbound, args, count);
}

/* == Slot functions: from the slot to the method ================================================================== */

#define CALL1(name, self) call_special(name, (PyObject *[]){self}, 1)
#define CALL2(name, self, a) call_special(name, (PyObject *[]){self, a}, 2)
#define CALL3(name, self, a, b) call_special(name, (PyObject *[]){self, a, b}, 3)

/* -- Text, hash, comparison, truth */

static PyObject *slot_repr(PyObject *self) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__repr__), &unbound);
    if (method == NULL) {
        if (PyErr_Occurred()) return NULL;
        return PyUnicode_FromFormat("<%s object at %p>", Py_TYPE(self)->tp_name, self);
    }
    return call_found(method, unbound, &self, 1);
}

static PyObject *slot_str(PyObject *self) { return CALL1(KR_NAME(__str__), self); }

static Py_hash_t slot_hash(PyObject *self) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__hash__), &unbound);
    if (method == Py_None) Py_CLEAR(method);
    if (method == NULL) return PyErr_Occurred() ? -1 : PyObject_HashNotImplemented(self);
    PyObject *result = call_found(method, unbound, &self, 1);
    if (result == NULL) return -1;
    if (!PyLong_Check(result)) {
        Py_DECREF(result);
        PyErr_SetString(PyExc_TypeError, "__hash__ method should return an integer");
        return -1;
    }
    Py_hash_t hash = PyLong_AsSsize_t(result);
    if (hash == -1 && PyErr_Occurred()) {
        /* Too large: the hash of the number does. */
        PyErr_Clear();
        hash = PyLong_Type.tp_hash(result);
    }
    if (hash == -1) hash = -2;
    Py_DECREF(result);
    return hash;
}

static PyObject *comparison_name(int op) {
    switch (op) {
    case Py_LT: return KR_NAME(__lt__);
    case Py_LE: return KR_NAME(__le__);
    case Py_EQ: return KR_NAME(__eq__);
    case Py_NE: return KR_NAME(__ne__);
    case Py_GT: return KR_NAME(__gt__);
    default: return KR_NAME(__ge__);
    }
}

static PyObject *slot_richcompare(PyObject *self, PyObject *other, int op) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, comparison_name(op), &unbound);
    if (method == NULL) {
        PyErr_Clear(); /* a method that cannot be had compares nothing */
        Py_RETURN_NOTIMPLEMENTED;
    }
    return call_found(method, unbound, (PyObject *[]){self, other}, 2);
}

static int slot_bool(PyObject *self) {
    int unbound, by_length = 0;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__bool__), &unbound);
    if (method == NULL) {
        if (PyErr_Occurred()) return -1;
        method = kr_special_lookup_unbound(self, KR_NAME(__len__), &unbound);
        if (method == NULL) return PyErr_Occurred() ? -1 : 1;
        by_length = 1;
    }
    PyObject *value = call_found(method, unbound, &self, 1);
    if (value == NULL) return -1;
    int truth;
    if (by_length) {
        truth = PyObject_IsTrue(value);
    } else if (PyBool_Check(value)) {
        truth = value == Py_True;
    } else {
        PyErr_Format(PyExc_TypeError, "__bool__ should return bool, returned %s", Py_TYPE(value)->tp_name);
        truth = -1;
    }
    Py_DECREF(value);
    return truth;
}

/* -- Attributes */

PyObject *kr_slot_getattribute(PyObject *self, PyObject *name) { return CALL2(KR_NAME(__getattribute__), self, name); }

/* Calls `__getattr__` of the class, a descriptor that the caller looked up. */
static PyObject *call_attribute_hook(PyObject *self, PyObject *hook, PyObject *name) {
    if (PyType_HasFeature(Py_TYPE(hook), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
        return PyObject_Vectorcall(hook, (PyObject *[]){self, name}, 2, NULL);
    }
    descrgetfunc get = Py_TYPE(hook)->tp_descr_get;
    PyObject *bound = get != NULL ? get(hook, self, (PyObject *)Py_TYPE(self)) : Py_NewRef(hook);
    if (bound == NULL) return NULL;
    PyObject *result = PyObject_CallOneArg(bound, name);
    Py_DECREF(bound);
    return result;
}

static int wraps(PyObject *descriptor, void *function) {
    return Py_IS_TYPE(descriptor, &PyWrapperDescr_Type) && ((PyWrapperDescrObject *)descriptor)->d_wrapped == function;
}

/* tp_getattro of classes that define `__getattr__`: the fallback for names that normal lookup does not find. */
PyObject *kr_slot_getattr_hook(PyObject *self, PyObject *name) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject *hook = _PyType_Lookup(type, KR_NAME(__getattr__));
    if (hook == NULL) {
        /* It went away; the plain slot is quicker from now on. */
        if (type->tp_getattro == kr_slot_getattr_hook) type->tp_getattro = kr_slot_getattribute;
        return kr_slot_getattribute(self, name);
    }
    Py_INCREF(hook);
    PyObject *normal = _PyType_Lookup(type, KR_NAME(__getattribute__));
    PyObject *result;
    int absent;
    if (normal == NULL || wraps(normal, (void *)PyObject_GenericGetAttr)) {
        result = _PyObject_GenericGetAttrWithDict(self, name, NULL, 1);
        absent = result == NULL && !PyErr_Occurred();
    } else if (PyType_Check(self) && wraps(normal, (void *)PyType_Type.tp_getattro)) {
        result = kr_type_get_attribute((PyTypeObject *)self, name, 1);
        absent = result == NULL && !PyErr_Occurred();
    } else {
        Py_INCREF(normal);
        result = call_attribute_hook(self, normal, name);
        Py_DECREF(normal);
        absent = result == NULL && PyErr_ExceptionMatches(PyExc_AttributeError);
        if (absent) PyErr_Clear();
    }
    if (absent) result = call_attribute_hook(self, hook, name);
    Py_DECREF(hook);
    return result;
}

static int slot_setattro(PyObject *self, PyObject *name, PyObject *value) {
    PyObject *result =
        value == NULL ? CALL2(KR_NAME(__delattr__), self, name) : CALL3(KR_NAME(__setattr__), self, name, value);
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

PyObject *kr_slot_descr_get(PyObject *self, PyObject *obj, PyObject *type) {
    PyTypeObject *own_type = Py_TYPE(self);
    PyObject *get = _PyType_Lookup(own_type, KR_NAME(__get__));
    if (get == NULL) {
        if (own_type->tp_descr_get == kr_slot_descr_get) own_type->tp_descr_get = NULL;
        return Py_NewRef(self);
    }
    if (obj == NULL) obj = Py_None;
    if (type == NULL) type = Py_None;
    Py_INCREF(get);
    PyObject *result = PyObject_Vectorcall(get, (PyObject *[]){self, obj, type}, 3, NULL);
    Py_DECREF(get);
    return result;
}

static int slot_descr_set(PyObject *self, PyObject *target, PyObject *value) {
    PyObject *result =
        value == NULL ? CALL2(KR_NAME(__delete__), self, target) : CALL3(KR_NAME(__set__), self, target, value);
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

/* -- Calls, creation, destruction */

PyObject *kr_slot_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__call__), &unbound);
    if (method == NULL) {
        if (!PyErr_Occurred()) PyErr_SetObject(PyExc_AttributeError, KR_NAME(__call__));
        return NULL;
    }
    PyObject *result = unbound ? _PyObject_Call_Prepend(PyThreadState_Get(), method, self, args, kwargs)
                               : PyObject_Call(method, args, kwargs);
    Py_DECREF(method);
    return result;
}

int kr_slot_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__init__), &unbound);
    if (method == NULL) {
        if (!PyErr_Occurred()) PyErr_SetObject(PyExc_AttributeError, KR_NAME(__init__));
        return -1;
    }
    PyObject *result = unbound ? _PyObject_Call_Prepend(PyThreadState_Get(), method, self, args, kwargs)
                               : PyObject_Call(method, args, kwargs);
    Py_DECREF(method);
    if (result == NULL) return -1;
    if (result != Py_None) {
        PyErr_Format(PyExc_TypeError, "__init__() should return None, not '%.200s'", Py_TYPE(result)->tp_name);
        Py_DECREF(result);
        return -1;
    }
    Py_DECREF(result);
    return 0;
}

PyObject *kr_slot_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *function = PyObject_GetAttr((PyObject *)type, KR_NAME(__new__));
    if (function == NULL) return NULL;
    PyObject *result = _PyObject_Call_Prepend(PyThreadState_Get(), function, (PyObject *)type, args, kwargs);
    Py_DECREF(function);
    return result;
}

static void slot_finalize(PyObject *self) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__del__), &unbound);
    if (method != NULL) {
        PyObject *result = unbound ? PyObject_CallOneArg(method, self) : PyObject_CallNoArgs(method);
        if (result == NULL) PyErr_WriteUnraisable(method);
        Py_XDECREF(result);
        Py_DECREF(method);
    }
    PyErr_Restore(type, value, traceback);
}

/* -- Iteration */

static PyObject *not_iterable(PyObject *self) {
    PyErr_Format(PyExc_TypeError, "'%.200s' object is not iterable", Py_TYPE(self)->tp_name);
    return NULL;
}

static PyObject *slot_iter(PyObject *self) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__iter__), &unbound);
    if (method == Py_None) {
        Py_DECREF(method);
        return not_iterable(self);
    }
    if (method != NULL) return call_found(method, unbound, &self, 1);
    if (PyErr_Occurred()) return NULL;
    method = kr_special_lookup_unbound(self, KR_NAME(__getitem__), &unbound);
    if (method == NULL) return PyErr_Occurred() ? NULL : not_iterable(self);
    Py_DECREF(method);
    return PySeqIter_New(self);
}

static PyObject *slot_iternext(PyObject *self) { return CALL1(KR_NAME(__next__), self); }

/* A class may say that it does not support an operation: `__await__ = None`. */
static PyObject *call_async(PyObject *self, PyObject *name, const char *what) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, name, &unbound);
    if (method != NULL) return call_found(method, unbound, &self, 1);
    if (!PyErr_Occurred()) {
        PyErr_Format(PyExc_AttributeError, "object %.50s does not have %s method", Py_TYPE(self)->tp_name, what);
    }
    return NULL;
}

static PyObject *slot_await(PyObject *self) { return call_async(self, KR_NAME(__await__), "__await__"); }
static PyObject *slot_aiter(PyObject *self) { return call_async(self, KR_NAME(__aiter__), "__aiter__"); }
static PyObject *slot_anext(PyObject *self) { return call_async(self, KR_NAME(__anext__), "__anext__"); }

/* -- Containers */

static Py_ssize_t slot_length(PyObject *self) {
    PyObject *result = CALL1(KR_NAME(__len__), self);
    if (result == NULL) return -1;
    PyObject *number = PyNumber_Index(result);
    Py_DECREF(result);
    if (number == NULL) return -1;
    if (_PyLong_Sign(number) < 0) {
        Py_DECREF(number);
        PyErr_SetString(PyExc_ValueError, "__len__() should return >= 0");
        return -1;
    }
    Py_ssize_t length = PyNumber_AsSsize_t(number, PyExc_OverflowError);
    Py_DECREF(number);
    return length;
}

static PyObject *slot_item(PyObject *self, Py_ssize_t index) {
    PyObject *number = PyLong_FromSsize_t(index);
    if (number == NULL) return NULL;
    PyObject *result = CALL2(KR_NAME(__getitem__), self, number);
    Py_DECREF(number);
    return result;
}

static PyObject *slot_subscript(PyObject *self, PyObject *key) { return CALL2(KR_NAME(__getitem__), self, key); }

static int slot_ass_subscript(PyObject *self, PyObject *key, PyObject *value) {
    PyObject *result =
        value == NULL ? CALL2(KR_NAME(__delitem__), self, key) : CALL3(KR_NAME(__setitem__), self, key, value);
    if (result == NULL) return -1;
    Py_DECREF(result);
    return 0;
}

static int slot_ass_item(PyObject *self, Py_ssize_t index, PyObject *value) {
    PyObject *number = PyLong_FromSsize_t(index);
    if (number == NULL) return -1;
    int status = slot_ass_subscript(self, number, value);
    Py_DECREF(number);
    return status;
}

static int slot_contains(PyObject *self, PyObject *value) {
    int unbound;
    PyObject *method = kr_special_lookup_unbound(self, KR_NAME(__contains__), &unbound);
    if (method == Py_None) {
        Py_DECREF(method);
        PyErr_Format(PyExc_TypeError, "'%.200s' object is not a container", Py_TYPE(self)->tp_name);
        return -1;
    }
    if (method == NULL) {
        if (PyErr_Occurred()) return -1;
        return (int)_PySequence_IterSearch(self, value, PY_ITERSEARCH_CONTAINS);
    }
    PyObject *result = call_found(method, unbound, (PyObject *[]){self, value}, 2);
    if (result == NULL) return -1;
    int truth = PyObject_IsTrue(result);
    Py_DECREF(result);
    return truth;
}

/* -- Numbers */

/* True if the right operand's class has an own idea of the reflected method: it then goes first. */
static int reflected_overridden(PyObject *left, PyObject *right, PyObject *name) {
    PyObject *theirs, *ours;
    if (_PyObject_LookupAttr((PyObject *)Py_TYPE(right), name, &theirs) < 0) return -1;
    if (theirs == NULL) return 0;
    if (_PyObject_LookupAttr((PyObject *)Py_TYPE(left), name, &ours) < 0) {
        Py_DECREF(theirs);
        return -1;
    }
    if (ours == NULL) {
        Py_DECREF(theirs);
        return 1;
    }
    int differ = PyObject_RichCompareBool(theirs, ours, Py_NE);
    Py_DECREF(theirs);
    Py_DECREF(ours);
    return differ;
}

static inline void *number_slot(PyTypeObject *type, size_t offset) {
    return type->tp_as_number != NULL ? *(void **)((char *)type->tp_as_number + offset) : NULL;
}

/* All binary operators of classes: `function` is the slot function itself, at `offset` in PyNumberMethods. */
static PyObject *binary_operator(PyObject *self, PyObject *other, size_t offset, void *function, PyObject *name,
                                 PyObject *reflected_name) {
    int try_other = !Py_IS_TYPE(self, Py_TYPE(other)) && number_slot(Py_TYPE(other), offset) == function;
    if (number_slot(Py_TYPE(self), offset) == function) {
        if (try_other && PyType_IsSubtype(Py_TYPE(other), Py_TYPE(self))) {
            int overridden = reflected_overridden(self, other, reflected_name);
            if (overridden < 0) return NULL;
            if (overridden) {
                PyObject *result = call_special_maybe(reflected_name, (PyObject *[]){other, self}, 2);
                if (result != Py_NotImplemented) return result;
                Py_DECREF(result);
                try_other = 0;
            }
        }
        PyObject *result = call_special_maybe(name, (PyObject *[]){self, other}, 2);
        if (result != Py_NotImplemented || Py_IS_TYPE(other, Py_TYPE(self))) return result;
        Py_DECREF(result);
    }
    if (try_other) return call_special_maybe(reflected_name, (PyObject *[]){other, self}, 2);
    Py_RETURN_NOTIMPLEMENTED;
}

#define BINARY(word, slot)                                                                                             \
    static PyObject *slot_##word(PyObject *self, PyObject *other) {                                                    \
        return binary_operator(self, other, offsetof(PyNumberMethods, slot), (void *)slot_##word,                      \
                               KR_NAME_TEXT("__" #word "__"), KR_NAME_TEXT("__r" #word "__"));                         \
    }
#define IN_PLACE(word)                                                                                                 \
    static PyObject *slot_i##word(PyObject *self, PyObject *other) {                                                   \
        return CALL2(KR_NAME_TEXT("__i" #word "__"), self, other);                                                     \
    }
#define UNARY(word)                                                                                                    \
    static PyObject *slot_##word(PyObject *self) { return CALL1(KR_NAME_TEXT("__" #word "__"), self); }

BINARY(add, nb_add)
BINARY(sub, nb_subtract)
BINARY(mul, nb_multiply)
BINARY(mod, nb_remainder)
BINARY(divmod, nb_divmod)
BINARY(lshift, nb_lshift)
BINARY(rshift, nb_rshift)
BINARY(and, nb_and)
BINARY(xor, nb_xor)
BINARY(or, nb_or)
BINARY(floordiv, nb_floor_divide)
BINARY(truediv, nb_true_divide)
BINARY(matmul, nb_matrix_multiply)
IN_PLACE(add)
IN_PLACE(sub)
IN_PLACE(mul)
IN_PLACE(mod)
IN_PLACE(lshift)
IN_PLACE(rshift)
IN_PLACE(and)
IN_PLACE(xor)
IN_PLACE(or)
IN_PLACE(floordiv)
IN_PLACE(truediv)
IN_PLACE(matmul)
UNARY(neg)
UNARY(pos)
UNARY(abs)
UNARY(invert)
UNARY(int)
UNARY(float)
UNARY(index)

static PyObject *slot_power(PyObject *self, PyObject *other, PyObject *modulus);

/* pow(a, b) is a binary operator like the others; pow(a, b, m) only asks the first operand. */
static PyObject *power_two(PyObject *self, PyObject *other) {
    return binary_operator(self, other, offsetof(PyNumberMethods, nb_power), (void *)slot_power, KR_NAME(__pow__),
                           KR_NAME(__rpow__));
}

static PyObject *slot_power(PyObject *self, PyObject *other, PyObject *modulus) {
    if (modulus == Py_None) return power_two(self, other);
    if (number_slot(Py_TYPE(self), offsetof(PyNumberMethods, nb_power)) == (void *)slot_power) {
        return CALL3(KR_NAME(__pow__), self, other, modulus);
    }
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *slot_ipow(PyObject *self, PyObject *other, PyObject *modulus) {
    return CALL2(KR_NAME(__ipow__), self, other);
}

/* == Wrapper functions: from the method to the slot =============================================================== */

static int check_count(PyObject *args, Py_ssize_t wanted) {
    if (!PyTuple_CheckExact(args)) {
        PyErr_SetString(PyExc_SystemError, "wrapper functions take their arguments in a tuple");
        return 0;
    }
    if (PyTuple_GET_SIZE(args) == wanted) return 1;
    PyErr_Format(PyExc_TypeError, "expected %zd argument%s, got %zd", wanted, wanted == 1 ? "" : "s",
                 PyTuple_GET_SIZE(args));
    return 0;
}

#define ARG(i) PyTuple_GET_ITEM(args, i)

static PyObject *none_unless_error(int status) {
    if (status < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *wrap_unary(PyObject *self, PyObject *args, void *wrapped) {
    return check_count(args, 0) ? ((unaryfunc)wrapped)(self) : NULL;
}

static PyObject *wrap_binary(PyObject *self, PyObject *args, void *wrapped) {
    return check_count(args, 1) ? ((binaryfunc)wrapped)(self, ARG(0)) : NULL;
}

static PyObject *wrap_binary_left(PyObject *self, PyObject *args, void *wrapped) {
    return check_count(args, 1) ? ((binaryfunc)wrapped)(self, ARG(0)) : NULL;
}

static PyObject *wrap_binary_reflected(PyObject *self, PyObject *args, void *wrapped) {
    return check_count(args, 1) ? ((binaryfunc)wrapped)(ARG(0), self) : NULL;
}

static PyObject *wrap_power(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *other, *modulus = Py_None;
    if (!PyArg_UnpackTuple(args, "", 1, 2, &other, &modulus)) return NULL;
    return ((ternaryfunc)wrapped)(self, other, modulus);
}

static PyObject *wrap_power_reflected(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *other, *modulus = Py_None;
    if (!PyArg_UnpackTuple(args, "", 1, 2, &other, &modulus)) return NULL;
    return ((ternaryfunc)wrapped)(other, self, modulus);
}

static PyObject *wrap_truth(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 0)) return NULL;
    int truth = ((inquiry)wrapped)(self);
    return truth == -1 && PyErr_Occurred() ? NULL : PyBool_FromLong(truth);
}

static PyObject *wrap_length(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 0)) return NULL;
    Py_ssize_t length = ((lenfunc)wrapped)(self);
    return length < 0 && PyErr_Occurred() ? NULL : PyLong_FromSsize_t(length);
}

static PyObject *wrap_hash(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 0)) return NULL;
    Py_hash_t hash = ((hashfunc)wrapped)(self);
    return hash == -1 && PyErr_Occurred() ? NULL : PyLong_FromSsize_t(hash);
}

static PyObject *wrap_index_argument(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *number;
    if (!PyArg_UnpackTuple(args, "", 1, 1, &number)) return NULL;
    Py_ssize_t index = PyNumber_AsSsize_t(number, PyExc_OverflowError);
    if (index == -1 && PyErr_Occurred()) return NULL;
    return ((ssizeargfunc)wrapped)(self, index);
}

/* A negative index counts from the end, if the sequence has a length. */
static Py_ssize_t item_index(PyObject *self, PyObject *argument) {
    Py_ssize_t index = PyNumber_AsSsize_t(argument, PyExc_OverflowError);
    if (index == -1 && PyErr_Occurred()) return -1;
    if (index < 0) {
        PySequenceMethods *sequence = Py_TYPE(self)->tp_as_sequence;
        if (sequence != NULL && sequence->sq_length != NULL) {
            Py_ssize_t length = sequence->sq_length(self);
            if (length < 0) return -1;
            index += length;
        }
    }
    return index;
}

static PyObject *wrap_item(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 1)) return NULL;
    Py_ssize_t index = item_index(self, ARG(0));
    if (index == -1 && PyErr_Occurred()) return NULL;
    return ((ssizeargfunc)wrapped)(self, index);
}

static PyObject *wrap_set_item(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *number, *value;
    if (!PyArg_UnpackTuple(args, "", 2, 2, &number, &value)) return NULL;
    Py_ssize_t index = item_index(self, number);
    if (index == -1 && PyErr_Occurred()) return NULL;
    return none_unless_error(((ssizeobjargproc)wrapped)(self, index, value));
}

static PyObject *wrap_delete_item(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 1)) return NULL;
    Py_ssize_t index = item_index(self, ARG(0));
    if (index == -1 && PyErr_Occurred()) return NULL;
    return none_unless_error(((ssizeobjargproc)wrapped)(self, index, NULL));
}

static PyObject *wrap_contains(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 1)) return NULL;
    int found = ((objobjproc)wrapped)(self, ARG(0));
    return found == -1 && PyErr_Occurred() ? NULL : PyBool_FromLong(found);
}

static PyObject *wrap_set_subscript(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *key, *value;
    if (!PyArg_UnpackTuple(args, "", 2, 2, &key, &value)) return NULL;
    return none_unless_error(((objobjargproc)wrapped)(self, key, value));
}

static PyObject *wrap_delete_subscript(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 1)) return NULL;
    return none_unless_error(((objobjargproc)wrapped)(self, ARG(0), NULL));
}

/* Refuses object.__setattr__(int, ...) and the like: going round the setattr of a C type in between, which guards its
 * data. Classes written in Python may be passed over. */
static int may_set_through(PyObject *self, setattrofunc function, const char *what) {
    PyTypeObject *type = Py_TYPE(self), *base = type;
    while (base != NULL && base->tp_setattro == slot_setattro) base = base->tp_base;
    if (base != NULL && base->tp_setattro != function) {
        PyErr_Format(PyExc_TypeError, "can't apply this %s to %s object", what, type->tp_name);
        return 0;
    }
    return 1;
}

static PyObject *wrap_setattr(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *name, *value;
    if (!PyArg_UnpackTuple(args, "", 2, 2, &name, &value)) return NULL;
    if (!may_set_through(self, (setattrofunc)wrapped, "__setattr__")) return NULL;
    return none_unless_error(((setattrofunc)wrapped)(self, name, value));
}

static PyObject *wrap_delattr(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 1)) return NULL;
    if (!may_set_through(self, (setattrofunc)wrapped, "__delattr__")) return NULL;
    return none_unless_error(((setattrofunc)wrapped)(self, ARG(0), NULL));
}

#define WRAP_COMPARISON(word, op)                                                                                      \
    static PyObject *wrap_##word(PyObject *self, PyObject *args, void *wrapped) {                                      \
        return check_count(args, 1) ? ((richcmpfunc)wrapped)(self, ARG(0), op) : NULL;                                 \
    }

WRAP_COMPARISON(lt, Py_LT)
WRAP_COMPARISON(le, Py_LE)
WRAP_COMPARISON(eq, Py_EQ)
WRAP_COMPARISON(ne, Py_NE)
WRAP_COMPARISON(gt, Py_GT)
WRAP_COMPARISON(ge, Py_GE)

static PyObject *wrap_next(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 0)) return NULL;
    PyObject *result = ((iternextfunc)wrapped)(self);
    if (result == NULL && !PyErr_Occurred()) PyErr_SetNone(PyExc_StopIteration);
    return result;
}

static PyObject *wrap_call(PyObject *self, PyObject *args, void *wrapped, PyObject *kwargs) {
    return ((ternaryfunc)wrapped)(self, args, kwargs);
}

static PyObject *wrap_init(PyObject *self, PyObject *args, void *wrapped, PyObject *kwargs) {
    return none_unless_error(((initproc)wrapped)(self, args, kwargs));
}

static PyObject *wrap_finalize(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 0)) return NULL;
    ((destructor)wrapped)(self);
    Py_RETURN_NONE;
}

static PyObject *wrap_descr_get(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *obj, *type = NULL;
    if (!PyArg_UnpackTuple(args, "", 1, 2, &obj, &type)) return NULL;
    if (obj == Py_None) obj = NULL;
    if (type == Py_None) type = NULL;
    if (type == NULL && obj == NULL) {
        PyErr_SetString(PyExc_TypeError, "__get__(None, None) is invalid");
        return NULL;
    }
    return ((descrgetfunc)wrapped)(self, obj, type);
}

static PyObject *wrap_descr_set(PyObject *self, PyObject *args, void *wrapped) {
    PyObject *obj, *value;
    if (!PyArg_UnpackTuple(args, "", 2, 2, &obj, &value)) return NULL;
    return none_unless_error(((descrsetfunc)wrapped)(self, obj, value));
}

static PyObject *wrap_descr_delete(PyObject *self, PyObject *args, void *wrapped) {
    if (!check_count(args, 1)) return NULL;
    return none_unless_error(((descrsetfunc)wrapped)(self, ARG(0), NULL));
}

/* -- __new__ is no wrapper descriptor but a builtin function bound to its type */

static PyObject *new_wrapper(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    if (self == NULL || !PyType_Check(self)) {
        PyErr_Format(PyExc_SystemError, "__new__() called with non-type 'self'");
        return NULL;
    }
    PyTypeObject *type = (PyTypeObject *)self;
    if (count < 1) {
        PyErr_Format(PyExc_TypeError, "%s.__new__(): not enough arguments", type->tp_name);
        return NULL;
    }
    if (!PyType_Check(args[0])) {
        PyErr_Format(PyExc_TypeError, "%s.__new__(X): X is not a type object (%s)", type->tp_name,
                     Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    PyTypeObject *subtype = (PyTypeObject *)args[0];
    if (!PyType_IsSubtype(subtype, type)) {
        PyErr_Format(PyExc_TypeError, "%s.__new__(%s): %s is not a subtype of %s", type->tp_name, subtype->tp_name,
                     subtype->tp_name, type->tp_name);
        return NULL;
    }
    /* object.__new__(dict) would make a dict without its table: the next C type's own constructor must be used. */
    PyTypeObject *static_base = subtype;
    while (static_base != NULL && static_base->tp_new == kr_slot_new) static_base = static_base->tp_base;
    if (static_base != NULL && static_base->tp_new != type->tp_new) {
        PyErr_Format(PyExc_TypeError, "%s.__new__(%s) is not safe, use %s.__new__()", type->tp_name, subtype->tp_name,
                     static_base->tp_name);
        return NULL;
    }
    if (type->tp_new == kr_object_new && count == 1 && kwnames == NULL &&
        !(subtype->tp_flags & Py_TPFLAGS_IS_ABSTRACT)) {
        return subtype->tp_alloc(subtype, 0);
    }
    PyObject *rest = PyTuple_New(count - 1);
    if (rest == NULL) return NULL;
    for (Py_ssize_t i = 1; i < count; i++) PyTuple_SET_ITEM(rest, i - 1, Py_NewRef(args[i]));
    PyObject *kwargs = NULL, *result = NULL;
    if (kwnames == NULL || (kwargs = _PyStack_AsDict(args + count, kwnames)) != NULL) {
        result = type->tp_new(subtype, rest, kwargs);
    }
    Py_XDECREF(kwargs);
    Py_DECREF(rest);
    return result;
}

static PyMethodDef new_method[] = {
    {"__new__", _PyCFunction_CAST(new_wrapper), METH_FASTCALL | METH_KEYWORDS,
     "__new__($type, *args, **kwargs)\n--\n\nMake an object of this type; see help(type) for the arguments."},
    {NULL},
};

int kr_type_add_new_wrapper(PyTypeObject *type) {
    int present = PyDict_Contains(type->tp_dict, KR_NAME(__new__));
    if (present != 0) return present < 0 ? -1 : 0;
    PyObject *function = PyCFunction_NewEx(new_method, (PyObject *)type, NULL);
    if (function == NULL) return -1;
    int status = PyDict_SetItem(type->tp_dict, KR_NAME(__new__), function);
    Py_DECREF(function);
    return status;
}

/* == The table ==================================================================================================== */

#define TYPE_SLOT(slot) offsetof(PyHeapTypeObject, ht_type.slot)
#define ASYNC_SLOT(slot) offsetof(PyHeapTypeObject, as_async.slot)
#define NUMBER_SLOT(slot) offsetof(PyHeapTypeObject, as_number.slot)
#define MAPPING_SLOT(slot) offsetof(PyHeapTypeObject, as_mapping.slot)
#define SEQUENCE_SLOT(slot) offsetof(PyHeapTypeObject, as_sequence.slot)

#define ENTRY(name, place, function, wrapper, signature, doc)                                                          \
    {name, place, (void *)(function), (wrapperfunc)(wrapper), name signature "\n--\n\n" doc, 0, NULL}
#define KEYWORD_ENTRY(name, place, function, wrapper, signature, doc)                                                  \
    {name, place, (void *)(function), (wrapperfunc)(void (*)(void))(wrapper), name signature "\n--\n\n" doc,           \
     PyWrapperFlag_KEYWORDS, NULL}
/* A name that fills a slot but that a slot alone does not yield a method for. */
#define FILL_ONLY(name, place, function) {name, place, (void *)(function), NULL, NULL, 0, NULL}

#define BINARY_ENTRIES(word, slot, symbol)                                                                             \
    ENTRY("__" #word "__", NUMBER_SLOT(slot), slot_##word, wrap_binary_left, "($self, value, /)",                      \
          "Compute self " symbol " value."),                                                                              \
        ENTRY("__r" #word "__", NUMBER_SLOT(slot), slot_##word, wrap_binary_reflected, "($self, value, /)",            \
              "Compute value " symbol " self.")
#define IN_PLACE_ENTRY(word, slot, symbol)                                                                             \
    ENTRY("__i" #word "__", NUMBER_SLOT(slot), slot_i##word, wrap_binary, "($self, value, /)",                         \
          "Compute self " symbol "= value, in place if possible.")
#define UNARY_ENTRY(word, slot, doc) ENTRY("__" #word "__", NUMBER_SLOT(slot), slot_##word, wrap_unary, "($self, /)", doc)
#define COMPARISON_ENTRY(word, symbol)                                                                                 \
    ENTRY("__" #word "__", TYPE_SLOT(tp_richcompare), slot_richcompare, wrap_##word, "($self, value, /)",              \
          "Compute self " symbol " value.")

/* Ordered by place, so that the names of one slot stand together. */
static struct wrapperbase slot_table[] = {
    FILL_ONLY("__getattribute__", TYPE_SLOT(tp_getattr), NULL),
    FILL_ONLY("__getattr__", TYPE_SLOT(tp_getattr), NULL),
    FILL_ONLY("__setattr__", TYPE_SLOT(tp_setattr), NULL),
    FILL_ONLY("__delattr__", TYPE_SLOT(tp_setattr), NULL),
    ENTRY("__repr__", TYPE_SLOT(tp_repr), slot_repr, wrap_unary, "($self, /)", "Make the text that repr() shows."),
    ENTRY("__hash__", TYPE_SLOT(tp_hash), slot_hash, wrap_hash, "($self, /)", "Compute the hash of self."),
    KEYWORD_ENTRY("__call__", TYPE_SLOT(tp_call), kr_slot_call, wrap_call, "($self, /, *args, **kwargs)",
                  "Call self as a function."),
    ENTRY("__str__", TYPE_SLOT(tp_str), slot_str, wrap_unary, "($self, /)", "Make the text that str() gives."),
    ENTRY("__getattribute__", TYPE_SLOT(tp_getattro), kr_slot_getattr_hook, wrap_binary, "($self, name, /)",
          "Look an attribute up."),
    FILL_ONLY("__getattr__", TYPE_SLOT(tp_getattro), kr_slot_getattr_hook),
    ENTRY("__setattr__", TYPE_SLOT(tp_setattro), slot_setattro, wrap_setattr, "($self, name, value, /)",
          "Set an attribute."),
    ENTRY("__delattr__", TYPE_SLOT(tp_setattro), slot_setattro, wrap_delattr, "($self, name, /)",
          "Delete an attribute."),
    COMPARISON_ENTRY(lt, "<"),
    COMPARISON_ENTRY(le, "<="),
    COMPARISON_ENTRY(eq, "=="),
    COMPARISON_ENTRY(ne, "!="),
    COMPARISON_ENTRY(gt, ">"),
    COMPARISON_ENTRY(ge, ">="),
    ENTRY("__iter__", TYPE_SLOT(tp_iter), slot_iter, wrap_unary, "($self, /)", "Make an iterator over self."),
    ENTRY("__next__", TYPE_SLOT(tp_iternext), slot_iternext, wrap_next, "($self, /)", "Implement next(self)."),
    ENTRY("__get__", TYPE_SLOT(tp_descr_get), kr_slot_descr_get, wrap_descr_get, "($self, instance, owner=None, /)",
          "Return the attribute of the instance, or of its class."),
    ENTRY("__set__", TYPE_SLOT(tp_descr_set), slot_descr_set, wrap_descr_set, "($self, instance, value, /)",
          "Set the attribute of the instance."),
    ENTRY("__delete__", TYPE_SLOT(tp_descr_set), slot_descr_set, wrap_descr_delete, "($self, instance, /)",
          "Delete the attribute of the instance."),
    KEYWORD_ENTRY("__init__", TYPE_SLOT(tp_init), kr_slot_init, wrap_init, "($self, /, *args, **kwargs)",
                  "Set a new object up; see help(type(self)) for the arguments."),
    FILL_ONLY("__new__", TYPE_SLOT(tp_new), kr_slot_new),
    ENTRY("__del__", TYPE_SLOT(tp_finalize), slot_finalize, wrap_finalize, "($self, /)",
          "Say good-bye before the object is destroyed."),

    ENTRY("__await__", ASYNC_SLOT(am_await), slot_await, wrap_unary, "($self, /)",
          "Return an iterator for an await expression."),
    ENTRY("__aiter__", ASYNC_SLOT(am_aiter), slot_aiter, wrap_unary, "($self, /)",
          "Return an asynchronous iterator over self."),
    ENTRY("__anext__", ASYNC_SLOT(am_anext), slot_anext, wrap_unary, "($self, /)",
          "Return an awaitable for the next value."),

    BINARY_ENTRIES(add, nb_add, "+"),
    BINARY_ENTRIES(sub, nb_subtract, "-"),
    BINARY_ENTRIES(mul, nb_multiply, "*"),
    BINARY_ENTRIES(mod, nb_remainder, "%"),
    ENTRY("__divmod__", NUMBER_SLOT(nb_divmod), slot_divmod, wrap_binary_left, "($self, value, /)",
          "Compute the pair (self // value, self % value)."),
    ENTRY("__rdivmod__", NUMBER_SLOT(nb_divmod), slot_divmod, wrap_binary_reflected, "($self, value, /)",
          "Compute the pair (value // self, value % self)."),
    ENTRY("__pow__", NUMBER_SLOT(nb_power), slot_power, wrap_power, "($self, value, mod=None, /)",
          "Compute self ** value, modulo mod if given."),
    ENTRY("__rpow__", NUMBER_SLOT(nb_power), slot_power, wrap_power_reflected, "($self, value, mod=None, /)",
          "Compute value ** self, modulo mod if given."),
    UNARY_ENTRY(neg, nb_negative, "Compute -self."),
    UNARY_ENTRY(pos, nb_positive, "Compute +self."),
    UNARY_ENTRY(abs, nb_absolute, "Compute the absolute value of self."),
    ENTRY("__bool__", NUMBER_SLOT(nb_bool), slot_bool, wrap_truth, "($self, /)", "Tell whether self counts as true."),
    UNARY_ENTRY(invert, nb_invert, "Compute ~self."),
    BINARY_ENTRIES(lshift, nb_lshift, "<<"),
    BINARY_ENTRIES(rshift, nb_rshift, ">>"),
    BINARY_ENTRIES(and, nb_and, "&"),
    BINARY_ENTRIES(xor, nb_xor, "^"),
    BINARY_ENTRIES(or, nb_or, "|"),
    UNARY_ENTRY(int, nb_int, "Convert self to int."),
    UNARY_ENTRY(float, nb_float, "Convert self to float."),
    IN_PLACE_ENTRY(add, nb_inplace_add, "+"),
    IN_PLACE_ENTRY(sub, nb_inplace_subtract, "-"),
    IN_PLACE_ENTRY(mul, nb_inplace_multiply, "*"),
    IN_PLACE_ENTRY(mod, nb_inplace_remainder, "%"),
    ENTRY("__ipow__", NUMBER_SLOT(nb_inplace_power), slot_ipow, wrap_power, "($self, value, mod=None, /)",
          "Compute self **= value, in place if possible."),
    IN_PLACE_ENTRY(lshift, nb_inplace_lshift, "<<"),
    IN_PLACE_ENTRY(rshift, nb_inplace_rshift, ">>"),
    IN_PLACE_ENTRY(and, nb_inplace_and, "&"),
    IN_PLACE_ENTRY(xor, nb_inplace_xor, "^"),
    IN_PLACE_ENTRY(or, nb_inplace_or, "|"),
    BINARY_ENTRIES(floordiv, nb_floor_divide, "//"),
    BINARY_ENTRIES(truediv, nb_true_divide, "/"),
    IN_PLACE_ENTRY(floordiv, nb_inplace_floor_divide, "//"),
    IN_PLACE_ENTRY(truediv, nb_inplace_true_divide, "/"),
    UNARY_ENTRY(index, nb_index, "Give the int that self stands for where an int is needed."),
    BINARY_ENTRIES(matmul, nb_matrix_multiply, "@"),
    IN_PLACE_ENTRY(matmul, nb_inplace_matrix_multiply, "@"),

    ENTRY("__len__", MAPPING_SLOT(mp_length), slot_length, wrap_length, "($self, /)", "Count the items of self."),
    ENTRY("__getitem__", MAPPING_SLOT(mp_subscript), slot_subscript, wrap_binary, "($self, key, /)",
          "Get the item for a key."),
    ENTRY("__setitem__", MAPPING_SLOT(mp_ass_subscript), slot_ass_subscript, wrap_set_subscript,
          "($self, key, value, /)", "Set the item for a key."),
    ENTRY("__delitem__", MAPPING_SLOT(mp_ass_subscript), slot_ass_subscript, wrap_delete_subscript, "($self, key, /)",
          "Delete the item for a key."),

    ENTRY("__len__", SEQUENCE_SLOT(sq_length), slot_length, wrap_length, "($self, /)", "Count the items of self."),
    /* Classes get + and * through the number slots. */
    ENTRY("__add__", SEQUENCE_SLOT(sq_concat), NULL, wrap_binary, "($self, value, /)", "Compute self + value."),
    ENTRY("__mul__", SEQUENCE_SLOT(sq_repeat), NULL, wrap_index_argument, "($self, value, /)", "Compute self * value."),
    ENTRY("__rmul__", SEQUENCE_SLOT(sq_repeat), NULL, wrap_index_argument, "($self, value, /)", "Compute value * self."),
    ENTRY("__getitem__", SEQUENCE_SLOT(sq_item), slot_item, wrap_item, "($self, key, /)", "Get the item for a key."),
    ENTRY("__setitem__", SEQUENCE_SLOT(sq_ass_item), slot_ass_item, wrap_set_item, "($self, key, value, /)",
          "Set the item for a key."),
    ENTRY("__delitem__", SEQUENCE_SLOT(sq_ass_item), slot_ass_item, wrap_delete_item, "($self, key, /)",
          "Delete the item for a key."),
    ENTRY("__contains__", SEQUENCE_SLOT(sq_contains), slot_contains, wrap_contains, "($self, key, /)",
          "Tell whether key is in self."),
    ENTRY("__iadd__", SEQUENCE_SLOT(sq_inplace_concat), NULL, wrap_binary, "($self, value, /)", "Extend self by value."),
    ENTRY("__imul__", SEQUENCE_SLOT(sq_inplace_repeat), NULL, wrap_index_argument, "($self, value, /)",
          "Repeat self value times, in place if possible."),
    {NULL},
};

static int table_ready(void) {
    for (struct wrapperbase *entry = slot_table; entry->name != NULL; entry++) {
        if (entry->name_strobj != NULL) return 0; /* all of them are */
        entry->name_strobj = PyUnicode_InternFromString(entry->name);
        if (entry->name_strobj == NULL) {
            while (--entry >= slot_table) Py_CLEAR(entry->name_strobj);
            return -1;
        }
    }
    return 0;
}

void kr_type_slots_finalize(void) {
    for (struct wrapperbase *entry = slot_table; entry->name != NULL; entry++) Py_CLEAR(entry->name_strobj);
}

void **kr_type_slot_address(PyTypeObject *type, size_t offset) {
    char *block;
    if (offset >= offsetof(PyHeapTypeObject, as_buffer)) {
        block = (char *)type->tp_as_buffer;
        offset -= offsetof(PyHeapTypeObject, as_buffer);
    } else if (offset >= offsetof(PyHeapTypeObject, as_sequence)) {
        block = (char *)type->tp_as_sequence;
        offset -= offsetof(PyHeapTypeObject, as_sequence);
    } else if (offset >= offsetof(PyHeapTypeObject, as_mapping)) {
        block = (char *)type->tp_as_mapping;
        offset -= offsetof(PyHeapTypeObject, as_mapping);
    } else if (offset >= offsetof(PyHeapTypeObject, as_number)) {
        block = (char *)type->tp_as_number;
        offset -= offsetof(PyHeapTypeObject, as_number);
    } else if (offset >= offsetof(PyHeapTypeObject, as_async)) {
        block = (char *)type->tp_as_async;
        offset -= offsetof(PyHeapTypeObject, as_async);
    } else {
        block = (char *)type;
    }
    return block != NULL ? (void **)(block + offset) : NULL;
}

/* == From slots to methods ========================================================================================== */

int kr_type_add_slot_wrappers(PyTypeObject *type) {
    if (table_ready() < 0) return -1;
    PyObject *dict = type->tp_dict;
    for (struct wrapperbase *entry = slot_table; entry->name != NULL; entry++) {
        if (entry->wrapper == NULL) continue;
        void **slot = kr_type_slot_address(type, entry->offset);
        if (slot == NULL || *slot == NULL) continue;
        int present = PyDict_Contains(dict, entry->name_strobj);
        if (present < 0) return -1;
        if (present) continue;
        int status;
        if (*slot == (void *)PyObject_HashNotImplemented) {
            /* The C spelling of `__hash__ = None`. */
            status = PyDict_SetItem(dict, entry->name_strobj, Py_None);
        } else {
            PyObject *descriptor = PyDescr_NewWrapper(type, entry, *slot);
            if (descriptor == NULL) return -1;
            status = PyDict_SetItem(dict, entry->name_strobj, descriptor);
            Py_DECREF(descriptor);
        }
        if (status < 0) return -1;
    }
    return 0;
}

/* == From methods to slots ========================================================================================== */

/* A name with several slots: returns the one filled slot among them, or NULL if there are several or none. */
static void **only_filled_slot(PyTypeObject *type, PyObject *name) {
    void **found = NULL;
    for (struct wrapperbase *entry = slot_table; entry->name != NULL; entry++) {
        if (entry->name_strobj != name) continue;
        void **slot = kr_type_slot_address(type, entry->offset);
        if (slot == NULL || *slot == NULL) continue;
        if (found != NULL) return NULL;
        found = slot;
    }
    return found;
}

static struct wrapperbase *next_slot(struct wrapperbase *entry) {
    int offset = entry->offset;
    while (entry->name != NULL && entry->offset == offset) entry++;
    return entry;
}

static int is_new_wrapper(PyObject *descriptor) {
    return PyCFunction_CheckExact(descriptor) &&
           PyCFunction_GET_FUNCTION(descriptor) == (PyCFunction)(void (*)(void))new_wrapper;
}

/* The C function behind a method that is no wrapper descriptor, if the slot can have it directly; else NULL. */
static void *direct_function(PyTypeObject *type, struct wrapperbase *entry, void **slot, PyObject *found) {
    if (Py_IS_TYPE(found, &PyMethodDescr_Type)) {
        /* list.__getitem__ and the like are methods for speed, beside a slot that does the same. */
        PyMethodDescrObject *method = (PyMethodDescrObject *)found;
        PyTypeObject *owner = PyDescr_TYPE(method);
        if (!(method->d_method->ml_flags & METH_COEXIST) || PyDescr_NAME(method) != entry->name_strobj) return NULL;
        if (!PyType_IsSubtype(type, owner)) return NULL;
        void **owner_slot = kr_type_slot_address(owner, entry->offset);
        return owner_slot != NULL ? *owner_slot : NULL;
    }
    if (slot == (void **)&type->tp_new && is_new_wrapper(found)) {
        /* The constructor that the class has by inheritance fits its layout, whichever type's __new__ this is. A class
         * that had a Python __new__ keeps looking it up. */
        return (void *)type->tp_new;
    }
    if (slot == (void **)&type->tp_hash && found == Py_None) return (void *)PyObject_HashNotImplemented;
    return NULL;
}

/* Sets one slot from the methods of all its names; returns the table entry after them. The slot gets a C function
 * directly if all the names that are defined lead to the same one, else the slot function that looks methods up. */
static struct wrapperbase *update_one_slot(PyTypeObject *type, struct wrapperbase *entry) {
    int offset = entry->offset;
    void **slot = kr_type_slot_address(type, offset);
    if (slot == NULL) return next_slot(entry);
    void *specific = NULL, *generic = NULL;
    int use_generic = 0;
    for (; entry->name != NULL && entry->offset == offset; entry++) {
        PyObject *found = _PyType_Lookup(type, entry->name_strobj);
        if (found == NULL) {
            /* for loops call tp_iternext without looking: a class without __next__ needs one that complains. */
            if (slot == (void **)&type->tp_iternext) specific = (void *)_PyObject_NextNotImplemented;
            continue;
        }
        void *direct = NULL;
        if (Py_IS_TYPE(found, &PyWrapperDescr_Type) &&
            ((PyWrapperDescrObject *)found)->d_base->name_strobj == entry->name_strobj) {
            PyWrapperDescrObject *wrapper = (PyWrapperDescrObject *)found;
            /* If the base fills just one slot of this name, the others stay empty. */
            void **only = only_filled_slot(type, entry->name_strobj);
            if (only == NULL || only == slot) generic = entry->function;
            if (wrapper->d_base->wrapper == entry->wrapper && PyType_IsSubtype(type, PyDescr_TYPE(wrapper))) {
                direct = wrapper->d_wrapped;
            }
        } else {
            generic = entry->function;
            direct = direct_function(type, entry, slot, found);
        }
        if (direct != NULL && (specific == NULL || specific == direct)) {
            specific = direct;
        } else {
            use_generic = 1;
        }
    }
    *slot = specific != NULL && !use_generic ? specific : generic;
    if (slot == (void **)&type->tp_call && *slot == (void *)kr_slot_call) {
        type->tp_flags &= ~Py_TPFLAGS_HAVE_VECTORCALL;
    }
    return entry;
}

static void update_slots_of_name(PyTypeObject *type, PyObject *name) {
    for (struct wrapperbase *entry = slot_table; entry->name != NULL; entry++) {
        if (entry->name_strobj != name) continue;
        /* The other names of the slot count too: go back to its first. */
        while (entry > slot_table && entry[-1].offset == entry->offset) entry--;
        entry = update_one_slot(type, entry) - 1;
    }
}

/* True if the class has, but for the methods that it defines itself, the slots of its base: a lookup goes on in the
 * base's MRO, and the base's slots are what its own MRO says. */
static int continues_base(PyTypeObject *type) {
    PyTypeObject *base = type->tp_base;
    if (base != &PyBaseObject_Type && !(base->tp_flags & KR_TPFLAGS_CLASS)) return 0;
    PyObject *mro = type->tp_mro, *base_mro = base->tp_mro;
    if (PyTuple_GET_SIZE(mro) != PyTuple_GET_SIZE(base_mro) + 1) return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(base_mro); i++) {
        if (PyTuple_GET_ITEM(mro, i + 1) != PyTuple_GET_ITEM(base_mro, i)) return 0;
    }
    return 1;
}

int kr_type_fill_slots(PyTypeObject *type) {
    if (table_ready() < 0) return -1;
    if (!continues_base(type)) {
        for (struct wrapperbase *entry = slot_table; entry->name != NULL;) entry = update_one_slot(type, entry);
        return PyErr_Occurred() ? -1 : 0;
    }
    for (struct wrapperbase *entry = slot_table; entry->name != NULL; entry = next_slot(entry)) {
        void **slot = kr_type_slot_address(type, entry->offset), **base_slot = kr_type_slot_address(type->tp_base, entry->offset);
        if (slot == NULL) continue;
        /* PyType_Ready has made tp_hash follow __eq__ already. */
        if (slot == (void **)&type->tp_hash) continue;
        *slot = base_slot != NULL ? *base_slot : NULL;
        if (*slot == NULL && slot == (void **)&type->tp_iternext) *slot = (void *)_PyObject_NextNotImplemented;
    }
    Py_ssize_t cursor = 0;
    PyObject *name, *value;
    while (PyDict_Next(type->tp_dict, &cursor, &name, &value)) {
        if (!PyUnicode_Check(name) || PyUnicode_GET_LENGTH(name) < 5) continue;
        if (PyUnicode_READ_CHAR(name, 0) != '_' || PyUnicode_READ_CHAR(name, 1) != '_') continue;
        /* A namespace that a program put together may hold other strings than the interned ones. */
        PyObject *interned = PyUnicode_FromObject(name);
        if (interned == NULL) return -1;
        PyUnicode_InternInPlace(&interned);
        update_slots_of_name(type, interned);
        Py_DECREF(interned);
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Updates the slots of a name in the type and in the subclasses that do not define the name themselves. */
static int update_down(PyTypeObject *type, PyObject *name) {
    update_slots_of_name(type, name);
    KrSubclasses *list;
    for (Py_ssize_t i = 0; (list = kr_type_subclasses(type)) != NULL && i < list->count; i++) {
        PyTypeObject *subclass = list->item[i];
        if (Py_REFCNT(subclass) <= 0 || subclass->tp_dict == NULL) continue;
        int overrides = PyDict_Contains(subclass->tp_dict, name);
        if (overrides < 0) return -1;
        if (!overrides && update_down(subclass, name) < 0) return -1;
    }
    return 0;
}

int kr_type_update_slot(PyTypeObject *type, PyObject *name) {
    if (table_ready() < 0) return -1;
    for (struct wrapperbase *entry = slot_table; entry->name != NULL; entry++) {
        if (entry->name_strobj == name) return update_down(type, name);
    }
    return 0;
}

static int update_all_down(PyTypeObject *type) {
    for (struct wrapperbase *entry = slot_table; entry->name != NULL;) entry = update_one_slot(type, entry);
    KrSubclasses *list;
    for (Py_ssize_t i = 0; (list = kr_type_subclasses(type)) != NULL && i < list->count; i++) {
        if (Py_REFCNT(list->item[i]) > 0 && update_all_down(list->item[i]) < 0) return -1;
    }
    return PyErr_Occurred() ? -1 : 0;
}

int kr_type_update_all_slots(PyTypeObject *type) {
    PyType_Modified(type);
    return table_ready() < 0 ? -1 : update_all_down(type);
}
