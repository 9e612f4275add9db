/* FileIO: a file descriptor as a raw stream.
 *
 * Invariant: `fd` is negative exactly when the file is closed. What the descriptor is (`kind`) is known from the fstat()
 * that every successful initialisation makes; a descriptor number that the program closes behind our back is its own
 * mistake, and then the system's errors show.
 */
#ifndef KR_MODULES_IO_FILEIO_H
#define KR_MODULES_IO_FILEIO_H

#include "modules/io/io.h"

typedef enum { KR_FILE_OTHER, KR_FILE_REGULAR, KR_FILE_CHARACTER } KrFileKind;

typedef struct {
    PyObject_HEAD
    int fd;
    unsigned created : 1;
    unsigned readable : 1;
    unsigned writable : 1;
    unsigned appending : 1;
    unsigned closefd : 1;
    unsigned opened : 1; /* by us, from a path: it starts at offset 0 unless appending */
    signed seekable : 2; /* -1: not known yet */
    unsigned kind : 2;
    char finalizing;
    unsigned blksize;
    PyObject *weakrefs;
    PyObject *dict;
} KrFileIO;

static inline int kr_is_fileio(PyObject *object) { return Py_IS_TYPE(object, &kr_fileio_type); }

/* Makes a FileIO as the constructor does. */
PyObject *kr_fileio_new(PyObject *file, const char *mode, int closefd, PyObject *opener);
/* Read and write what one system call transfers. Return the number of bytes, -1 with an exception, or -2 if a
 * non-blocking descriptor would block. */
Py_ssize_t kr_fileio_read(KrFileIO *self, void *buffer, Py_ssize_t size);
Py_ssize_t kr_fileio_write(KrFileIO *self, const void *data, Py_ssize_t size);
/* Returns how many bytes are left of a file on disk, by its size; -1 if that is not known. No exception. */
Py_ssize_t kr_fileio_rest(KrFileIO *self);
/* The method readall(). */
PyObject *kr_fileio_readall(KrFileIO *self);
/* Moves and returns the new offset, -1 with an exception. */
off_t kr_fileio_seek(KrFileIO *self, off_t offset, int whence);
/* Returns 1, 0, or -1 with ValueError if the file is closed. */
int kr_fileio_seekable(KrFileIO *self);
int kr_fileio_isatty(KrFileIO *self);

#endif
