/* The classes of the `_ast` module, and conversion between their instances and the tree. */
#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <structmember.h>

#include "object/names.h"
#include "syntax/ast.h"
#include "syntax/ast_objects.h"
#include "syntax/parse.h"

enum {
    MAX_FIELDS = 8,
    DEPTH_SCALE = 3,      /* levels of a tree that may be converted for one level of Python's recursion limit */
    MAX_DEPTH = 15000,    /* whatever that limit is, as the stack of C is finite */
    DOCUMENTATION_SIZE = 4096,
};

/* The sums: kinds of nodes with alternatives. Products have a class but no sum. */
typedef enum Sum {
    NO_SUM,
#define KR_SUM(sum) SUM_##sum,
#include "syntax/ast.def"
    SUM_COUNT
} Sum;

static const char *const sum_names[SUM_COUNT] = {
#define KR_SUM(sum) [SUM_##sum] = #sum,
#include "syntax/ast.def"
};

static const char *const sum_recursion[SUM_COUNT] = {
#define KR_SUM(sum) [SUM_##sum] = " while traversing '" #sum "' node",
#include "syntax/ast.def"
};

static const char *const node_recursion[KR_NODE_KIND_COUNT] = {
#define KR_NODE(sum, Name, attributes) [KR_##Name] = " while traversing '" #Name "' node",
#include "syntax/ast.def"
};

/* What a field holds. */
typedef enum FieldClass { OF_SUM, OF_ENUMERATOR, OF_PRODUCT, OF_IDENTIFIER, OF_STRING, OF_CONSTANT, OF_INT } FieldClass;

typedef struct Field {
    PyObject *name;       /* interned */
    FieldClass of;
    Sum sum;              /* for OF_SUM and OF_ENUMERATOR */
    KrNodeKind product;   /* for OF_PRODUCT */
} Field;

static struct {
    bool ready;
    PyObject *base;                                /* AST */
    PyObject *sums[SUM_COUNT];
    PyObject *nodes[KR_NODE_KIND_COUNT];
    PyObject *enumerators[KR_ENUMERATOR_COUNT];
    PyObject *singletons[KR_ENUMERATOR_COUNT];     /* an instance of each enumerator's class */
    Sum sum_of[KR_NODE_KIND_COUNT];                /* NO_SUM for products */
    bool has_position[SUM_COUNT];
    Field fields[KR_NODE_KIND_COUNT][MAX_FIELDS];
} state;

/* The class AST */

typedef struct AstObject {
    PyObject_HEAD
    PyObject *dict;
} AstObject;

static void ast_dealloc(AstObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->dict);
    type->tp_free(self);
    Py_DECREF(type);
}

static int ast_traverse(AstObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->dict);
    return 0;
}

static int ast_clear(AstObject *self) {
    Py_CLEAR(self->dict);
    return 0;
}

/* Positional arguments are the fields in order; keywords are any attributes. */
static int ast_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    PyObject *fields;
    Py_ssize_t field_count = 0, given = PyTuple_GET_SIZE(args);
    int status = -1;
    if (_PyObject_LookupAttr((PyObject *)Py_TYPE(self), KR_NAME(_fields), &fields) < 0) return -1;
    if (fields != NULL) {
        field_count = PySequence_Size(fields);
        if (field_count < 0) goto done;
    }
    if (given > field_count) {
        PyErr_Format(PyExc_TypeError, "%.400s constructor takes at most %zd positional argument%s",
                     _PyType_Name(Py_TYPE(self)), field_count, field_count == 1 ? "" : "s");
        goto done;
    }
    for (Py_ssize_t i = 0; i < given; i++) {
        PyObject *name = PySequence_GetItem(fields, i);
        if (name == NULL) goto done;
        int set = PyObject_SetAttr(self, name, PyTuple_GET_ITEM(args, i));
        Py_DECREF(name);
        if (set < 0) goto done;
    }
    if (kwargs != NULL) {
        Py_ssize_t place = 0;
        PyObject *key, *value;
        while (PyDict_Next(kwargs, &place, &key, &value)) {
            int known = fields != NULL ? PySequence_Contains(fields, key) : 0;
            if (known < 0) goto done;
            if (known) {
                Py_ssize_t index = PySequence_Index(fields, key);
                if (index < 0) goto done;
                if (index < given) {
                    PyErr_Format(PyExc_TypeError, "%.400s got multiple values for argument '%U'",
                                 _PyType_Name(Py_TYPE(self)), key);
                    goto done;
                }
            }
            if (PyObject_SetAttr(self, key, value) < 0) goto done;
        }
    }
    status = 0;

done:
    Py_XDECREF(fields);
    return status;
}

static PyObject *ast_reduce(PyObject *self, PyObject *unused) {
    PyObject *dict;
    if (_PyObject_LookupAttr(self, KR_NAME(__dict__), &dict) < 0) return NULL;
    return dict != NULL ? Py_BuildValue("O()N", Py_TYPE(self), dict) : Py_BuildValue("O()", Py_TYPE(self));
}

static PyMethodDef ast_methods[] = {
    {"__reduce__", ast_reduce, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef ast_members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(AstObject, dict), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyGetSetDef ast_getset[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot ast_slots[] = {
    {Py_tp_dealloc, ast_dealloc},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_setattro, PyObject_GenericSetAttr},
    {Py_tp_traverse, ast_traverse},
    {Py_tp_clear, ast_clear},
    {Py_tp_members, ast_members},
    {Py_tp_methods, ast_methods},
    {Py_tp_getset, ast_getset},
    {Py_tp_init, ast_init},
    {Py_tp_alloc, PyType_GenericAlloc},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_free, PyObject_GC_Del},
    {0, NULL},
};

static PyType_Spec ast_spec = {
    .name = "ast.AST",
    .basicsize = sizeof(AstObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = ast_slots,
};

/* Making the classes */

static PyObject *field_names(const KrNodeInfo *info) {
    PyObject *names = PyTuple_New(info->field_count);
    for (int i = 0; names != NULL && i < info->field_count; i++) {
        PyObject *name = PyUnicode_InternFromString(info->fields[i].name);
        if (name == NULL) {
            Py_DECREF(names);
            return NULL;
        }
        PyTuple_SET_ITEM(names, i, name);
    }
    return names;
}

/* Makes a class. Takes the reference to `fields`, which may be NULL after a failure. */
static PyObject *make_class(const char *name, PyObject *base, PyObject *fields, const char *documentation) {
    if (fields == NULL) return NULL;
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){sOsOssss}", name, base, "_fields", fields,
                                           "__match_args__", fields, "__module__", "ast", "__doc__", documentation);
    Py_DECREF(fields);
    return type;
}

static size_t append(char *text, size_t used, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text + used, DOCUMENTATION_SIZE - used, format, arguments);
    va_end(arguments);
    return Py_MIN(used + (size_t)length, DOCUMENTATION_SIZE - 1);
}

/* Appends a node's form in the abstract grammar: "BinOp(expr left, operator op, expr right)". */
static size_t append_form(char *text, size_t used, const KrNodeInfo *info) {
    static const char *const suffixes[] = {[KR_ONE] = "", [KR_OPTIONAL] = "?", [KR_MANY] = "*", [KR_MANY_OPTIONAL] = "*"};
    used = append(text, used, "%s", info->name);
    if (info->field_count == 0) return used;
    for (int i = 0; i < info->field_count; i++) {
        const KrFieldInfo *field = &info->fields[i];
        used = append(text, used, "%s%s%s %s", i == 0 ? "(" : ", ", field->type, suffixes[field->quantity], field->name);
    }
    return append(text, used, ")");
}

static Sum find_sum(const char *name) {
    for (int i = 1; i < SUM_COUNT; i++) {
        if (strcmp(sum_names[i], name) == 0) return (Sum)i;
    }
    return NO_SUM;
}

static int set_none(PyObject *type, const char *name) { return PyObject_SetAttrString(type, name, Py_None); }

/* The end of a position may be left out, save in patterns. */
static bool may_lack_end(const char *name) { return strcmp(name, "pattern") != 0; }

static int set_attributes(PyObject *type, const char *name, bool has_position) {
    PyObject *names = has_position ? Py_BuildValue("(ssss)", "lineno", "col_offset", "end_lineno", "end_col_offset")
                                   : PyTuple_New(0);
    if (names == NULL) return -1;
    int status = PyObject_SetAttr(type, KR_NAME(_attributes), names);
    Py_DECREF(names);
    if (status == 0 && has_position && may_lack_end(name)) {
        status = set_none(type, "end_lineno") < 0 || set_none(type, "end_col_offset") < 0 ? -1 : 0;
    }
    return status;
}

static int make_sum(Sum sum) {
    char text[DOCUMENTATION_SIZE];
    size_t used = append(text, 0, "%s", sum_names[sum]);
    bool first = true, short_form = true, has_position = false;
    for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) {
        const KrNodeInfo *info = &kr_node_info[kind];
        if (strcmp(info->sum, sum_names[sum]) != 0) continue;
        used = append(text, used, first ? " = " : "\n%*s| ", (int)strlen(sum_names[sum]) + 1, "");
        used = append_form(text, used, info);
        first = short_form = false;
        has_position |= info->has_position;
    }
    for (int i = 1; short_form && i < KR_ENUMERATOR_COUNT; i++) {
        if (strcmp(kr_enumerator_sum[i], sum_names[sum]) != 0) continue;
        used = append(text, used, "%s%s", first ? " = " : " | ", kr_enumerator_name[i]);
        first = false;
    }
    state.has_position[sum] = has_position;
    state.sums[sum] = make_class(sum_names[sum], state.base, PyTuple_New(0), text);
    return state.sums[sum] == NULL ? -1 : set_attributes(state.sums[sum], sum_names[sum], has_position);
}

static int make_field(Field *field, const KrFieldInfo *info) {
    field->name = PyUnicode_InternFromString(info->name);
    if (field->name == NULL) return -1;
    field->sum = find_sum(info->type);
    if (strcmp(info->type, "identifier") == 0) {
        field->of = OF_IDENTIFIER;
    } else if (strcmp(info->type, "string") == 0) {
        field->of = OF_STRING;
    } else if (strcmp(info->type, "constant") == 0) {
        field->of = OF_CONSTANT;
    } else if (strcmp(info->type, "int") == 0) {
        field->of = OF_INT;
    } else if (field->sum == NO_SUM) {
        field->of = OF_PRODUCT;
        for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) {
            if (strcmp(kr_node_info[kind].name, info->type) == 0) field->product = (KrNodeKind)kind;
        }
    } else {
        field->of = OF_ENUMERATOR;
        for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) {
            if (state.sum_of[kind] == field->sum) field->of = OF_SUM;
        }
    }
    return 0;
}

static int make_node(KrNodeKind kind) {
    const KrNodeInfo *info = &kr_node_info[kind];
    char text[DOCUMENTATION_SIZE];
    append_form(text, 0, info);
    Sum sum = state.sum_of[kind];
    PyObject *type = make_class(info->name, sum != NO_SUM ? state.sums[sum] : state.base, field_names(info), text);
    if (type == NULL) return -1;
    state.nodes[kind] = type;
    if (sum == NO_SUM && set_attributes(type, info->name, info->has_position) < 0) return -1;
    for (int i = 0; i < info->field_count; i++) {
        if (make_field(&state.fields[kind][i], &info->fields[i]) < 0) return -1;
        if (info->fields[i].quantity == KR_OPTIONAL && set_none(type, info->fields[i].name) < 0) return -1;
    }
    return 0;
}

static int make_enumerator(int enumerator) {
    const char *name = kr_enumerator_name[enumerator];
    PyObject *base = state.sums[find_sum(kr_enumerator_sum[enumerator])];
    state.enumerators[enumerator] = make_class(name, base, PyTuple_New(0), name);
    if (state.enumerators[enumerator] == NULL) return -1;
    state.singletons[enumerator] = PyObject_CallNoArgs(state.enumerators[enumerator]);
    return state.singletons[enumerator] == NULL ? -1 : 0;
}

static int make_classes(void) {
    if (state.ready) return 0;
    state.base = PyType_FromSpec(&ast_spec);
    PyObject *empty = PyTuple_New(0);
    int status = -1;
    if (state.base == NULL || empty == NULL) goto done;
    if (PyObject_SetAttr(state.base, KR_NAME(_fields), empty) < 0 ||
        PyObject_SetAttr(state.base, KR_NAME(__match_args__), empty) < 0 ||
        PyObject_SetAttr(state.base, KR_NAME(_attributes), empty) < 0)
        goto done;
    for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) state.sum_of[kind] = find_sum(kr_node_info[kind].sum);
    for (int sum = 1; sum < SUM_COUNT; sum++) {
        if (make_sum((Sum)sum) < 0) goto done;
    }
    for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) {
        if (make_node((KrNodeKind)kind) < 0) goto done;
    }
    for (int i = 1; i < KR_ENUMERATOR_COUNT; i++) {
        if (make_enumerator(i) < 0) goto done;
    }
    state.ready = true;
    status = 0;

done:
    Py_XDECREF(empty);
    if (status < 0) kr_ast_objects_finalize();
    return status;
}

void kr_ast_objects_finalize(void) {
    state.ready = false;
    Py_CLEAR(state.base);
    for (int i = 0; i < SUM_COUNT; i++) Py_CLEAR(state.sums[i]);
    for (int kind = 0; kind < KR_NODE_KIND_COUNT; kind++) {
        Py_CLEAR(state.nodes[kind]);
        for (int i = 0; i < MAX_FIELDS; i++) Py_CLEAR(state.fields[kind][i].name);
    }
    for (int i = 0; i < KR_ENUMERATOR_COUNT; i++) {
        Py_CLEAR(state.enumerators[i]);
        Py_CLEAR(state.singletons[i]);
    }
}

/* Adds the classes of one sum, or of one product. */
static int add_group(PyObject *module, const char *name) {
    Sum sum = find_sum(name);
    if (sum != NO_SUM && PyModule_AddObjectRef(module, name, state.sums[sum]) < 0) return -1;
    for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) {
        if (strcmp(kr_node_info[kind].sum, name) != 0) continue;
        if (PyModule_AddObjectRef(module, kr_node_info[kind].name, state.nodes[kind]) < 0) return -1;
    }
    for (int i = 1; i < KR_ENUMERATOR_COUNT; i++) {
        if (strcmp(kr_enumerator_sum[i], name) != 0) continue;
        if (PyModule_AddObjectRef(module, kr_enumerator_name[i], state.enumerators[i]) < 0) return -1;
    }
    return 0;
}

int kr_ast_objects_add(PyObject *module) {
    static const char *const groups[] = {
        "mod",       "stmt", "expr",    "expr_context", "boolop",   "operator",   "unaryop", "cmpop",       "comprehension",
        "excepthandler", "arguments", "arg", "keyword", "alias", "withitem", "match_case", "pattern", "type_ignore",
    };
    if (make_classes() < 0) return -1;
    if (PyModule_AddObjectRef(module, "AST", state.base) < 0) return -1;
    if (PyModule_AddIntMacro(module, PyCF_ALLOW_TOP_LEVEL_AWAIT) < 0 || PyModule_AddIntMacro(module, PyCF_ONLY_AST) < 0 ||
        PyModule_AddIntMacro(module, PyCF_TYPE_COMMENTS) < 0)
        return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(groups); i++) {
        if (add_group(module, groups[i]) < 0) return -1;
    }
    return 0;
}

int kr_ast_check(PyObject *object) {
    if (make_classes() < 0) return -1;
    return PyObject_IsInstance(object, state.base);
}

/* From the tree to objects */

static PyObject *node_to_object(const KrNode *node, int depth);

/* Puts an attribute into an instance's dict; takes the reference to value, which may be NULL after a failure. */
static int put(PyObject *dict, PyObject *name, PyObject *value) {
    if (value == NULL || name == NULL) {
        Py_XDECREF(value);
        return -1;
    }
    int status = PyDict_SetItem(dict, name, value);
    Py_DECREF(value);
    return status;
}

static PyObject *item_to_object(const Field *field, void *item, int depth) {
    switch (field->of) {
    case OF_SUM:
    case OF_PRODUCT: return node_to_object(item, depth);
    case OF_ENUMERATOR: return Py_NewRef(state.singletons[(intptr_t)item]);
    default: return Py_NewRef(item != NULL ? item : Py_None);
    }
}

static PyObject *field_to_object(const KrNode *node, const Field *field, const KrFieldInfo *info, int depth) {
    const char *place = (const char *)node + info->offset;
    if (info->quantity == KR_MANY || info->quantity == KR_MANY_OPTIONAL) {
        const KrSeq *seq = *(KrSeq *const *)place;
        Py_ssize_t count = kr_seq_count(seq);
        PyObject *list = PyList_New(count);
        for (Py_ssize_t i = 0; list != NULL && i < count; i++) {
            PyObject *item = item_to_object(field, seq->item[i], depth);
            if (item == NULL) {
                Py_DECREF(list);
                return NULL;
            }
            PyList_SET_ITEM(list, i, item);
        }
        return list;
    }
    switch (field->of) {
    case OF_INT: return PyLong_FromLong(*(const int *)place);
    case OF_ENUMERATOR: return Py_NewRef(state.singletons[*(const KrEnumerator *)place]);
    default: return item_to_object(field, *(void *const *)place, depth);
    }
}

static PyObject *node_to_object(const KrNode *node, int depth) {
    if (node == NULL) return Py_NewRef(Py_None);
    if (--depth < 0) {
        PyErr_SetString(PyExc_RecursionError, "maximum recursion depth exceeded during ast construction");
        return NULL;
    }
    const KrNodeInfo *info = &kr_node_info[node->kind];
    PyTypeObject *type = (PyTypeObject *)state.nodes[node->kind];
    AstObject *self = (AstObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    PyObject *dict = self->dict = PyDict_New();
    if (dict == NULL) goto error;
    for (int i = 0; i < info->field_count; i++) {
        const Field *field = &state.fields[node->kind][i];
        if (put(dict, field->name, field_to_object(node, field, &info->fields[i], depth)) < 0) goto error;
    }
    if (info->has_position) {
        if (put(dict, KR_NAME(lineno), PyLong_FromLong(node->lineno)) < 0 ||
            put(dict, KR_NAME(col_offset), PyLong_FromLong(node->col_offset)) < 0 ||
            put(dict, KR_NAME(end_lineno), PyLong_FromLong(node->end_lineno)) < 0 ||
            put(dict, KR_NAME(end_col_offset), PyLong_FromLong(node->end_col_offset)) < 0)
            goto error;
    }
    return (PyObject *)self;

error:
    Py_DECREF(self);
    return NULL;
}

PyObject *kr_ast_to_object(KrNode *tree) {
    if (make_classes() < 0) return NULL;
    int limit = Py_GetRecursionLimit();
    return node_to_object(tree, limit > MAX_DEPTH / DEPTH_SCALE ? MAX_DEPTH : limit * DEPTH_SCALE);
}

/* From objects to the tree. Functions return 0, or -1 with an exception. */

static int node_from_object(PyObject *object, KrNodeKind kind, KrNode *place, KrArena *arena, KrNode **result);
static int sum_from_object(PyObject *object, Sum sum, KrArena *arena, KrNode **result);

static int own(KrArena *arena, PyObject *object, PyObject **result) {
    if (object == Py_None) {
        *result = NULL;
        return 0;
    }
    *result = object;
    return kr_arena_own(arena, Py_NewRef(object));
}

static int int_from_object(PyObject *object, int *result) {
    if (!PyLong_Check(object)) {
        PyErr_Format(PyExc_ValueError, "invalid integer value: %R", object);
        return -1;
    }
    *result = _PyLong_AsInt(object);
    return *result == -1 && PyErr_Occurred() ? -1 : 0;
}

static int enumerator_from_object(PyObject *object, Sum sum, KrEnumerator *result) {
    for (int i = 1; i < KR_ENUMERATOR_COUNT; i++) {
        if (strcmp(kr_enumerator_sum[i], sum_names[sum]) != 0) continue;
        int is = PyObject_IsInstance(object, state.enumerators[i]);
        if (is < 0) return -1;
        if (is) {
            *result = (KrEnumerator)i;
            return 0;
        }
    }
    PyErr_Format(PyExc_TypeError, "expected some sort of %s, but got %R", sum_names[sum], object);
    return -1;
}

static int item_from_object(PyObject *object, const Field *field, KrArena *arena, void **result) {
    KrEnumerator enumerator;
    switch (field->of) {
    case OF_SUM: return sum_from_object(object, field->sum, arena, (KrNode **)result);
    case OF_PRODUCT: return node_from_object(object, field->product, NULL, arena, (KrNode **)result);
    case OF_ENUMERATOR:
        if (enumerator_from_object(object, field->sum, &enumerator) < 0) return -1;
        *result = (void *)(intptr_t)enumerator;
        return 0;
    case OF_IDENTIFIER:
        if (!PyUnicode_CheckExact(object) && object != Py_None) {
            PyErr_SetString(PyExc_TypeError, "AST identifier must be of type str");
            return -1;
        }
        return own(arena, object, (PyObject **)result);
    case OF_STRING:
        if (!PyUnicode_CheckExact(object) && !PyBytes_CheckExact(object)) {
            PyErr_SetString(PyExc_TypeError, "AST string must be of type str");
            return -1;
        }
        return own(arena, object, (PyObject **)result);
    case OF_CONSTANT: *result = object; return kr_arena_own(arena, Py_NewRef(object));
    default: return 0;
    }
}

static int list_from_object(PyObject *list, KrNodeKind kind, const Field *field, const KrFieldInfo *info, KrArena *arena,
                            KrSeq **result) {
    const char *owner = kr_node_info[kind].name;
    if (!PyList_Check(list)) {
        PyErr_Format(PyExc_TypeError, "%s field \"%s\" must be a list, not a %.200s", owner, info->name,
                     _PyType_Name(Py_TYPE(list)));
        return -1;
    }
    Py_ssize_t count = PyList_GET_SIZE(list);
    *result = kr_seq_new(arena, count);
    if (*result == NULL) return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = Py_NewRef(PyList_GET_ITEM(list, i));
        if (Py_EnterRecursiveCall(node_recursion[kind])) {
            Py_DECREF(item);
            return -1;
        }
        int status = item_from_object(item, field, arena, &(*result)->item[i]);
        Py_LeaveRecursiveCall();
        Py_DECREF(item);
        if (status < 0) return -1;
        if (PyList_GET_SIZE(list) != count) {
            PyErr_Format(PyExc_RuntimeError, "%s field \"%s\" changed size during iteration", owner, info->name);
            return -1;
        }
    }
    return 0;
}

static int field_from_object(PyObject *object, KrNode *node, const Field *field, const KrFieldInfo *info,
                             KrArena *arena) {
    char *place = (char *)node + info->offset;
    PyObject *value;
    const char *owner = kr_node_info[node->kind].name;
    if (_PyObject_LookupAttr(object, field->name, &value) < 0) return -1;
    if (value == NULL && info->quantity != KR_OPTIONAL) {
        PyErr_Format(PyExc_TypeError, "required field \"%s\" missing from %s", info->name, owner);
        return -1;
    }
    int status = 0;
    if (info->quantity == KR_MANY || info->quantity == KR_MANY_OPTIONAL) {
        status = list_from_object(value, node->kind, field, info, arena, (KrSeq **)place);
    } else if (value == NULL || (info->quantity == KR_OPTIONAL && value == Py_None)) {
        /* Absent: the field stays zero. */
    } else if (Py_EnterRecursiveCall(node_recursion[node->kind])) {
        status = -1;
    } else {
        if (field->of == OF_INT) {
            status = int_from_object(value, (int *)place);
        } else if (field->of == OF_ENUMERATOR) {
            status = enumerator_from_object(value, field->sum, (KrEnumerator *)place);
        } else {
            status = item_from_object(value, field, arena, (void **)place);
        }
        Py_LeaveRecursiveCall();
    }
    Py_XDECREF(value);
    return status;
}

static int position_from_object(PyObject *object, PyObject *name, const char *owner, bool optional, int absent,
                                int *result) {
    PyObject *value;
    if (name == NULL || _PyObject_LookupAttr(object, name, &value) < 0) return -1;
    if (optional && (value == NULL || value == Py_None)) {
        *result = absent;
    } else if (value == NULL) {
        PyErr_Format(PyExc_TypeError, "required field \"%U\" missing from %s", name, owner);
        return -1;
    } else if (int_from_object(value, result) < 0) {
        Py_DECREF(value);
        return -1;
    }
    Py_XDECREF(value);
    return 0;
}

static int place_from_object(PyObject *object, const char *owner, KrNode *place) {
    bool optional = may_lack_end(owner);
    if (position_from_object(object, KR_NAME(lineno), owner, false, 0, &place->lineno) < 0 ||
        position_from_object(object, KR_NAME(col_offset), owner, false, 0, &place->col_offset) < 0 ||
        position_from_object(object, KR_NAME(end_lineno), owner, optional, place->lineno, &place->end_lineno) < 0 ||
        position_from_object(object, KR_NAME(end_col_offset), owner, optional, place->col_offset,
                             &place->end_col_offset) < 0)
        return -1;
    return 0;
}

/* Converts an object to a node of known kind. `place` has its position, or is NULL for products. */
static int node_from_object(PyObject *object, KrNodeKind kind, KrNode *place, KrArena *arena, KrNode **result) {
    const KrNodeInfo *info = &kr_node_info[kind];
    KrNode *node = kr_node_new(arena, kind), own_place;
    if (node == NULL) return -1;
    for (int i = 0; i < info->field_count; i++) {
        if (field_from_object(object, node, &state.fields[kind][i], &info->fields[i], arena) < 0) return -1;
    }
    if (place == NULL && info->has_position) {
        if (place_from_object(object, info->name, &own_place) < 0) return -1;
        place = &own_place;
    }
    for (int i = 0; i < info->field_count; i++) {
        const KrFieldInfo *field = &info->fields[i];
        if (field->quantity != KR_ONE || state.fields[kind][i].of == OF_INT) continue;
        bool absent = state.fields[kind][i].of == OF_ENUMERATOR
                          ? *(KrEnumerator *)((char *)node + field->offset) == KR_NO_ENUMERATOR
                          : *(void **)((char *)node + field->offset) == NULL;
        if (absent) {
            PyErr_Format(PyExc_ValueError, "field '%s' is required for %s", field->name, info->name);
            return -1;
        }
    }
    if (info->has_position) {
        node->lineno = place->lineno;
        node->col_offset = place->col_offset;
        node->end_lineno = place->end_lineno;
        node->end_col_offset = place->end_col_offset;
    }
    *result = node;
    return 0;
}

/* Converts an object to one of a sum's alternatives; None gives NULL. */
static int sum_from_object(PyObject *object, Sum sum, KrArena *arena, KrNode **result) {
    KrNode place = {0};
    *result = NULL;
    if (object == Py_None) return 0;
    if (Py_EnterRecursiveCall(sum_recursion[sum])) return -1;
    int status = -1;
    if (state.has_position[sum] && place_from_object(object, sum_names[sum], &place) < 0) goto done;
    for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) {
        if (state.sum_of[kind] != sum) continue;
        int is = Py_IS_TYPE(object, (PyTypeObject *)state.nodes[kind]) ? 1
                                                                      : PyObject_IsInstance(object, state.nodes[kind]);
        if (is < 0) goto done;
        if (is) {
            status = node_from_object(object, (KrNodeKind)kind, &place, arena, result);
            goto done;
        }
    }
    PyErr_Format(PyExc_TypeError, "expected some sort of %s, but got %R", sum_names[sum], object);

done:
    Py_LeaveRecursiveCall();
    return status;
}

KrNode *kr_ast_from_object(PyObject *object, KrParseMode mode, KrArena *arena) {
    if (make_classes() < 0) return NULL;
    KrNodeKind wanted;
    switch (mode) {
    case KR_PARSE_EXPRESSION: wanted = KR_Expression; break;
    case KR_PARSE_INTERACTIVE: wanted = KR_Interactive; break;
    case KR_PARSE_FUNCTION_TYPE: wanted = KR_FunctionType; break;
    default: wanted = KR_Module; break;
    }
    int is = PyObject_IsInstance(object, state.nodes[wanted]);
    if (is < 0) return NULL;
    if (!is) {
        PyErr_Format(PyExc_TypeError, "expected %s node, got %.400s", kr_node_info[wanted].name,
                     _PyType_Name(Py_TYPE(object)));
        return NULL;
    }
    KrNode *node;
    return sum_from_object(object, SUM_mod, arena, &node) < 0 ? NULL : node;
}
