/* Weak references and proxies. */
#include <Python.h>

#include "collector/collector.h"
#include "collector/weakref.h"
#include "object/names.h"

#include <structmember.h>

int PyType_SUPPORTS_WEAKREFS(PyTypeObject *type) { return type->tp_weaklistoffset > 0; }

PyObject **PyObject_GET_WEAKREFS_LISTPTR(PyObject *object) { return (PyObject **)kr_weakref_list(object); }

/* Makes a reference dead, keeping its callback. */
void _PyWeakref_ClearRef(PyWeakReference *self) {
    if (self->wr_object == Py_None) return;
    PyWeakReference **list = kr_weakref_list(self->wr_object);
    if (*list == self) *list = self->wr_next;
    if (self->wr_prev != NULL) self->wr_prev->wr_next = self->wr_next;
    if (self->wr_next != NULL) self->wr_next->wr_prev = self->wr_prev;
    self->wr_prev = self->wr_next = NULL;
    self->wr_object = Py_None;
}

Py_ssize_t _PyWeakref_GetWeakrefCount(PyWeakReference *head) {
    Py_ssize_t count = 0;
    for (; head != NULL; head = head->wr_next) count++;
    return count;
}

/* What can be shared among the references to an object. */
typedef struct {
    PyWeakReference *reference;
    PyWeakReference *proxy;
} Shared;

static Shared find_shared(PyWeakReference *head) {
    Shared shared = {NULL, NULL};
    if (head != NULL && head->wr_callback == NULL) {
        if (PyWeakref_CheckRefExact(head)) {
            shared.reference = head;
            head = head->wr_next;
        }
        if (head != NULL && head->wr_callback == NULL && PyWeakref_CheckProxy(head)) shared.proxy = head;
    }
    return shared;
}

/* Puts a new reference into the list after `previous`, or at the front if that is NULL. */
static void link_after(PyWeakReference *self, PyWeakReference *previous, PyWeakReference **list) {
    self->wr_prev = previous;
    self->wr_next = previous != NULL ? previous->wr_next : *list;
    if (self->wr_next != NULL) self->wr_next->wr_prev = self;
    if (previous != NULL)
        previous->wr_next = self;
    else
        *list = self;
}

static PyObject *reference_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (!_PyArg_NoKwnames("weakref", kwnames)) return NULL;
    if (!_PyArg_CheckPositional("weakref", PyVectorcall_NARGS(nargsf), 0, 0)) return NULL;
    return Py_NewRef(PyWeakref_GET_OBJECT(self));
}

static void fill(PyWeakReference *self, PyObject *object, PyObject *callback) {
    self->hash = -1;
    self->wr_object = object;
    self->wr_prev = self->wr_next = NULL;
    self->wr_callback = Py_XNewRef(callback);
    self->vectorcall = reference_call;
}

static int check_supported(PyObject *object) {
    if (Py_TYPE(object)->tp_weaklistoffset > 0) return 0;
    PyErr_Format(PyExc_TypeError, "cannot create weak reference to '%s' object", Py_TYPE(object)->tp_name);
    return -1;
}

/* Returns an existing reference or proxy, a new one of `type` if there is none to share. `type` is one of the three exact
 * types. */
static PyObject *make(PyTypeObject *type, PyObject *object, PyObject *callback) {
    if (check_supported(object) < 0) return NULL;
    int is_proxy = type != &_PyWeakref_RefType;
    PyWeakReference **list = kr_weakref_list(object);
    Shared shared = find_shared(*list);
    if (callback == Py_None) callback = NULL;
    PyWeakReference *old = is_proxy ? shared.proxy : shared.reference;
    if (callback == NULL && old != NULL && Py_REFCNT(old) > 0) return Py_NewRef(old);

    PyWeakReference *self = PyObject_GC_New(PyWeakReference, type);
    if (self == NULL) return NULL;
    fill(self, object, callback);
    /* The allocation may have run a collection, and so any code. */
    shared = find_shared(*list);
    if (callback == NULL) {
        old = is_proxy ? shared.proxy : shared.reference;
        if (old != NULL && Py_REFCNT(old) > 0) {
            self->wr_object = Py_None;
            kr_gc_free(self);
            return Py_NewRef(old);
        }
        link_after(self, is_proxy ? shared.reference : NULL, list);
    } else {
        link_after(self, shared.proxy != NULL ? shared.proxy : shared.reference, list);
    }
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *PyWeakref_NewRef(PyObject *object, PyObject *callback) { return make(&_PyWeakref_RefType, object, callback); }

PyObject *PyWeakref_NewProxy(PyObject *object, PyObject *callback) {
    return make(PyCallable_Check(object) ? &_PyWeakref_CallableProxyType : &_PyWeakref_ProxyType, object, callback);
}

PyObject *PyWeakref_GetObject(PyObject *reference) {
    if (reference == NULL || !PyWeakref_Check(reference)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return PyWeakref_GET_OBJECT(reference);
}

static void call_callback(PyWeakReference *reference, PyObject *callback) {
    PyObject *result = PyObject_CallOneArg(callback, (PyObject *)reference);
    if (result == NULL)
        PyErr_WriteUnraisable(callback);
    else
        Py_DECREF(result);
}

/* Called by the deallocator of an object that may have weak references: all of them die, then their callbacks are
 * called. */
void PyObject_ClearWeakRefs(PyObject *object) {
    if (object == NULL || Py_TYPE(object)->tp_weaklistoffset <= 0 || Py_REFCNT(object) != 0) {
        PyErr_BadInternalCall();
        return;
    }
    PyWeakReference **list = kr_weakref_list(object);
    if (*list == NULL) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    /* The references that have callbacks are chained through wr_next, in their order, each owned by the chain. */
    PyWeakReference *chain = NULL, **end = &chain, *reference;
    while ((reference = *list) != NULL) {
        int must_call = reference->wr_callback != NULL && Py_REFCNT(reference) > 0;
        _PyWeakref_ClearRef(reference);
        if (!must_call) {
            Py_CLEAR(reference->wr_callback);
            continue;
        }
        Py_INCREF(reference);
        *end = reference;
        end = &reference->wr_next;
    }
    while ((reference = chain) != NULL) {
        chain = reference->wr_next;
        reference->wr_next = NULL;
        PyObject *callback = reference->wr_callback;
        reference->wr_callback = NULL;
        if (callback != NULL) {
            call_callback(reference, callback);
            Py_DECREF(callback);
        }
        Py_DECREF(reference);
    }
    PyErr_Restore(type, value, traceback);
}

static void reference_dealloc(PyWeakReference *self) {
    kr_gc_untrack(self);
    _PyWeakref_ClearRef(self);
    Py_CLEAR(self->wr_callback);
    Py_TYPE(self)->tp_free(self);
}

static int reference_traverse(PyWeakReference *self, visitproc visit, void *arg) {
    Py_VISIT(self->wr_callback);
    return 0;
}

static int reference_clear(PyWeakReference *self) {
    _PyWeakref_ClearRef(self);
    Py_CLEAR(self->wr_callback);
    return 0;
}

static Py_hash_t reference_hash(PyWeakReference *self) {
    if (self->hash != -1) return self->hash;
    PyObject *object = PyWeakref_GET_OBJECT((PyObject *)self);
    if (object == Py_None) {
        PyErr_SetString(PyExc_TypeError, "weak object has gone away");
        return -1;
    }
    Py_INCREF(object);
    self->hash = PyObject_Hash(object);
    Py_DECREF(object);
    return self->hash;
}

static PyObject *reference_repr(PyWeakReference *self) {
    PyObject *object = PyWeakref_GET_OBJECT((PyObject *)self), *name;
    if (object == Py_None) return PyUnicode_FromFormat("<weakref at %p; dead>", self);
    Py_INCREF(object);
    PyObject *text = NULL;
    if (_PyObject_LookupAttr(object, KR_NAME(__name__), &name) >= 0) {
        if (name == NULL || !PyUnicode_Check(name))
            text = PyUnicode_FromFormat("<weakref at %p; to '%s' at %p>", self, Py_TYPE(object)->tp_name, object);
        else
            text = PyUnicode_FromFormat("<weakref at %p; to '%s' at %p (%U)>", self, Py_TYPE(object)->tp_name, object, name);
        Py_XDECREF(name);
    }
    Py_DECREF(object);
    return text;
}

/* Live references compare as their objects do, dead ones by identity. */
static PyObject *reference_richcompare(PyObject *a, PyObject *b, int op) {
    if ((op != Py_EQ && op != Py_NE) || !PyWeakref_Check(a) || !PyWeakref_Check(b)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *left = PyWeakref_GET_OBJECT(a), *right = PyWeakref_GET_OBJECT(b);
    if (left == Py_None || right == Py_None) return PyBool_FromLong((a == b) == (op == Py_EQ));
    Py_INCREF(left);
    Py_INCREF(right);
    PyObject *result = PyObject_RichCompare(left, right, op);
    Py_DECREF(left);
    Py_DECREF(right);
    return result;
}

static int parse(const char *function, PyObject *args, PyObject **object, PyObject **callback) {
    *callback = NULL;
    return PyArg_UnpackTuple(args, function, 1, 2, object, callback);
}

static PyObject *reference_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *object, *callback;
    if (!parse("__new__", args, &object, &callback)) return NULL;
    if (type == &_PyWeakref_RefType) return make(type, object, callback);
    if (check_supported(object) < 0) return NULL;
    PyWeakReference *self = (PyWeakReference *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    fill(self, object, callback == Py_None ? NULL : callback);
    PyWeakReference **list = kr_weakref_list(object);
    Shared shared = find_shared(*list);
    link_after(self, shared.proxy != NULL ? shared.proxy : shared.reference, list);
    return (PyObject *)self;
}

static int reference_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *object, *callback;
    return _PyArg_NoKeywords("ref", kwargs) && parse("__init__", args, &object, &callback) ? 0 : -1;
}

static PyMemberDef reference_members[] = {
    {"__callback__", T_OBJECT, offsetof(PyWeakReference, wr_callback), READONLY},
    {NULL},
};

static PyMethodDef reference_methods[] = {
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "ref[...] as a type hint."},
    {NULL},
};

PyTypeObject _PyWeakref_RefType = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "weakref.ReferenceType",
    .tp_basicsize = sizeof(PyWeakReference),
    .tp_dealloc = (destructor)reference_dealloc,
    .tp_vectorcall_offset = offsetof(PyWeakReference, vectorcall),
    .tp_repr = (reprfunc)reference_repr,
    .tp_hash = (hashfunc)reference_hash,
    .tp_call = PyVectorcall_Call,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_BASETYPE,
    .tp_traverse = (traverseproc)reference_traverse,
    .tp_clear = (inquiry)reference_clear,
    .tp_richcompare = reference_richcompare,
    .tp_methods = reference_methods,
    .tp_members = reference_members,
    .tp_init = reference_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = reference_new,
    .tp_free = PyObject_GC_Del,
};

/* Proxies: every operation is done with the object itself, to which a reference is held meanwhile. */

/* Returns a new reference to what a proxy stands for, to any other object itself; NULL with ReferenceError. */
static PyObject *unwrap(PyObject *object) {
    if (PyWeakref_CheckProxy(object)) {
        object = PyWeakref_GET_OBJECT(object);
        if (object == Py_None) {
            PyErr_SetString(PyExc_ReferenceError, "weakly-referenced object no longer exists");
            return NULL;
        }
    }
    return Py_NewRef(object);
}

static PyObject *proxy_unary(PyObject *self, unaryfunc function) {
    PyObject *object = unwrap(self);
    if (object == NULL) return NULL;
    PyObject *result = function(object);
    Py_DECREF(object);
    return result;
}

static PyObject *proxy_binary(PyObject *left, PyObject *right, binaryfunc function) {
    PyObject *x = unwrap(left), *result = NULL;
    if (x == NULL) return NULL;
    PyObject *y = unwrap(right);
    if (y != NULL) {
        result = function(x, y);
        Py_DECREF(y);
    }
    Py_DECREF(x);
    return result;
}

static PyObject *proxy_ternary(PyObject *first, PyObject *second, PyObject *third, ternaryfunc function) {
    PyObject *x = unwrap(first), *y = NULL, *z = NULL, *result = NULL;
    if (x != NULL && (y = unwrap(second)) != NULL && (third == NULL || (z = unwrap(third)) != NULL))
        result = function(x, y, z);
    Py_XDECREF(x);
    Py_XDECREF(y);
    Py_XDECREF(z);
    return result;
}

#define UNARY(name, function)                                                                                          \
    static PyObject *proxy_##name(PyObject *self) { return proxy_unary(self, function); }
#define BINARY(name, function)                                                                                         \
    static PyObject *proxy_##name(PyObject *left, PyObject *right) { return proxy_binary(left, right, function); }
#define TERNARY(name, function)                                                                                        \
    static PyObject *proxy_##name(PyObject *x, PyObject *y, PyObject *z) { return proxy_ternary(x, y, z, function); }

UNARY(str, PyObject_Str)
UNARY(neg, PyNumber_Negative)
UNARY(pos, PyNumber_Positive)
UNARY(abs, PyNumber_Absolute)
UNARY(invert, PyNumber_Invert)
UNARY(int, PyNumber_Long)
UNARY(float, PyNumber_Float)
UNARY(index, PyNumber_Index)
UNARY(iter, PyObject_GetIter)
BINARY(getattr, PyObject_GetAttr)
BINARY(getitem, PyObject_GetItem)
BINARY(add, PyNumber_Add)
BINARY(sub, PyNumber_Subtract)
BINARY(mul, PyNumber_Multiply)
BINARY(floor_div, PyNumber_FloorDivide)
BINARY(true_div, PyNumber_TrueDivide)
BINARY(mod, PyNumber_Remainder)
BINARY(divmod, PyNumber_Divmod)
BINARY(lshift, PyNumber_Lshift)
BINARY(rshift, PyNumber_Rshift)
BINARY(and, PyNumber_And)
BINARY(xor, PyNumber_Xor)
BINARY(or, PyNumber_Or)
BINARY(matmul, PyNumber_MatrixMultiply)
BINARY(iadd, PyNumber_InPlaceAdd)
BINARY(isub, PyNumber_InPlaceSubtract)
BINARY(imul, PyNumber_InPlaceMultiply)
BINARY(ifloor_div, PyNumber_InPlaceFloorDivide)
BINARY(itrue_div, PyNumber_InPlaceTrueDivide)
BINARY(imod, PyNumber_InPlaceRemainder)
BINARY(ilshift, PyNumber_InPlaceLshift)
BINARY(irshift, PyNumber_InPlaceRshift)
BINARY(iand, PyNumber_InPlaceAnd)
BINARY(ixor, PyNumber_InPlaceXor)
BINARY(ior, PyNumber_InPlaceOr)
BINARY(imatmul, PyNumber_InPlaceMatrixMultiply)
TERNARY(pow, PyNumber_Power)
TERNARY(ipow, PyNumber_InPlacePower)
TERNARY(call, PyObject_Call)

static PyObject *proxy_repr(PyObject *self) {
    PyObject *object = PyWeakref_GET_OBJECT(self);
    return PyUnicode_FromFormat("<weakproxy at %p to %s at %p>", self, Py_TYPE(object)->tp_name, object);
}

static int proxy_setattr(PyObject *self, PyObject *name, PyObject *value) {
    PyObject *object = unwrap(self);
    if (object == NULL) return -1;
    int result = PyObject_SetAttr(object, name, value);
    Py_DECREF(object);
    return result;
}

static PyObject *proxy_richcompare(PyObject *left, PyObject *right, int op) {
    PyObject *x = unwrap(left), *result = NULL;
    if (x == NULL) return NULL;
    PyObject *y = unwrap(right);
    if (y != NULL) {
        result = PyObject_RichCompare(x, y, op);
        Py_DECREF(y);
    }
    Py_DECREF(x);
    return result;
}

static int proxy_bool(PyObject *self) {
    PyObject *object = unwrap(self);
    if (object == NULL) return -1;
    int result = PyObject_IsTrue(object);
    Py_DECREF(object);
    return result;
}

static Py_ssize_t proxy_length(PyObject *self) {
    PyObject *object = unwrap(self);
    if (object == NULL) return -1;
    Py_ssize_t result = PyObject_Length(object);
    Py_DECREF(object);
    return result;
}

static int proxy_contains(PyObject *self, PyObject *value) {
    PyObject *object = unwrap(self);
    if (object == NULL) return -1;
    int result = PySequence_Contains(object, value);
    Py_DECREF(object);
    return result;
}

static int proxy_setitem(PyObject *self, PyObject *key, PyObject *value) {
    PyObject *object = unwrap(self);
    if (object == NULL) return -1;
    int result = value == NULL ? PyObject_DelItem(object, key) : PyObject_SetItem(object, key, value);
    Py_DECREF(object);
    return result;
}

static PyObject *proxy_next(PyObject *self) {
    PyObject *object = unwrap(self);
    if (object == NULL) return NULL;
    PyObject *result = NULL;
    if (!PyIter_Check(object))
        PyErr_Format(PyExc_TypeError, "Weakref proxy referenced a non-iterator '%.200s' object", Py_TYPE(object)->tp_name);
    else
        result = PyIter_Next(object);
    Py_DECREF(object);
    return result;
}

static PyObject *proxy_method(PyObject *self, PyObject *name) {
    PyObject *object = unwrap(self);
    if (object == NULL) return NULL;
    PyObject *result = PyObject_CallMethodNoArgs(object, name);
    Py_DECREF(object);
    return result;
}

static PyObject *proxy_bytes(PyObject *self, PyObject *unused) { return proxy_method(self, KR_NAME(__bytes__)); }
static PyObject *proxy_reversed(PyObject *self, PyObject *unused) { return proxy_method(self, KR_NAME(__reversed__)); }

static PyNumberMethods proxy_as_number = {
    .nb_add = proxy_add,
    .nb_subtract = proxy_sub,
    .nb_multiply = proxy_mul,
    .nb_remainder = proxy_mod,
    .nb_divmod = proxy_divmod,
    .nb_power = proxy_pow,
    .nb_negative = proxy_neg,
    .nb_positive = proxy_pos,
    .nb_absolute = proxy_abs,
    .nb_bool = proxy_bool,
    .nb_invert = proxy_invert,
    .nb_lshift = proxy_lshift,
    .nb_rshift = proxy_rshift,
    .nb_and = proxy_and,
    .nb_xor = proxy_xor,
    .nb_or = proxy_or,
    .nb_int = proxy_int,
    .nb_float = proxy_float,
    .nb_inplace_add = proxy_iadd,
    .nb_inplace_subtract = proxy_isub,
    .nb_inplace_multiply = proxy_imul,
    .nb_inplace_remainder = proxy_imod,
    .nb_inplace_power = proxy_ipow,
    .nb_inplace_lshift = proxy_ilshift,
    .nb_inplace_rshift = proxy_irshift,
    .nb_inplace_and = proxy_iand,
    .nb_inplace_xor = proxy_ixor,
    .nb_inplace_or = proxy_ior,
    .nb_floor_divide = proxy_floor_div,
    .nb_true_divide = proxy_true_div,
    .nb_inplace_floor_divide = proxy_ifloor_div,
    .nb_inplace_true_divide = proxy_itrue_div,
    .nb_index = proxy_index,
    .nb_matrix_multiply = proxy_matmul,
    .nb_inplace_matrix_multiply = proxy_imatmul,
};

static PySequenceMethods proxy_as_sequence = {
    .sq_length = proxy_length,
    .sq_contains = proxy_contains,
};

static PyMappingMethods proxy_as_mapping = {
    .mp_length = proxy_length,
    .mp_subscript = proxy_getitem,
    .mp_ass_subscript = proxy_setitem,
};

static PyMethodDef proxy_methods[] = {
    {"__bytes__", proxy_bytes, METH_NOARGS},
    {"__reversed__", proxy_reversed, METH_NOARGS},
    {NULL},
};

#define PROXY_SLOTS                                                                                                    \
    .tp_basicsize = sizeof(PyWeakReference), .tp_dealloc = (destructor)reference_dealloc, .tp_repr = proxy_repr,       \
    .tp_as_number = &proxy_as_number, .tp_as_sequence = &proxy_as_sequence, .tp_as_mapping = &proxy_as_mapping,        \
    .tp_hash = PyObject_HashNotImplemented, .tp_str = proxy_str, .tp_getattro = proxy_getattr,                         \
    .tp_setattro = proxy_setattr, .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,                                 \
    .tp_traverse = (traverseproc)reference_traverse, .tp_clear = (inquiry)reference_clear,                             \
    .tp_richcompare = proxy_richcompare, .tp_iter = proxy_iter, .tp_free = PyObject_GC_Del

PyTypeObject _PyWeakref_ProxyType = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "weakref.ProxyType",
    PROXY_SLOTS,
    .tp_iternext = proxy_next,
    .tp_methods = proxy_methods,
};

PyTypeObject _PyWeakref_CallableProxyType = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "weakref.CallableProxyType",
    PROXY_SLOTS,
    .tp_call = proxy_call,
    .tp_iternext = proxy_next,
};
