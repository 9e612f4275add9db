/* The native module array: sequences of numbers or characters of one C type.
 *
 * The items lie one after another in a block with room for `allocated` of them. While `exports` is not zero somebody reads
 * the memory directly and the number of items must not change.
 */
#include <Python.h>
#include <stddef.h>
#include <string.h>
#include <structmember.h>

#include "object/arguments.h"
#include "object/names.h"
#include "types/iter.h"

typedef struct {
    PyTypeObject *array_type, *iterator_type;
    PyObject *reconstructor;
} ModuleState;

/* ---- items ---- */

/* The codes by which pickles name the representation of items. */
typedef enum {
    FORMAT_UINT8, FORMAT_INT8,
    FORMAT_UINT16_LE, FORMAT_UINT16_BE, FORMAT_INT16_LE, FORMAT_INT16_BE,
    FORMAT_UINT32_LE, FORMAT_UINT32_BE, FORMAT_INT32_LE, FORMAT_INT32_BE,
    FORMAT_UINT64_LE, FORMAT_UINT64_BE, FORMAT_INT64_LE, FORMAT_INT64_BE,
    FORMAT_FLOAT_LE, FORMAT_FLOAT_BE, FORMAT_DOUBLE_LE, FORMAT_DOUBLE_BE,
    FORMAT_UTF16_LE, FORMAT_UTF16_BE, FORMAT_UTF32_LE, FORMAT_UTF32_BE,
    FORMAT_COUNT,
} MachineFormat;

typedef struct {
    char typecode;
    unsigned char size;
    const char *buffer_format;
    char is_integer, is_signed;
    MachineFormat machine_format;
    PyObject *(*get)(const char *item);
    int (*set)(char *item, PyObject *value); /* 0, or -1 with an exception */
} ItemType;

typedef struct {
    PyObject_VAR_HEAD
    char *items;
    Py_ssize_t allocated;
    const ItemType *type;
    PyObject *weak_references;
    Py_ssize_t exports;
} Array;

static inline Array *as_array(PyObject *self) { return (Array *)self; }

/* Defines GET_name, which reads an item of a C type. */
#define GETTER(name, ctype, convert)                                                                                   \
    static PyObject *get_##name(const char *item) {                                                                    \
        ctype value;                                                                                                   \
        memcpy(&value, item, sizeof value);                                                                            \
        return convert(value);                                                                                         \
    }

GETTER(signed_char, signed char, PyLong_FromLong)
GETTER(unsigned_char, unsigned char, PyLong_FromLong)
GETTER(short, short, PyLong_FromLong)
GETTER(unsigned_short, unsigned short, PyLong_FromLong)
GETTER(int, int, PyLong_FromLong)
GETTER(unsigned_int, unsigned, PyLong_FromUnsignedLong)
GETTER(long, long, PyLong_FromLong)
GETTER(unsigned_long, unsigned long, PyLong_FromUnsignedLong)
GETTER(long_long, long long, PyLong_FromLongLong)
GETTER(unsigned_long_long, unsigned long long, PyLong_FromUnsignedLongLong)
GETTER(float, float, PyFloat_FromDouble)
GETTER(double, double, PyFloat_FromDouble)

static PyObject *get_character(const char *item) {
    wchar_t character;
    memcpy(&character, item, sizeof character);
    return PyUnicode_FromWideChar(&character, 1);
}

/* Raises OverflowError if a number is not between the bounds. */
static int check_range(long number, long minimum, long maximum, const char *name) {
    if (number >= minimum && number <= maximum) return 0;
    PyErr_Format(PyExc_OverflowError, "%s is %s", name, number < minimum ? "less than minimum" : "greater than maximum");
    return -1;
}

static int as_long(PyObject *value, long *number) {
    *number = PyLong_AsLong(value);
    return *number == -1 && PyErr_Occurred() ? -1 : 0;
}

static int set_signed_char(char *item, PyObject *value) {
    long number;
    if (as_long(value, &number) < 0 || check_range(number, SHRT_MIN, SHRT_MAX, "signed short integer") < 0 ||
        check_range(number, SCHAR_MIN, SCHAR_MAX, "signed char") < 0)
        return -1;
    *item = (char)number;
    return 0;
}

static int set_unsigned_char(char *item, PyObject *value) {
    long number;
    if (as_long(value, &number) < 0 || check_range(number, 0, UCHAR_MAX, "unsigned byte integer") < 0) return -1;
    *item = (char)number;
    return 0;
}

static int set_short(char *item, PyObject *value) {
    long number;
    if (as_long(value, &number) < 0 || check_range(number, SHRT_MIN, SHRT_MAX, "signed short integer") < 0) return -1;
    short stored = (short)number;
    memcpy(item, &stored, sizeof stored);
    return 0;
}

static int set_unsigned_short(char *item, PyObject *value) {
    long number;
    if (as_long(value, &number) < 0 || check_range(number, INT_MIN, INT_MAX, "signed integer") < 0 ||
        check_range(number, 0, USHRT_MAX, "unsigned short") < 0)
        return -1;
    unsigned short stored = (unsigned short)number;
    memcpy(item, &stored, sizeof stored);
    return 0;
}

static int set_int(char *item, PyObject *value) {
    long number;
    if (as_long(value, &number) < 0 || check_range(number, INT_MIN, INT_MAX, "signed integer") < 0) return -1;
    int stored = (int)number;
    memcpy(item, &stored, sizeof stored);
    return 0;
}

static int set_long(char *item, PyObject *value) {
    long number;
    if (as_long(value, &number) < 0) return -1;
    memcpy(item, &number, sizeof number);
    return 0;
}

static int set_unsigned_long(char *item, PyObject *value) {
    PyObject *index = PyNumber_Index(value);
    if (index == NULL) return -1;
    unsigned long number = PyLong_AsUnsignedLong(index);
    int is_negative = _PyLong_Sign(index) < 0;
    Py_DECREF(index);
    if (number == (unsigned long)-1 && PyErr_Occurred()) {
        if (is_negative) PyErr_SetString(PyExc_OverflowError, "can't convert negative value to unsigned int");
        return -1;
    }
    memcpy(item, &number, sizeof number);
    return 0;
}

static int set_unsigned_int(char *item, PyObject *value) {
    unsigned long number;
    if (set_unsigned_long((char *)&number, value) < 0) return -1;
    if (number > UINT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "unsigned int is greater than maximum");
        return -1;
    }
    unsigned stored = (unsigned)number;
    memcpy(item, &stored, sizeof stored);
    return 0;
}

static int set_long_long(char *item, PyObject *value) {
    long long number = PyLong_AsLongLong(value);
    if (number == -1 && PyErr_Occurred()) return -1;
    memcpy(item, &number, sizeof number);
    return 0;
}

static int set_unsigned_long_long(char *item, PyObject *value) {
    PyObject *index = PyNumber_Index(value);
    if (index == NULL) return -1;
    unsigned long long number = PyLong_AsUnsignedLongLong(index);
    Py_DECREF(index);
    if (number == (unsigned long long)-1 && PyErr_Occurred()) return -1;
    memcpy(item, &number, sizeof number);
    return 0;
}

static int set_double(char *item, PyObject *value) {
    double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) return -1;
    memcpy(item, &number, sizeof number);
    return 0;
}

static int set_float(char *item, PyObject *value) {
    double number;
    if (set_double((char *)&number, value) < 0) return -1;
    float stored = (float)number;
    memcpy(item, &stored, sizeof stored);
    return 0;
}

static int set_character(char *item, PyObject *value) {
    if (!PyUnicode_Check(value) || PyUnicode_READY(value) < 0 || PyUnicode_GET_LENGTH(value) != 1) {
        PyErr_SetString(PyExc_TypeError, "array item must be unicode character");
        return -1;
    }
    wchar_t character = (wchar_t)PyUnicode_READ_CHAR(value, 0);
    memcpy(item, &character, sizeof character);
    return 0;
}

#define INTEGER(code, ctype, sign, format, name) {code[0], sizeof(ctype), code, 1, sign, format, get_##name, set_##name}

static const ItemType item_types[] = {
    INTEGER("b", char, 1, FORMAT_INT8, signed_char),
    INTEGER("B", char, 0, FORMAT_UINT8, unsigned_char),
    {'u', sizeof(wchar_t), "w", 0, 0, FORMAT_UTF32_LE, get_character, set_character},
    INTEGER("h", short, 1, FORMAT_INT16_LE, short),
    INTEGER("H", short, 0, FORMAT_UINT16_LE, unsigned_short),
    INTEGER("i", int, 1, FORMAT_INT32_LE, int),
    INTEGER("I", int, 0, FORMAT_UINT32_LE, unsigned_int),
    INTEGER("l", long, 1, FORMAT_INT64_LE, long),
    INTEGER("L", long, 0, FORMAT_UINT64_LE, unsigned_long),
    INTEGER("q", long long, 1, FORMAT_INT64_LE, long_long),
    INTEGER("Q", long long, 0, FORMAT_UINT64_LE, unsigned_long_long),
    {'f', sizeof(float), "f", 0, 0, FORMAT_FLOAT_LE, get_float, set_float},
    {'d', sizeof(double), "d", 0, 0, FORMAT_DOUBLE_LE, get_double, set_double},
};

_Static_assert(sizeof(wchar_t) == 4 && sizeof(long) == 8 && !PY_BIG_ENDIAN, "the table's machine formats");

static const ItemType *find_item_type(int typecode) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(item_types); i++) {
        if (item_types[i].typecode == typecode) return &item_types[i];
    }
    return NULL;
}

static inline char *item_at(const Array *self, Py_ssize_t index) { return self->items + index * self->type->size; }
static inline PyObject *get_item(const Array *self, Py_ssize_t index) { return self->type->get(item_at(self, index)); }

enum { LARGEST_ITEM = 8 };

/* Converts a value and stores it at an index, which must still exist then. */
static int set_item(Array *self, Py_ssize_t index, PyObject *value) {
    char item[LARGEST_ITEM];
    if (self->type->set(item, value) < 0) return -1;
    if (index >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "array assignment index out of range");
        return -1;
    }
    memcpy(item_at(self, index), item, self->type->size);
    return 0;
}

/* ---- size ---- */

static struct PyModuleDef array_module;

static ModuleState *state_of(PyTypeObject *type) {
    PyObject *module = PyType_GetModuleByDef(type, &array_module);
    return module != NULL ? PyModule_GetState(module) : NULL;
}

static inline int is_array(PyObject *object, ModuleState *state) {
    return PyObject_TypeCheck(object, state->array_type);
}

static int resize(Array *self, Py_ssize_t size) {
    if (self->exports > 0 && size != Py_SIZE(self)) {
        PyErr_SetString(PyExc_BufferError, "cannot resize an array that is exporting buffers");
        return -1;
    }
    if (self->allocated >= size && Py_SIZE(self) < size + 16 && self->items != NULL) {
        Py_SET_SIZE(self, size);
        return 0;
    }
    if (size == 0) {
        PyMem_Free(self->items);
        self->items = NULL;
        Py_SET_SIZE(self, 0);
        self->allocated = 0;
        return 0;
    }
    /* Some room for more, so that growing step by step takes linear time. */
    size_t allocated = (size_t)size + ((size_t)size >> 4) + (Py_SIZE(self) < 8 ? 3 : 7);
    char *items = allocated <= PY_SSIZE_T_MAX / (size_t)self->type->size
                      ? PyMem_Realloc(self->items, allocated * self->type->size)
                      : NULL;
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->items = items;
    self->allocated = (Py_ssize_t)allocated;
    Py_SET_SIZE(self, size);
    return 0;
}

/* Creates an array of uninitialised items. */
static PyObject *new_array(PyTypeObject *type, Py_ssize_t size, const ItemType *item_type) {
    if (size > PY_SSIZE_T_MAX / item_type->size) return PyErr_NoMemory();
    Array *self = (Array *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->type = item_type;
    if (size > 0) {
        self->items = PyMem_Malloc(size * item_type->size);
        if (self->items == NULL) {
            Py_DECREF(self);
            return PyErr_NoMemory();
        }
        self->allocated = size;
    }
    Py_SET_SIZE(self, size);
    return (PyObject *)self;
}

static PyObject *like(const Array *self, Py_ssize_t size) {
    ModuleState *state = state_of(Py_TYPE(self));
    return state != NULL ? new_array(state->array_type, size, self->type) : NULL;
}

/* Inserts a value before an index that is counted and clipped as list.insert() does. */
static int insert(Array *self, Py_ssize_t index, PyObject *value) {
    char item[LARGEST_ITEM];
    if (self->type->set(item, value) < 0) return -1;
    Py_ssize_t size = Py_SIZE(self), item_size = self->type->size;
    if (resize(self, size + 1) < 0) return -1;
    if (index < 0) index = index + size < 0 ? 0 : index + size;
    if (index > size) index = size;
    if (index < size) memmove(item_at(self, index + 1), item_at(self, index), (size - index) * item_size);
    memcpy(item_at(self, index), item, item_size);
    return 0;
}

/* Removes the items from `low` up to `high`. */
static int delete_range(Array *self, Py_ssize_t low, Py_ssize_t high) {
    Py_ssize_t size = Py_SIZE(self);
    if (low >= high) return 0;
    if (self->exports > 0) return resize(self, size - (high - low)); /* raises */
    if (high < size) memmove(item_at(self, low), item_at(self, high), (size - high) * self->type->size);
    return resize(self, size - (high - low));
}

/* Appends memory that is no part of the array, or is all of it; `size` is a number of items. */
static int append_items(Array *self, const char *items, Py_ssize_t size) {
    Py_ssize_t old_size = Py_SIZE(self);
    int is_self = items == self->items;
    if (size == 0) return 0;
    if (old_size > PY_SSIZE_T_MAX - size) {
        PyErr_NoMemory();
        return -1;
    }
    if (resize(self, old_size + size) < 0) return -1;
    memcpy(item_at(self, old_size), is_self ? self->items : items, size * self->type->size);
    return 0;
}

static int append_bytes(Array *self, const char *bytes, Py_ssize_t length) {
    if (length % self->type->size != 0) {
        PyErr_SetString(PyExc_ValueError, "bytes length not a multiple of item size");
        return -1;
    }
    return append_items(self, bytes, length / self->type->size);
}

static int append_text(Array *self, PyObject *text) {
    Py_ssize_t length;
    wchar_t *wide = PyUnicode_AsWideCharString(text, &length);
    if (wide == NULL) return -1;
    int result = append_items(self, (const char *)wide, length);
    PyMem_Free(wide);
    return result;
}

static int append_iterable(Array *self, PyObject *iterable) {
    PyObject *iterator = PyObject_GetIter(iterable), *value;
    if (iterator == NULL) return -1;
    int result = 0;
    while (result == 0 && (value = PyIter_Next(iterator)) != NULL) {
        result = insert(self, Py_SIZE(self), value);
        Py_DECREF(value);
    }
    Py_DECREF(iterator);
    return result < 0 || PyErr_Occurred() ? -1 : 0;
}

/* ---- creation ---- */

/* Makes room for a known number of items in an empty array, without more for growth. */
static int reserve_exactly(Array *self, Py_ssize_t size) {
    if (size == 0) return 0;
    if (size > PY_SSIZE_T_MAX / self->type->size || (self->items = PyMem_Calloc(size, self->type->size)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->allocated = size;
    return 0;
}

/* Fills a new array from the second argument. */
static int fill(Array *self, PyObject *initial, ModuleState *state) {
    if (PyList_Check(initial) || PyTuple_Check(initial)) {
        Py_ssize_t size = PySequence_Fast_GET_SIZE(initial);
        if (reserve_exactly(self, size) < 0) return -1;
        Py_SET_SIZE(self, size);
        for (Py_ssize_t i = 0; i < size; i++) {
            if (i >= PySequence_Fast_GET_SIZE(initial)) {
                PyErr_SetString(PyExc_IndexError, "list index out of range");
                return -1;
            }
            PyObject *value = Py_NewRef(PySequence_Fast_GET_ITEM(initial, i));
            int failed = set_item(self, i, value);
            Py_DECREF(value);
            if (failed) return -1;
        }
        return 0;
    }
    if (PyBytes_Check(initial)) return append_bytes(self, PyBytes_AS_STRING(initial), PyBytes_GET_SIZE(initial));
    if (PyByteArray_Check(initial))
        return append_bytes(self, PyByteArray_AS_STRING(initial), PyByteArray_GET_SIZE(initial));
    if (PyUnicode_Check(initial)) {
        if (PyUnicode_READY(initial) < 0 || reserve_exactly(self, PyUnicode_GET_LENGTH(initial)) < 0) return -1;
        return append_text(self, initial);
    }
    if (is_array(initial, state) && as_array(initial)->type == self->type)
        return reserve_exactly(self, Py_SIZE(initial)) < 0 ? -1 : append_items(self, as_array(initial)->items, Py_SIZE(initial));
    return append_iterable(self, initial);
}

static PyObject *array_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    ModuleState *state = state_of(type);
    if (state == NULL) return NULL;
    int typecode;
    PyObject *initial = NULL;
    if ((type == state->array_type || type->tp_init == state->array_type->tp_init) &&
        !_PyArg_NoKeywords("array.array", kwds))
        return NULL;
    if (!PyArg_ParseTuple(args, "C|O:array", &typecode, &initial)) return NULL;
    if (PySys_Audit("array.__new__", "CO", typecode, initial != NULL ? initial : Py_None) < 0) return NULL;
    if (initial != NULL && typecode != 'u') {
        if (PyUnicode_Check(initial))
            return PyErr_Format(PyExc_TypeError, "cannot use a str to initialize an array with typecode '%c'", typecode);
        if (is_array(initial, state) && as_array(initial)->type->typecode == 'u')
            return PyErr_Format(PyExc_TypeError, "cannot use a unicode array to initialize an array with typecode '%c'",
                                typecode);
    }
    const ItemType *item_type = find_item_type(typecode);
    if (item_type == NULL) {
        PyErr_SetString(PyExc_ValueError, "bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f or d)");
        return NULL;
    }
    PyObject *self = new_array(type, 0, item_type);
    if (self != NULL && initial != NULL && fill(as_array(self), initial, state) < 0) Py_CLEAR(self);
    return self;
}

static int array_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void array_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (as_array(self)->weak_references != NULL) PyObject_ClearWeakRefs(self);
    PyMem_Free(as_array(self)->items);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- sequence ---- */

static Py_ssize_t array_length(PyObject *self) { return Py_SIZE(self); }

static PyObject *array_item(PyObject *self, Py_ssize_t index) {
    if (index < 0 || index >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "array index out of range");
        return NULL;
    }
    return get_item(as_array(self), index);
}

/* Creates an array of some items of another, `step` apart. */
static PyObject *copy_items(const Array *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t size) {
    PyObject *result = like(self, size > 0 ? size : 0);
    if (result == NULL || size <= 0) return result;
    if (step == 1) {
        memcpy(as_array(result)->items, item_at(self, start), size * self->type->size);
    } else {
        for (Py_ssize_t i = 0; i < size; i++)
            memcpy(item_at(as_array(result), i), item_at(self, start + i * step), self->type->size);
    }
    return result;
}

static PyObject *array_subscript(PyObject *self, PyObject *key) {
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return NULL;
        return array_item(self, index < 0 ? index + Py_SIZE(self) : index);
    }
    Py_ssize_t start, stop, step;
    if (!PySlice_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "array indices must be integers");
        return NULL;
    }
    if (PySlice_Unpack(key, &start, &stop, &step) < 0) return NULL;
    Py_ssize_t size = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
    return copy_items(as_array(self), start, step, size);
}

static int array_assign_item(PyObject *self, Py_ssize_t index, PyObject *value) {
    if (index < 0 || index >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "array assignment index out of range");
        return -1;
    }
    if (value == NULL) return delete_range(as_array(self), index, index + 1);
    return set_item(as_array(self), index, value);
}

/* Deletes every step-th item. */
static int delete_stepped(Array *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count) {
    if (count == 0) return 0;
    if (self->exports > 0) return resize(self, Py_SIZE(self) - count); /* raises */
    if (step < 0) {
        start += step * (count - 1);
        step = -step;
    }
    Py_ssize_t size = Py_SIZE(self);
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t from = start + i * step + 1, to = i + 1 < count ? from + step - 1 : size;
        memmove(item_at(self, from - 1 - i), item_at(self, from), (to - from) * self->type->size);
    }
    return resize(self, size - count);
}

/* Replaces the items of a slice by those of an array of the same type. */
static int assign_slice(Array *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count, const Array *other) {
    Py_ssize_t needed = Py_SIZE(other), item_size = self->type->size;
    if (step != 1) {
        if (needed != count) {
            PyErr_Format(PyExc_ValueError, "attempt to assign array of size %zd to extended slice of size %zd", needed,
                         count);
            return -1;
        }
        for (Py_ssize_t i = 0; i < count; i++) memcpy(item_at(self, start + i * step), item_at(other, i), item_size);
        return 0;
    }
    if (needed < count) {
        if (delete_range(self, start + needed, start + count) < 0) return -1;
    } else if (needed > count) {
        Py_ssize_t size = Py_SIZE(self);
        if (resize(self, size + needed - count) < 0) return -1;
        memmove(item_at(self, start + needed), item_at(self, start + count), (size - start - count) * item_size);
    }
    if (needed > 0) memcpy(item_at(self, start), other->items, needed * item_size);
    return 0;
}

static int array_assign_subscript(PyObject *object, PyObject *key, PyObject *value) {
    Array *self = as_array(object);
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return -1;
        return array_assign_item(object, index < 0 ? index + Py_SIZE(self) : index, value);
    }
    if (!PySlice_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "array indices must be integers");
        return -1;
    }
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(key, &start, &stop, &step) < 0) return -1;
    Py_ssize_t count = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
    if (value == NULL)
        return step == 1 ? delete_range(self, start, start + count) : delete_stepped(self, start, step, count);
    ModuleState *state = state_of(Py_TYPE(self));
    if (state == NULL) return -1;
    if (!is_array(value, state)) {
        PyErr_Format(PyExc_TypeError, "can only assign array (not \"%.200s\") to array slice", Py_TYPE(value)->tp_name);
        return -1;
    }
    if (as_array(value)->type != self->type) {
        PyErr_BadArgument();
        return -1;
    }
    if (value != object) return assign_slice(self, start, step, count, as_array(value));
    PyObject *copy = copy_items(self, 0, 1, Py_SIZE(self));
    if (copy == NULL) return -1;
    int result = assign_slice(self, start, step, count, as_array(copy));
    Py_DECREF(copy);
    return result;
}

static PyObject *array_concat(PyObject *left, PyObject *right) {
    ModuleState *state = state_of(Py_TYPE(left));
    if (state == NULL) return NULL;
    if (!is_array(right, state))
        return PyErr_Format(PyExc_TypeError, "can only append array (not \"%.200s\") to array", Py_TYPE(right)->tp_name);
    Array *a = as_array(left), *b = as_array(right);
    if (a->type != b->type) {
        PyErr_BadArgument();
        return NULL;
    }
    if (Py_SIZE(a) > PY_SSIZE_T_MAX - Py_SIZE(b)) return PyErr_NoMemory();
    PyObject *result = new_array(state->array_type, Py_SIZE(a) + Py_SIZE(b), a->type);
    if (result == NULL) return NULL;
    if (Py_SIZE(a) > 0) memcpy(as_array(result)->items, a->items, Py_SIZE(a) * a->type->size);
    if (Py_SIZE(b) > 0) memcpy(item_at(as_array(result), Py_SIZE(a)), b->items, Py_SIZE(b) * b->type->size);
    return result;
}

/* Fills `total` bytes with copies of a pattern, which may already be at the start. */
static void fill_repeated(char *output, Py_ssize_t total, const char *pattern, Py_ssize_t size) {
    if (total == 0 || size == 0) return;
    if (output != pattern) memcpy(output, pattern, size);
    for (Py_ssize_t done = size; done < total;) {
        Py_ssize_t step = done < total - done ? done : total - done;
        memcpy(output + done, output, step);
        done += step;
    }
}

static PyObject *array_repeat(PyObject *object, Py_ssize_t times) {
    const Array *self = as_array(object);
    if (times < 0) times = 0;
    if (Py_SIZE(self) > 0 && times > PY_SSIZE_T_MAX / Py_SIZE(self)) return PyErr_NoMemory();
    PyObject *result = like(self, Py_SIZE(self) * times);
    if (result == NULL) return NULL;
    Py_ssize_t size = Py_SIZE(self) * self->type->size;
    fill_repeated(as_array(result)->items, size * times, self->items, size);
    return result;
}

static PyObject *array_inplace_repeat(PyObject *object, Py_ssize_t times) {
    Array *self = as_array(object);
    if (times < 0) times = 0;
    Py_ssize_t size = Py_SIZE(self) * self->type->size;
    if (size > 0 && times > PY_SSIZE_T_MAX / size) return PyErr_NoMemory();
    if (resize(self, Py_SIZE(self) * times) < 0) return NULL;
    fill_repeated(self->items, size * times, self->items, size);
    return Py_NewRef(object);
}

/* Appends an array of the same type, or else the items of an iterable. */
static int extend(PyObject *self, PyObject *other) {
    ModuleState *state = state_of(Py_TYPE(self));
    if (state == NULL) return -1;
    if (!is_array(other, state)) return append_iterable(as_array(self), other);
    if (as_array(other)->type != as_array(self)->type) {
        PyErr_SetString(PyExc_TypeError, "can only extend with array of same kind");
        return -1;
    }
    return append_items(as_array(self), as_array(other)->items, Py_SIZE(other));
}

static PyObject *array_inplace_concat(PyObject *self, PyObject *other) {
    ModuleState *state = state_of(Py_TYPE(self));
    if (state == NULL) return NULL;
    if (!is_array(other, state))
        return PyErr_Format(PyExc_TypeError, "can only extend array with array (not \"%.200s\")",
                            Py_TYPE(other)->tp_name);
    return extend(self, other) < 0 ? NULL : Py_NewRef(self);
}

/* Finds the next item that equals a value from an index on. Returns its index, the size if there is none, -1 on error. */
static Py_ssize_t find(Array *self, PyObject *value, Py_ssize_t index) {
    for (; index < Py_SIZE(self); index++) {
        PyObject *item = get_item(self, index);
        if (item == NULL) return -1;
        int equal = PyObject_RichCompareBool(item, value, Py_EQ);
        Py_DECREF(item);
        if (equal != 0) return equal < 0 ? -1 : index;
    }
    return Py_SIZE(self);
}

static int array_contains(PyObject *self, PyObject *value) {
    Py_ssize_t index = find(as_array(self), value, 0);
    return index < 0 ? -1 : index < Py_SIZE(self);
}

/* ---- comparison, text ---- */

/* Looks for the first difference. Returns its index, or the smaller size if there is none; -1 on error. With an index
 * below both sizes, *left and *right are the items there, new references. */
static Py_ssize_t first_difference(Array *a, Array *b, PyObject **left, PyObject **right) {
    Py_ssize_t i = 0, common = Py_MIN(Py_SIZE(a), Py_SIZE(b));
    if (a->type == b->type && a->type->is_integer && common > 0 && memcmp(a->items, b->items, common * a->type->size) == 0)
        return common;
    for (; i < Py_SIZE(a) && i < Py_SIZE(b); i++) {
        if (a->type == b->type && a->type->is_integer && memcmp(item_at(a, i), item_at(b, i), a->type->size) == 0)
            continue;
        *left = get_item(a, i);
        *right = *left != NULL ? get_item(b, i) : NULL;
        int equal = *right != NULL ? PyObject_RichCompareBool(*left, *right, Py_EQ) : -1;
        if (equal == 0) return i;
        Py_CLEAR(*left);
        Py_CLEAR(*right);
        if (equal < 0) return -1;
    }
    return i;
}

static PyObject *array_richcompare(PyObject *left, PyObject *right, int operation) {
    ModuleState *state = state_of(Py_TYPE(left));
    if (state == NULL) return NULL;
    if (!is_array(left, state) || !is_array(right, state)) Py_RETURN_NOTIMPLEMENTED;
    Array *a = as_array(left), *b = as_array(right);
    if (Py_SIZE(a) != Py_SIZE(b) && (operation == Py_EQ || operation == Py_NE)) return PyBool_FromLong(operation == Py_NE);
    PyObject *x = NULL, *y = NULL;
    Py_ssize_t index = first_difference(a, b, &x, &y);
    if (index < 0) return NULL;
    if (x != NULL) {
        PyObject *result = operation == Py_EQ   ? Py_NewRef(Py_False)
                           : operation == Py_NE ? Py_NewRef(Py_True)
                                                : PyObject_RichCompare(x, y, operation);
        Py_DECREF(x);
        Py_DECREF(y);
        return result;
    }
    Py_RETURN_RICHCOMPARE(Py_SIZE(a), Py_SIZE(b), operation);
}

static PyObject *to_list(const Array *self) {
    PyObject *list = PyList_New(Py_SIZE(self));
    if (list == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *item = get_item(self, i);
        if (item == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *to_bytes(const Array *self) {
    return PyBytes_FromStringAndSize(self->items, Py_SIZE(self) * self->type->size);
}

static PyObject *to_text(const Array *self) {
    if (Py_SIZE(self) == 0) return PyUnicode_New(0, 0);
    return PyUnicode_FromWideChar((const wchar_t *)self->items, Py_SIZE(self));
}

static PyObject *array_repr(PyObject *object) {
    const Array *self = as_array(object);
    const char *name = _PyType_Name(Py_TYPE(object));
    if (Py_SIZE(self) == 0) return PyUnicode_FromFormat("%s('%c')", name, self->type->typecode);
    PyObject *contents = self->type->typecode == 'u' ? to_text(self) : to_list(self);
    if (contents == NULL) return NULL;
    PyObject *text = PyUnicode_FromFormat("%s('%c', %R)", name, self->type->typecode, contents);
    Py_DECREF(contents);
    return text;
}

/* ---- buffer ---- */

static int array_get_buffer(PyObject *object, Py_buffer *view, int flags) {
    static char nothing[1];
    Array *self = as_array(object);
    if (view == NULL) {
        PyErr_SetString(PyExc_BufferError, "array_buffer_getbuf: view==NULL argument is obsolete");
        return -1;
    }
    view->buf = self->items != NULL ? self->items : nothing;
    view->obj = Py_NewRef(object);
    view->len = Py_SIZE(self) * self->type->size;
    view->readonly = 0;
    view->ndim = 1;
    view->itemsize = self->type->size;
    view->suboffsets = NULL;
    view->shape = (flags & PyBUF_ND) == PyBUF_ND ? &((PyVarObject *)self)->ob_size : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &view->itemsize : NULL;
    view->format = (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? (char *)self->type->buffer_format : NULL;
    view->internal = NULL;
    self->exports++;
    return 0;
}

static void array_release_buffer(PyObject *self, Py_buffer *view) { as_array(self)->exports--; }

/* ---- methods ---- */

static PyObject *none_unless(int failed) { return failed < 0 ? NULL : Py_NewRef(Py_None); }

static PyObject *array_append(PyObject *self, PyObject *value) {
    return none_unless(insert(as_array(self), Py_SIZE(self), value));
}

static PyObject *array_buffer_info(PyObject *object, PyObject *unused) {
    return Py_BuildValue("(Nn)", PyLong_FromVoidPtr(as_array(object)->items), Py_SIZE(object));
}

static PyObject *array_byteswap(PyObject *object, PyObject *unused) {
    Array *self = as_array(object);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        char *item = item_at(self, i);
        for (int low = 0, high = self->type->size - 1; low < high; low++, high--) {
            char byte = item[low];
            item[low] = item[high];
            item[high] = byte;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *array_copy(PyObject *self, PyObject *unused) { return copy_items(as_array(self), 0, 1, Py_SIZE(self)); }

static PyObject *array_count(PyObject *self, PyObject *value) {
    Py_ssize_t count = 0, index = -1;
    while ((index = find(as_array(self), value, index + 1)) < Py_SIZE(self)) {
        if (index < 0) return NULL;
        count++;
    }
    return PyLong_FromSsize_t(count);
}

static PyObject *array_extend(PyObject *self, PyObject *other) { return none_unless(extend(self, other)); }

static PyObject *array_frombytes(PyObject *self, PyObject *object) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *result = NULL;
    if (buffer.itemsize != 1)
        PyErr_SetString(PyExc_TypeError, "a bytes-like object is required");
    else
        result = none_unless(append_bytes(as_array(self), buffer.buf, buffer.len));
    PyBuffer_Release(&buffer);
    return result;
}

static PyObject *array_fromfile(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"", "", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "fromfile"};
    PyObject *values[2] = {NULL};
    Py_ssize_t number, item_size = as_array(self)->type->size;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 2, 2, 0, values);
    if (args == NULL || kr_ssize_argument(args[1], &number) < 0) return NULL;
    if (number < 0) {
        PyErr_SetString(PyExc_ValueError, "negative count");
        return NULL;
    }
    if (number > PY_SSIZE_T_MAX / item_size) return PyErr_NoMemory();
    PyObject *bytes = PyObject_CallMethod(args[0], "read", "n", number * item_size);
    if (bytes == NULL) return NULL;
    if (!PyBytes_Check(bytes)) {
        PyErr_SetString(PyExc_TypeError, "read() didn't return bytes");
        Py_DECREF(bytes);
        return NULL;
    }
    int is_short = PyBytes_GET_SIZE(bytes) != number * item_size;
    int failed = append_bytes(as_array(self), PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    if (!failed && is_short) PyErr_SetString(PyExc_EOFError, "read() didn't return enough bytes");
    return failed || is_short ? NULL : Py_NewRef(Py_None);
}

static PyObject *array_fromlist(PyObject *object, PyObject *list) {
    Array *self = as_array(object);
    if (!PyList_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "arg must be list");
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(list), old_size = Py_SIZE(self);
    if (count == 0) Py_RETURN_NONE;
    if (resize(self, old_size + count) < 0) return NULL;
    memset(item_at(self, old_size), 0, count * self->type->size);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = Py_NewRef(PyList_GET_ITEM(list, i));
        int failed = set_item(self, old_size + i, value);
        Py_DECREF(value);
        if (!failed && PyList_GET_SIZE(list) != count) {
            PyErr_SetString(PyExc_RuntimeError, "list changed size during iteration");
            failed = -1;
        }
        if (failed) {
            resize(self, old_size); /* all or nothing */
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *array_fromunicode(PyObject *self, PyObject *text) {
    if (!PyUnicode_Check(text)) {
        _PyArg_BadArgument("fromunicode", "argument", "str", text);
        return NULL;
    }
    if (as_array(self)->type->typecode != 'u') {
        PyErr_SetString(PyExc_ValueError, "fromunicode() may only be called on unicode type arrays");
        return NULL;
    }
    return none_unless(append_text(as_array(self), text));
}

static PyObject *array_index(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t start = 0, stop = PY_SSIZE_T_MAX;
    if (!_PyArg_CheckPositional("index", count, 1, 3)) return NULL;
    if (count > 1 && !_PyEval_SliceIndexNotNone(args[1], &start)) return NULL;
    if (count > 2 && !_PyEval_SliceIndexNotNone(args[2], &stop)) return NULL;
    if (start < 0) start = start + Py_SIZE(self) < 0 ? 0 : start + Py_SIZE(self);
    if (stop < 0) stop += Py_SIZE(self);
    Py_ssize_t index = find(as_array(self), args[0], start);
    if (index < 0) return NULL;
    if (index < stop && index < Py_SIZE(self)) return PyLong_FromSsize_t(index);
    PyErr_SetString(PyExc_ValueError, "array.index(x): x not in array");
    return NULL;
}

static PyObject *array_insert(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t index;
    if (!_PyArg_CheckPositional("insert", count, 2, 2) || kr_ssize_argument(args[0], &index) < 0) return NULL;
    return none_unless(insert(as_array(self), index, args[1]));
}

static PyObject *array_pop(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    Array *self = as_array(object);
    Py_ssize_t index = -1;
    if (!_PyArg_CheckPositional("pop", count, 0, 1)) return NULL;
    if (count > 0 && kr_ssize_argument(args[0], &index) < 0) return NULL;
    if (Py_SIZE(self) == 0) {
        PyErr_SetString(PyExc_IndexError, "pop from empty array");
        return NULL;
    }
    if (index < 0) index += Py_SIZE(self);
    if (index < 0 || index >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "pop index out of range");
        return NULL;
    }
    PyObject *item = get_item(self, index);
    if (item != NULL && delete_range(self, index, index + 1) < 0) Py_CLEAR(item);
    return item;
}

/* Builds the state for pickling: the instance's dict, or None. */
static PyObject *instance_dict(PyObject *self) {
    PyObject *dict;
    if (_PyObject_LookupAttr(self, KR_NAME(__dict__), &dict) < 0) return NULL;
    return dict != NULL ? dict : Py_NewRef(Py_None);
}

static PyObject *array_reduce_ex(PyObject *object, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "__reduce_ex__"};
    PyObject *values[1] = {NULL};
    const Array *self = as_array(object);
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 1, 0, values);
    if (args == NULL) return NULL;
    PyObject *value = args[0];
    if (!PyLong_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "__reduce_ex__ argument should be an integer");
        return NULL;
    }
    long protocol = PyLong_AsLong(value);
    if (protocol == -1 && PyErr_Occurred()) return NULL;
    ModuleState *state = state_of(Py_TYPE(object));
    if (state == NULL) return NULL;
    PyObject *dict = instance_dict(object);
    if (dict == NULL) return NULL;
    if (protocol < 3) return Py_BuildValue("O(CN)N", Py_TYPE(object), self->type->typecode, to_list(self), dict);
    return Py_BuildValue("O(OCiN)N", state->reconstructor, Py_TYPE(object), self->type->typecode,
                         (int)self->type->machine_format, to_bytes(self), dict);
}

static PyObject *array_remove(PyObject *self, PyObject *value) {
    Py_ssize_t index = find(as_array(self), value, 0);
    if (index < 0) return NULL;
    if (index < Py_SIZE(self)) return none_unless(delete_range(as_array(self), index, index + 1));
    PyErr_SetString(PyExc_ValueError, "array.remove(x): x not in array");
    return NULL;
}

static PyObject *array_reverse(PyObject *object, PyObject *unused) {
    Array *self = as_array(object);
    Py_ssize_t item_size = self->type->size;
    char item[LARGEST_ITEM];
    for (Py_ssize_t low = 0, high = Py_SIZE(self) - 1; low < high; low++, high--) {
        memcpy(item, item_at(self, low), item_size);
        memcpy(item_at(self, low), item_at(self, high), item_size);
        memcpy(item_at(self, high), item, item_size);
    }
    Py_RETURN_NONE;
}

enum { FILE_BLOCK = 64 * 1024 };

static PyObject *array_tofile(PyObject *object, PyObject *file) {
    Array *self = as_array(object);
    Py_ssize_t total = Py_SIZE(self) * self->type->size;
    for (Py_ssize_t position = 0; position < total; position += FILE_BLOCK) {
        Py_ssize_t size = total - position < FILE_BLOCK ? total - position : FILE_BLOCK;
        PyObject *bytes = PyBytes_FromStringAndSize(self->items + position, size);
        if (bytes == NULL) return NULL;
        PyObject *result = PyObject_CallMethod(file, "write", "O", bytes);
        Py_DECREF(bytes);
        if (result == NULL) return NULL;
        Py_DECREF(result);
        if (total > Py_SIZE(self) * self->type->size) break; /* write() has shortened the array */
    }
    Py_RETURN_NONE;
}

static PyObject *array_tolist(PyObject *self, PyObject *unused) { return to_list(as_array(self)); }
static PyObject *array_tobytes(PyObject *self, PyObject *unused) { return to_bytes(as_array(self)); }

static PyObject *array_tounicode(PyObject *self, PyObject *unused) {
    if (as_array(self)->type->typecode == 'u') return to_text(as_array(self));
    PyErr_SetString(PyExc_ValueError, "tounicode() may only be called on unicode type arrays");
    return NULL;
}

static PyObject *array_sizeof(PyObject *self, PyObject *unused) {
    return PyLong_FromSsize_t(Py_TYPE(self)->tp_basicsize + as_array(self)->allocated * as_array(self)->type->size);
}

static PyObject *array_get_typecode(PyObject *self, void *unused) {
    return PyUnicode_FromOrdinal(as_array(self)->type->typecode);
}

static PyObject *array_get_itemsize(PyObject *self, void *unused) {
    return PyLong_FromLong(as_array(self)->type->size);
}

static PyObject *array_iter(PyObject *self);

#define NOARGS(name, method, text) {name, method, METH_NOARGS, name "($self, /)\n--\n\n" text}

static PyMethodDef array_methods[] = {
    {"append", array_append, METH_O, "append($self, v, /)\n--\n\nAdd an item at the end."},
    NOARGS("buffer_info", array_buffer_info, "The address of the memory and the number of items, a tuple."),
    NOARGS("byteswap", array_byteswap, "Reverse the bytes of each item."),
    NOARGS("__copy__", array_copy, "A copy of the array."),
    {"count", array_count, METH_O, "count($self, v, /)\n--\n\nThe number of items that equal v."},
    {"__deepcopy__", array_copy, METH_O, "__deepcopy__($self, unused, /)\n--\n\nA copy of the array."},
    {"extend", array_extend, METH_O, "extend($self, bb, /)\n--\n\nAdd the items of an iterable at the end."},
    {"fromfile", (PyCFunction)(void (*)(void))array_fromfile, METH_FASTCALL | METH_KEYWORDS,
     "fromfile($self, f, n, /)\n--\n\nRead n items from a binary file and add them at the end."},
    {"fromlist", array_fromlist, METH_O, "fromlist($self, list, /)\n--\n\nAdd the items of a list at the end, or none."},
    {"frombytes", array_frombytes, METH_O, "frombytes($self, buffer, /)\n--\n\nAdd the items in a bytes-like object."},
    {"fromunicode", array_fromunicode, METH_O, "fromunicode($self, ustr, /)\n--\n\nAdd the characters of a str."},
    {"index", (PyCFunction)(void (*)(void))array_index, METH_FASTCALL,
     "index($self, v, start=0, stop=sys.maxsize, /)\n--\n\nThe index of the first item that equals v."},
    {"insert", (PyCFunction)(void (*)(void))array_insert, METH_FASTCALL,
     "insert($self, i, v, /)\n--\n\nInsert an item before index i."},
    {"pop", (PyCFunction)(void (*)(void))array_pop, METH_FASTCALL,
     "pop($self, i=-1, /)\n--\n\nRemove the item at index i and return it."},
    {"__reduce_ex__", (PyCFunction)(void (*)(void))array_reduce_ex, METH_FASTCALL | METH_KEYWORDS,
     "__reduce_ex__($self, value, /)\n--\n\nFor pickling."},
    {"remove", array_remove, METH_O, "remove($self, v, /)\n--\n\nRemove the first item that equals v."},
    NOARGS("reverse", array_reverse, "Reverse the order of the items."),
    {"tofile", array_tofile, METH_O, "tofile($self, f, /)\n--\n\nWrite the memory to a binary file."},
    NOARGS("tolist", array_tolist, "The items as a list."),
    NOARGS("tobytes", array_tobytes, "The memory as bytes."),
    NOARGS("tounicode", array_tounicode, "The characters as a str."),
    NOARGS("__sizeof__", array_sizeof, "The memory used, in bytes."),
    {NULL},
};

static PyMemberDef array_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Array, weak_references), READONLY},
    {NULL},
};

static PyGetSetDef array_getset[] = {
    {"typecode", array_get_typecode, NULL, "the character that names the type of the items"},
    {"itemsize", array_get_itemsize, NULL, "size of an item, in bytes"},
    {NULL},
};

static PyType_Slot array_slots[] = {
    {Py_tp_dealloc, array_dealloc},
    {Py_tp_repr, array_repr},
    {Py_tp_richcompare, array_richcompare},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_iter, array_iter},
    {Py_tp_methods, array_methods},
    {Py_tp_members, array_members},
    {Py_tp_getset, array_getset},
    {Py_tp_alloc, PyType_GenericAlloc},
    {Py_tp_new, array_new},
    {Py_tp_traverse, array_traverse},
    {Py_sq_length, array_length},
    {Py_sq_concat, array_concat},
    {Py_sq_repeat, array_repeat},
    {Py_sq_item, array_item},
    {Py_sq_ass_item, array_assign_item},
    {Py_sq_contains, array_contains},
    {Py_sq_inplace_concat, array_inplace_concat},
    {Py_sq_inplace_repeat, array_inplace_repeat},
    {Py_mp_length, array_length},
    {Py_mp_subscript, array_subscript},
    {Py_mp_ass_subscript, array_assign_subscript},
    {Py_bf_getbuffer, array_get_buffer},
    {Py_bf_releasebuffer, array_release_buffer},
    {Py_tp_doc, "array(typecode [, initializer]) -> array\n\n"
                "A mutable sequence of items of one C type: b B signed and unsigned char, u wchar_t, h H short, i I int,\n"
                "l L long, q Q long long, f float, d double. The initializer is a list, a bytes-like object, or an\n"
                "iterable of such items."},
    {0, NULL},
};

static PyType_Spec array_spec = {
    .name = "array.array",
    .basicsize = sizeof(Array),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_SEQUENCE,
    .slots = array_slots,
};

/* ---- iterator ---- */

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    Array *array; /* NULL when exhausted */
} ArrayIterator;

static PyObject *array_iter(PyObject *self) {
    ModuleState *state = state_of(Py_TYPE(self));
    if (state == NULL) return NULL;
    ArrayIterator *iterator = PyObject_GC_New(ArrayIterator, state->iterator_type);
    if (iterator == NULL) return NULL;
    iterator->index = 0;
    iterator->array = (Array *)Py_NewRef(self);
    PyObject_GC_Track(iterator);
    return (PyObject *)iterator;
}

static PyObject *iterator_next(PyObject *object) {
    ArrayIterator *self = (ArrayIterator *)object;
    if (self->array == NULL) return NULL;
    if (self->index < Py_SIZE(self->array)) return get_item(self->array, self->index++);
    Py_CLEAR(self->array);
    return NULL;
}

static void iterator_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((ArrayIterator *)self)->array);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((ArrayIterator *)self)->array);
    return 0;
}

static PyObject *iterator_reduce(PyObject *object, PyObject *unused) {
    ArrayIterator *self = (ArrayIterator *)object;
    return kr_iterator_reduce((PyObject **)&self->array, &self->index, PyTuple_New(0));
}

static PyObject *iterator_setstate(PyObject *object, PyObject *state) {
    ArrayIterator *self = (ArrayIterator *)object;
    return kr_iterator_set_index(&self->index, state, 0, self->array == NULL ? 0 : Py_SIZE(self->array));
}

static PyMethodDef iterator_methods[] = {
    NOARGS("__reduce__", iterator_reduce, "For pickling."),
    {"__setstate__", iterator_setstate, METH_O, "__setstate__($self, state, /)\n--\n\nGo to an index."},
    {NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, iterator_dealloc},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_traverse, iterator_traverse},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iterator_next},
    {Py_tp_methods, iterator_methods},
    {0, NULL},
};

static PyType_Spec iterator_spec = {
    .name = "array.arrayiterator",
    .basicsize = sizeof(ArrayIterator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = iterator_slots,
};

/* ---- unpickling ---- */

/* What a machine format code means. */
typedef struct {
    unsigned char size;
    char is_integer, is_signed, is_big_endian;
} FormatMeaning;

static const FormatMeaning format_meanings[FORMAT_COUNT] = {
    [FORMAT_UINT8] = {1, 1, 0, 0},     [FORMAT_INT8] = {1, 1, 1, 0},      [FORMAT_UINT16_LE] = {2, 1, 0, 0},
    [FORMAT_UINT16_BE] = {2, 1, 0, 1}, [FORMAT_INT16_LE] = {2, 1, 1, 0},  [FORMAT_INT16_BE] = {2, 1, 1, 1},
    [FORMAT_UINT32_LE] = {4, 1, 0, 0}, [FORMAT_UINT32_BE] = {4, 1, 0, 1}, [FORMAT_INT32_LE] = {4, 1, 1, 0},
    [FORMAT_INT32_BE] = {4, 1, 1, 1},  [FORMAT_UINT64_LE] = {8, 1, 0, 0}, [FORMAT_UINT64_BE] = {8, 1, 0, 1},
    [FORMAT_INT64_LE] = {8, 1, 1, 0},  [FORMAT_INT64_BE] = {8, 1, 1, 1},  [FORMAT_FLOAT_LE] = {4, 0, 0, 0},
    [FORMAT_FLOAT_BE] = {4, 0, 0, 1},  [FORMAT_DOUBLE_LE] = {8, 0, 0, 0}, [FORMAT_DOUBLE_BE] = {8, 0, 0, 1},
    [FORMAT_UTF16_LE] = {4, 0, 0, 0},  [FORMAT_UTF16_BE] = {4, 0, 0, 1},  [FORMAT_UTF32_LE] = {8, 0, 0, 0},
    [FORMAT_UTF32_BE] = {8, 0, 0, 1},
};

static PyObject *make(PyObject *type, int typecode, PyObject *items) {
    return PyObject_CallFunction(type, "CO", typecode, items);
}

/* Reads items of an integer type in their own order of bytes. */
static PyObject *integers_from(PyObject *items, const FormatMeaning *meaning, Py_ssize_t count) {
    const unsigned char *data = (const unsigned char *)PyBytes_AS_STRING(items);
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        PyObject *number = _PyLong_FromByteArray(data + i * meaning->size, meaning->size, !meaning->is_big_endian,
                                                 meaning->is_signed);
        if (number == NULL) Py_CLEAR(list);
        else PyList_SET_ITEM(list, i, number);
    }
    return list;
}

static PyObject *floats_from(PyObject *items, const FormatMeaning *meaning, Py_ssize_t count) {
    const char *data = PyBytes_AS_STRING(items);
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
        const char *item = data + i * meaning->size;
        double value = meaning->size == 4 ? PyFloat_Unpack4(item, !meaning->is_big_endian)
                                          : PyFloat_Unpack8(item, !meaning->is_big_endian);
        PyObject *number = value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
        if (number == NULL) Py_CLEAR(list);
        else PyList_SET_ITEM(list, i, number);
    }
    return list;
}

/* Finds the type code for items that another machine has written; an integer type of the same size and sign. */
static int matching_typecode(int typecode, const FormatMeaning *meaning) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(item_types) && meaning->is_integer; i++) {
        const ItemType *type = &item_types[i];
        if (type->is_integer && type->size == meaning->size && type->is_signed == meaning->is_signed)
            return type->typecode;
    }
    return typecode;
}

static PyObject *reconstruct(PyObject *type, int typecode, int format, PyObject *items) {
    const FormatMeaning *meaning = &format_meanings[format];
    Py_ssize_t size = PyBytes_GET_SIZE(items);
    PyObject *converted = NULL;
    if (size % meaning->size != 0) {
        PyErr_SetString(PyExc_ValueError, "string length not a multiple of item size");
    } else if (format >= FORMAT_UTF16_LE) {
        int byteorder = meaning->is_big_endian ? 1 : -1;
        converted = format <= FORMAT_UTF16_BE
                        ? PyUnicode_DecodeUTF16(PyBytes_AS_STRING(items), size, "strict", &byteorder)
                        : PyUnicode_DecodeUTF32(PyBytes_AS_STRING(items), size, "strict", &byteorder);
    } else if (meaning->is_integer) {
        typecode = matching_typecode(typecode, meaning);
        converted = integers_from(items, meaning, size / meaning->size);
    } else {
        converted = floats_from(items, meaning, size / meaning->size);
    }
    if (converted == NULL) return NULL;
    PyObject *array = make(type, typecode, converted);
    Py_DECREF(converted);
    return array;
}

/* _array_reconstructor(arraytype, typecode, mformat_code, items) */
static PyObject *array_reconstructor(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    ModuleState *state = PyModule_GetState(module);
    if (!_PyArg_CheckPositional("_array_reconstructor", count, 4, 4)) return NULL;
    if (!PyUnicode_Check(args[1]) || PyUnicode_READY(args[1]) < 0 || PyUnicode_GET_LENGTH(args[1]) != 1) {
        _PyArg_BadArgument("_array_reconstructor", "argument 2", "a unicode character", args[1]);
        return NULL;
    }
    int typecode = (int)PyUnicode_READ_CHAR(args[1], 0), format = _PyLong_AsInt(args[2]);
    if (format == -1 && PyErr_Occurred()) return NULL;
    PyObject *type = args[0], *items = args[3];
    if (!PyType_Check(type))
        return PyErr_Format(PyExc_TypeError, "first argument must be a type object, not %.200s", Py_TYPE(type)->tp_name);
    if (!PyType_IsSubtype((PyTypeObject *)type, state->array_type))
        return PyErr_Format(PyExc_TypeError, "%.200s is not a subtype of %.200s", ((PyTypeObject *)type)->tp_name,
                            state->array_type->tp_name);
    const ItemType *item_type = find_item_type(typecode);
    if (item_type == NULL) {
        PyErr_SetString(PyExc_ValueError, "second argument must be a valid type code");
        return NULL;
    }
    if (format < 0 || format >= FORMAT_COUNT) {
        PyErr_SetString(PyExc_ValueError, "third argument must be a valid machine format code.");
        return NULL;
    }
    if (!PyBytes_Check(items))
        return PyErr_Format(PyExc_TypeError, "fourth argument should be bytes, not %.200s", Py_TYPE(items)->tp_name);
    if (format == (int)item_type->machine_format) return make(type, typecode, items);
    return reconstruct(type, typecode, format, items);
}

/* ---- the module ---- */

static PyMethodDef array_functions[] = {
    {"_array_reconstructor", (PyCFunction)(void (*)(void))array_reconstructor, METH_FASTCALL,
     "_array_reconstructor($module, arraytype, typecode, mformat_code, items,\n                     /)\n--\n\n"
     "Create an array from a pickle."},
    {NULL},
};

static int array_exec(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    char typecodes[Py_ARRAY_LENGTH(item_types) + 1] = {0};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(item_types); i++) typecodes[i] = item_types[i].typecode;
    state->array_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &array_spec, NULL);
    if (state->array_type == NULL) return -1;
    state->iterator_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &iterator_spec, NULL);
    if (state->iterator_type == NULL) return -1;
    if (PyModule_AddObjectRef(module, "ArrayType", (PyObject *)state->array_type) < 0 ||
        PyModule_AddType(module, state->array_type) < 0 ||
        PyModule_AddStringConstant(module, "typecodes", typecodes) < 0)
        return -1;
    state->reconstructor = PyObject_GetAttrString(module, "_array_reconstructor");
    if (state->reconstructor == NULL) return -1;
    /* A class that can be indexed is a MutableSequence when it says so. */
    PyObject *abc = PyImport_ImportModule("collections.abc");
    if (abc == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_ImportError)) return -1;
        PyErr_Clear(); /* there is no library */
        return 0;
    }
    PyObject *sequence = PyObject_GetAttrString(abc, "MutableSequence");
    Py_DECREF(abc);
    if (sequence == NULL) return -1;
    PyObject *result = PyObject_CallMethod(sequence, "register", "O", state->array_type);
    Py_DECREF(sequence);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = PyModule_GetState(module);
    Py_VISIT(state->array_type);
    Py_VISIT(state->iterator_type);
    Py_VISIT(state->reconstructor);
    return 0;
}

static int module_clear(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    Py_CLEAR(state->array_type);
    Py_CLEAR(state->iterator_type);
    Py_CLEAR(state->reconstructor);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, array_exec}, {0, NULL}};

static struct PyModuleDef array_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "array",
    .m_doc = "Compact sequences of numbers or characters of one C type.",
    .m_size = sizeof(ModuleState),
    .m_methods = array_functions,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_array(void) { return PyModuleDef_Init(&array_module); }
