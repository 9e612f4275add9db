/* TextIOWrapper: positions.
 *
 * A position in a text file is a byte offset of the buffer, at which decoding can start, the state that the decoder must
 * have there, and how many bytes and characters to go on from there. All of it is packed into one int, the *cookie*; for
 * most files and places only the offset is not 0, so the cookie is simply the offset.
 */
#include "modules/io/text.h"

#include <string.h>

#include "object/names.h"

typedef struct {
    int64_t offset;        /* of the buffer */
    int32_t flags;         /* of the decoder, which holds no bytes back */
    int32_t bytes_to_feed; /* to read and decode from there */
    int32_t chars_to_skip; /* of what that gives */
    int8_t need_eof;       /* tell the decoder after these bytes that the input ends */
} Cookie;

enum { COOKIE_SIZE = 8 + 4 + 4 + 4 + 1 };

/* The members in little-endian order. */
static PyObject *pack(const Cookie *cookie) {
    if (cookie->flags == 0 && cookie->bytes_to_feed == 0 && cookie->chars_to_skip == 0 && cookie->need_eof == 0 &&
        cookie->offset >= 0)
        return PyLong_FromLongLong(cookie->offset);
    unsigned char bytes[COOKIE_SIZE];
    memcpy(bytes, &cookie->offset, 8);
    memcpy(bytes + 8, &cookie->flags, 4);
    memcpy(bytes + 12, &cookie->bytes_to_feed, 4);
    memcpy(bytes + 16, &cookie->chars_to_skip, 4);
    bytes[20] = (unsigned char)cookie->need_eof;
    return _PyLong_FromByteArray(bytes, sizeof bytes, 1, 0);
}

static int unpack(PyObject *object, Cookie *cookie) {
    PyObject *number = PyNumber_Long(object);
    if (number == NULL) return -1;
    unsigned char bytes[COOKIE_SIZE];
    int status = _PyLong_AsByteArray((PyLongObject *)number, bytes, sizeof bytes, 1, 0);
    Py_DECREF(number);
    if (status < 0) return -1;
    memcpy(&cookie->offset, bytes, 8);
    memcpy(&cookie->flags, bytes + 8, 4);
    memcpy(&cookie->bytes_to_feed, bytes + 12, 4);
    memcpy(&cookie->chars_to_skip, bytes + 16, 4);
    cookie->need_eof = (int8_t)bytes[20];
    return 0;
}

/* ---- tell ---- */

/* Sets the decoder to a state in which it holds no bytes back. At the start of the file this is a reset, which makes it
 * forget the line ends it met. */
static int set_clean_state(KrText *self, int64_t offset, int flags) {
    if (offset == 0 && flags == 0) return kr_text_decoder_reset(self);
    PyObject *empty = PyBytes_FromStringAndSize(NULL, 0), *number = PyLong_FromLong(flags);
    int status = empty == NULL || number == NULL ? -1 : kr_text_decoder_set_state(self, empty, number);
    Py_XDECREF(empty);
    Py_XDECREF(number);
    return status;
}

/* Gets the number of bytes that the decoder holds back, and its flags. */
static int get_state(KrText *self, Py_ssize_t *held, int *flags) {
    PyObject *bytes, *number;
    if (kr_text_decoder_state(self, &bytes, &number) < 0) return -1;
    *held = PyBytes_GET_SIZE(bytes);
    *flags = _PyLong_AsInt(number);
    Py_DECREF(bytes);
    Py_DECREF(number);
    return *flags == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Decodes bytes and returns how many characters they gave, -1 with an exception. */
static Py_ssize_t count_decoded(KrText *self, const char *data, Py_ssize_t size, int final) {
    PyObject *text = kr_text_decode_memory(self, data, size, final);
    if (text == NULL) return -1;
    Py_ssize_t count = PyUnicode_GET_LENGTH(text);
    Py_DECREF(text);
    return count;
}

/* Finds the last place up to that of the wanted character where the decoder holds nothing back, starting from a guess and
 * going back in growing steps: decoding from the snapshot each time, but rarely more than once. Adds to the cookie's offset
 * and lowers *skip. Returns the number of bytes gone over, -1 with an exception. */
static Py_ssize_t find_safe_place(KrText *self, const char *data, Py_ssize_t size, int flags, Cookie *cookie,
                                  Py_ssize_t *skip) {
    Py_ssize_t place = (Py_ssize_t)(self->bytes_per_char * (double)*skip), step = 1;
    if (place > size) place = size;
    while (place > 0) {
        if (set_clean_state(self, cookie->offset, flags) < 0) return -1;
        Py_ssize_t count = count_decoded(self, data, place, 0), held;
        int state;
        if (count < 0) return -1;
        if (count <= *skip) {
            if (get_state(self, &held, &state) < 0) return -1;
            if (held == 0) {
                cookie->offset += place;
                cookie->flags = state;
                *skip -= count;
                return place;
            }
            place -= held;
            step = 1;
        } else {
            place -= step;
            step *= 2;
        }
    }
    return set_clean_state(self, cookie->offset, flags) < 0 ? -1 : 0;
}

/* Completes the cookie of a place `skip` characters behind the snapshot; the decoder is left in some other state. */
static int locate(KrText *self, const char *data, Py_ssize_t size, int flags, Py_ssize_t skip, Cookie *cookie) {
    cookie->flags = flags;
    Py_ssize_t place = find_safe_place(self, data, size, flags, cookie, &skip);
    if (place < 0) return -1;
    if (skip == 0) return 0;

    /* Feed single bytes from there, moving on at each place where nothing is held back. */
    Py_ssize_t count = 0, fed = 0;
    for (; place < size && count < skip; place++) {
        Py_ssize_t more = count_decoded(self, data + place, 1, 0), held;
        int state;
        if (more < 0 || get_state(self, &held, &state) < 0) return -1;
        count += more;
        fed++;
        if (held == 0 && count <= skip) {
            cookie->offset += fed;
            cookie->flags = state;
            skip -= count;
            count = fed = 0;
        }
    }
    if (count < skip) {
        Py_ssize_t more = count_decoded(self, "", 0, 1);
        if (more < 0) return -1;
        cookie->need_eof = 1;
        if (count + more < skip) {
            PyErr_SetString(PyExc_OSError, "can't reconstruct logical file position");
            return -1;
        }
    }
    cookie->bytes_to_feed = (int32_t)fed;
    cookie->chars_to_skip = (int32_t)skip;
    return 0;
}

PyObject *kr_text_tell(KrText *self, PyObject *unused) {
    if (kr_text_check_attached(self) < 0 || kr_text_check_open(self) < 0) return NULL;
    if (!self->seekable) return kr_io_unsupported("underlying stream is not seekable");
    if (!self->telling) {
        PyErr_SetString(PyExc_OSError, "telling position disabled by next() call");
        return NULL;
    }
    if (kr_text_write_pending(self) < 0) return NULL;
    PyObject *result = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(flush));
    if (result == NULL) return NULL;
    Py_DECREF(result);
    result = PyObject_CallMethodNoArgs(self->buffer, KR_NAME(tell));
    if (result == NULL || !self->can_read || self->snapshot_input == NULL) return result;

    Cookie cookie = {.offset = PyLong_AsLongLong(result)};
    Py_DECREF(result);
    if (cookie.offset == -1 && PyErr_Occurred()) return NULL;
    PyObject *input = Py_NewRef(self->snapshot_input);
    const char *data = PyBytes_AS_STRING(input);
    Py_ssize_t size = PyBytes_GET_SIZE(input), skip = self->decoded == NULL ? 0 : self->decoded_used;
    PyObject *bytes = NULL, *number = NULL, *type, *value, *traceback;
    cookie.offset -= size;
    result = NULL;
    int flags = _PyLong_AsInt(self->snapshot_flags);
    if (flags == -1 && PyErr_Occurred()) goto done;
    cookie.flags = flags;
    if (skip == 0) {
        result = pack(&cookie);
        goto done;
    }
    if (flags == 0 && self->codec != KR_CODEC_OBJECT && self->errors_name == NULL && PyUnicode_IS_ASCII(self->decoded) &&
        PyUnicode_GET_LENGTH(self->decoded) == size &&
        (!self->read_universal || memchr(data, '\r', (size_t)size) == NULL)) {
        /* One byte was one character all through. */
        if (cookie.offset == 0 && self->read_universal)
            self->newlines.seen = memchr(data, '\n', (size_t)skip) != NULL ? KR_SEEN_LF : 0;
        cookie.offset += skip;
        result = pack(&cookie);
        goto done;
    }
    if (kr_text_decoder_state(self, &bytes, &number) < 0) goto done;
    int status = locate(self, data, size, flags, skip, &cookie);
    PyErr_Fetch(&type, &value, &traceback);
    int restored = kr_text_decoder_set_state(self, bytes, number);
    if (type != NULL) {
        PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    } else if (status == 0 && restored == 0) {
        result = pack(&cookie);
    }
done:
    Py_XDECREF(bytes);
    Py_XDECREF(number);
    Py_DECREF(input);
    return result;
}

/* ---- seek ---- */

static int call_flush(KrText *self) {
    PyObject *result = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(flush));
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static PyObject *seek_to_end(KrText *self) {
    if (call_flush(self) < 0) return NULL;
    kr_text_set_decoded(self, NULL);
    kr_text_clear_snapshot(self);
    if (kr_text_decoder_reset(self) < 0) return NULL;
    PyObject *result = PyObject_CallMethod(self->buffer, "seek", "ii", 0, 2), *zero = PyLong_FromLong(0);
    if (result != NULL && self->encoder != NULL) {
        int at_start = zero == NULL ? -1 : PyObject_RichCompareBool(result, zero, Py_EQ);
        if (at_start < 0 || kr_text_encoder_restart(self, at_start) < 0) Py_CLEAR(result);
    }
    Py_XDECREF(zero);
    return result;
}

static int seek_to_cookie(KrText *self, const Cookie *cookie) {
    PyObject *offset = PyLong_FromLongLong(cookie->offset);
    PyObject *result = offset == NULL ? NULL : PyObject_CallMethodOneArg(self->buffer, KR_NAME(seek), offset);
    Py_XDECREF(offset);
    if (result == NULL) return -1;
    Py_DECREF(result);
    kr_text_set_decoded(self, NULL);
    kr_text_clear_snapshot(self);

    if (self->can_read && set_clean_state(self, cookie->offset, cookie->flags) < 0) return -1;
    PyObject *input = NULL, *flags = PyLong_FromLong(cookie->flags);
    if (flags == NULL) return -1;
    if (cookie->chars_to_skip > 0) {
        PyObject *size = PyLong_FromLong(cookie->bytes_to_feed);
        if (size != NULL) input = PyObject_CallMethodOneArg(self->buffer, KR_NAME(read), size);
        Py_XDECREF(size);
        if (input != NULL && !PyBytes_Check(input)) {
            PyErr_Format(PyExc_TypeError, "underlying read() should have returned a bytes object, not '%.200s'",
                         Py_TYPE(input)->tp_name);
            Py_CLEAR(input);
        }
    } else {
        input = PyBytes_FromStringAndSize(NULL, 0);
    }
    if (input == NULL) {
        Py_DECREF(flags);
        return -1;
    }
    self->snapshot_flags = flags;
    self->snapshot_input = Py_NewRef(input);
    int status = 0;
    if (cookie->chars_to_skip > 0) {
        PyObject *text = kr_text_decode(self, input, cookie->need_eof);
        status = text == NULL ? -1 : 0;
        if (text != NULL) {
            Py_ssize_t count = PyUnicode_GET_LENGTH(text);
            kr_text_set_decoded(self, text);
            if (count < cookie->chars_to_skip) {
                PyErr_SetString(PyExc_OSError, "can't restore logical file position");
                status = -1;
            } else {
                self->decoded_used = cookie->chars_to_skip;
            }
        }
    }
    Py_DECREF(input);
    return status < 0 ? -1 : kr_text_encoder_restart(self, cookie->offset == 0 && cookie->flags == 0);
}

/* Compares with 0 by an operator. Returns 1, 0 or -1. */
static int compare_zero(PyObject *object, int operator) {
    PyObject *zero = PyLong_FromLong(0);
    int result = zero == NULL ? -1 : PyObject_RichCompareBool(object, zero, operator);
    Py_XDECREF(zero);
    return result;
}

PyObject *kr_text_seek(KrText *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("seek", count, 1, 2)) return NULL;
    int whence = SEEK_SET;
    if (count == 2 && (whence = _PyLong_AsInt(args[1])) == -1 && PyErr_Occurred()) return NULL;
    if (kr_text_check_attached(self) < 0 || kr_text_check_open(self) < 0) return NULL;
    if (!self->seekable) return kr_io_unsupported("underlying stream is not seekable");

    PyObject *target = Py_NewRef(args[0]), *result = NULL;
    if (whence == SEEK_CUR || whence == SEEK_END) {
        int here = compare_zero(target, Py_EQ);
        if (here == 0)
            kr_io_unsupported(whence == SEEK_CUR ? "can't do nonzero cur-relative seeks"
                                                 : "can't do nonzero end-relative seeks");
        if (here <= 0) goto done;
        if (whence == SEEK_END) {
            result = seek_to_end(self);
            goto done;
        }
        /* Going to where we are makes the buffer and the decoder agree about it. */
        Py_SETREF(target, PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(tell)));
        if (target == NULL) return NULL;
    } else if (whence != SEEK_SET) {
        PyErr_Format(PyExc_ValueError, "invalid whence (%d, should be %d, %d or %d)", whence, SEEK_SET, SEEK_CUR, SEEK_END);
        goto done;
    }
    int negative = compare_zero(target, Py_LT);
    if (negative > 0) PyErr_Format(PyExc_ValueError, "negative seek position %R", target);
    Cookie cookie;
    if (negative == 0 && call_flush(self) == 0 && unpack(target, &cookie) == 0 && seek_to_cookie(self, &cookie) == 0)
        result = Py_NewRef(target);
done:
    Py_DECREF(target);
    return result;
}
