/* BufferedReader, BufferedWriter and BufferedRandom: a window of the file in memory.
 *
 * The buffer shows bytes of the file from some offset on. Members that are positions count from the start of the buffer.
 *
 * Invariants:
 * - `read_end` >= 0: the bytes [0, read_end) are what the file holds or will hold there; `position` <= `read_end`. -1: no
 *   byte is known.
 * - `dirty_end` >= 0: the bytes [dirty_start, dirty_end) are not written yet. -1: nothing is to be written.
 * - The raw stream stands at `raw_offset` of the buffer while either of the two holds; the caller's logical place is at
 *   `position`.
 * - `raw_position` is the raw stream's offset in the file, -1 if unknown.
 * - Whoever calls out of this file (which may let other threads run) while these members are inconsistent has entered the
 *   object; a second thread waits, and the same thread gets RuntimeError.
 */
#ifndef KR_MODULES_IO_BUFFERED_H
#define KR_MODULES_IO_BUFFERED_H

#include "modules/io/fileio.h"

#include <pythread.h>

typedef struct {
    PyObject_HEAD
    PyObject *raw;
    char initialized;
    char detached;
    char readable;
    char writable;
    char finalizing;
    char direct; /* both types are exactly ours: closedness is known without asking */

    off_t raw_position;
    char *buffer; /* NULL once closed */
    Py_ssize_t size;
    Py_ssize_t position;
    Py_ssize_t raw_offset;
    Py_ssize_t read_end;
    Py_ssize_t dirty_start, dirty_end;

    unsigned long owner;   /* the thread that has entered, 0 if none, 1 on its way to a waiter */
    unsigned long process; /* the count of forks when it entered */
    Py_ssize_t waiters;
    PyThread_type_lock wake; /* held; released to hand the object over to one waiter. NULL until one waits */

    PyObject *dict;
    PyObject *weakrefs;
} KrBuffered;

/* True if the methods of a buffered stream can be called in C: its type is ours and the object has no attributes. */
static inline int kr_is_plain_reader(PyObject *object) {
    return (Py_IS_TYPE(object, &kr_buffered_reader_type) || Py_IS_TYPE(object, &kr_buffered_random_type)) &&
           ((KrBuffered *)object)->dict == NULL;
}

static inline int kr_is_plain_writer(PyObject *object) {
    return (Py_IS_TYPE(object, &kr_buffered_writer_type) || Py_IS_TYPE(object, &kr_buffered_random_type)) &&
           ((KrBuffered *)object)->dict == NULL;
}

/* Makes a buffered stream of one of the three types on a raw one that was opened just now. */
PyObject *kr_buffered_new(PyTypeObject *type, PyObject *raw, Py_ssize_t size);
/* The methods read1(size) and read(). */
PyObject *kr_buffered_read1(KrBuffered *self, Py_ssize_t size);
PyObject *kr_buffered_read_all(KrBuffered *self);
/* Returns the raw file if the stream only reads, nothing is in its buffer and the file is on disk; borrowed, else NULL
 * without an exception. */
KrFileIO *kr_buffered_untouched_file(KrBuffered *self);
/* Reads up to the end of such a file, into memory for as much as there should be. What comes beyond that is stored as
 * bytes. Returns how many bytes are in the memory, -1 with an exception. */
Py_ssize_t kr_buffered_read_file(KrBuffered *self, char *data, Py_ssize_t size, PyObject **more);
/* Returns 0 once all is written or waits in the buffer, or -1 with an exception. */
int kr_buffered_write(KrBuffered *self, const char *data, Py_ssize_t size);
int kr_buffered_flush(KrBuffered *self);
/* Returns 1, 0 or -1 with an exception. */
int kr_buffered_closed(KrBuffered *self);


#endif
