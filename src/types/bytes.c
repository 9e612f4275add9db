/* The bytes type and its C API. */
#include <Python.h>
#include <stddef.h>
#include <string.h>

#include "object/arguments.h"
#include "object/names.h"
#include "types/bytes.h"
#include "types/bytes_internal.h"
#include "types/bytes_methods.h"

#define HEADER_SIZE (offsetof(PyBytesObject, ob_sval) + 1) /* with the zero byte at the end */

static struct {
    PyObject *empty;
    PyObject *single[256];
} state;

/* The hash field is for us alone, which the header tells everybody by a deprecation. */
_Py_COMP_DIAG_PUSH
_Py_COMP_DIAG_IGNORE_DEPR_DECLS
static inline void set_hash(PyObject *self, Py_hash_t hash) { ((PyBytesObject *)self)->ob_shash = hash; }
static inline Py_hash_t get_hash(PyObject *self) { return ((PyBytesObject *)self)->ob_shash; }
_Py_COMP_DIAG_POP

/* ---- creation ---- */

static PyObject *allocate(Py_ssize_t size) {
    if (size > PY_SSIZE_T_MAX - (Py_ssize_t)HEADER_SIZE) {
        PyErr_SetString(PyExc_OverflowError, "byte string is too large");
        return NULL;
    }
    PyBytesObject *self = PyObject_Malloc(HEADER_SIZE + size);
    if (self == NULL) return PyErr_NoMemory();
    PyObject_InitVar((PyVarObject *)self, &PyBytes_Type, size);
    set_hash((PyObject *)self, -1);
    self->ob_sval[size] = 0;
    return (PyObject *)self;
}

static PyObject *empty_bytes(void) {
    if (state.empty == NULL) state.empty = allocate(0);
    return Py_XNewRef(state.empty);
}

static PyObject *single_byte(unsigned char byte) {
    PyObject **single = &state.single[byte];
    if (*single == NULL) {
        *single = allocate(1);
        if (*single == NULL) return NULL;
        PyBytes_AS_STRING(*single)[0] = (char)byte;
    }
    return Py_NewRef(*single);
}

PyObject *PyBytes_FromStringAndSize(const char *data, Py_ssize_t size) {
    if (size < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyBytes_FromStringAndSize");
        return NULL;
    }
    if (size == 0) return empty_bytes();
    if (size == 1 && data != NULL) return single_byte((unsigned char)data[0]);
    PyObject *self = allocate(size);
    if (self != NULL && data != NULL) memcpy(PyBytes_AS_STRING(self), data, size);
    return self;
}

PyObject *PyBytes_FromString(const char *text) { return PyBytes_FromStringAndSize(text, (Py_ssize_t)strlen(text)); }

void kr_bytes_finalize(void) {
    Py_CLEAR(state.empty);
    for (int i = 0; i < 256; i++) Py_CLEAR(state.single[i]);
}

/* ---- access ---- */

static int check_bytes(PyObject *object) {
    if (PyBytes_Check(object)) return 0;
    PyErr_Format(PyExc_TypeError, "expected bytes, %.200s found", Py_TYPE(object)->tp_name);
    return -1;
}

Py_ssize_t PyBytes_Size(PyObject *object) { return check_bytes(object) < 0 ? -1 : Py_SIZE(object); }

char *PyBytes_AsString(PyObject *object) { return check_bytes(object) < 0 ? NULL : PyBytes_AS_STRING(object); }

int PyBytes_AsStringAndSize(PyObject *object, char **text, Py_ssize_t *size) {
    if (text == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (check_bytes(object) < 0) return -1;
    *text = PyBytes_AS_STRING(object);
    if (size != NULL) {
        *size = PyBytes_GET_SIZE(object);
    } else if (strlen(*text) != (size_t)PyBytes_GET_SIZE(object)) {
        PyErr_SetString(PyExc_ValueError, "embedded null byte");
        return -1;
    }
    return 0;
}

PyObject *PyBytes_Repr(PyObject *object, int smart_quotes) {
    return kr_bytes_repr(kr_bytes_view(object), (KrBytesReprStyle){"b", "", smart_quotes, 0});
}

/* ---- conversion from other objects ---- */

static PyObject *from_buffer(PyObject *object) {
    Py_buffer view;
    if (PyObject_GetBuffer(object, &view, PyBUF_FULL_RO) < 0) return NULL;
    PyObject *result = PyBytes_FromStringAndSize(NULL, view.len);
    if (result != NULL && PyBuffer_ToContiguous(PyBytes_AS_STRING(result), &view, view.len, 'C') < 0)
        Py_CLEAR(result);
    PyBuffer_Release(&view);
    return result;
}

/* Converts an item of an iterable. Returns the byte, or -1 with an exception. */
static int item_value(PyObject *item) {
    Py_ssize_t value = PyNumber_AsSsize_t(item, NULL);
    if (value == -1 && PyErr_Occurred()) return -1;
    if (value < 0 || value >= 256) {
        PyErr_SetString(PyExc_ValueError, "bytes must be in range(0, 256)");
        return -1;
    }
    return (int)value;
}

/* From a list or tuple; a list may change while its items are converted. */
static PyObject *from_sequence(PyObject *sequence) {
    Py_ssize_t size = PySequence_Fast_GET_SIZE(sequence);
    _PyBytesWriter writer;
    _PyBytesWriter_Init(&writer);
    char *output = _PyBytesWriter_Alloc(&writer, size);
    if (output == NULL) return NULL;
    writer.overallocate = 1;
    size = writer.allocated;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(sequence, i));
        int value = item_value(item);
        Py_DECREF(item);
        if (value < 0) goto failed;
        if (i >= size) {
            output = _PyBytesWriter_Resize(&writer, output, size + 1);
            if (output == NULL) return NULL;
            size = writer.allocated;
        }
        *output++ = (char)value;
    }
    return _PyBytesWriter_Finish(&writer, output);
failed:
    _PyBytesWriter_Dealloc(&writer);
    return NULL;
}

static PyObject *from_iterator(PyObject *iterator, PyObject *iterable) {
    Py_ssize_t size = PyObject_LengthHint(iterable, 64);
    if (size == -1 && PyErr_Occurred()) return NULL;
    _PyBytesWriter writer;
    _PyBytesWriter_Init(&writer);
    char *output = _PyBytesWriter_Alloc(&writer, size);
    if (output == NULL) return NULL;
    writer.overallocate = 1;
    size = writer.allocated;
    PyObject *item;
    for (Py_ssize_t i = 0; (item = PyIter_Next(iterator)) != NULL; i++) {
        int value = item_value(item);
        Py_DECREF(item);
        if (value < 0) goto failed;
        if (i >= size) {
            output = _PyBytesWriter_Resize(&writer, output, size + 1);
            if (output == NULL) return NULL;
            size = writer.allocated;
        }
        *output++ = (char)value;
    }
    if (!PyErr_Occurred()) return _PyBytesWriter_Finish(&writer, output);
failed:
    _PyBytesWriter_Dealloc(&writer);
    return NULL;
}

PyObject *PyBytes_FromObject(PyObject *object) {
    if (object == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyBytes_CheckExact(object)) return Py_NewRef(object);
    if (PyObject_CheckBuffer(object)) return from_buffer(object);
    if (PyList_CheckExact(object) || PyTuple_CheckExact(object)) return from_sequence(object);
    if (!PyUnicode_Check(object)) {
        PyObject *iterator = PyObject_GetIter(object);
        if (iterator != NULL) {
            PyObject *result = from_iterator(iterator, object);
            Py_DECREF(iterator);
            return result;
        }
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return NULL;
    }
    return PyErr_Format(PyExc_TypeError, "cannot convert '%.200s' object to bytes", Py_TYPE(object)->tp_name);
}

/* Checks a str argument of the constructor and stores its UTF-8 text. */
static int text_argument(PyObject *object, const char *type_name, const char *label, const char **text) {
    Py_ssize_t size;
    if (!PyUnicode_Check(object)) {
        _PyArg_BadArgument(type_name, label, "str", object);
        return -1;
    }
    *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (*text == NULL) return -1;
    if (strlen(*text) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return -1;
    }
    return 0;
}

int kr_bytes_encode_source(PyObject *source, PyObject *encoding, PyObject *errors, const char *type_name,
                           PyObject **text) {
    const char *encoding_name = NULL, *errors_name = NULL;
    *text = NULL;
    if (encoding != NULL && text_argument(encoding, type_name, "argument 'encoding'", &encoding_name) < 0) return -1;
    if (errors != NULL && text_argument(errors, type_name, "argument 'errors'", &errors_name) < 0) return -1;
    if (source == NULL || !PyUnicode_Check(source)) {
        if (encoding == NULL && errors == NULL) return 0;
        PyErr_SetString(PyExc_TypeError,
                        encoding != NULL ? "encoding without a string argument" : "errors without a string argument");
        return -1;
    }
    if (encoding == NULL) {
        PyErr_SetString(PyExc_TypeError, "string argument without an encoding");
        return -1;
    }
    *text = PyUnicode_AsEncodedString(source, encoding_name, errors_name);
    return *text != NULL ? 0 : -1;
}

/* Returns the result of the source's __bytes__; NULL without an exception if it has none. */
static PyObject *call_dunder_bytes(PyObject *source) {
    PyObject *name = KR_NAME(__bytes__);
    if (name == NULL) return NULL;
    PyObject *method = _PyType_Lookup(Py_TYPE(source), name);
    if (method == NULL) return NULL;
    Py_INCREF(method);
    descrgetfunc get = Py_TYPE(method)->tp_descr_get;
    if (get != NULL) {
        Py_SETREF(method, get(method, source, (PyObject *)Py_TYPE(source)));
        if (method == NULL) return NULL;
    }
    PyObject *result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (result != NULL && !PyBytes_Check(result)) {
        PyErr_Format(PyExc_TypeError, "__bytes__ returned non-bytes (type %.200s)", Py_TYPE(result)->tp_name);
        Py_CLEAR(result);
    }
    return result;
}

/* Zero bytes, as many as the int-like source says. NULL without an exception if the source is no int after all. */
static PyObject *zeros_from(PyObject *source) {
    Py_ssize_t size = PyNumber_AsSsize_t(source, PyExc_OverflowError);
    if (size == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) PyErr_Clear();
        return NULL;
    }
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "negative count");
        return NULL;
    }
    if (size == 0) return empty_bytes();
    if (size > PY_SSIZE_T_MAX - (Py_ssize_t)HEADER_SIZE) return allocate(size); /* raises */
    PyBytesObject *self = PyObject_Calloc(1, HEADER_SIZE + size);
    if (self == NULL) return PyErr_NoMemory();
    PyObject_InitVar((PyVarObject *)self, &PyBytes_Type, size);
    set_hash((PyObject *)self, -1);
    return (PyObject *)self;
}

/* bytes(source, encoding, errors) without the question of the type; NULL stands for what is missing. */
static PyObject *make_bytes(PyObject *source, PyObject *encoding, PyObject *errors) {
    PyObject *result;
    if (encoding == NULL && errors == NULL) {
        if (source == NULL) return empty_bytes();
        if (PyBytes_CheckExact(source)) return Py_NewRef(source);
        result = call_dunder_bytes(source);
        if (result != NULL || PyErr_Occurred()) return result;
    }
    if (kr_bytes_encode_source(source, encoding, errors, "bytes", &result) < 0 || result != NULL) return result;
    if (PyIndex_Check(source)) {
        result = zeros_from(source);
        if (result != NULL || PyErr_Occurred()) return result;
    }
    return PyBytes_FromObject(source);
}

/* Makes an instance of a subclass with the contents of a bytes object, whose reference it takes. */
static PyObject *as_subtype(PyTypeObject *type, PyObject *bytes) {
    if (bytes == NULL || type == &PyBytes_Type) return bytes;
    Py_ssize_t size = PyBytes_GET_SIZE(bytes);
    PyObject *self = type->tp_alloc(type, size);
    if (self != NULL) {
        memcpy(PyBytes_AS_STRING(self), PyBytes_AS_STRING(bytes), size + 1);
        set_hash(self, get_hash(bytes));
    }
    Py_DECREF(bytes);
    return self;
}

static const char *const constructor_keywords[] = {"source", "encoding", "errors", NULL};
static _PyArg_Parser constructor_parser = {.keywords = constructor_keywords, .fname = "bytes"};

static PyObject *bytes_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    PyObject *values[3] = {NULL, NULL, NULL};
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *const *items = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, count, kwds, NULL,
                                                   &constructor_parser, 0, 3, 0, values);
    if (items == NULL) return NULL;
    for (int i = 0; i < 3 && items != values; i++) values[i] = i < count ? items[i] : NULL;
    return as_subtype(type, make_bytes(values[0], values[1], values[2]));
}

static PyObject *bytes_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    PyObject *values[3] = {NULL};
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &constructor_parser, 0, 3, 0, values);
    if (args == NULL) return NULL;
    return as_subtype((PyTypeObject *)type, make_bytes(kr_optional_argument(args, count, kwnames, 0),
                                                       kr_optional_argument(args, count, kwnames, 1),
                                                       kr_optional_argument(args, count, kwnames, 2)));
}

/* ---- changing an object that nobody else sees ---- */

int _PyBytes_Resize(PyObject **bytes, Py_ssize_t size) {
    PyObject *old = *bytes;
    if (PyBytes_Check(old) && size == PyBytes_GET_SIZE(old)) return 0;
    if (!PyBytes_Check(old) || size < 0) goto misused;
    if (PyBytes_GET_SIZE(old) == 0 || size == 0) {
        *bytes = PyBytes_FromStringAndSize(NULL, size);
        Py_DECREF(old);
        return *bytes != NULL ? 0 : -1;
    }
    if (Py_REFCNT(old) != 1) goto misused;
    PyObject *resized = size <= PY_SSIZE_T_MAX - (Py_ssize_t)HEADER_SIZE ? PyObject_Realloc(old, HEADER_SIZE + size) : NULL;
    if (resized == NULL) {
        PyObject_Free(old);
        *bytes = NULL;
        PyErr_NoMemory();
        return -1;
    }
    *bytes = resized;
    Py_SET_SIZE(resized, size);
    set_hash(resized, -1);
    PyBytes_AS_STRING(resized)[size] = 0;
    return 0;
misused:
    *bytes = NULL;
    Py_DECREF(old);
    PyErr_BadInternalCall();
    return -1;
}

static PyObject *bytes_concat(PyObject *left, PyObject *right) {
    if (PyBytes_CheckExact(left) && PyBytes_CheckExact(right)) {
        if (Py_SIZE(left) == 0) return Py_NewRef(right);
        if (Py_SIZE(right) == 0) return Py_NewRef(left);
        if (Py_SIZE(left) > PY_SSIZE_T_MAX - Py_SIZE(right)) return PyErr_NoMemory();
        PyObject *sum = PyBytes_FromStringAndSize(NULL, Py_SIZE(left) + Py_SIZE(right));
        if (sum == NULL) return NULL;
        memcpy(PyBytes_AS_STRING(sum), PyBytes_AS_STRING(left), Py_SIZE(left));
        memcpy(PyBytes_AS_STRING(sum) + Py_SIZE(left), PyBytes_AS_STRING(right), Py_SIZE(right));
        return sum;
    }
    Py_buffer a = {.len = -1}, b = {.len = -1};
    PyObject *result = NULL;
    if (PyObject_GetBuffer(left, &a, PyBUF_SIMPLE) < 0 || PyObject_GetBuffer(right, &b, PyBUF_SIMPLE) < 0) {
        PyErr_Format(PyExc_TypeError, "can't concat %.100s to %.100s", Py_TYPE(right)->tp_name, Py_TYPE(left)->tp_name);
        goto done;
    }
    if (b.len == 0 && PyBytes_CheckExact(left)) {
        result = Py_NewRef(left);
        goto done;
    }
    if (a.len == 0 && PyBytes_CheckExact(right)) {
        result = Py_NewRef(right);
        goto done;
    }
    if (a.len > PY_SSIZE_T_MAX - b.len) {
        PyErr_NoMemory();
        goto done;
    }
    result = PyBytes_FromStringAndSize(NULL, a.len + b.len);
    if (result != NULL) {
        memcpy(PyBytes_AS_STRING(result), a.buf, a.len);
        memcpy(PyBytes_AS_STRING(result) + a.len, b.buf, b.len);
    }
done:
    if (a.len != -1) PyBuffer_Release(&a);
    if (b.len != -1) PyBuffer_Release(&b);
    return result;
}

/* Appends a buffer to an exact bytes object that only we hold. */
static void append_in_place(PyObject **left, PyObject *right) {
    Py_buffer view;
    if (PyObject_GetBuffer(right, &view, PyBUF_SIMPLE) < 0) {
        PyErr_Format(PyExc_TypeError, "can't concat %.100s to %.100s", Py_TYPE(right)->tp_name, Py_TYPE(*left)->tp_name);
        Py_CLEAR(*left);
        return;
    }
    Py_ssize_t size = PyBytes_GET_SIZE(*left);
    if (size > PY_SSIZE_T_MAX - view.len) {
        PyErr_NoMemory();
        Py_CLEAR(*left);
    } else if (_PyBytes_Resize(left, size + view.len) == 0) {
        memcpy(PyBytes_AS_STRING(*left) + size, view.buf, view.len);
    }
    PyBuffer_Release(&view);
}

void PyBytes_Concat(PyObject **left, PyObject *right) {
    if (*left == NULL) return;
    if (right == NULL) {
        Py_CLEAR(*left);
    } else if (Py_REFCNT(*left) == 1 && PyBytes_CheckExact(*left) && *left != right) {
        append_in_place(left, right);
    } else {
        Py_SETREF(*left, bytes_concat(*left, right));
    }
}

void PyBytes_ConcatAndDel(PyObject **left, PyObject *right) {
    PyBytes_Concat(left, right);
    Py_XDECREF(right);
}

/* ---- sequence ---- */

static Py_ssize_t bytes_length(PyObject *self) { return Py_SIZE(self); }

static PyObject *bytes_repeat(PyObject *self, Py_ssize_t times) {
    if (times < 0) times = 0;
    Py_ssize_t size = Py_SIZE(self);
    if (times > 0 && size > PY_SSIZE_T_MAX / times) {
        PyErr_SetString(PyExc_OverflowError, "repeated bytes are too long");
        return NULL;
    }
    if (times * size == size && PyBytes_CheckExact(self)) return Py_NewRef(self);
    PyObject *result = allocate(times * size); /* never a shared object, even if it is empty */
    if (result != NULL) _PyBytes_Repeat(PyBytes_AS_STRING(result), times * size, PyBytes_AS_STRING(self), size);
    return result;
}

static PyObject *bytes_item(PyObject *self, Py_ssize_t index) {
    if (index < 0 || index >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "index out of range");
        return NULL;
    }
    return PyLong_FromLong((unsigned char)PyBytes_AS_STRING(self)[index]);
}

static PyObject *bytes_slice(PyObject *self, PyObject *slice) {
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(slice, &start, &stop, &step) < 0) return NULL;
    Py_ssize_t size = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
    if (size <= 0) return empty_bytes();
    if (step == 1) return kr_bytes_part(self, start, size);
    PyObject *result = PyBytes_FromStringAndSize(NULL, size);
    if (result == NULL) return NULL;
    const char *data = PyBytes_AS_STRING(self);
    char *output = PyBytes_AS_STRING(result);
    for (Py_ssize_t i = 0, index = start; i < size; i++, index += step) output[i] = data[index];
    return result;
}

static PyObject *bytes_subscript(PyObject *self, PyObject *key) {
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return NULL;
        return bytes_item(self, index < 0 ? index + Py_SIZE(self) : index);
    }
    if (PySlice_Check(key)) return bytes_slice(self, key);
    return PyErr_Format(PyExc_TypeError, "byte indices must be integers or slices, not %.200s", Py_TYPE(key)->tp_name);
}

static int bytes_get_buffer(PyObject *self, Py_buffer *view, int flags) {
    return PyBuffer_FillInfo(view, self, PyBytes_AS_STRING(self), Py_SIZE(self), 1, flags);
}

static PyObject *bytes_mod(PyObject *self, PyObject *values) {
    if (!PyBytes_Check(self)) Py_RETURN_NOTIMPLEMENTED;
    return _PyBytes_FormatEx(PyBytes_AS_STRING(self), PyBytes_GET_SIZE(self), values, 0);
}

/* ---- comparison, hash, text ---- */

static PyObject *bytes_richcompare(PyObject *left, PyObject *right, int operation) {
    if (!PyBytes_Check(left) || !PyBytes_Check(right)) {
        if (Py_BytesWarningFlag && (operation == Py_EQ || operation == Py_NE)) {
            if ((PyUnicode_Check(left) || PyUnicode_Check(right)) &&
                PyErr_WarnEx(PyExc_BytesWarning, "Comparison between bytes and string", 1))
                return NULL;
            if ((PyLong_Check(left) || PyLong_Check(right)) &&
                PyErr_WarnEx(PyExc_BytesWarning, "Comparison between bytes and int", 1))
                return NULL;
        }
        Py_RETURN_NOTIMPLEMENTED;
    }
    Py_ssize_t a = Py_SIZE(left), b = Py_SIZE(right);
    if (operation == Py_EQ || operation == Py_NE) {
        int equal = left == right || (a == b && memcmp(PyBytes_AS_STRING(left), PyBytes_AS_STRING(right), a) == 0);
        return PyBool_FromLong(equal == (operation == Py_EQ));
    }
    int order = memcmp(PyBytes_AS_STRING(left), PyBytes_AS_STRING(right), a < b ? a : b);
    if (order == 0) order = (a > b) - (a < b);
    return PyBool_FromLong(kr_compare_result(order, operation));
}

static Py_hash_t bytes_hash(PyObject *self) {
    Py_hash_t hash = get_hash(self);
    if (hash == -1) {
        hash = _Py_HashBytes(PyBytes_AS_STRING(self), Py_SIZE(self));
        set_hash(self, hash);
    }
    return hash;
}

static PyObject *bytes_repr(PyObject *self) { return PyBytes_Repr(self, 1); }

static PyObject *bytes_str(PyObject *self) {
    if (Py_BytesWarningFlag && PyErr_WarnEx(PyExc_BytesWarning, "str() on a bytes instance", 1)) return NULL;
    return bytes_repr(self);
}

/* ---- methods of bytes alone ---- */

static PyObject *bytes_getnewargs(PyObject *self, PyObject *unused) {
    return Py_BuildValue("(N)", PyBytes_FromStringAndSize(PyBytes_AS_STRING(self), Py_SIZE(self)));
}

static PyObject *bytes_dunder_bytes(PyObject *self, PyObject *unused) {
    if (PyBytes_CheckExact(self)) return Py_NewRef(self);
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(self), Py_SIZE(self));
}

static PyObject *bytes_fromhex(PyObject *type, PyObject *text) {
    if (!PyUnicode_Check(text)) {
        _PyArg_BadArgument("fromhex", "argument", "str", text);
        return NULL;
    }
    PyObject *result = _PyBytes_FromHex(text, 0);
    if (result != NULL && type != (PyObject *)&PyBytes_Type) Py_SETREF(result, PyObject_CallOneArg(type, result));
    return result;
}

static PyMethodDef bytes_methods[] = {
    {"__getnewargs__", bytes_getnewargs, METH_NOARGS, NULL},
    {"__bytes__", bytes_dunder_bytes, METH_NOARGS, "__bytes__($self, /)\n--\n\nself as an exact bytes object."},
#define KR_BYTES_METHOD(name, arguments, documentation)                                                                \
    {#name, (PyCFunction)(void (*)(void))kr_bytes_method_##name, KR_BYTES_FLAGS_##arguments, documentation},
#include "types/bytes_methods.def"
#undef KR_BYTES_METHOD
    {"fromhex", bytes_fromhex, METH_O | METH_CLASS,
     "fromhex($type, string, /)\n--\n\nFrom pairs of hexadecimal digits, with whitespace between them or not."},
    {"maketrans", (PyCFunction)(void (*)(void))kr_bytes_maketrans, METH_FASTCALL | METH_STATIC, kr_bytes_maketrans_doc},
    {NULL},
};

static PyObject *bytes_iter(PyObject *self) { return kr_bytes_iterator_new(&PyBytesIter_Type, self); }

static PySequenceMethods bytes_as_sequence = {
    .sq_length = bytes_length,
    .sq_concat = bytes_concat,
    .sq_repeat = bytes_repeat,
    .sq_item = bytes_item,
    .sq_contains = kr_bytes_contains,
};

static PyMappingMethods bytes_as_mapping = {
    .mp_length = bytes_length,
    .mp_subscript = bytes_subscript,
};

static PyBufferProcs bytes_as_buffer = {
    .bf_getbuffer = bytes_get_buffer,
};

static PyNumberMethods bytes_as_number = {
    .nb_remainder = bytes_mod,
};

PyTypeObject PyBytes_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = "bytes",
    .tp_basicsize = HEADER_SIZE,
    .tp_itemsize = 1,
    .tp_repr = bytes_repr,
    .tp_as_number = &bytes_as_number,
    .tp_as_sequence = &bytes_as_sequence,
    .tp_as_mapping = &bytes_as_mapping,
    .tp_hash = bytes_hash,
    .tp_str = bytes_str,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_as_buffer = &bytes_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_BYTES_SUBCLASS | _Py_TPFLAGS_MATCH_SELF,
    .tp_doc = "bytes(iterable_of_ints) -> bytes\n"
              "bytes(string, encoding[, errors]) -> bytes\n"
              "bytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\n"
              "bytes(int) -> that many zero bytes\n"
              "bytes() -> empty bytes object\n\n"
              "An immutable sequence of integers from 0 to 255.",
    .tp_richcompare = bytes_richcompare,
    .tp_iter = bytes_iter,
    .tp_methods = bytes_methods,
    .tp_base = &PyBaseObject_Type,
    .tp_new = bytes_new,
    .tp_free = PyObject_Free,
    .tp_vectorcall = bytes_vectorcall,
};
