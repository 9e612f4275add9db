/* The collector's roots: what interpreters, threads and running frames refer to. */
#include <Python.h>

#include "object/interpreter.h"
#include "vm/frame.h"
#include "vm/roots.h"

#define VISIT(object)                                                                                                 \
    do {                                                                                                               \
        if ((object) != NULL) visit((PyObject *)(object), argument);                                                   \
    } while (0)

/* The operand stack of the frame on top is in the loop's registers; its locals are all that is certain to be there. */
static void visit_frame(const KrFrame *frame, visitproc visit, void *argument) {
    VISIT(frame->function);
    VISIT(frame->locals);
    for (int i = 0; i < frame->code->co_nlocalsplus; i++) VISIT(frame->slot[i]);
}

static void visit_thread(PyThreadState *thread, visitproc visit, void *argument) {
    VISIT(thread->dict);
    VISIT(thread->context);
    VISIT(thread->curexc_value);
    for (_PyErr_StackItem *item = thread->exc_info; item != NULL; item = item->previous_item) VISIT(item->exc_value);
    for (const KrFrame *frame = kr_current_frame(thread); frame != NULL; frame = frame->previous)
        visit_frame(frame, visit, argument);
}

void kr_roots_visit(visitproc visit, void *argument) {
    for (PyInterpreterState *interpreter = PyInterpreterState_Head(); interpreter != NULL;
         interpreter = PyInterpreterState_Next(interpreter)) {
        VISIT(interpreter->modules);
        VISIT(interpreter->sysdict);
        VISIT(interpreter->builtins);
        VISIT(interpreter->importlib);
        VISIT(interpreter->dict);
        for (PyThreadState *thread = interpreter->thread_head; thread != NULL; thread = thread->next)
            visit_thread(thread, visit, argument);
    }
}
