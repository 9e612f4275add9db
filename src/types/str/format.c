/* str.format and str.format_map, and what the `_string` module shows of them.
 *
 * A format is cut into items by next_item(): literal text, each followed by a replacement field or not. A field is
 * {name!conversion:spec}; the spec may itself contain fields, one level deep. A name is an argument's number or name,
 * followed by .attribute and [index] steps, which next_step() cuts off one by one.
 */
#include <Python.h>

#include "types/format_spec.h"
#include "types/str/str.h"

/* A part of a str: characters start to end - 1. The str itself is borrowed. */
typedef struct {
    PyObject *str;
    const void *data;
    Py_ssize_t start, end;
    int kind;
} Part;

static inline Part part_whole(PyObject *str) {
    return (Part){str, PyUnicode_DATA(str), 0, PyUnicode_GET_LENGTH(str), PyUnicode_KIND(str)};
}
static inline Part part_between(const Part *part, Py_ssize_t start, Py_ssize_t end) {
    return (Part){part->str, part->data, start, end, part->kind};
}
static inline Py_UCS4 part_at(const Part *part, Py_ssize_t i) { return PyUnicode_READ(part->kind, part->data, i); }
static inline int part_is_empty(const Part *part) { return part->start >= part->end; }
static PyObject *part_text(const Part *part) {
    return PyUnicode_Substring(part->str, part->start, part->end);
}

static int value_error(const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return -1;
}

/* ---- items ---- */

typedef struct {
    Part literal;
    int has_field;
    Part name;
    Py_UCS4 conversion; /* 0: none */
    Part spec;
    int spec_has_fields;
} Item;

/* Reads the name up to one of } : ! and that character; `rest` begins behind the opening brace. */
static int read_name(Part *rest, Item *item, Py_UCS4 *stop) {
    item->name = part_between(rest, rest->start, rest->start);
    *stop = 0;
    while (!part_is_empty(rest)) {
        Py_UCS4 ch = part_at(rest, rest->start++);
        if (ch == '{') return value_error("unexpected '{' in field name");
        if (ch == '}' || ch == ':' || ch == '!') {
            *stop = ch;
            item->name.end = rest->start - 1;
            return 0;
        }
        /* Whatever stands in brackets belongs to the name. */
        if (ch == '[')
            while (!part_is_empty(rest) && part_at(rest, rest->start) != ']') rest->start++;
    }
    return value_error("expected '}' before end of string");
}

/* Reads a conversion and the character behind it. */
static int read_conversion(Part *rest, Item *item, Py_UCS4 *stop) {
    if (part_is_empty(rest)) return value_error("end of string while looking for conversion specifier");
    item->conversion = part_at(rest, rest->start++);
    if (part_is_empty(rest)) return value_error("unmatched '{' in format spec");
    *stop = part_at(rest, rest->start++);
    if (*stop != '}' && *stop != ':') return value_error("expected ':' after conversion specifier");
    return 0;
}

/* Reads a specification up to the brace that closes the field, and that brace. */
static int read_spec(Part *rest, Item *item) {
    item->spec = part_between(rest, rest->start, rest->start);
    int depth = 1;
    while (!part_is_empty(rest)) {
        Py_UCS4 ch = part_at(rest, rest->start++);
        if (ch == '{') {
            item->spec_has_fields = 1;
            depth++;
        } else if (ch == '}' && --depth == 0) {
            item->spec.end = rest->start - 1;
            return 0;
        }
    }
    return value_error("unmatched '{' in format spec");
}

/* Cuts the next item off `rest`. Returns 1, 0 at the end, or -1 with ValueError. */
static int next_item(Part *rest, Item *item) {
    item->literal = part_between(rest, rest->start, rest->start);
    item->has_field = 0;
    if (part_is_empty(rest)) return 0;
    Py_UCS4 ch = 0;
    Py_ssize_t i = rest->start;
    while (i < rest->end) {
        ch = part_at(rest, i++);
        if (ch == '{' || ch == '}') break;
    }
    rest->start = i;
    item->literal.end = rest->start;
    if (ch != '{' && ch != '}') return 1;
    if (part_is_empty(rest))
        return value_error(ch == '{' ? "Single '{' encountered in format string"
                                     : "Single '}' encountered in format string");
    if (part_at(rest, rest->start) == ch) {
        /* A doubled brace: the first one is text, the second is skipped. */
        rest->start++;
        return 1;
    }
    if (ch == '}') return value_error("Single '}' encountered in format string");
    item->literal.end--;
    item->has_field = 1;
    item->conversion = 0;
    item->spec = part_between(rest, rest->start, rest->start);
    item->spec_has_fields = 0;
    Py_UCS4 stop;
    if (read_name(rest, item, &stop) < 0) return -1;
    if (stop == '!' && read_conversion(rest, item, &stop) < 0) return -1;
    if (stop == ':' && read_spec(rest, item) < 0) return -1;
    return 1;
}

/* ---- field names ---- */

/* Value of a part that consists of decimal digits; -1 if it does not, -2 with ValueError if it is too large. */
static Py_ssize_t part_number(const Part *part) {
    Py_ssize_t number = 0;
    if (part_is_empty(part)) return -1;
    for (Py_ssize_t i = part->start; i < part->end; i++) {
        int digit = Py_UNICODE_TODECIMAL(part_at(part, i));
        if (digit < 0) return -1;
        if (number > (PY_SSIZE_T_MAX - digit) / 10) {
            value_error("Too many decimal digits in format string");
            return -2;
        }
        number = number * 10 + digit;
    }
    return number;
}

/* Cuts a field name into its first part and the rest. Returns the first part's number, -1 or -2 as part_number(). */
static Py_ssize_t split_name(const Part *name, Part *first, Part *rest) {
    Py_ssize_t i = name->start;
    while (i < name->end && part_at(name, i) != '.' && part_at(name, i) != '[') i++;
    *first = part_between(name, name->start, i);
    *rest = part_between(name, i, name->end);
    return part_number(first);
}

typedef struct {
    int is_attribute;
    Part name;
    Py_ssize_t number; /* of an index; -1 if it is no number */
} Step;

/* Cuts the next step off `rest`. Returns 1, 0 at the end, or -1 with ValueError. */
static int next_step(Part *rest, Step *step) {
    if (part_is_empty(rest)) return 0;
    Py_UCS4 ch = part_at(rest, rest->start++);
    step->name = part_between(rest, rest->start, rest->end);
    step->number = -1;
    if (ch == '.') {
        step->is_attribute = 1;
        Py_ssize_t i = rest->start;
        while (i < rest->end && part_at(rest, i) != '.' && part_at(rest, i) != '[') i++;
        step->name.end = rest->start = i;
    } else if (ch == '[') {
        step->is_attribute = 0;
        Py_ssize_t i = rest->start;
        while (i < rest->end && part_at(rest, i) != ']') i++;
        if (i == rest->end) return value_error("Missing ']' in format string");
        step->name.end = i;
        rest->start = i + 1;
        step->number = part_number(&step->name);
        if (step->number == -2) return -1;
    } else {
        return value_error("Only '.' or '[' may follow ']' in format field specifier");
    }
    if (part_is_empty(&step->name)) return value_error("Empty attribute in format string");
    return 1;
}

/* ---- fields ---- */

enum { NUMBERING_UNKNOWN, NUMBERING_AUTOMATIC, NUMBERING_MANUAL };

typedef struct {
    PyObject *args;     /* tuple, or NULL for format_map */
    PyObject *keywords; /* mapping, or NULL */
    int numbering;
    Py_ssize_t next_number;
} Arguments;

/* Settles the number of a field whose name begins with `number` (-1: with nothing). */
static Py_ssize_t field_number(Arguments *arguments, Py_ssize_t number) {
    int numbering = number < 0 ? NUMBERING_AUTOMATIC : NUMBERING_MANUAL;
    if (arguments->numbering == NUMBERING_UNKNOWN) arguments->numbering = numbering;
    if (arguments->numbering != numbering)
        return value_error(numbering == NUMBERING_AUTOMATIC
                               ? "cannot switch from manual field specification to automatic field numbering"
                               : "cannot switch from automatic field numbering to manual field specification");
    return number < 0 ? arguments->next_number++ : number;
}

static PyObject *positional_argument(Arguments *arguments, Py_ssize_t number) {
    if (arguments->args == NULL) {
        value_error("Format string contains positional fields");
        return NULL;
    }
    if (number >= PyTuple_GET_SIZE(arguments->args)) {
        PyErr_Format(PyExc_IndexError, "Replacement index %zd out of range for positional args tuple", number);
        return NULL;
    }
    return Py_NewRef(PyTuple_GET_ITEM(arguments->args, number));
}

static PyObject *keyword_argument(Arguments *arguments, const Part *name) {
    PyObject *key = part_text(name), *value = NULL;
    if (key == NULL) return NULL;
    if (arguments->keywords == NULL) {
        PyErr_SetObject(PyExc_KeyError, key);
    } else if (PyDict_CheckExact(arguments->keywords)) {
        value = Py_XNewRef(PyDict_GetItemWithError(arguments->keywords, key));
        if (value == NULL && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
    } else {
        value = PyObject_GetItem(arguments->keywords, key);
    }
    Py_DECREF(key);
    return value;
}

static PyObject *take_step(PyObject *value, const Step *step) {
    if (step->number >= 0) {
        if (PySequence_Check(value)) return PySequence_GetItem(value, step->number);
        PyObject *index = PyLong_FromSsize_t(step->number);
        PyObject *item = index == NULL ? NULL : PyObject_GetItem(value, index);
        Py_XDECREF(index);
        return item;
    }
    PyObject *name = part_text(&step->name);
    if (name == NULL) return NULL;
    PyObject *result = step->is_attribute ? PyObject_GetAttr(value, name) : PyObject_GetItem(value, name);
    Py_DECREF(name);
    return result;
}

/* The object that a field name refers to; a new reference. */
static PyObject *field_value(Arguments *arguments, const Part *name) {
    Part first, rest;
    Py_ssize_t number = split_name(name, &first, &rest);
    if (number == -2) return NULL;
    PyObject *value;
    if (number >= 0 || part_is_empty(&first)) {
        number = field_number(arguments, number);
        value = number < 0 ? NULL : positional_argument(arguments, number);
    } else {
        value = keyword_argument(arguments, &first);
    }
    Step step;
    int more = 0;
    while (value != NULL && (more = next_step(&rest, &step)) > 0) Py_SETREF(value, take_step(value, &step));
    if (more < 0) Py_CLEAR(value);
    return value;
}

static PyObject *convert(PyObject *value, Py_UCS4 conversion) {
    switch (conversion) {
    case 'r': return PyObject_Repr(value);
    case 's': return PyObject_Str(value);
    case 'a': return PyObject_ASCII(value);
    default:
        if (conversion > 32 && conversion < 127)
            PyErr_Format(PyExc_ValueError, "Unknown conversion specifier %c", (int)conversion);
        else
            PyErr_Format(PyExc_ValueError, "Unknown conversion specifier \\x%x", (unsigned)conversion);
        return NULL;
    }
}

/* Writes a value laid out by a specification without fields. */
static int write_value(_PyUnicodeWriter *writer, PyObject *value, const Part *spec) {
    int (*format)(_PyUnicodeWriter *, PyObject *, PyObject *, Py_ssize_t, Py_ssize_t) =
        PyUnicode_CheckExact(value)   ? _PyUnicode_FormatAdvancedWriter
        : PyLong_CheckExact(value)    ? _PyLong_FormatAdvancedWriter
        : PyFloat_CheckExact(value)   ? _PyFloat_FormatAdvancedWriter
        : PyComplex_CheckExact(value) ? _PyComplex_FormatAdvancedWriter
                                      : NULL;
    if (format != NULL) return format(writer, value, spec->str, spec->start, spec->end);
    PyObject *spec_text = part_text(spec);
    PyObject *text = spec_text == NULL ? NULL : PyObject_Format(value, spec_text);
    int result = text == NULL ? -1 : _PyUnicodeWriter_WriteStr(writer, text);
    Py_XDECREF(spec_text);
    Py_XDECREF(text);
    return result;
}

static PyObject *format_part(Part format, Arguments *arguments, int depth);

static int write_field(_PyUnicodeWriter *writer, const Item *item, Arguments *arguments, int depth) {
    PyObject *spec = NULL, *value = field_value(arguments, &item->name);
    if (value == NULL) return -1;
    int result = -1;
    if (item->conversion != 0) {
        Py_SETREF(value, convert(value, item->conversion));
        if (value == NULL) return -1;
    }
    if (!item->spec_has_fields) {
        result = write_value(writer, value, &item->spec);
    } else if ((spec = format_part(item->spec, arguments, depth - 1)) != NULL) {
        Part part = part_whole(spec);
        result = write_value(writer, value, &part);
    }
    Py_XDECREF(spec);
    Py_DECREF(value);
    return result;
}

static PyObject *format_part(Part format, Arguments *arguments, int depth) {
    if (depth < 0) {
        value_error("Max string recursion exceeded");
        return NULL;
    }
    _PyUnicodeWriter writer;
    KrWriterRoom room;
    kr_writer_start(&writer, &room);
    writer.min_length = format.end - format.start + 100;
    Item item;
    int more;
    while ((more = next_item(&format, &item)) > 0) {
        if (part_is_empty(&format) && !item.has_field) writer.overallocate = 0;
        if (_PyUnicodeWriter_WriteSubstring(&writer, item.literal.str, item.literal.start, item.literal.end) < 0)
            goto error;
        if (!item.has_field) continue;
        if (part_is_empty(&format)) writer.overallocate = 0;
        if (write_field(&writer, &item, arguments, depth) < 0) goto error;
    }
    if (more == 0) return _PyUnicodeWriter_Finish(&writer);
error:
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

/* ---- the methods ---- */

enum { NESTING = 2 };

static PyObject *format(PyObject *self, PyObject *args, PyObject *keywords) {
    if (PyUnicode_READY(self) < 0) return NULL;
    Arguments arguments = {args, keywords, NUMBERING_UNKNOWN, 0};
    return format_part(part_whole(self), &arguments, NESTING - 1);
}

PyObject *kr_str_format(PyObject *self, PyObject *args, PyObject *kwargs) { return format(self, args, kwargs); }
PyObject *kr_str_format_map(PyObject *self, PyObject *mapping) { return format(self, NULL, mapping); }

PyObject *kr_str_format_spec(PyObject *self, PyObject *spec) {
    if (!PyUnicode_Check(spec)) {
        _PyArg_BadArgument("__format__", "argument", "str", spec);
        return NULL;
    }
    if (PyUnicode_READY(self) < 0 || PyUnicode_READY(spec) < 0) return NULL;
    if (PyUnicode_GET_LENGTH(spec) == 0) return PyUnicode_CheckExact(self) ? Py_NewRef(self) : PyObject_Str(self);
    return kr_format_spec_str(self, spec);
}

/* ---- iterators for the `_string` module ---- */

typedef struct {
    PyObject_HEAD
    PyObject *str; /* keeps `rest` alive */
    Part rest;
} PartIterator;

static void iterator_dealloc(PyObject *object) {
    Py_XDECREF(((PartIterator *)object)->str);
    PyObject_Free(object);
}

static PyObject *new_iterator(PyTypeObject *type, Part rest) {
    PartIterator *self = PyObject_New(PartIterator, type);
    if (self == NULL) return NULL;
    self->str = Py_NewRef(rest.str);
    self->rest = rest;
    return (PyObject *)self;
}

/* (literal, field name, specification, conversion), the last three None without a field. */
static PyObject *item_iterator_next(PyObject *object) {
    Item item;
    if (next_item(&((PartIterator *)object)->rest, &item) <= 0) return NULL;
    PyObject *literal = part_text(&item.literal), *name = NULL, *spec = NULL, *conversion = NULL;
    if (item.has_field) {
        name = part_text(&item.name);
        spec = part_text(&item.spec);
        conversion = item.conversion ? kr_str_char(item.conversion) : Py_NewRef(Py_None);
    } else {
        name = Py_NewRef(Py_None);
        spec = Py_NewRef(Py_None);
        conversion = Py_NewRef(Py_None);
    }
    PyObject *tuple = NULL;
    if (literal != NULL && name != NULL && spec != NULL && conversion != NULL)
        tuple = PyTuple_Pack(4, literal, name, spec, conversion);
    Py_XDECREF(literal);
    Py_XDECREF(name);
    Py_XDECREF(spec);
    Py_XDECREF(conversion);
    return tuple;
}

/* (is it an attribute, name or index). */
static PyObject *step_iterator_next(PyObject *object) {
    Step step;
    if (next_step(&((PartIterator *)object)->rest, &step) <= 0) return NULL;
    PyObject *name = step.number >= 0 ? PyLong_FromSsize_t(step.number) : part_text(&step.name);
    if (name == NULL) return NULL;
    return Py_BuildValue("(NN)", PyBool_FromLong(step.is_attribute), name);
}

PyTypeObject kr_formatter_iterator_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "formatteriterator",
    .tp_basicsize = sizeof(PartIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = item_iterator_next,
};

PyTypeObject kr_field_name_iterator_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "fieldnameiterator",
    .tp_basicsize = sizeof(PartIterator),
    .tp_dealloc = iterator_dealloc,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = step_iterator_next,
};

static int check_str(PyObject *object) {
    if (PyUnicode_Check(object)) return PyUnicode_READY(object);
    PyErr_Format(PyExc_TypeError, "expected str, got %s", Py_TYPE(object)->tp_name);
    return -1;
}

PyObject *kr_str_formatter_parser(PyObject *self) {
    if (check_str(self) < 0) return NULL;
    return new_iterator(&kr_formatter_iterator_type, part_whole(self));
}

PyObject *kr_str_formatter_field_name_split(PyObject *self) {
    if (check_str(self) < 0) return NULL;
    Part whole = part_whole(self), first, rest;
    Py_ssize_t number = split_name(&whole, &first, &rest);
    if (number == -2) return NULL;
    PyObject *head = number >= 0 ? PyLong_FromSsize_t(number) : part_text(&first);
    if (head == NULL) return NULL;
    PyObject *iterator = new_iterator(&kr_field_name_iterator_type, rest);
    if (iterator == NULL) {
        Py_DECREF(head);
        return NULL;
    }
    return Py_BuildValue("(NN)", head, iterator);
}
