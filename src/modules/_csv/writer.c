/* _csv.writer: from sequences of fields to lines of text. */
#include <Python.h>
#include <structmember.h>

#include "modules/_csv/csv.h"

#include <stddef.h>
#include <string.h>

typedef struct {
    PyObject_HEAD
    PyObject *write; /* the file's method */
    PyObject *dialect;
    CsvState *module;
    Py_UCS4 *text; /* the record under way */
    Py_ssize_t length, capacity;
    Py_ssize_t fields;
} Writer;

static inline Dialect *dialect_of(Writer *self) { return (Dialect *)self->dialect; }

/* Makes room for more characters. Returns 0, or -1 with MemoryError. */
static int reserve(Writer *self, Py_ssize_t more) {
    if (more <= self->capacity - self->length) return 0;
    if (more > PY_SSIZE_T_MAX / 2 - self->length) goto failed;
    Py_ssize_t capacity = (self->length + more) * 3 / 2 + 256;
    Py_UCS4 *text = self->text;
    if (PyMem_Resize(text, Py_UCS4, capacity) == NULL) goto failed;
    self->text = text;
    self->capacity = capacity;
    return 0;
failed:
    PyErr_NoMemory();
    return -1;
}

/* True if a character cannot stand in a field as it is. */
static inline int is_special(const Dialect *dialect, Py_UCS4 c) {
    if (c == dialect->delimiter || c == dialect->escapechar || c == dialect->quotechar) return 1;
    PyObject *terminator = dialect->lineterminator;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(terminator); i++) {
        if (c == PyUnicode_READ_CHAR(terminator, i)) return 1;
    }
    return 0;
}

/* Adds a field to the record; `quoted` says that it gets quotes in any case. Returns 0 or -1. */
static int add_field(Writer *self, PyObject *field, int quoted) {
    const Dialect *dialect = dialect_of(self);
    Py_ssize_t length = field != NULL ? PyUnicode_GET_LENGTH(field) : 0;
    /* At worst each character is escaped; besides there are a delimiter and two quotes. */
    if (length > PY_SSIZE_T_MAX / 4) {
        PyErr_NoMemory();
        return -1;
    }
    if (reserve(self, 2 * length + 3) < 0) return -1;
    if (self->fields > 0) self->text[self->length++] = dialect->delimiter;
    /* The text goes behind a place for the first quote, and is moved back if no quote is needed. */
    Py_ssize_t start = self->length;
    Py_UCS4 *out = self->text + start + 1;
    int kind = length > 0 ? PyUnicode_KIND(field) : 1;
    const void *data = length > 0 ? PyUnicode_DATA(field) : NULL;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (is_special(dialect, c)) {
            int escape = dialect->quoting == QUOTE_NONE || c == dialect->escapechar;
            if (!escape && c == dialect->quotechar) {
                if (dialect->doublequote)
                    *out++ = dialect->quotechar;
                else
                    escape = 1;
            }
            if (escape) {
                if (dialect->escapechar == NOT_SET) {
                    PyErr_SetString(self->module->error, "need to escape, but no escapechar set");
                    return -1;
                }
                *out++ = dialect->escapechar;
            } else {
                quoted = 1;
            }
        }
        *out++ = c;
    }
    if (quoted) {
        self->text[start] = dialect->quotechar;
        *out++ = dialect->quotechar;
        self->length = out - self->text;
    } else {
        Py_ssize_t count = out - (self->text + start + 1);
        memmove(self->text + start, self->text + start + 1, (size_t)count * sizeof(Py_UCS4));
        self->length = start + count;
    }
    self->fields++;
    return 0;
}

/* Adds a field of any type. Returns 0 or -1. */
static int add_object(Writer *self, PyObject *field) {
    int quoting = dialect_of(self)->quoting;
    int quoted = quoting == QUOTE_ALL || (quoting == QUOTE_NONNUMERIC && !PyNumber_Check(field));
    if (field == Py_None) return add_field(self, NULL, quoted);
    PyObject *text = PyUnicode_Check(field) ? Py_NewRef(field) : PyObject_Str(field);
    if (text == NULL) return -1;
    int failed = PyUnicode_READY(text) < 0 || add_field(self, text, quoted) < 0;
    Py_DECREF(text);
    return failed ? -1 : 0;
}

PyDoc_STRVAR(writerow_doc, "writerow(iterable)\n\nWrite the elements as one record; return what the file's write() returned.");

static PyObject *writer_writerow(PyObject *op, PyObject *row) {
    Writer *self = (Writer *)op;
    Dialect *dialect = dialect_of(self);
    PyObject *iterator = PyObject_GetIter(row), *field;
    if (iterator == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(self->module->error, "iterable expected, not %.200s", Py_TYPE(row)->tp_name);
        return NULL;
    }
    self->length = 0;
    self->fields = 0;
    int failed = 0;
    while (!failed && (field = PyIter_Next(iterator)) != NULL) {
        failed = add_object(self, field);
        Py_DECREF(field);
    }
    Py_DECREF(iterator);
    if (failed || PyErr_Occurred()) return NULL;
    if (self->fields > 0 && self->length == 0) {
        /* Without quotes a single empty field would look like an empty record. */
        if (dialect->quoting == QUOTE_NONE) {
            PyErr_SetString(self->module->error, "single empty field record must be quoted");
            return NULL;
        }
        self->fields--;
        if (add_field(self, NULL, 1) < 0) return NULL;
    }
    Py_ssize_t end = PyUnicode_GET_LENGTH(dialect->lineterminator);
    if (reserve(self, end) < 0) return NULL;
    for (Py_ssize_t i = 0; i < end; i++) self->text[self->length++] = PyUnicode_READ_CHAR(dialect->lineterminator, i);
    PyObject *line = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, self->text, self->length);
    if (line == NULL) return NULL;
    PyObject *result = PyObject_CallOneArg(self->write, line);
    Py_DECREF(line);
    return result;
}

PyDoc_STRVAR(writerows_doc, "writerows(iterable of iterables)\n\nWrite each element as a record.");

static PyObject *writer_writerows(PyObject *self, PyObject *rows) {
    PyObject *iterator = PyObject_GetIter(rows), *row;
    if (iterator == NULL) return NULL;
    while ((row = PyIter_Next(iterator)) != NULL) {
        PyObject *result = writer_writerow(self, row);
        Py_DECREF(row);
        if (result == NULL) {
            Py_DECREF(iterator);
            return NULL;
        }
        Py_DECREF(result);
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
}

PyObject *kr_csv_writer(PyObject *module, PyObject *args, PyObject *kwargs) {
    CsvState *state = csv_state(module);
    PyObject *file, *dialect = NULL;
    if (!PyArg_UnpackTuple(args, "", 1, 2, &file, &dialect)) return NULL;
    Writer *self = PyObject_GC_New(Writer, state->writer_type);
    if (self == NULL) return NULL;
    memset((char *)self + sizeof(PyObject), 0, sizeof(Writer) - sizeof(PyObject));
    self->module = state;
    PyObject_GC_Track(self);
    self->write = PyObject_GetAttrString(file, "write");
    if (self->write == NULL && !PyErr_ExceptionMatches(PyExc_AttributeError)) goto failed;
    if (self->write == NULL || !PyCallable_Check(self->write)) {
        PyErr_SetString(PyExc_TypeError, "argument 1 must have a \"write\" method");
        goto failed;
    }
    self->dialect = kr_csv_make_dialect(state, dialect, kwargs);
    if (self->dialect != NULL) return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static int writer_traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((Writer *)op)->write);
    Py_VISIT(((Writer *)op)->dialect);
    return 0;
}

static int writer_clear(PyObject *op) {
    Py_CLEAR(((Writer *)op)->write);
    Py_CLEAR(((Writer *)op)->dialect);
    return 0;
}

static void writer_dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    writer_clear(op);
    PyMem_Free(((Writer *)op)->text);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyMethodDef writer_methods[] = {
    {"writerow", writer_writerow, METH_O, writerow_doc},
    {"writerows", writer_writerows, METH_O, writerows_doc},
    {NULL},
};

static PyMemberDef writer_members[] = {{"dialect", T_OBJECT, offsetof(Writer, dialect), READONLY}, {NULL}};

PyDoc_STRVAR(writer_doc, "An object that writes records to a file.");

static PyType_Slot writer_slots[] = {
    {Py_tp_doc, (void *)writer_doc},
    {Py_tp_traverse, writer_traverse},
    {Py_tp_clear, writer_clear},
    {Py_tp_dealloc, writer_dealloc},
    {Py_tp_methods, writer_methods},
    {Py_tp_members, writer_members},
    {0, NULL},
};

PyType_Spec kr_csv_writer_spec = {
    .name = "_csv.writer",
    .basicsize = sizeof(Writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = writer_slots,
};
