/* Calling Python functions: binding arguments to parameters, entering the loop from C. */
#include <Python.h>

#include <pthread.h>

#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "types/code.h"
#include "vm/eval.h"

/* "a, b and c": the quoted names of an error message. */
static PyObject *join_names(PyObject *names) {
    Py_ssize_t count = PyList_GET_SIZE(names);
    if (count == 1) return Py_NewRef(PyList_GET_ITEM(names, 0));
    if (count == 2)
        return PyUnicode_FromFormat("%U and %U", PyList_GET_ITEM(names, 0), PyList_GET_ITEM(names, 1));
    PyObject *tail = PyUnicode_FromFormat(", %U, and %U", PyList_GET_ITEM(names, count - 2),
                                          PyList_GET_ITEM(names, count - 1));
    if (tail == NULL) return NULL;
    PyObject *head = PyList_GetSlice(names, 0, count - 2), *comma = PyUnicode_FromString(", "), *text = NULL;
    if (head != NULL && comma != NULL) {
        PyObject *front = PyUnicode_Join(comma, head);
        if (front != NULL) text = PyUnicode_Concat(front, tail);
        Py_XDECREF(front);
    }
    Py_XDECREF(head);
    Py_XDECREF(comma);
    Py_DECREF(tail);
    return text;
}

static void raise_missing(PyFunctionObject *function, const char *kind, PyObject *names) {
    PyObject *text = join_names(names);
    if (text == NULL) return;
    Py_ssize_t count = PyList_GET_SIZE(names);
    PyErr_Format(PyExc_TypeError, "%U() missing %zd required %s argument%s: %U", function->func_qualname, count, kind,
                 count == 1 ? "" : "s", text);
    Py_DECREF(text);
}

/* Raises for the parameters in [first, end) that have no argument. */
static void missing_arguments(PyFunctionObject *function, PyCodeObject *code, int first, int end, const char *kind,
                              PyObject **local) {
    PyObject *names = PyList_New(0);
    if (names == NULL) return;
    for (int i = first; i < end; i++) {
        if (local[i] != NULL) continue;
        PyObject *name = PyObject_Repr(PyTuple_GET_ITEM(code->co_localsplusnames, i));
        if (name == NULL || PyList_Append(names, name) < 0) {
            Py_XDECREF(name);
            Py_DECREF(names);
            return;
        }
        Py_DECREF(name);
    }
    raise_missing(function, kind, names);
    Py_DECREF(names);
}

static void too_many_positional(PyFunctionObject *function, PyCodeObject *code, Py_ssize_t given, PyObject **local) {
    int keyword_only_given = 0, parameters = code->co_argcount;
    for (int i = parameters; i < parameters + code->co_kwonlyargcount; i++)
        if (local[i] != NULL) keyword_only_given++;
    Py_ssize_t defaults = function->func_defaults == NULL ? 0 : PyTuple_GET_SIZE(function->func_defaults);
    int plural = parameters != 1;
    PyObject *signature;
    if (defaults != 0) {
        Py_ssize_t least = parameters - defaults;
        plural = 1;
        signature = PyUnicode_FromFormat("from %zd to %d", least, parameters);
    } else {
        signature = PyUnicode_FromFormat("%d", parameters);
    }
    if (signature == NULL) return;
    PyObject *extra = keyword_only_given == 0
                          ? PyUnicode_FromString("")
                          : PyUnicode_FromFormat(" positional argument%s (and %d keyword-only argument%s)",
                                                 given != 1 ? "s" : "", keyword_only_given,
                                                 keyword_only_given != 1 ? "s" : "");
    if (extra != NULL)
        PyErr_Format(PyExc_TypeError, "%U() takes %U positional argument%s but %zd%U %s given", function->func_qualname,
                     signature, plural ? "s" : "", given, extra, given == 1 && keyword_only_given == 0 ? "was" : "were");
    Py_XDECREF(extra);
    Py_DECREF(signature);
}

/* Raises TypeError if names passed as keywords belong to positional-only parameters. Returns 1 if it raised. */
static int positional_only_as_keyword(PyFunctionObject *function, PyCodeObject *code, PyObject *keyword_names) {
    PyObject *found = PyList_New(0);
    if (found == NULL) return 1;
    for (int i = 0; i < code->co_posonlyargcount; i++) {
        PyObject *parameter = PyTuple_GET_ITEM(code->co_localsplusnames, i);
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(keyword_names); k++) {
            int equal = PyObject_RichCompareBool(parameter, PyTuple_GET_ITEM(keyword_names, k), Py_EQ);
            if (equal < 0 || (equal && PyList_Append(found, parameter) < 0)) {
                Py_DECREF(found);
                return 1;
            }
        }
    }
    if (PyList_GET_SIZE(found) == 0) {
        Py_DECREF(found);
        return 0;
    }
    PyObject *comma = PyUnicode_FromString(", "), *text = comma == NULL ? NULL : PyUnicode_Join(comma, found);
    if (text != NULL)
        PyErr_Format(PyExc_TypeError, "%U() got some positional-only arguments passed as keyword arguments: '%U'",
                     function->func_qualname, text);
    Py_XDECREF(text);
    Py_XDECREF(comma);
    Py_DECREF(found);
    return 1;
}

/* Index of the parameter that a keyword names, -1 if there is none, -2 on error. */
static int find_parameter(PyCodeObject *code, PyObject *keyword) {
    PyObject **names = &PyTuple_GET_ITEM(code->co_localsplusnames, 0);
    int total = code->co_argcount + code->co_kwonlyargcount;
    for (int i = code->co_posonlyargcount; i < total; i++)
        if (names[i] == keyword) return i;
    for (int i = code->co_posonlyargcount; i < total; i++) {
        int equal = PyObject_RichCompareBool(keyword, names[i], Py_EQ);
        if (equal != 0) return equal < 0 ? -2 : i;
    }
    return -1;
}

/* Fills the parameters (which are NULL) from the arguments, all of which it takes over, even when it fails. Returns 0 or
 * -1. */
static int bind_arguments(PyThreadState *thread, PyFunctionObject *function, PyObject **local, PyObject *const *args,
                          Py_ssize_t given, PyObject *keyword_names) {
    PyCodeObject *code = (PyCodeObject *)function->func_code;
    int positional = code->co_argcount, total = positional + code->co_kwonlyargcount;
    Py_ssize_t keywords = keyword_names == NULL ? 0 : PyTuple_GET_SIZE(keyword_names), done = 0;
    PyObject *extra_keywords = NULL;

    if (kr_code_load(code) < 0) goto fail_early;
    if (code->co_flags & CO_VARKEYWORDS) {
        extra_keywords = PyDict_New();
        if (extra_keywords == NULL) goto fail_early;
        local[total + ((code->co_flags & CO_VARARGS) != 0)] = extra_keywords;
    }
    Py_ssize_t direct = given > positional ? positional : given;
    for (Py_ssize_t i = 0; i < direct; i++) local[i] = args[i];
    if (code->co_flags & CO_VARARGS) {
        PyObject *rest = PyTuple_New(given - direct);
        if (rest == NULL) {
            for (Py_ssize_t i = direct; i < given; i++) Py_DECREF(args[i]);
            goto fail_keywords;
        }
        for (Py_ssize_t i = direct; i < given; i++) PyTuple_SET_ITEM(rest, i - direct, args[i]);
        local[total] = rest;
    } else {
        for (Py_ssize_t i = direct; i < given; i++) Py_DECREF(args[i]);
    }

    for (; done < keywords; done++) {
        PyObject *keyword = PyTuple_GET_ITEM(keyword_names, done), *value = args[given + done];
        if (!PyUnicode_Check(keyword)) {
            PyErr_Format(PyExc_TypeError, "%U() keywords must be strings", function->func_qualname);
            goto fail_keywords;
        }
        int index = find_parameter(code, keyword);
        if (index == -2) goto fail_keywords;
        if (index == -1) {
            if (extra_keywords != NULL) {
                if (PyDict_SetItem(extra_keywords, keyword, value) < 0) goto fail_keywords;
                Py_DECREF(value);
                continue;
            }
            if (code->co_posonlyargcount == 0 || !positional_only_as_keyword(function, code, keyword_names))
                PyErr_Format(PyExc_TypeError, "%U() got an unexpected keyword argument '%S'", function->func_qualname,
                             keyword);
            goto fail_keywords;
        }
        if (local[index] != NULL) {
            PyErr_Format(PyExc_TypeError, "%U() got multiple values for argument '%S'", function->func_qualname, keyword);
            goto fail_keywords;
        }
        local[index] = value;
    }

    if (given > positional && !(code->co_flags & CO_VARARGS)) {
        too_many_positional(function, code, given, local);
        return -1;
    }
    if (given < positional) {
        Py_ssize_t defaults = function->func_defaults == NULL ? 0 : PyTuple_GET_SIZE(function->func_defaults);
        int required = positional - (int)defaults;
        for (int i = (int)given; i < required; i++)
            if (local[i] == NULL) {
                missing_arguments(function, code, 0, required, "positional", local);
                return -1;
            }
        for (int i = given > required ? (int)given : required; i < positional; i++)
            if (local[i] == NULL) local[i] = Py_NewRef(PyTuple_GET_ITEM(function->func_defaults, i - required));
    }
    if (code->co_kwonlyargcount > 0) {
        int missing = 0;
        for (int i = positional; i < total; i++) {
            if (local[i] != NULL) continue;
            if (function->func_kwdefaults != NULL) {
                PyObject *value = PyDict_GetItemWithError(function->func_kwdefaults,
                                                          PyTuple_GET_ITEM(code->co_localsplusnames, i));
                if (value != NULL) {
                    local[i] = Py_NewRef(value);
                    continue;
                }
                if (PyErr_Occurred()) return -1;
            }
            missing++;
        }
        if (missing > 0) {
            missing_arguments(function, code, positional, total, "keyword-only", local);
            return -1;
        }
    }
    return 0;

fail_early:
    for (Py_ssize_t i = 0; i < given; i++) Py_DECREF(args[i]);
fail_keywords:
    for (; done < keywords; done++) Py_DECREF(args[given + done]);
    return -1;
}

KrFrame *kr_eval_push_call(PyThreadState *thread, PyFunctionObject *function, PyObject *locals, PyObject *const *args,
                           size_t argument_count, PyObject *keyword_names) {
    PyCodeObject *code = (PyCodeObject *)function->func_code;
    KrFrame *frame = kr_frame_push(thread, kr_frame_slots(code));
    if (frame == NULL) {
        Py_ssize_t total = (Py_ssize_t)argument_count + (keyword_names == NULL ? 0 : PyTuple_GET_SIZE(keyword_names));
        for (Py_ssize_t i = 0; i < total; i++) Py_DECREF(args[i]);
        Py_DECREF(function);
        Py_XDECREF(locals);
        return NULL;
    }
    kr_frame_initialize(frame, function, locals, code);
    for (int i = 0; i < code->co_nlocalsplus; i++) frame->slot[i] = NULL;
    if (keyword_names == NULL && (int)argument_count == code->co_argcount && code->co_kwonlyargcount == 0 &&
        !(code->co_flags & (CO_VARARGS | CO_VARKEYWORDS))) {
        for (size_t i = 0; i < argument_count; i++) frame->slot[i] = args[i];
        return frame;
    }
    if (bind_arguments(thread, function, frame->slot, args, (Py_ssize_t)argument_count, keyword_names) < 0) {
        kr_frame_clear(frame);
        kr_frame_pop(thread, frame);
        return NULL;
    }
    return frame;
}

KrFrame *kr_eval_push_call_ex(PyThreadState *thread, PyFunctionObject *function, PyObject *args, PyObject *kwargs) {
    Py_ssize_t given = PyTuple_GET_SIZE(args), keywords = kwargs == NULL ? 0 : PyDict_GET_SIZE(kwargs);
    PyObject *few[16], **all = few, *names = NULL;
    if (given + keywords > 16) {
        all = PyMem_New(PyObject *, given + keywords);
        if (all == NULL) {
            PyErr_NoMemory();
            Py_DECREF(function);
            return NULL;
        }
    }
    if (keywords > 0) {
        names = PyTuple_New(keywords);
        if (names == NULL) {
            if (all != few) PyMem_Free(all);
            Py_DECREF(function);
            return NULL;
        }
    }
    for (Py_ssize_t i = 0; i < given; i++) all[i] = Py_NewRef(PyTuple_GET_ITEM(args, i));
    if (keywords > 0) {
        PyObject *key, *value;
        Py_ssize_t position = 0, i = 0;
        int all_str = 1;
        while (PyDict_Next(kwargs, &position, &key, &value)) {
            all_str &= PyUnicode_Check(key);
            PyTuple_SET_ITEM(names, i, Py_NewRef(key));
            all[given + i++] = Py_NewRef(value);
        }
        if (!all_str) {
            PyErr_SetString(PyExc_TypeError, "keywords must be strings");
            for (Py_ssize_t k = 0; k < given + keywords; k++) Py_DECREF(all[k]);
            Py_DECREF(names);
            if (all != few) PyMem_Free(all);
            Py_DECREF(function);
            return NULL;
        }
    }
    KrFrame *frame = kr_eval_push_call(thread, function, NULL, all, (size_t)given, names);
    Py_XDECREF(names);
    if (all != few) PyMem_Free(all);
    return frame;
}

PyObject *kr_eval_vector(PyThreadState *thread, PyFunctionObject *function, PyObject *locals, PyObject *const *args,
                         size_t argument_count, PyObject *keyword_names) {
    Py_INCREF(function);
    Py_XINCREF(locals);
    size_t total = argument_count + (keyword_names == NULL ? 0 : (size_t)PyTuple_GET_SIZE(keyword_names));
    for (size_t i = 0; i < total; i++) Py_INCREF(args[i]);
    KrFrame *frame = kr_eval_push_call(thread, function, locals, args, argument_count, keyword_names);
    if (frame == NULL) return NULL;
    if (thread->interp->eval_frame != NULL) return thread->interp->eval_frame(thread, frame, 0);
    return _PyEval_EvalFrameDefault(thread, frame, 0);
}

PyObject *_PyFunction_Vectorcall(PyObject *function, PyObject *const *args, size_t nargsf, PyObject *keyword_names) {
    PyFunctionObject *self = (PyFunctionObject *)function;
    PyCodeObject *code = (PyCodeObject *)self->func_code;
    return kr_eval_vector(kr_tstate(), self, code->co_flags & CO_OPTIMIZED ? NULL : self->func_globals, args,
                          (size_t)PyVectorcall_NARGS(nargsf), keyword_names);
}

/* ---- Evaluating code objects ---- */

/* The builtins that code with these globals uses: globals["__builtins__"] or the interpreter's. A new reference. */
PyObject *kr_builtins_from_globals(PyObject *globals) {
    PyObject *builtins = PyDict_GetItemWithError(globals, KR_NAME(__builtins__));
    if (builtins != NULL) {
        if (PyModule_Check(builtins)) {
            builtins = PyModule_GetDict(builtins);
            if (builtins == NULL) return NULL;
        }
        return Py_NewRef(builtins);
    }
    if (PyErr_Occurred()) return NULL;
    return Py_NewRef(PyEval_GetBuiltins());
}

static PyObject *eval_code(PyObject *code, PyObject *globals, PyObject *locals, PyObject *const *args, int argument_count,
                           PyObject *const *keywords, int keyword_count, PyObject *const *defaults, int default_count,
                           PyObject *keyword_defaults, PyObject *closure) {
    PyThreadState *thread = kr_tstate();
    PyObject *result = NULL, *names = NULL, **all = NULL, *default_tuple = NULL;
    PyFunctionObject *function = (PyFunctionObject *)PyFunction_New(code, globals);
    if (function == NULL) return NULL;
    if (default_count > 0) {
        default_tuple = PyTuple_New(default_count);
        if (default_tuple == NULL) goto done;
        for (int i = 0; i < default_count; i++) PyTuple_SET_ITEM(default_tuple, i, Py_NewRef(defaults[i]));
        function->func_defaults = default_tuple;
    }
    if (keyword_defaults != NULL) function->func_kwdefaults = Py_NewRef(keyword_defaults);
    if (closure != NULL) function->func_closure = Py_NewRef(closure);
    if (keyword_count > 0) {
        names = PyTuple_New(keyword_count);
        all = PyMem_New(PyObject *, argument_count + keyword_count);
        if (names == NULL || all == NULL) {
            PyErr_NoMemory();
            goto done;
        }
        for (int i = 0; i < argument_count; i++) all[i] = args[i];
        for (int i = 0; i < keyword_count; i++) {
            PyTuple_SET_ITEM(names, i, Py_NewRef(keywords[2 * i]));
            all[argument_count + i] = keywords[2 * i + 1];
        }
        args = all;
    }
    result = kr_eval_vector(thread, function, ((PyCodeObject *)code)->co_flags & CO_OPTIMIZED ? NULL : locals, args,
                            (size_t)argument_count, names);
done:
    PyMem_Free(all);
    Py_XDECREF(names);
    Py_DECREF(function);
    return result;
}

PyObject *PyEval_EvalCode(PyObject *code, PyObject *globals, PyObject *locals) {
    if (locals == NULL) locals = globals;
    return eval_code(code, globals, locals, NULL, 0, NULL, 0, NULL, 0, NULL, NULL);
}

PyObject *PyEval_EvalCodeEx(PyObject *code, PyObject *globals, PyObject *locals, PyObject *const *args, int argcount,
                            PyObject *const *kws, int kwcount, PyObject *const *defs, int defcount, PyObject *kwdefs,
                            PyObject *closure) {
    if (locals == NULL) locals = globals;
    return eval_code(code, globals, locals, args, argcount, kws, kwcount, defs, defcount, kwdefs, closure);
}

PyObject *PyEval_EvalFrame(PyFrameObject *frame) { return PyEval_EvalFrameEx(frame, 0); }

PyObject *PyEval_EvalFrameEx(PyFrameObject *frame, int throwing) {
    return _PyEval_EvalFrameDefault(kr_tstate(), frame->frame, throwing);
}

/* ---- The recursion guards ---- */

__thread char *kr_c_stack_limit;

#ifdef KRAIT_SANITIZE
enum { FRAME_SCALE = 8 }; /* what it lays around local variables makes frames several times larger */
#else
enum { FRAME_SCALE = 1 };
#endif
enum {
    C_STACK_MOST = FRAME_SCALE * (64 << 20),    /* bytes of C stack that are used at most */
    C_STACK_RESERVE = FRAME_SCALE * 256 * 1024, /* bytes that stay free, for the error's own handling and signal handlers */
};
/* Calls beyond the limit that handling a RecursionError itself may make. */
enum { HEADROOM = 50 };

void kr_c_stack_initialize(void) {
    pthread_attr_t attributes;
    void *base = NULL;
    size_t size = 0;
    char *here = __builtin_frame_address(0);
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &base, &size);
        pthread_attr_destroy(&attributes);
    }
    if (base == NULL || size <= 2 * C_STACK_RESERVE) {
        size_t reserve = size / 4;
        kr_c_stack_limit = base == NULL ? here - 4 * C_STACK_RESERVE : (char *)base + reserve;
        return;
    }
    /* an unlimited main stack reports a huge size: what the kernel can really grow to is not known, C_STACK_MOST is safe */
    size_t most = (size_t)C_STACK_MOST;
    if ((size_t)(here - (char *)base) > most) base = here - most;
    kr_c_stack_limit = (char *)base + C_STACK_RESERVE;
}

int _Py_CheckRecursiveCall(PyThreadState *thread, const char *where) {
    if (kr_c_stack_is_low()) {
        PyErr_Format(PyExc_RecursionError, "maximum recursion depth exceeded%s", where);
        return -1;
    }
    if (thread->recursion_remaining >= 0) return 0;
    if (thread->recursion_headroom && thread->recursion_remaining >= -HEADROOM) return 0;
    thread->recursion_headroom++;
    PyErr_Format(PyExc_RecursionError, "maximum recursion depth exceeded%s", where);
    thread->recursion_headroom--;
    return -1;
}

int Py_EnterRecursiveCall(const char *where) {
    PyThreadState *thread = kr_tstate();
    if (__builtin_expect(--thread->recursion_remaining < 0 || kr_c_stack_is_low(), 0)) {
        if (_Py_CheckRecursiveCall(thread, where)) {
            thread->recursion_remaining++;
            return -1;
        }
    }
    return 0;
}

void Py_LeaveRecursiveCall(void) { kr_tstate()->recursion_remaining++; }

void Py_SetRecursionLimit(int limit) {
    PyInterpreterState *interpreter = kr_tstate()->interp;
    for (PyThreadState *thread = interpreter->thread_head; thread != NULL; thread = thread->next) {
        int depth = thread->recursion_limit - thread->recursion_remaining;
        thread->recursion_limit = limit;
        thread->recursion_remaining = limit - depth;
    }
    interpreter->recursion_limit = limit;
}

int Py_GetRecursionLimit(void) { return kr_tstate()->recursion_limit; }
