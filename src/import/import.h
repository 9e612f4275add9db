/* Importing modules: the C side of importlib.
 *
 * Invariant: interp->modules is sys.modules as importlib sees it; interp->importlib is the module _frozen_importlib once
 * kr_import_install_core has run. Frozen modules are marshalled code objects in the executable; without them (in the
 * executable that makes them) the bootstrap modules are compiled from the library's source.
 */
#ifndef KR_IMPORT_IMPORT_H
#define KR_IMPORT_IMPORT_H

#include <Python.h>

/* The frozen modules of this executable; the last entry has a NULL name. Defined by generated code. */
extern const struct _frozen kr_frozen_modules[];

/* The entry of a frozen module, or NULL; and the name under which the library knows the module: NULL if it is
 * in no library, with a leading '<' if it is the package of that name. */
const struct _frozen *kr_import_find_frozen(PyObject *name);
const char *kr_import_original_name(const struct _frozen *entry);

/* True while a thread holds the import lock. */
int kr_import_lock_held(void);

/* Installs _frozen_importlib (built-in and frozen modules can be imported then), and _frozen_importlib_external (files).
 * Return 0 or -1. */
int kr_import_install_core(PyThreadState *thread, PyObject *sys_module);
int kr_import_install_external(PyThreadState *thread);
/* Lets sys.path have zip files, if the library has zipimport. Returns 0 or -1. */
int kr_import_install_zip_hook(void);

/* Creates a built-in module by name; returns NULL without an exception if there is none. */
PyObject *kr_import_create_builtin(PyObject *name, PyObject *spec);
/* A new tuple of the names of all built-in modules, sorted. */
PyObject *kr_import_builtin_names(void);

/* Loads a shared library as an extension module (dynamic.c); a new reference to the module, or to its definition. */
PyObject *kr_import_load_dynamic(PyObject *spec);

int kr_import_dlopen_flags(void);
void kr_import_set_dlopen_flags(int flags);

/* Module definitions of single-phase modules, so that a second import gives a copy. */
PyObject *kr_import_find_extension(PyObject *name, PyObject *path);

/* The import lock around fork. */
void kr_import_lock_after_fork(int child);
void kr_import_finalize(void);

#endif
