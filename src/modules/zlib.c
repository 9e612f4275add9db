/* The module zlib: compression by the library zlib.
 *
 * A stream object owns one z_stream. Other threads may run while the library works, so that every use of the stream is
 * made under the object's lock. `ready` says that the stream's internal state exists; it ends when the object is flushed.
 */
#include <Python.h>
#include <pythread.h>
#include <structmember.h>
#include <zlib.h>

#include "modules/constants.h"

enum { DEFAULT_BUFFER_SIZE = 16 * 1024 };

#if MAX_MEM_LEVEL >= 8
#define DEFAULT_MEMORY_LEVEL 8
#else
#define DEFAULT_MEMORY_LEVEL MAX_MEM_LEVEL
#endif

typedef struct ModuleState {
    PyTypeObject *compress_type;
    PyTypeObject *decompress_type;
    PyObject *error;
} ModuleState;

typedef struct StreamObject {
    PyObject_HEAD
    z_stream stream;
    PyObject *unused_data;     /* bytes after the end of the compressed stream */
    PyObject *unconsumed_tail; /* input left over because the output was limited */
    PyObject *dictionary;      /* of a decompressor: the predefined dictionary, or NULL */
    PyThread_type_lock lock;
    char eof;
    char ready;
} StreamObject;

/* Sets zlib.error for the library's status `code`, which it gave `doing` something. */
static void set_zlib_error(ModuleState *state, z_stream *stream, int code, const char *doing) {
    const char *reason = NULL;
    if (code == Z_VERSION_ERROR) reason = "library version mismatch";
    else reason = stream->msg;
    if (reason == NULL) {
        if (code == Z_BUF_ERROR) reason = "incomplete or truncated stream";
        else if (code == Z_STREAM_ERROR) reason = "inconsistent stream state";
        else if (code == Z_DATA_ERROR) reason = "invalid input data";
    }
    if (reason == NULL) PyErr_Format(state->error, "Error %d %s", code, doing);
    else PyErr_Format(state->error, "Error %d %s: %.200s", code, doing, reason);
}

static void lock_stream(StreamObject *self) {
    if (PyThread_acquire_lock(self->lock, 0)) return;
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock(self->lock, 1);
    Py_END_ALLOW_THREADS
}

static void unlock_stream(StreamObject *self) { PyThread_release_lock(self->lock); }

/* Output that grows: a bytes object and the count of bytes in use. At most `limit` bytes are made unless it is negative. */
typedef struct Output {
    PyObject *bytes;
    Py_ssize_t used, limit;
} Output;

static int output_begin(Output *output, Py_ssize_t size, Py_ssize_t limit) {
    if (limit >= 0 && size > limit) size = limit;
    *output = (Output){.bytes = PyBytes_FromStringAndSize(NULL, size), .limit = limit};
    return output->bytes == NULL ? -1 : 0;
}

/* Offers the stream room for output. Returns 1, 0 if the limit is reached, or -1 with an exception. */
static int output_offer(Output *output, z_stream *stream) {
    Py_ssize_t size = PyBytes_GET_SIZE(output->bytes);
    if (output->used == size) {
        if (size == output->limit) return 0;
        Py_ssize_t more = size < DEFAULT_BUFFER_SIZE ? DEFAULT_BUFFER_SIZE : size;
        if (more > PY_SSIZE_T_MAX - size) {
            PyErr_NoMemory();
            return -1;
        }
        if (output->limit >= 0 && more > output->limit - size) more = output->limit - size;
        if (_PyBytes_Resize(&output->bytes, size + more) < 0) return -1;
        size += more;
    }
    Py_ssize_t room = size - output->used;
    stream->next_out = (Bytef *)PyBytes_AS_STRING(output->bytes) + output->used;
    stream->avail_out = room > (Py_ssize_t)UINT_MAX ? UINT_MAX : (uInt)room;
    return 1;
}

static void output_note(Output *output, z_stream *stream) {
    output->used = (char *)stream->next_out - PyBytes_AS_STRING(output->bytes);
}

/* Returns the output; it belongs to the caller. */
static PyObject *output_end(Output *output) {
    if (output->used != PyBytes_GET_SIZE(output->bytes)) _PyBytes_Resize(&output->bytes, output->used);
    return output->bytes;
}

/* Offers the stream the next part of the input, of which `*left` bytes were not offered yet. The library counts in
 * unsigned int. */
static void input_offer(z_stream *stream, Py_ssize_t *left) {
    uInt part = *left > (Py_ssize_t)UINT_MAX ? UINT_MAX : (uInt)*left;
    stream->avail_in = part;
    *left -= part;
}

/* Deflates all input, and with `flush` all that waits. Returns 0; or -1 with an exception, or with `*status` an error. */
static int deflate_all(z_stream *stream, Py_ssize_t size, int flush, Output *output, int *status) {
    Py_ssize_t left = size;
    do {
        input_offer(stream, &left);
        int mode = left == 0 ? flush : Z_NO_FLUSH;
        do {
            if (output_offer(output, stream) < 0) return -1;
            Py_BEGIN_ALLOW_THREADS
            *status = deflate(stream, mode);
            Py_END_ALLOW_THREADS
            if (*status == Z_STREAM_ERROR) return -1;
            output_note(output, stream);
        } while (stream->avail_out == 0);
    } while (left > 0 && *status != Z_STREAM_END);
    return 0;
}

/* Converts an optional argument to int. Returns 0 or -1. */
static int int_argument(PyObject *argument, int *value) {
    if (argument == NULL) return 0;
    *value = _PyLong_AsInt(argument);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

static int ssize_argument(PyObject *argument, Py_ssize_t *value) {
    if (argument == NULL) return 0;
    PyObject *index = PyNumber_Index(argument);
    if (index == NULL) return -1;
    *value = PyLong_AsSsize_t(index);
    Py_DECREF(index);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Spreads the arguments over `values`, those not given as NULL. Returns 0 or -1. */
static int unpack(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, struct _PyArg_Parser *parser, int required,
                  int count, PyObject **values) {
    PyObject *buffer[6] = {NULL};
    PyObject *const *found = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, required, count, 0, buffer);
    if (found == NULL) return -1;
    /* Without keywords the arguments come back where they are. */
    int valid = found == buffer ? count : (int)nargs;
    for (int i = 0; i < count; i++) values[i] = i < valid ? found[i] : NULL;
    return 0;
}

static PyObject *zlib_compress(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"", "level", "wbits", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "compress"};
    ModuleState *state = PyModule_GetState(module);
    PyObject *values[3], *result = NULL;
    Py_buffer data;
    int level = Z_DEFAULT_COMPRESSION, wbits = MAX_WBITS, status = Z_OK;
    if (unpack(args, nargs, kwnames, &parser, 1, 3, values) < 0) return NULL;
    if (PyObject_GetBuffer(values[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    Output output = {.bytes = NULL};
    if (int_argument(values[1], &level) < 0 || int_argument(values[2], &wbits) < 0) goto done;
    if (output_begin(&output, DEFAULT_BUFFER_SIZE, -1) < 0) goto done;
    z_stream stream = {.next_in = data.buf};
    status = deflateInit2(&stream, level, Z_DEFLATED, wbits, DEFAULT_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (status == Z_MEM_ERROR) {
        PyErr_SetString(PyExc_MemoryError, "Out of memory while compressing data");
    } else if (status == Z_STREAM_ERROR) {
        PyErr_SetString(state->error, "Bad compression level");
    } else if (status != Z_OK) {
        set_zlib_error(state, &stream, status, "while compressing data");
    }
    if (status != Z_OK) goto done;
    int failed = deflate_all(&stream, data.len, Z_FINISH, &output, &status);
    if (failed) {
        if (!PyErr_Occurred()) set_zlib_error(state, &stream, status, "while compressing data");
        deflateEnd(&stream);
        goto done;
    }
    status = deflateEnd(&stream);
    if (status == Z_OK) {
        result = output_end(&output);
        output.bytes = NULL;
    } else {
        set_zlib_error(state, &stream, status, "while finishing compression");
    }
done:
    Py_XDECREF(output.bytes);
    PyBuffer_Release(&data);
    return result;
}

/* Gives the library the decompressor's predefined dictionary. Returns 0, or -1 with an exception. */
static int use_dictionary(ModuleState *state, StreamObject *self) {
    Py_buffer view;
    if (PyObject_GetBuffer(self->dictionary, &view, PyBUF_SIMPLE) < 0) return -1;
    int status = Z_OK;
    if ((size_t)view.len > UINT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "zdict length does not fit in an unsigned int");
    } else {
        status = inflateSetDictionary(&self->stream, view.buf, (uInt)view.len);
        if (status != Z_OK) set_zlib_error(state, &self->stream, status, "while setting zdict");
    }
    PyBuffer_Release(&view);
    return PyErr_Occurred() ? -1 : 0;
}

/* Inflates until the end of the stream, of the input or of the room for output. Returns 0 with `*status` set by the
 * library, or -1 with an exception. `*left` becomes the count of bytes not offered to the stream.
 * `self` is the decompressor, for its dictionary, or NULL. */
static int inflate_all(ModuleState *state, StreamObject *self, z_stream *stream, Py_ssize_t *left, int last_mode,
                       Output *output, int *status) {
    do {
        input_offer(stream, left);
        int mode = *left == 0 ? last_mode : Z_SYNC_FLUSH;
        do {
            int room = output_offer(output, stream);
            if (room < 0) return -1;
            if (room == 0) return 0;
            Py_BEGIN_ALLOW_THREADS
            *status = inflate(stream, mode);
            Py_END_ALLOW_THREADS
            output_note(output, stream);
            if (*status == Z_NEED_DICT && self != NULL && self->dictionary != NULL) {
                if (use_dictionary(state, self) < 0) return -1;
            } else if (*status != Z_OK && *status != Z_BUF_ERROR) {
                return 0;
            }
        } while (stream->avail_out == 0 || *status == Z_NEED_DICT);
    } while (*left > 0);
    return 0;
}

static PyObject *zlib_decompress(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"", "wbits", "bufsize", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "decompress"};
    ModuleState *state = PyModule_GetState(module);
    PyObject *values[3], *result = NULL;
    Py_buffer data;
    int wbits = MAX_WBITS, status;
    Py_ssize_t size = DEFAULT_BUFFER_SIZE;
    if (unpack(args, nargs, kwnames, &parser, 1, 3, values) < 0) return NULL;
    if (PyObject_GetBuffer(values[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    Output output = {.bytes = NULL};
    if (int_argument(values[1], &wbits) < 0 || ssize_argument(values[2], &size) < 0) goto done;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "bufsize must be non-negative");
        goto done;
    }
    if (output_begin(&output, size == 0 ? 1 : size, -1) < 0) goto done;
    z_stream stream = {.next_in = data.buf};
    status = inflateInit2(&stream, wbits);
    if (status == Z_MEM_ERROR) {
        PyErr_SetString(PyExc_MemoryError, "Out of memory while decompressing data");
        goto done;
    }
    if (status != Z_OK) {
        set_zlib_error(state, &stream, status, "while preparing to decompress data");
        inflateEnd(&stream);
        goto done;
    }
    Py_ssize_t left = data.len;
    if (inflate_all(state, NULL, &stream, &left, Z_SYNC_FLUSH, &output, &status) < 0) {
        inflateEnd(&stream);
        goto done;
    }
    if (status == Z_MEM_ERROR) {
        PyErr_SetString(PyExc_MemoryError, "Out of memory while decompressing data");
    } else if (status != Z_STREAM_END) {
        set_zlib_error(state, &stream, status == Z_OK ? Z_BUF_ERROR : status, "while decompressing data");
    }
    if (status != Z_STREAM_END) {
        inflateEnd(&stream);
        goto done;
    }
    status = inflateEnd(&stream);
    if (status == Z_OK) {
        result = output_end(&output);
        output.bytes = NULL;
    } else {
        set_zlib_error(state, &stream, status, "while finishing decompression");
    }
done:
    Py_XDECREF(output.bytes);
    PyBuffer_Release(&data);
    return result;
}

static StreamObject *new_stream(PyTypeObject *type) {
    StreamObject *self = PyObject_New(StreamObject, type);
    if (self == NULL) return NULL;
    memset((char *)self + offsetof(StreamObject, stream), 0, sizeof *self - offsetof(StreamObject, stream));
    self->unused_data = PyBytes_FromStringAndSize("", 0);
    self->unconsumed_tail = PyBytes_FromStringAndSize("", 0);
    self->lock = PyThread_allocate_lock();
    if (self->lock == NULL) PyErr_SetString(PyExc_MemoryError, "Unable to allocate lock");
    if (self->unused_data == NULL || self->unconsumed_tail == NULL || self->lock == NULL) Py_CLEAR(self);
    return self;
}

static PyObject *zlib_compressobj(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"level", "method", "wbits", "memLevel", "strategy", "zdict", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "compressobj"};
    ModuleState *state = PyModule_GetState(module);
    PyObject *values[6];
    int options[5] = {Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS, DEFAULT_MEMORY_LEVEL, Z_DEFAULT_STRATEGY};
    Py_buffer dictionary = {.buf = NULL};
    StreamObject *self = NULL;
    if (unpack(args, nargs, kwnames, &parser, 0, 6, values) < 0) return NULL;
    for (int i = 0; i < 5; i++) {
        if (int_argument(values[i], &options[i]) < 0) return NULL;
    }
    if (values[5] != NULL && PyObject_GetBuffer(values[5], &dictionary, PyBUF_SIMPLE) < 0) return NULL;
    if (dictionary.buf != NULL && (size_t)dictionary.len > UINT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "zdict length does not fit in an unsigned int");
        goto done;
    }
    self = new_stream(state->compress_type);
    if (self == NULL) goto done;
    int status = deflateInit2(&self->stream, options[0], options[1], options[2], options[3], options[4]);
    self->ready = status == Z_OK;
    if (status == Z_MEM_ERROR) {
        PyErr_SetString(PyExc_MemoryError, "Can't allocate memory for compression object");
    } else if (status == Z_STREAM_ERROR) {
        PyErr_SetString(PyExc_ValueError, "Invalid initialization option");
    } else if (status != Z_OK) {
        set_zlib_error(state, &self->stream, status, "while creating compression object");
    } else if (dictionary.buf != NULL) {
        status = deflateSetDictionary(&self->stream, dictionary.buf, (uInt)dictionary.len);
        if (status == Z_STREAM_ERROR) PyErr_SetString(PyExc_ValueError, "Invalid dictionary");
        else if (status != Z_OK) PyErr_SetString(PyExc_ValueError, "deflateSetDictionary()");
    }
    if (status != Z_OK) Py_CLEAR(self);
done:
    if (dictionary.obj != NULL) PyBuffer_Release(&dictionary);
    return (PyObject *)self;
}

static PyObject *zlib_decompressobj(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"wbits", "zdict", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "decompressobj"};
    ModuleState *state = PyModule_GetState(module);
    PyObject *values[2];
    int wbits = MAX_WBITS;
    if (unpack(args, nargs, kwnames, &parser, 0, 2, values) < 0 || int_argument(values[0], &wbits) < 0) return NULL;
    if (values[1] != NULL && !PyObject_CheckBuffer(values[1])) {
        PyErr_SetString(PyExc_TypeError, "zdict argument must support the buffer protocol");
        return NULL;
    }
    StreamObject *self = new_stream(state->decompress_type);
    if (self == NULL) return NULL;
    self->dictionary = Py_XNewRef(values[1]);
    int status = inflateInit2(&self->stream, wbits);
    self->ready = status == Z_OK;
    if (status == Z_MEM_ERROR) {
        PyErr_SetString(PyExc_MemoryError, "Can't allocate memory for decompression object");
    } else if (status == Z_STREAM_ERROR) {
        PyErr_SetString(PyExc_ValueError, "Invalid initialization option");
    } else if (status != Z_OK) {
        set_zlib_error(state, &self->stream, status, "while creating decompression object");
    } else if (self->dictionary != NULL && wbits < 0 && use_dictionary(state, self) < 0) {
        /* A raw stream has no header that would ask for the dictionary. */
        status = Z_DATA_ERROR;
    }
    if (status != Z_OK) Py_CLEAR(self);
    return (PyObject *)self;
}

static void free_stream(StreamObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->unused_data);
    Py_XDECREF(self->unconsumed_tail);
    Py_XDECREF(self->dictionary);
    if (self->lock != NULL) PyThread_free_lock(self->lock);
    PyObject_Free(self);
    Py_DECREF(type);
}

static void compress_dealloc(PyObject *op) {
    StreamObject *self = (StreamObject *)op;
    if (self->ready) deflateEnd(&self->stream);
    free_stream(self);
}

static void decompress_dealloc(PyObject *op) {
    StreamObject *self = (StreamObject *)op;
    if (self->ready) inflateEnd(&self->stream);
    free_stream(self);
}

/* Compressor objects */

static PyObject *compress_compress(PyObject *op, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *kwnames) {
    static const char *const keywords[] = {"", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "compress"};
    StreamObject *self = (StreamObject *)op;
    ModuleState *state = PyType_GetModuleState(cls);
    PyObject *values[1], *result = NULL;
    Py_buffer data;
    Output output;
    int status = Z_OK;
    if (unpack(args, nargs, kwnames, &parser, 1, 1, values) < 0) return NULL;
    if (PyObject_GetBuffer(values[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    lock_stream(self);
    if (output_begin(&output, DEFAULT_BUFFER_SIZE, -1) < 0) goto done;
    self->stream.next_in = data.buf;
    if (deflate_all(&self->stream, data.len, Z_NO_FLUSH, &output, &status) == 0) {
        result = output_end(&output);
    } else {
        if (!PyErr_Occurred()) set_zlib_error(state, &self->stream, status, "while compressing data");
        Py_XDECREF(output.bytes);
    }
done:
    unlock_stream(self);
    PyBuffer_Release(&data);
    return result;
}

static PyObject *compress_flush(PyObject *op, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                                PyObject *kwnames) {
    static const char *const keywords[] = {"", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "flush"};
    StreamObject *self = (StreamObject *)op;
    ModuleState *state = PyType_GetModuleState(cls);
    PyObject *values[1], *result = NULL;
    Output output;
    int mode = Z_FINISH, status = Z_OK;
    if (unpack(args, nargs, kwnames, &parser, 0, 1, values) < 0 || int_argument(values[0], &mode) < 0) return NULL;
    if (mode == Z_NO_FLUSH) return PyBytes_FromStringAndSize("", 0);
    lock_stream(self);
    if (output_begin(&output, DEFAULT_BUFFER_SIZE, -1) < 0) goto done;
    if (deflate_all(&self->stream, 0, mode, &output, &status) < 0) {
        if (!PyErr_Occurred()) set_zlib_error(state, &self->stream, status, "while flushing");
    } else if (status == Z_STREAM_END && mode == Z_FINISH) {
        status = deflateEnd(&self->stream);
        if (status != Z_OK) set_zlib_error(state, &self->stream, status, "while finishing compression");
        else self->ready = 0;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
        set_zlib_error(state, &self->stream, status, "while flushing");
    }
    if (PyErr_Occurred()) Py_XDECREF(output.bytes);
    else result = output_end(&output);
done:
    unlock_stream(self);
    return result;
}

/* Gives `copy` the attributes of `self`. */
static void copy_attributes(StreamObject *copy, StreamObject *self) {
    Py_SETREF(copy->unused_data, Py_NewRef(self->unused_data));
    Py_SETREF(copy->unconsumed_tail, Py_NewRef(self->unconsumed_tail));
    Py_XSETREF(copy->dictionary, Py_XNewRef(self->dictionary));
    copy->eof = self->eof;
}

static PyObject *copy_stream(StreamObject *self, int (*library_copy)(z_stream *, z_stream *), const char *no_memory,
                             const char *doing) {
    ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
    StreamObject *copy = new_stream(Py_TYPE(self));
    if (copy == NULL) return NULL;
    lock_stream(self);
    int status = library_copy(&copy->stream, &self->stream);
    if (status == Z_OK) {
        copy->ready = 1;
        copy_attributes(copy, self);
    } else if (status == Z_STREAM_ERROR) {
        PyErr_SetString(PyExc_ValueError, "Inconsistent stream state");
    } else if (status == Z_MEM_ERROR) {
        PyErr_SetString(PyExc_MemoryError, no_memory);
    } else {
        set_zlib_error(state, &self->stream, status, doing);
    }
    unlock_stream(self);
    if (status != Z_OK) Py_CLEAR(copy);
    return (PyObject *)copy;
}

static PyObject *compress_copy(PyObject *op, PyObject *unused) {
    return copy_stream((StreamObject *)op, deflateCopy, "Can't allocate memory for compression object",
                       "while copying compression object");
}

static PyObject *decompress_copy(PyObject *op, PyObject *unused) {
    return copy_stream((StreamObject *)op, inflateCopy, "Can't allocate memory for decompression object",
                       "while copying decompression object");
}

/* Decompressor objects */

/* Keeps the input that was not used: after the end of the stream in unused_data, else in unconsumed_tail.
 * Returns 0 or -1. */
static int keep_input(StreamObject *self, Py_buffer *data, int status) {
    const char *end = (const char *)data->buf + data->len, *next = (const char *)self->stream.next_in;
    if (status == Z_STREAM_END) {
        if (end > next) {
            PyObject *rest = PyBytes_FromStringAndSize(next, end - next);
            if (rest == NULL) return -1;
            PyBytes_ConcatAndDel(&self->unused_data, rest);
            if (self->unused_data == NULL) {
                self->unused_data = PyBytes_FromStringAndSize("", 0);
                return -1;
            }
            next = end;
            self->stream.avail_in = 0;
        }
    }
    if (end > next || PyBytes_GET_SIZE(self->unconsumed_tail) > 0) {
        PyObject *tail = PyBytes_FromStringAndSize(next, end - next);
        if (tail == NULL) return -1;
        Py_SETREF(self->unconsumed_tail, tail);
    }
    return 0;
}

static PyObject *decompress_decompress(PyObject *op, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                                       PyObject *kwnames) {
    static const char *const keywords[] = {"", "max_length", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "decompress"};
    StreamObject *self = (StreamObject *)op;
    ModuleState *state = PyType_GetModuleState(cls);
    PyObject *values[2], *result = NULL;
    Py_ssize_t limit = 0, left;
    Py_buffer data;
    Output output = {.bytes = NULL};
    int status = Z_OK;
    if (unpack(args, nargs, kwnames, &parser, 1, 2, values) < 0) return NULL;
    if (PyObject_GetBuffer(values[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    if (ssize_argument(values[1], &limit) < 0) goto released;
    if (limit < 0) {
        PyErr_SetString(PyExc_ValueError, "max_length must be non-negative");
        goto released;
    }
    lock_stream(self);
    if (output_begin(&output, DEFAULT_BUFFER_SIZE, limit == 0 ? -1 : limit) < 0) goto done;
    self->stream.next_in = data.buf;
    left = data.len;
    if (inflate_all(state, self, &self->stream, &left, Z_SYNC_FLUSH, &output, &status) < 0) goto done;
    if (keep_input(self, &data, status) < 0) goto done;
    if (status == Z_STREAM_END) {
        self->eof = 1;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
        set_zlib_error(state, &self->stream, status, "while decompressing data");
        goto done;
    }
    result = output_end(&output);
    output.bytes = NULL;
done:
    unlock_stream(self);
released:
    Py_XDECREF(output.bytes);
    PyBuffer_Release(&data);
    return result;
}

static PyObject *decompress_flush(PyObject *op, PyTypeObject *cls, PyObject *const *args, Py_ssize_t nargs,
                                  PyObject *kwnames) {
    static const char *const keywords[] = {"", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "flush"};
    StreamObject *self = (StreamObject *)op;
    ModuleState *state = PyType_GetModuleState(cls);
    PyObject *values[1], *result = NULL;
    Py_ssize_t size = DEFAULT_BUFFER_SIZE, left;
    Py_buffer data = {.buf = NULL};
    Output output = {.bytes = NULL};
    int status = Z_OK;
    if (unpack(args, nargs, kwnames, &parser, 0, 1, values) < 0 || ssize_argument(values[0], &size) < 0) return NULL;
    if (size <= 0) {
        PyErr_SetString(PyExc_ValueError, "length must be greater than zero");
        return NULL;
    }
    lock_stream(self);
    if (PyObject_GetBuffer(self->unconsumed_tail, &data, PyBUF_SIMPLE) < 0) goto done;
    if (output_begin(&output, size, -1) < 0) goto done;
    self->stream.next_in = data.buf;
    left = data.len;
    if (inflate_all(state, self, &self->stream, &left, Z_FINISH, &output, &status) < 0) goto done;
    if (keep_input(self, &data, status) < 0) goto done;
    if (status == Z_STREAM_END) {
        self->eof = 1;
        self->ready = 0;
        status = inflateEnd(&self->stream);
        if (status != Z_OK) {
            set_zlib_error(state, &self->stream, status, "while finishing decompression");
            goto done;
        }
    }
    result = output_end(&output);
    output.bytes = NULL;
done:
    if (data.obj != NULL) PyBuffer_Release(&data);
    unlock_stream(self);
    Py_XDECREF(output.bytes);
    return result;
}

/* Checksums: those of the library, which counts in unsigned int. */

enum { WORTH_RELEASING = 5 * 1024 };

typedef uLong (*Checksum)(uLong value, const Bytef *bytes, z_size_t size);

static PyObject *checksum(const char *name, PyObject *const *args, Py_ssize_t nargs, unsigned int value, Checksum sum) {
    Py_buffer data;
    if (!_PyArg_CheckPositional(name, nargs, 1, 2)) return NULL;
    if (PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    if (nargs > 1) {
        value = (unsigned int)PyLong_AsUnsignedLongMask(args[1]);
        if (value == (unsigned int)-1 && PyErr_Occurred()) {
            PyBuffer_Release(&data);
            return NULL;
        }
    }
    if (data.len > WORTH_RELEASING) {
        Py_BEGIN_ALLOW_THREADS
        value = (unsigned int)sum(value, data.buf, (z_size_t)data.len);
        Py_END_ALLOW_THREADS
    } else if (data.len > 0) {
        value = (unsigned int)sum(value, data.buf, (z_size_t)data.len);
    }
    PyBuffer_Release(&data);
    return PyLong_FromUnsignedLong(value);
}

static PyObject *zlib_adler32(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    return checksum("adler32", args, nargs, 1, adler32_z);
}

static PyObject *zlib_crc32(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    return checksum("crc32", args, nargs, 0, crc32_z);
}

#define KEYWORD_METHOD(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL | METH_KEYWORDS
#define CLASS_METHOD(function) (PyCFunction)(void (*)(void))function, METH_METHOD | METH_FASTCALL | METH_KEYWORDS

static PyMethodDef compress_methods[] = {
    {"compress", CLASS_METHOD(compress_compress),
     PyDoc_STR("compress($self, data, /)\n--\n\nCompress data; return the output which is ready, as bytes.")},
    {"flush", CLASS_METHOD(compress_flush),
     PyDoc_STR("flush($self, mode=zlib.Z_FINISH, /)\n--\n\n"
               "Return the output that waits, as bytes. After Z_FINISH the object takes no more data.")},
    {"copy", compress_copy, METH_NOARGS, PyDoc_STR("copy($self, /)\n--\n\nA compressor in the same state.")},
    {"__copy__", compress_copy, METH_NOARGS, PyDoc_STR("__copy__($self, /)\n--\n\n")},
    {"__deepcopy__", compress_copy, METH_O, PyDoc_STR("__deepcopy__($self, memo, /)\n--\n\n")},
    {NULL, NULL, 0, NULL},
};

static PyMethodDef decompress_methods[] = {
    {"decompress", CLASS_METHOD(decompress_decompress),
     PyDoc_STR("decompress($self, data, /, max_length=0)\n--\n\n"
               "Decompress data; return the output, as bytes. Not more than max_length bytes are made unless it is 0;\n"
               "the input that this leaves over is in unconsumed_tail.")},
    {"flush", CLASS_METHOD(decompress_flush),
     PyDoc_STR("flush($self, length=zlib.DEF_BUF_SIZE, /)\n--\n\n"
               "Return the output for all input left, as bytes. length is the size of the first output buffer.")},
    {"copy", decompress_copy, METH_NOARGS, PyDoc_STR("copy($self, /)\n--\n\nA decompressor in the same state.")},
    {"__copy__", decompress_copy, METH_NOARGS, PyDoc_STR("__copy__($self, /)\n--\n\n")},
    {"__deepcopy__", decompress_copy, METH_O, PyDoc_STR("__deepcopy__($self, memo, /)\n--\n\n")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef decompress_members[] = {
    {"unused_data", T_OBJECT, offsetof(StreamObject, unused_data), READONLY, NULL},
    {"unconsumed_tail", T_OBJECT, offsetof(StreamObject, unconsumed_tail), READONLY, NULL},
    {"eof", T_BOOL, offsetof(StreamObject, eof), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot compress_slots[] = {
    {Py_tp_dealloc, compress_dealloc},
    {Py_tp_methods, compress_methods},
    {0, NULL},
};

static PyType_Slot decompress_slots[] = {
    {Py_tp_dealloc, decompress_dealloc},
    {Py_tp_methods, decompress_methods},
    {Py_tp_members, decompress_members},
    {0, NULL},
};

static PyType_Spec compress_spec = {
    .name = "zlib.Compress",
    .basicsize = sizeof(StreamObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = compress_slots,
};

static PyType_Spec decompress_spec = {
    .name = "zlib.Decompress",
    .basicsize = sizeof(StreamObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = decompress_slots,
};

static PyMethodDef zlib_functions[] = {
    {"adler32", (PyCFunction)(void (*)(void))zlib_adler32, METH_FASTCALL,
     PyDoc_STR("adler32($module, data, value=1, /)\n--\n\nThe Adler-32 checksum of data, continued from value.")},
    {"compress", KEYWORD_METHOD(zlib_compress),
     PyDoc_STR("compress($module, data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)\n--\n\n"
               "Compress data at once. level is -1 or 0 to 9; wbits gives the window's size and the container.")},
    {"compressobj", KEYWORD_METHOD(zlib_compressobj),
     PyDoc_STR("compressobj($module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED,\n"
               "            wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL,\n"
               "            strategy=Z_DEFAULT_STRATEGY, zdict=None)\n--\n\n"
               "Make an object that compresses data piece by piece. wbits is 9 to 15 for a zlib container, -9 to -15 for\n"
               "none, 25 to 31 for gzip; zdict holds byte sequences that are likely in the data.")},
    {"crc32", (PyCFunction)(void (*)(void))zlib_crc32, METH_FASTCALL,
     PyDoc_STR("crc32($module, data, value=0, /)\n--\n\nThe CRC-32 checksum of data, continued from value.")},
    {"decompress", KEYWORD_METHOD(zlib_decompress),
     PyDoc_STR("decompress($module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)\n--\n\n"
               "Decompress a whole stream. bufsize is the size of the first output buffer.")},
    {"decompressobj", KEYWORD_METHOD(zlib_decompressobj),
     PyDoc_STR("decompressobj($module, /, wbits=MAX_WBITS, zdict=b\'\')\n--\n\n"
               "Make an object that decompresses data piece by piece; zdict is what the compressor was given.")},
    {NULL, NULL, 0, NULL},
};

static int add_constants(PyObject *module) {
    static const KrConstant constants[] = {
        {"MAX_WBITS", MAX_WBITS},
        {"DEFLATED", Z_DEFLATED},
        {"DEF_MEM_LEVEL", DEFAULT_MEMORY_LEVEL},
        {"DEF_BUF_SIZE", DEFAULT_BUFFER_SIZE},
        {"Z_NO_COMPRESSION", Z_NO_COMPRESSION},
        {"Z_BEST_SPEED", Z_BEST_SPEED},
        {"Z_BEST_COMPRESSION", Z_BEST_COMPRESSION},
        {"Z_DEFAULT_COMPRESSION", Z_DEFAULT_COMPRESSION},
        {"Z_FILTERED", Z_FILTERED},
        {"Z_HUFFMAN_ONLY", Z_HUFFMAN_ONLY},
        {"Z_RLE", Z_RLE},
        {"Z_FIXED", Z_FIXED},
        {"Z_DEFAULT_STRATEGY", Z_DEFAULT_STRATEGY},
        {"Z_NO_FLUSH", Z_NO_FLUSH},
        {"Z_PARTIAL_FLUSH", Z_PARTIAL_FLUSH},
        {"Z_SYNC_FLUSH", Z_SYNC_FLUSH},
        {"Z_FULL_FLUSH", Z_FULL_FLUSH},
        {"Z_FINISH", Z_FINISH},
        {"Z_BLOCK", Z_BLOCK},
        {"Z_TREES", Z_TREES},
    };
    return KR_ADD_CONSTANTS(module, constants);
}

static int zlib_exec(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    state->compress_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &compress_spec, NULL);
    if (state->compress_type == NULL) return -1;
    state->decompress_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &decompress_spec, NULL);
    if (state->decompress_type == NULL) return -1;
    state->error = PyErr_NewException("zlib.error", NULL, NULL);
    if (PyModule_AddObjectRef(module, "error", state->error) < 0 || add_constants(module) < 0) return -1;
    if (PyModule_AddStringConstant(module, "ZLIB_VERSION", ZLIB_VERSION) < 0) return -1;
    if (PyModule_AddStringConstant(module, "ZLIB_RUNTIME_VERSION", zlibVersion()) < 0) return -1;
    return PyModule_AddStringConstant(module, "__version__", "1.0");
}

static int zlib_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = PyModule_GetState(module);
    Py_VISIT(state->compress_type);
    Py_VISIT(state->decompress_type);
    Py_VISIT(state->error);
    return 0;
}

static int zlib_clear(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    Py_CLEAR(state->compress_type);
    Py_CLEAR(state->decompress_type);
    Py_CLEAR(state->error);
    return 0;
}

static void zlib_free(void *module) { zlib_clear(module); }

static PyModuleDef_Slot zlib_slots[] = {{Py_mod_exec, zlib_exec}, {0, NULL}};

static struct PyModuleDef zlib_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "zlib",
    .m_doc = "Compression and decompression compatible with gzip, by the library zlib.",
    .m_size = sizeof(ModuleState),
    .m_methods = zlib_functions,
    .m_slots = zlib_slots,
    .m_traverse = zlib_traverse,
    .m_clear = zlib_clear,
    .m_free = zlib_free,
};

PyMODINIT_FUNC PyInit_zlib(void) { return PyModuleDef_Init(&zlib_module); }
