/* IncrementalNewlineDecoder: makes "\n" of all line ends and remembers which ones there were. */
#include "modules/io/newline_decoder.h"

#include <string.h>

#include "object/names.h"

typedef struct {
    PyObject_HEAD
    PyObject *decoder; /* None: the input is text; NULL before __init__ */
    PyObject *errors;
    KrNewlines newlines;
} Decoder;

/* ---- translation ---- */

/* Notes the line ends of a text that has carriage returns. */
static unsigned char find_line_ends(int kind, const void *data, Py_ssize_t size) {
    unsigned char seen = 0;
    for (Py_ssize_t i = 0; i < size && seen != (KR_SEEN_CR | KR_SEEN_LF | KR_SEEN_CRLF); i++) {
        Py_UCS4 character = PyUnicode_READ(kind, data, i);
        if (character > '\r') continue;
        if (character == '\n') {
            seen |= KR_SEEN_LF;
        } else if (character == '\r') {
            if (i + 1 < size && PyUnicode_READ(kind, data, i + 1) == '\n') {
                seen |= KR_SEEN_CRLF;
                i++;
            } else {
                seen |= KR_SEEN_CR;
            }
        }
    }
    return seen;
}

#define DEFINE_COLLAPSE(type, name)                                                                                    \
    static Py_ssize_t name(const type *from, Py_ssize_t size, type *to) {                                              \
        type *start = to;                                                                                              \
        const type *end = from + size;                                                                                 \
        while (from < end) {                                                                                           \
            type character = *from++;                                                                                  \
            if (character == '\r') {                                                                                   \
                if (from < end && *from == '\n') from++;                                                               \
                character = '\n';                                                                                      \
            }                                                                                                          \
            *to++ = character;                                                                                         \
        }                                                                                                              \
        return to - start;                                                                                             \
    }
DEFINE_COLLAPSE(Py_UCS1, collapse1)
DEFINE_COLLAPSE(Py_UCS2, collapse2)
DEFINE_COLLAPSE(Py_UCS4, collapse4)

/* Copies the text with every "\r\n" and "\r" as "\n". Returns the new size. */
static Py_ssize_t collapse(int kind, const void *data, Py_ssize_t size, void *to) {
    if (kind == PyUnicode_1BYTE_KIND) return collapse1(data, size, to);
    if (kind == PyUnicode_2BYTE_KIND) return collapse2(data, size, to);
    return collapse4(data, size, to);
}

static int has_return(int kind, const void *data, Py_ssize_t size) {
    if (kind == PyUnicode_1BYTE_KIND) return memchr(data, '\r', (size_t)size) != NULL;
    for (Py_ssize_t i = 0; i < size; i++)
        if (PyUnicode_READ(kind, data, i) == '\r') return 1;
    return 0;
}

PyObject *kr_newlines_translate(KrNewlines *self, PyObject *text, int final) {
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (self->pending_return && (final || size > 0)) {
        /* The return that was held back comes first. */
        PyObject *longer = PyUnicode_New(size + 1, PyUnicode_MAX_CHAR_VALUE(text));
        if (longer == NULL) {
            Py_DECREF(text);
            return NULL;
        }
        int kind = PyUnicode_KIND(longer);
        PyUnicode_WRITE(kind, PyUnicode_DATA(longer), 0, '\r');
        memcpy((char *)PyUnicode_DATA(longer) + kind, PyUnicode_DATA(text), (size_t)kind * (size_t)size);
        Py_SETREF(text, longer);
        self->pending_return = 0;
        size++;
    }
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    if (!final && size > 0 && PyUnicode_READ(kind, data, size - 1) == '\r') {
        self->pending_return = 1;
        size--;
    }
    if (size == 0 || !has_return(kind, data, size)) {
        if (!(self->seen & KR_SEEN_LF) && size > 0 && PyUnicode_FindChar(text, '\n', 0, size, 1) >= 0)
            self->seen |= KR_SEEN_LF;
        if (size == PyUnicode_GET_LENGTH(text)) return text;
        PyObject *shorter = PyUnicode_Substring(text, 0, size);
        Py_DECREF(text);
        return shorter;
    }
    self->seen |= find_line_ends(kind, data, size);
    if (!self->translate) {
        if (size == PyUnicode_GET_LENGTH(text)) return text;
        PyObject *shorter = PyUnicode_Substring(text, 0, size);
        Py_DECREF(text);
        return shorter;
    }

    /* The result is shorter by the number of "\r\n". */
    Py_ssize_t shorter = size;
    for (Py_ssize_t i = 0; i + 1 < size; i++)
        if (PyUnicode_READ(kind, data, i) == '\r' && PyUnicode_READ(kind, data, i + 1) == '\n') shorter--;
    PyObject *result = PyUnicode_New(shorter, PyUnicode_MAX_CHAR_VALUE(text));
    if (result != NULL) collapse(kind, data, size, PyUnicode_DATA(result));
    Py_DECREF(text);
    return result;
}

PyObject *kr_newlines_seen(KrNewlines *self) {
    switch (self->seen) {
    case KR_SEEN_CR: return PyUnicode_FromString("\r");
    case KR_SEEN_LF: return PyUnicode_FromString("\n");
    case KR_SEEN_CRLF: return PyUnicode_FromString("\r\n");
    case KR_SEEN_CR | KR_SEEN_LF: return Py_BuildValue("ss", "\r", "\n");
    case KR_SEEN_CR | KR_SEEN_CRLF: return Py_BuildValue("ss", "\r", "\r\n");
    case KR_SEEN_LF | KR_SEEN_CRLF: return Py_BuildValue("ss", "\n", "\r\n");
    case KR_SEEN_CR | KR_SEEN_LF | KR_SEEN_CRLF: return Py_BuildValue("sss", "\r", "\n", "\r\n");
    default: Py_RETURN_NONE;
    }
}

/* ---- the type ---- */

static int check_initialized(Decoder *self) {
    if (self->errors != NULL) return 0;
    PyErr_SetString(PyExc_ValueError, "IncrementalNewlineDecoder.__init__() not called");
    return -1;
}

static int decoder_init(Decoder *self, PyObject *args, PyObject *kwargs) {
    static const char *const keywords[] = {"decoder", "translate", "errors", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "IncrementalNewlineDecoder"};
    PyObject *given[3];
    if (kr_io_unpack(args, kwargs, &parser, 2, 3, given) < 0) return -1;
    int translate = kr_io_bool_argument(given[1], 0);
    if (translate < 0) return -1;
    PyObject *errors = given[2] == NULL ? PyUnicode_FromString("strict") : Py_NewRef(given[2]);
    if (errors == NULL) return -1;
    Py_XSETREF(self->decoder, Py_NewRef(given[0]));
    Py_XSETREF(self->errors, errors);
    self->newlines = (KrNewlines){.translate = translate != 0};
    return 0;
}

PyObject *kr_newline_decoder_new(PyObject *decoder, int translate) {
    return PyObject_CallFunction((PyObject *)&kr_newline_decoder_type, "Oi", decoder, translate);
}

static int decoder_traverse(Decoder *self, visitproc visit, void *arg) {
    Py_VISIT(self->decoder);
    Py_VISIT(self->errors);
    return 0;
}

static int decoder_clear(Decoder *self) {
    Py_CLEAR(self->decoder);
    Py_CLEAR(self->errors);
    return 0;
}

static void decoder_dealloc(Decoder *self) {
    PyObject_GC_UnTrack(self);
    decoder_clear(self);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

PyObject *kr_newline_decoder_decode(PyObject *object, PyObject *input, int final) {
    Decoder *self = (Decoder *)object;
    if (check_initialized(self) < 0) return NULL;
    PyObject *text;
    if (self->decoder == Py_None)
        text = Py_NewRef(input);
    else
        text = PyObject_CallMethodObjArgs(self->decoder, KR_NAME(decode), input, final ? Py_True : Py_False, NULL);
    if (text == NULL) return NULL;
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "decoder should return a string result, not '%.200s'", Py_TYPE(text)->tp_name);
        Py_DECREF(text);
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) {
        Py_DECREF(text);
        return NULL;
    }
    return kr_newlines_translate(&self->newlines, text, final);
}

static PyObject *decoder_decode(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"input", "final", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "decode"};
    PyObject *space[2] = {NULL};
    Py_ssize_t total = count + (names == NULL ? 0 : PyTuple_GET_SIZE(names));
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 2, 0, space);
    if (args == NULL) return NULL;
    int final = kr_io_bool_argument(total > 1 ? args[1] : NULL, 0);
    if (final < 0) return NULL;
    return kr_newline_decoder_decode(self, args[0], final);
}

static PyObject *decoder_getstate(Decoder *self, PyObject *unused) {
    if (check_initialized(self) < 0) return NULL;
    unsigned long long flag = 0;
    PyObject *buffer;
    if (self->decoder == Py_None) {
        buffer = PyBytes_FromStringAndSize(NULL, 0);
    } else {
        PyObject *state = PyObject_CallMethodNoArgs(self->decoder, KR_NAME(getstate));
        if (state == NULL) return NULL;
        if (!PyTuple_Check(state)) {
            PyErr_SetString(PyExc_TypeError, "illegal decoder state");
            Py_DECREF(state);
            return NULL;
        }
        if (!PyArg_ParseTuple(state, "OK;illegal decoder state", &buffer, &flag)) {
            Py_DECREF(state);
            return NULL;
        }
        Py_INCREF(buffer);
        Py_DECREF(state);
    }
    return Py_BuildValue("NK", buffer, flag << 1 | self->newlines.pending_return);
}

static PyObject *decoder_setstate(Decoder *self, PyObject *state) {
    if (check_initialized(self) < 0) return NULL;
    if (!PyTuple_Check(state)) {
        PyErr_SetString(PyExc_TypeError, "state argument must be a tuple");
        return NULL;
    }
    PyObject *buffer;
    unsigned long long flag;
    if (!PyArg_ParseTuple(state, "OK;setstate(): illegal state argument", &buffer, &flag)) return NULL;
    self->newlines.pending_return = flag & 1;
    if (self->decoder == Py_None) Py_RETURN_NONE;
    return PyObject_CallMethod(self->decoder, "setstate", "((OK))", buffer, flag >> 1);
}

static PyObject *decoder_reset(Decoder *self, PyObject *unused) {
    if (check_initialized(self) < 0) return NULL;
    self->newlines.pending_return = self->newlines.seen = 0;
    if (self->decoder == Py_None) Py_RETURN_NONE;
    return PyObject_CallMethodNoArgs(self->decoder, KR_NAME(reset));
}

static PyObject *decoder_get_newlines(Decoder *self, void *closure) {
    return check_initialized(self) < 0 ? NULL : kr_newlines_seen(&self->newlines);
}

static PyMethodDef decoder_methods[] = {
    {"decode", (PyCFunction)(void *)decoder_decode, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("decode($self, /, input, final=False)\n--\n\nDecode a piece of input and translate its line ends.")},
    {"getstate", (PyCFunction)decoder_getstate, METH_NOARGS,
     PyDoc_STR("getstate($self, /)\n--\n\nThe state for setstate(): a pair of undecoded input and an int.")},
    {"setstate", (PyCFunction)decoder_setstate, METH_O,
     PyDoc_STR("setstate($self, state, /)\n--\n\nReturn to a state that getstate() gave.")},
    {"reset", (PyCFunction)decoder_reset, METH_NOARGS, PyDoc_STR("reset($self, /)\n--\n\nReturn to the first state.")},
    {NULL},
};

static PyGetSetDef decoder_getset[] = {
    {"newlines", (getter)decoder_get_newlines, NULL,
     PyDoc_STR("The line ends met so far: None, a string or a tuple of strings.")},
    {NULL},
};

PyTypeObject kr_newline_decoder_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io.IncrementalNewlineDecoder",
    .tp_basicsize = sizeof(Decoder),
    .tp_dealloc = (destructor)decoder_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("IncrementalNewlineDecoder(decoder, translate, errors='strict')\n--\n\n"
                        "A decoder that wraps another and handles all kinds of line ends.\n\n"
                        "With translate, \"\\r\\n\" and \"\\r\" become \"\\n\". decoder may be None; then the input is text."),
    .tp_traverse = (traverseproc)decoder_traverse,
    .tp_clear = (inquiry)decoder_clear,
    .tp_methods = decoder_methods,
    .tp_getset = decoder_getset,
    .tp_init = (initproc)decoder_init,
    .tp_new = PyType_GenericNew,
};
