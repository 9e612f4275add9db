/* Addresses of sockets: from Python to the kernel's form and back. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>

#include "modules/_socket/socket.h"

/* ---- Resolving host names ---- */

PyObject *kr_socket_raise_gaierror(int error) {
    if (error == EAI_SYSTEM) return kr_socket_raise_errno();
    PyObject *value = Py_BuildValue("(is)", error, gai_strerror(error));
    if (value != NULL) {
        PyErr_SetObject(kr_socket_gaierror, value);
        Py_DECREF(value);
    }
    return NULL;
}

static int fail(PyObject *type, const char *message) {
    PyErr_SetString(type, message);
    return -1;
}

static int resolve_broadcast(SocketAddress *address, int family) {
    if (family != AF_INET && family != AF_UNSPEC) return fail(PyExc_OSError, "address family mismatched");
    address->in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = INADDR_BROADCAST};
    return sizeof address->in.sin_addr;
}

/* "" means any address of this host. */
static int resolve_any(SocketAddress *address, int family) {
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE}, *found;
    int error, length;
    Py_BEGIN_ALLOW_THREADS
    error = getaddrinfo(NULL, "0", &hints, &found);
    Py_END_ALLOW_THREADS
    if (error != 0) {
        kr_socket_raise_gaierror(error);
        return -1;
    }
    switch (found->ai_family) {
        case AF_INET: length = 4; break;
        case AF_INET6: length = 16; break;
        default: length = fail(PyExc_OSError, "unsupported address family");
    }
    if (length > 0 && found->ai_next != NULL) length = fail(PyExc_OSError, "wildcard resolved to multiple address");
    if (length > 0) memcpy(address, found->ai_addr, Py_MIN(found->ai_addrlen, sizeof *address));
    freeaddrinfo(found);
    return length;
}

int kr_socket_resolve(const char *name, SocketAddress *address, int family) {
    memset(address, 0, sizeof *address);
    if (name[0] == '\0') return resolve_any(address, family);
    if (strcmp(name, "<broadcast>") == 0 || strcmp(name, "255.255.255.255") == 0)
        return resolve_broadcast(address, family);
    /* numbers need no lookup */
    if ((family == AF_UNSPEC || family == AF_INET) && inet_pton(AF_INET, name, &address->in.sin_addr) > 0) {
        address->in.sin_family = AF_INET;
        return 4;
    }
    if ((family == AF_UNSPEC || family == AF_INET6) && strchr(name, '%') == NULL &&
        inet_pton(AF_INET6, name, &address->in6.sin6_addr) > 0) {
        address->in6.sin6_family = AF_INET6;
        return 16;
    }
    struct addrinfo hints = {.ai_family = family}, *found;
    int error;
    Py_BEGIN_ALLOW_THREADS
    error = getaddrinfo(name, NULL, &hints, &found);
    Py_END_ALLOW_THREADS
    if (error != 0) {
        kr_socket_raise_gaierror(error);
        return -1;
    }
    memcpy(address, found->ai_addr, Py_MIN(found->ai_addrlen, sizeof *address));
    freeaddrinfo(found);
    switch (address->any.sa_family) {
        case AF_INET: return 4;
        case AF_INET6: return 16;
        default: return fail(PyExc_OSError, "unknown address family");
    }
}

/* ---- Parts of addresses ---- */

/* A host name: str (encoded as IDNA if it is not ASCII), bytes or bytearray. */
typedef struct {
    PyObject *owner;
    const char *text;
} HostName;

/* Converter for PyArg_Parse. */
static int host_converter(PyObject *object, void *target) {
    HostName *host = target;
    Py_ssize_t length;
    if (object == NULL) {
        Py_CLEAR(host->owner);
        return 1;
    }
    if (PyUnicode_Check(object) && PyUnicode_IS_COMPACT_ASCII(object)) {
        host->owner = Py_NewRef(object);
        host->text = PyUnicode_DATA(object);
        length = PyUnicode_GET_LENGTH(object);
    } else if (PyUnicode_Check(object)) {
        host->owner = PyUnicode_AsEncodedString(object, "idna", NULL);
        if (host->owner == NULL) {
            PyErr_SetString(PyExc_TypeError, "encoding of hostname failed");
            return 0;
        }
        host->text = PyBytes_AS_STRING(host->owner);
        length = PyBytes_GET_SIZE(host->owner);
    } else if (PyBytes_Check(object)) {
        host->owner = Py_NewRef(object);
        host->text = PyBytes_AS_STRING(object);
        length = PyBytes_GET_SIZE(object);
    } else if (PyByteArray_Check(object)) {
        host->owner = Py_NewRef(object);
        host->text = PyByteArray_AS_STRING(object);
        length = PyByteArray_GET_SIZE(object);
    } else {
        PyErr_Format(PyExc_TypeError, "str, bytes or bytearray expected, not %s", Py_TYPE(object)->tp_name);
        return 0;
    }
    if (strlen(host->text) == (size_t)length) return Py_CLEANUP_SUPPORTED;
    Py_CLEAR(host->owner);
    PyErr_SetString(PyExc_TypeError, "host name must not contain null character");
    return 0;
}

PyObject *kr_socket_ipv4_text(const struct sockaddr_in *address) {
    char text[INET_ADDRSTRLEN];
    if (inet_ntop(AF_INET, &address->sin_addr, text, sizeof text) == NULL) return PyErr_SetFromErrno(PyExc_OSError);
    return PyUnicode_FromString(text);
}

PyObject *kr_socket_ipv6_text(const struct sockaddr_in6 *address) {
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text) == NULL) return PyErr_SetFromErrno(PyExc_OSError);
    return PyUnicode_FromString(text);
}

/* "00:11:22:33:44:55", the most significant byte first. */
static int parse_bluetooth(const char *text, BluetoothAddress *address) {
    unsigned part[6];
    char rest;
    int ok = sscanf(text, "%X:%X:%X:%X:%X:%X%c", &part[5], &part[4], &part[3], &part[2], &part[1], &part[0], &rest) == 6;
    for (int i = 0; ok && i < 6; i++) {
        ok = part[i] < 256;
        address->byte[i] = (uint8_t)part[i];
    }
    return ok ? 0 : fail(PyExc_OSError, "bad bluetooth address");
}

static PyObject *bluetooth_text(const BluetoothAddress *address) {
    char text[18];
    const uint8_t *byte = address->byte;
    snprintf(text, sizeof text, "%02X:%02X:%02X:%02X:%02X:%02X", byte[5], byte[4], byte[3], byte[2], byte[1], byte[0]);
    return PyUnicode_FromString(text);
}

/* The number of the interface that a (bytes) name means, 0 for "". Returns -1 with an exception. */
static int interface_number(SocketObject *self, PyObject *name, int *number) {
    struct ifreq request;
    Py_ssize_t length = PyBytes_GET_SIZE(name);
    *number = 0;
    if (length == 0) return 0;
    if ((size_t)length >= sizeof request.ifr_name) return fail(PyExc_OSError, "AF_CAN interface name too long");
    strncpy(request.ifr_name, PyBytes_AS_STRING(name), sizeof request.ifr_name);
    request.ifr_name[sizeof request.ifr_name - 1] = '\0';
    if (ioctl(self->descriptor, SIOCGIFINDEX, &request) < 0) {
        self->raise_error();
        return -1;
    }
    *number = request.ifr_ifindex;
    return 0;
}

/* The name of an interface, "" if it is not known. */
static void interface_name(int descriptor, int number, char name[IFNAMSIZ]) {
    struct ifreq request;
    name[0] = '\0';
    if (number == 0) return;
    request.ifr_ifindex = number;
    if (ioctl(descriptor, SIOCGIFNAME, &request) == 0) memcpy(name, request.ifr_name, IFNAMSIZ);
}

/* ---- From Python ---- */

typedef struct {
    SocketObject *self;
    PyObject *object;
    SocketAddress *address;
    socklen_t *length;
    const char *caller;
} Parse;

static int check_tuple(const Parse *parse, const char *family) {
    if (PyTuple_Check(parse->object)) return 0;
    PyErr_Format(PyExc_TypeError, "%s(): %s address must be tuple, not %.500s", parse->caller, family,
                 Py_TYPE(parse->object)->tp_name);
    return -1;
}

static int fail_in(const Parse *parse, PyObject *type, const char *message) {
    PyErr_Format(type, "%s(): %s", parse->caller, message);
    return -1;
}

static int check_port(const Parse *parse, int port) {
    return port < 0 || port > 0xffff ? fail_in(parse, PyExc_OverflowError, "port must be 0-65535.") : 0;
}

/* After a failed PyArg_ParseTuple: a number too large is reported like any other port out of range. */
static int port_failed(const Parse *parse) {
    return PyErr_ExceptionMatches(PyExc_OverflowError) ? check_port(parse, -1) : -1;
}

static int parse_unix(const Parse *parse) {
    struct sockaddr_un *address = &parse->address->un;
    PyObject *encoded = NULL;
    Py_buffer path;
    if (PyUnicode_Check(parse->object)) {
        if ((encoded = PyUnicode_EncodeFSDefault(parse->object)) == NULL) return -1;
    } else {
        encoded = Py_NewRef(parse->object);
    }
    int failed = PyObject_GetBuffer(encoded, &path, PyBUF_SIMPLE) < 0;
    Py_DECREF(encoded); /* the view keeps it */
    if (failed) return -1;
    int abstract = path.len == 0 || *(const char *)path.buf == '\0';
    if ((size_t)path.len > sizeof address->sun_path - (abstract ? 0 : 1)) {
        PyBuffer_Release(&path);
        return fail(PyExc_OSError, "AF_UNIX path too long");
    }
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path.buf, (size_t)path.len);
    if (!abstract) address->sun_path[path.len] = '\0';
    *parse->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)path.len + (abstract ? 0 : 1));
    PyBuffer_Release(&path);
    return 0;
}

static int parse_netlink(const Parse *parse) {
    unsigned process, groups;
    if (check_tuple(parse, "AF_NETLINK") < 0 ||
        !PyArg_ParseTuple(parse->object, "II;AF_NETLINK address must be a pair (pid, groups)", &process, &groups))
        return -1;
    parse->address->netlink = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = process, .nl_groups = groups};
    *parse->length = sizeof parse->address->netlink;
    return 0;
}

/* Two numbers, for the families whose messages name no function. */
static int parse_pair(const Parse *parse, const char *family, unsigned *first, unsigned *second) {
    if (!PyTuple_Check(parse->object)) {
        PyErr_Format(PyExc_TypeError, "getsockaddrarg: %s address must be tuple, not %.500s", family,
                     Py_TYPE(parse->object)->tp_name);
        return -1;
    }
    return PyArg_ParseTuple(parse->object, "II:getsockaddrarg", first, second) ? 0 : -1;
}

static int parse_qrtr(const Parse *parse) {
    unsigned node, port;
    if (parse_pair(parse, "AF_QIPCRTR", &node, &port) < 0) return -1;
    parse->address->qrtr = (struct sockaddr_qrtr){.sq_family = AF_QIPCRTR, .sq_node = node, .sq_port = port};
    *parse->length = sizeof parse->address->qrtr;
    return 0;
}

static int parse_vsock(const Parse *parse) {
    unsigned context, port;
    if (parse_pair(parse, "AF_VSOCK", &context, &port) < 0) return -1;
    parse->address->vm = (struct sockaddr_vm){.svm_family = AF_VSOCK, .svm_cid = context, .svm_port = port};
    *parse->length = sizeof parse->address->vm;
    return 0;
}

static int parse_inet(const Parse *parse) {
    HostName host = {NULL, NULL};
    int port;
    if (check_tuple(parse, "AF_INET") < 0) return -1;
    if (!PyArg_ParseTuple(parse->object, "O&i;AF_INET address must be a pair (host, port)", host_converter, &host, &port))
        return port_failed(parse);
    int resolved = kr_socket_resolve(host.text, parse->address, AF_INET);
    host_converter(NULL, &host);
    if (resolved < 0 || check_port(parse, port) < 0) return -1;
    parse->address->in.sin_family = AF_INET;
    parse->address->in.sin_port = htons((uint16_t)port);
    *parse->length = sizeof parse->address->in;
    return 0;
}

static int parse_inet6(const Parse *parse) {
    HostName host = {NULL, NULL};
    int port;
    unsigned flow = 0, scope = 0;
    if (check_tuple(parse, "AF_INET6") < 0) return -1;
    if (!PyArg_ParseTuple(parse->object, "O&i|II;AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])",
                          host_converter, &host, &port, &flow, &scope))
        return port_failed(parse);
    int resolved = kr_socket_resolve(host.text, parse->address, AF_INET6);
    host_converter(NULL, &host);
    if (resolved < 0 || check_port(parse, port) < 0) return -1;
    if (flow > 0xfffff) return fail_in(parse, PyExc_OverflowError, "flowinfo must be 0-1048575.");
    parse->address->in6.sin6_family = AF_INET6;
    parse->address->in6.sin6_port = htons((uint16_t)port);
    parse->address->in6.sin6_flowinfo = htonl(flow);
    parse->address->in6.sin6_scope_id = scope;
    *parse->length = sizeof parse->address->in6;
    return 0;
}

static int parse_bluetooth_address(const Parse *parse) {
    const char *text;
    int number;
    SocketAddress *address = parse->address;
    address->any.sa_family = AF_BLUETOOTH;
    switch (parse->self->protocol) {
        case BLUETOOTH_L2CAP:
            if (!PyArg_ParseTuple(parse->object, "si", &text, &number)) break;
            address->l2cap.psm = (unsigned short)number;
            *parse->length = sizeof address->l2cap;
            return parse_bluetooth(text, &address->l2cap.address);
        case BLUETOOTH_RFCOMM:
            if (!PyArg_ParseTuple(parse->object, "si", &text, &number)) break;
            address->rfcomm.channel = (uint8_t)number;
            *parse->length = sizeof address->rfcomm;
            return parse_bluetooth(text, &address->rfcomm.address);
        case BLUETOOTH_HCI:
            if (!PyArg_ParseTuple(parse->object, "i", &number)) break;
            address->hci.device = (unsigned short)number;
            *parse->length = sizeof address->hci;
            return 0;
        case BLUETOOTH_SCO:
            if (!PyBytes_Check(parse->object)) break;
            *parse->length = sizeof address->sco;
            return parse_bluetooth(PyBytes_AS_STRING(parse->object), &address->sco.address);
        default: return fail_in(parse, PyExc_OSError, "unknown Bluetooth protocol");
    }
    return fail_in(parse, PyExc_OSError, "wrong format");
}

static int parse_packet(const Parse *parse) {
    struct sockaddr_ll *address = &parse->address->packet;
    struct ifreq request;
    const char *interface;
    int protocol, packet_type = 0, hardware_type = 0, result = -1;
    Py_buffer hardware = {.buf = NULL, .obj = NULL};
    if (check_tuple(parse, "AF_PACKET") < 0) return -1;
    if (!PyArg_ParseTuple(parse->object, "si|iiy*;AF_PACKET address must be a tuple of two to five elements", &interface,
                          &protocol, &packet_type, &hardware_type, &hardware))
        return PyErr_ExceptionMatches(PyExc_OverflowError)
                   ? fail_in(parse, PyExc_OverflowError, "address argument out of range")
                   : -1;
    strncpy(request.ifr_name, interface, sizeof request.ifr_name);
    request.ifr_name[sizeof request.ifr_name - 1] = '\0';
    if (ioctl(parse->self->descriptor, SIOCGIFINDEX, &request) < 0) {
        parse->self->raise_error();
    } else if (hardware.buf != NULL && hardware.len > 8) {
        PyErr_SetString(PyExc_ValueError, "Hardware address must be 8 bytes or less");
    } else if (protocol < 0 || protocol > 0xffff) {
        fail_in(parse, PyExc_OverflowError, "proto must be 0-65535.");
    } else {
        address->sll_family = AF_PACKET;
        address->sll_protocol = htons((uint16_t)protocol);
        address->sll_ifindex = request.ifr_ifindex;
        address->sll_pkttype = (unsigned char)packet_type;
        address->sll_hatype = (unsigned short)hardware_type;
        if (hardware.buf != NULL) {
            memcpy(address->sll_addr, hardware.buf, (size_t)hardware.len);
            address->sll_halen = (unsigned char)hardware.len;
        }
        *parse->length = sizeof *address;
        result = 0;
    }
    PyBuffer_Release(&hardware);
    return result;
}

static int parse_tipc(const Parse *parse) {
    struct sockaddr_tipc *address = &parse->address->tipc;
    unsigned kind, v1, v2, v3, scope = TIPC_CLUSTER_SCOPE;
    if (check_tuple(parse, "AF_TIPC") < 0 ||
        !PyArg_ParseTuple(parse->object, "IIII|I;AF_TIPC address must be a tuple (addr_type, v1, v2, v3[, scope])", &kind, &v1,
                          &v2, &v3, &scope))
        return -1;
    address->family = AF_TIPC;
    address->scope = (signed char)scope;
    address->addrtype = (unsigned char)kind;
    if (kind == TIPC_ADDR_NAMESEQ) {
        address->addr.nameseq.type = v1;
        address->addr.nameseq.lower = v2;
        address->addr.nameseq.upper = v3;
    } else if (kind == TIPC_ADDR_NAME) {
        address->addr.name.name.type = v1;
        address->addr.name.name.instance = v2;
    } else if (kind == TIPC_ADDR_ID) {
        address->addr.id.node = v1;
        address->addr.id.ref = v2;
    } else {
        return fail(PyExc_TypeError, "Invalid address type");
    }
    *parse->length = sizeof *address;
    return 0;
}

static int parse_can(const Parse *parse) {
    struct sockaddr_can *address = &parse->address->can;
    PyObject *interface = NULL;
    unsigned long receive_id, send_id;
    unsigned long long name;
    uint32_t group;
    uint8_t node;
    if (check_tuple(parse, "AF_CAN") < 0) return -1;
    switch (parse->self->protocol) {
        case CAN_RAW:
        case CAN_BCM:
            if (!PyArg_ParseTuple(parse->object, "O&;AF_CAN address must be a tuple (interface, )", PyUnicode_FSConverter,
                                  &interface))
                return -1;
            break;
        case CAN_ISOTP:
            if (!PyArg_ParseTuple(parse->object, "O&kk", PyUnicode_FSConverter, &interface, &receive_id, &send_id)) return -1;
            address->can_addr.tp.rx_id = (canid_t)receive_id;
            address->can_addr.tp.tx_id = (canid_t)send_id;
            break;
        case CAN_J1939:
            if (!PyArg_ParseTuple(parse->object, "O&KIB", PyUnicode_FSConverter, &interface, &name, &group, &node)) return -1;
            address->can_addr.j1939.name = name;
            address->can_addr.j1939.pgn = group;
            address->can_addr.j1939.addr = node;
            break;
        default: return fail_in(parse, PyExc_OSError, "unsupported CAN protocol");
    }
    int failed = interface_number(parse->self, interface, &address->can_ifindex) < 0;
    Py_DECREF(interface);
    address->can_family = AF_CAN;
    *parse->length = sizeof *address;
    return failed ? -1 : 0;
}

static int parse_alg(const Parse *parse) {
    struct sockaddr_alg *address = &parse->address->alg;
    const char *type, *name;
    unsigned short features = 0, mask = 0;
    if (check_tuple(parse, "AF_ALG") < 0 ||
        !PyArg_ParseTuple(parse->object, "ss|HH;AF_ALG address must be a tuple (type, name[, feat[, mask]])", &type, &name,
                          &features, &mask))
        return -1;
    if (strlen(type) >= sizeof address->salg_type) return fail(PyExc_ValueError, "AF_ALG type too long.");
    if (strlen(name) >= sizeof address->salg_name) return fail(PyExc_ValueError, "AF_ALG name too long.");
    address->salg_family = AF_ALG;
    address->salg_feat = features;
    address->salg_mask = mask;
    strcpy((char *)address->salg_type, type);
    strcpy((char *)address->salg_name, name);
    *parse->length = sizeof *address;
    return 0;
}

int kr_socket_parse_address(SocketObject *self, PyObject *object, SocketAddress *address, socklen_t *length,
                            const char *caller) {
    Parse parse = {self, object, address, length, caller};
    memset(address, 0, sizeof *address);
    switch (self->family) {
        case AF_UNIX: return parse_unix(&parse);
        case AF_NETLINK: return parse_netlink(&parse);
        case AF_QIPCRTR: return parse_qrtr(&parse);
        case AF_VSOCK: return parse_vsock(&parse);
        case AF_RDS: /* its addresses are those of AF_INET */
        case AF_INET: return parse_inet(&parse);
        case AF_INET6: return parse_inet6(&parse);
        case AF_BLUETOOTH: return parse_bluetooth_address(&parse);
        case AF_PACKET: return parse_packet(&parse);
        case AF_TIPC: return parse_tipc(&parse);
        case AF_CAN: return parse_can(&parse);
        case AF_ALG: return parse_alg(&parse);
        default: return fail_in(&parse, PyExc_OSError, "bad family");
    }
}

int kr_socket_address_size(SocketObject *self, socklen_t *size) {
    switch (self->family) {
        case AF_UNIX: *size = sizeof(struct sockaddr_un); return 0;
        case AF_NETLINK: *size = sizeof(struct sockaddr_nl); return 0;
        case AF_QIPCRTR: *size = sizeof(struct sockaddr_qrtr); return 0;
        case AF_VSOCK: *size = sizeof(struct sockaddr_vm); return 0;
        case AF_RDS:
        case AF_INET: *size = sizeof(struct sockaddr_in); return 0;
        case AF_INET6: *size = sizeof(struct sockaddr_in6); return 0;
        case AF_PACKET: *size = sizeof(struct sockaddr_ll); return 0;
        case AF_TIPC: *size = sizeof(struct sockaddr_tipc); return 0;
        case AF_CAN: *size = sizeof(struct sockaddr_can); return 0;
        case AF_ALG: *size = sizeof(struct sockaddr_alg); return 0;
        case AF_BLUETOOTH:
            switch (self->protocol) {
                case BLUETOOTH_L2CAP: *size = sizeof(struct BluetoothL2cap); return 0;
                case BLUETOOTH_RFCOMM: *size = sizeof(struct BluetoothRfcomm); return 0;
                case BLUETOOTH_HCI: *size = sizeof(struct BluetoothHci); return 0;
                case BLUETOOTH_SCO: *size = sizeof(struct BluetoothSco); return 0;
                default: return fail(PyExc_OSError, "getsockaddrlen: unknown BT protocol");
            }
        default: return fail(PyExc_OSError, "getsockaddrlen: bad family");
    }
}

/* ---- To Python ---- */

static PyObject *make_unix(const struct sockaddr_un *address, size_t length) {
    size_t start = offsetof(struct sockaddr_un, sun_path);
    if (length > start && address->sun_path[0] == '\0') /* abstract: no file, no terminator */
        return PyBytes_FromStringAndSize(address->sun_path, (Py_ssize_t)(length - start));
    size_t size = length > start ? length - start : 0;
    return PyUnicode_DecodeFSDefaultAndSize(address->sun_path, (Py_ssize_t)strnlen(address->sun_path, size));
}

static PyObject *make_bluetooth(const SocketAddress *address, int protocol) {
    switch (protocol) {
        case BLUETOOTH_L2CAP: return Py_BuildValue("Ni", bluetooth_text(&address->l2cap.address), (int)address->l2cap.psm);
        case BLUETOOTH_RFCOMM:
            return Py_BuildValue("Ni", bluetooth_text(&address->rfcomm.address), (int)address->rfcomm.channel);
        case BLUETOOTH_HCI: return Py_BuildValue("i", (int)address->hci.device);
        case BLUETOOTH_SCO: return bluetooth_text(&address->sco.address);
        default: PyErr_SetString(PyExc_ValueError, "Unknown Bluetooth protocol"); return NULL;
    }
}

static PyObject *make_packet(int descriptor, const struct sockaddr_ll *address) {
    char name[IFNAMSIZ];
    interface_name(descriptor, address->sll_ifindex, name);
    return Py_BuildValue("shbhy#", name, ntohs(address->sll_protocol), address->sll_pkttype, address->sll_hatype,
                         (const char *)address->sll_addr, (Py_ssize_t)address->sll_halen);
}

static PyObject *make_tipc(const struct sockaddr_tipc *address) {
    unsigned kind = address->addrtype, scope = (unsigned)address->scope;
    switch (kind) {
        case TIPC_ADDR_NAMESEQ:
            return Py_BuildValue("IIIII", kind, address->addr.nameseq.type, address->addr.nameseq.lower,
                                 address->addr.nameseq.upper, scope);
        case TIPC_ADDR_NAME:
            return Py_BuildValue("IIIII", kind, address->addr.name.name.type, address->addr.name.name.instance,
                                 address->addr.name.name.instance, scope);
        case TIPC_ADDR_ID: return Py_BuildValue("IIIII", kind, address->addr.id.node, address->addr.id.ref, 0, scope);
        default: PyErr_SetString(PyExc_ValueError, "Invalid address type"); return NULL;
    }
}

static PyObject *make_can(int descriptor, const struct sockaddr_can *address, int protocol) {
    char name[IFNAMSIZ];
    interface_name(descriptor, address->can_ifindex, name);
    switch (protocol) {
        case CAN_ISOTP:
            return Py_BuildValue("O&kk", PyUnicode_DecodeFSDefault, name, (unsigned long)address->can_addr.tp.rx_id,
                                 (unsigned long)address->can_addr.tp.tx_id);
        case CAN_J1939:
            return Py_BuildValue("O&KIB", PyUnicode_DecodeFSDefault, name,
                                 (unsigned long long)address->can_addr.j1939.name, (unsigned)address->can_addr.j1939.pgn,
                                 address->can_addr.j1939.addr);
        default: return Py_BuildValue("(O&)", PyUnicode_DecodeFSDefault, name);
    }
}

static PyObject *make_alg(const struct sockaddr_alg *address) {
    const char *type = (const char *)address->salg_type, *name = (const char *)address->salg_name;
    return Py_BuildValue("s#s#HH", type, (Py_ssize_t)strnlen(type, sizeof address->salg_type), name,
                         (Py_ssize_t)strnlen(name, sizeof address->salg_name), address->salg_feat, address->salg_mask);
}

PyObject *kr_socket_make_address(int descriptor, const SocketAddress *address, size_t length, int protocol) {
    if (length == 0) Py_RETURN_NONE; /* the sender of a connected socket is known anyway */
    switch (address->any.sa_family) {
        case AF_INET: return Py_BuildValue("Ni", kr_socket_ipv4_text(&address->in), (int)ntohs(address->in.sin_port));
        case AF_INET6:
            return Py_BuildValue("NiII", kr_socket_ipv6_text(&address->in6), (int)ntohs(address->in6.sin6_port),
                                 ntohl(address->in6.sin6_flowinfo), address->in6.sin6_scope_id);
        case AF_UNIX: return make_unix(&address->un, length);
        case AF_NETLINK: return Py_BuildValue("II", address->netlink.nl_pid, address->netlink.nl_groups);
        case AF_QIPCRTR: return Py_BuildValue("II", address->qrtr.sq_node, address->qrtr.sq_port);
        case AF_VSOCK: return Py_BuildValue("II", address->vm.svm_cid, address->vm.svm_port);
        case AF_BLUETOOTH: return make_bluetooth(address, protocol);
        case AF_PACKET: return make_packet(descriptor, &address->packet);
        case AF_TIPC: return make_tipc(&address->tipc);
        case AF_CAN: return make_can(descriptor, &address->can, protocol);
        case AF_ALG: return make_alg(&address->alg);
        default:
            return Py_BuildValue("iy#", (int)address->any.sa_family, address->any.sa_data,
                                 (Py_ssize_t)sizeof address->any.sa_data);
    }
}
