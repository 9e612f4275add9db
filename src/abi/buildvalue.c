/* Py_BuildValue and its kin: C values to objects by a format string.
 *
 * A format is a row of units, each of which takes one or two C values; brackets make tuples, lists and dicts.
 * Invariant: every value of the format is taken exactly once even after an error, because `N` hands over a reference which
 * must then be released.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#undef Py_BuildValue
#undef Py_VaBuildValue
#undef _Py_VaBuildStack

PyAPI_FUNC(PyObject *) Py_BuildValue(const char *, ...);
PyAPI_FUNC(PyObject *) Py_VaBuildValue(const char *, va_list);
PyAPI_FUNC(PyObject *) _Py_VaBuildValue_SizeT(const char *, va_list);
PyAPI_FUNC(PyObject **)
    _Py_VaBuildStack(PyObject **small_stack, Py_ssize_t small_stack_len, const char *format, va_list va,
                     Py_ssize_t *p_nargs);

typedef struct Builder {
    const char *format;  /* what is left to read */
    int sizes_are_ssize;
    va_list values;
} Builder;

static PyObject *build_one(Builder *builder);

static int is_separator(char c) { return c == ',' || c == ':' || c == ' ' || c == '\t'; }

/* Returns how many values the format builds before `end`, or -1 with SystemError. */
static Py_ssize_t count_units(const char *format, char end) {
    Py_ssize_t count = 0;
    int depth = 0;
    for (;; format++) {
        if (depth <= 0 && *format == end) return count;
        switch (*format) {
        case '\0':
            PyErr_SetString(PyExc_SystemError, "unmatched paren in format");
            return -1;
        case '(':
        case '[':
        case '{':
            count += depth == 0;
            depth++;
            break;
        case ')':
        case ']':
        case '}':
            depth--;
            break;
        case '#':
        case '&':
        case ',':
        case ':':
        case ' ':
        case '\t':
            break;
        default:
            count += depth == 0;
        }
    }
}

/* Takes and drops `count` values while an exception is set. */
static void drop_values(Builder *builder, Py_ssize_t count) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *dropped = build_one(builder);
        PyErr_Clear();
        Py_XDECREF(dropped);
    }
    PyErr_Restore(type, value, traceback);
}

/* Reads the closing bracket of a group; returns 0, or -1 with SystemError. */
static int close_group(Builder *builder, char end) {
    if (*builder->format != end) {
        PyErr_SetString(PyExc_SystemError, "Unmatched paren in format");
        return -1;
    }
    if (end != '\0') builder->format++;
    return 0;
}

static void drop_group(Builder *builder, Py_ssize_t count, char end) {
    drop_values(builder, count);
    if (end != '\0' && *builder->format == end) builder->format++;
}

/* Builds `count` values into `item`; returns 0, or -1 after dropping the rest (`item` is then empty again). */
static int build_items(Builder *builder, PyObject **item, Py_ssize_t count, char end) {
    for (Py_ssize_t i = 0; i < count; i++) {
        item[i] = build_one(builder);
        if (item[i] == NULL) {
            drop_group(builder, count - i - 1, end);
            while (i-- > 0) Py_CLEAR(item[i]);
            return -1;
        }
    }
    if (close_group(builder, end) < 0) {
        for (Py_ssize_t i = 0; i < count; i++) Py_CLEAR(item[i]);
        return -1;
    }
    return 0;
}

static PyObject *build_tuple(Builder *builder, Py_ssize_t count, char end) {
    if (count < 0) return NULL;
    PyObject *tuple = PyTuple_New(count);
    if (tuple == NULL) {
        drop_group(builder, count, end);
        return NULL;
    }
    if (build_items(builder, ((PyTupleObject *)tuple)->ob_item, count, end) < 0) Py_CLEAR(tuple);
    return tuple;
}

static PyObject *build_list(Builder *builder, Py_ssize_t count) {
    if (count < 0) return NULL;
    PyObject *list = PyList_New(count);
    if (list == NULL) {
        drop_group(builder, count, ']');
        return NULL;
    }
    if (build_items(builder, ((PyListObject *)list)->ob_item, count, ']') < 0) Py_CLEAR(list);
    return list;
}

static PyObject *build_dict(Builder *builder, Py_ssize_t count) {
    if (count < 0) return NULL;
    if (count % 2 != 0) {
        PyErr_SetString(PyExc_SystemError, "Bad dict format");
        drop_group(builder, count, '}');
        return NULL;
    }
    PyObject *dict = PyDict_New();
    if (dict == NULL) {
        drop_group(builder, count, '}');
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i += 2) {
        PyObject *key = build_one(builder);
        if (key == NULL) {
            drop_group(builder, count - i - 1, '}');
            goto failed;
        }
        PyObject *value = build_one(builder);
        int failed = value == NULL || PyDict_SetItem(dict, key, value) < 0;
        Py_DECREF(key);
        Py_XDECREF(value);
        if (failed) {
            drop_group(builder, count - i - 2, '}');
            goto failed;
        }
    }
    if (close_group(builder, '}') < 0) goto failed;
    return dict;

failed:
    Py_DECREF(dict);
    return NULL;
}

/* Reads the size behind a '#', or -1 if the unit has none. Returns 0, or -1 with SystemError. */
static int read_size(Builder *builder, Py_ssize_t *size) {
    *size = -1;
    if (*builder->format != '#') return 0;
    builder->format++;
    if (!builder->sizes_are_ssize) {
        PyErr_SetString(PyExc_SystemError, "PY_SSIZE_T_CLEAN macro must be defined for '#' formats");
        return -1;
    }
    *size = va_arg(builder->values, Py_ssize_t);
    return 0;
}

static PyObject *build_object(Builder *builder, int takes_reference) {
    if (*builder->format == '&') {
        builder->format++;
        typedef PyObject *(*Converter)(void *);
        Converter converter = va_arg(builder->values, Converter);
        void *value = va_arg(builder->values, void *);
        return converter(value);
    }
    PyObject *object = va_arg(builder->values, PyObject *);
    if (object == NULL) {
        /* NULL from a failed call that set an exception is passed on. */
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "NULL object passed to Py_BuildValue");
        return NULL;
    }
    return takes_reference ? object : Py_NewRef(object);
}

static PyObject *build_one(Builder *builder) {
    for (;;) {
        char unit = *builder->format++;
        Py_ssize_t size;
        switch (unit) {
        case '(':
            return build_tuple(builder, count_units(builder->format, ')'), ')');
        case '[':
            return build_list(builder, count_units(builder->format, ']'));
        case '{':
            return build_dict(builder, count_units(builder->format, '}'));
        case 'b':
        case 'B':
        case 'h':
        case 'i':
            return PyLong_FromLong(va_arg(builder->values, int));
        case 'H':
            return PyLong_FromLong((long)va_arg(builder->values, unsigned int));
        case 'I':
            return PyLong_FromUnsignedLong(va_arg(builder->values, unsigned int));
        case 'n':
            return PyLong_FromSsize_t(va_arg(builder->values, Py_ssize_t));
        case 'l':
            return PyLong_FromLong(va_arg(builder->values, long));
        case 'k':
            return PyLong_FromUnsignedLong(va_arg(builder->values, unsigned long));
        case 'L':
            return PyLong_FromLongLong(va_arg(builder->values, long long));
        case 'K':
            return PyLong_FromUnsignedLongLong(va_arg(builder->values, unsigned long long));
        case 'f':
        case 'd':
            return PyFloat_FromDouble(va_arg(builder->values, double));
        case 'D':
            return PyComplex_FromCComplex(*va_arg(builder->values, Py_complex *));
        case 'c': {
            char byte = (char)va_arg(builder->values, int);
            return PyBytes_FromStringAndSize(&byte, 1);
        }
        case 'C':
            return PyUnicode_FromOrdinal(va_arg(builder->values, int));
        case 's':
        case 'z':
        case 'U': {
            const char *text = va_arg(builder->values, const char *);
            if (read_size(builder, &size) < 0) return NULL;
            if (text == NULL) return Py_NewRef(Py_None);
            return PyUnicode_FromStringAndSize(text, size < 0 ? (Py_ssize_t)strlen(text) : size);
        }
        case 'y': {
            const char *bytes = va_arg(builder->values, const char *);
            if (read_size(builder, &size) < 0) return NULL;
            if (bytes == NULL) return Py_NewRef(Py_None);
            return PyBytes_FromStringAndSize(bytes, size < 0 ? (Py_ssize_t)strlen(bytes) : size);
        }
        case 'u': {
            const wchar_t *text = va_arg(builder->values, const wchar_t *);
            if (read_size(builder, &size) < 0) return NULL;
            if (text == NULL) return Py_NewRef(Py_None);
            return PyUnicode_FromWideChar(text, size < 0 ? (Py_ssize_t)wcslen(text) : size);
        }
        case 'N':
            return build_object(builder, 1);
        case 'S':
        case 'O':
            return build_object(builder, 0);
        default:
            if (is_separator(unit)) continue;
            builder->format--;
            PyErr_SetString(PyExc_SystemError, "bad format char passed to Py_BuildValue");
            return NULL;
        }
    }
}

static PyObject *build_value(const char *format, va_list va, int sizes_are_ssize) {
    Py_ssize_t count = count_units(format, '\0');
    if (count < 0) return NULL;
    if (count == 0) Py_RETURN_NONE;
    Builder builder = {.format = format, .sizes_are_ssize = sizes_are_ssize};
    va_copy(builder.values, va);
    PyObject *result = count == 1 ? build_one(&builder) : build_tuple(&builder, count, '\0');
    va_end(builder.values);
    return result;
}

/* Builds the values of a format side by side, for a call. They stand in `small_stack` if it is large enough, else in a
 * PyMem block that the caller frees. */
static PyObject **build_stack(PyObject **small_stack, Py_ssize_t small_stack_len, const char *format, va_list va,
                              int sizes_are_ssize, Py_ssize_t *p_nargs) {
    Py_ssize_t count = count_units(format, '\0');
    if (count < 0) return NULL;
    *p_nargs = 0;
    if (count == 0) return small_stack;
    PyObject **stack = small_stack;
    if (count > small_stack_len) {
        stack = PyMem_Malloc((size_t)count * sizeof(PyObject *));
        if (stack == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
    }
    Builder builder = {.format = format, .sizes_are_ssize = sizes_are_ssize};
    va_copy(builder.values, va);
    int failed = build_items(&builder, stack, count, '\0') < 0;
    va_end(builder.values);
    if (failed) {
        if (stack != small_stack) PyMem_Free(stack);
        return NULL;
    }
    *p_nargs = count;
    return stack;
}

PyObject *Py_VaBuildValue(const char *format, va_list va) { return build_value(format, va, 0); }

PyObject *_Py_VaBuildValue_SizeT(const char *format, va_list va) { return build_value(format, va, 1); }

PyObject *Py_BuildValue(const char *format, ...) {
    va_list va;
    va_start(va, format);
    PyObject *result = build_value(format, va, 0);
    va_end(va);
    return result;
}

PyObject *_Py_BuildValue_SizeT(const char *format, ...) {
    va_list va;
    va_start(va, format);
    PyObject *result = build_value(format, va, 1);
    va_end(va);
    return result;
}

PyObject **_Py_VaBuildStack(PyObject **small_stack, Py_ssize_t small_stack_len, const char *format, va_list va,
                            Py_ssize_t *p_nargs) {
    return build_stack(small_stack, small_stack_len, format, va, 0, p_nargs);
}

PyObject **_Py_VaBuildStack_SizeT(PyObject **small_stack, Py_ssize_t small_stack_len, const char *format, va_list va,
                                  Py_ssize_t *p_nargs) {
    return build_stack(small_stack, small_stack_len, format, va, 1, p_nargs);
}
