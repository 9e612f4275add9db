/* Paths as arguments: str, bytes, os.PathLike and descriptors. */
#include <Python.h>

#include "base/fileutils.h"
#include "modules/posix/posix.h"
#include "object/names.h"

#include <string.h>

/* Calls type(object).__fspath__(object). Returns a new reference; NULL without an exception if there is none. */
static PyObject *call_fspath(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject *name = KR_NAME(__fspath__);
    PyObject *method = name == NULL ? NULL : _PyType_Lookup(type, name);
    if (method == NULL) return NULL;
    Py_INCREF(method);
    descrgetfunc get = Py_TYPE(method)->tp_descr_get;
    if (get != NULL) Py_SETREF(method, get(method, object, (PyObject *)type));
    if (method == NULL) return NULL;
    PyObject *result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (result != NULL && !PyUnicode_Check(result) && !PyBytes_Check(result)) {
        PyErr_Format(PyExc_TypeError, "expected %.200s.__fspath__() to return str or bytes, not %.200s", type->tp_name,
                     Py_TYPE(result)->tp_name);
        Py_CLEAR(result);
    }
    return result;
}

PyObject *PyOS_FSPath(PyObject *path) {
    if (PyUnicode_Check(path) || PyBytes_Check(path)) return Py_NewRef(path);
    PyObject *result = call_fspath(path);
    if (result == NULL && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "expected str, bytes or os.PathLike object, not %.200s", Py_TYPE(path)->tp_name);
    return result;
}

/* ---- Conversion ---- */

static const char *allowed_kinds(const KrPath *path) {
    if (path->allows_fd)
        return path->nullable ? "string, bytes, os.PathLike, integer or None" : "string, bytes, os.PathLike or integer";
    return path->nullable ? "string, bytes, os.PathLike or None" : "string, bytes or os.PathLike";
}

static int refuse_null(const KrPath *path) {
    PyErr_Format(PyExc_ValueError, "%s: embedded null character in %s", path->function, path->parameter);
    return -1;
}

/* Sets the text from path->object, which is str or bytes. */
static int take_text(KrPath *path) {
    PyObject *object = path->object;
    if (PyUnicode_Check(object)) {
        /* ASCII is the same in every file system encoding. */
        if (PyUnicode_IS_READY(object) && PyUnicode_IS_COMPACT_ASCII(object) &&
            strlen(PyUnicode_DATA(object)) == (size_t)PyUnicode_GET_LENGTH(object)) {
            path->text = PyUnicode_DATA(object);
            return 0;
        }
        if (!PyUnicode_FSConverter(object, &path->bytes)) return -1;
        path->text = PyBytes_AS_STRING(path->bytes);
        return 0;
    }
    path->text = PyBytes_AS_STRING(object);
    return strlen(path->text) == (size_t)PyBytes_GET_SIZE(object) ? 0 : refuse_null(path);
}

/* Other bytes-like objects than bytes still work, but are on their way out. */
static int take_buffer(KrPath *path) {
    if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "%s: %s should be %s, not %.200s", path->function,
                         path->parameter, allowed_kinds(path), Py_TYPE(path->object)->tp_name) < 0)
        return -1;
    path->bytes = PyBytes_FromObject(path->object);
    if (path->bytes == NULL) return -1;
    path->text = PyBytes_AS_STRING(path->bytes);
    return strlen(path->text) == (size_t)PyBytes_GET_SIZE(path->bytes) ? 0 : refuse_null(path);
}

int kr_path_convert(KrPath *path, PyObject *object) {
    path->fd = -1;
    if (object == NULL) object = Py_None;
    path->object = Py_NewRef(object);
    if (PyUnicode_Check(object) || PyBytes_Check(object)) return take_text(path);
    if (object == Py_None && path->nullable) {
        path->text = ".";
        return 0;
    }
    if (PyObject_CheckBuffer(object)) return take_buffer(path);
    if (path->allows_fd && PyIndex_Check(object)) return kr_read_fd(object, &path->fd);
    PyObject *plain = call_fspath(object);
    if (plain == NULL) {
        if (!PyErr_Occurred())
            PyErr_Format(PyExc_TypeError, "%s: %s should be %s, not %.200s", path->function, path->parameter,
                         allowed_kinds(path), Py_TYPE(object)->tp_name);
        return -1;
    }
    Py_SETREF(path->object, plain);
    return take_text(path);
}

void kr_path_clear(KrPath *path) {
    Py_CLEAR(path->object);
    Py_CLEAR(path->bytes);
}

static int is_ascii(const char *text, Py_ssize_t size) {
    unsigned char seen = 0;
    for (Py_ssize_t i = 0; i < size; i++) seen |= (unsigned char)text[i];
    return seen < 0x80;
}

PyObject *kr_path_result(const KrPath *path, const char *text, Py_ssize_t size) {
    if (kr_path_is_bytes(path)) return PyBytes_FromStringAndSize(text, size);
    /* ASCII is the same in every file system encoding. */
    return is_ascii(text, size) ? _PyUnicode_FromASCII(text, size) : PyUnicode_DecodeFSDefaultAndSize(text, size);
}

/* ---- Errors ---- */

PyObject *kr_path_error(const KrPath *path) {
    if (!PyErr_Occurred()) PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path->object);
    return NULL;
}

PyObject *kr_path_error2(const KrPath *source, const KrPath *target) {
    if (!PyErr_Occurred()) PyErr_SetFromErrnoWithFilenameObjects(PyExc_OSError, source->object, target->object);
    return NULL;
}

int kr_path_check_folder(const KrPath *path, int folder) {
    if (path->text != NULL || folder == AT_FDCWD) return 0;
    PyErr_Format(PyExc_ValueError, "%s: can't specify dir_fd without matching path", path->function);
    return -1;
}

int kr_path_check_descriptor(const char *function, int folder, int fd) {
    if (folder == AT_FDCWD || fd == -1) return 0;
    PyErr_Format(PyExc_ValueError, "%s: can't specify both dir_fd and fd", function);
    return -1;
}

int kr_path_check_follow(const char *function, int fd, int follow) {
    if (fd < 0 || follow) return 0;
    PyErr_Format(PyExc_ValueError, "%s: cannot use fd and follow_symlinks together", function);
    return -1;
}

/* ---- Functions ---- */

KR_FUNCTION_KEYWORDS(fspath, 1, 1, "path") { return PyOS_FSPath(argument[0]); }

/* Is there nothing to remove? May say no for a path that is normal. */
static int is_normal(const char *text, Py_ssize_t size) {
    const char *end = text + size;
    if (text < end && *text == '/') text++;
    while (text < end) {
        const char *slash = memchr(text, '/', (size_t)(end - text));
        if (slash == text || *text == '.') return 0;
        if (slash == NULL) return 1;
        text = slash + 1;
    }
    return size == 1; /* "/", but no other path that ends so */
}

KR_FUNCTION_KEYWORDS(_path_normpath, 1, 1, "path") {
    PyObject *path = argument[0];
    if (!PyUnicode_Check(path)) {
        PyErr_Format(PyExc_TypeError, "expected 'str', not '%.200s'", Py_TYPE(path)->tp_name);
        return NULL;
    }
    if (PyUnicode_CheckExact(path) && PyUnicode_IS_COMPACT_ASCII(path) &&
        is_normal(PyUnicode_DATA(path), PyUnicode_GET_LENGTH(path)))
        return Py_NewRef(path);
    Py_ssize_t size, normal_size;
    wchar_t *text = PyUnicode_AsWideCharString(path, &size);
    if (text == NULL) return NULL;
    /* A null character in the path is kept, with what follows it. */
    const wchar_t *normal = _Py_normpath_and_size(text, size, &normal_size);
    PyObject *result = PyUnicode_FromWideChar(normal, normal_size);
    PyMem_Free(text);
    return result;
}

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(fspath, "($module, /, path)",
                      "Return the path as str or bytes, calling __fspath__() of an os.PathLike object."),
    KR_ENTRY_KEYWORDS(_path_normpath, "($module, /, path)", "Remove '.', 'x/..' and doubled slashes from a str."),
    {NULL},
};

int kr_posix_add_path(PyObject *module) { return PyModule_AddFunctions(module, functions); }
