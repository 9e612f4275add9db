/* Frames: one activation of a code object.
 *
 * A frame holds its local variables, cells and free variables, and above them its operand stack, side by side in `slot`.
 * Frames of ordinary calls live on the thread's frame stack (chunks of memory that grow on demand) and die in the
 * reverse order of their birth; a generator's frame lives inside the generator object, and a frame whose frame object
 * outlives the call moves into that object.
 *
 * Invariants: `previous` is valid while the frame runs and NULL otherwise. `stack_top` (in slots, counted from slot[0])
 * is valid while the frame does not run on top (suspended, or calling); while the loop runs a frame, the depth is in a
 * register. `instruction` points at the instruction that was begun last; the next one follows it (after its caches).
 * Locals [0, stack_top) hold owned references or NULL.
 */
#ifndef KR_VM_FRAME_H
#define KR_VM_FRAME_H

#include <Python.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum KrFrameOwner {
    KR_OWNED_BY_THREAD,
    KR_OWNED_BY_GENERATOR,
    KR_OWNED_BY_FRAME_OBJECT,
} KrFrameOwner;

/* Why a return from this frame needs more than going on in the caller; 0 is the common case. */
enum {
    KR_FRAME_ENTRY = 1,    /* the loop was entered from C for this frame: leave it */
    KR_FRAME_INIT = 2,     /* an __init__ called for a new instance: the result must be None and is dropped */
    KR_FRAME_FOR_ITER = 4, /* a generator resumed by FOR_ITER: its end ends the loop */
    KR_FRAME_SEND = 8,     /* a generator or coroutine resumed by SEND: its result is the delegation's value */
    KR_FRAME_JUMPED = 16,  /* a generator whose f_lineno was set in the event of a yield */
};

typedef struct _PyInterpreterFrame {
    PyFunctionObject *function; /* owned */
    PyCodeObject *code;         /* owned */
    PyObject *globals;          /* borrowed from the function */
    PyObject *builtins;         /* borrowed from the function */
    PyObject *locals;           /* owned mapping, or NULL for functions with fast locals */
    PyFrameObject *frame_object; /* owned, or NULL while nobody asked for it */
    struct _PyInterpreterFrame *previous;
    _Py_CODEUNIT *instruction;
    int stack_top;
    int return_jump; /* while a generator runs inside this frame's FOR_ITER or SEND: where its end jumps, in units */
    uint8_t flags;
    uint8_t owner;
    PyObject *slot[];
} KrFrame;

enum { KR_FRAME_HEADER_SLOTS = offsetof(KrFrame, slot) / sizeof(PyObject *) };
_Static_assert(offsetof(KrFrame, slot) % sizeof(PyObject *) == 0, "slots follow the header");

struct _frame {
    PyObject_HEAD
    PyFrameObject *f_back; /* owned; set only when the frame no longer runs */
    KrFrame *frame;        /* the thread's, the generator's, or `own` below */
    PyObject *trace;       /* the local trace function */
    int line;              /* 0, or the line that the debugger set or sees */
    char trace_lines, trace_opcodes, fast_as_locals;
    KrFrame *own;  /* memory of a frame that outlived its call (malloc'ed), or NULL */
    void *reserve; /* what `own` will be, so that the move at the end of the call cannot fail; or NULL */
};

#define KR_FRAME_STATE_CREATED (-2)
#define KR_FRAME_STATE_SUSPENDED (-1)
#define KR_FRAME_STATE_EXECUTING 0
#define KR_FRAME_STATE_JUMPED 1 /* suspended, and f_lineno was set: what is sent is dropped */
#define KR_FRAME_STATE_COMPLETED 2
#define KR_FRAME_STATE_CLEARED 4

static inline KrFrame *kr_current_frame(PyThreadState *thread) { return thread->cframe->current_frame; }

/* Slots that a frame of the code takes, header included. */
static inline size_t kr_frame_slots(PyCodeObject *code) {
    return (size_t)code->co_nlocalsplus + (size_t)code->co_stacksize + KR_FRAME_HEADER_SLOTS;
}

static inline _Py_CODEUNIT *kr_code_start(PyCodeObject *code) { return (_Py_CODEUNIT *)code->co_code_adaptive; }
static inline int kr_code_units(PyCodeObject *code) { return (int)Py_SIZE(code); }

/* Index in code units of the instruction begun last; -1 before the first. */
static inline int kr_frame_lasti(const KrFrame *frame) {
    return (int)(frame->instruction - kr_code_start(frame->code));
}

/* Fills the header of a new frame. Takes over the references `function` and `locals` (may be NULL); clears no slots. */
static inline void kr_frame_initialize(KrFrame *frame, PyFunctionObject *function, PyObject *locals,
                                       PyCodeObject *code) {
    frame->function = function;
    frame->code = (PyCodeObject *)Py_NewRef((PyObject *)code);
    frame->globals = function->func_globals;
    frame->builtins = function->func_builtins;
    frame->locals = locals;
    frame->frame_object = NULL;
    frame->instruction = kr_code_start(code) - 1;
    frame->stack_top = code->co_nlocalsplus;
    frame->flags = 0;
    frame->owner = KR_OWNED_BY_THREAD;
}

/* Takes `slots` slots from the thread's frame stack in a new chunk; NULL with MemoryError. */
KrFrame *kr_frame_stack_grow(PyThreadState *thread, size_t slots);

/* Takes room for a frame on the thread's frame stack; NULL with MemoryError. */
static inline KrFrame *kr_frame_push(PyThreadState *thread, size_t slots) {
    PyObject **top = thread->datastack_top;
    if (__builtin_expect(top != NULL && (size_t)(thread->datastack_limit - top) > slots, 1)) {
        thread->datastack_top = top + slots;
        return (KrFrame *)top;
    }
    return kr_frame_stack_grow(thread, slots);
}

/* Gives the room of the topmost frame back. */
void kr_frame_pop_chunk(PyThreadState *thread, KrFrame *frame);
static inline void kr_frame_pop(PyThreadState *thread, KrFrame *frame) {
    if (__builtin_expect((PyObject **)frame != &thread->datastack_chunk->data[0], 1))
        thread->datastack_top = (PyObject **)frame;
    else
        kr_frame_pop_chunk(thread, frame);
}

/* Releases the thread's chunks (when the thread ends). */
void kr_frame_stack_free(PyThreadState *thread);

/* Ends a frame that has left the `previous` chain: releases what it owns, or moves it into its frame object if somebody
 * else holds that. `stack_top` must be valid. Does not free the frame's room. */
void kr_frame_clear(KrFrame *frame);

/* Visits the references of a frame; of a running one those of its locals only: its operand stack is in registers. */
int kr_frame_traverse(KrFrame *frame, int running, visitproc visit, void *arg);

/* Returns the frame's frame object, creating it if needed; borrowed. NULL if memory is out: no exception is set then, one that
 * is pending stays. */
PyFrameObject *kr_frame_object(KrFrame *frame);
/* Adds an entry for the frame to the traceback of the current exception. If memory is out a MemoryError takes its place. */
void kr_traceback_add(KrFrame *frame);

/* True while the frame has not executed its RESUME, generator-creating prologue included: not shown in tracebacks. */
bool kr_frame_is_incomplete(const KrFrame *frame);
/* First complete frame from `frame` outwards, or NULL. */
static inline KrFrame *kr_frame_first_complete(KrFrame *frame) {
    while (frame != NULL && kr_frame_is_incomplete(frame)) frame = frame->previous;
    return frame;
}

int kr_frame_line(const KrFrame *frame);

/* Brings frame->locals up to date with the fast locals (for locals(), f_locals); 0 or -1. And back. */
int kr_frame_fast_to_locals(KrFrame *frame);
void kr_frame_locals_to_fast(KrFrame *frame, int clear);

/* The generator object that the frame (owned by a generator) belongs to. */
static inline PyGenObject *kr_frame_generator(KrFrame *frame) {
    return (PyGenObject *)((char *)frame - offsetof(PyGenObject, gi_iframe));
}

#endif
