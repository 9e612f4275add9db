/* Folders: the current one, making and listing others. */
#include <Python.h>

#include "base/fileutils.h"
#include "modules/posix/posix.h"

#include <sched.h>

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

/* Opens the path, or duplicates the descriptor, which is the caller's. Returns -1 with an exception. */
static int open_descriptor(const KrPath *path) {
    int fd = -1;
    if (path->fd != -1) {
        struct stat status;
        fd = _Py_dup(path->fd);
        if (fd < 0 || (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))) return fd;
        KR_UNLOCKED(close(fd));
        fd = -1;
        errno = ENOTDIR;
    } else if (path->text == NULL) {
        errno = EFAULT; /* the descriptor -1 */
    } else {
        KR_UNLOCKED(fd = open(path->text, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC));
    }
    if (fd < 0) kr_path_error(path);
    return fd;
}

KrFolder *kr_folder_open(const KrPath *path) {
    int fd = open_descriptor(path);
    if (fd < 0) return NULL;
    KrFolder *folder = PyMem_Malloc(sizeof(KrFolder));
    if (folder == NULL) {
        PyErr_NoMemory();
        close(fd);
        return NULL;
    }
    folder->fd = fd;
    folder->is_reading = 0;
    folder->next = folder->end = 0;
    return folder;
}

/* Lets another thread finish its reading. */
static void wait_for_reader(const KrFolder *folder) {
    while (folder->is_reading) KR_UNLOCKED(sched_yield());
}

/* Gets another batch. Returns 1, 0 at the end, or -1 with errno. */
static int read_batch(KrFolder *folder) {
    ssize_t size;
    folder->is_reading = 1;
    KR_UNLOCKED(size = getdents64(folder->fd, folder->batch, sizeof folder->batch));
    folder->is_reading = 0;
    folder->next = 0;
    folder->end = size > 0 ? (size_t)size : 0;
    if (size < 0 && errno == ENOENT) return 0; /* the folder has been removed */
    return size < 0 ? -1 : size > 0;
}

static int is_self_or_parent(const char *name) {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

const struct dirent64 *kr_folder_next(KrFolder *folder, const KrPath *path) {
    wait_for_reader(folder);
    while (folder->fd >= 0) {
        while (folder->next < folder->end) {
            const struct dirent64 *entry = (const struct dirent64 *)(folder->batch + folder->next);
            folder->next += entry->d_reclen;
            if (!is_self_or_parent(entry->d_name)) return entry;
        }
        int got = read_batch(folder);
        if (got < 0) kr_path_error(path);
        if (got <= 0) break;
    }
    return NULL;
}

void kr_folder_close(KrFolder *folder, const KrPath *path) {
    wait_for_reader(folder);
    int fd = folder->fd;
    if (fd < 0) return;
    folder->fd = -1;
    Py_BEGIN_ALLOW_THREADS
    if (path->fd != -1) lseek(fd, 0, SEEK_SET); /* the position is shared with the caller's descriptor */
    close(fd);
    Py_END_ALLOW_THREADS
}

void kr_folder_free(KrFolder *folder) { PyMem_Free(folder); }

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
    KrFolder *folder = kr_folder_open(&path);
    if (folder == NULL) return NULL;
    PyObject *list = PyList_New(0);
    const struct dirent64 *entry;
    int failed = list == NULL;
    while (!failed && (entry = kr_folder_next(folder, &path)) != NULL)
        failed = append_name(list, &path, entry->d_name) < 0;
    if (PyErr_Occurred()) Py_CLEAR(list);
    kr_folder_close(folder, &path);
    kr_folder_free(folder);
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
