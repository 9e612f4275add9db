/* _symtable: the compiler's symbol table, for the symtable module. */
#include <Python.h>

#include "compile/compile.h"
#include "compile/symbol_table.h"
#include "modules/constants.h"
#include "syntax/parse.h"

/* Gives access to the text of a program. Returns NULL with an exception; otherwise *owner keeps the text alive. */
static const char *source_text(PyObject *source, PyCompilerFlags *flags, Py_ssize_t *length, PyObject **owner) {
    const char *text;
    if (PyUnicode_Check(source)) {
        flags->cf_flags |= PyCF_IGNORE_COOKIE;
        text = PyUnicode_AsUTF8AndSize(source, length);
        *owner = Py_NewRef(source);
    } else if (PyObject_CheckBuffer(source)) {
        *owner = PyBytes_FromObject(source);
        if (*owner == NULL) return NULL;
        text = PyBytes_AS_STRING(*owner);
        *length = PyBytes_GET_SIZE(*owner);
    } else {
        PyErr_SetString(PyExc_TypeError, "symtable() arg 1 must be a string or bytes object");
        return NULL;
    }
    if (text != NULL && strlen(text) != (size_t)*length) {
        PyErr_SetString(PyExc_ValueError, "source code string cannot contain null bytes");
        text = NULL;
    }
    if (text == NULL) Py_CLEAR(*owner);
    return text;
}

PyDoc_STRVAR(symtable_doc,
             "symtable($module, source, filename, startstr, /)\n--\n\n"
             "Return the symbol table of a program.\n\n"
             "startstr is 'exec', 'eval' or 'single'.");

static PyObject *symtable(PyObject *module, PyObject *const *arguments, Py_ssize_t count) {
    static const struct {
        const char *name;
        KrParseMode mode;
    } modes[] = {{"exec", KR_PARSE_FILE}, {"eval", KR_PARSE_EXPRESSION}, {"single", KR_PARSE_INTERACTIVE}};
    PyObject *filename = NULL, *owner = NULL, *result = NULL;
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    Py_ssize_t length, mode_length;
    if (!_PyArg_CheckPositional("symtable", count, 3, 3)) return NULL;
    if (!PyUnicode_FSDecoder(arguments[1], &filename)) return NULL;
    KrArena *arena = NULL;
    if (!PyUnicode_Check(arguments[2])) {
        PyErr_Format(PyExc_TypeError, "symtable() argument 3 must be str, not %.50s",
                     arguments[2] == Py_None ? "None" : Py_TYPE(arguments[2])->tp_name);
        goto done;
    }
    const char *mode = PyUnicode_AsUTF8AndSize(arguments[2], &mode_length);
    if (mode == NULL) goto done;
    if (strlen(mode) != (size_t)mode_length) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        goto done;
    }
    const char *text = source_text(arguments[0], &flags, &length, &owner);
    if (text == NULL) goto done;
    size_t i = 0;
    while (i < Py_ARRAY_LENGTH(modes) && strcmp(mode, modes[i].name) != 0) i++;
    if (i == Py_ARRAY_LENGTH(modes)) {
        PyErr_SetString(PyExc_ValueError, "symtable() arg 3 must be 'exec' or 'eval' or 'single'");
        goto done;
    }
    arena = kr_arena_new();
    if (arena == NULL) goto done;
    KrNode *tree = kr_parse(text, (size_t)length, filename, modes[i].mode, &flags, arena);
    if (tree != NULL) result = kr_symbol_table_object(tree, filename, &flags);
done:
    kr_arena_free(arena);
    Py_XDECREF(owner);
    Py_XDECREF(filename);
    return result;
}

static PyMethodDef functions[] = {
    {"symtable", (PyCFunction)(void (*)(void))symtable, METH_FASTCALL, symtable_doc},
    {NULL, NULL, 0, NULL},
};

static int symtable_exec(PyObject *module) {
    static const KrConstant constants[] = {
        {"USE", KR_USE},
        {"DEF_GLOBAL", KR_DEF_GLOBAL},
        {"DEF_NONLOCAL", KR_DEF_NONLOCAL},
        {"DEF_LOCAL", KR_DEF_LOCAL},
        {"DEF_PARAM", KR_DEF_PARAM},
        {"DEF_FREE", KR_DEF_FREE},
        {"DEF_FREE_CLASS", KR_DEF_FREE_CLASS},
        {"DEF_IMPORT", KR_DEF_IMPORT},
        {"DEF_BOUND", KR_DEF_BOUND},
        {"DEF_ANNOT", KR_DEF_ANNOT},
        {"TYPE_FUNCTION", KR_SCOPE_FUNCTION},
        {"TYPE_CLASS", KR_SCOPE_CLASS},
        {"TYPE_MODULE", KR_SCOPE_MODULE},
        {"LOCAL", KR_LOCAL},
        {"GLOBAL_EXPLICIT", KR_GLOBAL_EXPLICIT},
        {"GLOBAL_IMPLICIT", KR_GLOBAL_IMPLICIT},
        {"FREE", KR_FREE},
        {"CELL", KR_CELL},
        {"SCOPE_OFF", KR_SCOPE_SHIFT},
        {"SCOPE_MASK", KR_SCOPE_MASK},
    };
    return KR_ADD_CONSTANTS(module, constants);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, symtable_exec},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_symtable",
    .m_doc = "The compiler's symbol table; see the symtable module.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__symtable(void) { return PyModuleDef_Init(&definition); }
