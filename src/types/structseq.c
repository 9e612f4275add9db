/* Struct sequences: tuples whose items have names, such as os.stat_result. */
#include <Python.h>

#include "collector/collector.h"
#include "object/names.h"
#include "object/type.h"
#include "types/structseq.h"

#include <structmember.h>

const char *const PyStructSequence_UnnamedField = "unnamed field";

enum { ITEMS_OFFSET = offsetof(PyStructSequence, ob_item) };

/* Reads one of the counts in the type's dict; -1 if it is not there. Sets no exception. */
static Py_ssize_t type_count(PyTypeObject *type, PyObject *name) {
    PyObject *value = name == NULL ? NULL : _PyDict_GetItemWithError(type->tp_dict, name);
    return value == NULL ? -1 : PyLong_AsSsize_t(value);
}

#define COUNT_ALL(type) type_count(type, KR_NAME(n_fields))
/* The number of all fields, which deallocation needs after the type's dict is gone: a word that only callable objects' types
 * use otherwise. */
#define FIELDS(type) ((type)->tp_vectorcall_offset)
#define COUNT_VISIBLE(type) type_count(type, KR_NAME(n_sequence_fields))
#define COUNT_UNNAMED(type) type_count(type, KR_NAME(n_unnamed_fields))

PyObject *PyStructSequence_New(PyTypeObject *type) {
    Py_ssize_t count = COUNT_ALL(type), visible = COUNT_VISIBLE(type);
    if (count < 0 || visible < 0) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_TypeError, "Missed attribute 'n_fields' of type %s", type->tp_name);
        return NULL;
    }
    PyStructSequence *self = PyObject_GC_NewVar(PyStructSequence, type, count);
    if (self == NULL) return NULL;
    Py_SET_SIZE(self, visible);
    for (Py_ssize_t i = 0; i < count; i++) self->ob_item[i] = NULL;
    return (PyObject *)self;
}

void PyStructSequence_SetItem(PyObject *self, Py_ssize_t i, PyObject *value) { PyStructSequence_SET_ITEM(self, i, value); }

PyObject *PyStructSequence_GetItem(PyObject *self, Py_ssize_t i) { return PyStructSequence_GET_ITEM(self, i); }

static int structseq_traverse(PyStructSequence *self, visitproc visit, void *arg) {
    if (Py_TYPE(self)->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_VISIT(Py_TYPE(self));
    Py_ssize_t count = FIELDS(Py_TYPE(self));
    for (Py_ssize_t i = 0; i < count; i++) Py_VISIT(self->ob_item[i]);
    return 0;
}

static void structseq_dealloc(PyStructSequence *self) {
    PyTypeObject *type = Py_TYPE(self);
    kr_gc_untrack(self);
    Py_ssize_t count = FIELDS(type);
    for (Py_ssize_t i = 0; i < count; i++) Py_XDECREF(self->ob_item[i]);
    kr_gc_free(self);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_DECREF(type);
}

/* Fills the object from the visible items and a dict (or NULL) of the others. */
static PyObject *structseq_from(PyTypeObject *type, PyObject *sequence, PyObject *dict) {
    Py_ssize_t least = COUNT_VISIBLE(type), most = COUNT_ALL(type), unnamed = COUNT_UNNAMED(type);
    if (least < 0 || most < 0 || unnamed < 0) return NULL;
    if (dict != NULL && !PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "%.500s() takes a dict as second arg, if any", type->tp_name);
        return NULL;
    }
    sequence = PySequence_Fast(sequence, "constructor requires a sequence");
    if (sequence == NULL) return NULL;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence);
    PyStructSequence *self = NULL;
    if (count < least || count > most) {
        const char *bound = least == most ? "" : count < least ? "n at least" : "n at most";
        PyErr_Format(PyExc_TypeError, "%.500s() takes a%s %zd-sequence (%zd-sequence given)", type->tp_name, bound,
                     count < least ? least : most, count);
        goto finish;
    }
    self = (PyStructSequence *)PyStructSequence_New(type);
    if (self == NULL) goto finish;
    Py_ssize_t i = 0;
    for (; i < count; i++) self->ob_item[i] = Py_NewRef(PySequence_Fast_GET_ITEM(sequence, i));
    for (; i < most; i++) {
        PyObject *value = dict == NULL ? NULL : _PyDict_GetItemStringWithError(dict, type->tp_members[i - unnamed].name);
        if (value == NULL && PyErr_Occurred()) {
            Py_CLEAR(self);
            goto finish;
        }
        self->ob_item[i] = Py_NewRef(value != NULL ? value : Py_None);
    }
    kr_gc_track(self);

finish:
    Py_DECREF(sequence);
    return (PyObject *)self;
}

static PyObject *structseq_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"sequence", "dict", NULL};
    PyObject *sequence, *dict = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:structseq", keywords, &sequence, &dict)) return NULL;
    return structseq_from(type, sequence, dict);
}

static PyObject *structseq_repr(PyStructSequence *self) {
    PyTypeObject *type = Py_TYPE(self);
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    writer.overallocate = 1;
    PyObject *type_name = PyUnicode_FromString(type->tp_name);
    if (type_name == NULL) goto error;
    int failed = _PyUnicodeWriter_WriteStr(&writer, type_name);
    Py_DECREF(type_name);
    if (failed < 0 || _PyUnicodeWriter_WriteChar(&writer, '(') < 0) goto error;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        const char *name = type->tp_members[i].name;
        if (name == NULL) {
            PyErr_Format(PyExc_SystemError, "In structseq_repr(), member %zd name is NULL for type %.500s", i,
                         type->tp_name);
            goto error;
        }
        PyObject *text = PyUnicode_FromFormat(i > 0 ? ", %s=%R" : "%s=%R", name, self->ob_item[i]);
        if (text == NULL) goto error;
        failed = _PyUnicodeWriter_WriteStr(&writer, text);
        Py_DECREF(text);
        if (failed < 0) goto error;
    }
    if (_PyUnicodeWriter_WriteChar(&writer, ')') < 0) goto error;
    return _PyUnicodeWriter_Finish(&writer);

error:
    _PyUnicodeWriter_Dealloc(&writer);
    return NULL;
}

static PyObject *structseq_reduce(PyStructSequence *self, PyObject *unused) {
    PyTypeObject *type = Py_TYPE(self);
    Py_ssize_t all = COUNT_ALL(type), visible = COUNT_VISIBLE(type), unnamed = COUNT_UNNAMED(type);
    if (all < 0 || visible < 0 || unnamed < 0) return NULL;
    PyObject *items = PyTuple_New(visible), *dict = PyDict_New();
    if (items == NULL || dict == NULL) goto error;
    for (Py_ssize_t i = 0; i < visible; i++) PyTuple_SET_ITEM(items, i, Py_NewRef(self->ob_item[i]));
    for (Py_ssize_t i = visible; i < all; i++)
        if (PyDict_SetItemString(dict, type->tp_members[i - unnamed].name, self->ob_item[i]) < 0) goto error;
    return Py_BuildValue("(O(NN))", type, items, dict);

error:
    Py_XDECREF(items);
    Py_XDECREF(dict);
    return NULL;
}

static PyMethodDef structseq_methods[] = {
    {"__reduce__", (PyCFunction)structseq_reduce, METH_NOARGS, NULL},
    {NULL},
};

static Py_ssize_t count_fields(const PyStructSequence_Desc *desc, Py_ssize_t *unnamed) {
    Py_ssize_t count = 0;
    *unnamed = 0;
    for (; desc->fields[count].name != NULL; count++)
        if (desc->fields[count].name == PyStructSequence_UnnamedField) ++*unnamed;
    return count;
}

/* Returns the table of the named fields, to be freed with PyMem_Free, or NULL with MemoryError. */
static PyMemberDef *make_members(const PyStructSequence_Desc *desc, Py_ssize_t count, Py_ssize_t unnamed) {
    PyMemberDef *members = PyMem_New(PyMemberDef, (size_t)(count - unnamed + 1));
    if (members == NULL) return (PyMemberDef *)PyErr_NoMemory();
    PyMemberDef *member = members;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (desc->fields[i].name == PyStructSequence_UnnamedField) continue;
        *member++ = (PyMemberDef){.name = desc->fields[i].name,
                                  .type = T_OBJECT,
                                  .offset = ITEMS_OFFSET + i * (Py_ssize_t)sizeof(PyObject *),
                                  .flags = READONLY,
                                  .doc = desc->fields[i].doc};
    }
    *member = (PyMemberDef){NULL};
    return members;
}

static int set_count(PyObject *dict, const char *name, Py_ssize_t value) {
    PyObject *number = PyLong_FromSsize_t(value);
    if (number == NULL) return -1;
    int result = PyDict_SetItemString(dict, name, number);
    Py_DECREF(number);
    return result;
}

/* Adds the counts and __match_args__ to the type's dict. */
static int fill_dict(PyTypeObject *type, const PyStructSequence_Desc *desc, Py_ssize_t count, Py_ssize_t unnamed) {
    PyObject *dict = type->tp_dict, *names = NULL;
    FIELDS(type) = count;
    if (set_count(dict, "n_sequence_fields", desc->n_in_sequence) < 0 || set_count(dict, "n_fields", count) < 0 ||
        set_count(dict, "n_unnamed_fields", unnamed) < 0 || (names = PyList_New(0)) == NULL)
        return -1;
    int result = 0;
    for (Py_ssize_t i = 0; i < desc->n_in_sequence && result == 0; i++) {
        if (desc->fields[i].name == PyStructSequence_UnnamedField) continue;
        PyObject *name = PyUnicode_FromString(desc->fields[i].name);
        result = name == NULL ? -1 : PyList_Append(names, name);
        Py_XDECREF(name);
    }
    if (result == 0) {
        PyObject *match = PyList_AsTuple(names);
        result = match == NULL ? -1 : PyDict_SetItemString(dict, "__match_args__", match);
        Py_XDECREF(match);
    }
    Py_DECREF(names);
    if (result == 0) PyType_Modified(type);
    return result;
}

int _PyStructSequence_InitType(PyTypeObject *type, PyStructSequence_Desc *desc, unsigned long tp_flags) {
    Py_ssize_t unnamed, count = count_fields(desc, &unnamed);
    PyMemberDef *members = make_members(desc, count, unnamed);
    if (members == NULL) return -1;
    Py_ssize_t references = Py_REFCNT(type) > 0 ? Py_REFCNT(type) : 1;
    *type = (PyTypeObject){
        PyVarObject_HEAD_INIT(&PyType_Type, 0)
        .tp_name = desc->name,
        .tp_basicsize = ITEMS_OFFSET,
        .tp_itemsize = sizeof(PyObject *),
        .tp_dealloc = (destructor)structseq_dealloc,
        .tp_repr = (reprfunc)structseq_repr,
        .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | tp_flags,
        .tp_doc = desc->doc,
        .tp_traverse = (traverseproc)structseq_traverse,
        .tp_methods = structseq_methods,
        .tp_members = members,
        .tp_base = &PyTuple_Type,
        .tp_new = structseq_new,
    };
    Py_SET_REFCNT(type, references);
    if (PyType_Ready(type) < 0 || fill_dict(type, desc, count, unnamed) < 0) {
        PyMem_Free(members);
        type->tp_members = NULL;
        return -1;
    }
    return 0;
}

int PyStructSequence_InitType2(PyTypeObject *type, PyStructSequence_Desc *desc) {
    return _PyStructSequence_InitType(type, desc, 0);
}

void PyStructSequence_InitType(PyTypeObject *type, PyStructSequence_Desc *desc) {
    (void)PyStructSequence_InitType2(type, desc);
}

void kr_structseq_finalize(void) {
    for (PyTypeObject **at = kr_type_static_list(); *at != NULL; at++) {
        if ((*at)->tp_dealloc != (destructor)structseq_dealloc) continue;
        PyMem_Free((*at)->tp_members);
        (*at)->tp_members = NULL;
    }
}

PyTypeObject *_PyStructSequence_NewType(PyStructSequence_Desc *desc, unsigned long tp_flags) {
    Py_ssize_t unnamed, count = count_fields(desc, &unnamed);
    PyMemberDef *members = make_members(desc, count, unnamed);
    if (members == NULL) return NULL;
    PyType_Slot slots[] = {
        {Py_tp_dealloc, structseq_dealloc},
        {Py_tp_repr, structseq_repr},
        {Py_tp_doc, (void *)desc->doc},
        {Py_tp_methods, structseq_methods},
        {Py_tp_new, structseq_new},
        {Py_tp_members, members},
        {Py_tp_traverse, structseq_traverse},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = desc->name,
        .basicsize = ITEMS_OFFSET,
        .itemsize = sizeof(PyObject *),
        .flags = (unsigned)(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | tp_flags),
        .slots = slots,
    };
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, (PyObject *)&PyTuple_Type);
    PyMem_Free(members);
    if (type != NULL && fill_dict(type, desc, count, unnamed) < 0) Py_CLEAR(type);
    return type;
}

PyTypeObject *PyStructSequence_NewType(PyStructSequence_Desc *desc) { return _PyStructSequence_NewType(desc, 0); }
