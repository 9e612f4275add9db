/* Jumping in a traced frame: assignment to f_lineno.
 *
 * A jump is safe if the operand stack at the target is the current one with items taken off, so the shape of the stack is
 * computed for every instruction: a word of two-bit kinds, the bottom item highest.
 */
#include <Python.h>
#include <frameobject.h>

#include "compile/opcodes.h"
#include "object/runtime.h"
#include "types/code.h"
#include "vm/eval.h"
#include "vm/frame.h"

typedef enum Kind { KIND_ITERATOR = 1, KIND_EXCEPTION = 2, KIND_OBJECT = 3, KIND_NULL = 4, KIND_LASTI = 5 } Kind;

enum { KIND_BITS = 3, MOST_ITEMS = 63 / KIND_BITS };

static const int64_t UNKNOWN = -1, OVERFLOWED = -2;

static int64_t push(int64_t stack, Kind kind) {
    if (stack < 0 || stack >> ((MOST_ITEMS - 1) * KIND_BITS) != 0) return OVERFLOWED;
    return stack << KIND_BITS | kind;
}
static int64_t pop(int64_t stack) { return stack < 0 ? OVERFLOWED : stack >> KIND_BITS; }
static Kind top(int64_t stack) { return stack < 0 ? KIND_OBJECT : (Kind)(stack & 7); }

static int64_t peek_kind(int64_t stack, int depth) { return stack < 0 ? KIND_OBJECT : (stack >> (depth - 1) * KIND_BITS) & 7; }

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
                    if (stacks[target] == UNKNOWN) again = 1;
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
                    if (stacks[target] == UNKNOWN) again = 1;
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
                case OP_SWAP: {
                    int64_t kinds[MOST_ITEMS];
                    if (stack < 0 || oparg >= MOST_ITEMS) {
                        merge(stacks, next, stack);
                        break;
                    }
                    for (int k = 1; k <= oparg; k++) kinds[k] = peek_kind(stack, k);
                    int64_t swapped = pop_many(stack, oparg), kind = kinds[1];
                    kinds[1] = kinds[oparg];
                    kinds[oparg] = kind;
                    for (int k = oparg; k >= 1; k--) swapped = push(swapped, (Kind)kinds[k]);
                    merge(stacks, next, swapped);
                    break;
                }
                case OP_COPY: merge(stacks, next, push(stack, (Kind)peek_kind(stack, oparg))); break;
                default: {
                    int effect = PyCompile_OpcodeStackEffect(opcode, opcode >= OP_HAVE_ARGUMENT ? oparg : 0);
                    merge(stacks, next, effect < 0 ? pop_many(stack, -effect) : push_many(stack, effect));
                }
            }
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
    if (target == UNKNOWN) return "can't jump into an unreachable statement or a block"; /* refined by the caller */
    switch (top(target)) {
        case KIND_EXCEPTION: return "can't jump into an 'except' block as there's no exception";
        case KIND_LASTI: return "can't jump into a re-raising block as there's no location";
        case KIND_ITERATOR: return "can't jump into the body of a for loop";
        default: return "incompatible stacks";
    }
}

int kr_frame_set_line(PyFrameObject *self, PyObject *value, void *closure);
int kr_frame_set_line(PyFrameObject *self, PyObject *value, void *closure) {
    PyThreadState *thread = kr_tstate();
    KrFrame *frame = self->frame;
    PyCodeObject *code = frame->code;
    if (value == NULL) {
        PyErr_SetString(PyExc_AttributeError, "cannot delete attribute");
        return -1;
    }
    if (!PyLong_CheckExact(value)) {
        PyErr_SetString(PyExc_ValueError, "lineno must be an integer");
        return -1;
    }
    int generator_state = frame->owner == KR_OWNED_BY_GENERATOR ? kr_frame_generator(frame)->gi_frame_state
                                                                : KR_FRAME_STATE_EXECUTING;
    /* a generator may also jump in the event of its yield: the frame then is as good as suspended */
    int yields = frame->owner == KR_OWNED_BY_GENERATOR && generator_state == KR_FRAME_STATE_EXECUTING &&
                 thread->tracing_what == PyTrace_RETURN && frame->instruction >= kr_code_start(code) &&
                 _Py_OPCODE(*frame->instruction) == OP_YIELD_VALUE;
    int suspended = generator_state == KR_FRAME_STATE_SUSPENDED || yields;
    if (generator_state == KR_FRAME_STATE_JUMPED || frame->flags & KR_FRAME_JUMPED) {
        PyErr_SetString(PyExc_ValueError, "can only jump once before the generator is resumed");
        return -1;
    }
    if (frame->owner == KR_OWNED_BY_GENERATOR && kr_frame_generator(frame)->gi_frame_state == KR_FRAME_STATE_CREATED) {
        PyErr_Format(PyExc_ValueError, "can't jump from the 'call' trace event of a new frame");
        return -1;
    }
    if (!suspended) switch (thread->tracing_what) {
            case PyTrace_EXCEPTION:
                PyErr_SetString(PyExc_ValueError, "can only jump from a 'line' trace event");
                return -1;
            case PyTrace_CALL:
                PyErr_Format(PyExc_ValueError, "can't jump from the 'call' trace event of a new frame");
                return -1;
            case PyTrace_LINE: break;
            case PyTrace_RETURN:
                if (!suspended) {
                    PyErr_SetString(PyExc_ValueError, "can only jump from a 'line' trace event");
                    return -1;
                }
                break;
            default: PyErr_SetString(PyExc_ValueError, "can only jump from a 'line' trace event"); return -1;
        }
    if (self->trace == NULL) {
        PyErr_Format(PyExc_ValueError, "f_lineno can only be set by a trace function");
        return -1;
    }
    int overflow;
    long wanted = PyLong_AsLongAndOverflow(value, &overflow);
    if (overflow || wanted > INT_MAX || wanted < INT_MIN) {
        PyErr_SetString(PyExc_ValueError, "lineno out of range");
        return -1;
    }
    if (wanted < code->co_firstlineno) {
        PyErr_Format(PyExc_ValueError, "line %ld comes before the current code block", wanted);
        return -1;
    }
    int units = kr_code_units(code);
    if (PySys_Audit("object.__setattr__", "Osi", self, "f_lineno", (int)wanted) < 0) return -1;
    /* starts of lines: the first line at or after the wanted one that has code */
    int *lines = PyMem_New(int, units);
    int64_t *stacks = lines == NULL ? NULL : compute_stacks(code);
    if (stacks == NULL) {
        if (lines == NULL) PyErr_NoMemory();
        PyMem_Free(lines);
        return -1;
    }
    for (int i = 0; i < units; i++) lines[i] = -1;
    KrLocationWalk walk;
    int last = -1, first_after = INT_MAX;
    kr_location_walk_init(&walk, code);
    while (kr_location_walk_step(&walk)) {
        int line = walk.location.lineno;
        if (line != last && line != -1) {
            last = line;
            lines[walk.start / (int)sizeof(_Py_CODEUNIT)] = line;
            if (line >= wanted && line < first_after && walk.start / 2 >= code->_co_firsttraceable) first_after = line;
        }
        if (line == -1) last = -1;
    }
    int result = -1;
    if (first_after == INT_MAX) {
        PyErr_Format(PyExc_ValueError, "line %ld comes after the current code block", wanted);
        goto done;
    }
    int lasti = kr_frame_lasti(frame), best = -1;
    int64_t start_stack = stacks[lasti < 0 ? 0 : lasti], best_stack = UNKNOWN;
    if (suspended && start_stack >= 0) start_stack = pop(start_stack); /* the value that was yielded */
    const char *message = "cannot find bytecode for specified line";
    int64_t seen = UNKNOWN;
    for (int i = 0; i < units; i++) {
        if (lines[i] != first_after) continue;
        int64_t target = stacks[i];
        if (seen == UNKNOWN) seen = target;
        if (compatible(start_stack, target)) {
            message = NULL;
            if (best < 0 || target > best_stack) {
                best_stack = target;
                best = i;
            }
        } else if (message != NULL) {
            message = start_stack == OVERFLOWED ? "stack to deep to analyze"
                      : start_stack == UNKNOWN  ? "can't jump from unreachable code"
                      : target == UNKNOWN       ? "can't jump into unreachable code"
                                                : explain(target);
        }
    }
    if (message != NULL) {
        PyErr_SetString(PyExc_ValueError, message);
        goto done;
    }
    /* drop what the target does not have */
    _PyErr_StackItem *handled =
        frame->owner == KR_OWNED_BY_GENERATOR ? &kr_frame_generator(frame)->gi_exc_state : thread->exc_info;
    while (start_stack > best_stack) {
        if (top(start_stack) == KIND_EXCEPTION) {
            PyObject *old = handled->exc_value, *value_below = frame->slot[--frame->stack_top];
            handled->exc_value = value_below == Py_None ? NULL : value_below;
            if (value_below == Py_None) Py_DECREF(value_below);
            Py_XDECREF(old);
        } else {
            PyObject *dropped = frame->slot[--frame->stack_top];
            Py_XDECREF(dropped);
        }
        start_stack = pop(start_stack);
    }
    self->line = 0;
    frame->instruction = kr_code_start(code) + best;
    if (suspended) { /* resuming continues after the instruction, and must not push what is sent: nobody pops it */
        frame->instruction--;
        if (yields)
            frame->flags |= KR_FRAME_JUMPED;
        else
            kr_frame_generator(frame)->gi_frame_state = KR_FRAME_STATE_JUMPED;
    }
    result = 0;
done:
    PyMem_Free(lines);
    PyMem_Free(stacks);
    return result;
}
