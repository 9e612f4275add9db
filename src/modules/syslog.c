/* syslog: messages for the system's log. */
#include <Python.h>

#include <syslog.h>

#include "modules/constants.h"

static struct {
    PyObject *ident; /* the C library keeps a pointer to its text */
    int open;
} state;

/* The script's name, without its folder; NULL without an exception if there is none. */
static PyObject *script_name(void) {
    PyObject *argv = PySys_GetObject("argv");
    if (argv == NULL || !PyList_Check(argv) || PyList_GET_SIZE(argv) == 0) return NULL;
    PyObject *script = PyList_GET_ITEM(argv, 0);
    if (!PyUnicode_Check(script) || PyUnicode_GET_LENGTH(script) == 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(script), slash = PyUnicode_FindChar(script, '/', 0, length, -1);
    if (slash == -2) return NULL;
    return slash >= 0 ? PyUnicode_Substring(script, slash + 1, length) : Py_NewRef(script);
}

/* Opens the log; takes over `ident`, which may be NULL. Returns 0 or -1. */
static int open_log(PyObject *ident, long options, long facility) {
    if (ident == NULL) {
        ident = script_name();
        if (ident == NULL && PyErr_Occurred()) return -1;
    }
    const char *text = NULL;
    if (ident != NULL && (text = PyUnicode_AsUTF8(ident)) == NULL) {
        Py_DECREF(ident);
        return -1;
    }
    if (PySys_Audit("syslog.openlog", "Oll", ident != NULL ? ident : Py_None, options, facility) < 0) {
        Py_XDECREF(ident);
        return -1;
    }
    openlog(text, (int)options, (int)facility);
    state.open = 1;
    Py_XSETREF(state.ident, ident);
    return 0;
}

static PyObject *syslog_openlog(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"ident", "logoption", "facility", NULL};
    long options = 0, facility = LOG_USER;
    PyObject *ident = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Ull:openlog", keywords, &ident, &options, &facility)) return NULL;
    if (open_log(Py_XNewRef(ident), options, facility) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *syslog_syslog(PyObject *module, PyObject *args) {
    PyObject *message;
    int priority = LOG_INFO;
    if (!PyArg_ParseTuple(args, "iU;[priority,] message string", &priority, &message)) {
        PyErr_Clear();
        if (!PyArg_ParseTuple(args, "U;[priority,] message string", &message)) return NULL;
    }
    const char *text = PyUnicode_AsUTF8(message);
    if (text == NULL || PySys_Audit("syslog.syslog", "is", priority, text) < 0) return NULL;
    if (!state.open && open_log(NULL, 0, LOG_USER) < 0) return NULL;
    /* another thread may close the log, and drop its name, meanwhile */
    PyObject *ident = Py_XNewRef(state.ident);
    Py_BEGIN_ALLOW_THREADS
    syslog(priority, "%s", text);
    Py_END_ALLOW_THREADS
    Py_XDECREF(ident);
    Py_RETURN_NONE;
}

static PyObject *syslog_closelog(PyObject *module, PyObject *unused) {
    if (PySys_Audit("syslog.closelog", NULL) < 0) return NULL;
    if (state.open) {
        closelog();
        Py_CLEAR(state.ident);
        state.open = 0;
    }
    Py_RETURN_NONE;
}

static PyObject *syslog_setlogmask(PyObject *module, PyObject *args) {
    long mask;
    if (!PyArg_ParseTuple(args, "l:setlogmask", &mask)) return NULL;
    if (PySys_Audit("syslog.setlogmask", "l", mask) < 0) return NULL;
    return PyLong_FromLong(setlogmask((int)mask));
}

static PyObject *syslog_log_mask(PyObject *module, PyObject *args) {
    long priority;
    if (!PyArg_ParseTuple(args, "l:LOG_MASK", &priority)) return NULL;
    return PyLong_FromLong(LOG_MASK(priority));
}

static PyObject *syslog_log_upto(PyObject *module, PyObject *args) {
    long priority;
    if (!PyArg_ParseTuple(args, "l:LOG_UPTO", &priority)) return NULL;
    return PyLong_FromLong(LOG_UPTO(priority));
}

static PyMethodDef methods[] = {
    {"openlog", (PyCFunction)(void (*)(void))syslog_openlog, METH_VARARGS | METH_KEYWORDS, NULL},
    {"closelog", syslog_closelog, METH_NOARGS, NULL},
    {"syslog", syslog_syslog, METH_VARARGS, NULL},
    {"setlogmask", syslog_setlogmask, METH_VARARGS, NULL},
    {"LOG_MASK", syslog_log_mask, METH_VARARGS, NULL},
    {"LOG_UPTO", syslog_log_upto, METH_VARARGS, NULL},
    {NULL},
};

static int execute(PyObject *module) {
    static const KrConstant constants[] = {
#define CONSTANT(name) {#name, name}
        CONSTANT(LOG_EMERG),  CONSTANT(LOG_ALERT),  CONSTANT(LOG_CRIT),     CONSTANT(LOG_ERR),    CONSTANT(LOG_WARNING),
        CONSTANT(LOG_NOTICE), CONSTANT(LOG_INFO),   CONSTANT(LOG_DEBUG),    CONSTANT(LOG_PID),    CONSTANT(LOG_CONS),
        CONSTANT(LOG_NDELAY), CONSTANT(LOG_ODELAY), CONSTANT(LOG_NOWAIT),   CONSTANT(LOG_PERROR), CONSTANT(LOG_KERN),
        CONSTANT(LOG_USER),   CONSTANT(LOG_MAIL),   CONSTANT(LOG_DAEMON),   CONSTANT(LOG_AUTH),   CONSTANT(LOG_LPR),
        CONSTANT(LOG_LOCAL0), CONSTANT(LOG_LOCAL1), CONSTANT(LOG_LOCAL2),   CONSTANT(LOG_LOCAL3), CONSTANT(LOG_LOCAL4),
        CONSTANT(LOG_LOCAL5), CONSTANT(LOG_LOCAL6), CONSTANT(LOG_LOCAL7),   CONSTANT(LOG_SYSLOG), CONSTANT(LOG_CRON),
        CONSTANT(LOG_UUCP),   CONSTANT(LOG_NEWS),   CONSTANT(LOG_AUTHPRIV),
#undef CONSTANT
    };
    return KR_ADD_CONSTANTS(module, constants);
}

static void module_free(void *module) {
    if (!state.open) return;
    closelog();
    Py_CLEAR(state.ident);
    state.open = 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "syslog",
    .m_doc = "Messages for the system's log.",
    .m_methods = methods,
    .m_slots = slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_syslog(void) { return PyModuleDef_Init(&definition); }
