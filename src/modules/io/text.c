/* TextIOWrapper. */
#include "modules/io/text.h"

#include <structmember.h>

#include <stddef.h>
#include <string.h>

#include "base/fileutils.h"
#include "modules/io/fileio.h"
#include "object/names.h"

/* ---- state ---- */

static int refuse_unattached(KrText *self) {
    PyErr_SetString(PyExc_ValueError, self->detached ? "underlying buffer has been detached"
                                                     : "I/O operation on uninitialized object");
    return -1;
}

static inline int check_attached(KrText *self) {
    return __builtin_expect(self->initialized && !self->detached, 1) ? 0 : refuse_unattached(self);
}

int kr_text_check_attached(KrText *self) { return check_attached(self); }

static int check_initialized(KrText *self) {
    if (self->initialized) return 0;
    PyErr_SetString(PyExc_ValueError, "I/O operation on uninitialized object");
    return -1;
}

/* Returns buffer.closed as 1 or 0; -1 with an exception. */
static int buffer_closed(KrText *self) {
    if (self->buffer_is_ours) return kr_buffered_closed((KrBuffered *)self->buffer);
    PyObject *value = PyObject_GetAttr(self->buffer, KR_NAME(closed));
    if (value == NULL) return -1;
    int closed = PyObject_IsTrue(value);
    Py_DECREF(value);
    return closed;
}

static inline int check_open(KrText *self) {
    if (!Py_IS_TYPE(self, &kr_text_wrapper_type)) return kr_io_check_closed((PyObject *)self);
    int closed = buffer_closed(self);
    if (__builtin_expect(closed == 0, 1)) return 0;
    if (closed > 0) PyErr_SetString(PyExc_ValueError, "I/O operation on closed file.");
    return -1;
}

int kr_text_check_open(KrText *self) { return check_open(self); }

void kr_text_set_decoded(KrText *self, PyObject *text) {
    Py_XSETREF(self->decoded, text);
    self->decoded_used = 0;
}

void kr_text_clear_snapshot(KrText *self) {
    Py_CLEAR(self->snapshot_input);
    Py_CLEAR(self->snapshot_flags);
}

/* ---- construction ---- */

/* Returns the encoding to use for an argument that is None or a str, a new reference; NULL with an exception. */
static PyObject *choose_encoding(PyObject *encoding) {
    if (encoding == Py_None && Py_UTF8Mode) return PyUnicode_FromString("utf-8");
    if (encoding == Py_None || PyUnicode_CompareWithASCIIString(encoding, "locale") == 0)
        return _Py_GetLocaleEncodingObject();
    return Py_NewRef(encoding);
}

/* In development mode, refuses an unknown error handler. */
static int check_errors(PyObject *errors) {
    if (errors == Py_None || !kr_io_flag("dev_mode")) return 0;
    const char *name = PyUnicode_AsUTF8(errors);
    if (name == NULL) return -1;
    PyObject *handler = PyCodec_LookupError(name);
    Py_XDECREF(handler);
    return handler == NULL ? -1 : 0;
}

/* Tells the encoder when the file already has content, so that it writes no byte order mark. */
static int place_encoder(KrText *self) {
    if (!self->seekable || self->encoder == NULL) return 0;
    self->encode_at_start = 1;
    PyObject *position = PyObject_CallMethodNoArgs(self->buffer, KR_NAME(tell)), *zero = PyLong_FromLong(0);
    int at_start = -1;
    if (position != NULL && zero != NULL) at_start = PyObject_RichCompareBool(position, zero, Py_EQ);
    Py_XDECREF(position);
    Py_XDECREF(zero);
    if (at_start < 0) return -1;
    return at_start ? 0 : kr_text_encoder_restart(self, 0);
}

static int ask_seekable(KrText *self) {
    if (kr_is_plain_reader(self->buffer) || kr_is_plain_writer(self->buffer)) {
        PyObject *raw = ((KrBuffered *)self->buffer)->raw;
        if (raw != NULL && kr_is_fileio(raw) && ((KrFileIO *)raw)->fd >= 0) return kr_fileio_seekable((KrFileIO *)raw);
    }
    PyObject *answer = PyObject_CallMethodNoArgs(self->buffer, KR_NAME(seekable));
    if (answer == NULL) return -1;
    int seekable = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return seekable;
}

static int is_ours(PyObject *buffer) {
    return Py_IS_TYPE(buffer, &kr_buffered_reader_type) || Py_IS_TYPE(buffer, &kr_buffered_writer_type) ||
           Py_IS_TYPE(buffer, &kr_buffered_random_type);
}

static int initialize(KrText *self, PyObject *buffer, PyObject *encoding, PyObject *errors, PyObject *newline,
                      int line_buffering, int write_through) {
    self->initialized = self->detached = 0;
    const char *end = NULL;
    if (encoding != Py_None && kr_io_text_argument("TextIOWrapper", "argument 'encoding'", encoding, 1) == NULL)
        return -1;
    if (newline != Py_None && (end = kr_io_text_argument("TextIOWrapper", "argument 'newline'", newline, 1)) == NULL)
        return -1;
    if (encoding == Py_None && kr_io_flag("warn_default_encoding") &&
        PyErr_WarnEx(PyExc_EncodingWarning, "'encoding' argument not specified", 1) < 0)
        return -1;
    if (errors != Py_None && !PyUnicode_Check(errors)) {
        PyErr_Format(PyExc_TypeError, "TextIOWrapper() argument 'errors' must be str or None, not %.50s",
                     Py_TYPE(errors)->tp_name);
        return -1;
    }
    if (check_errors(errors) < 0 || kr_text_check_newline(end) < 0) return -1;

    Py_CLEAR(self->decoder);
    Py_CLEAR(self->encoder);
    kr_text_set_decoded(self, NULL);
    kr_text_clear_snapshot(self);
    self->pending_size = 0;
    self->bytes_per_char = 0.0;
    self->chunk_size = KR_TEXT_CHUNK;
    self->line_buffering = line_buffering != 0;
    self->write_through = write_through != 0;
    Py_XSETREF(self->buffer, Py_NewRef(buffer));
    self->buffer_is_ours = is_ours(buffer);
    kr_text_set_newline(self, end);

    PyObject *name = choose_encoding(encoding), *handler = NULL;
    if (name == NULL) return -1;
    handler = errors == Py_None ? PyUnicode_InternFromString("strict") : Py_NewRef(errors);
    int status = handler == NULL ? -1 : kr_text_set_codec(self, name, handler);
    Py_DECREF(name);
    Py_XDECREF(handler);
    if (status < 0) return -1;

    int seekable = ask_seekable(self);
    if (seekable < 0) return -1;
    self->seekable = self->telling = seekable != 0;
    if (self->buffer_is_ours) {
        self->has_read1 = !Py_IS_TYPE(buffer, &kr_buffered_writer_type) || self->can_read;
    } else {
        PyObject *method;
        int found = _PyObject_LookupAttr(buffer, KR_NAME(read1), &method);
        if (found < 0) return -1;
        Py_XDECREF(method);
        self->has_read1 = found != 0;
    }
    if (place_encoder(self) < 0) return -1;
    self->initialized = 1;
    return 0;
}

static int text_init(KrText *self, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"buffer",  "encoding",       "errors",        "newline",
                                           "line_buffering", "write_through", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "TextIOWrapper"};
    PyObject *given[6];
    self->initialized = 0;
    if (kr_io_unpack(args, kwargs, &parser, 1, 6, given) < 0) return -1;
    int line_buffering = kr_io_bool_argument(given[4], 0);
    int write_through = line_buffering < 0 ? -1 : kr_io_bool_argument(given[5], 0);
    if (write_through < 0) return -1;
    return initialize(self, given[0], given[1] == NULL ? Py_None : given[1], given[2] == NULL ? Py_None : given[2],
                      given[3] == NULL ? Py_None : given[3], line_buffering, write_through);
}

PyObject *kr_text_new(PyObject *buffer, PyObject *encoding, PyObject *errors, PyObject *newline, int line_buffering) {
    KrText *self = (KrText *)kr_text_wrapper_type.tp_alloc(&kr_text_wrapper_type, 0);
    if (self == NULL || initialize(self, buffer, encoding, errors, newline, line_buffering, 0) == 0)
        return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

/* Reads an optional bool of reconfigure(). Returns 1, 0 or -1. */
static int optional_bool(PyObject *object, int absent) {
    if (object == NULL || object == Py_None) return absent;
    long value = PyLong_AsLong(object);
    return value == -1 && PyErr_Occurred() ? -1 : value != 0;
}

static int call_flush(KrText *self) {
    PyObject *result = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(flush));
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static int change_codec(KrText *self, PyObject *encoding, PyObject *errors, int newline_changed) {
    if (encoding == Py_None && errors == Py_None && !newline_changed) return 0;
    PyObject *name, *handler;
    if (encoding == Py_None) {
        name = Py_NewRef(self->encoding);
        handler = errors == Py_None ? Py_NewRef(self->errors) : Py_NewRef(errors);
    } else {
        if (PyUnicode_Check(encoding) && PyUnicode_CompareWithASCIIString(encoding, "locale") == 0)
            name = _Py_GetLocaleEncodingObject();
        else
            name = Py_NewRef(encoding);
        handler = errors == Py_None ? PyUnicode_InternFromString("strict") : Py_NewRef(errors);
    }
    int status = -1;
    if (name != NULL && handler != NULL && check_errors(handler) == 0) status = kr_text_set_codec(self, name, handler);
    if (status == 0) status = place_encoder(self);
    Py_XDECREF(name);
    Py_XDECREF(handler);
    return status;
}

static PyObject *text_reconfigure(KrText *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"encoding", "errors", "newline", "line_buffering", "write_through", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "reconfigure"};
    PyObject *space[5] = {NULL};
    Py_ssize_t total = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 0, 0, 0, space);
    if (args == NULL) return NULL;
    if (total == 0) args = space;
    PyObject *encoding = args[0] == NULL ? Py_None : args[0], *errors = args[1] == NULL ? Py_None : args[1];
    PyObject *newline = args[2];

    if (self->decoded != NULL && (encoding != Py_None || errors != Py_None || newline != NULL))
        return kr_io_unsupported(
            "It is not possible to set the encoding or newline of stream after the first read");
    const char *end = NULL;
    if (newline != NULL && newline != Py_None) {
        end = PyUnicode_AsUTF8(newline);
        if (end == NULL || kr_text_check_newline(end) < 0) return NULL;
    }
    int line_buffering = optional_bool(args[3], self->line_buffering);
    int write_through = line_buffering < 0 ? -1 : optional_bool(args[4], self->write_through);
    if (write_through < 0 || call_flush(self) < 0) return NULL;
    self->bytes_per_char = 0;
    if (newline != NULL) kr_text_set_newline(self, end);
    if (change_codec(self, encoding, errors, newline != NULL) < 0) return NULL;
    self->line_buffering = (char)line_buffering;
    self->write_through = (char)write_through;
    Py_RETURN_NONE;
}

/* ---- end of life ---- */

static int text_traverse(KrText *self, visitproc visit, void *arg) {
    Py_VISIT(self->buffer);
    Py_VISIT(self->encoding);
    Py_VISIT(self->errors);
    Py_VISIT(self->encoder);
    Py_VISIT(self->decoder);
    Py_VISIT(self->decoded);
    Py_VISIT(self->snapshot_input);
    Py_VISIT(self->snapshot_flags);
    Py_VISIT(self->dict);
    return 0;
}

static int text_clear(KrText *self) {
    self->initialized = 0;
    self->buffer_is_ours = 0;
    self->errors_name = NULL;
    self->codec = KR_CODEC_OBJECT;
    Py_CLEAR(self->buffer);
    Py_CLEAR(self->encoding);
    Py_CLEAR(self->errors);
    Py_CLEAR(self->encoder);
    Py_CLEAR(self->decoder);
    Py_CLEAR(self->decoded);
    kr_text_clear_snapshot(self);
    PyMem_Free(self->pending);
    self->pending = NULL;
    self->pending_size = self->pending_room = 0;
    Py_CLEAR(self->dict);
    return 0;
}

static void text_dealloc(KrText *self) {
    self->finalizing = 1;
    if (kr_io_finalize_object((PyObject *)self) < 0) return;
    PyObject_GC_UnTrack(self);
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    text_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *text_detach(KrText *self, PyObject *unused) {
    if (check_attached(self) < 0 || call_flush(self) < 0) return NULL;
    PyObject *buffer = self->buffer;
    self->buffer = NULL;
    self->buffer_is_ours = 0;
    self->detached = 1;
    return buffer;
}

static PyObject *text_flush(KrText *self, PyObject *unused) {
    if (check_attached(self) < 0 || check_open(self) < 0) return NULL;
    self->telling = self->seekable;
    if (kr_text_write_pending(self) < 0) return NULL;
    return PyObject_CallMethodNoArgs(self->buffer, KR_NAME(flush));
}

static PyObject *text_close(KrText *self, PyObject *unused) {
    if (check_attached(self) < 0) return NULL;
    int closed = buffer_closed(self);
    if (closed < 0) return NULL;
    if (closed) Py_RETURN_NONE;
    PyObject *type, *value, *traceback, *result;
    if (self->finalizing) {
        result = PyObject_CallMethodOneArg(self->buffer, KR_NAME(_dealloc_warn), (PyObject *)self);
        if (result == NULL) PyErr_Clear();
        Py_XDECREF(result);
    }
    /* The buffer is closed even if flushing fails. */
    if (call_flush(self) == 0) return PyObject_CallMethodNoArgs(self->buffer, KR_NAME(close));
    PyErr_Fetch(&type, &value, &traceback);
    result = PyObject_CallMethodNoArgs(self->buffer, KR_NAME(close));
    _PyErr_ChainExceptions(type, value, traceback);
    Py_XDECREF(result);
    return NULL;
}

/* ---- writing ---- */

/* Gives bytes to the buffer. Returns 0, or -1 with an exception. */
static int write_to_buffer(KrText *self, const char *data, Py_ssize_t size) {
    if (kr_is_plain_writer(self->buffer)) return kr_buffered_write((KrBuffered *)self->buffer, data, size);
    PyObject *bytes = PyBytes_FromStringAndSize(data, size), *result;
    if (bytes == NULL) return -1;
    do result = PyObject_CallMethodOneArg(self->buffer, KR_NAME(write), bytes);
    while (result == NULL && kr_io_interrupted());
    Py_DECREF(bytes);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int kr_text_write_pending(KrText *self) {
    if (self->pending_size == 0) return 0;
    /* Writing can run code that writes to this file; meanwhile nothing is pending. */
    char *data = self->pending;
    Py_ssize_t size = self->pending_size, room = self->pending_room;
    self->pending = NULL;
    self->pending_size = self->pending_room = 0;
    int status = write_to_buffer(self, data, size);
    if (self->pending == NULL && self->initialized) {
        self->pending = data;
        self->pending_room = room;
    } else {
        PyMem_Free(data);
    }
    return status;
}

/* Writes the first `size` bytes that are pending and keeps the others. */
static int write_older(KrText *self, Py_ssize_t size) {
    Py_ssize_t rest = self->pending_size - size;
    char *newer = PyMem_Malloc((size_t)rest);
    if (newer == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(newer, self->pending + size, (size_t)rest);
    self->pending_size = size;
    int status = kr_text_write_pending(self);
    if (status == 0 && (status = kr_text_reserve(self, rest)) == 0) {
        memcpy(self->pending + self->pending_size, newer, (size_t)rest);
        self->pending_size += rest;
    }
    PyMem_Free(newer);
    return status;
}

/* Encodes text behind what is pending, after having written that if the two together pass a chunk. */
static int append(KrText *self, PyObject *text) {
    Py_ssize_t before = self->pending_size, size = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_IS_ASCII(text) && self->codec != KR_CODEC_OBJECT) {
        if (before > 0 && size > self->chunk_size - before && kr_text_write_pending(self) < 0) return -1;
        if (size > self->chunk_size && self->pending_size == 0)
            return write_to_buffer(self, PyUnicode_DATA(text), size);
        if (kr_text_reserve(self, size) < 0) return -1;
        memcpy(self->pending + self->pending_size, PyUnicode_DATA(text), (size_t)size);
        self->pending_size += size;
        return 0;
    }
    if (kr_text_encode(self, text) < 0) return -1;
    if (before > 0 && self->pending_size > self->chunk_size && self->pending_size > before)
        return write_older(self, before);
    return 0;
}

static int write_text(KrText *self, PyObject *text) {
    if (check_attached(self) < 0 || check_open(self) < 0) return -1;
    if (!self->can_write) {
        kr_io_unsupported("not writable");
        return -1;
    }
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_IS_ASCII(text) && !self->line_buffering && !self->write_through && self->write_end == NULL &&
        !self->can_read && self->codec != KR_CODEC_OBJECT && size < self->chunk_size - self->pending_size) {
        if (kr_text_reserve(self, size) < 0) return -1;
        memcpy(self->pending + self->pending_size, PyUnicode_DATA(text), (size_t)size);
        self->pending_size += size;
        return 0;
    }
    Py_INCREF(text);
    int flush = 0, newline = 0, status = -1;
    if (self->line_buffering || (self->write_translate && self->write_end != NULL))
        newline = PyUnicode_FindChar(text, '\n', 0, size, 1) >= 0;
    if (self->line_buffering) flush = newline || PyUnicode_FindChar(text, '\r', 0, size, 1) >= 0;
    if (newline && self->write_translate && self->write_end != NULL) {
        PyObject *from = PyUnicode_FromString("\n"), *to = PyUnicode_FromString(self->write_end), *replaced = NULL;
        if (from != NULL && to != NULL) replaced = PyUnicode_Replace(text, from, to, -1);
        Py_XDECREF(from);
        Py_XDECREF(to);
        Py_SETREF(text, replaced);
        if (text == NULL) return -1;
    }
    if (append(self, text) < 0) goto done;
    if ((flush || self->write_through || self->pending_size >= self->chunk_size) && kr_text_write_pending(self) < 0)
        goto done;
    if (flush) {
        if (kr_is_plain_writer(self->buffer)) {
            if (kr_buffered_flush((KrBuffered *)self->buffer) < 0) goto done;
        } else {
            PyObject *result = PyObject_CallMethodNoArgs(self->buffer, KR_NAME(flush));
            if (result == NULL) goto done;
            Py_DECREF(result);
        }
    }
    /* What was read ahead is not what follows any more. */
    if (self->decoded != NULL) kr_text_set_decoded(self, NULL);
    if (self->snapshot_input != NULL) kr_text_clear_snapshot(self);
    status = kr_text_decoder_reset(self);
done:
    Py_DECREF(text);
    return status;
}

/* Returns 1 if the object's own attribute `write` hides the method, 0 or -1. */
static inline int is_write_hidden(KrText *self) {
    if (self->dict == NULL) return 0;
    uint64_t version = ((PyDictObject *)self->dict)->ma_version_tag;
    if (__builtin_expect(version == self->plain_version, 1)) return 0;
    int hidden = PyDict_Contains(self->dict, KR_NAME(write));
    if (hidden == 0) self->plain_version = version;
    return hidden;
}

int kr_text_write_object(PyObject *object, PyObject *text) {
    KrText *self = (KrText *)object;
    int hidden = is_write_hidden(self);
    if (hidden != 0) return hidden;
    return PyUnicode_READY(text) < 0 ? -1 : write_text(self, text);
}

int kr_text_write_ascii(PyObject *object, const char *text, Py_ssize_t size) {
    KrText *self = (KrText *)object;
    int hidden = is_write_hidden(self);
    if (hidden != 0) return hidden;
    if (check_attached(self) < 0 || check_open(self) < 0) return -1;
    if (!self->can_write || self->can_read || self->codec == KR_CODEC_OBJECT || self->line_buffering ||
        self->write_through || self->write_end != NULL || size >= self->chunk_size - self->pending_size)
        return 1;
    if (kr_text_reserve(self, size) < 0) return -1;
    memcpy(self->pending + self->pending_size, text, (size_t)size);
    self->pending_size += size;
    return 0;
}

static PyObject *text_write(KrText *self, PyObject *text) {
    if (!PyUnicode_Check(text)) {
        _PyArg_BadArgument("write", "argument", "str", text);
        return NULL;
    }
    if (PyUnicode_READY(text) < 0 || write_text(self, text) < 0) return NULL;
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

/* ---- reading ---- */

/* Gives up to `size` decoded characters, all if it is negative. Returns a new string. */
static PyObject *take_decoded(KrText *self, Py_ssize_t size) {
    if (self->decoded == NULL) return PyUnicode_New(0, 0);
    Py_ssize_t have = PyUnicode_GET_LENGTH(self->decoded) - self->decoded_used;
    if (size < 0 || size > have) size = have;
    PyObject *text = self->decoded_used > 0 || size < have
                         ? PyUnicode_Substring(self->decoded, self->decoded_used, self->decoded_used + size)
                         : Py_NewRef(self->decoded);
    if (text != NULL) self->decoded_used += size;
    return text;
}

/* Reads bytes from the buffer. Returns an object with a buffer, or NULL. */
static PyObject *read_bytes(KrText *self, Py_ssize_t size) {
    if (self->has_read1 && kr_is_plain_reader(self->buffer)) return kr_buffered_read1((KrBuffered *)self->buffer, size);
    PyObject *number = PyLong_FromSsize_t(size);
    if (number == NULL) return NULL;
    PyObject *bytes = PyObject_CallMethodOneArg(self->buffer, self->has_read1 ? KR_NAME(read1) : KR_NAME(read), number);
    Py_DECREF(number);
    if (bytes == NULL || PyObject_CheckBuffer(bytes)) return bytes;
    PyErr_Format(PyExc_TypeError, "underlying %s() should have returned a bytes-like object, not '%.200s'",
                 self->has_read1 ? "read1" : "read", Py_TYPE(bytes)->tp_name);
    Py_DECREF(bytes);
    return NULL;
}

/* Remembers how the chunk is decoded. Takes the references; `state` may be NULL if it was empty. */
static int set_snapshot(KrText *self, PyObject *state, PyObject *flags, PyObject *bytes) {
    PyObject *input = NULL;
    if (PyBytes_CheckExact(bytes) && (state == NULL || PyBytes_GET_SIZE(state) == 0)) {
        input = Py_NewRef(bytes);
    } else {
        /* A decoder that holds bytes back has not yet given their characters. */
        PyObject *copy = PyBytes_FromObject(bytes);
        if (copy != NULL && state != NULL) {
            input = Py_NewRef(state);
            PyBytes_Concat(&input, copy);
            Py_DECREF(copy);
        } else {
            input = copy;
        }
    }
    Py_XDECREF(state);
    if (input == NULL) {
        Py_DECREF(flags);
        return -1;
    }
    Py_XSETREF(self->snapshot_input, input);
    Py_XSETREF(self->snapshot_flags, flags);
    return 0;
}

/* Reads and decodes one chunk. Returns 1; 0 at the end of the file; -1 with an exception. */
static int read_chunk(KrText *self, Py_ssize_t hint) {
    if (!self->can_read) {
        kr_io_unsupported("not readable");
        return -1;
    }
    PyObject *state = NULL, *flags = NULL, *bytes = NULL;
    if (self->telling) {
        if (self->codec == KR_CODEC_OBJECT || self->undecoded_size > 0) {
            if (kr_text_decoder_state(self, &state, &flags) < 0) return -1;
        } else if ((flags = PyLong_FromLong(self->read_universal && self->newlines.pending_return)) == NULL) {
            return -1;
        }
    }
    if (hint > 0 && self->bytes_per_char > 1.0) {
        double bytes_hint = self->bytes_per_char * (double)hint;
        hint = bytes_hint < (double)PY_SSIZE_T_MAX / 2 ? (Py_ssize_t)bytes_hint : hint;
    }
    bytes = read_bytes(self, hint > self->chunk_size ? hint : self->chunk_size);
    if (bytes == NULL) goto error;

    Py_ssize_t size;
    PyObject *text;
    if (PyBytes_CheckExact(bytes)) {
        size = PyBytes_GET_SIZE(bytes);
        text = kr_text_decode(self, bytes, size == 0);
    } else {
        Py_buffer view;
        if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0) goto error;
        size = view.len;
        text = kr_text_decode(self, bytes, size == 0);
        PyBuffer_Release(&view);
    }
    if (text == NULL) goto error;
    kr_text_set_decoded(self, text);
    Py_ssize_t length = PyUnicode_GET_LENGTH(text);
    self->bytes_per_char = length > 0 ? (double)size / (double)length : 0.0;
    int status = 0;
    if (self->telling)
        status = set_snapshot(self, state, flags, bytes);
    else if (self->snapshot_input != NULL)
        kr_text_clear_snapshot(self);
    Py_DECREF(bytes);
    if (status < 0) return -1;
    return size > 0 || length > 0;
error:
    Py_XDECREF(state);
    Py_XDECREF(flags);
    Py_XDECREF(bytes);
    return -1;
}

/* Reads the rest of a file on disk straight into a string, which is right if all of it is ASCII. Returns the text with its
 * line ends translated; NULL without an exception if this way does not go (nothing was read then), else with one. */
static PyObject *read_file(KrText *self) {
    if (self->codec == KR_CODEC_OBJECT || self->undecoded_size > 0 || self->newlines.pending_return ||
        !kr_is_plain_reader(self->buffer))
        return NULL;
    KrFileIO *file = kr_buffered_untouched_file((KrBuffered *)self->buffer);
    if (file == NULL) return NULL;
    Py_ssize_t size = kr_fileio_rest(file);
    if (size <= 0) return NULL;
    PyObject *text = PyUnicode_New(size, 127), *more = NULL, *result = NULL;
    if (text == NULL) return NULL;
    char *data = PyUnicode_DATA(text);
    Py_ssize_t got = kr_buffered_read_file((KrBuffered *)self->buffer, data, size, &more);
    if (got < 0) goto done;
    if (more != NULL) {
        /* The file grew: decode both parts. */
        PyObject *first = kr_text_decode_memory(self, data, got, 0);
        if (first == NULL) goto done;
        result = kr_text_decode(self, more, 1);
        if (result != NULL) {
            PyUnicode_AppendAndDel(&first, result);
            result = first;
        } else {
            Py_DECREF(first);
        }
    } else if (got == size && kr_text_is_ascii(data, size)) {
        result = Py_NewRef(text);
        if (self->read_universal) result = kr_newlines_translate(&self->newlines, result, 1);
    } else {
        result = kr_text_decode_memory(self, data, got, 1);
    }
done:
    Py_XDECREF(more);
    Py_DECREF(text);
    return result;
}

static PyObject *read_all(KrText *self) {
    PyObject *bytes;
    if (self->decoded == NULL || self->decoded_used == PyUnicode_GET_LENGTH(self->decoded)) {
        PyObject *text = read_file(self);
        if (text != NULL || PyErr_Occurred()) {
            if (text != NULL) {
                if (self->decoded != NULL) kr_text_set_decoded(self, NULL);
                kr_text_clear_snapshot(self);
            }
            return text;
        }
    }
    if (kr_is_plain_reader(self->buffer))
        bytes = kr_buffered_read_all((KrBuffered *)self->buffer);
    else
        bytes = PyObject_CallMethodNoArgs(self->buffer, KR_NAME(read));
    if (bytes == NULL) return NULL;
    PyObject *rest = kr_text_decode(self, bytes, 1);
    Py_DECREF(bytes);
    if (rest == NULL) return NULL;
    PyObject *result = take_decoded(self, -1);
    if (result != NULL && PyUnicode_GET_LENGTH(result) == 0)
        Py_SETREF(result, rest);
    else
        PyUnicode_AppendAndDel(&result, rest);
    if (self->decoded != NULL) kr_text_set_decoded(self, NULL);
    kr_text_clear_snapshot(self);
    return result;
}

static PyObject *text_read(KrText *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size;
    if (kr_io_size_argument("read", args, count, -1, &size) < 0) return NULL;
    if (check_attached(self) < 0 || check_open(self) < 0) return NULL;
    if (!self->can_read) return kr_io_unsupported("not readable");
    if (kr_text_write_pending(self) < 0) return NULL;
    if (size < 0) return read_all(self);

    PyObject *result = take_decoded(self, size), *parts = NULL;
    if (result == NULL) return NULL;
    Py_ssize_t left = size - PyUnicode_GET_LENGTH(result);
    while (left > 0) {
        int more = read_chunk(self, left);
        if (more < 0) {
            if (kr_io_interrupted()) continue;
            goto error;
        }
        if (more == 0) break;
        PyObject *part = take_decoded(self, left);
        if (part == NULL) goto error;
        left -= PyUnicode_GET_LENGTH(part);
        if (PyUnicode_GET_LENGTH(result) == 0 && parts == NULL) {
            Py_SETREF(result, part);
            continue;
        }
        if (parts == NULL) {
            if ((parts = PyList_New(1)) == NULL) {
                Py_DECREF(part);
                goto error;
            }
            PyList_SET_ITEM(parts, 0, Py_NewRef(result));
        }
        int status = PyList_Append(parts, part);
        Py_DECREF(part);
        if (status < 0) goto error;
    }
    if (parts != NULL) {
        PyObject *empty = PyUnicode_New(0, 0);
        Py_SETREF(result, empty == NULL ? NULL : PyUnicode_Join(empty, parts));
        Py_XDECREF(empty);
        Py_DECREF(parts);
    }
    return result;
error:
    Py_XDECREF(parts);
    Py_DECREF(result);
    return NULL;
}

/* ---- lines ---- */

/* Returns the place behind the end of the first line of text[start:], -1 if the line does not end in it. */
static Py_ssize_t find_line_end(KrText *self, PyObject *text, Py_ssize_t start) {
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    if (!self->read_universal || self->read_translate) {
        Py_UCS4 end = self->read_end == NULL ? '\n' : (Py_UCS4)self->read_end[0];
        int extra = self->read_end != NULL && self->read_end_size == 2;
        for (;;) {
            if (kind == PyUnicode_1BYTE_KIND) {
                const char *first = (const char *)data, *at = memchr(first + start, (int)end, (size_t)(size - start));
                if (at == NULL) return -1;
                start = at - first + 1;
            } else {
                Py_ssize_t at = PyUnicode_FindChar(text, end, start, size, 1);
                if (at < 0) return -1;
                start = at + 1;
            }
            if (!extra) return start;
            if (start < size && PyUnicode_READ(kind, data, start) == '\n') return start + 1;
        }
    }
    for (Py_ssize_t i = start; i < size; i++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, i);
        if (character == '\n') return i + 1;
        if (character == '\r') return i + 1 < size && PyUnicode_READ(kind, data, i + 1) == '\n' ? i + 2 : i + 1;
    }
    return -1;
}

/* A part of the decoded text as a new string. */
static inline PyObject *substring(PyObject *text, Py_ssize_t start, Py_ssize_t end) {
    Py_ssize_t size = end - start;
    if (!PyUnicode_IS_COMPACT_ASCII(text) || size < 2 || size == PyUnicode_GET_LENGTH(text))
        return PyUnicode_Substring(text, start, end);
    PyObject *line = PyUnicode_New(size, 127);
    if (line != NULL) memcpy(PyUnicode_DATA(line), (const char *)PyUnicode_DATA(text) + start, (size_t)size);
    return line;
}

static PyObject *read_line(KrText *self, Py_ssize_t limit) {
    if (check_open(self) < 0 || kr_text_write_pending(self) < 0) return NULL;
    if (limit == 0 && self->decoded != NULL && PyUnicode_GET_LENGTH(self->decoded) > 0) return PyUnicode_New(0, 0);
    PyObject *parts = NULL, *line = NULL;
    Py_ssize_t size = 0; /* of the parts */
    int split = 0;       /* the parts end with the "\r" of what may be "\r\n" */
    for (;;) {
        while (self->decoded == NULL || self->decoded_used >= PyUnicode_GET_LENGTH(self->decoded)) {
            if (self->decoded != NULL && PyUnicode_GET_LENGTH(self->decoded) > 0) kr_text_set_decoded(self, NULL);
            int more = read_chunk(self, 0);
            if (more < 0 && !kr_io_interrupted()) goto error;
            if (more == 0) {
                kr_text_set_decoded(self, NULL);
                kr_text_clear_snapshot(self);
                goto join;
            }
        }
        PyObject *text = self->decoded;
        Py_ssize_t start = self->decoded_used, length = PyUnicode_GET_LENGTH(text), end;
        if (split && PyUnicode_READ_CHAR(text, start) == '\n')
            end = start + 1;
        else
            end = find_line_end(self, text, start);
        int found = end >= 0;
        if (!found) end = length;
        /* A "\r" that may be half of the line end does not count until what follows is known. */
        split = !found && self->read_end_size == 2 && PyUnicode_READ_CHAR(text, length - 1) == '\r';
        if (limit >= 0 && size + (end - split - start) >= limit) {
            end = start + (limit - size);
            found = 1;
        }
        PyObject *part = substring(text, start, end);
        if (part == NULL) goto error;
        self->decoded_used = end;
        if (found && parts == NULL) return part;
        size += end - start;
        if (parts == NULL && (parts = PyList_New(0)) == NULL) {
            Py_DECREF(part);
            goto error;
        }
        int status = PyList_Append(parts, part);
        Py_DECREF(part);
        if (status < 0) goto error;
        if (found) break;
    }
join:
    if (parts == NULL) return PyUnicode_New(0, 0);
    if (PyList_GET_SIZE(parts) == 1) {
        line = Py_NewRef(PyList_GET_ITEM(parts, 0));
    } else {
        PyObject *empty = PyUnicode_New(0, 0);
        if (empty != NULL) line = PyUnicode_Join(empty, parts);
        Py_XDECREF(empty);
    }
error:
    Py_XDECREF(parts);
    return line;
}

static PyObject *text_readline(KrText *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("readline", count, 0, 1)) return NULL;
    Py_ssize_t limit = -1;
    if (count == 1 && kr_io_int_argument(args[0], &limit) < 0) return NULL;
    if (check_attached(self) < 0) return NULL;
    return read_line(self, limit);
}

/* The next line if the common case holds: text of one-byte characters is there with a whole line in it. NULL, without an
 * exception, if not. */
static inline PyObject *next_line_quickly(KrText *self) {
    PyObject *text = self->decoded;
    if (text == NULL || self->read_end != NULL || self->pending_size > 0 || self->read_translate != self->read_universal ||
        PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND)
        return NULL;
    if (!self->buffer_is_ours || kr_buffered_closed((KrBuffered *)self->buffer) != 0) return NULL;
    const char *data = PyUnicode_DATA(text), *start = data + self->decoded_used;
    const char *end = memchr(start, '\n', (size_t)(PyUnicode_GET_LENGTH(text) - self->decoded_used));
    if (end == NULL || end == start) return NULL;
    Py_ssize_t size = end - start + 1;
    PyObject *line = PyUnicode_New(size, PyUnicode_IS_ASCII(text) || kr_text_is_ascii(start, size) ? 127 : 255);
    if (line == NULL) {
        PyErr_Clear(); /* the slow path raises it again */
        return NULL;
    }
    memcpy(PyUnicode_DATA(line), start, (size_t)size);
    self->decoded_used += size;
    return line;
}

static PyObject *text_next(KrText *self) {
    if (check_attached(self) < 0) return NULL;
    self->telling = 0;
    PyObject *line;
    if (Py_IS_TYPE(self, &kr_text_wrapper_type)) {
        line = next_line_quickly(self);
        if (__builtin_expect(line != NULL, 1)) return line;
        line = read_line(self, -1);
    } else {
        line = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(readline));
        if (line != NULL && !PyUnicode_Check(line)) {
            PyErr_Format(PyExc_OSError, "readline() should have returned a str object, not '%.200s'",
                         Py_TYPE(line)->tp_name);
            Py_CLEAR(line);
        }
    }
    if (line == NULL || PyUnicode_READY(line) < 0) return NULL;
    if (PyUnicode_GET_LENGTH(line) > 0) return line;
    /* The end: positions can be told again. */
    Py_DECREF(line);
    kr_text_clear_snapshot(self);
    self->telling = self->seekable;
    return NULL;
}

/* ---- what the file is ---- */

#define DEFINE_FORWARD(name)                                                                                           \
    static PyObject *text_##name(KrText *self, PyObject *unused) {                                                     \
        if (check_attached(self) < 0) return NULL;                                                                     \
        return PyObject_CallMethodNoArgs(self->buffer, KR_NAME(name));                                                 \
    }
DEFINE_FORWARD(fileno)
DEFINE_FORWARD(seekable)
DEFINE_FORWARD(readable)
DEFINE_FORWARD(writable)
DEFINE_FORWARD(isatty)

static PyObject *text_truncate(KrText *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("truncate", count, 0, 1)) return NULL;
    if (check_attached(self) < 0 || call_flush(self) < 0) return NULL;
    return PyObject_CallMethodOneArg(self->buffer, KR_NAME(truncate), count == 0 ? Py_None : args[0]);
}

/* Appends " name=..." for an attribute, if there is one. Returns 0 or -1. */
static int append_attribute(KrText *self, PyObject **text, PyObject *name, const char *format) {
    PyObject *value;
    if (name == NULL || _PyObject_LookupAttr((PyObject *)self, name, &value) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) return -1;
        PyErr_Clear(); /* detached */
        return 0;
    }
    if (value == NULL) return 0;
    PyUnicode_AppendAndDel(text, PyUnicode_FromFormat(format, value));
    Py_DECREF(value);
    return *text == NULL ? -1 : 0;
}

static PyObject *text_repr(KrText *self) {
    if (check_initialized(self) < 0) return NULL;
    PyObject *text = PyUnicode_FromString("<_io.TextIOWrapper");
    if (text == NULL) return NULL;
    int status = Py_ReprEnter((PyObject *)self);
    if (status != 0) {
        if (status > 0)
            PyErr_Format(PyExc_RuntimeError, "reentrant call inside %s.__repr__", Py_TYPE(self)->tp_name);
        Py_DECREF(text);
        return NULL;
    }
    if (append_attribute(self, &text, KR_NAME(name), " name=%R") < 0 ||
        append_attribute(self, &text, KR_NAME(mode), " mode=%R") < 0)
        Py_CLEAR(text);
    else
        PyUnicode_AppendAndDel(&text, PyUnicode_FromFormat(" encoding=%R>", self->encoding));
    Py_ReprLeave((PyObject *)self);
    return text;
}

static PyObject *text_get_name(KrText *self, void *closure) {
    return check_attached(self) < 0 ? NULL : PyObject_GetAttr(self->buffer, KR_NAME(name));
}

static PyObject *text_get_closed(KrText *self, void *closure) {
    return check_attached(self) < 0 ? NULL : PyObject_GetAttr(self->buffer, KR_NAME(closed));
}

static PyObject *text_get_newlines(KrText *self, void *closure) {
    if (check_attached(self) < 0) return NULL;
    if (self->codec != KR_CODEC_OBJECT) {
        if (self->can_read && self->read_universal) return kr_newlines_seen(&self->newlines);
        Py_RETURN_NONE;
    }
    PyObject *newlines = NULL;
    if (self->decoder != NULL && _PyObject_LookupAttr(self->decoder, KR_NAME(newlines), &newlines) < 0) return NULL;
    return newlines == NULL ? Py_NewRef(Py_None) : newlines;
}

static PyObject *text_get_errors(KrText *self, void *closure) {
    return check_initialized(self) < 0 ? NULL : Py_NewRef(self->errors);
}

static PyObject *text_get_chunk_size(KrText *self, void *closure) {
    return check_attached(self) < 0 ? NULL : PyLong_FromSsize_t(self->chunk_size);
}

static int text_set_chunk_size(KrText *self, PyObject *value, void *closure) {
    if (check_attached(self) < 0) return -1;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "cannot delete attribute");
        return -1;
    }
    Py_ssize_t size = PyNumber_AsSsize_t(value, PyExc_ValueError);
    if (size == -1 && PyErr_Occurred()) return -1;
    if (size <= 0) {
        PyErr_SetString(PyExc_ValueError, "a strictly positive integer is required");
        return -1;
    }
    self->chunk_size = size;
    return 0;
}

/* ---- the type ---- */

#define FAST(function) (PyCFunction)(void *)function, METH_FASTCALL

static PyMethodDef text_methods[] = {
    {"detach", (PyCFunction)text_detach, METH_NOARGS,
     PyDoc_STR("detach($self, /)\n--\n\nTake the binary stream out and return it; this object is of no use afterwards.")},
    {"reconfigure", (PyCFunction)(void *)text_reconfigure, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("reconfigure($self, /, *, encoding=None, errors=None, newline=None,\n"
               "            line_buffering=None, write_through=None)\n--\n\n"
               "Change settings; what is None stays.\n\n"
               "Encoding and newline cannot change once something was read.")},
    {"write", (PyCFunction)text_write, METH_O,
     PyDoc_STR("write($self, text, /)\n--\n\nWrite a string. Returns its length.")},
    {"read", FAST(text_read),
     PyDoc_STR("read($self, size=-1, /)\n--\n\nRead up to size characters; all if size is None or negative.")},
    {"readline", FAST(text_readline),
     PyDoc_STR("readline($self, size=-1, /)\n--\n\nRead one line, with its end, of at most size characters.")},
    {"flush", (PyCFunction)text_flush, METH_NOARGS, PyDoc_STR("flush($self, /)\n--\n\nWrite what waits in buffers.")},
    {"close", (PyCFunction)text_close, METH_NOARGS, PyDoc_STR("close($self, /)\n--\n\nFlush and close the file.")},
    {"fileno", (PyCFunction)text_fileno, METH_NOARGS, PyDoc_STR("fileno($self, /)\n--\n\nThe file descriptor.")},
    {"seekable", (PyCFunction)text_seekable, METH_NOARGS,
     PyDoc_STR("seekable($self, /)\n--\n\nWhether the position can be changed.")},
    {"readable", (PyCFunction)text_readable, METH_NOARGS,
     PyDoc_STR("readable($self, /)\n--\n\nWhether the file can be read from.")},
    {"writable", (PyCFunction)text_writable, METH_NOARGS,
     PyDoc_STR("writable($self, /)\n--\n\nWhether the file can be written to.")},
    {"isatty", (PyCFunction)text_isatty, METH_NOARGS,
     PyDoc_STR("isatty($self, /)\n--\n\nWhether the file is a terminal.")},
    {"seek", FAST(kr_text_seek),
     PyDoc_STR("seek($self, cookie, whence=0, /)\n--\n\n"
               "Move to a position that tell() gave, or by 0 from here (whence 1) or from the end (2).")},
    {"tell", (PyCFunction)kr_text_tell, METH_NOARGS,
     PyDoc_STR("tell($self, /)\n--\n\nThe current position as an int that means something to seek() only.")},
    {"truncate", FAST(text_truncate),
     PyDoc_STR("truncate($self, pos=None, /)\n--\n\nSet the size of the file in bytes. Returns it.")},
    {NULL},
};

static PyMemberDef text_members[] = {
    {"encoding", T_OBJECT, offsetof(KrText, encoding), READONLY},
    {"buffer", T_OBJECT, offsetof(KrText, buffer), READONLY},
    {"line_buffering", T_BOOL, offsetof(KrText, line_buffering), READONLY},
    {"write_through", T_BOOL, offsetof(KrText, write_through), READONLY},
    {"_finalizing", T_BOOL, offsetof(KrText, finalizing), 0},
    {NULL},
};

static PyGetSetDef text_getset[] = {
    {"name", (getter)text_get_name},
    {"closed", (getter)text_get_closed},
    {"newlines", (getter)text_get_newlines},
    {"errors", (getter)text_get_errors},
    {"_CHUNK_SIZE", (getter)text_get_chunk_size, (setter)text_set_chunk_size},
    {NULL},
};

PyTypeObject kr_text_wrapper_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io.TextIOWrapper",
    .tp_basicsize = sizeof(KrText),
    .tp_dealloc = (destructor)text_dealloc,
    .tp_repr = (reprfunc)text_repr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("TextIOWrapper(buffer, encoding=None, errors=None, newline=None,\n"
                        "              line_buffering=False, write_through=False)\n--\n\n"
                        "A buffered binary stream read and written as text.\n\n"
                        "encoding is the locale's by default; errors names the codec's error handler (\"strict\"). newline\n"
                        "None reads all line ends as \"\\n\", \"\" reads them as they are, any other value is the only line\n"
                        "end; \"\\n\" is written as the line end. line_buffering flushes after each line, write_through\n"
                        "after each write."),
    .tp_traverse = (traverseproc)text_traverse,
    .tp_clear = (inquiry)text_clear,
    .tp_weaklistoffset = offsetof(KrText, weakrefs),
    .tp_iternext = (iternextfunc)text_next,
    .tp_methods = text_methods,
    .tp_members = text_members,
    .tp_getset = text_getset,
    .tp_base = &kr_text_base_type,
    .tp_dictoffset = offsetof(KrText, dict),
    .tp_init = (initproc)text_init,
    .tp_new = PyType_GenericNew,
};
