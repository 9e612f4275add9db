/* cell: the box through which a closure and its functions share a variable. */
#include <Python.h>

#include "collector/collector.h"

PyObject *PyCell_New(PyObject *content) {
    PyCellObject *self = kr_gc_alloc(sizeof(PyCellObject));
    if (self == NULL) return PyErr_NoMemory();
    kr_header_init((PyObject *)self, &PyCell_Type);
    self->ob_ref = Py_XNewRef(content);
    kr_gc_track(self);
    return (PyObject *)self;
}

PyObject *PyCell_Get(PyObject *cell) {
    if (!PyCell_Check(cell)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    return Py_XNewRef(PyCell_GET(cell));
}

int PyCell_Set(PyObject *cell, PyObject *content) {
    if (!PyCell_Check(cell)) {
        PyErr_BadInternalCall();
        return -1;
    }
    Py_XSETREF(((PyCellObject *)cell)->ob_ref, Py_XNewRef(content));
    return 0;
}

static PyObject *cell_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    PyObject *content = NULL;
    if (!_PyArg_NoKeywords("cell", kwargs) || !PyArg_UnpackTuple(args, "cell", 0, 1, &content)) return NULL;
    return PyCell_New(content);
}

static void cell_dealloc(PyCellObject *self) {
    kr_gc_untrack(self);
    Py_XDECREF(self->ob_ref);
    kr_gc_free(self);
}

static int cell_traverse(PyCellObject *self, visitproc visit, void *arg) {
    Py_VISIT(self->ob_ref);
    return 0;
}

static int cell_clear(PyCellObject *self) {
    Py_CLEAR(self->ob_ref);
    return 0;
}

static PyObject *cell_repr(PyCellObject *self) {
    if (self->ob_ref == NULL) return PyUnicode_FromFormat("<cell at %p: empty>", self);
    return PyUnicode_FromFormat("<cell at %p: %.80s object at %p>", self, Py_TYPE(self->ob_ref)->tp_name, self->ob_ref);
}

/* Cells compare by their contents; an empty one is less than any other. */
static PyObject *cell_richcompare(PyObject *a, PyObject *b, int op) {
    if (!PyCell_Check(a) || !PyCell_Check(b)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *left = PyCell_GET(a), *right = PyCell_GET(b);
    if (left != NULL && right != NULL) return PyObject_RichCompare(left, right, op);
    Py_RETURN_RICHCOMPARE(right == NULL, left == NULL, op);
}

static PyObject *cell_get_contents(PyCellObject *self, void *closure) {
    if (self->ob_ref != NULL) return Py_NewRef(self->ob_ref);
    PyErr_SetString(PyExc_ValueError, "Cell is empty");
    return NULL;
}

static int cell_set_contents(PyCellObject *self, PyObject *content, void *closure) {
    Py_XSETREF(self->ob_ref, Py_XNewRef(content));
    return 0;
}

static PyGetSetDef cell_getsets[] = {
    {"cell_contents", (getter)cell_get_contents, (setter)cell_set_contents},
    {NULL},
};

PyTypeObject PyCell_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "cell",
    .tp_basicsize = sizeof(PyCellObject),
    .tp_dealloc = (destructor)cell_dealloc,
    .tp_repr = (reprfunc)cell_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "cell([contents])\n--\n\n"
              "A variable that a function shares with those defined inside it.\n\n"
              "Without an argument the cell is empty; cell_contents raises ValueError then.",
    .tp_traverse = (traverseproc)cell_traverse,
    .tp_clear = (inquiry)cell_clear,
    .tp_richcompare = cell_richcompare,
    .tp_getset = cell_getsets,
    .tp_new = cell_new,
};
