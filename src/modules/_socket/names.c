/* Functions of the module that need no socket object: names, numbers, interfaces. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <unistd.h>

#include "base/fileutils.h"
#include "modules/_socket/socket.h"

/* ---- Hosts ---- */

static PyObject *raise_herror(int error) {
    PyObject *value = Py_BuildValue("(is)", error, hstrerror(error));
    if (value != NULL) {
        PyErr_SetObject(kr_socket_herror, value);
        Py_DECREF(value);
    }
    return NULL;
}

PyDoc_STRVAR(gethostname_doc, "gethostname() -> string\n\nThe name of this host.");
static PyObject *socket_gethostname(PyObject *module, PyObject *unused) {
    char name[1024];
    int failed;
    if (PySys_Audit("socket.gethostname", NULL) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    failed = gethostname(name, sizeof name - 1) < 0;
    Py_END_ALLOW_THREADS
    if (failed) return kr_socket_raise_errno();
    name[sizeof name - 1] = '\0';
    return PyUnicode_DecodeFSDefault(name);
}

PyDoc_STRVAR(sethostname_doc, "sethostname(name)\n\nSet the name of this host.");
static PyObject *socket_sethostname(PyObject *module, PyObject *args) {
    PyObject *name;
    Py_buffer buffer;
    if (PyArg_ParseTuple(args, "S:sethostname", &name)) {
        Py_INCREF(name);
    } else {
        PyErr_Clear();
        if (!PyArg_ParseTuple(args, "O&:sethostname", PyUnicode_FSConverter, &name)) return NULL;
    }
    int failed = PySys_Audit("socket.sethostname", "(O)", name) < 0 || PyObject_GetBuffer(name, &buffer, PyBUF_SIMPLE) < 0;
    if (!failed) {
        failed = sethostname(buffer.buf, (size_t)buffer.len) != 0;
        PyBuffer_Release(&buffer);
        if (failed) kr_socket_raise_errno();
    }
    Py_DECREF(name);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(gethostbyname_doc, "gethostbyname(host) -> address\n\nThe IPv4 address of a host, as text.");
static PyObject *socket_gethostbyname(PyObject *module, PyObject *args) {
    char *name;
    SocketAddress address;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "et:gethostbyname", "idna", &name)) return NULL;
    if (PySys_Audit("socket.gethostbyname", "O", PyTuple_GET_ITEM(args, 0)) == 0 &&
        kr_socket_resolve(name, &address, AF_INET) >= 0)
        result = kr_socket_ipv4_text(&address.in);
    PyMem_Free(name);
    return result;
}

/* (name, aliases, addresses) of a host's entry. */
static PyObject *host_tuple(const struct hostent *host, int error, int family) {
    if (host == NULL) return raise_herror(error);
    if (host->h_addrtype != family) {
        errno = EAFNOSUPPORT;
        return kr_socket_raise_errno();
    }
    PyObject *aliases = PyList_New(0), *addresses = PyList_New(0), *result = NULL;
    if (aliases == NULL || addresses == NULL) goto done;
    for (char **alias = host->h_aliases; alias != NULL && *alias != NULL; alias++) {
        PyObject *text = PyUnicode_FromString(*alias);
        int failed = text == NULL || PyList_Append(aliases, text) < 0;
        Py_XDECREF(text);
        if (failed) goto done;
    }
    for (char **address = host->h_addr_list; *address != NULL; address++) {
        PyObject *text = NULL;
        if (family == AF_INET) {
            struct sockaddr_in in = {.sin_family = AF_INET};
            memcpy(&in.sin_addr, *address, sizeof in.sin_addr);
            text = kr_socket_ipv4_text(&in);
        } else if (family == AF_INET6) {
            struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
            memcpy(&in6.sin6_addr, *address, sizeof in6.sin6_addr);
            text = kr_socket_ipv6_text(&in6);
        } else {
            PyErr_SetString(PyExc_OSError, "unsupported address family");
        }
        int failed = text == NULL || PyList_Append(addresses, text) < 0;
        Py_XDECREF(text);
        if (failed) goto done;
    }
    result = Py_BuildValue("NOO", PyUnicode_DecodeFSDefault(host->h_name), aliases, addresses);
done:
    Py_XDECREF(aliases);
    Py_XDECREF(addresses);
    return result;
}

enum { HOST_BUFFER = 16384 /* bytes for the texts of one entry */ };

PyDoc_STRVAR(gethostbyname_ex_doc, "gethostbyname_ex(host) -> (name, aliaslist, addresslist)\n\n"
                                   "A host's true name, its other names, and its IPv4 addresses.");
static PyObject *socket_gethostbyname_ex(PyObject *module, PyObject *args) {
    char *name, buffer[HOST_BUFFER];
    SocketAddress address;
    struct hostent entry, *found = NULL;
    int error = 0;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "et:gethostbyname_ex", "idna", &name)) return NULL;
    if (PySys_Audit("socket.gethostbyname", "O", PyTuple_GET_ITEM(args, 0)) == 0 &&
        kr_socket_resolve(name, &address, AF_INET) >= 0) {
        Py_BEGIN_ALLOW_THREADS
        (void)gethostbyname_r(name, &entry, buffer, sizeof buffer, &found, &error);
        Py_END_ALLOW_THREADS
        result = host_tuple(found, error, address.any.sa_family);
    }
    PyMem_Free(name);
    return result;
}

PyDoc_STRVAR(gethostbyaddr_doc, "gethostbyaddr(host) -> (name, aliaslist, addresslist)\n\n"
                                "The true name, other names, and addresses of the host with an address (or name).");
static PyObject *socket_gethostbyaddr(PyObject *module, PyObject *args) {
    char *name, buffer[HOST_BUFFER];
    SocketAddress address;
    struct hostent entry, *found = NULL;
    int error = 0;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "et:gethostbyaddr", "idna", &name)) return NULL;
    if (PySys_Audit("socket.gethostbyaddr", "O", PyTuple_GET_ITEM(args, 0)) < 0 ||
        kr_socket_resolve(name, &address, AF_UNSPEC) < 0)
        goto done;
    int family = address.any.sa_family;
    const void *bytes = family == AF_INET ? (const void *)&address.in.sin_addr : (const void *)&address.in6.sin6_addr;
    socklen_t size = family == AF_INET ? sizeof address.in.sin_addr : sizeof address.in6.sin6_addr;
    if (family != AF_INET && family != AF_INET6) {
        PyErr_SetString(PyExc_OSError, "unsupported address family");
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    (void)gethostbyaddr_r(bytes, size, family, &entry, buffer, sizeof buffer, &found, &error);
    Py_END_ALLOW_THREADS
    result = host_tuple(found, error, family);
done:
    PyMem_Free(name);
    return result;
}

/* ---- getaddrinfo and getnameinfo ---- */

/* The port argument as text; NULL for None. `number` is room for an int's digits. Returns 0 or -1. */
static int port_text(PyObject *port, char number[32], const char **text) {
    if (PyLong_CheckExact(port) || PyLong_Check(port)) {
        long value = PyLong_AsLong(port);
        if (value == -1 && PyErr_Occurred()) return -1;
        snprintf(number, 32, "%ld", value);
        *text = number;
    } else if (PyUnicode_Check(port)) {
        *text = PyUnicode_AsUTF8(port);
        if (*text == NULL) return -1;
    } else if (PyBytes_Check(port)) {
        *text = PyBytes_AS_STRING(port);
    } else if (port == Py_None) {
        *text = NULL;
    } else {
        PyErr_SetString(PyExc_OSError, "Int or String expected");
        return -1;
    }
    return 0;
}

PyDoc_STRVAR(getaddrinfo_doc, "getaddrinfo(host, port [, family, type, proto, flags])\n"
                              "    -> list of (family, type, proto, canonname, sockaddr)\n\n"
                              "All ways to reach a port (a number or a service's name) of a host.");
static PyObject *socket_getaddrinfo(PyObject *module, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"host", "port", "family", "type", "proto", "flags", NULL};
    struct addrinfo hints = {.ai_family = AF_UNSPEC}, *found = NULL;
    PyObject *host, *port, *encoded = NULL, *result = NULL;
    const char *host_name = NULL, *port_name;
    char number[32];
    int error;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|iiii:getaddrinfo", keywords, &host, &port, &hints.ai_family,
                                     &hints.ai_socktype, &hints.ai_protocol, &hints.ai_flags))
        return NULL;
    if (PyUnicode_Check(host)) {
        encoded = PyUnicode_AsEncodedString(host, "idna", NULL);
        if (encoded == NULL) return NULL;
        host_name = PyBytes_AS_STRING(encoded);
    } else if (PyBytes_Check(host)) {
        host_name = PyBytes_AS_STRING(host);
    } else if (host != Py_None) {
        PyErr_SetString(PyExc_TypeError, "getaddrinfo() argument 1 must be string or None");
        return NULL;
    }
    if (port_text(port, number, &port_name) < 0 ||
        PySys_Audit("socket.getaddrinfo", "OOiii", host, port, hints.ai_family, hints.ai_socktype, hints.ai_protocol) < 0)
        goto done;
    Py_BEGIN_ALLOW_THREADS
    error = getaddrinfo(host_name, port_name, &hints, &found);
    Py_END_ALLOW_THREADS
    if (error != 0) {
        found = NULL;
        kr_socket_raise_gaierror(error);
        goto done;
    }
    result = PyList_New(0);
    for (struct addrinfo *at = found; at != NULL && result != NULL; at = at->ai_next) {
        PyObject *address =
            kr_socket_make_address(-1, (const SocketAddress *)at->ai_addr, at->ai_addrlen, at->ai_protocol);
        PyObject *item = address == NULL ? NULL
                                         : Py_BuildValue("iiisN", at->ai_family, at->ai_socktype, at->ai_protocol,
                                                         at->ai_canonname != NULL ? at->ai_canonname : "", address);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
done:
    Py_XDECREF(encoded);
    if (found != NULL) freeaddrinfo(found);
    return result;
}

PyDoc_STRVAR(getnameinfo_doc, "getnameinfo(sockaddr, flags) --> (host, port)\n\nThe names of a numeric address's host and port.");
static PyObject *socket_getnameinfo(PyObject *module, PyObject *args) {
    PyObject *tuple, *result = NULL;
    int flags, port, error;
    unsigned flow = 0, scope = 0;
    const char *host;
    char port_digits[16], host_name[NI_MAXHOST], port_name[NI_MAXSERV];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *found = NULL;
    if (!PyArg_ParseTuple(args, "Oi:getnameinfo", &tuple, &flags)) return NULL;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "getnameinfo() argument 1 must be a tuple");
        return NULL;
    }
    if (!PyArg_ParseTuple(tuple, "si|II;getnameinfo(): illegal sockaddr argument", &host, &port, &flow, &scope)) return NULL;
    if (flow > 0xfffff) {
        PyErr_SetString(PyExc_OverflowError, "getnameinfo(): flowinfo must be 0-1048575.");
        return NULL;
    }
    if (PySys_Audit("socket.getnameinfo", "(O)", tuple) < 0) return NULL;
    snprintf(port_digits, sizeof port_digits, "%d", port);
    Py_BEGIN_ALLOW_THREADS
    error = getaddrinfo(host, port_digits, &hints, &found);
    Py_END_ALLOW_THREADS
    if (error != 0) return kr_socket_raise_gaierror(error);
    if (found->ai_next != NULL) {
        PyErr_SetString(PyExc_OSError, "sockaddr resolved to multiple addresses");
        goto done;
    }
    if (found->ai_family == AF_INET && PyTuple_GET_SIZE(tuple) != 2) {
        PyErr_SetString(PyExc_OSError, "IPv4 sockaddr must be 2 tuple");
        goto done;
    }
    if (found->ai_family == AF_INET6) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)found->ai_addr;
        address->sin6_flowinfo = htonl(flow);
        address->sin6_scope_id = scope;
    }
    Py_BEGIN_ALLOW_THREADS
    error = getnameinfo(found->ai_addr, found->ai_addrlen, host_name, sizeof host_name, port_name, sizeof port_name, flags);
    Py_END_ALLOW_THREADS
    if (error != 0)
        kr_socket_raise_gaierror(error);
    else
        result = Py_BuildValue("Ns", PyUnicode_DecodeFSDefault(host_name), port_name);
done:
    freeaddrinfo(found);
    return result;
}

/* ---- Services and protocols ---- */

PyDoc_STRVAR(getservbyname_doc, "getservbyname(servicename[, protocolname]) -> integer\n\nThe port of a service.");
static PyObject *socket_getservbyname(PyObject *module, PyObject *args) {
    const char *name, *protocol = NULL;
    if (!PyArg_ParseTuple(args, "s|s:getservbyname", &name, &protocol) ||
        PySys_Audit("socket.getservbyname", "ss", name, protocol) < 0)
        return NULL;
    struct servent *service;
    Py_BEGIN_ALLOW_THREADS
    service = getservbyname(name, protocol);
    Py_END_ALLOW_THREADS
    if (service != NULL) return PyLong_FromLong(ntohs((uint16_t)service->s_port));
    PyErr_SetString(PyExc_OSError, "service/proto not found");
    return NULL;
}

PyDoc_STRVAR(getservbyport_doc, "getservbyport(port[, protocolname]) -> string\n\nThe service that uses a port.");
static PyObject *socket_getservbyport(PyObject *module, PyObject *args) {
    int port;
    const char *protocol = NULL;
    if (!PyArg_ParseTuple(args, "i|s:getservbyport", &port, &protocol)) return NULL;
    if (port < 0 || port > 0xffff) {
        PyErr_SetString(PyExc_OverflowError, "getservbyport: port must be 0-65535.");
        return NULL;
    }
    if (PySys_Audit("socket.getservbyport", "is", port, protocol) < 0) return NULL;
    struct servent *service;
    Py_BEGIN_ALLOW_THREADS
    service = getservbyport(htons((uint16_t)port), protocol);
    Py_END_ALLOW_THREADS
    if (service != NULL) return PyUnicode_FromString(service->s_name);
    PyErr_SetString(PyExc_OSError, "port/proto not found");
    return NULL;
}

PyDoc_STRVAR(getprotobyname_doc, "getprotobyname(name) -> integer\n\nThe number of a protocol.");
static PyObject *socket_getprotobyname(PyObject *module, PyObject *args) {
    const char *name;
    if (!PyArg_ParseTuple(args, "s:getprotobyname", &name)) return NULL;
    struct protoent *protocol;
    Py_BEGIN_ALLOW_THREADS
    protocol = getprotobyname(name);
    Py_END_ALLOW_THREADS
    if (protocol != NULL) return PyLong_FromLong(protocol->p_proto);
    PyErr_SetString(PyExc_OSError, "protocol not found");
    return NULL;
}

/* ---- Descriptors ---- */

PyDoc_STRVAR(close_doc, "close(integer) -> None\n\nClose a socket's descriptor.");
static PyObject *socket_close_descriptor(PyObject *module, PyObject *argument) {
    int descriptor = _PyLong_AsInt(argument), failed;
    if (descriptor == -1 && PyErr_Occurred()) return NULL;
    Py_BEGIN_ALLOW_THREADS
    failed = close(descriptor) < 0;
    Py_END_ALLOW_THREADS
    if (failed && errno != ECONNRESET) return kr_socket_raise_errno(); /* the peer may have closed it already */
    Py_RETURN_NONE;
}

PyDoc_STRVAR(dup_doc, "dup(integer) -> integer\n\nDuplicate a socket's descriptor; the new one is not inherited.");
static PyObject *socket_dup(PyObject *module, PyObject *argument) {
    int descriptor = _PyLong_AsInt(argument);
    if (descriptor == -1 && PyErr_Occurred()) return NULL;
    descriptor = _Py_dup(descriptor);
    return descriptor < 0 ? NULL : PyLong_FromLong(descriptor);
}

PyDoc_STRVAR(socketpair_doc, "socketpair([family[, type [, proto]]]) -> (socket object, socket object)\n\n"
                             "Two sockets connected to each other.");
static PyObject *socket_socketpair(PyObject *module, PyObject *args) {
    int family = AF_UNIX, type = SOCK_STREAM, protocol = 0, pair[2], failed;
    if (!PyArg_ParseTuple(args, "|iii:socketpair", &family, &type, &protocol)) return NULL;
    Py_BEGIN_ALLOW_THREADS
    failed = socketpair(family, type | SOCK_CLOEXEC, protocol, pair) < 0;
    Py_END_ALLOW_THREADS
    if (failed) return kr_socket_raise_errno();
    SocketObject *first = kr_socket_create(pair[0], family, type, protocol), *second = NULL;
    if (first == NULL) {
        close(pair[0]);
        close(pair[1]);
        return NULL;
    }
    second = kr_socket_create(pair[1], family, type, protocol);
    PyObject *result = second == NULL ? NULL : PyTuple_Pack(2, first, second);
    if (second == NULL) close(pair[1]);
    Py_DECREF(first);
    Py_XDECREF(second);
    return result;
}

/* ---- Byte orders ---- */

static PyObject *swap16(PyObject *args, const char *format, const char *name) {
    int value;
    if (!PyArg_ParseTuple(args, format, &value)) return NULL;
    if (value < 0 || value > 0xffff) {
        PyErr_Format(PyExc_OverflowError, value < 0 ? "%s: can't convert negative Python int to C 16-bit unsigned integer"
                                                    : "%s: Python int too large to convert to C 16-bit unsigned integer",
                     name);
        return NULL;
    }
    return PyLong_FromLong(ntohs((uint16_t)value));
}

static PyObject *swap32(PyObject *argument) {
    if (!PyLong_Check(argument)) return PyErr_Format(PyExc_TypeError, "expected int, %s found", Py_TYPE(argument)->tp_name);
    unsigned long value = PyLong_AsUnsignedLong(argument);
    if (value == (unsigned long)-1 && PyErr_Occurred()) return NULL;
    if (value > 0xffffffff) {
        PyErr_Format(PyExc_OverflowError, "int larger than 32 bits");
        return NULL;
    }
    return PyLong_FromUnsignedLong(ntohl((uint32_t)value));
}

PyDoc_STRVAR(ntohs_doc, "ntohs(integer) -> integer\n\nA 16-bit integer from network to host byte order.");
static PyObject *socket_ntohs(PyObject *module, PyObject *args) { return swap16(args, "i:ntohs", "ntohs"); }
PyDoc_STRVAR(htons_doc, "htons(integer) -> integer\n\nA 16-bit integer from host to network byte order.");
static PyObject *socket_htons(PyObject *module, PyObject *args) { return swap16(args, "i:htons", "htons"); }
PyDoc_STRVAR(ntohl_doc, "ntohl(integer) -> integer\n\nA 32-bit integer from network to host byte order.");
static PyObject *socket_ntohl(PyObject *module, PyObject *argument) { return swap32(argument); }
PyDoc_STRVAR(htonl_doc, "htonl(integer) -> integer\n\nA 32-bit integer from host to network byte order.");
static PyObject *socket_htonl(PyObject *module, PyObject *argument) { return swap32(argument); }

/* ---- Text of IP addresses ---- */

PyDoc_STRVAR(inet_aton_doc, "inet_aton(string) -> bytes giving packed 32-bit IP representation\n\nAn IPv4 address as 4 bytes.");
static PyObject *socket_inet_aton(PyObject *module, PyObject *args) {
    const char *text;
    struct in_addr address;
    if (!PyArg_ParseTuple(args, "s:inet_aton", &text)) return NULL;
    if (inet_aton(text, &address)) return PyBytes_FromStringAndSize((char *)&address, sizeof address);
    PyErr_SetString(PyExc_OSError, "illegal IP address string passed to inet_aton");
    return NULL;
}

PyDoc_STRVAR(inet_ntoa_doc, "inet_ntoa(packed_ip) -> ip_address_string\n\n4 bytes as the text of an IPv4 address.");
static PyObject *socket_inet_ntoa(PyObject *module, PyObject *args) {
    Py_buffer packed;
    struct sockaddr_in address = {.sin_family = AF_INET};
    if (!PyArg_ParseTuple(args, "y*:inet_ntoa", &packed)) return NULL;
    int fits = packed.len == sizeof address.sin_addr;
    if (fits) memcpy(&address.sin_addr, packed.buf, sizeof address.sin_addr);
    PyBuffer_Release(&packed);
    if (fits) return kr_socket_ipv4_text(&address);
    PyErr_SetString(PyExc_OSError, "packed IP wrong length for inet_ntoa");
    return NULL;
}

PyDoc_STRVAR(inet_pton_doc, "inet_pton(af, ip) -> packed IP address string\n\nThe text of an address of a family as bytes.");
static PyObject *socket_inet_pton(PyObject *module, PyObject *args) {
    int family;
    const char *text;
    char packed[sizeof(struct in6_addr)];
    if (!PyArg_ParseTuple(args, "is:inet_pton", &family, &text)) return NULL;
    int status = inet_pton(family, text, packed);
    if (status < 0) return kr_socket_raise_errno();
    if (status > 0) return PyBytes_FromStringAndSize(packed, family == AF_INET ? 4 : 16);
    PyErr_SetString(PyExc_OSError, "illegal IP address string passed to inet_pton");
    return NULL;
}

PyDoc_STRVAR(inet_ntop_doc, "inet_ntop(af, packed_ip) -> string formatted IP address\n\nBytes as the text of an address of a family.");
static PyObject *socket_inet_ntop(PyObject *module, PyObject *args) {
    int family;
    Py_buffer packed;
    char text[INET6_ADDRSTRLEN];
    const char *result = NULL;
    if (!PyArg_ParseTuple(args, "iy*:inet_ntop", &family, &packed)) return NULL;
    if (family != AF_INET && family != AF_INET6) {
        PyErr_Format(PyExc_ValueError, "unknown address family %d", family);
    } else if (packed.len != (family == AF_INET ? 4 : 16)) {
        PyErr_SetString(PyExc_ValueError, "invalid length of packed IP address string");
    } else if ((result = inet_ntop(family, packed.buf, text, sizeof text)) == NULL) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    PyBuffer_Release(&packed);
    return result == NULL ? NULL : PyUnicode_FromString(result);
}

/* ---- Timeouts ---- */

PyDoc_STRVAR(getdefaulttimeout_doc, "getdefaulttimeout() -> timeout\n\nThe timeout in seconds of new sockets, or None.");
static PyObject *socket_getdefaulttimeout(PyObject *module, PyObject *unused) {
    if (kr_socket_default_timeout < 0) Py_RETURN_NONE;
    return PyFloat_FromDouble(_PyTime_AsSecondsDouble(kr_socket_default_timeout));
}

PyDoc_STRVAR(setdefaulttimeout_doc, "setdefaulttimeout(timeout)\n\nSet the timeout in seconds of new sockets; None for none.");
static PyObject *socket_setdefaulttimeout(PyObject *module, PyObject *argument) {
    _PyTime_t timeout;
    if (kr_socket_parse_timeout(argument, &timeout) < 0) return NULL;
    kr_socket_default_timeout = timeout;
    Py_RETURN_NONE;
}

/* ---- Network interfaces ---- */

PyDoc_STRVAR(if_nameindex_doc, "if_nameindex()\n\nList of (number, name) of the network interfaces.");
static PyObject *socket_if_nameindex(PyObject *module, PyObject *unused) {
    struct if_nameindex *all = if_nameindex();
    if (all == NULL) return kr_socket_raise_errno();
    PyObject *result = PyList_New(0);
    for (struct if_nameindex *at = all; at->if_index != 0 && at->if_name != NULL && result != NULL; at++) {
        PyObject *item = Py_BuildValue("IO&", at->if_index, PyUnicode_DecodeFSDefault, at->if_name);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    if_freenameindex(all);
    return result;
}

PyDoc_STRVAR(if_nametoindex_doc, "if_nametoindex(if_name)\n\nThe number of an interface.");
static PyObject *socket_if_nametoindex(PyObject *module, PyObject *args) {
    PyObject *name;
    if (!PyArg_ParseTuple(args, "O&:if_nametoindex", PyUnicode_FSConverter, &name)) return NULL;
    unsigned number = if_nametoindex(PyBytes_AS_STRING(name));
    Py_DECREF(name);
    if (number != 0) return PyLong_FromUnsignedLong(number);
    PyErr_SetString(PyExc_OSError, "no interface with this name");
    return NULL;
}

PyDoc_STRVAR(if_indextoname_doc, "if_indextoname(if_index)\n\nThe name of an interface.");
static PyObject *socket_if_indextoname(PyObject *module, PyObject *argument) {
    char name[IF_NAMESIZE + 1];
    unsigned long number = PyLong_AsUnsignedLong(argument);
    if (number == (unsigned long)-1 && PyErr_Occurred()) return NULL;
    if (if_indextoname((unsigned)number, name) == NULL) return kr_socket_raise_errno();
    return PyUnicode_DecodeFSDefault(name);
}

/* ---- Sizes of control messages ---- */

static PyObject *control_size(PyObject *args, const char *format, bool (*compute)(size_t, size_t *), const char *message) {
    Py_ssize_t length;
    size_t result;
    if (!PyArg_ParseTuple(args, format, &length)) return NULL;
    if (length >= 0 && compute((size_t)length, &result)) return PyLong_FromSize_t(result);
    PyErr_SetString(PyExc_OverflowError, message);
    return NULL;
}

PyDoc_STRVAR(cmsg_len_doc, "CMSG_LEN(length) -> control message length\n\n"
                           "Bytes that a control message with so much data has, without padding at its end.");
static PyObject *socket_cmsg_len(PyObject *module, PyObject *args) {
    return control_size(args, "n:CMSG_LEN", kr_socket_cmsg_len, "CMSG_LEN() argument out of range");
}

PyDoc_STRVAR(cmsg_space_doc, "CMSG_SPACE(length) -> buffer size\n\n"
                             "Bytes that recvmsg() needs for a control message with so much data.");
static PyObject *socket_cmsg_space(PyObject *module, PyObject *args) {
    return control_size(args, "n:CMSG_SPACE", kr_socket_cmsg_space, "CMSG_SPACE() argument out of range");
}

PyMethodDef kr_socket_name_functions[] = {
    {"gethostbyname", socket_gethostbyname, METH_VARARGS, gethostbyname_doc},
    {"gethostbyname_ex", socket_gethostbyname_ex, METH_VARARGS, gethostbyname_ex_doc},
    {"gethostbyaddr", socket_gethostbyaddr, METH_VARARGS, gethostbyaddr_doc},
    {"gethostname", socket_gethostname, METH_NOARGS, gethostname_doc},
    {"sethostname", socket_sethostname, METH_VARARGS, sethostname_doc},
    {"getservbyname", socket_getservbyname, METH_VARARGS, getservbyname_doc},
    {"getservbyport", socket_getservbyport, METH_VARARGS, getservbyport_doc},
    {"getprotobyname", socket_getprotobyname, METH_VARARGS, getprotobyname_doc},
    {"close", socket_close_descriptor, METH_O, close_doc},
    {"dup", socket_dup, METH_O, dup_doc},
    {"socketpair", socket_socketpair, METH_VARARGS, socketpair_doc},
    {"ntohs", socket_ntohs, METH_VARARGS, ntohs_doc},
    {"ntohl", socket_ntohl, METH_O, ntohl_doc},
    {"htons", socket_htons, METH_VARARGS, htons_doc},
    {"htonl", socket_htonl, METH_O, htonl_doc},
    {"inet_aton", socket_inet_aton, METH_VARARGS, inet_aton_doc},
    {"inet_ntoa", socket_inet_ntoa, METH_VARARGS, inet_ntoa_doc},
    {"inet_pton", socket_inet_pton, METH_VARARGS, inet_pton_doc},
    {"inet_ntop", socket_inet_ntop, METH_VARARGS, inet_ntop_doc},
    {"getaddrinfo", (PyCFunction)(void (*)(void))socket_getaddrinfo, METH_VARARGS | METH_KEYWORDS, getaddrinfo_doc},
    {"getnameinfo", socket_getnameinfo, METH_VARARGS, getnameinfo_doc},
    {"getdefaulttimeout", socket_getdefaulttimeout, METH_NOARGS, getdefaulttimeout_doc},
    {"setdefaulttimeout", socket_setdefaulttimeout, METH_O, setdefaulttimeout_doc},
    {"if_nameindex", socket_if_nameindex, METH_NOARGS, if_nameindex_doc},
    {"if_nametoindex", socket_if_nametoindex, METH_VARARGS, if_nametoindex_doc},
    {"if_indextoname", socket_if_indextoname, METH_O, if_indextoname_doc},
    {"CMSG_LEN", socket_cmsg_len, METH_VARARGS, cmsg_len_doc},
    {"CMSG_SPACE", socket_cmsg_space, METH_VARARGS, cmsg_space_doc},
    {NULL},
};
