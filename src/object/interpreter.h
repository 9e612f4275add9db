/* The state of one interpreter: what the public headers leave opaque behind PyInterpreterState.
 *
 * Invariant: everything here is guarded by the global interpreter lock. Objects are owned.
 */
#ifndef KR_OBJECT_INTERPRETER_H
#define KR_OBJECT_INTERPRETER_H

#include <Python.h>

struct _is {
    PyInterpreterState *next;
    int64_t id;
    PyThreadState *thread_head; /* all thread states of this interpreter, newest first */
    uint64_t next_thread_id;

    PyObject *modules;       /* sys.modules */
    PyObject *modules_by_index; /* list: per-interpreter modules of single-phase extension modules */
    PyObject *sysdict;       /* the namespace of sys */
    PyObject *builtins;      /* the namespace of builtins */
    PyObject *import_func;   /* builtins.__import__ as it was at start-up */
    PyObject *importlib;     /* the module _frozen_importlib */
    PyObject *dict;          /* PyInterpreterState_GetDict */

    /* What the evaluation loop recognises by identity; borrowed from builtins and list. */
    PyObject *len_function, *isinstance_function, *list_append;

    PyConfig config;
    int finalizing;
    int int_max_str_digits;
    int recursion_limit;
    unsigned long switch_interval; /* microseconds */
    PyObject *before_forkers, *after_forkers_parent, *after_forkers_child;
    PyObject *audit_hooks; /* list or NULL */
    _PyFrameEvalFunction eval_frame;
    long id_refcount; /* how many InterpreterID objects name this interpreter; -1 before the first */
    int requires_idref; /* the interpreter ends with the last of them */
    long thread_count;  /* threads that _thread.start_new_thread started and that still run */

    struct {
        PyObject *search_functions; /* list; NULL until the registry is used */
        PyObject *cache;            /* dict from normalised name to codec tuple */
        PyObject *handlers;         /* dict from name to error handler */
        int imported;               /* 1 after `encodings` was imported */
        const struct KrCharacterNames *character_names; /* unicodedata's; NULL until a codec needs one */
    } codecs;
    struct {
        PyObject *filters;        /* list */
        PyObject *once_registry;  /* dict */
        PyObject *default_action; /* str */
        long filters_version;
    } warnings;
};

static inline int kr_interpreter_is_main(const PyInterpreterState *self) { return self->id == 0; }

#endif
