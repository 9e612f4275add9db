/* Start-up and shutdown: what other subjects contribute.
 *
 * Invariant: start-up runs the steps of start_core, then start_main, each building only on those before; shutdown runs in
 * the opposite order: threads, exit functions, streams, modules, types, memory.
 */
#ifndef KR_RUNTIME_LIFECYCLE_H
#define KR_RUNTIME_LIFECYCLE_H

#include <Python.h>

PyMODINIT_FUNC PyInit_builtins(void);

/* Signals (modules/_signal.c): SIGINT handler and module state; the end of both. */
int kr_signals_start(void);
void kr_signals_finish(void);
/* In the child after fork: signals that arrived before belong to the parent. */
void kr_signals_after_fork(void);
/* modules/faulthandler.c */
int kr_faulthandler_start(void);
void kr_faulthandler_dump_current(int descriptor);
/* Removes all handlers, ends the watchdog and frees everything. */
void kr_faulthandler_finish(void);
/* modules/_tracemalloc.c */
int kr_tracemalloc_start(int frames);
/* Ends tracing and frees everything. */
void kr_tracemalloc_finish(void);
/* modules/atexit.c: runs and drops the registered functions. */
void kr_atexit_call(PyInterpreterState *interpreter);

/* Sets the locale that the environment names; before the command line is decoded. */
void kr_locale_start(const PyConfig *config);

/* Replaces the configuration of the running interpreter, and what sys tells of it. Returns 0, or -1 with an exception. */
int kr_interpreter_configure(const PyConfig *config);
void kr_runtime_release(PyThreadState *thread);
/* Tells that nothing follows Py_FinalizeEx in this process: it leaves memory to the system then, but for builds that look for
 * leaks. */
void kr_process_ends_with_interpreter(void);
/* Drops the registrations of interpreter_id.c. */
void kr_cross_interpreter_finalize(void);
/* Gives back the pages of the executable that only start-up needs, once: before the main program runs (start_pages.c). */
void kr_start_pages_release(void);
/* Drops what the main program was read from (main.c). */
void kr_main_finalize(void);
/* Releases the lock of PyOS_Readline. */
void kr_readline_finalize(void);

/* Defined further down: releases what native modules keep in C variables (modules/release.c), and the tuples of keyword
 * names (abi/getargs_keywords.c). */
void kr_modules_release(void);
void kr_argument_parsers_finalize(void);

#endif
