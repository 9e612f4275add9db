/* Names of interpreters as Python objects, and the passing of plain data from one interpreter to another.
 *
 * An InterpreterID keeps its interpreter alive if the interpreter was made so (_PyInterpreterState_RequireIDRef): with the
 * last of them the interpreter ends. Data passes as a description without references, from which the receiver builds an
 * object of its own.
 */
#include <Python.h>

#include "object/interpreter.h"
#include "object/runtime.h"

/* Prototypes that only the reference's internal headers have. */
PyAPI_DATA(PyTypeObject) _PyInterpreterID_Type;
PyAPI_FUNC(PyObject *) _PyInterpreterID_New(int64_t id);
PyAPI_FUNC(PyObject *) _PyInterpreterState_GetIDObject(PyInterpreterState *interpreter);
PyAPI_FUNC(PyInterpreterState *) _PyInterpreterID_LookUp(PyObject *object);
PyAPI_FUNC(PyInterpreterState *) _PyInterpreterState_LookUpID(int64_t id);
PyAPI_FUNC(int) _PyInterpreterState_IDInitref(PyInterpreterState *interpreter);
PyAPI_FUNC(int) _PyInterpreterState_IDIncref(PyInterpreterState *interpreter);
PyAPI_FUNC(void) _PyInterpreterState_IDDecref(PyInterpreterState *interpreter);

/* ---- Interpreters by number ---- */

static PyInterpreterState *find(int64_t id) {
    PyInterpreterState *at = PyInterpreterState_Head();
    while (at != NULL && at->id != id) at = at->next;
    return at;
}

PyInterpreterState *_PyInterpreterState_LookUpID(int64_t id) {
    PyInterpreterState *interpreter = id < 0 ? NULL : find(id);
    if (interpreter == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_RuntimeError, "unrecognized interpreter ID %lld", (long long)id);
    return interpreter;
}

int _PyInterpreterState_IDInitref(PyInterpreterState *interpreter) {
    if (interpreter->id_refcount < 0) interpreter->id_refcount = 0;
    return 0;
}

int _PyInterpreterState_IDIncref(PyInterpreterState *interpreter) {
    _PyInterpreterState_IDInitref(interpreter);
    interpreter->id_refcount++;
    return 0;
}

void _PyInterpreterState_IDDecref(PyInterpreterState *interpreter) {
    if (--interpreter->id_refcount != 0 || !interpreter->requires_idref) return;
    PyThreadState *thread = PyInterpreterState_ThreadHead(interpreter), *old = PyThreadState_Swap(thread);
    Py_EndInterpreter(thread);
    PyThreadState_Swap(old);
}

/* ---- The type InterpreterID ---- */

typedef struct {
    PyObject_HEAD
    int64_t id;
} InterpreterID;

static PyObject *make_id(PyTypeObject *type, int64_t id, int force) {
    PyInterpreterState *interpreter = _PyInterpreterState_LookUpID(id);
    if (interpreter == NULL) {
        if (!force) return NULL;
        PyErr_Clear();
    } else {
        _PyInterpreterState_IDIncref(interpreter);
    }
    InterpreterID *self = PyObject_New(InterpreterID, type);
    if (self == NULL) {
        if (interpreter != NULL) _PyInterpreterState_IDDecref(interpreter);
        return NULL;
    }
    self->id = id;
    return (PyObject *)self;
}

PyObject *_PyInterpreterID_New(int64_t id) { return make_id(&_PyInterpreterID_Type, id, 0); }

PyObject *_PyInterpreterState_GetIDObject(PyInterpreterState *interpreter) {
    return make_id(&_PyInterpreterID_Type, interpreter->id, 0);
}

/* Reads an id from an object. Returns 0 or -1. */
static int convert_id(PyObject *object, int64_t *id) {
    if (PyObject_TypeCheck(object, &_PyInterpreterID_Type)) {
        *id = ((InterpreterID *)object)->id;
        return 0;
    }
    if (!PyIndex_Check(object)) {
        PyErr_Format(PyExc_TypeError, "interpreter ID must be an int, got %.100s", Py_TYPE(object)->tp_name);
        return -1;
    }
    *id = PyLong_AsLongLong(object);
    if (*id == -1 && PyErr_Occurred()) return -1;
    if (*id < 0) {
        PyErr_Format(PyExc_ValueError, "interpreter ID must be a non-negative int, got %R", object);
        return -1;
    }
    return 0;
}

PyInterpreterState *_PyInterpreterID_LookUp(PyObject *object) {
    int64_t id;
    return convert_id(object, &id) < 0 ? NULL : _PyInterpreterState_LookUpID(id);
}

static PyObject *id_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"id", "force", NULL};
    PyObject *object;
    int force = 0;
    int64_t id;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$p:InterpreterID.__init__", names, &object, &force)) return NULL;
    return convert_id(object, &id) < 0 ? NULL : make_id(type, id, force);
}

static void id_dealloc(InterpreterID *self) {
    PyInterpreterState *interpreter = find(self->id);
    if (interpreter != NULL && interpreter->id_refcount > 0) _PyInterpreterState_IDDecref(interpreter);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *id_int(InterpreterID *self) { return PyLong_FromLongLong(self->id); }
static PyObject *id_str(InterpreterID *self) { return PyUnicode_FromFormat("%lld", (long long)self->id); }
static PyObject *id_repr(InterpreterID *self) {
    return PyUnicode_FromFormat("%s(%lld)", _PyType_Name(Py_TYPE(self)), (long long)self->id);
}

static Py_hash_t id_hash(InterpreterID *self) {
    PyObject *number = id_int(self);
    if (number == NULL) return -1;
    Py_hash_t hash = PyObject_Hash(number);
    Py_DECREF(number);
    return hash;
}

static PyObject *id_compare(InterpreterID *self, PyObject *other, int operation) {
    if ((operation != Py_EQ && operation != Py_NE) || !PyObject_TypeCheck(self, &_PyInterpreterID_Type))
        Py_RETURN_NOTIMPLEMENTED;
    int equal;
    if (PyObject_TypeCheck(other, &_PyInterpreterID_Type)) {
        equal = self->id == ((InterpreterID *)other)->id;
    } else if (PyLong_CheckExact(other)) {
        int overflow;
        long long value = PyLong_AsLongLongAndOverflow(other, &overflow);
        if (value == -1 && PyErr_Occurred()) return NULL;
        equal = !overflow && value >= 0 && value == self->id;
    } else if (PyNumber_Check(other)) {
        PyObject *number = id_int(self);
        if (number == NULL) return NULL;
        PyObject *result = PyObject_RichCompare(number, other, operation);
        Py_DECREF(number);
        return result;
    } else {
        Py_RETURN_NOTIMPLEMENTED;
    }
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

static PyNumberMethods id_as_number = {.nb_int = (unaryfunc)id_int, .nb_index = (unaryfunc)id_int};

PyTypeObject _PyInterpreterID_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "InterpreterID",
    .tp_doc = PyDoc_STR("The number of an interpreter; usable as an int."),
    .tp_basicsize = sizeof(InterpreterID),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_new = id_new,
    .tp_dealloc = (destructor)id_dealloc,
    .tp_repr = (reprfunc)id_repr,
    .tp_str = (reprfunc)id_str,
    .tp_hash = (hashfunc)id_hash,
    .tp_richcompare = (richcmpfunc)id_compare,
    .tp_as_number = &id_as_number,
};

/* ---- Data between interpreters ---- */

static PyObject *new_bytes(_PyCrossInterpreterData *data) {
    const Py_ssize_t *size = data->data;
    return PyBytes_FromStringAndSize((const char *)(size + 1), *size);
}

/* A length and the bytes, in one block. */
static int share_bytes(PyObject *object, _PyCrossInterpreterData *data) {
    Py_ssize_t size = PyBytes_GET_SIZE(object), *copy = PyMem_RawMalloc(sizeof(Py_ssize_t) + (size_t)size);
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *copy = size;
    memcpy(copy + 1, PyBytes_AS_STRING(object), (size_t)size);
    data->data = copy;
    data->new_object = new_bytes;
    data->free = PyMem_RawFree;
    return 0;
}

typedef struct {
    int kind;
    Py_ssize_t length; /* characters */
} SharedText;

static PyObject *new_text(_PyCrossInterpreterData *data) {
    const SharedText *text = data->data;
    return PyUnicode_FromKindAndData(text->kind, text + 1, text->length);
}

static int share_text(PyObject *object, _PyCrossInterpreterData *data) {
    if (PyUnicode_READY(object) < 0) return -1;
    int kind = (int)PyUnicode_KIND(object);
    Py_ssize_t length = PyUnicode_GET_LENGTH(object);
    SharedText *copy = PyMem_RawMalloc(sizeof *copy + (size_t)length * (size_t)kind);
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *copy = (SharedText){kind, length};
    memcpy(copy + 1, PyUnicode_DATA(object), (size_t)length * (size_t)kind);
    data->data = copy;
    data->new_object = new_text;
    data->free = PyMem_RawFree;
    return 0;
}

/* An int that fits a machine word travels as the word. */
static PyObject *new_int(_PyCrossInterpreterData *data) { return PyLong_FromSsize_t((Py_ssize_t)(intptr_t)data->data); }

static int share_int(PyObject *object, _PyCrossInterpreterData *data) {
    Py_ssize_t value = PyLong_AsSsize_t(object);
    if (value == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) PyErr_SetString(PyExc_OverflowError, "try sending as bytes");
        return -1;
    }
    data->data = (void *)(intptr_t)value;
    data->new_object = new_int;
    data->free = NULL;
    return 0;
}

static PyObject *new_none(_PyCrossInterpreterData *data) { return Py_NewRef(Py_None); }

static int share_none(PyObject *object, _PyCrossInterpreterData *data) {
    data->data = NULL;
    data->new_object = new_none;
    data->free = NULL;
    return 0;
}

typedef struct Registered {
    struct Registered *next;
    PyTypeObject *type;
    crossinterpdatafunc share;
} Registered;

static struct {
    Registered *first; /* types that modules registered; the process's, like the types */
} state;

crossinterpdatafunc _PyCrossInterpreterData_Lookup(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    for (const Registered *at = state.first; at != NULL; at = at->next)
        if (at->type == type) return at->share;
    if (type == &PyBytes_Type) return share_bytes;
    if (type == &PyUnicode_Type) return share_text;
    if (type == &PyLong_Type) return share_int;
    if (object == Py_None) return share_none;
    return NULL;
}

int _PyCrossInterpreterData_RegisterClass(PyTypeObject *type, crossinterpdatafunc share) {
    if (!PyType_Check(type)) {
        PyErr_Format(PyExc_ValueError, "only classes may be registered");
        return -1;
    }
    if (share == NULL) {
        PyErr_Format(PyExc_ValueError, "missing 'getdata' func");
        return -1;
    }
    Registered *entry = PyMem_RawMalloc(sizeof *entry);
    if (entry == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *entry = (Registered){state.first, (PyTypeObject *)Py_NewRef((PyObject *)type), share};
    state.first = entry;
    return 0;
}

void kr_cross_interpreter_finalize(void) {
    while (state.first != NULL) {
        Registered *entry = state.first;
        state.first = entry->next;
        Py_DECREF(entry->type);
        PyMem_RawFree(entry);
    }
}

int _PyObject_CheckCrossInterpreterData(PyObject *object) {
    if (_PyCrossInterpreterData_Lookup(object) != NULL) return 0;
    if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "%S does not support cross-interpreter data", object);
    return -1;
}

int _PyObject_GetCrossInterpreterData(PyObject *object, _PyCrossInterpreterData *data) {
    *data = (_PyCrossInterpreterData){.interp = -1};
    if (_PyObject_CheckCrossInterpreterData(object) < 0) return -1;
    crossinterpdatafunc share = _PyCrossInterpreterData_Lookup(object);
    Py_INCREF(object);
    int failed = share(object, data);
    Py_DECREF(object);
    if (failed) return -1;
    data->interp = kr_tstate()->interp->id;
    if (data->new_object == NULL) {
        _PyCrossInterpreterData_Release(data);
        PyErr_SetString(PyExc_SystemError, "missing new_object func");
        return -1;
    }
    return 0;
}

PyObject *_PyCrossInterpreterData_NewObject(_PyCrossInterpreterData *data) { return data->new_object(data); }

/* Frees the data in the interpreter that it comes from; if that is gone, nothing is left to free but memory. */
void _PyCrossInterpreterData_Release(_PyCrossInterpreterData *data) {
    if (data->data == NULL && data->obj == NULL) return;
    PyInterpreterState *interpreter = find(data->interp);
    PyThreadState *old = NULL, *borrowed = NULL;
    if (interpreter == NULL) {
        if (data->free != NULL) data->free(data->data);
        *data = (_PyCrossInterpreterData){.interp = -1};
        return;
    }
    if (interpreter != kr_tstate()->interp) {
        borrowed = PyThreadState_New(interpreter);
        if (borrowed == NULL) return;
        old = PyThreadState_Swap(borrowed);
    }
    if (data->free != NULL) data->free(data->data);
    data->data = NULL;
    Py_CLEAR(data->obj);
    if (borrowed != NULL) {
        PyThreadState_Clear(borrowed);
        PyThreadState_Swap(old);
        PyThreadState_Delete(borrowed);
    }
}
