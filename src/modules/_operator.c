/* The module _operator: the operators as functions, and the callables attrgetter, itemgetter and methodcaller. */
#include <Python.h>
#include <structmember.h>

#include <string.h>

typedef struct ModuleState {
    PyTypeObject *attrgetter_type;
    PyTypeObject *itemgetter_type;
    PyTypeObject *methodcaller_type;
} ModuleState;

static struct PyModuleDef operator_module;

/* ---- operators ---- */

#define UNARY(name, function, text)                                                                                    \
    PyDoc_STRVAR(operator_##name##_doc, #name "($module, a, /)\n--\n\n" text);                                         \
    static PyObject *operator_##name(PyObject *module, PyObject *a) { return function(a); }

#define BINARY(name, expression, text)                                                                                 \
    PyDoc_STRVAR(operator_##name##_doc, #name "($module, a, b, /)\n--\n\n" text);                                      \
    static PyObject *operator_##name(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {                      \
        if (!_PyArg_CheckPositional(#name, nargs, 2, 2)) return NULL;                                                  \
        PyObject *a = args[0], *b = args[1];                                                                           \
        return expression;                                                                                             \
    }

static PyObject *bool_or_error(int truth) { return truth < 0 ? NULL : PyBool_FromLong(truth); }
static PyObject *size_or_error(Py_ssize_t size) { return size < 0 ? NULL : PyLong_FromSsize_t(size); }
static PyObject *none_or_error(int result) { return result < 0 ? NULL : Py_NewRef(Py_None); }
static PyObject *truth(PyObject *a) { return bool_or_error(PyObject_IsTrue(a)); }
static PyObject *negation(PyObject *a) { return bool_or_error(PyObject_Not(a)); }

UNARY(truth, truth, "Same as bool(a).")
UNARY(not_, negation, "Same as not a.")
UNARY(index, PyNumber_Index, "Same as a.__index__().")
UNARY(neg, PyNumber_Negative, "Same as -a.")
UNARY(pos, PyNumber_Positive, "Same as +a.")
UNARY(abs, PyNumber_Absolute, "Same as abs(a).")
UNARY(inv, PyNumber_Invert, "Same as ~a.")
UNARY(invert, PyNumber_Invert, "Same as ~a.")

BINARY(contains, bool_or_error(PySequence_Contains(a, b)), "Same as b in a: note the order.")
BINARY(indexOf, size_or_error(PySequence_Index(a, b)), "Place of the first item of a that equals b.")
BINARY(countOf, size_or_error(PySequence_Count(a, b)), "How many items of a equal b.")
BINARY(is_, PyBool_FromLong(a == b), "Same as a is b.")
BINARY(is_not, PyBool_FromLong(a != b), "Same as a is not b.")
BINARY(add, PyNumber_Add(a, b), "Same as a + b.")
BINARY(sub, PyNumber_Subtract(a, b), "Same as a - b.")
BINARY(mul, PyNumber_Multiply(a, b), "Same as a * b.")
BINARY(matmul, PyNumber_MatrixMultiply(a, b), "Same as a @ b.")
BINARY(floordiv, PyNumber_FloorDivide(a, b), "Same as a // b.")
BINARY(truediv, PyNumber_TrueDivide(a, b), "Same as a / b.")
BINARY(mod, PyNumber_Remainder(a, b), "Same as a % b.")
BINARY(pow, PyNumber_Power(a, b, Py_None), "Same as a ** b.")
BINARY(lshift, PyNumber_Lshift(a, b), "Same as a << b.")
BINARY(rshift, PyNumber_Rshift(a, b), "Same as a >> b.")
BINARY(and_, PyNumber_And(a, b), "Same as a & b.")
BINARY(xor, PyNumber_Xor(a, b), "Same as a ^ b.")
BINARY(or_, PyNumber_Or(a, b), "Same as a | b.")
BINARY(iadd, PyNumber_InPlaceAdd(a, b), "The value of a after a += b.")
BINARY(isub, PyNumber_InPlaceSubtract(a, b), "The value of a after a -= b.")
BINARY(imul, PyNumber_InPlaceMultiply(a, b), "The value of a after a *= b.")
BINARY(imatmul, PyNumber_InPlaceMatrixMultiply(a, b), "The value of a after a @= b.")
BINARY(ifloordiv, PyNumber_InPlaceFloorDivide(a, b), "The value of a after a //= b.")
BINARY(itruediv, PyNumber_InPlaceTrueDivide(a, b), "The value of a after a /= b.")
BINARY(imod, PyNumber_InPlaceRemainder(a, b), "The value of a after a %= b.")
BINARY(ipow, PyNumber_InPlacePower(a, b, Py_None), "The value of a after a **= b.")
BINARY(ilshift, PyNumber_InPlaceLshift(a, b), "The value of a after a <<= b.")
BINARY(irshift, PyNumber_InPlaceRshift(a, b), "The value of a after a >>= b.")
BINARY(iand, PyNumber_InPlaceAnd(a, b), "The value of a after a &= b.")
BINARY(ixor, PyNumber_InPlaceXor(a, b), "The value of a after a ^= b.")
BINARY(ior, PyNumber_InPlaceOr(a, b), "The value of a after a |= b.")
BINARY(concat, PySequence_Concat(a, b), "Same as a + b for sequences.")
BINARY(iconcat, PySequence_InPlaceConcat(a, b), "The value of a after a += b for sequences.")
BINARY(getitem, PyObject_GetItem(a, b), "Same as a[b].")
BINARY(delitem, none_or_error(PyObject_DelItem(a, b)), "Same as del a[b].")
BINARY(eq, PyObject_RichCompare(a, b, Py_EQ), "Same as a == b.")
BINARY(ne, PyObject_RichCompare(a, b, Py_NE), "Same as a != b.")
BINARY(lt, PyObject_RichCompare(a, b, Py_LT), "Same as a < b.")
BINARY(le, PyObject_RichCompare(a, b, Py_LE), "Same as a <= b.")
BINARY(gt, PyObject_RichCompare(a, b, Py_GT), "Same as a > b.")
BINARY(ge, PyObject_RichCompare(a, b, Py_GE), "Same as a >= b.")

PyDoc_STRVAR(operator_setitem_doc, "setitem($module, a, b, c, /)\n--\n\nSame as a[b] = c.");
static PyObject *operator_setitem(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("setitem", nargs, 3, 3)) return NULL;
    return none_or_error(PyObject_SetItem(args[0], args[1], args[2]));
}

/* ---- other functions ---- */

/* Compares in a time that depends on the length of b only. */
static int same_bytes(const unsigned char *a, Py_ssize_t length_a, const unsigned char *b, Py_ssize_t length_b) {
    volatile const unsigned char *left = length_a == length_b ? a : b;
    volatile const unsigned char *right = b;
    volatile unsigned char difference = length_a != length_b;
    for (Py_ssize_t i = 0; i < length_b; i++) difference |= left[i] ^ right[i];
    return difference == 0;
}

PyDoc_STRVAR(operator__compare_digest_doc,
             "_compare_digest($module, a, b, /)\n--\n\n"
             "True if two strings of ASCII characters or two bytes-like objects are equal.\n\n"
             "The time taken does not tell where they differ.");
static PyObject *operator__compare_digest(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("_compare_digest", nargs, 2, 2)) return NULL;
    PyObject *a = args[0], *b = args[1];
    if (PyUnicode_Check(a) && PyUnicode_Check(b)) {
        if (PyUnicode_READY(a) || PyUnicode_READY(b)) return NULL;
        if (!PyUnicode_IS_ASCII(a) || !PyUnicode_IS_ASCII(b)) {
            PyErr_SetString(PyExc_TypeError, "comparing strings with non-ASCII characters is not supported");
            return NULL;
        }
        return PyBool_FromLong(same_bytes(PyUnicode_1BYTE_DATA(a), PyUnicode_GET_LENGTH(a), PyUnicode_1BYTE_DATA(b),
                                          PyUnicode_GET_LENGTH(b)));
    }
    if (!PyObject_CheckBuffer(a) && !PyObject_CheckBuffer(b)) {
        PyErr_Format(PyExc_TypeError,
                     "unsupported operand types(s) or combination of types: '%.100s' and '%.100s'",
                     Py_TYPE(a)->tp_name, Py_TYPE(b)->tp_name);
        return NULL;
    }
    Py_buffer view_a, view_b;
    PyObject *result = NULL;
    if (PyObject_GetBuffer(a, &view_a, PyBUF_SIMPLE) < 0) return NULL;
    if (PyObject_GetBuffer(b, &view_b, PyBUF_SIMPLE) == 0) {
        if (view_a.ndim > 1 || view_b.ndim > 1) {
            PyErr_SetString(PyExc_BufferError, "Buffer must be single dimension");
        } else {
            result = PyBool_FromLong(same_bytes(view_a.buf, view_a.len, view_b.buf, view_b.len));
        }
        PyBuffer_Release(&view_b);
    }
    PyBuffer_Release(&view_a);
    return result;
}

PyDoc_STRVAR(operator_length_hint_doc,
             "length_hint($module, obj, default=0, /)\n--\n\n"
             "An estimate of the number of items: len(), else __length_hint__(), else the default.");
static PyObject *operator_length_hint(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("length_hint", nargs, 1, 2)) return NULL;
    Py_ssize_t assumed = 0;
    if (nargs == 2) {
        PyObject *number = PyNumber_Index(args[1]);
        if (number == NULL) return NULL;
        assumed = PyLong_AsSsize_t(number);
        Py_DECREF(number);
        if (assumed == -1 && PyErr_Occurred()) return NULL;
    }
    Py_ssize_t hint = PyObject_LengthHint(args[0], assumed);
    if (hint == -1 && PyErr_Occurred()) return NULL;
    return PyLong_FromSsize_t(hint);
}

PyDoc_STRVAR(operator_call_doc, "call($module, obj, /, *args, **kwargs)\n--\n\nSame as obj(*args, **kwargs).");
static PyObject *operator_call(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    if (!_PyArg_CheckPositional("call", nargs, 1, PY_SSIZE_T_MAX)) return NULL;
    return PyObject_Vectorcall(args[0], args + 1, (size_t)(nargs - 1) | PY_VECTORCALL_ARGUMENTS_OFFSET, kwnames);
}

#define ONE(name) {#name, operator_##name, METH_O, operator_##name##_doc}
#define FAST(name) {#name, (PyCFunction)(void (*)(void))operator_##name, METH_FASTCALL, operator_##name##_doc}

static PyMethodDef operator_functions[] = {
    ONE(truth), FAST(contains), FAST(indexOf), FAST(countOf), FAST(is_), FAST(is_not), ONE(index), FAST(add),
    FAST(sub), FAST(mul), FAST(matmul), FAST(floordiv), FAST(truediv), FAST(mod), ONE(neg), ONE(pos), ONE(abs),
    ONE(inv), ONE(invert), FAST(lshift), FAST(rshift), ONE(not_), FAST(and_), FAST(xor), FAST(or_), FAST(iadd),
    FAST(isub), FAST(imul), FAST(imatmul), FAST(ifloordiv), FAST(itruediv), FAST(imod), FAST(ilshift),
    FAST(irshift), FAST(iand), FAST(ixor), FAST(ior), FAST(concat), FAST(iconcat), FAST(getitem), FAST(setitem),
    FAST(delitem), FAST(pow), FAST(ipow), FAST(eq), FAST(ne), FAST(lt), FAST(le), FAST(gt), FAST(ge),
    FAST(_compare_digest), FAST(length_hint),
    {"call", (PyCFunction)(void (*)(void))operator_call, METH_FASTCALL | METH_KEYWORDS, operator_call_doc},
    {NULL, NULL, 0, NULL},
};

/* ---- what the three callables share ---- */

/* Checks the arguments of a call; `function` is the getter's name. Returns 0 or -1. */
static int takes_one(const char *function, Py_ssize_t nargs, PyObject *kwnames) {
    return _PyArg_NoKwnames(function, kwnames) && _PyArg_CheckPositional(function, nargs, 1, 1) ? 0 : -1;
}

/* As tp_call: passes the tuple on to the vectorcall function, after refusing keywords. */
static PyObject *call_with_tuple(PyObject *self, PyObject *args, PyObject *kwargs, const char *function,
                                 vectorcallfunc call) {
    if (!_PyArg_NoKeywords(function, kwargs)) return NULL;
    return call(self, ((PyTupleObject *)args)->ob_item, (size_t)PyTuple_GET_SIZE(args), NULL);
}

static void release_type(PyObject *self, PyTypeObject *type) {
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- itemgetter ---- */

typedef struct ItemGetter {
    PyObject_HEAD
    PyObject *items; /* tuple of keys */
    Py_ssize_t index; /* the only key, if it is a small int that is not negative; else -1 */
    vectorcallfunc vectorcall;
} ItemGetter;

static PyObject *itemgetter_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    ItemGetter *self = (ItemGetter *)op;
    if (takes_one("itemgetter", PyVectorcall_NARGS(nargsf), kwnames) < 0) return NULL;
    PyObject *object = args[0];
    Py_ssize_t count = PyTuple_GET_SIZE(self->items);
    if (count == 1) {
        if (self->index >= 0 && PyTuple_CheckExact(object) && self->index < PyTuple_GET_SIZE(object)) {
            return Py_NewRef(PyTuple_GET_ITEM(object, self->index));
        }
        return PyObject_GetItem(object, PyTuple_GET_ITEM(self->items, 0));
    }
    PyObject *result = PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count && result != NULL; i++) {
        PyObject *value = PyObject_GetItem(object, PyTuple_GET_ITEM(self->items, i));
        if (value == NULL) {
            Py_CLEAR(result);
        } else {
            PyTuple_SET_ITEM(result, i, value);
        }
    }
    return result;
}

static PyObject *itemgetter_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    return call_with_tuple(self, args, kwargs, "itemgetter", itemgetter_vectorcall);
}

static PyObject *itemgetter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (!_PyArg_NoKeywords("itemgetter", kwargs)) return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (!_PyArg_CheckPositional("itemgetter", count, 1, count > 1 ? count : 1)) return NULL;
    ItemGetter *self = (ItemGetter *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->items = Py_NewRef(args);
    self->index = -1;
    self->vectorcall = itemgetter_vectorcall;
    PyObject *first = PyTuple_GET_ITEM(args, 0);
    if (PyTuple_GET_SIZE(args) == 1 && PyLong_CheckExact(first)) {
        self->index = PyLong_AsSsize_t(first);
        if (self->index < 0) {
            PyErr_Clear();
            self->index = -1;
        }
    }
    return (PyObject *)self;
}

static int itemgetter_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((ItemGetter *)op)->items);
    return 0;
}

static int itemgetter_clear(PyObject *op) {
    Py_CLEAR(((ItemGetter *)op)->items);
    return 0;
}

static void itemgetter_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_CLEAR(((ItemGetter *)op)->items);
    release_type(op, Py_TYPE(op));
}

static PyObject *itemgetter_repr(PyObject *op) {
    ItemGetter *self = (ItemGetter *)op;
    const char *name = Py_TYPE(op)->tp_name;
    int entered = Py_ReprEnter(op);
    if (entered != 0) return entered < 0 ? NULL : PyUnicode_FromFormat("%s(...)", name);
    PyObject *result = PyTuple_GET_SIZE(self->items) == 1
                           ? PyUnicode_FromFormat("%s(%R)", name, PyTuple_GET_ITEM(self->items, 0))
                           : PyUnicode_FromFormat("%s%R", name, self->items);
    Py_ReprLeave(op);
    return result;
}

static PyObject *itemgetter_reduce(PyObject *op, PyObject *unused) {
    return PyTuple_Pack(2, Py_TYPE(op), ((ItemGetter *)op)->items);
}

static PyMethodDef itemgetter_methods[] = {
    {"__reduce__", itemgetter_reduce, METH_NOARGS, "Return what pickle needs."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef itemgetter_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ItemGetter, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(itemgetter_doc, "itemgetter(item, ...) --> itemgetter object\n\n"
                             "A callable that takes the given items from its argument.\n"
                             "itemgetter(2)(r) is r[2]; itemgetter(2, 5)(r) is (r[2], r[5]).");

static PyType_Slot itemgetter_slots[] = {
    {Py_tp_doc, (void *)itemgetter_doc},
    {Py_tp_dealloc, itemgetter_dealloc},
    {Py_tp_call, itemgetter_call},
    {Py_tp_repr, itemgetter_repr},
    {Py_tp_traverse, itemgetter_traverse},
    {Py_tp_clear, itemgetter_clear},
    {Py_tp_methods, itemgetter_methods},
    {Py_tp_members, itemgetter_members},
    {Py_tp_new, itemgetter_new},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {0, NULL},
};

static PyType_Spec itemgetter_spec = {
    .name = "operator.itemgetter",
    .basicsize = sizeof(ItemGetter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = itemgetter_slots,
};

/* ---- attrgetter ---- */

typedef struct AttrGetter {
    PyObject_HEAD
    PyObject *attributes; /* tuple; each a name, or a tuple of the names of a dotted path */
    vectorcallfunc vectorcall;
} AttrGetter;

/* Follows a name or a path. */
static PyObject *get_attribute(PyObject *object, PyObject *attribute) {
    if (PyUnicode_CheckExact(attribute)) return PyObject_GetAttr(object, attribute);
    Py_INCREF(object);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(attribute) && object != NULL; i++) {
        Py_SETREF(object, PyObject_GetAttr(object, PyTuple_GET_ITEM(attribute, i)));
    }
    return object;
}

static PyObject *attrgetter_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    AttrGetter *self = (AttrGetter *)op;
    if (takes_one("attrgetter", PyVectorcall_NARGS(nargsf), kwnames) < 0) return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(self->attributes);
    if (count == 1) return get_attribute(args[0], PyTuple_GET_ITEM(self->attributes, 0));
    PyObject *result = PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count && result != NULL; i++) {
        PyObject *value = get_attribute(args[0], PyTuple_GET_ITEM(self->attributes, i));
        if (value == NULL) {
            Py_CLEAR(result);
        } else {
            PyTuple_SET_ITEM(result, i, value);
        }
    }
    return result;
}

static PyObject *attrgetter_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    return call_with_tuple(self, args, kwargs, "attrgetter", attrgetter_vectorcall);
}

/* Returns an interned exact str with the same characters. */
static PyObject *interned(PyObject *text) {
    PyObject *exact = PyUnicode_FromObject(text);
    if (exact != NULL) PyUnicode_InternInPlace(&exact);
    return exact;
}

/* Splits a dotted name; a name without dots stays a str. */
static PyObject *read_attribute(PyObject *name) {
    if (PyUnicode_READY(name)) return NULL;
    if (PyUnicode_FindChar(name, '.', 0, PyUnicode_GET_LENGTH(name), 1) < 0) return interned(name);
    PyObject *dot = PyUnicode_FromString(".");
    if (dot == NULL) return NULL;
    PyObject *parts = PyUnicode_Split(name, dot, -1);
    Py_DECREF(dot);
    if (parts == NULL) return NULL;
    PyObject *path = PyTuple_New(PyList_GET_SIZE(parts));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parts) && path != NULL; i++) {
        PyObject *part = interned(PyList_GET_ITEM(parts, i));
        if (part == NULL) {
            Py_CLEAR(path);
        } else {
            PyTuple_SET_ITEM(path, i, part);
        }
    }
    Py_DECREF(parts);
    return path;
}

static PyObject *attrgetter_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (!_PyArg_NoKeywords("attrgetter", kwargs)) return NULL;
    if (!_PyArg_CheckPositional("attrgetter", count, 1, count > 1 ? count : 1)) return NULL;
    PyObject *attributes = PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count && attributes != NULL; i++) {
        PyObject *name = PyTuple_GET_ITEM(args, i), *attribute = NULL;
        if (PyUnicode_Check(name)) {
            attribute = read_attribute(name);
        } else {
            PyErr_SetString(PyExc_TypeError, "attribute name must be a string");
        }
        if (attribute == NULL) {
            Py_CLEAR(attributes);
        } else {
            PyTuple_SET_ITEM(attributes, i, attribute);
        }
    }
    if (attributes == NULL) return NULL;
    AttrGetter *self = (AttrGetter *)type->tp_alloc(type, 0);
    if (self == NULL) {
        Py_DECREF(attributes);
        return NULL;
    }
    self->attributes = attributes;
    self->vectorcall = attrgetter_vectorcall;
    return (PyObject *)self;
}

static int attrgetter_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((AttrGetter *)op)->attributes);
    return 0;
}

static int attrgetter_clear(PyObject *op) {
    Py_CLEAR(((AttrGetter *)op)->attributes);
    return 0;
}

static void attrgetter_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    Py_CLEAR(((AttrGetter *)op)->attributes);
    release_type(op, Py_TYPE(op));
}

/* The names as they were given: a new tuple of str. */
static PyObject *attrgetter_names(AttrGetter *self) {
    Py_ssize_t count = PyTuple_GET_SIZE(self->attributes);
    PyObject *dot = PyUnicode_FromString(".");
    PyObject *names = dot == NULL ? NULL : PyTuple_New(count);
    for (Py_ssize_t i = 0; i < count && names != NULL; i++) {
        PyObject *attribute = PyTuple_GET_ITEM(self->attributes, i);
        PyObject *name = PyTuple_Check(attribute) ? PyUnicode_Join(dot, attribute) : Py_NewRef(attribute);
        if (name == NULL) {
            Py_CLEAR(names);
        } else {
            PyTuple_SET_ITEM(names, i, name);
        }
    }
    Py_XDECREF(dot);
    return names;
}

static PyObject *attrgetter_repr(PyObject *op) {
    const char *type_name = Py_TYPE(op)->tp_name;
    int entered = Py_ReprEnter(op);
    if (entered != 0) return entered < 0 ? NULL : PyUnicode_FromFormat("%s(...)", type_name);
    PyObject *result = NULL;
    PyObject *names = attrgetter_names((AttrGetter *)op);
    if (names != NULL) {
        result = PyTuple_GET_SIZE(names) == 1 ? PyUnicode_FromFormat("%s(%R)", type_name, PyTuple_GET_ITEM(names, 0))
                                              : PyUnicode_FromFormat("%s%R", type_name, names);
        Py_DECREF(names);
    }
    Py_ReprLeave(op);
    return result;
}

static PyObject *attrgetter_reduce(PyObject *op, PyObject *unused) {
    PyObject *names = attrgetter_names((AttrGetter *)op);
    return names == NULL ? NULL : Py_BuildValue("(ON)", Py_TYPE(op), names);
}

static PyMethodDef attrgetter_methods[] = {
    {"__reduce__", attrgetter_reduce, METH_NOARGS, "Return what pickle needs."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef attrgetter_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(AttrGetter, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(attrgetter_doc, "attrgetter(attr, ...) --> attrgetter object\n\n"
                             "A callable that takes the given attributes, which may be dotted paths, of its argument.\n"
                             "attrgetter('name')(r) is r.name; attrgetter('a.b', 'c')(r) is (r.a.b, r.c).");

static PyType_Slot attrgetter_slots[] = {
    {Py_tp_doc, (void *)attrgetter_doc},
    {Py_tp_dealloc, attrgetter_dealloc},
    {Py_tp_call, attrgetter_call},
    {Py_tp_repr, attrgetter_repr},
    {Py_tp_traverse, attrgetter_traverse},
    {Py_tp_clear, attrgetter_clear},
    {Py_tp_methods, attrgetter_methods},
    {Py_tp_members, attrgetter_members},
    {Py_tp_new, attrgetter_new},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {0, NULL},
};

static PyType_Spec attrgetter_spec = {
    .name = "operator.attrgetter",
    .basicsize = sizeof(AttrGetter),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = attrgetter_slots,
};

/* ---- methodcaller ---- */

typedef struct MethodCaller {
    PyObject_HEAD
    PyObject *name;
    PyObject *values;        /* tuple: positional arguments, then the values of keyword arguments */
    PyObject *keyword_names; /* tuple, or NULL */
    vectorcallfunc vectorcall;
} MethodCaller;

static Py_ssize_t keyword_count(const MethodCaller *self) {
    return self->keyword_names == NULL ? 0 : PyTuple_GET_SIZE(self->keyword_names);
}

static PyObject *methodcaller_vectorcall(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    MethodCaller *self = (MethodCaller *)op;
    if (takes_one("methodcaller", PyVectorcall_NARGS(nargsf), kwnames) < 0) return NULL;
    Py_ssize_t count = PyTuple_GET_SIZE(self->values);
    PyObject *small[8];
    PyObject **stack = small;
    if (count + 1 > (Py_ssize_t)Py_ARRAY_LENGTH(small)) {
        stack = PyMem_New(PyObject *, count + 1);
        if (stack == NULL) return PyErr_NoMemory();
    }
    /* The call may drop the last reference to this object; its own values stay alive by these. */
    PyObject *name = Py_NewRef(self->name), *values = Py_NewRef(self->values);
    PyObject *names = Py_XNewRef(self->keyword_names);
    stack[0] = args[0];
    memcpy(stack + 1, ((PyTupleObject *)values)->ob_item, (size_t)count * sizeof(PyObject *));
    size_t positional = (size_t)(count - (names == NULL ? 0 : PyTuple_GET_SIZE(names)) + 1);
    PyObject *result = PyObject_VectorcallMethod(name, stack, positional | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    Py_DECREF(name);
    Py_DECREF(values);
    Py_XDECREF(names);
    if (stack != small) PyMem_Free(stack);
    return result;
}

static PyObject *methodcaller_call(PyObject *self, PyObject *args, PyObject *kwargs) {
    return call_with_tuple(self, args, kwargs, "methodcaller", methodcaller_vectorcall);
}

static PyObject *methodcaller_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Py_ssize_t given = PyTuple_GET_SIZE(args);
    if (given < 1) {
        PyErr_SetString(PyExc_TypeError, "methodcaller needs at least one argument, the method name");
        return NULL;
    }
    PyObject *name = PyTuple_GET_ITEM(args, 0);
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "method name must be a string");
        return NULL;
    }
    MethodCaller *self = (MethodCaller *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->vectorcall = methodcaller_vectorcall;
    self->name = Py_NewRef(name);
    PyUnicode_InternInPlace(&self->name);
    Py_ssize_t keywords = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    self->values = PyTuple_New(given - 1 + keywords);
    if (self->values != NULL && keywords > 0) self->keyword_names = PyTuple_New(keywords);
    if (self->values == NULL || (keywords > 0 && self->keyword_names == NULL)) {
        Py_DECREF(self);
        return NULL;
    }
    for (Py_ssize_t i = 1; i < given; i++) PyTuple_SET_ITEM(self->values, i - 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    PyObject *key, *value;
    Py_ssize_t position = 0, i = 0;
    while (keywords > 0 && PyDict_Next(kwargs, &position, &key, &value)) {
        PyTuple_SET_ITEM(self->keyword_names, i, Py_NewRef(key));
        PyTuple_SET_ITEM(self->values, given - 1 + i, Py_NewRef(value));
        i++;
    }
    return (PyObject *)self;
}

static int methodcaller_traverse(PyObject *op, visitproc visit, void *arg) {
    MethodCaller *self = (MethodCaller *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->name);
    Py_VISIT(self->values);
    Py_VISIT(self->keyword_names);
    return 0;
}

static int methodcaller_clear(PyObject *op) {
    MethodCaller *self = (MethodCaller *)op;
    Py_CLEAR(self->values);
    Py_CLEAR(self->keyword_names);
    return 0;
}

static void methodcaller_dealloc(PyObject *op) {
    PyObject_GC_UnTrack(op);
    methodcaller_clear(op);
    Py_CLEAR(((MethodCaller *)op)->name);
    release_type(op, Py_TYPE(op));
}

static PyObject *methodcaller_repr(PyObject *op) {
    MethodCaller *self = (MethodCaller *)op;
    const char *type_name = Py_TYPE(op)->tp_name;
    int entered = Py_ReprEnter(op);
    if (entered != 0) return entered < 0 ? NULL : PyUnicode_FromFormat("%s(...)", type_name);
    PyObject *text = PyUnicode_FromFormat("%s(%R", type_name, self->name);
    Py_ssize_t count = PyTuple_GET_SIZE(self->values), keywords = keyword_count(self);
    for (Py_ssize_t i = 0; i < count && text != NULL; i++) {
        PyObject *value = PyTuple_GET_ITEM(self->values, i);
        if (i < count - keywords) {
            Py_SETREF(text, PyUnicode_FromFormat("%U, %R", text, value));
        } else {
            PyObject *key = PyTuple_GET_ITEM(self->keyword_names, i - (count - keywords));
            Py_SETREF(text, PyUnicode_FromFormat("%U, %U=%R", text, key, value));
        }
    }
    if (text != NULL) Py_SETREF(text, PyUnicode_FromFormat("%U)", text));
    Py_ReprLeave(op);
    return text;
}

static PyObject *methodcaller_reduce(PyObject *op, PyObject *unused) {
    MethodCaller *self = (MethodCaller *)op;
    Py_ssize_t keywords = keyword_count(self), positional = PyTuple_GET_SIZE(self->values) - keywords;
    PyObject *values = PyTuple_GetSlice(self->values, 0, positional);
    if (values == NULL) return NULL;
    PyObject *result = NULL;
    if (keywords == 0) {
        PyObject *arguments = PyTuple_New(positional + 1);
        if (arguments != NULL) {
            PyTuple_SET_ITEM(arguments, 0, Py_NewRef(self->name));
            for (Py_ssize_t i = 0; i < positional; i++) {
                PyTuple_SET_ITEM(arguments, i + 1, Py_NewRef(PyTuple_GET_ITEM(values, i)));
            }
            result = Py_BuildValue("(ON)", Py_TYPE(op), arguments);
        }
        Py_DECREF(values);
        return result;
    }
    /* Keywords go into functools.partial(type, name, **keywords), which is called with the positional arguments. */
    PyObject *functools = PyImport_ImportModule("functools");
    PyObject *partial = functools == NULL ? NULL : PyObject_GetAttrString(functools, "partial");
    PyObject *constructor = NULL;
    PyObject **stack = partial == NULL ? NULL : PyMem_New(PyObject *, keywords + 2);
    if (stack != NULL) {
        stack[0] = (PyObject *)Py_TYPE(op);
        stack[1] = self->name;
        for (Py_ssize_t i = 0; i < keywords; i++) stack[2 + i] = PyTuple_GET_ITEM(self->values, positional + i);
        constructor = PyObject_Vectorcall(partial, stack, 2, self->keyword_names);
        PyMem_Free(stack);
    } else if (partial != NULL) {
        PyErr_NoMemory();
    }
    if (constructor != NULL) result = PyTuple_Pack(2, constructor, values);
    Py_XDECREF(constructor);
    Py_XDECREF(partial);
    Py_XDECREF(functools);
    Py_DECREF(values);
    return result;
}

static PyMethodDef methodcaller_methods[] = {
    {"__reduce__", methodcaller_reduce, METH_NOARGS, "Return what pickle needs."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef methodcaller_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(MethodCaller, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(methodcaller_doc, "methodcaller(name, ...) --> methodcaller object\n\n"
                               "A callable that calls the given method of its argument, with the other arguments.\n"
                               "methodcaller('name', 1, b=2)(r) is r.name(1, b=2).");

static PyType_Slot methodcaller_slots[] = {
    {Py_tp_doc, (void *)methodcaller_doc},
    {Py_tp_dealloc, methodcaller_dealloc},
    {Py_tp_call, methodcaller_call},
    {Py_tp_repr, methodcaller_repr},
    {Py_tp_traverse, methodcaller_traverse},
    {Py_tp_clear, methodcaller_clear},
    {Py_tp_methods, methodcaller_methods},
    {Py_tp_members, methodcaller_members},
    {Py_tp_new, methodcaller_new},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {0, NULL},
};

static PyType_Spec methodcaller_spec = {
    .name = "operator.methodcaller",
    .basicsize = sizeof(MethodCaller),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
    .slots = methodcaller_slots,
};

/* ---- the module ---- */

static int add_type(PyObject *module, PyTypeObject **type, PyType_Spec *spec) {
    *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    return *type == NULL ? -1 : PyModule_AddType(module, *type);
}

static int operator_exec(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    if (add_type(module, &state->attrgetter_type, &attrgetter_spec) < 0) return -1;
    if (add_type(module, &state->itemgetter_type, &itemgetter_spec) < 0) return -1;
    return add_type(module, &state->methodcaller_type, &methodcaller_spec);
}

static int operator_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = PyModule_GetState(module);
    Py_VISIT(state->attrgetter_type);
    Py_VISIT(state->itemgetter_type);
    Py_VISIT(state->methodcaller_type);
    return 0;
}

static int operator_clear(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    Py_CLEAR(state->attrgetter_type);
    Py_CLEAR(state->itemgetter_type);
    Py_CLEAR(state->methodcaller_type);
    return 0;
}

static void operator_free(void *module) { operator_clear(module); }

static PyModuleDef_Slot operator_slots[] = {{Py_mod_exec, operator_exec}, {0, NULL}};

static struct PyModuleDef operator_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_operator",
    .m_doc = "The operators of the language as functions.",
    .m_size = sizeof(ModuleState),
    .m_methods = operator_functions,
    .m_slots = operator_slots,
    .m_traverse = operator_traverse,
    .m_clear = operator_clear,
    .m_free = operator_free,
};

PyMODINIT_FUNC PyInit__operator(void) { return PyModuleDef_Init(&operator_module); }
