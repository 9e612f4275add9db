/* Names of files: links, renaming, removing. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <limits.h>
#include <stdio.h>

KR_FUNCTION_KEYWORDS(link, 2, 2, "src", "dst", "src_dir_fd", "dst_dir_fd", "follow_symlinks") {
    int source_folder, target_folder, follow = 1, result;
    KR_PATH(src, argument[0], "link");
    KR_PATH(dst, argument[1], "link");
    if (kr_read_folder(argument[2], &source_folder) < 0 || kr_read_folder(argument[3], &target_folder) < 0 ||
        kr_read_bool(argument[4], &follow) < 0 ||
        PySys_Audit("os.link", "OOii", src.object, dst.object, kr_audit_folder(source_folder),
                    kr_audit_folder(target_folder)) < 0)
        return NULL;
    /* Plain link() is used where it will do: on Linux it does not follow a link, unlike this function's default. */
    int plain = source_folder == AT_FDCWD && target_folder == AT_FDCWD && follow;
    KR_UNLOCKED(result =
                    plain ? link(src.text, dst.text)
                          : linkat(source_folder, src.text, target_folder, dst.text, follow ? AT_SYMLINK_FOLLOW : 0));
    if (result < 0) return kr_path_error2(&src, &dst);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(symlink, 2, 3, "src", "dst", "target_is_directory", "dir_fd") {
    int is_folder = 0, folder, result;
    KR_PATH(src, argument[0], "symlink");
    KR_PATH(dst, argument[1], "symlink");
    if (kr_read_bool(argument[2], &is_folder) < 0 || kr_read_folder(argument[3], &folder) < 0 ||
        PySys_Audit("os.symlink", "OOi", src.object, dst.object, kr_audit_folder(folder)) < 0)
        return NULL;
    KR_UNLOCKED(result = symlinkat(src.text, folder, dst.text));
    if (result < 0) return kr_path_error2(&src, &dst);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(readlink, 1, 1, "path", "dir_fd") {
    int folder;
    char target[PATH_MAX + 1];
    ssize_t size;
    KR_PATH(path, argument[0], "readlink");
    if (kr_read_folder(argument[1], &folder) < 0) return NULL;
    KR_UNLOCKED(size = readlinkat(folder, path.text, target, PATH_MAX));
    if (size < 0) return kr_path_error(&path);
    target[size] = '\0'; /* decoders of the locale want an end */
    return kr_path_result(&path, target, size);
}

static PyObject *rename_file(const char *function, PyObject *const *argument) {
    int source_folder, target_folder, result;
    KR_PATH(src, argument[0], function);
    KR_PATH(dst, argument[1], function);
    if (kr_read_folder(argument[2], &source_folder) < 0 || kr_read_folder(argument[3], &target_folder) < 0 ||
        PySys_Audit("os.rename", "OOii", src.object, dst.object, kr_audit_folder(source_folder),
                    kr_audit_folder(target_folder)) < 0)
        return NULL;
    KR_UNLOCKED(result = renameat(source_folder, src.text, target_folder, dst.text));
    if (result < 0) return kr_path_error2(&src, &dst);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(rename, 2, 2, "src", "dst", "src_dir_fd", "dst_dir_fd") { return rename_file("rename", argument); }
KR_FUNCTION_KEYWORDS(replace, 2, 2, "src", "dst", "src_dir_fd", "dst_dir_fd") {
    return rename_file("replace", argument);
}

static PyObject *remove_file(const char *function, PyObject *const *argument) {
    int folder, result;
    KR_PATH(path, argument[0], function);
    if (kr_read_folder(argument[1], &folder) < 0 ||
        PySys_Audit("os.remove", "Oi", path.object, kr_audit_folder(folder)) < 0)
        return NULL;
    KR_UNLOCKED(result = unlinkat(folder, path.text, 0));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

KR_FUNCTION_KEYWORDS(unlink, 1, 1, "path", "dir_fd") { return remove_file("unlink", argument); }
KR_FUNCTION_KEYWORDS(remove, 1, 1, "path", "dir_fd") { return remove_file("remove", argument); }

#define RELATIVE "A relative path starts at the folder dir_fd, if given."
#define RELATIVES "Relative paths start at the folders src_dir_fd and dst_dir_fd, if given."

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(link, "($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None,\n     follow_symlinks=True)",
                      "Make dst a further name of the file src.\n\n" RELATIVES
                      "\nWith follow_symlinks false, a symbolic link src is linked itself."),
    KR_ENTRY_KEYWORDS(
        symlink, "($module, /, src, dst, target_is_directory=False, *, dir_fd=None)",
        "Make dst a symbolic link that says src; target_is_directory matters on Windows only.\n\n" RELATIVE),
    KR_ENTRY_KEYWORDS(readlink, "($module, /, path, *, dir_fd=None)", "Return what a symbolic link says.\n\n" RELATIVE),
    KR_ENTRY_KEYWORDS(rename, "($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
                      "Rename a file or folder.\n\n" RELATIVES),
    KR_ENTRY_KEYWORDS(replace, "($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
                      "Rename a file or folder, replacing dst if it exists.\n\n" RELATIVES),
    KR_ENTRY_KEYWORDS(unlink, "($module, /, path, *, dir_fd=None)", "Remove a file, same as remove().\n\n" RELATIVE),
    KR_ENTRY_KEYWORDS(remove, "($module, /, path, *, dir_fd=None)", "Remove a file, same as unlink().\n\n" RELATIVE),
    {NULL},
};

int kr_posix_add_links(PyObject *module) { return PyModule_AddFunctions(module, functions); }
