/* Reading a line from the terminal, with the editor that an extension module may have installed. */
#include <Python.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "object/runtime.h"
#include "runtime/lifecycle.h"

/* The thread that is inside PyOS_Readline; it needs its state back to run signal handlers. */
PyThreadState *_PyOS_ReadlineTState;

/* Set by the module readline. Called without the interpreter lock; returns memory of PyMem_RawMalloc with the line and its
 * newline, "" at the end of the input, or NULL after an interrupt. */
char *(*PyOS_ReadlineFunctionPointer)(FILE *, FILE *, const char *);

static PyThread_type_lock readline_lock;

/* Runs signal handlers while the interpreter lock is released. Returns 0, or -1 with an exception. */
static int check_signals(void) {
    PyEval_RestoreThread(_PyOS_ReadlineTState);
    int result = PyErr_CheckSignals();
    PyEval_SaveThread();
    return result;
}

/* Reads up to `size` bytes of a line. Returns 1, 0 at the end of the input or after an error, -1 with an exception. */
static int read_part(char *buffer, int size, FILE *input) {
    for (;;) {
        if (PyOS_InputHook != NULL) (void)PyOS_InputHook();
        errno = 0;
        clearerr(input);
        if (fgets(buffer, size, input) != NULL) return 1;
        if (feof(input)) {
            clearerr(input);
            return 0;
        }
        if (errno != EINTR) return 0;
        if (check_signals() < 0) return -1;
    }
}

/* The line as PyOS_ReadlineFunctionPointer returns it, without an editor. */
static char *read_plainly(FILE *input, FILE *output, const char *prompt) {
    size_t room = 100, length = 0;
    char *line = PyMem_RawMalloc(room);
    fflush(output);
    if (prompt != NULL) fprintf(stderr, "%s", prompt);
    fflush(stderr);
    while (line != NULL) {
        int status = read_part(line + length, (int)(room - length), input);
        if (status < 0) {
            PyMem_RawFree(line);
            return NULL;
        }
        if (status == 0) {
            line[length] = 0;
            return line;
        }
        length += strlen(line + length);
        if (length > 0 && line[length - 1] == '\n') return line;
        if (length + 1 < room) continue;
        char *grown = room > INT_MAX / 2 ? NULL : PyMem_RawRealloc(line, room *= 2);
        if (grown == NULL) PyMem_RawFree(line);
        line = grown;
    }
    PyEval_RestoreThread(_PyOS_ReadlineTState);
    PyErr_NoMemory();
    PyEval_SaveThread();
    return NULL;
}

void kr_readline_finalize(void) {
    if (readline_lock != NULL) PyThread_free_lock(readline_lock);
    readline_lock = NULL;
}

/* Returns the line in memory of PyMem_Malloc; NULL after an interrupt, perhaps with an exception. */
char *PyOS_Readline(FILE *input, FILE *output, const char *prompt) {
    PyThreadState *thread = kr_tstate();
    if (_PyOS_ReadlineTState == thread) {
        PyErr_SetString(PyExc_RuntimeError, "can't re-enter readline");
        return NULL;
    }
    if (readline_lock == NULL && (readline_lock = PyThread_allocate_lock()) == NULL) {
        PyErr_SetString(PyExc_MemoryError, "can't allocate lock");
        return NULL;
    }
    char *line;
    Py_BEGIN_ALLOW_THREADS
    PyThread_acquire_lock(readline_lock, WAIT_LOCK);
    _PyOS_ReadlineTState = thread;
    if (PyOS_ReadlineFunctionPointer == NULL || !isatty(fileno(input)) || !isatty(fileno(output)))
        line = read_plainly(input, output, prompt);
    else
        line = PyOS_ReadlineFunctionPointer(input, output, prompt);
    _PyOS_ReadlineTState = NULL;
    PyThread_release_lock(readline_lock);
    Py_END_ALLOW_THREADS
    if (line == NULL) return NULL;
    size_t size = strlen(line) + 1;
    char *result = PyMem_Malloc(size);
    if (result != NULL)
        memcpy(result, line, size);
    else
        PyErr_NoMemory();
    PyMem_RawFree(line);
    return result;
}
