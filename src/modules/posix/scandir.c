/* scandir() and what it yields. */
#include <Python.h>
#include <structmember.h>

#include "modules/posix/posix.h"

#include <stddef.h>

/* ---- DirEntry ---- */

typedef struct DirEntry {
    PyObject_HEAD PyObject *name; /* str or bytes, as the folder's path was */
    PyObject *path;
    PyObject *status;      /* cached results of stat(), NULL until asked for */
    PyObject *link_status; /* of stat(follow_symlinks=False) */
    ino64_t inode;
    int folder;         /* the descriptor that was scanned, or AT_FDCWD */
    unsigned char type; /* DT_* of <dirent.h> */
} DirEntry;

static void entry_dealloc(DirEntry *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(self->name);
    Py_XDECREF(self->path);
    Py_XDECREF(self->status);
    Py_XDECREF(self->link_status);
    type->tp_free(self);
    Py_DECREF(type);
}

/* Asks the system. Returns a new stat_result, or NULL with OSError. */
static PyObject *entry_fetch(DirEntry *self, PyObject *module, int follow) {
    /* The path belongs to a descriptor or to the current folder at the time of the scan; both are the caller's care. */
    KR_PATH(path, self->path, "stat");
    struct stat status;
    int result;
    KR_UNLOCKED(result = fstatat(self->folder, path.text, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW));
    return result < 0 ? kr_path_error(&path) : kr_stat_result(module, &status);
}

static PyObject *entry_status(DirEntry *self, PyTypeObject *defining_class, int follow);

/* The file type of a status, S_IF*; -1 with an exception. */
static long status_kind(PyObject *status) {
    long mode = PyLong_AsLong(PyStructSequence_GET_ITEM(status, 0));
    return mode == -1 && PyErr_Occurred() ? -1 : mode & S_IFMT;
}

/* Has it the file type? Returns 1, 0 (also if there is no such file any more), or -1 with an exception. */
static int entry_is_kind(DirEntry *self, PyTypeObject *defining_class, int follow, long kind) {
    int is_link = self->type == DT_LNK;
    if (self->type != DT_UNKNOWN && !(follow && is_link)) {
        if (is_link) return kind == S_IFLNK;
        return (kind == S_IFDIR && self->type == DT_DIR) || (kind == S_IFREG && self->type == DT_REG);
    }
    PyObject *status = entry_status(self, defining_class, follow);
    if (status == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_FileNotFoundError)) return -1;
        PyErr_Clear();
        return 0;
    }
    long found = status_kind(status);
    Py_DECREF(status);
    return found < 0 ? -1 : found == kind;
}

/* Is it a symbolic link? Returns 1, 0, or -1 with an exception. */
static int entry_is_link(DirEntry *self, PyTypeObject *defining_class) {
    return self->type != DT_UNKNOWN ? self->type == DT_LNK : entry_is_kind(self, defining_class, 0, S_IFLNK);
}

/* Returns a new reference to the cached status, after filling the cache, or NULL with an exception. */
static PyObject *entry_status(DirEntry *self, PyTypeObject *defining_class, int follow) {
    PyObject *module = PyType_GetModule(defining_class);
    if (module == NULL) return NULL;
    if (follow) {
        if (self->status != NULL) return Py_NewRef(self->status);
        int is_link = entry_is_link(self, defining_class);
        if (is_link < 0) return NULL;
        PyObject *status = is_link ? entry_fetch(self, module, 1) : entry_status(self, defining_class, 0);
        if (status == NULL) return NULL;
        Py_XSETREF(self->status, status);
        return Py_NewRef(status);
    }
    if (self->link_status == NULL) {
        PyObject *status = entry_fetch(self, module, 0);
        if (status == NULL) return NULL;
        Py_XSETREF(self->link_status, status);
    }
    return Py_NewRef(self->link_status);
}

/* Reads the argument list "*, follow_symlinks=True". Returns 0 or -1. */
static int read_follow(_PyArg_Parser *parser, PyObject *const *args, Py_ssize_t count, PyObject *kwnames, int *follow) {
    PyObject *buffer[1] = {NULL};
    PyObject *const *found = _PyArg_UnpackKeywords(args, count, NULL, kwnames, parser, 0, 0, 0, buffer);
    if (found == NULL) return -1;
    *follow = 1;
    return found == args ? 0 : kr_read_bool(found[0], follow);
}

#define ENTRY_METHOD(name)                                                                               \
    static PyObject *entry_##name##_following(DirEntry *self, PyTypeObject *defining_class, int follow); \
    static PyObject *entry_##name(DirEntry *self, PyTypeObject *defining_class, PyObject *const *args,   \
                                  Py_ssize_t count, PyObject *kwnames) {                                 \
        static const char *const keywords[] = {"follow_symlinks", NULL};                                 \
        static _PyArg_Parser parser = {.keywords = keywords, .fname = #name};                            \
        int follow;                                                                                      \
        if (read_follow(&parser, args, count, kwnames, &follow) < 0) return NULL;                        \
        return entry_##name##_following(self, defining_class, follow);                                   \
    }                                                                                                    \
    static PyObject *entry_##name##_following(DirEntry *self, PyTypeObject *defining_class, int follow)

static PyObject *bool_or_error(int result) { return result < 0 ? NULL : PyBool_FromLong(result); }

ENTRY_METHOD(is_dir) { return bool_or_error(entry_is_kind(self, defining_class, follow, S_IFDIR)); }
ENTRY_METHOD(is_file) { return bool_or_error(entry_is_kind(self, defining_class, follow, S_IFREG)); }
ENTRY_METHOD(stat) { return entry_status(self, defining_class, follow); }

static PyObject *entry_is_symlink(DirEntry *self, PyTypeObject *defining_class, PyObject *const *args, Py_ssize_t count,
                                  PyObject *kwnames) {
    if (count != 0 || (kwnames != NULL && PyTuple_GET_SIZE(kwnames) != 0)) {
        PyErr_SetString(PyExc_TypeError, "is_symlink() takes no arguments");
        return NULL;
    }
    return bool_or_error(entry_is_link(self, defining_class));
}

static PyObject *entry_inode(DirEntry *self, PyObject *unused) { return PyLong_FromUnsignedLongLong(self->inode); }

static PyObject *entry_fspath(DirEntry *self, PyObject *unused) { return Py_NewRef(self->path); }

static PyObject *entry_repr(DirEntry *self) { return PyUnicode_FromFormat("<DirEntry %R>", self->name); }

static PyMemberDef entry_members[] = {
    {"name", T_OBJECT_EX, offsetof(DirEntry, name), READONLY, "the name within the folder that was scanned"},
    {"path", T_OBJECT_EX, offsetof(DirEntry, path), READONLY,
     "the folder's path as it was given, joined with the name"},
    {NULL},
};

enum { CLASS_METHOD_FLAGS = METH_METHOD | METH_FASTCALL | METH_KEYWORDS };
#define METHOD(function) ((PyCFunction)(void (*)(void))function)

static PyMethodDef entry_methods[] = {
    {"is_dir", METHOD(entry_is_dir), CLASS_METHOD_FLAGS,
     "is_dir($self, /, *, follow_symlinks=True)\n--\n\nTell whether the entry is a folder, or a link to one."},
    {"is_file", METHOD(entry_is_file), CLASS_METHOD_FLAGS,
     "is_file($self, /, *, follow_symlinks=True)\n--\n\nTell whether the entry is a regular file, or a link to one."},
    {"is_symlink", METHOD(entry_is_symlink), CLASS_METHOD_FLAGS,
     "is_symlink($self, /)\n--\n\nTell whether the entry is a symbolic link."},
    {"stat", METHOD(entry_stat), CLASS_METHOD_FLAGS,
     "stat($self, /, *, follow_symlinks=True)\n--\n\nReturn the entry's status; the entry keeps it for later calls."},
    {"inode", (PyCFunction)entry_inode, METH_NOARGS, "inode($self, /)\n--\n\nReturn the inode number."},
    {"__fspath__", (PyCFunction)entry_fspath, METH_NOARGS, "__fspath__($self, /)\n--\n\nReturn the attribute path."},
    {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, "See PEP 585"},
    {NULL},
};

static PyType_Slot entry_slots[] = {
    {Py_tp_dealloc, entry_dealloc},
    {Py_tp_repr, entry_repr},
    {Py_tp_methods, entry_methods},
    {Py_tp_members, entry_members},
    {0, NULL},
};

static PyType_Spec entry_spec = {
    .name = "posix.DirEntry",
    .basicsize = sizeof(DirEntry),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = entry_slots,
};

/* ---- ScandirIterator ---- */

typedef struct ScandirIterator {
    PyObject_HEAD PyObject *module;
    KrFolder *folder; /* closed once exhausted; NULL if it could not be opened */
    KrPath path;
    PyObject *prefix; /* str or bytes: what an entry's path has before its name; NULL for a descriptor */
} ScandirIterator;

/* The folder's path with a slash at its end. Returns a new str or bytes, or NULL. */
static PyObject *make_prefix(const KrPath *path) {
    size_t size = strlen(path->text);
    const char *separator = size > 0 && path->text[size - 1] == '/' ? "" : "/";
    if (PyUnicode_Check(path->object)) return PyUnicode_FromFormat("%U%s", path->object, separator);
    PyObject *bytes = PyBytes_FromFormat("%s%s", path->text, separator);
    if (bytes == NULL || kr_path_is_bytes(path)) return bytes;
    Py_SETREF(bytes, PyUnicode_DecodeFSDefaultAndSize(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes)));
    return bytes;
}

/* The path of an entry. Returns a new reference or NULL. */
static PyObject *join(PyObject *prefix, PyObject *name) {
    if (prefix == NULL) return Py_NewRef(name);
    if (PyUnicode_Check(prefix)) return PyUnicode_Concat(prefix, name);
    PyObject *path = Py_NewRef(prefix);
    PyBytes_Concat(&path, name);
    return path;
}

static PyObject *make_entry(ScandirIterator *self, const struct dirent64 *source) {
    PyTypeObject *type = kr_posix_state(self->module)->DirEntry;
    DirEntry *entry = (DirEntry *)type->tp_alloc(type, 0);
    if (entry == NULL) return NULL;
    entry->inode = source->d_ino;
    entry->type = source->d_type;
    entry->folder = self->path.fd == -1 ? AT_FDCWD : self->path.fd;
    entry->name = kr_path_result(&self->path, source->d_name, (Py_ssize_t)strlen(source->d_name));
    if (entry->name != NULL) entry->path = join(self->prefix, entry->name);
    if (entry->path == NULL) Py_CLEAR(entry);
    return (PyObject *)entry;
}

static PyObject *iterator_next(ScandirIterator *self) {
    const struct dirent64 *entry = kr_folder_next(self->folder, &self->path);
    PyObject *object = entry == NULL ? NULL : make_entry(self, entry);
    if (object == NULL) kr_folder_close(self->folder, &self->path);
    return object;
}

static PyObject *iterator_close(ScandirIterator *self, PyObject *unused) {
    kr_folder_close(self->folder, &self->path);
    Py_RETURN_NONE;
}

static PyObject *iterator_enter(PyObject *self, PyObject *unused) { return Py_NewRef(self); }

static PyObject *iterator_exit(ScandirIterator *self, PyObject *const *args, Py_ssize_t count) {
    return iterator_close(self, NULL);
}

/* Closes, and warns of, an iterator that was neither exhausted nor closed. */
static void iterator_finalize(ScandirIterator *self) {
    if (self->folder == NULL || self->folder->fd < 0) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_ResourceWarning((PyObject *)self, 1, "unclosed scandir iterator %R", self) < 0 &&
        PyErr_ExceptionMatches(PyExc_Warning))
        PyErr_WriteUnraisable((PyObject *)self);
    kr_folder_close(self->folder, &self->path);
    PyErr_Restore(type, value, traceback);
}

static void iterator_dealloc(ScandirIterator *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0) return;
    if (self->folder != NULL) kr_folder_free(self->folder);
    kr_path_clear(&self->path);
    Py_XDECREF(self->prefix);
    Py_XDECREF(self->module);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef iterator_methods[] = {
    {"__enter__", iterator_enter, METH_NOARGS, NULL},
    {"__exit__", METHOD(iterator_exit), METH_FASTCALL, NULL},
    {"close", (PyCFunction)iterator_close, METH_NOARGS, NULL},
    {NULL},
};

static PyType_Slot iterator_slots[] = {
    {Py_tp_dealloc, iterator_dealloc}, {Py_tp_finalize, iterator_finalize}, {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iterator_next},   {Py_tp_methods, iterator_methods},   {0, NULL},
};

static PyType_Spec iterator_spec = {
    .name = "posix.ScandirIterator",
    .basicsize = sizeof(ScandirIterator),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_FINALIZE,
    .slots = iterator_slots,
};

KR_FUNCTION_KEYWORDS(scandir, 0, 1, "path") {
    PyTypeObject *type = kr_posix_state(module)->ScandirIterator;
    ScandirIterator *self = (ScandirIterator *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->module = Py_NewRef(module);
    self->path = (KrPath){.function = "scandir", .parameter = "path", .nullable = 1, .allows_fd = 1};
    if (kr_path_convert(&self->path, argument[0]) < 0 || PySys_Audit("os.scandir", "O", self->path.object) < 0 ||
        (self->path.text != NULL && (self->prefix = make_prefix(&self->path)) == NULL) ||
        (self->folder = kr_folder_open(&self->path)) == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(scandir, "($module, /, path=None)",
                      "Return an iterator of os.DirEntry objects for a folder.\n\n"
                      "The folder is a path (names are bytes if it is), an open descriptor, or the current one."),
    {NULL},
};

int kr_posix_add_scandir(PyObject *module) {
    KrPosixState *state = kr_posix_state(module);
    state->DirEntry = (PyTypeObject *)PyType_FromModuleAndSpec(module, &entry_spec, NULL);
    state->ScandirIterator = (PyTypeObject *)PyType_FromModuleAndSpec(module, &iterator_spec, NULL);
    if (state->DirEntry == NULL || state->ScandirIterator == NULL) return -1;
    return PyModule_AddType(module, state->DirEntry) < 0 ? -1 : PyModule_AddFunctions(module, functions);
}
