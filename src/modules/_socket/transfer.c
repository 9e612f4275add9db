/* Sending and receiving. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <unistd.h>

#include "modules/_socket/socket.h"

#define VARARGS_KEYWORDS(function) (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

/* ---- Receiving ---- */

/* One call of recv() or recvfrom(). */
typedef struct {
    char *buffer;
    size_t size;
    int flags;
    SocketAddress *address; /* NULL for recv() */
    socklen_t address_size, address_length;
    ssize_t result;
} Receive;

static int receive_call(SocketObject *self, void *data) {
    Receive *receive = data;
    if (receive->address == NULL) {
        receive->result = recv(self->descriptor, receive->buffer, receive->size, receive->flags);
    } else {
        receive->address_length = receive->address_size;
        memset(receive->address, 0, sizeof *receive->address);
        receive->result = recvfrom(self->descriptor, receive->buffer, receive->size, receive->flags, &receive->address->any,
                                   &receive->address_length);
    }
    return receive->result >= 0;
}

/* Receives bytes; returns how many, or -1. */
static Py_ssize_t receive(SocketObject *self, char *buffer, Py_ssize_t size, int flags) {
    Receive call = {.buffer = buffer, .size = (size_t)size, .flags = flags};
    if (size == 0) return 0; /* without waiting: there is nothing to wait for */
    return kr_socket_call(self, 0, receive_call, &call) < 0 ? -1 : call.result;
}

/* Receives bytes and who sent them (a new reference in `*sender`). */
static Py_ssize_t receive_from(SocketObject *self, char *buffer, Py_ssize_t size, int flags, PyObject **sender) {
    SocketAddress address;
    Receive call = {.buffer = buffer, .size = (size_t)size, .flags = flags, .address = &address};
    *sender = NULL;
    if (kr_socket_address_size(self, &call.address_size) < 0 || kr_socket_call(self, 0, receive_call, &call) < 0) return -1;
    *sender = kr_socket_make_address(self->descriptor, &address, call.address_length, self->protocol);
    return *sender == NULL ? -1 : call.result;
}

PyDoc_STRVAR(recv_doc, "recv(buffersize[, flags]) -> data\n\n"
                       "Wait for data: at least one byte, at most buffersize; empty at the end of the stream.");
static PyObject *socket_recv(SocketObject *self, PyObject *args) {
    Py_ssize_t size;
    int flags = 0;
    if (!PyArg_ParseTuple(args, "n|i:recv", &size, &flags)) return NULL;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "negative buffersize in recv");
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes == NULL) return NULL;
    Py_ssize_t received = receive(self, PyBytes_AS_STRING(bytes), size, flags);
    if (received < 0)
        Py_CLEAR(bytes);
    else if (received != size)
        _PyBytes_Resize(&bytes, received);
    return bytes;
}

PyDoc_STRVAR(recv_into_doc, "recv_into(buffer, [nbytes[, flags]]) -> nbytes_read\n\n"
                            "Like recv(), into a writable buffer; nbytes 0 means its size.");
static PyObject *socket_recv_into(SocketObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"buffer", "nbytes", "flags", NULL};
    Py_buffer buffer;
    Py_ssize_t size = 0, received = -1;
    int flags = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "w*|ni:recv_into", keywords, &buffer, &size, &flags)) return NULL;
    if (size == 0) size = buffer.len;
    if (size < 0)
        PyErr_SetString(PyExc_ValueError, "negative buffersize in recv_into");
    else if (size > buffer.len)
        PyErr_SetString(PyExc_ValueError, "buffer too small for requested bytes");
    else
        received = receive(self, buffer.buf, size, flags);
    PyBuffer_Release(&buffer);
    return received < 0 ? NULL : PyLong_FromSsize_t(received);
}

PyDoc_STRVAR(recvfrom_doc, "recvfrom(buffersize[, flags]) -> (data, address info)\n\nLike recv(), with the sender's address.");
static PyObject *socket_recvfrom(SocketObject *self, PyObject *args) {
    Py_ssize_t size;
    int flags = 0;
    if (!PyArg_ParseTuple(args, "n|i:recvfrom", &size, &flags)) return NULL;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "negative buffersize in recvfrom");
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size), *sender, *result = NULL;
    if (bytes == NULL) return NULL;
    Py_ssize_t received = receive_from(self, PyBytes_AS_STRING(bytes), size, flags, &sender);
    if (received >= 0 && (received == size || _PyBytes_Resize(&bytes, received) == 0)) result = PyTuple_Pack(2, bytes, sender);
    Py_XDECREF(bytes);
    Py_XDECREF(sender);
    return result;
}

PyDoc_STRVAR(recvfrom_into_doc, "recvfrom_into(buffer[, nbytes[, flags]]) -> (nbytes, address info)\n\n"
                                "Like recv_into(), with the sender's address.");
static PyObject *socket_recvfrom_into(SocketObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"buffer", "nbytes", "flags", NULL};
    Py_buffer buffer;
    Py_ssize_t size = 0, received = -1;
    int flags = 0;
    PyObject *sender = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "w*|ni:recvfrom_into", keywords, &buffer, &size, &flags)) return NULL;
    if (size == 0) size = buffer.len;
    if (size < 0)
        PyErr_SetString(PyExc_ValueError, "negative buffersize in recvfrom_into");
    else if (size > buffer.len)
        PyErr_SetString(PyExc_ValueError, "nbytes is greater than the length of the buffer");
    else
        received = receive_from(self, buffer.buf, size, flags, &sender);
    PyBuffer_Release(&buffer);
    if (received < 0) {
        Py_XDECREF(sender);
        return NULL;
    }
    return Py_BuildValue("nN", received, sender);
}

/* ---- Sending ---- */

typedef struct {
    const char *data;
    size_t size;
    int flags;
    const SocketAddress *address; /* NULL for send() */
    socklen_t address_length;
    ssize_t result;
} Send;

static int send_call(SocketObject *self, void *data) {
    Send *sending = data;
    sending->result = sending->address == NULL
                          ? send(self->descriptor, sending->data, sending->size, sending->flags)
                          : sendto(self->descriptor, sending->data, sending->size, sending->flags, &sending->address->any,
                                   sending->address_length);
    return sending->result >= 0;
}

PyDoc_STRVAR(send_doc, "send(data[, flags]) -> count\n\nSend data; returns how many bytes went, which may be less than all.");
static PyObject *socket_send(SocketObject *self, PyObject *args) {
    Py_buffer data;
    int flags = 0;
    if (!PyArg_ParseTuple(args, "y*|i:send", &data, &flags)) return NULL;
    Send call = {.data = data.buf, .size = (size_t)data.len, .flags = flags};
    int failed = kr_socket_call(self, 1, send_call, &call) < 0;
    PyBuffer_Release(&data);
    return failed ? NULL : PyLong_FromSsize_t(call.result);
}

PyDoc_STRVAR(sendall_doc, "sendall(data[, flags])\n\n"
                          "Send all of the data. After an error nobody knows how much was sent.");
static PyObject *socket_sendall(SocketObject *self, PyObject *args) {
    Py_buffer data;
    int flags = 0, failed = 0;
    if (!PyArg_ParseTuple(args, "y*|i:sendall", &data, &flags)) return NULL;
    _PyTime_t timeout = self->timeout, deadline = timeout > 0 ? _PyDeadline_Init(timeout) : 0;
    Send call = {.data = data.buf, .size = (size_t)data.len, .flags = flags};
    do {
        if (self->timeout > 0 && call.data != data.buf) { /* the timeout is for all parts together */
            timeout = _PyDeadline_Get(deadline);
            if (timeout <= 0) {
                PyErr_SetString(PyExc_TimeoutError, "timed out");
                failed = 1;
                break;
            }
        }
        failed = kr_socket_call_full(self, 1, send_call, &call, 0, NULL, timeout) < 0;
        if (failed) break;
        call.data += call.result;
        call.size -= (size_t)call.result;
        failed = PyErr_CheckSignals() < 0; /* signals must be able to end a long transfer */
    } while (!failed && call.size > 0);
    PyBuffer_Release(&data);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(sendto_doc, "sendto(data[, flags], address) -> count\n\nLike send(), to an address.");
static PyObject *socket_sendto(SocketObject *self, PyObject *args) {
    Py_buffer data;
    PyObject *destination, *result = NULL;
    SocketAddress address;
    Send call = {.address = &address};
    switch (PyTuple_GET_SIZE(args)) {
        case 2:
            if (!PyArg_ParseTuple(args, "y*O:sendto", &data, &destination)) return NULL;
            break;
        case 3:
            if (!PyArg_ParseTuple(args, "y*iO:sendto", &data, &call.flags, &destination)) return NULL;
            break;
        default:
            PyErr_Format(PyExc_TypeError, "sendto() takes 2 or 3 arguments (%zd given)", PyTuple_GET_SIZE(args));
            return NULL;
    }
    if (kr_socket_parse_address(self, destination, &address, &call.address_length, "sendto") == 0 &&
        PySys_Audit("socket.sendto", "OO", self, destination) == 0) {
        call.data = data.buf;
        call.size = (size_t)data.len;
        if (kr_socket_call(self, 1, send_call, &call) == 0) result = PyLong_FromSsize_t(call.result);
    }
    PyBuffer_Release(&data);
    return result;
}

/* ---- Control messages ---- */

/* What fits socklen_t as an int: lengths beyond it are refused. */
static const size_t control_limit = INT_MAX;

bool kr_socket_cmsg_len(size_t length, size_t *result) {
    if (length > control_limit - CMSG_LEN(0)) return false;
    *result = CMSG_LEN(length);
    return true;
}

bool kr_socket_cmsg_space(size_t length, size_t *result) {
    if (length > control_limit - CMSG_SPACE(1)) return false;
    *result = CMSG_SPACE(length);
    return true;
}

/* How many bytes of a received item are in the buffer. Returns 0; 1 if the item is cut off; -1 if it makes no sense. */
static int item_length(const struct msghdr *message, const struct cmsghdr *item, size_t *length) {
    size_t start = (size_t)((const char *)CMSG_DATA(item) - (const char *)message->msg_control);
    if (message->msg_controllen < start || item->cmsg_len < CMSG_LEN(0)) return -1;
    size_t room = message->msg_controllen - start;
    *length = item->cmsg_len - CMSG_LEN(0);
    if (*length <= room) return 0;
    *length = room;
    return 1;
}

/* Closes descriptors that were received but cannot be handed out. */
static void close_received(struct msghdr *message) {
    for (struct cmsghdr *item = message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL; item != NULL;
         item = CMSG_NXTHDR(message, item)) {
        size_t length;
        int status = item_length(message, item, &length);
        if (status < 0) return;
        if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_RIGHTS) {
            for (size_t i = 0; i < length / sizeof(int); i++) {
                int descriptor;
                memcpy(&descriptor, CMSG_DATA(item) + i * sizeof(int), sizeof descriptor);
                close(descriptor);
            }
        }
        if (status != 0) return;
    }
}

/* The received items as a list of (level, type, data). */
static PyObject *control_list(struct msghdr *message) {
    PyObject *list = PyList_New(0);
    if (list == NULL) return NULL;
    for (struct cmsghdr *item = message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL; item != NULL;
         item = CMSG_NXTHDR(message, item)) {
        size_t length;
        int status = item_length(message, item, &length);
        if (status != 0 &&
            PyErr_WarnEx(PyExc_RuntimeWarning, "received malformed or improperly-truncated ancillary data", 1) < 0)
            goto error;
        if (status < 0) break;
        PyObject *entry = Py_BuildValue("iiy#", (int)item->cmsg_level, (int)item->cmsg_type, (char *)CMSG_DATA(item),
                                        (Py_ssize_t)length);
        int failed = entry == NULL || PyList_Append(list, entry) < 0;
        Py_XDECREF(entry);
        if (failed) goto error;
        if (status != 0) break;
    }
    return list;

error:
    Py_DECREF(list);
    return NULL;
}

typedef struct {
    struct msghdr message;
    int flags;
    ssize_t result;
} MessageCall;

static int recvmsg_call(SocketObject *self, void *data) {
    MessageCall *call = data;
    call->result = recvmsg(self->descriptor, &call->message, call->flags);
    return call->result >= 0;
}

/* Receives into `vectors`. The first item of the result is `make(data, count)`. */
static PyObject *receive_message(SocketObject *self, struct iovec *vectors, size_t count, int flags, Py_ssize_t control_size,
                                 PyObject *(*make)(void *data, Py_ssize_t received), void *data) {
    SocketAddress address;
    socklen_t address_size;
    void *control = NULL;
    PyObject *items = NULL, *first = NULL, *sender = NULL, *result = NULL;
    if (kr_socket_address_size(self, &address_size) < 0) return NULL;
    memset(&address, 0, sizeof address);
    if (control_size < 0 || (size_t)control_size > control_limit) {
        PyErr_SetString(PyExc_ValueError, "invalid ancillary data buffer length");
        return NULL;
    }
    if (control_size > 0 && (control = PyMem_Malloc((size_t)control_size)) == NULL) return PyErr_NoMemory();
    MessageCall call = {.message = {.msg_name = &address,
                                    .msg_namelen = address_size,
                                    .msg_iov = vectors,
                                    .msg_iovlen = count,
                                    .msg_control = control,
                                    .msg_controllen = (size_t)control_size},
                        .flags = flags};
    if (kr_socket_call(self, 0, recvmsg_call, &call) == 0) {
        items = control_list(&call.message);
        if (items != NULL) first = make(data, call.result);
        if (first != NULL)
            sender = kr_socket_make_address(self->descriptor, &address, Py_MIN(call.message.msg_namelen, address_size),
                                            self->protocol);
        if (sender != NULL) result = Py_BuildValue("OOiO", first, items, (int)call.message.msg_flags, sender);
        if (result == NULL) close_received(&call.message);
    }
    Py_XDECREF(items);
    Py_XDECREF(first);
    Py_XDECREF(sender);
    PyMem_Free(control);
    return result;
}

/* The bytes object that was received into, cut to what was received. Takes it over. */
static PyObject *make_received_bytes(void *data, Py_ssize_t received) {
    PyObject **bytes = data, *result;
    if (received != PyBytes_GET_SIZE(*bytes) && _PyBytes_Resize(bytes, received) < 0) return NULL;
    result = *bytes;
    *bytes = NULL;
    return result;
}

PyDoc_STRVAR(recvmsg_doc, "recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)\n\n"
                          "Receive data and control messages, for which ancbufsize bytes are set aside.\n\n"
                          "ancdata is a list of (level, type, data). If recvmsg() raises, descriptors that were received\n"
                          "are closed.");
static PyObject *socket_recvmsg(SocketObject *self, PyObject *args) {
    Py_ssize_t size, control_size = 0;
    int flags = 0;
    if (!PyArg_ParseTuple(args, "n|ni:recvmsg", &size, &control_size, &flags)) return NULL;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "negative buffer size in recvmsg()");
        return NULL;
    }
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (bytes == NULL) return NULL;
    struct iovec vector = {PyBytes_AS_STRING(bytes), (size_t)size};
    PyObject *result = receive_message(self, &vector, 1, flags, control_size, make_received_bytes, &bytes);
    Py_XDECREF(bytes);
    return result;
}

/* ---- Vectors of buffers ---- */

typedef struct {
    Py_buffer *buffers;
    struct iovec *vectors;
    Py_ssize_t count;
} Vectors;

static void release_vectors(Vectors *self) {
    while (self->count > 0) PyBuffer_Release(&self->buffers[--self->count]);
    PyMem_Free(self->buffers);
    PyMem_Free(self->vectors);
}

/* Reads an iterable of buffers, each by the PyArg_Parse format. Returns 0 or -1; release_vectors() in any case. */
static int read_vectors(PyObject *iterable, const char *format, const char *not_iterable, const char *too_long,
                        Vectors *self) {
    *self = (Vectors){NULL, NULL, 0};
    PyObject *fast = PySequence_Fast(iterable, not_iterable);
    if (fast == NULL) return -1;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(fast);
    int result = -1;
    if (count > INT_MAX) {
        PyErr_SetString(PyExc_OSError, too_long);
        goto done;
    }
    self->buffers = PyMem_New(Py_buffer, count + 1);
    self->vectors = PyMem_New(struct iovec, count + 1);
    if (self->buffers == NULL || self->vectors == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    while (self->count < count && self->count < PySequence_Fast_GET_SIZE(fast)) {
        Py_buffer *buffer = &self->buffers[self->count];
        if (!PyArg_Parse(PySequence_Fast_GET_ITEM(fast, self->count), format, buffer)) goto done;
        self->vectors[self->count++] = (struct iovec){buffer->buf, (size_t)buffer->len};
    }
    result = 0;
done:
    Py_DECREF(fast);
    return result;
}

static PyObject *make_count(void *data, Py_ssize_t received) { return PyLong_FromSsize_t(received); }

PyDoc_STRVAR(recvmsg_into_doc, "recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)\n\n"
                               "Like recvmsg(), into an iterable of writable buffers.");
static PyObject *socket_recvmsg_into(SocketObject *self, PyObject *args) {
    PyObject *iterable, *result = NULL;
    Py_ssize_t control_size = 0;
    int flags = 0;
    Vectors vectors;
    if (!PyArg_ParseTuple(args, "O|ni:recvmsg_into", &iterable, &control_size, &flags)) return NULL;
    if (read_vectors(iterable, "w*;recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers",
                     "recvmsg_into() argument 1 must be an iterable", "recvmsg_into() argument 1 is too long", &vectors) == 0)
        result = receive_message(self, vectors.vectors, (size_t)vectors.count, flags, control_size, make_count, NULL);
    release_vectors(&vectors);
    return result;
}

static int sendmsg_call(SocketObject *self, void *data) {
    MessageCall *call = data;
    call->result = sendmsg(self->descriptor, &call->message, call->flags);
    return call->result >= 0;
}

typedef struct {
    int level, type;
    Py_buffer data;
} ControlItem;

static void release_items(ControlItem *items, Py_ssize_t count) {
    while (count > 0) PyBuffer_Release(&items[--count].data);
    PyMem_Free(items);
}

/* Reads an iterable of (level, type, data). Returns how many, or -1 (`*items` is NULL then). */
static Py_ssize_t read_items(PyObject *iterable, ControlItem **items) {
    *items = NULL;
    PyObject *fast = PySequence_Fast(iterable, "sendmsg() argument 2 must be an iterable");
    if (fast == NULL) return -1;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(fast), read = 0;
    ControlItem *list = PyMem_New(ControlItem, count + 1);
    if (list == NULL) PyErr_NoMemory();
    for (; list != NULL && read < count && read < PySequence_Fast_GET_SIZE(fast); read++) {
        ControlItem *item = &list[read];
        if (PyArg_Parse(PySequence_Fast_GET_ITEM(fast, read), "(iiy*):[sendmsg() ancillary data items]", &item->level,
                        &item->type, &item->data))
            continue;
        release_items(list, read);
        list = NULL;
        break;
    }
    Py_DECREF(fast);
    *items = list;
    return list == NULL ? -1 : read;
}

/* Lays control messages out in memory of PyMem_Malloc, which the message gets. Returns 0 or -1. */
static int place_items(const ControlItem *items, Py_ssize_t count, struct msghdr *message) {
    size_t total = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        size_t space;
        if (!kr_socket_cmsg_space((size_t)items[i].data.len, &space)) {
            PyErr_SetString(PyExc_OSError, "ancillary data item too large");
            return -1;
        }
        total += space;
        if (total > control_limit) {
            PyErr_SetString(PyExc_OSError, "too much ancillary data");
            return -1;
        }
    }
    if (count == 0) return 0;
    message->msg_control = PyMem_Calloc(1, total);
    if (message->msg_control == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    message->msg_controllen = total;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    for (Py_ssize_t i = 0; i < count && header != NULL; i++, header = CMSG_NXTHDR(message, header)) {
        header->cmsg_level = items[i].level;
        header->cmsg_type = items[i].type;
        header->cmsg_len = CMSG_LEN((size_t)items[i].data.len);
        memcpy(CMSG_DATA(header), items[i].data.buf, (size_t)items[i].data.len);
    }
    return 0;
}

PyDoc_STRVAR(sendmsg_doc, "sendmsg(buffers[, ancdata[, flags[, address]]]) -> count\n\n"
                          "Send data from an iterable of buffers, with control messages (level, type, data).");
static PyObject *socket_sendmsg(SocketObject *self, PyObject *args) {
    PyObject *data, *control = NULL, *destination = NULL, *result = NULL;
    MessageCall call = {.flags = 0};
    SocketAddress address;
    Vectors vectors = {NULL, NULL, 0};
    ControlItem *items = NULL;
    Py_ssize_t item_count = 0;
    if (!PyArg_ParseTuple(args, "O|OiO:sendmsg", &data, &control, &call.flags, &destination)) return NULL;
    if (destination != NULL && destination != Py_None) {
        if (kr_socket_parse_address(self, destination, &address, &call.message.msg_namelen, "sendmsg") < 0) goto done;
        call.message.msg_name = &address;
        if (PySys_Audit("socket.sendmsg", "OO", self, destination) < 0) goto done;
    } else if (PySys_Audit("socket.sendmsg", "OO", self, Py_None) < 0) {
        goto done;
    }
    if (read_vectors(data, "y*;sendmsg() argument 1 must be an iterable of bytes-like objects",
                     "sendmsg() argument 1 must be an iterable", "sendmsg() argument 1 is too long", &vectors) < 0)
        goto done;
    if (control != NULL && (item_count = read_items(control, &items)) < 0) goto done;
    call.message.msg_iov = vectors.vectors;
    call.message.msg_iovlen = (size_t)vectors.count;
    if (place_items(items, item_count, &call.message) < 0) goto done;
    if (kr_socket_call(self, 1, sendmsg_call, &call) == 0) result = PyLong_FromSsize_t(call.result);
done:
    PyMem_Free(call.message.msg_control);
    release_vectors(&vectors);
    if (items != NULL) release_items(items, item_count);
    return result;
}

/* ---- AF_ALG: the kernel's cryptography ---- */

PyDoc_STRVAR(sendmsg_afalg_doc, "sendmsg_afalg([msg], *, op[, iv[, assoclen[, flags=MSG_MORE]]])\n\n"
                                "Set the operation, initialisation vector and length of associated data, and send data.");
static PyObject *socket_sendmsg_afalg(SocketObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"msg", "op", "iv", "assoclen", "flags", NULL};
    PyObject *data = NULL, *operation_object = NULL, *length_object = NULL, *result = NULL;
    Py_buffer iv = {.buf = NULL, .obj = NULL};
    MessageCall call = {.flags = 0};
    Vectors vectors = {NULL, NULL, 0};
    int operation = -1, associated = -1;
    if (self->family != AF_ALG) {
        PyErr_SetString(PyExc_OSError, "algset is only supported for AF_ALG");
        return NULL;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O$O!y*O!i:sendmsg_afalg", keywords, &data, &PyLong_Type,
                                     &operation_object, &iv, &PyLong_Type, &length_object, &call.flags))
        return NULL;
    if (operation_object != NULL) operation = _PyLong_AsInt(operation_object);
    if (operation < 0) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "Invalid or missing argument 'op'");
        goto done;
    }
    if (length_object != NULL) {
        associated = _PyLong_AsInt(length_object);
        if (associated == -1 && PyErr_Occurred()) goto done;
        if (associated < 0) {
            PyErr_SetString(PyExc_TypeError, "assoclen must be positive");
            goto done;
        }
    }
    size_t total = CMSG_SPACE(sizeof(uint32_t)), iv_size = sizeof(struct af_alg_iv) + (size_t)iv.len;
    if (iv.buf != NULL) total += CMSG_SPACE(iv_size);
    if (associated >= 0) total += CMSG_SPACE(sizeof(uint32_t));
    call.message.msg_control = PyMem_Calloc(1, total);
    if (call.message.msg_control == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    call.message.msg_controllen = total;
    struct cmsghdr *header = CMSG_FIRSTHDR(&call.message);
    uint32_t number = (uint32_t)operation;
    header->cmsg_level = SOL_ALG;
    header->cmsg_type = ALG_SET_OP;
    header->cmsg_len = CMSG_LEN(sizeof number);
    memcpy(CMSG_DATA(header), &number, sizeof number);
    if (iv.buf != NULL) {
        header = CMSG_NXTHDR(&call.message, header);
        header->cmsg_level = SOL_ALG;
        header->cmsg_type = ALG_SET_IV;
        header->cmsg_len = CMSG_LEN(iv_size);
        struct af_alg_iv *vector = (struct af_alg_iv *)CMSG_DATA(header);
        vector->ivlen = (uint32_t)iv.len;
        memcpy(vector->iv, iv.buf, (size_t)iv.len);
    }
    if (associated >= 0) {
        header = CMSG_NXTHDR(&call.message, header);
        number = (uint32_t)associated;
        header->cmsg_level = SOL_ALG;
        header->cmsg_type = ALG_SET_AEAD_ASSOCLEN;
        header->cmsg_len = CMSG_LEN(sizeof number);
        memcpy(CMSG_DATA(header), &number, sizeof number);
    }
    if (data != NULL &&
        read_vectors(data, "y*;sendmsg() argument 1 must be an iterable of bytes-like objects",
                     "sendmsg() argument 1 must be an iterable", "sendmsg() argument 1 is too long", &vectors) < 0)
        goto done;
    call.message.msg_iov = vectors.vectors;
    call.message.msg_iovlen = (size_t)vectors.count;
    if (kr_socket_call(self, 1, sendmsg_call, &call) == 0) result = PyLong_FromSsize_t(call.result);
done:
    PyMem_Free(call.message.msg_control);
    release_vectors(&vectors);
    if (iv.buf != NULL) PyBuffer_Release(&iv);
    return result;
}

PyMethodDef kr_socket_transfer_methods[] = {
    {"recv", (PyCFunction)socket_recv, METH_VARARGS, recv_doc},
    {"recv_into", VARARGS_KEYWORDS(socket_recv_into), recv_into_doc},
    {"recvfrom", (PyCFunction)socket_recvfrom, METH_VARARGS, recvfrom_doc},
    {"recvfrom_into", VARARGS_KEYWORDS(socket_recvfrom_into), recvfrom_into_doc},
    {"send", (PyCFunction)socket_send, METH_VARARGS, send_doc},
    {"sendall", (PyCFunction)socket_sendall, METH_VARARGS, sendall_doc},
    {"sendto", (PyCFunction)socket_sendto, METH_VARARGS, sendto_doc},
    {"recvmsg", (PyCFunction)socket_recvmsg, METH_VARARGS, recvmsg_doc},
    {"recvmsg_into", (PyCFunction)socket_recvmsg_into, METH_VARARGS, recvmsg_into_doc},
    {"sendmsg", (PyCFunction)socket_sendmsg, METH_VARARGS, sendmsg_doc},
    {"sendmsg_afalg", VARARGS_KEYWORDS(socket_sendmsg_afalg), sendmsg_afalg_doc},
    {NULL},
};
