/* The module _io: what its classes know of each other.
 *
 * Three layers make a text file: a raw one (FileIO: a descriptor, a system call for every operation), a buffered one
 * (BufferedReader, BufferedWriter, BufferedRandom: a window of the file in memory) and TextIOWrapper, which decodes and
 * encodes. Each layer works with any object below it that has the right methods, and each knows the exact type that is
 * usually there, so that it can call it in C.
 *
 * Invariants:
 * - A shortcut past a method call is taken only when the object's type is exactly ours, so that a subclass always sees
 *   the calls that the documentation promises.
 * - System calls run without the interpreter lock and are repeated after EINTR, once the signal handlers have run.
 * - A stream that was made but not initialised, or whose buffer was detached, refuses every operation with ValueError.
 */
#ifndef KR_MODULES_IO_IO_H
#define KR_MODULES_IO_IO_H

#include <Python.h>

#include <sys/types.h>

enum { KR_IO_BUFFER_SIZE = 8192 };

extern PyTypeObject kr_io_base_type;
extern PyTypeObject kr_raw_base_type;
extern PyTypeObject kr_buffered_base_type;
extern PyTypeObject kr_text_base_type;
extern PyTypeObject kr_fileio_type;
extern PyTypeObject kr_bytesio_type;
/* Has a name of the binary interface, because a module of the test suite refers to it. */
PyAPI_DATA(PyTypeObject) _PyBytesIOBuffer_Type;
extern PyTypeObject kr_buffered_reader_type;
extern PyTypeObject kr_buffered_writer_type;
extern PyTypeObject kr_buffered_random_type;
extern PyTypeObject kr_buffered_pair_type;
extern PyTypeObject kr_text_wrapper_type;
extern PyTypeObject kr_newline_decoder_type;
extern PyTypeObject kr_stringio_type;

/* ---- module.c ---- */

/* Drops what the module keeps; call once nothing uses it any more. */
void kr_io_finalize(void);
/* Raises io.UnsupportedOperation with that text. Returns NULL. */
PyObject *kr_io_unsupported(const char *message);
/* Returns a flag of sys.flags, 0 if it cannot be read. */
int kr_io_flag(const char *name);
/* True if the current exception is OSError with errno EINTR; then it is cleared and signal handlers have run. A handler's
 * exception stays and the result is 0. */
int kr_io_interrupted(void);
/* Converts to a file offset. `error` is raised for an int out of range; OverflowError becomes it. Returns -1 with an
 * exception. */
off_t kr_io_offset(PyObject *object, PyObject *error);
/* Reads the optional only size argument of a method; None is `absent`. Returns 0, or -1 with an exception. */
int kr_io_size_argument(const char *function, PyObject *const *args, Py_ssize_t count, Py_ssize_t absent,
                        Py_ssize_t *size);
/* Unpacks the arguments of a constructor into `space`, with NULL for each one that was not given. Returns 0 or -1. */
int kr_io_unpack(PyObject *args, PyObject *kwargs, _PyArg_Parser *parser, int least, int most, PyObject **space);
/* Returns the UTF-8 text of a str argument, borrowed from it, or NULL with an exception. `optional` only changes what the
 * message says: "str or None". */
const char *kr_io_text_argument(const char *function, const char *argument, PyObject *object, int optional);
/* Converts an int argument that is used as a truth value; NULL is `absent`. Returns 1, 0 or -1 with an exception. */
int kr_io_bool_argument(PyObject *object, int absent);
/* Converts an int. Returns 0, or -1 with an exception. */
int kr_io_int_argument(PyObject *object, Py_ssize_t *value);
/* Gets the buffer of argument 1 of a function. Returns 0, or -1 with TypeError in the words of the format codes "w*" and
 * "y*". */
int kr_io_writable_buffer(const char *function, PyObject *object, Py_buffer *view);
int kr_io_readable_buffer(const char *function, PyObject *object, Py_buffer *view);

/* ---- memory_state.c: how BytesIO and StringIO are pickled. A state is a tuple of `size` items, of which the last two are
 * the position and the attributes. ---- */

/* Returns what stands for the attributes in a state: a copy of `dict`, or None. NULL with an exception. */
PyObject *kr_io_state_attributes(PyObject *dict);
/* Checks that the argument of __setstate__ is a tuple of at least `size` items. Returns 0, or -1 with an exception. */
int kr_io_state_check(PyObject *self, PyObject *state, Py_ssize_t size);
/* Takes position and attributes from a checked state. `but` is the word with which the class tells what it got instead of
 * an int. Returns 0, or -1 with an exception. */
int kr_io_state_restore(PyObject *state, Py_ssize_t size, const char *but, Py_ssize_t *position, PyObject **dict);

/* ---- base.c ---- */

/* Runs the finaliser of an object that is being deallocated. Returns -1 if it lives on. */
int kr_io_finalize_object(PyObject *self);
/* Raises ValueError if self.closed is true. Returns 0 or -1. */
int kr_io_check_closed(PyObject *self);
/* Call self.readable() and so on; raise UnsupportedOperation unless the result is True. Return 0 or -1. */
int kr_io_check_readable(PyObject *self);
int kr_io_check_writable(PyObject *self);
int kr_io_check_seekable(PyObject *self);

#endif
