/* The buffer protocol: getting and releasing views of an object's memory, and copying between them. */
#include <Python.h>
#include <string.h>

#include "object/names.h"
#include "object/object.h"

int PyObject_CheckBuffer(PyObject *obj) {
    PyBufferProcs *procs = Py_TYPE(obj)->tp_as_buffer;
    return procs != NULL && procs->bf_getbuffer != NULL;
}

int PyObject_GetBuffer(PyObject *obj, Py_buffer *view, int flags) {
    PyBufferProcs *procs = Py_TYPE(obj)->tp_as_buffer;
    if (procs == NULL || procs->bf_getbuffer == NULL) {
        PyErr_Format(PyExc_TypeError, "a bytes-like object is required, not '%.100s'", Py_TYPE(obj)->tp_name);
        return -1;
    }
    return procs->bf_getbuffer(obj, view, flags);
}

void PyBuffer_Release(Py_buffer *view) {
    PyObject *obj = view->obj;
    if (obj == NULL) return;
    PyBufferProcs *procs = Py_TYPE(obj)->tp_as_buffer;
    if (procs != NULL && procs->bf_releasebuffer != NULL) procs->bf_releasebuffer(obj, view);
    view->obj = NULL;
    Py_DECREF(obj);
}

int PyBuffer_FillInfo(Py_buffer *view, PyObject *obj, void *buf, Py_ssize_t len, int readonly, int flags) {
    if (view == NULL) {
        PyErr_SetString(PyExc_BufferError, "PyBuffer_FillInfo: view==NULL argument is obsolete");
        return -1;
    }
    if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE && readonly == 1) {
        PyErr_SetString(PyExc_BufferError, "Object is not writable.");
        return -1;
    }
    view->obj = Py_XNewRef(obj);
    view->buf = buf;
    view->len = len;
    view->readonly = readonly;
    view->itemsize = 1;
    view->format = (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? "B" : NULL;
    view->ndim = 1;
    view->shape = (flags & PyBUF_ND) == PyBUF_ND ? &view->len : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &view->itemsize : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
    return 0;
}

/* -- Layout -------------------------------------------------------------------------------------------------------------------------- */

/* True if the items lie without gaps, the last index (C) or the first one (Fortran) varying fastest. */
static int is_contiguous(const Py_buffer *view, int fortran) {
    if (view->len == 0) return 1;
    if (view->strides == NULL) {
        /* C order by definition; of at most one dimension with more than one item, both. */
        if (!fortran || view->ndim <= 1) return 1;
        if (view->shape == NULL) return 0;
        int long_dimensions = 0;
        for (int i = 0; i < view->ndim; i++) long_dimensions += view->shape[i] > 1;
        return long_dimensions <= 1;
    }
    Py_ssize_t expected = view->itemsize;
    for (int k = 0; k < view->ndim; k++) {
        int i = fortran ? k : view->ndim - 1 - k;
        Py_ssize_t extent = view->shape[i];
        if (extent > 1 && view->strides[i] != expected) return 0;
        expected *= extent;
    }
    return 1;
}

int PyBuffer_IsContiguous(const Py_buffer *view, char order) {
    if (view->suboffsets != NULL) return 0;
    switch (order) {
    case 'C': return is_contiguous(view, 0);
    case 'F': return is_contiguous(view, 1);
    case 'A': return is_contiguous(view, 0) || is_contiguous(view, 1);
    default: return 0;
    }
}

void PyBuffer_FillContiguousStrides(int ndims, Py_ssize_t *shape, Py_ssize_t *strides, int itemsize, char order) {
    Py_ssize_t stride = itemsize;
    for (int k = 0; k < ndims; k++) {
        int i = order == 'F' ? k : ndims - 1 - k;
        strides[i] = stride;
        stride *= shape[i];
    }
}

void *PyBuffer_GetPointer(const Py_buffer *view, const Py_ssize_t *indices) {
    char *pointer = (char *)view->buf;
    for (int i = 0; i < view->ndim; i++) {
        pointer += view->strides[i] * indices[i];
        if (view->suboffsets != NULL && view->suboffsets[i] >= 0) pointer = *(char **)pointer + view->suboffsets[i];
    }
    return pointer;
}

/* Steps to the next index tuple, the first index fastest. */
void _Py_add_one_to_index_F(int nd, Py_ssize_t *index, const Py_ssize_t *shape) {
    for (int k = 0; k < nd; k++) {
        if (index[k] < shape[k] - 1) {
            index[k]++;
            return;
        }
        index[k] = 0;
    }
}

/* The same, the last index fastest. */
void _Py_add_one_to_index_C(int nd, Py_ssize_t *index, const Py_ssize_t *shape) {
    for (int k = nd; --k >= 0;) {
        if (index[k] < shape[k] - 1) {
            index[k]++;
            return;
        }
        index[k] = 0;
    }
}

Py_ssize_t PyBuffer_SizeFromFormat(const char *format) {
    PyObject *module = PyImport_ImportModule("struct");
    if (module == NULL) return -1;
    PyObject *size = PyObject_CallMethod(module, "calcsize", "s", format);
    Py_DECREF(module);
    if (size == NULL) return -1;
    Py_ssize_t result = PyLong_AsSsize_t(size);
    Py_DECREF(size);
    return result;
}

/* -- Copying ------------------------------------------------------------------------------------------------------------------------------ */

typedef void (*IndexStep)(int nd, Py_ssize_t *index, const Py_ssize_t *shape);

/* Copies items one by one between a view and contiguous memory in the given order. */
static int copy_items(const Py_buffer *view, char *contiguous, Py_ssize_t len, char order, int to_view) {
    Py_ssize_t *index = PyMem_Calloc(view->ndim > 0 ? view->ndim : 1, sizeof(Py_ssize_t));
    if (index == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    IndexStep step = order == 'F' ? _Py_add_one_to_index_F : _Py_add_one_to_index_C;
    if (len > view->len) len = view->len;
    for (Py_ssize_t left = len / view->itemsize; left > 0; left--) {
        char *item = PyBuffer_GetPointer(view, index);
        if (to_view) {
            memcpy(item, contiguous, view->itemsize);
        } else {
            memcpy(contiguous, item, view->itemsize);
        }
        contiguous += view->itemsize;
        step(view->ndim, index, view->shape);
    }
    PyMem_Free(index);
    return 0;
}

int PyBuffer_FromContiguous(const Py_buffer *view, const void *buf, Py_ssize_t len, char order) {
    if (len > view->len) len = view->len;
    if (PyBuffer_IsContiguous(view, order)) {
        memcpy(view->buf, buf, len);
        return 0;
    }
    return copy_items(view, (char *)buf, len, order, 1);
}

int PyBuffer_ToContiguous(void *buf, const Py_buffer *view, Py_ssize_t len, char order) {
    if (len != view->len) {
        PyErr_SetString(PyExc_ValueError, "PyBuffer_ToContiguous: len != view->len");
        return -1;
    }
    /* 'A' takes the items as they lie, if that is possible at all. */
    if (PyBuffer_IsContiguous(view, order)) {
        memcpy(buf, view->buf, len);
        return 0;
    }
    if (view->shape == NULL || view->strides == NULL) {
        /* Multidimensional and without strides: C order; only Fortran order asks for a different one. */
        Py_buffer full = *view;
        Py_ssize_t strides[PyBUF_MAX_NDIM];
        if (view->shape == NULL || view->ndim > PyBUF_MAX_NDIM) {
            memcpy(buf, view->buf, len);
            return 0;
        }
        PyBuffer_FillContiguousStrides(view->ndim, view->shape, strides, (int)view->itemsize, 'C');
        full.strides = strides;
        return copy_items(&full, buf, len, order, 0);
    }
    return copy_items(view, buf, len, order, 0);
}

int PyObject_CopyData(PyObject *dest, PyObject *src) {
    if (!PyObject_CheckBuffer(dest) || !PyObject_CheckBuffer(src)) {
        PyErr_SetString(PyExc_TypeError, "both destination and source must be bytes-like objects");
        return -1;
    }
    Py_buffer to, from;
    if (PyObject_GetBuffer(dest, &to, PyBUF_FULL) != 0) return -1;
    if (PyObject_GetBuffer(src, &from, PyBUF_FULL_RO) != 0) {
        PyBuffer_Release(&to);
        return -1;
    }
    int status = 0;
    if (to.len < from.len) {
        PyErr_SetString(PyExc_BufferError, "destination is too small to receive data from source");
        status = -1;
    } else if ((PyBuffer_IsContiguous(&to, 'C') && PyBuffer_IsContiguous(&from, 'C')) ||
               (PyBuffer_IsContiguous(&to, 'F') && PyBuffer_IsContiguous(&from, 'F'))) {
        memcpy(to.buf, from.buf, from.len);
    } else {
        char *middle = PyMem_Malloc(from.len > 0 ? from.len : 1);
        if (middle == NULL) {
            PyErr_NoMemory();
            status = -1;
        } else {
            status = copy_items(&from, middle, from.len, 'C', 0);
            if (status == 0) status = copy_items(&to, middle, from.len, 'C', 1);
            PyMem_Free(middle);
        }
    }
    PyBuffer_Release(&to);
    PyBuffer_Release(&from);
    return status;
}

/* -- The old protocol: pointers without a lifetime --------------------------------------------------------------------------------------- */

static int read_buffer(PyObject *obj, const void **buffer, Py_ssize_t *len) {
    if (obj == NULL || buffer == NULL || len == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "null argument to internal routine");
        return -1;
    }
    Py_buffer view;
    if (PyObject_GetBuffer(obj, &view, PyBUF_SIMPLE) != 0) return -1;
    *buffer = view.buf;
    *len = view.len;
    PyBuffer_Release(&view);
    return 0;
}

PyAPI_FUNC(int) PyObject_AsCharBuffer(PyObject *obj, const char **buffer, Py_ssize_t *len);
PyAPI_FUNC(int) PyObject_AsReadBuffer(PyObject *obj, const void **buffer, Py_ssize_t *len);
PyAPI_FUNC(int) PyObject_AsWriteBuffer(PyObject *obj, void **buffer, Py_ssize_t *len);
PyAPI_FUNC(int) PyObject_CheckReadBuffer(PyObject *obj);

int PyObject_AsCharBuffer(PyObject *obj, const char **buffer, Py_ssize_t *len) {
    return read_buffer(obj, (const void **)buffer, len);
}

int PyObject_AsReadBuffer(PyObject *obj, const void **buffer, Py_ssize_t *len) { return read_buffer(obj, buffer, len); }

int PyObject_AsWriteBuffer(PyObject *obj, void **buffer, Py_ssize_t *len) {
    Py_buffer view;
    PyBufferProcs *procs = Py_TYPE(obj)->tp_as_buffer;
    if (procs == NULL || procs->bf_getbuffer == NULL || procs->bf_getbuffer(obj, &view, PyBUF_WRITABLE) != 0) {
        PyErr_SetString(PyExc_TypeError, "expected a writable bytes-like object");
        return -1;
    }
    *buffer = view.buf;
    *len = view.len;
    PyBuffer_Release(&view);
    return 0;
}

int PyObject_CheckReadBuffer(PyObject *obj) {
    Py_buffer view;
    if (!PyObject_CheckBuffer(obj)) return 0;
    if (PyObject_GetBuffer(obj, &view, PyBUF_SIMPLE) != 0) {
        PyErr_Clear();
        return 0;
    }
    PyBuffer_Release(&view);
    return 1;
}
