/* The runtime record, interpreters and thread states. */
#include <Python.h>

#include <pthread.h>

#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "runtime/state.h"
#include "vm/eval.h"
#include "vm/frame.h"
#include "vm/gil.h"

__attribute__((visibility("default"))) struct pyruntimestate _PyRuntime;

static struct {
    pthread_mutex_t mutex; /* guards the lists of interpreters and threads */
    PyInterpreterState *interpreters;
    int64_t next_interpreter_id;
    pthread_key_t thread_key; /* this thread's state, for PyGILState_* */
    int has_key;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void kr_state_initialize(void) {
    if (!state.has_key) {
        pthread_key_create(&state.thread_key, NULL);
        state.has_key = 1;
    }
}

/* ---- Interpreters ---- */

PyInterpreterState *PyInterpreterState_New(void) {
    PyInterpreterState *self = PyMem_RawCalloc(1, sizeof(PyInterpreterState));
    if (self == NULL) return NULL;
    self->recursion_limit = 1000;
    self->int_max_str_digits = -1;
    self->id_refcount = -1;
    pthread_mutex_lock(&state.mutex);
    self->id = state.next_interpreter_id++;
    self->next = state.interpreters;
    state.interpreters = self;
    if (self->id == 0) _PyRuntime.main_interpreter = self;
    pthread_mutex_unlock(&state.mutex);
    PyConfig_InitPythonConfig(&self->config);
    return self;
}

void PyInterpreterState_Clear(PyInterpreterState *self) {
    for (PyThreadState *thread = self->thread_head; thread != NULL; thread = thread->next) PyThreadState_Clear(thread);
    Py_CLEAR(self->audit_hooks);
    Py_CLEAR(self->before_forkers);
    Py_CLEAR(self->after_forkers_parent);
    Py_CLEAR(self->after_forkers_child);
    Py_CLEAR(self->modules);
    Py_CLEAR(self->modules_by_index);
    Py_CLEAR(self->importlib);
    Py_CLEAR(self->import_func);
    Py_CLEAR(self->dict);
    Py_CLEAR(self->sysdict);
    Py_CLEAR(self->builtins);
    Py_CLEAR(self->codecs.search_functions);
    Py_CLEAR(self->codecs.cache);
    Py_CLEAR(self->codecs.handlers);
    Py_CLEAR(self->warnings.filters);
    Py_CLEAR(self->warnings.once_registry);
    Py_CLEAR(self->warnings.default_action);
    PyConfig_Clear(&self->config);
}

void PyInterpreterState_Delete(PyInterpreterState *self) {
    while (self->thread_head != NULL) {
        PyThreadState *thread = self->thread_head;
        self->thread_head = thread->next;
        if (state.has_key && pthread_getspecific(state.thread_key) == thread) pthread_setspecific(state.thread_key, NULL);
        kr_frame_stack_free(thread);
        PyMem_RawFree(thread);
    }
    pthread_mutex_lock(&state.mutex);
    for (PyInterpreterState **at = &state.interpreters; *at != NULL; at = &(*at)->next)
        if (*at == self) {
            *at = self->next;
            break;
        }
    if (_PyRuntime.main_interpreter == self) {
        _PyRuntime.main_interpreter = NULL;
        state.next_interpreter_id = 0;
    }
    pthread_mutex_unlock(&state.mutex);
    PyMem_RawFree(self);
}

PyInterpreterState *PyInterpreterState_Get(void) { return kr_tstate()->interp; }
PyInterpreterState *PyInterpreterState_Main(void) { return _PyRuntime.main_interpreter; }
PyInterpreterState *PyInterpreterState_Head(void) { return state.interpreters; }
PyInterpreterState *PyInterpreterState_Next(PyInterpreterState *self) { return self->next; }
PyThreadState *PyInterpreterState_ThreadHead(PyInterpreterState *self) { return self->thread_head; }
int64_t PyInterpreterState_GetID(PyInterpreterState *self) { return self->id; }

PyObject *PyInterpreterState_GetDict(PyInterpreterState *self) {
    if (self->dict == NULL && (self->dict = PyDict_New()) == NULL) PyErr_Clear();
    return self->dict;
}

PyObject *_PyInterpreterState_GetMainModule(PyInterpreterState *self) {
    return PyMapping_GetItemString(self->modules, "__main__");
}

_PyFrameEvalFunction _PyInterpreterState_GetEvalFrameFunc(PyInterpreterState *self) {
    return self->eval_frame != NULL ? self->eval_frame : _PyEval_EvalFrameDefault;
}

void _PyInterpreterState_SetEvalFrameFunc(PyInterpreterState *self, _PyFrameEvalFunction function) {
    self->eval_frame = function == _PyEval_EvalFrameDefault ? NULL : function;
}

const PyConfig *_PyInterpreterState_GetConfig(PyInterpreterState *self) { return &self->config; }
const PyConfig *_Py_GetConfig(void) { return &kr_tstate()->interp->config; }

void _PyInterpreterState_RequireIDRef(PyInterpreterState *self, int required) { self->requires_idref = required; }
int _PyInterpreterState_RequiresIDRef(PyInterpreterState *self) { return self->requires_idref; }
PyInterpreterState *_PyGILState_GetInterpreterStateUnsafe(void) { return _PyRuntime.main_interpreter; }

/* ---- Threads ---- */

static PyThreadState *thread_new(PyInterpreterState *interpreter) {
    PyThreadState *self = PyMem_RawCalloc(1, sizeof(PyThreadState));
    if (self == NULL) return NULL;
    self->interp = interpreter;
    self->recursion_limit = self->recursion_remaining = interpreter->recursion_limit;
    self->exc_info = &self->exc_state;
    self->cframe = &self->root_cframe;
    self->context_ver = 1;
    self->thread_id = PyThread_get_thread_ident();
    self->native_thread_id = PyThread_get_thread_native_id();
    self->_initialized = 1;
    pthread_mutex_lock(&state.mutex);
    self->id = ++interpreter->next_thread_id;
    self->next = interpreter->thread_head;
    if (self->next != NULL) self->next->prev = self;
    interpreter->thread_head = self;
    pthread_mutex_unlock(&state.mutex);
    return self;
}

void kr_thread_bind(PyThreadState *self) {
    self->thread_id = PyThread_get_thread_ident();
    self->native_thread_id = PyThread_get_thread_native_id();
    kr_c_stack_initialize();
    if (pthread_getspecific(state.thread_key) == NULL) {
        pthread_setspecific(state.thread_key, self);
        self->gilstate_counter = 1;
    }
}

PyThreadState *_PyThreadState_Prealloc(PyInterpreterState *interpreter) { return thread_new(interpreter); }

PyThreadState *PyThreadState_New(PyInterpreterState *interpreter) {
    PyThreadState *self = thread_new(interpreter);
    if (self != NULL) kr_thread_bind(self);
    return self;
}

/* Only old compiled modules call this: a state is ready when it is made. */
PyAPI_FUNC(void) _PyThreadState_Init(PyThreadState *self);
void _PyThreadState_Init(PyThreadState *self) { kr_thread_bind(self); }

void PyThreadState_Clear(PyThreadState *self) {
    Py_CLEAR(self->dict);
    Py_CLEAR(self->async_exc);
    Py_CLEAR(self->curexc_type);
    Py_CLEAR(self->curexc_value);
    Py_CLEAR(self->curexc_traceback);
    Py_CLEAR(self->exc_state.exc_value);
    self->c_profilefunc = NULL;
    self->c_tracefunc = NULL;
    self->cframe->use_tracing = 0;
    Py_CLEAR(self->c_profileobj);
    Py_CLEAR(self->c_traceobj);
    Py_CLEAR(self->async_gen_firstiter);
    Py_CLEAR(self->async_gen_finalizer);
    Py_CLEAR(self->context);
    if (self->on_delete != NULL) {
        void (*on_delete)(void *) = self->on_delete;
        self->on_delete = NULL;
        on_delete(self->on_delete_data);
    }
}

static void thread_unlink(PyThreadState *self) {
    pthread_mutex_lock(&state.mutex);
    if (self->prev != NULL)
        self->prev->next = self->next;
    else
        self->interp->thread_head = self->next;
    if (self->next != NULL) self->next->prev = self->prev;
    pthread_mutex_unlock(&state.mutex);
    if (state.has_key && pthread_getspecific(state.thread_key) == self) pthread_setspecific(state.thread_key, NULL);
    kr_frame_stack_free(self);
}

void PyThreadState_Delete(PyThreadState *self) {
    thread_unlink(self);
    PyMem_RawFree(self);
}

void PyThreadState_DeleteCurrent(void) {
    PyThreadState *self = kr_tstate();
    thread_unlink(self);
    kr_gil_drop(NULL);
    PyMem_RawFree(self);
}

void kr_threads_delete_except(PyThreadState *keep) {
    PyInterpreterState *interpreter = keep->interp;
    pthread_mutex_lock(&state.mutex);
    PyThreadState *others = interpreter->thread_head;
    if (keep->prev != NULL) keep->prev->next = keep->next;
    if (keep->next != NULL) keep->next->prev = keep->prev;
    if (others == keep) others = keep->next;
    keep->prev = keep->next = NULL;
    interpreter->thread_head = keep;
    pthread_mutex_unlock(&state.mutex);
    while (others != NULL) {
        PyThreadState *next = others->next;
        PyThreadState_Clear(others);
        kr_frame_stack_free(others);
        PyMem_RawFree(others);
        others = next;
    }
}

void kr_state_after_fork(void) {
    pthread_mutex_init(&state.mutex, NULL);
    PyThreadState *thread = kr_tstate();
    kr_thread_bind(thread);
}

PyThreadState *PyThreadState_Get(void) {
    PyThreadState *self = kr_tstate();
    if (self == NULL)
        Py_FatalError("the function must be called with the GIL held, but the GIL is released "
                      "(the current Python thread state is NULL)");
    return self;
}

PyThreadState *_PyThreadState_UncheckedGet(void) { return kr_tstate(); }
PyThreadState *PyThreadState_Next(PyThreadState *self) { return self->next; }
PyInterpreterState *PyThreadState_GetInterpreter(PyThreadState *self) { return self->interp; }
uint64_t PyThreadState_GetID(PyThreadState *self) { return self->id; }

PyThreadState *PyThreadState_Swap(PyThreadState *thread) {
    PyThreadState *old = _PyRuntime.thread_current;
    _PyRuntime.thread_current = thread;
    /* several states may take turns in one thread of the system: PyGILState_* means the one that runs */
    if (thread != NULL && state.has_key) {
        if (thread->gilstate_counter == 0) thread->gilstate_counter = 1;
        pthread_setspecific(state.thread_key, thread);
    }
    return old;
}

PyObject *_PyThreadState_GetDict(PyThreadState *self) {
    if (self->dict == NULL && (self->dict = PyDict_New()) == NULL) PyErr_Clear();
    return self->dict;
}

PyObject *PyThreadState_GetDict(void) {
    PyThreadState *self = kr_tstate();
    return self == NULL ? NULL : _PyThreadState_GetDict(self);
}

int PyThreadState_SetAsyncExc(unsigned long id, PyObject *exception) {
    PyInterpreterState *interpreter = kr_tstate()->interp;
    pthread_mutex_lock(&state.mutex);
    for (PyThreadState *thread = interpreter->thread_head; thread != NULL; thread = thread->next) {
        if (thread->thread_id != id) continue;
        PyObject *old = thread->async_exc;
        thread->async_exc = Py_XNewRef(exception);
        pthread_mutex_unlock(&state.mutex);
        Py_XDECREF(old);
        kr_request_async_exception();
        return 1;
    }
    pthread_mutex_unlock(&state.mutex);
    return 0;
}

PyObject *_PyThread_CurrentFrames(void) {
    if (PySys_Audit("sys._current_frames", NULL) < 0) return NULL;
    PyObject *result = PyDict_New();
    if (result == NULL) return NULL;
    for (PyThreadState *thread = kr_tstate()->interp->thread_head; thread != NULL; thread = thread->next) {
        KrFrame *frame = kr_frame_first_complete(kr_current_frame(thread));
        if (frame == NULL) continue;
        PyObject *id = PyLong_FromUnsignedLong(thread->thread_id), *object = (PyObject *)kr_frame_object(frame);
        int failed = id == NULL || object == NULL || PyDict_SetItem(result, id, object) < 0;
        Py_XDECREF(id);
        if (failed) {
            Py_DECREF(result);
            return PyErr_Occurred() ? NULL : PyErr_NoMemory();
        }
    }
    return result;
}

PyObject *_PyThread_CurrentExceptions(void) {
    if (PySys_Audit("sys._current_exceptions", NULL) < 0) return NULL;
    PyObject *result = PyDict_New();
    if (result == NULL) return NULL;
    for (PyThreadState *thread = kr_tstate()->interp->thread_head; thread != NULL; thread = thread->next) {
        _PyErr_StackItem *item = thread->exc_info;
        while (item != NULL && (item->exc_value == NULL || item->exc_value == Py_None)) item = item->previous_item;
        PyObject *id = PyLong_FromUnsignedLong(thread->thread_id), *value = item == NULL ? Py_None : item->exc_value;
        PyObject *traceback = value == Py_None ? NULL : PyException_GetTraceback(value);
        PyObject *info = Py_BuildValue("(OOO)", value == Py_None ? Py_None : (PyObject *)Py_TYPE(value), value,
                                       traceback == NULL ? Py_None : traceback);
        int failed = id == NULL || info == NULL || PyDict_SetItem(result, id, info) < 0;
        Py_XDECREF(id);
        Py_XDECREF(info);
        Py_XDECREF(traceback);
        if (failed) {
            Py_DECREF(result);
            return NULL;
        }
    }
    return result;
}

/* ---- PyGILState: threads that Krait did not make ---- */

PyThreadState *PyGILState_GetThisThreadState(void) {
    return state.has_key ? pthread_getspecific(state.thread_key) : NULL;
}

int PyGILState_Check(void) {
    PyThreadState *thread = _PyRuntime.thread_current;
    return !state.has_key || (thread != NULL && thread == PyGILState_GetThisThreadState());
}

PyGILState_STATE PyGILState_Ensure(void) {
    PyThreadState *thread = PyGILState_GetThisThreadState();
    int had_lock;
    if (thread == NULL) {
        thread = PyThreadState_New(_PyRuntime.main_interpreter);
        if (thread == NULL) Py_FatalError("Couldn't create thread-state for new thread");
        thread->gilstate_counter = 0;
        had_lock = 0;
    } else {
        had_lock = thread == _PyRuntime.thread_current;
    }
    if (!had_lock) PyEval_RestoreThread(thread);
    thread->gilstate_counter++;
    return had_lock ? PyGILState_LOCKED : PyGILState_UNLOCKED;
}

void PyGILState_Release(PyGILState_STATE old) {
    PyThreadState *thread = PyGILState_GetThisThreadState();
    if (thread == NULL) Py_FatalError("auto-releasing thread-state, but no thread-state for this thread");
    if (--thread->gilstate_counter == 0) {
        thread->gilstate_counter++; /* Clear may run code that comes back here */
        PyThreadState_Clear(thread);
        thread->gilstate_counter--;
        PyThreadState_DeleteCurrent();
    } else if (old == PyGILState_UNLOCKED) {
        PyEval_SaveThread();
    }
}

/* ---- Per-interpreter modules of single-phase extension modules ---- */

PyObject *PyState_FindModule(PyModuleDef *definition) {
    PyInterpreterState *interpreter = kr_tstate()->interp;
    Py_ssize_t index = definition->m_base.m_index;
    if (definition->m_slots != NULL || index == 0 || interpreter->modules_by_index == NULL ||
        index >= PyList_GET_SIZE(interpreter->modules_by_index))
        return NULL;
    PyObject *module = PyList_GET_ITEM(interpreter->modules_by_index, index);
    return module == Py_None ? NULL : module;
}

int PyState_AddModule(PyObject *module, PyModuleDef *definition) {
    PyInterpreterState *interpreter = kr_tstate()->interp;
    if (definition == NULL) Py_FatalError("PyState_AddModule: module definition is NULL");
    if (definition->m_slots != NULL) {
        PyErr_SetString(PyExc_SystemError, "PyState_AddModule called on module with slots");
        return -1;
    }
    if (interpreter->modules_by_index == NULL && (interpreter->modules_by_index = PyList_New(0)) == NULL) return -1;
    while (PyList_GET_SIZE(interpreter->modules_by_index) <= definition->m_base.m_index)
        if (PyList_Append(interpreter->modules_by_index, Py_None) < 0) return -1;
    return PyList_SetItem(interpreter->modules_by_index, definition->m_base.m_index, Py_NewRef(module));
}

PyAPI_FUNC(int) _PyState_AddModule(PyThreadState *thread, PyObject *module, PyModuleDef *definition);
int _PyState_AddModule(PyThreadState *thread, PyObject *module, PyModuleDef *definition) {
    return PyState_AddModule(module, definition);
}

int PyState_RemoveModule(PyModuleDef *definition) {
    PyInterpreterState *interpreter = kr_tstate()->interp;
    Py_ssize_t index = definition->m_base.m_index;
    if (definition->m_slots != NULL) {
        PyErr_SetString(PyExc_SystemError, "PyState_RemoveModule called on module with slots");
        return -1;
    }
    if (interpreter->modules_by_index == NULL || index == 0 || index >= PyList_GET_SIZE(interpreter->modules_by_index))
        Py_FatalError("PyState_RemoveModule: module index out of bounds");
    return PyList_SetItem(interpreter->modules_by_index, index, Py_NewRef(Py_None));
}
