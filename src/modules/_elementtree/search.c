/* Searching elements: find() and its relatives, and the iterator behind iter() and itertext(). */
#include <Python.h>

#include "modules/_elementtree/elementtree.h"
#include "object/names.h"

/* ---- find, findtext, findall, iterfind ---- */

/* Whether an argument is more than a plain tag, so that the module ElementPath has to read it. Signs within the braces
 * of a namespace mean nothing, but {*} and {} do. */
static int is_path(PyObject *path) {
    Py_ssize_t length;
    int outside = 1, kind = PyUnicode_1BYTE_KIND;
    const void *data;
    if (PyUnicode_Check(path) && PyUnicode_READY(path) == 0) {
        length = PyUnicode_GET_LENGTH(path);
        kind = PyUnicode_KIND(path);
        data = PyUnicode_DATA(path);
    } else if (PyBytes_Check(path)) {
        length = PyBytes_GET_SIZE(path);
        data = PyBytes_AS_STRING(path);
    } else {
        return 1;
    }
    if (length >= 3 && PyUnicode_READ(kind, data, 0) == '{' &&
        (PyUnicode_READ(kind, data, 1) == '}' || PyUnicode_READ(kind, data, 1) == '*'))
        return 1;
    for (Py_ssize_t i = 0; i < length; i++) {
        switch (PyUnicode_READ(kind, data, i)) {
        case '{': outside = 0; break;
        case '}': outside = 1; break;
        case '/':
        case '*':
        case '[':
        case '@':
        case '.':
            if (outside) return 1;
        }
    }
    return 0;
}

static PyObject *call_path(PyObject *name, PyObject *self, PyObject *path, PyObject *third, PyObject *fourth) {
    PyObject *module = PyImport_ImportModule("xml.etree.ElementPath");
    if (module == NULL) return NULL;
    PyObject *result = PyObject_CallMethodObjArgs(module, name, self, path, third, fourth, NULL);
    Py_DECREF(module);
    return result;
}

/* Compares two tags; returns 1, 0 or -1. */
static inline int same_tag(PyObject *a, PyObject *b) {
    if (a == b) return 1;
    if (PyUnicode_CheckExact(a) && PyUnicode_CheckExact(b))
        return PyUnicode_GET_LENGTH(a) == PyUnicode_GET_LENGTH(b) && _PyUnicode_EQ(a, b);
    Py_INCREF(a);
    int equal = PyObject_RichCompareBool(a, b, Py_EQ);
    Py_DECREF(a);
    return equal;
}

/* Whether the child at an index has the tag. It is returned in *child, a new reference, in any case. -1 on error. */
static int child_matches(Element *self, Py_ssize_t index, PyObject *tag, Element **child) {
    *child = ELEMENT(Py_NewRef(self->extra->children[index]));
    return same_tag((*child)->tag, tag);
}

/* The first child with a tag: a new reference; NULL if there is none, or with an exception. */
static Element *first_child(Element *self, PyObject *tag) {
    for (Py_ssize_t i = 0; i < element_length(self); i++) {
        Element *child;
        int equal = child_matches(self, i, tag, &child);
        if (equal > 0) return child;
        Py_DECREF(child);
        if (equal < 0) return NULL;
    }
    return NULL;
}

/* The arguments (path, namespaces=None) of all but findtext(). */
static int path_arguments(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, _PyArg_Parser *parser, PyObject **path,
                          PyObject **namespaces) {
    PyObject *slots[2] = {NULL, NULL};
    Py_ssize_t given = nargs + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0);
    if ((args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 1, 2, 0, slots)) == NULL) return -1;
    *path = args[0];
    *namespaces = given > 1 ? args[1] : Py_None;
    return 0;
}

static const char *const path_keywords[] = {"path", "namespaces", NULL};

PyObject *kr_element_find(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = path_keywords, .fname = "find"};
    PyObject *path, *namespaces;
    if (path_arguments(args, nargs, kwnames, &parser, &path, &namespaces) < 0) return NULL;
    if (namespaces != Py_None || is_path(path)) return call_path(KR_NAME(find), self, path, namespaces, NULL);
    Element *child = first_child(ELEMENT(self), path);
    if (child == NULL && !PyErr_Occurred()) Py_RETURN_NONE;
    return (PyObject *)child;
}

PyObject *kr_element_findtext(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"path", "default", "namespaces", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "findtext"};
    PyObject *slots[3] = {NULL, NULL, NULL};
    Py_ssize_t given = nargs + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0);
    if ((args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 3, 0, slots)) == NULL) return NULL;
    int only_positional = given == nargs;
    PyObject *fallback = only_positional && nargs < 2 ? NULL : args[1];
    PyObject *namespaces = only_positional && nargs < 3 ? NULL : args[2];
    if (fallback == NULL) fallback = Py_None;
    if (namespaces == NULL) namespaces = Py_None;
    if (namespaces != Py_None || is_path(args[0]))
        return call_path(KR_NAME(findtext), self, args[0], fallback, namespaces);
    Element *child = first_child(ELEMENT(self), args[0]);
    if (child == NULL) return PyErr_Occurred() ? NULL : Py_NewRef(fallback);
    PyObject *text = child->text == Py_None ? PyUnicode_FromString("") : Py_NewRef(child->text);
    Py_DECREF(child);
    return text;
}

PyObject *kr_element_findall(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = path_keywords, .fname = "findall"};
    PyObject *path, *namespaces;
    if (path_arguments(args, nargs, kwnames, &parser, &path, &namespaces) < 0) return NULL;
    if (namespaces != Py_None || is_path(path)) return call_path(KR_NAME(findall), self, path, namespaces, NULL);
    PyObject *found = PyList_New(0);
    for (Py_ssize_t i = 0; found != NULL && i < element_length(ELEMENT(self)); i++) {
        Element *child;
        int equal = child_matches(ELEMENT(self), i, path, &child);
        if (equal < 0 || (equal > 0 && PyList_Append(found, (PyObject *)child) < 0)) Py_CLEAR(found);
        Py_DECREF(child);
    }
    return found;
}

PyObject *kr_element_iterfind(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = path_keywords, .fname = "iterfind"};
    PyObject *path, *namespaces;
    if (path_arguments(args, nargs, kwnames, &parser, &path, &namespaces) < 0) return NULL;
    return call_path(KR_NAME(iterfind), self, path, namespaces, NULL);
}

/* ---- The iterator ---- */

typedef struct {
    Element *element;
    Py_ssize_t next_child;
} Level;

/* Walks in document order. levels[] is the path from the root to the element whose children are being visited; children
 * may come and go meanwhile. */
typedef struct {
    PyObject_HEAD
    Level *levels;
    Py_ssize_t depth, allocated;
    Element *root; /* NULL once it was visited */
    PyObject *tag; /* None stands for any */
    int texts;     /* give texts, not elements */
} ElementIterator;

#define ITERATOR(object) ((ElementIterator *)(object))

static PyObject *make_iterator(PyObject *root, PyObject *tag, int texts) {
    ElementIterator *self = PyObject_GC_New(ElementIterator, &kr_element_iterator_type);
    if (self == NULL) return NULL;
    self->levels = NULL;
    self->depth = self->allocated = 0;
    self->root = ELEMENT(Py_NewRef(root));
    self->tag = Py_NewRef(tag);
    self->texts = texts;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* Steals the element; returns 0 or -1. */
static int push(ElementIterator *self, Element *element) {
    if (self->depth == self->allocated) {
        Py_ssize_t size = self->allocated > 0 ? self->allocated * 2 : 8;
        Level *levels = PyMem_Realloc(self->levels, (size_t)size * sizeof *levels);
        if (levels == NULL) {
            Py_DECREF(element);
            PyErr_NoMemory();
            return -1;
        }
        self->levels = levels;
        self->allocated = size;
    }
    self->levels[self->depth++] = (Level){element, 0};
    return 0;
}

static PyObject *iterator_next(PyObject *object) {
    ElementIterator *self = ITERATOR(object);
    for (;;) {
        Element *element = NULL;
        PyObject *text = NULL;
        if (self->depth == 0) {
            if (self->root == NULL) return NULL;
            element = self->root;
            self->root = NULL;
        } else {
            Level *top = &self->levels[self->depth - 1];
            if (top->next_child < element_length(top->element)) {
                element = ELEMENT(Py_NewRef(top->element->extra->children[top->next_child++]));
            } else {
                Element *left = top->element;
                self->depth--;
                if (self->texts && self->depth > 0) text = Py_NewRef(left->tail);
                Py_DECREF(left);
                if (text == NULL) continue;
            }
        }
        if (element != NULL) {
            if (push(self, element) < 0) return NULL;
            if (self->texts) {
                text = Py_NewRef(element->text);
            } else {
                if (self->tag == Py_None || element->tag == self->tag) return Py_NewRef(element);
                Py_INCREF(element);
                int equal = same_tag(element->tag, self->tag);
                if (equal > 0) return (PyObject *)element;
                Py_DECREF(element);
                if (equal < 0) return NULL;
                continue;
            }
        }
        int true_text = text != Py_None ? PyObject_IsTrue(text) : 0;
        if (true_text > 0) return text;
        Py_DECREF(text);
        if (true_text < 0) return NULL;
    }
}

static int iterator_traverse(PyObject *object, visitproc visit, void *arg) {
    ElementIterator *self = ITERATOR(object);
    for (Py_ssize_t i = 0; i < self->depth; i++) Py_VISIT(self->levels[i].element);
    Py_VISIT(self->root);
    Py_VISIT(self->tag);
    return 0;
}

static void iterator_dealloc(PyObject *object) {
    ElementIterator *self = ITERATOR(object);
    PyObject_GC_UnTrack(self);
    while (self->depth > 0) Py_DECREF(self->levels[--self->depth].element);
    PyMem_Free(self->levels);
    Py_XDECREF(self->root);
    Py_XDECREF(self->tag);
    PyObject_GC_Del(self);
}

PyTypeObject kr_element_iterator_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_elementtree._element_iterator",
    .tp_basicsize = sizeof(ElementIterator),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = iterator_dealloc,
    .tp_traverse = iterator_traverse,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = iterator_next,
};

PyObject *kr_element_iter(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"tag", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "iter"};
    PyObject *slots[1] = {NULL}, *tag = Py_None;
    if (nargs > 0 || kwnames != NULL) {
        if ((args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 1, 0, slots)) == NULL) return NULL;
        tag = args[0] != NULL ? args[0] : Py_None;
    }
    if ((PyUnicode_Check(tag) && _PyUnicode_EqualToASCIIString(tag, "*")) ||
        (PyBytes_Check(tag) && PyBytes_GET_SIZE(tag) == 1 && *PyBytes_AS_STRING(tag) == '*'))
        tag = Py_None;
    return make_iterator(self, tag, 0);
}

PyObject *kr_element_itertext(PyObject *self, PyObject *unused) { return make_iterator(self, Py_None, 1); }
