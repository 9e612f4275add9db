/* Calling error handlers, and short cuts for the well-known ones. */
#include <Python.h>
#include <string.h>

#include "base/unicode_names.h"
#include "object/interpreter.h"
#include "object/runtime.h"
#include "types/codecs/codecs.h"

KrErrorHandler _Py_GetErrorHandler(const char *errors) {
    static const struct {
        const char *name;
        KrErrorHandler kind;
    } handlers[] = {
        {"strict", KR_ERRORS_STRICT},
        {"surrogateescape", KR_ERRORS_SURROGATEESCAPE},
        {"replace", KR_ERRORS_REPLACE},
        {"ignore", KR_ERRORS_IGNORE},
        {"backslashreplace", KR_ERRORS_BACKSLASHREPLACE},
        {"surrogatepass", KR_ERRORS_SURROGATEPASS},
        {"xmlcharrefreplace", KR_ERRORS_XMLCHARREFREPLACE},
    };
    if (errors == NULL) return KR_ERRORS_STRICT;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(handlers); i++) {
        if (strcmp(handlers[i].name, errors) == 0) return handlers[i].kind;
    }
    return KR_ERRORS_OTHER;
}

const KrCharacterNames *kr_codec_character_names(void) {
    PyInterpreterState *interpreter = kr_tstate()->interp;
    if (interpreter->codecs.character_names == NULL)
        interpreter->codecs.character_names = PyCapsule_Import("unicodedata._ucnhash_CAPI", 1);
    return interpreter->codecs.character_names;
}

/* Looks the handler up when it is needed first. Returns 0 or -1. */
static int find_handler(PyObject **handler, const char *errors) {
    if (*handler == NULL) *handler = PyCodec_LookupError(errors);
    return *handler != NULL ? 0 : -1;
}

/* Makes a position that a handler returned absolute. Returns 0, or -1 with IndexError. */
static int check_position(Py_ssize_t *position, Py_ssize_t size) {
    Py_ssize_t given = *position;
    if (*position < 0) *position += size;
    if (*position >= 0 && *position <= size) return 0;
    PyErr_Format(PyExc_IndexError, "position %zd from error handler out of bounds", given < 0 ? *position : given);
    return -1;
}

/* ---- decoding ---- */

void kr_decode_begin(KrDecodeErrors *state, const char *encoding, const char *errors, const char *data,
                     Py_ssize_t size) {
    *state = (KrDecodeErrors){.encoding = encoding, .errors = errors, .start = data, .next = data, .end = data + size};
}

void kr_decode_end(KrDecodeErrors *state) {
    Py_CLEAR(state->handler);
    Py_CLEAR(state->exception);
    Py_CLEAR(state->replaced_input);
}

/* Creates or changes the exception. Returns 0 or -1. */
static int prepare_decode_exception(KrDecodeErrors *state, Py_ssize_t first, Py_ssize_t last, const char *reason) {
    if (state->exception == NULL) {
        state->exception = PyUnicodeDecodeError_Create(state->encoding, state->start, state->end - state->start, first,
                                                       last, reason);
        return state->exception != NULL ? 0 : -1;
    }
    if (PyUnicodeDecodeError_SetStart(state->exception, first) < 0 ||
        PyUnicodeDecodeError_SetEnd(state->exception, last) < 0)
        return -1;
    return PyUnicodeDecodeError_SetReason(state->exception, reason);
}

static int raise_decode_error(KrDecodeErrors *state, const char *first, const char *last, const char *reason) {
    if (prepare_decode_exception(state, first - state->start, last - state->start, reason) == 0)
        PyCodec_StrictErrors(state->exception);
    return -1;
}

/* Goes on with the object that the exception has now. */
static int take_input_from_exception(KrDecodeErrors *state) {
    PyObject *input = PyUnicodeDecodeError_GetObject(state->exception);
    if (input == NULL) return -1;
    const char *data = PyBytes_AS_STRING(input);
    state->next = data + (state->next - state->start);
    state->start = data;
    state->end = data + PyBytes_GET_SIZE(input);
    Py_XSETREF(state->replaced_input, input);
    return 0;
}

static int call_decode_handler(KrDecodeErrors *state, const char *first, const char *last, const char *reason,
                               _PyUnicodeWriter *writer) {
    if (find_handler(&state->handler, state->errors) < 0) return -1;
    if (prepare_decode_exception(state, first - state->start, last - state->start, reason) < 0) return -1;
    PyObject *answer = PyObject_CallOneArg(state->handler, state->exception);
    if (answer == NULL) return -1;
    int result = -1;
    PyObject *text;
    Py_ssize_t position;
    if (!PyTuple_Check(answer)) {
        PyErr_SetString(PyExc_TypeError, "decoding error handler must return (str, int) tuple");
        goto done;
    }
    if (!PyArg_ParseTuple(answer, "Un;decoding error handler must return (str, int) tuple", &text, &position))
        goto done;
    if (take_input_from_exception(state) < 0) goto done;
    if (check_position(&position, state->end - state->start) < 0) goto done;
    state->next = state->start + position;
    /* What follows an error is rarely of a predictable size. */
    writer->overallocate = 1;
    result = _PyUnicodeWriter_WriteStr(writer, text);
done:
    Py_DECREF(answer);
    return result;
}

int kr_decode_error(KrDecodeErrors *state, const char *first, const char *last, const char *reason,
                    _PyUnicodeWriter *writer) {
    if (state->kind == KR_ERRORS_UNKNOWN) state->kind = _Py_GetErrorHandler(state->errors);
    switch (state->kind) {
        case KR_ERRORS_STRICT: return raise_decode_error(state, first, last, reason);
        case KR_ERRORS_REPLACE:
            state->next = last;
            return _PyUnicodeWriter_WriteChar(writer, Py_UNICODE_REPLACEMENT_CHARACTER);
        case KR_ERRORS_IGNORE: state->next = last; return 0;
        case KR_ERRORS_SURROGATEESCAPE: {
            const char *bad = first;
            while (bad < last && bad - first < 4 && (unsigned char)*bad >= 128) {
                if (_PyUnicodeWriter_WriteChar(writer, 0xdc00 + (unsigned char)*bad) < 0) return -1;
                bad++;
            }
            if (bad == first) return raise_decode_error(state, first, last, reason);
            state->next = bad;
            return 0;
        }
        case KR_ERRORS_BACKSLASHREPLACE:
            for (const char *bad = first; bad < last; bad++) {
                char escape[5];
                PyOS_snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)*bad);
                if (_PyUnicodeWriter_WriteASCIIString(writer, escape, 4) < 0) return -1;
            }
            state->next = last;
            return 0;
        default: return call_decode_handler(state, first, last, reason, writer);
    }
}

/* ---- encoding ---- */

void kr_encode_begin(KrEncodeErrors *state, const char *encoding, const char *errors, PyObject *text) {
    *state = (KrEncodeErrors){.encoding = encoding, .errors = errors, .text = text};
    state->kind = _Py_GetErrorHandler(errors);
}

void kr_encode_end(KrEncodeErrors *state) {
    Py_CLEAR(state->handler);
    Py_CLEAR(state->exception);
}

static int prepare_encode_exception(KrEncodeErrors *state, Py_ssize_t first, Py_ssize_t last, const char *reason) {
    if (state->exception == NULL) {
        state->exception = PyObject_CallFunction(PyExc_UnicodeEncodeError, "sOnns", state->encoding, state->text, first,
                                                 last, reason);
        return state->exception != NULL ? 0 : -1;
    }
    if (PyUnicodeEncodeError_SetStart(state->exception, first) < 0 ||
        PyUnicodeEncodeError_SetEnd(state->exception, last) < 0)
        return -1;
    return PyUnicodeEncodeError_SetReason(state->exception, reason);
}

void kr_encode_raise(KrEncodeErrors *state, Py_ssize_t first, Py_ssize_t last, const char *reason) {
    if (prepare_encode_exception(state, first, last, reason) == 0) PyCodec_StrictErrors(state->exception);
}

PyObject *kr_encode_call_handler(KrEncodeErrors *state, Py_ssize_t first, Py_ssize_t last, const char *reason,
                                 Py_ssize_t *next) {
    static const char expected[] = "encoding error handler must return (str/bytes, int) tuple";
    PyObject *replacement;
    if (find_handler(&state->handler, state->errors) < 0) return NULL;
    if (prepare_encode_exception(state, first, last, reason) < 0) return NULL;
    PyObject *answer = PyObject_CallOneArg(state->handler, state->exception);
    if (answer == NULL) return NULL;
    if (!PyTuple_Check(answer)) {
        PyErr_SetString(PyExc_TypeError, expected);
        goto failed;
    }
    if (!PyArg_ParseTuple(answer, "On;encoding error handler must return (str/bytes, int) tuple", &replacement, next))
        goto failed;
    if (!PyUnicode_Check(replacement) && !PyBytes_Check(replacement)) {
        PyErr_SetString(PyExc_TypeError, expected);
        goto failed;
    }
    if (check_position(next, PyUnicode_GET_LENGTH(state->text)) < 0) goto failed;
    if (PyUnicode_Check(replacement) && PyUnicode_READY(replacement) < 0) goto failed;
    Py_INCREF(replacement);
    Py_DECREF(answer);
    return replacement;
failed:
    Py_DECREF(answer);
    return NULL;
}
