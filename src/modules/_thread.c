/* _thread: starting threads, locks, and data of one thread.
 *
 * Invariant of thread-local objects: each (local, thread) pair that was ever used has one KrLocalEntry, which is in the
 * table of the local and in the list of the thread's LocalThread. Whichever of the two dies first takes the entry out of
 * both and drops the namespace.
 */
#include <Python.h>

#include <math.h>
#include <signal.h>
#include <structmember.h>

#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "runtime/display.h"
#include "runtime/state.h"

typedef struct {
    PyTypeObject *lock_type, *rlock_type, *local_type, *local_thread_type, *excepthook_args_type;
} ModuleState;

static struct PyModuleDef definition;

static ModuleState *module_state(PyObject *module) { return PyModule_GetState(module); }

/* ---- Waiting for a lock ---- */

static const _PyTime_t forever = -1000000000; /* timeout=-1, in nanoseconds */

/* Acquires a lock, running signal handlers while waiting. `timeout` in nanoseconds: 0 does not wait, negative waits
 * without end. PY_LOCK_INTR means an exception. */
static PyLockStatus acquire(PyThread_type_lock lock, _PyTime_t timeout) {
    if (PyThread_acquire_lock_timed(lock, 0, 0) == PY_LOCK_ACQUIRED) return PY_LOCK_ACQUIRED;
    if (timeout == 0) return PY_LOCK_FAILURE;
    _PyTime_t deadline = timeout > 0 ? _PyDeadline_Init(timeout) : 0;
    for (;;) {
        PyLockStatus status;
        _PyTime_t microseconds = _PyTime_AsMicroseconds(timeout, _PyTime_ROUND_CEILING);
        Py_BEGIN_ALLOW_THREADS
        status = PyThread_acquire_lock_timed(lock, microseconds, 1);
        Py_END_ALLOW_THREADS
        if (status != PY_LOCK_INTR) return status;
        if (Py_MakePendingCalls() < 0) return PY_LOCK_INTR;
        if (timeout > 0) {
            timeout = _PyDeadline_Get(deadline);
            if (timeout <= 0) timeout = 0; /* one last try */
        }
    }
}

/* Parses (blocking=True, timeout=-1). Returns 0 or -1. */
static int parse_acquire(PyObject *const *args, Py_ssize_t count, PyObject *names, _PyTime_t *timeout) {
    static const char *const keywords[] = {"blocking", "timeout", NULL};
    static _PyArg_Parser parser = {.format = "|iO:acquire", .keywords = keywords};
    int blocking = 1;
    PyObject *object = NULL;
    *timeout = forever;
    if (count == 0 && names == NULL) return 0;
    if (!_PyArg_ParseStackAndKeywords(args, count, names, &parser, &blocking, &object)) return -1;
    if (object != NULL && _PyTime_FromSecondsObject(timeout, object, _PyTime_ROUND_TIMEOUT) < 0) return -1;
    if (!blocking && *timeout != forever) {
        PyErr_SetString(PyExc_ValueError, "can't specify a timeout for a non-blocking call");
        return -1;
    }
    if (*timeout < 0 && *timeout != forever) {
        PyErr_SetString(PyExc_ValueError, "timeout value must be positive");
        return -1;
    }
    if (!blocking) {
        *timeout = 0;
    } else if (*timeout != forever && _PyTime_AsMicroseconds(*timeout, _PyTime_ROUND_TIMEOUT) > PY_TIMEOUT_MAX) {
        PyErr_SetString(PyExc_OverflowError, "timeout value is too large");
        return -1;
    }
    return 0;
}

#define FASTCALL_KEYWORDS(function) (PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS

/* ---- lock ---- */

typedef struct {
    PyObject_HEAD
    PyThread_type_lock lock;
    PyObject *weaklist;
    char locked;
} LockObject;

static LockObject *lock_create(PyTypeObject *type) {
    LockObject *self = (LockObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->lock = PyThread_allocate_lock();
    if (self->lock == NULL) {
        Py_DECREF(self);
        PyErr_NoMemory();
        return NULL;
    }
    return self;
}

static void lock_dealloc(LockObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weaklist != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    if (self->lock != NULL) {
        if (self->locked) PyThread_release_lock(self->lock); /* so that a waiting C thread can go on */
        PyThread_free_lock(self->lock);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

static int type_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    return 0;
}

static PyObject *lock_acquire(LockObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    _PyTime_t timeout;
    if (parse_acquire(args, count, names, &timeout) < 0) return NULL;
    PyLockStatus status = acquire(self->lock, timeout);
    if (status == PY_LOCK_INTR) return NULL;
    if (status == PY_LOCK_ACQUIRED) self->locked = 1;
    return PyBool_FromLong(status == PY_LOCK_ACQUIRED);
}

static PyObject *lock_release(LockObject *self, PyObject *unused) {
    if (!self->locked) {
        PyErr_SetString(PyExc_RuntimeError, "release unlocked lock");
        return NULL;
    }
    self->locked = 0;
    PyThread_release_lock(self->lock);
    Py_RETURN_NONE;
}

static PyObject *lock_exit(LockObject *self, PyObject *const *args, Py_ssize_t count) {
    return lock_release(self, NULL);
}

static PyObject *lock_locked(LockObject *self, PyObject *unused) { return PyBool_FromLong(self->locked); }

static PyObject *lock_repr(LockObject *self) {
    return PyUnicode_FromFormat("<%s %s object at %p>", self->locked ? "locked" : "unlocked", Py_TYPE(self)->tp_name, self);
}

static PyObject *lock_at_fork_reinit(LockObject *self, PyObject *unused) {
    if (_PyThread_at_fork_reinit(&self->lock) < 0) {
        PyErr_SetString(PyExc_RuntimeError, "failed to reinitialize lock at fork");
        return NULL;
    }
    self->locked = 0;
    Py_RETURN_NONE;
}

#define LOCK_ACQUIRE_DOC                                                                                               \
    "acquire(blocking=True, timeout=-1) -> bool\n\n"                                                                   \
    "Take the lock, waiting for it if blocking is true, at most timeout seconds (-1: without end).\n\n"                \
    "Returns whether it was taken."
#define LOCK_RELEASE_DOC "release()\n\nGive the lock back; RuntimeError if it is not taken. Any thread may."
#define LOCK_LOCKED_DOC "locked() -> bool\n\nTrue if somebody holds the lock."

static PyMethodDef lock_methods[] = {
    {"acquire_lock", FASTCALL_KEYWORDS(lock_acquire), LOCK_ACQUIRE_DOC},
    {"acquire", FASTCALL_KEYWORDS(lock_acquire), LOCK_ACQUIRE_DOC},
    {"release_lock", (PyCFunction)lock_release, METH_NOARGS, LOCK_RELEASE_DOC},
    {"release", (PyCFunction)lock_release, METH_NOARGS, LOCK_RELEASE_DOC},
    {"locked_lock", (PyCFunction)lock_locked, METH_NOARGS, LOCK_LOCKED_DOC},
    {"locked", (PyCFunction)lock_locked, METH_NOARGS, LOCK_LOCKED_DOC},
    {"__enter__", FASTCALL_KEYWORDS(lock_acquire), LOCK_ACQUIRE_DOC},
    {"__exit__", (PyCFunction)(void (*)(void))lock_exit, METH_FASTCALL, LOCK_RELEASE_DOC},
    {"_at_fork_reinit", (PyCFunction)lock_at_fork_reinit, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef lock_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(LockObject, weaklist), READONLY},
    {NULL},
};

static PyType_Slot lock_slots[] = {
    {Py_tp_dealloc, lock_dealloc},
    {Py_tp_repr, lock_repr},
    {Py_tp_doc, "A lock that one thread at a time can hold; threading.Lock() makes one."},
    {Py_tp_methods, lock_methods},
    {Py_tp_members, lock_members},
    {Py_tp_traverse, type_traverse},
    {0, NULL},
};

static PyType_Spec lock_spec = {
    .name = "_thread.lock",
    .basicsize = sizeof(LockObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = lock_slots,
};

/* ---- RLock ---- */

typedef struct {
    PyObject_HEAD
    PyThread_type_lock lock;
    unsigned long owner; /* thread identity; meaningful while count > 0 */
    unsigned long count;
    PyObject *weaklist;
} RLockObject;

static PyObject *rlock_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    RLockObject *self = (RLockObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->lock = PyThread_allocate_lock();
    if (self->lock == NULL) {
        Py_DECREF(self);
        PyErr_NoMemory();
        return NULL;
    }
    return (PyObject *)self;
}

static void rlock_dealloc(RLockObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weaklist != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    if (self->lock != NULL) {
        if (self->count > 0) PyThread_release_lock(self->lock);
        PyThread_free_lock(self->lock);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *rlock_acquire(RLockObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    _PyTime_t timeout;
    if (parse_acquire(args, count, names, &timeout) < 0) return NULL;
    unsigned long me = PyThread_get_thread_ident();
    if (self->count > 0 && self->owner == me) {
        if (self->count == ULONG_MAX) {
            PyErr_SetString(PyExc_OverflowError, "Internal lock count overflowed");
            return NULL;
        }
        self->count++;
        Py_RETURN_TRUE;
    }
    PyLockStatus status = acquire(self->lock, timeout);
    if (status == PY_LOCK_INTR) return NULL;
    if (status == PY_LOCK_ACQUIRED) {
        self->owner = me;
        self->count = 1;
    }
    return PyBool_FromLong(status == PY_LOCK_ACQUIRED);
}

static PyObject *rlock_release(RLockObject *self, PyObject *unused) {
    if (self->count == 0 || self->owner != PyThread_get_thread_ident()) {
        PyErr_SetString(PyExc_RuntimeError, "cannot release un-acquired lock");
        return NULL;
    }
    if (--self->count == 0) {
        self->owner = 0;
        PyThread_release_lock(self->lock);
    }
    Py_RETURN_NONE;
}

static PyObject *rlock_exit(RLockObject *self, PyObject *const *args, Py_ssize_t count) {
    return rlock_release(self, NULL);
}

static PyObject *rlock_acquire_restore(RLockObject *self, PyObject *args) {
    unsigned long owner, count;
    if (!PyArg_ParseTuple(args, "(kk):_acquire_restore", &count, &owner)) return NULL;
    if (acquire(self->lock, forever) == PY_LOCK_INTR) return NULL;
    self->owner = owner;
    self->count = count;
    Py_RETURN_NONE;
}

static PyObject *rlock_release_save(RLockObject *self, PyObject *unused) {
    if (self->count == 0) {
        PyErr_SetString(PyExc_RuntimeError, "cannot release un-acquired lock");
        return NULL;
    }
    unsigned long owner = self->owner, count = self->count;
    self->count = self->owner = 0;
    PyThread_release_lock(self->lock);
    return Py_BuildValue("kk", count, owner);
}

static PyObject *rlock_is_owned(RLockObject *self, PyObject *unused) {
    return PyBool_FromLong(self->count > 0 && self->owner == PyThread_get_thread_ident());
}

static PyObject *rlock_repr(RLockObject *self) {
    return PyUnicode_FromFormat("<%s %s object owner=%ld count=%lu at %p>", self->count ? "locked" : "unlocked",
                                Py_TYPE(self)->tp_name, self->owner, self->count, self);
}

static PyObject *rlock_at_fork_reinit(RLockObject *self, PyObject *unused) {
    if (_PyThread_at_fork_reinit(&self->lock) < 0) {
        PyErr_SetString(PyExc_RuntimeError, "failed to reinitialize lock at fork");
        return NULL;
    }
    self->owner = self->count = 0;
    Py_RETURN_NONE;
}

#define RLOCK_ACQUIRE_DOC                                                                                              \
    "acquire(blocking=True) -> bool\n\nTake the lock, once more if this thread holds it already; returns whether it did."
#define RLOCK_RELEASE_DOC "release()\n\nUndo one acquire() of this thread; RuntimeError if it does not hold the lock."

static PyMethodDef rlock_methods[] = {
    {"acquire", FASTCALL_KEYWORDS(rlock_acquire), RLOCK_ACQUIRE_DOC},
    {"release", (PyCFunction)rlock_release, METH_NOARGS, RLOCK_RELEASE_DOC},
    {"_is_owned", (PyCFunction)rlock_is_owned, METH_NOARGS, "_is_owned() -> bool\n\nFor threading.Condition."},
    {"_acquire_restore", (PyCFunction)rlock_acquire_restore, METH_VARARGS,
     "_acquire_restore(state) -> None\n\nFor threading.Condition."},
    {"_release_save", (PyCFunction)rlock_release_save, METH_NOARGS,
     "_release_save() -> tuple\n\nFor threading.Condition."},
    {"__enter__", FASTCALL_KEYWORDS(rlock_acquire), RLOCK_ACQUIRE_DOC},
    {"__exit__", (PyCFunction)(void (*)(void))rlock_exit, METH_FASTCALL, RLOCK_RELEASE_DOC},
    {"_at_fork_reinit", (PyCFunction)rlock_at_fork_reinit, METH_NOARGS, NULL},
    {NULL},
};

static PyMemberDef rlock_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(RLockObject, weaklist), READONLY},
    {NULL},
};

static PyType_Slot rlock_slots[] = {
    {Py_tp_dealloc, rlock_dealloc}, {Py_tp_repr, rlock_repr},        {Py_tp_methods, rlock_methods},
    {Py_tp_members, rlock_members}, {Py_tp_alloc, PyType_GenericAlloc}, {Py_tp_new, rlock_new},
    {Py_tp_traverse, type_traverse}, {0, NULL},
};

static PyType_Spec rlock_spec = {
    .name = "_thread.RLock",
    .basicsize = sizeof(RLockObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = rlock_slots,
};

/* ---- Thread-local objects ---- */

typedef struct LocalObject LocalObject;
typedef struct LocalThread LocalThread;

typedef struct KrLocalEntry {
    LocalObject *local;
    LocalThread *thread;
    PyObject *dict;                               /* the namespace; owned */
    struct KrLocalEntry *next, *previous;         /* in the thread's list */
} KrLocalEntry;

/* What a thread has of all locals; lives in the thread state's dict and so dies with the thread. */
struct LocalThread {
    PyObject_HEAD
    KrLocalEntry *first;
};

struct LocalObject {
    PyObject_HEAD
    PyObject *args, *kwargs; /* for __init__ in each thread; kwargs may be NULL */
    PyObject *weaklist;
    PyObject *key;          /* of the LocalThread in a thread state's dict */
    PyTypeObject *thread_type;
    KrLocalEntry **entries; /* by the address of the LocalThread, open addressing; places may be NULL */
    size_t room, used;
    KrLocalEntry *last;     /* found last, in the thread with the number below */
    uint64_t last_thread;
};

static size_t entry_place(const LocalThread *thread, size_t room) {
    return (size_t)(((uintptr_t)thread >> 4) * 0x9E3779B97F4A7C15u >> 20) & (room - 1);
}

static KrLocalEntry *entry_find(const LocalObject *self, const LocalThread *thread) {
    if (self->room == 0) return NULL;
    size_t at = entry_place(thread, self->room);
    while (self->entries[at] != NULL && self->entries[at]->thread != thread) at = (at + 1) & (self->room - 1);
    return self->entries[at];
}

static void entry_place_in(KrLocalEntry **entries, size_t room, KrLocalEntry *entry) {
    size_t at = entry_place(entry->thread, room);
    while (entries[at] != NULL) at = (at + 1) & (room - 1);
    entries[at] = entry;
}

/* Links a new entry into both tables; takes over `dict`. NULL with MemoryError. */
static KrLocalEntry *entry_create(LocalObject *self, LocalThread *thread, PyObject *dict) {
    if ((self->used + 1) * 2 > self->room) {
        size_t room = self->room == 0 ? 4 : self->room * 2;
        KrLocalEntry **entries = PyMem_Calloc(room, sizeof(*entries));
        if (entries == NULL) goto error;
        for (size_t i = 0; i < self->room; i++)
            if (self->entries[i] != NULL) entry_place_in(entries, room, self->entries[i]);
        PyMem_Free(self->entries);
        self->entries = entries;
        self->room = room;
    }
    KrLocalEntry *entry = PyMem_Malloc(sizeof(KrLocalEntry));
    if (entry == NULL) goto error;
    *entry = (KrLocalEntry){self, thread, dict, thread->first, NULL};
    if (thread->first != NULL) thread->first->previous = entry;
    thread->first = entry;
    entry_place_in(self->entries, self->room, entry);
    self->used++;
    return entry;

error:
    Py_DECREF(dict);
    PyErr_NoMemory();
    return NULL;
}

/* Takes an entry out of the thread's list, frees it, and returns its namespace, owned. */
static PyObject *entry_unlink(KrLocalEntry *entry) {
    if (entry->previous != NULL)
        entry->previous->next = entry->next;
    else
        entry->thread->first = entry->next;
    if (entry->next != NULL) entry->next->previous = entry->previous;
    PyObject *dict = entry->dict;
    PyMem_Free(entry);
    return dict;
}

/* Takes an entry out of the local's table and its thread's list; returns its namespace, owned. */
static PyObject *entry_remove(KrLocalEntry *entry) {
    LocalObject *self = entry->local;
    size_t mask = self->room - 1, gap = entry_place(entry->thread, self->room);
    if (self->last == entry) self->last = NULL;
    while (self->entries[gap] != entry) gap = (gap + 1) & mask;
    self->used--;
    for (size_t at = (gap + 1) & mask; self->entries[at] != NULL; at = (at + 1) & mask) {
        size_t home = entry_place(self->entries[at]->thread, self->room);
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        self->entries[gap] = self->entries[at];
        gap = at;
    }
    self->entries[gap] = NULL;
    return entry_unlink(entry);
}

static void local_thread_dealloc(LocalThread *self) {
    PyTypeObject *type = Py_TYPE(self);
    while (self->first != NULL) Py_DECREF(entry_remove(self->first));
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot local_thread_slots[] = {
    {Py_tp_dealloc, local_thread_dealloc},
    {Py_tp_doc, "What one thread keeps in thread-local objects."},
    {0, NULL},
};

static PyType_Spec local_thread_spec = {
    .name = "_thread._localdummy",
    .basicsize = sizeof(LocalThread),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = local_thread_slots,
};

/* The current thread's record, made at its first use; borrowed. */
static LocalThread *current_local_thread(LocalObject *self) {
    PyObject *dict = _PyThreadState_GetDict(kr_tstate());
    if (dict == NULL) {
        PyErr_SetString(PyExc_SystemError, "Couldn't get thread-state dictionary");
        return NULL;
    }
    LocalThread *thread = (LocalThread *)PyDict_GetItemWithError(dict, self->key);
    if (thread != NULL || PyErr_Occurred()) return thread;
    thread = (LocalThread *)self->thread_type->tp_alloc(self->thread_type, 0);
    if (thread == NULL) return NULL;
    int failed = PyDict_SetItem(dict, self->key, (PyObject *)thread) < 0;
    Py_DECREF(thread); /* the dict has it */
    return failed ? NULL : thread;
}

/* The namespace that the object has in this thread; borrowed. In a thread that sees the object for the first time, __init__
 * fills it. */
static PyObject *local_dict(LocalObject *self) {
    uint64_t id = kr_tstate()->id;
    if (self->last != NULL && self->last_thread == id) return self->last->dict;
    LocalThread *thread = current_local_thread(self);
    if (thread == NULL) return NULL;
    KrLocalEntry *entry = entry_find(self, thread);
    if (entry == NULL) {
        PyObject *dict = PyDict_New();
        entry = dict == NULL ? NULL : entry_create(self, thread, dict);
        if (entry == NULL) return NULL;
        if (Py_TYPE(self)->tp_init != PyBaseObject_Type.tp_init &&
            Py_TYPE(self)->tp_init((PyObject *)self, self->args, self->kwargs) < 0) {
            /* the next access tries again */
            entry = entry_find(self, thread);
            if (entry != NULL) Py_DECREF(entry_remove(entry));
            return NULL;
        }
        entry = entry_find(self, thread);
        if (entry == NULL) return NULL;
    }
    self->last = entry;
    self->last_thread = id;
    return entry->dict;
}

static PyObject *local_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (type->tp_init == PyBaseObject_Type.tp_init) {
        int given = PyTuple_GET_SIZE(args) > 0 || (kwargs != NULL && PyDict_GET_SIZE(kwargs) > 0);
        if (given) {
            PyErr_SetString(PyExc_TypeError, "Initialization arguments are not supported");
            return NULL;
        }
    }
    PyObject *module = PyType_GetModuleByDef(type, &definition);
    if (module == NULL) return NULL;
    LocalObject *self = (LocalObject *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->args = Py_NewRef(args);
    self->kwargs = Py_XNewRef(kwargs);
    self->thread_type = (PyTypeObject *)Py_XNewRef((PyObject *)module_state(module)->local_thread_type);
    if (self->thread_type == NULL) { /* the module was torn down */
        Py_DECREF(self);
        PyErr_SetString(PyExc_RuntimeError, "thread-local data is gone");
        return NULL;
    }
    self->key = Py_XNewRef(KR_NAME_TEXT("_thread._local"));
    /* the creating thread gets its namespace now: its __init__ is about to be called anyway */
    LocalThread *thread = self->key == NULL ? NULL : current_local_thread(self);
    PyObject *dict = thread == NULL ? NULL : PyDict_New();
    if (dict == NULL || entry_create(self, thread, dict) == NULL) Py_CLEAR(self);
    return (PyObject *)self;
}

static int local_traverse(LocalObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->args);
    Py_VISIT(self->kwargs);
    for (size_t i = 0; i < self->room; i++)
        if (self->entries[i] != NULL) Py_VISIT(self->entries[i]->dict);
    return 0;
}

static int local_clear(LocalObject *self) {
    Py_CLEAR(self->args);
    Py_CLEAR(self->kwargs);
    KrLocalEntry **entries = self->entries;
    size_t room = self->room;
    self->entries = NULL;
    self->room = self->used = 0;
    self->last = NULL;
    PyObject *dropped = NULL; /* destructors run only when no entry is left to be found */
    for (size_t i = 0; i < room; i++) {
        if (entries[i] == NULL) continue;
        PyObject *dict = entry_unlink(entries[i]);
        entries[i] = (KrLocalEntry *)dict;
    }
    for (size_t i = 0; i < room; i++) {
        dropped = (PyObject *)entries[i];
        Py_XDECREF(dropped);
    }
    PyMem_Free(entries);
    return 0;
}

static void local_dealloc(LocalObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weaklist != NULL) PyObject_ClearWeakRefs((PyObject *)self);
    local_clear(self);
    Py_XDECREF(self->key);
    Py_XDECREF((PyObject *)self->thread_type);
    type->tp_free(self);
    Py_DECREF(type);
}

/* True if the name is __dict__; -1 on error. */
static int is_dict_name(PyObject *name) {
    PyObject *dict_name = KR_NAME(__dict__);
    if (dict_name == NULL) return -1;
    return name == dict_name ? 1 : PyUnicode_Check(name) ? _PyUnicode_EqualToASCIIString(name, "__dict__") : 0;
}

static PyObject *local_getattro(LocalObject *self, PyObject *name) {
    PyObject *dict = local_dict(self);
    if (dict == NULL) return NULL;
    int special = is_dict_name(name);
    if (special != 0) return special < 0 ? NULL : Py_NewRef(dict);
    Py_INCREF(dict);
    PyObject *result = _PyObject_GenericGetAttrWithDict((PyObject *)self, name, dict, 0);
    Py_DECREF(dict);
    return result;
}

static int local_setattro(LocalObject *self, PyObject *name, PyObject *value) {
    PyObject *dict = local_dict(self);
    if (dict == NULL) return -1;
    int special = is_dict_name(name);
    if (special != 0) {
        if (special > 0)
            PyErr_Format(PyExc_AttributeError, "'%.50s' object attribute '%U' is read-only", Py_TYPE(self)->tp_name, name);
        return -1;
    }
    Py_INCREF(dict);
    int result = _PyObject_GenericSetAttrWithDict((PyObject *)self, name, value, dict);
    Py_DECREF(dict);
    return result;
}

static PyMemberDef local_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(LocalObject, weaklist), READONLY},
    {NULL},
};

static PyType_Slot local_slots[] = {
    {Py_tp_dealloc, local_dealloc},
    {Py_tp_getattro, local_getattro},
    {Py_tp_setattro, local_setattro},
    {Py_tp_doc, "An object whose attributes have values of their own in each thread."},
    {Py_tp_traverse, local_traverse},
    {Py_tp_clear, local_clear},
    {Py_tp_new, local_new},
    {Py_tp_members, local_members},
    {0, NULL},
};

static PyType_Spec local_spec = {
    .name = "_thread._local",
    .basicsize = sizeof(LocalObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = local_slots,
};

/* ---- Threads ---- */

typedef struct {
    PyThreadState *thread;
    PyObject *function, *args, *kwargs; /* kwargs may be NULL */
} Start;

static void start_free(Start *start) {
    Py_DECREF(start->function);
    Py_DECREF(start->args);
    Py_XDECREF(start->kwargs);
    PyMem_RawFree(start);
}

/* The first function of a new thread. */
static void run_thread(void *data) {
    Start *start = data;
    PyThreadState *thread = start->thread;
    kr_thread_bind(thread);
    PyEval_AcquireThread(thread);
    thread->interp->thread_count++;
    PyObject *result = PyObject_Call(start->function, start->args, start->kwargs);
    if (result != NULL)
        Py_DECREF(result);
    else if (PyErr_ExceptionMatches(PyExc_SystemExit))
        PyErr_Clear();
    else
        _PyErr_WriteUnraisableMsg("in thread started by", start->function);
    start_free(start);
    thread->interp->thread_count--;
    PyThreadState_Clear(thread);
    PyThreadState_DeleteCurrent();
}

PyDoc_STRVAR(start_new_thread_doc, "start_new_thread(function, args[, kwargs])\n\n"
                                   "Call a function in a new thread and return the thread's identity.\n\n"
                                   "The thread ends when the function returns; what it returns is dropped.");
static PyObject *thread_start_new_thread(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (!_PyArg_CheckPositional("start_new_thread", count, 2, 3)) return NULL;
    PyObject *kwargs = count > 2 ? args[2] : NULL;
    if (!PyCallable_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "first arg must be callable");
        return NULL;
    }
    if (!PyTuple_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "2nd arg must be a tuple");
        return NULL;
    }
    if (kwargs != NULL && !PyDict_Check(kwargs)) {
        PyErr_SetString(PyExc_TypeError, "optional 3rd arg must be a dictionary");
        return NULL;
    }
    if (PySys_Audit("_thread.start_new_thread", "OOO", args[0], args[1], kwargs != NULL ? kwargs : Py_None) < 0) return NULL;
    if (kr_tstate()->interp->config._isolated_interpreter) {
        PyErr_SetString(PyExc_RuntimeError, "thread is not supported for isolated subinterpreters");
        return NULL;
    }
    Start *start = PyMem_RawMalloc(sizeof(Start));
    if (start == NULL) return PyErr_NoMemory();
    start->thread = _PyThreadState_Prealloc(kr_tstate()->interp);
    if (start->thread == NULL) {
        PyMem_RawFree(start);
        return PyErr_NoMemory();
    }
    start->function = Py_NewRef(args[0]);
    start->args = Py_NewRef(args[1]);
    start->kwargs = Py_XNewRef(kwargs);
    PyThreadState *thread = start->thread;
    unsigned long identity = PyThread_start_new_thread(run_thread, start);
    if (identity == PYTHREAD_INVALID_THREAD_ID) {
        if (errno == ENOMEM)
            PyErr_NoMemory();
        else
            PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyThreadState_Clear(thread);
        PyThreadState_Delete(thread);
        start_free(start);
        PyErr_Restore(type, value, traceback);
        return NULL;
    }
    return PyLong_FromUnsignedLong(identity);
}

PyDoc_STRVAR(exit_doc, "exit()\n\nRaise SystemExit, which ends the thread silently unless it is caught.");
static PyObject *thread_exit(PyObject *module, PyObject *unused) {
    PyErr_SetNone(PyExc_SystemExit);
    return NULL;
}

PyDoc_STRVAR(interrupt_main_doc, "interrupt_main(signum=signal.SIGINT, /)\n\n"
                                 "Act as if a signal had arrived: the main thread runs its handler.");
static PyObject *thread_interrupt_main(PyObject *module, PyObject *args) {
    int number = SIGINT;
    if (!PyArg_ParseTuple(args, "|i:signum", &number)) return NULL;
    if (PyErr_SetInterruptEx(number) != 0) {
        PyErr_SetString(PyExc_ValueError, "signal number out of range");
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(allocate_lock_doc, "allocate_lock() -> lock object\n\nMake a lock that nobody holds.");
static PyObject *thread_allocate_lock(PyObject *module, PyObject *unused) {
    return (PyObject *)lock_create(module_state(module)->lock_type);
}

PyDoc_STRVAR(get_ident_doc, "get_ident() -> integer\n\nThis thread's identity, unlike that of any other running thread.");
static PyObject *thread_get_ident(PyObject *module, PyObject *unused) {
    return PyLong_FromUnsignedLong(PyThread_get_thread_ident());
}

PyDoc_STRVAR(get_native_id_doc, "get_native_id() -> integer\n\nThe number that the kernel knows this thread by.");
static PyObject *thread_get_native_id(PyObject *module, PyObject *unused) {
    return PyLong_FromUnsignedLong(PyThread_get_thread_native_id());
}

PyDoc_STRVAR(count_doc, "_count() -> integer\n\nNumber of running threads that start_new_thread() started.");
static PyObject *thread_count(PyObject *module, PyObject *unused) { return PyLong_FromLong(kr_tstate()->interp->thread_count); }

PyDoc_STRVAR(stack_size_doc, "stack_size([size]) -> size\n\n"
                             "Set the stack size in bytes of threads to come, 0 for the system's; returns the old one.");
static PyObject *thread_stack_size(PyObject *module, PyObject *args) {
    Py_ssize_t size = 0;
    if (!PyArg_ParseTuple(args, "|n:stack_size", &size)) return NULL;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "size must be 0 or a positive value");
        return NULL;
    }
    size_t old = PyThread_get_stacksize();
    if (PyTuple_GET_SIZE(args) > 0 && PyThread_set_stacksize((size_t)size) < 0) {
        PyErr_Format(PyExc_ValueError, "size not valid: %zd bytes", size);
        return NULL;
    }
    return PyLong_FromSsize_t((Py_ssize_t)old);
}

/* Releases the lock that a weak reference (owned) names, if it still exists. */
static void release_sentinel(void *data) {
    PyObject *reference = data, *lock = PyWeakref_GET_OBJECT(reference);
    if (lock != Py_None && ((LockObject *)lock)->locked) {
        ((LockObject *)lock)->locked = 0;
        PyThread_release_lock(((LockObject *)lock)->lock);
    }
    Py_DECREF(reference);
}

PyDoc_STRVAR(set_sentinel_doc, "_set_sentinel() -> lock\n\nA lock that is released when the calling thread has ended.");
static PyObject *thread_set_sentinel(PyObject *module, PyObject *unused) {
    PyThreadState *thread = kr_tstate();
    if (thread->on_delete_data != NULL) { /* a second call replaces the first one's lock */
        PyObject *old = thread->on_delete_data;
        thread->on_delete = NULL;
        thread->on_delete_data = NULL;
        Py_DECREF(old);
    }
    LockObject *lock = lock_create(module_state(module)->lock_type);
    if (lock == NULL) return NULL;
    PyObject *reference = PyWeakref_NewRef((PyObject *)lock, NULL);
    if (reference == NULL) {
        Py_DECREF(lock);
        return NULL;
    }
    thread->on_delete_data = reference;
    thread->on_delete = release_sentinel;
    return (PyObject *)lock;
}

/* ---- Uncaught exceptions ---- */

static PyStructSequence_Field excepthook_fields[] = {
    {"exc_type", "type of the exception"},
    {"exc_value", "the exception, or None"},
    {"exc_traceback", "its traceback, or None"},
    {"thread", "the threading.Thread, or None"},
    {NULL, NULL},
};

static PyStructSequence_Desc excepthook_description = {
    "_thread._ExceptHookArgs", "What threading.excepthook is told about an exception.", excepthook_fields, 4};

/* Writes "Exception in thread NAME:". Returns 0 or -1. */
static int write_heading(PyObject *file, PyObject *thread) {
    PyObject *name = NULL;
    if (PyFile_WriteString("Exception in thread ", file) < 0) return -1;
    if (thread != Py_None && _PyObject_LookupAttr(thread, KR_NAME(name), &name) < 0) return -1;
    if (name == NULL) {
        name = PyUnicode_FromFormat("%lu", PyThread_get_thread_ident());
        if (name == NULL) return -1;
    }
    int failed = PyFile_WriteObject(name, file, Py_PRINT_RAW) < 0;
    if (failed) { /* a name whose str() fails */
        PyErr_Clear();
        failed = PyFile_WriteString("<failed to get thread name>", file) < 0;
    }
    Py_DECREF(name);
    return failed ? -1 : PyFile_WriteString(":\n", file);
}

PyDoc_STRVAR(excepthook_doc, "excepthook(exc_type, exc_value, exc_traceback, thread)\n\n"
                             "Show an exception that Thread.run() did not catch; SystemExit is silent.");
static PyObject *thread_excepthook(PyObject *module, PyObject *args) {
    if (!Py_IS_TYPE(args, module_state(module)->excepthook_args_type)) {
        PyErr_SetString(PyExc_TypeError, "_thread.excepthook argument type must be ExceptHookArgs");
        return NULL;
    }
    PyObject *type = PyStructSequence_GET_ITEM(args, 0), *value = PyStructSequence_GET_ITEM(args, 1),
             *traceback = PyStructSequence_GET_ITEM(args, 2), *thread = PyStructSequence_GET_ITEM(args, 3);
    if (type == PyExc_SystemExit) Py_RETURN_NONE;
    PyObject *file = PySys_GetObject("stderr");
    if (file == NULL || file == Py_None) {
        if (thread == Py_None) Py_RETURN_NONE; /* nowhere to write */
        file = PyObject_GetAttr(thread, KR_NAME(_stderr)); /* where the thread's creator wrote */
        if (file == NULL) return NULL;
        if (file == Py_None) return file;
    } else {
        Py_INCREF(file);
    }
    PyObject *result = NULL;
    if (write_heading(file, thread) == 0) {
        _PyErr_Display(file, type, value, traceback);
        PyObject *flushed = PyObject_CallMethodNoArgs(file, KR_NAME(flush));
        if (flushed != NULL) result = Py_NewRef(Py_None);
        Py_XDECREF(flushed);
    }
    Py_DECREF(file);
    return result;
}

/* ---- The module ---- */

static PyMethodDef methods[] = {
    {"start_new_thread", (PyCFunction)(void (*)(void))thread_start_new_thread, METH_FASTCALL, start_new_thread_doc},
    {"start_new", (PyCFunction)(void (*)(void))thread_start_new_thread, METH_FASTCALL, start_new_thread_doc},
    {"allocate_lock", thread_allocate_lock, METH_NOARGS, allocate_lock_doc},
    {"allocate", thread_allocate_lock, METH_NOARGS, allocate_lock_doc},
    {"exit_thread", thread_exit, METH_NOARGS, exit_doc},
    {"exit", thread_exit, METH_NOARGS, exit_doc},
    {"interrupt_main", thread_interrupt_main, METH_VARARGS, interrupt_main_doc},
    {"get_ident", thread_get_ident, METH_NOARGS, get_ident_doc},
    {"get_native_id", thread_get_native_id, METH_NOARGS, get_native_id_doc},
    {"_count", thread_count, METH_NOARGS, count_doc},
    {"stack_size", thread_stack_size, METH_VARARGS, stack_size_doc},
    {"_set_sentinel", thread_set_sentinel, METH_NOARGS, set_sentinel_doc},
    {"_excepthook", thread_excepthook, METH_O, excepthook_doc},
    {NULL},
};

static PyTypeObject *make_type(PyObject *module, PyType_Spec *spec) {
    return (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
}

static int execute(PyObject *module) {
    ModuleState *types = module_state(module);
    types->lock_type = make_type(module, &lock_spec);
    if (types->lock_type == NULL || PyModule_AddObjectRef(module, "LockType", (PyObject *)types->lock_type) < 0) return -1;
    types->rlock_type = make_type(module, &rlock_spec);
    if (types->rlock_type == NULL || PyModule_AddType(module, types->rlock_type) < 0) return -1;
    types->local_thread_type = make_type(module, &local_thread_spec);
    if (types->local_thread_type == NULL) return -1;
    types->local_type = make_type(module, &local_spec);
    if (types->local_type == NULL || PyModule_AddType(module, types->local_type) < 0) return -1;
    types->excepthook_args_type = PyStructSequence_NewType(&excepthook_description);
    if (types->excepthook_args_type == NULL || PyModule_AddType(module, types->excepthook_args_type) < 0) return -1;
    if (PyModule_AddObjectRef(module, "error", PyExc_RuntimeError) < 0) return -1;
    long long longest = Py_MIN(PY_TIMEOUT_MAX / 1000000, _PyTime_MAX / 1000000000); /* seconds */
    PyObject *timeout_max = PyFloat_FromDouble((double)longest);
    int result = timeout_max == NULL ? -1 : PyModule_AddObjectRef(module, "TIMEOUT_MAX", timeout_max);
    Py_XDECREF(timeout_max);
    return result;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    ModuleState *types = module_state(module);
    Py_VISIT(types->lock_type);
    Py_VISIT(types->rlock_type);
    Py_VISIT(types->local_type);
    Py_VISIT(types->local_thread_type);
    Py_VISIT(types->excepthook_args_type);
    return 0;
}

static int module_clear(PyObject *module) {
    ModuleState *types = module_state(module);
    Py_CLEAR(types->lock_type);
    Py_CLEAR(types->rlock_type);
    Py_CLEAR(types->local_type);
    Py_CLEAR(types->local_thread_type);
    Py_CLEAR(types->excepthook_args_type);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_thread",
    .m_doc = "Threads and locks; the module threading is more convenient.",
    .m_size = sizeof(ModuleState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__thread(void) { return PyModuleDef_Init(&definition); }
