/* Jumping in a traced frame: assignment to f_lineno.
 *
 * A jump is safe if the operand stack at the target is the current one with items taken off, so the shape of the stack is
 * computed for every instruction: a word of three-bit kinds, the bottom item highest.
 */
#include <Python.h>
#include <frameobject.h>

#include "compile/opcodes.h"
#include "object/runtime.h"
#include "types/code.h"
#include "vm/eval.h"
#include "vm/frame.h"

typedef enum Kind { KIND_ITERATOR = 1, KIND_EXCEPTION = 2, KIND_OBJECT = 3, KIND_NULL = 4, KIND_LASTI = 5 } Kind;

enum { KIND_BITS = 3, KIND_MASK = (1 << KIND_BITS) - 1, MOST_ITEMS = 63 / KIND_BITS };

static const int64_t UNKNOWN = -1, OVERFLOWED = -2;

static int64_t push(int64_t stack, Kind kind) {
    if (stack < 0 || stack >> ((MOST_ITEMS - 1) * KIND_BITS) != 0) return OVERFLOWED;
    return stack << KIND_BITS | kind;
}
static int64_t pop(int64_t stack) { return stack < 0 ? OVERFLOWED : stack >> KIND_BITS; }
static Kind top(int64_t stack) { return stack < 0 ? KIND_OBJECT : (Kind)(stack & KIND_MASK); }

static Kind peek_kind(int64_t stack, int depth) { return top(stack < 0 ? stack : stack >> (depth - 1) * KIND_BITS); }

static int64_t pop_many(int64_t stack, int count) {
    while (count-- > 0) stack = pop(stack);
    return stack;
}

static int64_t push_many(int64_t stack, int count) {
    while (count-- > 0) stack = push(stack, KIND_OBJECT);
    return stack;
}

/* Reads the exception table into the stacks of its handlers, where the protected code's stack is known. Returns 1 if a
 * handler's stack was found. */
static int mark_handlers(PyCodeObject *code, int64_t *stacks) {
    int found = 0;
    for (int i = 0; i < kr_code_units(code); i++) {
        int depth, handler, lasti;
        if (stacks[i] == UNKNOWN || !kr_find_handler(code, i, &depth, &handler, &lasti) || stacks[handler] != UNKNOWN) continue;
        int64_t stack = stacks[i];
        if (stack < 0) {
            stacks[handler] = OVERFLOWED;
            found = 1;
            continue;
        }
        int items = 0;
        for (int64_t rest = stack; rest != 0; rest = pop(rest)) items++;
        if (items < depth) continue;
        stack = pop_many(stack, items - depth);
        if (lasti) stack = push(stack, KIND_LASTI);
        stacks[handler] = push(stack, KIND_EXCEPTION);
        found = 1;
    }
    return found;
}

static void merge(int64_t *stacks, int at, int64_t stack) {
    if (stacks[at] == UNKNOWN) stacks[at] = stack;
}

/* Exchanges the top item with the one at `depth`. */
static int64_t swap(int64_t stack, int depth) {
    Kind kinds[MOST_ITEMS];
    if (stack < 0 || depth < 2 || depth >= MOST_ITEMS) return stack;
    for (int i = 1; i <= depth; i++) kinds[i] = peek_kind(stack, i);
    int64_t swapped = push(pop_many(stack, depth), kinds[1]);
    for (int i = depth - 1; i > 1; i--) swapped = push(swapped, kinds[i]);
    return push(swapped, kinds[depth]);
}

/* Merges the shape after an instruction into those before the ones that may follow: `next`, or a jump's target. Returns 1 if
 * an earlier one is known only now. */
static int follow(int64_t *stacks, int64_t stack, int opcode, int oparg, int next) {
    int backward = 0;
    switch (opcode) {
        case OP_JUMP_IF_FALSE_OR_POP: case OP_JUMP_IF_TRUE_OR_POP:
            merge(stacks, next + oparg, stack);
            merge(stacks, next, pop(stack));
            break;
        case OP_POP_JUMP_FORWARD_IF_FALSE: case OP_POP_JUMP_FORWARD_IF_TRUE: case OP_POP_JUMP_FORWARD_IF_NONE:
        case OP_POP_JUMP_FORWARD_IF_NOT_NONE:
            merge(stacks, next + oparg, pop(stack));
            merge(stacks, next, pop(stack));
            break;
        case OP_POP_JUMP_BACKWARD_IF_FALSE: case OP_POP_JUMP_BACKWARD_IF_TRUE: case OP_POP_JUMP_BACKWARD_IF_NONE:
        case OP_POP_JUMP_BACKWARD_IF_NOT_NONE: {
            int target = next - oparg;
            backward = stacks[target] == UNKNOWN;
            merge(stacks, target, pop(stack));
            merge(stacks, next, pop(stack));
            break;
        }
        case OP_SEND:
            merge(stacks, next + oparg, push(pop_many(stack, 2), KIND_OBJECT));
            merge(stacks, next, stack);
            break;
        case OP_JUMP_FORWARD: merge(stacks, next + oparg, stack); break;
        case OP_JUMP_BACKWARD: case OP_JUMP_BACKWARD_NO_INTERRUPT: {
            int target = next - oparg;
            backward = stacks[target] == UNKNOWN;
            merge(stacks, target, stack);
            break;
        }
        case OP_GET_ITER: case OP_GET_AITER: merge(stacks, next, push(pop(stack), KIND_ITERATOR)); break;
        case OP_FOR_ITER:
            merge(stacks, next + oparg, pop(stack));
            merge(stacks, next, push(stack, KIND_OBJECT));
            break;
        case OP_END_ASYNC_FOR: merge(stacks, next, pop_many(stack, 2)); break;
        case OP_PUSH_EXC_INFO:
            merge(stacks, next, push(push(pop(stack), KIND_EXCEPTION), KIND_EXCEPTION));
            break;
        case OP_POP_EXCEPT: merge(stacks, next, pop(stack)); break;
        case OP_RETURN_VALUE: case OP_RAISE_VARARGS: case OP_RERAISE: break;
        case OP_PUSH_NULL: merge(stacks, next, push(stack, KIND_NULL)); break;
        case OP_LOAD_GLOBAL:
            if (oparg & 1) stack = push(stack, KIND_NULL);
            merge(stacks, next, push(stack, KIND_OBJECT));
            break;
        case OP_LOAD_METHOD: merge(stacks, next, push(push(pop(stack), KIND_NULL), KIND_OBJECT)); break;
        case OP_PRECALL: merge(stacks, next, stack); break; /* CALL takes the arguments off */
        case OP_CALL: merge(stacks, next, push(pop_many(stack, oparg + 2), KIND_OBJECT)); break;
        case OP_SWAP: merge(stacks, next, swap(stack, oparg)); break;
        case OP_COPY: merge(stacks, next, push(stack, peek_kind(stack, oparg))); break;
        default: {
            int effect = PyCompile_OpcodeStackEffect(opcode, opcode >= OP_HAVE_ARGUMENT ? oparg : 0);
            merge(stacks, next, effect < 0 ? pop_many(stack, -effect) : push_many(stack, effect));
        }
    }
    return backward;
}

/* The stack's shape before each instruction; PyMem_Malloc'ed, or NULL with MemoryError. */
static int64_t *compute_stacks(PyCodeObject *code) {
    int units = kr_code_units(code);
    int64_t *stacks = PyMem_New(int64_t, units + 1);
    PyObject *bytes = kr_code_bytes(code);
    if (stacks == NULL || bytes == NULL) {
        PyMem_Free(stacks);
        Py_XDECREF(bytes);
        if (!PyErr_Occurred()) PyErr_NoMemory();
        return NULL;
    }
    const _Py_CODEUNIT *words = (const _Py_CODEUNIT *)PyBytes_AS_STRING(bytes);
    for (int i = 0; i <= units; i++) stacks[i] = UNKNOWN;
    stacks[0] = 0;
    int again = 1;
    while (again) {
        again = 0;
        for (int i = 0, oparg = 0; i < units;) {
            int64_t stack = stacks[i];
            int opcode = _Py_OPCODE(words[i]);
            oparg = oparg << 8 | _Py_OPARG(words[i]);
            int next = i + 1 + kr_opcode_caches[opcode];
            if (opcode == OP_EXTENDED_ARG) {
                if (stack != UNKNOWN) merge(stacks, next, stack);
                i = next;
                continue;
            }
            if (stack == UNKNOWN) {
                oparg = 0;
                i = next;
                continue;
            }
            if (follow(stacks, stack, opcode, oparg, next)) again = 1;
            oparg = 0;
            i = next;
        }
        if (mark_handlers(code, stacks)) again = 1;
    }
    Py_DECREF(bytes);
    return stacks;
}

/* True if `target` is `from` with items taken off that may be dropped. */
static int compatible(int64_t from, int64_t target) {
    if (from < 0 || target < 0) return 0;
    while (from > target) {
        from = pop(from);
    }
    while (target != 0) {
        if (from == 0) return 0;
        Kind wanted = top(target), present = top(from);
        if (wanted != KIND_OBJECT && wanted != present) return 0;
        if (wanted == KIND_OBJECT && present == KIND_NULL) return 0;
        target = pop(target);
        from = pop(from);
    }
    return from == 0;
}

static const char *explain(int64_t target) {
    if (target == OVERFLOWED) return "stack is too deep to analyze";
    switch (top(target)) {
        case KIND_EXCEPTION: return "can't jump into an 'except' block as there's no exception";
        case KIND_LASTI: return "can't jump into a re-raising block as there's no location";
        case KIND_ITERATOR: return "can't jump into the body of a for loop";
        default: return "incompatible stacks";
    }
}

/* What a frame may be doing when its line is set. */
typedef struct Moment {
    PyGenObject *generator; /* whose frame it is, or NULL */
    int yields;             /* a generator in the event of its yield: its frame is as good as suspended */
    int suspended;
} Moment;

static Moment moment_of(PyThreadState *thread, KrFrame *frame) {
    Moment moment = {NULL, 0, 0};
    if (frame->owner != KR_OWNED_BY_GENERATOR) return moment;
    moment.generator = kr_frame_generator(frame);
    moment.yields = moment.generator->gi_frame_state == KR_FRAME_STATE_EXECUTING &&
                    thread->tracing_what == PyTrace_RETURN && frame->instruction >= kr_code_start(frame->code) &&
                    _Py_OPCODE(*frame->instruction) == OP_YIELD_VALUE;
    moment.suspended = moment.yields || moment.generator->gi_frame_state == KR_FRAME_STATE_SUSPENDED;
    return moment;
}

/* Returns why the frame cannot jump now, or NULL. */
static const char *refusal(PyThreadState *thread, PyFrameObject *self, const Moment *moment) {
    int state = moment->generator != NULL ? moment->generator->gi_frame_state : KR_FRAME_STATE_EXECUTING;
    if (state == KR_FRAME_STATE_JUMPED || self->frame->flags & KR_FRAME_JUMPED)
        return "can only jump once before the generator is resumed";
    if (state == KR_FRAME_STATE_CREATED || (!moment->suspended && thread->tracing_what == PyTrace_CALL))
        return "can't jump from the 'call' trace event of a new frame";
    if (!moment->suspended && thread->tracing_what != PyTrace_LINE) return "can only jump from a 'line' trace event";
    return self->trace == NULL ? "f_lineno can only be set by a trace function" : NULL;
}

/* Reads the wanted line. Returns 0, or -1 with an exception. */
static int read_line(PyCodeObject *code, PyObject *value, long *line) {
    int overflow;
    *line = PyLong_AsLongAndOverflow(value, &overflow);
    if (overflow || *line > INT_MAX || *line < INT_MIN) {
        PyErr_SetString(PyExc_ValueError, "lineno out of range");
        return -1;
    }
    if (*line < code->co_firstlineno) {
        PyErr_Format(PyExc_ValueError, "line %ld comes before the current code block", *line);
        return -1;
    }
    return 0;
}

/* Fills `lines` with the line that begins at each instruction, -1 elsewhere. Returns the first line from `wanted` on that has
 * code, or -1. */
static int mark_lines(PyCodeObject *code, long wanted, int *lines) {
    KrLocationWalk walk;
    int last = -1, found = INT_MAX;
    for (int i = 0; i < kr_code_units(code); i++) lines[i] = -1;
    kr_location_walk_init(&walk, code);
    while (kr_location_walk_step(&walk)) {
        int line = walk.location.lineno;
        if (line != last && line != -1) {
            int unit = walk.start / (int)sizeof(_Py_CODEUNIT);
            lines[unit] = line;
            if (line >= wanted && line < found && unit >= code->_co_firsttraceable) found = line;
        }
        last = line;
    }
    return found == INT_MAX ? -1 : found;
}

/* Finds the instruction at which the line begins and whose stack takes least from `stack`. Returns its index, or -1 with an
 * exception. */
static int find_target(PyCodeObject *code, const int *lines, const int64_t *stacks, int line, int64_t stack) {
    int best = -1;
    const char *message = "cannot find bytecode for specified line";
    for (int i = 0; i < kr_code_units(code); i++) {
        if (lines[i] != line) continue;
        if (compatible(stack, stacks[i])) {
            if (best < 0 || stacks[i] > stacks[best]) best = i;
        } else {
            message = stack == OVERFLOWED     ? "stack to deep to analyze"
                      : stack == UNKNOWN      ? "can't jump from unreachable code"
                      : stacks[i] == UNKNOWN  ? "can't jump into unreachable code"
                                              : explain(stacks[i]);
        }
    }
    if (best < 0) PyErr_SetString(PyExc_ValueError, message);
    return best;
}

/* Takes the items off the frame's stack that the target does not have. */
static void drop_items(KrFrame *frame, _PyErr_StackItem *handled, int64_t stack, int64_t target) {
    for (; stack > target; stack = pop(stack)) {
        PyObject *item = frame->slot[--frame->stack_top];
        if (top(stack) != KIND_EXCEPTION) {
            Py_XDECREF(item);
            continue;
        }
        PyObject *old = handled->exc_value;
        handled->exc_value = item == Py_None ? NULL : item;
        if (item == Py_None) Py_DECREF(item);
        Py_XDECREF(old);
    }
}

/* Jumps, with room for the analysis of the code. Returns 0, or -1 with an exception. */
static int jump(PyThreadState *thread, PyFrameObject *self, const Moment *moment, long wanted, int *lines,
                const int64_t *stacks) {
    KrFrame *frame = self->frame;
    int line = mark_lines(frame->code, wanted, lines), lasti = kr_frame_lasti(frame);
    if (line < 0) {
        PyErr_Format(PyExc_ValueError, "line %ld comes after the current code block", wanted);
        return -1;
    }
    int64_t stack = stacks[lasti < 0 ? 0 : lasti];
    if (moment->suspended && stack >= 0) stack = pop(stack); /* the value that was yielded */
    int target = find_target(frame->code, lines, stacks, line, stack);
    if (target < 0) return -1;
    drop_items(frame, moment->generator != NULL ? &moment->generator->gi_exc_state : thread->exc_info, stack, stacks[target]);
    self->line = 0;
    frame->instruction = kr_code_start(frame->code) + target;
    if (moment->suspended) { /* resuming continues after the instruction, and must not push what is sent: nobody pops it */
        frame->instruction--;
        if (moment->yields)
            frame->flags |= KR_FRAME_JUMPED;
        else
            moment->generator->gi_frame_state = KR_FRAME_STATE_JUMPED;
    }
    return 0;
}

int kr_frame_set_line(PyFrameObject *self, PyObject *value, void *closure);
int kr_frame_set_line(PyFrameObject *self, PyObject *value, void *closure) {
    PyThreadState *thread = kr_tstate();
    PyCodeObject *code = self->frame->code;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "cannot delete attribute");
        return -1;
    }
    if (!PyLong_CheckExact(value)) {
        PyErr_SetString(PyExc_ValueError, "lineno must be an integer");
        return -1;
    }
    Moment moment = moment_of(thread, self->frame);
    const char *problem = refusal(thread, self, &moment);
    if (problem != NULL) {
        PyErr_SetString(PyExc_ValueError, problem);
        return -1;
    }
    long wanted;
    if (read_line(code, value, &wanted) < 0 || PySys_Audit("object.__setattr__", "Osi", self, "f_lineno", (int)wanted) < 0)
        return -1;
    int *lines = PyMem_New(int, kr_code_units(code));
    if (lines == NULL) PyErr_NoMemory();
    int64_t *stacks = lines == NULL ? NULL : compute_stacks(code);
    int status = stacks == NULL ? -1 : jump(thread, self, &moment, wanted, lines, stacks);
    PyMem_Free(lines);
    PyMem_Free(stacks);
    return status;
}
