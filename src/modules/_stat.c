/* _stat: reading file modes. */
#include <Python.h>

#include <sys/stat.h>

#include "modules/constants.h"

/* Kinds of files that other systems have. */
enum { S_IFDOOR = 0, S_IFPORT = 0, S_IFWHT = 0 };

/* Flags of st_flags on BSD systems. */
enum {
    UF_NODUMP = 0x00000001,
    UF_IMMUTABLE = 0x00000002,
    UF_APPEND = 0x00000004,
    UF_OPAQUE = 0x00000008,
    UF_NOUNLINK = 0x00000010,
    UF_COMPRESSED = 0x00000020,
    UF_HIDDEN = 0x00008000,
    SF_ARCHIVED = 0x00010000,
    SF_IMMUTABLE = 0x00020000,
    SF_APPEND = 0x00040000,
    SF_NOUNLINK = 0x00100000,
    SF_SNAPSHOT = 0x00200000,
};

/* Reads a mode argument; (mode_t)-1 with an exception. */
static mode_t mode_argument(PyObject *object) {
    unsigned long value = PyLong_AsUnsignedLong(object);
    if (value == (unsigned long)-1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError) && PyLong_Check(object) && _PyLong_Sign(object) < 0)
            PyErr_SetString(PyExc_OverflowError, "can't convert negative value to unsigned int");
        return (mode_t)-1;
    }
    if (value > UINT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "mode out of range");
        return (mode_t)-1;
    }
    return (mode_t)value;
}

#define IS_KIND(name, test)                                                                                            \
    static PyObject *stat_##name(PyObject *module, PyObject *argument) {                                               \
        mode_t mode = mode_argument(argument);                                                                         \
        if (mode == (mode_t)-1 && PyErr_Occurred()) return NULL;                                                       \
        return PyBool_FromLong(test);                                                                                  \
    }
IS_KIND(S_ISDIR, S_ISDIR(mode))
IS_KIND(S_ISCHR, S_ISCHR(mode))
IS_KIND(S_ISBLK, S_ISBLK(mode))
IS_KIND(S_ISREG, S_ISREG(mode))
IS_KIND(S_ISFIFO, S_ISFIFO(mode))
IS_KIND(S_ISLNK, S_ISLNK(mode))
IS_KIND(S_ISSOCK, S_ISSOCK(mode))
IS_KIND(S_ISDOOR, 0)
IS_KIND(S_ISPORT, 0)
IS_KIND(S_ISWHT, 0)

static PyObject *stat_S_IMODE(PyObject *module, PyObject *argument) {
    mode_t mode = mode_argument(argument);
    if (mode == (mode_t)-1 && PyErr_Occurred()) return NULL;
    return PyLong_FromUnsignedLong(mode & 07777);
}

static PyObject *stat_S_IFMT(PyObject *module, PyObject *argument) {
    mode_t mode = mode_argument(argument);
    if (mode == (mode_t)-1 && PyErr_Occurred()) return NULL;
    return PyLong_FromUnsignedLong(mode & S_IFMT);
}

static char kind_letter(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG: return '-';
        case S_IFDIR: return 'd';
        case S_IFLNK: return 'l';
        case S_IFBLK: return 'b';
        case S_IFCHR: return 'c';
        case S_IFIFO: return 'p';
        case S_IFSOCK: return 's';
        default: return '?';
    }
}

static PyObject *stat_filemode(PyObject *module, PyObject *argument) {
    mode_t mode = mode_argument(argument);
    if (mode == (mode_t)-1 && PyErr_Occurred()) return NULL;
    char text[11] = "?rwxrwxrwx";
    text[0] = kind_letter(mode);
    for (int i = 0; i < 9; i++)
        if (!(mode & (0400u >> i))) text[i + 1] = '-';
    if (mode & S_ISUID) text[3] = mode & S_IXUSR ? 's' : 'S';
    if (mode & S_ISGID) text[6] = mode & S_IXGRP ? 's' : 'S';
    if (mode & S_ISVTX) text[9] = mode & S_IXOTH ? 't' : 'T';
    return PyUnicode_FromString(text);
}

#define KIND_METHOD(name, what) {#name, stat_##name, METH_O, #name "(mode) -> bool\n\nTrue if the mode is that of " what "."}

static PyMethodDef methods[] = {
    KIND_METHOD(S_ISDIR, "a directory"),
    KIND_METHOD(S_ISCHR, "a character device"),
    KIND_METHOD(S_ISBLK, "a block device"),
    KIND_METHOD(S_ISREG, "a regular file"),
    KIND_METHOD(S_ISFIFO, "a named pipe"),
    KIND_METHOD(S_ISLNK, "a symbolic link"),
    KIND_METHOD(S_ISSOCK, "a socket"),
    KIND_METHOD(S_ISDOOR, "a door"),
    KIND_METHOD(S_ISPORT, "an event port"),
    KIND_METHOD(S_ISWHT, "a whiteout"),
    {"S_IMODE", stat_S_IMODE, METH_O, "The part of a mode that os.chmod() can set."},
    {"S_IFMT", stat_S_IFMT, METH_O, "The part of a mode that tells the kind of file."},
    {"filemode", stat_filemode, METH_O, "A mode in the form '-rwxrwxrwx'."},
    {NULL},
};

static int execute(PyObject *module) {
    static const KrConstant constants[] = {
#define CONSTANT(name) {#name, name}
        CONSTANT(S_IFDIR),      CONSTANT(S_IFCHR),      CONSTANT(S_IFBLK),       CONSTANT(S_IFREG),
        CONSTANT(S_IFIFO),      CONSTANT(S_IFLNK),      CONSTANT(S_IFSOCK),      CONSTANT(S_IFDOOR),
        CONSTANT(S_IFPORT),     CONSTANT(S_IFWHT),      CONSTANT(S_ISUID),       CONSTANT(S_ISGID),
        CONSTANT(S_ISVTX),      {"S_ENFMT", S_ISGID},   CONSTANT(S_IREAD),       CONSTANT(S_IWRITE),
        CONSTANT(S_IEXEC),      CONSTANT(S_IRWXU),      CONSTANT(S_IRUSR),       CONSTANT(S_IWUSR),
        CONSTANT(S_IXUSR),      CONSTANT(S_IRWXG),      CONSTANT(S_IRGRP),       CONSTANT(S_IWGRP),
        CONSTANT(S_IXGRP),      CONSTANT(S_IRWXO),      CONSTANT(S_IROTH),       CONSTANT(S_IWOTH),
        CONSTANT(S_IXOTH),      CONSTANT(UF_NODUMP),    CONSTANT(UF_IMMUTABLE),  CONSTANT(UF_APPEND),
        CONSTANT(UF_OPAQUE),    CONSTANT(UF_NOUNLINK),  CONSTANT(UF_COMPRESSED), CONSTANT(UF_HIDDEN),
        CONSTANT(SF_ARCHIVED),  CONSTANT(SF_IMMUTABLE), CONSTANT(SF_APPEND),     CONSTANT(SF_NOUNLINK),
        CONSTANT(SF_SNAPSHOT),
#undef CONSTANT
        /* places in the tuple that os.stat() returns */
        {"ST_MODE", 0}, {"ST_INO", 1}, {"ST_DEV", 2}, {"ST_NLINK", 3}, {"ST_UID", 4}, {"ST_GID", 5},
        {"ST_SIZE", 6}, {"ST_ATIME", 7}, {"ST_MTIME", 8}, {"ST_CTIME", 9},
    };
    return KR_ADD_CONSTANTS(module, constants);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_stat",
    .m_doc = "Constants and tests for the modes of files; the module stat is the interface.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__stat(void) { return PyModuleDef_Init(&definition); }
