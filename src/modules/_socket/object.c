/* The type socket: its life, connections and options. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <structmember.h>
#include <unistd.h>

#include "modules/_socket/socket.h"

_PyTime_t kr_socket_default_timeout = -1;

PyObject *kr_socket_raise_errno(void) { return PyErr_SetFromErrno(PyExc_OSError); }

static int int_argument(PyObject *object, int *value) {
    *value = _PyLong_AsInt(object);
    return *value == -1 && PyErr_Occurred() ? -1 : 0;
}

/* ---- Waiting ---- */

/* Waits until the descriptor is ready or the interval (nanoseconds; negative: without end) is over. Returns 0 if ready, 1
 * after the time, -1 with errno. */
static int wait_ready(SocketObject *self, int writing, _PyTime_t interval, int connecting) {
    if (self->timeout == 0 || self->descriptor < 0) return 0; /* the call itself reports what is wrong */
    struct pollfd polled = {.fd = self->descriptor, .events = writing ? POLLOUT : POLLIN};
    if (connecting) polled.events |= POLLERR; /* a failed connection */
    _PyTime_t milliseconds = interval < 0 ? -1 : _PyTime_AsMilliseconds(interval, _PyTime_ROUND_CEILING);
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = poll(&polled, 1, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
    Py_END_ALLOW_THREADS
    return status < 0 ? -1 : status == 0;
}

static int time_is_up(int *error) {
    if (error != NULL)
        *error = EWOULDBLOCK;
    else
        PyErr_SetString(PyExc_TimeoutError, "timed out");
    return -1;
}

/* After EINTR: runs signal handlers; returns -1 if one raised. */
static int interrupted(int *error) {
    if (PyErr_CheckSignals() == 0) return 0;
    if (error != NULL) *error = -1;
    return -1;
}

int kr_socket_call_full(SocketObject *self, int writing, int (*function)(SocketObject *self, void *data), void *data,
                        int connecting, int *error, _PyTime_t timeout) {
    int has_timeout = timeout > 0, has_deadline = 0;
    _PyTime_t deadline = 0;
    for (;;) {
        if (has_timeout || connecting) {
            _PyTime_t interval = timeout;
            int status = 0;
            if (has_timeout) {
                if (has_deadline) {
                    interval = _PyDeadline_Get(deadline);
                } else {
                    deadline = _PyDeadline_Init(timeout);
                    has_deadline = 1;
                }
                status = interval >= 0 ? wait_ready(self, writing, interval, connecting) : 1;
            } else {
                status = wait_ready(self, writing, timeout, connecting);
            }
            if (status == 1) return time_is_up(error);
            if (status < 0) {
                if (error != NULL) *error = errno;
                if (errno == EINTR) {
                    if (interrupted(error) < 0) return -1;
                    continue;
                }
                if (error == NULL) self->raise_error();
                return -1;
            }
        }
        int done;
        do {
            Py_BEGIN_ALLOW_THREADS
            done = function(self, data);
            Py_END_ALLOW_THREADS
            if (done) {
                if (error != NULL) *error = 0;
                return 0;
            }
            if (error != NULL) *error = errno;
            if (errno == EINTR && interrupted(error) < 0) return -1;
        } while (errno == EINTR);
        /* poll() may say "ready" when another thread or process takes the data first */
        if (self->timeout > 0 && (errno == EWOULDBLOCK || errno == EAGAIN)) continue;
        if (error == NULL) self->raise_error();
        return -1;
    }
}

int kr_socket_call(SocketObject *self, int writing, int (*function)(SocketObject *self, void *data), void *data) {
    return kr_socket_call_full(self, writing, function, data, 0, NULL, self->timeout);
}

/* ---- Making and closing ---- */

static int set_blocking(SocketObject *self, int block) {
    int nonblocking = !block, failed;
    Py_BEGIN_ALLOW_THREADS
    failed = ioctl(self->descriptor, FIONBIO, &nonblocking) < 0;
    Py_END_ALLOW_THREADS
    if (failed) PyErr_SetFromErrno(PyExc_OSError);
    return failed ? -1 : 0;
}

/* Fills an object. Returns 0, or -1 with an exception. */
static int initialize(SocketObject *self, int descriptor, int family, int type, int protocol) {
    self->descriptor = descriptor;
    self->family = family;
    self->type = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    self->protocol = protocol;
    self->raise_error = kr_socket_raise_errno;
    self->timeout = type & SOCK_NONBLOCK ? 0 : kr_socket_default_timeout;
    if (type & SOCK_NONBLOCK || kr_socket_default_timeout < 0) return 0;
    return set_blocking(self, 0);
}

SocketObject *kr_socket_create(int descriptor, int family, int type, int protocol) {
    SocketObject *self = (SocketObject *)PyType_GenericNew(&kr_socket_type, NULL, NULL);
    if (self == NULL) return NULL;
    if (initialize(self, descriptor, family, type, protocol) < 0) {
        self->descriptor = -1; /* the caller closes it */
        Py_DECREF(self);
        return NULL;
    }
    return self;
}

static PyObject *socket_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    SocketObject *self = (SocketObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->descriptor = -1;
    self->timeout = -1;
    self->raise_error = kr_socket_raise_errno;
    return (PyObject *)self;
}

/* Finds out what a descriptor is. Parts that are not -1 stay. Returns 0 or -1. */
static int inspect(int descriptor, int *family, int *type, int *protocol) {
    SocketAddress address;
    socklen_t size = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(descriptor, &address.any, &size) < 0) return -1;
    if (*family == -1) *family = address.any.sa_family;
    size = sizeof(int);
    if (*type == -1 && getsockopt(descriptor, SOL_SOCKET, SO_TYPE, type, &size) < 0) return -1;
    size = sizeof(int);
    if (*protocol == -1 && getsockopt(descriptor, SOL_SOCKET, SO_PROTOCOL, protocol, &size) < 0) return -1;
    return 0;
}

static int socket_init(SocketObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"family", "type", "proto", "fileno", NULL};
    int family = -1, type = -1, protocol = -1, descriptor;
    PyObject *fileno = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|iiiO:socket", keywords, &family, &type, &protocol, &fileno)) return -1;
    if (PySys_Audit("socket.__new__", "Oiii", self, family, type, protocol) < 0) return -1;
    if (fileno != NULL && fileno != Py_None) {
        if (int_argument(fileno, &descriptor) < 0) return -1;
        if (descriptor < 0) {
            PyErr_SetString(PyExc_ValueError, "negative file descriptor");
            return -1;
        }
        if (inspect(descriptor, &family, &type, &protocol) < 0) {
            kr_socket_raise_errno();
            return -1;
        }
        return initialize(self, descriptor, family, type, protocol);
    }
    if (family == -1) family = AF_INET;
    if (type == -1) type = SOCK_STREAM;
    if (protocol == -1) protocol = 0;
    Py_BEGIN_ALLOW_THREADS
    descriptor = socket(family, type | SOCK_CLOEXEC, protocol);
    Py_END_ALLOW_THREADS
    if (descriptor < 0) {
        kr_socket_raise_errno();
        return -1;
    }
    if (initialize(self, descriptor, family, type, protocol) == 0) return 0;
    close(descriptor);
    self->descriptor = -1;
    return -1;
}

static void socket_finalize(PyObject *object) {
    SocketObject *self = (SocketObject *)object;
    if (self->descriptor == -1) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_ResourceWarning(object, 1, "unclosed %R", object) && PyErr_ExceptionMatches(PyExc_Warning))
        PyErr_WriteUnraisable(object);
    int descriptor = self->descriptor; /* the warning shows it: only now */
    self->descriptor = -1;
    Py_BEGIN_ALLOW_THREADS
    (void)close(descriptor);
    Py_END_ALLOW_THREADS
    PyErr_Restore(type, value, traceback);
}

static void socket_dealloc(PyObject *self) {
    if (PyObject_CallFinalizerFromDealloc(self) < 0) return; /* resurrected */
    Py_TYPE(self)->tp_free(self);
}

static PyObject *socket_repr(SocketObject *self) {
    return PyUnicode_FromFormat("<socket object, fd=%ld, family=%d, type=%d, proto=%d>", (long)self->descriptor, self->family,
                                self->type, self->protocol);
}

PyDoc_STRVAR(close_doc, "close()\n\nClose the socket; all other operations fail from now on.");
static PyObject *socket_close(SocketObject *self, PyObject *unused) {
    int descriptor = self->descriptor, failed;
    if (descriptor == -1) Py_RETURN_NONE;
    self->descriptor = -1; /* first, since other threads run meanwhile */
    Py_BEGIN_ALLOW_THREADS
    failed = close(descriptor) < 0;
    Py_END_ALLOW_THREADS
    if (failed && errno != ECONNRESET) return self->raise_error(); /* the peer may have closed it already */
    Py_RETURN_NONE;
}

PyDoc_STRVAR(detach_doc, "detach()\n\nGive the descriptor up without closing it, and return it.");
static PyObject *socket_detach(SocketObject *self, PyObject *unused) {
    int descriptor = self->descriptor;
    self->descriptor = -1;
    return PyLong_FromLong(descriptor);
}

PyDoc_STRVAR(fileno_doc, "fileno() -> integer\n\nThe descriptor, -1 if the socket is closed.");
static PyObject *socket_fileno(SocketObject *self, PyObject *unused) { return PyLong_FromLong(self->descriptor); }

/* ---- Connections ---- */

typedef struct {
    SocketAddress address;
    socklen_t length;
    int result;
} Accept;

static int accept_call(SocketObject *self, void *data) {
    Accept *accepted = data;
    socklen_t room = accepted->length;
    accepted->result = accept4(self->descriptor, &accepted->address.any, &room, SOCK_CLOEXEC);
    if (accepted->result < 0) return 0;
    accepted->length = room;
    return 1;
}

PyDoc_STRVAR(accept_doc, "_accept() -> (integer, address info)\n\n"
                         "Wait for a connection: the descriptor of a new socket, and the client's address.");
static PyObject *socket_accept(SocketObject *self, PyObject *unused) {
    Accept accepted;
    memset(&accepted.address, 0, sizeof accepted.address);
    if (kr_socket_address_size(self, &accepted.length) < 0 || kr_socket_call(self, 0, accept_call, &accepted) < 0) return NULL;
    PyObject *number = PyLong_FromLong(accepted.result), *address = NULL, *result = NULL;
    if (number != NULL)
        address = kr_socket_make_address(self->descriptor, &accepted.address, accepted.length, self->protocol);
    if (address != NULL) result = PyTuple_Pack(2, number, address);
    if (result == NULL) close(accepted.result);
    Py_XDECREF(number);
    Py_XDECREF(address);
    return result;
}

PyDoc_STRVAR(bind_doc, "bind(address)\n\n"
                       "Bind to a local address: (host, port) for IP, a path for AF_UNIX, other tuples for other families.");
static PyObject *socket_bind(SocketObject *self, PyObject *argument) {
    SocketAddress address;
    socklen_t length;
    int failed;
    if (kr_socket_parse_address(self, argument, &address, &length, "bind") < 0 ||
        PySys_Audit("socket.bind", "OO", self, argument) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    failed = bind(self->descriptor, &address.any, length) < 0;
    Py_END_ALLOW_THREADS
    if (failed) return self->raise_error();
    Py_RETURN_NONE;
}

/* After a connect() that goes on in the background: true when it has succeeded. */
static int connected_call(SocketObject *self, void *data) {
    int error;
    socklen_t size = sizeof error;
    if (getsockopt(self->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return 0;
    if (error == 0 || error == EISCONN) return 1;
    errno = error;
    return 0;
}

/* Connects. Returns 0; an errno unless `raise` is true; or -1 with an exception. */
static int connect_to(SocketObject *self, const SocketAddress *address, socklen_t length, int raise) {
    int failed, error, wait;
    Py_BEGIN_ALLOW_THREADS
    failed = connect(self->descriptor, &address->any, length) < 0;
    Py_END_ALLOW_THREADS
    if (!failed) return 0;
    error = errno;
    if (error == EINTR) { /* the connection goes on being made */
        if (PyErr_CheckSignals() < 0) return -1;
        wait = self->timeout != 0;
    } else {
        wait = self->timeout > 0 && error == EINPROGRESS;
    }
    if (!wait) {
        if (!raise) return error;
        errno = error;
        self->raise_error();
        return -1;
    }
    if (raise) return kr_socket_call_full(self, 1, connected_call, NULL, 1, NULL, self->timeout);
    return kr_socket_call_full(self, 1, connected_call, NULL, 1, &error, self->timeout) < 0 ? error : 0;
}

PyDoc_STRVAR(connect_doc, "connect(address)\n\nConnect to a remote address.");
static PyObject *socket_connect(SocketObject *self, PyObject *argument) {
    SocketAddress address;
    socklen_t length;
    if (kr_socket_parse_address(self, argument, &address, &length, "connect") < 0 ||
        PySys_Audit("socket.connect", "OO", self, argument) < 0 || connect_to(self, &address, length, 1) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(connect_ex_doc, "connect_ex(address) -> errno\n\nLike connect(), but returns the errno, 0 for success.");
static PyObject *socket_connect_ex(SocketObject *self, PyObject *argument) {
    SocketAddress address;
    socklen_t length;
    if (kr_socket_parse_address(self, argument, &address, &length, "connect_ex") < 0 ||
        PySys_Audit("socket.connect", "OO", self, argument) < 0)
        return NULL;
    int error = connect_to(self, &address, length, 0);
    return error < 0 ? NULL : PyLong_FromLong(error);
}

PyDoc_STRVAR(listen_doc, "listen([backlog])\n\nAccept connections from now on; backlog is how many may wait.");
static PyObject *socket_listen(SocketObject *self, PyObject *args) {
    enum { BACKLOG = 128 };
    int backlog = Py_MIN(SOMAXCONN, BACKLOG), failed;
    if (!PyArg_ParseTuple(args, "|i:listen", &backlog)) return NULL;
    if (backlog < 0) backlog = 0;
    Py_BEGIN_ALLOW_THREADS
    failed = listen(self->descriptor, backlog) < 0;
    Py_END_ALLOW_THREADS
    if (failed) return self->raise_error();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(shutdown_doc, "shutdown(flag)\n\nEnd receiving (SHUT_RD), sending (SHUT_WR), or both (SHUT_RDWR).");
static PyObject *socket_shutdown(SocketObject *self, PyObject *argument) {
    int how, failed;
    if (int_argument(argument, &how) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    failed = shutdown(self->descriptor, how) < 0;
    Py_END_ALLOW_THREADS
    if (failed) return self->raise_error();
    Py_RETURN_NONE;
}

/* The address of one end, by getsockname() or getpeername(). */
static PyObject *end_address(SocketObject *self, int (*get)(int, struct sockaddr *, socklen_t *)) {
    SocketAddress address;
    socklen_t length;
    int failed;
    if (kr_socket_address_size(self, &length) < 0) return NULL;
    memset(&address, 0, sizeof address);
    Py_BEGIN_ALLOW_THREADS
    failed = get(self->descriptor, &address.any, &length) < 0;
    Py_END_ALLOW_THREADS
    if (failed) return self->raise_error();
    return kr_socket_make_address(self->descriptor, &address, length, self->protocol);
}

static int get_local(int descriptor, struct sockaddr *address, socklen_t *length) {
    return getsockname(descriptor, address, length);
}
static int get_remote(int descriptor, struct sockaddr *address, socklen_t *length) {
    return getpeername(descriptor, address, length);
}

PyDoc_STRVAR(getsockname_doc, "getsockname() -> address info\n\nThe local address.");
static PyObject *socket_getsockname(SocketObject *self, PyObject *unused) { return end_address(self, get_local); }

PyDoc_STRVAR(getpeername_doc, "getpeername() -> address info\n\nThe remote address.");
static PyObject *socket_getpeername(SocketObject *self, PyObject *unused) { return end_address(self, get_remote); }

/* ---- Timeouts ---- */

int kr_socket_parse_timeout(PyObject *object, _PyTime_t *timeout) {
    if (object == Py_None) {
        *timeout = -1;
        return 0;
    }
    if (_PyTime_FromSecondsObject(timeout, object, _PyTime_ROUND_TIMEOUT) < 0) return -1;
    if (*timeout >= 0) return 0;
    PyErr_SetString(PyExc_ValueError, "Timeout value out of range");
    return -1;
}

PyDoc_STRVAR(setblocking_doc, "setblocking(flag)\n\nsettimeout(None) if the flag is true, settimeout(0.0) if it is false.");
static PyObject *socket_setblocking(SocketObject *self, PyObject *argument) {
    long block = PyLong_AsLong(argument);
    if (block == -1 && PyErr_Occurred()) return NULL;
    self->timeout = block ? -1 : 0;
    if (set_blocking(self, block != 0) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(getblocking_doc, "getblocking()\n\nTrue unless the timeout is 0.");
static PyObject *socket_getblocking(SocketObject *self, PyObject *unused) { return PyBool_FromLong(self->timeout != 0); }

PyDoc_STRVAR(settimeout_doc, "settimeout(timeout)\n\nSeconds after which operations raise TimeoutError; None: never.");
static PyObject *socket_settimeout(SocketObject *self, PyObject *argument) {
    _PyTime_t timeout;
    if (kr_socket_parse_timeout(argument, &timeout) < 0) return NULL;
    self->timeout = timeout;
    if (set_blocking(self, timeout < 0) < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *get_timeout(SocketObject *self, void *closure) {
    if (self->timeout < 0) Py_RETURN_NONE;
    return PyFloat_FromDouble(_PyTime_AsSecondsDouble(self->timeout));
}

PyDoc_STRVAR(gettimeout_doc, "gettimeout() -> timeout\n\nThe timeout in seconds, or None.");
static PyObject *socket_gettimeout(SocketObject *self, PyObject *unused) { return get_timeout(self, NULL); }

/* ---- Options ---- */

PyDoc_STRVAR(setsockopt_doc, "setsockopt(level, option, value: int)\n"
                             "setsockopt(level, option, value: buffer)\n"
                             "setsockopt(level, option, None, optlen: int)\n\n"
                             "Set an option; with None the value is a null pointer and a length.");
static PyObject *socket_setsockopt(SocketObject *self, PyObject *args) {
    int level, option, number, status;
    unsigned length;
    PyObject *none;
    Py_buffer buffer;
    if (self->family == AF_VSOCK) { /* whose options have 64 bits */
        uint64_t wide;
        if (PyArg_ParseTuple(args, "iiK:setsockopt", &level, &option, &wide)) {
            status = setsockopt(self->descriptor, level, option, &wide, sizeof wide);
            goto done;
        }
        PyErr_Clear();
    }
    if (PyArg_ParseTuple(args, "iii:setsockopt", &level, &option, &number)) {
        status = setsockopt(self->descriptor, level, option, &number, sizeof number);
        goto done;
    }
    PyErr_Clear();
    if (PyArg_ParseTuple(args, "iiO!I:setsockopt", &level, &option, Py_TYPE(Py_None), &none, &length)) {
        status = setsockopt(self->descriptor, level, option, NULL, (socklen_t)length);
        goto done;
    }
    PyErr_Clear();
    if (!PyArg_ParseTuple(args, "iiy*:setsockopt", &level, &option, &buffer)) return NULL;
    status = setsockopt(self->descriptor, level, option, buffer.buf, (socklen_t)buffer.len);
    PyBuffer_Release(&buffer);
done:
    if (status < 0) return self->raise_error();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(getsockopt_doc, "getsockopt(level, option[, buffersize]) -> value\n\n"
                             "An option as an int, or as bytes if a (nonzero) buffer size is given.");
static PyObject *socket_getsockopt(SocketObject *self, PyObject *args) {
    enum { MOST = 1024 };
    int level, option, size = 0, number = 0;
    if (!PyArg_ParseTuple(args, "ii|i:getsockopt", &level, &option, &size)) return NULL;
    if (size == 0) {
        socklen_t length = sizeof number;
        if (self->family == AF_VSOCK) {
            uint64_t wide = 0;
            length = sizeof wide;
            if (getsockopt(self->descriptor, level, option, &wide, &length) < 0) return self->raise_error();
            return PyLong_FromUnsignedLong(wide);
        }
        if (getsockopt(self->descriptor, level, option, &number, &length) < 0) return self->raise_error();
        return PyLong_FromLong(number);
    }
    if (size < 0 || size > MOST) {
        PyErr_SetString(PyExc_OSError, "getsockopt buflen out of range");
        return NULL;
    }
    char buffer[MOST];
    socklen_t length = (socklen_t)size;
    if (getsockopt(self->descriptor, level, option, buffer, &length) < 0) return self->raise_error();
    return PyBytes_FromStringAndSize(buffer, (Py_ssize_t)length);
}

/* ---- The type ---- */

static PyMethodDef own_methods[] = {
    {"_accept", (PyCFunction)socket_accept, METH_NOARGS, accept_doc},
    {"bind", (PyCFunction)socket_bind, METH_O, bind_doc},
    {"close", (PyCFunction)socket_close, METH_NOARGS, close_doc},
    {"connect", (PyCFunction)socket_connect, METH_O, connect_doc},
    {"connect_ex", (PyCFunction)socket_connect_ex, METH_O, connect_ex_doc},
    {"detach", (PyCFunction)socket_detach, METH_NOARGS, detach_doc},
    {"fileno", (PyCFunction)socket_fileno, METH_NOARGS, fileno_doc},
    {"getpeername", (PyCFunction)socket_getpeername, METH_NOARGS, getpeername_doc},
    {"getsockname", (PyCFunction)socket_getsockname, METH_NOARGS, getsockname_doc},
    {"getsockopt", (PyCFunction)socket_getsockopt, METH_VARARGS, getsockopt_doc},
    {"listen", (PyCFunction)socket_listen, METH_VARARGS, listen_doc},
    {"setblocking", (PyCFunction)socket_setblocking, METH_O, setblocking_doc},
    {"getblocking", (PyCFunction)socket_getblocking, METH_NOARGS, getblocking_doc},
    {"settimeout", (PyCFunction)socket_settimeout, METH_O, settimeout_doc},
    {"gettimeout", (PyCFunction)socket_gettimeout, METH_NOARGS, gettimeout_doc},
    {"setsockopt", (PyCFunction)socket_setsockopt, METH_VARARGS, setsockopt_doc},
    {"shutdown", (PyCFunction)socket_shutdown, METH_O, shutdown_doc},
    {NULL},
};

static PyMemberDef members[] = {
    {"family", T_INT, offsetof(SocketObject, family), READONLY, "the address family"},
    {"type", T_INT, offsetof(SocketObject, type), READONLY, "the socket type"},
    {"proto", T_INT, offsetof(SocketObject, protocol), READONLY, "the protocol"},
    {NULL},
};

static PyGetSetDef getset[] = {
    {"timeout", (getter)get_timeout, NULL, "the timeout in seconds, or None"},
    {NULL},
};

PyDoc_STRVAR(socket_doc, "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\n"
                         "socket(family=-1, type=-1, proto=-1, fileno=None) -> socket object\n\n"
                         "One end of a network connection. With fileno it is made from an open descriptor, and what is -1\n"
                         "is found out. Descriptors made here are not inherited by child processes.");

PyTypeObject kr_socket_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_socket.socket",
    .tp_basicsize = sizeof(SocketObject),
    .tp_dealloc = socket_dealloc,
    .tp_repr = (reprfunc)socket_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = socket_doc,
    .tp_members = members,
    .tp_getset = getset,
    .tp_init = (initproc)socket_init,
    .tp_new = socket_new,
    .tp_finalize = socket_finalize,
};

/* Joins the methods of this file and of transfer.c, once, before the type is readied. */
void kr_socket_type_prepare(void) {
    static PyMethodDef methods[48];
    if (kr_socket_type.tp_methods != NULL) return;
    size_t count = 0;
    for (PyMethodDef *at = own_methods; at->ml_name != NULL; at++) methods[count++] = *at;
    for (PyMethodDef *at = kr_socket_transfer_methods; at->ml_name != NULL; at++) methods[count++] = *at;
    kr_socket_type.tp_methods = methods;
}
