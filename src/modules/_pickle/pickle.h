/* What the files of the module _pickle share.

   A Pickler writes opcodes to `output`, a bytes object that grows; framing (protocol 4 and later) reserves the place of a
   frame's header when the frame's first opcode is written and fills it in when the frame is closed. An Unpickler runs
   opcodes on a stack. Invariant of that stack: the objects in front of `fence`, the newest mark, cannot be popped, so
   that no pickle reaches below a mark by mistake or by intent.

   Both have a memo of objects already seen. The Pickler's maps objects, by identity, to numbers; the Unpickler's is an
   array indexed by number, and a dict for numbers that are out of proportion, so that a hostile pickle cannot make the
   array huge. */
#ifndef KR_MODULES_PICKLE_PICKLE_H
#define KR_MODULES_PICKLE_PICKLE_H

#include <Python.h>
#include <stdbool.h>

enum {
#define PICKLE_OPCODE(name, value) OP_##name = value,
#include "modules/_pickle/opcodes.def"
#undef PICKLE_OPCODE
};

enum {
    HIGHEST_PROTOCOL = 5,
    DEFAULT_PROTOCOL = 4,
    BATCH_SIZE = 1000,           /* items between a mark and APPENDS, SETITEMS or ADDITEMS */
    FRAME_TARGET_SIZE = 64 * 1024, /* bytes after which a frame is closed */
    FRAME_MINIMUM_SIZE = 4,      /* smaller frames go without a header */
    FRAME_HEADER_SIZE = 9,       /* the opcode and eight bytes for the size */
    PREFETCH_SIZE = 128 * 1024,  /* bytes looked ahead with peek() */
};

#define PICKLE_NAMES(X)                                                                                                \
    X(__class__) X(__dict__) X(__getinitargs__) X(__main__) X(__module__) X(__mp_main__) X(__name__) X(__new__)        \
    X(__newobj__) X(__newobj_ex__) X(__qualname__) X(__reduce__) X(__reduce_ex__) X(__setstate__) X(add) X(append)     \
    X(dispatch_table) X(extend) X(find_class) X(items) X(latin1) X(peek) X(persistent_id) X(persistent_load) X(read)   \
    X(readinto) X(readline) X(reducer_override) X(write)

typedef struct {
    PyObject *pickle_error, *pickling_error, *unpickling_error;
    PyTypeObject *pickler_type, *unpickler_type, *pickler_memo_type, *unpickler_memo_type;
    /* Of copyreg. */
    PyObject *dispatch_table, *extension_registry, *inverted_registry, *extension_cache;
    /* Of _compat_pickle: names of Python 2 to those of Python 3, and back. */
    PyObject *name_mapping, *import_mapping, *reverse_name_mapping, *reverse_import_mapping;
    PyObject *codecs_encode, *getattr, *partial;
    PyObject *spare_output; /* bytes of the smallest capacity for the next dumps(), or NULL */
    struct {
#define X(name) PyObject *s_##name;
        PICKLE_NAMES(X)
#undef X
    } names;
} PickleState;

/* The interned string of that name. */
#define NAME(state, name) ((state)->names.s_##name)

extern struct PyModuleDef kr_pickle_module;
extern PyType_Spec kr_pickle_pickler_spec, kr_pickle_unpickler_spec, kr_pickle_pickler_memo_spec,
    kr_pickle_unpickler_memo_spec;

/* --- The Pickler's memo (memo.c): a hash table of objects by address. */

typedef struct {
    PyObject *object; /* owned; NULL: free */
    Py_ssize_t index;
} MemoEntry;

typedef struct {
    Py_ssize_t mask; /* size - 1 */
    Py_ssize_t used;
    Py_ssize_t size; /* entries, a power of two */
    MemoEntry *entries;
} Memo;

/* NULL with MemoryError set. */
Memo *kr_pickle_memo_new(void);
void kr_pickle_memo_free(Memo *memo);
void kr_pickle_memo_clear(Memo *memo);
/* Sets the number of an object. Returns 0, or -1 with MemoryError set. */
int kr_pickle_memo_set(Memo *memo, PyObject *object, Py_ssize_t index);
size_t kr_pickle_memo_sizeof(const Memo *memo);

static inline size_t memo_hash(const PyObject *object) {
    return ((uintptr_t)object >> 4) * (size_t)0x9E3779B97F4A7C15u >> 20;
}

/* The entry of an object, or the free entry where it belongs. */
static inline MemoEntry *memo_find(const Memo *memo, const PyObject *object) {
    for (size_t i = memo_hash(object);; i++) {
        MemoEntry *entry = &memo->entries[i & (size_t)memo->mask];
        if (entry->object == object || entry->object == NULL) return entry;
    }
}

/* --- Pickling. */

typedef struct {
    PyObject_HEAD
    PickleState *state;
    Memo *memo;
    PyObject *persistent_id; /* function, or NULL */
    PyObject *persistent_self; /* borrowed: its first argument, or NULL */
    PyObject *dispatch_table; /* in place of copyreg's, or NULL */
    PyObject *reducer_override; /* while dumping, or NULL */
    PyObject *write;          /* of the file; NULL for dumps() */
    PyObject *output;         /* bytes, or NULL */
    char *data;               /* of the output */
    Py_ssize_t length;        /* bytes written to the output */
    Py_ssize_t capacity;      /* bytes of the output */
    Py_ssize_t frame_start;   /* place of the open frame in the output, or -1 */
    int protocol;
    int binary;  /* protocol > 0 */
    int framing; /* opcodes belong to frames */
    int fast;    /* no memo */
    int fast_nesting;
    int fix_imports;
    PyObject *fast_memo; /* set of ids of the objects being pickled in fast mode, when nested deeply */
    PyObject *buffer_callback;
} Pickler;

/* output.c: all return 0, or -1 with an exception. */
int kr_pickle_output_clear(Pickler *self);
int kr_pickle_write(Pickler *self, const char *bytes, Py_ssize_t count);
/* Writes an opcode that is large: header and payload. Past a limit the payload bypasses frames, and goes to the file
   without a copy; `payload` is the object that holds it, or NULL. */
int kr_pickle_write_large(Pickler *self, const char *header, Py_ssize_t header_size, const char *data, Py_ssize_t size,
                          PyObject *payload);
/* Closes a frame that is large enough, between two opcodes. */
int kr_pickle_end_frame(Pickler *self);
int kr_pickle_close_frame(Pickler *self);
int kr_pickle_flush(Pickler *self);
/* Returns the output as bytes; NULL with an exception. */
PyObject *kr_pickle_take_output(Pickler *self);

char *kr_pickle_reserve_slow(Pickler *self, Py_ssize_t count);

/* Makes room for count bytes and returns where they go; NULL with an exception. The caller adds to self->length. */
static inline char *reserve(Pickler *self, Py_ssize_t count) {
    if (__builtin_expect((!self->framing || self->frame_start != -1) && count <= self->capacity - self->length, 1))
        return self->data + self->length;
    return kr_pickle_reserve_slow(self, count);
}

static inline int write_op(Pickler *self, int op) {
    char *place = reserve(self, 1);
    if (place == NULL) return -1;
    *place = (char)op;
    self->length++;
    return 0;
}

/* save.c */
int kr_pickle_save(Pickler *self, PyObject *object, bool with_persistent_id);
/* Writes the instruction that pushes an object of the memo. */
int kr_pickle_save_get(Pickler *self, Py_ssize_t index);
int kr_pickle_memoize(Pickler *self, PyObject *object);
int kr_pickle_batch_list(Pickler *self, PyObject *iterator);
int kr_pickle_batch_dict(Pickler *self, PyObject *iterator);

/* save_reduce.c */
/* Writes what a __reduce__ returned for the object, which may be NULL. */
int kr_pickle_save_reduce(Pickler *self, PyObject *value, PyObject *object);
int kr_pickle_save_global(Pickler *self, PyObject *object, PyObject *name);
int kr_pickle_save_type(Pickler *self, PyObject *type);
/* Asks the object (or dispatch tables) how to reduce it, and writes that. */
int kr_pickle_save_by_reducing(Pickler *self, PyObject *object);

/* pickler.c */
int kr_pickle_pickler_setup(Pickler *self, PyObject *file, PyObject *protocol, bool fix_imports,
                            PyObject *buffer_callback);
int kr_pickle_dump(Pickler *self, PyObject *object);
Pickler *kr_pickle_pickler_new(PickleState *state);

/* attribute.c */
/* Splits a qualified name at its dots. `object` is for the message if it holds <locals>, and may be NULL. */
PyObject *kr_pickle_dotted_path(PyObject *object, PyObject *name);
/* The attribute at the end of the path; if parent is not NULL, also (owned) the object it is an attribute of. */
PyObject *kr_pickle_deep_attribute(PyObject *object, PyObject *path, PyObject **parent);
PyObject *kr_pickle_attribute(PyObject *object, PyObject *name, bool qualified);
PyObject *kr_pickle_which_module(PickleState *state, PyObject *object, PyObject *path);
/* Imports a module and returns it (not the package around it). */
PyObject *kr_pickle_import(PyObject *name);
/* Looks up a method of self that subclasses may define; avoids a cycle of references. Sets both to NULL if there is
   none. Returns -1 with an exception. */
int kr_pickle_find_hook(PyObject *self, PyObject *name, PyObject **function, PyObject **bound_self);
PyObject *kr_pickle_hook_as_method(PyObject *function, PyObject *bound_self);
PyObject *kr_pickle_call_hook(PyObject *function, PyObject *bound_self, PyObject *argument);
/* Replace the names of a module and of an object in it by those which they have in the other Python. They take and return
   owned references. Return -1 with an exception. */
int kr_pickle_map_to_python2(PickleState *state, PyObject **module_name, PyObject **name);
int kr_pickle_map_to_python3(PickleState *state, PyObject **module_name, PyObject **name);

/* --- Unpickling. */

typedef struct {
    PickleState *state;
    PyObject **items;
    Py_ssize_t size, capacity;
    Py_ssize_t fence; /* the newest mark, or 0 */
    bool has_marks;
    bool running; /* load() is under way */
    PyObject *sparse_memo; /* dict, or NULL */
} ObjectStack;

typedef struct {
    PyObject_HEAD
    ObjectStack *stack;
    PyObject **memo; /* NULL: no such number */
    Py_ssize_t memo_size; /* of the array */
    Py_ssize_t memo_count; /* numbers that are set */
    PyObject *persistent_load;
    PyObject *persistent_self; /* borrowed */
    Py_buffer buffer;    /* holds the input, if buffer.obj is not NULL */
    const char *input;   /* bytes read so far */
    char *line;          /* copy of the newest line, with a zero behind it */
    Py_ssize_t input_size;
    Py_ssize_t next;     /* the byte to be read next */
    Py_ssize_t fetched;  /* bytes in front of this have also been read in the file; those behind only looked at */
    PyObject *read, *readinto, *readline, *peek; /* of the file; all NULL for loads() */
    PyObject *buffers;   /* iterator over out-of-band buffers, or NULL */
    const char *encoding, *errors; /* how to decode strings of Python 2 */
    Py_ssize_t *marks;
    Py_ssize_t mark_count, mark_capacity;
    int protocol;
    int fix_imports;
} Unpickler;

/* The arguments that load(), loads() and Unpickler() have in common; NULL stands for the default. */
typedef struct {
    int fix_imports;
    const char *encoding, *errors;
    PyObject *buffers;
} LoadOptions;

/* input.c: read functions return a number of bytes, or -1 with an exception. */
int kr_pickle_input_bytes(Unpickler *self, PyObject *data);
int kr_pickle_input_file(Unpickler *self, PickleState *state, PyObject *file);
Py_ssize_t kr_pickle_read_slow(Unpickler *self, const char **bytes, Py_ssize_t count);
Py_ssize_t kr_pickle_read_into(Unpickler *self, char *buffer, Py_ssize_t count);
Py_ssize_t kr_pickle_read_line(Unpickler *self, char **line);
/* Moves the file to the end of what was used. */
int kr_pickle_skip_consumed(Unpickler *self);
/* Raises UnpicklingError and returns -1. */
Py_ssize_t kr_pickle_truncated(Unpickler *self);

/* Points *bytes to the next `count` bytes of the input. */
static inline __attribute__((always_inline)) Py_ssize_t read_bytes(Unpickler *self, const char **bytes, Py_ssize_t count) {
    if (__builtin_expect(count <= self->input_size - self->next, 1)) {
        *bytes = self->input + self->next;
        self->next += count;
        return count;
    }
    return kr_pickle_read_slow(self, bytes, count);
}

/* How to decode strings of Python 2 unless the caller says so; never freed. */
extern const char kr_pickle_default_encoding[], kr_pickle_default_errors[];

/* unpickler.c */
PyObject *kr_pickle_unpickler_memo_get(Unpickler *self, size_t index); /* borrowed, NULL if there is none */
int kr_pickle_unpickler_memo_set(Unpickler *self, size_t index, PyObject *value);
void kr_pickle_unpickler_memo_clear(Unpickler *self);
Unpickler *kr_pickle_unpickler_new(PickleState *state);
/* Reads the values of fix_imports, encoding, errors and buffers, any of which may be NULL; false with an exception. */
bool kr_pickle_read_load_options(const char *function, PyObject *const *value, LoadOptions *options);
int kr_pickle_unpickler_setup(Unpickler *self, const LoadOptions *options);
PyObject *kr_pickle_find_class(Unpickler *self, PyObject *module_name, PyObject *name);

/* load.c */
/* Tells whether load() is under way, which must not begin again then; if so, RuntimeError is set. */
bool kr_pickle_is_running(Unpickler *self);
PyObject *kr_pickle_load(Unpickler *self);

/* memo_proxy.c */
PyObject *kr_pickle_pickler_memo_proxy(Pickler *self);
PyObject *kr_pickle_unpickler_memo_proxy(Unpickler *self);
int kr_pickle_set_pickler_memo(Pickler *self, PyObject *value);
int kr_pickle_set_unpickler_memo(Unpickler *self, PyObject *value);

#endif
