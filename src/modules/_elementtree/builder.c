/* The type TreeBuilder: makes a tree of elements from the calls start(), data(), end() ... in document order.
 *
 * Text arrives in pieces, which are collected until something else comes. It then belongs to `last`: to its text if
 * nothing has ended since it began, else to its tail (then tail_owner is the element, too).
 */
#include <Python.h>

#include "modules/_elementtree/elementtree.h"
#include "object/names.h"

typedef struct {
    PyObject_HEAD
    PyObject *root;       /* or NULL */
    PyObject *current;    /* the open element that gets children; None before the root begins and after it ends */
    PyObject *last;       /* the element that began or ended last, or None */
    PyObject *tail_owner; /* what the text to come follows, or NULL */
    PyObject *data;       /* text to come: NULL, one object, or a list */
    PyObject **stack;     /* the elements around the current one */
    Py_ssize_t depth, allocated;
    PyObject *element_factory, *comment_factory, *pi_factory; /* or NULL */
    PyObject *append;                                         /* what to call with events, or NULL */
    PyObject *event_names[EVENT_COUNT];                       /* NULL: not reported */
    char data_is_list, insert_comments, insert_pis;
} TreeBuilder;

#define BUILDER(object) ((TreeBuilder *)(object))

static const char *const event_names[EVENT_COUNT] = {"start", "end", "start-ns", "end-ns", "comment", "pi"};

const char *kr_builder_event_name(BuilderEvent event) { return event_names[event]; }

/* ---- Making and releasing ---- */

static PyObject *builder_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    TreeBuilder *self = (TreeBuilder *)type->tp_alloc(type, 0); /* all zero */
    if (self == NULL) return NULL;
    self->current = Py_NewRef(Py_None);
    self->last = Py_NewRef(Py_None);
    return (PyObject *)self;
}

PyObject *kr_builder_new(void) { return builder_new(&kr_tree_builder_type, NULL, NULL); }

static void set_factory(PyObject **place, PyObject *factory, PyObject *fallback) {
    if (factory == NULL || factory == Py_None) factory = fallback;
    Py_XSETREF(*place, Py_XNewRef(factory));
}

static int builder_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"element_factory", "comment_factory", "pi_factory", "insert_comments", "insert_pis", NULL};
    TreeBuilder *self = BUILDER(object);
    PyObject *element = NULL, *comment = NULL, *pi = NULL;
    int insert_comments = 0, insert_pis = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$OOpp:TreeBuilder", keywords, &element, &comment, &pi,
                                     &insert_comments, &insert_pis))
        return -1;
    set_factory(&self->element_factory, element, NULL);
    set_factory(&self->comment_factory, comment, kr_element_tree.comment_factory);
    set_factory(&self->pi_factory, pi, kr_element_tree.pi_factory);
    self->insert_comments = self->comment_factory != NULL && insert_comments;
    self->insert_pis = self->pi_factory != NULL && insert_pis;
    return 0;
}

static int builder_traverse(PyObject *object, visitproc visit, void *arg) {
    TreeBuilder *self = BUILDER(object);
    Py_VISIT(self->root);
    Py_VISIT(self->current);
    Py_VISIT(self->last);
    Py_VISIT(self->tail_owner);
    Py_VISIT(self->data);
    for (Py_ssize_t i = 0; i < self->depth; i++) Py_VISIT(self->stack[i]);
    Py_VISIT(self->element_factory);
    Py_VISIT(self->comment_factory);
    Py_VISIT(self->pi_factory);
    Py_VISIT(self->append);
    return 0;
}

static int builder_clear(PyObject *object) {
    TreeBuilder *self = BUILDER(object);
    Py_CLEAR(self->root);
    Py_XSETREF(self->current, Py_NewRef(Py_None));
    Py_XSETREF(self->last, Py_NewRef(Py_None));
    Py_CLEAR(self->tail_owner);
    Py_CLEAR(self->data);
    while (self->depth > 0) Py_DECREF(self->stack[--self->depth]);
    Py_CLEAR(self->element_factory);
    Py_CLEAR(self->comment_factory);
    Py_CLEAR(self->pi_factory);
    Py_CLEAR(self->append);
    return 0;
}

static void builder_dealloc(PyObject *object) {
    TreeBuilder *self = BUILDER(object);
    PyObject_GC_UnTrack(self);
    builder_clear(object);
    Py_CLEAR(self->current);
    Py_CLEAR(self->last);
    for (int i = 0; i < EVENT_COUNT; i++) Py_CLEAR(self->event_names[i]);
    PyMem_Free(self->stack);
    Py_TYPE(self)->tp_free(self);
}

/* ---- Events ---- */

int kr_builder_report(PyObject *object, PyObject *append, unsigned events) {
    TreeBuilder *self = BUILDER(object);
    Py_XSETREF(self->append, append);
    for (int i = 0; i < EVENT_COUNT; i++) {
        Py_CLEAR(self->event_names[i]);
        if (!(events & 1u << i)) continue;
        self->event_names[i] = PyUnicode_InternFromString(event_names[i]);
        if (self->event_names[i] == NULL) return -1;
    }
    return 0;
}

int kr_builder_event(PyObject *object, BuilderEvent event, PyObject *value) {
    TreeBuilder *self = BUILDER(object);
    if (self->append == NULL || self->event_names[event] == NULL) return 0;
    PyObject *pair = PyTuple_Pack(2, self->event_names[event], value);
    if (pair == NULL) return -1;
    PyObject *result = PyObject_CallOneArg(self->append, pair);
    Py_DECREF(pair);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

/* ---- Text ---- */

/* Joins the text that was collected: a new reference. */
static PyObject *take_data(TreeBuilder *self) {
    PyObject *data = self->data;
    self->data = NULL;
    if (!self->data_is_list) return data;
    PyObject *empty = PyUnicode_FromString("");
    PyObject *text = empty != NULL ? PyUnicode_Join(empty, data) : NULL;
    Py_XDECREF(empty);
    Py_DECREF(data);
    return text;
}

/* Hands the text that was collected to its element. Returns 0 or -1. */
static int flush(TreeBuilder *self) {
    if (self->data == NULL) return 0;
    PyObject *owner = self->tail_owner != NULL ? self->tail_owner : self->last;
    int is_tail = self->tail_owner != NULL, failed = -1;
    PyObject *text = take_data(self);
    if (text == NULL) return -1;
    Py_INCREF(owner);
    if (Py_IS_TYPE(owner, &kr_element_type)) {
        PyObject **place = is_tail ? &((Element *)owner)->tail : &((Element *)owner)->text;
        if (*place != Py_None) Py_SETREF(text, PyNumber_Add(*place, text));
        if (text != NULL) {
            Py_SETREF(*place, Py_NewRef(text));
            failed = 0;
        }
    } else {
        PyObject *name = is_tail ? KR_NAME(tail) : KR_NAME(text);
        PyObject *before = PyObject_GetAttr(owner, name);
        if (before != NULL) {
            if (before != Py_None) Py_SETREF(text, PyNumber_Add(before, text));
            if (text != NULL) failed = PyObject_SetAttr(owner, name, text);
            Py_DECREF(before);
        }
    }
    Py_XDECREF(text);
    Py_DECREF(owner);
    return failed;
}

int kr_builder_data(PyObject *object, PyObject *data) {
    TreeBuilder *self = BUILDER(object);
    if (self->data == NULL) {
        if (self->last == Py_None) return 0; /* outside the root */
        self->data = Py_NewRef(data);
        self->data_is_list = 0;
        return 0;
    }
    if (self->data_is_list) return PyList_Append(self->data, data);
    PyObject *list = PyList_New(2);
    if (list == NULL) return -1;
    PyList_SET_ITEM(list, 0, self->data);
    PyList_SET_ITEM(list, 1, Py_NewRef(data));
    self->data = list;
    self->data_is_list = 1;
    return 0;
}

/* ---- Building ---- */

static int add_child(PyObject *parent, PyObject *child) {
    if (Py_IS_TYPE(parent, &kr_element_type)) return kr_element_append((Element *)parent, child);
    PyObject *result = PyObject_CallMethodOneArg(parent, KR_NAME(append), child);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static PyObject *make_element(TreeBuilder *self, PyObject *tag, PyObject *attrib) {
    if (self->element_factory == NULL) return kr_element_new(tag, attrib);
    PyObject *given = attrib != NULL ? Py_NewRef(attrib) : PyDict_New();
    if (given == NULL) return NULL;
    PyObject *args[] = {tag, given};
    PyObject *element = PyObject_Vectorcall(self->element_factory, args, 2, NULL);
    Py_DECREF(given);
    return element;
}

PyObject *kr_builder_start(PyObject *object, PyObject *tag, PyObject *attrib) {
    TreeBuilder *self = BUILDER(object);
    if (flush(self) < 0) return NULL;
    PyObject *element = make_element(self, tag, attrib);
    if (element == NULL) return NULL;
    Py_CLEAR(self->tail_owner);
    if (self->current != Py_None) {
        if (add_child(self->current, element) < 0) goto failed;
    } else if (self->root != NULL) {
        PyErr_SetString(parse_error(), "multiple elements on top level");
        goto failed;
    } else {
        self->root = Py_NewRef(element);
    }
    if (self->depth == self->allocated) {
        Py_ssize_t size = self->allocated > 0 ? self->allocated * 2 : 16;
        PyObject **stack = PyMem_Realloc(self->stack, (size_t)size * sizeof *stack);
        if (stack == NULL) {
            PyErr_NoMemory();
            goto failed;
        }
        self->stack = stack;
        self->allocated = size;
    }
    self->stack[self->depth++] = self->current;
    self->current = Py_NewRef(element);
    Py_SETREF(self->last, Py_NewRef(element));
    if (kr_builder_event(object, EVENT_START, element) < 0) goto failed;
    return element;
failed:
    Py_DECREF(element);
    return NULL;
}

PyObject *kr_builder_end(PyObject *object, PyObject *tag) {
    TreeBuilder *self = BUILDER(object);
    if (flush(self) < 0) return NULL;
    if (self->depth == 0) {
        PyErr_SetString(PyExc_IndexError, "pop from empty stack");
        return NULL;
    }
    PyObject *ended = self->current;
    self->current = self->stack[--self->depth];
    Py_SETREF(self->last, ended);
    Py_XSETREF(self->tail_owner, Py_NewRef(ended));
    if (kr_builder_event(object, EVENT_END, ended) < 0) return NULL;
    return Py_NewRef(ended);
}

/* What comments and processing instructions have in common. Steals `node`, which may be NULL with an exception. */
static PyObject *add_node(TreeBuilder *self, PyObject *node, int insert, BuilderEvent event) {
    if (node == NULL) return NULL;
    if (insert && self->current != Py_None) {
        if (add_child(self->current, node) < 0) goto failed;
        Py_XSETREF(self->tail_owner, Py_NewRef(node));
    }
    if (kr_builder_event((PyObject *)self, event, node) < 0) goto failed;
    return node;
failed:
    Py_DECREF(node);
    return NULL;
}

PyObject *kr_builder_comment(PyObject *object, PyObject *text) {
    TreeBuilder *self = BUILDER(object);
    if (flush(self) < 0) return NULL;
    PyObject *node = self->comment_factory != NULL ? PyObject_CallOneArg(self->comment_factory, text) : Py_NewRef(text);
    return add_node(self, node, self->insert_comments, EVENT_COMMENT);
}

PyObject *kr_builder_pi(PyObject *object, PyObject *target, PyObject *text) {
    TreeBuilder *self = BUILDER(object);
    if (flush(self) < 0) return NULL;
    PyObject *args[] = {target, text}, *node;
    if (self->pi_factory != NULL)
        node = PyObject_Vectorcall(self->pi_factory, args, 2, NULL);
    else
        node = PyTuple_Pack(2, target, text);
    return add_node(self, node, self->insert_pis, EVENT_PI);
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\nThe root element, or None if there is none.");
PyObject *kr_builder_close(PyObject *object, PyObject *unused) {
    TreeBuilder *self = BUILDER(object);
    return Py_NewRef(self->root != NULL ? self->root : Py_None);
}

/* ---- Methods ---- */

PyDoc_STRVAR(start_doc, "start($self, tag, attrs, /)\n--\n\nBegin an element inside the one that began last.");
static PyObject *builder_start(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("start", nargs, 2, 2)) return NULL;
    if (!PyDict_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "start() argument 2 must be dict, not %.200s",
                            args[1] == Py_None ? "None" : Py_TYPE(args[1])->tp_name);
    return kr_builder_start(self, args[0], args[1]);
}

PyDoc_STRVAR(data_doc, "data($self, data, /)\n--\n\nAdd text at the current place.");
static PyObject *builder_data(PyObject *self, PyObject *data) {
    if (kr_builder_data(self, data) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(end_doc, "end($self, tag, /)\n--\n\nEnd the element that began last, and return it.");
PyDoc_STRVAR(comment_doc, "comment($self, text, /)\n--\n\nMake a comment; it becomes part of the tree only if wanted.");
PyDoc_STRVAR(pi_doc, "pi($self, target, text=None, /)\n--\n\n"
                     "Make a processing instruction; it becomes part of the tree only if wanted.");

static PyObject *builder_pi(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("pi", nargs, 1, 2)) return NULL;
    return kr_builder_pi(self, args[0], nargs > 1 ? args[1] : Py_None);
}

static PyMethodDef builder_methods[] = {
    {"data", builder_data, METH_O, data_doc},
    {"start", FASTCALL(builder_start), METH_FASTCALL, start_doc},
    {"end", kr_builder_end, METH_O, end_doc},
    {"comment", kr_builder_comment, METH_O, comment_doc},
    {"pi", FASTCALL(builder_pi), METH_FASTCALL, pi_doc},
    {"close", kr_builder_close, METH_NOARGS, close_doc},
    {NULL},
};

PyTypeObject kr_tree_builder_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "xml.etree.ElementTree.TreeBuilder",
    .tp_basicsize = sizeof(TreeBuilder),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = builder_new,
    .tp_init = builder_init,
    .tp_dealloc = builder_dealloc,
    .tp_traverse = builder_traverse,
    .tp_clear = builder_clear,
    .tp_methods = builder_methods,
};
