/* errno: the names of the system's error numbers. */
#include <Python.h>

#include <errno.h>

/* Of several names for one number, the last one listed is errorcode's. */
static const struct {
    const char *name;
    int value;
} codes[] = {
#define CODE(name) {#name, name}
    CODE(ENODEV),          CODE(ENOCSI),     CODE(EHOSTUNREACH), CODE(ENOMSG),     CODE(EUCLEAN),     CODE(EL2NSYNC),
    CODE(EL2HLT),          CODE(ENODATA),    CODE(ENOTBLK),      CODE(ENOSYS),     CODE(EPIPE),       CODE(EINVAL),
    CODE(EOVERFLOW),       CODE(EADV),       CODE(EINTR),        CODE(EUSERS),     CODE(ENOTEMPTY),   CODE(ENOBUFS),
    CODE(EPROTO),          CODE(EREMOTE),    CODE(ENAVAIL),      CODE(ECHILD),     CODE(ELOOP),       CODE(EXDEV),
    CODE(E2BIG),           CODE(ESRCH),      CODE(EMSGSIZE),     CODE(EAFNOSUPPORT), CODE(EBADR),     CODE(EHOSTDOWN),
    CODE(EPFNOSUPPORT),    CODE(ENOPROTOOPT), CODE(EBUSY),       CODE(EWOULDBLOCK), CODE(EBADFD),     CODE(EDOTDOT),
    CODE(EISCONN),         CODE(ENOANO),     CODE(ESHUTDOWN),    CODE(ECHRNG),     CODE(ELIBBAD),     CODE(ENONET),
    CODE(EBADE),           CODE(EBADF),      CODE(EMULTIHOP),    CODE(EIO),        CODE(EUNATCH),     CODE(EPROTOTYPE),
    CODE(ENOSPC),          CODE(ENOEXEC),    CODE(EALREADY),     CODE(ENETDOWN),   CODE(ENOTNAM),     CODE(EACCES),
    CODE(ELNRNG),          CODE(EILSEQ),     CODE(ENOTDIR),      CODE(ENOTUNIQ),   CODE(EPERM),       CODE(EDOM),
    CODE(EXFULL),          CODE(ECONNREFUSED), CODE(EISDIR),     CODE(EPROTONOSUPPORT), CODE(EROFS),  CODE(EADDRNOTAVAIL),
    CODE(EIDRM),           CODE(ECOMM),      CODE(ESRMNT),       CODE(EREMOTEIO),  CODE(EL3RST),      CODE(EBADMSG),
    CODE(ENFILE),          CODE(ELIBMAX),    CODE(ESPIPE),       CODE(ENOLINK),    CODE(ENETRESET),   CODE(ETIMEDOUT),
    CODE(ENOENT),          CODE(EEXIST),     CODE(EDQUOT),       CODE(ENOSTR),     CODE(EBADSLT),     CODE(EBADRQC),
    CODE(ELIBACC),         CODE(EFAULT),     CODE(EFBIG),        CODE(EDEADLK),    CODE(ENOTCONN),    CODE(EDESTADDRREQ),
    CODE(ELIBSCN),         CODE(ENOLCK),     CODE(EISNAM),       CODE(ECONNABORTED), CODE(ENETUNREACH), CODE(ESTALE),
    CODE(ENOSR),           CODE(ENOMEM),     CODE(ENOTSOCK),     CODE(ESTRPIPE),   CODE(EMLINK),      CODE(ERANGE),
    CODE(ELIBEXEC),        CODE(EL3HLT),     CODE(ECONNRESET),   CODE(EADDRINUSE), CODE(EOPNOTSUPP),  CODE(EREMCHG),
    CODE(EAGAIN),          CODE(ENAMETOOLONG), CODE(ENOTTY),     CODE(ERESTART),   CODE(ESOCKTNOSUPPORT), CODE(ETIME),
    CODE(EBFONT),          CODE(EDEADLOCK),  CODE(ETOOMANYREFS), CODE(EMFILE),     CODE(ETXTBSY),     CODE(EINPROGRESS),
    CODE(ENXIO),           CODE(ENOPKG),     CODE(ENOMEDIUM),    CODE(EMEDIUMTYPE), CODE(ECANCELED),  CODE(ENOKEY),
    CODE(EKEYEXPIRED),     CODE(EKEYREVOKED), CODE(EKEYREJECTED), CODE(EOWNERDEAD), CODE(ENOTRECOVERABLE), CODE(ERFKILL),
    CODE(ENOTSUP),
#undef CODE
};

static int execute(PyObject *module) {
    PyObject *names = PyDict_New();
    if (names == NULL || PyModule_AddObjectRef(module, "errorcode", names) < 0) {
        Py_XDECREF(names);
        return -1;
    }
    Py_DECREF(names); /* the module has it */
    for (size_t i = 0; i < Py_ARRAY_LENGTH(codes); i++) {
        PyObject *name = PyUnicode_InternFromString(codes[i].name), *value = PyLong_FromLong(codes[i].value);
        int failed = name == NULL || value == NULL || PyDict_SetItem(PyModule_GetDict(module), name, value) < 0 ||
                     PyDict_SetItem(names, value, name) < 0;
        Py_XDECREF(name);
        Py_XDECREF(value);
        if (failed) return -1;
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "errno",
    .m_doc = "The system's error numbers by name; the dict errorcode has the names by number.",
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_errno(void) { return PyModuleDef_Init(&definition); }
