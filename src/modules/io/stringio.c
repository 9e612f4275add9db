/* StringIO: a text file in memory.
 *
 * The content is an array of characters of one, two or four bytes each, like that of a str; it becomes wider when a wider
 * character is written.
 */
#include <Python.h>

#include <stddef.h>
#include <string.h>

#include "modules/io/newline_decoder.h"
#include "object/names.h"

typedef struct {
    PyObject_HEAD
    char *data;
    Py_ssize_t size, room; /* in characters */
    Py_ssize_t position;
    char kind; /* bytes in a character: 1, 2 or 4 */
    char ascii; /* all characters are below 128; implies kind 1 */
    char initialized;
    char closed;
    char read_universal;  /* "\r" and "\r\n" end lines, too */
    char read_translate;  /* and became "\n" when they were written */
    KrNewlines newlines;
    const char *line_end; /* what "\n" became when it was written: "\r" or "\r\n"; else NULL */
    PyObject *newline;    /* the argument of that name; NULL for None */
    PyObject *dict;
    PyObject *weakrefs;
} StringIO;

static inline int check_initialized(StringIO *self) {
    if (__builtin_expect(self->initialized, 1)) return 0;
    PyErr_SetString(PyExc_ValueError, "I/O operation on uninitialized object");
    return -1;
}

static inline int check_open(StringIO *self) {
    if (check_initialized(self) < 0) return -1;
    if (__builtin_expect(!self->closed, 1)) return 0;
    PyErr_SetString(PyExc_ValueError, "I/O operation on closed file");
    return -1;
}

/* ---- the array ---- */

/* Copies characters into wider ones, from the last to the first, so that both may start at the same place. */
static void widen(void *to, int to_kind, const void *from, int from_kind, Py_ssize_t size) {
    for (Py_ssize_t i = size - 1; i >= 0; i--) PyUnicode_WRITE(to_kind, to, i, PyUnicode_READ(from_kind, from, i));
}

/* Makes room for `size` characters of at least `kind` bytes. Returns 0, or -1 with an exception. */
static int reserve(StringIO *self, Py_ssize_t size, int kind) {
    if (kind < self->kind) kind = self->kind;
    Py_ssize_t room = self->room;
    if (size > room) {
        if (size > PY_SSIZE_T_MAX / 8) {
            PyErr_SetString(PyExc_OverflowError, "new buffer size too large");
            return -1;
        }
        room = size + (size >> 3) + 32;
        if (room < 2 * self->room && self->room < 4096) room = 2 * self->room;
    } else if (kind == self->kind) {
        return 0;
    }
    char *data = PyMem_Realloc(self->data, (size_t)room * (size_t)kind);
    if (data == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (kind > self->kind) widen(data, kind, data, self->kind, self->size);
    self->data = data;
    self->room = room;
    self->kind = (char)kind;
    return 0;
}

/* Characters of the content as a string. */
static PyObject *slice(StringIO *self, Py_ssize_t start, Py_ssize_t size) {
    if (size <= 0) return PyUnicode_New(0, 0);
    const char *from = self->data + start * self->kind;
    if (!self->ascii || size == 1) return PyUnicode_FromKindAndData(self->kind, from, size);
    PyObject *text = PyUnicode_New(size, 127);
    if (text != NULL) memcpy(PyUnicode_DATA(text), from, (size_t)size);
    return text;
}

/* Writes a ready string at the position. */
static int write_text(StringIO *self, PyObject *text) {
    Py_ssize_t size = PyUnicode_GET_LENGTH(text);
    if (size == 0) return 0;
    if (size > PY_SSIZE_T_MAX - self->position) {
        PyErr_SetString(PyExc_OverflowError, "new position too large");
        return -1;
    }
    int kind = PyUnicode_KIND(text);
    Py_ssize_t end = self->position + size;
    if (end > self->room || kind > self->kind) {
        if (reserve(self, end, kind) < 0) return -1;
    }
    if (!PyUnicode_IS_ASCII(text)) self->ascii = 0;
    char *to = self->data + self->position * self->kind;
    /* Seeking beyond the end leaves a gap of null characters. */
    if (self->position > self->size)
        memset(self->data + self->size * self->kind, 0, (size_t)((self->position - self->size) * self->kind));
    if (kind == self->kind)
        memcpy(to, PyUnicode_DATA(text), (size_t)size * (size_t)kind);
    else
        widen(to, self->kind, PyUnicode_DATA(text), kind, size);
    self->position = end;
    if (end > self->size) self->size = end;
    return 0;
}

/* Writes a string with its line ends translated. */
static int write_lines(StringIO *self, PyObject *text) {
    if (PyUnicode_READY(text) < 0) return -1;
    if (!self->read_universal && self->line_end == NULL) return write_text(self, text);
    Py_INCREF(text);
    if (self->read_universal) text = kr_newlines_translate(&self->newlines, text, 1);
    if (text != NULL && self->line_end != NULL) {
        PyObject *from = PyUnicode_FromString("\n"), *to = PyUnicode_FromString(self->line_end), *replaced = NULL;
        if (from != NULL && to != NULL) replaced = PyUnicode_Replace(text, from, to, -1);
        Py_XDECREF(from);
        Py_XDECREF(to);
        Py_SETREF(text, replaced);
    }
    if (text == NULL) return -1;
    int status = write_text(self, text);
    Py_DECREF(text);
    return status;
}

/* ---- life ---- */

/* Drops the content. */
static void drop(StringIO *self) {
    PyMem_Free(self->data);
    self->data = NULL;
    self->size = self->room = 0;
    self->kind = 1;
    self->ascii = 1;
}

/* Returns 0 if the argument `newline` is None or one of the known line ends, else -1 with an exception. */
static int check_newline(PyObject *newline) {
    if (newline == Py_None) return 0;
    if (!PyUnicode_Check(newline)) {
        PyErr_Format(PyExc_TypeError, "newline must be str or None, not %.200s", Py_TYPE(newline)->tp_name);
        return -1;
    }
    const char *text = PyUnicode_AsUTF8(newline);
    if (text == NULL) return -1;
    if (*text == '\0' || strcmp(text, "\n") == 0 || strcmp(text, "\r") == 0 || strcmp(text, "\r\n") == 0) return 0;
    PyErr_Format(PyExc_ValueError, "illegal newline value: %R", newline);
    return -1;
}

/* Sets what a newline that was checked says. */
static void set_newline(StringIO *self, PyObject *newline) {
    const char *text = newline == Py_None ? NULL : PyUnicode_AsUTF8(newline);
    self->read_translate = text == NULL;
    self->read_universal = text == NULL || *text == '\0';
    self->newlines = (KrNewlines){.translate = self->read_translate};
    self->line_end = text == NULL || *text != '\r' ? NULL : text[1] == '\0' ? "\r" : "\r\n";
    PyObject *kept = text == NULL ? NULL : Py_NewRef(newline);
    Py_XSETREF(self->newline, kept);
}

/* `newline` may be NULL for "\n". */
static int initialize(StringIO *self, PyObject *value, PyObject *newline) {
    PyObject *standard = NULL;
    if (newline == NULL && (newline = standard = PyUnicode_FromString("\n")) == NULL) return -1;
    int status = -1;
    if (standard == NULL && check_newline(newline) < 0) goto done;
    if (value != NULL && value != Py_None && !PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "initial_value must be str or None, not %.200s", Py_TYPE(value)->tp_name);
        goto done;
    }
    self->initialized = 0;
    set_newline(self, newline);
    drop(self);
    self->position = 0;
    self->closed = 0;
    if (value != NULL && value != Py_None && write_lines(self, value) < 0) goto done;
    self->position = 0;
    self->initialized = 1;
    status = 0;
done:
    Py_XDECREF(standard);
    return status;
}

static _PyArg_Parser init_parser = {.keywords = (const char *const[]){"initial_value", "newline", NULL},
                                    .fname = "StringIO"};

static int stringio_init(StringIO *self, PyObject *args, PyObject *kwargs) {
    PyObject *given[2];
    if (kr_io_unpack(args, kwargs, &init_parser, 0, 2, given) < 0) return -1;
    return initialize(self, given[0], given[1]);
}

static PyObject *stringio_vectorcall(PyObject *type, PyObject *const *args, size_t flags, PyObject *names) {
    PyObject *space[2] = {NULL, NULL};
    Py_ssize_t count = PyVectorcall_NARGS(flags);
    if (count > 0 || names != NULL) {
        PyObject *const *given = _PyArg_UnpackKeywords(args, count, NULL, names, &init_parser, 0, 2, 0, space);
        if (given == NULL) return NULL;
        if (given != space) memcpy(space, given, (size_t)count * sizeof *space);
    }
    PyTypeObject *class = (PyTypeObject *)type;
    PyObject *self = class->tp_alloc(class, 0);
    if (self != NULL && initialize((StringIO *)self, space[0], space[1]) < 0) Py_CLEAR(self);
    return self;
}

static int stringio_traverse(StringIO *self, visitproc visit, void *arg) {
    Py_VISIT(self->dict);
    return 0;
}

static int stringio_clear(StringIO *self) {
    Py_CLEAR(self->dict);
    return 0;
}

static void stringio_dealloc(StringIO *self) {
    PyObject_GC_UnTrack(self);
    self->initialized = 0;
    if (self->weakrefs != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    PyMem_Free(self->data);
    Py_CLEAR(self->newline);
    Py_CLEAR(self->dict);
    Py_TYPE(self)->tp_free((PyObject *)self);
}

static PyObject *stringio_close(StringIO *self, PyObject *unused) {
    self->closed = 1;
    drop(self);
    Py_RETURN_NONE;
}

static PyObject *stringio_getvalue(StringIO *self, PyObject *unused) {
    return check_open(self) < 0 ? NULL : slice(self, 0, self->size);
}

/* ---- reading ---- */

static PyObject *stringio_read(StringIO *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t size;
    if (kr_io_size_argument("read", args, count, -1, &size) < 0 || check_open(self) < 0) return NULL;
    Py_ssize_t left = self->position < self->size ? self->size - self->position : 0;
    if (size < 0 || size > left) size = left;
    PyObject *text = slice(self, self->position, size);
    if (text != NULL) self->position += size;
    return text;
}

/* Returns the length of the line at `start`, which is not the end of the content. */
static Py_ssize_t line_size(StringIO *self, Py_ssize_t start, Py_ssize_t most) {
    int kind = self->kind;
    if (self->read_universal && !self->read_translate) {
        for (Py_ssize_t i = 0; i < most; i++) {
            Py_UCS4 character = PyUnicode_READ(kind, self->data, start + i);
            if (character == '\n') return i + 1;
            if (character == '\r')
                return i + 1 < most && PyUnicode_READ(kind, self->data, start + i + 1) == '\n' ? i + 2 : i + 1;
        }
        return most;
    }
    char end = self->line_end == NULL ? '\n' : '\r';
    int two = self->line_end != NULL && self->line_end[1] != '\0';
    for (Py_ssize_t i = 0; i < most; i++) {
        if (kind == 1) {
            const char *from = self->data + start, *at = memchr(from + i, end, (size_t)(most - i));
            if (at == NULL) return most;
            i = at - from;
        } else if (PyUnicode_READ(kind, self->data, start + i) != (Py_UCS4)end) {
            continue;
        }
        if (!two) return i + 1;
        if (i + 1 < most && PyUnicode_READ(kind, self->data, start + i + 1) == '\n') return i + 2;
    }
    return most;
}

/* Reads a line of at most `limit` characters, if that is not negative. */
static PyObject *read_line(StringIO *self, Py_ssize_t limit) {
    if (self->position >= self->size) return PyUnicode_New(0, 0);
    Py_ssize_t most = self->size - self->position;
    if (limit >= 0 && limit < most) most = limit;
    Py_ssize_t size = line_size(self, self->position, most);
    PyObject *line = slice(self, self->position, size);
    if (line != NULL) self->position += size;
    return line;
}

static PyObject *stringio_readline(StringIO *self, PyObject *const *args, Py_ssize_t count) {
    Py_ssize_t limit;
    if (kr_io_size_argument("readline", args, count, -1, &limit) < 0 || check_open(self) < 0) return NULL;
    return read_line(self, limit);
}

static PyObject *stringio_next(StringIO *self) {
    if (check_open(self) < 0) return NULL;
    PyObject *line;
    if (Py_IS_TYPE(self, &kr_stringio_type)) {
        if (self->position >= self->size) return NULL;
        return read_line(self, -1);
    }
    line = PyObject_CallMethodNoArgs((PyObject *)self, KR_NAME(readline));
    if (line != NULL && !PyUnicode_Check(line)) {
        PyErr_Format(PyExc_OSError, "readline() should have returned a str object, not '%.200s'",
                     Py_TYPE(line)->tp_name);
        Py_CLEAR(line);
    }
    if (line != NULL && PyUnicode_GetLength(line) == 0) Py_CLEAR(line);
    return line;
}

/* ---- writing ---- */

static PyObject *stringio_write(StringIO *self, PyObject *text) {
    if (check_initialized(self) < 0) return NULL;
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "string argument expected, got '%s'", Py_TYPE(text)->tp_name);
        return NULL;
    }
    if (check_open(self) < 0 || write_lines(self, text) < 0) return NULL;
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

/* ---- position and size ---- */

static PyObject *stringio_tell(StringIO *self, PyObject *unused) {
    return check_open(self) < 0 ? NULL : PyLong_FromSsize_t(self->position);
}

static PyObject *stringio_seek(StringIO *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("seek", count, 1, 2)) return NULL;
    Py_ssize_t position;
    int whence = SEEK_SET;
    if (kr_io_int_argument(args[0], &position) < 0) return NULL;
    if (count == 2 && (whence = _PyLong_AsInt(args[1])) == -1 && PyErr_Occurred()) return NULL;
    if (check_open(self) < 0) return NULL;
    if (whence < SEEK_SET || whence > SEEK_END) {
        PyErr_Format(PyExc_ValueError, "Invalid whence (%i, should be 0, 1 or 2)", whence);
        return NULL;
    }
    if (position < 0 && whence == SEEK_SET) {
        PyErr_Format(PyExc_ValueError, "Negative seek position %zd", position);
        return NULL;
    }
    if (whence != SEEK_SET && position != 0) {
        PyErr_SetString(PyExc_OSError, "Can't do nonzero cur-relative seeks");
        return NULL;
    }
    if (whence == SEEK_SET) self->position = position;
    if (whence == SEEK_END) self->position = self->size;
    return PyLong_FromSsize_t(self->position);
}

static PyObject *stringio_truncate(StringIO *self, PyObject *const *args, Py_ssize_t count) {
    if (check_open(self) < 0) return NULL;
    Py_ssize_t size;
    if (kr_io_size_argument("truncate", args, count, self->position, &size) < 0) return NULL;
    if (size < 0) {
        PyErr_Format(PyExc_ValueError, "Negative size value %zd", size);
        return NULL;
    }
    if (size < self->size) self->size = size;
    if (size == 0) drop(self);
    return PyLong_FromSsize_t(size);
}

/* ---- what the file is ---- */

static PyObject *stringio_true(StringIO *self, PyObject *unused) { return check_open(self) < 0 ? NULL : Py_NewRef(Py_True); }

static PyObject *stringio_get_closed(StringIO *self, void *closure) {
    return check_initialized(self) < 0 ? NULL : PyBool_FromLong(self->closed);
}

static PyObject *stringio_get_line_buffering(StringIO *self, void *closure) {
    return check_open(self) < 0 ? NULL : Py_NewRef(Py_False);
}

static PyObject *stringio_get_newlines(StringIO *self, void *closure) {
    if (check_open(self) < 0) return NULL;
    return self->read_universal ? kr_newlines_seen(&self->newlines) : Py_NewRef(Py_None);
}

/* ---- pickling ---- */

enum { STATE_SIZE = 4 }; /* content, newline, position, attributes */

static PyObject *stringio_getstate(StringIO *self, PyObject *unused) {
    PyObject *value = stringio_getvalue(self, NULL);
    if (value == NULL) return NULL;
    PyObject *dict = kr_io_state_attributes(self->dict);
    PyObject *state = NULL;
    if (dict != NULL)
        state = Py_BuildValue("(OOnO)", value, self->newline == NULL ? Py_None : self->newline, self->position, dict);
    Py_DECREF(value);
    Py_XDECREF(dict);
    return state;
}

static PyObject *stringio_setstate(StringIO *self, PyObject *state) {
    if (self->initialized && check_open(self) < 0) return NULL;
    if (kr_io_state_check((PyObject *)self, state, STATE_SIZE) < 0) return NULL;
    PyObject *value = PyTuple_GET_ITEM(state, 0);
    if (initialize(self, value, PyTuple_GET_ITEM(state, 1)) < 0) return NULL;
    /* The value's line ends were translated when it was written first. */
    self->size = self->position = 0;
    if (PyUnicode_Check(value) && (PyUnicode_READY(value) < 0 || write_text(self, value) < 0)) return NULL;
    self->position = 0;
    if (kr_io_state_restore(state, STATE_SIZE, "got", &self->position, &self->dict) < 0) return NULL;
    Py_RETURN_NONE;
}

/* ---- the type ---- */

#define FAST(function) (PyCFunction)(void *)function, METH_FASTCALL

static PyMethodDef stringio_methods[] = {
    {"close", (PyCFunction)stringio_close, METH_NOARGS, PyDoc_STR("close($self, /)\n--\n\nDrop the content.")},
    {"getvalue", (PyCFunction)stringio_getvalue, METH_NOARGS, PyDoc_STR("getvalue($self, /)\n--\n\nThe whole content.")},
    {"read", FAST(stringio_read),
     PyDoc_STR("read($self, size=-1, /)\n--\n\nRead up to size characters; all if size is None or negative.")},
    {"readline", FAST(stringio_readline),
     PyDoc_STR("readline($self, size=-1, /)\n--\n\nRead one line, with its end, of at most size characters.")},
    {"tell", (PyCFunction)stringio_tell, METH_NOARGS, PyDoc_STR("tell($self, /)\n--\n\nThe current position.")},
    {"truncate", FAST(stringio_truncate),
     PyDoc_STR("truncate($self, pos=None, /)\n--\n\nCut off what lies beyond pos, by default the position. Returns it.")},
    {"seek", FAST(stringio_seek),
     PyDoc_STR("seek($self, pos, whence=0, /)\n--\n\nMove to pos, or by 0 from here (whence 1) or from the end (2).\n\n"
               "Returns the new position.")},
    {"write", (PyCFunction)stringio_write, METH_O,
     PyDoc_STR("write($self, s, /)\n--\n\nWrite a string at the position. Returns its length.")},
    {"seekable", (PyCFunction)stringio_true, METH_NOARGS, PyDoc_STR("seekable($self, /)\n--\n\nTrue.")},
    {"readable", (PyCFunction)stringio_true, METH_NOARGS, PyDoc_STR("readable($self, /)\n--\n\nTrue.")},
    {"writable", (PyCFunction)stringio_true, METH_NOARGS, PyDoc_STR("writable($self, /)\n--\n\nTrue.")},
    {"__getstate__", (PyCFunction)stringio_getstate, METH_NOARGS, NULL},
    {"__setstate__", (PyCFunction)stringio_setstate, METH_O, NULL},
    {NULL},
};

static PyGetSetDef stringio_getset[] = {
    {"closed", (getter)stringio_get_closed},
    {"newlines", (getter)stringio_get_newlines},
    {"line_buffering", (getter)stringio_get_line_buffering},
    {NULL},
};

PyTypeObject kr_stringio_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_io.StringIO",
    .tp_basicsize = sizeof(StringIO),
    .tp_dealloc = (destructor)stringio_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_doc = PyDoc_STR("StringIO(initial_value='', newline='\\n')\n--\n\n"
                        "A text file in memory; newline is as for TextIOWrapper."),
    .tp_traverse = (traverseproc)stringio_traverse,
    .tp_clear = (inquiry)stringio_clear,
    .tp_weaklistoffset = offsetof(StringIO, weakrefs),
    .tp_iternext = (iternextfunc)stringio_next,
    .tp_methods = stringio_methods,
    .tp_getset = stringio_getset,
    .tp_base = &kr_text_base_type,
    .tp_dictoffset = offsetof(StringIO, dict),
    .tp_init = (initproc)stringio_init,
    .tp_new = PyType_GenericNew,
    .tp_vectorcall = stringio_vectorcall,
};
