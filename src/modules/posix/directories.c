/* Folders: the current one, making and listing others. */
#include <Python.h>

#include "base/fileutils.h"
#include "modules/posix/posix.h"

/* ---- The current folder ---- */

KR_FUNCTION_KEYWORDS(chdir, 1, 1, "path") {
    int result;
    KR_PATH_OR_FD(path, argument[0], "chdir");
    if (PySys_Audit("os.chdir", "(O)", path.object) < 0) return NULL;
    KR_UNLOCKED(result = path.text == NULL ? fchdir(path.fd) : chdir(path.text));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(fchdir, 1, 1, "fd") {
    int fd = kr_read_fileno(argument[0]), result;
    if (fd < 0 || PySys_Audit("os.chdir", "(i)", fd) < 0) return NULL;
    KR_RESTARTED(result, fchdir(fd));
    return kr_posix_none(result);
}

KR_FUNCTION_KEYWORDS(chroot, 1, 1, "path") {
    int result;
    KR_PATH(path, argument[0], "chroot");
    KR_UNLOCKED(result = chroot(path.text));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

static PyObject *current_folder(int as_bytes) {
    char *text;
    KR_UNLOCKED(text = getcwd(NULL, 0));
    if (text == NULL) return errno == ENOMEM ? PyErr_NoMemory() : kr_posix_error();
    PyObject *result = as_bytes ? PyBytes_FromString(text) : PyUnicode_DecodeFSDefault(text);
    free(text);
    return result;
}

KR_FUNCTION_NONE(getcwd) { return current_folder(0); }
KR_FUNCTION_NONE(getcwdb) { return current_folder(1); }

/* ---- Making and removing ---- */

KR_FUNCTION_KEYWORDS(mkdir, 1, 2, "path", "mode", "dir_fd") {
    int mode = 0777, folder, result;
    KR_PATH(path, argument[0], "mkdir");
    if (kr_read_int(argument[1], &mode) < 0 || kr_read_folder(argument[2], &folder) < 0 ||
        PySys_Audit("os.mkdir", "Oii", path.object, mode, kr_audit_folder(folder)) < 0)
        return NULL;
    KR_UNLOCKED(result = mkdirat(folder, path.text, (mode_t)mode));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(rmdir, 1, 1, "path", "dir_fd") {
    int folder, result;
    KR_PATH(path, argument[0], "rmdir");
    if (kr_read_folder(argument[1], &folder) < 0 ||
        PySys_Audit("os.rmdir", "Oi", path.object, kr_audit_folder(folder)) < 0)
        return NULL;
    KR_UNLOCKED(result = unlinkat(folder, path.text, AT_REMOVEDIR));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

/* ---- Listing ---- */

DIR *kr_folder_open(const KrPath *path) {
    DIR *stream = NULL;
    if (path->fd != -1) {
        /* The stream will close its descriptor. */
        int fd = _Py_dup(path->fd);
        if (fd < 0) return NULL;
        KR_UNLOCKED(stream = fdopendir(fd));
        if (stream == NULL) {
            int saved = errno;
            KR_UNLOCKED(close(fd));
            errno = saved;
        }
    } else if (path->text == NULL) {
        errno = EFAULT; /* the descriptor -1 */
    } else {
        KR_UNLOCKED(stream = opendir(path->text));
    }
    if (stream == NULL) kr_path_error(path);
    return stream;
}

static int is_self_or_parent(const char *name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

const struct dirent *kr_folder_next(DIR *stream, const KrPath *path) {
    const struct dirent *entry;
    do {
        errno = 0;
        KR_UNLOCKED(entry = readdir(stream));
    } while (entry != NULL && is_self_or_parent(entry->d_name));
    if (entry == NULL && errno != 0) kr_path_error(path);
    return entry;
}

void kr_folder_close(DIR *stream, const KrPath *path) {
    Py_BEGIN_ALLOW_THREADS
    if (path->fd != -1) rewinddir(stream); /* the position is shared with the caller's descriptor */
    closedir(stream);
    Py_END_ALLOW_THREADS
}

/* Appends an entry's name to the list. Returns 0 or -1. */
static int append_name(PyObject *list, const KrPath *path, const char *name) {
    PyObject *object = kr_path_result(path, name, (Py_ssize_t)strlen(name));
    if (object == NULL) return -1;
    int failed = PyList_Append(list, object);
    Py_DECREF(object);
    return failed;
}

KR_FUNCTION_KEYWORDS(listdir, 0, 1, "path") {
    KR_PATH_KIND(path, argument[0], "listdir", "path", 1, 1);
    if (PySys_Audit("os.listdir", "O", path.object) < 0) return NULL;
    DIR *stream = kr_folder_open(&path);
    if (stream == NULL) return NULL;
    PyObject *list = PyList_New(0);
    const struct dirent *entry;
    int failed = list == NULL;
    while (!failed && (entry = kr_folder_next(stream, &path)) != NULL)
        failed = append_name(list, &path, entry->d_name) < 0;
    if (PyErr_Occurred()) Py_CLEAR(list);
    kr_folder_close(stream, &path);
    return list;
}

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(chdir, "($module, /, path)", "Make a path or open folder the current one."),
    KR_ENTRY_KEYWORDS(fchdir, "($module, /, fd)", "Make an open folder the current one."),
    KR_ENTRY_KEYWORDS(chroot, "($module, /, path)", "Make a folder the root of this process."),
    KR_ENTRY_NONE(getcwd, "($module, /)", "Return the path of the current folder as str."),
    KR_ENTRY_NONE(getcwdb, "($module, /)", "Return the path of the current folder as bytes."),
    KR_ENTRY_KEYWORDS(mkdir, "($module, /, path, mode=511, *, dir_fd=None)",
                      "Make a folder with the given permissions, less those that the umask takes away.\n\n"
                      "A relative path starts at the folder dir_fd, if given."),
    KR_ENTRY_KEYWORDS(rmdir, "($module, /, path, *, dir_fd=None)",
                      "Remove an empty folder.\n\nA relative path starts at the folder dir_fd, if given."),
    KR_ENTRY_KEYWORDS(listdir, "($module, /, path=None)",
                      "Return a list of the names in a folder, without '.' and '..', in any order.\n\n"
                      "The folder is a path (names are bytes if it is), an open descriptor, or the current one."),
    {NULL},
};

int kr_posix_add_directories(PyObject *module) { return PyModule_AddFunctions(module, functions); }
