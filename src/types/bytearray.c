/* The bytearray type and its C API.
 *
 * The contents are ob_size bytes from ob_start on, with a zero byte after them, inside a block of ob_alloc bytes at
 * ob_bytes; ob_start moves on when bytes are removed at the front, so that a bytearray serves as a queue. Without a block
 * all three are zero. While ob_exports is not zero somebody reads the memory directly and the size must not change.
 */
#include <Python.h>
#include <string.h>

#include "object/arguments.h"
#include "object/names.h"
#include "types/bytes.h"
#include "types/bytes_internal.h"
#include "types/bytes_methods.h"

char _PyByteArray_empty_string[] = "";

static inline PyByteArrayObject *as_array(PyObject *self) { return (PyByteArrayObject *)self; }

/* ---- size ---- */

static int can_resize(PyObject *self) {
    if (as_array(self)->ob_exports == 0) return 1;
    PyErr_SetString(PyExc_BufferError, "Existing exports of data: object cannot be re-sized");
    return 0;
}

/* Chooses the size of the block for `size` bytes, which has `allocated` now; 0 if the block can stay. */
static size_t choose_allocation(size_t size, size_t offset, size_t allocated) {
    if (size + offset + 1 <= allocated && size >= allocated / 2) return 0;
    if (size < allocated / 2) return size + 1;                                           /* much smaller: give back */
    if (size <= allocated + allocated / 8) return size + (size >> 3) + (size < 9 ? 3 : 6); /* growing step by step */
    return size + 1;
}

int PyByteArray_Resize(PyObject *self, Py_ssize_t requested) {
    PyByteArrayObject *array = as_array(self);
    if (requested == Py_SIZE(self)) return 0;
    if (!can_resize(self)) return -1;
    size_t size = (size_t)requested, offset = array->ob_start - array->ob_bytes;
    size_t allocation = choose_allocation(size, offset, array->ob_alloc);
    if (allocation > PY_SSIZE_T_MAX) {
        PyErr_NoMemory();
        return -1;
    }
    if (allocation != 0) {
        char *block;
        if (offset > 0) {
            block = PyObject_Malloc(allocation);
            if (block != NULL) {
                memcpy(block, array->ob_start, size < (size_t)Py_SIZE(self) ? size : (size_t)Py_SIZE(self));
                PyObject_Free(array->ob_bytes);
            }
        } else {
            block = PyObject_Realloc(array->ob_bytes, allocation);
        }
        if (block == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        array->ob_bytes = array->ob_start = block;
        array->ob_alloc = (Py_ssize_t)allocation;
    }
    Py_SET_SIZE(array, requested);
    array->ob_start[size] = 0;
    return 0;
}

/* Replaces the bytes from `low` up to `high` by others, which are not in this array. */
static int replace_range(PyObject *self, Py_ssize_t low, Py_ssize_t high, const char *data, Py_ssize_t size) {
    PyByteArrayObject *array = as_array(self);
    Py_ssize_t old_size = Py_SIZE(self), growth = size - (high - low);
    if (growth < 0) {
        if (!can_resize(self)) return -1;
        if (low == 0) {
            array->ob_start -= growth; /* removal at the front: skip it */
        } else {
            memmove(array->ob_start + low + size, array->ob_start + high, old_size - high);
        }
        if (PyByteArray_Resize(self, old_size + growth) < 0) {
            /* Only giving memory back has failed: the contents are right, the size must be too. */
            Py_SET_SIZE(self, old_size + growth);
            array->ob_start[old_size + growth] = 0;
            PyErr_Clear();
        }
        /* Moving the start leaves the end where it was, behind which a zero byte stands already. */
    } else if (growth > 0) {
        if (old_size > PY_SSIZE_T_MAX - growth) {
            PyErr_NoMemory();
            return -1;
        }
        if (PyByteArray_Resize(self, old_size + growth) < 0) return -1;
        memmove(array->ob_start + low + size, array->ob_start + high, old_size - high);
    }
    if (size > 0) memcpy(array->ob_start + low, data, size);
    return 0;
}

/* ---- creation and access ---- */

PyObject *PyByteArray_FromStringAndSize(const char *data, Py_ssize_t size) {
    if (size < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyByteArray_FromStringAndSize");
        return NULL;
    }
    if (size == PY_SSIZE_T_MAX) return PyErr_NoMemory();
    PyByteArrayObject *array = PyObject_New(PyByteArrayObject, &PyByteArray_Type);
    if (array == NULL) return NULL;
    array->ob_bytes = NULL;
    array->ob_alloc = 0;
    array->ob_exports = 0;
    if (size > 0) {
        array->ob_bytes = PyObject_Malloc(size + 1);
        if (array->ob_bytes == NULL) {
            array->ob_start = NULL;
            Py_SET_SIZE(array, 0);
            Py_DECREF(array);
            return PyErr_NoMemory();
        }
        array->ob_alloc = size + 1;
        if (data != NULL) memcpy(array->ob_bytes, data, size);
        array->ob_bytes[size] = 0;
    }
    array->ob_start = array->ob_bytes;
    Py_SET_SIZE(array, size);
    return (PyObject *)array;
}

PyObject *PyByteArray_FromObject(PyObject *source) {
    return PyObject_CallOneArg((PyObject *)&PyByteArray_Type, source);
}

Py_ssize_t PyByteArray_Size(PyObject *self) { return PyByteArray_GET_SIZE(self); }
char *PyByteArray_AsString(PyObject *self) { return PyByteArray_AS_STRING(self); }

static void array_dealloc(PyObject *self) {
    PyByteArrayObject *array = as_array(self);
    if (array->ob_exports > 0) {
        PyErr_SetString(PyExc_SystemError, "deallocated bytearray object has exported buffers");
        PyErr_Print();
    }
    PyObject_Free(array->ob_bytes);
    Py_TYPE(self)->tp_free(self);
}

static int array_get_buffer(PyObject *self, Py_buffer *view, int flags) {
    if (view == NULL) {
        PyErr_SetString(PyExc_BufferError, "bytearray_getbuffer: view==NULL argument is obsolete");
        return -1;
    }
    if (PyBuffer_FillInfo(view, self, PyByteArray_AS_STRING(self), Py_SIZE(self), 0, flags) < 0) return -1;
    as_array(self)->ob_exports++;
    return 0;
}

static void array_release_buffer(PyObject *self, Py_buffer *view) { as_array(self)->ob_exports--; }

/* Appends one byte. Returns 0 or -1. */
static int append_byte(PyObject *self, int value) {
    Py_ssize_t size = Py_SIZE(self);
    if (size == PY_SSIZE_T_MAX) {
        PyErr_SetString(PyExc_OverflowError, "cannot add more objects to bytearray");
        return -1;
    }
    if (PyByteArray_Resize(self, size + 1) < 0) return -1;
    as_array(self)->ob_start[size] = (char)value;
    return 0;
}

/* Appends a bytes-like object. Returns 0 or -1. */
static int append_buffer(PyObject *self, PyObject *other) {
    Py_buffer view;
    if (PyObject_GetBuffer(other, &view, PyBUF_SIMPLE) < 0) {
        PyErr_Format(PyExc_TypeError, "can't concat %.100s to %.100s", Py_TYPE(other)->tp_name, Py_TYPE(self)->tp_name);
        return -1;
    }
    Py_ssize_t size = Py_SIZE(self);
    if (other == self) {
        /* Our own export of self must not forbid the growth. */
        PyBuffer_Release(&view);
        if (size > PY_SSIZE_T_MAX / 2) {
            PyErr_NoMemory();
            return -1;
        }
        if (PyByteArray_Resize(self, 2 * size) < 0) return -1;
        memcpy(PyByteArray_AS_STRING(self) + size, PyByteArray_AS_STRING(self), size);
        return 0;
    }
    int result = replace_range(self, size, size, view.buf, view.len);
    PyBuffer_Release(&view);
    return result;
}

/* Appends the ints of an iterator. Returns 0 or -1. */
static int append_iterator(PyObject *self, PyObject *iterator) {
    PyObject *item;
    while ((item = PyIter_Next(iterator)) != NULL) {
        int value, ok = kr_bytes_value(item, &value);
        Py_DECREF(item);
        if (!ok || append_byte(self, value) < 0) return -1;
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Fills an empty self from an object that is no str. */
static int fill_from(PyObject *self, PyObject *source) {
    if (PyIndex_Check(source)) {
        Py_ssize_t size = PyNumber_AsSsize_t(source, PyExc_OverflowError);
        if (size != -1 || !PyErr_Occurred()) {
            if (size < 0) {
                PyErr_SetString(PyExc_ValueError, "negative count");
                return -1;
            }
            if (PyByteArray_Resize(self, size) < 0) return -1;
            memset(PyByteArray_AS_STRING(self), 0, size);
            return 0;
        }
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return -1;
        PyErr_Clear(); /* __index__ says no: perhaps it is something else as well */
    }
    if (PyObject_CheckBuffer(source)) {
        Py_buffer view;
        if (PyObject_GetBuffer(source, &view, PyBUF_FULL_RO) < 0) return -1;
        int result = PyByteArray_Resize(self, view.len);
        if (result == 0) result = PyBuffer_ToContiguous(PyByteArray_AS_STRING(self), &view, view.len, 'C');
        PyBuffer_Release(&view);
        return result;
    }
    if (PyList_CheckExact(source) || PyTuple_CheckExact(source)) {
        Py_ssize_t size = PySequence_Fast_GET_SIZE(source);
        if (PyByteArray_Resize(self, size) < 0) return -1;
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(source); i++) {
            /* Converting an item may run code that changes the list and self. */
            PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(source, i));
            int value, ok = kr_bytes_value(item, &value);
            Py_DECREF(item);
            if (!ok) return -1;
            if (i >= Py_SIZE(self)) {
                if (append_byte(self, value) < 0) return -1;
            } else {
                as_array(self)->ob_start[i] = (char)value;
            }
        }
        if (PySequence_Fast_GET_SIZE(source) < Py_SIZE(self))
            return PyByteArray_Resize(self, PySequence_Fast_GET_SIZE(source));
        return 0;
    }
    PyObject *iterator = PyObject_GetIter(source);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "cannot convert '%.200s' object to bytearray", Py_TYPE(source)->tp_name);
        return -1;
    }
    int result = append_iterator(self, iterator);
    Py_DECREF(iterator);
    return result;
}

static int array_init(PyObject *self, PyObject *args, PyObject *kwds) {
    static const char *const keywords[] = {"source", "encoding", "errors", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "bytearray"};
    PyObject *values[3] = {NULL, NULL, NULL};
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    PyObject *const *items =
        _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, count, kwds, NULL, &parser, 0, 3, 0, values);
    if (items == NULL) return -1;
    for (int i = 0; i < 3 && items != values; i++) values[i] = i < count ? items[i] : NULL;
    if (Py_SIZE(self) != 0 && PyByteArray_Resize(self, 0) < 0) return -1;
    PyObject *encoded;
    if (kr_bytes_encode_source(values[0], values[1], values[2], "bytearray", &encoded) < 0) return -1;
    if (encoded != NULL) {
        int result = append_buffer(self, encoded);
        Py_DECREF(encoded);
        return result;
    }
    return values[0] != NULL ? fill_from(self, values[0]) : 0;
}

/* ---- sequence ---- */

static Py_ssize_t array_length(PyObject *self) { return Py_SIZE(self); }

PyObject *PyByteArray_Concat(PyObject *left, PyObject *right) {
    Py_buffer a = {.len = -1}, b = {.len = -1};
    PyObject *result = NULL;
    if (PyObject_GetBuffer(left, &a, PyBUF_SIMPLE) < 0 || PyObject_GetBuffer(right, &b, PyBUF_SIMPLE) < 0) {
        PyErr_Format(PyExc_TypeError, "can't concat %.100s to %.100s", Py_TYPE(right)->tp_name, Py_TYPE(left)->tp_name);
        goto done;
    }
    if (a.len > PY_SSIZE_T_MAX - b.len) {
        PyErr_NoMemory();
        goto done;
    }
    result = PyByteArray_FromStringAndSize(NULL, a.len + b.len);
    if (result != NULL) {
        memcpy(PyByteArray_AS_STRING(result), a.buf, a.len);
        memcpy(PyByteArray_AS_STRING(result) + a.len, b.buf, b.len);
    }
done:
    if (a.len != -1) PyBuffer_Release(&a);
    if (b.len != -1) PyBuffer_Release(&b);
    return result;
}

static PyObject *array_inplace_concat(PyObject *self, PyObject *other) {
    return append_buffer(self, other) < 0 ? NULL : Py_NewRef(self);
}

static PyObject *array_repeat(PyObject *self, Py_ssize_t times) {
    Py_ssize_t size = Py_SIZE(self);
    if (times < 0) times = 0;
    if (times > 0 && size > PY_SSIZE_T_MAX / times) return PyErr_NoMemory();
    PyObject *result = PyByteArray_FromStringAndSize(NULL, times * size);
    if (result != NULL) _PyBytes_Repeat(PyByteArray_AS_STRING(result), times * size, PyByteArray_AS_STRING(self), size);
    return result;
}

static PyObject *array_inplace_repeat(PyObject *self, Py_ssize_t times) {
    Py_ssize_t size = Py_SIZE(self);
    if (times < 0) times = 0;
    if (times == 1) return Py_NewRef(self);
    if (times > 0 && size > PY_SSIZE_T_MAX / times) return PyErr_NoMemory();
    if (PyByteArray_Resize(self, times * size) < 0) return NULL;
    char *data = PyByteArray_AS_STRING(self);
    _PyBytes_Repeat(data, times * size, data, size);
    return Py_NewRef(self);
}

static PyObject *array_item(PyObject *self, Py_ssize_t index) {
    if (index < 0 || index >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "bytearray index out of range");
        return NULL;
    }
    return PyLong_FromLong((unsigned char)PyByteArray_AS_STRING(self)[index]);
}

static PyObject *array_subscript(PyObject *self, PyObject *key) {
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return NULL;
        return array_item(self, index < 0 ? index + Py_SIZE(self) : index);
    }
    if (!PySlice_Check(key))
        return PyErr_Format(PyExc_TypeError, "bytearray indices must be integers or slices, not %.200s",
                            Py_TYPE(key)->tp_name);
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(key, &start, &stop, &step) < 0) return NULL;
    Py_ssize_t size = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
    if (size <= 0) return PyByteArray_FromStringAndSize(NULL, 0);
    const char *data = PyByteArray_AS_STRING(self);
    if (step == 1) return PyByteArray_FromStringAndSize(data + start, size);
    PyObject *result = PyByteArray_FromStringAndSize(NULL, size);
    if (result == NULL) return NULL;
    char *output = PyByteArray_AS_STRING(result);
    for (Py_ssize_t i = 0, index = start; i < size; i++, index += step) output[i] = data[index];
    return result;
}

static int array_assign_item(PyObject *self, Py_ssize_t index, PyObject *value_object) {
    int value = 0;
    if (index < 0) index += Py_SIZE(self);
    if (value_object != NULL && !kr_bytes_value(value_object, &value)) return -1;
    if (index < 0 || index >= Py_SIZE(self)) {
        PyErr_SetString(PyExc_IndexError, "bytearray index out of range");
        return -1;
    }
    if (value_object == NULL) return replace_range(self, index, index + 1, NULL, 0);
    as_array(self)->ob_start[index] = (char)value;
    return 0;
}

/* Deletes the items of a slice with a step. */
static int delete_stepped(PyObject *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count) {
    if (count == 0) return 0;
    if (!can_resize(self)) return -1;
    if (step < 0) {
        start += step * (count - 1);
        step = -step;
    }
    char *data = PyByteArray_AS_STRING(self);
    Py_ssize_t size = Py_SIZE(self);
    for (Py_ssize_t i = 0; i < count; i++) {
        /* Move what is between this deleted byte and the next one. */
        Py_ssize_t from = start + i * step + 1;
        Py_ssize_t to = i + 1 < count ? from + step - 1 : size;
        memmove(data + from - 1 - i, data + from, to - from);
    }
    return PyByteArray_Resize(self, size - count);
}

static int assign_slice(PyObject *self, PyObject *slice, const char *data, Py_ssize_t size) {
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(slice, &start, &stop, &step) < 0) return -1;
    Py_ssize_t count = PySlice_AdjustIndices(Py_SIZE(self), &start, &stop, step);
    if (step == 1) return replace_range(self, start, start + count, data, size);
    if (size == 0) return delete_stepped(self, start, step, count);
    if (size != count) {
        PyErr_Format(PyExc_ValueError, "attempt to assign bytes of size %zd to extended slice of size %zd", size, count);
        return -1;
    }
    char *output = PyByteArray_AS_STRING(self);
    for (Py_ssize_t i = 0, index = start; i < count; i++, index += step) output[index] = data[i];
    return 0;
}

static int array_assign_subscript(PyObject *self, PyObject *key, PyObject *value) {
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return -1;
        return array_assign_item(self, index, value);
    }
    if (!PySlice_Check(key)) {
        PyErr_Format(PyExc_TypeError, "bytearray indices must be integers or slices, not %.200s", Py_TYPE(key)->tp_name);
        return -1;
    }
    if (value == NULL) return assign_slice(self, key, NULL, 0);
    if (value != self && PyByteArray_Check(value))
        return assign_slice(self, key, PyByteArray_AS_STRING(value), Py_SIZE(value));
    if (PyNumber_Check(value) || PyUnicode_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "can assign only bytes, buffers, or iterables of ints in range(0, 256)");
        return -1;
    }
    PyObject *copy = PyByteArray_FromObject(value);
    if (copy == NULL) return -1;
    int result = assign_slice(self, key, PyByteArray_AS_STRING(copy), Py_SIZE(copy));
    Py_DECREF(copy);
    return result;
}

static PyObject *array_iter(PyObject *self) { return kr_bytes_iterator_new(&PyByteArrayIter_Type, self); }

static PyObject *array_mod(PyObject *self, PyObject *values) {
    if (!PyByteArray_Check(self)) Py_RETURN_NOTIMPLEMENTED;
    /* Converting the values may run code that resizes self. */
    as_array(self)->ob_exports++;
    PyObject *result = _PyBytes_FormatEx(PyByteArray_AS_STRING(self), PyByteArray_GET_SIZE(self), values, 1);
    as_array(self)->ob_exports--;
    return result;
}

/* ---- text ---- */

static PyObject *array_repr(PyObject *self) {
    char prefix[256];
    PyOS_snprintf(prefix, sizeof prefix, "%.200s(b", _PyType_Name(Py_TYPE(self)));
    return kr_bytes_repr(kr_bytes_view(self), (KrBytesReprStyle){prefix, ")", 1, 1});
}

static PyObject *array_str(PyObject *self) {
    if (Py_BytesWarningFlag && PyErr_WarnEx(PyExc_BytesWarning, "str() on a bytearray instance", 1)) return NULL;
    return array_repr(self);
}

/* ---- methods of bytearray alone ---- */

static PyObject *array_append(PyObject *self, PyObject *item) {
    int value;
    if (!kr_bytes_value(item, &value) || append_byte(self, value) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *array_clear(PyObject *self, PyObject *unused) {
    if (PyByteArray_Resize(self, 0) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *array_copy(PyObject *self, PyObject *unused) {
    return PyByteArray_FromStringAndSize(PyByteArray_AS_STRING(self), Py_SIZE(self));
}

static PyObject *array_extend(PyObject *self, PyObject *iterable) {
    if (PyObject_CheckBuffer(iterable)) {
        if (append_buffer(self, iterable) < 0) return NULL;
        Py_RETURN_NONE;
    }
    PyObject *iterator = PyObject_GetIter(iterable);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "can't extend bytearray with %.100s", Py_TYPE(iterable)->tp_name);
        return NULL;
    }
    /* All or nothing: the items go to a temporary array first. */
    if (PyObject_LengthHint(iterable, 32) < 0) {
        Py_DECREF(iterator);
        return NULL;
    }
    PyObject *collected = PyByteArray_FromStringAndSize(NULL, 0);
    int failed = collected == NULL || append_iterator(collected, iterator) < 0 || append_buffer(self, collected) < 0;
    Py_DECREF(iterator);
    Py_XDECREF(collected);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *array_insert(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t index;
    int value;
    if (!_PyArg_CheckPositional("insert", count, 2, 2)) return NULL;
    if (kr_ssize_argument(args[0], &index) < 0 || !kr_bytes_value(args[1], &value)) return NULL;
    Py_ssize_t size = Py_SIZE(self);
    if (size == PY_SSIZE_T_MAX) {
        PyErr_SetString(PyExc_OverflowError, "cannot add more objects to bytearray");
        return NULL;
    }
    if (PyByteArray_Resize(self, size + 1) < 0) return NULL;
    if (index < 0) index = index + size < 0 ? 0 : index + size;
    if (index > size) index = size;
    char *data = PyByteArray_AS_STRING(self);
    memmove(data + index + 1, data + index, size - index);
    data[index] = (char)value;
    Py_RETURN_NONE;
}

static PyObject *array_pop(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t index = -1;
    if (!_PyArg_CheckPositional("pop", count, 0, 1)) return NULL;
    if (count > 0 && kr_ssize_argument(args[0], &index) < 0) return NULL;
    Py_ssize_t size = Py_SIZE(self);
    if (size == 0) {
        PyErr_SetString(PyExc_IndexError, "pop from empty bytearray");
        return NULL;
    }
    if (index < 0) index += size;
    if (index < 0 || index >= size) {
        PyErr_SetString(PyExc_IndexError, "pop index out of range");
        return NULL;
    }
    if (!can_resize(self)) return NULL;
    int value = (unsigned char)PyByteArray_AS_STRING(self)[index];
    if (replace_range(self, index, index + 1, NULL, 0) < 0) return NULL;
    return PyLong_FromLong(value);
}

static PyObject *array_remove(PyObject *self, PyObject *item) {
    int value;
    if (!kr_bytes_value(item, &value)) return NULL;
    const char *data = PyByteArray_AS_STRING(self);
    const char *found = Py_SIZE(self) > 0 ? memchr(data, value, Py_SIZE(self)) : NULL;
    if (found == NULL) {
        PyErr_SetString(PyExc_ValueError, "value not found in bytearray");
        return NULL;
    }
    if (replace_range(self, found - data, found - data + 1, NULL, 0) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *array_reverse(PyObject *self, PyObject *unused) {
    char *left = PyByteArray_AS_STRING(self), *right = left + Py_SIZE(self) - 1;
    while (left < right) {
        char byte = *left;
        *left++ = *right;
        *right-- = byte;
    }
    Py_RETURN_NONE;
}

static PyObject *array_alloc(PyObject *self, PyObject *unused) { return PyLong_FromSsize_t(as_array(self)->ob_alloc); }

static PyObject *array_sizeof(PyObject *self, PyObject *unused) {
    return PyLong_FromSsize_t(Py_TYPE(self)->tp_basicsize + as_array(self)->ob_alloc);
}

static PyObject *reduce(PyObject *self, int protocol) {
    PyObject *name = KR_NAME(__getstate__);
    PyObject *state = name != NULL ? PyObject_CallMethodNoArgs(self, name) : NULL;
    if (state == NULL) return NULL;
    const char *data = PyByteArray_AS_STRING(self);
    Py_ssize_t size = Py_SIZE(self);
    if (size == 0) return Py_BuildValue("O()N", Py_TYPE(self), state);
    if (protocol >= 3) return Py_BuildValue("O(N)N", Py_TYPE(self), PyBytes_FromStringAndSize(data, size), state);
    return Py_BuildValue("O(Ns)N", Py_TYPE(self), PyUnicode_DecodeLatin1(data, size, NULL), "latin-1", state);
}

static PyObject *array_reduce(PyObject *self, PyObject *unused) { return reduce(self, 2); }

static PyObject *array_reduce_ex(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("__reduce_ex__", count, 0, 1)) return NULL;
    int protocol = count > 0 ? _PyLong_AsInt(args[0]) : 0;
    if (protocol == -1 && PyErr_Occurred()) return NULL;
    return reduce(self, protocol);
}

static PyObject *array_fromhex(PyObject *type, PyObject *text) {
    if (!PyUnicode_Check(text)) {
        _PyArg_BadArgument("fromhex", "argument", "str", text);
        return NULL;
    }
    PyObject *result = _PyBytes_FromHex(text, 1);
    if (result != NULL && type != (PyObject *)&PyByteArray_Type) Py_SETREF(result, PyObject_CallOneArg(type, result));
    return result;
}

static PyMethodDef array_methods[] = {
    {"__alloc__", array_alloc, METH_NOARGS, "B.__alloc__() -> int\n\nThe size of the memory block, in bytes."},
    {"__reduce__", array_reduce, METH_NOARGS, "__reduce__($self, /)\n--\n\nFor pickling."},
    {"__reduce_ex__", (PyCFunction)(void (*)(void))array_reduce_ex, METH_FASTCALL,
     "__reduce_ex__($self, proto=0, /)\n--\n\nFor pickling."},
    {"__sizeof__", array_sizeof, METH_NOARGS, "__sizeof__($self, /)\n--\n\nThe memory used, in bytes."},
    {"append", array_append, METH_O, "append($self, item, /)\n--\n\nAdd one byte at the end."},
    {"clear", array_clear, METH_NOARGS, "clear($self, /)\n--\n\nRemove all bytes."},
    {"copy", array_copy, METH_NOARGS, "copy($self, /)\n--\n\nA copy of B."},
    {"extend", array_extend, METH_O,
     "extend($self, iterable_of_ints, /)\n--\n\nAdd the bytes of a buffer or an iterable at the end."},
    {"insert", (PyCFunction)(void (*)(void))array_insert, METH_FASTCALL,
     "insert($self, index, item, /)\n--\n\nInsert one byte before the index."},
    {"pop", (PyCFunction)(void (*)(void))array_pop, METH_FASTCALL,
     "pop($self, index=-1, /)\n--\n\nRemove the byte at the index and return it."},
    {"remove", array_remove, METH_O, "remove($self, value, /)\n--\n\nRemove the first occurrence of a byte."},
    {"reverse", array_reverse, METH_NOARGS, "reverse($self, /)\n--\n\nReverse the order of the bytes."},
#define KR_BYTES_METHOD(name, arguments, documentation)                                                                \
    {#name, (PyCFunction)(void (*)(void))kr_bytes_method_##name, KR_BYTES_FLAGS_##arguments, documentation},
#include "types/bytes_methods.def"
#undef KR_BYTES_METHOD
    {"fromhex", array_fromhex, METH_O | METH_CLASS,
     "fromhex($type, string, /)\n--\n\nFrom pairs of hexadecimal digits, with whitespace between them or not."},
    {"maketrans", (PyCFunction)(void (*)(void))kr_bytes_maketrans, METH_FASTCALL | METH_STATIC, kr_bytes_maketrans_doc},
    {NULL},
};

static PySequenceMethods array_as_sequence = {
    .sq_length = array_length,
    .sq_concat = PyByteArray_Concat,
    .sq_repeat = array_repeat,
    .sq_item = array_item,
    .sq_ass_item = array_assign_item,
    .sq_contains = kr_bytes_contains,
    .sq_inplace_concat = array_inplace_concat,
    .sq_inplace_repeat = array_inplace_repeat,
};

static PyMappingMethods array_as_mapping = {
    .mp_length = array_length,
    .mp_subscript = array_subscript,
    .mp_ass_subscript = array_assign_subscript,
};

static PyBufferProcs array_as_buffer = {
    .bf_getbuffer = array_get_buffer,
    .bf_releasebuffer = array_release_buffer,
};

static PyNumberMethods array_as_number = {
    .nb_remainder = array_mod,
};

PyTypeObject PyByteArray_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = "bytearray",
    .tp_basicsize = sizeof(PyByteArrayObject),
    .tp_dealloc = array_dealloc,
    .tp_repr = array_repr,
    .tp_as_number = &array_as_number,
    .tp_as_sequence = &array_as_sequence,
    .tp_as_mapping = &array_as_mapping,
    .tp_str = array_str,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_as_buffer = &array_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | _Py_TPFLAGS_MATCH_SELF,
    .tp_doc = "bytearray(iterable_of_ints) -> bytearray\n"
              "bytearray(string, encoding[, errors]) -> bytearray\n"
              "bytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\n"
              "bytearray(int) -> that many zero bytes\n"
              "bytearray() -> empty bytearray\n\n"
              "A mutable sequence of integers from 0 to 255.",
    .tp_richcompare = kr_bytes_compare,
    .tp_iter = array_iter,
    .tp_methods = array_methods,
    .tp_init = array_init,
    .tp_alloc = PyType_GenericAlloc,
    .tp_new = PyType_GenericNew,
    .tp_free = PyObject_Free,
};
