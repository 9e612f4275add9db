/* Writing the marshal format. */
#include <Python.h>
#include <marshal.h>

#include "compile/marshal_format.h"
#include "types/code.h"

typedef enum WriteError { WRITTEN, UNMARSHALLABLE, TOO_DEEP, NO_MEMORY } WriteError;

/* Objects that were written, by address; the values are their numbers. */
typedef struct WrittenObjects {
    struct {
        PyObject *object; /* owned */
        int number;
    } *entries;
    size_t count, mask;
} WrittenObjects;

typedef struct Writer {
    FILE *file; /* gets what the buffer holds when that is full; NULL to keep all in the buffer */
    char *data;
    size_t count, capacity;
    int version, depth;
    WriteError error;
    WrittenObjects written;
} Writer;

static int reserve(Writer *w, size_t more) {
    if (w->count + more <= w->capacity) return 1;
    if (w->error == NO_MEMORY) return 0;
    if (w->file != NULL && w->count > 0) {
        fwrite(w->data, 1, w->count, w->file);
        w->count = 0;
        if (more <= w->capacity) return 1;
    }
    size_t capacity = w->capacity ? 2 * w->capacity : 1024;
    while (capacity < w->count + more) capacity *= 2;
    char *data = PyMem_Realloc(w->data, capacity);
    if (data == NULL) {
        w->error = NO_MEMORY;
        return 0;
    }
    w->data = data;
    w->capacity = capacity;
    return 1;
}

static void write_byte(Writer *w, int byte) {
    if (reserve(w, 1)) w->data[w->count++] = (char)byte;
}

static void write_raw(Writer *w, const void *data, size_t size) {
    if (!reserve(w, size)) return;
    memcpy(w->data + w->count, data, size);
    w->count += size;
}

static void write_short(Writer *w, unsigned value) {
    char bytes[2] = {(char)value, (char)(value >> 8)};
    write_raw(w, bytes, sizeof bytes);
}

static void write_long(Writer *w, uint32_t value) {
    char bytes[4] = {(char)value, (char)(value >> 8), (char)(value >> 16), (char)(value >> 24)};
    write_raw(w, bytes, sizeof bytes);
}

/* Writes a length; one that does not fit is not marshallable. */
static int write_size(Writer *w, Py_ssize_t size) {
    if (size > INT32_MAX) {
        w->error = UNMARSHALLABLE;
        return 0;
    }
    write_long(w, (uint32_t)size);
    return 1;
}

static void write_sized(Writer *w, const void *data, Py_ssize_t size) {
    if (write_size(w, size)) write_raw(w, data, (size_t)size);
}

/* A part of the object could not be had, for the reason in the exception that is set. */
static void fail(Writer *w) {
    w->error = PyErr_ExceptionMatches(PyExc_MemoryError) ? NO_MEMORY : UNMARSHALLABLE;
}

/* References */

static size_t slot_of(const WrittenObjects *written, const PyObject *object) {
    size_t slot = ((uintptr_t)object >> 4) * 0x9E3779B97F4A7C15u >> 20 & written->mask;
    while (written->entries[slot].object != NULL && written->entries[slot].object != object)
        slot = (slot + 1) & written->mask;
    return slot;
}

static int grow_written(Writer *w) {
    WrittenObjects old = w->written;
    size_t size = old.entries == NULL ? 128 : 2 * (old.mask + 1);
    w->written.entries = PyMem_Calloc(size, sizeof *old.entries);
    if (w->written.entries == NULL) {
        w->written = old;
        w->error = NO_MEMORY;
        return 0;
    }
    w->written.mask = size - 1;
    if (old.entries == NULL) return 1;
    for (size_t i = 0; i <= old.mask; i++)
        if (old.entries[i].object != NULL) w->written.entries[slot_of(&w->written, old.entries[i].object)] = old.entries[i];
    PyMem_Free(old.entries);
    return 1;
}

static void forget_written(Writer *w) {
    if (w->written.entries == NULL) return;
    for (size_t i = 0; i <= w->written.mask; i++) Py_XDECREF(w->written.entries[i].object);
    PyMem_Free(w->written.entries);
    w->written = (WrittenObjects){0};
}

/* Writes a reference if the object was written before, and returns 1. Otherwise remembers it, if it can occur again, and
 * sets *flag. */
static int write_reference(Writer *w, PyObject *object, int *flag) {
    if (w->version < 3) return 0;
    /* An interned string may well be shared, wherever it is now: marking it always makes equal data for equal code. */
    if (Py_REFCNT(object) == 1 && !(PyUnicode_CheckExact(object) && PyUnicode_CHECK_INTERNED(object))) return 0;
    if (4 * (w->written.count + 1) > 3 * w->written.mask && !grow_written(w)) return 1;
    size_t slot = slot_of(&w->written, object);
    if (w->written.entries[slot].object != NULL) {
        write_byte(w, TYPE_REFERENCE);
        write_long(w, (uint32_t)w->written.entries[slot].number);
        return 1;
    }
    if (w->written.count >= INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "too many objects");
        w->error = UNMARSHALLABLE;
        return 1;
    }
    w->written.entries[slot].object = Py_NewRef(object);
    w->written.entries[slot].number = (int)w->written.count++;
    *flag = FLAG_REFERENCE;
    return 0;
}

/* Objects by type */

static void write_object(Writer *w, PyObject *object);

static void write_int(Writer *w, PyObject *number, int flag) {
    int overflow;
    long value = PyLong_AsLongAndOverflow(number, &overflow);
    if (!overflow && value == (int32_t)value) {
        write_byte(w, TYPE_INT | flag);
        write_long(w, (uint32_t)value);
        return;
    }
    /* Digits of 15 bits, two of them in each of ours. */
    const PyLongObject *digits = (const PyLongObject *)number;
    Py_ssize_t count = Py_ABS(Py_SIZE(digits));
    _Static_assert(PyLong_SHIFT == 2 * MARSHAL_DIGIT_BITS, "two digits of the format make one of ours");
    digit top = digits->ob_digit[count - 1];
    Py_ssize_t written = 2 * count - (top >> MARSHAL_DIGIT_BITS == 0);
    if (written > INT32_MAX) {
        w->error = UNMARSHALLABLE;
        return;
    }
    write_byte(w, TYPE_LONG | flag);
    write_long(w, (uint32_t)(Py_SIZE(digits) > 0 ? written : -written));
    for (Py_ssize_t i = 0; i < written; i++)
        write_short(w, digits->ob_digit[i / 2] >> (i % 2 * MARSHAL_DIGIT_BITS) & MARSHAL_DIGIT_MASK);
}

static void write_double(Writer *w, double value) {
    char bytes[8];
    if (PyFloat_Pack8(value, bytes, 1) < 0)
        w->error = UNMARSHALLABLE;
    else
        write_raw(w, bytes, sizeof bytes);
}

static void write_double_text(Writer *w, double value) {
    char *text = PyOS_double_to_string(value, 'g', 17, 0, NULL);
    if (text == NULL) {
        w->error = NO_MEMORY;
        return;
    }
    size_t length = strlen(text);
    write_byte(w, (int)length);
    write_raw(w, text, length);
    PyMem_Free(text);
}

static void write_float(Writer *w, PyObject *object, int flag) {
    if (w->version > 1) {
        write_byte(w, TYPE_BINARY_FLOAT | flag);
        write_double(w, PyFloat_AS_DOUBLE(object));
    } else {
        write_byte(w, TYPE_FLOAT | flag);
        write_double_text(w, PyFloat_AS_DOUBLE(object));
    }
}

static void write_complex(Writer *w, PyObject *object, int flag) {
    Py_complex value = ((PyComplexObject *)object)->cval;
    if (w->version > 1) {
        write_byte(w, TYPE_BINARY_COMPLEX | flag);
        write_double(w, value.real);
        write_double(w, value.imag);
    } else {
        write_byte(w, TYPE_COMPLEX | flag);
        write_double_text(w, value.real);
        write_double_text(w, value.imag);
    }
}

static void write_text(Writer *w, PyObject *text, int flag) {
    int is_interned = PyUnicode_CHECK_INTERNED(text) != 0;
    if (w->version >= 4 && PyUnicode_IS_ASCII(text)) {
        Py_ssize_t length = PyUnicode_GET_LENGTH(text);
        if (length < 256) {
            write_byte(w, (is_interned ? TYPE_SHORT_ASCII_INTERNED : TYPE_SHORT_ASCII) | flag);
            write_byte(w, (int)length);
            write_raw(w, PyUnicode_1BYTE_DATA(text), (size_t)length);
        } else {
            write_byte(w, (is_interned ? TYPE_ASCII_INTERNED : TYPE_ASCII) | flag);
            write_sized(w, PyUnicode_1BYTE_DATA(text), length);
        }
        return;
    }
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf8", "surrogatepass");
    if (bytes == NULL) {
        fail(w);
        return;
    }
    write_byte(w, (w->version >= 3 && is_interned ? TYPE_INTERNED : TYPE_UNICODE) | flag);
    write_sized(w, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
}

static void write_tuple(Writer *w, PyObject *tuple, int flag) {
    Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    if (w->version >= 4 && count < 256) {
        write_byte(w, TYPE_SMALL_TUPLE | flag);
        write_byte(w, (int)count);
    } else {
        write_byte(w, TYPE_TUPLE | flag);
        if (!write_size(w, count)) return;
    }
    for (Py_ssize_t i = 0; i < count; i++) write_object(w, PyTuple_GET_ITEM(tuple, i));
}

static void write_list(Writer *w, PyObject *list, int flag) {
    Py_ssize_t count = PyList_GET_SIZE(list);
    write_byte(w, TYPE_LIST | flag);
    if (!write_size(w, count)) return;
    for (Py_ssize_t i = 0; i < count; i++) write_object(w, i < PyList_GET_SIZE(list) ? PyList_GET_ITEM(list, i) : NULL);
}

static void write_dict(Writer *w, PyObject *dict, int flag) {
    write_byte(w, TYPE_DICT | flag);
    Py_ssize_t position = 0;
    PyObject *key, *value;
    while (PyDict_Next(dict, &position, &key, &value)) {
        write_object(w, key);
        write_object(w, value);
    }
    write_object(w, NULL);
}

/* The elements go in the order of their marshalled form, so that equal sets give equal data. */
static void write_set(Writer *w, PyObject *set, int flag) {
    Py_ssize_t count = PySet_GET_SIZE(set);
    write_byte(w, (PyFrozenSet_CheckExact(set) ? TYPE_FROZENSET : TYPE_SET) | flag);
    if (!write_size(w, count)) return;
    PyObject *pairs = PyList_New(0), *element;
    if (pairs == NULL) {
        w->error = NO_MEMORY;
        return;
    }
    Py_ssize_t position = 0;
    Py_hash_t hash;
    while (_PySet_NextEntry(set, &position, &element, &hash)) {
        PyObject *data = PyMarshal_WriteObjectToString(element, w->version);
        if (data == NULL) {
            fail(w);
            goto done;
        }
        PyObject *pair = PyTuple_Pack(2, data, element);
        Py_DECREF(data);
        int failed = pair == NULL || PyList_Append(pairs, pair) < 0;
        Py_XDECREF(pair);
        if (failed) {
            w->error = NO_MEMORY;
            goto done;
        }
    }
    if (PyList_Sort(pairs) < 0) {
        w->error = NO_MEMORY;
        goto done;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(pairs); i++)
        write_object(w, PyTuple_GET_ITEM(PyList_GET_ITEM(pairs, i), 1));
done:
    Py_DECREF(pairs);
}

static void write_code(Writer *w, PyCodeObject *code, int flag) {
    PyObject *bytes = PyCode_GetCode(code);
    if (bytes == NULL) {
        fail(w);
        return;
    }
    write_byte(w, TYPE_CODE | flag);
    write_long(w, (uint32_t)code->co_argcount);
    write_long(w, (uint32_t)code->co_posonlyargcount);
    write_long(w, (uint32_t)code->co_kwonlyargcount);
    write_long(w, (uint32_t)code->co_stacksize);
    write_long(w, (uint32_t)code->co_flags);
    write_object(w, bytes);
    write_object(w, code->co_consts);
    write_object(w, code->co_names);
    write_object(w, code->co_localsplusnames);
    write_object(w, code->co_localspluskinds);
    write_object(w, code->co_filename);
    write_object(w, code->co_name);
    write_object(w, code->co_qualname);
    write_long(w, (uint32_t)code->co_firstlineno);
    write_object(w, code->co_linetable);
    write_object(w, code->co_exceptiontable);
    Py_DECREF(bytes);
}

static void write_buffer(Writer *w, PyObject *object, int flag) {
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) < 0) {
        write_byte(w, TYPE_UNKNOWN);
        w->error = UNMARSHALLABLE;
        return;
    }
    write_byte(w, TYPE_BYTES | flag);
    write_sized(w, view.buf, view.len);
    PyBuffer_Release(&view);
}

static void write_referable(Writer *w, PyObject *object) {
    int flag = 0;
    if (write_reference(w, object, &flag)) return;
    PyTypeObject *type = Py_TYPE(object);
    if (type == &PyLong_Type) {
        write_int(w, object, flag);
    } else if (type == &PyFloat_Type) {
        write_float(w, object, flag);
    } else if (type == &PyComplex_Type) {
        write_complex(w, object, flag);
    } else if (type == &PyBytes_Type) {
        write_byte(w, TYPE_BYTES | flag);
        write_sized(w, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object));
    } else if (type == &PyUnicode_Type) {
        write_text(w, object, flag);
    } else if (type == &PyTuple_Type) {
        write_tuple(w, object, flag);
    } else if (type == &PyList_Type) {
        write_list(w, object, flag);
    } else if (type == &PyDict_Type) {
        write_dict(w, object, flag);
    } else if (type == &PySet_Type || type == &PyFrozenSet_Type) {
        write_set(w, object, flag);
    } else if (type == &PyCode_Type) {
        write_code(w, (PyCodeObject *)object, flag);
    } else if (PyObject_CheckBuffer(object)) {
        write_buffer(w, object, flag);
    } else {
        write_byte(w, TYPE_UNKNOWN);
        w->error = UNMARSHALLABLE;
    }
}

/* Writes an object; NULL as the mark that ends a dict. */
static void write_object(Writer *w, PyObject *object) {
    if (w->error != WRITTEN) return;
    if (++w->depth > MAX_MARSHAL_DEPTH)
        w->error = TOO_DEEP;
    else if (object == NULL)
        write_byte(w, TYPE_NULL);
    else if (object == Py_None)
        write_byte(w, TYPE_NONE);
    else if (object == PyExc_StopIteration)
        write_byte(w, TYPE_STOP_ITERATION);
    else if (object == Py_Ellipsis)
        write_byte(w, TYPE_ELLIPSIS);
    else if (object == Py_False)
        write_byte(w, TYPE_FALSE);
    else if (object == Py_True)
        write_byte(w, TYPE_TRUE);
    else
        write_referable(w, object);
    w->depth--;
}

/* Interface */

void PyMarshal_WriteLongToFile(long value, FILE *file, int version) {
    Writer w = {.file = file, .version = version};
    write_long(&w, (uint32_t)value);
    fwrite(w.data, 1, w.count, file);
    PyMem_Free(w.data);
}

void PyMarshal_WriteObjectToFile(PyObject *object, FILE *file, int version) {
    if (PySys_Audit("marshal.dumps", "Oi", object, version) < 0) return;
    Writer w = {.file = file, .version = version};
    write_object(&w, object);
    forget_written(&w);
    fwrite(w.data, 1, w.count, file);
    PyMem_Free(w.data);
}

PyObject *PyMarshal_WriteObjectToString(PyObject *object, int version) {
    if (PySys_Audit("marshal.dumps", "Oi", object, version) < 0) return NULL;
    Writer w = {.version = version};
    write_object(&w, object);
    forget_written(&w);
    PyObject *result = NULL;
    if (w.error == WRITTEN)
        result = PyBytes_FromStringAndSize(w.data, (Py_ssize_t)w.count);
    else if (w.error == NO_MEMORY)
        PyErr_NoMemory();
    else
        PyErr_SetString(PyExc_ValueError, w.error == UNMARSHALLABLE ? "unmarshallable object"
                                                                    : "object too deeply nested to marshal");
    PyMem_Free(w.data);
    return result;
}
