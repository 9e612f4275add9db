/* TextIOWrapper: encoding, decoding and line ends. */
#include "modules/io/text.h"

#include <string.h>

#include "object/names.h"

/* ---- line ends ---- */

int kr_text_check_newline(const char *newline) {
    if (newline == NULL || *newline == '\0' || strcmp(newline, "\n") == 0 || strcmp(newline, "\r") == 0 ||
        strcmp(newline, "\r\n") == 0)
        return 0;
    PyErr_Format(PyExc_ValueError, "illegal newline value: %s", newline);
    return -1;
}

void kr_text_set_newline(KrText *self, const char *newline) {
    self->read_translate = newline == NULL;
    self->read_universal = newline == NULL || *newline == '\0';
    self->write_translate = newline == NULL || *newline != '\0';
    self->read_end = self->write_end = NULL;
    self->read_end_size = 0;
    if (!self->read_universal && strcmp(newline, "\n") != 0) {
        self->read_end = self->write_end = strcmp(newline, "\r") == 0 ? "\r" : "\r\n";
        self->read_end_size = (char)strlen(self->read_end);
    }
    self->newlines = (KrNewlines){.translate = self->read_translate};
}

/* ---- choosing the codec ---- */

static KrTextCodec known_codec(const char *name) {
    char lower[20];
    size_t size = 0;
    for (; name[size] != '\0'; size++) {
        if (size + 1 >= sizeof lower) return KR_CODEC_OBJECT;
        lower[size] = name[size] == '_' ? '-' : Py_TOLOWER(name[size]);
    }
    lower[size] = '\0';
    static const struct {
        const char *name;
        KrTextCodec codec;
    } known[] = {
        {"utf-8", KR_CODEC_UTF8},        {"utf8", KR_CODEC_UTF8},        {"ascii", KR_CODEC_ASCII},
        {"us-ascii", KR_CODEC_ASCII},    {"latin-1", KR_CODEC_LATIN1},   {"latin1", KR_CODEC_LATIN1},
        {"iso-8859-1", KR_CODEC_LATIN1}, {"iso8859-1", KR_CODEC_LATIN1}, {"ansi-x3.4-1968", KR_CODEC_ASCII},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(lower, known[i].name) == 0) return known[i].codec;
    return KR_CODEC_OBJECT;
}

/* Returns how to encode for a codec object. */
static KrTextEncoder known_encoder(PyObject *info) {
    static const char *const names[] = {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"};
    PyObject *name;
    KrTextEncoder kind = KR_ENCODER_OBJECT;
    if (_PyObject_LookupAttr(info, KR_NAME(name), &name) <= 0) {
        PyErr_Clear();
        return kind;
    }
    if (PyUnicode_Check(name)) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0) kind = (KrTextEncoder)(KR_ENCODER_UTF16 + i);
    }
    Py_DECREF(name);
    return kind;
}

/* Calls self.buffer.readable() or the like. Returns 1, 0 or -1. */
static int ask_buffer(KrText *self, PyObject *method) {
    if (method == NULL) return -1;
    PyObject *answer = PyObject_CallMethodNoArgs(self->buffer, method);
    if (answer == NULL) return -1;
    int truth = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return truth;
}

/* Returns what the buffer can do without a call, or -1. */
static int plain_ability(KrText *self, int write) {
    PyTypeObject *type = Py_TYPE(self->buffer);
    if (!self->buffer_is_ours || ((KrBuffered *)self->buffer)->dict != NULL) return -1;
    /* These classes have checked their raw stream, and inherit False from the base class for the other direction. */
    if (type == (write ? &kr_buffered_reader_type : &kr_buffered_writer_type)) return 0;
    return -1;
}

int kr_text_set_codec(KrText *self, PyObject *encoding, PyObject *errors) {
    const char *name = PyUnicode_AsUTF8(encoding), *handler = PyUnicode_AsUTF8(errors);
    if (name == NULL || handler == NULL) return -1;
    KrTextCodec codec = known_codec(name);
    PyObject *info = NULL, *decoder = NULL, *encoder = NULL;
    if (codec == KR_CODEC_OBJECT && (info = _PyCodec_LookupTextEncoding(name, "codecs.open()")) == NULL) return -1;

    int can_read = plain_ability(self, 0), can_write = plain_ability(self, 1);
    if (can_read < 0 && (can_read = ask_buffer(self, KR_NAME(readable))) < 0) goto error;
    if (info != NULL && can_read) {
        decoder = _PyCodecInfo_GetIncrementalDecoder(info, handler);
        if (decoder != NULL && self->read_universal)
            Py_SETREF(decoder, kr_newline_decoder_new(decoder, self->read_translate));
        if (decoder == NULL) goto error;
    }
    if (can_write < 0 && (can_write = ask_buffer(self, KR_NAME(writable))) < 0) goto error;
    if (info != NULL && can_write && (encoder = _PyCodecInfo_GetIncrementalEncoder(info, handler)) == NULL) goto error;
    self->encoder_kind = encoder == NULL ? KR_ENCODER_OBJECT : (char)known_encoder(info);
    self->encode_at_start = 0;
    Py_XDECREF(info);

    Py_INCREF(encoding);
    Py_INCREF(errors);
    Py_XSETREF(self->encoding, encoding);
    Py_XSETREF(self->errors, errors);
    self->errors_name = strcmp(handler, "strict") == 0 ? NULL : handler;
    Py_XSETREF(self->decoder, decoder);
    Py_XSETREF(self->encoder, encoder);
    self->codec = (char)codec;
    self->can_read = can_read != 0;
    self->can_write = can_write != 0;
    self->undecoded_size = 0;
    self->newlines = (KrNewlines){.translate = self->read_translate};
    return 0;
error:
    Py_XDECREF(info);
    Py_XDECREF(decoder);
    Py_XDECREF(encoder);
    return -1;
}

/* ---- decoding ---- */

int kr_text_is_ascii(const char *data, Py_ssize_t size) {
    const char *end = data + size;
    uint64_t word, all = 0;
    for (; end - data >= 64; data += 64) {
        for (int i = 0; i < 64; i += 8) {
            memcpy(&word, data + i, 8);
            all |= word;
        }
        if (all & 0x8080808080808080) return 0;
    }
    for (; end - data >= 8; data += 8) {
        memcpy(&word, data, 8);
        all |= word;
    }
    for (; data < end; data++) all |= (unsigned char)*data;
    return (all & 0x8080808080808080) == 0;
}

/* Decodes with the codec alone. */
static PyObject *decode_known(KrText *self, const char *data, Py_ssize_t size, int final) {
    if (self->codec == KR_CODEC_LATIN1) return PyUnicode_DecodeLatin1(data, size, self->errors_name);
    if (self->codec == KR_CODEC_ASCII) return PyUnicode_DecodeASCII(data, size, self->errors_name);

    char *joined = NULL;
    if (self->undecoded_size > 0) {
        joined = PyMem_Malloc((size_t)size + self->undecoded_size);
        if (joined == NULL) return PyErr_NoMemory();
        memcpy(joined, self->undecoded, self->undecoded_size);
        memcpy(joined + self->undecoded_size, data, (size_t)size);
        data = joined;
        size += self->undecoded_size;
    }
    Py_ssize_t consumed = size;
    PyObject *text = PyUnicode_DecodeUTF8Stateful(data, size, self->errors_name, final ? NULL : &consumed);
    if (text != NULL) {
        Py_ssize_t rest = size - consumed;
        if (rest > KR_UNDECODED_MAX) rest = KR_UNDECODED_MAX; /* an unfinished character has three bytes at most */
        memcpy(self->undecoded, data + size - rest, (size_t)rest);
        self->undecoded_size = (unsigned char)rest;
    }
    PyMem_Free(joined);
    return text;
}

PyObject *kr_text_decode_memory(KrText *self, const char *data, Py_ssize_t size, int final) {
    if (self->codec == KR_CODEC_OBJECT) {
        PyObject *bytes = PyBytes_FromStringAndSize(data, size);
        PyObject *text = bytes == NULL ? NULL : kr_text_decode(self, bytes, final);
        Py_XDECREF(bytes);
        return text;
    }
    PyObject *text = decode_known(self, data, size, final);
    if (text == NULL || !self->read_universal) return text;
    return kr_newlines_translate(&self->newlines, text, final);
}

PyObject *kr_text_decode(KrText *self, PyObject *bytes, int final) {
    if (self->codec != KR_CODEC_OBJECT) {
        if (PyBytes_CheckExact(bytes))
            return kr_text_decode_memory(self, PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), final);
        Py_buffer view;
        if (PyObject_GetBuffer(bytes, &view, PyBUF_SIMPLE) < 0) return NULL;
        PyObject *text = kr_text_decode_memory(self, view.buf, view.len, final);
        PyBuffer_Release(&view);
        return text;
    }
    if (Py_IS_TYPE(self->decoder, &kr_newline_decoder_type)) return kr_newline_decoder_decode(self->decoder, bytes, final);
    PyObject *text =
        PyObject_CallMethodObjArgs(self->decoder, KR_NAME(decode), bytes, final ? Py_True : Py_False, NULL);
    if (text == NULL) return NULL;
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "decoder should return a string result, not '%.200s'", Py_TYPE(text)->tp_name);
        Py_DECREF(text);
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) Py_CLEAR(text);
    return text;
}

int kr_text_decoder_state(KrText *self, PyObject **bytes, PyObject **flags) {
    if (self->codec != KR_CODEC_OBJECT) {
        *flags = PyLong_FromLong(self->read_universal && self->newlines.pending_return);
        *bytes = PyBytes_FromStringAndSize(self->undecoded, self->undecoded_size);
        if (*flags != NULL && *bytes != NULL) return 0;
        Py_XDECREF(*flags);
        Py_XDECREF(*bytes);
        return -1;
    }
    PyObject *state = PyObject_CallMethodNoArgs(self->decoder, KR_NAME(getstate));
    if (state == NULL) return -1;
    int status = -1;
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "illegal decoder state");
    } else if (PyArg_ParseTuple(state, "OO;illegal decoder state", bytes, flags)) {
        if (PyBytes_Check(*bytes)) {
            Py_INCREF(*bytes);
            Py_INCREF(*flags);
            status = 0;
        } else {
            PyErr_Format(PyExc_TypeError,
                         "illegal decoder state: the first item should be a bytes object, not '%.200s'",
                         Py_TYPE(*bytes)->tp_name);
        }
    }
    Py_DECREF(state);
    return status;
}

int kr_text_decoder_set_state(KrText *self, PyObject *bytes, PyObject *flags) {
    if (self->codec != KR_CODEC_OBJECT) {
        Py_ssize_t size = PyBytes_GET_SIZE(bytes);
        long value = PyLong_AsLong(flags);
        if (value == -1 && PyErr_Occurred()) return -1;
        if (size > KR_UNDECODED_MAX) size = KR_UNDECODED_MAX;
        memcpy(self->undecoded, PyBytes_AS_STRING(bytes), (size_t)size);
        self->undecoded_size = (unsigned char)size;
        self->newlines.pending_return = self->read_universal && (value & 1);
        return 0;
    }
    PyObject *state = PyTuple_Pack(2, bytes, flags), *result = NULL;
    if (state != NULL) result = PyObject_CallMethodOneArg(self->decoder, KR_NAME(setstate), state);
    Py_XDECREF(state);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int kr_text_decoder_reset(KrText *self) {
    if (!self->can_read) return 0;
    if (self->codec != KR_CODEC_OBJECT) {
        self->undecoded_size = 0;
        self->newlines.pending_return = self->newlines.seen = 0;
        return 0;
    }
    PyObject *result = PyObject_CallMethodNoArgs(self->decoder, KR_NAME(reset));
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* ---- encoding ---- */

int kr_text_encoder_restart(KrText *self, int at_start) {
    if (self->encoder == NULL) return 0;
    PyObject *result;
    self->encode_at_start = at_start != 0;
    if (at_start) {
        result = PyObject_CallMethodNoArgs(self->encoder, KR_NAME(reset));
    } else {
        PyObject *zero = PyLong_FromLong(0);
        result = zero == NULL ? NULL : PyObject_CallMethodOneArg(self->encoder, KR_NAME(setstate), zero);
        Py_XDECREF(zero);
    }
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

int kr_text_reserve(KrText *self, Py_ssize_t size) {
    if (size <= self->pending_room - self->pending_size && self->pending != NULL) return 0;
    if (size > PY_SSIZE_T_MAX / 2 - self->pending_size) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t room = self->pending_size + size;
    if (room < 2 * self->pending_room) room = 2 * self->pending_room;
    if (room < 256) room = 256;
    char *larger = PyMem_Realloc(self->pending, (size_t)room);
    if (larger == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->pending = larger;
    self->pending_room = room;
    return 0;
}

/* Encodes in UTF-8. Returns the end, or NULL if there is a surrogate. */
static char *encode_utf8(int kind, const void *data, Py_ssize_t size, char *out) {
    for (Py_ssize_t i = 0; i < size; i++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, i);
        if (character < 0x80) {
            *out++ = (char)character;
        } else if (character < 0x800) {
            *out++ = (char)(0xc0 | character >> 6);
            *out++ = (char)(0x80 | (character & 0x3f));
        } else if (character < 0x10000) {
            if (Py_UNICODE_IS_SURROGATE(character)) return NULL;
            *out++ = (char)(0xe0 | character >> 12);
            *out++ = (char)(0x80 | (character >> 6 & 0x3f));
            *out++ = (char)(0x80 | (character & 0x3f));
        } else {
            *out++ = (char)(0xf0 | character >> 18);
            *out++ = (char)(0x80 | (character >> 12 & 0x3f));
            *out++ = (char)(0x80 | (character >> 6 & 0x3f));
            *out++ = (char)(0x80 | (character & 0x3f));
        }
    }
    return out;
}

/* Encodes with the codec's function or object. Returns bytes or NULL. */
static PyObject *encode_to_bytes(KrText *self, PyObject *text) {
    switch (self->codec) {
    case KR_CODEC_UTF8: return _PyUnicode_AsUTF8String(text, self->errors_name);
    case KR_CODEC_ASCII: return _PyUnicode_AsASCIIString(text, self->errors_name);
    case KR_CODEC_LATIN1: return _PyUnicode_AsLatin1String(text, self->errors_name);
    default: break;
    }
    int order = self->encode_at_start ? 0 : PY_LITTLE_ENDIAN ? -1 : 1;
    switch (self->encoder_kind) {
    case KR_ENCODER_UTF16: return _PyUnicode_EncodeUTF16(text, self->errors_name, order);
    case KR_ENCODER_UTF16_LE: return _PyUnicode_EncodeUTF16(text, self->errors_name, -1);
    case KR_ENCODER_UTF16_BE: return _PyUnicode_EncodeUTF16(text, self->errors_name, 1);
    case KR_ENCODER_UTF32: return _PyUnicode_EncodeUTF32(text, self->errors_name, order);
    case KR_ENCODER_UTF32_LE: return _PyUnicode_EncodeUTF32(text, self->errors_name, -1);
    case KR_ENCODER_UTF32_BE: return _PyUnicode_EncodeUTF32(text, self->errors_name, 1);
    default: break;
    }
    PyObject *bytes = PyObject_CallMethodOneArg(self->encoder, KR_NAME(encode), text);
    if (bytes == NULL || PyBytes_Check(bytes)) return bytes;
    PyErr_Format(PyExc_TypeError, "encoder should return a bytes object, not '%.200s'", Py_TYPE(bytes)->tp_name);
    Py_DECREF(bytes);
    return NULL;
}

int kr_text_encode(KrText *self, PyObject *text) {
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    int kind = PyUnicode_KIND(text);
    if (self->codec == KR_CODEC_UTF8 && size < PY_SSIZE_T_MAX / 8) {
        /* A character of one, two or four bytes becomes at most two, three or four. */
        if (kr_text_reserve(self, size * (kind == 4 ? 4 : kind + 1)) < 0) return -1;
        char *end = encode_utf8(kind, PyUnicode_DATA(text), size, self->pending + self->pending_size);
        if (end != NULL) {
            self->pending_size = end - self->pending;
            return 0;
        }
    }
    if (self->codec == KR_CODEC_LATIN1 && kind == 1) {
        if (kr_text_reserve(self, size) < 0) return -1;
        memcpy(self->pending + self->pending_size, PyUnicode_DATA(text), (size_t)size);
        self->pending_size += size;
        return 0;
    }
    PyObject *bytes = encode_to_bytes(self, text);
    self->encode_at_start = 0;
    if (bytes == NULL) return -1;
    /* The codec may have run code that wrote to this file: reserve only now. */
    int status = kr_text_reserve(self, PyBytes_GET_SIZE(bytes));
    if (status == 0) {
        memcpy(self->pending + self->pending_size, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
        self->pending_size += PyBytes_GET_SIZE(bytes);
    }
    Py_DECREF(bytes);
    return status;
}
