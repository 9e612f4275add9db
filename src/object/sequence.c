/* The sequence and mapping protocols. */
#include <Python.h>

#include "object/abstract.h"
#include "object/names.h"
#include "object/object.h"

#undef PySequence_Length
#undef PySequence_In
#undef PyMapping_Length

PyAPI_FUNC(Py_ssize_t) PySequence_Length(PyObject *o);
PyAPI_FUNC(int) PySequence_In(PyObject *o, PyObject *value);
PyAPI_FUNC(Py_ssize_t) PyMapping_Length(PyObject *o);

static inline PySequenceMethods *sequence_of(PyObject *o) { return Py_TYPE(o)->tp_as_sequence; }
static inline PyMappingMethods *mapping_of(PyObject *o) { return Py_TYPE(o)->tp_as_mapping; }

#define HAS(methods, slot) ((methods) != NULL && (methods)->slot != NULL)

/* -- Size, + and * ---------------------------------------------------------------------------------------------------------------- */

int PySequence_Check(PyObject *s) { return !PyDict_Check(s) && HAS(sequence_of(s), sq_item); }

Py_ssize_t PySequence_Size(PyObject *s) {
    if (s == NULL) return null_status();
    if (HAS(sequence_of(s), sq_length)) return sequence_of(s)->sq_length(s);
    type_error(HAS(mapping_of(s), mp_length) ? "%.200s is not a sequence" : "object of type '%.200s' has no len()", s);
    return -1;
}

Py_ssize_t PySequence_Length(PyObject *s) { return PySequence_Size(s); }

PyObject *PySequence_Concat(PyObject *s, PyObject *o) {
    if (s == NULL || o == NULL) return null_error();
    if (HAS(sequence_of(s), sq_concat)) return sequence_of(s)->sq_concat(s, o);
    /* A class's __add__ fills the number slot. */
    if (PySequence_Check(s) && PySequence_Check(o)) {
        PyNumberMethods *number = Py_TYPE(s)->tp_as_number;
        if (number != NULL && number->nb_add != NULL) {
            PyObject *result = number->nb_add(s, o);
            if (result != Py_NotImplemented) return result;
            Py_DECREF(result);
        }
    }
    return type_error("'%.200s' object can't be concatenated", s);
}

PyObject *PySequence_InPlaceConcat(PyObject *s, PyObject *o) {
    if (s == NULL || o == NULL) return null_error();
    PySequenceMethods *methods = sequence_of(s);
    if (HAS(methods, sq_inplace_concat)) return methods->sq_inplace_concat(s, o);
    if (HAS(methods, sq_concat)) return methods->sq_concat(s, o);
    if (PySequence_Check(s) && PySequence_Check(o)) {
        PyNumberMethods *number = Py_TYPE(s)->tp_as_number;
        if (number != NULL && (number->nb_inplace_add != NULL || number->nb_add != NULL)) {
            return PyNumber_InPlaceAdd(s, o);
        }
    }
    return type_error("'%.200s' object can't be concatenated", s);
}

static PyObject *repeat_by_number(PyObject *s, Py_ssize_t count, PyObject *(*multiply)(PyObject *, PyObject *)) {
    if (!PySequence_Check(s)) return type_error("'%.200s' object can't be repeated", s);
    PyObject *number = PyLong_FromSsize_t(count);
    if (number == NULL) return NULL;
    PyNumberMethods *methods = Py_TYPE(s)->tp_as_number;
    PyObject *result;
    if (methods == NULL || methods->nb_multiply == NULL) {
        result = type_error("'%.200s' object can't be repeated", s);
    } else {
        result = multiply(s, number);
    }
    Py_DECREF(number);
    return result;
}

PyObject *PySequence_Repeat(PyObject *o, Py_ssize_t count) {
    if (o == NULL) return null_error();
    if (HAS(sequence_of(o), sq_repeat)) return sequence_of(o)->sq_repeat(o, count);
    return repeat_by_number(o, count, PyNumber_Multiply);
}

PyObject *PySequence_InPlaceRepeat(PyObject *o, Py_ssize_t count) {
    if (o == NULL) return null_error();
    PySequenceMethods *methods = sequence_of(o);
    if (HAS(methods, sq_inplace_repeat)) return methods->sq_inplace_repeat(o, count);
    if (HAS(methods, sq_repeat)) return methods->sq_repeat(o, count);
    return repeat_by_number(o, count, PyNumber_InPlaceMultiply);
}

/* -- Items -------------------------------------------------------------------------------------------------------------------------- */

/* Counts a negative index from the end, if the sequence has a length. Returns 0 or -1. */
static int adjust_index(PyObject *s, Py_ssize_t *index) {
    if (*index >= 0 || !HAS(sequence_of(s), sq_length)) return 0;
    Py_ssize_t length = sequence_of(s)->sq_length(s);
    if (length < 0) return -1;
    *index += length;
    return 0;
}

PyObject *PySequence_GetItem(PyObject *s, Py_ssize_t i) {
    if (s == NULL) return null_error();
    if (HAS(sequence_of(s), sq_item)) return adjust_index(s, &i) < 0 ? NULL : sequence_of(s)->sq_item(s, i);
    return type_error(HAS(mapping_of(s), mp_subscript) ? "%.200s is not a sequence"
                                                       : "'%.200s' object does not support indexing", s);
}

int PySequence_SetItem(PyObject *s, Py_ssize_t i, PyObject *o) {
    if (s == NULL) return null_status();
    if (HAS(sequence_of(s), sq_ass_item)) return adjust_index(s, &i) < 0 ? -1 : sequence_of(s)->sq_ass_item(s, i, o);
    type_error(HAS(mapping_of(s), mp_ass_subscript) ? "%.200s is not a sequence"
                                                    : "'%.200s' object does not support item assignment", s);
    return -1;
}

int PySequence_DelItem(PyObject *s, Py_ssize_t i) {
    if (s == NULL) return null_status();
    if (HAS(sequence_of(s), sq_ass_item)) {
        return adjust_index(s, &i) < 0 ? -1 : sequence_of(s)->sq_ass_item(s, i, NULL);
    }
    type_error(HAS(mapping_of(s), mp_ass_subscript) ? "%.200s is not a sequence"
                                                    : "'%.200s' object doesn't support item deletion", s);
    return -1;
}

PyObject *PySequence_GetSlice(PyObject *s, Py_ssize_t i1, Py_ssize_t i2) {
    if (s == NULL) return null_error();
    if (!HAS(mapping_of(s), mp_subscript)) return type_error("'%.200s' object is unsliceable", s);
    PyObject *slice = _PySlice_FromIndices(i1, i2);
    if (slice == NULL) return NULL;
    PyObject *result = mapping_of(s)->mp_subscript(s, slice);
    Py_DECREF(slice);
    return result;
}

static int assign_slice(PyObject *s, Py_ssize_t i1, Py_ssize_t i2, PyObject *o, const char *refusal) {
    if (s == NULL) return null_status();
    if (!HAS(mapping_of(s), mp_ass_subscript)) {
        type_error(refusal, s);
        return -1;
    }
    PyObject *slice = _PySlice_FromIndices(i1, i2);
    if (slice == NULL) return -1;
    int status = mapping_of(s)->mp_ass_subscript(s, slice, o);
    Py_DECREF(slice);
    return status;
}

int PySequence_SetSlice(PyObject *s, Py_ssize_t i1, Py_ssize_t i2, PyObject *o) {
    return assign_slice(s, i1, i2, o, "'%.200s' object doesn't support slice assignment");
}

int PySequence_DelSlice(PyObject *s, Py_ssize_t i1, Py_ssize_t i2) {
    return assign_slice(s, i1, i2, NULL, "'%.200s' object doesn't support slice deletion");
}

/* -- Conversion ------------------------------------------------------------------------------------------------------------------------ */

enum { FEW_ITEMS = 16 };

PyObject *PySequence_Tuple(PyObject *v) {
    if (v == NULL) return null_error();
    if (PyTuple_CheckExact(v)) return Py_NewRef(v);
    if (PyList_CheckExact(v)) return PyList_AsTuple(v);
    PyObject *iterator = PyObject_GetIter(v), *list = NULL, *tuple = NULL;
    if (iterator == NULL) return NULL;
    /* A tuple that is visible to others must not change, so items are gathered elsewhere: in a list if there are many. */
    PyObject *few[FEW_ITEMS];
    Py_ssize_t count = 0;
    if (PyType_HasFeature(Py_TYPE(v), Py_TPFLAGS_HEAPTYPE) && PyObject_LengthHint(v, FEW_ITEMS) < 0) goto done;
    while (count < FEW_ITEMS && (few[count] = PyIter_Next(iterator)) != NULL) count++;
    if (count < FEW_ITEMS) {
        if (PyErr_Occurred() || (tuple = PyTuple_New(count)) == NULL) goto done;
        for (Py_ssize_t i = 0; i < count; i++) PyTuple_SET_ITEM(tuple, i, few[i]);
        count = 0;
        goto done;
    }
    list = PyList_New(count);
    if (list == NULL) goto done;
    for (Py_ssize_t i = 0; i < count; i++) PyList_SET_ITEM(list, i, few[i]);
    count = 0;
    PyObject *none = _PyList_Extend((PyListObject *)list, iterator);
    if (none != NULL) tuple = PyList_AsTuple(list);
    Py_XDECREF(none);
done:
    while (count > 0) Py_DECREF(few[--count]);
    Py_XDECREF(list);
    Py_DECREF(iterator);
    return tuple;
}

PyObject *PySequence_List(PyObject *v) {
    if (v == NULL) return null_error();
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    PyObject *none = _PyList_Extend((PyListObject *)list, v);
    if (none == NULL) {
        Py_DECREF(list);
        return NULL;
    }
    Py_DECREF(none);
    return list;
}

PyObject *PySequence_Fast(PyObject *v, const char *m) {
    if (v == NULL) return null_error();
    if (PyList_CheckExact(v) || PyTuple_CheckExact(v)) return Py_NewRef(v);
    PyObject *iterator = PyObject_GetIter(v);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) PyErr_SetString(PyExc_TypeError, m);
        return NULL;
    }
    PyObject *list = PySequence_List(iterator);
    Py_DECREF(iterator);
    return list;
}

/* -- Search ------------------------------------------------------------------------------------------------------------------------------ */

Py_ssize_t _PySequence_IterSearch(PyObject *seq, PyObject *obj, int operation) {
    if (seq == NULL || obj == NULL) return null_status();
    PyObject *iterator = PyObject_GetIter(seq);
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError)) type_error("argument of type '%.200s' is not iterable", seq);
        return -1;
    }
    Py_ssize_t index = 0, count = 0, result = -1;
    for (;; index++) {
        PyObject *item = PyIter_Next(iterator);
        if (item == NULL) {
            if (PyErr_Occurred()) goto done;
            break;
        }
        int equal = PyObject_RichCompareBool(item, obj, Py_EQ);
        Py_DECREF(item);
        if (equal < 0) goto done;
        if (!equal) continue;
        if (operation == PY_ITERSEARCH_CONTAINS) {
            result = 1;
            goto done;
        }
        if (operation == PY_ITERSEARCH_INDEX) {
            result = index;
            goto done;
        }
        if (count == PY_SSIZE_T_MAX) {
            PyErr_SetString(PyExc_OverflowError, "count exceeds C integer size");
            goto done;
        }
        count++;
    }
    if (operation == PY_ITERSEARCH_INDEX) {
        PyErr_SetString(PyExc_ValueError, "sequence.index(x): x not in sequence");
    } else {
        result = count;
    }
done:
    Py_DECREF(iterator);
    return result;
}

Py_ssize_t PySequence_Count(PyObject *s, PyObject *o) { return _PySequence_IterSearch(s, o, PY_ITERSEARCH_COUNT); }

Py_ssize_t PySequence_Index(PyObject *s, PyObject *o) { return _PySequence_IterSearch(s, o, PY_ITERSEARCH_INDEX); }

int PySequence_Contains(PyObject *seq, PyObject *ob) {
    if (HAS(sequence_of(seq), sq_contains)) return sequence_of(seq)->sq_contains(seq, ob);
    return (int)_PySequence_IterSearch(seq, ob, PY_ITERSEARCH_CONTAINS);
}

int PySequence_In(PyObject *w, PyObject *v) { return PySequence_Contains(w, v); }

/* -- Mappings ------------------------------------------------------------------------------------------------------------------------------ */

int PyMapping_Check(PyObject *o) { return o != NULL && HAS(mapping_of(o), mp_subscript); }

Py_ssize_t PyMapping_Size(PyObject *o) {
    if (o == NULL) return null_status();
    if (HAS(mapping_of(o), mp_length)) return mapping_of(o)->mp_length(o);
    type_error(HAS(sequence_of(o), sq_length) ? "%.200s is not a mapping" : "object of type '%.200s' has no len()", o);
    return -1;
}

Py_ssize_t PyMapping_Length(PyObject *o) { return PyMapping_Size(o); }

PyObject *PyMapping_GetItemString(PyObject *o, const char *key) {
    if (key == NULL) return null_error();
    PyObject *text = PyUnicode_FromString(key);
    if (text == NULL) return NULL;
    PyObject *result = PyObject_GetItem(o, text);
    Py_DECREF(text);
    return result;
}

int PyMapping_SetItemString(PyObject *o, const char *key, PyObject *value) {
    if (key == NULL) return null_status();
    PyObject *text = PyUnicode_FromString(key);
    if (text == NULL) return -1;
    int status = PyObject_SetItem(o, text, value);
    Py_DECREF(text);
    return status;
}

int PyMapping_HasKeyString(PyObject *o, const char *key) {
    PyObject *value = PyMapping_GetItemString(o, key);
    if (value == NULL) {
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(value);
    return 1;
}

int PyMapping_HasKey(PyObject *o, PyObject *key) {
    PyObject *value = PyObject_GetItem(o, key);
    if (value == NULL) {
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(value);
    return 1;
}

/* Calls a method that returns an iterable and makes a list of it. */
static PyObject *method_as_list(PyObject *o, PyObject *name) {
    PyObject *iterable = PyObject_CallMethodNoArgs(o, name);
    if (iterable == NULL) return NULL;
    PyObject *iterator = PyObject_GetIter(iterable), *list = NULL;
    if (iterator != NULL) {
        list = PySequence_List(iterator);
        Py_DECREF(iterator);
    } else if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Format(PyExc_TypeError, "%.200s.%U() returned a non-iterable (type %.200s)", Py_TYPE(o)->tp_name, name,
                     Py_TYPE(iterable)->tp_name);
    }
    Py_DECREF(iterable);
    return list;
}

PyObject *PyMapping_Keys(PyObject *o) {
    if (o == NULL) return null_error();
    return PyDict_CheckExact(o) ? PyDict_Keys(o) : method_as_list(o, KR_NAME(keys));
}

PyObject *PyMapping_Items(PyObject *o) {
    if (o == NULL) return null_error();
    return PyDict_CheckExact(o) ? PyDict_Items(o) : method_as_list(o, KR_NAME(items));
}

PyObject *PyMapping_Values(PyObject *o) {
    if (o == NULL) return null_error();
    return PyDict_CheckExact(o) ? PyDict_Values(o) : method_as_list(o, KR_NAME(values));
}

/* -- For posix: a sequence of bytes as a NULL-terminated array --------------------------------------------------------------------------- */

void _Py_FreeCharPArray(char *const array[]) {
    for (Py_ssize_t i = 0; array[i] != NULL; i++) PyMem_Free(array[i]);
    PyMem_Free((void *)array);
}

char *const *_PySequence_BytesToCharpArray(PyObject *self) {
    Py_ssize_t count = PySequence_Size(self);
    if (count == -1) return NULL;
    char **array = PyMem_New(char *, (size_t)count + 1);
    if (array == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(self, i);
        char *data;
        Py_ssize_t size;
        array[i] = NULL;
        if (item == NULL || PyBytes_AsStringAndSize(item, &data, &size) < 0) {
            Py_XDECREF(item);
            goto error;
        }
        array[i] = PyMem_Malloc(size + 1);
        if (array[i] != NULL) memcpy(array[i], data, size + 1);
        Py_DECREF(item);
        if (array[i] == NULL) {
            PyErr_NoMemory();
            goto error;
        }
    }
    array[count] = NULL;
    return array;
error:
    _Py_FreeCharPArray(array);
    return NULL;
}
