/* Frames: the thread's frame stack, the end of a frame, lines and locals. */
#include <Python.h>

#include "collector/collector.h"
#include "compile/opcodes.h"
#include "object/runtime.h"
#include "types/code.h"
#include "vm/eval.h"
#include "vm/frame.h"

enum { CHUNK_BYTES = 16 * 1024 };

static _PyStackChunk *chunk_new(size_t slots, _PyStackChunk *previous) {
    size_t size = CHUNK_BYTES;
    while (size < sizeof(_PyStackChunk) + (slots + 1) * sizeof(PyObject *)) size *= 2;
    _PyStackChunk *chunk = PyMem_RawMalloc(size);
    if (chunk == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    chunk->previous = previous;
    chunk->size = size;
    chunk->top = 0;
    return chunk;
}

KrFrame *kr_frame_stack_grow(PyThreadState *thread, size_t slots) {
    _PyStackChunk *old = thread->datastack_chunk, *chunk = chunk_new(slots, old);
    if (chunk == NULL) return NULL;
    if (old != NULL) old->top = (size_t)(thread->datastack_top - &old->data[0]);
    thread->datastack_chunk = chunk;
    thread->datastack_limit = (PyObject **)((char *)chunk + chunk->size);
    thread->datastack_top = &chunk->data[0] + slots;
    return (KrFrame *)&chunk->data[0];
}

void kr_frame_pop_chunk(PyThreadState *thread, KrFrame *frame) {
    _PyStackChunk *chunk = thread->datastack_chunk, *previous = chunk->previous;
    if (previous == NULL) { /* the first chunk stays for the life of the thread */
        thread->datastack_top = (PyObject **)frame;
        return;
    }
    thread->datastack_chunk = previous;
    thread->datastack_top = &previous->data[0] + previous->top;
    thread->datastack_limit = (PyObject **)((char *)previous + previous->size);
    PyMem_RawFree(chunk);
}

void kr_frame_stack_free(PyThreadState *thread) {
    _PyStackChunk *chunk = thread->datastack_chunk;
    thread->datastack_chunk = NULL;
    thread->datastack_top = thread->datastack_limit = NULL;
    while (chunk != NULL) {
        _PyStackChunk *previous = chunk->previous;
        PyMem_RawFree(chunk);
        chunk = previous;
    }
}

/* Moves a finished frame into its frame object, which outlives it. */
static void move_into_object(KrFrame *frame, PyFrameObject *object) {
    size_t size = sizeof(KrFrame) + (size_t)frame->stack_top * sizeof(PyObject *);
    KrFrame *previous = kr_frame_first_complete(frame->previous);
    KrFrame *own = object->reserve;
    object->reserve = NULL;
    memcpy(own, frame, size);
    own->owner = KR_OWNED_BY_FRAME_OBJECT;
    own->frame_object = NULL;
    own->previous = NULL;
    object->own = own;
    object->frame = own;
    if (previous != NULL && object->f_back == NULL)
        object->f_back = (PyFrameObject *)Py_XNewRef((PyObject *)kr_frame_object(previous));
    kr_gc_track((PyObject *)object);
    Py_DECREF(object);
}

void kr_frame_clear(KrFrame *frame) {
    if (frame->frame_object != NULL) {
        PyFrameObject *object = frame->frame_object;
        frame->frame_object = NULL;
        if (Py_REFCNT(object) > 1) {
            move_into_object(frame, object);
            return;
        }
        object->frame = NULL;
        Py_DECREF(object);
    }
    int count = frame->stack_top;
    frame->stack_top = 0;
    for (int i = 0; i < count; i++) Py_CLEAR(frame->slot[i]);
    Py_CLEAR(frame->locals);
    Py_CLEAR(frame->function);
    Py_CLEAR(frame->code);
}

int kr_frame_traverse(KrFrame *frame, int running, visitproc visit, void *arg) {
    int count = running ? frame->code->co_nlocalsplus : frame->stack_top;
    Py_VISIT(frame->frame_object);
    Py_VISIT(frame->locals);
    Py_VISIT(frame->function);
    Py_VISIT(frame->code);
    for (int i = 0; i < count; i++) Py_VISIT(frame->slot[i]);
    return 0;
}

bool kr_frame_is_incomplete(const KrFrame *frame) {
    return frame->owner != KR_OWNED_BY_GENERATOR &&
           frame->instruction < kr_code_start(frame->code) + frame->code->_co_firsttraceable;
}

int kr_frame_line(const KrFrame *frame) {
    return PyCode_Addr2Line(frame->code, kr_frame_lasti(frame) * (int)sizeof(_Py_CODEUNIT));
}

/* True if local i is a cell that the code has already made (or a free variable), so that its value is inside it. */
static bool is_made_cell(const KrFrame *frame, int i, PyObject *value) {
    int kind = PyBytes_AS_STRING(frame->code->co_localspluskinds)[i];
    enum { LOCAL = 0x20, CELL = 0x40, FREE = 0x80 };
    if (kind & FREE) return value != NULL && PyCell_Check(value);
    if (!(kind & CELL) || value == NULL || !PyCell_Check(value)) return false;
    /* an argument that becomes a cell may itself be a cell object before MAKE_CELL has run */
    int lasti = kr_frame_lasti(frame);
    _Py_CODEUNIT *start = kr_code_start(frame->code);
    for (int at = 0, oparg = 0; at < lasti || (at == 0 && lasti > 0); at++) {
        int opcode = _Py_OPCODE(start[at]);
        oparg = oparg << 8 | _Py_OPARG(start[at]);
        if (opcode == OP_EXTENDED_ARG) continue;
        if (opcode == OP_MAKE_CELL && oparg == i) return true;
        if (kr_deoptimized_opcode[opcode] == OP_RESUME) break;
        oparg = 0;
    }
    return false;
}

/* Makes the free variables of a frame that did not start yet (a fresh generator expression ...) visible. */
static void copy_free_variables(KrFrame *frame) {
    PyCodeObject *code = frame->code;
    if (kr_frame_lasti(frame) >= 0 || code->co_nfreevars == 0 || frame->function->func_closure == NULL) return;
    PyObject **target = frame->slot + code->co_nlocalsplus - code->co_nfreevars;
    for (int i = 0; i < code->co_nfreevars; i++)
        Py_XSETREF(target[i], Py_NewRef(PyTuple_GET_ITEM(frame->function->func_closure, i)));
    frame->instruction = kr_code_start(code); /* COPY_FREE_VARS is the first instruction and has now been done */
}

int kr_frame_fast_to_locals(KrFrame *frame) {
    if (frame->locals == NULL) {
        frame->locals = PyDict_New();
        if (frame->locals == NULL) return -1;
    }
    PyCodeObject *code = frame->code;
    copy_free_variables(frame);
    for (int i = 0; i < code->co_nlocalsplus; i++) {
        int kind = PyBytes_AS_STRING(code->co_localspluskinds)[i];
        enum { FREE = 0x80 };
        if ((kind & FREE) && !(code->co_flags & CO_OPTIMIZED)) continue;
        PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, i), *value = frame->slot[i];
        if (is_made_cell(frame, i, value)) value = PyCell_GET(value);
        if (value != NULL) {
            if (PyObject_SetItem(frame->locals, name, value) != 0) return -1;
        } else if (PyObject_DelItem(frame->locals, name) != 0) {
            if (!PyErr_ExceptionMatches(PyExc_KeyError)) return -1;
            PyErr_Clear();
        }
    }
    return 0;
}

void kr_frame_locals_to_fast(KrFrame *frame, int clear) {
    if (frame == NULL || frame->locals == NULL || frame->code == NULL) return;
    PyCodeObject *code = frame->code;
    copy_free_variables(frame);
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    for (int i = 0; i < code->co_nlocalsplus; i++) {
        int kind = PyBytes_AS_STRING(code->co_localspluskinds)[i];
        enum { FREE = 0x80 };
        if ((kind & FREE) && !(code->co_flags & CO_OPTIMIZED)) continue;
        PyObject *value = PyObject_GetItem(frame->locals, PyTuple_GET_ITEM(code->co_localsplusnames, i));
        if (value == NULL) {
            PyErr_Clear();
            if (!clear) continue;
        }
        PyObject *old = frame->slot[i];
        if (is_made_cell(frame, i, old)) {
            PyObject *content = PyCell_GET(old);
            if (value != content) {
                PyCell_SET(old, Py_XNewRef(value));
                Py_XDECREF(content);
            }
        } else if (value != old) {
            Py_XINCREF(value);
            frame->slot[i] = value;
            Py_XDECREF(old);
        }
        Py_XDECREF(value);
    }
    PyErr_Restore(type, error, traceback);
}
