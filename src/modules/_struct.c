/* The native module _struct: values in the layout of C structures.
 *
 * A Struct object compiles its format to a list of fields, each with a place, a size and a repeat count, and with a
 * description of how one item is converted. There are three tables of such descriptions: native ones with the sizes and
 * alignments of the machine, and standard ones in either byte order.
 */
#include <Python.h>
#include <stddef.h>
#include <string.h>
#include <structmember.h>

#include "object/arguments.h"
#include "types/int.h"

typedef struct {
    PyObject *cache;         /* dict from format to Struct, for the functions of the module */
    PyTypeObject *struct_type, *iterator_type;
    PyObject *error;
} ModuleState;

static struct PyModuleDef struct_module;

static inline ModuleState *get_state(PyObject *module) { return PyModule_GetState(module); }

static ModuleState *state_of_type(PyTypeObject *type) {
    PyObject *module = PyType_GetModuleByDef(type, &struct_module);
    return module != NULL ? get_state(module) : NULL;
}

/* ---- items ---- */

typedef struct ItemFormat ItemFormat;
struct ItemFormat {
    char character;
    unsigned char size, alignment;
    /* Both take an item in memory that need not be aligned. */
    PyObject *(*unpack)(const unsigned char *item, const ItemFormat *format);
    int (*pack)(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format);
};

static int fail(ModuleState *state, const char *text) {
    PyErr_SetString(state->error, text);
    return -1;
}

/* Items of ints have 1, 2, 4 or 8 bytes: with a size that the compiler knows, a copy is one instruction. */
static inline uint64_t load(const unsigned char *item, int size, int big_endian) {
    uint64_t value = 0;
    switch (size) {
    case 1: value = *item; break;
    case 2: memcpy(&value, item, 2); break;
    case 4: memcpy(&value, item, 4); break;
    default: memcpy(&value, item, 8);
    }
    return big_endian ? __builtin_bswap64(value) >> (64 - 8 * size) : value;
}

static inline void store(unsigned char *item, int size, int big_endian, uint64_t value) {
    if (big_endian) value = __builtin_bswap64(value) >> (64 - 8 * size);
    switch (size) {
    case 1: *item = (unsigned char)value; break;
    case 2: memcpy(item, &value, 2); break;
    case 4: memcpy(item, &value, 4); break;
    default: memcpy(item, &value, 8);
    }
}

#if PY_BIG_ENDIAN
#error "load and store copy little-endian integers directly"
#endif

static inline PyObject *unpack_signed(const unsigned char *item, int size, int big_endian) {
    uint64_t value = load(item, size, big_endian);
    int unused_bits = 64 - 8 * size;
    return PyLong_FromLongLong((int64_t)(value << unused_bits) >> unused_bits);
}

static inline PyObject *unpack_unsigned(const unsigned char *item, int size, int big_endian) {
    return PyLong_FromUnsignedLongLong(load(item, size, big_endian));
}

static PyObject *unpack_signed_little(const unsigned char *item, const ItemFormat *format) {
    return unpack_signed(item, format->size, 0);
}
static PyObject *unpack_signed_big(const unsigned char *item, const ItemFormat *format) {
    return unpack_signed(item, format->size, 1);
}
static PyObject *unpack_unsigned_little(const unsigned char *item, const ItemFormat *format) {
    return unpack_unsigned(item, format->size, 0);
}
static PyObject *unpack_unsigned_big(const unsigned char *item, const ItemFormat *format) {
    return unpack_unsigned(item, format->size, 1);
}
static PyObject *unpack_byte(const unsigned char *item, const ItemFormat *format) {
    return PyLong_FromLong((signed char)*item);
}
static PyObject *unpack_unsigned_byte(const unsigned char *item, const ItemFormat *format) {
    return PyLong_FromLong(*item);
}
static PyObject *unpack_int(const unsigned char *item, const ItemFormat *format) {
    int value;
    memcpy(&value, item, sizeof value);
    return PyLong_FromLong(value);
}
static PyObject *unpack_char(const unsigned char *item, const ItemFormat *format) {
    return PyBytes_FromStringAndSize((const char *)item, 1);
}
static PyObject *unpack_bool(const unsigned char *item, const ItemFormat *format) { return PyBool_FromLong(*item != 0); }
static PyObject *unpack_pointer(const unsigned char *item, const ItemFormat *format) {
    void *pointer;
    memcpy(&pointer, item, sizeof pointer);
    return PyLong_FromVoidPtr(pointer);
}
static PyObject *unpack_half_little(const unsigned char *item, const ItemFormat *format) {
    double value = PyFloat_Unpack2((const char *)item, 1);
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}
static PyObject *unpack_half_big(const unsigned char *item, const ItemFormat *format) {
    double value = PyFloat_Unpack2((const char *)item, 0);
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}
static PyObject *unpack_float_little(const unsigned char *item, const ItemFormat *format) {
    float value;
    memcpy(&value, item, sizeof value);
    return PyFloat_FromDouble(value);
}
static PyObject *unpack_float_big(const unsigned char *item, const ItemFormat *format) {
    double value = PyFloat_Unpack4((const char *)item, 0);
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}
static PyObject *unpack_double_little(const unsigned char *item, const ItemFormat *format) {
    double value;
    memcpy(&value, item, sizeof value);
    return PyFloat_FromDouble(value);
}
static PyObject *unpack_double_big(const unsigned char *item, const ItemFormat *format) {
    double value = PyFloat_Unpack8((const char *)item, 0);
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}

/* Returns the int of a value, a new reference, or NULL with an exception. */
static PyObject *as_int(ModuleState *state, PyObject *value) {
    if (PyLong_Check(value)) return Py_NewRef(value);
    if (PyIndex_Check(value)) return PyNumber_Index(value);
    fail(state, "required argument is not an integer");
    return NULL;
}

/* Turns an OverflowError into struct.error. */
static int conversion_failed(ModuleState *state, const char *text) {
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) fail(state, text);
    return -1;
}

static int get_signed(ModuleState *state, PyObject *value, const char *too_large, long long *result) {
    if (PyLong_CheckExact(value) && kr_int_is_medium((PyLongObject *)value)) {
        *result = kr_int_medium((PyLongObject *)value);
        return 0;
    }
    PyObject *number = as_int(state, value);
    if (number == NULL) return -1;
    *result = PyLong_AsLongLong(number);
    Py_DECREF(number);
    return *result == -1 && PyErr_Occurred() ? conversion_failed(state, too_large) : 0;
}

static int get_unsigned(ModuleState *state, PyObject *value, const char *too_large, unsigned long long *result) {
    if (PyLong_CheckExact(value) && kr_int_is_medium((PyLongObject *)value) && Py_SIZE(value) >= 0) {
        *result = (unsigned long long)kr_int_medium((PyLongObject *)value);
        return 0;
    }
    PyObject *number = as_int(state, value);
    if (number == NULL) return -1;
    *result = PyLong_AsUnsignedLongLong(number);
    Py_DECREF(number);
    return *result == (unsigned long long)-1 && PyErr_Occurred() ? conversion_failed(state, too_large) : 0;
}

static const char out_of_range[] = "argument out of range";
static const char too_large_to_convert[] = "int too large to convert";

static long long signed_maximum(const ItemFormat *format) { return (long long)(UINT64_MAX >> (65 - 8 * format->size)); }
static unsigned long long unsigned_maximum(const ItemFormat *format) { return UINT64_MAX >> (64 - 8 * format->size); }

static int pack_signed(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format,
                       int big_endian) {
    long long number;
    int is_widest = format->size == 8;
    if (get_signed(state, value, is_widest && big_endian ? too_large_to_convert : out_of_range, &number) < 0) return -1;
    long long maximum = signed_maximum(format), minimum = -maximum - 1;
    if (number < minimum || number > maximum) {
        PyErr_Format(state->error, "'%c' format requires %lld <= number <= %lld", format->character, minimum, maximum);
        return -1;
    }
    store(item, format->size, big_endian, (uint64_t)number);
    return 0;
}

static int pack_unsigned(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format,
                         int big_endian) {
    unsigned long long number;
    int is_widest = format->size == 8;
    if (get_unsigned(state, value, is_widest && big_endian ? too_large_to_convert : out_of_range, &number) < 0) return -1;
    unsigned long long maximum = unsigned_maximum(format);
    if (number > maximum) {
        PyErr_Format(state->error, "'%c' format requires 0 <= number <= %llu", format->character, maximum);
        return -1;
    }
    store(item, format->size, big_endian, number);
    return 0;
}

static int pack_signed_little(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_signed(state, item, value, format, 0);
}
static int pack_signed_big(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_signed(state, item, value, format, 1);
}
static int pack_unsigned_little(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_unsigned(state, item, value, format, 0);
}
static int pack_unsigned_big(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_unsigned(state, item, value, format, 1);
}

/* Small integers whose errors name the C type. */
static int pack_small(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format, int minimum,
                      int maximum, const char *message) {
    long long number;
    if (get_signed(state, value, out_of_range, &number) < 0) return -1;
    if (number < minimum || number > maximum) return fail(state, message);
    store(item, format->size, 0, (uint64_t)number);
    return 0;
}

static int pack_byte(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_small(state, item, value, format, -128, 127, "byte format requires -128 <= number <= 127");
}
static int pack_unsigned_byte(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_small(state, item, value, format, 0, 255, "ubyte format requires 0 <= number <= 255");
}
static int pack_short(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_small(state, item, value, format, -32768, 32767, "short format requires -32768 <= number <= 32767");
}
static int pack_unsigned_short(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    return pack_small(state, item, value, format, 0, 65535, "ushort format requires 0 <= number <= 65535");
}

static int pack_char(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    if (!PyBytes_Check(value) || PyBytes_GET_SIZE(value) != 1)
        return fail(state, "char format requires a bytes object of length 1");
    *item = (unsigned char)PyBytes_AS_STRING(value)[0];
    return 0;
}

static int pack_bool(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    int truth = PyObject_IsTrue(value);
    if (truth < 0) return -1;
    *item = (unsigned char)truth;
    return 0;
}

static int pack_pointer(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    PyObject *number = as_int(state, value);
    if (number == NULL) return -1;
    void *pointer = PyLong_AsVoidPtr(number);
    Py_DECREF(number);
    if (pointer == NULL && PyErr_Occurred()) return -1;
    memcpy(item, &pointer, sizeof pointer);
    return 0;
}

static int get_double(ModuleState *state, PyObject *value, double *result) {
    *result = PyFloat_AsDouble(value);
    return *result == -1.0 && PyErr_Occurred() ? fail(state, "required argument is not a float") : 0;
}

/* Defines the function that packs a float with one of the PyFloat_Pack functions. */
#define PACK_FLOAT(name, pack_function, little_endian)                                                                 \
    static int name(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {              \
        double number;                                                                                                 \
        if (get_double(state, value, &number) < 0) return -1;                                                          \
        return pack_function(number, (char *)item, little_endian);                                                     \
    }
PACK_FLOAT(pack_half_little, PyFloat_Pack2, 1)
PACK_FLOAT(pack_half_big, PyFloat_Pack2, 0)
PACK_FLOAT(pack_float_little, PyFloat_Pack4, 1)
PACK_FLOAT(pack_float_big, PyFloat_Pack4, 0)
PACK_FLOAT(pack_double_little, PyFloat_Pack8, 1)
PACK_FLOAT(pack_double_big, PyFloat_Pack8, 0)

/* As the C compiler converts: too large numbers become infinite. */
static int pack_native_float(ModuleState *state, unsigned char *item, PyObject *value, const ItemFormat *format) {
    double number;
    if (get_double(state, value, &number) < 0) return -1;
    float single = (float)number;
    memcpy(item, &single, sizeof single);
    return 0;
}

#define NATIVE(character, type, unpack, pack) {character, sizeof(type), _Alignof(type), unpack, pack}
#define STANDARD(character, size, unpack, pack) {character, size, 0, unpack, pack}

static const ItemFormat native_formats[] = {
    {'x', 1, 0, NULL, NULL},
    {'s', 1, 0, NULL, NULL},
    {'p', 1, 0, NULL, NULL},
    NATIVE('b', signed char, unpack_byte, pack_byte),
    NATIVE('B', unsigned char, unpack_unsigned_byte, pack_unsigned_byte),
    NATIVE('c', char, unpack_char, pack_char),
    NATIVE('h', short, unpack_signed_little, pack_short),
    NATIVE('H', unsigned short, unpack_unsigned_little, pack_unsigned_short),
    NATIVE('i', int, unpack_int, pack_signed_little),
    NATIVE('I', unsigned, unpack_unsigned_little, pack_unsigned_little),
    NATIVE('l', long, unpack_signed_little, pack_signed_little),
    NATIVE('L', unsigned long, unpack_unsigned_little, pack_unsigned_little),
    NATIVE('n', Py_ssize_t, unpack_signed_little, pack_signed_little),
    NATIVE('N', size_t, unpack_unsigned_little, pack_unsigned_little),
    NATIVE('q', long long, unpack_signed_little, pack_signed_little),
    NATIVE('Q', unsigned long long, unpack_unsigned_little, pack_unsigned_little),
    NATIVE('?', _Bool, unpack_bool, pack_bool),
    {'e', 2, 2, unpack_half_little, pack_half_little},
    NATIVE('f', float, unpack_float_little, pack_native_float),
    NATIVE('d', double, unpack_double_little, pack_double_little),
    NATIVE('P', void *, unpack_pointer, pack_pointer),
    {0},
};

static const ItemFormat little_formats[] = {
    STANDARD('x', 1, NULL, NULL),
    STANDARD('s', 1, NULL, NULL),
    STANDARD('p', 1, NULL, NULL),
    STANDARD('b', 1, unpack_byte, pack_byte),
    STANDARD('B', 1, unpack_unsigned_byte, pack_unsigned_byte),
    STANDARD('c', 1, unpack_char, pack_char),
    STANDARD('h', 2, unpack_signed_little, pack_short),
    STANDARD('H', 2, unpack_unsigned_little, pack_unsigned_short),
    STANDARD('i', 4, unpack_int, pack_signed_little),
    STANDARD('I', 4, unpack_unsigned_little, pack_unsigned_little),
    STANDARD('l', 4, unpack_int, pack_signed_little),
    STANDARD('L', 4, unpack_unsigned_little, pack_unsigned_little),
    STANDARD('q', 8, unpack_signed_little, pack_signed_little),
    STANDARD('Q', 8, unpack_unsigned_little, pack_unsigned_little),
    STANDARD('?', 1, unpack_bool, pack_bool),
    STANDARD('e', 2, unpack_half_little, pack_half_little),
    STANDARD('f', 4, unpack_float_little, pack_float_little),
    STANDARD('d', 8, unpack_double_little, pack_double_little),
    {0},
};

static const ItemFormat big_formats[] = {
    STANDARD('x', 1, NULL, NULL),
    STANDARD('s', 1, NULL, NULL),
    STANDARD('p', 1, NULL, NULL),
    STANDARD('b', 1, unpack_byte, pack_byte),
    STANDARD('B', 1, unpack_unsigned_byte, pack_unsigned_byte),
    STANDARD('c', 1, unpack_char, pack_char),
    STANDARD('h', 2, unpack_signed_big, pack_signed_big),
    STANDARD('H', 2, unpack_unsigned_big, pack_unsigned_big),
    STANDARD('i', 4, unpack_signed_big, pack_signed_big),
    STANDARD('I', 4, unpack_unsigned_big, pack_unsigned_big),
    STANDARD('l', 4, unpack_signed_big, pack_signed_big),
    STANDARD('L', 4, unpack_unsigned_big, pack_unsigned_big),
    STANDARD('q', 8, unpack_signed_big, pack_signed_big),
    STANDARD('Q', 8, unpack_unsigned_big, pack_unsigned_big),
    STANDARD('?', 1, unpack_bool, pack_bool),
    STANDARD('e', 2, unpack_half_big, pack_half_big),
    STANDARD('f', 4, unpack_float_big, pack_float_big),
    STANDARD('d', 8, unpack_double_big, pack_double_big),
    {0},
};

static const ItemFormat *find_format(const ItemFormat *formats, char character) {
    for (; formats->character != 0; formats++) {
        if (formats->character == character) return formats;
    }
    return NULL;
}

/* ---- Struct ---- */

typedef struct {
    const ItemFormat *format; /* NULL after the last field */
    Py_ssize_t offset;
    Py_ssize_t size;          /* of one item */
    Py_ssize_t repeat;
} Field;

typedef struct {
    PyObject_HEAD
    Py_ssize_t size;  /* bytes */
    Py_ssize_t count; /* values */
    Field *fields;
    PyObject *format; /* bytes; NULL before __init__ */
    PyObject *weak_references;
} StructObject;

static inline StructObject *as_struct(PyObject *self) { return (StructObject *)self; }

/* Chooses the table by the first character of a format, which is skipped. */
static const ItemFormat *choose_table(const char **format) {
    switch (**format) {
        case '<':
        case '=': (*format)++; return little_formats;
        case '>':
        case '!': (*format)++; return big_formats;
        case '@': (*format)++; return native_formats;
        default: return native_formats;
    }
}

/* Walks over a format. Returns 1 with the next part, 0 at the end, -1 with an exception. */
static int next_part(ModuleState *state, const ItemFormat *table, const char **format, const ItemFormat **item,
                     Py_ssize_t *number) {
    const char *f = *format;
    while (Py_ISSPACE((unsigned char)*f)) f++;
    if (*f == 0) return 0;
    *number = 1;
    if (Py_ISDIGIT((unsigned char)*f)) {
        *number = *f++ - '0';
        for (; Py_ISDIGIT((unsigned char)*f); f++) {
            int digit = *f - '0';
            if (*number > (PY_SSIZE_T_MAX - digit) / 10) return fail(state, "total struct size too long");
            *number = *number * 10 + digit;
        }
        if (*f == 0) return fail(state, "repeat count given without format specifier");
    }
    *item = find_format(table, *f);
    if (*item == NULL) return fail(state, "bad char in struct format");
    *format = f + 1;
    return 1;
}

/* Adds the padding before an item and its bytes to a size. Returns 0, or -1 if that is too large. */
static int grow(Py_ssize_t *size, const ItemFormat *item, Py_ssize_t number, Py_ssize_t *offset) {
    Py_ssize_t start = *size;
    if (item->alignment > 1 && start > 0) {
        if (start > PY_SSIZE_T_MAX - (item->alignment - 1)) return -1;
        start = (start + item->alignment - 1) / item->alignment * item->alignment;
    }
    if (number > (PY_SSIZE_T_MAX - start) / item->size) return -1;
    *offset = start;
    *size = start + number * item->size;
    return 0;
}

static int is_text(const ItemFormat *item) { return item->character == 's' || item->character == 'p'; }

/* Compiles the format. Returns 0 or -1. */
static int compile(ModuleState *state, StructObject *self) {
    const char *start = PyBytes_AS_STRING(self->format);
    if (strlen(start) != (size_t)PyBytes_GET_SIZE(self->format)) return fail(state, "embedded null character");
    const ItemFormat *table = choose_table(&start), *item;
    Py_ssize_t size = 0, count = 0, fields = 0, number = 0, offset = 0;
    const char *format = start;
    int more;
    while ((more = next_part(state, table, &format, &item, &number)) > 0) {
        if (is_text(item)) {
            count++;
            fields++;
        } else if (item->character != 'x') {
            if (number > PY_SSIZE_T_MAX - count) return fail(state, "total struct size too long");
            count += number;
            fields += number > 0;
        }
        if (grow(&size, item, number, &offset) < 0) return fail(state, "total struct size too long");
    }
    if (more < 0) return -1;
    Field *field = PyMem_New(Field, fields + 1);
    if (field == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyMem_Free(self->fields);
    self->fields = field;
    self->size = size;
    self->count = count;
    size = 0;
    format = start;
    while (next_part(state, table, &format, &item, &number) > 0) {
        grow(&size, item, number, &offset);
        if (is_text(item)) {
            *field++ = (Field){item, offset, number, 1};
        } else if (item->character != 'x' && number > 0) {
            *field++ = (Field){item, offset, item->size, number};
        }
    }
    *field = (Field){NULL, size, 0, 0};
    return 0;
}

static PyObject *struct_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    StructObject *self = (StructObject *)type->tp_alloc(type, 0);
    if (self != NULL) self->size = self->count = -1;
    return (PyObject *)self;
}

static int struct_init(PyObject *object, PyObject *args, PyObject *kwds) {
    static const char *const keywords[] = {"format", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "Struct"};
    PyObject *values[1] = {NULL};
    PyObject *const *items = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), kwds, NULL,
                                                   &parser, 1, 1, 0, values);
    ModuleState *state = state_of_type(Py_TYPE(object));
    if (items == NULL || state == NULL) return -1;
    PyObject *format;
    if (PyUnicode_Check(items[0])) {
        format = PyUnicode_AsASCIIString(items[0]);
        if (format == NULL) return -1;
    } else if (PyBytes_Check(items[0])) {
        format = Py_NewRef(items[0]);
    } else {
        PyErr_Format(PyExc_TypeError, "Struct() argument 1 must be a str or bytes object, not %.200s",
                     Py_TYPE(items[0])->tp_name);
        return -1;
    }
    Py_XSETREF(as_struct(object)->format, format);
    return compile(state, as_struct(object));
}

static int struct_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static void struct_dealloc(PyObject *object) {
    StructObject *self = as_struct(object);
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    if (self->weak_references != NULL) PyObject_ClearWeakRefs(object);
    PyMem_Free(self->fields);
    Py_XDECREF(self->format);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- unpacking ---- */

static PyObject *unpack_text(const unsigned char *data, const Field *field) {
    if (field->format->character == 's') return PyBytes_FromStringAndSize((const char *)data, field->size);
    if (field->size == 0) return PyBytes_FromStringAndSize(NULL, 0);
    Py_ssize_t length = data[0] < field->size ? data[0] : field->size - 1;
    return PyBytes_FromStringAndSize((const char *)data + 1, length);
}

/* Unpacks memory of sufficient size to a tuple. */
static PyObject *unpack_values(const StructObject *self, const unsigned char *data) {
    PyObject *result = PyTuple_New(self->count);
    if (result == NULL) return NULL;
    Py_ssize_t index = 0;
    for (const Field *field = self->fields; field->format != NULL; field++) {
        const unsigned char *item = data + field->offset;
        for (Py_ssize_t i = 0; i < field->repeat; i++, item += field->size) {
            PyObject *value = is_text(field->format) ? unpack_text(item, field) : field->format->unpack(item, field->format);
            if (value == NULL) {
                Py_DECREF(result);
                return NULL;
            }
            PyTuple_SET_ITEM(result, index++, value);
        }
    }
    return result;
}

static PyObject *unpack(ModuleState *state, StructObject *self, PyObject *object) {
    Py_buffer buffer;
    PyObject *result = NULL;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_SIMPLE) < 0) return NULL;
    if (buffer.len != self->size)
        PyErr_Format(state->error, "unpack requires a buffer of %zd bytes", self->size);
    else
        result = unpack_values(self, buffer.buf);
    PyBuffer_Release(&buffer);
    return result;
}

/* Makes an offset absolute and checks that there is room behind it. Returns 0 or -1 with struct.error. */
static int check_offset(ModuleState *state, const StructObject *self, Py_ssize_t length, Py_ssize_t *offset, int packing) {
    if (*offset < 0) {
        if (*offset + self->size > 0) {
            PyErr_Format(state->error,
                         packing ? "no space to pack %zd bytes at offset %zd"
                                 : "not enough data to unpack %zd bytes at offset %zd",
                         self->size, *offset);
            return -1;
        }
        if (*offset + length < 0) {
            PyErr_Format(state->error, "offset %zd out of range for %zd-byte buffer", *offset, length);
            return -1;
        }
        *offset += length;
    }
    if (length - *offset >= self->size) return 0;
    PyErr_Format(state->error,
                 "%s requires a buffer of at least %zu bytes for %s %zd bytes at offset %zd (actual buffer size is %zd)",
                 packing ? "pack_into" : "unpack_from", (size_t)self->size + (size_t)*offset,
                 packing ? "packing" : "unpacking", self->size, *offset, length);
    return -1;
}

static PyObject *unpack_from(ModuleState *state, StructObject *self, PyObject *object, Py_ssize_t offset) {
    Py_buffer buffer;
    PyObject *result = NULL;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_SIMPLE) < 0) return NULL;
    if (check_offset(state, self, buffer.len, &offset, 0) == 0)
        result = unpack_values(self, (const unsigned char *)buffer.buf + offset);
    PyBuffer_Release(&buffer);
    return result;
}

static PyObject *struct_unpack(PyObject *self, PyObject *buffer) {
    ModuleState *state = state_of_type(Py_TYPE(self));
    return state != NULL ? unpack(state, as_struct(self), buffer) : NULL;
}

static PyObject *struct_unpack_from(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"buffer", "offset", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "unpack_from"};
    PyObject *values[2] = {NULL};
    Py_ssize_t offset = 0;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 2, 0, values);
    if (args == NULL) return NULL;
    PyObject *offset_object = kr_optional_argument(args, count, kwnames, 1);
    if (offset_object != NULL && kr_ssize_argument(offset_object, &offset) < 0) return NULL;
    ModuleState *state = state_of_type(Py_TYPE(self));
    return state != NULL ? unpack_from(state, as_struct(self), args[0], offset) : NULL;
}

/* ---- packing ---- */

static int pack_text(ModuleState *state, unsigned char *item, PyObject *value, const Field *field) {
    const char *data;
    Py_ssize_t length;
    if (PyBytes_Check(value)) {
        data = PyBytes_AS_STRING(value);
        length = PyBytes_GET_SIZE(value);
    } else if (PyByteArray_Check(value)) {
        data = PyByteArray_AS_STRING(value);
        length = PyByteArray_GET_SIZE(value);
    } else {
        PyErr_Format(state->error, "argument for '%c' must be a bytes object", field->format->character);
        return -1;
    }
    if (field->size == 0) return 0;
    if (field->format->character == 'p') {
        if (length > field->size - 1) length = field->size - 1;
        *item++ = (unsigned char)(length > 255 ? 255 : length);
    } else if (length > field->size) {
        length = field->size;
    }
    memcpy(item, data, length);
    return 0;
}

/* Packs exactly `count` values into memory of sufficient size. */
static int pack_values(ModuleState *state, const StructObject *self, PyObject *const *values, unsigned char *data) {
    memset(data, 0, self->size);
    for (const Field *field = self->fields; field->format != NULL; field++) {
        unsigned char *item = data + field->offset;
        for (Py_ssize_t i = 0; i < field->repeat; i++, item += field->size) {
            PyObject *value = *values++;
            int failed = is_text(field->format) ? pack_text(state, item, value, field)
                                                : field->format->pack(state, item, value, field->format);
            if (!failed) continue;
            if (PyLong_Check(value) && PyErr_ExceptionMatches(PyExc_OverflowError)) fail(state, too_large_to_convert);
            return -1;
        }
    }
    return 0;
}

static PyObject *pack(ModuleState *state, StructObject *self, PyObject *const *values, Py_ssize_t count) {
    if (count != self->count)
        return PyErr_Format(state->error, "pack expected %zd items for packing (got %zd)", self->count, count);
    if (self->fields == NULL) return PyBytes_FromStringAndSize(NULL, 0);
    PyObject *result = PyBytes_FromStringAndSize(NULL, self->size);
    if (result == NULL || self->size == 0) {
        if (result != NULL && self->count > 0) {
            /* Items without size still have to be of the right type. */
            unsigned char nothing[1];
            if (pack_values(state, self, values, nothing) < 0) Py_CLEAR(result);
        }
        return result;
    }
    if (pack_values(state, self, values, (unsigned char *)PyBytes_AS_STRING(result)) < 0) Py_CLEAR(result);
    return result;
}

/* args are buffer, offset and the values. */
static PyObject *pack_into(ModuleState *state, StructObject *self, PyObject *const *args, Py_ssize_t count) {
    if (count != self->count + 2) {
        if (count == 0) PyErr_SetString(state->error, "pack_into expected buffer argument");
        else if (count == 1) PyErr_SetString(state->error, "pack_into expected offset argument");
        else PyErr_Format(state->error, "pack_into expected %zd items for packing (got %zd)", self->count, count - 2);
        return NULL;
    }
    Py_buffer buffer;
    if (PyObject_GetBuffer(args[0], &buffer, PyBUF_WRITABLE) < 0) {
        PyErr_Format(PyExc_TypeError, "argument must be read-write bytes-like object, not %.50s",
                     args[0] == Py_None ? "None" : Py_TYPE(args[0])->tp_name);
        return NULL;
    }
    PyObject *result = NULL;
    Py_ssize_t offset = PyNumber_AsSsize_t(args[1], PyExc_IndexError);
    if ((offset != -1 || !PyErr_Occurred()) && check_offset(state, self, buffer.len, &offset, 1) == 0 &&
        pack_values(state, self, args + 2, (unsigned char *)buffer.buf + offset) == 0)
        result = Py_NewRef(Py_None);
    PyBuffer_Release(&buffer);
    return result;
}

static PyObject *struct_pack(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    ModuleState *state = state_of_type(Py_TYPE(self));
    return state != NULL ? pack(state, as_struct(self), args, count) : NULL;
}

static PyObject *struct_pack_into(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    ModuleState *state = state_of_type(Py_TYPE(self));
    return state != NULL ? pack_into(state, as_struct(self), args, count) : NULL;
}

/* ---- iterator ---- */

typedef struct {
    PyObject_HEAD
    StructObject *structure; /* both are released at the end */
    Py_buffer buffer;
    Py_ssize_t index; /* in bytes */
} UnpackIterator;

static inline UnpackIterator *as_iterator(PyObject *self) { return (UnpackIterator *)self; }

static PyObject *iter_unpack(ModuleState *state, StructObject *self, PyObject *object) {
    if (self->fields == NULL || self->size == 0) {
        PyErr_SetString(state->error, "cannot iteratively unpack with a struct of length 0");
        return NULL;
    }
    UnpackIterator *iterator = (UnpackIterator *)state->iterator_type->tp_alloc(state->iterator_type, 0);
    if (iterator == NULL) return NULL;
    if (PyObject_GetBuffer(object, &iterator->buffer, PyBUF_SIMPLE) < 0) {
        Py_DECREF(iterator);
        return NULL;
    }
    if (iterator->buffer.len % self->size != 0) {
        PyErr_Format(state->error, "iterative unpacking requires a buffer of a multiple of %zd bytes", self->size);
        Py_DECREF(iterator);
        return NULL;
    }
    iterator->structure = (StructObject *)Py_NewRef(self);
    return (PyObject *)iterator;
}

static PyObject *struct_iter_unpack(PyObject *self, PyObject *buffer) {
    ModuleState *state = state_of_type(Py_TYPE(self));
    return state != NULL ? iter_unpack(state, as_struct(self), buffer) : NULL;
}

static int iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(as_iterator(self)->structure);
    Py_VISIT(as_iterator(self)->buffer.obj);
    return 0;
}

static void iterator_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_XDECREF(as_iterator(self)->structure);
    PyBuffer_Release(&as_iterator(self)->buffer);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *iterator_next(PyObject *object) {
    UnpackIterator *self = as_iterator(object);
    if (self->structure == NULL) return NULL;
    if (self->index >= self->buffer.len) {
        Py_CLEAR(self->structure);
        PyBuffer_Release(&self->buffer);
        return NULL;
    }
    PyObject *result = unpack_values(self->structure, (const unsigned char *)self->buffer.buf + self->index);
    self->index += self->structure->size;
    return result;
}

static PyObject *iterator_length_hint(PyObject *object, PyObject *unused) {
    UnpackIterator *self = as_iterator(object);
    if (self->structure == NULL) return PyLong_FromLong(0);
    return PyLong_FromSsize_t((self->buffer.len - self->index) / self->structure->size);
}

static PyObject *iterator_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    return PyErr_Format(PyExc_TypeError, "Cannot create '%.200s objects", _PyType_Name(type));
}

static PyMethodDef iterator_methods[] = {
    {"__length_hint__", iterator_length_hint, METH_NOARGS, NULL},
    {NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, iterator_dealloc},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_traverse, iterator_traverse},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iterator_next},
    {Py_tp_methods, iterator_methods},
    {Py_tp_new, iterator_new},
    {0, NULL},
};

static PyType_Spec iterator_spec = {
    .name = "_struct.unpack_iterator",
    .basicsize = sizeof(UnpackIterator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = iterator_slots,
};

/* ---- the type ---- */

static PyObject *struct_get_format(PyObject *self, void *unused) {
    PyObject *format = as_struct(self)->format;
    if (format == NULL) return PyUnicode_New(0, 0);
    return PyUnicode_FromStringAndSize(PyBytes_AS_STRING(format), PyBytes_GET_SIZE(format));
}

static PyObject *struct_get_size(PyObject *self, void *unused) { return PyLong_FromSsize_t(as_struct(self)->size); }

static PyObject *struct_sizeof(PyObject *object, PyObject *unused) {
    const StructObject *self = as_struct(object);
    size_t size = (size_t)Py_TYPE(object)->tp_basicsize + sizeof(Field);
    for (const Field *field = self->fields; field != NULL && field->format != NULL; field++) size += sizeof(Field);
    return PyLong_FromSize_t(size);
}

static PyMethodDef struct_methods[] = {
    {"iter_unpack", struct_iter_unpack, METH_O,
     "iter_unpack($self, buffer, /)\n--\n\nAn iterator over the tuples of one structure after another."},
    {"pack", (PyCFunction)(void (*)(void))struct_pack, METH_FASTCALL, "S.pack(v1, v2, ...) -> bytes\n\nPack values."},
    {"pack_into", (PyCFunction)(void (*)(void))struct_pack_into, METH_FASTCALL,
     "S.pack_into(buffer, offset, v1, v2, ...)\n\nPack values into a writable buffer."},
    {"unpack", struct_unpack, METH_O, "unpack($self, buffer, /)\n--\n\nA tuple of the values in a buffer of that size."},
    {"unpack_from", (PyCFunction)(void (*)(void))struct_unpack_from, METH_FASTCALL | METH_KEYWORDS,
     "unpack_from($self, /, buffer, offset=0)\n--\n\nA tuple of the values at an offset of a buffer."},
    {"__sizeof__", struct_sizeof, METH_NOARGS, "S.__sizeof__() -> size of S in memory, in bytes"},
    {NULL},
};

static PyMemberDef struct_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(StructObject, weak_references), READONLY},
    {NULL},
};

static PyGetSetDef struct_getset[] = {
    {"format", struct_get_format, NULL, "the format, a str"},
    {"size", struct_get_size, NULL, "size of the structure, in bytes"},
    {NULL},
};

static PyType_Slot struct_slots[] = {
    {Py_tp_dealloc, struct_dealloc},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_setattro, PyObject_GenericSetAttr},
    {Py_tp_doc, "Struct(fmt) --> compiled struct object"},
    {Py_tp_traverse, struct_traverse},
    {Py_tp_methods, struct_methods},
    {Py_tp_members, struct_members},
    {Py_tp_getset, struct_getset},
    {Py_tp_init, struct_init},
    {Py_tp_new, struct_new},
    {0, NULL},
};

static PyType_Spec struct_spec = {
    .name = "_struct.Struct",
    .basicsize = sizeof(StructObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = struct_slots,
};

/* ---- functions with a format ---- */

enum { CACHE_LIMIT = 100 };

/* Returns the Struct of a format, from the cache if it is there; a new reference or NULL. */
static StructObject *cached_struct(PyObject *module, PyObject *format) {
    ModuleState *state = get_state(module);
    if (state->cache == NULL && (state->cache = PyDict_New()) == NULL) return NULL;
    PyObject *structure = PyDict_GetItemWithError(state->cache, format);
    if (structure != NULL) return (StructObject *)Py_NewRef(structure);
    if (PyErr_Occurred()) return NULL;
    structure = PyObject_CallOneArg((PyObject *)state->struct_type, format);
    if (structure == NULL) return NULL;
    if (PyDict_GET_SIZE(state->cache) >= CACHE_LIMIT) PyDict_Clear(state->cache);
    if (PyDict_SetItem(state->cache, format, structure) < 0) Py_CLEAR(structure);
    return (StructObject *)structure;
}

static PyObject *module_clearcache(PyObject *module, PyObject *unused) {
    Py_CLEAR(get_state(module)->cache);
    Py_RETURN_NONE;
}

static PyObject *module_calcsize(PyObject *module, PyObject *format) {
    StructObject *structure = cached_struct(module, format);
    if (structure == NULL) return NULL;
    PyObject *size = PyLong_FromSsize_t(structure->size);
    Py_DECREF(structure);
    return size;
}

/* Calls a packing function with the arguments after the format. */
static PyObject *pack_with(PyObject *module, PyObject *const *args, Py_ssize_t count,
                           PyObject *(*function)(ModuleState *, StructObject *, PyObject *const *, Py_ssize_t)) {
    if (count == 0) {
        PyErr_SetString(PyExc_TypeError, "missing format argument");
        return NULL;
    }
    StructObject *structure = cached_struct(module, args[0]);
    if (structure == NULL) return NULL;
    PyObject *result = function(get_state(module), structure, args + 1, count - 1);
    Py_DECREF(structure);
    return result;
}

static PyObject *module_pack(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return pack_with(module, args, count, pack);
}

static PyObject *module_pack_into(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return pack_with(module, args, count, pack_into);
}

static PyObject *module_unpack(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("unpack", count, 2, 2)) return NULL;
    StructObject *structure = cached_struct(module, args[0]);
    if (structure == NULL) return NULL;
    PyObject *result = unpack(get_state(module), structure, args[1]);
    Py_DECREF(structure);
    return result;
}

static PyObject *module_iter_unpack(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("iter_unpack", count, 2, 2)) return NULL;
    StructObject *structure = cached_struct(module, args[0]);
    if (structure == NULL) return NULL;
    PyObject *result = iter_unpack(get_state(module), structure, args[1]);
    Py_DECREF(structure);
    return result;
}

static PyObject *module_unpack_from(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"", "buffer", "offset", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "unpack_from"};
    PyObject *values[3] = {NULL};
    Py_ssize_t offset = 0;
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 2, 3, 0, values);
    if (args == NULL) return NULL;
    StructObject *structure = cached_struct(module, args[0]);
    if (structure == NULL) return NULL;
    PyObject *offset_object = kr_optional_argument(args, count, kwnames, 2), *result = NULL;
    if (offset_object == NULL || kr_ssize_argument(offset_object, &offset) == 0)
        result = unpack_from(get_state(module), structure, args[1], offset);
    Py_DECREF(structure);
    return result;
}

static PyMethodDef module_functions[] = {
    {"_clearcache", module_clearcache, METH_NOARGS, "_clearcache($module, /)\n--\n\nForget all compiled formats."},
    {"calcsize", module_calcsize, METH_O, "calcsize($module, format, /)\n--\n\nThe size of a structure, in bytes."},
    {"iter_unpack", (PyCFunction)(void (*)(void))module_iter_unpack, METH_FASTCALL,
     "iter_unpack($module, format, buffer, /)\n--\n\nAn iterator over the tuples of one structure after another."},
    {"pack", (PyCFunction)(void (*)(void))module_pack, METH_FASTCALL,
     "pack(format, v1, v2, ...) -> bytes\n\nPack values."},
    {"pack_into", (PyCFunction)(void (*)(void))module_pack_into, METH_FASTCALL,
     "pack_into(format, buffer, offset, v1, v2, ...)\n\nPack values into a writable buffer."},
    {"unpack", (PyCFunction)(void (*)(void))module_unpack, METH_FASTCALL,
     "unpack($module, format, buffer, /)\n--\n\nA tuple of the values in a buffer of that size."},
    {"unpack_from", (PyCFunction)(void (*)(void))module_unpack_from, METH_FASTCALL | METH_KEYWORDS,
     "unpack_from($module, format, /, buffer, offset=0)\n--\n\nA tuple of the values at an offset of a buffer."},
    {NULL},
};

static int struct_exec(PyObject *module) {
    ModuleState *state = get_state(module);
    state->struct_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &struct_spec, NULL);
    if (state->struct_type == NULL || PyModule_AddType(module, state->struct_type) < 0) return -1;
    state->iterator_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &iterator_spec, NULL);
    if (state->iterator_type == NULL) return -1;
    state->error = PyErr_NewException("struct.error", NULL, NULL);
    if (state->error == NULL) return -1;
    return PyModule_AddObjectRef(module, "error", state->error);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = get_state(module);
    Py_VISIT(state->cache);
    Py_VISIT(state->struct_type);
    Py_VISIT(state->iterator_type);
    Py_VISIT(state->error);
    return 0;
}

static int module_clear(PyObject *module) {
    ModuleState *state = get_state(module);
    Py_CLEAR(state->cache);
    Py_CLEAR(state->struct_type);
    Py_CLEAR(state->iterator_type);
    Py_CLEAR(state->error);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, struct_exec}, {0, NULL}};

static struct PyModuleDef struct_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_struct",
    .m_doc = "Conversion between Python values and C structures in memory.",
    .m_size = sizeof(ModuleState),
    .m_methods = module_functions,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__struct(void) { return PyModuleDef_Init(&struct_module); }
