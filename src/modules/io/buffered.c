/* BufferedReader, BufferedWriter and BufferedRandom. */
#include "modules/io/buffered.h"

#include <structmember.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "modules/io/fileio.h"
#include "object/names.h"

/* ---- one thread at a time ---- */

/* Counts forks: a thread that had entered an object before the fork does not exist in the child. */
static unsigned long fork_count;

static void note_fork(void) { fork_count++; }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, note_fork); }

/* What `owner` is while the object waits for a thread that was woken: no thread has this identifier. */
enum { HANDED_OVER = 1 };

/* Waits until the object is handed over. Returns 0, or -1 if the interpreter shuts down and that does not happen. */
static int wait_for_turn(KrBuffered *self) {
    /* At shutdown the owner may be a daemon thread that never runs again. */
    int finalizing = _Py_IsFinalizing();
    PyLockStatus status;
    self->waiters++;
    Py_BEGIN_ALLOW_THREADS
    status = PyThread_acquire_lock_timed(self->wake, finalizing ? 1000000 : -1, 0);
    Py_END_ALLOW_THREADS
    self->waiters--;
    return finalizing && status != PY_LOCK_ACQUIRED && self->owner > HANDED_OVER ? -1 : 0;
}

static int enter_busy(KrBuffered *self, unsigned long me) {
    if (self->owner == me) {
        PyErr_Format(PyExc_RuntimeError, "reentrant call inside %R", self);
        return -1;
    }
    if (self->process != fork_count) {
        /* The owner stayed behind in the parent process, and so did those that waited. */
        self->wake = NULL;
        self->waiters = 0;
        self->owner = 0;
    }
    if (self->wake == NULL) {
        if ((self->wake = PyThread_allocate_lock()) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        PyThread_acquire_lock(self->wake, 1);
    }
    if (self->owner != 0 && wait_for_turn(self) < 0) {
        PyObject *repr = PyObject_ASCII((PyObject *)self);
        const char *text = repr == NULL ? NULL : PyUnicode_AsUTF8(repr);
        char message[512];
        PyOS_snprintf(message, sizeof message,
                      "could not acquire lock for %s at interpreter shutdown, possibly due to daemon threads",
                      text == NULL ? "?" : text);
        _Py_FatalErrorFunc("_enter_buffered_busy", message);
    }
    self->owner = me;
    self->process = fork_count;
    return 0;
}

static inline int enter(KrBuffered *self) {
    unsigned long me = PyThread_get_thread_ident();
    if (__builtin_expect(self->owner != 0, 0)) return enter_busy(self, me);
    self->owner = me;
    self->process = fork_count;
    return 0;
}

static inline void leave(KrBuffered *self) {
    if (__builtin_expect(self->waiters == 0, 1)) {
        self->owner = 0;
    } else {
        /* To whoever waits, so that a busy thread does not keep the object for itself. */
        self->owner = HANDED_OVER;
        PyThread_release_lock(self->wake);
    }
}

/* ---- state ---- */

static int refuse_uninitialized(KrBuffered *self) {
    PyErr_SetString(PyExc_ValueError,
                    self->detached ? "raw stream has been detached" : "I/O operation on uninitialized object");
    return -1;
}

static inline int check_initialized(KrBuffered *self) {
    return __builtin_expect(self->initialized, 1) ? 0 : refuse_uninitialized(self);
}

/* Returns raw.closed as 1 or 0; -1 with an exception. */
static int raw_closed(KrBuffered *self) {
    if (self->direct) return ((KrFileIO *)self->raw)->fd < 0;
    PyObject *value = PyObject_GetAttr(self->raw, KR_NAME(closed));
    if (value == NULL) return -1;
    int closed = PyObject_IsTrue(value);
    Py_DECREF(value);
    return closed;
}

int kr_buffered_closed(KrBuffered *self) { return check_initialized(self) < 0 ? -1 : raw_closed(self); }

/* Returns 0 if the stream is initialised and open, else -1 with an exception. */
static inline int check_open(KrBuffered *self, const char *message) {
    if (check_initialized(self) < 0) return -1;
    int closed = 1;
    if (self->buffer != NULL) {
        closed = raw_closed(self);
        if (__builtin_expect(closed == 0, 1)) return 0;
    }
    if (closed > 0) PyErr_SetString(PyExc_ValueError, message);
    return -1;
}

/* How many bytes can be had without reading. */
static inline Py_ssize_t ahead(const KrBuffered *self) {
    return self->readable && self->read_end >= 0 ? self->read_end - self->position : 0;
}

/* How far the raw stream stands beyond the logical place. */
static inline Py_ssize_t raw_lead(const KrBuffered *self) {
    int shown = (self->readable && self->read_end >= 0) || (self->writable && self->dirty_end >= 0);
    return shown && self->raw_offset >= 0 ? self->raw_offset - self->position : 0;
}

static inline void forget_read(KrBuffered *self) { self->read_end = -1; }

static inline void forget_dirty(KrBuffered *self) {
    self->dirty_start = 0;
    self->dirty_end = -1;
}

/* Moves the logical place to a byte of the buffer that was just written. */
static inline void advance(KrBuffered *self, Py_ssize_t position) {
    self->position = position;
    if (self->readable && self->read_end >= 0 && self->read_end < position) self->read_end = position;
}

static void raise_blocking(const char *message, Py_ssize_t written) {
    PyObject *error = PyObject_CallFunction(PyExc_BlockingIOError, "isn", EAGAIN, message, written);
    if (error == NULL) return;
    PyErr_SetObject(PyExc_BlockingIOError, error);
    Py_DECREF(error);
}

/* ---- the raw stream ---- */

/* The raw stream can be called in C: it is a FileIO on which nothing but `name` was set. */
static inline int raw_is_plain(KrBuffered *self) {
    if (!kr_is_fileio(self->raw)) return 0;
    PyObject *dict = ((KrFileIO *)self->raw)->dict;
    return dict == NULL || PyDict_GET_SIZE(dict) <= 1;
}

/* Takes the result of tell() or seek(). Returns the position or -1 with an exception. */
static off_t take_position(KrBuffered *self, PyObject *result) {
    if (result == NULL) return -1;
    off_t position = kr_io_offset(result, PyExc_ValueError);
    Py_DECREF(result);
    if (position < 0) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_OSError, "Raw stream returned invalid position %lld", (long long)position);
        return -1;
    }
    self->raw_position = position;
    return position;
}

static off_t raw_tell(KrBuffered *self) {
    self->raw_position = -1;
    if (raw_is_plain(self)) return self->raw_position = kr_fileio_seek((KrFileIO *)self->raw, 0, SEEK_CUR);
    return take_position(self, PyObject_CallMethodNoArgs(self->raw, KR_NAME(tell)));
}

static off_t raw_seek(KrBuffered *self, off_t target, int whence) {
    self->raw_position = -1;
    if (raw_is_plain(self)) return self->raw_position = kr_fileio_seek((KrFileIO *)self->raw, target, whence);
    PyObject *offset = PyLong_FromLongLong(target), *how = PyLong_FromLong(whence), *result = NULL;
    if (offset != NULL && how != NULL) result = PyObject_CallMethodObjArgs(self->raw, KR_NAME(seek), offset, how, NULL);
    Py_XDECREF(offset);
    Py_XDECREF(how);
    return take_position(self, result);
}

/* Calls a method of the raw stream with a view of memory, again after EINTR. Returns the result or NULL. */
static PyObject *call_with_memory(PyObject *raw, PyObject *method, void *data, Py_ssize_t size, int flags) {
    PyObject *memory = method == NULL ? NULL : PyMemoryView_FromMemory(data, size, flags), *result;
    if (memory == NULL) return NULL;
    do result = PyObject_CallMethodOneArg(raw, method, memory);
    while (result == NULL && kr_io_interrupted());
    Py_DECREF(memory);
    return result;
}

/* Replaces the current exception by OSError, with the old one as its cause. */
static void raise_from_current(const char *message) {
    PyObject *type, *value, *traceback, *type2, *value2, *traceback2;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) PyException_SetTraceback(value, traceback);
    PyErr_SetString(PyExc_OSError, message);
    PyErr_Fetch(&type2, &value2, &traceback2);
    PyErr_NormalizeException(&type2, &value2, &traceback2);
    if (value2 != NULL && value != NULL && PyExceptionInstance_Check(value2)) {
        PyException_SetCause(value2, Py_NewRef(value));
        PyException_SetContext(value2, Py_NewRef(value));
    }
    PyErr_Restore(type2, value2, traceback2);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

/* Reads with one raw call. Returns the count, -1 with an exception, -2 if a non-blocking stream has nothing yet. */
static Py_ssize_t raw_read(KrBuffered *self, char *data, Py_ssize_t size) {
    Py_ssize_t got;
    if (raw_is_plain(self)) {
        got = kr_fileio_read((KrFileIO *)self->raw, data, size);
        if (got < 0) return got;
    } else {
        PyObject *result = call_with_memory(self->raw, KR_NAME(readinto), data, size, PyBUF_WRITE);
        if (result == NULL) return -1;
        if (result == Py_None) {
            Py_DECREF(result);
            return -2;
        }
        got = PyNumber_AsSsize_t(result, PyExc_ValueError);
        Py_DECREF(result);
        if (got == -1 && PyErr_Occurred()) {
            raise_from_current("raw readinto() failed");
            return -1;
        }
        if (got < 0 || got > size) {
            PyErr_Format(PyExc_OSError,
                         "raw readinto() returned invalid length %zd (should have been between 0 and %zd)", got, size);
            return -1;
        }
    }
    if (got > 0 && self->raw_position >= 0) self->raw_position += got;
    return got;
}

/* Writes with one raw call; the same results. */
static Py_ssize_t raw_write(KrBuffered *self, const char *data, Py_ssize_t size) {
    Py_ssize_t done;
    if (raw_is_plain(self)) {
        done = kr_fileio_write((KrFileIO *)self->raw, data, size);
        if (done < 0) return done;
    } else {
        PyObject *result = call_with_memory(self->raw, KR_NAME(write), (char *)data, size, PyBUF_READ);
        if (result == NULL) return -1;
        if (result == Py_None) {
            Py_DECREF(result);
            return -2;
        }
        done = PyNumber_AsSsize_t(result, PyExc_ValueError);
        Py_DECREF(result);
        if (done < 0 || done > size) {
            if (done != -1 || !PyErr_Occurred())
                PyErr_Format(PyExc_OSError,
                             "raw write() returned invalid length %zd (should have been between 0 and %zd)", done, size);
            return -1;
        }
    }
    if (done > 0 && self->raw_position >= 0) self->raw_position += done;
    return done;
}

/* Reads once into the rest of the buffer. The results of raw_read. */
static Py_ssize_t fill(KrBuffered *self) {
    Py_ssize_t start = self->readable && self->read_end >= 0 ? self->read_end : 0;
    Py_ssize_t got = raw_read(self, self->buffer + start, self->size - start);
    if (got > 0) self->read_end = self->raw_offset = start + got;
    return got;
}

/* Writes what is dirty; the object is entered. Returns 0, or -1 with an exception (BlockingIOError if the raw stream takes
 * no more now). */
static int flush_dirty(KrBuffered *self) {
    if (self->dirty_end < 0 || self->dirty_start == self->dirty_end) goto done;
    Py_ssize_t back = raw_lead(self) + (self->position - self->dirty_start);
    if (back != 0) {
        if (raw_seek(self, -back, SEEK_CUR) < 0) return -1;
        self->raw_offset -= back;
    }
    while (self->dirty_start < self->dirty_end) {
        Py_ssize_t done = raw_write(self, self->buffer + self->dirty_start, self->dirty_end - self->dirty_start);
        if (done == -1) return -1;
        if (done == -2) {
            raise_blocking("write could not complete without blocking", 0);
            return -1;
        }
        self->dirty_start += done;
        self->raw_offset = self->dirty_start;
        /* A partial write may mean that a signal came. */
        if (self->dirty_start < self->dirty_end && PyErr_CheckSignals() < 0) return -1;
    }
done:
    forget_dirty(self);
    return 0;
}

/* Also moves the raw stream to the logical place and forgets what was read. */
static int flush_and_rewind(KrBuffered *self) {
    if (flush_dirty(self) < 0) return -1;
    if (!self->readable) return 0;
    off_t position = raw_lead(self) == 0 ? 0 : raw_seek(self, -raw_lead(self), SEEK_CUR);
    forget_read(self);
    return position < 0 ? -1 : 0;
}

/* Before reading: a stream for both directions must have written what is dirty. */
static int prepare_read(KrBuffered *self) { return self->writable ? flush_and_rewind(self) : 0; }

/* ---- life ---- */

static int initialize(KrBuffered *self, PyObject *raw, Py_ssize_t size, PyTypeObject *type, int fresh) {
    self->initialized = self->detached = 0;
    self->readable = type != &kr_buffered_writer_type;
    self->writable = type != &kr_buffered_reader_type;

    KrFileIO *file = kr_is_fileio(raw) ? (KrFileIO *)raw : NULL;
    int able = file != NULL && file->fd >= 0 && (file->readable || !self->readable) && (file->writable || !self->writable);
    if (type == &kr_buffered_random_type && kr_io_check_seekable(raw) < 0) return -1;
    if (!able && self->readable && kr_io_check_readable(raw) < 0) return -1;
    if (!able && self->writable && kr_io_check_writable(raw) < 0) return -1;
    if (size <= 0) {
        PyErr_SetString(PyExc_ValueError, "buffer size must be strictly positive");
        return -1;
    }
    char *buffer = PyMem_Malloc((size_t)size);
    if (buffer == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    PyMem_Free(self->buffer);
    self->buffer = buffer;
    self->size = size;
    Py_XSETREF(self->raw, Py_NewRef(raw));
    self->position = 0;
    self->raw_offset = 0;
    forget_read(self);
    forget_dirty(self);
    self->direct = file != NULL && Py_IS_TYPE(self, type);
    if (fresh && file != NULL && file->opened && file->kind == KR_FILE_REGULAR && !file->appending)
        self->raw_position = 0;
    else if (raw_tell(self) < 0)
        PyErr_Clear(); /* a pipe has no position */
    self->initialized = 1;
    return 0;
}

static int init_from_arguments(KrBuffered *self, PyObject *args, PyObject *kwargs, _PyArg_Parser *parser,
                               PyTypeObject *type) {
    PyObject *given[2];
    self->initialized = self->detached = 0;
    if (kr_io_unpack(args, kwargs, parser, 1, 2, given) < 0) return -1;
    Py_ssize_t size = KR_IO_BUFFER_SIZE;
    if (given[1] != NULL && kr_io_int_argument(given[1], &size) < 0) return -1;
    return initialize(self, given[0], size, type, 0);
}

#define DEFINE_INIT(name, class, type)                                                                                 \
    static int name(KrBuffered *self, PyObject *args, PyObject *kwargs) {                                              \
        static const char *const keywords[] = {"raw", "buffer_size", NULL};                                            \
        static _PyArg_Parser parser = {.keywords = keywords, .fname = class};                                          \
        return init_from_arguments(self, args, kwargs, &parser, &type);                                                \
    }
DEFINE_INIT(reader_init, "BufferedReader", kr_buffered_reader_type)
DEFINE_INIT(writer_init, "BufferedWriter", kr_buffered_writer_type)
DEFINE_INIT(random_init, "BufferedRandom", kr_buffered_random_type)

PyObject *kr_buffered_new(PyTypeObject *type, PyObject *raw, Py_ssize_t size) {
    KrBuffered *self = (KrBuffered *)type->tp_alloc(type, 0);
    if (self == NULL || initialize(self, raw, size, type, 1) == 0) return (PyObject *)self;
    Py_DECREF(self);
    return NULL;
}

static int buffered_traverse(KrBuffered *self, visitproc visit, void *arg) {
    Py_VISIT(self->raw);
    Py_VISIT(self->dict);
    return 0;
}

static int buffered_clear(KrBuffered *self) {
    self->initialized = 0;
    Py_CLEAR(self->raw);
    Py_CLEAR(self->dict);
    return 0;
}

static void buffered_dealloc(KrBuffered *self) {
    self->finalizing = 1;
    if (kr_io_finalize_object((PyObject *)self) < 0) return;
    PyObject_GC_UnTrack(self);
    self->initialized = 0;
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    PyMem_Free(self->buffer);
    if (self->wake != NULL) {
        PyThread_release_lock(self->wake);
        PyThread_free_lock(self->wake);
    }
    buffered_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *buffered_dealloc_warn(KrBuffered *self, PyObject *source) {
    if (self->initialized && self->raw != NULL) {
        PyObject *result = PyObject_CallMethodOneArg(self->raw, KR_NAME(_dealloc_warn), source);
        if (result != NULL)
            Py_DECREF(result);
        else
            PyErr_Clear();
    }
    Py_RETURN_NONE;
}

int kr_buffered_flush(KrBuffered *self) {
    if (check_open(self, "flush of closed file") < 0 || enter(self) < 0) return -1;
    int status = flush_and_rewind(self);
    leave(self);
    return status;
}

static PyObject *writer_flush(KrBuffered *self, PyObject *unused) {
    return kr_buffered_flush(self) < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *buffered_close(KrBuffered *self, PyObject *unused) {
    if (check_initialized(self) < 0 || enter(self) < 0) return NULL;
    int closed = raw_closed(self);
    if (closed == 0 && self->finalizing) Py_DECREF(buffered_dealloc_warn(self, (PyObject *)self));
    leave(self);
    if (closed < 0) return NULL;
    if (closed) Py_RETURN_NONE;

    /* The raw stream is closed even if what is dirty cannot be written. */
    PyObject *type, *value, *traceback;
    PyObject *result = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(flush));
    PyErr_Fetch(&type, &value, &traceback);
    Py_XDECREF(result);
    result = NULL;
    if (enter(self) == 0) {
        if (self->raw != NULL)
            result = PyObject_CallMethodNoArgs(self->raw, KR_NAME(close));
        else
            refuse_uninitialized(self);
        PyMem_Free(self->buffer);
        self->buffer = NULL;
        leave(self);
    }
    if (type != NULL) {
        _PyErr_ChainExceptions(type, value, traceback);
        Py_CLEAR(result);
    }
    return result;
}

static PyObject *buffered_detach(KrBuffered *self, PyObject *unused) {
    if (check_initialized(self) < 0) return NULL;
    PyObject *result = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(flush));
    if (result == NULL) return NULL;
    Py_DECREF(result);
    PyObject *raw = self->raw;
    self->raw = NULL;
    self->detached = 1;
    self->initialized = 0;
    return raw;
}

/* ---- what the raw stream says ---- */

#define DEFINE_FORWARD(name)                                                                                           \
    static PyObject *buffered_##name(KrBuffered *self, PyObject *unused) {                                             \
        if (check_initialized(self) < 0) return NULL;                                                                  \
        return PyObject_CallMethodNoArgs(self->raw, KR_NAME(name));                                                    \
    }
DEFINE_FORWARD(flush)
DEFINE_FORWARD(seekable)
DEFINE_FORWARD(readable)
DEFINE_FORWARD(writable)
DEFINE_FORWARD(fileno)
DEFINE_FORWARD(isatty)

#define DEFINE_GETTER(name)                                                                                            \
    static PyObject *buffered_get_##name(KrBuffered *self, void *closure) {                                            \
        if (check_initialized(self) < 0) return NULL;                                                                  \
        return PyObject_GetAttr(self->raw, KR_NAME(name));                                                             \
    }
DEFINE_GETTER(closed)
DEFINE_GETTER(name)
DEFINE_GETTER(mode)

static PyObject *buffered_repr(KrBuffered *self) {
    PyObject *name, *result = NULL;
    const char *class = Py_TYPE(self)->tp_name;
    if (_PyObject_LookupAttr((PyObject *)self, KR_NAME(name), &name) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError)) return NULL;
        PyErr_Clear(); /* detached */
    }
    if (name == NULL) return PyUnicode_FromFormat("<%s>", class);
    int status = Py_ReprEnter((PyObject *)self);
    if (status == 0) {
        result = PyUnicode_FromFormat("<%s name=%R>", class, name);
        Py_ReprLeave((PyObject *)self);
    } else if (status > 0) {
        PyErr_Format(PyExc_RuntimeError, "reentrant call inside %s.__repr__", class);
    }
    Py_DECREF(name);
    return result;
}

static PyObject *buffered_sizeof(KrBuffered *self, PyObject *unused) {
    return PyLong_FromSsize_t(Py_TYPE(self)->tp_basicsize + (self->buffer == NULL ? 0 : self->size));
}

/* ---- reading ---- */

/* Takes bytes that are in the buffer. */
static inline PyObject *take(KrBuffered *self, Py_ssize_t size) {
    PyObject *result = PyBytes_FromStringAndSize(self->buffer + self->position, size);
    if (result != NULL) self->position += size;
    return result;
}

/* Reads until the end. The object is entered. */
static PyObject *read_all(KrBuffered *self) {
    Py_ssize_t current = ahead(self);
    PyObject *data = NULL, *rest;
    if (current > 0) {
        data = PyBytes_FromStringAndSize(self->buffer + self->position, current);
        if (data == NULL) return NULL;
        self->position += current;
    }
    if (prepare_read(self) < 0) goto error;
    forget_read(self);

    PyObject *readall = NULL;
    int direct = raw_is_plain(self);
    if (!direct && _PyObject_LookupAttr(self->raw, KR_NAME(readall), &readall) < 0) goto error;
    if (direct || readall != NULL) {
        self->raw_position = -1;
        rest = direct ? kr_fileio_readall((KrFileIO *)self->raw) : PyObject_CallNoArgs(readall);
        Py_XDECREF(readall);
        if (rest == NULL) goto error;
        if (rest != Py_None && !PyBytes_Check(rest)) {
            Py_DECREF(rest);
            PyErr_SetString(PyExc_TypeError, "readall() should return bytes");
            goto error;
        }
        if (current == 0) return rest;
        if (rest != Py_None) PyBytes_Concat(&data, rest);
        Py_DECREF(rest);
        return data;
    }

    PyObject *chunks = PyList_New(0);
    if (chunks == NULL) goto error;
    if (data != NULL && PyList_Append(chunks, data) < 0) goto error_with_chunks;
    for (;;) {
        rest = PyObject_CallMethodNoArgs(self->raw, KR_NAME(read));
        if (rest == NULL) {
            if (kr_io_interrupted()) continue;
            goto error_with_chunks;
        }
        if (rest != Py_None && !PyBytes_Check(rest)) {
            Py_DECREF(rest);
            PyErr_SetString(PyExc_TypeError, "read() should return bytes");
            goto error_with_chunks;
        }
        if (rest == Py_None || PyBytes_GET_SIZE(rest) == 0) {
            if (current == 0) {
                /* Nothing at all: what the raw stream said. */
                Py_DECREF(chunks);
                Py_XDECREF(data);
                return rest;
            }
            Py_DECREF(rest);
            break;
        }
        current += PyBytes_GET_SIZE(rest);
        if (self->raw_position >= 0) self->raw_position += PyBytes_GET_SIZE(rest);
        int status = PyList_Append(chunks, rest);
        Py_DECREF(rest);
        if (status < 0) goto error_with_chunks;
    }
    PyObject *empty = PyBytes_FromStringAndSize(NULL, 0), *result = NULL;
    if (empty != NULL) result = _PyBytes_Join(empty, chunks);
    Py_XDECREF(empty);
    Py_DECREF(chunks);
    Py_XDECREF(data);
    return result;
error_with_chunks:
    Py_DECREF(chunks);
error:
    Py_XDECREF(data);
    return NULL;
}

/* Reads more than the buffer holds, in whole buffers as far as possible. The object is entered. */
static PyObject *read_many(KrBuffered *self, Py_ssize_t size) {
    PyObject *result = PyBytes_FromStringAndSize(NULL, size);
    if (result == NULL) return NULL;
    char *out = PyBytes_AS_STRING(result);
    Py_ssize_t done = ahead(self), left = size - done, got = 0;
    if (done > 0) {
        memcpy(out, self->buffer + self->position, (size_t)done);
        self->position += done;
    }
    if (prepare_read(self) < 0) goto error;
    forget_read(self);
    while (left >= self->size) {
        got = raw_read(self, out + done, left - left % self->size);
        if (got == -1) goto error;
        if (got <= 0) goto end;
        done += got;
        left -= got;
    }
    self->position = self->raw_offset = self->read_end = 0;
    while (left > 0 && self->read_end < self->size) {
        got = fill(self);
        if (got == -1) goto error;
        if (got <= 0) goto end;
        Py_ssize_t part = got < left ? got : left;
        memcpy(out + done, self->buffer + self->position, (size_t)part);
        self->position += part;
        done += part;
        left -= part;
    }
end:
    if (got == -2 && done == 0) {
        Py_DECREF(result);
        Py_RETURN_NONE;
    }
    if (done < size) _PyBytes_Resize(&result, done);
    return result;
error:
    Py_DECREF(result);
    return NULL;
}

PyObject *kr_buffered_read_all(KrBuffered *self) {
    if (check_open(self, "read of closed file") < 0 || enter(self) < 0) return NULL;
    PyObject *result = read_all(self);
    leave(self);
    return result;
}

KrFileIO *kr_buffered_untouched_file(KrBuffered *self) {
    if (!self->initialized || self->buffer == NULL || self->writable || self->owner != 0 || ahead(self) > 0) return NULL;
    if (!self->direct || !raw_is_plain(self)) return NULL;
    KrFileIO *file = (KrFileIO *)self->raw;
    return file->kind == KR_FILE_REGULAR && file->readable && file->fd >= 0 ? file : NULL;
}

Py_ssize_t kr_buffered_read_file(KrBuffered *self, char *data, Py_ssize_t size, PyObject **more) {
    if (enter(self) < 0) return -1;
    forget_read(self);
    Py_ssize_t done = 0, got = 1;
    char extra[512];
    while (done < size && (got = raw_read(self, data + done, size - done)) > 0) done += got;
    if (got > 0) got = raw_read(self, extra, sizeof extra);
    if (got > 0) {
        PyObject *rest = kr_fileio_readall((KrFileIO *)self->raw);
        self->raw_position = -1;
        *more = PyBytes_FromStringAndSize(extra, got);
        if (*more != NULL && rest != NULL && rest != Py_None) PyBytes_Concat(more, rest);
        if (rest == NULL) Py_CLEAR(*more);
        Py_XDECREF(rest);
        if (*more == NULL) got = -1;
    }
    leave(self);
    return got == -1 ? -1 : done;
}

static PyObject *buffered_read(KrBuffered *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size;
    if (kr_io_size_argument("read", args, count, -1, &size) < 0 || check_initialized(self) < 0) return NULL;
    if (size < -1) {
        PyErr_SetString(PyExc_ValueError, "read length must be non-negative or -1");
        return NULL;
    }
    if (size == -1) return kr_buffered_read_all(self);
    if (check_open(self, "read of closed file") < 0) return NULL;
    if (size <= ahead(self)) return take(self, size);
    if (enter(self) < 0) return NULL;
    PyObject *result = size <= ahead(self) ? take(self, size) : read_many(self, size);
    leave(self);
    return result;
}

PyObject *kr_buffered_read1(KrBuffered *self, Py_ssize_t size) {
    if (check_initialized(self) < 0) return NULL;
    if (size < 0) size = self->size;
    if (check_open(self, "read of closed file") < 0) return NULL;
    if (size == 0) return PyBytes_FromStringAndSize(NULL, 0);
    Py_ssize_t have = ahead(self);
    if (have > 0) return take(self, size < have ? size : have);

    PyObject *result = PyBytes_FromStringAndSize(NULL, size);
    if (result == NULL) return NULL;
    if (enter(self) < 0) {
        Py_DECREF(result);
        return NULL;
    }
    /* What is dirty stays so, unlike in other methods: the raw stream is read where it stands. */
    forget_read(self);
    Py_ssize_t got = raw_read(self, PyBytes_AS_STRING(result), size);
    leave(self);
    if (got == -1) {
        Py_DECREF(result);
        return NULL;
    }
    if (got < size) _PyBytes_Resize(&result, got == -2 ? 0 : got);
    return result;
}

/* Reads an optional plain int argument. */
static int plain_size_argument(const char *function, PyObject *const *args, Py_ssize_t count, Py_ssize_t *size) {
    if (!_PyArg_CheckPositional(function, count, 0, 1)) return -1;
    return count == 0 ? 0 : kr_io_int_argument(args[0], size);
}

static PyObject *buffered_read1(KrBuffered *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size = -1;
    return plain_size_argument("read1", args, count, &size) < 0 ? NULL : kr_buffered_read1(self, size);
}

static PyObject *buffered_peek(KrBuffered *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size = 0; /* ignored: all that is there is shown */
    if (plain_size_argument("peek", args, count, &size) < 0 || check_open(self, "peek of closed file") < 0 ||
        enter(self) < 0)
        return NULL;
    PyObject *result = NULL;
    if (prepare_read(self) == 0) {
        Py_ssize_t have = ahead(self);
        if (have == 0) {
            forget_read(self);
            self->position = 0;
            have = fill(self);
            if (have == -2) have = 0;
        }
        if (have >= 0) result = PyBytes_FromStringAndSize(self->buffer + self->position, have);
    }
    leave(self);
    return result;
}

/* Reads into memory; with `once`, with at most one raw read. Returns the count, -1 with an exception, -2 if nothing is
 * there yet. */
static Py_ssize_t read_into(KrBuffered *self, char *out, Py_ssize_t size, int once) {
    Py_ssize_t done = ahead(self);
    if (done > 0) {
        if (done > size) done = size;
        if (done > 0) memcpy(out, self->buffer + self->position, (size_t)done);
        self->position += done;
        if (done == size) return done;
    }
    if (enter(self) < 0) return -1;
    Py_ssize_t got = -1;
    if (prepare_read(self) < 0) goto end;
    forget_read(self);
    self->position = 0;
    got = 0;
    while (done < size) {
        Py_ssize_t left = size - done;
        if (left > self->size) {
            got = raw_read(self, out + done, left);
        } else if (once && done > 0) {
            break;
        } else if ((got = self->read_end < self->size ? fill(self) : 0) > 0) {
            if (got > left) got = left;
            memcpy(out + done, self->buffer + self->position, (size_t)got);
            self->position += got;
        }
        if (got <= 0) break;
        done += got;
        if (once) break;
    }
end:
    leave(self);
    if (got == -1 || (got == -2 && done == 0)) return got;
    return done;
}

static PyObject *readinto(KrBuffered *self, PyObject *target, const char *function, int once) {
    Py_buffer view;
    if (kr_io_writable_buffer(function, target, &view) < 0) return NULL;
    Py_ssize_t got = check_open(self, "readinto of closed file") < 0 ? -1 : read_into(self, view.buf, view.len, once);
    PyBuffer_Release(&view);
    if (got == -2) Py_RETURN_NONE;
    return got < 0 ? NULL : PyLong_FromSsize_t(got);
}

static PyObject *buffered_readinto(KrBuffered *self, PyObject *target) { return readinto(self, target, "readinto", 0); }
static PyObject *buffered_readinto1(KrBuffered *self, PyObject *target) { return readinto(self, target, "readinto1", 1); }

/* ---- lines ---- */

/* Reads on until the end of a line of which the buffer holds no end. The object is entered. */
static PyObject *read_long_line(KrBuffered *self, Py_ssize_t limit) {
    Py_ssize_t size = ahead(self);
    /* Not a shared object, even if it has one byte: it grows. */
    PyObject *line = PyBytes_FromStringAndSize(NULL, size);
    if (line == NULL) return NULL;
    memcpy(PyBytes_AS_STRING(line), self->buffer + self->position, (size_t)size);
    self->position += size;
    if (prepare_read(self) < 0) goto error;
    for (;;) {
        if (limit >= 0 && size >= limit) break;
        forget_read(self);
        self->position = 0;
        Py_ssize_t got = fill(self);
        if (got == -1) goto error;
        if (got <= 0) break;
        if (limit >= 0 && got > limit - size) got = limit - size;
        const char *end = memchr(self->buffer, '\n', (size_t)got);
        if (end != NULL) got = end - self->buffer + 1;
        if (_PyBytes_Resize(&line, size + got) < 0) return NULL;
        memcpy(PyBytes_AS_STRING(line) + size, self->buffer, (size_t)got);
        size += got;
        self->position = got;
        if (end != NULL) break;
    }
    return line;
error:
    Py_DECREF(line);
    return NULL;
}

static PyObject *read_line(KrBuffered *self, Py_ssize_t limit) {
    if (check_open(self, "readline of closed file") < 0) return NULL;
    Py_ssize_t have = ahead(self);
    if (limit >= 0 && have > limit) have = limit;
    if (have > 0) {
        const char *start = self->buffer + self->position, *end = memchr(start, '\n', (size_t)have);
        if (end != NULL) return take(self, end - start + 1);
    }
    if (have == limit) return take(self, have);
    if (enter(self) < 0) return NULL;
    PyObject *line = read_long_line(self, limit);
    leave(self);
    return line;
}

static PyObject *buffered_readline(KrBuffered *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t limit;
    if (kr_io_size_argument("readline", args, count, -1, &limit) < 0 || check_initialized(self) < 0) return NULL;
    return read_line(self, limit < 0 ? -1 : limit);
}

static PyObject *buffered_next(KrBuffered *self) {
    if (check_initialized(self) < 0) return NULL;
    PyObject *line;
    if (Py_IS_TYPE(self, &kr_buffered_reader_type) || Py_IS_TYPE(self, &kr_buffered_random_type)) {
        line = read_line(self, -1);
    } else {
        line = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(readline));
        if (line != NULL && !PyBytes_Check(line)) {
            PyErr_Format(PyExc_OSError, "readline() should have returned a bytes object, not '%.200s'",
                         Py_TYPE(line)->tp_name);
            Py_CLEAR(line);
        }
    }
    if (line != NULL && PyBytes_GET_SIZE(line) == 0) Py_CLEAR(line);
    return line;
}

/* ---- writing ---- */

/* Keeps what a non-blocking raw stream did not take. Returns 0 if all the data fits, else -1 with BlockingIOError, whose
 * characters_written counts what was kept. */
static int keep_for_later(KrBuffered *self, const char *data, Py_ssize_t size) {
    if (self->readable) forget_read(self);
    /* Only what is dirty stays. */
    memmove(self->buffer, self->buffer + self->dirty_start, (size_t)(self->dirty_end - self->dirty_start));
    self->dirty_end -= self->dirty_start;
    self->raw_offset -= self->dirty_start;
    self->position = self->dirty_end;
    self->dirty_start = 0;
    Py_ssize_t room = self->size - self->dirty_end, part = size < room ? size : room;
    memcpy(self->buffer + self->dirty_end, data, (size_t)part);
    self->dirty_end += part;
    self->position += part;
    if (part == size) return 0;
    raise_blocking("write could not complete without blocking", part);
    return -1;
}

/* Writes data that does not fit into the buffer. Returns 0 or -1 with an exception. The object is entered. */
static int write_many(KrBuffered *self, const char *data, Py_ssize_t size) {
    if (flush_dirty(self) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_BlockingIOError)) return -1;
        PyErr_Clear();
        return keep_for_later(self, data, size);
    }
    Py_ssize_t lead = raw_lead(self), done = 0;
    if (lead != 0) {
        if (raw_seek(self, -lead, SEEK_CUR) < 0) return -1;
        self->raw_offset -= lead;
    }
    while (size - done > self->size) {
        Py_ssize_t part = raw_write(self, data + done, size - done);
        if (part == -1) return -1;
        if (part == -2) {
            if (self->readable) forget_read(self);
            memcpy(self->buffer, data + done, (size_t)self->size);
            self->raw_offset = self->dirty_start = 0;
            self->dirty_end = self->position = self->size;
            raise_blocking("write could not complete without blocking", done + self->size);
            return -1;
        }
        done += part;
        if (PyErr_CheckSignals() < 0) return -1;
    }
    if (self->readable) forget_read(self);
    Py_ssize_t rest = size - done;
    memcpy(self->buffer, data + done, (size_t)rest);
    self->dirty_start = self->raw_offset = 0;
    self->dirty_end = self->position = rest;
    return 0;
}

int kr_buffered_write(KrBuffered *self, const char *data, Py_ssize_t size) {
    if (check_initialized(self) < 0 || enter(self) < 0) return -1;
    int status = check_open(self, "write to closed file");
    if (status < 0) goto done;
    if (!(self->readable && self->read_end >= 0) && self->dirty_end < 0) self->position = self->raw_offset = 0;
    if (size > self->size - self->position) {
        status = write_many(self, data, size);
        goto done;
    }
    if (size > 0) memcpy(self->buffer + self->position, data, (size_t)size);
    if (self->dirty_end < 0 || self->dirty_start > self->position) self->dirty_start = self->position;
    advance(self, self->position + size);
    if (self->dirty_end < self->position) self->dirty_end = self->position;
done:
    leave(self);
    return status;
}

static PyObject *writer_write(KrBuffered *self, PyObject *data) {
    if (PyBytes_CheckExact(data)) {
        if (kr_buffered_write(self, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)) < 0) return NULL;
        return PyLong_FromSsize_t(PyBytes_GET_SIZE(data));
    }
    Py_buffer view;
    if (kr_io_readable_buffer("write", data, &view) < 0) return NULL;
    Py_ssize_t size = view.len;
    int status = kr_buffered_write(self, view.buf, size);
    PyBuffer_Release(&view);
    return status < 0 ? NULL : PyLong_FromSsize_t(size);
}

/* ---- position ---- */

static PyObject *buffered_tell(KrBuffered *self, PyObject *unused) {
    if (check_initialized(self) < 0) return NULL;
    off_t position = raw_tell(self);
    return position < 0 ? NULL : PyLong_FromLongLong(position - raw_lead(self));
}

static PyObject *buffered_seek(KrBuffered *self, PyObject *const *args, Py_ssize_t count) {
    int whence = SEEK_SET;
    if (!_PyArg_CheckPositional("seek", count, 1, 2)) return NULL;
    if (count == 2 && (whence = _PyLong_AsInt(args[1])) == -1 && PyErr_Occurred()) return NULL;
    if (check_initialized(self) < 0) return NULL;
    if ((whence < SEEK_SET || whence > SEEK_END) && whence != SEEK_DATA && whence != SEEK_HOLE) {
        PyErr_Format(PyExc_ValueError, "whence value %d unsupported", whence);
        return NULL;
    }
    if (check_open(self, "seek of closed file") < 0) return NULL;
    if (!(raw_is_plain(self) && ((KrFileIO *)self->raw)->seekable == 1) && kr_io_check_seekable(self->raw) < 0)
        return NULL;
    off_t target = kr_io_offset(args[0], PyExc_ValueError);
    if (target == -1 && PyErr_Occurred()) return NULL;

    /* A place in the buffer needs no call of the raw stream. */
    Py_ssize_t have = ahead(self);
    if (have > 0 && whence <= SEEK_CUR) {
        off_t raw = self->raw_position >= 0 ? self->raw_position : raw_tell(self);
        if (raw < 0) return NULL;
        off_t here = raw - raw_lead(self), by = whence == SEEK_CUR ? target : target - here;
        if (by >= -(off_t)self->position && by <= have) {
            self->position += by;
            return PyLong_FromLongLong(here + by);
        }
    }

    if (enter(self) < 0) return NULL;
    off_t result = -1;
    if (self->writable && flush_dirty(self) < 0) goto done;
    if (whence == SEEK_CUR) target -= raw_lead(self);
    result = raw_seek(self, target, whence);
    if (result < 0) goto done;
    self->raw_offset = -1;
    if (self->readable) forget_read(self);
done:
    leave(self);
    return result < 0 ? NULL : PyLong_FromLongLong(result);
}

static PyObject *buffered_truncate(KrBuffered *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("truncate", count, 0, 1)) return NULL;
    if (check_open(self, "truncate of closed file") < 0) return NULL;
    if (!self->writable) return kr_io_unsupported("truncate");
    if (enter(self) < 0) return NULL;
    PyObject *result = NULL;
    if (flush_and_rewind(self) == 0) {
        result = PyObject_CallMethodOneArg(self->raw, KR_NAME(truncate), count == 0 ? Py_None : args[0]);
        if (result != NULL && raw_tell(self) < 0) PyErr_Clear();
    }
    leave(self);
    return result;
}

/* ---- the types ---- */

#define FAST(function) (PyCFunction)(void *)function, METH_FASTCALL

#define COMMON_METHODS                                                                                                 \
    {"detach", (PyCFunction)buffered_detach, METH_NOARGS,                                                              \
     PyDoc_STR("Take the raw stream out and return it; this object is of no use afterwards.")},                        \
        {"close", (PyCFunction)buffered_close, METH_NOARGS, PyDoc_STR("Write what waits and close the raw stream.")},  \
        {"seekable", (PyCFunction)buffered_seekable, METH_NOARGS, NULL},                                               \
        {"fileno", (PyCFunction)buffered_fileno, METH_NOARGS, NULL},                                                   \
        {"isatty", (PyCFunction)buffered_isatty, METH_NOARGS, NULL},                                                   \
        {"_dealloc_warn", (PyCFunction)buffered_dealloc_warn, METH_O, NULL},                                           \
        {"tell", (PyCFunction)buffered_tell, METH_NOARGS, PyDoc_STR("The current position.")},                         \
        {"seek", FAST(buffered_seek),                                                                                  \
         PyDoc_STR("seek($self, target, whence=0, /)\n--\n\n"                                                          \
                   "Move to target, from the start (0), from here (1) or from the end (2). Returns the position.")},   \
        {"truncate", FAST(buffered_truncate),                                                                          \
         PyDoc_STR("truncate($self, pos=None, /)\n--\n\n"                                                              \
                   "Set the size of the file, by default to the current position. Returns it.")},                      \
        {"__sizeof__", (PyCFunction)buffered_sizeof, METH_NOARGS, NULL}

#define READ_METHODS                                                                                                   \
    {"readable", (PyCFunction)buffered_readable, METH_NOARGS, NULL},                                                   \
        {"read", FAST(buffered_read),                                                                                  \
         PyDoc_STR("read($self, size=-1, /)\n--\n\nRead size bytes, fewer only at the end; all without a size.")},     \
        {"peek", FAST(buffered_peek),                                                                                  \
         PyDoc_STR("peek($self, size=0, /)\n--\n\n"                                                                    \
                   "The next bytes without moving on: what the buffer has, after at most one raw read.")},             \
        {"read1", FAST(buffered_read1),                                                                                \
         PyDoc_STR("read1($self, size=-1, /)\n--\n\nRead up to size bytes with at most one raw read.")},               \
        {"readinto", (PyCFunction)buffered_readinto, METH_O,                                                           \
         PyDoc_STR("readinto($self, buffer, /)\n--\n\nFill a buffer. Returns how many bytes.")},                       \
        {"readinto1", (PyCFunction)buffered_readinto1, METH_O,                                                         \
         PyDoc_STR("readinto1($self, buffer, /)\n--\n\nRead into a buffer with at most one raw read.")},               \
        {"readline", FAST(buffered_readline),                                                                          \
         PyDoc_STR("readline($self, size=-1, /)\n--\n\nRead one line, with its end, of at most size bytes.")}

#define WRITE_METHODS                                                                                                  \
    {"writable", (PyCFunction)buffered_writable, METH_NOARGS, NULL},                                                   \
        {"flush", (PyCFunction)writer_flush, METH_NOARGS, PyDoc_STR("Write what waits in the buffer.")},               \
        {"write", (PyCFunction)writer_write, METH_O,                                                                   \
         PyDoc_STR("write($self, buffer, /)\n--\n\n"                                                                   \
                   "Write bytes, or keep them for later. Returns how many, always all.\n\n"                            \
                   "Raises BlockingIOError if the buffer is full and the raw stream would block.")}

static PyMethodDef reader_methods[] = {COMMON_METHODS, READ_METHODS,
                                       {"flush", (PyCFunction)buffered_flush, METH_NOARGS, NULL}, {NULL}};
static PyMethodDef writer_methods[] = {COMMON_METHODS, WRITE_METHODS, {NULL}};
static PyMethodDef random_methods[] = {COMMON_METHODS, READ_METHODS, WRITE_METHODS, {NULL}};

static PyMemberDef buffered_members[] = {
    {"raw", T_OBJECT, offsetof(KrBuffered, raw), READONLY},
    {"_finalizing", T_BOOL, offsetof(KrBuffered, finalizing), 0},
    {NULL},
};

static PyGetSetDef buffered_getset[] = {
    {"closed", (getter)buffered_get_closed},
    {"name", (getter)buffered_get_name},
    {"mode", (getter)buffered_get_mode},
    {NULL},
};

#define BUFFERED_TYPE(variable, name, init, next, methods, doc)                                                        \
    PyTypeObject variable = {                                                                                          \
        PyVarObject_HEAD_INIT(NULL, 0)                                                                                 \
        .tp_name = "_io." name,                                                                                        \
        .tp_basicsize = sizeof(KrBuffered),                                                                            \
        .tp_dealloc = (destructor)buffered_dealloc,                                                                    \
        .tp_repr = (reprfunc)buffered_repr,                                                                            \
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,                                     \
        .tp_doc = PyDoc_STR(name "(raw, buffer_size=DEFAULT_BUFFER_SIZE)\n--\n\n" doc),                                \
        .tp_traverse = (traverseproc)buffered_traverse,                                                                \
        .tp_clear = (inquiry)buffered_clear,                                                                           \
        .tp_weaklistoffset = offsetof(KrBuffered, weakrefs),                                                           \
        .tp_iternext = (iternextfunc)next,                                                                             \
        .tp_methods = methods,                                                                                         \
        .tp_members = buffered_members,                                                                                \
        .tp_getset = buffered_getset,                                                                                  \
        .tp_base = &kr_buffered_base_type,                                                                             \
        .tp_dictoffset = offsetof(KrBuffered, dict),                                                                   \
        .tp_init = (initproc)init,                                                                                     \
        .tp_new = PyType_GenericNew,                                                                                   \
    }

BUFFERED_TYPE(kr_buffered_reader_type, "BufferedReader", reader_init, buffered_next, reader_methods,
              "A raw stream read through a buffer.");
BUFFERED_TYPE(kr_buffered_writer_type, "BufferedWriter", writer_init, NULL, writer_methods,
              "A raw stream written through a buffer.");
BUFFERED_TYPE(kr_buffered_random_type, "BufferedRandom", random_init, buffered_next, random_methods,
              "A seekable raw stream read and written through one buffer.");
