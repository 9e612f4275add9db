/* Terminals. */
#include <Python.h>

#include "base/fileutils.h"
#include "modules/posix/posix.h"

#include <pty.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <utmp.h>

KR_FUNCTION_ONE(isatty) {
    int fd, result;
    if (kr_read_int(argument, &fd) < 0) return NULL;
    KR_UNLOCKED(result = isatty(fd));
    return PyBool_FromLong(result);
}

KR_FUNCTION_ONE(ttyname) {
    int fd;
    if (kr_read_int(argument, &fd) < 0) return NULL;
    long size = sysconf(_SC_TTY_NAME_MAX);
    if (size < 0) return kr_posix_error();
    char *name = PyMem_Malloc((size_t)size);
    if (name == NULL) return PyErr_NoMemory();
    int number = ttyname_r(fd, name, (size_t)size);
    PyObject *result = number == 0 ? PyUnicode_DecodeFSDefault(name) : NULL;
    PyMem_Free(name);
    if (number == 0) return result;
    errno = number;
    return kr_posix_error();
}

KR_FUNCTION_NONE(ctermid) {
    char name[L_ctermid];
    return PyUnicode_DecodeFSDefault(ctermid(name));
}

KR_FUNCTION_NONE(openpty) {
    int master, slave;
    if (openpty(&master, &slave, NULL, NULL, NULL) < 0) return kr_posix_error();
    if (_Py_set_inheritable(master, 0, NULL) == 0 && _Py_set_inheritable(slave, 0, NULL) == 0)
        return Py_BuildValue("(ii)", master, slave);
    close(master);
    close(slave);
    return NULL;
}

KR_FUNCTION_ONE(login_tty) {
    int fd = kr_read_fileno(argument);
    return fd < 0 ? NULL : kr_posix_none(login_tty(fd));
}

KR_FUNCTION_ONE(tcgetpgrp) {
    int fd;
    if (kr_read_int(argument, &fd) < 0) return NULL;
    pid_t group = tcgetpgrp(fd);
    return group < 0 ? kr_posix_error() : PyLong_FromLong(group);
}

KR_FUNCTION_POSITIONAL(tcsetpgrp, 2, 2) {
    int fd;
    pid_t group;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_pid(argument[1], &group) < 0) return NULL;
    return kr_posix_none(tcsetpgrp(fd, group));
}

KR_FUNCTION_KEYWORDS(device_encoding, 1, 1, "fd") {
    int fd;
    return kr_read_int(argument[0], &fd) < 0 ? NULL : _Py_device_encoding(fd);
}

static PyStructSequence_Field terminal_size_fields[] = {
    {"columns", "width in characters"},
    {"lines", "height in characters"},
    {NULL},
};

static PyStructSequence_Desc terminal_size_description = {
    "os.terminal_size",
    "The size of a terminal's window: (columns, lines).",
    terminal_size_fields,
    2,
};

KR_FUNCTION_POSITIONAL(get_terminal_size, 0, 1) {
    int fd = STDOUT_FILENO;
    struct winsize size;
    if (kr_read_int(argument[0], &fd) < 0) return NULL;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return kr_posix_error();
    PyObject *self = PyStructSequence_New(kr_posix_state(module)->terminal_size);
    if (self == NULL) return NULL;
    PyStructSequence_SET_ITEM(self, 0, PyLong_FromLong(size.ws_col));
    PyStructSequence_SET_ITEM(self, 1, PyLong_FromLong(size.ws_row));
    if (PyErr_Occurred()) Py_CLEAR(self);
    return self;
}

static PyMethodDef functions[] = {
    KR_ENTRY_ONE(isatty, "($module, fd, /)", "Tell whether the descriptor is a terminal."),
    KR_ENTRY_ONE(ttyname, "($module, fd, /)", "Return the name of the terminal behind a descriptor."),
    KR_ENTRY_NONE(ctermid, "($module, /)", "Return the name of this process's controlling terminal."),
    KR_ENTRY_NONE(openpty, "($module, /)", "Make a pseudo-terminal; return the descriptors of master and slave."),
    KR_ENTRY_ONE(login_tty, "($module, fd, /)",
                 "Start a session with the terminal as its controlling terminal and standard streams."),
    KR_ENTRY_ONE(tcgetpgrp, "($module, fd, /)", "Return the foreground process group of a terminal."),
    KR_ENTRY_POSITIONAL(tcsetpgrp, "($module, fd, pgid, /)", "Set the foreground process group of a terminal."),
    KR_ENTRY_KEYWORDS(device_encoding, "($module, /, fd)",
                      "Return the encoding of a terminal, None if the descriptor is not one."),
    KR_ENTRY_POSITIONAL(
        get_terminal_size, "($module, fd=<unrepresentable>, /)",
        "Return the size of a terminal's window (of standard output by default) as an os.terminal_size."),
    {NULL},
};

int kr_posix_add_terminal(PyObject *module) {
    KrPosixState *state = kr_posix_state(module);
    state->terminal_size = kr_posix_add_structseq(module, "terminal_size", &terminal_size_description);
    return state->terminal_size == NULL ? -1 : PyModule_AddFunctions(module, functions);
}
