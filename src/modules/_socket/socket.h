/* Sockets: what the files of the module _socket share.
 *
 * Invariant: `descriptor` is -1 once the socket is closed or detached. A socket with a timeout (`timeout` >= 0, in
 * nanoseconds) has a non-blocking descriptor; one without (-1) a blocking one. The layout of SocketObject and SocketCapi is
 * that of CPython: the compiled module _ssl reads both.
 */
#ifndef KR_MODULES_SOCKET_SOCKET_H
#define KR_MODULES_SOCKET_SOCKET_H

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>

typedef struct {
    PyObject_HEAD
    int descriptor;
    int family;
    int type; /* without SOCK_NONBLOCK and SOCK_CLOEXEC */
    int protocol;
    PyObject *(*raise_error)(void); /* raises OSError from errno; returns NULL */
    _PyTime_t timeout;
} SocketObject;

typedef struct {
    PyTypeObject *type;
    PyObject *error, *timeout_error;
} SocketCapi;

_Static_assert(sizeof(SocketObject) == 48 && offsetof(SocketObject, timeout) == 40, "read by _ssl");

/* Bluetooth addresses; the headers of the library bluez are not needed for them. */
typedef struct {
    uint8_t byte[6]; /* least significant first */
} __attribute__((packed)) BluetoothAddress;
struct BluetoothL2cap {
    sa_family_t family;
    unsigned short psm;
    BluetoothAddress address;
    unsigned short channel;
    uint8_t address_type;
};
struct BluetoothRfcomm {
    sa_family_t family;
    BluetoothAddress address;
    uint8_t channel;
};
struct BluetoothHci {
    sa_family_t family;
    unsigned short device;
    unsigned short channel;
};
struct BluetoothSco {
    sa_family_t family;
    BluetoothAddress address;
};
enum { BLUETOOTH_L2CAP = 0, BLUETOOTH_HCI = 1, BLUETOOTH_SCO = 2, BLUETOOTH_RFCOMM = 3 };

typedef union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_nl netlink;
    struct sockaddr_ll packet;
    struct sockaddr_can can;
    struct sockaddr_alg alg;
    struct sockaddr_vm vm;
    struct sockaddr_qrtr qrtr;
    struct sockaddr_tipc tipc;
    struct BluetoothL2cap l2cap;
    struct BluetoothRfcomm rfcomm;
    struct BluetoothHci hci;
    struct BluetoothSco sco;
    struct sockaddr_storage storage;
} SocketAddress;

extern PyTypeObject kr_socket_type;

/* The exceptions of name resolution; made when the module is executed. */
extern PyObject *kr_socket_gaierror, *kr_socket_herror;

/* ---- address.c ---- */

/* What a Python address means for the socket; `caller` is the function's name in messages. Returns 0 or -1. */
int kr_socket_parse_address(SocketObject *self, PyObject *object, SocketAddress *address, socklen_t *length,
                            const char *caller);
/* The room that an address of the socket's family needs. Returns 0 or -1. */
int kr_socket_address_size(SocketObject *self, socklen_t *size);
/* A Python address; None if the length is 0. `descriptor` serves to ask for interface names. New reference. */
PyObject *kr_socket_make_address(int descriptor, const SocketAddress *address, size_t length, int protocol);
/* Resolves a host name ("": any, "<broadcast>") to the address alone. Returns its length in bytes, or -1. */
int kr_socket_resolve(const char *name, SocketAddress *address, int family);
PyObject *kr_socket_ipv4_text(const struct sockaddr_in *address);
PyObject *kr_socket_ipv6_text(const struct sockaddr_in6 *address);
PyObject *kr_socket_raise_gaierror(int error);

/* ---- object.c ---- */

PyObject *kr_socket_raise_errno(void);
/* Wraps a descriptor; NULL leaves it open. */
SocketObject *kr_socket_create(int descriptor, int family, int type, int protocol);
/* None, or seconds >= 0. Returns 0 or -1. */
int kr_socket_parse_timeout(PyObject *object, _PyTime_t *timeout);
extern _PyTime_t kr_socket_default_timeout;

/* Calls `function` without the interpreter lock until it succeeds, after waiting, if there is a timeout, for the descriptor
 * to become readable or writable. `function` returns true on success, else leaves errno.
 *
 * Returns 0, or -1 with an exception. With `error` not NULL it raises only what a signal handler raises (`*error` is -1
 * then) and otherwise stores the errno there. `connecting` waits even without a timeout. */
int kr_socket_call(SocketObject *self, int writing, int (*function)(SocketObject *self, void *data), void *data);
int kr_socket_call_full(SocketObject *self, int writing, int (*function)(SocketObject *self, void *data), void *data,
                        int connecting, int *error, _PyTime_t timeout);

/* Completes the type; call it before PyType_Ready. */
void kr_socket_type_prepare(void);

/* ---- transfer.c ---- */

extern PyMethodDef kr_socket_transfer_methods[];
bool kr_socket_cmsg_len(size_t length, size_t *result);
bool kr_socket_cmsg_space(size_t length, size_t *result);

/* ---- names.c ---- */

extern PyMethodDef kr_socket_name_functions[];

#endif
