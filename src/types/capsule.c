/* Capsules: C pointers that extension modules hand each other, with a name that must match. */
#include <Python.h>

#include <string.h>

typedef struct {
    PyObject_HEAD
    void *pointer; /* not NULL in a valid capsule */
    const char *name;
    void *context;
    PyCapsule_Destructor destructor;
} Capsule;

/* Returns the capsule, or NULL with a ValueError that names the function. */
static Capsule *checked(PyObject *object, const char *error) {
    if (object != NULL && PyCapsule_CheckExact(object) && ((Capsule *)object)->pointer != NULL) return (Capsule *)object;
    PyErr_SetString(PyExc_ValueError, error);
    return NULL;
}

#define CHECKED(object, function) checked(object, function " called with invalid PyCapsule object")

static int same_name(const char *a, const char *b) { return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0); }

PyObject *PyCapsule_New(void *pointer, const char *name, PyCapsule_Destructor destructor) {
    if (pointer == NULL) {
        PyErr_SetString(PyExc_ValueError, "PyCapsule_New called with null pointer");
        return NULL;
    }
    Capsule *self = PyObject_New(Capsule, &PyCapsule_Type);
    if (self == NULL) return NULL;
    self->pointer = pointer;
    self->name = name;
    self->context = NULL;
    self->destructor = destructor;
    return (PyObject *)self;
}

int PyCapsule_IsValid(PyObject *object, const char *name) {
    Capsule *self = (Capsule *)object;
    return object != NULL && PyCapsule_CheckExact(object) && self->pointer != NULL && same_name(self->name, name);
}

void *PyCapsule_GetPointer(PyObject *object, const char *name) {
    Capsule *self = CHECKED(object, "PyCapsule_GetPointer");
    if (self == NULL) return NULL;
    if (same_name(name, self->name)) return self->pointer;
    PyErr_SetString(PyExc_ValueError, "PyCapsule_GetPointer called with incorrect name");
    return NULL;
}

const char *PyCapsule_GetName(PyObject *object) {
    Capsule *self = CHECKED(object, "PyCapsule_GetName");
    return self == NULL ? NULL : self->name;
}

PyCapsule_Destructor PyCapsule_GetDestructor(PyObject *object) {
    Capsule *self = CHECKED(object, "PyCapsule_GetDestructor");
    return self == NULL ? NULL : self->destructor;
}

void *PyCapsule_GetContext(PyObject *object) {
    Capsule *self = CHECKED(object, "PyCapsule_GetContext");
    return self == NULL ? NULL : self->context;
}

int PyCapsule_SetPointer(PyObject *object, void *pointer) {
    if (pointer == NULL) {
        PyErr_SetString(PyExc_ValueError, "PyCapsule_SetPointer called with null pointer");
        return -1;
    }
    Capsule *self = CHECKED(object, "PyCapsule_SetPointer");
    if (self == NULL) return -1;
    self->pointer = pointer;
    return 0;
}

int PyCapsule_SetName(PyObject *object, const char *name) {
    Capsule *self = CHECKED(object, "PyCapsule_SetName");
    if (self == NULL) return -1;
    self->name = name;
    return 0;
}

int PyCapsule_SetDestructor(PyObject *object, PyCapsule_Destructor destructor) {
    Capsule *self = CHECKED(object, "PyCapsule_SetDestructor");
    if (self == NULL) return -1;
    self->destructor = destructor;
    return 0;
}

int PyCapsule_SetContext(PyObject *object, void *context) {
    Capsule *self = CHECKED(object, "PyCapsule_SetContext");
    if (self == NULL) return -1;
    self->context = context;
    return 0;
}

/* Finds the capsule "module.attribute...": imports what comes before the first dot, then follows attributes. Returns the
 * capsule's pointer. */
void *PyCapsule_Import(const char *name, int no_block) {
    size_t size = strlen(name) + 1;
    char *path = PyMem_Malloc(size);
    if (path == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(path, name, size);
    PyObject *object = NULL;
    for (char *part = path; part != NULL;) {
        char *dot = strchr(part, '.');
        if (dot != NULL) *dot++ = '\0';
        if (object != NULL) {
            Py_SETREF(object, PyObject_GetAttrString(object, part));
        } else {
            object = no_block ? PyImport_ImportModuleNoBlock(part) : PyImport_ImportModule(part);
            if (object == NULL && no_block)
                PyErr_Format(PyExc_ImportError, "PyCapsule_Import could not import module \"%s\"", part);
        }
        if (object == NULL) break;
        part = dot;
    }
    void *pointer = NULL;
    if (object != NULL) {
        if (PyCapsule_IsValid(object, name))
            pointer = ((Capsule *)object)->pointer;
        else
            PyErr_Format(PyExc_AttributeError, "PyCapsule_Import \"%s\" is not valid", name);
        Py_DECREF(object);
    }
    PyMem_Free(path);
    return pointer;
}

static void capsule_dealloc(Capsule *self) {
    if (self->destructor != NULL) self->destructor((PyObject *)self);
    PyObject_Free(self);
}

static PyObject *capsule_repr(Capsule *self) {
    const char *quote = self->name != NULL ? "\"" : "";
    return PyUnicode_FromFormat("<capsule object %s%s%s at %p>", quote, self->name != NULL ? self->name : "NULL", quote,
                                self);
}

PyTypeObject PyCapsule_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "PyCapsule",
    .tp_basicsize = sizeof(Capsule),
    .tp_dealloc = (destructor)capsule_dealloc,
    .tp_repr = (reprfunc)capsule_repr,
    .tp_doc = "A pointer that extension modules exchange, wrapped in an object.",
};
