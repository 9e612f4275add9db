/* The type XMLParser: feeds Expat, and hands what it finds to a target, which normally is a TreeBuilder.
 *
 * For an exact TreeBuilder the C functions are called. Any other target is asked for its methods once, at the start.
 * Expat goes on to the end of a chunk when a handler has raised; until then the handlers do nothing.
 */
#include <Python.h>
#include <structmember.h>

#include <expat.h>
#include <pyexpat.h>

#include "modules/_elementtree/elementtree.h"
#include "object/names.h"

enum { READ_SIZE = 64 * 1024, TEXT_NAME_SIZE = 256 };

#define TARGET_METHODS(METHOD)                                                                                         \
    METHOD(start) METHOD(data) METHOD(end) METHOD(comment) METHOD(pi) METHOD(start_ns) METHOD(end_ns) METHOD(doctype)  \
    METHOD(close)

#define METHOD(name) ON_##name,
enum TargetMethod { TARGET_METHODS(METHOD) METHOD_COUNT };
#undef METHOD

typedef struct {
    PyObject_HEAD
    XML_Parser parser; /* NULL before __init__() */
    PyObject *target;
    PyObject *entity; /* dict of the entities that the document does not define */
    PyObject *names;  /* dict from Expat's names (bytes) to {uri}name */
    PyObject *methods[METHOD_COUNT];
    int builds;  /* the target is an exact TreeBuilder */
    int running; /* Expat is reading, and may have called a handler */
} XMLParser;

#define PARSER(object) ((XMLParser *)(object))

static const struct PyExpat_CAPI *expat;

/* ---- Errors ---- */

static void set_error(XML_Size line, XML_Size column, enum XML_Error code, const char *message) {
    if (code == XML_ERROR_NO_MEMORY) {
        PyErr_NoMemory();
        return;
    }
    PyObject *text = PyUnicode_FromFormat("%s: line %zu, column %zu",
                                          message != NULL ? message : expat->ErrorString(code), (size_t)line, (size_t)column);
    PyObject *error = text != NULL ? PyObject_CallOneArg(parse_error(), text) : NULL;
    Py_XDECREF(text);
    if (error == NULL) return;
    PyObject *number = PyLong_FromLong(code), *position = Py_BuildValue("(kk)", (unsigned long)line, (unsigned long)column);
    if (number != NULL && position != NULL && PyObject_SetAttr(error, KR_NAME(code), number) == 0 &&
        PyObject_SetAttr(error, KR_NAME(position), position) == 0)
        PyErr_SetObject(parse_error(), error);
    Py_XDECREF(number);
    Py_XDECREF(position);
    Py_DECREF(error);
}

/* ---- Names and text ---- */

static PyObject *text_of(const XML_Char *text) { return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "strict"); }

/* The str for a name, which Expat gives as uri}name if it has a namespace. Equal names are the same object. */
static PyObject *name_of(XMLParser *self, const XML_Char *name) {
    size_t length = strlen(name);
    PyObject *key = PyBytes_FromStringAndSize(name, (Py_ssize_t)length);
    if (key == NULL) return NULL;
    PyObject *value = PyDict_GetItemWithError(self->names, key);
    if (value != NULL || PyErr_Occurred()) {
        Py_DECREF(key);
        return Py_XNewRef(value);
    }
    if (memchr(name, '}', length) == NULL) {
        value = PyUnicode_DecodeUTF8(name, (Py_ssize_t)length, "strict");
    } else {
        char small[TEXT_NAME_SIZE], *text = length + 1 <= sizeof small ? small : PyMem_Malloc(length + 1);
        if (text == NULL) {
            Py_DECREF(key);
            return PyErr_NoMemory();
        }
        text[0] = '{';
        memcpy(text + 1, name, length);
        value = PyUnicode_DecodeUTF8(text, (Py_ssize_t)length + 1, "strict");
        if (text != small) PyMem_Free(text);
    }
    if (value != NULL && PyDict_SetItem(self->names, key, value) < 0) Py_CLEAR(value);
    Py_DECREF(key);
    return value;
}

/* ---- What Expat calls ---- */

/* Calls a method of the target with arguments that are released; any may be NULL, with an exception. */
static void call_target(XMLParser *self, enum TargetMethod method, PyObject **args, size_t count) {
    size_t known = 0;
    while (known < count && args[known] != NULL) known++;
    if (known == count) Py_XDECREF(PyObject_Vectorcall(self->methods[method], args, count, NULL));
    for (size_t i = 0; i < count; i++) Py_XDECREF(args[i]);
}

static PyObject *attributes_of(XMLParser *self, const XML_Char **attributes) {
    PyObject *dict = PyDict_New();
    for (; dict != NULL && attributes[0] != NULL; attributes += 2) {
        PyObject *name = name_of(self, attributes[0]), *value = name != NULL ? text_of(attributes[1]) : NULL;
        if (value == NULL || PyDict_SetItem(dict, name, value) < 0) Py_CLEAR(dict);
        Py_XDECREF(name);
        Py_XDECREF(value);
    }
    return dict;
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
    XMLParser *self = user;
    if (PyErr_Occurred()) return;
    PyObject *args[] = {name_of(self, name), NULL};
    if (args[0] == NULL) return;
    if (!self->builds) {
        if (self->methods[ON_start] != NULL) {
            args[1] = attributes_of(self, attributes);
            call_target(self, ON_start, args, 2);
            return;
        }
    } else if (attributes[0] == NULL || (args[1] = attributes_of(self, attributes)) != NULL) {
        Py_XDECREF(kr_builder_start(self->target, args[0], args[1]));
        Py_XDECREF(args[1]);
    }
    Py_DECREF(args[0]);
}

static void add_text(XMLParser *self, PyObject *text) {
    if (text == NULL) return;
    if (self->builds)
        kr_builder_data(self->target, text);
    else if (self->methods[ON_data] != NULL)
        Py_XDECREF(PyObject_CallOneArg(self->methods[ON_data], text));
}

static void on_data(void *user, const XML_Char *data, int length) {
    if (PyErr_Occurred()) return;
    PyObject *text = PyUnicode_DecodeUTF8(data, length, "strict");
    add_text(user, text);
    Py_XDECREF(text);
}

static void on_end(void *user, const XML_Char *name) {
    XMLParser *self = user;
    if (PyErr_Occurred()) return;
    if (self->builds) { /* it does not look at the tag */
        Py_XDECREF(kr_builder_end(self->target, Py_None));
    } else if (self->methods[ON_end] != NULL) {
        PyObject *args[] = {name_of(self, name)};
        call_target(self, ON_end, args, 1);
    }
}

static void on_start_ns(void *user, const XML_Char *prefix, const XML_Char *uri) {
    XMLParser *self = user;
    if (PyErr_Occurred()) return;
    PyObject *args[] = {text_of(prefix != NULL ? prefix : ""), text_of(uri != NULL ? uri : "")};
    if (!self->builds) {
        call_target(self, ON_start_ns, args, 2);
        return;
    }
    PyObject *pair = args[0] != NULL && args[1] != NULL ? PyTuple_Pack(2, args[0], args[1]) : NULL;
    if (pair != NULL) kr_builder_event(self->target, EVENT_START_NS, pair);
    Py_XDECREF(pair);
    Py_XDECREF(args[0]);
    Py_XDECREF(args[1]);
}

static void on_end_ns(void *user, const XML_Char *prefix) {
    XMLParser *self = user;
    if (PyErr_Occurred()) return;
    if (self->builds) {
        kr_builder_event(self->target, EVENT_END_NS, Py_None);
    } else {
        PyObject *args[] = {text_of(prefix != NULL ? prefix : "")};
        call_target(self, ON_end_ns, args, 1);
    }
}

static void on_comment(void *user, const XML_Char *comment) {
    XMLParser *self = user;
    if (PyErr_Occurred()) return;
    PyObject *args[] = {text_of(comment)};
    if (!self->builds) {
        call_target(self, ON_comment, args, 1);
    } else if (args[0] != NULL) {
        Py_XDECREF(kr_builder_comment(self->target, args[0]));
        Py_DECREF(args[0]);
    }
}

static void on_pi(void *user, const XML_Char *target, const XML_Char *data) {
    XMLParser *self = user;
    if (PyErr_Occurred()) return;
    PyObject *args[] = {text_of(target), text_of(data)};
    if (!self->builds) {
        call_target(self, ON_pi, args, 2);
        return;
    }
    if (args[0] != NULL && args[1] != NULL) Py_XDECREF(kr_builder_pi(self->target, args[0], args[1]));
    Py_XDECREF(args[0]);
    Py_XDECREF(args[1]);
}

static PyObject *text_or_none(const XML_Char *text) { return text != NULL ? text_of(text) : Py_NewRef(Py_None); }

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public,
                       int has_internal_subset) {
    XMLParser *self = user;
    PyObject *method;
    if (PyErr_Occurred()) return;
    if (self->methods[ON_doctype] != NULL) {
        PyObject *args[] = {text_or_none(name), text_or_none(public), text_or_none(system)};
        call_target(self, ON_doctype, args, 3);
    } else if (_PyObject_LookupAttr((PyObject *)self, KR_NAME(doctype), &method) > 0) {
        Py_DECREF(method);
        PyErr_WarnEx(PyExc_RuntimeWarning,
                     "The doctype() method of XMLParser is ignored.  "
                     "Define doctype() method on the TreeBuilder target.",
                     1);
    }
}

/* Gets what no other handler does; only references to entities that the document does not define matter. */
static void on_default(void *user, const XML_Char *data, int length) {
    XMLParser *self = user;
    if (length < 2 || data[0] != '&' || PyErr_Occurred()) return;
    PyObject *name = PyUnicode_DecodeUTF8(data + 1, length - 2, "strict");
    if (name == NULL) return;
    PyObject *value = PyDict_GetItemWithError(self->entity, name);
    if (value != NULL) {
        Py_INCREF(value);
        add_text(self, value);
        Py_DECREF(value);
    } else if (!PyErr_Occurred()) {
        PyObject *message = PyUnicode_FromFormat("undefined entity &%U;", name);
        const char *text = message != NULL ? PyUnicode_AsUTF8(message) : NULL;
        if (text != NULL)
            set_error(expat->GetErrorLineNumber(self->parser), expat->GetErrorColumnNumber(self->parser),
                      XML_ERROR_UNDEFINED_ENTITY, text);
        Py_XDECREF(message);
    }
    Py_DECREF(name);
}

/* ---- Making and releasing ---- */

static PyObject *parser_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) { return type->tp_alloc(type, 0); }

/* Expat cannot be fed, nor released, by what it calls. */
static int check_idle(XMLParser *self) {
    if (!self->running) return 0;
    PyErr_SetString(PyExc_RuntimeError, "the XMLParser is running");
    return -1;
}

/* Gets the methods that the target has. Returns 0 or -1. */
static int find_methods(XMLParser *self) {
#define METHOD(name)                                                                                                   \
    if (_PyObject_LookupAttr(self->target, KR_NAME(name), &self->methods[ON_##name]) < 0) return -1;
    TARGET_METHODS(METHOD)
#undef METHOD
    return 0;
}

static void release_parts(XMLParser *self) {
    XML_Parser parser = self->parser;
    self->parser = NULL;
    if (parser != NULL) expat->ParserFree(parser);
    Py_CLEAR(self->target);
    Py_CLEAR(self->entity);
    Py_CLEAR(self->names);
    for (int i = 0; i < METHOD_COUNT; i++) Py_CLEAR(self->methods[i]);
}

static int parser_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"target", "encoding", NULL};
    static const XML_Memory_Handling_Suite memory = {PyObject_Malloc, PyObject_Realloc, PyObject_Free};
    XMLParser *self = PARSER(object);
    PyObject *target = NULL, *encoding_object = NULL;
    const char *encoding = NULL;
    if (PyTuple_GET_SIZE(args) > 0) {
        PyErr_SetString(PyExc_TypeError, "XMLParser() takes no positional arguments");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OO:XMLParser", keywords, &target, &encoding_object)) return -1;
    if (encoding_object != NULL && encoding_object != Py_None) {
        if (!PyUnicode_Check(encoding_object)) {
            PyErr_Format(PyExc_TypeError, "XMLParser() argument 'encoding' must be str or None, not %.200s",
                         Py_TYPE(encoding_object)->tp_name);
            return -1;
        }
        Py_ssize_t length;
        if ((encoding = PyUnicode_AsUTF8AndSize(encoding_object, &length)) == NULL) return -1;
        if (strlen(encoding) != (size_t)length) {
            PyErr_SetString(PyExc_ValueError, "embedded null character");
            return -1;
        }
    }
    if (check_idle(self) < 0) return -1;
    release_parts(self);
    if ((self->entity = PyDict_New()) == NULL || (self->names = PyDict_New()) == NULL) return -1;
    self->target = target != NULL && target != Py_None ? Py_NewRef(target) : kr_builder_new();
    if (self->target == NULL) return -1;
    self->builds = Py_IS_TYPE(self->target, &kr_tree_builder_type);
    if (find_methods(self) < 0) return -1;
    self->parser = expat->ParserCreate_MM(encoding, &memory, "}");
    if (self->parser == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (expat->SetHashSalt != NULL) expat->SetHashSalt(self->parser, (unsigned long)_Py_HashSecret.expat.hashsalt);
    expat->SetUserData(self->parser, self);
    expat->SetElementHandler(self->parser, on_start, on_end);
    expat->SetDefaultHandlerExpand(self->parser, on_default);
    expat->SetCharacterDataHandler(self->parser, on_data);
    expat->SetStartDoctypeDeclHandler(self->parser, on_doctype);
    expat->SetUnknownEncodingHandler(self->parser, expat->DefaultUnknownEncodingHandler, NULL);
    if (self->methods[ON_start_ns] != NULL || self->methods[ON_end_ns] != NULL)
        expat->SetNamespaceDeclHandler(self->parser, self->methods[ON_start_ns] != NULL ? on_start_ns : NULL,
                                       self->methods[ON_end_ns] != NULL ? on_end_ns : NULL);
    if (self->methods[ON_comment] != NULL) expat->SetCommentHandler(self->parser, on_comment);
    if (self->methods[ON_pi] != NULL) expat->SetProcessingInstructionHandler(self->parser, on_pi);
    return 0;
}

static int parser_traverse(PyObject *object, visitproc visit, void *arg) {
    XMLParser *self = PARSER(object);
    Py_VISIT(self->target);
    Py_VISIT(self->entity);
    Py_VISIT(self->names);
    for (int i = 0; i < METHOD_COUNT; i++) Py_VISIT(self->methods[i]);
    return 0;
}

static int parser_clear(PyObject *object) {
    release_parts(PARSER(object));
    return 0;
}

static void parser_dealloc(PyObject *object) {
    PyObject_GC_UnTrack(object);
    release_parts(PARSER(object));
    Py_TYPE(object)->tp_free(object);
}

/* ---- Methods ---- */

static int check_initialised(XMLParser *self) {
    if (self->parser != NULL) return 0;
    PyErr_SetString(PyExc_ValueError, "XMLParser.__init__() wasn't called");
    return -1;
}

/* Parses a piece. Returns 0, or -1 with an exception. */
static int parse(XMLParser *self, const char *data, int length, int final) {
    if (check_idle(self) < 0) return -1;
    self->running = 1;
    enum XML_Status status = expat->Parse(self->parser, data, length, final);
    self->running = 0;
    if (PyErr_Occurred()) return -1;
    if (status != XML_STATUS_ERROR) return 0;
    set_error(expat->GetErrorLineNumber(self->parser), expat->GetErrorColumnNumber(self->parser),
              expat->GetErrorCode(self->parser), NULL);
    return -1;
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nEnd the document, and return what the target's close() returns.");
static PyObject *parser_close(PyObject *object, PyObject *unused) {
    XMLParser *self = PARSER(object);
    if (check_initialised(self) < 0 || parse(self, "", 0, 1) < 0) return NULL;
    if (self->builds) return kr_builder_close(self->target, NULL);
    if (self->methods[ON_close] != NULL) return PyObject_CallNoArgs(self->methods[ON_close]);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(feed_doc, "feed($self, data, /)\n--\n\nParse the next piece of the document, a str or bytes.");
static PyObject *parser_feed(PyObject *object, PyObject *data) {
    XMLParser *self = PARSER(object);
    if (check_initialised(self) < 0) return NULL;
    int failed;
    if (PyUnicode_Check(data)) {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(data, &length);
        if (text == NULL) return NULL;
        if (length > INT_MAX) {
            PyErr_SetString(PyExc_OverflowError, "size does not fit in an int");
            return NULL;
        }
        if (!self->running) (void)expat->SetEncoding(self->parser, "utf-8"); /* whatever the declaration says */
        failed = parse(self, text, (int)length, 0);
    } else {
        Py_buffer view;
        if (PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) < 0) return NULL;
        if (view.len > INT_MAX) {
            PyBuffer_Release(&view);
            PyErr_SetString(PyExc_OverflowError, "size does not fit in an int");
            return NULL;
        }
        failed = parse(self, view.buf, (int)view.len, 0);
        PyBuffer_Release(&view);
    }
    if (failed) return NULL;
    Py_RETURN_NONE;
}

/* The next piece of a file as bytes: a new reference, NULL at the end or with an exception. */
static PyObject *read_piece(XMLParser *self, PyObject *read) {
    PyObject *size = PyLong_FromLong(READ_SIZE);
    PyObject *piece = size != NULL ? PyObject_CallOneArg(read, size) : NULL;
    Py_XDECREF(size);
    if (piece == NULL) return NULL;
    if (PyUnicode_CheckExact(piece)) {
        if (PyUnicode_GET_LENGTH(piece) == 0) {
            Py_DECREF(piece);
            return NULL;
        }
        if (!self->running) (void)expat->SetEncoding(self->parser, "utf-8");
        Py_SETREF(piece, PyUnicode_AsEncodedString(piece, "utf-8", "surrogatepass"));
        if (piece == NULL) return NULL;
    } else if (!PyBytes_CheckExact(piece) || PyBytes_GET_SIZE(piece) == 0) {
        Py_DECREF(piece);
        return NULL;
    }
    if (PyBytes_GET_SIZE(piece) > INT_MAX) {
        Py_DECREF(piece);
        PyErr_SetString(PyExc_OverflowError, "size does not fit in an int");
        return NULL;
    }
    return piece;
}

PyDoc_STRVAR(parse_whole_doc, "_parse_whole($self, file, /)\n--\n\nParse all that the file gives.");
static PyObject *parser_parse_whole(PyObject *object, PyObject *file) {
    XMLParser *self = PARSER(object);
    if (check_initialised(self) < 0) return NULL;
    PyObject *read = PyObject_GetAttr(file, KR_NAME(read)), *piece;
    if (read == NULL) return NULL;
    while ((piece = read_piece(self, read)) != NULL) {
        int failed = self->parser == NULL || parse(self, PyBytes_AS_STRING(piece), (int)PyBytes_GET_SIZE(piece), 0) < 0;
        Py_DECREF(piece);
        if (failed) break;
    }
    Py_DECREF(read);
    if (PyErr_Occurred() || parse(self, "", 0, 1) < 0) return NULL;
    if (self->builds) return kr_builder_close(self->target, NULL);
    Py_RETURN_NONE;
}

/* Which events a sequence of names asks for, as bits. Returns -1 with an exception. */
static int event_bits(PyObject *names) {
    PyObject *sequence = PySequence_Fast(names, "events must be a sequence");
    if (sequence == NULL) return -1;
    int bits = 0;
    for (Py_ssize_t i = 0; bits >= 0 && i < PySequence_Fast_GET_SIZE(sequence); i++) {
        PyObject *item = PySequence_Fast_GET_ITEM(sequence, i);
        const char *name = PyUnicode_Check(item) ? PyUnicode_AsUTF8(item)
                           : PyBytes_Check(item) ? PyBytes_AS_STRING(item)
                                                 : NULL;
        int event = 0;
        while (name != NULL && event < EVENT_COUNT && strcmp(name, kr_builder_event_name((BuilderEvent)event)) != 0) event++;
        if (name == NULL)
            PyErr_SetString(PyExc_ValueError, "invalid events sequence");
        else if (event == EVENT_COUNT)
            PyErr_Format(PyExc_ValueError, "unknown event '%s'", name);
        bits = name != NULL && event < EVENT_COUNT ? bits | 1 << event : -1;
    }
    Py_DECREF(sequence);
    return bits;
}

PyDoc_STRVAR(setevents_doc, "_setevents($self, events_queue, events_to_report=None, /)\n--\n\n"
                            "Append (event, value) to a queue for the events named; by default for 'end'.");
static PyObject *parser_setevents(PyObject *object, PyObject *const *args, Py_ssize_t nargs) {
    XMLParser *self = PARSER(object);
    if (!_PyArg_CheckPositional("_setevents", nargs, 1, 2) || check_initialised(self) < 0) return NULL;
    if (!self->builds) {
        PyErr_SetString(PyExc_TypeError, "event handling only supported for ElementTree.TreeBuilder targets");
        return NULL;
    }
    PyObject *append = PyObject_GetAttr(args[0], KR_NAME(append));
    if (append == NULL) return NULL;
    int bits = nargs > 1 && args[1] != Py_None ? event_bits(args[1]) : 1 << EVENT_END;
    if (bits < 0) {
        Py_DECREF(append);
        return NULL;
    }
    if (kr_builder_report(self->target, append, (unsigned)bits) < 0) return NULL;
    expat->SetNamespaceDeclHandler(self->parser, bits & 1 << EVENT_START_NS ? on_start_ns : NULL,
                                   bits & 1 << EVENT_END_NS ? on_end_ns : NULL);
    Py_RETURN_NONE;
}

static PyMethodDef parser_methods[] = {
    {"feed", parser_feed, METH_O, feed_doc},
    {"close", parser_close, METH_NOARGS, close_doc},
    {"_parse_whole", parser_parse_whole, METH_O, parse_whole_doc},
    {"_setevents", FASTCALL(parser_setevents), METH_FASTCALL, setevents_doc},
    {NULL},
};

static PyMemberDef parser_members[] = {
    {"entity", T_OBJECT, offsetof(XMLParser, entity), READONLY, NULL},
    {"target", T_OBJECT, offsetof(XMLParser, target), READONLY, NULL},
    {NULL},
};

static PyObject *parser_version(PyObject *self, void *closure) {
    return PyUnicode_FromFormat("Expat %d.%d.%d", expat->MAJOR_VERSION, expat->MINOR_VERSION, expat->MICRO_VERSION);
}

static PyGetSetDef parser_attributes[] = {
    {"version", parser_version, NULL, NULL, NULL},
    {NULL},
};

PyTypeObject kr_xml_parser_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "xml.etree.ElementTree.XMLParser",
    .tp_basicsize = sizeof(XMLParser),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = parser_new,
    .tp_init = parser_init,
    .tp_dealloc = parser_dealloc,
    .tp_traverse = parser_traverse,
    .tp_clear = parser_clear,
    .tp_methods = parser_methods,
    .tp_members = parser_members,
    .tp_getset = parser_attributes,
};

int kr_xml_parser_prepare(void) {
    expat = PyCapsule_Import(PyExpat_CAPSULE_NAME, 0);
    if (expat == NULL) return -1;
    if (strcmp(expat->magic, PyExpat_CAPI_MAGIC) != 0 || (size_t)expat->size < sizeof(struct PyExpat_CAPI)) {
        PyErr_SetString(PyExc_ImportError, "pyexpat version is incompatible");
        return -1;
    }
    return 0;
}
