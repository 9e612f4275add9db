/* types.UnionType: `X | Y` on types. */
#include <Python.h>
#include <structmember.h>

#include "object/genericalias.h"
#include "object/names.h"
#include "object/object.h"
#include "object/union.h"

typedef struct {
    PyObject_HEAD
    PyObject *args;
    PyObject *parameters; /* the type variables in args; NULL until somebody asks */
} KrUnion;

static inline KrUnion *cast(PyObject *self) { return (KrUnion *)self; }

PyObject *_Py_union_args(PyObject *self) { return cast(self)->args; }

/* -- Making -------------------------------------------------------------------------------------------------------------------------- */

static int may_be_member(PyObject *object) {
    return object == Py_None || PyType_Check(object) || kr_generic_alias_check(object) || kr_union_check(object);
}

/* Appends a member unless an equal one is there. */
static int add_member(PyObject *list, PyObject *member) {
    if (member == Py_None) member = (PyObject *)&_PyNone_Type;
    int is_alias = kr_generic_alias_check(member);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        PyObject *other = PyList_GET_ITEM(list, i);
        int same = is_alias && kr_generic_alias_check(other) ? PyObject_RichCompareBool(other, member, Py_EQ)
                                                             : other == member;
        if (same != 0) return same < 0 ? -1 : 0;
    }
    return PyList_Append(list, member);
}

static int add_members(PyObject *list, PyObject *object) {
    if (!kr_union_check(object)) return add_member(list, object);
    PyObject *args = cast(object)->args;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
        if (add_member(list, PyTuple_GET_ITEM(args, i)) < 0) return -1;
    }
    return 0;
}

static PyObject *make_union(PyObject *const *objects, Py_ssize_t count) {
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    PyObject *result = NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (add_members(list, objects[i]) < 0) goto done;
    }
    if (PyList_GET_SIZE(list) == 1) {
        result = Py_NewRef(PyList_GET_ITEM(list, 0));
        goto done;
    }
    PyObject *args = PyList_AsTuple(list);
    if (args == NULL) goto done;
    KrUnion *self = PyObject_GC_New(KrUnion, &_PyUnion_Type);
    if (self == NULL) {
        Py_DECREF(args);
        goto done;
    }
    self->args = args;
    self->parameters = NULL;
    PyObject_GC_Track(self);
    result = (PyObject *)self;
done:
    Py_DECREF(list);
    return result;
}

PyObject *_Py_union_type_or(PyObject *left, PyObject *right) {
    if (!may_be_member(left) || !may_be_member(right)) Py_RETURN_NOTIMPLEMENTED;
    return make_union((PyObject *[]){left, right}, 2);
}

/* -- Type variables -------------------------------------------------------------------------------------------------------------------- */

static PyObject *get_parameters(PyObject *self, void *closure) {
    if (cast(self)->parameters == NULL) cast(self)->parameters = _Py_make_parameters(cast(self)->args);
    return Py_XNewRef(cast(self)->parameters);
}

static PyObject *union_getitem(PyObject *self, PyObject *item) {
    PyObject *parameters = get_parameters(self, NULL);
    if (parameters == NULL) return NULL;
    PyObject *args = _Py_subs_parameters(self, cast(self)->args, parameters, item);
    Py_DECREF(parameters);
    if (args == NULL) return NULL;
    PyObject *result = NULL;
    if (PyTuple_GET_SIZE(args) == 0) {
        result = make_union(NULL, 0);
    } else {
        /* The new members may be of typing, whose `|` makes unions of its own. */
        result = Py_NewRef(PyTuple_GET_ITEM(args, 0));
        for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(args) && result != NULL; i++) {
            Py_SETREF(result, PyNumber_Or(result, PyTuple_GET_ITEM(args, i)));
        }
    }
    Py_DECREF(args);
    return result;
}

/* -- Text, comparison --------------------------------------------------------------------------------------------------------------------- */

static PyObject *union_repr(PyObject *self) {
    PyObject *args = cast(self)->args, *texts = PyList_New(0), *separator = NULL, *joined = NULL;
    if (texts == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); i++) {
        PyObject *member = PyTuple_GET_ITEM(args, i);
        PyObject *text = member == (PyObject *)&_PyNone_Type ? PyUnicode_FromString("None")
                                                              : kr_type_argument_repr(member);
        int status = text != NULL ? PyList_Append(texts, text) : -1;
        Py_XDECREF(text);
        if (status < 0) goto done;
    }
    separator = PyUnicode_FromString(" | ");
    if (separator != NULL) joined = PyUnicode_Join(separator, texts);
done:
    Py_XDECREF(separator);
    Py_DECREF(texts);
    return joined;
}

static Py_hash_t union_hash(PyObject *self) {
    PyObject *members = PyFrozenSet_New(cast(self)->args);
    if (members == NULL) return -1;
    Py_hash_t hash = PyObject_Hash(members);
    Py_DECREF(members);
    return hash;
}

static PyObject *union_richcompare(PyObject *a, PyObject *b, int op) {
    if (!kr_union_check(b) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
    PyObject *a_members = PySet_New(cast(a)->args), *b_members = PySet_New(cast(b)->args), *result = NULL;
    if (a_members != NULL && b_members != NULL) result = PyObject_RichCompare(a_members, b_members, op);
    Py_XDECREF(a_members);
    Py_XDECREF(b_members);
    return result;
}

/* `__module__` of a union is that of its type. */
static PyObject *union_getattro(PyObject *self, PyObject *name) {
    if (PyUnicode_Check(name) && _PyUnicode_EqualToASCIIString(name, "__module__")) {
        return PyObject_GetAttr((PyObject *)Py_TYPE(self), name);
    }
    return PyObject_GenericGetAttr(self, name);
}

static void union_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    Py_XDECREF(cast(self)->args);
    Py_XDECREF(cast(self)->parameters);
    PyObject_GC_Del(self);
}

static int union_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(cast(self)->args);
    Py_VISIT(cast(self)->parameters);
    return 0;
}

static PyMemberDef union_members[] = {
    {"__args__", T_OBJECT, offsetof(KrUnion, args), READONLY},
    {NULL},
};

static PyGetSetDef union_getset[] = {
    {"__parameters__", get_parameters, NULL, "the type variables among the members"},
    {NULL},
};

static PyNumberMethods union_as_number = {.nb_or = _Py_union_type_or};
static PyMappingMethods union_as_mapping = {.mp_subscript = union_getitem};

PyTypeObject _PyUnion_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "types.UnionType",
    .tp_basicsize = sizeof(KrUnion),
    .tp_dealloc = union_dealloc,
    .tp_repr = union_repr,
    .tp_as_number = &union_as_number,
    .tp_as_mapping = &union_as_mapping,
    .tp_hash = union_hash,
    .tp_getattro = union_getattro,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_doc = "Any of several types, as int | str.",
    .tp_traverse = union_traverse,
    .tp_richcompare = union_richcompare,
    .tp_members = union_members,
    .tp_getset = union_getset,
};
