/* The items of buffers: conversion, comparison, copying. */
#include <Python.h>
#include <string.h>

#include "types/memoryview.h"

/* ---- native formats ---- */

/* NATIVE(format character, C type) for all integer formats. */
#define SIGNED_FORMATS(NATIVE)                                                                                         \
    NATIVE('b', signed char)                                                                                           \
    NATIVE('h', short)                                                                                                 \
    NATIVE('i', int)                                                                                                   \
    NATIVE('l', long)                                                                                                  \
    NATIVE('q', long long)                                                                                             \
    NATIVE('n', Py_ssize_t)
#define UNSIGNED_FORMATS(NATIVE)                                                                                       \
    NATIVE('B', unsigned char)                                                                                         \
    NATIVE('H', unsigned short)                                                                                        \
    NATIVE('I', unsigned)                                                                                              \
    NATIVE('L', unsigned long)                                                                                         \
    NATIVE('Q', unsigned long long)                                                                                    \
    NATIVE('N', size_t)

Py_ssize_t kr_native_item_size(char format) {
    switch (format) {
#define NATIVE(character, type)                                                                                        \
    case character: return sizeof(type);
        SIGNED_FORMATS(NATIVE)
        UNSIGNED_FORMATS(NATIVE)
#undef NATIVE
        case 'f': return sizeof(float);
        case 'd': return sizeof(double);
        case '?': return sizeof(_Bool);
        case 'c': return 1;
        case 'P': return sizeof(void *);
        default: return -1;
    }
}

char kr_native_format(const char *format) {
    if (format[0] == '@') format++;
    return format[0] != 0 && format[1] == 0 && kr_native_item_size(format[0]) > 0 ? format[0] : 0;
}

/* Returns the only character of a format after an optional '@', or 0 with NotImplementedError. */
static char single_character(const char *format) {
    const char *character = format[0] == '@' ? format + 1 : format;
    if (character[0] != 0 && character[1] == 0) return character[0];
    PyErr_Format(PyExc_NotImplementedError, "memoryview: unsupported format %s", format);
    return 0;
}

int kr_check_item_format(const char *format) { return single_character(format) != 0; }

PyObject *kr_unpack_item(const char *item, const char *format) {
    char character = single_character(format);
    switch (character) {
        case 0: return NULL;
#define NATIVE(character, type)                                                                                        \
    case character: {                                                                                                  \
        type value;                                                                                                    \
        memcpy(&value, item, sizeof value);                                                                            \
        return PyLong_FromLongLong(value);                                                                             \
    }
            SIGNED_FORMATS(NATIVE)
#undef NATIVE
#define NATIVE(character, type)                                                                                        \
    case character: {                                                                                                  \
        type value;                                                                                                    \
        memcpy(&value, item, sizeof value);                                                                            \
        return PyLong_FromUnsignedLongLong(value);                                                                     \
    }
            UNSIGNED_FORMATS(NATIVE)
#undef NATIVE
        case 'f': {
            float value;
            memcpy(&value, item, sizeof value);
            return PyFloat_FromDouble(value);
        }
        case 'd': {
            double value;
            memcpy(&value, item, sizeof value);
            return PyFloat_FromDouble(value);
        }
        case '?': return PyBool_FromLong(*item != 0);
        case 'c': return PyBytes_FromStringAndSize(item, 1);
        case 'P': {
            void *value;
            memcpy(&value, item, sizeof value);
            return PyLong_FromVoidPtr(value);
        }
        default: return PyErr_Format(PyExc_NotImplementedError, "memoryview: format %s not supported", format);
    }
}

/* Replaces the error of a conversion by one that names the format. */
static int conversion_error(const char *format) {
    PyObject *type = PyErr_Occurred();
    if (type != NULL && PyErr_GivenExceptionMatches(type, PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "memoryview: invalid type for format '%s'", format);
    } else if (type == NULL || PyErr_GivenExceptionMatches(type, PyExc_OverflowError) ||
               PyErr_GivenExceptionMatches(type, PyExc_ValueError)) {
        PyErr_Format(PyExc_ValueError, "memoryview: invalid value for format '%s'", format);
    }
    return -1;
}

int kr_pack_item(char *item, PyObject *object, const char *format) {
    char character = single_character(format);
    PyObject *number = NULL;
    long long signed_value = 0;
    unsigned long long unsigned_value = 0;
    double real_value;
    switch (character) {
        case 0: return -1;
#define NATIVE(character, type) case character:
            SIGNED_FORMATS(NATIVE)
            number = PyNumber_Index(object);
            if (number == NULL) return conversion_error(format);
            signed_value = PyLong_AsLongLong(number);
            Py_DECREF(number);
            if (signed_value == -1 && PyErr_Occurred()) return conversion_error(format);
            break;
            UNSIGNED_FORMATS(NATIVE)
            number = PyNumber_Index(object);
            if (number == NULL) return conversion_error(format);
            unsigned_value = PyLong_AsUnsignedLongLong(number);
            Py_DECREF(number);
            if (unsigned_value == (unsigned long long)-1 && PyErr_Occurred()) return conversion_error(format);
            break;
#undef NATIVE
        default: break;
    }
    switch (character) {
#define NATIVE(character, type)                                                                                        \
    case character: {                                                                                                  \
        type value = (type)signed_value;                                                                               \
        if (value != signed_value) return conversion_error(format);                                                    \
        memcpy(item, &value, sizeof value);                                                                            \
        return 0;                                                                                                      \
    }
        SIGNED_FORMATS(NATIVE)
#undef NATIVE
#define NATIVE(character, type)                                                                                        \
    case character: {                                                                                                  \
        type value = (type)unsigned_value;                                                                             \
        if (value != unsigned_value) return conversion_error(format);                                                  \
        memcpy(item, &value, sizeof value);                                                                            \
        return 0;                                                                                                      \
    }
        UNSIGNED_FORMATS(NATIVE)
#undef NATIVE
        case 'f':
        case 'd':
            real_value = PyFloat_AsDouble(object);
            if (real_value == -1.0 && PyErr_Occurred()) return conversion_error(format);
            if (character == 'f') {
                float value = (float)real_value;
                memcpy(item, &value, sizeof value);
            } else {
                memcpy(item, &real_value, sizeof real_value);
            }
            return 0;
        case '?': {
            int truth = PyObject_IsTrue(object);
            if (truth < 0) return -1;
            *item = (char)truth;
            return 0;
        }
        case 'c':
            if (!PyBytes_Check(object)) {
                PyErr_Format(PyExc_TypeError, "memoryview: invalid type for format '%s'", format);
                return -1;
            }
            if (PyBytes_GET_SIZE(object) != 1) return conversion_error(format);
            *item = PyBytes_AS_STRING(object)[0];
            return 0;
        case 'P': {
            number = PyNumber_Index(object);
            if (number == NULL) return conversion_error(format);
            void *value = PyLong_AsVoidPtr(number);
            Py_DECREF(number);
            if (value == NULL && PyErr_Occurred()) return conversion_error(format);
            memcpy(item, &value, sizeof value);
            return 0;
        }
        default: PyErr_Format(PyExc_NotImplementedError, "memoryview: format %s not supported", format); return -1;
    }
}

/* ---- lists ---- */

static PyObject *list_dimension(const Py_buffer *view, char *pointer, int dimension) {
    if (dimension == view->ndim) return kr_unpack_item(pointer, view->format);
    PyObject *list = PyList_New(view->shape[dimension]);
    if (list == NULL) return NULL;
    for (Py_ssize_t i = 0; i < view->shape[dimension]; i++, pointer += view->strides[dimension]) {
        PyObject *item =
            list_dimension(view, kr_follow_suboffset(pointer, view->suboffsets, dimension), dimension + 1);
        if (item == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, item);
    }
    return list;
}

PyObject *kr_buffer_to_list(const Py_buffer *view) { return list_dimension(view, view->buf, 0); }

/* ---- comparison ---- */

/* Reads items of formats that we do not know ourselves with the struct module. */
typedef struct {
    PyObject *unpack;   /* Struct(format).unpack_from; NULL for native items */
    PyObject *window;   /* a memoryview of `item` */
    char *item;
    Py_ssize_t size;
} StructReader;

static void reader_close(StructReader *reader) {
    Py_XDECREF(reader->unpack);
    Py_XDECREF(reader->window);
    PyMem_Free(reader->item);
}

static int reader_open(StructReader *reader, const char *format, Py_ssize_t size) {
    *reader = (StructReader){.size = size};
    PyObject *module = PyImport_ImportModule("_struct");
    if (module == NULL) return -1;
    PyObject *structure = PyObject_CallMethod(module, "Struct", "s", format);
    Py_DECREF(module);
    if (structure == NULL) return -1;
    reader->unpack = PyObject_GetAttrString(structure, "unpack_from");
    Py_DECREF(structure);
    if (reader->unpack == NULL) return -1;
    reader->item = PyMem_Malloc(size > 0 ? size : 1);
    if (reader->item == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    reader->window = PyMemoryView_FromMemory(reader->item, size, PyBUF_READ);
    return reader->window != NULL ? 0 : -1;
}

/* Returns the value of an item: of a tuple of one its member, else the tuple. */
static PyObject *reader_read(StructReader *reader, const char *item) {
    memcpy(reader->item, item, reader->size);
    PyObject *values = PyObject_CallOneArg(reader->unpack, reader->window);
    if (values != NULL && PyTuple_GET_SIZE(values) == 1)
        Py_SETREF(values, Py_NewRef(PyTuple_GET_ITEM(values, 0)));
    return values;
}

typedef struct {
    const Py_buffer *left, *right;
    char format; /* of both, if native and the same; else 0 and the readers are open */
    StructReader left_reader, right_reader;
} Comparison;

/* Compares two items. Returns 1, 0, or -1 with an exception. */
static int items_equal(Comparison *comparison, const char *left, const char *right) {
    switch (comparison->format) {
        case 0: {
            PyObject *a = reader_read(&comparison->left_reader, left);
            if (a == NULL) return -1;
            PyObject *b = reader_read(&comparison->right_reader, right);
            int result = b != NULL ? PyObject_RichCompareBool(a, b, Py_EQ) : -1;
            Py_DECREF(a);
            Py_XDECREF(b);
            return result;
        }
        case 'f': {
            float a, b;
            memcpy(&a, left, sizeof a);
            memcpy(&b, right, sizeof b);
            return a == b;
        }
        case 'd': {
            double a, b;
            memcpy(&a, left, sizeof a);
            memcpy(&b, right, sizeof b);
            return a == b;
        }
        case '?': return (*left != 0) == (*right != 0);
        default: return memcmp(left, right, comparison->left->itemsize) == 0;
    }
}

/* True if the items of the last dimension follow one another in both, and are equal if their bytes are. */
static int are_plain_bytes(const Comparison *comparison) {
    const Py_buffer *a = comparison->left, *b = comparison->right;
    int last = a->ndim - 1;
    return comparison->format != 0 && strchr("fd?", comparison->format) == NULL && a->suboffsets == NULL &&
           b->suboffsets == NULL && a->strides[last] == a->itemsize && b->strides[last] == a->itemsize;
}

static int dimensions_equal(Comparison *comparison, char *left, char *right, int dimension) {
    const Py_buffer *a = comparison->left, *b = comparison->right;
    if (dimension == a->ndim) return items_equal(comparison, left, right);
    if (dimension == a->ndim - 1 && are_plain_bytes(comparison))
        return memcmp(left, right, (size_t)(a->shape[dimension] * a->itemsize)) == 0;
    for (Py_ssize_t i = 0; i < a->shape[dimension]; i++) {
        int result = dimensions_equal(comparison, kr_follow_suboffset(left, a->suboffsets, dimension),
                                      kr_follow_suboffset(right, b->suboffsets, dimension), dimension + 1);
        if (result != 1) return result;
        left += a->strides[dimension];
        right += b->strides[dimension];
    }
    return 1;
}

static int same_shape(const Py_buffer *left, const Py_buffer *right) {
    if (left->ndim != right->ndim) return 0;
    for (int i = 0; i < left->ndim; i++) {
        if (left->shape[i] != right->shape[i]) return 0;
        if (left->shape[i] == 0) break; /* without items the other dimensions do not matter */
    }
    return 1;
}

/* An unknown format is unequal to everything; only serious errors are errors. */
static int failed_to_open(void) {
    if (PyErr_ExceptionMatches(PyExc_ImportError) || PyErr_ExceptionMatches(PyExc_MemoryError)) return -1;
    PyErr_Clear();
    return 0;
}

int kr_buffers_equal(const Py_buffer *left, const Py_buffer *right) {
    const char *left_format = left->format != NULL ? left->format : "B";
    const char *right_format = right->format != NULL ? right->format : "B";
    if (!same_shape(left, right)) return 0;
    Comparison comparison = {.left = left, .right = right, .format = kr_native_format(left_format)};
    if (comparison.format != kr_native_format(right_format)) comparison.format = 0;
    int result;
    if (comparison.format == 0 && (reader_open(&comparison.left_reader, left_format, left->itemsize) < 0 ||
                                   reader_open(&comparison.right_reader, right_format, right->itemsize) < 0))
        result = failed_to_open();
    else
        result = dimensions_equal(&comparison, left->buf, right->buf, 0);
    reader_close(&comparison.left_reader);
    reader_close(&comparison.right_reader);
    return result;
}

/* ---- copying ---- */

static int same_structure(const Py_buffer *left, const Py_buffer *right) {
    const char *left_format = left->format != NULL ? left->format : "B";
    const char *right_format = right->format != NULL ? right->format : "B";
    if (left_format[0] == '@') left_format++;
    if (right_format[0] == '@') right_format++;
    return strcmp(left_format, right_format) == 0 && left->itemsize == right->itemsize && same_shape(left, right);
}

/* Copies the items of one dimension to memory where they follow one another, or back. */
static void gather(char *compact, const Py_buffer *view) {
    char *pointer = view->buf;
    for (Py_ssize_t i = 0; i < view->shape[0]; i++, pointer += view->strides[0], compact += view->itemsize)
        memcpy(compact, kr_follow_suboffset(pointer, view->suboffsets, 0), view->itemsize);
}

static void scatter(const Py_buffer *view, const char *compact) {
    char *pointer = view->buf;
    for (Py_ssize_t i = 0; i < view->shape[0]; i++, pointer += view->strides[0], compact += view->itemsize)
        memcpy(kr_follow_suboffset(pointer, view->suboffsets, 0), compact, view->itemsize);
}

static int is_compact(const Py_buffer *view) {
    return view->strides[0] == view->itemsize && (view->suboffsets == NULL || view->suboffsets[0] < 0);
}

int kr_buffer_copy(const Py_buffer *target, const Py_buffer *source) {
    if (!same_structure(target, source)) {
        PyErr_SetString(PyExc_ValueError, "memoryview assignment: lvalue and rvalue have different structures");
        return -1;
    }
    Py_ssize_t size = target->shape[0] * target->itemsize;
    if (is_compact(target) && is_compact(source)) {
        memmove(target->buf, source->buf, size);
        return 0;
    }
    /* By way of a copy, because the two may overlap in any manner. */
    char *compact = PyMem_Malloc(size > 0 ? size : 1);
    if (compact == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    gather(compact, source);
    scatter(target, compact);
    PyMem_Free(compact);
    return 0;
}
