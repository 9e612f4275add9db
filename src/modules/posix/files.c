/* Open files: descriptors, reading and writing, positions. */
#include <Python.h>

#include "base/fileutils.h"
#include "modules/posix/posix.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>

/* ---- Opening and closing ---- */

KR_FUNCTION_KEYWORDS(open, 2, 3, "path", "flags", "mode", "dir_fd") {
    int flags, mode = 0777, folder, fd;
    KR_PATH(path, argument[0], "open");
    if (kr_read_int(argument[1], &flags) < 0 || kr_read_int(argument[2], &mode) < 0 ||
        kr_read_folder(argument[3], &folder) < 0)
        return NULL;
    flags |= O_CLOEXEC;
    if (PySys_Audit("open", "OOi", path.object, Py_None, flags) < 0) return NULL;
    KR_RESTARTED(fd, openat(folder, path.text, flags, mode));
    return fd < 0 ? kr_path_error(&path) : PyLong_FromLong(fd);
}

KR_FUNCTION_KEYWORDS(close, 1, 1, "fd") {
    int fd, result;
    if (kr_read_int(argument[0], &fd) < 0) return NULL;
    /* Not repeated when interrupted: the descriptor is free already, and may be another thread's by now. */
    KR_UNLOCKED(result = close(fd));
    return kr_posix_none(result);
}

KR_FUNCTION_POSITIONAL(closerange, 2, 2) {
    int low, high;
    if (kr_read_int(argument[0], &low) < 0 || kr_read_int(argument[1], &high) < 0) return NULL;
    KR_UNLOCKED(_Py_closerange(low, high - 1));
    Py_RETURN_NONE;
}

KR_FUNCTION_ONE(dup) {
    int fd;
    if (kr_read_int(argument, &fd) < 0) return NULL;
    fd = _Py_dup(fd);
    return fd < 0 ? NULL : PyLong_FromLong(fd);
}

KR_FUNCTION_KEYWORDS(dup2, 2, 3, "fd", "fd2", "inheritable") {
    int source, target, inheritable = 1, result;
    if (kr_read_int(argument[0], &source) < 0 || kr_read_int(argument[1], &target) < 0 ||
        kr_read_bool(argument[2], &inheritable) < 0)
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    if (inheritable) {
        result = dup2(source, target);
    } else {
        result = dup3(source, target, O_CLOEXEC);
        /* Equal descriptors are an error for dup3 only. */
        if (result < 0 && errno == EINVAL && source == target) result = dup2(source, target);
    }
    Py_END_ALLOW_THREADS
    return result < 0 ? kr_posix_error() : PyLong_FromLong(result);
}

/* A new descriptor, or OSError. */
static PyObject *new_descriptor(int fd) { return fd < 0 ? kr_posix_error() : PyLong_FromLong(fd); }

static PyObject *make_pipe(int flags) {
    int fds[2], result;
    KR_UNLOCKED(result = pipe2(fds, flags));
    return result < 0 ? kr_posix_error() : Py_BuildValue("(ii)", fds[0], fds[1]);
}

KR_FUNCTION_NONE(pipe) { return make_pipe(O_CLOEXEC); }

KR_FUNCTION_ONE(pipe2) {
    int flags;
    return kr_read_int(argument, &flags) < 0 ? NULL : make_pipe(flags);
}

KR_FUNCTION_KEYWORDS(memfd_create, 1, 2, "name", "flags") {
    PyObject *name;
    unsigned flags = MFD_CLOEXEC;
    if (!PyUnicode_FSConverter(argument[0], &name)) return NULL;
    if (argument[1] != NULL) {
        flags = (unsigned)PyLong_AsUnsignedLongMask(argument[1]);
        if (flags == (unsigned)-1 && PyErr_Occurred()) {
            Py_DECREF(name);
            return NULL;
        }
    }
    int fd;
    KR_UNLOCKED(fd = memfd_create(PyBytes_AS_STRING(name), flags));
    int saved = errno;
    Py_DECREF(name);
    errno = saved;
    return new_descriptor(fd);
}

KR_FUNCTION_KEYWORDS(eventfd, 1, 2, "initval", "flags") {
    unsigned value;
    int flags = EFD_CLOEXEC, fd;
    if (kr_read_unsigned(argument[0], &value) < 0 || kr_read_int(argument[1], &flags) < 0) return NULL;
    KR_UNLOCKED(fd = eventfd(value, flags));
    return new_descriptor(fd);
}

KR_FUNCTION_KEYWORDS(eventfd_read, 1, 1, "fd") {
    int fd, result;
    eventfd_t value;
    if (kr_read_int(argument[0], &fd) < 0) return NULL;
    KR_UNLOCKED(result = eventfd_read(fd, &value));
    return result < 0 ? kr_posix_error() : PyLong_FromUnsignedLongLong(value);
}

KR_FUNCTION_KEYWORDS(eventfd_write, 2, 2, "fd", "value") {
    int fd, result;
    unsigned long long value;
    if (kr_read_int(argument[0], &fd) < 0 || !_PyLong_UnsignedLongLong_Converter(argument[1], &value)) return NULL;
    KR_UNLOCKED(result = eventfd_write(fd, value));
    return kr_posix_none(result);
}

/* ---- Properties of descriptors ---- */

KR_FUNCTION_ONE(get_inheritable) {
    int fd;
    if (kr_read_int(argument, &fd) < 0) return NULL;
    int inheritable = _Py_get_inheritable(fd);
    return inheritable < 0 ? NULL : PyBool_FromLong(inheritable);
}

KR_FUNCTION_POSITIONAL(set_inheritable, 2, 2) {
    int fd, inheritable;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_int(argument[1], &inheritable) < 0 ||
        _Py_set_inheritable(fd, inheritable, NULL) < 0)
        return NULL;
    Py_RETURN_NONE;
}

KR_FUNCTION_ONE(get_blocking) {
    int fd;
    if (kr_read_int(argument, &fd) < 0) return NULL;
    int blocking = _Py_get_blocking(fd);
    return blocking < 0 ? NULL : PyBool_FromLong(blocking);
}

KR_FUNCTION_POSITIONAL(set_blocking, 2, 2) {
    int fd, blocking;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_int(argument[1], &blocking) < 0 ||
        _Py_set_blocking(fd, blocking) < 0)
        return NULL;
    Py_RETURN_NONE;
}

KR_FUNCTION_POSITIONAL(lockf, 3, 3) {
    int fd, command, result;
    off_t length;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_int(argument[1], &command) < 0 ||
        kr_read_offset(argument[2], &length) < 0 || PySys_Audit("os.lockf", "iiL", fd, command, (long long)length) < 0)
        return NULL;
    KR_UNLOCKED(result = lockf(fd, command, length));
    return kr_posix_none(result);
}

/* ---- Reading and writing ---- */

KR_FUNCTION_POSITIONAL(lseek, 3, 3) {
    int fd, how;
    off_t position;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_offset(argument[1], &position) < 0 ||
        kr_read_int(argument[2], &how) < 0)
        return NULL;
    KR_UNLOCKED(position = lseek(fd, position, how));
    return position < 0 ? kr_posix_error() : PyLong_FromLongLong(position);
}

/* Cuts the buffer to what was read; NULL with the pending exception if `got` is negative. Takes the reference. */
static PyObject *finish_read(PyObject *buffer, Py_ssize_t got) {
    if (got < 0) {
        Py_DECREF(buffer);
        return NULL;
    }
    if (got != PyBytes_GET_SIZE(buffer)) _PyBytes_Resize(&buffer, got);
    return buffer;
}

static PyObject *invalid_length(void) {
    errno = EINVAL;
    return kr_posix_error();
}

KR_FUNCTION_POSITIONAL(read, 2, 2) {
    int fd;
    Py_ssize_t length;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_size(argument[1], &length) < 0) return NULL;
    if (length < 0) return invalid_length();
    PyObject *buffer = PyBytes_FromStringAndSize(NULL, length);
    if (buffer == NULL) return NULL;
    return finish_read(buffer, _Py_read(fd, PyBytes_AS_STRING(buffer), (size_t)length));
}

KR_FUNCTION_POSITIONAL(pread, 3, 3) {
    int fd, length;
    off_t offset;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_int(argument[1], &length) < 0 ||
        kr_read_offset(argument[2], &offset) < 0)
        return NULL;
    if (length < 0) return invalid_length();
    PyObject *buffer = PyBytes_FromStringAndSize(NULL, length);
    if (buffer == NULL) return NULL;
    ssize_t got;
    KR_RESTARTED(got, pread(fd, PyBytes_AS_STRING(buffer), (size_t)length, offset));
    if (got < 0) kr_posix_error();
    return finish_read(buffer, got);
}

KR_FUNCTION_POSITIONAL(write, 2, 2) {
    int fd;
    Py_buffer data;
    if (kr_read_int(argument[0], &fd) < 0 || PyObject_GetBuffer(argument[1], &data, PyBUF_SIMPLE) < 0) return NULL;
    Py_ssize_t written = _Py_write(fd, data.buf, (size_t)data.len);
    PyBuffer_Release(&data);
    return written < 0 ? NULL : PyLong_FromSsize_t(written);
}

KR_FUNCTION_POSITIONAL(pwrite, 3, 3) {
    int fd;
    Py_buffer data;
    off_t offset;
    if (kr_read_int(argument[0], &fd) < 0 || PyObject_GetBuffer(argument[1], &data, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *result = NULL;
    if (kr_read_offset(argument[2], &offset) == 0) {
        ssize_t written;
        KR_RESTARTED(written, pwrite(fd, data.buf, (size_t)data.len, offset));
        result = written < 0 ? kr_posix_error() : PyLong_FromSsize_t(written);
    }
    PyBuffer_Release(&data);
    return result;
}

KR_FUNCTION_KEYWORDS(sendfile, 4, 4, "out_fd", "in_fd", "offset", "count") {
    int target, source;
    off_t offset;
    Py_ssize_t count, sent;
    if (kr_read_int(argument[0], &target) < 0 || kr_read_int(argument[1], &source) < 0 ||
        kr_read_size(argument[3], &count) < 0)
        return NULL;
    int from_position = argument[2] == Py_None;
    if (!from_position && kr_read_offset(argument[2], &offset) < 0) return NULL;
    KR_RESTARTED(sent, sendfile(target, source, from_position ? NULL : &offset, (size_t)count));
    return sent < 0 ? kr_posix_error() : PyLong_FromSsize_t(sent);
}

/* What copy_file_range and splice have in common: src, dst, count, offset_src, offset_dst. */
typedef struct Transfer {
    int source, target;
    Py_ssize_t count;
    off_t source_offset, target_offset;
    off_t *from, *to; /* NULL: at the file's own position */
} Transfer;

/* Returns 0, or -1 with an exception. */
static int read_transfer(Transfer *transfer, PyObject *const *argument) {
    transfer->from = transfer->to = NULL;
    if (kr_read_int(argument[0], &transfer->source) < 0 || kr_read_int(argument[1], &transfer->target) < 0 ||
        kr_read_size(argument[2], &transfer->count) < 0)
        return -1;
    if (transfer->count < 0) {
        PyErr_SetString(PyExc_ValueError, "negative value for 'count' not allowed");
        return -1;
    }
    if (argument[3] != NULL && argument[3] != Py_None) {
        if (kr_read_offset(argument[3], &transfer->source_offset) < 0) return -1;
        transfer->from = &transfer->source_offset;
    }
    if (argument[4] != NULL && argument[4] != Py_None) {
        if (kr_read_offset(argument[4], &transfer->target_offset) < 0) return -1;
        transfer->to = &transfer->target_offset;
    }
    return 0;
}

KR_FUNCTION_KEYWORDS(copy_file_range, 3, 5, "src", "dst", "count", "offset_src", "offset_dst") {
    Transfer transfer;
    ssize_t copied;
    if (read_transfer(&transfer, argument) < 0) return NULL;
    KR_RESTARTED(copied, copy_file_range(transfer.source, transfer.from, transfer.target, transfer.to,
                                         (size_t)transfer.count, 0));
    return copied < 0 ? kr_posix_error() : PyLong_FromSsize_t(copied);
}

KR_FUNCTION_KEYWORDS(splice, 3, 6, "src", "dst", "count", "offset_src", "offset_dst", "flags") {
    Transfer transfer;
    unsigned flags = 0;
    ssize_t moved;
    if (read_transfer(&transfer, argument) < 0 || kr_read_unsigned(argument[5], &flags) < 0) return NULL;
    KR_RESTARTED(moved,
                 splice(transfer.source, transfer.from, transfer.target, transfer.to, (size_t)transfer.count, flags));
    return moved < 0 ? kr_posix_error() : PyLong_FromSsize_t(moved);
}

/* ---- Sizes and storage ---- */

KR_FUNCTION_POSITIONAL(ftruncate, 2, 2) {
    int fd, result;
    off_t length;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_offset(argument[1], &length) < 0 ||
        PySys_Audit("os.truncate", "in", fd, (Py_ssize_t)length) < 0)
        return NULL;
    KR_RESTARTED(result, ftruncate(fd, length));
    return kr_posix_none(result);
}

static PyObject *truncate_descriptor(int fd, PyObject *length) {
    PyObject *number = PyLong_FromLong(fd);
    if (number == NULL) return NULL;
    PyObject *const arguments[] = {number, length};
    PyObject *result = posix_ftruncate(NULL, arguments, 2);
    Py_DECREF(number);
    return result;
}

KR_FUNCTION_KEYWORDS(truncate, 2, 2, "path", "length") {
    int result;
    off_t length;
    KR_PATH_OR_FD(path, argument[0], "truncate");
    if (kr_read_offset(argument[1], &length) < 0) return NULL;
    if (path.fd != -1) return truncate_descriptor(path.fd, argument[1]);
    if (PySys_Audit("os.truncate", "On", path.object, (Py_ssize_t)length) < 0) return NULL;
    KR_UNLOCKED(result = truncate(path.text, length));
    if (result < 0) return kr_path_error(&path);
    Py_RETURN_NONE;
}

/* The posix_ functions return the error's number. Returns None, or NULL with an exception. */
static PyObject *none_or_number(int number) {
    errno = number;
    return kr_posix_none(number == 0 ? 0 : -1);
}

KR_FUNCTION_POSITIONAL(posix_fallocate, 3, 3) {
    int fd, result;
    off_t offset, length;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_offset(argument[1], &offset) < 0 ||
        kr_read_offset(argument[2], &length) < 0)
        return NULL;
    do {
        KR_UNLOCKED(result = posix_fallocate(fd, offset, length));
    } while (result == EINTR && PyErr_CheckSignals() == 0);
    return none_or_number(result);
}

KR_FUNCTION_POSITIONAL(posix_fadvise, 4, 4) {
    int fd, advice, result;
    off_t offset, length;
    if (kr_read_int(argument[0], &fd) < 0 || kr_read_offset(argument[1], &offset) < 0 ||
        kr_read_offset(argument[2], &length) < 0 || kr_read_int(argument[3], &advice) < 0)
        return NULL;
    do {
        KR_UNLOCKED(result = posix_fadvise(fd, offset, length, advice));
    } while (result == EINTR && PyErr_CheckSignals() == 0);
    return none_or_number(result);
}

KR_FUNCTION_KEYWORDS(fsync, 1, 1, "fd") {
    int fd = kr_read_fileno(argument[0]), result;
    if (fd < 0) return NULL;
    KR_RESTARTED(result, fsync(fd));
    return kr_posix_none(result);
}

KR_FUNCTION_KEYWORDS(fdatasync, 1, 1, "fd") {
    int fd = kr_read_fileno(argument[0]), result;
    if (fd < 0) return NULL;
    KR_RESTARTED(result, fdatasync(fd));
    return kr_posix_none(result);
}

KR_FUNCTION_NONE(sync) {
    KR_UNLOCKED(sync());
    Py_RETURN_NONE;
}

/* ---- Special files ---- */

KR_FUNCTION_KEYWORDS(mkfifo, 1, 2, "path", "mode", "dir_fd") {
    int mode = 0666, folder, result;
    KR_PATH(path, argument[0], "mkfifo");
    if (kr_read_int(argument[1], &mode) < 0 || kr_read_folder(argument[2], &folder) < 0) return NULL;
    KR_RESTARTED(result, mkfifoat(folder, path.text, (mode_t)mode));
    return kr_posix_none(result);
}

KR_FUNCTION_KEYWORDS(mknod, 1, 3, "path", "mode", "device", "dir_fd") {
    int mode = 0600, folder, result;
    dev_t device = 0;
    KR_PATH(path, argument[0], "mknod");
    if (kr_read_int(argument[1], &mode) < 0 || kr_read_device(argument[2], &device) < 0 ||
        kr_read_folder(argument[3], &folder) < 0)
        return NULL;
    KR_RESTARTED(result, mknodat(folder, path.text, (mode_t)mode, device));
    return kr_posix_none(result);
}

KR_FUNCTION_ONE(major) {
    dev_t device;
    return kr_read_device(argument, &device) < 0 ? NULL : PyLong_FromLong((int)major(device));
}

KR_FUNCTION_ONE(minor) {
    dev_t device;
    return kr_read_device(argument, &device) < 0 ? NULL : PyLong_FromLong((int)minor(device));
}

KR_FUNCTION_POSITIONAL(makedev, 2, 2) {
    int major_number, minor_number;
    if (kr_read_int(argument[0], &major_number) < 0 || kr_read_int(argument[1], &minor_number) < 0) return NULL;
    return PyLong_FromLongLong((long long)makedev((unsigned)major_number, (unsigned)minor_number));
}

#define RELATIVE "A relative path starts at the folder dir_fd, if given."

static PyMethodDef functions[] = {
    KR_ENTRY_KEYWORDS(
        open, "($module, /, path, flags, mode=511, *, dir_fd=None)",
        "Open a file with O_* flags, and with permissions for a new one; return the descriptor.\n\n" RELATIVE),
    KR_ENTRY_KEYWORDS(close, "($module, /, fd)", "Close a descriptor."),
    KR_ENTRY_POSITIONAL(closerange, "($module, fd_low, fd_high, /)",
                        "Close the descriptors from fd_low up to, but without, fd_high; ignore errors."),
    KR_ENTRY_ONE(dup, "($module, fd, /)", "Return a duplicate of a descriptor."),
    KR_ENTRY_KEYWORDS(dup2, "($module, /, fd, fd2, inheritable=True)", "Make fd2 a duplicate of fd, and return fd2."),
    KR_ENTRY_NONE(pipe, "($module, /)", "Make a pipe; return the descriptors of its reading and its writing end."),
    KR_ENTRY_ONE(pipe2, "($module, flags, /)",
                 "Make a pipe with flags (O_NONBLOCK, O_CLOEXEC); return the descriptors to read and to write."),
    KR_ENTRY_KEYWORDS(memfd_create, "($module, /, name, flags=MFD_CLOEXEC)",
                      "Make a file that lives in memory only, and return its descriptor."),
    KR_ENTRY_KEYWORDS(eventfd, "($module, /, initval, flags=EFD_CLOEXEC)",
                      "Make a counter for notifications, and return its descriptor."),
    KR_ENTRY_KEYWORDS(eventfd_read, "($module, /, fd)",
                      "Wait for an eventfd's counter, reset it, and return its value."),
    KR_ENTRY_KEYWORDS(eventfd_write, "($module, /, fd, value)", "Add to an eventfd's counter."),
    KR_ENTRY_ONE(get_inheritable, "($module, fd, /)",
                 "Tell whether programs started by this process get the descriptor."),
    KR_ENTRY_POSITIONAL(set_inheritable, "($module, fd, inheritable, /)",
                        "Set whether programs started by this process get the descriptor."),
    KR_ENTRY_ONE(get_blocking, "($module, fd, /)", "Tell whether reading and writing wait (O_NONBLOCK is not set)."),
    KR_ENTRY_POSITIONAL(set_blocking, "($module, fd, blocking, /)", "Set whether reading and writing wait."),
    KR_ENTRY_POSITIONAL(
        lockf, "($module, fd, command, length, /)",
        "Lock, test or unlock (F_LOCK, F_TLOCK, F_ULOCK, F_TEST) a range from the current position on."),
    KR_ENTRY_POSITIONAL(lseek, "($module, fd, position, how, /)",
                        "Set the position, counted from how (SEEK_SET, SEEK_CUR, SEEK_END, ...); return the new one."),
    KR_ENTRY_POSITIONAL(read, "($module, fd, length, /)", "Read at most length bytes."),
    KR_ENTRY_POSITIONAL(pread, "($module, fd, length, offset, /)",
                        "Read at most length bytes from an offset, without moving the position."),
    KR_ENTRY_POSITIONAL(write, "($module, fd, data, /)", "Write bytes; return how many were written."),
    KR_ENTRY_POSITIONAL(pwrite, "($module, fd, buffer, offset, /)",
                        "Write bytes at an offset, without moving the position; return how many were written."),
    KR_ENTRY_KEYWORDS(sendfile, "($module, /, out_fd, in_fd, offset, count)",
                      "Copy count bytes between descriptors, from an offset or None for the current position."),
    KR_ENTRY_KEYWORDS(copy_file_range,
                      "($module, /, src, dst, count, offset_src=None,\n                offset_dst=None)",
                      "Copy count bytes between files within the system; None means the current position.\n\n"
                      "Return how many bytes were copied."),
    KR_ENTRY_KEYWORDS(splice, "($module, /, src, dst, count, offset_src=None, offset_dst=None,\n       flags=0)",
                      "Move count bytes from or to a pipe, or both; None means the current position.\n\n"
                      "Return how many bytes were moved."),
    KR_ENTRY_POSITIONAL(ftruncate, "($module, fd, length, /)", "Cut or extend an open file to length bytes."),
    KR_ENTRY_KEYWORDS(truncate, "($module, /, path, length)", "Cut or extend a path or open file to length bytes."),
    KR_ENTRY_POSITIONAL(posix_fallocate, "($module, fd, offset, length, /)", "Reserve storage for a range of a file."),
    KR_ENTRY_POSITIONAL(posix_fadvise, "($module, fd, offset, length, advice, /)",
                        "Say how a range of a file will be used (POSIX_FADV_*)."),
    KR_ENTRY_KEYWORDS(fsync, "($module, /, fd)", "Wait until a file's data and status are on the device."),
    KR_ENTRY_KEYWORDS(fdatasync, "($module, /, fd)", "Wait until a file's data are on the device."),
    KR_ENTRY_NONE(sync, "($module, /)", "Write everything to the devices."),
    KR_ENTRY_KEYWORDS(mkfifo, "($module, /, path, mode=438, *, dir_fd=None)", "Make a named pipe.\n\n" RELATIVE),
    KR_ENTRY_KEYWORDS(mknod, "($module, /, path, mode=384, device=0, *, dir_fd=None)",
                      "Make a file of the type that mode says: regular, S_IFCHR, S_IFBLK or S_IFIFO.\n\n" RELATIVE),
    KR_ENTRY_ONE(major, "($module, device, /)", "Return the major number of a raw device number."),
    KR_ENTRY_ONE(minor, "($module, device, /)", "Return the minor number of a raw device number."),
    KR_ENTRY_POSITIONAL(makedev, "($module, major, minor, /)", "Compose a raw device number."),
    {NULL},
};

int kr_posix_add_files(PyObject *module) { return PyModule_AddFunctions(module, functions); }
