/* _socket: the module; its constants and what it offers to _ssl. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include <linux/can/bcm.h>
#include <linux/can/isotp.h>
#include <linux/can/j1939.h>
#include <linux/can/raw.h>

#include "modules/constants.h"
#include "modules/_socket/socket.h"

PyObject *kr_socket_gaierror, *kr_socket_herror;

static SocketCapi capi;

static int add_constants(PyObject *module) {
    static const KrConstant constants[] = {
#define KR_CONSTANT(name) {#name, (long)(name)},
#define KR_CONSTANT_VALUE(name, value) {#name, value},
#include "modules/_socket/constants.def"
#undef KR_CONSTANT
#undef KR_CONSTANT_VALUE
    };
    if (KR_ADD_CONSTANTS(module, constants) < 0) return -1;
    if (PyModule_AddStringConstant(module, "BDADDR_ANY", "00:00:00:00:00:00") < 0) return -1;
    return PyModule_AddStringConstant(module, "BDADDR_LOCAL", "00:00:00:FF:FF:FF");
}

static int make_exception(PyObject *module, PyObject **exception, const char *full_name) {
    if (*exception == NULL && (*exception = PyErr_NewException(full_name, PyExc_OSError, NULL)) == NULL) return -1;
    return PyModule_AddObjectRef(module, strrchr(full_name, '.') + 1, *exception);
}

static int execute(PyObject *module) {
    kr_socket_type_prepare();
    if (PyModule_AddObjectRef(module, "error", PyExc_OSError) < 0 ||
        PyModule_AddObjectRef(module, "timeout", PyExc_TimeoutError) < 0 ||
        make_exception(module, &kr_socket_herror, "socket.herror") < 0 ||
        make_exception(module, &kr_socket_gaierror, "socket.gaierror") < 0)
        return -1;
    if (PyModule_AddType(module, &kr_socket_type) < 0 ||
        PyModule_AddObjectRef(module, "SocketType", (PyObject *)&kr_socket_type) < 0 ||
        PyModule_AddObjectRef(module, "has_ipv6", Py_True) < 0)
        return -1;
    capi = (SocketCapi){&kr_socket_type, PyExc_OSError, PyExc_TimeoutError};
    PyObject *capsule = PyCapsule_New(&capi, "_socket.CAPI", NULL);
    int failed = capsule == NULL || PyModule_AddObjectRef(module, "CAPI", capsule) < 0;
    Py_XDECREF(capsule);
    return failed ? -1 : add_constants(module);
}

static void module_free(void *module) {
    Py_CLEAR(kr_socket_gaierror);
    Py_CLEAR(kr_socket_herror);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_socket",
    .m_doc = "Network connections; the module socket is the interface.",
    .m_methods = kr_socket_name_functions,
    .m_slots = slots,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__socket(void) { return PyModuleDef_Init(&definition); }
