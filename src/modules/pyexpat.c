/* The module pyexpat: XML parsing by the library Expat.
 *
 * A parser object owns an XML_Parser whose user data is the object. Invariant: Expat has our C function for an event
 * exactly if the object has a handler for it (or, for character data while a handler runs, a function that does nothing,
 * because Expat does not like to lose that one in the middle of text). When a handler raises, all handlers are dropped,
 * Expat is stopped, and the exception is what the caller of Parse() sees.
 */
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

#include <expat.h>
#include <pyexpat.h>

enum { MAX_CHUNK = 1 << 20, READ_SIZE = 2048, TEXT_BUFFER_SIZE = 8192 };

/* Events: the name of the attribute without "Handler". */
#define EVENTS(EVENT)                                                                                                 \
    EVENT(StartElement)                                                                                               \
    EVENT(EndElement)                                                                                                 \
    EVENT(ProcessingInstruction)                                                                                      \
    EVENT(CharacterData)                                                                                              \
    EVENT(UnparsedEntityDecl)                                                                                         \
    EVENT(NotationDecl)                                                                                               \
    EVENT(StartNamespaceDecl)                                                                                         \
    EVENT(EndNamespaceDecl)                                                                                           \
    EVENT(Comment)                                                                                                    \
    EVENT(StartCdataSection)                                                                                          \
    EVENT(EndCdataSection)                                                                                            \
    EVENT(Default)                                                                                                    \
    EVENT(DefaultHandlerExpand)                                                                                       \
    EVENT(NotStandalone)                                                                                              \
    EVENT(ExternalEntityRef)                                                                                          \
    EVENT(StartDoctypeDecl)                                                                                           \
    EVENT(EndDoctypeDecl)                                                                                             \
    EVENT(EntityDecl)                                                                                                 \
    EVENT(XmlDecl)                                                                                                    \
    EVENT(ElementDecl)                                                                                                \
    EVENT(AttlistDecl)                                                                                                \
    EVENT(SkippedEntity)

#define EVENT(name) on_##name,
enum Event { EVENTS(EVENT) EVENT_COUNT };
#undef EVENT

typedef struct ModuleState {
    PyTypeObject *parser_type;
    PyObject *error;
} ModuleState;

typedef struct ParserObject {
    PyObject_HEAD
    XML_Parser parser;
    PyObject *parent; /* the parser of the document, if this one reads an external entity */
    PyObject *intern; /* a dictionary of the names seen, or NULL */
    int ordered_attributes, specified_attributes, namespace_prefixes;
    int in_callback;
    XML_Char *text; /* character data waiting to be reported at once, or NULL if it is reported as it comes */
    int text_size, text_used;
    PyObject *handlers[EVENT_COUNT];
} ParserObject;

static void noop_character_data(void *user, const XML_Char *text, int length) {}

static int refuse_external_entity(XML_Parser parser, const XML_Char *context, const XML_Char *base,
                                  const XML_Char *system_id, const XML_Char *public_id) {
    return 0;
}

/* Values for handlers: each returns a new reference or NULL with an exception. */

static PyObject *text_of(const XML_Char *string) {
    if (string == NULL) Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(string, (Py_ssize_t)strlen(string), "strict");
}

/* The string for a name; equal names give the same object. */
static PyObject *name_of(ParserObject *self, const XML_Char *string) {
    PyObject *name = text_of(string);
    if (name == NULL || self->intern == NULL) return name;
    PyObject *known = PyDict_SetDefault(self->intern, name, name);
    Py_XINCREF(known);
    Py_DECREF(name);
    return known;
}

static void install(ParserObject *self, enum Event event, int active);

/* Forgets all handlers, in Expat too. */
static void drop_handlers(ParserObject *self) {
    for (int event = 0; event < EVENT_COUNT; event++) {
        if (self->handlers[event] == NULL) continue;
        install(self, event, 0);
        Py_CLEAR(self->handlers[event]);
    }
}

static void after_exception(ParserObject *self) {
    drop_handlers(self);
    XML_StopParser(self->parser, XML_FALSE);
    XML_SetExternalEntityRefHandler(self->parser, refuse_external_entity);
}

/* Calls the handler of `event` with the tuple `args`, which is released and may be NULL with an exception. Returns its
 * result, or NULL after all handlers were dropped. `line` and `name` are what a traceback shows of the call. */
static PyObject *call(ParserObject *self, enum Event event, PyObject *args, const char *name, int line) {
    PyObject *result = NULL;
    if (args != NULL && self->handlers[event] != NULL) {
        PyObject *handler = Py_NewRef(self->handlers[event]);
        self->in_callback++;
        result = PyObject_Call(handler, args, NULL);
        self->in_callback--;
        Py_DECREF(handler);
        if (result == NULL) _PyTraceback_Add(name, __FILE__, line);
    }
    Py_XDECREF(args);
    if (result == NULL) after_exception(self);
    return result;
}

#define CALL(event, args) call(self, on_##event, args, #event, __LINE__)
#define CALL_AND_FORGET(event, args) Py_XDECREF(CALL(event, args))

static int report_text(ParserObject *self, const XML_Char *text, int length) {
    if (self->handlers[on_CharacterData] == NULL) return 0;
    PyObject *string = PyUnicode_DecodeUTF8(text, length, "strict");
    PyObject *result = CALL(CharacterData, string == NULL ? NULL : Py_BuildValue("(N)", string));
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Reports the text that waits. Returns 0, or -1 with an exception. */
static int flush_text(ParserObject *self) {
    if (self->text == NULL || self->text_used == 0) return 0;
    int length = self->text_used;
    self->text_used = 0;
    return report_text(self, self->text, length);
}

/* The functions that Expat calls. Each first checks that nothing went wrong before, and reports text that waits. */

#define BEGIN(event)                                                                                                  \
    ParserObject *self = user;                                                                                        \
    if (self->handlers[on_##event] == NULL || PyErr_Occurred() || flush_text(self) < 0) return

static void event_CharacterData(void *user, const XML_Char *text, int length) {
    ParserObject *self = user;
    if (PyErr_Occurred()) return;
    if (self->text == NULL) {
        report_text(self, text, length);
        return;
    }
    if (length > self->text_size - self->text_used) {
        if (flush_text(self) < 0 || self->handlers[on_CharacterData] == NULL) return;
    }
    if (self->text == NULL || length > self->text_size) {
        report_text(self, text, length);
    } else {
        memcpy(self->text + self->text_used, text, (size_t)length);
        self->text_used += length;
    }
}

/* The attributes of an element as a dictionary, or as a list of names and values in turn. */
static PyObject *attributes_of(ParserObject *self, const XML_Char **attributes) {
    int count = 0;
    if (self->specified_attributes) count = XML_GetSpecifiedAttributeCount(self->parser);
    else while (attributes[count] != NULL) count += 2;
    PyObject *result = self->ordered_attributes ? PyList_New(count) : PyDict_New();
    if (result == NULL) return NULL;
    for (int i = 0; i < count; i += 2) {
        PyObject *name = name_of(self, attributes[i]);
        PyObject *value = name == NULL ? NULL : text_of(attributes[i + 1]);
        int status = -1;
        if (value != NULL && self->ordered_attributes) {
            PyList_SET_ITEM(result, i, name);
            PyList_SET_ITEM(result, i + 1, value);
            continue;
        }
        if (value != NULL) status = PyDict_SetItem(result, name, value);
        Py_XDECREF(name);
        Py_XDECREF(value);
        if (status < 0) {
            Py_DECREF(result);
            return NULL;
        }
    }
    return result;
}

static void event_StartElement(void *user, const XML_Char *name, const XML_Char **attributes) {
    BEGIN(StartElement);
    PyObject *container = attributes_of(self, attributes);
    PyObject *args = container == NULL ? NULL : Py_BuildValue("(NN)", name_of(self, name), container);
    CALL_AND_FORGET(StartElement, args);
}

static void event_EndElement(void *user, const XML_Char *name) {
    BEGIN(EndElement);
    CALL_AND_FORGET(EndElement, Py_BuildValue("(N)", name_of(self, name)));
}

static void event_ProcessingInstruction(void *user, const XML_Char *target, const XML_Char *data) {
    BEGIN(ProcessingInstruction);
    CALL_AND_FORGET(ProcessingInstruction, Py_BuildValue("(NN)", name_of(self, target), text_of(data)));
}

static void event_UnparsedEntityDecl(void *user, const XML_Char *entity, const XML_Char *base, const XML_Char *system_id,
                                     const XML_Char *public_id, const XML_Char *notation) {
    BEGIN(UnparsedEntityDecl);
    CALL_AND_FORGET(UnparsedEntityDecl,
                    Py_BuildValue("(NNNNN)", name_of(self, entity), name_of(self, base), name_of(self, system_id),
                                  name_of(self, public_id), name_of(self, notation)));
}

static void event_NotationDecl(void *user, const XML_Char *notation, const XML_Char *base, const XML_Char *system_id,
                               const XML_Char *public_id) {
    BEGIN(NotationDecl);
    CALL_AND_FORGET(NotationDecl, Py_BuildValue("(NNNN)", name_of(self, notation), name_of(self, base),
                                                name_of(self, system_id), name_of(self, public_id)));
}

static void event_StartNamespaceDecl(void *user, const XML_Char *prefix, const XML_Char *uri) {
    BEGIN(StartNamespaceDecl);
    CALL_AND_FORGET(StartNamespaceDecl, Py_BuildValue("(NN)", name_of(self, prefix), name_of(self, uri)));
}

static void event_EndNamespaceDecl(void *user, const XML_Char *prefix) {
    BEGIN(EndNamespaceDecl);
    CALL_AND_FORGET(EndNamespaceDecl, Py_BuildValue("(N)", name_of(self, prefix)));
}

static void event_Comment(void *user, const XML_Char *text) {
    BEGIN(Comment);
    CALL_AND_FORGET(Comment, Py_BuildValue("(N)", text_of(text)));
}

static void event_StartCdataSection(void *user) {
    BEGIN(StartCdataSection);
    CALL_AND_FORGET(StartCdataSection, PyTuple_New(0));
}

static void event_EndCdataSection(void *user) {
    BEGIN(EndCdataSection);
    CALL_AND_FORGET(EndCdataSection, PyTuple_New(0));
}

static void event_Default(void *user, const XML_Char *text, int length) {
    BEGIN(Default);
    CALL_AND_FORGET(Default, Py_BuildValue("(N)", PyUnicode_DecodeUTF8(text, length, "strict")));
}

static void event_DefaultHandlerExpand(void *user, const XML_Char *text, int length) {
    BEGIN(DefaultHandlerExpand);
    CALL_AND_FORGET(DefaultHandlerExpand, Py_BuildValue("(N)", PyUnicode_DecodeUTF8(text, length, "strict")));
}

/* Takes a handler's result as int; 0 makes Expat stop. */
static int int_result(ParserObject *self, PyObject *result) {
    if (result == NULL) return 0;
    long value = PyLong_AsLong(result);
    Py_DECREF(result);
    if (value == -1 && PyErr_Occurred()) {
        after_exception(self);
        return 0;
    }
    return (int)value;
}

static int event_NotStandalone(void *user) {
    BEGIN(NotStandalone) 0;
    return int_result(self, CALL(NotStandalone, PyTuple_New(0)));
}

static int event_ExternalEntityRef(XML_Parser parser, const XML_Char *context, const XML_Char *base,
                                   const XML_Char *system_id, const XML_Char *public_id) {
    void *user = XML_GetUserData(parser);
    BEGIN(ExternalEntityRef) 0;
    return int_result(self, CALL(ExternalEntityRef,
                                 Py_BuildValue("(NNNN)", text_of(context), name_of(self, base),
                                               name_of(self, system_id), name_of(self, public_id))));
}

static void event_StartDoctypeDecl(void *user, const XML_Char *name, const XML_Char *system_id,
                                   const XML_Char *public_id, int has_internal_subset) {
    BEGIN(StartDoctypeDecl);
    CALL_AND_FORGET(StartDoctypeDecl, Py_BuildValue("(NNNi)", name_of(self, name), name_of(self, system_id),
                                                    name_of(self, public_id), has_internal_subset));
}

static void event_EndDoctypeDecl(void *user) {
    BEGIN(EndDoctypeDecl);
    CALL_AND_FORGET(EndDoctypeDecl, PyTuple_New(0));
}

static void event_EntityDecl(void *user, const XML_Char *name, int is_parameter, const XML_Char *value, int length,
                             const XML_Char *base, const XML_Char *system_id, const XML_Char *public_id,
                             const XML_Char *notation) {
    BEGIN(EntityDecl);
    PyObject *text = value == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeUTF8(value, length, "strict");
    CALL_AND_FORGET(EntityDecl, Py_BuildValue("(NiNNNNN)", name_of(self, name), is_parameter, text, name_of(self, base),
                                              name_of(self, system_id), name_of(self, public_id),
                                              name_of(self, notation)));
}

static void event_XmlDecl(void *user, const XML_Char *version, const XML_Char *encoding, int standalone) {
    BEGIN(XmlDecl);
    CALL_AND_FORGET(XmlDecl, Py_BuildValue("(NNi)", text_of(version), text_of(encoding), standalone));
}

/* A content model as a tuple (type, quantifier, name, children). */
static PyObject *model_of(ParserObject *self, const XML_Content *model) {
    if (Py_EnterRecursiveCall(" in conv_content_model")) return NULL;
    PyObject *result = NULL, *children = PyTuple_New((Py_ssize_t)model->numchildren);
    for (unsigned int i = 0; children != NULL && i < model->numchildren; i++) {
        PyObject *child = model_of(self, &model->children[i]);
        if (child == NULL) Py_CLEAR(children);
        else PyTuple_SET_ITEM(children, i, child);
    }
    if (children != NULL) {
        result = Py_BuildValue("(iiNN)", (int)model->type, (int)model->quant, name_of(self, model->name), children);
    }
    Py_LeaveRecursiveCall();
    return result;
}

static void event_ElementDecl(void *user, const XML_Char *name, XML_Content *model) {
    ParserObject *self = user;
    if (self->handlers[on_ElementDecl] != NULL && !PyErr_Occurred() && flush_text(self) == 0) {
        PyObject *description = model_of(self, model);
        PyObject *args = description == NULL ? NULL : Py_BuildValue("(NN)", name_of(self, name), description);
        CALL_AND_FORGET(ElementDecl, args);
    }
    XML_FreeContentModel(self->parser, model);
}

static void event_AttlistDecl(void *user, const XML_Char *element, const XML_Char *name, const XML_Char *type,
                              const XML_Char *value, int required) {
    BEGIN(AttlistDecl);
    CALL_AND_FORGET(AttlistDecl, Py_BuildValue("(NNNNi)", name_of(self, element), name_of(self, name), text_of(type),
                                               text_of(value), required));
}

static void event_SkippedEntity(void *user, const XML_Char *name, int is_parameter) {
    BEGIN(SkippedEntity);
    CALL_AND_FORGET(SkippedEntity, Py_BuildValue("(Ni)", name_of(self, name), is_parameter));
}

/* Tells Expat whether the event is wanted. */
static void install(ParserObject *self, enum Event event, int active) {
    switch (event) {
#define INSTALL(NAME)                                                                                                 \
    case on_##NAME:                                                                                                   \
        XML_Set##NAME##Handler(self->parser, active ? event_##NAME : NULL);                                           \
        break;
        INSTALL(StartElement)
        INSTALL(EndElement)
        INSTALL(ProcessingInstruction)
        INSTALL(UnparsedEntityDecl)
        INSTALL(NotationDecl)
        INSTALL(StartNamespaceDecl)
        INSTALL(EndNamespaceDecl)
        INSTALL(Comment)
        INSTALL(StartCdataSection)
        INSTALL(EndCdataSection)
        INSTALL(Default)
        INSTALL(NotStandalone)
        INSTALL(ExternalEntityRef)
        INSTALL(StartDoctypeDecl)
        INSTALL(EndDoctypeDecl)
        INSTALL(EntityDecl)
        INSTALL(XmlDecl)
        INSTALL(ElementDecl)
        INSTALL(AttlistDecl)
        INSTALL(SkippedEntity)
#undef INSTALL
    case on_DefaultHandlerExpand:
        XML_SetDefaultHandlerExpand(self->parser, active ? event_DefaultHandlerExpand : NULL);
        break;
    case on_CharacterData:
        XML_SetCharacterDataHandler(self->parser, active            ? event_CharacterData
                                                  : self->in_callback ? noop_character_data
                                                                      : NULL);
        break;
    case EVENT_COUNT:
        break;
    }
}

/* Errors */

static int set_int_attribute(PyObject *exception, const char *name, long value) {
    PyObject *number = PyLong_FromLong(value);
    if (number == NULL) return -1;
    int status = PyObject_SetAttrString(exception, name, number);
    Py_DECREF(number);
    return status;
}

/* Raises ExpatError for `code` at the parser's position. Returns NULL. */
static PyObject *set_error(ParserObject *self, enum XML_Error code) {
    if (code == XML_ERROR_NO_MEMORY) return PyErr_NoMemory();
    ModuleState *state = PyType_GetModuleState(Py_TYPE(self));
    int line = (int)XML_GetErrorLineNumber(self->parser), column = (int)XML_GetErrorColumnNumber(self->parser);
    PyObject *message = PyUnicode_FromFormat("%s: line %i, column %i", XML_ErrorString(code), line, column);
    if (message == NULL) return NULL;
    PyObject *exception = PyObject_CallOneArg(state->error, message);
    Py_DECREF(message);
    if (exception != NULL && set_int_attribute(exception, "code", code) == 0 &&
        set_int_attribute(exception, "offset", column) == 0 && set_int_attribute(exception, "lineno", line) == 0) {
        PyErr_SetObject(state->error, exception);
    }
    Py_XDECREF(exception);
    return NULL;
}

/* The result of Parse() and ParseFile(). */
static PyObject *parse_result(ParserObject *self, int status) {
    if (PyErr_Occurred()) return NULL;
    if (status == 0) return set_error(self, XML_GetErrorCode(self->parser));
    if (flush_text(self) < 0) return NULL;
    return PyLong_FromLong(status);
}

/* Methods */

static PyObject *parser_parse(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    ParserObject *self = (ParserObject *)op;
    Py_buffer view = {.buf = NULL};
    const char *data;
    Py_ssize_t size;
    int is_final = 0;
    if (nargs < 1 || nargs > 2) {
        PyErr_Format(PyExc_TypeError, "Parse() takes at %s (%zd given)",
                     nargs < 1 ? "least 1 positional argument" : "most 2 arguments", nargs);
        return NULL;
    }
    if (nargs > 1 && (is_final = _PyLong_AsInt(args[1])) == -1 && PyErr_Occurred()) return NULL;
    if (PyUnicode_Check(args[0])) {
        data = PyUnicode_AsUTF8AndSize(args[0], &size);
        if (data == NULL) return NULL;
        XML_SetEncoding(self->parser, "utf-8");
    } else {
        if (PyObject_GetBuffer(args[0], &view, PyBUF_SIMPLE) < 0) return NULL;
        data = view.buf;
        size = view.len;
    }
    int status = 1;
    while (size > MAX_CHUNK && status != 0) {
        status = XML_Parse(self->parser, data, MAX_CHUNK, 0);
        if (PyErr_Occurred()) status = 0;
        data += MAX_CHUNK;
        size -= MAX_CHUNK;
    }
    if (status != 0) status = XML_Parse(self->parser, data, (int)size, is_final);
    if (view.obj != NULL) PyBuffer_Release(&view);
    return parse_result(self, status);
}

/* Reads up to `room` bytes by `read` into `buffer`. Returns the count, or -1 with an exception. */
static Py_ssize_t read_input(PyObject *read, char *buffer, int room) {
    PyObject *data = PyObject_CallFunction(read, "i", room);
    if (data == NULL) return -1;
    Py_ssize_t size = -1;
    const char *bytes = NULL;
    if (PyBytes_Check(data)) {
        bytes = PyBytes_AS_STRING(data);
        size = PyBytes_GET_SIZE(data);
    } else if (PyByteArray_Check(data)) {
        bytes = PyByteArray_AS_STRING(data);
        size = PyByteArray_GET_SIZE(data);
    } else {
        PyErr_Format(PyExc_TypeError, "read() did not return a bytes object (type=%.400s)", Py_TYPE(data)->tp_name);
    }
    if (size > room) {
        PyErr_Format(PyExc_ValueError, "read() returned too much data: %i bytes requested, %zd returned", room, size);
        size = -1;
    }
    if (size > 0) memcpy(buffer, bytes, (size_t)size);
    Py_DECREF(data);
    return size;
}

static PyObject *parser_parse_file(PyObject *op, PyObject *file) {
    ParserObject *self = (ParserObject *)op;
    PyObject *read = NULL, *name = PyUnicode_InternFromString("read");
    if (name == NULL || _PyObject_LookupAttr(file, name, &read) < 0) {
        Py_XDECREF(name);
        return NULL;
    }
    Py_DECREF(name);
    if (read == NULL) {
        PyErr_SetString(PyExc_TypeError, "argument must have 'read' attribute");
        return NULL;
    }
    int status = 1;
    for (;;) {
        char *buffer = XML_GetBuffer(self->parser, READ_SIZE);
        if (buffer == NULL) {
            Py_DECREF(read);
            return set_error(self, XML_GetErrorCode(self->parser));
        }
        Py_ssize_t size = read_input(read, buffer, READ_SIZE);
        if (size < 0) {
            Py_DECREF(read);
            return NULL;
        }
        status = XML_ParseBuffer(self->parser, (int)size, size == 0);
        if (PyErr_Occurred() || status == 0 || size == 0) break;
    }
    Py_DECREF(read);
    return parse_result(self, status);
}

static PyObject *parser_get_base(PyObject *op, PyObject *unused) {
    return text_of(XML_GetBase(((ParserObject *)op)->parser));
}

static PyObject *parser_get_input_context(PyObject *op, PyObject *unused) {
    ParserObject *self = (ParserObject *)op;
    if (!self->in_callback) Py_RETURN_NONE;
    int offset, size;
    const char *buffer = XML_GetInputContext(self->parser, &offset, &size);
    if (buffer == NULL) Py_RETURN_NONE;
    return PyBytes_FromStringAndSize(buffer + offset, size - offset);
}

/* The UTF-8 text of an argument that is a string, or None if `none_allowed`. Returns 0 or -1. */
static int string_argument(PyObject *argument, int none_allowed, const char *function, const char *which,
                           const char **text) {
    *text = NULL;
    if (argument == NULL || (none_allowed && argument == Py_None)) return 0;
    if (!PyUnicode_Check(argument)) {
        _PyArg_BadArgument(function, which, none_allowed ? "str or None" : "str", argument);
        return -1;
    }
    Py_ssize_t size;
    *text = PyUnicode_AsUTF8AndSize(argument, &size);
    if (*text == NULL) return -1;
    if (strlen(*text) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return -1;
    }
    return 0;
}

static PyObject *parser_set_base(PyObject *op, PyObject *argument) {
    const char *base;
    if (string_argument(argument, 0, "SetBase", "argument", &base) < 0) return NULL;
    if (!XML_SetBase(((ParserObject *)op)->parser, base)) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static ParserObject *allocate_parser(PyTypeObject *type, PyObject *intern) {
    ParserObject *self = PyObject_GC_New(ParserObject, type);
    if (self == NULL) return NULL;
    memset((char *)self + offsetof(ParserObject, parser), 0, sizeof *self - offsetof(ParserObject, parser));
    self->text_size = TEXT_BUFFER_SIZE;
    self->intern = Py_XNewRef(intern);
    return self;
}

static PyObject *parser_create_external(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    ParserObject *self = (ParserObject *)op;
    const char *context, *encoding;
    if (nargs < 1 || nargs > 2) {
        PyErr_Format(PyExc_TypeError, "ExternalEntityParserCreate() takes at %s (%zd given)",
                     nargs < 1 ? "least 1 positional argument" : "most 2 arguments", nargs);
        return NULL;
    }
    if (string_argument(args[0], 1, "ExternalEntityParserCreate", "argument 1", &context) < 0) return NULL;
    if (string_argument(nargs > 1 ? args[1] : NULL, 0, "ExternalEntityParserCreate", "argument 2", &encoding) < 0) {
        return NULL;
    }
    ParserObject *child = allocate_parser(Py_TYPE(self), self->intern);
    if (child == NULL) return NULL;
    child->parent = Py_NewRef(op);
    child->ordered_attributes = self->ordered_attributes;
    child->specified_attributes = self->specified_attributes;
    child->namespace_prefixes = self->namespace_prefixes;
    child->text_size = self->text_size;
    PyObject_GC_Track(child);
    if (self->text != NULL && (child->text = PyMem_Malloc((size_t)child->text_size)) == NULL) goto no_memory;
    child->parser = XML_ExternalEntityParserCreate(self->parser, context, encoding);
    if (child->parser == NULL) goto no_memory;
    XML_SetUserData(child->parser, child);
    for (int event = 0; event < EVENT_COUNT; event++) {
        if (self->handlers[event] == NULL) continue;
        child->handlers[event] = Py_NewRef(self->handlers[event]);
        install(child, event, 1);
    }
    return (PyObject *)child;
no_memory:
    Py_DECREF(child);
    return PyErr_NoMemory();
}

static PyObject *parser_set_param_entity_parsing(PyObject *op, PyObject *argument) {
    int flag = _PyLong_AsInt(argument);
    if (flag == -1 && PyErr_Occurred()) return NULL;
    return PyLong_FromLong(XML_SetParamEntityParsing(((ParserObject *)op)->parser, (enum XML_ParamEntityParsing)flag));
}

static PyObject *parser_use_foreign_dtd(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    ParserObject *self = (ParserObject *)op;
    if (!_PyArg_CheckPositional("UseForeignDTD", nargs, 0, 1)) return NULL;
    int flag = nargs > 0 ? PyObject_IsTrue(args[0]) : 1;
    if (flag < 0) return NULL;
    enum XML_Error status = XML_UseForeignDTD(self->parser, flag ? XML_TRUE : XML_FALSE);
    if (status != XML_ERROR_NONE) return set_error(self, status);
    Py_RETURN_NONE;
}

/* Attributes */

static PyObject *get_handler(PyObject *op, void *closure) {
    PyObject *handler = ((ParserObject *)op)->handlers[(intptr_t)closure];
    return Py_NewRef(handler == NULL ? Py_None : handler);
}

static int cannot_delete(PyObject *value) {
    if (value == NULL) PyErr_SetString(PyExc_RuntimeError, "Cannot delete attribute");
    return value == NULL;
}

static int set_handler(PyObject *op, PyObject *value, void *closure) {
    ParserObject *self = (ParserObject *)op;
    enum Event event = (enum Event)(intptr_t)closure;
    if (cannot_delete(value)) return -1;
    if (event == on_CharacterData && flush_text(self) < 0) return -1;
    Py_XSETREF(self->handlers[event], value == Py_None ? NULL : Py_NewRef(value));
    install(self, event, value != Py_None);
    return 0;
}

#define NUMBER_GETTER(name, expression)                                                                               \
    static PyObject *get_##name(PyObject *op, void *closure) {                                                        \
        ParserObject *self = (ParserObject *)op;                                                                      \
        return PyLong_FromLongLong((long long)(expression));                                                          \
    }
NUMBER_GETTER(error_code, XML_GetErrorCode(self->parser))
NUMBER_GETTER(line, XML_GetCurrentLineNumber(self->parser))
NUMBER_GETTER(column, XML_GetCurrentColumnNumber(self->parser))
NUMBER_GETTER(byte_index, XML_GetCurrentByteIndex(self->parser))
NUMBER_GETTER(buffer_size, self->text_size)
NUMBER_GETTER(buffer_used, self->text_used)

static int set_buffer_size(PyObject *op, PyObject *value, void *closure) {
    ParserObject *self = (ParserObject *)op;
    if (cannot_delete(value)) return -1;
    if (!PyLong_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "buffer_size must be an integer");
        return -1;
    }
    long size = PyLong_AsLong(value);
    if (size <= 0) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "buffer_size must be greater than zero");
        return -1;
    }
    if (size > INT_MAX) {
        PyErr_Format(PyExc_ValueError, "buffer_size must not be greater than %i", INT_MAX);
        return -1;
    }
    if (size == self->text_size) return 0;
    if (self->text != NULL) {
        if (flush_text(self) < 0) return -1;
        XML_Char *text = PyMem_Malloc((size_t)size);
        if (text == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        PyMem_Free(self->text);
        self->text = text;
    }
    self->text_size = (int)size;
    return 0;
}

static PyObject *get_buffer_text(PyObject *op, void *closure) {
    return PyBool_FromLong(((ParserObject *)op)->text != NULL);
}

static int set_buffer_text(PyObject *op, PyObject *value, void *closure) {
    ParserObject *self = (ParserObject *)op;
    if (cannot_delete(value)) return -1;
    int wanted = PyObject_IsTrue(value);
    if (wanted < 0) return -1;
    if (wanted && self->text == NULL) {
        self->text = PyMem_Malloc((size_t)self->text_size);
        if (self->text == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->text_used = 0;
    } else if (!wanted && self->text != NULL) {
        if (flush_text(self) < 0) return -1;
        PyMem_Free(self->text);
        self->text = NULL;
    }
    return 0;
}

/* Flags: the closure is the offset of the int in the object. */
static PyObject *get_flag(PyObject *op, void *closure) { return PyBool_FromLong(*(int *)((char *)op + (intptr_t)closure)); }

static int set_flag(PyObject *op, PyObject *value, void *closure) {
    ParserObject *self = (ParserObject *)op;
    if (cannot_delete(value)) return -1;
    int flag = PyObject_IsTrue(value);
    if (flag < 0) return -1;
    *(int *)((char *)op + (intptr_t)closure) = flag;
    if ((intptr_t)closure == offsetof(ParserObject, namespace_prefixes)) XML_SetReturnNSTriplet(self->parser, flag);
    return 0;
}

static int parser_traverse(PyObject *op, visitproc visit, void *arg) {
    ParserObject *self = (ParserObject *)op;
    for (int event = 0; event < EVENT_COUNT; event++) Py_VISIT(self->handlers[event]);
    Py_VISIT(self->parent);
    Py_VISIT(self->intern);
    Py_VISIT(Py_TYPE(op));
    return 0;
}

static int parser_clear(PyObject *op) {
    ParserObject *self = (ParserObject *)op;
    drop_handlers(self);
    Py_CLEAR(self->intern);
    return 0;
}

static void parser_dealloc(PyObject *op) {
    ParserObject *self = (ParserObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->parser != NULL) XML_ParserFree(self->parser);
    for (int event = 0; event < EVENT_COUNT; event++) Py_CLEAR(self->handlers[event]);
    PyMem_Free(self->text);
    Py_CLEAR(self->intern);
    Py_CLEAR(self->parent);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

static PyMethodDef parser_methods[] = {
    {"Parse", (PyCFunction)(void (*)(void))parser_parse, METH_FASTCALL,
     PyDoc_STR("Parse($self, data, isfinal=False, /)\n--\n\nParse a piece of a document; isfinal says it is the last.")},
    {"ParseFile", parser_parse_file, METH_O,
     PyDoc_STR("ParseFile($self, file, /)\n--\n\nParse what the binary file's read() gives, up to its end.")},
    {"SetBase", parser_set_base, METH_O,
     PyDoc_STR("SetBase($self, base, /)\n--\n\nSet the base for relative system identifiers.")},
    {"GetBase", parser_get_base, METH_NOARGS, PyDoc_STR("GetBase($self, /)\n--\n\nThe base that was set, or None.")},
    {"GetInputContext", parser_get_input_context, METH_NOARGS,
     PyDoc_STR("GetInputContext($self, /)\n--\n\nThe bytes of input of the current event, or None outside a handler.")},
    {"ExternalEntityParserCreate", (PyCFunction)(void (*)(void))parser_create_external, METH_FASTCALL,
     PyDoc_STR("ExternalEntityParserCreate($self, context, encoding=<unrepresentable>,\n"
               "                           /)\n--\n\nMake a parser for the external entity of the current event.")},
    {"SetParamEntityParsing", parser_set_param_entity_parsing, METH_O,
     PyDoc_STR("SetParamEntityParsing($self, flag, /)\n--\n\n"
               "Choose by a constant XML_PARAM_ENTITY_PARSING_* when parameter entities are parsed; true if it worked.")},
    {"UseForeignDTD", (PyCFunction)(void (*)(void))parser_use_foreign_dtd, METH_FASTCALL,
     PyDoc_STR("UseForeignDTD($self, flag=True, /)\n--\n\n"
               "Ask for an external subset by the handler even if the document names none.")},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef parser_members[] = {
    {"intern", T_OBJECT, offsetof(ParserObject, intern), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

#define FLAG(name) {#name, get_flag, set_flag, NULL, (void *)offsetof(ParserObject, name)}
#define HANDLER(name) {#name "Handler", get_handler, set_handler, NULL, (void *)on_##name}

static PyGetSetDef parser_getset[] = {
    {"ErrorCode", get_error_code, NULL, NULL, NULL},
    {"ErrorLineNumber", get_line, NULL, NULL, NULL},
    {"ErrorColumnNumber", get_column, NULL, NULL, NULL},
    {"ErrorByteIndex", get_byte_index, NULL, NULL, NULL},
    {"CurrentLineNumber", get_line, NULL, NULL, NULL},
    {"CurrentColumnNumber", get_column, NULL, NULL, NULL},
    {"CurrentByteIndex", get_byte_index, NULL, NULL, NULL},
    {"buffer_size", get_buffer_size, set_buffer_size, NULL, NULL},
    {"buffer_text", get_buffer_text, set_buffer_text, NULL, NULL},
    {"buffer_used", get_buffer_used, NULL, NULL, NULL},
    FLAG(namespace_prefixes),
    FLAG(ordered_attributes),
    FLAG(specified_attributes),
    HANDLER(StartElement),
    HANDLER(EndElement),
    HANDLER(ProcessingInstruction),
    HANDLER(CharacterData),
    HANDLER(UnparsedEntityDecl),
    HANDLER(NotationDecl),
    HANDLER(StartNamespaceDecl),
    HANDLER(EndNamespaceDecl),
    HANDLER(Comment),
    HANDLER(StartCdataSection),
    HANDLER(EndCdataSection),
    HANDLER(Default),
    {"DefaultHandlerExpand", get_handler, set_handler, NULL, (void *)on_DefaultHandlerExpand},
    HANDLER(NotStandalone),
    HANDLER(ExternalEntityRef),
    HANDLER(StartDoctypeDecl),
    HANDLER(EndDoctypeDecl),
    HANDLER(EntityDecl),
    HANDLER(XmlDecl),
    HANDLER(ElementDecl),
    HANDLER(AttlistDecl),
    HANDLER(SkippedEntity),
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot parser_slots[] = {
    {Py_tp_doc, "An XML parser"},         {Py_tp_dealloc, parser_dealloc}, {Py_tp_traverse, parser_traverse},
    {Py_tp_clear, parser_clear},          {Py_tp_methods, parser_methods}, {Py_tp_members, parser_members},
    {Py_tp_getset, parser_getset},        {0, NULL},
};

static PyType_Spec parser_spec = {
    .name = "pyexpat.xmlparser",
    .basicsize = sizeof(ParserObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = parser_slots,
};

/* Module functions */

/* Makes a table of an encoding with one byte per character, by decoding all bytes. */
static int unknown_encoding(void *data, const XML_Char *name, XML_Encoding *info) {
    unsigned char bytes[256];
    if (PyErr_Occurred()) return XML_STATUS_ERROR;
    for (int i = 0; i < 256; i++) bytes[i] = (unsigned char)i;
    PyObject *text = PyUnicode_Decode((const char *)bytes, 256, name, "replace");
    if (text == NULL) return XML_STATUS_ERROR;
    if (PyUnicode_GET_LENGTH(text) != 256) {
        Py_DECREF(text);
        PyErr_SetString(PyExc_ValueError, "multi-byte encodings are not supported");
        return XML_STATUS_ERROR;
    }
    for (int i = 0; i < 256; i++) {
        Py_UCS4 character = PyUnicode_READ_CHAR(text, i);
        info->map[i] = character == Py_UNICODE_REPLACEMENT_CHARACTER ? -1 : (int)character;
    }
    info->data = NULL;
    info->convert = NULL;
    info->release = NULL;
    Py_DECREF(text);
    return XML_STATUS_OK;
}

static const XML_Memory_Handling_Suite memory = {PyObject_Malloc, PyObject_Realloc, PyObject_Free};

static PyObject *pyexpat_parser_create(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"encoding", "namespace_separator", "intern", NULL};
    static struct _PyArg_Parser parser = {.keywords = keywords, .fname = "ParserCreate"};
    ModuleState *state = PyModule_GetState(module);
    PyObject *buffer[3] = {NULL, NULL, NULL};
    PyObject *const *found = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 3, 0, buffer);
    if (found == NULL) return NULL;
    if (found != buffer) memcpy(buffer, found, sizeof buffer[0] * (size_t)nargs);
    const char *encoding, *separator;
    if (string_argument(buffer[0], 1, "ParserCreate", "argument 'encoding'", &encoding) < 0 ||
        string_argument(buffer[1], 1, "ParserCreate", "argument 'namespace_separator'", &separator) < 0) {
        return NULL;
    }
    if (separator != NULL && strlen(separator) > 1) {
        PyErr_SetString(PyExc_ValueError, "namespace_separator must be at most one character, omitted, or None");
        return NULL;
    }
    if (buffer[2] != NULL && buffer[2] != Py_None && !PyDict_Check(buffer[2])) {
        PyErr_SetString(PyExc_TypeError, "intern must be a dictionary");
        return NULL;
    }
    PyObject *intern = buffer[2] == NULL ? PyDict_New() : buffer[2] == Py_None ? NULL : Py_NewRef(buffer[2]);
    if (intern == NULL && buffer[2] == NULL) return NULL;
    ParserObject *self = allocate_parser(state->parser_type, intern);
    Py_XDECREF(intern);
    if (self == NULL) return NULL;
    PyObject_GC_Track(self);
    self->parser = XML_ParserCreate_MM(encoding, &memory, separator);
    if (self->parser == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    XML_SetHashSalt(self->parser, (unsigned long)_Py_HashSecret.expat.hashsalt);
    XML_SetUserData(self->parser, self);
    XML_SetUnknownEncodingHandler(self->parser, unknown_encoding, NULL);
    return (PyObject *)self;
}

static PyObject *pyexpat_error_string(PyObject *module, PyObject *argument) {
    long code = PyLong_AsLong(argument);
    if (code == -1 && PyErr_Occurred()) return NULL;
    return text_of(XML_ErrorString((enum XML_Error)code));
}

static PyMethodDef pyexpat_functions[] = {
    {"ParserCreate", (PyCFunction)(void (*)(void))pyexpat_parser_create, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("ParserCreate($module, /, encoding=None, namespace_separator=None,\n"
               "             intern=<unrepresentable>)\n--\n\nMake an XML parser.")},
    {"ErrorString", pyexpat_error_string, METH_O,
     PyDoc_STR("ErrorString($module, code, /)\n--\n\nThe text for a number of an error.")},
    {NULL, NULL, 0, NULL},
};

/* Constants */

/* The names of errors in the order of their numbers, from 1 on. */
static const char *const error_names[] = {
    "XML_ERROR_NO_MEMORY",
    "XML_ERROR_SYNTAX",
    "XML_ERROR_NO_ELEMENTS",
    "XML_ERROR_INVALID_TOKEN",
    "XML_ERROR_UNCLOSED_TOKEN",
    "XML_ERROR_PARTIAL_CHAR",
    "XML_ERROR_TAG_MISMATCH",
    "XML_ERROR_DUPLICATE_ATTRIBUTE",
    "XML_ERROR_JUNK_AFTER_DOC_ELEMENT",
    "XML_ERROR_PARAM_ENTITY_REF",
    "XML_ERROR_UNDEFINED_ENTITY",
    "XML_ERROR_RECURSIVE_ENTITY_REF",
    "XML_ERROR_ASYNC_ENTITY",
    "XML_ERROR_BAD_CHAR_REF",
    "XML_ERROR_BINARY_ENTITY_REF",
    "XML_ERROR_ATTRIBUTE_EXTERNAL_ENTITY_REF",
    "XML_ERROR_MISPLACED_XML_PI",
    "XML_ERROR_UNKNOWN_ENCODING",
    "XML_ERROR_INCORRECT_ENCODING",
    "XML_ERROR_UNCLOSED_CDATA_SECTION",
    "XML_ERROR_EXTERNAL_ENTITY_HANDLING",
    "XML_ERROR_NOT_STANDALONE",
    "XML_ERROR_UNEXPECTED_STATE",
    "XML_ERROR_ENTITY_DECLARED_IN_PE",
    "XML_ERROR_FEATURE_REQUIRES_XML_DTD",
    "XML_ERROR_CANT_CHANGE_FEATURE_ONCE_PARSING",
    "XML_ERROR_UNBOUND_PREFIX",
    "XML_ERROR_UNDECLARING_PREFIX",
    "XML_ERROR_INCOMPLETE_PE",
    "XML_ERROR_XML_DECL",
    "XML_ERROR_TEXT_DECL",
    "XML_ERROR_PUBLICID",
    "XML_ERROR_SUSPENDED",
    "XML_ERROR_NOT_SUSPENDED",
    "XML_ERROR_ABORTED",
    "XML_ERROR_FINISHED",
    "XML_ERROR_SUSPEND_PE",
    "XML_ERROR_RESERVED_PREFIX_XML",
    "XML_ERROR_RESERVED_PREFIX_XMLNS",
    "XML_ERROR_RESERVED_NAMESPACE_URI",
    "XML_ERROR_INVALID_ARGUMENT",
    "XML_ERROR_NO_BUFFER",
    "XML_ERROR_AMPLIFICATION_LIMIT_BREACH",
};

/* Makes the submodule NAME, known to sys.modules under `full`. Returns a borrowed reference. */
static PyObject *add_submodule(PyObject *module, const char *full, const char *doc) {
    PyObject *submodule = PyImport_AddModule(full);
    if (submodule == NULL || PyModule_SetDocString(submodule, doc) < 0) return NULL;
    return PyModule_AddObjectRef(module, strchr(full, '.') + 1, submodule) < 0 ? NULL : submodule;
}

static int add_error(PyObject *errors, PyObject *codes, PyObject *messages, const char *name, int code) {
    PyObject *text = text_of(XML_ErrorString((enum XML_Error)code)), *number = PyLong_FromLong(code);
    int status = -1;
    if (text != NULL && number != NULL && PyModule_AddObjectRef(errors, name, text) == 0 &&
        PyDict_SetItem(codes, text, number) == 0) {
        status = PyDict_SetItem(messages, number, text);
    }
    Py_XDECREF(text);
    Py_XDECREF(number);
    return status;
}

static int add_errors(PyObject *module) {
    PyObject *errors = add_submodule(module, "pyexpat.errors", "The texts of errors, by name and by number.");
    PyObject *codes = PyDict_New(), *messages = PyDict_New();
    int status = errors == NULL || codes == NULL || messages == NULL ? -1 : 0;
    for (size_t i = 0; status == 0 && i < Py_ARRAY_LENGTH(error_names); i++) {
        /* The first error has number 1. */
        status = add_error(errors, codes, messages, error_names[i], (int)i + 1);
    }
    if (status == 0) status = PyModule_AddObjectRef(errors, "codes", codes);
    if (status == 0) status = PyModule_AddObjectRef(errors, "messages", messages);
    Py_XDECREF(codes);
    Py_XDECREF(messages);
    return status;
}

static int add_model(PyObject *module) {
    PyObject *model = add_submodule(module, "pyexpat.model", "The constants of content models.");
    if (model == NULL) return -1;
#define CONSTANT(name)                                                                                                \
    if (PyModule_AddIntConstant(model, #name, name) < 0) return -1;
    CONSTANT(XML_CTYPE_EMPTY)
    CONSTANT(XML_CTYPE_ANY)
    CONSTANT(XML_CTYPE_MIXED)
    CONSTANT(XML_CTYPE_NAME)
    CONSTANT(XML_CTYPE_CHOICE)
    CONSTANT(XML_CTYPE_SEQ)
    CONSTANT(XML_CQUANT_NONE)
    CONSTANT(XML_CQUANT_OPT)
    CONSTANT(XML_CQUANT_REP)
    CONSTANT(XML_CQUANT_PLUS)
#undef CONSTANT
    return 0;
}

static int add_features(PyObject *module) {
    const XML_Feature *feature = XML_GetFeatureList();
    PyObject *list = PyList_New(0);
    for (; list != NULL && feature->feature != XML_FEATURE_END; feature++) {
        PyObject *item = Py_BuildValue("(sl)", feature->name, feature->value);
        if (item == NULL || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    int status = PyModule_AddObjectRef(module, "features", list);
    Py_XDECREF(list);
    return status;
}

/* The functions of Expat for other modules. */
static struct PyExpat_CAPI expat_api = {
    .magic = PyExpat_CAPI_MAGIC,
    .size = sizeof(struct PyExpat_CAPI),
    .MAJOR_VERSION = XML_MAJOR_VERSION,
    .MINOR_VERSION = XML_MINOR_VERSION,
    .MICRO_VERSION = XML_MICRO_VERSION,
    .ErrorString = XML_ErrorString,
    .GetErrorCode = XML_GetErrorCode,
    .GetErrorColumnNumber = XML_GetErrorColumnNumber,
    .GetErrorLineNumber = XML_GetErrorLineNumber,
    .Parse = XML_Parse,
    .ParserCreate_MM = XML_ParserCreate_MM,
    .ParserFree = XML_ParserFree,
    .SetCharacterDataHandler = XML_SetCharacterDataHandler,
    .SetCommentHandler = XML_SetCommentHandler,
    .SetDefaultHandlerExpand = XML_SetDefaultHandlerExpand,
    .SetElementHandler = XML_SetElementHandler,
    .SetNamespaceDeclHandler = XML_SetNamespaceDeclHandler,
    .SetProcessingInstructionHandler = XML_SetProcessingInstructionHandler,
    .SetUnknownEncodingHandler = XML_SetUnknownEncodingHandler,
    .SetUserData = XML_SetUserData,
    .SetStartDoctypeDeclHandler = XML_SetStartDoctypeDeclHandler,
    .SetEncoding = XML_SetEncoding,
    .DefaultUnknownEncodingHandler = unknown_encoding,
    .SetHashSalt = XML_SetHashSalt,
};

/* Adds `value`, which is released and may be NULL with an exception. Returns 0 or -1. */
static int add_object(PyObject *module, const char *name, PyObject *value) {
    int status = PyModule_AddObjectRef(module, name, value);
    Py_XDECREF(value);
    return status;
}

static int pyexpat_exec(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    XML_Expat_Version version = XML_ExpatVersionInfo();
    state->parser_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &parser_spec, NULL);
    if (state->parser_type == NULL) return -1;
    state->error = PyErr_NewException("xml.parsers.expat.ExpatError", NULL, NULL);
    if (PyModule_AddObjectRef(module, "error", state->error) < 0 ||
        PyModule_AddObjectRef(module, "ExpatError", state->error) < 0 ||
        PyModule_AddObjectRef(module, "XMLParserType", (PyObject *)state->parser_type) < 0 ||
        PyModule_AddStringConstant(module, "EXPAT_VERSION", XML_ExpatVersion()) < 0 ||
        add_object(module, "version_info", Py_BuildValue("(iii)", version.major, version.minor, version.micro)) < 0 ||
        PyModule_AddStringConstant(module, "native_encoding", "UTF-8") < 0 || add_errors(module) < 0 ||
        add_model(module) < 0 || add_features(module) < 0) {
        return -1;
    }
#define CONSTANT(name)                                                                                                \
    if (PyModule_AddIntConstant(module, #name, name) < 0) return -1;
    CONSTANT(XML_PARAM_ENTITY_PARSING_NEVER)
    CONSTANT(XML_PARAM_ENTITY_PARSING_UNLESS_STANDALONE)
    CONSTANT(XML_PARAM_ENTITY_PARSING_ALWAYS)
#undef CONSTANT
    return add_object(module, "expat_CAPI", PyCapsule_New(&expat_api, PyExpat_CAPSULE_NAME, NULL));
}

static int pyexpat_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *state = PyModule_GetState(module);
    Py_VISIT(state->parser_type);
    Py_VISIT(state->error);
    return 0;
}

static int pyexpat_clear(PyObject *module) {
    ModuleState *state = PyModule_GetState(module);
    Py_CLEAR(state->parser_type);
    Py_CLEAR(state->error);
    return 0;
}

static void pyexpat_free(void *module) { pyexpat_clear(module); }

static PyModuleDef_Slot pyexpat_slots[] = {{Py_mod_exec, pyexpat_exec}, {0, NULL}};

static struct PyModuleDef pyexpat_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pyexpat",
    .m_doc = "XML parsing by the library Expat.",
    .m_size = sizeof(ModuleState),
    .m_methods = pyexpat_functions,
    .m_slots = pyexpat_slots,
    .m_traverse = pyexpat_traverse,
    .m_clear = pyexpat_clear,
    .m_free = pyexpat_free,
};

PyMODINIT_FUNC PyInit_pyexpat(void) { return PyModuleDef_Init(&pyexpat_module); }
