/* The instructions of pickles, executed. */
#include <Python.h>

#include "collector/collector.h"
#include "modules/_pickle/pickle.h"
#include "object/instance.h"
#include "types/int.h"
#include "types/list.h"

enum { SHORT_TEXT = 64 /* bytes; texts that are shorter are looked at here whether they are ASCII */ };

/* Functions return 0, or -1 with an exception, unless their comment says something else. */

/* --- The stack. */

static __attribute__((noinline)) int raise_unpickling(Unpickler *self, const char *message) {
    PyErr_SetString(self->stack->state->unpickling_error, message);
    return -1;
}

static __attribute__((noinline)) int stack_underflow(Unpickler *self) {
    return raise_unpickling(self, self->stack->has_marks ? "unexpected MARK found" : "unpickling stack underflow");
}

static __attribute__((noinline)) int stack_grow(ObjectStack *stack) {
    size_t capacity = (size_t)stack->capacity + ((size_t)stack->capacity >> 3) + 16;
    PyObject **items = capacity < PY_SSIZE_T_MAX / sizeof(PyObject *)
                           ? PyMem_Realloc(stack->items, capacity * sizeof(PyObject *))
                           : NULL;
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    stack->items = items;
    stack->capacity = (Py_ssize_t)capacity;
    return 0;
}

/* Takes the object, which may be NULL with an exception. */
static inline __attribute__((always_inline)) int push(Unpickler *self, PyObject *object) {
    ObjectStack *stack = self->stack;
    if (object == NULL) return -1;
    if (stack->size == stack->capacity && stack_grow(stack) < 0) {
        Py_DECREF(object);
        return -1;
    }
    stack->items[stack->size++] = object;
    return 0;
}

/* Returns an owned object, or NULL with an exception. */
static PyObject *pop(Unpickler *self) {
    ObjectStack *stack = self->stack;
    if (stack->size <= stack->fence) {
        stack_underflow(self);
        return NULL;
    }
    return stack->items[--stack->size];
}

/* The newest object, borrowed; NULL with an exception. */
static inline __attribute__((always_inline)) PyObject *peek(Unpickler *self) {
    const ObjectStack *stack = self->stack;
    if (stack->size <= stack->fence) {
        stack_underflow(self);
        return NULL;
    }
    return stack->items[stack->size - 1];
}

static void stack_truncate(ObjectStack *stack, Py_ssize_t size) {
    while (stack->size > size) {
        PyObject *object = stack->items[--stack->size];
        Py_DECREF(object);
    }
}

/* Moves the objects from `start` on to a new tuple. */
static inline __attribute__((always_inline)) PyObject *pop_tuple(Unpickler *self, Py_ssize_t start) {
    ObjectStack *stack = self->stack;
    if (start < stack->fence) {
        stack_underflow(self);
        return NULL;
    }
    PyObject *tuple = PyTuple_New(stack->size - start);
    if (tuple == NULL) return NULL;
    bool tracked = false;
    for (Py_ssize_t i = start; i < stack->size; i++) {
        PyObject *item = stack->items[i];
        PyTuple_SET_ITEM(tuple, i - start, item);
        tracked = tracked || kr_gc_may_be_tracked(item);
    }
    stack->size = start;
    /* The collector would find out later that there is nothing for it in the tuple. */
    if (!tracked && PyTuple_GET_SIZE(tuple) > 0) kr_gc_untrack(tuple);
    return tuple;
}

static PyObject *pop_list(Unpickler *self, Py_ssize_t start) {
    ObjectStack *stack = self->stack;
    PyObject *list = PyList_New(stack->size - start);
    if (list == NULL) return NULL;
    for (Py_ssize_t i = start; i < stack->size; i++) PyList_SET_ITEM(list, i - start, stack->items[i]);
    stack->size = start;
    return list;
}

static int load_mark(Unpickler *self) {
    if (self->mark_count >= self->mark_capacity) {
        size_t capacity = ((size_t)self->mark_capacity << 1) + 20;
        Py_ssize_t *marks = PyMem_Realloc(self->marks, capacity * sizeof(Py_ssize_t));
        if (marks == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        self->marks = marks;
        self->mark_capacity = (Py_ssize_t)capacity;
    }
    self->stack->has_marks = true;
    self->marks[self->mark_count++] = self->stack->fence = self->stack->size;
    return 0;
}

/* Removes the newest mark and returns its place, or -1 with an exception. */
static inline __attribute__((always_inline)) Py_ssize_t pop_mark(Unpickler *self) {
    if (self->mark_count < 1) return raise_unpickling(self, "could not find MARK");
    Py_ssize_t mark = self->marks[--self->mark_count];
    self->stack->has_marks = self->mark_count > 0;
    self->stack->fence = self->mark_count > 0 ? self->marks[self->mark_count - 1] : 0;
    return mark;
}

/* --- The memo. */

static inline int memo_set(Unpickler *self, size_t index, PyObject *value) {
    if (index >= (size_t)self->memo_size || self->memo[index] != NULL)
        return kr_pickle_unpickler_memo_set(self, index, value);
    self->memo[index] = Py_NewRef(value);
    self->memo_count++;
    return 0;
}

static inline PyObject *memo_get(Unpickler *self, size_t index) {
    return index < (size_t)self->memo_size ? self->memo[index] : kr_pickle_unpickler_memo_get(self, index);
}

/* --- Arguments of instructions. */

static inline __attribute__((always_inline)) size_t little_endian(const char *bytes, int count) {
    size_t value = 0;
    for (int i = 0; i < count; i++) value |= (size_t)(unsigned char)bytes[i] << 8 * i;
    return value;
}

/* Reads an unsigned number of `bytes` bytes. */
static inline __attribute__((always_inline)) int read_number(Unpickler *self, int bytes, size_t *value) {
    const char *data;
    if (read_bytes(self, &data, bytes) < 0) return -1;
    *value = little_endian(data, bytes);
    return 0;
}

/* Reads a size; one that no object can have raises OverflowError. */
static int read_size(Unpickler *self, int bytes, const char *instruction, Py_ssize_t *size) {
    size_t value;
    if (read_number(self, bytes, &value) < 0) return -1;
    if (value > PY_SSIZE_T_MAX) {
        PyErr_Format(PyExc_OverflowError, "%s exceeds system's maximum size of %zd bytes", instruction, PY_SSIZE_T_MAX);
        return -1;
    }
    *size = (Py_ssize_t)value;
    return 0;
}

/* Reads a line; one that is shorter than `least` bytes (with the line feed) is an error. Returns its size or -1. */
static Py_ssize_t read_line(Unpickler *self, char **line, Py_ssize_t least) {
    Py_ssize_t size = kr_pickle_read_line(self, line);
    if (size < 0) return -1;
    return size < least ? kr_pickle_truncated(self) : size;
}

/* --- Numbers. */

static int load_int(Unpickler *self) {
    char *line, *end;
    Py_ssize_t size = read_line(self, &line, 2);
    if (size < 0) return -1;
    errno = 0;
    long value = strtol(line, &end, 0);
    if (errno || *end != '\n' || end[1] != '\0') {
        /* It may be too large for a long. */
        errno = 0;
        PyObject *number = PyLong_FromString(line, NULL, 0);
        if (number == NULL) {
            PyErr_SetString(PyExc_ValueError, "could not convert string to int");
            return -1;
        }
        return push(self, number);
    }
    /* Protocol 1 had no instructions for bools. */
    if (size == 3 && (value == 0 || value == 1)) return push(self, PyBool_FromLong(value));
    return push(self, PyLong_FromLong(value));
}

static inline __attribute__((always_inline)) int load_binint(Unpickler *self, int bytes) {
    size_t value;
    if (read_number(self, bytes, &value) < 0) return -1;
    return push(self, kr_int_from_int64(bytes == 4 ? (int32_t)value : (long)value));
}

static int load_long(Unpickler *self) {
    char *line;
    Py_ssize_t size = read_line(self, &line, 2);
    if (size < 0) return -1;
    if (line[size - 2] == 'L') line[size - 2] = '\0';
    return push(self, PyLong_FromString(line, NULL, 0));
}

static int load_counted_long(Unpickler *self, int bytes) {
    size_t value;
    const char *data;
    if (read_number(self, bytes, &value) < 0) return -1;
    Py_ssize_t size = bytes == 4 ? (int32_t)value : (Py_ssize_t)value;
    if (size < 0) return raise_unpickling(self, "LONG pickle has negative byte count");
    if (size == 0) return push(self, PyLong_FromLong(0));
    if (read_bytes(self, &data, size) < 0) return -1;
    if (size <= 8) {
        /* Shifted up and back, so that the sign spreads. */
        int unused = 64 - 8 * (int)size;
        return push(self, kr_int_from_int64((int64_t)(little_endian(data, (int)size) << unused) >> unused));
    }
    return push(self, _PyLong_FromByteArray((const unsigned char *)data, (size_t)size, 1, 1));
}

static int load_float(Unpickler *self) {
    char *line, *end;
    if (read_line(self, &line, 2) < 0) return -1;
    double value = PyOS_string_to_double(line, &end, PyExc_OverflowError);
    if (value == -1.0 && PyErr_Occurred()) return -1;
    if (*end != '\n' && *end != '\0') {
        PyErr_SetString(PyExc_ValueError, "could not convert string to float");
        return -1;
    }
    return push(self, PyFloat_FromDouble(value));
}

static int load_binfloat(Unpickler *self) {
    const char *data;
    if (read_bytes(self, &data, 8) < 0) return -1;
    double value = PyFloat_Unpack8(data, 0);
    if (value == -1.0 && PyErr_Occurred()) return -1;
    return push(self, PyFloat_FromDouble(value));
}

/* --- Strings. */

static bool keeps_bytes(const Unpickler *self) { return strcmp(self->encoding, "bytes") == 0; }

static int load_string(Unpickler *self) {
    char *line;
    Py_ssize_t size = read_line(self, &line, 1);
    if (size < 0) return -1;
    if (line[size - 1] == '\n') size--;
    if (size < 2 || line[0] != line[size - 1] || (line[0] != '\'' && line[0] != '"'))
        return raise_unpickling(self, "the STRING opcode argument must be quoted");
    PyObject *bytes = PyBytes_DecodeEscape(line + 1, size - 2, NULL, 0, NULL);
    if (bytes == NULL || keeps_bytes(self)) return push(self, bytes);
    PyObject *text = PyUnicode_FromEncodedObject(bytes, self->encoding, self->errors);
    Py_DECREF(bytes);
    return push(self, text);
}

static int load_binstring(Unpickler *self, int bytes) {
    Py_ssize_t size;
    const char *data;
    if (read_size(self, bytes, "BINSTRING", &size) < 0 || read_bytes(self, &data, size) < 0) return -1;
    if (keeps_bytes(self)) return push(self, PyBytes_FromStringAndSize(data, size));
    return push(self, PyUnicode_Decode(data, size, self->encoding, self->errors));
}

/* True if so many bytes can be in the input: a size that a hostile pickle made up must not be allocated. */
static bool can_follow(Unpickler *self, Py_ssize_t size) {
    return self->read != NULL || size <= self->input_size - self->next;
}

static int load_binbytes(Unpickler *self, int bytes) {
    Py_ssize_t size;
    if (read_size(self, bytes, "BINBYTES", &size) < 0) return -1;
    if (!can_follow(self, size)) return (int)kr_pickle_truncated(self);
    if (size <= self->input_size - self->next) {
        self->next += size;
        return push(self, PyBytes_FromStringAndSize(self->input + self->next - size, size));
    }
    PyObject *object = PyBytes_FromStringAndSize(NULL, size);
    if (object == NULL) return -1;
    if (kr_pickle_read_into(self, PyBytes_AS_STRING(object), size) < 0) Py_CLEAR(object);
    return push(self, object);
}

static int load_bytearray8(Unpickler *self) {
    Py_ssize_t size;
    if (read_size(self, 8, "BYTEARRAY8", &size) < 0) return -1;
    if (!can_follow(self, size)) return (int)kr_pickle_truncated(self);
    PyObject *object = PyByteArray_FromStringAndSize(NULL, size);
    if (object == NULL) return -1;
    if (kr_pickle_read_into(self, PyByteArray_AS_STRING(object), size) < 0) Py_CLEAR(object);
    return push(self, object);
}

static int load_next_buffer(Unpickler *self) {
    if (self->buffers == NULL) {
        return raise_unpickling(self,
                                "pickle stream refers to out-of-band data but no *buffers* argument was given");
    }
    PyObject *buffer = PyIter_Next(self->buffers);
    if (buffer == NULL && !PyErr_Occurred()) return raise_unpickling(self, "not enough out-of-band buffers");
    return push(self, buffer);
}

static int load_readonly_buffer(Unpickler *self) {
    ObjectStack *stack = self->stack;
    PyObject *buffer = peek(self);
    if (buffer == NULL) return -1;
    PyObject *view = PyMemoryView_FromObject(buffer);
    if (view == NULL) return -1;
    if (PyMemoryView_GET_BUFFER(view)->readonly) {
        Py_DECREF(view);
        return 0;
    }
    PyMemoryView_GET_BUFFER(view)->readonly = 1;
    stack->items[stack->size - 1] = view;
    Py_DECREF(buffer);
    return 0;
}

static int load_unicode(Unpickler *self) {
    char *line;
    Py_ssize_t size = read_line(self, &line, 1);
    return size < 0 ? -1 : push(self, PyUnicode_DecodeRawUnicodeEscape(line, size - 1, NULL));
}

static inline bool is_ascii(const char *data, Py_ssize_t size) {
    uint64_t all = 0, word;
    for (; size >= 8; size -= 8, data += 8) {
        memcpy(&word, data, 8);
        all |= word;
    }
    for (; size > 0; size--) all |= (unsigned char)*data++;
    return (all & 0x8080808080808080u) == 0;
}

static int load_binunicode(Unpickler *self, int bytes) {
    Py_ssize_t size;
    const char *data;
    if (read_size(self, bytes, "BINUNICODE", &size) < 0 || read_bytes(self, &data, size) < 0) return -1;
    if (size < SHORT_TEXT && is_ascii(data, size)) return push(self, _PyUnicode_FromASCII(data, size));
    return push(self, PyUnicode_DecodeUTF8(data, size, "surrogatepass"));
}

/* --- Containers. */

static int load_tuple(Unpickler *self) {
    Py_ssize_t mark = pop_mark(self);
    return mark < 0 ? -1 : push(self, pop_tuple(self, mark));
}

static inline __attribute__((always_inline)) int load_short_tuple(Unpickler *self, Py_ssize_t size) {
    if (self->stack->size - size < self->stack->fence) return stack_underflow(self);
    return push(self, pop_tuple(self, self->stack->size - size));
}

static int load_list(Unpickler *self) {
    Py_ssize_t mark = pop_mark(self);
    return mark < 0 ? -1 : push(self, pop_list(self, mark));
}

static int load_dict(Unpickler *self) {
    ObjectStack *stack = self->stack;
    Py_ssize_t mark = pop_mark(self);
    if (mark < 0) return -1;
    if ((stack->size - mark) % 2 != 0) return raise_unpickling(self, "odd number of items for DICT");
    PyObject *dict = PyDict_New();
    if (dict == NULL) return -1;
    for (Py_ssize_t i = mark; i < stack->size; i += 2) {
        if (PyDict_SetItem(dict, stack->items[i], stack->items[i + 1]) < 0) {
            Py_DECREF(dict);
            return -1;
        }
    }
    stack_truncate(stack, mark);
    return push(self, dict);
}

static int load_frozenset(Unpickler *self) {
    Py_ssize_t mark = pop_mark(self);
    PyObject *items = mark < 0 ? NULL : pop_tuple(self, mark);
    if (items == NULL) return -1;
    PyObject *set = PyFrozenSet_New(items);
    Py_DECREF(items);
    return push(self, set);
}

/* The object in front of `start`, to which the objects from there on are added; NULL with an exception. */
static PyObject *find_container(Unpickler *self, Py_ssize_t start) {
    const ObjectStack *stack = self->stack;
    if (start > stack->size || start <= stack->fence) {
        stack_underflow(self);
        return NULL;
    }
    return stack->items[start - 1];
}

/* Calls a method with each object from `start` on, and removes them. */
static int add_one_by_one(Unpickler *self, PyObject *container, PyObject *name, Py_ssize_t start) {
    PyObject *method = PyObject_GetAttr(container, name);
    if (method == NULL) return -1;
    for (Py_ssize_t i = start; i < self->stack->size; i++) {
        PyObject *result = PyObject_CallOneArg(method, self->stack->items[i]);
        if (result == NULL) {
            Py_DECREF(method);
            return -1;
        }
        Py_DECREF(result);
    }
    Py_DECREF(method);
    stack_truncate(self->stack, start);
    return 0;
}

static int append_from(Unpickler *self, Py_ssize_t start) {
    ObjectStack *stack = self->stack;
    PyObject *list = find_container(self, start), *extend;
    if (list == NULL) return -1;
    if (stack->size == start) return 0;
    if (PyList_CheckExact(list)) {
        Py_ssize_t length = PyList_GET_SIZE(list), count = stack->size - start;
        if (count == 1) {
            stack->size = start;
            return kr_list_append_steal((PyListObject *)list, stack->items[start]);
        }
        if (kr_list_resize((PyListObject *)list, length + count) < 0) return -1;
        memcpy(((PyListObject *)list)->ob_item + length, stack->items + start, (size_t)count * sizeof(PyObject *));
        stack->size = start;
        return 0;
    }
    if (_PyObject_LookupAttr(list, NAME(stack->state, extend), &extend) < 0) return -1;
    /* Older classes have append() only. */
    if (extend == NULL) return add_one_by_one(self, list, NAME(stack->state, append), start);
    PyObject *items = pop_list(self, start);
    PyObject *result = items != NULL ? PyObject_CallOneArg(extend, items) : NULL;
    Py_XDECREF(items);
    Py_DECREF(extend);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static int load_append(Unpickler *self) {
    if (self->stack->size - 1 <= self->stack->fence) return stack_underflow(self);
    return append_from(self, self->stack->size - 1);
}

static int load_appends(Unpickler *self) {
    Py_ssize_t mark = pop_mark(self);
    return mark < 0 ? -1 : append_from(self, mark);
}

static int set_items_from(Unpickler *self, Py_ssize_t start) {
    ObjectStack *stack = self->stack;
    PyObject *dict = find_container(self, start);
    if (dict == NULL) return -1;
    if ((stack->size - start) % 2 != 0) return raise_unpickling(self, "odd number of items for SETITEMS");
    bool exact = PyDict_CheckExact(dict);
    for (Py_ssize_t i = start; i < stack->size; i += 2) {
        PyObject *key = stack->items[i], *value = stack->items[i + 1];
        if ((exact ? PyDict_SetItem(dict, key, value) : PyObject_SetItem(dict, key, value)) < 0) return -1;
    }
    stack_truncate(stack, start);
    return 0;
}

static int load_setitem(Unpickler *self) {
    if (self->stack->size - 2 < 0) return stack_underflow(self);
    return set_items_from(self, self->stack->size - 2);
}

static int load_setitems(Unpickler *self) {
    Py_ssize_t mark = pop_mark(self);
    return mark < 0 ? -1 : set_items_from(self, mark);
}

static int load_additems(Unpickler *self) {
    Py_ssize_t mark = pop_mark(self);
    PyObject *set = mark < 0 ? NULL : find_container(self, mark);
    if (set == NULL) return -1;
    if (self->stack->size == mark) return 0;
    if (!PySet_Check(set)) return add_one_by_one(self, set, NAME(self->stack->state, add), mark);
    for (Py_ssize_t i = mark; i < self->stack->size; i++) {
        if (PySet_Add(set, self->stack->items[i]) < 0) return -1;
    }
    stack_truncate(self->stack, mark);
    return 0;
}

/* --- Classes and instances. */

static PyObject *find_class(Unpickler *self, PyObject *module_name, PyObject *name) {
    PickleState *state = self->stack->state;
    if (Py_IS_TYPE(self, state->unpickler_type)) return kr_pickle_find_class(self, module_name, name);
    return PyObject_CallMethodObjArgs((PyObject *)self, NAME(state, find_class), module_name, name, NULL);
}

/* Reads two lines with the names of a module and of an object in it, and finds that. */
static PyObject *read_global(Unpickler *self, PyObject *(*decode)(const char *, Py_ssize_t, const char *)) {
    char *line;
    PyObject *found = NULL;
    Py_ssize_t size = read_line(self, &line, 2);
    PyObject *module_name = size < 0 ? NULL : decode(line, size - 1, "strict");
    if (module_name == NULL) return NULL;
    size = read_line(self, &line, 2);
    PyObject *name = size < 0 ? NULL : decode(line, size - 1, "strict");
    if (name != NULL) found = find_class(self, module_name, name);
    Py_DECREF(module_name);
    Py_XDECREF(name);
    return found;
}

/* Makes an instance for the instructions of protocol 0 and 1. */
static PyObject *instantiate(Unpickler *self, PyObject *cls, PyObject *args) {
    PickleState *state = self->stack->state;
    if (PyTuple_GET_SIZE(args) == 0 && PyType_Check(cls)) {
        PyObject *getinitargs;
        if (_PyObject_LookupAttr(cls, NAME(state, __getinitargs__), &getinitargs) < 0) return NULL;
        if (getinitargs == NULL) return PyObject_CallMethodOneArg(cls, NAME(state, __new__), cls);
        Py_DECREF(getinitargs);
    }
    return PyObject_CallObject(cls, args);
}

static int load_obj(Unpickler *self) {
    PyObject *cls, *object = NULL;
    Py_ssize_t mark = pop_mark(self);
    if (mark < 0) return -1;
    if (self->stack->size - mark < 1) return stack_underflow(self);
    PyObject *args = pop_tuple(self, mark + 1);
    if (args == NULL) return -1;
    if ((cls = pop(self)) != NULL) {
        object = instantiate(self, cls, args);
        Py_DECREF(cls);
    }
    Py_DECREF(args);
    return push(self, object);
}

static int load_inst(Unpickler *self) {
    PyObject *object = NULL;
    Py_ssize_t mark = pop_mark(self);
    if (mark < 0) return -1;
    PyObject *cls = read_global(self, PyUnicode_DecodeASCII);
    if (cls == NULL) return -1;
    PyObject *args = pop_tuple(self, mark);
    if (args != NULL) {
        object = instantiate(self, cls, args);
        Py_DECREF(args);
    }
    Py_DECREF(cls);
    return push(self, object);
}

/* Calls cls.__new__ with arguments that may be of any type. NULL with an exception. */
static PyObject *checked_new(Unpickler *self, const char *name, PyObject *cls, PyObject *args, PyObject *kwargs) {
    PyObject *error = self->stack->state->unpickling_error;
    if (!PyType_Check(cls)) {
        PyErr_Format(error, "%s class argument must be a type, not %.200s", name, Py_TYPE(cls)->tp_name);
    } else if (((PyTypeObject *)cls)->tp_new == NULL) {
        PyErr_Format(error, "%s class argument '%.200s' doesn't have __new__", name, ((PyTypeObject *)cls)->tp_name);
    } else if (!PyTuple_Check(args)) {
        PyErr_Format(error, "%s args argument must be a tuple, not %.200s", name, Py_TYPE(args)->tp_name);
    } else if (kwargs != NULL && !PyDict_Check(kwargs)) {
        PyErr_Format(error, "%s kwargs argument must be a dict, not %.200s", name, Py_TYPE(kwargs)->tp_name);
    } else {
        return ((PyTypeObject *)cls)->tp_new((PyTypeObject *)cls, args, kwargs);
    }
    return NULL;
}

static int load_newobj(Unpickler *self, bool with_keywords) {
    PyObject *args = NULL, *cls = NULL, *kwargs = NULL, *object = NULL;
    if ((!with_keywords || (kwargs = pop(self)) != NULL) && (args = pop(self)) != NULL && (cls = pop(self)) != NULL)
        object = checked_new(self, with_keywords ? "NEWOBJ_EX" : "NEWOBJ", cls, args, kwargs);
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(cls);
    return push(self, object);
}

static int load_stack_global(Unpickler *self) {
    PyObject *name = NULL, *module_name = NULL, *object = NULL;
    ObjectStack *stack = self->stack;
    if (stack->size - stack->fence >= 2) {
        name = pop(self);
        module_name = pop(self);
    }
    if (name == NULL || !PyUnicode_CheckExact(name) || !PyUnicode_CheckExact(module_name)) {
        raise_unpickling(self, "STACK_GLOBAL requires str");
    } else {
        object = find_class(self, module_name, name);
    }
    Py_XDECREF(name);
    Py_XDECREF(module_name);
    return push(self, object);
}

static int load_extension(Unpickler *self, int bytes) {
    PickleState *state = self->stack->state;
    size_t value;
    if (read_number(self, bytes, &value) < 0) return -1;
    long code = bytes == 4 ? (int32_t)value : (long)value;
    if (code <= 0) return raise_unpickling(self, "EXT specifies code <= 0");
    PyObject *number = PyLong_FromLong(code);
    if (number == NULL) return -1;
    PyObject *object = PyDict_GetItemWithError(state->extension_cache, number);
    if (object != NULL) {
        Py_DECREF(number);
        return push(self, Py_NewRef(object));
    }
    PyObject *pair = PyErr_Occurred() ? NULL : PyDict_GetItemWithError(state->inverted_registry, number);
    if (pair == NULL) {
        if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "unregistered extension code %ld", code);
    } else if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2 || !PyUnicode_Check(PyTuple_GET_ITEM(pair, 0)) ||
               !PyUnicode_Check(PyTuple_GET_ITEM(pair, 1))) {
        PyErr_Format(PyExc_ValueError, "_inverted_registry[%ld] isn't a 2-tuple of strings", code);
    } else {
        Py_INCREF(pair);
        object = find_class(self, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
        Py_DECREF(pair);
        if (object != NULL && PyDict_SetItem(state->extension_cache, number, object) < 0) Py_CLEAR(object);
    }
    Py_DECREF(number);
    return push(self, object);
}

static int load_reduce(Unpickler *self) {
    PyObject *function, *object = NULL, *args = pop(self);
    if (args == NULL) return -1;
    if ((function = pop(self)) != NULL) {
        object = PyObject_CallObject(function, args);
        Py_DECREF(function);
    }
    Py_DECREF(args);
    return push(self, object);
}

/* Sets attributes without making a __dict__, if nothing can tell the difference. Returns 1, or 0 if it must be made, or
   -1 with an exception. */
static int set_plain_state(PyObject *instance, PyObject *state) {
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    if (!PyDict_CheckExact(state) || !kr_instance_is_plain(instance)) return 0;
    while (PyDict_Next(state, &pos, &key, &value)) {
        if (!PyUnicode_CheckExact(key)) return 0;
        Py_INCREF(key);
        Py_INCREF(value);
        if (!PyUnicode_CHECK_INTERNED(key)) PyUnicode_InternInPlace(&key);
        int failed = kr_instance_set(instance, key, value);
        Py_DECREF(key);
        Py_DECREF(value);
        if (failed) return -1;
    }
    return 1;
}

/* Sets attributes through the __dict__ of the instance. */
static int set_state(Unpickler *self, PyObject *instance, PyObject *state) {
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    if (!PyDict_Check(state)) return raise_unpickling(self, "state is not a dictionary");
    int failed = set_plain_state(instance, state);
    if (failed != 0) return failed < 0 ? -1 : 0;
    PyObject *dict = PyObject_GetAttr(instance, NAME(self->stack->state, __dict__));
    if (dict == NULL) return -1;
    while (!failed && PyDict_Next(state, &pos, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        /* Names of attributes are interned, and many instances have the same. */
        if (PyUnicode_CheckExact(key)) PyUnicode_InternInPlace(&key);
        failed = PyObject_SetItem(dict, key, value) < 0;
        Py_DECREF(key);
        Py_DECREF(value);
    }
    Py_DECREF(dict);
    return failed ? -1 : 0;
}

static int set_slot_state(Unpickler *self, PyObject *instance, PyObject *state) {
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    if (!PyDict_Check(state)) return raise_unpickling(self, "slot state is not a dictionary");
    while (PyDict_Next(state, &pos, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        int failed = PyObject_SetAttr(instance, key, value) < 0;
        Py_DECREF(key);
        Py_DECREF(value);
        if (failed) return -1;
    }
    return 0;
}

static int load_build(Unpickler *self) {
    if (self->stack->size - 2 < self->stack->fence) return stack_underflow(self);
    PyObject *setstate, *state = pop(self), *instance = peek(self), *slot_state = NULL;
    int result = -1;
    if (_PyObject_LookupAttr(instance, NAME(self->stack->state, __setstate__), &setstate) < 0) goto done;
    if (setstate != NULL) {
        PyObject *answer = PyObject_CallOneArg(setstate, state);
        Py_DECREF(setstate);
        Py_XDECREF(answer);
        result = answer != NULL ? 0 : -1;
        goto done;
    }
    if (PyTuple_Check(state) && PyTuple_GET_SIZE(state) == 2) {
        PyObject *pair = state;
        state = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
        slot_state = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
        Py_DECREF(pair);
    }
    if (state != Py_None && set_state(self, instance, state) < 0) goto done;
    result = slot_state != NULL ? set_slot_state(self, instance, slot_state) : 0;
done:
    Py_DECREF(state);
    Py_XDECREF(slot_state);
    return result;
}

/* Pushes what the id stands for. Takes the id, which may be NULL. */
static int push_persistent(Unpickler *self, PyObject *id) {
    if (id == NULL) return -1;
    PyObject *object = kr_pickle_call_hook(self->persistent_load, self->persistent_self, id);
    Py_DECREF(id);
    return push(self, object);
}

static int load_persistent(Unpickler *self, bool binary) {
    if (self->persistent_load == NULL) {
        return raise_unpickling(self, "A load persistent id instruction was encountered,\n"
                                      "but no persistent_load function was specified.");
    }
    if (binary) return push_persistent(self, pop(self));
    char *line;
    Py_ssize_t size = read_line(self, &line, 1);
    if (size < 0) return -1;
    PyObject *id = PyUnicode_DecodeASCII(line, size - 1, "strict");
    if (id == NULL && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        return raise_unpickling(self, "persistent IDs in protocol 0 must be ASCII strings");
    return push_persistent(self, id);
}

/* --- Stack and memo. */

static int load_pop(Unpickler *self) {
    ObjectStack *stack = self->stack;
    if (self->mark_count > 0 && self->marks[self->mark_count - 1] == stack->size) {
        pop_mark(self);
        return 0;
    }
    PyObject *object = pop(self);
    Py_XDECREF(object);
    return object != NULL ? 0 : -1;
}

static int load_pop_mark(Unpickler *self) {
    Py_ssize_t mark = pop_mark(self);
    if (mark < 0) return -1;
    stack_truncate(self->stack, mark);
    return 0;
}

static int load_dup(Unpickler *self) {
    PyObject *object = peek(self);
    return object != NULL ? push(self, Py_NewRef(object)) : -1;
}

static inline __attribute__((always_inline)) int push_memo(Unpickler *self, Py_ssize_t index) {
    PyObject *object = index < 0 ? NULL : memo_get(self, (size_t)index);
    if (object != NULL) return push(self, Py_NewRef(object));
    if (!PyErr_Occurred())
        PyErr_Format(self->stack->state->unpickling_error, "Memo value not found at index %ld", (long)index);
    return -1;
}

/* Reads a line with a decimal number. */
static int read_index(Unpickler *self, Py_ssize_t *index) {
    char *line;
    if (read_line(self, &line, 2) < 0) return -1;
    PyObject *number = PyLong_FromString(line, NULL, 10);
    if (number == NULL) return -1;
    *index = PyLong_AsSsize_t(number);
    Py_DECREF(number);
    return *index == -1 && PyErr_Occurred() ? -1 : 0;
}

static int load_get(Unpickler *self) {
    Py_ssize_t index;
    return read_index(self, &index) < 0 ? -1 : push_memo(self, index);
}

static inline __attribute__((always_inline)) int load_binget(Unpickler *self, int bytes) {
    size_t index;
    return read_number(self, bytes, &index) < 0 ? -1 : push_memo(self, (Py_ssize_t)index);
}

static int load_put(Unpickler *self) {
    char *line;
    if (read_line(self, &line, 2) < 0) return -1;
    PyObject *value = peek(self);
    if (value == NULL) return -1;
    PyObject *number = PyLong_FromString(line, NULL, 10);
    if (number == NULL) return -1;
    Py_ssize_t index = PyLong_AsSsize_t(number);
    Py_DECREF(number);
    if (index < 0) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "negative PUT argument");
        return -1;
    }
    return memo_set(self, (size_t)index, value);
}

static inline __attribute__((always_inline)) int load_binput(Unpickler *self, int bytes) {
    size_t index;
    if (read_number(self, bytes, &index) < 0) return -1;
    PyObject *value = peek(self);
    return value == NULL ? -1 : memo_set(self, index, value);
}

static inline __attribute__((always_inline)) int load_memoize(Unpickler *self) {
    PyObject *value = peek(self);
    return value == NULL ? -1 : memo_set(self, (size_t)self->memo_count, value);
}

/* --- The pickle as a whole. */

static int load_proto(Unpickler *self) {
    size_t protocol;
    if (read_number(self, 1, &protocol) < 0) return -1;
    if (protocol > HIGHEST_PROTOCOL) {
        PyErr_Format(PyExc_ValueError, "unsupported pickle protocol: %d", (int)protocol);
        return -1;
    }
    self->protocol = (int)protocol;
    return 0;
}

/* Makes sure that the whole frame is in the input. */
static int load_frame(Unpickler *self) {
    size_t size;
    const char *data;
    if (read_number(self, 8, &size) < 0) return -1;
    if (size > PY_SSIZE_T_MAX) {
        PyErr_Format(PyExc_OverflowError, "FRAME length exceeds system's maximum of %zd bytes", PY_SSIZE_T_MAX);
        return -1;
    }
    if (read_bytes(self, &data, (Py_ssize_t)size) < 0) return -1;
    self->next -= (Py_ssize_t)size;
    return 0;
}

static int invalid_opcode(Unpickler *self, unsigned char op) {
    PyErr_Format(self->stack->state->unpickling_error,
                 op >= 0x20 && op <= 0x7E && op != '\'' && op != '\\' ? "invalid load key, '%c'."
                                                                      : "invalid load key, '\\x%02x'.",
                 op);
    return -1;
}

/* Executes one instruction other than STOP. */
static inline __attribute__((always_inline)) int execute(Unpickler *self, unsigned char op) {
    switch (op) {
    case OP_NONE: return push(self, Py_NewRef(Py_None));
    case OP_BININT: return load_binint(self, 4);
    case OP_BININT1: return load_binint(self, 1);
    case OP_BININT2: return load_binint(self, 2);
    case OP_INT: return load_int(self);
    case OP_LONG: return load_long(self);
    case OP_LONG1: return load_counted_long(self, 1);
    case OP_LONG4: return load_counted_long(self, 4);
    case OP_FLOAT: return load_float(self);
    case OP_BINFLOAT: return load_binfloat(self);
    case OP_SHORT_BINBYTES: return load_binbytes(self, 1);
    case OP_BINBYTES: return load_binbytes(self, 4);
    case OP_BINBYTES8: return load_binbytes(self, 8);
    case OP_BYTEARRAY8: return load_bytearray8(self);
    case OP_NEXT_BUFFER: return load_next_buffer(self);
    case OP_READONLY_BUFFER: return load_readonly_buffer(self);
    case OP_SHORT_BINSTRING: return load_binstring(self, 1);
    case OP_BINSTRING: return load_binstring(self, 4);
    case OP_STRING: return load_string(self);
    case OP_UNICODE: return load_unicode(self);
    case OP_SHORT_BINUNICODE: return load_binunicode(self, 1);
    case OP_BINUNICODE: return load_binunicode(self, 4);
    case OP_BINUNICODE8: return load_binunicode(self, 8);
    case OP_EMPTY_TUPLE: return load_short_tuple(self, 0);
    case OP_TUPLE1: return load_short_tuple(self, 1);
    case OP_TUPLE2: return load_short_tuple(self, 2);
    case OP_TUPLE3: return load_short_tuple(self, 3);
    case OP_TUPLE: return load_tuple(self);
    case OP_EMPTY_LIST: return push(self, PyList_New(0));
    case OP_LIST: return load_list(self);
    case OP_EMPTY_DICT: return push(self, PyDict_New());
    case OP_DICT: return load_dict(self);
    case OP_EMPTY_SET: return push(self, PySet_New(NULL));
    case OP_ADDITEMS: return load_additems(self);
    case OP_FROZENSET: return load_frozenset(self);
    case OP_OBJ: return load_obj(self);
    case OP_INST: return load_inst(self);
    case OP_NEWOBJ: return load_newobj(self, false);
    case OP_NEWOBJ_EX: return load_newobj(self, true);
    case OP_GLOBAL: return push(self, read_global(self, PyUnicode_DecodeUTF8));
    case OP_STACK_GLOBAL: return load_stack_global(self);
    case OP_APPEND: return load_append(self);
    case OP_APPENDS: return load_appends(self);
    case OP_BUILD: return load_build(self);
    case OP_DUP: return load_dup(self);
    case OP_BINGET: return load_binget(self, 1);
    case OP_LONG_BINGET: return load_binget(self, 4);
    case OP_GET: return load_get(self);
    case OP_MARK: return load_mark(self);
    case OP_BINPUT: return load_binput(self, 1);
    case OP_LONG_BINPUT: return load_binput(self, 4);
    case OP_PUT: return load_put(self);
    case OP_MEMOIZE: return load_memoize(self);
    case OP_POP: return load_pop(self);
    case OP_POP_MARK: return load_pop_mark(self);
    case OP_SETITEM: return load_setitem(self);
    case OP_SETITEMS: return load_setitems(self);
    case OP_PERSID: return load_persistent(self, false);
    case OP_BINPERSID: return load_persistent(self, true);
    case OP_REDUCE: return load_reduce(self);
    case OP_PROTO: return load_proto(self);
    case OP_FRAME: return load_frame(self);
    case OP_EXT1: return load_extension(self, 1);
    case OP_EXT2: return load_extension(self, 2);
    case OP_EXT4: return load_extension(self, 4);
    case OP_NEWTRUE: return push(self, Py_NewRef(Py_True));
    case OP_NEWFALSE: return push(self, Py_NewRef(Py_False));
    default: return invalid_opcode(self, op);
    }
}

bool kr_pickle_is_running(Unpickler *self) {
    if (self->stack->running) PyErr_SetString(PyExc_RuntimeError, "Unpickler object is already used");
    return self->stack->running;
}

static int run(Unpickler *self) {
    PyObject *error = self->stack->state->unpickling_error;
    for (;;) {
        const char *op;
        if (__builtin_expect(read_bytes(self, &op, 1) < 0, 0)) {
            if (PyErr_ExceptionMatches(error)) PyErr_SetString(PyExc_EOFError, "Ran out of input");
            return -1;
        }
        if (*op == OP_STOP) return kr_pickle_skip_consumed(self);
        if (execute(self, (unsigned char)*op) < 0) return -1;
    }
}

PyObject *kr_pickle_load(Unpickler *self) {
    ObjectStack *stack = self->stack;
    if (kr_pickle_is_running(self)) return NULL;
    self->mark_count = 0;
    stack->has_marks = false;
    stack->fence = 0;
    self->protocol = 0;
    stack_truncate(stack, 0);
    stack->running = true;
    kr_gc_begin_building();
    PyObject *result = run(self) < 0 ? NULL : pop(self);
    kr_gc_end_building();
    stack->running = false;
    return result;
}
