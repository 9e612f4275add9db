/* _csv.reader: from lines of text to lists of fields. */
#include <Python.h>
#include <structmember.h>

#include "modules/_csv/csv.h"

#include <stddef.h>
#include <string.h>

/* Where in a record the next character stands. */
typedef enum {
    START_RECORD,
    START_FIELD,
    ESCAPED,              /* after an escape character outside quotes */
    IN_FIELD,             /* in a field that did not begin with a quote */
    IN_QUOTED_FIELD,
    ESCAPED_IN_QUOTED,
    QUOTE_IN_QUOTED_FIELD, /* after a quote that either ends the field or is the first of two */
    AFTER_RECORD,          /* after a newline: only more of them may follow on this line */
    AFTER_ESCAPED_NEWLINE,
} ParserState;

/* The end of a line, where no newline character stands. */
#define END_OF_LINE ((Py_UCS4)-2)

typedef struct {
    PyObject_HEAD
    PyObject *lines; /* iterator */
    PyObject *dialect;
    PyObject *fields; /* list: the record under way */
    CsvState *module;
    Py_UCS4 *text; /* the field under way */
    Py_ssize_t length, capacity;
    ParserState state;
    int is_number; /* the field is to be converted to float */
    unsigned long line_number;
} Reader;

static inline Dialect *dialect_of(Reader *self) { return (Dialect *)self->dialect; }

static int too_long(Reader *self) {
    PyErr_Format(self->module->error, "field larger than field limit (%ld)", self->module->field_limit);
    return -1;
}

static int add_character(Reader *self, Py_UCS4 character) {
    if (self->length >= self->module->field_limit) return too_long(self);
    if (self->length == self->capacity) {
        Py_ssize_t capacity = self->capacity > 0 ? self->capacity * 2 : 256;
        Py_UCS4 *text = self->text;
        if (capacity < self->capacity || PyMem_Resize(text, Py_UCS4, capacity) == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->text = text;
        self->capacity = capacity;
    }
    self->text[self->length++] = character;
    return 0;
}

/* Appends a field, whose reference is taken over, to the record. Returns 0 or -1. */
static int append_field(Reader *self, PyObject *field) {
    if (field != NULL && self->is_number) Py_SETREF(field, PyNumber_Float(field));
    self->is_number = 0;
    if (field == NULL) return -1;
    int failed = PyList_Append(self->fields, field);
    Py_DECREF(field);
    return failed;
}

/* Ends the field under way. Returns 0 or -1. */
static int save_field(Reader *self) {
    PyObject *field = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, self->text, self->length);
    self->length = 0;
    return append_field(self, field);
}

static inline int is_newline(Py_UCS4 c) { return c == '\n' || c == '\r' || c == END_OF_LINE; }

/* Ends the record at a newline. Returns 0 or -1. */
static int end_record(Reader *self, Py_UCS4 newline) {
    if (save_field(self) < 0) return -1;
    self->state = newline == END_OF_LINE ? START_RECORD : AFTER_RECORD;
    return 0;
}

static int next_field(Reader *self) {
    if (save_field(self) < 0) return -1;
    self->state = START_FIELD;
    return 0;
}

static int start_field(Reader *self, Py_UCS4 c) {
    Dialect *dialect = dialect_of(self);
    if (is_newline(c)) return end_record(self, c);
    if (c == dialect->quotechar && dialect->quoting != QUOTE_NONE) {
        self->state = IN_QUOTED_FIELD;
    } else if (c == dialect->escapechar) {
        self->state = ESCAPED;
    } else if (c == ' ' && dialect->skipinitialspace) {
        self->state = START_FIELD;
    } else if (c == dialect->delimiter) {
        return next_field(self);
    } else {
        if (dialect->quoting == QUOTE_NONNUMERIC) self->is_number = 1;
        self->state = IN_FIELD;
        return add_character(self, c);
    }
    return 0;
}

static int in_field(Reader *self, Py_UCS4 c) {
    Dialect *dialect = dialect_of(self);
    if (is_newline(c)) return end_record(self, c);
    if (c == dialect->escapechar) {
        self->state = ESCAPED;
        return 0;
    }
    if (c == dialect->delimiter) return next_field(self);
    self->state = IN_FIELD;
    return add_character(self, c);
}

static int in_quoted_field(Reader *self, Py_UCS4 c) {
    Dialect *dialect = dialect_of(self);
    if (c == END_OF_LINE) return 0;
    if (c == dialect->escapechar) {
        self->state = ESCAPED_IN_QUOTED;
        return 0;
    }
    if (c == dialect->quotechar && dialect->quoting != QUOTE_NONE) {
        self->state = dialect->doublequote ? QUOTE_IN_QUOTED_FIELD : IN_FIELD;
        return 0;
    }
    return add_character(self, c);
}

static int after_quote(Reader *self, Py_UCS4 c) {
    Dialect *dialect = dialect_of(self);
    if (c == dialect->quotechar && dialect->quoting != QUOTE_NONE) {
        self->state = IN_QUOTED_FIELD;
        return add_character(self, c);
    }
    if (c == dialect->delimiter) return next_field(self);
    if (is_newline(c)) return end_record(self, c);
    if (dialect->strict) {
        PyErr_Format(self->module->error, "'%c' expected after '%c'", (int)dialect->delimiter,
                     (int)dialect->quotechar);
        return -1;
    }
    self->state = IN_FIELD;
    return add_character(self, c);
}

/* Takes one character, or the end of a line. Returns 0 or -1. */
static int process(Reader *self, Py_UCS4 c) {
    switch (self->state) {
    case START_RECORD:
        if (c == END_OF_LINE) return 0;
        if (is_newline(c)) {
            self->state = AFTER_RECORD;
            return 0;
        }
        return start_field(self, c);
    case START_FIELD: return start_field(self, c);
    case ESCAPED:
        if (c == '\n' || c == '\r') {
            self->state = AFTER_ESCAPED_NEWLINE;
            return add_character(self, c);
        }
        self->state = IN_FIELD;
        return add_character(self, c == END_OF_LINE ? '\n' : c);
    case AFTER_ESCAPED_NEWLINE:
        if (c == END_OF_LINE) return 0;
        return in_field(self, c);
    case IN_FIELD: return in_field(self, c);
    case IN_QUOTED_FIELD: return in_quoted_field(self, c);
    case ESCAPED_IN_QUOTED:
        self->state = IN_QUOTED_FIELD;
        return add_character(self, c == END_OF_LINE ? '\n' : c);
    case QUOTE_IN_QUOTED_FIELD: return after_quote(self, c);
    case AFTER_RECORD:
        if (c == END_OF_LINE) {
            self->state = START_RECORD;
        } else if (!is_newline(c)) {
            PyErr_SetString(self->module->error, "new-line character seen in unquoted field - do you need to open the "
                                                 "file in universal-newline mode?");
            return -1;
        }
        return 0;
    }
    return 0;
}

/* Takes a whole field at once if it begins at `start` and has no quotes, escapes or newlines before the delimiter that
 * ends it. Returns the position after that delimiter, `start` if the field is not so plain, or -1 with an exception. */
static Py_ssize_t plain_field(Reader *self, PyObject *line, Py_ssize_t start) {
    Dialect *dialect = dialect_of(self);
    Py_ssize_t length = PyUnicode_GET_LENGTH(line), end = start;
    int kind = PyUnicode_KIND(line);
    const void *data = PyUnicode_DATA(line);
    if (dialect->skipinitialspace || dialect->quoting == QUOTE_NONNUMERIC) return start;
    for (; end < length; end++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, end);
        if (c == dialect->delimiter) break;
        if (c == '\n' || c == '\r' || c == dialect->escapechar || (c == dialect->quotechar && end == start)) return start;
    }
    if (end == length) return start;
    if (end - start > self->module->field_limit) return too_long(self);
    if (append_field(self, PyUnicode_Substring(line, start, end)) < 0) return -1;
    self->state = START_FIELD;
    return end + 1;
}

/* Takes one line. Returns 0 or -1. */
static int process_line(Reader *self, PyObject *line) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(line), position = 0;
    int kind = PyUnicode_KIND(line);
    const void *data = PyUnicode_DATA(line);
    while (position < length) {
        if (self->state == START_FIELD || self->state == START_RECORD) {
            Py_ssize_t after = plain_field(self, line, position);
            if (after < 0) return -1;
            if (after > position) {
                position = after;
                continue;
            }
        }
        if (process(self, PyUnicode_READ(kind, data, position)) < 0) return -1;
        position++;
    }
    return process(self, END_OF_LINE);
}

/* Forgets the record under way. Returns 0 or -1. */
static int start_record(Reader *self) {
    Py_XSETREF(self->fields, PyList_New(0));
    self->length = 0;
    self->state = START_RECORD;
    self->is_number = 0;
    return self->fields != NULL ? 0 : -1;
}

static PyObject *reader_next(PyObject *op) {
    Reader *self = (Reader *)op;
    if (start_record(self) < 0) return NULL;
    do {
        PyObject *line = PyIter_Next(self->lines);
        if (line == NULL) {
            /* The input ends: within a field it is taken as it is. */
            if (PyErr_Occurred() || (self->length == 0 && self->state != IN_QUOTED_FIELD)) return NULL;
            if (dialect_of(self)->strict) {
                PyErr_SetString(self->module->error, "unexpected end of data");
                return NULL;
            }
            if (save_field(self) < 0) return NULL;
            break;
        }
        if (!PyUnicode_Check(line)) {
            PyErr_Format(self->module->error,
                         "iterator should return strings, not %.200s (the file should be opened in text mode)",
                         Py_TYPE(line)->tp_name);
            Py_DECREF(line);
            return NULL;
        }
        self->line_number++;
        int failed = PyUnicode_READY(line) < 0 || process_line(self, line) < 0;
        Py_DECREF(line);
        if (failed) return NULL;
    } while (self->state != START_RECORD);
    PyObject *fields = self->fields;
    self->fields = NULL;
    return fields;
}

PyObject *kr_csv_reader(PyObject *module, PyObject *args, PyObject *kwargs) {
    CsvState *state = csv_state(module);
    PyObject *iterable, *dialect = NULL;
    if (!PyArg_UnpackTuple(args, "", 1, 2, &iterable, &dialect)) return NULL;
    Reader *self = PyObject_GC_New(Reader, state->reader_type);
    if (self == NULL) return NULL;
    memset((char *)self + sizeof(PyObject), 0, sizeof(Reader) - sizeof(PyObject));
    self->module = state;
    self->lines = PyObject_GetIter(iterable);
    if (self->lines != NULL) self->dialect = kr_csv_make_dialect(state, dialect, kwargs);
    PyObject_GC_Track(self);
    if (self->dialect == NULL || start_record(self) < 0) Py_CLEAR(self);
    return (PyObject *)self;
}

static int reader_traverse(PyObject *op, visitproc visit, void *arg) {
    Reader *self = (Reader *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->lines);
    Py_VISIT(self->dialect);
    Py_VISIT(self->fields);
    return 0;
}

static int reader_clear(PyObject *op) {
    Reader *self = (Reader *)op;
    Py_CLEAR(self->lines);
    Py_CLEAR(self->dialect);
    Py_CLEAR(self->fields);
    return 0;
}

static void reader_dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    reader_clear(op);
    PyMem_Free(((Reader *)op)->text);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyMemberDef reader_members[] = {
    {"dialect", T_OBJECT, offsetof(Reader, dialect), READONLY},
    {"line_num", T_ULONG, offsetof(Reader, line_number), READONLY},
    {NULL},
};

PyDoc_STRVAR(reader_doc, "An iterator over the records of a CSV file; each is a list of fields.");

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, (void *)reader_doc},
    {Py_tp_traverse, reader_traverse},
    {Py_tp_clear, reader_clear},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, reader_next},
    {Py_tp_members, reader_members},
    {0, NULL},
};

PyType_Spec kr_csv_reader_spec = {
    .name = "_csv.reader",
    .basicsize = sizeof(Reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = reader_slots,
};
