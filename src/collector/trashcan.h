/* The trashcan, inline: bounds the C stack that deallocating nested containers takes.
 *
 * Invariant: `trash_delete_nesting` is the number of deallocators on the C stack between a successful kr_trash_enter and
 * its kr_trash_leave. At KR_TRASH_INLINE_DEPTH and deeper, the functions of the public trashcan decide; they put the
 * object aside, and the outermost level works off what was put aside.
 */
#ifndef KR_COLLECTOR_TRASHCAN_H
#define KR_COLLECTOR_TRASHCAN_H

#include <Python.h>

#include "object/runtime.h"

enum { KR_TRASH_INLINE_DEPTH = 40 };

/* Returns 1 if the deallocation of an untracked object may proceed; 0 if the object was put aside, so that its deallocator
 * must return at once. It is called again later, and begins anew. */
static inline int kr_trash_enter(PyThreadState *thread, void *object) {
    if (__builtin_expect(thread->trash_delete_nesting >= KR_TRASH_INLINE_DEPTH, 0))
        return _PyTrash_begin(thread, (PyObject *)object) == 0;
    thread->trash_delete_nesting++;
    return 1;
}

static inline void kr_trash_leave(PyThreadState *thread) {
    if (__builtin_expect(thread->trash_delete_later != NULL, 0))
        _PyTrash_end(thread);
    else
        thread->trash_delete_nesting--;
}

#endif
