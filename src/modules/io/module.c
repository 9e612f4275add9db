/* The module _io: open() and what all its classes need. */
#include <Python.h>

#include <errno.h>
#include <string.h>

#include "modules/io/buffered.h"
#include "modules/io/fileio.h"
#include "modules/io/io.h"
#include "modules/io/text.h"
#include "object/names.h"
#include "runtime/file.h"

static struct {
    PyObject *unsupported_operation;
} state;

/* ---- errors ---- */

PyObject *kr_io_unsupported(const char *message) {
    PyErr_SetString(state.unsupported_operation, message);
    return NULL;
}

int kr_io_interrupted(void) {
    if (!PyErr_ExceptionMatches(PyExc_OSError)) return 0;
    PyObject *type, *value, *traceback, *number = NULL;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    long code = 0;
    if (value != NULL && _PyObject_LookupAttr(value, KR_NAME(errno), &number) > 0) {
        if (PyLong_Check(number)) code = PyLong_AsLong(number);
        Py_DECREF(number);
    }
    PyErr_Clear();
    if (code != EINTR) {
        PyErr_Restore(type, value, traceback);
        return 0;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return PyErr_CheckSignals() == 0;
}

/* ---- arguments ---- */

int kr_io_flag(const char *name) {
    PyObject *flags = PySys_GetObject("flags");
    PyObject *value = flags == NULL ? NULL : PyObject_GetAttrString(flags, name);
    int truth = value == NULL ? 0 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    if (value == NULL || truth < 0) {
        PyErr_Clear();
        return 0;
    }
    return truth;
}

off_t kr_io_offset(PyObject *object, PyObject *error) {
    PyObject *number = PyNumber_Index(object);
    if (number == NULL) return -1;
    off_t offset = PyLong_AsLong(number);
    Py_DECREF(number);
    if (offset == -1 && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_Format(error, "cannot fit '%.200s' into an offset-sized integer", Py_TYPE(object)->tp_name);
    return offset;
}

int kr_io_size_argument(const char *function, PyObject *const *args, Py_ssize_t count, Py_ssize_t absent,
                        Py_ssize_t *size) {
    *size = absent;
    if (!_PyArg_CheckPositional(function, count, 0, 1)) return -1;
    if (count == 0 || args[0] == Py_None) return 0;
    if (PyLong_CheckExact(args[0])) {
        *size = PyLong_AsSsize_t(args[0]);
        if (*size != -1 || !PyErr_Occurred()) return 0;
        PyErr_Clear(); /* what follows raises it in other words */
    }
    if (!PyIndex_Check(args[0])) {
        PyErr_Format(PyExc_TypeError, "argument should be integer or None, not '%.200s'", Py_TYPE(args[0])->tp_name);
        return -1;
    }
    *size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
    return *size == -1 && PyErr_Occurred() ? -1 : 0;
}

int kr_io_int_argument(PyObject *object, Py_ssize_t *value) {
    PyObject *index = PyNumber_Index(object);
    if (index == NULL) return -1;
    *value = PyLong_AsSsize_t(index);
    Py_DECREF(index);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

int kr_io_bool_argument(PyObject *object, int absent) {
    if (object == NULL) return absent;
    if (object == Py_True) return 1;
    if (object == Py_False) return 0;
    int value = _PyLong_AsInt(object);
    return value == -1 && PyErr_Occurred() ? -1 : value != 0;
}

int kr_io_unpack(PyObject *args, PyObject *kwargs, _PyArg_Parser *parser, int least, int most, PyObject **space) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    memset(space, 0, (size_t)most * sizeof *space);
    PyObject *const *given =
        _PyArg_UnpackKeywords(&PyTuple_GET_ITEM(args, 0), count, kwargs, NULL, parser, least, most, 0, space);
    if (given == NULL) return -1;
    if (given != space) memcpy(space, given, (size_t)count * sizeof *space);
    return 0;
}

const char *kr_io_text_argument(const char *function, const char *argument, PyObject *object, int optional) {
    if (!PyUnicode_Check(object)) {
        _PyArg_BadArgument(function, argument, optional ? "str or None" : "str", object);
        return NULL;
    }
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (text == NULL || strlen(text) == (size_t)size) return text;
    PyErr_SetString(PyExc_ValueError, "embedded null character");
    return NULL;
}

int kr_io_writable_buffer(const char *function, PyObject *object, Py_buffer *view) {
    if (PyObject_GetBuffer(object, view, PyBUF_WRITABLE) < 0) {
        PyErr_Clear();
        _PyArg_BadArgument(function, "argument", "read-write bytes-like object", object);
        return -1;
    }
    if (PyBuffer_IsContiguous(view, 'C')) return 0;
    PyBuffer_Release(view);
    _PyArg_BadArgument(function, "argument", "contiguous buffer", object);
    return -1;
}

int kr_io_readable_buffer(const char *function, PyObject *object, Py_buffer *view) {
    if (PyObject_GetBuffer(object, view, PyBUF_SIMPLE) < 0) return -1;
    if (PyBuffer_IsContiguous(view, 'C')) return 0;
    PyBuffer_Release(view);
    _PyArg_BadArgument(function, "argument", "contiguous buffer", object);
    return -1;
}

/* ---- open ---- */

typedef struct {
    unsigned creating : 1, reading : 1, writing : 1, appending : 1, updating : 1, text : 1, binary : 1;
    char raw[4]; /* the mode for FileIO */
} Mode;

/* Returns 0, or -1 with ValueError. */
static int parse_mode(const char *text, Mode *mode) {
    memset(mode, 0, sizeof *mode);
    for (const char *at = text; *at != '\0'; at++) {
        int fresh = strchr(at + 1, *at) == NULL;
        switch (*at) {
        case 'x': mode->creating = 1; break;
        case 'r': mode->reading = 1; break;
        case 'w': mode->writing = 1; break;
        case 'a': mode->appending = 1; break;
        case '+': mode->updating = 1; break;
        case 't': mode->text = 1; break;
        case 'b': mode->binary = 1; break;
        default: fresh = 0;
        }
        if (!fresh) {
            PyErr_Format(PyExc_ValueError, "invalid mode: '%s'", text);
            return -1;
        }
    }
    if (mode->text && mode->binary) {
        PyErr_SetString(PyExc_ValueError, "can't have text and binary mode at once");
        return -1;
    }
    if (mode->creating + mode->reading + mode->writing + mode->appending > 1) {
        PyErr_SetString(PyExc_ValueError, "must have exactly one of create/read/write/append mode");
        return -1;
    }
    char *raw = mode->raw;
    if (mode->creating) *raw++ = 'x';
    if (mode->reading) *raw++ = 'r';
    if (mode->writing) *raw++ = 'w';
    if (mode->appending) *raw++ = 'a';
    if (mode->updating) *raw++ = '+';
    return 0;
}

/* Makes the layers above the raw file, whose reference it takes. Closes the file on failure. */
static PyObject *wrap(PyObject *raw, const Mode *mode, PyObject *mode_text, int buffering, PyObject *encoding,
                      PyObject *errors, PyObject *newline) {
    KrFileIO *file = (KrFileIO *)raw;
    PyObject *result = raw, *layer;
    int line_buffering = buffering == 1;
    if (buffering < 0 && file->kind != KR_FILE_REGULAR) {
        line_buffering = kr_fileio_isatty(file);
        if (line_buffering < 0) goto error;
    }
    if (line_buffering) buffering = -1;
    if (buffering < 0) { /* files on disk have larger buffers; those of pipes decide what a broken one loses */
        buffering = (int)file->blksize;
        if (file->kind == KR_FILE_REGULAR && buffering < KR_IO_BUFFER_SIZE) buffering = KR_IO_BUFFER_SIZE;
    }
    if (buffering == 0) {
        if (mode->binary) return raw;
        PyErr_SetString(PyExc_ValueError, "can't have unbuffered text I/O");
        goto error;
    }
    PyTypeObject *type = mode->updating ? &kr_buffered_random_type
                         : mode->reading ? &kr_buffered_reader_type
                                         : &kr_buffered_writer_type;
    if ((layer = kr_buffered_new(type, raw, buffering)) == NULL) goto error;
    Py_SETREF(result, layer);
    if (mode->binary) return result;
    if ((layer = kr_text_new(result, encoding, errors, newline, line_buffering)) == NULL) goto error;
    Py_SETREF(result, layer);
    if (PyObject_SetAttr(result, KR_NAME(mode), mode_text) == 0) return result;
error:;
    PyObject *type_, *value, *traceback;
    PyErr_Fetch(&type_, &value, &traceback);
    PyObject *closed = PyObject_CallMethodNoArgs(result, KR_NAME(close));
    _PyErr_ChainExceptions(type_, value, traceback);
    Py_XDECREF(closed);
    Py_DECREF(result);
    return NULL;
}

static PyObject *io_open(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"file",   "mode",    "buffering", "encoding", "errors",
                                           "newline", "closefd", "opener",    NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "open"};
    PyObject *given[8] = {NULL};
    PyObject *const *unpacked = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 8, 0, given);
    if (unpacked == NULL) return NULL;
    if (unpacked != given) memcpy(given, unpacked, (size_t)count * sizeof *given);

    PyObject *encoding = given[3] == NULL ? Py_None : given[3], *errors = given[4] == NULL ? Py_None : given[4];
    PyObject *newline = given[5] == NULL ? Py_None : given[5], *opener = given[7] == NULL ? Py_None : given[7];
    const char *text = given[1] == NULL ? "r" : kr_io_text_argument("open", "argument 'mode'", given[1], 0);
    if (text == NULL) return NULL;
    int buffering = given[2] == NULL ? -1 : _PyLong_AsInt(given[2]);
    if (buffering == -1 && PyErr_Occurred()) return NULL;
    if ((encoding != Py_None && kr_io_text_argument("open", "argument 'encoding'", encoding, 1) == NULL) ||
        (errors != Py_None && kr_io_text_argument("open", "argument 'errors'", errors, 1) == NULL) ||
        (newline != Py_None && kr_io_text_argument("open", "argument 'newline'", newline, 1) == NULL))
        return NULL;
    int closefd = kr_io_bool_argument(given[6], 1);
    if (closefd < 0) return NULL;

    PyObject *file = PyUnicode_CheckExact(given[0]) || PyNumber_Check(given[0]) ? Py_NewRef(given[0])
                                                                               : PyOS_FSPath(given[0]);
    if (file == NULL) return NULL;
    Mode mode;
    PyObject *raw = NULL, *result = NULL;
    if (parse_mode(text, &mode) < 0) goto done;
    if (mode.binary) {
        const char *wrong = encoding != Py_None  ? "binary mode doesn't take an encoding argument"
                            : errors != Py_None  ? "binary mode doesn't take an errors argument"
                            : newline != Py_None ? "binary mode doesn't take a newline argument"
                                                 : NULL;
        if (wrong != NULL) {
            PyErr_SetString(PyExc_ValueError, wrong);
            goto done;
        }
        if (buffering == 1) {
            if (PyErr_WarnEx(PyExc_RuntimeWarning,
                             "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will "
                             "be used",
                             1) < 0)
                goto done;
            buffering = -1;
        }
    }
    if ((raw = kr_fileio_new(file, mode.raw, closefd, opener)) == NULL) goto done;
    PyObject *mode_text = given[1] == NULL ? PyUnicode_InternFromString("r") : Py_NewRef(given[1]);
    if (mode_text == NULL) {
        Py_DECREF(raw);
        goto done;
    }
    result = wrap(raw, &mode, mode_text, buffering, encoding, errors, newline);
    Py_DECREF(mode_text);
done:
    Py_DECREF(file);
    return result;
}

/* ---- other functions ---- */

static PyObject *io_text_encoding(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("text_encoding", count, 1, 2)) return NULL;
    int level = 2;
    if (count == 2 && (level = _PyLong_AsInt(args[1])) == -1 && PyErr_Occurred()) return NULL;
    if (args[0] != Py_None) return Py_NewRef(args[0]);
    if (kr_io_flag("warn_default_encoding") &&
        PyErr_WarnEx(PyExc_EncodingWarning, "'encoding' argument not specified", level) < 0)
        return NULL;
    return PyUnicode_InternFromString(Py_UTF8Mode ? "utf-8" : "locale");
}

static PyObject *io_open_code(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"path", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "open_code"};
    PyObject *space[1] = {NULL};
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 1, 0, space);
    if (args == NULL) return NULL;
    if (!PyUnicode_Check(args[0])) {
        _PyArg_BadArgument("open_code", "argument 'path'", "str", args[0]);
        return NULL;
    }
    return PyFile_OpenCodeObject(args[0]);
}

/* ---- the module ---- */

static PyMethodDef io_functions[] = {
    {"open", (PyCFunction)(void *)io_open, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("open($module, /, file, mode='r', buffering=-1, encoding=None,\n"
               "     errors=None, newline=None, closefd=True, opener=None)\n--\n\n"
               "Open a file, given as a path or a descriptor, and return a stream. Raises OSError.\n\n"
               "mode is r (read), w (write, empty first), x (create, must not exist) or a (append), with + for reading\n"
               "and writing, b for bytes, t for text (the default). buffering is a size in bytes, 0 for none (binary\n"
               "files only), 1 for a flush after each line of text, -1 for what suits the file. encoding, errors and\n"
               "newline are those of TextIOWrapper. With closefd false, close() keeps the descriptor open.\n"
               "opener(path, flags), if given, returns a descriptor.")},
    {"text_encoding", (PyCFunction)(void *)io_text_encoding, METH_FASTCALL,
     PyDoc_STR("text_encoding($module, encoding, stacklevel=2, /)\n--\n\n"
               "The encoding to pass to open() for an argument of one's own that may be None.\n\n"
               "None becomes \"locale\" (\"utf-8\" in UTF-8 mode), with a warning if those are asked for.")},
    {"open_code", (PyCFunction)(void *)io_open_code, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("open_code($module, /, path)\n--\n\n"
               "Open a file of code, as bytes.\n\nAn embedding program can have a say in that.")},
    {NULL},
};

static struct PyModuleDef io_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "io",
    .m_doc = PyDoc_STR("Streams: raw files, buffers, text, and the same in memory.\n\n"
                       "open() makes the right combination for a file. The abstract classes are in the module io."),
    .m_size = 0,
    .m_methods = io_functions,
};

static PyTypeObject *const types[] = {
    &kr_io_base_type,         &kr_raw_base_type,        &kr_buffered_base_type,   &kr_text_base_type,
    &kr_fileio_type,          &kr_bytesio_type,         &_PyBytesIOBuffer_Type,  &kr_buffered_reader_type,
    &kr_buffered_writer_type, &kr_buffered_random_type, &kr_buffered_pair_type,   &kr_newline_decoder_type,
    &kr_text_wrapper_type,    &kr_stringio_type,
};

static const KrTextWriter text_writer = {&kr_text_wrapper_type, kr_text_write_object, kr_text_write_ascii};

static int make_unsupported_operation(void) {
    if (state.unsupported_operation != NULL) return 0;
    state.unsupported_operation = PyObject_CallFunction((PyObject *)&PyType_Type, "s(OO){ss}", "UnsupportedOperation",
                                                        PyExc_OSError, PyExc_ValueError, "__module__", "io");
    return state.unsupported_operation == NULL ? -1 : 0;
}

PyMODINIT_FUNC PyInit__io(void) {
    if (make_unsupported_operation() < 0) return NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (PyType_Ready(types[i]) < 0) return NULL;
    PyObject *module = PyModule_Create(&io_module);
    if (module == NULL) return NULL;
    if (PyModule_AddIntConstant(module, "DEFAULT_BUFFER_SIZE", KR_IO_BUFFER_SIZE) < 0 ||
        PyModule_AddObjectRef(module, "UnsupportedOperation", state.unsupported_operation) < 0 ||
        PyModule_AddObjectRef(module, "BlockingIOError", PyExc_BlockingIOError) < 0)
        goto error;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i] != &_PyBytesIOBuffer_Type && PyModule_AddType(module, types[i]) < 0) goto error;
    kr_file_set_text_writer(&text_writer);
    return module;
error:
    Py_DECREF(module);
    return NULL;
}

void kr_io_finalize(void) { Py_CLEAR(state.unsupported_operation); }
