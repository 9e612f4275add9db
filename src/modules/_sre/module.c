/* The module _sre: regular expressions; the part of the module re in C. */
#include <Python.h>

#include "modules/_sre/sre.h"

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

PyDoc_STRVAR(getcodesize_doc, "getcodesize($module, /)\n--\n\nReturn the number of bytes of a number in code lists.");

static PyObject *sre_getcodesize(PyObject *module, PyObject *unused) { return PyLong_FromLong(SRE_CODE_SIZE); }

/* Reads a character number as a C int. Returns false with an exception. */
static bool read_character(PyObject *object, int *character) {
    *character = _PyLong_AsInt(object);
    return *character != -1 || !PyErr_Occurred();
}

static bool is_cased(Py_UCS4 ch, Py_UCS4 lower) { return ch != lower || ch != Py_UNICODE_TOUPPER(ch); }

PyDoc_STRVAR(ascii_iscased_doc, "ascii_iscased($module, character, /)\n--\n\nTell whether the character is an ASCII letter.");

static PyObject *sre_ascii_iscased(PyObject *module, PyObject *argument) {
    int character;
    if (!read_character(argument, &character)) return NULL;
    Py_UCS4 ch = (Py_UCS4)character;
    return PyBool_FromLong(ch < 128 && Py_ISALPHA(ch));
}

PyDoc_STRVAR(unicode_iscased_doc, "unicode_iscased($module, character, /)\n--\n\n"
                                  "Tell whether the character has another case.");

static PyObject *sre_unicode_iscased(PyObject *module, PyObject *argument) {
    int character;
    if (!read_character(argument, &character)) return NULL;
    Py_UCS4 ch = (Py_UCS4)character;
    return PyBool_FromLong(is_cased(ch, kr_sre_lower(CASE_UNICODE, ch)));
}

PyDoc_STRVAR(ascii_tolower_doc, "ascii_tolower($module, character, /)\n--\n\n"
                                "Return the character in lower case if it is an ASCII letter.");

static PyObject *sre_ascii_tolower(PyObject *module, PyObject *argument) {
    int character;
    if (!read_character(argument, &character)) return NULL;
    return PyLong_FromLong((int)kr_sre_lower(CASE_ASCII, (Py_UCS4)character));
}

PyDoc_STRVAR(unicode_tolower_doc, "unicode_tolower($module, character, /)\n--\n\nReturn the character in lower case.");

static PyObject *sre_unicode_tolower(PyObject *module, PyObject *argument) {
    int character;
    if (!read_character(argument, &character)) return NULL;
    return PyLong_FromLong((int)kr_sre_lower(CASE_UNICODE, (Py_UCS4)character));
}

PyDoc_STRVAR(compile_doc, "compile($module, /, pattern, flags, code, groups, groupindex,\n        indexgroup)\n--\n\n"
                          "Return a Pattern with the code that re._compiler made.");

static PyMethodDef sre_functions[] = {
    {"compile", FASTCALL(kr_sre_compile), METH_FASTCALL | METH_KEYWORDS, compile_doc},
    {"getcodesize", sre_getcodesize, METH_NOARGS, getcodesize_doc},
    {"ascii_iscased", sre_ascii_iscased, METH_O, ascii_iscased_doc},
    {"unicode_iscased", sre_unicode_iscased, METH_O, unicode_iscased_doc},
    {"ascii_tolower", sre_ascii_tolower, METH_O, ascii_tolower_doc},
    {"unicode_tolower", sre_unicode_tolower, METH_O, unicode_tolower_doc},
    {NULL},
};

static PyTypeObject *make_type(PyObject *module, PyType_Spec *spec) {
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
}

static int sre_exec(PyObject *module) {
    SreState *state = PyModule_GetState(module);
    if ((state->pattern_type = make_type(module, &kr_sre_pattern_spec)) == NULL ||
        (state->match_type = make_type(module, &kr_sre_match_spec)) == NULL ||
        (state->scanner_type = make_type(module, &kr_sre_scanner_spec)) == NULL)
        return -1;
    PyObject *repeat = PyLong_FromUnsignedLong(SRE_MAX_REPEAT);
    int failed = repeat == NULL || PyModule_AddObjectRef(module, "MAXREPEAT", repeat) < 0;
    Py_XDECREF(repeat);
    if (failed || PyModule_AddIntConstant(module, "MAGIC", SRE_MAGIC) < 0 ||
        PyModule_AddIntConstant(module, "CODESIZE", SRE_CODE_SIZE) < 0 ||
        PyModule_AddIntConstant(module, "MAXGROUPS", SRE_MAX_GROUPS) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "copyright", "Krait's regular expression engine");
}

static int sre_traverse(PyObject *module, visitproc visit, void *arg) {
    SreState *state = PyModule_GetState(module);
    Py_VISIT(state->pattern_type);
    Py_VISIT(state->match_type);
    Py_VISIT(state->scanner_type);
    return 0;
}

static int sre_clear(PyObject *module) {
    SreState *state = PyModule_GetState(module);
    Py_CLEAR(state->pattern_type);
    Py_CLEAR(state->match_type);
    Py_CLEAR(state->scanner_type);
    return 0;
}

static void sre_free(void *module) { sre_clear(module); }

static PyModuleDef_Slot sre_slots[] = {{Py_mod_exec, sre_exec}, {0, NULL}};

static struct PyModuleDef sre_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_sre",
    .m_size = sizeof(SreState),
    .m_methods = sre_functions,
    .m_slots = sre_slots,
    .m_traverse = sre_traverse,
    .m_clear = sre_clear,
    .m_free = sre_free,
};

PyMODINIT_FUNC PyInit__sre(void) { return PyModuleDef_Init(&sre_module); }
