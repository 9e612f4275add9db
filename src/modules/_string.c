/* The `_string` module: how str.format cuts up its formats, for string.Formatter. */
#include <Python.h>

#include "types/str/str.h"

PyDoc_STRVAR(parser_doc, "Iterator over (literal, field name, format spec, conversion) of a format string.");
static PyObject *formatter_parser(PyObject *module, PyObject *text) { return kr_str_formatter_parser(text); }

PyDoc_STRVAR(split_doc, "(first part, iterator over (is attribute, name)) of a field name.");
static PyObject *formatter_field_name_split(PyObject *module, PyObject *text) {
    return kr_str_formatter_field_name_split(text);
}

static PyMethodDef functions[] = {
    {"formatter_field_name_split", formatter_field_name_split, METH_O, split_doc},
    {"formatter_parser", formatter_parser, METH_O, parser_doc},
    {NULL},
};

static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_string",
    .m_doc = "Helpers of the string module.",
    .m_methods = functions,
    .m_slots = (PyModuleDef_Slot[]){{0, NULL}},
};

PyMODINIT_FUNC PyInit__string(void) { return PyModuleDef_Init(&module_definition); }
