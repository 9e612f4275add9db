/* _opcode: what the compiler knows about instructions. */
#include <Python.h>

#include "compile/opcodes.h"

PyDoc_STRVAR(stack_effect_doc,
             "stack_effect($module, opcode, oparg=None, /, *, jump=None)\n--\n\n"
             "Return by how many entries an instruction makes the operand stack larger.\n\n"
             "With jump true or false, the effect if it jumps or does not; without, the larger of both.");

static PyObject *stack_effect(PyObject *module, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    static const char *const names[] = {"", "", "jump", NULL};
    static _PyArg_Parser parser = {NULL, names, "stack_effect", 0};
    PyObject *buffer[3] = {NULL};
    Py_ssize_t given = count + (keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords));
    arguments = _PyArg_UnpackKeywords(arguments, count, NULL, keywords, &parser, 1, 2, 0, buffer);
    if (arguments == NULL) return NULL;
    PyObject *operand = given > 1 && arguments[1] != NULL ? arguments[1] : Py_None;
    PyObject *jumps = given > count && arguments[2] != NULL ? arguments[2] : Py_None;
    int opcode = _PyLong_AsInt(arguments[0]), argument = 0, jump;
    if (opcode == -1 && PyErr_Occurred()) return NULL;
    if (opcode >= OP_HAVE_ARGUMENT) {
        if (operand == Py_None) {
            PyErr_SetString(PyExc_ValueError, "stack_effect: opcode requires oparg but oparg was not specified");
            return NULL;
        }
        argument = (int)PyLong_AsLong(operand);
        if (argument == -1 && PyErr_Occurred()) return NULL;
    } else if (operand != Py_None) {
        PyErr_SetString(PyExc_ValueError, "stack_effect: opcode does not permit oparg but oparg was specified");
        return NULL;
    }
    if (jumps == Py_None) {
        jump = -1;
    } else if (jumps == Py_True || jumps == Py_False) {
        jump = jumps == Py_True;
    } else {
        PyErr_SetString(PyExc_ValueError, "stack_effect: jump must be False, True or None");
        return NULL;
    }
    int is_known = opcode >= 0 && opcode < 256 && kr_opcode_name[opcode] != NULL;
    int effect = is_known ? PyCompile_OpcodeStackEffectWithJump(opcode, argument, jump) : PY_INVALID_STACK_EFFECT;
    if (effect == PY_INVALID_STACK_EFFECT) {
        PyErr_SetString(PyExc_ValueError, "invalid opcode or oparg");
        return NULL;
    }
    return PyLong_FromLong(effect);
}

PyDoc_STRVAR(specialization_stats_doc,
             "get_specialization_stats($module, /)\n--\n\n"
             "Return None: no statistics are kept.");

static PyObject *get_specialization_stats(PyObject *module, PyObject *ignored) { Py_RETURN_NONE; }

static PyMethodDef functions[] = {
    {"stack_effect", (PyCFunction)(void (*)(void))stack_effect, METH_FASTCALL | METH_KEYWORDS, stack_effect_doc},
    {"get_specialization_stats", get_specialization_stats, METH_NOARGS, specialization_stats_doc},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_opcode",
    .m_doc = "What the compiler knows about instructions.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__opcode(void) { return PyModuleDef_Init(&definition); }
