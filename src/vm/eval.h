/* The evaluation loop and what it shares with its neighbours.
 *
 * Invariant: every C function that may run Python code may also replace the current exception, switch threads and
 * change tracing; the loop re-reads what it keeps in registers after such calls only where noted there.
 */
#ifndef KR_VM_EVAL_H
#define KR_VM_EVAL_H

#include <Python.h>

#include "object/runtime.h"
#include "vm/frame.h"

/* Nonzero when the loop has to look up from its work: signals, pending calls, lock requests, asynchronous exceptions.
 * Written by any thread. */
extern volatile int kr_eval_breaker;

/* Does what the breaker asks for. Returns 0, or -1 with an exception. */
int kr_eval_handle_pending(PyThreadState *thread);

/* Sets the limit of kr_c_stack_is_low for this thread. */
void kr_c_stack_initialize(void);
/* Raises RecursionError if a limit is reached; used after the cheap tests failed. Returns 0 or -1. */
PyAPI_FUNC(int) _Py_CheckRecursiveCall(PyThreadState *thread, const char *where);

/* Calls a Python function: binds the arguments (borrowed) and runs it. `locals` is NULL or the mapping of a class or module
 * body. */
PyObject *kr_eval_vector(PyThreadState *thread, PyFunctionObject *function, PyObject *locals, PyObject *const *args,
                         size_t argument_count, PyObject *keyword_names);

/* Pushes a frame for the call with its arguments bound. Steals `function`, `locals`, and every argument (positional and
 * keyword), also on failure. Returns NULL with an exception. */
KrFrame *kr_eval_push_call(PyThreadState *thread, PyFunctionObject *function, PyObject *locals, PyObject *const *args,
                           size_t argument_count, PyObject *keyword_names);
/* The same for f(*args, **kwargs); `kwargs` is NULL or a dict; both borrowed, `function` stolen. */
KrFrame *kr_eval_push_call_ex(PyThreadState *thread, PyFunctionObject *function, PyObject *args, PyObject *kwargs);

/* The builtins that code with these globals uses: globals['__builtins__'] or the interpreter's. A new reference. */
PyObject *kr_builtins_from_globals(PyObject *globals);

/* Finds the handler for an exception at a code offset (in units). Returns 1 and fills the results, or 0. */
int kr_find_handler(PyCodeObject *code, int offset, int *depth, int *handler, int *push_offset);

/* Support of single instructions (eval_support.c). New references or NULL unless noted. */
int kr_do_raise(PyThreadState *thread, PyObject *exception, PyObject *cause); /* steals both; 1: re-raise as is; 0 */
/* For a list, tuple, str or bytes and bounds that are small ints or None: sets *from <= *to as indices and returns 1; else 0. */
int kr_slice_bounds(PyObject *container, PyObject *start, PyObject *stop, Py_ssize_t *from, Py_ssize_t *to);
/* The part between these bounds; new reference or NULL. */
PyObject *kr_slice_take(PyObject *container, Py_ssize_t from, Py_ssize_t to);
int kr_unpack_iterable(PyThreadState *thread, PyObject *iterable, int before, int after, PyObject **top);
PyObject *kr_import_name(PyThreadState *thread, KrFrame *frame, PyObject *name, PyObject *from, PyObject *level);
PyObject *kr_import_from(PyThreadState *thread, PyObject *module, PyObject *name);
int kr_import_all_from(PyThreadState *thread, PyObject *locals, PyObject *module);
PyObject *kr_match_class(PyThreadState *thread, PyObject *subject, PyObject *type, Py_ssize_t count, PyObject *names);
PyObject *kr_match_keys(PyThreadState *thread, PyObject *map, PyObject *keys);
int kr_check_except_type_valid(PyThreadState *thread, PyObject *right);
int kr_check_except_star_type_valid(PyThreadState *thread, PyObject *right);
int kr_exception_group_match(PyObject *exception, PyObject *type, PyObject **match, PyObject **rest);
void kr_format_exception_unbound(PyThreadState *thread, PyCodeObject *code, int index);
void kr_format_name_error(PyThreadState *thread, PyObject *type, const char *format, PyObject *name);
void kr_format_kwargs_error(PyThreadState *thread, PyObject *function, PyObject *kwargs);
int kr_check_args_iterable(PyThreadState *thread, PyObject *function, PyObject *args);
PyObject *kr_build_class(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *keyword_names);
PyObject *kr_load_special_method(PyObject *object, PyObject *name); /* bound; NULL without exception if absent */

/* Generators (generator.c). */
PyObject *kr_generator_new(PyFunctionObject *function);
PyObject *kr_generator_yield_from(PyObject *generator); /* what it delegates to: new reference or NULL */
PyObject *kr_coroutine_get_awaitable(PyObject *object);
PyObject *kr_async_gen_wrap(PyObject *value);

/* Tracing (tracing.c). */
int kr_trace_call(PyThreadState *thread, KrFrame *frame);
int kr_trace_return(PyThreadState *thread, KrFrame *frame, PyObject *value); /* value NULL: unwinding */
void kr_trace_exception(PyThreadState *thread, KrFrame *frame);
/* The frame is resumed by an exception that is set, and stays so unless the hook raises another. */
void kr_trace_throw(PyThreadState *thread, KrFrame *frame);
/* Reports the instruction that is about to run; `previous_offset` is that of the one that ran before it. */
int kr_trace_instruction(PyThreadState *thread, KrFrame *frame, int previous_offset);
PyObject *kr_trace_c_call(PyThreadState *thread, KrFrame *frame, PyObject *callable, PyObject *const *args,
                          size_t count, PyObject *keyword_names);

/* Functions (function.c). */
uint32_t kr_function_version(PyFunctionObject *function); /* 0: ran out */

#endif
