/* The module posix: the operating system as os.py sees it.
 *
 * Invariants of all its files:
 * - A function is defined by one of the macros below, which declare how it takes its arguments, and is listed at the
 *   end of its file with its signature and description. `argument` holds one borrowed object for each parameter, in the
 *   signature's order, NULL where none was given.
 * - A system call that may block runs without the interpreter lock (KR_UNLOCKED); one that a signal may interrupt is
 *   repeated after the signal's handler has run (KR_RESTARTED).
 * - A failed call is reported as OSError with the path objects that the caller gave.
 */
#ifndef KR_MODULES_POSIX_POSIX_H
#define KR_MODULES_POSIX_POSIX_H

#include <Python.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The types that the module makes, in the order of creation. */
#define KR_POSIX_TYPES(TYPE)                                                                                           \
    TYPE(stat_result)                                                                                                  \
    TYPE(statvfs_result)                                                                                               \
    TYPE(terminal_size)                                                                                                \
    TYPE(times_result)                                                                                                 \
    TYPE(uname_result)                                                                                                 \
    TYPE(waitid_result)                                                                                                \
    TYPE(sched_param)                                                                                                  \
    TYPE(DirEntry)                                                                                                     \
    TYPE(ScandirIterator)

typedef struct KrPosixState {
#define KR_POSIX_TYPE(name) PyTypeObject *name;
    KR_POSIX_TYPES(KR_POSIX_TYPE)
#undef KR_POSIX_TYPE
} KrPosixState;

static inline KrPosixState *kr_posix_state(PyObject *module) { return PyModule_GetState(module); }

/* What each file adds to the module: functions, types, constants. Return 0 or -1. */
#define KR_POSIX_PARTS(PART)                                                                                           \
    PART(status)                                                                                                       \
    PART(scandir)                                                                                                      \
    PART(directories)                                                                                                  \
    PART(links)                                                                                                        \
    PART(attributes)                                                                                                   \
    PART(files)                                                                                                        \
    PART(vectors)                                                                                                      \
    PART(terminal)                                                                                                     \
    PART(process)                                                                                                      \
    PART(wait)                                                                                                         \
    PART(execute)                                                                                                      \
    PART(spawn)                                                                                                        \
    PART(identity)                                                                                                     \
    PART(scheduling)                                                                                                   \
    PART(environment)                                                                                                  \
    PART(limits)                                                                                                       \
    PART(system)                                                                                                       \
    PART(path)
#define KR_POSIX_PART(name) int kr_posix_add_##name(PyObject *module);
KR_POSIX_PARTS(KR_POSIX_PART)
#undef KR_POSIX_PART

/* ---- Defining functions ---- */

/* Without parameters; with one positional parameter, `argument`. */
#define KR_FUNCTION_NONE(name) static PyObject *posix_##name(PyObject *module, PyObject *unused)
#define KR_FUNCTION_ONE(name) static PyObject *posix_##name(PyObject *module, PyObject *argument)

/* With `least` to `most` positional parameters. */
#define KR_FUNCTION_POSITIONAL(name, least, most)                                                                      \
    static PyObject *run_##name(PyObject *module, PyObject *const *argument);                                          \
    static PyObject *posix_##name(PyObject *module, PyObject *const *args, Py_ssize_t count) {                         \
        if (!_PyArg_CheckPositional(#name, count, least, most)) return NULL;                                           \
        if (count == (most)) return run_##name(module, args);                                                          \
        PyObject *argument[most] = {NULL};                                                                             \
        for (Py_ssize_t i = 0; i < count; i++) argument[i] = args[i];                                                  \
        return run_##name(module, argument);                                                                           \
    }                                                                                                                  \
    static PyObject *run_##name(PyObject *module, PyObject *const *argument)

/* With keywords: the names of all parameters follow ("" for positional-only ones); at least `least` and at most `most`
 * are given by position. */
#define KR_FUNCTION_KEYWORDS(name, least, most, ...)                                                                   \
    static PyObject *run_##name(PyObject *module, PyObject *const *argument);                                          \
    static PyObject *posix_##name(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {      \
        static const char *const keywords[] = {__VA_ARGS__, NULL};                                                     \
        static _PyArg_Parser parser = {.keywords = keywords, .fname = #name};                                          \
        PyObject *argument[Py_ARRAY_LENGTH(keywords) - 1] = {NULL};                                                    \
        PyObject *const *found = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, least, most, 0, argument); \
        if (found == NULL) return NULL;                                                                                \
        if (found == args)                                                                                             \
            for (Py_ssize_t i = 0; i < count; i++) argument[i] = args[i];                                              \
        return run_##name(module, argument);                                                                           \
    }                                                                                                                  \
    static PyObject *run_##name(PyObject *module, PyObject *const *argument)

/* Entries of a table of functions: the signature as inspect.signature reads it, and what the function does. */
#define KR_ENTRY(name, flags, signature, text)                                                                         \
    {#name, (PyCFunction)(void (*)(void))posix_##name, flags, #name signature "\n--\n\n" text}
#define KR_ENTRY_NONE(name, signature, text) KR_ENTRY(name, METH_NOARGS, signature, text)
#define KR_ENTRY_ONE(name, signature, text) KR_ENTRY(name, METH_O, signature, text)
#define KR_ENTRY_POSITIONAL(name, signature, text) KR_ENTRY(name, METH_FASTCALL, signature, text)
#define KR_ENTRY_KEYWORDS(name, signature, text) KR_ENTRY(name, METH_FASTCALL | METH_KEYWORDS, signature, text)

/* ---- System calls ---- */

#define KR_UNLOCKED(statement)                                                                                         \
    do {                                                                                                               \
        Py_BEGIN_ALLOW_THREADS                                                                                         \
        statement;                                                                                                     \
        Py_END_ALLOW_THREADS                                                                                           \
    } while (0)

/* Stores the call's result; a result below 0 is final: either errno is set or a signal handler raised, and
 * kr_posix_error() tells which. */
#define KR_RESTARTED(result, call)                                                                                     \
    do {                                                                                                               \
        KR_UNLOCKED(result = (call));                                                                                  \
    } while (result < 0 && errno == EINTR && PyErr_CheckSignals() == 0)

/* Raises OSError for errno unless an exception is set already. Returns NULL. */
PyObject *kr_posix_error(void);

/* None, or OSError if the result of a system call is negative. */
static inline PyObject *kr_posix_none(int result) {
    if (result < 0) return kr_posix_error();
    Py_RETURN_NONE;
}

/* ---- Paths ---- */

typedef struct KrPath {
    const char *function, *parameter; /* for messages */
    int nullable;                     /* None stands for the current folder */
    int allows_fd;
    const char *text; /* NULL if a descriptor was given */
    int fd;           /* -1 if a path was given */
    PyObject *object; /* owned; what errors and audit events name */
    PyObject *bytes;  /* owned, holds `text`; NULL if the text is within `object` or static */
} KrPath;

/* Fills the record. Returns 0, or -1 with an exception. */
int kr_path_convert(KrPath *path, PyObject *object);
void kr_path_clear(KrPath *path);

/* Declares a path that is released at the end of the block, and converts `source` or returns NULL from the function. */
#define KR_PATH_KIND(variable, source, function_name, parameter_name, may_be_none, may_be_fd)                          \
    __attribute__((cleanup(kr_path_clear))) KrPath variable = {                                                        \
        .function = function_name, .parameter = parameter_name, .nullable = may_be_none, .allows_fd = may_be_fd};      \
    if (kr_path_convert(&variable, source) < 0) return NULL
#define KR_PATH(variable, source, function) KR_PATH_KIND(variable, source, function, #variable, 0, 0)
#define KR_PATH_OR_FD(variable, source, function) KR_PATH_KIND(variable, source, function, #variable, 0, 1)

/* True if results should be bytes because the path was. */
static inline int kr_path_is_bytes(const KrPath *path) { return PyObject_CheckBuffer(path->object); }
/* A name that the system gave, as str or, if the path was bytes, as bytes. */
PyObject *kr_path_result(const KrPath *path, const char *text, Py_ssize_t size);

/* Like kr_posix_error, with the path as the exception's filename; with two paths. */
PyObject *kr_path_error(const KrPath *path);
PyObject *kr_path_error2(const KrPath *source, const KrPath *target);

/* Combinations of arguments that make no sense: return 0, or -1 with ValueError. */
int kr_path_check_folder(const KrPath *path, int folder);
int kr_path_check_descriptor(const char *function, int folder, int fd);
int kr_path_check_follow(const char *function, int fd, int follow);

/* The folder descriptor as audit events show it. */
static inline int kr_audit_folder(int folder) { return folder == AT_FDCWD ? -1 : folder; }

/* ---- Arguments ---- */

/* Each converts an object, where NULL leaves the value as it is. They return 0, or -1 with an exception. */
int kr_read_int(PyObject *object, int *value);
int kr_read_long(PyObject *object, long *value);
int kr_read_unsigned(PyObject *object, unsigned *value); /* refuses negative numbers */
int kr_read_size(PyObject *object, Py_ssize_t *value);
int kr_read_offset(PyObject *object, off_t *value);
int kr_read_device(PyObject *object, dev_t *value);
int kr_read_bool(PyObject *object, int *value);
int kr_read_pid(PyObject *object, pid_t *value); /* as the format unit "i" */
int kr_read_folder(PyObject *object, int *value); /* dir_fd: None or a descriptor */
int kr_read_fd(PyObject *object, int *value);     /* any index */
int kr_read_uid(PyObject *object, uid_t *value);
int kr_read_gid(PyObject *object, gid_t *value);

/* A descriptor given as an int or by an object with fileno(). Returns -1 with an exception. */
#define kr_read_fileno(object) PyObject_AsFileDescriptor(object)

/* Converters for "O&" that other modules use too. */
int _Py_Uid_Converter(PyObject *object, uid_t *value);
int _Py_Gid_Converter(PyObject *object, gid_t *value);
PyObject *_PyLong_FromUid(uid_t uid);
PyObject *_PyLong_FromGid(gid_t gid);

/* A sequence of strings as the null-terminated array that exec wants; the bytes objects own the characters. */
typedef struct KrStrings {
    char **items; /* PyMem block */
    PyObject *owner; /* list of bytes */
} KrStrings;
void kr_strings_clear(KrStrings *strings);
/* argv from a list or tuple, environment from a mapping. Return 0, or -1 with an exception. */
int kr_strings_from_arguments(KrStrings *strings, PyObject *arguments);
int kr_strings_from_environment(KrStrings *strings, PyObject *environment);
#define KR_STRINGS(variable) __attribute__((cleanup(kr_strings_clear))) KrStrings variable = {NULL, NULL}

/* ---- Shared between topics ---- */

/* An open folder, and a batch of its entries: the system is asked, and the interpreter lock released, once a batch.
 *
 * Invariant: the entries from `next` to `end` have not been seen; `fd` is -1 once the folder is closed. While
 * `is_reading`, the batch belongs to the thread that asks the system, and others wait. */
typedef struct KrFolder {
    int fd;
    int is_reading;
    size_t next, end;
    _Alignas(struct dirent64) char batch[32 * 1024];
} KrFolder;

/* Opens the folder that a path or descriptor names. Returns NULL with OSError. */
KrFolder *kr_folder_open(const KrPath *path);
/* The next entry but "." and "..", valid until the next call. Returns NULL at the end, or with OSError. */
const struct dirent64 *kr_folder_next(KrFolder *folder, const KrPath *path);
/* Closes the descriptor; a second call does nothing. */
void kr_folder_close(KrFolder *folder, const KrPath *path);
/* Releases the memory of a closed folder, when no other thread can be using it. */
void kr_folder_free(KrFolder *folder);

PyObject *kr_stat_result(PyObject *module, const struct stat *status);
/* Reads a sched_param object. Returns 0 or -1. */
int kr_read_sched_param(PyObject *module, PyObject *object, struct sched_param *value);

/* Creates a struct sequence type and adds it to the module. Returns the type, borrowed by the state's owner, or NULL. */
PyTypeObject *kr_posix_add_structseq(PyObject *module, const char *name, PyStructSequence_Desc *description);

#endif
