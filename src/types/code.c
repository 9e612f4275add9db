/* Code objects: construction, comparison, attributes and the `code` type. Places in the source: code_locations.c. */
#include <Python.h>
#include <opcode.h>
#include <stddef.h>
#include <structmember.h>

#include "object/runtime.h"
#include "types/code.h"
#include "types/constant.h"

static struct {
    freefunc extra_free[MAX_CO_EXTRA_USERS]; /* how to release the extra data at an index, may be NULL */
    Py_ssize_t extra_count;
    int drops_columns;
} state;

/* The extra data that tools attach to a code object. */
typedef struct Extra {
    Py_ssize_t count;
    void *items[];
} Extra;

void kr_code_drop_columns(void) { state.drops_columns = 1; }

/* Construction */

/* Interns strings in place. Returns 0, or -1 with SystemError if another object is among them. */
static int intern_names(PyObject *tuple) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject *name = PyTuple_GET_ITEM(tuple, i);
        if (name == NULL || !PyUnicode_CheckExact(name)) {
            PyErr_SetString(PyExc_SystemError, "non-string found in code slot");
            return -1;
        }
        if (!PyUnicode_CHECK_INTERNED(name)) PyUnicode_InternInPlace(&((PyTupleObject *)tuple)->ob_item[i]);
    }
    return 0;
}

static int looks_like_name(PyObject *text) {
    if (!PyUnicode_IS_ASCII(text)) return 0;
    const Py_UCS1 *c = PyUnicode_1BYTE_DATA(text), *end = c + PyUnicode_GET_LENGTH(text);
    for (; c < end; c++)
        if (!Py_ISALNUM(*c) && *c != '_') return 0;
    return 1;
}

/* Interns the strings among constants that may be used as attribute names. Returns 1 if the tuple changed, 0 if not,
 * -1 on error. */
static int intern_constants(PyObject *tuple) {
    int has_changed = 0;
    if (kr_c_stack_is_low()) { /* hostile data: a tuple that contains itself */
        PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded in the constants of a code object");
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        PyObject **place = &((PyTupleObject *)tuple)->ob_item[i], *constant = *place;
        if (PyUnicode_CheckExact(constant)) {
            if (PyUnicode_CHECK_INTERNED(constant) || !looks_like_name(constant)) continue;
            PyUnicode_InternInPlace(place);
            has_changed |= *place != constant;
        } else if (PyTuple_CheckExact(constant)) {
            if (intern_constants(constant) < 0) return -1;
        } else if (PyFrozenSet_CheckExact(constant)) {
            PyObject *items = PySequence_Tuple(constant);
            if (items == NULL) return -1;
            int changed = intern_constants(items);
            PyObject *set = changed > 0 ? PyFrozenSet_New(items) : NULL;
            Py_DECREF(items);
            if (changed < 0 || (changed && set == NULL)) return -1;
            if (!changed) continue;
            Py_SETREF(*place, set);
            has_changed = 1;
        }
    }
    return has_changed;
}

static int count_kind(const KrCodeParts *parts, int kind, int unless) {
    const unsigned char *kinds = (const unsigned char *)PyBytes_AS_STRING(parts->variable_kinds);
    int count = 0;
    for (Py_ssize_t i = 0; i < PyBytes_GET_SIZE(parts->variable_kinds); i++)
        count += (kinds[i] & kind) && !(kinds[i] & unless);
    return count;
}

static int has_right_types(const KrCodeParts *parts) {
    return parts->code != NULL && PyBytes_Check(parts->code) && parts->constants != NULL &&
           PyTuple_Check(parts->constants) && parts->names != NULL && PyTuple_Check(parts->names) &&
           parts->variable_names != NULL && PyTuple_Check(parts->variable_names) && parts->variable_kinds != NULL &&
           PyBytes_Check(parts->variable_kinds) &&
           PyTuple_GET_SIZE(parts->variable_names) == PyBytes_GET_SIZE(parts->variable_kinds) &&
           parts->name != NULL && PyUnicode_Check(parts->name) && parts->qualified_name != NULL &&
           PyUnicode_Check(parts->qualified_name) && parts->filename != NULL && PyUnicode_Check(parts->filename) &&
           parts->line_table != NULL && PyBytes_Check(parts->line_table) && parts->exception_table != NULL &&
           PyBytes_Check(parts->exception_table);
}

int kr_code_validate(const KrCodeParts *parts) {
    if (parts->argument_count < parts->positional_only_count || parts->positional_only_count < 0 ||
        parts->keyword_only_count < 0 || parts->stack_size < 0 || parts->flags < 0 || !has_right_types(parts)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (PyBytes_GET_SIZE(parts->code) > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "code: co_code larger than INT_MAX");
        return -1;
    }
    if (PyBytes_GET_SIZE(parts->code) % sizeof(_Py_CODEUNIT) != 0) {
        PyErr_SetString(PyExc_ValueError, "code: co_code is malformed");
        return -1;
    }
    Py_ssize_t parameters = (Py_ssize_t)parts->argument_count + parts->keyword_only_count +
                            ((parts->flags & CO_VARARGS) != 0) + ((parts->flags & CO_VARKEYWORDS) != 0);
    if (count_kind(parts, KR_VARIABLE_LOCAL, 0) < parameters) {
        PyErr_SetString(PyExc_ValueError, "code: co_varnames is too small");
        return -1;
    }
    return 0;
}

static int first_resume(const _Py_CODEUNIT *units, int count) {
    for (int i = 0; i < count; i++)
        if (_Py_OPCODE(units[i]) == RESUME) return i;
    return 0;
}

static KrCodeCounts count_parts(const KrCodeParts *parts) {
    int units = (int)(PyBytes_GET_SIZE(parts->code) / (Py_ssize_t)sizeof(_Py_CODEUNIT));
    return (KrCodeCounts){
        .units = units,
        .variables = (int)PyTuple_GET_SIZE(parts->variable_names),
        .locals = count_kind(parts, KR_VARIABLE_LOCAL, 0),
        .plain_cells = count_kind(parts, KR_VARIABLE_CELL, KR_VARIABLE_LOCAL),
        .cells = count_kind(parts, KR_VARIABLE_CELL, 0),
        .frees = count_kind(parts, KR_VARIABLE_FREE, 0),
        .first_traceable = first_resume((const _Py_CODEUNIT *)PyBytes_AS_STRING(parts->code), units),
    };
}

PyCodeObject *kr_code_make(const KrCodeParts *parts, const KrCodeCounts *counts) {
    PyCodeObject *code = PyObject_NewVar(PyCodeObject, &PyCode_Type, counts->units);
    if (code == NULL) return NULL;
    code->co_consts = Py_NewRef(parts->constants);
    code->co_names = Py_NewRef(parts->names);
    code->co_exceptiontable = Py_NewRef(parts->exception_table);
    code->co_flags = parts->flags;
    code->co_warmup = KR_CODE_WARMUP;
    code->_co_linearray_entry_size = 0;
    code->co_argcount = parts->argument_count;
    code->co_posonlyargcount = parts->positional_only_count;
    code->co_kwonlyargcount = parts->keyword_only_count;
    code->co_stacksize = parts->stack_size;
    code->co_firstlineno = parts->first_lineno;
    code->co_nlocalsplus = counts->variables;
    code->co_nlocals = counts->locals;
    code->co_nplaincellvars = counts->plain_cells;
    code->co_ncellvars = counts->cells;
    code->co_nfreevars = counts->frees;
    code->co_localsplusnames = Py_NewRef(parts->variable_names);
    code->co_localspluskinds = Py_NewRef(parts->variable_kinds);
    code->co_filename = Py_NewRef(parts->filename);
    code->co_name = Py_NewRef(parts->name);
    code->co_qualname = Py_NewRef(parts->qualified_name);
    code->co_linetable = Py_NewRef(parts->line_table);
    code->co_weakreflist = NULL;
    code->_co_code = NULL;
    code->_co_linearray = NULL;
    code->co_extra = NULL;
    code->_co_firsttraceable = counts->first_traceable;
    return code;
}

PyCodeObject *kr_code_new(const KrCodeParts *parts) {
    if (intern_names(parts->names) < 0 || intern_names(parts->variable_names) < 0 ||
        intern_constants(parts->constants) < 0)
        return NULL;
    const KrCodeCounts counts = count_parts(parts);
    PyCodeObject *code = kr_code_make(parts, &counts);
    if (code == NULL) return NULL;
    memcpy(code->co_code_adaptive, PyBytes_AS_STRING(parts->code), (size_t)PyBytes_GET_SIZE(parts->code));
    if (!state.drops_columns) return code;
    PyObject *line_table = kr_location_table_without_columns(parts->line_table);
    if (line_table == NULL) {
        Py_DECREF(code);
        return NULL;
    }
    Py_SETREF(code->co_linetable, line_table);
    return code;
}

/* Joins varnames, cellvars and freevars to the list of all variables; a cell that is also local appears once. */
static int join_variables(PyObject *locals, PyObject *cells, PyObject *frees, KrCodeParts *parts) {
    Py_ssize_t local_count = PyTuple_GET_SIZE(locals), cell_count = PyTuple_GET_SIZE(cells);
    Py_ssize_t count = local_count + cell_count + PyTuple_GET_SIZE(frees), used = local_count;
    PyObject *names = PyTuple_New(count), *kinds = PyBytes_FromStringAndSize(NULL, count);
    if (names == NULL || kinds == NULL) goto error;
    char *kind = PyBytes_AS_STRING(kinds);
    for (Py_ssize_t i = 0; i < local_count; i++) {
        PyTuple_SET_ITEM(names, i, Py_NewRef(PyTuple_GET_ITEM(locals, i)));
        kind[i] = KR_VARIABLE_LOCAL;
    }
    for (Py_ssize_t i = 0; i < cell_count; i++) {
        PyObject *name = PyTuple_GET_ITEM(cells, i);
        Py_ssize_t local = 0;
        for (; local < local_count; local++) {
            int same = PyUnicode_Compare(name, PyTuple_GET_ITEM(locals, local));
            if (same == -1 && PyErr_Occurred()) goto error;
            if (same == 0) break;
        }
        if (local < local_count) {
            kind[local] |= KR_VARIABLE_CELL;
        } else {
            PyTuple_SET_ITEM(names, used, Py_NewRef(name));
            kind[used++] = KR_VARIABLE_CELL;
        }
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(frees); i++) {
        PyTuple_SET_ITEM(names, used, Py_NewRef(PyTuple_GET_ITEM(frees, i)));
        kind[used++] = (char)KR_VARIABLE_FREE;
    }
    if (used < count && (_PyTuple_Resize(&names, used) < 0 || _PyBytes_Resize(&kinds, used) < 0)) goto error;
    parts->variable_names = names;
    parts->variable_kinds = kinds;
    return 0;
error:
    Py_XDECREF(names);
    Py_XDECREF(kinds);
    return -1;
}

PyCodeObject *PyCode_NewWithPosOnlyArgs(int argcount, int posonlyargcount, int kwonlyargcount, int nlocals,
                                        int stacksize, int flags, PyObject *code, PyObject *consts, PyObject *names,
                                        PyObject *varnames, PyObject *freevars, PyObject *cellvars,
                                        PyObject *filename, PyObject *name, PyObject *qualname, int firstlineno,
                                        PyObject *linetable, PyObject *exceptiontable) {
    KrCodeParts parts = {
        .filename = filename,
        .name = name,
        .qualified_name = qualname,
        .code = code,
        .line_table = linetable,
        .exception_table = exceptiontable,
        .constants = consts,
        .names = names,
        .flags = flags,
        .first_lineno = firstlineno,
        .argument_count = argcount,
        .positional_only_count = posonlyargcount,
        .keyword_only_count = kwonlyargcount,
        .stack_size = stacksize,
    };
    if (varnames == NULL || !PyTuple_Check(varnames) || cellvars == NULL || !PyTuple_Check(cellvars) ||
        freevars == NULL || !PyTuple_Check(freevars)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (intern_names(varnames) < 0 || intern_names(cellvars) < 0 || intern_names(freevars) < 0) return NULL;
    if (join_variables(varnames, cellvars, freevars, &parts) < 0) return NULL;
    PyCodeObject *result = NULL;
    if (kr_code_validate(&parts) < 0) goto done;
    if (PyTuple_GET_SIZE(varnames) != nlocals) {
        PyErr_SetString(PyExc_ValueError, "code: co_nlocals != len(co_varnames)");
        goto done;
    }
    result = kr_code_new(&parts);
done:
    Py_DECREF(parts.variable_names);
    Py_DECREF(parts.variable_kinds);
    return result;
}

PyCodeObject *PyCode_New(int argcount, int kwonlyargcount, int nlocals, int stacksize, int flags, PyObject *code,
                         PyObject *consts, PyObject *names, PyObject *varnames, PyObject *freevars,
                         PyObject *cellvars, PyObject *filename, PyObject *name, PyObject *qualname, int firstlineno,
                         PyObject *linetable, PyObject *exceptiontable) {
    return PyCode_NewWithPosOnlyArgs(argcount, 0, kwonlyargcount, nlocals, stacksize, flags, code, consts, names,
                                     varnames, freevars, cellvars, filename, name, qualname, firstlineno, linetable,
                                     exceptiontable);
}

PyCodeObject *PyCode_NewEmpty(const char *filename, const char *funcname, int firstlineno) {
    /* assert False, all of it on the first line */
    static const unsigned char instructions[] = {RESUME, 0, LOAD_ASSERTION_ERROR, 0, RAISE_VARARGS, 1};
    static const unsigned char locations[] = {1 << 7 | PY_CODE_LOCATION_INFO_NO_COLUMNS << 3 | (3 - 1), 0};
    PyCodeObject *result = NULL;
    KrCodeParts parts = {
        .filename = PyUnicode_DecodeFSDefault(filename),
        .name = PyUnicode_FromString(funcname),
        .code = PyBytes_FromStringAndSize((const char *)instructions, sizeof instructions),
        .line_table = PyBytes_FromStringAndSize((const char *)locations, sizeof locations),
        .exception_table = PyBytes_FromStringAndSize(NULL, 0),
        .constants = PyTuple_New(0),
        .first_lineno = firstlineno,
        .stack_size = 1,
    };
    if (parts.filename != NULL && parts.name != NULL && parts.code != NULL && parts.line_table != NULL &&
        parts.exception_table != NULL && parts.constants != NULL) {
        parts.qualified_name = parts.name;
        parts.names = parts.variable_names = parts.constants;
        parts.variable_kinds = parts.exception_table;
        result = kr_code_new(&parts);
    }
    Py_XDECREF(parts.filename);
    Py_XDECREF(parts.name);
    Py_XDECREF(parts.code);
    Py_XDECREF(parts.line_table);
    Py_XDECREF(parts.exception_table);
    Py_XDECREF(parts.constants);
    return result;
}

/* Code objects come out of the compiler as good as it can make them. */
PyObject *PyCode_Optimize(PyObject *code, PyObject *consts, PyObject *names, PyObject *lnotab) { return Py_NewRef(code); }

/* The constructor: types.CodeType(...) */

/* Returns a copy of a tuple of strings, those of subclasses replaced by exact ones. */
static PyObject *copy_names(PyObject *names) {
    PyObject *copy = PyTuple_New(PyTuple_GET_SIZE(names));
    if (copy == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *name = PyTuple_GET_ITEM(names, i);
        if (!PyUnicode_Check(name)) {
            PyErr_Format(PyExc_TypeError, "name tuples must contain only strings, not '%.500s'",
                         Py_TYPE(name)->tp_name);
            Py_DECREF(copy);
            return NULL;
        }
        name = PyUnicode_CheckExact(name) ? Py_NewRef(name) : _PyUnicode_Copy(name);
        if (name == NULL) {
            Py_DECREF(copy);
            return NULL;
        }
        PyTuple_SET_ITEM(copy, i, name);
    }
    return copy;
}

enum { COUNTS = 6, FIRST_LINE = 13, REQUIRED = 16, ALL_ARGUMENTS = 18 };

/* The type that an argument must have; NULL for an int. */
static PyTypeObject *argument_type(Py_ssize_t i) {
    switch (i) {
        case 6: case 14: case 15: return &PyBytes_Type;
        case 7: case 8: case 9: case 16: case 17: return &PyTuple_Type;
        case 10: case 11: case 12: return &PyUnicode_Type;
        default: return NULL;
    }
}

static PyObject *code_construct(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
    static const char *const count_names[] = {"argcount", "posonlyargcount", "kwonlyargcount", "nlocals"};
    int counts[COUNTS], first_lineno = 0;
    PyObject *objects[ALL_ARGUMENTS] = {NULL};
    if (keywords != NULL && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "code() takes no keyword arguments");
        return NULL;
    }
    Py_ssize_t given = PyTuple_GET_SIZE(arguments);
    if (!_PyArg_CheckPositional("code", given, REQUIRED, ALL_ARGUMENTS)) return NULL;
    for (Py_ssize_t i = 0; i < given; i++) {
        PyObject *argument = PyTuple_GET_ITEM(arguments, i);
        PyTypeObject *expected = argument_type(i);
        objects[i] = argument;
        if (expected == NULL) {
            int number = _PyLong_AsInt(argument);
            if (number == -1 && PyErr_Occurred()) return NULL;
            *(i == FIRST_LINE ? &first_lineno : &counts[i]) = number;
        } else if (!PyType_IsSubtype(Py_TYPE(argument), expected)) {
            PyErr_Format(PyExc_TypeError, "code() argument %zd must be %.50s, not %.50s", i + 1, expected->tp_name,
                         argument == Py_None ? "None" : Py_TYPE(argument)->tp_name);
            return NULL;
        }
    }
    if (PySys_Audit("code.__new__", "OOOiiiiii", objects[6], objects[10], objects[11], counts[0], counts[1],
                    counts[2], counts[3], counts[4], counts[5]) < 0)
        return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(count_names); i++) {
        if (counts[i] >= 0) continue;
        PyErr_Format(PyExc_ValueError, "code: %s must not be negative", count_names[i]);
        return NULL;
    }
    PyObject *result = NULL, *empty = PyTuple_New(0);
    if (empty == NULL) return NULL;
    PyObject *names = copy_names(objects[8]);
    PyObject *locals = names == NULL ? NULL : copy_names(objects[9]);
    PyObject *frees = locals == NULL ? NULL : copy_names(given > 16 ? objects[16] : empty);
    PyObject *cells = frees == NULL ? NULL : copy_names(given > 17 ? objects[17] : empty);
    if (cells != NULL)
        result = (PyObject *)PyCode_NewWithPosOnlyArgs(
            counts[0], counts[1], counts[2], counts[3], counts[4], counts[5], objects[6], objects[7], names, locals,
            frees, cells, objects[10], objects[11], objects[12], first_lineno, objects[14], objects[15]);
    Py_XDECREF(names);
    Py_XDECREF(locals);
    Py_XDECREF(frees);
    Py_XDECREF(cells);
    Py_DECREF(empty);
    return result;
}

/* Attributes */

PyObject *kr_code_bytes(PyCodeObject *code) {
    PyObject *bytes = PyBytes_FromStringAndSize((const char *)code->co_code_adaptive, _PyCode_NBYTES(code));
    if (bytes == NULL) return NULL;
    unsigned char *unit = (unsigned char *)PyBytes_AS_STRING(bytes), *end = unit + PyBytes_GET_SIZE(bytes);
    while (unit < end) {
        *unit = kr_deoptimized_opcode[*unit];
        size_t caches = sizeof(_Py_CODEUNIT) * (size_t)kr_opcode_caches[*unit];
        unit += sizeof(_Py_CODEUNIT);
        if (caches > (size_t)(end - unit)) caches = (size_t)(end - unit);
        memset(unit, 0, caches);
        unit += caches;
    }
    return bytes;
}

PyObject *PyCode_GetCode(PyCodeObject *code) {
    if (code->_co_code == NULL && kr_code_load(code) == 0) code->_co_code = kr_code_bytes(code);
    return Py_XNewRef(code->_co_code);
}

static PyObject *variables_of_kind(PyCodeObject *code, int kind, int count) {
    if (kr_code_load(code) < 0) return NULL;
    PyObject *names = PyTuple_New(count);
    if (names == NULL) return NULL;
    const unsigned char *kinds = (const unsigned char *)PyBytes_AS_STRING(code->co_localspluskinds);
    for (int i = 0, used = 0; i < code->co_nlocalsplus && used < count; i++)
        if (kinds[i] & kind) PyTuple_SET_ITEM(names, used++, Py_NewRef(PyTuple_GET_ITEM(code->co_localsplusnames, i)));
    return names;
}

PyObject *PyCode_GetVarnames(PyCodeObject *code) { return variables_of_kind(code, KR_VARIABLE_LOCAL, code->co_nlocals); }
PyObject *PyCode_GetCellvars(PyCodeObject *code) { return variables_of_kind(code, KR_VARIABLE_CELL, code->co_ncellvars); }
PyObject *PyCode_GetFreevars(PyCodeObject *code) { return variables_of_kind(code, KR_VARIABLE_FREE, code->co_nfreevars); }

static PyObject *get_varnames(PyCodeObject *code, void *closure) { return PyCode_GetVarnames(code); }
static PyObject *get_cellvars(PyCodeObject *code, void *closure) { return PyCode_GetCellvars(code); }
static PyObject *get_freevars(PyCodeObject *code, void *closure) { return PyCode_GetFreevars(code); }
static PyObject *get_code(PyCodeObject *code, void *closure) { return PyCode_GetCode(code); }
static PyObject *get_shown_code(PyCodeObject *code, void *closure) {
    return kr_code_load(code) < 0 ? NULL : kr_code_shown(code);
}

static PyObject *get_line_number_table(PyCodeObject *code, void *closure) {
    return kr_code_load(code) < 0 ? NULL : kr_code_line_number_table(code);
}

/* The fields that deferred code does not have yet; the closure is a field's offset. */
static PyObject *get_field(PyCodeObject *code, void *closure) {
    return kr_code_load(code) < 0 ? NULL : Py_NewRef(*(PyObject **)((char *)code + (intptr_t)closure));
}

/* Basic behaviour */

static PyObject *code_repr(PyCodeObject *code) {
    int line = code->co_firstlineno != 0 ? code->co_firstlineno : -1;
    if (code->co_filename != NULL && PyUnicode_Check(code->co_filename))
        return PyUnicode_FromFormat("<code object %U at %p, file \"%U\", line %d>", code->co_name, code,
                                    code->co_filename, line);
    return PyUnicode_FromFormat("<code object %U at %p, file ???, line %d>", code->co_name, code, line);
}

/* Compares plain bytecode: what the evaluation loop made of it does not count. */
static int same_instructions(PyCodeObject *a, PyCodeObject *b) {
    if (Py_SIZE(a) != Py_SIZE(b)) return 0;
    const _Py_CODEUNIT *x = _PyCode_CODE(a), *y = _PyCode_CODE(b);
    for (Py_ssize_t i = 0; i < Py_SIZE(a); i++) {
        int opcode = kr_deoptimized_opcode[_Py_OPCODE(x[i])];
        if (opcode != kr_deoptimized_opcode[_Py_OPCODE(y[i])] || _Py_OPARG(x[i]) != _Py_OPARG(y[i])) return 0;
        i += kr_opcode_caches[opcode];
    }
    return 1;
}

static int same_code(PyCodeObject *a, PyCodeObject *b) {
    if (a->co_argcount != b->co_argcount || a->co_posonlyargcount != b->co_posonlyargcount ||
        a->co_kwonlyargcount != b->co_kwonlyargcount || a->co_flags != b->co_flags ||
        a->co_firstlineno != b->co_firstlineno || !same_instructions(a, b))
        return 0;
    int same = kr_constant_equal(a->co_consts, b->co_consts);
    PyObject *const pairs[][2] = {
        {a->co_name, b->co_name},           {a->co_names, b->co_names},
        {a->co_localsplusnames, b->co_localsplusnames}, {a->co_linetable, b->co_linetable},
        {a->co_exceptiontable, b->co_exceptiontable},
    };
    for (size_t i = 0; same > 0 && i < Py_ARRAY_LENGTH(pairs); i++)
        same = PyObject_RichCompareBool(pairs[i][0], pairs[i][1], Py_EQ);
    return same;
}

static PyObject *code_compare(PyObject *self, PyObject *other, int op) {
    if ((op != Py_EQ && op != Py_NE) || !PyCode_Check(self) || !PyCode_Check(other)) Py_RETURN_NOTIMPLEMENTED;
    if (self != other && (kr_code_load((PyCodeObject *)self) < 0 || kr_code_load((PyCodeObject *)other) < 0)) return NULL;
    int same = self == other ? 1 : same_code((PyCodeObject *)self, (PyCodeObject *)other);
    return same < 0 ? NULL : PyBool_FromLong(op == Py_EQ ? same : !same);
}

static Py_hash_t code_hash(PyCodeObject *code) {
    if (kr_code_load(code) < 0) return -1;
    PyObject *const parts[] = {code->co_name, code->co_names, code->co_localsplusnames, code->co_linetable,
                               code->co_exceptiontable};
    Py_uhash_t hash = (Py_uhash_t)code->co_firstlineno;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(parts); i++) {
        Py_hash_t part = PyObject_Hash(parts[i]);
        if (part == -1) return -1;
        hash = (hash ^ (Py_uhash_t)part) * 0x9E3779B97F4A7C15u;
    }
    Py_hash_t constants = kr_constant_hash(code->co_consts);
    if (constants == -1) return -1;
    hash ^= (Py_uhash_t)constants;
    hash ^= (Py_uhash_t)code->co_argcount ^ (Py_uhash_t)code->co_posonlyargcount << 8 ^
            (Py_uhash_t)code->co_kwonlyargcount << 16 ^ (Py_uhash_t)code->co_flags << 24;
    return (Py_hash_t)hash == -1 ? -2 : (Py_hash_t)hash;
}

static void code_dealloc(PyCodeObject *code) {
    if (code->co_weakreflist != NULL) PyObject_ClearWeakRefs((PyObject *)code);
    if (code->co_extra != NULL) {
        Extra *extra = code->co_extra;
        for (Py_ssize_t i = 0; i < extra->count; i++)
            if (i < state.extra_count && state.extra_free[i] != NULL && extra->items[i] != NULL)
                state.extra_free[i](extra->items[i]);
        PyMem_Free(extra);
    }
    PyObject *const parts[] = {code->co_consts,       code->co_names,     code->co_localsplusnames, code->co_localspluskinds,
                               code->co_filename,     code->co_name,      code->co_qualname,        code->co_linetable,
                               code->co_exceptiontable, code->_co_code};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(parts); i++) __builtin_prefetch(parts[i], 1); /* they lie all over the memory */
    for (size_t i = 0; i < Py_ARRAY_LENGTH(parts); i++) Py_XDECREF(parts[i]);
    PyMem_Free(code->_co_linearray);
    PyObject_Free(code);
}

/* Extra data */

Py_ssize_t _PyEval_RequestCodeExtraIndex(freefunc free) {
    if (state.extra_count == MAX_CO_EXTRA_USERS - 1) return -1;
    state.extra_free[state.extra_count] = free;
    return state.extra_count++;
}

int _PyCode_GetExtra(PyObject *code, Py_ssize_t index, void **extra) {
    if (!PyCode_Check(code)) {
        PyErr_BadInternalCall();
        return -1;
    }
    Extra *data = ((PyCodeObject *)code)->co_extra;
    *extra = data == NULL || index < 0 || index >= data->count ? NULL : data->items[index];
    return 0;
}

int _PyCode_SetExtra(PyObject *code, Py_ssize_t index, void *extra) {
    if (!PyCode_Check(code) || index < 0 || index >= state.extra_count) {
        PyErr_BadInternalCall();
        return -1;
    }
    Extra *data = ((PyCodeObject *)code)->co_extra;
    Py_ssize_t old_count = data == NULL ? 0 : data->count;
    if (old_count <= index) {
        data = PyMem_Realloc(data, sizeof(Extra) + (size_t)state.extra_count * sizeof(void *));
        if (data == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        for (Py_ssize_t i = old_count; i < state.extra_count; i++) data->items[i] = NULL;
        data->count = state.extra_count;
        ((PyCodeObject *)code)->co_extra = data;
    }
    if (data->items[index] != NULL && state.extra_free[index] != NULL) state.extra_free[index](data->items[index]);
    data->items[index] = extra;
    return 0;
}

/* Methods */

static PyObject *code_sizeof(PyCodeObject *code, PyObject *ignored) {
    size_t size = (size_t)_PyObject_VAR_SIZE(Py_TYPE(code), Py_SIZE(code));
    const Extra *extra = code->co_extra;
    if (extra != NULL) size += sizeof(Extra) + (size_t)extra->count * sizeof(void *);
    return PyLong_FromSize_t(size);
}

static PyObject *code_lines(PyCodeObject *code, PyObject *ignored) {
    return kr_code_load(code) < 0 ? NULL : kr_code_line_iterator(code);
}

static PyObject *code_positions(PyCodeObject *code, PyObject *ignored) {
    return kr_code_load(code) < 0 ? NULL : kr_code_position_iterator(code);
}

static PyObject *code_variable_name(PyCodeObject *code, PyObject *const *arguments, Py_ssize_t count,
                                    PyObject *keywords) {
    static const char *const names[] = {"oparg", NULL};
    static _PyArg_Parser parser = {NULL, names, "_varname_from_oparg", 0};
    PyObject *buffer[1];
    arguments = _PyArg_UnpackKeywords(arguments, count, NULL, keywords, &parser, 1, 1, 0, buffer);
    if (arguments == NULL) return NULL;
    int index = _PyLong_AsInt(arguments[0]);
    if ((index == -1 && PyErr_Occurred()) || kr_code_load(code) < 0) return NULL;
    return Py_XNewRef(PyTuple_GetItem(code->co_localsplusnames, index));
}

/* The fields that replace() accepts, in the order of its signature. */
static const char *const replace_names[] = {
    "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_nlocals",   "co_stacksize",
    "co_flags",    "co_firstlineno",     "co_code",           "co_consts",    "co_names",
    "co_varnames", "co_freevars",        "co_cellvars",       "co_filename",  "co_name",
    "co_qualname", "co_linetable",       "co_exceptiontable", NULL,
};

enum { REPLACE_INTS = 7, REPLACE_CODE = 7, REPLACE_FILENAME = 13, REPLACE_FIELDS = 18 };

static PyTypeObject *replacement_type(int field) {
    switch (field) {
        case REPLACE_CODE: case 16: case 17: return &PyBytes_Type;
        case REPLACE_FILENAME: case 14: case 15: return &PyUnicode_Type;
        default: return &PyTuple_Type;
    }
}

static PyObject *code_replace(PyCodeObject *code, PyObject *const *arguments, Py_ssize_t count, PyObject *keywords) {
    static _PyArg_Parser parser = {NULL, replace_names, "replace", 0};
    PyObject *buffer[REPLACE_FIELDS] = {NULL};
    int ints[REPLACE_INTS] = {
        code->co_argcount,  code->co_posonlyargcount, code->co_kwonlyargcount, code->co_nlocals,
        code->co_stacksize, code->co_flags,           code->co_firstlineno,
    };
    arguments = _PyArg_UnpackKeywords(arguments, count, NULL, keywords, &parser, 0, 0, 0, buffer);
    if (arguments == NULL) return NULL;
    if (count == 0 && keywords == NULL) arguments = buffer; /* nothing was unpacked */
    for (int i = 0; i < REPLACE_FIELDS; i++) {
        PyObject *argument = arguments[i];
        if (argument == NULL) continue;
        if (i < REPLACE_INTS) {
            ints[i] = _PyLong_AsInt(argument);
            if (ints[i] == -1 && PyErr_Occurred()) return NULL;
        } else if (!PyType_IsSubtype(Py_TYPE(argument), replacement_type(i))) {
            PyErr_Format(PyExc_TypeError, "replace() argument '%s' must be %.50s, not %.50s", replace_names[i],
                         replacement_type(i)->tp_name, argument == Py_None ? "None" : Py_TYPE(argument)->tp_name);
            return NULL;
        }
    }
    for (int i = 0; i < REPLACE_INTS; i++) {
        if (ints[i] >= 0) continue;
        PyErr_Format(PyExc_ValueError, "%s must be a positive integer", replace_names[i]);
        return NULL;
    }

    PyObject *result = NULL, *owned[4] = {NULL};
#define FIELD(index, current) (arguments[index] != NULL ? arguments[index] : (current))
#define COMPUTED(index, slot, computed) (arguments[index] != NULL ? arguments[index] : (owned[slot] = (computed)))
    PyObject *bytes = COMPUTED(7, 0, PyCode_GetCode(code));
    PyObject *locals = bytes == NULL ? NULL : COMPUTED(10, 1, PyCode_GetVarnames(code));
    PyObject *frees = locals == NULL ? NULL : COMPUTED(11, 2, PyCode_GetFreevars(code));
    PyObject *cells = frees == NULL ? NULL : COMPUTED(12, 3, PyCode_GetCellvars(code));
    PyObject *filename = FIELD(13, code->co_filename), *name = FIELD(14, code->co_name);
    if (cells == NULL) goto done;
    if (PySys_Audit("code.__new__", "OOOiiiiii", bytes, filename, name, ints[0], ints[1], ints[2], ints[3], ints[4],
                    ints[5]) < 0)
        goto done;
    result = (PyObject *)PyCode_NewWithPosOnlyArgs(
        ints[0], ints[1], ints[2], ints[3], ints[4], ints[5], bytes, FIELD(8, code->co_consts),
        FIELD(9, code->co_names), locals, frees, cells, filename, name, FIELD(15, code->co_qualname), ints[6],
        FIELD(16, code->co_linetable), FIELD(17, code->co_exceptiontable));
#undef FIELD
#undef COMPUTED
done:
    for (size_t i = 0; i < Py_ARRAY_LENGTH(owned); i++) Py_XDECREF(owned[i]);
    return result;
}

PyDoc_STRVAR(replace_doc,
             "replace($self, /, *, co_argcount=-1, co_posonlyargcount=-1,\n"
             "        co_kwonlyargcount=-1, co_nlocals=-1, co_stacksize=-1,\n"
             "        co_flags=-1, co_firstlineno=-1, co_code=None, co_consts=None,\n"
             "        co_names=None, co_varnames=None, co_freevars=None,\n"
             "        co_cellvars=None, co_filename=None, co_name=None,\n"
             "        co_qualname=None, co_linetable=None, co_exceptiontable=None)\n"
             "--\n\n"
             "Return a code object that differs from this one in the given fields.");

static PyMethodDef code_methods[] = {
    {"__sizeof__", (PyCFunction)code_sizeof, METH_NOARGS, NULL},
    {"co_lines", (PyCFunction)code_lines, METH_NOARGS, NULL},
    {"co_positions", (PyCFunction)code_positions, METH_NOARGS, NULL},
    {"replace", (PyCFunction)(void (*)(void))code_replace, METH_FASTCALL | METH_KEYWORDS, replace_doc},
    {"_varname_from_oparg", (PyCFunction)(void (*)(void))code_variable_name, METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("_varname_from_oparg($self, /, oparg)\n--\n\nReturn the name of the variable at an index of the frame.")},
    {NULL, NULL, 0, NULL},
};

#define OFFSET(field) offsetof(PyCodeObject, field)
static PyMemberDef code_members[] = {
    {"co_argcount", T_INT, OFFSET(co_argcount), READONLY, NULL},
    {"co_posonlyargcount", T_INT, OFFSET(co_posonlyargcount), READONLY, NULL},
    {"co_kwonlyargcount", T_INT, OFFSET(co_kwonlyargcount), READONLY, NULL},
    {"co_stacksize", T_INT, OFFSET(co_stacksize), READONLY, NULL},
    {"co_flags", T_INT, OFFSET(co_flags), READONLY, NULL},
    {"co_nlocals", T_INT, OFFSET(co_nlocals), READONLY, NULL},
    {"co_filename", T_OBJECT, OFFSET(co_filename), READONLY, NULL},
    {"co_name", T_OBJECT, OFFSET(co_name), READONLY, NULL},
    {"co_qualname", T_OBJECT, OFFSET(co_qualname), READONLY, NULL},
    {"co_firstlineno", T_INT, OFFSET(co_firstlineno), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef code_getset[] = {
    {"co_consts", (getter)get_field, NULL, NULL, (void *)OFFSET(co_consts)},
    {"co_names", (getter)get_field, NULL, NULL, (void *)OFFSET(co_names)},
    {"co_linetable", (getter)get_field, NULL, NULL, (void *)OFFSET(co_linetable)},
    {"co_exceptiontable", (getter)get_field, NULL, NULL, (void *)OFFSET(co_exceptiontable)},
    {"co_lnotab", (getter)get_line_number_table, NULL, NULL, NULL},
    {"_co_code_adaptive", (getter)get_shown_code, NULL, NULL, NULL},
    {"co_varnames", (getter)get_varnames, NULL, NULL, NULL},
    {"co_cellvars", (getter)get_cellvars, NULL, NULL, NULL},
    {"co_freevars", (getter)get_freevars, NULL, NULL, NULL},
    {"co_code", (getter)get_code, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(code_doc,
             "code(argcount, posonlyargcount, kwonlyargcount, nlocals, stacksize,\n"
             "     flags, codestring, constants, names, varnames, filename, name,\n"
             "     qualname, firstlineno, linetable, exceptiontable, freevars=(),\n"
             "     cellvars=(), /)\n"
             "--\n\n"
             "Bytecode of a function, class body or module, and what running it needs.");

PyTypeObject PyCode_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "code",
    .tp_basicsize = offsetof(PyCodeObject, co_code_adaptive),
    .tp_itemsize = sizeof(_Py_CODEUNIT),
    .tp_dealloc = (destructor)code_dealloc,
    .tp_repr = (reprfunc)code_repr,
    .tp_hash = (hashfunc)code_hash,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = code_doc,
    .tp_richcompare = code_compare,
    .tp_weaklistoffset = offsetof(PyCodeObject, co_weakreflist),
    .tp_methods = code_methods,
    .tp_members = code_members,
    .tp_getset = code_getset,
    .tp_new = code_construct,
};
