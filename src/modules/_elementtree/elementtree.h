/* What the files of the module _elementtree share.
 *
 * An element's attributes and children live in a separate block that exists only if there are any. text and tail are
 * never NULL: None stands for no text. Children are always elements; attrib is NULL (none yet) or a dict.
 */
#ifndef KR_MODULES_ELEMENTTREE_ELEMENTTREE_H
#define KR_MODULES_ELEMENTTREE_ELEMENTTREE_H

#include <Python.h>

enum { INLINE_CHILDREN = 4 };

typedef struct {
    PyObject *attrib;
    Py_ssize_t length, allocated;
    PyObject **children; /* `inline_children` while they suffice */
    PyObject *inline_children[INLINE_CHILDREN];
} ElementExtra;

typedef struct {
    PyObject_HEAD
    PyObject *tag, *text, *tail;
    ElementExtra *extra;
    PyObject *weak_references;
} Element;

extern PyTypeObject kr_element_type, kr_element_iterator_type, kr_tree_builder_type, kr_xml_parser_type;

#define ELEMENT(object) ((Element *)(object))
#define ELEMENT_CHECK(object) PyObject_TypeCheck(object, &kr_element_type)
#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

/* What importing the module, and ElementTree's call of _set_factories(), left behind. */
typedef struct {
    PyObject *parse_error;     /* the exception */
    PyObject *comment_factory; /* or NULL */
    PyObject *pi_factory;      /* or NULL */
    int modules;               /* copies of the module that exist */
} ElementTreeState;

extern ElementTreeState kr_element_tree;

/* The exception, even after the module is gone, when parsers may still exist. */
static inline PyObject *parse_error(void) {
    return kr_element_tree.parse_error != NULL ? kr_element_tree.parse_error : PyExc_SyntaxError;
}

/* ---- element.c ---- */

/* A new element; attrib is a dict, which the element keeps, or NULL. */
PyObject *kr_element_new(PyObject *tag, PyObject *attrib);

/* Appends a child. Returns 0 or -1. */
int kr_element_append(Element *self, PyObject *child);

static inline Py_ssize_t element_length(const Element *self) { return self->extra != NULL ? self->extra->length : 0; }

/* The module's function SubElement(). */
PyObject *kr_sub_element(PyObject *module, PyObject *args, PyObject *kwargs);

/* ---- search.c: the methods that find and list descendants ---- */

PyObject *kr_element_find(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
PyObject *kr_element_findtext(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
PyObject *kr_element_findall(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
PyObject *kr_element_iterfind(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
PyObject *kr_element_iter(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
PyObject *kr_element_itertext(PyObject *self, PyObject *unused);

/* ---- builder.c: what the parser calls; each returns what the method returns, or NULL ---- */

PyObject *kr_builder_new(void);
PyObject *kr_builder_start(PyObject *self, PyObject *tag, PyObject *attrib); /* attrib may be NULL */
PyObject *kr_builder_end(PyObject *self, PyObject *tag);
PyObject *kr_builder_comment(PyObject *self, PyObject *text);
PyObject *kr_builder_pi(PyObject *self, PyObject *target, PyObject *text);
PyObject *kr_builder_close(PyObject *self, PyObject *unused);
int kr_builder_data(PyObject *self, PyObject *data);

/* Events that a pull parser reports, in this order the names "start" ... "pi". */
typedef enum { EVENT_START, EVENT_END, EVENT_START_NS, EVENT_END_NS, EVENT_COMMENT, EVENT_PI, EVENT_COUNT } BuilderEvent;

/* Chooses the events to report (bits of 1 << BuilderEvent) and what to call with them. Steals `append`. */
int kr_builder_report(PyObject *self, PyObject *append, unsigned events);
const char *kr_builder_event_name(BuilderEvent event);

/* Reports an event if it was asked for. Returns 0 or -1. */
int kr_builder_event(PyObject *self, BuilderEvent event, PyObject *value);

/* ---- parser.c ---- */

/* Finds the library Expat through the module pyexpat. Returns 0, or -1 with ImportError. */
int kr_xml_parser_prepare(void);

#endif
