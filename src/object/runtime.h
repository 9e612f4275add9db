/* The process-wide record that the binary interface knows by name.
 *
 * Compiled extension modules read two places of `_PyRuntime` directly: the current thread state at + 0x240, and the
 * table of small ints at + 0x2a8 (from -5 on, 32 bytes each, so that 0 and 1 are found without a call). Everything else
 * in it is ours.
 *
 * Invariant: `thread_current` is the thread state of the thread that holds the global interpreter lock, or NULL while
 * nobody holds it; only the lock's code writes it.
 */
#ifndef KR_OBJECT_RUNTIME_H
#define KR_OBJECT_RUNTIME_H

#include <Python.h>
#include <stddef.h>

enum { KR_SMALL_INT_NEGATIVE = 5, KR_SMALL_INT_POSITIVE = 257 };

struct pyruntimestate {
    char unused_before_thread[0x240];
    PyThreadState *thread_current;
    char unused_before_ints[0x2a8 - 0x240 - sizeof(PyThreadState *)];
    PyLongObject small_ints[KR_SMALL_INT_NEGATIVE + KR_SMALL_INT_POSITIVE];

    int initialized;                        /* 1 between the end of start-up and the start of shutdown */
    PyThreadState *volatile finalizing;     /* the thread that shuts the interpreter down */
    PyInterpreterState *main_interpreter;
};

_Static_assert(offsetof(struct pyruntimestate, thread_current) == 0x240, "read by compiled modules");
_Static_assert(offsetof(struct pyruntimestate, small_ints) == 0x2a8, "read by compiled modules");
_Static_assert(sizeof(PyLongObject) == 32, "read by compiled modules");

extern __attribute__((visibility("default"))) struct pyruntimestate _PyRuntime;

/* Returns the current thread's state; only valid while holding the interpreter lock. */
static inline PyThreadState *kr_tstate(void) { return _PyRuntime.thread_current; }

/* The address below which this thread's C stack must not go; the evaluation loop sets it. */
extern __thread char *kr_c_stack_limit;

/* Returns an address in the frame of the caller. The builtin would make that function keep a frame pointer, which costs the
 * evaluation loop a register. */
static inline char *kr_c_stack_address(void) {
#if defined(__x86_64__)
    char *address;
    __asm__("mov %%rsp, %0" : "=r"(address));
    return address;
#else
    return __builtin_frame_address(0);
#endif
}

/* True if recursion has to end here with RecursionError, whatever its depth. */
static inline int kr_c_stack_is_low(void) { return kr_c_stack_address() < kr_c_stack_limit; }

/* Returns the shared int object for a small value, borrowed (-5 <= value <= 256). */
static inline PyObject *kr_small_int(int value) {
    return (PyObject *)&_PyRuntime.small_ints[value + KR_SMALL_INT_NEGATIVE];
}

#endif
