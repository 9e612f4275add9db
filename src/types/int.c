/* The type int: allocation, the shared small ints, construction and methods. */
#include <Python.h>
#include <structmember.h>

#include "heap/heap.h"
#include "types/int.h"
#include "types/format_spec.h"

#include <math.h>
#include <string.h>

enum {
    FREE_LIST_DIGITS = 2,   /* digits of a block in the free list */
    INT_HEADER = offsetof(PyLongObject, ob_digit),
};

KrIntFreeList kr_int_free_list;

static struct {
    PyTypeObject info_type; /* sys.int_info */
} state;

/* ---- allocation ---- */

PyLongObject *kr_int_allocate(Py_ssize_t count) {
    PyLongObject *result;
    if (count <= FREE_LIST_DIGITS) {
        result = kr_int_free_list.first;
        if (result != NULL) {
            kr_int_free_list.first = (PyLongObject *)Py_TYPE(result);
            kr_int_free_list.count--;
        } else {
            result = PyObject_Malloc(INT_HEADER + FREE_LIST_DIGITS * sizeof(digit));
            if (result == NULL) return (PyLongObject *)PyErr_NoMemory();
        }
    } else {
        if ((size_t)count > ((size_t)PY_SSIZE_T_MAX - INT_HEADER) / sizeof(digit)) {
            PyErr_SetString(PyExc_OverflowError, "too many digits in integer");
            return NULL;
        }
        result = PyObject_Malloc(INT_HEADER + (size_t)count * sizeof(digit));
        if (result == NULL) return (PyLongObject *)PyErr_NoMemory();
    }
    Py_SET_TYPE(result, &PyLong_Type);
    Py_SET_REFCNT(result, 1);
    Py_SET_SIZE(result, count);
    return result;
}

PyLongObject *_PyLong_New(Py_ssize_t size) { return kr_int_allocate(size); }

static void int_dealloc(PyObject *self) {
    if (PyLong_CheckExact(self))
        kr_int_free((PyLongObject *)self);
    else
        Py_TYPE(self)->tp_free(self);
}

void kr_int_clear_free_list(void) {
    while (kr_int_free_list.first != NULL) {
        PyLongObject *block = kr_int_free_list.first;
        kr_int_free_list.first = (PyLongObject *)Py_TYPE(block);
        PyObject_Free(block);
    }
    kr_int_free_list.count = 0;
}

void kr_int_debug_stats(FILE *out) {
    _PyDebugAllocatorStats(out, "free PyLongObject", kr_int_free_list.count, INT_HEADER + FREE_LIST_DIGITS * sizeof(digit));
}

PyObject *kr_int_finish(PyLongObject *fresh) {
    if (fresh == NULL) return NULL;
    Py_ssize_t count = kr_int_digit_count(fresh), used = count;
    while (used > 0 && fresh->ob_digit[used - 1] == 0) used--;
    if (used <= FREE_LIST_DIGITS && count > FREE_LIST_DIGITS) {
        /* Ints of this size must have a block that fits the free list. */
        uint64_t magnitude = used == 0   ? 0
                             : used == 1 ? fresh->ob_digit[0]
                                         : fresh->ob_digit[0] | (uint64_t)fresh->ob_digit[1] << PyLong_SHIFT;
        int negative = Py_SIZE(fresh) < 0;
        Py_DECREF(fresh);
        return kr_int_from_magnitude(magnitude, negative);
    }
    if (used != count) Py_SET_SIZE(fresh, Py_SIZE(fresh) < 0 ? -used : used);
    if (used <= 1) {
        sdigit value = used == 0 ? 0 : kr_int_single(fresh);
        if (value >= -KR_SMALL_INT_NEGATIVE && value < KR_SMALL_INT_POSITIVE) {
            Py_DECREF(fresh);
            return Py_NewRef(kr_small_int(value));
        }
    }
    return (PyObject *)fresh;
}

/* Returns an exact int with the same value. */
PyObject *_PyLong_Copy(PyLongObject *src) {
    if (kr_int_is_medium(src)) return kr_int_from_int64(kr_int_medium(src));
    Py_ssize_t count = kr_int_digit_count(src);
    PyLongObject *result = kr_int_allocate(count);
    if (result == NULL) return NULL;
    memcpy(result->ob_digit, src->ob_digit, (size_t)count * sizeof(digit));
    Py_SET_SIZE(result, Py_SIZE(src));
    return (PyObject *)result;
}

void kr_int_initialize(void) {
    for (int i = 0; i < KR_SMALL_INT_NEGATIVE + KR_SMALL_INT_POSITIVE; i++) {
        int value = i - KR_SMALL_INT_NEGATIVE;
        PyLongObject *object = &_PyRuntime.small_ints[i];
        /* Never freed: the count starts far from zero. */
        Py_SET_REFCNT(object, 999999999);
        Py_SET_TYPE(object, &PyLong_Type);
        Py_SET_SIZE(object, value < 0 ? -1 : value > 0);
        object->ob_digit[0] = (digit)(value < 0 ? -value : value);
    }
}

void kr_int_finalize(void) { kr_int_clear_free_list(); }

/* ---- sys.int_info ---- */

static PyStructSequence_Field info_fields[] = {
    {"bits_per_digit", "bits in one digit of the representation"},
    {"sizeof_digit", "bytes that one digit takes"},
    {"default_max_str_digits", "limit of decimal conversions at start-up"},
    {"str_digits_check_threshold", "smallest limit that can be set"},
    {NULL, NULL},
};

static PyStructSequence_Desc info_description = {
    .name = "sys.int_info",
    .doc = "How this interpreter represents integers. Read only.",
    .fields = info_fields,
    .n_in_sequence = 4,
};

PyObject *PyLong_GetInfo(void) {
    if (state.info_type.tp_dict == NULL && PyStructSequence_InitType2(&state.info_type, &info_description) < 0) {
        return NULL;
    }
    static const int values[] = {PyLong_SHIFT, sizeof(digit), KR_INT_DEFAULT_MAX_STR_DIGITS,
                                 KR_INT_MAX_STR_DIGITS_THRESHOLD};
    PyObject *info = PyStructSequence_New(&state.info_type);
    if (info == NULL) return NULL;
    for (int i = 0; i < (int)Py_ARRAY_LENGTH(values); i++) {
        PyObject *value = PyLong_FromLong(values[i]);
        if (value == NULL) {
            Py_DECREF(info);
            return NULL;
        }
        PyStructSequence_SET_ITEM(info, i, value);
    }
    return info;
}

/* ---- construction ---- */

/* Makes an instance of a subclass with the value of an exact int, whose reference it takes (NULL passes an error on). */
static PyObject *as_instance_of(PyTypeObject *type, PyObject *value) {
    if (value == NULL || type == &PyLong_Type) return value;
    PyLongObject *source = (PyLongObject *)value;
    Py_ssize_t count = kr_int_digit_count(source);
    PyLongObject *result = (PyLongObject *)type->tp_alloc(type, count > 0 ? count : 1);
    if (result != NULL) {
        Py_SET_SIZE(result, Py_SIZE(source));
        memcpy(result->ob_digit, source->ob_digit, (size_t)count * sizeof(digit));
    }
    Py_DECREF(value);
    return (PyObject *)result;
}

/* int(x, base): either may be NULL. */
static PyObject *int_construct(PyTypeObject *type, PyObject *x, PyObject *base_object) {
    if (x == NULL) {
        if (base_object != NULL) {
            PyErr_SetString(PyExc_TypeError, "int() missing string argument");
            return NULL;
        }
        return as_instance_of(type, PyLong_FromLong(0));
    }
    if (base_object == NULL) return as_instance_of(type, PyNumber_Long(x));
    Py_ssize_t base = PyNumber_AsSsize_t(base_object, NULL);
    if (base == -1 && PyErr_Occurred()) return NULL;
    if ((base != 0 && base < 2) || base > 36) {
        PyErr_SetString(PyExc_ValueError, "int() base must be >= 2 and <= 36, or 0");
        return NULL;
    }
    if (PyUnicode_Check(x)) return as_instance_of(type, PyLong_FromUnicodeObject(x, (int)base));
    if (PyByteArray_Check(x) || PyBytes_Check(x)) {
        const char *text = PyByteArray_Check(x) ? PyByteArray_AS_STRING(x) : PyBytes_AS_STRING(x);
        return as_instance_of(type, _PyLong_FromBytes(text, Py_SIZE(x), (int)base));
    }
    PyErr_SetString(PyExc_TypeError, "int() can't convert non-string with explicit base");
    return NULL;
}

static PyObject *int_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    static const char *const keywords[] = {"", "base", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "int"};
    PyObject *buffer[2];
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    if (kwnames != NULL || nargs > 2) {
        args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 2, 0, buffer);
        if (args == NULL) return NULL;
        return int_construct((PyTypeObject *)type, args[0], args[1]);
    }
    if (nargs == 1 && PyLong_CheckExact(args[0]) && type == (PyObject *)&PyLong_Type) return Py_NewRef(args[0]);
    return int_construct((PyTypeObject *)type, nargs > 0 ? args[0] : NULL, nargs > 1 ? args[1] : NULL);
}

static PyObject *int_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"", "base", NULL};
    PyObject *x = NULL, *base = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:int", keywords, &x, &base)) return NULL;
    return int_construct(type, x, base);
}

/* ---- slots ---- */

static PyObject *int_richcompare(PyObject *a, PyObject *b, int op) {
    if (!PyLong_Check(a) || !PyLong_Check(b)) Py_RETURN_NOTIMPLEMENTED;
    PyLongObject *x = (PyLongObject *)a, *y = (PyLongObject *)b;
    if (kr_int_is_single(x) && kr_int_is_single(y)) {
        sdigit left = kr_int_single(x), right = kr_int_single(y);
        Py_RETURN_RICHCOMPARE(left, right, op);
    }
    int relation = a == b ? 0 : kr_int_compare(x, y);
    Py_RETURN_RICHCOMPARE(relation, 0, op);
}

static Py_hash_t int_hash(PyObject *self) { return kr_int_hash((PyLongObject *)self); }

/* ---- methods ---- */

static PyObject *int_self(PyObject *self, PyObject *unused) {
    return PyLong_CheckExact(self) ? Py_NewRef(self) : _PyLong_Copy((PyLongObject *)self);
}

PyDoc_STRVAR(bit_length_doc, "bit_length($self, /)\n--\n\n"
                             "Number of bits in the absolute value, without leading zeros; 0 for zero.\n\n"
                             ">>> (1000).bit_length()\n10\n>>> (-8).bit_length()\n4");
static PyObject *int_bit_length(PyObject *self, PyObject *unused) {
    return PyLong_FromSize_t(kr_int_bit_length((PyLongObject *)self));
}

PyDoc_STRVAR(bit_count_doc, "bit_count($self, /)\n--\n\n"
                            "Number of ones in the binary form of the absolute value.\n\n"
                            ">>> (7).bit_count()\n3\n>>> (-1024).bit_count()\n1");
static PyObject *int_bit_count(PyObject *self, PyObject *unused) {
    PyLongObject *a = (PyLongObject *)self;
    size_t ones = 0;
    for (Py_ssize_t i = kr_int_digit_count(a) - 1; i >= 0; i--) ones += (size_t)__builtin_popcount(a->ob_digit[i]);
    return PyLong_FromSize_t(ones);
}

/* Reads a byteorder argument ("little" or "big", NULL: big): 1 if little, 0 if big, -1 with ValueError. */
static int is_little_endian(PyObject *byteorder) {
    if (byteorder == NULL) return 0;
    if (_PyUnicode_EqualToASCIIString(byteorder, "little")) return 1;
    if (_PyUnicode_EqualToASCIIString(byteorder, "big")) return 0;
    PyErr_SetString(PyExc_ValueError, "byteorder must be either 'little' or 'big'");
    return -1;
}

/* Reads the arguments byteorder and signed, either of which may be NULL. Returns 0, or -1 with an exception. */
static int layout_arguments(const char *function, PyObject *order, PyObject *sign, int *little, int *is_signed) {
    if (order != NULL && !PyUnicode_Check(order)) {
        _PyArg_BadArgument(function, "argument 'byteorder'", "str", order);
        return -1;
    }
    *is_signed = sign == NULL ? 0 : PyObject_IsTrue(sign);
    if (*is_signed < 0) return -1;
    *little = is_little_endian(order);
    return *little < 0 ? -1 : 0;
}

PyDoc_STRVAR(to_bytes_doc, "to_bytes($self, /, length=1, byteorder='big', *, signed=False)\n--\n\n"
                           "Return the integer as `length` bytes, in two's complement if `signed`.\n\n"
                           "OverflowError is raised if it does not fit.");
static PyObject *int_to_bytes(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"length", "byteorder", "signed", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "to_bytes"};
    PyObject *buffer[3] = {NULL, NULL, NULL};
    PyObject *const *value = buffer;
    if (kwnames == NULL && nargs <= 2) {
        for (Py_ssize_t i = 0; i < nargs; i++) buffer[i] = args[i];
    } else {
        value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 2, 0, buffer);
        if (value == NULL) return NULL;
        if (value == args) {
            for (Py_ssize_t i = 0; i < nargs; i++) buffer[i] = args[i];
            value = buffer;
        }
    }
    Py_ssize_t length = 1;
    int little, is_signed;
    if (value[0] != NULL) {
        PyObject *index = PyNumber_Index(value[0]);
        if (index == NULL) return NULL;
        length = PyLong_AsSsize_t(index);
        Py_DECREF(index);
        if (length == -1 && PyErr_Occurred()) return NULL;
    }
    if (layout_arguments("to_bytes", value[1], value[2], &little, &is_signed) < 0) return NULL;
    if (length < 0) {
        PyErr_SetString(PyExc_ValueError, "length argument must be non-negative");
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, length);
    if (bytes == NULL) return NULL;
    if (_PyLong_AsByteArray((PyLongObject *)self, (unsigned char *)PyBytes_AS_STRING(bytes), (size_t)length, little,
                            is_signed) < 0) {
        Py_CLEAR(bytes);
    }
    return bytes;
}

PyDoc_STRVAR(from_bytes_doc, "from_bytes($type, /, bytes, byteorder='big', *, signed=False)\n--\n\n"
                             "Return the integer that bytes stand for, read as two's complement if `signed`.\n\n"
                             "`bytes` is a bytes-like object or an iterable of byte values.");
static PyObject *int_from_bytes(PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"bytes", "byteorder", "signed", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "from_bytes"};
    PyObject *buffer[3] = {NULL, NULL, NULL};
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, buffer);
    if (value == NULL) return NULL;
    if (value == args) {
        for (Py_ssize_t i = 0; i < nargs; i++) buffer[i] = args[i];
        value = buffer;
    }
    int little, is_signed;
    if (layout_arguments("from_bytes", value[1], value[2], &little, &is_signed) < 0) return NULL;
    PyObject *bytes = PyObject_Bytes(value[0]);
    if (bytes == NULL) return NULL;
    PyObject *number = _PyLong_FromByteArray((const unsigned char *)PyBytes_AS_STRING(bytes),
                                             (size_t)PyBytes_GET_SIZE(bytes), little, is_signed);
    Py_DECREF(bytes);
    if (number != NULL && type != (PyObject *)&PyLong_Type) Py_SETREF(number, PyObject_CallOneArg(type, number));
    return number;
}

PyDoc_STRVAR(as_integer_ratio_doc, "as_integer_ratio($self, /)\n--\n\n"
                                   "Return the integer and 1, as a pair.\n\n"
                                   ">>> (3).as_integer_ratio()\n(3, 1)\n>>> (-7).as_integer_ratio()\n(-7, 1)\n"
                                   ">>> False.as_integer_ratio()\n(0, 1)");
static PyObject *int_as_integer_ratio(PyObject *self, PyObject *unused) {
    PyObject *numerator = int_self(self, NULL);
    if (numerator == NULL) return NULL;
    PyObject *pair = PyTuple_Pack(2, numerator, kr_small_int(1));
    Py_DECREF(numerator);
    return pair;
}

PyDoc_STRVAR(round_doc, "__round__($self, ndigits=<unrepresentable>, /)\n--\n\n"
                        "Round to a power of ten, ties to the even multiple; `ndigits` below 0 counts zeros.");
static PyObject *int_round(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("__round__", nargs, 0, 1)) return NULL;
    if (nargs == 0) return int_self(self, NULL);
    PyObject *digits = _PyNumber_Index(args[0]);
    if (digits == NULL) return NULL;
    if (Py_SIZE(digits) >= 0) {
        Py_DECREF(digits);
        return int_self(self, NULL);
    }
    Py_SETREF(digits, kr_int_negative((PyLongObject *)digits));
    if (digits == NULL) return NULL;
    /* A unit that is more than twice the number: 10**n has more than 3.32 n bits. */
    if (!kr_int_is_medium((PyLongObject *)digits) ||
        (double)kr_int_medium((PyLongObject *)digits) * 3.32 > (double)kr_int_bit_length((PyLongObject *)self) + 4) {
        Py_DECREF(digits);
        return PyLong_FromLong(0);
    }
    PyObject *ten = PyLong_FromLong(10), *unit = NULL, *parts = NULL, *result = NULL;
    if (ten != NULL) unit = PyNumber_Power(ten, digits, Py_None);
    if (unit != NULL) parts = _PyLong_DivmodNear(self, unit);
    if (parts != NULL) {
        result = kr_int_subtract((PyLongObject *)self, (PyLongObject *)PyTuple_GET_ITEM(parts, 1));
    }
    Py_XDECREF(parts);
    Py_XDECREF(unit);
    Py_XDECREF(ten);
    Py_DECREF(digits);
    return result;
}

PyDoc_STRVAR(getnewargs_doc, "__getnewargs__($self, /)\n--\n\n");
static PyObject *int_getnewargs(PyObject *self, PyObject *unused) {
    PyObject *value = _PyLong_Copy((PyLongObject *)self);
    if (value == NULL) return NULL;
    PyObject *args = PyTuple_Pack(1, value);
    Py_DECREF(value);
    return args;
}

PyDoc_STRVAR(format_doc, "__format__($self, format_spec, /)\n--\n\n");
static PyObject *int_format(PyObject *self, PyObject *spec) {
    if (!PyUnicode_Check(spec)) {
        _PyArg_BadArgument("__format__", "argument", "str", spec);
        return NULL;
    }
    return kr_format_spec_int(self, spec);
}

PyDoc_STRVAR(sizeof_doc, "__sizeof__($self, /)\n--\n\nSize in memory, in bytes.");
static PyObject *int_sizeof(PyObject *self, PyObject *unused) {
    Py_ssize_t count = kr_int_digit_count((PyLongObject *)self);
    return PyLong_FromSize_t(INT_HEADER + (size_t)(count > 0 ? count : 1) * sizeof(digit));
}

static PyMethodDef int_methods[] = {
    {"conjugate", int_self, METH_NOARGS, "Return the integer itself, which is its own conjugate."},
    {"bit_length", int_bit_length, METH_NOARGS, bit_length_doc},
    {"bit_count", int_bit_count, METH_NOARGS, bit_count_doc},
    {"to_bytes", (PyCFunction)(void (*)(void))int_to_bytes, METH_FASTCALL | METH_KEYWORDS, to_bytes_doc},
    {"from_bytes", (PyCFunction)(void (*)(void))int_from_bytes, METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     from_bytes_doc},
    {"as_integer_ratio", int_as_integer_ratio, METH_NOARGS, as_integer_ratio_doc},
    {"__trunc__", int_self, METH_NOARGS, "Truncating an integer changes nothing."},
    {"__floor__", int_self, METH_NOARGS, "The floor of an integer is the integer."},
    {"__ceil__", int_self, METH_NOARGS, "The ceiling of an integer is the integer."},
    {"__round__", (PyCFunction)(void (*)(void))int_round, METH_FASTCALL, round_doc},
    {"__getnewargs__", int_getnewargs, METH_NOARGS, getnewargs_doc},
    {"__format__", int_format, METH_O, format_doc},
    {"__sizeof__", int_sizeof, METH_NOARGS, sizeof_doc},
    {NULL, NULL, 0, NULL},
};

static PyObject *int_get_self(PyObject *self, void *closure) { return int_self(self, NULL); }
static PyObject *int_get_imag(PyObject *self, void *closure) { return PyLong_FromLong(0); }
static PyObject *int_get_denominator(PyObject *self, void *closure) { return PyLong_FromLong(1); }

static PyGetSetDef int_attributes[] = {
    {"real", int_get_self, NULL, "the real part of a complex number", NULL},
    {"imag", int_get_imag, NULL, "the imaginary part of a complex number", NULL},
    {"numerator", int_get_self, NULL, "the numerator of a rational number in lowest terms", NULL},
    {"denominator", int_get_denominator, NULL, "the denominator of a rational number in lowest terms", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(int_doc, "int([x]) -> integer\n"
                      "int(x, base=10) -> integer\n\n"
                      "Make an integer of a number, which is cut off towards zero, or of text with digits of a base.\n\n"
                      "Base 0 reads the text as source code would be read, with a prefix 0b, 0o or 0x.\n"
                      ">>> int('0b100', base=0)\n"
                      "4");

PyTypeObject PyLong_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "int",
    .tp_basicsize = INT_HEADER,
    .tp_itemsize = sizeof(digit),
    .tp_dealloc = int_dealloc,
    .tp_repr = kr_int_repr,
    .tp_as_number = &kr_int_number_methods,
    .tp_hash = int_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_LONG_SUBCLASS | _Py_TPFLAGS_MATCH_SELF,
    .tp_doc = int_doc,
    .tp_richcompare = int_richcompare,
    .tp_methods = int_methods,
    .tp_getset = int_attributes,
    .tp_new = int_new,
    .tp_vectorcall = int_vectorcall,
    .tp_free = PyObject_Del,
};
