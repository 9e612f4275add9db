/* select: waiting for descriptors to become ready, by select(), poll() and epoll. */
#include <Python.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "modules/constants.h"

typedef struct {
    PyTypeObject *poll_type, *epoll_type;
} ModuleState;

static ModuleState *module_state(PyObject *module) { return PyModule_GetState(module); }

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL
#define FASTCALL_KEYWORDS(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS

/* Lets a TypeError about a timeout say what is wanted. */
static void explain_timeout(const char *message) {
    if (PyErr_ExceptionMatches(PyExc_TypeError)) PyErr_SetString(PyExc_TypeError, message);
}

/* ---- select() ---- */

/* The descriptors of one sequence; objects are kept so that the result can name them. */
typedef struct {
    int count;
    struct {
        PyObject *object; /* owned */
        int descriptor;
    } items[FD_SETSIZE];
    fd_set set;
} DescriptorSet;

static void release_set(DescriptorSet *self) {
    while (self->count > 0) Py_DECREF(self->items[--self->count].object);
}

/* Reads a sequence. Returns the highest descriptor plus 1, or -1 with an exception. */
static int read_set(PyObject *sequence, DescriptorSet *self) {
    int highest = -1;
    FD_ZERO(&self->set);
    self->count = 0;
    PyObject *fast = PySequence_Fast(sequence, "arguments 1-3 must be sequences");
    if (fast == NULL) return -1;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast); i++) {
        PyObject *object = Py_NewRef(PySequence_Fast_GET_ITEM(fast, i)); /* fileno() may change the list */
        int descriptor = PyObject_AsFileDescriptor(object);
        const char *wrong = NULL;
        if (descriptor >= FD_SETSIZE)
            wrong = "filedescriptor out of range in select()";
        else if (self->count >= FD_SETSIZE)
            wrong = "too many file descriptors in select()";
        if (wrong != NULL) PyErr_SetString(PyExc_ValueError, wrong);
        if (descriptor < 0 || wrong != NULL) {
            Py_DECREF(object);
            Py_DECREF(fast);
            return -1;
        }
        if (descriptor > highest) highest = descriptor;
        FD_SET(descriptor, &self->set);
        self->items[self->count].object = object;
        self->items[self->count++].descriptor = descriptor;
    }
    Py_DECREF(fast);
    return highest + 1;
}

/* The objects whose descriptors are ready. */
static PyObject *ready_list(const DescriptorSet *self) {
    PyObject *result = PyList_New(0);
    for (int i = 0; i < self->count && result != NULL; i++)
        if (FD_ISSET(self->items[i].descriptor, &self->set) && PyList_Append(result, self->items[i].object) < 0)
            Py_CLEAR(result);
    return result;
}

/* Calls select() on copies of the sets until it is not interrupted. `timeout` is NULL or in nanoseconds. Returns 0 or -1. */
static int wait_select(int highest, DescriptorSet sets[3], const _PyTime_t *timeout) {
    _PyTime_t deadline = timeout != NULL ? _PyDeadline_Init(*timeout) : 0, left = timeout != NULL ? *timeout : 0;
    fd_set original[3];
    for (int i = 0; i < 3; i++) original[i] = sets[i].set;
    for (;;) {
        struct timeval interval;
        int status;
        if (timeout != NULL) _PyTime_AsTimeval_clamp(left, &interval, _PyTime_ROUND_CEILING);
        Py_BEGIN_ALLOW_THREADS
        errno = 0;
        status = select(highest, &sets[0].set, &sets[1].set, &sets[2].set, timeout != NULL ? &interval : NULL);
        Py_END_ALLOW_THREADS
        if (status >= 0) return 0;
        if (errno != EINTR) {
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
        if (PyErr_CheckSignals() < 0) return -1;
        if (timeout != NULL && (left = _PyDeadline_Get(deadline)) < 0) {
            for (int i = 0; i < 3; i++) FD_ZERO(&sets[i].set);
            return 0;
        }
        for (int i = 0; i < 3; i++) sets[i].set = original[i];
    }
}

PyDoc_STRVAR(select_doc, "select($module, rlist, wlist, xlist, timeout=None, /)\n--\n\n"
                         "Wait until descriptors can be read, can be written, or have an exceptional condition.\n\n"
                         "Takes three iterables of ints or objects with fileno(), and how long to wait in seconds, None\n"
                         "without end; returns lists of those that are ready. Descriptors must be less than FD_SETSIZE.");
static PyObject *select_select(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    _PyTime_t timeout = 0;
    int highest = 0, has_timeout;
    if (!_PyArg_CheckPositional("select", count, 3, 4)) return NULL;
    has_timeout = count > 3 && args[3] != Py_None;
    if (has_timeout) {
        if (_PyTime_FromSecondsObject(&timeout, args[3], _PyTime_ROUND_TIMEOUT) < 0) {
            explain_timeout("timeout must be a float or None");
            return NULL;
        }
        if (timeout < 0) {
            PyErr_SetString(PyExc_ValueError, "timeout must be non-negative");
            return NULL;
        }
    }
    DescriptorSet *sets = PyMem_New(DescriptorSet, 3);
    PyObject *result = NULL, *lists[3] = {NULL, NULL, NULL};
    if (sets == NULL) return PyErr_NoMemory();
    for (int i = 0; i < 3; i++) sets[i].count = 0;
    for (int i = 0; i < 3; i++) {
        int above = read_set(args[i], &sets[i]);
        if (above < 0) goto done;
        if (above > highest) highest = above;
    }
    if (wait_select(highest, sets, has_timeout ? &timeout : NULL) < 0) goto done;
    for (int i = 0; i < 3; i++)
        if ((lists[i] = ready_list(&sets[i])) == NULL) goto done;
    result = PyTuple_Pack(3, lists[0], lists[1], lists[2]);
done:
    for (int i = 0; i < 3; i++) {
        release_set(&sets[i]);
        Py_XDECREF(lists[i]);
    }
    PyMem_Free(sets);
    return result;
}

/* ---- poll ---- */

typedef struct {
    PyObject_HEAD
    PyObject *masks;       /* dict: descriptor -> events */
    struct pollfd *polled; /* the dict as an array */
    nfds_t count;
    int up_to_date;
    int running;
} PollObject;

PyDoc_STRVAR(select_poll_doc, "poll($module, /)\n--\n\nMake an object that waits for descriptors registered with it.");
static PyObject *select_poll(PyObject *module, PyObject *unused) {
    PyTypeObject *type = module_state(module)->poll_type;
    PollObject *self = (PollObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->masks = PyDict_New();
    if (self->masks == NULL) Py_CLEAR(self);
    return (PyObject *)self;
}

static void poll_dealloc(PollObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(self->polled);
    Py_XDECREF(self->masks);
    type->tp_free(self);
    Py_DECREF(type);
}

/* A mask of poll events. Returns 0 or -1. */
static int mask_argument(PyObject *object, unsigned short *mask) {
    if (!PyLong_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "an integer is required");
        return -1;
    }
    if (_PyLong_Sign(object) < 0) {
        PyErr_SetString(PyExc_ValueError, "value must be positive");
        return -1;
    }
    unsigned long value = PyLong_AsUnsignedLong(object);
    if (value == (unsigned long)-1 && PyErr_Occurred()) return -1;
    if (value > USHRT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "Python int too large for C unsigned short");
        return -1;
    }
    *mask = (unsigned short)value;
    return 0;
}

/* Enters a descriptor; if it `must_exist` and does not, raises FileNotFoundError. Returns None. */
static PyObject *poll_enter(PollObject *self, int descriptor, unsigned short mask, int must_exist) {
    PyObject *key = PyLong_FromLong(descriptor), *value = NULL, *result = NULL;
    if (key == NULL) return NULL;
    if (must_exist && PyDict_GetItemWithError(self->masks, key) == NULL) {
        if (!PyErr_Occurred()) {
            errno = ENOENT;
            PyErr_SetFromErrno(PyExc_OSError);
        }
        goto done;
    }
    value = PyLong_FromLong(mask);
    if (value == NULL || PyDict_SetItem(self->masks, key, value) < 0) goto done;
    self->up_to_date = 0;
    result = Py_NewRef(Py_None);
done:
    Py_DECREF(key);
    Py_XDECREF(value);
    return result;
}

PyDoc_STRVAR(poll_register_doc, "register($self, fd,\n"
                                "         eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)\n--\n\n"
                                "Watch a descriptor for some events; replaces what it was watched for.");
static PyObject *poll_register(PollObject *self, PyObject *const *args, Py_ssize_t count) {
    unsigned short mask = POLLIN | POLLPRI | POLLOUT;
    int descriptor;
    if (!_PyArg_CheckPositional("register", count, 1, 2) || (descriptor = PyObject_AsFileDescriptor(args[0])) < 0 ||
        (count > 1 && mask_argument(args[1], &mask) < 0))
        return NULL;
    return poll_enter(self, descriptor, mask, 0);
}

PyDoc_STRVAR(poll_modify_doc, "modify($self, fd, eventmask, /)\n--\n\n"
                              "Change the events of a watched descriptor; FileNotFoundError if it is not watched.");
static PyObject *poll_modify(PollObject *self, PyObject *const *args, Py_ssize_t count) {
    unsigned short mask;
    int descriptor;
    if (!_PyArg_CheckPositional("modify", count, 2, 2) || (descriptor = PyObject_AsFileDescriptor(args[0])) < 0 ||
        mask_argument(args[1], &mask) < 0)
        return NULL;
    return poll_enter(self, descriptor, mask, 1);
}

PyDoc_STRVAR(poll_unregister_doc, "unregister($self, fd, /)\n--\n\nStop watching a descriptor; KeyError if it is not watched.");
static PyObject *poll_unregister(PollObject *self, PyObject *argument) {
    int descriptor = PyObject_AsFileDescriptor(argument);
    PyObject *key = descriptor < 0 ? NULL : PyLong_FromLong(descriptor);
    if (key == NULL) return NULL;
    int failed = PyDict_DelItem(self->masks, key) < 0;
    Py_DECREF(key);
    if (failed) return NULL;
    self->up_to_date = 0;
    Py_RETURN_NONE;
}

/* Makes the array from the dict. Returns 0 or -1. */
static int poll_update(PollObject *self) {
    Py_ssize_t position = 0, i = 0, count = PyDict_GET_SIZE(self->masks);
    PyObject *key, *value;
    struct pollfd *polled = PyMem_Resize(self->polled, struct pollfd, count + 1);
    if (polled == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    while (PyDict_Next(self->masks, &position, &key, &value)) {
        polled[i].fd = (int)PyLong_AsLong(key);
        polled[i++].events = (short)(unsigned short)PyLong_AsLong(value);
    }
    self->count = (nfds_t)count;
    self->up_to_date = 1;
    return 0;
}

/* A timeout in whole milliseconds, -1 without end. Returns 0 or -1. */
static int poll_timeout(PyObject *object, _PyTime_t *timeout, int *milliseconds) {
    *timeout = -1;
    *milliseconds = -1;
    if (object == Py_None) return 0;
    if (_PyTime_FromMillisecondsObject(timeout, object, _PyTime_ROUND_TIMEOUT) < 0) {
        explain_timeout("timeout must be an integer or None");
        return -1;
    }
    _PyTime_t whole = _PyTime_AsMilliseconds(*timeout, _PyTime_ROUND_TIMEOUT);
    if (whole < INT_MIN || whole > INT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "timeout is too large");
        return -1;
    }
    *milliseconds = whole < 0 ? -1 : (int)whole;
    return 0;
}

/* Decides how to go on after a failed wait, by errno: 1 to wait again, for as long as is left until the deadline (a negative
 * timeout has none); 0 if no time is left; -1 with an exception. */
static int after_failure(_PyTime_t deadline, _PyTime_t *timeout, int *milliseconds) {
    if (errno != EINTR) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (PyErr_CheckSignals() < 0) return -1;
    if (*timeout < 0) return 1;
    *timeout = _PyDeadline_Get(deadline);
    if (*timeout < 0) return 0;
    *milliseconds = (int)_PyTime_AsMilliseconds(*timeout, _PyTime_ROUND_CEILING);
    return 1;
}

/* Calls poll() until it is not interrupted. Returns how many are ready, or -1. */
static int poll_wait(PollObject *self, _PyTime_t timeout, int milliseconds) {
    _PyTime_t deadline = timeout >= 0 ? _PyDeadline_Init(timeout) : 0;
    for (;;) {
        int ready;
        Py_BEGIN_ALLOW_THREADS
        errno = 0;
        ready = poll(self->polled, self->count, milliseconds);
        Py_END_ALLOW_THREADS
        if (ready >= 0) return ready;
        int again = after_failure(deadline, &timeout, &milliseconds);
        if (again <= 0) return again;
    }
}

PyDoc_STRVAR(poll_poll_doc, "poll($self, timeout=None, /)\n--\n\n"
                            "Wait for events: a list of (descriptor, events).\n\n"
                            "The timeout is in milliseconds; None or a negative one waits without end.");
static PyObject *poll_poll(PollObject *self, PyObject *const *args, Py_ssize_t count) {
    _PyTime_t timeout;
    int milliseconds;
    if (!_PyArg_CheckPositional("poll", count, 0, 1) ||
        poll_timeout(count > 0 ? args[0] : Py_None, &timeout, &milliseconds) < 0)
        return NULL;
    if (self->running) { /* the array is in use by another thread */
        PyErr_SetString(PyExc_RuntimeError, "concurrent poll() invocation");
        return NULL;
    }
    if (!self->up_to_date && poll_update(self) < 0) return NULL;
    self->running = 1;
    int ready = poll_wait(self, timeout, milliseconds);
    self->running = 0;
    if (ready < 0) return NULL;
    PyObject *result = PyList_New(0);
    for (nfds_t i = 0; i < self->count && ready > 0 && result != NULL; i++) {
        if (self->polled[i].revents == 0) continue;
        ready--;
        PyObject *item = Py_BuildValue("(ii)", self->polled[i].fd, self->polled[i].revents & 0xffff);
        if (item == NULL || PyList_Append(result, item) < 0) Py_CLEAR(result);
        Py_XDECREF(item);
    }
    return result;
}

static PyMethodDef poll_methods[] = {
    {"register", FASTCALL(poll_register), poll_register_doc},
    {"modify", FASTCALL(poll_modify), poll_modify_doc},
    {"unregister", (PyCFunction)poll_unregister, METH_O, poll_unregister_doc},
    {"poll", FASTCALL(poll_poll), poll_poll_doc},
    {NULL},
};

static PyType_Slot poll_slots[] = {{Py_tp_dealloc, poll_dealloc}, {Py_tp_methods, poll_methods}, {0, NULL}};

static PyType_Spec poll_spec = {
    .name = "select.poll",
    .basicsize = sizeof(PollObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = poll_slots,
};

/* ---- epoll ---- */

typedef struct {
    PyObject_HEAD
    int descriptor; /* -1: closed */
} EpollObject;

static PyObject *closed_error(void) {
    PyErr_SetString(PyExc_ValueError, "I/O operation on closed epoll object");
    return NULL;
}

static PyObject *make_epoll(PyTypeObject *type, int descriptor) {
    EpollObject *self = (EpollObject *)type->tp_alloc(type, 0);
    if (self != NULL) self->descriptor = descriptor;
    return (PyObject *)self;
}

static PyObject *epoll_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"sizehint", "flags", NULL};
    int size = -1, flags = 0, descriptor;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|ii:epoll", keywords, &size, &flags)) return NULL;
    if (size != -1 && size <= 0) {
        PyErr_SetString(PyExc_ValueError, "negative sizehint");
        return NULL;
    }
    if (flags != 0 && flags != EPOLL_CLOEXEC) {
        PyErr_SetString(PyExc_OSError, "invalid flags");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    descriptor = epoll_create1(EPOLL_CLOEXEC);
    Py_END_ALLOW_THREADS
    if (descriptor < 0) return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *self = make_epoll(type, descriptor);
    if (self == NULL) close(descriptor);
    return self;
}

/* Returns 0 or an errno. */
static int epoll_close_descriptor(EpollObject *self) {
    int error = 0;
    if (self->descriptor >= 0) {
        int descriptor = self->descriptor;
        self->descriptor = -1;
        Py_BEGIN_ALLOW_THREADS
        if (close(descriptor) < 0) error = errno;
        Py_END_ALLOW_THREADS
    }
    return error;
}

static void epoll_dealloc(EpollObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    (void)epoll_close_descriptor(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(epoll_close_doc, "close($self, /)\n--\n\nClose the descriptor; all other methods then raise ValueError.");
static PyObject *epoll_close(EpollObject *self, PyObject *unused) {
    errno = epoll_close_descriptor(self);
    if (errno != 0) return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(epoll_fileno_doc, "fileno($self, /)\n--\n\nThe object's own descriptor.");
static PyObject *epoll_fileno(EpollObject *self, PyObject *unused) {
    return self->descriptor < 0 ? closed_error() : PyLong_FromLong(self->descriptor);
}

static PyObject *epoll_get_closed(EpollObject *self, void *closure) { return PyBool_FromLong(self->descriptor < 0); }

PyDoc_STRVAR(epoll_fromfd_doc, "fromfd($type, fd, /)\n--\n\nMake an object for an epoll descriptor that exists.");
static PyObject *epoll_fromfd(PyTypeObject *type, PyObject *argument) {
    int descriptor = _PyLong_AsInt(argument);
    if (descriptor == -1 && PyErr_Occurred()) return NULL;
    return make_epoll(type, descriptor);
}

static PyObject *epoll_control(EpollObject *self, int operation, int descriptor, unsigned events) {
    struct epoll_event event = {.events = events, .data = {.fd = descriptor}};
    int status;
    if (self->descriptor < 0) return closed_error();
    Py_BEGIN_ALLOW_THREADS
    status = epoll_ctl(self->descriptor, operation, descriptor, &event);
    Py_END_ALLOW_THREADS
    if (status < 0) return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

/* Reads (fd, eventmask); `least` arguments are required. Returns 0 or -1. */
static int control_arguments(PyObject *const *args, Py_ssize_t count, PyObject *names, _PyArg_Parser *parser, int least,
                             int *descriptor, unsigned *events) {
    PyObject *values[2] = {NULL, NULL};
    Py_ssize_t given = count + (names != NULL ? PyTuple_GET_SIZE(names) : 0);
    args = _PyArg_UnpackKeywords(args, count, NULL, names, parser, least, 2, 0, values);
    if (args == NULL || (*descriptor = PyObject_AsFileDescriptor(args[0])) < 0) return -1;
    if (given < 2) return 0;
    *events = (unsigned)PyLong_AsUnsignedLongMask(args[1]);
    return *events == (unsigned)-1 && PyErr_Occurred() ? -1 : 0;
}

static const char *const control_keywords[] = {"fd", "eventmask", NULL};

PyDoc_STRVAR(epoll_register_doc, "register($self, /, fd,\n"
                                 "         eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)\n--\n\n"
                                 "Watch a descriptor for some events; OSError if it is watched already.");
static PyObject *epoll_register(EpollObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static _PyArg_Parser parser = {.keywords = control_keywords, .fname = "register"};
    int descriptor;
    unsigned events = EPOLLIN | EPOLLPRI | EPOLLOUT;
    if (control_arguments(args, count, names, &parser, 1, &descriptor, &events) < 0) return NULL;
    return epoll_control(self, EPOLL_CTL_ADD, descriptor, events);
}

PyDoc_STRVAR(epoll_modify_doc, "modify($self, /, fd, eventmask)\n--\n\nChange the events of a watched descriptor.");
static PyObject *epoll_modify(EpollObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static _PyArg_Parser parser = {.keywords = control_keywords, .fname = "modify"};
    int descriptor;
    unsigned events = 0;
    if (control_arguments(args, count, names, &parser, 2, &descriptor, &events) < 0) return NULL;
    return epoll_control(self, EPOLL_CTL_MOD, descriptor, events);
}

PyDoc_STRVAR(epoll_unregister_doc, "unregister($self, /, fd)\n--\n\nStop watching a descriptor.");
static PyObject *epoll_unregister(EpollObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"fd", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "unregister"};
    PyObject *values[1] = {NULL};
    int descriptor;
    args = _PyArg_UnpackKeywords(args, count, NULL, names, &parser, 1, 1, 0, values);
    if (args == NULL || (descriptor = PyObject_AsFileDescriptor(args[0])) < 0) return NULL;
    return epoll_control(self, EPOLL_CTL_DEL, descriptor, 0);
}

/* Calls epoll_wait() until it is not interrupted. Returns how many are ready, or -1. */
static int epoll_wait_ready(EpollObject *self, struct epoll_event *events, int most, _PyTime_t timeout, int milliseconds) {
    _PyTime_t deadline = timeout >= 0 ? _PyDeadline_Init(timeout) : 0;
    for (;;) {
        int ready;
        Py_BEGIN_ALLOW_THREADS
        errno = 0;
        ready = epoll_wait(self->descriptor, events, most, milliseconds);
        Py_END_ALLOW_THREADS
        if (ready >= 0) return ready;
        int again = after_failure(deadline, &timeout, &milliseconds);
        if (again <= 0) return again;
    }
}

PyDoc_STRVAR(epoll_poll_doc, "poll($self, /, timeout=None, maxevents=-1)\n--\n\n"
                             "Wait for at most maxevents events: a list of (descriptor, events).\n\n"
                             "The timeout is in seconds; None or a negative one waits without end.");
static PyObject *epoll_poll(EpollObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    static const char *const keywords[] = {"timeout", "maxevents", NULL};
    static _PyArg_Parser parser = {.format = "|Oi:poll", .keywords = keywords};
    PyObject *timeout_object = Py_None;
    int most = -1, milliseconds = -1;
    _PyTime_t timeout = -1;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &timeout_object, &most)) return NULL;
    if (self->descriptor < 0) return closed_error();
    if (timeout_object != Py_None) {
        if (_PyTime_FromSecondsObject(&timeout, timeout_object, _PyTime_ROUND_TIMEOUT) < 0) {
            explain_timeout("timeout must be an integer or None");
            return NULL;
        }
        _PyTime_t whole = _PyTime_AsMilliseconds(timeout, _PyTime_ROUND_CEILING);
        if (whole < INT_MIN || whole > INT_MAX) {
            PyErr_SetString(PyExc_OverflowError, "timeout is too large");
            return NULL;
        }
        milliseconds = whole < 0 ? -1 : (int)whole;
    }
    if (most == -1) {
        most = FD_SETSIZE - 1;
    } else if (most < 1) {
        PyErr_Format(PyExc_ValueError, "maxevents must be greater than 0, got %d", most);
        return NULL;
    }
    struct epoll_event *events = PyMem_New(struct epoll_event, most);
    if (events == NULL) return PyErr_NoMemory();
    int ready = epoll_wait_ready(self, events, most, timeout, milliseconds);
    PyObject *result = ready < 0 ? NULL : PyList_New(ready);
    for (int i = 0; i < ready && result != NULL; i++) {
        PyObject *item = Py_BuildValue("iI", events[i].data.fd, events[i].events);
        if (item == NULL)
            Py_CLEAR(result);
        else
            PyList_SET_ITEM(result, i, item);
    }
    PyMem_Free(events);
    return result;
}

PyDoc_STRVAR(epoll_enter_doc, "__enter__($self, /)\n--\n\n");
static PyObject *epoll_enter(EpollObject *self, PyObject *unused) {
    return self->descriptor < 0 ? closed_error() : Py_NewRef((PyObject *)self);
}

PyDoc_STRVAR(epoll_exit_doc, "__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)\n--\n\n");
static PyObject *epoll_exit(EpollObject *self, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("__exit__", count, 0, 3)) return NULL;
    return PyObject_CallMethod((PyObject *)self, "close", NULL);
}

static PyMethodDef epoll_methods[] = {
    {"fromfd", (PyCFunction)epoll_fromfd, METH_O | METH_CLASS, epoll_fromfd_doc},
    {"close", (PyCFunction)epoll_close, METH_NOARGS, epoll_close_doc},
    {"fileno", (PyCFunction)epoll_fileno, METH_NOARGS, epoll_fileno_doc},
    {"modify", FASTCALL_KEYWORDS(epoll_modify), epoll_modify_doc},
    {"register", FASTCALL_KEYWORDS(epoll_register), epoll_register_doc},
    {"unregister", FASTCALL_KEYWORDS(epoll_unregister), epoll_unregister_doc},
    {"poll", FASTCALL_KEYWORDS(epoll_poll), epoll_poll_doc},
    {"__enter__", (PyCFunction)epoll_enter, METH_NOARGS, epoll_enter_doc},
    {"__exit__", FASTCALL(epoll_exit), epoll_exit_doc},
    {NULL},
};

static PyGetSetDef epoll_getset[] = {
    {"closed", (getter)epoll_get_closed, NULL, "True if the object is closed"},
    {NULL},
};

static PyType_Slot epoll_slots[] = {
    {Py_tp_new, epoll_new},
    {Py_tp_dealloc, epoll_dealloc},
    {Py_tp_doc, "select.epoll(sizehint=-1, flags=0)\n\nAn object that waits for descriptors registered with it."},
    {Py_tp_getattro, PyObject_GenericGetAttr},
    {Py_tp_methods, epoll_methods},
    {Py_tp_getset, epoll_getset},
    {0, NULL},
};

static PyType_Spec epoll_spec = {
    .name = "select.epoll",
    .basicsize = sizeof(EpollObject),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = epoll_slots,
};

/* ---- The module ---- */

static PyMethodDef methods[] = {
    {"select", FASTCALL(select_select), select_doc},
    {"poll", select_poll, METH_NOARGS, select_poll_doc},
    {NULL},
};

static int execute(PyObject *module) {
    static const KrConstant constants[] = {
#define CONSTANT(name) {#name, name}
        {"PIPE_BUF", PIPE_BUF},   CONSTANT(POLLIN),      CONSTANT(POLLPRI),    CONSTANT(POLLOUT),    CONSTANT(POLLERR),
        CONSTANT(POLLHUP),        CONSTANT(POLLNVAL),    CONSTANT(POLLRDNORM), CONSTANT(POLLRDBAND), CONSTANT(POLLWRNORM),
        CONSTANT(POLLWRBAND),     CONSTANT(POLLMSG),     CONSTANT(POLLRDHUP),  CONSTANT(EPOLLIN),    CONSTANT(EPOLLOUT),
        CONSTANT(EPOLLPRI),       CONSTANT(EPOLLERR),    CONSTANT(EPOLLHUP),   CONSTANT(EPOLLRDHUP), {"EPOLLET", 1L << 31},
        CONSTANT(EPOLLONESHOT),   CONSTANT(EPOLLEXCLUSIVE), CONSTANT(EPOLLRDNORM), CONSTANT(EPOLLRDBAND),
        CONSTANT(EPOLLWRNORM),    CONSTANT(EPOLLWRBAND), CONSTANT(EPOLLMSG),   CONSTANT(EPOLL_CLOEXEC),
#undef CONSTANT
    };
    ModuleState *state = module_state(module);
    if (PyModule_AddObjectRef(module, "error", PyExc_OSError) < 0) return -1;
    if (KR_ADD_CONSTANTS(module, constants) < 0) return -1;
    state->poll_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &poll_spec, NULL);
    if (state->poll_type == NULL) return -1;
    state->epoll_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &epoll_spec, NULL);
    return state->epoll_type == NULL ? -1 : PyModule_AddType(module, state->epoll_type);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    Py_VISIT(module_state(module)->poll_type);
    Py_VISIT(module_state(module)->epoll_type);
    return 0;
}

static int module_clear(PyObject *module) {
    Py_CLEAR(module_state(module)->poll_type);
    Py_CLEAR(module_state(module)->epoll_type);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "select",
    .m_doc = "Waiting for descriptors to become ready.",
    .m_size = sizeof(ModuleState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_select(void) { return PyModuleDef_Init(&definition); }
