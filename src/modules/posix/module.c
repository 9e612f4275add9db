/* The module posix. */
#include <Python.h>

#include "modules/posix/posix.h"

#include <dlfcn.h>
#include <linux/limits.h>
#include <linux/memfd.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <sysexits.h>

PyTypeObject *kr_posix_add_structseq(PyObject *module, const char *name, PyStructSequence_Desc *description) {
    PyTypeObject *type = PyStructSequence_NewType(description);
    if (type == NULL) return NULL;
    if (PyModule_AddObjectRef(module, name, (PyObject *)type) < 0) Py_CLEAR(type);
    return type;
}

/* ---- Constants ---- */

/* The system's constants that are enumeration members or for the kernel only. */
#ifndef O_LARGEFILE
#define O_LARGEFILE 0
#endif
#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif
#ifndef EX_OK
#define EX_OK 0
#endif

static const struct {
    const char *name;
    long long value;
} constants[] = {
#define KR_POSIX_CONSTANT(name) {#name, name},
#include "modules/posix/constants.def"
#undef KR_POSIX_CONSTANT
};

/* By these os.py tells which functions accept descriptors, dir_fd and follow_symlinks. */
static const char *const abilities[] = {
    "HAVE_EVENTFD",   "HAVE_FACCESSAT",  "HAVE_FCHDIR",       "HAVE_FCHMOD",    "HAVE_FCHMODAT", "HAVE_FCHOWN",
    "HAVE_FCHOWNAT",  "HAVE_FEXECVE",    "HAVE_FDOPENDIR",    "HAVE_FPATHCONF", "HAVE_FSTATAT",  "HAVE_FSTATVFS",
    "HAVE_FTRUNCATE", "HAVE_FUTIMENS",   "HAVE_FUTIMES",      "HAVE_FUTIMESAT", "HAVE_LINKAT",   "HAVE_LCHOWN",
    "HAVE_LSTAT",     "HAVE_LUTIMES",    "HAVE_MEMFD_CREATE", "HAVE_MKDIRAT",   "HAVE_MKFIFOAT", "HAVE_MKNODAT",
    "HAVE_OPENAT",    "HAVE_READLINKAT", "HAVE_RENAMEAT",     "HAVE_SYMLINKAT", "HAVE_UNLINKAT", "HAVE_UTIMENSAT",
};

static int add_constants(PyObject *module) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(constants); i++) {
        PyObject *value = PyLong_FromLongLong(constants[i].value);
        int failed = value == NULL ? -1 : PyModule_AddObjectRef(module, constants[i].name, value);
        Py_XDECREF(value);
        if (failed < 0) return -1;
    }
    return 0;
}

static int add_abilities(PyObject *module) {
    PyObject *list = PyList_New(0);
    if (list == NULL) return -1;
    int failed = 0;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(abilities) && failed == 0; i++) {
        PyObject *name = PyUnicode_FromString(abilities[i]);
        failed = name == NULL ? -1 : PyList_Append(list, name);
        Py_XDECREF(name);
    }
    if (failed == 0) failed = PyModule_AddObjectRef(module, "_have_functions", list);
    Py_DECREF(list);
    return failed;
}

/* ---- The module ---- */

static int posix_execute(PyObject *module) {
#define KR_POSIX_PART(name) \
    if (kr_posix_add_##name(module) < 0) return -1;
    KR_POSIX_PARTS(KR_POSIX_PART)
#undef KR_POSIX_PART
    if (add_constants(module) < 0 || add_abilities(module) < 0) return -1;
    return PyModule_AddObjectRef(module, "error", PyExc_OSError);
}

static int posix_traverse(PyObject *module, visitproc visit, void *arg) {
    KrPosixState *state = kr_posix_state(module);
#define KR_POSIX_TYPE(name) Py_VISIT(state->name);
    KR_POSIX_TYPES(KR_POSIX_TYPE)
#undef KR_POSIX_TYPE
    return 0;
}

static int posix_clear(PyObject *module) {
    KrPosixState *state = kr_posix_state(module);
#define KR_POSIX_TYPE(name) Py_CLEAR(state->name);
    KR_POSIX_TYPES(KR_POSIX_TYPE)
#undef KR_POSIX_TYPE
    return 0;
}

static void posix_free(void *module) { posix_clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, posix_execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "posix",
    .m_doc = "The operating system's functions. Import os instead of this module.",
    .m_size = sizeof(KrPosixState),
    .m_slots = slots,
    .m_traverse = posix_traverse,
    .m_clear = posix_clear,
    .m_free = posix_free,
};

PyMODINIT_FUNC PyInit_posix(void) { return PyModuleDef_Init(&definition); }
