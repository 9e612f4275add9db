/* The module _elementtree, behind xml.etree.ElementTree. */
#include <Python.h>

#include "modules/_elementtree/elementtree.h"

ElementTreeState kr_element_tree;

PyDoc_STRVAR(set_factories_doc, "_set_factories($module, comment_factory, pi_factory, /)\n--\n\n"
                                "Choose what makes comments and processing instructions; returns the pair before.");

static int check_factory(PyObject *factory, const char *what) {
    if (factory == Py_None || PyCallable_Check(factory)) return 0;
    PyErr_Format(PyExc_TypeError, "%s factory must be callable, not %.100s", what, Py_TYPE(factory)->tp_name);
    return -1;
}

static PyObject *set_factories(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("_set_factories", nargs, 2, 2) || check_factory(args[0], "Comment") < 0 ||
        check_factory(args[1], "PI") < 0)
        return NULL;
    ElementTreeState *state = &kr_element_tree;
    PyObject *before = PyTuple_Pack(2, state->comment_factory != NULL ? state->comment_factory : Py_None,
                                    state->pi_factory != NULL ? state->pi_factory : Py_None);
    if (before == NULL) return NULL;
    Py_XSETREF(state->comment_factory, args[0] != Py_None ? Py_NewRef(args[0]) : NULL);
    Py_XSETREF(state->pi_factory, args[1] != Py_None ? Py_NewRef(args[1]) : NULL);
    return before;
}

PyDoc_STRVAR(sub_element_doc, "SubElement(parent, tag, attrib={}, **extra): a new element, added to the parent.");

static PyMethodDef functions[] = {
    {"SubElement", FASTCALL(kr_sub_element), METH_VARARGS | METH_KEYWORDS, sub_element_doc},
    {"_set_factories", FASTCALL(set_factories), METH_FASTCALL, set_factories_doc},
    {NULL},
};

/* The last copy of the module that is released takes the state with it. */
static void module_free(void *module) {
    ElementTreeState *state = &kr_element_tree;
    if (--state->modules > 0) return;
    Py_CLEAR(state->parse_error);
    Py_CLEAR(state->comment_factory);
    Py_CLEAR(state->pi_factory);
}

static int execute(PyObject *module) {
    ElementTreeState *state = &kr_element_tree;
    state->modules++;
    if (PyType_Ready(&kr_element_iterator_type) < 0 || kr_xml_parser_prepare() < 0) return -1;
    if (state->parse_error == NULL) {
        state->parse_error = PyErr_NewException("xml.etree.ElementTree.ParseError", PyExc_SyntaxError, NULL);
        if (state->parse_error == NULL) return -1;
    }
    if (PyModule_AddObjectRef(module, "ParseError", state->parse_error) < 0 ||
        PyModule_AddType(module, &kr_element_type) < 0 || PyModule_AddType(module, &kr_tree_builder_type) < 0 ||
        PyModule_AddType(module, &kr_xml_parser_type) < 0)
        return -1;
    return 0;
}

void kr_element_tree_finalize(void) {
    Py_CLEAR(kr_element_tree.parse_error);
    Py_CLEAR(kr_element_tree.comment_factory);
    Py_CLEAR(kr_element_tree.pi_factory);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_elementtree",
    .m_methods = functions,
    .m_slots = slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__elementtree(void) { return PyModuleDef_Init(&definition); }
