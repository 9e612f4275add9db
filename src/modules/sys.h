/* What start-up needs of the module sys. */
#ifndef KR_MODULES_SYS_H
#define KR_MODULES_SYS_H

#include <Python.h>

/* Version number of the language, whichever patch release the headers are of. */
#define PY_VERSION_HEX_EXPECTED 0x030b02f0

/* Creates the module with everything that does not depend on the configuration; interp->modules must exist. */
PyObject *kr_sys_create(PyThreadState *thread);
/* Sets what depends on the configuration. Returns 0 or -1. */
int kr_sys_update(PyThreadState *thread);
/* What the first entry of sys.path is for these arguments: the script's folder, or "". A new reference; NULL without an
 * exception if nothing is added. */
PyObject *kr_sys_script_folder(const PyWideStringList *argv);
void kr_sys_clear_audit_hooks(void);

#endif
