/* The memoryview type, the managed buffers behind it, and its C API. */
#include <Python.h>
#include <stddef.h>
#include <string.h>

#include "object/arguments.h"
#include "types/bytes_hex.h"
#include "types/bytes_internal.h"
#include "types/memoryview.h"

typedef PyMemoryViewObject View;

static inline View *as_view(PyObject *self) { return (View *)self; }

/* ---- managed buffers ---- */

static _PyManagedBufferObject *managed_new(void) {
    _PyManagedBufferObject *managed = PyObject_GC_New(_PyManagedBufferObject, &_PyManagedBuffer_Type);
    if (managed == NULL) return NULL;
    managed->flags = 0;
    managed->exports = 0;
    managed->master.obj = NULL;
    PyObject_GC_Track(managed);
    return managed;
}

static _PyManagedBufferObject *managed_from_object(PyObject *base) {
    _PyManagedBufferObject *managed = managed_new();
    if (managed == NULL) return NULL;
    if (PyObject_GetBuffer(base, &managed->master, PyBUF_FULL_RO) < 0) {
        managed->master.obj = NULL;
        Py_DECREF(managed);
        return NULL;
    }
    return managed;
}

static void managed_release(_PyManagedBufferObject *managed) {
    if (managed->flags & _Py_MANAGED_BUFFER_RELEASED) return;
    managed->flags |= _Py_MANAGED_BUFFER_RELEASED;
    PyObject_GC_UnTrack(managed);
    PyBuffer_Release(&managed->master);
}

static void managed_dealloc(PyObject *self) {
    _PyManagedBufferObject *managed = (_PyManagedBufferObject *)self;
    managed_release(managed);
    if (managed->flags & _Py_MANAGED_BUFFER_FREE_FORMAT) PyMem_Free(managed->master.format);
    PyObject_GC_UnTrack(self);
    PyObject_GC_Del(self);
}

static int managed_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((_PyManagedBufferObject *)self)->master.obj);
    return 0;
}

static int managed_clear(PyObject *self) {
    managed_release((_PyManagedBufferObject *)self);
    return 0;
}

PyTypeObject _PyManagedBuffer_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = "managedbuffer",
    .tp_basicsize = sizeof(_PyManagedBufferObject),
    .tp_dealloc = managed_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = managed_traverse,
    .tp_clear = managed_clear,
};

/* ---- views ---- */

static inline int is_released(const View *self) {
    return (self->flags & _Py_MEMORYVIEW_RELEASED) || (self->mbuf->flags & _Py_MANAGED_BUFFER_RELEASED);
}

/* Returns 0, or -1 with ValueError if the view was released. */
static int check_released(const View *self) {
    if (!is_released(self)) return 0;
    PyErr_SetString(PyExc_ValueError, "operation forbidden on released memoryview object");
    return -1;
}

static int is_c_contiguous(const Py_buffer *view) { return PyBuffer_IsContiguous(view, 'C'); }

/* Works out the flags that describe the layout. */
static void set_layout_flags(View *self) {
    const Py_buffer *view = &self->view;
    int flags = self->flags & _Py_MEMORYVIEW_RELEASED;
    if (view->ndim == 0) {
        flags |= _Py_MEMORYVIEW_SCALAR | _Py_MEMORYVIEW_C | _Py_MEMORYVIEW_FORTRAN;
    } else if (view->suboffsets != NULL) {
        flags |= _Py_MEMORYVIEW_PIL;
    } else {
        if (is_c_contiguous(view)) flags |= _Py_MEMORYVIEW_C;
        if (PyBuffer_IsContiguous(view, 'F')) flags |= _Py_MEMORYVIEW_FORTRAN;
    }
    self->flags = flags;
}

/* Fills in strides for items that follow one another in C order. */
static void set_c_strides(Py_buffer *view) {
    Py_ssize_t stride = view->itemsize;
    for (int i = view->ndim - 1; i >= 0; i--) {
        view->strides[i] = stride;
        stride *= view->shape[i];
    }
}

/* Creates a view of `ndim` dimensions whose arrays are not filled in; shape and strides point to them. */
static View *view_allocate(int ndim) {
    View *self = PyObject_GC_NewVar(View, &PyMemoryView_Type, 3 * (Py_ssize_t)ndim);
    if (self == NULL) return NULL;
    memset(&self->view, 0, sizeof self->view);
    self->mbuf = NULL;
    self->hash = -1;
    self->flags = 0;
    self->exports = 0;
    self->weakreflist = NULL;
    self->view.ndim = ndim;
    self->view.shape = self->ob_array;
    self->view.strides = self->ob_array + ndim;
    self->view.suboffsets = self->ob_array + 2 * ndim;
    PyObject_GC_Track(self);
    return self;
}

/* Copies the description of the memory from a complete or simple buffer. */
static void copy_description(Py_buffer *view, const Py_buffer *source) {
    view->obj = source->obj;
    view->buf = source->buf;
    view->len = source->len;
    view->itemsize = source->itemsize;
    view->readonly = source->readonly;
    view->format = source->format != NULL ? source->format : "B";
    view->internal = source->internal;
    int ndim = view->ndim;
    if (ndim == 0) {
        view->shape = view->strides = view->suboffsets = NULL;
        return;
    }
    if (source->shape != NULL)
        memcpy(view->shape, source->shape, ndim * sizeof view->shape[0]);
    else
        view->shape[0] = source->itemsize > 0 ? source->len / source->itemsize : 0;
    if (source->strides != NULL)
        memcpy(view->strides, source->strides, ndim * sizeof view->strides[0]);
    else
        set_c_strides(view);
    if (source->suboffsets != NULL)
        memcpy(view->suboffsets, source->suboffsets, ndim * sizeof view->suboffsets[0]);
    else
        view->suboffsets = NULL;
}

/* Creates a view of the memory described by `source` that shares a managed buffer. */
static PyObject *view_new(_PyManagedBufferObject *managed, const Py_buffer *source) {
    if (source->ndim > PyBUF_MAX_NDIM) {
        PyErr_Format(PyExc_ValueError, "memoryview: number of dimensions must not exceed %d", PyBUF_MAX_NDIM);
        return NULL;
    }
    View *self = view_allocate(source->ndim);
    if (self == NULL) return NULL;
    copy_description(&self->view, source);
    set_layout_flags(self);
    self->mbuf = (_PyManagedBufferObject *)Py_NewRef(managed);
    managed->exports++;
    return (PyObject *)self;
}

/* Creates a view of a managed buffer's own memory and takes the reference to it. */
static PyObject *view_of_managed(_PyManagedBufferObject *managed) {
    if (managed == NULL) return NULL;
    PyObject *self = view_new(managed, &managed->master);
    Py_DECREF(managed);
    return self;
}

PyObject *PyMemoryView_FromObject(PyObject *base) {
    if (PyMemoryView_Check(base)) {
        if (check_released(as_view(base)) < 0) return NULL;
        return view_new(as_view(base)->mbuf, &as_view(base)->view);
    }
    if (PyObject_CheckBuffer(base)) return view_of_managed(managed_from_object(base));
    return PyErr_Format(PyExc_TypeError, "memoryview: a bytes-like object is required, not '%.200s'",
                        Py_TYPE(base)->tp_name);
}

/* Creates a view of the memory of another one with room for `ndim` dimensions, for the time being one-dimensional and
 * without strides of its own. */
static View *view_for_cast(_PyManagedBufferObject *managed, const Py_buffer *source, int ndim) {
    View *self = view_allocate(ndim > 0 ? ndim : 1);
    if (self == NULL) return NULL;
    Py_buffer description = *source;
    description.ndim = 1;
    description.shape = description.strides = description.suboffsets = NULL;
    self->view.ndim = 1;
    copy_description(&self->view, &description);
    set_layout_flags(self);
    self->mbuf = (_PyManagedBufferObject *)Py_NewRef(managed);
    managed->exports++;
    return self;
}

PyObject *kr_memoryview_of_bytes(PyObject *base) {
    _PyManagedBufferObject *managed = managed_from_object(base);
    if (managed == NULL) return NULL;
    Py_buffer bytes = managed->master;
    bytes.format = "B";
    bytes.itemsize = 1;
    View *self = view_for_cast(managed, &bytes, 1);
    Py_DECREF(managed);
    return (PyObject *)self;
}

PyObject *PyMemoryView_FromMemory(char *memory, Py_ssize_t size, int flags) {
    _PyManagedBufferObject *managed = managed_new();
    if (managed == NULL) return NULL;
    PyBuffer_FillInfo(&managed->master, NULL, memory, size, flags != PyBUF_WRITE, PyBUF_FULL_RO);
    return view_of_managed(managed);
}

PyObject *PyMemoryView_FromBuffer(const Py_buffer *info) {
    if (info->buf == NULL) {
        PyErr_SetString(PyExc_ValueError, "PyMemoryView_FromBuffer(): info->buf must not be NULL");
        return NULL;
    }
    _PyManagedBufferObject *managed = managed_new();
    if (managed == NULL) return NULL;
    managed->master = *info;
    managed->master.obj = NULL; /* whoever has the buffer releases it */
    return view_of_managed(managed);
}

/* Creates a view with the same structure over a contiguous copy of the memory. */
static PyObject *contiguous_copy(const View *source, char order) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, source->view.len);
    if (bytes == NULL) return NULL;
    if (PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes), &source->view, source->view.len, order) < 0) {
        Py_DECREF(bytes);
        return NULL;
    }
    _PyManagedBufferObject *managed = managed_from_object(bytes);
    if (managed == NULL) {
        Py_DECREF(bytes);
        return NULL;
    }
    /* The format must live as long as the copy does. */
    size_t format_size = strlen(source->view.format) + 1;
    char *format = PyMem_Malloc(format_size);
    PyObject *self = NULL;
    if (format == NULL) {
        PyErr_NoMemory();
    } else {
        memcpy(format, source->view.format, format_size);
        managed->master.format = format;
        managed->flags |= _Py_MANAGED_BUFFER_FREE_FORMAT;
        Py_buffer description = source->view;
        description.obj = managed->master.obj;
        description.buf = managed->master.buf;
        description.format = format;
        description.readonly = 1;
        description.suboffsets = NULL;
        description.strides = NULL;
        self = view_new(managed, &description);
        if (self != NULL && order == 'F' && description.ndim > 1) {
            Py_buffer *view = &as_view(self)->view;
            PyBuffer_FillContiguousStrides(view->ndim, view->shape, view->strides, (int)view->itemsize, 'F');
            set_layout_flags(as_view(self));
        }
    }
    Py_DECREF(managed);
    Py_DECREF(bytes);
    return self;
}

PyObject *PyMemoryView_GetContiguous(PyObject *base, int buffer_type, char order) {
    PyObject *self = PyMemoryView_FromObject(base), *copy = NULL;
    if (self == NULL) return NULL;
    const Py_buffer *view = &as_view(self)->view;
    if (buffer_type == PyBUF_WRITE && view->readonly) {
        PyErr_SetString(PyExc_BufferError, "underlying buffer is not writable");
    } else if (PyBuffer_IsContiguous(view, order)) {
        return self;
    } else if (buffer_type == PyBUF_WRITE) {
        PyErr_SetString(PyExc_BufferError, "writable contiguous buffer requested for a non-contiguous object.");
    } else {
        copy = contiguous_copy(as_view(self), order);
    }
    Py_DECREF(self);
    return copy;
}

static PyObject *view_type_new(PyTypeObject *type, PyObject *args, PyObject *kwds) {
    static const char *const keywords[] = {"object", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "memoryview"};
    PyObject *values[1] = {NULL};
    PyObject *const *items = _PyArg_UnpackKeywords(((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), kwds, NULL,
                                                   &parser, 1, 1, 0, values);
    return items != NULL ? PyMemoryView_FromObject(items[0]) : NULL;
}

/* ---- release ---- */

/* Releases the view unless its memory is lent on. */
static void release_quietly(View *self) {
    if (self->flags & _Py_MEMORYVIEW_RELEASED || self->exports > 0) return;
    self->flags |= _Py_MEMORYVIEW_RELEASED;
    if (--self->mbuf->exports == 0) managed_release(self->mbuf);
}

static int release(View *self) {
    if (self->exports > 0 && !(self->flags & _Py_MEMORYVIEW_RELEASED)) {
        PyErr_Format(PyExc_BufferError, "memoryview has %zd exported buffer%s", self->exports,
                     self->exports == 1 ? "" : "s");
        return -1;
    }
    release_quietly(self);
    return 0;
}

static PyObject *view_release(PyObject *self, PyObject *unused) {
    if (release(as_view(self)) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *view_enter(PyObject *self, PyObject *unused) {
    if (check_released(as_view(self)) < 0) return NULL;
    return Py_NewRef(self);
}

static PyObject *view_exit(PyObject *self, PyObject *const *args, Py_ssize_t count) { return view_release(self, NULL); }

static int view_clear(PyObject *self) {
    if (as_view(self)->mbuf == NULL) return 0;
    release_quietly(as_view(self));
    Py_CLEAR(as_view(self)->mbuf);
    return 0;
}

static int view_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(as_view(self)->mbuf);
    return 0;
}

static void view_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    view_clear(self);
    if (as_view(self)->weakreflist != NULL) PyObject_ClearWeakRefs(self);
    PyObject_GC_Del(self);
}

/* ---- lending the memory on ---- */

static int buffer_error(const char *text) {
    PyErr_SetString(PyExc_BufferError, text);
    return -1;
}

static int requested(int flags, int what) { return (flags & what) == what; }

static int view_get_buffer(PyObject *object, Py_buffer *view, int flags) {
    View *self = as_view(object);
    if (check_released(self) < 0) return -1;
    int layout = self->flags;
    *view = self->view;
    view->obj = NULL;
    if (requested(flags, PyBUF_WRITABLE) && self->view.readonly)
        return buffer_error("memoryview: underlying buffer is not writable");
    if (!requested(flags, PyBUF_FORMAT)) view->format = NULL;
    if (requested(flags, PyBUF_C_CONTIGUOUS) && !(layout & _Py_MEMORYVIEW_C))
        return buffer_error("memoryview: underlying buffer is not C-contiguous");
    if (requested(flags, PyBUF_F_CONTIGUOUS) && !(layout & _Py_MEMORYVIEW_FORTRAN))
        return buffer_error("memoryview: underlying buffer is not Fortran contiguous");
    if (requested(flags, PyBUF_ANY_CONTIGUOUS) && !(layout & (_Py_MEMORYVIEW_C | _Py_MEMORYVIEW_FORTRAN)))
        return buffer_error("memoryview: underlying buffer is not contiguous");
    if (!requested(flags, PyBUF_INDIRECT) && (layout & _Py_MEMORYVIEW_PIL))
        return buffer_error("memoryview: underlying buffer requires suboffsets");
    if (!requested(flags, PyBUF_STRIDES)) {
        if (!(layout & _Py_MEMORYVIEW_C)) return buffer_error("memoryview: underlying buffer is not C-contiguous");
        view->strides = NULL;
    }
    if (!requested(flags, PyBUF_ND)) {
        if (view->format != NULL)
            return buffer_error("memoryview: cannot cast to unsigned bytes if the format flag is present");
        view->ndim = 1;
        view->shape = NULL;
    }
    view->obj = Py_NewRef(object);
    self->exports++;
    return 0;
}

static void view_release_buffer(PyObject *self, Py_buffer *view) { as_view(self)->exports--; }

/* ---- casting ---- */

static int cast_error(PyObject *type, const char *text) {
    PyErr_SetString(type, text);
    return -1;
}

static int is_byte_format(const char *format) {
    if (format[0] == '@') format++;
    return (format[0] == 'b' || format[0] == 'B' || format[0] == 'c') && format[1] == 0;
}

/* The texts of all formats that a cast can give a view, which have to outlive it. */
static const char *static_format(const char *format) {
#define FORMAT(character) #character, "@" #character
    static const char *const formats[] = {
        FORMAT(c), FORMAT(b), FORMAT(B), FORMAT(h), FORMAT(H), FORMAT(i), FORMAT(I), FORMAT(l), FORMAT(L), FORMAT(q),
        FORMAT(Q), FORMAT(n), FORMAT(N), FORMAT(f), FORMAT(d), FORMAT(?), FORMAT(P),
    };
#undef FORMAT
    for (size_t i = 0; i < Py_ARRAY_LENGTH(formats); i++) {
        if (strcmp(formats[i], format) == 0) return formats[i];
    }
    return NULL;
}

/* Makes a fresh view one-dimensional with items of another format. */
static int cast_to_1d(View *self, PyObject *format_object) {
    Py_buffer *view = &self->view;
    const char *format = PyUnicode_AsUTF8(format_object);
    if (format == NULL) return -1;
    char character = kr_native_format(format);
    const char *kept = static_format(format);
    if (character == 0 || kept == NULL)
        return cast_error(PyExc_ValueError, "memoryview: destination format must be a native single character format "
                                            "prefixed with an optional '@'");
    if (!is_byte_format(format) && !is_byte_format(view->format))
        return cast_error(PyExc_TypeError, "memoryview: cannot cast between two non-byte formats");
    Py_ssize_t item_size = kr_native_item_size(character);
    if (view->len % item_size != 0)
        return cast_error(PyExc_TypeError, "memoryview: length is not a multiple of itemsize");
    view->format = (char *)kept;
    view->itemsize = item_size;
    view->ndim = 1;
    view->shape = self->ob_array;
    view->strides = self->ob_array + 1;
    view->suboffsets = NULL;
    view->shape[0] = view->len / item_size;
    view->strides[0] = item_size;
    set_layout_flags(self);
    return 0;
}

/* Reads the shape, a list or tuple of `ndim` ints, and checks that it fits the memory. */
static int cast_to_nd(View *self, PyObject *shape, int ndim) {
    Py_buffer *view = &self->view;
    Py_ssize_t size = view->itemsize;
    view->ndim = ndim;
    view->shape = self->ob_array;
    view->strides = self->ob_array + ndim;
    view->suboffsets = NULL;
    for (int i = 0; i < ndim; i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(shape, i);
        if (!PyLong_Check(item))
            return cast_error(PyExc_TypeError, "memoryview.cast(): elements of shape must be integers");
        Py_ssize_t extent = PyLong_AsSsize_t(item);
        if (extent == -1 && PyErr_Occurred()) return -1;
        if (extent <= 0)
            return cast_error(PyExc_ValueError, "memoryview.cast(): elements of shape must be integers > 0");
        if (extent > PY_SSIZE_T_MAX / size)
            return cast_error(PyExc_ValueError, "memoryview.cast(): product(shape) > SSIZE_MAX");
        size *= extent;
        view->shape[i] = extent;
    }
    if (size != view->len)
        return cast_error(PyExc_TypeError, "memoryview: product(shape) * itemsize != buffer size");
    if (ndim == 0) {
        view->shape = view->strides = NULL;
    } else {
        set_c_strides(view);
    }
    set_layout_flags(self);
    return 0;
}

static int has_zero(const Py_ssize_t *values, int count) {
    for (int i = 0; i < count; i++) {
        if (values[i] == 0) return 1;
    }
    return 0;
}

static PyObject *cast(View *self, PyObject *format, PyObject *shape) {
    if (check_released(self) < 0) return NULL;
    if (!(self->flags & _Py_MEMORYVIEW_C)) {
        cast_error(PyExc_TypeError, "memoryview: casts are restricted to C-contiguous views");
        return NULL;
    }
    if ((shape != NULL || self->view.ndim != 1) &&
        (has_zero(self->view.shape, self->view.ndim) || has_zero(self->view.strides, self->view.ndim))) {
        cast_error(PyExc_TypeError, "memoryview: cannot cast view with zeros in shape or strides");
        return NULL;
    }
    Py_ssize_t ndim = 1;
    if (shape != NULL) {
        if (!PyList_Check(shape) && !PyTuple_Check(shape)) {
            cast_error(PyExc_TypeError, "shape must be a list or a tuple");
            return NULL;
        }
        ndim = PySequence_Fast_GET_SIZE(shape);
        if (ndim > PyBUF_MAX_NDIM) {
            PyErr_Format(PyExc_ValueError, "memoryview: number of dimensions must not exceed %d", PyBUF_MAX_NDIM);
            return NULL;
        }
        if (self->view.ndim != 1 && ndim != 1) {
            cast_error(PyExc_TypeError, "memoryview: cast must be 1D -> ND or ND -> 1D");
            return NULL;
        }
    }
    View *result = view_for_cast(self->mbuf, &self->view, (int)ndim);
    if (result == NULL) return NULL;
    if (cast_to_1d(result, format) < 0 || (shape != NULL && cast_to_nd(result, shape, (int)ndim) < 0))
        Py_CLEAR(result);
    return (PyObject *)result;
}

static PyObject *view_cast(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"format", "shape", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "cast"};
    PyObject *values[2] = {NULL};
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 1, 2, 0, values);
    if (args == NULL) return NULL;
    if (!PyUnicode_Check(args[0])) {
        _PyArg_BadArgument("cast", "argument 'format'", "str", args[0]);
        return NULL;
    }
    return cast(as_view(self), args[0], kr_optional_argument(args, count, kwnames, 1));
}

static PyObject *view_toreadonly(PyObject *self, PyObject *unused) {
    if (check_released(as_view(self)) < 0) return NULL;
    PyObject *result = view_new(as_view(self)->mbuf, &as_view(self)->view);
    if (result != NULL) as_view(result)->view.readonly = 1;
    return result;
}

/* ---- subscripts ---- */

/* Moves a pointer to the item at an index of one dimension; NULL with IndexError. */
static char *step_to(const Py_buffer *view, char *pointer, int dimension, Py_ssize_t index) {
    Py_ssize_t extent = view->shape[dimension];
    if (index < 0) index += extent;
    if (index < 0 || index >= extent) {
        PyErr_Format(PyExc_IndexError, "index out of bounds on dimension %d", dimension + 1);
        return NULL;
    }
    return kr_follow_suboffset(pointer + view->strides[dimension] * index, view->suboffsets, dimension);
}

/* Finds the item at a tuple of indices; NULL with an exception. */
static char *find_item(View *self, PyObject *indices) {
    const Py_buffer *view = &self->view;
    Py_ssize_t count = PyTuple_GET_SIZE(indices);
    if (count > view->ndim) {
        PyErr_Format(PyExc_TypeError, "cannot index %zd-dimension view with %zd-element tuple", (Py_ssize_t)view->ndim,
                     count);
        return NULL;
    }
    char *pointer = view->buf;
    for (int i = 0; i < count; i++) {
        Py_ssize_t index = PyNumber_AsSsize_t(PyTuple_GET_ITEM(indices, i), PyExc_IndexError);
        if ((index == -1 && PyErr_Occurred()) || check_released(self) < 0) return NULL;
        pointer = step_to(view, pointer, i, index);
        if (pointer == NULL) return NULL;
    }
    return pointer;
}

static int all_items(PyObject *key, int (*test)(PyObject *)) {
    if (!PyTuple_Check(key)) return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); i++) {
        if (!test(PyTuple_GET_ITEM(key, i))) return 0;
    }
    return 1;
}

static int is_slice(PyObject *object) { return PySlice_Check(object); }
static int is_index(PyObject *object) { return PyIndex_Check(object); }
static int is_multislice(PyObject *key) { return all_items(key, is_slice) && PyTuple_GET_SIZE(key) > 0; }

/* Narrows the first dimension of a description to a slice. */
static int apply_slice(Py_buffer *view, PyObject *slice) {
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(slice, &start, &stop, &step) < 0) return -1;
    Py_ssize_t count = PySlice_AdjustIndices(view->shape[0], &start, &stop, step);
    view->buf = (char *)view->buf + view->strides[0] * start;
    view->shape[0] = count;
    view->strides[0] *= step;
    return 0;
}

static void set_length(Py_buffer *view) {
    Py_ssize_t size = view->itemsize;
    for (int i = 0; i < view->ndim; i++) size *= view->shape[i];
    view->len = size;
}

static PyObject *get_item(View *self, Py_ssize_t index) {
    const Py_buffer *view = &self->view;
    if (!kr_check_item_format(view->format)) return NULL;
    if (view->ndim == 0) {
        PyErr_SetString(PyExc_TypeError, "invalid indexing of 0-dim memory");
        return NULL;
    }
    if (view->ndim > 1) {
        PyErr_SetString(PyExc_NotImplementedError, "multi-dimensional sub-views are not implemented");
        return NULL;
    }
    char *pointer = step_to(view, view->buf, 0, index);
    return pointer != NULL ? kr_unpack_item(pointer, view->format) : NULL;
}

static PyObject *view_item(PyObject *self, Py_ssize_t index) {
    if (check_released(as_view(self)) < 0) return NULL;
    return get_item(as_view(self), index);
}

static PyObject *get_slice(View *self, PyObject *slice) {
    View *part = (View *)view_new(self->mbuf, &self->view);
    if (part == NULL) return NULL;
    if (apply_slice(&part->view, slice) < 0) {
        Py_DECREF(part);
        return NULL;
    }
    set_length(&part->view);
    set_layout_flags(part);
    return (PyObject *)part;
}

static PyObject *view_subscript(PyObject *object, PyObject *key) {
    View *self = as_view(object);
    if (check_released(self) < 0) return NULL;
    if (self->view.ndim == 0) {
        if (PyTuple_Check(key) && PyTuple_GET_SIZE(key) == 0) return kr_unpack_item(self->view.buf, self->view.format);
        if (key == Py_Ellipsis) return Py_NewRef(object);
        PyErr_SetString(PyExc_TypeError, "invalid indexing of 0-dim memory");
        return NULL;
    }
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if ((index == -1 && PyErr_Occurred()) || check_released(self) < 0) return NULL;
        return get_item(self, index);
    }
    if (PySlice_Check(key)) return get_slice(self, key);
    if (all_items(key, is_index)) {
        if (PyTuple_GET_SIZE(key) < self->view.ndim) {
            PyErr_SetString(PyExc_NotImplementedError, "sub-views are not implemented");
            return NULL;
        }
        char *pointer = find_item(self, key);
        return pointer != NULL ? kr_unpack_item(pointer, self->view.format) : NULL;
    }
    if (is_multislice(key))
        PyErr_SetString(PyExc_NotImplementedError, "multi-dimensional slicing is not implemented");
    else
        PyErr_SetString(PyExc_TypeError, "memoryview: invalid slice key");
    return NULL;
}

/* Converts a value and stores it in an item, unless converting it has released the view. */
static int set_item(View *self, char *pointer, PyObject *value) {
    char converted[16] = {0};
    if (self->view.itemsize > (Py_ssize_t)sizeof converted) return kr_pack_item(pointer, value, self->view.format);
    if (kr_pack_item(converted, value, self->view.format) < 0 || check_released(self) < 0) return -1;
    memcpy(pointer, converted, self->view.itemsize);
    return 0;
}

static int set_slice(View *self, PyObject *slice, PyObject *value) {
    Py_buffer source, target = self->view;
    Py_ssize_t shape[1], strides[1], suboffsets[1];
    if (PyObject_GetBuffer(value, &source, PyBUF_FULL_RO) < 0) return -1;
    int result = -1;
    Py_ssize_t source_shape[1], source_strides[1];
    shape[0] = target.shape[0];
    strides[0] = target.strides[0];
    target.shape = shape;
    target.strides = strides;
    if (target.suboffsets != NULL) {
        suboffsets[0] = target.suboffsets[0];
        target.suboffsets = suboffsets;
    }
    if (source.ndim == 1 && source.shape == NULL) {
        source_shape[0] = source.itemsize > 0 ? source.len / source.itemsize : 0;
        source.shape = source_shape;
    }
    if (source.ndim == 1 && source.strides == NULL) {
        source_strides[0] = source.itemsize;
        source.strides = source_strides;
    }
    if (apply_slice(&target, slice) == 0 && check_released(self) == 0) {
        set_length(&target);
        result = kr_buffer_copy(&target, &source);
    }
    PyBuffer_Release(&source);
    return result;
}

static int not_implemented(const char *text) {
    PyErr_SetString(PyExc_NotImplementedError, text);
    return -1;
}

static int view_assign_subscript(PyObject *object, PyObject *key, PyObject *value) {
    View *self = as_view(object);
    const Py_buffer *view = &self->view;
    char *pointer;
    if (check_released(self) < 0 || !kr_check_item_format(view->format)) return -1;
    if (view->readonly) return cast_error(PyExc_TypeError, "cannot modify read-only memory");
    if (value == NULL) return cast_error(PyExc_TypeError, "cannot delete memory");
    if (view->ndim == 0) {
        if (key == Py_Ellipsis || (PyTuple_Check(key) && PyTuple_GET_SIZE(key) == 0))
            return set_item(self, view->buf, value);
        return cast_error(PyExc_TypeError, "invalid indexing of 0-dim memory");
    }
    if (PyIndex_Check(key)) {
        if (view->ndim > 1) return not_implemented("sub-views are not implemented");
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if ((index == -1 && PyErr_Occurred()) || check_released(self) < 0) return -1;
        pointer = step_to(view, view->buf, 0, index);
        return pointer != NULL ? set_item(self, pointer, value) : -1;
    }
    if (PySlice_Check(key) && view->ndim == 1) return set_slice(self, key, value);
    if (all_items(key, is_index)) {
        if (PyTuple_GET_SIZE(key) < view->ndim) return not_implemented("sub-views are not implemented");
        pointer = find_item(self, key);
        return pointer != NULL ? set_item(self, pointer, value) : -1;
    }
    if (PySlice_Check(key) || is_multislice(key))
        return not_implemented("memoryview slice assignments are currently restricted to ndim = 1");
    return cast_error(PyExc_TypeError, "memoryview: invalid slice key");
}

static Py_ssize_t view_length(PyObject *self) {
    if (check_released(as_view(self)) < 0) return -1;
    return as_view(self)->view.ndim == 0 ? 1 : as_view(self)->view.shape[0];
}

/* ---- conversion ---- */

static PyObject *view_tolist(PyObject *self, PyObject *unused) {
    if (check_released(as_view(self)) < 0) return NULL;
    return kr_buffer_to_list(&as_view(self)->view);
}

static PyObject *to_bytes(View *self, char order) {
    if (check_released(self) < 0) return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, self->view.len);
    if (bytes != NULL && PyBuffer_ToContiguous(PyBytes_AS_STRING(bytes), &self->view, self->view.len, order) < 0)
        Py_CLEAR(bytes);
    return bytes;
}

static PyObject *view_tobytes(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"order", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "tobytes"};
    PyObject *values[1] = {NULL};
    char order = 'C';
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 1, 0, values);
    if (args == NULL) return NULL;
    PyObject *object = kr_optional_argument(args, count, kwnames, 0);
    if (object != NULL && object != Py_None) {
        if (!PyUnicode_Check(object)) {
            _PyArg_BadArgument("tobytes", "argument 'order'", "str or None", object);
            return NULL;
        }
        const char *text = PyUnicode_AsUTF8(object);
        if (text == NULL) return NULL;
        if (strcmp(text, "C") != 0 && strcmp(text, "F") != 0 && strcmp(text, "A") != 0) {
            PyErr_SetString(PyExc_ValueError, "order must be 'C', 'F' or 'A'");
            return NULL;
        }
        order = text[0];
    }
    return to_bytes(as_view(self), order);
}

static PyObject *view_hex(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    KrHexArguments parsed;
    if (kr_bytes_parse_hex(args, count, kwnames, &parsed) < 0 || check_released(as_view(self)) < 0) return NULL;
    const Py_buffer *view = &as_view(self)->view;
    if (is_c_contiguous(view)) return _Py_strhex_with_sep(view->buf, view->len, parsed.sep, parsed.group);
    PyObject *bytes = to_bytes(as_view(self), 'C');
    if (bytes == NULL) return NULL;
    PyObject *result =
        _Py_strhex_with_sep(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), parsed.sep, parsed.group);
    Py_DECREF(bytes);
    return result;
}

static PyObject *view_repr(PyObject *self) {
    return PyUnicode_FromFormat(as_view(self)->flags & _Py_MEMORYVIEW_RELEASED ? "<released memory at %p>"
                                                                               : "<memory at %p>",
                                self);
}

/* ---- comparison, hash ---- */

/* Compares with any object; 1, 0, -1 with an exception, -2 if the other is no buffer. */
static int compare(View *self, PyObject *other) {
    if (is_released(self)) return (PyObject *)self == other;
    if (PyMemoryView_Check(other)) {
        if (is_released(as_view(other))) return 0;
        return kr_buffers_equal(&self->view, &as_view(other)->view);
    }
    Py_buffer view;
    if (PyObject_GetBuffer(other, &view, PyBUF_FULL_RO) < 0) {
        PyErr_Clear();
        return -2;
    }
    Py_ssize_t shape[1], strides[1];
    if (view.ndim == 1 && view.shape == NULL) {
        shape[0] = view.itemsize > 0 ? view.len / view.itemsize : 0;
        view.shape = shape;
    }
    if (view.ndim == 1 && view.strides == NULL) {
        strides[0] = view.itemsize;
        view.strides = strides;
    }
    int result = kr_buffers_equal(&self->view, &view);
    PyBuffer_Release(&view);
    return result;
}

static PyObject *view_richcompare(PyObject *self, PyObject *other, int operation) {
    if ((operation != Py_EQ && operation != Py_NE) || !PyMemoryView_Check(self)) Py_RETURN_NOTIMPLEMENTED;
    int equal = compare(as_view(self), other);
    if (equal == -1) return NULL;
    if (equal == -2) Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

static Py_hash_t view_hash(PyObject *object) {
    View *self = as_view(object);
    const Py_buffer *view = &self->view;
    if (self->hash != -1) return self->hash;
    if (check_released(self) < 0) return -1;
    if (!view->readonly) {
        PyErr_SetString(PyExc_ValueError, "cannot hash writable memoryview object");
        return -1;
    }
    if (!is_byte_format(view->format)) {
        PyErr_SetString(PyExc_ValueError, "memoryview: hashing is restricted to formats 'B', 'b' or 'c'");
        return -1;
    }
    /* Memory that is shown read-only may belong to an object that can change: it must be hashable itself. */
    if (view->obj != NULL && PyObject_Hash(view->obj) == -1) return -1;
    if (is_c_contiguous(view)) {
        self->hash = _Py_HashBytes(view->buf, view->len);
    } else {
        PyObject *bytes = to_bytes(self, 'C');
        if (bytes == NULL) return -1;
        self->hash = _Py_HashBytes(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes));
        Py_DECREF(bytes);
    }
    return self->hash;
}

/* ---- attributes ---- */

static PyObject *integer_tuple(const Py_ssize_t *values, int count) {
    if (values == NULL) return PyTuple_New(0);
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) return NULL;
    for (int i = 0; i < count; i++) {
        PyObject *value = PyLong_FromSsize_t(values[i]);
        if (value == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i, value);
    }
    return tuple;
}

/* Defines a getter of an expression over `view`, the description, and `self`. */
#define GETTER(name, expression)                                                                                       \
    static PyObject *get_##name(PyObject *object, void *unused) {                                                      \
        View *self = as_view(object);                                                                                  \
        if (check_released(self) < 0) return NULL;                                                                     \
        const Py_buffer *view = &self->view;                                                                           \
        (void)view;                                                                                                    \
        return expression;                                                                                             \
    }

GETTER(obj, Py_NewRef(view->obj != NULL ? view->obj : Py_None))
GETTER(nbytes, PyLong_FromSsize_t(view->len))
GETTER(readonly, PyBool_FromLong(view->readonly))
GETTER(itemsize, PyLong_FromSsize_t(view->itemsize))
GETTER(format, PyUnicode_FromString(view->format))
GETTER(ndim, PyLong_FromLong(view->ndim))
GETTER(shape, integer_tuple(view->shape, view->ndim))
GETTER(strides, integer_tuple(view->strides, view->ndim))
GETTER(suboffsets, integer_tuple(view->suboffsets, view->ndim))
GETTER(c_contiguous, PyBool_FromLong(self->flags & _Py_MEMORYVIEW_C))
GETTER(f_contiguous, PyBool_FromLong(self->flags & _Py_MEMORYVIEW_FORTRAN))
GETTER(contiguous, PyBool_FromLong(self->flags & (_Py_MEMORYVIEW_C | _Py_MEMORYVIEW_FORTRAN)))
#undef GETTER

static PyGetSetDef view_getset[] = {
    {"obj", get_obj, NULL, "the object whose memory is viewed"},
    {"nbytes", get_nbytes, NULL, "size of the items together, in bytes"},
    {"readonly", get_readonly, NULL, "whether the memory cannot be changed"},
    {"itemsize", get_itemsize, NULL, "size of an item, in bytes"},
    {"format", get_format, NULL, "format of an item, as in the struct module"},
    {"ndim", get_ndim, NULL, "number of dimensions"},
    {"shape", get_shape, NULL, "number of items in each dimension, a tuple"},
    {"strides", get_strides, NULL, "bytes from one item to the next in each dimension, a tuple"},
    {"suboffsets", get_suboffsets, NULL, "offsets to add after following pointers, a tuple"},
    {"c_contiguous", get_c_contiguous, NULL, "whether the items follow one another, last index fastest"},
    {"f_contiguous", get_f_contiguous, NULL, "whether the items follow one another, first index fastest"},
    {"contiguous", get_contiguous, NULL, "whether the items follow one another in either order"},
    {NULL},
};

static PyMethodDef view_methods[] = {
    {"release", view_release, METH_NOARGS, "release($self, /)\n--\n\nGive the memory back to its object."},
    {"tobytes", (PyCFunction)(void (*)(void))view_tobytes, METH_FASTCALL | METH_KEYWORDS,
     "tobytes($self, /, order='C')\n--\n\nA bytes object with a copy of the memory in C, Fortran or its own order."},
    {"hex", (PyCFunction)(void (*)(void))view_hex, METH_FASTCALL | METH_KEYWORDS,
     "hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)\n--\n\nA str with two hexadecimal digits a byte.\n\n"
                "sep goes between groups of bytes_per_sep bytes, counted from the right, or from the left if it is\n"
                "negative.\n\n"
                ">>> data = memoryview(b'\\x01\\xab\\xcd')\n>>> data.hex()\n'01abcd'\n>>> data.hex('-')\n'01-ab-cd'\n"
                ">>> data.hex('-', 2)\n'01-abcd'\n>>> data.hex('-', -2)\n'01ab-cd'"},
    {"tolist", view_tolist, METH_NOARGS, "tolist($self, /)\n--\n\nThe items as a list of lists."},
    {"cast", (PyCFunction)(void (*)(void))view_cast, METH_FASTCALL | METH_KEYWORDS,
     "cast($self, /, format, shape=<unrepresentable>)\n--\n\nA view of the same memory with another format or shape."},
    {"toreadonly", view_toreadonly, METH_NOARGS, "toreadonly($self, /)\n--\n\nA view that cannot change the memory."},
    {"__enter__", view_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)(void (*)(void))view_exit, METH_FASTCALL, NULL},
    {NULL},
};

/* ---- iterator ---- */

typedef struct {
    PyObject_HEAD
    Py_ssize_t index;
    View *view; /* NULL when exhausted */
    Py_ssize_t length;
} MemoryIterator;

static PyObject *view_iter(PyObject *self) {
    if (check_released(as_view(self)) < 0) return NULL;
    int ndim = as_view(self)->view.ndim;
    if (ndim == 0) {
        PyErr_SetString(PyExc_TypeError, "invalid indexing of 0-dim memory");
        return NULL;
    }
    if (ndim != 1) {
        PyErr_SetString(PyExc_NotImplementedError, "multi-dimensional sub-views are not implemented");
        return NULL;
    }
    MemoryIterator *iterator = PyObject_GC_New(MemoryIterator, &kr_memory_iterator_type);
    if (iterator == NULL) return NULL;
    iterator->index = 0;
    iterator->length = as_view(self)->view.shape[0];
    iterator->view = as_view(Py_NewRef(self));
    PyObject_GC_Track(iterator);
    return (PyObject *)iterator;
}

static PyObject *memory_iterator_next(PyObject *object) {
    MemoryIterator *self = (MemoryIterator *)object;
    if (self->view == NULL) return NULL;
    if (self->index < self->length) {
        if (check_released(self->view) < 0) return NULL;
        return get_item(self->view, self->index++);
    }
    Py_CLEAR(self->view);
    return NULL;
}

static void memory_iterator_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_XDECREF(((MemoryIterator *)self)->view);
    PyObject_GC_Del(self);
}

static int memory_iterator_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((MemoryIterator *)self)->view);
    return 0;
}

PyTypeObject kr_memory_iterator_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = "memory_iterator",
    .tp_basicsize = sizeof(MemoryIterator),
    .tp_dealloc = memory_iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_traverse = memory_iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = memory_iterator_next,
};

static PySequenceMethods view_as_sequence = {
    .sq_length = view_length,
    .sq_item = view_item,
};

static PyMappingMethods view_as_mapping = {
    .mp_length = view_length,
    .mp_subscript = view_subscript,
    .mp_ass_subscript = view_assign_subscript,
};

static PyBufferProcs view_as_buffer = {
    .bf_getbuffer = view_get_buffer,
    .bf_releasebuffer = view_release_buffer,
};

PyTypeObject PyMemoryView_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0).tp_name = "memoryview",
    .tp_basicsize = offsetof(PyMemoryViewObject, ob_array),
    .tp_itemsize = sizeof(Py_ssize_t),
    .tp_dealloc = view_dealloc,
    .tp_repr = view_repr,
    .tp_as_sequence = &view_as_sequence,
    .tp_as_mapping = &view_as_mapping,
    .tp_hash = view_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_as_buffer = &view_as_buffer,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_SEQUENCE,
    .tp_doc = "memoryview(object)\n--\n\nA view of the memory of an object that supports the buffer protocol.",
    .tp_traverse = view_traverse,
    .tp_clear = view_clear,
    .tp_richcompare = view_richcompare,
    .tp_weaklistoffset = offsetof(PyMemoryViewObject, weakreflist),
    .tp_iter = view_iter,
    .tp_methods = view_methods,
    .tp_getset = view_getset,
    .tp_new = view_type_new,
};
