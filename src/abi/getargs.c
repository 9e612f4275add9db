/* PyArg_Parse and its kin: positional arguments to C values by a format string; and the small checks of arity.
 *
 * A format is a row of units. Each unit takes one argument object and one to three C targets. The keyword parsers in
 * getargs_keywords.c use the same unit conversion.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "abi/getargs.h"

#include <limits.h>
#include <string.h>

#undef PyArg_Parse
#undef PyArg_ParseTuple
#undef PyArg_VaParse
#undef _PyArg_ParseStack
#undef _PyArg_NoKeywords
#undef _PyArg_NoKwnames
#undef _PyArg_NoPositional
#undef _PyArg_CheckPositional

PyAPI_FUNC(int) PyArg_Parse(PyObject *, const char *, ...);
PyAPI_FUNC(int) PyArg_ParseTuple(PyObject *, const char *, ...);
PyAPI_FUNC(int) PyArg_VaParse(PyObject *, const char *, va_list);
PyAPI_FUNC(int) _PyArg_ParseStack(PyObject *const *args, Py_ssize_t nargs, const char *format, ...);
PyAPI_FUNC(int) _Py_convert_optional_to_ssize_t(PyObject *object, void *result);

static const char size_macro_missing[] = "PY_SSIZE_T_CLEAN macro must be defined for '#' formats";
static const char already_raised[] = "(exception was set)";

/* ---- undoing ---- */

static void undo_converter(void *target, int (*converter)(PyObject *, void *)) { converter(NULL, target); }

static void undo_buffer(void *target, int (*converter)(PyObject *, void *)) { PyBuffer_Release(target); }

static void undo_memory(void *target, int (*converter)(PyObject *, void *)) {
    void **pointer = target;
    PyMem_Free(*pointer);
    *pointer = NULL;
}

static int undo_add(KrArgumentUndo *undo, void *target, void (*action)(void *, int (*)(PyObject *, void *)),
                    int (*converter)(PyObject *, void *)) {
    if (undo->count == undo->capacity) {
        size_t size = (size_t)undo->capacity * sizeof(KrArgumentUndoEntry);
        KrArgumentUndoEntry *entry = PyMem_Malloc(2 * size);
        if (entry == NULL) {
            action(target, converter);
            PyErr_NoMemory();
            return -1;
        }
        memcpy(entry, undo->entry, size);
        if (undo->entry != undo->inline_entry) PyMem_Free(undo->entry);
        undo->entry = entry;
        undo->capacity *= 2;
    }
    undo->entry[undo->count++] = (KrArgumentUndoEntry){target, action, converter};
    return 0;
}

int kr_argument_undo_finish(KrArgumentUndo *undo, int success) {
    if (!success) {
        for (Py_ssize_t i = 0; i < undo->count; i++) {
            undo->entry[i].undo(undo->entry[i].target, undo->entry[i].converter);
        }
    }
    if (undo->entry != undo->inline_entry) PyMem_Free(undo->entry);
    return success;
}

/* ---- messages ---- */

static const char *type_name_of(PyObject *argument) {
    return argument == Py_None ? "None" : Py_TYPE(argument)->tp_name;
}

/* Returns "must be EXPECTED, not TYPE" in the failure record; `expected` in parentheses is a message of its own. */
static const char *mismatch(const char *expected, PyObject *argument, KrArgumentFailure *failure) {
    if (expected[0] == '(') {
        PyOS_snprintf(failure->message, KR_ARGUMENT_MESSAGE_SIZE, "%.100s", expected);
    } else {
        PyOS_snprintf(failure->message, KR_ARGUMENT_MESSAGE_SIZE, "must be %.50s, not %.50s", expected,
                      type_name_of(argument));
    }
    return failure->message;
}

static const char *raise(PyObject *exception, const char *text) {
    PyErr_SetString(exception, text);
    return already_raised;
}

void kr_argument_set_error(Py_ssize_t index, const char *what, const int *items, const char *function,
                           const char *text) {
    if (PyErr_Occurred()) return;
    char buffer[512];
    if (text == NULL) {
        size_t used = 0;
        if (function != NULL) used = (size_t)PyOS_snprintf(buffer, sizeof buffer, "%.200s() ", function);
        used += (size_t)PyOS_snprintf(buffer + used, sizeof buffer - used, "argument");
        if (index != 0) {
            used += (size_t)PyOS_snprintf(buffer + used, sizeof buffer - used, " %zd", index);
            for (int level = 0; level < KR_ARGUMENT_NESTING - 1 && items[level] > 0 && used < 220; level++) {
                used += (size_t)PyOS_snprintf(buffer + used, sizeof buffer - used, ", item %d", items[level] - 1);
            }
        }
        PyOS_snprintf(buffer + used, sizeof buffer - used, " %.256s", what);
        text = buffer;
    }
    /* What stands in parentheses is a mistake of the C code that asked, not of the caller. */
    PyErr_SetString(what[0] == '(' ? PyExc_SystemError : PyExc_TypeError, text);
}

/* ---- format units ---- */

static inline int is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static inline int ends_units(char c) { return c == '\0' || c == ';' || c == ':'; }

const char *kr_argument_unit_end(const char *format) {
    switch (*format++) {
    case '(': {
        int depth = 1;
        for (; depth > 0; format++) {
            if (ends_units(*format)) return NULL;
            depth += (*format == '(') - (*format == ')');
        }
        return format;
    }
    case 'e':
        if (*format != 's' && *format != 't') return NULL;
        format++;
        return format + (*format == '#');
    case 's':
    case 'z':
    case 'y':
        return format + (*format == '#' || *format == '*');
    case 'u':
    case 'Z':
        return format + (*format == '#');
    case 'w':
        return *format == '*' ? format + 1 : NULL;
    case 'O':
        return format + (*format == '!' || *format == '&');
    case 'b': case 'B': case 'h': case 'H': case 'i': case 'I': case 'l': case 'k': case 'L': case 'K': case 'n':
    case 'f': case 'd': case 'D': case 'c': case 'C': case 'p': case 'S': case 'Y': case 'U':
        return format;
    default:
        return NULL;
    }
}

const char *kr_argument_skip(const char **format, KrArgumentTargets *targets, int sizes_are_ssize) {
    const char *unit = *format;
    const char *end = kr_argument_unit_end(unit);
    if (end == NULL) return "impossible<bad format char>";
    if (*unit == '(') {
        const char *inner = unit + 1;
        while (inner < end - 1) {
            const char *problem = kr_argument_skip(&inner, targets, sizes_are_ssize);
            if (problem != NULL) return problem;
        }
    } else {
        if (*unit == 'e' || (*unit == 'O' && end - unit == 2)) (void)va_arg(targets->list, void *);
        (void)va_arg(targets->list, void *);
        if (end[-1] == '#') {
            if (!sizes_are_ssize) return size_macro_missing;
            (void)va_arg(targets->list, Py_ssize_t *);
        }
    }
    *format = end;
    return NULL;
}

/* Fills `view` from an object with a contiguous buffer; returns NULL, or what was expected. */
static const char *contiguous_buffer(PyObject *argument, Py_buffer *view) {
    if (PyObject_GetBuffer(argument, view, PyBUF_SIMPLE) != 0) return "bytes-like object"; /* its own error stays */
    if (!PyBuffer_IsContiguous(view, 'C')) {
        PyBuffer_Release(view);
        return "contiguous buffer";
    }
    return NULL;
}

/* Borrows the memory of an object whose buffer needs no release. Returns its size, or -1 with *expected set. */
static Py_ssize_t borrowed_buffer(PyObject *argument, const void **data, const char **expected) {
    PyBufferProcs *procs = Py_TYPE(argument)->tp_as_buffer;
    *expected = NULL;
    if (procs != NULL && procs->bf_releasebuffer != NULL) {
        *expected = "read-only bytes-like object";
        return -1;
    }
    Py_buffer view;
    *expected = contiguous_buffer(argument, &view);
    if (*expected != NULL) return -1;
    Py_ssize_t size = view.len;
    *data = view.buf;
    PyBuffer_Release(&view);
    return size;
}

/* The units s s# s* z z# z* y y# y*: `kind` is the letter. */
static const char *convert_text(char kind, char modifier, PyObject *argument, KrArgumentTargets *targets,
                                int sizes_are_ssize, KrArgumentFailure *failure, KrArgumentUndo *undo) {
    int accepts_text = kind != 'y';
    if (modifier == '*') {
        Py_buffer *view = va_arg(targets->list, Py_buffer *);
        if (kind == 'z' && argument == Py_None) {
            PyBuffer_FillInfo(view, NULL, NULL, 0, 1, 0);
        } else if (accepts_text && PyUnicode_Check(argument)) {
            Py_ssize_t size;
            const char *text = PyUnicode_AsUTF8AndSize(argument, &size);
            if (text == NULL) return mismatch("(unicode conversion error)", argument, failure);
            PyBuffer_FillInfo(view, argument, (void *)text, size, 1, 0);
        } else {
            const char *expected = contiguous_buffer(argument, view);
            if (expected != NULL) return mismatch(expected, argument, failure);
        }
        return undo_add(undo, view, undo_buffer, NULL) < 0 ? already_raised : NULL;
    }

    const char **target = va_arg(targets->list, const char **);
    Py_ssize_t *size_target = NULL;
    if (modifier == '#') {
        if (!sizes_are_ssize) return raise(PyExc_SystemError, size_macro_missing);
        size_target = va_arg(targets->list, Py_ssize_t *);
    }
    if (kind == 'z' && argument == Py_None) {
        *target = NULL;
        if (size_target != NULL) *size_target = 0;
        return NULL;
    }
    const void *data;
    Py_ssize_t size;
    if (accepts_text && PyUnicode_Check(argument)) {
        data = PyUnicode_AsUTF8AndSize(argument, &size);
        if (data == NULL) return mismatch("(unicode conversion error)", argument, failure);
    } else if (accepts_text && modifier != '#') {
        return mismatch(kind == 'z' ? "str or None" : "str", argument, failure);
    } else {
        const char *expected;
        size = borrowed_buffer(argument, &data, &expected);
        if (size < 0) {
            return mismatch(expected, argument, failure);
        }
    }
    if (size_target != NULL) {
        *size_target = size;
    } else if (strlen(data) != (size_t)size) {
        return raise(PyExc_ValueError, accepts_text ? "embedded null character" : "embedded null byte");
    }
    *target = data;
    return NULL;
}

/* The deprecated units u u# Z Z#: a borrowed wchar_t representation. */
static const char *convert_wide(char kind, char modifier, PyObject *argument, KrArgumentTargets *targets,
                                int sizes_are_ssize, KrArgumentFailure *failure) {
    if (PyErr_WarnFormat(PyExc_DeprecationWarning, 1, "getargs: The '%c' format is deprecated. Use 'U' instead.",
                         kind)) {
        return already_raised;
    }
    const wchar_t **target = va_arg(targets->list, const wchar_t **);
    Py_ssize_t *size_target = NULL;
    if (modifier == '#') {
        if (!sizes_are_ssize) return raise(PyExc_SystemError, size_macro_missing);
        size_target = va_arg(targets->list, Py_ssize_t *);
    }
    if (kind == 'Z' && argument == Py_None) {
        *target = NULL;
        if (size_target != NULL) *size_target = 0;
        return NULL;
    }
    if (!PyUnicode_Check(argument)) return mismatch(kind == 'Z' ? "str or None" : "str", argument, failure);
    Py_ssize_t size;
    _Py_COMP_DIAG_PUSH
    _Py_COMP_DIAG_IGNORE_DEPR_DECLS
    *target = PyUnicode_AsUnicodeAndSize(argument, &size);
    _Py_COMP_DIAG_POP
    if (*target == NULL) return mismatch("(unicode conversion error)", argument, failure);
    if (size_target != NULL) {
        *size_target = size;
    } else if (wcslen(*target) != (size_t)size) {
        return raise(PyExc_ValueError, "embedded null character");
    }
    return NULL;
}

/* The units es et es# et#: text encoded into memory that the caller frees, or into the caller's buffer. */
static const char *convert_encoded(char kind, char modifier, PyObject *argument, KrArgumentTargets *targets,
                                   int sizes_are_ssize, KrArgumentFailure *failure, KrArgumentUndo *undo) {
    const char *encoding = va_arg(targets->list, const char *);
    char **target = va_arg(targets->list, char **);
    Py_ssize_t *size_target = NULL;
    if (encoding == NULL) encoding = "utf-8";
    if (target == NULL) return mismatch("(buffer is NULL)", argument, failure);
    if (modifier == '#') {
        if (!sizes_are_ssize) return raise(PyExc_SystemError, size_macro_missing);
        size_target = va_arg(targets->list, Py_ssize_t *);
        if (size_target == NULL) return mismatch("(buffer_len is NULL)", argument, failure);
    }

    PyObject *encoded = NULL;
    const char *data;
    Py_ssize_t size;
    if (kind == 't' && PyBytes_Check(argument)) {
        encoded = Py_NewRef(argument);
        data = PyBytes_AS_STRING(encoded);
        size = PyBytes_GET_SIZE(encoded);
    } else if (kind == 't' && PyByteArray_Check(argument)) {
        encoded = Py_NewRef(argument);
        data = PyByteArray_AS_STRING(encoded);
        size = PyByteArray_GET_SIZE(encoded);
    } else if (PyUnicode_Check(argument)) {
        encoded = PyUnicode_AsEncodedString(argument, encoding, NULL);
        if (encoded == NULL) return mismatch("(encoding failed)", argument, failure);
        data = PyBytes_AS_STRING(encoded);
        size = PyBytes_GET_SIZE(encoded);
    } else {
        return mismatch(kind == 's' ? "str" : "str, bytes or bytearray", argument, failure);
    }

    const char *problem = NULL;
    if (size_target == NULL && strlen(data) != (size_t)size) {
        problem = mismatch("encoded string without null bytes", argument, failure);
    } else if (size_target != NULL && *target != NULL) {
        if (size >= *size_target) {
            PyErr_Format(PyExc_ValueError, "encoded string too long (%zd, maximum length %zd)", size, *size_target - 1);
            problem = already_raised;
        }
    } else {
        char *block = PyMem_Malloc((size_t)size + 1);
        if (block == NULL) {
            PyErr_NoMemory();
            problem = already_raised;
        } else {
            *target = block;
            if (undo_add(undo, target, undo_memory, NULL) < 0) problem = already_raised;
        }
    }
    if (problem == NULL) {
        memcpy(*target, data, (size_t)size);
        (*target)[size] = '\0';
        if (size_target != NULL) *size_target = size;
    }
    Py_DECREF(encoded);
    return problem;
}

/* Reads an int argument and checks it against the range of a C type with the name `type`. */
static const char *convert_ranged(PyObject *argument, long low, long high, const char *type, long *value) {
    *value = PyLong_AsLong(argument);
    if (*value == -1 && PyErr_Occurred()) return already_raised;
    if (*value >= low && *value <= high) return NULL;
    PyErr_Format(PyExc_OverflowError, "%s integer is %s", type,
                 *value < low ? "less than minimum" : "greater than maximum");
    return already_raised;
}

static const char *convert_one(PyObject *argument, const char **format, KrArgumentTargets *targets,
                               int sizes_are_ssize, KrArgumentFailure *failure, KrArgumentUndo *undo) {
    const char *unit = *format;
    const char *end = kr_argument_unit_end(unit);
    if (end == NULL) {
        const char *problem = *unit == 'e'   ? "(unknown parser marker combination)"
                              : *unit == 'w' ? "(invalid use of 'w' format character)"
                                             : "(impossible<bad format char>)";
        return mismatch(problem, argument, failure);
    }
    *format = end;
    char modifier = end - unit > 1 ? end[-1] : '\0';
    const char *problem;
    long value;

    switch (*unit) {
    case 'O':
        if (modifier == '!') {
            PyTypeObject *type = va_arg(targets->list, PyTypeObject *);
            PyObject **target = va_arg(targets->list, PyObject **);
            if (!PyType_IsSubtype(Py_TYPE(argument), type)) return mismatch(type->tp_name, argument, failure);
            *target = argument;
        } else if (modifier == '&') {
            typedef int (*Converter)(PyObject *, void *);
            Converter converter = va_arg(targets->list, Converter);
            void *target = va_arg(targets->list, void *);
            int result = converter(argument, target);
            if (result == 0) return mismatch("(unspecified)", argument, failure);
            if (result == Py_CLEANUP_SUPPORTED && undo_add(undo, target, undo_converter, converter) < 0) {
                return already_raised;
            }
        } else {
            *va_arg(targets->list, PyObject **) = argument;
        }
        return NULL;
    case 's':
    case 'z':
    case 'y':
        return convert_text(*unit, modifier, argument, targets, sizes_are_ssize, failure, undo);
    case 'u':
    case 'Z':
        return convert_wide(*unit, modifier, argument, targets, sizes_are_ssize, failure);
    case 'e':
        return convert_encoded(unit[1], modifier, argument, targets, sizes_are_ssize, failure, undo);
    case 'U':
        if (!PyUnicode_Check(argument)) return mismatch("str", argument, failure);
        *va_arg(targets->list, PyObject **) = argument;
        return NULL;
    case 'S':
        if (!PyBytes_Check(argument)) return mismatch("bytes", argument, failure);
        *va_arg(targets->list, PyObject **) = argument;
        return NULL;
    case 'Y':
        if (!PyByteArray_Check(argument)) return mismatch("bytearray", argument, failure);
        *va_arg(targets->list, PyObject **) = argument;
        return NULL;
    case 'w': {
        Py_buffer *view = va_arg(targets->list, Py_buffer *);
        if (PyObject_GetBuffer(argument, view, PyBUF_WRITABLE) < 0) {
            PyErr_Clear();
            return mismatch("read-write bytes-like object", argument, failure);
        }
        if (!PyBuffer_IsContiguous(view, 'C')) {
            PyBuffer_Release(view);
            return mismatch("contiguous buffer", argument, failure);
        }
        return undo_add(undo, view, undo_buffer, NULL) < 0 ? already_raised : NULL;
    }
    case 'b': {
        unsigned char *target = va_arg(targets->list, unsigned char *);
        problem = convert_ranged(argument, 0, UCHAR_MAX, "unsigned byte", &value);
        if (problem == NULL) *target = (unsigned char)value;
        return problem;
    }
    case 'h': {
        short *target = va_arg(targets->list, short *);
        problem = convert_ranged(argument, SHRT_MIN, SHRT_MAX, "signed short", &value);
        if (problem == NULL) *target = (short)value;
        return problem;
    }
    case 'i': {
        int *target = va_arg(targets->list, int *);
        problem = convert_ranged(argument, INT_MIN, INT_MAX, "signed", &value);
        if (problem == NULL) *target = (int)value;
        return problem;
    }
    case 'B':
    case 'H':
    case 'I': {
        void *target = va_arg(targets->list, void *);
        unsigned long bits = PyLong_AsUnsignedLongMask(argument);
        if (bits == (unsigned long)-1 && PyErr_Occurred()) return already_raised;
        if (*unit == 'B') *(unsigned char *)target = (unsigned char)bits;
        if (*unit == 'H') *(unsigned short *)target = (unsigned short)bits;
        if (*unit == 'I') *(unsigned int *)target = (unsigned int)bits;
        return NULL;
    }
    case 'n': {
        Py_ssize_t *target = va_arg(targets->list, Py_ssize_t *);
        PyObject *index = PyNumber_Index(argument);
        if (index == NULL) return already_raised;
        Py_ssize_t number = PyLong_AsSsize_t(index);
        Py_DECREF(index);
        if (number == -1 && PyErr_Occurred()) return already_raised;
        *target = number;
        return NULL;
    }
    case 'l': {
        long *target = va_arg(targets->list, long *);
        value = PyLong_AsLong(argument);
        if (value == -1 && PyErr_Occurred()) return already_raised;
        *target = value;
        return NULL;
    }
    case 'k': {
        unsigned long *target = va_arg(targets->list, unsigned long *);
        if (!PyLong_Check(argument)) return mismatch("int", argument, failure);
        *target = PyLong_AsUnsignedLongMask(argument);
        return NULL;
    }
    case 'L': {
        long long *target = va_arg(targets->list, long long *);
        long long number = PyLong_AsLongLong(argument);
        if (number == -1 && PyErr_Occurred()) return already_raised;
        *target = number;
        return NULL;
    }
    case 'K': {
        unsigned long long *target = va_arg(targets->list, unsigned long long *);
        if (!PyLong_Check(argument)) return mismatch("int", argument, failure);
        *target = PyLong_AsUnsignedLongLongMask(argument);
        return NULL;
    }
    case 'f':
    case 'd': {
        void *target = va_arg(targets->list, void *);
        double number = PyFloat_AsDouble(argument);
        if (number == -1.0 && PyErr_Occurred()) return already_raised;
        if (*unit == 'f') *(float *)target = (float)number;
        if (*unit == 'd') *(double *)target = number;
        return NULL;
    }
    case 'D': {
        Py_complex *target = va_arg(targets->list, Py_complex *);
        Py_complex number = PyComplex_AsCComplex(argument);
        if (PyErr_Occurred()) return already_raised;
        *target = number;
        return NULL;
    }
    case 'c': {
        char *target = va_arg(targets->list, char *);
        if (PyBytes_Check(argument) && PyBytes_GET_SIZE(argument) == 1) {
            *target = PyBytes_AS_STRING(argument)[0];
        } else if (PyByteArray_Check(argument) && PyByteArray_GET_SIZE(argument) == 1) {
            *target = PyByteArray_AS_STRING(argument)[0];
        } else {
            return mismatch("a byte string of length 1", argument, failure);
        }
        return NULL;
    }
    case 'C': {
        int *target = va_arg(targets->list, int *);
        if (!PyUnicode_Check(argument)) return mismatch("a unicode character", argument, failure);
        if (PyUnicode_READY(argument)) return already_raised;
        if (PyUnicode_GET_LENGTH(argument) != 1) return mismatch("a unicode character", argument, failure);
        *target = (int)PyUnicode_READ_CHAR(argument, 0);
        return NULL;
    }
    case 'p': {
        int *target = va_arg(targets->list, int *);
        int truth = PyObject_IsTrue(argument);
        if (truth < 0) return already_raised;
        *target = truth;
        return NULL;
    }
    default:
        Py_UNREACHABLE();
    }
}

/* Converts the items of a sequence by the units of a parenthesised group. *format is behind the '('. */
static const char *convert_group(PyObject *argument, const char **format, KrArgumentTargets *targets,
                                 int sizes_are_ssize, KrArgumentFailure *failure, int depth, KrArgumentUndo *undo) {
    const char *start = *format;
    int expected = 0;
    for (const char *unit = start; *unit != ')';) {
        const char *end = kr_argument_unit_end(unit);
        if (end == NULL) {
            failure->item[depth] = 0;
            return mismatch("(impossible<bad format char>)", argument, failure);
        }
        unit = end;
        expected++;
    }
    failure->item[depth] = 0;
    if (!PySequence_Check(argument) || PyBytes_Check(argument)) {
        PyOS_snprintf(failure->message, KR_ARGUMENT_MESSAGE_SIZE, "must be %d-item sequence, not %.50s", expected,
                      type_name_of(argument));
        return failure->message;
    }
    Py_ssize_t size = PySequence_Size(argument);
    if (size != expected) {
        PyOS_snprintf(failure->message, KR_ARGUMENT_MESSAGE_SIZE, "must be sequence of length %d, not %zd", expected,
                      size);
        return failure->message;
    }
    for (int i = 0; i < expected; i++) {
        PyObject *item = PySequence_GetItem(argument, i);
        if (item == NULL) {
            PyErr_Clear();
            failure->item[depth] = i + 1;
            if (depth + 1 < KR_ARGUMENT_NESTING) failure->item[depth + 1] = 0;
            return strcpy(failure->message, "is not retrievable");
        }
        const char *problem;
        if (**format == '(') {
            if (depth + 1 >= KR_ARGUMENT_NESTING) {
                Py_DECREF(item);
                return raise(PyExc_SystemError, "too many tuple nesting levels in argument format string");
            }
            ++*format;
            problem = convert_group(item, format, targets, sizes_are_ssize, failure, depth + 1, undo);
        } else {
            problem = convert_one(item, format, targets, sizes_are_ssize, failure, undo);
            if (problem != NULL && depth + 1 < KR_ARGUMENT_NESTING) failure->item[depth + 1] = 0;
        }
        /* The sequence keeps the item alive, as the documentation of "(items)" demands of callers. */
        Py_DECREF(item);
        if (problem != NULL) {
            failure->item[depth] = i + 1;
            return problem;
        }
    }
    ++*format;
    return NULL;
}

const char *kr_argument_convert(PyObject *argument, const char **format, KrArgumentTargets *targets, int sizes_are_ssize,
                                KrArgumentFailure *failure, KrArgumentUndo *undo) {
    if (**format == '(') {
        ++*format;
        return convert_group(argument, format, targets, sizes_are_ssize, failure, 0, undo);
    }
    const char *problem = convert_one(argument, format, targets, sizes_are_ssize, failure, undo);
    if (problem != NULL) failure->item[0] = 0;
    return problem;
}

/* ---- positional formats ---- */

typedef struct PositionalFormat {
    int least;
    int most;
    const char *function; /* after ':' */
    const char *text;     /* after ';' */
} PositionalFormat;

/* Counts the units of a positional format; returns 0, or -1 with SystemError. */
static int positional_format_read(const char *format, PositionalFormat *result) {
    int depth = 0;
    *result = (PositionalFormat){-1, 0, NULL, NULL};
    for (;; format++) {
        char c = *format;
        if (c == '\0') break;
        if (c == ':') {
            result->function = format + 1;
            break;
        }
        if (c == ';') {
            result->text = format + 1;
            break;
        }
        if (c == '(') {
            if (depth == 0) result->most++;
            if (++depth >= KR_ARGUMENT_NESTING - 2) {
                PyErr_SetString(PyExc_SystemError, "too many tuple nesting levels in argument format string");
                return -1;
            }
        } else if (c == ')') {
            if (depth-- == 0) {
                PyErr_SetString(PyExc_SystemError, "excess ')' in getargs format");
                return -1;
            }
        } else if (c == '|') {
            if (depth == 0) result->least = result->most;
        } else if (depth == 0 && c != 'e' && is_ascii_letter(c)) {
            result->most++;
        }
    }
    if (depth != 0) {
        PyErr_SetString(PyExc_SystemError, "missing ')' in getargs format");
        return -1;
    }
    if (result->least < 0) result->least = result->most;
    return 0;
}

static int wrong_count(const PositionalFormat *shape, Py_ssize_t count) {
    if (shape->text != NULL) {
        PyErr_SetString(PyExc_TypeError, shape->text);
        return 0;
    }
    int few = count < shape->least;
    int limit = few ? shape->least : shape->most;
    PyErr_Format(PyExc_TypeError, "%.150s%s takes %s %d argument%s (%zd given)",
                 shape->function == NULL ? "function" : shape->function, shape->function == NULL ? "" : "()",
                 shape->least == shape->most ? "exactly"
                 : few                       ? "at least"
                                             : "at most",
                 limit, limit == 1 ? "" : "s", count);
    return 0;
}

static int parse_positional(PyObject *const *arguments, Py_ssize_t count, const char *format, va_list va,
                            int sizes_are_ssize) {
    PositionalFormat shape;
    if (positional_format_read(format, &shape) < 0) return 0;
    if (count < shape.least || count > shape.most) return wrong_count(&shape, count);

    KrArgumentTargets targets;
    KrArgumentFailure failure;
    KrArgumentUndo undo;
    kr_argument_undo_init(&undo);
    va_copy(targets.list, va);
    const char *whole = format;
    int success = 1;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (*format == '|') format++;
        const char *problem = kr_argument_convert(arguments[i], &format, &targets, sizes_are_ssize, &failure, &undo);
        if (problem != NULL) {
            kr_argument_set_error(i + 1, problem, failure.item, shape.function, shape.text);
            success = 0;
            break;
        }
    }
    if (success && !ends_units(*format) && !is_ascii_letter(*format) && *format != '(' && *format != '|') {
        PyErr_Format(PyExc_SystemError, "bad format string: %.200s", whole);
        success = 0;
    }
    va_end(targets.list);
    return kr_argument_undo_finish(&undo, success);
}

static int parse_tuple(PyObject *arguments, const char *format, va_list va, int sizes_are_ssize) {
    if (!PyTuple_Check(arguments)) {
        PyErr_SetString(PyExc_SystemError, "new style getargs format but argument is not a tuple");
        return 0;
    }
    return parse_positional(((PyTupleObject *)arguments)->ob_item, PyTuple_GET_SIZE(arguments), format, va,
                            sizes_are_ssize);
}

/* PyArg_Parse: the argument itself is the one value that the format describes. */
static int parse_single(PyObject *argument, const char *format, va_list va, int sizes_are_ssize) {
    PositionalFormat shape;
    if (positional_format_read(format, &shape) < 0) return 0;
    const char *name = shape.function == NULL ? "function" : shape.function;
    const char *parentheses = shape.function == NULL ? "" : "()";
    if (shape.most == 0) {
        if (argument == NULL) return 1;
        PyErr_Format(PyExc_TypeError, "%.200s%s takes no arguments", name, parentheses);
        return 0;
    }
    if (shape.least != 1 || shape.most != 1) {
        PyErr_SetString(PyExc_SystemError, "old style getargs format uses new features");
        return 0;
    }
    if (argument == NULL) {
        PyErr_Format(PyExc_TypeError, "%.200s%s takes at least one argument", name, parentheses);
        return 0;
    }
    KrArgumentTargets targets;
    KrArgumentFailure failure;
    KrArgumentUndo undo;
    kr_argument_undo_init(&undo);
    va_copy(targets.list, va);
    const char *problem = kr_argument_convert(argument, &format, &targets, sizes_are_ssize, &failure, &undo);
    if (problem != NULL) kr_argument_set_error(failure.item[0], problem, failure.item + 1, shape.function, shape.text);
    va_end(targets.list);
    return kr_argument_undo_finish(&undo, problem == NULL);
}

int PyArg_Parse(PyObject *args, const char *format, ...) { WITH_VARIADIC(format, parse_single(args, format, va, 0)); }

int _PyArg_Parse_SizeT(PyObject *args, const char *format, ...) {
    WITH_VARIADIC(format, parse_single(args, format, va, 1));
}

int PyArg_ParseTuple(PyObject *args, const char *format, ...) {
    WITH_VARIADIC(format, parse_tuple(args, format, va, 0));
}

int _PyArg_ParseTuple_SizeT(PyObject *args, const char *format, ...) {
    WITH_VARIADIC(format, parse_tuple(args, format, va, 1));
}

int _PyArg_ParseStack(PyObject *const *args, Py_ssize_t nargs, const char *format, ...) {
    WITH_VARIADIC(format, parse_positional(args, nargs, format, va, 0));
}

int _PyArg_ParseStack_SizeT(PyObject *const *args, Py_ssize_t nargs, const char *format, ...) {
    WITH_VARIADIC(format, parse_positional(args, nargs, format, va, 1));
}

int PyArg_VaParse(PyObject *args, const char *format, va_list va) { return parse_tuple(args, format, va, 0); }

int _PyArg_VaParse_SizeT(PyObject *args, const char *format, va_list va) { return parse_tuple(args, format, va, 1); }

/* ---- arity and type checks ---- */

int _PyArg_CheckPositional(const char *name, Py_ssize_t nargs, Py_ssize_t min, Py_ssize_t max) {
    if (nargs >= min && nargs <= max) return 1;
    int few = nargs < min;
    Py_ssize_t limit = few ? min : max;
    const char *relation = min == max ? "" : few ? "at least " : "at most ";
    if (name != NULL) {
        PyErr_Format(PyExc_TypeError, "%.200s expected %s%zd argument%s, got %zd", name, relation, limit,
                     limit == 1 ? "" : "s", nargs);
    } else {
        PyErr_Format(PyExc_TypeError, "unpacked tuple should have %s%zd element%s, but has %zd", relation, limit,
                     limit == 1 ? "" : "s", nargs);
    }
    return 0;
}

static int unpack(PyObject *const *arguments, Py_ssize_t count, const char *name, Py_ssize_t min, Py_ssize_t max,
                  va_list va) {
    if (!_PyArg_CheckPositional(name, count, min, max)) return 0;
    for (Py_ssize_t i = 0; i < count; i++) *va_arg(va, PyObject **) = arguments[i];
    return 1;
}

int PyArg_UnpackTuple(PyObject *args, const char *name, Py_ssize_t min, Py_ssize_t max, ...) {
    if (!PyTuple_Check(args)) {
        PyErr_SetString(PyExc_SystemError, "PyArg_UnpackTuple() argument list is not a tuple");
        return 0;
    }
    WITH_VARIADIC(max, unpack(((PyTupleObject *)args)->ob_item, PyTuple_GET_SIZE(args), name, min, max, va));
}

int _PyArg_UnpackStack(PyObject *const *args, Py_ssize_t nargs, const char *name, Py_ssize_t min, Py_ssize_t max,
                       ...) {
    WITH_VARIADIC(max, unpack(args, nargs, name, min, max, va));
}

int _PyArg_NoKeywords(const char *funcname, PyObject *kwargs) {
    if (kwargs == NULL) return 1;
    if (!PyDict_CheckExact(kwargs)) {
        PyErr_BadInternalCall();
        return 0;
    }
    if (PyDict_GET_SIZE(kwargs) == 0) return 1;
    PyErr_Format(PyExc_TypeError, "%.200s() takes no keyword arguments", funcname);
    return 0;
}

int _PyArg_NoKwnames(const char *funcname, PyObject *kwnames) {
    if (kwnames == NULL || PyTuple_GET_SIZE(kwnames) == 0) return 1;
    PyErr_Format(PyExc_TypeError, "%s() takes no keyword arguments", funcname);
    return 0;
}

int _PyArg_NoPositional(const char *funcname, PyObject *args) {
    if (args == NULL) return 1;
    if (!PyTuple_CheckExact(args)) {
        PyErr_BadInternalCall();
        return 0;
    }
    if (PyTuple_GET_SIZE(args) == 0) return 1;
    PyErr_Format(PyExc_TypeError, "%.200s() takes no positional arguments", funcname);
    return 0;
}

void _PyArg_BadArgument(const char *fname, const char *displayname, const char *expected, PyObject *arg) {
    PyErr_Format(PyExc_TypeError, "%.200s() %.200s must be %.50s, not %.50s", fname, displayname, expected,
                 type_name_of(arg));
}

/* An `O&` converter: None leaves the target alone, anything with __index__ becomes a Py_ssize_t. */
int _Py_convert_optional_to_ssize_t(PyObject *object, void *result) {
    if (object == Py_None) return 1;
    if (!PyIndex_Check(object)) {
        PyErr_Format(PyExc_TypeError, "argument should be integer or None, not '%.200s'", Py_TYPE(object)->tp_name);
        return 0;
    }
    Py_ssize_t value = PyNumber_AsSsize_t(object, PyExc_OverflowError);
    if (value == -1 && PyErr_Occurred()) return 0;
    *(Py_ssize_t *)result = value;
    return 1;
}
