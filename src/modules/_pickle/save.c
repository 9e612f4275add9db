/* Pickling of the built-in types, and the choice of how to pickle an object. */
#include <Python.h>

#include "modules/_pickle/pickle.h"
#include "types/int.h"

enum { FAST_NESTING_LIMIT = 50 /* depth from which on fast mode looks for cycles */ };

static inline __attribute__((always_inline)) void put_little_endian(char *place, size_t value, int bytes) {
    for (int i = 0; i < bytes; i++) place[i] = (char)(value >> 8 * i);
}

/* Writes an opcode with an unsigned argument of that many bytes. */
static inline __attribute__((always_inline)) int write_op_number(Pickler *self, int op, size_t value, int bytes) {
    char *place = reserve(self, 1 + bytes);
    if (place == NULL) return -1;
    place[0] = (char)op;
    put_little_endian(place + 1, value, bytes);
    self->length += 1 + bytes;
    return 0;
}

/* Writes an opcode with a decimal number and a line feed. */
static int write_op_decimal(Pickler *self, int op, long value) {
    char text[32], *end = text + sizeof(text), *place = end;
    *--place = '\n';
    place = kr_int_digits_before(place, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
    if (value < 0) *--place = '-';
    *--place = (char)op;
    return kr_pickle_write(self, place, end - place);
}

/* --- The memo. */

int kr_pickle_save_get(Pickler *self, Py_ssize_t index) {
    if (!self->binary) return write_op_decimal(self, OP_GET, (long)index);
    if (index < 256) return write_op_number(self, OP_BINGET, (size_t)index, 1);
    if ((size_t)index <= 0xFFFFFFFFu) return write_op_number(self, OP_LONG_BINGET, (size_t)index, 4);
    PyErr_SetString(self->state->pickling_error, "memo id too large for LONG_BINGET");
    return -1;
}

int kr_pickle_memoize(Pickler *self, PyObject *object) {
    if (self->fast) return 0;
    Py_ssize_t index = self->memo->used;
    if (kr_pickle_memo_set(self->memo, object, index) < 0) return -1;
    if (self->protocol >= 4) return write_op(self, OP_MEMOIZE);
    if (!self->binary) return write_op_decimal(self, OP_PUT, (long)index);
    if (index < 256) return write_op_number(self, OP_BINPUT, (size_t)index, 1);
    if ((size_t)index <= 0xFFFFFFFFu) return write_op_number(self, OP_LONG_BINPUT, (size_t)index, 4);
    PyErr_SetString(self->state->pickling_error, "memo id too large for LONG_BINPUT");
    return -1;
}

/* Fast mode has no memo to stop at in a cycle: deep down, ids of objects are remembered. Returns false with an exception. */
static bool fast_enter(Pickler *self, PyObject *object) {
    if (++self->fast_nesting < FAST_NESTING_LIMIT) return true;
    int known = -1;
    PyObject *id = NULL;
    if (self->fast_memo == NULL && (self->fast_memo = PyDict_New()) == NULL) goto error;
    if ((id = PyLong_FromVoidPtr(object)) == NULL) goto error;
    known = PyDict_Contains(self->fast_memo, id);
    if (known > 0) {
        PyErr_Format(PyExc_ValueError, "fast mode: can't pickle cyclic objects including object type %.200s at %p",
                     Py_TYPE(object)->tp_name, object);
    }
    if (known != 0 || PyDict_SetItem(self->fast_memo, id, Py_None) < 0) goto error;
    Py_DECREF(id);
    return true;
error:
    Py_XDECREF(id);
    self->fast_nesting = -1;
    return false;
}

static bool fast_leave(Pickler *self, PyObject *object) {
    if (self->fast_nesting-- < FAST_NESTING_LIMIT) return true;
    PyObject *id = PyLong_FromVoidPtr(object);
    if (id == NULL) return false;
    int failed = PyDict_DelItem(self->fast_memo, id);
    Py_DECREF(id);
    return !failed;
}

/* --- Atoms. */

static int save_bool(Pickler *self, PyObject *object) {
    bool truth = object == Py_True;
    if (self->protocol >= 2) return write_op(self, truth ? OP_NEWTRUE : OP_NEWFALSE);
    return kr_pickle_write(self, truth ? "I01\n" : "I00\n", 4);
}

/* An int that fits no binary instruction of fixed size. */
static int save_big_int(Pickler *self, PyObject *object) {
    if (self->protocol < 2) {
        PyObject *repr = PyObject_Repr(object);
        if (repr == NULL) return -1;
        Py_ssize_t size;
        const char *digits = PyUnicode_AsUTF8AndSize(repr, &size);
        int result = digits == NULL || write_op(self, OP_LONG) < 0 || kr_pickle_write(self, digits, size) < 0
                         ? -1
                         : kr_pickle_write(self, "L\n", 2);
        Py_DECREF(repr);
        return result;
    }
    int sign = _PyLong_Sign(object);
    size_t bits = _PyLong_NumBits(object);
    if (bits == (size_t)-1 && PyErr_Occurred()) return -1;
    /* One byte more than the bits fill, as there is a sign bit. */
    size_t bytes = sign == 0 ? 0 : (bits >> 3) + 1;
    if (bytes > 0x7FFFFFFF) {
        PyErr_SetString(PyExc_OverflowError, "int too large to pickle");
        return -1;
    }
    char *place = reserve(self, (Py_ssize_t)bytes + 5);
    if (place == NULL) return -1;
    unsigned char *digits = (unsigned char *)place + 5;
    if (bytes > 0 && _PyLong_AsByteArray((PyLongObject *)object, digits, bytes, 1, 1) < 0) return -1;
    if (sign < 0 && bytes > 1 && digits[bytes - 1] == 0xFF && (digits[bytes - 2] & 0x80)) bytes--;
    if (bytes < 256) {
        place[0] = (char)OP_LONG1;
        place[1] = (char)bytes;
        memmove(place + 2, digits, bytes);
        self->length += 2 + (Py_ssize_t)bytes;
    } else {
        place[0] = (char)OP_LONG4;
        put_little_endian(place + 1, bytes, 4);
        self->length += 5 + (Py_ssize_t)bytes;
    }
    return 0;
}

static int save_int(Pickler *self, PyObject *object) {
    if (!kr_int_is_medium((PyLongObject *)object)) return save_big_int(self, object);
    int64_t value = kr_int_medium((PyLongObject *)object);
    if (value > INT32_MAX || value < INT32_MIN) return save_big_int(self, object);
    if (!self->binary) return write_op_decimal(self, OP_INT, value);
    if (value >= 0 && value <= 0xFF) return write_op_number(self, OP_BININT1, (size_t)value, 1);
    if (value >= 0 && value <= 0xFFFF) return write_op_number(self, OP_BININT2, (size_t)value, 2);
    return write_op_number(self, OP_BININT, (size_t)value, 4);
}

static int save_float(Pickler *self, PyObject *object) {
    double value = PyFloat_AS_DOUBLE(object);
    if (self->binary) {
        char bytes[9] = {OP_BINFLOAT};
        return PyFloat_Pack8(value, bytes + 1, 0) < 0 ? -1 : kr_pickle_write(self, bytes, 9);
    }
    char *text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) return -1;
    int result = write_op(self, OP_FLOAT) < 0 || kr_pickle_write(self, text, (Py_ssize_t)strlen(text)) < 0
                     ? -1
                     : kr_pickle_write(self, "\n", 1);
    PyMem_Free(text);
    return result;
}

/* Writes what builds (callable, (args...)), given as the tuple `value`, whose reference it takes; it may be NULL. */
static int save_as_call(Pickler *self, PyObject *value, PyObject *object) {
    if (value == NULL) return -1;
    int result = kr_pickle_save_reduce(self, value, object);
    Py_DECREF(value);
    return result;
}

/* The bytes are in the object, or in the buffer that it is a view of. */
static int save_bytes_data(Pickler *self, PyObject *object, const char *data, Py_ssize_t size) {
    char header[9];
    int header_size;
    if ((size_t)size <= 0xFF) {
        header[0] = OP_SHORT_BINBYTES;
        header[1] = (char)size;
        header_size = 2;
    } else if ((size_t)size <= 0xFFFFFFFFu) {
        header[0] = OP_BINBYTES;
        put_little_endian(header + 1, (size_t)size, 4);
        header_size = 5;
    } else if (self->protocol >= 4) {
        header[0] = (char)OP_BINBYTES8;
        put_little_endian(header + 1, (size_t)size, 8);
        header_size = 9;
    } else {
        PyErr_SetString(PyExc_OverflowError,
                        "serializing a bytes object larger than 4 GiB requires pickle protocol 4 or higher");
        return -1;
    }
    return kr_pickle_write_large(self, header, header_size, data, size, object) < 0 ? -1
                                                                                    : kr_pickle_memoize(self, object);
}

/* Returns what an object is reduced to: the pair of a function and its arguments. Takes the reference to the arguments, which
 * may be NULL with an exception. */
static PyObject *call_pair(PyObject *function, PyObject *arguments) {
    if (arguments == NULL) return NULL;
    PyObject *pair = PyTuple_Pack(2, function, arguments);
    Py_DECREF(arguments);
    return pair;
}

static int save_bytes(Pickler *self, PyObject *object) {
    if (self->protocol >= 3)
        return save_bytes_data(self, object, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object));
    /* Python 2 has no such type: encode a str. */
    if (PyBytes_GET_SIZE(object) == 0) return save_as_call(self, call_pair((PyObject *)&PyBytes_Type, PyTuple_New(0)), object);
    PyObject *text = PyUnicode_DecodeLatin1(PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), "strict");
    if (text == NULL) return -1;
    PyObject *value = call_pair(self->state->codecs_encode, PyTuple_Pack(2, text, NAME(self->state, latin1)));
    Py_DECREF(text);
    return save_as_call(self, value, object);
}

static int save_bytearray_data(Pickler *self, PyObject *object, const char *data, Py_ssize_t size) {
    char header[9] = {(char)OP_BYTEARRAY8};
    put_little_endian(header + 1, (size_t)size, 8);
    return kr_pickle_write_large(self, header, 9, data, size, object) < 0 ? -1 : kr_pickle_memoize(self, object);
}

static int save_bytearray(Pickler *self, PyObject *object) {
    if (self->protocol >= 5)
        return save_bytearray_data(self, object, PyByteArray_AS_STRING(object), PyByteArray_GET_SIZE(object));
    if (PyByteArray_GET_SIZE(object) == 0)
        return save_as_call(self, call_pair((PyObject *)&PyByteArray_Type, PyTuple_New(0)), object);
    PyObject *bytes = PyBytes_FromObject(object);
    if (bytes == NULL) return -1;
    PyObject *value = call_pair((PyObject *)&PyByteArray_Type, PyTuple_Pack(1, bytes));
    Py_DECREF(bytes);
    return save_as_call(self, value, object);
}

static int save_picklebuffer(Pickler *self, PyObject *object) {
    PyObject *error = self->state->pickling_error;
    if (self->protocol < 5) {
        PyErr_SetString(error, "PickleBuffer can only pickled with protocol >= 5");
        return -1;
    }
    const Py_buffer *view = PyPickleBuffer_GetBuffer(object);
    if (view == NULL) return -1;
    if (view->suboffsets != NULL || !PyBuffer_IsContiguous(view, 'A')) {
        PyErr_SetString(error, "PickleBuffer can not be pickled when pointing to a non-contiguous buffer");
        return -1;
    }
    int in_band = 1;
    if (self->buffer_callback != NULL) {
        PyObject *answer = kr_pickle_call_hook(self->buffer_callback, NULL, object);
        if (answer == NULL) return -1;
        in_band = PyObject_IsTrue(answer);
        Py_DECREF(answer);
        if (in_band < 0) return -1;
        /* The callback may have released the buffer. */
        if ((view = PyPickleBuffer_GetBuffer(object)) == NULL) return -1;
    }
    if (in_band) {
        return view->readonly ? save_bytes_data(self, object, view->buf, view->len)
                              : save_bytearray_data(self, object, view->buf, view->len);
    }
    if (write_op(self, OP_NEXT_BUFFER) < 0) return -1;
    return view->readonly ? write_op(self, OP_READONLY_BUFFER) : 0;
}

/* Characters that stand for one in protocol 0. */
static inline Py_ssize_t raw_length(Py_UCS4 ch) {
    if (ch >= 0x10000) return 10;
    return ch >= 256 || ch == '\\' || ch == 0 || ch == '\n' || ch == '\r' || ch == 0x1A ? 6 : 1;
}

/* Writes text in protocol 0, where characters above Latin-1, and those that would confuse a reader, are escaped. */
static int save_raw_unicode(Pickler *self, PyObject *text) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), size = 2;
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_ssize_t needed = raw_length(PyUnicode_READ(kind, data, i));
        if (size > PY_SSIZE_T_MAX - needed) {
            PyErr_NoMemory();
            return -1;
        }
        size += needed;
    }
    char *place = reserve(self, size);
    if (place == NULL) return -1;
    *place++ = (char)OP_UNICODE;
    if (size == length + 2 && kind == PyUnicode_1BYTE_KIND) {
        memcpy(place, data, (size_t)length);
        place += length;
    } else {
        for (Py_ssize_t i = 0; i < length; i++) {
            Py_UCS4 ch = PyUnicode_READ(kind, data, i);
            int digits = (int)raw_length(ch) - 2;
            if (digits < 0) {
                *place++ = (char)ch;
                continue;
            }
            *place++ = '\\';
            *place++ = digits == 8 ? 'U' : 'u';
            while (digits-- > 0) *place++ = Py_hexdigits[ch >> (4 * digits) & 15];
        }
    }
    *place = '\n';
    self->length += size;
    return 0;
}

static int save_utf8(Pickler *self, PyObject *object, const char *data, Py_ssize_t size) {
    char header[9];
    int header_size;
    if ((size_t)size <= 0xFF && self->protocol >= 4) {
        header[0] = (char)OP_SHORT_BINUNICODE;
        header[1] = (char)size;
        header_size = 2;
    } else if ((size_t)size <= 0xFFFFFFFFu) {
        header[0] = OP_BINUNICODE;
        put_little_endian(header + 1, (size_t)size, 4);
        header_size = 5;
    } else if (self->protocol >= 4) {
        header[0] = (char)OP_BINUNICODE8;
        put_little_endian(header + 1, (size_t)size, 8);
        header_size = 9;
    } else {
        PyErr_SetString(PyExc_OverflowError, "serializing a string larger than 4 GiB requires pickle protocol 4 or higher");
        return -1;
    }
    return kr_pickle_write_large(self, header, header_size, data, size, NULL);
}

/* The bytes that a character takes in UTF-8; surrogates are encoded like others. */
static inline int utf8_width(Py_UCS4 ch) { return 1 + (ch >= 0x80) + (ch >= 0x800) + (ch >= 0x10000); }

/* Text with characters outside ASCII. */
static int save_other_text(Pickler *self, PyObject *object) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(object), size = 0;
    int kind = PyUnicode_KIND(object);
    const void *data = PyUnicode_DATA(object);
    if (length < FRAME_TARGET_SIZE / 4) {
        for (Py_ssize_t i = 0; i < length; i++) size += utf8_width(PyUnicode_READ(kind, data, i));
        bool is_short = size <= 0xFF && self->protocol >= 4;
        if (is_short ? write_op_number(self, OP_SHORT_BINUNICODE, (size_t)size, 1) < 0
                     : write_op_number(self, OP_BINUNICODE, (size_t)size, 4) < 0)
            return -1;
        unsigned char *place = (unsigned char *)reserve(self, size);
        if (place == NULL) return -1;
        for (Py_ssize_t i = 0; i < length; i++) {
            Py_UCS4 ch = PyUnicode_READ(kind, data, i);
            int width = utf8_width(ch);
            static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
            for (int j = width - 1; j > 0; j--, ch >>= 6) place[j] = 0x80 | (ch & 0x3F);
            place[0] = (unsigned char)(lead[width] | ch);
            place += width;
        }
        self->length += size;
        return 0;
    }
    PyObject *bytes = _PyUnicode_AsUTF8String(object, "surrogatepass");
    if (bytes == NULL) return -1;
    int result = save_utf8(self, object, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
    Py_DECREF(bytes);
    return result;
}

static int save_str(Pickler *self, PyObject *object) {
    int result;
    if (PyUnicode_READY(object) < 0) return -1;
    if (!self->binary) {
        result = save_raw_unicode(self, object);
    } else if (PyUnicode_IS_ASCII(object) && PyUnicode_GET_LENGTH(object) <= 0xFF && self->protocol >= 4) {
        Py_ssize_t size = PyUnicode_GET_LENGTH(object);
        char *place = reserve(self, 2 + size);
        if (place == NULL) return -1;
        place[0] = (char)OP_SHORT_BINUNICODE;
        place[1] = (char)size;
        memcpy(place + 2, PyUnicode_DATA(object), (size_t)size);
        self->length += 2 + size;
        result = 0;
    } else if (PyUnicode_IS_ASCII(object)) {
        result = save_utf8(self, object, PyUnicode_DATA(object), PyUnicode_GET_LENGTH(object));
    } else {
        result = save_other_text(self, object);
    }
    return result < 0 ? -1 : kr_pickle_memoize(self, object);
}

/* --- Containers. */

static int save_items_of_tuple(Pickler *self, PyObject *tuple) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        if (kr_pickle_save(self, PyTuple_GET_ITEM(tuple, i), true) < 0) return -1;
    }
    return 0;
}

/* An object that is in the memo after its items have been saved is part of a cycle: throws away the items, and takes it
   from the memo. Returns 1 if that happened, 0 if not, -1 with an exception. */
static int take_from_cycle(Pickler *self, PyObject *object, Py_ssize_t pops, bool marked) {
    const MemoEntry *entry = memo_find(self->memo, object);
    if (entry->object == NULL) return 0;
    Py_ssize_t index = entry->index;
    if (marked && self->binary) {
        if (write_op(self, OP_POP_MARK) < 0) return -1;
    } else {
        for (Py_ssize_t i = 0; i < pops + marked; i++) {
            if (write_op(self, OP_POP) < 0) return -1;
        }
    }
    return kr_pickle_save_get(self, index) < 0 ? -1 : 1;
}

static int save_tuple(Pickler *self, PyObject *object) {
    Py_ssize_t size = PyTuple_GET_SIZE(object);
    if (size == 0) {
        return self->binary ? write_op(self, OP_EMPTY_TUPLE) : kr_pickle_write(self, (char[]){OP_MARK, OP_TUPLE}, 2);
    }
    bool short_form = size <= 3 && self->protocol >= 2;
    if (!short_form && write_op(self, OP_MARK) < 0) return -1;
    if (save_items_of_tuple(self, object) < 0) return -1;
    int cyclic = take_from_cycle(self, object, size, !short_form);
    if (cyclic != 0) return cyclic < 0 ? -1 : 0;
    if (write_op(self, short_form ? OP_TUPLE1 + (int)size - 1 : OP_TUPLE) < 0) return -1;
    return kr_pickle_memoize(self, object);
}

int kr_pickle_batch_list(Pickler *self, PyObject *iterator) {
    PyObject *item;
    if (!self->binary) {
        while ((item = PyIter_Next(iterator)) != NULL) {
            int failed = kr_pickle_save(self, item, true) < 0 || write_op(self, OP_APPEND) < 0;
            Py_DECREF(item);
            if (failed) return -1;
        }
        return PyErr_Occurred() ? -1 : 0;
    }
    int count;
    do {
        count = 0;
        PyObject *first = PyIter_Next(iterator);
        if (first == NULL) return PyErr_Occurred() ? -1 : 0;
        item = PyIter_Next(iterator);
        bool alone = item == NULL;
        if (alone && PyErr_Occurred()) {
            Py_DECREF(first);
            return -1;
        }
        int failed = (!alone && write_op(self, OP_MARK) < 0) || kr_pickle_save(self, first, true) < 0;
        Py_DECREF(first);
        if (alone) return failed ? -1 : write_op(self, OP_APPEND);
        count = 1;
        while (!failed && item != NULL) {
            failed = kr_pickle_save(self, item, true) < 0;
            Py_CLEAR(item);
            if (failed || ++count == BATCH_SIZE) break;
            item = PyIter_Next(iterator);
            failed = item == NULL && PyErr_Occurred();
        }
        Py_XDECREF(item);
        if (failed || write_op(self, OP_APPENDS) < 0) return -1;
    } while (count == BATCH_SIZE);
    return 0;
}

static int save_list_item(Pickler *self, PyObject *list, Py_ssize_t index) {
    PyObject *item = Py_NewRef(PyList_GET_ITEM(list, index));
    int result = kr_pickle_save(self, item, true);
    Py_DECREF(item);
    return result;
}

static int batch_exact_list(Pickler *self, PyObject *list) {
    if (PyList_GET_SIZE(list) == 1) return save_list_item(self, list, 0) < 0 ? -1 : write_op(self, OP_APPEND);
    Py_ssize_t done = 0;
    do {
        if (write_op(self, OP_MARK) < 0) return -1;
        for (int count = 0; count < BATCH_SIZE && done < PyList_GET_SIZE(list); count++) {
            if (save_list_item(self, list, done++) < 0) return -1;
        }
        if (write_op(self, OP_APPENDS) < 0) return -1;
    } while (done < PyList_GET_SIZE(list));
    return 0;
}

static int save_list(Pickler *self, PyObject *object) {
    int result = -1;
    if (self->fast && !fast_enter(self, object)) goto done;
    if ((self->binary ? write_op(self, OP_EMPTY_LIST) : kr_pickle_write(self, (char[]){OP_MARK, OP_LIST}, 2)) < 0)
        goto done;
    if (kr_pickle_memoize(self, object) < 0) goto done;
    result = 0;
    if (PyList_GET_SIZE(object) == 0) goto done;
    if (PyList_CheckExact(object) && self->binary) {
        if (Py_EnterRecursiveCall(" while pickling an object")) {
            result = -1;
            goto done;
        }
        result = batch_exact_list(self, object);
        Py_LeaveRecursiveCall();
    } else {
        PyObject *iterator = PyObject_GetIter(object);
        result = -1;
        if (iterator == NULL) goto done;
        result = kr_pickle_batch_list(self, iterator);
        Py_DECREF(iterator);
    }
done:
    if (self->fast && !fast_leave(self, object)) result = -1;
    return result;
}

/* Saves both items of a pair. */
static int save_pair(Pickler *self, PyObject *pair) {
    return kr_pickle_save(self, PyTuple_GET_ITEM(pair, 0), true) < 0
               ? -1
               : kr_pickle_save(self, PyTuple_GET_ITEM(pair, 1), true);
}

/* The next item of an iterator over pairs. Returns NULL at the end, or with an exception. */
static PyObject *next_pair(PyObject *iterator) {
    PyObject *pair = PyIter_Next(iterator);
    if (pair == NULL || (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2)) return pair;
    Py_DECREF(pair);
    PyErr_SetString(PyExc_TypeError, "dict items iterator must return 2-tuples");
    return NULL;
}

int kr_pickle_batch_dict(Pickler *self, PyObject *iterator) {
    PyObject *pair;
    if (!self->binary) {
        while ((pair = next_pair(iterator)) != NULL) {
            int failed = save_pair(self, pair) < 0 || write_op(self, OP_SETITEM) < 0;
            Py_DECREF(pair);
            if (failed) return -1;
        }
        return PyErr_Occurred() ? -1 : 0;
    }
    int count;
    do {
        PyObject *first = next_pair(iterator);
        if (first == NULL) return PyErr_Occurred() ? -1 : 0;
        pair = next_pair(iterator);
        bool alone = pair == NULL;
        if (alone && PyErr_Occurred()) {
            Py_DECREF(first);
            return -1;
        }
        int failed = (!alone && write_op(self, OP_MARK) < 0) || save_pair(self, first) < 0;
        Py_DECREF(first);
        if (alone) return failed ? -1 : write_op(self, OP_SETITEM);
        count = 1;
        while (!failed && pair != NULL) {
            failed = save_pair(self, pair) < 0;
            Py_CLEAR(pair);
            if (failed || ++count == BATCH_SIZE) break;
            pair = next_pair(iterator);
            failed = pair == NULL && PyErr_Occurred();
        }
        Py_XDECREF(pair);
        if (failed || write_op(self, OP_SETITEMS) < 0) return -1;
    } while (count == BATCH_SIZE);
    return 0;
}

/* Saves a key and a value that the dict may lose while they are saved. */
static int save_key_value(Pickler *self, PyObject *key, PyObject *value) {
    Py_INCREF(key);
    Py_INCREF(value);
    int result = kr_pickle_save(self, key, true) < 0 ? -1 : kr_pickle_save(self, value, true);
    Py_DECREF(key);
    Py_DECREF(value);
    return result;
}

static int batch_exact_dict(Pickler *self, PyObject *dict) {
    PyObject *key, *value;
    Py_ssize_t pos = 0, size = PyDict_GET_SIZE(dict);
    if (size == 1) {
        PyDict_Next(dict, &pos, &key, &value);
        return save_key_value(self, key, value) < 0 ? -1 : write_op(self, OP_SETITEM);
    }
    int count;
    do {
        count = 0;
        if (write_op(self, OP_MARK) < 0) return -1;
        while (PyDict_Next(dict, &pos, &key, &value)) {
            if (save_key_value(self, key, value) < 0) return -1;
            if (++count == BATCH_SIZE) break;
        }
        if (write_op(self, OP_SETITEMS) < 0) return -1;
        if (PyDict_GET_SIZE(dict) != size) {
            PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
            return -1;
        }
    } while (count == BATCH_SIZE);
    return 0;
}

static int save_dict(Pickler *self, PyObject *object) {
    int result = -1;
    if (self->fast && !fast_enter(self, object)) goto done;
    if ((self->binary ? write_op(self, OP_EMPTY_DICT) : kr_pickle_write(self, (char[]){OP_MARK, OP_DICT}, 2)) < 0)
        goto done;
    if (kr_pickle_memoize(self, object) < 0) goto done;
    result = 0;
    if (PyDict_GET_SIZE(object) == 0) goto done;
    if (PyDict_CheckExact(object) && self->binary) {
        if (Py_EnterRecursiveCall(" while pickling an object")) {
            result = -1;
            goto done;
        }
        result = batch_exact_dict(self, object);
        Py_LeaveRecursiveCall();
    } else {
        result = -1;
        PyObject *items = PyObject_CallMethodNoArgs(object, NAME(self->state, items));
        PyObject *iterator = items != NULL ? PyObject_GetIter(items) : NULL;
        Py_XDECREF(items);
        if (iterator == NULL) goto done;
        if (Py_EnterRecursiveCall(" while pickling an object") == 0) {
            result = kr_pickle_batch_dict(self, iterator);
            Py_LeaveRecursiveCall();
        }
        Py_DECREF(iterator);
    }
done:
    if (self->fast && !fast_leave(self, object)) result = -1;
    return result;
}

static int save_set_as_list(Pickler *self, PyObject *object, PyTypeObject *type) {
    PyObject *items = PySequence_List(object);
    if (items == NULL) return -1;
    PyObject *value = call_pair((PyObject *)type, PyTuple_Pack(1, items));
    Py_DECREF(items);
    return save_as_call(self, value, object);
}

static int save_set(Pickler *self, PyObject *object) {
    PyObject *item;
    Py_hash_t hash;
    Py_ssize_t pos = 0, size = PySet_GET_SIZE(object);
    if (self->protocol < 4) return save_set_as_list(self, object, &PySet_Type);
    if (write_op(self, OP_EMPTY_SET) < 0 || kr_pickle_memoize(self, object) < 0) return -1;
    if (size == 0) return 0;
    int count;
    do {
        count = 0;
        if (write_op(self, OP_MARK) < 0) return -1;
        while (_PySet_NextEntry(object, &pos, &item, &hash)) {
            Py_INCREF(item);
            int failed = kr_pickle_save(self, item, true);
            Py_DECREF(item);
            if (failed) return -1;
            if (++count == BATCH_SIZE) break;
        }
        if (write_op(self, OP_ADDITEMS) < 0) return -1;
        if (PySet_GET_SIZE(object) != size) {
            PyErr_SetString(PyExc_RuntimeError, "set changed size during iteration");
            return -1;
        }
    } while (count == BATCH_SIZE);
    return 0;
}

static int save_frozenset(Pickler *self, PyObject *object) {
    if (self->protocol < 4) return save_set_as_list(self, object, &PyFrozenSet_Type);
    if (write_op(self, OP_MARK) < 0) return -1;
    PyObject *item, *iterator = PyObject_GetIter(object);
    if (iterator == NULL) return -1;
    while ((item = PyIter_Next(iterator)) != NULL) {
        int failed = kr_pickle_save(self, item, true);
        Py_DECREF(item);
        if (failed) break;
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) return -1;
    int cyclic = take_from_cycle(self, object, 0, true);
    if (cyclic != 0) return cyclic < 0 ? -1 : 0;
    return write_op(self, OP_FROZENSET) < 0 ? -1 : kr_pickle_memoize(self, object);
}

/* --- Any object. */

/* Saves the id that a subclass gives the object. Returns 1, or 0 if there is none, or -1 with an exception. */
static int save_persistent(Pickler *self, PyObject *object) {
    PyObject *id = kr_pickle_call_hook(self->persistent_id, self->persistent_self, object);
    int result = -1;
    if (id == NULL) return -1;
    if (id == Py_None) {
        result = 0;
    } else if (self->binary) {
        if (kr_pickle_save(self, id, false) >= 0 && write_op(self, OP_BINPERSID) >= 0) result = 1;
    } else {
        PyObject *text = PyObject_Str(id);
        if (text != NULL && !PyUnicode_IS_ASCII(text)) {
            PyErr_SetString(self->state->pickling_error, "persistent IDs in protocol 0 must be ASCII strings");
        } else if (text != NULL && write_op(self, OP_PERSID) >= 0 &&
                   kr_pickle_write(self, PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text)) >= 0 &&
                   kr_pickle_write(self, "\n", 1) >= 0) {
            result = 1;
        }
        Py_XDECREF(text);
    }
    Py_DECREF(id);
    return result;
}

/* Saves what the subclass says to do with the object. Returns 1, or 0 if it leaves that to us, or -1. */
static int save_by_override(Pickler *self, PyObject *object) {
    PyObject *value = kr_pickle_call_hook(self->reducer_override, NULL, object);
    if (value == NULL) return -1;
    int result = 0;
    if (value != Py_NotImplemented) {
        if (PyUnicode_Check(value)) {
            result = kr_pickle_save_global(self, object, value);
        } else if (PyTuple_Check(value)) {
            result = kr_pickle_save_reduce(self, value, object);
        } else {
            PyErr_SetString(self->state->pickling_error, "__reduce__ must return a string or tuple");
            result = -1;
        }
        if (result == 0) result = 1;
    }
    Py_DECREF(value);
    return result;
}

/* Containers, and all types without code of their own here. */
static int save_composite(Pickler *self, PyObject *object, PyTypeObject *type) {
    if (type == &PyDict_Type) return save_dict(self, object);
    if (type == &PySet_Type) return save_set(self, object);
    if (type == &PyFrozenSet_Type) return save_frozenset(self, object);
    if (type == &PyList_Type) return save_list(self, object);
    if (type == &PyTuple_Type) return save_tuple(self, object);
    if (type == &PyByteArray_Type) return save_bytearray(self, object);
    if (type == &PyPickleBuffer_Type) return save_picklebuffer(self, object);
    if (self->reducer_override != NULL) {
        int done = save_by_override(self, object);
        if (done != 0) return done < 0 ? -1 : 0;
    }
    if (type == &PyType_Type) return kr_pickle_save_type(self, object);
    if (type == &PyFunction_Type) return kr_pickle_save_global(self, object, NULL);
    return kr_pickle_save_by_reducing(self, object);
}

static inline bool frame_is_full(const Pickler *self) {
    return self->frame_start != -1 && self->framing &&
           self->length - self->frame_start >= FRAME_TARGET_SIZE + FRAME_HEADER_SIZE;
}

int kr_pickle_save(Pickler *self, PyObject *object, bool with_persistent_id) {
    PyTypeObject *type = Py_TYPE(object);
    if (frame_is_full(self) && kr_pickle_end_frame(self) < 0) return -1;
    if (with_persistent_id && self->persistent_id != NULL) {
        int done = save_persistent(self, object);
        if (done != 0) return done < 0 ? -1 : 0;
    }
    if (object == Py_None) return write_op(self, OP_NONE);
    if (type == &PyBool_Type) return save_bool(self, object);
    if (type == &PyLong_Type) return save_int(self, object);
    if (type == &PyFloat_Type) return save_float(self, object);
    const MemoEntry *known = memo_find(self->memo, object);
    if (known->object != NULL) return kr_pickle_save_get(self, known->index);
    if (type == &PyUnicode_Type) return save_str(self, object);
    if (type == &PyBytes_Type) return save_bytes(self, object);
    if (Py_EnterRecursiveCall(" while pickling an object")) return -1;
    int result = save_composite(self, object, type);
    Py_LeaveRecursiveCall();
    return result;
}
