/* Reading the marshal format, from memory, C streams and Python's file objects. */
#include <Python.h>
#include <marshal.h>

#include "collector/collector.h"
#include "compile/marshal.h"
#include "compile/marshal_format.h"
#include "object/names.h"
#include "types/code.h"
#include "types/str/intern.h"

enum { CAUTIOUS_COUNT = 4096 }; /* of a container's items, from which on memory is not asked for blindly */

typedef struct Reader {
    const uint8_t *next, *end; /* data in memory; empty if one of the following is set */
    FILE *stream;
    PyObject *file;
    char *buffer; /* what was read last from a stream or file */
    size_t buffer_size;
    int depth;
    int is_trusted; /* the data is part of the executable */
    PyObject **references; /* owned; NULL for an object that is not complete yet */
    size_t reference_count, reference_capacity;
} Reader;

static const uint8_t nothing_in_memory[1];

static PyObject *read_object(Reader *r);

/* Raw data */

static int end_of_data(void) {
    PyErr_SetString(PyExc_EOFError, "marshal data too short");
    return -1;
}

static int fill_from_file(Reader *r, size_t size) {
    PyObject *view = PyMemoryView_FromMemory(r->buffer, (Py_ssize_t)size, PyBUF_WRITE);
    if (view == NULL) return -1;
    PyObject *readinto = KR_NAME(readinto);
    PyObject *result = readinto == NULL ? NULL : PyObject_CallMethodOneArg(r->file, readinto, view);
    Py_DECREF(view);
    if (result == NULL) return -1;
    Py_ssize_t count = PyNumber_AsSsize_t(result, PyExc_ValueError);
    Py_DECREF(result);
    if (count == -1 && PyErr_Occurred()) return -1;
    if (count == (Py_ssize_t)size) return 0;
    if (count > (Py_ssize_t)size)
        PyErr_Format(PyExc_ValueError, "read() returned too much data: %zd bytes requested, %zd returned",
                     (Py_ssize_t)size, count);
    else
        PyErr_SetString(PyExc_EOFError, "EOF read where not expected");
    return -1;
}

/* What read_raw does when the data in memory does not suffice. */
static __attribute__((noinline)) const uint8_t *read_elsewhere(Reader *r, size_t size) {
    if (r->stream == NULL && r->file == NULL) {
        end_of_data();
        return NULL;
    }
    if (size > r->buffer_size) {
        char *buffer = PyMem_Realloc(r->buffer, size);
        if (buffer == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        r->buffer = buffer;
        r->buffer_size = size;
    }
    if (r->file != NULL) {
        if (fill_from_file(r, size) < 0) return NULL;
    } else if (fread(r->buffer, 1, size, r->stream) != size) {
        end_of_data();
        return NULL;
    }
    return (const uint8_t *)r->buffer;
}

/* Returns the next `size` bytes, valid until the next read; NULL with EOFError or another exception. */
static inline const uint8_t *read_raw(Reader *r, size_t size) {
    const uint8_t *data = r->next;
    if (size > (size_t)(r->end - data)) return read_elsewhere(r, size);
    r->next = data + size;
    return data;
}

static __attribute__((noinline)) int read_byte_elsewhere(Reader *r) {
    const uint8_t *data = read_elsewhere(r, 1);
    if (data != NULL) return *data;
    if (PyErr_ExceptionMatches(PyExc_EOFError))
        PyErr_SetString(PyExc_EOFError, "EOF read where object expected");
    return -1;
}

/* Returns the next byte, or -1 with an exception. */
static inline int read_byte(Reader *r) { return r->next < r->end ? *r->next++ : read_byte_elsewhere(r); }

/* Reads 32 bits with sign. Returns 0, or -1 with an exception. */
static inline int read_long(Reader *r, int *value) {
    const uint8_t *data = read_raw(r, 4);
    if (data == NULL) return -1;
    *value = (int)((uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24);
    return 0;
}

/* Reads a length. Returns -1 with an exception, which says what was too long. */
static Py_ssize_t read_size(Reader *r, const char *what) {
    int size;
    if (read_long(r, &size) < 0) return -1;
    if (size >= 0) return size;
    PyErr_Format(PyExc_ValueError, "bad marshal data (%s size out of range)", what);
    return -1;
}

/* A large container of `count` objects needs at least as many bytes: found out before memory is asked for. */
static int has_room_for(Reader *r, Py_ssize_t count) {
    if (count < CAUTIOUS_COUNT || r->stream != NULL || r->file != NULL || count <= r->end - r->next) return 1;
    PyErr_SetString(PyExc_EOFError, "EOF read where object expected");
    return 0;
}

/* References */

/* Takes a number for an object that is about to be read. Returns 0, or -1 with MemoryError. */
static int reserve_reference(Reader *r, int flag, size_t *number) {
    if (!flag) return 0;
    if (r->reference_count == r->reference_capacity) {
        size_t capacity = r->reference_capacity ? 2 * r->reference_capacity : 64;
        PyObject **references = PyMem_Realloc(r->references, capacity * sizeof(PyObject *));
        if (references == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        r->references = references;
        r->reference_capacity = capacity;
    }
    *number = r->reference_count++;
    r->references[*number] = NULL;
    return 0;
}

static inline void set_reference(Reader *r, int flag, size_t number, PyObject *object) {
    if (flag && object != NULL) r->references[number] = Py_NewRef(object);
}

static PyObject *read_reference(Reader *r) {
    int number;
    if (read_long(r, &number) < 0) return NULL;
    if (number < 0 || (size_t)number >= r->reference_count || r->references[number] == NULL) {
        PyErr_SetString(PyExc_ValueError, "bad marshal data (invalid reference)");
        return NULL;
    }
    return Py_NewRef(r->references[number]);
}

/* Numbers */

static PyObject *read_long_integer(Reader *r) {
    int signed_count;
    if (read_long(r, &signed_count) < 0) return NULL;
    if (signed_count == INT_MIN) {
        PyErr_SetString(PyExc_ValueError, "bad marshal data (long size out of range)");
        return NULL;
    }
    Py_ssize_t count = Py_ABS(signed_count);
    if (count == 0) return PyLong_FromLong(0);
    const uint8_t *data = read_raw(r, 2 * (size_t)count);
    if (data == NULL) return NULL;
    PyLongObject *number = _PyLong_New((count + 1) / 2);
    if (number == NULL) return NULL;
    unsigned last = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        last = data[2 * i] | (unsigned)data[2 * i + 1] << 8;
        if (last > MARSHAL_DIGIT_MASK) {
            Py_DECREF(number);
            PyErr_SetString(PyExc_ValueError, "bad marshal data (digit out of range in long)");
            return NULL;
        }
        if (i % 2 == 0)
            number->ob_digit[i / 2] = last;
        else
            number->ob_digit[i / 2] |= last << MARSHAL_DIGIT_BITS;
    }
    if (last == 0) {
        Py_DECREF(number);
        PyErr_SetString(PyExc_ValueError, "bad marshal data (unnormalized long data)");
        return NULL;
    }
    Py_SET_SIZE(number, signed_count > 0 ? (count + 1) / 2 : -(count + 1) / 2);
    return (PyObject *)number;
}

static PyObject *read_int(Reader *r) {
    int value;
    return read_long(r, &value) < 0 ? NULL : PyLong_FromLong(value);
}

static PyObject *read_int64(Reader *r) {
    const uint8_t *data = read_raw(r, 8);
    return data == NULL ? NULL : _PyLong_FromByteArray(data, 8, 1, 1);
}

/* Reads a double; -1.0 with an exception on error. */
static double read_double(Reader *r) {
    const uint8_t *data = read_raw(r, 8);
    return data == NULL ? -1.0 : PyFloat_Unpack8((const char *)data, 1);
}

static double read_double_text(Reader *r) {
    char text[256];
    int length = read_byte(r);
    if (length < 0) return -1.0;
    const uint8_t *data = read_raw(r, (size_t)length);
    if (data == NULL) return -1.0;
    memcpy(text, data, (size_t)length);
    text[length] = 0;
    return PyOS_string_to_double(text, NULL, NULL);
}

static PyObject *read_float(Reader *r, double (*read)(Reader *)) {
    double value = read(r);
    return value == -1.0 && PyErr_Occurred() ? NULL : PyFloat_FromDouble(value);
}

static PyObject *read_complex(Reader *r, double (*read)(Reader *)) {
    Py_complex value;
    value.real = read(r);
    if (value.real == -1.0 && PyErr_Occurred()) return NULL;
    value.imag = read(r);
    if (value.imag == -1.0 && PyErr_Occurred()) return NULL;
    return PyComplex_FromCComplex(value);
}

/* Strings */

static PyObject *read_bytes(Reader *r) {
    Py_ssize_t size = read_size(r, "bytes object");
    if (size < 0) return NULL;
    const uint8_t *data = read_raw(r, (size_t)size);
    return data == NULL ? NULL : PyBytes_FromStringAndSize((const char *)data, size);
}

static PyObject *read_ascii(Reader *r, Py_ssize_t length, int interned) {
    if (length < 0) return NULL;
    const uint8_t *data = read_raw(r, (size_t)length);
    if (data == NULL) return NULL;
    return interned ? kr_str_intern_latin1(data, length) : PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, data, length);
}

static PyObject *read_text(Reader *r, int interned) {
    Py_ssize_t size = read_size(r, "string");
    if (size < 0) return NULL;
    const uint8_t *data = read_raw(r, (size_t)size);
    if (data == NULL) return NULL;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)data, size, "surrogatepass");
    if (text != NULL && interned) PyUnicode_InternInPlace(&text);
    return text;
}

/* Containers */

/* Reads an item of a container, where the mark that ends a dict is wrong. */
static PyObject *read_item(Reader *r, const char *container) {
    PyObject *item = read_object(r);
    if (item == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "NULL object in marshal data for %s", container);
    return item;
}

static PyObject *read_tuple(Reader *r, Py_ssize_t count, int flag) {
    size_t number = 0;
    if (count < 0 || !has_room_for(r, count)) return NULL;
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL || reserve_reference(r, flag, &number) < 0) goto error;
    set_reference(r, flag, number, tuple);
    /* Hostile data can have a tuple hashed before it is complete: then it should at least be a proper tuple. */
    if (flag)
        for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(Py_None));
    int may_be_in_cycle = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = read_item(r, "tuple");
        if (item == NULL) goto error;
        if (flag) Py_DECREF(Py_None);
        PyTuple_SET_ITEM(tuple, i, item);
        may_be_in_cycle |= PyType_IS_GC(Py_TYPE(item)) && kr_gc_may_be_tracked(item);
    }
    if (!may_be_in_cycle) kr_gc_untrack(tuple); /* nearly all: they hold names, constants and code */
    return tuple;
error:
    Py_XDECREF(tuple);
    return NULL;
}

static PyObject *read_list(Reader *r, int flag) {
    size_t number = 0;
    Py_ssize_t count = read_size(r, "list");
    if (count < 0 || !has_room_for(r, count)) return NULL;
    PyObject *list = PyList_New(count);
    if (list == NULL || reserve_reference(r, flag, &number) < 0) goto error;
    set_reference(r, flag, number, list);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = read_item(r, "list");
        if (item == NULL) goto error;
        PyList_SET_ITEM(list, i, item);
    }
    return list;
error:
    Py_XDECREF(list);
    return NULL;
}

static PyObject *read_dict(Reader *r, int flag) {
    size_t number = 0;
    PyObject *dict = PyDict_New();
    if (dict == NULL || reserve_reference(r, flag, &number) < 0) goto error;
    set_reference(r, flag, number, dict);
    for (;;) {
        PyObject *key = read_object(r);
        if (key == NULL) break;
        PyObject *value = read_object(r);
        int failed = value == NULL || PyDict_SetItem(dict, key, value) < 0;
        Py_DECREF(key);
        Py_XDECREF(value);
        if (failed) break;
    }
    if (!PyErr_Occurred()) return dict;
error:
    Py_XDECREF(dict);
    return NULL;
}

static PyObject *read_set(Reader *r, int is_frozen, int flag) {
    size_t number = 0;
    Py_ssize_t count = read_size(r, "set");
    if (count < 0 || !has_room_for(r, count)) return NULL;
    PyObject *set = is_frozen ? PyFrozenSet_New(NULL) : PySet_New(NULL);
    if (set == NULL || reserve_reference(r, flag, &number) < 0) goto error;
    /* A frozenset can be filled only as long as nobody else has it. */
    if (!is_frozen || count == 0) set_reference(r, flag, number, set);
    if (is_frozen && count > 0 && Py_REFCNT(set) > 1) {
        Py_SETREF(set, PySet_New(NULL));
        if (set == NULL) return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = read_item(r, "set");
        if (item == NULL) goto error;
        int failed = PySet_Add(set, item);
        Py_DECREF(item);
        if (failed < 0) goto error;
    }
    if (is_frozen && !PyFrozenSet_Check(set)) {
        Py_SETREF(set, PyFrozenSet_New(set));
        if (set == NULL) return NULL;
    }
    if (is_frozen && count > 0) set_reference(r, flag, number, set);
    return set;
error:
    Py_XDECREF(set);
    return NULL;
}

/* Code objects */

static PyObject *read_code(Reader *r, int flag) {
    size_t number = 0;
    PyCodeObject *code = NULL;
    KrCodeParts parts = {0};
    int *const counts[] = {&parts.argument_count, &parts.positional_only_count, &parts.keyword_only_count,
                           &parts.stack_size, &parts.flags};
    PyObject **const before_line[] = {&parts.code,           &parts.constants,      &parts.names,
                                      &parts.variable_names, &parts.variable_kinds, &parts.filename,
                                      &parts.name,           &parts.qualified_name};
    PyObject **const after_line[] = {&parts.line_table, &parts.exception_table};
    if (reserve_reference(r, flag, &number) < 0) return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(counts); i++)
        if (read_long(r, counts[i]) < 0) goto done;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(before_line); i++)
        if ((*before_line[i] = read_object(r)) == NULL) goto done;
    if (read_long(r, &parts.first_lineno) < 0) goto done;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(after_line); i++)
        if ((*after_line[i] = read_object(r)) == NULL) goto done;
    if (kr_code_validate(&parts) < 0) goto done;
    code = kr_code_new(&parts);
    set_reference(r, flag, number, (PyObject *)code);
done:
    for (size_t i = 0; i < Py_ARRAY_LENGTH(before_line); i++) Py_XDECREF(*before_line[i]);
    for (size_t i = 0; i < Py_ARRAY_LENGTH(after_line); i++) Py_XDECREF(*after_line[i]);
    return (PyObject *)code;
}

/* Code whose body stays unread for now. Never referred to. */
static PyObject *read_deferred_code(Reader *r) {
    KrCodeParts parts = {0};
    KrCodeCounts counts;
    KrCodeBody body;
    PyCodeObject *code = NULL;
    int *const numbers[] = {&parts.argument_count, &parts.positional_only_count, &parts.keyword_only_count,
                            &parts.stack_size,     &parts.flags,                 &parts.first_lineno,
                            &counts.units,         &counts.variables,            &counts.locals,
                            &counts.plain_cells,   &counts.cells,                &counts.frees,
                            &counts.first_traceable, &body.has_doc};
    PyObject **const objects[] = {&parts.filename, &parts.name, &parts.qualified_name};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(numbers); i++)
        if (read_long(r, numbers[i]) < 0) return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(objects); i++)
        if ((*objects[i] = read_object(r)) == NULL) goto done;
    if (read_long(r, &body.size) < 0) goto done;
    body.data = (const char *)read_raw(r, (size_t)body.size);
    if (body.data != NULL) code = kr_code_new_deferred(&parts, &counts, &body);
done:
    for (size_t i = 0; i < Py_ARRAY_LENGTH(objects); i++) Py_XDECREF(*objects[i]);
    return (PyObject *)code;
}

/* Reads an object that contains others. */
static PyObject *read_container(Reader *r, int type, int flag) {
    PyObject *object;
    r->depth++;
    switch (type) {
        case TYPE_SMALL_TUPLE: object = read_tuple(r, read_byte(r), flag); break;
        case TYPE_TUPLE: object = read_tuple(r, read_size(r, "tuple"), flag); break;
        case TYPE_LIST: object = read_list(r, flag); break;
        case TYPE_DICT: object = read_dict(r, flag); break;
        case TYPE_SET: object = read_set(r, 0, flag); break;
        case TYPE_FROZENSET: object = read_set(r, 1, flag); break;
        default: object = read_code(r, flag); break;
    }
    r->depth--;
    return object;
}

/* Reads an object. Returns NULL without an exception for the mark that ends a dict. */
static PyObject *read_object(Reader *r) {
    int code = read_byte(r), flag = code & FLAG_REFERENCE;
    PyObject *object;
    if (code < 0) return NULL;
    if (r->depth >= MAX_MARSHAL_DEPTH) {
        PyErr_SetString(PyExc_ValueError, "recursion limit exceeded");
        return NULL;
    }
    switch (code & ~FLAG_REFERENCE) {
        case TYPE_REFERENCE: return read_reference(r);
        case TYPE_SHORT_ASCII_INTERNED: object = read_ascii(r, read_byte(r), 1); break;
        case TYPE_SHORT_ASCII: object = read_ascii(r, read_byte(r), 0); break;
        case TYPE_ASCII_INTERNED: object = read_ascii(r, read_size(r, "string"), 1); break;
        case TYPE_ASCII: object = read_ascii(r, read_size(r, "string"), 0); break;
        case TYPE_UNICODE: object = read_text(r, 0); break;
        case TYPE_INTERNED: object = read_text(r, 1); break;
        case TYPE_BYTES: object = read_bytes(r); break;
        case TYPE_INT: object = read_int(r); break;
        case TYPE_INT64: object = read_int64(r); break;
        case TYPE_LONG: object = read_long_integer(r); break;
        case TYPE_FLOAT: object = read_float(r, read_double_text); break;
        case TYPE_BINARY_FLOAT: object = read_float(r, read_double); break;
        case TYPE_COMPLEX: object = read_complex(r, read_double_text); break;
        case TYPE_BINARY_COMPLEX: object = read_complex(r, read_double); break;
        case TYPE_NULL: return NULL;
        case TYPE_NONE: return Py_NewRef(Py_None);
        case TYPE_FALSE: return Py_NewRef(Py_False);
        case TYPE_TRUE: return Py_NewRef(Py_True);
        case TYPE_ELLIPSIS: return Py_NewRef(Py_Ellipsis);
        case TYPE_STOP_ITERATION: return Py_NewRef(PyExc_StopIteration);
        case TYPE_SMALL_TUPLE: case TYPE_TUPLE: case TYPE_LIST: case TYPE_DICT: case TYPE_SET: case TYPE_FROZENSET:
        case TYPE_CODE: return read_container(r, code & ~FLAG_REFERENCE, flag);
        case TYPE_DEFERRED_CODE:
            if (r->is_trusted) return read_deferred_code(r);
            __attribute__((fallthrough));
        default: PyErr_SetString(PyExc_ValueError, "bad marshal data (unknown type code)"); return NULL;
    }
    size_t number;
    if (flag && object != NULL) {
        if (reserve_reference(r, flag, &number) < 0)
            Py_CLEAR(object);
        else
            set_reference(r, flag, number, object);
    }
    return object;
}

/* Reads a whole object and releases the reader's memory. */
static PyObject *read_all(Reader *r) {
    PyObject *object = read_item(r, "object");
    for (size_t i = 0; i < r->reference_count; i++) Py_XDECREF(r->references[i]);
    PyMem_Free(r->references);
    PyMem_Free(r->buffer);
    return object;
}

/* Interface */

PyObject *kr_marshal_read_memory(const char *data, Py_ssize_t size) {
    Reader r = {.next = (const uint8_t *)data, .end = (const uint8_t *)data + size};
    return read_all(&r);
}

PyObject *kr_marshal_read_frozen(const char *data, Py_ssize_t size) {
    Reader r = {.next = (const uint8_t *)data, .end = (const uint8_t *)data + size, .is_trusted = 1};
    return read_all(&r);
}

PyObject *PyMarshal_ReadObjectFromString(const char *data, Py_ssize_t size) {
    return PySys_Audit("marshal.loads", "y#", data, size) < 0 ? NULL : kr_marshal_read_memory(data, size);
}

PyObject *PyMarshal_ReadObjectFromFile(FILE *stream) {
    Reader r = {.next = nothing_in_memory, .end = nothing_in_memory, .stream = stream};
    return read_all(&r);
}

PyObject *PyMarshal_ReadLastObjectFromFile(FILE *stream) { return PyMarshal_ReadObjectFromFile(stream); }

long PyMarshal_ReadLongFromFile(FILE *stream) {
    Reader r = {.next = nothing_in_memory, .end = nothing_in_memory, .stream = stream};
    int value;
    long result = read_long(&r, &value) < 0 ? -1 : value;
    PyMem_Free(r.buffer);
    return result;
}

int PyMarshal_ReadShortFromFile(FILE *stream) {
    Reader r = {.next = nothing_in_memory, .end = nothing_in_memory, .stream = stream};
    const uint8_t *data = read_raw(&r, 2);
    int result = data == NULL ? -1 : (int16_t)(data[0] | data[1] << 8);
    PyMem_Free(r.buffer);
    return result;
}

PyObject *kr_marshal_read_file(PyObject *file) {
    /* Reading nothing shows whether the file gives bytes. */
    PyObject *nothing = PyObject_CallMethod(file, "read", "i", 0);
    if (nothing == NULL) return NULL;
    if (!PyBytes_Check(nothing)) {
        PyErr_Format(PyExc_TypeError, "file.read() returned not bytes but %.100s", Py_TYPE(nothing)->tp_name);
        Py_DECREF(nothing);
        return NULL;
    }
    Py_DECREF(nothing);
    Reader r = {.next = nothing_in_memory, .end = nothing_in_memory, .file = file};
    return read_all(&r);
}
